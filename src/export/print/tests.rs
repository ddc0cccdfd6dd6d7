//! The layout of a print, and what can be read out of the file.

use jiff::civil::date;

use super::flow::{MARGIN, Mark, SHEET};
use super::*;
use crate::model::Template;
use crate::scheme::{check, check_file, write};

fn library() -> Vec<(String, Document, Vec<Problem>, Vec<u8>)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/schemes");
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        let checked = check_file(&bytes, date(2026, 11, 22));
        let Some(document) = checked.document else { continue };
        found.push((path.display().to_string(), document, checked.problems, bytes));
    }
    assert!(found.len() >= 10, "{}", found.len());
    found
}

fn at() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

fn laid_out(faces: &Faces, document: &Document, problems: &[Problem]) -> Vec<Vec<Mark>> {
    sheets(faces, document, problems, write(document).as_bytes(), at())
}

fn text_of(sheets: &[Vec<Mark>]) -> String {
    let texts = sheets.iter().flatten().filter_map(|mark| match mark {
        Mark::Text { text, .. } => Some(text.as_str()),
        _ => None,
    });
    texts.collect::<Vec<_>>().join("\n")
}

/// Texts that stand on one another, or beyond the margins.
fn clashes(faces: &Faces, sheets: &[Vec<Mark>]) -> Vec<String> {
    let mut clashes = Vec::new();
    for sheet in sheets {
        let mut boxes: Vec<(f32, f32, f32, f32, &str)> = Vec::new();
        for mark in sheet {
            let Mark::Text { x, y, face, size, text, .. } = mark else { continue };
            let (left, right) = (*x, x + faces.width(*face, *size, text));
            let (top, bottom) = (y - size * 0.72, y + size * 0.2);
            if left < MARGIN - 0.5 || right > SHEET.0 - MARGIN + 0.5 || bottom > SHEET.1 - MARGIN + 4.0 {
                clashes.push(format!("beyond the margin: {text}"));
            }
            for (l, t, r, b, other) in &boxes {
                if left < r - 0.2 && *l < right - 0.2 && top < b - 0.2 && *t < bottom - 0.2 {
                    clashes.push(format!("`{text}` on `{other}`"));
                }
            }
            boxes.push((left, top, right, bottom, text));
        }
    }
    clashes
}

#[test]
fn every_scheme_of_the_library_prints_with_all_its_registers_and_switching_times() {
    let faces = Faces::shipped().unwrap();
    for (path, document, problems, bytes) in library() {
        let sheets = laid_out(&faces, &document, &problems);
        assert_eq!(clashes(&faces, &sheets), Vec::<String>::new(), "{path}");
        let text = text_of(&sheets);
        for register in &document.registers.energy {
            assert!(text.lines().any(|line| line == register.id), "{path}: {}", register.id);
            assert!(text.contains(&register.obis.short()), "{path}: {}", register.obis);
        }
        let latent = document.latent.iter().flat_map(|latent| &latent.tariff.day_types);
        for switch in document.tariff.day_types.iter().chain(latent).flat_map(|day| &day.switches) {
            assert!(text.contains(&format!("{} ", switch.at)), "{path}: {}", switch.at);
        }
        let pdf = print(&document, &problems, &bytes, at()).unwrap();
        assert!(pdf.starts_with(b"%PDF-1.7"), "{path}");
        assert!(pdf.len() < 200_000, "{path}: {} octets", pdf.len());
    }
}

#[test]
fn long_names_wrap_and_stand_on_nothing() {
    let faces = Faces::shipped().unwrap();
    let mut document = Document::blank("dlms-generic", "America/Argentina/ComodRivadavia");
    let long =
        "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft, winter and summer";
    document.title = format!("{long} {long}");
    document.note = format!("{long}\n{long} {long} {long}");
    for register in &mut document.registers.energy {
        register.id = "WWWWWWWWWWWWWWWW".to_owned();
        register.title = long.to_owned();
    }
    document.tariff = crate::scheme::Tariff::single("WWWWWWWWWWWWWWWW");
    document.tariff.day_types[0].title = format!("{long} {long}");
    document.tariff.seasons[0].title = long.to_owned();
    document.tariff.weeks[0].days = std::array::from_fn(|_| "WWWWWWWWWWWWWWWW".to_owned());
    for minute in 1..96 {
        let at = crate::scheme::SwitchTime::from_minutes(minute * 15).unwrap();
        let on = vec!["WWWWWWWWWWWWWWWW".to_owned()];
        document.tariff.day_types[0].switches.push(crate::scheme::Switch { at, on });
    }
    let problems = check(&document, &Template::named("dlms-generic").unwrap(), date(2026, 11, 22));
    let sheets = laid_out(&faces, &document, &problems);
    assert_eq!(clashes(&faces, &sheets), Vec::<String>::new());
}

#[test]
fn errors_stand_on_the_first_sheet() {
    let faces = Faces::shipped().unwrap();
    let mut document = Document::blank("dlms-generic", "Europe/London");
    document.tariff.weeks[0].days[3] = "D9".to_owned();
    let problems = check(&document, &Template::named("dlms-generic").unwrap(), date(2026, 11, 22));
    let sheets = laid_out(&faces, &document, &problems);
    let first = text_of(&sheets[..1]);
    assert!(first.contains("must not go into a meter"), "{first}");
    assert!(first.contains("tariff.weeks[0].days[3]"), "{first}");
}

#[test]
fn sheets_are_numbered_and_name_the_hash_of_the_file() {
    let faces = Faces::shipped().unwrap();
    let document = Document::blank("dlms-generic", "Europe/London");
    let sheets = laid_out(&faces, &document, &[]);
    let count = sheets.len();
    for (index, sheet) in sheets.iter().enumerate() {
        let text = text_of(std::slice::from_ref(sheet));
        assert!(text.contains(&format!("{} of {count}", index + 1)), "{text}");
    }
    let hash = lower_hex(&Sha256::digest(write(&document).as_bytes()));
    assert!(text_of(&sheets[..1]).replace('\n', "").contains(&hash));
}

#[test]
fn a_sign_that_the_typeface_lacks_is_written_by_its_number() {
    let faces = Faces::shipped().unwrap();
    let mut document = Document::blank("dlms-generic", "Europe/London");
    document.title = "Tag\u{7}und Nacht 電".to_owned();
    let text = text_of(&laid_out(&faces, &document, &[]));
    assert!(text.contains("Tag und Nacht [U+96FB]"), "{text}");
}

#[test]
fn the_same_scheme_at_the_same_second_gives_the_same_octets() {
    let document = Document::blank("dlms-generic", "Europe/London");
    let printed = || print(&document, &[], b"", at()).unwrap();
    assert_eq!(printed(), printed());
}
