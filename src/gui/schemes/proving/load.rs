//! Load profiles that can be run: out of what is stored, and out of CSV files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::gui::data::{Slice, reader};
use crate::gui::readings::series::{Kind as ChannelKind, Measure, series};
use crate::scheme::{IntervalRow, IntervalSeries, Source, read_profile};
use crate::store::StoredProfile;

/// Largest CSV file, in octets: minutes of ten years.
const LARGEST_CSV: u64 = 512 << 20;

/// A load profile that can be run.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) series: Arc<IntervalSeries>,
    /// What is worth a word.
    pub(super) notes: Vec<String>,
    /// What it was made of.
    pub(super) of: Made,
}

#[derive(Clone, Debug)]
pub(super) enum Made {
    Stored(Arc<Slice>),
    File(PathBuf),
}

impl Made {
    /// Whether both are the same.
    pub(super) fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Stored(one), Self::Stored(two)) => Arc::ptr_eq(one, two),
            (Self::File(one), Self::File(two)) => one == two,
            _ => false,
        }
    }
}

/// The energies of a stored profile: which source, which channel; each source once.
pub(super) fn sources(profile: &StoredProfile) -> Vec<(Source, usize)> {
    let mut found: Vec<(Source, usize)> = Vec::new();
    for (at, channel) in profile.layout.channels.iter().enumerate() {
        let is_energy = ChannelKind::of(channel) != ChannelKind::Level && channel.obis.a() == 1;
        let source = Source::measured().find(|source| source.obis_c() == Some(channel.obis.c()));
        if let Some(source) =
            source.filter(|source| is_energy && found.iter().all(|(known, _)| known != source))
        {
            found.push((source, at));
        }
    }
    found
}

/// Of stored rows.
pub(super) fn from_store(
    slice: &Arc<Slice>,
    profile: &StoredProfile,
    scheme_side: crate::model::Side,
) -> Result<Loaded, String> {
    let mut notes = Vec::new();
    let mut columns = Vec::new();
    for (source, at) in sources(profile) {
        match series(slice, &profile.layout, at, Measure::Energy).filter(|series| series.adds_up) {
            Some(series) => columns.push((source, series.values)),
            None => {
                notes.push(format!("{source} is left out: its power cannot be made energy without rounding"))
            }
        }
    }
    if columns.is_empty() || slice.rows.is_empty() {
        return Err("nothing is stored of these days: choose others, or read the meter".to_owned());
    }
    let side = profile.layout.channels.first().map(|channel| channel.side);
    if let Some(side) = side.filter(|side| *side != scheme_side) {
        notes.push(format!(
            "The stored profile is {}, the scheme's registers count {}: figures below are {}",
            side.name(),
            scheme_side.name(),
            side.name()
        ));
    }
    let energy = |at: usize| columns.iter().map(|(_, values)| values.get(at).copied().flatten()).collect();
    let rows =
        slice.rows.iter().enumerate().map(|(at, row)| IntervalRow { end: row.end, energy: energy(at) });
    let series =
        IntervalSeries { rows: rows.collect(), sources: columns.iter().map(|(source, _)| *source).collect() };
    Ok(Loaded { series: Arc::new(series), notes, of: Made::Stored(Arc::clone(slice)) })
}

/// Of a CSV file.
pub(super) fn from_file(path: &Path) -> Result<Loaded, String> {
    let series = slips(path, |bytes| read_profile(bytes))?;
    Ok(Loaded { series: Arc::new(series), notes: Vec::new(), of: Made::File(path.to_owned()) })
}

/// Reads a CSV file; slips are told by line.
pub(super) fn slips<T, E: ToString>(
    path: &Path,
    read: impl FnOnce(&[u8]) -> Result<T, Vec<E>>,
) -> Result<T, String> {
    let bytes = reader::bytes(path, LARGEST_CSV)?;
    read(&bytes).map_err(|slips| {
        let lines: Vec<String> = slips.iter().map(ToString::to_string).collect();
        format!("{} cannot be used\n{}", path.display(), lines.join("\n"))
    })
}
