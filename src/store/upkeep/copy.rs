//! A whole copy of the store in another file, as it is at one instant, while others go on writing.
//!
//! SQLite writes it as a compact file of its own (`VACUUM INTO`), under another name first; it is looked through,
//! brought to disk, and only then gets its name. What is cut off leaves a file `….part`, which the next copy
//! overwrites.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

use rusqlite::{Connection, InterruptHandle, OpenFlags};

use crate::store::columns::uncount;
use crate::store::error::Trouble;
use crate::store::{BUSY, StoreError, StoreReader};

use super::{Pace, Watch, free_bytes};

/// How often it is looked how far the copy is.
const LOOK: Duration = Duration::from_millis(100);
/// What stays free beside a copy.
const MARGIN_BYTES: u64 = 16 << 20;

fn part_of(target: &Path) -> PathBuf {
    let mut name = target.as_os_str().to_owned();
    name.push(".part");
    PathBuf::from(name)
}

fn unusable(path: &Path, reason: String) -> StoreError {
    StoreError::Unusable { path: path.display().to_string(), reason }
}

/// Bytes that the store's content takes.
fn content_bytes(connection: &Connection) -> rusqlite::Result<u64> {
    let pragma = |name: &str| -> rusqlite::Result<u64> {
        Ok(uncount(connection.pragma_query_value(None, name, |row| row.get(0))?))
    };
    Ok(pragma("page_count")?.saturating_sub(pragma("freelist_count")?).saturating_mul(pragma("page_size")?))
}

fn write_part(source: &Path, part: &Path, handle: impl FnOnce(InterruptHandle)) -> rusqlite::Result<()> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(source, flags)?;
    connection.busy_timeout(BUSY)?;
    handle(connection.get_interrupt_handle());
    connection.execute("VACUUM INTO ?1", [part.to_string_lossy()])?;
    Ok(())
}

/// The rights of the store itself.
fn only_for_its_owner(part: &Path) -> std::io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(part).map(drop)
}

fn look_through(part: &Path) -> Result<(), StoreError> {
    let name = part.display().to_string();
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let look = || -> Result<(), Trouble> {
        let connection = Connection::open_with_flags(part, flags)?;
        let found: String = connection.pragma_query_value(None, "quick_check", |row| row.get(0))?;
        if found == "ok" { Ok(()) } else { Err(Trouble::Damaged(found)) }
    };
    look().map_err(|trouble| trouble.at(&name))
}

/// What becomes of a file that has the copy's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Existing {
    /// It stays, and no copy is made.
    Refuse,
    /// The copy takes its place once it is whole.
    Replace,
}

/// Copies a store's file; false where it was stopped.
///
/// # Errors
/// There is a file of the target's name, the disk has no room, or either file cannot be used; nothing is left then but
/// what has the target's name and `.part`.
pub(in crate::store) fn copy(
    source: &Path,
    connection: &Connection,
    target: &Path,
    existing: Existing,
    watch: &mut Watch<'_>,
) -> Result<bool, StoreError> {
    if existing == Existing::Refuse && target.exists() {
        return Err(unusable(target, "there is a file of that name: choose another name".to_owned()));
    }
    let name = source.display().to_string();
    let of = content_bytes(connection).map_err(|error| Trouble::Sql(error).at(&name))?;
    if let Some(free) = free_bytes(target).filter(|free| *free < of.saturating_add(MARGIN_BYTES)) {
        let mib = |bytes: u64| bytes.div_ceil(1 << 20);
        let reason = format!(
            "a copy takes {} MiB and the disk has {} MiB free: make room, or choose another disk",
            mib(of + MARGIN_BYTES),
            free >> 20
        );
        return Err(unusable(target, reason));
    }
    let part = part_of(target);
    let failed = |error: std::io::Error| unusable(target, format!("{error}: see that you may write there"));
    if part.exists() {
        fs::remove_file(&part).map_err(failed)?;
    }
    only_for_its_owner(&part).map_err(failed)?;
    let is_whole = match write(source, &part, of, watch) {
        Ok(is_whole) => is_whole,
        Err(error) => {
            let _cleared = fs::remove_file(&part);
            return Err(Trouble::Sql(error).at(&target.display().to_string()));
        }
    };
    if !is_whole {
        let _cleared = fs::remove_file(&part);
        return Ok(false);
    }
    look_through(&part)?;
    let settle = || {
        File::options().write(true).open(&part)?.sync_all()?;
        fs::rename(&part, target)
    };
    settle().map_err(failed)?;
    let _at_the_end = watch(Pace { done: of, of });
    Ok(true)
}

/// Writes the copy on a thread of its own, watched from here.
fn write(source: &Path, part: &Path, of: u64, watch: &mut Watch<'_>) -> rusqlite::Result<bool> {
    std::thread::scope(|scope| {
        let (began, handle) = sync_channel(1);
        let (ended, end) = sync_channel(1);
        scope.spawn(move || {
            // Whoever watches is there as long as this goes on.
            let _watched = ended.send(write_part(source, part, |handle| drop(began.send(handle))));
        });
        let mut is_stopped = false;
        loop {
            match end.recv_timeout(LOOK) {
                Ok(Err(_)) if is_stopped => return Ok(false),
                Ok(result) => return result.map(|()| true),
                Err(RecvTimeoutError::Disconnected) => return Err(rusqlite::Error::InvalidQuery),
                Err(RecvTimeoutError::Timeout) => {}
            }
            let done = fs::metadata(part).map_or(0, |found| found.len()).min(of);
            if !is_stopped && !watch(Pace { done, of }) {
                is_stopped = true;
            }
            if is_stopped && let Ok(handle) = handle.try_recv() {
                let handle: InterruptHandle = handle;
                handle.interrupt();
            }
        }
    })
}

impl StoreReader {
    /// Writes a whole copy of the store, as it is now, to a new file; false where it was stopped, and no file is there.
    /// Secrets in it stay sealed: the key that opens them lies beside the store and is not copied.
    ///
    /// # Errors
    /// There is a file of that name, the disk has no room, or the copy cannot be written.
    pub fn back_up(&self, target: &Path, watch: &mut Watch<'_>) -> Result<bool, StoreError> {
        copy(Path::new(&self.path), &self.connection, target, Existing::Refuse, watch)
    }
}
