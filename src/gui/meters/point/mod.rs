//! The inspector's page of the metering point: its transformer ratios side by side with the plate and the meter, its
//! meters one after the other, what was used there; and the dialogs that change it.

mod describe;
mod exchange;
mod ratio;
mod removal;

use egui::{Frame, Label, Margin, RichText, Ui, Vec2};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::comms::Job;
use crate::drivers::RatioOrder;
use crate::gui::context::{AppCtx, Command};
use crate::gui::data::{Load, PointView, Query};
use crate::gui::theme::{Icon, SIZES, strong, tokens};
use crate::gui::widgets::{
    Act, Problem, Tone, badge, decimal, instant, key_value, kilo, loading, problem, secondary, section, small,
};
use crate::model::{
    PlateRatios, PointDetails, Ratio, RatioPeriod, Right, Side, Transformers, Unit, differences_of_ratios,
};
use crate::store::{MeterRow, Placement, PointRow};

use super::saving;

pub(super) use describe::PointDialog;
pub(super) use exchange::ExchangeDialog;
pub(super) use ratio::RatioDialog;
pub(super) use removal::RatioRemoval;

/// What can be done to a metering point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PointDeed {
    /// Set its ratio.
    Ratio,
    /// Exchange its meter.
    Exchange,
    /// Describe it.
    Describe,
    /// Take away the ratio that begins at an instant.
    RemoveRatio(Timestamp),
}

/// The dialog of a deed.
#[allow(clippy::large_enum_variant, reason = "there is one")]
pub(super) enum Dialog {
    Ratio(RatioDialog),
    Exchange(ExchangeDialog),
    Describe(PointDialog),
    Remove(RatioRemoval),
}

impl Dialog {
    /// For a meter and its point; nothing where what it is about is gone.
    pub(super) fn open(
        deed: PointDeed,
        row: &MeterRow,
        point: &PointRow,
        now: Timestamp,
        zone: &TimeZone,
    ) -> Option<Self> {
        Some(match deed {
            PointDeed::Ratio => Self::Ratio(RatioDialog::new(row, point, now, zone)),
            PointDeed::Exchange => Self::Exchange(ExchangeDialog::new(row, point, now, zone)),
            PointDeed::Describe => Self::Describe(PointDialog::new(point)),
            PointDeed::RemoveRatio(from) => Self::Remove(RatioRemoval::new(row, point, from, zone)?),
        })
    }

    /// Whether it waits for the store or the meter.
    pub(super) fn is_waiting(&self) -> bool {
        match self {
            Self::Ratio(dialog) => dialog.is_waiting(),
            Self::Exchange(dialog) => dialog.is_waiting(),
            Self::Describe(dialog) => dialog.is_waiting(),
            Self::Remove(dialog) => dialog.is_waiting(),
        }
    }

    /// Draws it; true when it is done with.
    pub(super) fn ui(&mut self, ui: &Ui, cx: &mut AppCtx) -> bool {
        match self {
            Self::Ratio(dialog) => dialog.ui(ui, cx),
            Self::Exchange(dialog) => dialog.ui(ui, cx),
            Self::Describe(dialog) => dialog.ui(ui, cx),
            Self::Remove(dialog) => dialog.ui(ui, cx),
        }
    }
}

/// Draws the page.
pub(super) fn page(ui: &mut Ui, cx: &mut AppCtx, row: &MeterRow) {
    let view = match cx.data.point(cx.backend.as_ref(), &Query::Point(row.id)) {
        Load::Ready(view) => view,
        Load::Loading => return loading(ui, "the metering point"),
        Load::Failed(reason) => {
            let title = "The metering point cannot be read";
            return problem(ui, &Problem { title, text: &reason, details: reason.clone(), tone: Tone::Bad });
        }
    };
    let Some(point) = &view.point else {
        ui.add_space(8.0);
        ui.add(Label::new(secondary(ui, "This meter hangs at no metering point: it was exchanged.")).wrap());
        return;
    };
    let zone = row
        .config
        .time_zone
        .as_deref()
        .map_or_else(|| cx.zone.clone(), |name| crate::gui::data::reader::zone_named(Some(name)));
    ratios(ui, cx, row, &view, point, &zone);
    meters(ui, cx, row, point, &zone);
    totals(ui, &view, point);
    details(ui, point);
}

/// Three columns of what is said of a ratio, and what of it differs.
fn ratios(ui: &mut Ui, cx: &mut AppCtx, row: &MeterRow, view: &PointView, point: &PointRow, zone: &TimeZone) {
    section(ui, "Ratio now");
    let now = point.ratios.at((cx.now)());
    let store = now.map(|period| &period.transformers);
    let plate = point.details.plate.as_ref();
    let own = view.own.as_ref().map(|own| &own.said);
    side_by_side(ui, store, plate, own);
    match now {
        Some(period) => {
            let by = match period.transformers.registers_in {
                Side::Primary => "The meter applies it: its registers are primary.",
                Side::Secondary => "This program applies it: the meter's registers are secondary.",
            };
            ui.add(Label::new(small(ui, by)).wrap());
        }
        None => {
            let words = "No ratio is known: figures are shown as the meter gives them.";
            ui.add(Label::new(small(ui, words)).wrap());
        }
    }
    if let Some(own) = &view.own {
        ui.label(small(ui, format!("Read from the meter {}", instant(own.read_at, zone))));
    }
    let mut warnings = store.map(Transformers::oddities).unwrap_or_default();
    warnings.extend(differences_of_ratios(store, plate, own));
    for warning in &warnings {
        warn(ui, warning);
    }
    ui.add_space(4.0);
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        if ui.add(Act::plain("Set ratio…").icon(Icon::Edit).unless(cx.why_not(Right::Ratios))).clicked() {
            cx.command(Command::Point(row.id, PointDeed::Ratio));
        }
        let busy = cx.jobs.doing(row.id).is_some();
        let read = Act::plain("Read from meter").icon(Icon::Refresh).enabled(!busy);
        if ui
            .add(
                read.hint("Reads the ratios that the meter itself holds")
                    .unless(cx.why_not(Right::ReadMeters)),
            )
            .clicked()
        {
            cx.submit(Job::Ratios { meters: vec![row.id], order: RatioOrder::Read });
        }
    });
    if point.ratios.periods().is_empty() {
        return;
    }
    section(ui, "Validity");
    for period in point.ratios.periods().iter().rev() {
        if validity(ui, period, now == Some(period), zone) {
            cx.command(Command::Point(row.id, PointDeed::RemoveRatio(period.from)));
        }
    }
}

/// A remark that needs a look: sign, words, colour.
pub(super) fn warn(ui: &mut Ui, text: &str) {
    let t = tokens(ui);
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        let (rect, _) = ui.allocate_exact_size(Vec2::splat(16.0), egui::Sense::hover());
        Icon::Warning.paint(ui.painter(), rect, 13.0, t.warn.0);
        ui.add(Label::new(RichText::new(text).size(SIZES[0]).color(t.warn.0)).wrap());
    });
}

fn side_by_side(
    ui: &mut Ui,
    store: Option<&Transformers>,
    plate: Option<&PlateRatios>,
    own: Option<&PlateRatios>,
) {
    let t = tokens(ui);
    let text = |ratio: Option<Ratio>| ratio.map_or_else(|| "–".to_owned(), |ratio| ratio.to_string());
    let rows = [
        ("Store", store.map(|one| one.ct), store.map(|one| one.vt)),
        ("Nameplate", plate.and_then(|one| one.ct), plate.and_then(|one| one.vt)),
        ("Meter", own.and_then(|one| one.ct), own.and_then(|one| one.vt)),
    ];
    Frame::new().fill(t.canvas.0).corner_radius(4).inner_margin(Margin::symmetric(8, 4)).show(ui, |ui| {
        ui.set_width(ui.available_width());
        egui::Grid::new("ratios")
            .num_columns(3)
            .spacing(Vec2::new(16.0, 4.0))
            .min_col_width(72.0)
            .min_row_height(20.0)
            .show(ui, |ui| {
                for title in ["", "Current", "Voltage"] {
                    ui.label(small(ui, title));
                }
                ui.end_row();
                for (name, ct, vt) in rows {
                    ui.label(secondary(ui, name));
                    for ratio in [ct, vt] {
                        ui.add(Label::new(text(ratio)).selectable(true));
                    }
                    ui.end_row();
                }
            });
    });
}

/// One period; true where it is to be taken away.
fn validity(ui: &mut Ui, period: &RatioPeriod, holds: bool, zone: &TimeZone) -> bool {
    let mut goes = false;
    let Transformers { ct, vt, registers_in } = &period.transformers;
    ui.horizontal(|ui| {
        let words = format!("CT {ct}  VT {vt}");
        ui.label(if holds { strong(words) } else { RichText::new(words) });
        if holds {
            badge(ui, "Now", Tone::Accent);
        }
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            let name = format!("Take away the ratio from {}…", instant(period.from, zone));
            goes = ui.add(Act::icon_only(Icon::Trash, &name).small()).clicked();
        });
    });
    let until = period.until.map_or_else(|| "on".to_owned(), |until| format!("to {}", instant(until, zone)));
    ui.label(small(ui, format!("from {} {until}", instant(period.from, zone))));
    let factor = period.transformers.factor(Unit::WH).map(|factor| factor.to_string()).unwrap_or_default();
    let by = if *registers_in == Side::Primary { "by the meter" } else { "by this program" };
    let classes = [("CT", &period.classes.ct), ("VT", &period.classes.vt), ("meter", &period.classes.meter)];
    let classes: Vec<String> = classes
        .iter()
        .filter_map(|(what, class)| class.as_ref().map(|class| format!("{what} {class}")))
        .collect();
    let classes =
        if classes.is_empty() { String::new() } else { format!(", classes {}", classes.join(", ")) };
    ui.add(Label::new(small(ui, format!("energy × {factor}, applied {by}{classes}"))).wrap());
    ui.add_space(4.0);
    goes
}

fn meters(ui: &mut Ui, cx: &mut AppCtx, row: &MeterRow, point: &PointRow, zone: &TimeZone) {
    section(ui, "Meters here, the latest first");
    for placed in point.meters.iter().rev() {
        placement(ui, placed, placed.meter == row.id, zone);
    }
    let is_here = point.meters.iter().any(|placed| placed.meter == row.id && placed.until.is_none());
    ui.add_space(4.0);
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        let exchange = Act::plain("Exchange meter…").icon(Icon::Refresh).enabled(is_here);
        if ui.add(exchange.unless(cx.why_not(Right::ExchangeMeters))).clicked() {
            cx.command(Command::Point(row.id, PointDeed::Exchange));
        }
        if ui
            .add(Act::plain("Describe point…").icon(Icon::Edit).unless(cx.why_not(Right::KeepMeters)))
            .clicked()
        {
            cx.command(Command::Point(row.id, PointDeed::Describe));
        }
    });
}

fn placement(ui: &mut Ui, placed: &Placement, is_this: bool, zone: &TimeZone) {
    ui.horizontal(|ui| {
        let name = if is_this { strong(&placed.name) } else { RichText::new(&placed.name) };
        ui.add(Label::new(name).truncate());
        if placed.removed {
            badge(ui, "Off the list", Tone::Plain);
        }
    });
    let from = placed
        .from
        .map_or_else(|| "since it counts".to_owned(), |from| format!("from {}", instant(from, zone)));
    let until = placed.until.map_or_else(String::new, |until| format!(" to {}", instant(until, zone)));
    let serial = placed.serial.as_deref().map(|serial| format!(", {serial}")).unwrap_or_default();
    ui.add(Label::new(small(ui, format!("{from}{until}{serial}"))).wrap());
}

fn totals(ui: &mut Ui, view: &PointView, point: &PointRow) {
    if view.totals.is_empty() {
        return;
    }
    let side = if point.ratios.periods().is_empty() { "the meter's own side" } else { "primary" };
    section(ui, &format!("Used here as far as it is stored, {side}"));
    for total in view.totals.iter().filter(|total| total.obis.e() == 0) {
        let (power, unit) = kilo(total.unit);
        let words = match total.total {
            Some(sum) => format!("{} {unit}", decimal(sum.scaled(power).unwrap_or(sum))),
            None => "Not known as a whole".to_owned(),
        };
        key_value(ui, &total.name, words);
        for part in &total.parts {
            if let Some(reason) = &part.missing {
                ui.add(Label::new(small(ui, format!("{}: {reason}", part.meter))).wrap());
            }
        }
    }
}

fn details(ui: &mut Ui, point: &PointRow) {
    section(ui, "Metering point");
    let PointDetails { location, customer, notes, photos, fields, .. } = &point.details;
    key_value(ui, "Name", point.name.as_str());
    for (key, value) in [("Location", location), ("Customer", customer), ("Notes", notes)] {
        if !value.is_empty() {
            key_value(ui, key, value.as_str());
        }
    }
    for (key, value) in fields {
        key_value(ui, key, value.as_str());
    }
    for photo in photos {
        ui.hyperlink_to(photo, photo).on_hover_text("Opens the photo");
    }
}
