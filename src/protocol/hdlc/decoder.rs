//! Finds frames in a stream of octets that may be split, run together, noisy or foreign.

use super::address::HdlcAddress;
use super::frame::{FLAG, Frame, FrameError, Header};

/// Cuts a stream into frames.
///
/// A header with an intact check sequence is trusted, and the frame awaited to its end, because information fields
/// may hold anything, also flags. Everything else is skipped up to the next flag: noise, foreign frames, frames that
/// lost octets (`facts/dlms-quirks.md`, 16 and 18). After a silence, [`FrameDecoder::silence`] gives up what has not
/// come whole.
#[derive(Clone, Debug, Default)]
pub struct FrameDecoder {
    buffer: Vec<u8>,
    silent: bool,
    skipped: u64,
    damaged: Option<(HdlcAddress, HdlcAddress)>,
}

enum Found {
    Frame(Frame, usize),
    More,
    Nothing,
}

impl FrameDecoder {
    /// Takes octets as they come. [`FrameDecoder::next_frame`] should be called until it has no more.
    pub fn push(&mut self, octets: &[u8]) {
        self.silent = false;
        self.buffer.extend_from_slice(octets);
    }

    /// Nothing came for longer than a frame may pause: what is not whole will never be.
    pub fn silence(&mut self) {
        self.silent = true;
    }

    /// The next intact frame.
    pub fn next_frame(&mut self) -> Option<Frame> {
        let mut at = 0;
        let frame = loop {
            let Some(flag) =
                self.buffer.get(at..).unwrap_or_default().iter().position(|octet| *octet == FLAG)
            else {
                self.skipped += (self.buffer.len() - at) as u64;
                at = self.buffer.len();
                break None;
            };
            self.skipped += flag as u64;
            at += flag;
            match self.look(at + 1) {
                Found::Frame(frame, length) => {
                    at += 1 + length;
                    break Some(frame);
                }
                Found::More => break None,
                Found::Nothing => at += 1,
            }
        };
        self.buffer.drain(..at);
        frame
    }

    /// Whether a frame with an intact header has begun and not ended. Noise hardly ever looks so, which is why a wait
    /// may be lengthened for it.
    #[must_use]
    pub fn is_mid_frame(&self) -> bool {
        self.buffer.get(1..).is_some_and(|octets| Header::read(octets).is_ok())
    }

    /// Octets skipped since the last call because they belonged to no frame.
    pub fn take_skipped(&mut self) -> u64 {
        std::mem::take(&mut self.skipped)
    }

    /// Destination and source of a frame that came damaged behind an intact header since the last call.
    pub fn take_damaged(&mut self) -> Option<(HdlcAddress, HdlcAddress)> {
        self.damaged.take()
    }

    fn look(&mut self, start: usize) -> Found {
        let octets = self.buffer.get(start..).unwrap_or_default();
        let header = match Header::read(octets) {
            Ok(header) => header,
            Err(FrameError::Incomplete) if !self.silent => return Found::More,
            Err(_) => return Found::Nothing,
        };
        // The closing flag is awaited, so that nobody answers before the sender has fallen silent.
        if octets.len() <= header.length && !self.silent {
            return Found::More;
        }
        match Frame::behind(header, octets) {
            Ok(frame) => Found::Frame(frame, header.length),
            Err(_) => {
                self.damaged = Some((header.destination, header.source));
                Found::Nothing
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::protocol::hdlc::Control;

    fn frame(send: u8, info: &[u8]) -> Frame {
        Frame {
            segmented: false,
            destination: HdlcAddress::client(16).unwrap(),
            source: HdlcAddress::server(&"1/17".parse().unwrap()).unwrap(),
            control: Control::I { send, receive: 0, poll: true },
            info: info.to_vec(),
        }
    }

    fn all(decoder: &mut FrameDecoder) -> Vec<Frame> {
        std::iter::from_fn(|| decoder.next_frame()).collect()
    }

    #[test]
    fn frames_that_share_a_flag_are_both_found() {
        let mut decoder = FrameDecoder::default();
        let (one, two) = (frame(0, b"one"), frame(1, b"two"));
        let mut octets = one.encode();
        octets.pop();
        octets.extend(two.encode());
        decoder.push(&octets);
        assert_eq!(all(&mut decoder), [one, two]);
        assert!(!decoder.is_mid_frame());
        assert_eq!(decoder.take_skipped(), 0);
    }

    #[test]
    fn foreign_octets_between_frames_are_skipped() {
        // An M-Bus short frame (facts/dlms-quirks.md, 16).
        let mut decoder = FrameDecoder::default();
        decoder.push(&[0x10, 0x40, 0x01, 0x41, 0x16]);
        decoder.push(&frame(0, b"one").encode());
        decoder.push(&[0x10, 0x40, 0x01, 0x41, 0x16]);
        decoder.push(&frame(1, b"two").encode());
        assert_eq!(all(&mut decoder), [frame(0, b"one"), frame(1, b"two")]);
        assert_eq!(decoder.take_skipped(), 10);
    }

    #[test]
    fn a_frame_with_a_flipped_bit_is_lost_alone() {
        let mut decoder = FrameDecoder::default();
        let mut bad = frame(0, b"bad").encode();
        bad[10] ^= 0x80;
        decoder.push(&bad);
        decoder.push(&frame(1, b"good").encode());
        assert_eq!(all(&mut decoder), [frame(1, b"good")]);
        let (destination, _) = decoder.take_damaged().unwrap();
        assert!(destination.is_client(16));
    }

    #[test]
    fn a_frame_that_lost_an_octet_does_not_take_the_next_one_with_it() {
        let mut decoder = FrameDecoder::default();
        let mut bad = frame(0, b"some information").encode();
        bad.remove(12);
        decoder.push(&bad);
        decoder.push(&frame(1, b"good").encode());
        assert_eq!(all(&mut decoder), [frame(1, b"good")]);
    }

    #[test]
    fn a_whole_frame_inside_an_information_field_is_no_frame() {
        let mut decoder = FrameDecoder::default();
        let outer = frame(0, &frame(3, b"inner").encode());
        for octet in outer.encode() {
            decoder.push(&[octet]);
            if let Some(found) = decoder.next_frame() {
                assert_eq!(found, outer);
                return;
            }
        }
        panic!("no frame");
    }

    #[test]
    fn after_a_silence_a_frame_that_has_not_come_whole_is_given_up() {
        let mut decoder = FrameDecoder::default();
        let octets = frame(0, b"some information").encode();
        decoder.push(&octets[..octets.len() - 4]);
        assert_eq!(decoder.next_frame(), None);
        assert!(decoder.is_mid_frame());
        decoder.silence();
        assert_eq!(decoder.next_frame(), None);
        assert!(!decoder.is_mid_frame());
        decoder.push(&frame(1, b"next").encode());
        assert_eq!(all(&mut decoder), [frame(1, b"next")]);
    }

    #[test]
    fn after_a_silence_a_frame_without_its_closing_flag_counts() {
        let mut decoder = FrameDecoder::default();
        let octets = frame(0, b"one").encode();
        decoder.push(&octets[..octets.len() - 1]);
        assert_eq!(decoder.next_frame(), None);
        decoder.silence();
        assert_eq!(decoder.next_frame(), Some(frame(0, b"one")));
    }

    proptest! {
        #[test]
        fn frames_arrive_however_the_stream_is_split(
            infos in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..60), 1..6),
            cuts in proptest::collection::vec(1usize..20, 1..60),
        ) {
            let frames: Vec<Frame> =
                infos.iter().enumerate().map(|(index, info)| frame(index as u8, info)).collect();
            let stream: Vec<u8> = frames.iter().flat_map(Frame::encode).collect();
            let mut decoder = FrameDecoder::default();
            let mut got = Vec::new();
            let mut rest = stream.as_slice();
            let mut cuts = cuts.iter().cycle();
            while !rest.is_empty() {
                let (now, later) = rest.split_at((*cuts.next().unwrap()).min(rest.len()));
                decoder.push(now);
                got.extend(all(&mut decoder));
                rest = later;
            }
            prop_assert_eq!(got, frames);
        }

        #[test]
        fn after_noise_and_a_silence_the_next_frame_is_found(noise: Vec<u8>) {
            let mut decoder = FrameDecoder::default();
            decoder.push(&noise);
            let _ = all(&mut decoder);
            decoder.silence();
            let _ = all(&mut decoder);
            decoder.push(&frame(1, b"good").encode());
            prop_assert_eq!(all(&mut decoder).pop(), Some(frame(1, b"good")));
        }
    }
}
