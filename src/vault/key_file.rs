//! The file that holds a vault's key: one line that says what it is, one line of 64 hex digits.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::model::{Secret, lower_hex};

use super::{KEY_BYTES, VaultError};

const HEADER: &str = "meterwright vault key 1";
/// A key file is not longer than this.
const MOST_BYTES: u64 = 1024;

fn fail(path: &Path, reason: String) -> VaultError {
    VaultError::KeyFile { path: path.display().to_string(), reason }
}

/// Reads a key; nothing where there is no file.
pub(super) fn read(path: &Path) -> Result<Option<Secret>, VaultError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(fail(path, error.to_string())),
    };
    refuse_shared(path, &file)?;
    // Of full size from the start: a buffer that grew would leave copies behind.
    let mut text = Zeroizing::new(Vec::with_capacity(2 * MOST_BYTES as usize));
    file.take(MOST_BYTES).read_to_end(&mut text).map_err(|error| fail(path, error.to_string()))?;
    let key = parse(&text).ok_or_else(|| {
        let reason = "it is no key of this program, or was cut short: put the right file back from a backup";
        fail(path, reason.to_owned())
    })?;
    Ok(Some(key))
}

fn parse(text: &[u8]) -> Option<Secret> {
    let text = std::str::from_utf8(text).ok()?;
    let mut lines = text.lines();
    if lines.next()? != HEADER {
        return None;
    }
    let digits = lines.next()?;
    if digits.len() != 2 * KEY_BYTES || lines.any(|line| !line.is_empty()) {
        return None;
    }
    let mut key = Zeroizing::new(Vec::with_capacity(KEY_BYTES));
    for at in (0..digits.len()).step_by(2) {
        key.push(digits.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok())?);
    }
    Some(Secret::new(std::mem::take(&mut key)))
}

#[cfg(unix)]
fn refuse_shared(path: &Path, file: &File) -> Result<(), VaultError> {
    use std::os::unix::fs::PermissionsExt;

    let mode = file.metadata().map_err(|error| fail(path, error.to_string()))?.permissions().mode();
    if mode & 0o077 == 0 {
        return Ok(());
    }
    let shown = mode & 0o777;
    Err(fail(path, format!("others than its owner can use it (mode {shown:03o}): run chmod 600 on it")))
}

/// On Windows a file is as private as the folder that it lies in.
#[cfg(not(unix))]
fn refuse_shared(_: &Path, _: &File) -> Result<(), VaultError> {
    Ok(())
}

fn new_private_file(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn write(mut file: File, text: &[u8]) -> std::io::Result<()> {
    file.write_all(text)?;
    file.sync_all()
}

/// Makes a key and its file, on disk before this returns. Where another program was faster, its key is taken: a file
/// that is there is never overwritten.
pub(super) fn create(path: &Path) -> Result<Secret, VaultError> {
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    getrandom::fill(key.as_mut())
        .map_err(|error| fail(path, format!("this computer gives no random numbers: {error}")))?;
    let key = Secret::new(key.to_vec());
    match put(path, &key) {
        Ok(()) => Ok(key),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            read(path)?.ok_or_else(|| fail(path, "it vanished while it was opened: try again".to_owned()))
        }
        Err(error) => Err(fail(path, format!("it cannot be made: {error}"))),
    }
}

/// Puts a key into a file of its own, on disk before this returns; a file that is there is never overwritten.
pub(super) fn place(path: &Path, key: &Secret) -> Result<(), VaultError> {
    put(path, key).map_err(|error| fail(path, format!("it cannot be made: {error}")))
}

fn put(path: &Path, key: &Secret) -> std::io::Result<()> {
    let mut text = Zeroizing::new(String::with_capacity(MOST_BYTES as usize));
    text.push_str(HEADER);
    text.push('\n');
    for byte in key.expose() {
        for nibble in [byte >> 4, byte & 0x0F] {
            text.extend(char::from_digit(nibble.into(), 16));
        }
    }
    text.push('\n');
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)?;
    }
    place_whole(path, text.as_bytes())
}

/// Where the key with a number waits for its turn.
pub(super) fn next(path: &Path, number: &[u8]) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(lower_hex(number));
    PathBuf::from(name)
}

/// Puts a waiting key in the place of the one in use.
pub(super) fn take_place(next: &Path, path: &Path) -> Result<(), VaultError> {
    let renamed = std::fs::rename(next, path).and_then(|()| sync_folder(path));
    renamed.map_err(|error| fail(path, format!("{} cannot take its place: {error}", next.display())))
}

/// Takes a file away that nobody needs.
pub(super) fn remove(path: &Path) {
    if let Err(error) = std::fs::remove_file(path) {
        tracing::warn!("{} stays behind: {error}", path.display());
    }
}

/// Overwrites a key file and takes it away; on most disks of today the old bytes can survive the first.
pub(super) fn wipe(path: &Path) -> Result<(), VaultError> {
    let overwrite = || {
        let mut file = OpenOptions::new().write(true).open(path)?;
        let length = file.metadata()?.len().min(MOST_BYTES);
        file.write_all(&vec![b'0'; usize::try_from(length).unwrap_or_default()])?;
        file.sync_all()
    };
    match overwrite().and_then(|()| std::fs::remove_file(path)).and_then(|()| sync_folder(path)) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(fail(path, format!("it holds the vault's key in the clear and cannot be removed: {error}")))
        }
        _ => Ok(()),
    }
}

/// Writes under another name first and links it into place, so that nobody ever sees half a key.
fn place_whole(path: &Path, text: &[u8]) -> std::io::Result<()> {
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(std::io::Error::other)?;
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{:016x}", u64::from_be_bytes(random)));
    let draft = PathBuf::from(name);
    let written = new_private_file(&draft).and_then(|file| write(file, text));
    let placed = written.and_then(|()| match std::fs::hard_link(&draft, path) {
        // File systems without links (FAT): written in place, still never over another file.
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            new_private_file(path).and_then(|file| write(file, text))
        }
        other => other,
    });
    let removed = std::fs::remove_file(&draft);
    placed.and(removed)?;
    sync_folder(path)
}

#[cfg(unix)]
fn sync_folder(path: &Path) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> std::io::Result<()> {
    Ok(())
}
