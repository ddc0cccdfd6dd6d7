//! One request and its answer: numbering, protection, notifications in between.

use std::collections::VecDeque;
use std::fmt::Display;
use std::time::Duration;

use crate::model::template::{CipheringForm, Release as ReleaseTuning};
use crate::protocol::link::{Link, LinkError};

use super::super::apdu::{
    ActionRequest, Apdu, Ciphered, Encoded, ExceptionResponse, InitiateRequest, InvokeId, Release,
    ServiceKey, tag,
};
use super::super::data::{Data, DataError};
use super::super::security::{CipherContext, Envelope, SecurityError};
use super::{AssociationConfig, CounterStore, DlmsError, Notification};

/// APDUs that may come between a request and its answer before the meter is given up.
const STRAYS_MAX: usize = 64;
/// Notifications kept for whoever asks for them; the oldest go first.
const NOTIFICATIONS_MAX: usize = 256;
/// Remarks kept.
const REMARKS_MAX: usize = 64;

/// Class of association objects.
const ASSOCIATION_CLASS: u16 = 15;
/// Their method that takes our answer to the challenge.
const REPLY_TO_HLS: i8 = 1;

/// What the last exception said of the invocation counter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Doubt {
    /// Nothing.
    #[default]
    None,
    /// It, or the key, is not what the meter expects.
    Suspect,
    /// The meter expects this one.
    Expected(u32),
}

/// Ciphering of an association.
pub(super) struct Cipher {
    pub(super) context: CipherContext,
    pub(super) form: CipheringForm,
    pub(super) omit_title: bool,
    /// The dedicated key counts from nought in every association.
    pub(super) dedicated_counter: u32,
    /// A counter that the next APDU shares with the proof before it.
    pub(super) reserved: Option<u32>,
}

/// Everything of a session that is not borrowed.
pub(super) struct State {
    pub(super) wait: Duration,
    pub(super) retries: u32,
    pub(super) cipher: Option<Cipher>,
    /// Largest APDU that the meter takes, in bytes.
    pub(super) server_max_pdu: Option<usize>,
    /// Window of general block transfer, where negotiated.
    pub(super) block_window: Option<u8>,
    /// Number of the general block that we sent last in this exchange.
    pub(super) block_number: u16,
    /// Number of the general block that the meter sent last in this exchange.
    pub(super) peer_block_number: u16,
    /// Received ahead of its turn.
    pub(super) pending: Option<Vec<u8>>,
    pub(super) notifications: VecDeque<Notification>,
    pub(super) remarks: Vec<String>,
    pub(super) doubt: Doubt,
    pub(super) last_counter: Option<u32>,
    /// An answer came out of its envelope whole: the keys are right.
    keys_proven: bool,
    /// Why the last message was dropped, over a way that doubles and overtakes.
    dropped: Option<String>,
    invoke: u8,
}

impl State {
    pub(super) fn new(config: &AssociationConfig, cipher: Option<Cipher>) -> Self {
        Self {
            wait: Duration::from_millis(config.timing.response_ms.into()),
            retries: config.timing.frame_retries,
            cipher,
            server_max_pdu: None,
            block_window: None,
            block_number: 0,
            peer_block_number: 0,
            pending: None,
            notifications: VecDeque::new(),
            remarks: Vec::new(),
            doubt: Doubt::None,
            last_counter: None,
            keys_proven: false,
            dropped: None,
            invoke: 0,
        }
    }

    /// Keeps an oddity, once.
    pub(super) fn remark(&mut self, text: impl Into<String>) {
        let text = text.into();
        if self.remarks.len() < REMARKS_MAX && !self.remarks.contains(&text) {
            self.remarks.push(text);
        }
    }

    fn put_aside(&mut self, notification: Notification) {
        if self.notifications.len() == NOTIFICATIONS_MAX {
            self.notifications.pop_front();
            self.remark("notifications came faster than they were taken; the oldest were dropped");
        }
        self.notifications.push_back(notification);
    }

    /// The number of the next request.
    pub(super) const fn next_invoke(&mut self) -> InvokeId {
        self.invoke = (self.invoke + 1) & 0x0F;
        InvokeId::confirmed(self.invoke)
    }

    /// Bytes that a plain APDU may have to reach the meter in one piece.
    pub(super) fn room(&self) -> usize {
        let overhead = self.cipher.as_ref().map_or(0, |cipher| CipherContext::overhead(cipher.form));
        self.server_max_pdu.map_or(usize::MAX, |max| max.saturating_sub(overhead))
    }

    /// The value, a short array and bytes behind it put up with.
    pub(super) fn value(&mut self, encoded: &Encoded, what: &dyn Display) -> Result<Data, DlmsError> {
        let lenient = encoded.decode_lenient().map_err(|error| senseless(what, &error, &encoded.0))?;
        if lenient.missing > 0 {
            self.remark(format!(
                "{what}: the array promises {} elements more than it holds",
                lenient.missing
            ));
        }
        if lenient.used < encoded.0.len() {
            let extra = encoded.0.len() - lenient.used;
            self.remark(format!("{what}: {extra} bytes follow the value and were ignored"));
        }
        Ok(lenient.value)
    }
}

/// The meter's bytes make no sense.
pub(super) fn senseless(what: &dyn Display, error: &DataError, raw: &[u8]) -> DlmsError {
    DlmsError::Protocol { reason: format!("{what}: {error}"), raw: raw.to_vec() }
}

/// The meter's bytes are well formed and not what was asked for.
pub(super) fn unexpected(what: &dyn Display, reason: &str, apdu: &Apdu) -> DlmsError {
    DlmsError::Protocol { reason: format!("{what}: {reason}"), raw: apdu.encode() }
}

pub(super) struct Session<'a, L: Link> {
    pub(super) link: &'a mut L,
    pub(super) counters: &'a mut dyn CounterStore,
    pub(super) state: State,
}

impl<L: Link> Session<'_, L> {
    /// A counter that no APDU had before.
    pub(super) fn fresh_counter(&mut self) -> Result<u32, DlmsError> {
        let counter = self.counters.next()?;
        self.state.last_counter = Some(counter);
        Ok(counter)
    }

    /// Puts a plain APDU into its envelope where the association is ciphered.
    pub(super) fn protect(&mut self, plain: &[u8], key: ServiceKey) -> Result<Vec<u8>, DlmsError> {
        let counter = match &mut self.state.cipher {
            None => return Ok(plain.to_vec()),
            Some(cipher) if key == ServiceKey::Dedicated => {
                let counter = cipher.dedicated_counter;
                cipher.dedicated_counter = counter.saturating_add(1);
                counter
            }
            Some(cipher) => match cipher.reserved.take() {
                Some(counter) => counter,
                None => self.fresh_counter()?,
            },
        };
        let Some(cipher) = &self.state.cipher else { return Ok(plain.to_vec()) };
        let envelope = Envelope { key, form: cipher.form, omit_title: cipher.omit_title };
        Ok(cipher.context.protect(plain, counter, envelope)?)
    }

    /// Sends a plain APDU, protected, in general blocks where it is too long for the meter.
    pub(super) async fn send(&mut self, plain: &[u8]) -> Result<(), DlmsError> {
        let dedicated = self.state.cipher.as_ref().is_some_and(|cipher| cipher.context.dedicated.is_some());
        let key = if dedicated { ServiceKey::Dedicated } else { ServiceKey::Global };
        let bytes = self.protect(plain, key)?;
        self.state.pending = None;
        self.state.block_number = 0;
        self.state.peer_block_number = 0;
        match (self.state.server_max_pdu, self.state.block_window) {
            (Some(max), Some(window)) if bytes.len() > max => self.send_blocks(&bytes, max, window).await,
            _ => Ok(self.link.send(&bytes).await?),
        }
    }

    /// The next APDU that is no notification, out of its envelope.
    pub(super) async fn receive(&mut self) -> Result<Vec<u8>, DlmsError> {
        for _ in 0..STRAYS_MAX {
            let bytes = match self.state.pending.take() {
                Some(bytes) => bytes,
                None => self.link.receive(self.state.wait).await?,
            };
            let whole = if bytes.first() == Some(&tag::GENERAL_BLOCK_TRANSFER) {
                self.gather(&bytes).await?
            } else {
                bytes
            };
            match self.state.unwrap(whole) {
                Ok(Some(plain)) => return Ok(plain),
                Ok(None) => {}
                // Over a way that doubles and overtakes, an answer that came late is no attack and no failure.
                Err(DlmsError::Link(LinkError::Garbled(words)) | DlmsError::Security(words))
                    if self.link.resends() > 0 =>
                {
                    self.state.remark(format!("a message was dropped: {words}"));
                    self.state.dropped = Some(words);
                }
                Err(error) => return Err(error),
            }
        }
        let reason = format!("{STRAYS_MAX} messages came and none was an answer");
        Err(DlmsError::Protocol { reason, raw: Vec::new() })
    }

    /// Sends a request and gives its answer. Answers to other requests are dropped. Where the way may lose messages,
    /// a request that changes nothing is asked again, in a new envelope: the meter takes no counter twice.
    pub(super) async fn request(
        &mut self,
        apdu: &Apdu,
        invoke: InvokeId,
        what: &dyn Display,
    ) -> Result<Apdu, DlmsError> {
        let plain = apdu.encode();
        let mut resends = if changes_nothing(apdu) { self.link.resends() } else { 0 };
        let mut is_raised = false;
        loop {
            self.send(&plain).await?;
            match self.answer(invoke, what).await {
                Err(DlmsError::Link(LinkError::Timeout { .. })) if resends > 0 => resends -= 1,
                Err(_) if !is_raised && self.state.raise_dedicated() => is_raised = true,
                answer => return answer.map_err(|error| self.state.behind_silence(error)),
            }
        }
    }

    /// The answer to the request with this number.
    pub(super) async fn answer(&mut self, invoke: InvokeId, what: &dyn Display) -> Result<Apdu, DlmsError> {
        for _ in 0..STRAYS_MAX {
            let bytes = self.receive().await.map_err(|error| asked_for(error, what))?;
            let (apdu, used) = Apdu::decode(&bytes).map_err(|error| senseless(what, &error, &bytes))?;
            let found = match &apdu {
                Apdu::GetResponse(response) => response.invoke(),
                Apdu::SetResponse(response) => response.invoke(),
                Apdu::ActionResponse(response) => response.invoke(),
                Apdu::ExceptionResponse(exception) => return Err(self.state.refused(exception, what)),
                Apdu::ConfirmedServiceError(error) => {
                    return Err(DlmsError::Exception(format!("{what}: {error}")));
                }
                _ if self.link.resends() > 0 => {
                    self.state.remark("a second answer to an earlier request was dropped");
                    continue;
                }
                _ => return Err(unexpected(what, "another kind of APDU came", &apdu)),
            };
            if found.number() == invoke.number() {
                if used < bytes.len() {
                    let extra = bytes.len() - used;
                    self.state.remark(format!("{what}: {extra} bytes follow the answer and were ignored"));
                }
                return Ok(apdu);
            }
            self.state.remark(format!(
                "an answer to request {} came while {} was waited for, and was dropped",
                found.number(),
                invoke.number()
            ));
        }
        let reason = format!("{what}: {STRAYS_MAX} answers came and none was to this request");
        Err(DlmsError::Protocol { reason, raw: Vec::new() })
    }

    /// Says goodbye and closes the link, whatever the meter makes of it.
    pub(super) async fn release(&mut self, config: &AssociationConfig) {
        if config.tuning.release == ReleaseTuning::Request && !config.tuning.pre_established {
            // Nothing hangs on the answer: a meter may not know this service, or frame it wrongly.
            let _ = self.say_goodbye(config).await;
        }
        self.link.disconnect().await;
    }

    async fn say_goodbye(&mut self, config: &AssociationConfig) -> Result<(), DlmsError> {
        let user_information = if self.state.cipher.is_some() {
            let initiate = Apdu::InitiateRequest(InitiateRequest {
                dedicated_key: None,
                response_allowed: true,
                quality: None,
                dlms_version: 6,
                conformance: config.proposal(),
                max_pdu: config.tuning.max_pdu,
            });
            Some(self.protect(&initiate.encode(), ServiceKey::Global)?)
        } else {
            None
        };
        let apdu = Apdu::Rlrq(Release { reason: Some(0), user_information });
        self.link.send(&apdu.encode()).await?;
        self.link.receive(Duration::from_millis(config.timing.release_ms.into())).await?;
        Ok(())
    }
}

impl State {
    /// Some meters keep one row of counters for both keys: where such a one names the counter that it expects under
    /// the dedicated key, that row goes on from there.
    fn raise_dedicated(&mut self) -> bool {
        let (Doubt::Expected(expected), Some(cipher)) = (self.doubt, &mut self.cipher) else { return false };
        if cipher.context.dedicated.is_none() || expected < cipher.dedicated_counter {
            return false;
        }
        cipher.dedicated_counter = expected;
        self.doubt = Doubt::None;
        self.remark("the meter counts the dedicated key's invocations together with the global key's");
        true
    }

    /// An exception as an error; keeps what it says of the counter.
    pub(super) fn refused(&mut self, exception: &ExceptionResponse, what: &dyn Display) -> DlmsError {
        self.doubt = match (exception.service, exception.counter) {
            (ExceptionResponse::COUNTER_ERROR, Some(counter)) => Doubt::Expected(counter),
            (ExceptionResponse::COUNTER_ERROR | ExceptionResponse::DECIPHERING_ERROR, _) => Doubt::Suspect,
            _ => Doubt::None,
        };
        if exception.service == ExceptionResponse::DECIPHERING_ERROR {
            return DlmsError::Undeciphered(format!("{what}: {exception}"));
        }
        DlmsError::Exception(format!("{what}: {exception}"))
    }

    /// Takes an APDU out of its envelope; nothing where it is a notification, which is put aside.
    pub(super) fn unwrap(&mut self, bytes: Vec<u8>) -> Result<Option<Vec<u8>>, DlmsError> {
        let first = bytes.first().copied().unwrap_or_default();
        let plain = if Ciphered::knows(first) {
            self.decipher(&bytes)?
        } else {
            let allowed = [tag::AARE, tag::RLRE, tag::EXCEPTION_RESPONSE, tag::CONFIRMED_SERVICE_ERROR];
            let notification = [tag::DATA_NOTIFICATION, tag::EVENT_NOTIFICATION].contains(&first);
            if self.cipher.is_some() && !notification && !allowed.contains(&first) {
                return Err(DlmsError::Security(
                    "the meter answered in the clear in a ciphered association".to_owned(),
                ));
            }
            if self.cipher.is_some() && notification {
                self.remark("a notification came in the clear in a ciphered association");
            }
            bytes
        };
        match plain.first() {
            Some(&(tag::DATA_NOTIFICATION | tag::EVENT_NOTIFICATION)) => {
                self.notified(&plain);
                Ok(None)
            }
            _ => Ok(Some(plain)),
        }
    }

    fn notified(&mut self, plain: &[u8]) {
        match Apdu::decode(plain) {
            Ok((Apdu::DataNotification(told), _)) => self.put_aside(Notification::Data(told)),
            Ok((Apdu::EventNotification(told), _)) => self.put_aside(Notification::Event(told)),
            Ok(_) => {}
            Err(error) => self.remark(format!("a notification makes no sense: {error}")),
        }
    }

    fn decipher(&mut self, bytes: &[u8]) -> Result<Vec<u8>, DlmsError> {
        let what = "a ciphered answer";
        let (apdu, _) = Apdu::decode(bytes).map_err(|error| senseless(&what, &error, bytes))?;
        match (&mut self.cipher, &apdu) {
            (Some(cipher), Apdu::Ciphered(ciphered)) => match cipher.context.unprotect(ciphered) {
                Ok(plain) => {
                    self.keys_proven = true;
                    self.dropped = None;
                    Ok(plain)
                }
                Err(SecurityError::Tag | SecurityError::Short) if self.keys_proven => {
                    let words = "a ciphered answer was altered on its way".to_owned();
                    Err(LinkError::Garbled(words).into())
                }
                Err(error) => Err(error.into()),
            },
            _ => Err(DlmsError::Security(
                "the meter answered ciphered in an association that is not: check the security setting"
                    .to_owned(),
            )),
        }
    }
}

impl State {
    /// Where nothing came but what had to be dropped, that is the reason.
    pub(super) fn behind_silence(&mut self, error: DlmsError) -> DlmsError {
        match (self.dropped.take(), error) {
            (Some(words), DlmsError::Link(LinkError::Timeout { .. })) => DlmsError::Security(words),
            (_, error) => error,
        }
    }
}

/// The same error with what was asked for, where it does not say so itself.
fn asked_for(error: DlmsError, what: &dyn Display) -> DlmsError {
    match error {
        DlmsError::Security(text) => DlmsError::Security(format!("{text} ({what})")),
        DlmsError::Protocol { reason, raw } => {
            DlmsError::Protocol { reason: format!("{reason} ({what})"), raw }
        }
        other => other,
    }
}

/// Whether a meter that gets a request twice is where it was after the first: everything that reads, and the proof of
/// who we are. What writes is never sent twice: whether it arrived is seen by reading.
fn changes_nothing(apdu: &Apdu) -> bool {
    match apdu {
        Apdu::GetRequest(_) => true,
        Apdu::ActionRequest(ActionRequest::Normal { method, .. }) => {
            (method.class_id, method.method) == (ASSOCIATION_CLASS, REPLY_TO_HLS)
        }
        _ => false,
    }
}

/// Whether the link may have failed because the meter did not like the counter.
pub(super) const fn is_silence(error: &DlmsError) -> bool {
    matches!(error, DlmsError::Link(LinkError::Timeout { .. } | LinkError::Closed))
}
