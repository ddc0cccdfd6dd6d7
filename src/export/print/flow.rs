//! What stands where on which sheet: text that wraps, tables that break between rows. Points from the top left.

use super::faces::{Face, Faces};

/// A4.
pub(super) const SHEET: (f32, f32) = (595.28, 841.89);
/// Blank around it.
pub(super) const MARGIN: f32 = 48.0;
/// Width of what is printed.
pub(super) const WIDTH: f32 = SHEET.0 - 2.0 * MARGIN;
/// Kept free at the foot of a sheet for its number.
const FOOT: f32 = 28.0;
/// Size of text.
pub(super) const TEXT: f32 = 9.0;
/// Size of remarks.
pub(super) const SMALL: f32 = 7.5;
/// From one line to the next, in sizes.
const LEADING: f32 = 1.35;

/// A colour.
pub(super) type Ink = [u8; 3];
/// Text.
pub(super) const BLACK: Ink = [0x1a, 0x1d, 0x21];
/// Remarks.
pub(super) const GREY: Ink = [0x5a, 0x62, 0x6b];
/// Lines.
pub(super) const PALE: Ink = [0xc9, 0xce, 0xd4];
/// What is wrong.
pub(super) const RED: Ink = [0xa8, 0x1e, 0x1e];

/// A rectangle: left, top, width, height.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Area {
    pub(super) left: f32,
    pub(super) top: f32,
    pub(super) width: f32,
    pub(super) height: f32,
}

/// How a ground is hatched, so that colours are told apart without colour: how far its lines lie apart.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Hatch {
    /// Of lying lines.
    pub(super) lying: Option<f32>,
    /// Of standing ones.
    pub(super) standing: Option<f32>,
}

impl Hatch {
    /// In the order of the stripes on the screen.
    const ALL: [(Option<f32>, Option<f32>); 6] = [
        (None, None),
        (Some(4.0), None),
        (None, Some(5.0)),
        (Some(2.0), None),
        (Some(5.0), Some(6.0)),
        (None, Some(2.5)),
    ];

    /// The hatch of the register at a place of the list.
    pub(super) fn of(index: usize) -> Self {
        let (lying, standing) = Self::ALL.get(index % Self::ALL.len()).copied().unwrap_or_default();
        Self { lying, standing }
    }
}

/// Something on a sheet.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Mark {
    /// Text; `y` is its base line.
    Text { x: f32, y: f32, face: Face, size: f32, ink: Ink, text: String },
    /// A filled rectangle.
    Fill { area: Area, ink: Ink },
    /// A hatched rectangle with an edge.
    Hatched { area: Area, hatch: Hatch, ink: Ink },
    /// A line.
    Line { from: (f32, f32), to: (f32, f32), ink: Ink },
}

/// A column of a table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column<'a> {
    pub(super) title: &'a str,
    /// Part of the whole width, of the sum of all parts.
    pub(super) part: f32,
    pub(super) face: Face,
}

/// A column of plain text.
pub(super) const fn column(title: &str, part: f32) -> Column<'_> {
    Column { title, part, face: Face::Plain }
}

/// Fills sheets from top to bottom.
pub(super) struct Flow<'a> {
    pub(super) faces: &'a Faces,
    pub(super) sheets: Vec<Vec<Mark>>,
    y: f32,
}

impl<'a> Flow<'a> {
    pub(super) fn new(faces: &'a Faces) -> Self {
        Self { faces, sheets: vec![Vec::new()], y: MARGIN }
    }

    /// How far down the sheet is filled.
    pub(super) const fn y(&self) -> f32 {
        self.y
    }

    /// Puts something on the sheet.
    pub(super) fn mark(&mut self, mark: Mark) {
        if let Some(sheet) = self.sheets.last_mut() {
            sheet.push(mark);
        }
    }

    /// Leaves room.
    pub(super) fn space(&mut self, height: f32) {
        self.y += height;
    }

    const fn bottom() -> f32 {
        SHEET.1 - MARGIN - FOOT
    }

    /// Begins a new sheet, where the rest of this one is too low.
    pub(super) fn need(&mut self, height: f32) -> bool {
        let breaks = self.y + height > Self::bottom() && self.y > MARGIN;
        if breaks {
            self.sheets.push(Vec::new());
            self.y = MARGIN;
        }
        breaks
    }

    /// Sets one line at a place of its own.
    pub(super) fn line(&mut self, at: (f32, f32), face: Face, size: f32, ink: Ink, text: &str) {
        let text = self.faces.settable(face, text);
        self.mark(Mark::Text { x: at.0, y: at.1, face, size, ink, text });
    }

    /// Text in lines that are no wider than `width`; a word that is, is cut.
    pub(super) fn wrapped(&self, face: Face, size: f32, text: &str, width: f32) -> Vec<String> {
        let mut lines = Vec::new();
        for paragraph in text.lines() {
            let paragraph = self.faces.settable(face, paragraph);
            let mut line = String::new();
            for word in paragraph.split_whitespace() {
                let joined = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
                if self.faces.width(face, size, &joined) <= width {
                    line = joined;
                    continue;
                }
                if !line.is_empty() {
                    lines.push(std::mem::take(&mut line));
                }
                for sign in word.chars() {
                    line.push(sign);
                    if self.faces.width(face, size, &line) > width && line.chars().count() > 1 {
                        line.pop();
                        lines.push(std::mem::replace(&mut line, sign.to_string()));
                    }
                }
            }
            lines.push(line);
        }
        if lines.is_empty() {
            lines.push(String::new());
        }
        lines
    }

    /// A title of a section, with room for what begins below it.
    pub(super) fn section(&mut self, title: &str) {
        self.need(64.0);
        self.y += 14.0;
        self.line((MARGIN, self.y + 10.0), Face::Strong, 11.0, BLACK, title);
        self.y += 16.0;
        let y = self.y;
        self.mark(Mark::Line { from: (MARGIN, y), to: (MARGIN + WIDTH, y), ink: PALE });
        self.y += 6.0;
    }

    /// Text over the whole width.
    pub(super) fn paragraph(&mut self, face: Face, size: f32, ink: Ink, text: &str) {
        for line in self.wrapped(face, size, text, WIDTH) {
            self.need(size * LEADING);
            self.line((MARGIN, self.y + size), face, size, ink, &line);
            self.y += size * LEADING;
        }
    }

    /// A name and a value beside it.
    pub(super) fn pair(&mut self, name: &str, value: &str) {
        self.pair_in(Face::Plain, name, value);
    }

    /// A name and a value in a face of its own.
    pub(super) fn pair_in(&mut self, face: Face, name: &str, value: &str) {
        const NAMES: f32 = 120.0;
        let value = if value.is_empty() { "None" } else { value };
        let names = self.wrapped(Face::Plain, TEXT, name, NAMES - 8.0);
        let values = self.wrapped(face, TEXT, value, WIDTH - NAMES);
        for index in 0..names.len().max(values.len()) {
            self.need(TEXT * LEADING);
            let y = self.y + TEXT;
            if let Some(name) = names.get(index) {
                self.line((MARGIN, y), Face::Plain, TEXT, GREY, name);
            }
            if let Some(value) = values.get(index) {
                self.line((MARGIN + NAMES, y), face, TEXT, BLACK, value);
            }
            self.y += TEXT * LEADING;
        }
        self.y += 2.0;
    }

    /// A table; its head stands again on each sheet. `swatch` gives the ground that the first column of a row has.
    pub(super) fn table(
        &mut self,
        columns: &[Column<'_>],
        rows: &[Vec<String>],
        swatch: impl Fn(usize) -> Option<(Ink, Hatch)>,
    ) {
        const GAP: f32 = 8.0;
        let whole: f32 = columns.iter().map(|column| column.part).sum();
        let widths: Vec<f32> = columns.iter().map(|column| column.part / whole * WIDTH).collect();
        self.head(columns, &widths);
        for (index, row) in rows.iter().enumerate() {
            let cells: Vec<Vec<String>> = columns
                .iter()
                .zip(&widths)
                .zip(row)
                .map(|((column, width), text)| self.wrapped(column.face, TEXT, text, width - GAP))
                .collect();
            let mut line = 0;
            let most = cells.iter().map(Vec::len).max().unwrap_or(0);
            #[allow(clippy::cast_precision_loss, reason = "a few lines")]
            let height = most as f32 * TEXT * LEADING;
            if self.need(height.min(200.0) + 4.0) {
                self.head(columns, &widths);
            }
            if let Some((ink, hatch)) = swatch(index) {
                let area = Area { left: MARGIN, top: self.y + 1.5, width: 18.0, height: 8.5 };
                self.mark(Mark::Fill { area, ink });
                self.mark(Mark::Hatched { area, hatch, ink: ink_on(ink) });
            }
            while line < most {
                if self.need(TEXT * LEADING) {
                    self.head(columns, &widths);
                }
                let mut left = MARGIN;
                for ((cell, column), width) in cells.iter().zip(columns).zip(&widths) {
                    if let Some(text) = cell.get(line).filter(|text| !text.is_empty()) {
                        self.line((left, self.y + TEXT), column.face, TEXT, BLACK, text);
                    }
                    left += width;
                }
                self.y += TEXT * LEADING;
                line += 1;
            }
            self.y += 3.0;
        }
        self.y += 2.0;
    }

    fn head(&mut self, columns: &[Column<'_>], widths: &[f32]) {
        self.need(28.0);
        let mut left = MARGIN;
        for (column, width) in columns.iter().zip(widths) {
            self.line((left, self.y + SMALL), Face::Strong, SMALL, GREY, column.title);
            left += width;
        }
        self.y += SMALL * LEADING + 3.0;
    }
}

/// Black or white, whichever stands out more.
pub(super) fn ink_on([red, green, blue]: Ink) -> Ink {
    let light = 299 * u32::from(red) + 587 * u32::from(green) + 114 * u32::from(blue);
    if light > 140_000 { [0, 0, 0] } else { [255, 255, 255] }
}
