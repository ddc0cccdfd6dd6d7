//! Floors below that live in memory: meters, readings and jobs, answered at once and driven by the test.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex};

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use meterwright::comms::trace::Follower;
use meterwright::comms::{Edit, Edited, Event, Job, JobId};
use meterwright::export::{Export, MonthEnergy, Preview};
use meterwright::firmware::PublicKeyFile;
use meterwright::firmware::vendor::{ALLOWED, SETTING, VendorFile};
use meterwright::gui::data::{
    Answer, Backend, Details, Expiries, Later, ListDetails, ListRates, ListSummary, MeterSchemes, PointView,
    Query, RegisterSet, Slice, Traffic, Value, reader,
};
use meterwright::gui::data::{CampaignFile, TrustedKeys};
use meterwright::model::template::{OwnTemplate, Proposal};
use meterwright::model::{
    AccuracyClasses, Action, BillingSet, Channel, ClockReading, ClockRule, Days, Decimal, Fault, Gap,
    GapReason, Identity, IntervalStatus, ListId, Member, MeterConfig, MeterEvent, MeterId, MeterList,
    MeterRatios, Obis, Person, PlateRatios, PointDetails, PointId, ProfileLayout, ProfileRow, ProgramPhase,
    Quality, RatioHistory, RatioPeriod, ReadingValue, RegisterReading, Role, ScalerUnit, Schedule, Secret,
    SecretKind, Side, Standing, Step, Times, Transformers, Unit, What, plain_name,
};
use meterwright::model::{CampaignState, Catalogue, Template};
use meterwright::store::{AuditRow, PersonRow};
use meterwright::store::{
    Cause, JobResult, JobRow, ListRow, ListedMeter, MeterChanges, MeterRow, NewMeter, Outcome, OutcomeState,
    Placement, PointRow, Rate, RunRow, RunState, Share, StoredProfile, TraceRecord,
};
use meterwright::store::{
    Expiry, KeyRow, Kind, KindSize, MakerKeyRow, RETENTION_SETTING, Retention, StoreStatus, Upkeep,
    UpkeepRow, UpkeepState,
};
use meterwright::transport::PortInfo;

/// The moment at which all tests happen.
pub fn now() -> Timestamp {
    "2026-11-22T14:35:00Z".parse().unwrap()
}

pub fn london() -> TimeZone {
    TimeZone::get("Europe/London").unwrap()
}

/// What the fake holds; tests look into it and change it through [`Fake::world`].
#[derive(Default)]
pub struct World {
    pub meters: Vec<MeterRow>,
    pub secrets: BTreeMap<MeterId, Vec<SecretKind>>,
    pub settings: BTreeMap<String, String>,
    pub schemes: BTreeMap<MeterId, MeterSchemes>,
    pub answers: VecDeque<Answer>,
    pub events: VecDeque<Event>,
    pub submitted: Vec<Job>,
    pub cancelled: Vec<JobId>,
    pub edits: Vec<Edit>,
    pub asked: Vec<Query>,
    pub exports: Vec<(Export, PathBuf)>,
    pub read: Vec<MeterId>,
    pub lists: Vec<ListRow>,
    pub keys: Vec<KeyRow>,
    /// The store's own templates.
    pub templates: Vec<OwnTemplate>,
    pub maker_keys: Vec<MakerKeyRow>,
    pub campaigns: Vec<CampaignFile>,
    /// Leave questions unanswered.
    pub mute: bool,
    /// Answer questions with this failure.
    pub broken: Option<String>,
    /// Ratios of metering points; those of the fleet where a point is not in it.
    pub ratios: BTreeMap<PointId, RatioHistory>,
    /// What is known of metering points.
    pub details: BTreeMap<PointId, PointDetails>,
    /// People of the store.
    pub people: Vec<PersonRow>,
    /// Rows of the audit chain, newest first.
    pub audit: Vec<AuditRow>,
    /// Who acts.
    pub standing: Standing,
    /// Who signs in, with what result.
    pub sign_ins: Vec<String>,
    /// How often the windows were left, and whether only locked.
    pub left: Vec<bool>,
    /// Where unsaved work is kept.
    pub drafts: Option<PathBuf>,
    /// Refuse the next edit with this.
    pub refuse: Option<Fault>,
    next: i64,
}

#[derive(Clone, Default)]
pub struct Fake(Arc<Mutex<World>>);

const STREETS: [&str; 8] = [
    "Mill Lane",
    "Kiln Road",
    "Station Yard",
    "Harbour Street",
    "Quarry Hill",
    "Chapel Row",
    "Weir Close",
    "Foundry Way",
];

impl Fake {
    pub fn world<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        change(&mut self.0.lock().unwrap())
    }

    /// So many meters, all read but some.
    pub fn with_meters(count: usize) -> Self {
        let fake = Self::default();
        fake.world(|world| {
            world.meters = (0..count).map(meter).collect();
            world.read =
                world.meters.iter().filter(|meter| meter.last_read.is_some()).map(|meter| meter.id).collect();
        });
        fake
    }

    /// Plays the learning of a template to its end.
    pub fn finish_learning(&self, job: JobId, meter: MeterId, learnt: Result<Proposal, Fault>) {
        self.world(|world| {
            let fault = learnt.as_ref().err().cloned();
            if let Ok(proposal) = learnt {
                world.events.push_back(Event::Learnt { job, proposal: Box::new(proposal) });
            }
            let result = Box::new(JobResult { fault: fault.clone(), ..result(meter) });
            let words = fault.as_ref().map_or_else(|| "done".to_owned(), ToString::to_string);
            let name = "m".to_owned();
            world.events.push_back(Event::MeterEnded { job, meter: Some(meter), name, result, words });
            let (ok, failed) = if fault.is_none() { (1, 0) } else { (0, 1) };
            world.events.push_back(Event::Ended { job, ok, failed, cancelled: false });
        });
    }

    /// Plays the job of one meter's scheme to its end.
    pub fn finish_scheme(&self, job: JobId, meter: MeterId, fault: Option<&Fault>) {
        self.world(|world| {
            let result = JobResult { fault: fault.cloned(), ..result(meter) };
            let name = world.meters.iter().find(|row| row.id == meter).unwrap().config.name.clone();
            let words = fault.map_or_else(|| "done".to_owned(), ToString::to_string);
            let result = Box::new(result);
            world.events.push_back(Event::MeterEnded { job, meter: Some(meter), name, result, words });
            let (ok, failed) = if fault.is_none() { (1, 0) } else { (0, 1) };
            world.events.push_back(Event::Ended { job, ok, failed, cancelled: false });
        });
    }

    /// Plays a job of reading to its end.
    pub fn finish(&self, job: JobId, fault: Option<&Fault>) {
        self.world(|world| {
            let Some(Job::Read { meters, .. }) = world.submitted.last().cloned() else { return };
            for id in &meters {
                let result = JobResult { fault: fault.cloned(), ..result(*id) };
                let words = fault
                    .as_ref()
                    .map_or_else(|| "21 registers, 48 intervals".to_owned(), ToString::to_string);
                let name = world.meters.iter().find(|meter| meter.id == *id).unwrap().config.name.clone();
                let row = world.meters.iter_mut().find(|meter| meter.id == *id).unwrap();
                row.last_read = Some(now());
                row.last_ok = Some(fault.is_none());
                row.last_result = Some(words.clone());
                row.drift_ms = Some(1_200);
                if fault.is_none() {
                    world.read.push(*id);
                }
                world.events.push_back(Event::MeterEnded {
                    job,
                    meter: Some(*id),
                    name,
                    result: Box::new(result),
                    words,
                });
            }
            let (ok, failed) = if fault.is_none() { (meters.len(), 0) } else { (0, meters.len()) };
            world.events.push_back(Event::Ended { job, ok, failed, cancelled: false });
        });
    }
}

fn templates(world: &World) -> Catalogue {
    Catalogue::of(world.templates.clone())
}

fn result(meter: MeterId) -> JobResult {
    JobResult {
        meter,
        at: now(),
        fault: None,
        registers: 21,
        intervals: 48,
        events: 2,
        exchanges: 37,
        bytes_sent: 1_940,
        bytes_received: 18_322,
        duration_ms: 2_310,
    }
}

fn timed_out() -> Fault {
    Fault::line(
        "no answer to the SNRM within 6 s",
        "check that the probe sits on the optical port and that the meter is powered",
    )
}

fn meter(n: usize) -> MeterRow {
    let street = STREETS[n % STREETS.len()];
    let number = n / STREETS.len() + 1;
    let mut config = MeterConfig::new(
        format!("{street} {number}"),
        format!("tcp://10.20.{}.{}:4059", n / 250, n % 250 + 1).parse().unwrap(),
    );
    config.serial = Some(format!("{:08}", 11_830_000 + n * 37));
    config.group = Some(format!("{}/{street}", if n % 8 < 4 { "North district" } else { "Harbour" }));
    if n.is_multiple_of(5) {
        config.template = "dlms-idis".to_owned();
    }
    config.time_zone = Some("Europe/London".to_owned());
    let failed = n % 23 == 7;
    let never = n % 41 == 11;
    let drift = [900, -1_400, 2_100, 6_300, 300, -800, 45_000][n % 7];
    MeterRow {
        id: MeterId(i64::try_from(n).unwrap() + 1),
        config,
        last_read: (!never).then(|| now().checked_sub(i64::try_from(n % 400).unwrap().minutes()).unwrap()),
        last_result: (!never).then(|| {
            if failed { timed_out().message } else { "21 registers, 48 intervals, 2 events".to_owned() }
        }),
        last_ok: (!never).then_some(!failed),
        drift_ms: (!never && !failed).then_some(drift),
    }
}

fn number(obis: &str, mantissa: i128, exponent: i8, unit: Unit) -> RegisterReading {
    let obis: Obis = obis.parse().unwrap();
    RegisterReading {
        obis,
        attribute: 2,
        name: plain_name(obis),
        value: ReadingValue::Number(Decimal::new(mantissa, exponent)),
        unit,
        side: Side::Secondary,
        read_at: now(),
        stamp: None,
    }
}

fn registers(id: MeterId) -> RegisterSet {
    let base = 18_234_567 + i128::from(id.0) * 1_013;
    let rule = ClockRule::standard(london());
    let peak: Timestamp = "2026-11-17T17:30:00Z".parse().unwrap();
    let mut demand = number("1-0:1.6.0*255", 6_842, 0, Unit::W);
    demand.stamp = Some((rule.to_stamp(peak), peak));
    RegisterSet {
        registers: vec![
            number("1-0:1.8.0*255", base, 0, Unit::WH),
            number("1-0:1.8.1*255", base / 3, 0, Unit::WH),
            number("1-0:1.8.2*255", base - base / 3, 0, Unit::WH),
            number("1-0:2.8.0*255", 1_204_310, 0, Unit::WH),
            number("1-0:3.8.0*255", 3_980_112, 0, Unit::VARH),
            number("1-0:4.8.0*255", 88_731, 0, Unit::VARH),
            number("1-0:9.8.0*255", base + 601_223, 0, Unit::VAH),
            demand,
            number("1-0:1.2.0*255", 1_203_441, -1, Unit::W),
            number("0-0:96.7.21*255", 14, 0, Unit::NONE),
        ],
        instantaneous: vec![
            number("1-0:32.7.0*255", 2_312, -1, Unit::V),
            number("1-0:52.7.0*255", 2_298, -1, Unit::V),
            number("1-0:72.7.0*255", 2_305, -1, Unit::V),
            number("1-0:31.7.0*255", 412, -2, Unit::A),
            number("1-0:51.7.0*255", 287, -2, Unit::A),
            number("1-0:71.7.0*255", 1_033, -2, Unit::A),
            number("1-0:1.7.0*255", 3_882, 0, Unit::W),
            number("1-0:13.7.0*255", 978, -3, Unit::NONE),
            number("1-0:14.7.0*255", 4_998, -2, Unit::HZ),
        ],
    }
}

fn channel(obis: &str, scaler: i8, unit: Unit) -> Channel {
    let obis: Obis = obis.parse().unwrap();
    Channel {
        obis,
        attribute: 2,
        data_index: 0,
        class_id: 3,
        name: plain_name(obis),
        scaler_unit: ScalerUnit { scaler, unit },
        side: Side::Secondary,
    }
}

pub fn layout() -> ProfileLayout {
    ProfileLayout {
        obis: "1-0:99.1.0*255".parse().unwrap(),
        name: "Load profile 1".to_owned(),
        period_seconds: 1_800,
        channels: vec![
            channel("1-0:1.29.0*255", 0, Unit::WH),
            channel("1-0:2.29.0*255", 0, Unit::WH),
            channel("1-0:3.29.0*255", 0, Unit::VARH),
            channel("1-0:32.27.0*255", -1, Unit::V),
        ],
    }
}

/// Half-hours from the beginning of October to now, with a gap, a power failure and a doubtful clock in them.
pub fn rows(from: Timestamp, to: Timestamp) -> Vec<ProfileRow> {
    let first: Timestamp = "2026-10-01T00:00:00Z".parse().unwrap();
    let step = 1_800;
    let start = from.max(first).as_second() / step * step + step;
    let end = to.min(now()).as_second();
    (0..)
        .map(|n| start + n * step)
        .take_while(|second| *second <= end)
        .filter(|second| !(1_795_046_400..1_795_060_800).contains(second))
        .map(|second| row(Timestamp::from_second(second).unwrap()))
        .collect()
}

fn row(end: Timestamp) -> ProfileRow {
    let local = end.checked_sub(1.second()).unwrap().to_zoned(london());
    let slot = i128::from(local.hour()) * 2 + i128::from(local.minute()) / 30;
    let noise = i128::from((end.as_second() / 1_800 * 7_919) % 211);
    let weekend = i128::from(u8::from(local.weekday().to_monday_one_offset() > 5));
    let morning = 620 - (slot - 15) * (slot - 15) * 22;
    let evening = 1_950 - (slot - 37) * (slot - 37) * 58;
    let midday = weekend * (700 - (slot - 25) * (slot - 25) * 12).max(0);
    let import = 140 + noise + morning.max(0) + evening.max(0) + midday;
    let sun = (420 - (slot - 25) * (slot - 25) * 14).max(0);
    let mut status = if local.datetime().month() < 11 && local.offset().seconds() > 0 {
        IntervalStatus::DAYLIGHT_SAVING
    } else {
        IntervalStatus::empty()
    };
    match end.as_second() / 1_800 % 431 {
        7 => status |= IntervalStatus::POWER_DOWN,
        8 => status |= IntervalStatus::POWER_UP | IntervalStatus::CLOCK_ADJUSTED,
        200 => status |= IntervalStatus::CLOCK_INVALID,
        _ => {}
    }
    ProfileRow {
        end,
        stamp: Some(ClockRule::standard(london()).to_stamp(end)),
        status,
        raw_status: Some(0),
        quality: Quality::from_status(status),
        values: vec![
            Some(Decimal::new(import, 0)),
            Some(Decimal::new(sun, 0)),
            Some(Decimal::new(import / 4 + 20, 0)),
            Some(Decimal::new(2_310 + noise / 12 - import / 200, -1)),
        ],
    }
}

fn billing() -> Vec<BillingSet> {
    (0..8)
        .map(|n| {
            let month = jiff::civil::date(2026, 4 + n, 1).to_zoned(london()).unwrap().timestamp();
            let base = 15_000_000 + i128::from(n) * 402_113;
            BillingSet {
                profile: "0-0:98.1.0*255".parse().unwrap(),
                at: month,
                stamp: None,
                registers: vec![
                    number("1-0:1.8.0*255", base, 0, Unit::WH),
                    number("1-0:1.8.1*255", base / 3, 0, Unit::WH),
                    number("1-0:1.8.2*255", base - base / 3, 0, Unit::WH),
                    number("1-0:1.6.0*255", 5_900 + i128::from(n) * 131, 0, Unit::W),
                ],
            }
        })
        .collect()
}

fn events() -> Vec<MeterEvent> {
    let texts = [
        (1, "Supply failed"),
        (2, "Supply returned"),
        (4, "Clock adjusted, old time"),
        (5, "Clock adjusted, new time"),
        (8, "Battery voltage low"),
    ];
    (0..24usize)
        .map(|n| {
            let (code, text) = texts[n % texts.len()];
            MeterEvent {
                log: "0-0:99.98.0*255".parse().unwrap(),
                code: Some(code),
                text: text.to_owned(),
                at: now().checked_sub(i64::try_from((24 - n) * 31).unwrap().hours()).unwrap(),
                stamp: None,
                until: (code == 1)
                    .then(|| now().checked_sub(i64::try_from((24 - n) * 31 - 1).unwrap().hours()).unwrap()),
                detail: Vec::new(),
            }
        })
        .collect()
}

fn details(world: &World, id: MeterId) -> Details {
    let Some(row) = world.meters.iter().find(|meter| meter.id == id) else { return Details::default() };
    let mut details =
        Details { secrets: world.secrets.get(&id).cloned().unwrap_or_default(), ..Details::default() };
    if world.read.contains(&id) {
        details.knowledge.identity = Identity {
            serial: row.config.serial.clone(),
            logical_device_name: Some(format!("MTW{:013}", id.0)),
            firmware: Some("2.14.0".to_owned()),
            model: Some("VM-3P".to_owned()),
            maker: Some("MTW".to_owned()),
            more: Vec::new(),
        };
        let fault = (row.last_ok == Some(false)).then(timed_out);
        details.history = vec![(41, JobResult { fault, ..result(id) }), (38, result(id)), (32, result(id))];
        let stamp = ClockRule::standard(london()).to_stamp(now());
        // Twenty days, newest first: it gains a third of a second a day and was set once.
        let reading = |day: i64| {
            let read_at = now() - SignedDuration::from_hours(24 * day);
            let since_set = if day < 8 { 8 - day } else { 28 - day };
            let drift = SignedDuration::from_millis(330 * since_set);
            let (meter_utc, uncertainty_ms) = (read_at + drift, 24);
            ClockReading { stamp, meter_utc, read_at, uncertainty_ms, sign_looks_inverted: false }
        };
        details.clock = (0..20).map(reading).collect();
    }
    details
}

fn answer(world: &World, query: &Query) -> Value {
    match query {
        Query::Meters => Value::Meters(Arc::new(world.meters.clone())),
        Query::Meter(id) => {
            Value::Meter(Box::new(world.meters.iter().find(|meter| meter.id == *id).cloned()))
        }
        Query::Details(id) => Value::Details(Arc::new(details(world, *id))),
        Query::Registers(id) if world.read.contains(id) => Value::Registers(Arc::new(registers(*id))),
        Query::Registers(_) => Value::Registers(Arc::default()),
        Query::Profiles(id) if world.read.contains(id) => {
            let span =
                Some(("2026-10-01T00:30:00Z".parse().unwrap(), "2026-11-22T14:30:00Z".parse().unwrap()));
            Value::Profiles(Arc::new(vec![StoredProfile {
                id: id.0,
                layout: layout(),
                span,
                intervals: 2_525,
            }]))
        }
        Query::Profiles(_) => Value::Profiles(Arc::default()),
        Query::Rows { from, to, .. } => {
            Value::Rows(Arc::new(Slice { before: None, rows: rows(*from, *to), superseded: Vec::new() }))
        }
        Query::Days { from, to, cumulative, .. } => {
            Value::Days(Arc::new(reader::days(&rows(*from, *to), &london(), *cumulative)))
        }
        Query::Billing(id) => {
            Value::Billing(Arc::new(if world.read.contains(id) { billing() } else { Vec::new() }))
        }
        Query::Point(id) => Value::Point(Arc::new(point_view(world, *id))),
        Query::Preview(_, period, _) => Value::Preview(Arc::new(Some(month(period)))),
        Query::Events(id, from, to) => {
            let mut events = if world.read.contains(id) { events() } else { Vec::new() };
            events.retain(|event| event.at > *from && event.at <= *to);
            Value::Events(Arc::new(events))
        }
        Query::Jobs => Value::Jobs(Arc::new(vec![JobRow {
            id: 41,
            title: "Read Mill Lane 1".to_owned(),
            submitted: now(),
            ended: Some(now()),
            results: vec![result(MeterId(1))],
        }])),
        Query::Trace(_) => Value::Trace(Arc::new(traffic())),
        Query::TrustedKeys => Value::TrustedKeys(Arc::new(TrustedKeys {
            packages: world.keys.clone(),
            images: world.maker_keys.clone(),
        })),
        Query::Identities(ids) => {
            let identity = |id: &MeterId| (*id, details(world, *id).knowledge.identity);
            Value::Identities(Arc::new(ids.iter().map(identity).collect()))
        }
        Query::People => Value::People(Arc::new(world.people.clone())),
        Query::Audit => Value::Audit(Arc::new(world.audit.clone())),
        Query::AuditCheck => Value::AuditCheck(Arc::new(world.audit.len() as u64)),
        Query::Campaigns => {
            Value::Campaigns(Arc::new(world.campaigns.iter().map(|one| one.row.clone()).collect()))
        }
        Query::Campaign(id) => {
            Value::Campaign(Arc::new(world.campaigns.iter().find(|one| one.row.id == *id).cloned()))
        }
        Query::StoreStatus => Value::StoreStatus(Arc::new(store_status())),
        Query::Expiries => Value::Expiries(Arc::new(expiries(world))),
        Query::Gaps(id) => Value::Gaps(Arc::new(if world.read.contains(id) { gaps() } else { Vec::new() })),
        Query::Roster => Value::Roster(Arc::new(world.meters.iter().map(|row| listed(world, row)).collect())),
        Query::PreviewWithout(id, ..) => {
            let period = point_view(world, *id).history.periods()[0].clone();
            Value::Preview(Arc::new(Some(month(&period))))
        }
        Query::Package(_) | Query::PublicKey(_) | Query::VendorFile(_) => unreachable!("answered from files"),
        Query::Ports => Value::Ports(Arc::new(vec![PortInfo {
            name: "/dev/ttyUSB0".into(),
            description: "Optical probe".into(),
        }])),
        Query::Setting(key) => Value::Setting(Arc::new(world.settings.get(key).cloned())),
        Query::Lists => Value::Lists(Arc::new(lists(world))),
        Query::List(id) => Value::List(Arc::new(list_details(world, *id))),
        Query::Rates(_) => Value::Rates(Arc::new(list_rates())),
        Query::Scheme(path) => {
            Value::Scheme(Arc::new(reader::scheme(path, &templates(world)).unwrap_or_default()))
        }
        Query::Catalogue => Value::Catalogue(Arc::new(templates(world))),
        Query::Prices(path) => Value::Prices(Arc::new(reader::prices(path).unwrap_or_default())),
        Query::MeterSchemes(id) => {
            Value::MeterSchemes(Arc::new(world.schemes.get(id).cloned().unwrap_or_default()))
        }
    }
}

/// A store of a year of a fleet.
fn store_status() -> StoreStatus {
    let kind = |name, items, mib: u64, oldest: Option<&str>| KindSize {
        name,
        items,
        bytes: mib << 20,
        oldest: oldest.map(at),
    };
    let upkeep = |id, what, began: &str, state, words: &str| UpkeepRow {
        id,
        what,
        began: at(began),
        ended: Some(at(began)),
        state,
        words: words.to_owned(),
    };
    StoreStatus {
        path: "/home/anna/.local/share/meterwright/meterwright.db".to_owned(),
        version: 9,
        bytes: 497 << 20,
        log_bytes: 3 << 20,
        free_bytes: 2 << 20,
        gives_back: true,
        disk_free_bytes: Some(81 << 30),
        kinds: vec![
            kind("Intervals", 87_600_000, 431, Some("2025-11-01T00:30:00Z")),
            kind("Registers and instantaneous values", 1_820_000, 38, Some("2025-11-01T02:00:00Z")),
            kind("Traffic", 412_000, 22, Some("2026-10-23T02:00:00Z")),
            kind("Meters and all else", 5_000, 4, None),
        ],
        blocks: (310_000, 50_000),
        upkeep: vec![
            upkeep(
                9,
                Upkeep::Nightly,
                "2026-11-22T03:30:00Z",
                UpkeepState::Done,
                "Nothing was old; nothing to put together",
            ),
            upkeep(
                7,
                Upkeep::Check,
                "2026-11-15T09:00:00Z",
                UpkeepState::Done,
                "All is well: 41 tables, 360000 blocks and 8123 audit rows looked at",
            ),
        ],
    }
}

fn expiries(world: &World) -> Expiries {
    let retention = Retention::from_setting(world.settings.get(RETENTION_SETTING).map(String::as_str));
    let one = |(kind, cutoff): (Kind, Timestamp)| {
        let items = match kind {
            Kind::Intervals => 14_880,
            Kind::Traces => 412,
            _ => 0,
        };
        Expiry {
            kind,
            cutoff,
            items,
            bytes: items * 2,
            oldest: (items > 0).then(|| at("2019-01-01T00:30:00Z")),
        }
    };
    Expiries { expiries: retention.cutoffs(now()).into_iter().map(one).collect(), retention }
}

/// The gap of [`rows`], and an old one that the next read asks for.
fn gaps() -> Vec<Gap> {
    let profile = layout().obis;
    let second = |second: i64| Timestamp::from_second(second).unwrap();
    let gap = |after: i64, before: i64, intervals, reason| Gap {
        profile,
        after: second(after),
        before: second(before),
        intervals,
        reason,
    };
    vec![
        gap(1_790_000_000 / 1_800 * 1_800, 1_790_000_000 / 1_800 * 1_800 + 5_400, 2, GapReason::NotAsked),
        gap(1_795_044_600, 1_795_060_800, 8, GapReason::NotRecorded),
    ]
}

/// A meter as lists in files have it.
fn listed(world: &World, row: &MeterRow) -> ListedMeter {
    let point = point_view(world, row.id).point.unwrap();
    ListedMeter {
        id: row.id,
        config: row.config.clone(),
        point: Some(point.id),
        has_ratio: point.ratios.at(now()).is_some(),
        ratios: point.ratios,
        details: point.details,
    }
}

/// Each meter's point bears its number; every seventh hangs behind transformers that were changed this morning.
fn point_view(world: &World, id: MeterId) -> PointView {
    let row = world.meters.iter().find(|meter| meter.id == id).unwrap();
    let point = PointId(id.0);
    let is_behind = id.0 % 7 == 3;
    let period = |from: &str, ct: &str| RatioPeriod {
        from: from.parse().unwrap(),
        until: None,
        transformers: Transformers {
            ct: ct.parse().unwrap(),
            vt: "20000/√3:100/√3".parse().unwrap(),
            registers_in: Side::Secondary,
        },
        classes: AccuracyClasses {
            ct: Some("0.2S".into()),
            vt: Some("0.5".into()),
            meter: Some("0.5".into()),
        },
    };
    let periods = if is_behind {
        vec![period("2026-01-01T00:00:00Z", "400/5"), period(CHANGE, "600/5")]
    } else {
        Vec::new()
    };
    let history = world.ratios.get(&point).cloned().unwrap_or_else(|| RatioHistory::new(periods));
    let said = PlateRatios { ct: Some("400/5".parse().unwrap()), vt: Some("20000/100".parse().unwrap()) };
    let plate = is_behind.then(|| PlateRatios { ct: Some("600/5".parse().unwrap()), ..said });
    let details = PointDetails { plate, ..PointDetails::default() };
    let placed = Placement {
        meter: id,
        name: row.config.name.clone(),
        serial: row.config.serial.clone(),
        removed: false,
        from: None,
        until: None,
        first: Vec::new(),
        last: Vec::new(),
    };
    PointView {
        point: Some(PointRow {
            id: point,
            name: row.config.name.clone(),
            details: world.details.get(&point).cloned().unwrap_or(details),
            meters: vec![placed],
            ratios: history.clone(),
        }),
        history,
        own: is_behind.then(|| MeterRatios { said, read_at: now() }),
        totals: Vec::new(),
    }
}

/// When the fleet's transformers were changed.
pub const CHANGE: &str = "2026-11-22T06:00:00Z";

/// A month of 1 MWh on the secondary side, which stood at 400/5.
fn month(period: &RatioPeriod) -> Preview {
    let primary = |ct: &str| {
        let factor = Transformers { ct: ct.parse().unwrap(), ..period.transformers.clone() }.factor(Unit::WH);
        factor.unwrap().apply(Decimal::from(1_000_000))
    };
    let stands = primary("400/5");
    let new = primary(&period.transformers.ct.to_string());
    let to: Timestamp = "2026-11-01T00:00:00Z".parse().unwrap();
    Preview {
        from: "2026-09-30T23:00:00Z".parse().unwrap(),
        to,
        intervals: 1490,
        expected: 1490,
        energies: vec![MonthEnergy {
            obis: "1-0:1.29.0*255".parse().unwrap(),
            name: "Active import energy".to_owned(),
            unit: Unit::WH,
            stands,
            would_be: if period.from < to { new } else { stands },
            all_month: new,
            left_out: [0, 0],
        }],
    }
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn run(world: &World, list: ListId, day: i64) -> RunRow {
    let started = at("2026-11-22T02:00:00Z").checked_sub((24 * day).hours()).unwrap();
    let meters = world.meters.len() as u64;
    let failed = if day % 3 == 1 { 0 } else { 2 };
    RunRow {
        id: 100 - day,
        list,
        cause: if day == 4 { Cause::Missed } else { Cause::Schedule },
        due: started,
        until: started,
        started,
        ended: Some(started),
        state: if day == 3 { RunState::Missed } else { RunState::Done },
        meters: if day == 3 { 0 } else { meters },
        ok: if day == 3 { 0 } else { meters.saturating_sub(failed) },
        failed: if day == 3 { 0 } else { failed },
        resting: 0,
    }
}

/// Lists as a fleet of any size may have them.
pub fn some_lists() -> Vec<ListRow> {
    let reads = |what: &[What]| Action::Read { what: what.iter().copied().collect(), from: None };
    let time = jiff::civil::time(2, 0, 0, 0);
    let nightly = Schedule::new(Times::At(time), Days::All, "Europe/London");
    let mut all = vec![
        ("Nightly poll", reads(&[What::Clock, What::Registers, What::Profile]), Some(nightly.clone())),
        ("Quarter hours", reads(&[What::Profile]), Some(Schedule::new(Times::Every(15), Days::All, "UTC"))),
        ("Clocks", Action::AdjustClock, Some(Schedule { days: Days::Monthly(1), ..nightly })),
        ("Billing of the harbour", reads(&[What::Billing]), None),
    ];
    let rows = all.drain(..).zip(1..).map(|((name, action, schedule), id)| {
        let mut list = MeterList::new(name, action);
        list.add(if id == 4 { Member::Group("Harbour".to_owned()) } else { Member::All });
        list.schedule = schedule;
        list.paused = id == 3;
        ListRow { id: ListId(id), list, handled: now(), deferred: None }
    });
    rows.collect()
}

fn lists(world: &World) -> Vec<ListSummary> {
    let summary = |row: &ListRow| ListSummary {
        meters: world.meters.iter().filter(|meter| row.list.contains(meter.id, &meter.config)).count(),
        last: (row.id != ListId(4)).then(|| run(world, row.id, row.id.0 - 1)),
        row: row.clone(),
    };
    world.lists.iter().map(summary).collect()
}

fn list_details(world: &World, id: ListId) -> ListDetails {
    if id == ListId(4) {
        return ListDetails::default();
    }
    let runs = (id.0 - 1..30).map(|day| run(world, id, day)).collect();
    let outcome = |meter: &MeterRow| {
        let mut outcome = Outcome::waiting(meter.id);
        (outcome.state, outcome.tries) = (OutcomeState::Ok, 1);
        outcome.words = "Read: 21 registers, 48 intervals".to_owned();
        if meter.last_ok == Some(false) {
            (outcome.state, outcome.tries) = (OutcomeState::Failed, 6);
            outcome.words = timed_out().to_string();
        }
        (meter.config.name.clone(), outcome)
    };
    ListDetails { runs, outcomes: world.meters.iter().map(outcome).collect() }
}

fn list_rates() -> ListRates {
    let share = |ok, of| Share { ok, of };
    let rate = |key: &str, last, three_days, thirty_days| Rate {
        key: key.to_owned(),
        last,
        three_days,
        thirty_days,
    };
    ListRates {
        groups: vec![
            rate("North district", share(98, 100), share(294, 300), share(2_951, 3_000)),
            rate("Harbour", share(100, 100), share(300, 300), share(2_998, 3_000)),
        ],
        lines: vec![rate("tcp://10.20.0.1:4059", share(1, 1), share(3, 3), share(30, 30))],
        templates: vec![rate("dlms-generic", share(158, 160), share(474, 480), share(4_759, 4_800))],
    }
}

fn trace() -> Vec<(MeterId, TraceRecord)> {
    let record = |ms: i64, sent: bool, hex: &str| {
        let bytes =
            (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect();
        let at = now().checked_add(ms.milliseconds()).unwrap();
        (MeterId(1), TraceRecord { at, sent, bytes, masked: Vec::new(), note: None })
    };
    let note = TraceRecord {
        at: now(),
        sent: true,
        bytes: Vec::new(),
        masked: Vec::new(),
        note: Some("connected to 10.20.0.1:4059".into()),
    };
    vec![
        (MeterId(1), note),
        record(3, true, "000100100001001F601DA109060760857405080101BE10040E01000000065F1F0400007E1FFFFF"),
        record(
            41,
            false,
            "000100010010002B6129A109060760857405080101A203020100A305A103020100BE10040E0800065F1F0400007E1F04B00007",
        ),
        record(44, true, "000100100001000DC001C100080000010000FF0200"),
        record(79, false, "0001000100100012C401C100090C07EA0B16070E2300FF000000"),
    ]
}

fn traffic() -> Vec<Traffic> {
    let mut follower = Follower::default();
    let decode =
        |(meter, record): (MeterId, TraceRecord)| Traffic { meter, layers: follower.follow(&record), record };
    trace().into_iter().map(decode).collect()
}

/// A person who may sign in; the passphrase is `open sesame`.
pub fn person_row(id: i64, name: &str, role: Role) -> PersonRow {
    let (name, added, lock) = (name.to_owned(), now(), Vec::new());
    let (signed_in, failures, failed_at) = (None, 0, None);
    PersonRow { id, name, role, added, signed_in, failures, failed_at, lock, share: Some(Vec::new()) }
}

impl Fake {
    /// A fake whose store has these people, the first of whom is an administrator.
    pub fn with_people(meters: usize, people: &[(&str, Role)]) -> Self {
        let fake = Self::with_meters(meters);
        fake.world(|world| {
            let rows = people.iter().enumerate();
            world.people = rows.map(|(id, (name, role))| person_row(id as i64, name, *role)).collect();
            world.standing = Standing::Nobody;
        });
        fake
    }

    /// Has somebody act from the start.
    pub fn with_person(self, name: &str, role: Role) -> Self {
        self.world(|world| world.standing = signed_in(world, name, role));
        self
    }
}

fn signed_in(world: &World, name: &str, role: Role) -> Standing {
    let administrators = world.people.iter().filter(|row| row.role == Role::Administrator);
    Standing::SignedIn(Person {
        name: name.to_owned(),
        role,
        is_locked: false,
        administrators: administrators.map(|row| row.name.clone()).collect(),
    })
}

impl Backend for Fake {
    fn standing(&self) -> Standing {
        self.world(|world| world.standing.clone())
    }

    fn sign_in(&self, name: &str, passphrase: Secret) -> Later<Standing> {
        let (sender, receiver) = sync_channel(1);
        let answer = self.world(|world| {
            world.sign_ins.push(name.to_owned());
            let role = world.people.iter().find(|row| row.name == name).map(|row| row.role);
            match role.filter(|_| passphrase.expose() == b"open sesame") {
                Some(role) => {
                    world.standing = signed_in(world, name, role);
                    world.events.push_back(Event::Standing(world.standing.clone()));
                    Ok(world.standing.clone())
                }
                None => Err(Fault::refused("the passphrase is wrong", "try again")),
            }
        });
        sender.send(answer).unwrap();
        receiver
    }

    fn leave(&self, only_lock: bool) {
        self.world(|world| {
            world.left.push(only_lock);
            world.standing = match world.standing.clone() {
                Standing::SignedIn(person) if only_lock => {
                    Standing::SignedIn(Person { is_locked: true, ..person })
                }
                _ => Standing::Nobody,
            };
            world.events.push_back(Event::Standing(world.standing.clone()));
        });
    }

    fn ask(&self, query: &Query) -> bool {
        self.world(|world| {
            world.asked.push(query.clone());
            if !world.mute {
                let value = match (query, world.broken.clone()) {
                    (_, Some(broken)) => Err(broken),
                    (Query::Package(path), None) => {
                        reader::package(path, &world.keys, now()).map(|file| Value::Package(Arc::new(file)))
                    }
                    (Query::PublicKey(path), None) => PublicKeyFile::read(path)
                        .map(|key| Value::PublicKey(Arc::new(key)))
                        .map_err(|error| error.to_string()),
                    (Query::VendorFile(path), None) => VendorFile::open(path)
                        .map(|file| Value::VendorFile(Arc::new(file)))
                        .map_err(|error| error.to_string()),
                    (query, None) => Ok(answer(world, query)),
                };
                world.answers.push_back(Answer { query: query.clone(), value });
            }
        });
        true
    }

    fn take_answer(&self) -> Option<Answer> {
        self.world(|world| world.answers.pop_front())
    }

    fn take_event(&self) -> Option<Event> {
        self.world(|world| world.events.pop_front())
    }

    fn submit(&self, job: Job) -> Later<JobId> {
        let (sender, receiver) = sync_channel(1);
        let id = self.world(|world| {
            world.next += 1;
            let id = JobId(world.next + 100);
            let named = |meter: &MeterId| {
                world.meters.iter().find(|row| row.id == *meter).map(|row| row.config.name.clone())
            };
            let (title, meters): (String, Vec<Option<MeterId>>) = match &job {
                Job::Read { meters, .. } => {
                    let title = match meters.as_slice() {
                        [one] => format!("Read {}", named(one).unwrap_or_default()),
                        many => format!("Read {} meters", many.len()),
                    };
                    (title, meters.iter().copied().map(Some).collect())
                }
                Job::WriteScheme { meter, scheme, .. } => {
                    (format!("Write scheme {}", scheme.identity), vec![Some(*meter)])
                }
                Job::ReadScheme { meter, .. } => ("Read the scheme".to_owned(), vec![Some(*meter)]),
                Job::Flash { meters, .. } => {
                    (format!("Flash {} meters", meters.len()), meters.iter().copied().map(Some).collect())
                }
                Job::Test { config, meter, .. } => (format!("Test {}", config.name), vec![*meter]),
                Job::RunList(_) => ("Run a list".to_owned(), Vec::new()),
                Job::Discover(_) => ("Look for meters".to_owned(), vec![None]),
                Job::Upkeep(_) => ("Look after the store".to_owned(), vec![None]),
                Job::Ratios { meters, .. } => {
                    ("Transformer ratios".to_owned(), meters.iter().copied().map(Some).collect())
                }
                Job::SetClock { meters, .. } => {
                    ("Put clocks right".to_owned(), meters.iter().copied().map(Some).collect())
                }
                Job::VendorFlash { meter, .. } => ("Load a vendor's firmware".to_owned(), vec![Some(*meter)]),
                Job::Learn { meter } => ("Learn a template".to_owned(), vec![Some(*meter)]),
                Job::Control { meter, .. } => {
                    (format!("Control {}", named(meter).unwrap_or_default()), vec![Some(*meter)])
                }
            };
            world.events.push_back(Event::Submitted { job: id, title, meters: meters.len() });
            for meter in meters.iter().take(32) {
                let name = meter.as_ref().and_then(named).unwrap_or_else(|| "New meter".to_owned());
                world.events.push_back(Event::MeterStarted { job: id, meter: *meter, name });
                let steps = match &job {
                    Job::WriteScheme { .. } => vec![
                        Step::Associating,
                        Step::Programming(ProgramPhase::Standing),
                        Step::Programming(ProgramPhase::Beside),
                    ],
                    Job::Upkeep(_) => {
                        vec![Step::Upkeep { doing: "Checking".to_owned(), done: 420, of: 1_000 }]
                    }
                    Job::Learn { .. } => vec![Step::Associating, Step::Learning { done: 3, of: 12 }],
                    _ => vec![
                        Step::Opening,
                        Step::Associating,
                        Step::Reading(What::Profile),
                        Step::Rows { done: 24, expected: Some(48) },
                    ],
                };
                for step in steps {
                    world.events.push_back(Event::MeterStep { job: id, meter: *meter, step });
                }
            }
            world.submitted.push(job);
            id
        });
        sender.send(Ok(id)).unwrap();
        receiver
    }

    fn cancel(&self, job: JobId) {
        self.world(|world| {
            world.cancelled.push(job);
            world.events.push_back(Event::Ended { job, ok: 0, failed: 0, cancelled: true });
        });
    }

    fn edit(&self, edit: Edit) -> Receiver<Result<Edited, Fault>> {
        let (sender, receiver) = sync_channel(1);
        if let Some(fault) = self.world(|world| world.refuse.take()) {
            sender.send(Err(fault)).unwrap();
            return receiver;
        }
        let edited = self.world(|world| {
            world.edits.push(edit.clone());
            match edit {
                Edit::AddMeters(meters) => {
                    Edited::Added(meters.iter().map(|(config, _)| world.add(config)).collect())
                }
                Edit::UpdateMeter { id, config, .. } => {
                    world.meters.iter_mut().find(|meter| meter.id == id).unwrap().config = *config;
                    Edited::Done
                }
                Edit::RemoveMeters(ids) => {
                    world.meters.retain(|meter| !ids.contains(&meter.id));
                    Edited::Done
                }
                Edit::TrustKey { public, name } => {
                    world.keys.push(KeyRow { public, name, trusted_at: now() });
                    Edited::Done
                }
                Edit::UntrustKey { public } => {
                    world.keys.retain(|key| key.public != public);
                    Edited::Done
                }
                Edit::VendorFirmware { accepted } => {
                    let value = if accepted.is_some() { ALLOWED } else { "forbidden" };
                    world.settings.insert(SETTING.to_owned(), value.to_owned());
                    Edited::Done
                }
                Edit::TrustMakerKey { public, name } => {
                    world.maker_keys.push(MakerKeyRow { public, name, trusted_at: now() });
                    Edited::Done
                }
                Edit::UntrustMakerKey { public } => {
                    world.maker_keys.retain(|key| key.public != public);
                    Edited::Done
                }
                Edit::CallOffCampaign { id } => {
                    let one = world.campaigns.iter_mut().find(|one| one.row.id == id).unwrap();
                    one.row.state = CampaignState::Done;
                    one.row.reason = "called off".to_owned();
                    Edited::Done
                }
                Edit::UpdatePoint { id, details, .. } => {
                    world.details.insert(id, *details);
                    Edited::Done
                }
                Edit::SetRatio { point, period } => {
                    let stood = point_view(world, MeterId(point.0)).history;
                    world.ratios.insert(point, stood.with(*period));
                    Edited::Done
                }
                Edit::RemoveRatio { point, from } => {
                    let stood = point_view(world, MeterId(point.0)).point.unwrap().ratios;
                    world.ratios.insert(point, stood.without(from));
                    Edited::Done
                }
                Edit::ChangeMeters(changes) => world.change(&changes),
                Edit::AddGroup(name) => {
                    world.settings.insert("groups".to_owned(), format!("[{name:?}]"));
                    Edited::Done
                }
                Edit::MoveGroup { from, to } => {
                    for row in &mut world.meters {
                        let rest = row.config.group.as_deref().and_then(|own| own.strip_prefix(&from));
                        let rest = rest.map(str::to_owned);
                        if let Some(rest) = rest {
                            row.config.group = to.as_ref().map(|to| format!("{to}{rest}"));
                        }
                    }
                    Edited::Done
                }
                Edit::Exchange { exchange, .. } => match &exchange.new {
                    NewMeter::Listed(id) => Edited::Added(vec![*id]),
                    NewMeter::Added(config) => Edited::Added(vec![world.add(config)]),
                },
                Edit::Retention(retention) => {
                    world.settings.insert(RETENTION_SETTING.to_owned(), retention.to_setting());
                    Edited::Done
                }
                Edit::Setting { key, value } => {
                    world.settings.insert(key, value);
                    Edited::Done
                }
                Edit::PutList { id, list } => {
                    let id = id.unwrap_or(ListId(99));
                    world.lists.retain(|row| row.id != id);
                    world.lists.push(ListRow { id, list: *list, handled: now(), deferred: None });
                    Edited::List(id)
                }
                Edit::RemoveList(id) => {
                    world.lists.retain(|row| row.id != id);
                    Edited::Done
                }
                Edit::StopRun(_) | Edit::OwnPassphrase { .. } | Edit::RekeyVault => Edited::Done,
                Edit::AddPerson { name, role, .. } => {
                    let id = world.people.len() as i64;
                    world.people.push(person_row(id, &name, role));
                    Edited::Done
                }
                Edit::SetPerson { name, role, active, .. } => {
                    let row = world.people.iter_mut().find(|row| row.name == name).unwrap();
                    row.role = role.unwrap_or(row.role);
                    if let Some(active) = active {
                        row.share = active.then(Vec::new);
                    }
                    Edited::Done
                }
                Edit::SingleUser => {
                    world.people.clear();
                    Edited::Done
                }
                Edit::PutTemplate { text, origin, .. } => {
                    let name = Template::parse("", &text).unwrap().name;
                    let before = world.templates.iter().find(|one| one.name == name).cloned();
                    world.templates.retain(|one| one.name != name);
                    let version = before.as_ref().map_or(1, |one| one.version + 1);
                    let origin = before.and_then(|one| one.origin).or(origin);
                    let changed_by = "Ada".to_owned();
                    let own = OwnTemplate { name, text, version, changed_at: now(), changed_by, origin };
                    world.templates.push(own);
                    Edited::Done
                }
                Edit::RemoveTemplate(name) => {
                    world.templates.retain(|one| one.name != name);
                    Edited::Done
                }
            }
        });
        self.world(|world| world.events.push_back(Event::StoreChanged));
        sender.send(Ok(edited)).unwrap();
        receiver
    }

    fn export(&self, export: Export, file: PathBuf) -> Later<u64> {
        self.world(|world| world.exports.push((export, file)));
        let (sender, receiver) = sync_channel(1);
        sender.send(Ok(1)).unwrap();
        receiver
    }

    fn open_demo(&self) -> Later<Box<dyn Backend>> {
        let (sender, receiver) = sync_channel(1);
        sender.send(Ok(Box::new(Fake::with_meters(200)) as Box<dyn Backend>)).unwrap();
        receiver
    }

    fn aside(&self, _name: &'static str, work: Box<dyn FnOnce() + Send>) {
        work();
    }

    fn drafts_folder(&self) -> Option<PathBuf> {
        self.world(|world| world.drafts.clone())
    }

    fn store_name(&self) -> String {
        "North district".to_owned()
    }
}

impl World {
    fn change(&mut self, changes: &MeterChanges) -> Edited {
        let added = changes.add.iter().map(|(config, _)| self.add(config)).collect();
        for (id, patch) in &changes.change {
            let point = PointId(id.0);
            let mut details = point_view(self, *id).point.unwrap().details;
            patch.about.apply(&mut details);
            self.details.insert(point, details);
            let row = self.meters.iter_mut().find(|row| row.id == *id).unwrap();
            patch.apply(&mut row.config).unwrap();
        }
        Edited::Changed { added, changed: changes.change.len() }
    }

    fn add(&mut self, config: &MeterConfig) -> MeterId {
        let id = MeterId(self.meters.iter().map(|meter| meter.id.0).max().unwrap_or(0) + 1);
        self.meters.push(MeterRow {
            id,
            config: config.clone(),
            last_read: None,
            last_result: None,
            last_ok: None,
            drift_ms: None,
        });
        id
    }
}
