//! A-XDR data to and from bytes.

use super::axdr::{Reader, put_length, put_octets};
use super::data::{BitString, Data, DataError, TypeDescription};
use super::time::{CosemDate, CosemDateTime, CosemTime};

/// Deepest nesting of arrays and structures that is read.
const DEPTH_MAX: u8 = 32;

/// Most values that one tree holds: a quarter of a gigabyte where a meter means harm, years of a load profile where
/// it does not.
const VALUES_MAX: usize = 4 << 20;

/// A value that was read leniently.
#[derive(Clone, Debug, PartialEq)]
pub struct Lenient {
    /// The value.
    pub value: Data,
    /// How many bytes it took; what follows is the caller's affair.
    pub used: usize,
    /// Elements that the outermost array promised and did not hold.
    pub missing: usize,
}

/// Reads values and keeps an account of them: elements of compact arrays can take no bytes at all, so their number
/// is bounded by what came and not by what a count claims.
struct Decoder<'a> {
    reader: Reader<'a>,
    left: usize,
}

impl<'a> Decoder<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        let left = bytes.len().saturating_mul(4).saturating_add(256).min(VALUES_MAX);
        Self { reader: Reader::new(bytes), left }
    }

    fn value(&mut self, depth: u8) -> Result<Data, DataError> {
        let tag = self.reader.u8()?;
        match tag {
            1 => self.elements(depth).map(Data::Array),
            2 => self.elements(depth).map(Data::Structure),
            19 => self.compact(depth),
            _ => self.simple(tag, 1),
        }
    }

    fn elements(&mut self, depth: u8) -> Result<Vec<Data>, DataError> {
        let depth = self.deeper(depth)?;
        let count = self.reader.length()?;
        let mut values = Vec::with_capacity(count.min(self.reader.rest().len()).min(64));
        for _ in 0..count {
            values.push(self.value(depth)?);
        }
        Ok(values)
    }

    fn deeper(&self, depth: u8) -> Result<u8, DataError> {
        if depth >= DEPTH_MAX {
            return self.reader.fail(format!("nested more than {DEPTH_MAX} deep"));
        }
        Ok(depth + 1)
    }

    /// A value without its tag; `back` is how far the tag lies behind, for the error.
    fn simple(&mut self, tag: u8, back: usize) -> Result<Data, DataError> {
        self.account()?;
        let reader = &mut self.reader;
        Ok(match tag {
            0 => Data::Null,
            3 => Data::Bool(reader.u8()? != 0),
            4 => {
                let len = reader.length()?;
                Data::BitString(BitString { len, bytes: reader.take(len.div_ceil(8))?.to_vec() })
            }
            5 => Data::I32(i32::from_be_bytes(reader.array()?)),
            6 => Data::U32(reader.u32()?),
            9 => Data::Octets(reader.octets()?.to_vec()),
            10 => Data::Visible(reader.octets()?.to_vec()),
            12 => Data::Utf8(reader.octets()?.to_vec()),
            13 => Data::Bcd(reader.u8()?),
            15 => Data::I8(i8::from_be_bytes(reader.array()?)),
            16 => Data::I16(i16::from_be_bytes(reader.array()?)),
            17 => Data::U8(reader.u8()?),
            18 => Data::U16(reader.u16()?),
            20 => Data::I64(i64::from_be_bytes(reader.array()?)),
            21 => Data::U64(u64::from_be_bytes(reader.array()?)),
            22 => Data::Enum(reader.u8()?),
            23 => Data::F32(f32::from_be_bytes(reader.array()?)),
            24 => Data::F64(f64::from_be_bytes(reader.array()?)),
            25 => Data::DateTime(CosemDateTime(reader.array()?)),
            26 => Data::Date(CosemDate(reader.array()?)),
            27 => Data::Time(CosemTime(reader.array()?)),
            28 => Data::DeltaSigned(8, i8::from_be_bytes(reader.array()?).into()),
            29 => Data::DeltaSigned(16, i16::from_be_bytes(reader.array()?).into()),
            30 => Data::DeltaSigned(32, i32::from_be_bytes(reader.array()?)),
            31 => Data::DeltaUnsigned(8, reader.u8()?.into()),
            32 => Data::DeltaUnsigned(16, reader.u16()?.into()),
            33 => Data::DeltaUnsigned(32, reader.u32()?),
            255 => Data::DontCare,
            _ => {
                let offset = reader.offset() - back;
                return Err(DataError { offset, reason: format!("{tag} is no type of data") });
            }
        })
    }

    fn compact(&mut self, depth: u8) -> Result<Data, DataError> {
        let depth = self.deeper(depth)?;
        let element = self.description(depth)?;
        let length = self.reader.length()?;
        let end = self.reader.offset().saturating_add(length);
        if length > self.reader.rest().len() {
            return self
                .reader
                .fail(format!("{length} bytes are due, {} are left", self.reader.rest().len()));
        }
        let mut values = Vec::new();
        while self.reader.offset() < end {
            let before = self.reader.offset();
            values.push(self.described(&element)?);
            if self.reader.offset() == before {
                return self.reader.fail("the elements of a compact array take no bytes");
            }
        }
        if self.reader.offset() > end {
            return self.reader.fail("the last element of a compact array is longer than its contents");
        }
        Ok(Data::CompactArray { element, values })
    }

    fn description(&mut self, depth: u8) -> Result<TypeDescription, DataError> {
        let reader = &mut self.reader;
        Ok(match reader.u8()? {
            1 => {
                let count = reader.u16()?;
                let depth = self.deeper(depth)?;
                TypeDescription::Array(count, Box::new(self.description(depth)?))
            }
            2 => {
                let count = reader.length()?;
                let depth = self.deeper(depth)?;
                let mut fields = Vec::new();
                for _ in 0..count {
                    fields.push(self.description(depth)?);
                }
                TypeDescription::Structure(fields)
            }
            tag => TypeDescription::Simple(tag),
        })
    }

    /// One element of a compact array. The depth was bounded when the description was read.
    fn described(&mut self, element: &TypeDescription) -> Result<Data, DataError> {
        match element {
            TypeDescription::Simple(tag) => self.simple(*tag, 0),
            TypeDescription::Array(count, element) => {
                let mut values = Vec::new();
                for _ in 0..*count {
                    values.push(self.described(element)?);
                }
                self.account().map(|()| Data::Array(values))
            }
            TypeDescription::Structure(fields) => {
                let mut values = Vec::new();
                for field in fields {
                    values.push(self.described(field)?);
                }
                self.account().map(|()| Data::Structure(values))
            }
        }
    }

    fn account(&mut self) -> Result<(), DataError> {
        match self.left.checked_sub(1) {
            Some(left) => self.left = left,
            None => return self.reader.fail("more values than the bytes can hold, or than are read at once"),
        }
        Ok(())
    }
}

impl Data {
    /// Reads one value from the front of `bytes`; gives it and how many bytes it took. Nothing is allocated on a
    /// length field's word alone.
    ///
    /// # Errors
    /// The bytes end too soon, a tag is unknown, or the nesting is deeper than 32.
    pub fn decode(bytes: &[u8]) -> Result<(Self, usize), DataError> {
        let mut decoder = Decoder::new(bytes);
        let value = decoder.value(0)?;
        Ok((value, decoder.reader.offset()))
    }

    /// Reads like [`Data::decode`], but where the outermost value is an array and the bytes end after one of its
    /// elements too soon, gives those that came (`facts/dlms-quirks.md`, 57).
    ///
    /// # Errors
    /// As [`Data::decode`], also where an element is cut in its middle.
    pub fn decode_lenient(bytes: &[u8]) -> Result<Lenient, DataError> {
        let mut decoder = Decoder::new(bytes);
        if decoder.reader.peek() != Some(1) {
            return Self::decode(bytes).map(|(value, used)| Lenient { value, used, missing: 0 });
        }
        decoder.reader.u8()?;
        let count = decoder.reader.length()?;
        let mut values = Vec::new();
        while values.len() < count && !decoder.reader.is_empty() {
            values.push(decoder.value(1)?);
        }
        let missing = count - values.len();
        Ok(Lenient { value: Self::Array(values), used: decoder.reader.offset(), missing })
    }

    /// Reads the value that stands next.
    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DataError> {
        let start = reader.offset();
        let (value, used) = Self::decode(reader.rest()).map_err(|error| error.after(start))?;
        reader.take(used)?;
        Ok(value)
    }

    /// Appends the value with its tag.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.tag());
        match self {
            Self::Array(values) | Self::Structure(values) => {
                put_length(out, values.len());
                for value in values {
                    value.encode(out);
                }
            }
            Self::CompactArray { element, values } => {
                element.encode(out);
                let mut contents = Vec::new();
                for value in values {
                    value.encode_bare(&mut contents);
                }
                put_octets(out, &contents);
            }
            _ => self.encode_bare(out),
        }
    }

    /// The value with its tag, as bytes of its own.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.encode(&mut out);
        out
    }

    /// The tag that stands in front of the value.
    #[must_use]
    pub const fn tag(&self) -> u8 {
        match self {
            Self::Null => 0,
            Self::Array(_) => 1,
            Self::Structure(_) => 2,
            Self::Bool(_) => 3,
            Self::BitString(_) => 4,
            Self::I32(_) => 5,
            Self::U32(_) => 6,
            Self::Octets(_) => 9,
            Self::Visible(_) => 10,
            Self::Utf8(_) => 12,
            Self::Bcd(_) => 13,
            Self::I8(_) => 15,
            Self::I16(_) => 16,
            Self::U8(_) => 17,
            Self::U16(_) => 18,
            Self::CompactArray { .. } => 19,
            Self::I64(_) => 20,
            Self::U64(_) => 21,
            Self::Enum(_) => 22,
            Self::F32(_) => 23,
            Self::F64(_) => 24,
            Self::DateTime(_) => 25,
            Self::Date(_) => 26,
            Self::Time(_) => 27,
            Self::DeltaSigned(8, _) => 28,
            Self::DeltaSigned(16, _) => 29,
            Self::DeltaSigned(..) => 30,
            Self::DeltaUnsigned(8, _) => 31,
            Self::DeltaUnsigned(16, _) => 32,
            Self::DeltaUnsigned(..) => 33,
            Self::DontCare => 255,
        }
    }

    /// The value as in a compact array: no tags, no counts of arrays and structures.
    fn encode_bare(&self, out: &mut Vec<u8>) {
        match self {
            Self::Null | Self::DontCare => {}
            Self::Array(values) | Self::Structure(values) => {
                for value in values {
                    value.encode_bare(out);
                }
            }
            // A compact array inside a compact array has no form of its own; its description stands for itself.
            Self::CompactArray { .. } => self.encode(out),
            Self::Bool(flag) => out.push(u8::from(*flag)),
            Self::BitString(bits) => {
                put_length(out, bits.len);
                out.extend(bits.bytes.iter().chain(std::iter::repeat(&0)).take(bits.len.div_ceil(8)));
            }
            Self::I32(n) => out.extend(n.to_be_bytes()),
            Self::U32(n) => out.extend(n.to_be_bytes()),
            Self::Octets(bytes) | Self::Visible(bytes) | Self::Utf8(bytes) => put_octets(out, bytes),
            Self::Bcd(n) | Self::U8(n) | Self::Enum(n) => out.push(*n),
            Self::I8(n) => out.extend(n.to_be_bytes()),
            Self::I16(n) => out.extend(n.to_be_bytes()),
            Self::U16(n) => out.extend(n.to_be_bytes()),
            Self::I64(n) => out.extend(n.to_be_bytes()),
            Self::U64(n) => out.extend(n.to_be_bytes()),
            Self::F32(n) => out.extend(n.to_be_bytes()),
            Self::F64(n) => out.extend(n.to_be_bytes()),
            Self::DateTime(stamp) => out.extend(stamp.0),
            Self::Date(date) => out.extend(date.0),
            Self::Time(time) => out.extend(time.0),
            Self::DeltaSigned(bits, n) => put_low(out, *bits, n.to_be_bytes()),
            Self::DeltaUnsigned(bits, n) => put_low(out, *bits, n.to_be_bytes()),
        }
    }
}

/// Appends the lowest 8, 16 or 32 bits.
fn put_low(out: &mut Vec<u8>, bits: u8, bytes: [u8; 4]) {
    let skip = match bits {
        8 => 3,
        16 => 2,
        _ => 0,
    };
    out.extend(bytes.iter().skip(skip));
}

impl TypeDescription {
    /// Reads a description from the front of `bytes`; gives it and how many bytes it took.
    ///
    /// # Errors
    /// The bytes end too soon, or it is nested too deep.
    pub(crate) fn decode(bytes: &[u8]) -> Result<(Self, usize), DataError> {
        let mut decoder = Decoder::new(bytes);
        let description = decoder.description(1)?;
        Ok((description, decoder.reader.offset()))
    }

    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Simple(tag) => out.push(*tag),
            Self::Array(count, element) => {
                out.push(1);
                out.extend(count.to_be_bytes());
                element.encode(out);
            }
            Self::Structure(fields) => {
                out.push(2);
                put_length(out, fields.len());
                for field in fields {
                    field.encode(out);
                }
            }
        }
    }
}

/// Length in bytes of the value at the front of `bytes`, without building it.
///
/// # Errors
/// As [`Data::decode`].
pub(crate) fn value_length(bytes: &[u8]) -> Result<usize, DataError> {
    // A stack of elements still due at each level keeps this free of recursion and of allocation.
    let mut reader = Reader::new(bytes);
    let mut due = [0usize; DEPTH_MAX as usize + 1];
    let mut level = 0usize;
    due[0] = 1;
    loop {
        while due.get(level) == Some(&0) {
            let Some(up) = level.checked_sub(1) else { return Ok(reader.offset()) };
            level = up;
        }
        if let Some(count) = due.get_mut(level) {
            *count -= 1;
        }
        match reader.peek() {
            Some(1 | 2) => {
                reader.u8()?;
                let count = reader.length()?;
                level += 1;
                match due.get_mut(level) {
                    Some(slot) => *slot = count,
                    None => return reader.fail(format!("nested more than {DEPTH_MAX} deep")),
                }
            }
            Some(19) => {
                reader.u8()?;
                let mut decoder = Decoder { reader: reader.clone(), left: 0 };
                decoder.description(1)?;
                reader = decoder.reader;
                reader.octets()?;
            }
            _ => skip_simple(&mut reader)?,
        }
    }
}

fn skip_simple(reader: &mut Reader<'_>) -> Result<(), DataError> {
    let width = match reader.u8()? {
        0 | 255 => 0,
        3 | 13 | 15 | 17 | 22 | 28 | 31 => 1,
        16 | 18 | 29 | 32 => 2,
        5 | 6 | 23 | 27 | 30 | 33 => 4,
        26 => 5,
        20 | 21 | 24 => 8,
        25 => 12,
        4 => reader.length()?.div_ceil(8),
        9 | 10 | 12 => reader.length()?,
        tag => {
            return Err(DataError {
                offset: reader.offset() - 1,
                reason: format!("{tag} is no type of data"),
            });
        }
    };
    reader.take(width).map(|_| ())
}
