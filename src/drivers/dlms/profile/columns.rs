//! A profile's columns: what each captured object is to the row (IEC 62056-62, class 7 attributes 3 to 6).

use crate::model::{
    CaptureObject, Channel, ColumnRole, Knowledge, Obis, ProfileColumns, ProfileLayout, ScalerUnit, Side,
    Template, What,
};
use crate::protocol::dlms::Data;

use super::super::objects::class;
use super::super::registers::{name, scaler_attribute};

/// Sort methods of class 7.
mod sort {
    /// Last in, first out.
    pub(super) const LIFO: i128 = 2;
    /// Largest first.
    pub(super) const LARGEST: i128 = 3;
}

/// Attribute 3. Nothing where it is no list of capture objects.
pub(in super::super) fn capture_objects(data: &Data) -> Option<Vec<CaptureObject>> {
    data.elements()?.iter().map(capture_object).collect()
}

fn capture_object(data: &Data) -> Option<CaptureObject> {
    let fields = data.elements()?;
    let attribute = fields.get(2)?;
    Some(CaptureObject {
        class_id: u16::try_from(fields.first()?.integer()?).ok()?,
        obis: fields.get(1)?.obis()?,
        attribute: match attribute {
            // Some meters write the signed index as an unsigned byte.
            Data::U8(index) => index.cast_signed(),
            other => i8::try_from(other.integer()?).ok()?,
        },
        data_index: fields
            .get(3)
            .and_then(Data::integer)
            .and_then(|one| u16::try_from(one).ok())
            .unwrap_or(0),
    })
}

/// The attribute that a column holds: index 0 and −1 stand for "all", of which the value is what a row is read for
/// (`facts/dlms-quirks.md`, 75).
pub(in super::super) const fn value_attribute(captured: &CaptureObject) -> u8 {
    if captured.attribute <= 0 { 2 } else { captured.attribute.cast_unsigned() }
}

/// Whether a column holds a point in time that can stamp the row: a clock, best; else a Unix time or the stamp of
/// the last billing reset.
fn clock_rank(captured: &CaptureObject) -> Option<u8> {
    let [a, _, c, d, e, _] = captured.obis.0;
    match (captured.class_id, a, c, d, e) {
        (class::CLOCK, ..) if value_attribute(captured) == 2 => Some(0),
        (class::DATA | class::REGISTER | class::EXTENDED, 0, 1, 1, _) => Some(1),
        (class::DATA | class::REGISTER | class::EXTENDED, 0 | 1, 0, 1, 2) => Some(2),
        _ => None,
    }
}

fn status_rank(captured: &CaptureObject, template: &Template) -> Option<usize> {
    let named = &template.profiles.status_objects;
    if !named.is_empty() {
        return named.iter().position(|obis| *obis == captured.obis);
    }
    match (captured.class_id, captured.obis.a(), captured.obis.c(), captured.obis.d()) {
        (class::DATA | class::REGISTER, 0, 96, 10) => Some(0),
        (class::DATA | class::REGISTER, _, 96, 5) => Some(1),
        _ => None,
    }
}

fn best<K: Ord>(captured: &[CaptureObject], rank: impl Fn(&CaptureObject) -> Option<K>) -> Option<usize> {
    let ranked = captured.iter().enumerate().filter_map(|(at, one)| Some((rank(one)?, at)));
    ranked.min().map(|(_, at)| at)
}

fn is_event_code(captured: &CaptureObject) -> bool {
    captured.obis.a() == 0 && captured.obis.c() == 96 && captured.obis.d() == 11
}

/// Plate data, which some profiles capture beside the figures.
const fn is_plate(obis: Obis) -> bool {
    obis.a() == 0 && (obis.c() == 96 && obis.d() == 1 || obis.c() == 42)
}

/// Duration of a supply failure in seconds (0-0:96.7.15 to 0-0:96.7.19): a log row with one is written when supply
/// returns.
pub(super) const fn is_duration(obis: Obis) -> bool {
    obis.a() == 0 && obis.c() == 96 && obis.d() == 7 && matches!(obis.e(), 15..=19)
}

fn is_channel(captured: &CaptureObject) -> bool {
    match captured.class_id {
        class::DATA if is_plate(captured.obis) => false,
        class::DATA | class::REGISTER | class::EXTENDED => value_attribute(captured) == 2,
        class::DEMAND => matches!(value_attribute(captured), 2 | 3),
        _ => false,
    }
}

/// The role of each column: found from what was captured, never from its place (`facts/dlms-quirks.md`, 74, 75).
pub(super) fn roles(what: What, captured: &[CaptureObject], template: &Template) -> Vec<ColumnRole> {
    let clock = best(captured, clock_rank);
    let status = best(captured, |one| status_rank(one, template));
    let code = if what == What::Events { captured.iter().position(is_event_code) } else { None };
    let mut channels = 0..;
    captured
        .iter()
        .enumerate()
        .map(|(at, one)| {
            let is_here = |place: Option<usize>| place == Some(at);
            if is_here(clock) {
                ColumnRole::Clock
            } else if is_here(code) {
                ColumnRole::EventCode
            } else if is_here(status) {
                ColumnRole::Status
            } else if clock_rank(one).is_none() && is_channel(one) {
                channels.next().map_or(ColumnRole::Other, ColumnRole::Channel)
            } else {
                ColumnRole::Other
            }
        })
        .collect()
}

/// Captured objects whose scaler must be known before a row can be read: class, name and attribute of the scaler.
pub(in super::super) fn scalers_wanted(what: What, captured: &[CaptureObject]) -> Vec<(u16, Obis, u8)> {
    // A duration in a log counts seconds; many meters have no object of that name beside the column.
    let is_wanted = |one: &CaptureObject| is_channel(one) && !(what == What::Events && is_duration(one.obis));
    let mut wanted = Vec::new();
    for one in captured.iter().filter(|one| is_wanted(one)) {
        if let Some(attribute) = scaler_attribute(one.class_id) {
            let entry = (one.class_id, one.obis, attribute);
            if !wanted.contains(&entry) {
                wanted.push(entry);
            }
        }
    }
    wanted
}

/// What a profile says of itself, apart from its rows.
#[derive(Clone, Debug)]
pub(in super::super) struct Described<'a> {
    /// Attribute 3.
    pub(in super::super) captured: Vec<CaptureObject>,
    /// Attribute 4.
    pub(in super::super) period: Option<&'a Data>,
    /// Attribute 5.
    pub(in super::super) sort_method: Option<&'a Data>,
    /// Attribute 6.
    pub(in super::super) sort_object: Option<&'a Data>,
}

/// Puts together what is known of a profile.
pub(in super::super) fn describe(
    (what, obis): (What, Obis),
    described: Described<'_>,
    knowledge: &Knowledge,
    template: &Template,
    side: Side,
) -> ProfileColumns {
    let Described { captured, period, sort_method, sort_object } = described;
    let columns = roles(what, &captured, template);
    let channels = captured
        .iter()
        .zip(&columns)
        .filter(|(_, role)| matches!(role, ColumnRole::Channel(_)))
        .map(|(one, _)| {
            let has_scaler = scaler_attribute(one.class_id).is_some();
            let known = knowledge.scalers.get(&one.obis).copied().filter(|_| has_scaler);
            Channel {
                obis: one.obis,
                attribute: value_attribute(one),
                data_index: one.data_index,
                class_id: one.class_id,
                name: name(template, one.obis),
                scaler_unit: known.unwrap_or(ScalerUnit::COUNT),
                side,
            }
        })
        .collect();
    let by_clock = sort_object.and_then(capture_object).is_none_or(|one| clock_rank(&one).is_some());
    let newest_first = match sort_method.and_then(Data::integer) {
        Some(sort::LIFO) => true,
        Some(sort::LARGEST) => by_clock,
        _ => false,
    };
    let period_seconds = period.and_then(Data::integer).and_then(|one| u32::try_from(one).ok()).unwrap_or(0);
    let layout = ProfileLayout { obis, name: name(template, obis), period_seconds, channels };
    ProfileColumns { layout, columns, captured, newest_first }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) fn captured(class_id: u16, obis: &str, attribute: i8) -> CaptureObject {
        CaptureObject { class_id, obis: obis.parse().unwrap(), attribute, data_index: 0 }
    }

    fn generic() -> Template {
        Template::named("dlms-generic").unwrap()
    }

    #[test]
    fn the_clock_is_found_wherever_it_was_captured() {
        // facts/dlms-quirks.md, 74 and 75: not first, attribute 0, attribute −1, captured twice.
        let others = [captured(3, "1.8.0", 2), captured(3, "2.8.0", 2)];
        for attribute in [2, 0, -1] {
            for place in 0..=2 {
                let mut list = others.to_vec();
                list.insert(place, captured(8, "0-0:1.0.0", attribute));
                list.push(captured(8, "0-0:1.0.0", attribute));
                let roles = roles(What::Profile, &list, &generic());
                assert_eq!(roles[place], ColumnRole::Clock);
                assert_eq!(roles[3], ColumnRole::Other);
            }
        }
    }

    #[test]
    fn the_status_of_the_profile_is_preferred_to_the_meters_and_the_template_decides() {
        let list = [
            captured(8, "0-0:1.0.0", 2),
            captured(1, "1-0:96.5.0", 2),
            captured(1, "0-0:96.10.1", 2),
            captured(3, "1.8.0", 2),
        ];
        let found = roles(What::Profile, &list, &generic());
        use ColumnRole::{Channel, Clock, Status};
        assert_eq!(found, [Clock, Channel(0), Status, Channel(1)]);
        let mut template = generic();
        template.profiles.status_objects = vec!["1-0:96.5.0".parse().unwrap()];
        assert_eq!(roles(What::Profile, &list, &template), [Clock, Status, Channel(0), Channel(1)]);
    }

    #[test]
    fn a_profile_without_a_clock_may_be_stamped_by_unix_time_or_by_the_last_reset() {
        let unix = [captured(3, "1.8.0", 2), captured(1, "0-0:1.1.0", 2)];
        assert_eq!(roles(What::Profile, &unix, &generic())[1], ColumnRole::Clock);
        let reset = [captured(1, "0-0:0.1.2", 2), captured(3, "1.8.0", 2)];
        assert_eq!(roles(What::Billing, &reset, &generic())[0], ColumnRole::Clock);
    }

    #[test]
    fn an_event_code_is_one_only_in_a_log() {
        let list = [captured(8, "0-0:1.0.0", 2), captured(1, "0-0:96.11.0", 2)];
        assert_eq!(roles(What::Events, &list, &generic())[1], ColumnRole::EventCode);
        assert_eq!(roles(What::Profile, &list, &generic())[1], ColumnRole::Channel(0));
    }

    #[test]
    fn a_channel_takes_the_scaler_of_the_object_that_was_captured() {
        let list = vec![
            captured(8, "0-0:1.0.0", 2),
            captured(3, "1.8.0", 2),
            captured(5, "1.4.0", 3),
            captured(1, "0-0:96.7.0", 2),
        ];
        assert_eq!(
            scalers_wanted(What::Profile, &list),
            [(3, "1.8.0".parse().unwrap(), 3), (5, "1.4.0".parse().unwrap(), 4)]
        );
        let mut knowledge = Knowledge::default();
        let wh = ScalerUnit { scaler: 1, unit: crate::model::Unit::WH };
        knowledge.scalers.insert("1.8.0".parse().unwrap(), wh);
        let described = Described {
            captured: list,
            period: Some(&Data::U32(900)),
            sort_method: Some(&Data::Enum(2)),
            sort_object: None,
        };
        let made = describe(
            (What::Profile, "1-0:99.1.0".parse().unwrap()),
            described,
            &knowledge,
            &generic(),
            Side::Primary,
        );
        assert_eq!(made.layout.channels[0].scaler_unit, wh);
        assert_eq!(made.layout.channels[0].side, Side::Primary);
        assert_eq!(made.layout.channels[1].scaler_unit, ScalerUnit::COUNT);
        assert_eq!((made.layout.period_seconds, made.newest_first), (900, true));
    }

    #[test]
    fn largest_first_means_newest_first_only_when_sorted_by_the_clock() {
        let order = |sort_object: Option<&Data>| {
            let described = Described {
                captured: vec![captured(8, "0-0:1.0.0", 2)],
                period: None,
                sort_method: Some(&Data::Enum(3)),
                sort_object,
            };
            let profile = (What::Profile, "1-0:99.1.0".parse().unwrap());
            describe(profile, described, &Knowledge::default(), &generic(), Side::Secondary).newest_first
        };
        let by = |class_id, obis: &str| {
            Data::Structure(vec![
                Data::U16(class_id),
                Data::Octets(obis.parse::<Obis>().unwrap().0.to_vec()),
                Data::I8(2),
                Data::U16(0),
            ])
        };
        assert!(order(Some(&by(8, "0-0:1.0.0"))));
        assert!(!order(Some(&by(3, "1.8.0"))));
        // facts/dlms-quirks.md, 60: an empty sort object stands for "as captured".
        assert!(order(Some(&Data::Null)));
    }

    #[test]
    fn plate_data_and_other_attributes_are_no_channels() {
        // facts/dlms-quirks.md, 75.
        let list = [captured(8, "0-0:1.0.0", 2), captured(1, "0-0:96.1.0", 0), captured(3, "1.8.0", 3)];
        let found = roles(What::Profile, &list, &generic());
        assert_eq!(found, [ColumnRole::Clock, ColumnRole::Other, ColumnRole::Other]);
    }

    #[test]
    fn a_list_with_an_entry_that_makes_no_sense_is_not_guessed_at() {
        let good = Data::Structure(vec![Data::U16(8), Data::Octets(vec![0, 0, 1, 0, 0, 255]), Data::I8(2)]);
        assert_eq!(capture_objects(&Data::Array(vec![good.clone()])).unwrap()[0].data_index, 0);
        assert_eq!(capture_objects(&Data::Array(vec![good, Data::Null])), None);
        assert_eq!(capture_objects(&Data::Null), None);
    }
}
