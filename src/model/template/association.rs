//! The association and its requests.

use serde::{Deserialize, Serialize};

use crate::model::Obis;

/// Services of the conformance block by the standard's names (IEC 62056-53, 7.3.1), for `without`.
pub const SERVICES: [&str; 22] = [
    "general-protection",
    "general-block-transfer",
    "read",
    "write",
    "unconfirmed-write",
    "delta-value-encoding",
    "attribute0-supported-with-set",
    "priority-mgmt-supported",
    "attribute0-supported-with-get",
    "block-transfer-with-get-or-read",
    "block-transfer-with-set-or-write",
    "block-transfer-with-action",
    "multiple-references",
    "information-report",
    "data-notification",
    "access",
    "parameterized-access",
    "get",
    "set",
    "selective-access",
    "event-notification",
    "action",
];

/// Association.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AssociationTuning {
    /// Largest APDU proposed (client-max-receive-pdu-size); 65535 is the most that can be said.
    pub max_pdu: u16,
    /// Length of our challenge in octets, 8 to 64.
    pub challenge_bytes: u8,
    /// Form of ciphered APDUs.
    pub ciphering: CipheringForm,
    /// Whether a dedicated key is made for each association.
    pub dedicated_key: bool,
    /// Leave the system title out of general ciphering although it enters the nonce.
    pub omit_title_in_general: bool,
    /// No AARQ and no RLRQ: the association is always there.
    pub pre_established: bool,
    /// Current association object: method 1 takes the answer to the challenge.
    pub object: Obis,
    /// Where the public client reads the invocation counter that the meter expects.
    pub counter_objects: Vec<Obis>,
    /// Added to a counter that was read from the meter.
    pub counter_margin: u32,
    /// Whether the GMAC over the challenge takes a counter of its own from the same row as APDUs.
    pub gmac_takes_counter: bool,
    /// The meter gives no proof of its own in the last pass of high-level authentication: accept that.
    pub accept_missing_proof: bool,
    /// How an association ends.
    pub release: Release,
    /// Conformance bits never proposed, by name (`general-block-transfer`, `multiple-references`, …).
    pub without: Vec<String>,
}

impl Default for AssociationTuning {
    fn default() -> Self {
        Self {
            max_pdu: 65535,
            challenge_bytes: 16,
            ciphering: CipheringForm::ServiceSpecific,
            dedicated_key: false,
            omit_title_in_general: false,
            pre_established: false,
            object: Obis::new(0, 0, 40, 0, 0, 255),
            counter_objects: vec![Obis::new(0, 0, 43, 1, 0, 255), Obis::new(0, 0, 43, 1, 1, 255)],
            counter_margin: 1,
            gmac_takes_counter: true,
            accept_missing_proof: false,
            release: Release::Request,
            without: Vec::new(),
        }
    }
}

/// Form of ciphered APDUs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CipheringForm {
    /// glo-get-request, ded-get-request, …
    ServiceSpecific,
    /// general-glo-ciphering, general-ded-ciphering.
    General,
}

/// How an association ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Release {
    /// RLRQ, then the link is closed.
    Request,
    /// The link is closed, nothing is said.
    Close,
}

/// Requests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RequestTuning {
    /// Most attributes in one GET-with-list; 1 is none.
    pub list_max: u16,
    /// Window of general block transfer, where negotiated.
    pub block_window: u8,
    /// Forms of selective access to profiles, best first; what fails is not tried again.
    pub selective_access: Vec<Selection>,
}

impl Default for RequestTuning {
    fn default() -> Self {
        Self { list_max: 32, block_window: 10, selective_access: vec![Selection::Range, Selection::Entry] }
    }
}

/// A form of selective access.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Selection {
    /// By a range of the clock column.
    Range,
    /// By entry number.
    Entry,
}
