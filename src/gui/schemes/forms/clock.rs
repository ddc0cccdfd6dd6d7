//! Daylight saving as the meter's own clock does it.

use egui::{Label, Ui, Vec2};
use jiff::Timestamp;
use jiff::civil::Weekday;

use crate::gui::schemes::editing::Editing;
use crate::gui::widgets::{Tone, badge, secondary, section, small};
use crate::scheme::{
    DaylightSaving, Document, DstRule, WallClock, WeekOfMonth, clock_changes, disagreement, say, weekday_word,
};

use super::parts::{Named, Spot, beside, kept, pick, tick};

const WEEKDAYS: [Weekday; 7] = [
    Weekday::Monday,
    Weekday::Tuesday,
    Weekday::Wednesday,
    Weekday::Thursday,
    Weekday::Friday,
    Weekday::Saturday,
    Weekday::Sunday,
];

/// What most of Europe does, by the clock of Central European Time.
const USUAL: DaylightSaving = DaylightSaving {
    shift_hours: 1,
    starts: DstRule { month: 3, week: WeekOfMonth::Last, weekday: Weekday::Sunday, hour: 2 },
    ends: DstRule { month: 10, week: WeekOfMonth::Last, weekday: Weekday::Sunday, hour: 3 },
};

/// Draws the page.
pub(super) fn ui(ui: &mut Ui, editing: &mut Editing<'_>) {
    let spot = Spot::of_list(editing, "clock.dst");
    let mut on = editing.document.dst.is_some();
    let meaning = "Otherwise the meter stays in standard time all year";
    tick(ui, &spot, "The meter's clock follows daylight saving", meaning, &mut on);
    match (&editing.document.dst, on) {
        (None, true) => editing.document.dst = Some(USUAL),
        (Some(_), false) => editing.document.dst = None,
        _ => {}
    }
    rules(ui, editing);
    section(ui, "The next changes of the meter's clock");
    editing.clock.note(ui);
    preview(ui, editing.document, editing.clock.now);
}

fn rules(ui: &mut Ui, editing: &mut Editing<'_>) {
    let shift_spot = Spot::of(editing, "clock.dst.shift_hours");
    let starts_spot = Spot::of(editing, "clock.dst.starts");
    let ends_spot = Spot::of(editing, "clock.dst.ends");
    let Some(dst) = &mut editing.document.dst else { return };
    let choices = [(1, "1 hour".to_owned()), (2, "2 hours".to_owned())];
    let hours = |hours: &u32| format!("{hours} hours");
    pick(
        ui,
        Named::Above("The clock goes forward by"),
        &shift_spot,
        144.0,
        &mut dst.shift_hours,
        &choices,
        hours,
    );
    rule(ui, &starts_spot, "Goes forward", "by the clock of standard time", &mut dst.starts);
    rule(ui, &ends_spot, "Goes back", "by the clock of daylight-saving time", &mut dst.ends);
}

fn rule(ui: &mut Ui, spot: &Spot, title: &str, by: &str, rule: &mut DstRule) {
    section(ui, title);
    beside(ui, 480.0, |ui| {
        ui.spacing_mut().item_spacing = Vec2::new(8.0, 4.0);
        let named = |part: &str| format!("{part} in which the clock {}", title.to_lowercase());
        let weeks: Vec<_> = WeekOfMonth::ALL.iter().map(|week| (*week, say::word(week))).collect();
        let at = spot.part("week");
        pick(ui, Named::Hidden(&named("Week")), &at, 96.0, &mut rule.week, &weeks, say::word);
        let day = |day: &Weekday| say::word(&weekday_word(*day));
        let weekdays: Vec<_> = WEEKDAYS.iter().map(|one| (*one, day(one))).collect();
        let at = spot.part("weekday");
        pick(ui, Named::Hidden(&named("Weekday")), &at, 112.0, &mut rule.weekday, &weekdays, day);
        ui.label(secondary(ui, "of"));
        let months: Vec<_> =
            (1_u32..).zip(say::MONTHS).map(|(month, name)| (month, name.to_owned())).collect();
        let at = spot.part("month");
        let number = |number: &u32| number.to_string();
        pick(ui, Named::Hidden(&named("Month")), &at, 112.0, &mut rule.month, &months, number);
        ui.label(secondary(ui, "at"));
        let hour = |hour: &u32| format!("{hour:02}:00");
        let hours: Vec<_> = (0..24).map(|one| (one, hour(&one))).collect();
        let at = spot.part("hour");
        pick(ui, Named::Hidden(&named("Hour")), &at, 80.0, &mut rule.hour, &hours, hour);
    });
    ui.label(small(ui, by));
    spot.remarks(ui, None);
}

fn preview(ui: &mut Ui, document: &Document, now: Timestamp) {
    let key = (document.dst.clone(), document.time_zone.clone(), now.as_second() / 3600);
    let kept = kept(ui, "clock changes", key, |_| {
        let zone = WallClock::of_zone(&document.time_zone).ok()?;
        Some((clock_changes(document, now, 2), disagreement(document, zone.local(now).date())))
    });
    let Some((changes, parting)) = &kept.1 else {
        ui.label(secondary(ui, "They are shown once the time zone is one"));
        return;
    };
    ui.spacing_mut().item_spacing.y = 4.0;
    if changes.is_empty() {
        ui.label(secondary(ui, "None: it stays in standard time"));
    }
    for change in changes {
        let (before, after) = (change.before, change.after);
        let day = before.strftime("%A %-d %B %Y");
        ui.label(format!("{day}: {} becomes {}", before.strftime("%H:%M"), after.strftime("%H:%M")));
    }
    ui.add_space(8.0);
    let Some(parting) = parting else {
        badge(ui, "Agrees with the time zone", Tone::Good);
        return;
    };
    badge(ui, "Parts from the time zone", Tone::Warn);
    let words = format!(
        "On {} the meter shows {}, when it is {} in {}. Dry runs follow the time zone; the meter bills by its own \
         clock.",
        parting.zone.strftime("%A %-d %B %Y"),
        parting.meter.strftime("%H:%M"),
        parting.zone.strftime("%H:%M"),
        document.time_zone
    );
    ui.add(Label::new(words).wrap());
}
