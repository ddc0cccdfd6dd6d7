//! Figures side by side. What differs from the first column is marked by a sign and by weight, never by colour alone.

use std::collections::BTreeMap;

use egui::{
    Align, Align2, FontFamily, FontId, Label, Layout, RichText, Role, ScrollArea, Sense, Ui, Vec2, WidgetInfo,
};
use egui_extras::{Column, TableBuilder};

use crate::gui::context::{AppCtx, Command};
use crate::gui::theme::{Icon, ROW, SIZES, STRONG, strong, tokens};
use crate::gui::widgets::{Act, counted, grouped};

/// A row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::gui::schemes) enum Row {
    /// The title of those below.
    Section(String),
    /// Figures of one thing.
    Figures {
        /// What.
        title: String,
        /// In what unit.
        unit: String,
        /// One a column; `None` where the column has none.
        cells: Vec<Option<String>>,
        /// Set off from the rows above.
        is_sum: bool,
    },
}

impl Row {
    /// A section.
    pub(in crate::gui::schemes) fn section(title: impl Into<String>) -> Self {
        Self::Section(title.into())
    }

    /// A row of figures.
    pub(in crate::gui::schemes) fn figures(
        title: impl Into<String>,
        unit: impl Into<String>,
        cells: Vec<Option<String>>,
    ) -> Self {
        Self::Figures { title: title.into(), unit: unit.into(), cells, is_sum: false }
    }

    /// A row that sums up.
    pub(in crate::gui::schemes) fn sum(
        title: impl Into<String>,
        unit: impl Into<String>,
        cells: Vec<Option<String>>,
    ) -> Self {
        Self::Figures { title: title.into(), unit: unit.into(), cells, is_sum: true }
    }
}

/// A table of figures.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::gui::schemes) struct Sheet {
    /// What the first column names.
    pub(in crate::gui::schemes) what: String,
    /// Titles of the columns of figures; the others are held against the first.
    pub(in crate::gui::schemes) columns: Vec<String>,
    /// The rows.
    pub(in crate::gui::schemes) rows: Vec<Row>,
    /// The cells are words, not figures: they stand at the left, and there are no units.
    pub(in crate::gui::schemes) is_words: bool,
}

/// What stands in a cell that has nothing.
const NOTHING: &str = "–";
/// What stands before a cell that differs from the first column.
const DIFFERS: &str = "≠";

/// Whether a cell differs from the first of its row.
fn differs(cells: &[Option<String>], at: usize) -> bool {
    at > 0 && cells.get(at) != cells.first()
}

fn escaped(text: &str, separator: char) -> String {
    if text.contains([separator, '"', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

impl Sheet {
    /// How many rows have a cell that differs from the first column.
    pub(in crate::gui::schemes) fn differing(&self) -> usize {
        let is_different = |row: &&Row| match row {
            Row::Section(_) => false,
            Row::Figures { cells, .. } => (0..cells.len()).any(|at| differs(cells, at)),
        };
        self.rows.iter().filter(is_different).count()
    }

    /// As text for a file or the clipboard: plain digits, sections in a column of their own.
    pub(in crate::gui::schemes) fn text(&self, separator: char) -> String {
        let mut out = String::new();
        let mut line = |cells: &mut dyn Iterator<Item = &str>| {
            let cells: Vec<String> = cells.map(|cell| escaped(cell, separator)).collect();
            out.push_str(&cells.join(&separator.to_string()));
            out.push('\n');
        };
        let titles = ["section", self.what.as_str(), "unit"].into_iter();
        line(&mut titles.chain(self.columns.iter().map(String::as_str)));
        let mut section = "";
        for row in &self.rows {
            match row {
                Row::Section(title) => section = title,
                Row::Figures { title, unit, cells, .. } => {
                    let begin = [section, title, unit].into_iter();
                    line(&mut begin.chain(cells.iter().map(|cell| cell.as_deref().unwrap_or_default())));
                }
            }
        }
        out
    }

    /// Buttons that copy and save it.
    pub(in crate::gui::schemes) fn actions(&self, ui: &mut Ui, cx: &mut AppCtx, file: &str) {
        if ui
            .add(Act::icon_only(Icon::Copy, "Copy the table").hint("Copy the table, for a spreadsheet"))
            .clicked()
        {
            ui.copy_text(self.text('\t'));
            cx.notices.done(format!("Copied {}", counted(self.rows.len(), "row")));
        }
        if ui.add(Act::icon_only(Icon::Save, "Save the table as CSV…")).clicked() {
            let title = "Save the table as CSV".to_owned();
            cx.command(Command::SaveText(title, format!("{file}.csv"), self.text(',')));
        }
    }

    /// Most digits after the point of each unit.
    fn places(&self) -> BTreeMap<&str, usize> {
        let mut most = BTreeMap::new();
        for row in &self.rows {
            let Row::Figures { unit, cells, .. } = row else { continue };
            let here = cells.iter().flatten().filter(|cell| is_number(cell)).map(|cell| places(cell)).max();
            let known = most.entry(unit.as_str()).or_insert(0);
            *known = here.unwrap_or(0).max(*known);
        }
        most
    }

    /// Draws it into what is left of the page.
    pub(in crate::gui::schemes) fn ui(&self, ui: &mut Ui, salt: &str) {
        let width = ui.available_width();
        #[allow(clippy::cast_precision_loss, reason = "a few columns")]
        let each = ((width - if self.is_words { 236.0 } else { 296.0 }) / self.columns.len().max(1) as f32)
            .max(164.0);
        ScrollArea::horizontal().id_salt(salt).auto_shrink(false).show(ui, |ui| {
            ui.spacing_mut().item_spacing = Vec2::ZERO;
            let mut table = TableBuilder::new(ui)
                .id_salt((salt, self.columns.len()))
                .auto_shrink(false)
                .min_scrolled_height(0.0)
                .cell_layout(Layout::left_to_right(Align::Center))
                .column(Column::exact(224.0).clip(true))
                .column(Column::exact(if self.is_words { 0.0 } else { 60.0 }));
            for _ in &self.columns {
                table = table.column(Column::exact(each).clip(true));
            }
            let table = table.header(ROW + 4.0, |mut header| {
                header.col(|ui| title(ui, &self.what, false));
                header.col(|ui| title(ui, if self.is_words { "" } else { "Unit" }, false));
                for column in &self.columns {
                    header.col(|ui| title(ui, column, !self.is_words));
                }
            });
            let places = self.places();
            table.body(|body| {
                body.rows(ROW, self.rows.len(), |mut row| {
                    let Some(content) = self.rows.get(row.index()) else { return };
                    match content {
                        Row::Section(title) => {
                            row.col(|ui| {
                                ui.add_space(4.0);
                                ui.add(Label::new(strong(title)).truncate());
                            });
                        }
                        Row::Figures { title, unit, cells, is_sum } => {
                            row.col(|ui| {
                                ui.add_space(12.0);
                                let text = if *is_sum { strong(title) } else { RichText::new(title) };
                                ui.add(Label::new(text).truncate()).on_hover_text(title);
                            });
                            row.col(|ui| {
                                ui.add_space(12.0);
                                ui.label(
                                    RichText::new(unit).size(SIZES[0]).color(tokens(ui).text_secondary.0),
                                );
                            });
                            let places = places.get(unit.as_str()).copied().unwrap_or(0);
                            for at in 0..self.columns.len() {
                                let column = self.columns.get(at);
                                row.col(|ui| match self.is_words {
                                    true => words(ui, cells, at, column),
                                    false => cell(ui, cells, at, *is_sum, (column, places)),
                                });
                            }
                        }
                    }
                });
            });
        });
    }
}

fn title(ui: &mut Ui, text: &str, right: bool) {
    crate::gui::readings::title(ui, text, right);
}

/// A figure at the right of its cell, its point where those of the same unit stand.
fn cell(
    ui: &mut Ui,
    cells: &[Option<String>],
    at: usize,
    is_sum: bool,
    (column, places_of_unit): (Option<&String>, usize),
) {
    let t = tokens(ui);
    let value = cells.get(at).cloned().flatten();
    let is_different = differs(cells, at);
    let text = value.as_deref().map_or_else(|| NOTHING.to_owned(), shown);
    let rect = ui.max_rect();
    let response = ui.interact(rect, ui.scope_id().with("figure"), Sense::hover());
    let spoken = match (is_different, column) {
        (true, Some(column)) => format!("{text}, differs: {column}"),
        _ => text.clone(),
    };
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &spoken));
    let ink = if value.is_none() { t.text_secondary.0 } else { t.text.0 };
    let family =
        if is_sum || is_different { FontFamily::Name(STRONG.into()) } else { FontFamily::Proportional };
    let font = FontId::new(SIZES[1], family);
    let lacking = value.as_deref().filter(|value| is_number(value)).map_or(0.0, |value| {
        let own = places(value);
        let blank = "0".repeat(places_of_unit.saturating_sub(own));
        let point = if own == 0 && places_of_unit > 0 { "." } else { "" };
        ui.painter().layout_no_wrap(format!("{point}{blank}"), font.clone(), ink).size().x
    });
    let painter = ui.painter_at(rect);
    let end = egui::pos2(rect.right() - 12.0 - lacking, rect.center().y);
    let drawn = painter.text(end, Align2::RIGHT_CENTER, &text, font, ink);
    if is_different {
        let sign = FontId::new(SIZES[1], FontFamily::Name(STRONG.into()));
        painter.text(
            drawn.left_center() - Vec2::new(6.0, 0.0),
            Align2::RIGHT_CENTER,
            DIFFERS,
            sign,
            t.accent.0,
        );
    }
    if drawn.width() > rect.width() - 24.0 {
        response.on_hover_text(text);
    }
}

/// Words at the left of their cell.
fn words(ui: &mut Ui, cells: &[Option<String>], at: usize, column: Option<&String>) {
    let t = tokens(ui);
    let value = cells.get(at).cloned().flatten();
    let text = match &value {
        None => NOTHING.to_owned(),
        Some(text) if text.is_empty() => "empty".to_owned(),
        Some(text) => text.clone(),
    };
    let is_different = differs(cells, at);
    let is_said = value.as_ref().is_some_and(|text| !text.is_empty());
    let ink = if is_said { t.text.0 } else { t.text_secondary.0 };
    ui.add_space(12.0);
    if is_different {
        ui.label(strong(DIFFERS).color(t.accent.0));
        ui.add_space(6.0);
    }
    let shown = if is_different { strong(&text) } else { RichText::new(&text) };
    let response = ui.add(Label::new(shown.color(ink)).truncate());
    if let Some(column) = column.filter(|_| is_different) {
        let spoken = format!("{text}, differs: {column}");
        response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &spoken));
    }
}

/// How many digits stand after the point.
fn places(text: &str) -> usize {
    text.split_once('.').map_or(0, |(_, fraction)| fraction.len())
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+'))
}

/// Numbers with their digits in groups, all else as it is.
fn shown(text: &str) -> String {
    match text.strip_prefix('+') {
        _ if !is_number(text) => text.to_owned(),
        Some(rest) => format!("+{}", grouped(rest)),
        None => grouped(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sheet() -> Sheet {
        let cells = |cells: &[&str]| cells.iter().map(|cell| Some((*cell).to_owned())).collect();
        Sheet {
            what: "register".to_owned(),
            columns: vec!["a, b".to_owned(), "c".to_owned()],
            rows: vec![
                Row::section("Energy"),
                Row::figures("R1", "kWh", cells(&["1234.5", "1234.5"])),
                Row::figures("R2", "kWh", vec![Some("1".to_owned()), None]),
            ],
            is_words: false,
        }
    }

    #[test]
    fn the_file_has_plain_digits_and_quotes_what_holds_a_separator() {
        let text = sheet().text(',');
        assert_eq!(text, "section,register,unit,\"a, b\",c\nEnergy,R1,kWh,1234.5,1234.5\nEnergy,R2,kWh,1,\n");
    }

    #[test]
    fn what_is_not_there_differs_from_what_is() {
        assert_eq!(sheet().differing(), 1);
    }

    #[test]
    fn only_numbers_are_grouped() {
        assert_eq!(shown("12345.5"), "12\u{2009}345.5");
        assert_eq!(shown("2026-11-01 00:00"), "2026-11-01 00:00");
    }
}
