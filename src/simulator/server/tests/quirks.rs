//! Each habit does what it claims; the number is the line of `facts/dlms-quirks.md`.

use super::*;
use crate::protocol::dlms::TypeDescription;

const LOAD: &str = "1-0:99.1.0";
const FROM: &str = "2026-10-20T00:00:00Z";
const TO: &str = "2026-10-20T02:00:00Z";

fn load(quirks: &[Quirk]) -> Vec<Vec<Data>> {
    rows(&Bench::low(quirks).get(&range(LOAD, FROM, TO)).unwrap())
}

fn first_stamp(quirks: &[Quirk]) -> [u8; 12] {
    load(quirks)[0][0].date_time().unwrap().0
}

fn aare_bytes(quirks: &[Quirk]) -> Vec<u8> {
    let mut bench = Bench::new(32, settings(quirks));
    let initiate = bench.initiate();
    bench.aarq_with(Auth::Low, Some(PASSWORD), initiate)
}

fn rejected(quirks: &[Quirk]) -> Aare {
    Bench::new(32, settings(quirks)).aarq(Auth::Low, Some(b"wrong")).unwrap()
}

#[test]
fn a_rejection_may_lack_user_information_or_have_nonsense_there() {
    // 25, 26.
    assert_eq!(rejected(&[]).user_information.unwrap(), [0x0E, 1, 6, 4]);
    assert_eq!(rejected(&[Quirk::RejectBare]).user_information, None);
    assert_eq!(rejected(&[Quirk::RejectGarbled]).user_information.unwrap(), [0xFE, 1]);
}

#[test]
fn an_aare_may_carry_a_protocol_version_and_lack_the_mechanism() {
    // 27, 28.
    let plain = aare_bytes(&[]);
    let versioned = aare_bytes(&[Quirk::ProtocolVersion]);
    assert_eq!(versioned[2..6], [0x80, 2, 2, 0x84]);
    assert_eq!(versioned[6..], plain[2..]);
    assert!(plain.windows(2).any(|two| two == [0x89, 7]));
    assert!(!aare_bytes(&[Quirk::NoMechanism]).windows(2).any(|two| two == [0x89, 7]));
}

#[test]
fn the_first_aarq_may_be_answered_by_an_exception() {
    // 29.
    let mut bench = Bench::new(32, settings(&[Quirk::AarqException]));
    let refused = bench.aarq(Auth::Low, Some(PASSWORD)).unwrap_err();
    assert_eq!(refused.encode(), [0xD8, 1, 1]);
    assert_eq!(bench.aarq(Auth::Low, Some(PASSWORD)).unwrap().result.0, 0);
}

#[test]
fn a_release_may_be_wrong_silent_or_refused() {
    // 30, 31.
    let released = |quirk| Bench::low(&[quirk]).raw(&release().encode()).apdus;
    let wrong = released(Quirk::ReleaseLengths).remove(0);
    assert_ne!(usize::from(wrong[1]), wrong.len() - 2);
    assert!(released(Quirk::ReleaseSilent).is_empty());
    assert_eq!(released(Quirk::ReleaseException), [vec![0xD8, 1, 2]]);
}

#[test]
fn poor_conformance_leaves_out_lists_and_selection() {
    // 32.
    let mut bench = Bench::low(&[Quirk::PoorConformance]);
    assert_eq!(bench.exception(&get_normal(range(LOAD, FROM, TO))), [0xD8, 1, 2]);
    let list = GetRequest::WithList { invoke: InvokeId::confirmed(1), attributes: vec![clock()] };
    assert_eq!(bench.exception(&Apdu::GetRequest(list)), [0xD8, 1, 2]);
    assert!(bench.get(&clock()).is_ok());
}

#[test]
fn a_meter_may_set_no_limit_to_apdus() {
    // 33.
    let aare = Bench::new(16, settings(&[Quirk::NoPduLimit])).aarq(Auth::None, None).unwrap();
    let Apdu::InitiateResponse(response) = Apdu::decode(&aare.user_information.unwrap()).unwrap().0 else {
        panic!()
    };
    assert_eq!(response.max_pdu, 0);
}

#[test]
fn the_association_and_counter_objects_may_have_other_names() {
    // 34.
    let mut bench = Bench::low(&[Quirk::OtherObjects]);
    assert!(bench.get(&attribute(15, "0-0:40.0.5", 2)).is_ok());
    assert!(bench.get(&attribute(1, "0-0:43.1.5", 2)).is_ok());
    assert!(bench.get(&attribute(15, "0-0:40.0.0", 2)).is_err());
}

#[test]
fn an_association_may_be_there_without_aarq() {
    // 35.
    let mut bench = Bench::new(36, settings(&[Quirk::PreEstablished]));
    let mut cipher = CipherContext::new(Security::Both, CLIENT_TITLE, keys());
    cipher.peer_title = Some(lock(&bench.meter).settings().system_title());
    bench.cipher = Some(cipher);
    assert!(bench.get(&clock()).is_ok());
}

#[test]
fn the_answer_to_a_long_challenge_may_be_wrong_and_a_challenge_may_be_the_clients_own() {
    // 36, 37.
    let mut bench = Bench::new(33, settings(&[Quirk::ReflectedChallenge]));
    let aare = bench.aarq(Auth::HighMd5, Some(CHALLENGE)).unwrap();
    assert_eq!(aare.authentication.unwrap().expose(), CHALLENGE);

    let long = [7; 32];
    let mut bench = Bench::new(33, settings(&[Quirk::ShortChallenges]));
    let aare = bench.aarq(Auth::HighMd5, Some(&long)).unwrap();
    let challenge = aare.authentication.unwrap().expose().to_vec();
    let handshake = Handshake {
        auth: Auth::HighMd5,
        secret: PASSWORD,
        key: None,
        own_title: None,
        peer_title: None,
        own_challenge: &long,
        peer_challenge: &challenge,
    };
    let (invoke, method) = (InvokeId::confirmed(1), bench.reply_method());
    let parameter = Some(Data::Octets(handshake.answer(0).unwrap()));
    let answer = bench.exchange(&Apdu::ActionRequest(ActionRequest::Normal { invoke, method, parameter }));
    let Apdu::ActionResponse(ActionResponse::Normal { outcome, .. }) = answer else { panic!() };
    let proof = outcome.returned.unwrap().unwrap().decode().unwrap();
    assert!(handshake.verify(proof.bytes().unwrap()).is_err());
}

#[test]
fn the_meters_own_proof_may_be_missing() {
    // 38.
    let mut bench = Bench::new(33, settings(&[Quirk::NoProof]));
    let aare = bench.aarq(Auth::HighMd5, Some(CHALLENGE)).unwrap();
    assert_eq!(bench.prove(Auth::HighMd5, &aare), Ok(None));
    assert!(bench.get(&clock()).is_ok());
}

#[test]
fn a_stale_counter_may_be_answered_by_a_deciphering_error_or_the_end() {
    // 22, 40.
    let stale = |quirk| {
        let mut bench = Bench::ciphered(settings(&[quirk]), Security::Both, |_| {});
        let request = get_normal(clock()).encode();
        let sent = bench.cipher.as_ref().unwrap().protect(&request, 1, bench.envelope).unwrap();
        bench.raw(&sent)
    };
    assert_eq!(stale(Quirk::CounterUnsaid).apdus, [vec![0xD8, 2, 5]]);
    assert_eq!(stale(Quirk::CounterCloses), Reply { apdus: vec![], close: true });
}

#[test]
fn answers_may_come_in_the_other_form_and_without_a_title() {
    // 44, 45.
    let answer = |quirks: &[Quirk], form| {
        let mut bench = Bench::ciphered(settings(quirks), Security::Both, |_| {});
        let envelope = Envelope { form, ..bench.envelope };
        let request = get_normal(clock()).encode();
        let sent = bench.cipher.as_ref().unwrap().protect(&request, 90, envelope).unwrap();
        let answer = bench.raw(&sent).apdus.remove(0);
        assert!(matches!(bench.opened(&answer), Apdu::GetResponse(_)));
        answer
    };
    assert_eq!(answer(&[Quirk::OtherCiphering], CipheringForm::ServiceSpecific)[0], 0xDB);
    assert_eq!(answer(&[Quirk::OtherCiphering], CipheringForm::General)[0], 0xCC);
    assert_eq!(answer(&[Quirk::NoTitle], CipheringForm::General)[..2], [0xDB, 0]);
}

fn blocks(quirks: &[Quirk]) -> Vec<(u32, usize, usize)> {
    let mut bench = Bench::low_with(settings(quirks), |bench| bench.max_pdu = 200);
    let wanted = range(LOAD, FROM, "2026-10-20T06:00:00Z");
    let mut out = Vec::new();
    let invoke = InvokeId::confirmed(1);
    for _ in 0..2 {
        let mut request = get_normal(wanted.clone());
        loop {
            let bytes = bench.raw(&request.encode()).apdus.remove(0);
            let (apdu, used) = Apdu::decode(&bytes).unwrap();
            let Apdu::GetResponse(GetResponse::WithDatablock { last, number, .. }) = apdu else { panic!() };
            out.push((number, used, bytes.len()));
            if last {
                break;
            }
            request = Apdu::GetRequest(GetRequest::Next { invoke, block: number });
        }
    }
    out
}

#[test]
fn block_numbers_may_begin_at_nought_or_where_they_ended() {
    // 49, 50.
    let numbers = |quirks: &[Quirk]| blocks(quirks).into_iter().map(|one| one.0).collect::<Vec<_>>();
    let plain = numbers(&[]);
    assert_eq!(plain, [1, 2, 3, 4, 1, 2, 3, 4]);
    assert_eq!(numbers(&[Quirk::BlocksFromZero]), [0, 1, 2, 3, 0, 1, 2, 3]);
    assert_eq!(numbers(&[Quirk::StaleBlocks]), [1, 2, 3, 4, 5, 6, 7, 8]);
}

#[test]
fn blocks_may_have_octets_behind_them_or_be_too_long() {
    // 20, 51.
    assert!(blocks(&[Quirk::BlockTrailing]).iter().all(|(_, used, whole)| used + 20 == *whole));
    let longest = blocks(&[Quirk::PduOvershoot]).iter().map(|one| one.2).max().unwrap();
    assert!((201..=206).contains(&longest), "{longest} octets where 200 were agreed");
}

#[test]
fn the_clock_may_come_twice_in_one_answer() {
    // 52.
    let mut bench = Bench::low(&[Quirk::ValueTrailing]);
    let encoded = bench.get_encoded(&clock()).unwrap();
    assert_eq!(encoded.0.len(), 28);
    assert_eq!(encoded.0[..14], encoded.0[14..]);
}

#[test]
fn lists_may_be_refused_or_short() {
    // 53, 54.
    let wanted = [clock(), attribute(3, "1-0:1.8.0", 2)];
    let list = GetRequest::WithList { invoke: InvokeId::confirmed(1), attributes: wanted.to_vec() };
    assert_eq!(Bench::low(&[Quirk::NoList]).exception(&Apdu::GetRequest(list)), [0xD8, 2, 2]);
    assert_eq!(Bench::low(&[Quirk::ListMalformed]).get_list(&wanted).len(), 1);
}

#[test]
fn long_answers_may_come_in_general_blocks_unasked() {
    // 55.
    let mut bench = Bench::low_with(settings(&[Quirk::GbtUnasked]), |bench| bench.max_pdu = 200);
    let reply = bench.raw(&get_normal(range(LOAD, FROM, TO)).encode());
    assert_eq!(reply.apdus.len(), 1, "one, until the client says how many it takes");
    assert_eq!(reply.apdus[0][0], 0xE0);
    let mut poor = Bench::low_with(settings(&[Quirk::GbtUnasked]), |bench| {
        bench.max_pdu = 200;
        bench.conformance -= Conformance::GENERAL_BLOCK_TRANSFER;
    });
    assert_eq!(poor.raw(&get_normal(range(LOAD, FROM, TO)).encode()).apdus[0][0], 0xC4);
}

#[test]
fn an_answer_to_action_may_end_after_its_result() {
    // 56.
    let method = MethodRef { class_id: 9, obis: obis("0-0:10.0.1"), method: 1 };
    let (invoke, parameter) = (InvokeId::confirmed(1), Some(Data::U16(1)));
    let request = Apdu::ActionRequest(ActionRequest::Normal { invoke, method, parameter });
    assert_eq!(Bench::full(&[]).raw(&request.encode()).apdus, [vec![0xC7, 1, 0xC1, 0, 0]]);
    assert_eq!(Bench::full(&[Quirk::ActionBare]).raw(&request.encode()).apdus, [vec![0xC7, 1, 0xC1, 0]]);
}

#[test]
fn the_object_list_may_claim_more_than_it_has_and_lack_parts() {
    // 57, 58.
    let wanted = |e| attribute(15, e, 2);
    let honest = Bench::low(&[]).get_encoded(&wanted("0-0:40.0.0")).unwrap().0;
    let boasting = Bench::low(&[Quirk::ArrayCounts]).get_encoded(&wanted("0-0:40.0.0")).unwrap().0;
    assert_eq!(boasting[1], honest[1] + 2);
    assert_eq!(boasting[2..], honest[2..]);
    let list = Bench::low(&[Quirk::ObjectListGaps]).get(&wanted("0-0:40.0.0")).unwrap();
    let elements = rows(&list);
    assert!(elements.iter().all(|element| element[0] != Data::U16(15)));
    assert!(elements.iter().any(|element| element.len() == 3));
    let rights = elements.iter().find_map(|element| element.get(3)).unwrap();
    let attributes = rights.elements().unwrap()[0].elements().unwrap();
    assert!(attributes.iter().any(|one| one.elements().unwrap()[0] == Data::I8(-1)));
}

#[test]
fn attributes_may_fail_or_be_empty() {
    // 59, 60.
    let mut faulty = Bench::low(&[Quirk::HardwareFaults]);
    assert_eq!(faulty.get(&attribute(1, "0-0:96.1.5", 2)), Err(DataAccessResult(1)));
    assert_eq!(faulty.get(&attribute(4, "1-0:1.6.0", 4)), Err(DataAccessResult(250)));
    assert_eq!(Bench::low(&[Quirk::EmptyStructures]).get(&attribute(7, LOAD, 6)), Ok(Data::Null));
}

#[test]
fn deviations_may_be_inverted_or_not_specified() {
    // 62, 63, 65. British summer time is UTC + 60 minutes, so the standard's deviation is −60.
    let deviation = |quirks: &[Quirk]| {
        let stamp = first_stamp(quirks);
        (stamp[5], i16::from_be_bytes([stamp[9], stamp[10]]))
    };
    assert_eq!(deviation(&[]), (1, -60));
    assert_eq!(deviation(&[Quirk::DeviationUnspecified]), (1, i16::MIN));
    let inverted = Bench::low(&[Quirk::DeviationInverted]).get(&entries(LOAD, [1, 1, 1, 1])).unwrap();
    assert_eq!(rows(&inverted)[0][0].date_time().unwrap().stamp().unwrap().deviation_minutes, Some(60));
    let standard = Bench::low(&[Quirk::StandardTime]).get(&entries(LOAD, [1, 1, 1, 1])).unwrap();
    let stamp = rows(&standard)[0][0].date_time().unwrap();
    assert_eq!((stamp.0[9], stamp.0[10], stamp.0[11]), (0x80, 0, 0));
    let gaps = first_stamp(&[Quirk::StampGaps]);
    assert_eq!((gaps[4], gaps[8], gaps[11]), (0xFF, 0xFF, 0xFF));
}

#[test]
fn a_range_may_be_taken_as_local_time() {
    // 64: asked in UTC, the meter answers an hour off in summer.
    let by_the_book = load(&[]);
    let local = load(&[Quirk::RangeLocal]);
    assert_eq!(by_the_book.len(), local.len());
    let hour = |row: &Vec<Data>| row[0].date_time().unwrap().0[5];
    assert_eq!((hour(&by_the_book[0]), hour(&local[0])), (1, 0));
}

#[test]
fn scalers_may_lack_a_known_unit_or_differ_from_the_models() {
    // 67, 68.
    let scaler = attribute(3, "1-0:1.8.0", 3);
    let unit = |quirk| Bench::low(&[quirk]).get(&scaler).unwrap();
    assert_eq!(unit(Quirk::UnknownUnit), Data::Structure(vec![Data::I8(0), Data::Enum(99)]));
    assert_eq!(unit(Quirk::OtherScaler), Data::Structure(vec![Data::I8(-1), Data::Enum(30)]));
    let raw = |quirks: &[Quirk]| load(quirks)[1][2].integer().unwrap();
    assert_eq!(raw(&[Quirk::OtherScaler]), raw(&[]) * 10);
}

#[test]
fn stamps_and_values_may_be_null_where_they_follow() {
    // 73.
    let plain = load(&[]);
    let stamps = load(&[Quirk::NullStamps]);
    assert_eq!(stamps[0], plain[0]);
    for (row, whole) in stamps.iter().zip(&plain).skip(1) {
        assert_eq!(row[0], Data::Null);
        assert_eq!(row[1..], whole[1..]);
    }
    let values = load(&[Quirk::NullValues]);
    assert_eq!(values[1][3], Data::Null, "no export twice");
    assert_eq!(values[1][0], plain[1][0]);
}

#[test]
fn rows_may_come_newest_first() {
    // 73.
    let mut turned = load(&[Quirk::NewestFirst]);
    turned.reverse();
    assert_eq!(turned, load(&[]));
    assert_eq!(Bench::low(&[Quirk::NewestFirst]).get(&attribute(7, LOAD, 5)), Ok(Data::Enum(2)));
    let nulls = load(&[Quirk::NewestFirst, Quirk::NullStamps]);
    assert!(nulls[1..].iter().all(|row| row[0] == Data::Null));
}

#[test]
fn the_clock_may_stand_elsewhere_and_columns_may_be_odd() {
    // 74, 75.
    let turned = load(&[Quirk::ClockNotFirst]);
    assert!(matches!((&turned[0][0], &turned[0][1]), (Data::U8(_), Data::Octets(_))));
    let columns = Bench::low(&[Quirk::OddColumns]).get(&attribute(7, LOAD, 3)).unwrap();
    let columns = rows(&columns);
    assert_eq!(columns[8], columns[0], "the clock twice");
    assert_eq!(columns[9][3], Data::U16(1), "a data index");
    assert_eq!(columns[10][2], Data::I8(0), "every attribute");
    assert_eq!(load(&[Quirk::OddColumns])[0].len(), 11);
}

#[test]
fn selection_may_be_unsupported() {
    // 76.
    assert_eq!(Bench::low(&[Quirk::NoRange]).get(&range(LOAD, FROM, TO)), Err(DataAccessResult(13)));
    let first = entries(LOAD, [1, 1, 2, 2]);
    assert_eq!(Bench::low(&[Quirk::NoEntry]).get(&first), Err(DataAccessResult(13)));
    assert_eq!(rows(&Bench::low(&[]).get(&first).unwrap())[0].len(), 1);
    assert_eq!(rows(&Bench::low(&[Quirk::NoColumnChoice]).get(&first).unwrap())[0].len(), 8);
}

#[test]
fn an_empty_buffer_has_three_forms() {
    // 77.
    let empty = range(LOAD, "2027-01-01T00:00:00Z", "2027-01-02T00:00:00Z");
    assert_eq!(Bench::low(&[]).get_encoded(&empty).unwrap().0, [1, 0]);
    assert_eq!(Bench::low(&[Quirk::EmptyNull]).get(&empty), Ok(Data::Null));
    assert_eq!(Bench::low(&[Quirk::EmptyRefused]).get(&empty), Err(DataAccessResult(250)));
}

#[test]
fn entries_may_be_counted_wrongly() {
    // 78.
    let mut bench = Bench::low(&[Quirk::EntriesWrong]);
    let number = |value: Data| value.integer().unwrap();
    let in_use = number(bench.get(&attribute(7, LOAD, 7)).unwrap());
    assert_eq!(in_use, number(bench.get(&attribute(7, LOAD, 8)).unwrap()) + 2);
    let counted = rows(&Bench::low(&[Quirk::EntryCount]).get(&entries(LOAD, [5, 3, 1, 0])).unwrap());
    assert_eq!(counted.len(), 3, "the last entry taken for a count");
}

#[test]
fn buffers_may_be_compact_arrays() {
    // 79.
    let value = Bench::low(&[Quirk::CompactArray]).get(&range(LOAD, FROM, TO)).unwrap();
    let Data::CompactArray { element, values } = &value else { panic!() };
    assert!(matches!(element, TypeDescription::Structure(parts) if parts.len() == 8));
    assert_eq!(rows(&Data::Array(values.clone())), load(&[]));
}

#[test]
fn rows_may_come_twice() {
    // 80.
    let plain = load(&[]);
    let doubled = load(&[Quirk::DoubledRows]);
    assert_eq!(doubled.len(), 2 * plain.len());
    assert!(doubled.chunks(2).zip(&plain).all(|(pair, row)| pair[0] == *row && pair[1] == *row));
}

#[test]
fn notifications_may_come_in_between() {
    // 83.
    let mut bench = Bench::low(&[Quirk::Notifications]);
    let tags: Vec<Vec<u8>> = (0..6)
        .map(|_| bench.raw(&get_normal(clock()).encode()).apdus.iter().map(|apdu| apdu[0]).collect())
        .collect();
    assert!(tags.contains(&vec![0xC4]));
    assert!(tags.contains(&vec![0x0F, 0xC4]));
}
