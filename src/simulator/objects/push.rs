//! Push setup (class 40, version 0): what the meter pushes when it does so without codes.

use crate::model::{Obis, ObjectEntry};
use crate::protocol::dlms::{Data, DataAccessResult, Selective};

use super::{Context, Object, entry, refusal};

/// 0-0:25.9.0.
pub(crate) const PUSH_SETUP: Obis = Obis::new(0, 0, 25, 9, 0, 255);

/// Class, name and attribute of what is pushed, in its order.
pub(crate) const PUSHED: [(u16, Obis, i8); 9] = [
    (40, PUSH_SETUP, 1),
    (1, Obis::new(0, 0, 42, 0, 0, 255), 2),
    (8, Obis::new(0, 0, 1, 0, 0, 255), 2),
    (3, Obis::new(1, 0, 1, 8, 0, 255), 2),
    (3, Obis::new(1, 0, 2, 8, 0, 255), 2),
    (4, Obis::new(1, 0, 1, 6, 0, 255), 2),
    (4, Obis::new(1, 0, 1, 6, 0, 255), 5),
    (7, Obis::new(1, 0, 99, 1, 0, 255), 2),
    (7, Obis::new(0, 0, 99, 98, 0, 255), 2),
];

/// Class 40.
#[derive(Debug)]
pub(crate) struct PushSetup {
    entry: ObjectEntry,
}

impl PushSetup {
    /// 0-0:25.9.0, which nobody may change.
    #[must_use]
    pub(crate) fn new() -> Self {
        Self { entry: entry(40, 0, PUSH_SETUP, &[1, 1, 1, 1, 1, 1, 1], 0) }
    }
}

impl Object for PushSetup {
    fn entry(&self) -> &ObjectEntry {
        &self.entry
    }

    fn get(
        &self,
        attribute: i8,
        _selective: Option<&Selective>,
        _context: &mut Context<'_>,
    ) -> Result<Data, DataAccessResult> {
        let listed = |(class_id, obis, number): (u16, Obis, i8)| {
            Data::Structure(vec![
                Data::U16(class_id),
                Data::Octets(obis.0.to_vec()),
                Data::I8(number),
                Data::U16(0),
            ])
        };
        Ok(match attribute {
            2 => Data::Array(PUSHED.into_iter().map(listed).collect()),
            // Transport: TCP; message: A-XDR.
            3 => Data::Structure(vec![Data::Enum(0), Data::Octets(Vec::new()), Data::Enum(0)]),
            4 => Data::Array(Vec::new()),
            5 | 7 => Data::U16(0),
            6 => Data::U8(0),
            _ => return Err(refusal::OBJECT_UNDEFINED),
        })
    }
}
