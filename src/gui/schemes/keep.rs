//! Files of schemes and of unsaved work. Everything here waits for the disk, and runs on threads of its own.
//!
//! Unsaved work is kept in a folder beside the store, a file for each open scheme. A running program holds a lock on
//! a file of its own there; what belongs to none that is held was left behind by a crash, and is offered again.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::export::write_whole;
use crate::model::Fault;
use crate::scheme::{Document, read, write};

/// The largest file of unsaved work that is read.
const LARGEST: u64 = 32 << 20;
const FORMAT: &str = "meterwright.draft/1";
const ENDING: &str = ".draft.json";

/// What came of saving.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Saved {
    /// It is on the disk.
    Done,
    /// Nothing was written: the file holds something else than was thought.
    Changed,
}

fn failed(path: &Path, error: &std::io::Error) -> Fault {
    Fault::user(format!("{}: {error}", path.display()), "choose a folder that you may write to")
}

/// Writes a scheme file, whole or not at all. Where the file holds something else than `expected`, nothing is written.
pub(super) fn save(
    path: &Path,
    document: &Document,
    expected: Option<&Document>,
    replace: bool,
) -> Result<Saved, Fault> {
    if !replace {
        match fs::read(path) {
            Ok(bytes) => {
                let found = read(&bytes).ok();
                // A file that holds already what is to be written does no harm.
                let is_as_thought = found.is_some() && [expected, Some(document)].contains(&found.as_ref());
                if !is_as_thought {
                    return Ok(Saved::Changed);
                }
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(failed(path, &error)),
        }
    }
    write_whole(path, |out| out.write_all(write(document).as_bytes()))
        .map_err(|error| failed(path, &error))?;
    Ok(Saved::Done)
}

/// Gives a file another name; never over another file.
pub(super) fn rename(from: &Path, to: &Path) -> Result<(), Fault> {
    if to.exists() {
        return Err(Fault::user(format!("{} is there already", to.display()), "choose another name"));
    }
    fs::rename(from, to).map_err(|error| failed(from, &error))
}

/// Deletes a file.
pub(super) fn delete(path: &Path) -> Result<(), Fault> {
    fs::remove_file(path).map_err(|error| failed(path, &error))
}

/// Unsaved work, as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct DraftFile {
    format: String,
    /// When it was kept.
    at: Timestamp,
    /// The scheme's own file.
    path: Option<PathBuf>,
    /// What stood in that file.
    base: Option<String>,
    /// The scheme, as a scheme file.
    scheme: String,
}

/// Unsaved work.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Unsaved {
    /// When it was kept.
    pub(super) at: Timestamp,
    /// The scheme's own file.
    pub(super) path: Option<PathBuf>,
    /// What stood in that file.
    pub(super) base: Option<Document>,
    /// The scheme.
    pub(super) document: Document,
}

/// Unsaved work that was left behind.
#[derive(Clone, Debug)]
pub(super) struct Found {
    /// Its file.
    pub(super) file: PathBuf,
    /// What is in it.
    pub(super) unsaved: Unsaved,
}

#[derive(Debug, Default)]
struct Held {
    lock: Option<File>,
    /// The number of the last thing done to each file, so that an older one that comes late does nothing.
    latest: HashMap<String, u64>,
}

/// Where unsaved work is kept.
#[derive(Clone, Debug)]
pub(super) struct Keeper {
    folder: PathBuf,
    /// Begins the names of this program's files.
    own: String,
    held: Arc<Mutex<Held>>,
}

impl Keeper {
    /// In a folder, which is made with the first work that is kept.
    pub(super) fn new(folder: PathBuf, now: Timestamp) -> Self {
        // A number that is given again after a restart of the machine must not meet an old file.
        let own = format!("{}-{:x}", std::process::id(), now.as_millisecond());
        Self { folder, own, held: Arc::default() }
    }

    fn name(&self, scheme: u64) -> String {
        format!("{}-{scheme}{ENDING}", self.own)
    }

    /// Keeps the unsaved work of a scheme, or with `None` keeps nothing of it any more. `number` counts up.
    pub(super) fn keep(&self, scheme: u64, number: u64, unsaved: Option<&Unsaved>) -> Result<(), Fault> {
        let name = self.name(scheme);
        let path = self.folder.join(&name);
        // What another thread left half done when it failed is written anew here.
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.latest.get(&name).is_some_and(|latest| *latest > number) {
            return Ok(());
        }
        held.latest.insert(name, number);
        let Some(unsaved) = unsaved else {
            return match fs::remove_file(&path) {
                Err(error) if error.kind() != ErrorKind::NotFound => Err(failed(&path, &error)),
                _ => Ok(()),
            };
        };
        fs::create_dir_all(&self.folder).map_err(|error| failed(&self.folder, &error))?;
        if held.lock.is_none() {
            held.lock = Some(self.lock()?);
        }
        let file = DraftFile {
            format: FORMAT.to_owned(),
            at: unsaved.at,
            path: unsaved.path.clone(),
            base: unsaved.base.as_ref().map(write),
            scheme: write(&unsaved.document),
        };
        let text = serde_json::to_string(&file).map_err(|error| Fault::internal(error.to_string()))?;
        write_whole(&path, |out| out.write_all(text.as_bytes())).map_err(|error| failed(&path, &error))
    }

    fn lock(&self) -> Result<File, Fault> {
        let path = self.folder.join(format!("{}.lock", self.own));
        let file = File::create(&path).map_err(|error| failed(&path, &error))?;
        // Where the file system knows no locks, the work is kept all the same.
        let _unknown = file.try_lock();
        Ok(file)
    }

    /// What programs that run no more have left behind, newest first.
    pub(super) fn left_behind(&self) -> Result<Vec<Found>, Fault> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed(&self.folder, &error)),
        };
        let files: Vec<PathBuf> = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
        for lock in files.iter().filter(|path| path.extension().is_some_and(|ending| ending == "lock")) {
            if lock.file_stem().is_some_and(|stem| stem != self.own.as_str()) && is_free(lock) {
                // Another program that starts now may have been faster.
                let _gone = fs::remove_file(lock);
            }
        }
        let mut found: Vec<Found> = files
            .into_iter()
            .filter(|path| self.is_left(path))
            .filter_map(|file| load(&file).map(|unsaved| Found { file, unsaved }))
            .collect();
        found.sort_by_key(|found| std::cmp::Reverse(found.unsaved.at));
        Ok(found)
    }

    fn is_left(&self, path: &Path) -> bool {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let owner = name.strip_suffix(ENDING).and_then(|stem| stem.rsplit_once('-')).map(|(owner, _)| owner);
        owner.is_some_and(|owner| owner != self.own && !self.folder.join(format!("{owner}.lock")).exists())
    }
}

fn is_free(lock: &Path) -> bool {
    File::open(lock).is_ok_and(|file| file.try_lock().is_ok())
}

fn load(path: &Path) -> Option<Unsaved> {
    let mut text = String::new();
    File::open(path).ok()?.take(LARGEST).read_to_string(&mut text).ok()?;
    let file: DraftFile =
        serde_json::from_str(&text).ok().filter(|file: &DraftFile| file.format == FORMAT)?;
    Some(Unsaved {
        at: file.at,
        path: file.path,
        base: file.base.and_then(|text| read(text.as_bytes()).ok()),
        document: read(file.scheme.as_bytes()).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-22T14:32:00Z".parse().unwrap()
    }

    fn unsaved(title: &str) -> Unsaved {
        let document =
            Document { title: title.to_owned(), ..Document::blank("dlms-generic", "Europe/London") };
        Unsaved { at: now(), path: Some("/tmp/x.scheme.json".into()), base: None, document }
    }

    #[test]
    fn what_a_dead_program_kept_is_found_and_what_a_living_one_keeps_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let dead = Keeper::new(folder.path().join("drafts"), now());
        let later = "2026-11-22T15:00:00Z".parse().unwrap();
        let next = Keeper::new(folder.path().join("drafts"), later);
        assert!(next.left_behind().unwrap().is_empty());
        dead.keep(1, 1, Some(&unsaved("half done"))).unwrap();
        assert!(next.left_behind().unwrap().is_empty(), "its owner runs");
        drop(dead);
        let found = next.left_behind().unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].unsaved, unsaved("half done"));
    }

    #[test]
    fn an_older_write_that_comes_late_does_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let keeper = Keeper::new(folder.path().to_path_buf(), now());
        keeper.keep(1, 2, None).unwrap();
        keeper.keep(1, 1, Some(&unsaved("old"))).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_file_that_was_changed_meanwhile_is_not_written_over_unless_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.scheme.json");
        let (ours, theirs) = (unsaved("ours").document, unsaved("theirs").document);
        assert_eq!(save(&path, &ours, None, false), Ok(Saved::Done));
        fs::write(&path, write(&theirs)).unwrap();
        let next = unsaved("next").document;
        assert_eq!(save(&path, &next, Some(&ours), false), Ok(Saved::Changed));
        assert_eq!(fs::read_to_string(&path).unwrap(), write(&theirs));
        assert_eq!(save(&path, &next, Some(&ours), true), Ok(Saved::Done));
        assert_eq!(fs::read_to_string(&path).unwrap(), write(&next));
        fs::write(&path, "no scheme").unwrap();
        assert_eq!(save(&path, &ours, None, false), Ok(Saved::Changed));
    }

    #[test]
    fn a_rename_never_hits_another_file() {
        let folder = tempfile::tempdir().unwrap();
        let [one, two] = ["a", "b"].map(|name| folder.path().join(name));
        fs::write(&one, "1").unwrap();
        fs::write(&two, "2").unwrap();
        assert!(rename(&one, &two).is_err());
        delete(&two).unwrap();
        rename(&one, &two).unwrap();
        assert_eq!(fs::read_to_string(&two).unwrap(), "1");
    }
}
