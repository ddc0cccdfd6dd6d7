//! Values that files and JSON keep as the text that people type.

/// Serialises a type through its `Display` and reads it back through its `FromStr`.
macro_rules! serde_as_text {
    ($type:ty) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <String as serde::Deserialize>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

pub(crate) use serde_as_text;

/// Why a text is not one of the words that may stand there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {what}")]
pub struct WordError {
    /// What was given, shortened.
    pub text: String,
    /// What it should have been, and what is allowed.
    pub what: String,
}

impl WordError {
    /// For a text that is not `what`.
    pub(crate) fn new(text: &str, what: &str) -> Self {
        Self { text: text.chars().take(60).collect(), what: what.to_owned() }
    }
}

/// A closed list of words as they stand in files, in JSON and on the command line, each perhaps with words for people.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident: $what:literal {
        $($(#[$vdoc:meta])* $variant:ident = $word:literal $(=> $people:literal)?),+ $(,)?
    }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$vdoc])* $variant),+
        }

        impl $name {
            /// All of them, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word in files, in JSON and on the command line.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            $crate::model::text::words!(@people $(Self::$variant $(=> $people)?),+);
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                out.write_str(self.word())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::model::WordError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let found = Self::ALL.iter().find(|one| one.word() == text);
                found.copied().ok_or_else(|| {
                    let list = $crate::model::text::words!(@list $($word),+);
                    $crate::model::WordError::new(text, &format!("{}: write {list}", $what))
                })
            }
        }
    };
    (@list $first:literal $(, $word:literal)*) => { concat!($first $(, ", ", $word)*) };
    (@people $($variant:path => $people:literal),+) => {
        /// The words for people.
        #[must_use]
        pub const fn in_words(self) -> &'static str {
            match self { $($variant => $people),+ }
        }
    };
    (@people $($variant:path),+) => {};
}

pub(crate) use words;

/// Octets as upper-case hex without spaces.
#[must_use]
pub fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02X}")).collect()
}

/// Octets as lower-case hex without spaces, as sums of files are written.
#[must_use]
pub fn lower_hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// `1 meter`, `2 meters`.
#[must_use]
pub fn counted(count: impl TryInto<u64>, what: &str) -> String {
    match count.try_into().unwrap_or(u64::MAX) {
        1 => format!("1 {what}"),
        count => format!("{count} {what}s"),
    }
}
