//! The check sequence of IEC 62056-46: CRC-16/X-25, sent low octet first.

const TABLE: [u16; 256] = table();

const fn table() -> [u16; 256] {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let mut value = index as u16;
        let mut bit = 0;
        while bit < 8 {
            value = if value & 1 == 1 { value >> 1 ^ 0x8408 } else { value >> 1 };
            bit += 1;
        }
        table[index] = value;
        index += 1;
    }
    table
}

/// The check sequence over some octets, for HCS and FCS alike.
#[must_use]
pub fn check_sequence(octets: &[u8]) -> u16 {
    let step = |state: u16, octet: &u8| state >> 8 ^ TABLE[usize::from(state as u8 ^ octet)];
    !octets.iter().fold(0xFFFF, step)
}

/// Whether octets that end in their own check sequence are intact.
#[must_use]
pub fn is_intact(octets: &[u8]) -> bool {
    octets.split_last_chunk::<2>().is_some_and(|(front, check)| check_sequence(front).to_le_bytes() == *check)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_check_value_of_crc_16_x_25_comes_out() {
        assert_eq!(check_sequence(b"123456789"), 0x906E);
    }

    #[test]
    fn octets_with_their_check_sequence_are_intact_until_a_bit_flips() {
        let mut octets = b"123456789\x6E\x90".to_vec();
        assert!(is_intact(&octets));
        octets[3] ^= 0x10;
        assert!(!is_intact(&octets));
        assert!(!is_intact(&[0x6E]));
    }
}
