//! A meter's settings as options of `meter add` and `meter set`.

use std::str::FromStr;

use clap::Args;

use crate::cli::on_side::side;

use crate::model::{
    Auth, Line, MeterConfig, MeterSecrets, SecretKind, Security, ServerAddress, Side, SystemTitle,
};

/// A setting that an empty text takes away.
fn text(value: &str) -> Option<String> {
    Some(value.trim().to_owned()).filter(|value| !value.is_empty())
}

/// A setting as typed: an empty text takes it away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Change<T>(Option<T>);

impl<T: FromStr<Err: ToString>> FromStr for Change<T> {
    type Err = String;

    fn from_str(typed: &str) -> Result<Self, String> {
        match typed.trim() {
            "" => Ok(Self(None)),
            typed => typed.parse().map(|value| Self(Some(value))).map_err(|error: T::Err| error.to_string()),
        }
    }
}

impl<T: Copy> Change<T> {
    fn apply(change: Option<Self>, setting: &mut Option<T>) {
        if let Some(Self(value)) = change {
            *setting = value;
        }
    }
}

/// Settings that may be left out.
#[derive(Args, Clone, Debug)]
pub(super) struct Settings {
    /// The meter model's template [default: dlms-generic]
    #[arg(long, value_name = "T")]
    template: Option<String>,
    /// Serial number on the plate; the first read fills it in where it is left out
    #[arg(long, value_name = "S")]
    serial: Option<String>,
    /// Server address: 1, 1/17 (logical/physical), with @1, @2 or @4 bytes [default: the template's]
    #[arg(long, value_name = "A")]
    address: Option<Change<ServerAddress>>,
    /// Client address (SAP) [default: the template's]
    #[arg(long, value_name = "N")]
    client: Option<Change<u16>>,
    /// This program's own system title towards the meter, 16 hex digits [default: the store's own]
    #[arg(long, value_name = "HEX")]
    client_title: Option<Change<SystemTitle>>,
    /// The meter's system title, for associations that are always there
    #[arg(long, value_name = "HEX")]
    server_title: Option<Change<SystemTitle>>,
    /// none, low, high-md5, high-sha1, high-gmac, high-sha256 or high-ecdsa
    #[arg(long, value_name = "AUTH")]
    auth: Option<Auth>,
    /// none, auth, encrypt or both
    #[arg(long, value_name = "LEVEL")]
    security: Option<Security>,
    /// Metering point
    #[arg(long, value_name = "P")]
    point: Option<String>,
    /// Group; `/` makes a tree
    #[arg(long, value_name = "G")]
    group: Option<String>,
    /// The meter's time zone, such as Europe/London [default: this computer's]
    #[arg(long, value_name = "ZONE")]
    time_zone: Option<String>,
    /// Which side of the transformers the registers stand for: primary or secondary [default: secondary]
    #[arg(long, value_name = "SIDE", value_parser = side)]
    registers_in: Option<Side>,
    /// Free text
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
}

impl Settings {
    /// Puts what was given in its place. An empty text takes a setting away.
    pub(super) fn apply(&self, config: &mut MeterConfig, line: Option<&Line>) {
        if let Some(line) = line {
            config.line = line.clone();
        }
        if let Some(template) = &self.template {
            config.template.clone_from(template);
        }
        for (given, slot) in [
            (&self.serial, &mut config.serial),
            (&self.point, &mut config.point),
            (&self.group, &mut config.group),
            (&self.time_zone, &mut config.time_zone),
        ] {
            if let Some(given) = given {
                *slot = text(given);
            }
        }
        Change::apply(self.address, &mut config.address);
        Change::apply(self.client, &mut config.client);
        Change::apply(self.client_title, &mut config.client_title);
        Change::apply(self.server_title, &mut config.server_title);
        config.auth = self.auth.unwrap_or(config.auth);
        config.security = self.security.unwrap_or(config.security);
        config.registers_in = self.registers_in.unwrap_or(config.registers_in);
        if let Some(note) = &self.note {
            config.note.clone_from(note);
        }
    }
}

/// Secrets that the settings ask for and the meter does not have.
pub(super) fn missing_secrets(config: &MeterConfig, has: impl Fn(SecretKind) -> bool) -> Vec<SecretKind> {
    let mut wanted = Vec::new();
    if matches!(config.auth, Auth::Low | Auth::HighMd5 | Auth::HighSha1 | Auth::HighSha256) {
        wanted.push(SecretKind::Password);
    }
    if config.auth == Auth::HighGmac || config.security != Security::None {
        wanted.extend([SecretKind::EncryptionKey, SecretKind::AuthenticationKey]);
    }
    wanted.retain(|kind| !has(*kind));
    wanted
}

/// The note that tells of missing secrets; nothing where there is none.
pub(super) fn missing_note(config: &MeterConfig, has: impl Fn(SecretKind) -> bool) -> Option<String> {
    let missing = missing_secrets(config, has);
    let words: Vec<&str> = missing.iter().map(|kind| kind.word()).collect();
    let first = words.first()?;
    Some(format!(
        "note: with these settings {} cannot be read without its {}: `meterwright meter set` takes --secret {first}=prompt",
        config.name,
        words.join(" and ")
    ))
}

/// Whether a meter has a secret.
pub(super) fn has(secrets: &MeterSecrets) -> impl Fn(SecretKind) -> bool + '_ {
    |kind| secrets.get(kind).is_some()
}
