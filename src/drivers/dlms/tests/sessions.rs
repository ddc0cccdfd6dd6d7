//! What a session asks for, and what becomes of the answers.

use jiff::{SignedDuration, Timestamp};

use crate::model::{Auth, Blame, DeviationSign, ReadingValue, Step, Unit, What};
use crate::protocol::dlms::{Conformance, CosemDateTime, Data};

use super::super::session::association_config;
use super::fake_meter::obis;
use super::recorder::{Bench, at};

const JOB: [What; 3] = [What::Clock, What::Registers, What::Profile];

fn day(bench: &Bench) -> (Option<Timestamp>, Option<Timestamp>) {
    (Some(bench.now - SignedDuration::from_hours(24)), None)
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_first_read_gives_identity_clock_registers_and_the_whole_profile() {
    let mut bench = Bench::new();
    let got = bench.read(&JOB, (None, None)).await;
    assert_eq!(got.identities[0].serial.as_deref(), Some("12345678"));
    assert_eq!(got.identities[0].firmware.as_deref(), Some("V1.2.3"));
    assert_eq!(got.identities[0].maker.as_deref(), Some("MTW"));
    assert_eq!(got.clocks[0].drift_ms(), 0);
    assert_eq!(got.registers.len(), 12);
    let total = got.registers.iter().find(|one| one.obis == obis("1.8.0")).unwrap();
    assert_eq!((total.value.text().unwrap().as_str(), total.unit), ("1000000", Unit::WH));
    let rows = &got.rows[&obis("1-0:99.1.0")];
    assert_eq!(rows.len(), 60 * 48);
    assert_eq!(rows[0].values[4].unwrap().to_string(), "230.1");
    assert!(got.deliveries > 1, "a cut must not cost everything");
    assert!(rows.windows(2).all(|pair| pair[0].end < pair[1].end), "oldest first, each once");
    assert_eq!((got.faults, got.remarks), (Vec::new(), Vec::new()));
    assert!(!bench.meter.associated, "the meter was released");
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_known_meter_gives_a_day_in_five_exchanges_and_with_large_messages_in_three() {
    for (pdu, budget) in [(1024, 5), (65_535, 3)] {
        let mut bench = Bench::new();
        bench.meter.pdu = pdu;
        bench.read(&JOB, day(&bench)).await;
        bench.meter.count_anew();
        let got = bench.read(&JOB, day(&bench)).await;
        assert_eq!(got.rows[&obis("1-0:99.1.0")].len(), 48);
        assert_eq!((got.clocks.len(), got.registers.len()), (1, 12));
        assert!(bench.meter.exchanges <= budget, "{} exchanges with {pdu}", bench.meter.exchanges);
    }
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_known_meter_gives_thirty_days_within_budget() {
    for (pdu, budget) in [(1024, 63), (65_535, 4)] {
        let mut bench = Bench::new();
        bench.meter.pdu = pdu;
        let span = (Some(bench.now - SignedDuration::from_hours(30 * 24)), None);
        bench.read(&JOB, span).await;
        bench.meter.count_anew();
        let got = bench.read(&JOB, span).await;
        assert_eq!(got.rows[&obis("1-0:99.1.0")].len(), 1440);
        assert!(bench.meter.exchanges <= budget, "{} exchanges with {pdu}", bench.meter.exchanges);
    }
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn what_does_not_change_is_asked_once_and_reading_the_object_list_asks_again() {
    let mut bench = Bench::new();
    bench.read(&JOB, day(&bench)).await;
    bench.meter.count_anew();
    bench.read(&JOB, day(&bench)).await;
    let stable = [(3, "1.8.0", 3), (7, "1-0:99.1.0", 3), (15, "0-0:40.0.0", 2)];
    for (class_id, name, attribute) in stable {
        assert_eq!(bench.meter.times_asked(class_id, name, attribute), 0, "{name} {attribute}");
    }
    let got = bench.read(&[What::Objects, What::Registers], (None, None)).await;
    assert!(got.objects.iter().any(|one| one.obis == obis("1-0:99.1.0")));
    assert_eq!(bench.meter.times_asked(15, "0-0:40.0.0", 2), 1);
    assert_eq!(bench.meter.times_asked(3, "1.8.0", 3), 1);
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn another_meter_at_the_address_ends_the_session_before_anything_is_stored() {
    let mut bench = Bench::new();
    bench.read(&JOB, day(&bench)).await;
    bench.meter.put(1, "0-0:96.1.0", 2, Data::Octets(b"87654321".to_vec()));
    let mut sink = bench.recorder();
    let fault = bench.read_into(&JOB, day(&bench), &mut sink).await.unwrap_err();
    assert_eq!(fault.blame, Blame::Meter);
    assert!(fault.message.contains("87654321") && fault.message.contains("12345678"), "{fault}");
    assert!(sink.registers.is_empty() && sink.rows.is_empty() && sink.clocks.is_empty());
    assert!(!bench.meter.associated);
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_first_read_of_the_wrong_meter_stores_nothing_either() {
    let mut bench = Bench::new();
    bench.access.config.serial = Some("555".into());
    let mut sink = bench.recorder();
    bench.read_into(&JOB, day(&bench), &mut sink).await.unwrap_err();
    assert!(sink.identities.is_empty() && sink.registers.is_empty() && sink.rows.is_empty());
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn new_firmware_has_scalers_and_columns_read_anew_in_the_same_session() {
    // facts/dlms-quirks.md, 68.
    let mut bench = Bench::new();
    bench.read(&JOB, day(&bench)).await;
    bench.meter.put(1, "1-0:0.2.0", 2, Data::Octets(b"V2".to_vec()));
    bench.meter.put(3, "1.8.0", 3, Data::Structure(vec![Data::I8(3), Data::Enum(30)]));
    let got = bench.read(&JOB, day(&bench)).await;
    let total = got.registers.iter().find(|one| one.obis == obis("1.8.0")).unwrap();
    assert_eq!(total.value.text().unwrap(), "1000000000");
    assert!(got.remarks[0].contains("firmware changed"), "{:?}", got.remarks);
    assert_eq!(got.registers.len(), 12, "once, not twice");
    let again = bench.read(&JOB, day(&bench)).await;
    assert_eq!(again.remarks, Vec::<String>::new());
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_changed_configuration_is_noticed_by_the_meters_own_count() {
    let mut bench = Bench::new();
    bench.meter.put(1, "0-0:96.2.0", 2, Data::U16(4));
    bench.read(&JOB, day(&bench)).await;
    bench.meter.put(1, "0-0:96.2.0", 2, Data::U16(5));
    bench.meter.count_anew();
    let got = bench.read(&JOB, day(&bench)).await;
    assert!(got.remarks[0].contains("configuration changed"), "{:?}", got.remarks);
    assert_eq!(bench.meter.times_asked(7, "1-0:99.1.0", 3), 1);
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_refused_register_is_told_once_and_not_asked_for_again() {
    // facts/dlms-quirks.md, 59.
    let mut bench = Bench::new();
    bench.meter.refuse(3, "1.8.3", 2, 3);
    let got = bench.read(&[What::Registers], (None, None)).await;
    assert_eq!((got.registers.len(), got.faults.len()), (11, 0));
    assert!(got.remarks[0].contains("1-0:1.8.3 (read or write denied)"), "{:?}", got.remarks);
    bench.meter.count_anew();
    let again = bench.read(&[What::Registers], (None, None)).await;
    assert_eq!(again.remarks, Vec::<String>::new());
    assert_eq!(bench.meter.times_asked(3, "1.8.3", 2), 0);
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_register_that_fails_for_now_fails_the_read_and_is_asked_for_again() {
    let mut bench = Bench::new();
    bench.read(&[What::Registers], (None, None)).await;
    for code in [1, 2, 250] {
        bench.meter.refuse(3, "1.8.3", 2, code);
        let got = bench.read(&[What::Registers], (None, None)).await;
        assert_eq!(got.registers.len(), 11);
        assert!(got.faults[0].message.contains("1-0:1.8.3"), "{:?}", got.faults);
    }
    bench.meter.put(3, "1.8.3", 2, Data::U32(3));
    assert_eq!(bench.read(&[What::Registers], (None, None)).await.registers.len(), 12);
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_register_without_scaler_is_shown_as_a_bare_count() {
    let mut bench = Bench::new();
    bench.meter.refuse(3, "2.8.4", 3, 3);
    let got = bench.read(&[What::Registers], (None, None)).await;
    let bare = got.registers.iter().find(|one| one.obis == obis("2.8.4")).unwrap();
    assert_eq!((bare.value.text().unwrap().as_str(), bare.unit), ("2000004", Unit::NONE));
    assert!(got.remarks[0].contains("bare counts"), "{:?}", got.remarks);
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_meter_without_an_object_list_is_read_by_the_usual_names_and_misses_are_remembered() {
    let mut bench = Bench::new();
    bench.meter.refuse(15, "0-0:40.0.0", 2, 3);
    let got = bench.read(&JOB, day(&bench)).await;
    assert_eq!(got.registers.len(), 12);
    assert_eq!(got.rows[&obis("1-0:99.1.0")].len(), 48);
    assert_eq!(got.faults, Vec::new());
    assert!(got.remarks.iter().any(|text| text.contains("usual objects")), "{:?}", got.remarks);
    assert!(bench.meter.times_asked(3, "5.8.0", 3) > 0);
    bench.meter.count_anew();
    bench.read(&JOB, day(&bench)).await;
    assert!(bench.meter.exchanges <= 5, "{}", bench.meter.exchanges);
    assert_eq!(bench.meter.times_asked(3, "5.8.0", 3), 0);
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_meter_that_cannot_take_lists_is_asked_for_one_thing_at_a_time() {
    // facts/dlms-quirks.md, 32 and 54.
    let mut bench = Bench::new();
    bench.meter.conformance.remove(Conformance::MULTIPLE_REFERENCES);
    let got = bench.read(&JOB, day(&bench)).await;
    assert_eq!((got.registers.len(), got.rows[&obis("1-0:99.1.0")].len()), (12, 48));

    let mut bench = Bench::new();
    bench.meter.lists_fail = true;
    let got = bench.read(&JOB, day(&bench)).await;
    assert_eq!((got.registers.len(), got.rows[&obis("1-0:99.1.0")].len()), (12, 48));
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_register_that_the_list_does_not_name_by_its_unit_is_still_read() {
    let mut bench = Bench::new();
    bench.meter.put(3, "1-0:128.8.17", 2, Data::I64(-7));
    bench.meter.put(3, "1-0:128.8.17", 3, Data::Structure(vec![Data::I8(-1), Data::Enum(99)]));
    let got = bench.read(&[What::Registers], (None, None)).await;
    let odd = got.registers.iter().find(|one| one.obis == obis("1-0:128.8.17")).unwrap();
    assert_eq!((odd.value.text().unwrap().as_str(), odd.unit), ("-0.7", Unit(99)));
    assert_eq!(odd.name, "Object 1-0:128.8.17");
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn instantaneous_values_go_to_their_own_list() {
    let mut bench = Bench::new();
    let got = bench.read(&[What::Instantaneous], (None, None)).await;
    let shown: Vec<String> = got.instantaneous.iter().filter_map(|one| one.value.text()).collect();
    assert_eq!(shown, ["5.12", "230.1"]);
    assert!(got.registers.is_empty());
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_data_object_is_a_register_where_the_template_names_it() {
    let mut bench = Bench::new();
    bench.meter.put(1, "0-0:96.7.0", 2, Data::U16(17));
    bench.access.template.objects.registers = vec![obis("0-0:96.7.0")];
    bench.access.template.objects.names.insert(obis("0-0:96.7.0"), "Failures".into());
    let got = bench.read(&[What::Registers], (None, None)).await;
    assert_eq!(
        (got.registers[0].name.as_str(), got.registers[0].value.text().unwrap().as_str()),
        ("Failures", "17")
    );
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_maximum_is_read_with_its_time() {
    let mut bench = Bench::new();
    let stamp = CosemDateTime::from_stamp(&bench.meter.rule.to_stamp(at("2026-11-20T17:15:00Z")));
    bench.meter.put(4, "1.6.0", 2, Data::U32(4250));
    bench.meter.put(4, "1.6.0", 3, Data::Structure(vec![Data::I8(0), Data::Enum(27)]));
    bench.meter.put(4, "1.6.0", 4, Data::Null);
    bench.meter.put(4, "1.6.0", 5, Data::DateTime(stamp));
    let got = bench.read(&[What::Registers], (None, None)).await;
    let maximum: Vec<_> = got.registers.iter().filter(|one| one.obis == obis("1.6.0")).collect();
    assert_eq!(maximum.len(), 1, "an empty status is no reading");
    assert_eq!((maximum[0].unit, maximum[0].stamp.unwrap().1), (Unit::W, at("2026-11-20T17:15:00Z")));
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_deviation_of_the_other_sign_is_told_and_stamps_are_read_with_it() {
    // facts/dlms-quirks.md, 62.
    let mut bench = Bench::new();
    bench.meter.rule.sign = DeviationSign::Inverted;
    let stamp = CosemDateTime::from_stamp(&bench.meter.rule.to_stamp(bench.now));
    bench.meter.put(8, "0-0:1.0.0", 2, Data::Octets(stamp.0.to_vec()));
    let got = bench.read(&JOB, day(&bench)).await;
    assert!(got.clocks[0].sign_looks_inverted);
    assert_eq!(got.clocks[0].drift_ms(), 0);
    assert!(got.remarks[0].contains("other sign"), "{:?}", got.remarks);
    let rows = &got.rows[&obis("1-0:99.1.0")];
    assert_eq!((rows.len(), rows[47].end), (48, at("2026-11-22T16:00:00Z")));
    let again = bench.read(&[What::Profile], day(&bench)).await;
    assert_eq!(again.rows[&obis("1-0:99.1.0")].len(), 48);
    assert_eq!(again.remarks, Vec::<String>::new(), "told when it first shows, or with the clock");
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_clock_that_shows_no_time_is_a_failure_and_the_read_goes_on() {
    // facts/dlms-quirks.md, 65.
    let mut bench = Bench::new();
    bench.meter.put(8, "0-0:1.0.0", 2, Data::Octets(CosemDateTime::UNSPECIFIED.0.to_vec()));
    let got = bench.read(&JOB, day(&bench)).await;
    assert!(got.faults[0].message.contains("shows no time"), "{:?}", got.faults);
    assert_eq!((got.clocks.len(), got.registers.len()), (0, 12));
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_sign_that_shows_only_now_has_the_range_asked_for_again() {
    let mut bench = Bench::new();
    bench.read(&JOB, day(&bench)).await;
    bench.meter.rule.sign = DeviationSign::Inverted;
    let stamp = CosemDateTime::from_stamp(&bench.meter.rule.to_stamp(bench.now));
    bench.meter.put(8, "0-0:1.0.0", 2, Data::Octets(stamp.0.to_vec()));
    let got = bench.read(&JOB, day(&bench)).await;
    let rows = &got.rows[&obis("1-0:99.1.0")];
    assert_eq!((rows.len(), rows[47].end), (48, at("2026-11-22T16:00:00Z")));
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_template_may_replace_a_scaler_that_lacks_a_factor() {
    // facts/dlms-quirks.md, 69.
    let mut bench = Bench::new();
    let scaler = crate::model::ScalerUnit { scaler: -4, unit: Unit::A };
    bench.access.template.objects.scalers.insert(obis("31.7.0"), scaler);
    let got = bench.read(&[What::Instantaneous], (None, None)).await;
    assert_eq!(got.instantaneous[0].value.text().unwrap(), "0.0512");
    assert_eq!(bench.meter.times_asked(3, "31.7.0", 3), 0);
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn transformer_ratios_are_read_with_the_registers() {
    // facts/dlms-quirks.md, 70.
    let mut bench = Bench::new();
    bench.meter.put(1, "1-0:0.4.2", 2, Data::U16(400));
    bench.access.config.registers_in = crate::model::Side::Primary;
    let got = bench.read(&[What::Registers], (None, None)).await;
    let ratio = got.registers.iter().find(|one| one.obis == obis("1-0:0.4.2")).unwrap();
    assert_eq!(ratio.value.text().unwrap(), "400");
    assert!(got.registers.iter().all(|one| one.side == crate::model::Side::Primary));
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn on_a_serial_line_the_clock_goes_ahead_of_a_long_answer() {
    let mut bench = Bench::new();
    let month = (Some(bench.now - SignedDuration::from_hours(30 * 24)), None);
    bench.read(&JOB, month).await;
    bench.access.config.line = "serial:/dev/ttyUSB0?baud=9600".parse().unwrap();
    for (span, place) in [(month, 0), (day(&bench), 0)] {
        bench.meter.count_anew();
        bench.read(&JOB, span).await;
        assert_eq!(bench.meter.asked[place].class_id, 8);
    }
    bench.meter.count_anew();
    bench.meter.pdu = 65_535;
    bench.read(&JOB, month).await;
    assert_eq!(bench.meter.exchanges, 4, "AARQ, clock, list, RLRQ");
    bench.meter.count_anew();
    bench.read(&JOB, day(&bench)).await;
    assert_eq!(bench.meter.exchanges, 3, "a day is short enough");
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn another_association_sees_other_objects_so_nothing_is_taken_over() {
    let mut bench = Bench::new();
    bench.meter.refuse(3, "1.8.3", 2, 3);
    bench.read(&[What::Registers], (None, None)).await;
    bench.meter.put(3, "1.8.3", 2, Data::U32(3));
    bench.access.config.client = Some(1);
    let got = bench.read(&[What::Registers], (None, None)).await;
    assert_eq!(got.registers.len(), 12);
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn the_client_address_follows_the_authentication_unless_it_is_given() {
    let mut bench = Bench::new();
    let client = |bench: &Bench| association_config(&bench.access, &bench.knowledge).client;
    assert_eq!(client(&bench), 16);
    bench.access.config.auth = Auth::Low;
    assert_eq!(client(&bench), 1);
    bench.access.config.client = Some(0x66);
    assert_eq!(client(&bench), 0x66);
    bench.knowledge.list_max = Some(1);
    assert_eq!(association_config(&bench.access, &bench.knowledge).requests.list_max, 1);
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_test_of_the_connection_tells_who_answered_and_what_time_it_has() {
    let mut bench = Bench::new();
    let (outcome, got) = bench.test().await;
    outcome.unwrap();
    assert_eq!(got.identities[0].logical_device_name.as_deref(), Some("MTW0000012345678"));
    assert_eq!(got.clocks.len(), 1);
    assert_eq!(got.steps.last(), Some(&Step::Releasing));
    assert!(got.steps.contains(&Step::Reading(What::Clock)));
    assert_eq!(bench.meter.times_asked(15, "0-0:40.0.0", 2), 0, "a test is short");
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_line_that_is_cut_is_the_lines_fault_and_what_came_before_is_kept() {
    let mut bench = Bench::new();
    bench.read(&JOB, day(&bench)).await;
    bench.meter.count_anew();
    bench.meter.cut_after = Some(80);
    let mut sink = bench.recorder();
    let fault = bench.read_into(&JOB, (None, None), &mut sink).await.unwrap_err();
    assert_eq!((fault.blame, fault.passing), (Blame::Line, true));
    assert_eq!(sink.registers.len(), 12);
    assert!(!sink.rows.is_empty(), "the first window had come");
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_meter_without_plate_data_costs_no_exchange_more() {
    let mut bench = Bench::new();
    for (class_id, name) in [(1, "0-0:96.1.0"), (1, "0-0:42.0.0"), (1, "1-0:0.2.0")] {
        bench.meter.attributes.remove(&(class_id, obis(name), 2));
    }
    let what = [What::Identity, What::Registers];
    let got = bench.read(&what, (None, None)).await;
    assert!(got.identities.is_empty() && got.faults.is_empty());
    assert!(got.remarks[0].contains("nothing of its identity"), "{:?}", got.remarks);
    bench.meter.count_anew();
    bench.read(&[What::Registers], (None, None)).await;
    assert_eq!(bench.meter.exchanges, 3);
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_meter_that_chokes_on_long_messages_is_asked_for_short_ones_for_a_while() {
    let mut bench = Bench::new();
    bench.meter.pdu = 65_535;
    bench.meter.chokes_above = Some(2048);
    let span = day(&bench);
    let mut sink = bench.recorder();
    assert_eq!(bench.read_into(&JOB, span, &mut sink).await.unwrap_err().blame, Blame::Line);
    for _session in 0..20 {
        assert_eq!(bench.read(&JOB, span).await.registers.len(), 12);
    }
    assert_eq!(bench.knowledge.short_messages, 0, "then long ones are tried again");
    bench.meter.chokes_above = None;
    bench.meter.count_anew();
    bench.read(&JOB, span).await;
    assert_eq!(bench.meter.exchanges, 3);
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_line_that_fails_with_short_messages_too_is_not_slowed_down_by_them() {
    let mut bench = Bench::new();
    for expected in [20, 0] {
        bench.meter.count_anew();
        bench.meter.cut_after = Some(2);
        let mut sink = bench.recorder();
        bench.read_into(&JOB, day(&bench), &mut sink).await.unwrap_err();
        assert_eq!(bench.knowledge.short_messages, expected);
    }
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_register_that_holds_nothing_is_absent() {
    let mut bench = Bench::new();
    bench.meter.put(3, "1.8.4", 2, Data::Null);
    let got = bench.read(&[What::Registers], (None, None)).await;
    let empty = got.registers.iter().find(|one| one.obis == obis("1.8.4")).unwrap();
    assert_eq!(empty.value, ReadingValue::Absent);
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_meter_that_lacks_what_was_asked_for_says_so() {
    let mut bench = Bench::new();
    bench.meter.profiles.clear();
    let got = bench.read(&[What::Profile, What::Events], (None, None)).await;
    assert!(got.faults[0].message.contains("the load profile"), "{:?}", got.faults);
    assert!(got.remarks[0].contains("the event logs"), "{:?}", got.remarks);
}
