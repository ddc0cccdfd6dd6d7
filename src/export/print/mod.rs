//! A scheme on paper, for a signature: A4, every register, every switching time, what the checks found.
//!
//! ```text
//! Document ─ scheme, tariff ─ flow ─ sheets of marks ─ pdf, faces ─ octets
//! ```
//!
//! The layout knows nothing of the file's format, and is what the tests look at. Colours never speak alone: each
//! register has a hatch too, and every switching time stands in words below its strip. The fonts ship with the
//! program, and the same scheme printed at the same second gives the same octets.

mod faces;
mod flow;
mod pdf;
mod scheme;
mod tariff;
#[cfg(test)]
mod tests;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use sha2::{Digest, Sha256};

use crate::model::lower_hex;
use crate::scheme::{Document, Problem};

use faces::{Face, Faces};
use flow::{Flow, GREY, MARGIN, Mark, PALE, SHEET, SMALL, WIDTH};

/// Why there is no print: the program's own fonts are damaged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the scheme cannot be printed: {0}")]
pub struct PrintError(pub(in crate::export) String);

/// Prints a scheme.
///
/// `problems` are what the checks found, `file` is the scheme file whose SHA-256 stands on the first sheet (for a
/// scheme that is not saved, what `scheme::write` gives). Gives the octets of a PDF.
///
/// # Errors
/// The fonts that ship with the program cannot be read.
pub fn print(
    document: &Document,
    problems: &[Problem],
    file: &[u8],
    printed_at: Timestamp,
) -> Result<Vec<u8>, PrintError> {
    let faces = Faces::shipped()?;
    let sheets = sheets(&faces, document, problems, file, printed_at);
    let title = format!("{}: {}", document.identity, document.title);
    pdf::write(&faces, &sheets, &pdf::About { title: &title, at: printed_at })
}

fn sheets(
    faces: &Faces,
    document: &Document,
    problems: &[Problem],
    file: &[u8],
    printed_at: Timestamp,
) -> Vec<Vec<Mark>> {
    let mut flow = Flow::new(faces);
    let hash = lower_hex(&Sha256::digest(file));
    let zone = TimeZone::get(&document.time_zone).unwrap_or(TimeZone::UTC);
    let stamp = printed_at.to_zoned(zone).strftime("%Y-%m-%d %H:%M:%S %:z").to_string();
    scheme::whole(&mut flow, document, problems, &hash, &stamp);
    let short: String = hash.chars().take(16).collect();
    number(&mut flow, &format!("{}  ·  SHA-256 {short}…  ·  {stamp}", document.identity));
    flow.sheets
}

/// Writes the foot of each sheet: what it belongs to, and `2 of 5`.
fn number(flow: &mut Flow<'_>, what: &str) {
    let count = flow.sheets.len();
    let y = SHEET.1 - MARGIN;
    let what = flow.wrapped(Face::Plain, SMALL, what, WIDTH - 60.0).into_iter().next().unwrap_or_default();
    let faces = flow.faces;
    for (index, sheet) in flow.sheets.iter_mut().enumerate() {
        let text = format!("{} of {count}", index + 1);
        let x = MARGIN + WIDTH - faces.width(Face::Plain, SMALL, &text);
        let mark =
            |x: f32, text: String| Mark::Text { x, y, face: Face::Plain, size: SMALL, ink: GREY, text };
        sheet.push(Mark::Line { from: (MARGIN, y - 12.0), to: (MARGIN + WIDTH, y - 12.0), ink: PALE });
        sheet.push(mark(MARGIN, what.clone()));
        sheet.push(mark(x, text));
    }
}
