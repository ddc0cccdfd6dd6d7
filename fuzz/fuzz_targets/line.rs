//! Octets of a line, with pauses, into the links over TCP, UDP's framing, HDLC and IEC 62056-21: whatever comes, every
//! wait ends, and the trace masks what it is told to.
#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use meterwright::comms::link::{Cancel, Framing, Trace, flag_link_over, link_over};
use meterwright::model::{Line, Secret, ServerAddress, Template};
use meterwright::protocol::elster_flag::{Care, Command, FlagLine};
use meterwright::protocol::hdlc::{Control, Frame, HdlcAddress};
use meterwright::protocol::link::Link;
use meterwright::transport::{NoTap, Place};
use meterwright_fuzz::{Tape, run};
use tokio::io::{AsyncWriteExt, DuplexStream, duplex};
use tokio::time::{Instant, sleep};

/// No connection and three answers take longer, whoever is at the other end.
const LONGEST: Duration = Duration::from_secs(4 * 3600);

/// Says what the input says, then nothing more; the line stays open.
async fn meter(mut tape: Tape<'_>, far: &mut DuplexStream) {
    while !tape.is_empty() {
        let how = tape.octet();
        sleep(Duration::from_millis(u64::from(how >> 3) * 100)).await;
        let mut octets = tape.piece().to_vec();
        // Frames with right check sequences, and messages with the right length.
        match how & 7 {
            0..=2 => {}
            3 => octets = wrapped(&octets),
            _ => {
                let (control, info) = octets.split_first().unwrap_or((&0x73, &[]));
                let addresses = (HdlcAddress::client(16), HdlcAddress::server(&ServerAddress::MANAGEMENT));
                let (Some(destination), Some(source)) = addresses else { return };
                let control = Control::from_octet(*control);
                let segmented = how & 7 == 4;
                octets = Frame { segmented, destination, source, control, info: info.to_vec() }.encode();
            }
        }
        if far.write_all(&octets).await.is_err() {
            return;
        }
    }
    sleep(LONGEST).await;
}

fn wrapped(apdu: &[u8]) -> Vec<u8> {
    let length = u16::try_from(apdu.len()).unwrap_or(u16::MAX).to_be_bytes();
    [&[0, 1, 0, 1, 0, 16], length.as_slice(), apdu].concat()
}

async fn program(how: u8, near: DuplexStream) {
    let place = Place::Memory(near);
    let secrets = vec![Secret::new(b"12345678".to_vec()), Secret::new(vec![0xA5; 16])];
    let trace = Trace { sink: Box::new(NoTap), secrets };
    let line = |text: &str| text.parse::<Line>().expect("a line");
    let dlms = Template::named("dlms-generic").expect("a template of the program");
    let (framing, line) = match how % 4 {
        0 => (Framing::Wrapper, line("tcp://h:4059")),
        1 => (Framing::Hdlc, line("tcp+hdlc://h:4059")),
        2 => (Framing::Wrapper, line("udp://h:4059")),
        _ => {
            let template = Template::named("elster-a1700").expect("a template of the program");
            let line = line("tcp+flag://h:4059");
            let mut link = flag_link_over(place, &line, &template, trace, Cancel::default());
            if link.open().await.is_ok() && link.sign_on("").await.is_ok() {
                let read = Command::Break;
                let _ = link.ask(&read, Care::Repeat).await;
                let _ = link.ask(&read, Care::Once).await;
            }
            link.close(true).await;
            return;
        }
    };
    let mut link =
        link_over(place, framing, &line, ServerAddress::MANAGEMENT, &dlms, trace, Cancel::default());
    if link.connect(16).await.is_ok() {
        for _ in 0..3 {
            if link.send(&[0xC0, 1, 0xC1, 0, 8, 0, 0, 1, 0, 0, 255, 2, 0]).await.is_err()
                || link.receive(Duration::from_secs(10)).await.is_err()
            {
                break;
            }
        }
    }
    link.disconnect().await;
}

fuzz_target!(|octets: &[u8]| {
    let mut tape = Tape::new(octets);
    let how = tape.octet();
    run(async {
        let (near, mut far) = duplex(256 << 10);
        let began = Instant::now();
        tokio::select! {
            () = program(how, near) => {}
            () = meter(tape, &mut far) => panic!("the conversation has no end"),
        }
        assert!(began.elapsed() < LONGEST);
    });
});
