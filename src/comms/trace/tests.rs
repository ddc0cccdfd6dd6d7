//! Traffic in words. Octets are the Green Book's and the IEC 62056-46 examples as other tests of `protocol` have
//! them, or made by this program's own encoders, which golden tests hold.

use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::model::{Obis, Secret, ServerAddress};
use crate::protocol::dlms::apdu::{
    Aarq, ActionRequest, ApplicationContext, Ciphered, Encoded, GetRequest, GetResponse, InitiateRequest,
    InvokeId, Protected, SecurityControl, SetRequest,
};
use crate::protocol::dlms::{Apdu, AttributeRef, Conformance, Data, MethodRef};
use crate::protocol::hdlc::{Control, Frame, HdlcAddress, LLC_COMMAND};
use crate::protocol::wrapper::WrapperFrame;

const INVOKE: InvokeId = InvokeId::confirmed(1);
const ENERGY: Obis = Obis::new(1, 0, 1, 8, 0, 255);

fn text(layers: &[Layer]) -> String {
    layers.iter().flat_map(Layer::lines).collect::<Vec<_>>().join("\n")
}

fn get() -> Vec<u8> {
    let attribute = AttributeRef::new(3, ENERGY, 2);
    Apdu::GetRequest(GetRequest::Normal { invoke: INVOKE, attribute }).encode()
}

fn wrapped(apdu: Vec<u8>) -> Vec<u8> {
    WrapperFrame { source: 16, destination: 1, apdu }.encode().unwrap()
}

fn frame(control: Control, segmented: bool, info: Vec<u8>) -> Vec<u8> {
    Frame {
        segmented,
        destination: HdlcAddress::server(&ServerAddress::MANAGEMENT).unwrap(),
        source: HdlcAddress::client(16).unwrap(),
        control,
        info,
    }
    .encode()
}

fn record(sent: bool, bytes: Vec<u8>) -> TraceRecord {
    TraceRecord { at: Timestamp::UNIX_EPOCH, sent, bytes, masked: Vec::new(), note: None }
}

#[test]
fn a_wrapped_request_has_two_layers() {
    let layers = decode(&wrapped(get()));
    assert_eq!(layers[0].summary, "from 16 to 1, 13 octets");
    assert_eq!(layers[1].summary, "GET request 1");
    assert_eq!(layers[1].details, ["attribute 2 of 1-0:1.8.0*255 (class 3): Active import energy"]);
}

#[test]
fn a_frame_has_its_llc_header_and_apdu_under_it() {
    let info = [&LLC_COMMAND[..], &get()].concat();
    let control = Control::I { send: 1, receive: 2, poll: true };
    let names: Vec<&str> = decode(&frame(control, false, info)).iter().map(|layer| layer.name).collect();
    assert_eq!(names, ["HDLC", "LLC", "DLMS"]);
}

#[test]
fn the_published_snrm_is_told() {
    // The octets are those of the golden test in `protocol::hdlc`.
    let octets = [0x7E, 0xA0, 0x07, 0x03, 0x21, 0x93, 0x0F, 0x01, 0x7E];
    assert_eq!(text(&decode(&octets)), "HDLC     SNRM, final; from 16 to 1");
}

#[test]
fn segments_are_put_together_also_when_they_come_in_pieces() {
    let info = [&LLC_COMMAND[..], &get()].concat();
    let (front, back) = info.split_at(7);
    let first = frame(Control::I { send: 0, receive: 0, poll: true }, true, front.to_vec());
    let second = frame(Control::I { send: 1, receive: 0, poll: true }, false, back.to_vec());
    let stream = [first, second].concat();
    let mut follower = Follower::default();
    let mut layers = Vec::new();
    for piece in stream.chunks(5) {
        layers.extend(follower.follow(&record(true, piece.to_vec())));
    }
    assert_eq!(layers.iter().filter(|layer| layer.name == "HDLC").count(), 2);
    assert_eq!(layers.last().unwrap().summary, "GET request 1");
}

#[test]
fn both_directions_are_followed_by_themselves() {
    let message = wrapped(get());
    let (front, back) = message.split_at(4);
    let mut follower = Follower::default();
    assert!(follower.follow(&record(true, front.to_vec())).is_empty());
    assert_eq!(follower.follow(&record(false, message.clone())).len(), 2);
    assert_eq!(follower.follow(&record(true, back.to_vec())).len(), 2);
}

#[test]
fn a_bare_apdu_is_decoded_with_its_value() {
    let value = Data::Structure(vec![Data::U32(12345), Data::Octets(ENERGY.0.to_vec())]);
    let response =
        Apdu::GetResponse(GetResponse::Normal { invoke: INVOKE, result: Ok(Encoded::from(&value)) });
    let layers = decode(&response.encode());
    assert_eq!(
        layers[0].details,
        [
            "structure of 2",
            "  double-long-unsigned 12345",
            "  octet string of 6: 0100010800FF (1-0:1.8.0*255)",
        ]
    );
}

#[test]
fn a_password_and_a_dedicated_key_are_masked() {
    let initiate = InitiateRequest {
        dedicated_key: Some(Secret::new(b"MARKED-DEDICATED".to_vec())),
        response_allowed: true,
        quality: None,
        dlms_version: 6,
        conformance: Conformance::empty(),
        max_pdu: 65535,
    };
    let aarq = Aarq {
        context: ApplicationContext::LOGICAL_NAMES,
        calling_title: None,
        user_id: None,
        mechanism: Some(1),
        authentication: Some(Secret::new(b"MARKED-PASSWORD".to_vec())),
        user_information: Some(Apdu::InitiateRequest(initiate).encode()),
    };
    let told = text(&decode(&wrapped(Apdu::Aarq(aarq).encode())));
    assert!(told.contains("password ********") && told.contains("dedicated key ********"), "{told}");
    let marked = "MARKED".bytes().map(|octet| format!("{octet:02X}")).collect::<String>();
    assert!(!told.contains("MARKED") && !told.contains(&marked), "{told}");
}

#[test]
fn what_is_written_to_an_attribute_or_method_that_takes_a_secret_is_masked() {
    let association = Obis::new(0, 0, 40, 0, 0, 255);
    let secret = Data::Octets(b"MARKED".to_vec());
    let set = SetRequest::Normal {
        invoke: INVOKE,
        attribute: AttributeRef::new(15, association, 7),
        value: secret.clone(),
    };
    let transfer = ActionRequest::Normal {
        invoke: INVOKE,
        method: MethodRef { class_id: 64, obis: Obis::new(0, 0, 43, 0, 0, 255), method: 2 },
        parameter: Some(secret),
    };
    for apdu in [Apdu::SetRequest(set), Apdu::ActionRequest(transfer)] {
        let told = text(&decode(&apdu.encode()));
        assert!(told.contains("********") && !told.contains("MARKED") && !told.contains("4D41"), "{told}");
    }
}

#[test]
fn a_ciphered_apdu_shows_its_header() {
    let control = SecurityControl(SecurityControl::AUTHENTICATED | SecurityControl::ENCRYPTED);
    let body = Protected { control, counter: 77, payload: vec![0; 25] };
    let told = text(&decode(&Apdu::Ciphered(Ciphered::Service { tag: 0xC8, body }).encode()));
    assert!(told.contains("GET request under the global key"), "{told}");
    assert!(told.contains("authenticated and encrypted, invocation counter 77"), "{told}");
}

#[test]
fn a_gateway_prefix_is_a_layer_of_its_own() {
    let octets = [&[0xE6, 1, 2, 0x0A, 0x0B][..], &get()].concat();
    let layers = decode(&wrapped(octets));
    assert_eq!(layers[1].summary, "request to network 1, address 0A0B");
    assert_eq!(layers[2].summary, "GET request 1");
}

#[test]
fn sign_on_lines_of_an_optical_port_are_told() {
    let told = text(&decode(b"/?!\r\n/MTW5@V1\r\n\x06252\r\n"));
    assert!(told.contains("sign-on request /?!"), "{told}");
    assert!(told.contains("identification /MTW5@V1") && told.contains("option select 252"), "{told}");
}

#[test]
fn noise_in_front_of_a_frame_does_not_hide_it() {
    let octets = [&[0xFF, 0x00, 0x55][..], &frame(Control::Disc { poll: true }, false, Vec::new())].concat();
    assert!(text(&decode(&octets)).contains("DISC"));
}

#[test]
fn masked_octets_are_stars() {
    assert_eq!(hex(&[1, 2, 3, 4], &[(1, 2)]), "01 ** ** 04");
    assert_eq!(hex(&[1], &[(0, u32::MAX), (u32::MAX, u32::MAX)]), "**");
}

#[test]
fn a_message_cut_short_says_so() {
    let octets = wrapped(get());
    assert!(text(&decode(&octets[..12])).contains("cut short"));
}

proptest! {
    #[test]
    fn no_octets_break_the_decoder(octets: Vec<u8>, cut in 1usize..20, masked: Vec<(u32, u32)>) {
        let _ = decode(&octets);
        let mut follower = Follower::default();
        for piece in octets.chunks(cut) {
            let _ = follower.follow(&TraceRecord { masked: masked.clone(), ..record(true, piece.to_vec()) });
        }
    }

    #[test]
    fn nothing_behind_a_real_beginning_breaks_the_decoder(
        front in prop_oneof![
            Just(vec![0x7E, 0xA0]), Just(vec![0, 1, 0, 1, 0, 1]), Just(vec![0x60]), Just(vec![0xC4, 1, 0x81]),
            Just(vec![0xDB]), Just(vec![b'/']), Just(vec![0xE6, 0xE6, 0]),
        ],
        tail: Vec<u8>,
    ) {
        let _ = decode(&[front, tail].concat());
    }
}

#[test]
fn messages_of_an_elster_meter_are_told_in_words() {
    // facts/elster-flag.md, section 15.
    let session = [
        b"\x01R1\x02507001(40)\x03d".as_slice(),
        b"\x06",
        b"\x01P0\x02(0123456789ABCDEF)\x03f",
        &crate::protocol::elster_flag::Frame::text("ERR5").encode(),
        &crate::protocol::elster_flag::Frame::data(&[0x12, 0x34]).encode(),
        b"\x01B0\x03q",
    ];
    let summaries: Vec<String> = decode(&session.concat()).into_iter().map(|layer| layer.summary).collect();
    assert_eq!(summaries[0], "read 64 octets of table 507, packet 1");
    assert_eq!(summaries[1], "ACK");
    assert!(summaries[3].contains("ERR5") && summaries[4] == "2 octets: 1234", "{summaries:?}");
    assert_eq!(summaries[5], "break");
}
