//! Exports of a real store.

use jiff::ToSpan;

use super::*;
use crate::model::{
    Channel, Decimal, IntervalStatus, MeterEvent, MeterId, ProfileLayout, ProfileRow, Quality, ReadingValue,
    RegisterReading, ScalerUnit, Side, Unit,
};
use crate::store::Store;

const IMPORT: Obis = Obis::new(1, 0, 1, 29, 0, 255);
const EXPORT: Obis = Obis::new(1, 0, 2, 29, 0, 255);
const PROFILE: Obis = Obis::new(1, 0, 99, 1, 0, 255);

struct Bench {
    _folder: tempfile::TempDir,
    store: Store,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("test.db")).unwrap();
        Self { _folder: folder, store }
    }

    fn add(&mut self, name: &str) -> MeterId {
        let mut config = MeterConfig::new(name, "tcp://a".parse().unwrap());
        config.serial = Some("00123".to_owned());
        config.time_zone = Some("Europe/Berlin".to_owned());
        self.store.add_meter(&config).unwrap()
    }

    /// All that is stored of some meters.
    fn whole(&self, readings: Readings, format: Format, meters: &[MeterId]) -> Export {
        let part =
            |id: &MeterId| Part { meter: self.store.meter(*id).unwrap().unwrap(), from: None, to: None };
        let parts = meters.iter().map(part).collect();
        let now = "2026-11-01T12:00:00Z".parse().unwrap();
        Export { readings, format, profile: None, parts, side: None, gaps: false, now }
    }

    fn export(&self, readings: Readings, format: Format, meters: &[MeterId]) -> String {
        let export = self.whole(readings, format, meters);
        let mut out = Vec::new();
        export.write(&self.store, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }
}

fn channel(obis: Obis, name: &str) -> Channel {
    Channel {
        obis,
        attribute: 2,
        data_index: 0,
        class_id: 3,
        name: name.to_owned(),
        scaler_unit: ScalerUnit { scaler: -1, unit: Unit::WH },
        side: Side::Secondary,
    }
}

fn layout() -> ProfileLayout {
    ProfileLayout {
        obis: PROFILE,
        name: "Load profile".to_owned(),
        period_seconds: 900,
        channels: vec![channel(IMPORT, "Import"), channel(EXPORT, "Export")],
    }
}

fn row(end: Timestamp, values: [Option<i128>; 2]) -> ProfileRow {
    ProfileRow {
        end,
        stamp: None,
        status: IntervalStatus::empty(),
        raw_status: Some(0),
        quality: Quality::Actual,
        values: values.iter().map(|value| value.map(|n| Decimal::new(n, -1))).collect(),
    }
}

/// The quarter hours of a local day.
fn day(date: &str) -> Vec<Timestamp> {
    let zone = TimeZone::get("Europe/Berlin").unwrap();
    let date: jiff::civil::Date = date.parse().unwrap();
    let start = date.to_zoned(zone.clone()).unwrap().timestamp();
    let end = date.tomorrow().unwrap().to_zoned(zone).unwrap().timestamp();
    let mut ends = Vec::new();
    let mut at = start;
    while at < end {
        at += 15.minutes();
        ends.push(at);
    }
    ends
}

fn table(text: &str) -> Vec<&str> {
    text.lines().filter(|line| !line.trim_start_matches('\u{FEFF}').starts_with('#')).collect()
}

#[test]
fn the_long_form_has_the_columns_of_the_convention_and_says_its_rules() {
    let mut bench = Bench::new();
    let id = bench.add("A");
    let end = "2026-07-01T10:15:00Z".parse().unwrap();
    bench.store.merge_profile(id, &layout(), &[row(end, [Some(12345), None])], end).unwrap();
    let text = bench.export(Readings::Profile, Format::Csv, &[id]);
    for line in [
        "# meter: A",
        "# serial: 00123",
        "# zone: Europe/Berlin",
        "# interval: 15 min",
        "# stamp: interval-end",
        "# side: secondary",
        "# ratio: not applied by this program",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is missing in\n{text}");
    }
    assert_eq!(
        table(&text),
        [
            "utc,local,offset_min,obis,name,value,unit,quality,status_hex",
            "2026-07-01T10:15:00Z,2026-07-01T12:15:00,120,1-0:1.29.0*255,Import,1234.5,Wh,actual,00",
            "2026-07-01T10:15:00Z,2026-07-01T12:15:00,120,1-0:2.29.0*255,Export,,Wh,missing,00",
        ]
    );
}

#[test]
fn days_of_92_96_and_100_quarter_hours_come_out_whole_and_the_doubled_hour_is_told_apart() {
    for (date, quarters) in [("2026-03-29", 92), ("2026-06-01", 96), ("2026-10-25", 100)] {
        let mut bench = Bench::new();
        let id = bench.add("A");
        let rows: Vec<ProfileRow> = day(date).into_iter().map(|end| row(end, [Some(1), Some(2)])).collect();
        bench.store.merge_profile(id, &layout(), &rows, rows[0].end).unwrap();
        let text = bench.export(Readings::Profile, Format::CsvWide, &[id]);
        let lines = table(&text);
        assert_eq!(lines.len() - 1, quarters, "{date}");
        let doubled: Vec<&&str> = lines.iter().filter(|line| line.contains("T02:30:00,")).collect();
        match quarters {
            100 => {
                assert!(doubled[0].contains(",120,") && doubled[1].contains(",60,"), "{doubled:?}");
            }
            92 => assert!(doubled.is_empty()),
            _ => assert_eq!(doubled.len(), 1),
        }
        assert!(lines.last().unwrap().contains("T00:00:00,"), "midnight ends the day");
    }
}

#[test]
fn the_wide_form_has_a_column_a_channel_each_with_its_quality() {
    let mut bench = Bench::new();
    let id = bench.add("A");
    let end = "2026-07-01T10:15:00Z".parse().unwrap();
    let mut doubted = row(end, [Some(15), None]);
    doubted.status = IntervalStatus::CLOCK_INVALID | IntervalStatus::POWER_DOWN;
    doubted.raw_status = Some(0x82);
    doubted.quality = Quality::Suspect;
    bench.store.merge_profile(id, &layout(), &[doubted], end).unwrap();
    assert_eq!(
        table(&bench.export(Readings::Profile, Format::CsvWide, &[id])),
        [
            "utc,local,offset_min,status,status_hex,Import [Wh] 1-0:1.29.0*255,quality of 1-0:1.29.0*255,\
             Export [Wh] 1-0:2.29.0*255,quality of 1-0:2.29.0*255",
            "2026-07-01T10:15:00Z,2026-07-01T12:15:00,120,clock-invalid power-down,82,1.5,suspect,,missing",
        ]
    );
}

#[test]
fn a_value_that_was_no_number_is_an_empty_field_that_is_not_called_missing() {
    let mut bench = Bench::new();
    let id = bench.add("A");
    let end = "2026-07-01T10:15:00Z".parse().unwrap();
    let mut words = row(end, [Some(15), None]);
    words.status = IntervalStatus::VALUE_UNREADABLE;
    bench.store.merge_profile(id, &layout(), &[words], end).unwrap();
    let text = bench.export(Readings::Profile, Format::CsvWide, &[id]);
    assert!(table(&text)[1].ends_with(",value-unreadable,00,1.5,actual,,suspect"), "{text}");
}

#[test]
fn excel_gets_a_mark_semicolons_decimal_commas_and_no_formulas() {
    let mut bench = Bench::new();
    let id = bench.add("=cmd()");
    let other = bench.add("B");
    let end = "2026-07-01T10:15:00Z".parse().unwrap();
    for id in [id, other] {
        bench.store.merge_profile(id, &layout(), &[row(end, [Some(-15), Some(20)])], end).unwrap();
    }
    let text = bench.export(Readings::Profile, Format::CsvExcel, &[id, other]);
    assert!(text.starts_with('\u{FEFF}'));
    let lines = table(&text);
    assert_eq!(
        lines[1],
        "'=cmd();00123;2026-07-01T10:15:00Z;2026-07-01 12:15:00;120;;00;-1,5;actual;2,0;actual"
    );
    assert!(lines[2].starts_with("B;"));
}

#[test]
fn a_file_of_several_meters_names_each_in_its_rows() {
    let mut bench = Bench::new();
    let ids = [bench.add("A"), bench.add("B")];
    let end = "2026-07-01T10:15:00Z".parse().unwrap();
    for id in ids {
        bench.store.merge_profile(id, &layout(), &[row(end, [Some(10), Some(20)])], end).unwrap();
    }
    let text = bench.export(Readings::Profile, Format::Csv, &ids);
    let lines = table(&text);
    assert!(lines[0].ends_with(",status_hex,meter,serial,side"));
    assert!(lines[1].ends_with(",A,00123,secondary") && lines[3].ends_with(",B,00123,secondary"));
}

#[test]
fn the_period_is_open_at_its_beginning_and_closed_at_its_end_over_any_length() {
    let mut bench = Bench::new();
    let id = bench.add("A");
    let first: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let rows: Vec<ProfileRow> =
        (0..9000i64).map(|step| row(first + (step * 15).minutes(), [Some(1), Some(2)])).collect();
    bench.store.merge_profile(id, &layout(), &rows, first).unwrap();
    let count = |from: Option<Timestamp>, to: Option<Timestamp>| {
        let mut export = bench.whole(Readings::Profile, Format::CsvWide, &[id]);
        (export.parts[0].from, export.parts[0].to) = (from, to);
        export.write(&bench.store, &mut Vec::new()).unwrap().rows
    };
    assert_eq!(count(None, None), 9000);
    assert_eq!(count(Some(first), None), 8999);
    assert_eq!(count(Some(first), Some(first + 1.hour())), 4);
    assert_eq!(count(Some(rows[8999].end), None), 0);
}

#[test]
fn a_channel_that_was_added_later_is_empty_before() {
    let mut bench = Bench::new();
    let id = bench.add("A");
    let before: Timestamp = "2026-07-01T10:15:00Z".parse().unwrap();
    let old = ProfileLayout { channels: vec![channel(IMPORT, "Import")], ..layout() };
    let mut first = row(before, [Some(10), None]);
    first.values.truncate(1);
    bench.store.merge_profile(id, &old, &[first], before).unwrap();
    let after = before + 15.minutes();
    bench.store.merge_profile(id, &layout(), &[row(after, [Some(20), Some(30)])], after).unwrap();
    let text = bench.export(Readings::Profile, Format::CsvWide, &[id]);
    let lines = table(&text);
    assert!(lines[1].ends_with(",1.0,actual,,missing"), "{lines:?}");
    assert!(lines[2].ends_with(",2.0,actual,3.0,actual"), "{lines:?}");
}

#[test]
fn registers_of_one_read_make_one_wide_row() {
    let mut bench = Bench::new();
    let id = bench.add("A");
    let at: Timestamp = "2026-07-01T10:00:00Z".parse().unwrap();
    let reading = |rate: u8, seconds: i64| RegisterReading {
        obis: Obis::new(1, 0, 1, 8, rate, 255),
        attribute: 2,
        name: format!("Rate {rate}"),
        value: ReadingValue::Number(Decimal::new(1000 + i128::from(rate), -1)),
        unit: Unit::WH,
        side: Side::Secondary,
        read_at: at + seconds.seconds(),
        stamp: None,
    };
    bench.store.put_registers(id, &[reading(0, 0), reading(1, 2)], false).unwrap();
    let text = bench.export(Readings::Registers, Format::CsvWide, &[id]);
    let lines = table(&text);
    assert_eq!(lines.len(), 2);
    assert!(lines[1].ends_with("100.0,actual,100.1,actual"), "{lines:?}");
    assert_eq!(table(&bench.export(Readings::Registers, Format::Csv, &[id])).len(), 3);
}

#[test]
fn events_are_rows_with_their_texts() {
    let mut bench = Bench::new();
    let id = bench.add("A");
    let at: Timestamp = "2026-10-25T01:30:00Z".parse().unwrap();
    let event = MeterEvent {
        log: Obis::new(0, 0, 99, 98, 0, 255),
        code: Some(2),
        text: "Supply returned, \"all phases\"".to_owned(),
        at,
        stamp: None,
        until: None,
        detail: Vec::new(),
    };
    bench.store.put_events(id, &[event]).unwrap();
    assert_eq!(
        table(&bench.export(Readings::Events, Format::Csv, &[id])),
        [
            "utc,local,offset_min,log,code,text,until,detail",
            "2026-10-25T01:30:00Z,2026-10-25T02:30:00,60,0-0:99.98.0*255,2,\"Supply returned, \"\"all phases\"\"\",,",
        ]
    );
}

/// A day of quarter hours of which some are missing, as it is written with them named.
fn with_gaps(date: &str, missing: std::ops::Range<usize>, format: Format) -> (Vec<String>, Vec<Timestamp>) {
    let mut bench = Bench::new();
    let id = bench.add("A");
    let ends = day(date);
    let is_there = |(at, _): &(usize, &Timestamp)| !missing.contains(at);
    let rows: Vec<ProfileRow> =
        ends.iter().enumerate().filter(is_there).map(|(_, end)| row(*end, [Some(1), Some(2)])).collect();
    bench.store.merge_profile(id, &layout(), &rows, *ends.last().unwrap()).unwrap();
    let mut export = bench.whole(Readings::Profile, format, &[id]);
    export.gaps = true;
    export.parts[0].to = ends.last().copied();
    // Two more intervals have ended since.
    export.now = *ends.last().unwrap() + 31.minutes();
    let mut out = Vec::new();
    export.write(&bench.store, &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    let head = format!("# missing: {} intervals", missing.len());
    assert!(text.lines().any(|line| line == head), "{text}");
    export.parts[0].to = None;
    let mut open = Vec::new();
    let count = export.write(&bench.store, &mut open).unwrap().rows;
    let each = if format == Format::Csv { 2 } else { 1 };
    assert_eq!(count, (ends.len() as u64 + 2) * each, "what was not read yet is missing too");
    (table(&text).into_iter().map(str::to_owned).collect(), ends)
}

#[test]
fn every_missing_interval_of_a_day_of_23_24_and_25_hours_has_a_row_with_its_reason() {
    for (date, quarters) in [("2026-03-29", 92), ("2026-06-01", 96), ("2026-10-25", 100)] {
        // From before the clock change to behind it.
        let (lines, ends) = with_gaps(date, 5..14, Format::CsvWide);
        assert_eq!(lines.len() - 1, quarters, "{date}");
        assert!(lines[0].ends_with(",gap"));
        let stamps: Vec<String> = lines[1..].iter().map(|line| line[..20].to_owned()).collect();
        assert_eq!(stamps, ends.iter().map(ToString::to_string).collect::<Vec<_>>(), "{date}");
        assert!(lines[5].ends_with(",0.1,actual,0.2,actual,"), "{}", lines[5]);
        for line in &lines[6..15] {
            assert!(line.ends_with(",,,,missing,,missing,not-asked"), "{line}");
        }
        assert!(lines[15].ends_with(",actual,"), "{}", lines[15]);
    }
}

#[test]
fn the_long_form_names_missing_intervals_value_by_value_where_that_is_wanted() {
    let (lines, ends) = with_gaps("2026-10-25", 8..12, Format::Csv);
    assert!(lines[0].ends_with(",status_hex,gap"));
    assert_eq!(lines.len() - 1, 200);
    // The ninth quarter hour ends at 02:15, for the first time of two.
    let first = "2026-10-25T00:15:00Z,2026-10-25T02:15:00,120,1-0:1.29.0*255,Import,,Wh,missing,,not-asked";
    assert_eq!(lines[17], first);
    let mut bench = Bench::new();
    let id = bench.add("A");
    let rows = [row(ends[0], [Some(1), Some(2)]), row(ends[3], [Some(1), Some(2)])];
    bench.store.merge_profile(id, &layout(), &rows, ends[3]).unwrap();
    let text = bench.export(Readings::Profile, Format::Csv, &[id]);
    assert_eq!(table(&text).len(), 5, "only what is stored has rows where nothing else is asked for");
    assert!(text.contains("without rows of their own"), "but it is counted");
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(32))]

    #[test]
    fn what_is_stored_and_what_is_missing_make_up_the_whole_day(
        which in 0usize..3,
        kept in proptest::collection::vec(proptest::bool::ANY, 100),
    ) {
        let ends = day(["2026-03-29", "2026-06-01", "2026-10-25"][which]);
        let mut bench = Bench::new();
        let id = bench.add("A");
        // The first one is there: what lies before all that is stored nobody knows to be missing.
        let is_there = |at: usize| at == 0 || kept[at];
        let rows: Vec<ProfileRow> = (0..ends.len())
            .filter(|at| is_there(*at))
            .map(|at| row(ends[at], [Some(1), Some(2)]))
            .collect();
        let last = *ends.last().unwrap();
        bench.store.merge_profile(id, &layout(), &rows, last).unwrap();
        let mut export = bench.whole(Readings::Profile, Format::CsvWide, &[id]);
        (export.gaps, export.now) = (true, last);
        let mut out = Vec::new();
        let written = export.write(&bench.store, &mut out).unwrap();
        proptest::prop_assert_eq!(written.missing, ends.len() - rows.len());
        let text = String::from_utf8(out).unwrap();
        let lines = table(&text);
        proptest::prop_assert_eq!(lines.len() - 1, ends.len());
        for (at, (line, end)) in lines[1..].iter().zip(&ends).enumerate() {
            proptest::prop_assert!(line.starts_with(&end.to_string()), "{}", line);
            proptest::prop_assert_eq!(line.ends_with(","), is_there(at), "{}", line);
        }
    }
}
