//! Over bad lines and against hostile octets.

use proptest::prelude::*;

use super::*;

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
