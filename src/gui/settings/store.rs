//! Settings › Store: what the file holds, its upkeep, and what is kept for how long.

use egui::{Align, Grid, Layout, Ui, Vec2};
use jiff::civil::Time;

use crate::comms::{Chore, Edit, Job, NIGHTLY_SETTING, NIGHTLY_USUAL};
use crate::gui::context::{AppCtx, Command};
use crate::gui::data::{Expiries, Load, Query};
use crate::gui::theme::{CONTROL, SIZES, strong, tokens};
use crate::gui::widgets::{
    Act, combo, dialog_window, grouped, instant, key_value, loading, permitted, secondary, small, text_field,
};
use crate::model::Right;
use crate::store::{Age, Expiry, Kind, Retention, StoreStatus, Upkeep, UpkeepRow, UpkeepState};

/// Ages that are offered for readings, and for what goes by itself.
const OF_READINGS: [Option<Age>; 6] = [
    None,
    Some(Age::Months(13)),
    Some(Age::Months(36)),
    Some(Age::Months(60)),
    Some(Age::Months(84)),
    Some(Age::Months(120)),
];
const OF_THE_REST: [Option<Age>; 6] = [
    None,
    Some(Age::Days(7)),
    Some(Age::Days(30)),
    Some(Age::Days(90)),
    Some(Age::Months(13)),
    Some(Age::Months(36)),
];

/// The cards' own state.
#[derive(Default)]
pub(super) struct StoreCards {
    /// The time of the night as typed.
    nightly: Option<String>,
    /// The question whether to dispose of what is old, with the number as typed.
    asking: Option<String>,
}

/// Bytes for people.
fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} bytes"),
        1024..1_048_576 => format!("{} KiB", bytes / 1024),
        1_048_576..0x4000_0000 => format!("{}.{} MiB", bytes >> 20, ((bytes & 0xF_FFFF) * 10) >> 20),
        _ => format!("{}.{} GiB", bytes >> 30, ((bytes & 0x3FFF_FFFF) * 10) >> 30),
    }
}

fn age_words(age: Option<Age>) -> String {
    age.map_or_else(|| "For ever".to_owned(), |age| age.to_string())
}

/// Whether upkeep goes on in this program.
fn is_busy(cx: &AppCtx) -> bool {
    cx.jobs.running().any(|job| job.id.0 < 0 && job.meters.keys().all(Option::is_none) && job.total == 1)
}

/// Readings that would go.
fn readings(expiries: &[Expiry]) -> u64 {
    expiries.iter().filter(|one| one.kind.is_reading()).map(|one| one.items).sum()
}

impl StoreCards {
    /// What the file holds, and its upkeep.
    pub(super) fn file(&mut self, ui: &mut Ui, cx: &mut AppCtx) {
        match cx.data.store_status(cx.backend.as_ref(), &Query::StoreStatus) {
            Load::Loading => loading(ui, "what the store holds"),
            Load::Failed(reason) => {
                ui.label(egui::RichText::new(reason).color(tokens(ui).bad.0));
            }
            Load::Ready(status) => {
                holds(ui, cx, &status);
                last_done(ui, cx, &status);
            }
        }
        let busy = is_busy(cx);
        ui.horizontal(|ui| {
            let act = |text| Act::plain(text).enabled(!busy);
            let hint = "Puts the days of months that are over into one block each, and gives free pages back";
            let compact = act("Compact now").hint(hint);
            if ui.add(compact.unless(cx.why_not(Right::Retention))).clicked() {
                cx.submit(Job::Upkeep(Chore::Compact));
            }
            if ui.add(act("Check").hint("Looks at every page, every block and the audit chain")).clicked() {
                cx.submit(Job::Upkeep(Chore::Check));
            }
            let hint = "A whole copy, as the store is now, in a new file; reading goes on meanwhile";
            if ui.add(act("Back up…").hint(hint)).clicked() {
                let day = (cx.now)().to_zoned(cx.zone.clone()).date();
                cx.command(Command::BackUp(format!("meterwright {day}.db")));
            }
            if busy {
                ui.label(small(ui, "Under way: see the bar at the bottom"));
            }
        });
        self.at_night(ui, cx);
    }

    /// When the store is looked after by itself.
    fn at_night(&mut self, ui: &mut Ui, cx: &mut AppCtx) {
        let query = Query::Setting(NIGHTLY_SETTING.to_owned());
        let Some(setting) = cx.data.setting(cx.backend.as_ref(), &query).ready() else { return };
        let stands = (*setting).clone().unwrap_or_else(|| NIGHTLY_USUAL.to_owned());
        let was_on = stands.parse::<Time>().is_ok();
        let typed = self
            .nightly
            .get_or_insert_with(|| if was_on { stands.clone() } else { NIGHTLY_USUAL.to_owned() });
        let mut wanted = None;
        let why_not = cx.why_not(Right::Retention);
        ui.horizontal(|ui| {
            let mut on = was_on;
            let check = |ui: &mut Ui| ui.checkbox(&mut on, "Look after the store every night at");
            if permitted(ui, why_not.as_deref(), check).changed() {
                wanted = Some(if on { typed.clone() } else { "off".to_owned() });
            }
            let wrong = typed.trim().parse::<Time>().is_err();
            let field = permitted(ui, why_not.as_deref(), |ui| text_field(ui, typed, "03:30", 72.0, wrong));
            let field = field.accessible_name("Time of the night");
            if field.lost_focus() && was_on && !wrong && typed.trim() != stands {
                wanted = Some(typed.trim().to_owned());
            }
            if wrong {
                ui.label(egui::RichText::new("Write a time such as 03:30").color(tokens(ui).bad.0));
            }
        });
        ui.label(small(
            ui,
            "When nothing else goes on: traffic and histories that are old go, and months are put together.",
        ));
        if let Some(value) = wanted.filter(|value| value == "off" || value.parse::<Time>().is_ok()) {
            cx.edit(Edit::Setting { key: NIGHTLY_SETTING.to_owned(), value }, "Saved the time of the night");
        }
    }

    /// What is kept for how long.
    pub(super) fn kept(&mut self, ui: &mut Ui, cx: &mut AppCtx) {
        let expiries = match cx.data.expiries(cx.backend.as_ref(), &Query::Expiries) {
            Load::Loading => return loading(ui, "what is old"),
            Load::Failed(reason) => {
                ui.label(egui::RichText::new(reason).color(tokens(ui).bad.0));
                return;
            }
            Load::Ready(expiries) => expiries,
        };
        ui.label(small(
            ui,
            "The audit chain, schemes, ratios and flashes are kept for ever. Of each register, log and profile the newest stays.",
        ));
        let mut changed = None;
        let why_not = cx.why_not(Right::Retention);
        Grid::new("kept").num_columns(3).spacing([16.0, 8.0]).min_col_width(120.0).show(ui, |ui| {
            for kind in Kind::ALL {
                ui.label(kind.name());
                if let Some(age) = age_choice(ui, *kind, expiries.retention.age(*kind), why_not.as_deref()) {
                    changed = Some((*kind, age));
                }
                would_go(ui, cx, &expiries, *kind);
                ui.end_row();
            }
        });
        if let Some((kind, age)) = changed {
            change(cx, &expiries.retention, kind, age);
        }
        let all: u64 = expiries.expiries.iter().map(|one| one.items).sum();
        let act = Act::plain("Dispose of what is old…").enabled(all > 0 && !is_busy(cx));
        let act = act.hint("Readings go only here, and only after a question");
        if ui.add(act.unless(why_not)).clicked() {
            self.asking = Some(String::new());
        }
        self.question(ui, cx, &expiries);
    }

    fn question(&mut self, ui: &Ui, cx: &mut AppCtx, expiries: &Expiries) {
        let Some(typed) = &mut self.asking else { return };
        let gone: Vec<&Expiry> = expiries.expiries.iter().filter(|one| one.items > 0).collect();
        let number = readings(&expiries.expiries);
        let mut answered = false;
        let modal = dialog_window(ui, "dispose of what is old", 480.0, |ui| {
            ui.spacing_mut().item_spacing.y = 8.0;
            ui.label(strong("Dispose of what is old?").size(15.0));
            for one in &gone {
                let before = instant(one.cutoff, &cx.zone);
                ui.label(format!("{}: {} before {before}", one.kind.name(), grouped(&one.items.to_string())));
            }
            ui.label(secondary(ui, "Their number and a hash of them stand in the audit chain afterwards."));
            let mut is_confirmed = true;
            if number > 0 {
                ui.label(
                    strong("Readings cannot be had again: no meter holds them for so long.")
                        .color(tokens(ui).bad.0),
                );
                let name = format!("Type {number} to confirm");
                crate::gui::widgets::field(ui, &name, None, |ui| text_field(ui, typed, "", 160.0, false));
                is_confirmed = typed.trim().parse() == Ok(number);
            }
            let row = Vec2::new(ui.available_width(), CONTROL);
            ui.allocate_ui_with_layout(row, Layout::right_to_left(Align::Center), |ui| {
                if ui.add(Act::danger("Dispose of it").enabled(is_confirmed)).clicked() {
                    let cutoffs = gone.iter().map(|one| (one.kind, one.cutoff)).collect();
                    cx.submit(Job::Upkeep(Chore::Retain(cutoffs)));
                    answered = true;
                }
                answered |= ui.add(Act::plain("Cancel").shortcut("Esc")).clicked();
            });
            answered |= ui.input(|input| input.key_pressed(egui::Key::Escape));
        });
        if answered || modal.should_close() {
            self.asking = None;
        }
    }
}

fn change(cx: &mut AppCtx, stands: &Retention, kind: Kind, age: Option<Age>) {
    let mut retention = stands.clone();
    // What is offered is never too short.
    if retention.set(kind, age).is_ok() {
        let done = format!("{}: kept {}", kind.name(), age_words(age).to_lowercase());
        cx.edit(Edit::Retention(Box::new(retention)), done);
    }
}

/// Another age, where one was chosen.
fn age_choice(ui: &mut Ui, kind: Kind, stands: Option<Age>, why_not: Option<&str>) -> Option<Option<Age>> {
    let offered = if kind.is_reading() { OF_READINGS } else { OF_THE_REST };
    let others = std::iter::once(stands).filter(|age| !offered.contains(age));
    let mut chosen = None;
    let name = format!("Keep {}", kind.name().to_lowercase());
    permitted(ui, why_not, |ui| {
        combo(ui, ("keep", kind.word()), &name, 140.0, age_words(stands), |ui| {
            for age in offered.into_iter().chain(others) {
                if ui.selectable_label(age == stands, age_words(age)).clicked() && age != stands {
                    chosen = Some(age);
                }
            }
        })
    });
    chosen
}

fn would_go(ui: &mut Ui, cx: &AppCtx, expiries: &Expiries, kind: Kind) {
    let Some(one) = expiries.expiries.iter().find(|one| one.kind == kind) else {
        ui.label("");
        return;
    };
    if one.items == 0 {
        ui.label(small(ui, "Nothing is older"));
        return;
    }
    let oldest =
        one.oldest.map_or_else(String::new, |at| format!(", the oldest of {}", instant(at, &cx.zone)));
    let how = if kind.is_reading() { "would go" } else { "go at night" };
    let words = format!("{} {how}: {}{oldest}", grouped(&one.items.to_string()), size(one.bytes));
    ui.add(egui::Label::new(small(ui, words)).truncate());
}

fn holds(ui: &mut Ui, cx: &AppCtx, status: &StoreStatus) {
    key_value(ui, "File", status.path.clone());
    let free = if status.free_bytes > 0 {
        format!(", {} of it free for what comes", size(status.free_bytes))
    } else {
        String::new()
    };
    key_value(ui, "Size", format!("{}{free}", size(status.bytes)));
    if let Some(free) = status.disk_free_bytes {
        key_value(ui, "Free on the disk", size(free));
    }
    let blocks = |count: u64| grouped(&count.to_string());
    let (days, months) = (blocks(status.blocks.0), blocks(status.blocks.1));
    key_value(ui, "Blocks", format!("{days} of days, {months} of months"));
    Grid::new("kinds").num_columns(4).spacing([16.0, 4.0]).min_col_width(96.0).show(ui, |ui| {
        for head in ["What", "Number", "Size", "Oldest"] {
            let text = secondary(ui, head).size(SIZES[0]);
            if matches!(head, "Number" | "Size") {
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| ui.label(text));
            } else {
                ui.label(text);
            }
        }
        ui.end_row();
        for kind in &status.kinds {
            ui.label(kind.name);
            right(ui, &grouped(&kind.items.to_string()));
            right(ui, &size(kind.bytes));
            ui.label(kind.oldest.map_or_else(String::new, |at| instant(at, &cx.zone)));
            ui.end_row();
        }
    });
}

fn right(ui: &mut Ui, text: &str) {
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| ui.label(text));
}

/// What upkeep was done last.
fn last_done(ui: &mut Ui, cx: &AppCtx, status: &StoreStatus) {
    for row in &status.upkeep {
        let UpkeepRow { what, began, state, words, .. } = row;
        let name = match what {
            Upkeep::Compact => "Compacted",
            Upkeep::Retain => "Disposed of",
            Upkeep::Check => "Checked",
            Upkeep::Backup => "Backed up",
            Upkeep::Nightly => "At night",
        };
        let state = match state {
            UpkeepState::Running => "under way".to_owned(),
            UpkeepState::Done => words.clone(),
            UpkeepState::Cancelled => "stopped; what was done stays done".to_owned(),
            UpkeepState::Failed => format!("failed: {words}"),
            UpkeepState::Interrupted => {
                "the program ended in its middle; what was done stays done".to_owned()
            }
        };
        let when = instant(*began, &cx.zone);
        let ink = if row.state == UpkeepState::Failed { tokens(ui).bad.0 } else { tokens(ui).text.0 };
        key_value(ui, name, egui::RichText::new(format!("{when}: {state}")).color(ink));
    }
}
