//! The sign-on of an optical probe (IEC 62056-21, mode E), in front of HDLC. Every HDLC port of a virtual meter has
//! it: a client that begins with a slash gets it, one that begins with a flag does not need it.

use crate::protocol::hdlc::FLAG;

/// The longest message of a sign-on: request with a device address of 32 characters.
const MOST: usize = 64;

/// Where a sign-on stands.
#[derive(Debug, Default)]
pub(crate) struct SignOn {
    heard: Vec<u8>,
    /// The client sets the parity bit, so the meter does too.
    parity: bool,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Idle,
    /// A request is coming.
    Asked,
    /// The meter said who it is and waits for the choice of a mode.
    Identified,
}

/// What octets mean to the sign-on.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// Nothing: they are HDLC's.
    Other(Vec<u8>),
    /// A message that is not complete, or needs no answer.
    Silence,
    /// The answer.
    Answer(Vec<u8>),
}

impl SignOn {
    /// Takes octets. `is_idle` says that no HDLC frame or connection is under way.
    pub(crate) fn take(&mut self, octets: &[u8], is_idle: bool, serial: &str) -> Heard {
        let first = octets.iter().find(|octet| **octet != 0);
        if is_idle && first.is_some_and(|octet| octet & 0x7F == b'/') {
            *self = Self { stage: Stage::Asked, ..Self::default() };
        }
        if self.stage == Stage::Idle || octets.contains(&FLAG) {
            self.stage = Stage::Idle;
            return Heard::Other(octets.to_vec());
        }
        self.parity |= octets.iter().any(|octet| octet & 0x80 != 0);
        self.heard.extend(octets.iter().map(|octet| octet & 0x7F).filter(|octet| *octet != 0));
        let surplus = self.heard.len().saturating_sub(MOST);
        self.heard.drain(..surplus);
        if !self.heard.ends_with(b"\r\n") {
            return Heard::Silence;
        }
        let message = std::mem::take(&mut self.heard);
        self.answer(&message, serial).map_or(Heard::Silence, |answer| Heard::Answer(self.dressed(&answer)))
    }

    fn answer(&mut self, message: &[u8], serial: &str) -> Option<Vec<u8>> {
        match (self.stage, message) {
            (Stage::Asked, [b'/', b'?', address @ .., b'!', b'\r', b'\n']) => {
                if !address.is_empty() && address != serial.as_bytes() {
                    return None;
                }
                self.stage = Stage::Identified;
                // 9600 baud, HDLC offered.
                Some([b"/MTW5\\2", serial.as_bytes(), b"\r\n"].concat())
            }
            (Stage::Identified, [0x06, b'2', _, b'2', b'\r', b'\n']) => {
                self.stage = Stage::Idle;
                Some(message.to_vec())
            }
            _ => None,
        }
    }

    fn dressed(&self, answer: &[u8]) -> Vec<u8> {
        let even = |octet: &u8| octet | ((octet.count_ones() as u8 & 1) << 7);
        if self.parity { answer.iter().map(even).collect() } else { answer.to_vec() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::iec62056_21::{Confirmation, Identification, request, select_hdlc};

    fn answer(heard: Heard) -> Vec<u8> {
        match heard {
            Heard::Answer(octets) => octets,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_probe_signs_on_and_is_handed_over_to_hdlc() {
        let mut sign_on = SignOn::default();
        let identification = answer(sign_on.take(&request(""), true, "26000001"));
        let found = Identification::find(&identification).unwrap();
        assert_eq!((found.hdlc, found.speed(), found.maker.as_str()), (true, Some(9600), "MTW"));
        let confirmation = answer(sign_on.take(&select_hdlc('5'), true, "26000001"));
        assert_eq!(Confirmation::find(&confirmation), Some(Confirmation::Hdlc));
        assert_eq!(sign_on.take(&[FLAG, 0xA0], true, "26000001"), Heard::Other(vec![FLAG, 0xA0]));
    }

    #[test]
    fn octets_with_parity_are_answered_with_parity_and_may_come_one_by_one() {
        let with_parity = |octets: &[u8]| SignOn { parity: true, ..SignOn::default() }.dressed(octets);
        let mut sign_on = SignOn::default();
        let mut last = Heard::Silence;
        for octet in with_parity(&request("26000001")) {
            assert_eq!(last, Heard::Silence);
            last = sign_on.take(&[octet], true, "26000001");
        }
        let identification = answer(last);
        assert!(identification.iter().all(|octet| octet.count_ones().is_multiple_of(2)));
        assert!(Identification::find(&identification).is_some());
    }

    #[test]
    fn another_meters_address_and_hdlc_are_left_alone() {
        let mut sign_on = SignOn::default();
        assert_eq!(sign_on.take(&request("999"), true, "26000001"), Heard::Silence);
        let frame = [FLAG, b'/', b'?', b'!', FLAG];
        assert_eq!(sign_on.take(&frame, false, "26000001"), Heard::Other(frame.to_vec()));
        assert_eq!(sign_on.take(b"/", false, "26000001"), Heard::Other(b"/".to_vec()));
    }
}
