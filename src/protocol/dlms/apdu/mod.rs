//! Application-layer PDUs (IEC 62056-53, xDLMS; ISO/IEC 8650 for the association's own), both directions: a client
//! encodes requests and decodes responses, a virtual meter does the reverse.
//!
//! Decoding takes one APDU from the front of what came and says how many bytes it took: whether bytes that follow
//! matter is the caller's choice (`facts/dlms-quirks.md`, 51 and 52). Errors name the offset from the APDU's tag.

mod acse;
mod action;
mod block;
mod ciphered;
mod failure;
mod get;
mod initiate;
mod notification;
mod set;

use super::axdr::{Reader, put_octets};
use super::codec::{Lenient, value_length};
use super::data::{Data, DataAccessResult, DataError};

pub use acse::{
    Aare, Aarq, ApplicationContext, AssociateResult, Diagnostic, Release, authentication_mechanism,
};
pub use action::{ActionOutcome, ActionRequest, ActionResponse, ActionResult};
pub use block::{DataBlock, GeneralBlock};
pub use ciphered::{Ciphered, GeneralKey, Protected, SecurityControl, ServiceKey};
pub use failure::{ConfirmedServiceError, ExceptionResponse};
pub use get::{GetRequest, GetResponse};
pub use initiate::{Conformance, InitiateRequest, InitiateResponse};
pub use notification::{DataNotification, EventNotification};
pub use set::{SetRequest, SetResponse};

/// Tags in front of APDUs.
pub mod tag {
    #![allow(missing_docs, reason = "the names are the standard's")]
    pub const INITIATE_REQUEST: u8 = 0x01;
    pub const INITIATE_RESPONSE: u8 = 0x08;
    pub const CONFIRMED_SERVICE_ERROR: u8 = 0x0E;
    pub const DATA_NOTIFICATION: u8 = 0x0F;
    pub const AARQ: u8 = 0x60;
    pub const AARE: u8 = 0x61;
    pub const RLRQ: u8 = 0x62;
    pub const RLRE: u8 = 0x63;
    pub const GET_REQUEST: u8 = 0xC0;
    pub const SET_REQUEST: u8 = 0xC1;
    pub const EVENT_NOTIFICATION: u8 = 0xC2;
    pub const ACTION_REQUEST: u8 = 0xC3;
    pub const GET_RESPONSE: u8 = 0xC4;
    pub const SET_RESPONSE: u8 = 0xC5;
    pub const ACTION_RESPONSE: u8 = 0xC7;
    pub const EXCEPTION_RESPONSE: u8 = 0xD8;
    pub const GENERAL_GLO_CIPHERING: u8 = 0xDB;
    pub const GENERAL_DED_CIPHERING: u8 = 0xDC;
    pub const GENERAL_CIPHERING: u8 = 0xDD;
    pub const GENERAL_BLOCK_TRANSFER: u8 = 0xE0;
}

/// invoke-id-and-priority: the number in bits 0 to 3, confirmed in bit 6, high priority in bit 7.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvokeId(pub u8);

impl InvokeId {
    /// A confirmed request of high priority; only the lowest four bits of the number count.
    #[must_use]
    pub const fn confirmed(number: u8) -> Self {
        Self(0xC0 | number & 0x0F)
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0 & 0x0F
    }

    /// Whether an answer is wanted.
    #[must_use]
    pub const fn is_confirmed(self) -> bool {
        self.0 & 0x40 != 0
    }
}

/// One value, still as bytes with its tag: a profile's buffer need not become a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded(pub Vec<u8>);

impl Encoded {
    /// The value; bytes after it are not looked at.
    ///
    /// # Errors
    /// The bytes are no value.
    pub fn decode(&self) -> Result<Data, DataError> {
        Data::decode(&self.0).map(|(value, _)| value)
    }

    /// The value, an array that ends too soon included; says what it took and what was missing.
    ///
    /// # Errors
    /// The bytes are no value.
    pub fn decode_lenient(&self) -> Result<Lenient, DataError> {
        Data::decode_lenient(&self.0)
    }
}

impl From<&Data> for Encoded {
    fn from(value: &Data) -> Self {
        Self(value.to_bytes())
    }
}

/// Get-Data-Result: a value or why there is none.
pub type GetResult = Result<Encoded, DataAccessResult>;

/// Reads a Get-Data-Result whose value ends where the value itself says.
fn read_get_result(reader: &mut Reader<'_>) -> Result<GetResult, DataError> {
    if reader.u8()? == 0 {
        let start = reader.offset();
        let length = value_length(reader.rest()).map_err(|error| error.after(start))?;
        return Ok(Ok(Encoded(reader.take(length)?.to_vec())));
    }
    Ok(Err(DataAccessResult(reader.u8()?)))
}

/// Reads a Get-Data-Result that is the last thing in its APDU: the value has all that is left.
fn read_last_get_result(reader: &mut Reader<'_>) -> Result<GetResult, DataError> {
    if reader.u8()? == 0 {
        let left = reader.rest().len();
        return Ok(Ok(Encoded(reader.take(left)?.to_vec())));
    }
    Ok(Err(DataAccessResult(reader.u8()?)))
}

fn put_get_result(out: &mut Vec<u8>, result: &GetResult) {
    match result {
        Ok(value) => {
            out.push(0);
            out.extend(&value.0);
        }
        Err(reason) => out.extend([1, reason.0]),
    }
}

/// Reads a list of Get-Data-Results as a GET-with-list's blocks carry it.
///
/// # Errors
/// The bytes are no such list.
pub fn decode_get_results(bytes: &[u8]) -> Result<(Vec<GetResult>, usize), DataError> {
    let mut reader = Reader::new(bytes);
    let results = reader.list(read_get_result)?;
    Ok((results, reader.offset()))
}

/// Writes a list of Get-Data-Results as a GET-with-list's blocks carry it.
#[must_use]
pub fn encode_get_results(results: &[GetResult]) -> Vec<u8> {
    let mut out = Vec::new();
    super::axdr::put_list(&mut out, results, put_get_result);
    out
}

/// Reads a list of values as the blocks of SET-with-list and ACTION-with-list carry it.
///
/// # Errors
/// The bytes are no such list.
pub fn decode_values(bytes: &[u8]) -> Result<(Vec<Data>, usize), DataError> {
    let mut reader = Reader::new(bytes);
    let values = reader.list(Data::read)?;
    Ok((values, reader.offset()))
}

/// Writes a list of values as the blocks of SET-with-list and ACTION-with-list carry it.
#[must_use]
pub fn encode_values<'a>(values: impl ExactSizeIterator<Item = &'a Data>) -> Vec<u8> {
    let mut out = Vec::new();
    super::axdr::put_length(&mut out, values.len());
    for value in values {
        value.encode(&mut out);
    }
    out
}

/// Any APDU.
#[derive(Clone, Debug, PartialEq)]
pub enum Apdu {
    /// 60h.
    Aarq(Aarq),
    /// 61h.
    Aare(Aare),
    /// 62h.
    Rlrq(Release),
    /// 63h.
    Rlre(Release),
    /// 01h.
    InitiateRequest(InitiateRequest),
    /// 08h.
    InitiateResponse(InitiateResponse),
    /// 0Eh.
    ConfirmedServiceError(ConfirmedServiceError),
    /// 0Fh.
    DataNotification(DataNotification),
    /// C0h.
    GetRequest(GetRequest),
    /// C1h.
    SetRequest(SetRequest),
    /// C2h.
    EventNotification(EventNotification),
    /// C3h.
    ActionRequest(ActionRequest),
    /// C4h.
    GetResponse(GetResponse),
    /// C5h.
    SetResponse(SetResponse),
    /// C7h.
    ActionResponse(ActionResponse),
    /// D8h.
    ExceptionResponse(ExceptionResponse),
    /// E0h.
    GeneralBlock(GeneralBlock),
    /// glo-, ded-, general-glo-, general-ded- and general-ciphering.
    Ciphered(Ciphered),
}

impl Apdu {
    /// Reads the APDU at the front of `bytes`; gives it and how many bytes it took.
    ///
    /// # Errors
    /// The tag is unknown, or the bytes do not make what the tag promises.
    pub fn decode(bytes: &[u8]) -> Result<(Self, usize), DataError> {
        let mut reader = Reader::new(bytes);
        let first = reader.u8()?;
        let apdu = match first {
            tag::AARQ => Self::Aarq(Aarq::read(&mut reader)?),
            tag::AARE => Self::Aare(Aare::read(&mut reader)?),
            tag::RLRQ => Self::Rlrq(Release::read(&mut reader)?),
            tag::RLRE => Self::Rlre(Release::read(&mut reader)?),
            tag::INITIATE_REQUEST => Self::InitiateRequest(InitiateRequest::read(&mut reader)?),
            tag::INITIATE_RESPONSE => Self::InitiateResponse(InitiateResponse::read(&mut reader)?),
            tag::CONFIRMED_SERVICE_ERROR => {
                Self::ConfirmedServiceError(ConfirmedServiceError::read(&mut reader)?)
            }
            tag::DATA_NOTIFICATION => Self::DataNotification(DataNotification::read(&mut reader)?),
            tag::GET_REQUEST => Self::GetRequest(GetRequest::read(&mut reader)?),
            tag::SET_REQUEST => Self::SetRequest(SetRequest::read(&mut reader)?),
            tag::EVENT_NOTIFICATION => Self::EventNotification(EventNotification::read(&mut reader)?),
            tag::ACTION_REQUEST => Self::ActionRequest(ActionRequest::read(&mut reader)?),
            tag::GET_RESPONSE => Self::GetResponse(GetResponse::read(&mut reader)?),
            tag::SET_RESPONSE => Self::SetResponse(SetResponse::read(&mut reader)?),
            tag::ACTION_RESPONSE => Self::ActionResponse(ActionResponse::read(&mut reader)?),
            tag::EXCEPTION_RESPONSE => Self::ExceptionResponse(ExceptionResponse::read(&mut reader)?),
            tag::GENERAL_BLOCK_TRANSFER => Self::GeneralBlock(GeneralBlock::read(&mut reader)?),
            _ if Ciphered::knows(first) => Self::Ciphered(Ciphered::read(first, &mut reader)?),
            _ => return Err(DataError { offset: 0, reason: format!("{first:02X}h is no APDU") }),
        };
        Ok((apdu, reader.offset()))
    }

    /// The APDU as bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        match self {
            Self::Aarq(apdu) => apdu.write(&mut out),
            Self::Aare(apdu) => apdu.write(&mut out),
            Self::Rlrq(apdu) => apdu.write(tag::RLRQ, &mut out),
            Self::Rlre(apdu) => apdu.write(tag::RLRE, &mut out),
            Self::InitiateRequest(apdu) => apdu.write(&mut out),
            Self::InitiateResponse(apdu) => apdu.write(&mut out),
            Self::ConfirmedServiceError(apdu) => apdu.write(&mut out),
            Self::DataNotification(apdu) => apdu.write(&mut out),
            Self::GetRequest(apdu) => apdu.write(&mut out),
            Self::SetRequest(apdu) => apdu.write(&mut out),
            Self::EventNotification(apdu) => apdu.write(&mut out),
            Self::ActionRequest(apdu) => apdu.write(&mut out),
            Self::GetResponse(apdu) => apdu.write(&mut out),
            Self::SetResponse(apdu) => apdu.write(&mut out),
            Self::ActionResponse(apdu) => apdu.write(&mut out),
            Self::ExceptionResponse(apdu) => apdu.write(&mut out),
            Self::GeneralBlock(apdu) => apdu.write(&mut out),
            Self::Ciphered(apdu) => apdu.write(&mut out),
        }
        out
    }
}

/// Reads a date-time in an octet string. Passed over is a data tag in front of its length
/// (`facts/dlms-quirks.md`, 82), and a mere flag in place of its length. Gives nothing for an empty or odd one.
fn read_date_time(reader: &mut Reader<'_>) -> Result<Option<super::CosemDateTime>, DataError> {
    match reader.rest() {
        [9, 12, rest @ ..] if rest.len() >= 12 => {
            reader.u8()?;
        }
        [1, rest @ ..] if rest.len() >= 12 => {
            reader.u8()?;
            return reader.array().map(super::CosemDateTime).map(Some);
        }
        _ => {}
    }
    let bytes = reader.octets()?;
    Ok(<[u8; 12]>::try_from(bytes).ok().map(super::CosemDateTime))
}

fn put_date_time(out: &mut Vec<u8>, stamp: Option<super::CosemDateTime>) {
    put_octets(out, stamp.as_ref().map_or(&[], |stamp| stamp.0.as_slice()));
}

#[cfg(test)]
mod golden;
#[cfg(test)]
mod tests;
