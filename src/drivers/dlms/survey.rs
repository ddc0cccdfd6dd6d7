//! Surveys an unknown meter: all that it shows of itself, asked in one session and written nowhere, so that a template
//! can be proposed for it.

use std::collections::BTreeMap;

use crate::model::{Fault, Identity, Knowledge, Obis, Step, What};
use crate::protocol::dlms::{AttributeRef, Conformance, Data};
use crate::protocol::link::{Link, LinkTerms};

use super::clock::{self, Sign};
use super::objects::{self, class};
use super::session::{Session, association_config};

/// Further classes that are asked for what shows their size.
pub(super) mod of_interest {
    pub(crate) const REGISTER_ACTIVATION: u16 = 6;
    pub(crate) const SPECIAL_DAYS: u16 = 11;
    pub(crate) const IMAGE_TRANSFER: u16 = 18;
    pub(crate) const CALENDAR: u16 = 20;
    pub(crate) const SCHEDULE: u16 = 22;
    pub(crate) const HDLC_SETUP: u16 = 23;
    pub(crate) const PUSH: u16 = 40;
    pub(crate) const SECURITY: u16 = 64;
}

use of_interest::{CALENDAR, HDLC_SETUP, IMAGE_TRANSFER, PUSH, REGISTER_ACTIVATION, SECURITY, SPECIAL_DAYS};

/// Attributes that are asked, by class. Of an object list that shows hundreds of one class, so many objects are.
const ASKED: [(u16, &[u8]); 10] = [
    (CALENDAR, &[2, 3, 4, 5, 6, 7, 8, 9]),
    (SPECIAL_DAYS, &[2]),
    (class::SCRIPTS, &[2]),
    (REGISTER_ACTIVATION, &[2, 3]),
    (class::CONTACTOR, &[4]),
    (IMAGE_TRANSFER, &[2, 5]),
    (PUSH, &[2, 3]),
    (HDLC_SETUP, &[3, 4, 5, 6]),
    (SECURITY, &[2, 3]),
    (class::PROFILE, &[7, 8]),
];
/// Objects of one class that are asked at most.
const MOST_OF_A_CLASS: usize = 32;

/// What a meter shows of itself.
#[derive(Clone, Debug, Default)]
pub(super) struct Survey {
    /// The client that was let in.
    pub(super) client: u16,
    /// What both ends agreed on of the data link, where it is HDLC.
    pub(super) terms: Option<LinkTerms>,
    /// Services that the meter granted.
    pub(super) services: Vec<&'static str>,
    /// Largest message that the meter takes; 0 is no limit.
    pub(super) server_max_pdu: u16,
    /// Object list, plate, scalers, columns of profiles.
    pub(super) knowledge: Knowledge,
    /// What the clock says of the deviation's sign; nothing where the meter shows no time.
    pub(super) sign: Option<Sign>,
    /// What further attributes hold.
    pub(super) held: BTreeMap<(u16, Obis, u8), Data>,
}

impl Survey {
    /// Objects of a class, in the order of the object list.
    pub(super) fn of_class(&self, class_id: u16) -> impl Iterator<Item = Obis> {
        self.knowledge.objects.iter().filter(move |one| one.class_id == class_id).map(|one| one.obis)
    }

    /// How many elements an attribute holds; nothing where it was not given.
    pub(super) fn size(&self, class_id: u16, obis: Obis, attribute: u8) -> Option<usize> {
        self.held.get(&(class_id, obis, attribute))?.elements().map(<[Data]>::len)
    }
}

impl<L: Link> Session<'_, '_, L> {
    /// Asks for all of it. The request has to want every kind of reading.
    ///
    /// # Errors
    /// The session broke off, or another meter answered.
    pub(super) async fn survey(&mut self) -> Result<Survey, Fault> {
        let of = 2 + ASKED.len();
        let step = |done| Step::Learning { done, of };
        self.sink.step(step(0));
        self.knowledge.identity = Identity::default();
        self.learn().await?;
        self.sink.step(step(1));
        let clock_obis = objects::clock(self.knowledge, self.template());
        let clock = AttributeRef::new(class::CLOCK, clock_obis, 2);
        let stamp = self.ask_one(&clock).await?.ok().as_ref().and_then(clock::stamp);
        let sign = match (clock::rule(&self.access.config, self.template()), stamp) {
            (Ok(rule), Some(stamp)) => Some(clock::judge_sign(&rule, &stamp, self.now())),
            _ => None,
        };
        let mut held = BTreeMap::new();
        for (place, (class_id, attributes)) in ASKED.into_iter().enumerate() {
            self.sink.step(step(2 + place));
            let listed = self.knowledge.objects.iter().filter(|one| one.class_id == class_id);
            let found: Vec<Obis> = listed.map(|one| one.obis).take(MOST_OF_A_CLASS).collect();
            let wanted = found.iter().flat_map(|obis| attributes.iter().map(move |number| (*obis, *number)));
            let wanted: Vec<AttributeRef> = wanted
                .filter(|(obis, number)| self.may_read(class_id, *obis, *number))
                .filter_map(|(obis, number)| {
                    Some(AttributeRef::new(class_id, obis, i8::try_from(number).ok()?))
                })
                .collect();
            for (question, answer) in self.ask(wanted).await?.into_values() {
                if let (Ok(data), Ok(number)) = (answer, u8::try_from(question.attribute)) {
                    held.insert((class_id, question.obis, number), data);
                }
            }
        }
        self.sink.step(step(of));
        let granted = self.association.negotiated();
        let bits = Conformance::from_bits_retain(granted.conformance);
        let names = Conformance::NAMES.into_iter().filter(|(bit, _)| bits.contains(*bit));
        Ok(Survey {
            client: association_config(self.access, self.knowledge).client,
            terms: self.association.link_terms(),
            services: names.map(|(_, name)| name).collect(),
            server_max_pdu: granted.server_max_pdu,
            knowledge: self.knowledge.clone(),
            sign,
            held,
        })
    }
}

/// Everything there is to read.
pub(super) fn everything() -> std::collections::BTreeSet<What> {
    What::ALL.iter().map(|(what, _)| *what).collect()
}
