//! The phases of a flash, from the check of the package to the check of the registers.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::{Instant, sleep};

use crate::drivers::dlms::{self, ImageLine, ImageSession, is_line_gone};
use crate::drivers::{Activation, MeterAccess, ReadSink, Reference};
use crate::model::{Blame, Fault, FlashOutcome, FlashPhase, Knowledge, Step};
use crate::protocol::dlms::CounterStore;
use crate::protocol::link::Link;

use super::backup::{self, Capture};
use super::fit::{self, Fit};
use super::keys::TrustedKey;
use super::maker::{MakerKey, check_image};
use super::package::{Package, PackageError};
use super::resume::status;
use super::state::{Activating, FlashState};
use super::transfer::{After, package_fault};
use super::version;

/// The first pause before a restarted meter is looked for, and the longest.
const LOOK_AFTER: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(30)];
/// Looks at a meter that says that it is done before its version is believed.
const SETTLED: u32 = 3;
/// Looks at a meter that says that it activates, and did not agree to, before the order is given again: some meters
/// come to it only when they are asked once more.
const ORDER_AGAIN: u32 = 3;
/// A meter that says that it is done and runs the old version may have its restart still before it.
const RESTARTS_WITHIN: Duration = Duration::from_secs(30);

/// What is read into the store before a flash.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Backup {
    /// Registers, clock, billing sets, the gap of the profiles, the scheme.
    #[default]
    Full,
    /// Registers, clock and scheme: for slow lines, where a first profile would take days.
    Registers,
}

/// What to flash, and how.
#[derive(Debug)]
pub struct FlashPlan {
    /// The package.
    pub package: Arc<Package>,
    /// When the image takes over.
    pub activation: Activation,
    /// Why an older version may replace a later one; nothing where it may not.
    pub downgrade: Option<String>,
    /// What is read before.
    pub backup: Backup,
    /// Longest wait for the restart; the template's where it is not given.
    pub restart_within: Option<Duration>,
}

/// Keeps the state of one meter's flash, and says whether it may go on.
pub trait Journal: fmt::Debug {
    /// The state as it was kept last; a fresh one where there is none.
    ///
    /// # Errors
    /// It does not read.
    fn load(&self) -> Result<FlashState, Fault>;
    /// Keeps a state; it is durable when this returns.
    ///
    /// # Errors
    /// It cannot be kept: the flash stops here.
    fn keep(&self, state: &FlashState) -> Result<(), Fault>;
    /// Asked before every step that need not be done now: each block, and the order to activate. Never asked after
    /// that order, so that a meter is not left alone in its restart.
    ///
    /// # Errors
    /// Why it is to stop here: it goes on when it is asked to.
    fn may_go_on(&self) -> Result<(), Fault>;
    /// The keys that are trusted now.
    ///
    /// # Errors
    /// They do not read.
    fn trusted(&self) -> Result<Vec<TrustedKey>, Fault>;
    /// The makers' keys whose signatures within images are believed now.
    ///
    /// # Errors
    /// They do not read.
    fn maker_keys(&self) -> Result<Vec<MakerKey>, Fault>;
}

/// What a flash works with, lent from session to session.
struct Hands<'h, L> {
    link: &'h mut L,
    counter: &'h mut dyn CounterStore,
    knowledge: &'h mut Knowledge,
    sink: &'h mut dyn ReadSink,
}

/// One flash under way.
pub(super) struct Run<'a> {
    pub(super) plan: &'a FlashPlan,
    pub(super) access: &'a MeterAccess,
    pub(super) journal: &'a dyn Journal,
    pub(super) state: FlashState,
    /// Why nothing more may be sent to the meter, which was told to activate before that was so.
    forbidden: Option<String>,
}

/// What comes after the meter was identified.
enum Opened {
    /// Its registers are to be read first.
    Backup,
    /// The image is where it should be.
    Image(After),
    /// It runs the version: what is left is the check.
    Runs,
    /// It ran the version all along.
    RanIt,
}

/// What a look at a meter after its activation shows.
struct Look {
    version: Option<String>,
    status: Option<u8>,
}

/// Flashes a meter, or goes on with it. Several associations follow each other over the link.
///
/// # Errors
/// Why it stopped; the journal holds how it stands. What is [passing](Fault::passing) may be tried again at once.
pub async fn flash<L: Link>(
    link: &mut L,
    access: &MeterAccess,
    counter: &mut dyn CounterStore,
    knowledge: &mut Knowledge,
    plan: &FlashPlan,
    journal: &dyn Journal,
    sink: &mut dyn ReadSink,
) -> Result<(), Fault> {
    let mut run = Run { plan, access, journal, state: journal.load()?, forbidden: None };
    run.state.outcome = FlashOutcome::Open;
    let mut hands = Hands { link, counter, knowledge, sink };
    let result = run.all(&mut hands).await;
    run.conclude(result)
}

impl Run<'_> {
    pub(super) fn keep(&self) -> Result<(), Fault> {
        self.journal.keep(&self.state)
    }

    pub(super) fn identifier(&self) -> Vec<u8> {
        self.plan.package.manifest().image_identifier.0.clone()
    }

    /// Enters a phase within an association.
    pub(super) fn go_to<L: Link>(
        &mut self,
        session: &mut ImageSession<'_, '_, L>,
        phase: FlashPhase,
    ) -> Result<(), Fault> {
        session.step(Step::Flashing(phase));
        self.state.phase = phase;
        self.keep()
    }

    /// Enters a phase between associations.
    fn enter<L>(&mut self, hands: &mut Hands<'_, L>, phase: FlashPhase) -> Result<(), Fault> {
        hands.sink.step(Step::Flashing(phase));
        self.state.phase = phase;
        self.keep()
    }

    fn refuse(&mut self, reason: &str) -> Fault {
        self.state.outcome = FlashOutcome::Refused;
        let advice = match self.state.activating.at {
            Some(at) => format!("what was sent before stays in the meter, and takes over at {at} by itself"),
            None if self.state.has_sent() => {
                "what was sent before stays in the meter, not activated".to_owned()
            }
            None => "nothing was sent to the meter".to_owned(),
        };
        Fault::user(reason, advice)
    }

    /// Checks the package, and the maker's signature in its image where the template describes one; why it is
    /// refused.
    fn judge_package(&self, now: Timestamp) -> Result<Option<String>, Fault> {
        let package = &self.plan.package;
        let judged = match package.judge(&self.journal.trusted()?, now) {
            Err(error) => Err(error),
            Ok(_) => match &self.access.template.firmware.image_signature {
                None => Ok(()),
                Some(described) => check_image(package, described, &self.journal.maker_keys()?).map(|_| ()),
            },
        };
        match judged {
            Ok(()) => Ok(None),
            Err(error @ PackageError::Broken { .. }) => Err(package_fault(&error)),
            Err(error @ PackageError::Refused(_)) => Ok(Some(error.to_string())),
        }
    }

    /// Writes down how it ended.
    fn conclude(mut self, result: Result<(), Fault>) -> Result<(), Fault> {
        match &result {
            Ok(()) => {}
            Err(fault) => {
                self.state.message = fault.to_string();
                let will_not_pass = fault.blame == Blame::Meter && !fault.passing;
                if self.state.outcome != FlashOutcome::Refused {
                    self.state.outcome =
                        if will_not_pass { FlashOutcome::Failed } else { FlashOutcome::Open };
                }
            }
        }
        let kept = self.keep();
        result.and(kept)
    }

    async fn all<L: Link>(&mut self, hands: &mut Hands<'_, L>) -> Result<(), Fault> {
        self.enter(hands, FlashPhase::Package)?;
        self.forbidden = self.judge_package(hands.sink.now())?;
        if let Some(reason) = self.forbidden.clone() {
            if !self.may_restart(hands) {
                return Err(self.refuse(&reason));
            }
            // The order cannot be taken back, so what came of it is looked at, whatever the package is worth by now.
            hands.sink.remark(format!("nothing more is sent to the meter, only looked at: {reason}"));
        }
        let mut opened = match self.open(hands).await {
            // It may be in its restart still.
            Err(fault) if fault.blame == Blame::Line && self.may_restart(hands) => {
                Opened::Image(After::Restart)
            }
            other => other?,
        };
        if matches!(opened, Opened::Backup) {
            self.back_up(hands).await?;
            opened = self.open(hands).await?;
        }
        match opened {
            Opened::RanIt => return self.done(hands, "the meter ran this version already"),
            Opened::Image(After::Nothing) => return Ok(()),
            Opened::Image(After::Restart) | Opened::Backup => self.wait_for_restart(hands).await?,
            Opened::Runs => {}
        }
        self.check(hands).await?;
        self.done(hands, "the meter runs the new version; registers and scheme are as they were")
    }

    /// Whether the meter was told to activate, and its time has come.
    fn may_restart<L>(&self, hands: &Hands<'_, L>) -> bool {
        let Activating { told, at, .. } = &self.state.activating;
        *told && at.is_none_or(|at| hands.sink.now() >= at)
    }

    fn done<L>(&mut self, hands: &mut Hands<'_, L>, message: &str) -> Result<(), Fault> {
        self.state.outcome = FlashOutcome::Flashed;
        message.clone_into(&mut self.state.message);
        self.state.version_after = Some(self.plan.package.manifest().version.clone());
        self.enter(hands, FlashPhase::Done)
    }

    /// Some meters want a pause between two associations.
    async fn rest(&self) {
        sleep(Duration::from_millis(self.access.template.timing.reconnect_pause_ms.into())).await;
    }

    /// Identifies the meter, and goes on with the image where its registers are in the store.
    async fn open<L: Link>(&mut self, hands: &mut Hands<'_, L>) -> Result<Opened, Fault> {
        self.enter(hands, FlashPhase::Identify)?;
        let mut line = ImageLine::new(hands.link);
        let opened =
            ImageSession::open(&mut line, self.access, hands.counter, hands.knowledge, hands.sink).await;
        let outcome = match opened {
            Ok(mut session) => {
                let outcome = Box::pin(self.identify_and_go_on(&mut session)).await;
                session.close(outcome.as_ref().is_err_and(is_line_gone)).await;
                outcome
            }
            Err(fault) => Err(fault),
        };
        if outcome.is_err() {
            line.hang_up().await;
        }
        self.rest().await;
        outcome
    }

    async fn identify_and_go_on<L: Link>(
        &mut self,
        session: &mut ImageSession<'_, '_, L>,
    ) -> Result<Opened, Fault> {
        let meter = session.identify().await?;
        let is_another = |was: &String| meter.serial.is_some() && !meter.texts.contains(was);
        if self.state.serial.as_ref().is_some_and(is_another) {
            session.remark("another meter answers under this name now: its flash begins anew".to_owned());
            self.state.begin_anew();
        }
        self.state.serial = meter.serial.clone().or(self.state.serial.take());
        let was_told = self.state.activating.told;
        if let Some(reason) = self.forbidden.clone().filter(|_| !was_told) {
            return Err(self.refuse(&reason));
        }
        if !was_told {
            self.state.version_before.clone_from(&meter.version);
        }
        let may_go_back = self.plan.downgrade.is_some();
        match fit::judge(self.plan.package.manifest(), &meter, may_go_back) {
            Ok(Fit::RunsIt) if was_told => {
                self.state.version_after = meter.version;
                self.go_to(session, FlashPhase::Version)?;
                return Ok(Opened::Runs);
            }
            Ok(Fit::RunsIt) => return Ok(Opened::RanIt),
            Ok(Fit::Suits | Fit::Downgrades) => {}
            Err(reason) if !was_told => return Err(self.refuse(&format!("refused: {reason}"))),
            // After the activation the version is what counts: it is looked at again.
            Err(_) => return Ok(Opened::Image(After::Restart)),
        }
        if self.forbidden.is_some() {
            return Ok(Opened::Image(After::Restart));
        }
        if self.state.before.is_none() {
            return Ok(Opened::Backup);
        }
        self.transfer(session).await.map(Opened::Image)
    }

    /// Reads registers, profile gap, clock and scheme into the store.
    async fn back_up<L: Link>(&mut self, hands: &mut Hands<'_, L>) -> Result<(), Fault> {
        self.enter(hands, FlashPhase::Backup)?;
        self.journal.may_go_on()?;
        let request = backup::request(self.plan.backup);
        let mut capture = Capture::new(hands.sink);
        dlms::read(hands.link, self.access, hands.counter, hands.knowledge, &request, &mut capture).await?;
        self.rest().await;
        let scheme = dlms::read_scheme(
            hands.link,
            self.access,
            hands.counter,
            hands.knowledge,
            Reference::None,
            &mut capture,
        );
        match Box::pin(scheme).await {
            Ok(()) => {}
            Err(fault) if fault.blame == Blame::Meter && !fault.passing => {
                capture.remark(format!("no scheme in the backup: {fault}"));
            }
            Err(fault) => return Err(fault),
        }
        self.rest().await;
        self.state.before = Some(capture.kept());
        self.keep()
    }

    /// Looks for the meter until it runs the version of the package: only that ends it well.
    async fn wait_for_restart<L: Link>(&mut self, hands: &mut Hands<'_, L>) -> Result<(), Fault> {
        self.enter(hands, FlashPhase::Restart)?;
        let template = self.access.template.firmware.restart_seconds;
        let within = self.plan.restart_within.unwrap_or(Duration::from_secs(template.into()));
        let began = Instant::now();
        let deadline = began + within;
        let [mut pause, longest] = LOOK_AFTER;
        let (mut settled, mut looks) = (0, 0);
        loop {
            sleep(pause.min(within)).await;
            pause = (pause * 2).min(longest);
            looks += 1;
            let last = match self.look(hands, looks).await {
                Ok(look) => {
                    if self.is_new(&look) {
                        self.state.version_after = look.version;
                        return self.enter(hands, FlashPhase::Version);
                    }
                    settled += u32::from(self.is_settled(&look, began.elapsed()));
                    self.judge_old(look, settled)?
                }
                Err(fault) if fault.blame == Blame::User || fault.blame == Blame::Internal => {
                    return Err(fault);
                }
                Err(fault) => fault.message,
            };
            if Instant::now() >= deadline {
                return Err(Fault::meter(
                    format!(
                        "the meter did not come back with version {} within {} s of its activation: {last}",
                        self.plan.package.manifest().version,
                        within.as_secs()
                    ),
                    "look for the meter; the flash looks again when it is asked to",
                ));
            }
        }
    }

    fn is_new(&self, look: &Look) -> bool {
        let wanted = &self.plan.package.manifest().version;
        look.version.as_ref().is_some_and(|runs| version::is_same(wanted, runs))
    }

    /// Whether a meter has come to rest: its version will not change any more by itself.
    fn is_settled(&self, look: &Look, waited: Duration) -> bool {
        let is_another = look.version.is_some() && look.version != self.state.version_before;
        let is_done = matches!(look.status, Some(status::ACTIVATED | status::NOT_INITIATED));
        is_another || is_done && waited >= RESTARTS_WITHIN
    }

    /// What to make of a meter that answers and does not run the new version: in words where it is waited for.
    fn judge_old(&mut self, look: Look, settled: u32) -> Result<String, Fault> {
        let runs = look.version.clone().unwrap_or_else(|| "an unknown version".to_owned());
        let brings = &self.plan.package.manifest().version;
        let verdict = match look.status {
            Some(status::ACTIVATION_FAILED) => {
                format!("the meter says that the activation failed; it runs {runs}")
            }
            _ if settled >= SETTLED => {
                format!("the meter runs {runs} after the activation, and not {brings}")
            }
            _ => return Ok(format!("it runs {runs}")),
        };
        self.state.version_after = look.version;
        self.state.give_up_transfer();
        Err(Fault::meter(
            verdict,
            "look into the meter's event log; the next attempt transfers the image anew",
        ))
    }

    /// Associates and looks at version and status; gives the order again where it may not have arrived.
    async fn look<L: Link>(&mut self, hands: &mut Hands<'_, L>, looks: u32) -> Result<Look, Fault> {
        let mut line = ImageLine::new(hands.link);
        let opened =
            ImageSession::open(&mut line, self.access, hands.counter, hands.knowledge, hands.sink).await;
        let outcome = match opened {
            Ok(mut session) => {
                let outcome = self.look_within(&mut session, looks).await;
                session.close(outcome.as_ref().is_err_and(is_line_gone)).await;
                outcome
            }
            Err(fault) => Err(fault),
        };
        if outcome.is_err() {
            line.hang_up().await;
        }
        outcome
    }

    async fn look_within<L: Link>(
        &mut self,
        session: &mut ImageSession<'_, '_, L>,
        looks: u32,
    ) -> Result<Look, Fault> {
        let version = session.version().await?;
        let status = session.status().await?;
        let look = Look { version, status };
        let may_not_know = match status {
            Some(status::VERIFIED) | None => true,
            Some(status::ACTIVATING) => looks >= ORDER_AGAIN,
            Some(_) => false,
        };
        let may_order = may_not_know && !self.state.activating.agreed && self.forbidden.is_none();
        if !self.is_new(&look) && may_order {
            self.activate(session).await?;
        }
        Ok(look)
    }

    /// Compares registers and scheme with what they were.
    async fn check<L: Link>(&mut self, hands: &mut Hands<'_, L>) -> Result<(), Fault> {
        self.enter(hands, FlashPhase::Check)?;
        let Some(before) = self.state.before.clone() else { return Ok(()) };
        let mut capture = Capture::new(hands.sink);
        let request = backup::registers();
        dlms::read(hands.link, self.access, hands.counter, hands.knowledge, &request, &mut capture).await?;
        let mut worse = capture.worse_than(&before);
        if before.scheme.is_some() {
            self.rest().await;
            let read = dlms::read_scheme(
                hands.link,
                self.access,
                hands.counter,
                hands.knowledge,
                Reference::None,
                &mut capture,
            );
            match Box::pin(read).await {
                Err(fault) if fault.blame != Blame::Meter || fault.passing => return Err(fault),
                _ => worse = worse.or_else(|| capture.scheme_differs(&before)),
            }
        }
        let runs = &self.plan.package.manifest().version;
        worse.map_or(Ok(()), |worse| {
            Err(Fault::meter(
                format!("the meter runs {runs}, but {worse}"),
                "the readings from before the flash are in the store; compare them before the meter bills anybody",
            ))
        })
    }
}
