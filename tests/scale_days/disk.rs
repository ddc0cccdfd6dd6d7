//! A full disk.

use rustix::process::{Resource, Rlimit, Signal, getrlimit, setrlimit};
use tokio::signal::unix::{Signal as Signals, SignalKind, signal};

/// As long as it lives, the system turns away whatever this process writes into a file beyond its first page, so that
/// SQLite meets it wherever a disk without room would stop it: in its log, in the middle of what it commits. (The
/// system's word is `EFBIG` and not `ENOSPC`, SQLite's `IOERR` and not `FULL`; the latter has tests of its own beside
/// the code.)
pub(crate) struct FullDisk {
    before: Rlimit,
    /// The signal that comes along would end the process if nobody took it.
    _taken: Signals,
}

impl FullDisk {
    pub(crate) fn begin() -> Self {
        let taken = signal(SignalKind::from_raw(Signal::XFSZ.as_raw())).unwrap();
        let before = getrlimit(Resource::Fsize);
        setrlimit(Resource::Fsize, Rlimit { current: Some(4096), maximum: before.maximum }).unwrap();
        Self { before, _taken: taken }
    }
}

impl Drop for FullDisk {
    fn drop(&mut self) {
        setrlimit(Resource::Fsize, self.before).unwrap();
    }
}
