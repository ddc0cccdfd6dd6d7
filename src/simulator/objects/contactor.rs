//! The contactor (class 70).

use crate::model::{Obis, ObjectEntry};
use crate::protocol::dlms::{Data, DataAccessResult, Selective};

use super::super::contactor::{Contactor as State, ContactorState};
use super::{Context, Object, entry, refusal};

/// Class 70, version 0.
#[derive(Debug)]
pub(crate) struct Contactor {
    entry: ObjectEntry,
}

impl Contactor {
    /// 0-0:96.3.10, its control mode settable.
    #[must_use]
    pub(crate) fn new() -> Self {
        Self { entry: entry(70, 0, Obis::new(0, 0, 96, 3, 10, 255), &[1, 1, 1, 3], 2) }
    }
}

impl Object for Contactor {
    fn entry(&self) -> &ObjectEntry {
        &self.entry
    }

    fn get(
        &self,
        attribute: i8,
        _selective: Option<&Selective>,
        context: &mut Context<'_>,
    ) -> Result<Data, DataAccessResult> {
        let contactor = context.record.contactor();
        match attribute {
            2 => Ok(Data::Bool(contactor.is_closed())),
            3 => Ok(Data::Enum(match contactor.state() {
                ContactorState::Disconnected => 0,
                ContactorState::Connected => 1,
                ContactorState::Ready => 2,
            })),
            4 => Ok(Data::Enum(contactor.mode())),
            _ => Err(refusal::OBJECT_UNDEFINED),
        }
    }

    fn set(
        &mut self,
        attribute: i8,
        value: &Data,
        context: &mut Context<'_>,
    ) -> Result<(), DataAccessResult> {
        let (4, Data::Enum(mode)) = (attribute, value) else { return Err(refusal::TYPE_UNMATCHED) };
        let second = context.now();
        let taken = context.record.move_contactor(|contactor| contactor.set_mode(*mode), second);
        if taken { Ok(()) } else { Err(refusal::OTHER) }
    }

    fn invoke(
        &mut self,
        method: i8,
        parameter: Option<&Data>,
        context: &mut Context<'_>,
    ) -> Result<Option<Data>, DataAccessResult> {
        let change = match method {
            1 => State::disconnect,
            2 => State::reconnect,
            _ => return Err(refusal::OBJECT_UNDEFINED),
        };
        // The standard's parameter is integer 0.
        if !matches!(parameter, Some(Data::I8(0))) {
            return Err(refusal::TYPE_UNMATCHED);
        }
        let second = context.now();
        if context.record.move_contactor(change, second) { Ok(None) } else { Err(refusal::OTHER) }
    }
}
