//! A vendor's file: XML with pages of writes (sections 12.3 and 12.4).
//!
//! An element whose attributes are exactly `id`, `packet` and `data`, in this order, is a write, whatever its name. A page
//! is an element `Page`, whose first attribute is its number and whose second, where there is one, its checksum. What is
//! anything else inside a page is refused, since nobody knows what was meant by it. There are no entities and no
//! document types: a file that has them is refused.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use sha2::{Digest as _, Sha256};

use crate::drivers::elster::MOST_DIGITS;
use crate::protocol::elster_flag::Place;

/// Largest file.
const MOST_BYTES: u64 = 16 << 20;
/// Most writes.
const MOST_WRITES: usize = 100_000;
/// Pages of the meter's memory.
pub(super) const PAGES: u16 = 64;
/// Elements within elements.
const DEEPEST: usize = 8;
/// Identities that the procedure itself uses: pages, checksums, activation.
const RESERVED: [u16; 3] = [2, 4, 5];

/// A write, as it goes on the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VendorWrite {
    /// Where.
    pub place: Place,
    /// Hexadecimal digits.
    pub digits: String,
}

/// A page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VendorPage {
    /// Its number, 0 to 63.
    pub number: u16,
    /// What the meter is to reckon at its end.
    pub checksum: Option<u16>,
    /// Its writes, in order.
    pub writes: Vec<VendorWrite>,
}

/// A vendor's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VendorFile {
    /// SHA-256 of the file.
    pub id: [u8; 32],
    /// The pages, in the file's order.
    pub pages: Vec<VendorPage>,
    /// What its outermost element says of it: name and value.
    pub says: Vec<(String, String)>,
}

/// Why a file is not taken.
#[derive(Debug, thiserror::Error)]
pub enum VendorFileError {
    /// It cannot be read.
    #[error("{path}: {error}")]
    Unreadable {
        /// The file.
        path: String,
        /// Why.
        error: std::io::Error,
    },
    /// It is none.
    #[error("{path}: {reason}")]
    Wrong {
        /// The file.
        path: String,
        /// What, and where.
        reason: String,
    },
}

/// The attributes of an element in order, decoded; entities are not.
fn attributes(element: &BytesStart<'_>) -> Result<Vec<(String, String)>, String> {
    let mut found = Vec::new();
    for attribute in element.attributes() {
        let attribute = attribute.map_err(|error| format!("an attribute that does not read: {error}"))?;
        let text = |octets: &[u8]| {
            std::str::from_utf8(octets).map(str::to_owned).map_err(|_| "a text that is not UTF-8".to_owned())
        };
        let value = text(&attribute.value)?;
        if value.contains('&') {
            return Err("an entity in an attribute, and there are none in such a file".to_owned());
        }
        found.push((text(attribute.key.as_ref())?, value));
    }
    Ok(found)
}

fn digits(text: &str, least: usize, most: usize) -> bool {
    (least..=most).contains(&text.len()) && text.bytes().all(|octet| octet.is_ascii_hexdigit())
}

/// The write that an element is; nothing where its attributes are others.
fn write(attributes: &[(String, String)]) -> Result<Option<VendorWrite>, String> {
    let [(id_name, id), (packet_name, packet), (data_name, data)] = attributes else { return Ok(None) };
    if id_name != "id" || packet_name != "packet" || data_name != "data" {
        return Ok(None);
    }
    let is_id = id.len() == 3 && id.bytes().all(|octet| octet.is_ascii_digit());
    let identity: u16 =
        id.parse().ok().filter(|_| is_id).ok_or_else(|| format!("the id `{id}` has not three digits"))?;
    let packet = digits(packet, 1, 3)
        .then(|| u16::from_str_radix(packet, 16).ok())
        .flatten()
        .filter(|packet| *packet > 0)
        .ok_or_else(|| format!("the packet `{packet}` is not 1 to FFF"))?;
    if !digits(data, 1, MOST_DIGITS) {
        return Err(format!("the data of {id} {packet:03x} are not 1 to {MOST_DIGITS} hexadecimal digits"));
    }
    if RESERVED.contains(&identity) {
        return Err(format!(
            "a write to identity {id}, which erases, checks or activates: the program does that itself"
        ));
    }
    Ok(Some(VendorWrite { place: Place { identity, packet }, digits: data.to_ascii_uppercase() }))
}

fn page(attributes: &[(String, String)]) -> Result<VendorPage, String> {
    let (first, rest) = attributes.split_first().ok_or("a page without a number")?;
    let number: u16 = first
        .1
        .parse()
        .ok()
        .filter(|number| *number < PAGES)
        .ok_or_else(|| format!("the page number `{}` is not 0 to {}", first.1, PAGES - 1))?;
    let checksum = match rest {
        [] => None,
        [(_, checksum)] if digits(checksum, 1, 4) => u16::from_str_radix(checksum, 16).ok(),
        _ => return Err(format!("page {number} has a checksum that is not up to four hexadecimal digits")),
    };
    Ok(VendorPage { number, checksum, writes: Vec::new() })
}

/// What has been read of a file.
#[derive(Default)]
struct Reading {
    pages: Vec<VendorPage>,
    says: Vec<(String, String)>,
    numbers: BTreeSet<u16>,
    writes: usize,
    /// Elements that are open.
    depth: usize,
    /// The depth at which the open page lies.
    page_at: Option<usize>,
}

impl Reading {
    fn element(&mut self, element: &BytesStart<'_>, is_empty: bool) -> Result<(), String> {
        let found = attributes(element)?;
        let name = element.name();
        if name.as_ref() == b"Page" {
            if self.page_at.is_some() {
                return Err("a page within a page".to_owned());
            }
            let page = page(&found)?;
            if !self.numbers.insert(page.number) {
                return Err(format!("page {} stands in it twice", page.number));
            }
            self.pages.push(page);
            if !is_empty {
                self.page_at = Some(self.depth);
            }
        } else if let Some(write) = write(&found)? {
            let page = self.pages.last_mut().filter(|_| self.page_at.is_some());
            let page = page.ok_or_else(|| format!("the write {} stands in no page", write.place))?;
            self.writes += 1;
            if self.writes > MOST_WRITES {
                return Err(format!("more than {MOST_WRITES} writes"));
            }
            page.writes.push(write);
        } else if self.page_at.is_some() {
            let name = String::from_utf8_lossy(name.as_ref()).into_owned();
            return Err(format!("an element <{name}> in a page that is no write"));
        } else if self.depth == 0 {
            self.says = found;
        }
        if !is_empty {
            self.depth += 1;
            if self.depth > DEEPEST {
                return Err("elements too deep within each other".to_owned());
            }
        }
        Ok(())
    }

    fn end(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        if self.page_at == Some(self.depth) {
            self.page_at = None;
        }
    }

    fn event(&mut self, event: &Event<'_>) -> Result<bool, String> {
        match event {
            Event::Start(element) => self.element(element, false)?,
            Event::Empty(element) => self.element(element, true)?,
            Event::End(_) => self.end(),
            Event::Text(text) if !text.iter().all(u8::is_ascii_whitespace) => {
                return Err("a text where elements are expected".to_owned());
            }
            Event::Text(_) | Event::Comment(_) | Event::Decl(_) => {}
            Event::Eof => return Ok(false),
            Event::DocType(_) | Event::PI(_) | Event::CData(_) | Event::GeneralRef(_) => {
                return Err(
                    "a document type, an entity or an instruction, and there are none in such a file"
                        .to_owned(),
                );
            }
        }
        Ok(true)
    }
}

impl VendorFile {
    /// Opens a file.
    ///
    /// # Errors
    /// It cannot be read, or is none.
    pub fn open(path: &Path) -> Result<Self, VendorFileError> {
        let shown = || path.display().to_string();
        let unreadable = |error| VendorFileError::Unreadable { path: shown(), error };
        let mut octets = Vec::new();
        let file = File::open(path).map_err(unreadable)?;
        file.take(MOST_BYTES + 1).read_to_end(&mut octets).map_err(unreadable)?;
        Self::read(&octets).map_err(|reason| VendorFileError::Wrong { path: shown(), reason })
    }

    /// Reads a file.
    ///
    /// # Errors
    /// It is none; what is wrong, and at which octet.
    pub fn read(octets: &[u8]) -> Result<Self, String> {
        if octets.len() as u64 > MOST_BYTES {
            return Err(format!("it is larger than {} MiB", MOST_BYTES >> 20));
        }
        let mut reader = Reader::from_reader(octets);
        let mut reading = Reading::default();
        loop {
            let at = |reason: String, reader: &Reader<&[u8]>| {
                format!("octet {}: {reason}", reader.buffer_position())
            };
            let event = match reader.read_event() {
                Ok(event) => event,
                Err(error) => return Err(at(format!("no XML: {error}"), &reader)),
            };
            match reading.event(&event) {
                Ok(true) => {}
                Ok(false) => break,
                Err(reason) => return Err(at(reason, &reader)),
            }
        }
        if reading.depth > 0 {
            return Err("it ends in the middle".to_owned());
        }
        if reading.writes == 0 {
            return Err("it has no write in a page: it is no firmware of an AS230".to_owned());
        }
        let id = Sha256::digest(octets).into();
        Ok(Self { id, pages: reading.pages, says: reading.says })
    }

    /// Writes in all its pages.
    #[must_use]
    pub fn writes(&self) -> u32 {
        let all: usize = self.pages.iter().map(|page| page.writes.len()).sum();
        u32::try_from(all).unwrap_or(u32::MAX)
    }

    /// Pages that nothing is compared with.
    #[must_use]
    pub fn unchecked(&self) -> usize {
        self.pages.iter().filter(|page| page.checksum.is_none()).count()
    }
}
