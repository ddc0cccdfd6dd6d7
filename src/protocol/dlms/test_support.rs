//! What the tests of this layer share.

use proptest::prelude::*;

pub(crate) use crate::protocol::link::scripted::hex;

use super::data::{BitString, Data, TypeDescription};
use super::time::{CosemDate, CosemDateTime, CosemTime};

fn simple() -> impl Strategy<Value = Data> {
    let bytes = || prop::collection::vec(any::<u8>(), 0..140);
    prop_oneof![
        Just(Data::Null),
        Just(Data::DontCare),
        any::<bool>().prop_map(Data::Bool),
        bytes().prop_map(|bytes| Data::BitString(BitString { len: bytes.len() * 8, bytes })),
        any::<i32>().prop_map(Data::I32),
        any::<u32>().prop_map(Data::U32),
        bytes().prop_map(Data::Octets),
        bytes().prop_map(Data::Visible),
        bytes().prop_map(Data::Utf8),
        any::<u8>().prop_map(Data::Bcd),
        any::<i8>().prop_map(Data::I8),
        any::<i16>().prop_map(Data::I16),
        any::<u8>().prop_map(Data::U8),
        any::<u16>().prop_map(Data::U16),
        any::<i64>().prop_map(Data::I64),
        any::<u64>().prop_map(Data::U64),
        any::<u8>().prop_map(Data::Enum),
        (-1e30f32..1e30).prop_map(Data::F32),
        (-1e300f64..1e300).prop_map(Data::F64),
        any::<[u8; 12]>().prop_map(|bytes| Data::DateTime(CosemDateTime(bytes))),
        any::<[u8; 5]>().prop_map(|bytes| Data::Date(CosemDate(bytes))),
        any::<[u8; 4]>().prop_map(|bytes| Data::Time(CosemTime(bytes))),
        any::<i8>().prop_map(|n| Data::DeltaSigned(8, n.into())),
        any::<i16>().prop_map(|n| Data::DeltaSigned(16, n.into())),
        any::<i32>().prop_map(|n| Data::DeltaSigned(32, n)),
        any::<u8>().prop_map(|n| Data::DeltaUnsigned(8, n.into())),
        any::<u16>().prop_map(|n| Data::DeltaUnsigned(16, n.into())),
        any::<u32>().prop_map(|n| Data::DeltaUnsigned(32, n)),
    ]
}

fn compact() -> impl Strategy<Value = Data> {
    let row = |(stamp, value, text): (u32, i16, Vec<u8>)| {
        let pair = Data::Array(vec![Data::I16(value), Data::I16(value / 2)]);
        Data::Structure(vec![Data::U32(stamp), pair, Data::Null, Data::Octets(text)])
    };
    let rows = (any::<u32>(), any::<i16>(), prop::collection::vec(any::<u8>(), 0..5)).prop_map(row);
    prop::collection::vec(rows, 0..9).prop_map(|values| Data::CompactArray {
        element: TypeDescription::Structure(vec![
            TypeDescription::Simple(6),
            TypeDescription::Array(2, Box::new(TypeDescription::Simple(16))),
            TypeDescription::Simple(0),
            TypeDescription::Simple(9),
        ]),
        values,
    })
}

/// Any value, nested a few levels.
pub(crate) fn any_data() -> impl Strategy<Value = Data> {
    prop_oneof![4 => simple(), 1 => compact()].prop_recursive(4, 40, 6, |inner| {
        let values = prop::collection::vec(inner, 0..6);
        prop_oneof![values.clone().prop_map(Data::Array), values.prop_map(Data::Structure)]
    })
}
