//! From a [`Document`] to a file: keys in the order of the format page, one record or one list entry a line, so that
//! a change of one thing is a change of one line.

use super::document::{
    CustomerDefined, DayType, DemandRegister, Document, DstRule, EnergyRegister, FORMAT,
    InstrumentationChannel, Output, OutputFunction, Ratio, Season, SpecialDay, Switch, Tariff, Week,
    weekday_word,
};
use super::prices::{PRICES_FORMAT, Price, Prices};
use crate::model::{Decimal, Divisor};
use std::fmt::Display;

/// A piece of JSON and how it is laid out.
enum Piece {
    /// Written as it stands.
    Scalar(String),
    /// On one line.
    Record(Vec<(&'static str, Piece)>),
    /// One member a line.
    Section(Vec<(&'static str, Piece)>),
    /// On one line.
    Row(Vec<Piece>),
    /// One entry a line.
    Column(Vec<Piece>),
}

use Piece::{Column, Record, Row, Scalar, Section};

/// The text of a scheme file. Reading it gives the same document, writing that the same bytes.
#[must_use]
pub fn write(document: &Document) -> String {
    let mut out = String::new();
    section(document).write(0, &mut out);
    out.push('\n');
    out
}

/// The text of a price file. Reading it gives the same prices.
#[must_use]
pub fn write_prices(prices: &Prices) -> String {
    let price =
        |price: &Price| Record(vec![("register", text(&price.register)), ("price", text(price.price))]);
    let file = Section(vec![
        ("format", text(PRICES_FORMAT)),
        ("currency", text(&prices.currency)),
        ("decimals", plain(prices.decimals)),
        ("tax_percent", text(prices.tax_percent)),
        ("standing_per_day", text(prices.standing_per_day)),
        ("standing_per_billing_period", text(prices.standing_per_billing_period)),
        ("energy", Column(prices.energy.iter().map(price).collect())),
        ("demand", Column(prices.demand.iter().map(price).collect())),
    ]);
    let mut out = String::new();
    file.write(0, &mut out);
    out.push('\n');
    out
}

impl Piece {
    fn write(&self, depth: usize, out: &mut String) {
        match self {
            Scalar(text) => out.push_str(text),
            Record(members) if members.is_empty() => out.push_str("{}"),
            Record(members) => {
                out.push_str("{ ");
                separated(members, ", ", out, |(key, piece), out| member(key, piece, depth, out));
                out.push_str(" }");
            }
            Section(members) => {
                broken("{", "}", depth, members, out, |(key, piece), out| {
                    member(key, piece, depth + 1, out);
                });
            }
            Row(items) => {
                out.push('[');
                separated(items, ", ", out, |item, out| item.write(depth, out));
                out.push(']');
            }
            Column(items) if items.is_empty() => out.push_str("[]"),
            Column(items) => broken("[", "]", depth, items, out, |item, out| item.write(depth + 1, out)),
        }
    }
}

fn member(key: &str, piece: &Piece, depth: usize, out: &mut String) {
    out.push('"');
    out.push_str(key);
    out.push_str("\": ");
    piece.write(depth, out);
}

fn separated<T>(items: &[T], separator: &str, out: &mut String, write: impl Fn(&T, &mut String)) {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push_str(separator);
        }
        write(item, out);
    }
}

fn broken<T>(
    open: &str,
    close: &str,
    depth: usize,
    items: &[T],
    out: &mut String,
    write: impl Fn(&T, &mut String),
) {
    let indent = "  ".repeat(depth + 1);
    out.push_str(open);
    out.push('\n');
    out.push_str(&indent);
    separated(items, &format!(",\n{indent}"), out, write);
    out.push('\n');
    out.push_str(&"  ".repeat(depth));
    out.push_str(close);
}

fn text(value: impl Display) -> Piece {
    let mut out = String::from("\"");
    for character in value.to_string().chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            control if control < ' ' => out.push_str(&format!("\\u{:04x}", u32::from(control))),
            plain => out.push(plain),
        }
    }
    out.push('"');
    Scalar(out)
}

fn plain(value: impl Display) -> Piece {
    Scalar(value.to_string())
}

fn texts<T: Display>(values: &[T]) -> Vec<Piece> {
    values.iter().map(text).collect()
}

fn section(document: &Document) -> Piece {
    let mut members = vec![
        ("format", text(FORMAT)),
        ("identity", text(&document.identity)),
        ("title", text(&document.title)),
        ("note", text(&document.note)),
        ("template", text(&document.template)),
        ("time_zone", text(&document.time_zone)),
        ("registers", registers(document)),
        ("tariff", tariff(&document.tariff)),
    ];
    if let Some(latent) = &document.latent {
        let at = latent.activate_at.strftime("%Y-%m-%dT%H:%M:%S");
        members
            .push(("latent", Section(vec![("activate_at", text(at)), ("tariff", tariff(&latent.tariff))])));
    }
    members.extend([
        (
            "demand",
            Section(vec![
                ("period_minutes", plain(document.demand.period_minutes)),
                ("sub_intervals", plain(document.demand.sub_intervals)),
            ]),
        ),
        ("billing", billing(document)),
        (
            "profile",
            Section(vec![
                ("period_minutes", plain(document.profile.period_minutes)),
                ("channels", Column(texts(&document.profile.channels))),
                ("follows_dst", plain(document.profile.follows_dst)),
            ]),
        ),
        (
            "instrumentation",
            Section(vec![
                ("period_minutes", plain(document.instrumentation.period_minutes)),
                ("channels", Column(document.instrumentation.channels.iter().map(channel).collect())),
            ]),
        ),
        (
            "display",
            Section(vec![
                ("seconds", plain(document.display.seconds)),
                ("auto", Column(texts(&document.display.auto))),
                ("manual", Column(texts(&document.display.manual))),
            ]),
        ),
        ("clock", Section(vec![("dst", daylight_saving(document))])),
        ("clock_failure", Section(vec![("response", text(document.clock_failure))])),
        (
            "transformers",
            Section(vec![
                ("ct", ratio(document.transformers.ct)),
                ("vt", ratio(document.transformers.vt)),
                ("registers_in", text(document.transformers.registers_in.name())),
            ]),
        ),
        ("outputs", Column(document.outputs.iter().map(output).collect())),
    ]);
    Section(members)
}

fn registers(document: &Document) -> Piece {
    let energy = |register: &EnergyRegister| {
        Record(vec![
            ("id", text(&register.id)),
            ("title", text(&register.title)),
            ("source", text(register.source)),
            ("obis", text(register.obis)),
            ("colour", text(register.colour)),
        ])
    };
    let demand = |register: &DemandRegister| {
        Record(vec![
            ("id", text(&register.id)),
            ("title", text(&register.title)),
            ("source", text(register.source)),
            ("obis", text(register.obis)),
            ("highest", plain(register.highest)),
        ])
    };
    let sum = |register: &CustomerDefined| {
        Record(vec![
            ("id", text(&register.id)),
            ("title", text(&register.title)),
            ("sources", Row(texts(&register.sources))),
        ])
    };
    let registers = &document.registers;
    Section(vec![
        ("energy", Column(registers.energy.iter().map(energy).collect())),
        ("demand", Column(registers.demand.iter().map(demand).collect())),
        ("customer_defined", Column(registers.customer_defined.iter().map(sum).collect())),
    ])
}

fn tariff(tariff: &Tariff) -> Piece {
    let switch = |switch: &Switch| Record(vec![("at", text(switch.at)), ("on", Row(texts(&switch.on)))]);
    let day_type = |day: &DayType| {
        Section(vec![
            ("id", text(&day.id)),
            ("title", text(&day.title)),
            ("switches", Column(day.switches.iter().map(switch).collect())),
        ])
    };
    let week = |week: &Week| Record(vec![("id", text(&week.id)), ("days", Row(texts(&week.days)))]);
    let season = |season: &Season| {
        Record(vec![
            ("id", text(&season.id)),
            ("title", text(&season.title)),
            ("starts", text(season.starts)),
            ("week", text(&season.week)),
        ])
    };
    let special =
        |day: &SpecialDay| Record(vec![("date", text(day.date)), ("day_type", text(&day.day_type))]);
    Section(vec![
        ("day_types", Column(tariff.day_types.iter().map(day_type).collect())),
        ("weeks", Column(tariff.weeks.iter().map(week).collect())),
        ("seasons", Column(tariff.seasons.iter().map(season).collect())),
        ("special_days", Column(tariff.special_days.iter().map(special).collect())),
    ])
}

fn billing(document: &Document) -> Piece {
    let billing = &document.billing;
    Section(vec![
        ("dates", Column(texts(&billing.dates))),
        ("on_season_change", plain(billing.on_season_change)),
        ("on_tariff_change", plain(billing.on_tariff_change)),
        ("manual_lockout_minutes", plain(billing.manual_lockout_minutes)),
        ("button", plain(billing.button)),
    ])
}

fn channel(channel: &InstrumentationChannel) -> Piece {
    Record(vec![
        ("quantity", text(channel.quantity)),
        ("phase", text(channel.phase)),
        ("keep", text(channel.keep)),
    ])
}

fn daylight_saving(document: &Document) -> Piece {
    let rule = |rule: &DstRule| {
        Record(vec![
            ("month", plain(rule.month)),
            ("week", text(rule.week)),
            ("weekday", text(weekday_word(rule.weekday))),
            ("hour", plain(rule.hour)),
        ])
    };
    match &document.dst {
        None => plain("null"),
        Some(dst) => Section(vec![
            ("shift_hours", plain(dst.shift_hours)),
            ("starts", rule(&dst.starts)),
            ("ends", rule(&dst.ends)),
        ]),
    }
}

fn ratio(ratio: Ratio) -> Piece {
    let [above, below] = ratio.divisors;
    let side = |figure: Decimal, divisor: Divisor| text(format!("{figure}{}", divisor.text()));
    Record(vec![("primary", side(ratio.primary, above)), ("secondary", side(ratio.secondary, below))])
}

fn output(output: &Output) -> Piece {
    let mut members = vec![("id", text(&output.id)), ("title", text(&output.title))];
    match &output.function {
        OutputFunction::Pulse { source, pulses_per_kilo } => members.extend([
            ("function", text("pulse")),
            ("source", text(source)),
            ("pulses_per_kilo", plain(pulses_per_kilo)),
        ]),
        OutputFunction::Follow { register } => {
            members.extend([("function", text("follow")), ("register", text(register))]);
        }
    }
    Record(members)
}
