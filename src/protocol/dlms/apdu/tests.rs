use proptest::prelude::*;

use crate::model::{Obis, Secret};
use crate::protocol::dlms::test_support::{any_data, hex};
use crate::protocol::dlms::{AttributeRef, Data, DataAccessResult, MethodRef, Selective};

use super::*;

fn attribute() -> impl Strategy<Value = AttributeRef> {
    (any::<u16>(), any::<[u8; 6]>(), any::<i8>(), prop::option::of((any::<u8>(), any_data()))).prop_map(
        |(class_id, obis, attribute, selective)| AttributeRef {
            class_id,
            obis: Obis(obis),
            attribute,
            selective: selective.map(|(selector, parameters)| Selective { selector, parameters }),
        },
    )
}

fn method() -> impl Strategy<Value = MethodRef> {
    (any::<u16>(), any::<[u8; 6]>(), any::<i8>()).prop_map(|(class_id, obis, method)| MethodRef {
        class_id,
        obis: Obis(obis),
        method,
    })
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..200)
}

fn invoke() -> impl Strategy<Value = InvokeId> {
    any::<u8>().prop_map(InvokeId)
}

fn block() -> impl Strategy<Value = DataBlock> {
    (any::<bool>(), any::<u32>(), bytes()).prop_map(|(last, number, raw)| DataBlock { last, number, raw })
}

fn get_result() -> impl Strategy<Value = GetResult> {
    prop_oneof![
        any_data().prop_map(|value| Ok(Encoded::from(&value))),
        any::<u8>().prop_map(|reason| Err(DataAccessResult(reason))),
    ]
}

fn outcome() -> impl Strategy<Value = ActionOutcome> {
    (any::<u8>(), prop::option::of(get_result()))
        .prop_map(|(result, returned)| ActionOutcome { result: ActionResult(result), returned })
}

fn results() -> impl Strategy<Value = Vec<DataAccessResult>> {
    prop::collection::vec(any::<u8>().prop_map(DataAccessResult), 0..9)
}

fn many<T: std::fmt::Debug>(one: impl Strategy<Value = T>) -> impl Strategy<Value = Vec<T>> {
    prop::collection::vec(one, 0..5)
}

fn get() -> impl Strategy<Value = Apdu> {
    prop_oneof![
        (invoke(), attribute()).prop_map(|(invoke, attribute)| GetRequest::Normal { invoke, attribute }),
        (invoke(), any::<u32>()).prop_map(|(invoke, block)| GetRequest::Next { invoke, block }),
        (invoke(), many(attribute()))
            .prop_map(|(invoke, attributes)| GetRequest::WithList { invoke, attributes }),
    ]
    .prop_map(Apdu::GetRequest)
}

fn get_response() -> impl Strategy<Value = Apdu> {
    let part = prop_oneof![bytes().prop_map(Ok), any::<u8>().prop_map(|n| Err(DataAccessResult(n)))];
    prop_oneof![
        (invoke(), get_result()).prop_map(|(invoke, result)| GetResponse::Normal { invoke, result }),
        (invoke(), any::<bool>(), any::<u32>(), part).prop_map(|(invoke, last, number, result)| {
            GetResponse::WithDatablock { invoke, last, number, result }
        }),
        (invoke(), many(get_result()))
            .prop_map(|(invoke, results)| GetResponse::WithList { invoke, results }),
    ]
    .prop_map(Apdu::GetResponse)
}

fn set() -> impl Strategy<Value = Apdu> {
    prop_oneof![
        (invoke(), attribute(), any_data()).prop_map(|(invoke, attribute, value)| SetRequest::Normal {
            invoke,
            attribute,
            value
        }),
        (invoke(), attribute(), block()).prop_map(|(invoke, attribute, block)| SetRequest::FirstDatablock {
            invoke,
            attribute,
            block
        }),
        (invoke(), block()).prop_map(|(invoke, block)| SetRequest::Datablock { invoke, block }),
        (invoke(), many(attribute()), many(any_data()))
            .prop_map(|(invoke, attributes, values)| SetRequest::WithList { invoke, attributes, values }),
        (invoke(), many(attribute()), block()).prop_map(|(invoke, attributes, block)| {
            SetRequest::WithListAndFirstDatablock { invoke, attributes, block }
        }),
    ]
    .prop_map(Apdu::SetRequest)
}

fn set_response() -> impl Strategy<Value = Apdu> {
    let result = || any::<u8>().prop_map(DataAccessResult);
    prop_oneof![
        (invoke(), result()).prop_map(|(invoke, result)| SetResponse::Normal { invoke, result }),
        (invoke(), any::<u32>()).prop_map(|(invoke, block)| SetResponse::Datablock { invoke, block }),
        (invoke(), result(), any::<u32>()).prop_map(|(invoke, result, block)| SetResponse::LastDatablock {
            invoke,
            result,
            block
        }),
        (invoke(), results(), any::<u32>()).prop_map(|(invoke, results, block)| {
            SetResponse::LastDatablockWithList { invoke, results, block }
        }),
        (invoke(), results()).prop_map(|(invoke, results)| SetResponse::WithList { invoke, results }),
    ]
    .prop_map(Apdu::SetResponse)
}

fn action() -> impl Strategy<Value = Apdu> {
    prop_oneof![
        (invoke(), method(), prop::option::of(any_data()))
            .prop_map(|(invoke, method, parameter)| ActionRequest::Normal { invoke, method, parameter }),
        (invoke(), any::<u32>()).prop_map(|(invoke, block)| ActionRequest::NextPblock { invoke, block }),
        (invoke(), many(method()), many(any_data())).prop_map(|(invoke, methods, parameters)| {
            ActionRequest::WithList { invoke, methods, parameters }
        }),
        (invoke(), method(), block()).prop_map(|(invoke, method, block)| ActionRequest::WithFirstPblock {
            invoke,
            method,
            block
        }),
        (invoke(), many(method()), block()).prop_map(|(invoke, methods, block)| {
            ActionRequest::WithListAndFirstPblock { invoke, methods, block }
        }),
        (invoke(), block()).prop_map(|(invoke, block)| ActionRequest::WithPblock { invoke, block }),
    ]
    .prop_map(Apdu::ActionRequest)
}

fn action_response() -> impl Strategy<Value = Apdu> {
    prop_oneof![
        (invoke(), outcome()).prop_map(|(invoke, outcome)| ActionResponse::Normal { invoke, outcome }),
        (invoke(), block()).prop_map(|(invoke, block)| ActionResponse::WithPblock { invoke, block }),
        (invoke(), many(outcome()))
            .prop_map(|(invoke, outcomes)| ActionResponse::WithList { invoke, outcomes }),
        (invoke(), any::<u32>()).prop_map(|(invoke, block)| ActionResponse::NextPblock { invoke, block }),
    ]
    .prop_map(Apdu::ActionResponse)
}

fn notification() -> impl Strategy<Value = Apdu> {
    let stamp = || prop::option::of(any::<[u8; 12]>().prop_map(crate::protocol::dlms::CosemDateTime));
    let bare = attribute().prop_map(|attribute| AttributeRef { selective: None, ..attribute });
    prop_oneof![
        (any::<u32>(), stamp(), any_data()).prop_map(|(invoke, stamp, body)| Apdu::DataNotification(
            DataNotification { invoke, stamp, body }
        )),
        (stamp(), bare, any_data()).prop_map(|(stamp, attribute, value)| {
            Apdu::EventNotification(EventNotification { stamp, attribute, value })
        }),
    ]
}

fn association() -> impl Strategy<Value = Apdu> {
    let optional = || prop::option::of(bytes());
    let secret = || optional().prop_map(|bytes| bytes.map(Secret::new));
    let number = || prop::option::of(any::<u8>());
    prop_oneof![
        (1u8..5, optional(), number(), number(), secret(), optional()).prop_map(
            |(context, calling_title, user_id, mechanism, authentication, user_information)| {
                let context = ApplicationContext(context);
                Apdu::Aarq(Aarq {
                    context,
                    calling_title,
                    user_id,
                    mechanism,
                    authentication,
                    user_information,
                })
            }
        ),
        (prop::option::of(1u8..5), 0u8..3, any::<(bool, u8)>(), optional(), number(), secret(), optional())
            .prop_map(
                |(context, result, (user, code), responding_title, mechanism, authentication, info)| {
                    Apdu::Aare(Aare {
                        context: context.map(ApplicationContext),
                        result: AssociateResult(result),
                        diagnostic: if user { Diagnostic::User(code) } else { Diagnostic::Provider(code) },
                        responding_title,
                        mechanism,
                        authentication,
                        user_information: info,
                    })
                }
            ),
        (number(), optional())
            .prop_map(|(reason, user_information)| Apdu::Rlrq(Release { reason, user_information })),
        (number(), optional())
            .prop_map(|(reason, user_information)| Apdu::Rlre(Release { reason, user_information })),
        (secret(), any::<bool>(), number(), 0u32..0x100_0000, any::<u16>()).prop_map(
            |(dedicated_key, response_allowed, quality, bits, max_pdu)| {
                Apdu::InitiateRequest(InitiateRequest {
                    dedicated_key,
                    response_allowed,
                    quality,
                    dlms_version: 6,
                    conformance: Conformance::from_bits_retain(bits),
                    max_pdu,
                })
            }
        ),
        (number(), 0u32..0x100_0000, any::<u16>(), any::<u16>()).prop_map(
            |(quality, bits, max_pdu, vaa_name)| {
                Apdu::InitiateResponse(InitiateResponse {
                    quality,
                    dlms_version: 6,
                    conformance: Conformance::from_bits_retain(bits),
                    max_pdu,
                    vaa_name,
                })
            }
        ),
    ]
}

fn envelope() -> impl Strategy<Value = Apdu> {
    let body = || {
        (any::<u8>(), any::<u32>(), bytes()).prop_map(|(control, counter, payload)| Protected {
            control: SecurityControl(control),
            counter,
            payload,
        })
    };
    prop_oneof![
        (prop::sample::select(vec![0x21u8, 0x28, 0x2E, 0xC8, 0xCC, 0xCF, 0xD0, 0xD7, 0x41]), body())
            .prop_map(|(tag, body)| Ciphered::Service { tag, body }),
        (any::<bool>(), bytes(), body()).prop_map(|(global, title, body)| Ciphered::General {
            key: if global { GeneralKey::Global } else { GeneralKey::Dedicated },
            title,
            body
        }),
        (bytes(), bytes(), bytes(), bytes(), prop::option::of(any::<u8>()), body()).prop_map(
            |(transaction, originator, recipient, other, key_id, body)| Ciphered::GeneralCiphering {
                transaction,
                originator,
                recipient,
                stamp: Vec::new(),
                other,
                key_id,
                body,
            }
        ),
    ]
    .prop_map(Apdu::Ciphered)
}

fn others() -> impl Strategy<Value = Apdu> {
    prop_oneof![
        any::<(u8, u8, u8)>().prop_map(|(service, class, value)| Apdu::ConfirmedServiceError(
            ConfirmedServiceError { service, class, value }
        )),
        (any::<u8>(), any::<u8>(), any::<u32>()).prop_map(|(state, service, counter)| {
            let counter = (service == ExceptionResponse::COUNTER_ERROR).then_some(counter);
            Apdu::ExceptionResponse(ExceptionResponse { state, service, counter })
        }),
        (any::<(bool, bool, u16, u16)>(), 0u8..64, bytes()).prop_map(
            |((last, streaming, number, acknowledged), window, raw)| Apdu::GeneralBlock(GeneralBlock {
                last,
                streaming,
                window,
                number,
                acknowledged,
                raw
            })
        ),
    ]
}

fn apdu() -> impl Strategy<Value = Apdu> {
    prop_oneof![
        get(),
        get_response(),
        set(),
        set_response(),
        action(),
        action_response(),
        notification(),
        association(),
        envelope(),
        others(),
    ]
}

proptest! {
    #[test]
    fn every_apdu_survives_the_way_to_bytes_and_back(apdu in apdu()) {
        let bytes = apdu.encode();
        let (back, used) = Apdu::decode(&bytes).unwrap();
        prop_assert_eq!(used, bytes.len());
        prop_assert_eq!(back, apdu);
    }

    #[test]
    fn random_bytes_behind_any_tag_never_panic_and_what_is_read_is_written_back_as_it_means(
        tag: u8, kind in 0u8..7, bytes in prop::collection::vec(prop_oneof![0u8..9, any::<u8>()], 0..120),
    ) {
        for bytes in [bytes.clone(), [vec![tag], bytes.clone()].concat(), [vec![tag, kind], bytes].concat()] {
            if let Ok((apdu, used)) = Apdu::decode(&bytes) {
                prop_assert!(used <= bytes.len());
                let written = apdu.encode();
                let (again, _) = Apdu::decode(&written).unwrap();
                prop_assert_eq!(again.encode(), written);
            }
        }
    }

    #[test]
    fn an_apdu_cut_anywhere_or_with_one_byte_changed_never_panics(
        apdu in apdu(), at: prop::sample::Index, byte: u8,
    ) {
        let mut bytes = apdu.encode();
        let at = at.index(bytes.len());
        let _ = Apdu::decode(&bytes[..at]);
        bytes[at] = byte;
        let _ = Apdu::decode(&bytes);
    }
}

fn aare(text: &str) -> Aare {
    match Apdu::decode(&hex(text)).unwrap().0 {
        Apdu::Aare(aare) => aare,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_refusal_without_user_information_is_read() {
    // facts/dlms-quirks.md, line 25.
    let aare = aare("61 17 A1 09 06 07 60 85 74 05 08 01 01 A2 03 02 01 01 A3 05 A1 03 02 01 0D");
    assert_eq!((aare.result, aare.diagnostic), (AssociateResult(1), Diagnostic::User(13)));
    assert_eq!(aare.user_information, None);
}

#[test]
fn an_answer_with_a_protocol_version_that_is_wrong_is_read() {
    // facts/dlms-quirks.md, line 27.
    let aare = aare("61 1B 80 02 02 84 A1 09 06 07 60 85 74 05 08 01 01 A2 03 02 01 00 A3 05 A1 03 02 01 00");
    assert_eq!(aare.result, AssociateResult::ACCEPTED);
}

#[test]
fn a_goodbye_with_wrong_lengths_is_read() {
    // facts/dlms-quirks.md, line 30: 11h for 21 bytes, 0Fh for 16.
    let bytes = hex("63 11 80 01 00 BE 0F 04 0E 08 00 06 5F 1F 04 00 00 7E 1F 04 B0 00 07");
    let (apdu, _) = Apdu::decode(&bytes).unwrap();
    assert!(matches!(apdu, Apdu::Rlre(Release { reason: Some(0), user_information: Some(_) })), "{apdu:?}");
    assert!(Apdu::decode(&hex("63")).is_ok() && Apdu::decode(&hex("63 FF 80")).is_ok());
}

#[test]
fn a_date_time_of_a_notification_is_read_with_and_without_its_tag() {
    // facts/dlms-quirks.md, line 82.
    for stamp in ["0C 07EA0701030C1E0F00FF8880", "09 0C 07EA0701030C1E0F00FF8880"] {
        let bytes = hex(&format!("0F 40 00 00 01 {stamp} 11 05"));
        let (apdu, used) = Apdu::decode(&bytes).unwrap();
        let Apdu::DataNotification(notification) = apdu else { panic!("{apdu:?}") };
        assert_eq!(used, bytes.len());
        assert_eq!(notification.body, Data::U8(5));
        assert!(notification.stamp.unwrap().stamp().is_some());
    }
    let (apdu, _) = Apdu::decode(&hex("0F 40 00 00 01 00 11 05")).unwrap();
    assert!(matches!(apdu, Apdu::DataNotification(DataNotification { stamp: None, .. })));
}

#[test]
fn an_action_answer_without_its_optional_part_is_read() {
    // facts/dlms-quirks.md, line 56.
    let (apdu, used) = Apdu::decode(&hex("C7 01 C1 00")).unwrap();
    let outcome = ActionOutcome { result: ActionResult::SUCCESS, returned: None };
    assert_eq!(
        (apdu, used),
        (Apdu::ActionResponse(ActionResponse::Normal { invoke: InvokeId(0xC1), outcome }), 4)
    );
}

#[test]
fn an_exception_carries_the_counter_where_it_is_given() {
    // facts/dlms-quirks.md, line 40.
    for (text, counter) in [("D8 01 06 00 00 12 34", Some(0x1234)), ("D8 01 06", None), ("D8 02 05", None)] {
        let (apdu, _) = Apdu::decode(&hex(text)).unwrap();
        let Apdu::ExceptionResponse(exception) = apdu else { panic!("{apdu:?}") };
        assert_eq!(exception.counter, counter, "{text}");
    }
}

#[test]
fn a_password_and_a_dedicated_key_never_show_in_debug() {
    let aarq = Aarq {
        context: ApplicationContext::LOGICAL_NAMES,
        calling_title: None,
        user_id: None,
        mechanism: Some(1),
        authentication: Some(Secret::new(b"MARKED".to_vec())),
        user_information: None,
    };
    let shown = format!("{aarq:?}");
    assert!(!shown.contains("77, 65, 82") && !shown.contains("MARKED"), "{shown}");
}
