//! What a page of the editor works on.

use crate::model::template::SchemeLimits;
use crate::scheme::{Document, Problem};

/// A scheme under a page's hands. A page changes `document` in place; whoever drew the page compares, makes one undo
/// step of what changed, and checks anew.
pub(super) struct Editing<'a> {
    /// The scheme.
    pub(super) document: &'a mut Document,
    /// What the meter model can hold.
    pub(super) limits: &'a SchemeLimits,
    /// What the checks found in the scheme as it stood before this frame.
    pub(super) problems: &'a [Problem],
    /// Place of a problem that was clicked: the page that shows it scrolls there and takes the focus, once.
    pub(super) go_to: Option<&'a str>,
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
