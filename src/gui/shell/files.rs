//! Choosing files: the system's dialog on a thread of its own, and a path field where no dialog answers.
//!
//! Where no portal and no `zenity` is there, `rfd` gives nothing within milliseconds, the same as *cancel*
//! (`facts/desktop-stack.md`, section 5). An answer that comes faster than a person can is taken as "no dialog".

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::time::{Duration, Instant};

use egui::{Key, Ui};

use crate::export::Export;
use crate::gui::context::{Maker, ProofFile};
use crate::gui::theme::strong;
use crate::gui::widgets::{Act, dialog_window, field, secondary, text_field};
use crate::scheme::Document;

/// Nobody cancels a dialog faster.
const TOO_FAST: Duration = Duration::from_millis(100);

/// What a file is wanted for.
#[derive(Clone, Debug)]
pub(crate) enum FilePurpose {
    /// A list of meters.
    ImportMeters,
    /// A scheme.
    OpenScheme,
    /// Text to write.
    SaveText {
        /// The dialog's title.
        title: String,
        /// The proposed name.
        name: String,
        /// What to write.
        text: String,
    },
    /// Where to save an open scheme.
    SaveScheme {
        /// The scheme's number.
        scheme: u64,
        /// The proposed name.
        name: String,
    },
    /// A list of holidays for an open scheme.
    Holidays {
        /// The scheme's number.
        scheme: u64,
    },
    /// What a dry run begins from.
    Proof(ProofFile),
    /// Where to print a scheme to, as a PDF.
    Print {
        /// The scheme as it stands.
        scheme: Box<Document>,
        /// The proposed name.
        name: String,
    },
    /// What a maker makes.
    Made {
        /// The dialog's title.
        title: String,
        /// The proposed name.
        name: String,
        /// It.
        maker: Maker,
    },
    /// A firmware package.
    Package,
    /// A public key that is to be trusted.
    PublicKey,
    /// Where to copy the store to.
    BackUp {
        /// The proposed name.
        name: String,
    },
    /// A vendor's own firmware file.
    VendorFile,
    /// A template.
    Template,
    /// Readings to write.
    Export {
        /// Which.
        export: Box<Export>,
        /// The proposed name.
        name: String,
    },
}

impl FilePurpose {
    fn title(&self) -> &str {
        match self {
            Self::ImportMeters => "Import meters from CSV",
            Self::OpenScheme => "Open a scheme",
            Self::Proof(ProofFile::Profile) => "Open a load profile",
            Self::Proof(ProofFile::Events) => "Open events",
            Self::Proof(ProofFile::ListScheme) => "Choose a scheme",
            Self::Proof(ProofFile::ListHolidays) => "Choose a list of holidays",
            Self::Package => "Open a firmware package",
            Self::PublicKey => "Open a public key",
            Self::VendorFile => "Open a vendor's firmware file",
            Self::Template => "Import a template",
            Self::SaveText { title, .. } | Self::Made { title, .. } => title,
            Self::SaveScheme { .. } => "Save the scheme as",
            Self::Holidays { .. } => "Import holidays from CSV or iCalendar",
            Self::Print { .. } => "Print the scheme as PDF",
            Self::BackUp { .. } => "Back the store up to a new file",
            Self::Export { .. } => "Save readings as CSV",
        }
    }

    const fn button(&self) -> &'static str {
        match self {
            Self::ImportMeters | Self::Holidays { .. } | Self::Template => "Import",
            Self::OpenScheme | Self::Proof(_) | Self::Package | Self::PublicKey | Self::VendorFile => "Open",
            Self::Print { .. } => "Print",
            Self::BackUp { .. } => "Back up",
            Self::SaveText { .. } | Self::SaveScheme { .. } | Self::Made { .. } | Self::Export { .. } => {
                "Save"
            }
        }
    }

    fn dialog(&self) -> Option<PathBuf> {
        let dialog = rfd::FileDialog::new().set_title(self.title());
        match self {
            Self::ImportMeters => dialog.add_filter("CSV", &["csv", "txt"]).pick_file(),
            Self::Proof(ProofFile::ListScheme) => dialog.add_filter("Scheme", &["json"]).pick_file(),
            Self::Proof(ProofFile::ListHolidays) => {
                dialog.add_filter("Holidays", &["ics", "csv", "txt"]).pick_file()
            }
            Self::Proof(_) => dialog.add_filter("CSV", &["csv", "txt"]).pick_file(),
            Self::Package => {
                dialog.add_filter("Firmware package", &["mtwfw"]).add_filter("All files", &["*"]).pick_file()
            }
            Self::VendorFile => {
                dialog.add_filter("Vendor's file", &["xml"]).add_filter("All files", &["*"]).pick_file()
            }
            Self::Template => dialog.add_filter("Template", &["json"]).pick_file(),
            Self::PublicKey => {
                let dialog = dialog.add_filter("Public key", &["pub", "pem", "der", "txt"]);
                dialog.add_filter("All files", &["*"]).pick_file()
            }
            Self::OpenScheme => dialog.add_filter("Scheme", &["json"]).pick_file(),
            Self::Holidays { .. } => dialog.add_filter("Holidays", &["ics", "csv", "txt"]).pick_file(),
            Self::SaveText { name, .. }
            | Self::Made { name, .. }
            | Self::SaveScheme { name, .. }
            | Self::Print { name, .. }
            | Self::BackUp { name }
            | Self::Export { name, .. } => dialog.set_file_name(name).save_file(),
        }
    }
}

/// A file was chosen.
#[derive(Clone, Debug)]
pub(crate) struct FileEvent {
    /// For what.
    pub purpose: FilePurpose,
    /// Which.
    pub path: PathBuf,
    /// The system's dialog has asked whether a file that is there may be replaced.
    pub asked: bool,
}

#[derive(Debug)]
enum State {
    Dialog(Receiver<Option<PathBuf>>, Instant),
    Field(String),
}

/// The file that is being chosen.
#[derive(Debug, Default)]
pub(crate) struct Files {
    open: Option<(FilePurpose, State)>,
    /// Never ask the system: tests, and machines where it does not answer.
    pub field_only: bool,
}

impl Files {
    /// Asks for a file.
    pub(crate) fn choose(&mut self, purpose: FilePurpose, wake: &crate::gui::data::live::Wake) {
        let state = if self.field_only { None } else { dialog(&purpose, wake) };
        let name = match &purpose {
            FilePurpose::SaveText { name, .. }
            | FilePurpose::Made { name, .. }
            | FilePurpose::SaveScheme { name, .. }
            | FilePurpose::Print { name, .. }
            | FilePurpose::BackUp { name }
            | FilePurpose::Export { name, .. } => name.clone(),
            FilePurpose::ImportMeters
            | FilePurpose::OpenScheme
            | FilePurpose::Proof(_)
            | FilePurpose::Package
            | FilePurpose::PublicKey
            | FilePurpose::VendorFile
            | FilePurpose::Template
            | FilePurpose::Holidays { .. } => String::new(),
        };
        self.open = Some((purpose, state.unwrap_or(State::Field(name))));
    }

    /// Draws the path field where it is wanted; gives a file when one was chosen.
    pub(crate) fn ui(&mut self, ui: &Ui, recent: &[String]) -> Option<FileEvent> {
        let (purpose, state) = self.open.take()?;
        match state {
            State::Dialog(answer, since) => match answer.try_recv() {
                Err(TryRecvError::Empty) => {
                    ui.ctx().request_repaint_after(Duration::from_millis(100));
                    self.open = Some((purpose, State::Dialog(answer, since)));
                    None
                }
                Ok(Some(path)) => Some(FileEvent { purpose, path, asked: true }),
                Ok(None) if since.elapsed() >= TOO_FAST => None,
                Ok(None) | Err(TryRecvError::Disconnected) => {
                    self.field_only = true;
                    self.open = Some((purpose, State::Field(String::new())));
                    ui.ctx().request_repaint_after(Duration::ZERO);
                    None
                }
            },
            State::Field(mut text) => {
                let (chosen, close) = path_field(ui, &purpose, &mut text, recent);
                if let Some(path) = chosen {
                    return Some(FileEvent { purpose, path, asked: false });
                }
                if !close {
                    self.open = Some((purpose, State::Field(text)));
                }
                None
            }
        }
    }
}

fn dialog(purpose: &FilePurpose, wake: &crate::gui::data::live::Wake) -> Option<State> {
    let (sender, receiver) = sync_channel(1);
    let (purpose, wake) = (purpose.clone(), std::sync::Arc::clone(wake));
    let work = move || {
        // The window may have been closed in the meantime.
        let _ = sender.send(purpose.dialog());
        wake(Duration::from_millis(8));
    };
    std::thread::Builder::new().name("file-dialog".to_owned()).spawn(work).ok()?;
    Some(State::Dialog(receiver, Instant::now()))
}

fn path_field(
    ui: &Ui,
    purpose: &FilePurpose,
    text: &mut String,
    recent: &[String],
) -> (Option<PathBuf>, bool) {
    let mut chosen = None;
    let mut close = false;
    let modal = dialog_window(ui, "path field", 520.0, |ui| {
        ui.label(strong(purpose.title()).size(15.0));
        ui.label(secondary(
            ui,
            "This system offers no file dialog. Write the file's path, or drop the file on the window.",
        ));
        ui.add_space(4.0);
        let response = field(ui, "Path", None, |ui| text_field(ui, text, "/home/me/file", 520.0, false));
        // Asked before the focus is taken back: that would undo that it was lost.
        let entered = response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
        if ui.memory(|memory| memory.focused().is_none()) {
            response.request_focus();
        }
        for path in recent.iter().take(5) {
            if ui.add(Act::quiet(path).small()).clicked() {
                text.clone_from(path);
            }
        }
        ui.add_space(8.0);
        ui.horizontal(|ui| {
            let ready = !text.trim().is_empty();
            if ui.add(Act::primary(purpose.button()).enabled(ready)).clicked() || (entered && ready) {
                chosen = Some(PathBuf::from(text.trim()));
            }
            close = ui.add(Act::plain("Cancel").shortcut("Esc")).clicked();
        });
    });
    (chosen, close || modal.should_close())
}
