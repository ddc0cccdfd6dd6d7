//! Answers, kept until something changes.

use std::collections::HashMap;
use std::sync::Arc;

use crate::export::Preview;
use crate::model::{Catalogue, MeterId};
use crate::store::{JobRow, ListedMeter, MeterRow, StoredProfile};
use crate::transport::PortInfo;

use super::{
    Answer, Backend, DayTotal, Details, ListDetails, ListRates, ListSummary, MeterSchemes, PointView,
    PriceFile, Query, RegisterSet, SchemeFile, Slice, Traffic, Value,
};
use super::{CampaignFile, Expiries, PackageFile, TrustedKeys};
use crate::firmware::PublicKeyFile;
use crate::firmware::vendor::VendorFile;
use crate::model::Identity;
use crate::model::{BillingSet, Gap, MeterEvent};
use crate::store::{AuditRow, CampaignRow, PersonRow, StoreStatus};

/// How many answers are kept that no frame has asked for lately.
const KEPT: usize = 64;

/// What a frame gets for a question.
#[derive(Clone, Debug)]
pub enum Load<T> {
    /// Nothing yet.
    Loading,
    /// The answer; a fresher one may be on its way.
    Ready(T),
    /// Why there is none.
    Failed(String),
}

impl<T> Load<T> {
    /// The answer, where there is one.
    #[must_use]
    pub fn ready(self) -> Option<T> {
        match self {
            Self::Ready(value) => Some(value),
            Self::Loading | Self::Failed(_) => None,
        }
    }
}

#[derive(Debug)]
struct Entry {
    value: Option<Result<Value, String>>,
    asked: bool,
    stale: bool,
    used: u64,
}

/// Answers by question.
#[derive(Debug, Default)]
pub struct Cache {
    entries: HashMap<Query, Entry>,
    frame: u64,
    /// Counts up whenever an answer is put in.
    pub version: u64,
    /// Counts up whenever the list of meters, or a row of it, is put in.
    pub meters_version: u64,
}

macro_rules! typed {
    ($(#[$doc:meta])* $name:ident, $variant:ident, $type:ty) => {
        $(#[$doc])*
        pub fn $name(&mut self, backend: &dyn Backend, query: &Query) -> Load<Arc<$type>> {
            match self.get(backend, query) {
                Load::Ready(Value::$variant(inner)) => Load::Ready(inner),
                Load::Failed(reason) => Load::Failed(reason),
                Load::Ready(_) | Load::Loading => Load::Loading,
            }
        }
    };
}

impl Cache {
    typed!(
        /// All meters.
        meters, Meters, Vec<MeterRow>
    );
    typed!(
        /// What is known of a meter.
        details, Details, Details
    );
    typed!(
        /// Registers.
        registers, Registers, RegisterSet
    );
    typed!(
        /// Profiles.
        profiles, Profiles, Vec<StoredProfile>
    );
    typed!(
        /// Intervals.
        rows, Rows, Slice
    );
    typed!(
        /// Days of the overview strip.
        days, Days, Vec<DayTotal>
    );
    typed!(
        /// Billing sets.
        billing, Billing, Vec<BillingSet>
    );
    typed!(
        /// A meter's metering point.
        point, Point, PointView
    );
    typed!(
        /// What a ratio would make of last month.
        preview, Preview, Option<Preview>
    );
    typed!(
        /// Events.
        events, Events, Vec<MeterEvent>
    );
    typed!(
        /// Jobs.
        jobs, Jobs, Vec<JobRow>
    );
    typed!(
        /// Traffic.
        trace, Trace, Vec<Traffic>
    );
    typed!(
        /// Serial ports.
        ports, Ports, Vec<PortInfo>
    );
    typed!(
        /// A setting.
        setting, Setting, Option<String>
    );
    typed!(
        /// Meter lists.
        lists, Lists, Vec<ListSummary>
    );
    typed!(
        /// The history of a meter list.
        list, List, ListDetails
    );
    typed!(
        /// Success rates of a meter list.
        rates, Rates, ListRates
    );
    typed!(
        /// A scheme file.
        scheme, Scheme, SchemeFile
    );
    typed!(
        /// A price file.
        prices, Prices, PriceFile
    );
    typed!(
        /// Schemes of a meter.
        meter_schemes, MeterSchemes, MeterSchemes
    );

    typed!(
        /// A firmware package.
        package, Package, PackageFile
    );
    typed!(
        /// A public key's file.
        public_key, PublicKey, PublicKeyFile
    );
    typed!(
        /// A vendor's own firmware file.
        vendor_file, VendorFile, VendorFile
    );
    typed!(
        /// Keys that are trusted.
        trusted_keys, TrustedKeys, TrustedKeys
    );
    typed!(
        /// Who meters are.
        identities, Identities, Vec<(MeterId, Identity)>
    );
    typed!(
        /// Campaigns.
        campaigns, Campaigns, Vec<CampaignRow>
    );
    typed!(
        /// A campaign; nothing where there is none of this number.
        campaign, Campaign, Option<CampaignFile>
    );
    typed!(
        /// How the store stands.
        store_status, StoreStatus, StoreStatus
    );
    typed!(
        /// What would go of what is old.
        expiries, Expiries, Expiries
    );
    typed!(
        /// Gaps.
        gaps, Gaps, Vec<Gap>
    );
    typed!(
        /// All meters with what is known of their points.
        roster, Roster, Vec<ListedMeter>
    );
    typed!(
        /// All templates.
        catalogue, Catalogue, Catalogue
    );
    typed!(
        /// People.
        people, People, Vec<PersonRow>
    );
    typed!(
        /// The last rows of the audit chain.
        audit, Audit, Vec<AuditRow>
    );
    typed!(
        /// Whether the audit chain is whole.
        audit_check, AuditCheck, u64
    );

    fn get(&mut self, backend: &dyn Backend, query: &Query) -> Load<Value> {
        let frame = self.frame;
        let fresh = || Entry { value: None, asked: false, stale: true, used: frame };
        let entry = self.entries.entry(query.clone()).or_insert_with(fresh);
        entry.used = frame;
        if entry.stale && !entry.asked && backend.ask(query) {
            entry.asked = true;
            entry.stale = false;
        }
        match &entry.value {
            None => Load::Loading,
            Some(Err(reason)) => Load::Failed(reason.clone()),
            Some(Ok(value)) => Load::Ready(value.clone()),
        }
    }

    /// Begins a frame: takes what has come, forgets what nobody has looked at for long.
    pub fn begin_frame(&mut self, backend: &dyn Backend) {
        self.frame += 1;
        while let Some(answer) = backend.take_answer() {
            self.put(answer);
        }
        if self.entries.len() > KEPT {
            let frame = self.frame;
            self.entries.retain(|_, entry| entry.asked || frame - entry.used < 600);
        }
    }

    fn put(&mut self, answer: Answer) {
        self.version += 1;
        if matches!(answer.query, Query::Meters | Query::Meter(_)) {
            self.meters_version += 1;
        }
        if let (Query::Meter(id), Ok(Value::Meter(row))) = (&answer.query, &answer.value) {
            self.patch_meter(*id, row.as_ref().as_ref());
            self.entries.remove(&answer.query);
            return;
        }
        let used = self.frame;
        let entry = self.entries.entry(answer.query).or_insert(Entry {
            value: None,
            asked: false,
            stale: false,
            used,
        });
        entry.asked = false;
        entry.value = Some(answer.value);
    }

    fn patch_meter(&mut self, id: MeterId, row: Option<&MeterRow>) {
        let Some(entry) = self.entries.get_mut(&Query::Meters) else { return };
        let Some(Ok(Value::Meters(meters))) = &mut entry.value else { return };
        let meters = Arc::make_mut(meters);
        match (meters.iter().position(|meter| meter.id == id), row) {
            (Some(at), Some(row)) => {
                if let Some(slot) = meters.get_mut(at) {
                    slot.clone_from(row);
                }
            }
            (Some(at), None) => {
                meters.remove(at);
            }
            (None, Some(row)) => meters.push(row.clone()),
            (None, None) => {}
        }
    }

    /// Asks for one meter's row again, without the whole list.
    pub fn freshen_meter(&mut self, backend: &dyn Backend, id: MeterId) {
        if !backend.ask(&Query::Meter(id)) {
            self.expire(|query| *query == Query::Meters);
        }
    }

    /// Marks answers for asking again; they are shown until then.
    pub fn expire(&mut self, which: impl Fn(&Query) -> bool) {
        for (query, entry) in &mut self.entries {
            if which(query) {
                entry.stale = true;
            }
        }
    }

    /// Whether some question waits for its answer.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.entries.values().any(|entry| entry.asked)
    }
}
