//! All templates, at the left: those that ship with the program, then the store's own.

use std::collections::HashMap;

use egui::{
    Frame, Label, Margin, Role, ScrollArea, Sense, Stroke, StrokeKind, Ui, UiBuilder, Vec2, WidgetInfo,
};

use crate::gui::context::AppCtx;
use crate::gui::theme::{Icon, strong, tokens};
use crate::gui::widgets::{Act, counted, heading, secondary, section, small, text_field};

use super::Wish;
use crate::model::Right;

/// A template in the list.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) title: String,
    pub(super) is_own: bool,
    /// Meters that use it.
    pub(super) meters: usize,
    /// Why it does not read.
    pub(super) error: Option<String>,
}

/// What was chosen in the list.
pub(super) enum Choice {
    Show(String),
    Wish(Wish),
}

/// The templates with how many meters use each.
pub(super) fn rows(cx: &mut AppCtx) -> Vec<Row> {
    let meters = cx.meters().ready().unwrap_or_default();
    let mut used: HashMap<&str, usize> = HashMap::new();
    for meter in meters.iter() {
        *used.entry(meter.config.template.as_str()).or_default() += 1;
    }
    let row = |entry: crate::model::template::Entry<'_>| Row {
        name: entry.name.to_owned(),
        title: entry.template.as_ref().map_or_else(|_| "Does not read".to_owned(), |one| one.title.clone()),
        is_own: entry.own.is_some(),
        meters: used.get(entry.name).copied().unwrap_or(0),
        error: entry.template.as_ref().err().map(ToString::to_string),
    };
    cx.templates.entries().map(row).collect()
}

/// Draws the list; gives what was chosen.
pub(super) fn ui(
    ui: &mut Ui,
    rows: &[Row],
    chosen: Option<&str>,
    edited: Option<&str>,
    sought: &mut String,
    cx: &AppCtx,
) -> Option<Choice> {
    let mut choice = None;
    ui.spacing_mut().item_spacing.y = 4.0;
    ui.horizontal(|ui| {
        ui.add_space(8.0);
        heading(ui, "Templates");
    });
    ui.add_space(4.0);
    let width = ui.available_width();
    text_field(ui, sought, "Name or title", width, false).accessible_name("Find a template");
    ui.horizontal(|ui| {
        if ui
            .add(
                Act::plain("Learn…")
                    .icon(Icon::Search)
                    .hint("Look at all that a meter shows of itself and propose a template for it")
                    .unless(cx.why_not(Right::ReadMeters)),
            )
            .clicked()
        {
            choice = Some(Choice::Wish(Wish::Learn));
        }
        if ui
            .add(
                Act::plain("Import…")
                    .icon(Icon::Import)
                    .hint("Take a template file into the store")
                    .unless(cx.why_not(Right::KeepTemplates)),
            )
            .clicked()
        {
            choice = Some(Choice::Wish(Wish::Import));
        }
    });
    let wanted = sought.trim().to_lowercase();
    let fits = |row: &&Row| {
        wanted.is_empty()
            || row.name.to_lowercase().contains(&wanted)
            || row.title.to_lowercase().contains(&wanted)
    };
    let (own, shipped): (Vec<&Row>, Vec<&Row>) = rows.iter().filter(fits).partition(|row| row.is_own);
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        if let Some(edited) = edited {
            ui.horizontal(|ui| {
                ui.add_space(8.0);
                ui.label(small(ui, format!("Being edited: {edited}")));
            });
        }
        for (title, part) in [("Ships with the program", shipped), ("Own", own)] {
            let below_entries = Margin { left: 8, right: 8, top: 0, bottom: 4 };
            Frame::new().inner_margin(below_entries).show(ui, |ui| section(ui, title));
            if part.is_empty() {
                let words =
                    if wanted.is_empty() { "None yet: copy one and change it" } else { "None of that name" };
                ui.horizontal(|ui| {
                    ui.add_space(8.0);
                    ui.label(secondary(ui, words));
                });
            }
            for row in part {
                if entry(ui, row, edited.is_none() && chosen == Some(row.name.as_str())) {
                    choice = Some(Choice::Show(row.name.clone()));
                }
            }
        }
    });
    choice
}

fn entry(ui: &mut Ui, row: &Row, on: bool) -> bool {
    let t = tokens(ui);
    let (rect, response) = ui.allocate_exact_size(Vec2::new(ui.available_width(), 40.0), Sense::click());
    let name = format!("Template {}", row.name);
    response.widget_info(|| WidgetInfo::selected(Role::ListBoxOption, true, on, &name));
    if on || response.hovered() {
        ui.painter().rect_filled(rect, 4.0, if on { t.accent_soft.0 } else { t.hover.0 });
    }
    if response.has_focus() {
        ui.painter().rect_stroke(rect, 4.0, Stroke::new(2.0, t.accent.0), StrokeKind::Inside);
    }
    let mut child = ui.new_child(UiBuilder::new().max_rect(rect.shrink2(Vec2::new(8.0, 3.0))));
    child.spacing_mut().item_spacing.y = 0.0;
    child.spacing_mut().interact_size.y = 16.0;
    let ink = if on { t.accent.0 } else { t.text.0 };
    child.add(Label::new(strong(&row.name).color(ink)).truncate());
    child.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        if row.error.is_some() {
            ui.label(small(ui, "does not read ·").color(t.bad.0));
        }
        ui.add(Label::new(small(ui, format!("{} · {}", counted(row.meters, "meter"), row.title))).truncate());
    });
    response.clicked()
}
