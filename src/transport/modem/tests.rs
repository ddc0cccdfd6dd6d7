use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::Instant;

use super::at::{check_number, dial, hang_up};
use super::{Call, LossWatch, Octets};
use crate::model::{SerialFormat, SerialLine};
use crate::transport::TransportError;

impl Octets for DuplexStream {
    async fn put(&mut self, octets: &[u8]) -> Result<(), TransportError> {
        self.write_all(octets).await.map_err(|error| TransportError::Io(error.to_string()))
    }

    async fn take(&mut self) -> Result<Vec<u8>, TransportError> {
        let mut octets = Vec::with_capacity(256);
        match self.read_buf(&mut octets).await {
            Ok(count) if count > 0 => Ok(octets),
            _ => Err(TransportError::Closed),
        }
    }
}

fn call(number: &str, init: Option<&str>) -> Call {
    let serial = SerialLine {
        port: "/dev/ttyS0".to_owned(),
        baud: 9600,
        format: SerialFormat::Eight,
        optical: false,
        echo: false,
        dtr: None,
        rts: None,
    };
    Call { serial, dial: number.to_owned(), init: init.map(str::to_owned) }
}

/// A modem that answers each command by its script: what it hears, after how long, what it says. It ends by telling what
/// it heard.
async fn modem(mut line: DuplexStream, script: Vec<(&'static str, u64, &'static [u8])>) -> Vec<String> {
    let mut heard = Vec::new();
    let mut got = Vec::new();
    let mut buffer = [0; 256];
    while let Ok(count) = line.read(&mut buffer).await {
        if count == 0 {
            break;
        }
        got.extend_from_slice(&buffer[..count]);
        let is_whole = got.ends_with(b"\r") || got == b"+++";
        if !is_whole {
            continue;
        }
        let command = String::from_utf8_lossy(&std::mem::take(&mut got)).trim().to_owned();
        if let Some((_, after, answer)) = script.iter().find(|(prefix, ..)| {
            command == *prefix || prefix.ends_with('*') && command.starts_with(prefix.trim_end_matches('*'))
        }) {
            tokio::time::sleep(Duration::from_millis(*after)).await;
            let _ = line.write_all(answer).await;
        }
        heard.push(command);
    }
    heard
}

const OK: &[u8] = b"\r\nOK\r\n";

/// Dials with a scripted modem; gives what came of it, what the modem heard, and how long it took.
async fn dialled(
    call: Call,
    script: Vec<(&'static str, u64, &'static [u8])>,
) -> (Result<super::at::Dialled, TransportError>, Vec<String>, Duration) {
    let (mut near, far) = duplex(1024);
    let began = Instant::now();
    let both = async {
        let outcome = dial(&mut near, &call).await;
        let took = began.elapsed();
        drop(near);
        (outcome, took)
    };
    let ((outcome, took), heard) = tokio::join!(both, modem(far, script));
    (outcome, heard, took)
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_call_that_stands_gives_what_came_behind_its_result() {
    let script = vec![
        ("AT", 10, b"AT\r\r\nOK\r\n".as_slice()),
        ("ATE0V1", 10, OK),
        ("ATX4&C1&D2S0=0", 10, OK),
        ("AT+CBST=71,0,1", 10, OK),
        ("ATDT0123*", 20_000, b"\r\nRINGING\r\nCONNECT 9600\r\n/GEC"),
    ];
    let (outcome, heard, took) = dialled(call("0123,456", Some("+CBST=71,0,1")), script).await;
    let outcome = outcome.unwrap();
    assert_eq!(outcome.surplus, b"/GEC");
    assert_eq!(outcome.remarks, ["dialled 0123,456: CONNECT 9600"]);
    assert_eq!(heard, ["AT", "ATE0V1", "ATX4&C1&D2S0=0", "AT+CBST=71,0,1", "ATDT0123,456"]);
    assert!(took < Duration::from_secs(21));
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn each_way_a_call_fails_has_its_own_words_and_its_layer() {
    for (said, words) in [
        (b"\r\nBUSY\r\n".as_slice(), "line: the number is busy"),
        (b"\r\nNO ANSWER\r\n", "line: nobody answers"),
        (b"\r\nNO CARRIER\r\n", "line: the call came to nothing"),
        (b"\r\nNO DIALTONE\r\n", "line: there is no dial tone"),
        (b"\r\nERROR\r\n", "modem: the modem on /dev/ttyS0 does not dial"),
        (b"", "line: no connection to 0123 within 90000 ms"),
    ] {
        let script = vec![("ATD*", 100, said), ("AT*", 10, OK)];
        let (outcome, ..) = dialled(call("0123", None), script).await;
        let error = outcome.unwrap_err().to_string();
        assert!(error.starts_with(words), "{error}");
    }
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_modem_that_is_not_there_is_not_blamed_on_the_line() {
    let (outcome, heard, _) = dialled(call("0123", None), Vec::new()).await;
    let error = outcome.unwrap_err().to_string();
    assert!(error.starts_with("modem: the modem on /dev/ttyS0 did not answer AT within 6000 ms"), "{error}");
    assert!(!heard.iter().any(|command| command.starts_with("ATD")), "{heard:?}");
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_modem_that_is_still_on_a_call_is_called_back_first() {
    let (mut near, mut far) = duplex(1024);
    let remote = async {
        let mut heard = Vec::new();
        let mut buffer = [0; 256];
        // Data mode: nothing is answered until the escape.
        loop {
            let count = far.read(&mut buffer).await.unwrap();
            heard.extend_from_slice(&buffer[..count]);
            if heard.ends_with(b"+++") {
                break;
            }
        }
        far.write_all(OK).await.unwrap();
        modem(far, vec![("ATD*", 10, b"\r\nCONNECT\r\n"), ("AT*", 10, OK)]).await
    };
    let both = async {
        let outcome = dial(&mut near, &call("0123", None)).await;
        drop(near);
        outcome
    };
    let (outcome, heard) = tokio::join!(both, remote);
    assert!(outcome.unwrap().remarks[0].contains("still on a call"));
    assert_eq!(heard[0], "ATH");
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn hanging_up_keeps_silent_before_and_behind_the_escape() {
    let (mut near, far) = duplex(1024);
    let began = Instant::now();
    let both = async {
        hang_up(&mut near).await;
        drop(near);
    };
    let ((), heard) = tokio::join!(both, modem(far, vec![("+++", 1000, OK), ("ATH", 10, OK)]));
    assert_eq!(heard, ["+++", "ATH"]);
    assert!(began.elapsed() >= Duration::from_millis(2100));
}

#[test]
fn a_number_is_no_place_for_commands() {
    for number in ["0123", "T0,0123", "+441234#", "0W1234"] {
        check_number(number).unwrap();
    }
    for number in ["", "0123\rATZ", "0123;ATZ", "12 34", "hello"] {
        assert!(check_number(number).is_err(), "{number:?}");
    }
}

#[test]
fn a_lost_carrier_is_seen_however_the_line_cuts_it() {
    for cut in 1..10 {
        let mut watch = LossWatch::default();
        let stream = b"\x02(0011)\x03x\r\nNO CARRIER\r\n";
        assert!(stream.chunks(cut).any(|piece| watch.is_lost(piece)), "{cut}");
        assert!(!LossWatch::default().is_lost(b"NO CARRIER"));
    }
}
