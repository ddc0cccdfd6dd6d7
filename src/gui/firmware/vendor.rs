//! A vendor's own file for an AS230: the switch with its risk, the file, and the meter that is confirmed by its number.

use std::path::PathBuf;
use std::sync::Arc;

use egui::{Frame, Key, Label, Margin, ScrollArea, Ui};

use crate::comms::{Edit, Job};
use crate::firmware::vendor::{ACCEPTANCE, ALLOWED, RISK, SETTING, VendorFile, VendorPlan, is_accepted};
use crate::gui::context::{AppCtx, Command, Page};
use crate::gui::data::{Load, Query};
use crate::gui::theme::{Icon, strong};
use crate::gui::widgets::{
    Act, Problem, Tone, badge, counted, dialog_window, empty, field, heading, key_value, loading, problem,
    secondary, section, text_field,
};
use crate::model::{Right, Template};
use crate::store::MeterRow;

/// Width of the dialogs' contents and of fields.
const WIDTH: f32 = 480.0;

/// What is being asked.
#[derive(Debug)]
enum Asking {
    /// Whether the risk is accepted.
    Risk,
    /// Whether this meter is the one that is meant.
    Meter(Box<MeterRow>, Arc<VendorFile>),
}

/// The page.
#[derive(Debug, Default)]
pub(super) struct VendorPage {
    /// The file that was chosen.
    pub(super) file: Option<PathBuf>,
    /// What the meter's firmware text contains afterwards.
    expect: String,
    asking: Option<Asking>,
    typed: String,
}

fn plain(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_uppercase()
}

/// Whether a meter is of a kind that a vendor's file is for.
fn is_for(row: &MeterRow) -> bool {
    Template::named(&row.config.template).is_ok_and(|template| template.flag.vendor_firmware)
}

/// A question that is answered by typing; whether it was confirmed, once it is answered.
fn ask(
    ui: &Ui,
    title: &str,
    lines: &[&str],
    act: &str,
    label: &str,
    wanted: bool,
    typed: &mut String,
) -> Option<bool> {
    let mut answer = None;
    let modal = dialog_window(ui, "vendor", WIDTH, |ui| {
        ui.add(Label::new(strong(title).size(15.0)).wrap());
        for line in lines {
            ui.add(Label::new(*line).wrap());
        }
        ui.add_space(8.0);
        let remark = if wanted { "Confirmed" } else { "Type it to confirm" };
        let input = field(ui, label, Some((remark, false)), |ui| text_field(ui, typed, "", WIDTH, false));
        ui.add_space(8.0);
        ui.horizontal(|ui| {
            if ui.add(Act::danger(act).enabled(wanted)).clicked() {
                answer = Some(true);
            }
            let cancel = ui.add(Act::plain("Cancel").shortcut("Esc"));
            if ui.memory(|memory| memory.focused().is_none()) {
                input.request_focus();
            }
            if cancel.clicked() || ui.input(|input| input.key_pressed(Key::Escape)) {
                answer = Some(false);
            }
        });
    });
    if modal.should_close() {
        answer.get_or_insert(false);
    }
    answer
}

impl VendorPage {
    /// Whether a dialog is open.
    #[must_use]
    pub(super) const fn has_dialog(&self) -> bool {
        self.asking.is_some()
    }

    /// Draws the page.
    pub(super) fn ui(&mut self, ui: &mut Ui, cx: &mut AppCtx) {
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            Frame::new().inner_margin(Margin::symmetric(16, 12)).show(ui, |ui| {
                ui.set_width(ui.available_width());
                ui.spacing_mut().item_spacing.y = 8.0;
                match cx.data.setting(cx.backend.as_ref(), &Query::Setting(SETTING.to_owned())) {
                    Load::Loading => loading(ui, "the setting"),
                    Load::Failed(reason) => {
                        let title = "The setting cannot be read";
                        problem(
                            ui,
                            &Problem { title, text: &reason, details: reason.clone(), tone: Tone::Bad },
                        );
                    }
                    Load::Ready(setting) => {
                        let is_allowed = setting.as_deref() == Some(ALLOWED);
                        self.switch(ui, cx, is_allowed);
                        if is_allowed {
                            self.loading(ui, cx);
                        }
                    }
                }
            });
        });
        self.question(ui, cx);
    }

    fn switch(&mut self, ui: &mut Ui, cx: &mut AppCtx, is_allowed: bool) {
        ui.horizontal(|ui| {
            heading(ui, "Vendor's own file");
            if is_allowed {
                badge(ui, "Allowed", Tone::Warn);
            } else {
                badge(ui, "Forbidden", Tone::Plain);
            }
        });
        let text = "For an Elster AS230 only: a file of writes from its maker, which is no signed package.";
        ui.add(Label::new(secondary(ui, text)).wrap());
        ui.add(Label::new(RISK).wrap());
        let why_not = cx.why_not(Right::VendorProcedure);
        ui.horizontal(|ui| {
            if is_allowed {
                if ui.add(Act::plain("Forbid vendors' files").unless(why_not)).clicked() {
                    cx.edit(Edit::VendorFirmware { accepted: None }, "Vendors' own files are forbidden");
                }
            } else if ui.add(Act::plain("Allow vendors' files…").unless(why_not)).clicked() {
                self.typed.clear();
                self.asking = Some(Asking::Risk);
            }
        });
        let text = "An administrator switches it. Both ways, and each loading, are in the audit chain.";
        ui.add(Label::new(secondary(ui, text)).wrap());
    }

    fn loading(&mut self, ui: &mut Ui, cx: &mut AppCtx) {
        ui.separator();
        section(ui, "Meter");
        let row = match self.meter(ui, cx) {
            Some(row) => row,
            None => return,
        };
        section(ui, "File");
        let Some(path) = self.file.clone() else {
            let choose = Act::plain("Choose a vendor's file…").icon(Icon::Folder);
            if ui.add(choose.unless(cx.why_not(Right::VendorProcedure))).clicked() {
                cx.command(Command::ChooseVendorFile);
            }
            return;
        };
        match cx.data.vendor_file(cx.backend.as_ref(), &Query::VendorFile(path.clone())) {
            Load::Loading => loading(ui, "the file"),
            Load::Failed(reason) => {
                let title = "The file is not taken";
                problem(ui, &Problem { title, text: &reason, details: reason.clone(), tone: Tone::Bad });
                self.another(ui, cx);
            }
            Load::Ready(file) => self.file_ui(ui, cx, &path, &file, row),
        }
    }

    fn another(&mut self, ui: &mut Ui, cx: &mut AppCtx) {
        if ui.add(Act::quiet("Another file…").small().icon(Icon::Folder)).clicked() {
            cx.command(Command::ChooseVendorFile);
        }
    }

    /// The one meter that is selected and may be loaded so.
    fn meter(&self, ui: &mut Ui, cx: &mut AppCtx) -> Option<MeterRow> {
        let selected = cx.selection.ids();
        let rows = match cx.meters() {
            Load::Ready(rows) => rows,
            Load::Loading => {
                loading(ui, "meters");
                return None;
            }
            Load::Failed(reason) => {
                let title = "The meters cannot be read";
                problem(ui, &Problem { title, text: &reason, details: reason.clone(), tone: Tone::Bad });
                return None;
            }
        };
        let chosen: Vec<&MeterRow> = rows.iter().filter(|row| selected.contains(&row.id)).collect();
        if let [row] = chosen.as_slice()
            && is_for(row)
        {
            let serial = row.config.serial.as_deref().unwrap_or("serial number not known");
            ui.label(format!("{}, {serial}", row.config.name));
            return Some((*row).clone());
        }
        let text = "Select one meter whose template is that of an AS230. A vendor's file goes into one meter at a time.";
        empty(ui, Icon::Meters, "No AS230 is selected", text, |ui| {
            if ui.add(Act::plain("Show the meters")).clicked() {
                cx.command(Command::Go(Page::Meters));
            }
        });
        None
    }

    fn file_ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut AppCtx,
        path: &std::path::Path,
        file: &Arc<VendorFile>,
        row: MeterRow,
    ) {
        ui.horizontal_wrapped(|ui| {
            ui.label(strong(path.file_name().unwrap_or_default().to_string_lossy().into_owned()));
            self.another(ui, cx);
        });
        for (name, value) in &file.says {
            key_value(ui, name, value.as_str());
        }
        let writes = usize::try_from(file.writes()).unwrap_or(usize::MAX);
        key_value(
            ui,
            "Holds",
            format!("{}, {}", counted(file.pages.len(), "page"), counted(writes, "write")),
        );
        if file.unchecked() > 0 {
            let title = "Some pages have no checksum";
            let text = "Nothing tells whether they came through; only the restart shows it.";
            problem(ui, &Problem { title, text, details: String::new(), tone: Tone::Warn });
        }
        let hint = "Any other than before";
        field(ui, "Firmware text afterwards", None, |ui| {
            text_field(ui, &mut self.expect, hint, 240.0, false)
        });
        let words = format!("Load {}…", row.config.name);
        if ui.add(Act::danger(&words).unless(cx.why_not(Right::VendorProcedure))).clicked() {
            self.typed.clear();
            self.asking = Some(Asking::Meter(Box::new(row), Arc::clone(file)));
        }
    }

    fn question(&mut self, ui: &Ui, cx: &mut AppCtx) {
        let answer = match &self.asking {
            None => return,
            Some(Asking::Risk) => {
                let wanted = is_accepted(&self.typed);
                let words = format!("To accept this, type: {ACCEPTANCE}");
                let (title, act) = ("Allow vendors' own firmware files?", "Allow vendors' files");
                ask(ui, title, &[RISK, &words], act, "The risk, in words", wanted, &mut self.typed)
            }
            Some(Asking::Meter(row, _)) => {
                let serial = plain(row.config.serial.as_deref().unwrap_or_default());
                let wanted = !serial.is_empty() && serial == plain(&self.typed);
                let act = format!("Load {}", row.config.name);
                let title = format!("Load unsigned firmware into {}?", row.config.name);
                let effect = "Its registers and clock are read first. Then pages are erased and written, and the meter \
                              restarts. What breaks off begins again with erasing.";
                ask(ui, &title, &[effect, RISK], &act, "Serial number", wanted, &mut self.typed)
            }
        };
        let Some(answer) = answer else { return };
        match self.asking.take() {
            Some(Asking::Risk) if answer => {
                let accepted = Some(self.typed.clone());
                cx.edit(Edit::VendorFirmware { accepted }, "Vendors' own files are allowed");
            }
            Some(Asking::Meter(row, file)) if answer => {
                let expect = Some(self.expect.trim().to_owned()).filter(|text| !text.is_empty());
                cx.submit(Job::VendorFlash { meter: row.id, plan: Box::new(VendorPlan { file, expect }) });
            }
            _ => {}
        }
    }
}
