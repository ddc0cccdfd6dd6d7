//! What this program has learnt of a meter and need not ask again.
//!
//! Kept in the store as one JSON document a meter, filled by drivers, thrown away when the meter's firmware or
//! configuration identity changes.

mod object_list;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Identity, Obis, ObjectEntry, ProfileLayout, RoundTrip, ScalerUnit};

/// What is known of a meter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Knowledge {
    /// Plate data of the last read.
    pub identity: Identity,
    /// For which association (client, authentication) and template the rest was learnt: another one may see other
    /// objects.
    pub learnt_as: String,
    /// The meter's count of configuration changes at the last read, where it keeps one.
    pub configuration: Option<String>,
    /// The association's object list; empty where it was never read.
    #[serde(with = "object_list")]
    pub objects: Vec<ObjectEntry>,
    /// The meter does not give its object list: the usual objects are tried instead.
    pub object_list_refused: bool,
    /// Scalers and units of registers, extended and demand registers.
    pub scalers: BTreeMap<Obis, ScalerUnit>,
    /// Profiles: their columns as the meter lists them.
    pub profiles: BTreeMap<Obis, ProfileColumns>,
    /// Push setups with their object lists, in the order in which they push values.
    pub push_lists: BTreeMap<Obis, Vec<CaptureObject>>,
    /// The most attributes a GET-with-list may carry, learnt from a refusal; `None` is as the template says.
    pub list_max: Option<u16>,
    /// Sessions left in which short messages are proposed, since the line failed while long ones were allowed; nought
    /// proposes what the template says.
    pub short_messages: u8,
    /// Profiles that refused selective access by range.
    pub no_range: BTreeSet<Obis>,
    /// Profiles that refused selective access by entry.
    pub no_entry: BTreeSet<Obis>,
    /// Profiles that gave rows by range: a refusal now means that there are none.
    pub range_proven: BTreeSet<Obis>,
    /// Selective access works alone but not inside a GET-with-list.
    pub profiles_apart: bool,
    /// Attributes that the meter refuses to give: not asked for again. Attribute 0 is the whole object.
    pub refused: Vec<(u16, Obis, u8)>,
    /// The wire shows deviations with the other sign than the template says: stamps are read with that one.
    pub sign_looks_inverted: bool,
    /// How long the meter takes to answer over its line.
    pub round_trip: RoundTrip,
}

/// A profile's columns, as captured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfileColumns {
    /// What the store and the windows need to know.
    pub layout: ProfileLayout,
    /// The role of each captured column, in the meter's order.
    pub columns: Vec<ColumnRole>,
    /// The captured objects as listed, for range access and as evidence.
    pub captured: Vec<CaptureObject>,
    /// Rows come newest first (sort method LIFO, or largest by the clock).
    pub newest_first: bool,
}

/// The role of one captured column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ColumnRole {
    /// The stamp.
    Clock,
    /// The status.
    Status,
    /// The event code of a log.
    EventCode,
    /// The channel with this number in the layout.
    Channel(usize),
    /// Something else, kept as text beside the row.
    Other,
}

/// One entry of a profile's capture objects (IEC 62056-62, class 7 attribute 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CaptureObject {
    /// COSEM class.
    pub class_id: u16,
    /// Logical name.
    pub obis: Obis,
    /// Attribute; 0 is all of them.
    pub attribute: i8,
    /// Element of a structured attribute; 0 is the whole.
    pub data_index: u16,
}
