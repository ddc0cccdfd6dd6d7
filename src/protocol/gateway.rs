//! The prefix of a DLMS gateway: which meter behind a concentrator an APDU is for (Green Book, gateway protocol).
//!
//! ```text
//! request   E6 network length address… APDU
//! response  E7 network length address… APDU
//! ```

use crate::model::Gateway;

const REQUEST: u8 = 0xE6;
const RESPONSE: u8 = 0xE7;

/// Which way an APDU with a prefix goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// To the meter.
    Request,
    /// From the meter.
    Response,
}

/// A prefix as found in front of an APDU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prefix {
    /// Which way.
    pub direction: Direction,
    /// Network id.
    pub network: u8,
    /// Physical device address.
    pub address: Vec<u8>,
}

impl Prefix {
    /// The prefix of a request to a meter behind a gateway. An address is at most 255 octets long; a line's parser
    /// sees to that, and what exceeds it is left out.
    #[must_use]
    pub fn request(gateway: &Gateway) -> Self {
        let mut address = gateway.address_bytes();
        address.truncate(255);
        Self { direction: Direction::Request, network: gateway.network, address }
    }

    /// The prefix of the answer.
    #[must_use]
    pub fn answer(&self) -> Self {
        Self { direction: Direction::Response, ..self.clone() }
    }

    /// Whether the answer's prefix belongs to this request.
    #[must_use]
    pub fn is_answered_by(&self, other: &Self) -> bool {
        other.network == self.network && other.address == self.address
    }

    /// Puts the prefix in front of an APDU.
    #[must_use]
    pub fn wrap(&self, apdu: &[u8]) -> Vec<u8> {
        let tag = match self.direction {
            Direction::Request => REQUEST,
            Direction::Response => RESPONSE,
        };
        let address = self.address.get(..255).unwrap_or(&self.address);
        [&[tag, self.network, address.len() as u8], address, apdu].concat()
    }
}

/// Takes a prefix off an APDU, where there is one. No DLMS APDU begins with either tag.
#[must_use]
pub fn unwrap(octets: &[u8]) -> (Option<Prefix>, &[u8]) {
    let found = || {
        let (&[tag, network, length], rest) = octets.split_first_chunk::<3>()?;
        let direction = match tag {
            REQUEST => Direction::Request,
            RESPONSE => Direction::Response,
            _ => return None,
        };
        let (address, apdu) = rest.split_at_checked(usize::from(length))?;
        Some((Prefix { direction, network, address: address.to_vec() }, apdu))
    };
    found().map_or((None, octets), |(prefix, apdu)| (Some(prefix), apdu))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_request_names_network_and_address_and_its_answer_too() {
        let prefix = Prefix::request(&Gateway { network: 1, address: "0x0A0B".to_owned() });
        let octets = prefix.wrap(&[0xC0, 0x01]);
        // Layout: facts/dlms-quirks.md, 24.
        assert_eq!(octets, [0xE6, 0x01, 0x02, 0x0A, 0x0B, 0xC0, 0x01]);
        let answer = prefix.answer().wrap(&[0xC4]);
        let (found, apdu) = unwrap(&answer);
        assert!(prefix.is_answered_by(&found.unwrap()));
        assert_eq!(apdu, [0xC4]);
    }

    #[test]
    fn an_apdu_without_a_prefix_or_with_half_of_one_stays_as_it_is() {
        assert_eq!(unwrap(&[0xC4, 0x01]), (None, [0xC4, 0x01].as_slice()));
        assert_eq!(unwrap(&[0xE7, 0, 9, 1]), (None, [0xE7, 0, 9, 1].as_slice()));
    }

    proptest! {
        #[test]
        fn every_prefix_survives_the_way_there_and_back(
            network: u8, address in proptest::collection::vec(any::<u8>(), 0..256), apdu: Vec<u8>,
        ) {
            let prefix = Prefix { direction: Direction::Request, network, address };
            let octets = prefix.wrap(&apdu);
            prop_assert_eq!(unwrap(&octets), (Some(prefix), apdu.as_slice()));
        }

        #[test]
        fn no_octets_make_it_panic(octets: Vec<u8>) {
            let _ = unwrap(&octets);
        }
    }
}
