//! The buffer of a profile as a table: the fields of all rows in one list, borrowed from the bytes that came.
//!
//! A month of half hours is ten thousand values. As a tree ([`Data`]) each row and each stamp is an allocation of its
//! own; here there is none, and a field is made into a value when somebody asks for it.

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

/// Where a row begins in the list of fields.
#[derive(Clone, Copy, Debug)]
struct Place {
    start: u32,
    is_structure: bool,
}

/// One row.
#[derive(Clone, Copy, Debug)]
pub struct TableRow<'t, 'a> {
    /// Its fields.
    pub fields: &'t [Field<'a>],
    /// Whether it came as a structure, or an array; a single value otherwise.
    pub is_structure: bool,
}

/// The rows of a buffer.
#[derive(Clone, Debug, Default)]
pub struct Table<'a> {
    fields: Vec<Field<'a>>,
    places: Vec<Place>,
    /// How many bytes the value took.
    pub used: usize,
    /// Rows that the array promised and did not hold (`facts/dlms-quirks.md`, 57).
    pub missing: usize,
}

const NULL: u8 = 0;
const ARRAY: u8 = 1;
const STRUCTURE: u8 = 2;
const COMPACT_ARRAY: u8 = 19;
const DONT_CARE: u8 = 255;

impl<'a> Table<'a> {
    /// Reads a buffer: an array of structures, one of single values, or a compact array of either. Nothing where the
    /// value is no list.
    ///
    /// # Errors
    /// As [`Data::decode`]; also a compact array whose rows hold arrays or structures, which is to be unfolded first
    /// ([`unfolded`]).
    pub fn decode(bytes: &'a [u8]) -> Result<Option<Self>, DataError> {
        let mut reader = Reader::new(bytes);
        let mut table = match reader.peek() {
            Some(ARRAY | STRUCTURE) => Self::rows_of(&mut reader)?,
            Some(COMPACT_ARRAY) => Self::compact(&mut reader)?,
            _ => return Ok(None),
        };
        table.used = reader.offset();
        Ok(Some(table))
    }

    fn rows_of(reader: &mut Reader<'a>) -> Result<Self, DataError> {
        reader.u8()?;
        let count = reader.length()?;
        let mut table = Self::default();
        while table.places.len() < count && !reader.is_empty() {
            if matches!(reader.peek(), Some(STRUCTURE | ARRAY)) {
                reader.u8()?;
                let width = reader.length()?;
                // Rows are alike: the first one tells how much there will be, the bytes what there can be at most.
                if table.places.is_empty() {
                    table.fields.reserve(width.saturating_mul(count).min(reader.rest().len()));
                    table.places.reserve(count.min(reader.rest().len()));
                }
                table.begin_row(true);
                for _ in 0..width {
                    let field = Field::read(reader)?;
                    table.fields.push(field);
                }
            } else {
                table.begin_row(false);
                let field = Field::read(reader)?;
                table.fields.push(field);
            }
        }
        table.missing = count - table.places.len();
        Ok(table)
    }

    fn compact(reader: &mut Reader<'a>) -> Result<Self, DataError> {
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
        let mut inner = Reader::new(contents);
        let mut table = Self::default();
        while !inner.is_empty() {
            let before = inner.offset();
            table.begin_row(is_structure);
            for tag in &tags {
                let field = Field::contents(&mut inner, *tag)?;
                table.fields.push(field);
            }
            if inner.offset() == before {
                return inner.fail("the elements of a compact array take no bytes");
            }
        }
        Ok(table)
    }

    fn begin_row(&mut self, is_structure: bool) {
        // A buffer holds less than 16 MiB, so less fields than that.
        let start = u32::try_from(self.fields.len()).unwrap_or(u32::MAX);
        self.places.push(Place { start, is_structure });
    }

    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The rows, as they came.
    pub fn rows(&self) -> impl Iterator<Item = TableRow<'_, 'a>> {
        let ends = self.places.iter().skip(1).map(|place| place.start as usize).chain([self.fields.len()]);
        self.places.iter().zip(ends).map(|(place, end)| TableRow {
            fields: self.fields.get(place.start as usize..end).unwrap_or_default(),
            is_structure: place.is_structure,
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

impl<'a> Field<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, DataError> {
        match reader.peek() {
            Some(tag @ (ARRAY | STRUCTURE | COMPACT_ARRAY)) => {
                // It stands in a row of a list.
                let start = reader.offset();
                let length = value_length(reader.rest()).map_err(|error| error.after(start))?;
                Ok(Self { tag, bytes: reader.take(length)? })
            }
            _ => {
                let tag = reader.u8()?;
                Self::contents(reader, tag)
            }
        }
    }

    fn contents(reader: &mut Reader<'a>, tag: u8) -> Result<Self, DataError> {
        let start = reader.offset();
        let width = match tag {
            6 | 5 => 4,
            16 | 18 => 2,
            9 | 10 | 12 => {
                return Ok(Self { tag, bytes: reader.octets()? });
            }
            NULL | DONT_CARE => 0,
            3 | 13 | 15 | 17 | 22 | 28 | 31 => 1,
            29 | 32 => 2,
            23 | 27 | 30 | 33 => 4,
            26 => 5,
            20 | 21 | 24 => 8,
            25 => 12,
            4 => {
                // The length in bits belongs to the value.
                let mut ahead = reader.clone();
                let bits = ahead.length()?;
                ahead.take(bits.div_ceil(8))?;
                ahead.offset() - start
            }
            _ => {
                let offset = start.saturating_sub(1);
                return Err(DataError { offset, reason: format!("{tag} is no type of data") });
            }
        };
        Ok(Self { tag, bytes: reader.take(width)? })
    }

    /// Null-data or don't-care: the meter gave nothing.
    #[must_use]
    pub const fn is_nothing(&self) -> bool {
        matches!(self.tag, NULL | DONT_CARE)
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
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::protocol::dlms::test_support::any_data;

    /// The rows of a tree, as `Table` would give them.
    fn rows_of(value: &Data) -> Option<Vec<Vec<Data>>> {
        let row = |row: &Data| match row {
            Data::Structure(fields) | Data::Array(fields) => fields.clone(),
            single => vec![single.clone()],
        };
        value.elements().map(|rows| rows.iter().map(row).collect())
    }

    fn table_rows(bytes: &[u8]) -> Option<Vec<Vec<Data>>> {
        let table = Table::decode(bytes).unwrap()?;
        Some(table.rows().map(|row| row.fields.iter().map(|field| field.data().unwrap()).collect()).collect())
    }

    #[test]
    fn an_array_that_ends_too_soon_gives_the_rows_that_came() {
        let bytes = [1, 3, 2, 1, 17, 5, 2, 1, 17, 6];
        let table = Table::decode(&bytes).unwrap().unwrap();
        assert_eq!((table.len(), table.missing, table.used), (2, 1, bytes.len()));
    }

    #[test]
    fn a_compact_array_of_structures_gives_the_same_rows_as_the_array() {
        let rows = vec![
            Data::Structure(vec![Data::Octets(vec![1; 12]), Data::U32(7), Data::I8(-1)]),
            Data::Structure(vec![Data::Octets(vec![2; 12]), Data::U32(8), Data::I8(-2)]),
        ];
        let element = TypeDescription::Structure([9, 6, 15].map(TypeDescription::Simple).to_vec());
        let compact = Data::CompactArray { element, values: rows.clone() }.to_bytes();
        assert_eq!(table_rows(&compact), table_rows(&Data::Array(rows).to_bytes()));
    }

    #[test]
    fn a_compact_array_with_structures_in_its_rows_is_unfolded() {
        let inner = Data::Structure(vec![Data::U8(3), Data::U8(4)]);
        let rows = vec![Data::Structure(vec![Data::U16(1), inner])];
        let two = TypeDescription::Structure([17, 17].map(TypeDescription::Simple).to_vec());
        let element = TypeDescription::Structure(vec![TypeDescription::Simple(18), two]);
        let compact = Data::CompactArray { element, values: rows.clone() }.to_bytes();
        assert!(Table::decode(&compact).is_err());
        let unfolded = unfolded(&compact).unwrap().unwrap();
        assert_eq!(table_rows(&unfolded), table_rows(&Data::Array(rows).to_bytes()));
    }

    proptest! {
        #[test]
        fn a_table_holds_what_the_tree_holds(value in any_data()) {
            let bytes = value.to_bytes();
            match &value {
                Data::CompactArray { .. } => {}
                _ => prop_assert_eq!(table_rows(&bytes), rows_of(&value)),
            }
        }

        #[test]
        fn no_bytes_break_a_table(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(Some(table)) = Table::decode(&bytes) {
                prop_assert!(table.used <= bytes.len());
                for row in table.rows() {
                    for field in row.fields {
                        let _value = (field.data(), field.integer(), field.delta(), field.date_time());
                    }
                }
            }
            let _unfolded = unfolded(&bytes);
        }

        #[test]
        fn a_fields_number_is_the_values_number(value in any_data()) {
            let bytes = Data::Array(vec![Data::Structure(vec![value.clone()])]).to_bytes();
            let table = Table::decode(&bytes).unwrap().unwrap();
            let row = table.rows().next().unwrap();
            let field = row.fields[0];
            if !matches!(value, Data::Bool(_)) {
                prop_assert_eq!(field.integer(), value.integer());
            }
            prop_assert_eq!(field.is_nothing(), matches!(value, Data::Null | Data::DontCare));
        }
    }
}
