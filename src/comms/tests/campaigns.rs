//! Campaigns of flashes in paused time: the canary group, waves, the pause rules, lines, windows, and calling off.

use super::*;
use crate::firmware::{Draft, Hex, Package, SigningKeyFile, package};
use crate::model::{CampaignPlan, CampaignState, Window};
use crate::store::CampaignRow;

const GOOD: Act = Act::Flash(FlashOutcome::Flashed, None);

fn failed() -> Act {
    let fault =
        Fault::meter("the meter says that the image is not sound", "see whether it is for this model");
    Act::Flash(FlashOutcome::Failed, Some(fault))
}

/// As often as a template tries.
fn unreachable() -> [Act; 3] {
    [0; 3].map(|_| Act::Flash(FlashOutcome::Open, Some(passing())))
}

fn packed() -> Arc<Package> {
    let folder = tempfile::tempdir().unwrap();
    let key = SigningKeyFile::create(&folder.path().join("key"), "Release", None).unwrap();
    let draft = Draft { version: "1.5.0".to_owned(), image_identifier: Hex(vec![1]), ..Draft::default() };
    let image = [7u8; 100];
    let (size, sha256) = package::digest(image.as_slice()).unwrap();
    let mut bytes = Vec::new();
    package::write(&mut bytes, &draft.finish(size, sha256).unwrap(), image.as_slice(), &key).unwrap();
    Arc::new(Package::from_bytes(bytes).unwrap())
}

impl Bench {
    async fn flash(&self, meters: &[MeterId], package: &Arc<Package>, plan: &CampaignPlan) -> JobId {
        let (meters, package, plan) = (meters.to_vec(), Arc::clone(package), Box::new(plan.clone()));
        self.ask(|answer| Command::Submit(Job::Flash { meters, package, plan }, answer)).await.unwrap()
    }

    fn campaign(&self) -> CampaignRow {
        self.reader().campaigns(1).unwrap().remove(0)
    }
}

fn begun(script: &Script) -> Vec<String> {
    let log = script.log.lock().unwrap();
    let mut names: Vec<String> =
        log.iter().filter_map(|line| line.strip_prefix("begin ")).map(str::to_owned).collect();
    names.dedup();
    names
}

/// Meters on lines of their own, named A, B, C, …
fn own_lines(names: &[&'static str]) -> Vec<(&'static str, &'static str)> {
    let lines = ["tcp://a", "tcp://b", "tcp://c", "tcp://d", "tcp://e", "tcp://f"];
    names.iter().copied().zip(lines).collect()
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn the_canary_group_goes_first_and_each_wave_waits_for_the_one_before() {
    on_bench(async {
        let names = ["A", "B", "C", "D", "E"];
        let acts = names.map(|name| (name, [GOOD]));
        let acts: Vec<(&str, &[Act])> = acts.iter().map(|(name, acts)| (*name, acts.as_slice())).collect();
        let script = Script::new(&acts);
        let bench = Bench::new(&script, 8).await;
        let ids = bench.add(&own_lines(&names)).await;
        let plan = CampaignPlan { canary: 1, wave: Some(2), ..CampaignPlan::default() };
        let job = bench.flash(&ids, &packed(), &plan).await;
        bench.until_ended(job).await;
        let log = script.log.lock().unwrap().join(" ");
        assert_eq!(
            log, "begin A end A begin B begin C end B end C begin D begin E end D end E",
            "a wave begins when the one before is over"
        );
        assert_eq!(bench.campaign().state, CampaignState::Done);
    })
    .await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn meters_of_one_line_are_flashed_one_after_the_other() {
    on_bench(async {
        let script = Script::new(&[("A", &[GOOD]), ("B", &[GOOD]), ("C", &[GOOD])]);
        let bench = Bench::new(&script, 8).await;
        let line = "serial:/dev/ttyS0?baud=9600";
        let ids = bench.add(&[("A", line), ("B", line), ("C", line)]).await;
        let job = bench.flash(&ids, &packed(), &CampaignPlan::default()).await;
        // A read of the same meter waits until its line is free as well.
        let reading = bench.submit(vec![ids[0]]).await;
        bench.until_ended(job).await;
        let log: Vec<String> = script.log.lock().unwrap().clone();
        for pair in log.chunks(2) {
            let [begin, end] = pair else { panic!("{log:?}") };
            assert_eq!(begin.strip_prefix("begin "), end.strip_prefix("end "), "{log:?}");
        }
        let _ = reading;
    })
    .await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn more_failures_than_may_be_stop_a_campaign_and_it_goes_on_when_it_is_asked_to() {
    on_bench(async {
        let script = Script::new(&[
            ("A", &[GOOD]),
            ("B", &[failed(), GOOD]),
            ("C", &[failed(), GOOD]),
            ("D", &[GOOD]),
        ]);
        let bench = Bench::new(&script, 8).await;
        let ids = bench.add(&own_lines(&["A", "B", "C", "D"])).await;
        let (package, plan) =
            (packed(), CampaignPlan { wave: Some(1), stop_after: Some(1), ..CampaignPlan::default() });
        let job = bench.flash(&ids, &package, &plan).await;
        bench.until_ended(job).await;
        assert_eq!(begun(&script), ["A", "B", "C"], "one may fail, the second stops");
        let campaign = bench.campaign();
        assert_eq!(campaign.state, CampaignState::Stopped);
        assert!(campaign.reason.contains("2 meters failed, and 1 may"), "{}", campaign.reason);
        let again = bench.flash(&ids, &package, &plan).await;
        bench.until_ended(again).await;
        assert_eq!(begun(&script), ["A", "B", "C", "B", "C", "D"], "what is done is left alone");
        assert_eq!((bench.campaign().id, bench.campaign().state), (campaign.id, CampaignState::Done));
    })
    .await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_meter_that_cannot_be_reached_has_not_failed() {
    on_bench(async {
        let out = unreachable();
        let script = Script::new(&[("A", &[GOOD]), ("B", &out), ("C", &out), ("D", &out), ("E", &[GOOD])]);
        let bench = Bench::new(&script, 8).await;
        let ids = bench.add(&own_lines(&["A", "B", "C", "D", "E"])).await;
        let plan = CampaignPlan { canary: 1, wave: Some(1), stop_after: Some(0), ..CampaignPlan::default() };
        let job = bench.flash(&ids, &packed(), &plan).await;
        bench.until_ended(job).await;
        assert_eq!(begun(&script), ["A", "B", "C", "D", "E"]);
        let campaign = bench.campaign();
        assert_eq!(
            (campaign.state, campaign.reason.as_str()),
            (CampaignState::Open, ""),
            "three are left to do"
        );
    })
    .await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn more_meters_out_of_reach_than_may_be_stop_a_campaign_where_that_is_asked_for() {
    on_bench(async {
        let out = unreachable();
        let script = Script::new(&[("A", &out), ("B", &[GOOD]), ("C", &out), ("D", &[GOOD])]);
        let bench = Bench::new(&script, 8).await;
        let ids = bench.add(&own_lines(&["A", "B", "C", "D"])).await;
        let plan = CampaignPlan { wave: Some(1), stop_unreachable: Some(1), ..CampaignPlan::default() };
        let job = bench.flash(&ids, &packed(), &plan).await;
        bench.until_ended(job).await;
        assert_eq!(begun(&script), ["A", "B", "C"]);
        let campaign = bench.campaign();
        assert_eq!(campaign.state, CampaignState::Stopped);
        assert!(campaign.reason.contains("2 meters could not be reached, and 1 may"), "{}", campaign.reason);
    })
    .await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_canary_group_that_nobody_could_reach_has_shown_nothing() {
    on_bench(async {
        let out = unreachable();
        let script = Script::new(&[("A", &out), ("B", &out), ("C", &[GOOD])]);
        let bench = Bench::new(&script, 8).await;
        let ids = bench.add(&own_lines(&["A", "B", "C"])).await;
        let (package, plan) = (packed(), CampaignPlan { canary: 2, ..CampaignPlan::default() });
        let job = bench.flash(&ids, &package, &plan).await;
        bench.until_ended(job).await;
        assert!(!begun(&script).contains(&"C".to_owned()), "{:?}", begun(&script));
        let campaign = bench.campaign();
        assert_eq!(campaign.state, CampaignState::Stopped);
        assert!(campaign.reason.contains("none was flashed (2 could not be reached)"), "{}", campaign.reason);

        // One of them is enough to go on, be the other out of reach for ever.
        {
            let mut acts = script.acts.lock().unwrap();
            acts.insert("A".to_owned(), [GOOD].into());
            acts.insert("B".to_owned(), unreachable().into());
            acts.insert("C".to_owned(), [GOOD].into());
        }
        let again = bench.flash(&ids, &package, &plan).await;
        bench.until_ended(again).await;
        assert_eq!(begun(&script).last().map(String::as_str), Some("C"));
        assert_eq!(bench.campaign().state, CampaignState::Open, "B is left to do");
    })
    .await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_canary_group_whose_failures_may_be_still_has_to_show_one_success() {
    on_bench(async {
        let script = Script::new(&[("A", &[failed()]), ("B", &[GOOD])]);
        let bench = Bench::new(&script, 8).await;
        let ids = bench.add(&own_lines(&["A", "B"])).await;
        let plan = CampaignPlan { canary: 1, stop_after: Some(10), ..CampaignPlan::default() };
        let job = bench.flash(&ids, &packed(), &plan).await;
        bench.until_ended(job).await;
        assert_eq!(begun(&script), ["A"]);
        assert_eq!(bench.campaign().state, CampaignState::Stopped);
    })
    .await;
}

/// How long a meter waits until it is begun, in minutes.
async fn waits(now: &str, window: &str, zone: &str) -> u64 {
    let script = Script::new(&[("A", &[GOOD])]);
    let folder = Rc::new(tempfile::tempdir().unwrap());
    let bench = Bench::open(&script, 8, folder, Some(now.parse().unwrap())).await;
    let ids = bench.add(&own_lines(&["A"])).await;
    let window = Some(Window::parse(window, zone).unwrap());
    let began = Instant::now();
    let job = bench.flash(&ids, &packed(), &CampaignPlan { window, ..CampaignPlan::default() }).await;
    bench.until(|event| matches!(event, Event::MeterStarted { .. })).await;
    let waited = began.elapsed();
    bench.until_ended(job).await;
    waited.as_secs().div_ceil(60)
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn nothing_begins_before_the_window_opens_by_the_wall_clock_of_its_place() {
    on_bench(async {
        // 22:00 in Berlin is 21:00 UTC in winter and 20:00 in summer.
        assert_eq!(waits("2026-11-22T20:00:00Z", "22:00-05:00", "Europe/Berlin").await, 60);
        assert_eq!(waits("2026-07-01T19:00:00Z", "22:00-05:00", "Europe/Berlin").await, 60);
        assert_eq!(waits("2026-11-22T21:30:00Z", "22:00-05:00", "Europe/Berlin").await, 0);
        // From 01:00 (midnight UTC) to 04:00 it is two hours on the day of 23 hours, four on the one of 25.
        assert_eq!(waits("2026-03-29T00:00:00Z", "04:00-05:00", "Europe/Berlin").await, 120);
        assert_eq!(waits("2026-10-24T23:00:00Z", "04:00-05:00", "Europe/Berlin").await, 240);
        // 02:30 is left out on the one, and comes twice on the other: it opens at the first.
        assert_eq!(waits("2026-03-29T00:00:00Z", "02:30-03:30", "Europe/Berlin").await, 60);
        assert_eq!(waits("2026-10-24T23:00:00Z", "02:30-03:30", "Europe/Berlin").await, 90);
    })
    .await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_campaign_that_was_called_off_does_not_go_on_and_a_later_one_begins_anew() {
    on_bench(async {
        let script = Script::new(&[("A", &[failed(), GOOD])]);
        let bench = Bench::new(&script, 8).await;
        let ids = bench.add(&own_lines(&["A"])).await;
        let (package, plan) = (packed(), CampaignPlan::default());
        let job = bench.flash(&ids, &package, &plan).await;
        bench.until_ended(job).await;
        let first = bench.campaign();
        assert_eq!(first.state, CampaignState::Open);
        bench.edit(Edit::CallOffCampaign { id: first.id }).await.unwrap();
        let called_off = bench.campaign();
        assert_eq!(called_off.state, CampaignState::Done);
        assert!(called_off.reason.contains("called off") && called_off.ended.is_some());
        let audit = bench.reader().audit_rows(1).unwrap().remove(0);
        assert!(audit.detail.contains("called off"), "{audit:?}");
        assert!(bench.edit(Edit::CallOffCampaign { id: 99 }).await.is_err());

        let again = bench.flash(&ids, &package, &plan).await;
        bench.until_ended(again).await;
        let second = bench.campaign();
        assert_ne!(second.id, first.id);
        assert_eq!(second.state, CampaignState::Done);
        assert_eq!(bench.reader().campaign(first.id).unwrap().unwrap().reason, called_off.reason);
    })
    .await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_downgrade_that_is_allowed_is_audited_with_its_reason_when_its_campaign_begins() {
    on_bench(async {
        let script = Script::new(&[("A", &[GOOD])]);
        let bench = Bench::new(&script, 8).await;
        let ids = bench.add(&own_lines(&["A"])).await;
        let downgrade = Some("1.6.0 loses intervals".to_owned());
        let plan = CampaignPlan { downgrade, ..CampaignPlan::default() };
        let job = bench.flash(&ids, &packed(), &plan).await;
        bench.until_ended(job).await;
        let rows = bench.reader().audit_rows(20).unwrap();
        let row = rows.iter().find(|row| row.what == "firmware downgrade allowed").unwrap();
        assert!(row.detail.contains("1.6.0 loses intervals") && row.detail.contains("1.5.0"), "{row:?}");
    })
    .await;
}
