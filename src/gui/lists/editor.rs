//! The form of a list: name, meters, what to do, when, with a look at the next five runs.

use std::collections::BTreeSet;

use egui::{Key, Layout, ScrollArea, Ui, Vec2};
use jiff::civil::{Time, Weekday};

use crate::comms::Edit;
use crate::gui::context::{AppCtx, usual_reading};
use crate::gui::data::ListSummary;
use crate::gui::data::reader::zone_named;
use crate::gui::theme::{CONTROL, strong, tokens};
use crate::gui::widgets::{
    Act, choice, counted, field, number, secondary, section, segmented, small, text_field,
};
use crate::model::{
    Action, Days, ListId, Member, MeterId, MeterList, Missed, Schedule, Times, Weekdays, minutes_from,
};

use super::action::ActionForm;
use super::holidays::HolidayForm;

/// Which meters.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Which {
    All,
    Group(String),
    Template(String),
    /// As it was before it was opened here.
    Kept(BTreeSet<Member>),
    Selected(Vec<MeterId>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    Hand,
    Daily,
    Every,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum On {
    All,
    Weekdays,
    Monthly,
}

/// The form.
pub(super) struct Editor {
    id: Option<ListId>,
    before: MeterList,
    name: String,
    which: Which,
    choices: Vec<(Which, String)>,
    action: ActionForm,
    when: When,
    time: String,
    every: String,
    on: On,
    weekdays: Weekdays,
    day: String,
    zone: String,
    window: String,
    missed: Missed,
    holidays: HolidayForm,
    retries: String,
    priority: String,
}

const WEEK: [(Weekday, &str, &str); 7] = [
    (Weekday::Monday, "Mon", "Monday"),
    (Weekday::Tuesday, "Tue", "Tuesday"),
    (Weekday::Wednesday, "Wed", "Wednesday"),
    (Weekday::Thursday, "Thu", "Thursday"),
    (Weekday::Friday, "Fri", "Friday"),
    (Weekday::Saturday, "Sat", "Saturday"),
    (Weekday::Sunday, "Sun", "Sunday"),
];

/// What can be chosen as the meters of a list: all, each group, each template, those that are selected.
fn choices(cx: &mut AppCtx) -> Vec<(Which, String)> {
    let mut all = vec![(Which::All, "All meters".to_owned())];
    let selected = cx.selection.ids();
    if !selected.is_empty() {
        let words = format!("The {} selected in the Meter Manager", number(selected.len()));
        all.push((Which::Selected(selected), words));
    }
    let meters = cx.meters().ready().unwrap_or_default();
    let mut groups = BTreeSet::new();
    for group in meters.iter().filter_map(|meter| meter.config.group.as_deref()) {
        let ends = group.match_indices('/').map(|(at, _)| at).chain([group.len()]);
        groups.extend(ends.filter_map(|end| group.get(..end)).map(str::to_owned));
    }
    all.extend(groups.into_iter().map(|group| (Which::Group(group.clone()), format!("Group {group}"))));
    let templates: BTreeSet<&String> = meters.iter().map(|meter| &meter.config.template).collect();
    all.extend(templates.into_iter().map(|name| (Which::Template(name.clone()), format!("Template {name}"))));
    all
}

fn minutes_text(minutes: u32) -> String {
    if minutes.is_multiple_of(60) { format!("{}h", minutes / 60) } else { format!("{minutes}m") }
}

impl Editor {
    /// A new list.
    pub(super) fn new(cx: &mut AppCtx) -> Self {
        let mut list = MeterList::new("", Action::Read { what: usual_reading(), from: None });
        let time = Time::constant(2, 0, 0, 0);
        let zone = cx.zone.iana_name().unwrap_or("UTC");
        list.schedule = Some(Schedule::new(Times::At(time), Days::All, zone));
        Self::of(cx, None, list, Which::All)
    }

    /// A list as it is.
    pub(super) fn edit(cx: &mut AppCtx, list: &ListSummary) -> Self {
        let list_of = list.row.list.clone();
        let members: Vec<&Member> = list_of.members.iter().collect();
        let which = match members.as_slice() {
            [Member::All] if list_of.except.is_empty() => Which::All,
            [Member::Group(group)] if list_of.except.is_empty() => Which::Group(group.clone()),
            [Member::Template(name)] if list_of.except.is_empty() => Which::Template(name.clone()),
            _ => Which::Kept(list_of.members.clone()),
        };
        let mut editor = Self::of(cx, Some(list.row.id), list_of, which);
        if matches!(editor.which, Which::Kept(_)) {
            let words = format!("As they are: {}", counted(list.meters, "meter"));
            editor.choices.insert(0, (editor.which.clone(), words));
        }
        editor
    }

    fn of(cx: &mut AppCtx, id: Option<ListId>, list: MeterList, which: Which) -> Self {
        let usual = || {
            let zone = cx.zone.iana_name().unwrap_or("UTC");
            Schedule::new(Times::At(Time::constant(2, 0, 0, 0)), Days::All, zone)
        };
        let schedule = list.schedule.clone().unwrap_or_else(usual);
        let (when, time, every) = match schedule.times {
            Times::At(time) => (When::Daily, time.strftime("%H:%M").to_string(), "15m".to_owned()),
            Times::Every(minutes) => (When::Every, "02:00".to_owned(), minutes_text(minutes)),
        };
        let (on, weekdays, day) = match schedule.days {
            Days::All => (On::All, Weekdays::WORKING, 1),
            Days::Weekdays(days) => (On::Weekdays, days, 1),
            Days::Monthly(day) => (On::Monthly, Weekdays::WORKING, day),
        };
        let action = ActionForm::new(&list.action, &zone_named(Some(&schedule.zone)));
        Self {
            id,
            name: list.name.clone(),
            which,
            choices: choices(cx),
            action,
            when: if list.schedule.is_some() { when } else { When::Hand },
            time,
            every,
            on,
            weekdays,
            day: day.to_string(),
            zone: schedule.zone.clone(),
            window: minutes_text(schedule.window_minutes),
            missed: schedule.missed,
            holidays: HolidayForm::new(&schedule.holidays),
            retries: schedule.retries.to_string(),
            priority: schedule.priority.to_string(),
            before: list,
        }
    }

    /// The schedule as entered.
    fn schedule(&self) -> Result<Option<Schedule>, String> {
        let times = match self.when {
            When::Hand => return Ok(None),
            When::Every => Times::Every(minutes_from(&self.every)?),
            When::Daily => {
                let time = self.time.trim().parse();
                Times::At(time.map_err(|_| "write the time such as 02:00".to_owned())?)
            }
        };
        let number = |text: &str, what: &str| {
            text.trim().parse::<u8>().map_err(|_| format!("{what} is a number up to 255"))
        };
        let days = match self.on {
            On::All => Days::All,
            On::Weekdays => Days::Weekdays(self.weekdays),
            On::Monthly => Days::Monthly(
                self.day.trim().parse().map_err(|_| "the day of the month is 1 to 31".to_owned())?,
            ),
        };
        let mut schedule = Schedule::new(times, days, self.zone.trim());
        schedule.holidays = self.holidays.holidays();
        schedule.window_minutes = minutes_from(&self.window)?;
        schedule.missed = self.missed;
        schedule.retries = number(&self.retries, "the number of retries")?;
        schedule.priority = number(&self.priority, "the priority")?;
        schedule.calendar()?;
        Ok(Some(schedule))
    }

    /// The list as entered.
    fn list(&self) -> Result<MeterList, String> {
        if self.name.trim().is_empty() {
            return Err("Give the list a name".to_owned());
        }
        let mut list = MeterList { name: self.name.trim().to_owned(), ..self.before.clone() };
        list.schedule = self.schedule()?;
        list.action = self.action.action(&zone_named(Some(self.zone.trim())))?;
        let members = match &self.which {
            Which::Kept(_) => return Ok(list),
            Which::All => [Member::All].into(),
            Which::Group(group) => [Member::Group(group.clone())].into(),
            Which::Template(name) => [Member::Template(name.clone())].into(),
            Which::Selected(ids) => ids.iter().copied().map(Member::Meter).collect(),
        };
        (list.members, list.except) = (members, BTreeSet::new());
        Ok(list)
    }

    /// Draws it; true when it is answered.
    pub(super) fn ui(&mut self, ui: &Ui, cx: &mut AppCtx) -> bool {
        let mut answered = false;
        let modal = dialog(ui, |ui| {
            let title = if self.id.is_some() { "Edit the list" } else { "New list" };
            ui.label(strong(title).size(15.0));
            ui.add_space(4.0);
            ScrollArea::vertical().max_height(ui.ctx().content_rect().height() - 180.0).show(ui, |ui| {
                ui.columns_const(|[left, right]| {
                    // A column itself stretches its words to both edges.
                    left.vertical(|ui| {
                        ui.spacing_mut().item_spacing.y = 8.0;
                        self.meters(ui, cx);
                        self.preview(ui, cx);
                    });
                    right.vertical(|ui| {
                        ui.spacing_mut().item_spacing.y = 8.0;
                        self.when(ui, cx);
                    });
                });
            });
            ui.add_space(8.0);
            let list = self.list();
            if let Err(reason) = &list {
                ui.label(egui::RichText::new(reason).color(tokens(ui).bad.0));
            }
            let row = Vec2::new(ui.available_width(), CONTROL);
            ui.allocate_ui_with_layout(row, Layout::right_to_left(egui::Align::Center), |ui| {
                let save = ui.add(Act::primary("Save the list").enabled(list.is_ok()));
                if let (true, Ok(list)) = (save.clicked(), list) {
                    let done = format!("Saved {}", list.name);
                    cx.edit(Edit::PutList { id: self.id, list: Box::new(list) }, done);
                    answered = true;
                }
                answered |= ui.add(Act::plain("Cancel").shortcut("Esc")).clicked();
            });
            answered |= ui.input(|input| input.key_pressed(Key::Escape));
        });
        answered || modal.should_close()
    }

    fn meters(&mut self, ui: &mut Ui, cx: &mut AppCtx) {
        let wrong = self.name.trim().is_empty();
        let name = field(ui, "Name", None, |ui| text_field(ui, &mut self.name, "Nightly poll", 300.0, wrong));
        if wrong && ui.memory(|memory| memory.focused().is_none()) {
            name.request_focus();
        }
        choice(ui, "Meters", 300.0, &mut self.which, &self.choices);
        self.action.ui(ui, cx);
    }

    fn when(&mut self, ui: &mut Ui, cx: &mut AppCtx) {
        ui.label(strong("When"));
        let kinds =
            [(When::Daily, "At a time"), (When::Every, "Every so often"), (When::Hand, "By hand only")];
        segmented(ui, "when", &mut self.when, &kinds);
        if self.when == When::Hand {
            return;
        }
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 16.0;
            if self.when == When::Daily {
                field(ui, "Time of day", None, |ui| text_field(ui, &mut self.time, "02:00", 96.0, false));
            } else {
                field(ui, "Every", None, |ui| text_field(ui, &mut self.every, "15m", 96.0, false));
            }
            field(ui, "Time zone", None, |ui| text_field(ui, &mut self.zone, "Europe/London", 176.0, false));
        });
        let days =
            [(On::All, "Every day"), (On::Weekdays, "Days of the week"), (On::Monthly, "Day of the month")];
        segmented(ui, "days", &mut self.on, &days);
        match self.on {
            On::All => {}
            On::Weekdays => {
                ui.horizontal(|ui| {
                    for (day, word, name) in WEEK {
                        let mut on = self.weekdays.contains(day);
                        if ui.checkbox(&mut on, word).on_hover_text(name).changed() {
                            self.weekdays = self.weekdays.toggled(day).unwrap_or(self.weekdays);
                        }
                    }
                });
            }
            On::Monthly => {
                let hint = Some(("The last day where the month has fewer", false));
                field(ui, "Day", hint, |ui| text_field(ui, &mut self.day, "1", 96.0, false));
            }
        }
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 16.0;
            field(ui, "Retry for", None, |ui| text_field(ui, &mut self.window, "4h", 96.0, false));
            field(ui, "Retries at most", None, |ui| text_field(ui, &mut self.retries, "5", 96.0, false));
            field(ui, "Priority, 1 to 9", None, |ui| text_field(ui, &mut self.priority, "5", 96.0, false));
        });
        let missed = [
            (Missed::Once, "Run once at the next start".to_owned()),
            (Missed::NextWindow, "Run at the same hour of the next day".to_owned()),
            (Missed::Skip, "Leave it out".to_owned()),
        ];
        choice(ui, "If the program did not run", 300.0, &mut self.missed, &missed);
        self.holidays.ui(ui, cx, &zone_named(Some(self.zone.trim())));
    }

    fn preview(&self, ui: &mut Ui, cx: &AppCtx) {
        let Ok(Some(schedule)) = self.schedule() else { return };
        let Ok(calendar) = schedule.calendar() else { return };
        section(ui, "The next five runs");
        ui.label(small(ui, schedule.in_words()));
        let runs = calendar.upcoming((cx.now)(), 5);
        if runs.is_empty() {
            ui.label(secondary(ui, "None: the holidays leave no day"));
        }
        for at in runs {
            ui.label(at.to_zoned(calendar.zone().clone()).strftime("%a %Y-%m-%d %H:%M %Z").to_string());
        }
    }
}

fn dialog<T>(ui: &Ui, contents: impl FnOnce(&mut Ui) -> T) -> egui::ModalResponse<T> {
    crate::gui::widgets::dialog_window(ui, "list editor", 840.0, contents)
}
