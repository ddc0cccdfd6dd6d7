use proptest::prelude::*;

use super::*;
use crate::protocol::dlms::BitString;
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
    Some(table.rows().map(|row| row.fields().map(|field| field.data().unwrap()).collect()).collect())
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

/// Rows of a few shapes, many alike in a row, some of them cut, doubled or with an octet changed.
fn any_buffer() -> impl Strategy<Value = Vec<u8>> {
    let shape = prop_oneof![
        Just(vec![9u8, 6, 18]),
        Just(vec![0, 6, 18]),
        Just(vec![9, 4, 17]),
        Just(vec![10, 2, 6]),
        Just(vec![25, 5, 0]),
    ];
    let field = |tag: u8, seed: u8| match tag {
        9 => Data::Octets(vec![seed; if seed > 250 { 3 } else { 12 }]),
        10 => Data::Visible(vec![b'x'; usize::from(seed % 3)]),
        4 => Data::BitString(BitString { len: if seed > 250 { 5 } else { 8 }, bytes: vec![seed] }),
        2 => Data::Structure(vec![Data::U8(seed), Data::U16(seed.into())]),
        5 => Data::I32(seed.into()),
        6 => Data::U32(seed.into()),
        17 => Data::U8(seed),
        18 => Data::U16(seed.into()),
        25 => Data::DateTime(CosemDateTime([seed; 12])),
        _ => Data::Null,
    };
    let run = (shape, prop::collection::vec(any::<u8>(), 1..12));
    prop::collection::vec(run, 0..6).prop_map(move |runs| {
        let row = |tags: &[u8], seed: u8| Data::Structure(tags.iter().map(|tag| field(*tag, seed)).collect());
        let rows = runs.iter().flat_map(|(tags, seeds)| seeds.iter().map(|seed| row(tags, *seed)));
        Data::Array(rows.collect()).to_bytes()
    })
}

/// What taking every row apart gives: where each field lies, row by row, and how it ends.
fn taken_apart(bytes: &[u8]) -> (Vec<Vec<(u8, Vec<u8>)>>, Option<DataError>) {
    let mut reader = Reader::new(bytes);
    let mut rows = Vec::new();
    let mut body = || {
        reader.u8()?;
        let count = reader.length()?;
        while rows.len() < count && !reader.is_empty() {
            let is_structure = matches!(reader.peek(), Some(STRUCTURE | ARRAY));
            if is_structure {
                reader.u8()?;
            }
            let width = if is_structure { reader.length()? } else { 1 };
            let mut row = Vec::new();
            for _ in 0..width {
                let field = Slot::read(&mut reader)?.field(bytes, 0);
                row.push((field.tag, field.bytes.to_vec()));
            }
            rows.push(row);
        }
        Ok(())
    };
    let failed = body().err();
    (rows, failed)
}

fn is_the_same_as_taken_apart(bytes: &[u8]) {
    let (rows, failed) = taken_apart(bytes);
    match Table::decode(bytes) {
        Ok(Some(table)) => {
            let of = |row: TableRow<'_, '_>| row.fields().map(|one| (one.tag, one.bytes.to_vec())).collect();
            let found: Vec<Vec<(u8, Vec<u8>)>> = table.rows().map(of).collect();
            assert_eq!((found, None, table.len()), (rows.clone(), failed, rows.len()));
        }
        Ok(None) => panic!("an array is a list"),
        Err(error) => assert_eq!(Some(error), failed),
    }
}

#[test]
fn rows_that_look_alike_share_one_shape() {
    let row = |stamp: Data, value| Data::Structure(vec![stamp, Data::U32(value)]);
    let stamped = |value| row(Data::Octets(vec![7; 12]), value);
    let rows = [stamped(1), row(Data::Null, 2), row(Data::Null, 3), row(Data::Null, 4), stamped(5)];
    let bytes = Data::Array(rows.to_vec()).to_bytes();
    let table = Table::decode(&bytes).unwrap().unwrap();
    assert_eq!((table.runs.len(), table.slots.len(), table.len()), (3, 6, 5));
    let values: Vec<i128> = table.rows().map(|row| row.field(1).unwrap().integer().unwrap()).collect();
    assert_eq!(values, [1, 2, 3, 4, 5]);
}

proptest! {
    #[test]
    fn rows_laid_over_another_are_what_they_are_taken_apart(bytes in any_buffer()) {
        is_the_same_as_taken_apart(&bytes);
    }

    #[test]
    fn spoilt_rows_are_found_out(
        bytes in any_buffer(),
        spoilt in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = bytes;
        for (place, octet) in spoilt {
            // The first octet says that it is a list.
            let place = place.index(bytes.len()).max(1);
            if let Some(one) = bytes.get_mut(place) {
                *one = octet;
            }
        }
        bytes.truncate(cut.index(bytes.len()).max(1) + 1);
        is_the_same_as_taken_apart(&bytes);
    }

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
                for field in row.fields() {
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
        let field = row.field(0).unwrap();
        if !matches!(value, Data::Bool(_)) {
            prop_assert_eq!(field.integer(), value.integer());
        }
        prop_assert_eq!(field.is_nothing(), matches!(value, Data::Null | Data::DontCare));
    }
}
