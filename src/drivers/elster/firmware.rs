//! What a vendor's own file does to an AS230 (section 12.4), command by command; `crate::firmware` conducts it.
//!
//! Nothing here repeats a write after a silence: whether it was carried out is not known then, and the next attempt
//! begins with erasing every page.

use std::time::Duration;

use crate::drivers::{MeterAccess, ReadSink};
use crate::model::{Blame, Fault, Identity};
use crate::protocol::elster_flag::{Answer, Care, Command, FlagLine, PACKET_BYTES, Place};

use super::faults::refusal;
use super::session::Session;

/// Identity of the pages' states: reading tells whether a page is blank, writing erases it.
const PAGES: u16 = 2;
/// Identity of the pages' checksums.
const CHECKSUMS: u16 = 4;
/// Identity that activates what was loaded.
const ACTIVATION: u16 = 5;
/// The password is renewed so often while firmware is loaded (section 2.1).
const RENEW_EVERY: Duration = Duration::from_secs(60);
/// What a page that is not blank says.
const NOT_BLANK: u8 = 0;

/// What became of an order whose answer may be lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// The meter acknowledged it.
    Acknowledged,
    /// Nothing came back: whether the meter does it is not known.
    Unknown,
}

/// A session that loads firmware.
#[allow(missing_debug_implementations, reason = "lends a line and a sink")]
pub struct VendorSession<'a, L>(Session<'a, L>);

impl<'a, L: FlagLine> VendorSession<'a, L> {
    /// Signs on, authenticates and reads the plate.
    ///
    /// # Errors
    /// As for reading; or there is no password.
    pub async fn open(
        line: &'a mut L,
        access: &'a MeterAccess,
        sink: &'a mut dyn ReadSink,
    ) -> Result<Self, Fault> {
        let mut session = Session::new(line, access, sink)?;
        session.renew_every(RENEW_EVERY);
        let opened = match session.open().await {
            Ok(()) => session.read_plate().await,
            Err(fault) => Err(fault),
        };
        match opened {
            Ok(()) => Ok(Self(session)),
            Err(fault) => {
                session.close(Some(&fault)).await;
                Err(fault)
            }
        }
    }

    /// The plate.
    #[must_use]
    pub const fn identity(&self) -> &Identity {
        &self.0.identity
    }

    /// Takes steps and remarks.
    pub const fn sink(&mut self) -> &mut dyn ReadSink {
        self.0.sink
    }

    /// Reads the registers into the sink.
    ///
    /// # Errors
    /// The session broke off.
    pub async fn read_registers(&mut self) -> Result<(), Fault> {
        self.0.read_registers().await
    }

    /// Reads the clock into the sink.
    ///
    /// # Errors
    /// The session broke off, or the clock shows no time.
    pub async fn read_clock(&mut self) -> Result<(), Fault> {
        self.0.read_clock().await.map(|_| ())
    }

    /// Whether a page of the firmware's memory, from 0, is blank.
    ///
    /// # Errors
    /// The meter refused, or the session broke off.
    pub async fn is_blank(&mut self, page: u16) -> Result<bool, Fault> {
        let place = Place { identity: PAGES, packet: page + 1 };
        match self.0.read_packet(place, 1).await? {
            Answer::Data(data) => Ok(data.first() != Some(&NOT_BLANK)),
            other => Err(refusal(&format!("the state of page {page}"), &other)),
        }
    }

    /// Erases a page.
    ///
    /// # Errors
    /// The meter refused, or the session broke off.
    pub async fn erase(&mut self, page: u16) -> Result<(), Fault> {
        let place = Place { identity: PAGES, packet: page + 1 };
        let command = Command::Write { place, digits: "1".to_owned() };
        self.0.write(&command, &format!("erasing page {page}"), Care::Once).await
    }

    /// Sends one write of the vendor's file, as it stands there.
    ///
    /// # Errors
    /// The meter refused, or the session broke off.
    pub async fn send(&mut self, place: Place, digits: &str) -> Result<(), Fault> {
        let command = Command::Write { place, digits: digits.to_owned() };
        self.0.write(&command, &format!("the write {place} of the vendor's file"), Care::Once).await
    }

    /// The meter's own checksum of a page.
    ///
    /// # Errors
    /// The meter refused, or the session broke off.
    pub async fn checksum(&mut self, page: u16) -> Result<u16, Fault> {
        let place = Place { identity: CHECKSUMS, packet: page + 1 };
        match self.0.read_packet(place, 2).await? {
            Answer::Data(data) => data.first_chunk().map(|two| u16::from_be_bytes(*two)).ok_or_else(|| {
                Fault::meter(
                    format!("the checksum of page {page} has no two octets"),
                    "look at the job's trace",
                )
            }),
            other => Err(refusal(&format!("the checksum of page {page}"), &other)),
        }
    }

    /// Has the meter restart with what was loaded. No goodbye follows.
    ///
    /// # Errors
    /// The meter refused: it goes on with what it runs.
    pub async fn activate(&mut self) -> Result<Told, Fault> {
        let command = Command::Write { place: Place::first(ACTIVATION), digits: "0".to_owned() };
        let told = self.0.write(&command, "the activation", Care::Once).await;
        match told {
            Ok(()) => {
                self.0.expects_no_goodbye();
                Ok(Told::Acknowledged)
            }
            Err(fault) if fault.blame == Blame::Line => {
                self.0.expects_no_goodbye();
                Ok(Told::Unknown)
            }
            Err(fault) => Err(fault),
        }
    }

    /// Writes down in the audit chain what is about to be done.
    ///
    /// # Errors
    /// It cannot be written down.
    pub fn audit(&mut self, what: &str) -> Result<(), Fault> {
        self.0.sink.wrote(what)
    }

    /// Says goodbye.
    pub async fn close(mut self, fault: Option<&Fault>) {
        self.0.close(fault).await;
    }
}

/// Most digits of one write: a full packet.
pub const MOST_DIGITS: usize = 2 * PACKET_BYTES as usize;
