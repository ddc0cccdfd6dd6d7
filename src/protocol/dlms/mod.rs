//! DLMS/COSEM (IEC 62056-53 and -62): data, APDUs, associations, ciphering, block transfer.

pub mod association;
pub mod data;
pub mod time;

pub use association::{
    Association, AssociationConfig, AttributeRef, CounterError, CounterStore, DlmsError, MethodRef,
    Negotiated, Selective,
};
pub use data::{BitString, Data, DataAccessResult, DataError, TypeDescription};
pub use time::{CosemDate, CosemDateTime, CosemTime};
