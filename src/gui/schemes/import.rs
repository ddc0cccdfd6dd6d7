//! Holidays from a file: what was understood is looked at before it is taken.

use std::path::{Path, PathBuf};
use std::sync::mpsc::TryRecvError;

use egui::{ScrollArea, Ui};
use jiff::civil::Date;

use crate::gui::context::{AppCtx, stopped};
use crate::gui::data::Later;
use crate::gui::theme::{SIZES, strong, tokens};
use crate::gui::widgets::{Act, choice, counted, dialog_window, loading, room_in_dialog, secondary, small};
use crate::model::Fault;
use crate::scheme::{Document, Holidays, LARGEST_HOLIDAYS, SpecialDay, read_holidays};

use super::opened::file_name;
use super::which::Which;

/// A list under consideration.
#[derive(Debug)]
pub(super) struct Import {
    pub(super) key: u64,
    which: Which,
    name: String,
    state: State,
    day_type: String,
}

#[derive(Debug)]
enum State {
    Reading(Later<Holidays>),
    Read {
        holidays: Holidays,
        /// Whether each is taken.
        taken: Vec<bool>,
    },
}

/// What the question came to.
#[derive(Debug)]
pub(super) enum Answer {
    Open,
    Cancelled,
    Failed(Fault),
    Take(Which, Vec<SpecialDay>),
}

/// Reads a list of holidays.
///
/// # Errors
/// It cannot be read, or is no list of reasonable size.
pub(in crate::gui) fn read_file(path: &Path) -> Result<Holidays, Fault> {
    let fail = |reason: String| {
        Fault::user(
            format!("{}: {reason}", path.display()),
            "choose a CSV or iCalendar file that you may read",
        )
    };
    let size = std::fs::metadata(path).map_err(|error| fail(error.to_string()))?.len();
    if size > LARGEST_HOLIDAYS {
        return Err(fail(format!("{size} bytes are too many for a list of holidays")));
    }
    std::fs::read(path).map(|bytes| read_holidays(&bytes)).map_err(|error| fail(error.to_string()))
}

impl Import {
    /// Begins to read a file for a scheme.
    pub(super) fn new(cx: &AppCtx, key: u64, which: Which, document: &Document, path: PathBuf) -> Self {
        let name = file_name(&path);
        let days = which.of(document).map(|tariff| tariff.day_types.as_slice()).unwrap_or_default();
        let used = which.of(document).and_then(|tariff| tariff.special_days.first());
        let day_type = used.map(|special| special.day_type.clone());
        let day_type = day_type.or_else(|| days.last().map(|day| day.id.clone())).unwrap_or_default();
        let state = State::Reading(cx.aside("read holidays", move || read_file(&path)));
        Self { key, which, name, state, day_type }
    }

    /// Draws the question.
    pub(super) fn ui(&mut self, ui: &Ui, document: &Document, today: Date) -> Answer {
        if let State::Reading(answer) = &self.state {
            match answer.try_recv() {
                Ok(Ok(holidays)) => {
                    let special = self.special_days(document);
                    let gone =
                        |date: crate::scheme::DatePattern| date.last().is_some_and(|last| last < today);
                    let taken = holidays
                        .against(special)
                        .map(|(day, clash)| clash.is_none() && !gone(day.date))
                        .collect();
                    self.state = State::Read { holidays, taken };
                }
                Ok(Err(fault)) => return Answer::Failed(fault),
                Err(TryRecvError::Disconnected) => return Answer::Failed(stopped()),
                Err(TryRecvError::Empty) => {
                    ui.ctx().request_repaint_after(std::time::Duration::from_millis(100));
                }
            }
        }
        let mut answer = Answer::Open;
        let modal = dialog_window(ui, "holidays", 560.0, |ui| {
            ui.label(strong(format!("Holidays of {}", self.name)).size(15.0));
            answer = self.contents(ui, document, today);
        });
        if modal.should_close() && matches!(answer, Answer::Open) { Answer::Cancelled } else { answer }
    }

    fn special_days<'a>(&self, document: &'a Document) -> &'a [SpecialDay] {
        self.which.of(document).map(|tariff| tariff.special_days.as_slice()).unwrap_or_default()
    }

    fn contents(&mut self, ui: &mut Ui, document: &Document, today: Date) -> Answer {
        let special = self.special_days(document);
        let which = self.which;
        let State::Read { holidays, taken } = &mut self.state else {
            loading(ui, "the holidays");
            return Answer::Open;
        };
        let days = which.of(document).map(|tariff| tariff.day_types.as_slice()).unwrap_or_default();
        let types: Vec<(String, String)> =
            days.iter().map(|day| (day.id.clone(), format!("{} {}", day.id, day.title))).collect();
        choice(ui, "They follow day type", 260.0, &mut self.day_type, &types);
        ui.add_space(4.0);
        ScrollArea::vertical().id_salt("holidays").max_height(room_in_dialog(ui, 320.0, 0).min(280.0)).show(
            ui,
            |ui| {
                ui.set_min_width(540.0);
                ui.spacing_mut().item_spacing.y = 2.0;
                let warn = tokens(ui).warn.0;
                for ((day, clash), take) in holidays.against(special).zip(taken.iter_mut()) {
                    ui.horizontal(|ui| {
                        ui.add_enabled_ui(clash.is_none(), |ui| {
                            ui.checkbox(take, format!("{}  {}", day.date, day.name));
                        });
                        if let Some(other) = clash {
                            ui.label(
                                egui::RichText::new(format!("ruled by {other} already"))
                                    .size(SIZES[0])
                                    .color(warn),
                            );
                        } else if day.date.last().is_some_and(|last| last < today) {
                            ui.label(small(ui, "has gone by"));
                        }
                    });
                }
                if holidays.days.is_empty() {
                    ui.label(secondary(ui, "No holiday was understood in this file."));
                }
                if !holidays.skipped.is_empty() {
                    ui.add_space(8.0);
                    ui.label(
                        strong(format!("{} not taken", counted(holidays.skipped.len(), "line"))).color(warn),
                    );
                    for skipped in &holidays.skipped {
                        ui.add(egui::Label::new(small(ui, skipped.to_string())).wrap());
                    }
                }
            },
        );
        ui.add_space(8.0);
        let count = taken.iter().filter(|take| **take).count();
        let mut answer = Answer::Open;
        ui.horizontal(|ui| {
            let words = format!("Take {}", counted(count, "day"));
            let take = ui.add(Act::primary(&words).enabled(count > 0 && !self.day_type.is_empty()));
            if take.clicked() {
                let chosen = holidays.days.iter().zip(taken.iter()).filter(|(_, take)| **take);
                let new = chosen
                    .map(|(day, _)| SpecialDay { date: day.date, day_type: self.day_type.clone() })
                    .collect();
                answer = Answer::Take(which, new);
            }
            if ui.add(Act::plain("Cancel").shortcut("Esc")).clicked() {
                answer = Answer::Cancelled;
            }
        });
        answer
    }
}
