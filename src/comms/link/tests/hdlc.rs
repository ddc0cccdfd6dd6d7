//! HDLC.

use super::*;

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn an_hdlc_session_takes_one_exchange_for_each_thing_said() {
    let mut setup = setup();
    let mut link = setup.hdlc(&template(), None);
    let clients = RefCell::default();
    beside(hdlc_meter(&mut setup.far, server_config(), &clients), async {
        link.connect(1).await.unwrap();
        link.connect(1).await.unwrap();
        assert_eq!(link.counters().exchanges, 1);
        for length in [10, 5000] {
            link.send(&vec![0xC4; length]).await.unwrap();
            assert_eq!(link.receive(Duration::from_secs(6)).await.unwrap().len(), length);
        }
        // 5000 octets are three frames of 2030 at most: one window each way.
        assert_eq!(link.counters().exchanges, 3);
        link.disconnect().await;
        assert_eq!(link.counters().exchanges, 4);
    })
    .await;
    assert_eq!(*clients.borrow(), [1]);
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn another_client_gets_a_connection_of_its_own() {
    let mut setup = setup();
    let mut link = setup.hdlc(&template(), None);
    let clients = RefCell::default();
    let habits = ServerHabits { wants_disconnect_first: true, ..ServerHabits::default() };
    beside(hdlc_meter(&mut setup.far, ServerConfig { habits, ..server_config() }, &clients), async {
        link.connect(16).await.unwrap();
        link.send(&[0xC0]).await.unwrap();
        link.receive(Duration::from_secs(6)).await.unwrap();
        link.connect(1).await.unwrap();
        assert_eq!(link.counters().exchanges, 4);
        link.disconnect().await;
    })
    .await;
    assert_eq!(*clients.borrow(), [16, 1]);
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn nobody_there_is_a_timeout_that_says_what_was_asked() {
    let mut setup = setup();
    let mut link = setup.hdlc(&template(), None);
    let error = link.connect(1).await.unwrap_err();
    assert_eq!(error, LinkError::Timeout { what: "SNRM", waited_ms: 6000 });
    assert_eq!(link.send(&[1]).await, Err(LinkError::Closed));
    assert_eq!(link.receive(Duration::from_secs(1)).await, Err(LinkError::Closed));
    link.disconnect().await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn cancelling_ends_a_wait_at_once_and_still_says_goodbye() {
    let mut setup = setup();
    let mut link = setup.hdlc(&template(), None);
    let reached = std::cell::Cell::new(false);
    let cancel = setup.cancel.clone();
    let far = &mut setup.far;
    let meter = async {
        // The meter answers SNRM and then falls silent.
        let mut buffer = [0; 256];
        let mut server = HdlcServer::new(server_config());
        let count = far.read(&mut buffer).await.unwrap();
        server.handle_bytes(&buffer[..count], Instant::now().into_std());
        far.write_all(&server.poll_transmit().unwrap()).await.unwrap();
        let _ = far.read(&mut buffer).await.unwrap();
        cancel.cancel();
        reached.set(true);
        let count = far.read(&mut buffer).await.unwrap();
        assert_eq!(buffer[..count][6], 0x53, "DISC");
    };
    let started = Instant::now();
    beside(meter, async {
        link.connect(1).await.unwrap();
        link.send(&[0xC0]).await.unwrap();
        assert_eq!(link.receive(Duration::from_secs(60)).await, Err(LinkError::Cancelled));
        assert_eq!(Instant::now(), started);
        link.disconnect().await;
    })
    .await;
    assert!(reached.get());
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn cancelling_ends_the_opening_too() {
    let mut setup = setup();
    let mut link = setup.hdlc(&template(), None);
    setup.cancel.cancel();
    assert_eq!(link.connect(1).await, Err(LinkError::Cancelled));
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_meter_behind_a_gateway_is_called_by_its_prefix() {
    let gateway = Prefix::request(&crate::model::Gateway { network: 1, address: "0x0A0B".to_owned() });
    let mut setup = setup();
    let mut link = setup.hdlc(&template(), Some(gateway));
    let clients = RefCell::default();
    // The meter's echo brings the request's own prefix back, which is taken off as well.
    beside(hdlc_meter(&mut setup.far, server_config(), &clients), async {
        link.connect(1).await.unwrap();
        link.send(&[0xC0, 0x01]).await.unwrap();
        assert_eq!(link.receive(Duration::from_secs(6)).await.unwrap(), [0xC0, 0x01]);
    })
    .await;
    let sent = setup.records.borrow().iter().rfind(|record| record.sent).cloned().unwrap();
    let prefix = [0xE6, 0xE6, 0x00, 0xE6, 0x01, 0x02, 0x0A, 0x0B, 0xC0, 0x01];
    assert!(sent.bytes.windows(prefix.len()).any(|window| window == prefix), "{:02X?}", sent.bytes);
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_password_in_a_segmented_request_is_not_in_the_trace() {
    let mut setup = setup();
    let mut tuned = template();
    tuned.hdlc.parameters = HdlcParameters::Omit;
    let mut link = setup.hdlc(&tuned, None);
    let clients = RefCell::default();
    beside(hdlc_meter(&mut setup.far, server_config(), &clients), async {
        link.connect(1).await.unwrap();
        for before in 115..126 {
            let apdu = [&vec![b'.'; before], b"opensesame".as_slice(), b"..."].concat();
            link.send(&apdu).await.unwrap();
            assert_eq!(link.receive(Duration::from_secs(6)).await.unwrap(), apdu);
        }
    })
    .await;
    for record in setup.records.borrow().iter() {
        // Single octets of it may stand in any check sequence.
        let shown = record.bytes.windows(2).any(|pair| b"opensesame".windows(2).any(|piece| piece == pair));
        assert!(!shown, "{:02X?}", record.bytes);
    }
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn two_wire_converters_get_their_pause() {
    let mut setup = setup();
    let mut tuned = template();
    tuned.hdlc.turnaround_ms = 50;
    let mut link = setup.hdlc(&tuned, None);
    let clients = RefCell::default();
    let started = Instant::now();
    beside(hdlc_meter(&mut setup.far, server_config(), &clients), async {
        link.connect(1).await.unwrap();
        assert_eq!(Instant::now(), started);
        link.send(&[0xC0]).await.unwrap();
        assert_eq!(Instant::now() - started, Duration::from_millis(50));
    })
    .await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn after_a_session_broke_off_the_next_one_disconnects_first_and_asks_for_short_frames() {
    let mut setup = setup();
    let mut link = setup.hdlc(&template(), None);
    let far = &mut setup.far;
    let clients = RefCell::default();
    let meter = async {
        let mut buffer = [0; 4096];
        let mut server = HdlcServer::new(server_config());
        let count = far.read(&mut buffer).await.unwrap();
        server.handle_bytes(&buffer[..count], Instant::now().into_std());
        far.write_all(&server.poll_transmit().unwrap()).await.unwrap();
        // Deaf for the length of all retries.
        select! {
            () = async { loop { let _ = far.read(&mut buffer).await.unwrap(); } } => {}
            () = sleep(Duration::from_secs(20)) => {}
        }
        let habits = ServerHabits { ignores_parameters: true, ..ServerHabits::default() };
        hdlc_meter(far, ServerConfig { habits, ..server_config() }, &clients).await;
    };
    beside(Box::pin(meter), async {
        link.connect(1).await.unwrap();
        link.send(&[0xC0]).await.unwrap();
        assert!(matches!(link.receive(Duration::from_secs(6)).await, Err(LinkError::Timeout { .. })));
        sleep(Duration::from_secs(5)).await;
        let before = link.counters().exchanges;
        link.connect(1).await.unwrap();
        assert_eq!(link.counters().exchanges - before, 2, "DISC and SNRM");
        assert_eq!(link.agreed().unwrap().info_transmit, 128);
    })
    .await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_line_that_never_falls_silent_ends_in_time_too() {
    let mut setup = setup();
    let mut link = setup.hdlc(&template(), None);
    let far = &mut setup.far;
    let babble = async {
        loop {
            if far.write_all(b"\x7E\xA0noise").await.is_err() {
                return;
            }
            sleep(Duration::from_millis(100)).await;
        }
    };
    let started = Instant::now();
    let error = beside(babble, link.connect(1)).await.unwrap_err();
    assert!(matches!(error, LinkError::Garbled(_)), "{error}");
    assert!(Instant::now() - started < Duration::from_secs(25));
}
