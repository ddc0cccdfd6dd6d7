//! The background communications thread (floor 4).
//!
//! One thread owns every line and every session, and says what is written when; the writing of what sessions read goes
//! on beside it, so that a wait for the disk holds up no meter. Windows and command line speak to it through
//! [`Comms`]: `submit`, `cancel`, `edit`, and a stream of [`Event`]s.
//!
//! | file | holds |
//! | --- | --- |
//! | `thread` | the thread: takes commands, begins sessions, ends jobs |
//! | `schedule` | runs meter lists when their time comes |
//! | `queue` | which session may begin: shared lines one at a time, the network up to a limit |
//! | `turnstile` | how soon one connection may begin after another |
//! | `session` | one meter's session: attempts, back-off, cancelling |
//! | `conductor` | the seam between a session and the line with its driver |
//! | `discover` | which addresses of a line answer |
//! | `push`, `push_net` | what meters send by themselves |
//! | `link` | a line with its framing and one meter at its end |
//! | `sink` | stores what a driver reads, as it comes |
//! | `settling` | many sessions' writes in one transaction, beside the thread: one wait for the disk, and no session waits |
//! | `hold` | waits with sessions while the store takes no writes |
//! | `held` | meters held against other programs on the same store |
//! | `hops` | how long gateways and meshes take |
//! | `counters` | invocation counters, durable before use |
//! | `trace_log` | traffic on its way to the store |
//! | `listeners` | events to any number of listeners |
//! | `flash` | firmware: the state of each flash in the store, campaigns in waves |
//! | `vendor` | vendors' own firmware files: the switch, and the state of each loading in the store |
//! | `edits` | changes of the store's own data |
//! | `upkeep` | compaction, retention, checks and copies of the store as jobs; by itself at night |
//! | `elsewhere` | what other programs write |
//! | `people` | signing in, people, the vault's key |
//! | `rights` | who may do what |
//! | `trace` | what traffic means, layer by layer |
//! | `surroundings` | the time of day, and who opens lines |
//! | `local` | the same work as a task of the caller's own runtime, in flying time |

mod backoff;
mod conductor;
mod counters;
mod discover;
mod edits;
mod elsewhere;
mod flash;
mod held;
mod hold;
mod holding;
mod hops;
pub mod link;
mod listeners;
mod local;
mod people;
pub mod programming;
mod progress;
mod push;
mod push_net;
mod queue;
mod reporter;
pub mod rights;
mod schedule;
mod session;
mod settling;
mod shared;
mod sink;
mod surroundings;
mod thread;
pub mod trace;
mod trace_log;
mod turnstile;
mod upkeep;
mod vendor;

#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use jiff::Timestamp;
use tokio::sync::mpsc;

use crate::drivers::{Activation, ClockOrder, Order, RatioOrder, ReadRequest};
use crate::firmware::Package;
use crate::firmware::vendor::VendorPlan;
use crate::model::template::{Origin, Proposal};
use crate::model::{
    CampaignPlan, Fault, ListId, MeterConfig, MeterId, MeterList, MeterSecrets, PointDetails, PointId,
    RatioPeriod, Role, Secret, SecretKind, Standing, Step,
};
use crate::scheme::Document;
use crate::store::{Exchange, JobResult, MeterChanges, Retention, Store, Upgrade};

pub use push::{ASIDE_KEY, Aside};
pub use push_net::PushPlaces;

pub use upkeep::{Chore, NIGHTLY_SETTING, NIGHTLY_USUAL};

pub use discover::{Discovery, Found, Layer, Seat};
pub use local::LocalComms;
pub use surroundings::{Clock, Surroundings};
pub use vendor::not_allowed as vendor_not_allowed;

use conductor::Conductor;
use listeners::Listeners;
pub use schedule::{ListEvent, ListKey};
use shared::{Shared, open_vault};
use thread::{Command, Thread};

/// A job's number: the one in the store, or one below nought for a test, which the store does not keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(pub i64);

/// Something to do with meters.
#[derive(Clone, Debug)]
pub enum Job {
    /// Read meters into the store.
    Read {
        /// Which.
        meters: Vec<MeterId>,
        /// What.
        request: ReadRequest,
    },
    /// Write a scheme to a meter.
    WriteScheme {
        /// Which.
        meter: MeterId,
        /// The scheme, checked.
        scheme: Box<Document>,
        /// When it takes over.
        activation: Activation,
    },
    /// Read a meter's scheme into the store.
    ReadScheme {
        /// Which.
        meter: MeterId,
        /// Lends ids, titles and what no meter can say; where it is not given, the scheme that was written last does,
        /// if the meter still bears its name.
        reference: Option<Box<Document>>,
    },
    /// Bring firmware into meters: begins a campaign, or goes on with the one of this package and these meters that
    /// is not done. Meters are taken wave by wave, within the window, until too many fail; a job that waits for its
    /// window does not end. How each meter and the campaign stand is read from the store
    /// (`StoreReader::campaign_meters`).
    Flash {
        /// Which, in order.
        meters: Vec<MeterId>,
        /// The package, judged once more before each flash.
        package: Arc<Package>,
        /// How.
        plan: Box<CampaignPlan>,
    },
    /// Read meters' own transformer ratios into the store, or write them and read them back.
    Ratios {
        /// Which.
        meters: Vec<MeterId>,
        /// What.
        order: RatioOrder,
    },
    /// Try a meter that need not be in the store; nothing but counters is stored.
    Test {
        /// The meter as entered.
        config: Box<MeterConfig>,
        /// Its secrets as entered; those of the stored meter are taken where one is missing.
        secrets: MeterSecrets,
        /// The stored meter that is being edited.
        meter: Option<MeterId>,
    },
    /// Set or adjust the clocks of meters.
    SetClock {
        /// Which.
        meters: Vec<MeterId>,
        /// How.
        order: ClockOrder,
    },
    /// Have a meter do something.
    Control {
        /// Which.
        meter: MeterId,
        /// What.
        order: Order,
    },
    /// Load firmware into a meter by its vendor's own file. Refused unless [`Edit::VendorFirmware`] switched it on.
    VendorFlash {
        /// Which.
        meter: MeterId,
        /// What, and how its end is known.
        plan: Box<VendorPlan>,
    },
    /// Run a meter list now.
    RunList(ListId),
    /// Look which addresses of a line answer; nothing is stored.
    Discover(Box<Discovery>),
    /// Upkeep of the store itself; it has one `meter`, which is none.
    Upkeep(Chore),
    /// Look at all that a DLMS meter shows of itself and propose a template for it, which comes as
    /// [`Event::Learnt`]; nothing is stored.
    Learn {
        /// Which.
        meter: MeterId,
    },
}

/// A change of the store's own data, by a person.
#[derive(Clone, Debug)]
pub enum Edit {
    /// Add meters, all or none.
    AddMeters(Vec<(MeterConfig, MeterSecrets)>),
    /// Change a meter; secrets that are named are replaced, or removed where `None`.
    UpdateMeter {
        /// Which.
        id: MeterId,
        /// New settings.
        config: Box<MeterConfig>,
        /// New secrets.
        secrets: BTreeMap<SecretKind, Option<Secret>>,
    },
    /// Remove meters.
    RemoveMeters(Vec<MeterId>),
    /// Trust a key that signs firmware packages.
    TrustKey {
        /// The Ed25519 public key.
        public: [u8; 32],
        /// For people.
        name: String,
    },
    /// Trust a key no longer.
    UntrustKey {
        /// The Ed25519 public key.
        public: [u8; 32],
    },
    /// Trust a maker's key: its signatures within images are believed.
    TrustMakerKey {
        /// The P-256 point, written out.
        public: [u8; crate::firmware::POINT_BYTES],
        /// For people.
        name: String,
    },
    /// Trust a maker's key no longer.
    UntrustMakerKey {
        /// The P-256 point, written out.
        public: [u8; crate::firmware::POINT_BYTES],
    },
    /// End a campaign whose job is over: it does not go on any more. What its meters hold stays, and a later campaign
    /// of the same package goes on with it.
    CallOffCampaign {
        /// Which.
        id: i64,
    },
    /// Change a metering point.
    UpdatePoint {
        /// Which.
        id: PointId,
        /// Its name.
        name: String,
        /// What is known of it.
        details: Box<PointDetails>,
    },
    /// Let ratios hold at a metering point from an instant on, until the next ones begin.
    SetRatio {
        /// Where.
        point: PointId,
        /// Which, and from when; its end is not looked at.
        period: Box<RatioPeriod>,
    },
    /// Take the ratios away that begin at an instant.
    RemoveRatio {
        /// Where.
        point: PointId,
        /// When they begin.
        from: Timestamp,
    },
    /// Exchange a meter for another at its point.
    Exchange {
        /// Which, for which, when, with what readings.
        exchange: Box<Exchange>,
        /// Secrets of a meter that is added by it.
        secrets: MeterSecrets,
    },
    /// Keep a setting of the program.
    Setting {
        /// Key.
        key: String,
        /// Value.
        value: String,
    },
    /// Add a meter list, or change one.
    PutList {
        /// Which; a new one where there is none.
        id: Option<ListId>,
        /// Its new content.
        list: Box<MeterList>,
    },
    /// Remove a meter list.
    RemoveList(ListId),
    /// Stop a run of a meter list.
    StopRun(i64),
    /// Say what the store keeps for how long.
    Retention(Box<Retention>),
    /// Allow vendors' own firmware files in this store, or forbid them.
    VendorFirmware {
        /// What was typed for the risk ([`ACCEPTANCE`](crate::firmware::vendor::ACCEPTANCE)); `None` forbids them.
        accepted: Option<String>,
    },
    /// Add and change many meters, all or none.
    ChangeMeters(Box<MeterChanges>),
    /// Make a group in which no meter is yet.
    AddGroup(String),
    /// Rename or move a group with all that is below it; without a new name its meters are in none.
    MoveGroup {
        /// Its path.
        from: String,
        /// Its new path.
        to: Option<String>,
    },
    /// Keep a template in the store, under the name that it bears.
    PutTemplate {
        /// As JSON; it is checked once more.
        text: String,
        /// Where a new one comes from.
        origin: Option<Origin>,
        /// The version that it takes the place of; a new one where there is none.
        replaces: Option<u32>,
    },
    /// Remove a template of the store that no meter uses.
    RemoveTemplate(String),
    /// Add a person. The first one is an administrator; with that one the store has people, and the vault a new key.
    AddPerson {
        /// Name.
        name: String,
        /// Role.
        role: Role,
        /// Passphrase.
        passphrase: Secret,
    },
    /// Change a person.
    SetPerson {
        /// Which.
        name: String,
        /// The new role.
        role: Option<Role>,
        /// The new passphrase.
        passphrase: Option<Secret>,
        /// Whether this person may sign in from now on.
        active: Option<bool>,
    },
    /// Change the passphrase of whoever is signed in.
    OwnPassphrase {
        /// The present one.
        old: Secret,
        /// The new one.
        new: Secret,
    },
    /// Give the vault a new key, and seal every secret with it.
    RekeyVault,
    /// Take all people off: the store has one user again.
    SingleUser,
}

/// What an edit gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edited {
    /// The new meters' numbers.
    Added(Vec<MeterId>),
    /// Done.
    Done,
    /// The meter list's number.
    List(ListId),
    /// Many meters: which are new, and how many others differ now.
    Changed {
        /// The new meters' numbers, in the order given.
        added: Vec<MeterId>,
        /// How many were changed.
        changed: usize,
    },
}

/// What happens, in this order for each job: `Submitted`; for each meter `MeterStarted`, any number of `MeterStep`,
/// `MeterEnded`; then `Ended`. Meters of one job interleave. Nothing follows `Ended`. A job that is cancelled ends
/// each meter that had started, then itself; meters that had not started are in neither count of `Ended`.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The job waits for its lines.
    Submitted {
        /// Job.
        job: JobId,
        /// In words.
        title: String,
        /// How many meters.
        meters: usize,
    },
    /// A meter's session begins, or is the next on a line that another session holds.
    MeterStarted {
        /// Job.
        job: JobId,
        /// Meter; `None` in a test of one that is not stored.
        meter: Option<MeterId>,
        /// Its name.
        name: String,
    },
    /// A meter's session goes on.
    MeterStep {
        /// Job.
        job: JobId,
        /// Meter.
        meter: Option<MeterId>,
        /// Step.
        step: Step,
    },
    /// A remark worth a line.
    MeterRemark {
        /// Job.
        job: JobId,
        /// Meter.
        meter: Option<MeterId>,
        /// Text.
        text: String,
    },
    /// A meter's session is over and what it gave is on disk.
    MeterEnded {
        /// Job.
        job: JobId,
        /// Meter.
        meter: Option<MeterId>,
        /// Its name.
        name: String,
        /// The result.
        result: Box<JobResult>,
        /// The result in words.
        words: String,
    },
    /// The job is over.
    Ended {
        /// Job.
        job: JobId,
        /// Meters that went well.
        ok: usize,
        /// Meters that failed.
        failed: usize,
        /// Whether it was cancelled.
        cancelled: bool,
    },
    /// The store's own data were changed.
    StoreChanged,
    /// Something happened to a run of a meter list; its passes are jobs with events of their own.
    List(ListEvent),
    /// The store takes no more writes, or does so again. Until it does no session begins: meter lists wait, and what
    /// people asked for fails. Nothing that was told as stored is lost.
    Store {
        /// Why it takes none; nothing where it does so again.
        fault: Option<Fault>,
    },
    /// A meter, or a stranger, sent something by itself.
    Pushed {
        /// Who; `None` is nobody that is known, and the message was kept aside.
        meter: Option<MeterId>,
        /// From which address.
        from: String,
        /// What became of it.
        words: String,
    },
    /// An address was tried; comes before its job's `MeterEnded`.
    Found {
        /// Job.
        job: JobId,
        /// What is there.
        found: Box<Found>,
    },
    /// Another program changed the store; told at most once a second, to whoever watches ([`Comms::watch`]).
    ChangedElsewhere,
    /// A template was learnt from a meter; comes before its `MeterEnded`.
    Learnt {
        /// Job.
        job: JobId,
        /// What is proposed.
        proposal: Box<Proposal>,
    },
    /// Somebody signed in or out, or the store was given people.
    Standing(Standing),
}

/// How to start.
#[derive(Clone, Debug)]
pub struct CommsOptions {
    /// The store's file.
    pub store: PathBuf,
    /// Most sessions at once.
    pub sessions: usize,
    /// Whether traffic is kept in the store.
    pub trace: bool,
    /// Whether meter lists are run when their time comes.
    pub schedule: bool,
}

/// Commands that wait for the thread.
const COMMANDS: usize = 64;

/// The handle to the communications thread; clones speak to the same one. When the last one is dropped, the thread
/// cancels everything and ends. Its calls wait for the thread and are not for use inside an async runtime.
#[derive(Clone)]
pub struct Comms {
    commands: mpsc::Sender<Command>,
    thread: Arc<Mutex<Option<JoinHandle<()>>>>,
}

impl fmt::Debug for Comms {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Comms").finish_non_exhaustive()
    }
}

fn stopped() -> Fault {
    Fault::internal("the communications thread has stopped")
}

impl Comms {
    /// Opens the store and the vault and starts the thread. Without the vault's key, meters that have no secrets can
    /// still be read.
    ///
    /// # Errors
    /// The store cannot be opened.
    pub fn start(options: CommsOptions) -> Result<Self, Fault> {
        Self::start_telling(options, |_| {})
    }

    /// As [`Comms::start`]; `tell` hears how far a store of an older version has been brought up to date.
    ///
    /// # Errors
    /// The store cannot be opened.
    pub fn start_telling(
        options: CommsOptions,
        tell: impl FnMut(Upgrade) + Send + 'static,
    ) -> Result<Self, Fault> {
        Self::start_with(options, Arc::new(conductor::Drivers { dialer: None }), tell)
    }

    fn start_with(
        options: CommsOptions,
        conductor: Arc<dyn Conductor>,
        mut tell: impl FnMut(Upgrade) + Send + 'static,
    ) -> Result<Self, Fault> {
        let (commands, inbox) = mpsc::channel(COMMANDS);
        let (opened, answer) = sync_channel(1);
        let thread = std::thread::Builder::new()
            .name("comms".to_owned())
            .spawn(move || {
                // Whoever waits for the answer does so until it comes.
                match open(options, conductor, &mut tell) {
                    Ok((runtime, shared)) => {
                        let _waits = opened.send(Ok(()));
                        let thread = Thread::new(Rc::new(shared));
                        tokio::task::LocalSet::new().block_on(&runtime, thread.run(inbox));
                        // Upkeep that does not end in time is cut off with the program, and loses nothing.
                        runtime.shutdown_background();
                    }
                    Err(fault) => {
                        let _waits = opened.send(Err(fault));
                    }
                }
            })
            .map_err(|error| Fault::internal(format!("the communications thread cannot start: {error}")))?;
        answer.recv().map_err(|_| stopped())??;
        Ok(Self { commands, thread: Arc::new(Mutex::new(Some(thread))) })
    }

    /// Submits a job.
    ///
    /// # Errors
    /// A meter does not exist, the job cannot be written down, or the thread has stopped.
    pub fn submit(&self, job: Job) -> Result<JobId, Fault> {
        let (answer, submitted) = sync_channel(1);
        self.commands.blocking_send(Command::Submit(job, answer)).map_err(|_| stopped())?;
        submitted.recv().map_err(|_| stopped())?
    }

    /// Cancels a job: sessions end at their next wait.
    pub fn cancel(&self, job: JobId) {
        // A thread that has stopped has cancelled everything.
        let _stopped = self.commands.blocking_send(Command::Cancel(job));
    }

    /// Asks for a change; the answer comes through the receiver, so that a window need not wait.
    #[must_use]
    pub fn edit(&self, edit: Edit) -> Receiver<Result<Edited, Fault>> {
        let (answer, edited) = sync_channel(1);
        if let Err(mpsc::error::SendError(Command::Edit(_, answer))) =
            self.commands.blocking_send(Command::Edit(edit, answer))
        {
            let _room_for_one = answer.try_send(Err(stopped()));
        }
        edited
    }

    /// Takes what meters send by themselves at some places, until the thread stops; gives the addresses that the
    /// sockets have.
    ///
    /// # Errors
    /// A socket cannot be opened, or the thread has stopped.
    pub fn take_pushes(&self, places: PushPlaces) -> Result<PushPlaces, Fault> {
        let (answer, bound) = sync_channel(1);
        self.commands.blocking_send(Command::Push(places, answer)).map_err(|_| stopped())?;
        bound.recv().map_err(|_| stopped())?
    }

    /// A stream of what happens from now on. `wake` is called after each event was put there (the windows ask for a
    /// repaint in it). Steps are coalesced when the listener is slow; nothing else is ever left out, but a listener
    /// that never takes anything is cut off in the end. The stream ends when the thread does.
    pub fn listen(&self, wake: impl Fn() + Send + 'static) -> Receiver<Event> {
        let (to, events) = sync_channel(listeners::CHANNEL);
        // A thread that has stopped drops the sender: the stream is over.
        let _stopped = self.commands.blocking_send(Command::Listen(to, Box::new(wake)));
        events
    }

    /// Whether somebody looks: then changes by other programs are told ([`Event::ChangedElsewhere`]).
    pub fn watch(&self, is_watched: bool) {
        // A thread that has stopped sees nothing any more.
        let _stopped = self.commands.blocking_send(Command::Watch(is_watched));
    }

    /// Signs a person in, in place of whoever is signed in; also takes a lock off. The answer comes through the
    /// receiver, after the passphrase was hashed.
    #[must_use]
    pub fn sign_in(&self, name: &str, passphrase: Secret) -> Receiver<Result<Standing, Fault>> {
        let (answer, standing) = sync_channel(1);
        let command = Command::SignIn(name.to_owned(), passphrase, answer);
        if let Err(mpsc::error::SendError(Command::SignIn(_, _, answer))) =
            self.commands.blocking_send(command)
        {
            let _room_for_one = answer.try_send(Err(stopped()));
        }
        standing
    }

    /// Signs whoever is here out: what is under way is cancelled, and the vault closed.
    pub fn sign_out(&self) {
        // A thread that has stopped has nobody signed in.
        let _stopped = self.commands.blocking_send(Command::Leave { only_lock: false });
    }

    /// Takes nothing new until whoever is here gives the passphrase again; what is under way and what the scheduler
    /// begins goes on.
    pub fn lock(&self) {
        // A thread that has stopped takes nothing at all.
        let _stopped = self.commands.blocking_send(Command::Leave { only_lock: true });
    }

    /// Who acts here.
    ///
    /// # Errors
    /// The store cannot be read, or the thread has stopped.
    pub fn standing(&self) -> Result<Standing, Fault> {
        let (answer, standing) = sync_channel(1);
        self.commands.blocking_send(Command::Standing(answer)).map_err(|_| stopped())?;
        standing.recv().map_err(|_| stopped())?
    }

    /// Cancels everything and waits for the thread's end.
    pub fn stop(&self) {
        let _stopped = self.commands.blocking_send(Command::Stop);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread
            && thread.join().is_err()
        {
            tracing::error!("the communications thread had broken off");
        }
    }
}

/// Files that are open beside the sessions' sockets.
const SPARE_FILES: u64 = 256;

/// Who sits here, for the audit chain.
fn actor() -> String {
    ["USER", "USERNAME", "LOGNAME"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|user| !user.is_empty()))
        .unwrap_or_else(|| "unknown".to_owned())
}

/// Opens what the thread needs, in the thread.
fn open(
    options: CommsOptions,
    conductor: Arc<dyn Conductor>,
    tell: &mut dyn FnMut(Upgrade),
) -> Result<(tokio::runtime::Runtime, Shared), Fault> {
    let files = u64::try_from(options.sessions).unwrap_or(u64::MAX).saturating_add(SPARE_FILES);
    let allowed = crate::transport::allow_open_files(files);
    if allowed < files {
        tracing::warn!("this account may open {allowed} files: so many sessions at once are not to be had");
    }
    let shared = open_shared(options, Surroundings::default(), conductor, tell)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Fault::internal(format!("the communications runtime cannot start: {error}")))?;
    Ok((runtime, shared))
}

fn open_shared(
    options: CommsOptions,
    surroundings: Surroundings,
    conductor: Arc<dyn Conductor>,
    tell: &mut dyn FnMut(Upgrade),
) -> Result<Shared, Fault> {
    let mut store =
        Store::open_watched(&options.store, tell).map_err(|error| Fault::user(error.to_string(), ""))?;
    let account = actor();
    store.set_actor(&account);
    let is_closed = store.has_people().map_err(|error| shared::store_fault(&error))?;
    let vault = open_vault(&store, &options.store).map(Rc::new);
    if let Some(fault) = vault.as_ref().err().filter(|_| !is_closed) {
        tracing::warn!("{fault}");
    }
    // A thread's work cannot keep step with time that flies.
    let is_kept_at_night = matches!(surroundings.clock, Clock::Computer);
    Ok(Shared {
        holds: held::Holds::beside(&options.store),
        store: RefCell::new(store),
        settling: settling::Settling::new(options.store.clone(), account.clone()),
        vault: RefCell::new(vault),
        presence: RefCell::new(people::Presence::new(account, is_closed)),
        arrived: tokio::sync::Notify::new(),
        authors: RefCell::default(),
        listeners: RefCell::new(Listeners::default()),
        conductor,
        options,
        surroundings,
        last_session: RefCell::new(HashMap::new()),
        is_kept_at_night,
        hops: hops::Hops::default(),
    })
}
