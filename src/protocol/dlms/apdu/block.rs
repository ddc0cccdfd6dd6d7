//! Blocks: of one service, and of general block transfer.

use super::super::axdr::{Reader, put_octets};
use super::super::data::DataError;
use super::tag;

/// One block of a value in GET, SET or ACTION (DataBlock-G, DataBlock-SA).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataBlock {
    /// No further one follows.
    pub last: bool,
    /// Its number; the standard begins at 1, some meters at 0.
    pub number: u32,
    /// Its bytes.
    pub raw: Vec<u8>,
}

impl DataBlock {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, DataError> {
        Ok(Self { last: reader.present()?, number: reader.u32()?, raw: reader.octets()?.to_vec() })
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.push(u8::from(self.last));
        out.extend(self.number.to_be_bytes());
        put_octets(out, &self.raw);
    }
}

/// General-Block-Transfer: a piece of any other APDU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GeneralBlock {
    /// No further block follows.
    pub last: bool,
    /// More blocks come without being asked for.
    pub streaming: bool,
    /// How many blocks the sender of this one can take at once (0 to 63).
    pub window: u8,
    /// Number of this block, from 1.
    pub number: u16,
    /// Highest number received without a gap before it.
    pub acknowledged: u16,
    /// The piece.
    pub raw: Vec<u8>,
}

impl GeneralBlock {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, DataError> {
        let control = reader.u8()?;
        Ok(Self {
            last: control & 0x80 != 0,
            streaming: control & 0x40 != 0,
            window: control & 0x3F,
            number: reader.u16()?,
            acknowledged: reader.u16()?,
            raw: reader.octets()?.to_vec(),
        })
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let control = u8::from(self.last) << 7 | u8::from(self.streaming) << 6 | self.window & 0x3F;
        out.extend([tag::GENERAL_BLOCK_TRANSFER, control]);
        out.extend(self.number.to_be_bytes());
        out.extend(self.acknowledged.to_be_bytes());
        put_octets(out, &self.raw);
    }
}
