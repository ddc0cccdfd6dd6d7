//! Load profiles and events from CSV, for dry runs: `end,active_import,…` and `at,event`.

use std::fmt;

use jiff::Timestamp;

use super::document::Source;
use super::dry_run::{IntervalRow, IntervalSeries, TimedEvent};
use super::engine::Event;
use super::json::quoted;
use crate::model::Decimal;

/// Slips beyond this are not listed any more.
const MOST_SLIPS: usize = 20;

/// A slip in a CSV file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CsvSlip {
    /// The line, from 1.
    pub line: u64,
    /// The column's name; empty where it is the row.
    pub column: String,
    /// What stood there and what is allowed.
    pub message: String,
}

impl fmt::Display for CsvSlip {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "line {}: ", self.line)?;
        if !self.column.is_empty() {
            write!(out, "{}: ", self.column)?;
        }
        out.write_str(&self.message)
    }
}

fn slip(line: u64, column: &str, message: impl Into<String>) -> CsvSlip {
    CsvSlip { line, column: column.to_owned(), message: message.into() }
}

/// The rows of a file with their lines, header first.
fn rows(bytes: &[u8]) -> impl Iterator<Item = Result<(u64, csv::StringRecord), CsvSlip>> + '_ {
    // Excel puts a byte-order mark in front of UTF-8.
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).trim(csv::Trim::All).from_reader(bytes);
    reader.into_records().map(|record| match record {
        Ok(record) => Ok((record.position().map_or(0, csv::Position::line), record)),
        Err(error) => {
            let line = error.position().map_or(0, csv::Position::line);
            Err(slip(line, "", format!("this is no CSV in UTF-8: {error}")))
        }
    })
}

fn instant(line: u64, column: &str, text: &str) -> Result<Timestamp, CsvSlip> {
    text.parse().map_err(|_| {
        let message =
            format!("{} is not an instant: write RFC 3339, such as 2026-11-01T00:30:00+00:00", quoted(text));
        slip(line, column, message)
    })
}

/// Takes results until there are too many slips.
fn gather<T>(results: impl Iterator<Item = Result<T, Vec<CsvSlip>>>) -> Result<Vec<T>, Vec<CsvSlip>> {
    let (mut good, mut slips) = (Vec::new(), Vec::new());
    for result in results {
        match result {
            Ok(one) => good.push(one),
            Err(more) => slips.extend(more),
        }
        if slips.len() >= MOST_SLIPS {
            break;
        }
    }
    if slips.is_empty() { Ok(good) } else { Err(slips) }
}

/// Reads a load profile: a header `end,active_import,…`, then one interval a row. An empty value is not known.
///
/// # Errors
/// The slips of the file by line, up to twenty.
pub fn read_profile(bytes: &[u8]) -> Result<IntervalSeries, Vec<CsvSlip>> {
    let mut rows = rows(bytes);
    let allowed = "the first row names the columns: `end`, then sources such as active_import";
    let (line, header) = rows
        .next()
        .unwrap_or_else(|| Err(slip(1, "", format!("the file is empty: {allowed}"))))
        .map_err(|slip| vec![slip])?;
    let mut columns = header.iter();
    let first = columns.next().unwrap_or_default();
    if first != "end" {
        return Err(vec![slip(line, "", format!("{} stands first: {allowed}", quoted(first)))]);
    }
    let mut sources: Vec<Source> = Vec::new();
    for name in columns {
        let source: Source = name.parse().map_err(|error| vec![slip(line, name, format!("{error}"))])?;
        if matches!(source, Source::CustomerDefined(_)) {
            let message = "a customer-defined register follows from its sources: leave the column out";
            return Err(vec![slip(line, name, message)]);
        }
        if sources.contains(&source) {
            return Err(vec![slip(line, name, "the column stands twice: keep one of them")]);
        }
        sources.push(source);
    }
    if sources.is_empty() {
        return Err(vec![slip(line, "", format!("there is no energy: {allowed}"))]);
    }
    let mut last: Option<Timestamp> = None;
    let rows = gather(rows.map(|row| {
        let (line, row) = row.map_err(|slip| vec![slip])?;
        let end = instant(line, "end", row.get(0).unwrap_or_default()).map_err(|slip| vec![slip])?;
        let mut slips = Vec::new();
        if last.is_some_and(|last| end <= last) {
            slips.push(slip(
                line,
                "end",
                format!("{end} does not come after the row before: sort the rows by time"),
            ));
        }
        last = Some(end);
        if row.len() != sources.len() + 1 {
            let message = format!("{} values stand here: the header names {}", row.len(), sources.len() + 1);
            slips.push(slip(line, "", message));
            return Err(slips);
        }
        let mut energy = Vec::with_capacity(sources.len());
        for (source, text) in sources.iter().zip(row.iter().skip(1)) {
            match value(text) {
                Ok(value) => energy.push(value),
                Err(message) => slips.push(slip(line, &source.to_string(), message)),
            }
        }
        if slips.is_empty() { Ok(IntervalRow { end, energy }) } else { Err(slips) }
    }))?;
    if rows.is_empty() {
        return Err(vec![slip(line, "", "no interval follows: give one row at least")]);
    }
    Ok(IntervalSeries { sources, rows })
}

/// Energy of an interval.
fn value(text: &str) -> Result<Option<Decimal>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let value: Decimal = text.parse().map_err(|error| format!("{error}"))?;
    if value.is_negative() {
        return Err(format!("{text} stands here: energy counts up; write export into active_export"));
    }
    Ok(Some(value))
}

/// Reads events: a header `at,event`, then one event a row.
///
/// # Errors
/// The slips of the file by line, up to twenty.
pub fn read_events(bytes: &[u8]) -> Result<Vec<TimedEvent>, Vec<CsvSlip>> {
    let mut rows = rows(bytes);
    let Some(header) = rows.next() else { return Ok(Vec::new()) };
    let (line, header) = header.map_err(|slip| vec![slip])?;
    if header.iter().ne(["at", "event"]) {
        let found: Vec<&str> = header.iter().collect();
        let message = format!("{} stands here: the first row is `at,event`", quoted(&found.join(",")));
        return Err(vec![slip(line, "", message)]);
    }
    gather(rows.map(|row| {
        let (line, row) = row.map_err(|slip| vec![slip])?;
        let [at, event] = [0, 1].map(|index| row.get(index).unwrap_or_default());
        if row.len() != 2 {
            return Err(vec![slip(
                line,
                "",
                format!("{} values stand here: write an instant and an event", row.len()),
            )]);
        }
        let at = instant(line, "at", at).map_err(|slip| vec![slip])?;
        let event = word(line, event).map_err(|slip| vec![slip])?;
        Ok(TimedEvent { at, event })
    }))
}

fn word(line: u64, text: &str) -> Result<Event, CsvSlip> {
    Ok(match text {
        "supply_fail" => Event::SupplyFail,
        "supply_return" => Event::SupplyReturn,
        "battery_fail" => Event::BatteryFail,
        "battery_replaced" => Event::BatteryReplaced,
        "billing_reset" => Event::BillingReset,
        _ => match text.strip_prefix("clock_set=") {
            Some(to) => Event::ClockSet(instant(line, "event", to)?),
            None => {
                let message = format!(
                    "{} is not an event: write supply_fail, supply_return, battery_fail, battery_replaced, \
                     billing_reset or clock_set=2026-11-01T00:30:00+00:00",
                    quoted(text)
                );
                return Err(slip(line, "event", message));
            }
        },
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn slips(text: &str) -> Vec<String> {
        read_profile(text.as_bytes()).unwrap_err().iter().map(CsvSlip::to_string).collect()
    }

    #[test]
    fn a_profile_is_read_with_its_gaps() {
        let text = "\u{feff}end,active_import,reactive_q1\n2026-11-01T00:30:00Z,1234.5,0\n2026-11-01T02:00:00+01:00, ,7\n";
        let series = read_profile(text.as_bytes()).unwrap();
        assert_eq!(series.sources, [Source::ActiveImport, Source::ReactiveQ1]);
        assert_eq!(series.rows[0].energy[0].unwrap().to_string(), "1234.5");
        assert_eq!(series.rows[1].end, "2026-11-01T01:00:00Z".parse().unwrap());
        assert_eq!(series.rows[1].energy[0], None);
    }

    #[test]
    fn every_slip_of_a_profile_is_named_by_its_line() {
        let text = "end,active_import\n2026-11-01T00:30:00Z,x\n2026-11-01,1\n2026-11-01T01:00:00Z,-5\n\
                    2026-11-01T01:00:00Z,1\n2026-11-01T02:00:00Z,1,2\n";
        let slips = slips(text);
        assert_eq!(slips.len(), 5, "{slips:#?}");
        for (slip, start) in slips.iter().zip([
            "line 2: active_import: `x` is not a decimal",
            "line 3: end: `2026-11-01` is not an instant",
            "line 4: active_import: -5 stands here",
            "line 5: end: 2026-11-01T01:00:00Z does not come after",
            "line 6: 3 values stand here",
        ]) {
            assert!(slip.starts_with(start), "{slip}");
        }
    }

    #[test]
    fn a_header_that_cannot_be_is_refused() {
        for (text, message) in [
            ("", "line 1: the file is empty"),
            ("active_import\n", "line 1: `active_import` stands first"),
            ("end\n", "line 1: there is no energy"),
            ("end,import\n", "line 1: import: `import` is not a source"),
            ("end,active_import,active_import\n", "line 1: active_import: the column stands twice"),
            ("end,customer_defined_1\n", "line 1: customer_defined_1: a customer-defined"),
            ("end,active_import\n", "line 1: no interval follows"),
        ] {
            assert!(slips(text)[0].starts_with(message), "{:?}", slips(text));
        }
    }

    #[test]
    fn a_file_of_slips_names_the_first_twenty() {
        let text = format!("end,active_import\n{}", "x,y\n".repeat(1000));
        assert_eq!(slips(&text).len(), 20);
    }

    #[test]
    fn events_are_read_by_their_words() {
        let text = "at,event\n2026-11-01T00:30:00Z,supply_fail\n2026-11-01T01:30:00Z,clock_set=2026-11-01T01:00:00Z\n";
        let events = read_events(text.as_bytes()).unwrap();
        assert_eq!(events[0].event, Event::SupplyFail);
        assert_eq!(events[1].event, Event::ClockSet("2026-11-01T01:00:00Z".parse().unwrap()));
        let bad =
            "at,event\nx,supply_fail\n2026-11-01T00:30:00Z,explosion\n2026-11-01T00:30:00Z,clock_set=noon\n";
        let slips = read_events(bad.as_bytes()).unwrap_err();
        assert_eq!(slips.iter().map(|slip| slip.line).collect::<Vec<_>>(), [2, 3, 4]);
        assert!(read_events(b"when,what\n").is_err());
        assert_eq!(read_events(b""), Ok(Vec::new()));
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_readers_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read_profile(&bytes);
            let _ = read_events(&bytes);
        }

        #[test]
        fn no_rows_make_the_reader_panic(text in "end,active_import\n([0-9TZ:+\",.e-]{0,24}\n){0,6}") {
            let _ = read_profile(text.as_bytes());
        }
    }
}
