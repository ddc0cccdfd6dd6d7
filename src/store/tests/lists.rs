//! Meter lists, their runs, rests, rates and the lease.

use jiff::{SignedDuration, Timestamp};

use super::{Scratch, at, config};
use crate::model::{Action, Blame, ListId, Member, MeterList, Schedule, Times, What};
use crate::store::{Cause, MeterRow, NewRun, Outcome, OutcomeState, RateBy, RunState, Share, Store};

fn nightly() -> MeterList {
    let action = Action::Read { what: [What::Registers].into(), from: None };
    let mut list = MeterList::new("Nightly", action);
    list.add(Member::All);
    let time = jiff::civil::time(2, 0, 0, 0);
    list.schedule = Some(Schedule::new(Times::At(time), crate::model::Days::All, "UTC"));
    list
}

fn meters(store: &mut Store, names: &[&str]) -> Vec<MeterRow> {
    let configs: Vec<_> = names.iter().map(|name| config(name)).collect();
    store.add_meters(&configs).unwrap();
    store.meters().unwrap()
}

fn outcome(row: &MeterRow, state: OutcomeState) -> Outcome {
    let blame = (state == OutcomeState::Failed).then_some(Blame::Line);
    Outcome { state, tries: 1, blame, ..Outcome::waiting(row.id) }
}

fn new_run(list: ListId, due: Timestamp) -> NewRun {
    NewRun { list, cause: Cause::Schedule, due, until: due, decided: None }
}

fn run(store: &mut Store, list: ListId, due: &str, rows: &[MeterRow], states: &[OutcomeState]) -> i64 {
    let due = at(due);
    let run = store.begin_run(&new_run(list, due), rows, due).unwrap();
    let outcomes: Vec<Outcome> = rows.iter().zip(states).map(|(row, state)| outcome(row, *state)).collect();
    store.put_outcomes(outcomes.iter().map(|outcome| (run, outcome))).unwrap();
    let rest = |runs: u32| (runs >= 2).then(|| SignedDuration::from_hours(1));
    store.end_run(run, RunState::Done, due, &rest).unwrap();
    run
}

const NOW: &str = "2026-11-22T12:00:00Z";

#[test]
fn a_list_reads_back_and_its_name_is_its_own() {
    let mut scratch = Scratch::new();
    let id = scratch.store.add_list(&nightly(), at(NOW)).unwrap();
    let row = scratch.store.list(id).unwrap().unwrap();
    assert_eq!((row.list, row.handled, row.deferred), (nightly(), at(NOW), None));
    assert!(scratch.store.add_list(&nightly(), at(NOW)).unwrap_err().to_string().contains("Nightly"));
    scratch.store.remove_list(id, at(NOW)).unwrap();
    assert!(scratch.store.lists().unwrap().is_empty());
    scratch.store.add_list(&nightly(), at(NOW)).unwrap();
    let what: Vec<String> = scratch.store.audit_rows(10).unwrap().into_iter().map(|row| row.what).collect();
    assert_eq!(what.iter().filter(|what| *what == "list added").count(), 2);
}

#[test]
fn a_changed_schedule_does_not_make_up_for_the_time_before_it() {
    let mut scratch = Scratch::new();
    let id = scratch.store.add_list(&nightly(), at("2026-11-01T00:00:00Z")).unwrap();
    scratch.store.update_list(id, &MeterList { paused: true, ..nightly() }, at(NOW)).unwrap();
    assert_eq!(scratch.store.list(id).unwrap().unwrap().handled, at(NOW));
    let bad = Schedule { zone: "Nowhere".to_owned(), ..nightly().schedule.unwrap() };
    let bad = MeterList { schedule: Some(bad), ..nightly() };
    assert!(scratch.store.update_list(id, &bad, at(NOW)).unwrap_err().to_string().contains("time zone"));
}

#[test]
fn a_run_counts_how_its_meters_stand() {
    let mut scratch = Scratch::new();
    let list = scratch.store.add_list(&nightly(), at(NOW)).unwrap();
    let rows = meters(&mut scratch.store, &["A", "B", "C"]);
    let states = [OutcomeState::Ok, OutcomeState::Failed, OutcomeState::Resting];
    let id = run(&mut scratch.store, list, NOW, &rows, &states);
    let row = scratch.store.list_runs(list, 5).unwrap().remove(0);
    assert_eq!((row.id, row.meters, row.ok, row.failed, row.resting), (id, 3, 1, 1, 1));
    let outcomes = scratch.store.outcomes(id).unwrap();
    assert_eq!(outcomes.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["A", "B", "C"]);
    assert_eq!(outcomes[1].1.blame, Some(Blame::Line));
    assert!(scratch.store.open_runs().unwrap().is_empty());
    assert!(scratch.store.end_run(id, RunState::Done, at(NOW), &|_| None).is_err(), "it has ended");
}

#[test]
fn a_meter_that_fails_again_and_again_rests_and_a_success_wakes_it() {
    let mut scratch = Scratch::new();
    let list = scratch.store.add_list(&nightly(), at(NOW)).unwrap();
    let rows = meters(&mut scratch.store, &["A"]);
    run(&mut scratch.store, list, "2026-11-20T02:00:00Z", &rows, &[OutcomeState::Failed]);
    assert_eq!(scratch.store.rests().unwrap()[&rows[0].id].until, None);
    run(&mut scratch.store, list, "2026-11-21T02:00:00Z", &rows, &[OutcomeState::Failed]);
    let rest = scratch.store.rests().unwrap()[&rows[0].id];
    assert_eq!((rest.failed_runs, rest.until), (2, Some(at("2026-11-21T03:00:00Z"))));
    let shown = scratch.store.meter(rows[0].id).unwrap().unwrap().last_result.unwrap();
    assert!(shown.contains("rests until 2026-11-21 03:00 UTC after 2 failed runs"), "{shown}");
    scratch.store.wake_meter(rows[0].id).unwrap();
    assert!(scratch.store.rests().unwrap().is_empty());
}

#[test]
fn success_is_summed_by_line_group_and_template_over_three_spans() {
    let mut scratch = Scratch::new();
    let list = scratch.store.add_list(&nightly(), at(NOW)).unwrap();
    let mut north = config("A");
    north.group = Some("North".to_owned());
    north.line = "tcp://gw:4059#gateway=1/1".parse().unwrap();
    let mut other = config("B");
    other.line = "tcp://gw:4059#gateway=1/2".parse().unwrap();
    scratch.store.add_meters(&[north, other]).unwrap();
    let rows = scratch.store.meters().unwrap();
    let (ok, failed) = (OutcomeState::Ok, OutcomeState::Failed);
    run(&mut scratch.store, list, "2026-09-01T02:00:00Z", &rows, &[failed, failed]);
    run(&mut scratch.store, list, "2026-11-10T02:00:00Z", &rows, &[ok, failed]);
    run(&mut scratch.store, list, "2026-11-21T02:00:00Z", &rows, &[ok, failed]);
    run(&mut scratch.store, list, "2026-11-22T02:00:00Z", &rows, &[ok, ok]);
    let rates = scratch.store.rates(Some(list), RateBy::Line, at(NOW)).unwrap();
    assert_eq!(rates.len(), 1, "{rates:?}");
    assert_eq!(rates[0].key, "tcp://gw:4059");
    let share = |ok, of| Share { ok, of };
    assert_eq!(
        (rates[0].last, rates[0].three_days, rates[0].thirty_days),
        (share(2, 2), share(3, 4), share(4, 6))
    );
    let rates = scratch.store.rates(None, RateBy::Group, at(NOW)).unwrap();
    let keys: Vec<&str> = rates.iter().map(|rate| rate.key.as_str()).collect();
    assert_eq!(keys, ["", "North"]);
    assert_eq!(rates[0].thirty_days, share(1, 3));
}

#[test]
fn outcomes_of_many_nights_are_summed_by_one_question() {
    let mut scratch = Scratch::new();
    let list = scratch.store.add_list(&nightly(), at(NOW)).unwrap();
    let configs: Vec<_> = (0..500).map(|number| config(&format!("M{number}"))).collect();
    scratch.store.add_meters(&configs).unwrap();
    let rows = scratch.store.meters().unwrap();
    for day in 1..=10 {
        let due = at(NOW).checked_sub(SignedDuration::from_hours(24 * day)).unwrap();
        let id = scratch.store.begin_run(&new_run(list, due), &rows, due).unwrap();
        scratch.store.end_run(id, RunState::Done, due, &|_| None).unwrap();
    }
    let rates = scratch.store.rates(Some(list), RateBy::Template, at(NOW)).unwrap();
    assert_eq!(rates[0].thirty_days, Share { ok: 0, of: 5000 });
}

#[test]
fn one_process_at_a_time_may_run_the_lists() {
    let mut scratch = Scratch::new();
    let mut other = scratch.again();
    let lasting = SignedDuration::from_secs(60);
    let now = at(NOW);
    assert!(scratch.store.take_lease("one", now, lasting).unwrap());
    assert!(!other.take_lease("other", now, lasting).unwrap());
    let later = now + SignedDuration::from_secs(30);
    assert!(scratch.store.take_lease("one", later, lasting).unwrap(), "its holder keeps it");
    assert!(!other.take_lease("other", now + SignedDuration::from_secs(61), lasting).unwrap());
    assert!(
        other.take_lease("other", now + SignedDuration::from_secs(91), lasting).unwrap(),
        "it has run out"
    );
    assert!(!scratch.store.take_lease("one", now + SignedDuration::from_secs(92), lasting).unwrap());
    other.drop_lease("other").unwrap();
    assert!(scratch.store.take_lease("one", now, lasting).unwrap());
    let set_back = now - SignedDuration::from_hours(10);
    assert!(other.take_lease("other", set_back, lasting).unwrap(), "the clock was set back");
}
