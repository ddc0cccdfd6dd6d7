//! DLMS/COSEM (IEC 62056-53 and -62): data, APDUs, associations, ciphering, block transfer.

pub mod apdu;
pub mod association;
mod axdr;
mod codec;
pub mod data;
mod reference;
pub mod security;
pub mod table;
pub mod tariff;
pub mod time;

pub use apdu::{Apdu, Conformance};
pub use association::{
    Answer, Association, AssociationConfig, CounterError, CounterStore, DlmsError, Negotiated, Notification,
};
pub use codec::Lenient;
pub use data::{BitString, Data, DataAccessResult, DataError, TypeDescription};
pub use reference::{AttributeRef, MethodRef, Selective};
pub use table::Table;
pub use time::{CosemDate, CosemDateTime, CosemTime};

#[cfg(test)]
mod codec_tests;
#[cfg(test)]
mod test_support;
