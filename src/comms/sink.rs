//! Stores what a driver reads, as it comes.

use std::cell::RefMut;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::drivers::{ReadSink, StoodThere};
use crate::model::template::{Proposal, Remark, written};
use crate::model::{
    Asked, BillingSet, ClockReading, Fault, Identity, MeterEvent, MeterId, MeterRatios, Obis, ObjectEntry,
    ProfileLayout, ProfileRow, RegisterReading, Step, Template,
};
use crate::scheme::Document;
use crate::store::{MeterScheme, SchemeKind, Store, StoreError};

use super::progress::Progress;
use super::reporter::{Remains, Reporter};
use super::shared::{Shared, store_fault};
use super::{Event, JobId};

/// Row counts are told at most so often.
const ROWS_EVERY: Duration = Duration::from_millis(250);

/// Takes what one session reads.
pub(super) struct Sink {
    pub(super) reporter: Reporter,
    /// The meter in whose name things are stored; a connection test stores nothing.
    pub(super) store_for: Option<MeterId>,
    pub(super) rows_told: Option<Instant>,
}

/// Whether two spellings name one serial number: case, spaces and leading noughts aside, and a maker's prefix that
/// only one of them bears (`0012345678` on the plate, `MTW0012345678` in the meter).
pub(super) fn same_serial(one: &str, other: &str) -> bool {
    let plain = |text: &str| {
        let text: String = text.chars().filter(char::is_ascii_alphanumeric).collect();
        text.to_ascii_uppercase().trim_start_matches('0').to_owned()
    };
    let (one, other) = (plain(one), plain(other));
    one == other || one.len().min(other.len()) >= 4 && (one.ends_with(&other) || other.ends_with(&one))
}

impl Sink {
    fn shared(&self) -> &Shared {
        &self.reporter.shared
    }

    fn progress(&self) -> RefMut<'_, Progress> {
        self.reporter.remains.progress.borrow_mut()
    }

    /// Writes the traffic that has gathered.
    pub(super) fn flush_trace(&self, all: bool) {
        flush_trace(self.shared(), self.reporter.job, self.store_for, &self.reporter.remains, all);
    }

    /// Asks the store about the stored meter; nothing where this is a connection test.
    fn ask<T: Default>(
        &self,
        ask: impl FnOnce(&Store, MeterId) -> Result<T, StoreError>,
    ) -> Result<T, Fault> {
        let Some(meter) = self.store_for else { return Ok(T::default()) };
        ask(&self.shared().store.borrow(), meter).map_err(|error| store_fault(&error))
    }

    /// Has something written for the stored meter; `then` counts it once it is on disk. Nothing where this is a
    /// connection test. An error tells of a write before this one.
    fn keep<T: Send + 'static>(
        &self,
        rows: usize,
        work: impl Fn(&mut Store, MeterId) -> Result<T, StoreError> + Send + 'static,
        then: impl FnOnce(&Reporter, T) + 'static,
    ) -> Result<(), Fault> {
        let Some(meter) = self.store_for else { return Ok(()) };
        if let Some(fault) = self.progress().unstored.clone() {
            return Err(fault);
        }
        let reporter = self.reporter.clone();
        self.shared().defer(
            (meter, rows),
            move |store| work(store, meter),
            move |done| match done {
                Ok(done) => then(&reporter, done),
                Err(fault) => reporter.remains.progress.borrow_mut().note_unstored(fault),
            },
        );
        self.flush_trace(false);
        Ok(())
    }

    /// Runs a write that is on disk before anything else happens.
    fn write_now(
        &self,
        write: impl FnOnce(&mut Store, MeterId) -> Result<(), StoreError>,
    ) -> Result<(), Fault> {
        let Some(meter) = self.store_for else { return Ok(()) };
        write(&mut self.shared().store.borrow_mut(), meter).map_err(|error| store_fault(&error))
    }

    fn put_scheme(&self, kind: SchemeKind, scheme: String, detail: String) -> Result<(), Fault> {
        let kept = MeterScheme { at: self.now(), scheme, detail };
        self.write_now(|store, meter| store.put_scheme(meter, kind, &kept))
    }

    fn meter_name(&self) -> Result<String, Fault> {
        let Some(meter) = self.store_for else { return Ok(String::new()) };
        let row = self.shared().store.borrow().meter(meter).map_err(|error| store_fault(&error))?;
        Ok(row.map(|row| row.config.name).unwrap_or_default())
    }

    /// A scheme was written to its end.
    pub(super) fn written(&self, scheme: &Document) -> Result<(), Fault> {
        self.put_scheme(SchemeKind::Written, crate::scheme::write(scheme), String::new())
    }

    fn check_serial(&self, found: &str) -> Result<(), Fault> {
        let Some(meter) = self.store_for else { return Ok(()) };
        let row = self.shared().store.borrow().meter(meter).map_err(|error| store_fault(&error))?;
        let Some(row) = row else { return Ok(()) };
        let mut config = row.config;
        match config.serial.as_deref().map(str::trim).filter(|known| !known.is_empty()) {
            None => {
                config.serial = Some(found.to_owned());
                let updated = self.shared().store.borrow_mut().update_meter(meter, &config);
                updated.map_err(|error| store_fault(&error))?;
                self.shared().emit(&Event::StoreChanged);
                Ok(())
            }
            Some(known) if same_serial(known, found) => Ok(()),
            Some(known) => {
                self.progress().is_another_meter = true;
                Err(Fault::meter(
                    format!("the meter's serial number is {found}, but {known} was expected here"),
                    format!(
                        "nothing was stored: check the line and the address, or set the serial number to {found} if the meter was exchanged"
                    ),
                ))
            }
        }
    }
}

/// Writes the traffic that has gathered.
pub(super) fn flush_trace(shared: &Shared, job: JobId, meter: Option<MeterId>, remains: &Remains, all: bool) {
    let records = remains.trace.borrow_mut().take(all);
    let Some(meter) = meter.filter(|_| !records.is_empty()) else { return };
    let whose = (meter, records.len());
    shared.defer(whose, move |store| store.put_trace(job.0, meter, &records), remains.hears());
}

impl ReadSink for Sink {
    fn step(&mut self, step: Step) {
        if let Step::Rows { done, expected } = &step {
            let now = Instant::now();
            let is_last = Some(*done) == *expected;
            if !is_last && self.rows_told.is_some_and(|told| now.duration_since(told) < ROWS_EVERY) {
                return;
            }
            self.rows_told = Some(now);
        }
        self.reporter.step(step);
    }

    fn now(&self) -> Timestamp {
        self.shared().now()
    }

    fn last_end(&mut self, profile: Obis) -> Result<Option<Timestamp>, Fault> {
        let now = self.now();
        self.ask(|store, meter| store.last_end_until(meter, profile, now))
    }

    fn gaps(&mut self, profile: Obis) -> Result<Vec<(Timestamp, Timestamp)>, Fault> {
        let now = self.now();
        self.ask(|store, meter| store.gaps_to_ask(meter, profile, now))
    }

    fn asked(&mut self, profile: Obis, stretches: &[Asked]) -> Result<(), Fault> {
        let now = self.now();
        let stretches = stretches.to_vec();
        let count = stretches.len();
        self.keep(count, move |store, meter| store.note_asked(meter, profile, &stretches, now), |_, ()| {})
    }

    fn identity(&mut self, identity: &Identity) -> Result<(), Fault> {
        if let Some(serial) = identity.serial.as_deref().map(str::trim).filter(|serial| !serial.is_empty()) {
            self.check_serial(serial)?;
        }
        self.progress().identity = Some(identity.clone());
        Ok(())
    }

    fn clock(&mut self, clock: &ClockReading) -> Result<(), Fault> {
        let kept = clock.clone();
        self.keep(1, move |store, meter| store.put_clock(meter, &kept), |_, ()| {})?;
        self.progress().drift_ms = Some(clock.drift_ms());
        Ok(())
    }

    fn registers(&mut self, readings: &[RegisterReading], instantaneous: bool) -> Result<(), Fault> {
        if self.store_for.is_none() || readings.is_empty() {
            return Ok(());
        }
        let kept = readings.to_vec();
        let counted: Vec<(Obis, u8)> =
            readings.iter().map(|reading| (reading.obis, reading.attribute)).collect();
        self.keep(
            readings.len(),
            move |store, meter| store.put_registers(meter, &kept, instantaneous),
            move |reporter, _| {
                let mut progress = reporter.remains.progress.borrow_mut();
                for (obis, attribute) in counted {
                    progress.count_register(obis, attribute, instantaneous);
                }
            },
        )
    }

    fn billing(&mut self, sets: &[BillingSet]) -> Result<(), Fault> {
        let sets = sets.to_vec();
        self.keep(
            sets.len(),
            move |store, meter| store.put_billing(meter, &sets),
            |reporter, new| reporter.remains.progress.borrow_mut().billing_registers += new,
        )
    }

    fn profile(&mut self, layout: &ProfileLayout, rows: &[ProfileRow]) -> Result<(), Fault> {
        let now = self.now();
        let (obis, layout, rows) = (layout.obis, layout.clone(), rows.to_vec());
        self.keep(
            rows.len(),
            move |store, meter| store.merge_profile(meter, &layout, &rows, now),
            move |reporter, merged| {
                reporter.remains.progress.borrow_mut().intervals += merged.new + merged.changed;
                if merged.changed > 0 {
                    reporter.remark(format!(
                        "{} intervals of {obis} differ from what was stored before: both versions are kept",
                        merged.changed
                    ));
                }
            },
        )
    }

    fn events(&mut self, _log: Obis, events: &[MeterEvent]) -> Result<(), Fault> {
        let events = events.to_vec();
        self.keep(
            events.len(),
            move |store, meter| store.put_events(meter, &events),
            |reporter, new| reporter.remains.progress.borrow_mut().events += new,
        )
    }

    fn objects(&mut self, objects: &[ObjectEntry]) -> Result<(), Fault> {
        // The list itself is kept with what is known of the meter.
        self.progress().objects = u64::try_from(objects.len()).unwrap_or(u64::MAX);
        Ok(())
    }

    fn stood(&mut self, before: &[StoodThere], scheme: Option<&Document>, again: bool) -> Result<(), Fault> {
        let kind = if again { SchemeKind::Again } else { SchemeKind::Stood };
        let detail = serde_json::to_string(before)
            .map_err(|error| Fault::internal(format!("what stood in the meter cannot be kept: {error}")))?;
        self.put_scheme(kind, scheme.map(crate::scheme::write).unwrap_or_default(), detail)
    }

    fn wrote(&mut self, what: &str) -> Result<(), Fault> {
        let now = self.now();
        let detail = format!("{}: {what}", self.meter_name()?);
        let author = self.shared().author(self.reporter.job);
        self.write_now(|store, _| match &author {
            Some(author) => store.audit(now, author, "meter programmed", &detail),
            None => store.audit_own(now, "meter programmed", &detail),
        })
    }

    fn outcome(&mut self, words: String) {
        self.progress().outcome = Some(words);
    }

    fn ratios(&mut self, found: &MeterRatios) -> Result<(), Fault> {
        let found = *found;
        self.keep(1, move |store, meter| store.put_meter_ratios(meter, &found), |_, ()| {})
    }

    fn scheme(&mut self, found: &Document, notes: &[String]) -> Result<(), Fault> {
        let detail = serde_json::to_string(notes)
            .map_err(|error| Fault::internal(format!("notes on a scheme cannot be kept: {error}")))?;
        self.put_scheme(SchemeKind::Read, crate::scheme::write(found), detail)
    }

    fn learnt(&mut self, template: &Template, remarks: &[Remark]) -> Result<(), Fault> {
        let templates = self.shared().store.borrow().catalogue().map_err(|error| store_fault(&error))?;
        let mut template = template.clone();
        template.name = templates.free_name(&template.name);
        let proposal =
            Proposal { meter: self.meter_name()?, text: written(&template), remarks: remarks.to_vec() };
        let words = format!("A template is proposed: {}", template.title);
        self.progress().outcome = Some(words);
        self.shared().emit(&Event::Learnt { job: self.reporter.job, proposal: Box::new(proposal) });
        Ok(())
    }

    fn partial(&mut self, fault: Fault) {
        self.progress().partial.push(fault);
    }

    fn remark(&mut self, text: String) {
        self.reporter.remark(text);
    }
}

#[cfg(test)]
mod tests {
    use super::same_serial;

    #[test]
    fn serial_numbers_are_compared_as_people_write_them() {
        assert!(same_serial("0012345678", "12345678"));
        assert!(same_serial("mtw 0012345678", "MTW0012345678"));
        assert!(same_serial("12345678", "MTW0012345678"));
        assert!(!same_serial("12345678", "12345679"));
        assert!(!same_serial("8", "12345678"));
    }
}
