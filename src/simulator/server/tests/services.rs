use super::*;
use crate::protocol::dlms::apdu::{DataBlock, GeneralBlock, encode_values};

#[test]
fn what_is_read_is_what_the_meter_holds() {
    let mut bench = Bench::low(&[]);
    let catalogue = lock(&bench.meter).catalogue(crate::simulator::Rights::Full);
    assert!(catalogue.len() > 40);
    for object in catalogue.iter().filter(|object| object.class_id != 15) {
        for (number, mode) in object.attributes.iter().filter(|(_, mode)| mode & 1 == 1) {
            let wanted = AttributeRef::new(object.class_id, object.obis, *number);
            assert_eq!(bench.get(&wanted).unwrap(), bench.look(&wanted), "{wanted} mode {mode}");
        }
    }
}

#[test]
fn the_object_list_names_every_object_with_its_rights() {
    let mut bench = Bench::low(&[]);
    let list = bench.get(&attribute(15, "0-0:40.0.0", 2)).unwrap();
    let names: Vec<Obis> = rows(&list).iter().map(|row| row[2].obis().unwrap()).collect();
    for wanted in ["0-0:1.0.0", "1-0:1.8.0", "1-0:99.1.0", "0-0:98.1.0", "0-0:99.98.0", "0-0:43.1.0"] {
        assert!(names.contains(&obis(wanted)), "{wanted}");
    }
    let clock = rows(&list).into_iter().find(|row| row[0] == Data::U16(8)).unwrap();
    let rights = clock[3].elements().unwrap()[0].elements().unwrap();
    let time = rights[1].elements().unwrap();
    assert_eq!((&time[0], &time[1]), (&Data::I8(2), &Data::Enum(1)), "client 32 may not set the time");
}

#[test]
fn what_is_not_there_is_refused_with_its_reason() {
    let mut bench = Bench::low(&[]);
    for (wanted, code) in [
        (attribute(3, "1-0:1.8.9", 2), 4),
        (attribute(4, "1-0:1.8.0", 2), 9),
        (attribute(3, "1-0:1.8.0", 9), 4),
        (attribute(15, "0-0:40.0.0", 7), 3),
    ] {
        assert_eq!(bench.get(&wanted), Err(DataAccessResult(code)), "{wanted}");
    }
}

#[test]
fn a_long_answer_comes_in_blocks_that_keep_to_the_clients_largest_apdu() {
    let profile = range("1-0:99.1.0", "2026-10-25T00:00:00Z", "2026-10-27T00:00:00Z");
    let mut bench = Bench::low_with(settings(&[]), |bench| bench.max_pdu = 200);
    let invoke = InvokeId::confirmed(1);
    let mut answer = bench.raw(&get_normal(profile.clone()).encode()).apdus.remove(0);
    let mut blocks = 0;
    loop {
        assert!(answer.len() <= 200, "{} octets", answer.len());
        blocks += 1;
        let Apdu::GetResponse(GetResponse::WithDatablock { last, number, .. }) =
            Apdu::decode(&answer).unwrap().0
        else {
            panic!()
        };
        assert_eq!(number, blocks);
        if last {
            break;
        }
        let next = Apdu::GetRequest(GetRequest::Next { invoke, block: number });
        answer = bench.raw(&next.encode()).apdus.remove(0);
    }
    assert!(blocks > 10);
    assert_eq!(bench.get(&profile).unwrap(), bench.look(&profile));
}

#[test]
fn ciphered_blocks_keep_to_the_clients_largest_apdu_too() {
    let profile = range("1-0:99.1.0", "2026-10-25T00:00:00Z", "2026-10-26T00:00:00Z");
    for form in [CipheringForm::ServiceSpecific, CipheringForm::General] {
        let mut bench = Bench::ciphered(settings(&[]), Security::Both, |bench| {
            bench.max_pdu = 200;
            bench.envelope.form = form;
        });
        let request = get_normal(profile.clone()).encode();
        let sent = bench.cipher.as_ref().unwrap().protect(&request, 60, bench.envelope).unwrap();
        assert!(bench.raw(&sent).apdus[0].len() <= 200);
    }
}

#[test]
fn a_block_that_was_missed_is_sent_again_and_one_out_of_row_is_refused() {
    let mut bench = Bench::low_with(settings(&[]), |bench| bench.max_pdu = 200);
    let profile = range("1-0:99.1.0", "2026-10-25T00:00:00Z", "2026-10-27T00:00:00Z");
    let invoke = InvokeId::confirmed(1);
    bench.exchange(&get_normal(profile));
    let next = |block| Apdu::GetRequest(GetRequest::Next { invoke, block });
    let second = bench.exchange(&next(1));
    assert_eq!(bench.exchange(&next(1)), second);
    let Apdu::GetResponse(GetResponse::WithDatablock { result, .. }) = bench.exchange(&next(7)) else {
        panic!()
    };
    assert_eq!(result, Err(DataAccessResult(19)));
    let Apdu::GetResponse(GetResponse::WithDatablock { result, .. }) = bench.exchange(&next(2)) else {
        panic!()
    };
    assert_eq!(result, Err(DataAccessResult(16)), "the transfer is over");
}

#[test]
fn a_list_has_a_result_for_each_attribute() {
    let wanted =
        [attribute(3, "1-0:1.8.0", 2), attribute(3, "1-0:9.9.9", 2), attribute(3, "1-0:1.8.0", 3), clock()];
    for max_pdu in [0xFFFF, 64] {
        let mut bench = Bench::low_with(settings(&[]), |bench| bench.max_pdu = max_pdu);
        let results = bench.get_list(&wanted);
        assert_eq!(results.len(), 4);
        assert_eq!(results[1], Err(DataAccessResult(4)));
        for place in [0, 2, 3] {
            let value = results[place].as_ref().unwrap().decode().unwrap();
            assert_eq!(value, bench.look(&wanted[place]));
        }
    }
}

#[test]
fn the_clock_can_be_set_by_those_who_may() {
    let stamp = |text: &str| {
        let Data::Structure(parts) = range("1-0:99.1.0", text, text).selective.unwrap().parameters else {
            panic!()
        };
        parts[1].clone()
    };
    let noon = stamp("2026-11-01T12:00:00Z");
    assert_eq!(Bench::low(&[]).set(&clock(), &noon), 3);
    let mut bench = Bench::full(&[]);
    assert_eq!(bench.set(&clock(), &noon), 0);
    assert_eq!(bench.get(&clock()).unwrap().date_time().unwrap().0[..9], [7, 0xEA, 11, 1, 7, 12, 0, 0, 0]);
    assert_eq!(bench.set(&clock(), &Data::U8(1)), 12, "type unmatched");
    assert_eq!(bench.set(&attribute(3, "1-0:1.8.0", 2), &Data::U32(1)), 3, "nobody sets a register");
    let log = bench.get(&attribute(7, "0-0:99.98.0", 2)).unwrap();
    let codes: Vec<Data> = rows(&log).iter().map(|row| row[1].clone()).collect();
    assert!(codes.ends_with(&[Data::U8(5), Data::U8(4)]) || codes.ends_with(&[Data::U8(4), Data::U8(5)]));
}

#[test]
fn a_value_can_be_set_in_blocks_and_many_in_a_list() {
    let period = attribute(7, "1-0:99.1.0", 4);
    let invoke = InvokeId::confirmed(2);
    let mut bench = Bench::full(&[]);
    let bytes = Data::U32(900).to_bytes();
    let block = |number, last, raw: &[u8]| DataBlock { last, number, raw: raw.to_vec() };
    let first =
        SetRequest::FirstDatablock { invoke, attribute: period.clone(), block: block(1, false, &bytes[..2]) };
    let taken = SetResponse::Datablock { invoke, block: 1 };
    assert_eq!(bench.exchange(&Apdu::SetRequest(first.clone())), Apdu::SetResponse(taken));
    let second = SetRequest::Datablock { invoke, block: block(2, true, &bytes[2..]) };
    let done = SetResponse::LastDatablock { invoke, result: DataAccessResult(0), block: 2 };
    assert_eq!(bench.exchange(&Apdu::SetRequest(second)), Apdu::SetResponse(done));
    assert_eq!(bench.get(&period), Ok(Data::U32(900)));

    bench.exchange(&Apdu::SetRequest(first));
    let skipped = SetRequest::Datablock { invoke, block: block(3, true, &bytes[2..]) };
    let aborted = SetResponse::LastDatablock { invoke, result: DataAccessResult(17), block: 3 };
    assert_eq!(bench.exchange(&Apdu::SetRequest(skipped)), Apdu::SetResponse(aborted));

    let register = attribute(3, "1-0:1.8.0", 2);
    let attributes = vec![period.clone(), register];
    let values = vec![Data::U32(1800), Data::U32(1)];
    let results = vec![DataAccessResult(0), DataAccessResult(3)];
    let list = SetRequest::WithList { invoke, attributes: attributes.clone(), values: values.clone() };
    let answer = SetResponse::WithList { invoke, results: results.clone() };
    assert_eq!(bench.exchange(&Apdu::SetRequest(list)), Apdu::SetResponse(answer));
    let raw = encode_values(values.iter());
    let list = SetRequest::WithListAndFirstDatablock { invoke, attributes, block: block(1, true, &raw) };
    let answer = SetResponse::LastDatablockWithList { invoke, results, block: 1 };
    assert_eq!(bench.exchange(&Apdu::SetRequest(list)), Apdu::SetResponse(answer));
}

fn end_of_billing() -> MethodRef {
    MethodRef { class_id: 9, obis: obis("0-0:10.0.1"), method: 1 }
}

#[test]
fn a_method_ends_the_billing_period_in_every_form_of_request() {
    let invoke = InvokeId::confirmed(3);
    let raw = Data::U16(1).to_bytes();
    let block = |number, last, raw: &[u8]| DataBlock { last, number, raw: raw.to_vec() };
    let method = end_of_billing();
    let parameters = vec![Data::U16(1)];
    let list = encode_values(parameters.iter());
    let requests = [
        vec![ActionRequest::Normal { invoke, method, parameter: Some(Data::U16(1)) }],
        vec![ActionRequest::WithList { invoke, methods: vec![method], parameters }],
        vec![
            ActionRequest::WithFirstPblock { invoke, method, block: block(1, false, &raw[..1]) },
            ActionRequest::WithPblock { invoke, block: block(2, true, &raw[1..]) },
        ],
        vec![ActionRequest::WithListAndFirstPblock {
            invoke,
            methods: vec![method],
            block: block(1, true, &list),
        }],
    ];
    for request in requests {
        let mut bench = Bench::full(&[]);
        let periods = attribute(7, "0-0:98.1.0", 7);
        let Data::U32(before) = bench.get(&periods).unwrap() else { panic!() };
        let mut answer = None;
        for part in request {
            answer = Some(bench.exchange(&Apdu::ActionRequest(part)));
        }
        match answer.unwrap() {
            Apdu::ActionResponse(ActionResponse::Normal { outcome, .. }) => assert_eq!(outcome.result.0, 0),
            Apdu::ActionResponse(ActionResponse::WithList { outcomes, .. }) => {
                assert_eq!(outcomes.len(), 1);
                assert_eq!(outcomes[0].result.0, 0);
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(bench.get(&periods), Ok(Data::U32(before + 1)));
    }
}

#[test]
fn a_method_is_refused_to_those_who_may_only_read() {
    let mut bench = Bench::low(&[]);
    let (invoke, method) = (InvokeId::confirmed(1), end_of_billing());
    let request = ActionRequest::Normal { invoke, method, parameter: Some(Data::U16(1)) };
    let Apdu::ActionResponse(ActionResponse::Normal { outcome, .. }) =
        bench.exchange(&Apdu::ActionRequest(request))
    else {
        panic!()
    };
    assert_eq!(outcome.result.0, 3);
}

#[test]
fn a_long_outcome_of_a_method_comes_in_blocks() {
    use crate::protocol::dlms::apdu::ActionOutcome;
    let mut bench = Bench::new(35, settings(&[]));
    // So small that the meter's proof does not fit, ciphering included.
    bench.max_pdu = 64;
    bench.cipher = Some(CipherContext::new(Security::None, CLIENT_TITLE, keys()));
    bench.context = ApplicationContext::LOGICAL_NAMES_CIPHERED;
    let aare = bench.aarq(Auth::HighSha256, Some(CHALLENGE)).unwrap();
    let challenge = aare.authentication.unwrap().expose().to_vec();
    let keys = keys();
    let handshake = Handshake {
        auth: Auth::HighSha256,
        secret: PASSWORD,
        key: Some(&keys),
        own_title: Some(CLIENT_TITLE),
        peer_title: Some(lock(&bench.meter).settings().system_title()),
        own_challenge: CHALLENGE,
        peer_challenge: &challenge,
    };
    let (invoke, method) = (InvokeId::confirmed(1), bench.reply_method());
    let parameter = Some(Data::Octets(handshake.answer(1).unwrap()));
    let mut bytes = Vec::new();
    let mut answer =
        bench.exchange(&Apdu::ActionRequest(ActionRequest::Normal { invoke, method, parameter }));
    for number in 1.. {
        let Apdu::ActionResponse(ActionResponse::WithPblock { block, .. }) = answer else { panic!() };
        assert_eq!(block.number, number);
        bytes.extend(block.raw);
        if block.last {
            assert!(number > 1);
            break;
        }
        answer = bench.exchange(&Apdu::ActionRequest(ActionRequest::NextPblock { invoke, block: number }));
    }
    let (outcome, _) = ActionOutcome::decode(&bytes).unwrap();
    let proof = outcome.returned.unwrap().unwrap().decode().unwrap();
    handshake.verify(proof.bytes().unwrap()).unwrap();
}

/// Asks in general blocks and puts the answer together, asking again for what is missing.
fn by_general_blocks(bench: &mut Bench, request: &[u8], window: u8, piece: usize) -> (Vec<u8>, u32) {
    let pieces: Vec<&[u8]> = request.chunks(piece).collect();
    let mut reply = Reply::default();
    for (place, raw) in pieces.iter().enumerate() {
        let last = place + 1 == pieces.len();
        let number = u16::try_from(place + 1).unwrap();
        let block =
            GeneralBlock { last, streaming: !last, window, number, acknowledged: 0, raw: raw.to_vec() };
        reply = bench.raw(&Apdu::GeneralBlock(block).encode());
    }
    let mut received: Vec<Vec<u8>> = Vec::new();
    let mut total = None;
    let mut rounds = 0;
    let mut sent = u16::try_from(pieces.len()).unwrap();
    loop {
        rounds += 1;
        assert!(reply.apdus.len() <= usize::from(window));
        for apdu in &reply.apdus {
            assert!(apdu.len() <= usize::from(bench.max_pdu));
            let Apdu::GeneralBlock(block) = Apdu::decode(apdu).unwrap().0 else { panic!() };
            if usize::from(block.number) == received.len() + 1 {
                received.push(block.raw);
                if block.last {
                    total = Some(received.len());
                }
            }
        }
        if total == Some(received.len()) {
            return (received.concat(), rounds);
        }
        sent += 1;
        let acknowledged = u16::try_from(received.len()).unwrap();
        let block = GeneralBlock {
            last: true,
            streaming: false,
            window,
            number: sent,
            acknowledged,
            raw: Vec::new(),
        };
        reply = bench.raw(&Apdu::GeneralBlock(block).encode());
    }
}

#[test]
fn a_profile_comes_by_general_block_transfer_in_windows() {
    let profile = range("1-0:99.1.0", "2026-10-20T00:00:00Z", "2026-10-27T00:00:00Z");
    let mut bench = Bench::low_with(settings(&[]), |bench| bench.max_pdu = 1024);
    let request = get_normal(profile.clone()).encode();
    for (window, piece) in [(10, 1000), (3, 7)] {
        let (bytes, rounds) = by_general_blocks(&mut bench, &request, window, piece);
        let Apdu::GetResponse(GetResponse::Normal { result, .. }) = Apdu::decode(&bytes).unwrap().0 else {
            panic!()
        };
        assert_eq!(result.unwrap().decode().unwrap(), bench.look(&profile));
        let blocks = bytes.len().div_ceil(1024 - 9);
        assert_eq!(rounds as usize, blocks.div_ceil(window.into()));
    }
}

#[test]
fn lost_general_blocks_are_sent_again() {
    let profile = range("1-0:99.1.0", "2026-10-20T00:00:00Z", "2026-10-27T00:00:00Z");
    let mut bench = Bench::low_with(settings(&[Quirk::GbtLoses]), |bench| bench.max_pdu = 1024);
    let (bytes, rounds) = by_general_blocks(&mut bench, &get_normal(profile.clone()).encode(), 5, 1000);
    let Apdu::GetResponse(GetResponse::Normal { result, .. }) = Apdu::decode(&bytes).unwrap().0 else {
        panic!()
    };
    assert_eq!(result.unwrap().decode().unwrap(), bench.look(&profile));
    assert!(rounds as usize > bytes.len().div_ceil(1024 - 9).div_ceil(5), "some were lost");
}

#[test]
fn a_ciphered_answer_goes_into_general_blocks_whole() {
    let profile = range("1-0:99.1.0", "2026-10-26T00:00:00Z", "2026-10-27T00:00:00Z");
    let mut bench = Bench::ciphered(settings(&[]), Security::Both, |bench| bench.max_pdu = 300);
    let request = get_normal(profile.clone()).encode();
    let sent = bench.cipher.as_ref().unwrap().protect(&request, 60, bench.envelope).unwrap();
    let (bytes, _) = by_general_blocks(&mut bench, &sent, 4, 200);
    let Apdu::GetResponse(GetResponse::Normal { result, .. }) = bench.opened(&bytes) else { panic!() };
    assert_eq!(result.unwrap().decode().unwrap(), bench.look(&profile));
}
