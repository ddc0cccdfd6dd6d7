use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::super::emulator::Carrier;
use super::super::faults::Faults;
use super::super::{PASSWORD, Settings, VirtualMeter};
use super::*;
use crate::model::template::{HdlcParameters, HdlcTuning, Timing};
use crate::model::{Auth, Obis, Secret};
use crate::protocol::dlms::apdu::{
    Aarq, ApplicationContext, GetRequest, GetResponse, InitiateRequest, InvokeId, authentication_mechanism,
};
use crate::protocol::dlms::{Apdu, AttributeRef, Conformance, Data};
use crate::protocol::hdlc::{ClientConfig, ClientEvent, HdlcClient, Parameters};

const NOW: &str = "2026-11-01T12:15:00Z";

fn now_ms() -> i64 {
    NOW.parse::<Timestamp>().unwrap().as_millisecond()
}

fn meter(faults: &[&str]) -> (SharedMeter, LineEmulator) {
    let faults = Faults::parse(faults).unwrap();
    let mut settings = Settings::household(3, TimeZone::UTC, NOW.parse().unwrap());
    settings.faults = faults;
    (SharedMeter::new(VirtualMeter::new(settings).into()), LineEmulator::new(faults, Carrier::Stream, 5))
}

fn aarq() -> Vec<u8> {
    let initiate = InitiateRequest {
        dedicated_key: None,
        response_allowed: true,
        quality: None,
        dlms_version: 6,
        conformance: Conformance::all(),
        max_pdu: 0xFFFF,
    };
    Apdu::Aarq(Aarq {
        context: ApplicationContext::LOGICAL_NAMES,
        calling_title: None,
        user_id: None,
        mechanism: Some(authentication_mechanism(Auth::Low)),
        authentication: Some(Secret::new(PASSWORD.to_vec())),
        user_information: Some(Apdu::InitiateRequest(initiate).encode()),
    })
    .encode()
}

fn serial() -> Vec<u8> {
    let attribute = AttributeRef::new(1, Obis::new(0, 0, 96, 1, 0, 255), 2);
    Apdu::GetRequest(GetRequest::Normal { invoke: InvokeId::confirmed(1), attribute }).encode()
}

fn octets(outgoing: Vec<Outgoing>) -> Vec<u8> {
    let only = |one| match one {
        Outgoing::Octets(octets) => octets,
        Outgoing::Close => panic!("the meter hung up"),
    };
    outgoing.into_iter().flat_map(only).collect()
}

fn wrapped(source: u16, destination: u16, apdu: Vec<u8>) -> Vec<u8> {
    WrapperFrame { source, destination, apdu }.encode().unwrap()
}

fn ask(port: &mut Port, octets_in: &[u8]) -> Vec<Outgoing> {
    port.handle_octets(octets_in, Instant::now(), now_ms());
    taken(port)
}

fn taken(port: &mut Port) -> Vec<Outgoing> {
    port.take().into_iter().map(|due| due.what).collect()
}

fn serial_in(apdu: &[u8]) -> Option<Data> {
    match Apdu::decode(apdu).unwrap().0 {
        Apdu::GetResponse(GetResponse::Normal { result, .. }) => Some(result.unwrap().decode().unwrap()),
        _ => None,
    }
}

/// A client's station over a port, until it has nothing more to do.
struct Talk {
    client: HdlcClient,
    port: Port,
    now: Instant,
    /// What the meter put on the line.
    heard: Vec<u8>,
    events: Vec<ClientEvent>,
}

impl Talk {
    fn new(faults: &[&str], parameters: HdlcParameters) -> Self {
        let (meter, line) = meter(faults);
        let tuning = HdlcTuning { parameters, ..HdlcTuning::default() };
        let config =
            ClientConfig::new(32, &ServerAddress::MANAGEMENT, &tuning, &Timing::default(), 0).unwrap();
        let client = HdlcClient::new(config);
        let port = Port::hdlc(meter, ServerAddress::MANAGEMENT, line);
        Self { client, port, now: Instant::now(), heard: Vec::new(), events: Vec::new() }
    }

    fn connect(&mut self) {
        self.client.connect(self.now);
        self.run();
    }

    fn send(&mut self, apdu: &[u8]) {
        self.client.send(apdu, self.now);
        self.run();
    }

    /// Lets octets go to and fro, and time pass where nothing moves, until something was told.
    fn run(&mut self) {
        self.events.clear();
        for _ in 0..200 {
            self.now += Duration::from_millis(1);
            let mut moved = false;
            while let Some(frame) = self.client.poll_transmit() {
                self.client.transmitted(self.now);
                self.port.handle_octets(&frame, self.now, now_ms());
                moved = true;
            }
            let out = octets(taken(&mut self.port));
            if !out.is_empty() {
                self.heard.extend(&out);
                self.client.handle_bytes(&out, self.now);
                moved = true;
            }
            while let Some(event) = self.client.poll_event() {
                self.events.push(event);
            }
            let told =
                |event: &ClientEvent| !matches!(event, ClientEvent::Remark(_) | ClientEvent::Unsolicited(_));
            if self.events.iter().any(told) {
                return;
            }
            if !moved && let Some(deadline) = self.client.deadline() {
                self.now = self.now.max(deadline);
                self.client.handle_timeout(self.now);
            }
        }
        panic!("nothing was told: {:?}", self.events);
    }

    fn apdu(&self) -> Vec<u8> {
        let found = self.events.iter().find_map(|event| match event {
            ClientEvent::Apdu(apdu) => Some(apdu.clone()),
            _ => None,
        });
        found.unwrap_or_else(|| panic!("no answer: {:?}", self.events))
    }

    fn serial(&mut self) -> Data {
        self.send(&aarq());
        self.send(&serial());
        serial_in(&self.apdu()).unwrap()
    }

    fn agreed(&self) -> Parameters {
        let found = self.events.iter().find_map(|event| match event {
            ClientEvent::Connected(agreed) => Some(*agreed),
            _ => None,
        });
        found.unwrap_or_else(|| panic!("not connected: {:?}", self.events))
    }
}

fn plate() -> Data {
    Data::Octets(b"26000001".to_vec())
}

#[test]
fn the_wrapper_answers_to_the_client_that_asked_and_serves_several() {
    let (meter, line) = meter(&[]);
    let mut port = Port::wrapper(Household::Meter(meter), line);
    let answer = octets(ask(&mut port, &wrapped(32, 1, aarq())));
    assert_eq!(answer[..6], [0, 1, 0, 1, 0, 32]);
    let both = [wrapped(32, 1, serial()), wrapped(16, 1, serial())].concat();
    let mut decoder = WrapperDecoder::new(0);
    decoder.push(&octets(ask(&mut port, &both)));
    assert_eq!(serial_in(&decoder.next_frame().unwrap().apdu), Some(plate()));
    let stranger = decoder.next_frame().unwrap();
    assert_eq!((stranger.destination, stranger.apdu), (16, vec![0xD8, 1, 1]), "16 did not associate");
}

#[test]
fn a_request_may_come_in_pieces_and_one_for_another_device_is_not_answered() {
    let (meter, line) = meter(&[]);
    let mut port = Port::wrapper(Household::Meter(meter), line);
    let request = wrapped(32, 1, aarq());
    let (front, back) = request.split_at(11);
    assert!(ask(&mut port, front).is_empty());
    assert!(!ask(&mut port, back).is_empty());
    assert!(ask(&mut port, &wrapped(32, 7, aarq())).is_empty());
}

#[test]
fn a_gateways_prefix_comes_back_with_the_answer() {
    let (meter, line) = meter(&[]);
    let mut port = Port::wrapper(Household::Meter(meter), line);
    let request = [&[0xE6, 4, 2, 0xAB, 0xCD], aarq().as_slice()].concat();
    let answer = octets(ask(&mut port, &wrapped(32, 1, request)));
    assert_eq!(answer[8..14], [0xE7, 4, 2, 0xAB, 0xCD, 0x61]);
}

#[test]
fn the_wrappers_addresses_may_stay_as_in_the_request() {
    // facts/dlms-quirks.md, 19.
    let (meter, line) = meter(&["quirk:wrapper-swapped"]);
    let answer = octets(ask(&mut Port::wrapper(Household::Meter(meter), line), &wrapped(32, 1, aarq())));
    assert_eq!(answer[2..6], [0, 32, 0, 1]);
}

#[test]
fn answers_are_lost_garbled_or_the_last_as_the_faults_say() {
    let (meter_of, line) = meter(&["loss=100"]);
    assert!(ask(&mut Port::wrapper(Household::Meter(meter_of), line), &wrapped(32, 1, aarq())).is_empty());

    let (meter_of, line) = meter(&[]);
    let right = octets(ask(&mut Port::wrapper(Household::Meter(meter_of), line), &wrapped(32, 1, aarq())));
    let (meter_of, line) = meter(&["garbage=100"]);
    let wrong = octets(ask(&mut Port::wrapper(Household::Meter(meter_of), line), &wrapped(32, 1, aarq())));
    let differing = right.iter().zip(&wrong).filter(|(one, other)| one != other).count();
    assert_eq!((differing, right.len()), (1, wrong.len()));

    let (meter_of, line) = meter(&["reset=2"]);
    let mut port = Port::wrapper(Household::Meter(meter_of), line);
    assert_eq!(ask(&mut port, &wrapped(32, 1, aarq())).len(), 1);
    assert_eq!(ask(&mut port, &wrapped(32, 1, serial())), [Outgoing::Close]);

    let (meter_of, line) = meter(&["late=250"]);
    let mut port = Port::wrapper(Household::Meter(meter_of), line);
    let now = Instant::now();
    port.handle_octets(&wrapped(32, 1, aarq()), now, now_ms());
    assert_eq!(port.take()[0].at, now + Duration::from_millis(250));
}

#[test]
fn a_datagram_that_comes_twice_is_answered_as_before() {
    let (meter, line) = meter(&[]);
    let mut port = Port::datagrams(Household::Meter(meter), line);
    let first = ask(&mut port, &wrapped(32, 1, aarq()));
    assert_eq!(ask(&mut port, &wrapped(32, 1, aarq())), first);
    let answer = octets(ask(&mut port, &wrapped(32, 1, serial())));
    assert_eq!(serial_in(&answer[8..]), Some(plate()), "the association stands");
}

#[test]
fn a_concentrator_asks_the_meter_that_the_prefix_names_and_is_silent_without_one() {
    let (one, line) = meter(&[]);
    let mut settings = Settings::household(4, TimeZone::UTC, NOW.parse().unwrap());
    settings.number = 2;
    let two = SharedMeter::new(VirtualMeter::new(settings).into());
    let (dead, _) = meter(&[]);
    let house = [(vec![0, 1], one, false), (vec![0, 2], two, false), (vec![0, 3], dead, true)];
    let mut port = Port::wrapper(Household::Behind(house.into()), line);
    let to = |address: u8, apdu: Vec<u8>| wrapped(32, 1, [vec![0xE6, 1, 2, 0, address], apdu].concat());
    for address in [1, 2] {
        assert_eq!(octets(ask(&mut port, &to(address, aarq())))[8..14], [0xE7, 1, 2, 0, address, 0x61]);
        let answer = octets(ask(&mut port, &to(address, serial())));
        let expected = if address == 1 { plate() } else { Data::Visible(b"26000002".to_vec()) };
        let found = serial_in(&answer[13..]).unwrap();
        assert_eq!(found.bytes(), expected.bytes());
    }
    assert!(ask(&mut port, &to(3, aarq())).is_empty(), "a dead meter");
    assert!(ask(&mut port, &to(9, aarq())).is_empty() && ask(&mut port, &wrapped(32, 1, aarq())).is_empty());
}

#[test]
fn hdlc_carries_associations_and_negotiates_large_fields() {
    let mut talk = Talk::new(&[], HdlcParameters::Propose);
    talk.connect();
    assert_eq!(talk.agreed(), Parameters::both_ways(2030, 7));
    assert_eq!(talk.serial(), plate());
}

#[test]
fn frames_lost_both_ways_are_sent_again() {
    let mut talk = Talk::new(&["loss=20"], HdlcParameters::Propose);
    talk.connect();
    assert_eq!(talk.serial(), plate());
}

#[test]
fn ua_may_be_wide_or_bare() {
    // 8.
    let mut talk = Talk::new(&["quirk:wide-ua"], HdlcParameters::Propose);
    talk.connect();
    assert_eq!(talk.agreed(), Parameters::both_ways(2030, 7));
    assert!(talk.heard.windows(4).any(|four| four == [5, 2, 0x07, 0xEE]));
    assert!(talk.heard.windows(6).any(|six| six == [7, 4, 0, 0, 0, 7]));
    let mut talk = Talk::new(&["quirk:bare-ua"], HdlcParameters::Propose);
    talk.connect();
    assert_eq!(talk.agreed(), Parameters::default());
    assert_eq!(talk.serial(), plate());
}

#[test]
fn snrm_may_have_to_carry_parameters_or_none() {
    // 8.
    let connects = |fault: &str, parameters| {
        let mut talk = Talk::new(&[fault], parameters);
        talk.connect();
        talk.events.iter().any(|event| matches!(event, ClientEvent::Connected(_)))
    };
    assert!(connects("quirk:snrm-needs-parameters", HdlcParameters::Force));
    assert!(!connects("quirk:snrm-needs-parameters", HdlcParameters::Omit));
    assert!(connects("quirk:snrm-refuses-parameters", HdlcParameters::Omit));
    assert!(!connects("quirk:snrm-refuses-parameters", HdlcParameters::Force));
    assert!(!connects("quirk:snrm-ignores-parameters", HdlcParameters::Force));
}

#[test]
fn answers_may_bear_the_address_in_two_or_four_octets() {
    // 2, 3: the server's address is the second of a frame from the meter, behind the client's one octet.
    let address = |fault: &[&str]| {
        let mut talk = Talk::new(fault, HdlcParameters::Propose);
        talk.client.connect(talk.now);
        let frame = talk.client.poll_transmit().unwrap();
        talk.port.handle_octets(&frame, talk.now, now_ms());
        let ua = octets(taken(&mut talk.port));
        let end = ua.iter().skip(4).position(|octet| octet & 1 == 1).unwrap();
        ua[4..=4 + end].to_vec()
    };
    assert_eq!(address(&[]).len(), 1);
    assert_eq!(address(&["quirk:two-byte-answers"]).len(), 2);
    assert_eq!(address(&["quirk:four-byte-answers"]).len(), 4);
}

#[test]
fn a_client_that_reads_on_hears_the_meter_through_echo_noise_and_pushes() {
    // 7, 14, 16.
    for fault in ["quirk:echo", "quirk:line-noise", "quirk:ui-push", "quirk:no-llc"] {
        let mut talk = Talk::new(&[fault], HdlcParameters::Propose);
        talk.connect();
        assert_eq!(talk.serial(), plate(), "{fault}");
    }
    let mut talk = Talk::new(&["quirk:ui-push"], HdlcParameters::Propose);
    talk.connect();
    talk.send(&aarq());
    assert!(talk.events.iter().any(|event| matches!(event, ClientEvent::Unsolicited(_))));
}

#[test]
fn a_meter_that_stays_connected_wants_disc_before_a_second_snrm() {
    // 13.
    let mut talk = Talk::new(&["quirk:stays-connected"], HdlcParameters::Propose);
    talk.connect();
    let snrm = {
        talk.client = Talk::new(&[], HdlcParameters::Omit).client;
        talk.client.connect(talk.now);
        talk.client.poll_transmit().unwrap()
    };
    talk.port.handle_octets(&snrm, talk.now, now_ms());
    assert!(talk.port.take().is_empty());
}

#[test]
fn an_optical_probe_signs_on_before_hdlc_and_again_after_disc() {
    use crate::protocol::iec62056_21::{Identification, request, select_hdlc};
    let mut talk = Talk::new(&[], HdlcParameters::Propose);
    for _ in 0..2 {
        let identification = octets(ask(&mut talk.port, &request("")));
        assert!(Identification::find(&identification).unwrap().hdlc);
        assert_eq!(octets(ask(&mut talk.port, &select_hdlc('5'))), select_hdlc('5'));
        talk.connect();
        assert_eq!(talk.serial(), plate());
        talk.client.disconnect(Duration::from_millis(100), 1, talk.now);
        talk.run();
    }
}

#[test]
fn an_association_does_not_outlive_its_link() {
    let mut talk = Talk::new(&[], HdlcParameters::Propose);
    talk.connect();
    talk.send(&aarq());
    talk.connect();
    talk.send(&serial());
    assert_eq!(talk.apdu(), [0xD8, 1, 1]);
}
