//! `bad-value`: what has the right type, but cannot be.

use super::Checker;
use crate::model::Unit;
use crate::scheme::clock;
use crate::scheme::document::{OutputFunction, Source};
use crate::scheme::json::quoted;
use crate::scheme::problem::Code;

/// Longest id.
const ID_LENGTH: usize = 16;

impl Checker<'_> {
    fn bad(&mut self, place: impl Into<String>, message: impl Into<String>) {
        self.note(Code::BadValue, place, message);
    }

    fn within(&mut self, place: &str, value: u32, low: u32, high: u32) {
        if !(low..=high).contains(&value) {
            self.bad(place, format!("{value} stands here: allowed is {low} to {high}"));
        }
    }

    pub(super) fn values(&mut self) {
        let document = self.document;
        let allowed = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
        if !(1..=8).contains(&document.identity.len()) || !document.identity.bytes().all(allowed) {
            let message = format!(
                "{} is not an identity: write 1 to 8 of the letters A to Z and the digits 0 to 9",
                quoted(&document.identity)
            );
            self.bad("identity", message);
        }
        if let Err(error) = clock::zone(&document.time_zone) {
            self.bad("time_zone", error.to_string());
        }
        self.ids();
        for (index, register) in document.registers.demand.iter().enumerate() {
            if register.highest == 0 {
                self.bad(format!("registers.demand[{index}].highest"), "0 stands here: allowed is 1 or more");
            }
        }
        self.sums();
        if document.demand.sub_intervals == 0 {
            self.bad(
                "demand.sub_intervals",
                "0 stands here: allowed is 1 for block demand, more for sliding",
            );
        }
        self.within("billing.manual_lockout_minutes", document.billing.manual_lockout_minutes, 0, 65_535);
        self.within("display.seconds", document.display.seconds, 1, 255);
        if let Some(dst) = &document.dst {
            self.within("clock.dst.shift_hours", dst.shift_hours, 1, 2);
            for (name, rule) in [("starts", &dst.starts), ("ends", &dst.ends)] {
                self.within(&format!("clock.dst.{name}.month"), rule.month, 1, 12);
                self.within(&format!("clock.dst.{name}.hour"), rule.hour, 0, 23);
            }
        }
        for (index, output) in document.outputs.iter().enumerate() {
            if let OutputFunction::Pulse { pulses_per_kilo, .. } = output.function {
                self.within(&format!("outputs[{index}].pulses_per_kilo"), pulses_per_kilo, 1, 1_000_000);
            }
        }
    }

    fn ids(&mut self) {
        let registers = &self.document.registers;
        let energy = registers.energy.iter().map(|register| &register.id).enumerate();
        let demand = registers.demand.iter().map(|register| &register.id).enumerate();
        let sums = registers.customer_defined.iter().map(|register| &register.id).enumerate();
        let outputs = self.document.outputs.iter().map(|output| &output.id).enumerate();
        let mut ids: Vec<(String, &String)> = Vec::new();
        ids.extend(energy.map(|(index, id)| (format!("registers.energy[{index}].id"), id)));
        ids.extend(demand.map(|(index, id)| (format!("registers.demand[{index}].id"), id)));
        ids.extend(sums.map(|(index, id)| (format!("registers.customer_defined[{index}].id"), id)));
        for (place, tariff) in self.tariffs() {
            let days = tariff.day_types.iter().map(|day| &day.id).enumerate();
            ids.extend(days.map(|(index, id)| (format!("{place}.day_types[{index}].id"), id)));
            let weeks = tariff.weeks.iter().map(|week| &week.id).enumerate();
            ids.extend(weeks.map(|(index, id)| (format!("{place}.weeks[{index}].id"), id)));
            let seasons = tariff.seasons.iter().map(|season| &season.id).enumerate();
            ids.extend(seasons.map(|(index, id)| (format!("{place}.seasons[{index}].id"), id)));
        }
        ids.extend(outputs.map(|(index, id)| (format!("outputs[{index}].id"), id)));
        for (place, id) in ids {
            let allowed = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
            if id.is_empty() || id.chars().count() > ID_LENGTH || !id.chars().all(allowed) {
                let message =
                    format!("{} is not an id: write 1 to {ID_LENGTH} letters, digits, _, - or .", quoted(id));
                self.bad(place, message);
            }
        }
    }

    /// Customer-defined registers add up what the meter measures, in one unit.
    fn sums(&mut self) {
        for (index, sum) in self.document.registers.customer_defined.iter().enumerate() {
            let place = format!("registers.customer_defined[{index}].sources");
            if sum.sources.is_empty() {
                self.bad(place.clone(), "an empty list stands here: a sum needs at least one source");
            }
            let mut unit = Unit::NONE;
            for (at, source) in sum.sources.iter().enumerate() {
                let place = format!("{place}[{at}]");
                if let Source::CustomerDefined(_) = source {
                    self.bad(place, format!("`{source}` is itself a sum: name what it is made of"));
                    continue;
                }
                match source.unit() {
                    Unit::NONE => {}
                    other if unit == Unit::NONE => unit = other,
                    other if other != unit => {
                        let message = format!(
                            "`{source}` counts in {other} and cannot be added to {unit}: write sources of one unit"
                        );
                        self.bad(place, message);
                    }
                    _ => {}
                }
            }
        }
    }
}
