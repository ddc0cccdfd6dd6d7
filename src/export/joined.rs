//! A profile whose layout has changed over time, as one table.
//!
//! The store keeps a profile once for each layout that it had (other channels, another scaler or period). People
//! want one table: its columns are those of all layouts, the newest first, and a row has nothing in the columns
//! that its layout did not have.

use jiff::Timestamp;

use crate::model::{Channel, MeterId, Obis, ProfileRow};
use crate::store::{StoreError, StoreReader, StoredProfile};

/// The usual load profile (IEC 62056-61, load profile with period 1).
const LOAD_PROFILE: Obis = Obis::new(1, 0, 99, 1, 0, 255);

/// The profile to show where none is named: load profile 1, or the first that has a period, or any.
#[must_use]
pub fn usual_profile(stored: &[StoredProfile]) -> Option<Obis> {
    let rank = |profile: &&StoredProfile| {
        let layout = &profile.layout;
        (layout.obis != LOAD_PROFILE, layout.period_seconds == 0, layout.obis)
    };
    stored.iter().min_by_key(rank).map(|profile| profile.layout.obis)
}

/// One profile of a meter with all the layouts that it had.
#[derive(Clone, Debug)]
pub struct JoinedProfile {
    /// Its logical name.
    pub obis: Obis,
    /// Plain name, from the newest layout.
    pub name: String,
    /// Capture period of the newest layout, in seconds.
    pub period_seconds: u32,
    /// Columns of all layouts.
    pub channels: Vec<Channel>,
    /// Each stored profile's number with the column of each of its channels, newest last.
    sources: Vec<(i64, Vec<usize>)>,
}

/// Whether two channels may stand in one column: the same quantity on the same side. Scalers may differ, since
/// values carry their own.
fn is_same(one: &Channel, other: &Channel) -> bool {
    one.obis == other.obis
        && one.attribute == other.attribute
        && one.data_index == other.data_index
        && one.scaler_unit.unit == other.scaler_unit.unit
        && one.side == other.side
}

impl JoinedProfile {
    /// Joins a meter's stored profiles of one logical name; nothing where there is none.
    #[must_use]
    pub fn of(stored: &[StoredProfile], obis: Obis) -> Option<Self> {
        let mut of_name: Vec<&StoredProfile> =
            stored.iter().filter(|profile| profile.layout.obis == obis).collect();
        of_name.sort_by_key(|profile| (profile.span.map(|span| span.1), profile.id));
        let newest = of_name.last()?;
        let mut joined = Self {
            obis,
            name: newest.layout.name.clone(),
            period_seconds: newest.layout.period_seconds,
            channels: Vec::new(),
            sources: Vec::new(),
        };
        for profile in of_name.iter().rev() {
            let columns = joined.columns_of(&profile.layout.channels);
            joined.sources.push((profile.id, columns));
        }
        joined.sources.reverse();
        Some(joined)
    }

    /// The column of each channel; new columns for those that are not there yet.
    fn columns_of(&mut self, channels: &[Channel]) -> Vec<usize> {
        let mut taken = Vec::new();
        for channel in channels {
            // A layout may capture one quantity twice: each has its own column.
            let found = self
                .channels
                .iter()
                .enumerate()
                .position(|(column, known)| !taken.contains(&column) && is_same(known, channel));
            let column = found.unwrap_or_else(|| {
                self.channels.push(channel.clone());
                self.channels.len() - 1
            });
            taken.push(column);
        }
        taken
    }

    /// Rows with `from < end <= to`, oldest first, with one value a column.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn rows(
        &self,
        store: &StoreReader,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<ProfileRow>, StoreError> {
        let mut all = Vec::new();
        for (profile, columns) in &self.sources {
            for mut row in store.profile_rows(*profile, from, to)? {
                let mut values = vec![None; self.channels.len()];
                for (column, value) in columns.iter().zip(&row.values) {
                    if let Some(slot) = values.get_mut(*column) {
                        *slot = *value;
                    }
                }
                row.values = values;
                all.push(row);
            }
        }
        if self.sources.len() > 1 {
            all.sort_by_key(|row| row.end);
        }
        Ok(all)
    }

    /// The profile of a meter: the one that is named, or its usual one.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn load(
        store: &StoreReader,
        meter: MeterId,
        wanted: Option<Obis>,
    ) -> Result<Option<Self>, StoreError> {
        let stored = store.profiles(meter)?;
        Ok(wanted.or_else(|| usual_profile(&stored)).and_then(|obis| Self::of(&stored, obis)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ProfileLayout, ScalerUnit, Side, Unit};

    fn channel(c: u8, scaler: i8) -> Channel {
        Channel {
            obis: Obis::new(1, 0, c, 29, 0, 255),
            attribute: 2,
            data_index: 0,
            class_id: 3,
            name: String::new(),
            scaler_unit: ScalerUnit { scaler, unit: Unit::WH },
            side: Side::Secondary,
        }
    }

    fn stored(id: i64, obis: Obis, channels: Vec<Channel>) -> StoredProfile {
        let layout = ProfileLayout { obis, name: String::new(), period_seconds: 1800, channels };
        StoredProfile { id, layout, span: None, intervals: 0 }
    }

    #[test]
    fn layouts_of_one_profile_share_the_columns_of_the_same_quantity() {
        let all = [
            stored(1, LOAD_PROFILE, vec![channel(1, 0), channel(2, 0)]),
            stored(2, LOAD_PROFILE, vec![channel(2, 3), channel(5, 0)]),
        ];
        let joined = JoinedProfile::of(&all, LOAD_PROFILE).unwrap();
        let columns: Vec<u8> = joined.channels.iter().map(|channel| channel.obis.c()).collect();
        assert_eq!(columns, [2, 5, 1]);
        assert_eq!(joined.sources, [(1, vec![2, 0]), (2, vec![0, 1])]);
    }

    #[test]
    fn a_quantity_that_is_captured_twice_keeps_two_columns() {
        let all = [stored(1, LOAD_PROFILE, vec![channel(1, 0), channel(1, 0)])];
        assert_eq!(JoinedProfile::of(&all, LOAD_PROFILE).unwrap().channels.len(), 2);
    }

    #[test]
    fn load_profile_one_is_the_usual_one() {
        let daily = Obis::new(1, 0, 99, 2, 0, 255);
        let all = [stored(1, daily, Vec::new()), stored(2, LOAD_PROFILE, Vec::new())];
        assert_eq!(usual_profile(&all), Some(LOAD_PROFILE));
        assert_eq!(usual_profile(&all[..1]), Some(daily));
        assert_eq!(usual_profile(&[]), None);
    }
}
