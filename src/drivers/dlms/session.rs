//! One session with one meter: what is asked, in which lists, and what becomes of the answers.
//!
//! A session first learns what it does not know yet (object list, plate, scalers, columns of profiles), then fetches
//! everything that was asked for in one list: the identity guard, clock, registers and the first window of each
//! profile. Of a meter that is known, the second part is all there is.

use jiff::Timestamp;

use crate::drivers::{MeterAccess, ReadRequest, ReadSink};
use crate::model::{Auth, ClockRule, Fault, Identity, Knowledge, Obis, Step, Template, What};
use crate::protocol::dlms::apdu::Encoded;
use crate::protocol::dlms::table::{Table, unfolded};
use crate::protocol::dlms::{
    Answer, Association, AssociationConfig, AttributeRef, Conformance, CounterStore, Data, DataAccessResult,
    DlmsError,
};
use crate::protocol::link::Link;

use super::faults::{self, EXCEPTION, OTHER_REASON, SENSELESS, TEMPORARY_FAILURE, fault, is_lasting};
use super::timed_link::{StopWatch, TimedLink};
use super::{clock, objects};

/// A message that every meter and every line in between carries.
const SHORT_PDU: u16 = 1024;
/// Sessions after which long messages are tried again.
const SHORT_SESSIONS: u8 = 20;

/// Learns from how a session ended whether the line carries long messages: some meters and converters take the
/// proposal of a large PDU and then fall silent over the first answer that fills it.
pub(super) fn learn_message_size(knowledge: &mut Knowledge, template: &Template, line_failed: bool) {
    knowledge.short_messages = match (line_failed, knowledge.short_messages) {
        (true, 0) if template.association.max_pdu > SHORT_PDU => SHORT_SESSIONS,
        // Short messages fail as well: their length is not the cause.
        (true, _) => 0,
        (false, left) => left.saturating_sub(1),
    };
}

/// Everything that the association must know beforehand.
pub(super) fn association_config(access: &MeterAccess, knowledge: &Knowledge) -> AssociationConfig {
    let MeterAccess { config, template, secrets, client_title } = access;
    let addressing = &template.addressing;
    let usual_client = if config.auth == Auth::None { addressing.public_client } else { addressing.client };
    let mut tuning = template.association.clone();
    if knowledge.short_messages > 0 {
        tuning.max_pdu = tuning.max_pdu.min(SHORT_PDU);
    }
    let mut requests = template.requests.clone();
    requests.list_max = knowledge.list_max.unwrap_or(u16::MAX).min(requests.list_max);
    AssociationConfig {
        client: config.client.unwrap_or(usual_client),
        auth: config.auth,
        security: config.security,
        client_title: *client_title,
        server_title: config.server_title,
        public_client: addressing.public_client,
        tuning,
        requests,
        timing: template.timing.clone(),
        secrets: secrets.clone(),
    }
}

/// For whom knowledge holds: another client or authentication sees other objects, another template reads them
/// otherwise, and so does one that was changed.
pub(super) fn learnt_as(access: &MeterAccess, config: &AssociationConfig) -> String {
    let MeterAccess { template, .. } = access;
    let mark = template.learning_mark();
    format!("client {}, {}, {} {mark:08x}", config.client, config.auth, template.name)
}

/// The rows of a profile: they stay as they came until they are read as a table.
fn is_buffer(attribute: &AttributeRef) -> bool {
    (attribute.class_id, attribute.attribute) == (objects::class::PROFILE, 2)
}

/// Answers to a list, each with its question.
#[derive(Debug, Default)]
pub(super) struct Answers {
    values: Vec<(AttributeRef, Result<Data, DataAccessResult>)>,
    buffers: Vec<(AttributeRef, Result<Encoded, DataAccessResult>)>,
}

impl Answers {
    /// The answer to a question without selective access; nothing where it was not asked.
    pub(super) fn get(
        &self,
        class_id: u16,
        obis: Obis,
        attribute: u8,
    ) -> Option<&Result<Data, DataAccessResult>> {
        let wanted = i8::try_from(attribute).ok()?;
        self.values
            .iter()
            .find(|(asked, _)| {
                (asked.class_id, asked.obis, asked.attribute) == (class_id, obis, wanted)
                    && asked.selective.is_none()
            })
            .map(|(_, answer)| answer)
    }

    /// All values that were given, each with its question.
    pub(super) fn into_values(self) -> impl Iterator<Item = (AttributeRef, Result<Data, DataAccessResult>)> {
        self.values.into_iter()
    }

    /// The answer to a question for rows, taken out.
    pub(super) fn take(&mut self, question: &AttributeRef) -> Option<Result<Encoded, DataAccessResult>> {
        let place = self.buffers.iter().position(|(asked, _)| asked == question)?;
        Some(self.buffers.swap_remove(place).1)
    }

    /// What was given, where it was.
    pub(super) fn data(&self, class_id: u16, obis: Obis, attribute: u8) -> Option<&Data> {
        self.get(class_id, obis, attribute)?.as_ref().ok()
    }
}

/// An open session.
pub(super) struct Session<'s, 'l, L: Link> {
    pub(super) association: Association<'s, TimedLink<'l, L>>,
    pub(super) watch: StopWatch,
    pub(super) access: &'s MeterAccess,
    pub(super) request: &'s ReadRequest,
    pub(super) knowledge: &'s mut Knowledge,
    pub(super) sink: &'s mut dyn ReadSink,
    /// How to read stamps: the template's rule, with the sign that the meter was seen to write.
    pub(super) rule: ClockRule,
    /// The identity was read in this session.
    pub(super) identified: bool,
    /// What was remarked of the deviation's sign in this session.
    pub(super) told_sign: bool,
    /// Objects that were refused for the first time, in words.
    pub(super) newly_refused: Vec<String>,
    /// Objects whose scaler was refused for the first time, in words.
    pub(super) without_scaler: Vec<String>,
}

impl<'s, 'l, L: Link> Session<'s, 'l, L> {
    /// Opens the link and the association.
    ///
    /// # Errors
    /// In words, with whose fault it was.
    pub(super) async fn open(
        link: &'s mut TimedLink<'l, L>,
        access: &'s MeterAccess,
        request: &'s ReadRequest,
        counter: &'s mut dyn CounterStore,
        knowledge: &'s mut Knowledge,
        sink: &'s mut dyn ReadSink,
    ) -> Result<Self, Fault> {
        let rule = clock::rule(&access.config, &access.template)?;
        let config = association_config(access, knowledge);
        let learnt_as = learnt_as(access, &config);
        if knowledge.learnt_as != learnt_as {
            let identity = std::mem::take(&mut knowledge.identity);
            *knowledge = Knowledge { learnt_as, identity, ..Knowledge::default() };
        }
        let rule = if knowledge.sign_looks_inverted { clock::with_other_sign(&rule) } else { rule };
        let watch = link.watch();
        let opened = Association::open(link, &config, counter, &mut |step| sink.step(step)).await;
        let was_let_in = knowledge.identity != Identity::default();
        let association = opened.map_err(|error| {
            // Keys and passwords were right before: the line is to blame sooner than they are.
            let is_doubtful =
                was_let_in && matches!(error, DlmsError::Security(_) | DlmsError::Refused { .. });
            let fault = fault(error);
            if is_doubtful { fault.passing(true) } else { fault }
        })?;
        Ok(Self {
            association,
            watch,
            access,
            request,
            knowledge,
            sink,
            rule,
            identified: false,
            told_sign: false,
            newly_refused: Vec::new(),
            without_scaler: Vec::new(),
        })
    }

    /// Says goodbye.
    pub(super) async fn release(self) {
        self.sink.step(Step::Releasing);
        self.association.release().await;
    }

    pub(super) fn template(&self) -> &'s Template {
        &self.access.template
    }

    pub(super) fn wants(&self, what: What) -> bool {
        self.request.what.contains(&what)
    }

    /// Whether the meter offered something when it associated.
    pub(super) fn offers(&self, bit: Conformance) -> bool {
        self.association.negotiated().conformance & bit.bits() != 0
    }

    /// One attribute, alone. What the meter answers instead of a value is a refusal: an exception as [`EXCEPTION`],
    /// bytes that are no value as [`SENSELESS`], each with a remark.
    ///
    /// # Errors
    /// The session broke off.
    pub(super) async fn ask_one(
        &mut self,
        attribute: &AttributeRef,
    ) -> Result<Result<Data, DataAccessResult>, Fault> {
        let answer = self.association.get(attribute).await;
        self.refusal_of(attribute, answer)
    }

    /// The rows of a profile, alone; refusals as with [`Session::ask_one`].
    ///
    /// # Errors
    /// The session broke off.
    pub(super) async fn ask_rows(
        &mut self,
        attribute: &AttributeRef,
    ) -> Result<Result<Encoded, DataAccessResult>, Fault> {
        let answer = self.association.get_encoded(attribute, &mut |_| {}).await;
        let answer = self.refusal_of(attribute, answer)?;
        Ok(answer.and_then(|buffer| self.checked(attribute, buffer)))
    }

    /// A buffer that reads as a table, with remarks on what of it was put up with.
    fn checked(&mut self, attribute: &AttributeRef, buffer: Encoded) -> Result<Encoded, DataAccessResult> {
        let plain = match unfolded(&buffer.0) {
            Ok(Some(plain)) => Encoded(plain),
            Ok(None) | Err(_) => buffer,
        };
        let (remark, outcome) = match Table::decode(&plain.0) {
            Err(error) => (Some(error.to_string()), Err(SENSELESS)),
            Ok(Some(table)) if table.missing > 0 => {
                (Some(format!("the array promises {} elements more than it holds", table.missing)), Ok(()))
            }
            Ok(Some(table)) if table.used < plain.0.len() => {
                let extra = plain.0.len() - table.used;
                (Some(format!("{extra} bytes follow the value and were ignored")), Ok(()))
            }
            Ok(_) => (None, Ok(())),
        };
        if let Some(remark) = remark {
            self.sink.remark(format!("asked for {attribute}: {remark}"));
        }
        outcome.map(|()| plain)
    }

    fn refusal_of<T>(
        &mut self,
        attribute: &AttributeRef,
        answer: Result<T, DlmsError>,
    ) -> Result<Result<T, DataAccessResult>, Fault> {
        let (error, refusal) = match answer {
            Ok(value) => return Ok(Ok(value)),
            Err(DlmsError::Access { result, .. }) => return Ok(Err(result)),
            Err(error @ DlmsError::Exception(_)) => (error, EXCEPTION),
            Err(error @ DlmsError::Protocol { .. }) => (error, SENSELESS),
            Err(error) => return Err(fault(error).during(&format!("reading {attribute}"))),
        };
        self.sink.remark(format!("asked for {attribute}: {error}"));
        Ok(Err(refusal))
    }

    /// Many attributes in as few exchanges as the meter allows. What was refused before is not asked for; what was
    /// asked for twice is asked once. Answers that a list may have spoilt are asked for alone
    /// (`facts/dlms-quirks.md`, 54).
    ///
    /// # Errors
    /// The session broke off.
    pub(super) async fn ask(&mut self, wanted: Vec<AttributeRef>) -> Result<Answers, Fault> {
        let mut questions: Vec<AttributeRef> = Vec::with_capacity(wanted.len());
        for one in wanted {
            if !self.is_refused(&one) && !questions.contains(&one) {
                questions.push(one);
            }
        }
        if questions.is_empty() {
            return Ok(Answers::default());
        }
        let could_list = !self.association.lists_refused();
        let answers = self.association.get_answers(&questions, is_buffer).await;
        let answers = answers.map_err(|error| fault(error).during("reading a list of attributes"))?;
        if could_list && self.association.lists_refused() {
            // A profile may have been too much for the list; only without one the list itself is to blame.
            let with_profile = questions.iter().any(|one| one.selective.is_some());
            if with_profile && !self.knowledge.profiles_apart {
                self.knowledge.profiles_apart = true;
            } else {
                self.knowledge.list_max = Some(1);
            }
        }
        let was_list = questions.len() > 1;
        let mut sorted = Answers::default();
        for (question, answer) in questions.into_iter().zip(answers) {
            match answer {
                Ok(Answer::Value(value)) => sorted.values.push((question, Ok(value))),
                Ok(Answer::Buffer(buffer)) => {
                    let checked = self.checked(&question, buffer);
                    sorted.buffers.push((question, checked));
                }
                Err(result) if is_buffer(&question) => sorted.buffers.push((question, Err(result))),
                Err(result) => sorted.values.push((question, Err(result))),
            }
        }
        if was_list {
            self.ask_again(&mut sorted.values).await?;
        }
        Ok(sorted)
    }

    /// Asks alone for what a list refused without a lasting reason. Where the first comes out the same, the list was
    /// not to blame and the rest is believed.
    async fn ask_again(
        &mut self,
        answers: &mut [(AttributeRef, Result<Data, DataAccessResult>)],
    ) -> Result<(), Fault> {
        let is_list_offered = self.offers(Conformance::MULTIPLE_REFERENCES);
        let was_list = is_list_offered && !self.association.lists_refused();
        let doubtful = |answer: &Result<Data, DataAccessResult>| {
            answer.as_ref().is_err_and(|result| !is_lasting(*result) && result.0 != TEMPORARY_FAILURE.0)
        };
        if !was_list {
            return Ok(());
        }
        for (question, answer) in answers.iter_mut().filter(|(question, _)| question.selective.is_none()) {
            if doubtful(answer) {
                *answer = self.ask_one(question).await?;
                if answer.is_err() {
                    break;
                }
            }
        }
        Ok(())
    }

    fn is_refused(&self, attribute: &AttributeRef) -> bool {
        let Ok(number) = u8::try_from(attribute.attribute) else { return false };
        attribute.selective.is_none()
            && self.knowledge.refused.contains(&(attribute.class_id, attribute.obis, number))
    }

    /// Keeps in mind that an attribute is not to be had; attribute 0 is the whole object.
    pub(super) fn remember_refusal(
        &mut self,
        (class_id, obis, attribute): (u16, Obis, u8),
        result: DataAccessResult,
        is_worth_a_line: bool,
    ) {
        let refused = (class_id, obis, attribute);
        if !self.knowledge.refused.contains(&refused) {
            self.knowledge.refused.push(refused);
            if is_worth_a_line {
                self.newly_refused.push(format!("{} ({})", obis.short(), faults::words(result)));
            }
        }
    }

    /// Remarks of what the meter did oddly, and of what will not be asked for again.
    pub(super) fn tell_oddities(&mut self) {
        for remark in self.association.take_remarks() {
            self.sink.remark(remark);
        }
        if let Some(names) = a_few(&std::mem::take(&mut self.newly_refused)) {
            self.sink.remark(format!(
                "the meter refuses, and is not asked again for, {names}; reading the object list tries them anew"
            ));
        }
        if let Some(names) = a_few(&std::mem::take(&mut self.without_scaler)) {
            self.sink.remark(format!(
                "the meter gives no scaler and unit for {names}: their figures are bare counts"
            ));
        }
    }

    /// The object list, where something is asked for that is found through it, and it is not known yet.
    ///
    /// # Errors
    /// The session broke off.
    pub(super) async fn read_object_list(&mut self) -> Result<(), Fault> {
        let through_list = |what: &What| !matches!(what, What::Identity | What::Clock);
        let is_needed = self.request.what.iter().any(through_list);
        if !is_needed || !self.knowledge.objects.is_empty() || self.knowledge.object_list_refused {
            return Ok(());
        }
        self.sink.step(Step::Reading(What::Objects));
        let list = AttributeRef::new(objects::class::ASSOCIATION, self.template().association.object, 2);
        let (entries, trouble) = match self.ask_one(&list).await? {
            Ok(data) => {
                let (entries, odd) = objects::object_list(&data);
                if odd > 0 {
                    self.sink.remark(format!("{odd} entries of the object list make no sense"));
                }
                (entries, None)
            }
            Err(result) => (Vec::new(), Some(result)),
        };
        if !entries.is_empty() {
            self.knowledge.objects = entries;
            return Ok(());
        }
        if trouble.is_some_and(|result| result.0 == TEMPORARY_FAILURE.0) {
            return Err(faults::refusal("its object list", TEMPORARY_FAILURE));
        }
        self.knowledge.object_list_refused = true;
        let why = trouble.map_or("it is empty", faults::words);
        if self.wants(What::Objects) {
            self.sink.partial(faults::refusal(
                &format!("its object list ({})", list.obis),
                trouble.unwrap_or(OTHER_REASON),
            ));
        }
        self.sink.remark(format!("no object list ({why}): the usual objects are tried instead"));
        Ok(())
    }

    /// Whether objects are known by trying only.
    pub(super) fn is_guessing(&self) -> bool {
        self.knowledge.objects.is_empty()
    }

    /// Whether the object list allows an attribute to be read.
    pub(super) fn may_read(&self, class_id: u16, obis: Obis, attribute: u8) -> bool {
        let listed = self.knowledge.objects.iter().find(|one| one.class_id == class_id && one.obis == obis);
        listed.is_none_or(|entry| entry.readable(attribute))
    }

    /// Throws away what depends on the meter's firmware and configuration.
    pub(super) fn forget_configuration(&mut self) {
        let knowledge = &mut *self.knowledge;
        *knowledge = Knowledge {
            learnt_as: std::mem::take(&mut knowledge.learnt_as),
            identity: Identity::default(),
            short_messages: knowledge.short_messages,
            sign_looks_inverted: knowledge.sign_looks_inverted,
            ..Knowledge::default()
        };
    }

    pub(super) fn now(&self) -> Timestamp {
        self.sink.now()
    }
}

/// A list for a sentence, not longer than a line or two; nothing where it is empty.
fn a_few(names: &[String]) -> Option<String> {
    const SHOWN: usize = 8;
    let shown = names.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    match names.len() {
        0 => None,
        all if all > SHOWN => Some(format!("{shown} and {} more", all - SHOWN)),
        _ => Some(shown),
    }
}
