//! Links against stations in memory, in paused time.

use std::cell::RefCell;
use std::rc::Rc;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::select;
use tokio::time::{Instant, sleep, sleep_until};

use super::*;
use crate::model::SerialFormat;
use crate::model::SerialLine;
use crate::model::template::FORMAT;
use crate::protocol::hdlc::{HdlcServer, ServerConfig, ServerEvent, ServerHabits};
use crate::protocol::wrapper::{WrapperDecoder, WrapperFrame};
use crate::transport::TapRecord;

type Records = Rc<RefCell<Vec<TapRecord>>>;

fn template() -> Template {
    serde_json::from_value(serde_json::json!({
        "format": FORMAT, "name": "test", "title": "Test", "family": "dlms",
    }))
    .unwrap()
}

fn address(text: &str) -> ServerAddress {
    text.parse().unwrap()
}

struct Setup {
    far: DuplexStream,
    pipe: Option<Pipe>,
    records: Records,
    cancel: Cancel,
}

fn setup() -> Setup {
    let (near, far) = duplex(16 * 1024);
    let records = Records::default();
    let secrets = vec![Secret::new(b"opensesame".to_vec())];
    let tap = MaskingTap::new(Box::new(records.clone()), secrets, Framing::Hdlc);
    let pipe = Some(Pipe::new(Place::Memory(near), Box::new(tap)));
    Setup { far, pipe, records, cancel: Cancel::default() }
}

impl Setup {
    fn hdlc(&mut self, template: &Template, gateway: Option<Prefix>) -> HdlcLink {
        let pipe = self.pipe.take().unwrap();
        HdlcLink::new(pipe, address("1/17"), template, gateway, None, self.cancel.clone())
    }

    fn wrapper(&mut self, template: &Template, gateway: Option<Prefix>) -> WrapperLink {
        let pipe = self.pipe.take().unwrap();
        WrapperLink::new(pipe, address("1"), template, gateway, self.cancel.clone())
    }

    fn notes(&self) -> Vec<String> {
        self.records.borrow().iter().filter_map(|record| record.note.clone()).collect()
    }
}

/// A meter over HDLC that answers every APDU with itself; it tells which clients connected.
async fn hdlc_meter(stream: &mut DuplexStream, config: ServerConfig, clients: &RefCell<Vec<u16>>) {
    let mut server = HdlcServer::new(config);
    let mut buffer = [0; 1024];
    loop {
        while let Some(event) = server.poll_event() {
            match event {
                ServerEvent::Apdu(apdu) => server.send(&apdu),
                ServerEvent::Connected { client, .. } => clients.borrow_mut().push(client),
                ServerEvent::Disconnected => {}
            }
        }
        while let Some(frame) = server.poll_transmit() {
            stream.write_all(&frame).await.unwrap();
        }
        let deadline = server.deadline().map(Instant::from_std);
        select! {
            count = stream.read(&mut buffer) => match count.unwrap_or(0) {
                0 => return,
                count => server.handle_bytes(&buffer[..count], Instant::now().into_std()),
            },
            () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => {
                server.handle_timeout(Instant::now().into_std());
            }
        }
    }
}

fn server_config() -> ServerConfig {
    ServerConfig::new(address("1/17"))
}

/// Runs a conversation beside the meter.
async fn beside<T>(meter: impl Future<Output = ()>, talk: impl Future<Output = T>) -> T {
    let mut talk = std::pin::pin!(talk);
    select! {
        biased;
        outcome = &mut talk => outcome,
        () = meter => talk.await,
    }
}

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
    beside(meter, async {
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

async fn wrapper_meter(stream: &mut DuplexStream, swap: bool) {
    let mut decoder = WrapperDecoder::new(0);
    let mut buffer = [0; 1024];
    loop {
        let count = stream.read(&mut buffer).await.unwrap_or(0);
        if count == 0 {
            return;
        }
        decoder.push(&buffer[..count]);
        while let Some(frame) = decoder.next_frame() {
            let (source, destination) =
                if swap { (frame.source, frame.destination) } else { (frame.destination, frame.source) };
            let octets = WrapperFrame { source, destination, apdu: frame.apdu }.encode().unwrap();
            for piece in octets.chunks(7) {
                stream.write_all(piece).await.unwrap();
                tokio::task::yield_now().await;
            }
        }
    }
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn the_wrapper_serves_all_clients_over_one_connection() {
    let mut setup = setup();
    let mut link = setup.wrapper(&template(), None);
    beside(wrapper_meter(&mut setup.far, false), async {
        for client in [16, 1] {
            link.connect(client).await.unwrap();
            link.send(&[0x60; 40]).await.unwrap();
            assert_eq!(link.receive(Duration::from_secs(6)).await.unwrap(), [0x60; 40]);
        }
        assert_eq!(link.counters().exchanges, 2);
        let told: Vec<Vec<u8>> =
            setup.records.borrow().iter().filter(|one| one.sent).map(|one| one.bytes[..8].to_vec()).collect();
        assert_eq!(told, [[0, 1, 0, 16, 0, 1, 0, 40], [0, 1, 0, 1, 0, 1, 0, 40]]);
    })
    .await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn swapped_saps_are_remarked_and_the_message_taken() {
    // facts/dlms-quirks.md, 19.
    let mut setup = setup();
    let mut link = setup.wrapper(&template(), None);
    beside(wrapper_meter(&mut setup.far, true), async {
        link.connect(16).await.unwrap();
        link.send(&[0x60]).await.unwrap();
        assert_eq!(link.receive(Duration::from_secs(6)).await.unwrap(), [0x60]);
    })
    .await;
    assert_eq!(setup.notes(), ["the wrapper header says from 16 to 1"]);
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_wait_over_the_wrapper_ends_in_time_and_half_a_message_is_garbled() {
    let mut setup = setup();
    let mut link = setup.wrapper(&template(), None);
    link.connect(1).await.unwrap();
    link.send(&[0x60]).await.unwrap();
    let started = Instant::now();
    let error = link.receive(Duration::from_secs(6)).await.unwrap_err();
    assert_eq!(error, LinkError::Timeout { what: "a request", waited_ms: 6000 });
    assert_eq!(Instant::now() - started, Duration::from_secs(6));
    setup.far.write_all(&[0, 1, 0, 1, 0, 1, 0, 9, 0x61]).await.unwrap();
    assert!(matches!(link.receive(Duration::from_secs(6)).await, Err(LinkError::Garbled(_))));
    drop(setup.far);
    assert_eq!(link.receive(Duration::from_secs(6)).await, Err(LinkError::Closed));
}

const PARITY: fn(&u8) -> u8 = |octet| *octet | ((octet.count_ones() as u8) & 1) << 7;

fn probe() -> SerialLine {
    SerialLine {
        port: "probe".to_owned(),
        baud: 300,
        format: SerialFormat::SevenEvenSoft,
        optical: true,
        echo: false,
        dtr: None,
        rts: None,
    }
}

/// A meter behind an optical probe: sign-on in 7E1, then HDLC where it offers that.
async fn optical_meter(far: &mut DuplexStream, identification: &str, confirms: bool, deaf: u32) {
    let mut buffer = [0; 64];
    for _ in 0..=deaf {
        let count = far.read(&mut buffer).await.unwrap();
        assert_eq!(buffer[..count], [0xAF, 0x3F, 0x21, 0x8D, 0x0A]);
    }
    let line: Vec<u8> = identification.as_bytes().iter().map(PARITY).collect();
    far.write_all(&line).await.unwrap();
    let Ok(count) = far.read(&mut buffer).await else { return };
    if count == 0 {
        return;
    }
    assert_eq!(buffer[..count], b"\x06252\r\n".iter().map(PARITY).collect::<Vec<_>>());
    if confirms {
        far.write_all(&buffer[..count]).await.unwrap();
    }
    hdlc_meter(far, server_config(), &RefCell::default()).await;
}

async fn sign_on(identification: &str, confirms: bool, deaf: u32) -> (Result<(), LinkError>, Vec<String>) {
    let mut setup = setup();
    let pipe = setup.pipe.take().unwrap();
    let mut link =
        HdlcLink::new(pipe, address("1/17"), &template(), None, Some(probe()), setup.cancel.clone());
    let outcome = beside(optical_meter(&mut setup.far, identification, confirms, deaf), async {
        let outcome = link.connect(1).await;
        if outcome.is_ok() {
            link.send(&[0xC0]).await.unwrap();
            link.receive(Duration::from_secs(6)).await.unwrap();
        }
        drop(link);
        outcome
    })
    .await;
    (outcome, setup.notes())
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn an_optical_probe_signs_on_in_mode_e_and_hands_over_to_hdlc() {
    let (outcome, notes) = sign_on("/APA5\\2NORAX\r\n", true, 0).await;
    assert_eq!(outcome, Ok(()));
    let told = ["300 baud, 7e1-soft", "9600 baud, 8n1", "signed on to /APA5\\2NORAX: HDLC at 9600 baud"];
    assert_eq!(notes, told);
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_sign_on_that_is_not_heard_is_said_again() {
    assert_eq!(sign_on("/APA5\\2NORAX\r\n", true, 2).await.0, Ok(()));
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_meter_that_confirms_nothing_is_tried_with_hdlc() {
    let (outcome, notes) = sign_on("/APA5\\2NORAX\r\n", false, 0).await;
    assert_eq!(outcome, Ok(()));
    assert!(notes.iter().any(|note| note.contains("confirms nothing")), "{notes:?}");
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_meter_that_offers_mode_c_alone_is_refused_by_its_name() {
    let (outcome, _) = sign_on("/LGZ5ZMD\r\n", true, 0).await;
    let error = outcome.unwrap_err();
    assert!(matches!(&error, LinkError::Refused(text) if text.contains("/LGZ5ZMD")), "{error}");
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn lines_that_carry_no_dlms_are_refused_in_words() {
    for text in ["tcp+flag://h:1", "udp://h:1", "modem:/dev/ttyS0?dial=1"] {
        let trace = Trace { sink: Box::new(crate::transport::NoTap), secrets: Vec::new() };
        let line = text.parse().unwrap();
        let outcome = open_link(&line, address("1"), &template(), trace, Cancel::default());
        assert!(
            matches!(outcome, Err(LinkError::Open(text)) if text.contains("write") || text.contains("dial"))
        );
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_link_over_tcp_opens_only_when_it_is_connected() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let line = format!("tcp://{}", listener.local_addr().unwrap()).parse().unwrap();
    let trace = Trace { sink: Box::new(crate::transport::NoTap), secrets: Vec::new() };
    let mut link = open_link(&line, address("1"), &template(), trace, Cancel::default()).unwrap();
    link.connect(1).await.unwrap();
    let (mut far, _) = listener.accept().await.unwrap();
    link.send(&[0x60]).await.unwrap();
    let mut asked = [0; 9];
    far.read_exact(&mut asked).await.unwrap();
    drop(far);
    assert_eq!(link.receive(Duration::from_secs(10)).await, Err(LinkError::Closed));
    link.disconnect().await;
    assert_eq!(link.counters().bytes_sent, 9);
}

#[test]
fn a_careful_template_disconnects_first_and_proposes_nothing() {
    let careful = careful(&template());
    assert!(careful.hdlc.disconnect_first);
    assert_eq!(careful.hdlc.parameters, HdlcParameters::Omit);
}

#[tokio::test(flavor = "current_thread")]
async fn a_meter_that_closed_after_one_client_is_connected_anew_for_the_next() {
    for scheme in ["tcp", "tcp+hdlc"] {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let line = format!("{scheme}://{}", listener.local_addr().unwrap()).parse().unwrap();
        let trace = Trace { sink: Box::new(crate::transport::NoTap), secrets: Vec::new() };
        let mut link = open_link(&line, address("1"), &template(), trace, Cancel::default()).unwrap();
        let accepted = std::cell::Cell::new(0);
        let meter = async {
            loop {
                let (mut far, _) = listener.accept().await.unwrap();
                accepted.set(accepted.get() + 1);
                if scheme == "tcp" {
                    let mut asked = [0; 9];
                    far.read_exact(&mut asked).await.unwrap();
                    far.write_all(&[0, 1, 0, 1, 0, 16, 0, 1, 0x61]).await.unwrap();
                } else {
                    let mut server = HdlcServer::new(ServerConfig::new(address("1")));
                    let mut buffer = [0; 256];
                    let mut answered = false;
                    while !answered {
                        let count = far.read(&mut buffer).await.unwrap();
                        server.handle_bytes(&buffer[..count], Instant::now().into_std());
                        while let Some(event) = server.poll_event() {
                            if let ServerEvent::Apdu(apdu) = event {
                                server.send(&apdu);
                                answered = true;
                            }
                        }
                        while let Some(frame) = server.poll_transmit() {
                            far.write_all(&frame).await.unwrap();
                        }
                    }
                }
            }
        };
        beside(meter, async {
            for client in [16, 1] {
                link.connect(client).await.unwrap();
                link.send(&[0x61]).await.unwrap();
                assert_eq!(link.receive(Duration::from_secs(10)).await.unwrap(), [0x61]);
            }
        })
        .await;
        assert_eq!(accepted.get(), 2, "{scheme}");
    }
}
