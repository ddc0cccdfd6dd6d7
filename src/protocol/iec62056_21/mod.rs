//! IEC 62056-21: the sign-on of an optical probe, up to the hand-over to HDLC in mode E
//! (`facts/iec62056-21.md`, sections 3 and 10).
//!
//! ```text
//! request          /  ?  [device address]  !  CR LF
//! identification   /  X X X  Z  [ \ W ]…  text  CR LF
//! option select    ACK  2  Z  2  CR LF        and the same from the meter, at the new speed
//!                  ACK  0  Z  1  CR LF        programming mode, which `elster_flag` goes on with
//! ```

const ACK: u8 = 0x06;
const LINE_END: &[u8; 2] = b"\r\n";
/// A longer line is no identification: 16 characters and what stands before them.
const LONGEST_LINE: usize = 64;

/// The request message; without a device address every meter on the probe answers.
#[must_use]
pub fn request(device_address: &str) -> Vec<u8> {
    [b"/?", device_address.as_bytes(), b"!", LINE_END].concat()
}

/// What a meter says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identification {
    /// Three letters registered with the FLAG association.
    pub maker: String,
    /// The character that offers a mode and a speed.
    pub offer: char,
    /// Whether `\2` offers HDLC: mode E.
    pub hdlc: bool,
    /// The rest, without the `\W` pairs.
    pub text: String,
}

impl Identification {
    /// Finds a whole identification in what has been received. What stands before it is skipped: echo, NULs,
    /// noise. A parity bit that is still in bit 7 does not count.
    #[must_use]
    pub fn find(octets: &[u8]) -> Option<Self> {
        let low: Vec<u8> = octets.iter().map(|octet| octet & 0x7F).collect();
        low.split_inclusive(|octet| *octet == b'\n')
            .filter_map(|line| line.strip_suffix(b"\n"))
            .find_map(Self::read)
    }

    fn read(line: &[u8]) -> Option<Self> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let start = line.iter().rposition(|octet| *octet == b'/')?;
        let line = line.get(start + 1..).filter(|line| line.len() <= LONGEST_LINE)?;
        let (maker, rest) = line.split_first_chunk::<3>()?;
        let (offer, rest) = rest.split_first()?;
        if !maker.iter().all(u8::is_ascii_alphabetic) || !offer.is_ascii_graphic() {
            return None;
        }
        let mut found = Self {
            maker: String::from_utf8_lossy(maker).into_owned(),
            offer: char::from(*offer),
            hdlc: false,
            text: String::new(),
        };
        let mut rest = rest.iter();
        while let Some(octet) = rest.next() {
            match *octet {
                b'\\' => found.hdlc |= rest.next() == Some(&b'2'),
                octet if octet.is_ascii_graphic() || octet == b' ' => found.text.push(char::from(octet)),
                _ => {}
            }
        }
        Some(found)
    }

    /// The speed that is offered in modes C and E, in baud.
    #[must_use]
    pub const fn speed(&self) -> Option<u32> {
        match self.offer {
            '0' => Some(300),
            '1' => Some(600),
            '2' => Some(1200),
            '3' => Some(2400),
            '4' => Some(4800),
            '5' => Some(9600),
            '6' => Some(19_200),
            _ => None,
        }
    }

    /// The least time between a message of one side and that of the other, in milliseconds: shorter where the
    /// maker's third letter is small.
    #[must_use]
    pub fn reaction_ms(&self) -> u32 {
        if self.maker.ends_with(|letter: char| letter.is_ascii_lowercase()) { 20 } else { 200 }
    }
}

impl std::fmt::Display for Identification {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let pair = if self.hdlc { "\\2" } else { "" };
        write!(out, "/{}{}{pair}{}", self.maker, self.offer, self.text)
    }
}

/// The option select that asks for HDLC at the offered speed.
#[must_use]
pub fn select_hdlc(offer: char) -> [u8; 6] {
    let [carriage_return, line_feed] = *LINE_END;
    [ACK, b'2', u8::try_from(offer).unwrap_or(b'0'), b'2', carriage_return, line_feed]
}

/// The option select of the normal procedure: `0` reads out, `1` is programming mode, `6` to `9` are the maker's own.
#[must_use]
pub fn select_mode(offer: char, mode: char) -> [u8; 6] {
    let [carriage_return, line_feed] = *LINE_END;
    let digit = |letter| u8::try_from(letter).unwrap_or(b'0');
    [ACK, b'0', digit(offer), digit(mode), carriage_return, line_feed]
}

/// What a meter answers to an option select.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confirmation {
    /// HDLC it is.
    Hdlc,
    /// Something else: mode C.
    Other,
}

impl Confirmation {
    /// Finds a whole confirmation in what has been received. The meter sends it in 7E1; a receiver in 8N1 may be
    /// used, since the parity bit does not count here.
    #[must_use]
    pub fn find(octets: &[u8]) -> Option<Self> {
        let low: Vec<u8> = octets.iter().map(|octet| octet & 0x7F).collect();
        let found =
            low.windows(6).find(|window| window.first() == Some(&ACK) && window.ends_with(LINE_END))?;
        match found {
            [_, b'2', _, b'2', ..] => Some(Self::Hdlc),
            _ => Some(Self::Other),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_mode_e_meter_is_recognised_behind_echo_and_noise() {
        // The identification of facts/dlms-quirks.md, 94.
        let found = Identification::find(b"\x00\xFF/?!\r\n/APA5\\2NORAX\r\n").unwrap();
        assert_eq!(found.to_string(), "/APA5\\2NORAX");
        assert_eq!((found.hdlc, found.speed(), found.reaction_ms()), (true, Some(9600), 200));
    }

    #[test]
    fn a_mode_c_meter_offers_no_hdlc() {
        let found = Identification::find(b"/ISk5MT174-0001\r\n").unwrap();
        assert!(!found.hdlc);
        assert_eq!(found.reaction_ms(), 20);
    }

    #[test]
    fn an_identification_that_has_not_come_whole_is_waited_for() {
        assert_eq!(Identification::find(b"/ABC5\\2ME"), None);
        assert_eq!(Identification::find(b"/?!\r\n"), None);
    }

    #[test]
    fn other_modes_have_no_speed_of_their_own_here() {
        assert_eq!(Identification::find(b"/KAMA x\r\n").unwrap().speed(), None);
    }

    #[test]
    fn parity_bits_do_not_count() {
        // 7E1 seen by a receiver in 8N1: facts/iec62056-21.md, section 1.
        let line: Vec<u8> = b"/LGZ5\\2ZMD\r\n".iter().map(|octet| octet | 0x80).collect();
        assert!(Identification::find(&line).unwrap().hdlc);
        assert_eq!(Confirmation::find(&[0x06, 0xB2, 0x35, 0xB2, 0x8D, 0x0A]), Some(Confirmation::Hdlc));
    }

    #[test]
    fn the_option_select_repeats_the_offered_speed_and_its_confirmation_looks_the_same() {
        assert_eq!(&select_hdlc('5'), b"\x06252\r\n");
        assert_eq!(Confirmation::find(b"\x06252\r\n"), Some(Confirmation::Hdlc));
        assert_eq!(Confirmation::find(b"\x06050\r\n"), Some(Confirmation::Other));
        assert_eq!(Confirmation::find(b"\x0625"), None);
        assert_eq!(request(""), b"/?!\r\n");
        assert_eq!(request("0012"), b"/?0012!\r\n");
        assert_eq!(&select_mode('5', '1'), b"\x06051\r\n");
    }

    proptest! {
        #[test]
        fn no_octets_make_the_readers_panic(octets: Vec<u8>) {
            let _ = (Identification::find(&octets), Confirmation::find(&octets));
        }

        #[test]
        fn no_line_makes_the_reader_panic(line in "/[A-Za-z]{3}.{0,30}\r\n") {
            let _ = Identification::find(line.as_bytes());
        }
    }
}
