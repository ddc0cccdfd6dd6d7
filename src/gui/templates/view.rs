//! One template in words: what it says by section, or what it says differently from the one it was copied from.

use std::sync::Arc;

use egui::{Align, Frame, Label, Layout, Margin, Panel, ScrollArea, Ui, Vec2};

use crate::gui::context::{AppCtx, Command};
use crate::gui::theme::{Icon, ROW, strong, tokens};
use crate::gui::widgets::{
    Act, Problem, Tone, badge, counted, instant, problem, secondary, segmented, small, text_field,
};
use crate::model::template::{Difference, OwnTemplate, Template, differences};

use super::Wish;
use super::lines::{Line, lines};
use super::list::Row;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Tab {
    #[default]
    Says,
    Everything,
    Changes,
}

/// What is shown of a template.
#[derive(Default)]
pub(super) struct View {
    tab: Tab,
    sought: String,
    /// For which template, tab and search the lines were made.
    made: Option<(Arc<Template>, Tab, String)>,
    lines: Vec<Line>,
    changes: Vec<Difference>,
}

impl View {
    /// Draws it; gives what is to be done.
    pub(super) fn ui(&mut self, ui: &mut Ui, cx: &mut AppCtx, name: &str, rows: &[Row]) -> Option<Wish> {
        let row = rows.iter().find(|row| row.name == name)?;
        let templates = cx.templates.clone();
        let entry = templates.entry(name)?;
        let frame = Frame::new().fill(tokens(ui).surface.0).inner_margin(Margin::symmetric(16, 12));
        let mut wish = None;
        Panel::top("template head").show_separator_line(false).frame(frame).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 8.0;
            wish = head(ui, cx, row, entry.own);
            if entry.is_doubled {
                let text = "Meters go on with this one. Copy it under another name, set that for the meters, and remove this one.";
                let title = "A template of this name ships with the program now";
                problem(ui, &Problem { title, text, details: String::new(), tone: Tone::Warn });
            }
            let Ok(template) = &entry.template else { return };
            if !template.note.is_empty() {
                ui.add(Label::new(secondary(ui, &template.note)).wrap());
            }
            self.tabs(ui, entry.own);
        });
        match &entry.template {
            Ok(template) => {
                self.make(template, entry.own);
                self.body(ui);
            }
            Err(error) => {
                Frame::new().inner_margin(Margin::symmetric(16, 0)).show(ui, |ui| {
                    let (title, text) = (error.to_string(), "Change it, or write it as JSON and look at it");
                    let details = title.clone();
                    problem(ui, &Problem { title: &title, text, details, tone: Tone::Bad });
                });
            }
        }
        wish
    }

    fn tabs(&mut self, ui: &mut Ui, own: Option<&OwnTemplate>) {
        let is_copy = own.is_some_and(|own| own.origin.is_some());
        if !is_copy && self.tab == Tab::Changes {
            self.tab = Tab::Says;
        }
        ui.horizontal(|ui| {
            let mut tabs = vec![(Tab::Says, "What it says"), (Tab::Everything, "With what is as usual")];
            if is_copy {
                tabs.push((Tab::Changes, "What was changed"));
            }
            segmented(ui, "template tabs", &mut self.tab, &tabs);
            if self.tab != Tab::Changes {
                text_field(ui, &mut self.sought, "OBIS code, name, event…", 200.0, false)
                    .accessible_name("Find in this template");
            }
        });
    }

    fn make(&mut self, template: &Arc<Template>, own: Option<&OwnTemplate>) {
        let is_made = self.made.as_ref().is_some_and(|(made, tab, sought)| {
            Arc::ptr_eq(made, template) && (*tab, sought) == (self.tab, &self.sought)
        });
        if is_made {
            return;
        }
        self.made = Some((Arc::clone(template), self.tab, self.sought.clone()));
        if self.tab == Tab::Changes {
            let origin = own.and_then(|own| own.origin.as_ref());
            let before = origin.and_then(|origin| Template::parse("", &origin.text).ok());
            self.changes = before.map(|before| differences(&before, template)).unwrap_or_default();
        } else {
            self.lines = lines(template, &self.sought, self.tab == Tab::Everything);
        }
    }

    fn body(&self, ui: &mut Ui) {
        Frame::new().inner_margin(Margin::symmetric(16, 0)).show(ui, |ui| {
            if self.tab == Tab::Changes {
                changes(ui, &self.changes);
                return;
            }
            if self.lines.is_empty() {
                let words = if self.sought.trim().is_empty() {
                    "Everything is as usual: objects, scalers and columns are read from the meter."
                } else {
                    "Nothing of that name."
                };
                ui.label(secondary(ui, words));
                return;
            }
            ui.spacing_mut().item_spacing.y = 0.0;
            ScrollArea::vertical().id_salt("template lines").auto_shrink(false).show_rows(
                ui,
                ROW,
                self.lines.len(),
                |ui, shown| {
                    for line in self.lines.get(shown).unwrap_or_default() {
                        draw(ui, line);
                    }
                },
            );
        });
    }
}

fn draw(ui: &mut Ui, line: &Line) {
    let t = tokens(ui);
    ui.allocate_ui_with_layout(
        Vec2::new(ui.available_width(), ROW),
        Layout::left_to_right(Align::Center),
        |ui| {
            ui.set_min_height(ROW);
            match line {
                Line::Title(title) => {
                    ui.label(strong(title));
                }
                Line::Setting(label, value, is_usual) => {
                    ui.add_space(12.0);
                    let width = (ui.available_width() * 0.42).clamp(160.0, 340.0);
                    ui.allocate_ui_with_layout(
                        Vec2::new(width, ROW),
                        Layout::left_to_right(Align::Center),
                        |ui| {
                            ui.set_min_width(width);
                            ui.add(Label::new(secondary(ui, label)).truncate());
                        },
                    );
                    let ink = if *is_usual { t.text_secondary.0 } else { t.text.0 };
                    ui.add(Label::new(egui::RichText::new(value).color(ink)).truncate().selectable(true));
                }
            }
        },
    );
}

/// What two templates say differently.
pub(super) fn changes(ui: &mut Ui, found: &[Difference]) {
    if found.is_empty() {
        ui.label(secondary(ui, "Nothing was changed."));
        return;
    }
    let words = |said: &Option<String>| said.clone().unwrap_or_else(|| "nothing".to_owned());
    ui.spacing_mut().item_spacing.y = 0.0;
    ScrollArea::vertical().id_salt("template changes").auto_shrink(false).show_rows(
        ui,
        ROW,
        found.len(),
        |ui, shown| {
            for one in found.get(shown).unwrap_or_default() {
                let line = format!("{} → {}", words(&one.before), words(&one.after));
                draw(ui, &Line::Setting(one.label.clone(), line, false));
            }
        },
    );
}

fn head(ui: &mut Ui, cx: &mut AppCtx, row: &Row, own: Option<&OwnTemplate>) -> Option<Wish> {
    let mut wish = None;
    ui.horizontal(|ui| {
        ui.add(Label::new(strong(&row.title).size(15.0)).truncate());
        let (word, tone) =
            if row.is_own { ("Own", Tone::Accent) } else { ("Ships with the program", Tone::Plain) };
        badge(ui, word, tone);
    });
    ui.horizontal_wrapped(|ui| {
        ui.label(small(ui, &row.name));
        ui.label(small(
            ui,
            format!(
                "· {} {}",
                counted(row.meters, "meter"),
                if row.meters == 1 { "uses it" } else { "use it" }
            ),
        ));
        if let Some(own) = own {
            let at = instant(own.changed_at, &cx.zone);
            ui.label(small(ui, format!("· version {}, {at} by {}", own.version, own.changed_by)));
            let origin = own.origin.as_ref();
            let from = origin
                .and_then(|origin| origin.copied_from.as_ref().map(|name| format!("copied from {name}")));
            let learnt = || {
                origin
                    .and_then(|origin| origin.learnt_from.as_ref().map(|name| format!("learnt from {name}")))
            };
            if let Some(from) = from.or_else(learnt) {
                ui.label(small(ui, format!("· {from}")));
            }
        }
    });
    ui.horizontal(|ui| {
        let name = || row.name.clone();
        if row.is_own && ui.add(Act::primary("Change…").icon(Icon::Edit)).clicked() {
            wish = Some(Wish::Change(name()));
        }
        let copy =
            if row.is_own { Act::plain("Copy and change…") } else { Act::primary("Copy and change…") };
        if ui.add(copy.icon(Icon::Copy).enabled(row.error.is_none())).clicked() {
            wish = Some(Wish::Copy(name()));
        }
        if ui.add(Act::plain("Write as JSON…").icon(Icon::Export)).clicked() {
            wish = Some(Wish::Write(name()));
        }
        if row.meters > 0 && ui.add(Act::quiet("Show its meters").icon(Icon::Meters)).clicked() {
            let meters = cx.meters().ready().unwrap_or_default();
            let users = meters.iter().filter(|meter| meter.config.template == row.name);
            let ids: Vec<_> = users.map(|meter| meter.id).collect();
            cx.selection.all(&ids);
            cx.command(Command::Go(crate::gui::context::Page::Meters));
        }
        if row.is_own {
            let is_free = row.meters == 0;
            let why = if is_free {
                String::new()
            } else {
                format!("{} use it: set another template for them first", counted(row.meters, "meter"))
            };
            let act = Act::icon_only(Icon::Trash, "Remove this template").enabled(is_free).hint(why);
            if ui.add(act).clicked() {
                wish = Some(Wish::Remove(name()));
            }
        }
    });
    wish
}
