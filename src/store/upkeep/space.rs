//! How much room the disk has.

use std::path::Path;

/// Bytes that this account may still write where a file lies or will lie; nothing where that cannot be told.
pub(in crate::store) fn free_bytes(path: &Path) -> Option<u64> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs4::available_space(folder).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_room_of_a_folder_is_known_and_that_of_none_is_not() {
        let folder = tempfile::tempdir().unwrap();
        assert!(free_bytes(&folder.path().join("meters.db")).is_some_and(|free| free > 0));
        assert!(free_bytes(Path::new("meters.db")).is_some(), "the folder that one is in");
        assert_eq!(free_bytes(&folder.path().join("gone/meters.db")), None);
    }
}
