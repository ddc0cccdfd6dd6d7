//! What is on at an instant: season, week, day type, special day and the change to the latent tariff.
//!
//! The rules, in this order: the latent tariff from its activation on; a special day's own day type (a dated one
//! before one of every year, and of two equals the first in the file); else the weekday's day type in the week of
//! the season that started last; in it, the last switch whose time the wall has reached.
//! `clock` says what the wall shows in hours that are skipped or doubled.
//!
//! A calendar can be made of a document with errors, for previews: where a reference leads nowhere, nothing is on.

use jiff::Timestamp;
use jiff::civil::Date;

use super::clock::{WallClock, ZoneError, civil_of, instant_of, second_of, seconds_of};
use super::document::{Document, SeasonStart, Tariff};

const DAY_S: i64 = 86_400;
/// One slot for each month and day, 29 February included.
const SLOTS: usize = 13 * 32;

/// A calendar of a scheme.
#[derive(Clone, Debug)]
pub struct Calendar {
    clock: WallClock,
    current: Plan,
    latent: Option<(i64, Plan)>,
}

/// What a tariff has in force, by position in the document: cheap to copy and compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// Whether the latent tariff is in force.
    pub latent: bool,
    /// Index of the season.
    pub season: Option<usize>,
    /// Index of the day type.
    pub day_type: Option<usize>,
    /// Whether a special day chose it.
    pub special_day: bool,
    /// Index of the switch in the day type.
    pub switch: Option<usize>,
}

/// What is on, by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate<'a> {
    /// Whether the latent tariff is in force.
    pub latent: bool,
    /// The season.
    pub season: Option<&'a str>,
    /// The day type.
    pub day_type: Option<&'a str>,
    /// Whether a special day chose it.
    pub special_day: bool,
    /// The registers that are on.
    pub on: &'a [String],
}

/// A tariff's day: which season and which day type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct DayPlan {
    pub(super) season: Option<usize>,
    pub(super) day_type: Option<usize>,
    pub(super) special_day: bool,
}

/// The season that started last before a day of the year, of those that start every year.
#[derive(Clone, Copy, Debug)]
struct Started {
    season: usize,
    month: i8,
    day: i8,
    /// It started in the year before.
    year_before: bool,
}

/// A tariff with its references resolved.
#[derive(Clone, Debug)]
struct Plan {
    tariff: Tariff,
    /// Day type of each weekday, Monday first, for each season.
    weeks: Vec<[Option<usize>; 7]>,
    yearly_seasons: Vec<Option<Started>>,
    dated_seasons: Vec<(Date, usize)>,
    yearly_specials: Vec<Option<usize>>,
    dated_specials: Vec<(Date, usize)>,
}

fn slot(month: i8, day: i8) -> usize {
    usize::try_from(month).unwrap_or(0) * 32 + usize::try_from(day).unwrap_or(0)
}

impl Plan {
    fn new(tariff: &Tariff) -> Self {
        let day_type = |id: &str| tariff.day_types.iter().position(|day| day.id == id);
        let week = |id: &str| tariff.weeks.iter().find(|week| week.id == id);
        let weeks = tariff
            .seasons
            .iter()
            .map(|season| {
                week(&season.week).map_or([None; 7], |week| week.days.each_ref().map(|id| day_type(id)))
            })
            .collect();
        let mut dated_seasons: Vec<(Date, usize)> = tariff
            .seasons
            .iter()
            .enumerate()
            .filter_map(|(index, season)| match season.starts {
                SeasonStart::Once(date) => Some((date, index)),
                SeasonStart::Yearly(_) => None,
            })
            .collect();
        dated_seasons.sort_by_key(|(date, _)| *date);
        let (yearly_specials, dated_specials) = specials(tariff, day_type);
        Self {
            weeks,
            yearly_seasons: yearly_seasons(tariff),
            dated_seasons,
            yearly_specials,
            dated_specials,
            tariff: tariff.clone(),
        }
    }

    fn season(&self, date: Date) -> Option<usize> {
        let yearly = self.yearly_seasons.get(slot(date.month(), date.day())).copied().flatten();
        let passed = self.dated_seasons.partition_point(|(start, _)| *start <= date);
        let dated = passed.checked_sub(1).and_then(|index| self.dated_seasons.get(index));
        match (yearly, dated) {
            (Some(yearly), Some((start, season))) => {
                let year = if yearly.year_before { date.year().saturating_sub(1) } else { date.year() };
                let later = (start.year(), start.month(), start.day()) >= (year, yearly.month, yearly.day);
                Some(if later { *season } else { yearly.season })
            }
            (Some(yearly), None) => Some(yearly.season),
            (None, dated) => dated.map(|(_, season)| *season),
        }
    }

    fn special(&self, date: Date) -> Option<usize> {
        let dated = self.dated_specials.binary_search_by_key(&date, |(day, _)| *day).ok();
        match dated.and_then(|index| self.dated_specials.get(index)) {
            Some((_, day_type)) => Some(*day_type),
            None => self.yearly_specials.get(slot(date.month(), date.day())).copied().flatten(),
        }
    }

    fn day(&self, date: Date) -> DayPlan {
        let season = self.season(date);
        let special = self.special(date);
        let weekday = usize::from(date.weekday().to_monday_zero_offset().unsigned_abs());
        let of_week = season.and_then(|season| *self.weeks.get(season)?.get(weekday)?);
        DayPlan { season, day_type: special.or(of_week), special_day: special.is_some() }
    }

    /// The switch in force at a second of a day, and the second of the day at which the next one comes.
    fn switch(&self, day_type: Option<usize>, second: i64) -> (Option<usize>, Option<i64>) {
        let Some(day) = day_type.and_then(|index| self.tariff.day_types.get(index)) else {
            return (None, None);
        };
        let starts = |switch: &super::Switch| i64::from(switch.at.minutes()) * 60;
        let passed = day.switches.partition_point(|switch| starts(switch) <= second);
        (passed.checked_sub(1), day.switches.get(passed).map(starts))
    }
}

fn yearly_seasons(tariff: &Tariff) -> Vec<Option<Started>> {
    let mut starts = vec![None; SLOTS];
    for (index, season) in tariff.seasons.iter().enumerate() {
        if let SeasonStart::Yearly(day) = season.starts
            && let Some(start) = starts.get_mut(slot(day.month(), day.day()))
            && start.is_none()
        {
            *start = Some(index);
        }
    }
    let started = |slot: usize, season: usize, year_before: bool| {
        let part = |value: usize| i8::try_from(value).unwrap_or(0);
        Started { season, month: part(slot / 32), day: part(slot % 32), year_before }
    };
    let last = starts.iter().enumerate().rev().find_map(|(at, season)| Some(started(at, (*season)?, true)));
    let mut running = last;
    let mut table = Vec::with_capacity(SLOTS);
    for (at, season) in starts.into_iter().enumerate() {
        running = season.map(|season| started(at, season, false)).or(running);
        table.push(running);
    }
    table
}

/// Special days of every year by slot, and dated ones in order.
fn specials(
    tariff: &Tariff,
    day_type: impl Fn(&str) -> Option<usize>,
) -> (Vec<Option<usize>>, Vec<(Date, usize)>) {
    let mut yearly = vec![None; SLOTS];
    let mut dated = Vec::new();
    for special in &tariff.special_days {
        let Some(day_type) = day_type(&special.day_type) else { continue };
        let months = special.date.month().map_or(1..=12, |month| month..=month);
        for month in months {
            let days = special.date.day().map_or(1..=31, |day| day..=day);
            for day in days {
                match special.date.year() {
                    Some(year) => dated.extend(Date::new(year, month, day).ok().map(|date| (date, day_type))),
                    None => {
                        if let Some(free) = yearly.get_mut(slot(month, day)).filter(|slot| slot.is_none()) {
                            *free = Some(day_type);
                        }
                    }
                }
            }
        }
    }
    // A stable sort: of two rules for a date the first in the file stays first.
    dated.sort_by_key(|(date, _)| *date);
    dated.dedup_by_key(|(date, _)| *date);
    (yearly, dated)
}

impl Calendar {
    /// The calendar by the scheme's own time zone.
    ///
    /// # Errors
    /// There is no such zone.
    pub fn new(document: &Document) -> Result<Self, ZoneError> {
        Ok(Self::with_clock(document, WallClock::of_zone(&document.time_zone)?))
    }

    /// The calendar by another clock: a virtual meter's own.
    #[must_use]
    pub fn with_clock(document: &Document, clock: WallClock) -> Self {
        let latent = document
            .latent
            .as_ref()
            .map(|latent| (clock.first_second(seconds_of(latent.activate_at)), Plan::new(&latent.tariff)));
        Self { current: Plan::new(&document.tariff), latent, clock }
    }

    /// The clock on the wall.
    #[must_use]
    pub const fn clock(&self) -> &WallClock {
        &self.clock
    }

    /// When the latent tariff takes over.
    #[must_use]
    pub fn activation(&self) -> Option<Timestamp> {
        self.latent.as_ref().map(|(at, _)| instant_of(*at))
    }

    fn plan(&self, latent: bool) -> &Plan {
        match &self.latent {
            Some((_, plan)) if latent => plan,
            _ => &self.current,
        }
    }

    /// Season and day type of a date in one of the tariffs.
    pub(super) fn day(&self, latent: bool, date: Date) -> DayPlan {
        self.plan(latent).day(date)
    }

    /// What is in force at a Unix second, and the next second at which that may change.
    pub(super) fn at(&self, second: i64) -> (State, i64) {
        let wall = self.clock.wall(second);
        let second_of_day = wall.rem_euclid(DAY_S);
        let latent = self.latent.as_ref().is_some_and(|(at, _)| second >= *at);
        let plan = self.plan(latent);
        let DayPlan { season, day_type, special_day } = plan.day(civil_of(wall).date());
        let (switch, next) = plan.switch(day_type, second_of_day);
        let within_day = second.saturating_add(next.unwrap_or(DAY_S) - second_of_day);
        let activation = self.latent.as_ref().map(|(at, _)| *at).filter(|at| *at > second);
        let others = [self.clock.next_change(second), activation];
        let next = others.into_iter().flatten().fold(within_day, i64::min);
        (State { latent, season, day_type, special_day, switch }, next)
    }

    /// What is in force, by position.
    #[must_use]
    pub fn state(&self, at: Timestamp) -> State {
        self.at(second_of(at)).0
    }

    /// What is on, by id.
    #[must_use]
    pub fn rate(&self, at: Timestamp) -> Rate<'_> {
        self.describe(self.state(at))
    }

    /// A state by id.
    #[must_use]
    pub fn describe(&self, state: State) -> Rate<'_> {
        let tariff = &self.plan(state.latent).tariff;
        let day = state.day_type.and_then(|index| tariff.day_types.get(index));
        let switch = day.zip(state.switch).and_then(|(day, index)| day.switches.get(index));
        Rate {
            latent: state.latent,
            season: state.season.and_then(|index| tariff.seasons.get(index)).map(|season| season.id.as_str()),
            day_type: day.map(|day| day.id.as_str()),
            special_day: state.special_day,
            on: switch.map_or(&[], |switch| &switch.on),
        }
    }

    /// The stretches of time from `from` to `to` in which nothing changes, in order: start and state.
    pub fn stretches(&self, from: Timestamp, to: Timestamp) -> impl Iterator<Item = (Timestamp, State)> {
        let mut second = second_of(from);
        let end = second_of(to);
        let mut last = None;
        std::iter::from_fn(move || {
            while second < end {
                let start = instant_of(second).max(from);
                let (state, next) = self.at(second);
                second = next;
                if last != Some(state) {
                    last = Some(state);
                    return Some((start, state));
                }
            }
            None
        })
    }

    /// The next instant at which other registers are on than now, and those; nothing where that does not come within
    /// ten years.
    #[must_use]
    pub fn next_change(&self, at: Timestamp) -> Option<(Timestamp, Rate<'_>)> {
        let on = self.rate(at).on;
        let far = instant_of(at.as_second().saturating_add(3653 * DAY_S));
        let mut later = self.stretches(at, far).map(|(start, state)| (start, self.describe(state)));
        later.find(|(_, rate)| rate.on != on)
    }
}

#[cfg(test)]
#[path = "calendar_tests.rs"]
mod tests;
