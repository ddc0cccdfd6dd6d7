//! The question before firmware goes into meters: the effect, how many meters, and that number, or the serial number of
//! the one, once more from the keyboard.

use std::sync::Arc;

use egui::{Key, Label, Ui};

use crate::firmware::Package;
use crate::gui::theme::{strong, tokens};
use crate::gui::widgets::{Act, counted, dialog_window, field, instant, secondary, text_field};
use crate::model::{CampaignPlan, FlashActivation, MeterId};
use crate::store::MeterRow;

/// Names that are listed one by one.
const LISTED: usize = 8;
/// Width of the dialog's contents.
const WIDTH: f32 = 480.0;

/// The question.
#[derive(Debug)]
pub(super) struct Confirmation {
    pub(super) package: Arc<Package>,
    pub(super) plan: CampaignPlan,
    meters: Vec<MeterRow>,
    typed: String,
}

/// Letters and digits alone.
fn plain(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_uppercase()
}

impl Confirmation {
    pub(super) const fn new(package: Arc<Package>, plan: CampaignPlan, meters: Vec<MeterRow>) -> Self {
        Self { package, plan, meters, typed: String::new() }
    }

    /// The meters, in order.
    pub(super) fn ids(&self) -> Vec<MeterId> {
        self.meters.iter().map(|row| row.id).collect()
    }

    /// What has to be typed; nothing where the one meter's serial number is not known.
    fn wanted(&self) -> Option<String> {
        match self.meters.as_slice() {
            [one] => one.config.serial.clone().filter(|serial| !plain(serial).is_empty()),
            many => Some(many.len().to_string()),
        }
    }

    fn is_confirmed(&self) -> bool {
        self.wanted().is_some_and(|wanted| plain(&wanted) == plain(&self.typed))
    }

    fn words(&self) -> String {
        let version = &self.package.manifest().version;
        match self.meters.as_slice() {
            [one] => {
                format!("Flash {version} into {}", one.config.serial.as_ref().unwrap_or(&one.config.name))
            }
            many => format!("Flash {version} into {} meters", many.len()),
        }
    }

    fn effect(&self, ui: &mut Ui, zone: &jiff::tz::TimeZone) {
        let effect = match self.plan.activation {
            FlashActivation::Now => "Each meter is backed up, takes the image, and restarts with it. For some minutes it cannot be read; it goes on measuring as its maker says. There is no way back but a package of the old version.".to_owned(),
            FlashActivation::Never => "Each meter is backed up and takes the image. Nothing activates it: the meters run on as they are.".to_owned(),
            FlashActivation::At(at) => format!(
                "Each meter is backed up and takes the image. By itself it restarts with it at {}.",
                instant(at, zone)
            ),
        };
        ui.add(Label::new(effect).wrap());
        if let Some(reason) = &self.plan.downgrade {
            let text = format!("An older version may replace a later one, because: {reason}");
            ui.add(Label::new(egui::RichText::new(text).color(tokens(ui).warn.0)).wrap());
        }
        if self.plan.canary > 0 {
            let canary = usize::try_from(self.plan.canary).unwrap_or(usize::MAX).min(self.meters.len());
            let most = self.plan.most_failures().unwrap_or(0);
            let text = format!(
                "{} first; when more than {most} fail, no further meter is begun.",
                counted(canary, "meter")
            );
            ui.label(secondary(ui, text));
        }
    }

    /// Draws it; whether it was confirmed, once it is answered.
    pub(super) fn ui(&mut self, ui: &Ui, zone: &jiff::tz::TimeZone) -> Option<bool> {
        let mut answer = None;
        let modal = dialog_window(ui, "flash", WIDTH, |ui| {
            ui.add(Label::new(strong(format!("{}?", self.words())).size(15.0)).wrap());
            for row in self.meters.iter().take(LISTED) {
                let serial = row.config.serial.as_deref().unwrap_or("serial number not known");
                ui.label(format!("· {}, {serial}", row.config.name));
            }
            if self.meters.len() > LISTED {
                ui.label(secondary(ui, format!("and {} more", self.meters.len() - LISTED)));
            }
            self.effect(ui, zone);
            ui.add_space(8.0);
            let focus = self.question(ui);
            ui.add_space(8.0);
            ui.horizontal(|ui| {
                let (words, ready) = (self.words(), self.is_confirmed());
                if ui.add(Act::danger(&words).enabled(ready)).clicked() {
                    answer = Some(true);
                }
                let cancel = ui.add(Act::plain("Flash nothing").shortcut("Esc"));
                if ui.memory(|memory| memory.focused().is_none()) {
                    focus.unwrap_or_else(|| cancel.clone()).request_focus();
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

    fn question(&mut self, ui: &mut Ui) -> Option<egui::Response> {
        let Some(wanted) = self.wanted() else {
            let text = "Its serial number is not known, so that nobody can confirm it: read the meter first.";
            ui.add(Label::new(egui::RichText::new(text).color(tokens(ui).warn.0)).wrap());
            return None;
        };
        let (name, wrong) = match self.meters.as_slice() {
            [_] => ("Serial number", "This is not its serial number"),
            _ => ("Number of meters", "This is not how many they are"),
        };
        let is_wrong = !plain(&wanted).starts_with(&plain(&self.typed));
        let remark = match (is_wrong, self.is_confirmed()) {
            (true, _) => wrong,
            (_, true) => "Confirmed",
            _ => "Type it to confirm",
        };
        Some(field(ui, name, Some((remark, is_wrong)), |ui| {
            text_field(ui, &mut self.typed, "", WIDTH, false)
        }))
    }
}
