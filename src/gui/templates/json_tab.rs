//! The template as text.

use egui::text::{CCursor, CCursorRange};
use egui::text_edit::TextEditState;
use egui::{FontId, Id, ScrollArea, TextEdit, Ui, Vec2};

use crate::gui::theme::SIZES;
use crate::model::Position;

/// The number of a character by its line and column.
fn character(text: &str, at: Position) -> usize {
    let [line, column] = [at.line, at.column].map(|number| usize::try_from(number).unwrap_or(1).max(1));
    let before: usize = text.split('\n').take(line - 1).map(|line| line.chars().count() + 1).sum();
    let inside = text.split('\n').nth(line - 1).map_or(0, |line| line.chars().count());
    before + (column - 1).min(inside)
}

/// Draws it; `go_to` puts the cursor there. Gives true where the text was changed.
pub(super) fn ui(ui: &mut Ui, text: &mut String, go_to: Option<Position>) -> bool {
    let id = Id::unique("template json");
    let row = SIZES[1] * 1.4;
    let mut changed = false;
    let area = ScrollArea::both().id_salt("template text").auto_shrink(false);
    area.show(ui, |ui| {
        let edit = TextEdit::multiline(text)
            .id(id)
            .font(FontId::monospace(SIZES[1]))
            .code_editor()
            .desired_width(f32::INFINITY)
            .min_size(Vec2::new(ui.available_width(), ui.available_height()));
        let output = edit.show(ui);
        let response = output.response.response;
        response.clone().accessible_name("JSON of the template");
        changed = response.changed();
        if let Some(at) = go_to {
            let place = character(text, at);
            let mut state = TextEditState::load(ui.ctx(), id).unwrap_or_default();
            state.cursor.set_char_range(Some(CCursorRange::one(CCursor::new(place))));
            state.store(ui.ctx(), id);
            response.request_focus();
            #[allow(clippy::cast_precision_loss, reason = "a place on the screen")]
            let top = response.rect.top() + (at.line.saturating_sub(1)) as f32 * row;
            let rect = egui::Rect::from_min_size(egui::pos2(response.rect.left(), top), Vec2::new(8.0, row));
            ui.scroll_to_rect(rect, Some(egui::Align::Center));
        }
    });
    changed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_and_a_column_name_a_character() {
        let text = "{\n  \"é\": 1,\n}";
        assert_eq!(character(text, Position { line: 1, column: 1 }), 0);
        assert_eq!(character(text, Position { line: 2, column: 3 }), 4);
        assert_eq!(character(text, Position { line: 2, column: 99 }), 11);
        assert_eq!(character(text, Position { line: 3, column: 1 }), 12);
        assert_eq!(character(text, Position { line: 9, column: 1 }), 14);
    }
}
