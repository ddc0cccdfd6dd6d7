//! Every page and every block, looked at without holding anybody up: table by table, and blocks in small lots, each
//! in a transaction of its own, so that the write-ahead log can be emptied meanwhile.

use rusqlite::{Connection, params};

use crate::store::columns::{get, uncount};
use crate::store::error::Trouble;
use crate::store::{StoreError, StoreReader, intervals};

use super::{Pace, Watch};

/// Blocks that are looked at in one step.
const LOT: u32 = 500;
/// Damages that are told; where there are more, the file is beyond telling.
const MOST: usize = 100;

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// Tables with their indexes.
    pub tables: u64,
    /// Blocks of intervals, those of replaced versions included.
    pub blocks: u64,
    /// Rows of the audit chain.
    pub audit_rows: u64,
    /// Damages in words; none is as it should be.
    pub problems: Vec<String>,
    /// It was stopped before its end.
    pub is_stopped: bool,
}

fn tables(connection: &Connection) -> Result<Vec<String>, Trouble> {
    let mut statement =
        connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")?;
    let mut rows = statement.query(())?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        all.push(get(row, 0)?);
    }
    Ok(all)
}

fn check_table(connection: &Connection, table: &str, problems: &mut Vec<String>) -> Result<(), Trouble> {
    let mut statement = connection.prepare("SELECT quick_check FROM pragma_quick_check(?1)")?;
    let mut rows = statement.query([table])?;
    while let Some(row) = rows.next()? {
        let words: String = get(row, 0)?;
        if words != "ok" && problems.len() < MOST {
            problems.push(format!("table {table}: {words}"));
        }
    }
    Ok(())
}

/// Where a lot of blocks ended: their table's key.
type After = (i64, i64);

/// Looks at a lot of blocks after a key; gives how many, and where they ended.
fn check_lot(
    connection: &Connection,
    sql: &str,
    after: After,
    problems: &mut Vec<String>,
) -> Result<(u64, After), Trouble> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![after.0, after.1, LOT])?;
    let (mut seen, mut last) = (0, after);
    while let Some(row) = rows.next()? {
        seen += 1;
        last = (get(row, 4)?, get(row, 5)?);
        match intervals::check_block(connection, row) {
            Ok(()) => {}
            Err(Trouble::Damaged(words)) if problems.len() < MOST => problems.push(words),
            Err(Trouble::Damaged(_)) => {}
            Err(other) => return Err(other),
        }
    }
    Ok((seen, last))
}

const LOTS: [&str; 3] = [
    "SELECT profile_id, day, block, intervals, profile_id, day FROM day_block
     WHERE (profile_id, day) > (?1, ?2) ORDER BY profile_id, day LIMIT ?3",
    "SELECT profile_id, day, block, intervals, id, 0 FROM month_block WHERE (id, 0) > (?1, ?2) ORDER BY id LIMIT ?3",
    "SELECT profile_id, day, block, 1, id, 0 FROM superseded WHERE (id, 0) > (?1, ?2) ORDER BY id LIMIT ?3",
];

impl StoreReader {
    /// Looks at every table, every block and the audit chain. Unlike [`StoreReader::check`] it goes on after a damage,
    /// tells how far it is, and can be stopped.
    ///
    /// # Errors
    /// The store cannot be read; damage is no error here.
    pub fn check_all(&self, watch: &mut Watch<'_>) -> Result<Checked, StoreError> {
        let mut done = Checked::default();
        let (tables, blocks) = self.read(|connection| {
            let sql = "SELECT (SELECT count(*) FROM day_block) + (SELECT count(*) FROM month_block)
                       + (SELECT count(*) FROM superseded)";
            let blocks: i64 = connection.query_row(sql, (), |row| row.get(0))?;
            Ok((tables(connection)?, uncount(blocks)))
        })?;
        let of = tables.len() as u64 + blocks.div_ceil(LOT.into()) + 1;
        let mut steps = 0;
        let mut goes_on = || {
            steps += 1;
            watch(Pace { done: steps, of: of.max(steps) })
        };
        for table in &tables {
            self.read(|connection| check_table(connection, table, &mut done.problems))?;
            done.tables += 1;
            if !goes_on() {
                done.is_stopped = true;
                return Ok(done);
            }
        }
        for sql in LOTS {
            let mut after = (i64::MIN, i64::MIN);
            loop {
                let (seen, last) =
                    self.read(|connection| check_lot(connection, sql, after, &mut done.problems))?;
                (after, done.blocks) = (last, done.blocks + seen);
                if seen < u64::from(LOT) {
                    break;
                }
                if !goes_on() {
                    done.is_stopped = true;
                    return Ok(done);
                }
            }
        }
        match self.verify_audit() {
            Ok(rows) => done.audit_rows = rows,
            Err(StoreError::Damaged { reason, .. }) => done.problems.push(reason),
            Err(other) => return Err(other),
        }
        let _at_the_end = goes_on();
        Ok(done)
    }
}
