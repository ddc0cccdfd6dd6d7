//! What the windows know: questions to the store, answers kept until something changes.
//!
//! No frame does input or output. A window asks the [`Cache`]; what is not there yet is put to a reader thread
//! ([`reader`]) over a bounded channel, and the frame shows that it is loading. Answers stay and are shown while a
//! fresher one is on its way, so that nothing jumps.

mod cache;
pub mod live;
mod query;
pub mod reader;

use std::path::PathBuf;
use std::sync::mpsc::Receiver;

use crate::comms::{Edit, Edited, Event, Job, JobId};
use crate::export::Export;
use crate::model::{Fault, Secret, Standing};

pub use cache::{Cache, Load};
pub use query::{
    Answer, CampaignFile, CampaignLine, DayTotal, Details, ListDetails, ListRates, ListSummary, MeterSchemes,
    PackageFile, PointView, PriceFile, Query, RegisterSet, SchemeFile, Slice, Traffic, TrustedKeys, Value,
};

/// An answer that comes later.
pub type Later<T> = Receiver<Result<T, Fault>>;

/// All that the windows ask of the floors below. Nothing here blocks.
pub trait Backend: Send {
    /// Puts a question to the reader thread; false where its queue is full, and the next frame asks again.
    fn ask(&self, query: &Query) -> bool;
    /// The next answer, if one has come.
    fn take_answer(&self) -> Option<Answer>;
    /// The next event of the communications thread, if one has come.
    fn take_event(&self) -> Option<Event>;
    /// Submits a job; its number comes later.
    fn submit(&self, job: Job) -> Later<JobId>;
    /// Cancels a job.
    fn cancel(&self, job: JobId);
    /// Asks for a change of the store's own data.
    fn edit(&self, edit: Edit) -> Receiver<Result<Edited, Fault>>;
    /// Writes readings to a file, all of it or nothing; gives the number of rows.
    fn export(&self, export: Export, file: PathBuf) -> Later<u64>;
    /// Opens the simulated fleet over a store of its own.
    fn open_demo(&self) -> Later<Box<dyn Backend>>;
    /// Runs work on a thread of its own and asks for a repaint when it is done.
    fn aside(&self, name: &'static str, work: Box<dyn FnOnce() + Send>);
    /// Where unsaved work is kept; nothing where it cannot be.
    fn drafts_folder(&self) -> Option<PathBuf> {
        None
    }
    /// What the header calls this store.
    fn store_name(&self) -> String;
    /// Who acts here when the windows open; whoever comes later is told of by an event.
    fn standing(&self) -> Standing {
        Standing::Alone
    }
    /// Signs a person in, in place of whoever is.
    fn sign_in(&self, name: &str, passphrase: Secret) -> Later<Standing>;
    /// Signs whoever is here out, or only locks.
    fn leave(&self, only_lock: bool);
    /// Whether the meters are simulated.
    fn is_demo(&self) -> bool {
        false
    }
}
