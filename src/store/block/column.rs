//! One channel of a block: which intervals have a value, their powers of ten, their digits.
//!
//! ```text
//! byte     flags: bits 0-1 differences taken (0, 1 or 2 times), bit 2 runs, bit 3 a bitmap follows,
//!          bit 4 several powers of ten, bit 5 no value at all (and nothing follows)
//! bytes    bitmap, lowest bit first: set where the interval has a value
//! byte(s)  the power of ten; or runs of (count, power of ten) that cover all values
//! varints  zigzag digits or differences; or runs of (number, count) that cover all values
//! ```

use crate::model::Decimal;

use super::bytes::{Reader, length, put, zigzag};
use super::{put_runs, runs};

const DIFFERENCES: u8 = 0b11;
const RUNS: u8 = 1 << 2;
const BITMAP: u8 = 1 << 3;
const EXPONENTS: u8 = 1 << 4;
const NOTHING: u8 = 1 << 5;

/// Replaces each number by its distance from the one before. It wraps round, which loses nothing: the sum wraps back.
fn take_differences(numbers: &mut [i128]) {
    let mut before = 0i128;
    for number in numbers {
        let difference = number.wrapping_sub(before);
        before = *number;
        *number = difference;
    }
}

fn sums(values: &mut [i128], times: u8) {
    for _ in 0..times {
        let mut sum = 0i128;
        for value in values.iter_mut() {
            sum = sum.wrapping_add(*value);
            *value = sum;
        }
    }
}

fn plain_length(numbers: &[i128]) -> usize {
    numbers.iter().map(|number| length(zigzag(*number))).sum()
}

fn runs_length(numbers: &[i128]) -> usize {
    let run_length =
        |run: &[i128]| plain_length(run.get(..1).unwrap_or_default()) + length(run.len() as u128);
    numbers.chunk_by(PartialEq::eq).map(run_length).sum()
}

/// The shortest way to write numbers: its flags, and the numbers or differences to write.
fn shortest(mut numbers: Vec<i128>) -> (u8, Vec<i128>) {
    let mut best = (usize::MAX, 0, Vec::new());
    for times in 0..=2 {
        if times > 0 {
            take_differences(&mut numbers);
        }
        for (size, flags) in [(plain_length(&numbers), times), (runs_length(&numbers), times | RUNS)] {
            if size < best.0 {
                best = (size, flags, numbers.clone());
            }
        }
    }
    (best.1, best.2)
}

pub(super) fn encode<'a>(out: &mut Vec<u8>, cells: impl Iterator<Item = &'a Option<Decimal>> + Clone) {
    let values: Vec<Decimal> = cells.clone().filter_map(|cell| *cell).collect();
    let Some(first) = values.first() else {
        out.push(NOTHING);
        return;
    };
    let count = cells.clone().count();
    let gaps = values.len() < count;
    let mixed = values.iter().any(|value| value.exponent() != first.exponent());

    let (form, numbers) = shortest(values.iter().map(|value| value.mantissa()).collect());

    let flag = |wanted: bool, bit: u8| if wanted { bit } else { 0 };
    out.push(form | flag(gaps, BITMAP) | flag(mixed, EXPONENTS));
    if gaps {
        put_bitmap(out, cells.map(Option::is_some));
    }
    if mixed {
        put_runs(out, &values, |value| value.exponent(), |out, exponent| out.extend(exponent.to_le_bytes()));
    } else {
        out.extend(first.exponent().to_le_bytes());
    }
    if form & RUNS == 0 {
        numbers.iter().for_each(|number| put(out, zigzag(*number)));
    } else {
        put_runs(out, &numbers, |number| *number, |out, number| put(out, zigzag(number)));
    }
}

fn put_bitmap(out: &mut Vec<u8>, bits: impl Iterator<Item = bool>) {
    let mut byte = 0u8;
    let mut used = 0u8;
    for bit in bits {
        byte |= u8::from(bit) << used;
        used += 1;
        if used == 8 {
            out.push(byte);
            (byte, used) = (0, 0);
        }
    }
    if used > 0 {
        out.push(byte);
    }
}

fn exponent(reader: &mut Reader<'_>) -> Option<i8> {
    reader.byte().map(|byte| i8::from_le_bytes([byte]))
}

/// Reads the cells of `rows` intervals.
pub(super) fn decode(reader: &mut Reader<'_>, rows: usize) -> Option<Vec<Option<Decimal>>> {
    let flags = reader.byte()?;
    if flags == NOTHING {
        return Some(vec![None; rows]);
    }
    let times = flags & DIFFERENCES;
    if times > 2 || flags & !(DIFFERENCES | RUNS | BITMAP | EXPONENTS) != 0 {
        return None;
    }
    let bitmap = if flags & BITMAP == 0 { None } else { Some(reader.take(rows.div_ceil(8))?) };
    let present = |row: usize| {
        bitmap.is_none_or(|bytes| bytes.get(row / 8).is_some_and(|byte| byte >> (row % 8) & 1 == 1))
    };
    let count = (0..rows).filter(|row| present(*row)).count();
    let exponents =
        if flags & EXPONENTS == 0 { vec![exponent(reader)?; count] } else { runs(reader, count, exponent)? };
    let mut numbers: Vec<i128> = if flags & RUNS == 0 {
        (0..count).map(|_| reader.signed()).collect::<Option<_>>()?
    } else {
        runs(reader, count, Reader::signed)?
    };
    sums(&mut numbers, times);
    let mut values = numbers.into_iter().zip(exponents).map(|(digits, power)| Decimal::new(digits, power));
    Some((0..rows).map(|row| if present(row) { values.next() } else { None }).collect())
}
