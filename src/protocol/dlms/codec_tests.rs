use proptest::prelude::*;

use super::codec::value_length;
use super::test_support::{any_data, hex};
use super::{BitString, CosemDate, CosemDateTime, CosemTime, Data, TypeDescription};

fn decoded(text: &str) -> Data {
    let bytes = hex(text);
    let (value, used) = Data::decode(&bytes).unwrap();
    assert_eq!(used, bytes.len(), "{text}");
    assert_eq!(value.to_bytes(), bytes, "{text}");
    value
}

fn reason(text: &str) -> (usize, String) {
    let error = Data::decode(&hex(text)).unwrap_err();
    (error.offset, error.reason)
}

#[test]
fn every_type_of_the_standard_has_its_tag_and_its_bytes() {
    // IEC 62056-62, 4.1.5 and IEC 61334-6, written out by hand.
    for (text, value) in [
        ("00", Data::Null),
        ("01 02 11 01 11 02", Data::Array(vec![Data::U8(1), Data::U8(2)])),
        ("02 02 16 05 0F FE", Data::Structure(vec![Data::Enum(5), Data::I8(-2)])),
        ("03 01", Data::Bool(true)),
        ("04 0A FF C0", Data::BitString(BitString { len: 10, bytes: vec![0xFF, 0xC0] })),
        ("05 FF FF FF FE", Data::I32(-2)),
        ("06 01 02 03 04", Data::U32(0x0102_0304)),
        ("09 02 AA BB", Data::Octets(vec![0xAA, 0xBB])),
        ("0A 03 41 42 43", Data::Visible(b"ABC".to_vec())),
        ("0C 02 C3 A9", Data::Utf8("é".as_bytes().to_vec())),
        ("0D 42", Data::Bcd(0x42)),
        ("10 80 00", Data::I16(i16::MIN)),
        ("12 12 34", Data::U16(0x1234)),
        ("14 FF FF FF FF FF FF FF FF", Data::I64(-1)),
        ("15 00 00 00 00 00 00 01 00", Data::U64(256)),
        ("17 3F 80 00 00", Data::F32(1.0)),
        ("18 BF F0 00 00 00 00 00 00", Data::F64(-1.0)),
        (
            "19 07 EA 0B 16 07 0F 32 17 00 FF C4 00",
            Data::DateTime(CosemDateTime(hex("07EA0B16070F321700FFC400").try_into().unwrap())),
        ),
        ("1A 07 EA 0B 16 07", Data::Date(CosemDate([7, 0xEA, 11, 22, 7]))),
        ("1B 0F 32 17 00", Data::Time(CosemTime([15, 50, 23, 0]))),
        ("1C FF", Data::DeltaSigned(8, -1)),
        ("1D FF FE", Data::DeltaSigned(16, -2)),
        ("1E FF FF FF FD", Data::DeltaSigned(32, -3)),
        ("1F FF", Data::DeltaUnsigned(8, 255)),
        ("20 01 00", Data::DeltaUnsigned(16, 256)),
        ("21 00 00 01 01", Data::DeltaUnsigned(32, 257)),
        ("FF", Data::DontCare),
    ] {
        assert_eq!(decoded(text), value, "{text}");
    }
}

#[test]
fn a_compact_array_gives_its_elements_their_types_back() {
    let value = decoded("13  02 03 12 06 01 00 02 0F  10  0001 00000002 FFFE  0003 00000004 0506");
    let row = |a, b, c, d| {
        Data::Structure(vec![Data::U16(a), Data::U32(b), Data::Array(vec![Data::I8(c), Data::I8(d)])])
    };
    let description = TypeDescription::Structure(vec![
        TypeDescription::Simple(18),
        TypeDescription::Simple(6),
        TypeDescription::Array(2, Box::new(TypeDescription::Simple(15))),
    ]);
    assert_eq!(
        value,
        Data::CompactArray { element: description, values: vec![row(1, 2, -1, -2), row(3, 4, 5, 6)] }
    );
}

#[test]
fn an_error_names_the_offset_and_what_is_wrong() {
    assert_eq!(reason("02 02 11 05 77"), (4, "119 is no type of data".to_owned()));
    assert_eq!(reason("06 01 02"), (1, "4 bytes are due, 2 are left".to_owned()));
    assert_eq!(reason(""), (0, "1 bytes are due, 0 are left".to_owned()));
}

#[test]
fn a_count_of_four_thousand_million_elements_costs_nothing() {
    for text in
        ["01 84 FF FF FF FF 00", "09 84 FF FF FF FF 00", "04 84 FF FF FF FF 00", "13 11 84 FF FF FF FF 00"]
    {
        assert!(Data::decode(&hex(text)).is_err(), "{text}");
        assert!(value_length(&hex(text)).is_err(), "{text}");
    }
}

#[test]
fn nesting_ends_at_32_levels() {
    let nested = |levels: usize| [[1u8, 1].repeat(levels), vec![0]].concat();
    assert!(Data::decode(&nested(32)).is_ok() && value_length(&nested(32)).is_ok());
    assert!(Data::decode(&nested(33)).is_err() && value_length(&nested(33)).is_err());
    assert!(Data::decode(&nested(100_000)).is_err());
    let described = [vec![0x13u8], [1u8, 0, 1].repeat(100_000), vec![0, 1, 0]].concat();
    assert!(Data::decode(&described).is_err());
}

#[test]
fn a_compact_array_of_nothing_cannot_make_many_values_out_of_few_bytes() {
    // Elements without bytes, and 65,535 times 65,535 of them beside one byte.
    for text in ["13 00 01 00", "13 02 02 11 01 FF FF 01 FF FF 00 01 00"] {
        assert!(Data::decode(&hex(text)).is_err(), "{text}");
    }
}

#[test]
fn a_tree_of_many_million_values_is_refused_before_it_fills_the_memory() {
    let nothing = [&[1u8, 0x84, 0, 0x60, 0, 0][..], &vec![0; 0x60_0000]].concat();
    assert!(Data::decode(&nothing).is_err());
    assert_eq!(value_length(&nothing).unwrap(), nothing.len());
}

#[test]
fn bytes_after_a_value_are_left_to_the_caller() {
    // facts/dlms-quirks.md, line 52: a clock sent twice.
    let (value, used) = Data::decode(&hex("11 05 11 05")).unwrap();
    assert_eq!((value, used), (Data::U8(5), 2));
}

#[test]
fn an_array_that_promises_more_than_it_holds_gives_what_came() {
    // facts/dlms-quirks.md, line 57.
    assert!(Data::decode(&hex("01 05 11 01 11 02")).is_err());
    let lenient = Data::decode_lenient(&hex("01 05 11 01 11 02")).unwrap();
    assert_eq!(lenient.value, Data::Array(vec![Data::U8(1), Data::U8(2)]));
    assert_eq!((lenient.used, lenient.missing), (6, 3));
    assert!(Data::decode_lenient(&hex("01 05 11 01 12 02")).is_err(), "an element cut in its middle");
    assert_eq!(Data::decode_lenient(&hex("11 07")).unwrap().missing, 0);
}

proptest! {
    #[test]
    fn every_value_survives_the_way_to_bytes_and_back(value in any_data()) {
        let bytes = value.to_bytes();
        prop_assert_eq!(value_length(&bytes).unwrap(), bytes.len());
        prop_assert_eq!(&Data::decode_lenient(&bytes).unwrap().value, &value);
        prop_assert_eq!(Data::decode(&bytes).unwrap(), (value, bytes.len()));
    }

    #[test]
    fn random_bytes_never_panic_and_both_readers_agree_on_the_length(
        bytes in prop::collection::vec(prop_oneof![0u8..34, any::<u8>()], 0..200),
    ) {
        if let Ok((value, used)) = Data::decode(&bytes) {
            prop_assert_eq!(value_length(&bytes).unwrap(), used);
            let written = value.to_bytes();
            let (again, length) = Data::decode(&written).unwrap();
            prop_assert_eq!(length, written.len());
            prop_assert_eq!(again.to_bytes(), written);
        }
        let _ = Data::decode_lenient(&bytes);
    }
}
