//! Physical units as IEC 62056-62 numbers them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The `unit` of a COSEM scaler-unit pair. Numbers that no table names are kept as they came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Unit(pub u8);

/// Number, symbol, name: Blue Book table "unit".
const UNITS: &[(u8, &str, &str)] = &[
    (1, "a", "year"),
    (2, "mo", "month"),
    (3, "wk", "week"),
    (4, "d", "day"),
    (5, "h", "hour"),
    (6, "min", "minute"),
    (7, "s", "second"),
    (8, "°", "degree"),
    (9, "°C", "degree Celsius"),
    (10, "currency", "local currency"),
    (11, "m", "metre"),
    (12, "m/s", "metre a second"),
    (13, "m³", "cubic metre"),
    (14, "m³", "corrected cubic metre"),
    (15, "m³/h", "cubic metre an hour"),
    (16, "m³/h", "corrected cubic metre an hour"),
    (17, "m³/d", "cubic metre a day"),
    (18, "m³/d", "corrected cubic metre a day"),
    (19, "l", "litre"),
    (20, "kg", "kilogram"),
    (21, "N", "newton"),
    (22, "Nm", "newton metre"),
    (23, "Pa", "pascal"),
    (24, "bar", "bar"),
    (25, "J", "joule"),
    (26, "J/h", "joule an hour"),
    (27, "W", "watt"),
    (28, "VA", "volt-ampere"),
    (29, "var", "var"),
    (30, "Wh", "watt-hour"),
    (31, "VAh", "volt-ampere-hour"),
    (32, "varh", "var-hour"),
    (33, "A", "ampere"),
    (34, "C", "coulomb"),
    (35, "V", "volt"),
    (36, "V/m", "volt a metre"),
    (37, "F", "farad"),
    (38, "Ω", "ohm"),
    (39, "Ωm²/m", "resistivity"),
    (40, "Wb", "weber"),
    (41, "T", "tesla"),
    (42, "A/m", "ampere a metre"),
    (43, "H", "henry"),
    (44, "Hz", "hertz"),
    (45, "1/Wh", "impulse a watt-hour"),
    (46, "1/varh", "impulse a var-hour"),
    (47, "1/VAh", "impulse a volt-ampere-hour"),
    (48, "V²h", "volt-squared hour"),
    (49, "A²h", "ampere-squared hour"),
    (50, "kg/s", "kilogram a second"),
    (51, "S", "siemens"),
    (52, "K", "kelvin"),
    (53, "1/V²h", "impulse a volt-squared hour"),
    (54, "1/A²h", "impulse an ampere-squared hour"),
    (55, "1/m³", "impulse a cubic metre"),
    (56, "%", "percent"),
    (57, "Ah", "ampere-hour"),
    (60, "Wh/m³", "energy per volume"),
    (61, "J/m³", "calorific value"),
    (62, "Mol%", "molar fraction"),
    (63, "g/m³", "mass density"),
    (64, "Pa·s", "dynamic viscosity"),
    (65, "J/kg", "specific energy"),
    (70, "dBm", "signal strength"),
    (71, "dBµV", "signal strength"),
    (72, "dB", "logarithmic ratio"),
    (254, "other", "other unit"),
    (255, "", "no unit"),
];

impl Unit {
    /// Active power.
    pub const W: Self = Self(27);
    /// Apparent power.
    pub const VA: Self = Self(28);
    /// Reactive power.
    pub const VAR: Self = Self(29);
    /// Active energy.
    pub const WH: Self = Self(30);
    /// Apparent energy.
    pub const VAH: Self = Self(31);
    /// Reactive energy.
    pub const VARH: Self = Self(32);
    /// Current.
    pub const A: Self = Self(33);
    /// Voltage.
    pub const V: Self = Self(35);
    /// Frequency.
    pub const HZ: Self = Self(44);
    /// Volt-squared hours.
    pub const V2H: Self = Self(48);
    /// Ampere-squared hours.
    pub const A2H: Self = Self(49);
    /// A count or a ratio.
    pub const NONE: Self = Self(255);

    fn entry(self) -> Option<&'static (u8, &'static str, &'static str)> {
        UNITS.iter().find(|entry| entry.0 == self.0)
    }

    /// The symbol: `Wh`, empty for a count, `unit 58` for a number that no table names.
    #[must_use]
    pub fn symbol(self) -> String {
        self.entry().map_or_else(|| format!("unit {}", self.0), |entry| entry.1.to_owned())
    }

    /// The name in words.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.entry().map_or("a unit that IEC 62056-62 does not name", |entry| entry.2)
    }

    /// The unit with this symbol.
    #[must_use]
    pub fn from_symbol(symbol: &str) -> Option<Self> {
        if symbol.is_empty() {
            return Some(Self::NONE);
        }
        UNITS.iter().find(|entry| entry.1 == symbol).map(|entry| Self(entry.0))
    }

    /// Whether the quantity adds up over time (energy, volume): what may be summed in a table's foot.
    #[must_use]
    pub const fn is_energy(self) -> bool {
        matches!(self, Self::WH | Self::VAH | Self::VARH)
    }

    /// The power whose integral over hours this energy is.
    #[must_use]
    pub const fn power_of_energy(self) -> Option<Self> {
        match self {
            Self::WH => Some(Self::W),
            Self::VAH => Some(Self::VA),
            Self::VARH => Some(Self::VAR),
            _ => None,
        }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.symbol())
    }
}

/// What attribute 3 of a register holds: how to read its raw integer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ScalerUnit {
    /// The power of ten.
    pub scaler: i8,
    /// The unit.
    pub unit: Unit,
}

impl ScalerUnit {
    /// A plain count.
    pub const COUNT: Self = Self { scaler: 0, unit: Unit::NONE };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_units_of_electricity_have_their_numbers() {
        // facts/conventions.md, row "Units".
        for (number, symbol) in [
            (27, "W"),
            (28, "VA"),
            (29, "var"),
            (30, "Wh"),
            (31, "VAh"),
            (32, "varh"),
            (33, "A"),
            (35, "V"),
            (44, "Hz"),
        ] {
            assert_eq!(Unit(number).symbol(), symbol);
            assert_eq!(Unit::from_symbol(symbol), Some(Unit(number)));
        }
    }

    #[test]
    fn an_unknown_unit_keeps_its_number() {
        assert_eq!(Unit(59).symbol(), "unit 59");
    }
}
