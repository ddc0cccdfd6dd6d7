//! Sessions with virtual meters over emulated lines, in memory and in virtual time.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, in its helpers too")]

mod bench;

use std::time::Duration;

use meterwright::model::{Blame, Medium, RoundTrip, What};

use bench::Bench;

const WHAT: [What; 4] = [What::Identity, What::Clock, What::Registers, What::Profile];

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_meter_is_read_over_udp_and_every_figure_is_the_meters_own() {
    let mut bench = Bench::udp("udp://h:4059", &[], 1);
    let read = bench.read(&WHAT).await;
    read.outcome.unwrap();
    assert!(read.sink.registers.len() > 10);
    bench.compare(&read.sink.registers);
    assert_eq!(read.sink.rows, 48);
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn what_a_mesh_loses_doubles_and_turns_round_costs_time_and_no_figure() {
    let mut whole = 0;
    for seed in 1..=12 {
        let mut bench = Bench::udp("udp://h:4059?medium=mesh", &["mesh-far,garbage=1"], seed);
        let read = bench.read(&WHAT).await;
        bench.compare(&read.sink.registers);
        match read.outcome {
            Ok(()) => whole += 1,
            // Somebody has to try again, and it is tried again.
            Err(fault) => assert!(fault.passing, "seed {seed}: {fault}"),
        }
    }
    assert!(whole >= 9, "{whole} of 12 sessions went well at the first attempt");
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn the_wait_follows_the_meters_own_round_trip() {
    let mut bench = Bench::udp("udp://h:4059?medium=mesh", &["latency=3000,jitter=200"], 3);
    bench.read(&WHAT).await.outcome.unwrap();
    let trip = bench.knowledge.round_trip;
    assert!((2_900_000..3_300_000).contains(&trip.smoothed_us), "{trip:?}");
    assert!(trip.overdue_ms() < Some(5000), "{trip:?}");
    // The next session begins with what is known, and asks nothing twice.
    let exchanges = bench.read(&[What::Clock]).await;
    assert!(exchanges.took < Duration::from_secs(22), "{:?}", exchanges.took);
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_dead_meter_is_given_up_after_its_resends() {
    let mut bench = Bench::udp("udp://h:4059", &["loss=100"], 1);
    bench.knowledge.round_trip = RoundTrip::default();
    let read = bench.read(&WHAT).await;
    let fault = read.outcome.unwrap_err();
    assert!(fault.blame == Blame::Line && fault.message.contains("nothing answered"), "{fault}");
    let habits = Medium::Direct.habits();
    let longest = u64::from(habits.most_wait_ms) * u64::from(habits.resends + 1) * 2;
    assert!(read.took < Duration::from_millis(longest), "{:?}", read.took);
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_power_line_is_waited_for() {
    let mut bench = Bench::tcp("tcp://h:4059?medium=plc", &["plc"], 5);
    let read = bench.read(&WHAT).await;
    read.outcome.unwrap();
    bench.compare(&read.sink.registers);
    assert_eq!(read.sink.rows, 48);
    assert!(read.took > Duration::from_secs(20), "{:?}", read.took);
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_half_open_connection_and_a_cut_one_are_told_as_the_lines_fault() {
    for fault in ["half-open=100", "reset=3"] {
        let mut bench = Bench::tcp("tcp://h:4059", &[fault], 5);
        let error = bench.read(&WHAT).await.outcome.unwrap_err();
        assert!(error.blame == Blame::Line && error.passing, "{fault}: {error}");
    }
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn an_answer_that_was_altered_is_not_blamed_on_keys_that_were_right_before() {
    for seed in 1..=20 {
        let mut bench = Bench::tcp("tcp://h:4059", &["garbage=30"], seed);
        bench.was_let_in_before();
        if let Err(fault) = bench.read(&WHAT).await.outcome {
            assert!(fault.passing, "seed {seed}: {fault}");
        }
    }
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_wrong_clock_is_read_as_it_is() {
    let mut bench = Bench::udp("udp://h:4059", &["clock=7217"], 1);
    let read = bench.read(&[What::Clock]).await;
    read.outcome.unwrap();
    assert_eq!(read.sink.drift_ms.unwrap() / 1000, 7217);
}
