//! Metering points, exchanges and ratios.

use crate::model::{
    AccuracyClasses, Decimal, ExchangeReading, MeterRatios, PlateRatios, PointDetails, Ratio, RatioPeriod,
    Side, Transformers, Unit,
};
use crate::store::{Exchange, NewMeter, PointRow, schema};

use super::*;

const JAN: &str = "2026-01-01T00:00:00Z";
const JULY: &str = "2026-07-01T00:00:00Z";

fn period(from: &str, ct: &str, registers_in: Side) -> RatioPeriod {
    let transformers = Transformers { ct: ct.parse().unwrap(), vt: Ratio::ONE, registers_in };
    RatioPeriod { from: at(from), until: None, transformers, classes: AccuracyClasses::default() }
}

fn point(store: &Store, id: MeterId) -> PointRow {
    store.point_of(id).unwrap().unwrap()
}

fn with_point(name: &str, point: Option<&str>) -> MeterConfig {
    MeterConfig { point: point.map(str::to_owned), ..config(name) }
}

fn told(store: &Store, what: &str) -> Vec<String> {
    let rows = store.audit_rows(100).unwrap();
    rows.into_iter().filter(|row| row.what == what).map(|row| row.detail).collect()
}

#[test]
fn every_meter_has_a_point_its_own_or_the_one_that_is_named() {
    let mut scratch = Scratch::new();
    let own = scratch.store.add_meter(&with_point("House 1", None)).unwrap();
    let main = scratch.store.add_meter(&with_point("Main", Some("Works"))).unwrap();
    let check = scratch.store.add_meter(&with_point("Check", Some("Works"))).unwrap();
    let other = scratch.store.add_meter(&with_point("Works", None)).unwrap();
    assert_eq!(point(&scratch.store, own).name, "House 1");
    assert_eq!(point(&scratch.store, main).id, point(&scratch.store, check).id);
    assert_eq!(point(&scratch.store, other).name, "Works (2)", "a name of its own is nobody else's");
    assert_eq!(scratch.store.points().unwrap().len(), 3);
}

#[test]
fn an_older_store_gives_its_meters_points() {
    let mut old = rusqlite::Connection::open_in_memory().unwrap();
    schema::bring_up_to_date(&mut old, "old", &schema::LADDER[..2]).unwrap();
    for (name, point) in [("A", Some("P")), ("B", Some("P")), ("P", None), ("C", None)] {
        let config = serde_json::to_string(&with_point(name, point)).unwrap();
        old.execute("INSERT INTO meter (name, config) VALUES (?1, ?2)", [name, &config]).unwrap();
    }
    schema::bring_up_to_date(&mut old, "old", schema::LADDER).unwrap();
    let mut statement = old
        .prepare(
            "SELECT meter.name, point.name FROM placement JOIN meter ON meter.id = meter_id
             JOIN point ON point.id = point_id ORDER BY meter.id",
        )
        .unwrap();
    let found: Vec<(String, String)> =
        statement.query_map((), |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect();
    let wanted = [("A", "P"), ("B", "P"), ("P", "P (3)"), ("C", "C")];
    assert_eq!(found, wanted.map(|(meter, point)| (meter.to_owned(), point.to_owned())));
}

#[test]
fn naming_a_point_in_the_settings_renames_it_and_naming_anothers_moves_the_meter() {
    let (mut scratch, id) = Scratch::with_meter();
    scratch.store.set_ratio(point(&scratch.store, id).id, &period(JAN, "400/5", Side::Secondary)).unwrap();
    scratch.store.update_meter(id, &with_point("House 1", Some("Feeder 7"))).unwrap();
    let named = point(&scratch.store, id);
    assert_eq!(
        (named.name.as_str(), named.ratios.periods().len()),
        ("Feeder 7", 1),
        "its ratios stay with it"
    );
    scratch.store.add_meter(&with_point("B", Some("Feeder 8"))).unwrap();
    scratch.store.update_meter(id, &with_point("House 1", Some("Feeder 8"))).unwrap();
    let moved = point(&scratch.store, id);
    assert_eq!((moved.name.as_str(), moved.meters.len()), ("Feeder 8", 2));
    let left = scratch.store.point_named("Feeder 7").unwrap().unwrap();
    assert!(left.meters[0].until.is_some() && left.ratios.periods().len() == 1);
    // What was measured there is still turned by that ratio.
    let history = scratch.store.ratio_history(id).unwrap();
    assert!(
        history.at(at("2026-02-01T00:00:00Z")).is_some()
            && history.periods()[0].until == moved.meters[1].from
    );
}

#[test]
fn a_point_without_a_name_of_its_own_is_renamed_with_its_meter() {
    let (mut scratch, id) = Scratch::with_meter();
    scratch.store.update_meter(id, &config("House 9")).unwrap();
    assert_eq!(point(&scratch.store, id).name, "House 9");
}

#[test]
fn a_point_is_described_and_its_meters_are_told_its_name() {
    let (mut scratch, id) = Scratch::with_meter();
    let details = PointDetails {
        location: "Substation 4, cubicle 2".to_owned(),
        customer: "K-1042".to_owned(),
        notes: "Key at the gate".to_owned(),
        photos: vec!["https://example.org/plate.jpg".to_owned()],
        fields: [("EAN".to_owned(), "541448".to_owned())].into(),
        plate: Some(PlateRatios { ct: Some("400/5".parse().unwrap()), vt: None }),
    };
    let row = point(&scratch.store, id);
    scratch.store.update_point(row.id, "Works", &details).unwrap();
    let row = point(&scratch.store, id);
    assert_eq!((row.name.as_str(), &row.details), ("Works", &details));
    assert_eq!(scratch.store.meter(id).unwrap().unwrap().config.point.as_deref(), Some("Works"));
    let told = told(&scratch.store, "metering point changed");
    assert!(told[0].contains("K-1042") && !told[0].contains("gate"), "{told:?}");
    scratch.store.add_meter(&config("B")).unwrap();
    assert!(scratch.store.update_point(row.id, "B", &details).is_err(), "a name is given once");
    assert!(scratch.store.update_point(row.id, " ", &details).is_err());
}

#[test]
fn ratios_hold_until_the_next_ones_and_every_change_is_told_old_and_new() {
    let (mut scratch, id) = Scratch::with_meter();
    let place = point(&scratch.store, id).id;
    scratch.store.set_ratio(place, &period(JULY, "600/5", Side::Secondary)).unwrap();
    scratch.store.set_ratio(place, &period(JAN, "400/5", Side::Secondary)).unwrap();
    scratch.store.set_ratio(place, &period(JULY, "500/5", Side::Secondary)).unwrap();
    let history = scratch.store.ratio_history(id).unwrap();
    let ratios: Vec<_> = history.periods().iter().map(|one| one.transformers.ct.to_string()).collect();
    assert_eq!(ratios, ["400/5", "500/5"]);
    assert_eq!(history.periods()[0].until, Some(at(JULY)));
    let told_of = told(&scratch.store, "ratio changed");
    assert!(told_of[0].contains("600/5") && told_of[0].contains("500/5"), "{told_of:?}");
    scratch.store.remove_ratio(place, at(JULY)).unwrap();
    assert_eq!(scratch.store.ratio_history(id).unwrap().periods().len(), 1);
    assert!(scratch.store.remove_ratio(place, at(JULY)).is_err());
    assert_eq!(told(&scratch.store, "ratio removed").len(), 1);
    let nought = Transformers { ct: Ratio::new(Decimal::ZERO, Decimal::new(5, 0)), ..Transformers::NONE };
    let refused = scratch
        .store
        .set_ratio(place, &RatioPeriod { transformers: nought, ..period(JAN, "1/1", Side::Primary) });
    assert!(refused.is_err());
    scratch.store.verify_audit().unwrap();
}

#[test]
fn the_side_of_the_registers_is_said_once_by_the_ratio_in_force() {
    let (mut scratch, id) = Scratch::with_meter();
    let place = point(&scratch.store, id).id;
    let changed = scratch.store.set_ratio(place, &period(JAN, "400/5", Side::Primary)).unwrap();
    assert_eq!(changed, [id]);
    assert_eq!(scratch.store.meter(id).unwrap().unwrap().config.registers_in, Side::Primary);
    let refused = scratch.store.update_meter(id, &config("House 1")).unwrap_err().to_string();
    assert!(refused.contains("--applied-by-meter"), "{refused}");
}

fn reading(value: i128) -> ExchangeReading {
    ExchangeReading { obis: "1.8.0".parse().unwrap(), value: Decimal::new(value, 0), unit: Unit::WH }
}

#[test]
fn an_exchange_keeps_the_point_its_ratios_and_both_readings() {
    let (mut scratch, old) = Scratch::with_meter();
    let place = point(&scratch.store, old).id;
    scratch.store.set_ratio(place, &period(JAN, "400/5", Side::Secondary)).unwrap();
    let exchange = Exchange {
        old,
        new: NewMeter::Added(Box::new(with_point("House 1 new", Some("House 1")))),
        at: at(JULY),
        last: vec![reading(5000)],
        first: vec![reading(3)],
    };
    let new = scratch.store.exchange(&exchange, |_| Vec::new()).unwrap();
    let row = point(&scratch.store, new);
    assert_eq!((row.id, row.meters.len()), (place, 2));
    assert_eq!((row.meters[0].until, row.meters[1].from), (Some(at(JULY)), Some(at(JULY))));
    assert_eq!((&row.meters[0].last, &row.meters[1].first), (&vec![reading(5000)], &vec![reading(3)]));
    assert_eq!(scratch.store.points().unwrap().len(), 1, "the new meter's own point is gone");
    // Each meter is converted by the ratio of its own time there.
    let histories = [old, new].map(|id| scratch.store.ratio_history(id).unwrap());
    assert_eq!(histories[0].periods()[0].until, Some(at(JULY)));
    assert_eq!(histories[1].periods()[0].from, at(JULY));
    assert!(told(&scratch.store, "meter exchanged")[0].contains("1-0:1.8.0*255 = 5000 Wh"));
    let again = Exchange { new: NewMeter::Listed(new), ..exchange };
    assert!(scratch.store.exchange(&again, |_| Vec::new()).is_err(), "it hangs nowhere any more");
}

#[test]
fn a_new_meter_that_applies_the_ratio_itself_is_not_multiplied_again() {
    let (mut scratch, old) = Scratch::with_meter();
    let place = point(&scratch.store, old).id;
    scratch.store.set_ratio(place, &period(JAN, "400/5", Side::Secondary)).unwrap();
    let new = scratch.store.add_meter(&MeterConfig { registers_in: Side::Primary, ..config("New") }).unwrap();
    let exchange =
        Exchange { old, new: NewMeter::Listed(new), at: at(JULY), last: Vec::new(), first: Vec::new() };
    scratch.store.exchange(&exchange, |_| Vec::new()).unwrap();
    let sides: Vec<Side> = point(&scratch.store, new)
        .ratios
        .periods()
        .iter()
        .map(|period| period.transformers.registers_in)
        .collect();
    assert_eq!(sides, [Side::Secondary, Side::Primary]);
}

#[test]
fn what_a_meter_said_of_its_ratios_is_kept() {
    let (mut scratch, id) = Scratch::with_meter();
    assert_eq!(scratch.store.meter_ratios(id).unwrap(), None);
    let said = PlateRatios { ct: Some("400/5".parse().unwrap()), vt: None };
    let said = MeterRatios { said, read_at: at(JULY) };
    scratch.store.put_meter_ratios(id, &said).unwrap();
    assert_eq!(scratch.store.meter_ratios(id).unwrap(), Some(said));
}

#[test]
fn a_meter_that_is_removed_leaves_its_point_and_its_namesake_gets_another() {
    let (mut scratch, id) = Scratch::with_meter();
    let place = point(&scratch.store, id).id;
    scratch.store.set_ratio(place, &period(JAN, "400/5", Side::Secondary)).unwrap();
    scratch.store.remove_meter(id).unwrap();
    let again = scratch.store.add_meter(&config("House 1")).unwrap();
    assert!(scratch.store.ratio_history(again).unwrap().periods().is_empty(), "no ratio comes by accident");
    assert_eq!(point(&scratch.store, again).name, "House 1 (2)");
}
