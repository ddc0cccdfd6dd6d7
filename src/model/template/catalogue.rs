//! All templates: those that ship with the program and those of a store. Whoever looks a template up asks a catalogue.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, OnceLock};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::check::check;
use super::{Problem, Template, TemplateError, written};
use crate::model::close_to;

pub(super) const SHIPPED: &[(&str, &str)] = &[
    ("dlms-generic", include_str!("../../../assets/templates/dlms-generic.json")),
    ("dlms-idis", include_str!("../../../assets/templates/dlms-idis.json")),
    ("dlms-meterwright", include_str!("../../../assets/templates/dlms-meterwright.json")),
    ("elster-a1140", include_str!("../../../assets/templates/elster-a1140.json")),
    ("elster-a1700", include_str!("../../../assets/templates/elster-a1700.json")),
    ("elster-as230", include_str!("../../../assets/templates/elster-as230.json")),
];

type Read = Result<Arc<Template>, TemplateError>;

/// The shipped ones, read once.
static SHIPPED_READ: LazyLock<BTreeMap<&str, Read>> = LazyLock::new(|| {
    SHIPPED.iter().map(|(name, text)| (*name, Template::parse(name, text).map(Arc::new))).collect()
});

/// Where a store's own template comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Origin {
    /// The template that it was copied from, by name.
    pub copied_from: Option<String>,
    /// The meter that it was learnt from, by name.
    pub learnt_from: Option<String>,
    /// The text as it was then, for telling what was changed since.
    pub text: String,
}

/// A template of a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnTemplate {
    /// The name that meters refer to.
    pub name: String,
    /// The template as JSON.
    pub text: String,
    /// Counts its changes, from 1.
    pub version: u32,
    /// When it was changed last.
    pub changed_at: Timestamp,
    /// Who changed it last.
    pub changed_by: String,
    /// Where it comes from; nothing where it was imported.
    pub origin: Option<Origin>,
}

#[derive(Debug)]
struct Own {
    row: OwnTemplate,
    read: OnceLock<Read>,
}

/// All templates. Cheap to copy; a template of the store is read when it is first asked for.
///
/// A name that ships is not to be had for an own template. Where a later version of this program ships one whose name
/// an own template has already, the own one goes on to count, since meters were set up with it, and
/// [`Entry::is_doubled`] says so.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    own: Arc<BTreeMap<String, Own>>,
}

/// One template of a catalogue.
#[derive(Clone, Debug)]
pub struct Entry<'c> {
    /// Its name.
    pub name: &'c str,
    /// Its text.
    pub text: &'c str,
    /// What the store knows of it; nothing where it ships with the program.
    pub own: Option<&'c OwnTemplate>,
    /// The template, or why it does not read.
    pub template: Read,
    /// A template of the same name ships with the program: this one counts.
    pub is_doubled: bool,
}

fn read_own(own: &Own) -> Read {
    own.read.get_or_init(|| Template::parse(&own.row.name, &own.row.text).map(Arc::new)).clone()
}

fn entry_of(own: &Own) -> Entry<'_> {
    let OwnTemplate { name, text, .. } = &own.row;
    let is_doubled = Catalogue::is_shipped(name);
    Entry { name, text, own: Some(&own.row), template: read_own(own), is_doubled }
}

impl Catalogue {
    /// With the templates of a store.
    #[must_use]
    pub fn of(own: Vec<OwnTemplate>) -> Self {
        let own = own.into_iter().map(|row| (row.name.clone(), Own { row, read: OnceLock::new() }));
        Self { own: Arc::new(own.collect()) }
    }

    /// With one more template, which is in no store; in the place of one of its name.
    #[must_use]
    pub fn with(&self, template: &Template) -> Self {
        let (name, text) = (template.name.clone(), written(template));
        let row = OwnTemplate {
            name,
            text,
            version: 1,
            changed_at: Timestamp::UNIX_EPOCH,
            changed_by: String::new(),
            origin: None,
        };
        let others = self.own.values().map(|own| own.row.clone()).filter(|own| own.name != row.name);
        Self::of(others.chain([row.clone()]).collect())
    }

    /// Whether a template of this name ships with the program.
    #[must_use]
    pub fn is_shipped(name: &str) -> bool {
        SHIPPED.iter().any(|(known, _)| *known == name)
    }

    /// The template of a name.
    ///
    /// # Errors
    /// There is none, or it does not read.
    pub fn named(&self, name: &str) -> Result<Template, TemplateError> {
        self.shared(name).map(|template| template.as_ref().clone())
    }

    /// The template of a name, not copied.
    ///
    /// # Errors
    /// There is none, or it does not read.
    pub fn shared(&self, name: &str) -> Result<Arc<Template>, TemplateError> {
        if let Some(own) = self.own.get(name) {
            return read_own(own);
        }
        SHIPPED_READ.get(name).cloned().unwrap_or_else(|| {
            let names: Vec<&str> = self.names().collect();
            let close = close_to(name, &names);
            let known = if close.is_empty() { names } else { close };
            Err(TemplateError::Unknown { name: name.to_owned(), known: known.join(", ") })
        })
    }

    /// The entry of a name.
    #[must_use]
    pub fn entry(&self, name: &str) -> Option<Entry<'_>> {
        if let Some(own) = self.own.get(name) {
            return Some(entry_of(own));
        }
        let (name, text) = SHIPPED.iter().find(|(known, _)| *known == name)?;
        let template = self.shared(name);
        Some(Entry { name, text, own: None, template, is_doubled: false })
    }

    /// All entries: the shipped ones in their order, then the store's by name.
    pub fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        let shipped = SHIPPED.iter().filter(|(name, _)| !self.own.contains_key(*name));
        let shipped = shipped.filter_map(|(name, _)| self.entry(name));
        shipped.chain(self.own.values().map(entry_of))
    }

    /// All names, in the order of [`Self::entries`].
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let shipped = SHIPPED.iter().map(|(name, _)| *name).filter(|name| !self.own.contains_key(*name));
        shipped.chain(self.own.keys().map(String::as_str))
    }

    /// Names with titles, for a field that opens a list.
    #[must_use]
    pub fn choices(&self) -> Vec<(String, String)> {
        let title = |entry: &Entry<'_>| {
            entry.template.as_ref().map_or_else(|_| entry.name.to_owned(), |template| template.title.clone())
        };
        self.entries().map(|entry| (entry.name.to_owned(), title(&entry))).collect()
    }

    /// A name like this one that no template has.
    #[must_use]
    pub fn free_name(&self, wanted: &str) -> String {
        let is_free = |name: &String| self.names().all(|known| known != name);
        let numbered = (2..).map(|number: u32| format!("{wanted}-{number}"));
        std::iter::once(wanted.to_owned()).chain(numbered).find(is_free).unwrap_or_default()
    }

    /// Whether a text may be kept in the store as an own template.
    ///
    /// # Errors
    /// What is wrong with it, or whose name it bears.
    pub fn admit(text: &str) -> Result<Template, TemplateError> {
        let checked = check(text);
        let found = checked.problems.iter().find(|problem| problem.is_error());
        let template = match (checked.template, found) {
            (Some(template), None) => template,
            (_, problem) => {
                let problem = problem.cloned().unwrap_or_else(nothing);
                return Err(TemplateError::of("", &problem));
            }
        };
        if Self::is_shipped(&template.name) {
            return Err(TemplateError::Value {
                name: template.name,
                message: "a template of this name ships with the program: give it another `name`".to_owned(),
            });
        }
        Ok(template)
    }
}

fn nothing() -> Problem {
    Problem::new(super::problem::Code::Syntax, "", "it does not read")
}
