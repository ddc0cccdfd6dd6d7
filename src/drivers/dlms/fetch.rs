//! Everything that was asked for, in one list: identity guard, clock, registers, first windows of profiles.

use crate::model::{Fault, Identity, LinePath, MeterStamp, Obis, RegisterReading, Step, What};
use crate::protocol::dlms::{AttributeRef, Conformance, Data, DataAccessResult};
use crate::protocol::link::Link;

use super::clock::{self, Sign};
use super::faults::{self, TEMPORARY_FAILURE, is_lasting};
use super::identity::{self, CONFIGURATION, DATA, PlateObject};
use super::learn::{PROFILES, REGISTERS};
use super::objects::{self, Named, class};
use super::profile::ProfileJob;
use super::registers::{Maker, attributes, is_value};
use super::session::{Answers, Session};
use super::values::in_words;

/// Rows above which a profile is left out of the list and read by itself: a cut would cost the whole list.
const ROWS_IN_LIST: u64 = 2000;
/// Rows above which, on a serial line, the clock is asked for ahead of the list: there the answer comes as one long
/// message, whose end is no measure of the clock.
const ROWS_BEFORE_CLOCK: u64 = 100;

/// Whether what was learnt of the meter still held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fetched {
    /// Everything was handed over.
    Done,
    /// The meter's firmware or configuration is another one: nothing was handed over, learn first.
    Changed,
}

impl<L: Link> Session<'_, '_, L> {
    /// Reads what was asked for.
    ///
    /// # Errors
    /// The session broke off, another meter answered, or the sink failed.
    pub(super) async fn fetch(&mut self) -> Result<Fetched, Fault> {
        self.tell_steps();
        let plate = self.plate_to_ask();
        let mut wanted = self.plate_attributes(&plate);
        if !self.identified {
            wanted.extend(self.configuration_attribute());
        }
        let registers = self.registers_to_ask();
        wanted.extend(registers.iter().flat_map(|(_, object)| self.register_attributes(*object)));
        let jobs = self.profile_jobs().await?;
        let clock_obis = objects::clock(self.knowledge, self.template());
        let clock = AttributeRef::new(class::CLOCK, clock_obis, 2);
        // The clock costs a few octets of a list and shows whether the stamps of profiles can be believed.
        if self.wants(What::Clock) || !jobs.is_empty() {
            if self.is_clock_apart(&jobs) {
                self.watch.start();
                let answers = self.ask(vec![clock]).await?;
                self.take_clock(clock_obis, &answers)?;
            } else {
                wanted.insert(0, clock);
            }
        }
        let in_list = self.add_profiles(&jobs, &mut wanted);
        self.watch.start();
        let mut answers = self.ask(wanted).await?;

        if self.check_identity(&plate, &answers)? == Fetched::Changed {
            return Ok(Fetched::Changed);
        }
        let asked_with = self.rule.sign;
        self.take_clock(clock_obis, &answers)?;
        self.take_registers(&registers, &answers)?;
        for (place, job) in jobs.into_iter().enumerate() {
            let first = in_list.get(place).and_then(|asked| answers.take(asked.as_ref()?));
            // Limits that were written with the wrong sign asked for the wrong hours.
            let first = first.filter(|_| self.rule.sign == asked_with);
            self.read_profile(job, first).await?;
        }
        Ok(Fetched::Done)
    }

    fn tell_steps(&mut self) {
        let told = [What::Identity, What::Clock, What::Registers, What::Instantaneous];
        for what in told.into_iter().filter(|what| self.request.what.contains(what)) {
            self.sink.step(Step::Reading(what));
        }
    }

    fn plate_to_ask(&self) -> Vec<PlateObject> {
        if self.identified {
            Vec::new()
        } else if self.wants(What::Identity) {
            identity::plate_objects(self.knowledge, self.template())
        } else {
            identity::guard_objects(self.knowledge, self.template())
        }
    }

    fn registers_to_ask(&mut self) -> Vec<(What, Named)> {
        let mut all = Vec::new();
        for what in REGISTERS.into_iter().filter(|what| self.request.what.contains(what)) {
            let found = objects::of_kind(what, self.knowledge, self.template());
            if found.is_empty() {
                self.tell_absence(what);
            }
            let readable = found.into_iter().filter(|(class_id, obis)| self.may_read(*class_id, *obis, 2));
            all.extend(readable.map(|object| (what, object)));
        }
        all
    }

    fn register_attributes(&self, (class_id, obis): Named) -> Vec<AttributeRef> {
        let readable = attributes(class_id).iter().filter(|number| self.may_read(class_id, obis, **number));
        readable
            .filter_map(|number| i8::try_from(*number).ok())
            .map(|number| AttributeRef::new(class_id, obis, number))
            .collect()
    }

    /// What a meter does not have at all is a failure where everybody counts on it.
    fn tell_absence(&mut self, what: What) {
        let text = format!("the meter shows no object that holds {}", what.in_words());
        if matches!(what, What::Registers | What::Profile) {
            let advice = "another client address or authentication may see more objects";
            self.sink.partial(Fault::meter(text, advice));
        } else {
            self.sink.remark(text);
        }
    }

    async fn profile_jobs(&mut self) -> Result<Vec<ProfileJob>, Fault> {
        let mut jobs = Vec::new();
        for what in PROFILES.into_iter().filter(|what| self.request.what.contains(what)) {
            let found = objects::of_kind(what, self.knowledge, self.template());
            if found.is_empty() {
                self.tell_absence(what);
            }
            for (_, obis) in found {
                if let Some(columns) = self.knowledge.profiles.get(&obis).cloned() {
                    jobs.extend(self.profile_job(what, columns)?);
                } else if self.knowledge.refused.contains(&(class::PROFILE, obis, 3)) {
                    self.tell_refused_profile(obis);
                }
            }
        }
        self.learn_oldest(&mut jobs).await?;
        Ok(jobs)
    }

    fn tell_refused_profile(&mut self, obis: Obis) {
        let is_news = self.newly_refused.iter().any(|text| text.starts_with(&obis.short()));
        if !is_news {
            self.sink.partial(Fault::meter(
                format!("the meter refused the columns of the profile {obis} when they were first asked for"),
                "read the object list to try it anew, or use an association with more rights",
            ));
        }
    }

    fn is_clock_apart(&self, jobs: &[ProfileJob]) -> bool {
        let path = &self.access.config.line.path;
        let is_serial = !matches!(path, LinePath::Tcp(_) | LinePath::Udp(_));
        is_serial && jobs.iter().filter_map(ProfileJob::rows_in_first_window).sum::<u64>() > ROWS_BEFORE_CLOCK
    }

    /// Puts the first request of profiles into the list; gives those that went there, one place a job.
    fn add_profiles(&self, jobs: &[ProfileJob], wanted: &mut Vec<AttributeRef>) -> Vec<Option<AttributeRef>> {
        let is_list_offered = self.offers(Conformance::MULTIPLE_REFERENCES);
        let mut rows = 0;
        let mut asked = Vec::new();
        for job in jobs {
            let expected = job.rows_in_first_window().unwrap_or(100);
            let fits = rows == 0 || rows + expected <= ROWS_IN_LIST;
            let request = self
                .first_request(job)
                .filter(|_| fits && (wanted.is_empty() || is_list_offered && !self.knowledge.profiles_apart));
            if let Some(request) = &request {
                rows += expected;
                wanted.push(request.clone());
            }
            asked.push(request);
        }
        asked
    }

    fn check_identity(&mut self, plate: &[PlateObject], answers: &Answers) -> Result<Fetched, Fault> {
        if self.identified {
            return Ok(Fetched::Done);
        }
        let mut now = Identity::default();
        for one in plate {
            if let Some(data) = answers.data(DATA, one.obis, 2) {
                identity::fill(&mut now, &one.role, data);
            }
        }
        let before = self.knowledge.identity.clone();
        identity::check(self.access.config.serial.as_deref(), &before, &now)?;
        let configuration = answers.data(DATA, CONFIGURATION, 2).map(in_words);
        let differs = |before: &Option<String>, now: &Option<String>| now.is_some() && before != now;
        let what_changed = if differs(&before.serial, &now.serial) {
            Some("it is another meter, whose serial number was entered")
        } else if differs(&before.firmware, &now.firmware) {
            Some("its firmware changed")
        } else if differs(&self.knowledge.configuration, &configuration) {
            Some("its configuration changed")
        } else {
            None
        };
        if let Some(what) = what_changed {
            self.sink.remark(format!("{what}: objects, scalers and columns are read anew"));
            self.forget_configuration();
            return Ok(Fetched::Changed);
        }
        if self.wants(What::Identity) {
            self.take_identity(plate, answers)?;
        }
        Ok(Fetched::Done)
    }

    /// Judges the clock, and hands it over where it was asked for.
    fn take_clock(&mut self, obis: Obis, answers: &Answers) -> Result<(), Fault> {
        let answer = match answers.get(class::CLOCK, obis, 2) {
            None => return Ok(()),
            Some(Ok(data)) => clock::stamp(data),
            Some(Err(result)) => {
                if self.wants(What::Clock) {
                    self.sink.partial(faults::refusal(&format!("its clock ({obis})"), *result));
                }
                return Ok(());
            }
        };
        let Some(stamp) = answer else {
            if self.wants(What::Clock) {
                self.sink.partial(Fault::meter(
                    format!("the clock ({obis}) shows no time: its fields are not specified"),
                    "set the meter's clock",
                ));
            }
            return Ok(());
        };
        self.judge_sign(&stamp);
        if self.wants(What::Clock) {
            let (now, inverted) = (self.now(), self.knowledge.sign_looks_inverted);
            match clock::reading(&self.rule, stamp, now, self.watch.middle(), inverted) {
                Ok(reading) => self.sink.clock(&reading)?,
                Err(fault) => self.sink.partial(fault),
            }
        }
        Ok(())
    }

    /// Takes the deviation's sign as the meter writes it: stamps that are a whole deviation off would put every
    /// interval into the wrong hour. Says so when it first shows, and each time that the clock is asked for.
    pub(super) fn judge_sign(&mut self, stamp: &MeterStamp) {
        let Ok(template_rule) = clock::rule(&self.access.config, self.template()) else { return };
        let was_inverted = self.knowledge.sign_looks_inverted;
        match clock::judge_sign(&template_rule, stamp, self.now()) {
            Sign::Unknown => return,
            Sign::Confirmed => self.knowledge.sign_looks_inverted = false,
            Sign::Inverted => self.knowledge.sign_looks_inverted = true,
        }
        let is_inverted = self.knowledge.sign_looks_inverted;
        self.rule = if is_inverted { clock::with_other_sign(&template_rule) } else { template_rule };
        if is_inverted && !self.told_sign && (!was_inverted || self.wants(What::Clock)) {
            self.told_sign = true;
            self.sink.remark(format!(
                "the meter writes its deviation ({} minutes) with the other sign than its template says: only so \
                 its clock agrees with this computer's, and its stamps are read so",
                stamp.deviation_minutes.unwrap_or_default()
            ));
        } else if was_inverted && !is_inverted {
            self.sink.remark("the meter writes its deviation as its template says again".to_owned());
        }
    }

    fn take_registers(&mut self, registers: &[(What, Named)], answers: &Answers) -> Result<(), Fault> {
        for what in REGISTERS {
            let asked: Vec<Named> =
                registers.iter().filter(|(one, _)| *one == what).map(|(_, object)| *object).collect();
            if asked.is_empty() {
                continue;
            }
            let mut readings: Vec<RegisterReading> = Vec::new();
            for (class_id, obis) in &asked {
                let given: Vec<(u8, &Data)> = attributes(*class_id)
                    .iter()
                    .filter_map(|number| Some((*number, answers.data(*class_id, *obis, *number)?)))
                    .collect();
                readings.extend(self.maker().readings((*class_id, *obis), &given));
                for number in attributes(*class_id) {
                    if let Some(Err(result)) = answers.get(*class_id, *obis, *number) {
                        self.register_refused((*class_id, *obis, *number), *result);
                    }
                }
            }
            if readings.is_empty() {
                self.sink.partial(Fault::meter(
                    format!("the meter refused {}, each of {}", what.in_words(), asked.len()),
                    "another client address or authentication may have the right to read them",
                ));
            } else {
                self.sink.registers(&readings, what == What::Instantaneous)?;
            }
        }
        Ok(())
    }

    /// A refusal for good is remembered, with a remark; what may pass is a failure of this read. "Hardware fault" and
    /// "other reason" are for good where the object never answered at all.
    fn register_refused(&mut self, attribute: (u16, Obis, u8), result: DataAccessResult) {
        let (class_id, obis, number) = attribute;
        let has_answered = self.knowledge.scalers.contains_key(&obis);
        let is_side_dish = !is_value(class_id, number);
        if is_lasting(result) || result.0 != TEMPORARY_FAILURE.0 && (is_side_dish || !has_answered) {
            self.remember_refusal(attribute, result, !is_side_dish);
        } else if !is_side_dish {
            self.sink.partial(faults::refusal(&format!("the register {obis}"), result));
        }
    }

    pub(super) fn maker(&self) -> Maker<'_> {
        Maker {
            knowledge: self.knowledge,
            template: &self.access.template,
            rule: &self.rule,
            side: self.access.config.registers_in,
            read_at: self.now(),
        }
    }
}
