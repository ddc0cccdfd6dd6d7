//! Connecting, negotiating, disconnecting.

use super::*;
use crate::model::AddressBytes;
use crate::model::template::HdlcParameters;

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
fn a_silent_client_is_forgotten_after_the_inactivity_time() {
    let mut bench = Bench::plain(128, 1);
    bench.connect();
    let deadline = bench.server.deadline().unwrap();
    bench.server.handle_timeout(deadline);
    assert_eq!(bench.server.poll_event(), Some(ServerEvent::Disconnected));
    assert_eq!(bench.server.client(), None);
}

#[test]
fn a_client_that_fits_no_address_is_refused_in_words() {
    let server = "1".parse().unwrap();
    let error = ClientConfig::new(128, &server, &tuning(128, 1), &Timing::default(), 0).unwrap_err();
    assert!(error.to_string().contains("127"));
}
