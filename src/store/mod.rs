//! The local store (floor 2): one SQLite file in WAL mode.
//!
//! [`Store`] writes, [`StoreReader`] only reads; the windows hold a reader of their own. Everything that a method
//! reports as done is on disk, and a method that fails has changed nothing. Several programs may have the same file
//! open; one writes at a time, and the others wait for it.
//!
//! Instants are kept to the microsecond, ends of intervals to the nanosecond. Readings, intervals, billing sets,
//! events and audit rows are only ever added: what a later reading replaces stays beside it. Changes of meters and
//! of their secrets are put into the audit chain by the methods that make them; secrets themselves come here sealed.

mod audit;
mod billing;
mod block;
mod changes;
mod clock;
mod columns;
mod counters;
mod error;
mod events;
mod firmware;
mod flashes;
mod gaps;
mod groups;
mod intervals;
mod jobs;
mod knowledge;
mod lists;
mod maker_keys;
mod merge;
mod meters;
mod people;
mod points;
mod pushed;
mod ratios;
mod records;
mod registers;
mod room;
mod runs;
mod schema;
mod schemes;
mod secrets;
mod settings;
mod templates;
#[cfg(test)]
mod tests;
mod trace;
mod upkeep;

use std::cell::OnceCell;
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

pub use changes::{ChangedMeters, MeterChanges};
pub use counters::COUNTER_WARNING;
pub use error::StoreError;
pub use firmware::{CampaignMeter, CampaignRow, FlashRow, KeyRow, NewCampaign, PackageId, campaign_counts};
pub use flashes::LastFlash;
pub use groups::GROUPS_SETTING;
pub use lists::{ListRow, Rest};
pub use maker_keys::MakerKeyRow;
pub use people::{NewKey, PersonEntry, PersonRow, Reseal};
pub use points::{Exchange, NewMeter};
pub use pushed::Seen;
pub use records::{
    AuditRow, JobResult, JobRow, ListedMeter, Merged, MeterRow, Placement, PointRow, StoredProfile,
    SupersededRow, TraceRecord,
};
pub use runs::{Cause, NewRun, Outcome, OutcomeState, Rate, RateBy, RunRow, RunState, Share};
pub use schema::Upgrade;
pub use schemes::{MeterScheme, SchemeKind};
pub use trace::TRACE_MIB_SETTING;
pub use upkeep::{
    Age, Checked, Compacted, Disposed, Expiry, Kind, KindSize, Pace, RETENTION_SETTING, Retention,
    StoreStatus, Upkeep, UpkeepRow, UpkeepState, Watch,
};

use error::Trouble;

use crate::model::SystemTitle;

/// How long one program waits for another that is writing.
const BUSY: Duration = Duration::from_secs(10);
/// Programs that may set up one new file at the same moment.
const MOST_AT_ONCE: u32 = 20;
/// Memory for pages that are written, in KiB: thousands of meters' latest days.
const CACHE_KIB: i64 = 64 << 10;
/// Pages in the log before they are brought into the file, most of them written many times until then.
const LOG_PAGES: i64 = 4000;
/// Statements kept ready.
const STATEMENTS: usize = 128;

/// Whether a file is a store of an older version: opening it for writing takes its time.
#[must_use]
pub fn needs_upgrade(path: &Path) -> bool {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    // What cannot be looked at is found out, and told, when it is opened.
    path.exists()
        && StoreReader::connect(path, flags)
            .is_ok_and(|reader| schema::is_older(&reader.connection, schema::LADDER))
}

/// Reads a store; any number may be open.
#[derive(Debug)]
pub struct StoreReader {
    connection: Connection,
    path: String,
    /// It never changes, and every session asks for it.
    own_title: OnceCell<SystemTitle>,
}

/// Whether writes gather in one transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gathering {
    /// Each is on disk when it returns.
    Not,
    /// Each can fail by itself: see [`Store::gather`].
    Each,
    /// All of them fail with one: see [`Store::all_or_nothing`].
    Whole {
        /// One has.
        failed: bool,
    },
}

/// Writes a store, and reads it.
#[derive(Debug)]
pub struct Store {
    reader: StoreReader,
    actor: String,
    gathering: Gathering,
    /// How often what had gathered was lost.
    losses: u64,
    /// Why the disk turned a write away, until one of some size goes through.
    turned_away: Option<String>,
}

impl std::ops::Deref for Store {
    type Target = StoreReader;

    fn deref(&self) -> &StoreReader {
        &self.reader
    }
}

impl StoreReader {
    /// Opens an existing store for reading.
    ///
    /// # Errors
    /// There is no such file, it is no store, or another version of this program made it.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let name = path.display().to_string();
        if !path.exists() {
            let reason = "there is no such file: add a meter, or open the windows once, to make it";
            return Err(StoreError::Unusable { path: name, reason: reason.to_owned() });
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let reader = Self::connect(path, flags)?;
        schema::refuse_unready(&reader.connection, &name, schema::LADDER)?;
        Ok(reader)
    }

    fn connect(path: &Path, flags: OpenFlags) -> Result<Self, StoreError> {
        let name = path.display().to_string();
        let open = || {
            let connection = Connection::open_with_flags(path, flags)?;
            connection.busy_timeout(BUSY)?;
            connection.set_prepared_statement_cache_capacity(STATEMENTS);
            connection.pragma_update(None, "foreign_keys", true)?;
            connection.pragma_update(None, "trusted_schema", false)?;
            // Plans do not depend on what is bound: otherwise statements are prepared anew at every use.
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
            Ok(connection)
        };
        let connection = open().map_err(|error| Trouble::Sql(error).at(&name))?;
        Ok(Self { connection, path: name, own_title: OnceCell::new() })
    }

    /// A number that grows with every change committed by any program or thread, this one included: reload when it
    /// moved. Numbers of different readers say nothing about each other.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn version(&self) -> Result<u64, StoreError> {
        // SQLite's `data_version` counts the commits of others and leaves out those of its own connection; the rows
        // that this one changed make up for that.
        let others: i64 = self
            .connection
            .pragma_query_value(None, "data_version", |row| row.get(0))
            .map_err(|error| Trouble::Sql(error).at(&self.path))?;
        Ok(columns::uncount(others) + self.connection.total_changes())
    }

    /// A number that moves when another connection, of this program or of another, commits a change: what this
    /// connection writes does not count. Nothing while its own writes gather.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn changes_elsewhere(&self) -> Result<Option<i64>, StoreError> {
        if !self.connection.is_autocommit() {
            return Ok(None);
        }
        let version = self.connection.pragma_query_value(None, "data_version", |row| row.get(0));
        version.map(Some).map_err(|error| Trouble::Sql(error).at(&self.path))
    }

    /// Eight bytes that no other store has: `MTW` and five at random, made with the store. This program's system
    /// title towards meters that name none.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn own_title(&self) -> Result<SystemTitle, StoreError> {
        if let Some(title) = self.own_title.get() {
            return Ok(*title);
        }
        let [a, b, c, d, e]: [u8; 5] = self.read(|connection| {
            Ok(connection.query_row("SELECT number FROM identity", (), |row| row.get(0))?)
        })?;
        Ok(*self.own_title.get_or_init(|| SystemTitle([b'M', b'T', b'W', a, b, c, d, e])))
    }

    /// Looks at every page of the file and every block in it.
    ///
    /// # Errors
    /// The first damage that was found: where and what.
    pub fn check(&self) -> Result<(), StoreError> {
        self.read(|connection| {
            let found: String = connection.pragma_query_value(None, "integrity_check", |row| row.get(0))?;
            if found != "ok" {
                return Err(Trouble::Damaged(found));
            }
            intervals::check(connection)
        })?;
        self.verify_audit().map(|_| ())
    }

    /// Reads in one transaction: all statements see the store at one instant.
    fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T, Trouble>) -> Result<T, StoreError> {
        let transact = || {
            // What has gathered is seen by the one that wrote it.
            if !self.connection.is_autocommit() {
                return work(&self.connection);
            }
            let transaction = ReadTransaction::begin(&self.connection)?;
            work(transaction.0)
        };
        transact().map_err(|trouble: Trouble| trouble.at(&self.path))
    }
}

impl Store {
    /// Opens a store, makes it where there is none, and brings an old one up to date.
    ///
    /// # Errors
    /// The file cannot be made or opened, is no store, or was made by a newer version of this program; or an old one
    /// cannot be brought up to date, and is as it was.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::open_watched(path, &mut |_| {})
    }

    /// As [`Store::open`]; `tell` hears how far an old store has been brought up to date. A copy of it is made before
    /// (`….version-5`), and stays. Whatever cuts this off leaves the old store as it was.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_watched(path: &Path, tell: &mut dyn FnMut(Upgrade)) -> Result<Self, StoreError> {
        let name = path.display().to_string();
        make_file(path)
            .map_err(|error| StoreError::Unusable { path: name.clone(), reason: error.to_string() })?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut reader = StoreReader::connect(path, flags)?;
        schema::refuse_foreign(&reader.connection, &name, schema::LADDER)?;
        let sql = |error| Trouble::Sql(error).at(&name);
        if turn_log_on(&reader.connection).map_err(sql)? != "wal" {
            let reason =
                "the file system that it lies on cannot share it between programs: keep it on a local disk";
            return Err(StoreError::Unusable { path: name, reason: reason.to_owned() });
        }
        set_up(&reader.connection).map_err(sql)?;
        schema::upgrade(&mut reader.connection, path, schema::LADDER, tell)?;
        Ok(Self {
            reader,
            actor: "unnamed".to_owned(),
            gathering: Gathering::Not,
            losses: 0,
            turned_away: None,
        })
    }

    /// Names the person whose doings the audit chain records from now on: the user's name in the operating system.
    pub fn set_actor(&mut self, who: &str) {
        who.clone_into(&mut self.actor);
    }

    /// Whose doings the audit chain records.
    #[must_use]
    pub fn actor(&self) -> &str {
        &self.actor
    }

    /// Lets the writes of `work` gather with others in one transaction, which is on disk when [`Store::settle`] has
    /// said so and not before: many small writes then cost one wait for the disk. This store's own reads see them at
    /// once, nobody else does; and no other program can write until they are settled, so that is to be soon.
    ///
    /// A write that fails changes nothing and leaves the others as they are. A write outside of this method settles
    /// what has gathered together with itself.
    pub fn gather<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> T {
        if self.gathering != Gathering::Not {
            return work(self);
        }
        self.gathering = Gathering::Each;
        let done = work(self);
        self.gathering = Gathering::Not;
        done
    }

    /// Writes all that `work` writes in one transaction: whether it is all on disk. Where it is not, nothing is, and who
    /// wants to know what failed lets each write [`gather`](Store::gather) by itself, which costs a mark for each in
    /// the transaction, and copies of the pages that it changes. What has gathered before is settled first.
    pub fn all_or_nothing(&mut self, work: impl FnOnce(&mut Self) -> Result<(), StoreError>) -> bool {
        if self.settle().is_err() {
            return false;
        }
        let outer = std::mem::replace(&mut self.gathering, Gathering::Whole { failed: false });
        let done = work(self);
        let is_whole = self.gathering == Gathering::Whole { failed: false };
        self.gathering = outer;
        if done.is_ok() && is_whole {
            return self.settle().is_ok();
        }
        take_back(&self.reader.connection, "ROLLBACK");
        false
    }

    /// Whether writes have gathered that are not on disk.
    fn is_unsettled(&self) -> bool {
        !self.reader.connection.is_autocommit()
    }

    /// How often writes that had gathered were lost: whoever wrote since this number last moved cannot count on it.
    #[must_use]
    pub const fn losses(&self) -> u64 {
        self.losses
    }

    /// Brings what has gathered to disk.
    ///
    /// # Errors
    /// It cannot be: all that had gathered since the last time is lost.
    pub fn settle(&mut self) -> Result<(), StoreError> {
        if !self.is_unsettled() {
            return Ok(());
        }
        let Self { reader: StoreReader { connection, path, .. }, losses, .. } = self;
        let settled = connection.execute_batch("COMMIT").map_err(|error| {
            *losses += 1;
            let trouble = Trouble::Sql(error).at(path);
            take_back(connection, "ROLLBACK");
            trouble
        });
        self.note_write(settled)
    }

    /// Writes in one transaction, which no other writer can enter: done and on disk, or nothing changed; where writes
    /// gather, done and on disk once they are settled. `work` is told who does it.
    fn write<T>(
        &mut self,
        work: impl FnOnce(&Connection, &str) -> Result<T, Trouble>,
    ) -> Result<T, StoreError> {
        if self.gathering != Gathering::Not || self.is_unsettled() {
            let done = self.write_gathered(work)?;
            if self.gathering == Gathering::Not {
                self.settle()?;
            }
            return Ok(done);
        }
        let Self { reader, actor, .. } = self;
        let StoreReader { connection, path, .. } = reader;
        let transact = || {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let done = work(&transaction, actor)?;
            transaction.commit()?;
            Ok(done)
        };
        let written = transact().map_err(|trouble: Trouble| trouble.at(path));
        self.note_write(written)
    }

    fn write_gathered<T>(
        &mut self,
        work: impl FnOnce(&Connection, &str) -> Result<T, Trouble>,
    ) -> Result<T, StoreError> {
        let had_gathered = self.is_unsettled();
        let Self { reader, actor, losses, gathering, .. } = self;
        let StoreReader { connection, path, .. } = reader;
        let is_whole = matches!(gathering, Gathering::Whole { .. });
        let transact = || {
            if connection.is_autocommit() {
                connection.execute_batch("BEGIN IMMEDIATE")?;
            }
            let mark = if is_whole { None } else { Some(Savepoint::set(connection)?) };
            let done = work(connection, actor)?;
            mark.map_or(Ok(()), Savepoint::release)?;
            Ok(done)
        };
        let done = transact().map_err(|trouble: Trouble| trouble.at(path));
        // A full disk ends the whole transaction, not only the write that met it.
        if done.is_err() && had_gathered && connection.is_autocommit() {
            *losses += 1;
        }
        if done.is_err() && is_whole {
            *gathering = Gathering::Whole { failed: true };
        }
        self.note_write(done)
    }
}

/// Takes back what a failed write has done. Some failures have ended the whole transaction already.
fn take_back(connection: &Connection, statements: &str) {
    if connection.is_autocommit() {
        return;
    }
    if let Err(error) = connection.execute_batch(statements) {
        tracing::error!("a failed write could not be taken back: {error}");
    }
}

/// A transaction that only reads. Its statements are kept ready, unlike those of rusqlite's own.
struct ReadTransaction<'c>(&'c Connection);

impl<'c> ReadTransaction<'c> {
    fn begin(connection: &'c Connection) -> rusqlite::Result<Self> {
        connection.prepare_cached("BEGIN")?.execute(())?;
        Ok(Self(connection))
    }
}

impl Drop for ReadTransaction<'_> {
    fn drop(&mut self) {
        // Some failures have ended it already.
        if self.0.is_autocommit() {
            return;
        }
        let ended = self.0.prepare_cached("ROLLBACK").and_then(|mut statement| statement.execute(()));
        if let Err(error) = ended {
            tracing::error!("a transaction that read could not be ended: {error}");
        }
    }
}

/// A mark inside a transaction: what was written since is taken back when it is dropped unreleased. Its statements are
/// kept ready, unlike those of rusqlite's own savepoint.
struct Savepoint<'c> {
    connection: &'c Connection,
    is_open: bool,
}

impl<'c> Savepoint<'c> {
    fn set(connection: &'c Connection) -> rusqlite::Result<Self> {
        connection.prepare_cached("SAVEPOINT gathered")?.execute(())?;
        Ok(Self { connection, is_open: true })
    }

    fn release(mut self) -> rusqlite::Result<()> {
        self.connection.prepare_cached("RELEASE gathered")?.execute(())?;
        self.is_open = false;
        Ok(())
    }
}

impl Drop for Savepoint<'_> {
    fn drop(&mut self) {
        if self.is_open {
            take_back(self.connection, "ROLLBACK TO gathered; RELEASE gathered");
        }
    }
}

/// Makes an empty file that only its owner can read, with the folders that lead to it. SQLite gives its side files
/// the same rights.
fn make_file(path: &Path) -> std::io::Result<()> {
    if path.exists() {
        return Ok(());
    }
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        other => other.map(|_| ()),
    }
}

/// The journal mode in force.
type Mode = String;

/// Turns the write-ahead log on, where the file system can bear it. Of several programs that set up a new file at
/// once, SQLite turns all but one away at this point without letting them wait; they wait for that one here, and find
/// the log turned on.
fn turn_log_on(connection: &Connection) -> rusqlite::Result<Mode> {
    let turn_on = || {
        // A new file shall be able to give pages back. It is settled with its first page.
        let pages: i64 = connection.pragma_query_value(None, "page_count", |row| row.get(0))?;
        if pages == 0 {
            connection.pragma_update(None, "auto_vacuum", "incremental")?;
        }
        // Answers with the mode in force, hence the query.
        connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get::<_, Mode>(0))
    };
    for _ in 0..MOST_AT_ONCE {
        match turn_on() {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {
                connection.execute_batch("BEGIN IMMEDIATE; ROLLBACK")?;
            }
            other => return other,
        }
    }
    turn_on()
}

fn set_up(connection: &Connection) -> rusqlite::Result<()> {
    // What is reported as stored survives a power cut.
    connection.pragma_update(None, "synchronous", "full")?;
    // What is deleted (sealed secrets) is overwritten.
    connection.pragma_update(None, "secure_delete", true)?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    let _: i64 =
        connection.pragma_update_and_check(None, "wal_autocheckpoint", LOG_PAGES, |row| row.get(0))?;
    let _: i64 =
        connection.pragma_update_and_check(None, "journal_size_limit", 64 << 20, |row| row.get(0))?;
    Ok(())
}
