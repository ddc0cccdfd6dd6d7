//! Bytes that others made: the standards' published examples, and two independent implementations run as programs
//! of their own (gurux_dlms 1.0.203 and dlms-cosem 25.1.0 from PyPI, their output recorded on 2026-11-22).

use crate::model::Obis;
use crate::protocol::dlms::test_support::hex;
use crate::protocol::dlms::{AttributeRef, Data, DataAccessResult, MethodRef};

use super::*;

/// Reads all of the bytes, checks that writing gives them back.
fn golden(text: &str) -> Apdu {
    let bytes = hex(text);
    let (apdu, used) = Apdu::decode(&bytes).unwrap();
    assert_eq!(used, bytes.len(), "{text}");
    assert_eq!(apdu.encode(), bytes, "{text}");
    apdu
}

const ENERGY: AttributeRef = AttributeRef::new(3, Obis::new(1, 0, 1, 8, 0, 255), 2);
const CLOCK: AttributeRef = AttributeRef::new(8, Obis::new(0, 0, 1, 0, 0, 255), 2);
const FIRST: InvokeId = InvokeId(0xC1);

#[test]
fn the_green_books_association_request_with_a_password() {
    let apdu = golden(
        "60 36 A1 09 06 07 60 85 74 05 08 01 01 8A 02 07 80 8B 07 60 85 74 05 08 02 01 AC 0A 80 08 31 32 33 34 35 \
         36 37 38 BE 10 04 0E 01 00 00 00 06 5F 1F 04 00 00 7E 1F 04 B0",
    );
    let Apdu::Aarq(aarq) = apdu else { panic!("{apdu:?}") };
    assert_eq!((aarq.context, aarq.mechanism), (ApplicationContext::LOGICAL_NAMES, Some(1)));
    assert_eq!(aarq.authentication.unwrap().expose(), b"12345678");
    let Apdu::InitiateRequest(request) = Apdu::decode(&aarq.user_information.unwrap()).unwrap().0 else {
        panic!()
    };
    assert_eq!((request.conformance.bits(), request.max_pdu, request.dlms_version), (0x7E1F, 1200, 6));
    assert!(request.response_allowed && request.dedicated_key.is_none());
}

#[test]
fn the_green_books_answers_to_an_association_request() {
    let accepted = "61 29 A1 09 06 07 60 85 74 05 08 01 01 A2 03 02 01 00 A3 05 A1 03 02 01 00 BE 10 04 0E 08 00 06 \
                    5F 1F 04 00 00 50 1F 01 F4 00 07";
    let high_level = "61 42 A1 09 06 07 60 85 74 05 08 01 01 A2 03 02 01 00 A3 05 A1 03 02 01 0E 88 02 07 80 89 07 \
                      60 85 74 05 08 02 05 AA 0A 80 08 50 36 77 52 4A 32 31 46 BE 10 04 0E 08 00 06 5F 1F 04 00 00 \
                      50 1F 01 F4 00 07";
    let Apdu::Aare(aare) = golden(accepted) else { panic!() };
    assert_eq!((aare.result, aare.diagnostic), (AssociateResult::ACCEPTED, Diagnostic::User(0)));
    let Apdu::InitiateResponse(response) = Apdu::decode(&aare.user_information.unwrap()).unwrap().0 else {
        panic!()
    };
    assert_eq!((response.conformance.bits(), response.max_pdu, response.vaa_name), (0x501F, 500, 7));
    let Apdu::Aare(aare) = golden(high_level) else { panic!() };
    assert_eq!((aare.diagnostic, aare.mechanism), (Diagnostic::User(14), Some(5)));
    assert_eq!(aare.authentication.unwrap().expose(), b"P6wRJ21F");
}

#[test]
fn the_green_books_initiate_request_with_a_dedicated_key() {
    let apdu = golden("01 01 10 00112233445566778899AABBCCDDEEFF 00 00 06 5F1F0400007E1F 04B0");
    let Apdu::InitiateRequest(request) = apdu else { panic!("{apdu:?}") };
    assert_eq!(request.dedicated_key.unwrap().key().unwrap()[15], 0xFF);
}

#[test]
fn the_green_books_ciphered_initiate_request_is_an_envelope() {
    let apdu = golden(
        "21 30 30 01234567 801302FF8A7874133D414CED25B42534D28DB0047720606B175BD52211BE6841DB204D39EE6FDB8E356855",
    );
    let Apdu::Ciphered(Ciphered::Service { tag: 0x21, body }) = apdu else { panic!("{apdu:?}") };
    assert_eq!((body.control.0, body.counter, body.payload.len()), (0x30, 0x0123_4567, 43));
}

#[test]
fn requests_as_gurux_makes_them() {
    let attribute = ENERGY;
    assert_eq!(
        golden("C001C100030100010800FF0200"),
        Apdu::GetRequest(GetRequest::Normal { invoke: FIRST, attribute })
    );
    assert_eq!(golden("C002C100000001"), Apdu::GetRequest(GetRequest::Next { invoke: FIRST, block: 1 }));
    let reset = MethodRef { class_id: 3, obis: ENERGY.obis, method: 1 };
    assert_eq!(
        golden("C301C100030100010800FF01010F00"),
        Apdu::ActionRequest(ActionRequest::Normal {
            invoke: FIRST,
            method: reset,
            parameter: Some(Data::I8(0))
        })
    );
    assert_eq!(
        golden("C101C100010000600100FF02000903616263"),
        Apdu::SetRequest(SetRequest::Normal {
            invoke: FIRST,
            attribute: AttributeRef::new(1, Obis::new(0, 0, 96, 1, 0, 255), 2),
            value: Data::Octets(b"abc".to_vec()),
        })
    );
    assert_eq!(golden("6203800100"), Apdu::Rlrq(Release { reason: Some(0), user_information: None }));
}

#[test]
fn selective_access_by_range_and_by_entry_as_gurux_makes_it() {
    // dlms-cosem makes the range in the same bytes.
    let by_range = golden(
        "C001C100070100630100FF0201010204020412000809060000010000FF0F02120000090C07EA0B16FF0000000000000009\
         0C07EA0B17FF000000000000000100",
    );
    let by_entry = golden("C001C100070100630100FF02010202040600000001060000000A120001120000");
    for (apdu, selector, parts) in [(by_range, 1, 4), (by_entry, 2, 4)] {
        let Apdu::GetRequest(GetRequest::Normal { attribute, .. }) = apdu else { panic!("{apdu:?}") };
        let selective = attribute.selective.unwrap();
        assert_eq!(selective.selector, selector);
        assert_eq!(selective.parameters.elements().unwrap().len(), parts);
    }
}

#[test]
fn the_first_and_last_general_block_of_a_long_request_as_gurux_makes_them() {
    let start = "C101C100010000600100FF020009820300";
    let piece = format!("{start}{}", "5A".repeat(505 - start.len() / 2));
    let Apdu::GeneralBlock(first) = golden(&format!("E0 01 0001 0000 8201F9 {piece}")) else { panic!() };
    assert_eq!((first.last, first.streaming, first.window, first.number), (false, false, 1, 1));
    let Apdu::GeneralBlock(last) = golden("E0 81 0002 0000 02 E8E9") else { panic!() };
    assert_eq!((last.last, last.number, last.raw), (true, 2, vec![0xE8, 0xE9]));
}

#[test]
fn ciphered_association_requests_as_gurux_makes_them() {
    let apdu = golden(
        "6055A109060760857405080103A60A04084D5457434C4E54318A0207808B0760857405080201AC0A80083132333435363738\
         BE230421211F3000000064E0EC142F5C90D1C4AC2BDC2BFC45508D64D87CC06BB6F7BEC2FD",
    );
    let Apdu::Aarq(aarq) = apdu else { panic!("{apdu:?}") };
    assert!(aarq.context.is_ciphered());
    assert_eq!(aarq.calling_title.unwrap(), b"MTWCLNT1");
    golden(
        "604AA109060760857405080101A60A04084D5457434C4E54318A0207808B0760857405080205AC1280103D5EDB31FE6E282C\
         87ABCE4C9230489DBE10040E01000000065F1F0400401E5D0200",
    );
}

#[test]
fn requests_as_dlms_cosem_makes_them() {
    let attributes = vec![ENERGY, CLOCK];
    assert_eq!(
        golden("C003C10200030100010800FF020000080000010000FF0200"),
        Apdu::GetRequest(GetRequest::WithList { invoke: FIRST, attributes })
    );
    let value = Data::Octets(vec![0xAA, 0xBB]);
    assert_eq!(
        golden("C101C100080000010000FF02000902AABB"),
        Apdu::SetRequest(SetRequest::Normal { invoke: FIRST, attribute: CLOCK, value })
    );
    let method = MethodRef { class_id: 3, obis: ENERGY.obis, method: 1 };
    assert_eq!(
        golden("C301C100030100010800FF0100"),
        Apdu::ActionRequest(ActionRequest::Normal { invoke: FIRST, method, parameter: None })
    );
    golden("010110000102030405060708090A0B0C0D0E0F0000065F1F040000121FFFFF");
    golden(
        "6042A109060760857405080101A60A04084D5457434C4E54318A0207808B0760857405080205AC0A80083132333435363738\
         BE10040E01000000065F1F040000121F04B0",
    );
    golden("6215800100BE10040E01000000065F1F040000121F04B0");
}

#[test]
fn responses_as_dlms_cosem_makes_them() {
    let get = |response| Apdu::GetResponse(response);
    let block = |last, number, result| {
        Apdu::GetResponse(GetResponse::WithDatablock { invoke: FIRST, last, number, result })
    };
    assert_eq!(
        golden("C401C10104"),
        get(GetResponse::Normal { invoke: FIRST, result: Err(DataAccessResult(4)) })
    );
    assert_eq!(golden("C402C100000000020003010203"), block(false, 2, Ok(vec![1, 2, 3])));
    assert_eq!(golden("C402C1010000000300020405"), block(true, 3, Ok(vec![4, 5])));
    assert_eq!(golden("C402C10100000003010E"), block(true, 3, Err(DataAccessResult(14))));
    let results = vec![Ok(Encoded::from(&Data::U32(12_345))), Err(DataAccessResult(3))];
    assert_eq!(golden("C403C1020006000030390103"), get(GetResponse::WithList { invoke: FIRST, results }));
    let set = SetResponse::Normal { invoke: FIRST, result: DataAccessResult::SUCCESS };
    assert_eq!(golden("C501C100"), Apdu::SetResponse(set));
    for (text, result, returned) in [
        ("C701C10000", 0, None),
        ("C701C10001001105", 0, Some(Ok(Encoded(vec![0x11, 5])))),
        ("C701C1FA0101FA", 250, Some(Err(DataAccessResult(250)))),
    ] {
        let outcome = ActionOutcome { result: ActionResult(result), returned };
        assert_eq!(golden(text), Apdu::ActionResponse(ActionResponse::Normal { invoke: FIRST, outcome }));
    }
    let exception = ExceptionResponse { state: 1, service: 1, counter: None };
    assert_eq!(golden("D80101"), Apdu::ExceptionResponse(exception));
    let refused = ConfirmedServiceError { service: 1, class: 6, value: 4 };
    assert_eq!(golden("0E010604"), Apdu::ConfirmedServiceError(refused));
    golden("0800065F1F040000121F04000007");
    golden("6129A109060760857405080101A203020100A305A103020100BE10040E0800065F1F040000121F04000007");
    golden(
        "614EA109060760857405080103A203020100A305A10302010EA40A040858595A000000000788020780890760857405080205\
         AA0A80084B35366956616759BE10040E0800065F1F040000121F04000007",
    );
    golden("6303800100");
}

#[test]
fn notifications_and_envelopes_as_dlms_cosem_makes_them() {
    let told = DataNotification { invoke: 5, stamp: None, body: Data::U8(5) };
    assert_eq!(golden("0F00000005001105"), Apdu::DataNotification(told));
    // It marks the stamp as present and leaves its length out.
    let (apdu, used) = Apdu::decode(&hex("0F000000050107EA0B16FF0C1E0000FFC4001105")).unwrap();
    let Apdu::DataNotification(told) = apdu else { panic!("{apdu:?}") };
    assert_eq!((used, told.body), (20, Data::U8(5)));
    assert_eq!(told.stamp.unwrap().stamp().unwrap().deviation_minutes, Some(-60));
    let envelope = golden("DB0858595A00000000071A30000000076DEB82DA9DF9846D9A93FC0C39594EBE8CA5AA79F1");
    let Apdu::Ciphered(Ciphered::General { key, title, body }) = envelope else { panic!() };
    assert_eq!((key, body.counter), (GeneralKey::Global, 7));
    assert_eq!(title, b"XYZ\0\0\0\0\x07");
    golden("281F3000000007A1EA458584FD845DB18BDE0CEDAD2472B133D96D402EA87010D5");
}

#[test]
fn the_kinds_that_neither_of_them_makes_are_as_the_standard_writes_them() {
    // Written out by hand from the ASN.1 of IEC 62056-53, 7.4.
    for text in [
        // SET: first block, block, list, list in blocks; and their answers.
        "C1 02 C1 0008 0000010000FF 02 00 00 00000001 02 09 04",
        "C1 03 C1 01 00000002 02 AA BB",
        "C1 04 C1 02 0003 0100010800FF 02 00 0008 0000010000FF 02 00 02 11 01 12 0002",
        "C1 05 C1 01 0003 0100010800FF 02 00 00 00000001 02 01 09",
        "C5 02 C1 00000001",
        "C5 03 C1 00 00000002",
        "C5 04 C1 02 00 03 00000002",
        "C5 05 C1 02 00 0B",
        // ACTION: next block, list, first block, list in blocks, block; and its answers.
        "C3 02 C1 00000001",
        "C3 03 C1 02 0009 00000A0064FF 01 0046 0000600303FF 01 02 12 0001 0F 00",
        "C3 04 C1 0009 00000A0064FF 01 00 00000001 02 09 04",
        "C3 05 C1 01 0009 00000A0064FF 01 00 00000001 02 01 09",
        "C3 06 C1 01 00000002 02 AA BB",
        "C7 02 C1 01 00000001 03 00 01 00",
        "C7 03 C1 02 00 00 03 01 01 FA",
        "C7 04 C1 00000001",
        // A notification of an event with its time; a counter in an exception; general-ciphering.
        "C2 01 0C 07EA0B16070C1E0000FFC400 0003 0100010800FF 02 06 00000001",
        "D8 01 06 00001234",
        "DD 01 07 08 58595A0000000007 08 4D5457434C4E5431 00 00 01 00 00 07 30 00000001 AABB",
        "DC 00 07 30 00000001 AABB",
    ] {
        golden(text);
    }
}
