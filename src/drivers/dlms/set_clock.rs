//! Putting a meter's clock right: set (class 8, attribute 2) or adjusted by one of its methods.
//!
//! The clock is read first, with the length of the exchange; what is written holds for the moment at which it
//! arrives. A time goes out so that it arrives at a whole second, since most clocks keep no fraction of one. What the
//! meter then shows is read back and compared: only that is success.
//!
//! The time is told as the meter tells it: with its own deviation and in the type in which it gave its own, as long
//! as its zone has no change between the old time and the new one; else by the template's rule.
//!
//! A change that crosses the end of a load profile's interval makes that interval short or long, so that it is said
//! before anything is written, and not done unless that was allowed.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};

use crate::drivers::{ClockOrder, ClockWay, MeterAccess, ReadSink};
use crate::model::template::{ClockAdjust, SetStatus};
use crate::model::{ClockReading, ClockRule, Fault, Knowledge, MeterStamp, Obis, Step, What, clock_status};
use crate::protocol::dlms::{
    AttributeRef, Conformance, CosemDateTime, CounterStore, Data, DlmsError, MethodRef,
};
use crate::protocol::link::Link;

use super::objects::{self, class};
use super::session::Session;
use super::{clock, converse, faults};

/// A clock that reads back within this, and the uncertainty of the comparison, is right: many show whole seconds.
const RIGHT_MS: u64 = 2_000;
/// shift_time takes no more.
const MOST_SHIFT_S: i64 = 900;
/// adjust_to_minute goes to the nearest minute: a drift up to here is safely nearer to the right one.
const MOST_FOR_MINUTE_MS: i64 = 28_000;
/// A waiting session shows itself this often, or the meter ends it.
const SHOW_EVERY: SignedDuration = SignedDuration::from_secs(15);
/// How long before its time a preset is sent, beside the length of two exchanges.
const PRESET_AHEAD: SignedDuration = SignedDuration::from_secs(1);

/// Methods of class 8.
mod method {
    pub(super) const ADJUST_TO_MINUTE: i8 = 3;
    pub(super) const ADJUST_TO_PRESET_TIME: i8 = 4;
    pub(super) const PRESET_ADJUSTING_TIME: i8 = 5;
    pub(super) const SHIFT_TIME: i8 = 6;
}

/// Sets or adjusts the clock in one session. Readings before and after go to the sink.
///
/// # Errors
/// The change would cross the end of an interval, the meter refused, the session broke off, or the clock does not read
/// back as it was set.
pub async fn set_clock<L: Link>(
    link: &mut L,
    access: &MeterAccess,
    counter: &mut dyn CounterStore,
    knowledge: &mut Knowledge,
    order: ClockOrder,
    sink: &mut dyn ReadSink,
) -> Result<(), Fault> {
    let talk = async |session: &mut Session<'_, '_, L>| Box::pin(session.put_clock_right(order)).await;
    converse(link, access, counter, knowledge, BTreeSet::new(), sink, talk).await
}

/// A load profile and its capture period in seconds.
type Period = (Obis, u32);

/// A clock as it was just read.
#[derive(Clone, Debug)]
struct Seen {
    /// As it came.
    data: Data,
    /// What it means; nothing where it shows no time.
    reading: Option<ClockReading>,
    /// Half of the exchange.
    half: SignedDuration,
}

impl Seen {
    fn drift_ms(&self) -> Option<i64> {
        self.reading.as_ref().map(ClockReading::drift_ms)
    }
}

/// What is about to be done: the clock goes from one time to another.
#[derive(Clone, Copy, Debug)]
struct Change {
    /// What the meter will show at that moment; nothing where it shows no time.
    from: Option<Timestamp>,
    to: Timestamp,
}

/// Milliseconds as signed seconds: `+2.345 s`.
fn seconds(milliseconds: i64) -> String {
    let sign = if milliseconds < 0 { '−' } else { '+' };
    let plain = milliseconds.unsigned_abs();
    format!("{sign}{}.{:03} s", plain / 1000, plain % 1000)
}

fn wall(rule: &ClockRule, at: Timestamp) -> String {
    rule.to_stamp(at).local.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// Wall time in seconds, as if it were UTC.
fn wall_seconds(rule: &ClockRule, at: Timestamp) -> i64 {
    let local = rule.to_stamp(at).local;
    Offset::UTC.to_timestamp(local).map_or_else(|_| at.as_second(), |at| at.as_second())
}

/// The first second that is not before an instant.
fn whole_second(at: Timestamp) -> Timestamp {
    let second = at.as_second();
    let up = i64::from(at.subsec_nanosecond() > 0);
    Timestamp::from_second(second.saturating_add(up)).unwrap_or(at)
}

/// How many ends of intervals a change crosses.
fn crossings(rule: &ClockRule, from: Timestamp, to: Timestamp, period: u32) -> u64 {
    let period = i64::from(period.max(1));
    let interval = |at| wall_seconds(rule, at).div_euclid(period);
    interval(from).abs_diff(interval(to))
}

/// What a change does to the intervals of a profile, in words; nothing where it does nothing.
fn crossing_words(
    rule: &ClockRule,
    from: Timestamp,
    to: Timestamp,
    (obis, period): Period,
) -> Option<String> {
    let count = crossings(rule, from, to, period);
    let effect = match (count, from < to) {
        (0, _) => return None,
        (1, true) => "the end of an interval, which comes out short".to_owned(),
        (1, false) => "the end of an interval, which comes twice".to_owned(),
        (many, true) => format!("{many} ends of intervals, of which {} are then missing", many - 1),
        (many, false) => format!("{many} ends of intervals, which come twice"),
    };
    let every = if period.is_multiple_of(60) {
        format!("{} minutes", period / 60)
    } else {
        format!("{period} seconds")
    };
    Some(format!("{effect} ({}, every {every})", obis.short()))
}

/// The stamp that sets a clock, as the meter itself would show that time.
fn stamp_to_set(
    rule: &ClockRule,
    seen: Option<&ClockReading>,
    to: Timestamp,
    status: SetStatus,
) -> MeterStamp {
    let by_rule = rule.to_stamp(to);
    let mut stamp = match seen {
        Some(seen) => {
            let offset = |at| rule.zone.to_offset(at);
            match seen.stamp.deviation_minutes {
                Some(_) if offset(seen.meter_utc) == offset(to) => {
                    // The meter's own deviation turns its wall time into UTC, and so UTC into its wall time.
                    let shown = Offset::UTC
                        .to_timestamp(seen.stamp.local)
                        .map_or(SignedDuration::ZERO, |wall| wall.duration_since(seen.meter_utc));
                    let local = to.checked_add(shown).map_or(by_rule.local, |at| Offset::UTC.to_datetime(at));
                    let bit = clock_status::DAYLIGHT_SAVING;
                    let clock_status = seen.stamp.clock_status.map(|status| status & bit);
                    MeterStamp { local, deviation_minutes: seen.stamp.deviation_minutes, clock_status }
                }
                Some(_) => by_rule,
                None => MeterStamp { deviation_minutes: None, ..by_rule },
            }
        }
        None => by_rule,
    };
    let is_silent = seen.is_some_and(|seen| seen.stamp.clock_status.is_none());
    if status == SetStatus::Unspecified || is_silent {
        stamp.clock_status = None;
    }
    stamp
}

/// A stamp in the type in which the meter gave its own.
fn as_given(given: Option<&Data>, stamp: &MeterStamp) -> Data {
    let bytes = CosemDateTime::from_stamp(stamp);
    match given {
        Some(Data::DateTime(_)) => Data::DateTime(bytes),
        _ => Data::Octets(bytes.0.to_vec()),
    }
}

impl<L: Link> Session<'_, '_, L> {
    async fn put_clock_right(&mut self, order: ClockOrder) -> Result<(), Fault> {
        self.run().await?;
        self.sink.step(Step::Reading(What::Clock));
        let obis = objects::clock(self.knowledge, self.template());
        let periods = self.periods().await?;
        let seen = self.look_at_clock(obis).await?;
        if seen.reading.as_ref().is_some_and(|reading| reading.stamp.is_doubtful()) {
            self.sink.remark(
                "the meter itself doubts its time: it lost supply and battery, or was never set".to_owned(),
            );
        }
        let way = match order.way {
            ClockWay::Set => ClockAdjust::Set,
            ClockWay::Adjust => self.gentlest(&seen)?,
        };
        let work = Work { obis, seen, periods, across: order.across_interval };
        match way {
            ClockAdjust::Set => self.set_time(&work).await,
            ClockAdjust::ShiftTime => self.shift_time(&work).await,
            ClockAdjust::Minute => self.adjust_to_minute(&work).await,
            ClockAdjust::Preset => self.preset_time(&work).await,
        }
    }

    /// The way that the template names, where it reaches as far as the clock is off.
    fn gentlest(&mut self, seen: &Seen) -> Result<ClockAdjust, Fault> {
        let drift = seen.drift_ms().ok_or_else(|| {
            Fault::meter("the clock shows no time: there is nothing to adjust", "set the clock")
        })?;
        let way = self.template().clock.adjust;
        let reaches = match way {
            ClockAdjust::ShiftTime => drift.unsigned_abs() <= MOST_SHIFT_S.unsigned_abs() * 1000,
            ClockAdjust::Minute => drift.unsigned_abs() <= MOST_FOR_MINUTE_MS.unsigned_abs(),
            ClockAdjust::Preset | ClockAdjust::Set => true,
        };
        let can = way == ClockAdjust::Set || self.offers(Conformance::ACTION);
        if reaches && can {
            return Ok(way);
        }
        let why =
            if can { "is more than the meter adjusts" } else { "is there, and the meter takes no methods" };
        self.sink.remark(format!("a drift of {} {why}: the clock is set", seconds(drift)));
        Ok(ClockAdjust::Set)
    }

    async fn look_at_clock(&mut self, obis: Obis) -> Result<Seen, Fault> {
        self.watch.start();
        let data = match self.ask_one(&AttributeRef::new(class::CLOCK, obis, 2)).await? {
            Ok(data) => data,
            Err(result) => return Err(faults::refusal(&format!("its clock ({})", obis.short()), result)),
        };
        let (now, middle) = (self.now(), self.watch.middle());
        let half = middle.map_or(SignedDuration::ZERO, |middle| {
            SignedDuration::try_from(middle.half).unwrap_or(SignedDuration::ZERO)
        });
        let Some(stamp) = clock::stamp(&data) else { return Ok(Seen { data, reading: None, half }) };
        self.judge_sign(&stamp);
        let inverted = self.knowledge.sign_looks_inverted;
        let reading = clock::reading(&self.rule, stamp, now, middle, inverted).ok();
        if let Some(reading) = &reading {
            self.sink.clock(reading)?;
        }
        Ok(Seen { data, reading, half })
    }

    /// The load profiles and their periods, as the meter tells them now.
    async fn periods(&mut self) -> Result<Vec<Period>, Fault> {
        let profiles = objects::of_kind(What::Profile, self.knowledge, self.template());
        let asked = profiles.iter().map(|(_, obis)| AttributeRef::new(class::PROFILE, *obis, 4)).collect();
        let answers = self.ask(asked).await?;
        let learnt = |obis: &Obis| self.knowledge.profiles.get(obis).map(|known| known.layout.period_seconds);
        let each = profiles.iter().filter_map(|(_, obis)| {
            let told = answers.data(class::PROFILE, *obis, 4).and_then(Data::integer);
            let period = told.and_then(|told| u32::try_from(told).ok()).or_else(|| learnt(obis))?;
            (period > 0).then_some((*obis, period))
        });
        let periods: Vec<Period> = each.collect();
        if periods.is_empty() {
            self.sink.remark(
                "the meter tells no load profile's period: whether the end of an interval is crossed is not known"
                    .to_owned(),
            );
        }
        Ok(periods)
    }

    /// Says what a change does to intervals, and whether it may be made.
    fn weigh(&mut self, work: &Work, change: Change) -> Result<(), Fault> {
        let Some(from) = change.from else { return Ok(()) };
        let (to, rule) = (change.to, &self.rule);
        let words: Vec<String> =
            work.periods.iter().filter_map(|period| crossing_words(rule, from, to, *period)).collect();
        if words.is_empty() {
            return Ok(());
        }
        let shortest = work.periods.iter().map(|(_, seconds)| i64::from(*seconds)).min().unwrap_or(0);
        let advice = if to.duration_since(from).abs().as_secs() < shortest {
            "try again in the middle of an interval, or allow it with --across-interval"
        } else {
            "so large a change crosses one at any time: look at the intervals around it, then allow it with --across-interval"
        };
        let (from, to) = (wall(rule, from), wall(rule, to));
        let said = format!("putting the clock from {from} to {to} crosses {}", words.join(", and "));
        if work.across {
            self.sink.remark(said);
            return Ok(());
        }
        Err(Fault::user(format!("{said}; nothing was written"), advice))
    }

    /// Writes down what is about to be done; an audit that cannot be written leaves the meter as it is.
    fn put_down(&mut self, work: &Work, change: Change, how: &str) -> Result<(), Fault> {
        let rule = &self.rule;
        let from = change.from.map_or_else(|| "no time".to_owned(), |from| wall(rule, from));
        let drift =
            work.seen.drift_ms().map_or_else(String::new, |drift| format!(", drift {}", seconds(drift)));
        let text = format!(
            "clock ({}) from {from} to {}{drift}, by {how}",
            work.obis.short(),
            wall(rule, change.to)
        );
        self.sink.wrote(&text)
    }

    /// What the meter will show when it is this time.
    fn change_at(&self, work: &Work, to: Timestamp) -> Change {
        let drift = work.seen.drift_ms().map(SignedDuration::from_millis);
        Change { from: drift.and_then(|drift| to.checked_add(drift).ok()), to }
    }

    /// Waits until what is sent now arrives at an instant, and shows itself to the meter meanwhile.
    async fn wait_for(&mut self, work: &Work, instant: Timestamp) -> Result<(), Fault> {
        let mut left = instant.duration_since(self.now()).saturating_sub(work.seen.half);
        while left > SHOW_EVERY {
            tokio::time::sleep(SHOW_EVERY.unsigned_abs()).await;
            self.look_at_clock(work.obis).await?;
            left = instant.duration_since(self.now()).saturating_sub(work.seen.half);
        }
        tokio::time::sleep(Duration::try_from(left).unwrap_or(Duration::ZERO)).await;
        Ok(())
    }

    async fn set_time(&mut self, work: &Work) -> Result<(), Fault> {
        let to = whole_second(self.now().checked_add(work.seen.half).unwrap_or_else(|_| self.now()));
        let change = self.change_at(work, to);
        self.weigh(work, change)?;
        let reading = work.seen.reading.as_ref();
        let stamp = stamp_to_set(&self.rule, reading, to, self.template().clock.set_status);
        let value = as_given(Some(&work.seen.data), &stamp);
        self.put_down(work, change, "a set")?;
        self.wait_for(work, to).await?;
        let attribute = AttributeRef::new(class::CLOCK, work.obis, 2);
        let done = self.association.set(&attribute, &value).await;
        done.map_err(|error| not_known(error, "setting the clock"))?;
        self.confirm_clock(work, "set").await
    }

    async fn shift_time(&mut self, work: &Work) -> Result<(), Fault> {
        let drift = work.seen.drift_ms().unwrap_or(0);
        let shift = -(drift.saturating_add(500).div_euclid(1000));
        if shift == 0 {
            self.sink.outcome(format!("Clock in time ({}): nothing to adjust", seconds(drift)));
            return Ok(());
        }
        let now = self.now();
        let from = now.checked_add(SignedDuration::from_millis(drift)).unwrap_or(now);
        let to = from.checked_add(SignedDuration::from_secs(shift)).unwrap_or(now);
        let change = Change { from: Some(from), to };
        self.weigh(work, change)?;
        self.put_down(work, change, &format!("shift_time of {shift} s"))?;
        let parameter = Data::I16(i16::try_from(shift).unwrap_or_default());
        match self.invoke_clock(work.obis, method::SHIFT_TIME, &parameter).await {
            Err(error) if faults::is_missing(&error) => self.set_instead(work, "shift_time").await,
            Err(error) => Err(not_known(error, "shifting the clock")),
            Ok(()) => self.confirm_clock(work, "shifted").await,
        }
    }

    async fn set_instead(&mut self, work: &Work, method: &str) -> Result<(), Fault> {
        self.sink.remark(format!("the meter has no {method}: the clock is set"));
        self.set_time(work).await
    }

    async fn adjust_to_minute(&mut self, work: &Work) -> Result<(), Fault> {
        let minute = SignedDuration::from_mins(1);
        let now = self.now();
        let this = Timestamp::from_second(now.as_second().div_euclid(60) * 60).unwrap_or(now);
        let mut to = this;
        let is_end = |session: &Self, at| {
            let second = wall_seconds(&session.rule, at);
            work.periods.iter().any(|(_, period)| second.rem_euclid((*period).into()) == 0)
        };
        // The first whole minute that is left, and is no interval's end where there is another one.
        for _ in 0..3 {
            to = to.checked_add(minute).unwrap_or(now);
            let is_near =
                to.duration_since(now) <= work.seen.half.saturating_add(SignedDuration::from_secs(1));
            if !is_near && !is_end(self, to) {
                break;
            }
        }
        let change = self.change_at(work, to);
        self.weigh(work, change)?;
        self.put_down(work, change, "adjust_to_minute")?;
        self.wait_for(work, to).await?;
        match self.invoke_clock(work.obis, method::ADJUST_TO_MINUTE, &Data::I8(0)).await {
            Err(error) if faults::is_missing(&error) => self.set_instead(work, "adjust_to_minute").await,
            Err(error) => Err(not_known(error, "adjusting the clock")),
            Ok(()) => self.confirm_clock(work, "adjusted").await,
        }
    }

    async fn preset_time(&mut self, work: &Work) -> Result<(), Fault> {
        let ahead = PRESET_AHEAD.saturating_add(work.seen.half).saturating_add(work.seen.half);
        let ahead = ahead.saturating_add(work.seen.half);
        let to = whole_second(self.now().checked_add(ahead).unwrap_or_else(|_| self.now()));
        let change = self.change_at(work, to);
        self.weigh(work, change)?;
        let reading = work.seen.reading.as_ref();
        let status = self.template().clock.set_status;
        let octets = |at: Timestamp| as_given(None, &stamp_to_set(&self.rule, reading, at, status));
        // Between these, by its own clock as it is, the meter takes the preset time.
        let margin = SignedDuration::from_mins(1).saturating_add(ahead);
        let shown = change.from.unwrap_or(to);
        let from = octets(shown.checked_sub(margin).unwrap_or(shown));
        let until = octets(shown.checked_add(margin).unwrap_or(shown));
        let parameter = Data::Structure(vec![octets(to), from, until]);
        self.put_down(work, change, "preset_adjusting_time and adjust_to_preset_time")?;
        match self.invoke_clock(work.obis, method::PRESET_ADJUSTING_TIME, &parameter).await {
            Err(error) if faults::is_missing(&error) => {
                return self.set_instead(work, "preset_adjusting_time").await;
            }
            other => other.map_err(|error| not_known(error, "presetting the clock"))?,
        }
        self.wait_for(work, to).await?;
        let done = self.invoke_clock(work.obis, method::ADJUST_TO_PRESET_TIME, &Data::I8(0)).await;
        done.map_err(|error| not_known(error, "adjusting the clock"))?;
        self.confirm_clock(work, "adjusted").await
    }

    async fn invoke_clock(&mut self, obis: Obis, method: i8, parameter: &Data) -> Result<(), DlmsError> {
        let method = MethodRef { class_id: class::CLOCK, obis, method };
        self.association.action(&method, Some(parameter)).await.map(|_returned| ())
    }

    /// Reads the clock back; only a clock that is right is success.
    async fn confirm_clock(&mut self, work: &Work, done: &str) -> Result<(), Fault> {
        let seen = self.look_at_clock(work.obis).await?;
        let Some(reading) = &seen.reading else {
            return Err(Fault::meter(
                "the meter took the time, but its clock shows none",
                "look at the exchange in the job's trace",
            ));
        };
        let drift = reading.drift_ms();
        let before = work
            .seen
            .drift_ms()
            .map_or_else(|| "showed no time".to_owned(), |one| format!("was {}", seconds(one)));
        if drift.unsigned_abs() > RIGHT_MS + 2 * u64::from(reading.uncertainty_ms) {
            return Err(Fault::meter(
                format!(
                    "the meter took the time, but its clock reads back {} off; it {before}",
                    seconds(drift)
                ),
                "look at both times in the job's trace: the deviation's sign or the meter's time zone may be another",
            ));
        }
        self.sink.wrote(&format!("clock ({}) {done}, reads back {}", work.obis.short(), seconds(drift)))?;
        self.sink.outcome(format!("Clock {done}: {before}, is {}", seconds(drift)));
        Ok(())
    }
}

/// What a change of the clock goes by.
struct Work {
    obis: Obis,
    seen: Seen,
    periods: Vec<Period>,
    /// The end of an interval may be crossed.
    across: bool,
}

/// A change that was not confirmed. Where the line failed, the meter may have made it.
fn not_known(error: DlmsError, what: &str) -> Fault {
    let is_line = matches!(error, DlmsError::Link(_));
    let mut fault = faults::not_done(error, what);
    if is_line {
        fault.message =
            format!("{}; whether the meter did it is not known until its clock is read", fault.message);
    }
    fault
}
