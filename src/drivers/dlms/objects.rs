//! Which objects a meter has: its association's object list, or the usual objects where it gives none.

use crate::model::{Knowledge, Obis, ObjectEntry, Template, What};
use crate::protocol::dlms::Data;

/// COSEM classes that this driver reads.
pub(super) mod class {
    /// Data.
    pub(crate) const DATA: u16 = 1;
    /// Register.
    pub(crate) const REGISTER: u16 = 3;
    /// Extended register.
    pub(crate) const EXTENDED: u16 = 4;
    /// Demand register.
    pub(crate) const DEMAND: u16 = 5;
    /// Profile generic.
    pub(crate) const PROFILE: u16 = 7;
    /// Clock.
    pub(crate) const CLOCK: u16 = 8;
    /// Association by logical names.
    pub(crate) const ASSOCIATION: u16 = 15;
    /// Script table.
    pub(crate) const SCRIPTS: u16 = 9;
    /// Disconnect control.
    pub(crate) const CONTACTOR: u16 = 70;
}

/// The clock of a meter whose object list does not name one.
pub(super) const CLOCK: Obis = Obis::new(0, 0, 1, 0, 0, 255);

/// Attribute 2 of an association: every object with its access rights. Entries that make no sense are left out and
/// counted; access rights that are missing or malformed leave an entry without them (`facts/dlms-quirks.md`, 57, 58
/// and 60).
pub(super) fn object_list(data: &Data) -> (Vec<ObjectEntry>, usize) {
    let elements = data.elements().unwrap_or_default();
    let entries: Vec<ObjectEntry> = elements.iter().filter_map(object_entry).collect();
    let odd = elements.len() - entries.len();
    (entries, odd)
}

fn object_entry(data: &Data) -> Option<ObjectEntry> {
    let fields = data.elements()?;
    let rights = fields.get(3).and_then(Data::elements).unwrap_or_default();
    Some(ObjectEntry {
        class_id: u16::try_from(fields.first()?.integer()?).ok()?,
        version: fields.get(1).and_then(Data::integer).and_then(|one| u8::try_from(one).ok()).unwrap_or(0),
        obis: fields.get(2)?.obis()?,
        attributes: rights.first().map(access).unwrap_or_default(),
        methods: rights.get(1).map(access).unwrap_or_default(),
    })
}

fn access(data: &Data) -> Vec<(i8, u8)> {
    let items = data.elements().unwrap_or_default();
    items
        .iter()
        .filter_map(|item| {
            let fields = item.elements()?;
            let number = i8::try_from(fields.first()?.integer()?).ok()?;
            let mode = u8::try_from(fields.get(1)?.integer()?).ok()?;
            (number > 0).then_some((number, mode))
        })
        .collect()
}

/// What kind of reading a profile is by its logical name (IEC 62056-61, profiles and logs).
fn profile_kind(obis: Obis) -> Option<What> {
    match (obis.a(), obis.c(), obis.d()) {
        (0 | 1, 99, 97 | 98) => Some(What::Events),
        (0 | 1, 98, _) => Some(What::Billing),
        (1, 99, 1..=3) | (0, 24, 3) => Some(What::Profile),
        (1, 99, _) => Some(What::Instrumentation),
        _ => None,
    }
}

/// Whether a register shows what is now rather than what was counted: an instantaneous value or a short average.
fn is_instantaneous(obis: Obis) -> bool {
    obis.a() == 1 && matches!(obis.d(), 7 | 24 | 25 | 27 | 28)
}

/// An object to read, with its class.
pub(super) type Named = (u16, Obis);

/// The objects of a kind: those that the template names, in its order, then further ones that the object list shows.
/// Names that the list lacks are left out; where there is no list, those that were refused before.
pub(super) fn of_kind(what: What, knowledge: &Knowledge, template: &Template) -> Vec<Named> {
    let named = template.objects.of(what);
    let found = if knowledge.objects.is_empty() {
        let usual = usual(what);
        let names = if named.is_empty() { usual.as_slice() } else { named };
        names.iter().flat_map(|obis| presumed_classes(*obis).iter().map(|class| (*class, *obis))).collect()
    } else {
        let mut found: Vec<Named> = Vec::new();
        for obis in named {
            found.extend(
                knowledge
                    .objects
                    .iter()
                    .filter(|entry| entry.obis == *obis && is_read(entry.class_id))
                    .map(|entry| (entry.class_id, entry.obis)),
            );
        }
        let elsewhere = |obis: Obis| {
            What::ALL.iter().any(|(other, _)| *other != what && template.objects.of(*other).contains(&obis))
        };
        let is_complete = template.objects.complete && !named.is_empty();
        for entry in knowledge.objects.iter().filter(|_| !is_complete) {
            let one = (entry.class_id, entry.obis);
            if kind(entry) == Some(what) && !found.contains(&one) && !elsewhere(entry.obis) {
                found.push(one);
            }
        }
        found
    };
    found.into_iter().filter(|(class, obis)| !knowledge.refused.contains(&(*class, *obis, 0))).collect()
}

const fn is_read(class_id: u16) -> bool {
    matches!(class_id, class::DATA | class::REGISTER | class::EXTENDED | class::DEMAND | class::PROFILE)
}

fn kind(entry: &ObjectEntry) -> Option<What> {
    let obis = entry.obis;
    match entry.class_id {
        class::PROFILE => profile_kind(obis),
        // Values of closed billing periods (F) come with the billing profile.
        class::REGISTER | class::EXTENDED | class::DEMAND if obis.f() == 255 => {
            Some(if is_instantaneous(obis) { What::Instantaneous } else { What::Registers })
        }
        // Transformer ratios: without them nobody can tell which side the figures stand for
        // (`facts/dlms-quirks.md`, 70).
        class::DATA if matches!(obis.0, [1, 0, 0, 4, 2 | 3 | 5 | 6, 255]) => Some(What::Registers),
        _ => None,
    }
}

/// The clock: as the template names it, as the object list does, or where it usually is.
pub(super) fn clock(knowledge: &Knowledge, template: &Template) -> Obis {
    let listed = || knowledge.objects.iter().find(|entry| entry.class_id == class::CLOCK);
    template.objects.clock.or_else(|| listed().map(|entry| entry.obis)).unwrap_or(CLOCK)
}

/// The class that an object of this name has where no list tells.
fn presumed_classes(obis: Obis) -> &'static [u16] {
    match (obis.a(), obis.c(), obis.d()) {
        _ if profile_kind(obis).is_some() => &[class::PROFILE],
        (1, _, 6) => &[class::EXTENDED, class::REGISTER],
        (1, _, 4 | 5) => &[class::DEMAND],
        (1, 0, _) | (0, 0 | 96 | 97, _) => &[class::DATA],
        _ => &[class::REGISTER],
    }
}

/// Objects that many meters have (IEC 62056-61): tried one by one where there is no object list.
fn usual(what: What) -> Vec<Obis> {
    let electricity = |c, d, e| Obis::new(1, 0, c, d, e, 255);
    match what {
        What::Registers => {
            let rates = |c| (0..=4).map(move |rate| electricity(c, 8, rate));
            let totals = [5, 6, 7, 8, 9, 10].map(|c| electricity(c, 8, 0));
            let demands = [1, 2].map(|c| electricity(c, 6, 0));
            (1..=4).flat_map(rates).chain(totals).chain(demands).collect()
        }
        What::Instantaneous => {
            [32, 52, 72, 31, 51, 71, 1, 2, 3, 4, 9, 13, 14].map(|c| electricity(c, 7, 0)).to_vec()
        }
        What::Profile => vec![electricity(99, 1, 0), electricity(99, 2, 0)],
        What::Instrumentation => vec![electricity(99, 14, 0)],
        What::Billing => vec![Obis::new(0, 0, 98, 1, 0, 255), electricity(98, 1, 0)],
        What::Events => (0..=4)
            .map(|log| Obis::new(0, 0, 99, 98, log, 255))
            .chain([electricity(99, 97, 0), electricity(99, 98, 0)])
            .collect(),
        What::Identity | What::Clock | What::Objects => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn structure(fields: Vec<Data>) -> Data {
        Data::Structure(fields)
    }

    fn listed(class_id: u16, obis: &str, rights: Option<Data>) -> Data {
        let name = obis.parse::<Obis>().unwrap().0.to_vec();
        let mut fields = vec![Data::U16(class_id), Data::U8(0), Data::Octets(name)];
        fields.extend(rights);
        structure(fields)
    }

    fn entry(class_id: u16, obis: &str) -> ObjectEntry {
        let obis = obis.parse().unwrap();
        ObjectEntry { class_id, version: 0, obis, attributes: Vec::new(), methods: Vec::new() }
    }

    fn names(found: &[Named]) -> Vec<String> {
        found.iter().map(|(_, obis)| obis.short()).collect()
    }

    #[test]
    fn an_object_list_is_read_with_its_access_rights() {
        let attribute =
            |number, mode| structure(vec![Data::I8(number), Data::Enum(mode), Data::Array(Vec::new())]);
        let rights = structure(vec![
            Data::Array(vec![attribute(1, 1), attribute(2, 0), attribute(3, 1)]),
            Data::Array(vec![structure(vec![Data::I8(1), Data::Bool(true)])]),
        ]);
        let (entries, odd) = object_list(&Data::Array(vec![listed(3, "1.8.0", Some(rights))]));
        assert_eq!(odd, 0);
        assert_eq!(entries[0].attributes, [(1, 1), (2, 0), (3, 1)]);
        assert_eq!(entries[0].methods, [(1, 1)]);
        assert!(!entries[0].readable(2) && entries[0].readable(3));
    }

    #[test]
    fn oddities_of_real_object_lists_cost_no_more_than_the_odd_entry() {
        // facts/dlms-quirks.md, 58 (attribute −1, no access mode) and 60 (empty names, null for a structure).
        let odd_rights = structure(vec![
            Data::Array(vec![
                structure(vec![Data::I8(-1), Data::Enum(1)]),
                structure(vec![Data::I8(2)]),
                structure(vec![Data::I8(3), Data::Enum(1)]),
                Data::Null,
            ]),
            Data::Null,
        ]);
        let list = Data::Array(vec![
            listed(3, "1.8.0", Some(odd_rights)),
            listed(3, "2.8.0", None),
            listed(3, "3.8.0", Some(Data::Null)),
            structure(vec![Data::U16(3), Data::U8(0), Data::Octets(Vec::new())]),
            Data::Null,
        ]);
        let (entries, odd) = object_list(&list);
        assert_eq!((entries.len(), odd), (3, 2));
        assert_eq!(entries[0].attributes, [(3, 1)]);
        assert!(entries[1].readable(2), "a list without rights says yes");
        assert_eq!(object_list(&Data::Null), (Vec::new(), 0));
    }

    #[test]
    fn registers_that_the_template_does_not_name_are_read_after_those_that_it_names() {
        let template = Template::named("dlms-idis").unwrap();
        let knowledge = Knowledge {
            objects: vec![
                entry(3, "1-0:21.8.0"),
                entry(3, "1-0:2.8.0"),
                entry(3, "1-0:1.8.0"),
                entry(3, "1-0:32.7.0"),
                entry(5, "1-0:1.4.0"),
                entry(3, "1-0:1.8.0*101"),
                entry(1, "0-0:96.1.0"),
            ],
            ..Knowledge::default()
        };
        let found = of_kind(What::Registers, &knowledge, &template);
        assert_eq!(names(&found), ["1-0:1.8.0", "1-0:2.8.0", "1-0:21.8.0", "1-0:1.4.0"]);
        assert_eq!(names(&of_kind(What::Instantaneous, &knowledge, &template)), ["1-0:32.7.0"]);
        let mut complete = template;
        complete.objects.complete = true;
        assert_eq!(names(&of_kind(What::Registers, &knowledge, &complete)), ["1-0:1.8.0", "1-0:2.8.0"]);
    }

    #[test]
    fn profiles_go_to_the_kind_that_their_names_tell() {
        let template = Template::named("dlms-generic").unwrap();
        let knowledge = Knowledge {
            objects: [
                "1-0:99.1.0",
                "1-0:99.2.0",
                "1-0:99.14.0",
                "0-0:98.1.0",
                "0-0:99.98.1",
                "1-0:99.97.0",
                "0-0:21.0.1",
            ]
            .map(|obis| entry(7, obis))
            .to_vec(),
            ..Knowledge::default()
        };
        let of = |what| names(&of_kind(what, &knowledge, &template));
        assert_eq!(of(What::Profile), ["1-0:99.1.0", "1-0:99.2.0"]);
        assert_eq!(of(What::Instrumentation), ["1-0:99.14.0"]);
        assert_eq!(of(What::Billing), ["0-0:98.1.0"]);
        assert_eq!(of(What::Events), ["0-0:99.98.1", "1-0:99.97.0"]);
    }

    #[test]
    fn a_profile_that_the_template_gives_to_one_kind_is_not_read_as_another() {
        let mut template = Template::named("dlms-generic").unwrap();
        template.objects.instrumentation = vec!["1-0:99.2.0".parse().unwrap()];
        let knowledge = Knowledge {
            objects: vec![entry(7, "1-0:99.1.0"), entry(7, "1-0:99.2.0")],
            ..Knowledge::default()
        };
        assert_eq!(names(&of_kind(What::Profile, &knowledge, &template)), ["1-0:99.1.0"]);
        assert_eq!(names(&of_kind(What::Instrumentation, &knowledge, &template)), ["1-0:99.2.0"]);
    }

    #[test]
    fn without_an_object_list_the_usual_objects_are_tried_less_those_that_are_not_there() {
        let template = Template::named("dlms-generic").unwrap();
        let mut knowledge = Knowledge { object_list_refused: true, ..Knowledge::default() };
        let before = of_kind(What::Registers, &knowledge, &template);
        assert!(before.contains(&(3, "1.8.0".parse().unwrap())));
        knowledge.refused.push((3, "1.8.1".parse().unwrap(), 0));
        let after = of_kind(What::Registers, &knowledge, &template);
        assert_eq!(after.len() + 1, before.len());
    }

    proptest! {
        #[test]
        fn no_answer_makes_the_list_panic(classes in proptest::collection::vec(any::<(i32, Vec<u8>)>(), 0..8)) {
            let entries = classes
                .into_iter()
                .map(|(class, name)| structure(vec![Data::I32(class), Data::Null, Data::Octets(name)]))
                .collect();
            let _ = object_list(&Data::CompactArray {
                element: crate::protocol::dlms::TypeDescription::Simple(0),
                values: entries,
            });
        }
    }
}
