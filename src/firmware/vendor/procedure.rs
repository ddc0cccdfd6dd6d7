//! The phases of a vendor's own procedure on one meter.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};

use crate::drivers::elster::{self, Told, VendorSession};
use crate::drivers::{MeterAccess, ReadSink};
use crate::firmware::backup::{self, Capture};
use crate::firmware::state::Before;
use crate::model::{Blame, Fault, FlashOutcome, FlashPhase, Knowledge, Step, hex};
use crate::protocol::elster_flag::FlagLine;

use super::file::{PAGES, VendorFile};

/// A meter that restarts is not called before this (section 12.4).
const RESTART: Duration = Duration::from_secs(20);
/// Pause between two looks at a meter that does not answer yet.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
/// Looks at a meter that answers with its old firmware before that is believed.
const SETTLED: u32 = 3;

/// What to load, and how its end is known.
#[derive(Clone, Debug)]
pub struct VendorPlan {
    /// The file.
    pub file: Arc<VendorFile>,
    /// What the meter's firmware text contains afterwards; where it is not given, any other text than before counts.
    pub expect: Option<String>,
}

/// How far the loading of one meter has come. It is no place to go on from, but for `told`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct VendorState {
    /// The phase that it was in last.
    pub phase: FlashPhase,
    /// How it stands.
    pub outcome: FlashOutcome,
    /// Why it does not go on, or what there is to know.
    pub message: String,
    /// The firmware text before.
    pub text_before: Option<String>,
    /// The firmware text that was read after the restart.
    pub text_after: Option<String>,
    /// Writes that the meter acknowledged in this attempt.
    pub sent: u32,
    /// All writes.
    pub writes: u32,
    /// The meter was told to activate, and its answer may be lost.
    pub told: bool,
    /// The registers before.
    pub before: Option<Before>,
}

impl Default for VendorState {
    fn default() -> Self {
        Self {
            phase: FlashPhase::Waiting,
            outcome: FlashOutcome::Open,
            message: String::new(),
            text_before: None,
            text_after: None,
            sent: 0,
            writes: 0,
            told: false,
            before: None,
        }
    }
}

/// Keeps the state of one meter's loading, and says whether it is allowed.
pub trait VendorJournal: fmt::Debug {
    /// The state as it was kept last; a fresh one where there is none.
    ///
    /// # Errors
    /// It does not read.
    fn load(&self) -> Result<VendorState, Fault>;
    /// Keeps a state; it is durable when this returns.
    ///
    /// # Errors
    /// It cannot be kept: nothing further is sent.
    fn keep(&self, state: &VendorState) -> Result<(), Fault>;
    /// Asked before anything is sent, and before the activation.
    ///
    /// # Errors
    /// No administrator has switched it on.
    fn allowed(&self) -> Result<(), Fault>;
}

struct Run<'a> {
    plan: &'a VendorPlan,
    access: &'a MeterAccess,
    journal: &'a dyn VendorJournal,
    state: VendorState,
}

/// Loads a meter by a vendor's file.
///
/// # Errors
/// Why it stopped; the journal holds how it stands.
pub async fn load<L: FlagLine>(
    line: &mut L,
    access: &MeterAccess,
    knowledge: &mut Knowledge,
    plan: &VendorPlan,
    journal: &dyn VendorJournal,
    sink: &mut dyn ReadSink,
) -> Result<(), Fault> {
    let mut run = Run { plan, access, journal, state: journal.load()? };
    run.state.outcome = FlashOutcome::Open;
    run.state.writes = plan.file.writes();
    let result = Box::pin(run.all(line, knowledge, sink)).await;
    if let Err(fault) = &result {
        run.state.message = fault.to_string();
        if run.state.outcome != FlashOutcome::Refused {
            let will_not_pass = fault.blame == Blame::Meter && !fault.passing;
            run.state.outcome = if will_not_pass { FlashOutcome::Failed } else { FlashOutcome::Open };
        }
    }
    let kept = journal.keep(&run.state);
    result.and(kept)
}

impl Run<'_> {
    fn enter(&mut self, sink: &mut dyn ReadSink, phase: FlashPhase) -> Result<(), Fault> {
        sink.step(Step::Flashing(phase));
        self.state.phase = phase;
        self.journal.keep(&self.state)
    }

    fn refuse(&mut self, reason: impl Into<String>, advice: &str) -> Fault {
        self.state.outcome = FlashOutcome::Refused;
        Fault::refused(format!("refused: {}", reason.into()), advice)
    }

    fn may_begin(&mut self) -> Result<(), Fault> {
        if let Err(fault) = self.journal.allowed() {
            self.state.outcome = FlashOutcome::Refused;
            return Err(fault);
        }
        let template = &self.access.template;
        if !template.flag.vendor_firmware {
            let reason =
                format!("a vendor's file is for an AS230, and this meter's template is {}", template.name);
            return Err(self.refuse(reason, "nothing was sent to the meter"));
        }
        if self.access.secrets.password.is_none() {
            return Err(
                self.refuse("the meter's password is not known", "enter it; nothing was sent to the meter")
            );
        }
        Ok(())
    }

    async fn rest(&self) {
        sleep(Duration::from_millis(self.access.template.timing.reconnect_pause_ms.into())).await;
    }

    async fn all<L: FlagLine>(
        &mut self,
        line: &mut L,
        knowledge: &mut Knowledge,
        sink: &mut dyn ReadSink,
    ) -> Result<(), Fault> {
        self.enter(sink, FlashPhase::Package)?;
        self.may_begin()?;
        if self.state.told {
            // An earlier attempt ended between the order and the look at what came of it.
            self.wait_for_restart(line, sink, Duration::ZERO).await?;
        } else {
            self.back_up(line, knowledge, sink).await?;
            self.rest().await;
            self.load_pages(line, sink).await?;
            self.wait_for_restart(line, sink, RESTART).await?;
        }
        self.rest().await;
        self.check(line, knowledge, sink).await?;
        self.state.outcome = FlashOutcome::Flashed;
        let text = self.state.text_after.clone().unwrap_or_default();
        self.state.message = format!("the meter says that it runs {text}; its registers are as they were");
        self.enter(sink, FlashPhase::Done)
    }

    /// Reads registers and clock into the store, once.
    async fn back_up<L: FlagLine>(
        &mut self,
        line: &mut L,
        knowledge: &mut Knowledge,
        sink: &mut dyn ReadSink,
    ) -> Result<(), Fault> {
        self.enter(sink, FlashPhase::Backup)?;
        let mut capture = Capture::new(sink);
        elster::read(line, self.access, knowledge, &backup::registers(), &mut capture).await?;
        let before = capture.kept();
        if self.state.before.is_none() {
            self.state.before = Some(before);
        }
        Ok(())
    }

    async fn load_pages<L: FlagLine>(&mut self, line: &mut L, sink: &mut dyn ReadSink) -> Result<(), Fault> {
        self.enter(sink, FlashPhase::Identify)?;
        let mut session = VendorSession::open(line, self.access, sink).await?;
        let outcome = Box::pin(self.load_in(&mut session)).await;
        session.close(outcome.as_ref().err()).await;
        outcome
    }

    fn enter_in<L: FlagLine>(
        &mut self,
        session: &mut VendorSession<'_, L>,
        phase: FlashPhase,
    ) -> Result<(), Fault> {
        self.enter(session.sink(), phase)
    }

    async fn load_in<L: FlagLine>(&mut self, session: &mut VendorSession<'_, L>) -> Result<(), Fault> {
        let text = session.identity().firmware.clone();
        let Some(text) = text else {
            return Err(self.refuse(
                "the meter does not tell its firmware, so that nobody could say whether the new one runs",
                "nothing was written to the meter",
            ));
        };
        if self.plan.expect.as_ref().is_some_and(|expect| text.contains(expect.as_str())) {
            return Err(self.refuse(
                format!("the meter runs {text} already, which is what is expected afterwards"),
                "nothing was written to the meter",
            ));
        }
        self.state.text_before = Some(text);
        let unchecked = self.plan.file.unchecked();
        if unchecked > 0 {
            session
                .sink()
                .remark(format!("{unchecked} pages of the file have no checksum: nothing is compared there"));
        }
        let id = hex(&self.plan.file.id);
        session.audit(&format!(
            "vendor's firmware file {id}: {} pages, {} writes, from {}",
            self.plan.file.pages.len(),
            self.state.writes,
            self.state.text_before.as_deref().unwrap_or_default()
        ))?;
        self.erase(session).await?;
        self.send(session).await?;
        self.enter_in(session, FlashPhase::Activate)?;
        self.journal.allowed()?;
        // Kept before the order: whoever comes back looks first what came of it.
        self.state.told = true;
        self.journal.keep(&self.state)?;
        session.audit("vendor's firmware: activation (identity 005)")?;
        match session.activate().await {
            Ok(Told::Acknowledged) => Ok(()),
            Ok(Told::Unknown) => {
                session
                    .sink()
                    .remark("nothing came back to the activation: it is looked what came of it".to_owned());
                Ok(())
            }
            Err(fault) => {
                self.state.told = false;
                Err(fault)
            }
        }
    }

    async fn erase<L: FlagLine>(&mut self, session: &mut VendorSession<'_, L>) -> Result<(), Fault> {
        self.enter_in(session, FlashPhase::Erase)?;
        for page in 0..PAGES {
            if session.is_blank(page).await? {
                continue;
            }
            session.erase(page).await?;
            if !session.is_blank(page).await? {
                return Err(Fault::meter(
                    format!("page {page} of the meter's memory is not blank after it was erased"),
                    "nothing was loaded and the meter goes on with its firmware; ask its maker",
                ));
            }
        }
        Ok(())
    }

    async fn send<L: FlagLine>(&mut self, session: &mut VendorSession<'_, L>) -> Result<(), Fault> {
        self.state.sent = 0;
        self.enter_in(session, FlashPhase::Blocks)?;
        let began = Instant::now();
        let file = Arc::clone(&self.plan.file);
        for page in &file.pages {
            for write in &page.writes {
                session.send(write.place, &write.digits).await?;
                self.state.sent += 1;
                let (done, of) = (self.state.sent, self.state.writes);
                let left = began.elapsed().as_secs() * u64::from(of - done.min(of)) / u64::from(done.max(1));
                session.sink().step(Step::Blocks { done, of, seconds_left: Some(left) });
            }
            if let Some(wanted) = page.checksum {
                let found = session.checksum(page.number).await?;
                if found != wanted {
                    return Err(Fault::meter(
                        format!(
                            "page {}: the meter reckons the checksum {found:04X}, and the file says {wanted:04X}",
                            page.number
                        ),
                        "nothing was activated and the meter goes on with its firmware; the next attempt erases \
                         everything first",
                    ));
                }
            }
            self.journal.keep(&self.state)?;
        }
        Ok(())
    }

    /// Whether a firmware text is that of the new firmware.
    fn is_new(&self, text: &str) -> bool {
        match &self.plan.expect {
            Some(expect) => text.contains(expect.as_str()),
            None => self.state.text_before.as_deref().is_some_and(|before| before != text),
        }
    }

    /// Looks for the meter until it says that it runs another firmware: only that ends it well.
    async fn wait_for_restart<L: FlagLine>(
        &mut self,
        line: &mut L,
        sink: &mut dyn ReadSink,
        first: Duration,
    ) -> Result<(), Fault> {
        self.enter(sink, FlashPhase::Restart)?;
        let within = Duration::from_secs(self.access.template.firmware.restart_seconds.into());
        let deadline = Instant::now() + within;
        let mut pause = first;
        let mut settled = 0;
        loop {
            sleep(pause).await;
            pause = LOOK_AGAIN;
            let last = match self.look(line, sink).await {
                Ok(Some(text)) if self.is_new(&text) => {
                    self.state.text_after = Some(text);
                    return self.enter(sink, FlashPhase::Version);
                }
                Ok(text) => {
                    settled += 1;
                    let text = text.unwrap_or_else(|| "no firmware text".to_owned());
                    if settled >= SETTLED {
                        return Err(self.came_back_old(&text));
                    }
                    format!("it says {text}")
                }
                Err(fault) if matches!(fault.blame, Blame::User | Blame::Internal) => return Err(fault),
                Err(fault) => fault.message,
            };
            if Instant::now() >= deadline {
                return Err(Fault::meter(
                    format!(
                        "the meter did not come back within {} s of its activation: {last}",
                        within.as_secs()
                    ),
                    "look for the meter; the same command looks again before it loads anything",
                ));
            }
        }
    }

    fn came_back_old(&mut self, text: &str) -> Fault {
        self.state.told = false;
        self.state.text_after = Some(text.to_owned());
        let wanted = match &self.plan.expect {
            Some(expect) => format!("and not {expect}"),
            None => "as before".to_owned(),
        };
        Fault::meter(
            format!("the meter says {text} after the activation, {wanted}"),
            "nobody can say that it runs the new firmware; the next attempt loads everything anew",
        )
    }

    async fn look<L: FlagLine>(
        &self,
        line: &mut L,
        sink: &mut dyn ReadSink,
    ) -> Result<Option<String>, Fault> {
        let session = VendorSession::open(line, self.access, sink).await?;
        let text = session.identity().firmware.clone();
        session.close(None).await;
        Ok(text)
    }

    async fn check<L: FlagLine>(
        &mut self,
        line: &mut L,
        knowledge: &mut Knowledge,
        sink: &mut dyn ReadSink,
    ) -> Result<(), Fault> {
        self.enter(sink, FlashPhase::Check)?;
        let mut capture = Capture::new(sink);
        elster::read(line, self.access, knowledge, &backup::registers(), &mut capture).await?;
        let worse = self.state.before.as_ref().and_then(|before| capture.worse_than(before));
        match worse {
            None => Ok(()),
            Some(worse) => Err(Fault::meter(
                format!("the meter runs the new firmware, and {worse}"),
                "keep the readings of before; look at the meter's display and its event logs",
            )),
        }
    }
}
