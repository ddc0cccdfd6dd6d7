//! Tariff tables as COSEM data and back (IEC 62056-62, classes 6, 9, 11, 20 and 22).
//!
//! Read as leniently as real meters need: texts for octets, other integer types, dates and times as themselves.
//! Written as the standard says.

use std::fmt;

use crate::model::Obis;
use crate::model::tariff::{
    DayAction, DayRow, MaskRow, ScheduleTables, ScriptAction, ScriptRow, SeasonRow, SpecialDayRow, WeekRow,
};

use super::data::Data;

/// Class register activation.
const REGISTER_ACTIVATION: u16 = 6;
/// Its attribute active_mask.
const ACTIVE_MASK: i8 = 4;
/// service_id of a script's action that writes an attribute.
const WRITES: u8 = 1;

/// Why data are no such table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}{place}")]
pub struct TableError {
    what: &'static str,
    place: Place,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Place(Option<usize>);

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |at| write!(out, " (entry {})", at + 1))
    }
}

/// A table of a kind of rows.
pub trait Row: Sized {
    /// What a row is called in an error.
    const WHAT: &'static str;

    /// The row as COSEM data.
    fn to_data(&self) -> Data;

    /// The row in COSEM data; nothing where it is none.
    fn from_data(data: &Data) -> Option<Self>;
}

/// A table as COSEM data.
pub fn table<R: Row>(rows: &[R]) -> Data {
    Data::Array(rows.iter().map(Row::to_data).collect())
}

/// The rows of a table. Null-data is an empty one.
///
/// # Errors
/// It is no array, or an entry is no such row.
pub fn rows<R: Row>(data: &Data) -> Result<Vec<R>, TableError> {
    if *data == Data::Null {
        return Ok(Vec::new());
    }
    let fail = |place| TableError { what: R::WHAT, place: Place(place) };
    let elements = data.elements().ok_or_else(|| fail(None))?;
    let read = |(at, one)| R::from_data(one).ok_or_else(|| fail(Some(at)));
    elements.iter().enumerate().map(read).collect()
}

fn name(obis: Obis) -> Data {
    Data::Octets(obis.0.to_vec())
}

fn unsigned<T: TryFrom<i128>>(data: Option<&Data>) -> Option<T> {
    data?.integer().and_then(|number| T::try_from(number).ok())
}

/// A date-time in twelve octets, as itself or as an octet string.
#[must_use]
pub fn date_time(data: &Data) -> Option<[u8; 12]> {
    data.date_time().map(|stamp| stamp.0)
}

fn date(data: &Data) -> Option<[u8; 5]> {
    match data {
        Data::Date(date) => Some(date.0),
        other => other.bytes()?.try_into().ok(),
    }
}

fn time(data: &Data) -> Option<[u8; 4]> {
    match data {
        Data::Time(time) => Some(time.0),
        other => other.bytes()?.try_into().ok(),
    }
}

impl Row for SeasonRow {
    const WHAT: &'static str = "this is no season profile";

    fn to_data(&self) -> Data {
        Data::Structure(vec![
            Data::Octets(self.name.clone()),
            Data::Octets(self.start.to_vec()),
            Data::Octets(self.week.clone()),
        ])
    }

    fn from_data(data: &Data) -> Option<Self> {
        let [name, start, week] = data.elements()? else { return None };
        Some(Self { name: name.bytes()?.to_vec(), start: date_time(start)?, week: week.bytes()?.to_vec() })
    }
}

impl Row for WeekRow {
    const WHAT: &'static str = "this is no week profile";

    fn to_data(&self) -> Data {
        let days = self.days.iter().map(|day| Data::U8(*day));
        Data::Structure(std::iter::once(Data::Octets(self.name.clone())).chain(days).collect())
    }

    fn from_data(data: &Data) -> Option<Self> {
        let (name, days) = data.elements()?.split_first()?;
        let days: Vec<u8> = days.iter().map(|day| unsigned(Some(day))).collect::<Option<_>>()?;
        Some(Self { name: name.bytes()?.to_vec(), days: days.try_into().ok()? })
    }
}

impl Row for DayAction {
    const WHAT: &'static str = "this is no day schedule";

    fn to_data(&self) -> Data {
        Data::Structure(vec![Data::Octets(self.time.to_vec()), name(self.table), Data::U16(self.script)])
    }

    fn from_data(data: &Data) -> Option<Self> {
        let [at, table, script] = data.elements()? else { return None };
        Some(Self { time: time(at)?, table: table.obis()?, script: unsigned(Some(script))? })
    }
}

impl Row for DayRow {
    const WHAT: &'static str = "this is no day profile";

    fn to_data(&self) -> Data {
        Data::Structure(vec![Data::U8(self.id), table(&self.actions)])
    }

    fn from_data(data: &Data) -> Option<Self> {
        let [id, actions] = data.elements()? else { return None };
        Some(Self { id: unsigned(Some(id))?, actions: rows(actions).ok()? })
    }
}

impl Row for SpecialDayRow {
    const WHAT: &'static str = "this is no special days table";

    fn to_data(&self) -> Data {
        Data::Structure(vec![Data::U16(self.index), Data::Octets(self.date.to_vec()), Data::U8(self.day)])
    }

    fn from_data(data: &Data) -> Option<Self> {
        let [index, on, day] = data.elements()? else { return None };
        Some(Self { index: unsigned(Some(index))?, date: date(on)?, day: unsigned(Some(day))? })
    }
}

impl Row for ScriptAction {
    const WHAT: &'static str = "this is no action of a script";

    fn to_data(&self) -> Data {
        match self {
            Self::Mask { activation, mask } => Data::Structure(vec![
                Data::Enum(WRITES),
                Data::U16(REGISTER_ACTIVATION),
                name(*activation),
                Data::I8(ACTIVE_MASK),
                Data::Octets(mask.clone()),
            ]),
            Self::Other { service, class_id, obis, index, parameter } => Data::Structure(vec![
                Data::Enum(*service),
                Data::U16(*class_id),
                name(*obis),
                Data::I8(*index),
                Data::decode(parameter).map_or(Data::Null, |(value, _)| value),
            ]),
        }
    }

    fn from_data(data: &Data) -> Option<Self> {
        let [service, class_id, obis, index, parameter] = data.elements()? else { return None };
        // Some meters write -1 for a service that they leave open (facts/dlms-quirks.md, line 76).
        let service = unsigned(Some(service)).unwrap_or(0);
        let (class_id, obis, index) = (unsigned(Some(class_id))?, obis.obis()?, unsigned(Some(index))?);
        Some(match (service, class_id, index, parameter.bytes()) {
            (WRITES, REGISTER_ACTIVATION, ACTIVE_MASK, Some(mask)) => {
                Self::Mask { activation: obis, mask: mask.to_vec() }
            }
            _ => Self::Other { service, class_id, obis, index, parameter: parameter.to_bytes() },
        })
    }
}

impl Row for ScriptRow {
    const WHAT: &'static str = "this is no script table";

    fn to_data(&self) -> Data {
        Data::Structure(vec![Data::U16(self.id), table(&self.actions)])
    }

    fn from_data(data: &Data) -> Option<Self> {
        let [id, actions] = data.elements()? else { return None };
        Some(Self { id: unsigned(Some(id))?, actions: rows(actions).ok()? })
    }
}

impl Row for MaskRow {
    const WHAT: &'static str = "this is no list of masks";

    fn to_data(&self) -> Data {
        let registers = self.registers.iter().map(|register| Data::U8(*register)).collect();
        Data::Structure(vec![Data::Octets(self.name.clone()), Data::Array(registers)])
    }

    fn from_data(data: &Data) -> Option<Self> {
        let [name, registers] = data.elements()? else { return None };
        let registers = registers.elements()?.iter().map(|one| unsigned(Some(one)));
        Some(Self { name: name.bytes()?.to_vec(), registers: registers.collect::<Option<_>>()? })
    }
}

impl Row for (u16, Obis) {
    const WHAT: &'static str = "this is no list of registers";

    fn to_data(&self) -> Data {
        Data::Structure(vec![Data::U16(self.0), name(self.1)])
    }

    fn from_data(data: &Data) -> Option<Self> {
        let [class_id, obis] = data.elements()? else { return None };
        Some((unsigned(Some(class_id))?, obis.obis()?))
    }
}

impl Row for ([u8; 4], [u8; 5]) {
    const WHAT: &'static str = "this is no list of execution times";

    fn to_data(&self) -> Data {
        Data::Structure(vec![Data::Octets(self.0.to_vec()), Data::Octets(self.1.to_vec())])
    }

    fn from_data(data: &Data) -> Option<Self> {
        let [at, on] = data.elements()? else { return None };
        Some((time(at)?, date(on)?))
    }
}

impl ScheduleTables {
    /// executed_script as COSEM data.
    #[must_use]
    pub fn script_data(&self) -> Data {
        Data::Structure(vec![name(self.script.0), Data::U16(self.script.1)])
    }
}

/// executed_script; nothing where the data are none.
#[must_use]
pub fn script(data: &Data) -> Option<(Obis, u16)> {
    let [table, script] = data.elements()? else { return None };
    Some((table.obis()?, unsigned(Some(script))?))
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn octets() -> impl Strategy<Value = Vec<u8>> {
        vec(any::<u8>(), 0..9)
    }

    fn obis() -> impl Strategy<Value = Obis> {
        any::<[u8; 6]>().prop_map(Obis)
    }

    fn back<R: Row + PartialEq + fmt::Debug>(given: &[R]) {
        let bytes = table(given).to_bytes();
        let (data, used) = Data::decode(&bytes).unwrap();
        assert_eq!((rows::<R>(&data).unwrap().as_slice(), used), (given, bytes.len()));
    }

    proptest! {
        #[test]
        fn calendars_come_back_as_they_went(
            seasons in vec((octets(), any::<[u8; 12]>(), octets()), 0..4),
            weeks in vec((octets(), any::<[u8; 7]>()), 0..4),
            days in vec((any::<u8>(), vec((any::<[u8; 4]>(), obis(), any::<u16>()), 0..5)), 0..4),
            special in vec((any::<u16>(), any::<[u8; 5]>(), any::<u8>()), 0..9),
        ) {
            back(&seasons.into_iter().map(|(name, start, week)| SeasonRow { name, start, week }).collect::<Vec<_>>());
            back(&weeks.into_iter().map(|(name, days)| WeekRow { name, days }).collect::<Vec<_>>());
            let action = |(time, table, script)| DayAction { time, table, script };
            back(&days.into_iter().map(|(id, actions)| DayRow { id, actions: actions.into_iter().map(action).collect() }).collect::<Vec<_>>());
            back(&special.into_iter().map(|(index, date, day)| SpecialDayRow { index, date, day }).collect::<Vec<_>>());
        }

        #[test]
        fn scripts_and_masks_come_back_as_they_went(
            masks in vec((octets(), octets()), 0..4),
            registers in vec((any::<u16>(), obis()), 0..5),
            scripts in vec((any::<u16>(), vec((obis(), octets()), 0..3)), 0..4),
            times in vec((any::<[u8; 4]>(), any::<[u8; 5]>()), 0..4),
        ) {
            back(&masks.into_iter().map(|(name, registers)| MaskRow { name, registers }).collect::<Vec<_>>());
            back(&registers);
            back(&times);
            let action = |(activation, mask)| ScriptAction::Mask { activation, mask };
            back(&scripts.into_iter().map(|(id, actions)| ScriptRow { id, actions: actions.into_iter().map(action).collect() }).collect::<Vec<_>>());
        }

        #[test]
        fn whatever_is_read_as_a_table_never_panics(bytes in vec(any::<u8>(), 0..200)) {
            if let Ok((data, _)) = Data::decode(&bytes) {
                let _ = rows::<SeasonRow>(&data);
                let _ = rows::<WeekRow>(&data);
                let _ = rows::<DayRow>(&data);
                let _ = rows::<SpecialDayRow>(&data);
                let _ = rows::<ScriptRow>(&data);
                let _ = rows::<MaskRow>(&data);
            }
        }
    }

    #[test]
    fn a_script_that_ends_the_billing_period_is_kept_as_it_is() {
        let action = ScriptAction::Other {
            service: 2,
            class_id: 7,
            obis: Obis::new(0, 0, 98, 1, 0, 255),
            index: 2,
            parameter: Data::I8(0).to_bytes(),
        };
        back(&[ScriptRow { id: 1, actions: vec![action] }]);
    }

    #[test]
    fn an_entry_that_is_none_is_named() {
        let data = Data::Array(vec![SeasonRow::default().to_data(), Data::U8(3)]);
        assert_eq!(rows::<SeasonRow>(&data).unwrap_err().to_string(), "this is no season profile (entry 2)");
        assert_eq!(rows::<SeasonRow>(&Data::Null).unwrap(), []);
    }
}
