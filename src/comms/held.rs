//! A meter is held against other programs on the same store while a session with it lasts: `meterwright run` beside the
//! windows, or two commands at once. Two sessions would undo each other's work: two flashes initiate one transfer
//! twice and mix two images' blocks, two ciphered sessions of one client use invocation counters out of turn.
//!
//! What holds is the system's lock on one byte of a file beside the store (`STORE.held`), a byte a meter. The system
//! lets go of it when a program dies; the file stays, empty. Nothing of this goes to disk: a file for each meter would
//! have cost as much as the rest of its session.

use std::cell::{OnceCell, RefCell};
use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use file_guard::{FileGuard, Lock};

use crate::model::MeterId;

/// The meters that this program holds. A process opens the file once: closing it anywhere lets go of all of them.
#[derive(Debug)]
pub(super) struct Holds {
    path: PathBuf,
    file: OnceCell<Rc<File>>,
    /// The system's locks keep out other programs only.
    own: Rc<RefCell<HashSet<MeterId>>>,
}

/// A meter that is held, until this goes.
#[derive(Debug)]
pub(super) struct Held {
    meter: MeterId,
    own: Rc<RefCell<HashSet<MeterId>>>,
    _byte: FileGuard<Rc<File>>,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.own.borrow_mut().remove(&self.meter);
    }
}

impl Holds {
    /// Holds none yet.
    pub(super) fn beside(store: &Path) -> Self {
        let mut path = store.as_os_str().to_owned();
        path.push(".held");
        Self { path: path.into(), file: OnceCell::new(), own: Rc::default() }
    }

    fn file(&self) -> io::Result<&Rc<File>> {
        if let Some(file) = self.file.get() {
            return Ok(file);
        }
        let file = File::options().create(true).truncate(false).write(true).open(&self.path)?;
        Ok(self.file.get_or_init(|| Rc::new(file)))
    }

    /// Holds a meter; nothing where it is held already.
    ///
    /// # Errors
    /// The file cannot be made or locked: the folder takes no files, or its file system knows no locks.
    pub(super) fn hold(&self, meter: MeterId) -> io::Result<Option<Held>> {
        if self.own.borrow().contains(&meter) {
            return Ok(None);
        }
        let place = usize::try_from(meter.0).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
        match file_guard::try_lock(Rc::clone(self.file()?), Lock::Exclusive, place, 1) {
            Ok(byte) => {
                self.own.borrow_mut().insert(meter);
                Ok(Some(Held { meter, own: Rc::clone(&self.own), _byte: byte }))
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_meter_is_held_once_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let holds = Holds::beside(&folder.path().join("s.meterwright"));
        let held = holds.hold(MeterId(1)).unwrap().unwrap();
        assert!(holds.hold(MeterId(1)).unwrap().is_none());
        let other = holds.hold(MeterId(2)).unwrap().unwrap();
        let elsewhere = Holds::beside(&folder.path().join("t.meterwright"));
        assert!(elsewhere.hold(MeterId(1)).unwrap().is_some(), "another store's");
        drop(held);
        drop(holds.hold(MeterId(1)).unwrap().unwrap());
        assert!(holds.hold(MeterId(2)).unwrap().is_none(), "letting go of one lets go of no other");
        drop(other);
        assert_eq!(std::fs::metadata(folder.path().join("s.meterwright.held")).unwrap().len(), 0);
    }

    #[test]
    fn a_folder_that_takes_no_files_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let holds = Holds::beside(&folder.path().join("nowhere").join("s.meterwright"));
        assert_eq!(holds.hold(MeterId(1)).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
