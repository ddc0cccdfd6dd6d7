//! Meter families (floor 3): turns "read the load profile of yesterday" into a family's exchanges.

pub mod dlms;
pub mod elster;

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::template::Remark;
use crate::model::{
    Asked, BillingSet, ClockReading, Fault, Identity, MeterConfig, MeterEvent, MeterRatios, MeterSecrets,
    Obis, ObjectEntry, ProfileLayout, ProfileRow, Ratio, RegisterReading, Step, SystemTitle, Template, What,
};
use crate::scheme::Document;

/// What to read from one meter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadRequest {
    /// Which things.
    pub what: BTreeSet<What>,
    /// Start of profiles and logs; `None` goes on where the sink's store ends.
    pub from: Option<Timestamp>,
    /// End of profiles and logs, inclusive; `None` is now.
    pub to: Option<Timestamp>,
}

/// When a scheme that was written takes over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// At once.
    Now,
    /// At this instant, by the meter's own clock.
    At(Timestamp),
    /// Not: it is written to the passive side and left there.
    Never,
}

/// How to put a meter's clock right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockOrder {
    /// Set or adjust.
    pub way: ClockWay,
    /// Also where that crosses the end of an interval of a load profile, which then comes out short or long.
    pub across_interval: bool,
}

/// Set or adjust.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockWay {
    /// Write the time.
    Set,
    /// As gently as the meter can: by the method that the template names, else as `Set`.
    Adjust,
}

/// Something that a meter is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// End the billing period.
    BillingReset,
    /// Move the contactor.
    Contactor(Contactor),
}

/// What a contactor is to do (COSEM class 70).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contactor {
    /// Disconnect the premises.
    Open,
    /// Let somebody at the meter reconnect the premises.
    Arm,
    /// Reconnect the premises.
    Close,
}

/// What to do with the transformer ratios that a meter itself holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RatioOrder {
    /// Read them.
    Read,
    /// Write them, and read them back.
    Write {
        /// Current.
        ct: Ratio,
        /// Voltage.
        vt: Ratio,
    },
}

/// One attribute as it stood in a meter before anything was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoodThere {
    /// COSEM class.
    pub class_id: u16,
    /// Logical name.
    pub obis: Obis,
    /// Attribute.
    pub attribute: i8,
    /// The value in A-XDR, as hexadecimal digits.
    pub value: String,
}

/// A scheme that lends ids, titles and all that no meter can say, to one that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reference<'a> {
    /// None: ids are made up.
    None,
    /// Whatever stands in the meter.
    Given(&'a Document),
    /// Where the meter's calendar bears its name.
    IfNamed(&'a Document),
}

/// One meter and all that is needed to be let in.
#[derive(Clone, Debug)]
pub struct MeterAccess {
    /// What a person entered.
    pub config: MeterConfig,
    /// Its template.
    pub template: Template,
    /// Its secrets.
    pub secrets: MeterSecrets,
    /// Our system title towards it.
    pub client_title: SystemTitle,
}

/// Takes what a driver reads, as soon as it is whole: what was handed over is stored even if the session breaks off
/// in the next moment. An error from the sink ends the session.
pub trait ReadSink {
    /// The session does this now.
    fn step(&mut self, step: Step);
    /// The instant, for stamps of readings and for requests that end "now".
    fn now(&self) -> Timestamp;
    /// End of the last interval (or event) that is stored of a profile or log and is not in the future; nothing where
    /// there is none.
    fn last_end(&mut self, profile: Obis) -> Result<Option<Timestamp>, Fault>;
    /// What is missing of a profile before its last end and may still be had: stretches by the ends of the intervals
    /// around them, oldest first.
    fn gaps(&mut self, _profile: Obis) -> Result<Vec<(Timestamp, Timestamp)>, Fault> {
        Ok(Vec::new())
    }
    /// The meter gave all that it has of these stretches of a profile.
    fn asked(&mut self, _profile: Obis, _stretches: &[Asked]) -> Result<(), Fault> {
        Ok(())
    }
    /// Plate data.
    fn identity(&mut self, identity: &Identity) -> Result<(), Fault>;
    /// The clock.
    fn clock(&mut self, clock: &ClockReading) -> Result<(), Fault>;
    /// Registers; `instantaneous` tells which list they belong to.
    fn registers(&mut self, readings: &[RegisterReading], instantaneous: bool) -> Result<(), Fault>;
    /// Closed billing periods.
    fn billing(&mut self, sets: &[BillingSet]) -> Result<(), Fault>;
    /// Rows of a load or instrumentation profile, oldest first.
    fn profile(&mut self, layout: &ProfileLayout, rows: &[ProfileRow]) -> Result<(), Fault>;
    /// Entries of a log, oldest first.
    fn events(&mut self, log: Obis, events: &[MeterEvent]) -> Result<(), Fault>;
    /// The association's object list.
    fn objects(&mut self, objects: &[ObjectEntry]) -> Result<(), Fault>;
    /// Something asked for could not be had although the session goes on; the read counts as failed at its end.
    fn partial(&mut self, fault: Fault);
    /// What stood in the meter before a scheme is written, to be kept before the first write, with the scheme that it
    /// makes, where a scheme can say all of it; `again` where that is the scheme to be written. An error ends the session with the meter untouched.
    fn stood(
        &mut self,
        _before: &[StoodThere],
        _scheme: Option<&Document>,
        _again: bool,
    ) -> Result<(), Fault> {
        Ok(())
    }
    /// Something was written to the meter, or a method invoked: what, in words, for the audit chain.
    fn wrote(&mut self, _what: &str) -> Result<(), Fault> {
        Ok(())
    }
    /// The transformer ratios that the meter holds.
    fn ratios(&mut self, _found: &MeterRatios) -> Result<(), Fault> {
        Ok(())
    }
    /// What was done, in words, for the session's result.
    fn outcome(&mut self, _words: String) {}
    /// The scheme that a meter holds, and what of it no scheme can say or no meter can tell.
    fn scheme(&mut self, _found: &Document, _notes: &[String]) -> Result<(), Fault> {
        Ok(())
    }
    /// A template that was learnt from the meter, with remarks.
    fn learnt(&mut self, _template: &Template, _remarks: &[Remark]) -> Result<(), Fault> {
        Ok(())
    }
    /// Something worth a line in the history, no failure: trailing bytes, a lower counter, an inverted sign.
    fn remark(&mut self, text: String);
}
