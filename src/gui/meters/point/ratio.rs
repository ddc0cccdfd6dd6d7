//! The dialog that sets a ratio: with what looks wrong about it, what it does to last month's energy, and, where it
//! is written to the meter too, a second step that names the serial number and the effect.

use egui::{Frame, Key, Label, Margin, ScrollArea, Ui, Vec2};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::comms::{Edit, Edited, Job};
use crate::drivers::RatioOrder;
use crate::export::Preview;
use crate::gui::context::AppCtx;
use crate::gui::data::{Load, Query};
use crate::gui::submission::Submission;
use crate::gui::theme::{strong, tokens};
use crate::gui::widgets::{
    Act, choice, decimal, dialog_window, fault_panel, field, instant, kilo, loading, room_in_dialog,
    secondary, small, text_field,
};
use crate::model::{
    AccuracyClasses, Decimal, Fault, MeterId, PlateRatios, PointDetails, PointId, Ratio, RatioPeriod, Side,
    Transformers, differences_of_ratios,
};
use crate::store::{MeterRow, PointRow};

use super::saving::Saving;
use super::warn;

/// Width of the dialog's contents, and of its columns.
const WIDTH: f32 = 640.0;
const HALF: f32 = 308.0;
const THIRD: f32 = 200.0;

/// How far the dialog is.
enum Stage {
    /// Entering.
    Enter,
    /// The second step, before the meter is written.
    Confirm { typed: String },
    /// The meter is being written.
    Write(Submission),
}

/// The dialog.
pub(in crate::gui::meters) struct RatioDialog {
    meter: MeterId,
    name: String,
    serial: Option<String>,
    point: PointId,
    point_name: String,
    details: PointDetails,
    zone: TimeZone,
    zone_name: Option<String>,
    ct: String,
    vt: String,
    from: String,
    registers_in: Side,
    classes: [String; 3],
    plate: [String; 2],
    to_meter: bool,
    stage: Stage,
    failed: Option<Fault>,
    saving: Saving,
    /// What follows when the details are saved.
    next: Option<Box<RatioPeriod>>,
}

/// What was entered, or what is wrong with it, by field.
struct Read {
    ct: Result<Ratio, String>,
    vt: Result<Ratio, String>,
    from: Result<Timestamp, String>,
    plate: [Result<Option<Ratio>, String>; 2],
}

fn plain_serial(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_uppercase()
}

impl RatioDialog {
    /// For a meter and its point, as they stand.
    pub(super) fn new(row: &MeterRow, point: &PointRow, now: Timestamp, zone: &TimeZone) -> Self {
        let stands = point.ratios.at(now);
        let transformers = stands.map(|period| period.transformers.clone());
        let classes = stands.map(|period| period.classes.clone()).unwrap_or_default();
        let text = |ratio: Option<Ratio>| ratio.map(|ratio| ratio.to_string()).unwrap_or_default();
        let plate = point.details.plate.unwrap_or_default();
        // The next full hour is the end of an interval of every usual period.
        let hour = Timestamp::from_second(now.as_second() / 3600 * 3600 + 3600).unwrap_or(now);
        Self {
            meter: row.id,
            name: row.config.name.clone(),
            serial: row.config.serial.clone().filter(|serial| !plain_serial(serial).is_empty()),
            point: point.id,
            point_name: point.name.clone(),
            details: point.details.clone(),
            zone: zone.clone(),
            zone_name: row.config.time_zone.clone(),
            ct: text(transformers.as_ref().map(|one| one.ct).or(Some(Ratio::ONE))),
            vt: text(transformers.as_ref().map(|one| one.vt).or(Some(Ratio::ONE))),
            from: instant(hour, zone),
            registers_in: transformers.map_or(row.config.registers_in, |one| one.registers_in),
            classes: [classes.ct, classes.vt, classes.meter].map(Option::unwrap_or_default),
            plate: [text(plate.ct), text(plate.vt)],
            to_meter: false,
            stage: Stage::Enter,
            failed: None,
            saving: Saving::default(),
            next: None,
        }
    }

    pub(super) const fn is_waiting(&self) -> bool {
        self.saving.is_waiting() || matches!(self.stage, Stage::Write(_))
    }

    fn read(&self) -> Read {
        let ratio = |text: &str| text.parse::<Ratio>().map_err(|error| error.to_string());
        let maybe = |text: &str| if text.trim().is_empty() { Ok(None) } else { ratio(text).map(Some) };
        let from = self.from.trim().replacen(' ', "T", 1);
        let from = from.parse::<Timestamp>().or_else(|_| {
            let local: DateTime = from.parse().map_err(|_| "Write YYYY-MM-DD HH:MM".to_owned())?;
            let zoned = local.to_zoned(self.zone.clone());
            zoned.map(|zoned| zoned.timestamp()).map_err(|_| "No clock can show this".to_owned())
        });
        let [ct, vt] = &self.plate;
        Read { ct: ratio(&self.ct), vt: ratio(&self.vt), from, plate: [maybe(ct), maybe(vt)] }
    }

    fn period(&self, read: &Read) -> Option<(RatioPeriod, PlateRatios)> {
        let (Ok(ct), Ok(vt), Ok(from), [Ok(plate_ct), Ok(plate_vt)]) =
            (&read.ct, &read.vt, &read.from, &read.plate)
        else {
            return None;
        };
        let class = |text: &String| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let [of_ct, of_vt, of_meter] = &self.classes;
        let period = RatioPeriod {
            from: *from,
            until: None,
            transformers: Transformers { ct: *ct, vt: *vt, registers_in: self.registers_in },
            classes: AccuracyClasses { ct: class(of_ct), vt: class(of_vt), meter: class(of_meter) },
        };
        Some((period, PlateRatios { ct: *plate_ct, vt: *plate_vt }))
    }

    /// Puts the nameplate into the store where it changed, then the ratio.
    fn save(&mut self, cx: &AppCtx, period: RatioPeriod, plate: PlateRatios) {
        let plate = Some(plate).filter(|plate| *plate != PlateRatios::default());
        if plate == self.details.plate {
            self.saving.begin(cx, Edit::SetRatio { point: self.point, period: Box::new(period) });
            return;
        }
        self.details.plate = plate;
        let (name, details) = (self.point_name.clone(), Box::new(self.details.clone()));
        self.next = Some(Box::new(period));
        self.saving.begin(cx, Edit::UpdatePoint { id: self.point, name, details });
    }

    fn saved(&mut self, cx: &mut AppCtx) -> bool {
        if self.saving.take(cx) != Some(Edited::Done) {
            return false;
        }
        match self.next.take() {
            Some(period) => {
                self.saving.begin(cx, Edit::SetRatio { point: self.point, period });
                false
            }
            None => {
                cx.notices.done(format!("The ratio of {} is set", self.point_name));
                true
            }
        }
    }

    /// Follows the job that writes the meter: the store is changed when it went well.
    fn written(&mut self, ui: &Ui, cx: &AppCtx) {
        let Stage::Write(submission) = &mut self.stage else { return };
        submission.step(ui);
        self.failed = submission.refused().cloned();
        let ended = submission.job().and_then(|job| cx.jobs.get(job)).filter(|job| job.ended.is_some());
        let result = ended.map(|job| job.meters.values().find_map(|meter| meter.ended.clone()));
        match result {
            None if self.failed.is_none() => return,
            None => {}
            Some(Some((result, _))) if result.fault.is_none() => {
                let read = self.read();
                self.stage = Stage::Enter;
                if let Some((period, plate)) = self.period(&read) {
                    self.save(cx, period, plate);
                }
                return;
            }
            Some(Some((result, _))) => self.failed = result.fault,
            Some(None) => self.failed = Some(Fault::user("cancelled", "the store is as it was")),
        }
        self.stage = Stage::Enter;
    }

    /// Draws it; true when it is done with.
    pub(super) fn ui(&mut self, ui: &Ui, cx: &mut AppCtx) -> bool {
        if self.saved(cx) {
            return true;
        }
        self.written(ui, cx);
        let mut close = false;
        let height = room_in_dialog(ui, 200.0, 0).min(640.0);
        let modal = dialog_window(ui, "ratio", WIDTH, |ui| {
            ui.label(strong(format!("Transformer ratio of {}", self.point_name)).size(18.0));
            ui.add_space(4.0);
            match &self.stage {
                Stage::Enter => close = self.entering(ui, cx, height),
                Stage::Confirm { .. } => self.confirming(ui, cx),
                Stage::Write(_) => self.writing(ui, cx),
            }
        });
        close || modal.should_close() && !self.is_waiting()
    }

    fn entering(&mut self, ui: &mut Ui, cx: &mut AppCtx, height: f32) -> bool {
        let read = self.read();
        ScrollArea::vertical()
            .max_height(height)
            .min_scrolled_height(height)
            .auto_shrink([false, true])
            .show(ui, |ui| {
                ui.spacing_mut().item_spacing = Vec2::new(12.0, 12.0);
                if let Some(fault) = self.saving.refused.as_ref().or(self.failed.as_ref()) {
                    fault_panel(ui, fault);
                }
                self.entries(ui, &read);
                let Some((period, plate)) = self.period(&read) else { return };
                let mut warnings = period.transformers.oddities();
                warnings.extend(differences_of_ratios(Some(&period.transformers), Some(&plate), None));
                ui.spacing_mut().item_spacing.y = 4.0;
                for warning in &warnings {
                    warn(ui, warning);
                }
                self.preview(ui, cx, period);
            });
        ui.add_space(8.0);
        let mut close = false;
        ui.horizontal(|ui| {
            let ready = self.period(&read).filter(|_| !self.saving.is_waiting());
            let words = if self.to_meter { "Write to the meter…" } else { "Set ratio" };
            let enter = ui.input(|input| input.modifiers.command && input.key_pressed(Key::Enter));
            let go = ui.add(Act::primary(words).enabled(ready.is_some()).shortcut("Ctrl+Enter"));
            if let Some((period, plate)) = ready
                && (go.clicked() || enter)
            {
                self.failed = None;
                if self.to_meter {
                    self.stage = Stage::Confirm { typed: String::new() };
                } else {
                    self.save(cx, period, plate);
                }
            }
            close = ui.add(Act::plain("Cancel").shortcut("Esc")).clicked();
        });
        close
    }

    fn entries(&mut self, ui: &mut Ui, read: &Read) {
        let remark = |wrong: Option<&String>| wrong.cloned();
        let (ct, vt) = (remark(read.ct.as_ref().err()), remark(read.vt.as_ref().err()));
        ui.horizontal_top(|ui| {
            let told =
                ct.as_deref().map(|why| (why, true)).or(Some(("Primary/secondary, such as 400/5", false)));
            field(ui, "Current transformers", told, |ui| {
                text_field(ui, &mut self.ct, "400/5", HALF, ct.is_some())
            });
            let told = vt
                .as_deref()
                .map(|why| (why, true))
                .or(Some(("Such as 11000/110 or 110000/√3:100/√3", false)));
            field(ui, "Voltage transformers", told, |ui| {
                text_field(ui, &mut self.vt, "11000/110", HALF, vt.is_some())
            });
        });
        ui.horizontal_top(|ui| {
            let wrong = remark(read.from.as_ref().err());
            let told = wrong.as_deref().map(|why| (why, true)).or(Some(("The end of an interval", false)));
            field(ui, "Holds from, local time", told, |ui| {
                text_field(ui, &mut self.from, "2026-11-01 00:00", HALF, wrong.is_some())
            });
            let sides = [
                (Side::Secondary, "This program; registers are secondary".to_owned()),
                (Side::Primary, "The meter; registers are primary".to_owned()),
            ];
            choice(ui, "Applied by", HALF, &mut self.registers_in, &sides);
        });
        ui.horizontal_top(|ui| {
            let [of_ct, of_vt, of_meter] = &mut self.classes;
            for (name, text) in
                [("Class of the CTs", of_ct), ("Class of the VTs", of_vt), ("Class of the meter", of_meter)]
            {
                field(ui, name, None, |ui| text_field(ui, text, "0.5", THIRD, false));
            }
        });
        ui.horizontal_top(|ui| {
            let [of_ct, of_vt] = &mut self.plate;
            let names = ["Nameplate of the CTs", "Nameplate of the VTs"];
            for ((name, text), read) in names.into_iter().zip([of_ct, of_vt]).zip(&read.plate) {
                let wrong = remark(read.as_ref().err());
                let told = wrong.as_deref().map(|why| (why, true));
                field(ui, name, told, |ui| {
                    text_field(ui, text, "As read on the plate", HALF, wrong.is_some())
                });
            }
        });
        ui.checkbox(&mut self.to_meter, "Write it to the meter too, and read it back");
    }

    fn preview(&self, ui: &mut Ui, cx: &mut AppCtx, period: RatioPeriod) {
        let query = Query::Preview(self.meter, Box::new(period), self.zone_name.clone());
        let t = tokens(ui);
        Frame::new().fill(t.canvas.0).corner_radius(6).inner_margin(Margin::same(12)).show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.label(strong("Last month's energy, primary"));
            match cx.data.preview(cx.backend.as_ref(), &query) {
                Load::Loading => loading(ui, "the preview"),
                Load::Failed(reason) => {
                    ui.label(secondary(ui, reason));
                }
                Load::Ready(found) => match found.as_ref() {
                    None => {
                        ui.label(secondary(ui, "Nothing of last month is stored of this meter."));
                    }
                    Some(found) => month(ui, found, &self.zone, &PREVIEWED),
                },
            }
        });
    }

    fn confirming(&mut self, ui: &mut Ui, cx: &mut AppCtx) {
        let read = self.read();
        let Some((period, _)) = self.period(&read) else {
            self.stage = Stage::Enter;
            return;
        };
        let Transformers { ct, vt, .. } = &period.transformers;
        ui.label(strong(format!("Write CT {ct}, VT {vt} to {}?", self.name)).size(15.0));
        let serial = self.serial.clone();
        ui.label(secondary(ui, format!("Serial number {}", serial.as_deref().unwrap_or("not known"))));
        ui.add_space(4.0);
        let effect = match self.registers_in {
            Side::Primary => {
                "The meter multiplies by this ratio from now on: its registers and its load profile count by it at once."
            }
            Side::Secondary => "The meter holds this ratio from now on; its registers go on as they are.",
        };
        ui.add(Label::new(effect).wrap());
        ui.add_space(8.0);
        let Stage::Confirm { typed } = &mut self.stage else { return };
        let confirmed = match &serial {
            None => {
                warn(
                    ui,
                    "Its serial number is not known, so that nobody can confirm it: read the meter first.",
                );
                false
            }
            Some(serial) => {
                let wrong = !plain_serial(serial).starts_with(&plain_serial(typed));
                let confirmed = plain_serial(serial) == plain_serial(typed);
                let words = match (wrong, confirmed) {
                    (true, _) => "This is not its serial number",
                    (_, true) => "Confirmed",
                    _ => "Type it to confirm",
                };
                field(ui, "Serial number", Some((words, wrong)), |ui| text_field(ui, typed, "", HALF, wrong));
                confirmed
            }
        };
        ui.add_space(8.0);
        ui.horizontal(|ui| {
            let words = format!("Write ratio to {}", serial.as_deref().unwrap_or(&self.name));
            if ui.add(Act::danger(&words).enabled(confirmed)).clicked() {
                let order = RatioOrder::Write { ct: *ct, vt: *vt };
                let submitted = cx.backend.submit(Job::Ratios { meters: vec![self.meter], order });
                self.stage = Stage::Write(Submission::new(submitted));
            } else if ui.add(Act::plain("Back")).clicked() {
                self.stage = Stage::Enter;
            }
        });
    }

    fn writing(&self, ui: &mut Ui, cx: &AppCtx) {
        let doing = cx.jobs.doing(self.meter).unwrap_or_else(|| "Waiting for the line".to_owned());
        ui.label(strong(format!("Writing to {}", self.name)));
        ui.label(secondary(ui, doing));
        ui.label(small(ui, "The store follows when the meter has read back what was written."));
    }
}

/// The ways in which a change of ratio is previewed.
const PREVIEWED: [&str; 3] = ["As it stands", "With the change", "Had it held all month"];

/// The month's energies in the ways that the titles name, as many as there are.
pub(super) fn month(ui: &mut Ui, preview: &Preview, zone: &TimeZone, titles: &[&str]) {
    let words = format!(
        "{} to {}, {} of {} intervals",
        instant(preview.from, zone),
        instant(preview.to, zone),
        preview.intervals,
        preview.expected
    );
    ui.label(small(ui, words));
    ui.add_space(4.0);
    let text = |value: Option<Decimal>, power: i8| match value {
        Some(value) => decimal(value.scaled(power).unwrap_or(value)),
        None => "–".to_owned(),
    };
    egui::Grid::new("last month").num_columns(titles.len() + 2).spacing(Vec2::new(16.0, 4.0)).show(
        ui,
        |ui| {
            for title in std::iter::once(&"").chain(titles).chain([&""]) {
                ui.label(small(ui, *title));
            }
            ui.end_row();
            for energy in &preview.energies {
                let (power, unit) = kilo(energy.unit);
                ui.label(secondary(ui, &energy.name));
                for value in [energy.stands, energy.would_be, energy.all_month].into_iter().take(titles.len())
                {
                    ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                        ui.label(text(value, power));
                    });
                }
                ui.label(secondary(ui, unit));
                ui.end_row();
            }
        },
    );
    let left_out = preview.energies.iter().map(|energy| energy.left_out[1]).max().unwrap_or(0);
    if left_out > 0 {
        warn(
            ui,
            &format!(
                "{left_out} intervals cannot be converted: no ratio is known for them, or it changes in them"
            ),
        );
    }
}
