//! Ratios of points in lists of meters.

use super::*;

/// A period as a file says it.
fn period(from: &str, ct: &str, vt: &str, registers_in: Side, classes: [Option<&str>; 3]) -> RatioPeriod {
    let [ct_class, vt_class, meter_class] = classes.map(|class| class.map(str::to_owned));
    RatioPeriod {
        from: from.parse().unwrap(),
        until: None,
        transformers: Transformers { ct: ct.parse().unwrap(), vt: vt.parse().unwrap(), registers_in },
        classes: AccuracyClasses { ct: ct_class, vt: vt_class, meter: meter_class },
    }
}

fn put(patch: Option<&RatioPatch>) -> &[RatioPeriod] {
    let Some(RatioPatch::Put(periods)) = patch else { panic!("{patch:?}") };
    periods
}

#[test]
fn the_ratios_of_a_row_are_read_together_with_a_line_for_each_period() {
    let text = "name,line,time_zone,ratio_from,ratio_ct,ratio_vt,ratio_applied_by_meter,ratio_ct_class\n\
        A,tcp://a,Europe/London,2026-11-01,400/5,,,0.2S\n\
        B,tcp://b,Europe/London,\"2026-07-01\n2026-01-01\",\"600/5\n400/5\",\"1/1\n110000/√3:100/√3\",\"yes\nno\",\"-\n0.5\"\n";
    let plan = planned(text, &[], Key::Name, Known::AddOnly);
    assert_eq!(plan.counts.new, 2, "{plan:?}");
    let a = period("2026-11-01T00:00:00Z", "400/5", "1/1", Side::Secondary, [Some("0.2S"), None, None]);
    assert_eq!(put(plan.changes.add[0].1.ratios.as_ref()), [a]);
    let january = period(
        "2026-01-01T00:00:00Z",
        "400/5",
        "110000/√3:100/√3",
        Side::Secondary,
        [Some("0.5"), None, None],
    );
    let july = period("2026-06-30T23:00:00Z", "600/5", "1/1", Side::Primary, [None; 3]);
    let found = put(plan.changes.add[1].1.ratios.as_ref());
    assert_eq!(found, [january, july], "oldest first, local midnights of summer and winter");
    assert_eq!(found[0].transformers.vt.to_string(), "110000/√3:100/√3", "the root is kept as such");
}

#[test]
fn what_is_wrong_with_ratios_is_told_by_row_and_column() {
    let text = "name,line,ratio_from,ratio_ct,ratio_applied_by_meter\n\
        A,tcp://a,,400/5,\n\
        B,tcp://b,first of May,400/5,\n\
        C,tcp://c,soon,400/0,perhaps\n\
        D,tcp://d,\"2026-01-01\n2026-07-01\",400/5,\n\
        E,tcp://e,\"2026-01-01\n2026-01-01\",\"400/5\n600/5\",\n";
    let found = problems(&planned(text, &[], Key::Name, Known::AddOnly));
    let wanted = [
        "row 2, column ratio_from: it is empty",
        "row 3, column ratio_from: `first of May` is no time",
        "row 4, column ratio_from: `soon` is no time",
        "row 4, column ratio_ct: `400/0` is not a ratio",
        "row 4, column ratio_applied_by_meter: `perhaps` says not",
        "row 5, column ratio_ct: it has 1 line, and ratio_from has 2",
        "row 7, column ratio_from: two periods begin at",
    ];
    assert_eq!(found.len(), wanted.len(), "{found:?}");
    for (found, wanted) in found.iter().zip(wanted) {
        assert!(found.starts_with(wanted), "{found}");
    }
    let plan = planned("name,line,ratio_ct\nA,tcp://a,400/5\n", &[], Key::Name, Known::AddOnly);
    assert_eq!(problems(&plan), ["row 1: the column `ratio_from` is missing"]);
}

#[test]
fn a_period_that_a_row_names_is_put_and_those_before_it_stay() {
    let mut one = meter(1, "A", "1");
    let stands =
        period("2026-01-01T00:00:00Z", "400/5", "20000/100", Side::Primary, [Some("0.5"), None, None]);
    one.ratios = RatioHistory::new(vec![stands.clone()]);
    (one.has_ratio, one.config.registers_in) = (true, Side::Primary);
    let text = "name,ratio_from,ratio_ct\nA,2026-11-01T00:00:00Z,600/5\n";
    let plan = planned(text, &[one.clone()], Key::Name, Known::UpdateOnly);
    let wanted = RatioPeriod {
        transformers: Transformers { ct: "600/5".parse().unwrap(), ..stands.transformers.clone() },
        ..period("2026-11-01T00:00:00Z", "1/1", "1/1", Side::Primary, [Some("0.5"), None, None])
    };
    assert_eq!(
        put(plan.changes.change[0].1.about.ratios.as_ref()),
        [wanted],
        "what is left out is as before"
    );
    let Fate::Changed(differences) = &plan.rows[0].fate else { panic!("{plan:?}") };
    assert_eq!(differences[0].column, Column::Ratio(RatioPart::From));
    assert_eq!(differences[0].after, "2026-01-01T00:00:00Z\n2026-11-01T00:00:00Z");
    assert!(plan.changes.touches_ratios());
    // Empty cells leave them, or take them away where they clear.
    let sheet = Sheet::read(b"name,ratio_from,ratio_ct\nA,,\n", Style::default()).unwrap();
    let of = |empty| {
        let columns = guess(&sheet.header, &BTreeMap::new());
        let choices = Choices { columns, known: Known::UpdateOnly, empty, ..Choices::default() };
        super::plan(&sheet, std::slice::from_ref(&one), &choices)
    };
    assert_eq!(of(Empty::Leave).counts.unchanged, 1);
    assert_eq!(of(Empty::Clear).changes.change[0].1.about.ratios, Some(RatioPatch::Clear));
}

#[test]
fn a_row_may_put_the_registers_on_another_side_with_the_ratio_that_says_so() {
    let mut one = meter(1, "A", "1");
    one.ratios =
        RatioHistory::new(vec![period("2026-01-01T00:00:00Z", "400/5", "1/1", Side::Secondary, [None; 3])]);
    one.has_ratio = true;
    let text = "name,registers_in,ratio_from,ratio_applied_by_meter\nA,primary,2026-01-01T00:00:00Z,yes\n";
    let plan = planned(text, &[one], Key::Name, Known::UpdateOnly);
    assert_eq!(plan.counts.changed, 1, "{plan:?}");
}

/// Ratios that a person could have entered, with awkward figures.
fn any_ratios() -> impl Strategy<Value = RatioHistory> {
    let side = prop_oneof![
        (1u64..1_000_000_000).prop_map(|whole| whole.to_string()),
        (1u64..9_999, 1u64..999_999).prop_map(|(whole, part)| format!("{whole}.{part:06}")),
    ];
    let divided = (side, prop::sample::select(vec!["", "/√3", "/3"])).prop_map(|(a, b)| format!("{a}{b}"));
    let ratio = (divided.clone(), divided).prop_map(|(a, b)| format!("{a}:{b}").parse().unwrap());
    let class = prop::option::of("[0-9.S]{1,4}");
    let classes = (class.clone(), class.clone(), class);
    let from = (1_500_000_000i64..1_900_000_000, 0i32..1_000_000);
    let one = (from, ratio.clone(), ratio, any::<bool>(), classes);
    prop::collection::vec(one, 0..4).prop_map(|periods| {
        let periods = periods.into_iter().map(|((second, micros), ct, vt, applied, (a, b, c))| RatioPeriod {
            from: jiff::Timestamp::new(second, micros * 1000).unwrap(),
            until: None,
            transformers: Transformers {
                ct,
                vt,
                registers_in: if applied { Side::Primary } else { Side::Secondary },
            },
            classes: AccuracyClasses { ct: a, vt: b, meter: c },
        });
        RatioHistory::new(periods.collect())
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn ratios_of_one_store_come_into_an_empty_one_to_the_last_bit(
        all in prop::collection::vec(any_ratios(), 1..5),
        separator in prop::sample::select(Separator::ALL.map(|(one, _)| one).to_vec()),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let mut from = Store::open(&folder.path().join("from.db")).unwrap();
        for (history, id) in all.iter().zip(1..) {
            let meter = from.add_meter(&meter(id, &format!("M{id}"), "").config).unwrap();
            let point = from.point_of(meter).unwrap().unwrap().id;
            for period in history.periods() {
                from.set_ratio(point, period).unwrap();
            }
        }
        let list = from.listed_meters().unwrap();
        let bytes = written(&list.iter().collect::<Vec<_>>(), separator, false);
        let style = Style { separator, ..Style::default() };
        let sheet = Sheet::read(&bytes, style).unwrap();
        let columns = guess(&sheet.header, &BTreeMap::new());
        let choices = Choices { columns, known: Known::AddAndUpdate, ..Choices::default() };
        prop_assert_eq!(plan(&sheet, &list, &choices).counts.unchanged, list.len());
        let mut into = Store::open(&folder.path().join("into.db")).unwrap();
        let fresh = plan(&sheet, &[], &choices);
        prop_assert_eq!(fresh.counts.new, list.len(), "{:?}", fresh.rows);
        into.change_meters(&fresh.changes).unwrap();
        let again = into.listed_meters().unwrap();
        let bits = |list: &[ListedMeter]| -> Vec<String> {
            list.iter().map(|one| serde_json::to_string(&(&one.config, one.ratios.periods())).unwrap()).collect()
        };
        prop_assert_eq!(bits(&again), bits(&list));
    }
}
