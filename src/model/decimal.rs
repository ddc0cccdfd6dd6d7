//! Exact decimal numbers: what a meter counted, never rounded.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// `mantissa × 10^exponent`, exactly.
///
/// The exponent is the COSEM scaler (IEC 62056-62, `scal_unit_type`), so that a register's digits are
/// shown as the meter shows them: a raw 12345 with scaler −1 is `1234.5`, a raw 10 with scaler −1 is `1.0`.
/// Equality and order compare numbers: `1.0` equals `1`.
#[derive(Clone, Copy)]
pub struct Decimal {
    mantissa: i128,
    exponent: i8,
}

/// Why a text is not a decimal number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a decimal number: write digits with a point, such as 1234.5")]
pub struct DecimalError(pub String);

const fn power_of_ten(exponent: u32) -> Option<i128> {
    10i128.checked_pow(exponent)
}

impl Decimal {
    /// Nought.
    pub const ZERO: Self = Self { mantissa: 0, exponent: 0 };

    /// `mantissa × 10^exponent`.
    #[must_use]
    pub const fn new(mantissa: i128, exponent: i8) -> Self {
        Self { mantissa, exponent }
    }

    /// The digits as an integer.
    #[must_use]
    pub const fn mantissa(self) -> i128 {
        self.mantissa
    }

    /// The power of ten.
    #[must_use]
    pub const fn exponent(self) -> i8 {
        self.exponent
    }

    /// The same number with another exponent, if it can be written so without losing a digit.
    #[must_use]
    pub fn with_exponent(self, exponent: i8) -> Option<Self> {
        let step = i32::from(self.exponent) - i32::from(exponent);
        let factor = power_of_ten(step.unsigned_abs()).or_else(|| (self.mantissa == 0).then_some(1))?;
        let mantissa = if step >= 0 {
            self.mantissa.checked_mul(factor)?
        } else if self.mantissa % factor == 0 {
            self.mantissa / factor
        } else {
            return None;
        };
        Some(Self { mantissa, exponent })
    }

    /// The same number without trailing noughts in the mantissa.
    #[must_use]
    pub fn normalized(self) -> Self {
        let Self { mut mantissa, mut exponent } = self;
        if mantissa == 0 {
            return Self::ZERO;
        }
        while mantissa % 10 == 0 && exponent < i8::MAX {
            mantissa /= 10;
            exponent += 1;
        }
        Self { mantissa, exponent }
    }

    /// Multiplies by a power of ten; nothing where the exponent leaves its range.
    #[must_use]
    pub fn scaled(self, power: i8) -> Option<Self> {
        Some(Self { mantissa: self.mantissa, exponent: self.exponent.checked_add(power)? })
    }

    /// The exact sum; nothing where it leaves 38 digits.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        let exponent = self.exponent.min(other.exponent);
        let (left, right) = (self.with_exponent(exponent)?, other.with_exponent(exponent)?);
        Some(Self { mantissa: left.mantissa.checked_add(right.mantissa)?, exponent })
    }

    /// The exact difference; nothing where it leaves 38 digits.
    #[must_use]
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.checked_add(Self { mantissa: other.mantissa.checked_neg()?, exponent: other.exponent })
    }

    /// The exact product; nothing where it leaves 38 digits.
    #[must_use]
    pub fn checked_mul(self, other: Self) -> Option<Self> {
        Some(Self {
            mantissa: self.mantissa.checked_mul(other.mantissa)?,
            exponent: self.exponent.checked_add(other.exponent)?,
        })
    }

    /// Whether it is below nought.
    #[must_use]
    pub const fn is_negative(self) -> bool {
        self.mantissa < 0
    }

    /// For drawing only: never between a meter and a bill.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "pixels, not money")]
    pub fn to_f64_for_drawing(self) -> f64 {
        self.mantissa as f64 * 10f64.powi(i32::from(self.exponent))
    }

    /// The shortest decimal that reads back as the same `f64`: how float registers are kept.
    /// Nothing for infinities and not-a-number.
    #[must_use]
    pub fn from_f64(value: f64) -> Option<Self> {
        value.is_finite().then(|| format!("{value:e}")).and_then(|text| text.parse().ok())
    }

    /// As [`Decimal::from_f64`] for single precision.
    #[must_use]
    pub fn from_f32(value: f32) -> Option<Self> {
        value.is_finite().then(|| format!("{value:e}")).and_then(|text| text.parse().ok())
    }
}

impl From<i64> for Decimal {
    fn from(value: i64) -> Self {
        Self::new(i128::from(value), 0)
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.mantissa.unsigned_abs().to_string();
        let body = if self.exponent >= 0 {
            let zeros = if self.mantissa == 0 { 0 } else { usize::from(self.exponent.unsigned_abs()) };
            format!("{digits}{}", "0".repeat(zeros))
        } else {
            let places = usize::from(self.exponent.unsigned_abs());
            let padded = format!("{digits:0>width$}", width = places + 1);
            let (whole, fraction) = padded.split_at(padded.len() - places);
            format!("{whole}.{fraction}")
        };
        out.pad_integral(self.mantissa >= 0, "", &body)
    }
}

impl fmt::Debug for Decimal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

/// Digits as an integer; nothing where there are too many.
fn whole_number(digits: &str) -> Option<i128> {
    digits.bytes().try_fold(0i128, |number, digit| {
        number.checked_mul(10)?.checked_add(i128::from(digit.checked_sub(b'0')?))
    })
}

impl FromStr for Decimal {
    type Err = DecimalError;

    fn from_str(text: &str) -> Result<Self, DecimalError> {
        let fail = || DecimalError(text.chars().take(60).collect());
        let trimmed = text.trim();
        let (number, power) = match trimmed.split_once(['e', 'E']) {
            Some((number, power)) => (number, power.parse::<i32>().map_err(|_| fail())?),
            None => (trimmed, 0),
        };
        let (negative, digits) = match number.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, number.strip_prefix('+').unwrap_or(number)),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        if (whole.is_empty() && fraction.is_empty())
            || !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit())
        {
            return Err(fail());
        }
        let places = i32::try_from(fraction.len()).map_err(|_| fail())?;
        let power = power.checked_sub(places).ok_or_else(fail)?;
        let digits = [whole, fraction].concat();
        // Noughts behind more digits than are kept are a power of ten: what is written is read.
        let kept = digits.trim_end_matches('0');
        let noughts = i32::try_from(digits.len() - kept.len()).map_err(|_| fail())?;
        let (mantissa, power) = match whole_number(&digits) {
            Some(mantissa) => (mantissa, Some(power)),
            None => (whole_number(kept).ok_or_else(fail)?, power.checked_add(noughts)),
        };
        let exponent = power.and_then(|power| i8::try_from(power).ok()).ok_or_else(fail)?;
        Ok(Self { mantissa: if negative { -mantissa } else { mantissa }, exponent })
    }
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Decimal {}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        let (left, right) = (self.normalized(), other.normalized());
        match left.mantissa.signum().cmp(&right.mantissa.signum()) {
            Ordering::Equal => {}
            unequal => return unequal,
        }
        let exponent = left.exponent.min(right.exponent);
        match (left.with_exponent(exponent), right.with_exponent(exponent)) {
            (Some(left), Some(right)) => left.mantissa.cmp(&right.mantissa),
            // The one that cannot be widened to the smaller exponent is the larger in size.
            (None, _) => {
                if left.is_negative() {
                    Ordering::Less
                } else {
                    Ordering::Greater
                }
            }
            (_, None) => {
                if left.is_negative() {
                    Ordering::Greater
                } else {
                    Ordering::Less
                }
            }
        }
    }
}

impl std::hash::Hash for Decimal {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        let normal = self.normalized();
        normal.mantissa.hash(state);
        normal.exponent.hash(state);
    }
}

super::text::serde_as_text!(Decimal);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_scaler_places_the_point_and_keeps_trailing_noughts() {
        assert_eq!(Decimal::new(12345, -1).to_string(), "1234.5");
        assert_eq!(Decimal::new(10, -1).to_string(), "1.0");
        assert_eq!(Decimal::new(-5, -3).to_string(), "-0.005");
        assert_eq!(Decimal::new(7, 3).to_string(), "7000");
        assert_eq!(Decimal::new(0, 3).to_string(), "0");
        assert_eq!(Decimal::new(0, -2).to_string(), "0.00");
    }

    #[test]
    fn the_largest_register_keeps_its_last_digit() {
        let value = Decimal::new(i128::from(u64::MAX), -3);
        assert_eq!(value.to_string(), "18446744073709551.615");
    }

    #[test]
    fn a_number_whose_noughts_are_more_digits_than_are_kept_is_read_back() {
        let value: Decimal = "-50.5e53".parse().unwrap();
        assert_eq!(value.to_string(), format!("-505{}", "0".repeat(52)));
        assert_eq!(value.to_string().parse::<Decimal>().unwrap(), value);
        assert!(format!("1{}1", "0".repeat(40)).parse::<Decimal>().is_err(), "no digit is lost");
    }

    #[test]
    fn floats_are_kept_as_their_shortest_decimal() {
        assert_eq!(Decimal::from_f32(0.1).unwrap().to_string(), "0.1");
        assert_eq!(Decimal::from_f64(230.25).unwrap().to_string(), "230.25");
        assert!(Decimal::from_f64(f64::NAN).is_none());
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(mantissa in -10i128.pow(30)..10i128.pow(30), exponent: i8) {
            let value = Decimal::new(mantissa, exponent);
            prop_assert_eq!(value.to_string().parse::<Decimal>().unwrap(), value);
        }

        #[test]
        fn a_sum_minus_one_part_is_the_other(
            a in any::<i64>(), b in any::<i64>(), ea in -6i8..6, eb in -6i8..6,
        ) {
            let (a, b) = (Decimal::new(a.into(), ea), Decimal::new(b.into(), eb));
            let sum = a.checked_add(b).unwrap();
            prop_assert_eq!(sum.checked_sub(b).unwrap(), a);
        }

        #[test]
        fn order_agrees_with_the_sign_of_the_difference(
            a in any::<i64>(), b in any::<i64>(), ea in -6i8..6, eb in -6i8..6,
        ) {
            let (a, b) = (Decimal::new(a.into(), ea), Decimal::new(b.into(), eb));
            let difference = a.checked_sub(b).unwrap();
            prop_assert_eq!(a.cmp(&b), difference.mantissa().cmp(&0));
        }

        #[test]
        fn any_two_numbers_have_an_order(a: i128, b: i128, ea: i8, eb: i8) {
            let (a, b) = (Decimal::new(a, ea), Decimal::new(b, eb));
            prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in ".{0,60}") {
            let _ = text.parse::<Decimal>();
        }
    }
}
