//! Client against server over a line that loses, damages and repeats, in virtual time.
//!
//! No independent peer exercises windows above one (`facts/dlms-quirks.md`, 11), so both stations prove it here.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;
use crate::model::AddressBytes;
use crate::model::template::{HdlcParameters, HdlcTuning, Timing};
use crate::protocol::link::LinkError;

/// What becomes of a frame on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Arrives,
    Lost,
    Damaged,
    Twice,
}

/// A line in virtual time with a client at one end and a server at the other.
struct Bench {
    client: HdlcClient,
    server: HdlcServer,
    now: Instant,
    /// Next fates of frames, either way; they all arrive once it is empty.
    fates: Vec<Fate>,
    /// Frames as they went over the line: from the client or not, and the frame.
    log: Vec<(bool, Frame)>,
    /// Requests that the server's application has seen.
    requests: Vec<Vec<u8>>,
    events: Vec<ClientEvent>,
    /// How the application answers.
    answer: fn(&[u8]) -> Vec<u8>,
    echo: bool,
}

fn tuning(info: u16, window: u8) -> HdlcTuning {
    HdlcTuning { info, window, ..HdlcTuning::default() }
}

fn client_config(tuning: &HdlcTuning) -> ClientConfig {
    ClientConfig::new(16, &"1/17".parse().unwrap(), tuning, &Timing::default(), 65535).unwrap()
}

fn server_config() -> ServerConfig {
    ServerConfig::new("1/17".parse().unwrap())
}

impl Bench {
    fn new(client: ClientConfig, server: ServerConfig) -> Self {
        Self {
            client: HdlcClient::new(client),
            server: HdlcServer::new(server),
            now: Instant::now(),
            fates: Vec::new(),
            log: Vec::new(),
            requests: Vec::new(),
            events: Vec::new(),
            answer: |request| request.to_vec(),
            echo: false,
        }
    }

    fn plain(info: u16, window: u8) -> Self {
        Self::new(client_config(&tuning(info, window)), server_config())
    }

    fn with_habits(habits: ServerHabits) -> Self {
        Self::new(client_config(&HdlcTuning::default()), ServerConfig { habits, ..server_config() })
    }

    fn carry(&mut self, from_client: bool, octets: &[u8]) -> Vec<u8> {
        self.log.push((from_client, Frame::decode(&octets[1..octets.len() - 1]).unwrap()));
        self.now += Duration::from_millis(1);
        match if self.fates.is_empty() { Fate::Arrives } else { self.fates.remove(0) } {
            Fate::Arrives => octets.to_vec(),
            Fate::Lost => Vec::new(),
            Fate::Twice => [octets, octets].concat(),
            Fate::Damaged => {
                let mut damaged = octets.to_vec();
                damaged[octets.len() / 2] ^= 0x40;
                damaged
            }
        }
    }

    /// Lets the line run until nobody has anything to say before a deadline.
    fn settle(&mut self) {
        loop {
            let mut spoke = false;
            while let Some(octets) = self.client.poll_transmit() {
                let arrives = self.carry(true, &octets);
                if self.echo {
                    self.client.handle_bytes(&octets, self.now);
                }
                self.server.handle_bytes(&arrives, self.now);
                spoke = true;
            }
            if spoke {
                self.client.transmitted(self.now);
            }
            while let Some(event) = self.server.poll_event() {
                if let ServerEvent::Apdu(apdu) = event {
                    self.server.send(&(self.answer)(&apdu));
                    self.requests.push(apdu);
                }
            }
            while let Some(octets) = self.server.poll_transmit() {
                let arrives = self.carry(false, &octets);
                self.client.handle_bytes(&arrives, self.now);
                spoke = true;
            }
            self.events.extend(std::iter::from_fn(|| self.client.poll_event()));
            if !spoke {
                return;
            }
        }
    }

    /// Lets time pass as well, until the client is at rest.
    fn run(&mut self) {
        for _ in 0..10_000 {
            self.settle();
            let Some(deadline) = self.client.deadline() else { return };
            self.now = self.now.max(deadline);
            self.client.handle_timeout(self.now);
            if self.server.deadline().is_some_and(|deadline| deadline <= self.now) {
                self.server.handle_timeout(self.now);
            }
        }
        panic!("the client never came to rest: {:?}", self.client);
    }

    fn connect(&mut self) {
        self.client.connect(self.now);
        self.run();
        assert!(self.client.is_connected(), "{:?}", self.events);
        self.events.clear();
        self.log.clear();
    }

    /// One request and its answer, or why there is none.
    fn ask(&mut self, request: &[u8]) -> Result<Vec<u8>, LinkError> {
        self.client.send(request, self.now);
        self.run();
        for event in std::mem::take(&mut self.events) {
            match event {
                ClientEvent::Apdu(apdu) => return Ok(apdu),
                ClientEvent::Failed(error) | ClientEvent::NothingYet(error) => return Err(error),
                _ => {}
            }
        }
        panic!("neither an answer nor an error");
    }

    fn turns(&self) -> Vec<String> {
        let word = |(from_client, frame): &(bool, Frame)| {
            let arrow = if *from_client { '>' } else { '<' };
            let number = |control| match control {
                Control::I { send, receive, .. } => format!("{send}{receive}"),
                Control::Rr { receive, .. } | Control::Rej { receive, .. } => receive.to_string(),
                _ => String::new(),
            };
            let poll = if frame.control.poll() { "P" } else { "" };
            format!("{arrow}{}{}{poll}", frame.control.name(), number(frame.control))
        };
        self.log.iter().map(word).collect()
    }
}

fn message(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at % 251) as u8).collect()
}

#[test]
fn a_connection_takes_one_exchange_and_so_does_its_end() {
    let mut bench = Bench::plain(2030, 7);
    bench.client.connect(bench.now);
    bench.run();
    assert_eq!(bench.turns(), [">SNRMP", "<UAP"]);
    assert_eq!(bench.events, [ClientEvent::Connected(Parameters::both_ways(2030, 7))]);
    bench.log.clear();
    bench.client.disconnect(Duration::from_secs(1), 1, bench.now);
    bench.run();
    assert_eq!(bench.turns(), [">DISCP", "<UAP"]);
    assert_eq!(bench.events.last(), Some(&ClientEvent::Disconnected));
}

#[test]
fn a_short_request_and_its_answer_take_two_frames_and_no_rr() {
    let mut bench = Bench::plain(128, 1);
    bench.connect();
    assert_eq!(bench.ask(&message(20)), Ok(message(20)));
    assert_eq!(bench.ask(&message(21)), Ok(message(21)));
    assert_eq!(bench.turns(), [">I00P", "<I01P", ">I11P", "<I12P"]);
}

#[test]
fn the_defaults_cost_a_poll_for_each_segment() {
    let mut bench = Bench::plain(128, 1);
    bench.connect();
    assert_eq!(bench.ask(&message(300)), Ok(message(300)));
    let turns = [">I00P", "<RR1P", ">I10P", "<RR2P", ">I20P", "<I03P", ">RR1P", "<I13P", ">RR2P", "<I23P"];
    assert_eq!(bench.turns(), turns);
}

#[test]
fn in_a_window_only_the_last_frame_gives_the_turn_away() {
    // facts/dlms-quirks.md, 11.
    let mut bench = Bench::plain(128, 3);
    bench.connect();
    assert_eq!(bench.ask(&message(600)), Ok(message(600)));
    let turns = [
        ">I00", ">I10", ">I20P", "<RR3P", ">I30", ">I40P", "<I05", "<I15", "<I25P", ">RR3P", "<I35", "<I45P",
    ];
    assert_eq!(bench.turns(), turns);
}

#[test]
fn each_side_keeps_to_what_the_other_takes() {
    let most = Parameters { info_transmit: 256, info_receive: 64, window_transmit: 2, window_receive: 1 };
    let mut bench = Bench::new(client_config(&tuning(2030, 7)), ServerConfig { most, ..server_config() });
    bench.connect();
    assert_eq!(bench.ask(&message(500)), Ok(message(500)));
    let largest = |from: bool| {
        let sizes = bench.log.iter().filter(|(from_client, _)| *from_client == from);
        sizes.map(|(_, frame)| frame.info.len()).max().unwrap()
    };
    assert_eq!((largest(true), largest(false)), (64, 256));
}

#[test]
fn a_lost_request_is_sent_again() {
    let mut bench = Bench::plain(128, 1);
    bench.connect();
    bench.fates = vec![Fate::Lost];
    assert_eq!(bench.ask(&message(9)), Ok(message(9)));
    assert_eq!(bench.turns(), [">I00P", ">RR0P", "<RR0P", ">I00P", "<I01P"]);
    assert_eq!(bench.requests.len(), 1);
}

#[test]
fn a_lost_answer_is_polled_for_and_the_request_is_not_done_twice() {
    let mut bench = Bench::plain(128, 1);
    bench.connect();
    bench.fates = vec![Fate::Arrives, Fate::Lost];
    assert_eq!(bench.ask(&message(9)), Ok(message(9)));
    assert_eq!(bench.turns(), [">I00P", "<I01P", ">RR0P", "<I01P"]);
    assert_eq!(bench.requests.len(), 1);
}

#[test]
fn a_frame_lost_inside_a_window_is_asked_for_by_its_number() {
    let mut bench = Bench::plain(128, 7);
    bench.answer = |_| message(400);
    bench.connect();
    bench.fates = vec![Fate::Arrives, Fate::Arrives, Fate::Damaged];
    assert_eq!(bench.ask(&message(9)), Ok(message(400)));
    let turns = [">I00P", "<I01", "<I11", "<I21", "<I31P", ">RR1P", "<I11", "<I21", "<I31P"];
    assert_eq!(bench.turns(), turns);
}

#[test]
fn a_frame_lost_inside_our_window_is_rejected_and_sent_again() {
    let mut bench = Bench::plain(128, 7);
    bench.answer = |_| vec![1];
    bench.connect();
    bench.fates = vec![Fate::Arrives, Fate::Lost];
    assert_eq!(bench.ask(&message(400)), Ok(vec![1]));
    let turns = [">I00", ">I10", ">I20", ">I30P", "<REJ1P", ">I10", ">I20", ">I30P", "<I04P"];
    assert_eq!(bench.turns(), turns);
    assert_eq!(bench.requests, [message(400)]);
}

#[test]
fn the_last_frame_of_a_window_lost_is_polled_for_after_the_gap_between_frames() {
    let mut bench = Bench::plain(128, 7);
    bench.answer = |_| message(300);
    bench.connect();
    bench.fates = vec![Fate::Arrives, Fate::Arrives, Fate::Arrives, Fate::Lost];
    let before = bench.now;
    assert_eq!(bench.ask(&message(9)), Ok(message(300)));
    let gap = bench.now - before;
    assert!(gap >= Duration::from_secs(4) && gap < Duration::from_secs(5), "{gap:?}");
}

#[test]
fn a_meter_that_never_answers_ends_in_a_timeout_after_all_retries() {
    let mut bench = Bench::plain(128, 1);
    bench.connect();
    bench.fates = vec![Fate::Lost; 20];
    let error = bench.ask(&message(9)).unwrap_err();
    assert_eq!(error, LinkError::Timeout { what: "a request", waited_ms: 6000 });
    assert_eq!(bench.turns(), [">I00P", ">RR0P", ">I00P"]);
    assert!(!bench.client.is_connected());
}

#[test]
fn a_snrm_that_nobody_answers_is_tried_without_parameters_at_last() {
    let mut bench = Bench::plain(2030, 7);
    bench.fates = vec![Fate::Lost; 20];
    bench.client.connect(bench.now);
    bench.run();
    let sizes: Vec<usize> = bench.log.iter().map(|(_, frame)| frame.info.len()).collect();
    assert_eq!(sizes, [23, 23, 0]);
    let error = LinkError::Timeout { what: "SNRM", waited_ms: 6000 };
    assert_eq!(bench.events.last(), Some(&ClientEvent::Failed(error)));
}

#[test]
fn meters_that_ignore_or_refuse_parameters_are_reached_without_them() {
    for habits in [
        ServerHabits { ignores_parameters: true, ..ServerHabits::default() },
        ServerHabits { refuses_parameters: true, ..ServerHabits::default() },
    ] {
        let mut bench = Bench::with_habits(habits);
        bench.connect();
        assert_eq!(bench.ask(&message(200)), Ok(message(200)));
    }
}

#[test]
fn a_meter_that_demands_parameters_gets_them_even_where_they_are_the_defaults() {
    let habits = ServerHabits { demands_parameters: true, ..ServerHabits::default() };
    let force = HdlcTuning { parameters: HdlcParameters::Force, ..tuning(128, 1) };
    let mut bench = Bench::new(client_config(&force), ServerConfig { habits, ..server_config() });
    bench.connect();
    assert_eq!(bench.ask(&message(9)), Ok(message(9)));
}

#[test]
fn parameters_that_are_left_out_travel_in_no_snrm() {
    let omit = HdlcTuning { parameters: HdlcParameters::Omit, ..HdlcTuning::default() };
    let mut bench = Bench::new(client_config(&omit), server_config());
    bench.client.connect(bench.now);
    bench.run();
    assert!(bench.log[0].1.info.is_empty());
    assert_eq!(bench.events, [ClientEvent::Connected(Parameters::default())]);
}

#[test]
fn a_ua_without_parameters_means_the_defaults() {
    let mut bench = Bench::with_habits(ServerHabits { bare_ua: true, ..ServerHabits::default() });
    bench.client.connect(bench.now);
    bench.run();
    assert_eq!(bench.events, [ClientEvent::Connected(Parameters::default())]);
    bench.events.clear();
    assert_eq!(bench.ask(&message(300)), Ok(message(300)));
}

#[test]
fn a_meter_left_connected_is_disconnected_first() {
    let habits = ServerHabits { wants_disconnect_first: true, ..ServerHabits::default() };
    let first = HdlcTuning { disconnect_first: true, ..HdlcTuning::default() };
    let mut bench = Bench::new(client_config(&first), ServerConfig { habits, ..server_config() });
    bench.connect();
    // The client starts afresh without a word, as after a crash.
    bench.client.connect(bench.now);
    bench.run();
    assert_eq!(bench.turns(), [">DISCP", "<UAP", ">SNRMP", "<UAP"]);
}

#[test]
fn a_disconnect_is_content_with_dm() {
    let first = HdlcTuning { disconnect_first: true, ..HdlcTuning::default() };
    let mut bench = Bench::new(client_config(&first), server_config());
    bench.client.connect(bench.now);
    bench.run();
    assert_eq!(bench.turns(), [">DISCP", "<DMP", ">SNRMP", "<UAP"]);
}

#[test]
fn addresses_of_other_lengths_and_swapped_ones_are_understood() {
    for habits in [
        ServerHabits { own_address_bytes: Some(AddressBytes::Four), ..ServerHabits::default() },
        ServerHabits { own_address_bytes: Some(AddressBytes::One), ..ServerHabits::default() },
        ServerHabits { swaps_addresses_in_ua: true, ..ServerHabits::default() },
        ServerHabits { omits_llc: true, ..ServerHabits::default() },
    ] {
        let mut bench = Bench::with_habits(habits);
        bench.connect();
        assert_eq!(bench.ask(&message(9)), Ok(message(9)), "{habits:?}");
    }
}

#[test]
fn a_server_of_another_address_says_nothing() {
    let mut bench = Bench::plain(128, 1);
    bench.server = HdlcServer::new(ServerConfig::new("1/18".parse().unwrap()));
    bench.client.connect(bench.now);
    bench.run();
    assert!(bench.log.iter().all(|(from_client, _)| *from_client));
}

#[test]
fn the_own_echo_is_no_answer() {
    for address in ["1/17", "1"] {
        let server = address.parse().unwrap();
        // The second pair has the same number at both ends, where RR and its answer look alike.
        let client = ClientConfig::new(1, &server, &tuning(128, 1), &Timing::default(), 0).unwrap();
        let mut bench = Bench::new(client, ServerConfig::new(server));
        bench.echo = true;
        bench.connect();
        assert_eq!(bench.ask(&message(300)), Ok(message(300)));
        assert_eq!(bench.log.len(), 10, "{:?}", bench.turns());
    }
}

#[test]
fn client_and_server_of_the_same_number_are_told_apart_without_an_echo() {
    let server = "1".parse().unwrap();
    let client = ClientConfig::new(1, &server, &tuning(128, 1), &Timing::default(), 0).unwrap();
    let mut bench = Bench::new(client, ServerConfig::new(server));
    bench.connect();
    bench.fates = vec![Fate::Lost];
    assert_eq!(bench.ask(&message(300)), Ok(message(300)));
}

#[test]
fn a_notification_is_told_apart_from_an_answer() {
    let mut bench = Bench::plain(128, 1);
    bench.connect();
    bench.server.notify(16, b"\x0Fnews");
    assert_eq!(bench.ask(&message(9)), Ok(message(9)));
    bench.server.notify(16, b"\x0Fnews");
    bench.settle();
    assert_eq!(bench.events, [ClientEvent::Unsolicited(b"\x0Fnews".to_vec())]);
}

#[test]
fn a_meter_that_takes_its_time_is_polled_in_growing_pauses_until_the_wait_ends() {
    let mut bench = Bench::plain(128, 1);
    bench.connect();
    bench.client.send(&message(9), bench.now);
    bench.client.listen(Duration::from_secs(20), bench.now);
    let octets = bench.client.poll_transmit().unwrap();
    bench.server.handle_bytes(&octets, bench.now);
    bench.client.transmitted(bench.now);
    while bench.server.poll_event().is_some() {}
    bench.server.no_answer();
    bench.run();
    let polls = bench.turns().iter().filter(|turn| turn.starts_with(">RR")).count();
    assert!((18..28).contains(&polls), "{polls}");
    let error = LinkError::Timeout { what: "a request", waited_ms: 20_000 };
    assert_eq!(bench.events.last(), Some(&ClientEvent::NothingYet(error)));
    assert!(bench.client.is_connected());
}

#[test]
fn an_answer_that_is_ready_later_comes_with_the_next_poll() {
    let mut bench = Bench::plain(128, 1);
    bench.connect();
    bench.client.send(&message(9), bench.now);
    let octets = bench.client.poll_transmit().unwrap();
    bench.server.handle_bytes(&octets, bench.now);
    while bench.server.poll_event().is_some() {}
    bench.server.no_answer();
    bench.server.send(b"later");
    bench.run();
    assert_eq!(bench.events, [ClientEvent::Apdu(b"later".to_vec())]);
}

#[test]
fn a_second_message_is_asked_for_when_someone_listens() {
    let mut bench = Bench::plain(128, 1);
    bench.connect();
    assert_eq!(bench.ask(&message(9)), Ok(message(9)));
    bench.server.send(b"more");
    bench.run();
    assert_eq!(bench.events, []);
    bench.client.listen(Duration::from_secs(5), bench.now);
    bench.run();
    assert_eq!(bench.events, [ClientEvent::Apdu(b"more".to_vec())]);
}

#[test]
fn a_meter_that_is_not_ready_is_polled_before_anything_is_sent_again() {
    let mut bench = Bench::plain(128, 1);
    bench.connect();
    bench.client.send(&message(300), bench.now);
    let first = bench.client.poll_transmit().unwrap();
    bench.server.handle_bytes(&first, bench.now);
    let busy = Frame {
        segmented: false,
        destination: HdlcAddress::client(16).unwrap(),
        source: HdlcAddress::server(&"1/17".parse().unwrap()).unwrap(),
        control: Control::Rnr { receive: 1, poll: true },
        info: Vec::new(),
    };
    while bench.server.poll_transmit().is_some() {}
    bench.client.handle_bytes(&busy.encode(), bench.now);
    bench.run();
    assert_eq!(bench.turns()[..3], [">RR0P", "<RR1P", ">I10P"]);
    assert_eq!(bench.events, [ClientEvent::Apdu(message(300))]);
}

#[test]
fn a_client_that_is_not_connected_any_more_hears_dm() {
    let mut bench = Bench::plain(128, 1);
    bench.connect();
    bench.server = HdlcServer::new(server_config());
    let error = bench.ask(&message(9)).unwrap_err();
    assert!(matches!(error, LinkError::Refused(text) if text.contains("DM")));
}

#[test]
fn a_field_that_is_too_long_is_rejected_in_words() {
    let mut bench = Bench::plain(128, 1);
    bench.connect();
    let frame = Frame {
        segmented: false,
        destination: HdlcAddress::server(&"1/17".parse().unwrap()).unwrap(),
        source: HdlcAddress::client(16).unwrap(),
        control: Control::I { send: 0, receive: 0, poll: true },
        info: vec![0; 129],
    };
    bench.client.send(&[1], bench.now);
    let _ = bench.client.poll_transmit();
    bench.server.handle_bytes(&frame.encode(), bench.now);
    bench.run();
    let told = bench.events.iter().any(
        |event| matches!(event, ClientEvent::Failed(LinkError::Refused(text)) if text.contains("too long")),
    );
    assert!(told, "{:?}", bench.events);
}

#[test]
fn a_silent_client_is_forgotten_after_the_inactivity_time() {
    let mut bench = Bench::plain(128, 1);
    bench.connect();
    let deadline = bench.server.deadline().unwrap();
    bench.server.handle_timeout(deadline);
    assert_eq!(bench.server.poll_event(), Some(ServerEvent::Disconnected));
    assert_eq!(bench.server.client(), None);
}

#[test]
fn a_message_beyond_every_agreement_is_given_up() {
    let mut config = client_config(&tuning(2030, 7));
    config.max_message = 5000;
    let mut bench = Bench::new(config, server_config());
    bench.answer = |_| message(6000);
    bench.connect();
    assert!(matches!(bench.ask(&[1]), Err(LinkError::Garbled(_))));
}

#[test]
fn a_client_that_fits_no_address_is_refused_in_words() {
    let server = "1".parse().unwrap();
    let error = ClientConfig::new(128, &server, &tuning(128, 1), &Timing::default(), 0).unwrap_err();
    assert!(error.to_string().contains("127"));
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![6 => Just(Fate::Arrives), 1 => Just(Fate::Lost), 1 => Just(Fate::Damaged), 1 => Just(Fate::Twice)]
}

proptest! {
    #[test]
    fn over_a_bad_line_every_message_arrives_once_and_in_order_or_an_error_says_so(
        info in 16u16..300, window in 1u8..8, sizes in proptest::collection::vec(1usize..1500, 1..8),
        fates in proptest::collection::vec(fate(), 0..200), retries in 0u32..6, echo: bool,
    ) {
        let mut config = client_config(&tuning(info, window));
        config.retries = retries;
        let mut bench = Bench::new(config, server_config());
        bench.answer = |request| request.iter().rev().copied().collect();
        bench.echo = echo;
        bench.connect();
        bench.fates = fates;
        let mut sent = Vec::new();
        for size in sizes {
            let request = message(size);
            sent.push(request.clone());
            match bench.ask(&request) {
                Ok(answer) => prop_assert_eq!(answer, (bench.answer)(&request)),
                Err(error) => {
                    prop_assert!(matches!(error, LinkError::Timeout { .. } | LinkError::Garbled(_)), "{error:?}");
                    // What the server has seen is what was sent, with the last one perhaps missing.
                    prop_assert!(sent.starts_with(&bench.requests));
                    return Ok(());
                }
            }
            prop_assert_eq!(&bench.requests, &sent);
        }
        let leftover = bench.events.iter().any(|event| matches!(event, ClientEvent::Apdu(_)));
        prop_assert!(!leftover, "an answer came twice");
    }

    #[test]
    fn no_octets_make_the_client_panic_or_hang(octets: Vec<u8>, pieces in 1usize..30) {
        let mut bench = Bench::plain(128, 7);
        bench.connect();
        bench.client.send(&message(40), bench.now);
        for piece in octets.chunks(pieces) {
            bench.client.handle_bytes(piece, bench.now);
        }
        bench.run();
    }

    #[test]
    fn no_frame_makes_either_station_panic_or_hang(
        controls in proptest::collection::vec((any::<u8>(), any::<bool>(), 0usize..140), 1..20),
    ) {
        let mut bench = Bench::plain(128, 7);
        bench.connect();
        bench.client.send(&message(400), bench.now);
        for (control, segmented, size) in controls {
            let client = HdlcAddress::client(16).unwrap();
            let server = HdlcAddress::server(&"1/17".parse().unwrap()).unwrap();
            let control = Control::from_octet(control);
            let mut frame = Frame { segmented, destination: client, source: server, control, info: message(size) };
            bench.client.handle_bytes(&frame.encode(), bench.now);
            std::mem::swap(&mut frame.destination, &mut frame.source);
            bench.server.handle_bytes(&frame.encode(), bench.now);
        }
        bench.run();
    }
}
