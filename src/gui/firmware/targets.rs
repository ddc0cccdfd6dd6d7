//! The meters that a package is to go into, and whether it suits each as far as is known of it.

use std::collections::BTreeSet;
use std::sync::Arc;

use egui::{Align, Label, Layout, Ui, Vec2};
use egui_extras::{Column, TableBuilder};

use crate::drivers::dlms::MeterFirmware;
use crate::firmware::{Fit, Manifest, judge_fit};
use crate::gui::context::{AppCtx, Command, Page};
use crate::gui::data::{Load, PackageFile, Query};
use crate::gui::theme::{Icon, ROW, SIZES, strong, tokens};
use crate::gui::widgets::{
    Act, Problem, Tone, badge, combo, counted, loading, problem, secondary, section, small,
};
use crate::model::{Identity, MeterId};
use crate::store::MeterRow;

/// Rows that are shown at once.
const ROWS: usize = 7;

/// Whether a package suits a meter, as far as is known.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Suits {
    Yes,
    RunsIt,
    GoesBack,
    No(String),
    Unknown,
}

/// Judgements are made anew only when one of these changed.
#[derive(Debug)]
struct Judged {
    package: [u8; 32],
    may_go_back: bool,
    identities: Arc<Vec<(MeterId, Identity)>>,
    all: Vec<Suits>,
}

/// The meters.
#[derive(Debug, Default)]
pub(super) struct Targets {
    /// A group with those below it; the selection where there is none.
    group: Option<String>,
    keep_unfit: bool,
    judged: Option<Judged>,
}

fn judge(manifest: &Manifest, identity: &Identity, may_go_back: bool) -> Suits {
    if identity.firmware.is_none() {
        return Suits::Unknown;
    }
    let letters = |name: &String| {
        let letters = name.get(..3).filter(|text| text.chars().all(|c| c.is_ascii_alphabetic()));
        letters.map(str::to_owned)
    };
    let named = identity.logical_device_name.as_ref();
    let texts = identity.more.iter().map(|(_, value)| value.clone());
    let own = [&identity.model, &identity.maker, &identity.serial, &identity.logical_device_name];
    let meter = MeterFirmware {
        version: identity.firmware.clone(),
        serial: identity.serial.clone(),
        maker: identity.maker.clone().or_else(|| named.and_then(letters)),
        model: identity.model.clone(),
        hardware: None,
        texts: texts.chain(own.into_iter().flatten().cloned()).collect(),
    };
    match judge_fit(manifest, &meter, may_go_back) {
        Ok(Fit::Suits) => Suits::Yes,
        Ok(Fit::RunsIt) => Suits::RunsIt,
        Ok(Fit::Downgrades) => Suits::GoesBack,
        Err(reason) => Suits::No(reason),
    }
}

impl Suits {
    fn ui(&self, ui: &mut Ui) {
        let (word, tone, text) = match self {
            Self::Yes => ("Matches", Tone::Good, ""),
            Self::RunsIt => ("Runs it", Tone::Plain, "it is left as it is"),
            Self::GoesBack => ("Downgrade", Tone::Warn, "allowed by the exception below"),
            Self::No(reason) => ("Does not match", Tone::Bad, reason.as_str()),
            Self::Unknown => ("Not known", Tone::Plain, "its version was never read; it is asked first"),
        };
        badge(ui, word, tone);
        ui.add(Label::new(secondary(ui, text)).truncate()).on_hover_text(text);
    }
}

impl Targets {
    /// Draws them; gives those that are to be flashed, once all is known.
    pub(super) fn ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut AppCtx,
        file: &PackageFile,
        may_go_back: bool,
    ) -> Option<Vec<MeterRow>> {
        section(ui, "Meters");
        let all = match cx.meters() {
            Load::Ready(all) => all,
            Load::Loading | Load::Failed(_) => {
                loading(ui, "meters");
                return None;
            }
        };
        self.which(ui, cx, &all);
        let is_meant = |row: &&MeterRow| match &self.group {
            None => cx.selection.contains(row.id),
            Some(group) => row.config.group.as_ref().is_some_and(|own| {
                own.strip_prefix(group.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            }),
        };
        let meters: Vec<&MeterRow> = all.iter().filter(is_meant).collect();
        if meters.is_empty() {
            ui.label(secondary(ui, "No meter is selected. The selection is the same in every window."));
            if ui.add(Act::primary("Choose meters").icon(Icon::Meters).shortcut("Ctrl+2")).clicked() {
                cx.command(Command::Go(Page::Meters));
            }
            return None;
        }
        let ids = meters.iter().map(|row| row.id).collect();
        let identities = match cx.data.identities(cx.backend.as_ref(), &Query::Identities(ids)) {
            Load::Ready(identities) => identities,
            Load::Loading => {
                loading(ui, "who the meters are");
                return None;
            }
            Load::Failed(reason) => {
                let title = "What is known of the meters cannot be read";
                problem(ui, &Problem { title, text: &reason, details: reason.clone(), tone: Tone::Bad });
                return None;
            }
        };
        self.judge(file, may_go_back, &identities);
        let Some(judged) = &self.judged else { return None };
        table(ui, &meters, &identities, &judged.all);
        let unfit = judged.all.iter().filter(|one| matches!(one, Suits::No(_))).count();
        if unfit > 0 {
            let words = format!("Try those too that do not match ({unfit}): they refuse by themselves");
            ui.checkbox(&mut self.keep_unfit, words);
        }
        let text = "As far as is known from the last reading. Each meter is asked who it is before anything is sent to it.";
        ui.label(small(ui, text));
        let fits = meters.iter().zip(&judged.all);
        let taken = fits.filter(|(_, suits)| self.keep_unfit || !matches!(suits, Suits::No(_)));
        Some(taken.map(|(row, _)| (*row).clone()).collect())
    }

    fn which(&mut self, ui: &mut Ui, cx: &AppCtx, all: &[MeterRow]) {
        let selection = format!("The selection: {}", counted(cx.selection.len(), "meter"));
        let current = self.group.as_ref().map_or_else(|| selection.clone(), |group| format!("Group {group}"));
        let mut groups: BTreeSet<&str> = BTreeSet::new();
        for group in all.iter().filter_map(|row| row.config.group.as_deref()) {
            groups.extend(group.match_indices('/').map(|(at, _)| group.split_at(at).0));
            groups.insert(group);
        }
        combo(ui, "meters to flash", "Which meters", 320.0, current, |ui| {
            if ui.selectable_label(self.group.is_none(), selection).clicked() {
                self.group = None;
            }
            for group in groups {
                let is_it = self.group.as_deref() == Some(group);
                if ui.selectable_label(is_it, format!("Group {group}")).clicked() {
                    self.group = Some(group.to_owned());
                }
            }
        });
    }

    fn judge(&mut self, file: &PackageFile, may_go_back: bool, identities: &Arc<Vec<(MeterId, Identity)>>) {
        let package = file.package.id();
        let is_same = self.judged.as_ref().is_some_and(|judged| {
            judged.package == package
                && judged.may_go_back == may_go_back
                && Arc::ptr_eq(&judged.identities, identities)
        });
        if is_same {
            return;
        }
        let manifest = file.package.manifest();
        let all = identities.iter().map(|(_, identity)| judge(manifest, identity, may_go_back)).collect();
        self.judged = Some(Judged { package, may_go_back, identities: Arc::clone(identities), all });
    }
}

#[allow(clippy::cast_precision_loss, reason = "a height on the screen")]
fn table(ui: &mut Ui, meters: &[&MeterRow], identities: &[(MeterId, Identity)], fits: &[Suits]) {
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing = Vec2::ZERO;
        let height = meters.len().min(ROWS) as f32 * ROW;
        let table = TableBuilder::new(ui)
            .id_salt("meters to flash")
            .cell_layout(Layout::left_to_right(Align::Center))
            .max_scroll_height(height)
            .min_scrolled_height(height)
            .column(Column::initial(180.0).clip(true))
            .column(Column::initial(110.0).clip(true))
            .column(Column::initial(120.0).clip(true))
            .column(Column::remainder().clip(true));
        let titles = ["Meter", "Serial number", "Runs", "Package"];
        let table = table.header(ROW, |mut header| {
            for title in titles {
                header.col(|ui| {
                    let ink = tokens(ui).text_secondary.0;
                    ui.label(strong(title).size(SIZES[0]).color(ink));
                });
            }
        });
        table.body(|body| {
            body.rows(ROW, meters.len(), |mut row| {
                let at = row.index();
                let (Some(meter), Some((_, identity)), Some(fit)) =
                    (meters.get(at), identities.get(at), fits.get(at))
                else {
                    return;
                };
                let texts = [
                    meter.config.name.as_str(),
                    meter.config.serial.as_deref().unwrap_or("not known"),
                    identity.firmware.as_deref().unwrap_or("not read"),
                ];
                for text in texts {
                    row.col(|ui| {
                        ui.add(Label::new(text).truncate());
                    });
                }
                row.col(|ui| {
                    ui.spacing_mut().item_spacing.x = 8.0;
                    fit.ui(ui);
                });
            });
        });
    });
}
