//! How firmware comes into a model.

use serde::{Deserialize, Serialize};

use crate::model::Obis;

use super::ImageSignature;

/// How firmware comes into a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FirmwareTuning {
    /// Image transfer (class 18); the first in the object list where that lacks this one.
    pub image: Obis,
    /// Data object with the firmware version; the plate's `firmware` where it is not named, else 1-0:0.2.0.
    pub version: Option<Obis>,
    /// Data object with the model; any plate text counts where it is not named.
    pub model: Option<Obis>,
    /// Data object with the hardware revision; any plate text counts where it is not named.
    pub hardware: Option<Obis>,
    /// Schedule of the activation (class 22).
    pub schedule: Obis,
    /// Longest verification, in seconds.
    pub verify_seconds: u32,
    /// Longest wait for the meter's restart, in seconds.
    pub restart_seconds: u32,
    /// Pause between two looks at a meter that verifies, in milliseconds.
    pub poll_ms: u32,
    /// The maker's own signature within each image; none is looked for where it is not described.
    pub image_signature: Option<ImageSignature>,
}

impl Default for FirmwareTuning {
    /// The standard's names (IEC 62056-61).
    fn default() -> Self {
        Self {
            image: Obis::new(0, 0, 44, 0, 0, 255),
            version: None,
            model: None,
            hardware: None,
            schedule: Obis::new(0, 0, 15, 0, 2, 255),
            verify_seconds: 600,
            restart_seconds: 300,
            poll_ms: 2000,
            image_signature: None,
        }
    }
}
