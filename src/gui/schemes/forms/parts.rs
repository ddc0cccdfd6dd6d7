//! What the pages are made of: a place with what is wrong there, and fields that keep half-typed text.

use std::ops::RangeInclusive;
use std::sync::Arc;

use egui::{Align, Frame, Id, Margin, Response, RichText, Ui, Vec2};

use crate::gui::schemes::editing::Editing;
use crate::gui::schemes::name_step;
use crate::gui::theme::{Icon, SIZES, strong, tokens};
use crate::gui::widgets::{Act, combo, field, small, text_field_at};
use crate::scheme::{Problem, say};

/// A place of the document as a control shows it: what is wrong there, and whether a clicked problem leads there.
pub(super) struct Spot {
    place: String,
    remarks: Vec<(String, bool)>,
    sought: bool,
}

fn remark(problem: &Problem) -> (String, bool) {
    (problem.message.clone(), problem.is_error())
}

impl Spot {
    /// A place with all below it.
    pub(super) fn of(editing: &Editing<'_>, place: impl Into<String>) -> Self {
        let place = place.into();
        let remarks = editing.problems_at(&place).map(remark).collect();
        Self { sought: editing.is_sought(&place), place, remarks }
    }

    /// A list, whose entries show what is wrong with them themselves.
    pub(super) fn of_list(editing: &Editing<'_>, place: &str) -> Self {
        let here = editing.problems_at(place).filter(|problem| problem.place == place);
        let sought = editing.go_to == Some(place);
        Self { place: place.to_owned(), remarks: here.map(remark).collect(), sought }
    }

    /// Where in the document.
    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// One of several controls that make up one value: what is wrong stands below all of them.
    pub(super) fn part(&self, key: &str) -> Self {
        Self { place: format!("{}.{key}", self.place), remarks: Vec::new(), sought: false }
    }

    fn is_wrong(&self) -> bool {
        self.remarks.iter().any(|(_, error)| *error)
    }

    /// Goes to the control, where it is looked for.
    pub(super) fn show(&self, response: Response) -> Response {
        if self.sought {
            response.request_focus();
            response.scroll_to_me(Some(Align::Center));
        }
        response
    }

    /// Writes what is wrong; what was typed and is no value yet hides what the checks say of the value before it.
    pub(super) fn remarks(&self, ui: &mut Ui, typed: Option<&str>) {
        let t = tokens(ui);
        let line = |ui: &mut Ui, text: &str, error: bool| {
            let ink = if error { t.bad.0 } else { t.warn.0 };
            ui.label(RichText::new(text).size(SIZES[0]).color(ink));
        };
        if let Some(text) = typed {
            line(ui, text, true);
            return;
        }
        for (text, error) in &self.remarks {
            line(ui, text, *error);
        }
    }
}

/// How a field is named.
#[derive(Clone, Copy)]
pub(super) enum Named<'a> {
    /// By a label above it.
    Above(&'a str),
    /// For screen readers only: a column or a row says it to the eye.
    Hidden(&'a str),
}

/// A control with its label; what is wrong stands below it.
fn framed(ui: &mut Ui, named: Named<'_>, spot: &Spot, control: impl FnOnce(&mut Ui) -> Response) -> Response {
    let response = match named {
        Named::Above(name) => field(ui, name, None, control),
        Named::Hidden(name) => control(ui).accessible_name(name),
    };
    spot.show(response)
}

/// Room for a control and what is wrong with it, one below the other.
fn stacked<T>(ui: &mut Ui, contents: impl FnOnce(&mut Ui) -> T) -> T {
    ui.vertical(|ui| {
        ui.spacing_mut().item_spacing = Vec2::new(0.0, 4.0);
        contents(ui)
    })
    .inner
}

/// What was typed and is no value yet, or not spelled as the value is.
#[derive(Clone, Default)]
struct Draft {
    text: String,
    /// The value as shown when it was typed: another one, from an undo say, goes before the draft.
    value: String,
}

/// How a field turns text into a value and back.
pub(super) struct Reading<'a, T> {
    /// Shown while it is empty.
    pub(super) hint: &'a str,
    /// Its width in points.
    pub(super) width: f32,
    /// The value as text.
    pub(super) show: &'a dyn Fn(&T) -> String,
    /// The text as a value, or what to write.
    pub(super) read: &'a dyn Fn(&str) -> Result<T, String>,
}

fn draft_id(ui: &Ui, place: &str) -> Id {
    ui.scope_id().with(("half-typed", place))
}

/// A field that keeps what was typed; the value changes only when the text is one.
pub(super) fn typed<T>(
    ui: &mut Ui,
    named: Named<'_>,
    spot: &Spot,
    reading: &Reading<'_, T>,
    value: &mut T,
) -> Response {
    let id = draft_id(ui, &spot.place);
    let shown = (reading.show)(value);
    let draft = ui.data(|data| data.get_temp::<Draft>(id)).filter(|draft| draft.value == shown);
    let mut text = draft.map_or(shown, |draft| draft.text);
    let wrong = spot.is_wrong() || (reading.read)(&text).is_err();
    stacked(ui, |ui| {
        let response = framed(ui, named, spot, |ui| {
            text_field_at(ui, id, &mut text, reading.hint, reading.width, wrong)
        });
        let read = (reading.read)(&text);
        let slip = read.as_ref().err().cloned();
        if response.changed() {
            if let Ok(read) = read {
                *value = read;
            }
            let draft = Draft { text: text.clone(), value: (reading.show)(value) };
            ui.data_mut(|data| data.insert_temp(id, draft));
        } else if response.lost_focus() && slip.is_none() {
            forget(ui, &spot.place);
        }
        spot.remarks(ui, slip.as_deref());
        response
    })
}

/// What was typed at a place and is not spelled as the value is.
pub(super) fn draft(ui: &Ui, place: &str) -> Option<String> {
    let id = draft_id(ui, place);
    ui.data(|data| data.get_temp::<Draft>(id)).map(|draft| draft.text)
}

/// Drops what was typed at a place, where a value was chosen in another way.
pub(super) fn forget(ui: &Ui, place: &str) {
    let id = draft_id(ui, place);
    ui.data_mut(|data| data.remove_temp::<Draft>(id));
}

/// A line of free text.
pub(super) fn text(
    ui: &mut Ui,
    named: Named<'_>,
    spot: &Spot,
    hint: &str,
    width: f32,
    value: &mut String,
) -> Response {
    let id = draft_id(ui, &spot.place);
    stacked(ui, |ui| {
        let wrong = spot.is_wrong();
        let response = framed(ui, named, spot, |ui| text_field_at(ui, id, value, hint, width, wrong));
        spot.remarks(ui, None);
        response
    })
}

/// A whole number.
pub(super) fn number(
    ui: &mut Ui,
    named: Named<'_>,
    spot: &Spot,
    width: f32,
    allowed: RangeInclusive<u32>,
    value: &mut u32,
) -> Response {
    let read = |text: &str| match text.trim().parse::<u32>() {
        Ok(number) if allowed.contains(&number) => Ok(number),
        _ if allowed.start() == allowed.end() => Err(format!("write {}", allowed.start())),
        _ => Err(format!("write a number from {} to {}", allowed.start(), allowed.end())),
    };
    let show = |value: &u32| value.to_string();
    typed(ui, named, spot, &Reading { hint: "", width, show: &show, read: &read }, value)
}

/// One of several; a value that is none of them is shown all the same. Gives true when another was chosen.
pub(super) fn pick<T: Clone + PartialEq>(
    ui: &mut Ui,
    named: Named<'_>,
    spot: &Spot,
    width: f32,
    value: &mut T,
    choices: &[(T, String)],
    show: impl Fn(&T) -> String,
) -> bool {
    let current = choices.iter().find(|(one, _)| one == value);
    let current = current.map_or_else(|| show(value), |(_, text)| text.clone());
    let mut changed = false;
    let (Named::Above(name) | Named::Hidden(name)) = named;
    stacked(ui, |ui| {
        framed(ui, named, spot, |ui| {
            combo(ui, spot.place.as_str(), name, width, current, |ui| {
                for (one, text) in choices {
                    if ui.selectable_label(one == value, text).clicked() && one != value {
                        value.clone_from(one);
                        changed = true;
                    }
                }
            })
        });
        spot.remarks(ui, None);
    });
    changed
}

/// Controls beside each other, or below each other where less than `needed` points are free.
pub(super) fn beside<T>(ui: &mut Ui, needed: f32, contents: impl FnOnce(&mut Ui) -> T) -> T {
    if ui.available_width() < needed {
        ui.vertical(contents).inner
    } else {
        ui.horizontal_top(contents).inner
    }
}

/// What belongs to a tick or a choice, below its words.
pub(super) fn indented<T>(ui: &mut Ui, contents: impl FnOnce(&mut Ui) -> T) -> T {
    let margin = Margin { left: 24, ..Margin::ZERO };
    Frame::new().inner_margin(margin).show(ui, contents).inner
}

/// Something that is so or not, with what it means below it.
pub(super) fn tick(ui: &mut Ui, spot: &Spot, name: &str, meaning: &str, value: &mut bool) -> Response {
    stacked(ui, |ui| {
        let response = ui.checkbox(value, name);
        let response = spot.show(response);
        if !meaning.is_empty() {
            indented(ui, |ui| ui.add(egui::Label::new(small(ui, meaning)).wrap()));
        }
        spot.remarks(ui, None);
        response
    })
}

/// The head of a list: its title, how much of what the meter holds is used, and the button that adds one.
/// Gives true when it was pressed.
pub(super) fn list_head(
    ui: &mut Ui,
    title: &str,
    spot: &Spot,
    used: usize,
    limit: impl Into<Option<u32>>,
    add: &str,
    what: &str,
) -> bool {
    ui.add_space(8.0);
    let limit = limit.into();
    let full = limit.is_some_and(|limit| used >= usize::try_from(limit).unwrap_or(usize::MAX));
    let mut added = false;
    ui.horizontal(|ui| {
        ui.label(strong(title).size(SIZES[1] + 1.0));
        ui.label(small(ui, limit.map_or_else(|| used.to_string(), |limit| format!("{used} of {limit}"))));
        ui.with_layout(egui::Layout::right_to_left(Align::Center), |ui| {
            let mut act = Act::plain(add).icon(Icon::Plus).small().enabled(!full);
            if full {
                act = act.hint(match limit {
                    Some(0) | None => format!("This meter model has no {what}"),
                    Some(limit) => format!("This meter model holds {limit} {what}, and {used} are here"),
                });
            }
            let response = ui.add(act);
            added = spot.show(response).clicked();
            if added {
                name_step(ui, add.to_lowercase());
            }
        });
    });
    spot.remarks(ui, None);
    ui.add_space(4.0);
    added
}

/// The periods that a meter model has, in words.
pub(super) fn periods(minutes: &[u32]) -> Vec<(u32, String)> {
    minutes.iter().map(|minutes| (*minutes, self::minutes(minutes))).collect()
}

/// A period in words, for what stands in the document and is no choice.
pub(super) fn minutes(minutes: &u32) -> String {
    say::minutes(*minutes)
}

/// What is costly to work out, kept as long as what it was made of stays the same.
pub(super) fn kept<K, V>(ui: &Ui, salt: &str, key: K, make: impl FnOnce(&K) -> V) -> Arc<(K, V)>
where
    K: PartialEq + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    let id = ui.scope_id().with(("kept", salt));
    let known = ui.data(|data| data.get_temp::<Arc<(K, V)>>(id)).filter(|known| known.0 == key);
    known.unwrap_or_else(|| {
        let value = make(&key);
        let made = Arc::new((key, value));
        ui.data_mut(|data| data.insert_temp(id, made.clone()));
        made
    })
}
