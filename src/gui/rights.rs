//! What each command of the windows needs. Menus, trees and the search field grey out by it what would be refused, and
//! the application refuses by it what comes by a key.

use egui::Ui;

use crate::model::Right;

use super::context::{AppCtx, Command};
use super::meters::PointDeed;
use super::people::sentence;
use super::widgets::Entry;

impl Command {
    /// The right without which it is not even begun. Every variant is named, so that a new one does not compile until
    /// somebody has said who may do it.
    #[must_use]
    pub const fn needs(&self) -> Option<Right> {
        match self {
            Self::AddMeter
            | Self::EditMeter(_)
            | Self::EditMeters(_)
            | Self::RemoveMeters(_)
            | Self::ImportMeters
            | Self::ImportFile(_)
            | Self::Group(_)
            | Self::Point(_, PointDeed::Describe) => Some(Right::KeepMeters),
            Self::Point(_, PointDeed::Ratio | PointDeed::RemoveRatio(_)) => Some(Right::Ratios),
            Self::Point(_, PointDeed::Exchange) => Some(Right::ExchangeMeters),
            Self::Ask(_, deed) => Some(deed.right()),
            Self::Read(..) => Some(Right::ReadMeters),
            Self::PlanFlash => Some(Right::Flash),
            Self::ChooseKey => Some(Right::TrustKeys),
            Self::ChooseVendorFile => Some(Right::VendorProcedure),
            Self::ChooseTemplate => Some(Right::KeepTemplates),
            // What is shown, files of one's own, and what holds less than the store shows.
            Self::Go(_)
            | Self::Detach(_)
            | Self::Cancel(_)
            | Self::ShowReadings(_)
            | Self::ShowTrace(..)
            | Self::SaveText(..)
            | Self::PrintScheme(..)
            | Self::Export(..)
            | Self::ChooseProof(_)
            | Self::WriteFile(..)
            | Self::NewScheme
            | Self::ChooseScheme
            | Self::OpenScheme(_)
            | Self::ChooseSchemeTarget(..)
            | Self::ChooseHolidays(_)
            | Self::OpenDemo
            | Self::Search
            | Self::ToggleJobs
            | Self::ChoosePackage
            | Self::BackUp(_)
            | Self::SaveMade(..)
            | Self::ExportMeters
            | Self::Lock => None,
        }
    }
}

impl AppCtx {
    /// Why whoever acts here may not do something, for [`Act::unless`](super::widgets::Act::unless).
    #[must_use]
    pub fn why_not(&self, right: Right) -> Option<String> {
        self.standing.check(right).err().map(|fault| sentence(&fault.to_string()))
    }

    /// Why whoever acts here may not give a command, for whatever leaves it.
    #[must_use]
    pub fn why_not_give(&self, command: &Command) -> Option<String> {
        command.needs().and_then(|right| self.why_not(right))
    }
}

/// An entry of a menu that leaves a command; disabled where it would be refused.
pub(super) fn entry(ui: &mut Ui, cx: &mut AppCtx, text: &str, shortcut: &str, command: Command) {
    let reason = cx.why_not_give(&command);
    if ui.add(Entry::new(text).shortcut(shortcut).unless(reason)).clicked() {
        cx.command(command);
    }
}
