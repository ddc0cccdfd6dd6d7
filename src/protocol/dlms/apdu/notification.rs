//! What a meter says unasked (IEC 62056-53, 7.4.1.6 and DataNotification).

use super::super::axdr::Reader;
use super::super::data::{Data, DataError};
use super::super::reference::AttributeRef;
use super::super::time::CosemDateTime;
use super::{put_date_time, read_date_time, tag};

/// Data-Notification.
#[derive(Clone, Debug, PartialEq)]
pub struct DataNotification {
    /// long-invoke-id-and-priority.
    pub invoke: u32,
    /// When it was made, where the meter says.
    pub stamp: Option<CosemDateTime>,
    /// What it says.
    pub body: Data,
}

/// EventNotificationRequest.
#[derive(Clone, Debug, PartialEq)]
pub struct EventNotification {
    /// When it happened, where the meter says.
    pub stamp: Option<CosemDateTime>,
    /// The attribute whose value is told; it has no selection.
    pub attribute: AttributeRef,
    /// Its value.
    pub value: Data,
}

impl DataNotification {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, DataError> {
        Ok(Self { invoke: reader.u32()?, stamp: read_date_time(reader)?, body: Data::read(reader)? })
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.push(tag::DATA_NOTIFICATION);
        out.extend(self.invoke.to_be_bytes());
        put_date_time(out, self.stamp);
        self.body.encode(out);
    }
}

impl EventNotification {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, DataError> {
        let stamp = if reader.present()? { read_date_time(reader)? } else { None };
        Ok(Self { stamp, attribute: AttributeRef::read(reader, false)?, value: Data::read(reader)? })
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.extend([tag::EVENT_NOTIFICATION, u8::from(self.stamp.is_some())]);
        if self.stamp.is_some() {
            put_date_time(out, self.stamp);
        }
        self.attribute.write_bare(out);
        self.value.encode(out);
    }
}
