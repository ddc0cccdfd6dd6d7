//! What one session has done so far, and the result in words.

use std::collections::BTreeSet;

use crate::model::{self, Fault, Identity, Obis};

/// Remarks kept of one session; a meter that gives more says nothing new.
const MOST_REMARKS: usize = 50;

/// What one session has done so far. It outlives the session, so that a panic loses no count.
#[derive(Debug, Default)]
pub(super) struct Progress {
    registers: BTreeSet<(Obis, u8, bool)>,
    /// Registers of closed billing periods that were not there before.
    pub(super) billing_registers: u64,
    /// Intervals that were new or changed.
    pub(super) intervals: u64,
    /// Events that were not there before.
    pub(super) events: u64,
    /// What could not be had although the session went on.
    pub(super) partial: Vec<Fault>,
    /// Worth a line.
    pub(super) remarks: Vec<String>,
    /// Plate data that came.
    pub(super) identity: Option<Identity>,
    /// Meter minus computer, in milliseconds.
    pub(super) drift_ms: Option<i64>,
    /// The meter at the line's end is another one: nothing of it may be kept.
    pub(super) is_another_meter: bool,
    /// Objects in the list that came.
    pub(super) objects: u64,
    /// Why something that was read is not in the store.
    pub(super) unstored: Option<Fault>,
    /// What was done, in words, where that says more than the counts.
    pub(super) outcome: Option<String>,
}

impl Progress {
    /// Counts a register once, however often a repeated attempt reads it.
    pub(super) fn count_register(&mut self, obis: Obis, attribute: u8, instantaneous: bool) {
        self.registers.insert((obis, attribute, instantaneous));
    }

    /// Something that was read could not be stored; the first reason stands.
    pub(super) fn note_unstored(&mut self, fault: Fault) {
        self.unstored.get_or_insert(fault);
    }

    /// Registers stored, those of billing periods included.
    pub(super) fn registers(&self) -> u64 {
        u64::try_from(self.registers.len()).unwrap_or(u64::MAX).saturating_add(self.billing_registers)
    }

    /// Keeps a remark unless it is known or there are too many; true when it is new.
    pub(super) fn remark(&mut self, text: &str) -> bool {
        let new = self.remarks.len() < MOST_REMARKS && !self.remarks.iter().any(|known| known == text);
        if new {
            self.remarks.push(text.to_owned());
        }
        new
    }

    /// A new attempt: what the last one could not have may come now.
    pub(super) fn begin_attempt(&mut self) {
        self.partial.clear();
    }

    /// One fault for all that could not be had; nothing where there was none.
    pub(super) fn partial_fault(&self) -> Option<Fault> {
        let (first, more) = self.partial.split_first()?;
        let mut whole = first.clone();
        for fault in more {
            whole.message = format!("{}; {}", whole.message, fault.message);
            if whole.advice.is_empty() {
                whole.advice.clone_from(&fault.advice);
            }
        }
        Some(whole.passing(false))
    }

    /// `14 registers, 48 intervals, 3 events`; empty where nothing was stored.
    pub(super) fn counts(&self) -> String {
        let instantaneous = self.registers.iter().filter(|(_, _, instantaneous)| *instantaneous).count();
        let parts = [
            counted(self.registers.len() - instantaneous, "register"),
            counted(instantaneous, "instantaneous value"),
            counted(self.billing_registers, "billing value"),
            counted(self.intervals, "interval"),
            counted(self.events, "event"),
            counted(self.objects, "object"),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

/// `1 register`, `14 registers`; nothing for none.
fn counted(count: impl TryInto<u64>, word: &str) -> Option<String> {
    let count = count.try_into().unwrap_or(u64::MAX);
    (count > 0).then(|| model::counted(count, word))
}

/// The result of a read in words.
pub(super) fn read_words(progress: &Progress, fault: Option<&Fault>) -> String {
    let counts = progress.counts();
    match fault {
        None if counts.is_empty() => match drift_words(progress) {
            Some(drift) => format!("Read: {drift}"),
            None => "Read: nothing that was not there before".to_owned(),
        },
        None => format!("Read: {counts}"),
        Some(fault) if counts.is_empty() => sentence(&fault.to_string()),
        Some(fault) => format!("Read in part: {counts}; {fault}"),
    }
}

/// The result of a connection test in words.
pub(super) fn test_words(progress: &Progress, fault: Option<&Fault>) -> String {
    if let Some(fault) = fault {
        return sentence(&fault.to_string());
    }
    let name = progress.identity.as_ref().and_then(|identity| {
        identity
            .logical_device_name
            .clone()
            .or_else(|| identity.serial.clone())
            .filter(|name| !name.is_empty())
    });
    let mut words = match name {
        Some(name) => format!("The meter answers: {name}"),
        None => "The meter answers".to_owned(),
    };
    if let Some(drift) = drift_words(progress) {
        words.push_str(", ");
        words.push_str(&drift);
    }
    words
}

fn drift_words(progress: &Progress) -> Option<String> {
    let drift_ms = progress.drift_ms?;
    let seconds = (drift_ms.unsigned_abs() + 500) / 1000;
    Some(match (seconds, drift_ms > 0) {
        (0, _) => "the clock is right".to_owned(),
        (seconds, true) => format!("the clock is {seconds} s fast"),
        (seconds, false) => format!("the clock is {seconds} s slow"),
    })
}

/// The text with a capital in front.
pub(super) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress() -> Progress {
        let mut progress = Progress { intervals: 48, ..Progress::default() };
        for rate in 0..14 {
            progress.count_register(Obis::new(1, 0, 1, 8, rate, 255), 2, false);
        }
        progress
    }

    #[test]
    fn a_good_read_says_how_much_came() {
        assert_eq!(read_words(&progress(), None), "Read: 14 registers, 48 intervals");
    }

    #[test]
    fn a_repeated_attempt_counts_no_register_twice() {
        let mut progress = progress();
        progress.count_register(Obis::new(1, 0, 1, 8, 0, 255), 2, false);
        assert_eq!(progress.registers(), 14);
    }

    #[test]
    fn a_failure_begins_with_a_capital_and_ends_with_what_to_try() {
        let fault = Fault::line("nothing answered within 6 s", "check the address");
        assert_eq!(
            read_words(&Progress::default(), Some(&fault)),
            "Nothing answered within 6 s; check the address"
        );
    }

    #[test]
    fn a_read_in_part_says_what_came_and_what_did_not() {
        let mut progress = progress();
        progress.partial.push(Fault::meter("the meter refused the event log", "give it a password"));
        progress.partial.push(Fault::meter("the billing profile is empty", ""));
        let fault = progress.partial_fault();
        let words = read_words(&progress, fault.as_ref());
        assert!(words.starts_with("Read in part: 14 registers, 48 intervals; the meter refused"), "{words}");
        assert!(words.contains("the billing profile is empty; give it a password"), "{words}");
    }

    #[test]
    fn a_test_tells_the_name_and_the_clock() {
        let identity = Identity { logical_device_name: Some("MTW0000001".to_owned()), ..Identity::default() };
        let progress = Progress { identity: Some(identity), drift_ms: Some(-3200), ..Progress::default() };
        assert_eq!(test_words(&progress, None), "The meter answers: MTW0000001, the clock is 3 s slow");
    }
}
