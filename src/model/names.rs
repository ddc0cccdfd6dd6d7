//! Plain names of OBIS codes (IEC 62056-61), in sentence case.

use super::Obis;

/// Group C of electricity: quantity.
fn electricity_quantity(c: u8) -> Option<String> {
    let total = match c {
        1 | 21 | 41 | 61 => "Active import",
        2 | 22 | 42 | 62 => "Active export",
        3 | 23 | 43 | 63 => "Reactive import",
        4 | 24 | 44 | 64 => "Reactive export",
        5 | 25 | 45 | 65 => "Reactive Q1",
        6 | 26 | 46 | 66 => "Reactive Q2",
        7 | 27 | 47 | 67 => "Reactive Q3",
        8 | 28 | 48 | 68 => "Reactive Q4",
        9 | 29 | 49 | 69 => "Apparent import",
        10 | 30 | 50 | 70 => "Apparent export",
        11 | 31 | 51 | 71 => "Current",
        12 | 32 | 52 | 72 => "Voltage",
        13 | 33 | 53 | 73 => "Power factor",
        14 | 34 | 54 | 74 => "Frequency",
        15 | 35 | 55 | 75 => "Active import plus export",
        16 | 36 | 56 | 76 => "Active import minus export",
        81 => "Angle",
        82 => "Unitless quantity",
        91 => "Neutral current",
        92 => "Neutral voltage",
        _ => return None,
    };
    let phase = match c {
        21..=40 => " L1",
        41..=60 => " L2",
        61..=80 => " L3",
        _ => "",
    };
    Some(format!("{total}{phase}"))
}

/// Group D of electricity: what was made of the quantity. Energy quantities lose the word "power".
fn electricity_processing(c: u8, d: u8) -> Option<&'static str> {
    let is_level = matches!(c, 11..=14 | 31..=34 | 51..=54 | 71..=74 | 81 | 82 | 91 | 92);
    Some(match d {
        0 | 1 | 3 | 11 | 13 | 21 | 23 if d == 0 => "average",
        2 | 12 | 22 => "cumulative maximum demand",
        3 | 13 | 23 => "minimum",
        4 => "demand, current period",
        5 => {
            if is_level {
                "last average"
            } else {
                "demand, last period"
            }
        }
        6 | 16 | 26 => {
            if is_level {
                "maximum"
            } else {
                "maximum demand"
            }
        }
        7 => {
            if is_level {
                ""
            } else {
                "power"
            }
        }
        8 => {
            if is_level {
                "integral"
            } else {
                "energy"
            }
        }
        9 => {
            if is_level {
                "integral of the billing period"
            } else {
                "energy of the billing period"
            }
        }
        10 => "integral 3",
        24 => "average 3",
        25 => "last average 3",
        27 => "average 5",
        28 => "average 6",
        29 => {
            if is_level {
                "average of the interval"
            } else {
                "energy of the interval"
            }
        }
        31 => "lower limit",
        32 => "undershoots",
        33 => "undershoot duration",
        34 => "undershoot depth",
        35 => "upper limit",
        36 => "overshoots",
        37 => "overshoot duration",
        38 => "overshoot height",
        39 => "missing limit",
        40 => "outages",
        41 => "outage duration",
        _ => return None,
    })
}

fn electricity(obis: Obis) -> Option<String> {
    let whole = match (obis.c(), obis.d(), obis.e()) {
        (0, 2, 0) => Some("Firmware version"),
        (0, 2, 2) => Some("Tariff name"),
        (0, 3, 3) => Some("Constant of active energy"),
        (0, 4, 2) => Some("Current transformer ratio, numerator"),
        (0, 4, 3) => Some("Voltage transformer ratio, numerator"),
        (0, 4, 5) => Some("Current transformer ratio, denominator"),
        (0, 4, 6) => Some("Voltage transformer ratio, denominator"),
        (0, 8, 0) => Some("Demand period"),
        (0, 8, 4) => Some("Load-profile period"),
        (96, 5, _) => Some("Operating status"),
        (98, 1, _) => Some("Billing profile"),
        (99, 1, 0) => Some("Load profile"),
        (99, 2, 0) => Some("Daily profile"),
        (99, 1 | 2, _) => Some("Load profile"),
        (99, 14, _) => Some("Instrumentation profile"),
        (99, 97, _) => Some("Supply-failure log"),
        (99, 98, _) => Some("Event log"),
        _ => None,
    };
    if let Some(name) = whole {
        return Some(name.to_owned());
    }
    if obis.c() == 81 && obis.d() == 7 {
        return Some(format!("Angle {}", obis.e()));
    }
    let quantity = electricity_quantity(obis.c())?;
    let processing = electricity_processing(obis.c(), obis.d())?;
    let mut name = quantity;
    if !processing.is_empty() {
        name = if processing.contains("energy") || processing == "power" {
            format!("{name} {processing}")
        } else {
            format!("{name}, {processing}")
        };
    }
    match obis.e() {
        0 | 255 => {}
        rate => name.push_str(&format!(", rate {rate}")),
    }
    Some(name)
}

fn abstract_object(obis: Obis) -> Option<&'static str> {
    Some(match (obis.c(), obis.d(), obis.e()) {
        (0, 1, 0) => "Billing period counter",
        (0, 1, 2) => "Stamp of the last billing reset",
        (1, 0, _) => "Clock",
        (2, 0, _) => "Modem",
        (9, 1, _) => "Meter time",
        (9, 2, _) => "Meter date",
        (10, 0, 0) => "Global meter reset",
        (10, 0, 1) => "End-of-billing script",
        (10, 0, 100) => "Tariff scripts",
        (10, 0, _) => "Script table",
        (11, 0, _) => "Special days",
        (13, 0, _) => "Activity calendar",
        (14, 0, _) => "Register activation",
        (15, 0, 0) => "End-of-billing schedule",
        (15, 0, _) => "Schedule",
        (16, 0, _) => "Register monitor",
        (17, 0, _) => "Limiter",
        (20, 0, _) => "Optical port",
        (21, 0, _) => "Standard readout",
        (22, 0, _) => "HDLC setup",
        (25, _, _) => "Network setup",
        (40, 0, _) => "Association",
        (41, 0, _) => "SAP assignment",
        (42, 0, _) => "Logical device name",
        (43, 0, _) => "Security setup",
        (43, 1, _) => "Invocation counter",
        (44, 0, _) => "Image transfer",
        (94, 91, 9) => "Meter category",
        (96, 1, 0) => "Serial number",
        (96, 1, 1) => "Device identity 2",
        (96, 1, 2) => "Device identity 3",
        (96, 1, _) => "Device identity",
        (96, 2, 0) => "Configuration changes",
        (96, 3, 10) => "Contactor",
        (96, 5, _) => "Operating status",
        (96, 6, 0) => "Battery hours",
        (96, 6, 1) => "Battery charge",
        (96, 6, 3) => "Battery voltage",
        (96, 6, 6) => "Battery time left",
        (96, 7, 0) => "Supply failures, all phases",
        (96, 7, 21) => "Supply failures, any phase",
        (96, 7, 9) => "Long supply failures",
        (96, 7, _) => "Supply failures",
        (96, 8, _) => "Operating time",
        (96, 10, _) => "Profile status",
        (96, 11, _) => "Event code",
        (96, 14, _) => "Rate in force",
        (96, 15, _) => "Event counter",
        (96, 20, _) => "Tamper counter",
        (97, 97, _) => "Error register",
        (97, 98, _) => "Alarm register",
        (98, 1, _) => "Billing profile",
        (98, 2, _) => "Daily billing profile",
        (99, 98, 0) => "Standard event log",
        (99, 98, 1) => "Fraud log",
        (99, 98, 2) => "Control log",
        (99, 98, 3) => "Contactor log",
        (99, 98, 4) => "Power-quality log",
        (99, 98, _) => "Event log",
        (99, 97, _) => "Supply-failure log",
        _ => return None,
    })
}

/// The plain name of a code, or the code itself where IEC 62056-61 gives none. A billing period in group F is not
/// part of the name.
#[must_use]
pub fn plain_name(obis: Obis) -> String {
    let named = match obis.a() {
        1 => electricity(obis).or_else(|| abstract_object(obis).map(str::to_owned)),
        0 => abstract_object(obis).map(str::to_owned),
        _ => None,
    };
    let name = named.unwrap_or_else(|| format!("Object {}", obis.short()));
    if obis.b() > 0 && obis.a() == 1 && !matches!(obis.c(), 98 | 99) {
        format!("{name}, channel {}", obis.b())
    } else {
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_of_every_day_have_the_names_of_the_trade() {
        for (code, name) in [
            ("1-0:1.8.0*255", "Active import energy"),
            ("1-0:1.8.2*255", "Active import energy, rate 2"),
            ("1-0:2.8.0*255", "Active export energy"),
            ("1-0:5.8.0*255", "Reactive Q1 energy"),
            ("1-0:1.6.0*255", "Active import, maximum demand"),
            ("1-0:1.7.0*255", "Active import power"),
            ("1-0:32.7.0*255", "Voltage L1"),
            ("1-0:71.7.0*255", "Current L3"),
            ("1-0:99.1.0*255", "Load profile"),
            ("0-0:1.0.0*255", "Clock"),
            ("0-0:96.1.0*255", "Serial number"),
            ("0-0:99.98.0*255", "Standard event log"),
        ] {
            assert_eq!(plain_name(code.parse().unwrap()), name);
        }
    }

    #[test]
    fn a_code_without_a_name_is_shown_as_itself() {
        assert_eq!(plain_name(Obis::new(7, 0, 1, 2, 3, 255)), "Object 7-0:1.2.3");
    }
}
