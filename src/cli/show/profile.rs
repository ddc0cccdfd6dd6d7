//! `show profile NAME`

use std::collections::HashSet;

use clap::Args;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{Which, gaps};
use crate::cli::app::{App, Outcome};
use crate::cli::failure::{DONE, Failure};
use crate::cli::{notes, select, stamps};
use crate::export::{JoinedProfile, MissingInterval, Part, gaps_of_part, missing_intervals, zone_of};
use crate::model::{Channel, NotConverted, Obis, ProfileRow, Quality};
use crate::store::StoreReader;

/// Prints a profile.
#[derive(Args, Debug)]
pub(in crate::cli) struct Profile {
    #[command(flatten)]
    which: Which,
    /// Which profile, by its logical name [default: the load profile]
    #[arg(long, value_name = "OBIS")]
    profile: Option<Obis>,
    /// Rows for missing intervals too: without a value, of the quality `missing`, with the reason as `gap`
    #[arg(long)]
    gaps: bool,
}

/// The period in minutes; null where the profile has none, or one that is no whole number of them.
fn minutes(seconds: u32) -> Option<u32> {
    (seconds > 0 && seconds.is_multiple_of(60)).then_some(seconds / 60)
}

/// The start of an interval.
fn before(end: Timestamp, period_seconds: Option<u32>) -> Timestamp {
    let length = SignedDuration::from_secs(period_seconds.unwrap_or(0).into());
    end.checked_sub(length).unwrap_or(end)
}

fn channel_document(channel: &Channel) -> Value {
    json!({
        "obis": channel.obis.to_string(),
        "name": channel.name,
        "unit": channel.scaler_unit.unit.symbol(),
        "side": channel.side.name(),
    })
}

fn row_document((row, missing): &(ProfileRow, Option<NotConverted>), zone: &TimeZone) -> Value {
    let values: Vec<Option<String>> = row.values.iter().map(|value| value.map(|v| v.to_string())).collect();
    let mut document = json!({
        "utc": row.end.to_string(),
        "local": stamps::local(row.end, zone),
        "status": row.status.names(),
        "quality": row.quality.name(),
        "values": values,
    });
    if let Some(missing) = missing {
        document["not_converted"] = json!(missing.to_string());
    }
    document
}

/// A line of what is shown.
enum Line<'a> {
    Stored(&'a (ProfileRow, Option<NotConverted>)),
    Missing(MissingInterval<'a>),
}

impl Line<'_> {
    const fn end(&self) -> Timestamp {
        match self {
            Self::Stored((row, _)) => row.end,
            Self::Missing(one) => one.end,
        }
    }

    fn document(&self, channels: usize, zone: &TimeZone) -> Value {
        match self {
            Self::Stored(row) => row_document(row, zone),
            Self::Missing(one) => json!({
                "utc": one.end.to_string(),
                "local": stamps::local(one.end, zone),
                "status": [],
                "quality": Quality::Missing.name(),
                "values": vec![Value::Null; channels],
                "gap": one.reason.word(),
            }),
        }
    }
}

/// Stored rows and missing intervals in the order of their ends; what is stored is not missing.
fn lines<'a>(
    rows: &'a [(ProfileRow, Option<NotConverted>)],
    missing: &[MissingInterval<'a>],
) -> Vec<Line<'a>> {
    let stored: HashSet<Timestamp> = rows.iter().map(|(row, _)| row.end).collect();
    let missing = missing.iter().filter(|one| !stored.contains(&one.end));
    let mut all: Vec<Line<'_>> = rows.iter().map(Line::Stored).collect();
    all.extend(missing.map(|one| Line::Missing(*one)));
    all.sort_by_key(Line::end);
    all
}

/// Says which profiles there are where the one that was named is not among them.
fn missing(store: &StoreReader, meter: crate::model::MeterId, wanted: Obis) -> Result<Failure, Failure> {
    let mut known: Vec<String> =
        store.profiles(meter)?.iter().map(|profile| profile.layout.obis.to_string()).collect();
    known.dedup();
    Ok(Failure::usage(if known.is_empty() {
        format!("no profile {wanted} is stored, nor any other: `meterwright read --what profile` reads it")
    } else {
        format!("no profile {wanted} is stored; these are: {}", known.join(", "))
    }))
}

impl Profile {
    pub(super) fn run(&self, app: &App) -> Outcome {
        let store = app.reader()?;
        let row = select::one(&store, &self.which.name)?;
        let zone = zone_of(&row.config);
        let (from, to) = self.which.period.span(&zone)?;
        let joined = JoinedProfile::load(&store, row.id, self.profile)?;
        if let (None, Some(wanted)) = (&joined, self.profile) {
            return Err(missing(&store, row.id, wanted)?);
        }
        let rows = match &joined {
            Some(joined) => joined.rows(&store, from, to)?,
            None => Vec::new(),
        };
        let stored = joined.as_ref().map(|joined| joined.channels.as_slice()).unwrap_or_default();
        let period_seconds = joined.as_ref().map(|joined| joined.period_seconds);
        let part = Part { meter: row.clone(), from: Some(from), to: Some(to) };
        let gaps = match &joined {
            Some(joined) => gaps_of_part(&store, &part, joined.obis, Timestamp::now())?,
            None => Vec::new(),
        };
        let missing = missing_intervals(&gaps, &zone, from, to);
        let view = self.which.on.view(&store, row.id)?;
        let first = rows.first().map_or(from, |row| before(row.end, period_seconds));
        let columns = view.columns(stored, first, rows.last().map_or(to, |row| row.end));
        let seconds = period_seconds.unwrap_or(0);
        let rows: Vec<_> = rows.iter().map(|row| view.row(stored, &columns, row, seconds)).collect();
        let channels = &columns.channels[..];
        let not_converted = rows.iter().filter(|(_, missing)| missing.is_some()).count();
        if let Some((_, Some(reason))) = rows.iter().find(|(_, missing)| missing.is_some()) {
            app.tell(&format!("note: {not_converted} of {} rows are not converted: {reason}", rows.len()));
        }
        notes::missing(app, missing.len(), self.gaps, "shows");
        let shown = if self.gaps { &missing[..] } else { &[] };
        let lines = lines(&rows, shown);
        app.print(
            || {
                json!({
                    "meter": row.config.name,
                    "serial": row.config.serial,
                    "profile": joined.as_ref().map(|joined| joined.obis.to_string()),
                    "stamp": "interval-end",
                    "period_minutes": period_seconds.and_then(minutes),
                    "period_seconds": period_seconds,
                    "not_converted": not_converted,
                    "channels": channels.iter().map(channel_document).collect::<Vec<_>>(),
                    "rows": lines.iter().map(|line| line.document(channels.len(), &zone)).collect::<Vec<_>>(),
                    "missing": missing.len(),
                    "gaps": gaps.iter().map(|gap| gaps::document(gap, &zone)).collect::<Vec<_>>(),
                })
            },
            |out| {
                let Some(joined) = &joined else {
                    return writeln!(out, "Nothing is stored: `meterwright read --what profile` reads it");
                };
                writeln!(
                    out,
                    "{} {} of {}; stamps are interval ends",
                    joined.obis, joined.name, row.config.name
                )?;
                for (column, channel) in channels.iter().enumerate() {
                    let unit = channel.scaler_unit.unit.symbol();
                    writeln!(
                        out,
                        "{}: {} {} [{unit}] {}",
                        column + 1,
                        channel.obis,
                        channel.name,
                        channel.side.name()
                    )?;
                }
                for line in &lines {
                    let (row, _) = match line {
                        Line::Stored(row) => row,
                        Line::Missing(one) => {
                            let at = stamps::for_eyes(one.end, &zone);
                            writeln!(out, "{at}  missing: {}", one.reason)?;
                            continue;
                        }
                    };
                    write!(out, "{}", stamps::for_eyes(row.end, &zone))?;
                    for value in &row.values {
                        let text = value.map_or_else(|| "–".to_owned(), |value| value.to_string());
                        write!(out, " {text:>12}")?;
                    }
                    writeln!(out, "  {}", row.status.names().join(" "))?;
                }
                Ok(())
            },
        )?;
        Ok(DONE)
    }
}
