//! COSEM values as indented lines.

use crate::model::{self, Obis};
use crate::protocol::dlms::{Data, TypeDescription};

/// Most lines of one value.
const MOST_LINES: usize = 400;
/// Most octets shown of a string.
const MOST_OCTETS: usize = 96;

/// The lines of a value.
pub(super) fn lines(value: &Data) -> Vec<String> {
    let mut lines = Vec::new();
    put(value, 0, &mut lines);
    lines
}

fn put(value: &Data, depth: usize, lines: &mut Vec<String>) {
    if lines.len() == MOST_LINES {
        lines.push("…".to_owned());
    }
    if lines.len() > MOST_LINES {
        return;
    }
    let indent = "  ".repeat(depth);
    lines.push(format!("{indent}{}", one_line(value)));
    for element in value.elements().unwrap_or_default() {
        put(element, depth + 1, lines);
    }
}

/// A value in one line; of an array or structure its size.
pub(super) fn one_line(value: &Data) -> String {
    match value {
        Data::Null => "null".to_owned(),
        Data::Array(all) => format!("array of {}", all.len()),
        Data::Structure(all) => format!("structure of {}", all.len()),
        Data::CompactArray { element, values } => {
            format!("compact array of {}, each {}", values.len(), type_words(element))
        }
        Data::Bool(flag) => format!("boolean {flag}"),
        Data::BitString(bits) => format!("bit string of {}: {}", bits.len, hex(&bits.bytes)),
        Data::I8(n) => format!("integer {n}"),
        Data::I16(n) => format!("long {n}"),
        Data::I32(n) => format!("double-long {n}"),
        Data::I64(n) => format!("long64 {n}"),
        Data::U8(n) => format!("unsigned {n}"),
        Data::U16(n) => format!("long-unsigned {n}"),
        Data::U32(n) => format!("double-long-unsigned {n}"),
        Data::U64(n) => format!("long64-unsigned {n}"),
        Data::Bcd(n) => format!("BCD {n:02X}"),
        Data::Enum(n) => format!("enum {n}"),
        Data::F32(n) => format!("float {n}"),
        Data::F64(n) => format!("double float {n}"),
        Data::Octets(octets) => octet_words(value, octets),
        Data::Visible(octets) => format!("visible string \"{}\"", text(octets)),
        Data::Utf8(octets) => format!("UTF-8 string \"{}\"", text(octets)),
        Data::DateTime(_) => format!("date-time {}", stamp_words(value).unwrap_or_default()),
        Data::Date(date) => format!("date {}", hex(&date.0)),
        Data::Time(time) => format!("time {}", hex(&time.0)),
        Data::DeltaSigned(bits, n) => format!("delta {n} in {bits} bits"),
        Data::DeltaUnsigned(bits, n) => format!("delta {n} in {bits} bits"),
        Data::DontCare => "don't care".to_owned(),
    }
}

fn octet_words(value: &Data, octets: &[u8]) -> String {
    let mut words = format!("octet string of {}: {}", octets.len(), hex(octets));
    if let Ok(groups) = <[u8; 6]>::try_from(octets) {
        words.push_str(&format!(" ({})", Obis(groups)));
    } else if let Some(stamp) = stamp_words(value) {
        words.push_str(&format!(" ({stamp})"));
    } else if octets.len() >= 3 && octets.iter().all(|octet| matches!(octet, 0x20..=0x7E)) {
        words.push_str(&format!(" (\"{}\")", text(octets)));
    }
    words
}

/// A stamp as the meter wrote it; nothing where its fields make no time.
fn stamp_words(value: &Data) -> Option<String> {
    let stamp = value.date_time()?.stamp()?;
    let deviation = match stamp.deviation_minutes {
        Some(minutes) => format!(", deviation {minutes} min"),
        None => ", no deviation".to_owned(),
    };
    let status = stamp.clock_status.map(|status| format!(", status {status:02X}h")).unwrap_or_default();
    Some(format!("{}{deviation}{status}", stamp.local))
}

fn text(octets: &[u8]) -> String {
    let text = String::from_utf8_lossy(octets.get(..MOST_OCTETS).unwrap_or(octets)).into_owned();
    let plain = text.chars().map(|letter| if letter.is_control() { '·' } else { letter }).collect();
    if octets.len() > MOST_OCTETS { format!("{plain}…") } else { plain }
}

/// Octets as hex without spaces, shortened.
pub(super) fn hex(octets: &[u8]) -> String {
    let shown = octets.get(..MOST_OCTETS).unwrap_or(octets);
    let more = if octets.len() > MOST_OCTETS { "…" } else { "" };
    model::hex(shown) + more
}

fn type_words(kind: &TypeDescription) -> String {
    match kind {
        TypeDescription::Simple(tag) => format!("of type {tag}"),
        TypeDescription::Array(count, _) => format!("an array of {count}"),
        TypeDescription::Structure(fields) => format!("a structure of {}", fields.len()),
    }
}
