//! Meter Manager: tree of groups, table, inspector; the forms to add, change, remove and import meters.

mod acting;
mod bulk;
mod clock;
mod control;
mod expected;
mod export;
mod form;
mod form_ui;
mod groups;
mod import;
mod inspector;
mod point;
mod remove;
mod rows;
mod saving;
mod table;
mod tree;
mod trial;

use std::collections::BTreeSet;
use std::path::PathBuf;

use egui::{Align, Frame, Label, Layout, Margin, Panel, Popup, Stroke, Ui};

use crate::drivers::ClockWay;
use crate::model::{MeterId, Right, What};
use crate::store::GROUPS_SETTING;

use super::context::{AppCtx, Command, Page, usual_reading};
use super::data::reader::zone_named;
use super::data::{Load, Query};
use super::rights::entry;
use super::theme::{Icon, tokens};
use super::widgets::{Act, Problem, Tone, counted, heading, loading, number, problem, small};

pub(super) use control::Deed;
pub(super) use expected::Expected;
pub(super) use groups::GroupDeed;
pub(super) use point::PointDeed;

use bulk::BulkDialog;
use control::Confirmation;
use export::ExportDialog;
use form_ui::FormDialog;
use groups::GroupDialog;
use import::{ImportDialog, in_words};
use remove::Removal;
use rows::{Arranged, Filter};

/// Where there is less room, the toolbar is laid out more closely.
const NARROW: f32 = 440.0;

/// The Meter Manager.
pub(super) struct MeterManager {
    search: String,
    filter: Filter,
    arranged: Arranged,
    tree: tree::Tree,
    table: table::TableState,
    tab: inspector::Tab,
    what: BTreeSet<What>,
    form: Option<FormDialog>,
    removal: Option<Removal>,
    confirmation: Option<Confirmation>,
    point: Option<point::Dialog>,
    import: Option<ImportDialog>,
    bulk: Option<BulkDialog>,
    export: Option<ExportDialog>,
    group: Option<GroupDialog>,
}

impl Default for MeterManager {
    fn default() -> Self {
        Self {
            search: String::new(),
            filter: Filter::All,
            arranged: Arranged::default(),
            tree: tree::Tree::default(),
            table: table::TableState::default(),
            tab: inspector::Tab::Overview,
            what: usual_reading(),
            form: None,
            removal: None,
            confirmation: None,
            point: None,
            import: None,
            bulk: None,
            export: None,
            group: None,
        }
    }
}

impl MeterManager {
    /// Opens the form for a new meter.
    pub(super) fn add(&mut self) {
        let group = match &self.filter {
            Filter::Group(path) => Some(path.clone()),
            _ => None,
        };
        self.form = Some(FormDialog::add(group));
    }

    /// Opens the form of a meter.
    pub(super) fn edit(&mut self, cx: &mut AppCtx, id: MeterId) {
        if let Some(row) = cx.meter(id) {
            self.form = Some(FormDialog::edit(id, &row.config));
        }
    }

    /// Opens the form of one meter, or of what many have in common.
    pub(super) fn edit_many(&mut self, cx: &mut AppCtx, ids: &[MeterId]) {
        match ids {
            [] => {}
            [one] => self.edit(cx, *one),
            many => self.bulk = Some(BulkDialog::new(many)),
        }
    }

    /// Asks which meters to write to a file.
    pub(super) fn export(&mut self, cx: &AppCtx) {
        self.export = Some(ExportDialog::new(&self.arranged.ids, &cx.selection.ids()));
    }

    /// Opens a dialog about groups.
    pub(super) fn group(&mut self, deed: GroupDeed) {
        self.group = Some(GroupDialog::new(deed));
    }

    /// Asks whether to remove meters.
    pub(super) fn remove(&mut self, cx: &mut AppCtx, ids: &[MeterId]) {
        let meters = cx.meters().ready().unwrap_or_default();
        let named: Vec<(MeterId, String)> = meters
            .iter()
            .filter(|meter| ids.contains(&meter.id))
            .map(|meter| (meter.id, meter.config.name.clone()))
            .collect();
        if !named.is_empty() {
            self.removal = Some(Removal::new(named));
        }
    }

    /// Asks whether to act on meters.
    pub(super) fn ask(&mut self, cx: &mut AppCtx, ids: &[MeterId], deed: Deed) {
        let meters = cx.meters().ready().unwrap_or_default();
        let rows: Vec<_> = meters.iter().filter(|meter| ids.contains(&meter.id)).collect();
        if !rows.is_empty() {
            self.confirmation = Some(Confirmation::new(deed, &rows));
        }
    }

    /// Opens a dialog about the point of a meter.
    pub(super) fn open_point(&mut self, cx: &mut AppCtx, id: MeterId, deed: PointDeed) {
        let view = cx.data.point(cx.backend.as_ref(), &Query::Point(id)).ready();
        let point = view.and_then(|view| view.point.clone());
        if let Some((row, point)) = cx.meter(id).zip(point) {
            let zone = row
                .config
                .time_zone
                .as_deref()
                .map_or_else(|| cx.zone.clone(), |name| zone_named(Some(name)));
            self.point = point::Dialog::open(deed, &row, &point, (cx.now)(), &zone);
        }
    }

    /// Reads a CSV file and shows what it would add.
    pub(super) fn import(&mut self, cx: &AppCtx, path: PathBuf) {
        self.import = Some(ImportDialog::start(cx, path));
    }

    /// Whether a dialog is open.
    #[must_use]
    pub(super) const fn has_dialog(&self) -> bool {
        self.form.is_some()
            || self.removal.is_some()
            || self.confirmation.is_some()
            || self.import.is_some()
            || self.point.is_some()
            || self.bulk.is_some()
            || self.export.is_some()
            || self.group.is_some()
    }

    /// Whether a dialog waits for an answer.
    #[must_use]
    pub(super) fn is_waiting(&self) -> bool {
        self.form.as_ref().is_some_and(FormDialog::is_waiting)
            || self.import.as_ref().is_some_and(ImportDialog::is_waiting)
            || self.point.as_ref().is_some_and(point::Dialog::is_waiting)
            || self.bulk.as_ref().is_some_and(BulkDialog::is_waiting)
            || self.group.as_ref().is_some_and(GroupDialog::is_waiting)
    }

    /// The dialogs, which stand over every page.
    pub(super) fn dialogs(&mut self, ui: &Ui, cx: &mut AppCtx) {
        if self.form.as_mut().is_some_and(|form| form.ui(ui, cx)) {
            self.form = None;
        }
        if self.removal.as_mut().is_some_and(|removal| removal.ui(ui, cx)) {
            self.removal = None;
        }
        if self.confirmation.as_mut().is_some_and(|confirmation| confirmation.ui(ui, cx)) {
            self.confirmation = None;
        }
        if self.point.as_mut().is_some_and(|point| point.ui(ui, cx)) {
            self.point = None;
        }
        if self.import.as_mut().is_some_and(|import| import.ui(ui, cx)) {
            self.import = None;
        }
        if self.bulk.as_mut().is_some_and(|bulk| bulk.ui(ui, cx)) {
            self.bulk = None;
        }
        if self.export.as_mut().is_some_and(|export| export.ui(ui, cx)) {
            self.export = None;
        }
        let groups = self.tree.paths();
        if self.group.as_mut().is_some_and(|group| group.ui(ui, cx, groups)) {
            self.group = None;
        }
    }

    /// Draws the page.
    pub(super) fn ui(&mut self, ui: &mut Ui, cx: &mut AppCtx) {
        let t = tokens(ui);
        let meters = match cx.meters() {
            Load::Ready(meters) => meters,
            Load::Loading => {
                Frame::new().inner_margin(Margin::same(16)).show(ui, |ui| loading(ui, "meters"));
                return;
            }
            Load::Failed(reason) => {
                Frame::new().inner_margin(Margin::same(16)).show(ui, |ui| {
                    let text = "What to try: see that the store's file exists and that you may read it";
                    let title = format!("The meters cannot be read: {reason}");
                    problem(ui, &Problem { title: &title, text, details: reason.clone(), tone: Tone::Bad });
                });
                return;
            }
        };
        cx.settle_selection(&meters);
        let version = cx.data.meters_version;
        self.arranged.update(&meters, version, &self.filter, &self.search, self.table.sort);
        let made = cx.data.setting(cx.backend.as_ref(), &Query::Setting(GROUPS_SETTING.to_owned()));
        let made = made.ready();
        self.tree.update(&meters, version, made.as_ref().and_then(|text| text.as_deref()));

        let line = Stroke::new(1.0, t.border.0);
        let frame =
            Frame::new().fill(t.canvas.0).inner_margin(Margin { left: 8, right: 8, top: 12, bottom: 8 });
        Panel::left("groups")
            .resizable(true)
            .default_size(if ui.available_width() < 1000.0 { 160.0 } else { 200.0 })
            .size_range(140.0..=360.0)
            .frame(frame)
            .show(ui, |ui| match self.tree.ui(ui, cx, &self.filter) {
                Some(tree::Wish::Show(filter)) => self.filter = filter,
                Some(tree::Wish::Deed(deed)) => cx.command(Command::Group(deed)),
                None => {}
            });
        let frame = Frame::new().fill(t.surface.0).inner_margin(Margin::ZERO);
        let inspector =
            Panel::right("inspector").resizable(true).default_size(340.0).size_range(340.0..=520.0);
        inspector.frame(frame).show(ui, |ui| {
            inspector::ui(ui, cx, &mut self.tab);
        });
        let toolbar = Frame::new().fill(t.canvas.0).inner_margin(Margin::symmetric(16, 12));
        Panel::top("meter toolbar")
            .show_separator_line(false)
            .frame(toolbar)
            .show(ui, |ui| self.toolbar(ui, cx));
        let inner = ui.available_rect_before_wrap();
        ui.painter().hline(inner.x_range(), inner.top(), line);
        ui.painter().rect_filled(inner, 0.0, t.surface.0);
        self.table.ui(ui, cx, &meters, &self.arranged, &mut self.search);
        tree::dragged(ui);
    }

    fn toolbar(&mut self, ui: &mut Ui, cx: &mut AppCtx) {
        let is_narrow = ui.available_width() < NARROW;
        ui.horizontal(|ui| {
            heading(ui, "Meters");
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                // From right to left, so that the main thing stands at the edge.
                if is_narrow {
                    more(ui, cx);
                    add(ui, cx, true);
                } else {
                    self.read(ui, cx, false);
                    add(ui, cx, false);
                    more(ui, cx);
                }
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    let shown = self.arranged.ids.len();
                    let text = match cx.selection.len() {
                        0 | 1 => format!("{} shown", number(shown)),
                        many => format!("{} of {} selected", number(many), number(shown)),
                    };
                    ui.add(Label::new(small(ui, text)).truncate());
                });
            });
        });
        ui.add_space(4.0);
        ui.horizontal(|ui| {
            if !is_narrow {
                self.filter_field(ui);
                return;
            }
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                self.read(ui, cx, true);
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| self.filter_field(ui));
            });
        });
    }

    fn filter_field(&mut self, ui: &mut Ui) {
        let room = if self.search.is_empty() { 16.0 } else { 60.0 };
        let edit = egui::TextEdit::singleline(&mut self.search)
            .hint_text(
                egui::RichText::new("Filter by name, serial number, group or line")
                    .color(tokens(ui).text_secondary.0),
            )
            .margin(Margin::symmetric(8, 5))
            .desired_width((ui.available_width() - room).clamp(64.0, 360.0));
        ui.add(edit).accessible_name("Filter the table");
        if !self.search.is_empty() && ui.add(Act::icon_only(Icon::Cross, "Clear the filter")).clicked() {
            self.search.clear();
        }
    }

    /// What reads the selection, from right to left.
    fn read(&mut self, ui: &mut Ui, cx: &mut AppCtx, is_narrow: bool) {
        let selected = cx.selection.ids();
        let words = match selected.len() {
            0 | 1 => "Read now".to_owned(),
            many if is_narrow => format!("Read {} now", number(many)),
            many => format!("Read {} now", counted(many, "meter")),
        };
        let more = ui.add(Act::icon_only(Icon::ChevronDown, "Choose what to read").framed());
        Popup::menu(&more).close_behavior(egui::PopupCloseBehavior::CloseOnClickOutside).show(|ui| {
            self.what_menu(ui, cx);
        });
        ui.add_space(-4.0);
        let read = Act::primary(&words).icon(Icon::Play).shortcut("F5").enabled(!selected.is_empty());
        if ui
            .add(
                read.hint("Reads what was chosen from where the store ends")
                    .unless(cx.why_not(Right::ReadMeters)),
            )
            .clicked()
        {
            cx.command(Command::Read(selected, self.what.clone()));
        }
    }

    fn what_menu(&mut self, ui: &mut Ui, cx: &mut AppCtx) {
        ui.set_min_width(240.0);
        ui.label(small(ui, "What Read now reads"));
        for (what, _) in What::ALL {
            let mut on = self.what.contains(&what);
            let words = what.in_words().trim_start_matches("the ");
            let mut title = words.to_owned();
            if let Some(first) = title.get_mut(..1) {
                first.make_ascii_uppercase();
            }
            if ui.checkbox(&mut on, title).changed() {
                if on {
                    self.what.insert(what)
                } else {
                    self.what.remove(&what)
                };
            }
        }
        ui.separator();
        let ready = !cx.selection.is_empty() && !self.what.is_empty();
        let read = Act::primary("Read these").enabled(ready).unless(cx.why_not(Right::ReadMeters));
        if ui.add(read).clicked() {
            cx.command(Command::Read(cx.selection.ids(), self.what.clone()));
            ui.close();
        }
    }
}

/// The way to the form of a new meter.
fn add(ui: &mut Ui, cx: &mut AppCtx, is_narrow: bool) {
    let words = "Add meter…";
    let act = if is_narrow { Act::icon_only(Icon::Plus, words) } else { Act::plain(words).icon(Icon::Plus) };
    if ui.add(act.shortcut("Ctrl+N").unless(cx.why_not(Right::KeepMeters))).clicked() {
        cx.command(Command::AddMeter);
    }
}

/// Everything else that can be done with the list and the selection.
fn more(ui: &mut Ui, cx: &mut AppCtx) {
    let selected = cx.selection.ids();
    let more = ui.add(Act::icon_only(Icon::More, "More"));
    Popup::menu(&more).show(|ui| {
        ui.set_min_width(220.0);
        entry(ui, cx, "Import meters from CSV…", "", Command::ImportMeters);
        entry(ui, cx, "Save the list as CSV…", "", Command::ExportMeters);
        ui.separator();
        ui.add_enabled_ui(!selected.is_empty(), |ui| {
            let words = match selected.len() {
                0 | 1 => "Edit meter…".to_owned(),
                many => format!("Edit {}…", counted(many, "meter")),
            };
            entry(ui, cx, &words, "F2", Command::EditMeters(selected.clone()));
            let group = Command::Group(GroupDeed::Meters(selected.clone(), None));
            entry(ui, cx, "Move to a group…", "", group);
            ui.separator();
            let clocks = if selected.len() > 1 {
                format!("{}…", counted(selected.len(), "clock"))
            } else {
                "clock…".to_owned()
            };
            for (verb, way) in [("Set", ClockWay::Set), ("Adjust", ClockWay::Adjust)] {
                let ask = Command::Ask(selected.clone(), Deed::Clock(way));
                entry(ui, cx, &format!("{verb} {clocks}"), "", ask);
            }
            ui.separator();
            let words = if selected.len() > 1 {
                format!("Remove {}…", counted(selected.len(), "meter"))
            } else {
                "Remove meter…".to_owned()
            };
            entry(ui, cx, &words, "Delete", Command::RemoveMeters(selected.clone()));
        });
        ui.separator();
        entry(ui, cx, "Open in its own window", "", Command::Detach(Page::Meters));
    });
}
