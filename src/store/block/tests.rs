use jiff::ToSpan;
use jiff::civil::date;
use proptest::prelude::*;

use super::*;

const PLACE: Place = Place { profile: 3, day: 20_000 };

fn exact(row: &ProfileRow) -> Vec<Option<(i128, i8)>> {
    row.values.iter().map(|value| value.map(|value| (value.mantissa(), value.exponent()))).collect()
}

fn digits(rows: &[ProfileRow]) -> Vec<Vec<Option<(i128, i8)>>> {
    rows.iter().map(exact).collect()
}

fn day_start() -> Timestamp {
    Timestamp::from_second(i64::from(PLACE.day) * 86_400).unwrap()
}

/// A house from a fixed seed: import by the hour of day, sun at noon, some reactive energy; half-hours in Wh, varh.
fn household() -> Vec<ProfileRow> {
    let mut state = 42u64;
    let mut random = move |below: i64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i64::try_from(state >> 33).unwrap() % below
    };
    (1..=48i64)
        .map(|step| {
            let peak = if (14..20).contains(&step) || (34..46).contains(&step) { 900 } else { 120 };
            let import = peak + random(peak);
            let sun = (12 - (step - 24).abs()).max(0) * 60;
            let export = if sun > 0 { sun + random(200) } else { 0 };
            let values = [import, export, import / 4 + random(30), random(20)];
            let end = day_start() + (30 * step).minutes();
            let local = Offset::constant(1).to_datetime(end);
            ProfileRow {
                end,
                stamp: Some(MeterStamp { local, deviation_minutes: Some(-60), clock_status: Some(0) }),
                status: IntervalStatus::empty(),
                raw_status: Some(0),
                quality: Quality::Actual,
                values: values.map(|value| Some(Decimal::new(value.into(), 0))).to_vec(),
            }
        })
        .collect()
}

/// The same house where the meter captures its registers, in thousandths of a kWh, rather than differences.
fn household_registers() -> Vec<ProfileRow> {
    let mut sums = [48_123_456i128, 9_123_456, 12_654_321, 1_234_567];
    let mut rows = household();
    for row in &mut rows {
        for (value, sum) in row.values.iter_mut().zip(&mut sums) {
            *sum += value.unwrap().mantissa();
            *value = Some(Decimal::new(*sum, -3));
        }
    }
    rows
}

#[test]
fn a_day_of_a_household_takes_less_than_two_bytes_a_value() {
    for (what, rows) in [("differences", household()), ("registers", household_registers())] {
        let block = encode(PLACE, &rows).unwrap();
        println!("{what}: {} bytes for {} values", block.len(), 4 * 48);
        assert!(block.len() <= 2 * 4 * 48, "{what}: {} bytes", block.len());
        let back = decode(PLACE, &block).unwrap();
        assert_eq!(back, rows);
        assert_eq!(digits(&back), digits(&rows));
    }
}

#[test]
fn a_day_without_consumption_takes_next_to_nothing() {
    let mut rows = household();
    rows.iter_mut().for_each(|row| row.values.fill(Some(Decimal::ZERO)));
    assert!(encode(PLACE, &rows).unwrap().len() < 64);
}

#[test]
fn an_interval_that_ends_at_midnight_belongs_to_the_day_that_it_measured() {
    let midnight = day_start();
    assert_eq!(day_of(midnight), PLACE.day - 1);
    assert_eq!(day_of(midnight + 1.nanosecond()), PLACE.day);
    assert_eq!(day_of(midnight + 24.hours()), PLACE.day);
    assert_eq!(day_of("1969-12-31T12:00:00Z".parse().unwrap()), -1);
    assert_eq!(day_of(Timestamp::UNIX_EPOCH), -1);
    assert!(day_of(Timestamp::MIN) < day_of(Timestamp::MAX));
}

#[test]
fn the_format_of_version_1_does_not_change() {
    // Written by hand from the layout in this module's first comment.
    let at = |minute: i64| day_start() + minute.minutes();
    let local = Offset::constant(1).to_datetime(at(30));
    let stamp = MeterStamp { local, deviation_minutes: Some(-60), clock_status: Some(0x80) };
    let row = |minute, stamp, value: Option<i128>| ProfileRow {
        end: at(minute),
        stamp,
        status: IntervalStatus::POWER_DOWN,
        raw_status: Some(0x80),
        quality: Quality::Actual,
        values: vec![value.map(|value| Decimal::new(value, -1))],
    };
    let block = encode(PLACE, &[row(30, Some(stamp), Some(12)), row(60, None, None)]).unwrap();
    let body = [
        1, // version
        2, 1, // intervals, channels
        0, 2, 0x90, 0x1C, // seconds; twice 1800 (zigzag 3600)
        2, 0x40, 0x81, 0x01, 0, // twice: power down, raw 80h, actual
        1, 0x07, 0xA0, 0x38, 0x77, 0x80, // once: 3600 s ahead, deviation −60, status 80h
        1, 0x00, // once: no stamp
        0x08, 0x01, 0xFF, 24, // plain with a bitmap: first only; tenths; 12
    ];
    assert_eq!(block[..block.len() - 4], body);
    let whole = [3i64.to_le_bytes().as_slice(), &20_000i32.to_le_bytes(), &body].concat();
    assert_eq!(block[block.len() - 4..], crc32fast::hash(&whole).to_le_bytes());
}

#[test]
fn a_block_in_another_place_counts_as_damaged() {
    let block = encode(PLACE, &household()).unwrap();
    assert!(decode(Place { day: PLACE.day + 1, ..PLACE }, &block).is_err());
    assert!(decode(Place { profile: PLACE.profile + 1, ..PLACE }, &block).is_err());
}

#[test]
fn every_flipped_bit_is_noticed() {
    let block = encode(PLACE, &household()).unwrap();
    for at in 0..block.len() {
        let mut damaged = block.clone();
        damaged[at] ^= 1 << (at % 8);
        assert!(decode(PLACE, &damaged).is_err(), "byte {at}");
    }
}

#[test]
fn a_block_of_a_later_format_is_refused_in_words() {
    let mut body = encode(PLACE, &household()).unwrap();
    body.truncate(body.len() - CHECKSUM_BYTES);
    body[0] = 2;
    body.extend(checksum(PLACE, &body.clone()));
    assert!(decode(PLACE, &body).unwrap_err().contains("does not know"));
}

#[test]
fn a_short_block_that_claims_too_many_cells_is_refused_at_once() {
    let mut body = vec![VERSION];
    put(&mut body, 100_000);
    put(&mut body, 1_000);
    assert!(decode_body(PLACE, &body).is_err());
    let rows = vec![household().remove(0); MOST_ROWS + 1];
    assert!(encode(PLACE, &rows).is_err());
}

fn any_decimal() -> impl Strategy<Value = Decimal> {
    let mantissa = prop_oneof![
        4 => -5000i128..5000,
        2 => any::<i64>().prop_map(i128::from),
        1 => any::<i128>(),
        1 => prop_oneof![Just(i128::MIN), Just(i128::MAX), Just(0)],
    ];
    let exponent = prop_oneof![3 => Just(-3i8), 1 => any::<i8>()];
    (mantissa, exponent).prop_map(|(mantissa, exponent)| Decimal::new(mantissa, exponent))
}

fn any_stamp() -> impl Strategy<Value = MeterStamp> {
    let local = (-9999i16..=9999, 1i8..=12, 1i8..=28, 0i8..24, 0i8..60, 0i8..60, 0i32..100).prop_map(
        |(year, month, day, hour, minute, second, hundredths)| {
            date(year, month, day).at(hour, minute, second, hundredths * 10_000_000)
        },
    );
    (local, any::<Option<i16>>(), any::<Option<u8>>()).prop_map(|(local, deviation_minutes, clock_status)| {
        MeterStamp { local, deviation_minutes, clock_status }
    })
}

fn any_end() -> impl Strategy<Value = Timestamp> {
    let start = i128::from(PLACE.day) * DAY_NS;
    let unit = prop_oneof![Just(1_800_000_000_000i128), Just(1_000_000_000), Just(10_000_000), Just(1)];
    prop_oneof![
        8 => (unit, 1i128..48).prop_map(move |(unit, step)| start + unit * step),
        1 => any::<i64>().prop_map(i128::from),
    ]
    .prop_filter_map("no instant", |nanos| Timestamp::from_nanosecond(nanos).ok())
}

fn any_rows() -> impl Strategy<Value = Vec<ProfileRow>> {
    (0usize..4).prop_flat_map(|channels| {
        let row = (
            any_end(),
            prop::option::of(any_stamp()),
            prop_oneof![Just(0u32), any::<u32>()],
            prop_oneof![Just(None), any::<Option<u64>>(), Just(Some(u64::MAX))],
            0usize..Quality::ALL.len(),
            prop::collection::vec(prop::option::weighted(0.9, any_decimal()), channels),
        );
        let row = row.prop_map(|(end, stamp, status, raw_status, quality, values)| ProfileRow {
            end,
            stamp,
            status: IntervalStatus::from_bits_retain(status),
            raw_status,
            quality: Quality::ALL[quality].0,
            values,
        });
        prop::collection::vec(row, 0..40)
    })
}

proptest! {
    #[test]
    fn whatever_goes_into_a_block_comes_back_digit_by_digit(rows in any_rows()) {
        let block = encode(PLACE, &rows).unwrap();
        let back = decode(PLACE, &block).unwrap();
        prop_assert_eq!(&back, &rows);
        prop_assert_eq!(digits(&back), digits(&rows));
    }

    #[test]
    fn random_bytes_are_refused_or_read_but_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(decode(PLACE, &bytes).is_err());
        let _ = decode_body(PLACE, &[&[VERSION], bytes.as_slice()].concat());
    }

    #[test]
    fn a_changed_body_is_refused_or_read_but_never_panics(
        rows in any_rows(), at: prop::sample::Index, with: u8, cut: prop::sample::Index,
    ) {
        let mut body = encode(PLACE, &rows).unwrap();
        let at = at.index(body.len());
        body[at] = with;
        body.truncate(cut.index(body.len()));
        let _ = decode_body(PLACE, &body);
    }
}
