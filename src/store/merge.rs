//! What becomes of a day's rows when it is read again.
//!
//! Two rows are versions of one interval where their ends are equal and their stamps do not contradict each other.
//! Two stamps of one end (the clock was set back), a row marked by a clock adjustment beside one that is not, and
//! two different rows of one reading are different intervals: all are kept (`facts/dlms-quirks.md`, line 80).
//! A row without a stamp, whose end was reckoned, is the same interval as the stamped one of that end (line 73).

use crate::model::{IntervalStatus, ProfileRow};

use super::Merged;

/// A day after new rows were laid into it.
#[derive(Debug, Default)]
pub(super) struct DayMerge {
    /// The rows in force, by end.
    pub(super) rows: Vec<ProfileRow>,
    /// Versions that were replaced.
    pub(super) superseded: Vec<ProfileRow>,
    /// Counts.
    pub(super) merged: Merged,
    /// Whether `rows` differs from what was stored.
    pub(super) touched: bool,
}

struct Slot {
    row: ProfileRow,
    /// A row of this reading was found to be this interval.
    claimed: bool,
}

fn same_interval(stored: &ProfileRow, incoming: &ProfileRow) -> bool {
    let adjusted = |row: &ProfileRow| row.status.contains(IntervalStatus::CLOCK_ADJUSTED);
    let stamps_agree = stored.stamp == incoming.stamp || stored.stamp.is_none() || incoming.stamp.is_none();
    stored.end == incoming.end && stamps_agree && adjusted(stored) == adjusted(incoming)
}

/// Equal but for how the end became known.
fn same_content(stored: &ProfileRow, incoming: &ProfileRow) -> bool {
    let meant = |row: &ProfileRow| row.status.difference(IntervalStatus::STAMP_RECKONED);
    same_interval(stored, incoming)
        && stored.values == incoming.values
        && stored.raw_status == incoming.raw_status
        && stored.quality == incoming.quality
        && meant(stored) == meant(incoming)
}

/// Lays rows, in the meter's order, into those that are stored.
pub(super) fn merge_day(stored: Vec<ProfileRow>, incoming: &[&ProfileRow]) -> DayMerge {
    let mut slots: Vec<Slot> = stored.into_iter().map(|row| Slot { row, claimed: false }).collect();
    let mut incoming = incoming.to_vec();
    incoming.sort_by_key(|row| row.end);
    let mut day = DayMerge::default();
    let mut added = Vec::new();
    for group in incoming.chunk_by(|left, right| left.end == right.end) {
        let Some(end) = group.first().map(|row| row.end) else { continue };
        let start = slots.partition_point(|slot| slot.row.end < end);
        let stop = slots.partition_point(|slot| slot.row.end <= end);
        merge_end(&mut day, slots.get_mut(start..stop).unwrap_or_default(), group, &mut added);
    }
    day.touched = day.touched || !added.is_empty();
    day.rows = slots.into_iter().map(|slot| slot.row).chain(added).collect();
    // Stable, and linear on two sorted halves.
    day.rows.sort_by_key(|row| row.end);
    day
}

/// Lays rows of one end into the stored ones of that end. Equal rows find each other first, so that a changed row
/// cannot take the place of one that merely comes later.
fn merge_end(day: &mut DayMerge, slots: &mut [Slot], group: &[&ProfileRow], added: &mut Vec<ProfileRow>) {
    let first_added = added.len();
    let mut unequal = Vec::new();
    for row in group {
        let mut equal = slots.iter_mut().filter(|slot| same_content(&slot.row, row));
        let Some(slot) = equal.next() else {
            unequal.push(*row);
            continue;
        };
        slot.claimed = true;
        day.merged.same += 1;
        if slot.row.stamp.is_none() && row.stamp.is_some() {
            day.superseded.push(std::mem::replace(&mut slot.row, (*row).clone()));
            day.touched = true;
        }
    }
    for row in unequal {
        let repeated = added.iter().skip(first_added).any(|new| same_content(new, row));
        let version = slots.iter_mut().find(|slot| !slot.claimed && same_interval(&slot.row, row));
        if repeated {
            day.merged.same += 1;
        } else if let Some(slot) = version {
            slot.claimed = true;
            day.superseded.push(std::mem::replace(&mut slot.row, row.clone()));
            day.merged.changed += 1;
            day.touched = true;
        } else {
            added.push(row.clone());
            day.merged.new += 1;
        }
    }
}
