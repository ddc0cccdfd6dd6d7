use crate::protocol::dlms::Data;

use super::*;

fn three() -> Vec<AttributeRef> {
    (0..3).map(register).collect()
}

fn ones(values: [u32; 3]) -> Vec<Result<Data, DataAccessResult>> {
    values.map(|value| Ok(Data::U32(value))).to_vec()
}

/// Answers single GETs of registers with their rate plus one.
fn single(request: &[u8]) -> Vec<Vec<u8>> {
    assert_eq!(request[..2], [0xC0, 1], "a single GET was due");
    vec![[&[0xC4, 1, request[2], 0, 6, 0, 0, 0][..], &[request[9] + 1]].concat()]
}

fn singles(script: ScriptedLink) -> ScriptedLink {
    script.answer(single).answer(single).answer(single)
}

#[tokio::test(flavor = "current_thread")]
async fn many_attributes_are_read_in_one_exchange_and_each_has_its_own_result() {
    // facts/dlms-quirks.md, line 59.
    let mut link = usual()
        .expect(
            "C0 03 C1 03 00 03 01 00 01 08 00 FF 02 00 00 03 01 00 01 08 01 FF 02 00 00 03 01 00 01 08 02 FF 02 00",
        )
        .respond("C4 03 C1 03 00 06 00 00 00 01 01 01 00 12 00 05");
    let mut row = Row::from(0);
    let mut association = associate(&mut link, &open_config(), &mut row).await;
    let values = association.get_many(&three()).await.unwrap();
    assert_eq!(values, [Ok(Data::U32(1)), Err(DataAccessResult(1)), Ok(Data::U16(5))]);
    link.finish();
}

#[tokio::test(flavor = "current_thread")]
async fn a_list_answer_may_come_in_blocks() {
    let mut link = usual()
        .answer(|_| vec![hex("C4 02 C1 00 00000001 00 08 03 00 06 00 00 00 01 00")])
        .expect("C0 02 C1 00000001")
        .respond("C4 02 C1 01 00000002 00 0B 06 00 00 00 02 00 06 00 00 00 03");
    let mut row = Row::from(0);
    let mut association = associate(&mut link, &open_config(), &mut row).await;
    assert_eq!(association.get_many(&three()).await.unwrap(), ones([1, 2, 3]));
    link.finish();
}

#[tokio::test(flavor = "current_thread")]
async fn without_the_service_or_with_a_limit_of_one_attributes_are_read_one_by_one() {
    // facts/dlms-quirks.md, lines 32 and 53.
    let mut limited = open_config();
    limited.requests.list_max = 1;
    for (config, script) in [(open_config(), opened("00 5C 9F", "FF FF")), (limited, usual())] {
        let mut link = singles(script);
        let mut row = Row::from(0);
        let mut association = associate(&mut link, &config, &mut row).await;
        assert_eq!(association.get_many(&three()).await.unwrap(), ones([1, 2, 3]));
        assert!(!association.lists_refused());
        link.finish();
    }
}

#[tokio::test(flavor = "current_thread")]
async fn lists_are_split_by_the_template_and_by_what_the_meter_takes() {
    // facts/dlms-quirks.md, line 53. A PDU of 40 bytes holds three attributes of ten bytes beside six of its own.
    for (list_max, max_pdu, wanted) in [
        (32, "FF FF", vec![7]),
        (3, "FF FF", vec![3, 3, 1]),
        (32, "00 28", vec![3, 3, 1]),
        (32, "00 10", vec![1; 7]),
    ] {
        let mut config = open_config();
        config.requests.list_max = list_max;
        let mut script = opened("00 5E 9F", max_pdu);
        for _ in &wanted {
            script = script.answer(|request| {
                if request[1] == 1 {
                    return vec![vec![0xC4, 1, request[2], 0, 0x11, 1]];
                }
                let count = request[3];
                vec![[vec![0xC4, 3, request[2], count], [0, 0x11, 1].repeat(count.into())].concat()]
            });
        }
        let mut link = script;
        let mut row = Row::from(0);
        let mut association = associate(&mut link, &config, &mut row).await;
        let attributes: Vec<AttributeRef> = (0..7).map(register).collect();
        let values = association.get_many(&attributes).await.unwrap();
        assert_eq!(values, vec![Ok(Data::U8(1)); 7]);
        let counts: Vec<u8> =
            link.sent[1..].iter().map(|apdu| if apdu[1] == 3 { apdu[3] } else { 1 }).collect();
        assert_eq!(counts, wanted, "list_max {list_max}, PDU {max_pdu}");
        link.finish();
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_garbled_short_or_refused_list_is_read_one_by_one_from_then_on() {
    // facts/dlms-quirks.md, lines 32 and 54.
    for answer in [
        "C4 03 C1 03 00 06 00 00",
        "C4 03 C1 02 00 11 01 00 11 02",
        "C4 03 C1 03 00 77 00 11 02 00 11 03",
        "C4 01 C1 01 02",
        "D8 01 02",
        "C4 02 C1 01 00000001 01 02",
    ] {
        let mut link = singles(singles(usual().answer(move |_| vec![hex(answer)])));
        let mut row = Row::from(0);
        let mut association = associate(&mut link, &open_config(), &mut row).await;
        assert_eq!(association.get_many(&three()).await.unwrap(), ones([1, 2, 3]), "{answer}");
        assert!(association.lists_refused());
        assert_eq!(association.take_remarks().len(), 1);
        assert_eq!(association.get_many(&three()).await.unwrap(), ones([1, 2, 3]));
        link.finish();
    }
}

#[tokio::test(flavor = "current_thread")]
async fn one_attribute_that_answers_with_an_exception_or_nonsense_does_not_stop_the_others() {
    // facts/dlms-quirks.md, lines 32 and 59.
    for odd in ["D8 01 02", "C4 01 C2 00 77"] {
        let mut link =
            opened("00 5C 9F", "FF FF").answer(single).answer(move |_| vec![hex(odd)]).answer(single);
        let mut row = Row::from(0);
        let mut association = associate(&mut link, &open_config(), &mut row).await;
        let values = association.get_many(&three()).await.unwrap();
        assert_eq!(values, [Ok(Data::U32(1)), Err(DataAccessResult::OTHER_REASON), Ok(Data::U32(3))]);
        assert!(association.take_remarks()[0].contains("1-0:1.8.1"));
    }
}

#[tokio::test(flavor = "current_thread")]
async fn silence_stops_the_reading_of_many() {
    let mut link = opened("00 5C 9F", "FF FF").answer(single).answer(|_| Vec::new());
    let mut row = Row::from(0);
    let mut association = associate(&mut link, &open_config(), &mut row).await;
    assert!(matches!(association.get_many(&three()).await, Err(DlmsError::Link(_))));
}

#[tokio::test(flavor = "current_thread")]
async fn many_attributes_are_written_in_one_exchange_or_one_by_one_where_the_meter_refuses_lists() {
    let writes: Vec<_> = (0..2).map(|e| (register(e), Data::U8(e))).collect();
    let list = "C1 04 C1 02 00 03 01 00 01 08 00 FF 02 00 00 03 01 00 01 08 01 FF 02 00 02 11 00 11 01";
    let mut link = usual().expect(list).respond("C5 05 C1 02 00 03");
    let mut row = Row::from(0);
    let mut association = associate(&mut link, &open_config(), &mut row).await;
    let wanted = [Ok(()), Err(DataAccessResult(3))];
    assert_eq!(association.set_many(&writes).await.unwrap(), wanted);
    link.finish();

    let mut link = usual()
        .expect(list)
        .respond("D8 01 02")
        .expect("C1 01 C2 00 03 01 00 01 08 00 FF 02 00 11 00")
        .respond("C5 01 C2 00")
        .expect("C1 01 C3 00 03 01 00 01 08 01 FF 02 00 11 01")
        .respond("C5 01 C3 03");
    let mut association = associate(&mut link, &open_config(), &mut row).await;
    assert_eq!(association.set_many(&writes).await.unwrap(), wanted);
    link.finish();
}

#[tokio::test(flavor = "current_thread")]
async fn a_list_too_long_to_write_at_once_goes_in_blocks() {
    let writes: Vec<_> = (0..2).map(|e| (register(e), Data::Octets(vec![e; 30]))).collect();
    let mut link = opened("00 5E 9F", "00 40")
        .answer(|request| {
            assert_eq!(request[..2], [0xC1, 5]);
            assert!(request.len() <= 0x40);
            vec![hex("C5 02 C1 00000001")]
        })
        .answer(|request| {
            assert_eq!(request[..4], [0xC1, 3, 0xC1, 1]);
            assert!(request.len() <= 0x40);
            vec![hex("C5 04 C1 02 00 03 00000002")]
        });
    let mut row = Row::from(0);
    let mut association = associate(&mut link, &open_config(), &mut row).await;
    assert_eq!(association.set_many(&writes).await.unwrap(), [Ok(()), Err(DataAccessResult(3))]);
    link.finish();
}
