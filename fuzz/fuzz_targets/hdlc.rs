//! Octets from a line into both HDLC stations, in chunks, with silences in between.
#![no_main]

use std::time::{Duration, Instant};

use libfuzzer_sys::fuzz_target;
use meterwright::model::ServerAddress;
use meterwright::model::template::{HdlcTuning, Timing};
use meterwright::protocol::hdlc::{ClientConfig, HdlcClient, HdlcServer, ServerConfig};

fuzz_target!(|octets: &[u8]| {
    let mut now = Instant::now();
    let address = ServerAddress::MANAGEMENT;
    let config = ClientConfig::new(16, &address, &HdlcTuning::default(), &Timing::default(), 1024);
    let Ok(config) = config else { return };
    let mut client = HdlcClient::new(config);
    let mut server = HdlcServer::new(ServerConfig::new(address));
    client.connect(now);
    for chunk in octets.chunks(37) {
        // An even first octet is a chunk, an odd one a silence and then the chunk.
        if chunk.first().is_some_and(|first| first & 1 == 1) {
            now += Duration::from_secs(5);
            client.handle_timeout(now);
            server.handle_timeout(now);
        }
        client.handle_bytes(chunk, now);
        server.handle_bytes(chunk, now);
        while server.poll_event().is_some() {}
        while let Some(frame) = server.poll_transmit() {
            client.handle_bytes(&frame, now);
        }
        while client.poll_event().is_some() {}
        client.send(chunk, now);
        while let Some(frame) = client.poll_transmit() {
            server.handle_bytes(&frame, now);
        }
    }
});
