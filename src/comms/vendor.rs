//! Vendors' own firmware files: the switch, and the state of each loading in the store.

use std::fmt;
use std::rc::Rc;

use jiff::Timestamp;

use crate::firmware::vendor::{
    ACCEPTANCE, ALLOWED, RISK, SETTING, VendorJournal, VendorPlan, VendorState, is_accepted,
};
use crate::model::{Fault, MeterId};
use crate::store::{FlashRow, Store};

use super::session::{Item, Work};
use super::shared::{Shared, store_fault};

/// The value where it is not allowed.
const FORBIDDEN: &str = "forbidden";

/// The refusal where no administrator has switched it on.
#[must_use]
pub fn not_allowed() -> Fault {
    Fault::refused(
        "refused: vendors' own firmware files are not allowed in this store",
        "an administrator allows them with `firmware vendor-allow`, or on the firmware page under Keys, once the risk \
         is understood",
    )
}

fn is_allowed(store: &Store) -> Result<bool, Fault> {
    let set = store.setting(SETTING).map_err(|error| store_fault(&error))?;
    Ok(set.as_deref() == Some(ALLOWED))
}

/// Switches it on or off. On only with the risk typed.
pub(super) fn switch(shared: &Shared, typed: Option<&str>) -> Result<(), Fault> {
    let (value, what, detail) = match typed {
        Some(typed) if is_accepted(typed) => (ALLOWED, "vendor firmware allowed", RISK),
        Some(_) => {
            return Err(Fault::refused(
                format!("refused: the risk was not accepted. {RISK}"),
                format!("type the words: {ACCEPTANCE}"),
            ));
        }
        None => (FORBIDDEN, "vendor firmware forbidden", ""),
    };
    let mut store = shared.store.borrow_mut();
    let mut both = || {
        store.put_setting(SETTING, value)?;
        store.audit_own(Timestamp::now(), what, detail)
    };
    both().map_err(|error| store_fault(&error))
}

/// The journal of one meter's loading, in the store.
pub(super) struct Ledger {
    shared: Rc<Shared>,
    meter: MeterId,
    plan: Rc<VendorPlan>,
}

impl fmt::Debug for Ledger {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Ledger({:?})", self.meter)
    }
}

impl Ledger {
    /// The journal of an item that is loaded so; nothing for any other.
    pub(super) fn of(shared: &Rc<Shared>, item: &Item) -> Option<Self> {
        let (Work::VendorFlash(plan), Some(meter)) = (&item.work, item.meter) else { return None };
        Some(Self { shared: Rc::clone(shared), meter, plan: Rc::clone(plan) })
    }
}

impl VendorJournal for Ledger {
    fn load(&self) -> Result<VendorState, Fault> {
        let row = self.shared.store.borrow().flash(self.meter, &self.plan.file.id);
        let Some(row) = row.map_err(|error| store_fault(&error))? else { return Ok(VendorState::default()) };
        serde_json::from_str(&row.state)
            .map_err(|error| Fault::internal(format!("the state of the loading does not read: {error}")))
    }

    fn keep(&self, state: &VendorState) -> Result<(), Fault> {
        let text = serde_json::to_string(state)
            .map_err(|error| Fault::internal(format!("the state of the loading cannot be kept: {error}")))?;
        let row = FlashRow {
            phase: state.phase,
            outcome: state.outcome,
            blocks_done: state.sent,
            blocks: state.writes,
            message: state.message.clone(),
            updated: Timestamp::now(),
            state: text,
        };
        let put = self.shared.store.borrow_mut().put_flash(self.meter, &self.plan.file.id, &row);
        put.map_err(|error| store_fault(&error))
    }

    fn allowed(&self) -> Result<(), Fault> {
        if is_allowed(&self.shared.store.borrow())? { Ok(()) } else { Err(not_allowed()) }
    }
}

/// How a meter's loading ended, in words.
pub(super) fn words(shared: &Shared, meter: MeterId, plan: &VendorPlan) -> String {
    match shared.store.borrow().flash(meter, &plan.file.id) {
        Ok(Some(row)) => format!("{}: {}", row.outcome.in_words(), row.message),
        _ => "Loaded".to_owned(),
    }
}
