//! A store of an older version is brought up to date behind a window that says how far it is.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::time::Duration;

use egui::{CentralPanel, Frame, Label, Ui, ViewportCommand};

use crate::model::Fault;
use crate::store::Upgrade;

use super::App;
use super::context::stopped;
use super::data::live::{Live, Wake, later};
use super::data::{Backend, Later};
use super::theme::{SIZES, strong, tokens};
use super::widgets::{Act, fault_panel, lone_card, progress_bar, secondary, small};

/// The window while its store is brought up to date, and the application afterwards.
pub(super) struct Opening {
    path: PathBuf,
    store: Later<Box<dyn Backend>>,
    told: Receiver<Upgrade>,
    last: Option<Upgrade>,
    failed: Option<Fault>,
    app: Option<App>,
    wake: Wake,
}

impl Opening {
    /// Begins to open a store on a thread of its own.
    pub(super) fn begin(path: &Path, wake: &Wake) -> Self {
        let (to, told) = sync_channel(64);
        let (file, own) = (path.to_path_buf(), Arc::clone(wake));
        let store = later("open", Arc::clone(wake), move || {
            let for_repaint = Arc::clone(&own);
            let tell = move |upgrade| {
                // Where there is no room, the next one tells more.
                let _full = to.try_send(upgrade);
                for_repaint(Duration::ZERO);
            };
            let live = Live::start_telling(&file, &own, tell)?;
            Ok(Box::new(live) as Box<dyn Backend>)
        });
        let path = path.to_path_buf();
        Self { path, store, told, last: None, failed: None, app: None, wake: Arc::clone(wake) }
    }

    fn take(&mut self) {
        while let Ok(upgrade) = self.told.try_recv() {
            self.last = Some(upgrade);
        }
        match self.store.try_recv() {
            Ok(Ok(backend)) => self.app = Some(App::new(backend, Arc::clone(&self.wake))),
            Ok(Err(fault)) => self.failed = Some(fault),
            Err(TryRecvError::Disconnected) if self.failed.is_none() => self.failed = Some(stopped()),
            Err(TryRecvError::Empty | TryRecvError::Disconnected) => {}
        }
    }

    /// Draws how far it is, or why it failed.
    fn wait(&mut self, ui: &mut Ui) {
        let t = tokens(ui);
        CentralPanel::no_frame().frame(Frame::new().fill(t.canvas.0)).show(ui, |ui| {
            let width = (ui.available_width() - 80.0).clamp(240.0, 480.0);
            lone_card(ui, width, |ui| match self.failed.clone() {
                Some(fault) => self.failure(ui, &fault),
                None => self.progress(ui),
            });
        });
    }

    fn progress(&self, ui: &mut Ui) {
        ui.label(strong("Bringing the store up to date").size(SIZES[2]));
        ui.add(Label::new(small(ui, self.path.display().to_string())).wrap());
        let part = match self.last {
            Some(Upgrade::Copying(pace)) => part(pace.done, pace.of),
            Some(Upgrade::Changing { .. } | Upgrade::Done) => 0.95,
            None => 0.0,
        };
        progress_bar(ui, Some(part), ui.available_width(), "Bringing the store up to date");
        let words = self.last.map_or_else(|| "Opening the store".to_owned(), Upgrade::in_words);
        ui.label(words);
        let text = "The copy stays beside the store. It may be stopped at any moment.";
        ui.add(Label::new(secondary(ui, text)).wrap());
    }

    fn failure(&mut self, ui: &mut Ui, fault: &Fault) {
        ui.label(strong("The store could not be brought up to date").size(SIZES[2]));
        ui.add(Label::new(small(ui, self.path.display().to_string())).wrap());
        fault_panel(ui, fault);
        let text = "Nothing in the store was changed: it is brought up to date as a whole or not at all.";
        ui.add(Label::new(secondary(ui, text)).wrap());
        ui.horizontal(|ui| {
            let again = ui.add(Act::primary("Try again"));
            if ui.memory(|memory| memory.focused().is_none()) {
                again.request_focus();
            }
            if again.clicked() {
                *self = Self::begin(&self.path, &self.wake);
            }
            if ui.add(Act::plain("Close")).clicked() {
                ui.ctx().send_viewport_cmd(ViewportCommand::Close);
            }
        });
    }
}

#[allow(clippy::cast_precision_loss, reason = "a bar on the screen")]
fn part(done: u64, of: u64) -> f32 {
    0.9 * done as f32 / of.max(1) as f32
}

impl eframe::App for Opening {
    fn ui(&mut self, ui: &mut Ui, frame: &mut eframe::Frame) {
        if self.app.is_none() {
            self.take();
        }
        match &mut self.app {
            Some(app) => eframe::App::ui(app, ui, frame),
            None => self.wait(ui),
        }
    }

    fn on_exit(&mut self, gl: Option<&eframe::glow::Context>) {
        if let Some(app) = &mut self.app {
            app.on_exit(gl);
        }
    }
}
