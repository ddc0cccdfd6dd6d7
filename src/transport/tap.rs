//! Where all traffic goes to be kept.

use std::cell::RefCell;
use std::rc::Rc;

use jiff::Timestamp;

/// One piece of traffic, or a remark in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TapRecord {
    /// When it was handed to the line, or came from it.
    pub at: Timestamp,
    /// From this computer to the meter.
    pub sent: bool,
    /// The octets; those under a mask are 2Ah.
    pub bytes: Vec<u8>,
    /// Masked ranges: start and length.
    pub masked: Vec<(u32, u32)>,
    /// A remark in place of octets: `connected`, `DTR cannot be set`.
    pub note: Option<String>,
}

impl TapRecord {
    /// Octets that pass now.
    #[must_use]
    pub fn bytes(sent: bool, bytes: &[u8]) -> Self {
        Self { at: Timestamp::now(), sent, bytes: bytes.to_vec(), masked: Vec::new(), note: None }
    }

    /// A remark.
    #[must_use]
    pub fn note(text: impl Into<String>) -> Self {
        Self {
            at: Timestamp::now(),
            sent: true,
            bytes: Vec::new(),
            masked: Vec::new(),
            note: Some(text.into()),
        }
    }
}

/// Takes all that passes a pipe, in order. It runs between two octets of live traffic, so it must be quick.
pub trait Tap {
    /// Takes one record.
    fn record(&mut self, record: TapRecord);
}

/// Keeps nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoTap;

impl Tap for NoTap {
    fn record(&mut self, _: TapRecord) {}
}

/// Shares one list among several pipes of a thread.
impl Tap for Rc<RefCell<Vec<TapRecord>>> {
    fn record(&mut self, record: TapRecord) {
        self.borrow_mut().push(record);
    }
}
