//! How many instants a second the calendar answers, and how long a year's dry run takes: `cargo bench --bench scheme`.

#![allow(clippy::expect_used, reason = "a bench fails by panicking")]

use std::hint::black_box;
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use meterwright::scheme::{self, Calendar};

const SCHEME: &[u8] = include_bytes!("../schemes/industrial-three-rate.scheme.json");
const INSTANTS: i64 = 5_000_000;

fn main() {
    let document = scheme::read(SCHEME).expect("a ready-made scheme");
    let calendar = Calendar::new(&document).expect("its zone exists");
    let start: Timestamp = "2026-01-01T00:00:00Z".parse().expect("an instant");

    let began = Instant::now();
    let mut on = 0;
    // Strides that come to every time of the day and year in no order.
    for index in 0..INSTANTS {
        let at = start + SignedDuration::from_secs(index * 7_919_333 % 315_360_000);
        on += calendar.rate(black_box(at)).on.len();
    }
    let seconds = began.elapsed().as_secs_f64();
    let million_a_second = INSTANTS as f64 / seconds / 1e6;
    println!("calendar: {million_a_second:.1} million instants a second ({on} registers on)");

    let mut csv = String::from("end,active_import,reactive_import,reactive_export\n");
    for index in 1..=17_520 {
        let end = start + SignedDuration::from_mins(30 * index);
        csv.push_str(&format!("{end},{}.5,{},{}\n", 1000 + index % 977, index % 31, index % 7));
    }
    let began = Instant::now();
    let profile = scheme::read_profile(csv.as_bytes()).expect("a profile");
    let read = began.elapsed();
    let run = scheme::dry_run(&document, &profile, &[]).expect("a dry run");
    let (whole, sets) = (began.elapsed(), run.billing_sets.len());
    println!(
        "dry run: a year of half hours in {whole:.1?}, {read:.1?} of it for the CSV ({sets} billing sets)"
    );
}
