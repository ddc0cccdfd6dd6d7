//! Messages of Elster meters and a vendor's firmware file against hostile octets.

#![no_main]

use libfuzzer_sys::fuzz_target;
use meterwright::firmware::vendor::VendorFile;
use meterwright::protocol::elster_flag::values::{self, ByteOrder, RatioForm};
use meterwright::protocol::elster_flag::{Answer, Command, FrameDecoder};

fuzz_target!(|octets: &[u8]| {
    let mut decoder = FrameDecoder::default();
    for piece in octets.chunks(5) {
        decoder.push(piece);
        while let Some(frame) = decoder.next_frame() {
            let Ok(frame) = frame else { continue };
            let _ = Answer::read(&frame);
            if let Some(command) = Command::read(&frame) {
                assert_eq!(Command::read(&command.frame()), Some(command));
            }
        }
    }
    let _ = (values::register(octets), values::signed_register(octets), values::clock(octets));
    let _ = (values::cumulative_demand(octets), values::maximum_demand(octets, ByteOrder::Little));
    let _ = (values::ratio(octets, RatioForm::Binary), values::ratio(octets, RatioForm::Bcd(4, 2)));
    let _ = VendorFile::read(octets);
});
