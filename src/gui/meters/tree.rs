//! The tree of groups at the left: `/` in a group's name makes a branch.

use std::collections::{BTreeMap, BTreeSet};

use egui::{CornerRadius, Rect, Role, ScrollArea, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo};

use crate::gui::theme::{Icon, ROW, SIZES, STRONG, strong, tokens};
use crate::store::MeterRow;

use super::rows::{Filter, needs_a_hand};

/// Groups with their counts.
#[derive(Debug, Default)]
pub(super) struct Tree {
    version: Option<u64>,
    groups: BTreeMap<String, usize>,
    counts: [usize; 3],
    folded: BTreeSet<String>,
}

struct Entry<'a> {
    title: &'a str,
    name: String,
    count: usize,
    depth: f32,
    icon: Option<Icon>,
    fold: Option<bool>,
    on: bool,
    alarming: bool,
}

impl Tree {
    /// Counts anew where the meters have changed.
    pub(super) fn update(&mut self, meters: &[MeterRow], version: u64) {
        if self.version == Some(version) {
            return;
        }
        self.version = Some(version);
        self.groups.clear();
        for group in meters.iter().filter_map(|meter| meter.config.group.as_deref()) {
            let ends = group.match_indices('/').map(|(at, _)| at).chain([group.len()]);
            for end in ends {
                let path = group.get(..end).unwrap_or(group);
                *self.groups.entry(path.to_owned()).or_default() += 1;
            }
        }
        let attention = meters.iter().filter(|meter| needs_a_hand(meter)).count();
        let never = meters.iter().filter(|meter| meter.last_read.is_none()).count();
        self.counts = [meters.len(), attention, never];
    }

    /// Draws the tree; gives what was chosen.
    pub(super) fn ui(&mut self, ui: &mut Ui, current: &Filter) -> Option<Filter> {
        let mut chosen = None;
        let secondary = tokens(ui).text_secondary.0;
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 2.0;
            let [all, attention, never] = self.counts;
            let fixed = [
                (Filter::All, "All meters", all, Icon::Meters, false),
                (Filter::Attention, "Needs a hand", attention, Icon::Warning, attention > 0),
                (Filter::NeverRead, "Never read", never, Icon::Clock, false),
            ];
            for (filter, title, count, icon, alarming) in fixed {
                let on = *current == filter;
                let name = title.to_owned();
                let entry =
                    Entry { title, name, count, depth: 0.0, icon: Some(icon), fold: None, on, alarming };
                if row(ui, &entry).0 {
                    chosen = Some(filter);
                }
            }
            if !self.groups.is_empty() {
                ui.add_space(12.0);
                ui.horizontal(|ui| {
                    ui.add_space(8.0);
                    ui.label(strong("Groups").size(SIZES[0]).color(secondary));
                });
            }
            let mut toggled = None;
            for (path, count) in &self.groups {
                if self.folded.iter().any(|folded| path.starts_with(&format!("{folded}/"))) {
                    continue;
                }
                let below = format!("{path}/");
                let has_below = self
                    .groups
                    .range(below.clone()..)
                    .next()
                    .is_some_and(|(next, _)| next.starts_with(&below));
                let title = path.rsplit('/').next().unwrap_or(path);
                #[allow(clippy::cast_precision_loss, reason = "a depth of few levels")]
                let depth = path.matches('/').count() as f32;
                let on = matches!(current, Filter::Group(group) if group == path);
                let fold = has_below.then(|| self.folded.contains(path));
                let icon = (!has_below).then_some(Icon::Folder);
                let name = format!("Group {path}");
                let entry = Entry { title, name, count: *count, depth, icon, fold, on, alarming: false };
                let (clicked, fold) = row(ui, &entry);
                if fold {
                    toggled = Some(path.clone());
                } else if clicked {
                    chosen = Some(Filter::Group(path.clone()));
                }
            }
            if let Some(path) = toggled
                && !self.folded.remove(&path)
            {
                self.folded.insert(path);
            }
        });
        chosen
    }
}

/// One row: whether it was clicked, and whether its fold was.
fn row(ui: &mut Ui, entry: &Entry<'_>) -> (bool, bool) {
    let t = tokens(ui);
    let (rect, response) = ui.allocate_exact_size(Vec2::new(ui.available_width(), ROW + 2.0), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::TreeItem, true, entry.on, &entry.name));
    if entry.on {
        ui.painter().rect_filled(rect, CornerRadius::same(4), t.accent_soft.0);
    } else if response.hovered() {
        ui.painter().rect_filled(rect, CornerRadius::same(4), t.hover.0);
    }
    if response.has_focus() {
        ui.painter().rect_stroke(
            rect,
            CornerRadius::same(4),
            Stroke::new(2.0, t.accent.0),
            StrokeKind::Inside,
        );
    }
    let ink = if entry.on { t.accent.0 } else { t.text.0 };
    let left = rect.left() + 8.0 + entry.depth * 14.0;
    let space = Rect::from_min_size(egui::pos2(left, rect.top()), Vec2::new(16.0, rect.height()));
    let icon_ink = match (entry.alarming, entry.on) {
        (true, _) => t.bad.0,
        (false, true) => t.accent.0,
        (false, false) => t.text_secondary.0,
    };
    match (entry.fold, entry.icon) {
        (Some(folded), _) => {
            let icon = if folded { Icon::ChevronRight } else { Icon::ChevronDown };
            icon.paint(ui.painter(), space, 12.0, icon_ink);
        }
        (None, Some(icon)) => icon.paint(ui.painter(), space, 14.0, icon_ink),
        (None, None) => {}
    }
    let count = entry.count.to_string();
    let small = egui::FontId::proportional(SIZES[0]);
    let at = egui::pos2(rect.right() - 8.0, rect.center().y);
    let count_ink = if entry.alarming { t.bad.0 } else { t.text_secondary.0 };
    let count_rect = ui.painter().text(at, egui::Align2::RIGHT_CENTER, count, small, count_ink);
    let family =
        if entry.on { egui::FontFamily::Name(STRONG.into()) } else { egui::FontFamily::Proportional };
    let mut job = egui::text::LayoutJob::simple_singleline(
        entry.title.to_owned(),
        egui::FontId::new(SIZES[1], family),
        ink,
    );
    job.wrap.max_width = (count_rect.left() - 8.0 - (left + 22.0)).max(16.0);
    job.wrap.max_rows = 1;
    job.wrap.break_anywhere = true;
    let galley = ui.painter().layout_job(job);
    let at = egui::pos2(left + 22.0, rect.center().y - galley.size().y / 2.0);
    ui.painter().galley(at, galley, ink);
    let clicked = response.clicked();
    let on_fold = entry.fold.is_some()
        && response.interact_pointer_pos().is_some_and(|pos| pos.x < space.right() + 2.0)
        && clicked;
    (clicked, on_fold)
}
