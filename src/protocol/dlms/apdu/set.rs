//! SET (IEC 62056-53, 7.4.1.4).

use super::super::axdr::{Reader, put_list};
use super::super::data::{Data, DataAccessResult, DataError};
use super::super::reference::AttributeRef;
use super::{DataBlock, InvokeId, tag};

/// SET-Request.
#[derive(Clone, Debug, PartialEq)]
pub enum SetRequest {
    /// One attribute.
    Normal {
        /// Which request.
        invoke: InvokeId,
        /// What.
        attribute: AttributeRef,
        /// Its new value.
        value: Data,
    },
    /// One attribute, the first block of its new value.
    FirstDatablock {
        /// Which request.
        invoke: InvokeId,
        /// What.
        attribute: AttributeRef,
        /// The block.
        block: DataBlock,
    },
    /// A further block.
    Datablock {
        /// Which request.
        invoke: InvokeId,
        /// The block.
        block: DataBlock,
    },
    /// Many attributes.
    WithList {
        /// Which request.
        invoke: InvokeId,
        /// What.
        attributes: Vec<AttributeRef>,
        /// Their new values.
        values: Vec<Data>,
    },
    /// Many attributes, the first block of the list of their new values.
    WithListAndFirstDatablock {
        /// Which request.
        invoke: InvokeId,
        /// What.
        attributes: Vec<AttributeRef>,
        /// The block.
        block: DataBlock,
    },
}

/// SET-Response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SetResponse {
    /// The result of one attribute.
    Normal {
        /// Which request.
        invoke: InvokeId,
        /// 0 is success.
        result: DataAccessResult,
    },
    /// A block was taken; the next may come.
    Datablock {
        /// Which request.
        invoke: InvokeId,
        /// The block that was taken.
        block: u32,
    },
    /// The last block was taken: the result of one attribute.
    LastDatablock {
        /// Which request.
        invoke: InvokeId,
        /// 0 is success.
        result: DataAccessResult,
        /// The block that was taken.
        block: u32,
    },
    /// The last block was taken: the results of many attributes.
    LastDatablockWithList {
        /// Which request.
        invoke: InvokeId,
        /// The results in the order of the request.
        results: Vec<DataAccessResult>,
        /// The block that was taken.
        block: u32,
    },
    /// The results of many attributes.
    WithList {
        /// Which request.
        invoke: InvokeId,
        /// The results in the order of the request.
        results: Vec<DataAccessResult>,
    },
}

fn attribute(reader: &mut Reader<'_>) -> Result<AttributeRef, DataError> {
    AttributeRef::read(reader, true)
}

fn put_attributes(out: &mut Vec<u8>, attributes: &[AttributeRef]) {
    put_list(out, attributes, |out, attribute| attribute.write(out));
}

impl SetRequest {
    /// Which request.
    #[must_use]
    pub const fn invoke(&self) -> InvokeId {
        match self {
            Self::Normal { invoke, .. }
            | Self::FirstDatablock { invoke, .. }
            | Self::Datablock { invoke, .. }
            | Self::WithList { invoke, .. }
            | Self::WithListAndFirstDatablock { invoke, .. } => *invoke,
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, DataError> {
        let kind = reader.u8()?;
        let invoke = InvokeId(reader.u8()?);
        Ok(match kind {
            1 => Self::Normal { invoke, attribute: attribute(reader)?, value: Data::read(reader)? },
            2 => Self::FirstDatablock {
                invoke,
                attribute: attribute(reader)?,
                block: DataBlock::read(reader)?,
            },
            3 => Self::Datablock { invoke, block: DataBlock::read(reader)? },
            4 => Self::WithList {
                invoke,
                attributes: reader.list(attribute)?,
                values: reader.list(Data::read)?,
            },
            5 => Self::WithListAndFirstDatablock {
                invoke,
                attributes: reader.list(attribute)?,
                block: DataBlock::read(reader)?,
            },
            _ => return reader.fail(format!("{kind} is no kind of SET-Request")),
        })
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.push(tag::SET_REQUEST);
        match self {
            Self::Normal { invoke, attribute, value } => {
                out.extend([1, invoke.0]);
                attribute.write(out);
                value.encode(out);
            }
            Self::FirstDatablock { invoke, attribute, block } => {
                out.extend([2, invoke.0]);
                attribute.write(out);
                block.write(out);
            }
            Self::Datablock { invoke, block } => {
                out.extend([3, invoke.0]);
                block.write(out);
            }
            Self::WithList { invoke, attributes, values } => {
                out.extend([4, invoke.0]);
                put_attributes(out, attributes);
                put_list(out, values, |out, value| value.encode(out));
            }
            Self::WithListAndFirstDatablock { invoke, attributes, block } => {
                out.extend([5, invoke.0]);
                put_attributes(out, attributes);
                block.write(out);
            }
        }
    }
}

fn result(reader: &mut Reader<'_>) -> Result<DataAccessResult, DataError> {
    reader.u8().map(DataAccessResult)
}

fn put_results(out: &mut Vec<u8>, results: &[DataAccessResult]) {
    put_list(out, results, |out, result| out.push(result.0));
}

impl SetResponse {
    /// Which request.
    #[must_use]
    pub const fn invoke(&self) -> InvokeId {
        match self {
            Self::Normal { invoke, .. }
            | Self::Datablock { invoke, .. }
            | Self::LastDatablock { invoke, .. }
            | Self::LastDatablockWithList { invoke, .. }
            | Self::WithList { invoke, .. } => *invoke,
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, DataError> {
        let kind = reader.u8()?;
        let invoke = InvokeId(reader.u8()?);
        Ok(match kind {
            1 => Self::Normal { invoke, result: result(reader)? },
            2 => Self::Datablock { invoke, block: reader.u32()? },
            3 => Self::LastDatablock { invoke, result: result(reader)?, block: reader.u32()? },
            4 => Self::LastDatablockWithList { invoke, results: reader.list(result)?, block: reader.u32()? },
            5 => Self::WithList { invoke, results: reader.list(result)? },
            _ => return reader.fail(format!("{kind} is no kind of SET-Response")),
        })
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.push(tag::SET_RESPONSE);
        match self {
            Self::Normal { invoke, result } => out.extend([1, invoke.0, result.0]),
            Self::Datablock { invoke, block } => {
                out.extend([2, invoke.0]);
                out.extend(block.to_be_bytes());
            }
            Self::LastDatablock { invoke, result, block } => {
                out.extend([3, invoke.0, result.0]);
                out.extend(block.to_be_bytes());
            }
            Self::LastDatablockWithList { invoke, results, block } => {
                out.extend([4, invoke.0]);
                put_results(out, results);
                out.extend(block.to_be_bytes());
            }
            Self::WithList { invoke, results } => {
                out.extend([5, invoke.0]);
                put_results(out, results);
            }
        }
    }
}
