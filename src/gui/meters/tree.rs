//! The tree of groups at the left: `/` in a group's name makes a branch. Groups are made, renamed, moved and taken
//! away here, by keys, by buttons, and by dragging; meters are dropped on the group that they belong to.

use std::collections::{BTreeMap, BTreeSet};

use egui::{
    CornerRadius, DragAndDrop, Event, EventFilter, Id, Key, Rect, Response, Role, ScrollArea, Sense, Stroke,
    StrokeKind, Ui, Vec2, WidgetInfo,
};

use crate::gui::context::AppCtx;
use crate::gui::theme::{Icon, ROW, SIZES, STRONG, strong, tokens};
use crate::gui::widgets::{Act, counted, number};
use crate::model::{MeterId, Right};
use crate::store::MeterRow;

use super::groups::GroupDeed;
use super::rows::{Filter, needs_a_hand};

/// Where there is less room, the buttons stand below the heading.
const NARROW: f32 = 176.0;

/// What is dragged out of the table.
#[derive(Clone, Debug)]
pub(super) struct DraggedMeters(pub Vec<MeterId>);

/// A group that is dragged.
#[derive(Clone, Debug)]
struct DraggedGroup(String);

/// What somebody wants of the tree.
pub(super) enum Wish {
    /// Show other meters.
    Show(Filter),
    /// Do something with groups.
    Deed(GroupDeed),
}

/// Groups with their counts.
#[derive(Debug, Default)]
pub(super) struct Tree {
    version: Option<u64>,
    made: Option<String>,
    groups: BTreeMap<String, usize>,
    paths: Vec<String>,
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
    pub(super) fn update(&mut self, meters: &[MeterRow], version: u64, made: Option<&str>) {
        if self.version == Some(version) && self.made.as_deref() == made {
            return;
        }
        self.version = Some(version);
        self.made = made.map(str::to_owned);
        self.groups.clear();
        // A list that does not read is told of where it is changed.
        let made: BTreeSet<String> =
            made.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        for group in &made {
            for path in branches(group) {
                self.groups.entry(path.to_owned()).or_default();
            }
        }
        for group in meters.iter().filter_map(|meter| meter.config.group.as_deref()) {
            for path in branches(group) {
                match self.groups.get_mut(path) {
                    Some(count) => *count += 1,
                    None => drop(self.groups.insert(path.to_owned(), 1)),
                }
            }
        }
        self.paths = self.groups.keys().cloned().collect();
        let attention = meters.iter().filter(|meter| needs_a_hand(meter)).count();
        let never = meters.iter().filter(|meter| meter.last_read.is_none()).count();
        self.counts = [meters.len(), attention, never];
    }

    /// All groups, in order.
    #[must_use]
    pub(super) fn paths(&self) -> &[String] {
        &self.paths
    }

    /// Draws the tree; gives what somebody wants of it.
    pub(super) fn ui(&mut self, ui: &mut Ui, cx: &AppCtx, current: &Filter) -> Option<Wish> {
        let mut wish = None;
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 2.0;
            wish = self.fixed(ui, current).map(Wish::Show);
            ui.add_space(12.0);
            let over = self.heading(ui, cx, current);
            let below = self.below(ui, current);
            wish = wish.take().or(over).or(below);
        });
        wish
    }

    fn fixed(&self, ui: &mut Ui, current: &Filter) -> Option<Filter> {
        let mut chosen = None;
        let [all, attention, never] = self.counts;
        let fixed = [
            (Filter::All, "All meters", all, Icon::Meters, false),
            (Filter::Attention, "Needs a hand", attention, Icon::Warning, attention > 0),
            (Filter::NeverRead, "Never read", never, Icon::Clock, false),
        ];
        for (filter, title, count, icon, alarming) in fixed {
            let on = *current == filter;
            let name = title.to_owned();
            let icon = Some(icon);
            let entry = Entry { title, name, count, depth: 0.0, icon, fold: None, on, alarming };
            if row(ui, &entry).response.clicked() {
                chosen = Some(filter);
            }
        }
        chosen
    }

    /// The heading of the groups, on which a group is dropped to move it to the top, and what can be done with them.
    fn heading(&self, ui: &mut Ui, cx: &AppCtx, current: &Filter) -> Option<Wish> {
        let mut wish = None;
        let chosen = match current {
            Filter::Group(path) if self.groups.contains_key(path) => Some(path.clone()),
            _ => None,
        };
        let selected = cx.selection.ids();
        let why_not = cx.why_not(Right::KeepMeters);
        let secondary = tokens(ui).text_secondary.0;
        let is_narrow = ui.available_width() < NARROW;
        if is_narrow {
            ui.horizontal(|ui| {
                ui.spacing_mut().item_spacing.x = 0.0;
                ui.add_space(8.0);
                ui.label(strong("Groups").size(SIZES[0]).color(secondary));
            });
        }
        let heading = ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 0.0;
            if !is_narrow {
                ui.add_space(8.0);
                ui.label(strong("Groups").size(SIZES[0]).color(secondary));
            }
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                let mut act = |ui: &mut Ui, icon: Icon, words: &str, key: &str, deed: Option<GroupDeed>| {
                    let act = Act::icon_only(icon, words).small().shortcut(key).enabled(deed.is_some());
                    if ui.add(act.unless(why_not.clone())).clicked()
                        && let Some(deed) = deed
                    {
                        wish = Some(Wish::Deed(deed));
                    }
                };
                let of = |make: fn(String) -> GroupDeed| chosen.clone().map(make);
                act(ui, Icon::Trash, "Take away this group…", "Delete", of(GroupDeed::Remove));
                act(ui, Icon::Export, "Move this group…", "", of(|path| GroupDeed::Move(path, None)));
                act(ui, Icon::Edit, "Rename this group…", "F2", of(GroupDeed::Rename));
                let meters =
                    (!selected.is_empty()).then(|| GroupDeed::Meters(selected.clone(), chosen.clone()));
                act(ui, Icon::Import, "Move the selected meters to a group…", "", meters);
                act(ui, Icon::Plus, "Make a group…", "", Some(GroupDeed::Add(chosen.clone())));
            });
        });
        let heading = heading.response;
        if heading.dnd_hover_payload::<DraggedGroup>().is_some() {
            outline(ui, heading.rect);
        }
        if let Some(group) = heading.dnd_release_payload::<DraggedGroup>() {
            wish = Some(Wish::Deed(GroupDeed::Move(group.0.clone(), Some(String::new()))));
        }
        wish
    }

    /// The groups themselves.
    fn below(&mut self, ui: &mut Ui, current: &Filter) -> Option<Wish> {
        let mut wish = None;
        let mut toggled = None;
        let mut rows: Vec<Id> = Vec::new();
        for (path, count) in &self.groups {
            if self.folded.iter().any(|folded| is_below(path, folded)) {
                continue;
            }
            let below = format!("{path}/");
            let next = self.groups.range(below.clone()..).next();
            let has_below = next.is_some_and(|(next, _)| next.starts_with(&below));
            let title = path.rsplit('/').next().unwrap_or(path);
            #[allow(clippy::cast_precision_loss, reason = "a depth of few levels")]
            let depth = path.matches('/').count() as f32;
            let on = matches!(current, Filter::Group(group) if group == path);
            let fold = has_below.then(|| self.folded.contains(path));
            let icon = (!has_below).then_some(Icon::Folder);
            let name = format!("Group {path}");
            let entry = Entry { title, name, count: *count, depth, icon, fold, on, alarming: false };
            let drawn = row(ui, &entry);
            rows.push(drawn.response.id);
            if drawn.on_fold || drawn.response.has_focus() && folds(ui, fold) {
                toggled = Some(path.clone());
            } else if drawn.response.clicked() {
                wish = Some(Wish::Show(Filter::Group(path.clone())));
            }
            if let Some(deed) = dropped(ui, &drawn.response, path).or_else(|| keys(ui, &drawn.response, path))
            {
                wish = Some(Wish::Deed(deed));
            }
        }
        steps(ui, &rows);
        if let Some(path) = toggled
            && !self.folded.remove(&path)
        {
            self.folded.insert(path);
        }
        wish
    }
}

/// A path and all that are above it, the top first.
fn branches(path: &str) -> impl Iterator<Item = &str> {
    let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
    ends.map(move |end| path.get(..end).unwrap_or(path))
}

fn is_below(path: &str, above: &str) -> bool {
    path.strip_prefix(above).is_some_and(|rest| rest.starts_with('/'))
}

fn outline(ui: &Ui, rect: Rect) {
    let ring = Stroke::new(2.0, tokens(ui).accent.0);
    ui.painter().rect_stroke(rect, CornerRadius::same(4), ring, StrokeKind::Inside);
}

/// Says beside the pointer what is dragged.
pub(super) fn dragged(ui: &Ui) {
    let meters = DragAndDrop::payload::<DraggedMeters>(ui.ctx()).map(|it| counted(it.0.len(), "meter"));
    let group = || DragAndDrop::payload::<DraggedGroup>(ui.ctx()).map(|it| format!("Group {}", it.0));
    let Some((words, at)) = meters.or_else(group).zip(ui.ctx().pointer_latest_pos()) else { return };
    let t = tokens(ui);
    egui::Area::new(Id::unique("dragged"))
        .order(egui::Order::Tooltip)
        .interactable(false)
        .fixed_pos(at + Vec2::new(12.0, 12.0))
        .show(ui.ctx(), |ui| {
            let frame = egui::Frame::new().fill(t.accent.0).corner_radius(4).inner_margin(6);
            frame.show(ui, |ui| ui.label(strong(words).color(t.on_accent.0)));
        });
}

/// Whether a key folds or unfolds the group that has the focus.
fn folds(ui: &Ui, fold: Option<bool>) -> bool {
    match fold {
        Some(true) => ui.input(|input| input.key_pressed(Key::ArrowRight)),
        Some(false) => ui.input(|input| input.key_pressed(Key::ArrowLeft)),
        None => false,
    }
}

/// What was dropped on a group, and what of it is dragged away.
fn dropped(ui: &Ui, response: &Response, path: &str) -> Option<GroupDeed> {
    response.dnd_set_drag_payload(DraggedGroup(path.to_owned()));
    let fits = |group: &DraggedGroup| group.0 != path && !is_below(path, &group.0);
    let hovers = response.dnd_hover_payload::<DraggedMeters>().is_some()
        || response.dnd_hover_payload::<DraggedGroup>().is_some_and(|group| fits(&group));
    if hovers {
        outline(ui, response.rect);
    }
    // Taking a payload of another kind would lose it.
    if DragAndDrop::has_payload_of_type::<DraggedMeters>(ui.ctx())
        && let Some(meters) = response.dnd_release_payload::<DraggedMeters>()
    {
        return Some(GroupDeed::Meters(meters.0.clone(), Some(path.to_owned())));
    }
    if !DragAndDrop::has_payload_of_type::<DraggedGroup>(ui.ctx()) {
        return None;
    }
    let group = response.dnd_release_payload::<DraggedGroup>().filter(|group| fits(group))?;
    Some(GroupDeed::Move(group.0.clone(), Some(path.to_owned())))
}

/// What a key asks for of the group that has the focus.
fn keys(ui: &Ui, response: &Response, path: &str) -> Option<GroupDeed> {
    if !response.has_focus() {
        return None;
    }
    let filter = EventFilter { vertical_arrows: true, horizontal_arrows: true, ..EventFilter::default() };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
    let pressed = |key: Key| ui.input_mut(|input| input.consume_key(egui::Modifiers::NONE, key));
    if pressed(Key::F2) {
        Some(GroupDeed::Rename(path.to_owned()))
    } else if pressed(Key::Delete) {
        Some(GroupDeed::Remove(path.to_owned()))
    } else {
        None
    }
}

/// The arrow keys move the focus from group to group.
fn steps(ui: &Ui, rows: &[Id]) {
    let Some(at) = rows.iter().position(|id| ui.memory(|memory| memory.has_focus(*id))) else { return };
    let step = ui.input(|input| {
        input.events.iter().fold(0isize, |step, event| match event {
            Event::Key { key: Key::ArrowDown, pressed: true, .. } => step + 1,
            Event::Key { key: Key::ArrowUp, pressed: true, .. } => step - 1,
            _ => step,
        })
    });
    if let Some(id) = at.checked_add_signed(step).and_then(|to| rows.get(to)).filter(|_| step != 0) {
        ui.memory_mut(|memory| memory.request_focus(*id));
    }
}

/// A row as it was drawn.
struct Drawn {
    response: Response,
    /// Its fold was clicked.
    on_fold: bool,
}

/// One row.
fn row(ui: &mut Ui, entry: &Entry<'_>) -> Drawn {
    let t = tokens(ui);
    let (rect, response) =
        ui.allocate_exact_size(Vec2::new(ui.available_width(), ROW + 2.0), Sense::click_and_drag());
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
    let count = number(entry.count);
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
    if galley.elided {
        response.clone().on_hover_text(entry.title);
    }
    let at = egui::pos2(left + 22.0, rect.center().y - galley.size().y / 2.0);
    ui.painter().galley(at, galley, ink);
    let on_fold = entry.fold.is_some()
        && response.clicked()
        && response.interact_pointer_pos().is_some_and(|pos| pos.x < space.right() + 2.0);
    Drawn { response, on_fold }
}
