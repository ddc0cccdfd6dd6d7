//! Invocation counters: durable before they are used, never lowered, never given twice.
//!
//! A meter has one row for everything under its unicast keys and this program's system title, whatever the client
//! address: with the same key and title, the same counter twice would be the same nonce twice. A meter that is not
//! in the store (a connection test) has its counter in a setting, which the meter inherits when it is added.

use crate::model::{MeterConfig, MeterId};
use crate::protocol::dlms::{CounterError, CounterStore};
use crate::store::{Store, StoreError};

use super::reporter::Reporter;

/// The row of a meter's unicast keys.
const ROW: &str = "unicast";
/// Counters made durable at once. What a session leaves over is never used.
const BATCH: u32 = 16;
/// Above this a key should be changed soon (`design.md`, "frame (invocation) counters").
const WARN_AT: u32 = 2_000_000_000;

/// Where a counter is kept.
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// A stored meter's row.
    Meter(MeterId),
    /// A setting, for a meter that is not stored.
    Setting(String),
}

/// The setting that keeps the counter of a meter which is not stored.
fn setting_key(config: &MeterConfig) -> String {
    format!(
        "counter/{}/{}",
        config.line,
        config.address.map(|address| address.to_string()).unwrap_or_default()
    )
}

impl Place {
    /// Where the counter of a meter is kept.
    pub(super) fn of(meter: Option<MeterId>, config: &MeterConfig) -> Self {
        match meter {
            Some(meter) => Self::Meter(meter),
            None => Self::Setting(setting_key(config)),
        }
    }

    fn reserve(&self, store: &mut Store, count: u32) -> Result<u32, String> {
        match self {
            Self::Meter(meter) => {
                store.reserve_counters(*meter, ROW, count).map_err(|error| error.to_string())
            }
            Self::Setting(key) => {
                let first = kept(store, key)?.max(1);
                let next = first.checked_add(count).ok_or("the counter is used up: change the keys")?;
                store.put_setting(key, &next.to_string()).map_err(|error| error.to_string())?;
                Ok(first)
            }
        }
    }

    fn raise(&self, store: &mut Store, at_least: u32) -> Result<(), String> {
        match self {
            Self::Meter(meter) => {
                store.raise_counter(*meter, ROW, at_least).map_err(|error| error.to_string())
            }
            Self::Setting(key) if kept(store, key)? < at_least => {
                store.put_setting(key, &at_least.to_string()).map_err(|error| error.to_string())
            }
            Self::Setting(_) => Ok(()),
        }
    }
}

fn kept(store: &Store, key: &str) -> Result<u32, String> {
    let text = store.setting(key).map_err(|error| error.to_string())?;
    let Some(text) = text else { return Ok(0) };
    text.parse().map_err(|_| format!("the setting {key} of the store is damaged"))
}

/// A new meter goes on where tests of it, or a removed meter in its place, have stopped.
pub(super) fn inherit(store: &mut Store, meter: MeterId, config: &MeterConfig) -> Result<(), StoreError> {
    let kept = store.setting(&setting_key(config))?.and_then(|text| text.parse::<u32>().ok());
    match kept {
        Some(at_least) => store.raise_counter(meter, ROW, at_least),
        None => Ok(()),
    }
}

/// A meter that is removed leaves its counter to the next one in its place.
pub(super) fn bequeath(store: &mut Store, meter: MeterId, config: &MeterConfig) -> Result<(), StoreError> {
    let next = store.reserve_counters(meter, ROW, 1)?;
    if next > 1 {
        store.put_setting(&setting_key(config), &next.to_string())?;
    }
    Ok(())
}

/// The counters of one session.
pub(super) struct Counters {
    reporter: Reporter,
    place: Place,
    next: u32,
    left: u32,
}

impl Counters {
    pub(super) fn new(reporter: Reporter, place: Place) -> Self {
        Self { reporter, place, next: 0, left: 0 }
    }
}

impl CounterStore for Counters {
    fn next(&mut self) -> Result<u32, CounterError> {
        if self.left == 0 {
            self.next = {
                let mut store = self.reporter.shared.store.borrow_mut();
                self.place.reserve(&mut store, BATCH).map_err(CounterError)?
            };
            self.left = BATCH;
            if self.next >= WARN_AT {
                self.reporter.remark(
                    "the invocation counter has passed 2 000 000 000 of 4 294 967 295: have the meter's keys changed soon"
                        .to_owned(),
                );
            }
        }
        let given = self.next;
        match given.checked_add(1) {
            Some(next) => (self.next, self.left) = (next, self.left - 1),
            None => self.left = 0,
        }
        Ok(given)
    }

    fn raise(&mut self, at_least: u32) -> Result<(), CounterError> {
        if self.left > 0 && at_least <= self.next {
            return Ok(());
        }
        let mut store = self.reporter.shared.store.borrow_mut();
        self.place.raise(&mut store, at_least).map_err(CounterError)?;
        self.left = 0;
        Ok(())
    }
}
