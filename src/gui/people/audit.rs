//! The card of the settings that shows the audit chain.

use egui::{Align, Label, Layout, RichText, Ui, Vec2};
use egui_extras::{Column, TableBuilder};

use crate::gui::context::AppCtx;
use crate::gui::data::{Load, Query};
use crate::gui::theme::{Icon, ROW, SIZES, strong, tokens};
use crate::gui::widgets::{Act, Problem, Tone, instant, loading, problem, secondary};
use crate::store::AuditRow;

/// Height of the table.
const HEIGHT: f32 = 240.0;

/// The card.
#[derive(Debug, Default)]
pub(in crate::gui) struct AuditCard {
    /// Somebody wants to know whether the chain is whole.
    is_checking: bool,
}

impl AuditCard {
    /// Draws what stands in the card.
    pub(in crate::gui) fn ui(&mut self, ui: &mut Ui, cx: &mut AppCtx) {
        let text = "Writes to meters, changes of meters, ratios, lists, keys and people, and who signed in. Rows are only added, and each is sealed by a hash over itself and the one before.";
        ui.add(Label::new(secondary(ui, text)).wrap());
        ui.horizontal(|ui| {
            if ui.add(Act::plain("Verify the chain").icon(Icon::Check)).clicked() {
                self.is_checking = true;
                cx.data.expire(|query| *query == Query::AuditCheck);
            }
            if self.is_checking {
                match cx.data.audit_check(cx.backend.as_ref(), &Query::AuditCheck) {
                    Load::Loading => {
                        ui.label(secondary(ui, "Walking the chain…"));
                    }
                    Load::Ready(rows) => {
                        let text = format!("The chain is whole: {rows} rows");
                        ui.label(RichText::new(text).color(tokens(ui).good.0));
                    }
                    Load::Failed(reason) => {
                        let text = format!("The chain is broken: {reason}");
                        ui.add(Label::new(RichText::new(text).color(tokens(ui).bad.0)).wrap());
                    }
                }
            }
        });
        match cx.data.audit(cx.backend.as_ref(), &Query::Audit) {
            Load::Loading => loading(ui, "the audit chain"),
            Load::Failed(reason) => {
                let title = "The audit chain cannot be read";
                problem(ui, &Problem { title, text: &reason, details: reason.clone(), tone: Tone::Bad });
            }
            Load::Ready(rows) if rows.is_empty() => {
                ui.label(secondary(ui, "No rows yet"));
            }
            Load::Ready(rows) => table(ui, cx, &rows),
        }
    }
}

fn table(ui: &mut Ui, cx: &AppCtx, rows: &[AuditRow]) {
    ui.spacing_mut().item_spacing = Vec2::ZERO;
    let table = TableBuilder::new(ui)
        .id_salt("audit")
        .max_scroll_height(HEIGHT)
        .cell_layout(Layout::left_to_right(Align::Center))
        .column(Column::initial(150.0).clip(true))
        .column(Column::initial(96.0).clip(true))
        .column(Column::initial(150.0).clip(true))
        .column(Column::remainder().clip(true));
    let table = table.header(ROW + 4.0, |mut header| {
        for title in ["When", "Who", "What", "Detail"] {
            header.col(|ui| {
                ui.label(strong(title).size(SIZES[0]).color(tokens(ui).text_secondary.0));
            });
        }
    });
    table.body(|body| {
        body.rows(ROW, rows.len(), |mut table_row| {
            let Some(row) = rows.get(table_row.index()) else { return };
            for text in [instant(row.at, &cx.zone), row.who.clone(), row.what.clone(), row.detail.clone()] {
                table_row.col(|ui| {
                    ui.add(Label::new(&text).truncate());
                });
            }
        });
    });
}
