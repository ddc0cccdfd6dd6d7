//! Seven data bits and even parity made in software, over a port in 8N1.
//!
//! Pseudo-terminals and many converters carry eight bits only and accept any setting without a word
//! (`facts/desktop-stack.md`, section 6).

/// A character with bit 7 set so that the number of ones is even.
#[must_use]
pub(super) const fn with_parity(octet: u8) -> u8 {
    let low = octet & 0x7F;
    low | ((low.count_ones() as u8) & 1) << 7
}

/// The seven data bits, and whether the parity was right.
#[must_use]
pub(super) const fn without_parity(octet: u8) -> (u8, bool) {
    (octet & 0x7F, octet.count_ones() & 1 == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_request_message_has_the_known_octets() {
        // facts/iec62056-21.md, section 1.
        let octets: Vec<u8> = b"/?!\r\n".iter().map(|octet| with_parity(*octet)).collect();
        assert_eq!(octets, [0xAF, 0x3F, 0x21, 0x8D, 0x0A]);
        let select: Vec<u8> = b"\x06051\r\n".iter().map(|octet| with_parity(*octet)).collect();
        assert_eq!(select, [0x06, 0x30, 0x35, 0xB1, 0x8D, 0x0A]);
    }

    #[test]
    fn every_character_comes_back_and_a_flipped_bit_shows() {
        for octet in 0..0x80 {
            assert_eq!(without_parity(with_parity(octet)), (octet, true));
            assert!(!without_parity(with_parity(octet) ^ 4).1);
        }
    }
}
