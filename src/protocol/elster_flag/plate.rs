//! What the sign-on tells of a meter (section 1.1).

use std::fmt;

use crate::protocol::iec62056_21::Identification;

/// The maker's letters of all these meters, kept from the days of GEC.
const MAKER: &str = "GEC";

/// What stands in an identification: `/GEC5` `09` `010` `010` `04` `00@000`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plate {
    /// Product range, three digits: 010 A1700, 051 A1140, 050 A1120, 001 PPM.
    pub range: String,
    /// Device number, three digits: which firmware variant, which decides the layout of tables.
    pub device: String,
    /// Issue, two digits.
    pub issue: String,
}

impl Plate {
    /// Reads an identification; nothing where it is another maker's, or not built so.
    #[must_use]
    pub fn of(identification: &Identification) -> Option<Self> {
        if !identification.maker.eq_ignore_ascii_case(MAKER) {
            return None;
        }
        let digits: String = identification.text.chars().take_while(char::is_ascii_digit).collect();
        let part = |range: std::ops::Range<usize>| digits.get(range).map(str::to_owned);
        Some(Self { range: part(2..5)?, device: part(5..8)?, issue: part(8..10)? })
    }

    /// The model of a product range, as far as ranges have been published (section 1.1).
    #[must_use]
    pub fn model(&self) -> Option<&'static str> {
        match self.range.as_str() {
            "001" => Some("PPM"),
            "010" => Some("A1700"),
            "050" => Some("A1120"),
            "051" => Some("A1140"),
            _ => None,
        }
    }
}

impl fmt::Display for Plate {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "product range {}, device {}, issue {}", self.range, self.device, self.issue)
    }
}
