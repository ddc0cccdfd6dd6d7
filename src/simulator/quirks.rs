//! Habits of real meters that a client must live with, each as a switch (`--fault quirk:WORD`).
//!
//! The number beside a switch is the line of `facts/dlms-quirks.md` that it plays.

use std::fmt;
use std::str::FromStr;

macro_rules! quirks {
    ($($(#[$doc:meta])* $variant:ident = $word:literal, $line:literal;)+) => {
        /// One habit.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Quirk {
            $($(#[$doc])* $variant),+
        }

        impl Quirk {
            /// All of them with their words and their lines in `facts/dlms-quirks.md`.
            pub const ALL: &'static [(Self, &'static str, u8)] = &[$((Self::$variant, $word, $line)),+];
        }
    };
}

quirks! {
    /// HDLC answers bear the server address in two octets whatever the request used.
    TwoByteAnswers = "two-byte-answers", 2;
    /// HDLC answers bear the server address in four octets whatever the request used.
    FourByteAnswers = "four-byte-answers", 3;
    /// UA has the two addresses in the order of the command.
    SwappedUa = "swapped-ua", 5;
    /// What arrives is sent back before the answer, as infrared heads and RS-485 converters do.
    Echo = "echo", 7;
    /// UA writes each length in the two-octet form, the defaults included.
    WideUa = "wide-ua", 8;
    /// UA carries no parameters: 128 octets and window 1.
    BareUa = "bare-ua", 8;
    /// SNRM without parameters is refused with DM.
    SnrmNeedsParameters = "snrm-needs-parameters", 8;
    /// SNRM with parameters is not answered.
    SnrmIgnoresParameters = "snrm-ignores-parameters", 8;
    /// SNRM with parameters is refused with DM.
    SnrmRefusesParameters = "snrm-refuses-parameters", 8;
    /// A second SNRM is not answered until a DISC came.
    StaysConnected = "stays-connected", 13;
    /// HDLC messages have no LLC header.
    NoLlc = "no-llc", 14;
    /// A push in an unnumbered frame goes ahead of each answer.
    UiPush = "ui-push", 14;
    /// A foreign frame and noise stand between frames.
    LineNoise = "line-noise", 16;
    /// The wrapper's source and destination are not exchanged in answers.
    WrapperSwapped = "wrapper-swapped", 19;
    /// Blocks exceed the client's largest APDU by six octets.
    PduOvershoot = "pdu-overshoot", 20;
    /// A counter that was used already ends the session without a word.
    CounterCloses = "counter-closes", 22;
    /// A rejecting AARE has no user-information.
    RejectBare = "reject-bare", 25;
    /// A rejecting AARE has user-information that makes no sense.
    RejectGarbled = "reject-garbled", 26;
    /// AARE carries a protocol version, and not the standard's.
    ProtocolVersion = "protocol-version", 27;
    /// AARE names no mechanism.
    NoMechanism = "no-mechanism", 28;
    /// The first AARQ of each connection is answered by an exception.
    AarqException = "aarq-exception", 29;
    /// RLRE has lengths that are not those of its contents.
    ReleaseLengths = "release-lengths", 30;
    /// RLRQ is never answered.
    ReleaseSilent = "release-silent", 31;
    /// RLRQ is answered by an exception.
    ReleaseException = "release-exception", 31;
    /// Selective access and lists are not negotiated, and refused with an exception when asked for.
    PoorConformance = "poor-conformance", 32;
    /// The meter's largest APDU is said to be 0: no limit.
    NoPduLimit = "no-pdu-limit", 33;
    /// The association object is 0-0:40.0.5 and the invocation counter 0-0:43.1.5.
    OtherObjects = "other-objects", 34;
    /// There is an association without AARQ.
    PreEstablished = "pre-established", 35;
    /// The answer to a challenge of more than 16 octets is wrong.
    ShortChallenges = "short-challenges", 36;
    /// The meter's challenge is the client's.
    ReflectedChallenge = "reflected-challenge", 37;
    /// The meter gives no proof of its own after the client's.
    NoProof = "no-proof", 38;
    /// Of a counter that was used already it only says that deciphering failed.
    CounterUnsaid = "counter-unsaid", 40;
    /// Ciphered answers come in the other form than the request: general for service-specific and the reverse.
    OtherCiphering = "other-ciphering", 44;
    /// General ciphering leaves the system title out.
    NoTitle = "no-title", 45;
    /// Block numbers go on from the transfer before.
    StaleBlocks = "stale-blocks", 49;
    /// Block numbers begin at 0.
    BlocksFromZero = "blocks-from-zero", 50;
    /// Each block has octets behind its declared contents.
    BlockTrailing = "block-trailing", 51;
    /// The clock is encoded twice in one answer.
    ValueTrailing = "value-trailing", 52;
    /// One attribute a request: lists are answered by an exception.
    NoList = "no-list", 53;
    /// Answers to lists are short of one item.
    ListMalformed = "list-malformed", 54;
    /// Long answers come by general block transfer, where negotiated, without being asked.
    GbtUnasked = "gbt-unasked", 55;
    /// Each second block of a general block transfer is lost once.
    GbtLoses = "gbt-loses", 55;
    /// Answers to ACTION leave out the flag that they return nothing.
    ActionBare = "action-bare", 56;
    /// The object list claims more elements than it has.
    ArrayCounts = "array-counts", 57;
    /// The object list names attribute −1, leaves access rights and the association object out.
    ObjectListGaps = "object-list-gaps", 58;
    /// Some attributes in the object list answer hardware-fault or other-reason.
    HardwareFaults = "hardware-faults", 59;
    /// An empty octet string or null stands where a structure is due.
    EmptyStructures = "empty-structures", 60;
    /// The deviation has the other sign.
    DeviationInverted = "deviation-inverted", 62;
    /// The deviation is not specified.
    DeviationUnspecified = "deviation-unspecified", 63;
    /// The clock stays in standard time all year, its deviation not specified.
    StandardTime = "standard-time", 63;
    /// The deviation in a range request is ignored: its stamps are taken as local time.
    RangeLocal = "range-local", 64;
    /// Weekday, hundredths and clock status are not specified in stamps.
    StampGaps = "stamp-gaps", 65;
    /// Scalers come with a unit number that no table names.
    UnknownUnit = "unknown-unit", 67;
    /// The scaler of energy is not that of the model: values in 0.1.
    OtherScaler = "other-scaler", 68;
    /// A stamp that is the one before plus the period is null-data.
    NullStamps = "null-stamps", 73;
    /// A value that equals the one before is null-data.
    NullValues = "null-values", 73;
    /// Newest row first.
    NewestFirst = "newest-first", 73;
    /// The clock is not the first column.
    ClockNotFirst = "clock-not-first", 74;
    /// Capture objects name attribute 0, a data index, and an object twice.
    OddColumns = "odd-columns", 75;
    /// No selective access by range.
    NoRange = "no-range", 76;
    /// No selective access by entry.
    NoEntry = "no-entry", 76;
    /// Selected columns are ignored.
    NoColumnChoice = "no-column-choice", 76;
    /// An empty buffer is null-data.
    EmptyNull = "empty-null", 77;
    /// An empty buffer is refused: other-reason.
    EmptyRefused = "empty-refused", 77;
    /// Entries in use exceed profile entries by two.
    EntriesWrong = "entries-wrong", 78;
    /// The last entry of an entry descriptor is taken as a count.
    EntryCount = "entry-count", 78;
    /// Buffers come as compact arrays.
    CompactArray = "compact-array", 79;
    /// Each row of a profile that is read comes twice.
    DoubledRows = "doubled-rows", 80;
    /// Notifications come in between.
    Notifications = "notifications", 83;
    /// A request longer than the meter's largest APDU is answered by an exception.
    LongRefused = "long-refused", 88;
}

impl Quirk {
    /// The word after `quirk:`.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|one| one.0 == self).map_or("", |one| one.1)
    }
}

impl fmt::Display for Quirk {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.word())
    }
}

impl FromStr for Quirk {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.iter().find(|one| one.1 == text);
        found.map(|one| one.0).ok_or_else(|| {
            let words: Vec<&str> = Self::ALL.iter().map(|one| one.1).collect();
            format!("the quirk `{text}` is not known: write one of {}", words.join(", "))
        })
    }
}

/// The habits of one meter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quirks(u128);

impl Quirks {
    /// None at all: a meter by the book.
    pub const NONE: Self = Self(0);

    /// Whether the meter has a habit.
    #[must_use]
    pub const fn has(self, quirk: Quirk) -> bool {
        self.0 >> quirk as u32 & 1 == 1
    }

    /// With a habit more.
    #[must_use]
    pub const fn with(self, quirk: Quirk) -> Self {
        Self(self.0 | 1 << quirk as u32)
    }
}

impl FromIterator<Quirk> for Quirks {
    fn from_iter<I: IntoIterator<Item = Quirk>>(quirks: I) -> Self {
        quirks.into_iter().fold(Self::NONE, Self::with)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_reads_back_as_its_own_quirk() {
        assert!(Quirk::ALL.len() <= 128);
        for (quirk, word, _) in Quirk::ALL {
            assert_eq!(word.parse::<Quirk>().as_ref(), Ok(quirk));
            let alone = Quirks::NONE.with(*quirk);
            let others = Quirk::ALL.iter().filter(|one| one.0 != *quirk);
            assert!(alone.has(*quirk) && others.clone().all(|one| !alone.has(one.0)));
        }
    }

    #[test]
    fn an_unknown_quirk_names_those_that_exist() {
        assert!("late".parse::<Quirk>().unwrap_err().contains("blocks-from-zero"));
    }
}
