//! Takes what a driver reads and holds it against what a sink was promised.

use jiff::Timestamp;

use meterwright::drivers::{ReadSink, StoodThere};
use meterwright::model::template::{Remark, written};
use meterwright::model::{
    BillingSet, ClockReading, Fault, Identity, MeterEvent, MeterRatios, Obis, ObjectEntry, ProfileLayout,
    ProfileRow, RegisterReading, Step, Template,
};
use meterwright::scheme::{self, Document};

use crate::line::NOW;

/// The sink.
#[derive(Debug, Default)]
pub struct Sink {
    /// Where a profile is said to end in the store.
    pub last_end: Option<Timestamp>,
    /// How the rows that came are looked at.
    pub look: Option<fn(&[ProfileRow])>,
}

impl ReadSink for Sink {
    fn step(&mut self, step: Step) {
        let _ = step.in_words();
    }
    fn now(&self) -> Timestamp {
        NOW
    }
    fn last_end(&mut self, _profile: Obis) -> Result<Option<Timestamp>, Fault> {
        Ok(self.last_end)
    }
    fn identity(&mut self, _identity: &Identity) -> Result<(), Fault> {
        Ok(())
    }
    fn clock(&mut self, clock: &ClockReading) -> Result<(), Fault> {
        let _ = clock.drift_ms();
        Ok(())
    }
    fn registers(&mut self, readings: &[RegisterReading], _instantaneous: bool) -> Result<(), Fault> {
        for reading in readings {
            let _ = reading.value.text();
        }
        Ok(())
    }
    fn billing(&mut self, sets: &[BillingSet]) -> Result<(), Fault> {
        let _ = format!("{sets:?}");
        Ok(())
    }
    fn profile(&mut self, layout: &ProfileLayout, rows: &[ProfileRow]) -> Result<(), Fault> {
        assert!(rows.iter().all(|row| row.values.len() == layout.channels.len()), "a value for each channel");
        assert!(rows.windows(2).all(|pair| pair[0].end <= pair[1].end), "oldest first");
        if let Some(look) = self.look {
            look(rows);
        }
        Ok(())
    }
    fn events(&mut self, _log: Obis, events: &[MeterEvent]) -> Result<(), Fault> {
        let _ = format!("{events:?}");
        Ok(())
    }
    fn objects(&mut self, objects: &[ObjectEntry]) -> Result<(), Fault> {
        let _ = format!("{objects:?}");
        Ok(())
    }
    fn partial(&mut self, fault: Fault) {
        let _ = fault.to_string();
    }
    fn stood(
        &mut self,
        _before: &[StoodThere],
        scheme: Option<&Document>,
        _again: bool,
    ) -> Result<(), Fault> {
        if let Some(scheme) = scheme {
            let _ = scheme::write(scheme);
        }
        Ok(())
    }
    fn ratios(&mut self, found: &MeterRatios) -> Result<(), Fault> {
        let _ = format!("{found:?}");
        Ok(())
    }
    fn scheme(&mut self, found: &Document, _notes: &[String]) -> Result<(), Fault> {
        let text = scheme::write(found);
        let _ = scheme::check(found, &Template::least(), jiff::civil::date(2026, 11, 22));
        assert_eq!(scheme::read(text.as_bytes()).as_ref(), Ok(found), "a scheme from a meter is read again");
        Ok(())
    }
    fn learnt(&mut self, template: &Template, _remarks: &[Remark]) -> Result<(), Fault> {
        let again =
            Template::parse("again", &written(template)).expect("a template from a meter is read again");
        assert_eq!(&again, template);
        Ok(())
    }
    fn remark(&mut self, _text: String) {}
}
