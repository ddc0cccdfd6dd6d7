//! What each job and each edit needs: the one place where a request is held against the role of who asks.
//!
//! Every variant is named, so that a new one does not compile until somebody has said who may do it.

use crate::drivers::{Order, RatioOrder};
use crate::model::{Action, Fault, Right, Standing};

use super::{Chore, Edit, Job};

/// The rights that a job needs, all of them. What a list does, [`of_action`] says.
#[must_use]
pub fn of_job(job: &Job) -> Vec<Right> {
    match job {
        Job::Read { .. }
        | Job::ReadScheme { .. }
        | Job::Test { .. }
        | Job::Learn { .. }
        | Job::Discover(_)
        | Job::RunList(_)
        | Job::Ratios { order: RatioOrder::Read, .. } => vec![Right::ReadMeters],
        // A copy holds no more than whoever may look sees; its secrets stay sealed.
        Job::Upkeep(Chore::Check | Chore::BackUp(_)) => vec![Right::Look],
        Job::Upkeep(Chore::Compact | Chore::Retain(_) | Chore::Nightly) => vec![Right::Retention],
        Job::Ratios { order: RatioOrder::Write { .. }, .. } => vec![Right::Ratios],
        Job::WriteScheme { .. } => vec![Right::WriteSchemes],
        Job::Flash { plan, .. } if plan.downgrade.is_some() => vec![Right::Flash, Right::OverrideDowngrade],
        Job::Flash { .. } => vec![Right::Flash],
        Job::VendorFlash { .. } => vec![Right::Flash, Right::VendorProcedure],
        Job::SetClock { .. } => vec![Right::SetClock],
        Job::Control { order: Order::BillingReset, .. } => vec![Right::BillingReset],
        Job::Control { order: Order::Contactor(_), .. } => vec![Right::Contactor],
    }
}

/// The right that an action of a meter list needs.
#[must_use]
pub const fn of_action(action: &Action) -> Right {
    match action {
        Action::Read { .. } => Right::ReadMeters,
        Action::WriteScheme { .. } => Right::WriteSchemes,
        Action::AdjustClock => Right::SetClock,
    }
}

/// The rights that an edit needs, all of them.
#[must_use]
pub fn of_edit(edit: &Edit) -> Vec<Right> {
    match edit {
        Edit::AddMeters(_) | Edit::UpdateMeter { .. } | Edit::RemoveMeters(_) | Edit::UpdatePoint { .. } => {
            vec![Right::KeepMeters]
        }
        Edit::TrustKey { .. }
        | Edit::UntrustKey { .. }
        | Edit::TrustMakerKey { .. }
        | Edit::UntrustMakerKey { .. } => vec![Right::TrustKeys],
        Edit::CallOffCampaign { .. } => vec![Right::Flash],
        Edit::SetRatio { .. } | Edit::RemoveRatio { .. } => vec![Right::Ratios],
        Edit::Exchange { .. } => vec![Right::ExchangeMeters],
        Edit::Setting { key, .. } => vec![of_setting(key)],
        Edit::Retention(_) => vec![Right::Retention],
        Edit::PutList { list, .. } => vec![Right::KeepLists, of_action(&list.action)],
        Edit::RemoveList(_) => vec![Right::KeepLists],
        Edit::PutTemplate { .. } | Edit::RemoveTemplate(_) => vec![Right::KeepTemplates],
        Edit::StopRun(_) => vec![Right::ReadMeters],
        Edit::VendorFirmware { .. } => vec![Right::VendorProcedure],
        Edit::ChangeMeters(changes) if changes.touches_ratios() => vec![Right::KeepMeters, Right::Ratios],
        Edit::ChangeMeters(_) | Edit::AddGroup(_) | Edit::MoveGroup { .. } => vec![Right::KeepMeters],
        Edit::AddPerson { .. } | Edit::SetPerson { .. } | Edit::RekeyVault | Edit::SingleUser => {
            vec![Right::People]
        }
        Edit::OwnPassphrase { .. } => vec![Right::Look],
    }
}

/// The right that a setting of the program needs, by its key.
fn of_setting(key: &str) -> Right {
    match key.split('.').next().unwrap_or_default() {
        // How the windows look.
        "gui" => Right::Look,
        "people" => Right::People,
        "trace" | "retention" | "upkeep" => Right::Retention,
        _ => Right::Limits,
    }
}

/// Holds what is needed against who asks.
///
/// # Errors
/// The first right that is wanting.
pub fn check(standing: &Standing, needed: &[Right]) -> Result<(), Fault> {
    needed.iter().try_for_each(|right| standing.check(*right))
}

#[cfg(test)]
mod tests;
