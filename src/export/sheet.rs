//! What long and wide files have in common: columns, records, and the lines above the table.

use std::io::{self, Write};

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::model::{
    BillingSet, Channel, Gap, IntervalStatus, Obis, Quality, RatioPeriod, ReadingValue, RegisterReading,
    Side, Transformers, Unit, counted,
};
use crate::store::{StoreError, StoreReader};

use super::missing::{MissingInterval, Reckoned, missing_intervals};
use super::{Export, ExportError, JoinedProfile, Part, Readings, SideView, SidedColumns, zone_of};

/// Longest span whose rows are in memory at once.
const CHUNK: SignedDuration = SignedDuration::from_hours(24 * 31);

/// One column of a wide file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) obis: Obis,
    /// Tells apart two values under one code: a demand's value from its capture time.
    pub(super) attribute: u8,
    pub(super) name: String,
    pub(super) unit: Unit,
    pub(super) side: Side,
}

impl Column {
    pub(super) fn of_channel(channel: &Channel) -> Self {
        Self {
            obis: channel.obis,
            attribute: channel.attribute,
            name: channel.name.clone(),
            unit: channel.scaler_unit.unit,
            side: channel.side,
        }
    }

    pub(super) fn of_register(reading: &RegisterReading) -> Self {
        Self {
            obis: reading.obis,
            attribute: reading.attribute,
            name: reading.name.clone(),
            unit: reading.unit,
            side: reading.side,
        }
    }

    /// Whether two values may stand in one column. Names may differ: templates may.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        (self.obis, self.attribute, self.unit, self.side)
            == (other.obis, other.attribute, other.unit, other.side)
    }
}

/// One instant of one meter.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) at: Timestamp,
    pub(super) status: IntervalStatus,
    pub(super) raw_status: Option<u64>,
    pub(super) quality: Quality,
    /// Why the whole interval is missing, in a word.
    pub(super) gap: Option<&'static str>,
    pub(super) cells: Vec<(Column, Option<ReadingValue>)>,
}

impl Record {
    /// The quality of one of its values.
    pub(super) const fn quality_of(&self, value: Option<&ReadingValue>) -> Quality {
        match value {
            // The meter gave something there, if no number.
            None if self.status.contains(IntervalStatus::VALUE_UNREADABLE) => Quality::Suspect,
            None | Some(ReadingValue::Absent) => Quality::Missing,
            Some(_) => self.quality,
        }
    }

    pub(super) fn status_hex(&self) -> String {
        self.raw_status.map(|raw| format!("{raw:02X}")).unwrap_or_default()
    }
}

/// The period of a part as two instants.
fn bounds(part: &Part) -> (Timestamp, Timestamp) {
    (part.from.unwrap_or(Timestamp::MIN), part.to.unwrap_or(Timestamp::MAX))
}

/// Gives every record of a part to `each`, oldest first, without holding all of them.
pub(super) fn records(
    export: &Export,
    (part, gaps): (&Part, &[Gap]),
    store: &StoreReader,
    each: &mut dyn FnMut(&Record) -> Result<(), ExportError>,
) -> Result<(), ExportError> {
    match export.readings {
        Readings::Profile => profile_records(export, (part, gaps), store, each),
        Readings::Registers => {
            let view = export.view(store, part.meter.id)?;
            for reading in registers(part, store)? {
                each(&register_record(&view.register(&reading).reading))?;
            }
            Ok(())
        }
        Readings::Billing => {
            let (from, to) = bounds(part);
            let view = export.view(store, part.meter.id)?;
            for mut set in store.billing(part.meter.id, from, to)? {
                set.registers = view.billing(&set).into_iter().map(|sided| sided.reading).collect();
                each(&billing_record(&set))?;
            }
            Ok(())
        }
        Readings::Events => Ok(()),
    }
}

/// A profile on the sides that are shown.
pub(super) struct SidedProfile<'g> {
    joined: JoinedProfile,
    view: SideView,
    pub(super) columns: SidedColumns,
    /// Rows after the one instant and up to the other.
    span: (Timestamp, Timestamp),
    /// What is missing, where that is to be written.
    gaps: &'g [Gap],
}

impl<'g> SidedProfile<'g> {
    /// The profile of a part; nothing where none is stored.
    pub(super) fn load(
        export: &Export,
        (part, gaps): (&Part, &'g [Gap]),
        store: &StoreReader,
    ) -> Result<Option<Self>, ExportError> {
        let id = part.meter.id;
        let stored = store.profiles(id)?;
        let Some(joined) = JoinedProfile::load(store, id, export.profile)? else { return Ok(None) };
        let spans = stored.iter().filter(|profile| profile.layout.obis == joined.obis).filter_map(|p| p.span);
        let Some((first, last)) = spans.reduce(|all, span| (all.0.min(span.0), all.1.max(span.1))) else {
            return Ok(None);
        };
        let (from, to) = bounds(part);
        // The period is open at its beginning: a moment before the first row.
        let length = SignedDuration::from_secs(i64::from(joined.period_seconds.max(1)));
        let span = (from.max(first.checked_sub(length).unwrap_or(Timestamp::MIN)), to.min(last));
        let view = export.view(store, id)?;
        let columns = view.columns(&joined.channels, span.0, span.1);
        let gaps = if export.gaps { gaps } else { &[] };
        let last_missing = gaps.iter().map(|gap| gap.before).max().unwrap_or(span.1);
        let span = (span.0, span.1.max(last_missing.min(to)));
        Ok(Some(Self { joined, view, columns, span, gaps }))
    }
}

fn profile_records(
    export: &Export,
    (part, gaps): (&Part, &[Gap]),
    store: &StoreReader,
    each: &mut dyn FnMut(&Record) -> Result<(), ExportError>,
) -> Result<(), ExportError> {
    let Some(SidedProfile { joined, view, columns: sided, span: (mut from, to), gaps }) =
        SidedProfile::load(export, (part, gaps), store)?
    else {
        return Ok(());
    };
    let zone = zone_of(&part.meter.config);
    let columns: Vec<Column> = sided.channels.iter().map(Column::of_channel).collect();
    while from < to {
        let until = from.checked_add(CHUNK).unwrap_or(Timestamp::MAX).min(to);
        let mut missing = missing_intervals(gaps, &zone, from, until).into_iter().peekable();
        for row in joined.rows(store, from, until)? {
            while let Some(one) = missing.next_if(|one| one.end < row.end) {
                each(&missing_record(one, &columns))?;
            }
            missing.next_if(|one| one.end == row.end);
            let (row, _) = view.row(&joined.channels, &sided, &row, joined.period_seconds);
            let values = row.values.iter().map(|value| value.map(ReadingValue::Number));
            each(&Record {
                at: row.end,
                status: row.status,
                raw_status: row.raw_status,
                quality: row.quality,
                gap: None,
                cells: columns.iter().cloned().zip(values).collect(),
            })?;
        }
        missing.try_for_each(|one| each(&missing_record(one, &columns)))?;
        from = until;
    }
    Ok(())
}

fn missing_record(one: MissingInterval<'_>, columns: &[Column]) -> Record {
    Record {
        at: one.end,
        status: IntervalStatus::empty(),
        raw_status: None,
        quality: Quality::Missing,
        gap: Some(one.reason.word()),
        cells: columns.iter().map(|column| (column.clone(), None)).collect(),
    }
}

/// The latest reading of each register; all of them where a period is given.
fn registers(part: &Part, store: &StoreReader) -> Result<Vec<RegisterReading>, StoreError> {
    let latest = store.registers(part.meter.id, false)?;
    if part.from.is_none() && part.to.is_none() {
        return Ok(latest);
    }
    let (from, to) = bounds(part);
    let mut codes: Vec<Obis> = latest.iter().map(|reading| reading.obis).collect();
    codes.dedup();
    let mut all = Vec::new();
    for obis in codes {
        all.extend(store.register_history(part.meter.id, obis, from, to)?);
    }
    all.sort_by_key(|reading| reading.read_at);
    Ok(all)
}

fn register_record(reading: &RegisterReading) -> Record {
    Record {
        at: reading.read_at,
        status: IntervalStatus::empty(),
        raw_status: None,
        quality: Quality::Actual,
        gap: None,
        cells: vec![(Column::of_register(reading), Some(reading.value.clone()))],
    }
}

fn billing_record(set: &BillingSet) -> Record {
    let cell = |reading: &RegisterReading| (Column::of_register(reading), Some(reading.value.clone()));
    Record {
        at: set.at,
        status: IntervalStatus::empty(),
        raw_status: None,
        quality: Quality::Actual,
        gap: None,
        cells: set.registers.iter().map(cell).collect(),
    }
}

/// Local wall time and its distance from UTC in minutes, east positive.
pub(super) fn local(at: Timestamp, zone: &TimeZone) -> (jiff::civil::DateTime, i32) {
    let offset = zone.to_offset(at);
    (offset.to_datetime(at), offset.seconds() / 60)
}

/// One line above the table; what a person typed cannot break out of it.
fn head_line(out: &mut dyn Write, key: &str, value: &str) -> Result<(), io::Error> {
    let value: String = value.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    writeln!(out, "# {key}: {value}")
}

/// The lines above the table: what this is, of which meter, by which rules.
pub(super) fn head(
    whole: &Reckoned<'_>,
    store: &StoreReader,
    out: &mut dyn Write,
) -> Result<(), ExportError> {
    let export = whole.export;
    let what = match export.readings {
        Readings::Registers => "registers",
        Readings::Billing => "billing",
        Readings::Profile => "profile",
        Readings::Events => "events",
    };
    head_line(out, "meterwright", what)?;
    match export.only() {
        Some(meter) => {
            let config = &meter.config;
            head_line(out, "meter", &config.name)?;
            head_line(out, "serial", config.serial.as_deref().unwrap_or(""))?;
            head_line(out, "point", config.point.as_deref().unwrap_or(""))?;
            head_line(out, "zone", zone_of(config).iana_name().unwrap_or("this computer's"))?;
        }
        None => head_line(out, "meters", &export.parts.len().to_string())?,
    }
    if export.readings == Readings::Profile
        && let Some(meter) = export.only()
        && let Some(joined) = JoinedProfile::load(store, meter.id, export.profile)?
    {
        head_line(out, "profile", &format!("{} {}", joined.obis, joined.name))?;
        head_line(out, "interval", &interval_words(joined.period_seconds))?;
        let count = counted(whole.missing, "interval");
        let words = if export.gaps { count } else { format!("{count}, without rows of their own") };
        head_line(out, "missing", &words)?;
    }
    let stamp = match export.readings {
        Readings::Profile => "interval-end",
        Readings::Registers => "time of reading",
        Readings::Billing => "end of the billing period",
        Readings::Events => "time of the event",
    };
    head_line(out, "stamp", stamp)?;
    if export.readings != Readings::Events {
        if let Some(meter) = export.only() {
            let side = export.only_side(store)?.map_or("each figure says it", Side::name);
            head_line(out, "side", side)?;
            if let Some(wanted) = export.side {
                let view = export.view(store, meter.id)?;
                view.history.periods().iter().try_for_each(|period| ratio_line(out, period, wanted))?;
            }
        }
        if export.side.is_none() {
            head_line(out, "ratio", "not applied by this program")?;
        }
    }
    head_line(out, "exported", &export.now.to_string())?;
    Ok(())
}

/// Which ratio held when, and who applied it.
fn ratio_line(out: &mut dyn Write, period: &RatioPeriod, wanted: Side) -> Result<(), io::Error> {
    let Transformers { ct, vt, registers_in } = &period.transformers;
    let by = if *registers_in == wanted { "the meter counts so" } else { "applied by this program" };
    let until = period.until.map_or_else(|| "now".to_owned(), |until| until.to_string());
    head_line(out, "ratio", &format!("CT {ct} VT {vt} from {} to {until}, {by}", period.from))
}

fn interval_words(seconds: u32) -> String {
    match seconds {
        0 => "by events".to_owned(),
        seconds if seconds % 60 == 0 => format!("{} min", seconds / 60),
        seconds => format!("{seconds} s"),
    }
}
