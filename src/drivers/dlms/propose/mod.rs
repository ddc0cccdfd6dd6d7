//! Makes a template of what a meter shows of itself, and says of each part whether it was observed or guessed, and what
//! is left to be looked up. Where a guess could do harm it is the careful one: a limit is what the meter holds now.

mod tariff;

use jiff::Timestamp;

use crate::drivers::MeterAccess;
use crate::model::template::{Basis, IdentityObject, Remark, Selection, Template, valid_name};
use crate::model::{ColumnRole, DeviationSign, Obis, What, plain_name};

use super::clock::Sign;
use super::identity::{self, Role};
use super::objects::{self, class};
use super::survey::Survey;
use super::survey::of_interest::{HDLC_SETUP, PUSH};
use crate::protocol::link::LinkTerms;

/// Transformer ratios of current and voltage, numerators and denominators (IEC 62056-61).
const RATIOS: [[u8; 6]; 4] =
    [[1, 0, 0, 4, 2, 255], [1, 0, 0, 4, 5, 255], [1, 0, 0, 4, 3, 255], [1, 0, 0, 4, 6, 255]];

/// A template in the making.
struct Draft<'s> {
    survey: &'s Survey,
    access: &'s MeterAccess,
    template: Template,
    remarks: Vec<Remark>,
}

/// A template for a meter that was surveyed, with remarks.
pub(super) fn propose(survey: &Survey, access: &MeterAccess, now: Timestamp) -> (Template, Vec<Remark>) {
    let mut template = Template::least();
    template.family = access.template.family;
    let mut draft = Draft { survey, access, template, remarks: Vec::new() };
    draft.heading(now);
    draft.addressing();
    draft.link();
    draft.association();
    draft.clock();
    draft.profiles();
    draft.objects();
    draft.event_texts();
    draft.limits();
    draft.scheme();
    draft.firmware();
    draft.conclude();
    (draft.template, draft.remarks)
}

/// Letters and digits of a text, in small letters, joined by dashes.
fn plain(text: &str) -> String {
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("-")
}

impl Draft<'_> {
    fn say(&mut self, basis: Basis, pointer: &str, text: impl Into<String>) {
        self.remarks.push(Remark { basis, pointer: pointer.to_owned(), text: text.into() });
    }

    fn observed(&mut self, pointer: &str, text: impl Into<String>) {
        self.say(Basis::Observed, pointer, text);
    }

    fn guessed(&mut self, pointer: &str, text: impl Into<String>) {
        self.say(Basis::Guessed, pointer, text);
    }

    fn by_hand(&mut self, pointer: &str, text: impl Into<String>) {
        self.say(Basis::ByHand, pointer, text);
    }

    fn heading(&mut self, now: Timestamp) {
        let identity = &self.survey.knowledge.identity;
        let maker = identity.maker.clone().unwrap_or_default();
        let model = identity.model.clone().unwrap_or_default();
        let version = identity.firmware.clone().unwrap_or_default();
        let title = [maker.as_str(), model.as_str(), version.as_str()];
        let title: Vec<&str> = title.into_iter().filter(|word| !word.is_empty()).collect();
        let name = plain(&title.join(" "));
        let name: String = name.chars().take(48).collect();
        let name = name.trim_matches('-').to_owned();
        let name = if valid_name(&name).is_ok() { name } else { "learnt".to_owned() };
        self.template.title = if title.is_empty() { "Learnt meter".to_owned() } else { title.join(" ") };
        self.template.name = name;
        let who = identity.logical_device_name.clone().or_else(|| identity.serial.clone());
        let date = now.strftime("%Y-%m-%d");
        self.template.note = match who {
            Some(who) => format!("Learnt from {who} on {date}."),
            None => format!("Learnt from a meter that does not say who it is, on {date}."),
        };
        if model.is_empty() {
            self.by_hand(
                "/title",
                "the meter does not say what model it is: write maker and model into name and title",
            );
        } else {
            self.observed("/title", format!("the meter says that it is {}", self.template.title));
        }
    }

    fn addressing(&mut self) {
        let config = &self.access.config;
        let used = &self.access.template.addressing;
        let mut addressing = used.clone();
        addressing.server = config.address.unwrap_or(used.server);
        if config.auth == crate::model::Auth::None {
            addressing.public_client = self.survey.client;
            self.by_hand("/addressing/client", "only the client without authentication was let in: look up the client that reads and programs");
        } else {
            addressing.client = self.survey.client;
        }
        let (client, server) = (self.survey.client, addressing.server);
        self.observed("/addressing", format!("client {client} is let in at server address {server}"));
        self.template.addressing = addressing;
    }

    fn link(&mut self) {
        let Some(terms) = self.survey.terms else {
            if let Some(obis) = self.survey.of_class(HDLC_SETUP).next() {
                let number = |attribute| {
                    self.survey.held.get(&(HDLC_SETUP, obis, attribute)).and_then(|data| data.integer())
                };
                let (info, window) = (number(6), number(4));
                if let (Some(info), Some(window)) = (info, window) {
                    let text = format!(
                        "read over another line than HDLC, but its port says {info} octets and window {window}"
                    );
                    if let (Ok(info), Ok(window)) = (u16::try_from(info), u8::try_from(window)) {
                        self.template.hdlc.info = info.clamp(32, 2030);
                        self.template.hdlc.window = window.clamp(1, 7);
                    }
                    self.observed("/hdlc", text);
                    return;
                }
            }
            self.guessed("/hdlc", "the line was not HDLC: its settings are the usual ones");
            return;
        };
        self.template.hdlc.info = terms.info.clamp(32, 2030);
        self.template.hdlc.window = terms.window.clamp(1, 7);
        let LinkTerms { info, window } = terms;
        self.observed("/hdlc", format!("the meter agreed to {info} octets and window {window}"));
    }

    fn association(&mut self) {
        let used = &self.access.template.association;
        let association = &mut self.template.association;
        association.object = used.object;
        (association.ciphering, association.dedicated_key) = (used.ciphering, used.dedicated_key);
        association.release = used.release;
        let counters: Vec<Obis> = self
            .survey
            .of_class(class::DATA)
            .filter(|obis| matches!(obis.0, [0, _, 43, 1, _, 255]))
            .collect();
        if counters.is_empty() {
            self.guessed(
                "/association/counter_objects",
                "the object list shows no invocation counter: the usual places are kept",
            );
        } else {
            self.template.association.counter_objects = counters;
            self.observed("/association/counter_objects", "invocation counters are those of the object list");
        }
        let services = &self.survey.services;
        let granted = services.join(", ");
        let pdu = match self.survey.server_max_pdu {
            0 => "messages of any length".to_owned(),
            pdu => format!("messages of up to {pdu} octets"),
        };
        let has = |name: &str| services.contains(&name);
        let (lists, selective) = (has("multiple-references"), has("selective-access"));
        self.observed("/association", format!("the meter takes {pdu} and grants {granted}"));
        if !lists {
            self.template.requests.list_max = 1;
            self.observed("/requests/list_max", "the meter grants no requests with several attributes");
        } else if let Some(most) = self.survey.knowledge.list_max {
            self.template.requests.list_max = most;
            self.observed(
                "/requests/list_max",
                format!("the meter took lists of {most} attributes and no longer ones"),
            );
        } else {
            self.guessed("/requests/list_max", "how long a list of attributes may be was not tried out");
        }
        if !selective {
            self.template.requests.selective_access = vec![Selection::Range, Selection::Entry];
            self.guessed(
                "/requests/selective_access",
                "the meter does not grant selective access; many have it all the same, and it is tried once",
            );
        }
    }

    fn clock(&mut self) {
        let pointer = "/clock/deviation_sign";
        let used = self.access.template.clock.deviation_sign;
        self.template.clock = self.access.template.clock.clone();
        match self.survey.sign {
            Some(Sign::Confirmed) => {
                self.observed(pointer, "the meter's clock agrees with this computer's under this sign only");
            }
            Some(Sign::Inverted) => {
                self.template.clock.deviation_sign = match used {
                    DeviationSign::Standard => DeviationSign::Inverted,
                    DeviationSign::Inverted => DeviationSign::Standard,
                };
                self.observed(pointer, "the meter writes the deviation with the other sign: only so its clock agrees with this computer's");
            }
            Some(Sign::Unknown) => self.guessed(
                pointer,
                "the sign of the deviation did not show: its deviation is 0 or not given, or its clock is wrong",
            ),
            None => self.by_hand(pointer, "the meter shows no time: look up how it writes its deviation"),
        }
        self.guessed("/clock/adjust", "how the clock is adjusted was not tried out");
    }

    fn profiles(&mut self) {
        let survey = self.survey;
        let mut statuses: Vec<Obis> = Vec::new();
        for columns in survey.knowledge.profiles.values() {
            let pairs = columns.captured.iter().zip(&columns.columns);
            for (captured, _) in pairs.filter(|(_, role)| **role == ColumnRole::Status) {
                if !statuses.contains(&captured.obis) {
                    statuses.push(captured.obis);
                }
            }
        }
        self.template.profiles.status_bits = self.access.template.profiles.status_bits.clone();
        if statuses.is_empty() {
            self.guessed(
                "/profiles/status_objects",
                "no profile captures a status that could be told by its name",
            );
        } else {
            let names: Vec<String> = statuses.iter().map(|obis| obis.short()).collect();
            self.observed(
                "/profiles/status_objects",
                format!("profiles capture their status in {}", names.join(", ")),
            );
            self.template.profiles.status_objects = statuses;
        }
        self.by_hand(
            "/profiles/status_bits",
            "what the bits of a status mean no meter tells: these are DSMR's and IDIS's",
        );
        self.guessed("/profiles/stamp_is_start", "stamps are taken as the end of their interval");
        for (obis, columns) in &survey.knowledge.profiles {
            let layout = &columns.layout;
            let kind = if layout.period_seconds == 0 {
                "at events".to_owned()
            } else {
                format!("each {}", words_of_seconds(layout.period_seconds))
            };
            let rows = survey.held.get(&(class::PROFILE, *obis, 8)).and_then(|data| data.integer());
            let room = rows.map_or_else(String::new, |rows| format!(", room for {rows} rows"));
            let channels = layout.channels.len();
            self.observed(
                "/objects",
                format!("{} ({}) captures {channels} channels {kind}{room}", layout.name, obis.short()),
            );
        }
    }

    fn objects(&mut self) {
        let knowledge = &self.survey.knowledge;
        let of = |what| {
            let found = objects::of_kind(what, knowledge, &self.access.template);
            let readable = found.into_iter().filter(|(class_id, obis)| {
                let listed = knowledge.objects.iter();
                let mut entry = listed.filter(|one| one.class_id == *class_id && one.obis == *obis);
                entry.all(|one| one.readable(2))
            });
            let mut names: Vec<Obis> = Vec::new();
            for (_, obis) in readable {
                if !names.contains(&obis) {
                    names.push(obis);
                }
            }
            names
        };
        let found = What::ALL.map(|(what, _)| (what, of(what)));
        let is_guess = knowledge.objects.is_empty();
        let listed = knowledge.objects.len();
        let clock = objects::clock(knowledge, &self.access.template);
        let contactor = self.survey.of_class(class::CONTACTOR).next();
        let has_ratios = self.survey.of_class(class::DATA).any(|obis| RATIOS.contains(&obis.0));
        let plate = self.plate();
        let map = &mut self.template.objects;
        let mut counts = Vec::new();
        for (what, names) in found {
            let slot = match what {
                What::Registers => &mut map.registers,
                What::Instantaneous => &mut map.instantaneous,
                What::Profile => &mut map.load_profiles,
                What::Instrumentation => &mut map.instrumentation,
                What::Billing => &mut map.billing,
                What::Events => &mut map.logs,
                What::Identity | What::Clock | What::Objects => continue,
            };
            // Profiles of which nothing is known did not answer.
            let is_profile = !matches!(what, What::Registers | What::Instantaneous);
            *slot = names
                .into_iter()
                .filter(|obis| !is_profile || knowledge.profiles.contains_key(obis))
                .collect();
            if !slot.is_empty() {
                counts.push(format!("{}: {}", what.in_words().trim_start_matches("the "), slot.len()));
            }
        }
        map.clock = Some(clock);
        map.contactor = contactor;
        map.identity = plate;
        let counts = counts.join(", ");
        if is_guess {
            self.guessed(
                "/objects",
                format!(
                    "the meter gives no object list; what answered of the usual objects is named ({counts})"
                ),
            );
        } else {
            self.observed("/objects", format!("the object list has {listed} objects; named are {counts}"));
        }
        if contactor.is_some() {
            self.observed("/objects/contactor", "it has a contactor");
        }
        if has_ratios {
            self.observed("/objects/ratios", "it shows transformer ratios in the standard's places");
            self.by_hand(
                "/objects/ratios",
                "whether the registers are multiplied by them already, the nameplate tells",
            );
        }
    }

    /// Plate data that the meter gave.
    fn plate(&mut self) -> Vec<IdentityObject> {
        let knowledge = &self.survey.knowledge;
        let identity = &knowledge.identity;
        let named = identity::plate_objects(knowledge, &self.access.template);
        let objects: Vec<IdentityObject> = named
            .into_iter()
            .filter_map(|one| {
                let (is_given, role) = match &one.role {
                    Role::Serial => (identity.serial.is_some(), "serial".to_owned()),
                    Role::LogicalDeviceName => {
                        (identity.logical_device_name.is_some(), "logical device name".to_owned())
                    }
                    Role::Firmware => (identity.firmware.is_some(), "firmware".to_owned()),
                    Role::Model => (identity.model.is_some(), "model".to_owned()),
                    Role::Maker => (identity.maker.is_some(), "maker".to_owned()),
                    Role::Other(title) => {
                        (identity.more.iter().any(|(name, _)| name == title), title.clone())
                    }
                };
                is_given.then_some(IdentityObject { obis: one.obis, role })
            })
            .collect();
        if objects.iter().any(|one| one.role == "serial") {
            self.guessed(
                "/objects/identity",
                "which plate text is the serial number, was told by its place: hold it against the plate",
            );
        } else {
            self.by_hand(
                "/objects/identity",
                "no object was found that holds the serial number: say which does",
            );
        }
        objects
    }

    fn event_texts(&mut self) {
        let texts = &self.access.template.event_texts;
        self.template.event_texts = texts.clone();
        if self.template.objects.logs.is_empty() {
            return;
        }
        self.by_hand(
            "/event_texts",
            "what the codes of its logs mean no meter tells: most are as in IDIS, the maker's own are in the manual",
        );
    }

    /// What else was seen, and what is left to do, where whoever opens the file reads it.
    fn conclude(&mut self) {
        let pushes = self.survey.of_class(PUSH).count();
        if pushes > 0 {
            let names: Vec<String> = self.survey.of_class(PUSH).map(plain_name).collect();
            self.observed("", format!("it has {pushes} push setups: {}", names.join(", ")));
        }
        let refused = self.survey.knowledge.refused.len();
        if refused > 0 {
            self.observed("", format!("{refused} attributes were refused to this client"));
        }
        self.remarks.sort_by_key(|remark| remark.basis);
        let left: Vec<&str> = self
            .remarks
            .iter()
            .filter(|remark| remark.basis == Basis::ByHand)
            .map(|remark| remark.text.as_str())
            .collect();
        if !left.is_empty() {
            self.template.note.push_str(&format!(" To be looked up: {}.", left.join("; ")));
        }
    }
}

fn words_of_seconds(seconds: u32) -> String {
    match seconds {
        60 => "minute".to_owned(),
        86_400 => "day".to_owned(),
        seconds if seconds.is_multiple_of(60) => format!("{} minutes", seconds / 60),
        seconds => format!("{seconds} seconds"),
    }
}
