//! A meter's tables as a scheme.
//!
//! A meter keeps no titles, no colours and no ids. Where a reference is given, what is in the same place there has
//! its id, and everything that a meter cannot say is as there; else ids are made up.

use std::collections::BTreeSet;

use super::layout::season_order;
use super::resolve::Resolver;
use super::{dates, is_unspecified};
use crate::model::tariff::{CalendarTables, DayRow, SeasonRow, TariffTables};
use crate::model::template::SchemeObjects;
use crate::model::{Obis, hex, plain_name};
use crate::scheme::document::{
    Colour, DayType, DemandRegister, Document, EnergyRegister, Latent, MonthDay, Registers, Season,
    SeasonStart, Source, SpecialDay, Switch, Tariff, Week,
};

/// Colours that the colour-blind tell apart (Okabe and Ito).
const COLOURS: [Colour; 7] = [
    Colour([0x00, 0x72, 0xb2]),
    Colour([0xe6, 0x9f, 0x00]),
    Colour([0x00, 0x9e, 0x73]),
    Colour([0xcc, 0x79, 0xa7]),
    Colour([0x56, 0xb4, 0xe9]),
    Colour([0xd5, 0x5e, 0x00]),
    Colour([0xf0, 0xe4, 0x42]),
];

/// What is read.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// The tables.
    pub tables: &'a TariffTables,
    /// The objects.
    pub objects: &'a SchemeObjects,
    /// The meter's registers with their classes, where they are known.
    pub registers: &'a [(u16, Obis)],
    /// A scheme that lends ids and all that a meter cannot say.
    pub reference: Option<&'a Document>,
    /// Template of a document without a reference.
    pub template: &'a str,
    /// Time zone of a document without a reference.
    pub time_zone: &'a str,
}

/// What was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The scheme.
    pub document: Document,
    /// What the tables say that a scheme cannot, in words.
    pub oddities: Vec<String>,
}

/// A register of the meter while a document is put together.
#[derive(Clone, Debug)]
struct Known {
    obis: Obis,
    id: String,
    is_demand: bool,
}

struct Work<'a> {
    seen: Seen<'a>,
    resolver: Resolver<'a>,
    known: Vec<Known>,
    oddities: Vec<String>,
}

fn text(name: &[u8]) -> String {
    match std::str::from_utf8(name) {
        Ok(text) if !text.is_empty() && !text.chars().any(char::is_control) => format!("“{text}”"),
        _ => hex(name),
    }
}

/// Whether an identity is one that a scheme may have.
fn identity(name: &[u8]) -> Option<String> {
    let allowed = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    let fits = (1..=8).contains(&name.len()) && name.iter().all(allowed);
    fits.then(|| String::from_utf8(name.to_vec()).ok()).flatten()
}

impl Seen<'_> {
    /// The tariff in force, and the one that will follow it, as a scheme.
    #[must_use]
    pub fn read(&self) -> Found {
        let mut work = Work {
            seen: *self,
            resolver: Resolver::new(self.tables, self.objects),
            known: Vec::new(),
            oddities: Vec::new(),
        };
        let document = work.document();
        Found { document, oddities: work.oddities }
    }
}

impl Work<'_> {
    fn odd(&mut self, text: String) {
        if !self.oddities.contains(&text) {
            self.oddities.push(text);
        }
    }

    fn document(&mut self) -> Document {
        let tables = self.seen.tables;
        let reference = self.seen.reference;
        let mut document = match reference {
            Some(reference) => reference.clone(),
            None => Document {
                title: "Read from a meter".to_owned(),
                ..Document::blank(self.seen.template, self.seen.time_zone)
            },
        };
        match identity(&tables.active.name) {
            Some(identity) => document.identity = identity,
            None => self.odd(format!(
                "the calendar's name {} is no identity of a scheme, which is 1 to 8 of A to Z and 0 to 9",
                text(&tables.active.name)
            )),
        }
        let follows = !is_unspecified(tables.activate_at) && !tables.passive.days.is_empty();
        let calendars: Vec<&CalendarTables> =
            std::iter::once(&tables.active).chain(follows.then_some(&tables.passive)).collect();
        self.learn_registers(&calendars);
        document.registers = self.registers();
        document.tariff = self.tariff(&tables.active, reference.map(|reference| &reference.tariff));
        document.latent = if follows { self.latent() } else { None };
        document
    }

    fn latent(&mut self) -> Option<Latent> {
        let tables = self.seen.tables;
        let reference = self.seen.reference.and_then(|reference| reference.latent.as_ref());
        let [high, low, month, day, _, hour, minute, second, ..] = tables.activate_at;
        let part = |value: u8| i8::try_from(value).ok();
        let at = (|| {
            jiff::civil::DateTime::new(
                i16::from_be_bytes([high, low]),
                part(month)?,
                part(day)?,
                part(hour)?,
                part(minute)?,
                if second == 0xFF { 0 } else { part(second)? },
                0,
            )
            .ok()
        })();
        let Some(activate_at) = at else {
            self.odd("the time at which the passive calendar takes over is none of a scheme".to_owned());
            return None;
        };
        let tariff = self.tariff(&tables.passive, reference.map(|latent| &latent.tariff));
        Some(Latent { activate_at, tariff })
    }

    /// Which registers there are: those of the reference that the meter can switch, and those that it does switch.
    fn learn_registers(&mut self, calendars: &[&CalendarTables]) {
        let scripts: BTreeSet<(Obis, u16)> = calendars
            .iter()
            .flat_map(|calendar| &calendar.days)
            .flat_map(|day| &day.actions)
            .map(|action| (action.table, action.script))
            .collect();
        let mut switched: Vec<Obis> = Vec::new();
        let assigned = self.seen.tables.activation.iter().flat_map(|tables| &tables.registers);
        let mut assigned: Vec<(u16, Obis)> = assigned.copied().collect();
        let mut on: BTreeSet<Obis> = BTreeSet::new();
        for (table, script) in &scripts {
            match self.resolver.registers(*table, *script) {
                Some(registers) => on.extend(registers),
                None => on.extend(self.rate(*script)),
            }
        }
        if let Some(reference) = self.seen.reference {
            let energy = reference.registers.energy.iter().map(|one| one.obis);
            let all = energy.chain(reference.registers.demand.iter().map(|one| one.obis));
            let is_there = |obis: &Obis| {
                on.contains(obis)
                    || assigned.iter().any(|(_, there)| there == obis)
                    || self.seen.tables.activation.is_none()
            };
            switched.extend(all.filter(is_there));
        }
        assigned.extend(self.seen.registers);
        let order = assigned.iter().map(|(_, obis)| *obis).chain(on.iter().copied());
        for obis in order {
            if on.contains(&obis) && !switched.contains(&obis) {
                switched.push(obis);
            }
        }
        for obis in switched {
            let known = self.name_register(obis, &assigned);
            self.known.push(known);
        }
    }

    /// The registers of a rate, in a meter whose scripts cannot be followed.
    fn rate(&self, rate: u16) -> Vec<Obis> {
        let Ok(rate) = u8::try_from(rate) else { return Vec::new() };
        let of_rate = |obis: &Obis| obis.a() == 1 && matches!(obis.d(), 6 | 8) && obis.e() == rate;
        let mut found: Vec<Obis> = match self.seen.reference {
            Some(reference) => {
                let energy = reference.registers.energy.iter().map(|one| one.obis);
                let demand = reference.registers.demand.iter().map(|one| one.obis);
                energy.chain(demand).filter(of_rate).collect()
            }
            None => self.seen.registers.iter().map(|(_, obis)| *obis).filter(of_rate).collect(),
        };
        if !found.iter().any(|obis| obis.d() == 8) {
            found.push(Obis::new(1, 0, 1, 8, rate, 255));
        }
        found
    }

    fn name_register(&self, obis: Obis, classes: &[(u16, Obis)]) -> Known {
        let registers = self.seen.reference.map(|reference| &reference.registers);
        let energy = registers.and_then(|all| all.energy.iter().find(|one| one.obis == obis));
        let demand = registers.and_then(|all| all.demand.iter().find(|one| one.obis == obis));
        if let Some(energy) = energy {
            return Known { obis, id: energy.id.clone(), is_demand: false };
        }
        if let Some(demand) = demand {
            return Known { obis, id: demand.id.clone(), is_demand: true };
        }
        let class = classes.iter().find(|(_, there)| *there == obis).map(|(class_id, _)| *class_id);
        let is_demand = matches!(class, Some(4 | 5)) || matches!(obis.d(), 2 | 4 | 5 | 6);
        let letter = if is_demand { 'M' } else { 'R' };
        let mut number = 1 + self.known.iter().filter(|known| known.is_demand == is_demand).count();
        let taken = |id: &str| {
            let named = registers.is_some_and(|all| {
                all.energy.iter().any(|one| one.id == id)
                    || all.demand.iter().any(|one| one.id == id)
                    || all.customer_defined.iter().any(|one| one.id == id)
            });
            named || self.known.iter().any(|known| known.id == id)
        };
        while taken(&format!("{letter}{number}")) {
            number += 1;
        }
        Known { obis, id: format!("{letter}{number}"), is_demand }
    }

    fn registers(&mut self) -> Registers {
        let reference = self.seen.reference.map(|reference| reference.registers.clone()).unwrap_or_default();
        let mut registers =
            Registers { customer_defined: reference.customer_defined, ..Registers::default() };
        for known in self.known.clone() {
            let colour = COLOURS.get(registers.energy.len() % COLOURS.len()).copied().unwrap_or_default();
            if let Some(one) = reference.energy.iter().find(|one| one.id == known.id) {
                registers.energy.push(one.clone());
            } else if let Some(one) = reference.demand.iter().find(|one| one.id == known.id) {
                registers.demand.push(one.clone());
            } else {
                let source = self.source(known.obis);
                let (id, title, obis) = (known.id, plain_name(known.obis), known.obis);
                if known.is_demand {
                    registers.demand.push(DemandRegister { id, title, source, obis, highest: 1 });
                } else {
                    registers.energy.push(EnergyRegister { id, title, source, obis, colour });
                }
            }
        }
        registers
    }

    fn source(&mut self, obis: Obis) -> Source {
        let found = Source::measured().find(|source| source.obis_c() == Some(obis.c()));
        found.filter(|_| obis.a() == 1).unwrap_or_else(|| {
            self.odd(format!(
                "what the register {} counts has no word in a scheme: it is taken for a pulse input",
                obis.short()
            ));
            Source::Input(1)
        })
    }

    fn on(&mut self, table: Obis, script: u16) -> Vec<String> {
        let on = match self.resolver.registers(table, script) {
            Some(registers) => registers,
            None => self.rate(script).into_iter().collect(),
        };
        self.known.iter().filter(|known| on.contains(&known.obis)).map(|known| known.id.clone()).collect()
    }

    fn day_type(&mut self, row: &DayRow, id: String, reference: Option<&DayType>) -> DayType {
        let mut switches: Vec<Switch> = Vec::new();
        for action in &row.actions {
            let Some(at) = dates::read_switch_time(action.time) else {
                let [hour, minute, second, _] = action.time;
                self.odd(format!(
                    "day type {} switches at {hour:02}:{minute:02}:{second:02}, which is no whole minute of a day",
                    row.id
                ));
                continue;
            };
            let mut on = self.on(action.table, action.script);
            // The order in which registers stand in a set means nothing.
            let same =
                |other: &&Switch| other.on.len() == on.len() && other.on.iter().all(|id| on.contains(id));
            let told = reference.into_iter().flat_map(|day| &day.switches);
            if let Some(told) = told.filter(|other| other.at == at).find(same) {
                on.clone_from(&told.on);
            }
            switches.push(Switch { at, on });
        }
        switches.sort_by_key(|switch| switch.at);
        switches.dedup_by_key(|switch| switch.at);
        let title = reference.map_or_else(String::new, |day| day.title.clone());
        DayType { id, title, switches }
    }

    fn tariff(&mut self, calendar: &CalendarTables, reference: Option<&Tariff>) -> Tariff {
        let days = reference.filter(|tariff| tariff.day_types.len() == calendar.days.len());
        let day_ids: Vec<(u8, String)> = calendar
            .days
            .iter()
            .enumerate()
            .map(|(at, row)| {
                let told = days.and_then(|tariff| tariff.day_types.get(at)).map(|day| day.id.clone());
                (row.id, told.unwrap_or_else(|| format!("D{}", at + 1)))
            })
            .collect();
        let day_id = |number: u8| day_ids.iter().find(|(id, _)| *id == number).map(|(_, id)| id.clone());
        let day_types = calendar
            .days
            .iter()
            .zip(&day_ids)
            .enumerate()
            .map(|(at, (row, (_, id)))| {
                let told = days.and_then(|tariff| tariff.day_types.get(at));
                self.day_type(row, id.clone(), told)
            })
            .collect();
        let weeks_told = reference.filter(|tariff| tariff.weeks.len() == calendar.weeks.len());
        let mut weeks = Vec::new();
        for (at, row) in calendar.weeks.iter().enumerate() {
            let told = weeks_told.and_then(|tariff| tariff.weeks.get(at)).map(|week| week.id.clone());
            let days = row.days.map(|number| {
                day_id(number).unwrap_or_else(|| {
                    self.odd(format!("week {} names day type {number}, which there is not", text(&row.name)));
                    format!("D{number}")
                })
            });
            weeks.push(Week { id: told.unwrap_or_else(|| format!("W{}", at + 1)), days });
        }
        let seasons = self.seasons(calendar, &weeks, reference);
        let mut special_days = Vec::new();
        for row in &self.seen.tables.special_days {
            // An entry of a day type that this calendar does not have, is for another one.
            let Some(day_type) = day_id(row.day) else { continue };
            match dates::read_date(row.date) {
                Some(date) => special_days.push(SpecialDay { date, day_type }),
                None => self.odd(format!("special day {} has a date that no scheme can have", row.index)),
            }
        }
        Tariff { day_types, weeks, seasons, special_days }
    }

    fn seasons(
        &mut self,
        calendar: &CalendarTables,
        weeks: &[Week],
        reference: Option<&Tariff>,
    ) -> Vec<Season> {
        let told = reference.filter(|tariff| tariff.seasons.len() == calendar.seasons.len());
        let order = told.map(season_order).unwrap_or_default();
        let mut seasons: Vec<(usize, Season)> = Vec::new();
        for (at, row) in calendar.seasons.iter().enumerate() {
            let place = order.get(at).copied().unwrap_or(at);
            let told = told.and_then(|tariff| tariff.seasons.get(place));
            let Some(starts) = self.season_start(row, calendar.seasons.len() == 1, told) else {
                self.odd(format!("season {} starts in a way that no scheme can say", text(&row.name)));
                continue;
            };
            let week = calendar.weeks.iter().position(|week| week.name == row.week);
            let Some(week) = week.and_then(|at| weeks.get(at)) else {
                self.odd(format!(
                    "season {} names week {}, which there is not",
                    text(&row.name),
                    text(&row.week)
                ));
                continue;
            };
            let id = told.map_or_else(|| format!("S{}", at + 1), |season| season.id.clone());
            let title = told.map_or_else(String::new, |season| season.title.clone());
            seasons.push((place, Season { id, title, starts, week: week.id.clone() }));
        }
        seasons.sort_by_key(|(place, _)| *place);
        seasons.into_iter().map(|(_, season)| season).collect()
    }

    /// A season alone lasts for ever, whenever it starts.
    fn season_start(&self, row: &SeasonRow, is_alone: bool, told: Option<&Season>) -> Option<SeasonStart> {
        let read = dates::read_season_start(row.start);
        match (read, is_alone) {
            (None, true) => {
                Some(told.map_or(SeasonStart::Yearly(MonthDay::NEW_YEAR), |season| season.starts))
            }
            (read, _) => read,
        }
    }
}
