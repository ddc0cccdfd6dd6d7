//! What meters send by themselves: who it was, what it says, and that it is stored once.
//!
//! The sender is the meter whose keys opened the message, else the one whose serial number stands in it, else the only
//! one at that address of the network. A ciphered message counts once in the life of its key: its invocation counter
//! tells a copy of it, whoever sends that and whenever. What comes from nobody that is known is kept aside in the store,
//! where `meterwright listen --aside` shows it.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::rc::Rc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::drivers::dlms::push::{Brought, Lists, Push, Rows, brought, take_apart};
use crate::model::{Fault, LinePath, MeterId, Security, SystemTitle, counted, hex};
use crate::protocol::dlms::Apdu;
use crate::protocol::dlms::apdu::{Ciphered, tag};
use crate::protocol::dlms::association::Notification;
use crate::protocol::dlms::security::{CipherContext, SuiteKey};
use crate::protocol::gateway::{self, Prefix};
use crate::store::{MeterRow, Seen};

use super::Event;
use super::shared::{Shared, store_fault};
use super::sink::same_serial;

/// Setting under which messages of strangers are kept.
pub const ASIDE_KEY: &str = "push.aside";
/// Messages of strangers that are kept; the oldest go first.
const MOST_ASIDE: usize = 100;
/// Octets kept of such a message.
const MOST_OCTETS: usize = 512;
/// Messages among which a double is looked for.
const MOST_SEEN: usize = 4096;
/// Bit of long-invoke-id-and-priority: the meter wants to hear that it was taken.
const CONFIRMED: u32 = 0x4000_0000;

/// A message of a stranger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Aside {
    /// When it last came.
    pub at: Timestamp,
    /// From where.
    pub from: String,
    /// Why it was not taken.
    pub why: String,
    /// How often the same came.
    pub times: u32,
    /// Its first octets.
    pub hex: String,
}

/// Whose it was, and what was stored of it in words.
type Stored = Result<(MeterId, String), Fault>;

/// Takes pushes.
pub(super) struct Pushes {
    shared: Rc<Shared>,
    seen: RefCell<VecDeque<[u8; 32]>>,
}

/// What a message is, once it is out of its envelope.
struct Opened {
    notification: Notification,
    /// Who sealed it; nothing of a message in the clear.
    seal: Option<Seal>,
}

impl Opened {
    fn meter(&self) -> Option<MeterId> {
        self.seal.as_ref().map(|seal| seal.meter)
    }
}

/// The seal of a ciphered message.
struct Seal {
    /// The meter whose keys opened it.
    meter: MeterId,
    /// Stands for the key and the title under which the counter counts.
    key: [u8; 32],
    /// Its invocation counter.
    counter: u32,
}

impl Pushes {
    pub(super) fn new(shared: Rc<Shared>) -> Self {
        Self { shared, seen: RefCell::default() }
    }

    /// Takes one APDU; gives what is to be answered.
    pub(super) fn take(&self, from: SocketAddr, octets: &[u8]) -> Option<Vec<u8>> {
        let (prefix, apdu) = gateway::unwrap(octets);
        let (answer, outcome) = self.store(from, prefix.as_ref(), apdu);
        let (meter, words) = match outcome {
            Ok((meter, words)) => (Some(meter), words),
            Err(fault) => {
                let kept = self.keep_aside(from, octets, &fault);
                (None, kept.map_or_else(|fault| fault.to_string(), |()| format!("kept aside: {fault}")))
            }
        };
        self.shared.emit(&Event::Pushed { meter, from: from.to_string(), words });
        answer.map(|answer| prefix.map_or_else(|| answer.clone(), |prefix| prefix.answer().wrap(&answer)))
    }

    fn store(&self, from: SocketAddr, prefix: Option<&Prefix>, apdu: &[u8]) -> (Option<Vec<u8>>, Stored) {
        let rows = self.shared.store.borrow().meters().map_err(|error| store_fault(&error));
        let rows = match rows {
            Ok(rows) => rows,
            Err(fault) => return (None, Err(fault)),
        };
        let opened = match self.open(&rows, from, prefix, apdu) {
            Ok(opened) => opened,
            Err(fault) => return (None, Err(fault)),
        };
        let lists = match self.push_lists(&rows, &opened, from, prefix) {
            Ok(lists) => lists,
            Err(fault) => return (None, Err(fault)),
        };
        let push = take_apart(&opened.notification, &lists);
        let stored = sender(&rows, &opened, &push, from, prefix)
            .ok_or_else(|| {
                Fault::user("no meter of the list is known to send this", "add the meter it names")
            })
            .and_then(|row| {
                if opened.seal.is_none() && row.config.security != Security::None {
                    return Err(Fault::meter(
                        format!(
                            "{} sent it in the clear, but its settings ask for ciphering",
                            row.config.name
                        ),
                        "have the meter cipher what it pushes, or set its security to none",
                    ));
                }
                Ok((row.id, self.put_once(row, &opened, &push, apdu)?))
            });
        // A meter that is told so forgets the message: only what is on disk is confirmed.
        let wants = push.invoke.filter(|invoke| invoke & CONFIRMED != 0 && stored.is_ok());
        let answer = wants.map(|invoke| {
            let mut answer = vec![tag::DATA_NOTIFICATION + 1];
            answer.extend(invoke.to_be_bytes());
            answer.push(0);
            answer
        });
        (answer, stored)
    }

    /// Takes the message out of its envelope with the keys of the meters that may have sent it.
    fn open(
        &self,
        rows: &[MeterRow],
        from: SocketAddr,
        prefix: Option<&Prefix>,
        apdu: &[u8],
    ) -> Result<Opened, Fault> {
        let senseless = |error: String| Fault::meter(format!("the message makes no sense: {error}"), "");
        let told = |apdu: Apdu| match apdu {
            Apdu::DataNotification(told) => Some(Notification::Data(told)),
            Apdu::EventNotification(told) => Some(Notification::Event(told)),
            _ => None,
        };
        let other = || Fault::meter("the message is no notification", "");
        let (decoded, _) = Apdu::decode(apdu).map_err(|error| senseless(error.to_string()))?;
        let Apdu::Ciphered(ciphered) = &decoded else {
            let notification = told(decoded).ok_or_else(other)?;
            return Ok(Opened { notification, seal: None });
        };
        let title = title(ciphered);
        let mut first: Vec<&MeterRow> = Vec::new();
        let mut then: Vec<&MeterRow> = Vec::new();
        for row in rows {
            let by_title = title.is_some() && row.config.server_title == title;
            if by_title || is_at(row, from, prefix) { first.push(row) } else { then.push(row) }
        }
        // A title that no meter is known by may be any meter's: the keys tell.
        for row in first.into_iter().chain(then) {
            let Some((plain, key)) = self.decipher(row, title, ciphered) else { continue };
            let (plain, _) = Apdu::decode(&plain).map_err(|error| senseless(error.to_string()))?;
            let notification = told(plain).ok_or_else(other)?;
            let seal = Seal { meter: row.id, key, counter: ciphered.body().counter };
            return Ok(Opened { notification, seal: Some(seal) });
        }
        Err(Fault::user("no meter's keys open the message", "add the meter, or correct its keys"))
    }

    /// The plain message, and what stands for the key that sealed it.
    fn decipher(
        &self,
        row: &MeterRow,
        title: Option<SystemTitle>,
        ciphered: &Ciphered,
    ) -> Option<(Vec<u8>, [u8; 32])> {
        let secrets = self.shared.secrets(row.id).ok()?;
        let encryption = secrets.encryption_key.as_ref()?.key()?;
        let authentication =
            secrets.authentication_key.as_ref().and_then(|key| key.key()).unwrap_or_default();
        let title = title.or(row.config.server_title);
        let key = sealing_key(&encryption, title);
        let keys = SuiteKey::new(encryption, authentication);
        // The protection that the meter's settings ask for is the least: some push without a tag (46), and whoever
        // trusts such a meter says so in its settings.
        let mut context = CipherContext::new(row.config.security, SystemTitle([0; 8]), keys);
        context.peer_title = title;
        let plain = context.unprotect(ciphered).ok()?;
        matches!(plain.first(), Some(&(tag::DATA_NOTIFICATION | tag::EVENT_NOTIFICATION)))
            .then_some((plain, key))
    }

    /// The push setups of the meter that a message is most likely from.
    fn push_lists(
        &self,
        rows: &[MeterRow],
        opened: &Opened,
        from: SocketAddr,
        prefix: Option<&Prefix>,
    ) -> Result<Lists, Fault> {
        let Some(meter) = opened.meter().or_else(|| only_one_at(rows, from, prefix).map(|row| row.id)) else {
            return Ok(Lists::new());
        };
        let knowledge = self.shared.store.borrow().knowledge(meter).map_err(|error| store_fault(&error))?;
        Ok(knowledge.push_lists)
    }

    /// Stores a push in a meter's name, unless it came before.
    fn put_once(&self, row: &MeterRow, opened: &Opened, push: &Push, apdu: &[u8]) -> Result<String, Fault> {
        const AGAIN: &str = "the same once more, not stored again";
        if let Some(seal) = &opened.seal {
            let before = self.shared.store.borrow().pushed_before(seal.meter, &seal.key, seal.counter);
            match before.map_err(|error| store_fault(&error))? {
                Seen::Again => return Ok(AGAIN.to_owned()),
                Seen::TooOld { highest } => {
                    return Err(Fault::meter(
                        format!(
                            "its invocation counter {} lies far below {highest}, which came before: it is an old message, or somebody's copy of one",
                            seal.counter
                        ),
                        "give the meter a new key if its counter began anew: under one key it never goes back",
                    ));
                }
                Seen::New => {}
            }
            let words = self.put(row, push)?;
            let noted = self.shared.store.borrow_mut().note_pushed(seal.meter, &seal.key, seal.counter);
            return noted.map(|()| words).map_err(|error| store_fault(&error));
        }
        let digest: [u8; 32] = {
            let mut digest = Sha256::new();
            digest.update(row.id.0.to_be_bytes());
            digest.update(push.invoke.unwrap_or_default().to_be_bytes());
            digest.update(apdu);
            digest.finalize().into()
        };
        if self.seen.borrow().contains(&digest) {
            return Ok(AGAIN.to_owned());
        }
        let words = self.put(row, push)?;
        let mut seen = self.seen.borrow_mut();
        if seen.len() == MOST_SEEN {
            seen.pop_front();
        }
        seen.push_back(digest);
        Ok(words)
    }

    /// Stores what a push says.
    fn put(&self, row: &MeterRow, push: &Push) -> Result<String, Fault> {
        if push.values.is_empty() {
            return Err(Fault::user(
                format!(
                    "{} sent values without codes, and no push setup of it that is known explains them",
                    row.config.name
                ),
                "read the meter once by an association that sees its push setups (class 40)",
            ));
        }
        let access = self.shared.access(row.id)?;
        let now = self.shared.now();
        let knowledge = self.shared.store.borrow().knowledge(row.id).map_err(|error| store_fault(&error))?;
        let Brought { mut readings, rows, without_scaler, mut left_out } =
            brought(push, &access, &knowledge, now)?;
        let all = readings.len();
        let mut store = self.shared.store.borrow_mut();
        // After a restart: what bears the stamp that is stored already is the same.
        let stored = store.registers(row.id, false).map_err(|error| store_fault(&error))?;
        readings.retain(|new| {
            new.stamp.is_none()
                || !stored.iter().any(|old| {
                    (old.obis, old.attribute, &old.stamp, &old.value)
                        == (new.obis, new.attribute, &new.stamp, &new.value)
                })
        });
        if !readings.is_empty() {
            store.put_registers(row.id, &readings, false).map_err(|error| store_fault(&error))?;
        }
        let mut words = vec![format!("{} of {} stored", readings.len(), counted(all, "value"))];
        for rows in rows {
            let new = match rows {
                Rows::Intervals(layout, rows) => store
                    .merge_pushed(row.id, &layout, &rows, now)
                    .map(|merged| counted(merged.new + merged.changed, "interval")),
                Rows::Events(log, entries) => {
                    store.put_pushed_events(row.id, log, &entries).map(|new| counted(new, "event"))
                }
                Rows::Billing(sets) => {
                    store.put_billing(row.id, &sets).map(|new| counted(new, "billing register"))
                }
            };
            words.push(new.map_err(|error| store_fault(&error))?);
        }
        let mut told = words.join(", ");
        if without_scaler > 0 {
            left_out.insert(
                0,
                format!(
                    "{}: their scalers are not known, read the meter once",
                    counted(without_scaler, "value")
                ),
            );
        }
        if !left_out.is_empty() {
            told.push_str(&format!("; left out: {}", left_out.join("; ")));
        }
        Ok(told)
    }

    fn keep_aside(&self, from: SocketAddr, octets: &[u8], why: &Fault) -> Result<(), Fault> {
        let hex = hex(octets.get(..MOST_OCTETS).unwrap_or(octets));
        let mut store = self.shared.store.borrow_mut();
        let kept = store.setting(ASIDE_KEY).map_err(|error| store_fault(&error))?;
        let mut aside: Vec<Aside> =
            kept.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        let (at, from) = (self.shared.now(), from.ip().to_string());
        let times = match aside.iter().position(|one| one.from == from && one.hex == hex) {
            Some(place) => aside.remove(place).times.saturating_add(1),
            None => 1,
        };
        aside.push(Aside { at, from, why: why.message.clone(), times, hex });
        let surplus = aside.len().saturating_sub(MOST_ASIDE);
        aside.drain(..surplus);
        let text = serde_json::to_string(&aside)
            .map_err(|error| Fault::internal(format!("a stranger's message cannot be kept: {error}")))?;
        store.put_setting(ASIDE_KEY, &text).map_err(|error| store_fault(&error))
    }
}

fn title(ciphered: &Ciphered) -> Option<SystemTitle> {
    let bytes = match ciphered {
        Ciphered::Service { .. } => return None,
        Ciphered::General { title, .. } => title,
        Ciphered::GeneralCiphering { originator, .. } => originator,
    };
    <[u8; 8]>::try_from(bytes.as_slice()).ok().map(SystemTitle)
}

/// Whether a meter's line leads to where the message came from.
fn is_at(row: &MeterRow, from: SocketAddr, prefix: Option<&Prefix>) -> bool {
    let host = match &row.config.line.path {
        LinePath::Tcp(host) | LinePath::Udp(host) | LinePath::TcpHdlc(host) => &host.host,
        _ => return false,
    };
    let gateway = row.config.line.gateway.as_ref().map(Prefix::request);
    let same_seat = match (&gateway, prefix) {
        (Some(own), Some(prefix)) => own.is_answered_by(prefix),
        (None, None) => true,
        _ => false,
    };
    same_seat && host.parse().is_ok_and(|ip: std::net::IpAddr| ip == from.ip())
}

fn sender<'a>(
    rows: &'a [MeterRow],
    opened: &Opened,
    push: &Push,
    from: SocketAddr,
    prefix: Option<&Prefix>,
) -> Option<&'a MeterRow> {
    if let Some(device) = &push.device {
        let mut named =
            rows.iter().filter(|row| row.config.serial.as_ref().is_some_and(|own| same_serial(own, device)));
        return match (named.next(), named.next()) {
            (Some(row), None) => Some(row),
            // A name that is nobody's is a stranger's, whatever the address.
            _ => None,
        };
    }
    if let Some(meter) = opened.meter() {
        return rows.iter().find(|row| row.id == meter);
    }
    only_one_at(rows, from, prefix)
}

fn only_one_at<'a>(rows: &'a [MeterRow], from: SocketAddr, prefix: Option<&Prefix>) -> Option<&'a MeterRow> {
    let mut there = rows.iter().filter(|row| is_at(row, from, prefix));
    match (there.next(), there.next()) {
        (Some(row), None) => Some(row),
        _ => None,
    }
}

/// Stands for a key in the store, without giving it away.
fn sealing_key(key: &[u8], title: Option<SystemTitle>) -> [u8; 32] {
    let mut digest = Sha256::new();
    digest.update(b"meterwright push key 1\0");
    digest.update(title.map_or([0; 8], |title| title.0));
    digest.update(key);
    digest.finalize().into()
}
