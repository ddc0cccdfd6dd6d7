//! A meter is held against other programs on the same store while a session with it lasts: `meterwright run` beside the
//! windows, or two commands at once. Two sessions would undo each other's work: two flashes initiate one transfer
//! twice and mix two images' blocks, two ciphered sessions of one client use invocation counters out of turn.
//!
//! What holds is the lock of a file beside the store, which the system lets go of when a program dies.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use crate::model::MeterId;

/// How often a file is opened that its last holder took away meanwhile.
const TRIES: u32 = 16;

/// A meter that is held, until this goes.
#[derive(Debug)]
pub(super) struct Held {
    path: PathBuf,
    /// Closed, and with that unlocked, after the file is taken away.
    _file: File,
}

impl Drop for Held {
    fn drop(&mut self) {
        // What stays is empty, locks nobody out, and is taken away after the next session.
        let _stays = fs::remove_file(&self.path);
    }
}

fn path(store: &Path, meter: MeterId) -> PathBuf {
    let mut name = store.as_os_str().to_owned();
    name.push(format!(".meter-{}", meter.0));
    PathBuf::from(name)
}

/// Holds a meter of a store; nothing where another program does.
///
/// # Errors
/// The file cannot be made or locked: the folder takes no files, or its file system knows no locks.
pub(super) fn hold(store: &Path, meter: MeterId) -> io::Result<Option<Held>> {
    let path = path(store, meter);
    for _ in 0..TRIES {
        let file = File::options().create(true).truncate(false).write(true).open(&path)?;
        match file.try_lock() {
            Ok(()) if is_at(&path, &file) => return Ok(Some(Held { path, _file: file })),
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
    Ok(None)
}

/// Whether the file that was opened is still the one under its name: its last holder may have taken that away between
/// the opening and the locking, and somebody else have made another.
#[cfg(unix)]
fn is_at(path: &Path, file: &File) -> bool {
    use std::os::unix::fs::MetadataExt;
    let place = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
    match (fs::metadata(path), file.metadata()) {
        (Ok(named), Ok(opened)) => place(named) == place(opened),
        _ => false,
    }
}

/// A name is not free here before the last handle of its file is closed.
#[cfg(not(unix))]
fn is_at(path: &Path, _file: &File) -> bool {
    path.exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_meter_is_held_once_at_a_time_and_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("s.meterwright");
        let held = hold(&store, MeterId(1)).unwrap().unwrap();
        assert!(hold(&store, MeterId(1)).unwrap().is_none());
        let other = hold(&store, MeterId(2)).unwrap().unwrap();
        assert!(hold(&folder.path().join("t.meterwright"), MeterId(1)).unwrap().is_some(), "another store's");
        drop(held);
        drop(hold(&store, MeterId(1)).unwrap().unwrap());
        drop(other);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_file_that_a_dead_program_left_holds_nobody_up() {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("s.meterwright");
        fs::write(path(&store, MeterId(1)), "").unwrap();
        assert!(hold(&store, MeterId(1)).unwrap().is_some());
    }

    #[cfg(unix)]
    #[test]
    fn of_a_file_that_was_taken_away_the_lock_is_worth_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        let file = File::create(&path).unwrap();
        assert!(is_at(&path, &file));
        fs::remove_file(&path).unwrap();
        assert!(!is_at(&path, &file));
        fs::write(&path, "").unwrap();
        assert!(!is_at(&path, &file));
    }
}
