//! The application: one frame around the pages, and the commands that they leave.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::mpsc::TryRecvError;

use egui::{
    CentralPanel, Frame, Key, KeyboardShortcut, Modifiers, Panel, Stroke, Ui, ViewportBuilder,
    ViewportCommand, ViewportId,
};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::comms::{Chore, Job};
use crate::export::{print, write_whole};
use crate::model::{Catalogue, Fault};
use crate::scheme::{self, Document};

use super::APP_ID;
use super::context::{AppCtx, Command, Page, stopped, usual_reading};
use super::data::live::Wake;
use super::data::{Backend, Later, Load};
use super::firmware::FirmwarePage;
use super::lists::Lists;
use super::meters::MeterManager;
use super::people::{Idle, SignIn, is_shut};
use super::readings::Readings;
use super::schemes::SchemeManager;
use super::settings::Settings;
use super::shell::{
    FileEvent, FilePurpose, Files, HEADER_HEIGHT, Header, RAIL_WIDTH, STATUS_HEIGHT, Status, rail, welcome,
};
use super::templates::TemplatesPage;
use super::theme::{Theme, strong, tokens};
use super::trace::TracePage;

/// A scheme as a PDF, with what is wrong with it today.
fn printed(document: &Document, templates: &Catalogue) -> Result<Vec<u8>, Fault> {
    let (file, now) = (scheme::write(document), Timestamp::now());
    let today = now.to_zoned(TimeZone::system()).date();
    let problems = scheme::check_file_among(file.as_bytes(), today, templates).problems;
    print(document, &problems, file.as_bytes(), now).map_err(|error| Fault::internal(error.to_string()))
}

/// The application without its native window.
pub struct App {
    /// What all windows share.
    pub cx: AppCtx,
    page: Page,
    schemes: SchemeManager,
    meters: MeterManager,
    readings: Readings,
    lists: Lists,
    trace: TracePage,
    settings: Settings,
    sign_in: SignIn,
    idle: Idle,
    firmware: FirmwarePage,
    templates: TemplatesPage,
    header: Header,
    status: Status,
    files: Files,
    detached: BTreeSet<Page>,
    demo: Option<Later<Box<dyn Backend>>>,
    wake: Wake,
}

const CTRL: Modifiers = Modifiers::COMMAND;
const CTRL_SHIFT: Modifiers = Modifiers { shift: true, ..Modifiers::COMMAND };
// Ctrl+N is taken for Ctrl+Shift+N too, so that one stands first.
const KEYS: [(Modifiers, Key, Command); 14] = [
    (CTRL_SHIFT, Key::N, Command::NewScheme),
    (CTRL, Key::K, Command::Search),
    (CTRL, Key::Num1, Command::Go(Page::Schemes)),
    (CTRL, Key::Num2, Command::Go(Page::Meters)),
    (CTRL, Key::Num3, Command::Go(Page::Readings)),
    (CTRL, Key::Num4, Command::Go(Page::Trace)),
    (CTRL, Key::Num5, Command::Go(Page::Lists)),
    (CTRL, Key::Num6, Command::Go(Page::Firmware)),
    (CTRL, Key::Num7, Command::Go(Page::Templates)),
    (CTRL, Key::Comma, Command::Go(Page::Settings)),
    (CTRL, Key::N, Command::AddMeter),
    (CTRL, Key::O, Command::ChooseScheme),
    (CTRL, Key::J, Command::ToggleJobs),
    (Modifiers::NONE, Key::F5, Command::Read(Vec::new(), BTreeSet::new())),
];

impl App {
    /// Installs typefaces and colours. Call it once, before the first frame.
    ///
    /// # Errors
    /// The shipped theme is damaged.
    pub fn install(ctx: &egui::Context) -> Result<(), String> {
        Theme::shipped()?.install(ctx);
        Ok(())
    }

    /// The application over a backend. `wake` asks for a repaint; work on other threads calls it.
    #[must_use]
    pub fn new(backend: Box<dyn Backend>, wake: Wake) -> Self {
        Self {
            cx: AppCtx::new(backend),
            page: Page::Meters,
            schemes: SchemeManager::default(),
            meters: MeterManager::default(),
            readings: Readings::default(),
            lists: Lists::default(),
            trace: TracePage::default(),
            settings: Settings::default(),
            sign_in: SignIn::default(),
            idle: Idle::default(),
            firmware: FirmwarePage::default(),
            templates: TemplatesPage::default(),
            header: Header::default(),
            status: Status::default(),
            files: Files::default(),
            detached: BTreeSet::new(),
            demo: None,
            wake,
        }
    }

    /// The page that is shown.
    #[must_use]
    pub const fn page(&self) -> Page {
        self.page
    }

    /// Ask for paths in a field of the window and never through the system's dialog.
    pub fn use_path_field(&mut self) {
        self.files.field_only = true;
    }

    /// Draws one frame.
    pub fn ui(&mut self, ui: &mut Ui) {
        let is_looked_at = ui.input(|input| {
            let viewport = input.viewport();
            viewport.focused.unwrap_or(true) && !viewport.minimized.unwrap_or(false)
        });
        self.cx.watch(is_looked_at || !self.detached.is_empty());
        self.cx.begin_frame();
        self.cx.apply_prefs(ui.ctx());
        self.idle.look(ui, &mut self.cx);
        if is_shut(&self.cx.standing) {
            self.shut(ui);
            return;
        }
        self.schemes.begin_frame(ui, &mut self.cx);
        self.finish_demo();
        self.keys(ui);
        self.dropped(ui);
        self.frame(ui);
        self.windows(ui);
        // A dialog stands in the window of its manager.
        if !self.detached.contains(&Page::Meters) {
            self.meters.dialogs(ui, &mut self.cx);
        }
        if !self.detached.contains(&Page::Schemes) {
            self.schemes.dialogs(ui, &mut self.cx);
        }
        self.cx.notices.ui(ui);
        if let Some(event) = self.files.ui(ui, &self.cx.prefs.recent) {
            self.file(event);
        }
        for command in std::mem::take(&mut self.cx.commands) {
            self.obey(ui, command);
        }
        if self.cx.is_waiting() || self.demo.is_some() || self.meters.is_waiting() {
            ui.ctx().request_repaint_after(std::time::Duration::from_millis(100));
        }
    }

    /// Nobody is here: nothing shows but the page to sign in, and no window of a page stands open.
    fn shut(&mut self, ui: &mut Ui) {
        self.cx.commands.clear();
        let canvas = tokens(ui).canvas.0;
        CentralPanel::no_frame().frame(Frame::new().fill(canvas)).show(ui, |ui| {
            self.sign_in.ui(ui, &mut self.cx);
        });
        if self.cx.is_waiting() || self.sign_in.is_waiting() {
            ui.ctx().request_repaint_after(std::time::Duration::from_millis(100));
        }
    }

    fn frame(&mut self, ui: &mut Ui) {
        let t = tokens(ui);
        let edge = |ui: &Ui, rect: egui::Rect, bottom: bool| {
            let y = if bottom { rect.bottom() - 0.5 } else { rect.top() + 0.5 };
            ui.painter().hline(rect.x_range(), y, Stroke::new(1.0, t.border.0));
        };
        let bare = |fill: super::theme::Colour| Frame::new().fill(fill.0);
        let top =
            Panel::top("header").exact_size(HEADER_HEIGHT).show_separator_line(false).frame(bare(t.rail));
        top.show(ui, |ui| {
            self.header.ui(ui, &mut self.cx);
            edge(ui, ui.max_rect(), true);
        });
        let bottom =
            Panel::bottom("status").exact_size(STATUS_HEIGHT).show_separator_line(false).frame(bare(t.rail));
        bottom.show(ui, |ui| {
            edge(ui, ui.max_rect(), false);
            self.status.bar(ui, &mut self.cx);
        });
        let left = Panel::left("rail")
            .exact_size(RAIL_WIDTH)
            .resizable(false)
            .show_separator_line(false)
            .frame(bare(t.rail));
        left.show(ui, |ui| {
            let rect = ui.max_rect();
            ui.painter().vline(rect.right() - 0.5, rect.y_range(), Stroke::new(1.0, t.border.0));
            let detached = self.detached.clone();
            if let Some(command) = rail(ui, self.page, &|page| detached.contains(&page)) {
                self.cx.command(command);
            }
        });
        self.status.drawer(ui, &mut self.cx);
        CentralPanel::no_frame().frame(bare(t.canvas)).show(ui, |ui| self.page_ui(ui));
    }

    fn page_ui(&mut self, ui: &mut Ui) {
        let page = self.page;
        if self.detached.contains(&page) {
            ui.add_space(ui.available_height() * 0.35);
            ui.vertical_centered(|ui| {
                ui.label(strong(format!("{} stands in a window of its own", page.title())).size(15.0));
                if ui.add(super::widgets::Act::plain("Bring it back here")).clicked() {
                    self.cx.command(Command::Detach(page));
                }
            });
            return;
        }
        let empty = matches!(self.cx.meters(), Load::Ready(meters) if meters.is_empty());
        if empty && matches!(page, Page::Meters | Page::Readings) {
            welcome(ui, &mut self.cx);
            return;
        }
        self.manager(ui, page);
    }

    fn manager(&mut self, ui: &mut Ui, page: Page) {
        match page {
            Page::Schemes => self.schemes.ui(ui, &mut self.cx),
            Page::Meters => self.meters.ui(ui, &mut self.cx),
            Page::Readings => self.readings.ui(ui, &mut self.cx),
            Page::Lists => self.lists.ui(ui, &mut self.cx),
            Page::Trace => self.trace.ui(ui, &mut self.cx),
            Page::Settings => self.settings.ui(ui, &mut self.cx),
            Page::Firmware => self.firmware.ui(ui, &mut self.cx),
            Page::Templates => self.templates.ui(ui, &mut self.cx),
        }
    }

    fn windows(&mut self, ui: &Ui) {
        for page in self.detached.clone() {
            let builder = ViewportBuilder::default()
                .with_title(format!("{} – Meterwright", page.title()))
                .with_app_id(APP_ID)
                .with_inner_size([1120.0, 720.0]);
            let ctx = ui.ctx().clone();
            ctx.show_viewport_immediate(ViewportId::from_hash_of(page), builder, |ui, _class| {
                self.keys(ui);
                let t = tokens(ui);
                CentralPanel::no_frame()
                    .frame(Frame::new().fill(t.canvas.0))
                    .show(ui, |ui| self.manager(ui, page));
                match page {
                    Page::Meters => self.meters.dialogs(ui, &mut self.cx),
                    Page::Schemes => self.schemes.dialogs(ui, &mut self.cx),
                    _ => {}
                }
                if ui.input(|input| input.viewport().close_requested()) {
                    self.cx.command(Command::Detach(page));
                }
            });
        }
    }

    /// Shows a page, wherever it stands.
    fn go(&mut self, ui: &Ui, page: Page) {
        self.page = page;
        if self.detached.contains(&page) {
            ui.ctx().send_viewport_cmd_to(ViewportId::from_hash_of(page), ViewportCommand::Focus);
        }
    }

    fn keys(&mut self, ui: &Ui) {
        for (modifiers, key, command) in KEYS {
            if ui.input_mut(|input| input.consume_shortcut(&KeyboardShortcut::new(modifiers, key))) {
                self.cx.command(command);
            }
        }
        let lock = KeyboardShortcut::new(CTRL, Key::L);
        if self.cx.standing.name().is_some() && ui.input_mut(|input| input.consume_shortcut(&lock)) {
            self.cx.command(Command::Lock);
        }
        let free = ui.memory(|memory| memory.focused().is_none());
        if free
            && !self.meters.has_dialog()
            && !self.schemes.has_dialog()
            && !self.firmware.has_dialog()
            && !self.templates.has_dialog()
            && ui.input(|input| input.key_pressed(Key::Escape))
        {
            let _ = self.cx.notices.close_newest() || self.status.close();
        }
    }

    fn dropped(&mut self, ui: &Ui) {
        let files = ui.input(|input| input.raw.dropped_files.clone());
        for path in files.into_iter().map(|file| file.path().to_path_buf()) {
            let scheme = path.to_string_lossy().ends_with(".json");
            if scheme && self.page == Page::Templates {
                self.templates.open(&self.cx, path);
                continue;
            }
            self.cx.command(if scheme { Command::OpenScheme(path) } else { Command::ImportFile(path) });
        }
    }

    fn file(&mut self, event: FileEvent) {
        let FileEvent { purpose, path, asked } = event;
        self.cx.prefs.remember(&path.display().to_string());
        match purpose {
            FilePurpose::ImportMeters => self.cx.command(Command::ImportFile(path)),
            FilePurpose::OpenScheme => self.cx.command(Command::OpenScheme(path)),
            FilePurpose::Package => self.firmware.open(path),
            FilePurpose::PublicKey => self.firmware.offer_key(path),
            FilePurpose::VendorFile => self.firmware.open_vendor(path),
            FilePurpose::Template => self.templates.open(&self.cx, path),
            FilePurpose::Proof(file) => self.cx.chosen = Some((file, path)),
            FilePurpose::BackUp { .. } => self.cx.submit(Job::Upkeep(Chore::BackUp(path))),
            FilePurpose::SaveText { text, .. } => self.save(path, move || Ok(text.into_bytes())),
            FilePurpose::Made { maker, .. } => self.save(path, move || maker.make()),
            FilePurpose::Print { scheme, .. } => {
                let templates = self.cx.templates.clone();
                self.save(path, move || printed(&scheme, &templates));
            }
            FilePurpose::SaveScheme { scheme, .. } => self.schemes.save_as(&self.cx, scheme, path, asked),
            FilePurpose::Holidays { scheme } => self.schemes.import_holidays(&self.cx, scheme, path),
            FilePurpose::Export { export, .. } => {
                let done = format!("Saved {}", path.display());
                let answer = self.cx.backend.export(*export, path);
                self.cx.exported(answer, done);
            }
        }
        self.cx.keep_prefs();
    }

    /// Makes and writes a file on a thread of its own, all of it or nothing.
    fn save(&mut self, path: PathBuf, contents: impl FnOnce() -> Result<Vec<u8>, Fault> + Send + 'static) {
        let words = format!("Saved {}", path.display());
        let answer = super::data::live::later("save", std::sync::Arc::clone(&self.wake), move || {
            let contents = contents()?;
            write_whole(&path, |out| out.write_all(&contents)).map_err(|error| {
                Fault::user(format!("{}: {error}", path.display()), "choose a folder that you may write to")
            })
        });
        self.cx.later(answer, words);
    }

    fn finish_demo(&mut self) {
        let Some(answer) = &self.demo else { return };
        match answer.try_recv() {
            Ok(Ok(backend)) => {
                self.demo = None;
                self.cx.replace(backend);
                self.meters = MeterManager::default();
                self.readings = Readings::default();
                self.lists = Lists::default();
                self.trace = TracePage::default();
                self.firmware = FirmwarePage::default();
                self.templates = TemplatesPage::default();
                self.page = Page::Meters;
                self.cx.notices.done("The demo fleet is open, and its first poll has begun.");
            }
            Ok(Err(fault)) => {
                self.demo = None;
                self.cx.notices.failed(fault);
            }
            Err(TryRecvError::Empty) => {}
            Err(TryRecvError::Disconnected) => {
                self.demo = None;
                self.cx.notices.failed(stopped());
            }
        }
    }

    fn obey(&mut self, ui: &Ui, command: Command) {
        // Keys, menus and the search field lead here too.
        if let Some(fault) = command.needs().and_then(|right| self.cx.standing.check(right).err()) {
            self.cx.notices.failed(fault);
            return;
        }
        match command {
            Command::Go(page) => self.go(ui, page),
            Command::Detach(page) => {
                if !self.detached.remove(&page) {
                    self.detached.insert(page);
                }
            }
            Command::AddMeter => {
                self.go(ui, Page::Meters);
                self.meters.add();
            }
            Command::EditMeter(id) => {
                self.go(ui, Page::Meters);
                self.meters.edit(&mut self.cx, id);
            }
            Command::RemoveMeters(ids) => self.meters.remove(&mut self.cx, &ids),
            Command::Ask(ids, deed) => self.meters.ask(&mut self.cx, &ids, deed),
            Command::Point(id, deed) => self.meters.open_point(&mut self.cx, id, deed),
            Command::Read(ids, what) => {
                let ids = if ids.is_empty() { self.cx.selection.ids() } else { ids };
                let what = if what.is_empty() { usual_reading() } else { what };
                self.cx.read(ids, what);
            }
            Command::Cancel(job) => {
                self.cx.jobs.cancelling(job);
                self.cx.backend.cancel(job);
            }
            Command::ShowReadings(id) => {
                self.cx.selection.only(id);
                self.go(ui, Page::Readings);
            }
            Command::ShowTrace(job, meter) => {
                self.trace.show(job, meter);
                self.go(ui, Page::Trace);
            }
            Command::ImportMeters => self.files.choose(FilePurpose::ImportMeters, &self.wake),
            Command::ImportFile(path) => self.meters.import(&self.cx, path),
            Command::PrintScheme(scheme, name) => {
                self.files.choose(FilePurpose::Print { scheme, name }, &self.wake);
            }
            Command::SaveText(title, name, text) => {
                self.files.choose(FilePurpose::SaveText { title, name, text }, &self.wake);
            }
            Command::Export(export, name) => {
                self.files.choose(FilePurpose::Export { export, name }, &self.wake);
            }
            Command::SaveMade(title, name, maker) => {
                self.files.choose(FilePurpose::Made { title, name, maker }, &self.wake);
            }
            Command::ExportMeters => self.meters.export(&self.cx),
            Command::EditMeters(ids) => {
                self.go(ui, Page::Meters);
                self.meters.edit_many(&mut self.cx, &ids);
            }
            Command::Group(deed) => self.meters.group(deed),
            Command::ChooseProof(file) => self.files.choose(FilePurpose::Proof(file), &self.wake),
            Command::WriteFile(path, text) => self.save(path, move || Ok(text.into_bytes())),
            Command::ChooseScheme => self.files.choose(FilePurpose::OpenScheme, &self.wake),
            Command::NewScheme => {
                self.go(ui, Page::Schemes);
                self.schemes.ask_new();
            }
            Command::ChooseSchemeTarget(scheme, name) => {
                self.files.choose(FilePurpose::SaveScheme { scheme, name }, &self.wake);
            }
            Command::ChooseHolidays(scheme) => {
                self.files.choose(FilePurpose::Holidays { scheme }, &self.wake);
            }
            Command::OpenScheme(path) => {
                self.go(ui, Page::Schemes);
                self.schemes.open(&self.cx, path);
            }
            Command::OpenDemo => {
                if self.demo.is_none() {
                    self.demo = Some(self.cx.backend.open_demo());
                }
            }
            Command::PlanFlash => {
                self.go(ui, Page::Firmware);
                self.firmware.plan();
            }
            Command::ChoosePackage => self.files.choose(FilePurpose::Package, &self.wake),
            Command::BackUp(name) => self.files.choose(FilePurpose::BackUp { name }, &self.wake),
            Command::ChooseTemplate => self.files.choose(FilePurpose::Template, &self.wake),
            Command::ChooseKey => self.files.choose(FilePurpose::PublicKey, &self.wake),
            Command::ChooseVendorFile => self.files.choose(FilePurpose::VendorFile, &self.wake),
            Command::Search => self.header.focus(),
            Command::ToggleJobs => self.status.toggle(),
            Command::Lock => self.cx.backend.leave(true),
        }
    }
}

impl eframe::App for App {
    fn ui(&mut self, ui: &mut Ui, _frame: &mut eframe::Frame) {
        Self::ui(self, ui);
    }

    fn on_exit(&mut self, _gl: Option<&eframe::glow::Context>) {
        self.schemes.keep_all(&self.cx);
    }
}
