//! Flashing firmware: the phases of one meter's flash, and how it can end.

use std::fmt;
use std::str::FromStr;

/// One phase of a flash. They come in this order; a resumed flash begins again at `Package` and passes quickly through
/// what is done already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FlashPhase {
    /// It waits for its wave, its window or its line.
    Waiting,
    /// Checking the package: signature, trust, dates.
    Package,
    /// Identifying the meter: model, hardware, version.
    Identify,
    /// Registers, profile gap, scheme and clock into the store.
    Backup,
    /// Enabling image transfer.
    Enable,
    /// Telling the meter which image comes.
    Initiate,
    /// Sending blocks.
    Blocks,
    /// Sending blocks that the meter says it misses.
    Sweep,
    /// The meter verifies the image.
    Verify,
    /// Comparing what the meter would activate with the package.
    Compare,
    /// Activating, or arming the activation.
    Activate,
    /// Waiting for the meter's restart.
    Restart,
    /// Associating again and reading the version.
    Version,
    /// Comparing registers and scheme with the backup.
    Check,
    /// Nothing is left to do.
    Done,
}

impl FlashPhase {
    /// All of them in order, with the words that files and JSON keep, and the words for people.
    pub const ALL: [(Self, &'static str, &'static str); 15] = [
        (Self::Waiting, "waiting", "Waiting"),
        (Self::Package, "package", "Checking the package"),
        (Self::Identify, "identify", "Identifying the meter"),
        (Self::Backup, "backup", "Backing up registers, profile, scheme and clock"),
        (Self::Enable, "enable", "Enabling image transfer"),
        (Self::Initiate, "initiate", "Initiating the transfer"),
        (Self::Blocks, "blocks", "Sending blocks"),
        (Self::Sweep, "sweep", "Sending missing blocks"),
        (Self::Verify, "verify", "The meter verifies the image"),
        (Self::Compare, "compare", "Comparing what the meter would activate"),
        (Self::Activate, "activate", "Activating"),
        (Self::Restart, "restart", "Waiting for the meter's restart"),
        (Self::Version, "version", "Reading the version"),
        (Self::Check, "check", "Comparing registers and scheme with the backup"),
        (Self::Done, "done", "Done"),
    ];

    /// The word in files and JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        Self::ALL[self as usize].1
    }

    /// The phase in words, for a status line.
    #[must_use]
    pub const fn in_words(self) -> &'static str {
        Self::ALL[self as usize].2
    }
}

impl fmt::Display for FlashPhase {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.word())
    }
}

impl FromStr for FlashPhase {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.iter().find(|(_, word, _)| *word == text);
        found.map(|one| one.0).ok_or_else(|| format!("`{text}` is no phase of a flash"))
    }
}

/// How a flash stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FlashOutcome {
    /// Not begun, or it broke off and goes on when it is asked to.
    Open,
    /// The meter runs the version of the package; registers and scheme are as they were.
    Flashed,
    /// The image is in the meter, verified, and nothing activates it.
    Ready,
    /// The image is in the meter, verified, and takes over at a time.
    Scheduled,
    /// The meter does not suit the package, or the package the meter: nothing was sent.
    Refused,
    /// It failed in a way that will not pass by itself.
    Failed,
}

impl FlashOutcome {
    /// All of them with the words that files and JSON keep, and the words for people.
    pub const ALL: [(Self, &'static str, &'static str); 6] = [
        (Self::Open, "open", "Unfinished"),
        (Self::Flashed, "flashed", "Flashed"),
        (Self::Ready, "ready", "Ready to be activated"),
        (Self::Scheduled, "scheduled", "Activation scheduled"),
        (Self::Refused, "refused", "Refused"),
        (Self::Failed, "failed", "Failed"),
    ];

    /// The word in files and JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        Self::ALL[self as usize].1
    }

    /// The outcome in words.
    #[must_use]
    pub const fn in_words(self) -> &'static str {
        Self::ALL[self as usize].2
    }
}

impl fmt::Display for FlashOutcome {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.word())
    }
}

impl FromStr for FlashOutcome {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.iter().find(|(_, word, _)| *word == text);
        found.map(|one| one.0).ok_or_else(|| format!("`{text}` is no outcome of a flash"))
    }
}

super::text::serde_as_text!(FlashPhase);
super::text::serde_as_text!(FlashOutcome);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_reads_back_as_its_own_phase_or_outcome() {
        for (phase, word, _) in FlashPhase::ALL {
            assert_eq!((word.parse(), phase.word()), (Ok(phase), word));
        }
        for (outcome, word, _) in FlashOutcome::ALL {
            assert_eq!((word.parse(), outcome.word()), (Ok(outcome), word));
        }
    }
}
