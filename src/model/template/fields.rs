//! What each setting of a template is called, what it may be, and what it does: one table for the checks, for what a
//! template says in words, and for the forms of the window. A key that is not in it is shown by its own name.

use serde_json::Value;

/// What a setting may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// Yes or no.
    Flag,
    /// A whole number with its unit.
    Number {
        /// The least.
        low: u32,
        /// The most.
        high: u32,
        /// Its unit; empty for a count.
        unit: &'static str,
    },
    /// One of some words, each with what it means.
    Choice(&'static [(&'static str, &'static str)]),
    /// Any text.
    Text,
    /// A server address.
    Address,
    /// An object by its OBIS code.
    Object,
    /// An object, or none.
    MaybeObject,
    /// Objects in an order.
    Objects,
    /// Numbers in an order.
    Numbers,
    /// Some of these words in an order, or of the services where it is empty.
    Words(&'static [&'static str]),
    /// A table of its own: plate data, names, scalers, status bits, event texts, ratios.
    Table,
}

/// One setting.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Field {
    /// Where it stands, as a JSON pointer.
    pub pointer: &'static str,
    /// What it is called.
    pub label: &'static str,
    /// What it may be.
    pub kind: Kind,
    /// What it does; empty where the label says it.
    pub help: &'static str,
}

/// Sections by their keys, with titles, in the order of the format.
pub const SECTIONS: [(&str, &str); 14] = [
    ("", "General"),
    ("addressing", "Addressing"),
    ("hdlc", "HDLC link"),
    ("timing", "Waits and retries"),
    ("association", "Association"),
    ("requests", "Requests"),
    ("clock", "Clock"),
    ("profiles", "Profiles"),
    ("objects", "Register map"),
    ("event_texts", "Event texts"),
    ("limits", "Limits of a scheme"),
    ("scheme", "Where a scheme stands"),
    ("firmware", "Image transfer"),
    ("flag", "Elster tables"),
];

const fn field(pointer: &'static str, label: &'static str, kind: Kind, help: &'static str) -> Field {
    Field { pointer, label, kind, help }
}

const fn number(low: u32, high: u32, unit: &'static str) -> Kind {
    Kind::Number { low, high, unit }
}

const HOUR_MS: u32 = 3_600_000;
const MANY: u32 = 100_000;

/// All settings, in the order of the format.
pub const FIELDS: &[Field] = &[
    field("/name", "Name", Kind::Text, "What meters refer to: letters, digits, - _ ."),
    field("/title", "Title", Kind::Text, "What people read in lists"),
    field("/note", "Note", Kind::Text, "For whom, and where the settings come from"),
    field("/family", "Protocol family", Kind::Choice(&[("dlms", "DLMS/COSEM")]), ""),
    field("/addressing/public_client", "Public client", number(0, 65535, ""), "Asks without authentication"),
    field("/addressing/client", "Client", number(0, 65535, ""), "Of every other association"),
    field("/addressing/server", "Server address", Kind::Address, "1, 1/17 with @1, @2 or @4 octets"),
    field("/hdlc/info", "Largest information field", number(32, 2030, "octets"), "Proposed, both ways"),
    field("/hdlc/window", "Window", number(1, 7, "frames"), "Proposed, both ways"),
    field(
        "/hdlc/parameters",
        "Parameters in SNRM",
        Kind::Choice(&[
            ("propose", "Propose them, once more without after a failure"),
            ("omit", "Never: 128 octets, window 1"),
            ("force", "Always"),
        ]),
        "",
    ),
    field("/hdlc/disconnect_first", "DISC ahead of SNRM", Kind::Flag, "For meters that stay connected"),
    field("/hdlc/inter_octet_ms", "Silence that ends a frame", number(1, 600_000, "ms"), ""),
    field(
        "/hdlc/turnaround_ms",
        "Pause before the next frame",
        number(0, 60_000, "ms"),
        "For slow converters",
    ),
    field("/timing/response_ms", "Longest wait for an answer", number(100, 600_000, "ms"), ""),
    field("/timing/inter_frame_ms", "Longest gap between frames", number(100, 600_000, "ms"), ""),
    field("/timing/connect_ms", "Longest wait for a connection", number(1, 600_000, "ms"), ""),
    field("/timing/frame_retries", "A frame is sent again", number(0, 100, "times"), ""),
    field("/timing/attempts", "Attempts of a session", number(1, 20, ""), ""),
    field("/timing/reconnect_pause_ms", "Pause between sessions", number(0, HOUR_MS, "ms"), ""),
    field(
        "/timing/retry_pause_ms",
        "Least pause before a retry",
        number(0, HOUR_MS, "ms"),
        "It doubles from there",
    ),
    field("/timing/release_ms", "Longest wait for a release", number(0, 600_000, "ms"), ""),
    field("/association/max_pdu", "Largest message proposed", number(64, 65535, "octets"), ""),
    field("/association/challenge_bytes", "Length of our challenge", number(8, 64, "octets"), ""),
    field(
        "/association/ciphering",
        "Form of ciphered messages",
        Kind::Choice(&[("service-specific", "Service-specific"), ("general", "General ciphering")]),
        "",
    ),
    field("/association/dedicated_key", "A dedicated key each time", Kind::Flag, ""),
    field("/association/omit_title_in_general", "No system title in general ciphering", Kind::Flag, ""),
    field("/association/pre_established", "Always there, no request", Kind::Flag, ""),
    field("/association/object", "Association object", Kind::Object, "Its attribute 2 is the object list"),
    field("/association/counter_objects", "Invocation counters", Kind::Objects, "Read by the public client"),
    field("/association/counter_margin", "Added to a counter that was read", number(0, u32::MAX, ""), ""),
    field("/association/gmac_takes_counter", "GMAC takes a counter of its own", Kind::Flag, ""),
    field("/association/accept_missing_proof", "Accept a meter without proof", Kind::Flag, ""),
    field(
        "/association/release",
        "How it ends",
        Kind::Choice(&[("request", "By a release request"), ("close", "The link is closed")]),
        "",
    ),
    field("/association/without", "Services never proposed", Kind::Words(&[]), ""),
    field("/requests/list_max", "Attributes in one request", number(1, 1000, ""), "1 asks one by one"),
    field("/requests/block_window", "Window of general block transfer", number(1, 63, "blocks"), ""),
    field(
        "/requests/selective_access",
        "Rows of profiles are chosen",
        Kind::Words(&["range", "entry"]),
        "Best first: by range of time, by entry number",
    ),
    field(
        "/clock/deviation_sign",
        "Sign of the deviation",
        Kind::Choice(&[
            ("standard", "As the standard: CEST is −120"),
            ("inverted", "Inverted: CEST is +120"),
        ]),
        "",
    ),
    field(
        "/clock/zone_policy",
        "Offset of wall time",
        Kind::Choice(&[
            ("deviation", "The stamp's own, else the meter's zone"),
            ("meter-zone", "Always the meter's zone"),
            ("standard-time", "The zone without daylight saving"),
        ]),
        "",
    ),
    field(
        "/clock/adjust",
        "How it is adjusted",
        Kind::Choice(&[
            ("shift-time", "shift_time, up to 900 s"),
            ("preset", "Preset, then adjusted"),
            ("minute", "To the whole minute"),
            ("set", "Not: it is set"),
        ]),
        "",
    ),
    field(
        "/clock/set_status",
        "Clock status of a time that is set",
        Kind::Choice(&[("daylight-saving", "Daylight saving"), ("unspecified", "Not specified")]),
        "",
    ),
    field("/profiles/status_bits", "Status bit", Kind::Table, "Bits that are not named set `unnamed`"),
    field("/profiles/status_objects", "Columns that hold a status", Kind::Objects, "Best first"),
    field("/profiles/stamp_is_start", "Stamps are the start of intervals", Kind::Flag, ""),
    field(
        "/profiles/days_per_request",
        "Days in one request",
        number(0, 3660, "days"),
        "0 asks for all at once",
    ),
    field(
        "/profiles/null_value",
        "Null in a column means",
        Kind::Choice(&[("absent", "Nothing was captured"), ("repeat", "The same as the row before")]),
        "",
    ),
    field("/objects/identity", "Plate", Kind::Table, ""),
    field("/objects/clock", "Clock", Kind::MaybeObject, ""),
    field("/objects/registers", "Register", Kind::Objects, "Empty leaves it to the object list"),
    field("/objects/instantaneous", "Instantaneous value", Kind::Objects, ""),
    field("/objects/load_profiles", "Load profile", Kind::Objects, ""),
    field("/objects/instrumentation", "Instrumentation profile", Kind::Objects, ""),
    field("/objects/billing", "Billing profile", Kind::Objects, ""),
    field("/objects/logs", "Event log", Kind::Objects, ""),
    field("/objects/contactor", "Contactor", Kind::MaybeObject, ""),
    field("/objects/ratios", "Transformer ratio", Kind::Table, "Numerator and denominator"),
    field("/objects/complete", "Only what is named is read", Kind::Flag, "For slow lines"),
    field("/objects/names", "Plain name", Kind::Table, ""),
    field("/objects/scalers", "Scaler and unit", Kind::Table, "In place of what the meter says"),
    field("/limits/energy_registers", "Energy registers", number(0, MANY, ""), ""),
    field("/limits/demand_registers", "Demand registers", number(0, MANY, ""), ""),
    field("/limits/highest", "Highest values of a demand register", number(0, MANY, ""), ""),
    field("/limits/customer_defined", "Customer-defined registers", number(0, MANY, ""), ""),
    field("/limits/customer_defined_sources", "Sources of each", number(0, MANY, ""), ""),
    field("/limits/day_types", "Day types", number(1, MANY, ""), ""),
    field("/limits/switches_per_day", "Switching times in a day", number(1, MANY, ""), ""),
    field("/limits/switching_grid_minutes", "Grid of switching times", number(1, 60, "minutes"), ""),
    field("/limits/weeks", "Week types", number(1, MANY, ""), ""),
    field("/limits/seasons", "Seasons", number(1, MANY, ""), ""),
    field("/limits/special_days", "Special days", number(0, MANY, ""), ""),
    field("/limits/billing_dates", "Billing dates", number(0, MANY, ""), ""),
    field("/limits/demand_periods_minutes", "Demand periods", Kind::Numbers, "In minutes"),
    field("/limits/profile_periods_minutes", "Load-profile periods", Kind::Numbers, "In minutes"),
    field("/limits/profile_channels", "Load-profile channels", number(0, MANY, ""), ""),
    field("/limits/instrumentation_channels", "Instrumentation channels", number(0, MANY, ""), ""),
    field("/limits/display_items", "Items of a display list", number(0, MANY, ""), ""),
    field("/limits/ratio_digits", "Digits of each side of a ratio", number(1, 38, ""), ""),
    field("/limits/secondary_above_primary", "A secondary may be above its primary", Kind::Flag, ""),
    field("/limits/latent", "Has a latent tariff", Kind::Flag, ""),
    field("/scheme/calendar", "Activity calendar", Kind::Object, ""),
    field("/scheme/special_days", "Special days", Kind::Object, ""),
    field("/scheme/scripts", "Tariff scripts", Kind::Object, ""),
    field("/scheme/register_activation", "Register activation", Kind::Object, ""),
    field(
        "/scheme/names",
        "Seasons and weeks are named",
        Kind::Choice(&[("short", "By one digit or letter"), ("id", "By their ids")]),
        "",
    ),
    field("/scheme/billing_schedule", "Schedule of billing ends", Kind::Object, ""),
    field("/scheme/billing_script_table", "Script table of the billing end", Kind::Object, ""),
    field("/scheme/billing_script", "Script of the billing end", number(0, 65535, ""), ""),
    field("/scheme/load_profile", "Load profile", Kind::MaybeObject, ""),
    field("/scheme/instrumentation", "Instrumentation profile", Kind::MaybeObject, ""),
    field("/scheme/display_auto", "Automatic display list", Kind::MaybeObject, ""),
    field("/scheme/display_manual", "Manual display list", Kind::MaybeObject, ""),
    field("/scheme/display_seconds", "Time of a display item", Kind::MaybeObject, ""),
    field("/scheme/clock_failure", "Response to a lost clock", Kind::MaybeObject, ""),
    field("/firmware/image", "Image transfer object", Kind::Object, ""),
    field("/firmware/version", "Firmware version", Kind::MaybeObject, "The plate's where it is not named"),
    field("/firmware/model", "Model", Kind::MaybeObject, ""),
    field("/firmware/hardware", "Hardware revision", Kind::MaybeObject, ""),
    field("/firmware/schedule", "Schedule of the activation", Kind::Object, ""),
    field("/firmware/verify_seconds", "Longest verification", number(1, 86_400, "s"), ""),
    field("/firmware/restart_seconds", "Longest restart", number(1, 86_400, "s"), ""),
    field("/firmware/poll_ms", "Pause between two looks", number(100, 600_000, "ms"), ""),
];

impl Field {
    /// The key of its section; empty for what stands above all sections.
    #[must_use]
    pub fn section(&self) -> &'static str {
        let mut steps = self.pointer.split('/').skip(1);
        match (steps.next(), steps.next()) {
            (Some(section), Some(_)) => section,
            _ => "",
        }
    }

    /// A value in words, where its kind says more than the value itself.
    #[must_use]
    pub fn said(&self, value: &Value) -> Option<String> {
        match (self.kind, value) {
            (Kind::Choice(words), Value::String(word)) => {
                let meaning = words.iter().find(|(known, _)| known == word);
                meaning.map(|(_, meaning)| (*meaning).to_owned())
            }
            (Kind::Number { unit, .. }, Value::Number(number)) if !unit.is_empty() => {
                Some(format!("{number} {unit}"))
            }
            (Kind::Text | Kind::Address, Value::String(text)) => Some(text.clone()),
            _ => None,
        }
    }
}

/// The setting at a place.
#[must_use]
pub fn at(pointer: &str) -> Option<&'static Field> {
    FIELDS.iter().find(|field| field.pointer == pointer)
}

/// Whether a key names a section.
#[must_use]
pub fn is_section(key: &str) -> bool {
    SECTIONS.iter().any(|(known, _)| *known == key)
}

/// A key as a person would read it.
#[must_use]
pub fn from_key(key: &str) -> String {
    let spaced = key.replace(['_', '-'], " ");
    let mut letters = spaced.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}

/// What a place is called: its setting with what follows below it.
#[must_use]
pub fn label(pointer: &str) -> String {
    let mut outer = pointer;
    loop {
        if let Some(field) = at(outer) {
            let rest = pointer.get(outer.len()..).unwrap_or_default().trim_start_matches('/');
            let section =
                SECTIONS.iter().find(|(key, _)| *key == field.section()).map_or("", |(_, title)| title);
            let label = if section == "General" {
                field.label.to_owned()
            } else {
                format!("{section}: {}", field.label)
            };
            let rest = rest.replace("~1", "/").replace("~0", "~").replace('/', ", ");
            return if rest.is_empty() { label } else { format!("{label} {rest}") };
        }
        match outer.rfind('/') {
            Some(end) => outer = outer.get(..end).unwrap_or_default(),
            None => break,
        }
    }
    let keys: Vec<String> = pointer
        .split('/')
        .skip(1)
        .enumerate()
        .map(|(place, key)| {
            let key = key.replace("~1", "/").replace("~0", "~");
            let title = SECTIONS.iter().find(|(known, _)| place == 0 && *known == key);
            title.map_or(key, |(_, title)| (*title).to_owned())
        })
        .collect();
    keys.join(", ")
}
