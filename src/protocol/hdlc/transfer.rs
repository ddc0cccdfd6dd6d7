//! Segmentation and windows, the same on both stations: messages out in numbered frames until they are acknowledged,
//! frames in, in order, until a message is whole (IEC 62056-46, 6.4.4.4.4).

use std::collections::VecDeque;

use super::parameters::Parameters;

#[derive(Clone, Debug)]
struct Segment {
    more: bool,
    info: Vec<u8>,
}

/// A numbered piece of a message, ready for an I frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) send: u8,
    pub(super) more: bool,
    pub(super) info: Vec<u8>,
}

/// What became of a received I frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Accepted {
    /// It was the next one; with it a message may be whole.
    InOrder(Option<Vec<u8>>),
    /// It was another one than the next: a repetition, or one before it was lost.
    NotNext,
    /// The message is longer than anything that was agreed on.
    TooLong,
}

/// Both directions of one connection.
#[derive(Clone, Debug)]
pub(super) struct Transfer {
    /// Sent and not acknowledged ones first.
    outgoing: VecDeque<Segment>,
    /// How many at the front are under way.
    under_way: usize,
    /// How many at the front were ever sent: a late acknowledgement may name them after `rewind`.
    ever_sent: usize,
    /// N(S) of the front.
    first: u8,
    /// N(R).
    next: u8,
    incoming: Vec<u8>,
    assembling: bool,
    info: usize,
    window: usize,
    max_message: usize,
}

impl Transfer {
    pub(super) fn new(agreed: Parameters, max_message: usize) -> Self {
        Self {
            outgoing: VecDeque::new(),
            under_way: 0,
            ever_sent: 0,
            first: 0,
            next: 0,
            incoming: Vec::new(),
            assembling: false,
            info: usize::from(agreed.info_transmit.max(1)),
            window: usize::from(agreed.window_transmit.clamp(1, 7)),
            max_message,
        }
    }

    /// Cuts a message into segments behind those that wait.
    pub(super) fn queue(&mut self, message: &[u8]) {
        let pieces = message.chunks(self.info);
        let last = pieces.len().saturating_sub(1);
        let segments = pieces.enumerate().map(|(at, info)| Segment { more: at < last, info: info.to_vec() });
        self.outgoing.extend(segments);
    }

    /// Whether anything waits to be sent or acknowledged.
    pub(super) fn has_outgoing(&self) -> bool {
        !self.outgoing.is_empty()
    }

    /// Whether anything was never sent.
    pub(super) fn has_unsent(&self) -> bool {
        self.outgoing.len() > self.ever_sent
    }

    /// Whether a message has begun to arrive and is not whole.
    pub(super) fn is_assembling(&self) -> bool {
        self.assembling
    }

    /// N(R): the number of the frame that must come next.
    pub(super) fn next_number(&self) -> u8 {
        self.next
    }

    /// The pieces that the window leaves room for.
    pub(super) fn burst(&mut self) -> Vec<Piece> {
        let end = self.outgoing.len().min(self.window);
        let pieces = self.outgoing.iter().enumerate().take(end).skip(self.under_way);
        let pieces = pieces
            .map(|(at, segment)| Piece {
                send: (self.first + at as u8) & 7,
                more: segment.more,
                info: segment.info.clone(),
            })
            .collect();
        self.under_way = self.under_way.max(end);
        self.ever_sent = self.ever_sent.max(end);
        pieces
    }

    /// What is not acknowledged will be sent again.
    pub(super) fn rewind(&mut self) {
        self.under_way = 0;
    }

    /// Everything before `receive` has arrived. Gives how many pieces that settles; nothing where the number names
    /// a frame that was never sent.
    pub(super) fn acknowledge(&mut self, receive: u8) -> Option<usize> {
        let count = usize::from(receive.wrapping_sub(self.first) & 7);
        if count > self.ever_sent {
            return None;
        }
        self.outgoing.drain(..count);
        self.under_way = self.under_way.saturating_sub(count);
        self.ever_sent -= count;
        self.first = receive & 7;
        Some(count)
    }

    /// Takes a received I frame.
    pub(super) fn accept(&mut self, send: u8, more: bool, info: &[u8]) -> Accepted {
        if send != self.next {
            return Accepted::NotNext;
        }
        if self.incoming.len() + info.len() > self.max_message {
            return Accepted::TooLong;
        }
        self.next = (self.next + 1) & 7;
        self.incoming.extend_from_slice(info);
        self.assembling = more;
        Accepted::InOrder((!more).then(|| std::mem::take(&mut self.incoming)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transfer(info: u16, window: u8) -> Transfer {
        Transfer::new(Parameters::both_ways(info, window), 1000)
    }

    fn numbers(pieces: &[Piece]) -> Vec<(u8, bool)> {
        pieces.iter().map(|piece| (piece.send, piece.more)).collect()
    }

    #[test]
    fn a_window_lets_that_many_pieces_out_before_an_acknowledgement() {
        let mut one = transfer(8, 3);
        one.queue(&[7; 33]);
        assert_eq!(numbers(&one.burst()), [(0, true), (1, true), (2, true)]);
        assert_eq!(one.burst(), []);
        assert_eq!(one.acknowledge(2), Some(2));
        assert_eq!(numbers(&one.burst()), [(3, true), (4, false)]);
        assert!(!one.has_unsent());
    }

    #[test]
    fn what_is_not_acknowledged_is_sent_again_under_the_same_number() {
        let mut one = transfer(8, 7);
        one.queue(&[7; 24]);
        let first = one.burst();
        assert_eq!(one.acknowledge(1), Some(1));
        one.rewind();
        assert_eq!(one.burst(), first[1..]);
    }

    #[test]
    fn a_late_acknowledgement_counts_after_a_rewind_and_a_wild_one_never() {
        let mut one = transfer(8, 7);
        one.queue(&[7; 24]);
        let _ = one.burst();
        one.rewind();
        assert_eq!(one.acknowledge(4), None);
        assert_eq!(one.acknowledge(3), Some(3));
        assert!(!one.has_outgoing());
    }

    #[test]
    fn only_the_next_piece_is_taken_and_a_message_without_end_is_refused() {
        let mut one = transfer(8, 7);
        assert_eq!(one.accept(1, true, &[1]), Accepted::NotNext);
        assert_eq!(one.accept(0, true, &[1]), Accepted::InOrder(None));
        assert!(one.is_assembling());
        assert_eq!(one.accept(0, true, &[1]), Accepted::NotNext);
        assert_eq!(one.accept(1, true, &[0; 1000]), Accepted::TooLong);
        assert_eq!(one.accept(1, false, &[2]), Accepted::InOrder(Some(vec![1, 2])));
    }
}
