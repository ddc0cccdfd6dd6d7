use proptest::prelude::*;

use super::*;
use crate::protocol::dlms::apdu::{Diagnostic, ExceptionResponse};

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(&pair.iter().collect::<String>(), 16).unwrap()).collect()
}

fn diagnostic(answer: Result<Aare, Box<Apdu>>) -> u8 {
    match answer.unwrap() {
        Aare { result, diagnostic: Diagnostic::User(number), .. } if result.0 == 1 => number,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_public_client_of_another_maker_is_let_in() {
    // Live traffic: AARQ of the client `dlms-cosem` 25.1.0 without authentication, and what it took for an answer.
    let request = hex("60 29 A1 09 06 07 60 85 74 05 08 01 01 A6 0A 04 08 75 74 69 62 79 90 2D A4 \
         BE 10 04 0E 01 00 00 00 06 5F 1F 04 00 20 52 5F FF FF");
    let mut settings = settings(&[]);
    settings.max_pdu = 0x0400;
    let reply = Bench::new(16, settings).raw(&request);
    let answer = hex("61 29 A1 09 06 07 60 85 74 05 08 01 01 A2 03 02 01 00 A3 05 A1 03 02 01 00 \
         BE 10 04 0E 08 00 06 5F 1F 04 00 20 52 1F 04 00 00 07");
    assert_eq!(reply, Reply { apdus: vec![answer], close: false });
}

#[test]
fn a_wrong_password_is_an_authentication_failure() {
    let mut bench = Bench::new(32, settings(&[]));
    assert_eq!(diagnostic(bench.aarq(Auth::Low, Some(b"87654321"))), 13);
    assert!(bench.exception(&get_normal(clock())).starts_with(&[0xD8, 1]));
}

#[test]
fn a_client_is_refused_what_it_may_not_authenticate_with() {
    let mut bench = Bench::new(32, settings(&[]));
    assert_eq!(diagnostic(bench.aarq(Auth::None, None)), 14, "authentication required");
    assert_eq!(diagnostic(bench.aarq(Auth::HighMd5, Some(CHALLENGE))), 11, "mechanism not recognised");
    let mut stranger = Bench::new(99, settings(&[]));
    assert_eq!(diagnostic(stranger.aarq(Auth::None, None)), 1);
}

#[test]
fn short_names_are_not_spoken() {
    let mut bench = Bench::new(16, settings(&[]));
    bench.context = ApplicationContext::SHORT_NAMES;
    assert_eq!(diagnostic(bench.aarq(Auth::None, None)), 2);
}

#[test]
fn what_is_wrong_with_an_initiate_request_is_said() {
    let bench = || Bench::new(16, settings(&[]));
    let cases = [
        (InitiateRequest { dlms_version: 5, ..bench().initiate() }, 1),
        (InitiateRequest { conformance: Conformance::READ, ..bench().initiate() }, 2),
        (InitiateRequest { max_pdu: 63, ..bench().initiate() }, 3),
    ];
    for (initiate, value) in cases {
        let answer = bench().aarq_with(Auth::None, None, initiate);
        let Apdu::Aare(aare) = Apdu::decode(&answer).unwrap().0 else { panic!() };
        assert_eq!(aare.user_information.unwrap(), [0x0E, 1, 6, value]);
    }
}

#[test]
fn every_high_level_mechanism_proves_itself_both_ways() {
    for (client, auth) in
        [(33, Auth::HighMd5), (34, Auth::HighSha1), (35, Auth::HighSha256), (36, Auth::HighGmac)]
    {
        let mut bench = Bench::new(client, settings(&[]));
        let aare = bench.aarq(auth, Some(CHALLENGE)).unwrap();
        assert_eq!(aare.diagnostic, Diagnostic::User(14));
        assert!(bench.exception(&get_normal(clock())).starts_with(&[0xD8, 1]), "not before the proof");
        assert!(bench.prove(auth, &aare).unwrap().is_some());
        assert!(bench.get(&clock()).is_ok(), "{auth}");
    }
}

#[test]
fn a_wrong_proof_ends_the_association() {
    let mut bench = Bench::new(33, settings(&[]));
    bench.aarq(Auth::HighMd5, Some(CHALLENGE)).unwrap();
    let (invoke, method) = (InvokeId::confirmed(1), bench.reply_method());
    let parameter = Some(Data::Octets(vec![0; 16]));
    let request = Apdu::ActionRequest(ActionRequest::Normal { invoke, method, parameter });
    let Apdu::ActionResponse(ActionResponse::Normal { outcome, .. }) = bench.exchange(&request) else {
        panic!()
    };
    assert_ne!(outcome.result.0, 0);
    assert!(bench.exception(&get_normal(clock())).starts_with(&[0xD8, 1]));
}

#[test]
fn every_protection_works_in_both_forms_and_under_both_keys() {
    for security in [Security::Authenticated, Security::Encrypted, Security::Both] {
        for form in [CipheringForm::ServiceSpecific, CipheringForm::General] {
            for dedicated in [None, Some([0x42; 16])] {
                let mut bench = Bench::ciphered(settings(&[]), security, |bench| {
                    bench.envelope.form = form;
                    bench.dedicated = dedicated;
                });
                if dedicated.is_some() {
                    bench.envelope.key = ServiceKey::Dedicated;
                    bench.counter = 0;
                }
                let profile = range("1-0:99.1.0", "2026-10-20T00:00:00Z", "2026-10-21T00:00:00Z");
                assert_eq!(bench.get(&clock()).unwrap(), bench.look(&clock()), "{security} {form:?}");
                assert_eq!(bench.get(&profile).unwrap(), bench.look(&profile));
            }
        }
    }
}

#[test]
fn an_answer_is_protected_as_its_request_was() {
    let mut bench = Bench::ciphered(settings(&[]), Security::Both, |_| {});
    let plain = get_normal(clock()).encode();
    let cipher = bench.cipher.clone().unwrap();
    for (form, tag) in [(CipheringForm::ServiceSpecific, 0xCC), (CipheringForm::General, 0xDB)] {
        bench.counter += 1;
        let envelope = Envelope { form, ..bench.envelope };
        let reply = bench.raw(&cipher.protect(&plain, bench.counter, envelope).unwrap());
        assert_eq!(reply.apdus[0][0], tag);
    }
}

#[test]
fn a_counter_that_was_used_is_answered_with_the_one_expected() {
    let mut bench = Bench::ciphered(settings(&[]), Security::Both, |_| {});
    bench.counter = 100;
    bench.get(&clock()).unwrap();
    bench.counter = 100;
    let answer = bench.exchange(&get_normal(clock()));
    let expected = ExceptionResponse { state: 1, service: 6, counter: Some(101) };
    assert_eq!(answer, Apdu::ExceptionResponse(expected));
    assert_eq!(Apdu::ExceptionResponse(expected).encode(), [0xD8, 1, 6, 0, 0, 0, 101]);
}

#[test]
fn counters_outlive_associations_and_the_public_client_may_read_the_last_one() {
    let mut bench = Bench::ciphered(settings(&[]), Security::Both, |_| {});
    bench.counter = 500;
    bench.get(&clock()).unwrap();
    let meter = bench.meter.clone();
    let mut public = Bench::new(16, settings(&[]));
    public.server = Server::new(meter.clone(), 16, 1);
    public.aarq(Auth::None, None).unwrap();
    assert_eq!(public.get(&attribute(1, "0-0:43.1.0", 2)), Ok(Data::U32(500)));
    let mut again = Bench::new(36, settings(&[]));
    again.server = Server::new(meter, 36, 1);
    again.cipher = bench.cipher;
    again.context = ApplicationContext::LOGICAL_NAMES_CIPHERED;
    again.counter = 500;
    let refused = again.aarq(Auth::HighGmac, Some(CHALLENGE)).unwrap_err();
    assert_eq!(refused.encode(), [0xD8, 1, 6, 0, 0, 0x01, 0xF5]);
}

#[test]
fn the_first_counter_can_be_set_by_a_fault() {
    let mut settings = settings(&[]);
    settings.faults.counter = 900;
    let mut bench = Bench::new(36, settings);
    bench.cipher = Some(CipherContext::new(Security::Both, CLIENT_TITLE, keys()));
    bench.context = ApplicationContext::LOGICAL_NAMES_CIPHERED;
    let refused = bench.aarq(Auth::HighGmac, Some(CHALLENGE)).unwrap_err();
    assert_eq!(refused.encode(), [0xD8, 1, 6, 0, 0, 0x03, 0x84]);
}

#[test]
fn a_request_under_wrong_keys_is_a_deciphering_error() {
    let mut bench = Bench::ciphered(settings(&[]), Security::Both, |_| {});
    let wrong = CipherContext::new(Security::Both, CLIENT_TITLE, SuiteKey::new([1; 16], [2; 16]));
    let request = wrong.protect(&get_normal(clock()).encode(), 50, bench.envelope).unwrap();
    assert_eq!(bench.raw(&request).apdus, [vec![0xD8, 1, 5]]);
}

#[test]
fn less_protection_than_the_meter_demands_is_refused() {
    let mut settings = settings(&[]);
    settings.least_security = Security::Both;
    let mut bench = Bench::ciphered(settings, Security::Both, |_| {});
    assert!(bench.get(&clock()).is_ok());
    bench.cipher.as_mut().unwrap().security = Security::Authenticated;
    assert_eq!(bench.exchange(&get_normal(clock())).encode(), [0xD8, 1, 2]);
    assert_eq!(bench.exception(&get_normal(clock())), [0xD8, 1, 2], "and none at all too");
}

#[test]
fn a_ciphered_request_outside_a_ciphered_context_is_refused() {
    let mut bench = Bench::low(&[]);
    let cipher = CipherContext::new(Security::Both, CLIENT_TITLE, keys());
    let request = cipher.protect(&get_normal(clock()).encode(), 50, bench.envelope).unwrap();
    assert_eq!(bench.raw(&request).apdus, [vec![0xD8, 1, 1]]);
}

#[test]
fn after_a_release_nothing_is_answered_but_an_exception() {
    let mut bench = Bench::low(&[]);
    let Apdu::Rlre(released) = bench.exchange(&release()) else { panic!() };
    assert_eq!(released.reason, Some(0));
    assert_eq!(bench.exception(&get_normal(clock())), [0xD8, 1, 1]);
}

#[test]
fn a_ciphered_release_is_answered_ciphered() {
    let mut bench = Bench::ciphered(settings(&[]), Security::Both, |_| {});
    let cipher = bench.cipher.clone().unwrap();
    let initiate = Apdu::InitiateRequest(bench.initiate()).encode();
    let information = cipher.protect(&initiate, 70, bench.envelope).unwrap();
    let request = Release { reason: Some(0), user_information: Some(information) };
    let reply = bench.raw(&Apdu::Rlrq(request).encode());
    let Apdu::Rlre(released) = Apdu::decode(&reply.apdus[0]).unwrap().0 else { panic!() };
    assert_eq!(released.user_information.unwrap()[0], 0x28);
}

#[test]
fn a_second_aarq_begins_anew() {
    let mut bench = Bench::low(&[]);
    assert_eq!(bench.aarq(Auth::Low, Some(PASSWORD)).unwrap().result.0, 0);
    assert!(bench.get(&clock()).is_ok());
    assert_eq!(diagnostic(bench.aarq(Auth::Low, Some(b"wrong"))), 13);
    assert_eq!(bench.exception(&get_normal(clock())), [0xD8, 1, 1], "the first association is gone too");
}

#[test]
fn only_what_both_can_do_is_negotiated() {
    let mut bench = Bench::new(16, settings(&[]));
    bench.conformance = Conformance::GET | Conformance::READ;
    let aare = bench.aarq(Auth::None, None).unwrap();
    let information = aare.user_information.unwrap();
    let Apdu::InitiateResponse(response) = Apdu::decode(&information).unwrap().0 else { panic!() };
    assert_eq!(response.conformance, Conformance::GET);
    let request = GetRequest::WithList { invoke: InvokeId::confirmed(1), attributes: vec![clock()] };
    assert_eq!(bench.exception(&Apdu::GetRequest(request)), [0xD8, 1, 2]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn random_octets_never_panic(garbage in prop::collection::vec(any::<u8>(), 0..80), first: u8) {
        let mut bench = Bench::low(&[]);
        bench.raw(&garbage);
        bench.raw(&[&[first], garbage.as_slice()].concat());
        for tag in [0x60, 0xC0, 0xC1, 0xC3, 0xC8, 0xDB, 0xE0] {
            bench.raw(&[&[tag], garbage.as_slice()].concat());
        }
    }

    #[test]
    fn a_damaged_request_never_panics(at in 0usize..60, mask in 1u8..) {
        let mut bench = Bench::low(&[]);
        let mut request = get_normal(range("1-0:99.1.0", "2026-10-31T00:00:00Z", NOW)).encode();
        let place = at % request.len();
        request[place] ^= mask;
        bench.raw(&request);
    }
}
