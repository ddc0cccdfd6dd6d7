//! A new scheme for a meter that goes on.

use super::{Calendar, Cause, Document, Engine, EngineError, Source};
use crate::model::IntervalStatus;

impl Engine {
    /// Goes on with another scheme, as a meter does that was programmed anew. Clock, supply and totals stay, and so
    /// does what the new scheme has registers of the same id for, if they count the same. The demand period in progress
    /// begins anew, and the profile's interval is cut: its records up to here have the old scheme's channels. With `ends_period`, the billing period ends with the old scheme where the new one minds changes of
    /// tariff.
    ///
    /// # Errors
    /// A period of the new scheme does not divide the hour; then the old one goes on.
    pub fn reprogram(
        &mut self,
        document: &Document,
        calendar: Calendar,
        ends_period: bool,
    ) -> Result<(), EngineError> {
        let measured: Vec<Source> = self.counted.iter().map(|one| one.source).collect();
        let mut new = Self::new(document, calendar, self.now(), &measured)?;
        if ends_period && new.billing.on_tariff_change && self.condition.supply {
            self.end_period(Cause::TariffChange);
        }
        if self.profile.is_in_progress(self.now()) {
            let (at, meter_at) = (self.now(), self.meter_time());
            self.profile.mark(IntervalStatus::CONFIGURATION_CHANGED);
            let condition = &self.condition;
            self.profile.close(
                self.calendar.clock(),
                at,
                meter_at,
                !condition.supply,
                condition.clock_invalid,
            );
        }
        for (position, (total, unmeasured)) in new.same_counted(self) {
            if let Some(one) = new.counted.get_mut(position) {
                one.total = total;
            }
            if let Some(lost) = new.unmeasured.get_mut(position) {
                *lost = unmeasured;
            }
        }
        for position in 0..new.registers.len() {
            let value = new.same_register(self, position);
            if let (Some(register), Some(value)) = (new.registers.get_mut(position), value) {
                register.value = value;
            }
        }
        new.demand.take_over(&self.demand);
        new.dates.take_over(&self.dates);
        new.profile.take_over(&mut self.profile);
        new.condition = self.condition.clone();
        new.sets = self.take_billing_sets();
        new.log = self.take_log();
        new.begin();
        *self = new;
        Ok(())
    }

    /// What is measured, or added up, at a position.
    fn sources_at(&self, position: usize) -> Option<Vec<Source>> {
        let one = self.counted.get(position)?;
        if one.parts.is_empty() {
            return Some(vec![one.source]);
        }
        Some(one.parts.iter().filter_map(|part| self.counted.get(*part)).map(|part| part.source).collect())
    }

    /// For each thing counted, what the old meter had of it.
    fn same_counted(&self, old: &Self) -> Vec<(usize, (i128, i128))> {
        let of_old = |position: usize| {
            let wanted = self.sources_at(position);
            let at = (0..old.counted.len()).find(|at| old.sources_at(*at) == wanted)?;
            Some((old.counted.get(at)?.total, *old.unmeasured.get(at)?))
        };
        (0..self.counted.len()).filter_map(|position| Some((position, of_old(position)?))).collect()
    }

    /// What the old meter had in the register of that id, if it counted the same.
    fn same_register(&self, old: &Self, position: usize) -> Option<i128> {
        let register = self.registers.get(position)?;
        let earlier = old.registers.iter().find(|earlier| earlier.id == register.id)?;
        let same = self.sources_at(register.counted?) == old.sources_at(earlier.counted?);
        same.then_some(earlier.value)
    }
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;

    use super::*;
    use crate::model::Decimal;
    use crate::scheme::document::{Switch, Tariff};

    #[test]
    fn a_meter_that_is_programmed_anew_keeps_what_it_counted() {
        let first = Document::blank("dlms-generic", "UTC");
        let mut second = first.clone();
        let mut night = first.registers.energy[0].clone();
        night.id = "R2".to_owned();
        second.registers.energy.push(night);
        second.tariff = Tariff::single("R2");
        second.tariff.day_types[0]
            .switches
            .push(Switch { at: "12:00".parse().unwrap(), on: vec!["R1".to_owned()] });
        let start = "2026-03-02T06:00:00Z".parse().unwrap();
        let sources = [Source::ActiveImport];
        let mut engine = Engine::new(&first, Calendar::new(&first).unwrap(), start, &sources).unwrap();
        let energy = [(Source::ActiveImport, Decimal::from(600))];
        engine.advance(start + 70.minutes(), &energy).unwrap();
        engine.reprogram(&second, Calendar::new(&second).unwrap(), true).unwrap();
        engine.advance(start + 2.hours(), &energy).unwrap();
        engine.advance(start + 8.hours(), &[]).unwrap();
        engine.advance(start + 9.hours(), &energy).unwrap();
        let values: Vec<String> =
            engine.registers().iter().map(|register| register.value.unwrap().to_string()).collect();
        assert_eq!(values, ["1200", "600"]);
        assert_eq!(engine.totals()[0].value, Decimal::from(1800));
        let sets = engine.take_billing_sets();
        assert_eq!((sets.len(), sets[0].cause), (1, Cause::TariffChange));
        assert_eq!(sets[0].at, start + 70.minutes());
        let profile = engine.take_profile();
        let values = profile.iter().filter_map(|record| record.values[0]);
        let sum = values.fold(Decimal::ZERO, |sum, value| sum.checked_add(value).unwrap());
        assert_eq!(sum, Decimal::from(1800));
        let cut = profile.iter().find(|record| record.status.contains(IntervalStatus::CONFIGURATION_CHANGED));
        assert_eq!(cut.unwrap().end, start + 70.minutes());
    }
}
