//! Numbers in the tables of FLAG meters (sections 4, 9 and 10), read and written.

use jiff::civil::{Date, DateTime, date};
use jiff::tz::Offset;

use crate::model::{Decimal, Ratio};

/// Milli: registers count mWh, mvarh and mVAh, demands mW, mvar and mVA.
pub const MILLI: i8 = -3;
/// From here on a signed register is negative (REG8S).
const NEGATIVE_FROM: i128 = 5_000_000_000_000_000;
const SIGNED_WRAP: i128 = 10_000_000_000_000_000;

/// Packed BCD with the least significant octet first; nothing where a nibble is no digit.
#[must_use]
pub fn bcd_le(octets: &[u8]) -> Option<i128> {
    octets.iter().rev().try_fold(0i128, |number, octet| {
        let (tens, ones) = (octet >> 4, octet & 0x0F);
        if tens > 9 || ones > 9 {
            return None;
        }
        number.checked_mul(100)?.checked_add(i128::from(tens * 10 + ones))
    })
}

/// A number as packed BCD with the least significant octet first; nothing where it is negative or has too many digits.
#[must_use]
pub fn to_bcd_le<const N: usize>(number: i128) -> Option<[u8; N]> {
    let mut left = u128::try_from(number).ok()?;
    let mut octets = [0; N];
    for octet in &mut octets {
        let pair = u8::try_from(left % 100).ok()?;
        *octet = ((pair / 10) << 4) | (pair % 10);
        left /= 100;
    }
    (left == 0).then_some(octets)
}

/// A register of eight octets (REG8), in milli-units.
#[must_use]
pub fn register(octets: &[u8]) -> Option<Decimal> {
    let octets: &[u8; 8] = octets.try_into().ok()?;
    bcd_le(octets).map(|number| Decimal::new(number, MILLI))
}

/// A register of eight octets with a sign (REG8S), in milli-units.
#[must_use]
pub fn signed_register(octets: &[u8]) -> Option<Decimal> {
    let number = register(octets)?.mantissa();
    Some(Decimal::new(if number > NEGATIVE_FROM { number - SIGNED_WRAP } else { number }, MILLI))
}

/// A cumulative demand of nine octets (CMD9): the figure in milli-units and its source's code.
#[must_use]
pub fn cumulative_demand(octets: &[u8]) -> Option<(Decimal, u8)> {
    let (figure, [source]) = octets.split_at_checked(8)? else { return None };
    register(figure).map(|figure| (figure, *source))
}

/// Which end of a number comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByteOrder {
    /// The least significant octet.
    Little,
    /// The most significant octet.
    Big,
}

/// A maximum demand (MD12).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaximumDemand {
    /// When, by the meter's wall clock; nothing where it never happened.
    pub at: Option<DateTime>,
    /// The source's code.
    pub source: u8,
    /// The figure in milli-units.
    pub value: Decimal,
}

/// A maximum demand of twelve octets; nothing where its figure has nibbles that are no digits.
#[must_use]
pub fn maximum_demand(octets: &[u8], order: ByteOrder) -> Option<MaximumDemand> {
    let (time, rest) = octets.split_first_chunk::<4>()?;
    let (source, figure) = rest.split_first()?;
    let figure: &[u8; 7] = figure.try_into().ok()?;
    Some(MaximumDemand {
        at: local_time(*time, order),
        source: *source,
        value: Decimal::new(bcd_le(figure)?, MILLI),
    })
}

/// Wall time in seconds since 1970 (T4LE, T4BE); nothing where it is nought, which is empty.
#[must_use]
pub fn local_time(octets: [u8; 4], order: ByteOrder) -> Option<DateTime> {
    let seconds = match order {
        ByteOrder::Little => u32::from_le_bytes(octets),
        ByteOrder::Big => u32::from_be_bytes(octets),
    };
    let instant = jiff::Timestamp::from_second(seconds.into()).ok().filter(|_| seconds > 0)?;
    Some(Offset::UTC.to_datetime(instant))
}

/// A wall time as seconds since 1970; nought where it lies outside what four octets hold.
#[must_use]
pub fn to_local_time(at: DateTime, order: ByteOrder) -> [u8; 4] {
    let seconds = Offset::UTC.to_timestamp(at).ok().and_then(|at| u32::try_from(at.as_second()).ok());
    match order {
        ByteOrder::Little => seconds.unwrap_or(0).to_le_bytes(),
        ByteOrder::Big => seconds.unwrap_or(0).to_be_bytes(),
    }
}

fn digits(octet: u8) -> Option<i8> {
    let (tens, ones) = (octet >> 4, octet & 0x0F);
    if tens > 9 || ones > 9 {
        return None;
    }
    i8::try_from(tens * 10 + ones).ok()
}

fn from_digits(number: i8) -> u8 {
    let number = number.unsigned_abs() % 100;
    ((number / 10) << 4) | (number % 10)
}

/// A clock of seven octets (section 9.1); nothing where its fields make no time. The day of the week and the year
/// modulo four are flags beside the fields and do not count.
#[must_use]
pub fn clock(octets: &[u8]) -> Option<DateTime> {
    let octets: &[u8; 7] = octets.try_into().ok()?;
    let year = i16::from(digits(octets[6])?);
    let year = if year == 99 { 1999 } else { 2000 + year };
    let date = Date::new(year, digits(octets[4] & 0x1F)?, digits(octets[3] & 0x3F)?).ok()?;
    let time = jiff::civil::Time::new(digits(octets[2])?, digits(octets[1])?, digits(octets[0])?, 0).ok()?;
    Some(date.to_datetime(time))
}

/// A wall time as a clock of seven octets, with the flags that the meter itself shows; nothing outside the years 2000
/// to 2098.
#[must_use]
pub fn to_clock(at: DateTime) -> Option<[u8; 7]> {
    if !(date(2000, 1, 1)..=date(2098, 12, 31)).contains(&at.date()) {
        return None;
    }
    let of_century = i8::try_from(at.year() % 100).ok()?;
    let leap = u8::try_from(at.year() % 4).ok()?;
    let weekday = u8::try_from(at.weekday().to_monday_zero_offset()).ok()?;
    Some([
        from_digits(at.second()),
        from_digits(at.minute()),
        from_digits(at.hour()),
        from_digits(at.day()) | leap << 6,
        from_digits(at.month()) | weekday << 5,
        0,
        from_digits(of_century),
    ])
}

/// Places of a ratio: hundredths (RAT).
const HUNDREDTHS: i8 = -2;

/// How a transformer ratio lies in its table (section 10).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RatioForm {
    /// BCD with the least significant octet first: so many octets of the primary, then so many of the secondary.
    Bcd(usize, usize),
    /// Binary with the most significant octet first: four octets and four.
    Binary,
}

/// A transformer ratio; nothing where its digits are none or a side is nought, as in a meter that was never told.
#[must_use]
pub fn ratio(octets: &[u8], form: RatioForm) -> Option<Ratio> {
    let number = |part: &[u8]| match form {
        RatioForm::Bcd(..) => bcd_le(part),
        RatioForm::Binary => part.try_into().ok().map(|part| i128::from(u32::from_be_bytes(part))),
    };
    let (before, after) = match form {
        RatioForm::Bcd(before, after) => (before, after),
        RatioForm::Binary => (4, 4),
    };
    let (primary, secondary) = octets.split_at_checked(before).filter(|(_, rest)| rest.len() == after)?;
    let figure = |part| number(part).map(|number| Decimal::new(number, HUNDREDTHS).normalized());
    // `400` and not `4E2`: as it stands on a plate.
    let plain = |figure: Decimal| if figure.exponent() > 0 { figure.with_exponent(0) } else { Some(figure) };
    let ratio = Ratio::new(plain(figure(primary)?)?, plain(figure(secondary)?)?);
    ratio.factor().map(|_| ratio)
}

/// A transformer ratio as it lies in its table; nothing where its figures do not fit.
#[must_use]
pub fn to_ratio(ratio: Ratio, form: RatioForm) -> Option<Vec<u8>> {
    let figure = |figure: Decimal| figure.with_exponent(HUNDREDTHS).map(Decimal::mantissa);
    let (primary, secondary) = (figure(ratio.primary)?, figure(ratio.secondary)?);
    let part = |number: i128, octets: usize| match form {
        RatioForm::Bcd(..) => {
            let whole = to_bcd_le::<8>(number)?;
            let (kept, rest) = whole.split_at_checked(octets)?;
            rest.iter().all(|octet| *octet == 0).then(|| kept.to_vec())
        }
        RatioForm::Binary => u32::try_from(number).ok().map(|number| number.to_be_bytes().to_vec()),
    };
    let (before, after) = match form {
        RatioForm::Bcd(before, after) => (before, after),
        RatioForm::Binary => (4, 4),
    };
    Some([part(primary, before)?, part(secondary, after)?].concat())
}

/// The demand periods that a code names (section 8.4), in minutes.
const PERIODS: [u8; 11] = [1, 2, 3, 4, 5, 6, 10, 15, 20, 30, 60];

/// The minutes of a period code; its upper half does not count.
#[must_use]
pub fn period_minutes(code: u8) -> Option<u8> {
    PERIODS.get(usize::from(code & 0x0F)).copied()
}

/// The code of a period in minutes.
#[must_use]
pub fn period_code(minutes: u8) -> Option<u8> {
    PERIODS.iter().position(|known| *known == minutes).and_then(|code| u8::try_from(code).ok())
}

/// A value of a load profile of three octets (LP3): five digits and a power of ten, in milli-units of power. Nothing
/// where a nibble is no digit (section 8.3).
#[must_use]
pub fn profile_value(octets: [u8; 3]) -> Option<Decimal> {
    let number = octets.iter().try_fold(0i128, |number, octet| {
        let pair = digits(*octet)?;
        Some(number * 100 + i128::from(pair))
    })?;
    let power = i8::try_from(number % 10).ok()?;
    Some(Decimal::new(number / 10, power + MILLI))
}

/// A power in milli-units as a value of a load profile: the five highest digits that it needs.
#[must_use]
pub fn to_profile_value(milli: i128) -> Option<[u8; 3]> {
    let (mut figure, mut power) = (u128::try_from(milli).ok()?, 0u128);
    while figure > 99_999 {
        figure /= 10;
        power += 1;
    }
    if power > 9 {
        return None;
    }
    let mut number = figure * 10 + power;
    let mut octets = [0; 3];
    for octet in octets.iter_mut().rev() {
        *octet = from_digits(i8::try_from(number % 100).ok()?);
        number /= 100;
    }
    Some(octets)
}
