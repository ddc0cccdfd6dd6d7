//! The top of the readings: which meter, which page, and the stretch of time with its steps.

use egui::{Align, Layout, Margin, Popup, TextEdit, Ui};
use jiff::civil::Date;

use crate::export::{self, Export, Format, Part};
use crate::gui::context::{AppCtx, Command, Page};
use crate::gui::rights::entry;
use crate::gui::theme::{Icon, strong, tokens};
use crate::gui::widgets::{Act, Entry, Tone, badge, combo, counted, heading, number, segmented, small};
use crate::model::{Right, Side};

use super::period::{Period, Span};
use super::{Readings, Subject, Tab};

/// Meters that the chooser lists.
const LISTED: usize = 200;
/// From this width on pages, sides and time stand in one row.
const WIDE: f32 = 1240.0;
/// Below this width the time has a row of its own.
const NARROW: f32 = 1080.0;

impl Readings {
    pub(super) fn toolbar(&mut self, ui: &mut Ui, cx: &mut AppCtx, subject: &Subject<'_>, today: Date) {
        let width = ui.available_width();
        let (is_wide, is_narrow) = (width >= WIDE, width < NARROW);
        ui.horizontal(|ui| {
            heading(ui, "Readings");
            ui.add_space(8.0);
            chooser(ui, cx, subject);
            if let Some(serial) = &subject.meter.config.serial {
                ui.label(small(ui, serial));
            }
            if !is_wide && !is_narrow {
                self.side_switch(ui, subject);
            }
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let more = ui.add(Act::icon_only(Icon::More, "More"));
                Popup::menu(&more).show(|ui| {
                    ui.set_min_width(280.0);
                    self.export_menu(ui, cx, subject);
                    ui.separator();
                    entry(ui, cx, "Show in the Meter Manager", "Ctrl+2", Command::Go(Page::Meters));
                    entry(ui, cx, "Open in its own window", "", Command::Detach(Page::Readings));
                });
                let doing = cx.jobs.doing(subject.meter.id);
                let read = Act::primary("Read now").icon(Icon::Play).shortcut("F5").enabled(doing.is_none());
                if ui
                    .add(read.hint("Reads from where the store ends").unless(cx.why_not(Right::ReadMeters)))
                    .clicked()
                {
                    cx.command(Command::Read(vec![subject.meter.id], std::collections::BTreeSet::new()));
                }
                if let Some(doing) = doing {
                    ui.label(small(ui, doing));
                } else if subject.meter.last_ok == Some(false) {
                    let why = subject.meter.last_result.clone().unwrap_or_default();
                    badge(ui, "Last read failed", Tone::Bad).on_hover_text(why);
                }
            });
        });
        ui.add_space(6.0);
        ui.horizontal(|ui| {
            let tabs = [
                (Tab::Profile, "Load profile"),
                (Tab::Registers, "Registers"),
                (Tab::Instantaneous, "Instantaneous"),
                (Tab::Billing, "Billing"),
                (Tab::Events, "Events"),
                (Tab::Gaps, "Gaps"),
            ];
            segmented(ui, "readings", &mut self.tab, &tabs);
            if is_wide || is_narrow {
                self.side_switch(ui, subject);
            }
            if !is_narrow {
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| self.stretch(ui, subject, today));
            }
        });
        if is_narrow && self.has_stretch() {
            ui.add_space(6.0);
            ui.horizontal(|ui| {
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| self.stretch(ui, subject, today));
            });
        }
    }

    /// Whether the page shows a stretch of time.
    const fn has_stretch(&self) -> bool {
        matches!(self.tab, Tab::Profile | Tab::Events)
    }

    fn stretch(&mut self, ui: &mut Ui, subject: &Subject<'_>, today: Date) {
        if self.has_stretch() {
            self.time(ui, subject, today);
        }
    }

    /// Which side of the transformers the figures stand for.
    fn side_switch(&mut self, ui: &mut Ui, subject: &Subject<'_>) {
        if matches!(self.tab, Tab::Events | Tab::Gaps) {
            return;
        }
        let mut side = self.side.unwrap_or(subject.meter.config.registers_in);
        let sides = [(Side::Secondary, "Secondary"), (Side::Primary, "Primary")];
        if segmented(ui, "side", &mut side, &sides) {
            self.side = Some(side);
        }
    }

    /// What stands on this page, as CSV: of all selected meters.
    fn export_menu(&self, ui: &mut Ui, cx: &mut AppCtx, subject: &Subject<'_>) {
        let (readings, word) = match self.tab {
            // What is missing is told beside what is there.
            Tab::Profile | Tab::Gaps => (export::Readings::Profile, "load profile"),
            Tab::Registers | Tab::Instantaneous => (export::Readings::Registers, "registers"),
            Tab::Billing => (export::Readings::Billing, "billing sets"),
            Tab::Events => (export::Readings::Events, "events"),
        };
        let meters = cx.meters().ready().unwrap_or_default();
        let many = cx.selection.len();
        let whose = if many > 1 { format!(" of {}", counted(many, "meter")) } else { String::new() };
        ui.label(small(ui, format!("Save the {word}{whose} as CSV")));
        let mut forms = vec![
            (Format::Csv, false, "One row a value…"),
            (Format::CsvWide, false, "One row an interval…"),
            (Format::CsvExcel, false, "For Excel, with decimal comma…"),
        ];
        if readings == export::Readings::Profile {
            forms.push((Format::CsvWide, true, "One row an interval, missing ones named…"));
        }
        let bounded = self.has_stretch();
        let (from, to) = subject.period.bounds(subject.zone);
        for (format, gaps, words) in forms {
            if !ui.add(Entry::new(words)).clicked() {
                continue;
            }
            let part = |meter: &crate::store::MeterRow| Part {
                meter: meter.clone(),
                from: bounded.then_some(from),
                to: bounded.then_some(to),
            };
            let parts = meters.iter().filter(|meter| cx.selection.contains(meter.id)).map(part).collect();
            let (side, now) = (self.side, (cx.now)());
            let export = Export { readings, format, profile: None, parts, side, gaps, now };
            let first = if many > 1 { counted(many, "meter") } else { subject.meter.config.name.clone() };
            let name = format!("{first} {word} {}.csv", subject.period.first).replace(['/', '\\', ':'], "-");
            cx.command(Command::Export(Box::new(export), name));
        }
    }

    /// From right to left.
    fn time(&mut self, ui: &mut Ui, subject: &Subject<'_>, today: Date) {
        let period = subject.period;
        if period.span == Span::Custom {
            self.dates(ui, period);
        } else {
            let at_end = period.last >= today;
            let next = Act::icon_only(Icon::ChevronRight, "Later").framed().enabled(!at_end);
            if ui.add(next).clicked() {
                self.period = Some(period.step(1));
            }
            ui.add_space(-4.0);
            if ui.add(Act::icon_only(Icon::ChevronLeft, "Earlier").framed()).clicked() {
                self.period = Some(period.step(-1));
            }
            if ui.add(Act::plain("Today").enabled(!at_end)).clicked() {
                self.period = Some(Period::of(period.span, today));
            }
        }
        let mut span = period.span;
        let spans =
            [(Span::Day, "Day"), (Span::Week, "Week"), (Span::Month, "Month"), (Span::Custom, "From – to")];
        if segmented(ui, "span", &mut span, &spans) {
            self.typed = None;
            self.period = Some(match span {
                Span::Custom => Period { span, ..period },
                _ => Period::of(span, period.last.min(today)),
            });
        }
        if period.span != Span::Custom {
            if let Some(hours) = period.odd_hours(subject.zone) {
                let text = format!("{hours} hours");
                badge(ui, &text, Tone::Plain).on_hover_text("The clock changes in this stretch");
            }
            ui.label(strong(period.words()));
        }
    }

    fn dates(&mut self, ui: &mut Ui, period: Period) {
        let shown = || (period.first.to_string(), period.last.to_string());
        let (mut from, mut to) = self.typed.clone().unwrap_or_else(shown);
        let bad = tokens(ui).bad_soft.0;
        let read = |text: &str| text.trim().parse::<Date>().ok();
        let right = read(&from).zip(read(&to)).and_then(|(from, to)| Period::between(from, to));
        let edit = |ui: &mut Ui, text: &mut String, name: &str, wrong: bool| {
            let mut edit = TextEdit::singleline(text).desired_width(88.0).margin(Margin::symmetric(8, 5));
            if wrong {
                edit = edit.background_color(bad);
            }
            ui.add(edit).accessible_name(name).on_hover_text("YYYY-MM-DD").changed()
        };
        let changed = edit(ui, &mut to, "To, inclusive", right.is_none());
        ui.label("–");
        let wrong = read(&from).is_none();
        let changed = edit(ui, &mut from, "From", wrong) || changed;
        if changed {
            if let Some(period) = read(&from).zip(read(&to)).and_then(|(from, to)| Period::between(from, to))
            {
                self.period = Some(period);
            }
            self.typed = Some((from, to));
        }
    }
}

/// The meter: one of the selected, or of all where one alone is selected.
fn chooser(ui: &mut Ui, cx: &mut AppCtx, subject: &Subject<'_>) {
    let meters = cx.meters().ready().unwrap_or_default();
    let many = cx.selection.len() > 1;
    let listed: Vec<_> = meters.iter().filter(|meter| !many || cx.selection.contains(meter.id)).collect();
    let mut chosen = None;
    combo(ui, "meter", "Meter", 220.0, &subject.meter.config.name, |ui| {
        for meter in listed.iter().take(LISTED) {
            if ui.selectable_label(meter.id == subject.meter.id, &meter.config.name).clicked() {
                chosen = Some(meter.id);
            }
        }
        if listed.len() > LISTED {
            ui.label(small(ui, format!("and {} more: find them with Ctrl+K", number(listed.len() - LISTED))));
        }
    });
    if let Some(id) = chosen {
        if many { cx.selection.focus_on(id) } else { cx.selection.only(id) }
    }
}
