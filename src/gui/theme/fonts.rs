//! One typeface with tabular figures, so that every machine shows the same.

use std::sync::Arc;

use egui::{FontData, FontDefinitions, FontFamily, FontId, RichText};

/// The heavier of the two weights.
pub const STRONG: &str = "strong";

const SANS: &[u8] = include_bytes!("../../../assets/fonts/IBMPlexSans-Regular.ttf");
const SANS_STRONG: &[u8] = include_bytes!("../../../assets/fonts/IBMPlexSans-SemiBold.ttf");
const MONO: &[u8] = include_bytes!("../../../assets/fonts/IBMPlexMono-Regular.ttf");

/// Text in the heavier weight.
pub fn strong(text: impl Into<String>) -> RichText {
    RichText::new(text).family(FontFamily::Name(STRONG.into()))
}

/// Text whose characters all have one width: octets, lines, addresses.
pub fn mono(text: impl Into<String>) -> RichText {
    RichText::new(text).font(FontId::new(super::SIZES[0] + 0.5, FontFamily::Monospace))
}

pub(super) fn definitions() -> FontDefinitions {
    // egui's own faces stay behind ours for signs that ours do not have.
    let mut fonts = FontDefinitions::default();
    let faces = [("plex", SANS), ("plex-strong", SANS_STRONG), ("plex-mono", MONO)];
    for (name, bytes) in faces {
        fonts.font_data.insert(name.to_owned(), Arc::new(FontData::from_static(bytes)));
    }
    let fallback = fonts.families.get(&FontFamily::Proportional).cloned().unwrap_or_default();
    let behind = |first: &[&str]| -> Vec<String> {
        first.iter().map(|name| (*name).to_owned()).chain(fallback.iter().cloned()).collect()
    };
    fonts.families.insert(FontFamily::Proportional, behind(&["plex"]));
    fonts.families.insert(FontFamily::Name(STRONG.into()), behind(&["plex-strong", "plex"]));
    fonts.families.insert(FontFamily::Monospace, behind(&["plex-mono", "plex"]));
    fonts
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The advance widths of the digits, read from the font's own tables.
    fn digit_widths(bytes: &[u8]) -> Vec<u16> {
        let u16_at = |at: usize| u16::from_be_bytes([bytes[at], bytes[at + 1]]);
        let u32_at =
            |at: usize| usize::try_from(u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap())).unwrap();
        let table = |tag: &[u8; 4]| {
            let entries = usize::from(u16_at(4));
            (0..entries)
                .map(|n| 12 + 16 * n)
                .find(|at| &bytes[*at..at + 4] == tag)
                .map(|at| u32_at(at + 8))
                .unwrap()
        };
        let (cmap, hmtx, hhea) = (table(b"cmap"), table(b"hmtx"), table(b"hhea"));
        let metrics = usize::from(u16_at(hhea + 34));
        let format4 = (0..usize::from(u16_at(cmap + 2)))
            .map(|n| cmap + u32_at(cmap + 4 + 8 * n + 4))
            .find(|at| u16_at(*at) == 4)
            .unwrap();
        let segments = usize::from(u16_at(format4 + 6)) / 2;
        let glyph = |code: u16| {
            let segment = (0..segments).find(|n| u16_at(format4 + 14 + 2 * n) >= code).unwrap();
            let starts = format4 + 16 + 2 * segments;
            let deltas = starts + 2 * segments;
            let offsets = deltas + 2 * segments;
            let start = u16_at(starts + 2 * segment);
            let offset = u16_at(offsets + 2 * segment);
            if offset == 0 {
                code.wrapping_add(u16_at(deltas + 2 * segment))
            } else {
                u16_at(offsets + 2 * segment + usize::from(offset) + 2 * usize::from(code - start))
            }
        };
        (b'0'..=b'9')
            .map(|digit| u16_at(hmtx + 4 * usize::from(glyph(digit.into())).min(metrics - 1)))
            .collect()
    }

    #[test]
    fn all_digits_of_a_weight_are_equally_wide() {
        for face in [SANS, SANS_STRONG, MONO] {
            let widths = digit_widths(face);
            assert!(widths.iter().all(|width| *width == widths[0] && *width > 0), "{widths:?}");
        }
    }
}
