use proptest::prelude::*;

use super::file::VendorFile;

fn page(writes: &str) -> String {
    format!(r#"<Firmware meter="AS230"><Page nr="3" checksum="00AB">{writes}</Page></Firmware>"#)
}

const WRITE: &str = r#"<Write id="003" packet="01A" data="00ff"/>"#;

fn refused(text: &str) -> String {
    VendorFile::read(text.as_bytes()).unwrap_err()
}

#[test]
fn pages_and_writes_are_read_in_order_whatever_a_write_is_called() {
    // facts/elster-flag.md, sections 12.3 and 12.4.
    let text =
        page(&format!(r#"{WRITE} <!-- a note --> <Anything id="007" packet="1" data="1"></Anything>"#));
    let file = VendorFile::read(text.as_bytes()).unwrap();
    let [page] = file.pages.as_slice() else { panic!("{file:?}") };
    assert_eq!((page.number, page.checksum), (3, Some(0xAB)));
    let writes: Vec<String> =
        page.writes.iter().map(|one| format!("{}({})", one.place, one.digits)).collect();
    assert_eq!(writes, ["00301a(00FF)", "007001(1)"]);
    assert_eq!((file.writes(), file.unchecked()), (2, 0));
    assert_eq!(file.says, [("meter".to_owned(), "AS230".to_owned())]);
    let unchecked = text.replace(r#" checksum="00AB""#, "");
    assert_eq!(VendorFile::read(unchecked.as_bytes()).unwrap().unchecked(), 1);
}

#[test]
fn what_nobody_can_vouch_for_is_refused_with_its_place() {
    for (text, why) in [
        (page(r#"<Write packet="01A" id="003" data="00"/>"#), "no write"),
        (page(r#"<Write id="003" packet="01A" data="00" more="1"/>"#), "no write"),
        (page(r#"<Write id="3" packet="01A" data="00"/>"#), "three digits"),
        (page(r#"<Write id="003" packet="0" data="00"/>"#), "1 to FFF"),
        (page(r#"<Write id="003" packet="1" data="xyz"/>"#), "hexadecimal"),
        (page(&format!(r#"<Write id="003" packet="1" data="{}"/>"#, "0".repeat(130))), "hexadecimal"),
        (page(r#"<Write id="005" packet="1" data="0"/>"#), "activates"),
        (page(&format!(r#"<Page nr="4">{WRITE}</Page>"#)), "page within a page"),
        (page(&format!("{WRITE} text")), "a text"),
        (page(WRITE).replace(r#"nr="3""#, r#"nr="64""#), "0 to 63"),
        (page(WRITE).replace("</Firmware>", ""), "middle"),
        (format!("<F>{WRITE}</F>"), "in no page"),
        (format!("<F><Page nr=\"1\">{WRITE}</Page><Page nr=\"1\">{WRITE}</Page></F>"), "twice"),
        ("<F/>".to_owned(), "no write in a page"),
        (format!("<!DOCTYPE f [<!ENTITY a \"b\">]>{}", page(WRITE)), "document type"),
        (page(r#"<Write id="003" packet="1" data="&a;"/>"#), "entity"),
        (format!("{}{}", "<a>".repeat(50), page(WRITE)), "too deep"),
        ("hello".to_owned(), "a text"),
        (String::new(), "no write"),
    ] {
        let said = refused(&text);
        assert!(said.contains(why), "{why}: {said}");
    }
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(octets: Vec<u8>) {
        let _ = VendorFile::read(&octets);
    }

    #[test]
    fn no_xml_makes_it_panic(text in "(<[A-Za-z]{1,5}( [a-z]{1,6}=\"[0-9A-F&;]{0,6}\")*/?>|</[A-Za-z]{1,5}>| ){0,20}") {
        let _ = VendorFile::read(text.as_bytes());
    }

    #[test]
    fn every_file_of_writes_reads_back(pages in proptest::collection::btree_map(0u16..64, proptest::collection::vec((6u16..999, 1u16..0x1000, "[0-9A-F]{1,128}"), 1..5), 1..6)) {
        let mut text = String::from("<F>");
        for (number, writes) in &pages {
            text.push_str(&format!("<Page nr=\"{number}\">"));
            for (id, packet, data) in writes {
                text.push_str(&format!("<W id=\"{id:03}\" packet=\"{packet:X}\" data=\"{data}\"/>"));
            }
            text.push_str("</Page>");
        }
        text.push_str("</F>");
        let file = VendorFile::read(text.as_bytes()).unwrap();
        prop_assert_eq!(file.pages.len(), pages.len());
        for (page, (number, writes)) in file.pages.iter().zip(&pages) {
            prop_assert_eq!(page.number, *number);
            let read: Vec<(u16, u16, String)> = page.writes.iter().map(|one| (one.place.identity, one.place.packet, one.digits.clone())).collect();
            prop_assert_eq!(&read, writes);
        }
    }
}
