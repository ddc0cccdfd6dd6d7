//! What a page of the editor works on, and the fields that pages share.

use egui::{RichText, Ui};

use crate::gui::theme::{SIZES, tokens};
pub(super) use crate::gui::widgets::committed;
use crate::gui::widgets::small;
use crate::model::template::SchemeLimits;
use crate::scheme::{Document, Problem};

use super::meter_clock::MeterClock;

/// A scheme under a page's hands. A page changes `document` in place; whoever drew the page compares, makes one undo
/// step of what changed, and checks anew.
pub(super) struct Editing<'a> {
    /// The scheme.
    pub(super) document: &'a mut Document,
    /// What the meter model can hold.
    pub(super) limits: &'a SchemeLimits,
    /// Names and titles of the meter models.
    pub(super) models: &'a [(String, String)],
    /// What the checks found in the scheme as it stood before this frame.
    pub(super) problems: &'a [Problem],
    /// Place of a problem that was clicked: the page that shows it scrolls there and takes the focus, once.
    pub(super) go_to: Option<&'a str>,
    /// By which clock coming changes are shown.
    pub(super) clock: &'a MeterClock,
}

impl<'a> Editing<'a> {
    /// What is wrong at a place, or below it.
    pub(super) fn problems_at<'p>(&self, place: &'p str) -> impl Iterator<Item = &'a Problem> + use<'a, 'p> {
        self.problems.iter().filter(move |problem| {
            problem
                .place
                .strip_prefix(place)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        })
    }

    /// Whether a clicked problem stands at a place, or below it.
    pub(super) fn is_sought(&self, place: &str) -> bool {
        self.go_to.is_some_and(|sought| {
            sought.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        })
    }
}

/// How many of something there are, and how many the meter can hold: `7 of 8 registers`.
pub(super) fn limit_note(ui: &mut Ui, used: usize, most: u32, what: &str) {
    let t = tokens(ui);
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let words = format!("{used} of {most} {what}");
    let text =
        if used > most { RichText::new(words).size(SIZES[0]).color(t.bad.0) } else { small(ui, words) };
    ui.label(text).on_hover_text("What the meter model can hold");
}

/// Whether the meter can hold one more.
pub(super) fn has_room(used: usize, most: u32) -> bool {
    u32::try_from(used).is_ok_and(|used| used < most)
}

/// The number in brackets after a part of a place: 2 in `tariff.day_types[2].id` after `tariff.day_types`.
pub(super) fn index_after(place: &str, part: &str) -> Option<usize> {
    place.strip_prefix(part)?.strip_prefix('[')?.split(']').next()?.parse().ok()
}

/// An id that is not taken yet: the letter and the lowest number that is free.
pub(super) fn free_id<'a>(letter: char, taken: impl Iterator<Item = &'a String>) -> String {
    let taken: std::collections::HashSet<&str> = taken.map(String::as_str).collect();
    let ids = (1u32..).map(|number| format!("{letter}{number}"));
    let mut free = ids.filter(|id| !taken.contains(id.as_str()));
    free.next().unwrap_or_default()
}

/// Whether a text can be an id: 1 to 16 letters, digits, `_`, `-` or `.`.
pub(super) fn is_id(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    (1..=16).contains(&text.len()) && text.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_gives_its_number() {
        assert_eq!(index_after("tariff.day_types[12].switches[3].at", "tariff.day_types"), Some(12));
        assert_eq!(index_after("tariff.day_types", "tariff.day_types"), None);
        assert_eq!(index_after("latent.tariff.weeks[0]", "tariff.weeks"), None);
    }

    #[test]
    fn a_new_id_is_one_that_is_free() {
        let taken = ["D1".to_owned(), "D3".to_owned()];
        assert_eq!(free_id('D', taken.iter()), "D2");
        assert!(
            is_id("D2") && is_id("a_b-c.9") && !is_id("") && !is_id("a b") && !is_id("12345678901234567")
        );
    }
}
