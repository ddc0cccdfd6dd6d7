//! How each meter of a campaign stands: from the store, and from what its job says now.

use jiff::tz::TimeZone;

use crate::firmware::version;
use crate::gui::data::CampaignLine;
use crate::gui::jobs::{JobState, MeterProgress};
use crate::gui::widgets::{blame_words, instant};
use crate::model::{Blame, CampaignPlan, Fault, FlashActivation, FlashOutcome, FlashPhase, Step};

/// What the table can be narrowed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It has its turn.
    Running,
    /// It comes later, or goes on when it is asked to.
    Waiting,
    /// It was refused, or failed.
    Failed,
    /// It could not be reached, or its line broke off: that says nothing of the image.
    Unreachable,
    /// As wanted.
    Done,
}

/// One meter as it is shown.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) kind: Kind,
    pub(super) phase: FlashPhase,
    /// Blocks that the meter has, and all of them; noughts before they are counted.
    pub(super) blocks: (u32, u32),
    /// At the present pace.
    pub(super) seconds_left: Option<u64>,
    pub(super) result: String,
    /// Why it does not go on.
    pub(super) fault: Option<Fault>,
}

fn done_words(line: &CampaignLine, outcome: FlashOutcome, plan: &CampaignPlan, zone: &TimeZone) -> String {
    let after = line.version_after.as_deref().unwrap_or_default();
    let ran_it = line.version_before.as_deref().is_some_and(|before| version::is_same(after, before));
    match (outcome, plan.activation) {
        (FlashOutcome::Flashed, _) if ran_it => format!("It ran {after} already"),
        (FlashOutcome::Flashed, _) => format!("New version read back: {after}"),
        (FlashOutcome::Scheduled, FlashActivation::At(at)) => {
            format!("Verified; takes over at {}", instant(at, zone))
        }
        (FlashOutcome::Scheduled, _) => "Verified; takes over by itself".to_owned(),
        _ => "In the meter and verified, not activated".to_owned(),
    }
}

fn fault_words(fault: &Fault) -> String {
    format!("{}: {}", blame_words(fault.blame), fault.message)
}

fn kind_of(fault: &Fault) -> Kind {
    if fault.blame == Blame::Line { Kind::Unreachable } else { Kind::Failed }
}

/// A meter that has its turn, or had it in this job.
fn of_job(line: &CampaignLine, live: &MeterProgress, known: &Line) -> Option<Line> {
    let steps = || live.steps.iter().rev();
    let phase = steps().find_map(|step| match step {
        Step::Flashing(phase) => Some(*phase),
        _ => None,
    });
    let phase = phase.unwrap_or(known.phase);
    let counted = steps().find_map(|step| match step {
        Step::Blocks { done, of, seconds_left } => Some(((*done, *of), *seconds_left)),
        _ => None,
    });
    let is_sending = matches!(phase, FlashPhase::Blocks | FlashPhase::Sweep);
    let blocks = counted.map_or(known.blocks, |(blocks, _)| blocks);
    let seconds_left = counted.and_then(|(_, left)| left).filter(|_| is_sending);
    match &live.ended {
        None if phase == FlashPhase::Waiting => {
            Some(Line { result: "Waits for its maintenance window".to_owned(), ..known.clone() })
        }
        None => {
            let result = phase.in_words().to_owned();
            Some(Line { kind: Kind::Running, phase, blocks, seconds_left, result, fault: None })
        }
        Some((result, _)) => {
            let fault = result.fault.as_ref()?;
            let is_kept = line.meter.flash.as_ref().is_some_and(|flash| flash.message == fault.to_string());
            if is_kept || fault.message == "cancelled" {
                return None;
            }
            let kind = kind_of(fault);
            let (result, fault) = (fault_words(fault), Some(fault.clone()));
            Some(Line { kind, phase, blocks, seconds_left: None, result, fault })
        }
    }
}

/// As the store has it.
fn of_store(line: &CampaignLine, is_running: bool, plan: &CampaignPlan, zone: &TimeZone) -> Line {
    let flash = line.meter.flash.as_ref();
    let message = flash.map_or("", |flash| flash.message.as_str());
    let outcome = line.meter.outcome();
    let (phase, blocks) =
        flash.map_or((FlashPhase::Waiting, (0, 0)), |row| (row.phase, (row.blocks_done, row.blocks)));
    let fault = line.fault.clone();
    let failed = || fault.as_ref().map_or_else(|| message.to_owned(), fault_words);
    let goes_on = |words: &str| match blocks {
        (done, of) if of > 0 && done < of => format!("{words}; goes on at block {done} of {of}"),
        _ => words.to_owned(),
    };
    let (kind, result) = match outcome {
        FlashOutcome::Flashed | FlashOutcome::Ready | FlashOutcome::Scheduled => {
            (Kind::Done, done_words(line, outcome, plan, zone))
        }
        FlashOutcome::Refused | FlashOutcome::Failed => (Kind::Failed, failed()),
        FlashOutcome::Open if is_running => (Kind::Waiting, goes_on("Waits for its turn")),
        FlashOutcome::Open if !message.is_empty() => {
            (fault.as_ref().map_or(Kind::Failed, kind_of), goes_on(&failed()))
        }
        FlashOutcome::Open if flash.is_none() => (Kind::Waiting, "Not begun".to_owned()),
        FlashOutcome::Open => (Kind::Waiting, goes_on("Paused")),
    };
    let fault = fault.filter(|_| matches!(kind, Kind::Failed | Kind::Unreachable));
    Line { kind, phase, blocks, seconds_left: None, result, fault }
}

/// All meters of a campaign, in order.
pub(super) fn lines(
    all: &[CampaignLine],
    job: Option<&JobState>,
    plan: &CampaignPlan,
    zone: &TimeZone,
) -> Vec<Line> {
    let is_running = job.is_some_and(|job| job.ended.is_none());
    let each = all.iter().map(|line| {
        let known = of_store(line, is_running, plan, zone);
        let live = job.and_then(|job| job.meters.get(&Some(line.meter.meter)));
        live.and_then(|live| of_job(line, live, &known)).unwrap_or(known)
    });
    each.collect()
}

/// How many there are of a kind.
pub(super) fn count(lines: &[Line], kind: Kind) -> usize {
    lines.iter().filter(|line| line.kind == kind).count()
}
