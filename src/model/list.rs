//! Meter lists: which meters, what to do with them, when.

use std::collections::BTreeSet;
use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Line, MeterConfig, MeterId, Schedule, What};

/// A list's number in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ListId(pub i64);

/// Which meters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Member {
    /// All of the store.
    All,
    /// This one.
    Meter(MeterId),
    /// A group with all groups under it.
    Group(String),
    /// All of a template.
    Template(String),
    /// All on a line: those whose line begins with this text.
    Line(String),
}

impl Member {
    fn contains(&self, id: MeterId, config: &MeterConfig) -> bool {
        match self {
            Self::All => true,
            Self::Meter(one) => *one == id,
            Self::Group(group) => {
                let rest = config.group.as_deref().and_then(|own| own.strip_prefix(group.as_str()));
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            }
            Self::Template(template) => config.template == *template,
            Self::Line(line) => config.line.to_string().starts_with(line.as_str()),
        }
    }
}

/// From when profiles and logs are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Since {
    /// From this instant.
    Instant(Timestamp),
    /// From so many days before each run.
    Days(u16),
}

impl Since {
    /// The instant, for a run that begins at `now`.
    #[must_use]
    pub fn at(self, now: Timestamp) -> Timestamp {
        match self {
            Self::Instant(at) => at,
            Self::Days(days) => {
                now.checked_sub(SignedDuration::from_hours(24 * i64::from(days))).unwrap_or(Timestamp::MIN)
            }
        }
    }
}

/// When a scheme that a list writes takes over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Activate {
    /// At once.
    Now,
    /// At this instant.
    At(Timestamp),
    /// Not: it waits on the meter's passive side.
    Never,
}

/// What to do with each meter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Read it.
    Read {
        /// Which things.
        what: BTreeSet<What>,
        /// Start of profiles and logs; what is missing where there is none.
        from: Option<Since>,
    },
    /// Write a scheme.
    WriteScheme {
        /// The scheme file's text.
        scheme: String,
        /// Its identity, to show.
        identity: String,
        /// When it takes over.
        activate: Activate,
    },
    /// Put its clock right, as gently as it can.
    AdjustClock,
}

impl Action {
    /// In words: `reads the clock, the registers`.
    #[must_use]
    pub fn in_words(&self) -> String {
        match self {
            Self::Read { what, from } => {
                let words: Vec<&str> = what.iter().map(|what| what.in_words()).collect();
                let from = match from {
                    None => String::new(),
                    Some(Since::Instant(at)) => format!(" from {at} on"),
                    Some(Since::Days(1)) => " of the last day".to_owned(),
                    Some(Since::Days(days)) => format!(" of the last {days} days"),
                };
                format!("reads {}{from}", words.join(", "))
            }
            Self::WriteScheme { identity, activate, .. } => {
                let when = match activate {
                    Activate::Now => "in force at once".to_owned(),
                    Activate::At(at) => format!("in force from {at}"),
                    Activate::Never => "to the passive side only".to_owned(),
                };
                format!("writes the scheme {identity}, {when}")
            }
            Self::AdjustClock => "puts the clock right".to_owned(),
        }
    }
}

/// A meter list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeterList {
    /// The name it goes by; unique in a store.
    pub name: String,
    /// Which meters.
    pub members: BTreeSet<Member>,
    /// Meters that are left out although a member names them.
    pub except: BTreeSet<MeterId>,
    /// What to do.
    pub action: Action,
    /// When; nothing where it is run by hand only.
    pub schedule: Option<Schedule>,
    /// Whether the schedule rests until somebody goes on with it.
    pub paused: bool,
}

impl MeterList {
    /// An empty list that is run by hand.
    #[must_use]
    pub fn new(name: impl Into<String>, action: Action) -> Self {
        Self {
            name: name.into(),
            members: BTreeSet::new(),
            except: BTreeSet::new(),
            action,
            schedule: None,
            paused: false,
        }
    }

    /// Whether a meter is on the list.
    #[must_use]
    pub fn contains(&self, id: MeterId, config: &MeterConfig) -> bool {
        !self.except.contains(&id) && self.members.iter().any(|member| member.contains(id, config))
    }

    /// Takes a member in.
    pub fn add(&mut self, member: Member) {
        if let Member::Meter(id) = member {
            self.except.remove(&id);
        }
        self.members.insert(member);
    }

    /// Takes a member off; a meter that came with a group or a filter is left out of it.
    pub fn remove(&mut self, member: &Member) {
        self.members.remove(member);
        if let Member::Meter(id) = member {
            self.except.insert(*id);
        }
    }
}

impl fmt::Display for Member {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => out.write_str("all meters"),
            Self::Meter(id) => write!(out, "meter number {}", id.0),
            Self::Group(group) => write!(out, "group {group}"),
            Self::Template(template) => write!(out, "template {template}"),
            Self::Line(line) => write!(out, "line {line}"),
        }
    }
}

impl MeterConfig {
    /// The line that it shares with others, for sums by line: without what tells one meter behind a gateway from
    /// another.
    #[must_use]
    pub fn shared_line(&self) -> String {
        Line { gateway: None, ..self.line.clone() }.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(name: &str, line: &str, group: Option<&str>) -> MeterConfig {
        MeterConfig { group: group.map(str::to_owned), ..MeterConfig::new(name, line.parse().unwrap()) }
    }

    fn reading() -> Action {
        Action::Read { what: [What::Clock, What::Registers].into(), from: None }
    }

    #[test]
    fn a_list_names_meters_groups_templates_and_lines() {
        let mut list = MeterList::new("Nightly", reading());
        list.add(Member::Group("North".to_owned()));
        list.add(Member::Line("tcp://ts1".to_owned()));
        list.add(Member::Meter(MeterId(9)));
        let north = config("A", "tcp://a", Some("North/Mill Lane"));
        let northern = config("B", "tcp://b", Some("Northern"));
        let served = config("C", "tcp://ts1:4059#gateway=1/2", None);
        assert!(list.contains(MeterId(1), &north));
        assert!(!list.contains(MeterId(2), &northern), "a group is no beginning of a word");
        assert!(list.contains(MeterId(3), &served));
        assert!(list.contains(MeterId(9), &northern));
    }

    #[test]
    fn a_meter_that_came_with_its_group_can_be_left_out_and_taken_in_again() {
        let mut list = MeterList::new("Nightly", reading());
        list.add(Member::All);
        let one = config("A", "tcp://a", None);
        list.remove(&Member::Meter(MeterId(1)));
        assert!(!list.contains(MeterId(1), &one) && list.contains(MeterId(2), &one));
        list.add(Member::Meter(MeterId(1)));
        assert!(list.contains(MeterId(1), &one));
    }

    #[test]
    fn a_list_reads_back_as_it_was_written() {
        let mut list = MeterList::new("Nightly", reading());
        list.add(Member::Template("dlms-idis".to_owned()));
        let text = serde_json::to_string(&list).unwrap();
        assert_eq!(serde_json::from_str::<MeterList>(&text).unwrap(), list);
        assert_eq!(list.action.in_words(), "reads the clock, the registers");
    }

    #[test]
    fn meters_behind_one_gateway_share_its_line() {
        let one = config("A", "tcp://gw:4059#gateway=1/2", None);
        let other = config("B", "tcp://gw:4059#gateway=1/3", None);
        assert_eq!(one.shared_line(), other.shared_line());
    }
}
