//! The conversation with a profile: by range, else by entry, else everything; window by window, oldest first.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};

use crate::model::template::Selection;
use crate::model::{Asked, CaptureObject, ColumnRole, Fault, Obis, ProfileColumns, Step, What};
use crate::protocol::dlms::apdu::Encoded;
use crate::protocol::dlms::{AttributeRef, Conformance, Data, DataAccessResult, Table};
use crate::protocol::link::Link;

use super::super::faults::{OTHER_REASON, SENSELESS, TEMPORARY_FAILURE, refusal};
use super::super::objects::class;
use super::super::push::Rows as Made;
use super::super::session::Session;
use super::intervals;
use super::made::made;
use super::request::{LONG_AGO, Span, by_entry, by_range, everything, windows};
use super::rows::{Reader, Row};

/// Number of entries in the buffer, and how many it can hold.
const ENTRIES_IN_USE: i8 = 7;
const ENTRIES_AT_MOST: i8 = 8;
/// Entries that neighbouring requests share: a meter that captures in between moves its rows by one.
const SHARED_ENTRIES: u32 = 2;

/// No meter holds more: a row a minute for nineteen years. A larger number is none, and would be asked for piece by
/// piece for days.
const MOST_ENTRIES: u32 = 10_000_000;

/// One answer to a request for rows.
pub(in super::super) type Answer = Result<Encoded, DataAccessResult>;

/// A profile to read.
#[derive(Clone, Debug)]
pub(in super::super) struct ProfileJob {
    what: What,
    columns: ProfileColumns,
    clock: CaptureObject,
    span: Span,
    windows: VecDeque<(Timestamp, Timestamp)>,
    /// What is asked for, oldest first: gaps that earlier reads left, then all since the last interval.
    stretches: Vec<Stretch>,
    /// From a row's stamp to its interval's end.
    behind: SignedDuration,
    done: u64,
    expected: Option<u64>,
    is_relearnt: bool,
    /// Rows were lost on the way: what did not come may be had another time.
    has_losses: bool,
}

/// A stretch that is asked for, by the stamps of rows.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    from: Option<Timestamp>,
    to: Timestamp,
    /// The first row that came.
    first: Option<Timestamp>,
}

/// How reading a profile in one of its forms ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    /// All rows were handed over.
    Read,
    /// The meter refuses this form of request, or does not keep to it.
    Refused(DataAccessResult),
    /// Rows have other fields than were learnt: nothing was handed over.
    ColumnsChanged,
}

/// What became of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Delivered {
    /// So many rows came.
    Rows(usize),
    /// More came than was asked for: all that was wanted was handed over.
    Everything,
    /// Rows have other fields than were learnt: nothing was handed over.
    ColumnsChanged,
}

impl ProfileJob {
    fn obis(&self) -> Obis {
        self.columns.layout.obis
    }

    fn period(&self) -> i64 {
        i64::from(self.columns.layout.period_seconds)
    }

    fn rows_between(&self, from: Timestamp, to: Timestamp) -> Option<u64> {
        let seconds = to.duration_since(from).as_secs();
        (self.period() > 0).then(|| u64::try_from(seconds / self.period()).unwrap_or(0))
    }

    /// Rows that the first window is expected to give; nothing where the profile has no period or no beginning was
    /// asked for.
    pub(in super::super) fn rows_in_first_window(&self) -> Option<u64> {
        let (from, to) = self.windows.front()?;
        self.span.from.and_then(|_| self.rows_between(*from, *to))
    }

    fn expected(&self) -> Option<u64> {
        let rows = |stretch: &Stretch| self.rows_between(stretch.from?, stretch.to);
        self.stretches.iter().map(rows).sum::<Option<u64>>().or(self.expected)
    }

    /// Keeps which rows came of each stretch.
    fn note(&mut self, rows: &[Row<'_>]) {
        for stretch in &mut self.stretches {
            let is_inside = |at: &Timestamp| *at <= stretch.to && stretch.from.is_none_or(|from| *at >= from);
            let first = rows.iter().map(|row| row.at).filter(is_inside).min();
            stretch.first = stretch.first.into_iter().chain(first).min();
        }
    }

    /// The stretches by the ends of intervals.
    fn asked(&self) -> Vec<Asked> {
        let end = |at: Timestamp| at.checked_add(self.behind).unwrap_or(at);
        let asked = |stretch: &Stretch| Asked {
            from: end(stretch.from.unwrap_or(LONG_AGO)),
            to: end(stretch.to),
            first: stretch.first.map(end),
        };
        self.stretches.iter().map(asked).collect()
    }
}

impl<L: Link> Session<'_, '_, L> {
    /// What to ask of a profile; nothing where its rows cannot be told apart in time or there is nothing to ask for.
    ///
    /// # Errors
    /// The sink failed.
    pub(in super::super) fn profile_job(
        &mut self,
        what: What,
        columns: ProfileColumns,
    ) -> Result<Option<ProfileJob>, Fault> {
        let obis = columns.layout.obis;
        let place = columns.columns.iter().position(|role| *role == ColumnRole::Clock);
        let Some(clock) = place.and_then(|place| columns.captured.get(place)).copied() else {
            self.sink.partial(Fault::meter(
                format!("the profile {obis} captures no clock: its rows have no time"),
                "have a clock added to its capture objects",
            ));
            return Ok(None);
        };
        let is_interval = matches!(what, What::Profile | What::Instrumentation);
        let behind = if is_interval {
            intervals::end_after_stamp(&columns, &self.template().profiles)
        } else {
            SignedDuration::ZERO
        };
        let goes_on = self.request.from.is_none();
        let last_end = if goes_on { self.sink.last_end(obis)? } else { None };
        let at_stamp = |at: Timestamp| at.checked_sub(behind).unwrap_or(at);
        let mut span = Span {
            from: self.request.from.or(last_end).map(at_stamp),
            // The last row that is stored is read again: it may have been captured while it was read.
            from_included: goes_on || what == What::Events,
            to: at_stamp(self.request.to.unwrap_or_else(|| self.now())),
        };
        let mut stretches = Vec::new();
        if is_interval && goes_on && self.request.to.is_none() && last_end.is_some() {
            for (after, before) in self.sink.gaps(obis)? {
                let (after, before) = (at_stamp(after), at_stamp(before));
                match span.from {
                    Some(from) if before >= from => span.from = Some(after.min(from)),
                    _ => stretches.push(Stretch { from: Some(after), to: before, first: None }),
                }
            }
        }
        stretches.push(Stretch { from: span.from, to: span.to, first: None });
        let days =
            if columns.layout.period_seconds > 0 { self.template().profiles.days_per_request } else { 0 };
        let spans = stretches.iter().map(|stretch| Span { from: stretch.from, to: stretch.to, ..span });
        let windows: VecDeque<_> = spans.flat_map(|span| windows(&span, None, days)).collect();
        span.from = stretches.first().and_then(|stretch| stretch.from);
        Ok((!windows.is_empty()).then_some(ProfileJob {
            what,
            columns,
            clock,
            span,
            windows,
            stretches,
            behind,
            done: 0,
            expected: None,
            is_relearnt: false,
            has_losses: false,
        }))
    }

    /// Where a profile is read from its beginning: asks how many rows it holds, so that it can be read in windows.
    ///
    /// # Errors
    /// The session broke off.
    pub(in super::super) async fn learn_oldest(&mut self, jobs: &mut [ProfileJob]) -> Result<(), Fault> {
        let days = self.template().profiles.days_per_request;
        let endless = |job: &ProfileJob| job.span.from.is_none() && job.period() > 0 && days > 0;
        let wanted: Vec<AttributeRef> = jobs
            .iter()
            .filter(|job| endless(job))
            .flat_map(|job| {
                [ENTRIES_IN_USE, ENTRIES_AT_MOST]
                    .map(|one| AttributeRef::new(class::PROFILE, job.obis(), one))
            })
            .collect();
        let answers = self.ask(wanted).await?;
        for job in jobs.iter_mut().filter(|job| endless(job)) {
            let count = |attribute: u8| {
                let count = answers.data(class::PROFILE, job.obis(), attribute).and_then(Data::integer)?;
                i64::try_from(count).ok().filter(|count| *count > 0)
            };
            // The number in use may be above what there is room for (`facts/dlms-quirks.md`, 78).
            let rows = count(7).into_iter().chain(count(8)).min();
            job.expected = rows.and_then(|rows| u64::try_from(rows).ok());
            let age = rows.and_then(|rows| rows.checked_mul(job.period())).map(SignedDuration::from_secs);
            let oldest = age.and_then(|age| job.span.to.checked_sub(age).ok());
            job.windows = VecDeque::from(windows(&job.span, oldest, days));
        }
        Ok(())
    }

    /// The forms of selective access that are worth a try, best first.
    fn selections(&self, profile: Obis) -> Vec<Selection> {
        if !self.offers(Conformance::SELECTIVE_ACCESS) {
            return Vec::new();
        }
        let knowledge = &self.knowledge;
        let is_open = |form: &Selection| match form {
            Selection::Range => !knowledge.no_range.contains(&profile),
            Selection::Entry => !knowledge.no_entry.contains(&profile),
        };
        self.template().requests.selective_access.iter().copied().filter(is_open).collect()
    }

    /// The request that can go into a list with others: the first window, by range.
    pub(in super::super) fn first_request(&self, job: &ProfileJob) -> Option<AttributeRef> {
        let is_by_range = self.selections(job.obis()).first() == Some(&Selection::Range);
        let window = job.windows.front().filter(|_| is_by_range)?;
        Some(by_range(job.obis(), &job.clock, &self.rule, *window))
    }

    /// Reads a profile to its end. `first` is the answer to [`Session::first_request`], where it was in a list.
    ///
    /// # Errors
    /// The session broke off or the sink failed.
    pub(in super::super) async fn read_profile(
        &mut self,
        mut job: ProfileJob,
        first: Option<Answer>,
    ) -> Result<(), Fault> {
        self.sink.step(Step::Reading(job.what));
        let ended = self.try_forms(&mut job, first).await?;
        if ended == Ended::Read {
            self.tell_asked(&job)?;
        }
        if ended == Ended::ColumnsChanged {
            self.sink.remark(format!("the profile {} captures other objects than before", job.obis()));
            self.knowledge.profiles.remove(&job.obis());
            self.learn().await?;
            if let Some(columns) = self.knowledge.profiles.get(&job.obis()).cloned()
                && let Some(mut again) = self.profile_job(job.what, columns)?
            {
                again.is_relearnt = true;
                if self.try_forms(&mut again, None).await? == Ended::Read {
                    self.tell_asked(&again)?;
                }
            }
        }
        Ok(())
    }

    /// Tells that the meter gave all that it has of what was asked for.
    fn tell_asked(&mut self, job: &ProfileJob) -> Result<(), Fault> {
        let is_interval = matches!(job.what, What::Profile | What::Instrumentation) && job.period() > 0;
        if is_interval && !job.has_losses {
            self.sink.asked(job.obis(), &job.asked())?;
        }
        Ok(())
    }

    async fn try_forms(&mut self, job: &mut ProfileJob, first: Option<Answer>) -> Result<Ended, Fault> {
        let mut refused = None;
        if self.selections(job.obis()).first() == Some(&Selection::Range) {
            match self.read_by_range(job, first).await? {
                Ended::Refused(result) => refused = Some(result),
                ended => return Ok(ended),
            }
        }
        // Neither says anything of the form of the request: another one would not be better.
        if let Some(result @ (TEMPORARY_FAILURE | SENSELESS)) = refused {
            self.tell_refused_rows(job, result);
            return Ok(Ended::Refused(result));
        }
        if refused.is_some_and(may_mean_empty) && self.is_empty(job).await? {
            return Ok(Ended::Read);
        }
        let mut ended = Ended::Refused(OTHER_REASON);
        if self.selections(job.obis()).contains(&Selection::Entry) {
            ended = self.read_by_entry(job).await?;
        }
        if matches!(ended, Ended::Refused(_)) {
            ended = self.read_everything(job, refused).await?;
        }
        // Where another form gave no row of the span either, the range may have been refused for being empty.
        if let (Some(result), Ended::Read) = (refused, ended)
            && (job.done > 0 || !may_mean_empty(result))
        {
            self.knowledge.no_range.insert(job.obis());
        }
        Ok(ended)
    }

    fn tell_refused_rows(&mut self, job: &ProfileJob, result: DataAccessResult) {
        self.sink.partial(refusal(&format!("the rows of the profile {}", job.obis()), result));
    }

    async fn read_by_range(
        &mut self,
        job: &mut ProfileJob,
        mut first: Option<Answer>,
    ) -> Result<Ended, Fault> {
        let obis = job.obis();
        while let Some(window) = job.windows.front().copied() {
            let request = by_range(obis, &job.clock, &self.rule, window);
            let from_list = first.take();
            let was_refused_in_list = matches!(&from_list, Some(Err(_)));
            let answer = match from_list {
                Some(Ok(data)) => Ok(data),
                Some(Err(_)) | None => self.ask_rows(&request).await?,
            };
            match answer {
                Ok(data) => {
                    // What a list spoilt and a single request gave is asked for alone from now on.
                    self.knowledge.profiles_apart |= was_refused_in_list;
                    match self.deliver(job, &data, Some(window))? {
                        Delivered::Rows(0) => {}
                        Delivered::Rows(_) => {
                            self.knowledge.range_proven.insert(obis);
                        }
                        Delivered::Everything => return Ok(Ended::Read),
                        Delivered::ColumnsChanged => return Ok(Ended::ColumnsChanged),
                    }
                }
                // No rows in the window (`facts/dlms-quirks.md`, 77).
                Err(result) if self.means_no_rows(obis, result) => {}
                Err(result) => return Ok(Ended::Refused(result)),
            }
            job.windows.pop_front();
        }
        Ok(Ended::Read)
    }

    fn means_no_rows(&self, profile: Obis, result: DataAccessResult) -> bool {
        may_mean_empty(result) && self.knowledge.range_proven.contains(&profile)
    }

    /// The number of entries, where the meter gives one that can be.
    async fn entries_in_use(&mut self, profile: Obis) -> Result<Option<u32>, Fault> {
        let answer = self.ask_one(&AttributeRef::new(class::PROFILE, profile, ENTRIES_IN_USE)).await?;
        let count = answer.ok().and_then(|data| data.integer()).and_then(|count| u32::try_from(count).ok());
        Ok(count.filter(|count| *count <= MOST_ENTRIES))
    }

    async fn is_empty(&mut self, job: &ProfileJob) -> Result<bool, Fault> {
        Ok(self.entries_in_use(job.obis()).await? == Some(0))
    }

    /// Reads by entry number, as far back as the span reaches. The number of rows that it takes is reckoned from the
    /// period; where the oldest row then is too young (rows off the period's grid), twice as many are taken.
    async fn read_by_entry(&mut self, job: &mut ProfileJob) -> Result<Ended, Fault> {
        let Some(in_use) = self.entries_in_use(job.obis()).await?.filter(|count| *count > 0) else {
            return Ok(Ended::Refused(OTHER_REASON));
        };
        let from = job.span.from.and_then(|_| job.windows.front()).map(|window| window.0);
        let rows = from.and_then(|from| job.rows_between(from, self.now()));
        let wanted = rows.and_then(|rows| u32::try_from(rows.saturating_add(3)).ok());
        let mut reach = wanted.map_or(in_use, |wanted| wanted.min(in_use));
        let chunk = self.entries_per_request(job);
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
            let is_far_enough = reach == in_use || from.is_none_or(|from| self.reaches(job, &data, from));
            if !is_far_enough {
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

    fn reader<'a>(&'a self, columns: &'a ProfileColumns) -> Reader<'a> {
        Reader { columns, rule: &self.rule, null_value: self.template().profiles.null_value }
    }

    /// Whether the oldest row of an answer is not after an instant.
    fn reaches(&self, job: &ProfileJob, buffer: &Encoded, from: Timestamp) -> bool {
        self.reader(&job.columns).rows(&buffer.0).rows.first().is_some_and(|row| row.at <= from)
    }

    async fn read_everything(
        &mut self,
        job: &mut ProfileJob,
        refused: Option<DataAccessResult>,
    ) -> Result<Ended, Fault> {
        match self.ask_rows(&everything(job.obis())).await? {
            Ok(data) => {
                if self.deliver(job, &data, None)? == Delivered::ColumnsChanged {
                    return Ok(Ended::ColumnsChanged);
                }
                Ok(Ended::Read)
            }
            Err(result) => {
                if !may_mean_empty(result) || !self.is_empty(job).await? {
                    self.tell_refused_rows(job, refused.unwrap_or(result));
                }
                Ok(Ended::Refused(result))
            }
        }
    }

    /// Hands over the rows that were asked for. A meter that ignores selective access gives more: those are left out,
    /// and it is not asked for them window by window (`facts/dlms-quirks.md`, 76).
    fn deliver(
        &mut self,
        job: &mut ProfileJob,
        buffer: &Encoded,
        window: Option<(Timestamp, Timestamp)>,
    ) -> Result<Delivered, Fault> {
        let decoded = self.reader(&job.columns).rows(&buffer.0);
        if decoded.columns_changed && decoded.rows.is_empty() && !job.is_relearnt {
            return Ok(Delivered::ColumnsChanged);
        }
        if let Some(reason) = decoded.lost.first() {
            job.has_losses = true;
            self.sink.partial(Fault::meter(
                format!("{} rows of the profile {} cannot be read: {reason}", decoded.lost.len(), job.obis()),
                "look at the answer in the job's trace",
            ));
        }
        let slack = SignedDuration::from_hours(2);
        let is_beside = |row: &Row<'_>| {
            window.is_some_and(|(from, to)| {
                row.at.duration_since(to) > slack || from.duration_since(row.at) > slack
            })
        };
        let ignores_window = decoded.rows.iter().any(is_beside);
        let is_wanted = |row: &Row<'_>| {
            let is_inside = window.is_none_or(|(from, to)| (from..=to).contains(&row.at));
            job.span.wants(row.at) && (ignores_window || is_inside)
        };
        let came = decoded.rows.len();
        let rows: Vec<Row<'_>> = decoded.rows.into_iter().filter(is_wanted).collect();
        job.done += u64::try_from(rows.len()).unwrap_or(0);
        job.note(&rows);
        if !rows.is_empty() {
            self.hand_over(job, &rows)?;
        }
        self.sink.step(Step::Rows { done: job.done, expected: job.expected() });
        Ok(if ignores_window { Delivered::Everything } else { Delivered::Rows(came) })
    }

    fn hand_over(&mut self, job: &ProfileJob, rows: &[Row<'_>]) -> Result<(), Fault> {
        match made(job.what, &job.columns, rows, &self.maker()) {
            Made::Events(log, events) => self.sink.events(log, &events),
            Made::Billing(sets) => self.sink.billing(&sets),
            Made::Intervals(layout, intervals) => self.sink.profile(&layout, &intervals),
        }
    }
}

fn is_without_rows(buffer: &Encoded) -> bool {
    !Table::decode(&buffer.0).is_ok_and(|table| table.is_some_and(|table| !table.is_empty()))
}

/// Results with which meters answer where there are no rows (`facts/dlms-quirks.md`, 77): object unavailable, data
/// block unavailable, other reason.
const fn may_mean_empty(result: DataAccessResult) -> bool {
    matches!(result.0, 11 | 14 | 250)
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
