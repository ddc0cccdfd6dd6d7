//! By which clock a scheme's coming changes are shown: that of the meter that is selected, as it is expected to go.

use egui::Ui;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::gui::context::AppCtx;
use crate::gui::meters::Expected;
use crate::gui::widgets::small;

/// A clock.
#[derive(Clone, Debug)]
pub(super) struct MeterClock {
    /// What it shows now.
    pub(super) now: Timestamp,
    words: String,
}

impl MeterClock {
    /// This computer's.
    #[must_use]
    pub(super) fn computer(now: Timestamp) -> Self {
        let words = "By this computer's clock: no meter is selected whose clock was ever compared";
        Self { now, words: words.to_owned() }
    }

    /// That of the meter in focus, where it was compared.
    pub(super) fn of(cx: &mut AppCtx) -> Self {
        let row = cx.selection.focus().and_then(|id| cx.meter(id));
        let expected = row.as_ref().and_then(|row| Expected::of(cx, row.id));
        match row.zip(expected) {
            Some((row, expected)) => Self::expected(&row.config.name, expected, &cx.zone),
            None => Self::computer((cx.now)()),
        }
    }

    fn expected(name: &str, expected: Expected, zone: &TimeZone) -> Self {
        let words = format!("By the clock of {name} as it is expected: {}", expected.basis(zone));
        Self { now: expected.shows(), words }
    }

    /// Says which clock it is.
    pub(super) fn note(&self, ui: &mut Ui) {
        ui.add(egui::Label::new(small(ui, self.words.as_str())).wrap());
    }
}
