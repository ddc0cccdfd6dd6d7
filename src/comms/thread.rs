//! The thread itself: takes commands, begins sessions when their lines are free, and ends jobs.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::drivers::{ClockWay, Contactor, Order, RatioOrder};
use crate::firmware::Package;
use crate::model::{
    CampaignPlan, Fault, FlashPhase, MeterConfig, MeterId, MeterSecrets, Right, Secret, Standing, Step,
};
use crate::store::{JobResult, MeterRow};
use crate::transport::modem;

use super::elsewhere::Elsewhere;
use super::flash::{self, Campaign, Campaigns, Ended};
use super::hold::Hold;
use super::link::Cancel;
use super::progress::{read_words, sentence, test_words};
use super::push::Pushes;
use super::push_net::{self, PushPlaces};
use super::queue::{Limits, LineKey, Queue, Urgency};
use super::reporter::Remains;
use super::schedule::{Order as ListOrder, Scheduler};
use super::session::{self, Item, Work, cancelled_fault};
use super::settling::{self, Batch};
use super::shared::{Shared, store_fault};
use super::sink::flush_trace;
use super::upkeep::{Chore, Nightly};
use super::vendor;
use super::{Discovery, Edit, Edited, Event, Job, JobId, edits, people, rights};

/// How often events that were held or found no room are handed over.
const FLUSH_EVERY: Duration = super::listeners::GATHER;
/// Sessions that begin before those under way have their turn again.
const BEGIN_TOGETHER: usize = 16;
/// A turn of the thread that took longer than this one had much to do with the sessions under way: these then go ahead.
const LONG_TURN: Duration = Duration::from_millis(1);
/// Sessions that begin in such a turn. Where meters answer at once, those under way are over before many more have
/// begun: a few dozen are read faster than a thousand that wait for each other.
const BEGIN_WHEN_BUSY: usize = 4;
/// How often it is looked whether a maintenance window has opened.
const LOOK_AT_WINDOW: Duration = Duration::from_secs(10);
/// How long the sessions may take to end when the thread is stopped.
const STOP_WITHIN: Duration = Duration::from_secs(5);

/// Who writes to meters, for the audit chain, where a list did at its time.
const BY_SCHEDULE: &str = "by schedule";

/// What the handle asks for.
pub(super) enum Command {
    Submit(Job, SyncSender<Result<JobId, Fault>>),
    Cancel(JobId),
    Edit(Edit, SyncSender<Result<Edited, Fault>>),
    Listen(SyncSender<Event>, Box<dyn Fn() + Send>),
    Stop,
    Push(PushPlaces, SyncSender<Result<PushPlaces, Fault>>),
    Watch(bool),
    SignIn(String, Secret, SyncSender<Result<Standing, Fault>>),
    Leave { only_lock: bool },
    Standing(SyncSender<Result<Standing, Fault>>),
}

struct JobState {
    cancel: Cancel,
    left: usize,
    ok: usize,
    failed: usize,
}

struct Running {
    line: LineKey,
    item: Rc<Item>,
    remains: Remains,
    began: Instant,
}

pub(super) struct Thread {
    shared: Rc<Shared>,
    queue: Queue<Item>,
    jobs: BTreeMap<JobId, JobState>,
    running: HashMap<Id, Running>,
    sessions: JoinSet<Result<(), Fault>>,
    /// Meters whose sessions are over and whose figures are not all on disk yet.
    over: VecDeque<Over>,
    /// Meters whose results are not on disk yet.
    concluded: VecDeque<Concluded>,
    batch: Option<Batch>,
    /// When it was last looked whether sessions may begin.
    turned: Option<Instant>,
    scheduler: Scheduler,
    hold: Hold,
    tests: i64,
    campaigns: Campaigns,
    pushes: Rc<Pushes>,
    nightly: Nightly,
    /// The last upkeep that began by itself.
    night: Option<JobId>,
    elsewhere: Elsewhere,
    /// Calls of modems that nobody goes on with.
    hanging_up: JoinSet<()>,
}

/// How a meter's session ended, held back until it is known what of it is on disk.
struct Over {
    item: Rc<Item>,
    remains: Remains,
    fault: Option<Fault>,
    took: Duration,
    /// The last write that was asked for until then.
    last: u64,
}

/// A meter's result, held back until it is on disk itself.
struct Concluded {
    item: Rc<Item>,
    remains: Remains,
    result: JobResult,
    words: String,
    /// Why the result is not in the store.
    unkept: Rc<RefCell<Option<Fault>>>,
    last: u64,
}

/// A job's number, title and meters with their lines.
type NewJob = (JobId, String, Vec<(LineKey, Item)>);

impl Thread {
    pub(super) fn new(shared: Rc<Shared>) -> Self {
        let limits = limits(&shared);
        let scheduler = Scheduler::new(shared.options.schedule);
        let pushes = Rc::new(Pushes::new(Rc::clone(&shared)));
        let nightly = Nightly::new(shared.options.schedule && shared.is_kept_at_night);
        Self {
            nightly,
            night: None,
            elsewhere: Elsewhere::default(),
            pushes,
            shared,
            queue: Queue::new(limits),
            jobs: BTreeMap::new(),
            running: HashMap::new(),
            sessions: JoinSet::new(),
            over: VecDeque::new(),
            concluded: VecDeque::new(),
            batch: None,
            turned: None,
            scheduler,
            hold: Hold::default(),
            tests: 0,
            campaigns: Campaigns::new(),
            hanging_up: JoinSet::new(),
        }
    }

    /// Runs until it is told to stop or every handle is gone. Has to be run inside a `LocalSet`.
    pub(super) async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        let stirred = self.shared.listeners.borrow().stirred();
        let mut more_begin = false;
        loop {
            let is_behind = self.shared.listeners.borrow().is_behind();
            let opens = self.queue.opens(Instant::now()).filter(|_| !self.hold.is_on());
            let due = self.shared.settling.due();
            let idle_call = modem::idle_due();
            // Without somebody whose vault is open no list could read a meter.
            let is_held = self.hold.is_on();
            let wake = self.scheduler.wake_at().filter(|_| !is_held && !self.shared.is_closed());
            let trial = self.hold.due();
            let night = self.nightly.wake_at().filter(|_| !is_held);
            let look = self.elsewhere.wake_at();
            tokio::select! {
                command = commands.recv() => match command {
                    None | Some(Command::Stop) => break,
                    Some(command) => self.command(command),
                },
                Some(ended) = self.sessions.join_next_with_id() => self.session_ended(ended),
                () = sleep_until(opens.unwrap_or_else(Instant::now)), if opens.is_some() => {}
                () = self.shared.settling.begun() => {}
                () = self.shared.arrived.notified() => {}
                () = at(due), if due.is_some() => self.begin_batch(),
                () = settling::written(&mut self.batch, &self.shared) => self.tell_ends(),
                () = at(wake), if wake.is_some() => {
                    let orders = self.scheduler.tick(&self.shared);
                    self.obey(orders);
                }
                () = at(night), if night.is_some() => self.look_after_store(),
                () = at(look), if look.is_some() => {
                    if self.elsewhere.has_changed(&self.shared) {
                        self.shared.emit(&Event::ChangedElsewhere);
                    }
                }
                () = at(idle_call), if idle_call.is_some() => {
                    while self.hanging_up.try_join_next().is_some() {}
                    self.hanging_up.spawn_local(modem::hang_up_idle());
                    // What is due now is taken in hand before it is asked for again.
                    tokio::task::yield_now().await;
                }
                () = at(trial), if is_held => self.try_store(),
                () = sleep(FLUSH_EVERY), if is_behind => self.shared.listeners.borrow_mut().flush(),
                () = stirred.notified(), if !is_behind => {}
                () = tokio::task::yield_now(), if more_begin => {}
                () = sleep(LOOK_AT_WINDOW), if self.waits_for_window() => {}
            }
            while let Some(ended) = self.sessions.try_join_next_with_id() {
                self.session_ended(ended);
            }
            self.hold.look(&self.shared);
            more_begin = false;
            if self.hold.is_on() {
                self.fail_people();
            } else {
                self.begin_waves();
                more_begin = self.begin_sessions();
            }
        }
        self.stop().await;
    }

    /// Nobody who waits for a meter is left waiting for a full disk; a campaign waits for its windows anyhow.
    fn fail_people(&mut self) {
        let Some(fault) = self.hold.fault().cloned() else { return };
        let Self { scheduler, campaigns, .. } = self;
        let waits = |job: JobId| scheduler.is_scheduled(job) || campaigns.contains_key(&job);
        for mut item in self.queue.take(|item| !waits(item.job)) {
            announce(&self.shared, &mut item);
            let job = item.job;
            self.give_up(job, vec![item], &fault);
            self.end_job_if_over(job);
        }
    }

    /// Tries whether the store takes writes again.
    fn try_store(&mut self) {
        if self.hold.try_again(&self.shared) {
            self.scheduler.look_again();
        }
    }

    async fn stop(&mut self) {
        self.scheduler.stopping();
        for job in self.jobs.keys().copied().collect::<Vec<_>>() {
            self.cancel(job);
        }
        // Some sessions wait for a batch before they can end.
        let ending = async {
            while !self.sessions.is_empty() {
                let due = self.shared.settling.due();
                tokio::select! {
                    Some(ended) = self.sessions.join_next_with_id() => self.session_ended(ended),
                    () = self.shared.settling.begun() => {}
                    () = at(due), if due.is_some() => self.begin_batch(),
                    () = settling::written(&mut self.batch, &self.shared) => self.tell_ends(),
                }
            }
        };
        if timeout(STOP_WITHIN, ending).await.is_err() {
            tracing::error!("sessions did not end in time and were cut off");
        }
        while self.hanging_up.join_next().await.is_some() {}
        modem::hang_up_all().await;
        self.begin_batch();
        while self.batch.is_some() {
            settling::written(&mut self.batch, &self.shared).await;
            self.tell_ends();
            self.begin_batch();
        }
        self.scheduler.stop(&self.shared);
        self.shared.listeners.borrow_mut().flush();
    }

    /// Begins to write what waits, unless something is being written.
    fn begin_batch(&mut self) {
        self.batch = self.batch.take().or_else(|| self.shared.settling.begin_batch());
    }

    fn command(&mut self, command: Command) {
        // Whoever asked may have gone away meanwhile: an answer that nobody takes is nobody's loss.
        match command {
            Command::Submit(job, answer) => {
                let submitted = self.allow_job(&job).and_then(|()| self.submit(job));
                let _gone =
                    answer.try_send(submitted.as_ref().map(|submitted| submitted.0).map_err(Clone::clone));
                if let Ok((job, event)) = submitted {
                    self.announce_job(job, &event);
                }
            }
            Command::Cancel(job) => self.cancel(job),
            Command::Edit(edit, answer) if people::is_ours(&edit) => {
                let shared = Rc::clone(&self.shared);
                tokio::task::spawn_local(async move {
                    let edited = people::carry_out(&shared, edit).await;
                    if edited.is_ok() {
                        shared.emit(&Event::StoreChanged);
                    }
                    let _gone = answer.try_send(edited);
                });
            }
            Command::Edit(edit, answer) => {
                let edited = self.allow(&rights::of_edit(&edit)).and_then(|()| self.edit(edit));
                if edited.is_ok() {
                    self.shared.emit(&Event::StoreChanged);
                }
                let _gone = answer.try_send(edited);
            }
            Command::Listen(to, wake) => self.shared.listeners.borrow_mut().add(to, wake),
            Command::Stop => {}
            Command::Watch(is_watched) => self.elsewhere.watch(is_watched),
            Command::SignIn(name, passphrase, answer) => {
                let shared = Rc::clone(&self.shared);
                tokio::task::spawn_local(async move {
                    let _gone = answer.try_send(people::sign_in(&shared, &name, passphrase).await);
                });
            }
            Command::Leave { only_lock } => {
                if !only_lock {
                    self.jobs
                        .keys()
                        .copied()
                        .collect::<Vec<_>>()
                        .into_iter()
                        .for_each(|job| self.cancel(job));
                }
                self.shared.leave(only_lock);
            }
            Command::Standing(answer) => {
                let _gone = answer.try_send(self.shared.standing());
            }
            Command::Push(places, answer) => {
                if let Err(fault) = self.allow(&[Right::ReadMeters]) {
                    let _gone = answer.try_send(Err(fault));
                    return;
                }
                let pushes = Rc::clone(&self.pushes);
                tokio::task::spawn_local(async move {
                    let _gone = answer.try_send(push_net::listen(pushes, &places).await);
                });
            }
        }
    }

    /// Holds what is needed against who acts here.
    fn allow(&self, needed: &[Right]) -> Result<(), Fault> {
        rights::check(&self.shared.standing()?, needed)
    }

    fn allow_job(&self, job: &Job) -> Result<(), Fault> {
        self.allow(&rights::of_job(job))?;
        if let Job::RunList(id) = job {
            let row = self.shared.store.borrow().list(*id).map_err(|error| store_fault(&error))?;
            // One that was removed is told of by whoever looks for it next.
            if let Some(row) = row {
                self.allow(&[rights::of_action(&row.list.action)])?;
            }
        }
        Ok(())
    }

    fn edit(&mut self, edit: Edit) -> Result<Edited, Fault> {
        if let Edit::StopRun(run) = edit {
            let order = self.scheduler.stop_run(run)?;
            self.obey(order.into_iter().collect());
        }
        if matches!(edit, Edit::PutList { .. } | Edit::RemoveList(_) | Edit::MoveGroup { .. }) {
            self.scheduler.look_again();
        }
        let touched: &[MeterId] = match &edit {
            Edit::RemoveMeters(meters) => meters,
            _ => &[],
        };
        let running = self.running.values().map(|running| &running.item);
        let over = self.over.iter().map(|over| &over.item);
        let concluded = self.concluded.iter().map(|concluded| &concluded.item);
        let busy = running
            .chain(over)
            .chain(concluded)
            .find(|item| item.meter.is_some_and(|meter| touched.contains(&meter)));
        if let Some(busy) = busy {
            return Err(Fault::user(
                format!("{} is being read and cannot be removed", busy.name),
                "cancel the job first, or wait for its end",
            ));
        }
        edits::apply(&self.shared, edit)
    }

    /// Does what the scheduler wants.
    fn obey(&mut self, orders: Vec<ListOrder>) {
        for order in orders {
            match order {
                ListOrder::Cancel(job) => self.cancel(job),
                ListOrder::Withdraw(job) => {
                    self.withdraw(job, &Fault::user("the list's window is over", ""));
                }
                ListOrder::Pass { .. } => {
                    if let Ok((job, event)) = self.begin_pass(order) {
                        self.shared.authors.borrow_mut().insert(job, BY_SCHEDULE.to_owned());
                        self.announce_job(job, &event);
                    }
                }
            }
        }
    }

    /// Begins the job of a list's pass; the scheduler is told how that went.
    fn begin_pass(&mut self, order: ListOrder) -> Result<(JobId, Event), Fault> {
        let ListOrder::Pass { run, title, work, meters, urgency } = order else {
            return Err(Fault::internal("a pass was expected"));
        };
        let begun = self.stored_job(&meters, &title, &work).map(|job| self.enqueue(job, Some(urgency)));
        self.scheduler.pass_began(&self.shared, run, begun.as_ref().map(|(job, _)| *job));
        begun
    }

    fn submit(&mut self, job: Job) -> Result<(JobId, Event), Fault> {
        let job = match job {
            Job::RunList(list) => {
                let order = self.scheduler.run_by_hand(&self.shared, list)?;
                return self.begin_pass(order);
            }
            Job::Read { meters, request } => {
                self.stored_job(&meters, "Read {}", &Work::Read(Rc::new(request)))?
            }
            Job::WriteScheme { meter, scheme, activation } => {
                let title = format!("Write scheme {} to {{}}", scheme.identity);
                self.stored_job(&[meter], &title, &Work::WriteScheme(Rc::from(scheme), activation))?
            }
            Job::ReadScheme { meter, reference } => {
                let work = Work::ReadScheme(reference.map(Rc::from));
                self.stored_job(&[meter], "Read the scheme of {}", &work)?
            }
            Job::Flash { meters, package, plan } => return self.begin_campaign(&meters, package, &plan),
            Job::Ratios { meters, order } => {
                let title = match order {
                    RatioOrder::Read => "Read the transformer ratios of {}",
                    RatioOrder::Write { .. } => "Write transformer ratios to {}",
                };
                self.stored_job(&meters, title, &Work::Ratios(order))?
            }
            Job::VendorFlash { meter, plan } => self.stored_job(
                &[meter],
                "Load a vendor's firmware into {}",
                &Work::VendorFlash(Rc::from(plan)),
            )?,
            Job::Test { config, secrets, meter } => self.test_job(config, secrets, meter),
            Job::Discover(discovery) => self.discover_job(*discovery),
            Job::Upkeep(chore) => self.upkeep_job(chore),
            Job::SetClock { meters, order } => {
                let title = match order.way {
                    ClockWay::Set => "Set the clock of {}",
                    ClockWay::Adjust => "Adjust the clock of {}",
                };
                self.stored_job(&meters, title, &Work::SetClock(order))?
            }
            Job::Control { meter, order } => {
                let title = match order {
                    Order::BillingReset => "End the billing period of {}",
                    Order::Contactor(Contactor::Open) => "Open the contactor of {}",
                    Order::Contactor(Contactor::Arm) => "Arm the contactor of {}",
                    Order::Contactor(Contactor::Close) => "Close the contactor of {}",
                };
                self.stored_job(&[meter], title, &Work::Control(order))?
            }
            Job::Learn { meter } => self.stored_job(&[meter], "Learn a template from {}", &Work::Learn)?,
        };
        Ok(self.enqueue(job, None))
    }

    /// Puts a job's meters in their rows.
    fn enqueue(&mut self, (job, title, items): NewJob, urgency: Option<Urgency>) -> (JobId, Event) {
        let event = Event::Submitted { job, title, meters: items.len() };
        self.take_job(job, items.len());
        let urgency = urgency.unwrap_or(if items.len() == 1 { Urgency::ONE } else { Urgency::MANY });
        for (line, item) in items {
            self.queue.push(&line, urgency, item);
        }
        (job, event)
    }

    fn take_job(&mut self, job: JobId, left: usize) {
        self.jobs.insert(job, JobState { cancel: Cancel::default(), left, ok: 0, failed: 0 });
        // Whoever signs in later has not asked for it.
        let author = self.shared.standing().ok().and_then(|standing| standing.name().map(str::to_owned));
        if let Some(author) = author {
            self.shared.authors.borrow_mut().insert(job, author);
        }
    }

    /// A job that flashes: its meters begin wave by wave.
    fn begin_campaign(
        &mut self,
        meters: &[MeterId],
        package: Arc<Package>,
        plan: &CampaignPlan,
    ) -> Result<(JobId, Event), Fault> {
        if plan.downgrade.as_ref().is_some_and(|reason| reason.trim().is_empty()) {
            return Err(Fault::user("a downgrade is overridden with its reason in words", "write it"));
        }
        let title = format!("Flash {} into {{}}", package.manifest().version);
        let work = flash::work(package, plan);
        let (job, title, items) = self.stored_job(meters, &title, &Work::Flash(Rc::clone(&work)))?;
        let campaign = Campaign::begin(&self.shared, work, plan, items)?;
        let left = campaign.left();
        let event = Event::Submitted { job, title, meters: left };
        self.take_job(job, left);
        self.campaigns.insert(job, campaign);
        Ok((job, event))
    }

    fn waits_for_window(&self) -> bool {
        self.campaigns.values().any(Campaign::waits_for_window)
    }

    /// Begins the next wave of each campaign whose last one is over.
    fn begin_waves(&mut self) {
        for campaign in self.campaigns.values_mut() {
            let wave = campaign.next_wave(self.shared.now());
            let urgency = if wave.len() == 1 { Urgency::ONE } else { Urgency::MANY };
            for (line, item) in wave {
                self.queue.push(&line, urgency, item);
            }
        }
    }

    /// Begins no further meter of a campaign; those under way stop where they can go on later.
    fn stop_campaign(&mut self, job: JobId) {
        let mut waiting = self.campaigns.get_mut(&job).map(Campaign::drain).unwrap_or_default();
        waiting.extend(self.queue.take(|item| item.job == job));
        self.give_up(job, waiting, &Fault::user("not begun: the campaign was stopped", ""));
    }

    /// Ends meters of a job that have not begun.
    fn give_up(&mut self, job: JobId, waiting: Vec<Item>, fault: &Fault) {
        let Some(state) = self.jobs.get_mut(&job) else { return };
        state.left = state.left.saturating_sub(waiting.len());
        for item in waiting.into_iter().filter(|item| item.announced) {
            state.failed += 1;
            let words =
                if *fault == cancelled_fault() { "Cancelled".to_owned() } else { fault.message.clone() };
            let result = Box::new(result(
                &item,
                Some(fault.clone()),
                &Remains::default(),
                (self.shared.now(), Duration::ZERO),
            ));
            let Item { meter, name, .. } = item;
            self.shared.emit(&Event::MeterEnded { job, meter, name, result, words });
        }
    }

    /// A job that does one thing with each of some stored meters. `{}` in its title stands for the meters.
    fn stored_job(&self, meters: &[MeterId], title: &str, work: &Work) -> Result<NewJob, Fault> {
        let mut store = self.shared.store.borrow_mut();
        let rows: HashMap<MeterId, MeterRow> = store
            .meters()
            .map_err(|error| store_fault(&error))?
            .into_iter()
            .map(|row| (row.id, row))
            .collect();
        let mut seen = HashSet::new();
        let wanted: Vec<&MeterRow> = meters
            .iter()
            .filter(|meter| seen.insert(**meter))
            .map(|meter| {
                rows.get(meter).ok_or_else(|| {
                    Fault::user(format!("there is no meter number {} in the store", meter.0), "")
                })
            })
            .collect::<Result<_, _>>()?;
        let title = match wanted[..] {
            [only] => title.replace("{}", &only.config.name),
            _ => title.replace("{}", &format!("{} meters", wanted.len())),
        };
        let job = JobId(store.begin_job(&title, self.shared.now()).map_err(|error| store_fault(&error))?);
        let items = wanted
            .into_iter()
            .map(|row| {
                let (name, work) = (row.config.name.clone(), work.clone());
                let item = Item { job, meter: Some(row.id), name, work, announced: false };
                (LineKey::of(&row.config), item)
            })
            .collect();
        Ok((job, title, items))
    }

    /// A test is no job of the store: its number is below nought.
    fn test_job(
        &mut self,
        config: Box<MeterConfig>,
        secrets: MeterSecrets,
        meter: Option<MeterId>,
    ) -> NewJob {
        self.tests -= 1;
        let job = JobId(self.tests);
        let title = format!("Test the connection to {}", config.name);
        let line = LineKey::of(&config);
        let name = config.name.clone();
        let item = Item { job, meter, name, work: Work::Test { config, secrets }, announced: false };
        (job, title, vec![(line, item)])
    }

    /// A search is no job of the store either.
    fn discover_job(&mut self, discovery: Discovery) -> (JobId, String, Vec<(LineKey, Item)>) {
        self.tests -= 1;
        let job = JobId(self.tests);
        let title = format!("Look for meters on {}", discovery.line);
        let name = discovery.line.to_string();
        let line = LineKey::of(&MeterConfig::new("discovery", discovery.line.clone()));
        let item =
            Item { job, meter: None, name, work: Work::Discover(Rc::new(discovery)), announced: false };
        (job, title, vec![(line, item)])
    }

    /// Upkeep is no job of the store either: what became of it is kept apart.
    fn upkeep_job(&mut self, chore: Chore) -> NewJob {
        self.tests -= 1;
        let job = JobId(self.tests);
        let (title, line) = (chore.title(), LineKey::Port("the store".to_owned()));
        let name = "The store".to_owned();
        let item = Item { job, meter: None, name, work: Work::Upkeep(Rc::new(chore)), announced: false };
        (job, title, vec![(line, item)])
    }

    /// Begins the upkeep of the night when its time has come and nothing else goes on.
    fn look_after_store(&mut self) {
        let is_due = self.nightly.is_due(&self.shared, self.jobs.is_empty());
        // It may still wait for its turn behind other upkeep.
        let is_under_way = self.night.is_some_and(|job| self.jobs.contains_key(&job));
        if is_due && !is_under_way {
            let job = self.upkeep_job(Chore::Nightly);
            let (job, event) = self.enqueue(job, None);
            self.night = Some(job);
            self.announce_job(job, &event);
        }
    }

    fn announce_job(&mut self, job: JobId, event: &Event) {
        self.shared.emit(event);
        self.end_job_if_over(job);
    }

    fn cancel(&mut self, job: JobId) {
        let Some(state) = self.jobs.get(&job) else { return };
        state.cancel.cancel();
        self.withdraw(job, &cancelled_fault());
    }

    /// Takes the meters of a job out that have not begun.
    fn withdraw(&mut self, job: JobId, fault: &Fault) {
        let mut waiting = self.campaigns.get_mut(&job).map(Campaign::drain).unwrap_or_default();
        waiting.extend(self.queue.take(|item| item.job == job));
        self.give_up(job, waiting, fault);
        self.end_job_if_over(job);
    }

    /// Begins sessions whose lines are free; true where more may begin at once.
    fn begin_sessions(&mut self) -> bool {
        let now = Instant::now();
        let is_busy = self.turned.replace(now).is_some_and(|before| now - before > LONG_TURN);
        for _ in 0..if is_busy { BEGIN_WHEN_BUSY } else { BEGIN_TOGETHER } {
            // Where one meter is read after the other, the next one waits until it is known whether the store takes
            // what was read. The end of a batch has this looked at again.
            let is_first = self.running.is_empty() && !self.over.is_empty();
            if is_first || self.shared.settling.is_full() {
                return false;
            }
            let Some((line, mut item)) = self.queue.next(Instant::now()) else { return false };
            let Some(state) = self.jobs.get(&item.job) else {
                self.queue.done(&line);
                continue;
            };
            announce(&self.shared, &mut item);
            let cancel = state.cancel.clone();
            let keep = self.shared.options.trace && item.job.0 > 0;
            let remains = Remains {
                trace: Rc::new(RefCell::new(super::trace_log::TraceLog::new(keep))),
                ..Remains::default()
            };
            let item = Rc::new(item);
            let session = session::run(Rc::clone(&self.shared), Rc::clone(&item), remains.clone(), cancel);
            let task = self.sessions.spawn_local(session).id();
            let running = Running { line: line.clone(), item, remains, began: Instant::now() };
            self.running.insert(task, running);
            self.shared.settling.set_sessions(self.running.len());
            self.announce_next(&line);
        }
        true
    }

    /// Tells of the meter that is next on a line which another session holds.
    fn announce_next(&mut self, line: &LineKey) {
        if let Some(item) = self.queue.next_on_busy(line).filter(|item| !item.announced) {
            announce(&self.shared, item);
            let (job, meter) = (item.job, item.meter);
            self.shared.emit(&Event::MeterStep { job, meter, step: Step::WaitingForLine });
        }
    }

    fn session_ended(&mut self, ended: Result<(Id, Result<(), Fault>), JoinError>) {
        let (task, outcome) = match ended {
            Ok((task, outcome)) => (task, outcome),
            Err(error) => {
                let fault = Fault::internal("this program broke off in the middle of the session");
                (error.id(), Err(fault))
            }
        };
        let Some(running) = self.running.remove(&task) else { return };
        let Running { line, item, remains, began } = running;
        self.shared.settling.set_sessions(self.running.len());
        self.queue.done(&line);
        if outcome.is_ok() {
            self.queue.lasted(&line, began.elapsed());
        }
        let fault = outcome.as_ref().err();
        let is_cancelled = self.jobs.get(&item.job).is_none_or(|state| state.cancel.is_cancelled());
        let campaign = self.campaigns.get_mut(&item.job).filter(|_| !is_cancelled);
        let became = campaign.map(|campaign| campaign.ended(&self.shared, &line, &item, fault));
        if matches!(became, Some(Ended::Later)) {
            let (job, meter) = (item.job, item.meter);
            self.shared.emit(&Event::MeterStep { job, meter, step: Step::Flashing(FlashPhase::Waiting) });
            return;
        }
        let job = item.job;
        let last = self.shared.settling.asked();
        self.over.push_back(Over { item, remains, fault: outcome.err(), took: began.elapsed(), last });
        if matches!(became, Some(Ended::Stop)) {
            self.stop_campaign(job);
        }
        self.tell_ends();
    }

    /// Tells of the meters all of whose writes are answered.
    fn tell_ends(&mut self) {
        let answered = self.shared.settling.answered();
        while let Some(over) = self.over.pop_front_if(|over| over.last <= answered) {
            let concluded = self.conclude(over);
            self.concluded.push_back(concluded);
        }
        while let Some(concluded) = self.concluded.pop_front_if(|concluded| concluded.last <= answered) {
            self.tell_end(concluded);
        }
    }

    fn tell_end(&mut self, concluded: Concluded) {
        let Concluded { item, remains, mut result, mut words, unkept, .. } = concluded;
        if let Some(fault) = unkept.take() {
            tracing::warn!("the result of {} cannot be stored yet: {fault}", item.name);
            if result.fault.is_none() {
                words = self.words(&item, &remains, Some(&fault));
                result.fault = Some(fault);
            }
            self.hold.owe_result(item.job.0, &result, &words);
        }
        let job = item.job;
        let is_ok = result.fault.is_none();
        if let Some(meter) = item.meter.filter(|_| job.0 > 0) {
            self.scheduler.meter_ended(&self.shared, job, meter, &result, &words);
        }
        self.shared.emit(&Event::MeterEnded {
            job,
            meter: item.meter,
            name: item.name.clone(),
            result: Box::new(result),
            words,
        });
        if let Some(state) = self.jobs.get_mut(&job) {
            state.left = state.left.saturating_sub(1);
            *(if is_ok { &mut state.ok } else { &mut state.failed }) += 1;
        }
        self.end_job_if_over(job);
    }

    /// A meter's result in words.
    fn words(&self, item: &Item, remains: &Remains, fault: Option<&Fault>) -> String {
        let is_read = !matches!(item.work, Work::Test { .. });
        let progress = remains.progress.borrow();
        match fault {
            Some(fault) if *fault == cancelled_fault() => "Cancelled".to_owned(),
            fault if !is_read => test_words(&progress, fault),
            fault if matches!(item.work, Work::Flash(_) | Work::VendorFlash(_)) => {
                flash_result_words(&self.shared, item, fault)
            }
            None => match (&progress.outcome, item.work.done_words()) {
                (Some(outcome), _) => outcome.clone(),
                (None, Some(words)) => words.to_owned(),
                (None, None) => read_words(&progress, None),
            },
            fault => read_words(&progress, fault),
        }
    }

    /// Has it written down how a meter's session ended. What could not be stored of it has failed the meter.
    fn conclude(&self, over: Over) -> Concluded {
        let Over { item, remains, fault, took, .. } = over;
        let unstored = remains.progress.borrow().unstored.clone();
        let is_cancelled = fault.as_ref() == Some(&cancelled_fault());
        let fault = unstored.filter(|_| !is_cancelled).or(fault);
        let result = result(&item, fault, &remains, (self.shared.now(), took));
        let words = self.words(&item, &remains, result.fault.as_ref());
        let unkept: Rc<RefCell<Option<Fault>>> = Rc::default();
        if let Some(meter) = item.meter.filter(|_| !matches!(item.work, Work::Test { .. })) {
            flush_trace(&self.shared, item.job, Some(meter), &remains, true);
            let (job, kept, text, hears) = (item.job.0, result.clone(), words.clone(), Rc::clone(&unkept));
            self.shared.defer(
                (meter, 1),
                move |store| store.put_result(job, &kept, &text),
                move |done| *hears.borrow_mut() = done.err(),
            );
        }
        Concluded { item, remains, result, words, unkept, last: self.shared.settling.asked() }
    }

    fn end_job_if_over(&mut self, job: JobId) {
        if self.jobs.get(&job).is_none_or(|state| state.left > 0) {
            return;
        }
        let Some(state) = self.jobs.remove(&job) else { return };
        self.shared.authors.borrow_mut().remove(&job);
        if let Some(campaign) = self.campaigns.remove(&job)
            && let Err(fault) = campaign.conclude(&self.shared)
        {
            tracing::error!("how the campaign of job {} stands could not be stored: {fault}", job.0);
        }
        let now = self.shared.now();
        if job.0 > 0
            && let Err(error) = self.shared.store.borrow_mut().end_job(job.0, now)
        {
            tracing::warn!("the end of job {} cannot be stored yet: {error}", job.0);
            self.hold.owe_end(job.0, now);
        }
        let cancelled = state.cancel.is_cancelled();
        self.shared.emit(&Event::Ended { job, ok: state.ok, failed: state.failed, cancelled });
        self.scheduler.job_ended(job, cancelled);
    }
}

fn flash_result_words(shared: &Shared, item: &Item, fault: Option<&Fault>) -> String {
    match (fault, &item.work, item.meter) {
        (Some(fault), _, _) => sentence(&fault.to_string()),
        (None, Work::Flash(work), Some(meter)) => flash::flash_words(shared, meter, work),
        (None, Work::VendorFlash(plan), Some(meter)) => vendor::words(shared, meter, plan),
        _ => String::new(),
    }
}

/// The store's setting for new connections a second.
const NEW_A_SECOND_KEY: &str = "limits.new-connections-per-second";
/// New connections a second where the store says nothing.
const NEW_A_SECOND: u32 = 30;

/// What may go over the network at once. What was set in the store and makes no sense is as if it were not there.
fn limits(shared: &Shared) -> Limits {
    let setting = shared.store.borrow().setting(NEW_A_SECOND_KEY).unwrap_or_else(|error| {
        tracing::warn!("the limit of new connections cannot be read: {error}");
        None
    });
    let new_a_second = setting.and_then(|text| text.trim().parse().ok()).unwrap_or(NEW_A_SECOND);
    Limits { sessions: shared.options.sessions, new_a_second }
}

/// Waits for the instant; for ever where there is none.
async fn at(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant).await,
        None => std::future::pending().await,
    }
}

fn announce(shared: &Shared, item: &mut Item) {
    if !item.announced {
        item.announced = true;
        shared.emit(&Event::MeterStarted { job: item.job, meter: item.meter, name: item.name.clone() });
    }
}

fn result(
    item: &Item,
    fault: Option<Fault>,
    remains: &Remains,
    (at, took): (Timestamp, Duration),
) -> JobResult {
    let (progress, trace) = (remains.progress.borrow(), remains.trace.borrow());
    JobResult {
        meter: item.meter.unwrap_or(MeterId(0)),
        at,
        fault,
        registers: progress.registers(),
        intervals: progress.intervals,
        events: progress.events,
        exchanges: trace.exchanges,
        bytes_sent: trace.bytes_sent,
        bytes_received: trace.bytes_received,
        duration_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
    }
}
