//! A meter is held against other programs on the same store while a session with it lasts: `meterwright run` beside the
//! windows, or two commands at once. Two sessions would undo each other's work: two flashes initiate one transfer
//! twice and mix two images' blocks, two ciphered sessions of one client use invocation counters out of turn. So is a
//! place on its line, where the line is shared with other meters: two conversations on one bus garble each other.
//!
//! What holds is the system's lock on one byte of a file beside the store (`STORE.held`), a byte a meter and a few for
//! each line. The system lets go of it when a program dies; the file stays, empty. Nothing of this goes to disk: a file
//! for each meter would have cost as much as the rest of its session.
//!
//! Nobody waits for a meter while holding a line, and nobody waits for one line while holding another: there is always
//! somebody who can go on.

use std::cell::{OnceCell, RefCell};
use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use file_guard::{FileGuard, Lock};

use crate::model::MeterId;

use super::queue::SharedLine;

/// Where the bytes of lines begin: behind those of all meters.
const LINES: u64 = 1 << 62;
/// Bytes of one line: who is next, and one for each session that it may take at a time.
const BYTES_OF_A_LINE: u64 = 1 << 17;

/// What this program holds. A process opens the file once: closing it anywhere lets go of everything.
#[derive(Debug)]
pub(super) struct Holds {
    path: PathBuf,
    file: OnceCell<Rc<File>>,
    /// The system's locks keep out other programs only.
    own: Rc<RefCell<HashSet<u64>>>,
}

/// A meter, or a place on a line, that is held until this goes.
#[derive(Debug)]
pub(super) struct Held {
    place: u64,
    own: Rc<RefCell<HashSet<u64>>>,
    _byte: FileGuard<Rc<File>>,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.own.borrow_mut().remove(&self.place);
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
        self.byte(u64::try_from(meter.0).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?)
    }

    /// Holds one of a line's places; nothing where all are held. Who keeps `turn` and asks again is next: a program
    /// whose own sessions follow each other without a pause would have the line for ever otherwise.
    ///
    /// # Errors
    /// As of [`Holds::hold`].
    pub(super) fn hold_line(
        &self,
        line: &SharedLine<'_>,
        turn: &mut Option<Held>,
    ) -> io::Result<Option<Held>> {
        // Two lines with one sum wait for each other now and then.
        let first = LINES + u64::from(crc32fast::hash(line.name.as_bytes())) * BYTES_OF_A_LINE;
        if turn.is_none() {
            *turn = self.byte(first)?;
        }
        if turn.is_none() {
            return Ok(None);
        }
        for place in 1..=u64::from(line.places) {
            if let Some(held) = self.byte(first + place)? {
                *turn = None;
                return Ok(Some(held));
            }
        }
        Ok(None)
    }

    fn byte(&self, place: u64) -> io::Result<Option<Held>> {
        if self.own.borrow().contains(&place) {
            return Ok(None);
        }
        let offset = usize::try_from(place).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
        match file_guard::try_lock(Rc::clone(self.file()?), Lock::Exclusive, offset, 1) {
            Ok(byte) => {
                self.own.borrow_mut().insert(place);
                Ok(Some(Held { place, own: Rc::clone(&self.own), _byte: byte }))
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
    fn a_line_has_as_many_places_as_it_takes_sessions_and_who_waits_is_next() {
        let folder = tempfile::tempdir().unwrap();
        let holds = Holds::beside(&folder.path().join("s.meterwright"));
        let line = SharedLine { name: "gw:4059", places: 2 };
        let at_once = || holds.hold_line(&line, &mut None).unwrap();
        let one = at_once().unwrap();
        let _two = at_once().unwrap();
        let mut turn = None;
        assert!(holds.hold_line(&line, &mut turn).unwrap().is_none() && turn.is_some());
        drop(one);
        assert!(at_once().is_none(), "somebody is next");
        let other = SharedLine { name: "gw:4060", places: 1 };
        assert!(holds.hold_line(&other, &mut None).unwrap().is_some());
        let three = holds.hold_line(&line, &mut turn).unwrap();
        assert!(three.is_some() && turn.is_none());
        drop(three);
        assert!(at_once().is_some());
    }

    #[test]
    fn who_no_longer_waits_is_not_next() {
        let folder = tempfile::tempdir().unwrap();
        let holds = Holds::beside(&folder.path().join("s.meterwright"));
        let line = SharedLine { name: "/dev/ttyUSB0", places: 1 };
        let one = holds.hold_line(&line, &mut None).unwrap();
        let mut turn = None;
        assert!(holds.hold_line(&line, &mut turn).unwrap().is_none());
        drop((one, turn));
        assert!(holds.hold_line(&line, &mut None).unwrap().is_some());
    }

    #[test]
    fn a_folder_that_takes_no_files_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let holds = Holds::beside(&folder.path().join("nowhere").join("s.meterwright"));
        assert_eq!(holds.hold(MeterId(1)).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
