use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::scheme::{
    BillingDate, Calendar, DemandRegister, DryRun, EnergyRegister, IntervalRow, IntervalSeries, Source,
    dry_run, write_prices,
};

fn number(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn price(register: &str, price: &str) -> Price {
    Price { register: register.to_owned(), price: number(price) }
}

/// R2 by night and R1 with a maximum by day, a billing period a month.
fn day_and_night(zone: &str) -> Document {
    let mut document = Document::blank("dlms-generic", zone);
    let first = document.registers.energy[0].clone();
    document.registers.energy.push(EnergyRegister {
        id: "R2".to_owned(),
        obis: "1-0:1.8.2*255".parse().unwrap(),
        ..first
    });
    document.registers.demand.push(DemandRegister {
        id: "M1".to_owned(),
        title: String::new(),
        source: Source::ActiveImport,
        obis: "1-0:1.6.1*255".parse().unwrap(),
        highest: 1,
    });
    let day = &mut document.tariff.day_types[0];
    day.switches[0].on = vec!["R2".to_owned()];
    day.switches.push(crate::scheme::Switch {
        at: "07:00".parse().unwrap(),
        on: vec!["R1".to_owned(), "M1".to_owned()],
    });
    document.billing.dates = vec!["*-*-01T00:00:00".parse::<BillingDate>().unwrap()];
    document
}

fn prices() -> Prices {
    Prices {
        currency: "GBP".to_owned(),
        decimals: 2,
        tax_percent: number("5"),
        standing_per_day: number("0.4521"),
        standing_per_billing_period: number("3"),
        energy: vec![price("R1", "0.2867"), price("R2", "0.11")],
        demand: vec![price("M1", "1.25")],
    }
}

/// Half hours of so much from an instant on.
fn series(start: &str, energy: impl IntoIterator<Item = i64>) -> IntervalSeries {
    let start = at(start);
    let rows = energy.into_iter().zip(1..).map(|(energy, number)| IntervalRow {
        end: start + SignedDuration::from_mins(30 * number),
        energy: vec![Some(Decimal::new(energy.into(), -1))],
    });
    IntervalSeries { sources: vec![Source::ActiveImport], rows: rows.collect() }
}

fn run(document: &Document, profile: &IntervalSeries) -> DryRun {
    dry_run(document, profile, &[]).unwrap()
}

#[test]
fn a_month_is_billed_register_by_register_and_rounded_once() {
    let document = day_and_night("UTC");
    // 31 days of 1 kWh each half hour: 34 by day, 14 by night; 2 kW.
    let profile = series("2026-01-01T00:00:00Z", std::iter::repeat_n(10_000, 31 * 48));
    let bills = bill(&document, &prices(), &run(&document, &profile)).unwrap();
    let [bill] = &bills.bills[..] else { panic!("{bills:?}") };
    let line = |at: usize| {
        let line = &bill.lines[at];
        (line.quantity.to_string(), line.unit.clone(), line.amount.to_string())
    };
    assert_eq!(line(0), ("1054".into(), "kWh".into(), "302.1818".into()));
    assert_eq!(line(1), ("434".into(), "kWh".into(), "47.74".into()));
    assert_eq!(line(2), ("2".into(), "kW".into(), "2.5".into()));
    assert_eq!(line(3), ("31".into(), "day".into(), "14.0151".into()));
    assert_eq!(line(4), ("1".into(), "period".into(), "3".into()));
    assert_eq!(bill.net, number("369.4369"));
    assert_eq!(bill.tax, number("18.471845"));
    assert_eq!((bill.due, bill.rounding), (number("387.91"), number("0.001255")));
    assert_eq!(
        (bill.cause.map(crate::scheme::engine::Cause::word), bills.due),
        (Some("billing_date"), bill.due)
    );
}

#[test]
fn what_is_open_at_the_end_is_billed_without_the_charge_of_an_ended_period() {
    let document = day_and_night("Europe/London");
    let profile = series("2026-03-01T00:00:00Z", std::iter::repeat_n(10, 40 * 48));
    let bills = bill(&document, &prices(), &run(&document, &profile)).unwrap();
    let days = |bill: &Bill| {
        bill.lines.iter().find(|line| line.charge == Charge::Day).map(|line| line.quantity.to_string())
    };
    // March has a day of 23 hours, and it is one day.
    assert_eq!(bills.bills.iter().map(days).collect::<Vec<_>>(), [Some("31".into()), Some("9".into())]);
    assert!(bills.bills[1].cause.is_none());
    assert!(bills.bills[1].lines.iter().all(|line| line.charge != Charge::Period));
}

#[test]
fn a_credit_takes_away_and_rounds_away_from_nought() {
    let mut document = day_and_night("UTC");
    document.billing.dates.clear();
    let mut prices = Prices { energy: vec![price("R2", "-0.125")], ..prices() };
    prices.standing_per_day = Decimal::ZERO;
    prices.tax_percent = Decimal::ZERO;
    prices.demand.clear();
    let profile = series("2026-01-01T00:00:00Z", [4_000, 4_000, 0, 2_000]);
    let bills = bill(&document, &prices, &run(&document, &profile)).unwrap();
    assert_eq!((bills.net, bills.due), (number("-0.125"), number("-0.13")));
}

#[test]
fn what_is_not_billed_is_told() {
    let document = day_and_night("UTC");
    let prices = Prices { energy: vec![price("R1", "1"), price("R9", "1")], ..prices() };
    let bills = bill(&document, &prices, &run(&document, &series("2026-01-01T00:00:00Z", [10, 10]))).unwrap();
    assert!(bills.notes.iter().any(|note| note.contains("R2 has no price")), "{:?}", bills.notes);
    assert!(bills.notes.iter().any(|note| note.contains("no energy register `R9`")), "{:?}", bills.notes);
}

#[test]
fn prices_stand_beside_their_scheme() {
    for (scheme, prices) in [
        ("a/NAME.scheme.json", "a/NAME.prices.json"),
        ("NAME.json", "NAME.prices.json"),
        ("a.b/NAME", "a.b/NAME.prices.json"),
    ] {
        assert_eq!(prices_beside(Path::new(scheme)), Path::new(prices));
    }
}

#[test]
fn a_file_that_is_written_is_read_back() {
    let text = write_prices(&prices());
    assert_eq!(read_prices(text.as_bytes()), Ok(prices()));
    assert_eq!(write_prices(&read_prices(text.as_bytes()).unwrap()), text);
}

#[test]
fn every_slip_of_a_file_is_named_with_its_place() {
    let text = r#"{
  "format": "meterwright.prices/2",
  "currency": "",
  "decimals": 7,
  "tax_percent": "-1",
  "standing_per_day": 0.5,
  "energy": [ { "register": "R1", "price": "0.1" }, { "register": "R1", "price": "1" },
    { "register": "R2", "price": "much" } ],
  "demand": [],
  "vat": "20"
}"#;
    let problems = read_prices(text.as_bytes()).unwrap_err();
    let seen: Vec<(&str, &str, u32)> = problems
        .iter()
        .map(|problem| (problem.code.word(), problem.place.as_str(), problem.position.unwrap().line))
        .collect();
    assert_eq!(
        seen,
        [
            ("missing-key", "standing_per_billing_period", 1),
            ("bad-value", "format", 2),
            ("bad-value", "currency", 3),
            ("bad-value", "decimals", 4),
            ("bad-value", "tax_percent", 5),
            ("wrong-type", "standing_per_day", 6),
            ("duplicate-id", "energy[1]", 7),
            ("bad-value", "energy[2].price", 8),
            ("unknown-key", "vat", 10),
        ]
    );
}

#[test]
fn a_charge_of_more_digits_than_can_be_kept_is_refused() {
    let document = day_and_night("UTC");
    let most = "999999999.999999999";
    let prices = Prices { energy: vec![price("R2", most)], ..prices() };
    let mut profile = series("2026-01-01T00:00:00Z", [0]);
    profile.rows[0].energy = vec![Some(Decimal::new(123_456_789_123_456_789_123_456_789, -9))];
    assert_eq!(
        bill(&document, &prices, &run(&document, &profile)),
        Err(BillError::TooLarge("R2".to_owned()))
    );
}

/// The bill as one would reckon it by hand: every interval by itself, at the price that is on when it begins.
fn slowly(document: &Document, prices: &Prices, profile: &IntervalSeries) -> Decimal {
    let calendar = Calendar::new(document).unwrap();
    let mut net = Decimal::ZERO;
    let mut add = |amount: Decimal| net = net.checked_add(amount).unwrap();
    let mut peaks: std::collections::BTreeMap<(i16, i8), Decimal> = std::collections::BTreeMap::new();
    let mut days = std::collections::BTreeSet::new();
    let mut months = std::collections::BTreeSet::new();
    for row in &profile.rows {
        let begin = row.end - SignedDuration::from_mins(30);
        let (local, end) = (calendar.clock().local(begin), calendar.clock().local(row.end));
        let energy = row.energy[0].unwrap();
        for id in calendar.rate(begin).on {
            match (prices.energy_price(id), prices.demand_price(id)) {
                (Some(price), _) => add(energy.checked_mul(price).unwrap().scaled(-3).unwrap()),
                (None, Some(_)) => {
                    let power = energy.checked_mul(Decimal::from(2)).unwrap();
                    let peak = peaks.entry((local.year(), local.month())).or_insert(power);
                    *peak = (*peak).max(power);
                }
                (None, None) => {}
            }
        }
        if end.date() != local.date() {
            days.insert(end.date());
        }
        if end.month() != local.month() {
            months.insert(local.month());
        }
    }
    for _ in days {
        add(prices.standing_per_day);
    }
    for _ in months {
        add(prices.standing_per_billing_period);
    }
    for peak in peaks.values() {
        add(peak.checked_mul(prices.demand_price("M1").unwrap()).unwrap().scaled(-3).unwrap());
    }
    net
}

fn any_price() -> impl Strategy<Value = Decimal> {
    (-100_000i64..100_000, -6i8..=0).prop_map(|(mantissa, exponent)| Decimal::new(mantissa.into(), exponent))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn bills_are_what_one_reckons_by_hand(
        energy in proptest::collection::vec(0i64..100_000, 1..120 * 48),
        (day, night, peak) in (any_price(), any_price(), any_price()),
        (standing, period) in (0i64..10_000, 0i64..10_000),
        tax in 0i64..2_500,
        zone in crate::scheme::testing::zone_name(),
    ) {
        let document = day_and_night(zone);
        let one = |register: &str, price| Price { register: register.to_owned(), price };
        let prices = Prices {
            tax_percent: Decimal::new(tax.into(), -2),
            standing_per_day: Decimal::new(standing.into(), -4),
            standing_per_billing_period: Decimal::new(period.into(), -2),
            energy: vec![one("R1", day), one("R2", night)],
            demand: vec![one("M1", peak)],
            ..Prices::default()
        };
        let profile = series("2026-02-20T00:00:00Z", energy);
        let bills = bill(&document, &prices, &run(&document, &profile)).unwrap();
        // No energy, no maximum: hours of a zone that lie off the half hour cut no interval here.
        prop_assert_eq!(bills.net, slowly(&document, &prices, &profile));

        let mut due = Decimal::ZERO;
        for bill in &bills.bills {
            let lines = bill.lines.iter().try_fold(Decimal::ZERO, |sum, line| sum.checked_add(line.amount));
            prop_assert_eq!(lines, Some(bill.net));
            let whole = bill.net.checked_add(bill.tax).and_then(|gross| gross.checked_add(bill.rounding));
            prop_assert_eq!(whole, Some(bill.due));
            prop_assert!(bill.due.with_exponent(-2).is_some());
            let twice = bill.rounding.checked_mul(Decimal::from(2)).unwrap();
            prop_assert!(twice <= Decimal::new(1, -2) && twice >= Decimal::new(-1, -2));
            due = due.checked_add(bill.due).unwrap();
        }
        prop_assert_eq!(due, bills.due);
    }

    #[test]
    fn prices_that_are_written_are_read_back(
        energy in proptest::collection::btree_map("[A-Z][0-9]{1,3}", any_price(), 0..5),
        currency in "[^\\p{C}\\s]{1,8}",
        decimals in 0u8..=4,
        tax in 0i64..100,
    ) {
        let energy = energy.into_iter().map(|(register, price)| Price { register, price }).collect();
        let prices = Prices { currency, decimals, tax_percent: Decimal::from(tax), energy, ..Prices::default() };
        prop_assert_eq!(read_prices(write_prices(&prices).as_bytes()), Ok(prices));
    }

    #[test]
    fn no_octets_make_the_reader_panic(octets in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = read_prices(&octets);
    }

    #[test]
    fn no_change_of_a_good_file_makes_the_reader_panic(
        at in any::<prop::sample::Index>(), octet: u8, cut in any::<prop::sample::Index>(),
    ) {
        let mut octets = write_prices(&prices()).into_bytes();
        let place = at.index(octets.len());
        octets[place] = octet;
        let _ = read_prices(&octets);
        octets.truncate(cut.index(octets.len()));
        let _ = read_prices(&octets);
    }
}
