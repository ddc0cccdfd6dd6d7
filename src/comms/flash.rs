//! Firmware: the state of each flash in the store, and campaigns in waves.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::drivers::Activation;
use crate::firmware::{Backup, FlashPlan, FlashState, Journal, MakerKey, Package, TrustedKey};
use crate::model::{
    Blame, CampaignPlan, CampaignState, Fault, FlashActivation, FlashOutcome, FlashPhase, MeterId, Window,
};
use crate::store::{FlashRow, NewCampaign, PackageId, campaign_counts};

use super::JobId;
use super::queue::LineKey;
use super::session::{Item, Work};
use super::shared::{Shared, store_fault};

/// What a session that flashes is given.
#[derive(Debug)]
pub(super) struct FlashWork {
    pub(super) plan: FlashPlan,
    package: PackageId,
    start_over: bool,
    gate: Gate,
}

/// Says whether a campaign may go on.
#[derive(Debug)]
struct Gate {
    window: Option<Window>,
    stopped: RefCell<Option<String>>,
}

/// The fault of a flash whose window is over.
pub(super) fn window_fault() -> Fault {
    Fault::user("the maintenance window is over", "it goes on when the window opens again")
}

impl Gate {
    fn is_open(&self, now: Timestamp) -> bool {
        self.window.as_ref().is_none_or(|window| window.is_open(now))
    }

    fn check(&self, now: Timestamp) -> Result<(), Fault> {
        if let Some(reason) = &*self.stopped.borrow() {
            return Err(Fault::user(reason.clone(), "look at what failed, then run the campaign again"));
        }
        if self.is_open(now) { Ok(()) } else { Err(window_fault()) }
    }
}

/// How far a flash has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark(FlashPhase, u32);

/// How far the flash of a meter has come. The phases before anything is sent come again in each attempt and do not
/// count.
pub(super) fn mark(shared: &Shared, meter: MeterId, work: &FlashWork) -> Result<Mark, Fault> {
    let row = shared.store.borrow().flash(meter, &work.package).map_err(|error| store_fault(&error))?;
    Ok(row.map_or(Mark(FlashPhase::Waiting, 0), |row| Mark(FlashPhase::Waiting, row.blocks_done)))
}

/// The journal of one meter's flash, in the store.
pub(super) struct Ledger {
    shared: Rc<Shared>,
    meter: MeterId,
    work: Rc<FlashWork>,
}

impl fmt::Debug for Ledger {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Ledger({:?})", self.meter)
    }
}

impl Ledger {
    /// The journal of an item that flashes; nothing for any other.
    pub(super) fn of(shared: &Rc<Shared>, item: &Item) -> Option<Self> {
        let (Work::Flash(work), Some(meter)) = (&item.work, item.meter) else { return None };
        Some(Self { shared: Rc::clone(shared), meter, work: Rc::clone(work) })
    }

    /// Another package that stands half in the meter is given up when that was asked for, and else in the way.
    fn make_way(&self) -> Result<(), Fault> {
        let package = &self.work.package;
        let other = self.shared.store.borrow().unfinished_flash(self.meter, package);
        let Some((_, other)) = other.map_err(|error| store_fault(&error))? else { return Ok(()) };
        if self.work.start_over {
            let given_up =
                self.shared.store.borrow_mut().give_up_flashes(self.shared.now(), self.meter, package);
            return given_up.map_err(|error| store_fault(&error));
        }
        let fault = Fault::user(
            format!(
                "refused: another package is in this meter and not finished ({}, {} of {} blocks)",
                other.outcome, other.blocks_done, other.blocks
            ),
            "finish that one first, or give it up with --start-over",
        );
        let refused = FlashState {
            outcome: FlashOutcome::Refused,
            message: fault.to_string(),
            ..FlashState::default()
        };
        self.keep(&refused)?;
        Err(fault)
    }
}

impl Journal for Ledger {
    fn load(&self) -> Result<FlashState, Fault> {
        self.may_go_on()?;
        self.make_way()?;
        let row = self.shared.store.borrow().flash(self.meter, &self.work.package);
        let Some(row) = row.map_err(|error| store_fault(&error))? else { return Ok(FlashState::default()) };
        serde_json::from_str(&row.state)
            .map_err(|error| Fault::internal(format!("the state of the flash does not read: {error}")))
    }

    fn keep(&self, state: &FlashState) -> Result<(), Fault> {
        let (blocks_done, blocks) = state.blocks();
        let text = serde_json::to_string(state)
            .map_err(|error| Fault::internal(format!("the state of the flash cannot be kept: {error}")))?;
        let row = FlashRow {
            phase: state.phase,
            outcome: state.outcome,
            blocks_done,
            blocks,
            message: state.message.clone(),
            updated: self.shared.now(),
            state: text,
        };
        let put = self.shared.store.borrow_mut().put_flash(self.meter, &self.work.package, &row);
        put.map_err(|error| store_fault(&error))
    }

    fn may_go_on(&self) -> Result<(), Fault> {
        self.work.gate.check(self.shared.now())
    }

    fn trusted(&self) -> Result<Vec<TrustedKey>, Fault> {
        let keys = self.shared.store.borrow().trusted_keys().map_err(|error| store_fault(&error))?;
        Ok(keys.into_iter().map(|key| TrustedKey { public: key.public, name: key.name }).collect())
    }

    fn maker_keys(&self) -> Result<Vec<MakerKey>, Fault> {
        let keys = self.shared.store.borrow().maker_keys().map_err(|error| store_fault(&error))?;
        Ok(keys.into_iter().map(|key| MakerKey { public: key.public, name: key.name }).collect())
    }
}

/// How a meter's flash ended, in words.
pub(super) fn flash_words(shared: &Shared, meter: MeterId, work: &FlashWork) -> String {
    match shared.store.borrow().flash(meter, &work.package) {
        Ok(Some(row)) => format!("{}: {}", row.outcome.in_words(), row.message),
        _ => "Flashed".to_owned(),
    }
}

/// A campaign under way: what of it has not begun.
pub(super) struct Campaign {
    id: i64,
    work: Rc<FlashWork>,
    waiting: VecDeque<(u32, LineKey, Item)>,
    /// Meters of the present wave that have begun and not ended.
    begun: usize,
    /// Which one that is.
    wave: u32,
    failed: u32,
    unreachable: u32,
    limits: PauseRule,
}

/// When a campaign stops by itself: more than so many of each kind.
struct PauseRule {
    failures: Option<u32>,
    unreachable: Option<u32>,
}

fn meters(count: u32) -> String {
    if count == 1 { "1 meter".to_owned() } else { format!("{count} meters") }
}

/// What became of a meter that ended.
pub(super) enum Ended {
    /// It counts.
    Counts,
    /// Its window is over: it goes on later.
    Later,
    /// Too many have failed: nothing of the campaign goes on.
    Stop,
}

fn plan_of(package: Arc<Package>, plan: &CampaignPlan) -> FlashPlan {
    FlashPlan {
        package,
        activation: match plan.activation {
            FlashActivation::Now => Activation::Now,
            FlashActivation::Never => Activation::Never,
            FlashActivation::At(at) => Activation::At(at),
        },
        downgrade: plan.downgrade.clone(),
        backup: if plan.short_backup { Backup::Registers } else { Backup::Full },
        restart_within: plan.restart_seconds.map(|seconds| Duration::from_secs(seconds.into())),
    }
}

/// What a flash job is for one campaign: its work, to be handed to each of its items.
pub(super) fn work(package: Arc<Package>, plan: &CampaignPlan) -> Rc<FlashWork> {
    Rc::new(FlashWork {
        package: package.id(),
        start_over: plan.start_over,
        gate: Gate { window: plan.window.clone(), stopped: RefCell::default() },
        plan: plan_of(package, plan),
    })
}

impl Campaign {
    /// Begins a campaign in the store, or goes on with the one that is open. Meters that are done are left out.
    ///
    /// # Errors
    /// The store cannot be written.
    pub(super) fn begin(
        shared: &Shared,
        work: Rc<FlashWork>,
        plan: &CampaignPlan,
        items: Vec<(LineKey, Item)>,
    ) -> Result<Self, Fault> {
        let package = &work.plan.package;
        let meters: Vec<MeterId> = items.iter().filter_map(|(_, item)| item.meter).collect();
        let waves: Vec<(MeterId, u32)> =
            (0u32..).zip(&meters).map(|(place, meter)| (*meter, plan.wave_of(place))).collect();
        let manifest = serde_json::to_string(package.manifest())
            .map_err(|error| Fault::internal(format!("the manifest cannot be kept: {error}")))?;
        let mut store = shared.store.borrow_mut();
        let now = shared.now();
        let begin = || {
            let id = match store.open_campaign(&work.package, &meters)? {
                Some(id) => {
                    store.put_campaign(now, id, CampaignState::Open, "", Some(plan))?;
                    id
                }
                None => store.begin_campaign(
                    now,
                    &NewCampaign {
                        package: work.package,
                        file: &package.path().display().to_string(),
                        version: &package.manifest().version,
                        manifest: &manifest,
                        plan,
                        meters: &waves,
                    },
                )?,
            };
            if let Some(reason) = &plan.downgrade {
                let what = format!("campaign {id}, version {}: {reason}", package.manifest().version);
                store.audit_own(now, "firmware downgrade allowed", &what)?;
            }
            Ok((id, store.campaign_meters(id)?))
        };
        let mut begin = begin;
        let (id, members) = begin().map_err(|error| store_fault(&error))?;
        let waves: HashMap<MeterId, u32> = members
            .iter()
            .filter(|one| one.outcome() != FlashOutcome::Flashed)
            .map(|one| (one.meter, one.wave))
            .collect();
        let mut waiting: Vec<(u32, LineKey, Item)> = items
            .into_iter()
            .filter_map(|(line, item)| Some((*waves.get(&item.meter?)?, line, item)))
            .collect();
        waiting.sort_by_key(|(wave, _, _)| *wave);
        drop(store);
        let limits = PauseRule { failures: plan.most_failures(), unreachable: plan.stop_unreachable };
        Ok(Self { id, work, waiting: waiting.into(), begun: 0, wave: 0, failed: 0, unreachable: 0, limits })
    }

    /// Meters that have not ended.
    pub(super) fn left(&self) -> usize {
        self.waiting.len()
    }

    /// The meters that may begin now: the next wave, where the one before is over and the window is open.
    pub(super) fn next_wave(&mut self, now: Timestamp) -> Vec<(LineKey, Item)> {
        let mut wave = Vec::new();
        if self.begun > 0 || !self.work.gate.is_open(now) {
            return wave;
        }
        let Some(number) = self.waiting.front().map(|(wave, _, _)| *wave) else { return wave };
        while let Some((_, line, item)) = self.waiting.pop_front_if(|(wave, _, _)| *wave == number) {
            wave.push((line, item));
        }
        (self.begun, self.wave) = (wave.len(), number);
        wave
    }

    /// Whether meters wait for the window to open.
    pub(super) fn waits_for_window(&self) -> bool {
        self.begun == 0 && !self.waiting.is_empty()
    }

    /// Takes note of a meter that ended.
    pub(super) fn ended(
        &mut self,
        shared: &Shared,
        line: &LineKey,
        item: &Item,
        fault: Option<&Fault>,
    ) -> Ended {
        self.begun = self.begun.saturating_sub(1);
        if fault.is_some_and(|fault| *fault == window_fault()) {
            // Ahead of all others: it has begun.
            self.waiting.push_front((self.wave, line.clone(), item.clone()));
            return Ended::Later;
        }
        let pause = fault.and_then(|fault| self.count(shared, item, fault));
        match pause.or_else(|| self.unproven(shared)) {
            Some(reason) => {
                *self.work.gate.stopped.borrow_mut() = Some(reason);
                Ended::Stop
            }
            None => Ended::Counts,
        }
    }

    /// Counts a meter that did not end well; why the campaign stops, where that was one too many.
    fn count(&mut self, shared: &Shared, item: &Item, fault: &Fault) -> Option<String> {
        let is_stopped = self.work.gate.stopped.borrow().is_some();
        let is_refused = item.meter.is_some_and(|meter| {
            let row = shared.store.borrow().flash(meter, &self.work.package);
            row.ok().flatten().is_some_and(|row| row.outcome == FlashOutcome::Refused)
        });
        if is_stopped || is_refused || *fault == super::session::cancelled_fault() {
            return None;
        }
        let (count, most, did) = if fault.blame == Blame::Line {
            self.unreachable += 1;
            (self.unreachable, self.limits.unreachable, "could not be reached")
        } else {
            self.failed += 1;
            (self.failed, self.limits.failures, "failed")
        };
        let most = most.filter(|most| count > *most)?;
        Some(format!("stopped: {} {did}, and {most} may; no further meter is begun", meters(count)))
    }

    /// Why no meter may follow a canary group that is over and has shown nothing.
    fn unproven(&self, shared: &Shared) -> Option<String> {
        let follows = self.waiting.front().is_some_and(|(wave, _, _)| *wave > 0);
        if self.wave > 0 || self.begun > 0 || !follows {
            return None;
        }
        let members = shared.store.borrow().campaign_meters(self.id).ok()?;
        let canary = || members.iter().filter(|one| one.wave == 0);
        if canary().any(|one| one.outcome().is_as_wanted()) {
            return None;
        }
        let count = u32::try_from(canary().count()).unwrap_or(u32::MAX);
        Some(format!(
            "stopped: of the canary group's {} none was flashed ({} could not be reached); no further meter is begun",
            meters(count),
            self.unreachable
        ))
    }

    /// Takes out every meter that has not begun.
    pub(super) fn drain(&mut self) -> Vec<Item> {
        self.waiting.drain(..).map(|(_, _, item)| item).collect()
    }

    /// Writes down how the campaign stands now that its job is over.
    ///
    /// # Errors
    /// The store cannot be written.
    pub(super) fn conclude(&self, shared: &Shared) -> Result<(), Fault> {
        let mut store = shared.store.borrow_mut();
        let mut conclude = || {
            let counts = campaign_counts(&store.campaign_meters(self.id)?);
            let is_done = counts.iter().all(|(outcome, count)| {
                *count == 0 || !matches!(outcome, FlashOutcome::Open | FlashOutcome::Failed)
            });
            let stopped = self.work.gate.stopped.borrow().clone();
            let (state, reason) = match stopped {
                Some(reason) => (CampaignState::Stopped, reason),
                None if is_done => (CampaignState::Done, String::new()),
                None => (CampaignState::Open, String::new()),
            };
            store.put_campaign(shared.now(), self.id, state, &reason, None)
        };
        conclude().map_err(|error| store_fault(&error))
    }
}

/// Campaigns by their jobs.
pub(super) type Campaigns = HashMap<JobId, Campaign>;
