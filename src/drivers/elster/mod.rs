//! Elster, ABB and GEC meters in the programming mode of IEC 62056-21 (`facts/elster-flag.md`).
//!
//! * `session` signs on, authenticates and keeps authenticated, and reads and writes tables.
//! * `identity`, `clock`, `registers` and `ratios` say what is in the tables; which tables a model has, and where, is
//!   the `flag` section of its template.
//! * `firmware` is the vendor's own procedure of loading an AS230, which `crate::firmware` conducts.
//! * `faults` turns failures into words.
//!
//! Decisions that a reader may look for here:
//! * A model whose product range is published is refused under another model's template: the same identity holds other
//!   things there.
//! * The serial number is read first in every session, with the rights of nobody; a meter that says that it is another
//!   one ends the session before anything is stored or written.
//! * A wrong password is never tried again by itself: what the meter does after several is not known.
//! * Nobody has published where these meters hold tariffs, and no source writes ratios: both are refused in words.

mod clock;
mod faults;
mod firmware;
mod identity;
mod ratios;
mod registers;
mod session;

use std::collections::BTreeSet;

pub use firmware::{MOST_DIGITS, Told, VendorSession};

use crate::drivers::{ClockOrder, MeterAccess, Order, RatioOrder, ReadRequest, ReadSink};
use crate::model::{Fault, Knowledge, Step, What};
use crate::protocol::elster_flag::FlagLine;

use session::Session;

/// What these meters are asked for by `read`; the rest is told to be missing.
const KNOWN: [What; 3] = [What::Identity, What::Clock, What::Registers];

/// Reads what is asked for in one session.
///
/// # Errors
/// The session could not be opened or broke off. What the sink was given before stays valid.
pub async fn read<L: FlagLine>(
    line: &mut L,
    access: &MeterAccess,
    knowledge: &mut Knowledge,
    request: &ReadRequest,
    sink: &mut dyn ReadSink,
) -> Result<(), Fault> {
    converse(line, access, knowledge, sink, async |session: &mut Session<'_, L>| {
        if request.what.contains(&What::Identity) {
            session.sink.step(Step::Reading(What::Identity));
            session.read_plate().await?;
        }
        if request.what.contains(&What::Clock) {
            session.sink.step(Step::Reading(What::Clock));
            session.read_clock().await?;
        }
        if request.what.contains(&What::Registers) {
            session.sink.step(Step::Reading(What::Registers));
            session.read_registers().await?;
        }
        session.tell_unread(&request.what);
        Ok(())
    })
    .await
}

/// Opens a session and reads plate and clock, for *Test connection*.
///
/// # Errors
/// As [`read`].
pub async fn test<L: FlagLine>(
    line: &mut L,
    access: &MeterAccess,
    sink: &mut dyn ReadSink,
) -> Result<(), Fault> {
    let request = ReadRequest { what: BTreeSet::from([What::Identity, What::Clock]), from: None, to: None };
    read(line, access, &mut Knowledge::default(), &request, sink).await
}

/// Reads a meter's own transformer ratios. Writing them is refused before the line is opened.
///
/// # Errors
/// They were to be written, the model shows none, or the session broke off.
pub async fn ratios<L: FlagLine>(
    line: &mut L,
    access: &MeterAccess,
    knowledge: &mut Knowledge,
    order: &RatioOrder,
    sink: &mut dyn ReadSink,
) -> Result<(), Fault> {
    if let RatioOrder::Write { .. } = order {
        return Err(ratios::not_written(&access.template));
    }
    converse(line, access, knowledge, sink, async |session: &mut Session<'_, L>| session.read_ratios().await)
        .await
}

/// Sets the clock. Readings before and after go to the sink.
///
/// # Errors
/// The change would cross the end of an interval, the meter refused, the session broke off, or the clock does not read
/// back as it was set.
pub async fn set_clock<L: FlagLine>(
    line: &mut L,
    access: &MeterAccess,
    knowledge: &mut Knowledge,
    order: ClockOrder,
    sink: &mut dyn ReadSink,
) -> Result<(), Fault> {
    converse(line, access, knowledge, sink, async |session: &mut Session<'_, L>| {
        Box::pin(session.set_clock(order)).await
    })
    .await
}

/// Ends a billing period. A contactor is not moved: no driver of this program has tried the commands that one source
/// gives on a meter, and they change the supply of a building.
///
/// # Errors
/// It is another order, the model's command is not known, the meter refused, or the session broke off.
pub async fn control<L: FlagLine>(
    line: &mut L,
    access: &MeterAccess,
    knowledge: &mut Knowledge,
    order: Order,
    sink: &mut dyn ReadSink,
) -> Result<(), Fault> {
    let digits = match (order, &access.template.flag.billing_reset) {
        (Order::BillingReset, Some(digits)) => digits.clone(),
        (Order::BillingReset, None) => {
            return Err(Fault::refused(
                "refused: how this model ends a billing period is not known",
                "use the button at the meter; nothing was sent",
            ));
        }
        (Order::Contactor(_), _) => {
            return Err(Fault::refused(
                "refused: this program moves no contactor of an Elster meter",
                "use the button at the meter; nothing was sent",
            ));
        }
    };
    converse(line, access, knowledge, sink, async |session: &mut Session<'_, L>| {
        session.end_billing(&digits).await
    })
    .await
}

/// The refusal of everything that needs a tariff's tables.
#[must_use]
pub fn no_schemes() -> Fault {
    Fault::refused(
        "refused: where Elster meters hold their tariffs has not been published",
        "such a meter can be read, and its clock set; program its tariff with the maker's own software",
    )
}

/// Opens a session, lets `talk` say what it has to, and says goodbye.
async fn converse<L: FlagLine>(
    line: &mut L,
    access: &MeterAccess,
    knowledge: &mut Knowledge,
    sink: &mut dyn ReadSink,
    talk: impl AsyncFnOnce(&mut Session<'_, L>) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let mut session = Session::new(line, access, sink)?;
    let outcome = match session.open().await {
        Ok(()) => {
            let outcome = talk(&mut session).await;
            knowledge.identity = session.identity.clone();
            outcome
        }
        Err(fault) => Err(fault),
    };
    session.close(outcome.as_ref().err()).await;
    outcome
}

impl<L: FlagLine> Session<'_, L> {
    /// Says what was asked for and is not read here.
    fn tell_unread(&mut self, asked: &BTreeSet<What>) {
        for what in asked.iter().filter(|what| !KNOWN.contains(what)) {
            let text =
                format!("{} of an Elster meter cannot be read by this version", capital(what.in_words()));
            if *what == What::Objects {
                self.sink.remark("an Elster meter has no object list".to_owned());
            } else {
                self.sink.partial(Fault::user(text, "leave it out with --what identity,clock,registers"));
            }
        }
    }
}

fn capital(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
