//! Typed questions and answers.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;

use crate::comms::trace::Layer;
use crate::export::{PointTotal, Preview};
use crate::firmware::vendor::VendorFile;
use crate::firmware::{Package, PackageError, PublicKeyFile, TrustedKey};
use crate::model::{
    BillingSet, Catalogue, ClockReading, Decimal, Knowledge, ListId, MeterEvent, MeterId, MeterRatios,
    ProfileRow, RatioHistory, RatioPeriod, RegisterReading, SecretKind,
};
use crate::model::{Fault, Gap, Identity};
use crate::scheme::{Document, Prices, Problem};
use crate::store::{AuditRow, CampaignMeter, CampaignRow, KeyRow, LastFlash, MakerKeyRow, PersonRow};
use crate::store::{Expiry, Retention, StoreStatus};
use crate::store::{
    JobResult, JobRow, ListRow, ListedMeter, MeterRow, MeterScheme, Outcome, PointRow, Rate, RunRow,
    StoredProfile, SupersededRow, TraceRecord,
};
use crate::transport::PortInfo;

/// A question. Equal questions have one answer in the cache.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Query {
    /// All meters.
    Meters,
    /// One meter, to freshen its row.
    Meter(MeterId),
    /// What is known of a meter beside its row.
    Details(MeterId),
    /// The latest registers and instantaneous values of a meter.
    Registers(MeterId),
    /// Profiles that are stored of a meter.
    Profiles(MeterId),
    /// Intervals with `from < end <= to`, with the one before them for differences of cumulative channels.
    Rows {
        /// Which profile.
        profile: i64,
        /// From.
        from: Timestamp,
        /// To.
        to: Timestamp,
        /// Capture period: how far back the row before the first may lie.
        period_seconds: u32,
    },
    /// How much of each day is stored: the overview strip.
    Days {
        /// Which profile.
        profile: i64,
        /// From.
        from: Timestamp,
        /// To.
        to: Timestamp,
        /// IANA zone whose days are meant; this computer's where it is `None`.
        zone: Option<String>,
        /// The first channel counts up for ever; its differences are meant.
        cumulative: bool,
    },
    /// Billing sets.
    Billing(MeterId),
    /// A meter's metering point with its ratios.
    Point(MeterId),
    /// What a ratio would make of last month's energy of a meter, whose days are those of an IANA zone.
    Preview(MeterId, Box<RatioPeriod>, Option<String>),
    /// Events with `from < at <= to`.
    Events(MeterId, Timestamp, Timestamp),
    /// The last jobs.
    Jobs,
    /// Traffic of a job.
    Trace(i64),
    /// Serial ports of this computer.
    Ports,
    /// A setting of the program.
    Setting(String),
    /// All meter lists.
    Lists,
    /// The history of one meter list.
    List(ListId),
    /// Success rates of one meter list.
    Rates(ListId),
    /// A scheme file, checked.
    Scheme(PathBuf),
    /// A price file.
    Prices(PathBuf),
    /// The schemes of a meter that are in the store.
    MeterSchemes(MeterId),
    /// A firmware package, judged.
    Package(PathBuf),
    /// A public key's file.
    PublicKey(PathBuf),
    /// Keys that are trusted to sign packages or images.
    TrustedKeys,
    /// A vendor's own firmware file.
    VendorFile(PathBuf),
    /// What is known of who meters are, in the order asked.
    Identities(Vec<MeterId>),
    /// Campaigns of firmware, newest first.
    Campaigns,
    /// A campaign with its meters.
    Campaign(i64),
    /// How the store stands. It takes its time.
    StoreStatus,
    /// What would go of what is old. It takes its time.
    Expiries,
    /// The gaps of a meter's profiles.
    Gaps(MeterId),
    /// All meters with what is known of their points, as lists in files have them.
    Roster,
    /// What last month's energy of a meter would be without the ratio that begins at an instant.
    PreviewWithout(MeterId, Timestamp, Option<String>),
    /// All templates.
    Catalogue,
    /// The store's people.
    People,
    /// The last rows of the audit chain, newest first.
    Audit,
    /// Whether the audit chain is whole: the number of its rows, or where it is broken.
    AuditCheck,
}

impl Query {
    /// Whether the answer takes seconds in a large store: another thread gives it.
    #[must_use]
    pub const fn is_slow(&self) -> bool {
        matches!(self, Self::StoreStatus | Self::Expiries)
    }

    /// Whether the answer comes from the store, and what another program writes may change it.
    #[must_use]
    pub const fn is_stored(&self) -> bool {
        !matches!(
            self,
            Self::Ports
                | Self::Scheme(_)
                | Self::Prices(_)
                | Self::Package(_)
                | Self::PublicKey(_)
                | Self::StoreStatus
                | Self::Expiries
        )
    }

    /// Whether the end of a flash, or a change of what is trusted, may change the answer.
    #[must_use]
    pub const fn is_of_firmware(&self) -> bool {
        matches!(
            self,
            Self::Package(_) | Self::TrustedKeys | Self::Identities(_) | Self::Campaigns | Self::Campaign(_)
        )
    }
}

/// What is known of a meter beside its row.
#[derive(Clone, Debug, Default)]
pub struct Details {
    /// Kinds of secrets that are kept; never the secrets.
    pub secrets: Vec<SecretKind>,
    /// What was learnt of it.
    pub knowledge: Knowledge,
    /// Clock comparisons, newest first.
    pub clock: Vec<ClockReading>,
    /// Results, newest first, with their jobs.
    pub history: Vec<(i64, JobResult)>,
    /// Its last flash.
    pub flash: Option<LastFlash>,
}

/// A meter's metering point, and the ratios through which it measured.
#[derive(Clone, Debug, Default)]
pub struct PointView {
    /// The point where it hangs, or hung last.
    pub point: Option<PointRow>,
    /// The ratios of this meter's own time there.
    pub history: RatioHistory,
    /// What the meter itself said of its ratios.
    pub own: Option<MeterRatios>,
    /// What was used there, on the primary side where ratios are known.
    pub totals: Vec<PointTotal>,
}

/// The latest registers of a meter.
#[derive(Clone, Debug, Default)]
pub struct RegisterSet {
    /// Registers, demand and extended registers.
    pub registers: Vec<RegisterReading>,
    /// Instantaneous values.
    pub instantaneous: Vec<RegisterReading>,
}

/// A stretch of a profile.
#[derive(Clone, Debug, Default)]
pub struct Slice {
    /// The row before the first, for differences.
    pub before: Option<ProfileRow>,
    /// Rows, oldest first.
    pub rows: Vec<ProfileRow>,
    /// Versions that were replaced.
    pub superseded: Vec<SupersededRow>,
}

/// One day of the overview strip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayTotal {
    /// The day.
    pub day: jiff::civil::Date,
    /// Intervals that are stored.
    pub intervals: u32,
    /// Of them flagged.
    pub flagged: u32,
    /// What the first channel counted on that day; nothing where the sum leaves 38 digits.
    pub total: Option<Decimal>,
}

/// A scheme file as it was read.
#[derive(Clone, Debug, Default)]
pub struct SchemeFile {
    /// The scheme; nothing where the file cannot be understood.
    pub document: Option<Document>,
    /// What is wrong with it.
    pub problems: Vec<Problem>,
}

/// A meter list with what became of it last.
#[derive(Clone, Debug)]
pub struct ListSummary {
    /// The list.
    pub row: ListRow,
    /// How many meters are on it now.
    pub meters: usize,
    /// Its last run.
    pub last: Option<RunRow>,
}

/// The history of one meter list.
#[derive(Clone, Debug, Default)]
pub struct ListDetails {
    /// Runs, newest first.
    pub runs: Vec<RunRow>,
    /// How the meters of the newest run that took place stand, by name.
    pub outcomes: Vec<(String, Outcome)>,
}

/// Success rates of one meter list.
#[derive(Clone, Debug, Default)]
pub struct ListRates {
    /// Success by group.
    pub groups: Vec<Rate>,
    /// Success by line.
    pub lines: Vec<Rate>,
    /// Success by template.
    pub templates: Vec<Rate>,
}

/// What would go of what is old.
#[derive(Clone, Debug, Default)]
pub struct Expiries {
    /// What is kept for how long.
    pub retention: Retention,
    /// What would go, kind by kind.
    pub expiries: Vec<Expiry>,
}

/// A price file as it was read.
#[derive(Clone, Debug, Default)]
pub struct PriceFile {
    /// The prices; nothing where there is no file, or it cannot be understood.
    pub prices: Option<Prices>,
    /// What is wrong with it.
    pub problems: Vec<Problem>,
}

/// The last schemes of a meter.
#[derive(Clone, Debug, Default)]
pub struct MeterSchemes {
    /// Read from it.
    pub read: Option<MeterScheme>,
    /// Written to it, to the end.
    pub written: Option<MeterScheme>,
    /// What stood there before the last write.
    pub stood: Option<MeterScheme>,
}

/// A firmware package as it was found.
#[derive(Clone, Debug)]
pub struct PackageFile {
    /// It, whole and read through.
    pub package: Arc<Package>,
    /// The trusted key that signed it, or why it must not be used.
    pub verdict: Result<TrustedKey, PackageError>,
    /// Whether the key that it names is trusted; the signature need not be sound for that.
    pub is_signer_trusted: bool,
}

/// Keys that are trusted.
#[derive(Clone, Debug, Default)]
pub struct TrustedKeys {
    /// They sign packages.
    pub packages: Vec<KeyRow>,
    /// Makers sign images with them.
    pub images: Vec<MakerKeyRow>,
}

/// One meter of a campaign.
#[derive(Clone, Debug)]
pub struct CampaignLine {
    /// How far it has come.
    pub meter: CampaignMeter,
    /// The version that it said before.
    pub version_before: Option<String>,
    /// The version that it said last after the activation.
    pub version_after: Option<String>,
    /// Why its last attempt broke off, with whose fault it was.
    pub fault: Option<Fault>,
}

/// A campaign with its meters.
#[derive(Clone, Debug)]
pub struct CampaignFile {
    /// The campaign.
    pub row: CampaignRow,
    /// Its meters, in order.
    pub lines: Vec<CampaignLine>,
}

/// A piece of traffic and what became whole with it.
#[derive(Clone, Debug)]
pub struct Traffic {
    /// Whose.
    pub meter: MeterId,
    /// As recorded.
    pub record: TraceRecord,
    /// What it means, layer by layer.
    pub layers: Vec<Layer>,
}

/// What a question gives.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "each answers the query of the same name")]
pub enum Value {
    Meters(Arc<Vec<MeterRow>>),
    Meter(Box<Option<MeterRow>>),
    Details(Arc<Details>),
    Registers(Arc<RegisterSet>),
    Profiles(Arc<Vec<StoredProfile>>),
    Rows(Arc<Slice>),
    Days(Arc<Vec<DayTotal>>),
    Billing(Arc<Vec<BillingSet>>),
    Point(Arc<PointView>),
    Preview(Arc<Option<Preview>>),
    Events(Arc<Vec<MeterEvent>>),
    Jobs(Arc<Vec<JobRow>>),
    Trace(Arc<Vec<Traffic>>),
    Ports(Arc<Vec<PortInfo>>),
    Setting(Arc<Option<String>>),
    Lists(Arc<Vec<ListSummary>>),
    List(Arc<ListDetails>),
    Rates(Arc<ListRates>),
    Scheme(Arc<SchemeFile>),
    Prices(Arc<PriceFile>),
    MeterSchemes(Arc<MeterSchemes>),
    Package(Arc<PackageFile>),
    /// A vendor's own firmware file.
    VendorFile(Arc<VendorFile>),
    PublicKey(Arc<PublicKeyFile>),
    TrustedKeys(Arc<TrustedKeys>),
    Identities(Arc<Vec<(MeterId, Identity)>>),
    Campaigns(Arc<Vec<CampaignRow>>),
    Campaign(Arc<Option<CampaignFile>>),
    StoreStatus(Arc<StoreStatus>),
    Expiries(Arc<Expiries>),
    Gaps(Arc<Vec<Gap>>),
    Roster(Arc<Vec<ListedMeter>>),
    Catalogue(Arc<Catalogue>),
    People(Arc<Vec<PersonRow>>),
    Audit(Arc<Vec<AuditRow>>),
    AuditCheck(Arc<u64>),
}

/// An answer with its question.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The question.
    pub query: Query,
    /// The answer, or why there is none.
    pub value: Result<Value, String>,
}
