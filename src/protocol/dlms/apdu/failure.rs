//! Answers that refuse a request as a whole.

use std::fmt;

use super::super::axdr::Reader;
use super::super::data::DataError;
use super::tag;

/// ConfirmedServiceError.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConfirmedServiceError {
    /// 1 initiateError, 5 read, 6 write, …
    pub service: u8,
    /// The kind of error, as the standard's CHOICE numbers it.
    pub class: u8,
    /// The error within its kind.
    pub value: u8,
}

/// ExceptionResponse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExceptionResponse {
    /// 1 service not allowed, 2 service unknown.
    pub state: u8,
    /// What went wrong.
    pub service: u8,
    /// The counter that the meter expects, with service error 6.
    pub counter: Option<u32>,
}

impl ConfirmedServiceError {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, DataError> {
        Ok(Self { service: reader.u8()?, class: reader.u8()?, value: reader.u8()? })
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.extend([tag::CONFIRMED_SERVICE_ERROR, self.service, self.class, self.value]);
    }
}

impl fmt::Display for ConfirmedServiceError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = match (self.class, self.value) {
            (0, 1) => "application reference: time elapsed",
            (0, 2) => "application reference: the application cannot be reached",
            (0, 3) => "application reference: invalid",
            (0, 4) => "application reference: the application is not supported",
            (0, 5) => "application reference: provider communication error",
            (0, 6) => "application reference: deciphering error",
            (1, 1) => "hardware: memory unavailable",
            (1, 2) => "hardware: processor unavailable",
            (1, 3) => "hardware: mass storage unavailable",
            (2, 1) => "the meter sees no association",
            (3, 1) => "the request is larger than the meter takes",
            (3, 2) => "service not supported",
            (4, 1) => "definition: object undefined",
            (4, 2) => "definition: object class inconsistent",
            (4, 3) => "definition: object attribute inconsistent",
            (5, 1) => "access: scope of access violated",
            (5, 2) => "access: object access violated",
            (5, 3) => "access: hardware fault",
            (5, 4) => "access: object unavailable",
            (6, 1) => "initiate: DLMS version too low",
            (6, 2) => "initiate: incompatible conformance",
            (6, 3) => "initiate: the largest PDU is too short",
            (6, 4) => "initiate: refused by the meter's handler",
            _ => "",
        };
        if words.is_empty() {
            write!(out, "confirmed service error {}.{}.{}", self.service, self.class, self.value)
        } else {
            write!(out, "{words} (confirmed service error {}.{}.{})", self.service, self.class, self.value)
        }
    }
}

impl ExceptionResponse {
    /// Service error: the operation is not possible.
    pub const OPERATION_NOT_POSSIBLE: u8 = 1;
    /// Service error: the service is not supported.
    pub const SERVICE_NOT_SUPPORTED: u8 = 2;
    /// Service error: another reason.
    pub const OTHER_REASON: u8 = 3;
    /// Service error: the PDU is too long.
    pub const PDU_TOO_LONG: u8 = 4;
    /// Service error: deciphering failed.
    pub const DECIPHERING_ERROR: u8 = 5;
    /// Service error: the invocation counter was not the one expected.
    pub const COUNTER_ERROR: u8 = 6;

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, DataError> {
        let state = reader.u8()?;
        let service = reader.u8()?;
        let counter = if service == Self::COUNTER_ERROR && reader.rest().len() >= 4 {
            Some(reader.u32()?)
        } else {
            None
        };
        Ok(Self { state, service, counter })
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.extend([tag::EXCEPTION_RESPONSE, self.state, self.service]);
        if let Some(counter) = self.counter {
            out.extend(counter.to_be_bytes());
        }
    }
}

impl fmt::Display for ExceptionResponse {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            1 => "service not allowed",
            2 => "service unknown",
            _ => "unnamed state",
        };
        let service = match self.service {
            1 => "operation not possible",
            2 => "service not supported",
            3 => "other reason",
            4 => "PDU too long",
            5 => "deciphering error",
            6 => "invocation counter error",
            _ => "unnamed error",
        };
        write!(out, "{state}, {service} (D8 {:02X} {:02X})", self.state, self.service)?;
        match self.counter {
            Some(counter) => write!(out, ", expected counter {counter}"),
            None => Ok(()),
        }
    }
}
