//! The exchange wizard: which meter comes, when, and what both showed at that moment.

use egui::{Key, Label, ScrollArea, Ui, Vec2};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::comms::{Edit, Edited};
use crate::gui::context::{AppCtx, usual_reading};
use crate::gui::data::{Query, RegisterSet};
use crate::gui::shell::{meter_matches, words};
use crate::gui::theme::{Icon, strong};
use crate::gui::widgets::{
    Act, choice, combo, dialog_window, fault_panel, field, instant, kilo, room_in_dialog, secondary, small,
    text_field,
};
use crate::model::{
    Decimal, ExchangeReading, MeterConfig, MeterId, MeterSecrets, Obis, ReadingValue, RegisterReading, Side,
    Unit,
};
use crate::store::{Exchange, MeterRow, NewMeter, PointRow};

use super::saving::Saving;
use super::warn;

/// Width of the dialog's contents, and of its columns.
const WIDTH: f32 = 600.0;
const HALF: f32 = 288.0;
const FIGURE: f32 = 148.0;
/// Meters that the chooser lists.
const LISTED: usize = 200;

/// A page of the wizard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Page {
    Meter,
    Readings,
    Check,
}

const PAGES: [(Page, &str); 3] =
    [(Page::Meter, "1  The new meter"), (Page::Readings, "2  The readings"), (Page::Check, "3  Check")];

/// One register of the two meters, as typed in the unit that is shown.
struct Line {
    obis: Obis,
    name: String,
    unit: Unit,
    last: String,
    first: String,
}

/// The wizard.
pub(in crate::gui::meters) struct ExchangeDialog {
    page: Page,
    old: MeterRow,
    point_name: String,
    zone: TimeZone,
    now: Timestamp,
    at: String,
    /// A meter that is listed; a new one where it is `None`.
    listed: Option<(MeterId, String)>,
    /// Words that a listed meter has.
    sought: String,
    name: String,
    serial: String,
    line: String,
    registers_in: Side,
    lines: Vec<Line>,
    /// Registers as they stood when the lines were filled in.
    filled: [Option<Timestamp>; 2],
    saving: Saving,
}

/// Whether it is an energy register of the present, in its value.
fn counts(reading: &RegisterReading) -> bool {
    reading.unit.is_energy() && reading.obis.d() == 8 && reading.obis.f() == 255 && reading.attribute == 2
}

/// A figure in the unit that is shown, with plain digits.
fn shown(value: Decimal, unit: Unit) -> String {
    let (power, _) = kilo(unit);
    value.scaled(power).unwrap_or(value).to_string()
}

/// What was typed, in the meter's unit; nothing where the field is empty.
fn typed(text: &str, unit: Unit) -> Result<Option<Decimal>, ()> {
    let plain: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    if plain.is_empty() {
        return Ok(None);
    }
    let (power, _) = kilo(unit);
    let value: Decimal = plain.replace(',', ".").parse().map_err(|_| ())?;
    let value = value.scaled(power.saturating_neg()).ok_or(())?;
    let value = if value.exponent() > 0 { value.with_exponent(0).ok_or(())? } else { value };
    if value.is_negative() { Err(()) } else { Ok(Some(value)) }
}

impl ExchangeDialog {
    /// For the meter that goes.
    pub(super) fn new(row: &MeterRow, point: &PointRow, now: Timestamp, zone: &TimeZone) -> Self {
        Self {
            page: Page::Meter,
            old: row.clone(),
            point_name: point.name.clone(),
            zone: zone.clone(),
            now,
            at: instant(now, zone),
            listed: None,
            sought: String::new(),
            name: String::new(),
            serial: String::new(),
            line: row.config.line.to_string(),
            registers_in: row.config.registers_in,
            lines: Vec::new(),
            filled: [None; 2],
            saving: Saving::default(),
        }
    }

    pub(super) const fn is_waiting(&self) -> bool {
        self.saving.is_waiting()
    }

    fn when(&self) -> Result<Timestamp, &'static str> {
        let text = self.at.trim().replacen(' ', "T", 1);
        let at = text.parse::<Timestamp>().or_else(|_| {
            let local: DateTime = text.parse().map_err(|_| "Write YYYY-MM-DD HH:MM")?;
            let zoned = local.to_zoned(self.zone.clone());
            zoned.map(|zoned| zoned.timestamp()).map_err(|_| "No clock can show this")
        })?;
        if at > self.now { Err("This is still to come") } else { Ok(at) }
    }

    fn new_name(&self) -> &str {
        self.listed.as_ref().map_or(self.name.trim(), |(_, name)| name.as_str())
    }

    /// What is wrong with the first page.
    fn wrong(&self, taken: impl Fn(&str) -> bool) -> Option<&'static str> {
        let is_new = self.listed.is_none();
        match self.when() {
            Err(why) => Some(why),
            Ok(_) if self.new_name().is_empty() => Some("The new meter needs a name"),
            Ok(_) if is_new && taken(self.new_name()) => {
                Some("There is a meter of this name: choose it above")
            }
            Ok(_) if is_new && self.line.trim().parse::<crate::model::Line>().is_err() => {
                Some("This is not a line: write one such as tcp://host:4059")
            }
            Ok(_) => None,
        }
    }

    /// Fills in what is stored of both meters, whenever something newer has come.
    fn fill(&mut self, cx: &mut AppCtx) {
        let ids = [Some(self.old.id), self.listed.as_ref().map(|(id, _)| *id)];
        for (at, id) in ids.into_iter().enumerate() {
            let Some(id) = id else { continue };
            let Some(set) = cx.data.registers(cx.backend.as_ref(), &Query::Registers(id)).ready() else {
                continue;
            };
            let newest = set.registers.iter().map(|one| one.read_at).max();
            let Some(slot) = self.filled.get_mut(at).filter(|slot| **slot != newest && newest.is_some())
            else {
                continue;
            };
            *slot = newest;
            self.take(&set, at == 0);
        }
    }

    fn take(&mut self, set: &RegisterSet, is_old: bool) {
        for reading in set.registers.iter().filter(|one| counts(one)) {
            let ReadingValue::Number(value) = reading.value else { continue };
            let text = shown(value, reading.unit);
            let known =
                self.lines.iter_mut().find(|line| line.obis == reading.obis && line.unit == reading.unit);
            match known {
                Some(line) if is_old => line.last = text,
                Some(line) => line.first = text,
                None => {
                    let (last, first) = if is_old { (text, String::new()) } else { (String::new(), text) };
                    let (obis, name, unit) = (reading.obis, reading.name.clone(), reading.unit);
                    self.lines.push(Line { obis, name, unit, last, first });
                }
            }
        }
    }

    fn readings(&self, which: impl Fn(&Line) -> &str) -> Option<Vec<ExchangeReading>> {
        let mut all = Vec::new();
        for line in &self.lines {
            if let Some(value) = typed(which(line), line.unit).ok()? {
                all.push(ExchangeReading { obis: line.obis, value, unit: line.unit });
            }
        }
        Some(all)
    }

    fn exchange(&self) -> Option<Exchange> {
        let new = match &self.listed {
            Some((id, _)) => NewMeter::Listed(*id),
            None => NewMeter::Added(Box::new(MeterConfig {
                name: self.name.trim().to_owned(),
                serial: Some(self.serial.trim().to_owned()).filter(|serial| !serial.is_empty()),
                line: self.line.trim().parse().ok()?,
                registers_in: self.registers_in,
                ..self.old.config.clone()
            })),
        };
        Some(Exchange {
            old: self.old.id,
            new,
            at: self.when().ok()?,
            last: self.readings(|line| &line.last)?,
            first: self.readings(|line| &line.first)?,
        })
    }

    /// Draws it; true when it is done with.
    pub(super) fn ui(&mut self, ui: &Ui, cx: &mut AppCtx) -> bool {
        if let Some(edited) = self.saving.take(cx) {
            cx.notices.done(format!("{} hangs at {} now", self.new_name(), self.point_name));
            if let Edited::Added(ids) = edited
                && let Some(id) = ids.first()
            {
                cx.adopt(*id);
            }
            return true;
        }
        self.fill(cx);
        let mut close = false;
        let faults = usize::from(self.saving.refused.is_some());
        let height = room_in_dialog(ui, 220.0, faults).min(480.0);
        let modal = dialog_window(ui, "exchange", WIDTH, |ui| {
            ui.label(strong(format!("Exchange {}", self.old.config.name)).size(18.0));
            ui.add_space(4.0);
            ui.horizontal(|ui| {
                ui.spacing_mut().item_spacing.x = 16.0;
                for (page, title) in PAGES {
                    let words = if page == self.page { strong(title) } else { secondary(ui, title) };
                    ui.label(words);
                }
            });
            ui.add_space(8.0);
            ScrollArea::vertical()
                .max_height(height)
                .min_scrolled_height(height)
                .auto_shrink([false, true])
                .show(ui, |ui| {
                    ui.spacing_mut().item_spacing = Vec2::new(12.0, 12.0);
                    match self.page {
                        Page::Meter => self.meter(ui, cx),
                        Page::Readings => self.figures(ui, cx),
                        Page::Check => self.check(ui),
                    }
                });
            if let Some(fault) = &self.saving.refused {
                fault_panel(ui, fault);
            }
            ui.add_space(8.0);
            close = self.buttons(ui, cx);
        });
        close || modal.should_close()
    }

    fn meter(&mut self, ui: &mut Ui, cx: &mut AppCtx) {
        let told = format!(
            "It takes the place of {} at {}. The point keeps its ratios and its totals; {} stays on the list with its readings. Secrets of a new meter are entered in its form.",
            self.old.config.name, self.point_name, self.old.config.name
        );
        ui.add(Label::new(secondary(ui, told)).wrap());
        let meters = cx.meters().ready().unwrap_or_default();
        let current = self.listed.as_ref().map_or("A new meter", |(_, name)| name.as_str()).to_owned();
        ui.horizontal_top(|ui| {
            let sought = words(&self.sought);
            let mut fit =
                meters.iter().filter(|row| row.id != self.old.id && meter_matches(row, &sought)).peekable();
            let none = !self.sought.trim().is_empty() && fit.peek().is_none();
            field(ui, "The meter that comes", None, |ui| {
                combo(ui, "exchange for", "The meter that comes", HALF, current, |ui| {
                    if ui.selectable_label(self.listed.is_none(), "A new meter").clicked() {
                        self.listed = None;
                    }
                    for row in fit.by_ref().take(LISTED) {
                        let on = self.listed.as_ref().is_some_and(|(id, _)| *id == row.id);
                        if ui.selectable_label(on, &row.config.name).clicked() {
                            self.listed = Some((row.id, row.config.name.clone()));
                            self.filled[1] = None;
                        }
                    }
                })
            });
            let remark = if none { "No meter has these words" } else { "Shortens the list of meters" };
            field(ui, "Look for a listed meter", Some((remark, none)), |ui| {
                text_field(ui, &mut self.sought, "Name or serial number", HALF, false)
            });
        });
        if self.listed.is_none() {
            ui.horizontal_top(|ui| {
                field(ui, "Name", None, |ui| text_field(ui, &mut self.name, "", HALF, false));
                let remark = Some(("The first read fills it in", false));
                field(ui, "Serial number", remark, |ui| text_field(ui, &mut self.serial, "", HALF, false));
            });
            ui.horizontal_top(|ui| {
                let remark = Some(("All else as the old meter has it", false));
                field(ui, "Line", remark, |ui| text_field(ui, &mut self.line, "", HALF, false));
                let sides = [
                    (Side::Secondary, "Secondary, or no transformers".to_owned()),
                    (Side::Primary, "Primary".to_owned()),
                ];
                choice(ui, "Its registers are", HALF, &mut self.registers_in, &sides);
            });
        }
        let wrong = self.when().err();
        let remark = wrong.map(|why| (why, true)).or(Some(("YYYY-MM-DD HH:MM, local time", false)));
        field(ui, "Exchanged at", remark, |ui| text_field(ui, &mut self.at, "", HALF, wrong.is_some()));
    }

    fn figures(&mut self, ui: &mut Ui, cx: &mut AppCtx) {
        let read = |ui: &mut Ui, cx: &mut AppCtx, id: MeterId, words: &str| {
            let busy = cx.jobs.doing(id).is_some();
            if ui.add(Act::plain(words).icon(Icon::Play).enabled(!busy)).clicked() {
                cx.read(vec![id], usual_reading());
            }
        };
        ui.horizontal(|ui| {
            read(ui, cx, self.old.id, "Read old meter now");
            if let Some((id, _)) = &self.listed {
                read(ui, cx, *id, "Read new meter now");
            }
        });
        if self.lines.is_empty() {
            let words = "No energy registers of these meters are stored: read one of them, or go on without readings.";
            ui.add(Label::new(secondary(ui, words)).wrap());
            return;
        }
        ui.add(
            Label::new(secondary(
                ui,
                "What is stored is filled in; put what the displays show in its place.",
            ))
            .wrap(),
        );
        egui::Grid::new("exchange readings").num_columns(4).spacing(Vec2::new(12.0, 8.0)).show(ui, |ui| {
            for title in ["Register", "Last of the old one", "First of the new one", ""] {
                ui.label(small(ui, title));
            }
            ui.end_row();
            for line in &mut self.lines {
                let (_, unit) = kilo(line.unit);
                ui.add(Label::new(&line.name).truncate()).on_hover_text(line.obis.short());
                for (text, whose) in [(&mut line.last, "Last"), (&mut line.first, "First")] {
                    let wrong = typed(text, line.unit).is_err();
                    let name = format!("{whose} {}", line.name);
                    text_field(ui, text, "Not known", FIGURE, wrong).accessible_name(name);
                }
                ui.label(secondary(ui, unit));
                ui.end_row();
            }
        });
    }

    fn check(&self, ui: &mut Ui) {
        let Some(exchange) = self.exchange() else {
            return warn(ui, "A reading is not a number: go back and put it right");
        };
        let words = format!("{} takes the place of {}", self.new_name(), self.old.config.name);
        ui.label(strong(words));
        ui.label(format!("at {}, {}", self.point_name, instant(exchange.at, &self.zone)));
        if self.registers_in != self.old.config.registers_in && self.listed.is_none() {
            let side = self.registers_in.name();
            ui.label(secondary(ui, format!("Its registers are {side}: the ratio begins anew with that.")));
        }
        for (title, readings) in
            [("Last of the old one", &exchange.last), ("First of the new one", &exchange.first)]
        {
            ui.label(small(ui, title));
            if readings.is_empty() {
                warn(ui, "No readings: totals will not reach over the exchange without a gap");
            }
            for reading in readings {
                let (_, unit) = kilo(reading.unit);
                let name =
                    self.lines.iter().find(|line| line.obis == reading.obis).map_or("", |line| &line.name);
                ui.label(format!("{name}: {} {unit}", shown(reading.value, reading.unit)));
            }
        }
    }

    fn buttons(&mut self, ui: &mut Ui, cx: &mut AppCtx) -> bool {
        let meters = cx.meters().ready().unwrap_or_default();
        let wrong = self.wrong(|name| meters.iter().any(|row| row.config.name == name));
        let mut close = false;
        ui.horizontal(|ui| {
            let enter = ui.input(|input| input.modifiers.command && input.key_pressed(Key::Enter));
            let is_whole =
                self.readings(|line| &line.last).is_some() && self.readings(|line| &line.first).is_some();
            match self.page {
                Page::Meter | Page::Readings => {
                    let ready = if self.page == Page::Meter { wrong.is_none() } else { is_whole };
                    let next = ui.add(Act::primary("Next").enabled(ready).shortcut("Ctrl+Enter"));
                    if ready && (next.clicked() || enter) {
                        self.page = if self.page == Page::Meter { Page::Readings } else { Page::Check };
                    }
                }
                Page::Check => {
                    let words = format!("Exchange for {}", self.new_name());
                    let exchange = self.exchange().filter(|_| !self.saving.is_waiting());
                    if ui.add(Act::primary(&words).enabled(exchange.is_some())).clicked()
                        && let Some(exchange) = exchange
                    {
                        let (exchange, secrets) = (Box::new(exchange), MeterSecrets::default());
                        self.saving.begin(cx, Edit::Exchange { exchange, secrets });
                    }
                }
            }
            let back = match self.page {
                Page::Meter => None,
                Page::Readings => Some(Page::Meter),
                Page::Check => Some(Page::Readings),
            };
            if let Some(back) = back
                && ui.add(Act::plain("Back")).clicked()
            {
                self.page = back;
            }
            close = ui.add(Act::plain("Cancel").shortcut("Esc")).clicked();
            if let Some(wrong) = wrong.filter(|_| self.page == Page::Meter && !self.new_name().is_empty()) {
                ui.label(secondary(ui, wrong));
            }
        });
        close
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_typed_in_the_unit_that_is_shown_and_kept_in_the_meters() {
        assert_eq!(shown(Decimal::new(12_345_678, 0), Unit::WH), "12345.678");
        assert_eq!(typed("12 345,678", Unit::WH), Ok(Some(Decimal::new(12_345_678, 0))));
        assert_eq!(typed("7", Unit::WH).unwrap().unwrap().to_string(), "7000");
        assert_eq!(typed("  ", Unit::WH), Ok(None));
        assert!(typed("x", Unit::WH).is_err() && typed("-1", Unit::WH).is_err());
    }
}
