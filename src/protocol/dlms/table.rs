//! The buffer of a profile as a table: the fields of all rows in one list, borrowed from the bytes that came.
//!
//! A month of half hours is ten thousand values. As a tree ([`Data`]) each row and each stamp is an allocation of its
//! own; here there is none, and a field is made into a value when somebody asks for it.
//!
//! Rows are alike: tags, counts and lengths stand in the same places. A row is taken apart field by field; those that
//! follow are laid over it (a mould), and as long as all that is not contents agrees they have their fields where it
//! has its own. The first that differs is taken apart again.

use std::ops::Range;

use super::axdr::Reader;
use super::codec::value_length;
use super::data::{Data, DataError, TypeDescription};
use super::time::CosemDateTime;

/// One field of a row, as it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    /// Its type (the tags of [`Data`]).
    tag: u8,
    /// Its contents without tag and length; the whole encoding where it is an array or a structure.
    bytes: &'a [u8],
}

/// Where a field lies: eight bytes, so that a month's table stays small.
#[derive(Clone, Copy, Debug)]
struct Slot {
    start: u32,
    /// The tag in the highest byte, the length below it.
    tag_and_length: u32,
}

/// Rows of one shape that follow one another.
#[derive(Clone, Copy, Debug)]
struct Run {
    /// Where the fields of its first row begin in the list of fields.
    first: usize,
    /// Fields of a row.
    width: usize,
    rows: usize,
    /// Octets of a row.
    stride: usize,
    is_structure: bool,
}

/// What a row looks like beside its contents.
#[derive(Debug, Default)]
struct Mould<'a> {
    /// The row that was taken apart; nothing where its like cannot be told by their octets.
    row: &'a [u8],
    /// All bits where an octet says how the row is built, none where it is contents.
    mask: Vec<u8>,
}

/// One row.
#[derive(Clone, Copy, Debug)]
pub struct TableRow<'t, 'a> {
    bytes: &'a [u8],
    slots: &'t [Slot],
    /// How far behind the slots its fields lie.
    shift: usize,
    /// Whether it came as a structure, or an array; a single value otherwise.
    pub is_structure: bool,
}

/// The rows of a buffer.
#[derive(Clone, Debug, Default)]
pub struct Table<'a> {
    bytes: &'a [u8],
    /// The fields of the first row of each run.
    slots: Vec<Slot>,
    runs: Vec<Run>,
    rows: usize,
    /// How many bytes the value took.
    pub used: usize,
    /// Rows that the array promised and did not hold (`facts/dlms-quirks.md`, 57).
    pub missing: usize,
}

const NULL: u8 = 0;
const ARRAY: u8 = 1;
const STRUCTURE: u8 = 2;
const BITS: u8 = 4;
const COMPACT_ARRAY: u8 = 19;
const DONT_CARE: u8 = 255;

/// Longest contents of a field.
const LENGTH_MAX: usize = (1 << 24) - 1;

/// How the length of a field follows from its tag.
#[derive(Clone, Copy)]
enum Width {
    /// Always so many bytes.
    Fixed(u8),
    /// A length in bytes stands in front.
    Bytes,
    /// A length in bits stands in front.
    Bits,
    /// Values within.
    Nested,
    /// There is no such type.
    None,
}

const fn width_of(tag: u8) -> Width {
    match tag {
        NULL | DONT_CARE => Width::Fixed(0),
        3 | 13 | 15 | 17 | 22 | 28 | 31 => Width::Fixed(1),
        16 | 18 | 29 | 32 => Width::Fixed(2),
        5 | 6 | 23 | 27 | 30 | 33 => Width::Fixed(4),
        26 => Width::Fixed(5),
        20 | 21 | 24 => Width::Fixed(8),
        25 => Width::Fixed(12),
        9 | 10 | 12 => Width::Bytes,
        BITS => Width::Bits,
        ARRAY | STRUCTURE | COMPACT_ARRAY => Width::Nested,
        _ => Width::None,
    }
}

const WIDTHS: [Width; 256] = {
    let mut widths = [Width::None; 256];
    let mut tag = 0;
    while tag < 256 {
        widths[tag] = width_of(tag as u8);
        tag += 1;
    }
    widths
};

impl Slot {
    /// A value that begins with its tag.
    fn read(reader: &mut Reader<'_>) -> Result<Self, DataError> {
        let tag = reader.u8()?;
        Self::contents(reader, tag, 1)
    }

    /// A value whose tag lies `back` bytes behind, or stood in a description (0).
    fn contents(reader: &mut Reader<'_>, tag: u8, back: usize) -> Result<Self, DataError> {
        let start = reader.offset();
        let (start, length) = match WIDTHS[usize::from(tag)] {
            Width::Fixed(width) => (start, usize::from(width)),
            Width::Bytes => {
                let length = reader.length()?;
                (reader.offset(), length)
            }
            Width::Bits => {
                let mut ahead = reader.clone();
                let bytes = ahead.length()?.div_ceil(8);
                (start, ahead.offset() - start + bytes)
            }
            Width::Nested if back == 1 => {
                // Its tag belongs to it: it stood there a moment ago.
                let begin = start - 1;
                let length = value_length(reader.behind(1)).map_err(|error| error.after(begin))?;
                reader.take(length.saturating_sub(1))?;
                return Self::new(tag, begin, length);
            }
            Width::Nested | Width::None => {
                return Err(DataError { offset: start - back, reason: format!("{tag} is no type of data") });
            }
        };
        reader.take(length)?;
        Self::new(tag, start, length)
    }

    fn new(tag: u8, start: usize, length: usize) -> Result<Self, DataError> {
        match (u32::try_from(start), u32::try_from(length)) {
            (Ok(start), Ok(short)) if length <= LENGTH_MAX => {
                Ok(Self { start, tag_and_length: u32::from(tag) << 24 | short })
            }
            _ => Err(DataError { offset: start, reason: "a field of 16 MiB or more".to_owned() }),
        }
    }

    /// The same, where its bytes begin `base` bytes into others.
    fn after(self, base: usize) -> Result<Self, DataError> {
        match u32::try_from(base).ok().and_then(|base| self.start.checked_add(base)) {
            Some(start) => Ok(Self { start, ..self }),
            None => Err(DataError { offset: base, reason: "a buffer of 4 GiB or more".to_owned() }),
        }
    }

    const fn tag(&self) -> u8 {
        let [tag, ..] = self.tag_and_length.to_be_bytes();
        tag
    }

    /// Where its contents lie, in a row so far behind the one that it was read in.
    const fn range(&self, shift: usize) -> Range<usize> {
        let start = self.start as usize + shift;
        start..start + (self.tag_and_length & LENGTH_MAX as u32) as usize
    }

    fn field<'a>(&self, bytes: &'a [u8], shift: usize) -> Field<'a> {
        // A slot is made only of bytes that were there.
        Field { tag: self.tag(), bytes: bytes.get(self.range(shift)).unwrap_or_default() }
    }
}

impl<'a> Mould<'a> {
    /// Takes the shape of a row that begins at `start` of all bytes.
    fn cast(&mut self, row: &'a [u8], start: usize, slots: &[Slot]) {
        self.mask.clear();
        self.mask.resize(row.len(), u8::MAX);
        self.row = row;
        for slot in slots {
            let Range { start: from, end } = slot.range(0);
            let mut contents = from.saturating_sub(start)..end.saturating_sub(start);
            let length = row.get(contents.start).copied().unwrap_or_default();
            match WIDTHS[usize::from(slot.tag())] {
                // The number of bits stands in front of them; in one octet, or in a form that nobody needs.
                Width::Bits if length < 0x80 => contents.start += 1,
                // What is within may be built otherwise next time.
                Width::Bits | Width::Nested => {
                    self.row = &[];
                    return;
                }
                Width::Fixed(_) | Width::Bytes | Width::None => {}
            }
            if let Some(mask) = self.mask.get_mut(contents) {
                mask.fill(0);
            }
        }
    }

    /// How many of the rows at the front of these bytes look the same, up to `most`.
    fn alike(&self, bytes: &[u8], most: usize) -> usize {
        if self.row.is_empty() {
            return 0;
        }
        let is_alike = |row: &&[u8]| {
            let differing =
                row.iter().zip(self.row).zip(&self.mask).map(|((one, other), mask)| (one ^ other) & mask);
            differing.fold(0, |all, one| all | one) == 0
        };
        bytes.chunks_exact(self.row.len()).take(most).take_while(is_alike).count()
    }
}

impl<'a> TableRow<'_, 'a> {
    /// How many fields it has.
    #[must_use]
    pub const fn width(&self) -> usize {
        self.slots.len()
    }

    /// Its fields in order.
    pub fn fields(&self) -> impl Iterator<Item = Field<'a>> {
        let (bytes, shift) = (self.bytes, self.shift);
        self.slots.iter().map(move |slot| slot.field(bytes, shift))
    }

    /// The field at a place, from 0.
    #[must_use]
    pub fn field(&self, place: usize) -> Option<Field<'a>> {
        self.slots.get(place).map(|slot| slot.field(self.bytes, self.shift))
    }
}

impl<'a> Table<'a> {
    /// Reads a buffer: an array of structures, one of single values, or a compact array of either. Nothing where the
    /// value is no list.
    ///
    /// # Errors
    /// As [`Data::decode`]; also a compact array whose rows hold arrays or structures, which is to be unfolded first
    /// ([`unfolded`]).
    pub fn decode(bytes: &'a [u8]) -> Result<Option<Self>, DataError> {
        let mut reader = Reader::new(bytes);
        let mut table = Self { bytes, ..Self::default() };
        match reader.peek() {
            Some(ARRAY | STRUCTURE) => table.read_rows(&mut reader)?,
            Some(COMPACT_ARRAY) => table.read_compact(&mut reader)?,
            _ => return Ok(None),
        }
        table.used = reader.offset();
        Ok(Some(table))
    }

    fn read_rows(&mut self, reader: &mut Reader<'a>) -> Result<(), DataError> {
        reader.u8()?;
        let count = reader.length()?;
        let mut mould = Mould::default();
        while self.rows < count && !reader.is_empty() {
            let (first, start) = (self.slots.len(), reader.offset());
            let is_structure = matches!(reader.peek(), Some(STRUCTURE | ARRAY));
            if is_structure {
                reader.u8()?;
            }
            let width = if is_structure { reader.length()? } else { 1 };
            for _ in 0..width {
                self.slots.push(Slot::read(reader)?);
            }
            let (width, stride) = (self.slots.len() - first, reader.offset() - start);
            let run = Run { first, width, rows: 1, stride, is_structure };
            let most = count - self.rows - 1;
            let taken = self.end_row(run, start, &mut mould, reader.rest(), most);
            reader.take(taken)?;
        }
        self.missing = count - self.rows;
        Ok(())
    }

    fn read_compact(&mut self, reader: &mut Reader<'a>) -> Result<(), DataError> {
        reader.u8()?;
        let (element, used) = TypeDescription::decode(reader.rest())?;
        reader.take(used)?;
        let (tags, is_structure) = match element {
            TypeDescription::Simple(tag) => (vec![tag], false),
            TypeDescription::Structure(fields) => {
                let simple = |field: TypeDescription| match field {
                    TypeDescription::Simple(tag) => Some(tag),
                    TypeDescription::Array(..) | TypeDescription::Structure(_) => None,
                };
                match fields.into_iter().map(simple).collect::<Option<Vec<u8>>>() {
                    Some(tags) => (tags, true),
                    None => return reader.fail("the rows hold arrays or structures"),
                }
            }
            TypeDescription::Array(..) => return reader.fail("the rows are arrays"),
        };
        let contents = reader.octets()?;
        let base = reader.offset() - contents.len();
        let mut inner = Reader::new(contents);
        let mut mould = Mould::default();
        while !inner.is_empty() {
            let (first, before) = (self.slots.len(), inner.offset());
            for tag in &tags {
                let slot = Slot::contents(&mut inner, *tag, 0).map_err(|error| error.after(base))?;
                self.slots.push(slot.after(base)?);
            }
            if inner.offset() == before {
                return inner.fail("the elements of a compact array take no bytes");
            }
            let (width, stride) = (self.slots.len() - first, inner.offset() - before);
            let run = Run { first, width, rows: 1, stride, is_structure };
            let taken = self.end_row(run, base + before, &mut mould, inner.rest(), usize::MAX);
            inner.take(taken)?;
        }
        Ok(())
    }

    /// Ends a row that was taken apart and began at `start` of all bytes. Those at the front of `rest` that look like it
    /// come with it, up to `most`; gives how many bytes these take.
    fn end_row(&mut self, run: Run, start: usize, mould: &mut Mould<'a>, rest: &[u8], most: usize) -> usize {
        let row = self.bytes.get(start..start + run.stride).unwrap_or_default();
        mould.cast(row, start, self.slots.get(run.first..).unwrap_or_default());
        let alike = mould.alike(rest, most);
        self.rows += 1 + alike;
        self.runs.push(Run { rows: 1 + alike, ..run });
        alike * run.stride
    }

    /// How many rows there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.rows
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// The rows, as they came.
    pub fn rows(&self) -> impl Iterator<Item = TableRow<'_, 'a>> {
        self.runs.iter().flat_map(|run| {
            let Run { first, width, rows, stride, is_structure } = *run;
            let slots = self.slots.get(first..first + width).unwrap_or_default();
            let bytes = self.bytes;
            (0..rows).map(move |place| TableRow { bytes, slots, shift: place * stride, is_structure })
        })
    }
}

/// The same buffer as an array of structures, for a compact array whose rows hold arrays or structures; nothing for
/// any other.
///
/// # Errors
/// As [`Data::decode`].
pub fn unfolded(bytes: &[u8]) -> Result<Option<Vec<u8>>, DataError> {
    if bytes.first() != Some(&COMPACT_ARRAY) {
        return Ok(None);
    }
    let (TypeDescription::Simple(_), _) = TypeDescription::decode(bytes.get(1..).unwrap_or_default())? else {
        return Ok(match Data::decode(bytes)?.0 {
            Data::CompactArray { values, .. } => Some(Data::Array(values).to_bytes()),
            _ => None,
        });
    };
    Ok(None)
}

impl Field<'_> {
    /// Null-data or don't-care: the meter gave nothing.
    #[must_use]
    pub const fn is_nothing(&self) -> bool {
        matches!(self.tag, NULL | DONT_CARE)
    }

    /// Nothing, or a string without contents.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.is_nothing() || matches!((self.tag, self.bytes), (9 | 10 | 12, []) | (BITS, [0]))
    }

    /// A whole number, enum included; not a bool, a delta or a BCD byte.
    #[must_use]
    pub fn integer(&self) -> Option<i128> {
        Some(match (self.tag, self.bytes) {
            (6, [a, b, c, d]) => u32::from_be_bytes([*a, *b, *c, *d]).into(),
            (18, [a, b]) => u16::from_be_bytes([*a, *b]).into(),
            (17 | 22, [a]) => (*a).into(),
            (5, [a, b, c, d]) => i32::from_be_bytes([*a, *b, *c, *d]).into(),
            (16, [a, b]) => i16::from_be_bytes([*a, *b]).into(),
            (15, [a]) => a.cast_signed().into(),
            (20, bytes) => i64::from_be_bytes(bytes.try_into().ok()?).into(),
            (21, bytes) => u64::from_be_bytes(bytes.try_into().ok()?).into(),
            _ => return None,
        })
    }

    /// What is added to the value before it.
    #[must_use]
    pub fn delta(&self) -> Option<i128> {
        Some(match (self.tag, self.bytes) {
            (28, [a]) => a.cast_signed().into(),
            (29, [a, b]) => i16::from_be_bytes([*a, *b]).into(),
            (30, [a, b, c, d]) => i32::from_be_bytes([*a, *b, *c, *d]).into(),
            (31, [a]) => (*a).into(),
            (32, [a, b]) => u16::from_be_bytes([*a, *b]).into(),
            (33, [a, b, c, d]) => u32::from_be_bytes([*a, *b, *c, *d]).into(),
            _ => return None,
        })
    }

    /// A stamp of twelve octets.
    #[must_use]
    pub fn date_time(&self) -> Option<CosemDateTime> {
        match self.tag {
            9 | 25 => self.bytes.try_into().ok().map(CosemDateTime),
            _ => None,
        }
    }

    /// The field as a value; nothing where it is nested in a way that no value is.
    #[must_use]
    pub fn data(&self) -> Option<Data> {
        if matches!(self.tag, ARRAY | STRUCTURE | COMPACT_ARRAY) {
            return Data::decode(self.bytes).ok().map(|(value, _)| value);
        }
        Some(match self.tag {
            NULL => Data::Null,
            DONT_CARE => Data::DontCare,
            9 => Data::Octets(self.bytes.to_vec()),
            10 => Data::Visible(self.bytes.to_vec()),
            12 => Data::Utf8(self.bytes.to_vec()),
            tag => {
                let mut whole = Vec::with_capacity(1 + self.bytes.len());
                whole.push(tag);
                whole.extend_from_slice(self.bytes);
                return Data::decode(&whole).ok().map(|(value, _)| value);
            }
        })
    }
}

#[cfg(test)]
mod tests;
