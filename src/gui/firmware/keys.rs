//! The keys that are trusted to sign packages.

use std::path::PathBuf;

use egui::{Align, Frame, Key, Label, Layout, Margin, ScrollArea, Ui, Vec2};
use egui_extras::{Column, TableBuilder};
use jiff::Timestamp;

use crate::comms::Edit;
use crate::firmware::{MakerKey, PublicKeyFile, TrustedKey};
use crate::gui::context::{AppCtx, Command};
use crate::gui::data::{Load, Query};
use crate::gui::theme::{Icon, ROW, SIZES, mono, strong, tokens};
use crate::gui::widgets::{
    Act, Problem, Tone, dialog_window, empty, heading, instant, loading, problem, secondary,
};
use crate::model::Right;

/// The page of trusted keys.
#[derive(Debug, Default)]
pub(super) struct KeysPage {
    /// A public key's file that was chosen.
    pub(super) offered: Option<PathBuf>,
    /// The key that is to be trusted no longer.
    leaving: Option<PublicKeyFile>,
}

/// What a key signs, in words.
fn signs(key: &PublicKeyFile) -> &'static str {
    match key {
        PublicKeyFile::Packages(_) => "Packages",
        PublicKeyFile::Images(_) => "Images, as maker",
    }
}

/// Asks; what was answered, if anything was.
fn ask(ui: &Ui, title: &str, lines: &[String], act: Act<'_>) -> Option<bool> {
    let mut answer = None;
    let modal = dialog_window(ui, "trust", 480.0, |ui| {
        ui.label(strong(title).size(15.0));
        for line in lines {
            ui.add(Label::new(line).wrap());
        }
        ui.add_space(8.0);
        ui.horizontal(|ui| {
            if ui.add(act).clicked() {
                answer = Some(true);
            }
            let keep = ui.add(Act::plain("Cancel").shortcut("Esc"));
            if ui.memory(|memory| memory.focused().is_none()) {
                keep.request_focus();
            }
            if keep.clicked() || ui.input(|input| input.key_pressed(Key::Escape)) {
                answer = Some(false);
            }
        });
    });
    if modal.should_close() {
        answer.get_or_insert(false);
    }
    answer
}

/// Where there is less room, columns stand closer.
const NARROW: f32 = 760.0;

impl KeysPage {
    /// Whether a dialog is open.
    #[must_use]
    pub(super) const fn has_dialog(&self) -> bool {
        self.offered.is_some() || self.leaving.is_some()
    }

    /// Draws the page.
    pub(super) fn ui(&mut self, ui: &mut Ui, cx: &mut AppCtx) {
        Frame::new().inner_margin(Margin::symmetric(16, 12)).show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.spacing_mut().item_spacing.y = 6.0;
            ui.horizontal(|ui| {
                heading(ui, "Trusted keys");
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    let trust = Act::plain("Trust a key…").icon(Icon::Plus);
                    if ui.add(trust.unless(cx.why_not(Right::TrustKeys))).clicked() {
                        cx.command(Command::ChooseKey);
                    }
                });
            });
            let text = "A package is flashed only when one of these keys signed it. Where a meter's template describes a signature of its maker within the image, one of the makers' keys has to have made that. Trusting a key and withdrawing trust go into the audit chain.";
            ui.add(Label::new(secondary(ui, text)).wrap());
            match cx.data.trusted_keys(cx.backend.as_ref(), &Query::TrustedKeys) {
                Load::Loading => loading(ui, "keys"),
                Load::Failed(reason) => {
                    let title = "The keys cannot be read";
                    problem(ui, &Problem { title, text: &reason, details: reason.clone(), tone: Tone::Bad });
                }
                Load::Ready(keys) if keys.packages.is_empty() && keys.images.is_empty() => {
                    let text = "As long as no key is trusted every package is refused. Choose the public key (.pub) of whoever signs your firmware.";
                    empty(ui, Icon::Lock, "No key is trusted", text, |_| {});
                }
                Load::Ready(keys) => {
                    let packages = keys.packages.iter().map(|row| {
                        let key = TrustedKey { public: row.public, name: row.name.clone() };
                        (PublicKeyFile::Packages(key), row.trusted_at)
                    });
                    let images = keys.images.iter().map(|row| {
                        let key = MakerKey { public: row.public, name: row.name.clone() };
                        (PublicKeyFile::Images(key), row.trusted_at)
                    });
                    self.table(ui, cx, &packages.chain(images).collect::<Vec<_>>());
                }
            }
        });
        self.offer(ui, cx);
        self.withdraw(ui, cx);
    }

    fn table(&mut self, ui: &mut Ui, cx: &AppCtx, keys: &[(PublicKeyFile, Timestamp)]) {
        let is_narrow = ui.available_width() < NARROW;
        ScrollArea::horizontal().show(ui, |ui| {
            ui.spacing_mut().item_spacing = Vec2::ZERO;
            self.rows(ui, cx, keys, is_narrow);
        });
    }

    fn rows(&mut self, ui: &mut Ui, cx: &AppCtx, keys: &[(PublicKeyFile, Timestamp)], is_narrow: bool) {
        let widths = if is_narrow { [120.0, 72.0, 144.0, 124.0] } else { [220.0, 140.0, 180.0, 150.0] };
        let mut table =
            TableBuilder::new(ui).id_salt("trusted keys").cell_layout(Layout::left_to_right(Align::Center));
        for width in widths {
            table = table.column(Column::initial(width).clip(true));
        }
        table = table.column(Column::remainder().at_least(28.0));
        let titles = ["Name", "Signs", "Id", "Trusted since", ""];
        let table = table.header(ROW + 4.0, |mut header| {
            for title in titles {
                header.col(|ui| {
                    let ink = tokens(ui).text_secondary.0;
                    ui.label(strong(title).size(SIZES[0]).color(ink));
                });
            }
        });
        table.body(|body| {
            body.rows(ROW + 8.0, keys.len(), |mut row| {
                let Some((key, since)) = keys.get(row.index()) else { return };
                row.col(|ui| {
                    ui.add(Label::new(key.name()).truncate());
                });
                row.col(|ui| {
                    ui.add(Label::new(signs(key)).truncate());
                });
                row.col(|ui| {
                    ui.add(Label::new(mono(key.id().to_string())).selectable(true));
                });
                row.col(|ui| {
                    ui.label(instant(*since, &cx.zone));
                });
                row.col(|ui| {
                    let words = format!("Withdraw trust in {}…", key.name());
                    let withdraw =
                        if is_narrow { Act::icon_only(Icon::Trash, &words) } else { Act::quiet(&words) };
                    if ui.add(withdraw.small().unless(cx.why_not(Right::TrustKeys))).clicked() {
                        self.leaving = Some(key.clone());
                    }
                });
            });
        });
    }

    fn offer(&mut self, ui: &Ui, cx: &mut AppCtx) {
        let Some(path) = self.offered.clone() else { return };
        let answer = match cx.data.public_key(cx.backend.as_ref(), &Query::PublicKey(path)) {
            Load::Loading => return,
            Load::Failed(reason) => {
                cx.notices.failed(crate::model::Fault::user(reason, "choose the public key's file (.pub)"));
                Some(false)
            }
            Load::Ready(key) => {
                let power = match key.as_ref() {
                    PublicKeyFile::Packages(_) => {
                        "Whoever holds this key can put software into every meter that its packages suit."
                    }
                    PublicKeyFile::Images(_) => {
                        "It is a maker's key: an image is taken for genuine where it signed it. A package that carries the image has to be signed as well, by a key that signs packages."
                    }
                };
                let lines = [
                    format!("Its id is {}. Compare it with what its owner told you another way.", key.id()),
                    power.to_owned(),
                ];
                let name = key.name().to_owned();
                let words = format!("Trust {name}");
                let answer = ask(ui, &format!("Trust the key {name}?"), &lines, Act::danger(&words));
                if answer == Some(true) {
                    let done = format!("{name} is trusted");
                    let edit = match key.as_ref() {
                        PublicKeyFile::Packages(key) => Edit::TrustKey { public: key.public, name },
                        PublicKeyFile::Images(key) => Edit::TrustMakerKey { public: key.public, name },
                    };
                    cx.edit(edit, done);
                }
                answer
            }
        };
        if answer.is_some() {
            self.offered = None;
        }
    }

    fn withdraw(&mut self, ui: &Ui, cx: &mut AppCtx) {
        let Some(key) = &self.leaving else { return };
        let what = match key {
            PublicKeyFile::Packages(_) => "Packages that it signed",
            PublicKeyFile::Images(_) => "Packages with images that it signed",
        };
        let lines = [format!("{what} are refused from now on; campaigns of theirs do not go on.")];
        let words = format!("Withdraw trust in {}", key.name());
        let title = format!("{words} ({})?", key.id());
        let Some(answer) = ask(ui, &title, &lines, Act::danger(&words)) else { return };
        if answer {
            let edit = match key {
                PublicKeyFile::Packages(key) => Edit::UntrustKey { public: key.public },
                PublicKeyFile::Images(key) => Edit::UntrustMakerKey { public: key.public },
            };
            cx.edit(edit, format!("{} is trusted no longer", key.name()));
        }
        self.leaving = None;
    }
}
