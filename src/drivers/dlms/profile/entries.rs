//! Reading a profile by entry: by the numbers of its rows, where a meter takes no range.
//!
//! What a meter tells of itself is not taken for granted (`facts/dlms-quirks.md`, 78): neither how many rows there are,
//! where the rows that came leave a doubt, nor which of them is the first.

use jiff::{SignedDuration, Timestamp};

use crate::model::{Fault, Obis};
use crate::protocol::dlms::apdu::Encoded;
use crate::protocol::dlms::{AttributeRef, Table};
use crate::protocol::link::Link;

use super::super::faults::{OTHER_REASON, TEMPORARY_FAILURE};
use super::super::objects::class;
use super::super::session::Session;
use super::reading::{Delivered, Ended, ProfileJob};
use super::request::by_entry;

/// The attribute that holds the number of entries in the buffer.
pub(super) const ENTRIES_IN_USE: i8 = 7;
/// Entries that neighbouring requests share: a meter that captures in between moves its rows by one.
const SHARED_ENTRIES: u32 = 2;
/// No meter holds more: a row a minute for nineteen years. A larger number is none, and would be asked for piece by
/// piece for days; a meter that answers to such a number answers to all.
const MOST_ENTRIES: u32 = 10_000_000;

impl ProfileJob {
    /// Whether there may be rows that are wanted beyond those that the meter told of. In a buffer that begins with the
    /// oldest row these would be newer than all that came; in one that begins with the newest, older.
    fn may_go_on(&self, now: Timestamp) -> bool {
        let Some((oldest, newest)) = self.seen.filter(|_| !self.has_losses) else { return false };
        if self.columns.newest_first {
            return self.span.from.is_none_or(|from| oldest > from);
        }
        let next = newest.checked_add(SignedDuration::from_secs(self.period())).unwrap_or(newest);
        self.period() == 0 || next < self.span.to.min(now)
    }
}

impl<L: Link> Session<'_, '_, L> {
    /// The number of entries, where the meter gives one that can be.
    ///
    /// # Errors
    /// The session broke off.
    pub(super) async fn entries_in_use(&mut self, profile: Obis) -> Result<Option<u32>, Fault> {
        let answer = self.ask_one(&AttributeRef::new(class::PROFILE, profile, ENTRIES_IN_USE)).await?;
        let count = answer.ok().and_then(|data| data.integer()).and_then(|count| u32::try_from(count).ok());
        Ok(count.filter(|count| *count <= MOST_ENTRIES))
    }

    /// Reads by entry number, as far back as the span reaches. `may_be_empty`: a range was refused in a way that is
    /// also said of a profile without rows.
    ///
    /// # Errors
    /// The session broke off or the sink failed.
    pub(super) async fn read_by_entry(
        &mut self,
        job: &mut ProfileJob,
        may_be_empty: bool,
    ) -> Result<Ended, Fault> {
        let Some(told) = self.entries_in_use(job.obis()).await? else {
            return Ok(Ended::Refused(OTHER_REASON));
        };
        if told == 0 {
            return match self.count_entries(job, told).await? {
                0 if may_be_empty => Ok(Ended::Read),
                0 => Ok(Ended::Refused(OTHER_REASON)),
                in_use => self.read_entries(job, in_use).await,
            };
        }
        let ended = self.read_entries(job, told).await?;
        if ended != Ended::Read || !job.may_go_on(self.now()) {
            return Ok(ended);
        }
        let in_use = self.count_entries(job, told).await?;
        if in_use == told {
            return Ok(ended);
        }
        job.done = 0;
        self.read_entries(job, in_use).await
    }

    /// How many rows there are where the meter may have told of too few: looks for the last number that has one.
    async fn count_entries(&mut self, job: &mut ProfileJob, told: u32) -> Result<u32, Fault> {
        let (mut there, mut step) = (told, 1);
        let mut not_there = loop {
            let number = there.saturating_add(step);
            if number > MOST_ENTRIES {
                return Ok(told);
            }
            if !self.has_entry(job, number).await? {
                break number;
            }
            (there, step) = (number, step.saturating_mul(2));
        };
        while not_there - there > 1 {
            let number = there + (not_there - there) / 2;
            if self.has_entry(job, number).await? { there = number } else { not_there = number }
        }
        if there > told {
            self.sink.remark(format!(
                "the profile {} tells of {told} entries in use and has {there}: the number of entries was looked for",
                job.obis()
            ));
        }
        Ok(there)
    }

    /// Whether a row has this number and is none of those that came already. A meter may answer to any number, with its
    /// last row or with all of them.
    async fn has_entry(&mut self, job: &mut ProfileJob, number: u32) -> Result<bool, Fault> {
        match self.ask_rows(&by_entry(job.obis(), number, number)).await? {
            Ok(buffer) => {
                let rows = self.reader(&job.columns).rows(&buffer.0).rows;
                Ok(match job.seen {
                    Some((oldest, newest)) => {
                        !rows.is_empty() && rows.iter().all(|row| !(oldest..=newest).contains(&row.at))
                    }
                    None => rows.len() == 1,
                })
            }
            Err(TEMPORARY_FAILURE) => {
                job.has_losses = true;
                self.sink.remark(format!(
                    "the meter was too busy to say whether the profile {} has more rows than it tells of",
                    job.obis()
                ));
                Ok(false)
            }
            Err(_) => Ok(false),
        }
    }

    /// Reads the rows of a buffer with so many. How many of them it takes is reckoned from the period; where the oldest
    /// row then is too young (rows off the period's grid), twice as many are taken.
    async fn read_entries(&mut self, job: &mut ProfileJob, in_use: u32) -> Result<Ended, Fault> {
        let from = job.span.from.and_then(|_| job.windows.front()).map(|window| window.0);
        let rows = from.and_then(|from| job.rows_between(from, self.now()));
        let wanted = rows.and_then(|rows| u32::try_from(rows.saturating_add(3)).ok());
        let mut reach = wanted.map_or(in_use, |wanted| wanted.min(in_use));
        let chunk = self.entries_per_request(job);
        let mut is_turned = false;
        loop {
            let (first, last) = entries(in_use, reach, reach.saturating_sub(chunk), job.columns.newest_first);
            let data = match self.ask_rows(&by_entry(job.obis(), first, last)).await? {
                Ok(buffer) if is_without_rows(&buffer) => {
                    return Ok(Ended::Refused(OTHER_REASON));
                }
                Ok(data) => data,
                Err(result) => {
                    if result != TEMPORARY_FAILURE {
                        self.knowledge.no_entry.insert(job.obis());
                    }
                    return Ok(Ended::Refused(result));
                }
            };
            let found = self.reader(&job.columns).rows(&data.0);
            if let Some(newest_first) = found.newest_first.filter(|_| !is_turned)
                && newest_first != job.columns.newest_first
            {
                job.columns.newest_first = newest_first;
                is_turned = true;
                continue;
            }
            let reaches = |from| found.rows.first().is_some_and(|row| row.at <= from);
            if reach < in_use && !from.is_none_or(reaches) {
                reach = reach.saturating_mul(2).min(in_use);
                continue;
            }
            if self.deliver(job, &data, None)? == Delivered::ColumnsChanged {
                return Ok(Ended::ColumnsChanged);
            }
            return self.read_newer_entries(job, in_use, reach.saturating_sub(chunk)).await;
        }
    }

    async fn read_newer_entries(
        &mut self,
        job: &mut ProfileJob,
        in_use: u32,
        mut reach: u32,
    ) -> Result<Ended, Fault> {
        let chunk = self.entries_per_request(job);
        while reach > 0 {
            let newer = reach.saturating_sub(chunk);
            let (first, last) = entries(
                in_use,
                reach.saturating_add(SHARED_ENTRIES).min(in_use),
                newer,
                job.columns.newest_first,
            );
            match self.ask_rows(&by_entry(job.obis(), first, last)).await? {
                Ok(data) => {
                    self.deliver(job, &data, None)?;
                }
                Err(result) => {
                    job.has_losses = true;
                    self.tell_refused_rows(job, result);
                    return Ok(Ended::Read);
                }
            }
            reach = newer;
        }
        Ok(Ended::Read)
    }

    fn entries_per_request(&self, job: &ProfileJob) -> u32 {
        let days = i64::from(self.template().profiles.days_per_request);
        let rows =
            if days > 0 && job.period() > 0 { days * 86_400 / job.period() } else { i64::from(u32::MAX) };
        u32::try_from(rows).unwrap_or(u32::MAX).max(1)
    }
}

fn is_without_rows(buffer: &Encoded) -> bool {
    !Table::decode(&buffer.0).is_ok_and(|table| table.is_some_and(|table| !table.is_empty()))
}

/// First and last entry, by number, of the rows between `older` and `newer` counted from the newest, with a few that
/// neighbouring requests share. Entry 1 is the oldest, or the newest where the buffer is sorted so.
fn entries(in_use: u32, older: u32, newer: u32, newest_first: bool) -> (u32, u32) {
    let shared = if newer == 0 { 0 } else { SHARED_ENTRIES };
    let newer = newer.saturating_sub(shared);
    if newest_first {
        (newer + 1, older)
    } else {
        (in_use.saturating_sub(older) + 1, in_use.saturating_sub(newer))
    }
}
