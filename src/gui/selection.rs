//! Which meters are selected: one selection for all windows.

use std::collections::BTreeSet;

use crate::model::MeterId;

/// The selected meters, the one in focus, and where a range begins.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    ids: BTreeSet<MeterId>,
    focus: Option<MeterId>,
    anchor: Option<MeterId>,
}

impl Selection {
    /// The meter that inspectors show.
    #[must_use]
    pub const fn focus(&self) -> Option<MeterId> {
        self.focus
    }

    /// All that are selected, in the order of their numbers.
    #[must_use]
    pub fn ids(&self) -> Vec<MeterId> {
        self.ids.iter().copied().collect()
    }

    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Whether this one is.
    #[must_use]
    pub fn contains(&self, id: MeterId) -> bool {
        self.ids.contains(&id)
    }

    /// This one alone.
    pub fn only(&mut self, id: MeterId) {
        self.ids = BTreeSet::from([id]);
        self.focus = Some(id);
        self.anchor = Some(id);
    }

    /// This one in focus, the others stay selected.
    pub fn focus_on(&mut self, id: MeterId) {
        self.ids.insert(id);
        self.focus = Some(id);
    }

    /// This one too, or no longer.
    pub fn toggle(&mut self, id: MeterId) {
        if !self.ids.remove(&id) {
            self.ids.insert(id);
        }
        self.focus = if self.ids.contains(&id) { Some(id) } else { self.ids.first().copied() };
        self.anchor = Some(id);
    }

    /// From the anchor to this one, in the order shown.
    pub fn extend(&mut self, to: MeterId, shown: &[MeterId]) {
        let place = |id: MeterId| shown.iter().position(|one| *one == id);
        let (Some(from), Some(end)) = (self.anchor.and_then(place), place(to)) else {
            self.only(to);
            return;
        };
        let range = shown.get(from.min(end)..=from.max(end)).unwrap_or_default();
        self.ids = range.iter().copied().collect();
        self.focus = Some(to);
    }

    /// All of these.
    pub fn all(&mut self, shown: &[MeterId]) {
        self.ids = shown.iter().copied().collect();
        if self.focus.is_none_or(|focus| !self.ids.contains(&focus)) {
            self.focus = shown.first().copied();
        }
    }

    /// None.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Forgets meters that are no more.
    pub fn keep(&mut self, exists: impl Fn(MeterId) -> bool) {
        self.ids.retain(|id| exists(*id));
        self.focus = self.focus.filter(|id| exists(*id)).or_else(|| self.ids.first().copied());
        self.anchor = self.anchor.filter(|id| exists(*id));
    }

    /// Moves the focus by so many rows in the order shown; with `extend` the range grows.
    pub fn step(&mut self, by: isize, shown: &[MeterId], extend: bool) -> Option<usize> {
        let last = shown.len().checked_sub(1)?;
        let here = self.focus.and_then(|focus| shown.iter().position(|id| *id == focus));
        let next = here.map_or(0, |here| here.saturating_add_signed(by).min(last));
        let id = *shown.get(next)?;
        if extend {
            self.extend(id, shown);
        } else {
            self.only(id);
        }
        Some(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(numbers: &[i64]) -> Vec<MeterId> {
        numbers.iter().copied().map(MeterId).collect()
    }

    #[test]
    fn shift_takes_the_range_in_the_order_shown() {
        let shown = ids(&[5, 3, 9, 1]);
        let mut selection = Selection::default();
        selection.only(MeterId(3));
        selection.extend(MeterId(1), &shown);
        assert_eq!(selection.ids(), ids(&[1, 3, 9]));
        selection.extend(MeterId(5), &shown);
        assert_eq!(selection.ids(), ids(&[3, 5]), "the anchor stays where the range began");
    }

    #[test]
    fn control_adds_and_takes_away() {
        let mut selection = Selection::default();
        selection.only(MeterId(1));
        selection.toggle(MeterId(2));
        assert_eq!(selection.ids(), ids(&[1, 2]));
        selection.toggle(MeterId(2));
        assert_eq!((selection.ids(), selection.focus()), (ids(&[1]), Some(MeterId(1))));
    }

    #[test]
    fn arrows_stop_at_the_ends() {
        let shown = ids(&[4, 5, 6]);
        let mut selection = Selection::default();
        assert_eq!(selection.step(1, &shown, false), Some(0));
        assert_eq!(selection.step(-1, &shown, false), Some(0));
        assert_eq!(selection.step(99, &shown, true), Some(2));
        assert_eq!(selection.len(), 3);
    }
}
