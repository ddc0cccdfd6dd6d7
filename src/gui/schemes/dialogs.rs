//! Questions: what a new scheme begins with, what becomes of unsaved work, names and deletions.

use std::path::{Path, PathBuf};

use egui::{Frame, Key, Margin, Panel, RichText, Role, ScrollArea, Sense, Ui, Vec2, WidgetInfo};

use crate::gui::context::{AppCtx, Command};
use crate::gui::theme::{Icon, SIZES, strong, tokens};
use crate::gui::widgets::{
    Act, choice, dialog_window, field, instant, room_in_dialog, secondary, small, text_field,
};
use crate::model::Template;
use crate::scheme::{Document, read};

use super::draft::Draft;
use super::import::{Answer, Import};
use super::keep::{self, Found};
use super::opened::{Opened, file_name};
use super::{LeftBehind, SchemeManager, proposed_name, today, with_ending};

const READY_MADE: [&str; 10] = [
    include_str!("../../../schemes/single-rate.scheme.json"),
    include_str!("../../../schemes/day-night.scheme.json"),
    include_str!("../../../schemes/evenings-and-weekends.scheme.json"),
    include_str!("../../../schemes/industrial-three-rate.scheme.json"),
    include_str!("../../../schemes/sliding-demand-summer-peak.scheme.json"),
    include_str!("../../../schemes/four-seasons.scheme.json"),
    include_str!("../../../schemes/agricultural-pumping.scheme.json"),
    include_str!("../../../schemes/export.scheme.json"),
    include_str!("../../../schemes/time-of-use-changeover.scheme.json"),
    include_str!("../../../schemes/spain-three-period.scheme.json"),
];

/// A question that is open.
#[derive(Debug)]
pub(super) enum Dialog {
    /// What a new scheme begins with.
    New {
        /// What there is, ready-made.
        ready_made: Vec<Document>,
        /// Meter model of an empty one.
        template: String,
    },
    /// Unsaved work of a scheme that is closed.
    Close {
        key: u64,
        /// It is being saved, and closed then.
        saving: bool,
    },
    /// The file holds something else than was thought.
    Changed { key: u64, path: PathBuf },
    /// A file's new name.
    Rename { key: u64, from: PathBuf, name: String },
    /// Holidays from a file.
    Holidays(Import),
    /// A file is deleted.
    Delete { key: u64, path: PathBuf },
}

impl Dialog {
    pub(super) fn fresh() -> Self {
        Self::New {
            ready_made: READY_MADE.iter().filter_map(|text| read(text.as_bytes()).ok()).collect(),
            template: Template::shipped().next().unwrap_or_default().to_owned(),
        }
    }

    pub(super) const fn close(key: u64) -> Self {
        Self::Close { key, saving: false }
    }

    pub(super) const fn changed(key: u64, path: PathBuf) -> Self {
        Self::Changed { key, path }
    }

    pub(super) fn rename(key: u64, path: &Path) -> Self {
        Self::Rename { key, from: path.to_path_buf(), name: file_name(path) }
    }

    pub(super) const fn delete(key: u64, path: PathBuf) -> Self {
        Self::Delete { key, path }
    }

    /// Whether a scheme is closed once it is saved.
    pub(super) fn closes_after_saving(&self, scheme: u64) -> bool {
        matches!(self, Self::Close { key, saving: true } if *key == scheme)
    }
}

fn title(ui: &mut Ui, text: &str) {
    ui.label(strong(text).size(15.0));
}

/// Gives the focus to a button when nothing has it, so that Enter does no harm.
fn preferred(ui: &Ui, response: &egui::Response) {
    if ui.memory(|memory| memory.focused().is_none()) {
        response.request_focus();
    }
}

impl SchemeManager {
    /// Draws the question that is open.
    pub(in crate::gui) fn dialogs(&mut self, ui: &Ui, cx: &mut AppCtx) {
        let Some(dialog) = self.dialog.take() else { return };
        self.dialog = match dialog {
            Dialog::New { ready_made, template } => self.new_dialog(ui, cx, ready_made, template),
            Dialog::Close { key, saving } => self.close_dialog(ui, cx, key, saving),
            Dialog::Changed { key, path } => self.changed_dialog(ui, cx, key, path),
            Dialog::Rename { key, from, name } => self.rename_dialog(ui, cx, key, from, name),
            Dialog::Holidays(import) => self.holidays_dialog(ui, cx, import),
            Dialog::Delete { key, path } => self.delete_dialog(ui, cx, key, path),
        };
    }

    fn new_dialog(
        &mut self,
        ui: &Ui,
        cx: &AppCtx,
        ready_made: Vec<Document>,
        mut template: String,
    ) -> Option<Dialog> {
        let mut begun = None;
        let mut cancelled = false;
        let modal = dialog_window(ui, "new scheme", 600.0, |ui| {
            title(ui, "New scheme");
            ui.horizontal(|ui| {
                let models: Vec<(String, String)> =
                    cx.templates.names().map(|name| (name.to_owned(), name.to_owned())).collect();
                choice(ui, "Meter model", 200.0, &mut template, &models);
                ui.vertical(|ui| {
                    ui.add_space(18.0);
                    let empty = ui.add(Act::primary("Begin with an empty scheme").icon(Icon::Plus));
                    preferred(ui, &empty);
                    if empty.clicked() {
                        let zone = cx.zone.iana_name().unwrap_or("UTC");
                        begun = Some(Document::blank(&template, zone));
                    }
                });
            });
            ui.add_space(4.0);
            ui.label(secondary(ui, "Or begin with a kind of contract, and change what differs:"));
            let height = room_in_dialog(ui, 270.0, 0).min(400.0);
            ScrollArea::vertical().max_height(height).show(ui, |ui| {
                ui.spacing_mut().item_spacing.y = 2.0;
                for document in &ready_made {
                    if contract(ui, document) {
                        begun = Some(Document { template: template.clone(), ..document.clone() });
                    }
                }
            });
            ui.add_space(4.0);
            cancelled = ui.add(Act::plain("Cancel").shortcut("Esc")).clicked();
        });
        if let Some(document) = begun {
            self.begin(document);
            return None;
        }
        (!cancelled && !modal.should_close()).then_some(Dialog::New { ready_made, template })
    }

    fn close_dialog(&mut self, ui: &Ui, cx: &mut AppCtx, key: u64, mut saving: bool) -> Option<Dialog> {
        let name = self.open.iter().find(|one| one.key == key).map(Opened::name)?;
        let (mut save, mut discard, mut cancelled) = (false, false, false);
        let modal = dialog_window(ui, "close scheme", 420.0, |ui| {
            title(ui, &format!("Save {name} before it is closed?"));
            ui.label(secondary(ui, "It has changes that are in no file yet."));
            ui.add_space(8.0);
            ui.horizontal(|ui| {
                let button = ui.add(Act::primary("Save and close"));
                preferred(ui, &button);
                save = button.clicked();
                discard = ui.add(Act::danger("Discard the changes")).clicked();
                cancelled = ui.add(Act::plain("Keep open").shortcut("Esc")).clicked();
            });
        });
        if save {
            saving = true;
            self.save(cx, key);
        }
        if discard {
            self.close(cx, key);
            return None;
        }
        // While a name is asked for, the answer to that question counts.
        (!cancelled && !modal.should_close()).then_some(Dialog::Close { key, saving })
    }

    fn changed_dialog(&mut self, ui: &Ui, cx: &mut AppCtx, key: u64, path: PathBuf) -> Option<Dialog> {
        let at = self.open.iter().position(|one| one.key == key)?;
        let own = self.open.get(at).is_some_and(|one| one.path.as_ref() == Some(&path));
        let (mut replace, mut theirs, mut elsewhere, mut cancelled) = (false, false, false, false);
        let modal = dialog_window(ui, "file changed", 520.0, |ui| {
            let name = file_name(&path);
            if own {
                title(ui, &format!("{name} was changed on disk"));
                ui.label(secondary(ui, "Another program or person has written it since it was opened here. Nothing has been saved."));
            } else {
                title(ui, &format!("{name} is there already"));
                ui.label(secondary(ui, "It holds something else. Nothing has been saved."));
            }
            ui.add_space(8.0);
            ui.horizontal(|ui| {
                replace = ui.add(Act::danger(&format!("Replace {name}"))).clicked();
                let other = ui.add(Act::plain("Save under another name…"));
                preferred(ui, &other);
                elsewhere = other.clicked();
            });
            ui.horizontal(|ui| {
                if own {
                    theirs = ui
                        .add(Act::plain("Open what is on disk").hint("Beside this one, to compare both"))
                        .clicked();
                }
                cancelled = ui.add(Act::plain("Cancel").shortcut("Esc")).clicked();
            });
        });
        if replace {
            if let Some(opened) = self.open.get_mut(at) {
                opened.save(cx, path, true);
            }
            return None;
        }
        if elsewhere {
            if let Some(draft) = self.open.get(at).and_then(Opened::draft) {
                cx.command(Command::ChooseSchemeTarget(key, proposed_name(&draft.document)));
            }
            return None;
        }
        if theirs {
            // What is here has no file any more: the one on disk is the other's.
            if let Some(opened) = self.open.get_mut(at) {
                opened.detach();
            }
            self.open(cx, path);
            return None;
        }
        (!cancelled && !modal.should_close()).then_some(Dialog::Changed { key, path })
    }

    fn rename_dialog(
        &mut self,
        ui: &Ui,
        cx: &mut AppCtx,
        key: u64,
        from: PathBuf,
        mut name: String,
    ) -> Option<Dialog> {
        let (mut done, mut cancelled) = (false, false);
        let modal = dialog_window(ui, "rename scheme", 420.0, |ui| {
            title(ui, &format!("Rename {}", file_name(&from)));
            let slip = name.contains(['/', '\\']).then_some(("write a name without a folder", true));
            let wrong = slip.is_some() || name.trim().is_empty();
            let response = field(ui, "File name", slip, |ui| text_field(ui, &mut name, "", 420.0, wrong));
            let entered = response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
            preferred(ui, &response);
            ui.add_space(8.0);
            ui.horizontal(|ui| {
                let rename = ui.add(Act::primary("Rename").enabled(!wrong)).clicked();
                done = !wrong && (rename || entered);
                cancelled = ui.add(Act::plain("Cancel").shortcut("Esc")).clicked();
            });
        });
        if done {
            let to = from.with_file_name(with_ending(PathBuf::from(name.trim())));
            if let Some(opened) = self.open.iter_mut().find(|one| one.key == key) {
                opened.rename(cx, from, to);
            }
            return None;
        }
        (!cancelled && !modal.should_close()).then_some(Dialog::Rename { key, from, name })
    }

    fn holidays_dialog(&mut self, ui: &Ui, cx: &mut AppCtx, mut import: Import) -> Option<Dialog> {
        let opened = self.open.iter_mut().find(|one| one.key == import.key)?;
        let draft = opened.draft_mut()?;
        match import.ui(ui, &draft.document, today(cx)) {
            Answer::Open => return Some(Dialog::Holidays(import)),
            Answer::Cancelled => {}
            Answer::Failed(fault) => cx.notices.failed(fault),
            Answer::Take(which, days) => draft.change(ui, "import holidays", |document| {
                if let Some(tariff) = which.of_mut(document) {
                    tariff.special_days.extend(days);
                }
            }),
        }
        None
    }

    fn delete_dialog(&mut self, ui: &Ui, cx: &mut AppCtx, key: u64, path: PathBuf) -> Option<Dialog> {
        let (mut delete, mut cancelled) = (false, false);
        let name = file_name(&path);
        let modal = dialog_window(ui, "delete scheme", 460.0, |ui| {
            title(ui, &format!("Delete {name}?"));
            ui.label(secondary(
                ui,
                format!("{} is taken off the disk. That cannot be undone.", path.display()),
            ));
            ui.add_space(8.0);
            ui.horizontal(|ui| {
                delete = ui.add(Act::danger(&format!("Delete {name}"))).clicked();
                let keep = ui.add(Act::plain("Keep").shortcut("Esc"));
                preferred(ui, &keep);
                cancelled = keep.clicked();
            });
        });
        if delete {
            let done = cx.aside("delete scheme", move || keep::delete(&path));
            cx.later(done, format!("Deleted {name}"));
            self.close(cx, key);
            return None;
        }
        (!cancelled && !modal.should_close()).then_some(Dialog::Delete { key, path })
    }

    /// Above everything: unsaved work that a crash left behind.
    pub(super) fn offer(&mut self, ui: &mut Ui, cx: &mut AppCtx) {
        let LeftBehind::Offered(found) = &self.left_behind else { return };
        if found.is_empty() {
            return;
        }
        let t = tokens(ui);
        let frame = Frame::new().fill(t.warn_soft.0).inner_margin(Margin::symmetric(16, 6));
        let mut answer = None;
        Panel::top("unsaved work").show_separator_line(false).frame(frame).show(ui, |ui| {
            for (at, one) in found.iter().enumerate() {
                ui.horizontal(|ui| {
                    let name = one.unsaved.path.as_ref().map_or_else(
                        || format!("“{}”, which was in no file", one.unsaved.document.title),
                        |path| file_name(path),
                    );
                    let when = instant(one.unsaved.at, &cx.zone);
                    let words = format!("Unsaved work from {when}: {name}");
                    ui.label(RichText::new(words).color(t.warn.0));
                    if ui.add(Act::plain("Restore").small()).clicked() {
                        answer = Some((at, true));
                    }
                    if ui.add(Act::quiet("Discard").small()).clicked() {
                        answer = Some((at, false));
                    }
                });
            }
        });
        if let Some((at, restore)) = answer {
            self.answer_offer(ui, cx, at, restore);
        }
    }

    fn answer_offer(&mut self, ui: &Ui, cx: &mut AppCtx, at: usize, restore: bool) {
        let LeftBehind::Offered(found) = &mut self.left_behind else { return };
        if at >= found.len() {
            return;
        }
        let Found { file, unsaved } = found.remove(at);
        if restore {
            let key = self.key();
            let mut draft = Draft::new(unsaved.document, unsaved.base);
            draft.changed_at = ui.input(|input| input.time);
            self.add(Opened::with(key, unsaved.path, draft));
            // The work is this program's now, and lies in a file of its own before the old one goes.
            if let (Some(keeper), Some(opened)) = (&self.keeper, self.open.last()) {
                self.kept_number += 1;
                let (keeper, number) = (keeper.clone(), self.kept_number);
                let unsaved = opened.unsaved(cx);
                let done = cx.aside("restore draft", move || {
                    keeper.keep(key, number, unsaved.as_ref())?;
                    keep::delete(&file)
                });
                cx.later(done, "");
            }
            return;
        }
        let done = cx.aside("discard draft", move || keep::delete(&file));
        cx.later(done, "The unsaved work is discarded");
    }
}

/// A ready-made scheme as a row; true where it was chosen.
fn contract(ui: &mut Ui, document: &Document) -> bool {
    let t = tokens(ui);
    let width = ui.available_width();
    let note = document.note.split_inclusive(". ").next().unwrap_or_default().trim();
    let (rect, response) = ui.allocate_exact_size(Vec2::new(width, 44.0), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &document.title));
    if response.hovered() || response.has_focus() {
        ui.painter().rect_filled(rect, 4.0, t.hover.0);
    }
    if response.has_focus() {
        let ring = egui::Stroke::new(2.0, t.accent.0);
        ui.painter().rect_stroke(rect, 4.0, ring, egui::StrokeKind::Inside);
    }
    let inner = egui::UiBuilder::new().max_rect(rect.shrink2(Vec2::new(8.0, 4.0)));
    let mut row = ui.new_child(inner.layout(egui::Layout::top_down(egui::Align::Min)));
    row.spacing_mut().item_spacing.y = 2.0;
    row.add(egui::Label::new(strong(&document.title).size(SIZES[1])).truncate());
    let words = small(&row, note);
    row.add(egui::Label::new(words).truncate());
    response.on_hover_text(&document.note).clicked()
}
