//! COSEM values as numbers, texts and stamps of the trade.

use crate::model::text::hex;
use crate::model::{Decimal, ReadingValue, ScalerUnit, Unit};
use crate::protocol::dlms::{BitString, Data};

/// A number as the meter counts it, without its scaler. Floats become the shortest decimal that reads back the same.
pub(super) fn number(data: &Data) -> Option<Decimal> {
    match data {
        Data::F32(value) => Decimal::from_f32(*value),
        Data::F64(value) => Decimal::from_f64(*value),
        Data::Bcd(byte) => {
            let (tens, ones) = (byte >> 4, byte & 0x0F);
            (tens < 10 && ones < 10).then(|| Decimal::from(i64::from(tens) * 10 + i64::from(ones)))
        }
        Data::Bool(_) => None,
        _ => data.integer().map(|integer| Decimal::new(integer, 0)),
    }
}

/// What a register's attribute holds, multiplied by its scaler where it is a number.
pub(super) fn reading_value(data: &Data, scaler: i8) -> ReadingValue {
    if let Some(number) = number(data) {
        return number.scaled(scaler).map_or(ReadingValue::Absent, ReadingValue::Number);
    }
    match data {
        Data::Bool(flag) => ReadingValue::Flag(*flag),
        Data::Octets(bytes) | Data::Visible(bytes) | Data::Utf8(bytes) => text(bytes).map_or_else(
            || match data.date_time().and_then(|stamp| stamp.stamp()) {
                Some(stamp) => ReadingValue::Stamp(stamp),
                None => ReadingValue::Bytes(bytes.clone()),
            },
            |text| if text.is_empty() { ReadingValue::Absent } else { ReadingValue::Text(text) },
        ),
        Data::DateTime(stamp) => {
            stamp.stamp().map_or_else(|| ReadingValue::Bytes(stamp.0.to_vec()), ReadingValue::Stamp)
        }
        Data::Date(date) => ReadingValue::Bytes(date.0.to_vec()),
        Data::Time(time) => ReadingValue::Bytes(time.0.to_vec()),
        Data::BitString(bits) => ReadingValue::Text(bit_text(bits)),
        Data::Array(values) | Data::Structure(values) | Data::CompactArray { values, .. } => {
            let inner: Vec<String> = values.iter().map(in_words).collect();
            ReadingValue::Text(format!("[{}]", inner.join(", ")))
        }
        _ => ReadingValue::Absent,
    }
}

/// The unit of a value, where one makes sense: octets, dates and words have none. Some meters write digits as text.
pub(super) fn unit_of(value: &ReadingValue, unit: Unit) -> Unit {
    let has_one = match value {
        ReadingValue::Number(_) | ReadingValue::Absent => true,
        ReadingValue::Text(text) => text.parse::<Decimal>().is_ok(),
        ReadingValue::Bytes(_) | ReadingValue::Stamp(_) | ReadingValue::Flag(_) => false,
    };
    if has_one { unit } else { Unit::NONE }
}

/// What stands on a plate: as a reading's text, but octets bare, as serial numbers are written.
pub(super) fn plate_text(data: &Data) -> Option<String> {
    match reading_value(data, 0) {
        ReadingValue::Bytes(bytes) => Some(hex(&bytes)),
        value => value.text(),
    }
}

/// The value in words, for details of an event.
pub(super) fn in_words(data: &Data) -> String {
    reading_value(data, 0).text().unwrap_or_else(|| "nothing".to_owned())
}

/// Bytes as text where they are one: UTF-8 without control characters; noughts and blanks at the end are padding.
pub(super) fn text(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok()?.trim_end_matches(['\0', ' ']).trim_start();
    (!text.chars().any(char::is_control)).then(|| text.to_owned())
}

fn bit_text(bits: &BitString) -> String {
    (0..bits.len.min(bits.bytes.len() * 8)).map(|index| if bit(bits, index) { '1' } else { '0' }).collect()
}

fn bit(bits: &BitString, index: usize) -> bool {
    bits.bytes.get(index / 8).is_some_and(|byte| byte >> (7 - index % 8) & 1 == 1)
}

/// Status bits as one number: bit 0 is the lowest bit of an integer, the first bit of a bit string.
pub(super) fn status_bits(data: &Data) -> Option<u64> {
    match data {
        Data::BitString(bits) => Some(
            (0..bits.len.min(64))
                .filter(|index| bit(bits, *index))
                .fold(0, |status, index| status | 1 << index),
        ),
        Data::Octets(bytes) if !bytes.is_empty() && bytes.len() <= 8 => {
            Some(bytes.iter().fold(0, |status, byte| status << 8 | u64::from(*byte)))
        }
        // A signed integer is the same row of bits.
        Data::I8(bits) => Some(u64::from(bits.cast_unsigned())),
        Data::I16(bits) => Some(u64::from(bits.cast_unsigned())),
        Data::I32(bits) => Some(u64::from(bits.cast_unsigned())),
        Data::I64(bits) => Some(bits.cast_unsigned()),
        _ => data.integer().and_then(|bits| u64::try_from(bits).ok()),
    }
}

/// Attribute 3 of a register, 4 of a demand register. A unit that is missing or unknown is kept as such
/// (`facts/dlms-quirks.md`, 67).
pub(super) fn scaler_unit(data: &Data) -> Option<ScalerUnit> {
    let elements = data.elements()?;
    let scaler = match elements.first()? {
        // Some meters write the signed scaler as an unsigned byte.
        Data::U8(scaler) | Data::Enum(scaler) => scaler.cast_signed(),
        other => i8::try_from(other.integer()?).ok()?,
    };
    let unit = elements.get(1).and_then(Data::integer).and_then(|unit| u8::try_from(unit).ok());
    Some(ScalerUnit { scaler, unit: unit.map_or(Unit::NONE, Unit) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_counter_keeps_its_last_digit_through_the_scaler() {
        // facts/dlms-quirks.md, 66 and 72.
        let value = reading_value(&Data::U64(u64::MAX), -3);
        assert_eq!(value.text().unwrap(), "18446744073709551.615");
    }

    #[test]
    fn a_float_is_the_shortest_decimal_that_reads_back_the_same() {
        assert_eq!(number(&Data::F32(0.1)).unwrap().to_string(), "0.1");
        assert_eq!(number(&Data::F64(230.25)).unwrap().to_string(), "230.25");
        assert_eq!(number(&Data::F32(f32::NAN)), None);
    }

    #[test]
    fn octets_are_text_where_they_read_as_text_and_bytes_otherwise() {
        assert_eq!(reading_value(&Data::Octets(b"12345678\0\0".to_vec()), 0).text().unwrap(), "12345678");
        assert_eq!(reading_value(&Data::Octets(vec![0x01, 0xFE]), 0).text().unwrap(), "0x01FE");
        assert_eq!(plate_text(&Data::Octets(vec![0x01, 0xFE])).unwrap(), "01FE");
        assert_eq!(reading_value(&Data::Octets(Vec::new()), 0), ReadingValue::Absent);
    }

    #[test]
    fn null_is_absent_and_never_nought() {
        assert_eq!(reading_value(&Data::Null, 0), ReadingValue::Absent);
        assert_eq!(reading_value(&Data::DontCare, 3), ReadingValue::Absent);
    }

    #[test]
    fn a_scaler_without_a_unit_still_scales() {
        // facts/dlms-quirks.md, 67.
        let read = |elements| scaler_unit(&Data::Structure(elements)).unwrap();
        assert_eq!(read(vec![Data::I8(-2)]), ScalerUnit { scaler: -2, unit: Unit::NONE });
        assert_eq!(read(vec![Data::I8(3), Data::Enum(254)]), ScalerUnit { scaler: 3, unit: Unit(254) });
        assert_eq!(read(vec![Data::U8(0xFD), Data::Enum(30)]), ScalerUnit { scaler: -3, unit: Unit::WH });
        // facts/dlms-quirks.md, 60.
        assert_eq!(scaler_unit(&Data::Null), None);
        assert_eq!(scaler_unit(&Data::Octets(Vec::new())), None);
    }

    #[test]
    fn status_bits_are_the_same_whatever_type_carries_them() {
        let string = BitString { len: 8, bytes: vec![0b1000_0001] };
        assert_eq!(status_bits(&Data::BitString(string)), Some(0x81));
        assert_eq!(status_bits(&Data::U8(0x81)), Some(0x81));
        assert_eq!(status_bits(&Data::I8(-127)), Some(0x81));
        assert_eq!(status_bits(&Data::Octets(vec![0x01, 0x81])), Some(0x181));
        assert_eq!(status_bits(&Data::Null), None);
    }
}
