//! The parameters that SNRM and UA negotiate (IEC 62056-46, 6.4.4.4.3.2), and the LLC header (6.3).

/// What each station can take, as the sender of the frame sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Parameters {
    /// Largest information field that the sender sends, in octets.
    pub info_transmit: u16,
    /// Largest information field that the sender takes.
    pub info_receive: u16,
    /// Frames that the sender sends before it waits for an acknowledgement, 1 to 7.
    pub window_transmit: u8,
    /// Frames that the sender takes before it acknowledges.
    pub window_receive: u8,
}

const FORMAT: u8 = 0x81;
const GROUP: u8 = 0x80;
const INFO_TRANSMIT: u8 = 5;
const INFO_RECEIVE: u8 = 6;
const WINDOW_TRANSMIT: u8 = 7;
const WINDOW_RECEIVE: u8 = 8;
/// A field smaller than this would carry less than its own frame weighs: taken for nonsense.
const MIN_INFO: u16 = 8;

impl Default for Parameters {
    /// What holds when nothing is said: 128 octets, one frame.
    fn default() -> Self {
        Self::both_ways(128, 1)
    }
}

impl Parameters {
    /// The same both ways, brought into the standard's bounds.
    #[must_use]
    pub fn both_ways(info: u16, window: u8) -> Self {
        Self { info_transmit: info, info_receive: info, window_transmit: window, window_receive: window }
            .bounded()
    }

    fn bounded(self) -> Self {
        let info = |value: u16| value.clamp(MIN_INFO, super::MAX_INFO as u16);
        Self {
            info_transmit: info(self.info_transmit),
            info_receive: info(self.info_receive),
            window_transmit: self.window_transmit.clamp(1, 7),
            window_receive: self.window_receive.clamp(1, 7),
        }
    }

    /// What both stations can do: mine, limited by what the other one says of itself (its transmitting is my
    /// receiving).
    #[must_use]
    pub fn limited_by(self, other: Self) -> Self {
        Self {
            info_transmit: self.info_transmit.min(other.info_receive),
            info_receive: self.info_receive.min(other.info_transmit),
            window_transmit: self.window_transmit.min(other.window_receive),
            window_receive: self.window_receive.min(other.window_transmit),
        }
    }

    /// The information field.
    #[must_use]
    pub fn encode(self) -> Vec<u8> {
        let mut group = Vec::with_capacity(24);
        for (id, info) in [(INFO_TRANSMIT, self.info_transmit), (INFO_RECEIVE, self.info_receive)] {
            match u8::try_from(info) {
                Ok(small) => group.extend([id, 1, small]),
                Err(_) => {
                    group.extend([id, 2]);
                    group.extend(info.to_be_bytes());
                }
            }
        }
        for (id, window) in [(WINDOW_TRANSMIT, self.window_transmit), (WINDOW_RECEIVE, self.window_receive)] {
            group.extend([id, 4, 0, 0, 0, window]);
        }
        let mut out = vec![FORMAT, GROUP, group.len() as u8];
        out.extend(group);
        out
    }

    /// Reads an information field. Values of one to four octets are taken, in any order; what is missing, empty or
    /// unknown leaves the default (`facts/dlms-quirks.md`, 8). Nothing where there is no parameter group at all.
    #[must_use]
    pub fn decode(info: &[u8]) -> Option<Self> {
        let (&[FORMAT, GROUP, length], group) = info.split_first_chunk::<3>()? else { return None };
        let mut group = group.get(..usize::from(length)).unwrap_or(group);
        let mut found = Self::default();
        while let Some((&[id, length], rest)) = group.split_first_chunk::<2>() {
            let Some((value, rest)) = rest.split_at_checked(usize::from(length)) else { break };
            group = rest;
            if value.is_empty() || value.len() > 4 {
                continue;
            }
            let value = value.iter().fold(0u32, |sum, octet| sum << 8 | u32::from(*octet));
            let info = u16::try_from(value).unwrap_or(u16::MAX);
            let window = u8::try_from(value).unwrap_or(u8::MAX);
            match id {
                INFO_TRANSMIT => found.info_transmit = info,
                INFO_RECEIVE => found.info_receive = info,
                WINDOW_TRANSMIT => found.window_transmit = window,
                WINDOW_RECEIVE => found.window_receive = window,
                _ => {}
            }
        }
        Some(found.bounded())
    }
}

/// The LLC header of a client's message.
pub const LLC_COMMAND: [u8; 3] = [0xE6, 0xE6, 0x00];
/// The LLC header of a server's message.
pub const LLC_RESPONSE: [u8; 3] = [0xE6, 0xE7, 0x00];

/// A message without its LLC header; a station that leaves it out is understood as well.
#[must_use]
pub fn without_llc(message: &[u8]) -> &[u8] {
    let strip = |header: [u8; 3]| message.strip_prefix(header.as_slice());
    strip(LLC_RESPONSE).or_else(|| strip(LLC_COMMAND)).unwrap_or(message)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_defaults_have_the_published_octets() {
        let octets = [0x81, 0x80, 0x12, 5, 1, 0x80, 6, 1, 0x80, 7, 4, 0, 0, 0, 1, 8, 4, 0, 0, 0, 1];
        assert_eq!(Parameters::default().encode(), octets);
        assert_eq!(Parameters::decode(&octets), Some(Parameters::default()));
    }

    #[test]
    fn the_largest_fields_take_two_octets() {
        let most = Parameters::both_ways(2030, 7);
        let octets = most.encode();
        assert_eq!(octets[..11], [0x81, 0x80, 0x14, 5, 2, 0x07, 0xEE, 6, 2, 0x07, 0xEE]);
        assert_eq!(Parameters::decode(&octets), Some(most));
    }

    #[test]
    fn values_of_any_length_and_order_are_read() {
        // `05 02 01 00` and `05 01 80`: facts/dlms-quirks.md, 8.
        let got = Parameters::decode(&[0x81, 0x80, 0x0A, 8, 1, 3, 5, 2, 1, 0, 6, 1, 0x80]).unwrap();
        let want =
            Parameters { info_transmit: 256, info_receive: 128, window_transmit: 1, window_receive: 3 };
        assert_eq!(got, want);
    }

    #[test]
    fn a_missing_or_empty_group_leaves_the_defaults() {
        assert_eq!(Parameters::decode(&[]), None);
        assert_eq!(Parameters::decode(&[0x81, 0x80, 0]), Some(Parameters::default()));
        assert_eq!(Parameters::decode(&[0x81, 0x80, 4, 5, 0, 7, 9]), Some(Parameters::default()));
    }

    #[test]
    fn each_side_is_limited_by_what_the_other_takes() {
        let mine = Parameters::both_ways(2030, 7);
        let theirs =
            Parameters { info_transmit: 512, info_receive: 128, window_transmit: 3, window_receive: 1 };
        let both = mine.limited_by(theirs);
        assert_eq!((both.info_transmit, both.info_receive), (128, 512));
        assert_eq!((both.window_transmit, both.window_receive), (1, 3));
    }

    proptest! {
        #[test]
        fn parameters_survive_the_way_to_octets_and_back(
            a in 8u16..2031, b in 8u16..2031, c in 1u8..8, d in 1u8..8,
        ) {
            let there = Parameters { info_transmit: a, info_receive: b, window_transmit: c, window_receive: d };
            prop_assert_eq!(Parameters::decode(&there.encode()), Some(there));
        }

        #[test]
        fn no_octets_make_the_reader_panic_or_leave_the_bounds(tail: Vec<u8>) {
            let mut octets = vec![0x81, 0x80, 0xFF];
            octets.extend(tail);
            let got = Parameters::decode(&octets).unwrap();
            prop_assert!((8..=2030).contains(&got.info_transmit) && (1..=7).contains(&got.window_receive));
        }
    }
}
