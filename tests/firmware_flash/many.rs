//! Many flashes with cuts at random bytes, restarts of either side, and every fault of the meter.
//!
//! `cargo test` runs a hundred; `FLASHES=10000 cargo test --test firmware_flash many` the full size, and
//! `FIRST_FLASH=5390 FLASHES=1 …` one of them again.

use meterwright::model::FlashOutcome;
use meterwright::simulator::faults::{Faults, ImageFaults};
use meterwright::simulator::lock;

use crate::bench::{Bench, Cut, Memory, Place, VERSION, attempt, draft, image, meter};

const USUAL: u64 = 100;
const BYTES: usize = 4100;

/// What the meter does besides, and whether a client can get over it.
const KINDS: &[(&str, bool)] = &[
    ("", true),
    ("image:loses=3", true),
    ("image:loses=5,image:first-wrong", true),
    ("image:no-bitmap", true),
    ("image:no-status", true),
    ("image:no-info", true),
    ("image:verify-slow=4", true),
    ("image:restart=30", true),
    ("image:ask-again", true),
    ("image:cut=initiate", true),
    ("image:cut=blocks", true),
    ("image:cut=blocks,image:forgets", true),
    ("image:cut=verify", true),
    ("image:cut=verify,image:forgets", true),
    ("image:cut=activate", true),
    ("image:full", false),
    ("image:full=9", false),
    ("image:verify-fails", false),
    ("image:no-restart", false),
    ("image:silent", false),
    ("image:wrong-version", false),
    ("image:other-image", false),
];

/// A row of numbers that follows from its seed (xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 16).unwrap() % limit.max(1)
    }
}

#[derive(Debug, Default)]
struct Tally {
    flashed: u64,
    failed: u64,
    cuts: u64,
    attempts: u64,
    twice: u64,
    initiations: u64,
    false_successes: u64,
    mixed: u64,
}

fn flash_one(bench: &Bench, seed: u64, whole_bytes: usize, tally: &mut Tally) {
    let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let (spec, can_go_well) = KINDS[dice.below(KINDS.len())];
    let specs: &[&str] = if spec.is_empty() { &[] } else { &[spec] };
    let image_faults: ImageFaults = Faults::parse(specs).unwrap().image;
    let image = image(VERSION, BYTES);
    let plan = bench.plan(draft(), &image);
    let (meter, journal) = (meter(image_faults), Memory::new(bench));
    let mut cuts = 0u32;
    let mut lasting = 0;
    let mut twice_before = 0;
    let mut initiations_before = 0;
    for _ in 0..40 {
        tally.attempts += 1;
        let is_cut = cuts < 6 && dice.below(3) > 0;
        let kind = [Cut::Line, Cut::Crash, Cut::Meter][dice.below(3)];
        let cut = is_cut.then(|| (Place::Byte(dice.below(whole_bytes)), kind));
        let done = attempt(&meter, &plan, &journal, cut);
        let was_cut = cut.is_some_and(|(place, _)| matches!(place, Place::Byte(at) if done.bytes <= at))
            && (done.result.is_err() || journal.state().outcome != FlashOutcome::Flashed);
        let state = journal.state();
        let mut inside = lock(&meter);
        let firmware = inside.record().firmware();
        let runs_it = firmware.version() == VERSION && firmware.active() == image;
        if state.outcome == FlashOutcome::Flashed && !runs_it {
            tally.false_successes += 1;
        }
        let is_whole = firmware.active().is_empty() || firmware.active() == image;
        let is_sound = firmware.status() != 3 || firmware.held() == image;
        tally.mixed += u64::from(!is_whole || !is_sound);
        cuts += u32::from(was_cut || cut.is_some());
        // Blocks that came twice within one transfer, those aside that the meter lost after it had taken them.
        let lost = |place: usize| {
            image_faults.loses > 0 && place % image_faults.loses as usize == image_faults.loses as usize - 1
        };
        let own: u32 = firmware
            .came()
            .iter()
            .enumerate()
            .map(|(place, times)| times.saturating_sub(1 + u32::from(lost(place))))
            .sum();
        if firmware.initiations() != initiations_before {
            (initiations_before, twice_before) = (firmware.initiations(), 0);
        }
        let now_twice = own.max(twice_before);
        tally.twice += u64::from(now_twice - twice_before);
        let allowed = cuts + u32::from(image_faults.cut.is_some());
        assert!(own <= allowed, "seed {seed}, {spec}: {own} blocks came twice after {allowed} cuts");
        twice_before = now_twice;
        drop(inside);
        match &done.result {
            // A program that crashed while it said goodbye has kept nothing of how it went: it begins again.
            Ok(()) if state.outcome == FlashOutcome::Flashed => break,
            Ok(()) => {}
            // What will not pass by itself is tried once more, as a person would.
            Err(fault) if !fault.passing && cut.is_none() => {
                lasting += 1;
                if lasting == 2 {
                    break;
                }
            }
            Err(_) => {}
        }
    }
    let outcome = journal.state().outcome;
    assert_eq!(outcome == FlashOutcome::Flashed, can_go_well, "seed {seed}, {spec}: {:?}", journal.state());
    tally.cuts += u64::from(cuts);
    tally.initiations += u64::from(lock(&meter).record().firmware().initiations());
    *(if can_go_well { &mut tally.flashed } else { &mut tally.failed }) += 1;
}

#[test]
fn many_flashes_end_without_a_false_success_or_a_mixed_image() {
    let count = std::env::var("FLASHES").ok().and_then(|text| text.parse().ok()).unwrap_or(USUAL);
    let bench = Bench::new();
    let plan = bench.plan(draft(), &image(VERSION, BYTES));
    let clean = attempt(&meter(ImageFaults::default()), &plan, &Memory::new(&bench), None);
    clean.result.unwrap();
    let mut tally = Tally::default();
    let first: u64 = std::env::var("FIRST_FLASH").ok().and_then(|text| text.parse().ok()).unwrap_or(0);
    for seed in first..first + count {
        flash_one(&bench, seed, clean.bytes, &mut tally);
    }
    println!("{count} flashes: {tally:?}");
    assert_eq!((tally.false_successes, tally.mixed), (0, 0), "{tally:?}");
    assert_eq!(tally.flashed + tally.failed, count);
}
