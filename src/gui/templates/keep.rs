//! Template files, and unsaved work in a folder beside the store. Everything here waits for the disk, and runs on
//! threads of its own. A running program holds a lock on a file there; work whose lock is free was left behind.

use std::cell::Cell;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::export::write_whole;
use crate::gui::context::AppCtx;
use crate::gui::data::Later;
use crate::model::Fault;
use crate::model::template::Origin;
use crate::model::template::check::LARGEST;

const FORMAT: &str = "meterwright.template-draft/1";
const ENDING: &str = ".template-draft.json";

/// Reads a template file.
pub(super) fn read_file(path: &Path) -> Result<String, Fault> {
    let fail = |reason: String| {
        Fault::user(format!("{}: {reason}", path.display()), "choose a template file, which is JSON")
    };
    let file = File::open(path).map_err(|error| fail(error.to_string()))?;
    let most = u64::try_from(LARGEST).unwrap_or(u64::MAX);
    let mut octets = Vec::new();
    file.take(most + 1).read_to_end(&mut octets).map_err(|error| fail(error.to_string()))?;
    if octets.len() > LARGEST {
        return Err(fail(format!("it has more than {LARGEST} octets")));
    }
    let text = String::from_utf8(octets).map_err(|_| fail("it is not UTF-8".to_owned()))?;
    Ok(text.trim_start_matches('\u{feff}').to_owned())
}

/// Unsaved work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Unsaved {
    format: String,
    /// The own template that is changed, with its version; nothing for a new one.
    pub(super) of: Option<(String, u32)>,
    /// Where it comes from.
    pub(super) origin: Option<Origin>,
    /// The text in the store; empty for a new one.
    pub(super) saved: String,
    /// The text.
    pub(super) text: String,
}

impl Unsaved {
    pub(super) fn new(
        of: Option<(String, u32)>,
        origin: Option<Origin>,
        saved: String,
        text: String,
    ) -> Self {
        Self { format: FORMAT.to_owned(), of, origin, saved, text }
    }
}

#[derive(Debug, Default)]
struct Held {
    lock: Option<File>,
    /// The number of the last thing that was done, so that an older one that comes late does nothing.
    latest: u64,
}

/// Where unsaved work is kept.
#[derive(Clone, Debug)]
pub(super) struct Keeper {
    folder: PathBuf,
    own: String,
    held: Arc<Mutex<Held>>,
    /// What was asked to be kept last, and how often that was.
    asked: Cell<u64>,
    kept: Arc<Mutex<Option<Unsaved>>>,
}

impl Keeper {
    /// In a folder, which is made with the first work that is kept.
    pub(super) fn new(folder: &Path, now: Timestamp) -> Self {
        let own = format!("{}-{:x}", std::process::id(), now.as_millisecond());
        let folder = folder.join("templates");
        Self { folder, own, held: Arc::default(), asked: Cell::new(0), kept: Arc::default() }
    }

    /// Keeps unsaved work where it is another than before, or nothing any more; gives the write that has begun.
    pub(super) fn keep(&self, cx: &AppCtx, unsaved: Option<Unsaved>) -> Option<Later<()>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if *kept == unsaved {
            return None;
        }
        kept.clone_from(&unsaved);
        let number = self.asked.get() + 1;
        self.asked.set(number);
        let (folder, own, held) = (self.folder.clone(), self.own.clone(), Arc::clone(&self.held));
        let work = move || put(&folder, &own, &held, number, unsaved.as_ref());
        // A disk that is full must not stop the editing; the work itself stays in the window.
        Some(cx.aside("keep template", work))
    }

    /// The newest work that a program which runs no more has left behind.
    pub(super) fn left_behind(&self) -> Option<Unsaved> {
        let entries = fs::read_dir(&self.folder).ok()?;
        let mut found: Vec<(std::time::SystemTime, PathBuf)> = entries
            .filter_map(Result::ok)
            .map(|entry| entry.path())
            .filter(|path| self.is_left(path))
            .filter_map(|path| Some((fs::metadata(&path).ok()?.modified().ok()?, path)))
            .collect();
        found.sort();
        let (_, path) = found.pop()?;
        let text = read_file(&path).ok()?;
        // It is open now, and kept anew under the name of this program.
        let _gone = fs::remove_file(&path);
        serde_json::from_str(&text).ok().filter(|unsaved: &Unsaved| unsaved.format == FORMAT)
    }

    fn is_left(&self, path: &Path) -> bool {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let Some(owner) = name.strip_suffix(ENDING) else { return false };
        let lock = self.folder.join(format!("{owner}.lock"));
        let is_free = File::open(&lock).map_or(true, |file| file.try_lock().is_ok());
        if owner != self.own && is_free {
            // Another program that starts now may have been faster.
            let _gone = fs::remove_file(&lock);
            return true;
        }
        false
    }
}

fn put(
    folder: &Path,
    own: &str,
    held: &Mutex<Held>,
    number: u64,
    unsaved: Option<&Unsaved>,
) -> Result<(), Fault> {
    let fail = |error: std::io::Error| Fault::user(format!("{}: {error}", folder.display()), "");
    let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
    if held.latest > number {
        return Ok(());
    }
    held.latest = number;
    let path = folder.join(format!("{own}{ENDING}"));
    let Some(unsaved) = unsaved else {
        return match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(fail(error)),
            _ => Ok(()),
        };
    };
    fs::create_dir_all(folder).map_err(fail)?;
    if held.lock.is_none() {
        let lock = File::create(folder.join(format!("{own}.lock"))).map_err(fail)?;
        // Where the file system knows no locks, the work is kept all the same.
        let _unknown = lock.try_lock();
        held.lock = Some(lock);
    }
    let text = serde_json::to_string(unsaved).map_err(|error| Fault::internal(error.to_string()))?;
    write_whole(&path, |out| out.write_all(text.as_bytes())).map_err(fail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_dead_program_kept_is_found_once_and_what_a_living_one_keeps_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let [one, two] = [1, 2].map(|second| Timestamp::from_second(second).unwrap());
        let dead = Keeper::new(folder.path(), one);
        let next = Keeper::new(folder.path(), two);
        assert_eq!(next.left_behind(), None);
        let unsaved = Unsaved::new(None, None, String::new(), "{}".to_owned());
        put(&dead.folder, &dead.own, &dead.held, 1, Some(&unsaved)).unwrap();
        assert_eq!(next.left_behind(), None, "its owner runs");
        drop(dead);
        assert_eq!(next.left_behind(), Some(unsaved));
        assert_eq!(next.left_behind(), None);
    }

    #[test]
    fn an_older_write_that_comes_late_does_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let keeper = Keeper::new(folder.path(), Timestamp::UNIX_EPOCH);
        let unsaved = Unsaved::new(None, None, String::new(), "{}".to_owned());
        put(&keeper.folder, &keeper.own, &keeper.held, 2, None).unwrap();
        put(&keeper.folder, &keeper.own, &keeper.held, 1, Some(&unsaved)).unwrap();
        assert!(!keeper.folder.exists());
    }
}
