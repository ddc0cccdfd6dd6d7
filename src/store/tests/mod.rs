mod changes;
mod files;
mod firmware;
mod gaps;
mod gathering;
mod jobs;
mod lists;
mod meters;
mod points;
mod profiles;
mod readings;
mod templates;

use std::path::PathBuf;

use jiff::Timestamp;

use crate::model::{Line, MeterConfig, MeterId, MeterStamp};

use super::Store;

/// A store in a folder of its own, which goes away with it.
struct Scratch {
    folder: tempfile::TempDir,
    store: Store,
}

impl Scratch {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("meters.db")).unwrap();
        Self { folder, store }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("meters.db")
    }

    /// The same file, opened once more.
    fn again(&self) -> Store {
        Store::open(&self.path()).unwrap()
    }

    /// All bytes of the store and its side files.
    fn bytes(&self) -> Vec<u8> {
        let files = std::fs::read_dir(self.folder.path()).unwrap();
        files.flat_map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect()
    }

    fn with_meter() -> (Self, MeterId) {
        let mut scratch = Self::new();
        let id = scratch.store.add_meter(&config("House 1")).unwrap();
        (scratch, id)
    }
}

fn config(name: &str) -> MeterConfig {
    let line: Line = "tcp://meter.example:4059".parse().unwrap();
    MeterConfig::new(name, line)
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn stamp(local: &str) -> MeterStamp {
    MeterStamp { local: local.parse().unwrap(), deviation_minutes: Some(-60), clock_status: Some(0) }
}
