//! Makers' keys that are trusted to sign images: a list in the settings, changed with a row in the audit chain.

use jiff::Timestamp;
use rusqlite::Connection;
use serde::{Deserialize, Serialize};

use crate::model::hex;

use super::columns::{from_json, to_json};
use super::error::Trouble;
use super::settings;
use super::{Store, StoreError, StoreReader};

/// The setting that holds the list; nothing else writes it.
pub(super) const SETTING: &str = "firmware.maker-keys";

/// A P-256 public key whose signatures within images are believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MakerKeyRow {
    /// The point, written out: 04h, x and y.
    pub public: [u8; 65],
    /// For people.
    pub name: String,
    /// Since when it is trusted.
    pub trusted_at: Timestamp,
}

/// As it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    public: String,
    name: String,
    trusted_at: Timestamp,
}

fn point(digits: &str) -> Option<[u8; 65]> {
    let pairs = digits.as_bytes().chunks(2).map(|pair| {
        let pair = std::str::from_utf8(pair).ok().filter(|pair| pair.len() == 2)?;
        u8::from_str_radix(pair, 16).ok()
    });
    pairs.collect::<Option<Vec<u8>>>()?.try_into().ok()
}

fn read(connection: &Connection) -> Result<Vec<MakerKeyRow>, Trouble> {
    let Some(text) = settings::get(connection, SETTING)? else { return Ok(Vec::new()) };
    let kept: Vec<Kept> = from_json(&text, "the list of makers' keys")?;
    let row = |one: Kept| {
        let public = point(&one.public).ok_or_else(|| Trouble::Damaged("a maker's key".to_owned()))?;
        Ok(MakerKeyRow { public, name: one.name, trusted_at: one.trusted_at })
    };
    kept.into_iter().map(row).collect()
}

fn put(connection: &Connection, rows: &[MakerKeyRow]) -> Result<(), Trouble> {
    let kept = |row: &MakerKeyRow| Kept {
        public: hex(&row.public),
        name: row.name.clone(),
        trusted_at: row.trusted_at,
    };
    let text = to_json(&rows.iter().map(kept).collect::<Vec<_>>())?;
    settings::put(connection, SETTING, &text)
}

impl StoreReader {
    /// The makers' keys that are trusted, by name.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn maker_keys(&self) -> Result<Vec<MakerKeyRow>, StoreError> {
        self.read(read)
    }
}

impl Store {
    /// Trusts a maker's key from now on; the audit chain records it.
    ///
    /// # Errors
    /// It is trusted already, or its name is taken.
    pub fn trust_maker_key(
        &mut self,
        now: Timestamp,
        public: &[u8; 65],
        name: &str,
    ) -> Result<(), StoreError> {
        self.write(|connection, actor| {
            let mut rows = read(connection)?;
            if let Some(known) = rows.iter().find(|row| row.public == *public || row.name == name) {
                return Err(Trouble::Request(format!(
                    "the maker's key, or another of its name, is trusted already: {}",
                    known.name
                )));
            }
            rows.push(MakerKeyRow { public: *public, name: name.to_owned(), trusted_at: now });
            rows.sort_by(|one, other| one.name.cmp(&other.name));
            put(connection, &rows)?;
            let detail = format!("{name}: {}", hex(public));
            super::audit::append(connection, now, actor, "maker's key trusted", &detail)
        })
    }

    /// Withdraws the trust in a maker's key; the audit chain records it.
    ///
    /// # Errors
    /// It was not trusted.
    pub fn untrust_maker_key(&mut self, now: Timestamp, public: &[u8; 65]) -> Result<(), StoreError> {
        self.write(|connection, actor| {
            let mut rows = read(connection)?;
            let place = rows.iter().position(|row| row.public == *public);
            let place =
                place.ok_or_else(|| Trouble::Request("this maker's key is not trusted".to_owned()))?;
            let gone = rows.remove(place);
            put(connection, &rows)?;
            let detail = format!("{}: {}", gone.name, hex(public));
            super::audit::append(connection, now, actor, "maker's key no longer trusted", &detail)
        })
    }
}
