//! How long a month of load profile takes to decode, beside another implementation in the same run:
//! `cargo bench --bench decode`.
//!
//! 1,440 rows of a stamp of twelve octets, four numbers of 32 bits and two of 16, as an array of structures, with
//! null-data for stamps that follow from those before, and as a compact array (which the other does not read).

#![allow(clippy::expect_used, reason = "a bench fails by panicking")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use dlms_cosem_rs::cosem::profile::ProfileBuffer;
use meterwright::protocol::dlms::{Data, Table, TypeDescription};

const ROWS: u32 = 1440;
const COLUMNS: usize = 7;
const TRIES: usize = 400;

/// Stamp, four numbers of 32 bits, two of 16.
fn row(index: u32, stamped: bool) -> Vec<Data> {
    let (day, half_hours) = (index / 48, index % 48);
    let stamp = [
        0x07,
        0xEA,
        11,
        day as u8 % 30 + 1,
        0xFF,
        (half_hours / 2) as u8,
        (half_hours % 2 * 30) as u8,
        0,
        0,
        0,
        0,
        0,
    ];
    let stamp = if stamped { Data::Octets(stamp.to_vec()) } else { Data::Null };
    vec![
        stamp,
        Data::U32(1200 + index * 37 % 977),
        Data::U32(index % 31),
        Data::U32(400 + index * 13 % 211),
        Data::U32(index % 7),
        Data::U16(2300 + (index % 61) as u16),
        Data::U16(512 + (index % 127) as u16),
    ]
}

/// The shortest of many tries: what the machine can do when nothing else runs.
fn shortest(mut work: impl FnMut()) -> Duration {
    let timed = |_| {
        let began = Instant::now();
        work();
        began.elapsed()
    };
    (0..TRIES).map(timed).min().unwrap_or_default()
}

fn ours(bytes: &[u8]) -> Duration {
    shortest(|| {
        let table = Table::decode(black_box(bytes)).expect("a buffer").expect("an array");
        let mut sum = 0i128;
        for row in table.rows() {
            sum += row.fields.iter().map(|field| field.integer().unwrap_or(1)).sum::<i128>();
        }
        assert_eq!((table.len(), table.used), (ROWS as usize, bytes.len()));
        black_box(sum);
    })
}

fn theirs(bytes: &[u8]) -> Duration {
    shortest(|| {
        let data = dlms_cosem_rs::axdr::Data::from_bytes_in(black_box(bytes)).expect("a buffer");
        let mut sum = 0u64;
        let buffer = ProfileBuffer::new(&data).expect("an array");
        buffer
            .for_each_cell(COLUMNS, |_, _, cell| {
                sum = sum.wrapping_add(cell.as_u64().unwrap_or(1));
                Ok(())
            })
            .expect("rows");
        black_box(sum);
    })
}

fn main() {
    let rows = |stamped: fn(u32) -> bool| (0..ROWS).map(move |index| row(index, stamped(index)));
    let array = |stamped| Data::Array(rows(stamped).map(Data::Structure).collect()).to_bytes();
    let plain = array(|_| true);
    let null_stamps = array(|index| index % 48 == 0);
    let element = TypeDescription::Structure([9, 6, 6, 6, 6, 18, 18].map(TypeDescription::Simple).to_vec());
    let compact =
        Data::CompactArray { element, values: rows(|_| true).map(Data::Structure).collect() }.to_bytes();

    for (name, bytes) in [("array of structures", &plain), ("null stamps", &null_stamps)] {
        let (ours, theirs) = (ours(bytes), theirs(bytes));
        let ratio = theirs.as_secs_f64() / ours.as_secs_f64();
        println!(
            "{name}, {} bytes: {ours:.1?}; dlms-cosem-rs {theirs:.1?}; {ratio:.1} times as fast",
            bytes.len()
        );
    }
    println!("compact array, {} bytes: {:.1?}", compact.len(), ours(&compact));
}
