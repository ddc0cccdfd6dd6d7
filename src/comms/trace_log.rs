//! The traffic of one session on its way to the store: counted always, kept within bounds.

use jiff::Timestamp;

use crate::store::TraceRecord;

/// Octets kept of one session; what comes after is counted, not kept.
const MOST_BYTES: usize = 4 << 20;
/// Records kept of one session.
const MOST_RECORDS: usize = 50_000;
/// Records that wait in memory before they are written.
const BATCH: usize = 256;

/// The traffic of one session.
#[derive(Debug, Default)]
pub(super) struct TraceLog {
    keep: bool,
    waiting: Vec<TraceRecord>,
    kept_bytes: usize,
    kept_records: usize,
    is_full: bool,
    last_sent: bool,
    /// Round trips: an answer after something was sent.
    pub(super) exchanges: u64,
    /// Octets.
    pub(super) bytes_sent: u64,
    /// Octets.
    pub(super) bytes_received: u64,
}

impl TraceLog {
    /// A log that keeps traffic or only counts it.
    pub(super) fn new(keep: bool) -> Self {
        Self { keep, ..Self::default() }
    }

    /// Takes a record; secrets are masked in it already.
    pub(super) fn record(&mut self, record: TraceRecord) {
        if record.note.is_none() {
            self.count(record.sent, record.bytes.len());
        }
        if !self.keep || self.is_full {
            return;
        }
        self.kept_bytes = self.kept_bytes.saturating_add(record.bytes.len());
        self.kept_records += 1;
        let at = record.at;
        self.waiting.push(record);
        if self.kept_bytes > MOST_BYTES || self.kept_records > MOST_RECORDS {
            self.is_full = true;
            self.waiting.push(note(at, "the rest of this session's traffic is not kept: it is too much"));
        }
    }

    fn count(&mut self, sent: bool, bytes: usize) {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        if sent {
            self.bytes_sent = self.bytes_sent.saturating_add(bytes);
        } else {
            self.bytes_received = self.bytes_received.saturating_add(bytes);
            self.exchanges += u64::from(self.last_sent);
        }
        self.last_sent = sent;
    }

    /// Keeps a remark among the traffic.
    pub(super) fn remark(&mut self, at: Timestamp, text: &str) {
        self.record(note(at, text));
    }

    /// What should be written now: nothing until there is a batch of it, unless all of it is wanted.
    pub(super) fn take(&mut self, all: bool) -> Vec<TraceRecord> {
        if all || self.waiting.len() >= BATCH { std::mem::take(&mut self.waiting) } else { Vec::new() }
    }
}

/// A remark among the traffic.
fn note(at: Timestamp, text: &str) -> TraceRecord {
    TraceRecord { at, sent: false, bytes: Vec::new(), masked: Vec::new(), note: Some(text.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(sent: bool, bytes: usize) -> TraceRecord {
        TraceRecord { at: Timestamp::UNIX_EPOCH, sent, bytes: vec![0; bytes], masked: Vec::new(), note: None }
    }

    #[test]
    fn an_answer_in_pieces_is_one_exchange() {
        let mut log = TraceLog::new(true);
        for (sent, bytes) in [(true, 10), (false, 3), (false, 4), (true, 5), (false, 1)] {
            log.record(piece(sent, bytes));
        }
        assert_eq!((log.exchanges, log.bytes_sent, log.bytes_received), (2, 15, 8));
    }

    #[test]
    fn too_much_traffic_is_counted_but_not_kept_and_says_so() {
        let mut log = TraceLog::new(true);
        for _ in 0..6 {
            log.record(piece(false, 1 << 20));
        }
        let kept = log.take(true);
        assert_eq!(log.bytes_received, 6 << 20);
        assert!(kept.iter().map(|record| record.bytes.len()).sum::<usize>() <= MOST_BYTES + (1 << 20));
        assert!(kept.last().unwrap().note.is_some());
    }

    #[test]
    fn without_a_trace_traffic_is_only_counted() {
        let mut log = TraceLog::new(false);
        log.record(piece(true, 7));
        assert_eq!(log.bytes_sent, 7);
        assert!(log.take(true).is_empty());
    }
}
