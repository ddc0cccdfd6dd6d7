//! Changes of many meters at once, and groups.

use crate::model::{Action, Member, MeterList, MeterPatch, PointPatch, Side};
use crate::store::MeterChanges;

use super::*;

fn told(store: &Store, what: &str) -> usize {
    store.audit_rows(200).unwrap().iter().filter(|row| row.what == what).count()
}

fn group(name: &str) -> MeterPatch {
    MeterPatch { group: Some(Some(name.to_owned())), ..MeterPatch::default() }
}

fn in_group(name: &str, group: &str) -> MeterConfig {
    MeterConfig { group: Some(group.to_owned()), ..config(name) }
}

#[test]
fn meters_are_added_changed_and_described_in_one_step_that_is_audited() {
    let (mut scratch, one) = Scratch::with_meter();
    let located = PointPatch { location: Some("Cellar".to_owned()), ..PointPatch::default() };
    let changes = MeterChanges {
        cause: "import of list.csv".to_owned(),
        add: vec![(config("House 2"), located.clone()), (config("House 3"), PointPatch::default())],
        change: vec![(one, MeterPatch { about: located, ..group("North") })],
    };
    let done = scratch.store.change_meters(&changes).unwrap();
    assert_eq!((done.added.len(), done.changed.len(), done.described), (2, 1, vec![one]));
    let listed = scratch.store.listed_meters().unwrap();
    let places: Vec<(&str, &str)> =
        listed.iter().map(|meter| (meter.config.name.as_str(), meter.details.location.as_str())).collect();
    assert_eq!(places, [("House 1", "Cellar"), ("House 2", "Cellar"), ("House 3", "")]);
    assert_eq!(listed[0].config.group.as_deref(), Some("North"));
    assert_eq!(
        (told(&scratch.store, "meter changed"), told(&scratch.store, "meters changed together")),
        (1, 1)
    );
    assert!(scratch.store.audit_rows(1).unwrap()[0].detail.contains("import of list.csv"));
    // Once more: nothing differs any more.
    let again = MeterChanges { add: Vec::new(), ..changes };
    let done = scratch.store.change_meters(&again).unwrap();
    assert!(done.changed.is_empty() && done.described.is_empty());
}

#[test]
fn one_that_cannot_be_leaves_all_as_they_were() {
    let (mut scratch, one) = Scratch::with_meter();
    let two = scratch.store.add_meter(&config("House 2")).unwrap();
    let rename = MeterPatch { name: Some("House 1".to_owned()), ..MeterPatch::default() };
    let changes = MeterChanges {
        add: vec![(config("House 3"), PointPatch::default())],
        change: vec![(one, group("North")), (two, rename)],
        ..MeterChanges::default()
    };
    let error = scratch.store.change_meters(&changes).unwrap_err().to_string();
    assert!(error.starts_with("House 2: there is a meter `House 1` already"), "{error}");
    let listed = scratch.store.listed_meters().unwrap();
    assert_eq!(listed.len(), 2);
    assert!(listed.iter().all(|meter| meter.config.group.is_none()));
    let lacking = MeterChanges {
        change: vec![
            (one, MeterPatch { registers_in: Some(Side::Primary), ..MeterPatch::default() }),
            (MeterId(99), group("x")),
        ],
        ..MeterChanges::default()
    };
    assert!(scratch.store.change_meters(&lacking).is_err(), "a meter that is not listed");
    assert_eq!(scratch.store.meter(one).unwrap().unwrap().config.registers_in, Side::Secondary);
}

#[test]
fn a_group_moves_with_its_meters_its_branches_and_the_lists_that_name_it() {
    let mut scratch = Scratch::new();
    let ids = [("A", "North"), ("B", "North/Mill"), ("C", "Northern"), ("D", "South")]
        .map(|(name, group)| scratch.store.add_meter(&in_group(name, group)).unwrap());
    scratch.store.add_group("North/Empty").unwrap();
    let mut list = MeterList::new("Nightly", Action::AdjustClock);
    list.add(Member::Group("North/Mill".to_owned()));
    let list = scratch.store.add_list(&list, at("2026-11-22T00:00:00Z")).unwrap();
    let moved = scratch.store.move_group("North", Some("South/North")).unwrap();
    assert_eq!(moved, ids[..2]);
    let of = |id: MeterId| scratch.store.meter(id).unwrap().unwrap().config.group.unwrap();
    assert_eq!(ids.map(of), ["South/North", "South/North/Mill", "Northern", "South"]);
    assert_eq!(scratch.store.made_groups().unwrap().into_iter().collect::<Vec<_>>(), ["South/North/Empty"]);
    let members = scratch.store.list(list).unwrap().unwrap().list.members;
    assert!(members.contains(&Member::Group("South/North/Mill".to_owned())));
    assert_eq!(told(&scratch.store, "group moved"), 1);
    assert!(scratch.store.move_group("South", Some("South/North/x")).is_err(), "not into itself");
}

#[test]
fn a_group_that_goes_leaves_its_meters_and_is_kept_while_a_list_needs_it() {
    let mut scratch = Scratch::new();
    let ids = [("A", "North"), ("B", "North/Mill")]
        .map(|(name, group)| scratch.store.add_meter(&in_group(name, group)).unwrap());
    let mut list = MeterList::new("Nightly", Action::AdjustClock);
    list.add(Member::Group("North".to_owned()));
    let list = scratch.store.add_list(&list, at("2026-11-22T00:00:00Z")).unwrap();
    let error = scratch.store.move_group("North", None).unwrap_err().to_string();
    assert!(error.contains("Nightly"), "{error}");
    let of = |store: &Store, id: MeterId| store.meter(id).unwrap().unwrap().config.group;
    assert_eq!(of(&scratch.store, ids[0]).as_deref(), Some("North"), "nothing has moved");
    scratch.store.remove_list(list, at("2026-11-22T00:00:00Z")).unwrap();
    scratch.store.move_group("North", None).unwrap();
    assert_eq!((of(&scratch.store, ids[0]), of(&scratch.store, ids[1]).as_deref()), (None, Some("Mill")));
}
