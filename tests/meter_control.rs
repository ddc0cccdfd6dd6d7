//! Acting on virtual meters: clock, billing period, contactor; the driver's own conversations, over a line that can be
//! cut.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests: a failure is a panic")]

mod driver_support;

use std::time::Duration;

use driver_support::{Counter, Line, Lost, Sink, access, instant, meter, run, sink};
use jiff::{SignedDuration, Timestamp};

use meterwright::drivers::dlms::{control, set_clock};
use meterwright::drivers::{ClockOrder, ClockWay, Contactor, MeterAccess, Order};
use meterwright::model::template::ClockAdjust;
use meterwright::model::{Blame, Fault, Knowledge, Obis};
use meterwright::protocol::dlms::{AttributeRef, Data};
use meterwright::simulator::{SharedMeter, lock};

/// The middle of an interval of half an hour.
const AT: &str = "2026-11-22T10:12:00.300Z";
const SET: ClockOrder = ClockOrder { way: ClockWay::Set, across_interval: false };
const ADJUST: ClockOrder = ClockOrder { way: ClockWay::Adjust, across_interval: false };

/// A meter whose clock is off by milliseconds.
fn off_by(milliseconds: i64) -> SharedMeter {
    let meter = meter();
    let begun = instant(AT).as_millisecond() - 60_000;
    lock(&meter).record().set_clock(begun, begun + milliseconds);
    meter
}

fn drift_ms(meter: &SharedMeter, at: Timestamp) -> i64 {
    let now = at.as_millisecond();
    lock(meter).record().clock().meter_ms(now) - now
}

struct Ended {
    done: Result<(), Fault>,
    sink: Sink,
    exchanges: usize,
}

fn acting(at: Timestamp) -> Sink {
    let mut sink = sink(at);
    sink.must_keep = false;
    sink
}

fn change_over(mut line: Line, order: ClockOrder, access: &MeterAccess) -> Ended {
    let mut sink = acting(line.at);
    let (mut counter, mut knowledge) = (Counter::default(), Knowledge::default());
    let done = run(set_clock(&mut line, access, &mut counter, &mut knowledge, order, &mut sink));
    Ended { done, sink, exchanges: line.exchanges }
}

fn change(meter: &SharedMeter, at: &str, order: ClockOrder) -> Ended {
    change_over(Line::new(meter, instant(at), None), order, &access())
}

fn act_over(mut line: Line, order: Order, access: &MeterAccess) -> Ended {
    let mut sink = acting(line.at);
    let (mut counter, mut knowledge) = (Counter::default(), Knowledge::default());
    let done = run(control(&mut line, access, &mut counter, &mut knowledge, order, &mut sink));
    Ended { done, sink, exchanges: line.exchanges }
}

fn act(meter: &SharedMeter, order: Order) -> Ended {
    act_over(Line::new(meter, instant(AT), None), order, &access())
}

fn look(meter: &SharedMeter, class_id: u16, obis: &str, attribute: i8) -> Data {
    let obis: Obis = obis.parse().unwrap();
    let at = instant(AT).as_millisecond() + 60_000;
    lock(meter).look(&AttributeRef::new(class_id, obis, attribute), at).unwrap()
}

#[test]
fn a_clock_is_set_to_the_second_over_a_slow_line() {
    for drift in [-200_250, 250_750, 40] {
        let meter = off_by(drift);
        let mut line = Line::new(&meter, instant(AT), None);
        line.delay = Duration::from_millis(1400);
        let ended = change_over(line, SET, &access());
        ended.done.unwrap();
        // The written time names whole seconds, and holds for the moment at which it arrives.
        let left = drift_ms(&meter, instant(AT) + SignedDuration::from_mins(1));
        assert!(left.abs() <= 50, "{drift} became {left}");
        let words = ended.sink.outcome.unwrap();
        assert!(words.starts_with("Clock set: was ") && words.contains(", is "), "{words}");
        let [before, after] = &ended.sink.clocks[..] else { panic!("{:?}", ended.sink.clocks) };
        assert!(
            (before.drift_ms() - drift).abs() <= 50 && after.drift_ms().abs() <= 50,
            "{before:?} {after:?}"
        );
    }
}

#[test]
fn old_time_new_time_and_drift_are_written_down_before_the_clock_is_set() {
    let meter = off_by(-90_000);
    let ended = change(&meter, AT, SET);
    let [before, after] = &ended.sink.wrote[..] else { panic!("{:?}", ended.sink.wrote) };
    assert!(before.contains("from 2026-11-22 10:10:31 to 2026-11-22 10:12:01, drift −90.000 s"), "{before}");
    assert!(after.contains("reads back"), "{after}");
}

#[test]
fn a_set_across_the_end_of_an_interval_is_refused_unless_it_is_allowed() {
    for (drift, words) in [
        (-300_000, "comes out short"),
        (300_000, "comes twice"),
        (-7_200_000, "4 ends of intervals, of which 3 are then missing"),
    ] {
        let at = if drift > 0 { "2026-11-22T10:28:00Z" } else { "2026-11-22T10:02:00Z" };
        let meter = meter();
        let begun = instant("2026-11-22T10:00:00Z").as_millisecond();
        lock(&meter).record().set_clock(begun, begun + drift);
        let ended = change(&meter, at, SET);
        let fault = ended.done.unwrap_err();
        assert!(fault.message.contains(words) && fault.message.contains("nothing was written"), "{fault}");
        assert!(fault.advice.contains("--across-interval") && !fault.passing, "{fault}");
        assert_eq!((ended.sink.wrote.len(), drift_ms(&meter, instant(at))), (0, drift));

        let ended = change(&meter, at, ClockOrder { across_interval: true, ..SET });
        ended.done.unwrap();
        assert!(ended.sink.remarks.iter().any(|remark| remark.contains(words)), "{:?}", ended.sink.remarks);
        assert!(drift_ms(&meter, instant(at) + SignedDuration::from_mins(1)).abs() <= 50);
    }
}

#[test]
fn a_small_drift_is_shifted_and_a_large_one_set() {
    for (drift, how) in
        [(-90_400, "shift_time of 90 s"), (500_400, "shift_time of -500 s"), (-1_000_000, "a set")]
    {
        let meter = off_by(drift);
        let order = ClockOrder { across_interval: true, ..ADJUST };
        let ended = change(&meter, AT, order);
        ended.done.unwrap();
        assert!(ended.sink.wrote[0].contains(how), "{:?}", ended.sink.wrote);
        assert!(drift_ms(&meter, instant(AT) + SignedDuration::from_mins(1)).abs() <= 500);
    }
}

#[test]
fn a_clock_in_time_is_left_alone_by_an_adjustment() {
    let meter = off_by(300);
    let ended = change(&meter, AT, ADJUST);
    ended.done.unwrap();
    assert_eq!((ended.sink.wrote.len(), drift_ms(&meter, instant(AT))), (0, 300));
    assert!(ended.sink.outcome.unwrap().contains("nothing to adjust"));
}

#[test]
fn a_template_chooses_the_method_that_adjusts() {
    for (adjust, drift, how) in [
        (ClockAdjust::Minute, 20_000, "adjust_to_minute"),
        (ClockAdjust::Minute, -40_000, "a set"),
        (ClockAdjust::Preset, -200_000, "preset_adjusting_time"),
        (ClockAdjust::Set, 20_000, "a set"),
    ] {
        let meter = off_by(drift);
        let mut access = access();
        access.template.clock.adjust = adjust;
        let mut line = Line::new(&meter, instant(AT), None);
        line.delay = Duration::from_millis(300);
        let ended = change_over(line, ADJUST, &access);
        ended.done.unwrap();
        assert!(ended.sink.wrote[0].contains(how), "{:?}", ended.sink.wrote);
        let left = drift_ms(&meter, instant(AT) + SignedDuration::from_mins(4));
        assert!(left.abs() <= 50, "{how} left {left}");
    }
}

#[test]
fn a_client_without_the_right_is_told_why_and_changes_nothing() {
    let meter = off_by(-90_000);
    let mut access = access();
    access.config.client = Some(32);
    for order in [SET, ADJUST] {
        let ended = change_over(Line::new(&meter, instant(AT), None), order, &access);
        let fault = ended.done.unwrap_err();
        assert_eq!((fault.blame, fault.passing), (Blame::Meter, false));
        assert!(fault.advice.contains("more rights"), "{fault}");
        assert_eq!(drift_ms(&meter, instant(AT)), -90_000);
    }
    let ended = act_over(Line::new(&meter, instant(AT), None), Order::Contactor(Contactor::Open), &access);
    assert!(ended.done.unwrap_err().advice.contains("more rights"));
    assert_eq!(look(&meter, 70, "0-0:96.3.10", 2), Data::Bool(true));
}

/// Cuts the line at one exchange after the other; gives how many there are.
fn cut_everywhere(lost: Lost, mut each: impl FnMut(Option<(usize, Lost)>, usize) -> (bool, usize)) -> usize {
    for exchange in 0.. {
        let (is_done, exchanges) = each(Some((exchange, lost)), exchange);
        if is_done && exchanges <= exchange {
            return exchange;
        }
    }
    unreachable!()
}

#[test]
fn a_line_that_is_cut_leaves_the_clock_as_it_was_or_right_and_the_next_try_finishes() {
    for (order, lost) in
        [SET, ADJUST].into_iter().flat_map(|order| [Lost::Request, Lost::Answer].map(|lost| (order, lost)))
    {
        let count = cut_everywhere(lost, |cut, exchange| {
            let meter = off_by(-90_000);
            let ended = change_over(Line::new(&meter, instant(AT), cut), order, &access());
            let left = drift_ms(&meter, instant(AT) + SignedDuration::from_mins(1));
            assert!(left == -90_000 || left.abs() <= 500, "cut at {exchange}: {left}");
            if let Err(fault) = &ended.done {
                assert_eq!((fault.blame, fault.passing), (Blame::Line, true), "{fault}");
            }
            change(&meter, "2026-11-22T10:13:00Z", order).done.unwrap();
            let left = drift_ms(&meter, instant(AT) + SignedDuration::from_mins(2));
            assert!(left.abs() <= 500, "after a cut at {exchange}: {left}");
            (ended.done.is_ok(), ended.exchanges)
        });
        assert!(count >= 5, "{count} exchanges");
    }
}

#[test]
fn a_billing_period_is_ended_and_confirmed() {
    let meter = meter();
    let before = look(&meter, 1, "1-0:0.1.0", 2);
    let ended = act(&meter, Order::BillingReset);
    ended.done.unwrap();
    assert!(ended.sink.outcome.unwrap().contains("confirmed by"));
    assert_eq!(look(&meter, 1, "1-0:0.1.0", 2).integer(), before.integer().map(|count| count + 1));
    assert!(ended.sink.wrote[0].contains("script 1 of 0-0:10.0.1"), "{:?}", ended.sink.wrote);
}

#[test]
fn a_billing_reset_whose_answer_is_lost_is_not_sent_again() {
    for lost in [Lost::Request, Lost::Answer] {
        let mut resets = 0;
        cut_everywhere(lost, |cut, exchange| {
            let meter = meter();
            let before = look(&meter, 1, "1-0:0.1.0", 2).integer().unwrap();
            let ended = act_over(Line::new(&meter, instant(AT), cut), Order::BillingReset, &access());
            let made = look(&meter, 1, "1-0:0.1.0", 2).integer().unwrap() - before;
            if let Err(fault) = &ended.done {
                // What may be tried again by itself has not been sent.
                assert!(made == 0 || !fault.passing, "cut at {exchange}: {fault}");
                assert!(made == 0 || fault.message.contains("billing period"), "{fault}");
            } else {
                assert_eq!(made, 1);
            }
            resets += made;
            (ended.done.is_ok(), ended.exchanges)
        });
        assert!(resets > 0);
    }
}

#[test]
fn an_open_contactor_stops_the_load_until_it_is_closed() {
    let meter = meter();
    let counted = |at: &str| {
        let second = instant(at).as_second();
        lock(&meter).record().counted(second).import
    };
    let ended = act(&meter, Order::Contactor(Contactor::Open));
    ended.done.unwrap();
    assert_eq!(ended.sink.outcome.unwrap(), "Contactor is open, the premises are not supplied");
    assert_eq!(look(&meter, 70, "0-0:96.3.10", 2), Data::Bool(false));
    assert_eq!(look(&meter, 70, "0-0:96.3.10", 3), Data::Enum(0));
    assert_eq!(counted("2026-11-22T10:13:00Z"), counted("2026-11-23T10:13:00Z"));
    assert_eq!(look(&meter, 3, "1-0:1.7.0", 2).integer(), Some(0));

    let again = act(&meter, Order::Contactor(Contactor::Open));
    again.done.unwrap();
    assert!(again.sink.wrote.is_empty() && again.sink.outcome.unwrap().contains("already"));

    let line = Line::new(&meter, instant("2026-11-24T00:00:00Z"), None);
    act_over(line, Order::Contactor(Contactor::Close), &access()).done.unwrap();
    let before = counted("2026-11-24T00:00:00Z");
    assert_eq!(before, counted("2026-11-22T10:13:00Z"));
    assert!(counted("2026-11-24T01:00:00Z") > before);
}

fn set_mode(meter: &SharedMeter, mode: u8) {
    lock(meter).record().set_contactor_mode(mode, instant(AT).as_second());
}

#[test]
fn what_a_control_mode_does_not_allow_is_said_before_anything_is_sent() {
    for (mode, wanted, words) in [
        (0, Contactor::Open, "control mode 0"),
        (1, Contactor::Close, "only somebody at the meter"),
        (4, Contactor::Arm, "closes the contactor at once"),
    ] {
        let meter = meter();
        set_mode(&meter, 4);
        if wanted != Contactor::Open {
            act(&meter, Order::Contactor(Contactor::Open)).done.unwrap();
        }
        set_mode(&meter, mode);
        let ended = act(&meter, Order::Contactor(wanted));
        let fault = ended.done.unwrap_err();
        assert!(fault.message.contains(words) && fault.advice.contains("nothing was sent"), "{fault}");
        assert!(ended.sink.wrote.is_empty());
    }
}

#[test]
fn an_armed_contactor_is_closed_by_the_button_at_the_meter() {
    for mode in [1, 3, 5, 6] {
        let meter = meter();
        set_mode(&meter, mode);
        act(&meter, Order::Contactor(Contactor::Open)).done.unwrap();
        act(&meter, Order::Contactor(Contactor::Arm)).done.unwrap();
        assert_eq!(look(&meter, 70, "0-0:96.3.10", 3), Data::Enum(2));
        assert_eq!(look(&meter, 70, "0-0:96.3.10", 2), Data::Bool(false));
        lock(&meter).record().press_contactor(instant(AT).as_second() + 10);
        assert_eq!(look(&meter, 70, "0-0:96.3.10", 2), Data::Bool(true));
    }
}

#[test]
fn a_line_that_is_cut_leaves_the_contactor_in_one_state_and_the_next_try_finishes() {
    for lost in [Lost::Request, Lost::Answer] {
        cut_everywhere(lost, |cut, exchange| {
            let meter = meter();
            let ended =
                act_over(Line::new(&meter, instant(AT), cut), Order::Contactor(Contactor::Open), &access());
            act(&meter, Order::Contactor(Contactor::Open)).done.unwrap();
            assert_eq!(look(&meter, 70, "0-0:96.3.10", 2), Data::Bool(false), "after a cut at {exchange}");
            (ended.done.is_ok(), ended.exchanges)
        });
    }
}
