//! Frames of format type 3 (IEC 62056-46, 6.4.1): flags, format, addresses, control, HCS, information, FCS.

use super::address::HdlcAddress;
use super::fcs::{check_sequence, is_intact};

/// The octet before and after every frame.
pub const FLAG: u8 = 0x7E;
/// The largest information field that the format leaves room for.
pub const MAX_INFO: usize = 2030;

/// The largest value of the eleven length bits.
const MAX_LENGTH: usize = 0x7FF;
const SEGMENTED: u8 = 0x08;

/// What a frame is for (6.4.3). `poll` is the P bit of a command and the F bit of a response: it hands the turn to
/// the other side. Sequence numbers count modulo 8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Control {
    /// Information: number `send`, and everything before `receive` has arrived.
    I {
        /// N(S).
        send: u8,
        /// N(R).
        receive: u8,
        /// P or F.
        poll: bool,
    },
    /// Receive ready.
    Rr {
        /// N(R).
        receive: u8,
        /// P or F.
        poll: bool,
    },
    /// Receive not ready: wait.
    Rnr {
        /// N(R).
        receive: u8,
        /// P or F.
        poll: bool,
    },
    /// Reject: send again from `receive` on.
    Rej {
        /// N(R).
        receive: u8,
        /// P or F.
        poll: bool,
    },
    /// Set normal response mode: connects.
    Snrm {
        /// P.
        poll: bool,
    },
    /// Disconnect.
    Disc {
        /// P.
        poll: bool,
    },
    /// Unnumbered acknowledgement of SNRM or DISC.
    Ua {
        /// F.
        poll: bool,
    },
    /// Disconnected mode.
    Dm {
        /// F.
        poll: bool,
    },
    /// Frame reject: the link must be set up again.
    Frmr {
        /// F.
        poll: bool,
    },
    /// Unnumbered information: notifications.
    Ui {
        /// P or F.
        poll: bool,
    },
    /// Anything else.
    Unknown(u8),
}

impl Control {
    /// From the control octet.
    #[must_use]
    pub const fn from_octet(octet: u8) -> Self {
        let poll = octet & 0x10 != 0;
        let receive = octet >> 5;
        if octet & 1 == 0 {
            return Self::I { send: octet >> 1 & 7, receive, poll };
        }
        match octet & 0x0F {
            0x01 => return Self::Rr { receive, poll },
            0x05 => return Self::Rnr { receive, poll },
            0x09 => return Self::Rej { receive, poll },
            _ => {}
        }
        match octet & 0xEF {
            0x83 => Self::Snrm { poll },
            0x43 => Self::Disc { poll },
            0x63 => Self::Ua { poll },
            0x0F => Self::Dm { poll },
            0x87 => Self::Frmr { poll },
            0x03 => Self::Ui { poll },
            _ => Self::Unknown(octet),
        }
    }

    /// The control octet.
    #[must_use]
    pub const fn octet(self) -> u8 {
        let (base, poll) = match self {
            Self::I { send, receive, poll } => (receive << 5 | (send & 7) << 1, poll),
            Self::Rr { receive, poll } => (receive << 5 | 0x01, poll),
            Self::Rnr { receive, poll } => (receive << 5 | 0x05, poll),
            Self::Rej { receive, poll } => (receive << 5 | 0x09, poll),
            Self::Snrm { poll } => (0x83, poll),
            Self::Disc { poll } => (0x43, poll),
            Self::Ua { poll } => (0x63, poll),
            Self::Dm { poll } => (0x0F, poll),
            Self::Frmr { poll } => (0x87, poll),
            Self::Ui { poll } => (0x03, poll),
            Self::Unknown(octet) => (octet, false),
        };
        base | (poll as u8) << 4
    }

    /// The P or F bit.
    #[must_use]
    pub const fn poll(self) -> bool {
        self.octet() & 0x10 != 0
    }

    /// The frame's short name in the standard.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::I { .. } => "I",
            Self::Rr { .. } => "RR",
            Self::Rnr { .. } => "RNR",
            Self::Rej { .. } => "REJ",
            Self::Snrm { .. } => "SNRM",
            Self::Disc { .. } => "DISC",
            Self::Ua { .. } => "UA",
            Self::Dm { .. } => "DM",
            Self::Frmr { .. } => "FRMR",
            Self::Ui { .. } => "UI",
            Self::Unknown(_) => "unknown",
        }
    }
}

/// One frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The segmentation bit: the message goes on in the next frame.
    pub segmented: bool,
    /// To whom.
    pub destination: HdlcAddress,
    /// From whom.
    pub source: HdlcAddress,
    /// What for.
    pub control: Control,
    /// The information field; what exceeds [`MAX_INFO`] is not sent.
    pub info: Vec<u8>,
}

/// Why octets are no frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The octets end before the frame does.
    #[error("the frame is cut short")]
    Incomplete,
    /// No format field of type 3, or a length that no frame has.
    #[error("no frame format of IEC 62056-46")]
    Format,
    /// An address of three octets, or one without an end.
    #[error("an address without an end")]
    Address,
    /// The header's check sequence is wrong.
    #[error("the header's check sequence is wrong")]
    HeaderCheck,
    /// The frame's check sequence is wrong.
    #[error("the frame's check sequence is wrong")]
    FrameCheck,
}

/// A frame's header as it stands on the wire, once it is known to be intact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The segmentation bit.
    pub segmented: bool,
    /// The frame's length between its flags.
    pub length: usize,
    /// To whom.
    pub destination: HdlcAddress,
    /// From whom.
    pub source: HdlcAddress,
    /// What for.
    pub control: Control,
    /// Where the information field begins, counted from the format field.
    pub info_at: usize,
}

impl Header {
    /// Reads the header behind an opening flag. Both check sequences run over the octets as received
    /// (`facts/dlms-quirks.md`, 2).
    ///
    /// # Errors
    /// The octets are no header, or it has not come whole yet.
    pub fn read(octets: &[u8]) -> Result<Self, FrameError> {
        let first = *octets.first().ok_or(FrameError::Incomplete)?;
        if first & 0xF0 != 0xA0 {
            return Err(FrameError::Format);
        }
        let second = *octets.get(1).ok_or(FrameError::Incomplete)?;
        let length = usize::from(first & 7) << 8 | usize::from(second);
        let mut at = 2;
        let mut address = || {
            let rest = octets.get(at..).unwrap_or_default();
            let (address, took) =
                HdlcAddress::read(rest).map_err(|_| FrameError::Address)?.ok_or(FrameError::Incomplete)?;
            at += took;
            Ok(address)
        };
        let (destination, source) = (address()?, address()?);
        // Behind the control octet stand the FCS alone, or HCS, information and FCS.
        let info_at = match length.checked_sub(at + 1) {
            Some(2) => at + 1,
            Some(4..) => at + 3,
            _ => return Err(FrameError::Format),
        };
        let control = *octets.get(at).ok_or(FrameError::Incomplete)?;
        let checked = octets.get(..at + 3).ok_or(FrameError::Incomplete)?;
        if !is_intact(checked) {
            return Err(FrameError::HeaderCheck);
        }
        Ok(Self {
            segmented: first & SEGMENTED != 0,
            length,
            destination,
            source,
            control: Control::from_octet(control),
            info_at,
        })
    }
}

impl Frame {
    /// The frame with both flags.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let info = self.info.get(..MAX_INFO).unwrap_or(&self.info);
        let mut out = Vec::with_capacity(info.len() + 18);
        out.extend([FLAG, 0, 0]);
        self.destination.write(&mut out);
        self.source.write(&mut out);
        out.push(self.control.octet());
        let length = out.len() - 1 + if info.is_empty() { 2 } else { info.len() + 4 };
        // Two addresses of four octets and MAX_INFO make 2045, so the mask never bites.
        let length = length.min(MAX_LENGTH) as u16 | 0xA000 | if self.segmented { 0x0800 } else { 0 };
        out[1..3].copy_from_slice(&length.to_be_bytes());
        let close = |out: &mut Vec<u8>| {
            let check = check_sequence(&out[1..]);
            out.extend(check.to_le_bytes());
        };
        close(&mut out);
        if !info.is_empty() {
            out.extend(info);
            close(&mut out);
        }
        out.push(FLAG);
        out
    }

    /// Reads a frame from the octets between its flags.
    ///
    /// # Errors
    /// They are no intact frame; octets may not follow it.
    pub fn decode(octets: &[u8]) -> Result<Self, FrameError> {
        let header = Header::read(octets)?;
        if octets.len() > header.length {
            return Err(FrameError::Format);
        }
        Self::behind(header, octets)
    }

    /// The frame of a header whose octets these are; octets behind its end are left alone.
    pub(super) fn behind(header: Header, octets: &[u8]) -> Result<Self, FrameError> {
        let whole = octets.get(..header.length).ok_or(FrameError::Incomplete)?;
        if !is_intact(whole) {
            return Err(FrameError::FrameCheck);
        }
        let info = whole.get(header.info_at..header.length - 2).unwrap_or_default().to_vec();
        Ok(Self {
            segmented: header.segmented,
            destination: header.destination,
            source: header.source,
            control: header.control,
            info,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::{AddressBytes, ServerAddress};

    fn between_flags(hex: &str) -> Vec<u8> {
        let octets = bytes(hex);
        octets[1..octets.len() - 1].to_vec()
    }

    fn bytes(hex: &str) -> Vec<u8> {
        hex.split_whitespace().map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
    }

    fn server(text: &str) -> HdlcAddress {
        HdlcAddress::server(&text.parse().unwrap()).unwrap()
    }

    #[test]
    fn the_snrm_of_client_16_to_server_1_has_the_published_octets() {
        let frame = Frame {
            segmented: false,
            destination: server("1"),
            source: HdlcAddress::client(16).unwrap(),
            control: Control::Snrm { poll: true },
            info: Vec::new(),
        };
        // The example of the Green Book's HDLC chapter, seen in every public trace.
        assert_eq!(frame.encode(), bytes("7E A0 07 03 21 93 0F 01 7E"));
        assert_eq!(Frame::decode(&between_flags("7E A0 07 03 21 93 0F 01 7E")), Ok(frame));
    }

    #[test]
    fn a_published_ua_with_parameters_is_read() {
        // Public trace of a meter at server 1, client 16 with the default parameters.
        let hex =
            "7E A0 1E 21 03 73 C3 7A 81 80 12 05 01 80 06 01 80 07 04 00 00 00 01 08 04 00 00 00 01 53 3B 7E";
        let frame = Frame::decode(&between_flags(hex)).unwrap();
        assert_eq!(frame.control, Control::Ua { poll: true });
        assert!(frame.destination.is_client(16));
        assert_eq!(frame.info.len(), 0x12 + 3);
        assert_eq!(frame.encode(), bytes(hex));
    }

    #[test]
    fn lengths_above_255_use_all_eleven_bits() {
        let frame = Frame {
            segmented: true,
            destination: server("1/2836"),
            source: HdlcAddress::client(1).unwrap(),
            control: Control::I { send: 3, receive: 5, poll: false },
            info: vec![0x7E; MAX_INFO],
        };
        let octets = frame.encode();
        assert_eq!(octets[1..3], [0xAF, 0xFA]);
        assert_eq!(Frame::decode(&octets[1..octets.len() - 1]), Ok(frame));
    }

    #[test]
    fn addresses_of_different_lengths_stand_in_one_frame() {
        let frame = Frame {
            segmented: false,
            destination: HdlcAddress::client(103).unwrap(),
            source: server("1/17"),
            control: Control::Ui { poll: true },
            info: b"\xE6\xE7\x00\x0F".to_vec(),
        };
        let octets = frame.encode();
        assert_eq!(octets[3..6], [0xCF, 0x02, 0x23]);
        assert_eq!(Frame::decode(&octets[1..octets.len() - 1]), Ok(frame));
    }

    #[test]
    fn damage_is_told_apart() {
        let good = between_flags(
            "7E A0 1E 21 03 73 C3 7A 81 80 12 05 01 80 06 01 80 07 04 00 00 00 01 08 04 00 00 00 01 53 3B 7E",
        );
        let with = |at: usize, octet: u8| {
            let mut bad = good.clone();
            bad[at] = octet;
            Frame::decode(&bad).unwrap_err()
        };
        assert_eq!(with(0, 0x20), FrameError::Format);
        assert_eq!(with(4, 0x72), FrameError::HeaderCheck);
        assert_eq!(with(12, 0), FrameError::FrameCheck);
        assert_eq!(Frame::decode(&good[..20]).unwrap_err(), FrameError::Incomplete);
    }

    #[test]
    fn every_control_octet_survives_the_way_there_and_back() {
        for octet in 0..=255 {
            assert_eq!(Control::from_octet(octet).octet(), octet);
        }
    }

    proptest! {
        #[test]
        fn every_frame_survives_the_way_to_octets_and_back(
            segmented: bool, control: u8, client in 0u16..0x80, logical in 0u16..0x80, physical in 0u16..0x80,
            wide: bool, info in proptest::collection::vec(any::<u8>(), 0..600),
        ) {
            let bytes = wide.then_some(AddressBytes::Four);
            let server = ServerAddress { logical, physical: Some(physical), bytes };
            let frame = Frame {
                segmented,
                destination: HdlcAddress::server(&server).unwrap(),
                source: HdlcAddress::client(client).unwrap(),
                control: Control::from_octet(control),
                info,
            };
            let octets = frame.encode();
            prop_assert_eq!(Frame::decode(&octets[1..octets.len() - 1]), Ok(frame));
        }

        #[test]
        fn no_octets_make_the_decoder_panic(octets: Vec<u8>) {
            let _ = Frame::decode(&octets);
        }
    }
}
