//! How the words of `model` lie in SQL columns, without loss.

use std::str::FromStr;

use jiff::Timestamp;
use rusqlite::types::FromSql;
use rusqlite::{Connection, OptionalExtension, Row};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::model::{
    Decimal, MeterId, MeterStamp, Obis, ReadingValue, RegisterReading, Side, Unit, WordError,
};

use super::error::Trouble;

/// An instant as microseconds since 1970.
pub(super) fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

/// The instant of a column.
pub(super) fn instant(micros: i64) -> Result<Timestamp, Trouble> {
    Timestamp::from_microsecond(micros)
        .map_err(|_| Trouble::Damaged(format!("{micros} µs since 1970 is no instant of the calendar")))
}

/// The instant of a column that may be empty.
pub(super) fn maybe_instant(micros: Option<i64>) -> Result<Option<Timestamp>, Trouble> {
    micros.map(instant).transpose()
}

/// This computer's clock, held to the calendar where it is set to nonsense.
pub(super) fn now() -> Timestamp {
    Timestamp::try_from(std::time::SystemTime::now()).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// A count; above 2⁶³ it stays there.
pub(super) fn count(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// The count of a column.
pub(super) fn uncount(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

/// A column by number, with its error as [`Trouble`].
pub(super) fn get<T: FromSql>(row: &Row<'_>, column: usize) -> Result<T, Trouble> {
    Ok(row.get(column)?)
}

/// The word of a column, out of a closed list.
pub(super) fn word<T: FromStr<Err = WordError>>(row: &Row<'_>, column: usize) -> Result<T, Trouble> {
    get::<String>(row, column)?.parse().map_err(|error: WordError| Trouble::Damaged(error.to_string()))
}

/// The code of a column.
pub(super) fn obis(bytes: &[u8]) -> Result<Obis, Trouble> {
    let groups =
        bytes.try_into().map_err(|_| Trouble::Damaged("an OBIS code has not six bytes".to_owned()))?;
    Ok(Obis(groups))
}

/// A document as JSON.
pub(super) fn to_json<T: Serialize>(value: &T) -> Result<String, Trouble> {
    serde_json::to_string(value).map_err(|error| Trouble::Request(format!("this cannot be kept: {error}")))
}

/// The document of a column; `what` and where it stands go into the error.
pub(super) fn from_json<T: DeserializeOwned>(text: &str, what: &str) -> Result<T, Trouble> {
    serde_json::from_str(text).map_err(|error| Trouble::Damaged(format!("{what} does not read: {error}")))
}

/// A stamp of a column that may be empty.
pub(super) fn maybe_stamp(text: Option<&str>) -> Result<Option<MeterStamp>, Trouble> {
    text.map(|text| from_json(text, "a meter's stamp")).transpose()
}

/// A value as JSON. Numbers are `MANTISSAeEXPONENT`: their usual text would lose a positive exponent.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kept {
    Number(String),
    Text(String),
    Bytes(Vec<u8>),
    Stamp(MeterStamp),
    Flag(bool),
    Absent,
}

pub(super) fn value_to_text(value: &ReadingValue) -> Result<String, Trouble> {
    to_json(&match value.clone() {
        ReadingValue::Number(number) => Kept::Number(format!("{}e{}", number.mantissa(), number.exponent())),
        ReadingValue::Text(text) => Kept::Text(text),
        ReadingValue::Bytes(bytes) => Kept::Bytes(bytes),
        ReadingValue::Stamp(stamp) => Kept::Stamp(stamp),
        ReadingValue::Flag(flag) => Kept::Flag(flag),
        ReadingValue::Absent => Kept::Absent,
    })
}

pub(super) fn value_from_text(text: &str) -> Result<ReadingValue, Trouble> {
    Ok(match from_json(text, "a reading's value")? {
        Kept::Number(number) => {
            let parts = number.split_once('e');
            let decimal = parts
                .and_then(|(digits, power)| Some(Decimal::new(digits.parse().ok()?, power.parse().ok()?)));
            let fail = || Trouble::Damaged(format!("a reading's value `{number}` does not read"));
            ReadingValue::Number(decimal.ok_or_else(fail)?)
        }
        Kept::Text(text) => ReadingValue::Text(text),
        Kept::Bytes(bytes) => ReadingValue::Bytes(bytes),
        Kept::Stamp(stamp) => ReadingValue::Stamp(stamp),
        Kept::Flag(flag) => ReadingValue::Flag(flag),
        Kept::Absent => ReadingValue::Absent,
    })
}

/// The columns that [`reading`] takes, in its order, for `SELECT`.
pub(super) const READING: &str = "obis, attribute, name, unit, side, read_at, value, stamp, stamp_at";

/// A reading from the columns of [`READING`], the first of which is number `first`.
pub(super) fn reading(row: &Row<'_>, first: usize) -> Result<RegisterReading, Trouble> {
    let column = |offset: usize| first + offset;
    let side = match get::<String>(row, column(4))?.as_str() {
        "primary" => Side::Primary,
        "secondary" => Side::Secondary,
        other => return Err(Trouble::Damaged(format!("a reading's side is `{other}`"))),
    };
    let stamp = maybe_stamp(get::<Option<String>>(row, column(7))?.as_deref())?;
    let stamp_at = maybe_instant(get(row, column(8))?)?;
    Ok(RegisterReading {
        obis: obis(&get::<Vec<u8>>(row, column(0))?)?,
        attribute: get(row, column(1))?,
        name: get(row, column(2))?,
        unit: Unit(get(row, column(3))?),
        side,
        read_at: instant(get(row, column(5))?)?,
        value: value_from_text(&get::<String>(row, column(6))?)?,
        stamp: stamp.zip(stamp_at),
    })
}

/// Refuses a number that no meter has, whether it is listed or was removed.
pub(super) fn require_meter(connection: &Connection, id: MeterId) -> Result<(), Trouble> {
    let found = connection
        .prepare_cached("SELECT 1 FROM meter WHERE id = ?1")?
        .query_row([id.0], |_| Ok(()))
        .optional()?;
    found.ok_or_else(|| Trouble::Request(format!("the store has no meter with the number {}", id.0)))
}
