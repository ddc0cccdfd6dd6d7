//! The windows' way to the real store and the communications thread.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::comms::{Comms, CommsOptions, Edit, Edited, Event, Job, JobId};
use crate::drivers::ReadRequest;
use crate::export::Export;
use crate::model::{Fault, Secret, Standing, What};
use crate::simulator::{Fleet, FleetOptions};
use crate::store::{StoreReader, Upgrade};

use super::reader::Reader;
use super::{Answer, Backend, Later, Query};

/// How far back the demo's first poll goes: a fleet of full profiles takes minutes and shows no more.
const DEMO_DAYS: SignedDuration = SignedDuration::from_hours(24 * 7);
/// Sessions at once.
const SESSIONS: usize = 32;
/// Sessions at once in the demo, whose meters share this program's processors.
const DEMO_SESSIONS: usize = 8;
/// Events are shown four times a second: a repaint costs more than it tells when it comes oftener.
const EVENT_PAUSE: Duration = Duration::from_millis(250);
/// An answer is shown in the next frame.
const ANSWER_PAUSE: Duration = Duration::from_millis(8);

/// Asks for a repaint after a while; the windows' context hides behind it.
pub type Wake = Arc<dyn Fn(Duration) + Send + Sync>;

/// The real floors below.
pub struct Live {
    comms: Comms,
    reader: Reader,
    // A receiver is no `Sync`; the windows' thread alone locks it.
    events: Mutex<Receiver<Event>>,
    store: PathBuf,
    wake: Wake,
    /// Who acted here at the start.
    standing: Standing,
    fleet: Option<Demo>,
}

struct Demo {
    // Held for its end: dropping it stops the virtual meters.
    _fleet: Fleet,
    folder: Option<PathBuf>,
}

impl Live {
    /// Starts the communications thread and the reader thread over a store.
    ///
    /// # Errors
    /// The store or its vault cannot be opened.
    pub fn start(store: &Path, wake: &Wake) -> Result<Self, Fault> {
        Self::start_with(store, wake, SESSIONS, |_| {})
    }

    /// As [`Live::start`]; `tell` hears how far a store of an older version has been brought up to date.
    ///
    /// # Errors
    /// The store or its vault cannot be opened.
    pub fn start_telling(
        store: &Path,
        wake: &Wake,
        tell: impl FnMut(Upgrade) + Send + 'static,
    ) -> Result<Self, Fault> {
        Self::start_with(store, wake, SESSIONS, tell)
    }

    fn start_with(
        store: &Path,
        wake: &Wake,
        sessions: usize,
        tell: impl FnMut(Upgrade) + Send + 'static,
    ) -> Result<Self, Fault> {
        let options = CommsOptions { store: store.to_path_buf(), sessions, trace: true, schedule: true };
        let comms = Comms::start_telling(options, tell)?;
        let standing = comms.standing()?;
        let on_event = Arc::clone(wake);
        let events = comms.listen(move || on_event(EVENT_PAUSE));
        let on_answer = Arc::clone(wake);
        let reader = Reader::start(store, move || on_answer(ANSWER_PAUSE))?;
        Ok(Self {
            comms,
            reader,
            events: Mutex::new(events),
            store: store.to_path_buf(),
            wake: Arc::clone(wake),
            standing,
            fleet: None,
        })
    }

    /// Starts a simulated fleet, adds its meters to the store, which must be empty, and begins to poll them.
    ///
    /// # Errors
    /// No socket can be opened, or the store refuses the meters.
    pub fn start_demo(store: &Path, wake: &Wake) -> Result<Self, Fault> {
        let fleet = Fleet::start(&FleetOptions::demo())
            .map_err(|reason| Fault::user(reason, "close other programs that hold many sockets"))?;
        let mut live = Self::start_with(store, wake, DEMO_SESSIONS, |_| {})?;
        let meters =
            fleet.meters().iter().map(|meter| (meter.config.clone(), meter.secrets.clone())).collect();
        let added = live.comms.edit(Edit::AddMeters(meters)).recv();
        let added = added
            .map_err(|_| Fault::internal("the communications thread ended while meters were added"))??;
        if let Edited::Added(meters) = added {
            let what =
                What::ALL.iter().map(|(what, _)| *what).filter(|what| *what != What::Objects).collect();
            let from = Timestamp::now().checked_sub(DEMO_DAYS).ok();
            live.comms.submit(Job::Read { meters, request: ReadRequest { what, from, to: None } })?;
        }
        live.fleet = Some(Demo { _fleet: fleet, folder: None });
        Ok(live)
    }

    fn demo_beside(wake: &Wake) -> Result<Self, Fault> {
        let name = format!("meterwright-demo-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).map_err(|error| {
            Fault::user(format!("{}: {error}", folder.display()), "make room in the temporary folder")
        })?;
        let mut live = Self::start_demo(&folder.join("demo.mtw"), wake)?;
        if let Some(demo) = &mut live.fleet {
            demo.folder = Some(folder);
        }
        Ok(live)
    }
}

/// Runs something on a thread of its own; its result comes through the receiver.
///
/// # Errors
/// Through the receiver: what the work gave, or that no thread could be started.
pub fn later<T: Send + 'static>(
    name: &str,
    wake: Wake,
    work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
) -> Later<T> {
    let (sender, receiver) = sync_channel(1);
    let refused = sender.clone();
    let body = move || {
        // The window may have been closed in the meantime.
        let _ = sender.send(work());
        wake(ANSWER_PAUSE);
    };
    if let Err(error) = std::thread::Builder::new().name(name.to_owned()).spawn(body) {
        let _ = refused.send(Err(Fault::internal(format!("no thread can be started: {error}"))));
    }
    receiver
}

impl Backend for Live {
    fn ask(&self, query: &Query) -> bool {
        self.reader.ask(query)
    }

    fn take_answer(&self) -> Option<Answer> {
        self.reader.take()
    }

    fn take_event(&self) -> Option<Event> {
        self.events.lock().ok().and_then(|events| events.try_recv().ok())
    }

    fn submit(&self, job: Job) -> Later<JobId> {
        // The number is the store's, and waits for the store.
        let comms = self.comms.clone();
        later("submit", Arc::clone(&self.wake), move || comms.submit(job))
    }

    fn cancel(&self, job: JobId) {
        self.comms.cancel(job);
    }

    fn edit(&self, edit: Edit) -> Receiver<Result<Edited, Fault>> {
        self.comms.edit(edit)
    }

    fn watch(&self, is_watched: bool) {
        self.comms.watch(is_watched);
    }

    fn export(&self, export: Export, file: PathBuf) -> Later<u64> {
        let store = self.store.clone();
        later("export", Arc::clone(&self.wake), move || {
            let failed = |message: String| Fault::user(message, "choose a folder that you may write to");
            let reader = StoreReader::open(&store).map_err(|error| failed(error.to_string()))?;
            let written = export.write_file(&reader, &file);
            written
                .map(|written| written.rows)
                .map_err(|error| failed(format!("{}: {error}", file.display())))
        })
    }

    fn open_demo(&self) -> Later<Box<dyn Backend>> {
        let wake = Arc::clone(&self.wake);
        later("demo", Arc::clone(&self.wake), move || {
            Live::demo_beside(&wake).map(|live| Box::new(live) as Box<dyn Backend>)
        })
    }

    fn aside(&self, name: &'static str, work: Box<dyn FnOnce() + Send>) {
        // The work sends its own result; where no thread starts, its channel closes and says so.
        drop(later(name, Arc::clone(&self.wake), move || {
            work();
            Ok(())
        }));
    }

    fn drafts_folder(&self) -> Option<PathBuf> {
        // A demo's store goes when it is closed; a scheme that was drawn in it stays.
        if self.fleet.is_some() {
            return Some(std::env::temp_dir().join("meterwright-demo.drafts"));
        }
        let mut name = self.store.file_name()?.to_os_string();
        name.push(".drafts");
        Some(self.store.with_file_name(name))
    }

    fn store_name(&self) -> String {
        if self.is_demo() {
            return "Demo fleet".to_owned();
        }
        let name = self.store.file_stem().map(|name| name.to_string_lossy().into_owned());
        name.unwrap_or_else(|| self.store.display().to_string())
    }

    fn standing(&self) -> Standing {
        self.standing.clone()
    }

    fn sign_in(&self, name: &str, passphrase: Secret) -> Later<Standing> {
        self.comms.sign_in(name, passphrase)
    }

    fn leave(&self, only_lock: bool) {
        if only_lock { self.comms.lock() } else { self.comms.sign_out() }
    }

    fn is_demo(&self) -> bool {
        self.fleet.is_some()
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.comms.stop();
        if let Some(folder) = self.fleet.as_ref().and_then(|demo| demo.folder.as_ref()) {
            // What stays behind in the temporary folder does no harm.
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}
