//! The table: only the rows that can be seen are built, however many meters there are.

use egui::{
    Align, Event, EventFilter, Key, Label, Layout, Modifiers, RichText, Role, ScrollArea, Sense, Stroke, Ui,
    Vec2, WidgetInfo,
};
use egui_extras::{Column as Width, TableBuilder, TableRow};

use crate::gui::context::{AppCtx, Command};
use crate::gui::rights::entry;
use crate::gui::theme::{Icon, ROW, SIZES, strong, tokens};
use crate::gui::widgets::{Act, badge, counted, empty, instant};
use crate::model::MeterId;
use crate::store::MeterRow;

use super::clock::{drift_tone, drift_words};
use super::groups::GroupDeed;
use super::rows::{Arranged, Column, Sort};
use super::tree::DraggedMeters;

/// The table's own state.
#[derive(Debug)]
pub(super) struct TableState {
    /// By which column, and whether it rises.
    pub sort: Sort,
    scroll_to: Option<usize>,
    /// The meter in focus when the table was drawn last.
    focus: Option<MeterId>,
}

impl Default for TableState {
    fn default() -> Self {
        Self { sort: (Column::Name, true), scroll_to: None, focus: None }
    }
}

impl TableState {
    /// Draws it.
    pub(super) fn ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut AppCtx,
        meters: &[MeterRow],
        shown: &Arranged,
        search: &mut String,
    ) {
        if shown.rows.is_empty() {
            let text =
                "No meter in this group has these words in its name, serial number, group, line or template.";
            empty(ui, Icon::Search, "Nothing found", text, |ui| {
                if !search.is_empty() && ui.add(Act::plain("Clear the filter")).clicked() {
                    search.clear();
                }
            });
            return;
        }
        let area = ui.available_rect_before_wrap();
        let focus = ui.interact(area, ui.scope_id().with("meter table"), Sense::focusable_noninteractive());
        focus.widget_info(|| WidgetInfo::labeled(Role::Table, true, "Meters"));
        self.keys(ui, cx, &shown.ids, focus.has_focus(), focus.id);
        // The search and other pages choose meters too.
        if self.focus != cx.selection.focus() {
            self.focus = cx.selection.focus();
            self.scroll_to = shown.ids.iter().position(|id| Some(*id) == self.focus).or(self.scroll_to);
        }
        if focus.has_focus() {
            let line = Stroke::new(2.0, tokens(ui).accent.0);
            ui.painter().rect_stroke(area.shrink(1.0), 0.0, line, egui::StrokeKind::Inside);
        }
        ScrollArea::horizontal().auto_shrink(false).show(ui, |ui| {
            let t = tokens(ui);
            ui.spacing_mut().item_spacing = Vec2::new(0.0, 0.0);
            ui.visuals_mut().selection.bg_fill = t.accent_soft.0;
            let mut table = TableBuilder::new(ui)
                .id_salt("meters")
                .resizable(true)
                .sense(Sense::click_and_drag())
                .auto_shrink(false)
                .min_scrolled_height(0.0)
                .cell_layout(Layout::left_to_right(Align::Center));
            for (column, _, width) in Column::ALL {
                let width = match column {
                    Column::Template => Width::remainder().at_least(width),
                    _ => Width::initial(width).at_least(48.0),
                };
                table = table.column(width.clip(true));
            }
            if let Some(row) = self.scroll_to.take() {
                table = table.scroll_to_row(row, None);
            }
            let table = table.header(ROW + 4.0, |mut header| {
                for (column, title, _) in Column::ALL {
                    header.col(|ui| self.title(ui, column, title));
                }
            });
            table.body(|body| {
                body.rows(ROW, shown.rows.len(), |mut row| {
                    let meter = shown.rows.get(row.index()).and_then(|at| meters.get(*at));
                    if let Some(meter) = meter {
                        meter_row(&mut row, cx, meter, &shown.ids);
                    }
                });
            });
        });
    }

    fn title(&mut self, ui: &mut Ui, column: Column, title: &str) {
        let t = tokens(ui);
        let rect = ui.max_rect();
        ui.painter().rect_filled(rect, 0.0, t.sunken.0);
        ui.painter().hline(rect.x_range(), rect.bottom() - 0.5, Stroke::new(1.0, t.border.0));
        let response =
            ui.interact(rect.shrink2(Vec2::new(4.0, 0.0)), ui.scope_id().with(title), Sense::click());
        let (by, rising) = self.sort;
        let on = by == column;
        response.widget_info(|| WidgetInfo::selected(Role::ColumnHeader, true, on, title));
        if response.clicked() {
            self.sort = if on { (column, !rising) } else { (column, true) };
        }
        ui.add_space(12.0);
        let ink =
            if on || response.hovered() || response.has_focus() { t.text.0 } else { t.text_secondary.0 };
        let label = ui.add(Label::new(strong(title).size(SIZES[0]).color(ink)).truncate());
        if on {
            let icon = if rising { Icon::ChevronUp } else { Icon::ChevronDown };
            let at = egui::Rect::from_min_size(
                egui::pos2(label.rect.right() + 4.0, rect.top()),
                Vec2::new(12.0, rect.height()),
            );
            icon.paint(ui.painter(), at, 10.0, t.accent.0);
        }
    }

    fn keys(&mut self, ui: &Ui, cx: &mut AppCtx, shown: &[MeterId], focused: bool, id: egui::Id) {
        let nobody = ui.memory(|memory| memory.focused().is_none());
        if !focused && !nobody
            || egui::Popup::is_any_open(ui.ctx())
            || ui.ctx().memory(|memory| memory.top_modal_layer().is_some())
        {
            return;
        }
        if focused {
            let filter = EventFilter { vertical_arrows: true, ..EventFilter::default() };
            ui.memory_mut(|memory| memory.set_focus_lock_filter(id, filter));
        }
        let page = 20;
        let events = ui.input(|input| input.events.clone());
        for event in events {
            let Event::Key { key, pressed: true, modifiers, .. } = event else { continue };
            let far = isize::try_from(shown.len()).unwrap_or(isize::MAX);
            let by = match key {
                Key::ArrowDown => 1,
                Key::ArrowUp => -1,
                Key::PageDown => page,
                Key::PageUp => -page,
                Key::End => far,
                Key::Home => -far,
                Key::A if modifiers.command => {
                    cx.selection.all(shown);
                    continue;
                }
                Key::Enter if modifiers == Modifiers::NONE => {
                    if let Some(id) = cx.selection.focus() {
                        cx.command(Command::ShowReadings(id));
                    }
                    continue;
                }
                Key::F2 if modifiers == Modifiers::NONE => {
                    cx.command(Command::EditMeters(cx.selection.ids()));
                    continue;
                }
                Key::Delete if !cx.selection.is_empty() => {
                    cx.command(Command::RemoveMeters(cx.selection.ids()));
                    continue;
                }
                _ => continue,
            };
            self.scroll_to = cx.selection.step(by, shown, modifiers.shift);
        }
    }
}

fn meter_row(row: &mut TableRow<'_, '_>, cx: &mut AppCtx, meter: &MeterRow, shown: &[MeterId]) {
    let selected = cx.selection.contains(meter.id);
    row.set_selected(selected);
    for (column, _, _) in Column::ALL {
        row.col(|ui| {
            ui.add_space(12.0);
            cell(ui, cx, meter, column);
        });
    }
    let response = row.response();
    let name = format!("Meter {}", meter.config.name);
    response.widget_info(|| WidgetInfo::selected(Role::Row, true, selected, &name));
    if response.clicked() {
        let modifiers = response.ctx.input(|input| input.modifiers);
        if modifiers.shift {
            cx.selection.extend(meter.id, shown);
        } else if modifiers.command {
            cx.selection.toggle(meter.id);
        } else {
            cx.selection.only(meter.id);
        }
    }
    // Read off the row's own place: dragging a selected row takes all that are selected along.
    if response.drag_started() {
        let ids = if selected { cx.selection.ids() } else { vec![meter.id] };
        response.dnd_set_drag_payload(DraggedMeters(ids));
    }
    if response.double_clicked() {
        cx.command(Command::ShowReadings(meter.id));
    }
    if response.secondary_clicked() && !selected {
        cx.selection.only(meter.id);
    }
    response.context_menu(|ui| menu(ui, cx, meter.id));
}

/// All of these stand in the toolbar or the inspector too.
fn menu(ui: &mut Ui, cx: &mut AppCtx, id: MeterId) {
    ui.set_min_width(200.0);
    let selected = cx.selection.ids();
    entry(ui, cx, "Read now", "F5", Command::Read(Vec::new(), std::collections::BTreeSet::new()));
    entry(ui, cx, "Show readings", "Enter", Command::ShowReadings(id));
    let ids = if selected.len() > 1 { selected } else { vec![id] };
    let words =
        if ids.len() > 1 { format!("Edit {}…", counted(ids.len(), "meter")) } else { "Edit…".to_owned() };
    entry(ui, cx, &words, "F2", Command::EditMeters(ids.clone()));
    entry(ui, cx, "Move to a group…", "", Command::Group(GroupDeed::Meters(ids.clone(), None)));
    ui.separator();
    let words = if ids.len() > 1 {
        format!("Remove {}…", counted(ids.len(), "meter"))
    } else {
        "Remove…".to_owned()
    };
    entry(ui, cx, &words, "Delete", Command::RemoveMeters(ids));
}

fn cell(ui: &mut Ui, cx: &AppCtx, meter: &MeterRow, column: Column) {
    let t = tokens(ui);
    let config = &meter.config;
    let mut text = |text: String, ink: egui::Color32| {
        ui.add(Label::new(RichText::new(text).color(ink)).truncate());
    };
    match column {
        Column::Name => text(config.name.clone(), t.text.0),
        Column::Serial => text(config.serial.clone().unwrap_or_default(), t.text.0),
        Column::Group => text(config.group.clone().unwrap_or_default(), t.text_secondary.0),
        Column::Template => text(config.template.clone(), t.text_secondary.0),
        Column::Line => text(config.line.to_string(), t.text_secondary.0),
        Column::LastRead => {
            let words = meter.last_read.map_or_else(|| "Never".to_owned(), |at| instant(at, &cx.zone));
            text(words, if meter.last_read.is_some() { t.text.0 } else { t.text_secondary.0 });
        }
        Column::Clock => {
            if let Some(drift) = meter.drift_ms {
                badge(ui, &drift_words(drift), drift_tone(drift))
                    .on_hover_text("The meter's clock minus this computer's");
            }
        }
        Column::LastResult => {
            if let Some(doing) = cx.jobs.doing(meter.id) {
                text(doing, t.accent.0);
                return;
            }
            let words = meter.last_result.clone().unwrap_or_default();
            let ink = if meter.last_ok == Some(false) { t.bad.0 } else { t.text_secondary.0 };
            text(words, ink);
        }
    }
}
