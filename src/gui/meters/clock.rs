//! How far a meter's clock is off, in words and as a badge (`facts/conventions.md`, row "Clock drift badge").

use crate::gui::widgets::Tone;

/// Good below 5 s, a look below 30 s, wrong from there.
#[must_use]
pub(in crate::gui) const fn drift_tone(drift_ms: i64) -> Tone {
    match drift_ms.unsigned_abs() {
        0..5_000 => Tone::Good,
        5_000..30_000 => Tone::Warn,
        _ => Tone::Bad,
    }
}

/// `+2.3 s`, `−14 min`, `+3 d`: positive is fast.
#[must_use]
pub(in crate::gui) fn drift_words(drift_ms: i64) -> String {
    let size = drift_ms.unsigned_abs();
    let sign = match drift_ms {
        -99..=99 => "",
        ..=-100 => "−",
        _ => "+",
    };
    let text = match size {
        0..100_000 => format!("{}.{} s", size / 1000, size % 1000 / 100),
        100_000..600_000 => format!("{} s", size / 1000),
        600_000..172_800_000 => format!("{} min", size / 60_000),
        _ => format!("{} d", size / 86_400_000),
    };
    format!("{sign}{text}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_badge_changes_at_5_and_30_seconds() {
        let tones = [4_999, 5_000, 29_999, -30_000].map(drift_tone);
        assert_eq!(tones, [Tone::Good, Tone::Warn, Tone::Warn, Tone::Bad]);
    }

    #[test]
    fn drift_is_told_in_the_unit_that_fits() {
        let words = [2_345, -90_000, 120_000, 7_200_000, -259_200_000].map(drift_words);
        assert_eq!(words, ["+2.3 s", "−90.0 s", "+120 s", "+120 min", "−3 d"]);
        assert_eq!(drift_words(i64::MIN), format!("−{} d", i64::MIN.unsigned_abs() / 86_400_000));
    }
}
