//! The part of the form that says on which dates a list does not run, and what becomes of a run then.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::mpsc::TryRecvError;

use egui::{Align, Key, Label, Layout, ScrollArea, Ui, Vec2};
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::gui::context::{AppCtx, Command, ProofFile, stopped};
use crate::gui::data::Later;
use crate::gui::schemes::read_holiday_file;
use crate::gui::theme::{Icon, ROW, tokens};
use crate::gui::widgets::{
    Act, Problem, Tone, counted, fault_panel, loading, problem, secondary, section, segmented, small,
    text_field,
};
use crate::model::{Fault, Holidays, OnHoliday};
use crate::scheme;

/// How high the list of dates may be.
const HIGHEST: f32 = 5.0 * ROW;

/// What a file gave, and what was left out of it.
struct Told {
    words: String,
    left_out: Option<String>,
}

/// The holidays of a list under the form's hands.
pub(super) struct HolidayForm {
    dates: BTreeSet<Date>,
    then: OnHoliday,
    typed: String,
    reading: Option<(Later<scheme::Holidays>, PathBuf)>,
    /// What came of the file that was read last.
    told: Option<Result<Told, Fault>>,
}

fn date(text: &str) -> Option<Date> {
    text.trim().parse().ok()
}

impl HolidayForm {
    pub(super) fn new(holidays: &Holidays) -> Self {
        let Holidays { dates, then } = holidays.clone();
        Self { dates, then, typed: String::new(), reading: None, told: None }
    }

    /// As entered.
    pub(super) fn holidays(&self) -> Holidays {
        Holidays { dates: self.dates.clone(), then: self.then }
    }

    /// Takes the file that was chosen, and what has come of it.
    fn look(&mut self, cx: &mut AppCtx, zone: &TimeZone) {
        if let Some((ProofFile::ListHolidays, path)) = &cx.chosen {
            let path = path.clone();
            cx.chosen = None;
            let file = path.clone();
            self.told = None;
            self.reading = Some((cx.aside("read holidays", move || read_holiday_file(&file)), path));
        }
        let Some((answer, path)) = &self.reading else { return };
        self.told = Some(match answer.try_recv() {
            Err(TryRecvError::Empty) => return,
            Err(TryRecvError::Disconnected) => Err(stopped()),
            Ok(Err(fault)) => Err(fault),
            Ok(Ok(found)) => {
                let year = (cx.now)().to_zoned(zone.clone()).year();
                let dates = found.dates_from(year);
                let before = self.dates.len();
                self.dates.extend(&dates);
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let new = counted(self.dates.len() - before, "new date");
                let slips: Vec<String> =
                    found.skipped.iter().filter(|slip| !slip.is_twice).map(ToString::to_string).collect();
                let words = match slips.len() {
                    0 => format!("{new} from {name}"),
                    count => format!("{new} from {name}; {} left out", counted(count, "line")),
                };
                Ok(Told { words, left_out: slips.into_iter().next() })
            }
        });
        self.reading = None;
    }

    /// Draws it.
    pub(super) fn ui(&mut self, ui: &mut Ui, cx: &mut AppCtx, zone: &TimeZone) {
        self.look(cx, zone);
        section(ui, "Holidays");
        let now = (cx.now)().to_zoned(zone.clone()).date();
        ui.label(small(ui, self.in_words(now)));
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 4.0;
            let wrong = !self.typed.trim().is_empty() && date(&self.typed).is_none();
            let field = text_field(ui, &mut self.typed, "2026-12-25", 112.0, wrong);
            let entered = field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
            field.accessible_name("Another holiday");
            let ready = date(&self.typed);
            let add = ui.add(Act::plain("Add date").icon(Icon::Plus).enabled(ready.is_some()));
            if let Some(date) = ready.filter(|_| add.clicked() || entered) {
                self.dates.insert(date);
                self.typed.clear();
            }
            let hint = "CSV or iCalendar; what comes every year is taken for the next ten";
            if ui.add(Act::plain("From a file…").icon(Icon::Import).hint(hint)).clicked() {
                cx.command(Command::ChooseProof(ProofFile::ListHolidays));
            }
        });
        match &self.told {
            Some(Ok(Told { words, left_out: None })) => {
                ui.label(small(ui, words));
            }
            Some(Ok(Told { words: title, left_out: Some(text) })) => {
                let details = format!("{title}: {text}");
                problem(ui, &Problem { title, text, details, tone: Tone::Warn });
            }
            Some(Err(fault)) => fault_panel(ui, fault),
            None if self.reading.is_some() => loading(ui, "the holidays"),
            None => {}
        }
        if self.dates.is_empty() {
            return;
        }
        self.list(ui, now);
        let rules =
            [(OnHoliday::Skip, "Leave the run out"), (OnHoliday::Move, "Run on the next day that is none")];
        segmented(ui, "on a holiday", &mut self.then, &rules);
    }

    fn in_words(&self, now: Date) -> String {
        let to_come = self.dates.range(now..).count();
        match (self.dates.len(), to_come, self.dates.range(now..).next()) {
            (0, ..) => "None: it runs on every day that its rule names".to_owned(),
            (all, _, None) => format!("{}, all of them gone by", counted(all, "date")),
            (all, to_come, Some(next)) => {
                format!(
                    "{}, {to_come} to come, the next {}",
                    counted(all, "date"),
                    next.strftime("%a %Y-%m-%d")
                )
            }
        }
    }

    fn list(&mut self, ui: &mut Ui, now: Date) {
        let dates: Vec<Date> = self.dates.iter().copied().collect();
        let mut gone = None;
        let past = tokens(ui).text_disabled.0;
        let seen = ScrollArea::vertical().id_salt("holidays").max_height(HIGHEST).auto_shrink([false, true]);
        ui.scope(|ui| {
            ui.spacing_mut().item_spacing.y = 0.0;
            seen.show_rows(ui, ROW, dates.len(), |ui, rows| {
                for date in dates.get(rows).unwrap_or_default() {
                    let size = Vec2::new(ui.available_width(), ROW);
                    ui.allocate_ui_with_layout(size, Layout::left_to_right(Align::Center), |ui| {
                        let text = date.strftime("%a %Y-%m-%d").to_string();
                        let name = format!("Remove {date}");
                        let remove = Act::icon_only(Icon::Trash, &name);
                        if ui.add(remove.small()).clicked() {
                            gone = Some(*date);
                        }
                        if *date < now {
                            let text = egui::RichText::new(format!("{text}, gone by")).color(past);
                            ui.add(Label::new(text));
                        } else {
                            ui.label(secondary(ui, text));
                        }
                    });
                }
            });
        });
        if let Some(date) = gone {
            self.dates.remove(&date);
        }
        if self.dates.len() > 1 && ui.add(Act::quiet("Remove all dates").small()).clicked() {
            self.dates.clear();
        }
    }
}
