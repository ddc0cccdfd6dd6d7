//! What both ends can do: InitiateRequest and InitiateResponse inside AARQ and AARE.

use bitflags::bitflags;

use crate::model::Secret;

use super::super::axdr::{Reader, put_octets};
use super::super::data::DataError;
use super::tag;

bitflags! {
    /// The conformance block (IEC 62056-53, 7.3.1); bit 0 of the standard is the highest of 24.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Conformance: u32 {
        /// general-protection.
        const GENERAL_PROTECTION = 0x40_0000;
        /// general-block-transfer.
        const GENERAL_BLOCK_TRANSFER = 0x20_0000;
        /// read.
        const READ = 0x10_0000;
        /// write.
        const WRITE = 0x08_0000;
        /// unconfirmed-write.
        const UNCONFIRMED_WRITE = 0x04_0000;
        /// delta-value-encoding.
        const DELTA_VALUE_ENCODING = 0x02_0000;
        /// attribute0-supported-with-set.
        const ATTRIBUTE0_SET = 0x00_8000;
        /// priority-mgmt-supported.
        const PRIORITY = 0x00_4000;
        /// attribute0-supported-with-get.
        const ATTRIBUTE0_GET = 0x00_2000;
        /// block-transfer-with-get-or-read.
        const BLOCK_TRANSFER_GET = 0x00_1000;
        /// block-transfer-with-set-or-write.
        const BLOCK_TRANSFER_SET = 0x00_0800;
        /// block-transfer-with-action.
        const BLOCK_TRANSFER_ACTION = 0x00_0400;
        /// multiple-references.
        const MULTIPLE_REFERENCES = 0x00_0200;
        /// information-report.
        const INFORMATION_REPORT = 0x00_0100;
        /// data-notification.
        const DATA_NOTIFICATION = 0x00_0080;
        /// access.
        const ACCESS = 0x00_0040;
        /// parameterized-access.
        const PARAMETERIZED_ACCESS = 0x00_0020;
        /// get.
        const GET = 0x00_0010;
        /// set.
        const SET = 0x00_0008;
        /// selective-access.
        const SELECTIVE_ACCESS = 0x00_0004;
        /// event-notification.
        const EVENT_NOTIFICATION = 0x00_0002;
        /// action.
        const ACTION = 0x00_0001;
    }
}

impl Conformance {
    /// The bits with the standard's names, as templates write them.
    pub const NAMES: [(Self, &'static str); 22] = [
        (Self::GENERAL_PROTECTION, "general-protection"),
        (Self::GENERAL_BLOCK_TRANSFER, "general-block-transfer"),
        (Self::READ, "read"),
        (Self::WRITE, "write"),
        (Self::UNCONFIRMED_WRITE, "unconfirmed-write"),
        (Self::DELTA_VALUE_ENCODING, "delta-value-encoding"),
        (Self::ATTRIBUTE0_SET, "attribute0-supported-with-set"),
        (Self::PRIORITY, "priority-mgmt-supported"),
        (Self::ATTRIBUTE0_GET, "attribute0-supported-with-get"),
        (Self::BLOCK_TRANSFER_GET, "block-transfer-with-get-or-read"),
        (Self::BLOCK_TRANSFER_SET, "block-transfer-with-set-or-write"),
        (Self::BLOCK_TRANSFER_ACTION, "block-transfer-with-action"),
        (Self::MULTIPLE_REFERENCES, "multiple-references"),
        (Self::INFORMATION_REPORT, "information-report"),
        (Self::DATA_NOTIFICATION, "data-notification"),
        (Self::ACCESS, "access"),
        (Self::PARAMETERIZED_ACCESS, "parameterized-access"),
        (Self::GET, "get"),
        (Self::SET, "set"),
        (Self::SELECTIVE_ACCESS, "selective-access"),
        (Self::EVENT_NOTIFICATION, "event-notification"),
        (Self::ACTION, "action"),
    ];

    /// The bit with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(_, known)| *known == name).map(|(bit, _)| *bit)
    }

    /// Reads the block: tag 5Fh 1Fh (some leave 1Fh out), length 4, no unused bits, 24 bits.
    fn read(reader: &mut Reader<'_>) -> Result<Self, DataError> {
        let first = reader.u8()?;
        if first != 0x5F {
            return reader.fail(format!("the conformance block begins with {first:02X}h"));
        }
        if reader.peek() == Some(0x1F) {
            reader.u8()?;
        }
        let bits = reader.octets()?;
        let Some([_, high, middle, low]) = bits.first_chunk::<4>() else {
            return reader.fail(format!("the conformance block has {} bytes", bits.len()));
        };
        Ok(Self::from_bits_retain(u32::from_be_bytes([0, *high, *middle, *low])))
    }

    fn write(self, out: &mut Vec<u8>) {
        let [_, high, middle, low] = self.bits().to_be_bytes();
        out.extend([0x5F, 0x1F, 0x04, 0x00, high, middle, low]);
    }
}

/// InitiateRequest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InitiateRequest {
    /// A key for this association alone; only in a ciphered AARQ.
    pub dedicated_key: Option<Secret>,
    /// Whether answers are wanted.
    pub response_allowed: bool,
    /// proposed-quality-of-service.
    pub quality: Option<u8>,
    /// DLMS version; 6.
    pub dlms_version: u8,
    /// What the client can do.
    pub conformance: Conformance,
    /// Largest APDU that the client takes; 0 is no limit.
    pub max_pdu: u16,
}

/// InitiateResponse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InitiateResponse {
    /// negotiated-quality-of-service.
    pub quality: Option<u8>,
    /// DLMS version; 6.
    pub dlms_version: u8,
    /// What both can do.
    pub conformance: Conformance,
    /// Largest APDU that the meter takes; 0 is no limit.
    pub max_pdu: u16,
    /// 7 with logical names, FA00h with short names.
    pub vaa_name: u16,
}

fn optional_byte(reader: &mut Reader<'_>) -> Result<Option<u8>, DataError> {
    if reader.present()? { reader.u8().map(Some) } else { Ok(None) }
}

fn put_optional_byte(out: &mut Vec<u8>, byte: Option<u8>) {
    out.push(u8::from(byte.is_some()));
    out.extend(byte);
}

impl InitiateRequest {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, DataError> {
        let dedicated_key =
            if reader.present()? { Some(Secret::new(reader.octets()?.to_vec())) } else { None };
        Ok(Self {
            dedicated_key,
            response_allowed: optional_byte(reader)? != Some(0),
            quality: optional_byte(reader)?,
            dlms_version: reader.u8()?,
            conformance: Conformance::read(reader)?,
            max_pdu: reader.u16()?,
        })
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.extend([tag::INITIATE_REQUEST, u8::from(self.dedicated_key.is_some())]);
        if let Some(key) = &self.dedicated_key {
            put_octets(out, key.expose());
        }
        put_optional_byte(out, (!self.response_allowed).then_some(0));
        put_optional_byte(out, self.quality);
        out.push(self.dlms_version);
        self.conformance.write(out);
        out.extend(self.max_pdu.to_be_bytes());
    }
}

impl InitiateResponse {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, DataError> {
        Ok(Self {
            quality: optional_byte(reader)?,
            dlms_version: reader.u8()?,
            conformance: Conformance::read(reader)?,
            max_pdu: reader.u16()?,
            // Nobody needs it, and some meters leave it out.
            vaa_name: reader.u16().unwrap_or(7),
        })
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.push(tag::INITIATE_RESPONSE);
        put_optional_byte(out, self.quality);
        out.push(self.dlms_version);
        self.conformance.write(out);
        out.extend(self.max_pdu.to_be_bytes());
        out.extend(self.vaa_name.to_be_bytes());
    }
}
