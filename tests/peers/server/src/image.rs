//! Image transfer (class 18) upon the crate's encoding, with the oddities of real meters on request.
//!
//! An image begins with a line of ASCII, the version that the meter says once it runs it. What runs is written to a
//! file, so that somebody else can hold it against what was sent.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use dlms_cosem_rs::axdr::{BitStr, Data};
use dlms_cosem_rs::codec::{Encode, Writer};
use dlms_cosem_rs::server::StoreResult;
use dlms_cosem_rs::xdlms::{ActionResult, DataAccessResult};
use serde_json::json;

/// The version that the meter leaves its maker with.
pub const FIRST_VERSION: &str = "PEER 1.0.0";

/// What a meter does with the line after an order.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub enum Line {
    #[default]
    Stays,
    /// It answers first.
    Closes,
    /// It answers after so many seconds, and is gone.
    ClosesLate(u64),
    /// It is gone without an answer.
    Drops,
}

/// Image transfer as one meter has it.
pub struct Image {
    block: usize,
    quirks: Vec<String>,
    file: PathBuf,
    pub version: String,
    enabled: bool,
    status: u8,
    identifier: Vec<u8>,
    held: Vec<u8>,
    has: Vec<bool>,
    came: Vec<u32>,
    initiations: u32,
    looks: u32,
    has_shown_bitmap: bool,
    lost: bool,
    was_cut: bool,
    was_busy: bool,
    line: Line,
    down_until: Option<Instant>,
    /// Which start of the meter this is.
    pub starts: u32,
}

impl Image {
    pub fn new(block: usize, quirks: Vec<String>, file: PathBuf) -> Self {
        Self {
            block,
            quirks,
            file,
            version: FIRST_VERSION.to_owned(),
            enabled: false,
            status: 0,
            identifier: Vec::new(),
            held: Vec::new(),
            has: Vec::new(),
            came: Vec::new(),
            initiations: 0,
            looks: 0,
            has_shown_bitmap: false,
            lost: false,
            was_cut: false,
            was_busy: false,
            line: Line::Stays,
            down_until: None,
            starts: 0,
        }
    }

    fn is(&self, quirk: &str) -> bool {
        self.quirks.iter().any(|one| one == quirk)
    }

    fn number(&self, quirk: &str) -> Option<usize> {
        self.quirks.iter().find_map(|one| one.strip_prefix(quirk)?.strip_prefix('=')?.parse().ok())
    }

    /// What becomes of the line now; asked for once after each request.
    pub fn take_line(&mut self) -> Line {
        std::mem::take(&mut self.line)
    }

    /// Whether nobody is at home.
    pub fn is_down(&self) -> bool {
        self.down_until.is_some_and(|until| Instant::now() < until)
    }

    pub fn get(&mut self, attribute: i8, w: &mut dyn Writer) -> StoreResult<()> {
        let bad = |_| DataAccessResult::OtherReason;
        match attribute {
            2 if self.is("size-when-enabled") && !self.enabled => Err(DataAccessResult::ReadWriteDenied),
            2 => Data::DoubleLongUnsigned(self.block as u32).encode(w).map_err(bad),
            3 if self.is("no-bitmap") => Err(DataAccessResult::ObjectUnavailable),
            3 => {
                self.has_shown_bitmap = true;
                let mut bytes = vec![0u8; self.has.len().div_ceil(8)];
                for (place, _) in self.has.iter().enumerate().filter(|(_, has)| **has) {
                    bytes[place / 8] |= 0x80 >> (place % 8);
                }
                let bits = BitStr::new(self.has.len(), &bytes).map_err(bad)?;
                Data::BitString(bits).encode(w).map_err(bad)
            }
            4 if self.is("no-first") => Err(DataAccessResult::HardwareFault),
            4 => {
                let missing = self.has.iter().position(|has| !has);
                let past = usize::from(self.is("first-past-end"));
                let first = missing.unwrap_or(self.has.len() + past);
                Data::DoubleLongUnsigned(first as u32).encode(w).map_err(bad)
            }
            5 => Data::Boolean(self.enabled).encode(w).map_err(bad),
            6 => Data::Enum(self.look()).encode(w).map_err(bad),
            7 if self.status < 3 && self.is("no-info-before") => Err(DataAccessResult::ObjectUnavailable),
            7 if self.status < 3 => w.write_bytes(&[0x01, 0x00]).map_err(bad),
            7 => {
                w.write_bytes(&[0x01, 0x01, 0x02, 0x03]).map_err(bad)?;
                Data::DoubleLongUnsigned(self.held.len() as u32).encode(w).map_err(bad)?;
                Data::OctetString(&self.identifier).encode(w).map_err(bad)?;
                Data::OctetString(&[0x51; 4]).encode(w).map_err(bad)
            }
            _ => Err(DataAccessResult::ObjectUndefined),
        }
    }

    /// The status; verifying goes on with each look.
    fn look(&mut self) -> u8 {
        if self.looks > 0 {
            self.looks -= 1;
            if self.looks == 0 {
                self.status = self.verdict();
            }
        }
        self.status
    }

    fn verdict(&self) -> u8 {
        let is_whole = !self.has.is_empty() && self.has.iter().all(|has| *has);
        if is_whole && self.new_version().is_some() { 3 } else { 4 }
    }

    fn new_version(&self) -> Option<String> {
        let line = self.held.split(|byte| *byte == b'\n').next()?;
        std::str::from_utf8(line).ok().filter(|line| line.starts_with("PEER ")).map(str::to_owned)
    }

    pub fn set(&mut self, attribute: i8, value: &Data<'_>) -> StoreResult<()> {
        match (attribute, value) {
            (5, Data::Boolean(enabled)) => {
                self.enabled = *enabled;
                Ok(())
            }
            (5, _) => Err(DataAccessResult::TypeUnmatched),
            _ => Err(DataAccessResult::ReadWriteDenied),
        }
    }

    pub fn invoke(&mut self, method: i8, parameters: Option<Data<'_>>) -> Result<(), ActionResult> {
        if !self.enabled {
            return Err(ActionResult::ReadWriteDenied);
        }
        match (method, parameters) {
            (1, Some(Data::Structure(fields))) if fields.len() == 2 => match (fields.get(0), fields.get(1)) {
                (Ok(Data::OctetString(identifier)), Ok(Data::DoubleLongUnsigned(size))) => {
                    self.initiate(identifier, size as usize)
                }
                _ => Err(ActionResult::TypeUnmatched),
            },
            (2, Some(Data::Structure(fields))) if fields.len() == 2 => match (fields.get(0), fields.get(1)) {
                (Ok(Data::DoubleLongUnsigned(number)), Ok(Data::OctetString(bytes))) => {
                    self.take(number as usize, bytes)
                }
                _ => Err(ActionResult::TypeUnmatched),
            },
            (3, Some(Data::Integer(0))) => self.verify(),
            (4, Some(Data::Integer(0))) => self.activate(),
            _ => Err(ActionResult::TypeUnmatched),
        }
    }

    fn initiate(&mut self, identifier: &[u8], size: usize) -> Result<(), ActionResult> {
        if size == 0 || size > 1 << 20 {
            return Err(ActionResult::OtherReason);
        }
        let blocks = size.div_ceil(self.block);
        self.identifier = identifier.to_vec();
        self.held = vec![0; size];
        (self.has, self.came) = (vec![false; blocks], vec![0; blocks]);
        (self.status, self.looks, self.has_shown_bitmap) = (1, 0, false);
        self.initiations += 1;
        Ok(())
    }

    fn take(&mut self, number: usize, bytes: &[u8]) -> Result<(), ActionResult> {
        if self.status != 1 || number >= self.has.len() {
            return Err(ActionResult::ReadWriteDenied);
        }
        let start = number * self.block;
        let end = (start + self.block).min(self.held.len());
        let wanted = if self.is("padded") { self.block } else { end - start };
        if bytes.len() != wanted {
            return Err(ActionResult::TypeUnmatched);
        }
        self.came[number] += 1;
        if self.number("loses") == Some(number) && !std::mem::replace(&mut self.lost, true) {
            return Ok(());
        }
        self.held[start..end].copy_from_slice(&bytes[..end - start]);
        self.has[number] = true;
        self.has_shown_bitmap = false;
        if self.number("cut") == Some(number) && !std::mem::replace(&mut self.was_cut, true) {
            self.line = Line::Drops;
        }
        Ok(())
    }

    fn verify(&mut self) -> Result<(), ActionResult> {
        if self.is("bitmap-first") && !self.has_shown_bitmap {
            return Err(ActionResult::OtherReason);
        }
        if self.is("verify-busy") && !std::mem::replace(&mut self.was_busy, true) {
            (self.status, self.looks) = (2, 3);
            return Err(ActionResult::TemporaryFailure);
        }
        if self.is("ask-again") && self.status != 2 {
            self.status = 2;
            return Err(ActionResult::TemporaryFailure);
        }
        if self.is("status-lags") {
            self.looks = 3;
            return Ok(());
        }
        self.status = self.verdict();
        if self.status == 3 { Ok(()) } else { Err(ActionResult::OtherReason) }
    }

    fn activate(&mut self) -> Result<(), ActionResult> {
        if self.is("ask-again") && self.status == 3 {
            self.status = 5;
            return Err(ActionResult::TemporaryFailure);
        }
        if self.status != 3 && self.status != 5 {
            return Err(ActionResult::ReadWriteDenied);
        }
        (self.status, self.enabled) = (6, false);
        self.starts += 1;
        if !self.is("old-version") {
            self.version = self.new_version().unwrap_or_default();
            std::fs::write(&self.file, &self.held).expect("the file for what runs");
            let told = json!({ "initiations": self.initiations, "came": self.came });
            std::fs::write(self.file.with_extension("json"), told.to_string()).expect("the file of counts");
        }
        self.down_until =
            self.number("down").map(|seconds| Instant::now() + Duration::from_secs(seconds as u64));
        self.line = match self.number("late") {
            Some(seconds) => Line::ClosesLate(seconds as u64),
            None if self.is("drops") => Line::Drops,
            None => Line::Closes,
        };
        if self.is("busy-activation") { Err(ActionResult::TemporaryFailure) } else { Ok(()) }
    }
}
