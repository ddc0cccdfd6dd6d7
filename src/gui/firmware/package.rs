//! What a package is worth: who signed it, whether it may be used, and what it says of its image.

use egui::{Label, Ui};

use crate::firmware::{Manifest, PackageError};
use crate::gui::context::{AppCtx, Command};
use crate::gui::data::PackageFile;
use crate::gui::theme::{Icon, mono, strong};
use crate::gui::widgets::{
    Act, Problem, Tone, badge, grouped, instant, key_value, problem, secondary, small,
};

use super::Wish;

/// Why a package is refused, and what has to be done about it.
fn advice(file: &PackageFile, reason: &str) -> &'static str {
    let package = &file.package;
    let names_key = package.signer().is_some_and(|id| reason.contains(&id.to_string()));
    if package.signer().is_none() {
        "Whoever made the image signs it (`meterwright firmware pack --key …`). An unsigned package is never flashed, whatever right somebody has."
    } else if names_key && !file.is_signer_trusted {
        "If you know whose key this is, and its id was told to you another way, an administrator of this store may trust it under Trusted keys."
    } else if reason.contains("expire") || reason.contains("before") {
        "Ask its maker for a package that is valid now. Nobody's right overrides its dates."
    } else {
        "Get the package again from whoever signed it. No right overrides this."
    }
}

fn list(texts: &[String], none: &str) -> String {
    if texts.is_empty() { none.to_owned() } else { texts.join(", ") }
}

/// The least width of a column.
const COLUMN: f32 = 330.0;

fn manifest_ui(ui: &mut Ui, cx: &AppCtx, manifest: &Manifest) {
    let maker = if manifest.maker.is_empty() { "Any" } else { manifest.maker.as_str() };
    // Where two of them would stand too close, one column holds all.
    let count = if ui.available_width() < 2.0 * COLUMN { 1 } else { 2 };
    ui.columns(count, |columns| {
        for ui in columns.iter_mut() {
            ui.spacing_mut().item_spacing.y = 4.0;
        }
        let Some(left) = columns.first_mut() else { return };
        key_value(left, "Version", strong(&manifest.version));
        key_value(left, "Replaces", list(&manifest.replaces, "Any earlier version"));
        key_value(left, "Image", format!("{} bytes", grouped(&manifest.size.to_string())));
        key_value(left, "Identifier", mono(manifest.image_identifier.to_string()));
        let Some(right) = columns.last_mut() else { return };
        key_value(right, "Maker", maker);
        key_value(right, "Models", list(&manifest.models, "Any"));
        key_value(right, "Hardware", list(&manifest.hardware_revisions, "Any"));
    });
    key_value(ui, "SHA-256", mono(manifest.sha256.to_string()));
    if let Some(from) = manifest.not_before {
        key_value(ui, "Not before", instant(from, &cx.zone));
    }
    if let Some(end) = manifest.expires {
        key_value(ui, "Expires", instant(end, &cx.zone));
    }
    if !manifest.notes.is_empty() {
        key_value(ui, "Notes", manifest.notes.as_str());
    }
}

/// Draws an opened package.
pub(super) fn inspection(ui: &mut Ui, cx: &mut AppCtx, file: &PackageFile) -> Option<Wish> {
    let mut wish = None;
    let package = &file.package;
    ui.horizontal_wrapped(|ui| {
        let name = package.path().file_name().unwrap_or_default().to_string_lossy().into_owned();
        ui.label(strong(name).size(15.0));
        match &file.verdict {
            Ok(key) => {
                badge(ui, "Valid", Tone::Good);
                ui.label(secondary(ui, format!("signed by {} ({})", key.name, key.id())));
            }
            Err(_) => {
                badge(ui, "Refused", Tone::Bad);
            }
        }
        if ui.add(Act::quiet("Another package…").small().icon(Icon::Folder)).clicked() {
            cx.command(Command::ChoosePackage);
        }
    });
    ui.add(Label::new(small(ui, package.path().display().to_string())).truncate());
    if let Err(error) = &file.verdict {
        let title = match error {
            PackageError::Refused(reason) => format!("This package must not be flashed: {reason}"),
            PackageError::Broken { reason, .. } => format!("This package is broken: {reason}"),
        };
        let advice = advice(file, &error.to_string());
        problem(ui, &Problem { title: &title, text: advice, details: error.to_string(), tone: Tone::Bad });
        if package.signer().is_some() && !file.is_signer_trusted {
            let act = Act::plain("Show the trusted keys").icon(Icon::Lock);
            if ui.add(act).clicked() {
                wish = Some(Wish::Keys);
            }
        }
        ui.add_space(4.0);
    }
    manifest_ui(ui, cx, package.manifest());
    wish
}
