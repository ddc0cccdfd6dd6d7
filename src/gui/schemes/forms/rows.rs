//! Lists whose rows are moved with Alt and the arrows, with buttons, or dragged by their handle.

use egui::{Align, CursorIcon, Id, Key, Layout, Modifiers, Rect, Role, Sense, Stroke, Ui, Vec2, WidgetInfo};

use crate::gui::schemes::name_step;
use crate::gui::theme::{CONTROL, Icon, tokens};
use crate::gui::widgets::Act;

/// What was asked of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RowAct {
    /// Away from one place to another.
    Move(usize, usize),
    /// Once more, below itself.
    Duplicate(usize),
    /// Away.
    Remove(usize),
}

/// Does it to a list; what is duplicated is made by `again`.
pub(super) fn apply<T>(items: &mut Vec<T>, act: RowAct, again: impl FnOnce(&T) -> T) {
    match act {
        RowAct::Move(from, to) if from < items.len() && to < items.len() => {
            let item = items.remove(from);
            items.insert(to, item);
        }
        RowAct::Duplicate(at) => {
            if let Some(item) = items.get(at).map(again) {
                items.insert(at + 1, item);
            }
        }
        RowAct::Remove(at) if at < items.len() => {
            items.remove(at);
        }
        _ => {}
    }
}

/// Whether a row may be duplicated or removed, and why not.
#[derive(Clone, Debug, Default)]
pub(super) enum Leave {
    /// There is no such button.
    #[default]
    Absent,
    /// It may; what to say beside it.
    Free(String),
    /// It may not, for this reason.
    Refused(String),
}

/// One row.
pub(super) struct Row {
    /// What it is called: `R1`.
    pub(super) name: String,
    /// Duplicating it.
    pub(super) duplicate: Leave,
    /// Removing it.
    pub(super) remove: Leave,
}

impl Row {
    /// A row that may be removed and not duplicated.
    pub(super) fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), duplicate: Leave::Absent, remove: Leave::Free(String::new()) }
    }
}

/// The row that takes the focus with the next frame.
#[derive(Clone, Copy, Default)]
struct FocusNext(Option<usize>);

/// Draws the rows of a list; `contents` draws one, with so much width for it.
pub(super) fn rows(
    ui: &mut Ui,
    list: &str,
    rows: &[Row],
    mut contents: impl FnMut(&mut Ui, usize, f32),
) -> Option<RowAct> {
    let id = ui.scope_id().with(("rows", list));
    let focus = ui.data_mut(|data| data.remove_temp::<FocusNext>(id)).and_then(|next| next.0);
    let mut act = None;
    let mut places: Vec<Rect> = Vec::with_capacity(rows.len());
    let mut dragged = None;
    for (index, row) in rows.iter().enumerate() {
        let shown = ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing.x = 8.0;
            let handle = handle(ui, id.with(index), &row.name);
            if focus == Some(index) {
                handle.request_focus();
            }
            if handle.dragged() || handle.drag_stopped() {
                dragged = Some((index, handle.drag_stopped()));
            }
            let buttons = 22.0 * 2.0 + 4.0 + [&row.duplicate, &row.remove].map(room).iter().sum::<f32>();
            let width = (ui.available_width() - buttons - 8.0).max(160.0);
            ui.allocate_ui_with_layout(Vec2::new(width, CONTROL), Layout::top_down(Align::Min), |ui| {
                ui.set_width(width);
                contents(ui, index, width);
            });
            let place = Vec2::new(buttons, CONTROL);
            let layout = Layout::left_to_right(Align::Center);
            let asked =
                ui.allocate_ui_with_layout(place, layout, |ui| row_buttons(ui, index, rows.len(), row));
            act = act.or(asked.inner);
        });
        let rect = shown.response.rect;
        if let Some(to) = moved_by_keys(ui, rect, index, rows.len()) {
            act = Some(RowAct::Move(index, to));
        }
        places.push(rect);
    }
    if let Some((from, dropped)) = dragged {
        act = act.or(drag(ui, from, dropped, &places));
    }
    if let Some(act) = act {
        let (verb, index) = match act {
            RowAct::Move(from, _) => ("move", from),
            RowAct::Duplicate(index) => ("duplicate", index),
            RowAct::Remove(index) => ("delete", index),
        };
        name_step(ui, format!("{verb} {}", rows.get(index).map_or("", |row| row.name.as_str())));
    }
    if let Some(RowAct::Move(_, to)) = act {
        ui.data_mut(|data| data.insert_temp(id, FocusNext(Some(to))));
    }
    act
}

fn room(leave: &Leave) -> f32 {
    if matches!(leave, Leave::Absent) { 0.0 } else { 24.0 }
}

fn handle(ui: &mut Ui, id: Id, name: &str) -> egui::Response {
    let t = tokens(ui);
    let (rect, _) = ui.allocate_exact_size(Vec2::new(16.0, CONTROL), Sense::hover());
    let response = ui.interact(rect, id, Sense::click_and_drag());
    let label = format!("Move {name}");
    response.widget_info(|| WidgetInfo::labeled(Role::Button, ui.is_enabled(), &label));
    let ink = if response.hovered() || response.has_focus() || response.dragged() {
        t.text.0
    } else {
        t.text_disabled.0
    };
    for (x, y) in [(-2.5, -5.0), (2.5, -5.0), (-2.5, 0.0), (2.5, 0.0), (-2.5, 5.0), (2.5, 5.0)] {
        ui.painter().circle_filled(rect.center() + Vec2::new(x, y), 1.2, ink);
    }
    if response.has_focus() {
        let ring = Stroke::new(2.0, t.accent.0);
        ui.painter().rect_stroke(rect, 4.0, ring, egui::StrokeKind::Inside);
        let filter = egui::EventFilter { vertical_arrows: true, ..Default::default() };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
    }
    response.on_hover_cursor(CursorIcon::Grab).on_hover_text("Drag, or press Alt with ↑ or ↓")
}

fn row_buttons(ui: &mut Ui, index: usize, count: usize, row: &Row) -> Option<RowAct> {
    let mut act = None;
    ui.spacing_mut().item_spacing.x = 2.0;
    let name = &row.name;
    let up = format!("Move {name} up");
    if ui.add(Act::icon_only(Icon::ChevronUp, &up).small().enabled(index > 0)).clicked() {
        act = Some(RowAct::Move(index, index.saturating_sub(1)));
    }
    let down = format!("Move {name} down");
    if ui.add(Act::icon_only(Icon::ChevronDown, &down).small().enabled(index + 1 < count)).clicked() {
        act = Some(RowAct::Move(index, index + 1));
    }
    let mut offer = |icon, what: String, leave: &Leave, then: RowAct| {
        let (enabled, why) = match leave {
            Leave::Absent => return,
            Leave::Free(remark) if remark.is_empty() => (true, what.clone()),
            Leave::Free(remark) => (true, format!("{what}: {remark}")),
            Leave::Refused(why) => (false, why.clone()),
        };
        if ui.add(Act::icon_only(icon, &what).small().enabled(enabled).hint(why)).clicked() {
            act = Some(then);
        }
    };
    offer(Icon::Copy, format!("Duplicate {name}"), &row.duplicate, RowAct::Duplicate(index));
    offer(Icon::Trash, format!("Delete {name}"), &row.remove, RowAct::Remove(index));
    act
}

/// Alt with an arrow, while something in the row has the focus.
fn moved_by_keys(ui: &Ui, rect: Rect, index: usize, count: usize) -> Option<usize> {
    let focused = ui.memory(|memory| memory.focused())?;
    let inside = ui.ctx().read_response(focused).is_some_and(|one| rect.contains(one.rect.center()));
    if !inside {
        return None;
    }
    ui.input_mut(|input| {
        if index > 0 && input.consume_key(Modifiers::ALT, Key::ArrowUp) {
            Some(index - 1)
        } else if index + 1 < count && input.consume_key(Modifiers::ALT, Key::ArrowDown) {
            Some(index + 1)
        } else {
            None
        }
    })
}

/// Shows where a dragged row would come to stand; moves it there when it is let go.
fn drag(ui: &Ui, from: usize, dropped: bool, places: &[Rect]) -> Option<RowAct> {
    let pointer = ui.ctx().pointer_interact_pos()?;
    let before = places.iter().filter(|place| place.center().y < pointer.y).count();
    let to = if before > from { before - 1 } else { before };
    let first = places.first()?;
    let y = match before.checked_sub(1).and_then(|above| places.get(above)) {
        Some(above) => above.bottom() + 2.0,
        None => first.top() - 2.0,
    };
    if dropped {
        return (to != from).then_some(RowAct::Move(from, to));
    }
    let stroke = Stroke::new(2.0, tokens(ui).accent.0);
    ui.painter().hline(first.x_range(), y, stroke);
    ui.ctx().set_cursor_icon(CursorIcon::Grabbing);
    None
}
