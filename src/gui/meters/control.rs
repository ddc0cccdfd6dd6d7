//! The question before a meter is acted on: what it does, to which serial number, and, where it cannot be undone, the
//! serial number once more from the keyboard.

use std::collections::BTreeSet;

use egui::{Key, Ui};
use jiff::Timestamp;

use crate::comms::Job;
use crate::drivers::{ClockOrder, ClockWay, Contactor, Order};
use crate::gui::context::AppCtx;
use crate::gui::data::Query;
use crate::gui::data::reader::zone_named;
use crate::gui::theme::strong;
use crate::gui::widgets::{Act, counted, dialog_window, field, number, secondary, text_field};
use crate::model::{MeterId, Right};
use crate::store::MeterRow;

use super::expected::{Expected, passes};
use super::point::warn;

/// The finest grid of intervals that is usual.
const QUARTER_SECONDS: u32 = 900;
/// Names that are listed one by one.
const LISTED: usize = 8;
/// Width of the dialog's contents.
const WIDTH: f32 = 440.0;

/// What can be done to a meter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Put the clock right.
    Clock(ClockWay),
    /// End the billing period, or move the contactor: one meter at a time, confirmed by its serial number.
    Order(Order),
}

impl Deed {
    /// The right that it needs.
    #[must_use]
    pub const fn right(&self) -> Right {
        match self {
            Self::Clock(_) => Right::SetClock,
            Self::Order(Order::BillingReset) => Right::BillingReset,
            Self::Order(Order::Contactor(_)) => Right::Contactor,
        }
    }

    /// The effect with its object: `Open contactor of`, for a button.
    const fn verb(self) -> &'static str {
        match self {
            Self::Clock(ClockWay::Set) => "Set clock of",
            Self::Clock(ClockWay::Adjust) => "Adjust clock of",
            Self::Order(Order::BillingReset) => "End billing period of",
            Self::Order(Order::Contactor(Contactor::Open)) => "Open contactor of",
            Self::Order(Order::Contactor(Contactor::Arm)) => "Arm contactor of",
            Self::Order(Order::Contactor(Contactor::Close)) => "Close contactor of",
        }
    }

    const fn effect(self) -> &'static str {
        match self {
            Self::Clock(ClockWay::Set) => {
                "The time of this computer is written to the meter, and its clock is read back."
            }
            Self::Clock(ClockWay::Adjust) => {
                "The clock is moved as gently as the meter can, up to 15 minutes; further than that it is set. It is read back."
            }
            Self::Order(Order::BillingReset) => {
                "The registers are stored as a billing set, and the maxima begin anew. This cannot be undone."
            }
            Self::Order(Order::Contactor(Contactor::Open)) => {
                "The premises lose their supply at once. Make sure that nobody there depends on it."
            }
            Self::Order(Order::Contactor(Contactor::Arm)) => {
                "Whoever presses the button at the meter restores the supply. Make sure that this is safe."
            }
            Self::Order(Order::Contactor(Contactor::Close)) => {
                "The premises are supplied at once. Make sure that nobody works on the installation."
            }
        }
    }
}

/// The question.
#[derive(Debug)]
pub(super) struct Confirmation {
    deed: Deed,
    /// Number, name, serial number.
    meters: Vec<(MeterId, String, Option<String>)>,
    typed: String,
    across_interval: bool,
}

/// Case, spaces and punctuation aside.
fn plain(text: &str) -> String {
    let text: String = text.chars().filter(char::is_ascii_alphanumeric).collect();
    text.to_ascii_uppercase()
}

impl Confirmation {
    /// About these meters.
    #[must_use]
    pub(super) fn new(deed: Deed, meters: &[&MeterRow]) -> Self {
        let serial = |row: &MeterRow| row.config.serial.clone().filter(|serial| !plain(serial).is_empty());
        let meters = meters.iter().map(|row| (row.id, row.config.name.clone(), serial(row))).collect();
        Self { deed, meters, typed: String::new(), across_interval: false }
    }

    /// What the button says: the effect, on which serial number.
    fn words(&self) -> String {
        match self.meters.as_slice() {
            [(_, name, serial)] => {
                format!("{} {}", self.deed.verb(), serial.as_deref().unwrap_or(name))
            }
            many => format!("{} {}", self.deed.verb(), counted(many.len(), "meter")),
        }
    }

    /// The serial number that has to be typed; nothing for what can be done again at any time.
    fn wanted(&self) -> Option<Option<&str>> {
        match (self.deed, self.meters.as_slice()) {
            (Deed::Clock(_), _) => None,
            (Deed::Order(_), [(_, _, serial)]) => Some(serial.as_deref()),
            (Deed::Order(_), _) => Some(None),
        }
    }

    fn is_confirmed(&self) -> bool {
        match self.wanted() {
            None => true,
            Some(serial) => serial.is_some_and(|serial| plain(serial) == plain(&self.typed)),
        }
    }

    fn submit(&self, cx: &mut AppCtx) {
        let job = match self.deed {
            Deed::Clock(way) => Job::SetClock {
                meters: self.meters.iter().map(|(id, ..)| *id).collect(),
                order: ClockOrder { way, across_interval: self.across_interval },
            },
            Deed::Order(order) => {
                let Some((meter, ..)) = self.meters.first() else { return };
                Job::Control { meter: *meter, order }
            }
        };
        cx.submit(job);
    }

    /// Draws it; true when it is answered.
    pub(super) fn ui(&mut self, ui: &Ui, cx: &mut AppCtx) -> bool {
        let mut answered = false;
        let modal = dialog_window(ui, "confirmation", WIDTH, |ui| {
            self.head(ui);
            ui.add_space(4.0);
            ui.label(self.deed.effect());
            self.expected(ui, cx);
            let focus = self.question(ui);
            ui.add_space(8.0);
            ui.horizontal(|ui| {
                let (words, ready) = (self.words(), self.is_confirmed());
                let act = match self.deed {
                    Deed::Clock(_) => Act::primary(&words),
                    Deed::Order(_) => Act::danger(&words),
                };
                if ui.add(act.enabled(ready)).clicked() {
                    self.submit(cx);
                    answered = true;
                }
                let cancel = ui.add(Act::plain("Cancel").shortcut("Esc"));
                if ui.memory(|memory| memory.focused().is_none()) {
                    focus.unwrap_or_else(|| cancel.clone()).request_focus();
                }
                answered |= cancel.clicked() || ui.input(|input| input.key_pressed(Key::Escape));
            });
        });
        answered || modal.should_close()
    }

    fn head(&self, ui: &mut Ui) {
        match self.meters.as_slice() {
            [(_, name, serial)] => {
                ui.label(strong(format!("{} {name}?", self.deed.verb())).size(15.0));
                let serial = serial.as_deref().unwrap_or("not known");
                ui.label(secondary(ui, format!("Serial number {serial}")));
            }
            many => {
                ui.label(strong(format!("{}?", self.words())).size(15.0));
                for (_, name, serial) in many.iter().take(LISTED) {
                    ui.label(format!("· {name}, {}", serial.as_deref().unwrap_or("serial number not known")));
                }
                if many.len() > LISTED {
                    ui.label(secondary(ui, format!("and {} more", number(many.len() - LISTED))));
                }
            }
        }
    }

    /// What the meter's clock is expected to show, and what putting it right does to the intervals of its profile.
    fn expected(&self, ui: &mut Ui, cx: &mut AppCtx) {
        let is_timed = matches!(self.deed, Deed::Clock(_) | Deed::Order(Order::BillingReset));
        match self.meters.as_slice() {
            _ if !is_timed => {}
            [(id, ..)] => self.expected_of(ui, cx, *id),
            _ => self.expected_of_many(ui, cx),
        }
    }

    /// Of which meters an interval comes twice or is cut short, by the drift that was found last.
    fn expected_of_many(&self, ui: &mut Ui, cx: &mut AppCtx) {
        let ids: BTreeSet<MeterId> = self.meters.iter().map(|(id, ..)| *id).collect();
        let rows = cx.meters().ready().unwrap_or_default();
        let (now, zone) = ((cx.now)(), &cx.zone);
        let (mut compared, mut unknown, mut passing) = (0, 0, Vec::new());
        for row in rows.iter().filter(|row| ids.contains(&row.id)) {
            let Some(drift) = row.drift_ms else {
                unknown += 1;
                continue;
            };
            compared += 1;
            if passes(now, drift, QUARTER_SECONDS, zone).is_some() {
                passing.push((row.config.name.as_str(), drift > 0));
            }
        }
        ui.add_space(4.0);
        let end = "over the end of a quarter of an hour, by the drift that was found last";
        match passing.as_slice() {
            [] if compared > 0 => {
                let words = format!("Put right now, none of {compared} passes {end}.");
                ui.add(egui::Label::new(secondary(ui, words)).wrap());
            }
            [] => {}
            some => {
                let verb = if some.len() == 1 { "passes" } else { "pass" };
                let left = match (self.across_interval, some.len()) {
                    (true, _) => "",
                    (false, 1) => " It is left as it is, unless you say so below.",
                    (false, _) => " They are left as they are, unless you say so below.",
                };
                warn(
                    ui,
                    &format!(
                        "Put right now, {} of {} {verb} {end}.{left}",
                        number(some.len()),
                        number(compared)
                    ),
                );
                for (name, is_back) in some.iter().take(LISTED) {
                    let what = if *is_back {
                        "put back, so that an interval comes twice"
                    } else {
                        "put forward, so that an interval is cut short"
                    };
                    ui.add(egui::Label::new(secondary(ui, format!("· {name} is {what}"))).wrap());
                }
                if some.len() > LISTED {
                    ui.label(secondary(ui, format!("and {} more", number(some.len() - LISTED))));
                }
            }
        }
        if unknown > 0 {
            let verb = if unknown == 1 { "was" } else { "were" };
            let words = format!("{unknown} {verb} never compared: what their clocks show is not known.");
            ui.label(secondary(ui, words));
        }
    }

    fn expected_of(&self, ui: &mut Ui, cx: &mut AppCtx, id: MeterId) {
        ui.add_space(4.0);
        let zone = cx.meter(id).and_then(|row| row.config.time_zone);
        let zone = zone.map_or_else(|| cx.zone.clone(), |name| zone_named(Some(&name)));
        let Some(expected) = Expected::of(cx, id) else {
            let words = "Its clock was never compared: what it shows now is not known.";
            ui.label(secondary(ui, words));
            return;
        };
        let clock = |at: Timestamp| at.to_zoned(zone.clone()).strftime("%H:%M:%S").to_string();
        let shows =
            format!("The meter is expected to show {} ({}).", clock(expected.shows()), expected.basis(&zone));
        ui.add(egui::Label::new(secondary(ui, shows)).wrap());
        let Deed::Clock(_) = self.deed else {
            ui.label(secondary(ui, "The billing set will bear the time that it shows then."));
            return;
        };
        let profiles =
            cx.data.profiles(cx.backend.as_ref(), &Query::Profiles(id)).ready().unwrap_or_default();
        let periods =
            profiles.iter().map(|profile| profile.layout.period_seconds).filter(|period| *period > 0);
        let Some(period) = periods.min() else {
            ui.label(secondary(ui, "No profile of it is stored, so that its intervals are not known."));
            return;
        };
        match expected.passes(period, &zone) {
            None => {
                let words =
                    format!("Put right now, it passes over no end of an interval of {} min.", period / 60);
                ui.label(secondary(ui, words));
            }
            Some(end) => {
                let what = if expected.goes_back() { "comes twice" } else { "is cut short" };
                let left =
                    if self.across_interval { "" } else { " It is left as it is, unless you say so below." };
                let words = format!(
                    "Put right now, it passes over {}, the end of an interval of {} min, which {what}.{left}",
                    clock(end),
                    period / 60
                );
                warn(ui, &words);
            }
        }
    }

    /// What has to be entered; gives what the cursor should stand in.
    fn question(&mut self, ui: &mut Ui) -> Option<egui::Response> {
        match self.wanted().map(|serial| serial.map(str::to_owned)) {
            None => {
                ui.add_space(4.0);
                ui.checkbox(&mut self.across_interval, "Also across the end of an interval");
                let text = "Otherwise a clock whose change would make an interval of the load profile short or long is left as it is.";
                ui.label(secondary(ui, text));
                None
            }
            Some(None) => {
                ui.add_space(4.0);
                let text =
                    "Its serial number is not known, so that nobody can confirm it: read the meter first.";
                ui.label(egui::RichText::new(text).color(crate::gui::theme::tokens(ui).warn.0));
                None
            }
            Some(Some(serial)) => {
                ui.add_space(8.0);
                let is_wrong = !plain(&serial).starts_with(&plain(&self.typed));
                let remark = match (is_wrong, self.is_confirmed()) {
                    (true, _) => "This is not its serial number",
                    (_, true) => "Confirmed",
                    _ => "Type it to confirm",
                };
                let answer = field(ui, "Serial number", Some((remark, is_wrong)), |ui| {
                    text_field(ui, &mut self.typed, "", WIDTH, false)
                });
                Some(answer)
            }
        }
    }
}
