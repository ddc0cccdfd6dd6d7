//! The pages of a scheme, and where a place of the document is shown.

use super::proving::ProofPage;

/// A page of a scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Tab {
    Identity,
    Registers,
    Demand,
    Days,
    Calendar,
    Special,
    Year,
    Billing,
    Profile,
    Instrumentation,
    Display,
    Clock,
    ClockFailure,
    Transformers,
    Outputs,
    DryRun,
    Bills,
    Compare,
    Program,
}

impl Tab {
    /// All of them with their titles, in the order of the list.
    pub(super) const ALL: [(Self, &'static str); 19] = [
        (Self::Identity, "Identity"),
        (Self::Registers, "Registers"),
        (Self::Demand, "Demand"),
        (Self::Days, "Day types"),
        (Self::Calendar, "Weeks and seasons"),
        (Self::Special, "Special days"),
        (Self::Year, "Year"),
        (Self::Billing, "Billing"),
        (Self::Profile, "Load profile"),
        (Self::Instrumentation, "Instrumentation"),
        (Self::Display, "Display"),
        (Self::Clock, "Clock"),
        (Self::ClockFailure, "Clock failure"),
        (Self::Transformers, "Transformers"),
        (Self::Outputs, "Outputs"),
        (Self::DryRun, "Dry run"),
        (Self::Bills, "Bills"),
        (Self::Compare, "Compare"),
        (Self::Program, "Program"),
    ];

    /// What it is called.
    pub(super) fn title(self) -> &'static str {
        Self::ALL.iter().find(|(tab, _)| *tab == self).map_or("", |(_, title)| title)
    }

    /// What of it proves a scheme and changes nothing.
    pub(super) const fn proof(self) -> Option<ProofPage> {
        match self {
            Self::DryRun => Some(ProofPage::DryRun),
            Self::Bills => Some(ProofPage::Bills),
            Self::Compare => Some(ProofPage::Compare),
            Self::Program => Some(ProofPage::Program),
            _ => None,
        }
    }

    /// The page that shows a place, and whether that lies in the latent tariff.
    pub(super) fn of_place(place: &str) -> (Self, bool) {
        let latent = place.starts_with("latent");
        let within = place.strip_prefix("latent.").unwrap_or(place);
        let mut parts = within.split(['.', '[']);
        let tab = match parts.next().unwrap_or_default() {
            "registers" => Self::Registers,
            "demand" => Self::Demand,
            "tariff" => match parts.next().unwrap_or_default() {
                "weeks" | "seasons" => Self::Calendar,
                "special_days" => Self::Special,
                _ => Self::Days,
            },
            "latent" | "activate_at" => Self::Calendar,
            "billing" => Self::Billing,
            "profile" => Self::Profile,
            "instrumentation" => Self::Instrumentation,
            "display" => Self::Display,
            "clock" => Self::Clock,
            "clock_failure" => Self::ClockFailure,
            "transformers" => Self::Transformers,
            "outputs" => Self::Outputs,
            _ => Self::Identity,
        };
        (tab, latent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_has_its_page() {
        for (place, tab, latent) in [
            ("identity", Tab::Identity, false),
            ("", Tab::Identity, false),
            ("registers.energy[2].obis", Tab::Registers, false),
            ("demand.sub_intervals", Tab::Demand, false),
            ("tariff.day_types[2].switches[1].at", Tab::Days, false),
            ("latent.tariff.day_types[0]", Tab::Days, true),
            ("tariff.weeks[0].days[3]", Tab::Calendar, false),
            ("latent.tariff.seasons", Tab::Calendar, true),
            ("latent.activate_at", Tab::Calendar, true),
            ("latent", Tab::Calendar, true),
            ("tariff.special_days[7].date", Tab::Special, false),
            ("clock.dst.ends", Tab::Clock, false),
            ("outputs[0].register", Tab::Outputs, false),
        ] {
            assert_eq!(Tab::of_place(place), (tab, latent), "{place}");
        }
    }
}
