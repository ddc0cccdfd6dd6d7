//! Numbers as bytes: LEB128 varints and zigzag, for blocks.

use std::ops::BitAnd;

/// The longest varint: 128 bits at 7 a byte.
const LONGEST: u32 = 19;

/// Folds the sign into the lowest bit, so that small numbers of either sign stay short.
pub(super) const fn zigzag(value: i128) -> u128 {
    ((value << 1) ^ (value >> 127)) as u128
}

/// The reverse of [`zigzag`].
pub(super) const fn unzigzag(value: u128) -> i128 {
    (value >> 1) as i128 ^ -((value & 1) as i128)
}

/// How many bytes [`put`] writes.
pub(super) const fn length(value: u128) -> usize {
    let bits = 128 - value.leading_zeros();
    if bits == 0 { 1 } else { bits.div_ceil(7) as usize }
}

/// Writes a varint.
pub(super) fn put(out: &mut Vec<u8>, mut value: u128) {
    while value > 0x7F {
        out.push(low(value) | 0x80);
        value >>= 7;
    }
    out.push(low(value));
}

fn low(value: u128) -> u8 {
    value.bitand(0x7F).to_le_bytes()[0]
}

/// Takes bytes from the front; `None` where they end or do not make a number of the wanted size.
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (front, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(front)
    }

    pub(super) fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    /// A varint of at most 128 bits.
    pub(super) fn varint(&mut self) -> Option<u128> {
        let mut value = 0u128;
        for at in 0..LONGEST {
            let byte = self.byte()?;
            let bits = u128::from(byte & 0x7F);
            let shifted = bits << (7 * at);
            if shifted >> (7 * at) != bits {
                return None;
            }
            value |= shifted;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    /// A varint that fits a type.
    pub(super) fn number<T: TryFrom<u128>>(&mut self) -> Option<T> {
        self.varint()?.try_into().ok()
    }

    /// A zigzag varint.
    pub(super) fn signed(&mut self) -> Option<i128> {
        self.varint().map(unzigzag)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_number_of_128_bits_comes_back(value: i128, shift in 0u32..128) {
            let value = value >> shift;
            let mut out = Vec::new();
            put(&mut out, zigzag(value));
            prop_assert_eq!(out.len(), length(zigzag(value)));
            let mut reader = Reader::new(&out);
            prop_assert_eq!(reader.signed(), Some(value));
            prop_assert!(reader.is_empty());
        }
    }

    #[test]
    fn a_varint_of_more_than_128_bits_is_refused() {
        assert_eq!(Reader::new(&[0xFF; 19]).varint(), None);
        let mut too_wide = [0x80; 19];
        too_wide[18] = 0x04;
        assert_eq!(Reader::new(&too_wide).varint(), None);
    }
}
