//! Why the store failed.

use rusqlite::ErrorCode;

/// Why the store failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// SQLite.
    #[error("the store {path}: {source}{}", advice(source))]
    Sqlite {
        /// File.
        path: String,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// The file is no store, or was made by a newer version.
    #[error("the store {path}: {reason}")]
    Unusable {
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

fn advice(error: &rusqlite::Error) -> &'static str {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => {
            "; nothing that was stored before is lost: free some space and do the last step again"
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "; another program was writing to it all the while: try again when that has ended"
        }
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            "; see that you may write to the file and to its folder"
        }
        Some(ErrorCode::SystemIoFailure) => "; see whether the disk is full or failing",
        _ => "",
    }
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
                _ => StoreError::Sqlite { path, source: error },
            },
            Self::Damaged(reason) => StoreError::Damaged { path, reason },
            Self::Request(reason) => StoreError::Request(reason),
        }
    }
}
