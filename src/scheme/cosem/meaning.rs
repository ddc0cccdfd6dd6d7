//! What a tariff means, apart from how its parts are called.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::Obis;
use crate::scheme::document::{Registers, Tariff};

/// What is on from which minute of the day.
type Day = Vec<(u16, BTreeSet<Obis>)>;

/// What a tariff means: two tariffs with equal meanings have the same registers on at every instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meaning {
    /// The days of the week of each season, by its start.
    seasons: BTreeMap<String, Vec<Day>>,
    special_days: BTreeMap<String, Day>,
}

impl Meaning {
    /// What a tariff means over registers, which are told apart by their objects in the meter.
    #[must_use]
    pub fn of(tariff: &Tariff, registers: &Registers) -> Self {
        let objects: BTreeMap<&str, Obis> = registers
            .energy
            .iter()
            .map(|register| (register.id.as_str(), register.obis))
            .chain(registers.demand.iter().map(|register| (register.id.as_str(), register.obis)))
            .collect();
        let day = |id: &str| {
            let mut day = Day::new();
            let found = tariff.day_types.iter().find(|day| day.id == id);
            for switch in found.into_iter().flat_map(|day| &day.switches) {
                let on: BTreeSet<Obis> =
                    switch.on.iter().filter_map(|id| objects.get(id.as_str()).copied()).collect();
                if day.last().is_none_or(|(_, before)| *before != on) {
                    day.push((switch.at.minutes(), on));
                }
            }
            day
        };
        let week = |id: &str| {
            let found = tariff.weeks.iter().find(|week| week.id == id);
            found.map_or_else(Vec::new, |week| week.days.iter().map(|id| day(id)).collect())
        };
        // One season alone lasts for ever, whenever it starts.
        let start = |text: String| if tariff.seasons.len() == 1 { String::new() } else { text };
        let seasons =
            tariff.seasons.iter().map(|season| (start(season.starts.to_string()), week(&season.week)));
        let special_days =
            tariff.special_days.iter().map(|special| (special.date.to_string(), day(&special.day_type)));
        Self { seasons: seasons.collect(), special_days: special_days.collect() }
    }
}
