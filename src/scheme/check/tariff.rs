//! What a tariff does over the day, the year and the years to come.

use std::collections::{BTreeMap, HashSet};

use jiff::ToSpan;
use jiff::civil::{Date, Time};

use super::{Checker, is_within};
use crate::scheme::calendar::Calendar;
use crate::scheme::clock::WallClock;
use crate::scheme::document::{SeasonStart, Source, Switch, SwitchTime, Tariff};
use crate::scheme::problem::{Code, Problem};

/// Special days beyond this are not compared with each other: `limit` has refused them already.
const COMPARED: usize = 2048;
/// Ten years, with their leap days.
const LOOKED_AHEAD_DAYS: i32 = 3653;

impl Checker<'_> {
    pub(super) fn tariff_rules(&mut self) {
        if self.document.registers.energy.is_empty() {
            let message = "an empty list stands here: at least one energy register must be on at all times";
            self.note(Code::NoEnergyRegister, "registers.energy", message);
        }
        for (place, tariff) in self.tariffs() {
            self.switches(place, tariff);
            self.coverage(place, tariff);
            self.season_cover(place, tariff);
            self.special_days(place, tariff);
        }
        self.never_used();
        if let Some(latent) = &self.document.latent
            && latent.activate_at.date() < self.today
        {
            let message = format!(
                "{} has gone by: make the latent tariff the scheme's own, or set a date to come",
                latent.activate_at.strftime("%Y-%m-%dT%H:%M:%S")
            );
            self.note(Code::LatentPast, "latent.activate_at", message);
        }
    }

    fn switches(&mut self, place: &str, tariff: &Tariff) {
        for (index, day) in tariff.day_types.iter().enumerate() {
            let place = format!("{place}.day_types[{index}].switches");
            match day.switches.first() {
                None => {
                    let message = "an empty list stands here: a day begins with a switch at 00:00";
                    self.note(Code::DayStart, place.clone(), message);
                }
                Some(first) if first.at != SwitchTime::MIDNIGHT => {
                    let message = format!("{} stands first: a day begins with a switch at 00:00", first.at);
                    self.note(Code::DayStart, format!("{place}[0].at"), message);
                }
                Some(_) => {}
            }
            for (before, pair) in day.switches.windows(2).enumerate() {
                if let [earlier, later] = pair
                    && later.at <= earlier.at
                {
                    let message = format!("{} stands after {}: times must rise", later.at, earlier.at);
                    self.note(Code::SwitchOrder, format!("{place}[{}].at", before + 1), message);
                }
            }
        }
    }

    /// Whether a source that has energy registers has exactly one on.
    fn coverage(&mut self, place: &str, tariff: &Tariff) {
        if !self.is_sound("registers", &["title", "obis", "colour", "highest"]) {
            return;
        }
        let mut of_source: BTreeMap<Source, HashSet<&str>> = BTreeMap::new();
        for register in &self.document.registers.energy {
            of_source.entry(register.source).or_default().insert(&register.id);
        }
        let named: HashSet<&str> = tariff
            .seasons
            .iter()
            .filter_map(|season| tariff.weeks.iter().find(|week| week.id == season.week))
            .flat_map(|week| &week.days)
            .chain(tariff.special_days.iter().map(|special| &special.day_type))
            .map(String::as_str)
            .collect();
        for (index, day) in tariff.day_types.iter().enumerate() {
            for (at, switch) in day.switches.iter().enumerate() {
                let place = format!("{place}.day_types[{index}].switches[{at}].on");
                // An id that could not be read may be the one that is missed.
                if !self.is_sound(&place, &[]) {
                    continue;
                }
                for (source, registers) in &of_source {
                    self.one_of_source(&place, switch, *source, registers, named.contains(day.id.as_str()));
                }
            }
        }
    }

    fn one_of_source(
        &mut self,
        place: &str,
        switch: &Switch,
        source: Source,
        registers: &HashSet<&str>,
        is_named: bool,
    ) {
        let on: Vec<&str> =
            switch.on.iter().map(String::as_str).filter(|id| registers.contains(id)).collect();
        let distinct: HashSet<&str> = on.iter().copied().collect();
        if distinct.is_empty() && is_named {
            let message =
                format!("from {} no energy register of {source} is on: its energy would be lost", switch.at);
            self.note(Code::NoEnergyRegister, place, message);
        }
        if distinct.len() > 1 {
            let message = format!("from {} {} count {source} at once", switch.at, on.join(" and "));
            self.note(Code::DoubleCount, place, message);
        }
    }

    fn season_cover(&mut self, place: &str, tariff: &Tariff) {
        let place = format!("{place}.seasons");
        let is_yearly = |start: SeasonStart| matches!(start, SeasonStart::Yearly(_));
        if tariff.seasons.is_empty() {
            let message = "an empty list stands here: one season at least must cover the year";
            self.note(Code::SeasonCover, place, message);
            return;
        }
        if !tariff.seasons.iter().any(|season| is_yearly(season.starts))
            && self.is_sound(&place, &["title", "id", "week"])
        {
            let first =
                tariff.seasons.iter().map(|season| season.starts.to_string()).min().unwrap_or_default();
            let message =
                format!("days before {first} belong to no season: let one start each year, written MM-DD");
            self.note(Code::SeasonCover, place.clone(), message);
        }
        let mut yearly = std::collections::HashMap::new();
        let mut once = std::collections::HashMap::new();
        for (index, season) in tariff.seasons.iter().enumerate() {
            let first = match season.starts {
                SeasonStart::Yearly(day) => yearly.insert((day.month(), day.day()), index),
                SeasonStart::Once(date) => once.insert(date, index),
            };
            if let Some(first) = first {
                let message = format!(
                    "{} is the start of {place}[{first}] too: each day belongs to one season",
                    season.starts
                );
                self.note(Code::SeasonCover, format!("{place}[{index}].starts"), message);
            }
        }
        for (date, index) in once {
            if let Some(other) = yearly.get(&(date.month(), date.day())) {
                let message =
                    format!("{date} is the start of {place}[{other}] too: each day belongs to one season");
                self.note(Code::SeasonCover, format!("{place}[{index}].starts"), message);
            }
        }
    }

    fn special_days(&mut self, place: &str, tariff: &Tariff) {
        let place = format!("{place}.special_days");
        let days = &tariff.special_days;
        let is_broken =
            |checker: &Self, index: usize| !checker.is_sound(&format!("{place}[{index}].date"), &[]);
        let readable: Vec<usize> =
            (0..days.len().min(COMPARED)).filter(|index| !is_broken(self, *index)).collect();
        for (position, &later) in readable.iter().enumerate() {
            let Some(date) = days.get(later).map(|day| day.date) else { continue };
            let clash = readable.iter().take(position).find_map(|&earlier| {
                days.get(earlier).and_then(|day| day.date.common(date)).map(|common| (earlier, common))
            });
            if let Some((earlier, common)) = clash {
                let message = format!("{date} and {place}[{earlier}] both rule {common}: keep one of them");
                self.note(Code::SpecialDayClash, format!("{place}[{later}].date"), message);
            }
        }
        let mut last: Option<Date> = None;
        for &index in &readable {
            let Some(pattern) = days.get(index).map(|day| day.date) else { continue };
            let Some(date) = pattern.last() else { continue };
            last = last.max(Some(date));
            if date < self.today {
                let message = format!("{pattern} has gone by: take it out, or write * for its year");
                self.note(Code::SpecialDayPast, format!("{place}[{index}].date"), message);
            }
        }
        let year_ahead = self.today.checked_add(1.year()).unwrap_or(Date::MAX);
        if let Some(last) = last
            && last < year_ahead
        {
            let message = format!("the last dated special day is {last}: add those of the years to come");
            self.note(Code::SpecialDaysRunOut, place, message);
        }
    }

    /// What no day of the next ten years comes to.
    fn never_used(&mut self) {
        let document = self.document;
        let regardless = ["title", "obis", "colour", "highest", "source", "sources"];
        // What is named amiss reaches nothing; that is said already.
        let amiss = |problem: &Problem| {
            matches!(problem.code, Code::UndefinedReference | Code::DuplicateId | Code::SeasonCover)
                && ["tariff", "latent", "registers"].iter().any(|section| is_within(&problem.place, section))
        };
        if self.problems.iter().any(amiss) {
            return;
        }
        let too_many = self.tariffs().any(|(_, tariff)| tariff.special_days.len() > COMPARED);
        if too_many
            || !["registers", "tariff", "latent"].iter().all(|section| self.is_sound(section, &regardless))
        {
            return;
        }
        let calendar = Calendar::with_clock(document, WallClock::of_meter(0, None));
        let mut registers: HashSet<&str> = HashSet::new();
        for (place, tariff) in self.tariffs() {
            let is_latent = place != "tariff";
            let (from, days) = self.in_force(is_latent);
            let mut used = Used::default();
            for day in (0..days).map_while(|day| from.checked_add(day.days()).ok()) {
                let plan = calendar.day(is_latent, day);
                used.seasons.extend(plan.season);
                used.day_types.extend(plan.day_type);
                if !plan.special_day {
                    used.weeks.extend(
                        plan.season
                            .and_then(|index| tariff.seasons.get(index))
                            .map(|season| season.week.as_str()),
                    );
                }
            }
            if days == 0 && !is_latent {
                used.day_types = (0..tariff.day_types.len()).collect();
                registers.extend(
                    tariff
                        .day_types
                        .iter()
                        .flat_map(|day| &day.switches)
                        .flat_map(|switch| &switch.on)
                        .map(String::as_str),
                );
                continue;
            }
            for (index, day) in tariff.day_types.iter().enumerate() {
                if used.day_types.contains(&index) {
                    registers.extend(day.switches.iter().flat_map(|switch| &switch.on).map(String::as_str));
                } else {
                    self.unused(format!("{place}.day_types[{index}]"), "day type", &day.id);
                }
            }
            for (index, week) in tariff.weeks.iter().enumerate() {
                if !used.weeks.contains(week.id.as_str()) {
                    self.unused(format!("{place}.weeks[{index}]"), "week", &week.id);
                }
            }
            for (index, season) in tariff.seasons.iter().enumerate() {
                if !used.seasons.contains(&index) {
                    self.unused(format!("{place}.seasons[{index}]"), "season", &season.id);
                }
            }
        }
        let energy = document.registers.energy.iter().map(|register| &register.id);
        let demand = document.registers.demand.iter().map(|register| &register.id);
        for (list, ids) in [("energy", energy.collect::<Vec<_>>()), ("demand", demand.collect())] {
            for (index, id) in ids.into_iter().enumerate() {
                if !registers.contains(id.as_str()) {
                    self.unused(format!("registers.{list}[{index}]"), "register", id);
                }
            }
        }
    }

    /// The first day that a tariff rules from today on, and how many of the next ten years' days.
    fn in_force(&self, is_latent: bool) -> (Date, i32) {
        let Some(latent) = &self.document.latent else { return (self.today, LOOKED_AHEAD_DAYS) };
        let change = latent.activate_at;
        let until = |date: Date| {
            let days = self.today.until(date).map_or(0, |span| span.get_days());
            days.clamp(0, LOOKED_AHEAD_DAYS)
        };
        if is_latent {
            let from = change.date().max(self.today);
            return (from, LOOKED_AHEAD_DAYS - until(from));
        }
        // The day of the change is ruled by both, unless the change is at its very start.
        let whole = i32::from(change.time() != Time::midnight() && change.date() >= self.today);
        (self.today, (until(change.date()) + whole).min(LOOKED_AHEAD_DAYS))
    }

    fn unused(&mut self, place: String, what: &str, id: &str) {
        let message = format!("no day of the next ten years comes to {what} {id}: use it, or take it out");
        self.note(Code::NeverUsed, place, message);
    }
}

#[derive(Default)]
struct Used<'a> {
    seasons: HashSet<usize>,
    day_types: HashSet<usize>,
    weeks: HashSet<&'a str>,
}
