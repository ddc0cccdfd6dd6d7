//! The HDLC link, waits and retries.

use serde::{Deserialize, Serialize};

/// HDLC link.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HdlcTuning {
    /// Largest information field proposed, both ways, in octets (128 to 2030).
    pub info: u16,
    /// Window proposed, both ways (1 to 7).
    pub window: u8,
    /// Whether SNRM carries parameters: some meters demand them, some refuse them.
    pub parameters: HdlcParameters,
    /// Whether a DISC goes ahead of the SNRM, for meters that stay connected after an aborted session.
    pub disconnect_first: bool,
    /// Silence between octets of a frame that ends it, in milliseconds.
    pub inter_octet_ms: u32,
    /// Pause between the end of an answer and the next frame, in milliseconds, for two-wire buses whose converters
    /// are slow to turn round.
    pub turnaround_ms: u32,
}

impl Default for HdlcTuning {
    fn default() -> Self {
        Self {
            info: 2030,
            window: 7,
            parameters: HdlcParameters::Propose,
            disconnect_first: false,
            inter_octet_ms: 1500,
            turnaround_ms: 0,
        }
    }
}

/// Whether SNRM carries parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HdlcParameters {
    /// Propose `info` and `window`; after a failure once more without.
    Propose,
    /// Never: 128 octets, window 1.
    Omit,
    /// Always, also when they are the defaults.
    Force,
}

/// Waits and retries. Each `--fault` of a line has its answer here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Timing {
    /// Longest wait for the first octet of an answer, in milliseconds.
    pub response_ms: u32,
    /// Longest gap between the frames of one message, in milliseconds (at least 4000: `facts/dlms-quirks.md`, 15).
    pub inter_frame_ms: u32,
    /// Longest wait for opening a connection, in milliseconds.
    pub connect_ms: u32,
    /// Times a frame is sent again before the link is given up.
    pub frame_retries: u32,
    /// Attempts of the whole session.
    pub attempts: u32,
    /// Pause the meter wants between two sessions, in milliseconds.
    pub reconnect_pause_ms: u32,
    /// Least pause before another attempt of the session, in milliseconds; it doubles from there.
    pub retry_pause_ms: u32,
    /// Longest wait for a release, whose failure never fails a job, in milliseconds.
    pub release_ms: u32,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            response_ms: 6000,
            inter_frame_ms: 4000,
            connect_ms: 10_000,
            frame_retries: 2,
            attempts: 3,
            reconnect_pause_ms: 0,
            retry_pause_ms: 0,
            release_ms: 1500,
        }
    }
}
