//! What all windows share: the data, the selection, the jobs, and the commands that they give one another.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::TryRecvError;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::comms::{Edit, Edited, Event, Job, JobId, ListEvent};
use crate::drivers::ReadRequest;
use crate::export::Export;
use crate::model::template::Proposal;
use crate::model::{Catalogue, Fault, MeterId, Standing, What};
use crate::store::MeterRow;

use super::data::{Backend, Cache, Later, Load, Query};
use super::jobs::Jobs;
use super::meters::{Deed, GroupDeed, PointDeed};
use super::prefs::Prefs;
use super::selection::Selection;
use super::shell::notice::Notices;

/// A page of the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Page {
    /// Schemes.
    Schemes,
    /// Meters.
    Meters,
    /// Readings.
    Readings,
    /// Meter lists.
    Lists,
    /// What went over the line.
    Trace,
    /// Settings.
    Settings,
    /// Firmware of meters.
    Firmware,
    /// What differs between meter models.
    Templates,
}

impl Page {
    /// Its name.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Schemes => "Scheme Manager",
            Self::Meters => "Meter Manager",
            Self::Readings => "Readings",
            Self::Lists => "Lists",
            Self::Trace => "Trace",
            Self::Settings => "Settings",
            Self::Firmware => "Firmware",
            Self::Templates => "Templates",
        }
    }
}

/// What a window asks the application to do after the frame.
#[derive(Clone, Debug)]
pub enum Command {
    /// Show a page.
    Go(Page),
    /// Show a page in a native window of its own, or take it back.
    Detach(Page),
    /// Open the form for a new meter.
    AddMeter,
    /// Open the form of a meter.
    EditMeter(MeterId),
    /// Ask whether to remove meters.
    RemoveMeters(Vec<MeterId>),
    /// Open a dialog about the metering point of a meter.
    Point(MeterId, PointDeed),
    /// Read meters.
    Read(Vec<MeterId>, BTreeSet<What>),
    /// Cancel a job.
    Cancel(JobId),
    /// Show a meter's readings.
    ShowReadings(MeterId),
    /// Show the traffic of a job.
    ShowTrace(i64, Option<MeterId>),
    /// Choose a CSV file and import its meters.
    ImportMeters,
    /// Import this CSV file.
    ImportFile(PathBuf),
    /// Write text to a file that is chosen: title, proposed name, text.
    SaveText(String, String, String),
    /// Print this scheme to a file that is chosen; with the proposed name.
    PrintScheme(Box<crate::scheme::Document>, String),
    /// Write readings to a file that is chosen; with the proposed name.
    Export(Box<Export>, String),
    /// Choose a CSV file for a dry run; it comes by [`AppCtx::chosen`].
    ChooseProof(ProofFile),
    /// Write text to this file, and then ask again what the store's reader thinks of it.
    WriteFile(PathBuf, String),
    /// Choose what a new scheme begins with.
    NewScheme,
    /// Choose a scheme file.
    ChooseScheme,
    /// Open this scheme file.
    OpenScheme(PathBuf),
    /// Choose a file to save an open scheme in: its number and the proposed name.
    ChooseSchemeTarget(u64, String),
    /// Choose a list of holidays for an open scheme.
    ChooseHolidays(u64),
    /// Open the simulated fleet.
    OpenDemo,
    /// Put the cursor into the search field.
    Search,
    /// Open or close the drawer of jobs.
    ToggleJobs,
    /// Ask whether to act on meters.
    Ask(Vec<MeterId>, Deed),
    /// Plan a flash of the selected meters.
    PlanFlash,
    /// Choose a firmware package.
    ChoosePackage,
    /// Choose a public key that is to be trusted.
    ChooseKey,
    /// Choose a file to copy the store to; with the proposed name.
    BackUp(String),
    /// Choose a vendor's own firmware file.
    ChooseVendorFile,
    /// Write what a maker makes to a file that is chosen: title, proposed name, maker.
    SaveMade(String, String, Maker),
    /// Choose which meters of the list to write to a file.
    ExportMeters,
    /// Change meters together.
    EditMeters(Vec<MeterId>),
    /// Open a dialog about groups.
    Group(GroupDeed),
    /// Lock the windows, where somebody is signed in.
    Lock,
    /// Choose a template file to take into the store.
    ChooseTemplate,
}

/// Makes a file's content, on a thread of its own.
#[derive(Clone)]
pub struct Maker(Arc<dyn Fn() -> Result<Vec<u8>, Fault> + Send + Sync>);

impl Maker {
    /// By this work.
    #[must_use]
    pub fn new(work: impl Fn() -> Result<Vec<u8>, Fault> + Send + Sync + 'static) -> Self {
        Self(Arc::new(work))
    }

    /// Makes it.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn make(&self) -> Result<Vec<u8>, Fault> {
        (self.0)()
    }
}

impl std::fmt::Debug for Maker {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Maker(…)")
    }
}

/// A file that a dry run begins from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProofFile {
    /// A load profile.
    Profile,
    /// Events.
    Events,
    /// The scheme that a meter list writes.
    ListScheme,
    /// Dates on which a meter list does not run.
    ListHolidays,
}

/// What everything in the windows can reach.
pub struct AppCtx {
    /// The floors below.
    pub backend: Box<dyn Backend>,
    /// What is known.
    pub data: Cache,
    /// What the communications thread does.
    pub jobs: Jobs,
    /// The selected meters.
    pub selection: Selection,
    /// Settings of the windows.
    pub prefs: Prefs,
    /// Remarks at the window's edge.
    pub notices: Notices,
    /// A CSV file that was chosen for a dry run; its page takes it.
    pub chosen: Option<(ProofFile, PathBuf)>,
    /// What was learnt of a meter last; the page of templates takes it.
    pub learnt: Option<(JobId, Box<Proposal>)>,
    /// What to do after the frame.
    pub commands: Vec<Command>,
    /// All templates, as they were last heard of.
    pub templates: Catalogue,
    /// Who acts here.
    pub standing: Standing,
    /// This computer's time zone.
    pub zone: TimeZone,
    /// The time; tests put their own in.
    pub now: fn() -> Timestamp,
    edits: Vec<(Later<Edited>, String)>,
    works: Vec<(Later<()>, String)>,
    exports: Vec<(Later<u64>, String)>,
    jobs_submitted: Vec<(Later<JobId>, String)>,
    adopted: Option<MeterId>,
    settled: Option<u64>,
    is_watched: bool,
}

impl AppCtx {
    /// Over a backend.
    #[must_use]
    pub fn new(backend: Box<dyn Backend>) -> Self {
        let standing = backend.standing();
        Self {
            backend,
            standing,
            data: Cache::default(),
            jobs: Jobs::default(),
            selection: Selection::default(),
            prefs: Prefs::default(),
            notices: Notices::default(),
            chosen: None,
            learnt: None,
            commands: Vec::new(),
            templates: Catalogue::default(),
            zone: TimeZone::system(),
            now: Timestamp::now,
            edits: Vec::new(),
            works: Vec::new(),
            exports: Vec::new(),
            jobs_submitted: Vec::new(),
            adopted: None,
            settled: None,
            is_watched: false,
        }
    }

    /// Does slow work on a thread of its own.
    pub fn aside<T: Send + 'static>(
        &self,
        name: &'static str,
        work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
    ) -> Later<T> {
        let (sender, receiver) = std::sync::mpsc::sync_channel(1);
        // Who asked may be gone.
        let body = move || drop(sender.send(work()));
        self.backend.aside(name, Box::new(body));
        receiver
    }

    /// Puts another store in place of this one.
    pub fn replace(&mut self, backend: Box<dyn Backend>) {
        self.standing = backend.standing();
        self.backend = backend;
        self.is_watched = false;
        self.data = Cache::default();
        self.templates = Catalogue::default();
        self.jobs = Jobs::default();
        self.selection.clear();
    }

    /// Says whether somebody looks at a window: then what other programs write is seen.
    pub fn watch(&mut self, is_watched: bool) {
        if self.is_watched != is_watched {
            self.is_watched = is_watched;
            self.backend.watch(is_watched);
        }
    }

    /// Takes what has come since the last frame.
    pub fn begin_frame(&mut self) {
        while let Some(event) = self.backend.take_event() {
            self.note(&event);
            self.jobs.take(&event);
        }
        self.data.begin_frame(self.backend.as_ref());
        if let Load::Ready(found) = self.data.catalogue(self.backend.as_ref(), &Query::Catalogue) {
            self.templates = found.as_ref().clone();
        }
        self.finish_edits();
    }

    /// Marks what an event makes out of date.
    fn note(&mut self, event: &Event) {
        if matches!(
            event,
            Event::StoreChanged | Event::Submitted { .. } | Event::MeterEnded { .. } | Event::Ended { .. }
        ) {
            self.data.expire(Query::is_of_firmware);
        }
        match event {
            Event::MeterEnded { job, meter: Some(id), .. } => {
                let (id, job) = (*id, job.0);
                self.data.freshen_meter(self.backend.as_ref(), id);
                self.data.expire(|query| match query {
                    Query::Details(of)
                    | Query::Registers(of)
                    | Query::Profiles(of)
                    | Query::MeterSchemes(of)
                    | Query::Billing(of)
                    | Query::Point(of)
                    | Query::Preview(of, ..)
                    | Query::Gaps(of)
                    | Query::PreviewWithout(of, ..)
                    | Query::Events(of, ..) => *of == id,
                    Query::Rows { .. } | Query::Days { .. } | Query::Jobs => true,
                    Query::Trace(of) => *of == job,
                    _ => false,
                });
            }
            Event::ChangedElsewhere => self.data.expire(Query::is_stored),
            Event::Store { fault: Some(fault) } => self.notices.failed(fault.clone()),
            Event::Store { fault: None } => {
                self.notices.done("The store takes writes again: meter lists go on.");
            }
            // Discovery and pushes are told on the command line.
            Event::Found { .. } | Event::Pushed { .. } => {}
            Event::Learnt { job, proposal } => self.learnt = Some((*job, proposal.clone())),
            Event::Standing(standing) => {
                self.standing = standing.clone();
                self.data.expire(|query| matches!(query, Query::People | Query::Audit));
            }
            Event::StoreChanged => self.data.expire(|query| {
                matches!(
                    query,
                    Query::Meters
                        | Query::Details(_)
                        | Query::Setting(_)
                        | Query::Point(_)
                        | Query::Preview(..)
                        | Query::PreviewWithout(..)
                        | Query::Roster
                        | Query::Lists
                        | Query::StoreStatus
                        | Query::Expiries
                        | Query::Catalogue
                        | Query::People
                        | Query::Audit
                )
            }),
            Event::Submitted { .. } | Event::Ended { .. } => {
                // Upkeep has no number of the store's.
                let is_upkeep = matches!(event, Event::Ended { job, .. } if job.0 < 0);
                self.data.expire(|query| {
                    matches!(query, Query::Jobs | Query::Trace(_)) || is_upkeep && query.is_slow()
                });
            }
            Event::List(ListEvent::Ended { .. }) => {
                self.data.expire(|query| matches!(query, Query::Lists | Query::List(_) | Query::Rates(_)));
            }
            Event::List(_) => self.data.expire(|query| matches!(query, Query::Lists | Query::List(_))),
            Event::MeterEnded { meter: None, .. }
            | Event::MeterStarted { .. }
            | Event::MeterStep { .. }
            | Event::MeterRemark { .. } => {}
        }
    }

    fn finish_edits(&mut self) {
        let Self { edits, works, exports, jobs_submitted, notices, .. } = self;
        finish(exports, notices);
        finish(jobs_submitted, notices);
        finish(edits, notices);
        finish(works, notices);
    }

    /// Whether something was asked for that has not come.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        !self.edits.is_empty()
            || !self.works.is_empty()
            || !self.exports.is_empty()
            || !self.jobs_submitted.is_empty()
    }

    /// Asks for a change; when it is done, `done` is said.
    pub fn edit(&mut self, edit: Edit, done: impl Into<String>) {
        let answer = self.backend.edit(edit);
        self.edits.push((answer, done.into()));
    }

    /// Says `done` when some work is done, or why it failed.
    pub fn later(&mut self, answer: Later<()>, done: impl Into<String>) {
        self.works.push((answer, done.into()));
    }

    /// Says `done` when an export is written, or why it failed.
    pub fn exported(&mut self, answer: Later<u64>, done: impl Into<String>) {
        self.exports.push((answer, done.into()));
    }

    /// Reads meters into the store from where it ends; a refusal is said.
    pub fn read(&mut self, meters: Vec<MeterId>, what: BTreeSet<What>) {
        if meters.is_empty() {
            return;
        }
        self.submit(Job::Read { meters, request: ReadRequest { what, from: None, to: None } });
    }

    /// Submits a job; a refusal is said, the rest stands in the jobs.
    pub fn submit(&mut self, job: Job) {
        self.jobs_submitted.push((self.backend.submit(job), String::new()));
    }

    /// All meters.
    pub fn meters(&mut self) -> Load<Arc<Vec<MeterRow>>> {
        self.data.meters(self.backend.as_ref(), &Query::Meters)
    }

    /// One meter's row, from the list.
    pub fn meter(&mut self, id: MeterId) -> Option<MeterRow> {
        self.meters().ready()?.iter().find(|meter| meter.id == id).cloned()
    }

    /// Selects a meter that has just been added and whose row is on its way.
    pub fn adopt(&mut self, id: MeterId) {
        self.adopted = Some(id);
    }

    /// Selects the adopted meter once its row has come; forgets meters that are no more.
    pub fn settle_selection(&mut self, meters: &[MeterRow]) {
        if let Some(id) = self.adopted.filter(|id| meters.iter().any(|meter| meter.id == *id)) {
            self.selection.only(id);
            self.adopted = None;
        }
        if self.settled != Some(self.data.meters_version) {
            let known: std::collections::HashSet<MeterId> = meters.iter().map(|meter| meter.id).collect();
            self.selection.keep(|id| known.contains(&id));
            self.settled = Some(self.data.meters_version);
        }
    }

    /// Asks the application for something.
    pub fn command(&mut self, command: Command) {
        self.commands.push(command);
    }
}

fn finish<T>(waiting: &mut Vec<(Later<T>, String)>, notices: &mut Notices) {
    waiting.retain_mut(|(answer, done)| {
        match answer.try_recv() {
            Err(TryRecvError::Empty) => return true,
            Ok(Ok(_)) if done.is_empty() => {}
            Ok(Ok(_)) => notices.done(std::mem::take(done)),
            Ok(Err(fault)) => notices.failed(fault),
            Err(TryRecvError::Disconnected) => notices.failed(stopped()),
        }
        false
    });
}

/// The communications thread is gone.
#[must_use]
pub fn stopped() -> Fault {
    Fault::internal("the communications thread has stopped")
}

/// What *Read now* reads.
#[must_use]
pub fn usual_reading() -> BTreeSet<What> {
    What::ALL.iter().map(|(what, _)| *what).filter(|what| *what != What::Objects).collect()
}
