//! Finding out which invocation counter the meter expects (`facts/dlms-quirks.md`, 40 and 41).

use crate::model::template::Release;
use crate::model::{Auth, MeterSecrets, Security, Step};
use crate::protocol::link::Link;

use super::super::data::Data;
use super::super::reference::AttributeRef;
use super::open::{Failure, attempt};
use super::session::{Doubt, Session};
use super::{Association, AssociationConfig, CounterStore, DlmsError};

/// Raises the counter to what the meter expects. Where nothing says that the counter was to blame, gives the
/// attempt's own error back.
pub(super) async fn synchronise<L: Link>(
    link: &mut L,
    config: &AssociationConfig,
    counters: &mut dyn CounterStore,
    failure: Failure,
    step: &mut dyn FnMut(Step),
) -> Result<(), DlmsError> {
    let Failure { error, doubt, used } = failure;
    let (Some(used), false) = (used, doubt == Doubt::None) else { return Err(error) };
    let expected = match doubt {
        Doubt::Expected(expected) if expected < used => {
            return Err(DlmsError::Security(format!(
                "security event: the meter expects invocation counter {expected} after {used} was used; a counter \
                 is never lowered"
            )));
        }
        Doubt::Expected(expected) => expected,
        Doubt::None | Doubt::Suspect => {
            step(Step::SynchronisingCounter);
            link.disconnect().await;
            let found = ask(link, config, counters, used).await;
            link.disconnect().await;
            match found {
                Some(expected) => expected,
                None => return Err(error),
            }
        }
    };
    Ok(counters.raise(expected.saturating_add(config.tuning.counter_margin))?)
}

/// Reads the meter's counter through its public client; only one above what was used explains the failure.
async fn ask<L: Link>(
    link: &mut L,
    config: &AssociationConfig,
    counters: &mut dyn CounterStore,
    used: u32,
) -> Option<u32> {
    if config.public_client == config.client {
        return None;
    }
    let mut public = AssociationConfig {
        client: config.public_client,
        auth: Auth::None,
        security: Security::None,
        secrets: MeterSecrets::default(),
        ..config.clone()
    };
    public.tuning.pre_established = false;
    public.tuning.release = Release::Request;
    // What the public client cannot do is no news: the first failure is what the user is told.
    let (state, negotiated) = attempt(link, &public, counters, &mut |_| {}).await.ok()?;
    let session = Session { link, counters, state };
    let mut association = Association { session, config: public, negotiated, lists_refused: false };
    let mut found = None;
    for object in &config.tuning.counter_objects {
        let value = association.get(&AttributeRef::new(1, *object, 2)).await;
        let counter = value.ok().as_ref().and_then(Data::integer).and_then(|n| u32::try_from(n).ok());
        found = counter.filter(|counter| *counter >= used);
        if found.is_some() {
            break;
        }
    }
    association.release().await;
    found
}
