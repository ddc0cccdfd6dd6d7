//! Octets and frames from a line into both HDLC stations, with silences in between. Frames bear right check sequences,
//! which no fuzzer finds; what is wrong in them is what they say.
#![no_main]

use std::time::{Duration, Instant};

use libfuzzer_sys::fuzz_target;
use meterwright::model::ServerAddress;
use meterwright::model::template::{HdlcTuning, Timing};
use meterwright::protocol::hdlc::{
    ClientConfig, Control, Frame, HdlcAddress, HdlcClient, HdlcServer, ServerConfig,
};
use meterwright_fuzz::Tape;

fuzz_target!(|octets: &[u8]| {
    let mut tape = Tape::new(octets);
    let mut now = Instant::now();
    let address = ServerAddress::MANAGEMENT;
    let config = ClientConfig::new(16, &address, &HdlcTuning::default(), &Timing::default(), 1024);
    let (Ok(config), Some(far)) = (config, HdlcAddress::server(&address)) else { return };
    let Some(near) = HdlcAddress::client(16) else { return };
    let mut client = HdlcClient::new(config);
    let mut server = HdlcServer::new(ServerConfig::new(address));
    client.connect(now);
    while !tape.is_empty() {
        let how = tape.octet();
        let frame = |tape: &mut Tape<'_>, destination, source| {
            let control = Control::from_octet(tape.octet());
            let info = tape.piece().to_vec();
            Frame { segmented: how & 0x80 != 0, destination, source, control, info }.encode()
        };
        match how & 7 {
            0 => client.handle_bytes(tape.piece(), now),
            1 => server.handle_bytes(tape.piece(), now),
            2 => client.handle_bytes(&frame(&mut tape, near, far), now),
            3 => server.handle_bytes(&frame(&mut tape, far, near), now),
            4 => client.send(tape.piece(), now),
            5 => server.send(tape.piece()),
            6 => {
                now += Duration::from_secs(5);
                client.handle_timeout(now);
                server.handle_timeout(now);
            }
            _ => client.connect(now),
        }
        // The line in between, unless frames are lost on it.
        while let Some(frame) = client.poll_transmit() {
            if how & 0x40 == 0 {
                server.handle_bytes(&frame, now);
            }
        }
        while let Some(frame) = server.poll_transmit() {
            if how & 0x20 == 0 {
                client.handle_bytes(&frame, now);
            }
        }
        while client.poll_event().is_some() {}
        while server.poll_event().is_some() {}
    }
});
