//! Two schemes, or a scheme and a meter: differences in words, and side by side.

use std::collections::{BTreeMap, BTreeSet};

use egui::{Frame, Label, Margin, ScrollArea, Ui};
use serde_json::Value;

use crate::comms::programming::kept;
use crate::gui::context::AppCtx;
use crate::gui::data::{Load, Query};
use crate::gui::theme::{Icon, SIZES, mono, tokens};
use crate::gui::widgets::{
    Act, Problem, Tone, badge, combo, counted, heading, instant, problem, secondary, section, segmented,
    small,
};
use crate::scheme::{Difference, Document, compare, write};
use crate::store::MeterScheme;

use super::bills::name_of;
use super::compare_days::days;
use super::proving::Subject;
use super::proving::sheet::{Row, Sheet};

/// What the scheme is held against.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Against {
    /// Another open scheme, by name.
    Open(String),
    /// The last one read from the selected meter.
    Read,
    /// The last one written to it.
    Written,
    /// What stood in it before that.
    Stood,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Shown {
    #[default]
    Words,
    Side,
    Days,
}

/// What was found, kept until one of the two changes.
#[derive(Debug)]
struct Found {
    first: Document,
    second: Document,
    differences: Vec<Difference>,
    sheet: Sheet,
}

/// The page's own state.
#[derive(Debug, Default)]
pub(super) struct ComparePage {
    against: Option<Against>,
    shown: Shown,
    found: Option<Found>,
}

/// Keys of a scheme file in the order of the format page.
const SECTIONS: [&str; 16] = [
    "identity",
    "title",
    "note",
    "template",
    "time_zone",
    "registers",
    "tariff",
    "latent",
    "demand",
    "billing",
    "profile",
    "instrumentation",
    "display",
    "clock",
    "clock_failure",
    "transformers",
];

impl ComparePage {
    /// Draws the page.
    pub(super) fn ui(&mut self, ui: &mut Ui, cx: &mut AppCtx, subject: &Subject<'_>) {
        Frame::new().inner_margin(Margin::symmetric(16, 12)).show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.spacing_mut().item_spacing.y = 8.0;
            heading(ui, "Compare");
            let Some((name, second)) = self.choice(ui, cx, subject) else { return };
            self.update(subject.this.document, &second);
            let Some(found) = &self.found else { return };
            ui.horizontal(|ui| {
                let shown =
                    [(Shown::Words, "In words"), (Shown::Side, "Side by side"), (Shown::Days, "Day strips")];
                segmented(ui, "comparison", &mut self.shown, &shown);
                match found.differences.len() {
                    0 => badge(ui, "No differences", Tone::Good),
                    some => badge(ui, &counted(some, "difference"), Tone::Accent),
                };
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    let copy = Act::icon_only(Icon::Copy, "Copy the differences");
                    if ui.add(copy.enabled(!found.differences.is_empty())).clicked() {
                        let lines: Vec<String> = found.differences.iter().map(ToString::to_string).collect();
                        ui.copy_text(lines.join("\n"));
                        cx.notices.done(format!("Copied {}", counted(lines.len(), "difference")));
                    }
                });
            });
            ui.label(small(ui, format!("First: {}. Second: {name}.", subject.this.name)));
            match self.shown {
                Shown::Words => words(ui, &found.differences),
                Shown::Side => {
                    let mut sheet = found.sheet.clone();
                    sheet.columns = vec![subject.this.name.to_owned(), name];
                    sheet.ui(ui, "side by side");
                }
                Shown::Days => days(ui, (subject.this.name, &found.first), (&name, &found.second)),
            }
        });
    }

    /// Draws the choice; gives what was chosen and what it is called.
    fn choice(&mut self, ui: &mut Ui, cx: &mut AppCtx, subject: &Subject<'_>) -> Option<(String, Document)> {
        let meter = cx.selection.focus().and_then(|id| cx.meter(id));
        let schemes = meter
            .as_ref()
            .map(|meter| cx.data.meter_schemes(cx.backend.as_ref(), &Query::MeterSchemes(meter.id)));
        let stored = match &schemes {
            Some(Load::Ready(schemes)) => Some(schemes),
            _ => None,
        };
        let zone = cx.zone.clone();
        let whose = meter.as_ref().map_or("", |meter| meter.config.name.as_str());
        let kinds = [
            (Against::Read, "read from", stored.and_then(|stored| stored.read.as_ref())),
            (Against::Written, "written to", stored.and_then(|stored| stored.written.as_ref())),
            (Against::Stood, "stood in", stored.and_then(|stored| stored.stood.as_ref())),
        ];
        let of_meter: Vec<(Against, String, &MeterScheme)> = kinds
            .into_iter()
            .filter_map(|(against, words, scheme)| {
                let scheme = scheme.filter(|scheme| !scheme.scheme.is_empty())?;
                let words = format!("{words} {whose}, {}", instant(scheme.at, &zone));
                Some((against, words, scheme))
            })
            .collect();
        let open = subject.others.iter().map(|other| (Against::Open(other.name.to_owned()), name_of(other)));
        let choices: Vec<(Against, String)> =
            open.chain(of_meter.iter().map(|(against, words, _)| (against.clone(), words.clone()))).collect();
        let is_there = |against: &Against| choices.iter().any(|(one, _)| one == against);
        if !self.against.as_ref().is_some_and(is_there) {
            self.against = choices.first().map(|(one, _)| one.clone());
        }
        let Some(chosen) = self.against.clone() else {
            let text = "Open another scheme, or select a meter whose scheme was read or written. The Program page reads one.";
            ui.label(secondary(ui, text));
            if matches!(schemes, Some(Load::Loading)) {
                ui.label(small(ui, "Asking the store for the selected meter's schemes"));
            }
            return None;
        };
        let name =
            choices.iter().find(|(one, _)| *one == chosen).map_or_else(String::new, |(_, name)| name.clone());
        ui.horizontal(|ui| {
            ui.label(subject.this.name);
            ui.label(small(ui, "with"));
            let mut next = chosen.clone();
            combo(ui, "compare with", "Compare with", 320.0, &name, |ui| {
                for (one, words) in &choices {
                    ui.selectable_value(&mut next, one.clone(), words);
                }
            });
            self.against = Some(next);
        });
        if let Against::Open(open) = &chosen {
            let other = subject.others.iter().find(|other| other.name == open)?;
            return Some((other.name.to_owned(), other.document.clone()));
        }
        let (_, _, scheme) = of_meter.iter().find(|(against, ..)| *against == chosen)?;
        match kept(scheme) {
            Ok(document) => Some((name, document)),
            Err(fault) => {
                let title = "The stored scheme cannot be shown";
                problem(
                    ui,
                    &Problem { title, text: &fault.message, details: fault.to_string(), tone: Tone::Bad },
                );
                None
            }
        }
    }

    fn update(&mut self, first: &Document, second: &Document) {
        if self.found.as_ref().is_some_and(|found| found.first == *first && found.second == *second) {
            return;
        }
        self.found = Some(Found {
            first: first.clone(),
            second: second.clone(),
            differences: compare(first, second),
            sheet: sheet(first, second),
        });
    }
}

/// The first key of a place.
fn section_of(place: &str) -> &str {
    place.split(['.', '[']).next().unwrap_or(place)
}

/// The title over what stands at a place.
fn title_of(place: &str) -> String {
    let key = match section_of(place) {
        "identity" | "title" | "note" | "template" | "time_zone" => "identity",
        other => other,
    };
    let mut title = crate::scheme::say::word(&key);
    if let Some(first) = title.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    title
}

fn words(ui: &mut Ui, differences: &[Difference]) {
    if differences.is_empty() {
        ui.label(secondary(ui, "Both mean the same in every point, day types switch by switch."));
        return;
    }
    ScrollArea::vertical().id_salt("differences").auto_shrink(false).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 4.0;
        let mut last = String::new();
        for difference in differences {
            let this = title_of(&difference.place);
            if this != last {
                section(ui, &this);
                last = this;
            }
            ui.horizontal_wrapped(|ui| {
                ui.spacing_mut().interact_size.y = 18.0;
                ui.add(Label::new(&difference.message).wrap().selectable(true));
                ui.label(mono(&difference.place).size(SIZES[0]).color(tokens(ui).text_secondary.0));
            });
        }
    });
}

/// Every value of a scheme by its place, ids in place of numbers; switches are left to the strips.
fn flat(value: &Value, place: String, into: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(members) => {
            for (key, value) in members.iter().filter(|(key, _)| *key != "switches" && *key != "format") {
                let place = if place.is_empty() { key.clone() } else { format!("{place}.{key}") };
                flat(value, place, into);
            }
        }
        Value::Array(items) if items.iter().any(Value::is_object) => {
            for (at, item) in items.iter().enumerate() {
                let named = ["id", "date"].iter().find_map(|key| item.get(key)?.as_str());
                let name = named.map_or_else(|| at.to_string(), str::to_owned);
                flat(item, format!("{place}[{name}]"), into);
            }
        }
        Value::Array(items) => {
            let texts: Vec<String> = items.iter().map(plain).collect();
            into.insert(place, texts.join(", "));
        }
        other => {
            into.insert(place, plain(other));
        }
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn places(document: &Document) -> BTreeMap<String, String> {
    let mut places = BTreeMap::new();
    // What this program writes it reads.
    let value: Value = serde_json::from_str(&write(document)).unwrap_or_default();
    flat(&value, String::new(), &mut places);
    places
}

fn sheet(first: &Document, second: &Document) -> Sheet {
    let (one, other) = (places(first), places(second));
    let rank =
        |place: &str| SECTIONS.iter().position(|key| *key == section_of(place)).unwrap_or(SECTIONS.len());
    let mut all: Vec<&String> = one.keys().chain(other.keys()).collect::<BTreeSet<_>>().into_iter().collect();
    all.sort_by_key(|place| rank(place));
    let mut rows = Vec::new();
    let mut last = String::new();
    for place in all {
        let this = title_of(place);
        if this != last {
            rows.push(Row::section(&this));
            last = this;
        }
        rows.push(Row::figures(place, "", vec![one.get(place).cloned(), other.get(place).cloned()]));
    }
    Sheet {
        what: "Place".to_owned(),
        columns: vec!["First".to_owned(), "Second".to_owned()],
        rows,
        is_words: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_has_a_place_by_id_and_equal_schemes_have_no_differing_row() {
        let mut second = Document::blank("dlms-generic", "UTC");
        let first = second.clone();
        assert_eq!(sheet(&first, &second).differing(), 0);
        second.registers.energy[0].title = "Otherwise".to_owned();
        let sheet = sheet(&first, &second);
        assert_eq!(sheet.differing(), 1);
        assert!(sheet.text(',').contains("registers.energy[R1].title,,All day,Otherwise"));
    }
}
