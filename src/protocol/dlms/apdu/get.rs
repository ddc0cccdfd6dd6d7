//! GET (IEC 62056-53, 7.4.1.3).

use super::super::axdr::{Reader, put_list, put_octets};
use super::super::data::{DataAccessResult, DataError};
use super::super::reference::AttributeRef;
use super::{GetResult, InvokeId, put_get_result, read_get_result, read_last_get_result, tag};

/// GET-Request.
#[derive(Clone, Debug, PartialEq)]
pub enum GetRequest {
    /// One attribute.
    Normal {
        /// Which request.
        invoke: InvokeId,
        /// What.
        attribute: AttributeRef,
    },
    /// The block after `block`.
    Next {
        /// Which request.
        invoke: InvokeId,
        /// The block that arrived last.
        block: u32,
    },
    /// Many attributes.
    WithList {
        /// Which request.
        invoke: InvokeId,
        /// What.
        attributes: Vec<AttributeRef>,
    },
}

/// GET-Response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GetResponse {
    /// The value, with whatever followed it in the APDU.
    Normal {
        /// Which request.
        invoke: InvokeId,
        /// The value or why there is none.
        result: GetResult,
    },
    /// A block of the value, or of the list of results.
    WithDatablock {
        /// Which request.
        invoke: InvokeId,
        /// No further one follows.
        last: bool,
        /// Its number.
        number: u32,
        /// Its bytes or why there are none.
        result: Result<Vec<u8>, DataAccessResult>,
    },
    /// The results in the order asked for.
    WithList {
        /// Which request.
        invoke: InvokeId,
        /// The results.
        results: Vec<GetResult>,
    },
}

impl GetRequest {
    /// Which request.
    #[must_use]
    pub const fn invoke(&self) -> InvokeId {
        match self {
            Self::Normal { invoke, .. } | Self::Next { invoke, .. } | Self::WithList { invoke, .. } => {
                *invoke
            }
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, DataError> {
        let kind = reader.u8()?;
        let invoke = InvokeId(reader.u8()?);
        Ok(match kind {
            1 => Self::Normal { invoke, attribute: AttributeRef::read(reader, true)? },
            2 => Self::Next { invoke, block: reader.u32()? },
            3 => {
                Self::WithList { invoke, attributes: reader.list(|reader| AttributeRef::read(reader, true))? }
            }
            _ => return reader.fail(format!("{kind} is no kind of GET-Request")),
        })
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.push(tag::GET_REQUEST);
        match self {
            Self::Normal { invoke, attribute } => {
                out.extend([1, invoke.0]);
                attribute.write(out);
            }
            Self::Next { invoke, block } => {
                out.extend([2, invoke.0]);
                out.extend(block.to_be_bytes());
            }
            Self::WithList { invoke, attributes } => {
                out.extend([3, invoke.0]);
                put_list(out, attributes, |out, attribute| attribute.write(out));
            }
        }
    }
}

impl GetResponse {
    /// Which request.
    #[must_use]
    pub const fn invoke(&self) -> InvokeId {
        match self {
            Self::Normal { invoke, .. }
            | Self::WithDatablock { invoke, .. }
            | Self::WithList { invoke, .. } => *invoke,
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, DataError> {
        let kind = reader.u8()?;
        let invoke = InvokeId(reader.u8()?);
        Ok(match kind {
            1 => Self::Normal { invoke, result: read_last_get_result(reader)? },
            2 => {
                let last = reader.present()?;
                let number = reader.u32()?;
                let result = match reader.u8()? {
                    0 => Ok(reader.octets()?.to_vec()),
                    _ => Err(DataAccessResult(reader.u8()?)),
                };
                Self::WithDatablock { invoke, last, number, result }
            }
            3 => Self::WithList { invoke, results: reader.list(read_get_result)? },
            _ => return reader.fail(format!("{kind} is no kind of GET-Response")),
        })
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.push(tag::GET_RESPONSE);
        match self {
            Self::Normal { invoke, result } => {
                out.extend([1, invoke.0]);
                put_get_result(out, result);
            }
            Self::WithDatablock { invoke, last, number, result } => {
                out.extend([2, invoke.0, u8::from(*last)]);
                out.extend(number.to_be_bytes());
                match result {
                    Ok(raw) => {
                        out.push(0);
                        put_octets(out, raw);
                    }
                    Err(reason) => out.extend([1, reason.0]),
                }
            }
            Self::WithList { invoke, results } => {
                out.extend([3, invoke.0]);
                put_list(out, results, put_get_result);
            }
        }
    }
}
