//! What a scheme says, section by section.

use crate::model::{Obis, Side, counted, plain_name};
use crate::scheme::{Document, Problem, say};

use super::faces::Face;
use super::flow::{BLACK, Column, Flow, GREY, MARGIN, Mark, RED, SMALL, TEXT, WIDTH, column};
use super::tariff;

/// Everything, in the order of the file.
pub(super) fn whole(flow: &mut Flow<'_>, document: &Document, problems: &[Problem], hash: &str, stamp: &str) {
    title(flow, document, hash, stamp);
    errors(flow, problems);
    registers(flow, document);
    tariff::whole(flow, document, &document.tariff, "");
    if let Some(latent) = &document.latent {
        flow.section("Latent tariff");
        flow.pair("Takes over at", &latent.activate_at.strftime("%Y-%m-%d %H:%M:%S").to_string());
        tariff::whole(flow, document, &latent.tariff, "Latent tariff");
    }
    billing(flow, document);
    measuring(flow, document);
    display(flow, document);
    clock(flow, document);
    transformers(flow, document);
    outputs(flow, document);
    findings(flow, problems);
    signatures(flow);
}

fn title(flow: &mut Flow<'_>, document: &Document, hash: &str, stamp: &str) {
    for line in flow.wrapped(Face::Strong, 18.0, &document.title, WIDTH) {
        flow.paragraph(Face::Strong, 18.0, BLACK, &line);
    }
    flow.paragraph(Face::Plain, TEXT, GREY, "Tariff scheme for electricity meters");
    flow.space(8.0);
    flow.pair("Identity", &document.identity);
    flow.pair("Meter model", &document.template);
    flow.pair("Time zone", &document.time_zone);
    flow.pair_in(Face::Mono, "SHA-256 of the file", hash);
    flow.pair("Printed at", stamp);
    if !document.note.is_empty() {
        flow.pair("Note", &document.note);
    }
}

/// Errors stand on the first sheet: nobody signs what no meter takes.
fn errors(flow: &mut Flow<'_>, problems: &[Problem]) {
    let errors: Vec<&Problem> = problems.iter().filter(|problem| problem.is_error()).collect();
    if errors.is_empty() {
        return;
    }
    flow.section(&format!("This scheme must not go into a meter: {}", counted(errors.len(), "error")));
    for problem in errors {
        flow.paragraph(Face::Plain, TEXT, RED, &told(problem));
        flow.space(2.0);
    }
}

fn told(problem: &Problem) -> String {
    let place = if problem.place.is_empty() { "the whole scheme" } else { &problem.place };
    format!("{} ({}) at {place}: {}", problem.severity().word(), problem.code, problem.message)
}

fn code(title: &str, part: f32) -> Column<'_> {
    Column { face: Face::Mono, ..column(title, part) }
}

fn registers(flow: &mut Flow<'_>, document: &Document) {
    let registers = &document.registers;
    let name = |obis: Obis| plain_name(obis);
    flow.section("Energy registers");
    let columns = [
        column("", 0.5),
        column("Id", 1.2),
        column("Title", 2.6),
        column("Counts", 1.8),
        code("OBIS", 1.5),
        column("Object", 3.4),
    ];
    let energy = registers.energy.iter();
    let rows: Vec<Vec<String>> = energy
        .map(|one| {
            let source = say::word(&one.source);
            vec![String::new(), one.id.clone(), one.title.clone(), source, one.obis.short(), name(one.obis)]
        })
        .collect();
    let grounds: Vec<_> = registers.energy.iter().map(|one| tariff::ground(document, &one.id)).collect();
    flow.table(&columns, &rows, |index| grounds.get(index).copied().flatten());
    if !registers.demand.is_empty() {
        flow.section("Maximum-demand registers");
        let columns = [
            column("Id", 1.3),
            column("Title", 2.5),
            column("Measures", 1.7),
            column("Keeps", 1.2),
            code("OBIS", 1.4),
            column("Object", 3.7),
        ];
        let demand = registers.demand.iter();
        let rows: Vec<Vec<String>> = demand
            .map(|one| {
                let keeps = format!("{} highest", one.highest);
                let source = say::word(&one.source);
                vec![one.id.clone(), one.title.clone(), source, keeps, one.obis.short(), name(one.obis)]
            })
            .collect();
        flow.table(&columns, &rows, |_| None);
    }
    if !registers.customer_defined.is_empty() {
        flow.section("Customer-defined registers");
        let columns = [column("Id", 1.3), column("Title", 4.0), column("Sum of", 5.0)];
        let sums = registers.customer_defined.iter();
        let rows: Vec<Vec<String>> = sums
            .map(|sum| {
                let sources: Vec<String> = sum.sources.iter().map(say::word).collect();
                vec![sum.id.clone(), sum.title.clone(), sources.join(" + ")]
            })
            .collect();
        flow.table(&columns, &rows, |_| None);
    }
}

const fn yes(value: bool) -> &'static str {
    if value { "Yes" } else { "No" }
}

fn listed(items: impl Iterator<Item = String>) -> String {
    items.collect::<Vec<_>>().join("\n")
}

fn billing(flow: &mut Flow<'_>, document: &Document) {
    let billing = &document.billing;
    flow.section("Billing");
    flow.pair("Dates", &listed(billing.dates.iter().map(|date| say::billing_date(*date))));
    flow.pair("At a change of season", yes(billing.on_season_change));
    flow.pair("At a change of tariff", yes(billing.on_tariff_change));
    flow.pair("By the button", yes(billing.button));
    let lockout = match billing.manual_lockout_minutes {
        0 => "None".to_owned(),
        minutes => format!("{} after a reset", say::minutes(minutes)),
    };
    flow.pair("Lock-out", &lockout);
}

fn measuring(flow: &mut Flow<'_>, document: &Document) {
    flow.section("Demand");
    flow.pair("Period", &say::demand(&document.demand));
    let profile = &document.profile;
    flow.section("Load profile");
    flow.pair("Period", &say::minutes(profile.period_minutes));
    flow.pair("Stamps", if profile.follows_dst { "Follow daylight saving" } else { "Stay in standard time" });
    flow.pair("Channels", &listed(profile.channels.iter().map(say::word)));
    let instrumentation = &document.instrumentation;
    flow.section("Instrumentation profile");
    flow.pair("Period", &say::minutes(instrumentation.period_minutes));
    flow.pair("Channels", &listed(instrumentation.channels.iter().map(|one| say::channel(*one))));
}

fn display(flow: &mut Flow<'_>, document: &Document) {
    let display = &document.display;
    let items = |items: &[Obis]| {
        listed(items.iter().map(|obis| format!("{} ({})", say::display_item(document, *obis), obis.short())))
    };
    flow.section("Display");
    let seconds = if display.seconds == 1 { "second" } else { "seconds" };
    flow.pair("Each item stands", &format!("{} {seconds}", display.seconds));
    flow.pair("Automatic list", &items(&display.auto));
    flow.pair("By button", &items(&display.manual));
}

fn clock(flow: &mut Flow<'_>, document: &Document) {
    flow.section("Clock");
    match &document.dst {
        None => flow.pair("Daylight saving", "None: the meter stays in standard time"),
        Some(dst) => {
            let hours = if dst.shift_hours == 1 { "hour" } else { "hours" };
            flow.pair("Daylight saving", &format!("{} {hours} forward", dst.shift_hours));
            flow.pair("Goes forward", &format!("{}, by standard time", say::dst_rule(dst.starts)));
            flow.pair("Goes back", &format!("{}, by daylight-saving time", say::dst_rule(dst.ends)));
        }
    }
    flow.section("Clock failure");
    flow.pair("When supply returns", say::response(document.clock_failure));
    flow.pair("That is", say::response_meaning(document.clock_failure));
}

fn transformers(flow: &mut Flow<'_>, document: &Document) {
    let transformers = &document.transformers;
    flow.section("Transformers");
    flow.pair("Current", &transformers.ct.to_string());
    flow.pair("Voltage", &transformers.vt.to_string());
    let side = match transformers.registers_in {
        Side::Primary => "Primary: the meter applies the ratios itself",
        Side::Secondary => "Secondary: its figures are multiplied by the ratios",
    };
    flow.pair("Registers count in", side);
}

fn outputs(flow: &mut Flow<'_>, document: &Document) {
    flow.section("Outputs");
    if document.outputs.is_empty() {
        flow.paragraph(Face::Plain, TEXT, BLACK, "None");
        return;
    }
    let columns = [column("Id", 1.3), column("Title", 4.0), column("Does", 5.0)];
    let outputs = document.outputs.iter();
    let rows: Vec<Vec<String>> = outputs
        .map(|one| vec![one.id.clone(), one.title.clone(), say::output(document, &one.function)])
        .collect();
    flow.table(&columns, &rows, |_| None);
}

fn findings(flow: &mut Flow<'_>, problems: &[Problem]) {
    flow.section("Result of the checks");
    let errors = problems.iter().filter(|problem| problem.is_error()).count();
    let words = if problems.is_empty() {
        "No problems: every check of the format and of the meter model's limits has passed.".to_owned()
    } else {
        let warnings = problems.len() - errors;
        format!("{}, {}", counted(errors, "error"), counted(warnings, "warning"))
    };
    flow.paragraph(Face::Plain, TEXT, BLACK, &words);
    flow.space(2.0);
    for problem in problems {
        let ink = if problem.is_error() { RED } else { BLACK };
        flow.paragraph(Face::Plain, TEXT, ink, &told(problem));
        flow.space(2.0);
    }
}

fn signatures(flow: &mut Flow<'_>) {
    const HEIGHT: f32 = 46.0;
    flow.need(3.0 * HEIGHT + 44.0);
    flow.section("Signatures");
    for who in ["Drawn up by", "Checked by", "Approved by"] {
        flow.space(HEIGHT - 16.0);
        let y = flow.y();
        let parts = [(0.0, 0.42, who), (0.46, 0.16, "Date"), (0.66, 0.34, "Signature")];
        for (left, width, title) in parts {
            let left = MARGIN + left * WIDTH;
            flow.mark(Mark::Line { from: (left, y), to: (left + width * WIDTH, y), ink: BLACK });
            flow.line((left, y + 10.0), Face::Plain, SMALL, GREY, title);
        }
        flow.space(16.0);
    }
}
