//! Voltages, currents, powers and frequency that agree with the energy being counted.

use super::load::{Energies, Premises};
use super::noise::Noise;

/// What the terminals see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Electrical {
    /// Voltage of each phase in 0.1 V; nought for a phase that is not there.
    pub decivolts: [i64; 3],
    /// Current of each phase in 0.01 A.
    pub centiamperes: [i64; 3],
    /// Active import in W.
    pub import_watts: i64,
    /// Active export in W.
    pub export_watts: i64,
    /// Reactive import (quadrants I and II) in var.
    pub import_vars: i64,
    /// Reactive export (quadrants III and IV) in var.
    pub export_vars: i64,
    /// Apparent power in VA.
    pub volt_amperes: i64,
    /// Power factor in thousandths.
    pub power_factor: i64,
    /// Frequency in 0.01 Hz.
    pub centihertz: i64,
}

/// What the terminals see in a quarter of an hour with these energies. `moment` is the place in the noise of voltage
/// and frequency: a second for the present, a quarter's beginning for an average.
#[must_use]
pub(crate) fn electrical(premises: Premises, noise: Noise, quarter: &Energies, moment: i64) -> Electrical {
    let watts = |units: u64| {
        let units = i64::try_from(units).unwrap_or(0);
        match premises.scaler() {
            1 => units * 40,
            -1 => units * 4 / 10,
            _ => units * 4,
        }
    };
    let (import_watts, export_watts) = (watts(quarter.import), watts(quarter.export));
    let (import_vars, export_vars) = (watts(quarter.reactive_import()), watts(quarter.reactive_export()));
    let active = import_watts + export_watts;
    let reactive = import_vars + export_vars;
    let volt_amperes =
        active.saturating_mul(active).saturating_add(reactive.saturating_mul(reactive)).isqrt();
    let mut decivolts = [0; 3];
    let mut centiamperes = [0; 3];
    // Shares of the phases in percent.
    let shares: &[i64] = if premises.phases() == 1 { &[100] } else { &[36, 33, 31] };
    for (phase, share) in (0i64..).zip(shares) {
        let place = moment * 3 + phase;
        // A heavy load pulls the voltage down, solar power lifts it.
        let pull = (import_watts - export_watts) * share / 100 / 150;
        let volts = (2318 - pull.clamp(-60, 90) + noise.below(40, place, 24)).clamp(2000, 2600);
        let slot = usize::try_from(phase).unwrap_or(0);
        decivolts[slot] = volts;
        centiamperes[slot] = volt_amperes * share / 100 * 1000 / volts;
    }
    Electrical {
        decivolts,
        centiamperes,
        import_watts,
        export_watts,
        import_vars,
        export_vars,
        volt_amperes,
        power_factor: if volt_amperes == 0 { 1000 } else { active * 1000 / volt_amperes },
        centihertz: 4990 + noise.below(41, moment / 4, 21),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn current_voltage_and_power_agree() {
        let quarter = Energies { import: 575, quadrants: [100, 0, 0, 0], ..Energies::default() };
        let seen = electrical(Premises::Household, Noise::new(1), &quarter, 1000);
        assert_eq!(seen.import_watts, 2300);
        let apparent = seen.decivolts[0] * seen.centiamperes[0] / 1000;
        assert!((apparent - seen.volt_amperes).abs() <= 3, "{apparent} VA against {}", seen.volt_amperes);
        assert_eq!(seen.decivolts[1], 0);
        assert!((985..=1000).contains(&seen.power_factor));
    }
}
