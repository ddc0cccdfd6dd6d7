//! A table in a text file: how its characters, columns and decimals are written, and its cells.

/// The largest file that is read: a hundred thousand meters fit easily.
pub const LARGEST_FILE: u64 = 64 << 20;
/// How much of a file is looked at to find out how it is written.
const LOOKED_AT: usize = 256 << 10;
/// Rows that are looked at for its separator.
const ROWS_LOOKED_AT: usize = 50;

/// How characters are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// UTF-8, with or without a byte-order mark.
    Utf8,
    /// UTF-16, little end first: Excel's *Unicode text*.
    Utf16Le,
    /// UTF-16, big end first.
    Utf16Be,
    /// Windows-1252, which Latin-1 is part of.
    Windows1252,
}

impl Encoding {
    /// All of them, with their names.
    pub const ALL: [(Self, &'static str); 4] = [
        (Self::Utf8, "UTF-8"),
        (Self::Utf16Le, "UTF-16 LE"),
        (Self::Utf16Be, "UTF-16 BE"),
        (Self::Windows1252, "Windows-1252"),
    ];
}

/// What stands between two cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Separator {
    /// `,`
    Comma,
    /// `;`
    Semicolon,
    /// A tabulator.
    Tab,
    /// `|`
    Bar,
}

impl Separator {
    /// All of them, with their names.
    pub const ALL: [(Self, &'static str); 4] = [
        (Self::Comma, "Comma ,"),
        (Self::Semicolon, "Semicolon ;"),
        (Self::Tab, "Tabulator"),
        (Self::Bar, "Bar |"),
    ];

    /// As an octet.
    #[must_use]
    pub const fn octet(self) -> u8 {
        match self {
            Self::Comma => b',',
            Self::Semicolon => b';',
            Self::Tab => b'\t',
            Self::Bar => b'|',
        }
    }
}

/// What stands before the decimals of a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum DecimalSign {
    /// `.`
    #[default]
    Point,
    /// `,`
    Comma,
}

impl DecimalSign {
    /// Both, with their names.
    pub const ALL: [(Self, &'static str); 2] = [(Self::Point, "Point 0.5"), (Self::Comma, "Comma 0,5")];
}

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Style {
    /// Its characters.
    pub encoding: Encoding,
    /// Its columns.
    pub separator: Separator,
    /// Its decimals.
    pub decimal: DecimalSign,
}

impl Default for Style {
    fn default() -> Self {
        Self { encoding: Encoding::Utf8, separator: Separator::Comma, decimal: DecimalSign::Point }
    }
}

/// A row with where it stands in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SheetRow {
    /// The line of the file in which it begins; the header's is 1.
    pub line: u64,
    /// Its cells, as they stand there.
    pub cells: Vec<String>,
}

/// The cells of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sheet {
    /// The first row.
    pub header: Vec<String>,
    /// All others but empty ones.
    pub rows: Vec<SheetRow>,
}

/// The octets 0x80 to 0x9F of Windows-1252; those that stand for nothing are the control characters of Latin-1.
const C1: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8D}', 'Ž', '\u{8F}', '\u{90}',
    '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9D}', 'ž', 'Ÿ',
];

fn windows_1252(octet: u8) -> char {
    match octet {
        0x80..=0x9F => C1.get(usize::from(octet - 0x80)).copied().unwrap_or(char::REPLACEMENT_CHARACTER),
        other => char::from(other),
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, String> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let units = pairs.iter().map(|pair| unit(*pair));
    let text: Result<String, _> = char::decode_utf16(units).collect();
    match (text, rest) {
        (Ok(text), []) => Ok(text),
        _ => Err("it is not UTF-16: choose another encoding".to_owned()),
    }
}

fn decode(bytes: &[u8], encoding: Encoding) -> Result<String, String> {
    let text = match encoding {
        Encoding::Utf8 => match std::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(error) => {
                let line =
                    bytes.iter().take(error.valid_up_to()).filter(|octet| **octet == b'\n').count() + 1;
                return Err(format!("it is not UTF-8 (line {line}): choose another encoding"));
            }
        },
        Encoding::Utf16Le => utf16(bytes, u16::from_le_bytes)?,
        Encoding::Utf16Be => utf16(bytes, u16::from_be_bytes)?,
        Encoding::Windows1252 => bytes.iter().map(|octet| windows_1252(*octet)).collect(),
    };
    Ok(text.strip_prefix('\u{FEFF}').map(str::to_owned).unwrap_or(text))
}

fn encoding_of(bytes: &[u8]) -> Encoding {
    match bytes {
        [0xEF, 0xBB, 0xBF, ..] => return Encoding::Utf8,
        [0xFF, 0xFE, ..] => return Encoding::Utf16Le,
        [0xFE, 0xFF, ..] => return Encoding::Utf16Be,
        _ => {}
    }
    let start = bytes.get(..bytes.len().min(LOOKED_AT)).unwrap_or(bytes);
    // Text that is mostly ASCII has a nought in every other octet.
    let noughts = |odd: usize| start.iter().skip(odd).step_by(2).filter(|octet| **octet == 0).count();
    let (even, odd) = (noughts(0), noughts(1));
    if odd * 4 > start.len() {
        Encoding::Utf16Le
    } else if even * 4 > start.len() {
        Encoding::Utf16Be
    } else if std::str::from_utf8(bytes).is_ok() {
        Encoding::Utf8
    } else {
        Encoding::Windows1252
    }
}

fn table(text: &str, separator: Separator) -> csv::Reader<&[u8]> {
    csv::ReaderBuilder::new()
        .delimiter(separator.octet())
        .flexible(true)
        .has_headers(false)
        .from_reader(text.as_bytes())
}

/// The separator by which most rows have as many cells as the header, and more than one.
fn separator_of(text: &str) -> Separator {
    let fit = |separator: Separator| {
        let mut rows = table(text, separator).into_records().take(ROWS_LOOKED_AT).filter_map(Result::ok);
        let columns = rows.next().map_or(0, |header| header.len());
        let (all, same) = rows
            .fold((0usize, 0usize), |(all, same), row| (all + 1, same + usize::from(row.len() == columns)));
        let share = (same * 1000).checked_div(all).unwrap_or(1000);
        if columns > 1 { (share, columns) } else { (0, 0) }
    };
    let mut best = (Separator::Comma, (0, 0));
    for (separator, _) in Separator::ALL {
        let found = fit(separator);
        if found > best.1 {
            best = (separator, found);
        }
    }
    best.0
}

/// Whether a cell is a number, or a ratio of numbers, with this sign before its decimals.
fn has_decimals(cell: &str, sign: char) -> bool {
    let mut digits_before = false;
    let mut chars = cell.trim().chars().peekable();
    let is_plain = cell.trim().chars().all(|c| c.is_ascii_digit() || c == sign || c == '/' || c == ':');
    while let Some(c) = chars.next() {
        if c == sign && digits_before && chars.peek().is_some_and(char::is_ascii_digit) {
            return is_plain && cell.matches(sign).count() <= 2;
        }
        digits_before = c.is_ascii_digit();
    }
    false
}

fn decimal_of(text: &str, separator: Separator) -> DecimalSign {
    if separator == Separator::Comma {
        return DecimalSign::Point;
    }
    let cells: Vec<csv::StringRecord> =
        table(text, separator).into_records().take(ROWS_LOOKED_AT).filter_map(Result::ok).collect();
    let count = |sign: char| {
        cells.iter().flat_map(csv::StringRecord::iter).filter(|cell| has_decimals(cell, sign)).count()
    };
    if count(',') > count('.') { DecimalSign::Comma } else { DecimalSign::Point }
}

/// The line in which a record begins: the reader stands before the rest of the line end and before empty lines.
fn line_of(text: &str, position: &csv::Position) -> u64 {
    let start = usize::try_from(position.byte()).unwrap_or(usize::MAX);
    let before = text.as_bytes().get(start..).unwrap_or_default();
    let ends = before.iter().take_while(|octet| matches!(octet, b'\r' | b'\n'));
    position.line() + ends.filter(|octet| **octet == b'\n').count() as u64
}

impl Style {
    /// How a file looks to be written.
    #[must_use]
    pub fn detect(bytes: &[u8]) -> Self {
        let encoding = encoding_of(bytes);
        // A pair of octets is not torn apart.
        let start = bytes.get(..bytes.len().min(LOOKED_AT)).unwrap_or(bytes);
        let start = if encoding == Encoding::Utf8 {
            String::from_utf8_lossy(start).into_owned()
        } else {
            decode(start, encoding).unwrap_or_default()
        };
        let start = start.trim_start_matches('\u{FEFF}');
        let separator = separator_of(start);
        Self { encoding, separator, decimal: decimal_of(start, separator) }
    }
}

impl Sheet {
    /// The cells of a file that is written in this way.
    ///
    /// # Errors
    /// It is not written so, or is too large, or there is nothing in it.
    pub fn read(bytes: &[u8], style: Style) -> Result<Self, String> {
        if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > LARGEST_FILE {
            return Err(format!("the file is larger than {} MiB", LARGEST_FILE >> 20));
        }
        let text = decode(bytes, style.encoding)?;
        let mut sheet = Self::default();
        let mut is_first = true;
        for record in table(&text, style.separator).into_records() {
            let record = record.map_err(|error| error.to_string())?;
            let line = record.position().map_or(0, |position| line_of(&text, position));
            let cells: Vec<String> = record.iter().map(str::to_owned).collect();
            if std::mem::take(&mut is_first) {
                sheet.header = cells.iter().map(|cell| cell.trim().to_owned()).collect();
            } else if cells.iter().any(|cell| !cell.trim().is_empty()) {
                sheet.rows.push(SheetRow { line, cells });
            }
        }
        if sheet.header.iter().all(String::is_empty) {
            return Err("there is no header in its first row".to_owned());
        }
        Ok(sheet)
    }
}
