//! People, their roles, and what each role may do.
//!
//! A store has either one user, who may do everything, or people with roles. What is asked for is held against the
//! role in one place, `comms::rights`; windows and command line ask [`Standing`] only to say beforehand what will be
//! refused.

use std::fmt;
use std::str::FromStr;

use super::Fault;

/// What a person may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Looks at what is stored.
    Viewer,
    /// Reads meters too.
    Reader,
    /// Works at meters: clock, billing reset, contactor, ratios, exchange, firmware that passes every check.
    Technician,
    /// Reads meters and programs schemes.
    Designer,
    /// Does what technicians and designers do, and keeps meters, templates, lists and limits.
    Engineer,
    /// Does everything: people, trusted keys, overrides, retention.
    Administrator,
}

/// Something that not everybody may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Right {
    /// See what is stored.
    Look,
    /// Read meters, try connections, look for meters, take what they push.
    ReadMeters,
    /// Set and adjust meters' clocks.
    SetClock,
    /// End billing periods.
    BillingReset,
    /// Open, arm and close contactors.
    Contactor,
    /// Keep transformer ratios, and write them to meters.
    Ratios,
    /// Exchange a meter for another at its point.
    ExchangeMeters,
    /// Flash firmware that passes every check.
    Flash,
    /// Program schemes into meters.
    WriteSchemes,
    /// Add, change and remove meters and their points, secrets included.
    KeepMeters,
    /// Change what is known of meter models.
    KeepTemplates,
    /// Add, change and remove meter lists.
    KeepLists,
    /// Set how many sessions and connections there may be.
    Limits,
    /// Say for how long things are kept.
    Retention,
    /// Say which keys may sign firmware.
    TrustKeys,
    /// Let an older firmware replace a later one.
    OverrideDowngrade,
    /// Use a vendor's own AS230 flashing file.
    VendorProcedure,
    /// Add and change people, and the vault's key.
    People,
}

impl Role {
    /// All roles, the one that may least first.
    pub const ALL: [Self; 6] =
        [Self::Viewer, Self::Reader, Self::Technician, Self::Designer, Self::Engineer, Self::Administrator];

    /// The word on the command line and in the store.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Reader => "reader",
            Self::Technician => "technician",
            Self::Designer => "designer",
            Self::Engineer => "engineer",
            Self::Administrator => "administrator",
        }
    }

    /// With its article: `an engineer`.
    #[must_use]
    pub const fn one(self) -> &'static str {
        match self {
            Self::Viewer => "a viewer",
            Self::Reader => "a reader",
            Self::Technician => "a technician",
            Self::Designer => "a designer",
            Self::Engineer => "an engineer",
            Self::Administrator => "an administrator",
        }
    }

    /// What people of this role do, in a sentence for a form.
    #[must_use]
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Viewer => "Looks at what is stored",
            Self::Reader => "Looks, and reads meters",
            Self::Technician => "Reads meters; clock, billing reset, contactor, ratios, exchange, flashing",
            Self::Designer => "Reads meters; programs schemes",
            Self::Engineer => "All of these; keeps meters, templates, lists and limits",
            Self::Administrator => "Everything: people, trusted keys, overrides, retention",
        }
    }

    /// Whether people of this role may do something.
    #[must_use]
    pub const fn may(self, right: Right) -> bool {
        match right {
            Right::Look => true,
            Right::ReadMeters => !matches!(self, Self::Viewer),
            Right::SetClock
            | Right::BillingReset
            | Right::Contactor
            | Right::Ratios
            | Right::ExchangeMeters
            | Right::Flash => matches!(self, Self::Technician | Self::Engineer | Self::Administrator),
            Right::WriteSchemes => matches!(self, Self::Designer | Self::Engineer | Self::Administrator),
            Right::KeepMeters | Right::KeepTemplates | Right::KeepLists | Right::Limits => {
                matches!(self, Self::Engineer | Self::Administrator)
            }
            Right::Retention
            | Right::TrustKeys
            | Right::OverrideDowngrade
            | Right::VendorProcedure
            | Right::People => matches!(self, Self::Administrator),
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.word())
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|role| role.word() == text);
        found.ok_or_else(|| {
            "a role is viewer, reader, technician, designer, engineer or administrator".to_owned()
        })
    }
}

impl Right {
    /// All rights.
    pub const ALL: [Self; 18] = [
        Self::Look,
        Self::ReadMeters,
        Self::SetClock,
        Self::BillingReset,
        Self::Contactor,
        Self::Ratios,
        Self::ExchangeMeters,
        Self::Flash,
        Self::WriteSchemes,
        Self::KeepMeters,
        Self::KeepTemplates,
        Self::KeepLists,
        Self::Limits,
        Self::Retention,
        Self::TrustKeys,
        Self::OverrideDowngrade,
        Self::VendorProcedure,
        Self::People,
    ];

    /// What it is to do, as in `setting clocks`.
    #[must_use]
    pub const fn doing(self) -> &'static str {
        match self {
            Self::Look => "looking at what is stored",
            Self::ReadMeters => "reading meters",
            Self::SetClock => "setting clocks",
            Self::BillingReset => "ending billing periods",
            Self::Contactor => "switching contactors",
            Self::Ratios => "changing transformer ratios",
            Self::ExchangeMeters => "exchanging meters",
            Self::Flash => "flashing firmware",
            Self::WriteSchemes => "programming schemes",
            Self::KeepMeters => "changing the list of meters",
            Self::KeepTemplates => "changing templates",
            Self::KeepLists => "changing meter lists",
            Self::Limits => "changing limits",
            Self::Retention => "changing how long things are kept",
            Self::TrustKeys => "changing which keys are trusted",
            Self::OverrideDowngrade => "overriding the refusal of a downgrade",
            Self::VendorProcedure => "using a vendor's own flashing file",
            Self::People => "changing people and the vault",
        }
    }

    /// Who may: `technicians, engineers and administrators`.
    #[must_use]
    pub fn who_may(self) -> String {
        let who: Vec<String> =
            Role::ALL.into_iter().filter(|role| role.may(self)).map(|role| format!("{role}s")).collect();
        match who.split_last() {
            Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
            Some((last, _)) => last.clone(),
            None => "nobody".to_owned(),
        }
    }
}

/// Who acts here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    /// The store has one user, who may do everything.
    #[default]
    Alone,
    /// The store has people, and none of them is signed in here.
    Nobody,
    /// A person is signed in.
    SignedIn(Person),
}

/// A person who is signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Name.
    pub name: String,
    /// Role.
    pub role: Role,
    /// The windows are locked: what was begun goes on, nothing new is taken.
    pub is_locked: bool,
    /// Who is to be asked for more.
    pub administrators: Vec<String>,
}

impl Standing {
    /// Whether this may be done, or the refusal in words: what it is, who may, and whom to ask.
    ///
    /// # Errors
    /// It may not: a fault of the user that [is a refusal](Fault::refused).
    pub fn check(&self, right: Right) -> Result<(), Fault> {
        let who = match self {
            Self::Alone => return Ok(()),
            Self::Nobody => {
                return Err(Fault::refused(
                    format!("{} needs somebody who is signed in", right.doing()),
                    format!("sign in as one of the {}", right.who_may()),
                ));
            }
            Self::SignedIn(who) => who,
        };
        if who.is_locked {
            return Err(Fault::refused(
                format!("{} has locked the windows", who.name),
                "unlock them with the passphrase",
            ));
        }
        if who.role.may(right) {
            return Ok(());
        }
        let ask = match who.administrators.as_slice() {
            [] => "ask an administrator".to_owned(),
            [one] => format!("ask {one}, who is administrator here"),
            many => format!("ask one of the administrators here: {}", many.join(", ")),
        };
        Err(Fault::refused(
            format!("{} is for {}, and {} is {}", right.doing(), right.who_may(), who.name, who.role.one()),
            ask,
        ))
    }

    /// Whether this may be done.
    #[must_use]
    pub fn may(&self, right: Right) -> bool {
        self.check(right).is_ok()
    }

    /// The person's name; nothing where nobody is signed in or there is but one user.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::SignedIn(person) => Some(&person.name),
            Self::Alone | Self::Nobody => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(role: Role) -> Standing {
        let administrators = vec!["alice".to_owned()];
        Standing::SignedIn(Person { name: "bob".to_owned(), role, is_locked: false, administrators })
    }

    /// The table of rights, one line a role in the order of `Role::ALL`, one column a right in that of `Right::ALL`.
    const TABLE: [&str; 6] = [
        "+.................",
        "++................",
        "++++++++..........",
        "++......+.........",
        "+++++++++++++.....",
        "++++++++++++++++++",
    ];

    #[test]
    fn every_role_has_the_rights_of_the_table_and_no_other() {
        for (role, line) in Role::ALL.into_iter().zip(TABLE) {
            let found: String =
                Right::ALL.into_iter().map(|right| if role.may(right) { '+' } else { '.' }).collect();
            assert_eq!(found, line, "{role}");
        }
    }

    #[test]
    fn a_refusal_says_who_may_and_whom_to_ask() {
        let fault = person(Role::Viewer).check(Right::Contactor).unwrap_err();
        assert!(fault.refused);
        let text = fault.to_string();
        assert!(text.contains("technicians, engineers and administrators"), "{text}");
        assert!(text.contains("bob is a viewer") && text.contains("ask alice"), "{text}");
        assert!(person(Role::Technician).check(Right::Contactor).is_ok());
    }

    #[test]
    fn one_user_may_everything_and_nobody_nothing() {
        assert!(Right::ALL.into_iter().all(|right| Standing::Alone.may(right)));
        assert!(!Right::ALL.into_iter().any(|right| Standing::Nobody.may(right)));
    }

    #[test]
    fn behind_a_lock_nothing_is_taken() {
        let Standing::SignedIn(person) = person(Role::Administrator) else { unreachable!() };
        let locked = Standing::SignedIn(Person { is_locked: true, ..person });
        assert!(!Right::ALL.into_iter().any(|right| locked.may(right)));
    }

    #[test]
    fn a_roles_word_reads_back() {
        assert!(Role::ALL.into_iter().all(|role| role.word().parse() == Ok(role)));
        assert!("boss".parse::<Role>().unwrap_err().contains("designer"));
    }
}
