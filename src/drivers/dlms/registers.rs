//! Registers, extended and demand registers: which attributes, and what they say.

use jiff::Timestamp;

use crate::model::{
    ClockRule, Knowledge, MeterStamp, Obis, ReadingValue, RegisterReading, ScalerUnit, Side, Template, Unit,
    plain_name,
};
use crate::protocol::dlms::Data;

use super::objects::{Named, class};
use super::values::{reading_value, unit_of};

/// The attribute that holds scaler and unit, where the class has one.
pub(super) const fn scaler_attribute(class_id: u16) -> Option<u8> {
    match class_id {
        class::REGISTER | class::EXTENDED => Some(3),
        class::DEMAND => Some(4),
        _ => None,
    }
}

/// The attributes that a reading asks for (IEC 62056-62, classes 1, 3, 4 and 5).
pub(super) const fn attributes(class_id: u16) -> &'static [u8] {
    match class_id {
        class::EXTENDED => &[2, 4, 5],
        // Current and last average, status, capture time, start of the current period, period.
        class::DEMAND => &[2, 3, 5, 6, 7, 8],
        _ => &[2],
    }
}

/// Whether an attribute is the figure itself: without it the object gives no reading.
pub(super) const fn is_value(class_id: u16, attribute: u8) -> bool {
    attribute == 2 || class_id == class::DEMAND && attribute == 3
}

/// How to make readings of answers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Maker<'a> {
    /// Scalers.
    pub(super) knowledge: &'a Knowledge,
    /// Names.
    pub(super) template: &'a Template,
    /// Stamps.
    pub(super) rule: &'a ClockRule,
    /// Which side of the transformers the meter counts.
    pub(super) side: Side,
    /// When the answers came.
    pub(super) read_at: Timestamp,
}

/// The name that the template gives an object, or its usual one.
pub(super) fn name(template: &Template, obis: Obis) -> String {
    template.objects.names.get(&obis).cloned().unwrap_or_else(|| plain_name(obis))
}

impl Maker<'_> {
    /// A stamp with its instant; nothing where its fields make no time.
    pub(super) fn stamp(&self, data: &Data) -> Option<(MeterStamp, Timestamp)> {
        let stamp = data.date_time()?.stamp()?;
        Some((stamp, self.rule.to_utc(&stamp, None).ok()?))
    }

    /// One figure of an object.
    pub(super) fn figure(
        &self,
        (class_id, obis): Named,
        attribute: u8,
        data: &Data,
        stamp: Option<(MeterStamp, Timestamp)>,
    ) -> RegisterReading {
        let scaled = scaler_attribute(class_id).is_some() && is_value(class_id, attribute);
        let known = self.knowledge.scalers.get(&obis).copied().filter(|_| scaled);
        let ScalerUnit { scaler, unit } = known.unwrap_or(ScalerUnit::COUNT);
        let part = match (class_id, attribute) {
            (class::DEMAND, 2) => ", current average",
            (class::DEMAND, 3) => ", last average",
            (class::EXTENDED, 4) | (class::DEMAND, 5) => ", status",
            (class::EXTENDED, 5) | (class::DEMAND, 6) => ", capture time",
            (class::DEMAND, 7) => ", start of the period",
            (class::DEMAND, 8) => ", period",
            _ => "",
        };
        let name = name(self.template, obis);
        let name = if name.ends_with(part.trim_start_matches(", ")) { name } else { format!("{name}{part}") };
        let value = match data.date_time().and_then(|stamp| stamp.stamp()) {
            Some(stamp) if !is_value(class_id, attribute) => ReadingValue::Stamp(stamp),
            _ => reading_value(data, scaler),
        };
        let unit = if (class_id, attribute) == (class::DEMAND, 8) { Unit(7) } else { unit };
        RegisterReading {
            obis,
            attribute,
            name,
            unit: unit_of(&value, unit),
            value,
            side: self.side,
            read_at: self.read_at,
            stamp,
        }
    }

    /// All readings of one object, from those of its attributes that were answered. The capture time is no reading
    /// of its own: it stamps the figure that it belongs to.
    pub(super) fn readings(&self, object: Named, answers: &[(u8, &Data)]) -> Vec<RegisterReading> {
        let answer = |wanted: u8| answers.iter().find(|(one, _)| *one == wanted).map(|(_, data)| *data);
        let (stamped, capture_time) = match object.0 {
            class::EXTENDED => (2, answer(5)),
            class::DEMAND => (3, answer(6)),
            _ => (0, None),
        };
        let is_capture_time =
            |attribute| matches!((object.0, attribute), (class::EXTENDED, 5) | (class::DEMAND, 6));
        answers
            .iter()
            .filter(|(attribute, _)| !is_capture_time(*attribute))
            .map(|(attribute, data)| {
                let stamp = capture_time.filter(|_| *attribute == stamped).and_then(|time| self.stamp(time));
                self.figure(object, *attribute, data, stamp)
            })
            .filter(|one| is_value(object.0, one.attribute) || one.value != ReadingValue::Absent)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;

    fn date_time(hex: &str) -> Data {
        let bytes =
            (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect();
        Data::Octets(bytes)
    }

    fn made(scalers: &[(&str, i8, u8)], object: (u16, &str), answers: &[(u8, Data)]) -> Vec<RegisterReading> {
        let knowledge = Knowledge {
            scalers: scalers
                .iter()
                .map(|(obis, scaler, unit)| {
                    (obis.parse().unwrap(), ScalerUnit { scaler: *scaler, unit: Unit(*unit) })
                })
                .collect(),
            ..Knowledge::default()
        };
        let template = Template::named("dlms-generic").unwrap();
        let rule = ClockRule::standard(TimeZone::UTC);
        let maker = Maker {
            knowledge: &knowledge,
            template: &template,
            rule: &rule,
            side: Side::Secondary,
            read_at: Timestamp::UNIX_EPOCH,
        };
        let answers: Vec<(u8, &Data)> = answers.iter().map(|(attribute, data)| (*attribute, data)).collect();
        maker.readings((object.0, object.1.parse().unwrap()), &answers)
    }

    #[test]
    fn a_registers_scaler_is_applied_once_and_its_digits_are_kept() {
        // facts/dlms-quirks.md, 66 and 72.
        let got = made(&[("1.8.0", -1, 30)], (3, "1.8.0"), &[(2, Data::U32(123_450))]);
        assert_eq!(got[0].value.text().unwrap(), "12345.0");
        assert_eq!((got[0].unit, got[0].name.as_str()), (Unit::WH, "Active import energy"));
    }

    #[test]
    fn a_maximum_carries_the_time_it_happened() {
        let answers = [(2, Data::U32(4250)), (4, Data::U8(3)), (5, date_time("07EA0B100512300000000000"))];
        let got = made(&[("1.6.0", 0, 27)], (4, "1.6.0"), &answers);
        assert_eq!(got.len(), 2, "{got:?}");
        assert_eq!(got[0].stamp.unwrap().1.to_string(), "2026-11-16T18:48:00Z");
        assert_eq!((got[1].attribute, got[1].name.as_str()), (4, "Active import, maximum demand, status"));
    }

    #[test]
    fn a_demand_register_gives_both_averages_and_its_period() {
        let answers = [
            (2, Data::U32(100)),
            (3, Data::U32(200)),
            (5, Data::Null),
            (6, date_time("07EA0B100512000000000000")),
            (7, date_time("07EA0B100512000000000000")),
            (8, Data::U32(900)),
        ];
        let got = made(&[("1.4.0", 1, 27)], (5, "1.4.0"), &answers);
        let shown: Vec<(u8, String)> =
            got.iter().map(|one| (one.attribute, one.value.text().unwrap())).collect();
        assert_eq!(
            shown,
            [
                (2, "1000".to_owned()),
                (3, "2000".to_owned()),
                (7, "2026-11-16T18:00:00".to_owned()),
                (8, "900".to_owned())
            ]
        );
        assert!(got[0].stamp.is_none() && got[1].stamp.is_some());
        assert_eq!((got[2].unit, got[3].unit.symbol().as_str()), (Unit::NONE, "s"));
    }

    #[test]
    fn octets_in_a_registers_place_are_shown_as_octets_and_without_a_unit() {
        let scaler = [("31.7.0", 0, 33)];
        let shown = |data| {
            let got = made(&scaler, (3, "31.7.0"), &[(2, data)]).remove(0);
            format!("{} {}", got.value.text().unwrap(), got.unit)
        };
        assert_eq!(shown(Data::Octets(vec![0, 1])), "0x0001 ");
        assert_eq!(shown(Data::Visible(b"n/a".to_vec())), "n/a ");
        assert_eq!(shown(Data::Bool(true)), "true ");
        assert_eq!(shown(Data::Visible(b"0512.5".to_vec())), "0512.5 A", "digits are digits");
        assert_eq!(shown(Data::U16(512)), "512 A");
    }

    #[test]
    fn a_register_that_holds_nothing_is_absent_and_not_nought() {
        let got = made(&[("1.8.0", 0, 30)], (3, "1.8.0"), &[(2, Data::Null)]);
        assert_eq!(got[0].value, ReadingValue::Absent);
    }
}
