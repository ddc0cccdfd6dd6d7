//! Links made from lines.

use super::*;

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn lines_that_carry_no_dlms_are_refused_in_words() {
    let trace = || Trace { sink: Box::new(crate::transport::NoTap), secrets: Vec::new() };
    let line = "tcp+flag://h:1".parse().unwrap();
    let outcome = open_link(&line, address("1"), &template(), trace(), Cancel::default());
    assert!(matches!(outcome, Err(LinkError::Open(text)) if text.contains("write tcp+hdlc://")));
    let line = "tcp://h:1".parse().unwrap();
    let outcome = open_flag_link(&line, &template(), trace(), Cancel::default());
    assert!(matches!(outcome, Err(LinkError::Open(text)) if text.contains("write tcp+flag://")));
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
