//! The COSEM objects of a virtual meter (IEC 62056-62).
//!
//! An object holds what a client may set; everything measured comes from the [`Record`]. A new
//! class is a type with [`Object`] and a line in `meter.rs`.

mod association;
mod clock;
mod contactor;
mod image;
mod profile;
mod push;
mod quantity;
mod registers;
mod simple;
mod tariff;

use std::fmt;

use crate::model::{Auth, MeterStamp, Obis, ObjectEntry, ScalerUnit};
use crate::protocol::dlms::{CosemDateTime, Data, DataAccessResult, Selective};

use super::quirks::{Quirk, Quirks};
use super::record::Record;
use super::settings::Settings;

pub(crate) use association::{AssociationObject, SecuritySetup};
pub(crate) use clock::Clock;
pub(crate) use contactor::Contactor;
pub(crate) use image::{ImageSchedule, ImageTransfer};
pub(crate) use profile::{Column, Profile, ProfileKind};
pub(crate) use push::{PUSHED, PushSetup};
pub use quantity::Quantity;
pub(crate) use registers::{DemandRegister, ExtendedRegister, LastFailure, Register};
pub(crate) use simple::{DataObject, DataSource, SapAssignment, ScriptTable};
pub(crate) use tariff::{TariffObject, TariffRegister};

/// Data-Access-Result and Action-Result codes that a meter gives.
pub(crate) mod refusal {
    use crate::protocol::dlms::DataAccessResult;

    /// 1.
    pub(crate) const HARDWARE_FAULT: DataAccessResult = DataAccessResult(1);
    /// 2.
    pub(crate) const TEMPORARY_FAILURE: DataAccessResult = DataAccessResult(2);
    /// 3.
    pub(crate) const DENIED: DataAccessResult = DataAccessResult(3);
    /// 4.
    pub(crate) const OBJECT_UNDEFINED: DataAccessResult = DataAccessResult(4);
    /// 9.
    pub(crate) const CLASS_INCONSISTENT: DataAccessResult = DataAccessResult(9);
    /// 11.
    pub(crate) const UNAVAILABLE: DataAccessResult = DataAccessResult(11);
    /// 12.
    pub(crate) const TYPE_UNMATCHED: DataAccessResult = DataAccessResult(12);
    /// 13.
    pub(crate) const SCOPE_VIOLATED: DataAccessResult = DataAccessResult(13);
    /// 250.
    pub(crate) const OTHER: DataAccessResult = DataAccessResult(250);
}

/// The association that a request came through, as its objects show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssociationView {
    /// Client SAP.
    pub client: u16,
    /// Server SAP.
    pub server: u16,
    /// Authentication.
    pub auth: Auth,
    /// Application context's last number.
    pub context: u8,
    /// Negotiated conformance, 24 bits.
    pub conformance: u32,
    /// Largest APDU that the meter takes.
    pub max_receive: u16,
    /// Largest APDU that the client takes.
    pub max_send: u16,
    /// The client's system title.
    pub client_title: Vec<u8>,
    /// The last invocation counter that came from a ciphering client.
    pub last_counter: u32,
}

/// What an object needs to answer.
#[derive(Debug)]
pub(crate) struct Context<'a> {
    /// The meter's past and present.
    pub record: &'a mut Record,
    /// Its settings.
    pub settings: &'a Settings,
    /// All its objects.
    pub catalogue: &'a [ObjectEntry],
    /// Whence the request came.
    pub association: &'a AssociationView,
    /// True time in milliseconds.
    pub now_ms: i64,
}

impl Context<'_> {
    /// True time in seconds.
    #[must_use]
    pub(crate) const fn now(&self) -> i64 {
        self.now_ms.div_euclid(1000)
    }

    /// The meter's habits.
    #[must_use]
    pub(crate) const fn quirks(&self) -> Quirks {
        self.settings.faults.quirks
    }

    /// A stamp of a second of the meter's time, as the meter writes it.
    #[must_use]
    pub(crate) fn stamp(&self, meter_second: i64) -> Data {
        let stamp = self.record.clock().stamp(meter_second);
        stamp.map_or(Data::Null, |stamp| Data::Octets(self.stamp_bytes(&stamp).0.to_vec()))
    }

    /// A stamp as the meter writes it.
    #[must_use]
    pub(crate) fn stamp_bytes(&self, stamp: &MeterStamp) -> CosemDateTime {
        let quirks = self.quirks();
        let mut bytes = CosemDateTime::from_stamp(stamp);
        if quirks.has(Quirk::DeviationUnspecified) {
            bytes.0[9] = 0x80;
            bytes.0[10] = 0;
        }
        if quirks.has(Quirk::StampGaps) {
            bytes.0[4] = 0xFF;
            bytes.0[8] = 0xFF;
            bytes.0[11] = 0xFF;
        }
        bytes
    }
}

/// One COSEM object.
pub(crate) trait Object: fmt::Debug + Send {
    /// Class, version, name, and full access rights: 1 read, 2 write, 3 both; methods 1.
    fn entry(&self) -> &ObjectEntry;

    /// An attribute other than 1.
    ///
    /// # Errors
    /// As the class says.
    fn get(
        &self,
        attribute: i8,
        selective: Option<&Selective>,
        context: &mut Context<'_>,
    ) -> Result<Data, DataAccessResult>;

    /// Writes an attribute that the rights allow to write.
    ///
    /// # Errors
    /// As the class says.
    fn set(
        &mut self,
        _attribute: i8,
        _value: &Data,
        _context: &mut Context<'_>,
    ) -> Result<(), DataAccessResult> {
        Err(refusal::DENIED)
    }

    /// Invokes a method that the rights allow to invoke; the code of a refusal is an Action-Result.
    ///
    /// # Errors
    /// As the class says.
    fn invoke(
        &mut self,
        _method: i8,
        _parameter: Option<&Data>,
        _context: &mut Context<'_>,
    ) -> Result<Option<Data>, DataAccessResult> {
        Err(refusal::DENIED)
    }
}

/// An entry of the object list: attributes from 1 with their access modes, methods from 1.
#[must_use]
pub(crate) fn entry(class_id: u16, version: u8, obis: Obis, attributes: &[u8], methods: u8) -> ObjectEntry {
    ObjectEntry {
        class_id,
        version,
        obis,
        attributes: (1i8..).zip(attributes.iter().copied()).collect(),
        methods: (1..=i8::try_from(methods).unwrap_or(i8::MAX)).map(|method| (method, 1)).collect(),
    }
}

/// scal_unit_type.
#[must_use]
pub(crate) fn scaler_unit(value: ScalerUnit) -> Data {
    Data::Structure(vec![Data::I8(value.scaler), Data::Enum(value.unit.0)])
}

/// A logical name.
#[must_use]
pub(crate) fn name(obis: Obis) -> Data {
    Data::Octets(obis.0.to_vec())
}
