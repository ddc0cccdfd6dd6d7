//! Invocation counters: durable before they are used, never lowered, never given twice.
//!
//! A meter has one row for everything under its unicast keys and this program's system title, whatever the client
//! address: with the same key and title, the same counter twice would be the same nonce twice. A meter that is not
//! in the store (a connection test) has a row by its line, which the meter inherits when it is added.

use crate::model::{MeterConfig, MeterId};
use crate::protocol::dlms::{CounterError, CounterStore};
use crate::store::{COUNTER_WARNING, Store, StoreError};

use super::reporter::Reporter;

/// The row of a meter's unicast keys.
const ROW: &str = "unicast";
/// Counters made durable at once. What a session leaves over is never used.
const BATCH: u32 = 16;

/// Where a counter is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    meter: MeterId,
    row: String,
}

/// Stands for all meters that are not stored; each has a row of its own.
const NOT_STORED: MeterId = MeterId(0);

impl Place {
    /// Where the counter of a meter is kept.
    pub(super) fn of(meter: Option<MeterId>, config: &MeterConfig) -> Self {
        match meter {
            Some(meter) => Self { meter, row: ROW.to_owned() },
            None => {
                let address = config.address.map(|address| address.to_string()).unwrap_or_default();
                Self { meter: NOT_STORED, row: format!("{}/{address}", config.line) }
            }
        }
    }
}

/// A new meter goes on where tests of it have stopped; the store itself sees to meters that were removed.
pub(super) fn inherit(store: &mut Store, meter: MeterId, config: &MeterConfig) -> Result<(), StoreError> {
    let tested = Place::of(None, config);
    match store.counter(tested.meter, &tested.row)? {
        Some(at_least) => store.raise_counter(meter, ROW, at_least),
        None => Ok(()),
    }
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

impl Counters {
    /// Makes the first counters durable together with other sessions' writes, which costs less than alone.
    ///
    /// # Errors
    /// They cannot be stored.
    pub(super) async fn prepare(&mut self) -> Result<(), CounterError> {
        let Place { meter, row } = self.place.clone();
        let reserved = self.reporter.shared.written(move |store| store.reserve_counters(meter, &row, BATCH));
        self.take(reserved.await.map_err(|fault| CounterError(fault.to_string()))?);
        Ok(())
    }

    fn take(&mut self, next: u32) {
        (self.next, self.left) = (next, BATCH);
        if next >= COUNTER_WARNING {
            self.reporter.remark(
                "the invocation counter has passed 2 000 000 000 of 4 294 967 295: have the meter's keys changed soon"
                    .to_owned(),
            );
        }
    }
}

impl CounterStore for Counters {
    fn next(&mut self) -> Result<u32, CounterError> {
        if self.left == 0 {
            let next = {
                let mut store = self.reporter.shared.store.borrow_mut();
                let Place { meter, row } = &self.place;
                store.reserve_counters(*meter, row, BATCH).map_err(|error| CounterError(error.to_string()))?
            };
            self.take(next);
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
        let Place { meter, row } = &self.place;
        store.raise_counter(*meter, row, at_least).map_err(|error| CounterError(error.to_string()))?;
        self.left = 0;
        Ok(())
    }
}
