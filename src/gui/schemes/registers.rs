//! The registers of a scheme.

use egui::{Align, Grid, Layout, Sense, Ui, Vec2};

use crate::gui::theme::{ROW, SIZES, strong, tokens};
use crate::gui::widgets::{secondary, section};
use crate::scheme::Document;

use super::pages::spoken;

fn titles(ui: &mut Ui, titles: &[&str]) {
    for title in titles {
        let ink = tokens(ui).text_secondary.0;
        ui.label(strong(*title).size(SIZES[0]).color(ink));
    }
    ui.end_row();
}

fn grid(ui: &mut Ui, id: &str, contents: impl FnOnce(&mut Ui)) {
    ui.with_layout(Layout::top_down(Align::Min), |ui| {
        Grid::new(id).num_columns(5).spacing(Vec2::new(24.0, 4.0)).min_row_height(ROW).show(ui, contents);
    });
}

/// Draws the page.
pub(super) fn ui(ui: &mut Ui, document: &Document) {
    let registers = &document.registers;
    section(ui, "Energy registers: they count up while they are switched on");
    grid(ui, "energy", |ui| {
        titles(ui, &["", "Id", "Title", "Source", "OBIS"]);
        for register in &registers.energy {
            let [red, green, blue] = register.colour.0;
            let (rect, _) = ui.allocate_exact_size(Vec2::new(12.0, ROW), Sense::hover());
            let swatch = egui::Rect::from_center_size(rect.center(), Vec2::splat(12.0));
            ui.painter().rect_filled(swatch, 2.0, egui::Color32::from_rgb(red, green, blue));
            ui.label(strong(&register.id));
            ui.label(&register.title);
            ui.label(spoken(&register.source));
            ui.label(secondary(ui, register.obis.short()));
            ui.end_row();
        }
    });
    section(ui, "Maximum-demand registers: they compete while they are switched on");
    if registers.demand.is_empty() {
        ui.label(secondary(ui, "None"));
    } else {
        grid(ui, "demand", |ui| {
            titles(ui, &["Id", "Title", "Source", "Highest kept", "OBIS"]);
            for register in &registers.demand {
                ui.label(strong(&register.id));
                ui.label(&register.title);
                ui.label(spoken(&register.source));
                ui.label(register.highest.to_string());
                ui.label(secondary(ui, register.obis.short()));
                ui.end_row();
            }
        });
    }
    section(ui, "Customer-defined registers: sums of sources");
    if registers.customer_defined.is_empty() {
        ui.label(secondary(ui, "None"));
    } else {
        grid(ui, "customer defined", |ui| {
            titles(ui, &["Id", "Title", "Sum of", "", ""]);
            for register in &registers.customer_defined {
                ui.label(strong(&register.id));
                ui.label(&register.title);
                ui.label(register.sources.iter().map(spoken).collect::<Vec<_>>().join(" + "));
                ui.end_row();
            }
        });
    }
}
