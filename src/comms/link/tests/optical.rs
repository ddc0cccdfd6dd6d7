//! Sign-on behind an optical probe.

use super::*;
use crate::model::{SerialFormat, SerialLine};

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
