//! How far one meter's flash has come: all that a later session needs to go on.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::{FlashOutcome, FlashPhase, Obis};

/// Blocks that are announced to the store ahead of being sent.
pub(super) const AHEAD: u32 = 64;

/// A transfer that was initiated in the meter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Initiated {
    /// Bytes of a block.
    pub block_size: u32,
    /// How many blocks.
    pub blocks: u32,
    /// Blocks from this one on were certainly not sent yet: kept before they are.
    pub horizon: u32,
    /// Blocks that the meter took, as far as was kept.
    pub taken: u32,
    /// Identifications in image_to_activate_info right after initiating, in hexadecimal: those of other images.
    pub others: Vec<String>,
    /// The meter said that the image is sound.
    pub verified: bool,
}

/// What was read before, for comparing afterwards.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Before {
    /// When.
    pub at: Timestamp,
    /// Energy registers: name, attribute, value.
    pub registers: Vec<(Obis, u8, String)>,
    /// The scheme's file; nothing where the meter gave none.
    pub scheme: Option<String>,
}

/// How far the activation has come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Activating {
    /// The meter was told to, or may have been.
    pub told: bool,
    /// It said that it does.
    pub agreed: bool,
    /// It takes over by itself at this instant.
    pub at: Option<Timestamp>,
}

/// How far one meter's flash has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FlashState {
    /// The phase that it was in last.
    pub phase: FlashPhase,
    /// How it stands.
    pub outcome: FlashOutcome,
    /// Why it does not go on, or what there is to know; in words.
    pub message: String,
    /// The serial number of the meter that all this is about, where it says one.
    pub serial: Option<String>,
    /// The version that the meter said before.
    pub version_before: Option<String>,
    /// The version that it said last after the activation.
    pub version_after: Option<String>,
    /// The transfer in the meter; nothing where none is known to be this package's.
    pub initiated: Option<Initiated>,
    /// What was read before.
    pub before: Option<Before>,
    /// The activation.
    pub activating: Activating,
    /// Transfers initiated, over all sessions.
    pub initiations: u32,
    /// Blocks sent, over all sessions and transfers.
    pub sent: u64,
}

/// The versions that a kept state names. A campaign's page asks for those of thousands of meters: what else a state
/// holds, such as the scheme from before, is passed over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct KeptVersions {
    /// See [`FlashState`].
    pub version_before: Option<String>,
    /// See [`FlashState`].
    pub version_after: Option<String>,
}

impl KeptVersions {
    /// Those of a state as the store has it; none where it does not read.
    #[must_use]
    pub fn of(state: &str) -> Self {
        serde_json::from_str(state).unwrap_or_default()
    }
}

impl Default for FlashState {
    fn default() -> Self {
        Self {
            phase: FlashPhase::Waiting,
            outcome: FlashOutcome::Open,
            message: String::new(),
            serial: None,
            version_before: None,
            version_after: None,
            initiated: None,
            before: None,
            activating: Activating::default(),
            initiations: 0,
            sent: 0,
        }
    }
}

impl FlashState {
    /// Blocks that the meter has, and all of them; noughts before a transfer is initiated.
    #[must_use]
    pub fn blocks(&self) -> (u32, u32) {
        self.initiated.as_ref().map_or((0, 0), |transfer| (transfer.taken, transfer.blocks))
    }

    /// Whether anything was sent to the meter that stays in it.
    #[must_use]
    pub fn has_sent(&self) -> bool {
        self.initiated.is_some() || self.activating.told
    }

    /// Another meter answers under this name now: nothing of what is known of the old one holds for it.
    pub(super) fn begin_anew(&mut self) {
        *self = Self { phase: self.phase, ..Self::default() };
    }

    /// The transfer in the meter is no good: the next one begins with initiating.
    pub(super) fn give_up_transfer(&mut self) {
        self.initiated = None;
        self.activating = Activating::default();
    }
}
