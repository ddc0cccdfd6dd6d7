//! `undefined-reference` and `duplicate-id`: every id that is named exists once.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use super::Checker;
use crate::scheme::document::{OutputFunction, Source, Tariff};
use crate::scheme::json::quoted;
use crate::scheme::problem::Code;

/// Members of a register that no reference goes by.
const NOT_IDS: [&str; 6] = ["title", "source", "obis", "colour", "highest", "sources"];

fn known<'a>(ids: impl Iterator<Item = &'a String>) -> String {
    let ids: Vec<&str> = ids.map(String::as_str).filter(|id| !id.is_empty()).take(40).collect();
    if ids.is_empty() { "there is none yet".to_owned() } else { format!("there is {}", ids.join(", ")) }
}

impl Checker<'_> {
    pub(super) fn references(&mut self) {
        self.duplicate_registers();
        self.repeated_entries();
        for (place, tariff) in self.tariffs() {
            let days = tariff.day_types.iter().map(|day| day.id.as_str());
            self.unique(days.enumerate().map(|(i, id)| (format!("{place}.day_types[{i}].id"), id)));
            let weeks = tariff.weeks.iter().map(|week| week.id.as_str());
            self.unique(weeks.enumerate().map(|(i, id)| (format!("{place}.weeks[{i}].id"), id)));
            let seasons = tariff.seasons.iter().map(|season| season.id.as_str());
            self.unique(seasons.enumerate().map(|(i, id)| (format!("{place}.seasons[{i}].id"), id)));
            self.tariff_references(place, tariff);
        }
        let outputs = self.document.outputs.iter().map(|output| output.id.as_str());
        self.unique(outputs.enumerate().map(|(i, id)| (format!("outputs[{i}].id"), id)));
        self.register_references();
        self.numbered_sources();
    }

    /// Notes every key that stood before, at its later place.
    fn unique<T: Hash + Eq + std::fmt::Display>(&mut self, entries: impl Iterator<Item = (String, T)>) {
        let mut seen: HashMap<T, String> = HashMap::new();
        for (place, id) in entries {
            // An empty id is named as a bad value already.
            let shown = id.to_string();
            if let Some(first) = seen.get(&id) {
                if !shown.is_empty() {
                    let message = format!("{} stands at {first} already: write it once", quoted(&shown));
                    self.note(Code::DuplicateId, place, message);
                }
            } else {
                seen.insert(id, place);
            }
        }
    }

    fn duplicate_registers(&mut self) {
        let registers = &self.document.registers;
        let mut ids: Vec<(String, &str)> = Vec::new();
        let energy = registers.energy.iter().enumerate();
        ids.extend(energy.map(|(i, register)| (format!("registers.energy[{i}].id"), register.id.as_str())));
        let demand = registers.demand.iter().enumerate();
        ids.extend(demand.map(|(i, register)| (format!("registers.demand[{i}].id"), register.id.as_str())));
        let sums = registers.customer_defined.iter().enumerate();
        ids.extend(sums.map(|(i, sum)| (format!("registers.customer_defined[{i}].id"), sum.id.as_str())));
        self.unique(ids.into_iter());
        let energy = registers.energy.iter().map(|register| register.obis).enumerate();
        let demand = registers.demand.iter().map(|register| register.obis).enumerate();
        let energy = energy.map(|(i, obis)| (format!("registers.energy[{i}].obis"), obis));
        let demand = demand.map(|(i, obis)| (format!("registers.demand[{i}].obis"), obis));
        self.unique(energy.chain(demand));
    }

    /// One thing twice in a list that names things.
    fn repeated_entries(&mut self) {
        let document = self.document;
        for (index, sum) in document.registers.customer_defined.iter().enumerate() {
            let sources = sum.sources.iter().enumerate();
            self.unique(
                sources
                    .map(|(i, source)| (format!("registers.customer_defined[{index}].sources[{i}]"), source)),
            );
        }
        for (place, tariff) in self.tariffs() {
            for (day, day_type) in tariff.day_types.iter().enumerate() {
                for (switch, set) in day_type.switches.iter().enumerate() {
                    let ids = set.on.iter().enumerate();
                    self.unique(
                        ids.map(|(i, id)| {
                            (format!("{place}.day_types[{day}].switches[{switch}].on[{i}]"), id)
                        }),
                    );
                }
            }
        }
        let channels = document.profile.channels.iter().enumerate();
        self.unique(channels.map(|(i, channel)| (format!("profile.channels[{i}]"), channel)));
        let channels = document.instrumentation.channels.iter().enumerate();
        self.unique(channels.map(|(i, channel)| {
            let name = format!("{} {} {}", channel.keep, channel.quantity, channel.phase);
            (format!("instrumentation.channels[{i}]"), name)
        }));
    }

    fn tariff_references(&mut self, place: &str, tariff: &Tariff) {
        if self.is_sound(&format!("{place}.day_types"), &["title", "switches", "at", "on"]) {
            let ids: HashSet<&str> = tariff.day_types.iter().map(|day| day.id.as_str()).collect();
            let known = known(tariff.day_types.iter().map(|day| &day.id));
            let mut missing = |place: String, id: &str| {
                if !ids.contains(id) {
                    let message = format!("{} is not a day type: {known}", quoted(id));
                    self.note(Code::UndefinedReference, place, message);
                }
            };
            for (week, days) in tariff.weeks.iter().enumerate() {
                for (day, id) in days.days.iter().enumerate() {
                    missing(format!("{place}.weeks[{week}].days[{day}]"), id);
                }
            }
            for (index, special) in tariff.special_days.iter().enumerate() {
                missing(format!("{place}.special_days[{index}].day_type"), &special.day_type);
            }
        }
        if self.is_sound(&format!("{place}.weeks"), &["days"]) {
            let ids: HashSet<&str> = tariff.weeks.iter().map(|week| week.id.as_str()).collect();
            let known = known(tariff.weeks.iter().map(|week| &week.id));
            for (index, season) in tariff.seasons.iter().enumerate() {
                if !ids.contains(season.week.as_str()) {
                    let message = format!("{} is not a week: {known}", quoted(&season.week));
                    self.note(Code::UndefinedReference, format!("{place}.seasons[{index}].week"), message);
                }
            }
        }
    }

    /// `on` and outputs name energy and demand registers.
    fn register_references(&mut self) {
        if !self.is_sound("registers", &NOT_IDS) {
            return;
        }
        let mut named: Vec<(String, &str)> = Vec::new();
        for (place, tariff) in self.tariffs() {
            for (day, day_type) in tariff.day_types.iter().enumerate() {
                for (switch, set) in day_type.switches.iter().enumerate() {
                    let place = format!("{place}.day_types[{day}].switches[{switch}].on");
                    let ids = set.on.iter().enumerate();
                    named.extend(ids.map(|(index, id)| (format!("{place}[{index}]"), id.as_str())));
                }
            }
        }
        for (index, output) in self.document.outputs.iter().enumerate() {
            if let OutputFunction::Follow { register } = &output.function {
                named.push((format!("outputs[{index}].register"), register));
            }
        }
        let registers = &self.document.registers;
        let energy = registers.energy.iter().map(|register| &register.id);
        let switched: Vec<&String> =
            energy.chain(registers.demand.iter().map(|register| &register.id)).collect();
        let ids: HashSet<&str> = switched.iter().map(|id| id.as_str()).collect();
        let sums: HashSet<&str> = registers.customer_defined.iter().map(|sum| sum.id.as_str()).collect();
        let known = known(switched.into_iter());
        for (place, id) in named.into_iter().filter(|(_, id)| !ids.contains(id)) {
            let message = if sums.contains(id) {
                format!(
                    "{} is a customer-defined register and counts always: name energy and demand registers",
                    quoted(id)
                )
            } else {
                format!("{} is not an energy or demand register: {known}", quoted(id))
            };
            self.note(Code::UndefinedReference, place, message);
        }
    }

    /// `customer_defined_3` needs a third customer-defined register.
    fn numbered_sources(&mut self) {
        if !self.is_sound("registers.customer_defined", &["id", "title", "sources"]) {
            return;
        }
        let document = self.document;
        let sums = document.registers.customer_defined.len();
        let mut named: Vec<(String, Source)> = Vec::new();
        let energy = document.registers.energy.iter().enumerate();
        named.extend(energy.map(|(i, register)| (format!("registers.energy[{i}].source"), register.source)));
        let demand = document.registers.demand.iter().enumerate();
        named.extend(demand.map(|(i, register)| (format!("registers.demand[{i}].source"), register.source)));
        let channels = document.profile.channels.iter().enumerate();
        named.extend(channels.map(|(i, source)| (format!("profile.channels[{i}]"), *source)));
        for (index, output) in document.outputs.iter().enumerate() {
            if let OutputFunction::Pulse { source, .. } = output.function {
                named.push((format!("outputs[{index}].source"), source));
            }
        }
        for (place, source) in named {
            if let Source::CustomerDefined(number) = source
                && usize::from(number) > sums
            {
                let message = format!(
                    "`{source}` is not there: the scheme has {sums} customer-defined registers; define it in \
                     registers.customer_defined"
                );
                self.note(Code::UndefinedReference, place, message);
            }
        }
    }
}
