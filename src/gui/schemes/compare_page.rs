//! Two schemes, or a scheme and a meter: differences in words, and side by side.

use std::collections::{BTreeMap, BTreeSet};

use egui::{
    Align2, FontId, Frame, Label, Margin, Mesh, Rect, Role, ScrollArea, Sense, Shape, Stroke, StrokeKind, Ui,
    Vec2, WidgetInfo,
};
use serde_json::Value;

use crate::comms::programming::kept;
use crate::gui::context::AppCtx;
use crate::gui::data::{Load, Query};
use crate::gui::theme::{Icon, SIZES, mono, strong, tokens};
use crate::gui::widgets::{
    Act, Problem, Tone, badge, combo, counted, heading, instant, problem, secondary, section, segmented,
    small,
};
use crate::scheme::{DayType, Difference, Document, SwitchTime, compare, write};
use crate::store::MeterScheme;

use super::bills::name_of;
use super::pattern::{Look, ink_on};
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
    let mut title = super::proving::spoken(&key);
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

/// Day types of both, one strip over the other.
fn days(ui: &mut Ui, (name, first): (&str, &Document), (other_name, second): (&str, &Document)) {
    ScrollArea::vertical().id_salt("compared days").auto_shrink(false).show(ui, |ui| {
        let empty = crate::scheme::Tariff::default();
        let latent = |document: &Document| document.latent.as_ref().map(|latent| latent.tariff.clone());
        let tariffs = [
            ("", first.tariff.clone(), second.tariff.clone()),
            (
                "Latent tariff: ",
                latent(first).unwrap_or_else(|| empty.clone()),
                latent(second).unwrap_or_else(|| empty.clone()),
            ),
        ];
        for (whose, one, other) in &tariffs {
            let ids = one.day_types.iter().chain(&other.day_types).map(|day| &day.id);
            let mut shown: Vec<&String> = Vec::new();
            for id in ids {
                if shown.contains(&id) {
                    continue;
                }
                shown.push(id);
                let of = |days: &'_ [DayType]| days.iter().find(|day| day.id == *id).cloned();
                let (left, right) = (of(&one.day_types), of(&other.day_types));
                let spans = differing(left.as_ref(), right.as_ref());
                ui.horizontal(|ui| {
                    ui.label(strong(format!("{whose}{id}")));
                    let title = left.as_ref().or(right.as_ref()).map_or("", |day| day.title.as_str());
                    ui.label(title);
                    match (&left, &right, spans.len()) {
                        (Some(_), Some(_), 0) => badge(ui, "The same all day", Tone::Good),
                        (Some(_), Some(_), some) => {
                            badge(ui, &format!("≠ in {}", counted(some, "span")), Tone::Accent)
                        }
                        (Some(_), None, _) => badge(ui, "Only in the first", Tone::Accent),
                        _ => badge(ui, "Only in the second", Tone::Accent),
                    };
                });
                pair(ui, (name, first, left.as_ref()), (other_name, second, right.as_ref()), &spans);
                ui.add_space(12.0);
            }
        }
    });
}

/// Minutes of the day between which two day types have other registers on.
fn differing(first: Option<&DayType>, second: Option<&DayType>) -> Vec<(u16, u16)> {
    let (Some(first), Some(second)) = (first, second) else { return Vec::new() };
    let times: BTreeSet<u16> =
        first.switches.iter().chain(&second.switches).map(|switch| switch.at.minutes()).collect();
    let on = |day: &'_ DayType, minute: u16| -> Vec<String> {
        let switch = day.switches.iter().rev().find(|switch| switch.at.minutes() <= minute);
        switch.map_or_else(Vec::new, |switch| switch.on.clone())
    };
    let ends = times.iter().copied().skip(1).chain([1440]);
    let mut spans: Vec<(u16, u16)> = Vec::new();
    for (start, end) in times.iter().copied().zip(ends) {
        if on(first, start) == on(second, start) {
            continue;
        }
        match spans.last_mut() {
            Some(last) if last.1 == start => last.1 = end,
            _ => spans.push((start, end)),
        }
    }
    spans
}

const STRIP: f32 = 26.0;
const GAP: f32 = 26.0;

fn minutes(minute: u16) -> String {
    if minute == 1440 {
        return "24:00".to_owned();
    }
    SwitchTime::from_minutes(minute).map_or_else(String::new, |time| time.to_string())
}

/// Two strips of 24 hours, with what differs marked between them.
fn pair(
    ui: &mut Ui,
    (name, first, left): (&str, &Document, Option<&DayType>),
    (other_name, second, right): (&str, &Document, Option<&DayType>),
    spans: &[(u16, u16)],
) {
    let t = tokens(ui);
    let height = 2.0 * STRIP + GAP + 16.0;
    let (whole, response) = ui.allocate_exact_size(Vec2::new(ui.available_width(), height), Sense::hover());
    let rect = Rect::from_min_max(whole.min + Vec2::new(132.0, 0.0), whole.max);
    let x = |minute: u16| rect.left() + f32::from(minute) / 1440.0 * rect.width();
    let font = FontId::proportional(SIZES[0]);
    for (top, name, document, day) in
        [(rect.top(), name, first, left), (rect.top() + STRIP + GAP, other_name, second, right)]
    {
        let row = Rect::from_min_size(egui::pos2(rect.left(), top), Vec2::new(rect.width(), STRIP));
        let label =
            Rect::from_min_max(egui::pos2(whole.left(), top), egui::pos2(rect.left() - 8.0, top + STRIP));
        ui.painter_at(label).text(
            label.left_center(),
            Align2::LEFT_CENTER,
            name,
            font.clone(),
            t.text_secondary.0,
        );
        ui.painter().rect_filled(row, 3.0, t.sunken.0);
        let Some(day) = day else {
            ui.painter().text(
                row.center(),
                Align2::CENTER_CENTER,
                "not in this one",
                font.clone(),
                t.text_secondary.0,
            );
            continue;
        };
        for (at, switch) in day.switches.iter().enumerate() {
            let end = day.switches.get(at + 1).map_or(1440, |next| next.at.minutes());
            let cell = Rect::from_x_y_ranges(x(switch.at.minutes())..=x(end), row.y_range())
                .shrink2(Vec2::new(0.5, 0.0));
            let shown = switch.on.iter().find(|id| super::register_colour(document, id).is_some());
            let look = shown.map_or_else(|| Look::nothing(ui), |id| Look::of(ui, document, id));
            let fill = look.colour;
            let mut mesh = Mesh::default();
            look.fill(&mut mesh, cell);
            ui.painter().add(Shape::mesh(mesh));
            let on = if switch.on.is_empty() { "nothing".to_owned() } else { switch.on.join(" ") };
            ui.painter_at(cell).text(cell.center(), Align2::CENTER_CENTER, on, font.clone(), ink_on(fill));
        }
    }
    let between = rect.top() + STRIP..=rect.top() + STRIP + GAP;
    for (start, end) in spans {
        let mark = Rect::from_x_y_ranges(x(*start)..=x(*end), between.clone()).shrink2(Vec2::new(0.0, 3.0));
        ui.painter().rect(mark, 2.0, t.accent_soft.0, Stroke::new(1.5, t.accent.0), StrokeKind::Inside);
        let text = format!("≠ {} – {}", minutes(*start), minutes(*end));
        let text = if mark.width() > 92.0 { text.as_str() } else { "≠" };
        ui.painter_at(mark).text(mark.center(), Align2::CENTER_CENTER, text, font.clone(), t.accent.0);
    }
    for hour in [0u16, 6, 12, 18, 24] {
        let align = match hour {
            0 => Align2::LEFT_BOTTOM,
            24 => Align2::RIGHT_BOTTOM,
            _ => Align2::CENTER_BOTTOM,
        };
        let place = egui::pos2(x(hour * 60), rect.bottom());
        ui.painter().text(place, align, minutes(hour * 60), font.clone(), t.text_secondary.0);
    }
    let id = left.or(right).map_or("", |day| day.id.as_str());
    let told: Vec<String> =
        spans.iter().map(|(start, end)| format!("{} to {}", minutes(*start), minutes(*end))).collect();
    let told =
        if told.is_empty() { "no span differs".to_owned() } else { format!("differs {}", told.join(", ")) };
    response.widget_info(|| WidgetInfo::labeled(Role::Figure, true, format!("{id}: {told}")));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scheme::Switch;

    fn day(switches: &[(&str, &[&str])]) -> DayType {
        let switch = |(at, on): &(&str, &[&str])| Switch {
            at: at.parse().unwrap(),
            on: on.iter().map(|id| (*id).to_owned()).collect(),
        };
        DayType { id: "D1".to_owned(), title: String::new(), switches: switches.iter().map(switch).collect() }
    }

    #[test]
    fn spans_that_differ_are_joined_and_end_with_the_day() {
        let one = day(&[("00:00", &["R2"]), ("07:00", &["R1"]), ("22:00", &["R2"])]);
        let other = day(&[("00:00", &["R2"]), ("08:30", &["R1"]), ("21:00", &["R3"])]);
        assert_eq!(differing(Some(&one), Some(&other)), [(420, 510), (1260, 1440)]);
        assert_eq!(differing(Some(&one), Some(&one)), []);
    }

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
