//! The wrapper of DLMS over TCP and UDP (IEC 62056-47): eight octets in front of each APDU.

/// The only version there is.
pub const VERSION: u16 = 1;
/// Length of the header.
pub const HEADER: usize = 8;
/// Octets by which some meters exceed the APDU size that was agreed on (`facts/dlms-quirks.md`, 20).
pub const PDU_SLACK: usize = 50;

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrapperFrame {
    /// Sender's SAP.
    pub source: u16,
    /// Receiver's SAP.
    pub destination: u16,
    /// The APDU.
    pub apdu: Vec<u8>,
}

/// An APDU that the sixteen length bits cannot say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an APDU of {0} octets does not fit the wrapper: the most is 65535")]
pub struct TooLong(pub usize);

impl WrapperFrame {
    /// Header and APDU.
    ///
    /// # Errors
    /// The APDU has more than 65535 octets.
    pub fn encode(&self) -> Result<Vec<u8>, TooLong> {
        let length = u16::try_from(self.apdu.len()).map_err(|_| TooLong(self.apdu.len()))?;
        let mut out = Vec::with_capacity(HEADER + self.apdu.len());
        for word in [VERSION, self.source, self.destination, length] {
            out.extend(word.to_be_bytes());
        }
        out.extend(&self.apdu);
        Ok(out)
    }
}

/// Cuts a stream into messages.
///
/// Octets that begin no header (another version, a length of nothing or beyond the limit) are skipped one by one, so
/// that a stray octet does not end the connection.
#[derive(Clone, Debug)]
pub struct WrapperDecoder {
    buffer: Vec<u8>,
    max_apdu: usize,
    skipped: u64,
}

impl WrapperDecoder {
    /// Takes APDUs up to `max_pdu` octets and [`PDU_SLACK`]; zero means no limit but the header's.
    #[must_use]
    pub fn new(max_pdu: u16) -> Self {
        let max_apdu = if max_pdu == 0 { usize::from(u16::MAX) } else { usize::from(max_pdu) + PDU_SLACK };
        Self { buffer: Vec::new(), max_apdu, skipped: 0 }
    }

    /// Takes octets as they come. [`WrapperDecoder::next_frame`] should be called until it has no more.
    pub fn push(&mut self, octets: &[u8]) {
        self.buffer.extend_from_slice(octets);
    }

    /// The next whole message.
    pub fn next_frame(&mut self) -> Option<WrapperFrame> {
        let mut at = 0;
        let frame = loop {
            let rest = self.buffer.get(at..).unwrap_or_default();
            let Some((header, rest)) = rest.split_first_chunk::<HEADER>() else { break None };
            let word = |place: usize| u16::from_be_bytes([header[place], header[place + 1]]);
            let length = usize::from(word(6));
            if word(0) != VERSION || length == 0 || length > self.max_apdu {
                at += 1;
                self.skipped += 1;
                continue;
            }
            let Some(apdu) = rest.get(..length) else { break None };
            let frame = WrapperFrame { source: word(2), destination: word(4), apdu: apdu.to_vec() };
            at += HEADER + length;
            break Some(frame);
        };
        self.buffer.drain(..at);
        frame
    }

    /// Takes one datagram. One that begins with a header begins a message anew, whatever was missing of the one
    /// before; any other goes on with that. What goes on with nothing is skipped.
    pub fn push_datagram(&mut self, octets: &[u8]) {
        let word = |place: usize| {
            let pair = octets.get(place..place + 2)?;
            <[u8; 2]>::try_from(pair).ok().map(u16::from_be_bytes)
        };
        let length = word(6).map_or(0, usize::from);
        let begins = word(0) == Some(VERSION) && length > 0 && length <= self.max_apdu;
        if begins {
            self.skipped += self.buffer.len() as u64;
            self.buffer.clear();
        } else if self.buffer.is_empty() {
            self.skipped += octets.len() as u64;
            return;
        }
        self.push(octets);
    }

    /// Whether a message has begun, with a whole header, and not ended.
    #[must_use]
    pub fn is_mid_message(&self) -> bool {
        self.buffer.len() >= HEADER
    }

    /// Drops what has come of a message.
    pub fn clear(&mut self) {
        self.buffer.clear();
    }

    /// Octets skipped since the last call.
    pub fn take_skipped(&mut self) -> u64 {
        std::mem::take(&mut self.skipped)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frame(apdu: &[u8]) -> WrapperFrame {
        WrapperFrame { source: 16, destination: 1, apdu: apdu.to_vec() }
    }

    #[test]
    fn the_header_has_the_standards_octets() {
        // IEC 62056-47, 7.3.3: version, source, destination, length; here the public client to the management device.
        let octets = frame(&[0x60, 0x01]).encode().unwrap();
        assert_eq!(octets, [0x00, 0x01, 0x00, 0x10, 0x00, 0x01, 0x00, 0x02, 0x60, 0x01]);
    }

    #[test]
    fn an_apdu_that_the_length_cannot_say_is_refused() {
        assert_eq!(frame(&vec![0; 65536]).encode(), Err(TooLong(65536)));
    }

    #[test]
    fn a_length_beyond_the_agreed_size_and_its_slack_is_no_header() {
        let mut decoder = WrapperDecoder::new(100);
        decoder.push(&frame(&[1; 150]).encode().unwrap());
        assert_eq!(decoder.next_frame(), Some(frame(&[1; 150])));
        decoder.push(&frame(&[7; 151]).encode().unwrap());
        assert_eq!(decoder.next_frame(), None);
        assert!(decoder.take_skipped() > 100);
    }

    #[test]
    fn a_datagram_begins_anew_or_goes_on_and_may_hold_several_messages() {
        let whole = frame(&[7; 40]).encode().unwrap();
        let mut decoder = WrapperDecoder::new(0);
        decoder.push_datagram(&whole[..20]);
        decoder.push_datagram(&whole[20..]);
        assert_eq!(decoder.next_frame(), Some(frame(&[7; 40])));
        decoder.push_datagram(&whole[..20]);
        decoder.push_datagram(&[frame(b"a").encode().unwrap(), frame(b"b").encode().unwrap()].concat());
        assert_eq!(decoder.next_frame(), Some(frame(b"a")), "the half that was lost holds nothing up");
        assert_eq!(decoder.next_frame(), Some(frame(b"b")));
        decoder.push_datagram(&[0xFF; 30]);
        assert!(!decoder.is_mid_message());
        assert_eq!(decoder.take_skipped(), 50);
    }

    #[test]
    fn stray_octets_are_skipped() {
        let mut decoder = WrapperDecoder::new(0);
        decoder.push(&[0x00, 0x55, 0xAA]);
        decoder.push(&frame(b"apdu").encode().unwrap());
        assert_eq!(decoder.next_frame(), Some(frame(b"apdu")));
        assert_eq!(decoder.take_skipped(), 3);
    }

    proptest! {
        #[test]
        fn messages_arrive_however_the_stream_is_split(
            apdus in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..50), 1..5), cut in 1usize..20,
        ) {
            let stream: Vec<u8> = apdus.iter().flat_map(|apdu| frame(apdu).encode().unwrap()).collect();
            let mut decoder = WrapperDecoder::new(0);
            let mut got = Vec::new();
            for piece in stream.chunks(cut) {
                decoder.push(piece);
                got.extend(std::iter::from_fn(|| decoder.next_frame()).map(|frame| frame.apdu));
            }
            prop_assert_eq!(got, apdus);
            prop_assert!(!decoder.is_mid_message());
        }

        #[test]
        fn no_octets_make_the_decoder_panic(octets: Vec<u8>) {
            let mut decoder = WrapperDecoder::new(64);
            decoder.push(&octets);
            while decoder.next_frame().is_some() {}
            decoder.push_datagram(&octets);
            while decoder.next_frame().is_some() {}
        }
    }
}
