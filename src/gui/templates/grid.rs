//! A table of rows that are changed, moved, added and removed, and what that does to a list or a map of a template.

use egui::{Align, Label, Layout, RichText, Ui, Vec2};
use egui_extras::{Column as Width, TableBuilder};
use serde_json::{Map, Value};

use crate::gui::theme::{Icon, ROW, SIZES, strong, tokens};
use crate::gui::widgets::{Act, committed, counted, secondary, small, text_field};

/// What is typed for a row that is not there yet, and a search.
#[derive(Default)]
pub(super) struct Typed {
    pub(super) new: Vec<String>,
    pub(super) sought: String,
    /// How high the form is that is seen of the table.
    pub(super) room: f32,
}

impl Typed {
    /// Another table is shown.
    pub(super) fn begin_anew(&mut self) {
        self.new.clear();
        self.sought.clear();
    }
}

/// A column: title, width, whether a text may stand in it; nothing where it is only shown.
pub(super) struct Column {
    title: &'static str,
    width: f32,
    is_right: Option<fn(&str) -> bool>,
}

pub(super) const fn column(title: &'static str, width: f32, is_right: fn(&str) -> bool) -> Column {
    Column { title, width, is_right: Some(is_right) }
}

pub(super) const fn shown(title: &'static str) -> Column {
    Column { title, width: 0.0, is_right: None }
}

/// What is to be done with a row.
pub(super) enum Change {
    Set(usize, usize, String),
    Up(usize),
    Remove(usize),
    Add(Vec<String>),
}

/// A table of rows, with what is wrong with some of them; gives what is to be done.
pub(super) fn grid(
    ui: &mut Ui,
    what: &str,
    columns: &[Column],
    rows: &[Vec<String>],
    marks: &[(usize, String)],
    typed: &mut Typed,
    can_move: bool,
) -> Option<Change> {
    let t = tokens(ui);
    let mut change = None;
    ui.horizontal(|ui| {
        ui.label(small(ui, counted(rows.len(), "row")));
        text_field(ui, &mut typed.sought, "Find", 160.0, false).accessible_name("Find a row");
    });
    let wanted = typed.sought.trim().to_lowercase();
    let fits = |cells: &Vec<String>| cells.iter().any(|cell| cell.to_lowercase().contains(&wanted));
    let seen: Vec<usize> = rows
        .iter()
        .enumerate()
        .filter(|(_, cells)| wanted.is_empty() || fits(cells))
        .map(|(at, _)| at)
        .collect();
    let height = (typed.room * 0.6).clamp(160.0, 900.0);
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing = Vec2::ZERO;
        let mut table = TableBuilder::new(ui)
            .id_salt(("template table", what))
            .auto_shrink(false)
            .max_scroll_height(height)
            .min_scrolled_height(height.min(320.0))
            .cell_layout(Layout::left_to_right(Align::Center));
        for column in columns {
            let width = if column.width > 0.0 {
                Width::exact(column.width)
            } else {
                Width::remainder().at_least(120.0)
            };
            table = table.column(width.clip(true));
        }
        let table = table.column(Width::exact(72.0)).header(ROW, |mut header| {
            for column in columns {
                header.col(|ui| {
                    ui.painter().rect_filled(ui.max_rect(), 0.0, t.sunken.0);
                    ui.add_space(8.0);
                    ui.label(strong(column.title).size(SIZES[0]).color(t.text_secondary.0));
                });
            }
            header.col(|ui| {
                ui.painter().rect_filled(ui.max_rect(), 0.0, t.sunken.0);
            });
        });
        table.body(|body| {
            body.rows(ROW + 8.0, seen.len(), |mut line| {
                let Some(at) = seen.get(line.index()).copied() else { return };
                let Some(cells) = rows.get(at) else { return };
                let name = cells.first().map(String::as_str).unwrap_or_default();
                let is_wrong = marks.iter().any(|(marked, _)| *marked == at);
                for (place, (column, cell)) in columns.iter().zip(cells).enumerate() {
                    line.col(|ui| match column.is_right {
                        Some(is_right) => {
                            if is_wrong {
                                ui.painter().rect_filled(ui.max_rect(), 0.0, t.bad_soft.0);
                            }
                            ui.push_id((what, at, place), |ui| {
                                let label = format!("{} of {name}", column.title);
                                let width = ui.available_width() - 8.0;
                                let (given, _) = committed(ui, &label, cell, width, is_right);
                                if let Some(text) = given {
                                    change = Some(Change::Set(at, place, text));
                                }
                            });
                        }
                        None => {
                            ui.add_space(8.0);
                            ui.add(Label::new(secondary(ui, cell)).truncate());
                        }
                    });
                }
                line.col(|ui| {
                    ui.push_id((what, at), |ui| {
                        if can_move {
                            let up = format!("Move {name} up");
                            if ui.add(Act::icon_only(Icon::ChevronUp, &up).small().enabled(at > 0)).clicked()
                            {
                                change = Some(Change::Up(at));
                            }
                        }
                        let remove = format!("Remove {name}");
                        if ui.add(Act::icon_only(Icon::Trash, &remove).small()).clicked() {
                            change = Some(Change::Remove(at));
                        }
                    });
                });
            });
        });
    });
    for (at, words) in marks {
        let name = rows.get(*at).and_then(|cells| cells.first()).map(String::as_str).unwrap_or_default();
        let words = format!("Row {}, {name}: {words}", at + 1);
        ui.add(Label::new(RichText::new(words).size(SIZES[0]).color(t.bad.0)).wrap());
    }
    add_row(ui, columns, typed).or(change)
}

fn add_row(ui: &mut Ui, columns: &[Column], typed: &mut Typed) -> Option<Change> {
    let wanted = columns.iter().filter(|column| column.is_right.is_some()).count();
    typed.new.resize(wanted, String::new());
    let mut change = None;
    ui.add_space(4.0);
    ui.horizontal(|ui| {
        let mut is_ready = true;
        let mut entered = false;
        let wanted = columns.iter().filter_map(|column| Some((column.title, column.width, column.is_right?)));
        for ((title, width, is_right), text) in wanted.zip(&mut typed.new) {
            let wrong = !text.is_empty() && !is_right(text);
            is_ready &= is_right(text);
            let width =
                if width > 0.0 { width - 8.0 } else { (ui.available_width() - 80.0).clamp(112.0, 240.0) };
            let response = text_field(ui, text, title, width, wrong);
            entered |= response.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
            response.accessible_name(format!("New: {title}"));
        }
        let add = ui.add(Act::plain("Add").icon(Icon::Plus).enabled(is_ready));
        if is_ready && (add.clicked() || entered) {
            change = Some(Change::Add(std::mem::take(&mut typed.new)));
        }
    });
    change
}

/// Changes a list; `make` makes an element of its cells that may be typed.
pub(super) fn change_list(
    list: &mut Vec<Value>,
    change: Change,
    set: impl Fn(&mut Value, usize, String),
    make: impl Fn(&[String]) -> Value,
) {
    match change {
        Change::Set(at, place, text) => {
            if let Some(item) = list.get_mut(at) {
                set(item, place, text);
            }
        }
        Change::Up(at) if at > 0 && at < list.len() => list.swap(at, at - 1),
        Change::Up(_) => {}
        Change::Remove(at) if at < list.len() => {
            list.remove(at);
        }
        Change::Remove(_) => {}
        Change::Add(cells) => list.push(make(&cells)),
    }
}

/// Changes a map whose first cell is the key; `value` makes a value of the other cells.
pub(super) fn change_map(
    map: &mut Map<String, Value>,
    change: Change,
    key: impl Fn(&str) -> String,
    set: impl Fn(&mut Value, usize, &str),
    make: impl Fn(&[String]) -> Value,
) {
    let mut pairs: Vec<(String, Value)> = std::mem::take(map).into_iter().collect();
    match change {
        Change::Set(at, 0, text) => {
            if let Some((old, _)) = pairs.get_mut(at) {
                *old = key(&text);
            }
        }
        Change::Set(at, place, text) => {
            if let Some((_, value)) = pairs.get_mut(at) {
                set(value, place, &text);
            }
        }
        Change::Up(_) => {}
        Change::Remove(at) if at < pairs.len() => {
            pairs.remove(at);
        }
        Change::Remove(_) => {}
        Change::Add(cells) => {
            let name = cells.first().map(|text| key(text)).unwrap_or_default();
            pairs.retain(|(known, _)| *known != name);
            pairs.push((name, make(cells.get(1..).unwrap_or_default())));
        }
    }
    map.extend(pairs);
}
