//! A meter's side of one client's associations (IEC 62056-53), sans-IO: an APDU and the time in, APDUs out.
//!
//! ```text
//! bytes ─ general block ─ ciphering ─ AARQ / RLRQ        associate.rs
//!         (blocks.rs)   (protect.rs)  GET, SET, ACTION   services.rs
//! ```

mod associate;
mod blocks;
mod protect;
mod services;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::model::Auth;
use crate::protocol::dlms::Apdu;
use crate::protocol::dlms::apdu::{DataNotification, ExceptionResponse, tag};
use crate::protocol::dlms::{Conformance, Data, DataError};

use super::firmware::Hangs;
use super::meter::{Rights, VirtualMeter};
use super::objects::AssociationView;
use super::quirks::{Quirk, Quirks};

use associate::Handover;
use blocks::{Gathered, GeneralSender};
use protect::{Protection, SessionKeys};
use services::{LongAction, LongGet, LongSet};

/// A virtual meter, shared between its connections and those who look at its record.
pub type SharedMeter = Arc<Mutex<VirtualMeter>>;

/// The virtual meter behind a lock; a panic of another holder does not keep it shut.
pub fn lock(meter: &SharedMeter) -> MutexGuard<'_, VirtualMeter> {
    meter.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Who may associate, how, and what for.
#[derive(Clone, Copy, Debug)]
pub struct ClientRule {
    /// Client SAP.
    pub client: u16,
    /// What it may authenticate with.
    pub auths: &'static [Auth],
    /// What it may do then.
    pub rights: Rights,
}

/// The clients of every virtual meter.
pub const CLIENTS: &[ClientRule] = &[
    ClientRule { client: 16, auths: &[Auth::None], rights: Rights::Public },
    ClientRule { client: 17, auths: &[Auth::Low], rights: Rights::Read },
    ClientRule { client: 32, auths: &[Auth::Low], rights: Rights::Read },
    ClientRule { client: 33, auths: &[Auth::HighMd5], rights: Rights::Full },
    ClientRule { client: 34, auths: &[Auth::HighSha1], rights: Rights::Full },
    ClientRule { client: 35, auths: &[Auth::HighSha256], rights: Rights::Full },
    ClientRule { client: 36, auths: &[Auth::HighGmac], rights: Rights::Full },
    ClientRule {
        client: 1,
        auths: &[Auth::HighGmac, Auth::HighSha256, Auth::HighSha1, Auth::HighMd5, Auth::Low],
        rights: Rights::Full,
    },
];

/// What goes back to the client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reply {
    /// APDUs in order.
    pub apdus: Vec<Vec<u8>>,
    /// The meter ends the connection without another word.
    pub close: bool,
}

impl Reply {
    fn one(apdu: Vec<u8>) -> Self {
        Self { apdus: vec![apdu], close: false }
    }

    const fn silence() -> Self {
        Self { apdus: Vec::new(), close: false }
    }
}

/// An open association.
#[derive(Debug)]
struct Session {
    view: AssociationView,
    rights: Rights,
    conformance: Conformance,
    /// Largest APDU that the client takes.
    client_max: usize,
    /// Keys and titles, where the context is ciphered.
    keys: Option<SessionKeys>,
    /// High-level authentication has not come to its end.
    handover: Option<Handover>,
}

/// Why a request is not answered in the usual way.
enum Refusal {
    /// An exception.
    Exception(ExceptionResponse),
    /// The connection ends.
    Close,
}

impl Refusal {
    const fn new(state: u8, service: u8) -> Self {
        Self::Exception(ExceptionResponse { state, service, counter: None })
    }

    /// The service is not for this association.
    const fn not_allowed() -> Self {
        Self::new(1, ExceptionResponse::OPERATION_NOT_POSSIBLE)
    }

    /// The service is not negotiated.
    const fn not_supported() -> Self {
        Self::new(1, ExceptionResponse::SERVICE_NOT_SUPPORTED)
    }

    /// The APDU makes no sense.
    const fn unknown() -> Self {
        Self::new(2, ExceptionResponse::SERVICE_NOT_SUPPORTED)
    }
}

impl From<DataError> for Refusal {
    fn from(_: DataError) -> Self {
        Self::unknown()
    }
}

/// One client's way into a meter.
#[derive(Debug)]
pub struct Server {
    meter: SharedMeter,
    client: u16,
    server: u16,
    quirks: Quirks,
    session: Option<Session>,
    long_get: Option<LongGet>,
    long_set: Option<LongSet>,
    long_action: Option<LongAction>,
    /// First block number of the next transfer, where numbers go on (a quirk).
    stale_block: u32,
    gathered: Option<Gathered>,
    sender: Option<GeneralSender>,
    requests: u32,
    /// Which start of the meter its associations belong to.
    start: u32,
}

impl Server {
    /// The way in for a client SAP at a server SAP.
    #[must_use]
    pub fn new(meter: SharedMeter, client: u16, server: u16) -> Self {
        let (quirks, start) = {
            let mut meter = lock(&meter);
            (meter.settings().faults.quirks, meter.record().firmware().restarts())
        };
        let mut new = Self {
            meter,
            client,
            server,
            quirks,
            session: None,
            long_get: None,
            long_set: None,
            long_action: None,
            stale_block: 0,
            gathered: None,
            sender: None,
            requests: 0,
            start,
        };
        new.pre_establish();
        new
    }

    /// The link below is gone: so are its associations.
    pub fn closed(&mut self) {
        self.session = None;
        self.forget_transfers();
        self.pre_establish();
    }

    fn forget_transfers(&mut self) {
        self.long_get = None;
        self.long_set = None;
        self.long_action = None;
        self.gathered = None;
        self.sender = None;
    }

    /// Answers one APDU; `now_ms` is true time.
    pub fn handle(&mut self, apdu: &[u8], now_ms: i64) -> Reply {
        if !self.is_at_home(apdu, now_ms) {
            return Reply { apdus: Vec::new(), close: true };
        }
        let mut reply = self.handle_at_home(apdu, now_ms);
        match lock(&self.meter).record().firmware().take_hangs() {
            Hangs::On => {}
            Hangs::AfterAnswer => reply.close = true,
            Hangs::Silently => reply = Reply { apdus: Vec::new(), close: true },
        }
        reply
    }

    /// Whether the meter is there, and still the one that these associations were opened with. One that restarted
    /// hears a new association and nothing else.
    fn is_at_home(&mut self, apdu: &[u8], now_ms: i64) -> bool {
        let (is_down, start) = {
            let mut meter = lock(&self.meter);
            let firmware = meter.record().firmware();
            (firmware.is_down(now_ms), firmware.restarts())
        };
        if self.start == start {
            return !is_down;
        }
        self.start = start;
        self.closed();
        !is_down && apdu.first() == Some(&tag::AARQ)
    }

    fn handle_at_home(&mut self, apdu: &[u8], now_ms: i64) -> Reply {
        self.requests = self.requests.wrapping_add(1);
        let most = usize::from(lock(&self.meter).settings().max_pdu);
        if self.quirks.has(Quirk::LongRefused) && self.session.is_some() && apdu.len() > most {
            let refusal =
                ExceptionResponse { state: 2, service: ExceptionResponse::PDU_TOO_LONG, counter: None };
            return Reply::one(Apdu::ExceptionResponse(refusal).encode());
        }
        let mut reply = if apdu.first() == Some(&tag::GENERAL_BLOCK_TRANSFER) {
            self.general_block(apdu, now_ms)
        } else {
            match self.whole(apdu, now_ms) {
                Some(answer) if self.goes_in_blocks(&answer) => self.begin_blocks(&answer, 1, 0),
                Some(answer) => Reply::one(answer),
                None => Reply::silence(),
            }
        };
        if self.session.is_none() && reply.apdus.is_empty() && self.quirks.has(Quirk::CounterCloses) {
            reply.close = true;
        }
        if self.quirks.has(Quirk::Notifications) && self.session.is_some() && self.requests.is_multiple_of(3)
        {
            reply.apdus.insert(0, notification(now_ms));
        }
        reply
    }

    /// Answers an APDU that came whole; nothing where the meter is silent.
    fn whole(&mut self, apdu: &[u8], now_ms: i64) -> Option<Vec<u8>> {
        let answered = self.open(apdu).and_then(|(plain, protection)| {
            let answer = self.plain(&plain, protection.as_ref(), now_ms)?;
            Ok((answer, protection))
        });
        match answered {
            Ok((answer, protection)) => answer.map(|answer| self.protect(answer, protection.as_ref())),
            Err(Refusal::Exception(exception)) => Some(Apdu::ExceptionResponse(exception).encode()),
            Err(Refusal::Close) => {
                self.closed();
                None
            }
        }
    }

    /// Answers a plain APDU.
    fn plain(
        &mut self,
        plain: &[u8],
        protection: Option<&Protection>,
        now_ms: i64,
    ) -> Result<Option<Vec<u8>>, Refusal> {
        match Apdu::decode(plain)?.0 {
            Apdu::Aarq(request) => self.associate(&request).map(Some),
            Apdu::Rlrq(request) => self.release(&request),
            other => {
                let Some(session) = &self.session else { return Err(Refusal::not_allowed()) };
                session.demand(protection, self.least_security())?;
                match other {
                    Apdu::GetRequest(request) => self.get(request, now_ms).map(Some),
                    Apdu::SetRequest(request) => self.set(request, now_ms).map(Some),
                    Apdu::ActionRequest(request) => self.action(request, now_ms).map(Some),
                    _ => Err(Refusal::unknown()),
                }
            }
        }
    }

    fn least_security(&self) -> crate::model::Security {
        lock(&self.meter).settings().least_security
    }
}

/// A push that nobody asked for.
pub(super) fn notification(now_ms: i64) -> Vec<u8> {
    let seconds = u32::try_from(now_ms.div_euclid(1000)).unwrap_or(u32::MAX);
    let body = Data::Structure(vec![Data::Visible(b"heartbeat".to_vec()), Data::U32(seconds)]);
    Apdu::DataNotification(DataNotification { invoke: 0x4000_0001, stamp: None, body }).encode()
}
