//! Any messages to a virtual meter, with and without an association: it answers each, and nothing breaks it.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use meterwright::protocol::dlms::Apdu;
use meterwright::simulator::server::Server;
use meterwright_fuzz::{Changes, Line, NOW, Tape, meter, run, session};

/// The association request of this program, with the password of the virtual meters.
fn opening() -> &'static [u8] {
    static OPENING: OnceLock<Vec<u8>> = OnceLock::new();
    OPENING.get_or_init(|| {
        run(async {
            let mut line = Line::new(meter(0), Changes::default());
            line.heard = Some(Vec::new());
            session(0, 0, &mut line).await.expect("a session that nobody disturbs");
            line.heard.and_then(|heard| heard.into_iter().next()).expect("a request").0
        })
    })
}

fuzz_target!(|octets: &[u8]| {
    let mut tape = Tape::new(octets);
    let how = tape.octet();
    let clients = [1, 16, 33, 36];
    let mut server = Server::new(meter(how >> 1), clients[usize::from(how >> 5 & 3)], 1);
    let mut now_ms = NOW.as_millisecond();
    if how & 0x80 == 0 {
        server.handle(opening(), now_ms);
    }
    for _ in 0..64 {
        if tape.is_empty() {
            break;
        }
        let reply = server.handle(tape.piece(), now_ms);
        for answer in &reply.apdus {
            assert!(Apdu::decode(answer).is_ok(), "what a meter says is an APDU: {answer:02X?}");
        }
        now_ms += 700;
    }
});
