//! The inspector: the meter in focus, in three pages.

use egui::{Frame, Label, Margin, RichText, ScrollArea, Sense, Stroke, Ui, Vec2};

use crate::gui::context::{AppCtx, Command};
use crate::gui::data::{Details, Load, Query};
use crate::gui::theme::{Icon, SIZES, mono, strong, tokens};
use crate::gui::widgets::{
    Act, Problem, Tone, badge, fault_panel, instant, key_value, loading, number, problem, secondary, section,
    segmented, small,
};
use crate::model::{FlashOutcome, MeterConfig, Right, SecretKind};
use crate::store::MeterRow;

use super::acting::{acting, clock_now};

/// A page of the inspector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tab {
    /// What it is and how it does.
    Overview,
    /// How it is reached.
    Connection,
    /// Where it hangs, through which transformers.
    Point,
    /// What can be done to it.
    Control,
    /// What was done with it.
    History,
}

/// Draws the inspector of the meter in focus.
pub(super) fn ui(ui: &mut Ui, cx: &mut AppCtx, tab: &mut Tab) {
    let row = cx.selection.focus().and_then(|id| cx.meter(id));
    let Some(row) = row else {
        ui.add_space(ui.available_height() * 0.3);
        ui.vertical_centered(|ui| {
            ui.set_max_width(220.0);
            ui.label(strong("No meter is selected"));
            ui.label(small(ui, "Click a row, or press Tab to reach the table and use the arrow keys."));
        });
        return;
    };
    Frame::new().inner_margin(Margin { left: 16, right: 16, top: 12, bottom: 8 }).show(ui, |ui| {
        head(ui, cx, &row);
        ui.add_space(4.0);
        let tabs = [
            (Tab::Overview, "Overview"),
            (Tab::Connection, "Connection"),
            (Tab::Point, "Ratios"),
            (Tab::Control, "Control"),
            (Tab::History, "History"),
        ];
        segmented(ui, "inspector", tab, &tabs);
    });
    let t = tokens(ui);
    let top = ui.cursor().top();
    ui.painter().hline(ui.max_rect().x_range(), top, Stroke::new(1.0, t.border.0));
    let details = cx.data.details(cx.backend.as_ref(), &Query::Details(row.id));
    ScrollArea::vertical().id_salt(("inspector", *tab as u8)).auto_shrink(false).show(ui, |ui| {
        Frame::new().inner_margin(Margin { left: 16, right: 16, top: 8, bottom: 16 }).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 4.0;
            ui.set_width(ui.available_width());
            match details {
                Load::Loading => loading(ui, "the meter"),
                Load::Failed(reason) => {
                    let title = "What is known of this meter cannot be read";
                    problem(ui, &Problem { title, text: &reason, details: reason.clone(), tone: Tone::Bad });
                }
                Load::Ready(details) => match tab {
                    Tab::Overview => overview(ui, cx, &row, &details),
                    Tab::Connection => connection(ui, &row.config, &details),
                    Tab::Point => super::point::page(ui, cx, &row),
                    Tab::Control => acting(ui, cx, &row, &details),
                    Tab::History => history(ui, cx, &row, &details),
                },
            }
        });
    });
}

fn head(ui: &mut Ui, cx: &mut AppCtx, row: &MeterRow) {
    ui.spacing_mut().item_spacing.y = 4.0;
    ui.add(Label::new(strong(&row.config.name).size(15.0)).truncate().selectable(true));
    let serial = row
        .config
        .serial
        .as_deref()
        .map_or_else(|| "Serial number not read yet".to_owned(), |serial| format!("Serial number {serial}"));
    ui.add(Label::new(secondary(ui, serial)).truncate().selectable(true));
    ui.add_space(4.0);
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        if ui.add(Act::plain("Readings").icon(Icon::Readings).shortcut("Enter")).clicked() {
            cx.command(Command::ShowReadings(row.id));
        }
        if ui.add(Act::plain("Edit…").icon(Icon::Edit).unless(cx.why_not(Right::KeepMeters))).clicked() {
            cx.command(Command::EditMeter(row.id));
        }
        let remove = Act::icon_only(Icon::Trash, "Remove this meter…").framed().shortcut("Delete");
        if ui.add(remove.unless(cx.why_not(Right::KeepMeters))).clicked() {
            cx.command(Command::RemoveMeters(vec![row.id]));
        }
    });
}

fn overview(ui: &mut Ui, cx: &mut AppCtx, row: &MeterRow, details: &Details) {
    if let Some(doing) = cx.jobs.doing(row.id) {
        section(ui, "Now");
        ui.label(RichText::new(doing).color(tokens(ui).accent.0));
    }
    section(ui, "Last read");
    match (row.last_read, row.last_ok) {
        (None, _) => {
            ui.label(secondary(ui, "Never read. Press F5 to read it now."));
        }
        (Some(at), ok) => {
            ui.horizontal(|ui| {
                let (word, tone) =
                    if ok == Some(false) { ("Failed", Tone::Bad) } else { ("Done", Tone::Good) };
                badge(ui, word, tone);
                ui.label(instant(at, &cx.zone));
            });
            let fault = details.history.first().and_then(|(_, result)| result.fault.clone());
            match fault {
                Some(fault) => fault_panel(ui, &fault),
                None => {
                    ui.add(Label::new(row.last_result.clone().unwrap_or_default()).wrap());
                }
            }
        }
    }
    section(ui, "Clock");
    clock_now(ui, cx, details);
    section(ui, "Identity");
    let identity = &details.knowledge.identity;
    let plate = [
        ("Serial number", &identity.serial),
        ("Device name", &identity.logical_device_name),
        ("Model", &identity.model),
        ("Maker", &identity.maker),
    ];
    let mut any = false;
    for (key, value) in plate {
        if let Some(value) = value {
            any = true;
            key_value(ui, key, value.as_str());
        }
    }
    for (key, value) in &identity.more {
        any = true;
        key_value(ui, key, value.as_str());
    }
    if !any {
        ui.label(secondary(ui, "Not read yet"));
    }
    section(ui, "Firmware");
    firmware(ui, cx, details);
    section(ui, "Place");
    let config = &row.config;
    key_value(ui, "Metering point", config.point.as_deref().unwrap_or("Its own"));
    key_value(ui, "Group", config.group.as_deref().unwrap_or("None"));
    key_value(ui, "Time zone", config.time_zone.as_deref().unwrap_or("As this computer"));
    key_value(ui, "Registers are", config.registers_in.name());
    if !config.note.is_empty() {
        section(ui, "Note");
        ui.add(Label::new(&config.note).wrap().selectable(true));
    }
}

/// The version that runs, how the last flash ended, and the way to the next.
fn firmware(ui: &mut Ui, cx: &mut AppCtx, details: &Details) {
    let version = details.knowledge.identity.firmware.as_deref();
    key_value(ui, "Version", version.unwrap_or("Not read yet"));
    if let Some(flash) = &details.flash {
        let brings = flash.version.as_deref().unwrap_or("another version");
        let (tone, word) = match flash.outcome {
            FlashOutcome::Flashed | FlashOutcome::Ready | FlashOutcome::Scheduled => {
                (Tone::Good, flash.outcome.in_words())
            }
            FlashOutcome::Open => (Tone::Warn, flash.outcome.in_words()),
            FlashOutcome::Refused | FlashOutcome::Failed => (Tone::Bad, flash.outcome.in_words()),
        };
        ui.horizontal_wrapped(|ui| {
            badge(ui, word, tone);
            ui.label(format!("{brings}, {}", instant(flash.updated, &cx.zone)));
        });
        let mut words = flash.message.clone();
        if flash.outcome == FlashOutcome::Open && flash.blocks.1 > 0 {
            words = format!(
                "It goes on at block {} of {}. {words}",
                number(flash.blocks.0),
                number(flash.blocks.1)
            );
        }
        if !words.is_empty() {
            ui.add(Label::new(small(ui, words)).wrap());
        }
    }
    if ui.add(Act::plain("Flash…").icon(Icon::Firmware).unless(cx.why_not(Right::Flash))).clicked() {
        cx.command(Command::PlanFlash);
    }
}

fn connection(ui: &mut Ui, config: &MeterConfig, details: &Details) {
    section(ui, "Line");
    ui.add(Label::new(mono(config.line.to_string())).wrap().selectable(true));
    key_value(ui, "Template", config.template.as_str());
    let template = "As the template says";
    let address = config.address.map(|address| address.to_string());
    key_value(ui, "Server address", address.as_deref().unwrap_or(template));
    let client = config.client.map(|client| client.to_string());
    key_value(ui, "Client address", client.as_deref().unwrap_or(template));
    section(ui, "Security");
    key_value(ui, "Authentication", config.auth.word());
    key_value(ui, "Protection", config.security.word());
    let title = config.client_title.map(|title| title.to_string());
    key_value(ui, "Client title", title.as_deref().unwrap_or("Made by this program"));
    if let Some(title) = config.server_title {
        key_value(ui, "Server title", title.to_string());
    }
    section(ui, "Secrets kept");
    let mut any = false;
    for (kind, _) in SecretKind::ALL {
        if details.secrets.contains(&kind) {
            any = true;
            ui.horizontal(|ui| {
                let (rect, _) = ui.allocate_exact_size(Vec2::splat(16.0), Sense::hover());
                Icon::Lock.paint(ui.painter(), rect, 13.0, tokens(ui).text_secondary.0);
                ui.label(super::form::secret_title(kind));
            });
        }
    }
    if !any {
        ui.label(secondary(ui, "None"));
    }
    section(ui, "Learnt from the meter");
    let known = &details.knowledge;
    key_value(ui, "Objects listed", known.objects.len().to_string());
    key_value(ui, "Scalers known", known.scalers.len().to_string());
    key_value(ui, "Profiles known", known.profiles.len().to_string());
    if !known.refused.is_empty() {
        key_value(ui, "Refused objects", known.refused.len().to_string());
    }
}

fn history(ui: &mut Ui, cx: &mut AppCtx, row: &MeterRow, details: &Details) {
    if details.history.is_empty() {
        ui.add_space(8.0);
        ui.label(secondary(ui, "Nothing has been done with this meter yet"));
        return;
    }
    let t = tokens(ui);
    for (job, result) in &details.history {
        ui.add_space(4.0);
        ui.horizontal(|ui| {
            let tone = if result.fault.is_some() { Tone::Bad } else { Tone::Good };
            badge(ui, if result.fault.is_some() { "Failed" } else { "Done" }, tone);
            ui.label(instant(result.at, &cx.zone));
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                let name = format!("Trace of job {job}");
                if ui.add(Act::icon_only(Icon::Trace, &name).small()).clicked() {
                    cx.command(Command::ShowTrace(*job, Some(row.id)));
                }
            });
        });
        if let Some(fault) = &result.fault {
            ui.add(Label::new(RichText::new(&fault.message).color(t.bad.0)).wrap());
        }
        let counts = format!(
            "{} registers, {} intervals, {} events · {} exchanges, {} octets in {}.{} s",
            result.registers,
            result.intervals,
            result.events,
            result.exchanges,
            result.bytes_sent + result.bytes_received,
            result.duration_ms / 1000,
            result.duration_ms % 1000 / 100,
        );
        ui.add(Label::new(secondary(ui, counts).size(SIZES[0])).wrap());
        ui.add_space(4.0);
        let (line, _) = ui.allocate_exact_size(Vec2::new(ui.available_width(), 1.0), Sense::hover());
        ui.painter().hline(line.x_range(), line.center().y, Stroke::new(1.0, t.border.0));
    }
}
