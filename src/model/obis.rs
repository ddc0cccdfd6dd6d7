//! OBIS codes (IEC 62056-61): six numbers A-B:C.D.E*F that name a quantity.

use std::fmt;
use std::str::FromStr;

/// The logical name of a COSEM object: groups A to F in this order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Obis(pub [u8; 6]);

/// Why a text is not an OBIS code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not an OBIS code: {reason}; write it as 1-0:1.8.0*255, 1.8.0, 1.0.1.8.0.255 or 12 hex digits"
)]
pub struct ObisError {
    /// What was given.
    pub text: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl Obis {
    /// Builds a code from its six groups.
    #[must_use]
    pub const fn new(a: u8, b: u8, c: u8, d: u8, e: u8, f: u8) -> Self {
        Self([a, b, c, d, e, f])
    }

    /// Medium (0 abstract, 1 electricity, …).
    #[must_use]
    pub const fn a(self) -> u8 {
        self.0[0]
    }

    /// Channel.
    #[must_use]
    pub const fn b(self) -> u8 {
        self.0[1]
    }

    /// Physical quantity.
    #[must_use]
    pub const fn c(self) -> u8 {
        self.0[2]
    }

    /// Processing (8 time integral, 6 maximum, 7 instantaneous, 29 interval energy, …).
    #[must_use]
    pub const fn d(self) -> u8 {
        self.0[3]
    }

    /// Rate (0 total, 1 to 63 rates).
    #[must_use]
    pub const fn e(self) -> u8 {
        self.0[4]
    }

    /// Billing period (255 current).
    #[must_use]
    pub const fn f(self) -> u8 {
        self.0[5]
    }

    /// The short spelling used in lists: `1-0:1.8.0`, with `*F` only when F is not 255.
    #[must_use]
    pub fn short(self) -> String {
        let [a, b, c, d, e, f] = self.0;
        if f == 255 { format!("{a}-{b}:{c}.{d}.{e}") } else { self.to_string() }
    }
}

impl fmt::Display for Obis {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, f] = self.0;
        write!(out, "{a}-{b}:{c}.{d}.{e}*{f}")
    }
}

impl fmt::Debug for Obis {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

/// Letters that the reduced spelling allows for group C (IEC 62056-61, table of reduced IDs).
fn group(text: &str) -> Result<u8, &'static str> {
    match text {
        "C" | "c" => Ok(96),
        "F" | "f" => Ok(97),
        "L" | "l" => Ok(98),
        "P" | "p" => Ok(99),
        _ if !text.is_empty() && text.len() <= 3 && text.bytes().all(|b| b.is_ascii_digit()) => {
            text.parse::<u16>().ok().and_then(|n| u8::try_from(n).ok()).ok_or("a group is above 255")
        }
        "" => Err("a group is empty"),
        _ => Err("a group is not a number from 0 to 255"),
    }
}

/// The spelling that this program writes: what it keeps holds thousands of them.
fn canonical(text: &[u8]) -> Option<Obis> {
    let mut left = text;
    let mut groups = [0; 6];
    for (group, separator) in groups.iter_mut().zip(*b"-:..* ") {
        let digits = left.iter().take(3).take_while(|octet| octet.is_ascii_digit()).count();
        let (number, rest) = left.split_at_checked(digits).filter(|(number, _)| !number.is_empty())?;
        let value = number.iter().fold(0u16, |value, digit| value * 10 + u16::from(digit - b'0'));
        *group = u8::try_from(value).ok()?;
        left = match rest.split_first() {
            Some((found, rest)) if *found == separator => rest,
            None if separator == b' ' => rest,
            _ => return None,
        };
    }
    left.is_empty().then_some(Obis(groups))
}

fn parse(text: &str) -> Result<Obis, &'static str> {
    let text = text.trim();
    canonical(text.as_bytes()).map_or_else(|| as_typed(text), Ok)
}

/// Any spelling.
fn as_typed(text: &str) -> Result<Obis, &'static str> {
    if text.is_empty() {
        return Err("it is empty");
    }
    if text.len() == 12 && text.bytes().all(|b| b.is_ascii_hexdigit()) {
        let mut groups = [0; 6];
        for (slot, pair) in groups.iter_mut().zip(text.as_bytes().chunks(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| "it is not hexadecimal")?;
            *slot = u8::from_str_radix(pair, 16).map_err(|_| "it is not hexadecimal")?;
        }
        return Ok(Obis(groups));
    }
    let dotted: Vec<&str> = text.split('.').collect();
    if dotted.len() == 6 {
        let mut groups = [0; 6];
        for (slot, part) in groups.iter_mut().zip(&dotted) {
            *slot = group(part)?;
        }
        return Ok(Obis(groups));
    }
    // [A-][B:]C.D[.E][*F or &F]; A and B default to electricity, channel 0.
    let (front, f) = match text.split_once(['*', '&']) {
        Some((front, f)) => (front, group(f)?),
        None => (text, 255),
    };
    let (prefix, rest) = match front.split_once(':') {
        Some((prefix, rest)) => (Some(prefix), rest),
        None => match front.split_once('-') {
            Some(_) => return Err("after A-B a colon is missing"),
            None => (None, front),
        },
    };
    let (a, b) = match prefix {
        None => (1, 0),
        Some(prefix) => match prefix.split_once('-') {
            Some((a, b)) => (group(a)?, group(b)?),
            None => (1, group(prefix)?),
        },
    };
    let parts: Vec<&str> = rest.split('.').collect();
    match parts[..] {
        [c, d] => Ok(Obis([a, b, group(c)?, group(d)?, 255, f])),
        [c, d, e] => Ok(Obis([a, b, group(c)?, group(d)?, group(e)?, f])),
        _ => Err("C.D.E is not complete"),
    }
}

impl FromStr for Obis {
    type Err = ObisError;

    fn from_str(text: &str) -> Result<Self, ObisError> {
        parse(text).map_err(|reason| ObisError { text: text.to_owned(), reason })
    }
}

super::text::serde_as_text!(Obis);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_spelling_that_engineers_type_gives_the_same_code() {
        let total = Obis::new(1, 0, 1, 8, 0, 255);
        for text in [
            "1-0:1.8.0*255",
            "1-0:1.8.0",
            "1.8.0",
            "1.8.0*255",
            "1.0.1.8.0.255",
            "0100010800FF",
            "0100010800ff",
            " 1.8.0 ",
            "0:1.8.0",
            "1-0:1.8.0&255",
        ] {
            assert_eq!(text.parse::<Obis>().unwrap(), total, "{text}");
        }
    }

    #[test]
    fn a_billing_index_with_a_leading_zero_is_a_number() {
        assert_eq!("1.8.0*01".parse::<Obis>().unwrap(), Obis::new(1, 0, 1, 8, 0, 1));
    }

    #[test]
    fn reduced_letters_stand_for_their_group_c_values() {
        assert_eq!("0-0:C.1.0".parse::<Obis>().unwrap(), Obis::new(0, 0, 96, 1, 0, 255));
        assert_eq!("F.F".parse::<Obis>().unwrap(), Obis::new(1, 0, 97, 97, 255, 255));
    }

    #[test]
    fn a_bad_code_says_what_is_wrong_and_what_to_write() {
        for text in ["", "1-0", "1-0.1.8.0", "1.256.0", "x.y.z", "1.8.0.0", "1..0", "1-0:1.8.0*"] {
            let error = text.parse::<Obis>().unwrap_err().to_string();
            assert!(error.contains("1-0:1.8.0*255"), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(groups: [u8; 6]) {
            let code = Obis(groups);
            prop_assert_eq!(code.to_string().parse::<Obis>().unwrap(), code);
            prop_assert_eq!(code.short().parse::<Obis>().unwrap(), code);
        }

        #[test]
        fn the_short_way_to_read_a_code_gives_what_the_long_one_gives(
            text in "[0-9]{0,4}[-.:]?[0-9]{1,3}[:.-][0-9]{0,4}[.:][0-9]{1,3}[.][0-9]{1,3}[*&.]?[0-9]{0,4}",
        ) {
            if let Some(code) = canonical(text.as_bytes()) {
                prop_assert_eq!(as_typed(&text), Ok(code));
            }
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in ".{0,40}") {
            let _ = text.parse::<Obis>();
        }
    }
}
