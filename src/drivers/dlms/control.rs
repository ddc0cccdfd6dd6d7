//! Ending a billing period (class 9) and moving the contactor (class 70).
//!
//! Both read first what stands there, say what cannot be before anything is sent, write down what they are about to
//! do, and take for success only what the meter shows afterwards.
//!
//! # What a contactor does (class 70, control_mode)
//!
//! | mode | remote reconnection | may be opened remotely |
//! | --- | --- | --- |
//! | 0 | nothing: always connected | no |
//! | 1, 3, 5, 6 | makes it ready: somebody at the meter closes it | yes |
//! | 2, 4 | closes it | yes |
//!
//! A mode that is none of these is tried, and what came of it is read.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use crate::drivers::{Contactor, MeterAccess, Order, ReadSink};
use crate::model::{Fault, Knowledge, Obis, What};
use crate::protocol::dlms::{AttributeRef, Conformance, CounterStore, Data, DlmsError, MethodRef};
use crate::protocol::link::Link;

use super::objects::{self, class};
use super::profile::request::by_entry;
use super::session::{Answers, Session};
use super::{converse, faults};

/// Pause before it is looked again: contactors and billing take their time.
const LOOK_AGAIN: Duration = Duration::from_secs(2);
/// How often it is looked.
const LOOKS: u32 = 8;
/// The contactor of a meter whose object list does not name one.
const CONTACTOR: Obis = Obis::new(0, 0, 96, 3, 10, 255);
/// How many billing periods were closed, and when the last one was (IEC 62056-61).
const BILLING_MARKS: [Obis; 2] = [Obis::new(1, 0, 0, 1, 0, 255), Obis::new(1, 0, 0, 1, 2, 255)];

/// Has the meter do something in one session.
///
/// # Errors
/// The meter cannot do it in its present state, refused, or does not show that it did; or the session broke off. A
/// billing reset whose answer got lost is not sent again by itself.
pub async fn control<L: Link>(
    link: &mut L,
    access: &MeterAccess,
    counter: &mut dyn CounterStore,
    knowledge: &mut Knowledge,
    order: Order,
    sink: &mut dyn ReadSink,
) -> Result<(), Fault> {
    let what = BTreeSet::from([What::Identity]);
    let talk = async |session: &mut Session<'_, '_, L>| {
        session.run().await?;
        if !session.offers(Conformance::ACTION) {
            return Err(Fault::meter(
                "the meter takes no methods from this client",
                "use an association with more rights; nothing was sent",
            ));
        }
        match order {
            Order::BillingReset => Box::pin(session.reset_billing()).await,
            Order::Contactor(wanted) => Box::pin(session.move_contactor(wanted)).await,
        }
    };
    converse(link, access, counter, knowledge, what, sink, talk).await
}

/// control_state of class 70.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Disconnected,
    Connected,
    Ready,
    Other(i128),
}

impl State {
    const fn of(number: i128) -> Self {
        match number {
            0 => Self::Disconnected,
            1 => Self::Connected,
            2 => Self::Ready,
            other => Self::Other(other),
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disconnected => out.write_str("open"),
            Self::Connected => out.write_str("closed"),
            Self::Ready => out.write_str("open and ready to be closed at the meter"),
            Self::Other(number) => write!(out, "in the state {number}, which the standard does not know"),
        }
    }
}

/// What remote reconnection does in a control mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reconnection {
    /// Nothing is ever disconnected.
    None,
    /// Somebody at the meter has to close it.
    ByHand,
    /// It closes.
    Closes,
    /// Not known.
    Unknown,
}

impl Reconnection {
    const fn of(mode: Option<i128>) -> Self {
        match mode {
            Some(0) => Self::None,
            Some(1 | 3 | 5 | 6) => Self::ByHand,
            Some(2 | 4) => Self::Closes,
            _ => Self::Unknown,
        }
    }
}

/// A contactor as it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Switch {
    /// What the relay itself does, where the meter tells.
    output: Option<bool>,
    state: State,
    mode: Option<i128>,
}

impl Contactor {
    /// The state that it aims at.
    const fn target(self) -> State {
        match self {
            Self::Open => State::Disconnected,
            Self::Arm => State::Ready,
            Self::Close => State::Connected,
        }
    }

    const fn verb(self) -> &'static str {
        match self {
            Self::Open => "opening the contactor",
            Self::Arm => "arming the contactor",
            Self::Close => "closing the contactor",
        }
    }

    /// remote_disconnect or remote_reconnect.
    const fn method(self) -> i8 {
        match self {
            Self::Open => 1,
            Self::Arm | Self::Close => 2,
        }
    }
}

impl Switch {
    fn is(self, state: State) -> bool {
        self.state == state && self.output.is_none_or(|closed| closed == (state == State::Connected))
    }

    /// Why the meter cannot do that as it stands; nothing where it can, or where that is not known.
    fn objection(self, wanted: Contactor) -> Option<(String, &'static str)> {
        let mode = self.mode.unwrap_or_default();
        let nothing = "nothing was sent";
        match (wanted, Reconnection::of(self.mode)) {
            (_, Reconnection::None) => Some((
                "control mode 0: the meter does not let its contactor be moved".to_owned(),
                "set another control mode first; nothing was sent",
            )),
            (Contactor::Close, Reconnection::ByHand) => Some((
                format!("control mode {mode}: only somebody at the meter can close the contactor"),
                "arm it, and have the button at the meter pressed; nothing was sent",
            )),
            (Contactor::Arm, Reconnection::Closes) => Some((
                format!(
                    "control mode {mode}: there is no arming, since a reconnection closes the contactor at once"
                ),
                "close it, if that is meant; nothing was sent",
            )),
            (Contactor::Arm, _) if self.state == State::Connected => {
                Some(("the contactor is closed: there is nothing to arm".to_owned(), nothing))
            }
            (Contactor::Close, Reconnection::Closes) if self.state == State::Ready => Some((
                "the contactor was opened at the meter, and waits to be closed there".to_owned(),
                "have the button at the meter pressed, or open the contactor first and then close it; nothing was sent",
            )),
            _ => None,
        }
    }
}

/// What tells that a billing period was closed: attributes with their values.
#[derive(Debug)]
struct Evidence(Vec<(AttributeRef, Data)>);

impl Evidence {
    fn of(answers: Answers) -> Self {
        Self(answers.into_values().filter_map(|(asked, answer)| Some((asked, answer.ok()?))).collect())
    }

    fn asked(&self) -> Vec<AttributeRef> {
        self.0.iter().map(|(asked, _)| asked.clone()).collect()
    }

    /// The first attribute that is another now.
    fn change(&self, now: &Self) -> Option<&AttributeRef> {
        let differs = |asked: &AttributeRef, before: &Data| {
            let value = now.0.iter().find(|(other, _)| other == asked).map(|(_, value)| value);
            value.is_some_and(|value| value.to_bytes() != before.to_bytes())
        };
        self.0.iter().find(|(asked, before)| differs(asked, before)).map(|(asked, _)| asked)
    }
}

impl<L: Link> Session<'_, '_, L> {
    fn contactor(&self) -> Obis {
        let listed = self.knowledge.objects.iter().find(|entry| entry.class_id == class::CONTACTOR);
        self.template().objects.contactor.or(listed.map(|entry| entry.obis)).unwrap_or(CONTACTOR)
    }

    async fn switch(&mut self, obis: Obis) -> Result<Switch, Fault> {
        let at = |number| AttributeRef::new(class::CONTACTOR, obis, number);
        let state = match self.ask_one(&at(3)).await? {
            Ok(state) => state,
            Err(result) => return Err(faults::refusal(&format!("its contactor ({})", obis.short()), result)),
        };
        let answers = self.ask(vec![at(2), at(4)]).await?;
        let number = state.integer().ok_or_else(|| {
            Fault::meter("the contactor's state is none", "look at the answer in the job's trace")
        })?;
        let output = match answers.data(class::CONTACTOR, obis, 2) {
            Some(Data::Bool(closed)) => Some(*closed),
            _ => None,
        };
        let mode = answers.data(class::CONTACTOR, obis, 4).and_then(Data::integer);
        Ok(Switch { output, state: State::of(number), mode })
    }

    async fn move_contactor(&mut self, wanted: Contactor) -> Result<(), Fault> {
        let obis = self.contactor();
        let before = self.switch(obis).await?;
        if before.is(wanted.target()) {
            self.sink.outcome(format!("Contactor is {} already", before.state));
            return Ok(());
        }
        if let Some((why, advice)) = before.objection(wanted) {
            return Err(Fault::meter(format!("{}: {why}", wanted.verb()), advice));
        }
        if Reconnection::of(before.mode) == Reconnection::Unknown {
            self.sink
                .remark("the contactor's control mode is not known: it is tried, and read back".to_owned());
        }
        let mode = before.mode.map_or_else(|| "not told".to_owned(), |mode| mode.to_string());
        let text =
            format!("{} ({}), which was {}, control mode {mode}", wanted.verb(), obis.short(), before.state);
        self.sink.wrote(&text)?;
        let method = MethodRef { class_id: class::CONTACTOR, obis, method: wanted.method() };
        let done = self.association.action(&method, Some(&Data::I8(0))).await;
        done.map_err(|error| faults::not_done(error, wanted.verb()))?;
        self.confirm_contactor(obis, wanted).await
    }

    async fn confirm_contactor(&mut self, obis: Obis, wanted: Contactor) -> Result<(), Fault> {
        let mut now = self.switch(obis).await?;
        for _ in 1..LOOKS {
            if now.is(wanted.target()) {
                break;
            }
            tokio::time::sleep(LOOK_AGAIN).await;
            now = self.switch(obis).await?;
        }
        let output = match now.output {
            Some(true) => ", the premises are supplied",
            Some(false) => ", the premises are not supplied",
            None => "",
        };
        self.sink.wrote(&format!("contactor ({}) reads back {}{output}", obis.short(), now.state))?;
        if now.is(wanted.target()) {
            self.sink.outcome(format!("Contactor is {}{output}", now.state));
            return Ok(());
        }
        Err(Fault::meter(
            format!("{}: the meter took it, but its contactor is {}{output}", wanted.verb(), now.state),
            "read it again in a minute; where it stays, somebody has to look at the meter",
        ))
    }

    /// What of the billing profiles, of the count of billing periods and of the last one's time the meter tells.
    async fn billing_evidence(&mut self) -> Result<Evidence, Fault> {
        let profiles = objects::of_kind(What::Billing, self.knowledge, self.template());
        let mut wanted: Vec<AttributeRef> =
            profiles.iter().map(|(_, obis)| AttributeRef::new(class::PROFILE, *obis, 7)).collect();
        for obis in BILLING_MARKS {
            let listed = self.knowledge.objects.iter().find(|entry| entry.obis == obis);
            let is_absent = listed.is_none() && !self.is_guessing();
            let class_id = listed.map_or(class::DATA, |entry| entry.class_id);
            wanted.extend((!is_absent).then(|| AttributeRef::new(class_id, obis, 2)));
        }
        let mut evidence = Evidence::of(self.ask(wanted).await?);
        // A profile that is full keeps its number of entries: the newest one is at one of its ends.
        let mut ends = Vec::new();
        for (asked, value) in &evidence.0 {
            let entries = value.integer().and_then(|entries| u32::try_from(entries).ok());
            if let (class::PROFILE, Some(entries @ 1..)) = (asked.class_id, entries) {
                ends.extend([1, entries].map(|entry| by_entry(asked.obis, entry, entry)));
            }
        }
        ends.dedup();
        evidence.0.extend(Evidence::of(self.ask(ends).await?).0);
        Ok(evidence)
    }

    async fn reset_billing(&mut self) -> Result<(), Fault> {
        let objects = &self.template().scheme;
        let (table, script) = (objects.billing_script_table, objects.billing_script);
        let before = self.billing_evidence().await?;
        if before.0.is_empty() {
            self.sink
                .remark("the meter tells nothing by which a billing reset could be confirmed".to_owned());
        }
        self.sink.wrote(&format!("ending the billing period by script {script} of {}", table.short()))?;
        let method = MethodRef { class_id: class::SCRIPTS, obis: table, method: 1 };
        let done = self.association.action(&method, Some(&Data::U16(script))).await;
        done.map_err(lost_reset)?;
        let confirmed = self.confirm_reset(&before).await;
        confirmed.map_err(|fault| Fault {
            // Whatever comes now, the meter said that it was done: asking again would do it twice.
            passing: false,
            message: format!("{}; the meter said that it had ended the billing period", fault.message),
            ..fault
        })
    }

    async fn confirm_reset(&mut self, before: &Evidence) -> Result<(), Fault> {
        for look in 0..LOOKS {
            if look > 0 {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
            let now = Evidence::of(self.ask(before.asked()).await?);
            if let Some(changed) = before.change(&now) {
                self.sink.wrote(&format!("billing period ended, as {} shows", changed.obis.short()))?;
                self.sink.outcome(format!("Billing period ended, confirmed by {}", changed.obis.short()));
                return Ok(());
            }
            if before.0.is_empty() {
                break;
            }
        }
        Err(Fault::meter(
            "nothing that the meter tells shows that the billing period was ended",
            "read its billing sets before it is asked for again",
        ))
    }
}

/// A reset that was not confirmed: where the answer got lost, it may have been done, and is not sent twice.
fn lost_reset(error: DlmsError) -> Fault {
    let is_refused = matches!(error, DlmsError::Access { .. } | DlmsError::Setting(_));
    let mut fault = faults::not_done(error, "ending the billing period");
    if !is_refused {
        fault.passing = false;
        fault.message = format!("{}; whether the billing period was ended is not known", fault.message);
        fault.advice = "read the billing sets before it is asked for again".to_owned();
    }
    fault
}

#[cfg(test)]
mod tests {
    use super::*;

    fn switch(state: State, mode: i128) -> Switch {
        Switch { output: Some(state == State::Connected), state, mode: Some(mode) }
    }

    #[test]
    fn each_control_mode_allows_what_the_standard_says() {
        // Blue Book, class 70: transitions a (closes) and d (makes ready) of remote reconnection.
        let from = |wanted| if wanted == Contactor::Open { State::Connected } else { State::Disconnected };
        let allowed = |mode| {
            [Contactor::Open, Contactor::Arm, Contactor::Close]
                .map(|wanted| switch(from(wanted), mode).objection(wanted).is_none())
        };
        assert_eq!(allowed(0), [false, false, false]);
        for by_hand in [1, 3, 5, 6] {
            assert_eq!(allowed(by_hand), [true, true, false], "{by_hand}");
        }
        for closes in [2, 4] {
            assert_eq!(allowed(closes), [true, false, true], "{closes}");
        }
    }

    #[test]
    fn a_contactor_that_waits_for_its_button_is_not_closed_from_afar() {
        let (why, advice) = switch(State::Ready, 4).objection(Contactor::Close).unwrap();
        assert!(why.contains("waits") && advice.contains("nothing was sent"));
        assert!(switch(State::Ready, 4).objection(Contactor::Open).is_none());
        assert!(switch(State::Connected, 1).objection(Contactor::Arm).is_some());
    }

    #[test]
    fn a_relay_that_contradicts_its_state_is_not_believed() {
        let stuck = Switch { output: Some(true), state: State::Disconnected, mode: Some(4) };
        assert!(!stuck.is(State::Disconnected));
        assert!(Switch { output: None, ..stuck }.is(State::Disconnected));
    }
}
