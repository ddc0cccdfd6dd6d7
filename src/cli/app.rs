//! What every command works with: the global options, the store, standard output.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::Value;

use crate::comms::{Comms, CommsOptions, Edit, Edited};
use crate::model::{Catalogue, MeterSecrets, Secret, SecretKind, Standing};
use crate::store::{PersonRow, StoreReader};

use super::failure::Failure;
use super::secrets;
use super::stderr;

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
    /// encryption-key, authentication-key, master-key, signing-key, passphrase (of whoever acts) or new-passphrase
    #[arg(long = "secret", global = true, value_name = "KIND=SOURCE")]
    secret: Vec<String>,
    /// Who acts, where the store has people [default: METERWRIGHT_USER, this account's name, or the only person]
    #[arg(long, global = true, value_name = "NAME")]
    user: Option<String>,
}

/// Where the name of whoever acts is looked for.
const USER_VARIABLE: &str = "METERWRIGHT_USER";

/// Who signed in for a command.
#[derive(Debug)]
pub(super) struct Acting {
    pub(super) name: String,
    pub(super) passphrase: Secret,
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

    /// All templates: those that ship, and those of the store where there is one.
    pub(super) fn catalogue(&self) -> Result<Catalogue, Failure> {
        let path = self.store_path()?;
        // A file that is still empty becomes a store with the first write.
        if std::fs::metadata(&path).map_or(0, |file| file.len()) == 0 {
            return Ok(Catalogue::default());
        }
        Ok(StoreReader::open(&path)?.catalogue()?)
    }

    /// Starts the communications thread on the store, which is made where there is none.
    pub(super) fn comms(&self) -> Result<Comms, Failure> {
        self.comms_on(&self.store_path()?, SESSIONS)
    }

    /// Starts the communications thread, which runs meter lists when their time comes.
    pub(super) fn comms_with_lists(&self) -> Result<Comms, Failure> {
        let options =
            CommsOptions { store: self.store_path()?, sessions: SESSIONS, trace: true, schedule: true };
        self.start(options).map(|(comms, _)| comms)
    }

    /// Starts the communications thread on a store, with so many sessions at once.
    pub(super) fn comms_on(&self, store: &Path, sessions: usize) -> Result<Comms, Failure> {
        let options = CommsOptions { store: store.to_owned(), sessions, trace: true, schedule: false };
        self.start(options).map(|(comms, _)| comms)
    }

    /// Starts the communications thread on the store, and says who signed in.
    pub(super) fn comms_and_person(&self) -> Result<(Comms, Option<Acting>), Failure> {
        let store = self.store_path()?;
        self.start(CommsOptions { store, sessions: SESSIONS, trace: false, schedule: false })
    }

    /// Starts the communications thread; a store of an older version is brought up to date with progress.
    fn opened(&self, options: CommsOptions) -> Result<Comms, Failure> {
        let quiet = self.global.quiet;
        let mut told = None;
        Ok(Comms::start_telling(options, move |upgrade| {
            let words = upgrade.in_words();
            if !quiet && told.as_ref() != Some(&words) {
                stderr::line(&words);
                told = Some(words);
            }
        })?)
    }

    /// Starts the communications thread; where the store has people, one of them signs in.
    fn start(&self, options: CommsOptions) -> Result<(Comms, Option<Acting>), Failure> {
        let store = options.store.clone();
        let comms = self.opened(options)?;
        if comms.standing()? != Standing::Nobody {
            if self.global.user.is_some() {
                return Err(Failure::usage(
                    "this store has no people, so that nobody signs in: leave --user out, or add the first person with `user add`",
                ));
            }
            return Ok((comms, None));
        }
        let name = self.who(&StoreReader::open(&store)?.people()?)?;
        let passphrase = secrets::acting(&self.global.secret, &name)?;
        let answer = comms.sign_in(&name, passphrase.clone()).recv();
        answer.map_err(|_| Failure::internal("the communications thread has stopped"))??;
        Ok((comms, Some(Acting { name, passphrase })))
    }

    /// Who acts, where the store has people.
    fn who(&self, people: &[PersonRow]) -> Result<String, Failure> {
        let named = self.global.user.clone().or_else(|| std::env::var(USER_VARIABLE).ok());
        if let Some(name) = named.filter(|name| !name.is_empty()) {
            return Ok(name);
        }
        let active: Vec<&PersonRow> = people.iter().filter(|row| row.is_active()).collect();
        if let [only] = active.as_slice() {
            return Ok(only.name.clone());
        }
        let account = ["USER", "USERNAME", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok());
        let found = active.iter().find(|row| account.as_ref().is_some_and(|name| row.name == *name));
        found.map(|row| row.name.clone()).ok_or_else(|| {
            Failure::refused(format!(
                "this store has people, so that somebody has to sign in: say who you are with --user NAME or {USER_VARIABLE}, and give --secret passphrase=…"
            ))
        })
    }

    /// Whether the store has people; one that cannot be opened for reading has none that this command could ask for.
    pub(super) fn has_people(&self) -> bool {
        let store = self.store_path().ok().filter(|path| path.exists());
        let reader = store.and_then(|path| StoreReader::open(&path).ok());
        reader.is_some_and(|reader| reader.has_people().unwrap_or(true))
    }

    /// Has the store changed.
    pub(super) fn edit(&self, edit: Edit) -> Result<Edited, Failure> {
        self.edit_through(&self.comms()?, edit)
    }

    /// Has the store changed by a communications thread, which is stopped then.
    #[allow(clippy::unused_self, reason = "beside `edit`")]
    pub(super) fn edit_through(&self, comms: &Comms, edit: Edit) -> Result<Edited, Failure> {
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
        secrets::gather(&self.global.secret, self.has_people())
    }

    /// A new passphrase: as given, or asked for.
    pub(super) fn new_passphrase(&self, whose: &str) -> Result<Secret, Failure> {
        secrets::fresh(&self.global.secret, whose)
    }

    /// Whether a new passphrase was given.
    pub(super) fn has_new_passphrase(&self) -> bool {
        secrets::has_fresh(&self.global.secret)
    }

    /// The passphrase that was given, for a command that takes no other secret.
    pub(super) fn passphrase(&self) -> Result<Option<Secret>, Failure> {
        secrets::passphrase(&self.global.secret)
    }

    /// What signs a package.
    pub(super) fn signing(&self) -> Result<secrets::Signing, Failure> {
        secrets::signing(&self.global.secret)
    }

    /// For commands that take none: one that is given has been misunderstood.
    pub(super) fn no_secrets(&self) -> Result<(), Failure> {
        let is_for_people = |given: &String| secrets::is_of_a_person(given);
        if self.global.secret.is_empty() || self.global.secret.iter().all(is_for_people) && self.has_people()
        {
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
            stderr::line(text);
        }
    }
}
