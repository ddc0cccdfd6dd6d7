//! Addresses where a meter's own settings leave them out.

use serde::{Deserialize, Serialize};

use crate::model::ServerAddress;

/// Addresses where the meter's own settings leave them out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Addressing {
    /// Client SAP of an association without authentication.
    pub public_client: u16,
    /// Client SAP of every other association.
    pub client: u16,
    /// Server address.
    pub server: ServerAddress,
}

impl Default for Addressing {
    fn default() -> Self {
        Self { public_client: 16, client: 1, server: ServerAddress::MANAGEMENT }
    }
}
