//! Attributes and methods as requests name them (IEC 62056-53, Cosem-Attribute-Descriptor and its kin).

use std::fmt;

use crate::model::Obis;

use super::axdr::Reader;
use super::data::{Data, DataError};

/// An attribute to read or write.
#[derive(Clone, Debug, PartialEq)]
pub struct AttributeRef {
    /// COSEM class.
    pub class_id: u16,
    /// Logical name.
    pub obis: Obis,
    /// Attribute.
    pub attribute: i8,
    /// Selective access.
    pub selective: Option<Selective>,
}

impl AttributeRef {
    /// A whole attribute.
    #[must_use]
    pub const fn new(class_id: u16, obis: Obis, attribute: i8) -> Self {
        Self { class_id, obis, attribute, selective: None }
    }
}

/// Selective access (IEC 62056-62, class 7).
#[derive(Clone, Debug, PartialEq)]
pub struct Selective {
    /// 1 range, 2 entry.
    pub selector: u8,
    /// The parameters.
    pub parameters: Data,
}

/// A method to invoke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MethodRef {
    /// COSEM class.
    pub class_id: u16,
    /// Logical name.
    pub obis: Obis,
    /// Method.
    pub method: i8,
}

impl fmt::Display for AttributeRef {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "attribute {} of {} (class {})", self.attribute, self.obis, self.class_id)
    }
}

impl fmt::Display for MethodRef {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "method {} of {} (class {})", self.method, self.obis, self.class_id)
    }
}

fn descriptor(reader: &mut Reader<'_>) -> Result<(u16, Obis, i8), DataError> {
    Ok((reader.u16()?, Obis(reader.array()?), i8::from_be_bytes(reader.array()?)))
}

fn put_descriptor(out: &mut Vec<u8>, class_id: u16, obis: Obis, number: i8) {
    out.extend(class_id.to_be_bytes());
    out.extend(obis.0);
    out.extend(number.to_be_bytes());
}

impl AttributeRef {
    /// Reads class, name, attribute, and the selection where `selection` says that one may follow.
    pub(crate) fn read(reader: &mut Reader<'_>, selection: bool) -> Result<Self, DataError> {
        let (class_id, obis, attribute) = descriptor(reader)?;
        let selective = if selection && reader.present()? {
            Some(Selective { selector: reader.u8()?, parameters: Data::read(reader)? })
        } else {
            None
        };
        Ok(Self { class_id, obis, attribute, selective })
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        put_descriptor(out, self.class_id, self.obis, self.attribute);
        match &self.selective {
            None => out.push(0),
            Some(selective) => {
                out.extend([1, selective.selector]);
                selective.parameters.encode(out);
            }
        }
    }

    /// Without the place for a selection, as in an event-notification.
    pub(crate) fn write_bare(&self, out: &mut Vec<u8>) {
        put_descriptor(out, self.class_id, self.obis, self.attribute);
    }
}

impl MethodRef {
    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DataError> {
        let (class_id, obis, method) = descriptor(reader)?;
        Ok(Self { class_id, obis, method })
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        put_descriptor(out, self.class_id, self.obis, self.method);
    }
}
