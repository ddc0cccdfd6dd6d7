//! Fields with their label above and what is wrong with them below.

use egui::text_edit::TextEditState;
use egui::{Align, ComboBox, Layout, Margin, Response, TextEdit, Ui, Vec2};

use crate::gui::theme::{CONTROL, Icon, SIZES, strong, tokens};

/// A combo field that is shorter grows up to this with its words.
const SHORT: f32 = 160.0;

/// Octets that are set aside for a secret before it is typed.
const SECRET_ROOM: usize = 256;

fn label(ui: &mut Ui, name: &str) -> Response {
    let colour = tokens(ui).text_secondary.0;
    ui.label(strong(name).size(SIZES[0]).color(colour))
}

/// A label, a control under it, and below that what is wrong or a hint. `control` gives the response to name.
pub fn field(
    ui: &mut Ui,
    name: &str,
    remark: Option<(&str, bool)>,
    control: impl FnOnce(&mut Ui) -> Response,
) -> Response {
    ui.vertical(|ui| {
        ui.spacing_mut().item_spacing = Vec2::new(0.0, 4.0);
        let label = label(ui, name);
        let response = control(ui).labelled_by(label.id);
        if let Some((text, wrong)) = remark.filter(|(text, _)| !text.is_empty()) {
            let t = tokens(ui);
            let colour = if wrong { t.bad.0 } else { t.text_secondary.0 };
            ui.label(egui::RichText::new(text).size(SIZES[0]).color(colour));
        }
        response
    })
    .inner
}

fn edit<'t>(ui: &Ui, text: &'t mut String, hint: &str, width: f32, wrong: bool) -> TextEdit<'t> {
    let t = tokens(ui);
    let hint = egui::RichText::new(hint).color(t.text_disabled.0);
    let mut edit = TextEdit::singleline(text)
        .hint_text(hint)
        .desired_width(width - 16.0)
        .min_size(Vec2::new(width, CONTROL))
        .margin(Margin::symmetric(8, 5))
        .align(egui::Align2::LEFT_CENTER);
    if wrong {
        edit = edit.background_color(t.bad_soft.0);
    }
    edit
}

/// One line of text.
pub fn text_field(ui: &mut Ui, text: &mut String, hint: &str, width: f32, wrong: bool) -> Response {
    let edit = edit(ui, text, hint, width, wrong);
    ui.add(edit)
}

/// One line of text whose place in the focus order stays when remarks come and go above it.
pub fn text_field_at(
    ui: &mut Ui,
    id: egui::Id,
    text: &mut String,
    hint: &str,
    width: f32,
    wrong: bool,
) -> Response {
    let edit = edit(ui, text, hint, width, wrong).id(id);
    ui.add(edit)
}

/// A field whose text counts when it is left or Enter is pressed; gives the new text then. Esc takes it back.
pub fn committed(
    ui: &mut Ui,
    name: &str,
    current: &str,
    width: f32,
    is_right: impl Fn(&str) -> bool,
) -> (Option<String>, Response) {
    let id = ui.scope_id().with((name, "typed"));
    let typed = ui.data(|data| data.get_temp::<String>(id));
    let mut text = typed.unwrap_or_else(|| current.to_owned());
    let wrong = !is_right(&text);
    let response = text_field(ui, &mut text, "", width, wrong);
    response.clone().accessible_name(name);
    let mut given = None;
    if response.has_focus() {
        ui.data_mut(|data| data.insert_temp(id, text));
    } else if response.lost_focus() {
        let dropped = ui.input(|input| input.key_pressed(egui::Key::Escape));
        ui.data_mut(|data| data.remove_temp::<String>(id));
        given = (!dropped && !wrong && text != current).then_some(text);
    }
    (given, response)
}

/// One line that is not shown while it is typed, and never again: nothing of it stays in the window's memory.
pub fn password(ui: &mut Ui, text: &mut String, hint: &str, width: f32, wrong: bool) -> Response {
    // A text that moves while it grows leaves its beginning behind.
    text.reserve(SECRET_ROOM.saturating_sub(text.len()));
    let edit = edit(ui, text, hint, width, wrong).password(true);
    let response = ui.add(edit);
    // What Ctrl+Z would bring back is the text as it stood before.
    if let Some(mut state) = TextEditState::load(ui.ctx(), response.id) {
        state.clear_undoer();
        state.store(ui.ctx(), response.id);
    }
    response
}

/// One of a few choices. Gives true when another was chosen.
pub fn choice<T: Clone + PartialEq>(
    ui: &mut Ui,
    name: &str,
    width: f32,
    value: &mut T,
    choices: &[(T, String)],
) -> bool {
    let current =
        choices.iter().find(|(one, _)| one == value).map_or("", |(_, text)| text.as_str()).to_owned();
    let mut changed = false;
    ui.vertical(|ui| {
        ui.spacing_mut().item_spacing = Vec2::new(0.0, 4.0);
        label(ui, name);
        ui.horizontal(|ui| {
            combo(ui, ("choice", name), name, width, current, |ui| {
                for (one, text) in choices {
                    if ui.selectable_label(one == value, text).clicked() && one != value {
                        value.clone_from(one);
                        changed = true;
                    }
                }
            });
        });
    });
    changed
}

/// A field that opens a list.
pub fn combo(
    ui: &mut Ui,
    id: impl std::hash::Hash + std::fmt::Debug + Copy,
    name: &str,
    width: f32,
    current: impl Into<String>,
    list: impl FnOnce(&mut Ui),
) -> Response {
    let arrow = |ui: &Ui, rect: egui::Rect, visuals: &egui::style::WidgetVisuals, _open: bool| {
        Icon::ChevronDown.paint(ui.painter(), rect, 12.0, visuals.fg_stroke.color);
    };
    let combo = ComboBox::from_id_salt(("combo", id))
        .width(width)
        .selected_text(current.into())
        .truncate()
        .icon(arrow);
    // Its words are cut where the form's column ends and not where the row does; a short one grows a little instead.
    let size = Vec2::new(width, CONTROL);
    let shown = ui.allocate_ui_with_layout(size, Layout::left_to_right(Align::Center), |ui| {
        ui.set_max_width(width.max(SHORT));
        combo.show_ui(ui, |ui| {
            ui.spacing_mut().item_spacing = Vec2::new(0.0, 2.0);
            list(ui);
        })
    });
    shown.inner.response.accessible_name(name)
}
