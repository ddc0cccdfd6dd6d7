//! Addresses on an HDLC line (IEC 62056-46, 6.4.2.3): one, two or four octets, the last one with its lowest bit set.

use crate::model::{AddressBytes, ServerAddress};

/// The upper limit of a client address, which takes one octet.
pub const MAX_CLIENT: u16 = 0x7F;

/// An address as a frame carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HdlcAddress {
    upper: u16,
    lower: Option<u16>,
    bytes: AddressBytes,
}

impl HdlcAddress {
    /// A client's address; above [`MAX_CLIENT`] there is none.
    #[must_use]
    pub const fn client(sap: u16) -> Option<Self> {
        if sap > MAX_CLIENT {
            return None;
        }
        Some(Self { upper: sap, lower: None, bytes: AddressBytes::One })
    }

    /// A server's address. A form of two or four octets has a lower part in any case: without a physical part it
    /// calls every station, as is usual on a line with one meter. `None` where a part does not fit its octets.
    #[must_use]
    pub fn server(address: &ServerAddress) -> Option<Self> {
        let bytes = address.hdlc_bytes();
        let lower = match bytes {
            AddressBytes::One => None,
            AddressBytes::Two | AddressBytes::Four => {
                Some(address.physical.unwrap_or_else(|| all_stations(bytes)))
            }
        };
        let limit = all_stations(bytes);
        (address.logical <= limit
            && lower.unwrap_or(0) <= limit
            && (lower.is_some() || address.physical.is_none()))
        .then_some(Self { upper: address.logical, lower, bytes })
    }

    /// Reads an address from the front of some octets: the address and how many octets it took. `Ok(None)` while
    /// octets are missing.
    ///
    /// # Errors
    /// No address has three octets or more than four.
    pub fn read(octets: &[u8]) -> Result<Option<(Self, usize)>, NoAddress> {
        let Some(last) = octets.iter().take(4).position(|octet| octet & 1 == 1) else {
            return if octets.len() < 4 { Ok(None) } else { Err(NoAddress) };
        };
        let part = |at: usize| octets.get(at).map_or(0, |octet| u16::from(octet >> 1));
        let (upper, lower, bytes) = match last {
            0 => (part(0), None, AddressBytes::One),
            1 => (part(0), Some(part(1)), AddressBytes::Two),
            3 => (part(0) << 7 | part(1), Some(part(2) << 7 | part(3)), AddressBytes::Four),
            _ => return Err(NoAddress),
        };
        Ok(Some((Self { upper, lower, bytes }, last + 1)))
    }

    /// Appends the octets.
    pub fn write(self, out: &mut Vec<u8>) {
        let seven = |value: u16| (value as u8) << 1;
        let lower = self.lower.unwrap_or(0);
        match self.bytes {
            AddressBytes::One => out.push(seven(self.upper) | 1),
            AddressBytes::Two => out.extend([seven(self.upper), seven(lower) | 1]),
            AddressBytes::Four => {
                out.extend([seven(self.upper >> 7), seven(self.upper), seven(lower >> 7), seven(lower) | 1]);
            }
        }
    }

    /// The logical device, or the client's own number.
    #[must_use]
    pub const fn upper(self) -> u16 {
        self.upper
    }

    /// The physical device.
    #[must_use]
    pub const fn lower(self) -> Option<u16> {
        self.lower
    }

    /// The same address in another number of octets, where its parts fit.
    #[must_use]
    pub fn resized(self, bytes: AddressBytes) -> Option<Self> {
        let physical = self.lower.filter(|lower| *lower != all_stations(self.bytes));
        let physical = if bytes == AddressBytes::One { None } else { physical };
        Self::server(&ServerAddress { logical: self.upper, physical, bytes: Some(bytes) })
    }

    /// Whether both mean the same station: the parts count, not how many octets they take, and a physical part
    /// that is missing or calls every station fits any other (`facts/dlms-quirks.md`, 2 and 3).
    #[must_use]
    pub fn means(self, other: Self) -> bool {
        let open = |address: Self| address.lower.is_none_or(|lower| lower == all_stations(address.bytes));
        self.upper == other.upper && (open(self) || open(other) || self.lower == other.lower)
    }

    /// Whether this is the client `sap`, in however many octets.
    #[must_use]
    pub fn is_client(self, sap: u16) -> bool {
        match self.lower {
            None | Some(0) => self.upper == sap,
            Some(lower) => self.upper == 0 && lower == sap,
        }
    }
}

const fn all_stations(bytes: AddressBytes) -> u16 {
    match bytes {
        AddressBytes::One | AddressBytes::Two => 0x7F,
        AddressBytes::Four => 0x3FFF,
    }
}

/// Octets that are no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoAddress;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn server(text: &str) -> HdlcAddress {
        HdlcAddress::server(&text.parse().unwrap()).unwrap()
    }

    fn octets(address: HdlcAddress) -> Vec<u8> {
        let mut out = Vec::new();
        address.write(&mut out);
        out
    }

    #[test]
    fn every_length_has_its_octets() {
        // IEC 62056-46, 6.4.2.3: seven bits an octet, the end marked by the lowest bit.
        assert_eq!(octets(server("1")), [0x03]);
        assert_eq!(octets(server("1/17")), [0x02, 0x23]);
        assert_eq!(octets(server("1/17@4")), [0x00, 0x02, 0x00, 0x23]);
        assert_eq!(octets(server("1/2836")), [0x00, 0x02, 0x2C, 0x29]);
        assert_eq!(octets(server("1@2")), [0x02, 0xFF]);
        assert_eq!(octets(server("1@4")), [0x00, 0x02, 0xFE, 0xFF]);
        assert_eq!(octets(HdlcAddress::client(16).unwrap()), [0x21]);
    }

    #[test]
    fn a_client_above_127_and_a_part_too_large_have_no_octets() {
        assert_eq!(HdlcAddress::client(128), None);
        let wide = ServerAddress { logical: 0x4000, physical: None, bytes: None };
        assert_eq!(HdlcAddress::server(&wide), None);
        let lost = ServerAddress { logical: 1, physical: Some(5), bytes: Some(AddressBytes::One) };
        assert_eq!(HdlcAddress::server(&lost), None);
    }

    #[test]
    fn parts_are_compared_and_not_the_number_of_octets() {
        assert!(server("1/17").means(server("1/17@4")));
        assert!(server("1").means(server("1/17")));
        assert!(server("1@2").means(server("1/17@4")), "all stations");
        assert!(!server("1/17").means(server("1/18")));
        assert!(!server("1").means(server("2")));
    }

    #[test]
    fn no_address_has_three_octets_or_five() {
        assert_eq!(HdlcAddress::read(&[0x02, 0x02, 0x03, 0x05]), Err(NoAddress));
        assert_eq!(HdlcAddress::read(&[2, 2, 2, 2, 3]), Err(NoAddress));
        assert_eq!(HdlcAddress::read(&[2, 2]), Ok(None));
    }

    proptest! {
        #[test]
        fn every_address_survives_the_way_to_octets_and_back(
            upper in 0u16..0x80, lower in proptest::option::of(0u16..0x80), wide: bool,
        ) {
            let bytes = wide.then_some(AddressBytes::Four);
            let address = HdlcAddress::server(&ServerAddress { logical: upper, physical: lower, bytes }).unwrap();
            let there = octets(address);
            prop_assert_eq!(HdlcAddress::read(&there), Ok(Some((address, there.len()))));
        }

        #[test]
        fn no_octets_make_the_reader_panic(octets: Vec<u8>) {
            let _ = HdlcAddress::read(&octets);
        }
    }
}
