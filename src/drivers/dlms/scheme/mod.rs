//! A tariff scheme into a meter, and out of it.
//!
//! # The transaction
//!
//! 1. Who it is, its clock, its object list; all that stands there is read, and stored through the sink.
//! 2. The scheme is laid out for this meter. What the meter cannot take is told before anything is written; what
//!    would make another tariff of it ends the session here.
//! 3. An activation that is due is called off, so that nothing half-written takes over. Then masks, scripts and
//!    special days are written beside those in force, and the calendar to the passive side. All of it is read back
//!    and compared.
//! 4. The calendar is activated; that is confirmed by reading. This one step changes the tariff.
//! 5. What has no passive side (periods, billing dates, clock, ratios) is written and read back, each by itself, and
//!    what the old tariff alone needed is cleared away.
//!
//! A line that is cut leaves the old tariff before step 4 and the new one after it; the same call again finishes
//! what is left, since whatever stands as it should is not written. Settings of step 5 would take effect at once, so
//! they are left as they are where the calendar does not take over now.
//!
//! * `standing` is what was read; `settings` is what has no passive side; `transaction` is the sequence, and
//!   `moves` are its single moves.

mod moves;
mod settings;
mod standing;
mod transaction;

use std::collections::BTreeSet;

use jiff::tz::TimeZone;

use crate::drivers::{Activation, MeterAccess, ReadSink, Reference};
use crate::model::{Fault, Knowledge, What};
use crate::protocol::dlms::CounterStore;
use crate::protocol::link::Link;
use crate::scheme::Document;
use crate::scheme::cosem::{Found, Seen};

use super::converse;
use super::session::Session;

/// What to do once associated.
enum Task<'a> {
    Write(&'a Document, Activation),
    Read(Reference<'a>),
}

/// Writes a scheme in one session. What is read on the way goes to the sink.
///
/// # Errors
/// The scheme does not fit this meter, or the session broke off; the message says what stands in the meter then.
pub async fn write_scheme<L: Link>(
    link: &mut L,
    access: &MeterAccess,
    counter: &mut dyn CounterStore,
    knowledge: &mut Knowledge,
    scheme: (&Document, Activation),
    sink: &mut dyn ReadSink,
) -> Result<(), Fault> {
    conduct(link, access, counter, knowledge, Task::Write(scheme.0, scheme.1), sink).await
}

/// Reads a meter's scheme into the sink. A reference lends ids, titles and all that no meter can say.
///
/// # Errors
/// The session broke off, or the meter has no tariff that can be read.
pub async fn read_scheme<L: Link>(
    link: &mut L,
    access: &MeterAccess,
    counter: &mut dyn CounterStore,
    knowledge: &mut Knowledge,
    reference: Reference<'_>,
    sink: &mut dyn ReadSink,
) -> Result<(), Fault> {
    conduct(link, access, counter, knowledge, Task::Read(reference), sink).await
}

async fn conduct<L: Link>(
    link: &mut L,
    access: &MeterAccess,
    counter: &mut dyn CounterStore,
    knowledge: &mut Knowledge,
    task: Task<'_>,
    sink: &mut dyn ReadSink,
) -> Result<(), Fault> {
    let what = BTreeSet::from([What::Identity, What::Clock, What::Objects]);
    converse(link, access, counter, knowledge, what, sink, async |session| match task {
        Task::Write(document, activation) => Box::pin(session.write_scheme(document, activation)).await,
        Task::Read(reference) => Box::pin(session.read_scheme(reference)).await,
    })
    .await
}

/// The IANA name of the meter's zone.
fn zone_name(access: &MeterAccess) -> String {
    let named = access.config.time_zone.clone();
    named.or_else(|| TimeZone::system().iana_name().map(str::to_owned)).unwrap_or_else(|| "UTC".to_owned())
}

impl<L: Link> Session<'_, '_, L> {
    async fn read_scheme(&mut self, reference: Reference<'_>) -> Result<(), Fault> {
        self.run().await?;
        let standing = self.standing().await?;
        if standing.tables.active.days.is_empty() {
            return Err(Fault::meter(
                "the meter's activity calendar is empty: no tariff stands in it",
                "write a scheme to it, or look at its object list",
            ));
        }
        let reference = match reference {
            Reference::Given(document) => Some(document),
            Reference::IfNamed(document) => {
                Some(document).filter(|document| document.identity.as_bytes() == standing.tables.active.name)
            }
            Reference::None => None,
        };
        let Found { document, mut oddities } = self.seen(&standing, reference);
        let (document, notes) = settings::read(document, &standing);
        oddities.extend(notes.words);
        self.sink.scheme(&document, &oddities)
    }

    /// What stands in the meter, as a scheme.
    fn seen(&self, standing: &standing::Standing, reference: Option<&Document>) -> Found {
        let template = self.template();
        let zone = zone_name(self.access);
        Seen {
            tables: &standing.tables,
            objects: &template.scheme,
            registers: &standing.registers,
            reference,
            template: &template.name,
            time_zone: &zone,
        }
        .read()
    }
}
