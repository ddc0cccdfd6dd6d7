//! Messages both ways, and what is done about lost frames.

use super::*;

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
fn a_message_beyond_every_agreement_is_given_up() {
    let mut config = client_config(&tuning(2030, 7));
    config.max_message = 5000;
    let mut bench = Bench::new(config, server_config());
    bench.answer = |_| message(6000);
    bench.connect();
    assert!(matches!(bench.ask(&[1]), Err(LinkError::Garbled(_))));
}
