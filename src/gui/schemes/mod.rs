//! Scheme Manager: the open schemes and their pages at the left, the page in the middle, at the right what is wrong
//! and what is on.
//!
//! A page changes the document in place ([`editing::Editing`]); here it is compared with what it was, and a change
//! becomes a step to undo, is checked anew, and is kept aside until it is saved.

mod bills;
mod compare_days;
mod compare_page;
mod day;
mod days;
mod dialogs;
mod draft;
mod dry_run;
mod editing;
mod forms;
mod history;
mod import;
mod keep;
mod list;
mod meter_clock;
mod opened;
mod pattern;
mod program;
mod program_runs;
mod proving;
mod seasons;
mod side;
mod special;
mod strip;
mod tab;
mod toolbar;
mod weeks;
mod which;
mod year;

use std::path::PathBuf;
use std::sync::mpsc::TryRecvError;
use std::time::Duration;

use egui::{Frame, Key, Margin, Modifiers, Panel, ScrollArea, Stroke, Ui};

use crate::scheme::Document;

use super::context::{AppCtx, Command};
use super::data::{Later, SchemeFile};
use super::theme::{Icon, tokens};
use super::widgets::{Act, empty, fault_panel, loading, small};

use days::Days;
use dialogs::Dialog;
use draft::Draft;
use editing::Editing;
use history::Run;
use import::Import;
use keep::{Found, Keeper};
use meter_clock::MeterClock;
use opened::{Opened, Outcome, State};
use proving::{Other, Proof, ProofPage, Subject, Wish};
use side::Side;
use special::Specials;
use tab::Tab;
use weeks::Weeks;
use which::Which;
use year::Year;

pub(super) use import::read_file as read_holiday_file;

/// Below this width problems stand under the page, not beside it.
const NARROW: f32 = 860.0;

/// Unsaved work of an earlier run.
#[derive(Debug, Default)]
enum LeftBehind {
    /// Not looked for yet.
    #[default]
    Unknown,
    Looking(Later<Vec<Found>>),
    /// What is offered.
    Offered(Vec<Found>),
}

/// The Scheme Manager.
#[derive(Debug)]
pub(super) struct SchemeManager {
    open: Vec<Opened>,
    chosen: usize,
    tab: Tab,
    /// The page before the year was looked at.
    before_year: Tab,
    /// Which tariff the pages show.
    which: Which,
    days: Days,
    weeks: Weeks,
    specials: Specials,
    side: Side,
    year: Year,
    proof: Proof,
    dialog: Option<Dialog>,
    /// Place of a problem that was clicked in this frame.
    go_to: Option<String>,
    keeper: Option<Keeper>,
    left_behind: LeftBehind,
    /// Numbers of schemes, presses, and of what is kept.
    next_key: u64,
    presses: u64,
    kept_number: u64,
}

impl Default for SchemeManager {
    fn default() -> Self {
        Self {
            open: Vec::new(),
            chosen: 0,
            tab: Tab::Days,
            before_year: Tab::Days,
            which: Which::InForce,
            days: Days::default(),
            weeks: Weeks::default(),
            specials: Specials::default(),
            side: Side::default(),
            year: Year::default(),
            proof: Proof::default(),
            dialog: None,
            go_to: None,
            keeper: None,
            left_behind: LeftBehind::Unknown,
            next_key: 0,
            presses: 0,
            kept_number: 0,
        }
    }
}

/// The colour of a register: its own, as the scheme says.
fn register_colour(document: &Document, id: &str) -> Option<egui::Color32> {
    let register = document.registers.energy.iter().find(|register| register.id == id)?;
    let [red, green, blue] = register.colour.0;
    Some(egui::Color32::from_rgb(red, green, blue))
}

/// What a register is called: its title, or its id where it has none.
fn register_title<'a>(document: &'a Document, id: &'a str) -> &'a str {
    let energy = document.registers.energy.iter().map(|register| (&register.id, &register.title));
    let demand = document.registers.demand.iter().map(|register| (&register.id, &register.title));
    let found = energy.chain(demand).find(|(one, _)| *one == id).map(|(_, title)| title.as_str());
    found.filter(|title| !title.is_empty()).unwrap_or(id)
}

const STEP_NAME: &str = "scheme step";

/// Names what this frame changes, for *Undo*; a page that says nothing has its title named.
fn name_step(ui: &Ui, name: impl Into<String>) {
    ui.data_mut(|data| data.insert_temp(egui::Id::unique(STEP_NAME), name.into()));
}

fn take_step_name(ui: &Ui) -> Option<String> {
    ui.data_mut(|data| data.remove_temp(egui::Id::unique(STEP_NAME)))
}

impl SchemeManager {
    fn key(&mut self) -> u64 {
        self.next_key += 1;
        self.next_key
    }

    fn add(&mut self, opened: Opened) {
        self.open.push(opened);
        self.chosen = self.open.len() - 1;
    }

    /// Opens a scheme file.
    pub(super) fn open(&mut self, cx: &AppCtx, path: PathBuf) {
        match self.open.iter().position(|one| one.path.as_ref() == Some(&path)) {
            Some(at) => self.chosen = at,
            None => {
                let key = self.key();
                self.add(Opened::read(cx, key, path));
            }
        }
    }

    /// A scheme that is saved nowhere yet.
    fn begin(&mut self, document: Document) {
        let key = self.key();
        self.add(Opened::with(key, None, Draft::new(document, None)));
        self.tab = Tab::Days;
    }

    /// Asks what a new scheme begins with.
    pub(super) fn ask_new(&mut self) {
        self.dialog = Some(Dialog::fresh());
    }

    /// Writes an open scheme to a file that was chosen for it. `asked`: whether it may go over a file that is there.
    pub(super) fn save_as(&mut self, cx: &AppCtx, key: u64, path: PathBuf, asked: bool) {
        if let Some(opened) = self.open.iter_mut().find(|one| one.key == key) {
            opened.save(cx, with_ending(path), asked);
        }
    }

    /// Reads a list of holidays for an open scheme.
    pub(super) fn import_holidays(&mut self, cx: &AppCtx, key: u64, path: PathBuf) {
        let draft = self.open.iter().find(|one| one.key == key).and_then(Opened::draft);
        if let Some(draft) = draft {
            self.dialog = Some(Dialog::Holidays(Import::new(cx, key, self.which, &draft.document, path)));
        }
    }

    /// Whether a question is open.
    pub(super) fn has_dialog(&self) -> bool {
        self.dialog.is_some()
    }

    /// Takes what has come since the last frame, on whatever page the window stands; keeps unsaved work aside.
    pub(super) fn begin_frame(&mut self, ui: &Ui, cx: &mut AppCtx) {
        if ui.input(|input| input.pointer.any_pressed()) {
            self.presses += 1;
        }
        let mut outcomes = Vec::new();
        for opened in &mut self.open {
            outcomes.extend(opened.begin_frame(cx).map(|outcome| (opened.key, outcome)));
        }
        for (key, outcome) in outcomes {
            self.saved(cx, key, outcome);
        }
        if self.open.iter().any(Opened::is_waiting) {
            ui.ctx().request_repaint_after(Duration::from_millis(100));
        }
        self.look_behind(cx);
        self.keep_aside(ui, cx);
    }

    fn saved(&mut self, cx: &mut AppCtx, key: u64, outcome: Outcome) {
        match outcome {
            Outcome::Saved(path) => {
                cx.prefs.remember(&path.display().to_string());
                cx.keep_prefs();
                cx.notices.done(format!("Saved {}", path.display()));
                if self.dialog.as_ref().is_some_and(|dialog| dialog.closes_after_saving(key)) {
                    self.dialog = None;
                    self.close(cx, key);
                }
            }
            Outcome::Changed(path) => self.dialog = Some(Dialog::changed(key, path)),
            Outcome::Failed(fault) => {
                self.dialog = None;
                cx.notices.failed(fault);
            }
        }
    }

    fn look_behind(&mut self, cx: &mut AppCtx) {
        match &self.left_behind {
            LeftBehind::Unknown => {
                let keeper = cx.backend.drafts_folder().map(|folder| Keeper::new(folder, (cx.now)()));
                self.left_behind = match keeper.clone() {
                    Some(keeper) => {
                        LeftBehind::Looking(cx.aside("unsaved work", move || keeper.left_behind()))
                    }
                    None => LeftBehind::Offered(Vec::new()),
                };
                self.keeper = keeper;
            }
            LeftBehind::Looking(answer) => match answer.try_recv() {
                Err(TryRecvError::Empty) => {}
                Ok(Ok(found)) => {
                    if !found.is_empty() {
                        cx.notices.done("Unsaved schemes of an earlier run wait in the Scheme Manager");
                    }
                    self.left_behind = LeftBehind::Offered(found);
                }
                Ok(Err(fault)) => {
                    cx.notices.failed(fault);
                    self.left_behind = LeftBehind::Offered(Vec::new());
                }
                Err(TryRecvError::Disconnected) => self.left_behind = LeftBehind::Offered(Vec::new()),
            },
            LeftBehind::Offered(_) => {}
        }
    }

    fn keep_aside(&mut self, ui: &Ui, cx: &mut AppCtx) {
        let Some(keeper) = &self.keeper else { return };
        let now = ui.input(|input| input.time);
        let mut faults = Vec::new();
        for opened in &mut self.open {
            let (due, fault) = opened.keep_aside(cx, keeper, &mut self.kept_number, now);
            if let Some(seconds) = due {
                let pause = Duration::try_from_secs_f64(seconds.max(0.05)).unwrap_or(Duration::from_secs(1));
                ui.ctx().request_repaint_after(pause);
            }
            faults.extend(fault);
        }
        for fault in faults {
            cx.notices.failed(fault);
        }
    }

    /// Keeps all unsaved work aside before the program ends; nothing is drawn any more.
    pub(super) fn keep_all(&mut self, cx: &AppCtx) {
        let Some(keeper) = &self.keeper else { return };
        for opened in &self.open {
            self.kept_number += 1;
            if let Err(fault) = opened.keep_now(cx, keeper, self.kept_number) {
                // The windows are gone; the terminal is what is left.
                tracing::error!("unsaved work of {} is lost: {fault}", opened.name());
            }
        }
    }

    /// Takes a scheme off the list; what was not saved of it is gone.
    fn close(&mut self, cx: &mut AppCtx, key: u64) {
        let Some(at) = self.open.iter().position(|one| one.key == key) else { return };
        self.open.remove(at);
        if at < self.chosen || self.chosen == self.open.len() {
            self.chosen = self.chosen.saturating_sub(1);
        }
        if let Some(keeper) = self.keeper.clone() {
            self.kept_number += 1;
            let number = self.kept_number;
            let done = cx.aside("drop draft", move || keeper.keep(key, number, None));
            cx.later(done, "");
        }
    }

    /// Closes a scheme, after a question where something would be lost.
    fn ask_close(&mut self, cx: &mut AppCtx, key: u64) {
        match self.open.iter().find(|one| one.key == key) {
            Some(opened) if opened.is_dirty() => self.dialog = Some(Dialog::close(key)),
            Some(_) => self.close(cx, key),
            None => {}
        }
    }

    fn save(&mut self, cx: &mut AppCtx, key: u64) {
        let Some(opened) = self.open.iter_mut().find(|one| one.key == key) else { return };
        match (opened.path.clone(), opened.draft()) {
            (Some(path), Some(_)) => opened.save(cx, path, false),
            (None, Some(draft)) => {
                let name = proposed_name(&draft.document);
                cx.command(Command::ChooseSchemeTarget(key, name));
            }
            (_, None) => {}
        }
    }

    /// Draws the page.
    pub(super) fn ui(&mut self, ui: &mut Ui, cx: &mut AppCtx) {
        self.offer(ui, cx);
        if self.open.is_empty() {
            self.nothing_open(ui, cx);
            return;
        }
        if self.dialog.is_none() {
            self.keys(ui, cx);
        }
        let t = tokens(ui);
        let is_narrow = ui.available_width() < NARROW;
        let frame =
            Frame::new().fill(t.canvas.0).inner_margin(Margin { left: 8, right: 8, top: 12, bottom: 8 });
        Panel::left("schemes")
            .resizable(true)
            .default_size(if is_narrow { 176.0 } else { 208.0 })
            .size_range(160.0..=360.0)
            .frame(frame)
            .show(ui, |ui| {
                self.list(ui, cx);
            });
        let Some(opened) = self.open.get_mut(self.chosen) else { return };
        let message = Frame::new().inner_margin(Margin::same(16));
        let broken = match &opened.state {
            State::Open(_) => None,
            State::Opening(_) => {
                message.show(ui, |ui| loading(ui, "the scheme"));
                return;
            }
            State::Failed(fault) => {
                let again = message.show(ui, |ui| {
                    fault_panel(ui, fault);
                    ui.add(Act::plain("Try again").icon(Icon::Refresh)).clicked()
                });
                if again.inner {
                    opened.retry(cx);
                }
                return;
            }
            State::Broken(file) => Some(file.clone()),
        };
        // What proves a scheme needs the width, and is no place for problems.
        if broken.is_none()
            && let Some(page) = self.tab.proof()
        {
            self.toolbar(ui, cx);
            let inner = ui.available_rect_before_wrap();
            ui.painter().rect_filled(inner, 0.0, t.surface.0);
            ui.painter().hline(inner.x_range(), inner.top(), Stroke::new(1.0, t.border.0));
            self.prove(ui, cx, page);
            return;
        }
        let frame =
            Frame::new().fill(t.surface.0).inner_margin(Margin { left: 16, right: 16, top: 12, bottom: 12 });
        let side = if is_narrow {
            Panel::bottom("scheme side below").default_size(104.0).size_range(40.0..=320.0)
        } else {
            Panel::right("scheme side").default_size(296.0).size_range(220.0..=520.0)
        };
        side.resizable(true).frame(frame).show(ui, |ui| self.side(ui, cx, broken.as_deref()));
        self.toolbar(ui, cx);
        let inner = ui.available_rect_before_wrap();
        ui.painter().rect_filled(inner, 0.0, t.surface.0);
        ui.painter().hline(inner.x_range(), inner.top(), Stroke::new(1.0, t.border.0));
        if broken.is_some() {
            let text = "The problems beside it say where it departs from the format, with line and column.";
            let again = |ui: &mut Ui| ui.add(Act::plain("Read the file again").icon(Icon::Refresh)).clicked();
            let mut clicked = false;
            empty(ui, Icon::Warning, "This file is not a scheme that can be shown", text, |ui| {
                clicked = again(ui);
            });
            if let Some(opened) = self.open.get_mut(self.chosen).filter(|_| clicked) {
                opened.retry(cx);
            }
            return;
        }
        self.page(ui, cx);
    }

    /// Draws a page that proves the scheme, which it does not change.
    fn prove(&mut self, ui: &mut Ui, cx: &mut AppCtx, page: ProofPage) {
        let names: Vec<String> = self.open.iter().map(Opened::name).collect();
        let of = |at: usize| {
            let opened = self.open.get(at)?;
            let document = &opened.draft()?.document;
            Some(Other { name: names.get(at)?, path: opened.path.as_deref(), document })
        };
        let others: Vec<Other<'_>> =
            (0..self.open.len()).filter(|at| *at != self.chosen).filter_map(of).collect();
        let Some(this) = of(self.chosen) else { return };
        let wish = self.proof.ui(ui, cx, page, &Subject { this, others: &others });
        if let Some(Wish::OpenDraft(document)) = wish {
            self.begin(*document);
        }
    }

    fn nothing_open(&mut self, ui: &mut Ui, cx: &mut AppCtx) {
        let text = "A scheme is everything that is programmed into a meter so that it bills as a contract says: registers, day types, seasons, billing dates. One file each.";
        empty(ui, Icon::Schemes, "No scheme is open", text, |ui| {
            if ui.add(Act::primary("New scheme…").icon(Icon::Plus).shortcut("Ctrl+Shift+N")).clicked() {
                cx.command(Command::NewScheme);
            }
            if ui.add(Act::plain("Open a scheme…").icon(Icon::Folder).shortcut("Ctrl+O")).clicked() {
                cx.command(Command::ChooseScheme);
            }
            let recent: Vec<String> =
                cx.prefs.recent.iter().filter(|path| path.ends_with(".json")).cloned().collect();
            for path in recent.iter().take(5) {
                if ui.add(Act::quiet(path).small()).clicked() {
                    cx.command(Command::OpenScheme(PathBuf::from(path)));
                }
            }
            ui.label(small(ui, "or drop a .scheme.json file on this window"));
        });
    }

    fn side(&mut self, ui: &mut Ui, cx: &mut AppCtx, broken: Option<&SchemeFile>) {
        let clicked = match (broken, self.open.get(self.chosen).and_then(Opened::draft)) {
            (Some(file), _) => self.side.ui(ui, cx, None, &file.problems),
            (None, Some(draft)) => {
                let problems = draft.problems();
                self.side.ui(ui, cx, Some(draft), &problems)
            }
            (None, None) => None,
        };
        if let Some(place) = clicked {
            self.tab = Tab::of_place(&place).0;
            self.go_to = Some(place);
        }
    }

    /// Draws the page that is chosen and makes an undo step of what it changed.
    fn page(&mut self, ui: &mut Ui, cx: &mut AppCtx) {
        let go_to = self.go_to.take();
        let Some(opened) = self.open.get_mut(self.chosen) else { return };
        let key = opened.key;
        let Some(draft) = opened.draft_mut() else { return };
        let problems = draft.problems();
        let limits = draft.limits(&cx.templates);
        let models = cx.templates.choices();
        let before = draft.document.clone();
        take_step_name(ui);
        let (tab, today) = (self.tab, today(cx));
        let clock = MeterClock::of(cx);
        let mut import = false;
        ScrollArea::vertical().id_salt(("scheme page", tab)).auto_shrink(false).show(ui, |ui| {
            Frame::new().inner_margin(Margin::symmetric(16, 12)).show(ui, |ui| {
                ui.set_width(ui.available_width());
                let mut editing = Editing {
                    document: &mut draft.document,
                    limits: &limits,
                    models: &models,
                    problems: &problems,
                    go_to: go_to.as_deref(),
                    clock: &clock,
                };
                match tab {
                    Tab::Days => self.days.ui(ui, &mut editing, &mut self.which, today),
                    Tab::Calendar => self.weeks.ui(ui, &mut editing, &mut self.which, today),
                    Tab::Special => import = self.specials.ui(ui, &mut editing, &mut self.which, today),
                    Tab::Year => self.year.ui(ui, cx, editing.document),
                    // What is half typed belongs to one scheme.
                    _ => {
                        ui.push_id(key, |ui| forms::ui(ui, tab, &mut editing));
                    }
                }
            });
        });
        if import {
            cx.command(Command::ChooseHolidays(key));
        }
        if draft.document == before {
            return;
        }
        let name = take_step_name(ui).unwrap_or_else(|| format!("edit {}", tab.title().to_lowercase()));
        let now = ui.input(|input| input.time);
        draft.changed(before, &name, run(ui, self.presses), now);
        // The checks look at it in the next frame.
        ui.ctx().request_repaint_after(Duration::ZERO);
    }

    fn keys(&mut self, ui: &Ui, cx: &mut AppCtx) {
        let pressed = |modifiers: Modifiers, key: Key| {
            ui.input_mut(|input| input.consume_shortcut(&egui::KeyboardShortcut::new(modifiers, key)))
        };
        // What has more modifiers is asked for first: the shorter one would take it.
        let with_shift = Modifiers { shift: true, ..Modifiers::COMMAND };
        if pressed(with_shift, Key::Z) || pressed(Modifiers::COMMAND, Key::Y) {
            self.redo(ui);
        }
        if pressed(Modifiers::COMMAND, Key::Z) {
            self.undo(ui);
        }
        let Some(opened) = self.open.get(self.chosen) else { return };
        let (key, draft) = (opened.key, opened.draft());
        if pressed(with_shift, Key::S)
            && let Some(draft) = draft
        {
            cx.command(Command::ChooseSchemeTarget(key, proposed_name(&draft.document)));
        } else if pressed(Modifiers::COMMAND, Key::S) {
            self.save(cx, key);
        }
        if pressed(Modifiers::COMMAND, Key::P) {
            self.print(cx);
        }
        if pressed(Modifiers::COMMAND, Key::W) {
            self.ask_close(cx, key);
        }
        if pressed(Modifiers::NONE, Key::F8) {
            self.show_year();
        }
    }

    /// The year, or back from it.
    fn show_year(&mut self) {
        if self.tab == Tab::Year {
            self.tab = self.before_year;
        } else {
            self.before_year = self.tab;
            self.tab = Tab::Year;
        }
    }

    fn undo(&mut self, ui: &Ui) {
        let now = ui.input(|input| input.time);
        if let Some(draft) = self.open.get_mut(self.chosen).and_then(Opened::draft_mut) {
            draft.undo(now);
        }
    }

    fn redo(&mut self, ui: &Ui) {
        let now = ui.input(|input| input.time);
        if let Some(draft) = self.open.get_mut(self.chosen).and_then(Opened::draft_mut) {
            draft.redo(now);
        }
    }
}

/// The day of this computer's clock.
fn today(cx: &AppCtx) -> jiff::civil::Date {
    (cx.now)().to_zoned(cx.zone.clone()).date()
}

/// The run to which a change of this frame belongs.
fn run(ui: &Ui, presses: u64) -> Option<Run> {
    let pressed = ui.input(|input| input.pointer.any_down() || input.pointer.any_released());
    if pressed {
        return Some(Run::Press(presses));
    }
    let focus = ui.memory(|memory| memory.focused())?;
    let is_text = egui::TextEdit::load_state(ui.ctx(), focus).is_some();
    is_text.then_some(Run::Typing(focus))
}

/// A scheme file's name ends as such, whatever was typed.
fn with_ending(path: PathBuf) -> PathBuf {
    if path.extension().is_some() {
        return path;
    }
    let mut name = path.into_os_string();
    name.push(".scheme.json");
    PathBuf::from(name)
}

/// `two-rates.scheme.json` for “Two rates”.
fn proposed_name(document: &Document) -> String {
    let lower = document.title.to_lowercase();
    let words: Vec<&str> =
        lower.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let stem = if words.is_empty() { document.identity.to_lowercase() } else { words.join("-") };
    format!("{}.scheme.json", stem.chars().take(60).collect::<String>())
}
