//! One connection to a virtual Elster meter: sign-on, password, commands.

use std::time::{Duration, Instant};

use crate::model::hex;
use crate::protocol::elster_flag::{
    Command, Frame, FrameDecoder, OPENING, PACKET_BYTES, Place, take_digits, transform, values,
};
use crate::simulator::PASSWORD;
use crate::simulator::noise::Noise;
use crate::simulator::server;

use super::firmware::{DATA, Said};
use super::{Model, SharedFlag, lock};

/// Rights end so long after the last password (section 2.1).
const FORGETS: Duration = Duration::from_secs(300);
/// The longest sign-on message: a request with an address of 32 characters.
const MOST: usize = 64;
/// Purpose of the noise.
const SEED: u32 = 90;

/// Where a connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Nobody signed on.
    Idle,
    /// It said who it is and waits for the choice of a mode.
    Identified,
    /// Programming mode.
    Programming,
}

/// What a client may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rights {
    None,
    Opened,
    Full,
}

/// One connection.
#[derive(Debug)]
pub struct FlagStation {
    meter: SharedFlag,
    /// A request without an outstation number is meant for this meter.
    is_alone: bool,
    stage: Stage,
    heard: Vec<u8>,
    decoder: FrameDecoder,
    /// The client sets the parity bit, so the meter does too.
    parity: bool,
    seed: [u8; 8],
    sessions: i64,
    rights: Rights,
    since: Option<Instant>,
}

impl FlagStation {
    /// A connection on which nobody has signed on.
    #[must_use]
    pub fn new(meter: SharedFlag, is_alone: bool) -> Self {
        Self {
            meter,
            is_alone,
            stage: Stage::Idle,
            heard: Vec::new(),
            decoder: FrameDecoder::default(),
            parity: false,
            seed: [0; 8],
            sessions: 0,
            rights: Rights::None,
            since: None,
        }
    }

    /// Takes octets; gives what the meter answers, message by message.
    pub fn take(&mut self, octets: &[u8], now: Instant, true_ms: i64) -> Vec<Vec<u8>> {
        if !lock(&self.meter).memory.is_there(now) {
            *self = Self { sessions: self.sessions, ..Self::new(self.meter.clone(), self.is_alone) };
            return Vec::new();
        }
        let low: Vec<u8> = octets.iter().map(|octet| octet & 0x7F).collect();
        let begins = low.iter().find(|octet| **octet != 0) == Some(&b'/') && !self.decoder.is_mid_frame();
        if begins {
            self.stage = Stage::Idle;
            self.heard.clear();
            self.parity = false;
        }
        self.parity |= octets.iter().any(|octet| octet & 0x80 != 0);
        let answers = match self.stage {
            Stage::Programming => {
                self.decoder.push(&low);
                self.commands(now, true_ms)
            }
            Stage::Idle | Stage::Identified => self.sign_on(&low).into_iter().collect(),
        };
        answers.iter().map(|answer| self.dressed(answer)).collect()
    }

    fn dressed(&self, answer: &[u8]) -> Vec<u8> {
        let even = |octet: &u8| octet | ((octet.count_ones() as u8 & 1) << 7);
        if self.parity { answer.iter().map(even).collect() } else { answer.to_vec() }
    }

    fn sign_on(&mut self, low: &[u8]) -> Option<Vec<u8>> {
        self.heard.extend(low.iter().filter(|octet| **octet != 0));
        let surplus = self.heard.len().saturating_sub(MOST);
        self.heard.drain(..surplus);
        if !self.heard.ends_with(b"\r\n") {
            return None;
        }
        let message = std::mem::take(&mut self.heard);
        match (self.stage, message.as_slice()) {
            (Stage::Idle, [b'/', b'?', address @ .., b'!', b'\r', b'\n']) => {
                if !self.is_meant(address) {
                    return None;
                }
                self.stage = Stage::Identified;
                Some(format!("/GEC5{}\r\n", lock(&self.meter).model.sign_on()).into_bytes())
            }
            (Stage::Identified, [0x06, b'0', _, b'1', b'\r', b'\n']) => Some(self.begin()),
            _ => None,
        }
    }

    /// Whether an outstation number means this meter: leading noughts do not count, and none but noughts is none.
    fn is_meant(&self, address: &[u8]) -> bool {
        let text = String::from_utf8_lossy(address);
        let plain = text.trim_start_matches('0');
        let meter = lock(&self.meter);
        let is_serial = || *server::lock(&meter.meter).settings().serial() == *plain;
        plain.is_empty() && self.is_alone || plain == meter.outstation.to_string() || is_serial()
    }

    /// Enters programming mode; the answer is the seed.
    fn begin(&mut self) -> Vec<u8> {
        self.stage = Stage::Programming;
        self.decoder.clear();
        self.rights = Rights::None;
        self.since = None;
        self.sessions += 1;
        let seed = {
            let meter = lock(&self.meter);
            server::lock(&meter.meter).settings().seed
        };
        self.seed = Noise::new(seed).bits(SEED, self.sessions).to_be_bytes();
        let body = format!("({})", hex(&self.seed)).into_bytes();
        Frame::Message { command: Some(*b"P0"), body }.encode()
    }

    fn commands(&mut self, now: Instant, true_ms: i64) -> Vec<Vec<u8>> {
        let mut answers = Vec::new();
        while let Some(frame) = self.decoder.next_frame() {
            let command = match &frame {
                Ok(frame) => Command::read(frame),
                Err(_) => None,
            };
            let answer = match command {
                Some(Command::Break) => {
                    self.stage = Stage::Idle;
                    self.decoder.clear();
                    return answers;
                }
                Some(command) => self.answer(&command, now, true_ms),
                None => Frame::Nak,
            };
            answers.push(answer.encode());
            if !lock(&self.meter).memory.is_there(now) {
                self.stage = Stage::Idle;
                return answers;
            }
        }
        answers
    }

    fn has(&self, rights: Rights, now: Instant) -> bool {
        let is_fresh = self.since.is_some_and(|since| now.duration_since(since) < FORGETS);
        match rights {
            Rights::None => true,
            Rights::Opened => is_fresh && self.rights != Rights::None,
            Rights::Full => is_fresh && self.rights == Rights::Full,
        }
    }

    fn answer(&mut self, command: &Command, now: Instant, true_ms: i64) -> Frame {
        match command {
            Command::Password { level: 2, text } => self.password(text, now),
            Command::Password { .. } | Command::Break => Frame::text("ERR1"),
            Command::Read { place, bytes } => {
                let is_plate = matches!(place.identity, 795 | 798);
                if !self.has(if is_plate { Rights::Opened } else { Rights::Full }, now) {
                    return Frame::text("ERR5");
                }
                self.read(*place, *bytes, true_ms)
            }
            Command::Write { place, digits } => {
                if !self.has(Rights::Full, now) {
                    return Frame::text("ERR5");
                }
                let Some(data) = take_digits(digits.as_bytes()) else { return Frame::text("ERR1") };
                self.write(*place, &data, now, true_ms)
            }
        }
    }

    fn password(&mut self, text: &str, now: Instant) -> Frame {
        let Some(proof) = take_digits(text.as_bytes()).and_then(|proof| <[u8; 8]>::try_from(proof).ok())
        else {
            return Frame::text("ERR1");
        };
        let password: [u8; 8] = std::array::from_fn(|at| PASSWORD.get(at).copied().unwrap_or(b' '));
        let is_right = proof == transform(password, self.seed);
        if !is_right && proof != OPENING {
            self.rights = Rights::None;
            return Frame::Nak;
        }
        self.rights = if is_right { Rights::Full } else { Rights::Opened };
        self.since = Some(now);
        Frame::Ack
    }

    fn read(&self, place: Place, bytes: u8, true_ms: i64) -> Frame {
        let meter = lock(&self.meter);
        let is_as230 = meter.model == Model::As230;
        let special = match place.identity {
            2 if is_as230 => Some(meter.memory.is_blank(place.packet).map(|blank| vec![u8::from(blank)])),
            4 if is_as230 => Some(meter.memory.checksum(place.packet).map(|sum| sum.to_vec())),
            _ => None,
        };
        if let Some(found) = special {
            return found.map_or_else(|| Frame::text("ERR3"), |data| Frame::data(&data));
        }
        let Some(table) = meter.table(place.identity, true_ms) else { return Frame::text("ERR2") };
        let from = usize::from(place.packet.saturating_sub(1)) * usize::from(PACKET_BYTES);
        let asked = usize::from(bytes.min(64));
        match table.get(from..from + asked) {
            Some(part) if place.packet > 0 && asked > 0 => Frame::data(part),
            _ => Frame::text("ERR3"),
        }
    }

    fn write(&mut self, place: Place, data: &[u8], now: Instant, true_ms: i64) -> Frame {
        let mut meter = lock(&self.meter);
        let is_as230 = meter.model == Model::As230;
        let said = match place.identity {
            861 => {
                let Some(local) = values::clock(data) else { return Frame::text("ERR1") };
                let mut inner = server::lock(&meter.meter);
                let stamp = crate::model::MeterStamp { local, deviation_minutes: None, clock_status: None };
                let Some(second) = inner.clock_of().second_of(&stamp) else { return Frame::text("ERR1") };
                inner.record().set_clock(true_ms, second.saturating_mul(1000));
                Said::Ack
            }
            655 => {
                server::lock(&meter.meter).record().reset_billing(true_ms.div_euclid(1000));
                Said::Ack
            }
            2 if is_as230 => meter.memory.erase(place.packet),
            DATA if is_as230 => meter.memory.write(place.packet, data),
            5 if is_as230 => {
                meter.memory.activate(now);
                Said::Ack
            }
            _ => return Frame::text("ERR2"),
        };
        match said {
            Said::Ack => Frame::Ack,
            Said::NoSuchPacket => Frame::text("ERR3"),
            Said::Communication => Frame::text("ERR6"),
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use jiff::tz::TimeZone;

    use super::*;
    use crate::simulator::flag::FlagMeter;
    use crate::simulator::{Settings, SharedMeter, VirtualMeter};

    const NOW: i64 = 1_795_262_400_000;

    fn station(model: Model) -> FlagStation {
        let zone = TimeZone::get("Europe/London").unwrap();
        let settings = Settings::household(7, zone, Timestamp::from_millisecond(NOW).unwrap());
        let meter = SharedMeter::new(VirtualMeter::new(settings).into());
        FlagStation::new(SharedFlag::new(FlagMeter::new(meter, model, 1).into()), true)
    }

    fn say(station: &mut FlagStation, octets: &[u8], now: Instant) -> Vec<u8> {
        station.take(octets, now, NOW).concat()
    }

    fn signed_on(station: &mut FlagStation, now: Instant) -> [u8; 8] {
        assert_eq!(say(station, b"/?!\r\n", now), b"/GEC5090100100400@000\r\n");
        let operand = say(station, b"\x06051\r\n", now);
        take_digits(&operand[5..21]).unwrap().try_into().unwrap()
    }

    #[test]
    fn a_minimal_session_goes_as_the_fact_sheet_has_it() {
        // facts/elster-flag.md, section 15.
        let (mut station, now) = (station(Model::A1700), Instant::now());
        let seed = signed_on(&mut station, now);
        assert_eq!(say(&mut station, b"\x01R1\x02798001(10)\x03e", now), Frame::text("ERR5").encode());
        assert_eq!(say(&mut station, b"\x01P2\x02(0000000000000000)\x03b", now), [0x06]);
        let serial = say(&mut station, b"\x01R1\x02798001(10)\x03e", now);
        assert_eq!(serial, Frame::data(b"26000001        ").encode());
        assert_eq!(say(&mut station, b"\x01R1\x02507001(40)\x03d", now), Frame::text("ERR5").encode());
        let proof = transform(*b"12345678", seed);
        assert_eq!(say(&mut station, &Command::transformed(proof).frame().encode(), now), [0x06]);
        assert_eq!(say(&mut station, b"\x01R1\x02507001(40)\x03d", now).len(), 1 + 130 + 2);
        let later = now + Duration::from_secs(301);
        assert_eq!(say(&mut station, b"\x01R1\x02507001(40)\x03d", later), Frame::text("ERR5").encode());
        assert_eq!(say(&mut station, b"\x01B0\x03q", now), b"");
        assert_eq!(say(&mut station, b"/?1!\r\n", now).first(), Some(&b'/'));
        assert_eq!(say(&mut station, b"/?2!\r\n", now), b"", "another outstation");
    }

    #[test]
    fn a_wrong_password_and_a_wrong_check_are_told() {
        let (mut station, now) = (station(Model::A1700), Instant::now());
        signed_on(&mut station, now);
        let wrong = Command::transformed([1; 8]).frame().encode();
        assert_eq!(say(&mut station, &wrong, now), [0x15]);
        assert_eq!(say(&mut station, b"\x01R1\x02798001(10)\x03f", now), [0x15]);
    }

    #[test]
    fn with_parity_asked_the_meter_answers_with_parity() {
        let (mut station, now) = (station(Model::A1700), Instant::now());
        let answer = say(&mut station, &[0xAF, 0x3F, 0x21, 0x8D, 0x0A], now);
        assert!(answer.iter().all(|octet| octet.count_ones().is_multiple_of(2)));
    }

    #[test]
    fn flash_memory_only_clears_bits_and_its_sum_shows_it() {
        let station = station(Model::As230);
        let mut meter = lock(&station.meter);
        let memory = &mut meter.memory;
        assert_eq!((memory.is_blank(1), memory.is_blank(20)), (Some(false), Some(true)));
        assert_eq!(memory.erase(1), Said::Ack);
        // 512 octets of 255, in sixteen bits.
        assert_eq!(memory.checksum(1), Some([0xFE, 0x00]));
        assert_eq!(memory.write(1, &[0x0F]), Said::Ack);
        let once = memory.checksum(1);
        memory.write(1, &[0x0F]);
        assert_eq!(memory.checksum(1), once, "the same again changes nothing");
        memory.write(1, &[0xF0]);
        assert_ne!(memory.checksum(1), once);
        assert_eq!((memory.erase(65), memory.write(600, &[1])), (Said::NoSuchPacket, Said::NoSuchPacket));
    }
}
