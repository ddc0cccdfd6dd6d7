//! How two schemes differ, in words.
//!
//! What has an id is compared with what has the same id, wherever it stands; day types by what is on at each time of
//! the day. No difference is left out: where the list is empty the documents are equal.

use std::collections::{BTreeSet, HashSet};
use std::fmt::Display;

use super::document::{
    DayType, Document, Latent, Output, OutputFunction, Season, SpecialDay, Switch, SwitchTime, Tariff, Week,
};

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Where in the document, with ids in place of numbers: `tariff.weeks[W1]`.
    pub place: String,
    /// The difference in words, without a full stop.
    pub message: String,
}

impl Display for Difference {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.message)
    }
}

/// The differences, as steps from the first scheme to the second, in the order of the format page.
#[must_use]
pub fn compare(first: &Document, second: &Document) -> Vec<Difference> {
    let mut differences = Differences(Vec::new());
    differences.document(first, second);
    differences.0
}

struct Differences(Vec<Difference>);

const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

fn list<T: Display>(items: &[T]) -> String {
    if items.is_empty() {
        return "nothing".to_owned();
    }
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn yes(flag: bool) -> &'static str {
    if flag { "yes" } else { "no" }
}

fn quoted(text: &str) -> String {
    format!("“{text}”")
}

/// What is on from a time of the day.
fn on_at(day: &DayType, time: SwitchTime) -> &[String] {
    let switch = day.switches.iter().rev().find(|switch| switch.at <= time);
    switch.map_or(&[], |switch: &Switch| &switch.on)
}

impl Differences {
    fn note(&mut self, place: impl Into<String>, message: impl Into<String>) {
        let message: String = message.into();
        let mut letters = message.chars();
        let first = letters.next().map(char::to_uppercase).into_iter().flatten();
        self.0.push(Difference { place: place.into(), message: first.chain(letters).collect() });
    }

    /// A value that changes.
    fn value<T: Display>(&mut self, place: impl Into<String>, what: &str, first: T, second: T) {
        let (first, second) = (first.to_string(), second.to_string());
        if first != second {
            self.note(place, format!("{what} changes from {first} to {second}"));
        }
    }

    /// Things with ids.
    fn by_id<T: PartialEq>(
        &mut self,
        place: &str,
        what: &str,
        (first, second): (&[T], &[T]),
        id: impl Fn(&T) -> String,
        each: impl Fn(&mut Self, &str, &str, &T, &T),
    ) {
        let ids = |things: &[T]| things.iter().map(&id).collect::<Vec<String>>();
        let (firsts, seconds) = (ids(first), ids(second));
        let is_unique = |ids: &[String]| ids.iter().collect::<HashSet<_>>().len() == ids.len();
        if !is_unique(&firsts) || !is_unique(&seconds) {
            if first != second {
                self.note(
                    place,
                    format!("the {what}s differ, and some share an id, so that they cannot be matched"),
                );
            }
            return;
        }
        for (thing, id) in first.iter().zip(&firsts) {
            let place = format!("{place}[{id}]");
            match second.iter().zip(&seconds).find(|(_, other)| *other == id) {
                None => self.note(place, format!("{what} {id} is only in the first")),
                Some((other, _)) => each(self, &place, &format!("{what} {id}"), thing, other),
            }
        }
        for id in seconds.iter().filter(|id| !firsts.contains(id)) {
            self.note(format!("{place}[{id}]"), format!("{what} {id} is only in the second"));
        }
        let shared = |ids: &[String], others: &[String]| {
            ids.iter().filter(|id| others.contains(id)).cloned().collect::<Vec<String>>()
        };
        let (before, after) = (shared(&firsts, &seconds), shared(&seconds, &firsts));
        if before != after {
            self.note(place, format!("the {what}s stand in another order: {}", after.join(", ")));
        }
    }

    fn document(&mut self, first: &Document, second: &Document) {
        self.value("identity", "The identity", quoted(&first.identity), quoted(&second.identity));
        self.value("title", "The title", quoted(&first.title), quoted(&second.title));
        if first.note != second.note {
            self.note("note", "The note differs");
        }
        self.value("template", "The template", quoted(&first.template), quoted(&second.template));
        self.value("time_zone", "The time zone", quoted(&first.time_zone), quoted(&second.time_zone));
        self.registers(first, second);
        self.tariff("tariff", "", &first.tariff, &second.tariff);
        self.latent(first.latent.as_ref(), second.latent.as_ref());
        self.settings(first, second);
        self.by_id(
            "outputs",
            "output",
            (&first.outputs, &second.outputs),
            |output| output.id.clone(),
            Self::output,
        );
    }

    fn registers(&mut self, first: &Document, second: &Document) {
        let (one, other) = (&first.registers, &second.registers);
        self.by_id(
            "registers.energy",
            "energy register",
            (&one.energy, &other.energy),
            |r| r.id.clone(),
            |to, place, what, a, b| {
                to.value(place, &format!("The title of {what}"), quoted(&a.title), quoted(&b.title));
                to.value(place, &format!("The source of {what}"), a.source, b.source);
                to.value(place, &format!("The object of {what}"), a.obis, b.obis);
                to.value(place, &format!("The colour of {what}"), a.colour, b.colour);
            },
        );
        self.by_id(
            "registers.demand",
            "demand register",
            (&one.demand, &other.demand),
            |r| r.id.clone(),
            |to, place, what, a, b| {
                to.value(place, &format!("The title of {what}"), quoted(&a.title), quoted(&b.title));
                to.value(place, &format!("The source of {what}"), a.source, b.source);
                to.value(place, &format!("The object of {what}"), a.obis, b.obis);
                to.value(place, &format!("How many highest values {what} keeps"), a.highest, b.highest);
            },
        );
        let sums = (&one.customer_defined[..], &other.customer_defined[..]);
        self.by_id(
            "registers.customer_defined",
            "customer-defined register",
            sums,
            |r| r.id.clone(),
            |to, place, what, a, b| {
                to.value(place, &format!("The title of {what}"), quoted(&a.title), quoted(&b.title));
                to.value(place, &format!("The sum of {what}"), list(&a.sources), list(&b.sources));
            },
        );
    }

    fn tariff(&mut self, place: &str, whose: &str, first: &Tariff, second: &Tariff) {
        let days = (&first.day_types[..], &second.day_types[..]);
        self.by_id(
            &format!("{place}.day_types"),
            &format!("{whose}day type"),
            days,
            |day| day.id.clone(),
            Self::day_type,
        );
        let weeks = (&first.weeks[..], &second.weeks[..]);
        self.by_id(
            &format!("{place}.weeks"),
            &format!("{whose}week"),
            weeks,
            |week| week.id.clone(),
            |to, place, what, a: &Week, b| {
                for ((name, one), other) in WEEKDAYS.iter().zip(&a.days).zip(&b.days) {
                    to.value(place, &format!("{name} in {what}"), one, other);
                }
            },
        );
        let seasons = (&first.seasons[..], &second.seasons[..]);
        self.by_id(
            &format!("{place}.seasons"),
            &format!("{whose}season"),
            seasons,
            |season| season.id.clone(),
            |to, place, what, a: &Season, b| {
                to.value(place, &format!("The title of {what}"), quoted(&a.title), quoted(&b.title));
                to.value(place, &format!("The start of {what}"), a.starts, b.starts);
                to.value(place, &format!("The week of {what}"), &a.week, &b.week);
            },
        );
        let specials = (&first.special_days[..], &second.special_days[..]);
        self.by_id(
            &format!("{place}.special_days"),
            &format!("{whose}special day"),
            specials,
            |day| day.date.to_string(),
            |to, place, what, a: &SpecialDay, b| {
                to.value(place, &format!("The day type of {what}"), &a.day_type, &b.day_type);
            },
        );
    }

    fn day_type(&mut self, place: &str, what: &str, first: &DayType, second: &DayType) {
        self.value(place, &format!("The title of {what}"), quoted(&first.title), quoted(&second.title));
        if first.switches == second.switches {
            return;
        }
        let times: BTreeSet<SwitchTime> =
            first.switches.iter().chain(&second.switches).map(|switch| switch.at).collect();
        let ends = times.iter().skip(1).map(ToString::to_string).chain(["24:00".to_owned()]);
        // Neighbouring stretches that change alike are told as one.
        let mut stretches: Vec<(SwitchTime, String, &[String], &[String])> = Vec::new();
        for (&time, end) in times.iter().zip(ends) {
            let (on, other) = (on_at(first, time), on_at(second, time));
            if on == other {
                continue;
            }
            match stretches.last_mut() {
                Some(last) if last.1 == time.to_string() && (last.2, last.3) == (on, other) => last.1 = end,
                _ => stretches.push((time, end, on, other)),
            }
        }
        if stretches.is_empty() {
            self.note(place, format!("{what} is cut at other times, with the same registers on all day"));
        }
        for (from, to, on, other) in stretches {
            let message = format!("{what} from {from} to {to}: {} becomes {}", list(on), list(other));
            self.note(place, message);
        }
    }

    fn latent(&mut self, first: Option<&Latent>, second: Option<&Latent>) {
        match (first, second) {
            (None, None) => {}
            (Some(_), None) => self.note("latent", "The latent tariff is only in the first"),
            (None, Some(latent)) => {
                let message = format!("A latent tariff is only in the second, from {}", latent.activate_at);
                self.note("latent", message);
            }
            (Some(one), Some(other)) => {
                self.value(
                    "latent.activate_at",
                    "The latent tariff's start",
                    one.activate_at,
                    other.activate_at,
                );
                self.tariff("latent.tariff", "latent ", &one.tariff, &other.tariff);
            }
        }
    }

    fn settings(&mut self, first: &Document, second: &Document) {
        let minutes = |minutes: u32| format!("{minutes} min");
        let (a, b) = (&first.demand, &second.demand);
        self.value(
            "demand.period_minutes",
            "The demand period",
            minutes(a.period_minutes),
            minutes(b.period_minutes),
        );
        self.value(
            "demand.sub_intervals",
            "The number of demand sub-intervals",
            a.sub_intervals,
            b.sub_intervals,
        );
        let (a, b) = (&first.billing, &second.billing);
        self.value("billing.dates", "The list of billing dates", list(&a.dates), list(&b.dates));
        for (key, what, a, b) in [
            ("on_season_change", "Reset on a season change", a.on_season_change, b.on_season_change),
            ("on_tariff_change", "Reset on a tariff change", a.on_tariff_change, b.on_tariff_change),
            ("button", "Reset by button", a.button, b.button),
        ] {
            self.value(format!("billing.{key}"), what, yes(a), yes(b));
        }
        let (one, other) = (a.manual_lockout_minutes, b.manual_lockout_minutes);
        self.value(
            "billing.manual_lockout_minutes",
            "The lockout of manual resets",
            minutes(one),
            minutes(other),
        );
        let (a, b) = (&first.profile, &second.profile);
        self.value(
            "profile.period_minutes",
            "The profile's period",
            minutes(a.period_minutes),
            minutes(b.period_minutes),
        );
        self.value("profile.channels", "The list of profile channels", list(&a.channels), list(&b.channels));
        self.value(
            "profile.follows_dst",
            "The profile follows daylight saving:",
            yes(a.follows_dst),
            yes(b.follows_dst),
        );
        let (a, b) = (&first.instrumentation, &second.instrumentation);
        let place = "instrumentation.period_minutes";
        self.value(place, "The instrumentation period", minutes(a.period_minutes), minutes(b.period_minutes));
        let channels = |document: &Document| {
            let channels = document.instrumentation.channels.iter();
            list(
                &channels
                    .map(|one| format!("{} {} {}", one.keep, one.quantity, one.phase))
                    .collect::<Vec<_>>(),
            )
        };
        let what = "The list of instrumentation channels";
        self.value("instrumentation.channels", what, channels(first), channels(second));
        let (a, b) = (&first.display, &second.display);
        self.value(
            "display.seconds",
            "The time of a display item",
            format!("{} s", a.seconds),
            format!("{} s", b.seconds),
        );
        self.value("display.auto", "The automatic display list", list(&a.auto), list(&b.auto));
        self.value("display.manual", "The manual display list", list(&a.manual), list(&b.manual));
        self.daylight_saving(first, second);
        let (a, b) = (first.clock_failure, second.clock_failure);
        self.value("clock_failure.response", "The response to a clock failure", a, b);
        let (a, b) = (&first.transformers, &second.transformers);
        for (key, what, a, b) in [("ct", "The CT ratio", a.ct, b.ct), ("vt", "The VT ratio", a.vt, b.vt)] {
            // 400/5 and 400.0/5 are one ratio.
            if a != b {
                self.value(format!("transformers.{key}"), what, a, b);
            }
        }
        let what = "The side that registers count on";
        self.value("transformers.registers_in", what, a.registers_in.name(), b.registers_in.name());
    }

    fn daylight_saving(&mut self, first: &Document, second: &Document) {
        let words = |document: &Document| {
            let Some(dst) = &document.dst else { return "none".to_owned() };
            let rule = |rule: &super::DstRule| {
                let (week, weekday) = (rule.week, super::weekday_word(rule.weekday));
                format!("the {week} {weekday} of month {} at {}:00", rule.month, rule.hour)
            };
            format!("{} h from {} to {}", dst.shift_hours, rule(&dst.starts), rule(&dst.ends))
        };
        self.value("clock.dst", "Daylight saving", words(first), words(second));
    }

    fn output(&mut self, place: &str, what: &str, first: &Output, second: &Output) {
        self.value(place, &format!("The title of {what}"), quoted(&first.title), quoted(&second.title));
        let function = |output: &Output| match &output.function {
            OutputFunction::Pulse { source, pulses_per_kilo } => {
                format!("{pulses_per_kilo} pulses for a thousand of {source}")
            }
            OutputFunction::Follow { register } => format!("closed while {register} is on"),
        };
        self.value(place, &format!("The function of {what}"), function(first), function(second));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::scheme::{testing, write};

    fn blank() -> Document {
        Document::blank("dlms-generic", "Europe/London")
    }

    fn messages(first: &Document, second: &Document) -> Vec<String> {
        compare(first, second).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_day_type_differs_by_what_is_on_when() {
        let first = blank();
        let mut second = blank();
        let day = &mut second.tariff.day_types[0];
        for (at, on) in [("07:00", "R2"), ("09:00", "R2"), ("19:00", "R1")] {
            day.switches.push(Switch { at: at.parse().unwrap(), on: vec![on.to_owned()] });
        }
        assert_eq!(messages(&first, &second), ["Day type D1 from 07:00 to 19:00: R1 becomes R2"]);
        let mut same = blank();
        same.tariff.day_types[0]
            .switches
            .push(Switch { at: "12:00".parse().unwrap(), on: vec!["R1".to_owned()] });
        assert_eq!(
            messages(&first, &same),
            ["Day type D1 is cut at other times, with the same registers on all day"]
        );
    }

    #[test]
    fn settings_and_things_with_ids_are_told_in_words() {
        let first = blank();
        let mut second = blank();
        second.billing.dates = vec!["*-*-01T00:00:00".parse().unwrap()];
        second.billing.button = false;
        second.tariff.weeks[0].days[6] = "D2".to_owned();
        let mut extra = first.tariff.day_types[0].clone();
        extra.id = "D2".to_owned();
        second.tariff.day_types.push(extra);
        second.registers.energy[0].colour = "#000000".parse().unwrap();
        second.latent = Some(Latent {
            activate_at: jiff::civil::date(2030, 1, 1).at(0, 0, 0, 0),
            tariff: Tariff::single("R1"),
        });
        assert_eq!(
            messages(&first, &second),
            [
                "The colour of energy register R1 changes from #0072b2 to #000000",
                "Day type D2 is only in the second",
                "Sunday in week W1 changes from D1 to D2",
                "A latent tariff is only in the second, from 2030-01-01T00:00:00",
                "The list of billing dates changes from nothing to *-*-01T00:00:00",
                "Reset by button changes from yes to no"
            ]
        );
        assert_eq!(compare(&first, &second)[2].place, "tariff.weeks[W1]");
    }

    /// Changes the scalar of a file that the index picks.
    fn changed(value: &mut serde_json::Value, left: &mut usize) -> bool {
        match value {
            serde_json::Value::Array(items) => items.iter_mut().any(|item| changed(item, left)),
            serde_json::Value::Object(members) => members.values_mut().any(|item| changed(item, left)),
            _ if *left > 0 => {
                *left -= 1;
                false
            }
            serde_json::Value::Bool(flag) => {
                *flag = !*flag;
                true
            }
            serde_json::Value::Number(number) => {
                *value = (number.as_u64().unwrap() / 2 + 1).into();
                true
            }
            serde_json::Value::String(text) => {
                text.push('7');
                true
            }
            serde_json::Value::Null => false,
        }
    }

    proptest! {
        #[test]
        fn a_scheme_does_not_differ_from_itself(document in testing::any_document()) {
            prop_assert_eq!(compare(&document, &document), []);
        }

        #[test]
        fn no_difference_between_two_schemes_is_left_out(first in testing::any_document(), second in testing::any_document()) {
            prop_assert_eq!(compare(&first, &second).is_empty(), first == second);
        }

        #[test]
        fn the_change_of_any_one_value_is_found(document in testing::any_document(), index in 0usize..300) {
            let mut value: serde_json::Value = serde_json::from_str(&write(&document)).unwrap();
            let mut left = index;
            if changed(&mut value, &mut left)
                && let Ok(other) = crate::scheme::read(value.to_string().as_bytes())
            {
                prop_assert_eq!(compare(&document, &other).is_empty(), document == other);
            }
        }
    }
}
