//! Lists of meters, out and in.

mod ratios;

use std::collections::BTreeMap;

use proptest::prelude::*;

use crate::model::{
    AccuracyClasses, Auth, Medium, MeterConfig, MeterId, PlateRatios, PointDetails, PointId, RatioHistory,
    RatioPatch, RatioPeriod, Security, Side, Transformers,
};
use crate::store::{ListedMeter, Store};

use super::*;

fn listed(id: i64, config: MeterConfig, details: PointDetails) -> ListedMeter {
    let ratios = RatioHistory::default();
    ListedMeter { id: MeterId(id), config, point: Some(PointId(id)), details, has_ratio: false, ratios }
}

fn meter(id: i64, name: &str, serial: &str) -> ListedMeter {
    let mut config = MeterConfig::new(name, format!("tcp://10.0.0.{id}:4059").parse().unwrap());
    config.serial = Some(serial.to_owned()).filter(|serial| !serial.is_empty());
    listed(id, config, PointDetails::default())
}

/// A file as it is read when nobody changes a choice but these.
fn planned(text: &str, meters: &[ListedMeter], key: Key, known: Known) -> Plan {
    let style = Style::detect(text.as_bytes());
    let sheet = Sheet::read(text.as_bytes(), style).unwrap();
    let columns = guess(&sheet.header, &BTreeMap::new());
    plan(&sheet, meters, &Choices { columns, decimal: style.decimal, key, known, ..Choices::default() })
}

fn problems(plan: &Plan) -> Vec<String> {
    let of_rows = plan.rows.iter().flat_map(|row| match &row.fate {
        Fate::Rejected(reasons) => {
            reasons.iter().map(|reason| format!("row {}{}", row.line, reason.in_words())).collect()
        }
        _ => Vec::new(),
    });
    plan.problems.iter().cloned().chain(of_rows).collect()
}

fn written(meters: &[&ListedMeter], separator: Separator, for_excel: bool) -> Vec<u8> {
    let mut out = Vec::new();
    write_list(meters, separator, for_excel, &mut out).unwrap();
    out
}

#[test]
fn every_problem_is_named_by_row_and_column() {
    let text = "name,line,auth\nA,tcp://a,none\nA,tcp://b,highest\n,x,none\nA,tcp://c,\nB,tcp://d\n";
    let found = problems(&planned(text, &[], Key::Name, Known::AddOnly));
    let wanted = [
        "row 3, column auth: `highest`",
        "row 4, column name: it is empty",
        "row 4, column line: `x` is not a line",
        "row 5, column name: `A` stands in row 2 too",
        "row 6: 2 fields where the header has 3",
    ];
    assert_eq!(found.len(), wanted.len(), "{found:?}");
    for (found, wanted) in found.iter().zip(wanted) {
        assert!(found.starts_with(wanted), "{found}");
    }
}

#[test]
fn a_file_without_names_or_lines_is_refused_as_a_whole() {
    let plan = planned("serial,line\n1,tcp://a\n", &[], Key::Name, Known::AddOnly);
    assert_eq!(problems(&plan), ["row 1: the column `name` is missing"]);
    let plan = planned("name,serial\nA,1\n", &[], Key::Name, Known::AddOnly);
    assert_eq!(problems(&plan), ["row 1: the column `line` is missing"]);
    assert_eq!(
        problems(&planned("name,line\n", &[], Key::Name, Known::AddOnly)),
        ["there is no meter in it"]
    );
}

#[test]
fn rows_are_new_changed_unchanged_or_rejected() {
    let meters = [meter(1, "A", "11"), meter(2, "B", "12")];
    let text =
        "name,line,group\nA,tcp://10.0.0.1:4059,North\nB,tcp://10.0.0.2:4059,\nC,tcp://c,\nD,nowhere,\n";
    let plan = planned(text, &meters, Key::Name, Known::AddAndUpdate);
    assert_eq!(plan.counts, Counts { new: 1, changed: 1, unchanged: 1, rejected: 1 });
    let Fate::Changed(differences) = &plan.rows[0].fate else { panic!("{plan:?}") };
    assert_eq!(
        differences,
        &[Difference { column: Column::Group, before: String::new(), after: "North".to_owned() }]
    );
    assert_eq!((plan.changes.add.len(), plan.changes.change.len()), (1, 1));
    assert_eq!(plan.changes.change[0].0, MeterId(1));
    let only_known = planned(text, &meters, Key::Name, Known::UpdateOnly);
    assert_eq!(only_known.counts, Counts { new: 0, changed: 1, unchanged: 1, rejected: 2 });
    let only_new = planned(text, &meters, Key::Name, Known::AddOnly);
    assert_eq!(only_new.counts, Counts { new: 1, changed: 0, unchanged: 0, rejected: 3 });
    assert!(
        problems(&only_new)[0].starts_with("row 2, column name: there is a meter `A` in the store already")
    );
}

#[test]
fn a_serial_number_finds_its_meter_and_may_rename_it() {
    let meters = [meter(1, "A", "11"), meter(2, "B", "12"), meter(3, "C", "12")];
    let text = "serial;name;line\n11;A new;\n12;X;\n13;;tcp://d\n;Y;tcp://e\n11;Z;\n";
    let plan = planned(text, &meters, Key::Serial, Known::AddAndUpdate);
    assert_eq!(plan.changes.change[0].1.name.as_deref(), Some("A new"));
    assert_eq!(plan.rows[2].name, "13", "a new meter without a name bears its serial number");
    assert!(problems(&plan)[0].starts_with("row 3, column serial: 2 meters have the serial number 12"));
    assert!(problems(&plan)[1].starts_with("row 4, column name: it is empty") || plan.counts.new == 1);
    assert!(problems(&plan).iter().any(|one| one.starts_with("row 5, column serial: it is empty")));
    assert!(
        problems(&plan).iter().any(|one| one.starts_with("row 6, column serial: `11` stands in row 2 too"))
    );
}

#[test]
fn a_name_that_another_meter_bears_is_refused() {
    let meters = [meter(1, "A", "11"), meter(2, "B", "12")];
    let plan = planned("serial,name\n11,B\n", &meters, Key::Serial, Known::UpdateOnly);
    assert!(problems(&plan)[0].contains("there is a meter `B` already"), "{plan:?}");
    // The name is free once its bearer has another.
    let plan = planned("serial,name\n12,C\n11,B\n", &meters, Key::Serial, Known::UpdateOnly);
    assert_eq!((plan.counts.changed, plan.counts.rejected), (2, 0));
}

#[test]
fn empty_cells_leave_or_clear_as_chosen() {
    let mut one = meter(1, "A", "11");
    one.config.group = Some("North".to_owned());
    one.details.location = "Cellar".to_owned();
    let text = "name,group,location,line\nA,,,\n";
    let sheet = Sheet::read(text.as_bytes(), Style::default()).unwrap();
    let of = |empty| {
        let columns = guess(&sheet.header, &BTreeMap::new());
        let choices = Choices { columns, known: Known::UpdateOnly, empty, ..Choices::default() };
        plan(&sheet, std::slice::from_ref(&one), &choices)
    };
    assert_eq!(of(Empty::Leave).counts.unchanged, 1);
    let cleared = of(Empty::Clear);
    assert!(problems(&cleared)[0].starts_with("row 2, column line: it is empty"), "a line is needed");
}

#[test]
fn columns_are_known_by_the_headers_of_other_programs_and_as_they_were_matched_before() {
    let header: Vec<String> =
        ["Zählernummer", "Meter name", "URL", "Customer no.", "Password", "field:EAN", "Colour", "Name"]
            .map(str::to_owned)
            .to_vec();
    let found = guess(&header, &BTreeMap::new());
    let ean = Column::Field("EAN".to_owned());
    assert_eq!(found[..4], [Some(Column::Serial), None, Some(Column::Line), Some(Column::Customer)]);
    assert_eq!(
        found[4..],
        [None, Some(ean), None, Some(Column::Name)],
        "what is sure goes first, secrets nowhere"
    );
    let mut chosen = found;
    chosen[6] = Some(Column::Field("Colour".to_owned()));
    chosen[3] = None;
    let kept = matching_to_keep(&header, &chosen);
    assert_eq!(guess(&header, &kept), chosen);
}

#[test]
fn characters_separators_and_decimals_are_found_out() {
    let text = "name;line;nameplate_vt\nHöfe;tcp://a;110/57,7\n";
    let plate = |bytes: &[u8]| {
        let style = Style::detect(bytes);
        let sheet = Sheet::read(bytes, style).unwrap();
        let columns = guess(&sheet.header, &BTreeMap::new());
        let plan = plan(&sheet, &[], &Choices { columns, decimal: style.decimal, ..Choices::default() });
        assert_eq!(plan.counts.new, 1, "{plan:?}");
        let (config, about) = plan.changes.add[0].clone();
        assert_eq!(
            (config.name.as_str(), about.plate_vt.unwrap().unwrap().to_string()),
            ("Höfe", "110/57.7".to_owned())
        );
        style
    };
    let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let latin: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    let marked = [b"\xEF\xBB\xBF", text.as_bytes()].concat();
    assert_eq!(plate(text.as_bytes()).encoding, Encoding::Utf8);
    assert_eq!(plate(&marked).encoding, Encoding::Utf8);
    assert_eq!(plate(&utf16).encoding, Encoding::Utf16Le);
    assert_eq!(plate(&latin).encoding, Encoding::Windows1252);
    assert_eq!(plate(text.as_bytes()).separator, Separator::Semicolon);
    let tabs = Style::detect(b"name\tline\nA, b\ttcp://a\n");
    assert_eq!((tabs.separator, tabs.decimal), (Separator::Tab, DecimalSign::Point));
    let wrong = Style { encoding: Encoding::Utf8, ..Style::default() };
    assert!(Sheet::read(&latin, wrong).unwrap_err().contains("not UTF-8 (line 2)"));
}

#[test]
fn rejected_rows_are_written_with_the_reason_and_read_again_when_mended() {
    let text = "name,line,Colour\nA,tcp://a,red\n\"B, b\",nowhere,blue\n";
    let sheet = Sheet::read(text.as_bytes(), Style::default()).unwrap();
    let plan = planned(text, &[], Key::Name, Known::AddOnly);
    let mut out = Vec::new();
    assert_eq!(write_rejected(&sheet, &plan, Separator::Comma, &mut out).unwrap(), 1);
    let out = String::from_utf8(out).unwrap();
    assert!(out.starts_with("rejected_row,rejected_because,name,line,Colour\n3,"), "{out}");
    assert!(out.contains("line: `nowhere` is not a line"), "{out}");
    let mended = out.replace(",nowhere,blue", ",tcp://b,blue");
    let plan = planned(&mended, &[], Key::Name, Known::AddOnly);
    assert_eq!((plan.counts.new, plan.rows[0].name.as_str()), (1, "B, b"));
    // A second file of rejects has no third and fourth column of its own.
    let sheet = Sheet::read(out.as_bytes(), Style::default()).unwrap();
    let plan = planned(&out, &[], Key::Name, Known::AddOnly);
    let mut again = Vec::new();
    write_rejected(&sheet, &plan, Separator::Comma, &mut again).unwrap();
    assert_eq!(again.iter().filter(|octet| **octet == b'\n').count(), 2);
    assert_eq!(String::from_utf8(again).unwrap().matches("rejected_row").count(), 1);
}

#[test]
fn rows_are_counted_as_an_editor_counts_them_whatever_ends_a_line() {
    for end in ["\n", "\r\n"] {
        let lines = ["name,line,note", "A,tcp://a,", "", "B,nowhere,\"two", "lines\"", "C,nowhere,", ""];
        let plan = planned(&lines.join(end), &[], Key::Name, Known::AddOnly);
        let lines: Vec<u64> = plan.rows.iter().map(|row| row.line).collect();
        assert_eq!(lines, [2, 4, 6], "{end:?}");
    }
}

#[test]
fn a_secret_in_a_file_is_neither_taken_nor_written_anywhere() {
    let text = "name,line,Password,Encryption key\nA,nowhere,MARKED,00MARKED\n";
    let sheet = Sheet::read(text.as_bytes(), Style::default()).unwrap();
    let plan = planned(text, &[], Key::Name, Known::AddOnly);
    let mut out = Vec::new();
    write_rejected(&sheet, &plan, Separator::Comma, &mut out).unwrap();
    assert!(!String::from_utf8(out).unwrap().contains("MARKED") && !format!("{plan:?}").contains("MARKED"));
}

#[test]
fn what_a_ratio_says_is_not_said_by_a_list_and_two_rows_agree_about_their_point() {
    let mut one = meter(1, "A", "1");
    one.has_ratio = true;
    let plan = planned("name,registers_in\nA,primary\n", &[one.clone()], Key::Name, Known::UpdateOnly);
    assert!(problems(&plan)[0].contains("said by the ratio of its point"), "{plan:?}");
    let text = "name,line,point,location\nB,tcp://b,P,Cellar\nC,tcp://c,P,Roof\n";
    let plan = planned(text, &[one], Key::Name, Known::AddAndUpdate);
    assert!(problems(&plan)[0].contains("row 2 says something else"), "{plan:?}");
}

/// A meter with anything that a person could have entered.
fn any_meter() -> impl Strategy<Value = (MeterConfig, PointDetails)> {
    let text = "[ a-zA-Z0-9äß€,;|\"'\n\t=/.-]{0,12}";
    let word = "[a-zA-Z0-9äß€,;|\"'=/.-]{1,12}";
    let lines = prop::sample::select(vec![
        "tcp://10.0.0.1:4059",
        "tcp+hdlc://[fd00::1]:4001",
        "serial:COM5?optical",
        "udp://gw:4059?medium=mesh#gateway=1/AB12",
        "serial:/dev/ttyUSB0?baud=19200&format=8n1&echo",
    ]);
    let plates = prop::sample::select(vec![None, Some("4000/5"), Some("110000/√3:100/√3"), Some("0.5/0.1")]);
    let settings = (
        (word, prop::option::of(word), lines, prop::option::of(0u16..), any::<bool>(), any::<[u8; 8]>()),
        (prop::option::of(word), prop::option::of(word), 0..Auth::ALL.len(), 0..Security::ALL.len(), text),
    );
    let point = (
        text,
        text,
        text,
        prop::collection::vec(word, 0..3),
        prop::collection::btree_map(word, word, 0..3),
        plates,
    );
    (settings, point).prop_map(|(((name, serial, line, client, primary, title), rest), point)| {
        let (group, place, auth, security, note) = rest;
        let mut config = MeterConfig::new(name, line.parse().unwrap());
        (config.serial, config.client, config.group, config.point) = (serial, client, group, place);
        config.registers_in = if primary { Side::Primary } else { Side::Secondary };
        config.server_title = Some(crate::model::SystemTitle(title));
        (config.auth, config.security, config.note) = (Auth::ALL[auth], Security::ALL[security], note);
        config.line.medium = if primary { Medium::Plc } else { config.line.medium };
        config.time_zone = primary.then(|| "Europe/London".to_owned());
        let (location, customer, notes, photos, fields, plate) = point;
        let ratio = plate.map(|text: &str| text.parse().unwrap());
        let plate = ratio.map(|ratio| PlateRatios { ct: Some(ratio), vt: None });
        (config, PointDetails { location, customer, notes, photos, fields, plate })
    })
}

proptest! {
    #[test]
    fn a_list_that_was_written_and_is_read_again_changes_nothing(
        meters in prop::collection::vec(any_meter(), 1..6),
        separator in prop::sample::select(Separator::ALL.map(|(one, _)| one).to_vec()),
        for_excel: bool,
        clear: bool,
    ) {
        let meters: Vec<ListedMeter> = meters.into_iter().zip(1..).map(|((mut config, details), id)| {
            config.name = format!("{}{id}", config.name);
            config.point = config.point.map(|point| format!("{point}{id}"));
            listed(id, config, details)
        }).collect();
        let bytes = written(&meters.iter().collect::<Vec<_>>(), separator, for_excel);
        let style = Style { separator, ..Style::default() };
        let sheet = Sheet::read(&bytes, style).unwrap();
        let columns = guess(&sheet.header, &BTreeMap::new());
        prop_assert!(columns.iter().all(Option::is_some), "{:?}", sheet.header);
        let empty = if clear { Empty::Clear } else { Empty::Leave };
        let choices = Choices { columns, known: Known::AddAndUpdate, empty, ..Choices::default() };
        let again = plan(&sheet, &meters, &choices);
        prop_assert_eq!(again.counts, Counts { unchanged: meters.len(), ..Counts::default() }, "{:?}", again.rows);
        // Into an empty store they come as they were, but for blanks at the ends of texts.
        let fresh = plan(&sheet, &[], &Choices { known: Known::AddOnly, ..choices });
        prop_assert_eq!(fresh.counts.new, meters.len(), "{:?}", fresh.rows);
        for (meter, (config, about)) in meters.iter().zip(&fresh.changes.add) {
            let mut details = PointDetails::default();
            about.apply(&mut details);
            let mut wanted = meter.clone();
            wanted.config.note = wanted.config.note.trim().to_owned();
            for text in [&mut wanted.details.location, &mut wanted.details.customer, &mut wanted.details.notes] {
                *text = text.trim().to_owned();
            }
            prop_assert_eq!(config, &wanted.config);
            prop_assert_eq!(&details, &wanted.details);
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), known in 0usize..3) {
        let style = Style::detect(&bytes);
        if let Ok(sheet) = Sheet::read(&bytes, style) {
            let columns = guess(&sheet.header, &BTreeMap::new());
            let known = [Known::AddOnly, Known::AddAndUpdate, Known::UpdateOnly][known];
            let plan = plan(&sheet, &[meter(1, "A", "1")], &Choices { columns, known, ..Choices::default() });
            let mut out = Vec::new();
            prop_assert!(write_rejected(&sheet, &plan, style.separator, &mut out).is_ok());
        }
    }
}
