//! Keeps secrets out of the trace.
//!
//! Whole secrets and all pieces of them of three octets and more are masked wherever they pass, also where noise or
//! an echo tears them. Information fields are put together as well, so that a password which HDLC cuts in two is
//! found; where a field or a chunk ends with what may be the beginning of a secret, those one or two octets are
//! masked at once, because a record is never held back. With a masked field goes its FCS, from which a short
//! password could be worked out; the HCS covers nothing but the header.

use std::rc::Rc;

use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::model::Secret;
use crate::protocol::hdlc::{FLAG, FrameError, Header, LLC_COMMAND};
use crate::protocol::wrapper;
use crate::transport::{Tap, TapRecord};

/// What stands in place of a masked octet.
pub(super) const MASK: u8 = 0x2A;
/// Fewer octets of a longer secret tell nobody anything.
const TELLING: usize = 3;

/// How messages are framed on the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// HDLC frames.
    Hdlc,
    /// The wrapper.
    Wrapper,
    /// Messages of IEC 62056-21. There every seed and every password message is masked with its check, since one is
    /// reckoned from the others; pieces of a password elsewhere are not, or half of all figures would be.
    Flag,
}

/// A tap that masks, in front of one that keeps.
pub struct MaskingTap {
    sink: Box<dyn Tap>,
    sent: Stream,
    received: Stream,
}

impl MaskingTap {
    /// Masks these secrets in both directions.
    #[must_use]
    pub fn new(sink: Box<dyn Tap>, secrets: Vec<Secret>, framing: Framing) -> Self {
        let pieces = Rc::new(Pieces::of(secrets));
        Self { sink, sent: Stream::new(&pieces, framing), received: Stream::new(&pieces, framing) }
    }
}

impl Tap for MaskingTap {
    fn record(&mut self, mut record: TapRecord) {
        let stream = if record.sent { &mut self.sent } else { &mut self.received };
        let hidden = stream.hide(&record.bytes);
        if !hidden.contains(&true) {
            return self.sink.record(record);
        }
        for (octet, _) in record.bytes.iter_mut().zip(&hidden).filter(|(_, hidden)| **hidden) {
            *octet = MASK;
        }
        record.masked = ranges(&hidden);
        self.sink.record(record);
    }
}

fn ranges(hidden: &[bool]) -> Vec<(u32, u32)> {
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for (at, _) in (0u32..).zip(hidden).filter(|(_, hidden)| **hidden) {
        match ranges.last_mut() {
            Some((start, length)) if *start + *length == at => *length += 1,
            _ => ranges.push((at, 1)),
        }
    }
    ranges
}

/// Marks the last `count` of some places.
fn mark(hidden: &mut [bool], places: impl DoubleEndedIterator<Item = usize>, count: usize) {
    for at in places.rev().take(count) {
        if let Some(hidden) = hidden.get_mut(at) {
            *hidden = true;
        }
    }
}

/// One direction of a line.
struct Stream {
    pieces: Rc<Pieces>,
    raw: Matcher,
    fields: Matcher,
    framer: Framer,
    /// The first octets of the information field that is passing.
    head: Vec<u8>,
    field_hidden: bool,
}

impl Stream {
    fn new(pieces: &Rc<Pieces>, framing: Framing) -> Self {
        Self {
            pieces: Rc::clone(pieces),
            raw: Matcher::default(),
            fields: Matcher::default(),
            framer: Framer::new(framing),
            head: Vec::new(),
            field_hidden: false,
        }
    }

    /// Which of the next octets are to be masked.
    fn hide(&mut self, octets: &[u8]) -> Vec<bool> {
        let mut hidden = vec![false; octets.len()];
        let mut field = Last::default();
        let mut next = 0;
        while let Some(octet) = octets.get(next) {
            let inside = self.hide_inside(octets, next, &mut hidden, &mut field);
            if inside > 0 {
                next += inside;
                continue;
            }
            let at = next;
            next += 1;
            // The lines of IEC 62056-21 carry figures in digits, and so are passwords: there messages tell what they are.
            if self.framer.framing != Framing::Flag {
                let run = self.raw.take(*octet, &self.pieces);
                mark(&mut hidden, 0..=at, run);
            }
            match self.framer.take(*octet) {
                Part::Other => {}
                Part::Check if self.field_hidden => mark(&mut hidden, 0..=at, 1),
                Part::Check => {}
                Part::Secret => mark(&mut hidden, 0..=at, 1),
                Part::Info { first, last, more } => {
                    field.push(at);
                    let mut run = self.in_field(*octet, first);
                    if last && more {
                        run = run.max(self.fields.begun(&self.pieces));
                    } else if last {
                        self.fields = Matcher::default();
                    }
                    self.field_hidden |= run > 0;
                    mark(&mut hidden, field.places(), run);
                }
            }
        }
        if self.framer.is_inside() {
            let run = self.fields.begun(&self.pieces);
            self.field_hidden |= run > 0;
            mark(&mut hidden, field.places(), run);
        }
        hidden
    }

    /// Goes through octets from the middle of one field, where the stream and the fields show the same last octets;
    /// gives how many. What is left goes octet by octet.
    fn hide_inside(&mut self, octets: &[u8], at: usize, hidden: &mut [bool], field: &mut Last) -> usize {
        let inside = self.framer.inside();
        let Some(start) = at.checked_sub(TELLING - 1).filter(|_| field.count == TELLING) else { return 0 };
        let end = octets.len().min(at + inside);
        if at >= end || !self.pieces.short.is_empty() || self.head.len() + 1 < TELLING {
            return 0;
        }
        let windows = octets.get(start..end).unwrap_or_default().array_windows::<TELLING>();
        for (first, window) in (start..).zip(windows) {
            if self.pieces.ends[usize::from(window[TELLING - 1])]
                && self.pieces.telling.binary_search(window).is_ok()
            {
                mark(hidden, first..first + TELLING, TELLING);
                self.field_hidden = true;
            }
        }
        if let Some(last) = octets.get(..end).and_then(<[u8]>::last_chunk) {
            let matcher = Matcher { last: *last, count: TELLING };
            (self.raw, self.fields) = (matcher, matcher);
        }
        (end - TELLING..end).for_each(|place| field.push(place));
        self.framer.pass(end - at);
        end - at
    }

    /// How many of the last octets of information fields belong to a secret, with this one.
    fn in_field(&mut self, octet: u8, first: bool) -> usize {
        if first {
            self.head.clear();
            self.field_hidden = false;
        }
        let run = self.fields.take(octet, &self.pieces);
        if self.head.len() + 1 < TELLING {
            self.head.push(octet);
            // A segment that is sent again without the one before it may begin with the end of a secret.
            let ends = |secret: &Secret| secret.expose().ends_with(&self.head);
            if self.head.first() != LLC_COMMAND.first() && self.pieces.secrets.iter().any(ends) {
                return run.max(self.head.len());
            }
        }
        run
    }
}

/// Where the last octets of information fields stand in a chunk, as many as one octet can have masked.
#[derive(Default)]
struct Last {
    places: [usize; TELLING],
    count: usize,
}

impl Last {
    fn push(&mut self, place: usize) {
        self.places.rotate_left(1);
        if let Some(last) = self.places.last_mut() {
            *last = place;
        }
        self.count = (self.count + 1).min(TELLING);
    }

    fn places(&self) -> impl DoubleEndedIterator<Item = usize> {
        self.places.into_iter().skip(TELLING - self.count)
    }
}

/// The secrets, and their shortest pieces that tell something: where all of those are masked, so is every longer one.
#[derive(Zeroize, ZeroizeOnDrop)]
struct Pieces {
    secrets: Vec<Secret>,
    /// In order, so that one is found soon.
    telling: Vec<[u8; TELLING]>,
    /// Whether some piece, or a secret that is shorter than one, ends with this octet: most octets pass after one look.
    ends: [bool; 256],
    /// Secrets that are shorter than a telling piece.
    short: Vec<Secret>,
}

impl Pieces {
    fn of(secrets: Vec<Secret>) -> Self {
        let secrets: Vec<Secret> = secrets.into_iter().filter(|secret| !secret.expose().is_empty()).collect();
        // With room for all of them from the start: what grows leaves copies behind.
        let mut telling = Vec::with_capacity(secrets.iter().map(|secret| secret.expose().len()).sum());
        for secret in &secrets {
            telling.extend(secret.expose().array_windows::<TELLING>());
        }
        telling.sort_unstable();
        telling.dedup();
        let short: Vec<Secret> =
            secrets.iter().filter(|secret| secret.expose().len() < TELLING).cloned().collect();
        let mut ends = [false; 256];
        let last_octets = telling.iter().map(<[u8; TELLING]>::as_slice);
        for piece in last_octets.chain(short.iter().map(Secret::expose)) {
            if let Some(last) = piece.last() {
                ends[usize::from(*last)] = true;
            }
        }
        Self { secrets, telling, ends, short }
    }
}

/// Finds pieces of secrets in a stream of octets.
#[derive(Clone, Copy, Default)]
struct Matcher {
    /// The last octets of the stream, and how many of them there are.
    last: [u8; TELLING],
    count: usize,
}

impl Matcher {
    fn last(&self) -> &[u8] {
        self.last.get(TELLING - self.count..).unwrap_or_default()
    }

    /// How many of the last octets are a telling piece of a secret, with this one.
    fn take(&mut self, octet: u8, pieces: &Pieces) -> usize {
        let [_, before, last] = self.last;
        self.last = [before, last, octet];
        self.count = (self.count + 1).min(TELLING);
        if !pieces.ends[usize::from(octet)] {
            return 0;
        }
        if self.count == TELLING && pieces.telling.binary_search(&self.last).is_ok() {
            return TELLING;
        }
        let short = pieces.short.iter().map(Secret::expose);
        short.filter(|secret| self.last().ends_with(secret)).map(<[u8]>::len).max().unwrap_or(0)
    }

    /// How many of the last octets may be the beginning of a secret; those of a longer one are masked as its pieces.
    fn begun(&self, pieces: &Pieces) -> usize {
        let begins = |count: &usize| {
            let start = self.count.checked_sub(*count);
            let last = start.and_then(|start| self.last().get(start..));
            last.is_some_and(|last| pieces.secrets.iter().any(|secret| secret.expose().starts_with(last)))
        };
        (1..=TELLING).rev().find(begins).unwrap_or(0)
    }
}

/// What an octet is for.
enum Part {
    Other,
    /// Of a message: the first or last octet of its field, and whether the message goes on in another one.
    Info {
        first: bool,
        last: bool,
        more: bool,
    },
    /// Of the check sequence over the field.
    Check,
    /// Of a seed or a password, whatever it is.
    Secret,
}

/// Tells the parts of a stream apart. It needs no exactness where octets were lost: the raw stream is searched too.
struct Framer {
    framing: Framing,
    state: State,
}

enum State {
    Hunting,
    Header(Vec<u8>),
    Field {
        length: usize,
        left: usize,
        more: bool,
    },
    Check {
        left: usize,
    },
    /// Inside a message of IEC 62056-21, as far as `Password` is concerned.
    Password(Password),
}

/// Where in a password message (SOH P n STX … ETX BCC) an octet stands.
#[derive(Clone, Copy)]
enum Password {
    Outside,
    Soh,
    Letter,
    Level,
    Inside,
    Check,
}

impl Password {
    /// The next place, and whether the octet tells something.
    const fn take(self, octet: u8) -> (Self, bool) {
        match (self, octet & 0x7F) {
            (Self::Check, _) => (Self::Outside, true),
            (Self::Inside, 0x03) => (Self::Check, false),
            (_, 0x01) => (Self::Soh, false),
            (Self::Inside, _) => (Self::Inside, true),
            (Self::Soh, b'P') => (Self::Letter, false),
            (Self::Letter, b'0'..=b'9') => (Self::Level, false),
            (Self::Level, 0x02) => (Self::Inside, false),
            _ => (Self::Outside, false),
        }
    }
}

impl Framer {
    fn new(framing: Framing) -> Self {
        Self { framing, state: Self::start(framing) }
    }

    fn start(framing: Framing) -> State {
        match framing {
            Framing::Hdlc => State::Hunting,
            Framing::Wrapper => State::Header(Vec::new()),
            Framing::Flag => State::Password(Password::Outside),
        }
    }

    /// Whether a field has begun and not ended.
    fn is_inside(&self) -> bool {
        matches!(&self.state, State::Field { length, left, .. } if left < length)
    }

    /// How many octets come that are neither the first nor the last of their field.
    const fn inside(&self) -> usize {
        match &self.state {
            State::Field { length, left, .. } if *left < *length => left.saturating_sub(1),
            _ => 0,
        }
    }

    /// So many of those have passed.
    const fn pass(&mut self, count: usize) {
        if let State::Field { left, .. } = &mut self.state {
            *left = left.saturating_sub(count);
        }
    }

    fn take(&mut self, octet: u8) -> Part {
        match &mut self.state {
            State::Password(place) => {
                let (next, is_telling) = place.take(octet);
                *place = next;
                if is_telling { Part::Secret } else { Part::Other }
            }
            State::Hunting => {
                if octet == FLAG {
                    self.state = State::Header(Vec::new());
                }
                Part::Other
            }
            State::Header(header) => {
                if self.framing == Framing::Hdlc && header.is_empty() && octet == FLAG {
                    return Part::Other;
                }
                header.push(octet);
                if let Some(next) = after_header(self.framing, header) {
                    self.state = next;
                }
                Part::Other
            }
            State::Field { length, left, more } => {
                let first = left == length;
                *left -= 1;
                let (last, more) = (*left == 0, *more);
                if last {
                    self.state = match self.framing {
                        Framing::Hdlc => State::Check { left: 2 },
                        Framing::Wrapper | Framing::Flag => Self::start(self.framing),
                    };
                }
                Part::Info { first, last, more }
            }
            State::Check { left } => {
                *left -= 1;
                if *left == 0 {
                    self.state = Self::start(self.framing);
                }
                Part::Check
            }
        }
    }
}

/// What follows a header, or nothing while it is not whole.
fn after_header(framing: Framing, header: &[u8]) -> Option<State> {
    let (length, more) = match framing {
        Framing::Hdlc => match Header::read(header) {
            Err(FrameError::Incomplete) => return None,
            Err(_) if header.last() == Some(&FLAG) => return Some(State::Header(Vec::new())),
            Err(_) => return Some(State::Hunting),
            Ok(found) => (found.length.saturating_sub(found.info_at + 2), found.segmented),
        },
        Framing::Wrapper => {
            let whole: &[u8; wrapper::HEADER] = header.first_chunk()?;
            (usize::from(u16::from_be_bytes([whole[6], whole[7]])), false)
        }
        // Its state is another one.
        Framing::Flag => return None,
    };
    Some(if length == 0 { Framer::start(framing) } else { State::Field { length, left: length, more } })
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use proptest::prelude::*;

    use super::*;
    use crate::protocol::hdlc::{Control, Frame, HdlcAddress};
    use crate::protocol::wrapper::WrapperFrame;

    type Records = Rc<RefCell<Vec<TapRecord>>>;

    fn tap(secrets: &[&[u8]], framing: Framing) -> (MaskingTap, Records) {
        let records = Records::default();
        let secrets = secrets.iter().map(|secret| Secret::new(secret.to_vec())).collect();
        (MaskingTap::new(Box::new(records.clone()), secrets, framing), records)
    }

    fn frames(message: &[u8], info: usize) -> Vec<Vec<u8>> {
        let last = message.chunks(info).len() - 1;
        let frames = message.chunks(info).enumerate().map(|(at, info)| Frame {
            segmented: at < last,
            destination: HdlcAddress::server(&"1".parse().unwrap()).unwrap(),
            source: HdlcAddress::client(1).unwrap(),
            control: Control::I { send: at as u8 & 7, receive: 0, poll: true },
            info: info.to_vec(),
        });
        frames.map(|frame| frame.encode()).collect()
    }

    /// All octets of all records with whether they are masked.
    fn seen(records: &Records) -> Vec<(u8, bool)> {
        let mut all = Vec::new();
        for record in records.borrow().iter() {
            let mut hidden = vec![false; record.bytes.len()];
            for (start, length) in &record.masked {
                hidden[*start as usize..(*start + *length) as usize].fill(true);
            }
            all.extend(record.bytes.iter().copied().zip(hidden));
        }
        all
    }

    #[test]
    fn a_password_in_one_frame_is_masked_with_the_frames_check_sequence() {
        let (mut tap, records) = tap(&[b"secret"], Framing::Hdlc);
        tap.record(TapRecord::bytes(true, &frames(b"\xE6\xE6\x00.secret.", 128)[0]));
        let record = records.borrow()[0].clone();
        let length = record.bytes.len() as u32;
        // Flag, format, two addresses, control, HCS, LLC and a dot stand before it; FCS and flag end the frame.
        assert_eq!(record.masked, [(12, 6), (length - 3, 2)]);
        assert_eq!(&record.bytes[11..19], b".******.");
    }

    #[test]
    fn a_password_cut_in_two_by_segmentation_is_masked_in_both_frames() {
        for cut in 1..6 {
            let (mut tap, records) = tap(&[b"secret"], Framing::Hdlc);
            let message = [&[b'.'; 20], b"secret".as_slice(), &[b'.'; 9]].concat();
            for frame in frames(&message, 20 + cut) {
                tap.record(TapRecord::bytes(true, &frame));
            }
            let hidden = seen(&records).iter().filter(|(_, hidden)| *hidden).count();
            assert_eq!(hidden, 6 + 4, "cut after {cut}");
        }
    }

    #[test]
    fn the_second_frame_alone_sent_again_shows_nothing_either() {
        for cut in 1..6 {
            let (mut tap, records) = tap(&[b"secret"], Framing::Hdlc);
            let message = [&[b'.'; 20], b"secret".as_slice(), &[b'.'; 9]].concat();
            let frames = frames(&message, 20 + cut);
            for frame in [&frames[0], &frames[1], &frames[1]] {
                tap.record(TapRecord::bytes(true, frame));
            }
            let hidden = seen(&records).iter().filter(|(_, hidden)| *hidden).count();
            assert_eq!(hidden, 6 + 4 + (6 - cut) + 2, "cut after {cut}");
        }
    }

    #[test]
    fn an_echo_that_lost_octets_shows_no_telling_piece() {
        let (mut tap, records) = tap(&[b"opensesame"], Framing::Hdlc);
        tap.record(TapRecord::bytes(false, b"..opense_ame.."));
        assert_eq!(records.borrow()[0].bytes, b"..******_***..");
    }

    #[test]
    fn seeds_and_passwords_of_flag_meters_are_masked_with_their_checks_and_figures_are_not() {
        let (mut tap, records) = tap(&[b"00000000"], Framing::Flag);
        let seed = b"\x01P0\x02(0123456789ABCDEF)\x03f";
        for piece in seed.chunks(7) {
            tap.record(TapRecord::bytes(false, piece));
        }
        tap.record(TapRecord::bytes(true, b"\x01P2\x02(1B7C82A55DF6F4CF)\x03m"));
        tap.record(TapRecord::bytes(false, b"\x06\x02(0012000034)\x03P"));
        let shown: Vec<u8> = records.borrow().iter().flat_map(|one| one.bytes.clone()).collect();
        let masked = [b"\x01P0\x02".as_slice(), &[MASK; 18], b"\x03*"].concat();
        let password = [b"\x01P2\x02".as_slice(), &[MASK; 18], b"\x03*"].concat();
        let figures = b"\x06\x02(0012000034)\x03P".to_vec();
        assert_eq!(shown, [masked, password, figures].concat());
    }

    #[test]
    fn a_remark_passes_as_it_is() {
        let (mut tap, records) = tap(&[b"secret"], Framing::Wrapper);
        tap.record(TapRecord::note("connected"));
        assert_eq!(records.borrow()[0].note.as_deref(), Some("connected"));
    }

    #[test]
    fn an_empty_secret_masks_nothing() {
        let (mut tap, records) = tap(&[b""], Framing::Wrapper);
        tap.record(TapRecord::bytes(true, b"anything"));
        assert_eq!(records.borrow()[0].masked, []);
    }

    proptest! {
        #[test]
        fn however_hdlc_cuts_it_every_octet_of_a_secret_is_masked_and_no_other_information(
            before in proptest::collection::vec(0u8..0x40, 0..80), after in proptest::collection::vec(0u8..0x40, 0..80),
            secret in proptest::collection::vec(0xA8u8..=0xFF, 1..40), info in 8usize..50, cut in 1usize..60,
        ) {
            let message = [before.as_slice(), &secret, &after].concat();
            let stream: Vec<u8> = frames(&message, info).concat();
            let (mut tap, records) = tap(&[&secret], Framing::Hdlc);
            for chunk in stream.chunks(cut) {
                tap.record(TapRecord::bytes(false, chunk));
            }
            let seen = seen(&records);
            prop_assert_eq!(seen.len(), stream.len());
            // What is left of the information fields, in the order of the message.
            let mut at = 0;
            for frame in frames(&message, info) {
                let field = at + 8..at + frame.len() - 3;
                let original = &stream[field.clone()];
                let touched = original.iter().any(|octet| *octet >= 0xA8);
                for (place, octet) in field.clone().zip(original) {
                    prop_assert_eq!(seen[place].1, *octet >= 0xA8);
                }
                prop_assert!(!touched || seen[field.end].1 && seen[field.end + 1].1, "the FCS shows");
                at += frame.len();
            }
        }

        #[test]
        fn however_tcp_cuts_it_every_octet_of_a_secret_is_masked_and_nothing_else(
            before in proptest::collection::vec(0u8..0x40, 0..80), after in proptest::collection::vec(0u8..0x40, 0..80),
            secret in proptest::collection::vec(0xA8u8..=0xFF, 1..40), cut in 1usize..60,
        ) {
            let apdu = [before.as_slice(), &secret, &after].concat();
            let message = WrapperFrame { source: 1, destination: 16, apdu }.encode().unwrap();
            let stream = [message.clone(), message.clone()].concat();
            let (mut tap, records) = tap(&[&secret], Framing::Wrapper);
            for chunk in stream.chunks(cut) {
                tap.record(TapRecord::bytes(false, chunk));
            }
            for (at, (seen, original)) in seen(&records).iter().zip(&stream).enumerate() {
                let header = at % message.len() < wrapper::HEADER;
                prop_assert!(header || seen.1 == (*original >= 0xA8));
                prop_assert_eq!(seen.0, if seen.1 { MASK } else { *original });
            }
        }

        #[test]
        fn every_telling_piece_of_a_secret_is_masked_and_no_noise_around_it(
            before in proptest::collection::vec(0u8..0x40, 0..40), after in proptest::collection::vec(0u8..0x40, 0..40),
            secret in proptest::collection::vec(0xA8u8..=0xFF, 3..40), from in 0usize..37, length in 3usize..40,
        ) {
            let from = from.min(secret.len() - 3);
            let piece = &secret[from..(from + length).min(secret.len())];
            let noise = [before.as_slice(), piece, &after].concat();
            let (mut tap, records) = tap(&[&secret], Framing::Hdlc);
            tap.record(TapRecord::bytes(false, &noise));
            let hidden: Vec<bool> = seen(&records).into_iter().map(|(_, hidden)| hidden).collect();
            let wanted: Vec<bool> = noise.iter().map(|octet| *octet >= 0xA8).collect();
            prop_assert_eq!(hidden, wanted);
        }

        #[test]
        fn no_octets_make_it_panic(octets: Vec<u8>, secret: Vec<u8>) {
            for framing in [Framing::Hdlc, Framing::Wrapper, Framing::Flag] {
                let (mut tap, _) = tap(&[&secret], framing);
                tap.record(TapRecord::bytes(true, &octets));
            }
        }
    }
}
