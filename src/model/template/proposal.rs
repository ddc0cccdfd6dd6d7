//! A template that was learnt from a meter, and how much of it is known.

/// How something in a proposal is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Basis {
    /// The meter showed it.
    Observed,
    /// It follows from what the meter showed, or from what most meters do.
    Guessed,
    /// No meter tells it: somebody has to look it up.
    ByHand,
}

impl Basis {
    /// As in JSON: `observed`, `guessed`, `by-hand`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Observed => "observed",
            Self::Guessed => "guessed",
            Self::ByHand => "by-hand",
        }
    }
}

/// One thing that is said of a proposal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// How it is known.
    pub basis: Basis,
    /// Which part of the template it is about, as a JSON pointer; empty for none in particular.
    pub pointer: String,
    /// In one sentence without a full stop.
    pub text: String,
}

/// A template that was learnt from a meter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// The meter, by name.
    pub meter: String,
    /// The template as JSON.
    pub text: String,
    /// What was observed, what was guessed, what is to be filled in by hand.
    pub remarks: Vec<Remark>,
}
