//! The association object (class 15) and the security setup (class 64).

use crate::model::{Obis, ObjectEntry, Security};
use crate::protocol::dlms::apdu::authentication_mechanism;
use crate::protocol::dlms::{BitString, Data, DataAccessResult, Selective};

use super::super::quirks::Quirk;
use super::{Context, Object, entry, name, refusal};

/// Class 15, version 1: the association through which it is read.
#[derive(Debug)]
pub(crate) struct AssociationObject {
    entry: ObjectEntry,
}

impl AssociationObject {
    /// An association object.
    #[must_use]
    pub(crate) fn new(obis: Obis) -> Self {
        Self { entry: entry(15, 1, obis, &[1, 1, 1, 1, 1, 1, 0, 1, 1], 1) }
    }
}

fn object_identifier(kind: u8, number: u8) -> Data {
    Data::Octets(vec![0x60, 0x85, 0x74, 0x05, 0x08, kind, number])
}

fn element(object: &ObjectEntry, with_rights: bool, gaps: bool) -> Data {
    let mut attributes: Vec<Data> = object
        .attributes
        .iter()
        .map(|(number, mode)| {
            let selectors = if object.class_id == 7 && *number == 2 {
                Data::Array(vec![Data::I8(1), Data::I8(2)])
            } else {
                Data::Null
            };
            Data::Structure(vec![Data::I8(*number), Data::Enum(*mode), selectors])
        })
        .collect();
    if gaps {
        attributes.push(Data::Structure(vec![Data::I8(-1), Data::Enum(1), Data::Null]));
    }
    let methods = object.methods.iter().map(|(number, mode)| {
        let allowed = Data::Bool(*mode != 0);
        Data::Structure(vec![Data::I8(*number), allowed])
    });
    let rights = Data::Structure(vec![Data::Array(attributes), Data::Array(methods.collect())]);
    let mut parts = vec![Data::U16(object.class_id), Data::U8(object.version), name(object.obis)];
    if with_rights {
        parts.push(rights);
    }
    Data::Structure(parts)
}

fn object_list(selective: Option<&Selective>, context: &Context<'_>) -> Result<Data, DataAccessResult> {
    let gaps = context.quirks().has(Quirk::ObjectListGaps);
    let with_rights = match selective {
        None => !gaps,
        // 1: without the rights.
        Some(Selective { selector: 1, .. }) => false,
        Some(_) => return Err(refusal::SCOPE_VIOLATED),
    };
    let objects = context.catalogue.iter().filter(|object| !(gaps && object.class_id == 15));
    // Every third element of a list with gaps has its rights, with an attribute -1 among them.
    let elements = objects
        .enumerate()
        .map(|(place, object)| element(object, with_rights || gaps && place % 3 == 0, gaps));
    Ok(Data::Array(elements.collect()))
}

impl Object for AssociationObject {
    fn entry(&self) -> &ObjectEntry {
        &self.entry
    }

    fn get(
        &self,
        attribute: i8,
        selective: Option<&Selective>,
        context: &mut Context<'_>,
    ) -> Result<Data, DataAccessResult> {
        let view = context.association;
        match attribute {
            2 => object_list(selective, context),
            3 => Ok(Data::Structure(vec![
                Data::I8(i8::try_from(view.client).unwrap_or(i8::MAX)),
                Data::U16(view.server),
            ])),
            4 => Ok(object_identifier(1, view.context)),
            5 => {
                let [_, high, middle, low] = view.conformance.to_be_bytes();
                Ok(Data::Structure(vec![
                    Data::BitString(BitString { len: 24, bytes: vec![high, middle, low] }),
                    Data::U16(view.max_receive),
                    Data::U16(view.max_send),
                    Data::U8(6),
                    Data::I8(0),
                    Data::Octets(Vec::new()),
                ]))
            }
            6 => Ok(object_identifier(2, authentication_mechanism(view.auth))),
            // Associated.
            8 => Ok(Data::Enum(2)),
            9 => Ok(name(SecuritySetup::NAME)),
            _ => Err(refusal::OBJECT_UNDEFINED),
        }
    }
}

/// Class 64, version 0.
#[derive(Debug)]
pub(crate) struct SecuritySetup {
    entry: ObjectEntry,
}

impl SecuritySetup {
    /// 0-0:43.0.0.
    pub(crate) const NAME: Obis = Obis::new(0, 0, 43, 0, 0, 255);

    /// The security setup.
    #[must_use]
    pub(crate) fn new() -> Self {
        Self { entry: entry(64, 0, Self::NAME, &[1; 5], 0) }
    }
}

impl Object for SecuritySetup {
    fn entry(&self) -> &ObjectEntry {
        &self.entry
    }

    fn get(
        &self,
        attribute: i8,
        _selective: Option<&Selective>,
        context: &mut Context<'_>,
    ) -> Result<Data, DataAccessResult> {
        match attribute {
            2 => Ok(Data::Enum(match context.settings.least_security {
                Security::None => 0,
                Security::Authenticated => 1,
                Security::Encrypted => 2,
                Security::Both => 3,
            })),
            3 => Ok(Data::Enum(0)),
            4 => Ok(Data::Octets(context.association.client_title.clone())),
            5 => Ok(Data::Octets(context.settings.system_title().0.to_vec())),
            _ => Err(refusal::OBJECT_UNDEFINED),
        }
    }
}
