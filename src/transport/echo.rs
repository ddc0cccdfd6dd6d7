//! Drops what an optical probe or a two-wire bus repeats of our own octets.

/// Compares what comes with what was sent. Octets are held back while they may be the echo; at the first that is not,
/// they and all that follows are passed on, and the layer above sorts out what remains.
#[derive(Clone, Debug, Default)]
pub(super) struct EchoFilter {
    expected: Vec<u8>,
    held: Vec<u8>,
}

impl EchoFilter {
    /// These octets were sent; what is missing of an earlier echo will not come any more.
    pub(super) fn sent(&mut self, octets: &[u8]) {
        self.expected.clear();
        self.held.clear();
        self.expected.extend_from_slice(octets);
    }

    /// What is left of received octets, and how many octets of echo were dropped.
    pub(super) fn received(&mut self, octets: &[u8]) -> (Vec<u8>, usize) {
        let Some(awaited) = self.expected.get(self.held.len()..).filter(|awaited| !awaited.is_empty()) else {
            return (octets.to_vec(), 0);
        };
        let common = octets.iter().zip(awaited).take_while(|(one, other)| one == other).count();
        self.held.extend(octets.iter().take(common));
        let rest = octets.get(common..).unwrap_or_default();
        if common == awaited.len() {
            let dropped = self.held.len();
            self.sent(&[]);
            return (rest.to_vec(), dropped);
        }
        if rest.is_empty() {
            return (Vec::new(), 0);
        }
        let mut passed = std::mem::take(&mut self.held);
        passed.extend_from_slice(rest);
        self.sent(&[]);
        (passed, 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_echo_in_pieces_is_dropped_and_the_answer_behind_it_passes() {
        let mut filter = EchoFilter::default();
        filter.sent(b"hello");
        assert_eq!(filter.received(b"he"), (vec![], 0));
        assert_eq!(filter.received(b"llohello"), (b"hello".to_vec(), 5));
        assert_eq!(filter.received(b"hello"), (b"hello".to_vec(), 0));
    }

    #[test]
    fn without_an_echo_nothing_is_lost() {
        let mut filter = EchoFilter::default();
        filter.sent(b"\x7E\xA0\x07");
        assert_eq!(filter.received(b"\x7E\xA0"), (vec![], 0));
        assert_eq!(filter.received(b"\x1E\x21"), (b"\x7E\xA0\x1E\x21".to_vec(), 0));
    }

    #[test]
    fn what_is_missing_of_an_echo_is_forgotten_with_the_next_sending() {
        let mut filter = EchoFilter::default();
        filter.sent(b"one");
        assert_eq!(filter.received(b"on"), (vec![], 0));
        filter.sent(b"two");
        assert_eq!(filter.received(b"two!"), (b"!".to_vec(), 3));
    }
}
