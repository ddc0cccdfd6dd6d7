//! The firmware of a virtual AS230 (section 12.4 of the fact sheet): 64 pages that are erased, written, summed and
//! activated.
//!
//! Made up here, since no source tells: a page has [`PAGE_BYTES`] octets in packets of 64 of identity 003, its checksum
//! is the sum of its octets, and the first twelve octets of page 0 are the text of the firmware. As in real flash memory
//! a write only clears bits, so that a page that was not erased comes out as a mixture, and its checksum wrong.

use std::time::{Duration, Instant};

use crate::model::hex;
use crate::simulator::faults::ImageFaults;

/// Pages of the memory.
pub const PAGES: u16 = 64;
/// Octets of a page.
pub const PAGE_BYTES: u16 = 512;
/// Identity that takes the octets of pages.
pub const DATA: u16 = 3;
/// The text of the firmware that meters come with.
pub const FIRST_TEXT: &str = "AS230 V01.00";
/// The text of a firmware that comes out wrong.
pub const WRONG_TEXT: &str = "AS230 V00.13";
/// Packets of a page.
const PACKETS: u16 = PAGE_BYTES / 64;
const TEXT_BYTES: usize = 12;
/// How long a meter is away after an activation, where no fault says otherwise.
const RESTART: Duration = Duration::from_secs(15);
/// Pages that are not blank when the meter comes from the factory.
const USED: u16 = 8;

/// What a meter runs, and what is on its way.
#[derive(Debug)]
pub struct Memory {
    faults: ImageFaults,
    pages: Vec<Vec<u8>>,
    /// All pages as they were when the meter last restarted with them; `None` is the firmware from the factory.
    running: Option<Vec<Vec<u8>>>,
    text: String,
    away_until: Option<Instant>,
    is_gone: bool,
    writes: u32,
    /// Pages erased, for tests.
    pub erased: u32,
    /// Activations that were carried out, for tests.
    pub activations: u32,
}

/// What the meter says to a command about its firmware.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    Ack,
    /// Out of range.
    NoSuchPacket,
    /// ERR6.
    Communication,
}

impl Memory {
    pub(super) fn new(faults: ImageFaults) -> Self {
        let page = |number: u16| {
            let octet = if number < USED { 0x5A } else { 0xFF };
            vec![octet; PAGE_BYTES.into()]
        };
        Self {
            faults,
            pages: (0..PAGES).map(page).collect(),
            running: None,
            text: FIRST_TEXT.to_owned(),
            away_until: None,
            is_gone: false,
            writes: 0,
            erased: 0,
            activations: 0,
        }
    }

    /// The text of the firmware that runs.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The pages that run; nothing while it is the firmware from the factory.
    #[must_use]
    pub fn running(&self) -> Option<&[Vec<u8>]> {
        self.running.as_deref()
    }

    /// Whether the meter answers.
    pub(super) fn is_there(&self, now: Instant) -> bool {
        !self.is_gone && self.away_until.is_none_or(|until| now >= until)
    }

    fn page(&self, packet: u16) -> Option<&Vec<u8>> {
        self.pages.get(usize::from(packet.checked_sub(1)?))
    }

    /// Whether a page is blank, by the packet of identity 002.
    pub(super) fn is_blank(&self, packet: u16) -> Option<bool> {
        self.page(packet).map(|page| page.iter().all(|octet| *octet == 0xFF))
    }

    /// Erases a page, by the packet of identity 002.
    pub(super) fn erase(&mut self, packet: u16) -> Said {
        if self.faults.stuck_page.is_some_and(|page| page + 1 == packet) {
            return Said::Ack;
        }
        let Some(page) = packet.checked_sub(1).and_then(|place| self.pages.get_mut(usize::from(place)))
        else {
            return Said::NoSuchPacket;
        };
        page.fill(0xFF);
        self.erased += 1;
        Said::Ack
    }

    /// Writes into a page, by the packet of identity 003.
    pub(super) fn write(&mut self, packet: u16, data: &[u8]) -> Said {
        let Some(place) = packet.checked_sub(1) else { return Said::NoSuchPacket };
        self.writes = self.writes.wrapping_add(1);
        if self.faults.err6 > 0 && self.writes.is_multiple_of(self.faults.err6) {
            return Said::Communication;
        }
        if self.faults.loses > 0 && self.writes.is_multiple_of(self.faults.loses) {
            return Said::Ack;
        }
        let at = usize::from(place % PACKETS) * 64;
        let Some(page) = self.pages.get_mut(usize::from(place / PACKETS)) else { return Said::NoSuchPacket };
        for (stored, octet) in page.iter_mut().skip(at).zip(data) {
            *stored &= octet;
        }
        Said::Ack
    }

    /// The checksum of a page, by the packet of identity 004.
    pub(super) fn checksum(&self, packet: u16) -> Option<[u8; 2]> {
        let sum = sum(self.page(packet)?);
        let shown = if self.faults.verify_fails { sum.wrapping_add(1) } else { sum };
        Some(shown.to_be_bytes())
    }

    /// Restarts with what the pages hold.
    pub(super) fn activate(&mut self, now: Instant) {
        if self.faults.no_restart {
            return;
        }
        self.activations += 1;
        self.is_gone = self.faults.silent;
        let seconds = self.faults.restart_seconds;
        let away = if seconds > 0 { Duration::from_secs(seconds.into()) } else { RESTART };
        self.away_until = Some(now + away);
        let text = self.pages.first().and_then(|page| page.get(..TEXT_BYTES)).unwrap_or_default();
        let text = String::from_utf8_lossy(text).into_owned();
        self.text = if self.faults.wrong_version { WRONG_TEXT.to_owned() } else { text };
        self.running = Some(self.pages.clone());
    }
}

fn sum(page: &[u8]) -> u16 {
    page.iter().fold(0, |sum: u16, octet| sum.wrapping_add((*octet).into()))
}

/// The pages of a firmware with this text: as many as asked for, the rest blank.
#[must_use]
pub fn pages(text: &str, count: u16) -> Vec<Vec<u8>> {
    (0..PAGES)
        .map(|number| {
            if number >= count {
                return vec![0xFF; PAGE_BYTES.into()];
            }
            let mut page: Vec<u8> = (0..PAGE_BYTES)
                .map(|at| (at.wrapping_mul(7) ^ number.wrapping_mul(31)).to_le_bytes()[0])
                .collect();
            if number == 0 {
                let text = text.bytes().chain(std::iter::repeat(b' ')).take(TEXT_BYTES);
                page.iter_mut().zip(text).for_each(|(octet, letter)| *octet = letter);
            }
            page
        })
        .collect()
}

/// A vendor's file that loads [`pages`] into a virtual AS230.
#[must_use]
pub fn vendor_file(text: &str, count: u16) -> String {
    let mut file = String::from("<?xml version=\"1.0\"?>\n<Firmware meter=\"AS230\">\n");
    for (number, page) in (0..count).zip(pages(text, count)) {
        file.push_str(&format!("  <Page nr=\"{number}\" checksum=\"{:04X}\">\n", sum(&page)));
        for (packet, data) in (number * PACKETS + 1..).zip(page.chunks(64)) {
            let digits = hex(data);
            file.push_str(&format!(
                "    <Write id=\"{DATA:03}\" packet=\"{packet:03X}\" data=\"{digits}\"/>\n"
            ));
        }
        file.push_str("  </Page>\n");
    }
    file.push_str("</Firmware>\n");
    file
}
