//! The wrapper.

use super::*;
use crate::protocol::wrapper::{WrapperDecoder, WrapperFrame};

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

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn stray_octets_do_not_lengthen_a_wait() {
    let mut setup = setup();
    let mut link = setup.wrapper(&template(), None);
    let far = &mut setup.far;
    let babble = async {
        loop {
            if far.write_all(&[0xFF; 64]).await.is_err() {
                return;
            }
            sleep(Duration::from_secs(1)).await;
        }
    };
    let started = Instant::now();
    link.connect(1).await.unwrap();
    let error = beside(babble, link.receive(Duration::from_secs(6))).await.unwrap_err();
    assert_eq!(error, LinkError::Timeout { what: "a request", waited_ms: 6000 });
    assert_eq!(Instant::now() - started, Duration::from_secs(6));
    assert_eq!(setup.notes().len(), 3, "the remarks end");
}
