//! Exact multipliers: a fraction, and √3 where a transformer's plate has it on one side only.
//!
//! # The one rounding
//!
//! A figure is multiplied by the numerator exactly and divided by the denominator last. A quotient that has an end
//! is written to its last digit. One that has none (a third, a √3 that does not cancel) is rounded once, half away
//! from nought, [`GUARD_PLACES`] places behind the last place of the figure. Sums are made before they are
//! multiplied, so that a sum is rounded once too.

use super::Decimal;

/// Places that a quotient without an end keeps behind those of the figure.
pub const GUARD_PLACES: u8 = 6;

/// `numerator / denominator`, times √3 where `root` says so; in lowest terms and above nought.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Factor {
    numerator: u128,
    denominator: u128,
    root: bool,
}

const fn common(mut one: u128, mut other: u128) -> u128 {
    while other != 0 {
        (one, other) = (other, one % other);
    }
    one
}

/// All 256 bits of a product: high half, low half.
const fn wide(one: u128, other: u128) -> (u128, u128) {
    const LOW: u128 = u64::MAX as u128;
    let (a, b, c, d) = (one >> 64, one & LOW, other >> 64, other & LOW);
    let (low, cross, across, high) = (b * d, a * d, b * c, a * c);
    let middle = (low >> 64) + (cross & LOW) + (across & LOW);
    (high + (cross >> 64) + (across >> 64) + (middle >> 64), (middle << 64) | (low & LOW))
}

/// `number × √3 / divisor`, rounded to a whole number; there are no ties, since √3 is no fraction.
fn root_quotient(number: u128, divisor: u128) -> Option<u128> {
    // The largest r with (2r − 1)·d < 2·n·√3, that is ((2r − 1)·d)² < 3·(2n)².
    let twice = number.checked_mul(2)?;
    let right = wide(twice, twice);
    let low = wide(right.1, 3);
    let right = (right.0.checked_mul(3)?.checked_add(low.0)?, low.1);
    let is_below = |r: u128| {
        let left = r.checked_mul(2).and_then(|r| (r - 1).checked_mul(divisor));
        left.is_some_and(|left| wide(left, left) < right)
    };
    let (mut below, mut above) = (0, twice.checked_div(divisor)?.checked_add(1)?);
    while above - below > 1 {
        let middle = below + (above - below) / 2;
        if is_below(middle) {
            below = middle;
        } else {
            above = middle;
        }
    }
    Some(below)
}

impl Factor {
    /// Leaves everything as it is.
    pub const ONE: Self = Self { numerator: 1, denominator: 1, root: false };

    /// `numerator / denominator × √3^roots`; nothing where one of them is nought or the terms leave 38 digits.
    #[must_use]
    pub fn new(numerator: Decimal, denominator: Decimal, roots: i8) -> Option<Self> {
        let plain = |number: Decimal| {
            let number = number.normalized();
            (number.mantissa() > 0)
                .then_some((number.mantissa().unsigned_abs(), i32::from(number.exponent())))
        };
        let ((mut top, up), (mut bottom, down)) = (plain(numerator)?, plain(denominator)?);
        let ten = |power: i32| 10u128.checked_pow(power.unsigned_abs());
        if up >= down {
            top = top.checked_mul(ten(up - down)?)?;
        } else {
            bottom = bottom.checked_mul(ten(up - down)?)?;
        }
        // Each pair of roots is a whole 3.
        let threes = 3u128.checked_pow(roots.div_euclid(2).unsigned_abs().into())?;
        if roots >= 0 {
            top = top.checked_mul(threes)?;
        } else {
            bottom = bottom.checked_mul(threes)?;
        }
        Some(Self::reduced(top, bottom, roots.rem_euclid(2) == 1))
    }

    const fn reduced(numerator: u128, denominator: u128, root: bool) -> Self {
        let common = common(numerator, denominator);
        Self { numerator: numerator / common, denominator: denominator / common, root }
    }

    /// The product; nothing where its terms leave 38 digits.
    #[must_use]
    pub fn checked_mul(self, other: Self) -> Option<Self> {
        let (one, two) =
            (common(self.numerator, other.denominator), common(other.numerator, self.denominator));
        let mut numerator = (self.numerator / one).checked_mul(other.numerator / two)?;
        let denominator = (self.denominator / two).checked_mul(other.denominator / one)?;
        if self.root && other.root {
            numerator = numerator.checked_mul(3)?;
        }
        Some(Self::reduced(numerator, denominator, self.root != other.root))
    }

    /// One divided by it; nothing where its terms leave 38 digits.
    #[must_use]
    pub fn inverse(self) -> Option<Self> {
        let (mut numerator, mut denominator) = (self.denominator, self.numerator);
        if self.root {
            // 1/√3 is √3/3.
            (numerator, denominator) = (numerator, denominator.checked_mul(3)?);
        }
        Some(Self::reduced(numerator, denominator, self.root))
    }

    /// Numerator and denominator in lowest terms, without the √3.
    #[must_use]
    pub const fn terms(self) -> (u128, u128) {
        (self.numerator, self.denominator)
    }

    /// Whether it leaves everything as it is.
    #[must_use]
    pub fn is_one(self) -> bool {
        self == Self::ONE
    }

    /// Whether it makes figures larger.
    #[must_use]
    pub fn is_above_one(self) -> bool {
        let square = |number: u128| wide(number, number);
        if !self.root {
            return self.numerator > self.denominator;
        }
        let (high, low) = square(self.numerator);
        let threefold = wide(low, 3);
        high.checked_mul(3)
            .and_then(|high| high.checked_add(threefold.0))
            .is_none_or(|high| (high, threefold.1) > square(self.denominator))
    }

    /// The figure multiplied, with the one rounding of this module; nothing where it leaves 38 digits.
    #[must_use]
    pub fn apply(self, figure: Decimal) -> Option<Decimal> {
        if self.is_one() || figure.mantissa() == 0 {
            return Some(figure);
        }
        let size = figure.mantissa().unsigned_abs();
        let (top, common) = (self.numerator, common(size, self.denominator));
        let (product, divisor) = ((size / common).checked_mul(top)?, self.denominator / common);
        let (size, exponent) = if self.root {
            self.rounded(product, divisor, figure.exponent())?
        } else if let Some(places) = ending(divisor) {
            let ten = 10u128.checked_pow(places)?;
            (product.checked_mul(ten / divisor)?, figure.exponent().checked_sub(i8::try_from(places).ok()?)?)
        } else {
            self.rounded(product, divisor, figure.exponent())?
        };
        let mantissa = i128::try_from(size).ok()?;
        Some(Decimal::new(if figure.is_negative() { -mantissa } else { mantissa }, exponent))
    }

    /// `product / divisor`, times √3 where this factor has it, to the places that are kept.
    fn rounded(self, product: u128, divisor: u128, exponent: i8) -> Option<(u128, i8)> {
        let kept = i32::from(exponent.min(0)) - i32::from(GUARD_PLACES);
        let places = u32::try_from(i32::from(exponent) - kept).ok()?;
        let product = product.checked_mul(10u128.checked_pow(places)?)?;
        let size = if self.root {
            root_quotient(product, divisor)?
        } else {
            let half_up = u128::from(product % divisor >= divisor - product % divisor);
            product / divisor + half_up
        };
        Some((size, i8::try_from(kept).ok()?))
    }
}

/// How many places a quotient by this number has at most; nothing where it may have no end.
fn ending(divisor: u128) -> Option<u32> {
    let (mut rest, mut twos, mut fives) = (divisor, 0, 0);
    while rest % 2 == 0 {
        rest /= 2;
        twos += 1;
    }
    while rest % 5 == 0 {
        rest /= 5;
        fives += 1;
    }
    (rest == 1).then_some(u32::max(twos, fives))
}

impl std::fmt::Display for Factor {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.numerator, self.root) {
            (1, true) => out.write_str("√3")?,
            (numerator, root) => write!(out, "{numerator}{}", if root { "·√3" } else { "" })?,
        }
        if self.denominator == 1 { Ok(()) } else { write!(out, "/{}", self.denominator) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn number(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    fn factor(numerator: &str, denominator: &str, roots: i8) -> Factor {
        Factor::new(number(numerator), number(denominator), roots).unwrap()
    }

    fn shown(factor: Factor, figure: &str) -> String {
        factor.apply(number(figure)).unwrap().to_string()
    }

    #[test]
    fn a_quotient_with_an_end_keeps_every_digit() {
        assert_eq!(shown(factor("4000", "5", 0), "123456789.123"), "98765431298.400");
        assert_eq!(shown(factor("1", "8", 0), "1"), "0.125");
        assert_eq!(shown(factor("400", "1.25", 0), "0.001"), "0.320");
        assert_eq!(shown(factor("5", "4000", 0), "98765431298.400"), "123456789.123");
    }

    #[test]
    fn a_quotient_without_an_end_is_rounded_once_and_far_behind_the_figure() {
        assert_eq!(shown(factor("1", "3", 0), "1.00"), "0.33333333");
        assert_eq!(shown(factor("2", "3", 0), "1"), "0.666667");
        assert_eq!(shown(factor("2", "3", 0), "-1"), "-0.666667");
        // Three thirds are one: what a figure shares with the denominator goes first.
        assert_eq!(shown(factor("1", "3", 0), "3.00"), "1.00");
    }

    #[test]
    fn a_root_that_does_not_cancel_is_kept_until_the_end() {
        // √3 is 1.7320508075688772935…
        assert_eq!(shown(factor("1", "1", 1), "1.000000000"), "1.732050807568877");
        assert_eq!(shown(factor("110000", "100", -1), "1"), "635.085296");
        let there = factor("110000", "100", -1);
        assert_eq!(there.checked_mul(factor("1", "1", 1)), Some(factor("1100", "1", 0)));
        assert_eq!(there.checked_mul(there.inverse().unwrap()), Some(Factor::ONE));
    }

    #[test]
    fn a_factor_says_whether_it_enlarges() {
        assert!(factor("2", "1", 0).is_above_one() && factor("3", "5", 1).is_above_one());
        assert!(!factor("1", "2", 0).is_above_one() && !factor("1", "1", -1).is_above_one());
    }

    #[test]
    fn what_leaves_thirty_eight_digits_is_told() {
        let most = Decimal::new(i128::MAX, 0);
        assert_eq!(factor("4000", "5", 0).apply(most), None);
        assert_eq!(Factor::new(Decimal::ZERO, number("1"), 0), None);
        assert_eq!(Factor::new(number("-1"), number("1"), 0), None);
    }

    proptest! {
        #[test]
        fn no_digit_is_lost_on_the_way_there_and_back(
            mantissa in -1_000_000_000_000i128..1_000_000_000_000,
            exponent in -6i8..=3,
            primary in 1i128..1_000_000,
            secondary in prop::sample::select(vec![1i128, 2, 5, 100, 110, 3, 7]),
        ) {
            let figure = Decimal::new(mantissa, exponent);
            let factor = Factor::new(Decimal::new(primary, 0), Decimal::new(secondary, 0), 0).unwrap();
            let there = factor.apply(figure).unwrap();
            // there × secondary = figure × primary, exactly; or within the one rounding.
            let left = there.checked_mul(Decimal::new(secondary, 0)).unwrap();
            let right = figure.checked_mul(Decimal::new(primary, 0)).unwrap();
            let off = left.checked_sub(right).unwrap();
            let most = Decimal::new(secondary, exponent.min(0) - 6);
            prop_assert!(off == Decimal::ZERO || off.checked_add(off).unwrap() <= most);
            if ending(u128::try_from(secondary).unwrap()).is_some() {
                prop_assert!(off == Decimal::ZERO);
            }
        }

        #[test]
        fn a_product_of_factors_is_what_one_after_the_other_gives_without_a_rounding_between(
            a in 1i128..100_000, b in 1i128..1000, c in 1i128..100_000, d in 1i128..1000, roots in -2i8..=2,
        ) {
            let whole = |n: i128| Decimal::new(n, 0);
            let one = Factor::new(whole(a), whole(b), roots).unwrap();
            let two = Factor::new(whole(c), whole(d), -roots).unwrap();
            prop_assert_eq!(one.checked_mul(two), Factor::new(whole(a * c), whole(b * d), 0));
        }

        #[test]
        fn products_of_128_bits_are_whole(one: u64, other: u128) {
            let (high, low) = wide(one.into(), other);
            prop_assert_eq!(low, u128::from(one).wrapping_mul(other));
            let upper = (other >> 64) * u128::from(one) + (((other & u128::from(u64::MAX)) * u128::from(one)) >> 64);
            prop_assert_eq!(high, upper >> 64);
        }
    }
}
