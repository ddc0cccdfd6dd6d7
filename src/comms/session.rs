//! One meter's session: its attempts, the pauses between them, and its end when the job is cancelled.

use std::future::Future;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::drivers::{
    Activation, ClockOrder, MeterAccess, Order, RatioOrder, ReadRequest, ReadSink, Reference,
};
use crate::firmware::vendor::VendorPlan;
use crate::model::{Fault, Knowledge, MeterConfig, MeterId, MeterSecrets, SecretKind, Step};
use crate::scheme::Document;
use crate::store::SchemeKind;

use super::JobId;
use super::backoff;
use super::conductor::{Attempt, Task};
use super::counters::{Counters, Place};
use super::discover::{self, Discovery};
use super::flash::{self, FlashWork};
use super::held::Held;
use super::holding::Holding;
use super::link::Cancel;
use super::reporter::{Remains, Reporter};
use super::shared::{Shared, store_fault};
use super::sink::Sink;
use super::upkeep::{self, Chore};
use super::vendor;

/// How long a cancelled session may take to say goodbye.
const GRACE: Duration = Duration::from_secs(2);

/// What to do with one meter.
#[derive(Clone, Debug)]
pub(super) enum Work {
    /// Read a stored meter.
    Read(Rc<ReadRequest>),
    /// Write a scheme to a stored meter.
    WriteScheme(Rc<Document>, Activation),
    /// Read a stored meter's scheme.
    ReadScheme(Option<Rc<Document>>),
    /// Flash a stored meter, or go on with it.
    Flash(Rc<FlashWork>),
    /// Load a stored meter by its vendor's own file.
    VendorFlash(Rc<VendorPlan>),
    /// Look for meters.
    Discover(Rc<Discovery>),
    /// Read or write a stored meter's own transformer ratios.
    Ratios(RatioOrder),
    /// Try a meter as entered.
    Test {
        /// As entered.
        config: Box<MeterConfig>,
        /// As entered.
        secrets: MeterSecrets,
    },
    /// Set or adjust a stored meter's clock.
    SetClock(ClockOrder),
    /// Have a stored meter do something.
    Control(Order),
    /// Upkeep of the store; no meter has to do with it.
    Upkeep(Rc<Chore>),
    /// Learn a template from a stored meter.
    Learn,
}

impl Work {
    /// Whether anything in the meter may be another afterwards.
    const fn writes_to_meter(&self) -> bool {
        match self {
            Self::WriteScheme(..)
            | Self::Flash(_)
            | Self::VendorFlash(_)
            | Self::Ratios(RatioOrder::Write { .. })
            | Self::SetClock(_)
            | Self::Control(_) => true,
            Self::Read(_)
            | Self::ReadScheme(_)
            | Self::Discover(_)
            | Self::Ratios(RatioOrder::Read)
            | Self::Test { .. }
            | Self::Upkeep(_)
            | Self::Learn => false,
        }
    }

    /// What a meter's end is called where all went well; nothing where what was read says it better.
    pub(super) fn done_words(&self) -> Option<&'static str> {
        match self {
            Self::WriteScheme(..) => Some("Scheme written and read back"),
            Self::ReadScheme(_) => Some("Scheme read"),
            Self::Discover(_) => Some("Every address was tried"),
            Self::Ratios(RatioOrder::Read) => Some("Transformer ratios read"),
            Self::Ratios(RatioOrder::Write { .. }) => Some("Transformer ratios written and read back"),
            Self::Read(_) | Self::Flash(_) | Self::VendorFlash(_) | Self::Test { .. } => None,
            Self::SetClock(_) => Some("Clock right"),
            Self::Control(_) | Self::Upkeep(_) => Some("Done"),
            Self::Learn => Some("A template is proposed"),
        }
    }
}

/// One meter of a job.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) job: JobId,
    pub(super) meter: Option<MeterId>,
    pub(super) name: String,
    pub(super) work: Work,
    /// `MeterStarted` was sent.
    pub(super) announced: bool,
}

/// The fault of a meter whose job was cancelled.
pub(super) fn cancelled_fault() -> Fault {
    Fault::user("cancelled", "")
}

/// Lets `future` end, within the grace once the job is cancelled; nothing where it was cut off.
async fn within<F: Future>(cancel: &Cancel, grace: Duration, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    tokio::select! {
        biased;
        output = &mut future => Some(output),
        () = cancel.cancelled() => timeout(grace, future).await.ok(),
    }
}

/// Conducts a session with all its attempts.
///
/// # Errors
/// Why the meter failed, what could not be had included.
pub(super) async fn run(
    shared: Rc<Shared>,
    item: Rc<Item>,
    remains: Remains,
    cancel: Cancel,
) -> Result<(), Fault> {
    if let Work::Discover(discovery) = &item.work {
        return discover::run(shared, &item, remains, &cancel, discovery).await;
    }
    if let Work::Upkeep(chore) = &item.work {
        return upkeep::run(shared, &item, remains, &cancel, chore).await;
    }
    if let Some(meter) = item.meter {
        shared.settled(meter).await;
    }
    let session = Session::prepare(shared, item, remains)?;
    let _held = session.hold(&cancel).await?;
    session.wait_for_pause(&cancel).await?;
    let result = session.attempts(&cancel).await;
    session.note_end();
    result
}

struct Session {
    shared: Rc<Shared>,
    item: Rc<Item>,
    remains: Remains,
    access: MeterAccess,
}

impl Session {
    fn prepare(shared: Rc<Shared>, item: Rc<Item>, remains: Remains) -> Result<Self, Fault> {
        let access = match (&item.work, item.meter) {
            (Work::Test { config, secrets }, meter) => {
                let stored = meter.map(|meter| shared.secrets(meter)).transpose()?.unwrap_or_default();
                let secrets = filled(secrets.clone(), &stored);
                shared.access_with(config.as_ref().clone(), secrets)?
            }
            (_, Some(meter)) => shared.access(meter)?,
            (_, None) => return Err(Fault::internal("a session without a meter")),
        };
        Ok(Self { shared, item, remains, access })
    }

    /// Holds the meter, then its line, against other programs on the same store.
    async fn hold(&self, cancel: &Cancel) -> Result<[Option<Held>; 2], Fault> {
        let writes = self.item.work.writes_to_meter();
        let holding = Holding { reporter: &self.reporter(), cancel, writes };
        let meter = match self.item.meter {
            Some(meter) => holding.meter(meter).await?,
            None => None,
        };
        Ok([meter, holding.line(&self.access.config).await?])
    }

    /// Some meters want a pause between two sessions.
    async fn wait_for_pause(&self, cancel: &Cancel) -> Result<(), Fault> {
        let pause = Duration::from_millis(self.access.template.timing.reconnect_pause_ms.into());
        let last = self.item.meter.and_then(|meter| self.shared.last_session.borrow().get(&meter).copied());
        if let Some(last) = last.filter(|_| !pause.is_zero()) {
            within(cancel, Duration::ZERO, sleep_until(last + pause)).await.ok_or_else(cancelled_fault)?;
        }
        Ok(())
    }

    fn note_end(&self) {
        if let Some(meter) = self.item.meter.filter(|_| self.access.template.timing.reconnect_pause_ms > 0) {
            self.shared.last_session.borrow_mut().insert(meter, Instant::now());
        }
    }

    async fn attempts(&self, cancel: &Cancel) -> Result<(), Fault> {
        let timing = &self.access.template.timing;
        // A person who tries a connection wants the answer, not three of them.
        let of = if matches!(self.item.work, Work::Test { .. }) { 1 } else { timing.attempts.max(1) };
        let mut sink = self.sink();
        let mut attempt = 1;
        loop {
            self.remains.progress.borrow_mut().begin_attempt();
            let before = self.flash_mark()?;
            let fault = match self.attempt(attempt, &mut sink, cancel).await {
                Ok(()) => break,
                Err(fault) if cancel.is_cancelled() => {
                    tracing::debug!("a cancelled session ended with: {fault}");
                    return Err(cancelled_fault());
                }
                Err(fault) if !fault.passing => return Err(fault),
                // A flash that came further is not given up on account of what happened before.
                Err(fault) if before.is_some() && before != self.flash_mark()? => {
                    attempt = 1;
                    fault
                }
                Err(fault) if attempt >= of => return Err(fault),
                Err(fault) => fault,
            };
            attempt += 1;
            // What the last attempt had is not asked for again.
            if let Some(meter) = sink.store_for {
                self.shared.settled(meter).await;
            }
            sink.step(Step::Retrying { attempt, of, reason: fault.message });
            let (first_ms, wanted_ms) = (timing.retry_pause_ms, timing.reconnect_pause_ms);
            let pause = backoff::pause(attempt, first_ms, wanted_ms, backoff::chance());
            within(cancel, Duration::ZERO, sleep(pause)).await.ok_or_else(cancelled_fault)?;
        }
        match self.remains.progress.borrow().partial_fault() {
            Some(fault) => Err(fault),
            None => Ok(()),
        }
    }

    /// How far the flash has come, for telling whether an attempt got anywhere; nothing for other work.
    fn flash_mark(&self) -> Result<Option<flash::Mark>, Fault> {
        let (Work::Flash(work), Some(meter)) = (&self.item.work, self.item.meter) else { return Ok(None) };
        flash::mark(&self.shared, meter, work).map(Some)
    }

    fn reporter(&self) -> Reporter {
        Reporter {
            shared: Rc::clone(&self.shared),
            remains: self.remains.clone(),
            job: self.item.job,
            meter: self.item.meter,
        }
    }

    fn sink(&self) -> Sink {
        let is_read = !matches!(self.item.work, Work::Test { .. });
        Sink { reporter: self.reporter(), store_for: self.item.meter.filter(|_| is_read), rows_told: None }
    }

    /// The scheme that was written last, for a read that has no other to name things by.
    fn last_written(&self) -> Result<Option<Document>, Fault> {
        let (Work::ReadScheme(None), Some(meter)) = (&self.item.work, self.item.meter) else {
            return Ok(None);
        };
        let last = self.shared.store.borrow().last_scheme(meter, SchemeKind::Written);
        let last = last.map_err(|error| store_fault(&error))?;
        // One that an older version of this program wrote and this one does not read lends nothing.
        Ok(last.and_then(|last| crate::scheme::read(last.scheme.as_bytes()).ok()))
    }

    async fn attempt(&self, number: u32, sink: &mut Sink, cancel: &Cancel) -> Result<(), Fault> {
        let known = match sink.store_for {
            Some(meter) => {
                self.shared.store.borrow().knowledge(meter).map_err(|error| store_fault(&error))?
            }
            None => Knowledge::default(),
        };
        let mut knowledge = known.clone();
        let place = Place::of(self.item.meter, &self.access.config);
        let mut counter = Counters::new(self.reporter(), place);
        if self.access.config.is_ciphered() {
            counter.prepare().await.map_err(|error| Fault::internal(error.to_string()))?;
        }
        let last = self.last_written()?;
        let ledger = flash::Ledger::of(&self.shared, &self.item);
        let vendor = vendor::Ledger::of(&self.shared, &self.item);
        let task = match &self.item.work {
            Work::Read(request) => Task::Read(request),
            Work::Test { .. } => Task::Test,
            Work::Discover(_) => return Err(Fault::internal("a search that is a session")),
            Work::Upkeep(_) => return Err(Fault::internal("upkeep that is a session")),
            Work::Ratios(order) => Task::Ratios(order),
            Work::WriteScheme(document, activation) => Task::WriteScheme(document, *activation),
            Work::ReadScheme(Some(reference)) => Task::ReadScheme(Reference::Given(reference)),
            Work::ReadScheme(None) => {
                Task::ReadScheme(last.as_ref().map_or(Reference::None, Reference::IfNamed))
            }
            Work::Flash(work) => {
                let ledger = ledger.as_ref().ok_or_else(|| Fault::internal("a flash without a meter"))?;
                Task::Flash(&work.plan, ledger)
            }
            Work::VendorFlash(plan) => {
                let ledger = vendor.as_ref().ok_or_else(|| Fault::internal("a loading without a meter"))?;
                Task::VendorFlash(plan, ledger)
            }
            Work::SetClock(order) => Task::SetClock(*order),
            Work::Control(order) => Task::Control(*order),
            Work::Learn => Task::Learn,
        };
        let conducting = self.shared.conductor.conduct(Attempt {
            access: &self.access,
            task,
            number,
            counter: &mut counter,
            knowledge: &mut knowledge,
            hop: self.shared.hops.known(&self.access.config.line),
            sink,
            trace: Rc::clone(&self.remains.trace),
            cancel: cancel.clone(),
        });
        let ended = within(cancel, GRACE, conducting).await.unwrap_or_else(|| Err(cancelled_fault()));
        if knowledge.round_trip != known.round_trip {
            self.shared.hops.learn(&self.access.config.line, knowledge.round_trip);
        }
        sink.flush_trace(true);
        if let (Work::WriteScheme(document, _), true) = (&self.item.work, ended.is_ok()) {
            sink.written(document)?;
        }
        let is_another_meter = self.remains.progress.borrow().is_another_meter;
        if let Some(meter) = sink.store_for.filter(|_| knowledge != known && !is_another_meter) {
            let hears = self.remains.hears();
            self.shared.defer((meter, 1), move |store| store.put_knowledge(meter, &knowledge), hears);
        }
        ended
    }
}

/// The secrets as entered, with the stored ones where one is missing.
fn filled(mut entered: MeterSecrets, stored: &MeterSecrets) -> MeterSecrets {
    for (kind, _) in SecretKind::ALL {
        if entered.get(kind).is_none()
            && let Some(secret) = stored.get(kind)
        {
            entered.set(kind, secret.clone());
        }
    }
    entered
}
