//! DLMS/COSEM meters.
//!
//! A session learns what it does not know of the meter yet and keeps it in [`Knowledge`]; then it fetches what was
//! asked for in as few exchanges as the meter allows. Of a meter that is known, *clock, registers and a day of load
//! profile* is one list between associating and releasing.
//!
//! * `session` opens, asks, remembers refusals; `learn` and `fetch` are its two halves.
//! * `objects` says which objects matter, `identity`, `clock` and `registers` what their answers mean, `profile`
//!   everything about class 7.
//! * `image` asks and tells the image transfer object; `firmware` makes a flash of it.
//! * `scheme` writes a tariff as a transaction, and reads one back.
//! * `set_clock` and `control` act on the meter: its clock, its billing period, its contactor.
//! * `survey` asks an unknown meter for all that it shows of itself, and `propose` makes a template of that.
//! * `ratios` reads and writes the meter's own transformer ratios.
//! * `values` turns COSEM values into numbers, texts and stamps; `faults` turns failures into words.
//!
//! Decisions that a reader may look for here:
//! * A meter that says that it is another one (serial number) ends the session before anything is stored. The check
//!   travels in the same list as the figures and costs no exchange, and so does the check that firmware and
//!   configuration are those under which scalers and columns were learnt.
//! * A first read of a profile without a beginning takes everything that the meter holds, oldest first.
//! * A refusal that will last is remembered and told once, in a remark; reading the object list tries everything anew.
//!   What may pass by itself is a failure of this read.
//! * The deviation's sign is the template's, unless the meter's clock agrees with this computer's only with the other
//!   one: then stamps are read with that, and a remark says so.

mod clock;
mod control;
mod faults;
mod fetch;
mod identity;
mod image;
mod learn;
mod objects;
mod profile;
mod propose;
pub mod push;
mod ratios;
mod registers;
mod scheme;
mod session;
mod set_clock;
mod survey;
mod timed_link;
mod values;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

pub use control::control;
pub use image::{Bits, ImageInfo, ImageLine, ImageSession, Invoked, MeterFirmware, is_line_gone};
pub use ratios::ratios;
pub use scheme::{read_scheme, write_scheme};
pub use set_clock::set_clock;

use crate::drivers::{MeterAccess, ReadRequest, ReadSink};
use crate::model::{Blame, Fault, Identity, Knowledge, What};
use crate::protocol::dlms::CounterStore;
use crate::protocol::link::Link;

use fetch::Fetched;
use session::{Session, learn_message_size};
use timed_link::TimedLink;

/// Reads what is asked for in one session: associate, read, release.
///
/// # Errors
/// The session could not be opened or broke off. What the sink was given before stays valid.
pub async fn read<L: Link>(
    link: &mut L,
    access: &MeterAccess,
    counter: &mut dyn CounterStore,
    knowledge: &mut Knowledge,
    request: &ReadRequest,
    sink: &mut dyn ReadSink,
) -> Result<(), Fault> {
    hold(link, access, counter, knowledge, request, sink, async |session| {
        let outcome = session.run().await;
        let line_failed = outcome.as_ref().is_err_and(|fault| fault.blame == Blame::Line);
        learn_message_size(session.knowledge, &access.template, line_failed);
        outcome
    })
    .await
}

/// Opens a session, lets `talk` say what it has to, and says goodbye.
///
/// # Errors
/// The session could not be opened or broke off.
async fn converse<L: Link>(
    link: &mut L,
    access: &MeterAccess,
    counter: &mut dyn CounterStore,
    knowledge: &mut Knowledge,
    what: BTreeSet<What>,
    sink: &mut dyn ReadSink,
    talk: impl AsyncFnOnce(&mut Session<'_, '_, L>) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let request = ReadRequest { what, from: None, to: None };
    hold(link, access, counter, knowledge, &request, sink, talk).await
}

/// As [`converse`], on a request of its own.
async fn hold<L: Link>(
    link: &mut L,
    access: &MeterAccess,
    counter: &mut dyn CounterStore,
    knowledge: &mut Knowledge,
    request: &ReadRequest,
    sink: &mut dyn ReadSink,
    talk: impl AsyncFnOnce(&mut Session<'_, '_, L>) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let mut timed = TimedLink::new(link);
    let outcome = match Session::open(&mut timed, access, request, counter, knowledge, sink).await {
        Ok(mut session) => {
            let outcome = talk(&mut session).await;
            session.tell_oddities();
            match outcome {
                // A line that is gone needs no goodbye; a meter that is there does, or it stays associated.
                Err(fault) if fault.blame == Blame::Line => Err(fault),
                outcome => {
                    session.release().await;
                    return outcome;
                }
            }
        }
        Err(fault) => Err(fault),
    };
    timed.disconnect().await;
    outcome
}

/// Surveys a meter and hands over a template that is proposed for it. Nothing is written, and what is known of the
/// meter from earlier reads is neither used nor changed.
///
/// # Errors
/// The session could not be opened or broke off.
pub async fn learn_template<L: Link>(
    link: &mut L,
    access: &MeterAccess,
    counter: &mut dyn CounterStore,
    sink: &mut dyn ReadSink,
) -> Result<(), Fault> {
    let mut knowledge = Knowledge::default();
    let everything = survey::everything();
    converse(link, access, counter, &mut knowledge, everything, sink, async |session| {
        let survey = session.survey().await?;
        let (template, remarks) = propose::propose(&survey, access, session.now());
        session.sink.learnt(&template, &remarks)
    })
    .await
}

/// Opens and releases a session and reads the logical device name and the clock, for *Test connection*: every step
/// goes to the sink.
///
/// # Errors
/// As [`read`].
pub async fn test<L: Link>(
    link: &mut L,
    access: &MeterAccess,
    counter: &mut dyn CounterStore,
    sink: &mut dyn ReadSink,
) -> Result<(), Fault> {
    let request = ReadRequest { what: BTreeSet::from([What::Identity, What::Clock]), from: None, to: None };
    let mut knowledge = Knowledge::default();
    read(link, access, counter, &mut knowledge, &request, sink).await
}

impl<L: Link> Session<'_, '_, L> {
    async fn run(&mut self) -> Result<(), Fault> {
        if self.wants(What::Objects) {
            let identity = std::mem::take(&mut self.knowledge.identity);
            self.forget_configuration();
            self.knowledge.identity = identity;
        }
        self.learn().await?;
        if self.fetch().await? == Fetched::Changed {
            self.learn().await?;
            self.fetch().await?;
        }
        if self.wants(What::Objects) && !self.knowledge.objects.is_empty() {
            self.sink.objects(&self.knowledge.objects)?;
        }
        Ok(())
    }

    /// Whether plate data of this meter were ever read.
    fn is_known(&self) -> bool {
        self.knowledge.identity != Identity::default()
    }
}
