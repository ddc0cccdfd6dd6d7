//! Why the store failed.

use rusqlite::ErrorCode;

/// Why the store failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// SQLite.
    #[error("the store {path}: {source}")]
    Sqlite {
        /// File.
        path: String,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// The file is no store or was made by a newer version, or the disk or another program stands in the way.
    #[error("the store {path}: {reason}")]
    Unusable {
        /// File.
        path: String,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// The disk takes no more: it is full, failing, or may no longer be written.
    #[error("the store {path}: {reason}")]
    NoRoom {
        /// File.
        path: String,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// A block's checksum is wrong, or a document in it does not read.
    #[error("the store {path} is damaged: {reason}")]
    Damaged {
        /// File.
        path: String,
        /// Where and what.
        reason: String,
    },
    /// What was asked for cannot be (name taken, no such meter).
    #[error("{0}")]
    Request(String),
}

/// What to do where the file, the disk or another program is to blame; nothing where this one is.
fn advice(error: &rusqlite::Error) -> Option<&'static str> {
    match error.sqlite_error_code()? {
        ErrorCode::DiskFull => {
            Some("nothing that was stored before is lost: free some space and do the last step again")
        }
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => {
            Some("another program was writing to it all the while: try again when that has ended")
        }
        ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied => {
            Some("see that you may write to the file and to its folder")
        }
        ErrorCode::SystemIoFailure => Some("see whether the disk is full or failing"),
        _ => None,
    }
}

/// Whether the disk is to blame, which may be put right while the program runs.
fn is_of_the_disk(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DiskFull | ErrorCode::ReadOnly | ErrorCode::SystemIoFailure)
    )
}

/// A failure before the file's name is put beside it.
#[derive(Debug)]
pub(super) enum Trouble {
    Sql(rusqlite::Error),
    Damaged(String),
    Request(String),
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl Trouble {
    pub(super) fn at(self, path: &str) -> StoreError {
        let path = path.to_owned();
        match self {
            Self::Sql(error) => match error.sqlite_error_code() {
                Some(ErrorCode::NotADatabase) => StoreError::Unusable {
                    path,
                    reason: "the file is no store of this program: choose another file".to_owned(),
                },
                Some(ErrorCode::DatabaseCorrupt) => StoreError::Damaged { path, reason: error.to_string() },
                _ => match advice(&error) {
                    Some(advice) if is_of_the_disk(&error) => {
                        StoreError::NoRoom { path, reason: format!("{error}; {advice}") }
                    }
                    Some(advice) => StoreError::Unusable { path, reason: format!("{error}; {advice}") },
                    None => StoreError::Sqlite { path, source: error },
                },
            },
            Self::Damaged(reason) => StoreError::Damaged { path, reason },
            Self::Request(reason) => StoreError::Request(reason),
        }
    }
}
