//! An AT modem in front of virtual meters: each answers at the telephone number that is its serial number.
//!
//! | number | what comes of it |
//! | --- | --- |
//! | a meter's serial number | `CONNECT 9600`, and the meter |
//! | `0` | `BUSY` |
//! | `00` | `NO DIALTONE` |
//! | any other | `NO ANSWER` |
//!
//! `+++` behind a second of silence calls it back to commands, `ATO` puts it through again, `ATH` hangs up.

use std::time::{Duration, Instant};

use crate::model::ServerAddress;

use super::emulator::{Due, LineEmulator};
use super::flag::{FlagStation, SharedFlag};
use super::port::{Outgoing, Port};
use super::server::SharedMeter;

/// Silence before an escape.
const GUARD: Duration = Duration::from_secs(1);
/// Longest command.
const LONGEST: usize = 80;

/// Who answers at a number.
#[derive(Clone)]
pub(crate) enum Callee {
    /// A DLMS meter, in HDLC.
    Hdlc(SharedMeter, ServerAddress),
    /// An Elster meter.
    Flag(SharedFlag),
}

/// One number and who answers there.
#[derive(Clone)]
pub(crate) struct Subscriber {
    pub(crate) number: String,
    pub(crate) callee: Callee,
}

/// The modem.
pub(crate) struct Modem {
    book: Vec<Subscriber>,
    line: LineEmulator,
    heard: Vec<u8>,
    echoes: bool,
    call: Option<Box<Port>>,
    /// In a call, and not called back to commands.
    is_through: bool,
    last: Option<Instant>,
    out: Vec<Due>,
}

impl Modem {
    pub(crate) fn new(book: Vec<Subscriber>, line: LineEmulator) -> Self {
        Self {
            book,
            line,
            heard: Vec::new(),
            echoes: true,
            call: None,
            is_through: false,
            last: None,
            out: Vec::new(),
        }
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.call.as_ref().and_then(|call| call.deadline())
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant, true_ms: i64) {
        if let Some(call) = &mut self.call {
            call.handle_timeout(now, true_ms);
        }
        self.gather();
    }

    pub(crate) fn handle_octets(&mut self, octets: &[u8], now: Instant, true_ms: i64) {
        let is_quiet = self.last.replace(now).is_none_or(|last| now.duration_since(last) >= GUARD);
        if self.is_through {
            if octets == b"+++" && is_quiet {
                self.is_through = false;
                self.say("OK", now);
                return;
            }
            if let Some(call) = &mut self.call {
                call.handle_octets(octets, now, true_ms);
            }
            return self.gather();
        }
        if self.echoes {
            self.put(octets.to_vec(), now);
        }
        for octet in octets {
            if *octet == b'\r' {
                let command = String::from_utf8_lossy(&std::mem::take(&mut self.heard)).trim().to_uppercase();
                self.command(&command, now);
            } else if self.heard.len() < LONGEST {
                self.heard.push(*octet);
            }
        }
    }

    pub(crate) fn take(&mut self) -> Vec<Due> {
        std::mem::take(&mut self.out)
    }

    fn gather(&mut self) {
        if let Some(call) = &mut self.call {
            // The end of a meter's connection is the end of the call.
            for due in call.take() {
                match due.what {
                    Outgoing::Octets(_) => self.out.push(due),
                    Outgoing::Close => {
                        let what = Outgoing::Octets(b"\r\nNO CARRIER\r\n".to_vec());
                        self.out.push(Due { what, ..due });
                        self.is_through = false;
                    }
                }
            }
        }
        if !self.is_through && self.out.iter().any(|due| is_lost(&due.what)) {
            self.call = None;
        }
    }

    fn put(&mut self, octets: Vec<u8>, now: Instant) {
        let due = self.line.plain(Outgoing::Octets(octets), now);
        self.out.push(due);
    }

    fn say(&mut self, result: &str, now: Instant) {
        self.put(format!("\r\n{result}\r\n").into_bytes(), now);
    }

    fn command(&mut self, command: &str, now: Instant) {
        let Some(rest) = command.strip_prefix("AT") else {
            if !command.is_empty() {
                self.say("ERROR", now);
            }
            return;
        };
        if let Some(number) = rest.strip_prefix('D') {
            return self.dial(number, now);
        }
        if rest == "O" && self.call.is_some() {
            self.is_through = true;
            return self.say("CONNECT 9600", now);
        }
        if rest.starts_with('H') || rest == "Z" {
            self.call = None;
        }
        if rest.starts_with("E0") {
            self.echoes = false;
        }
        self.say("OK", now);
    }

    fn dial(&mut self, number: &str, now: Instant) {
        let digits: String = number.chars().filter(char::is_ascii_digit).collect();
        self.call = None;
        let found = self.book.iter().find(|one| one.number == digits).cloned();
        match (found, digits.as_str()) {
            (Some(one), _) => {
                let line = self.line.clone();
                self.call = Some(Box::new(match one.callee {
                    Callee::Hdlc(meter, address) => Port::hdlc(meter, address, line),
                    Callee::Flag(meter) => Port::flag(FlagStation::new(meter, true), line),
                }));
                self.is_through = true;
                self.say("CONNECT 9600", now);
            }
            (None, "0") => self.say("BUSY", now),
            (None, "00") => self.say("NO DIALTONE", now),
            (None, _) => self.say("NO ANSWER", now),
        }
    }
}

fn is_lost(what: &Outgoing) -> bool {
    matches!(what, Outgoing::Octets(octets) if octets.starts_with(b"\r\nNO CARRIER"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulator::emulator::Carrier;
    use crate::simulator::faults::Faults;

    fn said(modem: &mut Modem, octets: &[u8], now: Instant) -> String {
        modem.handle_octets(octets, now, 0);
        let all = modem.take().into_iter().map(|due| match due.what {
            Outgoing::Octets(octets) => octets,
            Outgoing::Close => Vec::new(),
        });
        String::from_utf8_lossy(&all.flatten().collect::<Vec<u8>>()).into_owned()
    }

    #[test]
    fn it_echoes_until_told_not_to_and_knows_who_is_busy() {
        let mut modem = Modem::new(Vec::new(), LineEmulator::new(Faults::default(), Carrier::Frames, 1));
        let now = Instant::now();
        assert_eq!(said(&mut modem, b"AT\r", now), "AT\r\r\nOK\r\n");
        said(&mut modem, b"ATE0V1\r", now);
        assert_eq!(said(&mut modem, b"ATDT0\r", now), "\r\nBUSY\r\n");
        assert_eq!(said(&mut modem, b"ATDT00\r", now), "\r\nNO DIALTONE\r\n");
        assert_eq!(said(&mut modem, b"ATDT0123\r", now), "\r\nNO ANSWER\r\n");
        assert_eq!(said(&mut modem, b"hello\r", now), "\r\nERROR\r\n");
    }
}
