//! How much room the disk has.

use std::path::Path;

/// Bytes that this account may still write where a file lies or will lie; nothing where that cannot be told.
#[cfg(unix)]
pub(in crate::store) fn free_bytes(path: &Path) -> Option<u64> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let found = rustix::fs::statvfs(folder).ok()?;
    Some(found.f_bavail.saturating_mul(found.f_frsize))
}

/// Bytes that this account may still write where a file lies or will lie; nothing where that cannot be told.
#[cfg(not(unix))]
pub(in crate::store) fn free_bytes(_path: &Path) -> Option<u64> {
    // Without a call of the system that is not to be had safely: whoever writes finds out.
    None
}
