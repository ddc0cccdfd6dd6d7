//! A meter made with `dlms-cosem-rs`, for Meterwright's client to read.
//!
//! `peer-meter [--gmac | --password TEXT] [--hdlc INFO/WINDOW] [--pdu N] [--send N] [--blocks SIZE/WINDOW] [--no-list] [--no-range]
//! [--no-objects] [--inverted] [--fast SECONDS] [--image FILE] [--block N] [--quirk WORD]…` listens on a port of 127.0.0.1 that the system chooses, prints one JSON document with
//! everything that a right reading must show, and serves until its standard input ends. With `--image` it takes firmware
//! and writes what it runs to that file; `--quirk` gives it oddities of real meters (see `image.rs`).

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};

use blocks::Blocks;
use dlms_cosem_rs::acse::AuthMechanism;
use dlms_cosem_rs::axdr::{Data, DateTime};
use dlms_cosem_rs::codec::{Encode, Writer};
use dlms_cosem_rs::cosem::{AttributeAccess, MethodAccess};
use dlms_cosem_rs::obis::Obis;
use dlms_cosem_rs::security::{
    KeyRing, RandomSource, RustCryptoProvider, Secret, SecurityPolicy, SecuritySuite, SystemTitle,
};
use dlms_cosem_rs::server::{ObjectStore, Server, ServerConfig, StoreResult};
use dlms_cosem_rs::xdlms::{ActionResult, Conformance, DataAccessResult, SelectiveAccess};
use image::{Image, Line};
use jiff::civil;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use link::Link;
use serde_json::json;

mod blocks;
mod image;
mod link;

const GUEK: [u8; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
const GAK: [u8; 16] =
    [0xD0, 0xD1, 0xD2, 0xD3, 0xD4, 0xD5, 0xD6, 0xD7, 0xD8, 0xD9, 0xDA, 0xDB, 0xDC, 0xDD, 0xDE, 0xDF];
const TITLE: SystemTitle = SystemTitle::new(*b"PEE\x00\x00\x00\x00\x07");
const CLOCK: Obis = Obis::new(0, 0, 1, 0, 0, 255);
const LIST: Obis = Obis::new(0, 0, 40, 0, 0, 255);
const SERIAL: Obis = Obis::new(0, 0, 96, 1, 0, 255);
const DEVICE: Obis = Obis::new(0, 0, 42, 0, 0, 255);
const PROFILE: Obis = Obis::new(1, 0, 99, 1, 0, 255);
const CONTACTOR: Obis = Obis::new(0, 0, 96, 3, 10, 255);
const BILLING_COUNT: Obis = Obis::new(1, 0, 0, 1, 0, 255);
const IMAGE: Obis = Obis::new(0, 0, 44, 0, 0, 255);
const FIRMWARE: Obis = Obis::new(1, 0, 0, 2, 0, 255);
const BILLING_SCRIPTS: Obis = Obis::new(0, 0, 10, 0, 1, 255);
const SERIAL_TEXT: &str = "PEER0007";
/// Rows of 30 days.
const ROWS: i64 = 30 * 48;
/// Largest value that a store may produce: the whole profile is about 75 kB.
const VALUE: usize = 100_000;

/// Code, scaler, unit, raw value. The large ones do not survive a float.
const REGISTERS: [([u8; 6], i8, u8, u64); 20] = [
    ([1, 0, 1, 8, 0, 255], 0, 30, 123_456_789),
    ([1, 0, 1, 8, 1, 255], 1, 30, 8_000_001),
    ([1, 0, 1, 8, 2, 255], 3, 30, 43_456),
    ([1, 0, 1, 8, 3, 255], -1, 30, 7),
    ([1, 0, 1, 8, 4, 255], -3, 30, 9_007_199_254_740_993),
    ([1, 0, 2, 8, 0, 255], -3, 30, 1),
    ([1, 0, 2, 8, 1, 255], -2, 30, 100),
    ([1, 0, 2, 8, 2, 255], 0, 30, 0),
    ([1, 0, 2, 8, 3, 255], 0, 30, 4_294_967_295),
    ([1, 0, 2, 8, 4, 255], -4, 30, 18_446_744_073_709_551_615),
    ([1, 0, 3, 8, 0, 255], 0, 32, 55),
    ([1, 0, 4, 8, 0, 255], 0, 32, 66),
    ([1, 0, 5, 8, 0, 255], -1, 32, 7_777),
    ([1, 0, 6, 8, 0, 255], -1, 32, 1_000),
    ([1, 0, 7, 8, 0, 255], 0, 32, 12),
    ([1, 0, 8, 8, 0, 255], 2, 32, 13),
    ([1, 0, 9, 8, 0, 255], 0, 31, 99_999),
    ([1, 0, 1, 6, 0, 255], 0, 27, 4_321),
    ([1, 0, 1, 29, 0, 255], 0, 30, 250),
    ([1, 0, 13, 0, 0, 255], -3, 255, 987),
];

/// The profile's columns behind the clock: four of 32 bits, two of 16.
const CHANNELS: [[u8; 6]; 6] = [
    [1, 0, 1, 8, 0, 255],
    [1, 0, 2, 8, 0, 255],
    [1, 0, 5, 8, 0, 255],
    [1, 0, 8, 8, 0, 255],
    [1, 0, 1, 29, 0, 255],
    [1, 0, 13, 0, 0, 255],
];

#[derive(Clone)]
struct Options {
    gmac: bool,
    pdu: u16,
    list: bool,
    range: bool,
    objects: bool,
    /// Deviations are the other way round than the standard says, in stamps and in ranges.
    inverted: bool,
    /// Largest information field and window of HDLC; the wrapper where there is none.
    hdlc: Option<(u16, u32)>,
    /// The longest message that the meter sends, whatever the client takes.
    send: Option<u16>,
    /// Longer answers go in general blocks of this size and window, over the wrapper.
    blocks: Option<(usize, u8)>,
    /// Low-level authentication with this password.
    password: Option<String>,
}

/// What clients do to the meter, over all its connections.
struct State {
    /// How much the clock is fast, in milliseconds.
    fast_ms: i64,
    is_closed: bool,
    billing_periods: u16,
    image: Option<Image>,
}

struct Meter {
    state: Arc<Mutex<State>>,
    options: Options,
    newest: Timestamp,
    zone: TimeZone,
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().expect("no session breaks off with the state in hand")
}

fn obis(groups: [u8; 6]) -> Obis {
    Obis::new(groups[0], groups[1], groups[2], groups[3], groups[4], groups[5])
}

fn dotted(groups: [u8; 6]) -> String {
    let [a, b, c, d, e, f] = groups;
    format!("{a}-{b}:{c}.{d}.{e}*{f}")
}

impl Meter {
    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    fn now(&self) -> Timestamp {
        Timestamp::now() + self.state().fast_ms.milliseconds()
    }

    /// Twelve octets: local time, and the minutes from it to UTC.
    fn set_clock(&self, octets: &[u8]) -> Option<()> {
        let [year_high, year_low, month, day, _, hour, minute, second, hundredths, high, low, _] =
            *octets.first_chunk::<12>()?;
        let local = civil::DateTime::new(
            i16::from_be_bytes([year_high, year_low]),
            month.try_into().ok()?,
            day.try_into().ok()?,
            hour.try_into().ok()?,
            minute.try_into().ok()?,
            second.try_into().ok()?,
            if hundredths < 100 { i32::from(hundredths) * 10_000_000 } else { 0 },
        );
        let sign = if self.options.inverted { -1 } else { 1 };
        let to_utc = sign * i64::from(i16::from_be_bytes([high, low]));
        let utc = local.ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp() + to_utc.minutes();
        self.state().fast_ms = utc.as_millisecond() - Timestamp::now().as_millisecond();
        Some(())
    }

    fn end_of(&self, row: i64) -> Timestamp {
        self.newest - (30 * (ROWS - 1 - row)).minutes()
    }

    fn stamp(&self, at: Timestamp) -> DateTime {
        let info = self.zone.to_offset_info(at);
        let local: civil::DateTime = info.offset().to_datetime(at);
        let sign = if self.options.inverted { -1 } else { 1 };
        let offset = i16::try_from(sign * info.offset().seconds() / 60).expect("an offset of minutes");
        let mut stamp = DateTime::from_civil(
            u16::try_from(local.year()).expect("a year of this era"),
            local.month() as u8,
            local.day() as u8,
            local.hour() as u8,
            local.minute() as u8,
            local.second() as u8,
            offset,
        );
        if info.dst().is_dst() {
            stamp.status = dlms_cosem_rs::axdr::ClockStatus(0x80);
        }
        stamp
    }

    fn value(row: i64, channel: usize) -> u64 {
        let row = u64::try_from(row).expect("rows count from nought");
        match channel {
            0 => 100_000_000 + row * 211,
            1 => 4_294_000_000 + row,
            2 => row * row,
            3 => 77,
            4 => (row * 37) % 9_000,
            _ => row % 1_000,
        }
    }

    fn row(&self, row: i64, w: &mut dyn Writer) -> dlms_cosem_rs::codec::Result<()> {
        w.write_bytes(&[0x02, 0x07])?;
        let mut stamp = Vec::new();
        Data::DateTime(self.stamp(self.end_of(row))).encode(&mut stamp)?;
        Data::OctetString(&stamp[1..]).encode(w)?;
        for channel in 0..6 {
            let value = Self::value(row, channel);
            if channel < 4 {
                Data::DoubleLongUnsigned(value as u32).encode(w)?;
            } else {
                Data::LongUnsigned(value as u16).encode(w)?;
            }
        }
        Ok(())
    }

    fn instant(&self, data: &Data<'_>) -> Option<Timestamp> {
        let bytes: [u8; 12] = match data {
            Data::OctetString(bytes) => (*bytes).try_into().ok()?,
            _ => return None,
        };
        let number = |at: usize| i16::from_be_bytes([bytes[at], bytes[at + 1]]);
        let tiny = |at: usize| i8::try_from(bytes[at]).unwrap_or(0);
        let local = civil::DateTime::new(number(0), tiny(2), tiny(3), tiny(5), tiny(6), tiny(7), 0).ok()?;
        let as_utc = TimeZone::UTC.to_timestamp(local).ok()?;
        match number(9) {
            i16::MIN => self.zone.to_timestamp(local).ok(),
            deviation if self.options.inverted => Some(as_utc - i64::from(deviation).minutes()),
            deviation => Some(as_utc + i64::from(deviation).minutes()),
        }
    }

    fn buffer(&self, access: Option<SelectiveAccess<'_>>, w: &mut dyn Writer) -> StoreResult<()> {
        let bad = |_| DataAccessResult::OtherReason;
        let (from, to) = match access {
            None => (Timestamp::MIN, Timestamp::MAX),
            Some(access) if access.selector == 1 && self.options.range => {
                let fields = access.parameters.as_structure().ok_or(DataAccessResult::TypeUnmatched)?;
                let field = |at| fields.get(at).map_err(|_| DataAccessResult::TypeUnmatched);
                let from = self.instant(&field(1)?).ok_or(DataAccessResult::TypeUnmatched)?;
                let to = self.instant(&field(2)?).ok_or(DataAccessResult::TypeUnmatched)?;
                (from, to)
            }
            Some(_) => return Err(DataAccessResult::ScopeOfAccessViolated),
        };
        let rows: Vec<i64> = (0..ROWS).filter(|row| (from..=to).contains(&self.end_of(*row))).collect();
        w.write_u8(0x01).map_err(bad)?;
        w.write_length(rows.len()).map_err(bad)?;
        rows.into_iter().try_for_each(|row| self.row(row, w)).map_err(bad)
    }

    fn objects(has_image: bool) -> Vec<(u16, u8, [u8; 6], i8)> {
        let mut list = vec![
            (8, 0, [0, 0, 1, 0, 0, 255], 9),
            (15, 1, [0, 0, 40, 0, 0, 255], 9),
            (1, 0, [0, 0, 42, 0, 0, 255], 2),
            (1, 0, [0, 0, 96, 1, 0, 255], 2),
            (7, 1, [1, 0, 99, 1, 0, 255], 8),
        ];
        if has_image {
            list.extend([(18, 0, [0, 0, 44, 0, 0, 255], 7), (1, 0, [1, 0, 0, 2, 0, 255], 2)]);
        }
        list.extend(REGISTERS.iter().map(|register| (3, 0, register.0, 3)));
        list
    }

    fn object_list(has_image: bool, w: &mut dyn Writer) -> dlms_cosem_rs::codec::Result<()> {
        let list = Self::objects(has_image);
        w.write_u8(0x01)?;
        w.write_length(list.len())?;
        for (class, version, name, attributes) in list {
            w.write_bytes(&[0x02, 0x04])?;
            Data::LongUnsigned(class).encode(w)?;
            Data::Unsigned(version).encode(w)?;
            Data::OctetString(&name).encode(w)?;
            w.write_bytes(&[0x02, 0x02, 0x01, attributes as u8])?;
            for attribute in 1..=attributes {
                // attribute_access_item: id, read only, no selectors.
                w.write_bytes(&[0x02, 0x03, 0x0F, attribute as u8, 0x16, 0x01, 0x00])?;
            }
            w.write_bytes(&[0x01, 0x00])?;
        }
        Ok(())
    }
}

impl ObjectStore for Meter {
    fn get_attribute(
        &self,
        class_id: u16,
        name: Obis,
        attribute: i8,
        access: Option<SelectiveAccess<'_>>,
        w: &mut dyn Writer,
    ) -> StoreResult<()> {
        let bad = |_| DataAccessResult::OtherReason;
        if attribute == 1 {
            return Data::OctetString(name.as_bytes()).encode(w).map_err(bad);
        }
        let register = REGISTERS.iter().find(|register| obis(register.0) == name);
        match (class_id, name, attribute, register) {
            (3, _, 2, Some((_, _, _, raw))) => match u32::try_from(*raw) {
                Ok(raw) => Data::DoubleLongUnsigned(raw).encode(w).map_err(bad),
                Err(_) => Data::Long64Unsigned(*raw).encode(w).map_err(bad),
            },
            (3, _, 3, Some((_, scaler, unit, _))) => {
                w.write_bytes(&[0x02, 0x02, 0x0F, *scaler as u8, 0x16, *unit]).map_err(bad)
            }
            (8, CLOCK, 2, _) => {
                let mut stamp = Vec::new();
                Data::DateTime(self.stamp(self.now())).encode(&mut stamp).map_err(bad)?;
                Data::OctetString(&stamp[1..]).encode(w).map_err(bad)
            }
            (1, SERIAL, 2, _) => Data::OctetString(SERIAL_TEXT.as_bytes()).encode(w).map_err(bad),
            (1, BILLING_COUNT, 2, _) => {
                Data::LongUnsigned(self.state().billing_periods).encode(w).map_err(bad)
            }
            (70, CONTACTOR, 2, _) => Data::Boolean(self.state().is_closed).encode(w).map_err(bad),
            (70, CONTACTOR, 3, _) => Data::Enum(u8::from(self.state().is_closed)).encode(w).map_err(bad),
            (70, CONTACTOR, 4, _) => Data::Enum(4).encode(w).map_err(bad),
            (1, DEVICE, 2, _) => Data::OctetString(b"PEE0000000000007").encode(w).map_err(bad),
            (15, LIST, 2, _) if self.options.objects => {
                let has_image = self.state().image.is_some();
                Self::object_list(has_image, w).map_err(bad)
            }
            (18, IMAGE, _, _) => match &mut self.state().image {
                Some(image) => image.get(attribute, w),
                None => Err(DataAccessResult::ObjectUndefined),
            },
            (1, FIRMWARE, 2, _) => match &self.state().image {
                Some(image) => Data::OctetString(image.version.as_bytes()).encode(w).map_err(bad),
                None => Err(DataAccessResult::ObjectUndefined),
            },
            (7, PROFILE, 2, _) => self.buffer(access, w),
            (7, PROFILE, 3, _) => {
                w.write_bytes(&[0x01, 0x07]).map_err(bad)?;
                let clock = (8u16, [0, 0, 1, 0, 0, 255]);
                let channels = CHANNELS.iter().map(|name| (3u16, *name));
                for (class, name) in std::iter::once(clock).chain(channels) {
                    w.write_bytes(&[0x02, 0x04]).map_err(bad)?;
                    Data::LongUnsigned(class).encode(w).map_err(bad)?;
                    Data::OctetString(&name).encode(w).map_err(bad)?;
                    w.write_bytes(&[0x0F, 0x02, 0x12, 0x00, 0x00]).map_err(bad)?;
                }
                Ok(())
            }
            (7, PROFILE, 4, _) => Data::DoubleLongUnsigned(1800).encode(w).map_err(bad),
            (7, PROFILE, 5, _) => Data::Enum(1).encode(w).map_err(bad),
            (7, PROFILE, 6, _) => Data::Null.encode(w).map_err(bad),
            (7, PROFILE, 7 | 8, _) => Data::DoubleLongUnsigned(ROWS as u32).encode(w).map_err(bad),
            _ => Err(DataAccessResult::ObjectUndefined),
        }
    }

    fn set_attribute(
        &mut self,
        class_id: u16,
        name: Obis,
        attribute: i8,
        _access: Option<SelectiveAccess<'_>>,
        value: Data<'_>,
    ) -> StoreResult<()> {
        match (class_id, name, attribute, value) {
            (8, CLOCK, 2, Data::OctetString(octets)) => {
                self.set_clock(octets).ok_or(DataAccessResult::TypeUnmatched)
            }
            (18, IMAGE, _, value) => match &mut self.state().image {
                Some(image) => image.set(attribute, &value),
                None => Err(DataAccessResult::ObjectUndefined),
            },
            _ => Err(DataAccessResult::TypeUnmatched),
        }
    }

    /// Parameters are exactly of the types of the Blue Book.
    fn invoke_method(
        &mut self,
        class_id: u16,
        name: Obis,
        method: i8,
        parameters: Option<Data<'_>>,
        _w: &mut dyn Writer,
    ) -> Result<bool, ActionResult> {
        let mut state = self.state();
        match (class_id, name, method, parameters) {
            (18, IMAGE, _, parameters) => match &mut state.image {
                Some(image) => image.invoke(method, parameters)?,
                None => return Err(ActionResult::ObjectUndefined),
            },
            (8, CLOCK, 6, Some(Data::Long(seconds @ -900..=900))) => {
                state.fast_ms += i64::from(seconds) * 1000;
            }
            (70, CONTACTOR, 1, Some(Data::Integer(0))) => state.is_closed = false,
            (70, CONTACTOR, 2, Some(Data::Integer(0))) => state.is_closed = true,
            (9, BILLING_SCRIPTS, 1, Some(Data::LongUnsigned(1))) => state.billing_periods += 1,
            _ => return Err(ActionResult::TypeUnmatched),
        }
        Ok(false)
    }

    fn attribute_access(&self, class_id: u16, _: Obis, attribute: i8) -> AttributeAccess {
        let is_written = matches!((class_id, attribute), (8, 2) | (18, 5));
        if is_written { AttributeAccess::READ | AttributeAccess::WRITE } else { AttributeAccess::READ }
    }

    fn method_access(&self, _: u16, _: Obis, _: i8) -> MethodAccess {
        MethodAccess::ACCESS
    }
}

struct Chance;

impl RandomSource for Chance {
    fn fill(&self, out: &mut [u8]) -> dlms_cosem_rs::codec::Result<()> {
        getrandom::fill(out).expect("the system's random source");
        Ok(())
    }
}

fn serve(
    stream: &mut TcpStream,
    meter: Meter,
    counter: &std::sync::atomic::AtomicU32,
) -> Result<(), Box<dyn std::error::Error>> {
    use std::sync::atomic::Ordering;
    let options = meter.options.clone();
    let state = Arc::clone(&meter.state);
    let starts = || lock(&state).image.as_ref().map_or(0, |image| image.starts);
    let began = starts();
    if lock(&state).image.as_ref().is_some_and(Image::is_down) {
        return Ok(());
    }
    let policy = if options.gmac {
        SecurityPolicy::authenticated_encrypted(SecuritySuite::Suite0)
    } else {
        SecurityPolicy::NONE
    };
    let mut conformance = Conformance::SERVER_DEFAULT;
    if !options.list {
        conformance.remove(Conformance::MULTIPLE_REFERENCES);
    }
    if options.blocks.is_some() {
        conformance.insert(Conformance::GENERAL_BLOCK_TRANSFER);
    }
    let keys = if options.gmac { KeyRing::new(GUEK, GAK) } else { KeyRing::default() };
    let mut server: Box<Server<Meter, RustCryptoProvider<Chance>, VALUE>> = Box::new(Server::new(
        ServerConfig {
            system_title: Some(TITLE),
            mechanism: match &options.password {
                Some(_) => AuthMechanism::Low,
                None if options.gmac => AuthMechanism::HighGmac,
                None => AuthMechanism::None,
            },
            password: options.password.as_deref().map(|text| Secret::new(text.as_bytes())).transpose()?,
            security: policy,
            max_pdu_size: options.pdu,
            conformance,
            invocation_counter: counter.load(Ordering::Relaxed),
            ..Default::default()
        },
        meter,
        RustCryptoProvider::with_rng(keys, Chance),
    ));
    let mut link = Link::new(options.hdlc);
    let mut whole = |apdu: &[u8]| {
        let mut apdu = apdu.to_vec();
        limit_answers(&mut apdu, options.send);
        let mut reply = vec![0u8; 70_000];
        let length = server.handle(&apdu, &mut reply)?;
        reply.truncate(length);
        // Kept at once: a client need not say goodbye.
        counter.store(server.invocation_counter(), Ordering::Relaxed);
        Ok(reply)
    };
    let mut blocks = options.blocks.map(|(size, window)| Blocks::new(size, window));
    let mut answer = |apdu: &[u8]| match &mut blocks {
        Some(blocks) => blocks.answer(apdu, &mut whole),
        None => whole(apdu).map(|reply| vec![reply]),
    };
    let mut chunk = [0u8; 4096];
    loop {
        let count = stream.read(&mut chunk)?;
        if count == 0 {
            return Ok(());
        }
        // Whoever was connected before a restart is not any more.
        if starts() != began {
            return Ok(());
        }
        let octets = link.receive(&chunk[..count], &mut answer)?;
        let line = lock(&state).image.as_mut().map_or(Line::Stays, Image::take_line);
        match line {
            Line::Drops => return Ok(()),
            Line::ClosesLate(seconds) => std::thread::sleep(std::time::Duration::from_secs(seconds)),
            Line::Stays | Line::Closes => {}
        }
        stream.write_all(&octets)?;
        if line != Line::Stays {
            return Ok(());
        }
    }
}

/// Puts a smaller client-max-receive-pdu-size into a plain AARQ, so that the answers come in blocks.
fn limit_answers(apdu: &mut [u8], most: Option<u16>) {
    // xDLMS InitiateRequest ends with the conformance (5F 1F 04 00 and three octets) and the size.
    let Some((most, place)) = most.zip(apdu.len().checked_sub(9)) else { return };
    if apdu[0] == 0x60 && apdu[place..].starts_with(&[0x5F, 0x1F, 0x04]) {
        apdu[place + 7..].copy_from_slice(&most.to_be_bytes());
    }
}

/// `raw × 10^scaler` as digits, by moving the point in the text.
fn scaled(raw: u64, scaler: i8) -> String {
    let digits = raw.to_string();
    if scaler >= 0 {
        let zeros = if raw == 0 { 0 } else { scaler as usize };
        return digits + &"0".repeat(zeros);
    }
    let places = usize::from(scaler.unsigned_abs());
    let padded = format!("{digits:0>width$}", width = places + 1);
    let (whole, fraction) = padded.split_at(padded.len() - places);
    format!("{whole}.{fraction}")
}

fn unit(number: u8) -> &'static str {
    match number {
        27 => "W",
        30 => "Wh",
        31 => "VAh",
        32 => "varh",
        _ => "",
    }
}

fn truth(port: u16, meter: &Meter) -> serde_json::Value {
    let registers: Vec<_> = REGISTERS
        .iter()
        .map(|(code, scaler, number, raw)| {
            json!({ "obis": dotted(*code), "value": scaled(*raw, *scaler), "unit": unit(*number) })
        })
        .collect();
    let scaler = |code: &[u8; 6]| REGISTERS.iter().find(|register| &register.0 == code).expect("captured").1;
    let rows: Vec<_> = (0..ROWS)
        .map(|row| {
            let values: Vec<String> = (0..6)
                .map(|channel| scaled(Meter::value(row, channel), scaler(&CHANNELS[channel])))
                .collect();
            json!({ "utc": meter.end_of(row).to_string(), "values": values })
        })
        .collect();
    json!({
        "port": port,
        "serial": SERIAL_TEXT,
        "registers": registers,
        "channels": CHANNELS.map(dotted),
        "rows": rows,
    })
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let value = |flag: &str| {
        let place = arguments.iter().position(|argument| argument == flag)?;
        arguments.get(place + 1)
    };
    let hdlc =
        value("--hdlc").map(|text| text.split_once('/').ok_or("--hdlc wants INFO/WINDOW")).transpose()?;
    let options = Options {
        gmac: has("--gmac"),
        pdu: value("--pdu").map_or(Ok(1024), |text| text.parse())?,
        list: !has("--no-list"),
        range: !has("--no-range"),
        objects: !has("--no-objects"),
        inverted: has("--inverted"),
        hdlc: hdlc
            .map(|(info, window)| Ok::<_, std::num::ParseIntError>((info.parse()?, window.parse()?)))
            .transpose()?,
        send: value("--send").map(|text| text.parse()).transpose()?,
        blocks: value("--blocks")
            .and_then(|text| text.split_once('/'))
            .map(|(size, window)| Ok::<_, std::num::ParseIntError>((size.parse()?, window.parse()?)))
            .transpose()?,
        password: value("--password").cloned(),
    };
    let zone = TimeZone::get("Europe/Berlin")?;
    let half_hour = 1800;
    let newest = Timestamp::from_second(Timestamp::now().as_second() / half_hour * half_hour)?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let fast_ms = value("--fast").map_or(Ok(0), |seconds| seconds.parse::<i64>())? * 1000;
    let block = value("--block").map_or(Ok(128), |text| text.parse())?;
    let flags = arguments.iter().zip(arguments.iter().skip(1));
    let quirks = flags.filter(|(flag, _)| *flag == "--quirk").map(|(_, word)| word.clone()).collect();
    let image = value("--image").map(|file| Image::new(block, quirks, file.into()));
    let state = Arc::new(Mutex::new(State { fast_ms, is_closed: true, billing_periods: 7, image }));
    let meter = |options: &Options| {
        let (state, options) = (Arc::clone(&state), options.clone());
        Meter { state, options, newest, zone: zone.clone() }
    };
    println!("{}", truth(listener.local_addr()?.port(), &meter(&options)));
    std::io::stdout().flush()?;
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    let counter = Arc::new(std::sync::atomic::AtomicU32::new(0));
    for stream in listener.incoming() {
        let (mut stream, meter, counter) = (stream?, meter(&options), Arc::clone(&counter));
        std::thread::Builder::new().stack_size(16 << 20).spawn(move || {
            if let Err(error) = serve(&mut stream, meter, &counter) {
                eprintln!("session: {error}");
            }
        })?;
    }
    Ok(())
}
