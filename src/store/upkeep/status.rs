//! What the file holds, by kind.

use std::path::Path;

use jiff::Timestamp;
use rusqlite::Connection;

use crate::store::columns::{get, maybe_instant, uncount};
use crate::store::error::Trouble;
use crate::store::{StoreError, StoreReader, schema};

use super::free_bytes;
use super::log::UpkeepRow;

/// How much of the file one kind of data takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KindSize {
    /// For people: `Intervals`.
    pub name: &'static str,
    /// How many.
    pub items: u64,
    /// Pages of the file, in bytes.
    pub bytes: u64,
    /// The oldest.
    pub oldest: Option<Timestamp>,
}

/// How a store stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreStatus {
    /// The file.
    pub path: String,
    /// Its version.
    pub version: u64,
    /// Bytes of the file.
    pub bytes: u64,
    /// Bytes of the write-ahead log beside it.
    pub log_bytes: u64,
    /// Bytes in it that are free for what comes.
    pub free_bytes: u64,
    /// Whether free pages can be given back to the disk; files that older versions made cannot.
    pub gives_back: bool,
    /// Bytes that the disk has free; nothing where that cannot be told.
    pub disk_free_bytes: Option<u64>,
    /// By kind, the largest first.
    pub kinds: Vec<KindSize>,
    /// Blocks of days and of months.
    pub blocks: (u64, u64),
    /// The last upkeep of each kind.
    pub upkeep: Vec<UpkeepRow>,
}

/// A kind: its name, what counts its items and finds the oldest, and the tables that it takes.
type Part = (&'static str, &'static str, &'static [&'static str]);

const PARTS: [Part; 8] = [
    (
        "Intervals",
        "SELECT sum(n), min(oldest) FROM (SELECT sum(intervals) AS n, min(first_end) AS oldest FROM day_block
         UNION ALL SELECT sum(intervals), min(first_end) FROM month_block)",
        &["profile", "day_block", "month_block", "odd_day", "gap_note", "stamped_ahead"],
    ),
    ("Replaced versions of intervals", "SELECT count(*), min(replaced_at) FROM superseded", &["superseded"]),
    (
        "Registers and instantaneous values",
        "SELECT count(*), min(read_at) FROM reading",
        &["register", "reading"],
    ),
    ("Billing periods", "SELECT count(*), min(at) FROM billing_set", &["billing_set", "billing_register"]),
    ("Events", "SELECT count(*), min(at) FROM event", &["event"]),
    ("Traffic", "SELECT count(*), min(at) FROM trace", &["trace"]),
    ("Jobs", "SELECT count(*), min(submitted) FROM job", &["job", "job_result"]),
    (
        "Outcomes of list runs",
        "SELECT count(*), min(at) FROM list_outcome",
        &["list", "list_run", "list_outcome"],
    ),
];

/// Bytes of each table with its indexes.
fn sizes(connection: &Connection) -> Result<Vec<(String, u64)>, Trouble> {
    let mut statement = connection.prepare(
        "SELECT tbl_name, sum(pgsize) FROM dbstat JOIN sqlite_schema USING (name) WHERE aggregate = TRUE
         GROUP BY tbl_name",
    )?;
    let mut rows = statement.query(())?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        all.push((get(row, 0)?, uncount(get(row, 1)?)));
    }
    Ok(all)
}

fn kinds(connection: &Connection) -> Result<Vec<KindSize>, Trouble> {
    let sizes = sizes(connection)?;
    let mut all = Vec::new();
    let mut rest: u64 = sizes.iter().map(|(_, bytes)| bytes).sum();
    for (name, sql, tables) in PARTS {
        let (items, oldest): (Option<i64>, Option<i64>) =
            connection.query_row(sql, (), |row| Ok((row.get(0)?, row.get(1)?)))?;
        let of_kind = sizes.iter().filter(|(table, _)| tables.contains(&table.as_str()));
        let bytes = of_kind.map(|(_, bytes)| bytes).sum();
        rest = rest.saturating_sub(bytes);
        all.push(KindSize {
            name,
            items: uncount(items.unwrap_or(0)),
            bytes,
            oldest: maybe_instant(oldest)?,
        });
    }
    all.sort_by_key(|kind| std::cmp::Reverse(kind.bytes));
    let meters: i64 = connection.query_row("SELECT count(*) FROM meter", (), |row| row.get(0))?;
    all.push(KindSize { name: "Meters and all else", items: uncount(meters), bytes: rest, oldest: None });
    Ok(all)
}

impl StoreReader {
    /// How the store stands. It looks at every page, which takes its time.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn status(&self) -> Result<StoreStatus, StoreError> {
        let upkeep = self.last_upkeep()?;
        self.read(|connection| {
            let pragma = |name: &str| -> Result<u64, Trouble> {
                Ok(uncount(connection.pragma_query_value(None, name, |row| row.get(0))?))
            };
            let page = pragma("page_size")?;
            let count = |sql: &str| -> Result<u64, Trouble> {
                Ok(uncount(connection.query_row(sql, (), |row| row.get(0))?))
            };
            let log = std::fs::metadata(format!("{}-wal", self.path)).map_or(0, |found| found.len());
            Ok(StoreStatus {
                path: self.path.clone(),
                version: schema::LADDER.len() as u64,
                bytes: pragma("page_count")? * page,
                log_bytes: log,
                free_bytes: pragma("freelist_count")? * page,
                gives_back: pragma("auto_vacuum")? != 0,
                disk_free_bytes: free_bytes(Path::new(&self.path)),
                kinds: kinds(connection)?,
                blocks: (
                    count("SELECT count(*) FROM day_block")?,
                    count("SELECT count(*) FROM month_block")?,
                ),
                upkeep,
            })
        })
    }
}
