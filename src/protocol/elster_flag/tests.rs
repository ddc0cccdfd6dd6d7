use jiff::civil::datetime;
use proptest::prelude::*;

use super::values::{ByteOrder, RatioForm};
use super::*;
use crate::model::{Decimal, Ratio};
use crate::protocol::iec62056_21::Identification;

fn frames(octets: &[u8]) -> Vec<Result<Frame, Damage>> {
    let mut decoder = FrameDecoder::default();
    decoder.push(octets);
    std::iter::from_fn(|| decoder.next_frame()).collect()
}

fn read(identity: u16, packet: u16, bytes: u8) -> Command {
    Command::Read { place: Place { identity, packet }, bytes }
}

fn hex(text: &str) -> Vec<u8> {
    take_digits(text.as_bytes()).unwrap()
}

#[test]
fn the_block_checks_are_those_of_the_fact_sheet() {
    // facts/elster-flag.md, section 3.3.
    let write =
        |identity, digits: &str| Command::Write { place: Place::first(identity), digits: digits.into() };
    for (command, check) in [
        (Command::Break, 0x71),
        (Command::transformed(OPENING), 0x62),
        (read(798, 1, 0x10), 0x65),
        (read(795, 1, 8), 0x61),
        (read(507, 1, 0x40), 0x64),
        (read(507, 2, 0x10), 0x62),
        (read(605, 1, 4), 0x65),
        (write(411, "01"), 0x62),
        (read(861, 1, 7), 0x6A),
        (read(551, 1, 4), 0x67),
        (write(551, "FFFF"), 0x66),
        (read(550, 1, 0x40), 0x66),
        (write(655, ""), 0x61),
        (write(605, "1A2A4A00"), 0x12),
        (read(606, 1, 0x1C), 0x10),
        (write(861, "00301501A60024"), 0x1F),
    ] {
        assert_eq!(command.frame().encode().last(), Some(&check), "{command:?}");
    }
}

#[test]
fn frames_are_the_octets_of_the_minimal_session() {
    // facts/elster-flag.md, section 15.
    assert_eq!(read(798, 1, 16).frame().encode(), b"\x01R1\x02798001(10)\x03e");
    assert_eq!(Command::Break.frame().encode(), b"\x01B0\x03q");
    let proof = transform(*b"ABCD1234", hex("0123456789ABCDEF").try_into().unwrap());
    assert_eq!(Command::transformed(proof).frame().encode(), b"\x01P2\x02(1B7C82A55DF6F4CF)\x03m");
    let operand = frames(b"\x01P0\x02(0123456789ABCDEF)\x03f").remove(0).unwrap();
    let seed = hex("0123456789ABCDEF").try_into().unwrap();
    assert_eq!(Answer::read(&operand), Some(Answer::Operand(seed)));
}

#[test]
fn the_transform_gives_the_vectors_of_the_fact_sheet() {
    // facts/elster-flag.md, section 2.2.
    for (password, seed, sent) in [
        (b"ABCD1234", "0123456789ABCDEF", "1B7C82A55DF6F4CF"),
        (b"00000000", "0000000000000000", "6090C0F0205080B0"),
        (b"PMUTEST1", "A5A5A5A55A5A5A5A", "6048382948515FCA"),
        (b"LEVEL002", "FFFFFFFFFFFFFFFF", "803AE39D501FEEBB"),
    ] {
        assert_eq!(transform(*password, hex(seed).try_into().unwrap()).to_vec(), hex(sent));
    }
}

#[test]
fn the_identification_of_the_fact_sheet_names_an_a1700() {
    // facts/elster-flag.md, section 1.1.
    let plate = |text: &[u8]| Plate::of(&Identification::find(text).unwrap());
    let found = plate(b"/GEC5090100100400@000\r\n").unwrap();
    assert_eq!((found.model(), found.device.as_str(), found.issue.as_str()), (Some("A1700"), "010", "04"));
    assert_eq!(plate(b"/ISK5MT174\r\n"), None);
    assert_eq!(plate(b"/GEC509\r\n"), None);
}

#[test]
fn a_table_longer_than_a_packet_is_read_in_pieces() {
    // facts/elster-flag.md, section 3.2: 80 octets.
    let asked: Vec<String> =
        packets(507, 1, 80).map(|(place, bytes)| format!("{place}({bytes:02X})")).collect();
    assert_eq!(asked, ["507001(40)", "507002(10)"]);
    let tenth: Vec<String> = packets(543, 10, 64).map(|(place, _)| place.to_string()).collect();
    assert_eq!(tenth, ["54300a"]);
}

#[test]
fn errors_have_names_and_only_some_say_that_a_table_is_missing() {
    let answer = |text: &str| Answer::read(&Frame::text(text)).unwrap();
    assert_eq!(answer("ERR5"), Answer::Error(FlagError::LOCKED));
    assert!(FlagError::IDENTITY.is_absence() && !FlagError::LOCKED.is_absence());
    assert!(matches!(answer("HELLO"), Answer::Other(_)));
    assert!(FlagError(4).to_string().contains("nobody has published"));
}

#[test]
fn noise_parity_and_echoes_do_not_hide_an_answer() {
    let even = |octets: Vec<u8>| -> Vec<u8> {
        octets.into_iter().map(|octet| octet | ((octet.count_ones() as u8 & 1) << 7)).collect()
    };
    let stream = [b"\0\xFFx".to_vec(), read(798, 1, 16).frame().encode(), even(Frame::data(b"AB").encode())];
    let found = frames(&stream.concat());
    let answers: Vec<Answer> = found.into_iter().filter_map(|frame| Answer::read(&frame.unwrap())).collect();
    assert_eq!(answers, [Answer::Data(b"AB".to_vec())], "the echo of the command is no answer");
}

#[test]
fn a_damaged_frame_is_told_and_the_next_one_is_read() {
    let mut stream = Frame::data(&[1, 2]).encode();
    stream[3] ^= 1;
    stream.extend(Frame::data(&[3]).encode());
    assert_eq!(frames(&stream), [Err(Damage::Check), Ok(Frame::data(&[3]))]);
    let cut = [b"\x01R1\x02798".as_slice(), &Command::Break.frame().encode()].concat();
    assert_eq!(frames(&cut).last(), Some(&Ok(Command::Break.frame())));
    assert_eq!(frames(&[2; 600]), [Err(Damage::Endless)]);
}

#[test]
fn registers_count_milli_units() {
    // facts/elster-flag.md, section 4: 1 kWh is 1 000 000.
    let kilowatt_hour = values::to_bcd_le::<8>(1_000_000).unwrap();
    assert_eq!(kilowatt_hour, [0, 0, 0, 1, 0, 0, 0, 0]);
    assert_eq!(values::register(&kilowatt_hour), Some(Decimal::new(1000, 0)));
    assert_eq!(values::register(&[0x0A; 8]), None);
    let minus = values::to_bcd_le::<8>(10_000_000_000_000_000 - 2500).unwrap();
    assert_eq!(values::signed_register(&minus), Some(Decimal::new(-25, -1)));
}

#[test]
fn the_clock_is_that_of_the_fact_sheet_with_flags_and_without() {
    // facts/elster-flag.md, section 9.1.
    let at = datetime(2024, 6, 1, 15, 30, 0, 0);
    assert_eq!(values::to_clock(at).unwrap().to_vec(), hex("00301501A60024"));
    for octets in ["00301501A60024", "00301501060024"] {
        assert_eq!(values::clock(&hex(octets)), Some(at));
    }
    assert_eq!(values::clock(&hex("00301500060024")), None, "there is no day 0");
    assert_eq!(values::clock(&hex("00000001010099")).unwrap().year(), 1999);
}

#[test]
fn ratios_lie_as_each_model_has_them() {
    // facts/elster-flag.md, section 10.
    let ct = Ratio::new(Decimal::new(400, 0), Decimal::new(5, 0));
    let bcd = values::to_ratio(ct, RatioForm::Bcd(4, 2)).unwrap();
    assert_eq!(bcd, hex("000004000005"));
    let binary = values::to_ratio(ct, RatioForm::Binary).unwrap();
    assert_eq!(binary, hex("00009C40000001F4"));
    assert_eq!(values::ratio(&bcd, RatioForm::Bcd(4, 2)).unwrap().to_string(), "400/5");
    assert_eq!(values::ratio(&binary, RatioForm::Binary).unwrap().to_string(), "400/5");
    assert_eq!(values::ratio(&[0; 6], RatioForm::Bcd(4, 2)), None, "never told");
    assert_eq!(values::ratio(&bcd, RatioForm::Bcd(4, 3)), None, "another length");
}

#[test]
fn a_profile_value_is_five_digits_and_a_power() {
    // facts/elster-flag.md, section 8.3.
    for (octets, watts) in [([0x12, 0x34, 0x53], "12345"), ([0x01, 0x25, 0x03], "1250"), ([0; 3], "0")] {
        let value = values::profile_value(octets).unwrap();
        assert_eq!(value, watts.parse().unwrap());
    }
    assert_eq!(values::profile_value([0x1A, 0, 0]), None);
}

#[test]
fn a_maximum_demand_has_a_time_a_source_and_a_figure() {
    let at = datetime(2026, 11, 22, 17, 30, 0, 0);
    for order in [ByteOrder::Little, ByteOrder::Big] {
        let octets = [
            values::to_local_time(at, order).to_vec(),
            vec![1],
            values::to_bcd_le::<7>(4_250_000).unwrap().to_vec(),
        ]
        .concat();
        let found = values::maximum_demand(&octets, order).unwrap();
        assert_eq!((found.at, found.source, found.value), (Some(at), 1, Decimal::new(4250, 0)));
    }
    assert_eq!(values::local_time([0; 4], ByteOrder::Little), None);
}

proptest! {
    #[test]
    fn every_command_reads_back(identity in 0u16..1000, packet in 1u16..0x1000, bytes in 1u8..=64, data: Vec<u8>) {
        let place = Place { identity, packet };
        let text = "0011223344556677".to_owned();
        let password = Command::Password { level: 2, text };
        for command in [Command::Read { place, bytes }, Command::write(place, &data[..data.len().min(64)]), password, Command::Break] {
            let found = frames(&command.frame().encode());
            prop_assert_eq!(found.len(), 1);
            prop_assert_eq!(Command::read(found[0].as_ref().unwrap()), Some(command));
        }
    }

    #[test]
    fn every_answer_reads_back_however_the_line_cuts_it(data in proptest::collection::vec(any::<u8>(), 0..64), cut in 1usize..40) {
        let stream = Frame::data(&data).encode();
        let mut decoder = FrameDecoder::default();
        let mut found = Vec::new();
        for piece in stream.chunks(cut) {
            decoder.push(piece);
            found.extend(std::iter::from_fn(|| decoder.next_frame()));
        }
        prop_assert_eq!(found.len(), 1);
        prop_assert_eq!(Answer::read(found[0].as_ref().unwrap()), Some(Answer::Data(data)));
    }

    #[test]
    fn no_octets_make_the_readers_panic(octets: Vec<u8>) {
        for frame in frames(&octets).into_iter().flatten() {
            let _ = (Command::read(&frame), Answer::read(&frame));
        }
        let _ = (values::register(&octets), values::clock(&octets), values::cumulative_demand(&octets));
        let _ = values::maximum_demand(&octets, ByteOrder::Big);
        let _ = (values::ratio(&octets, RatioForm::Binary), values::ratio(&octets, RatioForm::Bcd(4, 3)));
    }

    #[test]
    fn a_flipped_bit_is_never_taken_for_an_answer(data in proptest::collection::vec(any::<u8>(), 1..64), at: prop::sample::Index, bit in 0u8..7) {
        let mut stream = Frame::data(&data).encode();
        let at = at.index(stream.len());
        stream[at] ^= 1 << bit;
        for frame in frames(&stream).into_iter().flatten() {
            prop_assert_ne!(Answer::read(&frame), Some(Answer::Data(data.clone())));
        }
    }

    #[test]
    fn numbers_read_back(number in 0i128..10_000_000_000_000_000, seconds in 946_684_800i64..4_000_000_000) {
        let octets = values::to_bcd_le::<8>(number).unwrap();
        prop_assert_eq!(values::bcd_le(&octets), Some(number));
        let at = jiff::tz::Offset::UTC.to_datetime(jiff::Timestamp::from_second(seconds).unwrap());
        prop_assert_eq!(values::clock(&values::to_clock(at).unwrap()), Some(at));
    }

    #[test]
    fn a_profile_value_keeps_five_digits(milli in 0i128..99_999_000_000_000) {
        let value = values::profile_value(values::to_profile_value(milli).unwrap()).unwrap();
        let kept = value.with_exponent(values::MILLI).unwrap().mantissa();
        prop_assert!(kept <= milli && (milli - kept) * 10_000 <= milli);
    }

    #[test]
    fn ratios_read_back(primary in 1i128..99_999_999, secondary in 1i128..9_999) {
        let ratio = Ratio::new(Decimal::new(primary, -2), Decimal::new(secondary, -2));
        for form in [RatioForm::Bcd(4, 2), RatioForm::Bcd(4, 3), RatioForm::Binary] {
            let octets = values::to_ratio(ratio, form).unwrap();
            prop_assert_eq!(values::ratio(&octets, form), Some(ratio));
        }
    }
}
