use crate::model::Obis;
use crate::protocol::dlms::{Data, MethodRef};

use super::*;

const GET_CLOCK: &str = "C0 01 C1 00 08 00 00 01 00 00 FF 02 00";

async fn get_clock(script: ScriptedLink) -> (Result<Data, DlmsError>, Vec<String>) {
    let mut link = script;
    let mut row = Row::from(0);
    let mut association = associate(&mut link, &open_config(), &mut row).await;
    let value = association.get(&clock()).await;
    let remarks = association.take_remarks();
    link.finish();
    (value, remarks)
}

#[tokio::test(flavor = "current_thread")]
async fn a_refused_attribute_says_which_and_why() {
    let (value, _) = get_clock(usual().expect(GET_CLOCK).respond("C4 01 C1 01 03")).await;
    let wanted = "the meter refused attribute 2 of 0-0:1.0.0*255 (class 8): read or write denied";
    assert_eq!(value.unwrap_err().to_string(), wanted);
}

#[tokio::test(flavor = "current_thread")]
async fn a_value_in_blocks_is_put_together_whatever_number_the_blocks_begin_at() {
    // facts/dlms-quirks.md, lines 49 and 50.
    for start in [1u32, 0, 7] {
        let (second, third) = (start + 1, start + 2);
        let script = usual()
            .expect(GET_CLOCK)
            .respond(&format!("C4 02 C1 00 {start:08X} 00 03 09 06 01"))
            .expect(&format!("C0 02 C1 {start:08X}"))
            .respond(&format!("C4 02 C1 00 {second:08X} 00 03 02 03 04"))
            .expect(&format!("C0 02 C1 {second:08X}"))
            .respond(&format!("C4 02 C1 01 {third:08X} 00 02 05 06"));
        let (value, remarks) = get_clock(script).await;
        assert_eq!(value.unwrap(), Data::Octets(vec![1, 2, 3, 4, 5, 6]));
        assert_eq!(remarks.len(), usize::from(start > 1), "{remarks:?}");
    }
}

#[tokio::test(flavor = "current_thread")]
async fn bytes_behind_a_block_or_a_value_are_ignored_with_a_remark() {
    // facts/dlms-quirks.md, lines 51 and 52.
    let script = usual()
        .expect(GET_CLOCK)
        .respond("C4 02 C1 00 00000001 00 02 09 02 EE EE EE")
        .expect("C0 02 C1 00000001")
        .respond("C4 02 C1 01 00000002 00 04 AA BB 09 02");
    let (value, remarks) = get_clock(script).await;
    assert_eq!(value.unwrap(), Data::Octets(vec![0xAA, 0xBB]));
    assert_eq!(remarks.len(), 2, "{remarks:?}");
}

#[tokio::test(flavor = "current_thread")]
async fn an_array_shorter_than_it_says_gives_what_came_with_a_remark() {
    // facts/dlms-quirks.md, line 57.
    let (value, remarks) =
        get_clock(usual().expect(GET_CLOCK).respond("C4 01 C1 00 01 03 11 01 11 02")).await;
    assert_eq!(value.unwrap(), Data::Array(vec![Data::U8(1), Data::U8(2)]));
    assert!(remarks[0].contains("1 elements more"), "{remarks:?}");
}

#[tokio::test(flavor = "current_thread")]
async fn a_block_that_comes_twice_counts_once_and_a_gap_is_an_error_with_the_bytes() {
    let script =
        || usual().expect(GET_CLOCK).respond("C4 02 C1 00 00000001 00 02 09 02").expect("C0 02 C1 00000001");
    let twice =
        script().respond("C4 02 C1 00 00000001 00 02 09 02").respond("C4 02 C1 01 00000002 00 02 AA BB");
    assert_eq!(get_clock(twice).await.0.unwrap(), Data::Octets(vec![0xAA, 0xBB]));
    let gap = script().respond("C4 02 C1 01 00000003 00 02 AA BB");
    let error = get_clock(gap).await.0.unwrap_err();
    let DlmsError::Protocol { reason, raw } = error else { panic!("{error:?}") };
    assert!(reason.contains("block 2 was due, 3 came"), "{reason}");
    assert_eq!(raw[..2], [0xC4, 2]);
}

#[tokio::test(flavor = "current_thread")]
async fn after_an_abandoned_transfer_its_late_blocks_are_dropped() {
    let mut link = usual()
        .expect(GET_CLOCK)
        .respond("C4 02 C1 00 00000001 00 02 09 02")
        .expect("C0 02 C1 00000001")
        .silence()
        .expect("C0 01 C2 00 08 00 00 01 00 00 FF 02 00")
        .respond("C4 02 C1 01 00000002 00 02 AA BB")
        .respond("C4 01 C2 00 11 05");
    let mut row = Row::from(0);
    let mut association = associate(&mut link, &open_config(), &mut row).await;
    assert!(matches!(association.get(&clock()).await, Err(DlmsError::Link(_))));
    assert_eq!(association.get(&clock()).await.unwrap(), Data::U8(5));
    assert!(association.take_remarks()[0].contains("was dropped"));
    link.finish();
}

#[tokio::test(flavor = "current_thread")]
async fn notifications_between_request_and_answer_are_put_aside() {
    // facts/dlms-quirks.md, line 83.
    let mut link = usual()
        .expect(GET_CLOCK)
        .respond("0F 00 00 00 01 00 11 07")
        .respond("C2 00 00 03 01 00 01 08 00 FF 02 06 00 00 00 01")
        .respond("0F FF")
        .respond("C4 01 C1 00 11 05");
    let mut row = Row::from(0);
    let mut association = associate(&mut link, &open_config(), &mut row).await;
    assert_eq!(association.get(&clock()).await.unwrap(), Data::U8(5));
    let told = association.take_notifications();
    assert!(matches!(&told[0], Notification::Data(told) if told.body == Data::U8(7)));
    assert!(matches!(&told[1], Notification::Event(told) if told.value == Data::U32(1)));
    assert_eq!(told.len(), 2);
    assert!(association.take_remarks()[0].contains("makes no sense"));
}

#[tokio::test(flavor = "current_thread")]
async fn a_meter_that_only_ever_notifies_does_not_hold_a_request_for_ever() {
    let mut script = usual().expect(GET_CLOCK);
    for _ in 0..64 {
        script = script.respond("0F 00 00 00 01 00 11 07");
    }
    let (value, _) = get_clock(script).await;
    assert!(matches!(value, Err(DlmsError::Protocol { .. })));
}

#[tokio::test(flavor = "current_thread")]
async fn senseless_bytes_are_kept_with_the_offset() {
    // facts/dlms-quirks.md, line 71.
    let (value, _) = get_clock(usual().expect(GET_CLOCK).respond("C4 01 C1 00 02 02 11 05 77")).await;
    let DlmsError::Protocol { reason, raw } = value.unwrap_err() else { panic!() };
    assert_eq!(reason, "attribute 2 of 0-0:1.0.0*255 (class 8): offset 4: 119 is no type of data");
    assert_eq!(raw, hex("02 02 11 05 77"));
}

#[tokio::test(flavor = "current_thread")]
async fn selective_access_goes_out_with_its_parameters_and_progress_is_told() {
    let mut link = usual()
        .expect("C0 01 C1 00 07 01 00 63 01 00 FF 02 01 02 02 04 06 00000001 06 00000000 12 0001 12 0000")
        .respond("C4 02 C1 00 00000001 00 02 01 00")
        .expect("C0 02 C1 00000001")
        .respond("C4 02 C1 01 00000002 00 00");
    let mut row = Row::from(0);
    let mut association = associate(&mut link, &open_config(), &mut row).await;
    let entries = Data::Structure(vec![Data::U32(1), Data::U32(0), Data::U16(1), Data::U16(0)]);
    let profile = AttributeRef {
        selective: Some(Selective { selector: 2, parameters: entries }),
        ..AttributeRef::new(7, Obis::new(1, 0, 99, 1, 0, 255), 2)
    };
    let mut seen = Vec::new();
    let encoded = association.get_encoded(&profile, &mut |bytes| seen.push(bytes)).await.unwrap();
    assert_eq!((encoded.0, seen), (vec![1, 0], vec![2, 2]));
    link.finish();
}

#[tokio::test(flavor = "current_thread")]
async fn a_short_value_is_written_at_once_and_a_long_one_in_blocks() {
    let mut link = opened("00 5E 9F", "00 40")
        .expect("C1 01 C1 00 08 00 00 01 00 00 FF 03 00 10 00 3C")
        .respond("C5 01 C1 00")
        .expect(&format!("C1 02 C2 00 01 00 00 01 00 00 FF 02 00 00 00000001 28 09 50 {}", "AA".repeat(38)))
        .respond("C5 02 C2 00000001")
        .expect(&format!("C1 03 C2 01 00000002 2A {}", "AA".repeat(42)))
        .respond("C5 03 C2 00 00000002")
        .expect("C1 01 C3 00 08 00 00 01 00 00 FF 03 00 10 00 3C")
        .respond("C5 01 C3 03");
    let mut row = Row::from(0);
    let mut association = associate(&mut link, &open_config(), &mut row).await;
    let zone = AttributeRef { attribute: 3, ..clock() };
    association.set(&zone, &Data::I16(60)).await.unwrap();
    let long = AttributeRef { class_id: 1, ..clock() };
    association.set(&long, &Data::Octets(vec![0xAA; 80])).await.unwrap();
    let error = association.set(&zone, &Data::I16(60)).await.unwrap_err();
    assert!(matches!(error, DlmsError::Access { result: DataAccessResult(3), .. }));
    assert!(error.to_string().starts_with("the meter refused writing attribute 3 of"));
    link.finish();
}

#[tokio::test(flavor = "current_thread")]
async fn a_refusal_in_the_middle_of_blocks_ends_the_writing() {
    let mut link = opened("00 5E 9F", "00 40")
        .answer(|_| vec![hex("C5 01 C1 0B")])
        .expect("C0 01 C2 00 08 00 00 01 00 00 FF 02 00")
        .respond("C4 01 C2 00 11 05");
    let mut row = Row::from(0);
    let mut association = associate(&mut link, &open_config(), &mut row).await;
    let error = association.set(&clock(), &Data::Octets(vec![0; 200])).await.unwrap_err();
    assert!(matches!(error, DlmsError::Access { result: DataAccessResult(11), .. }));
    assert_eq!(association.get(&clock()).await.unwrap(), Data::U8(5));
    link.finish();
}

fn script_table() -> MethodRef {
    MethodRef { class_id: 9, obis: Obis::new(0, 0, 10, 0, 100, 255), method: 1 }
}

#[tokio::test(flavor = "current_thread")]
async fn a_method_is_invoked_with_and_without_what_it_returns() {
    // facts/dlms-quirks.md, line 56.
    for (answer, returned) in [
        ("C7 01 C1 00 00", None),
        ("C7 01 C1 00", None),
        ("C7 01 C1 00 01 00 11 09", Some(Data::U8(9))),
        ("C7 02 C1 01 00000001 05 00 01 00 11 09", Some(Data::U8(9))),
        ("C7 02 C1 01 00000001 02 11 09", Some(Data::U8(9))),
    ] {
        let mut link = usual().expect("C3 01 C1 00 09 00 00 0A 00 64 FF 01 01 12 00 01").respond(answer);
        let mut row = Row::from(0);
        let mut association = associate(&mut link, &open_config(), &mut row).await;
        assert_eq!(
            association.action(&script_table(), Some(&Data::U16(1))).await.unwrap(),
            returned,
            "{answer}"
        );
        link.finish();
    }
}

#[tokio::test(flavor = "current_thread")]
async fn long_parameters_and_long_return_values_go_in_blocks() {
    let mut link = opened("00 5E 9F", "00 40")
        .expect(&format!("C3 04 C1 00 09 00 00 0A 00 64 FF 01 00 00000001 29 09 46 {}", "AA".repeat(39)))
        .respond("C7 04 C1 00000001")
        .expect(&format!("C3 06 C1 01 00000002 1F {}", "AA".repeat(31)))
        .respond("C7 02 C1 00 00000001 05 00 01 00 09 02")
        .expect("C3 02 C1 00000001")
        .respond("C7 02 C1 01 00000002 02 BB CC");
    let mut row = Row::from(0);
    let mut association = associate(&mut link, &open_config(), &mut row).await;
    let returned = association.action(&script_table(), Some(&Data::Octets(vec![0xAA; 70]))).await.unwrap();
    assert_eq!(returned, Some(Data::Octets(vec![0xBB, 0xCC])));
    link.finish();
}

#[tokio::test(flavor = "current_thread")]
async fn a_refused_method_says_which_and_why() {
    let mut link =
        usual().answer(|_| vec![hex("C7 01 C1 03 00")]).answer(|_| vec![hex("C7 01 C2 00 01 01 04")]);
    let mut row = Row::from(0);
    let mut association = associate(&mut link, &open_config(), &mut row).await;
    let error = association.action(&script_table(), None).await.unwrap_err().to_string();
    assert_eq!(error, "the meter refused method 1 of 0-0:10.0.100*255 (class 9): read or write denied");
    let error = association.action(&script_table(), None).await.unwrap_err();
    assert!(matches!(error, DlmsError::Access { result: DataAccessResult(4), .. }));
}

#[tokio::test(flavor = "current_thread")]
async fn a_meter_whose_blocks_hold_nothing_and_never_end_is_given_up() {
    let mut script = usual().expect(GET_CLOCK);
    for number in 1..=129 {
        script = script.respond(&format!("C4 02 C1 00 {number:08X} 00 00"));
        if number < 129 {
            script = script.expect(&format!("C0 02 C1 {number:08X}"));
        }
    }
    let error = get_clock(script).await.0.unwrap_err();
    assert!(error.to_string().contains("nothing is in them"), "{error}");
}

#[tokio::test(flavor = "current_thread")]
async fn an_outcome_whose_blocks_hold_nothing_and_never_end_is_given_up() {
    let mut link = usual().expect("C3 01 C1 00 09 00 00 0A 00 64 FF 01 00");
    for number in 1..=129 {
        link = link.respond(&format!("C7 02 C1 00 {number:08X} 00"));
        if number < 129 {
            link = link.expect(&format!("C3 02 C1 {number:08X}"));
        }
    }
    let mut row = Row::from(0);
    let mut association = associate(&mut link, &open_config(), &mut row).await;
    let error = association.action(&script_table(), None).await.unwrap_err();
    assert!(error.to_string().contains("nothing is in them"), "{error}");
    link.finish();
}
