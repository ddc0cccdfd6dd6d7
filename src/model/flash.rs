//! Flashing firmware: the phases of one meter's flash, and how it can end.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::Time;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::text::words;

words! {
    /// One phase of a flash. They come in this order; a resumed flash begins again at `Package` and passes quickly
    /// through what is done already.
    FlashPhase: "a phase of a flash" {
        /// It waits for its wave, its window or its line.
        Waiting = "waiting" => "Waiting",
        /// Checking the package: signature, trust, dates.
        Package = "package" => "Checking the package",
        /// Identifying the meter: model, hardware, version.
        Identify = "identify" => "Identifying the meter",
        /// Registers, profile gap, scheme and clock into the store.
        Backup = "backup" => "Backing up registers, profile, scheme and clock",
        /// Erasing pages of the memory, by a vendor's own procedure; signed packages have no such phase.
        Erase = "erase" => "Looking for pages that are not blank, and erasing them",
        /// Enabling image transfer.
        Enable = "enable" => "Enabling image transfer",
        /// Telling the meter which image comes.
        Initiate = "initiate" => "Initiating the transfer",
        /// Sending blocks.
        Blocks = "blocks" => "Sending blocks",
        /// Sending blocks that the meter says it misses.
        Sweep = "sweep" => "Sending missing blocks",
        /// The meter verifies the image.
        Verify = "verify" => "The meter verifies the image",
        /// Comparing what the meter would activate with the package.
        Compare = "compare" => "Comparing what the meter would activate",
        /// Activating, or arming the activation.
        Activate = "activate" => "Activating",
        /// Waiting for the meter's restart.
        Restart = "restart" => "Waiting for the meter's restart",
        /// Associating again and reading the version.
        Version = "version" => "Reading the version",
        /// Comparing registers and scheme with the backup.
        Check = "check" => "Comparing registers and scheme with the backup",
        /// Nothing is left to do.
        Done = "done" => "Done",
    }
}

words! {
    /// How a flash stands.
    FlashOutcome: "an outcome of a flash" {
        /// Not begun, or it broke off and goes on when it is asked to.
        Open = "open" => "Unfinished",
        /// The meter runs the version of the package; registers and scheme are as they were.
        Flashed = "flashed" => "Flashed",
        /// The image is in the meter, verified, and nothing activates it.
        Ready = "ready" => "Ready to be activated",
        /// The image is in the meter, verified, and takes over at a time.
        Scheduled = "scheduled" => "Activation scheduled",
        /// The meter does not suit the package, or the package the meter: nothing was sent.
        Refused = "refused" => "Refused",
        /// It failed in a way that will not pass by itself.
        Failed = "failed" => "Failed",
    }
}

words! {
    /// How a campaign stands.
    CampaignState: "a state of a campaign" {
        /// It goes on, or goes on when it is asked to.
        Open = "open" => "Under way",
        /// Too many meters failed: no further one is begun until it is asked to go on.
        Stopped = "stopped" => "Stopped",
        /// No meter is left to do.
        Done = "done" => "Done",
    }
}

impl FlashOutcome {
    /// Whether the image is where the plan wants it.
    #[must_use]
    pub const fn is_as_wanted(self) -> bool {
        matches!(self, Self::Flashed | Self::Ready | Self::Scheduled)
    }
}

/// Hours of the day in which meters may be flashed, by the wall clock of a place: `22:00-05:00` goes over midnight.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// From this time on.
    pub from: Time,
    /// Until before this time.
    pub to: Time,
    /// IANA time zone; this computer's where it is empty.
    pub zone: String,
}

impl Window {
    /// Reads `22:00-05:00`.
    ///
    /// # Errors
    /// It is none, or there is no such zone.
    pub fn parse(text: &str, zone: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no window: write two times, such as 22:00-05:00");
        let (from, to) = text.split_once('-').ok_or_else(wrong)?;
        let time = |text: &str| Time::strptime("%H:%M", text.trim()).map_err(|_| wrong());
        let window = Self { from: time(from)?, to: time(to)?, zone: zone.to_owned() };
        if window.from == window.to {
            return Err(format!("the window `{text}` is never open"));
        }
        window.time_zone().ok_or_else(|| format!("there is no time zone `{zone}`"))?;
        Ok(window)
    }

    fn time_zone(&self) -> Option<TimeZone> {
        if self.zone.is_empty() { Some(TimeZone::system()) } else { TimeZone::get(&self.zone).ok() }
    }

    /// Whether it is open. A wall clock that is put back shows an hour twice: it is open in both.
    #[must_use]
    pub fn is_open(&self, now: Timestamp) -> bool {
        let zone = self.time_zone().unwrap_or(TimeZone::UTC);
        let time = zone.to_datetime(now).time();
        if self.from < self.to {
            (self.from..self.to).contains(&time)
        } else {
            time >= self.from || time < self.to
        }
    }
}

impl fmt::Display for Window {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}-{}", self.from.strftime("%H:%M"), self.to.strftime("%H:%M"))
    }
}

/// When the images of a campaign take over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FlashActivation {
    /// As soon as they are verified.
    #[default]
    Now,
    /// Not: they wait in the meters.
    Never,
    /// By the meters' own schedule.
    At(Timestamp),
}

impl fmt::Display for FlashActivation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Now => out.write_str("now"),
            Self::Never => out.write_str("never"),
            Self::At(at) => write!(out, "{at}"),
        }
    }
}

impl FromStr for FlashActivation {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "now" => Ok(Self::Now),
            "never" => Ok(Self::Never),
            at => at
                .parse()
                .map(Self::At)
                .map_err(|error| format!("`{at}`: write now, never or a time: {error}")),
        }
    }
}

/// How a package comes into one meter or many.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CampaignPlan {
    /// Meters of the canary group, which goes first; 0 is none.
    pub canary: u32,
    /// Meters of each wave after it; all that are left where it is not given.
    pub wave: Option<u32>,
    /// No further meter is begun when more than so many failed; with a canary group, none may fail where it is not
    /// given.
    pub stop_after: Option<u32>,
    /// No further meter is begun when more than so many could not be reached. That a meter is out of reach says
    /// nothing of the image, so it is no failure, and where this is not given no number of them stops the campaign.
    pub stop_unreachable: Option<u32>,
    /// When meters may be flashed; always where it is not given.
    pub window: Option<Window>,
    /// When the images take over.
    pub activation: FlashActivation,
    /// Why an older version may replace a later one; nothing where it may not.
    pub downgrade: Option<String>,
    /// What other packages left half in a meter is given up.
    pub start_over: bool,
    /// Only registers, clock and scheme are read before, no profile and no billing sets.
    pub short_backup: bool,
    /// Longest wait for a restart, in seconds; the template's where it is not given.
    pub restart_seconds: Option<u32>,
}

impl CampaignPlan {
    /// The wave of the meter at a place.
    #[must_use]
    pub fn wave_of(&self, place: u32) -> u32 {
        match (place.checked_sub(self.canary), self.wave.filter(|wave| *wave > 0)) {
            (None, _) => 0,
            (Some(after), Some(wave)) => 1 + after / wave,
            (Some(_), None) => 1,
        }
    }

    /// More failures than this stop the campaign; nothing where none do.
    #[must_use]
    pub fn most_failures(&self) -> Option<u32> {
        self.stop_after.or((self.canary > 0).then_some(0))
    }
}

super::text::serde_as_text!(FlashActivation);
super::text::serde_as_text!(FlashPhase);
super::text::serde_as_text!(FlashOutcome);
super::text::serde_as_text!(CampaignState);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_reads_back_as_its_own_phase_or_outcome() {
        for phase in FlashPhase::ALL {
            assert_eq!(phase.word().parse(), Ok(*phase));
        }
        for outcome in FlashOutcome::ALL {
            assert_eq!(outcome.word().parse(), Ok(*outcome));
        }
    }

    #[test]
    fn a_window_goes_over_midnight_and_by_the_wall_clock() {
        let window = Window::parse("22:00-05:00", "Europe/London").unwrap();
        let is_open = |text: &str| window.is_open(text.parse().unwrap());
        assert!(is_open("2026-11-22T22:00:00Z") && is_open("2026-11-22T04:59:59Z"));
        assert!(!is_open("2026-11-22T05:00:00Z") && !is_open("2026-11-22T21:59:59Z"));
        // Summer time: an hour earlier by UTC.
        assert!(is_open("2026-07-01T21:00:00Z") && !is_open("2026-07-01T04:00:00Z"));
        assert_eq!(window.to_string(), "22:00-05:00");
    }

    #[test]
    fn a_window_is_open_on_days_of_23_and_25_hours_as_the_wall_clock_says() {
        let window = Window::parse("01:30-03:30", "Europe/Berlin").unwrap();
        let open = |from: &str| -> i64 {
            let start: Timestamp = from.parse().unwrap();
            let at = |minute: i64| start + jiff::SignedDuration::from_mins(minute);
            (0..300).filter(|minute| window.is_open(at(*minute))).count().try_into().unwrap()
        };
        assert_eq!(open("2026-06-30T22:00:00Z"), 120);
        assert_eq!(open("2026-03-28T23:00:00Z"), 60, "an hour is left out");
        assert_eq!(open("2026-10-24T22:00:00Z"), 180, "an hour comes twice");
    }

    #[test]
    fn windows_that_make_no_sense_are_refused() {
        for text in ["22:00", "22-05", "5:00-25:00", "05:00-05:00"] {
            assert!(Window::parse(text, "").is_err(), "{text}");
        }
        assert!(Window::parse("22:00-05:00", "Mars/Base").is_err());
    }

    #[test]
    fn the_canary_group_goes_first_and_any_failure_in_it_counts() {
        let plan = CampaignPlan { canary: 2, wave: Some(3), ..CampaignPlan::default() };
        let waves: Vec<u32> = (0..9).map(|place| plan.wave_of(place)).collect();
        assert_eq!(waves, [0, 0, 1, 1, 1, 2, 2, 2, 3]);
        assert_eq!(plan.most_failures(), Some(0));
        assert_eq!(CampaignPlan::default().most_failures(), None);
        assert_eq!(CampaignPlan::default().wave_of(7), 1);
    }
}
