//! Instrument transformers: their ratios as their plates say, and what those do to a figure.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Decimal, Factor, PlateRatios, Side, Unit};

/// What one side of a ratio is divided by on a plate: `110000/√3`, `100/3`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Divisor {
    /// Nothing.
    #[default]
    One,
    /// √3: between a phase and the neutral.
    Root3,
    /// 3: a winding of an open delta.
    Three,
}

impl Divisor {
    /// How many √3 it is.
    const fn roots(self) -> i8 {
        match self {
            Self::One => 0,
            Self::Root3 => 1,
            Self::Three => 2,
        }
    }

    /// As it stands behind a figure; nothing for one.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::One => "",
            Self::Root3 => "/√3",
            Self::Three => "/3",
        }
    }
}

/// A transformer's ratio, as on its plate: `400/5`, `11000/110`, `110000/√3:100/√3`.
///
/// The plate's own figures are kept, since 400/5 and 80/1 are two transformers; [`Ratio::factor`] is what they have
/// in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ratio {
    /// Primary.
    pub primary: Decimal,
    /// Secondary.
    pub secondary: Decimal,
    /// What primary and secondary are divided by.
    pub divisors: [Divisor; 2],
}

/// Why a text is no ratio.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a ratio: {reason}")]
pub struct RatioError {
    text: String,
    reason: &'static str,
}

/// Largest figure on a plate, and most of its places.
const LARGEST: Decimal = Decimal::new(1, 9);
const MOST_PLACES: i8 = 6;

impl Divisor {
    /// What stands behind a figure and its `/`: `√3` (or `sqrt3`), `3`.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "3" => Some(Self::Three),
            word if is_root(word) => Some(Self::Root3),
            _ => None,
        }
    }
}

impl Ratio {
    /// No transformer.
    pub const ONE: Self = Self::new(Decimal::new(1, 0), Decimal::new(1, 0));

    /// A ratio of two plain figures.
    #[must_use]
    pub const fn new(primary: Decimal, secondary: Decimal) -> Self {
        Self { primary, secondary, divisors: [Divisor::One; 2] }
    }

    /// What a secondary figure is multiplied by; nothing where a side is nought, or the figures leave 38 digits.
    #[must_use]
    pub fn factor(&self) -> Option<Factor> {
        let [above, below] = self.divisors;
        Factor::new(self.primary, self.secondary, below.roots() - above.roots())
    }

    /// Whether secondary figures are larger than primary ones.
    #[must_use]
    pub fn steps_up(&self) -> bool {
        self.factor().is_some_and(|factor| !factor.is_one() && !factor.is_above_one())
    }

    /// Whether both transform alike, whatever their plates' figures.
    #[must_use]
    pub fn is_same_factor(&self, other: &Self) -> bool {
        self.factor() == other.factor()
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { primary, secondary, divisors } = self;
        match divisors {
            [Divisor::One, Divisor::One] => write!(out, "{primary}/{secondary}"),
            [above, below] => write!(out, "{primary}{}:{secondary}{}", above.text(), below.text()),
        }
    }
}

/// A word of a ratio: a figure, or √3.
fn is_root(word: &str) -> bool {
    ["√3", "v3", "sqrt3", "sqrt(3)"].contains(&word)
}

fn figure(word: &str) -> Result<Decimal, &'static str> {
    let number: Decimal = word.parse().map_err(|_| "write primary/secondary, such as 400/5")?;
    if number.is_negative() || number == Decimal::ZERO {
        return Err("both sides are above 0");
    }
    if number > LARGEST || number.normalized().exponent() < -MOST_PLACES {
        return Err("a side is at most 1000000000 and has at most six places");
    }
    Ok(number)
}

/// One side: `110000`, `110000/√3`, `100/3`.
fn one_side(words: &[&str]) -> Result<(Decimal, Divisor), &'static str> {
    match words {
        [number] => Ok((figure(number)?, Divisor::One)),
        [number, divisor] => match Divisor::from_word(divisor) {
            Some(divisor) => Ok((figure(number)?, divisor)),
            None => Err("a side is a figure, which may be divided by √3 or 3: 110000/√3:100/√3"),
        },
        _ => Err("a side is a figure, which may be divided by √3 or 3: 110000/√3:100/√3"),
    }
}

impl FromStr for Ratio {
    type Err = RatioError;

    fn from_str(text: &str) -> Result<Self, RatioError> {
        let plain: String = text.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_lowercase();
        let words = |text: &'_ str| text.split('/').map(str::to_owned).collect::<Vec<_>>();
        let fail = |reason| RatioError { text: text.chars().take(60).collect(), reason };
        let (above, below) = match plain.split_once(':') {
            Some((above, below)) => (words(above), words(below)),
            None => {
                let mut above = words(&plain);
                // `110000/√3/100/√3`: a √3 belongs to the figure before it.
                let first = if above.get(1).is_some_and(|word| is_root(word)) { 2 } else { 1 };
                let below = above.split_off(first.min(above.len()));
                (above, below)
            }
        };
        if below.is_empty() {
            return Err(fail(
                "the other side is missing: write primary/secondary, such as 400/5 or 110000/√3:100/√3",
            ));
        }
        let side = |words: &[String]| one_side(&words.iter().map(String::as_str).collect::<Vec<_>>());
        let (primary, over) = side(&above).map_err(fail)?;
        let (secondary, under) = side(&below).map_err(fail)?;
        Ok(Self { primary, secondary, divisors: [over, under] })
    }
}

super::text::serde_as_text!(Ratio);

/// The instrument transformers of a metering point.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Hash)]
pub struct Transformers {
    /// Current.
    pub ct: Ratio,
    /// Voltage.
    pub vt: Ratio,
    /// Which side the meter's registers count on: primary where the meter applies the ratios itself.
    pub registers_in: Side,
}

impl Transformers {
    /// None at all: both sides are the same.
    pub const NONE: Self = Self { ct: Ratio::ONE, vt: Ratio::ONE, registers_in: Side::Secondary };

    /// What a secondary figure in this unit is multiplied by to be a primary one. What no transformer changes (a
    /// frequency, a count, an angle) is multiplied by one. Nothing where the figures leave 38 digits.
    #[must_use]
    pub fn factor(&self, unit: Unit) -> Option<Factor> {
        let (ct, vt) = (self.ct.factor()?, self.vt.factor()?);
        match unit {
            Unit::A => Some(ct),
            Unit::V => Some(vt),
            Unit::W | Unit::VA | Unit::VAR | Unit::WH | Unit::VAH | Unit::VARH => ct.checked_mul(vt),
            Unit::A2H => ct.checked_mul(ct),
            Unit::V2H => vt.checked_mul(vt),
            _ => Some(Factor::ONE),
        }
    }

    /// Whether transformers change figures in this unit, so that a figure in it has a side.
    #[must_use]
    pub const fn change(unit: Unit) -> bool {
        matches!(
            unit,
            Unit::A
                | Unit::V
                | Unit::W
                | Unit::VA
                | Unit::VAR
                | Unit::WH
                | Unit::VAH
                | Unit::VARH
                | Unit::A2H
                | Unit::V2H
        )
    }

    /// Whether a figure is turned into another side's alike.
    #[must_use]
    pub fn convert_alike(&self, other: &Self) -> bool {
        self.registers_in == other.registers_in
            && self.ct.is_same_factor(&other.ct)
            && self.vt.is_same_factor(&other.vt)
    }

    /// What looks wrong on its face, in words; nothing of it is forbidden but √3 in a current transformer.
    #[must_use]
    pub fn oddities(&self) -> Vec<String> {
        let mut found = Vec::new();
        for (what, ratio, usual) in
            [("CT", &self.ct, &CT_SECONDARIES[..]), ("VT", &self.vt, &VT_SECONDARIES[..])]
        {
            if *ratio == Ratio::ONE {
                continue;
            }
            let [above, below] = ratio.divisors;
            if ratio.steps_up() {
                found.push(format!(
                    "{what} {ratio} makes figures smaller: are its sides the wrong way round?"
                ));
            } else if !usual.contains(&&*ratio.secondary.normalized().to_string()) {
                found.push(format!(
                    "{what} {ratio}: a secondary of {} is unusual (usual: {})",
                    ratio.secondary,
                    usual.join(", ")
                ));
            }
            if what == "CT" && (above, below) != (Divisor::One, Divisor::One) {
                found.push(format!("CT {ratio}: a current transformer has no √3 on its plate"));
            } else if (above == Divisor::One) != (below == Divisor::One) {
                found.push(format!("{what} {ratio}: √3 stands on one side only, so that it does not cancel"));
            }
        }
        found
    }
}

/// Where the ratios of the store, of the plates and of the meter itself differ, in words. Ratios that transform alike
/// do not differ, whatever their figures.
#[must_use]
pub fn differences_of_ratios(
    store: Option<&Transformers>,
    plate: Option<&PlateRatios>,
    meter: Option<&PlateRatios>,
) -> Vec<String> {
    let mut found = Vec::new();
    for (what, of_store, of_plate, of_meter) in [
        (
            "CT",
            store.map(|store| store.ct),
            plate.and_then(|plate| plate.ct),
            meter.and_then(|meter| meter.ct),
        ),
        (
            "VT",
            store.map(|store| store.vt),
            plate.and_then(|plate| plate.vt),
            meter.and_then(|meter| meter.vt),
        ),
    ] {
        let of_meter = of_meter.map(|ratio| ("the meter holds", ratio));
        let of_plate = of_plate.map(|ratio| ("the nameplate says", ratio));
        for (who, other) in [of_plate, of_meter].into_iter().flatten() {
            if let Some(stored) = of_store.filter(|stored| !stored.is_same_factor(&other)) {
                found.push(format!("{what}: {who} {other}, the store {stored}"));
            }
        }
        if let (Some((_, plate)), Some((_, meter))) = (of_plate, of_meter)
            && of_store.is_none_or(|stored| stored.is_same_factor(&plate) == stored.is_same_factor(&meter))
            && !plate.is_same_factor(&meter)
        {
            found.push(format!("{what}: the nameplate says {plate}, the meter holds {meter}"));
        }
    }
    found
}

/// Rated secondary currents and voltages (IEC 61869).
const CT_SECONDARIES: [&str; 3] = ["1", "2", "5"];
const VT_SECONDARIES: [&str; 9] = ["100", "110", "115", "120", "190", "200", "220", "230", "57.7"];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ratio(text: &str) -> Ratio {
        text.parse().unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn plates_are_read_as_people_write_them_and_written_back() {
        for (typed, written) in [
            ("400/5", "400/5"),
            (" 11000 : 110 ", "11000/110"),
            ("110000/√3:100/√3", "110000/√3:100/√3"),
            ("110000/√3/100/√3", "110000/√3:100/√3"),
            ("20000/sqrt3 : 100/sqrt(3)", "20000/√3:100/√3"),
            ("20000/√3:100/3", "20000/√3:100/3"),
            ("0.5/0.1", "0.5/0.1"),
            ("1/3", "1/3"),
        ] {
            assert_eq!(ratio(typed).to_string(), written);
            assert_eq!(ratio(written), ratio(typed));
        }
    }

    #[test]
    fn what_is_no_ratio_is_refused_with_what_to_write() {
        for (text, why) in [
            ("400", "the other side is missing"),
            ("110000/√3", "the other side is missing"),
            ("0/5", "above 0"),
            ("400/-5", "above 0"),
            ("400/five", "such as 400/5"),
            ("1/2/3/4", "a side is a figure"),
            ("99999999999/5", "at most 1000000000"),
            ("", "the other side"),
        ] {
            let error = text.parse::<Ratio>().unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    #[test]
    fn roots_on_both_sides_cancel() {
        assert!(ratio("110000/√3:100/√3").is_same_factor(&ratio("1100/1")));
        assert!(!ratio("110000/√3:100").is_same_factor(&ratio("1100/1")));
        assert_eq!(ratio("110000/√3:100").factor().unwrap().to_string(), "1100·√3/3");
    }

    #[test]
    fn each_quantity_is_transformed_by_what_it_is_made_of() {
        let both = Transformers {
            ct: ratio("4000/5"),
            vt: ratio("110000/√3:100/√3"),
            registers_in: Side::Secondary,
        };
        for (unit, wanted) in [
            (Unit::A, "800"),
            (Unit::V, "1100"),
            (Unit::WH, "880000"),
            (Unit::VAR, "880000"),
            (Unit::HZ, "1"),
        ] {
            assert_eq!(both.factor(unit).unwrap().to_string(), wanted, "{unit}");
            assert_eq!(Transformers::change(unit), wanted != "1");
        }
        let energy: Decimal = "12345678.901".parse().unwrap();
        let primary = both.factor(Unit::WH).unwrap().apply(energy).unwrap();
        assert_eq!(primary.to_string(), "10864197432880.000");
    }

    #[test]
    fn oddities_are_told_in_words() {
        let of = |ct: &str, vt: &str| {
            Transformers { ct: ratio(ct), vt: ratio(vt), registers_in: Side::Secondary }.oddities()
        };
        assert!(of("400/5", "11000/110").is_empty() && of("1/1", "110000/√3:100/√3").is_empty());
        assert!(of("5/400", "1/1")[0].contains("wrong way round"));
        assert!(of("400/4", "1/1")[0].contains("unusual"));
        assert!(of("1/1", "110000/√3:100")[0].contains("one side only"));
        assert!(of("400/√3:5/√3", "1/1")[0].contains("no √3"));
    }

    #[test]
    fn store_plate_and_meter_are_laid_side_by_side() {
        let store = Transformers { ct: ratio("400/5"), ..Transformers::NONE };
        let said = |ct: &str| PlateRatios { ct: Some(ratio(ct)), vt: None };
        let found = |plate: Option<&str>, meter: Option<&str>| {
            differences_of_ratios(Some(&store), plate.map(said).as_ref(), meter.map(said).as_ref())
        };
        assert!(found(Some("80/1"), Some("400/5")).is_empty() && found(None, None).is_empty());
        assert_eq!(found(Some("600/5"), Some("400/5")), ["CT: the nameplate says 600/5, the store 400/5"]);
        assert_eq!(found(None, Some("1/1")), ["CT: the meter holds 1/1, the store 400/5"]);
        assert_eq!(found(Some("600/5"), Some("1/1")).len(), 3);
        assert_eq!(differences_of_ratios(None, Some(&said("600/5")), Some(&said("1/1"))).len(), 1);
    }

    proptest! {
        #[test]
        fn every_text_is_read_or_refused_without_a_panic(text in "[0-9./:√3 a-z-]{0,24}") {
            if let Ok(ratio) = text.parse::<Ratio>() {
                prop_assert_eq!(ratio.to_string().parse::<Ratio>().unwrap(), ratio);
                prop_assert!(ratio.factor().is_some());
            }
        }
    }
}
