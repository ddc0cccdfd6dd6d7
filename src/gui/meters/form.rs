//! What a person enters about a meter, and what is wrong with it: no drawing here.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;

use crate::model::{
    Auth, Catalogue, Line, LinePath, MeterConfig, MeterId, MeterSecrets, Secret, SecretKind, Security,
    ServerAddress, Side, SystemTitle,
};
use crate::store::MeterRow;

/// Secrets that a meter can have.
pub(super) const SECRETS: [SecretKind; 4] =
    [SecretKind::Password, SecretKind::EncryptionKey, SecretKind::AuthenticationKey, SecretKind::MasterKey];

/// A secret's name for people.
#[must_use]
pub(super) const fn secret_title(kind: SecretKind) -> &'static str {
    match kind {
        SecretKind::Password => "Password",
        SecretKind::EncryptionKey => "Encryption key",
        SecretKind::AuthenticationKey => "Authentication key",
        SecretKind::MasterKey => "Master key",
        SecretKind::SigningKey => "Signing key",
        SecretKind::Passphrase => "Passphrase",
    }
}

/// The texts of the form.
#[derive(Clone, Debug)]
pub(super) struct Entered {
    /// Name.
    pub name: String,
    /// Serial number.
    pub serial: String,
    /// Line.
    pub line: String,
    /// Template.
    pub template: String,
    /// Server address.
    pub address: String,
    /// Client address.
    pub client: String,
    /// Client title.
    pub client_title: String,
    /// Server title.
    pub server_title: String,
    /// Authentication.
    pub auth: Auth,
    /// Protection.
    pub security: Security,
    /// Metering point.
    pub point: String,
    /// Group.
    pub group: String,
    /// Time zone.
    pub time_zone: String,
    /// Side of the transformers.
    pub registers_in: Side,
    /// Note.
    pub note: String,
    /// Secrets as typed.
    pub secrets: BTreeMap<SecretKind, Typed>,
}

/// A secret as typed. It is wiped when the form goes, and never shown by `Debug`.
#[derive(Clone, Default, zeroize::Zeroize, zeroize::ZeroizeOnDrop)]
pub(super) struct Typed {
    /// The text.
    pub text: String,
    /// Remove the one that is kept.
    pub remove: bool,
}

impl std::fmt::Debug for Typed {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Typed(…)")
    }
}

/// A field of the form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Field {
    /// Name.
    Name,
    /// Line.
    Line,
    /// Server address.
    Address,
    /// Client address.
    Client,
    /// Client title.
    ClientTitle,
    /// Server title.
    ServerTitle,
    /// Time zone.
    TimeZone,
    /// Template.
    Template,
    /// A secret.
    Secret(SecretKind),
}

/// What is wrong, by field.
pub(super) type Problems = BTreeMap<Field, String>;

/// What the form gives when nothing is wrong.
#[derive(Clone, Debug)]
pub(super) struct Meter {
    /// Settings.
    pub config: MeterConfig,
    /// Secrets that were typed.
    pub secrets: MeterSecrets,
    /// Secrets to replace or remove.
    pub changes: BTreeMap<SecretKind, Option<Secret>>,
}

fn some(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

impl Entered {
    /// The form for a new meter.
    #[must_use]
    pub(super) fn new(group: Option<String>) -> Self {
        // Any line will do: its text is replaced by an empty one.
        let line = Line {
            path: LinePath::Tcp(crate::model::HostPort { host: String::new(), port: 4059 }),
            gateway: None,
            medium: crate::model::Medium::Direct,
        };
        let mut entered = Self::of(&MeterConfig::new("", line));
        entered.line = String::new();
        entered.group = group.unwrap_or_default();
        entered
    }

    /// The form of a meter as it is.
    #[must_use]
    pub(super) fn of(config: &MeterConfig) -> Self {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        Self {
            name: config.name.clone(),
            serial: text(&config.serial),
            line: config.line.to_string(),
            template: config.template.clone(),
            address: config.address.map(|address| address.to_string()).unwrap_or_default(),
            client: config.client.map(|client| client.to_string()).unwrap_or_default(),
            client_title: config.client_title.map(|title| title.to_string()).unwrap_or_default(),
            server_title: config.server_title.map(|title| title.to_string()).unwrap_or_default(),
            auth: config.auth,
            security: config.security,
            point: text(&config.point),
            group: text(&config.group),
            time_zone: text(&config.time_zone),
            registers_in: config.registers_in,
            note: config.note.clone(),
            secrets: SECRETS.iter().map(|kind| (*kind, Typed::default())).collect(),
        }
    }

    /// Reads the texts.
    ///
    /// # Errors
    /// What is wrong, by field, in the model's own words.
    pub(super) fn read(
        &self,
        id: Option<MeterId>,
        others: &[MeterRow],
        templates: &Catalogue,
    ) -> Result<Meter, Problems> {
        let mut problems = Problems::new();
        let name = self.name.trim().to_owned();
        if name.is_empty() {
            problems.insert(Field::Name, "a meter needs a name".to_owned());
        } else if others.iter().any(|other| Some(other.id) != id && other.config.name == name) {
            problems
                .insert(Field::Name, format!("there is a meter named `{name}` already: choose another name"));
        }
        let line = self.line.parse::<Line>().map_err(|error| error.to_string());
        let line = keep(&mut problems, Field::Line, line);
        let address = optional(&mut problems, Field::Address, &self.address, |text| {
            text.parse::<ServerAddress>().map_err(|error| error.to_string())
        });
        let client = optional(&mut problems, Field::Client, &self.client, |text| {
            text.parse::<u16>()
                .map_err(|_| format!("`{text}` is not a client address: write a number from 0 to 65535"))
        });
        let client_title =
            optional(&mut problems, Field::ClientTitle, &self.client_title, str::parse::<SystemTitle>);
        let server_title =
            optional(&mut problems, Field::ServerTitle, &self.server_title, str::parse::<SystemTitle>);
        let time_zone = optional(&mut problems, Field::TimeZone, &self.time_zone, |text| {
            let known = TimeZone::get(text).map(|_| text.to_owned());
            known
                .map_err(|_| format!("`{text}` is not a time zone: write an IANA name such as Europe/London"))
        });
        if let Err(error) = templates.shared(&self.template) {
            problems.insert(Field::Template, error.to_string());
        }
        let (secrets, changes) = self.read_secrets(&mut problems);
        match line {
            Some(line) if problems.is_empty() => {
                let config = MeterConfig {
                    name,
                    serial: some(&self.serial),
                    line,
                    template: self.template.clone(),
                    address,
                    client,
                    client_title,
                    server_title,
                    auth: self.auth,
                    security: self.security,
                    point: some(&self.point),
                    group: some(&self.group),
                    time_zone,
                    registers_in: self.registers_in,
                    note: self.note.trim().to_owned(),
                };
                Ok(Meter { config, secrets, changes })
            }
            _ => Err(problems),
        }
    }

    fn read_secrets(&self, problems: &mut Problems) -> (MeterSecrets, BTreeMap<SecretKind, Option<Secret>>) {
        let mut secrets = MeterSecrets::default();
        let mut changes = BTreeMap::new();
        for (kind, typed) in &self.secrets {
            if typed.remove {
                changes.insert(*kind, None);
            } else if !typed.text.is_empty() {
                match kind.parse(&typed.text) {
                    Ok(secret) => {
                        changes.insert(*kind, Some(secret.clone()));
                        secrets.set(*kind, secret);
                    }
                    Err(error) => {
                        problems.insert(Field::Secret(*kind), error.to_string());
                    }
                }
            }
        }
        (secrets, changes)
    }

    /// Secrets that this authentication and protection will ask for and that are neither typed nor kept.
    #[must_use]
    pub(super) fn missing_secrets(&self, kept: &[SecretKind]) -> Vec<SecretKind> {
        let ciphered = self.security != Security::None || self.auth == Auth::HighGmac;
        let password = matches!(self.auth, Auth::Low | Auth::HighMd5 | Auth::HighSha1 | Auth::HighSha256);
        let wanted = [
            (SecretKind::Password, password),
            (SecretKind::EncryptionKey, ciphered),
            (SecretKind::AuthenticationKey, ciphered && self.security != Security::Encrypted),
        ];
        let there = |kind: SecretKind| {
            let typed = self.secrets.get(&kind);
            typed.is_some_and(|typed| !typed.text.is_empty())
                || kept.contains(&kind) && typed.is_none_or(|typed| !typed.remove)
        };
        wanted.into_iter().filter(|(kind, wanted)| *wanted && !there(*kind)).map(|(kind, _)| kind).collect()
    }
}

fn keep<T>(problems: &mut Problems, field: Field, read: Result<T, String>) -> Option<T> {
    read.map_err(|reason| problems.insert(field, reason)).ok()
}

fn optional<T>(
    problems: &mut Problems,
    field: Field,
    text: &str,
    read: impl FnOnce(&str) -> Result<T, String>,
) -> Option<T> {
    some(text).and_then(|text| keep(problems, field, read(&text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Entered {
        let mut entered = Entered::new(None);
        entered.name = "Mill Lane 4".to_owned();
        entered.line = "tcp://10.0.0.7:4059".to_owned();
        entered
    }

    #[test]
    fn what_is_read_back_is_what_was_there() {
        let mut config = MeterConfig::new("Kiln", "serial:/dev/ttyUSB0?optical".parse().unwrap());
        config.address = Some("1/17@4".parse().unwrap());
        config.client = Some(32);
        config.client_title = Some("MTW00001".parse().unwrap());
        config.auth = Auth::HighGmac;
        config.security = Security::Both;
        config.group = Some("North/Works".to_owned());
        config.time_zone = Some("Europe/London".to_owned());
        config.registers_in = Side::Primary;
        let read = Entered::of(&config).read(Some(MeterId(1)), &[], &Catalogue::default()).unwrap();
        assert_eq!(read.config, config);
        assert!(read.changes.is_empty(), "secrets that were not touched are not changed");
    }

    #[test]
    fn every_wrong_field_is_named_in_the_models_own_words() {
        let mut entered = good();
        entered.name = " ".to_owned();
        entered.line = "meter:4059".to_owned();
        entered.address = "1/2/3".to_owned();
        entered.client = "x".to_owned();
        entered.client_title = "short".to_owned();
        entered.time_zone = "Mars/Olympus".to_owned();
        entered.secrets.get_mut(&SecretKind::EncryptionKey).unwrap().text = "00".to_owned();
        let problems = entered.read(None, &[], &Catalogue::default()).unwrap_err();
        assert_eq!(problems.len(), 7, "{problems:?}");
        assert_eq!(problems[&Field::Line], "meter:4059".parse::<Line>().unwrap_err().to_string());
        assert!(problems[&Field::Secret(SecretKind::EncryptionKey)].contains("16"));
    }

    #[test]
    fn a_name_that_is_taken_is_refused_except_for_the_meter_itself() {
        let config = MeterConfig::new("Mill Lane 4", "tcp://a:1".parse().unwrap());
        let row = MeterRow {
            id: MeterId(4),
            config,
            last_read: None,
            last_result: None,
            last_ok: None,
            drift_ms: None,
        };
        assert!(
            good()
                .read(None, std::slice::from_ref(&row), &Catalogue::default())
                .unwrap_err()
                .contains_key(&Field::Name)
        );
        assert!(good().read(Some(MeterId(4)), &[row], &Catalogue::default()).is_ok());
    }

    #[test]
    fn secrets_that_will_be_asked_for_are_missed_before_the_meter_is_called() {
        let mut entered = good();
        entered.auth = Auth::HighGmac;
        let missing = entered.missing_secrets(&[SecretKind::EncryptionKey]);
        assert_eq!(missing, [SecretKind::AuthenticationKey]);
        entered.auth = Auth::Low;
        assert_eq!(entered.missing_secrets(&[]), [SecretKind::Password]);
    }

    #[test]
    fn typed_secrets_are_never_shown_by_debug() {
        let mut entered = good();
        entered.secrets.get_mut(&SecretKind::Password).unwrap().text = "MARKED".to_owned();
        assert!(!format!("{entered:?}").contains("MARKED"));
    }
}
