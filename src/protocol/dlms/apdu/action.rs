//! ACTION (IEC 62056-53, 7.4.1.5).

use super::super::axdr::{Reader, put_list};
use super::super::data::{Data, DataAccessResult, DataError};
use super::super::reference::MethodRef;
use super::{DataBlock, GetResult, InvokeId, put_get_result, read_get_result, tag};

/// ACTION-Request.
#[derive(Clone, Debug, PartialEq)]
pub enum ActionRequest {
    /// One method.
    Normal {
        /// Which request.
        invoke: InvokeId,
        /// What.
        method: MethodRef,
        /// Its parameter.
        parameter: Option<Data>,
    },
    /// The next block of what the method returned, after `block`.
    NextPblock {
        /// Which request.
        invoke: InvokeId,
        /// The block that arrived last.
        block: u32,
    },
    /// Many methods.
    WithList {
        /// Which request.
        invoke: InvokeId,
        /// What.
        methods: Vec<MethodRef>,
        /// Their parameters; null-data for none.
        parameters: Vec<Data>,
    },
    /// One method, the first block of its parameter.
    WithFirstPblock {
        /// Which request.
        invoke: InvokeId,
        /// What.
        method: MethodRef,
        /// The block.
        block: DataBlock,
    },
    /// Many methods, the first block of the list of their parameters.
    WithListAndFirstPblock {
        /// Which request.
        invoke: InvokeId,
        /// What.
        methods: Vec<MethodRef>,
        /// The block.
        block: DataBlock,
    },
    /// A further block.
    WithPblock {
        /// Which request.
        invoke: InvokeId,
        /// The block.
        block: DataBlock,
    },
}

/// Action-Result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ActionResult(pub u8);

impl ActionResult {
    /// It was done.
    pub const SUCCESS: Self = Self(0);

    /// The standard's name in plain words: the numbers are those of Data-Access-Result, but for long actions.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self.0 {
            15 => "long action aborted",
            16 => "no long action in progress",
            other => DataAccessResult(other).words(),
        }
    }
}

/// What became of one method.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionOutcome {
    /// The result.
    pub result: ActionResult,
    /// What it returned, if anything.
    pub returned: Option<GetResult>,
}

/// ACTION-Response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ActionResponse {
    /// What became of one method.
    Normal {
        /// Which request.
        invoke: InvokeId,
        /// The outcome.
        outcome: ActionOutcome,
    },
    /// A block of the outcome.
    WithPblock {
        /// Which request.
        invoke: InvokeId,
        /// The block.
        block: DataBlock,
    },
    /// What became of many methods.
    WithList {
        /// Which request.
        invoke: InvokeId,
        /// The outcomes in the order of the request.
        outcomes: Vec<ActionOutcome>,
    },
    /// A block was taken; the next may come.
    NextPblock {
        /// Which request.
        invoke: InvokeId,
        /// The block that was taken.
        block: u32,
    },
}

impl ActionRequest {
    /// Which request.
    #[must_use]
    pub const fn invoke(&self) -> InvokeId {
        match self {
            Self::Normal { invoke, .. }
            | Self::NextPblock { invoke, .. }
            | Self::WithList { invoke, .. }
            | Self::WithFirstPblock { invoke, .. }
            | Self::WithListAndFirstPblock { invoke, .. }
            | Self::WithPblock { invoke, .. } => *invoke,
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, DataError> {
        let kind = reader.u8()?;
        let invoke = InvokeId(reader.u8()?);
        Ok(match kind {
            1 => {
                let method = MethodRef::read(reader)?;
                let given = !reader.is_empty() && reader.present()?;
                let parameter = if given { Some(Data::read(reader)?) } else { None };
                Self::Normal { invoke, method, parameter }
            }
            2 => Self::NextPblock { invoke, block: reader.u32()? },
            3 => Self::WithList {
                invoke,
                methods: reader.list(MethodRef::read)?,
                parameters: reader.list(Data::read)?,
            },
            4 => Self::WithFirstPblock {
                invoke,
                method: MethodRef::read(reader)?,
                block: DataBlock::read(reader)?,
            },
            5 => Self::WithListAndFirstPblock {
                invoke,
                methods: reader.list(MethodRef::read)?,
                block: DataBlock::read(reader)?,
            },
            6 => Self::WithPblock { invoke, block: DataBlock::read(reader)? },
            _ => return reader.fail(format!("{kind} is no kind of ACTION-Request")),
        })
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.push(tag::ACTION_REQUEST);
        match self {
            Self::Normal { invoke, method, parameter } => {
                out.extend([1, invoke.0]);
                method.write(out);
                out.push(u8::from(parameter.is_some()));
                if let Some(parameter) = parameter {
                    parameter.encode(out);
                }
            }
            Self::NextPblock { invoke, block } => {
                out.extend([2, invoke.0]);
                out.extend(block.to_be_bytes());
            }
            Self::WithList { invoke, methods, parameters } => {
                out.extend([3, invoke.0]);
                put_list(out, methods, |out, method| method.write(out));
                put_list(out, parameters, |out, parameter| parameter.encode(out));
            }
            Self::WithFirstPblock { invoke, method, block } => {
                out.extend([4, invoke.0]);
                method.write(out);
                block.write(out);
            }
            Self::WithListAndFirstPblock { invoke, methods, block } => {
                out.extend([5, invoke.0]);
                put_list(out, methods, |out, method| method.write(out));
                block.write(out);
            }
            Self::WithPblock { invoke, block } => {
                out.extend([6, invoke.0]);
                block.write(out);
            }
        }
    }
}

impl ActionOutcome {
    /// Reads an outcome; the optional part may be left out at the end (`facts/dlms-quirks.md`, 56).
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, DataError> {
        let result = ActionResult(reader.u8()?);
        let given = !reader.is_empty() && reader.present()?;
        let returned = if given { Some(read_get_result(reader)?) } else { None };
        Ok(Self { result, returned })
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.extend([self.result.0, u8::from(self.returned.is_some())]);
        if let Some(returned) = &self.returned {
            put_get_result(out, returned);
        }
    }

    /// The outcome as the blocks of a response carry it.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(&mut out);
        out
    }

    /// Reads an outcome that came in blocks; gives it and how many bytes it took.
    ///
    /// # Errors
    /// The bytes are no outcome.
    pub fn decode(bytes: &[u8]) -> Result<(Self, usize), DataError> {
        let mut reader = Reader::new(bytes);
        let outcome = Self::read(&mut reader)?;
        Ok((outcome, reader.offset()))
    }
}

impl ActionResponse {
    /// Which request.
    #[must_use]
    pub const fn invoke(&self) -> InvokeId {
        match self {
            Self::Normal { invoke, .. }
            | Self::WithPblock { invoke, .. }
            | Self::WithList { invoke, .. }
            | Self::NextPblock { invoke, .. } => *invoke,
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, DataError> {
        let kind = reader.u8()?;
        let invoke = InvokeId(reader.u8()?);
        Ok(match kind {
            1 => Self::Normal { invoke, outcome: ActionOutcome::read(reader)? },
            2 => Self::WithPblock { invoke, block: DataBlock::read(reader)? },
            3 => Self::WithList { invoke, outcomes: reader.list(ActionOutcome::read)? },
            4 => Self::NextPblock { invoke, block: reader.u32()? },
            _ => return reader.fail(format!("{kind} is no kind of ACTION-Response")),
        })
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.push(tag::ACTION_RESPONSE);
        match self {
            Self::Normal { invoke, outcome } => {
                out.extend([1, invoke.0]);
                outcome.write(out);
            }
            Self::WithPblock { invoke, block } => {
                out.extend([2, invoke.0]);
                block.write(out);
            }
            Self::WithList { invoke, outcomes } => {
                out.extend([3, invoke.0]);
                put_list(out, outcomes, |out, outcome| outcome.write(out));
            }
            Self::NextPblock { invoke, block } => {
                out.extend([4, invoke.0]);
                out.extend(block.to_be_bytes());
            }
        }
    }
}
