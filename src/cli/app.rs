//! What every command works with: the global options, the store, standard output.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::Value;

use crate::comms::{Comms, CommsOptions, Edit, Edited};
use crate::model::{MeterSecrets, Secret, SecretKind};
use crate::store::StoreReader;

use super::failure::Failure;
use super::secrets;

/// Most sessions at once.
const SESSIONS: usize = 1000;

/// Options of every command.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Options of every command")]
pub(super) struct Global {
    /// The store's file [default: in the platform's data folder]
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) store: Option<PathBuf>,
    /// One JSON document on standard output, nothing else there
    #[arg(long, global = true)]
    pub(super) json: bool,
    /// No progress on standard error
    #[arg(long, short, global = true)]
    pub(super) quiet: bool,
    // No value parser: its error would repeat what was typed.
    /// A secret: KIND=env:NAME, KIND=file:PATH or KIND=prompt, as often as needed; KIND is password,
    /// encryption-key, authentication-key, master-key, signing-key or passphrase
    #[arg(long = "secret", global = true, value_name = "KIND=SOURCE")]
    secret: Vec<String>,
}

/// What a command works with.
#[derive(Debug)]
pub(super) struct App {
    pub(super) global: Global,
}

/// What a command gives: an exit code, or why it stopped.
pub(super) type Outcome = Result<u8, Failure>;

impl App {
    pub(super) fn new(global: Global) -> Self {
        Self { global }
    }

    /// The store's file. The platform's data folder is made where it is missing; a folder that was named is not.
    pub(super) fn store_path(&self) -> Result<PathBuf, Failure> {
        if let Some(path) = &self.global.store {
            return match path.parent() {
                Some(folder) if !folder.as_os_str().is_empty() && !folder.is_dir() => Err(Failure::usage(
                    format!("the store {}: there is no such folder: make it first", path.display()),
                )),
                _ if path.is_dir() => {
                    Err(Failure::usage(format!("the store {} is a folder: name a file", path.display())))
                }
                _ => Ok(path.clone()),
            };
        }
        let folders = directories::ProjectDirs::from("", "", "Meterwright").ok_or_else(|| {
            Failure::usage("this account has no data folder: say where the store is with --store FILE")
        })?;
        let folder = folders.data_dir();
        std::fs::create_dir_all(folder).map_err(|error| {
            Failure::usage(format!("the folder {} cannot be made: {error}", folder.display()))
        })?;
        Ok(folder.join("meterwright.db"))
    }

    /// The store for reading. A store that was never made is an error unless it is the default one.
    pub(super) fn reader(&self) -> Result<StoreReader, Failure> {
        let path = self.store_path()?;
        if !path.exists() {
            return Err(Failure::usage(format!(
                "there is no store {}: `meterwright meter add` makes one",
                path.display()
            )));
        }
        Ok(StoreReader::open(&path)?)
    }

    /// Starts the communications thread on the store, which is made where there is none.
    pub(super) fn comms(&self) -> Result<Comms, Failure> {
        self.comms_on(&self.store_path()?, SESSIONS)
    }

    /// Starts the communications thread, which runs meter lists when their time comes.
    pub(super) fn comms_with_lists(&self) -> Result<Comms, Failure> {
        let options =
            CommsOptions { store: self.store_path()?, sessions: SESSIONS, trace: true, schedule: true };
        self.start(options)
    }

    /// Starts the communications thread; a store of an older version is brought up to date with progress.
    fn start(&self, options: CommsOptions) -> Result<Comms, Failure> {
        let quiet = self.global.quiet;
        let mut told = None;
        Ok(Comms::start_telling(options, move |upgrade| {
            let words = upgrade.in_words();
            if !quiet && told.as_ref() != Some(&words) {
                eprintln!("{words}");
                told = Some(words);
            }
        })?)
    }

    /// Starts the communications thread on a store, with so many sessions at once.
    pub(super) fn comms_on(&self, store: &Path, sessions: usize) -> Result<Comms, Failure> {
        let options = CommsOptions { store: store.to_owned(), sessions, trace: true, schedule: false };
        self.start(options)
    }

    /// Has the store changed.
    pub(super) fn edit(&self, edit: Edit) -> Result<Edited, Failure> {
        let comms = self.comms()?;
        let edited = comms.edit(edit).recv();
        comms.stop();
        Ok(edited.map_err(|_| Failure::internal("the communications thread has stopped"))??)
    }

    /// The secrets that were given, for a command that keeps them with a meter.
    pub(super) fn meter_secrets(&self) -> Result<MeterSecrets, Failure> {
        let mut all = MeterSecrets::default();
        for (kind, secret) in self.secrets()? {
            all.set(kind, secret);
        }
        Ok(all)
    }

    /// The secrets that were given.
    pub(super) fn secrets(&self) -> Result<Vec<(SecretKind, Secret)>, Failure> {
        secrets::gather(&self.global.secret)
    }

    /// The passphrase that was given, for a command that takes no other secret.
    pub(super) fn passphrase(&self) -> Result<Option<Secret>, Failure> {
        secrets::passphrase(&self.global.secret)
    }

    /// For commands that take none: one that is given has been misunderstood.
    pub(super) fn no_secrets(&self) -> Result<(), Failure> {
        if self.global.secret.is_empty() {
            return Ok(());
        }
        Err(Failure::usage(
            "this command takes no secret: give it to `meter add` or `meter set`, which keep it sealed",
        ))
    }

    /// Writes text, or the JSON document where that is wanted.
    pub(super) fn print(
        &self,
        document: impl FnOnce() -> Value,
        text: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), Failure> {
        let mut out = io::BufWriter::new(io::stdout().lock());
        if self.global.json {
            serde_json::to_writer(&mut out, &document()).map_err(io::Error::from)?;
            writeln!(out)?;
        } else {
            text(&mut out)?;
        }
        out.flush()?;
        Ok(())
    }

    /// Tells something on standard error, unless all should be quiet.
    pub(super) fn tell(&self, text: &str) {
        if !self.global.quiet {
            eprintln!("{text}");
        }
    }
}
