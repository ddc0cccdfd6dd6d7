//! Importing a list of meters: how the file is written, what its columns mean, and what each row would do, before
//! anything is done.

mod choices;
mod rows;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::TryRecvError;

use egui::{Align, Key, Layout, Ui, Vec2};

use crate::comms::{Edit, Edited};
use crate::export::roster::{
    Choices, Column, Counts, Fate, Key as RowKey, Known, LARGEST_FILE, Plan, Sheet, Style, guess,
    matching_to_keep, plan, write_rejected,
};
use crate::gui::context::{AppCtx, Command, Maker, stopped};
use crate::gui::data::{Later, Load, Query};
use crate::gui::theme::{Icon, strong};
use crate::gui::widgets::{
    Act, counted, dialog_window, fault_panel, loading, number, room_in_dialog, secondary, small,
};
use crate::model::{Fault, Right};
use crate::store::ListedMeter;

pub(super) use rows::in_words;

use super::saving::Saving;

/// The setting that keeps what columns meant.
const MATCHING: &str = "gui.import-columns";
/// Headers that are remembered.
const REMEMBERED: usize = 400;
/// Width of the choices at the left.
const LEFT: f32 = 320.0;

/// Which rows are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    All,
    New,
    Changed,
    Unchanged,
    Rejected,
}

/// The file as it came.
type Bytes = (Arc<Vec<u8>>, Style);

/// What came of looking at the file with some choices.
struct Looked {
    sheet: Arc<Sheet>,
    plan: Arc<Plan>,
    columns: Vec<Option<Column>>,
    key: RowKey,
    /// Places of the rows of each kind: all, new, changed, unchanged, rejected.
    of_kind: [Vec<usize>; 5],
}

/// The dialog.
pub(super) struct ImportDialog {
    file: PathBuf,
    reading: Option<Later<Bytes>>,
    bytes: Option<Arc<Vec<u8>>>,
    style: Style,
    /// What columns mean; guessed anew where there is nothing.
    columns: Option<Vec<Option<Column>>>,
    choices: Choices,
    roster: Option<Arc<Vec<ListedMeter>>>,
    /// A choice has changed since the file was looked at.
    is_stale: bool,
    looking: Option<Later<Result<Looked, String>>>,
    looked: Option<Result<Looked, String>>,
    failed: Option<Fault>,
    saving: Saving,
    shown: Shown,
    scroll_to: Option<usize>,
    top: usize,
}

fn read(path: &Path) -> Result<Bytes, Fault> {
    let mut bytes = Vec::new();
    let fail = |reason: String| Fault::user(format!("{}: {reason}", path.display()), "choose a CSV file");
    let mut file = File::open(path).map_err(|error| fail(error.to_string()))?.take(LARGEST_FILE + 1);
    file.read_to_end(&mut bytes).map_err(|error| fail(error.to_string()))?;
    let style = Style::detect(&bytes);
    Ok((Arc::new(bytes), style))
}

/// Looks at a file with some choices: on a thread of its own, since it may be long.
fn look(
    bytes: &[u8],
    style: Style,
    columns: Option<Vec<Option<Column>>>,
    kept: &BTreeMap<String, String>,
    mut choices: Choices,
    roster: &[ListedMeter],
) -> Result<Looked, String> {
    let sheet = Sheet::read(bytes, style)?;
    choices.columns = columns.unwrap_or_else(|| {
        let columns = guess(&sheet.header, kept);
        let has = |column: Column| columns.contains(&Some(column));
        if !has(Column::Name) && has(Column::Serial) {
            choices.key = RowKey::Serial;
        }
        columns
    });
    choices.decimal = style.decimal;
    let plan = plan(&sheet, roster, &choices);
    let mut of_kind: [Vec<usize>; 5] = Default::default();
    for (at, row) in plan.rows.iter().enumerate() {
        let kind = match row.fate {
            Fate::New => 1,
            Fate::Changed(_) => 2,
            Fate::Unchanged => 3,
            Fate::Rejected(_) => 4,
        };
        for place in [0, kind] {
            if let Some(list) = of_kind.get_mut(place) {
                list.push(at);
            }
        }
    }
    let Choices { columns, key, .. } = choices;
    Ok(Looked { sheet: Arc::new(sheet), plan: Arc::new(plan), columns, key, of_kind })
}

impl ImportDialog {
    /// Begins to read the file.
    #[must_use]
    pub(super) fn start(cx: &AppCtx, file: PathBuf) -> Self {
        let path = file.clone();
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let cause = format!("import of {name}");
        Self {
            reading: Some(cx.aside("read list", move || read(&path))),
            file,
            bytes: None,
            style: Style::default(),
            columns: None,
            choices: Choices { known: Known::AddAndUpdate, cause, ..Choices::default() },
            roster: None,
            is_stale: true,
            looking: None,
            looked: None,
            failed: None,
            saving: Saving::default(),
            shown: Shown::All,
            scroll_to: None,
            top: 0,
        }
    }

    /// Whether the file is being read or looked at, or the store is being changed.
    #[must_use]
    pub(super) const fn is_waiting(&self) -> bool {
        let is_to_look = self.bytes.is_some() && self.looked.is_none() && self.failed.is_none();
        self.reading.is_some() || self.looking.is_some() || is_to_look || self.saving.is_waiting()
    }

    /// Takes what has come, and looks again where something has changed.
    fn step(&mut self, cx: &mut AppCtx) {
        if let Some(answer) = &self.reading {
            match answer.try_recv() {
                Err(TryRecvError::Empty) => return,
                Err(TryRecvError::Disconnected) => self.failed = Some(stopped()),
                Ok(Err(fault)) => self.failed = Some(fault),
                Ok(Ok((bytes, style))) => (self.bytes, self.style) = (Some(bytes), style),
            }
            self.reading = None;
        }
        if let Some(answer) = &self.looking {
            match answer.try_recv() {
                Err(TryRecvError::Empty) => return,
                Err(TryRecvError::Disconnected) => self.failed = Some(stopped()),
                Ok(Err(fault)) => self.failed = Some(fault),
                Ok(Ok(looked)) => {
                    if let Ok(looked) = &looked {
                        self.columns.get_or_insert_with(|| looked.columns.clone());
                        self.choices.key = looked.key;
                    }
                    self.looked = Some(looked);
                }
            }
            self.looking = None;
        }
        self.look_again(cx);
    }

    fn look_again(&mut self, cx: &mut AppCtx) {
        let Some(bytes) = self.bytes.clone().filter(|_| self.failed.is_none()) else { return };
        let roster = match cx.data.roster(cx.backend.as_ref(), &Query::Roster) {
            Load::Ready(roster) => roster,
            Load::Loading => return,
            Load::Failed(reason) => {
                self.failed = Some(Fault::user(reason, "see that you may read the store"));
                return;
            }
        };
        let kept = match cx.data.setting(cx.backend.as_ref(), &Query::Setting(MATCHING.to_owned())) {
            Load::Ready(text) => text.as_deref().and_then(|text| serde_json::from_str(text).ok()),
            Load::Loading => return,
            Load::Failed(_) => None,
        };
        let is_same = self.roster.as_ref().is_some_and(|known| Arc::ptr_eq(known, &roster));
        if !self.is_stale && is_same || self.saving.is_waiting() {
            return;
        }
        self.is_stale = false;
        self.roster = Some(Arc::clone(&roster));
        let (style, columns) = (self.style, self.columns.clone());
        let choices = Choices { templates: cx.templates.clone(), ..self.choices.clone() };
        let kept: BTreeMap<String, String> = kept.unwrap_or_default();
        self.looking =
            Some(cx.aside("look at list", move || Ok(look(&bytes, style, columns, &kept, choices, &roster))));
    }

    /// Keeps what columns meant for the next file.
    fn remember(&self, cx: &mut AppCtx) {
        let Some(Ok(looked)) = &self.looked else { return };
        let before = cx.data.setting(cx.backend.as_ref(), &Query::Setting(MATCHING.to_owned())).ready();
        let mut kept: BTreeMap<String, String> = before
            .and_then(|text| text.as_deref().and_then(|text| serde_json::from_str(text).ok()))
            .unwrap_or_default();
        kept.extend(matching_to_keep(&looked.sheet.header, &looked.columns));
        while kept.len() > REMEMBERED {
            kept.pop_first();
        }
        if let Ok(value) = serde_json::to_string(&kept) {
            cx.edit(Edit::Setting { key: MATCHING.to_owned(), value }, "");
        }
    }

    /// Draws it; true when it is done with.
    pub(super) fn ui(&mut self, ui: &Ui, cx: &mut AppCtx) -> bool {
        if let Some(Edited::Changed { added, changed }) = self.saving.take(cx) {
            self.remember(cx);
            let name = self.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let words =
                format!("Added {}, changed {}, from {name}", counted(added.len(), "meter"), number(changed));
            cx.notices.done(words);
            return true;
        }
        self.step(cx);
        let mut close = false;
        let width = (ui.ctx().content_rect().width() - 104.0).clamp(720.0, 1240.0);
        let faults = usize::from(self.saving.refused.is_some());
        let size = Vec2::new(width, room_in_dialog(ui, 220.0, faults).min(760.0));
        let modal = dialog_window(ui, "import", size.x, |ui| {
            ui.label(strong("Import meters").size(18.0));
            ui.label(small(ui, self.file.display().to_string()));
            ui.add_space(8.0);
            if let Some(fault) = &self.failed {
                fault_panel(ui, fault);
            } else {
                self.body(ui, size);
            }
            if let Some(fault) = &self.saving.refused {
                fault_panel(ui, fault);
            }
            ui.add_space(8.0);
            close = self.buttons(ui, cx);
        });
        close || modal.should_close() && !self.saving.is_waiting()
    }

    fn body(&mut self, ui: &mut Ui, size: Vec2) {
        ui.horizontal_top(|ui| {
            ui.set_min_height(size.y);
            ui.allocate_ui_with_layout(Vec2::new(LEFT, size.y), Layout::top_down(Align::Min), |ui| {
                ui.set_width(LEFT);
                self.choose(ui, size.y);
            });
            ui.add_space(8.0);
            ui.allocate_ui_with_layout(
                Vec2::new(ui.available_width(), size.y),
                Layout::top_down(Align::Min),
                |ui| self.preview(ui),
            );
        });
    }

    fn preview(&mut self, ui: &mut Ui) {
        match &self.looked {
            None => loading(ui, "the file"),
            Some(Err(reason)) => {
                let advice = "choose at the left how the file is written";
                fault_panel(ui, &Fault::user(reason.as_str(), advice));
            }
            Some(Ok(looked)) => {
                let plan = Arc::clone(&looked.plan);
                if !plan.problems.is_empty() {
                    for problem in plan.problems.iter().take(12) {
                        let advice = "say at the left what the columns mean";
                        fault_panel(ui, &Fault::user(problem.as_str(), advice));
                    }
                    return;
                }
                self.rows(ui, &plan);
            }
        }
    }

    fn buttons(&mut self, ui: &mut Ui, cx: &mut AppCtx) -> bool {
        let mut close = false;
        let looked = self.looked.as_ref().and_then(|looked| looked.as_ref().ok());
        let counts = looked.map(|looked| looked.plan.counts).unwrap_or_default();
        let is_settled = !self.is_waiting() && !self.is_stale;
        let changes_ratios = looked.is_some_and(|looked| looked.plan.changes.touches_ratios());
        let of_ratios = if changes_ratios { cx.why_not(Right::Ratios) } else { None };
        let why_not = cx.why_not(Right::KeepMeters).or(of_ratios);
        let words = match counts {
            _ if self.saving.is_waiting() => "Importing".to_owned(),
            Counts { new: 0, changed: 0, .. } => "Nothing to import".to_owned(),
            Counts { new, changed: 0, .. } => format!("Add {}", counted(new, "meter")),
            Counts { new: 0, changed, .. } => format!("Change {}", counted(changed, "meter")),
            Counts { new, changed, .. } => {
                format!("Add {} and change {}", number(new), counted(changed, "meter"))
            }
        };
        let mut go = false;
        let mut reject = false;
        ui.horizontal(|ui| {
            let ready =
                is_settled && self.failed.is_none() && why_not.is_none() && counts.new + counts.changed > 0;
            let enter = ui.input(|input| input.modifiers.command && input.key_pressed(Key::Enter));
            let act = ui.add(Act::primary(&words).enabled(ready).shortcut("Ctrl+Enter").unless(why_not));
            go = ready && (act.clicked() || enter);
            close = ui.add(Act::plain("Cancel").shortcut("Esc").enabled(!self.saving.is_waiting())).clicked();
            if counts.rejected > 0 {
                let rows = counted(counts.rejected, "row");
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    let save = Act::plain("Save rejected rows…").icon(Icon::Save);
                    reject = ui
                        .add(save.hint("Writes them as they stand, each with its reasons, to be mended"))
                        .clicked();
                    ui.label(secondary(ui, format!("{rows} cannot be taken and will be left out")));
                });
            }
        });
        if go && let Some(looked) = self.looked.as_ref().and_then(|looked| looked.as_ref().ok()) {
            let changes = Box::new(looked.plan.changes.clone());
            self.saving.begin(cx, Edit::ChangeMeters(changes));
        }
        if reject {
            self.save_rejected(cx);
        }
        close
    }

    fn save_rejected(&self, cx: &mut AppCtx) {
        let Some(Ok(looked)) = &self.looked else { return };
        let (sheet, plan) = (Arc::clone(&looked.sheet), Arc::clone(&looked.plan));
        let separator = self.style.separator;
        let maker = Maker::new(move || {
            let mut out = Vec::new();
            write_rejected(&sheet, &plan, separator, &mut out)
                .map_err(|error| Fault::internal(error.to_string()))?;
            Ok(out)
        });
        let stem = self.file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        cx.command(Command::SaveMade("Save rejected rows".to_owned(), format!("{stem}-rejected.csv"), maker));
    }
}
