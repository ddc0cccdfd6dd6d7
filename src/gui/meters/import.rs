//! Importing meters from a CSV file: what would be added is shown before it is.

use std::path::PathBuf;
use std::sync::mpsc::TryRecvError;

use egui::{ScrollArea, Ui};

use crate::comms::Edit;
use crate::gui::context::{AppCtx, stopped};
use crate::gui::data::{Import, Later};
use crate::gui::theme::{SIZES, mono, strong, tokens};
use crate::gui::widgets::{Act, counted, dialog_window, fault_panel, loading, secondary, small};
use crate::model::Fault;

/// Meters listed in the dialog.
const LISTED: usize = 200;

/// The dialog.
pub(super) struct ImportDialog {
    file: PathBuf,
    waiting: Option<Later<Import>>,
    read: Result<Import, Fault>,
}

impl ImportDialog {
    /// Begins to read the file.
    #[must_use]
    pub(super) fn start(cx: &AppCtx, file: PathBuf) -> Self {
        Self { waiting: Some(cx.backend.import(file.clone())), file, read: Ok(Import::default()) }
    }

    /// Whether the file is being read.
    #[must_use]
    pub(super) const fn is_waiting(&self) -> bool {
        self.waiting.is_some()
    }

    /// Draws it; true when it is done with.
    pub(super) fn ui(&mut self, ui: &Ui, cx: &mut AppCtx) -> bool {
        if let Some(answer) = &self.waiting {
            let read = match answer.try_recv() {
                Err(TryRecvError::Empty) => None,
                Err(TryRecvError::Disconnected) => Some(Err(stopped())),
                Ok(read) => Some(read),
            };
            if let Some(read) = read {
                self.read = read;
                self.waiting = None;
            }
        }
        let mut close = false;
        let modal = dialog_window(ui, "import", 640.0, |ui| {
            ui.label(strong("Import meters").size(18.0));
            ui.label(small(ui, self.file.display().to_string()));
            if self.waiting.is_some() {
                loading(ui, "the file");
                return;
            }
            let ready = match &self.read {
                Err(fault) => {
                    fault_panel(ui, fault);
                    0
                }
                Ok(import) => {
                    preview(ui, import);
                    import.meters.len()
                }
            };
            ui.add_space(8.0);
            ui.horizontal(|ui| {
                let words = match ready {
                    0 => "Nothing to add".to_owned(),
                    many => format!("Add {}", counted(many, "meter")),
                };
                if ui.add(Act::primary(&words).enabled(ready > 0)).clicked()
                    && let Ok(import) = &mut self.read
                {
                    let meters = std::mem::take(&mut import.meters);
                    let done = format!("Added {}", counted(ready, "meter"));
                    cx.edit(Edit::AddMeters(meters), done);
                    close = true;
                }
                close |= ui.add(Act::plain("Cancel").shortcut("Esc")).clicked();
            });
        });
        close || modal.should_close()
    }
}

fn preview(ui: &mut Ui, import: &Import) {
    let t = tokens(ui);
    let refused = import.refused.len();
    let words = match refused {
        0 => format!("{} can be added", counted(import.meters.len(), "meter")),
        _ => format!(
            "{} can be added, {} cannot",
            counted(import.meters.len(), "meter"),
            counted(refused, "line")
        ),
    };
    ui.label(words);
    ScrollArea::vertical().max_height(320.0).auto_shrink([false, true]).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 2.0;
        for line in import.refused.iter().take(LISTED) {
            ui.add(egui::Label::new(egui::RichText::new(line).color(t.bad.0)).wrap());
        }
        for (config, _) in import.meters.iter().take(LISTED) {
            ui.horizontal(|ui| {
                ui.label(&config.name);
                ui.label(mono(config.line.to_string()).color(t.text_secondary.0));
            });
        }
        if import.meters.len() > LISTED {
            ui.label(secondary(ui, format!("and {} more", import.meters.len() - LISTED)).size(SIZES[0]));
        }
    });
}
