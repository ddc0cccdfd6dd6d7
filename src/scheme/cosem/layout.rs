//! A tariff as the tables of a meter, side by side with the tariff that is in force there.
//!
//! Of all these tables only the calendar has a passive side. So that nothing changes before the calendars change
//! places, the new calendar refers to nothing that the one in force refers to with another meaning: its day types,
//! scripts and masks have numbers and names of their own. An entry of the special days table with a day type that
//! the calendar in force does not have, has no effect.

use std::collections::BTreeSet;

use jiff::civil::Date;

use super::dates;
use super::resolve::Resolver;
use crate::model::Obis;
use crate::model::tariff::{
    ActivationTables, CalendarTables, DayAction, DayRow, MaskRow, ScriptAction, ScriptRow, SeasonRow,
    SpecialDayRow, TariffTables, WeekRow,
};
use crate::model::template::{CalendarNames, SchemeObjects};
use crate::scheme::document::{Document, SeasonStart, Tariff};

/// How the registers are switched in this meter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Means {
    /// By masks and scripts of our own.
    Masks,
    /// By scripts that the meter has and nobody can change.
    Scripts,
    /// By scripts that nobody can read: script n switches the registers of rate n on.
    Rates,
}

/// A tariff as tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The calendar.
    pub calendar: CalendarTables,
    /// Its special days: dates and day types.
    pub special_days: Vec<([u8; 5], u8)>,
    /// The whole script table, where it is to be written.
    pub scripts: Option<Vec<ScriptRow>>,
    /// The whole register activation, where it is to be written.
    pub activation: Option<ActivationTables>,
    /// What will not be as the scheme says, in words.
    pub notes: Vec<String>,
}

/// Where a tariff is to be laid out.
#[derive(Clone, Copy, Debug)]
pub struct Ground<'a> {
    /// What stands in the meter.
    pub standing: &'a TariffTables,
    /// Calendars that go on to hold.
    pub kept: &'a [&'a CalendarTables],
    /// How registers are switched.
    pub means: Means,
    /// The objects.
    pub objects: &'a SchemeObjects,
    /// Classes of the meter's registers, where they are known.
    pub classes: &'a [(u16, Obis)],
    /// Special days of calendars that go on to hold are dropped when they have gone by.
    pub today: Date,
}

/// Order of the seasons in a meter: by their start, those of every year first.
pub(super) fn season_order(tariff: &Tariff) -> Vec<usize> {
    let mut order: Vec<usize> = (0..tariff.seasons.len()).collect();
    let key = |at: &usize| {
        tariff.seasons.get(*at).map(|season| match season.starts {
            SeasonStart::Yearly(day) => (0, day.month(), day.day()),
            SeasonStart::Once(date) => (date.year(), date.month(), date.day()),
        })
    };
    order.sort_by_key(key);
    order
}

/// A name of one letter or digit for as long as there are any.
fn short_name(place: usize) -> Vec<u8> {
    let digits = b"123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    digits.get(place).map_or_else(|| (place + 1).to_string().into_bytes(), |digit| vec![*digit])
}

fn name(style: CalendarNames, place: usize, id: &str) -> Vec<u8> {
    match style {
        CalendarNames::Short => short_name(place),
        CalendarNames::Id => id.as_bytes().to_vec(),
    }
}

/// Numbers from 1 that are not taken.
fn free_numbers(taken: &BTreeSet<u16>) -> impl Iterator<Item = u16> {
    (1..=u16::MAX).filter(|number| !taken.contains(number))
}

impl Ground<'_> {
    /// Special days of the calendars that go on to hold, which are still to come.
    #[must_use]
    pub fn kept_special_days(&self) -> Vec<([u8; 5], u8)> {
        let is_past = |date: [u8; 5]| {
            dates::read_date(date).and_then(|pattern| pattern.last()).is_some_and(|last| last < self.today)
        };
        let days: BTreeSet<u8> =
            self.kept.iter().flat_map(|calendar| &calendar.days).map(|day| day.id).collect();
        let rows = self.standing.special_days.iter();
        rows.filter(|row| days.contains(&row.day) && !is_past(row.date))
            .map(|row| (row.date, row.day))
            .collect()
    }

    /// Scripts that are run by calendars that go on to hold, or that do something else than switching registers.
    #[must_use]
    pub fn kept_scripts(&self) -> Vec<ScriptRow> {
        let run: BTreeSet<u16> = self
            .kept
            .iter()
            .flat_map(|calendar| &calendar.days)
            .flat_map(|day| &day.actions)
            .filter(|action| action.table == self.objects.scripts)
            .map(|action| action.script)
            .collect();
        let is_ours = |script: &&ScriptRow| {
            run.contains(&script.id)
                || !script.actions.iter().all(|action| matches!(action, ScriptAction::Mask { .. }))
        };
        self.standing.scripts.iter().flatten().filter(is_ours).cloned().collect()
    }

    /// The register activation with the masks that some scripts use.
    #[must_use]
    pub fn kept_masks(&self, scripts: &[ScriptRow]) -> ActivationTables {
        let used: BTreeSet<&[u8]> = scripts
            .iter()
            .flat_map(|script| &script.actions)
            .filter_map(|action| match action {
                ScriptAction::Mask { activation, mask }
                    if *activation == self.objects.register_activation =>
                {
                    Some(mask.as_slice())
                }
                _ => None,
            })
            .collect();
        let mut tables = self.standing.activation.clone().unwrap_or_default();
        tables.masks.retain(|mask| used.contains(mask.name.as_slice()));
        if tables.masks.is_empty() {
            tables.registers.clear();
        }
        tables
    }

    /// A tariff of a scheme as tables.
    ///
    /// # Errors
    /// What this meter cannot hold, in words, each with its place in the scheme.
    pub fn lay_out(&self, document: &Document, tariff: &Tariff) -> Result<Layout, Vec<String>> {
        let mut work = Work { ground: self, document, problems: Vec::new(), notes: Vec::new() };
        let layout = work.run(tariff);
        match work.problems.is_empty() {
            true => Ok(layout),
            false => Err(work.problems),
        }
    }
}

struct Work<'a> {
    ground: &'a Ground<'a>,
    document: &'a Document,
    problems: Vec<String>,
    notes: Vec<String>,
}

/// The sets of registers that a tariff switches on, and the script of each.
#[derive(Debug, Default)]
struct Switching {
    scripts: Vec<(Vec<String>, u16)>,
    table: Option<Vec<ScriptRow>>,
    activation: Option<ActivationTables>,
}

impl Switching {
    fn script(&self, on: &[String]) -> u16 {
        self.scripts.iter().find(|(set, _)| set == on).map_or(0, |(_, script)| *script)
    }
}

impl Work<'_> {
    fn run(&mut self, tariff: &Tariff) -> Layout {
        let switching = self.switching(tariff);
        let ids = self.day_ids(tariff);
        let day_id = |id: &str| {
            let at = tariff.day_types.iter().position(|day| day.id == id);
            at.and_then(|at| ids.get(at)).copied().unwrap_or(0)
        };
        let style = self.ground.objects.names;
        let table = self.ground.objects.scripts;
        let days = tariff.day_types.iter().zip(&ids).map(|(day, id)| DayRow {
            id: *id,
            actions: day
                .switches
                .iter()
                .map(|switch| DayAction {
                    time: dates::switch_time(switch.at),
                    table,
                    script: switching.script(&switch.on),
                })
                .collect(),
        });
        let weeks = tariff.weeks.iter().enumerate().map(|(at, week)| WeekRow {
            name: name(style, at, &week.id),
            days: week.days.each_ref().map(|id| day_id(id)),
        });
        let week_name = |id: &str| {
            let at = tariff.weeks.iter().position(|week| week.id == id);
            at.map_or_else(Vec::new, |at| name(style, at, id))
        };
        let order = season_order(tariff).into_iter();
        let seasons = order.filter_map(|at| tariff.seasons.get(at)).enumerate();
        let seasons = seasons.map(|(at, season)| SeasonRow {
            name: name(style, at, &season.id),
            start: dates::season_start(season.starts),
            week: week_name(&season.week),
        });
        let calendar = CalendarTables {
            name: self.document.identity.as_bytes().to_vec(),
            seasons: seasons.collect(),
            weeks: weeks.collect(),
            days: days.collect(),
        };
        let special =
            tariff.special_days.iter().map(|special| (dates::date(special.date), day_id(&special.day_type)));
        Layout {
            calendar,
            special_days: special.collect(),
            scripts: switching.table,
            activation: switching.activation,
            notes: std::mem::take(&mut self.notes),
        }
    }

    /// Numbers of the day types: from 1, without those that a special day in force, or a day type in force, gives
    /// another meaning.
    fn day_ids(&mut self, tariff: &Tariff) -> Vec<u8> {
        let kept = self.ground.kept_special_days();
        let mut taken: BTreeSet<u16> = kept.iter().map(|(_, day)| u16::from(*day)).collect();
        if !tariff.special_days.is_empty() {
            let days = self.ground.kept.iter().flat_map(|calendar| &calendar.days);
            taken.extend(days.map(|day| u16::from(day.id)));
        }
        let ids: Vec<u8> = free_numbers(&taken)
            .map_while(|number| u8::try_from(number).ok())
            .take(tariff.day_types.len())
            .collect();
        if ids.len() < tariff.day_types.len() {
            self.problems.push(format!(
                "tariff.day_types: {} day types do not fit beside those in force, which have numbers up to 255",
                tariff.day_types.len()
            ));
        }
        ids
    }

    fn objects(&self, on: &[String]) -> BTreeSet<Obis> {
        let registers = &self.document.registers;
        let energy = registers.energy.iter().filter(|one| on.contains(&one.id)).map(|one| one.obis);
        let demand = registers.demand.iter().filter(|one| on.contains(&one.id)).map(|one| one.obis);
        energy.chain(demand).collect()
    }

    fn switching(&mut self, tariff: &Tariff) -> Switching {
        let mut sets: Vec<Vec<String>> = Vec::new();
        for switch in tariff.day_types.iter().flat_map(|day| &day.switches) {
            if !sets.contains(&switch.on) {
                sets.push(switch.on.clone());
            }
        }
        match self.ground.means {
            Means::Masks => self.by_masks(sets),
            Means::Scripts => self.by_scripts(sets),
            Means::Rates => self.by_rates(sets),
        }
    }

    fn by_masks(&mut self, sets: Vec<Vec<String>>) -> Switching {
        let ground = self.ground;
        let kept = ground.kept_scripts();
        let mut table = kept.clone();
        let mut activation = ground.kept_masks(&kept);
        let resolver = Resolver::new(ground.standing, ground.objects);
        for (class_id, obis) in self.assignment() {
            if !activation.registers.iter().any(|(_, there)| *there == obis) {
                activation.registers.push((class_id, obis));
            }
        }
        let mut taken: BTreeSet<u16> = table.iter().map(|script| script.id).collect();
        // A mask is named as its script is numbered.
        let names =
            activation.masks.iter().filter_map(|mask| std::str::from_utf8(&mask.name).ok()?.parse().ok());
        taken.extend(names.collect::<Vec<u16>>());
        let numbers: Vec<u16> = free_numbers(&taken).take(sets.len()).collect();
        let mut numbers = numbers.into_iter();
        let mut scripts: Vec<(Vec<String>, u16)> = Vec::new();
        for on in sets {
            let wanted = self.objects(&on);
            let same = kept.iter().find(|script| {
                resolver.registers(ground.objects.scripts, script.id).as_ref() == Some(&wanted)
            });
            let again = scripts.iter().find(|(other, _)| self.objects(other) == wanted);
            if let Some(number) = same.map(|script| script.id).or_else(|| again.map(|(_, number)| *number)) {
                scripts.push((on, number));
                continue;
            }
            let number = numbers.next().unwrap_or(0);
            let mask = number.to_string().into_bytes();
            let place = |obis: &Obis| {
                let at = activation.registers.iter().position(|(_, there)| there == obis)?;
                u8::try_from(at + 1).ok()
            };
            let registers: Option<Vec<u8>> = wanted.iter().map(place).collect();
            let Some(registers) = registers else {
                self.problems.push("registers: more than 255 do not fit a register activation".to_owned());
                break;
            };
            activation.masks.push(MaskRow { name: mask.clone(), registers });
            let action = ScriptAction::Mask { activation: ground.objects.register_activation, mask };
            table.push(ScriptRow { id: number, actions: vec![action] });
            scripts.push((on, number));
        }
        Switching { scripts, table: Some(table), activation: Some(activation) }
    }

    /// The scheme's registers with their classes.
    fn assignment(&self) -> Vec<(u16, Obis)> {
        let registers = &self.document.registers;
        let class = |obis: Obis, usual: u16| {
            let listed = self.ground.classes.iter().find(|(_, there)| *there == obis);
            (listed.map_or(usual, |(class_id, _)| *class_id), obis)
        };
        let energy = registers.energy.iter().map(|one| class(one.obis, 3));
        energy.chain(registers.demand.iter().map(|one| class(one.obis, 4))).collect()
    }

    fn by_scripts(&mut self, sets: Vec<Vec<String>>) -> Switching {
        let resolver = Resolver::new(self.ground.standing, self.ground.objects);
        let mut scripts = Vec::new();
        for on in sets {
            let wanted = self.objects(&on);
            let table = self.ground.standing.scripts.iter().flatten();
            let mut same = table.filter(|script| {
                resolver.registers(self.ground.objects.scripts, script.id).as_ref() == Some(&wanted)
            });
            match same.next() {
                Some(script) => scripts.push((on, script.id)),
                None => self.problems.push(format!(
                    "tariff.day_types: the meter's scripts cannot be changed, and none of them switches exactly {} on",
                    on.join(", ")
                )),
            }
        }
        Switching { scripts, ..Switching::default() }
    }

    fn by_rates(&mut self, sets: Vec<Vec<String>>) -> Switching {
        let mut scripts: Vec<(Vec<String>, u16)> = Vec::new();
        for on in sets {
            let energy: BTreeSet<u8> = self
                .document
                .registers
                .energy
                .iter()
                .filter(|one| on.contains(&one.id))
                .map(|one| one.obis.e())
                .collect();
            let mut rates = energy.into_iter();
            let (Some(rate @ 1..), None) = (rates.next(), rates.next()) else {
                self.problems.push(format!(
                    "tariff.day_types: {} cannot be on together: this meter switches by rates, and these are of several",
                    on.join(", ")
                ));
                continue;
            };
            let demand = &self.document.registers.demand;
            for one in demand.iter().filter(|one| on.contains(&one.id) && one.obis.e() != rate) {
                let note = format!(
                    "registers.demand: {} ({}) does not follow rate {rate}, with which it should be on",
                    one.id,
                    one.obis.short()
                );
                if !self.notes.contains(&note) {
                    self.notes.push(note);
                }
            }
            let clash = scripts.iter().find(|(other, script)| {
                *script == u16::from(rate) && self.objects(other) != self.objects(&on)
            });
            if let Some((other, _)) = clash {
                self.problems.push(format!(
                    "tariff.day_types: {} and {} are both rate {rate}, which this meter does not tell apart",
                    other.join(", "),
                    on.join(", ")
                ));
            }
            scripts.push((on, u16::from(rate)));
        }
        Switching { scripts, ..Switching::default() }
    }
}

/// Rows of a special days table, numbered from 1.
#[must_use]
pub fn special_rows(days: &[([u8; 5], u8)]) -> Vec<SpecialDayRow> {
    let numbered = (1u16..).zip(days);
    numbered.map(|(index, (date, day))| SpecialDayRow { index, date: *date, day: *day }).collect()
}
