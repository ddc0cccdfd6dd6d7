//! The thread that owns a `StoreReader` and answers questions in order.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use crate::comms::trace::Follower;
use crate::export::{point_totals, preview, preview_without};
use crate::model::{Catalogue, Decimal, Fault, ListId, MeterId, ProfileRow, Side};
use crate::scheme::{check_file_among, read_prices};
use crate::store::{ListRow, MeterRow, RateBy, SchemeKind, StoreError, StoreReader, TraceRecord};
use crate::transport::ports;

use super::{
    Answer, DayTotal, Details, Expiries, ListDetails, ListRates, ListSummary, MeterSchemes, PointView,
    PriceFile, Query, RegisterSet, SchemeFile, Slice, Traffic, Value,
};
use super::{CampaignFile, CampaignLine, PackageFile, TrustedKeys};
use crate::firmware::vendor::VendorFile;
use crate::firmware::{KeptVersions, Package, PublicKeyFile, TrustedKey};
use crate::store::{CampaignMeter, KeyRow};

/// Questions that may wait.
const WAITING: usize = 128;
/// Rows of the audit chain that are listed.
const AUDIT_ROWS: u32 = 1000;
/// Campaigns that are listed.
const CAMPAIGNS: u32 = 200;
/// Results of a meter among which the fault of its flash is looked for.
const LOOKED_BACK: u32 = 5;
/// The largest scheme file that is opened.
const LARGEST_FILE: u64 = 8 << 20;

/// The windows' end of the reader thread.
#[derive(Debug)]
pub struct Reader {
    questions: SyncSender<Query>,
    slow: SyncSender<Query>,
    answers: Receiver<Answer>,
}

impl Reader {
    /// Opens the store for reading and starts two threads: one for questions that take seconds in a large store, one
    /// for all others. `wake` is called after each answer.
    ///
    /// # Errors
    /// The store cannot be opened, or no thread can be started.
    pub fn start(store: &Path, wake: impl Fn() + Send + Sync + 'static) -> Result<Self, Fault> {
        let wake = Arc::new(wake);
        let (outbox, answers) = sync_channel::<Answer>(WAITING);
        let questions = Self::answering(store, "store-reader", outbox.clone(), Arc::clone(&wake))?;
        let slow = Self::answering(store, "store-looker", outbox, wake)?;
        Ok(Self { questions, slow, answers })
    }

    /// Starts a thread that answers questions; gives their way in.
    fn answering(
        store: &Path,
        name: &str,
        outbox: SyncSender<Answer>,
        wake: Arc<impl Fn() + Send + Sync + 'static>,
    ) -> Result<SyncSender<Query>, Fault> {
        let advice = "check that the file exists and that you may read it";
        let reader = StoreReader::open(store).map_err(|error| Fault::user(error.to_string(), advice))?;
        let (questions, inbox) = sync_channel::<Query>(WAITING);
        let work = move || {
            while let Ok(query) = inbox.recv() {
                let value = answer(&reader, &query);
                if outbox.send(Answer { query, value }).is_err() {
                    break;
                }
                wake();
            }
        };
        std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(work)
            .map_err(|error| Fault::internal(format!("the reader thread cannot start: {error}")))?;
        Ok(questions)
    }

    /// Puts a question; false where the queue is full.
    #[must_use]
    pub fn ask(&self, query: &Query) -> bool {
        let questions = if query.is_slow() { &self.slow } else { &self.questions };
        match questions.try_send(query.clone()) {
            Ok(()) => true,
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => false,
        }
    }

    /// The next answer, if one has come.
    #[must_use]
    pub fn take(&self) -> Option<Answer> {
        self.answers.try_recv().ok()
    }
}

fn answer(reader: &StoreReader, query: &Query) -> Result<Value, String> {
    match query {
        // Where the system has no list a port's name can be typed.
        Query::Ports => Ok(Value::Ports(Arc::new(ports().unwrap_or_default()))),
        Query::Scheme(path) => {
            let templates = reader.catalogue().map_err(|error| error.to_string())?;
            scheme(path, &templates).map(|file| Value::Scheme(Arc::new(file)))
        }
        Query::Prices(path) => prices(path).map(|file| Value::Prices(Arc::new(file))),
        Query::PublicKey(path) => PublicKeyFile::read(path)
            .map(|key| Value::PublicKey(Arc::new(key)))
            .map_err(|error| error.to_string()),
        Query::VendorFile(path) => VendorFile::open(path)
            .map(|file| Value::VendorFile(Arc::new(file)))
            .map_err(|error| error.to_string()),
        Query::Package(path) => {
            let keys = reader.trusted_keys().map_err(|error| error.to_string())?;
            package(path, &keys, Timestamp::now()).map(|file| Value::Package(Arc::new(file)))
        }
        _ => stored(reader, query).map_err(|error| error.to_string()),
    }
}

fn stored(reader: &StoreReader, query: &Query) -> Result<Value, StoreError> {
    Ok(match query {
        Query::Meters => Value::Meters(Arc::new(reader.meters()?)),
        Query::Meter(id) => Value::Meter(Box::new(reader.meter(*id)?)),
        Query::Details(id) => Value::Details(Arc::new(details(reader, *id)?)),
        Query::Registers(id) => Value::Registers(Arc::new(RegisterSet {
            registers: reader.registers(*id, false)?,
            instantaneous: reader.registers(*id, true)?,
        })),
        Query::Profiles(id) => Value::Profiles(Arc::new(reader.profiles(*id)?)),
        Query::Rows { profile, from, to, period_seconds } => {
            Value::Rows(Arc::new(slice(reader, *profile, *from, *to, *period_seconds)?))
        }
        Query::Days { profile, from, to, zone, cumulative } => {
            let rows = reader.profile_rows(*profile, *from, *to)?;
            Value::Days(Arc::new(days(&rows, &zone_named(zone.as_deref()), *cumulative)))
        }
        Query::Billing(id) => {
            Value::Billing(Arc::new(reader.billing(*id, Timestamp::UNIX_EPOCH, Timestamp::MAX)?))
        }
        Query::Point(id) => Value::Point(Arc::new(point(reader, *id)?)),
        Query::Preview(id, period, zone) => {
            let (now, zone) = (Timestamp::now(), zone_named(zone.as_deref()));
            let stands = reader.ratio_history(*id)?;
            Value::Preview(Arc::new(preview(reader, *id, (now, &zone), &stands, period)?))
        }
        Query::Events(id, from, to) => Value::Events(Arc::new(reader.events(*id, *from, *to)?)),
        Query::Jobs => Value::Jobs(Arc::new(reader.jobs(200)?)),
        Query::Trace(job) => Value::Trace(Arc::new(decoded(reader.trace(*job)?))),
        Query::Setting(key) => Value::Setting(Arc::new(reader.setting(key)?)),
        Query::Lists => Value::Lists(Arc::new(lists(reader)?)),
        Query::List(id) => Value::List(Arc::new(list(reader, *id)?)),
        Query::Rates(id) => Value::Rates(Arc::new(rates(reader, *id)?)),
        // Answered without the store.
        Query::MeterSchemes(id) => {
            let last = |kind| reader.last_scheme(*id, kind);
            Value::MeterSchemes(Arc::new(MeterSchemes {
                read: last(SchemeKind::Read)?,
                written: last(SchemeKind::Written)?,
                stood: last(SchemeKind::Stood)?,
            }))
        }
        Query::TrustedKeys => {
            let (packages, images) = (reader.trusted_keys()?, reader.maker_keys()?);
            Value::TrustedKeys(Arc::new(TrustedKeys { packages, images }))
        }
        Query::Identities(ids) => {
            let identity = |id: &MeterId| Ok((*id, reader.knowledge(*id)?.identity));
            Value::Identities(Arc::new(ids.iter().map(identity).collect::<Result<_, StoreError>>()?))
        }
        Query::Campaigns => Value::Campaigns(Arc::new(reader.campaigns(CAMPAIGNS)?)),
        Query::Campaign(id) => Value::Campaign(Arc::new(campaign(reader, *id)?)),
        Query::StoreStatus => Value::StoreStatus(Arc::new(reader.status()?)),
        Query::Expiries => {
            let retention = reader.retention()?;
            let expiries = reader.expiries(&retention, Timestamp::now())?;
            Value::Expiries(Arc::new(Expiries { retention, expiries }))
        }
        Query::Gaps(id) => Value::Gaps(Arc::new(reader.gaps(*id, Timestamp::now())?)),
        Query::Roster => Value::Roster(Arc::new(reader.listed_meters()?)),
        Query::PreviewWithout(id, from, zone) => {
            let (now, zone) = (Timestamp::now(), zone_named(zone.as_deref()));
            let found = match reader.point_of(*id)? {
                Some(point) => preview_without(reader, *id, (now, &zone), (point.id, *from))?,
                None => None,
            };
            Value::Preview(Arc::new(found))
        }
        Query::Catalogue => Value::Catalogue(Arc::new(reader.catalogue()?)),
        Query::People => Value::People(Arc::new(reader.people()?)),
        Query::Audit => Value::Audit(Arc::new(reader.audit_rows(AUDIT_ROWS)?)),
        Query::AuditCheck => Value::AuditCheck(Arc::new(reader.verify_audit()?)),
        Query::Package(_) | Query::PublicKey(_) | Query::VendorFile(_) => Value::Ports(Arc::default()),
        Query::Ports | Query::Scheme(_) | Query::Prices(_) => Value::Ports(Arc::default()),
    })
}

fn lists(reader: &StoreReader) -> Result<Vec<ListSummary>, StoreError> {
    let meters = reader.meters()?;
    let summary = |row: ListRow| {
        let on_it = |meter: &&MeterRow| row.list.contains(meter.id, &meter.config);
        let last = reader.list_runs(row.id, 1)?.pop();
        Ok(ListSummary { meters: meters.iter().filter(on_it).count(), last, row })
    };
    reader.lists()?.into_iter().map(summary).collect()
}

fn list(reader: &StoreReader, id: ListId) -> Result<ListDetails, StoreError> {
    let runs = reader.list_runs(id, 100)?;
    let outcomes = match runs.iter().find(|run| run.meters > 0) {
        Some(run) => reader.outcomes(run.id)?,
        None => Vec::new(),
    };
    Ok(ListDetails { runs, outcomes })
}

fn rates(reader: &StoreReader, id: ListId) -> Result<ListRates, StoreError> {
    let by = |by| reader.rates(Some(id), by, Timestamp::now());
    Ok(ListRates { groups: by(RateBy::Group)?, lines: by(RateBy::Line)?, templates: by(RateBy::Template)? })
}

fn details(reader: &StoreReader, id: MeterId) -> Result<Details, StoreError> {
    Ok(Details {
        secrets: reader.secret_kinds(id)?,
        knowledge: reader.knowledge(id)?,
        clock: reader.clock_readings(id, 50)?,
        history: reader.history(id, 50)?,
        flash: reader.last_flash(id)?,
    })
}

fn campaign(reader: &StoreReader, id: i64) -> Result<Option<CampaignFile>, StoreError> {
    let Some(row) = reader.campaign(id)? else { return Ok(None) };
    let line = |meter: CampaignMeter| {
        let flash = meter.flash.as_ref();
        let KeptVersions { version_before, version_after } =
            flash.map(|flash| KeptVersions::of(&flash.state)).unwrap_or_default();
        // A flash keeps its fault in words; whose it was stands in the meter's history.
        let message = flash.map(|flash| flash.message.clone()).filter(|message| !message.is_empty());
        let history = match &message {
            Some(_) => reader.history(meter.meter, LOOKED_BACK)?,
            None => Vec::new(),
        };
        let mut faults = history.into_iter().filter_map(|(_, result)| result.fault);
        let fault = faults.find(|fault| Some(fault.to_string()) == message);
        Ok(CampaignLine { meter, version_before, version_after, fault })
    };
    let lines = reader.campaign_meters(id)?.into_iter().map(line).collect::<Result<_, StoreError>>()?;
    Ok(Some(CampaignFile { row, lines }))
}

/// Opens a firmware package, reads it through and judges it by these keys.
///
/// # Errors
/// It cannot be read, or is no package, in words.
pub fn package(path: &Path, keys: &[KeyRow], now: Timestamp) -> Result<PackageFile, String> {
    let package = Package::open(path).map_err(|error| error.to_string())?;
    let keys: Vec<TrustedKey> =
        keys.iter().map(|key| TrustedKey { public: key.public, name: key.name.clone() }).collect();
    let is_signer_trusted = keys.iter().any(|key| Some(key.id()) == package.signer());
    let verdict = package.judge(&keys, now).cloned();
    Ok(PackageFile { package: Arc::new(package), verdict, is_signer_trusted })
}

fn point(reader: &StoreReader, id: MeterId) -> Result<PointView, StoreError> {
    let point = reader.point_of(id)?;
    let totals = match &point {
        Some(point) if point.ratios.periods().is_empty() => point_totals(reader, point, Side::Secondary)?,
        Some(point) => point_totals(reader, point, Side::Primary)?,
        None => Vec::new(),
    };
    Ok(PointView { point, history: reader.ratio_history(id)?, own: reader.meter_ratios(id)?, totals })
}

fn slice(
    reader: &StoreReader,
    profile: i64,
    from: Timestamp,
    to: Timestamp,
    period_seconds: u32,
) -> Result<Slice, StoreError> {
    let back = i64::from(period_seconds.max(1)).seconds();
    let earlier = from.checked_sub(back).unwrap_or(from);
    let mut rows = reader.profile_rows(profile, earlier, to)?;
    let first = rows.iter().position(|row| row.end > from).unwrap_or(rows.len());
    let before = rows.drain(..first).next_back();
    Ok(Slice { before, rows, superseded: reader.superseded_rows(profile, from, to)? })
}

/// The zone of this name, or this computer's.
#[must_use]
pub fn zone_named(name: Option<&str>) -> TimeZone {
    name.and_then(|name| TimeZone::get(name).ok()).unwrap_or_else(TimeZone::system)
}

/// Gathers rows by the day in which their interval lies: an interval that ends at midnight belongs to the day before.
#[must_use]
pub fn days(rows: &[ProfileRow], zone: &TimeZone, cumulative: bool) -> Vec<DayTotal> {
    let mut days: Vec<DayTotal> = Vec::new();
    let mut last_value: Option<Decimal> = None;
    for row in rows {
        let inside = row.end.checked_sub(1.nanosecond()).unwrap_or(row.end);
        let day = inside.to_zoned(zone.clone()).date();
        let value = row.values.first().copied().flatten();
        let energy = if cumulative {
            value.zip(last_value).and_then(|(now, then)| now.checked_sub(then))
        } else {
            value
        };
        last_value = value.or(last_value);
        if days.last().is_none_or(|last| last.day != day) {
            days.push(DayTotal { day, intervals: 0, flagged: 0, total: Some(Decimal::ZERO) });
        }
        if let Some(last) = days.last_mut() {
            last.intervals += 1;
            last.flagged += u32::from(row.status.is_flagged());
            last.total = last.total.and_then(|sum| sum.checked_add(energy.unwrap_or(Decimal::ZERO)));
        }
    }
    days
}

/// Reads a price file; that there is none is no failure.
///
/// # Errors
/// The file cannot be read or is too large to be one, in words.
pub fn prices(path: &Path) -> Result<PriceFile, String> {
    if !path.exists() {
        return Ok(PriceFile::default());
    }
    Ok(match read_prices(&bytes(path, LARGEST_FILE)?) {
        Ok(prices) => PriceFile { prices: Some(prices), problems: Vec::new() },
        Err(problems) => PriceFile { prices: None, problems },
    })
}

/// A file's octets.
///
/// # Errors
/// It cannot be read, or has more than `largest` octets, in words.
pub fn bytes(path: &Path, largest: u64) -> Result<Vec<u8>, String> {
    let named = |error: std::io::Error| format!("{}: {error}", path.display());
    let size = std::fs::metadata(path).map_err(named)?.len();
    if size > largest {
        return Err(format!("{} has {size} bytes: such a file has less than {largest}", path.display()));
    }
    std::fs::read(path).map_err(named)
}

/// Reads a scheme file and checks it as of today.
///
/// # Errors
/// The file cannot be read or is too large to be a scheme, in words.
pub fn scheme(path: &Path, templates: &Catalogue) -> Result<SchemeFile, String> {
    let bytes = bytes(path, LARGEST_FILE)?;
    let today = Timestamp::now().to_zoned(TimeZone::system()).date();
    let checked = check_file_among(&bytes, today, templates);
    Ok(SchemeFile { document: checked.document, problems: checked.problems })
}

/// Traffic with what became whole with each record, decoded by layer; each meter's session by itself.
fn decoded(traffic: Vec<(MeterId, TraceRecord)>) -> Vec<Traffic> {
    let mut followers: BTreeMap<MeterId, Follower> = BTreeMap::new();
    let decode = |(meter, record): (MeterId, TraceRecord)| {
        let layers = followers.entry(meter).or_default().follow(&record);
        Traffic { meter, record, layers }
    };
    traffic.into_iter().map(decode).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        Channel, IntervalStatus, MeterConfig, ProfileLayout, Quality, ScalerUnit, Side, Unit,
    };
    use crate::store::Store;

    fn layout() -> ProfileLayout {
        let channel = Channel {
            obis: "1-0:1.8.0*255".parse().unwrap(),
            attribute: 2,
            data_index: 0,
            class_id: 3,
            name: "Active import energy".to_owned(),
            scaler_unit: ScalerUnit { scaler: 0, unit: Unit::WH },
            side: Side::Secondary,
        };
        let obis = "1-0:99.1.0*255".parse().unwrap();
        ProfileLayout { obis, name: "Load profile".to_owned(), period_seconds: 1800, channels: vec![channel] }
    }

    fn row(end: &str, value: i128) -> ProfileRow {
        ProfileRow {
            end: end.parse().unwrap(),
            stamp: None,
            status: IntervalStatus::empty(),
            raw_status: None,
            quality: Quality::Actual,
            values: vec![Some(Decimal::new(value, 0))],
        }
    }

    /// Asks the thread and waits for its answer.
    fn asked(reader: &Reader, query: &Query) -> Value {
        assert!(reader.ask(query));
        reader.answers.recv().unwrap().value.unwrap()
    }

    #[test]
    fn the_thread_answers_from_the_store_with_the_row_before_the_stretch() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        let mut store = Store::open(&path).unwrap();
        let id = store.add_meter(&MeterConfig::new("Kiln", "tcp://127.0.0.1:4059".parse().unwrap())).unwrap();
        let rows = [
            row("2026-11-21T23:30:00Z", 900),
            row("2026-11-22T00:00:00Z", 1_000),
            row("2026-11-22T00:30:00Z", 1_100),
            row("2026-11-22T01:00:00Z", 1_300),
        ];
        store.merge_profile(id, &layout(), &rows, "2026-11-22T02:00:00Z".parse().unwrap()).unwrap();
        let (wake, woken) = sync_channel(16);
        let reader = Reader::start(&path, move || wake.send(()).unwrap()).unwrap();

        let Value::Meters(meters) = asked(&reader, &Query::Meters) else { panic!("no meters") };
        assert_eq!(meters[0].config.name, "Kiln");
        let Value::Profiles(profiles) = asked(&reader, &Query::Profiles(id)) else { panic!("no profiles") };
        let query = Query::Rows {
            profile: profiles[0].id,
            from: "2026-11-22T00:00:00Z".parse().unwrap(),
            to: "2026-11-23T00:00:00Z".parse().unwrap(),
            period_seconds: 1800,
        };
        let Value::Rows(slice) = asked(&reader, &query) else { panic!("no rows") };
        assert_eq!(slice.rows, rows[2..]);
        assert_eq!(slice.before.as_ref(), Some(&rows[1]));
        assert_eq!(woken.recv_timeout(std::time::Duration::from_secs(10)), Ok(()));
    }

    #[test]
    fn a_day_of_a_cumulative_channel_holds_what_was_counted_on_it() {
        let rows = [
            row("2026-11-21T23:30:00Z", 900),
            row("2026-11-22T00:00:00Z", 1_000),
            row("2026-11-22T00:30:00Z", 1_100),
            row("2026-11-22T01:00:00Z", 1_300),
        ];
        let found = days(&rows, &TimeZone::UTC, true);
        let totals: Vec<_> = found.iter().map(|day| (day.intervals, day.total)).collect();
        // Midnight ends the 21st; the first row has none before it.
        assert_eq!(totals, [(2, Some(Decimal::from(100))), (2, Some(Decimal::from(300)))]);
    }

    #[test]
    fn a_scheme_file_that_is_not_there_is_an_error_in_words() {
        let error = scheme(Path::new("/nonexistent/x.scheme.json"), &Catalogue::default()).unwrap_err();
        assert!(error.starts_with("/nonexistent/x.scheme.json: "), "{error}");
    }
}
