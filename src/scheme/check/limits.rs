//! What the meter model cannot hold: `limit`, `period`, `ratio`; and `dst`.

use super::Checker;
use crate::model::Decimal;
use crate::scheme::document::{Ratio, Tariff};
use crate::scheme::problem::Code;

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

impl Checker<'_> {
    pub(super) fn limit_rules(&mut self) {
        self.counts();
        for (place, tariff) in self.tariffs() {
            self.tariff_counts(place, tariff);
        }
        self.periods();
        self.daylight_saving();
        let transformers = &self.document.transformers;
        self.ratio("transformers.ct", transformers.ct);
        self.ratio("transformers.vt", transformers.vt);
    }

    fn at_most(&mut self, place: impl Into<String>, what: &str, number: usize, limit: u32) {
        if count(number) > limit {
            let template = &self.document.template;
            let message = format!("{number} {what} stand here: a meter of template {template} has {limit}");
            self.note(Code::Limit, place, message);
        }
    }

    fn counts(&mut self) {
        let Some(limits) = self.limits else { return };
        let document = self.document;
        let registers = &document.registers;
        self.at_most("registers.energy", "energy registers", registers.energy.len(), limits.energy_registers);
        self.at_most("registers.demand", "demand registers", registers.demand.len(), limits.demand_registers);
        let sums = registers.customer_defined.len();
        self.at_most(
            "registers.customer_defined",
            "customer-defined registers",
            sums,
            limits.customer_defined,
        );
        for (index, register) in registers.demand.iter().enumerate() {
            let place = format!("registers.demand[{index}].highest");
            let highest = usize::try_from(register.highest).unwrap_or(usize::MAX);
            self.at_most(place, "highest values", highest, limits.highest);
        }
        for (index, sum) in registers.customer_defined.iter().enumerate() {
            let place = format!("registers.customer_defined[{index}].sources");
            self.at_most(place, "sources", sum.sources.len(), limits.customer_defined_sources);
        }
        if document.latent.is_some() && !limits.latent {
            let message =
                format!("a latent tariff stands here: a meter of template {} has none", document.template);
            self.note(Code::Limit, "latent", message);
        }
        self.at_most("billing.dates", "billing dates", document.billing.dates.len(), limits.billing_dates);
        let channels = document.profile.channels.len();
        self.at_most("profile.channels", "profile channels", channels, limits.profile_channels);
        let channels = document.instrumentation.channels.len();
        let limit = limits.instrumentation_channels;
        self.at_most("instrumentation.channels", "instrumentation channels", channels, limit);
        for (place, list) in
            [("display.auto", &document.display.auto), ("display.manual", &document.display.manual)]
        {
            self.at_most(place, "display items", list.len(), limits.display_items);
        }
    }

    fn tariff_counts(&mut self, place: &str, tariff: &Tariff) {
        let Some(limits) = self.limits else { return };
        self.at_most(format!("{place}.day_types"), "day types", tariff.day_types.len(), limits.day_types);
        self.at_most(format!("{place}.weeks"), "weeks", tariff.weeks.len(), limits.weeks);
        self.at_most(format!("{place}.seasons"), "seasons", tariff.seasons.len(), limits.seasons);
        let special_days = tariff.special_days.len();
        self.at_most(format!("{place}.special_days"), "special days", special_days, limits.special_days);
        let grid = limits.switching_grid_minutes.max(1);
        for (index, day) in tariff.day_types.iter().enumerate() {
            let place = format!("{place}.day_types[{index}].switches");
            self.at_most(place.clone(), "switches", day.switches.len(), limits.switches_per_day);
            for (at, switch) in day.switches.iter().enumerate() {
                if u32::from(switch.at.minutes()) % grid != 0 {
                    let message = format!(
                        "{} stands here: a meter of template {} switches every {grid} minutes",
                        switch.at, self.document.template
                    );
                    self.note(Code::Limit, format!("{place}[{at}].at"), message);
                }
            }
        }
    }

    fn periods(&mut self) {
        let document = self.document;
        let demand = document.demand.period_minutes;
        let parts = document.demand.sub_intervals;
        let limits = self.limits;
        self.period("demand.period_minutes", demand, limits.map(|limits| &limits.demand_periods_minutes));
        if parts > 0 && demand > 0 && !demand.is_multiple_of(parts) && self.is_sound("demand", &[]) {
            let message = format!(
                "{parts} parts of {demand} minutes are no whole minutes: write a divisor of {demand}"
            );
            self.note(Code::Period, "demand.sub_intervals", message);
        }
        let of_profile = limits.map(|limits| &limits.profile_periods_minutes);
        self.period("profile.period_minutes", document.profile.period_minutes, of_profile);
        self.period("instrumentation.period_minutes", document.instrumentation.period_minutes, of_profile);
    }

    fn period(&mut self, place: &str, minutes: u32, allowed: Option<&Vec<u32>>) {
        if minutes == 0 || 60 % minutes != 0 {
            let message = format!(
                "{minutes} minutes do not divide the hour: write 1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30 or 60"
            );
            self.note(Code::Period, place, message);
        } else if let Some(allowed) = allowed.filter(|allowed| !allowed.contains(&minutes)) {
            let words: Vec<String> = allowed.iter().map(u32::to_string).collect();
            let message = format!(
                "{minutes} minutes stand here: a meter of template {} has {}",
                self.document.template,
                words.join(", ")
            );
            self.note(Code::Period, place, message);
        }
    }

    /// A summer that begins and ends in one month is none.
    fn daylight_saving(&mut self) {
        let Some(dst) = &self.document.dst else { return };
        if dst.starts.month == dst.ends.month && self.is_sound("clock.dst", &[]) {
            let message = format!(
                "daylight saving starts and ends in month {}: write the month in which the clock goes back",
                dst.ends.month
            );
            self.note(Code::Dst, "clock.dst.ends", message);
        }
    }

    fn ratio(&mut self, place: &str, ratio: Ratio) {
        for (side, value) in [("primary", ratio.primary), ("secondary", ratio.secondary)] {
            let place = format!("{place}.{side}");
            if value == Decimal::ZERO {
                self.note(Code::Ratio, place.clone(), "0 stands here: write what the plate says");
            }
            let text = value.to_string();
            let digits = text.trim_start_matches(['0', '.']).bytes().filter(u8::is_ascii_digit).count();
            if let Some(limits) = self.limits.filter(|limits| count(digits) > limits.ratio_digits) {
                let message = format!(
                    "{text} has {digits} digits: a meter of template {} stores {}",
                    self.document.template, limits.ratio_digits
                );
                self.note(Code::Ratio, place, message);
            }
        }
        let forbids = self.limits.is_some_and(|limits| !limits.secondary_above_primary);
        if forbids && ratio.steps_up() && self.is_sound(place, &[]) {
            let message = format!(
                "{}{} is above the primary {}{}: a meter of template {} does not step up; are they the wrong way round?",
                ratio.secondary,
                ratio.divisors[1].text(),
                ratio.primary,
                ratio.divisors[0].text(),
                self.document.template
            );
            self.note(Code::Ratio, format!("{place}.secondary"), message);
        }
    }
}
