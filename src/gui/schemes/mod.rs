//! Scheme Manager: the open schemes at the left, the pages of one, at the right what is wrong with it and what is on.
//!
//! It shows schemes; a page that edits takes the place of one that shows, over the same `scheme::Document`.

mod bills;
mod compare_page;
mod dry_run;
#[allow(dead_code, reason = "the pages that edit come next")]
mod editing;
mod pages;
mod program;
mod proving;
mod registers;
mod side;
mod tariff;
mod year;

use std::path::{Path, PathBuf};

use egui::{Frame, Margin, Panel, Role, ScrollArea, Sense, Stroke, Ui, Vec2, WidgetInfo};

use crate::scheme::Document;

use super::context::{AppCtx, Command, Page};
use super::data::{Load, Query, SchemeFile};
use super::theme::{Icon, strong, tokens};
use super::widgets::{Act, Problem, Tone, empty, heading, loading, problem, segmented, small};

use proving::{Other, Proof, ProofPage, Subject};
use side::Side;
use year::Year;

/// A page of a scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tab {
    Identity,
    Registers,
    Days,
    Calendar,
    Year,
    Measuring,
    Prove(ProofPage),
}

/// The Scheme Manager.
pub(super) struct SchemeManager {
    files: Vec<PathBuf>,
    chosen: usize,
    tab: Tab,
    side: Side,
    year: Year,
    proof: Proof,
}

impl Default for SchemeManager {
    fn default() -> Self {
        Self {
            files: Vec::new(),
            chosen: 0,
            tab: Tab::Days,
            side: Side::default(),
            year: Year::default(),
            proof: Proof::default(),
        }
    }
}

/// The colour of a register: its own, as the scheme says.
fn register_colour(document: &Document, id: &str) -> Option<egui::Color32> {
    let register = document.registers.energy.iter().find(|register| register.id == id)?;
    let [red, green, blue] = register.colour.0;
    Some(egui::Color32::from_rgb(red, green, blue))
}

/// What a register is called: its title, or its id where it has none.
fn register_title<'a>(document: &'a Document, id: &'a str) -> &'a str {
    let energy = document.registers.energy.iter().map(|register| (&register.id, &register.title));
    let demand = document.registers.demand.iter().map(|register| (&register.id, &register.title));
    let found = energy.chain(demand).find(|(one, _)| *one == id).map(|(_, title)| title.as_str());
    found.filter(|title| !title.is_empty()).unwrap_or(id)
}

fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

impl SchemeManager {
    /// Opens a scheme file.
    pub(super) fn open(&mut self, path: PathBuf) {
        match self.files.iter().position(|one| *one == path) {
            Some(at) => self.chosen = at,
            None => {
                self.files.push(path);
                self.chosen = self.files.len() - 1;
            }
        }
    }

    /// Draws the page.
    pub(super) fn ui(&mut self, ui: &mut Ui, cx: &mut AppCtx) {
        let t = tokens(ui);
        if self.files.is_empty() {
            let text = "A scheme is everything that is programmed into a meter so that it bills as a contract says: registers, day types, seasons, billing dates. One file each.";
            empty(ui, Icon::Schemes, "No scheme is open", text, |ui| {
                if ui.add(Act::primary("Open a scheme…").icon(Icon::Folder).shortcut("Ctrl+O")).clicked() {
                    cx.command(Command::ChooseScheme);
                }
                let recent: Vec<String> =
                    cx.prefs.recent.iter().filter(|path| path.ends_with(".json")).cloned().collect();
                for path in recent.iter().take(5) {
                    if ui.add(Act::quiet(path).small()).clicked() {
                        cx.command(Command::OpenScheme(PathBuf::from(path)));
                    }
                }
                ui.label(small(ui, "or drop a .scheme.json file on this window"));
            });
            return;
        }
        let frame =
            Frame::new().fill(t.canvas.0).inner_margin(Margin { left: 8, right: 8, top: 12, bottom: 8 });
        Panel::left("schemes")
            .resizable(true)
            .default_size(220.0)
            .size_range(160.0..=360.0)
            .frame(frame)
            .show(ui, |ui| {
                self.list(ui, cx);
            });
        let Some(path) = self.files.get(self.chosen).cloned() else { return };
        let file = match cx.data.scheme(cx.backend.as_ref(), &Query::Scheme(path.clone())) {
            Load::Ready(file) => file,
            Load::Loading => {
                Frame::new().inner_margin(Margin::same(16)).show(ui, |ui| loading(ui, "the scheme"));
                return;
            }
            Load::Failed(reason) => {
                Frame::new().inner_margin(Margin::same(16)).show(ui, |ui| {
                    let title = "The scheme file cannot be read";
                    problem(ui, &Problem { title, text: &reason, details: reason.clone(), tone: Tone::Bad });
                    if ui.add(Act::plain("Try again").icon(Icon::Refresh)).clicked() {
                        cx.data.expire(|query| *query == Query::Scheme(path.clone()));
                    }
                });
                return;
            }
        };
        // What proves a scheme needs the width.
        if !matches!(self.tab, Tab::Prove(_)) {
            let frame = Frame::new().fill(t.surface.0).inner_margin(Margin {
                left: 16,
                right: 16,
                top: 12,
                bottom: 12,
            });
            Panel::right("scheme side")
                .resizable(true)
                .default_size(320.0)
                .size_range(240.0..=520.0)
                .frame(frame)
                .show(ui, |ui| {
                    self.side.ui(ui, cx, &file);
                });
        }
        self.pages(ui, cx, &path, &file);
    }

    fn list(&mut self, ui: &mut Ui, cx: &mut AppCtx) {
        ui.horizontal(|ui| {
            ui.add_space(8.0);
            heading(ui, "Schemes");
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                if ui.add(Act::icon_only(Icon::Folder, "Open a scheme…").shortcut("Ctrl+O")).clicked() {
                    cx.command(Command::ChooseScheme);
                }
            });
        });
        ui.add_space(4.0);
        let mut close = None;
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 2.0;
            for (at, path) in self.files.iter().enumerate() {
                let on = at == self.chosen;
                let (clicked, closed) = entry(ui, path, on);
                if clicked {
                    self.chosen = at;
                }
                if closed {
                    close = Some(at);
                }
            }
        });
        if let Some(at) = close {
            self.files.remove(at);
            self.chosen = self.chosen.min(self.files.len().saturating_sub(1));
        }
    }

    fn pages(&mut self, ui: &mut Ui, cx: &mut AppCtx, path: &Path, file: &SchemeFile) {
        let t = tokens(ui);
        let frame =
            Frame::new().fill(t.canvas.0).inner_margin(Margin { left: 16, right: 16, top: 12, bottom: 10 });
        Panel::top("scheme toolbar").show_separator_line(false).frame(frame).show(ui, |ui| {
            ui.horizontal(|ui| {
                let title =
                    file.document.as_ref().map_or_else(|| file_name(path), |document| document.title.clone());
                ui.add(egui::Label::new(strong(title).size(18.0)).truncate());
                if let Some(document) = &file.document {
                    ui.label(small(ui, &document.identity));
                }
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    if ui.add(Act::icon_only(Icon::Window, "Open in its own window")).clicked() {
                        cx.command(Command::Detach(Page::Schemes));
                    }
                    if ui.add(Act::icon_only(Icon::Refresh, "Read the file again")).clicked() {
                        let query = Query::Scheme(path.to_path_buf());
                        cx.data.expire(|one| *one == query);
                    }
                });
            });
            ui.add_space(6.0);
            let tabs = [
                (Tab::Identity, "Identity"),
                (Tab::Registers, "Registers"),
                (Tab::Days, "Day types"),
                (Tab::Calendar, "Weeks and seasons"),
                (Tab::Year, "Year"),
                (Tab::Measuring, "Billing and measuring"),
            ];
            segmented(ui, "scheme", &mut self.tab, &tabs);
            let tabs = [
                (Tab::Prove(ProofPage::DryRun), "Dry run"),
                (Tab::Prove(ProofPage::Bills), "Bills"),
                (Tab::Prove(ProofPage::Compare), "Compare"),
                (Tab::Prove(ProofPage::Program), "Program"),
            ];
            segmented(ui, "proof", &mut self.tab, &tabs);
        });
        let inner = ui.available_rect_before_wrap();
        ui.painter().rect_filled(inner, 0.0, t.surface.0);
        ui.painter().hline(inner.x_range(), inner.top(), Stroke::new(1.0, t.border.0));
        let Some(document) = &file.document else {
            let text =
                "The problems at the right say where it departs from the format, with line and column.";
            empty(ui, Icon::Warning, "This file is not a scheme that can be shown", text, |_| {});
            return;
        };
        if let Tab::Prove(page) = self.tab {
            let mut open = Vec::new();
            for other in self.files.iter().filter(|other| *other != path) {
                let query = Query::Scheme(other.clone());
                if let Load::Ready(file) = cx.data.scheme(cx.backend.as_ref(), &query) {
                    open.push((file_name(other), other.clone(), file));
                }
            }
            let others: Vec<Other<'_>> = open
                .iter()
                .filter_map(|(name, path, file)| {
                    Some(Other { name, path: Some(path.as_path()), document: file.document.as_ref()? })
                })
                .collect();
            let name = file_name(path);
            let this = Other { name: &name, path: Some(path), document };
            let _wish = self.proof.ui(ui, cx, page, &Subject { this, others: &others });
            return;
        }
        ScrollArea::vertical().id_salt(("scheme page", format!("{:?}", self.tab))).auto_shrink(false).show(
            ui,
            |ui| {
                Frame::new().inner_margin(Margin::symmetric(16, 12)).show(ui, |ui| {
                    ui.set_width(ui.available_width());
                    match self.tab {
                        Tab::Identity => pages::identity(ui, document),
                        Tab::Registers => registers::ui(ui, document),
                        Tab::Days => tariff::days(ui, document, &document.tariff),
                        Tab::Calendar => tariff::calendar(ui, document),
                        Tab::Year => self.year.ui(ui, cx, document),
                        Tab::Measuring => pages::measuring(ui, document),
                        Tab::Prove(_) => {}
                    }
                });
            },
        );
    }
}

fn entry(ui: &mut Ui, path: &Path, on: bool) -> (bool, bool) {
    let t = tokens(ui);
    let (rect, response) = ui.allocate_exact_size(Vec2::new(ui.available_width(), 28.0), Sense::click());
    let name = file_name(path);
    response.widget_info(|| WidgetInfo::selected(Role::ListBoxOption, true, on, &name));
    if on || response.hovered() || response.has_focus() {
        ui.painter().rect_filled(rect, 4.0, if on { t.accent_soft.0 } else { t.hover.0 });
    }
    let mut row = ui.new_child(
        egui::UiBuilder::new()
            .max_rect(rect.shrink2(Vec2::new(8.0, 0.0)))
            .layout(egui::Layout::right_to_left(egui::Align::Center)),
    );
    let close = row.add(Act::icon_only(Icon::Cross, &format!("Close {name}")).small());
    row.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
        let ink = if on { t.accent.0 } else { t.text.0 };
        ui.add(egui::Label::new(egui::RichText::new(&name).color(ink)).truncate());
    });
    let closed = close.clicked();
    (response.on_hover_text(path.display().to_string()).clicked() && !closed, closed)
}
