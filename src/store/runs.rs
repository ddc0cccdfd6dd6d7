//! Runs of meter lists: how each meter ended, history, success rates.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::model::text::words;
use crate::model::{Blame, ListId, MeterId};

use super::columns::{count, get, instant, maybe_instant, micros, uncount, word};
use super::error::Trouble;
use super::{MeterRow, Store, StoreError, StoreReader, lists};

words! {
    /// Why a list runs.
    Cause: "a run's cause" {
        /// Its time has come.
        Schedule = "schedule",
        /// A person wanted it.
        Hand = "hand",
        /// It makes up for a run that was missed.
        Missed = "missed",
    }
}

words! {
    /// How a run stands.
    RunState: "a run's state" {
        /// It goes on.
        Running = "running",
        /// It came to its end: each meter went well or was tried as often as it may be.
        Done = "done",
        /// A person cancelled it.
        Cancelled = "cancelled",
        /// The program ended in its middle, and its window is over.
        Interrupted = "interrupted",
        /// The program did not run when it was due.
        Missed = "missed",
    }
}

words! {
    /// How a meter of a run stands.
    OutcomeState: "an outcome" {
        /// It has not had its turn.
        Waiting = "waiting",
        /// All went well.
        Ok = "ok",
        /// It failed; while the run goes on it may be tried again.
        Failed = "failed",
        /// It rests after many failed runs, and was left out.
        Resting = "resting",
    }
}

/// A run of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunRow {
    /// Its number.
    pub id: i64,
    /// Which list.
    pub list: ListId,
    /// Why.
    pub cause: Cause,
    /// When it was due.
    pub due: Timestamp,
    /// Until when it may retry.
    pub until: Timestamp,
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// How it stands.
    pub state: RunState,
    /// Meters.
    pub meters: u64,
    /// Of them well.
    pub ok: u64,
    /// Of them failed.
    pub failed: u64,
    /// Of them left out because they rest.
    pub resting: u64,
}

/// How one meter of a run stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Which meter.
    pub meter: MeterId,
    /// How it stands.
    pub state: OutcomeState,
    /// Sessions so far.
    pub tries: u32,
    /// When the last one ended.
    pub at: Option<Timestamp>,
    /// Whose fault the last one was.
    pub blame: Option<Blame>,
    /// The result in words.
    pub words: String,
    /// Registers stored.
    pub registers: u64,
    /// Intervals stored.
    pub intervals: u64,
    /// Events stored.
    pub events: u64,
}

impl Outcome {
    /// A meter that has not had its turn.
    #[must_use]
    pub const fn waiting(meter: MeterId) -> Self {
        Self {
            meter,
            state: OutcomeState::Waiting,
            tries: 0,
            at: None,
            blame: None,
            words: String::new(),
            registers: 0,
            intervals: 0,
            events: 0,
        }
    }
}

/// A run that begins, or that was missed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewRun {
    /// Which list.
    pub list: ListId,
    /// Why.
    pub cause: Cause,
    /// When it was due.
    pub due: Timestamp,
    /// Until when it may retry.
    pub until: Timestamp,
    /// What is decided on with it: [`ListRow::handled`](super::ListRow::handled) and
    /// [`ListRow::deferred`](super::ListRow::deferred) from now on. Nothing where it is run by hand.
    pub decided: Option<(Timestamp, Option<Timestamp>)>,
}

/// By what success is summed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RateBy {
    /// By line.
    Line,
    /// By group.
    Group,
    /// By template.
    Template,
}

/// How many of how many went well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// Well.
    pub ok: u64,
    /// All.
    pub of: u64,
}

/// Success of the meters of one line, group or template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Which line, group (empty where they have none) or template.
    pub key: String,
    /// In the last run of each list.
    pub last: Share,
    /// In the runs of the last three days.
    pub three_days: Share,
    /// In those of the last 30 days.
    pub thirty_days: Share,
}

const RUN: &str = "SELECT id, list_id, cause, due, until, started, ended, state,
    ifnull(kept_meters, (SELECT count(*) FROM list_outcome WHERE run_id = list_run.id)),
    ifnull(kept_ok,
      (SELECT count(*) FROM list_outcome WHERE run_id = list_run.id AND list_outcome.state = 'ok')),
    ifnull(kept_failed,
      (SELECT count(*) FROM list_outcome WHERE run_id = list_run.id AND list_outcome.state = 'failed')),
    ifnull(kept_resting,
      (SELECT count(*) FROM list_outcome WHERE run_id = list_run.id AND list_outcome.state = 'resting'))
    FROM list_run";

fn run_row(row: &Row<'_>) -> Result<RunRow, Trouble> {
    let number = |column: usize| get(row, column).map(uncount);
    Ok(RunRow {
        id: get(row, 0)?,
        list: ListId(get(row, 1)?),
        cause: word(row, 2)?,
        due: instant(get(row, 3)?)?,
        until: instant(get(row, 4)?)?,
        started: instant(get(row, 5)?)?,
        ended: maybe_instant(get(row, 6)?)?,
        state: word(row, 7)?,
        meters: number(8)?,
        ok: number(9)?,
        failed: number(10)?,
        resting: number(11)?,
    })
}

fn runs(
    connection: &Connection,
    clause: &str,
    parameters: &[&dyn rusqlite::ToSql],
) -> Result<Vec<RunRow>, Trouble> {
    let mut statement = connection.prepare_cached(&format!("{RUN} {clause}"))?;
    let mut rows = statement.query(parameters)?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        all.push(run_row(row)?);
    }
    Ok(all)
}

fn blame_from(word: Option<&str>) -> Option<Blame> {
    [Blame::Line, Blame::Meter, Blame::User, Blame::Internal]
        .into_iter()
        .find(|blame| Some(blame.name()) == word)
}

fn put_run(connection: &Connection, new: &NewRun, state: RunState, now: Timestamp) -> Result<i64, Trouble> {
    let NewRun { list, cause, due, until, decided } = new;
    let ended = (state != RunState::Running).then(|| micros(now));
    let words = (cause.word(), state.word());
    connection
        .prepare_cached(
            "INSERT INTO list_run (list_id, cause, due, until, started, ended, state)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![list.0, words.0, micros(*due), micros(*until), micros(now), ended, words.1])?;
    let run = connection.last_insert_rowid();
    if let Some((handled, deferred)) = decided {
        lists::put_handled(connection, *list, *handled, *deferred)?;
    }
    Ok(run)
}

/// Counts the run for the meters that failed in it and for those that went well.
fn settle_rests(
    connection: &Connection,
    run: i64,
    due: Timestamp,
    rest: &dyn Fn(u32) -> Option<SignedDuration>,
) -> Result<(), Trouble> {
    connection
        .prepare_cached(
            "DELETE FROM meter_rest WHERE meter_id IN
             (SELECT meter_id FROM list_outcome WHERE run_id = ?1 AND state = 'ok')",
        )?
        .execute([run])?;
    // Neither a person who cancelled nor a full disk is the meter's fault.
    connection
        .prepare_cached(
            "INSERT INTO meter_rest (meter_id, failed_runs)
             SELECT meter_id, 1 FROM list_outcome
             WHERE run_id = ?1 AND state = 'failed' AND blame IN ('line', 'meter')
             ON CONFLICT DO UPDATE SET failed_runs = failed_runs + 1",
        )?
        .execute([run])?;
    let mut failed = connection.prepare_cached(
        "SELECT meter_id, failed_runs FROM meter_rest WHERE meter_id IN
         (SELECT meter_id FROM list_outcome WHERE run_id = ?1 AND state = 'failed')",
    )?;
    let mut set = connection.prepare_cached("UPDATE meter_rest SET until = ?2 WHERE meter_id = ?1")?;
    let mut tell = connection
        .prepare_cached("UPDATE meter SET last_result = ifnull(last_result, 'Failed') || ?2 WHERE id = ?1")?;
    let mut rows = failed.query([run])?;
    while let Some(row) = rows.next()? {
        let (meter, failed_runs): (i64, u32) = (get(row, 0)?, get(row, 1)?);
        let until = rest(failed_runs).and_then(|rest| due.checked_add(rest).ok());
        set.execute(params![meter, until.map(micros)])?;
        if let Some(until) = until {
            let until = until.strftime("%Y-%m-%d %H:%M");
            tell.execute(params![
                meter,
                format!("; rests until {until} UTC after {failed_runs} failed runs")
            ])?;
        }
    }
    Ok(())
}

impl StoreReader {
    /// The last `most` runs of a list, newest first.
    ///
    /// # Errors
    /// A run does not read back.
    pub fn list_runs(&self, list: ListId, most: u32) -> Result<Vec<RunRow>, StoreError> {
        self.read(|connection| {
            runs(connection, "WHERE list_id = ?1 ORDER BY id DESC LIMIT ?2", &[&list.0, &most])
        })
    }

    /// One run.
    ///
    /// # Errors
    /// It does not read back.
    pub fn list_run(&self, run: i64) -> Result<Option<RunRow>, StoreError> {
        self.read(|connection| Ok(runs(connection, "WHERE id = ?1", &[&run])?.pop()))
    }

    /// Runs that have not ended.
    ///
    /// # Errors
    /// A run does not read back.
    pub fn open_runs(&self) -> Result<Vec<RunRow>, StoreError> {
        self.read(|connection| runs(connection, "WHERE ended IS NULL ORDER BY id", &[]))
    }

    /// How each meter of a run stands, with its name, by name.
    ///
    /// # Errors
    /// An outcome does not read back.
    pub fn outcomes(&self, run: i64) -> Result<Vec<(String, Outcome)>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT name, meter_id, state, tries, at, blame, words, registers, intervals, events
                 FROM list_outcome JOIN meter ON meter.id = meter_id WHERE run_id = ?1 ORDER BY name",
            )?;
            let mut rows = statement.query([run])?;
            let mut all = Vec::new();
            while let Some(row) = rows.next()? {
                let outcome = Outcome {
                    meter: MeterId(get(row, 1)?),
                    state: word(row, 2)?,
                    tries: get(row, 3)?,
                    at: maybe_instant(get(row, 4)?)?,
                    blame: blame_from(get::<Option<String>>(row, 5)?.as_deref()),
                    words: get(row, 6)?,
                    registers: uncount(get(row, 7)?),
                    intervals: uncount(get(row, 8)?),
                    events: uncount(get(row, 9)?),
                };
                all.push((get(row, 0)?, outcome));
            }
            Ok(all)
        })
    }

    /// Success by line, group or template, of one list or of all. Runs that were cancelled and those that are still
    /// going on do not count; a meter that rests counts as one that was not read.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn rates(&self, list: Option<ListId>, by: RateBy, now: Timestamp) -> Result<Vec<Rate>, StoreError> {
        let column = match by {
            RateBy::Line => "line",
            RateBy::Group => "meter_group",
            RateBy::Template => "template",
        };
        let ago = |days: i64| {
            let back = SignedDuration::from_hours(24 * days);
            now.checked_sub(back).map_or(i64::MIN, micros)
        };
        self.read(|connection| {
            let sql = format!(
                "WITH counted AS (
                   SELECT id, started, id IN (
                     SELECT max(id) FROM list_run WHERE state IN ('done', 'interrupted') GROUP BY list_id
                   ) AS is_last
                   FROM list_run
                   WHERE state IN ('done', 'interrupted') AND (?1 IS NULL OR list_id = ?1))
                 SELECT {column},
                   sum(is_last AND state = 'ok'), sum(is_last),
                   sum(started >= ?2 AND state = 'ok'), sum(started >= ?2),
                   sum(started >= ?3 AND state = 'ok'), sum(started >= ?3)
                 FROM counted JOIN list_outcome ON run_id = counted.id
                 WHERE is_last OR started >= ?3
                 GROUP BY {column} ORDER BY {column}"
            );
            let mut statement = connection.prepare_cached(&sql)?;
            let mut rows = statement.query(params![list.map(|list| list.0), ago(3), ago(30)])?;
            let mut all = Vec::new();
            while let Some(row) = rows.next()? {
                let share = |column: usize| -> Result<Share, Trouble> {
                    Ok(Share { ok: uncount(get(row, column)?), of: uncount(get(row, column + 1)?) })
                };
                all.push(Rate {
                    key: get(row, 0)?,
                    last: share(1)?,
                    three_days: share(3)?,
                    thirty_days: share(5)?,
                });
            }
            Ok(all)
        })
    }
}

impl Store {
    /// Begins a run with all its meters waiting.
    ///
    /// # Errors
    /// There is no such list, or the store cannot be written.
    pub fn begin_run(
        &mut self,
        new: &NewRun,
        meters: &[MeterRow],
        now: Timestamp,
    ) -> Result<i64, StoreError> {
        self.write(|connection, _| {
            let run = put_run(connection, new, RunState::Running, now)?;
            let mut statement = connection.prepare_cached(
                "INSERT INTO list_outcome VALUES (?1, ?2, 'waiting', 0, NULL, NULL, '', 0, 0, 0, ?3, ?4, ?5)",
            )?;
            for MeterRow { id, config, .. } in meters {
                let group = config.group.as_deref().unwrap_or_default();
                statement.execute(params![run, id.0, config.shared_line(), group, config.template])?;
            }
            Ok(run)
        })
    }

    /// Keeps that a run did not take place.
    ///
    /// # Errors
    /// There is no such list, or the store cannot be written.
    pub fn put_missed_run(&mut self, missed: &NewRun, now: Timestamp) -> Result<(), StoreError> {
        self.write(|connection, _| put_run(connection, missed, RunState::Missed, now).map(|_| ()))
    }

    /// Keeps how meters of a run stand.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn put_outcomes<'a>(
        &mut self,
        outcomes: impl IntoIterator<Item = (i64, &'a Outcome)>,
    ) -> Result<(), StoreError> {
        self.write(|connection, _| {
            let mut statement = connection.prepare_cached(
                "UPDATE list_outcome SET state = ?3, tries = ?4, at = ?5, blame = ?6, words = ?7,
                 registers = ?8, intervals = ?9, events = ?10 WHERE run_id = ?1 AND meter_id = ?2",
            )?;
            for (run, outcome) in outcomes {
                statement.execute(params![
                    run,
                    outcome.meter.0,
                    outcome.state.word(),
                    outcome.tries,
                    outcome.at.map(micros),
                    outcome.blame.map(Blame::name),
                    outcome.words,
                    count(outcome.registers),
                    count(outcome.intervals),
                    count(outcome.events),
                ])?;
            }
            Ok(())
        })
    }

    /// Ends a run. Meters that went well rest no longer; for those that failed, `rest` tells by the number of runs in
    /// which they did how long they are left out, counted from when the run was due.
    ///
    /// # Errors
    /// There is no such run, or the store cannot be written.
    pub fn end_run(
        &mut self,
        run: i64,
        state: RunState,
        now: Timestamp,
        rest: &dyn Fn(u32) -> Option<SignedDuration>,
    ) -> Result<RunRow, StoreError> {
        self.write(|connection, _| {
            let due: Option<i64> = connection
                .prepare_cached("SELECT due FROM list_run WHERE id = ?1 AND ended IS NULL")?
                .query_row([run], |row| row.get(0))
                .optional()?;
            let due = due.ok_or_else(|| Trouble::Request(format!("no run {run} is going on")))?;
            connection
                .prepare_cached("UPDATE list_run SET state = ?2, ended = ?3 WHERE id = ?1")?
                .execute(params![run, state.word(), micros(now)])?;
            settle_rests(connection, run, instant(due)?, rest)?;
            let row = runs(connection, "WHERE id = ?1", &[&run])?.pop();
            row.ok_or_else(|| Trouble::Damaged(format!("run {run} is gone")))
        })
    }
}
