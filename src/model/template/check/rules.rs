//! What the values of a template have to keep to, beside their types.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

use crate::model::template::fields::{self, Kind};
use crate::model::template::problem::{Code, Problem, step};
use crate::model::template::{FORMAT, HdlcParameters, ImageSignature, SERVICES, SchemeLimits, Template};
use crate::model::{IntervalStatus, Obis, What, close_to};

/// The longest name.
const LONGEST_NAME: usize = 64;

/// Everything that is wrong with a template; `stands` tells whether a place was written, and not left to the default.
pub(super) fn all(template: &Template, stands: &dyn Fn(&str) -> bool) -> Vec<Problem> {
    let mut rules = Rules { template, problems: Vec::new() };
    rules.errors();
    rules.warnings(stands);
    rules.problems
}

/// What makes a template unusable.
pub(in crate::model::template) fn errors(template: &Template) -> Vec<Problem> {
    let mut rules = Rules { template, problems: Vec::new() };
    rules.errors();
    rules.problems
}

struct Rules<'t> {
    template: &'t Template,
    problems: Vec<Problem>,
}

impl Rules<'_> {
    fn note(&mut self, code: Code, pointer: &str, message: impl Into<String>, advice: impl Into<String>) {
        self.problems.push(Problem::new(code, pointer, message).advise(advice));
    }

    fn within(&mut self, pointer: &str, value: u32, low: u32, high: u32) {
        if !(low..=high).contains(&value) {
            self.note(Code::Range, pointer, format!("{value} stands here: allowed is {low} to {high}"), "");
        }
    }

    fn errors(&mut self) {
        self.heading();
        self.ranges();
        self.association();
        self.profiles();
        self.objects();
        self.event_texts();
        self.limits();
        self.scheme();
        self.image_signature();
        for (pointer, reason) in self.template.flag.problems() {
            self.note(Code::BadValue, &pointer, reason, "facts of the model's maker decide it");
        }
    }

    fn heading(&mut self) {
        let template = self.template;
        if template.format != FORMAT {
            let message = format!("`{}` stands here: this program reads `{FORMAT}`", template.format);
            let advice = "a template of a newer version needs a newer version of this program";
            self.note(Code::BadValue, "/format", message, advice);
        }
        if let Err(reason) = valid_name(&template.name) {
            self.note(Code::BadValue, "/name", reason, "write a name such as acme-x100");
        }
        if template.title.trim().is_empty() {
            let advice = "write what people read in lists, such as ACME X100";
            self.note(Code::BadValue, "/title", "the title is empty", advice);
        }
    }

    fn ranges(&mut self) {
        // What is written out has no shape that could fail.
        let Ok(written) = serde_json::to_value(self.template) else { return };
        for field in fields::all() {
            let Kind::Number { low, high, .. } = field.kind else { continue };
            if let Some(value) = written.pointer(field.pointer).and_then(Value::as_u64) {
                self.within(field.pointer, u32::try_from(value).unwrap_or(u32::MAX), low, high);
            }
        }
    }

    fn image_signature(&mut self) {
        let signature = self.template.firmware.image_signature.as_ref();
        if let Some((key, reason)) = signature.and_then(ImageSignature::problem) {
            self.note(Code::BadValue, &step("/firmware/image_signature", key), reason, "");
        }
    }

    fn association(&mut self) {
        let Template { association, requests, .. } = self.template;
        for (place, name) in association.without.iter().enumerate() {
            let at = step("/association/without", &place.to_string());
            if !SERVICES.contains(&name.as_str()) {
                let advice = match close_to(name, &SERVICES).first() {
                    Some(meant) => format!("write `{meant}` if that was meant"),
                    None => format!("the services are {}", SERVICES.join(", ")),
                };
                self.note(Code::BadValue, &at, format!("`{name}` is no service of DLMS"), advice);
            }
        }
        self.twice("/association/without", &association.without);
        self.twice("/association/counter_objects", &association.counter_objects);
        let forms: Vec<String> =
            requests.selective_access.iter().map(|form| format!("{form:?}").to_lowercase()).collect();
        self.twice("/requests/selective_access", &forms);
        if association.pre_established && association.dedicated_key {
            let message =
                "an association that is always there has no request that could carry a dedicated key";
            let advice = "take `dedicated_key` or `pre_established` out";
            self.note(Code::Contradiction, "/association/dedicated_key", message, advice);
        }
    }

    /// Elements of a list that stand there a second time.
    fn twice<T: Eq + std::hash::Hash + std::fmt::Display>(&mut self, pointer: &str, list: &[T]) {
        let mut first: HashMap<&T, usize> = HashMap::new();
        for (place, one) in list.iter().enumerate() {
            if let Some(before) = first.get(one) {
                let message = format!("`{one}` stands in this list already, at place {}", before + 1);
                self.note(
                    Code::Duplicate,
                    &step(pointer, &place.to_string()),
                    message,
                    "take one of them out",
                );
            } else {
                first.insert(one, place);
            }
        }
    }

    fn profiles(&mut self) {
        let profiles = &self.template.profiles;
        let names: Vec<&str> = IntervalStatus::all_names().map(|(name, _)| name).collect();
        for (bit, flag) in &profiles.status_bits {
            let at = step("/profiles/status_bits", &bit.to_string());
            if *bit > 63 {
                self.note(Code::Range, &at, format!("bit {bit}: a status has bits 0 to 63"), "");
            }
            if IntervalStatus::from_word(flag).is_none() {
                let advice = match close_to(flag, &names).first() {
                    Some(meant) => format!("write `{meant}` if that was meant"),
                    None => format!("the flags are {}", names.join(", ")),
                };
                self.note(Code::BadValue, &at, format!("`{flag}` is no flag of an interval"), advice);
            }
        }
        self.twice("/profiles/status_objects", &profiles.status_objects);
    }

    fn objects(&mut self) {
        let objects = &self.template.objects;
        for (what, name) in LISTS {
            self.twice(&step("/objects", name), objects.of(what));
        }
        let plate: Vec<Obis> = objects.identity.iter().map(|one| one.obis).collect();
        self.twice("/objects/identity", &plate);
        for (place, one) in objects.identity.iter().enumerate() {
            if one.role.trim().is_empty() {
                let at = step(&step("/objects/identity", &place.to_string()), "as");
                let advice = "write serial, firmware, model, maker, or what people are to read";
                self.note(Code::BadValue, &at, "what this is, is not said", advice);
            }
        }
        for (obis, name) in &objects.names {
            if name.trim().is_empty() {
                let at = step("/objects/names", &obis.to_string());
                let advice = "write the name, or take the line out: then the usual one is shown";
                self.note(Code::BadValue, &at, format!("the name of {obis} is empty"), advice);
            }
        }
        // An object in two lists of profiles would be two profiles of one name in the store.
        let mut seen: HashMap<Obis, &str> = HashMap::new();
        for (what, name) in LISTS {
            for (place, obis) in objects.of(what).iter().enumerate() {
                if let Some(other) = seen.insert(*obis, name).filter(|other| *other != name) {
                    let at = step(&step("/objects", name), &place.to_string());
                    let message = format!("{obis} stands among `{other}` too");
                    self.note(Code::Contradiction, &at, message, "leave it where it belongs");
                }
            }
        }
    }

    fn event_texts(&mut self) {
        for (log, texts) in &self.template.event_texts {
            let at = step("/event_texts", log);
            if log != "*" && log.parse::<Obis>().is_err() {
                let message = format!("`{log}` is neither an OBIS code nor `*`");
                let advice = "write the log as 0-0:99.98.0*255, or * for all others";
                self.note(Code::BadValue, &at, message, advice);
            } else if let Ok(obis) = log.parse::<Obis>()
                && obis.to_string() != *log
            {
                let message =
                    format!("`{log}` is not how a log is written here: its texts would not be found");
                self.note(Code::BadValue, &at, message, format!("write {obis}"));
            }
            for (code, text) in texts {
                if text.trim().is_empty() {
                    let at = step(&at, &code.to_string());
                    let advice = "write it, or take the line out: then the code is shown";
                    self.note(Code::BadValue, &at, format!("the text of code {code} is empty"), advice);
                }
            }
        }
    }

    fn limits(&mut self) {
        let limits = &self.template.limits;
        if limits.switching_grid_minutes > 0 && 60 % limits.switching_grid_minutes > 0 {
            let message = format!("{} minutes do not divide an hour", limits.switching_grid_minutes);
            self.note(Code::BadValue, "/limits/switching_grid_minutes", message, "write 1, 5, 15, 30 or 60");
        }
        if limits.demand_registers > 0 && limits.highest == 0 {
            let message = "there are demand registers, but they keep no value";
            self.note(Code::Contradiction, "/limits/highest", message, "write how many values each keeps");
        }
        if limits.customer_defined > 0 && limits.customer_defined_sources == 0 {
            let message = "there are customer-defined registers, but they add up no source";
            let advice = "write how many sources each may have";
            self.note(Code::Contradiction, "/limits/customer_defined_sources", message, advice);
        }
        let is_read = limits.demand_registers > 0;
        self.periods("demand_periods_minutes", &limits.demand_periods_minutes, is_read);
        self.periods("profile_periods_minutes", &limits.profile_periods_minutes, limits.profile_channels > 0);
    }

    fn periods(&mut self, name: &str, periods: &[u32], is_needed: bool) {
        let pointer = step("/limits", name);
        if periods.is_empty() && is_needed {
            let advice = "write those that the meter can be set to, such as [15, 30, 60]";
            self.note(Code::BadValue, &pointer, "no period is allowed: no scheme could be written", advice);
        }
        for (place, period) in periods.iter().enumerate() {
            self.within(&step(&pointer, &place.to_string()), *period, 1, 1440);
        }
        self.twice(&pointer, periods);
    }

    /// Objects of a scheme that are one and the same.
    fn scheme(&mut self) {
        let scheme = &self.template.scheme;
        let named = [
            ("calendar", Some(scheme.calendar)),
            ("special_days", Some(scheme.special_days)),
            ("scripts", Some(scheme.scripts)),
            ("register_activation", Some(scheme.register_activation)),
            ("billing_schedule", Some(scheme.billing_schedule)),
            ("load_profile", scheme.load_profile),
            ("instrumentation", scheme.instrumentation),
            ("display_auto", scheme.display_auto),
            ("display_manual", scheme.display_manual),
            ("display_seconds", scheme.display_seconds),
            ("clock_failure", scheme.clock_failure),
        ];
        let mut seen: HashMap<Obis, &str> = HashMap::new();
        for (name, obis) in named.into_iter().filter_map(|(name, obis)| Some((name, obis?))) {
            if let Some(other) = seen.insert(obis, name) {
                let message = format!("{obis} is named as `{other}` already");
                let advice = "one of the two would be written over the other: look the name up";
                self.note(Code::Contradiction, &step("/scheme", name), message, advice);
            }
        }
    }

    fn warnings(&mut self, stands: &dyn Fn(&str) -> bool) {
        let Template { hdlc, objects, limits, profiles, requests, .. } = self.template;
        if hdlc.parameters == HdlcParameters::Omit {
            for name in ["info", "window"].map(|name| step("/hdlc", name)).iter().filter(|name| stands(name))
            {
                let message = "it has no effect beside `parameters: omit`: 128 octets and window 1 hold then";
                self.note(Code::NoEffect, name, message, "take it out, or propose parameters");
            }
        }
        let named = LISTS.iter().any(|(what, _)| !objects.of(*what).is_empty());
        if objects.complete && !named {
            let message = "it has no effect: no list of objects is named";
            self.note(
                Code::NoEffect,
                "/objects/complete",
                message,
                "name the objects to read, or take it out",
            );
        }
        if requests.selective_access.is_empty()
            && profiles.days_per_request > 0
            && stands("/profiles/days_per_request")
        {
            let message = "it has no effect without selective access: a profile is always read whole";
            self.note(Code::NoEffect, "/profiles/days_per_request", message, "");
        }
        if *limits == SchemeLimits::default() {
            let pointer = if stands("/limits") { "/limits" } else { "" };
            let message = "`limits` says nothing of this model: a scheme is held against this program's own \
                           largest values, and the meter may refuse what passes here";
            let advice = "write the limits of the meter's manual before it is programmed";
            self.note(Code::NoLimits, pointer, message, advice);
        }
        let roles: BTreeSet<&str> = objects.identity.iter().map(|one| one.role.as_str()).collect();
        if !objects.identity.is_empty() && !roles.contains("serial") {
            let message = "none of these is the serial number: a meter at the wrong end of a line would not be noticed by it";
            self.note(Code::Doubtful, "/objects/identity", message, "say which object is `serial`");
        }
    }
}

/// Lists of objects by their keys.
const LISTS: [(What, &str); 6] = [
    (What::Registers, "registers"),
    (What::Instantaneous, "instantaneous"),
    (What::Profile, "load_profiles"),
    (What::Instrumentation, "instrumentation"),
    (What::Billing, "billing"),
    (What::Events, "logs"),
];

/// Whether a template may bear a name.
///
/// # Errors
/// Why not.
pub fn valid_name(name: &str) -> Result<(), String> {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
    if name.is_empty() {
        Err("the name is empty".to_owned())
    } else if name.len() > LONGEST_NAME {
        Err(format!("the name has more than {LONGEST_NAME} letters"))
    } else if !name.chars().all(plain) || !name.starts_with(|letter: char| letter.is_ascii_alphanumeric()) {
        Err("a name has letters of A to Z, digits, and - _ . between them".to_owned())
    } else {
        Ok(())
    }
}
