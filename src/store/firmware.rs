//! Firmware: keys that are trusted, how far each flash has come, and campaigns.

use std::collections::BTreeSet;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::model::{CampaignPlan, CampaignState, FlashOutcome, FlashPhase, MeterId, hex};

use super::columns::{count, from_json, get, instant, maybe_instant, micros, require_meter, to_json, word};
use super::error::Trouble;
use super::{Store, StoreError, StoreReader};

/// What tells a package from every other: its id.
pub type PackageId = [u8; 32];

/// A public key that packages may be signed with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRow {
    /// The Ed25519 key.
    pub public: [u8; 32],
    /// For people.
    pub name: String,
    /// Since when it is trusted.
    pub trusted_at: Timestamp,
}

/// How far a package has come in a meter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlashRow {
    /// The phase that it was in last.
    pub phase: FlashPhase,
    /// How it stands.
    pub outcome: FlashOutcome,
    /// Blocks that the meter has.
    pub blocks_done: u32,
    /// All blocks; 0 before they are counted.
    pub blocks: u32,
    /// Why it does not go on, or what there is to know; in words.
    pub message: String,
    /// When this was written.
    pub updated: Timestamp,
    /// All that a later session needs to go on: a JSON document of `firmware`.
    pub state: String,
}

/// A campaign: one package into many meters, in waves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CampaignRow {
    /// Its number.
    pub id: i64,
    /// The package.
    pub package: PackageId,
    /// The package's file.
    pub file: String,
    /// The version that it brings.
    pub version: String,
    /// The package's manifest, as JSON.
    pub manifest: String,
    /// How it is carried out.
    pub plan: CampaignPlan,
    /// When it began.
    pub began: Timestamp,
    /// When it was over.
    pub ended: Option<Timestamp>,
    /// How it stands.
    pub state: CampaignState,
    /// Why it stands so, in words.
    pub reason: String,
}

/// A meter of a campaign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CampaignMeter {
    /// Which.
    pub meter: MeterId,
    /// Its name.
    pub name: String,
    /// Its wave; 0 is the canary group.
    pub wave: u32,
    /// How far it has come; nothing before it was begun.
    pub flash: Option<FlashRow>,
}

/// What a campaign begins with.
#[derive(Clone, Debug)]
pub struct NewCampaign<'a> {
    /// The package.
    pub package: PackageId,
    /// Its file.
    pub file: &'a str,
    /// The version that it brings.
    pub version: &'a str,
    /// Its manifest, as JSON.
    pub manifest: &'a str,
    /// How it is carried out.
    pub plan: &'a CampaignPlan,
    /// Its meters with their waves, in order.
    pub meters: &'a [(MeterId, u32)],
}

fn bytes<const N: usize>(bytes: &[u8], what: &str) -> Result<[u8; N], Trouble> {
    bytes.try_into().map_err(|_| Trouble::Damaged(format!("{what} has not {N} bytes")))
}

fn small(value: i64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

const FLASH: &str = "f.phase, f.outcome, f.blocks_done, f.blocks, f.message, f.updated, f.state";

/// The columns of [`FLASH`], the first of which is number `first`.
fn flash_row(row: &Row<'_>, first: usize) -> Result<FlashRow, Trouble> {
    Ok(FlashRow {
        phase: word(row, first)?,
        outcome: word(row, first + 1)?,
        blocks_done: small(get(row, first + 2)?),
        blocks: small(get(row, first + 3)?),
        message: get(row, first + 4)?,
        updated: instant(get(row, first + 5)?)?,
        state: get(row, first + 6)?,
    })
}

const CAMPAIGN: &str = "id, package, file, version, manifest, plan, began, ended, state, reason";

fn campaign_row(row: &Row<'_>) -> Result<CampaignRow, Trouble> {
    Ok(CampaignRow {
        id: get(row, 0)?,
        package: bytes(&get::<Vec<u8>>(row, 1)?, "a package's id")?,
        file: get(row, 2)?,
        version: get(row, 3)?,
        manifest: get(row, 4)?,
        plan: from_json(&get::<String>(row, 5)?, "a campaign's plan")?,
        began: instant(get(row, 6)?)?,
        ended: maybe_instant(get(row, 7)?)?,
        state: word(row, 8)?,
        reason: get(row, 9)?,
    })
}

fn members(connection: &Connection, campaign: i64) -> Result<BTreeSet<i64>, Trouble> {
    let mut statement =
        connection.prepare_cached("SELECT meter_id FROM campaign_meter WHERE campaign_id = ?1")?;
    let ids = statement.query_map([campaign], |row| row.get(0))?;
    Ok(ids.collect::<Result<_, _>>()?)
}

impl StoreReader {
    /// The keys that are trusted, by name.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn trusted_keys(&self) -> Result<Vec<KeyRow>, StoreError> {
        self.read(|connection| {
            let mut statement = connection
                .prepare_cached("SELECT public, name, trusted_at FROM firmware_key ORDER BY name")?;
            let mut rows = statement.query(())?;
            let mut list = Vec::new();
            while let Some(row) = rows.next()? {
                list.push(KeyRow {
                    public: bytes(&get::<Vec<u8>>(row, 0)?, "a public key")?,
                    name: get(row, 1)?,
                    trusted_at: instant(get(row, 2)?)?,
                });
            }
            Ok(list)
        })
    }

    /// How far a package has come in a meter; nothing where it was never begun.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn flash(&self, meter: MeterId, package: &PackageId) -> Result<Option<FlashRow>, StoreError> {
        self.read(|connection| {
            let sql = format!("SELECT {FLASH} FROM flash f WHERE meter_id = ?1 AND package = ?2");
            let mut statement = connection.prepare_cached(&sql)?;
            let mut rows = statement.query(params![meter.0, package])?;
            rows.next()?.map(|row| flash_row(row, 0)).transpose()
        })
    }

    /// Another package that stands half in a meter, or whole and not activated: its id and how far it is.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn unfinished_flash(
        &self,
        meter: MeterId,
        but: &PackageId,
    ) -> Result<Option<(PackageId, FlashRow)>, StoreError> {
        self.read(|connection| {
            let sql = format!(
                "SELECT f.package, {FLASH} FROM flash f WHERE meter_id = ?1 AND package <> ?2 AND blocks > 0 AND outcome IN ('open', 'ready', 'scheduled')"
            );
            let mut statement = connection.prepare_cached(&sql)?;
            let mut rows = statement.query(params![meter.0, but])?;
            let Some(row) = rows.next()? else { return Ok(None) };
            Ok(Some((bytes(&get::<Vec<u8>>(row, 0)?, "a package's id")?, flash_row(row, 1)?)))
        })
    }

    /// The last `most` campaigns, newest first.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn campaigns(&self, most: u32) -> Result<Vec<CampaignRow>, StoreError> {
        self.read(|connection| {
            let sql = format!("SELECT {CAMPAIGN} FROM campaign ORDER BY id DESC LIMIT ?1");
            let mut statement = connection.prepare_cached(&sql)?;
            let mut rows = statement.query([most])?;
            let mut list = Vec::new();
            while let Some(row) = rows.next()? {
                list.push(campaign_row(row)?);
            }
            Ok(list)
        })
    }

    /// A campaign; nothing where there is none with this number.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn campaign(&self, id: i64) -> Result<Option<CampaignRow>, StoreError> {
        self.read(|connection| {
            let sql = format!("SELECT {CAMPAIGN} FROM campaign WHERE id = ?1");
            let mut statement = connection.prepare_cached(&sql)?;
            let mut rows = statement.query([id])?;
            rows.next()?.map(campaign_row).transpose()
        })
    }

    /// The meters of a campaign in their order, each with how far it has come.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn campaign_meters(&self, id: i64) -> Result<Vec<CampaignMeter>, StoreError> {
        self.read(|connection| {
            let sql = format!(
                "SELECT m.id, m.name, c.wave, {FLASH} FROM campaign_meter c JOIN campaign k ON k.id = c.campaign_id JOIN meter m ON m.id = c.meter_id LEFT JOIN flash f ON f.meter_id = c.meter_id AND f.package = k.package WHERE c.campaign_id = ?1 ORDER BY c.place"
            );
            let mut statement = connection.prepare_cached(&sql)?;
            let mut rows = statement.query([id])?;
            let mut list = Vec::new();
            while let Some(row) = rows.next()? {
                let is_begun = get::<Option<String>>(row, 3)?.is_some();
                list.push(CampaignMeter {
                    meter: MeterId(get(row, 0)?),
                    name: get(row, 1)?,
                    wave: small(get(row, 2)?),
                    flash: if is_begun { Some(flash_row(row, 3)?) } else { None },
                });
            }
            Ok(list)
        })
    }

    /// The newest campaign of a package with exactly these meters that is not done.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn open_campaign(&self, package: &PackageId, meters: &[MeterId]) -> Result<Option<i64>, StoreError> {
        let wanted: BTreeSet<i64> = meters.iter().map(|meter| meter.0).collect();
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id FROM campaign WHERE package = ?1 AND state <> 'done' ORDER BY id DESC",
            )?;
            let ids: Vec<i64> =
                statement.query_map([package], |row| row.get(0))?.collect::<Result<_, _>>()?;
            for id in ids {
                if members(connection, id)? == wanted {
                    return Ok(Some(id));
                }
            }
            Ok(None)
        })
    }
}

impl Store {
    /// Trusts a key from now on; the audit chain records it.
    ///
    /// # Errors
    /// It is trusted already, or its name is taken.
    pub fn trust_key(&mut self, now: Timestamp, public: &[u8; 32], name: &str) -> Result<(), StoreError> {
        self.write(|connection, actor| {
            let known: Option<String> = connection
                .query_row(
                    "SELECT name FROM firmware_key WHERE public = ?1 OR name = ?2",
                    params![public, name],
                    |row| row.get(0),
                )
                .optional()?;
            if let Some(known) = known {
                return Err(Trouble::Request(format!(
                    "the key, or another of its name, is trusted already: {known}"
                )));
            }
            connection.execute(
                "INSERT INTO firmware_key (public, name, trusted_at) VALUES (?1, ?2, ?3)",
                params![public, name, micros(now)],
            )?;
            let detail = format!("{name}: {}", hex(public));
            super::audit::append(connection, now, actor, "firmware key trusted", &detail)
        })
    }

    /// Withdraws the trust in a key; the audit chain records it.
    ///
    /// # Errors
    /// It was not trusted.
    pub fn untrust_key(&mut self, now: Timestamp, public: &[u8; 32]) -> Result<(), StoreError> {
        self.write(|connection, actor| {
            let name: Option<String> = connection
                .query_row("SELECT name FROM firmware_key WHERE public = ?1", [public], |row| row.get(0))
                .optional()?;
            let name = name.ok_or_else(|| Trouble::Request("this key is not trusted".to_owned()))?;
            connection.execute("DELETE FROM firmware_key WHERE public = ?1", [public])?;
            let detail = format!("{name}: {}", hex(public));
            super::audit::append(connection, now, actor, "firmware key no longer trusted", &detail)
        })
    }

    /// Keeps how far a package has come in a meter.
    ///
    /// # Errors
    /// There is no such meter.
    pub fn put_flash(
        &mut self,
        meter: MeterId,
        package: &PackageId,
        flash: &FlashRow,
    ) -> Result<(), StoreError> {
        self.write(|connection, _| {
            require_meter(connection, meter)?;
            connection
                .prepare_cached(
                    "INSERT INTO flash (meter_id, package, phase, outcome, blocks_done, blocks, message, updated, state) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO UPDATE SET phase = excluded.phase, outcome = excluded.outcome, blocks_done = excluded.blocks_done, blocks = excluded.blocks, message = excluded.message, updated = excluded.updated, state = excluded.state",
                )?
                .execute(params![
                    meter.0,
                    package,
                    flash.phase.word(),
                    flash.outcome.word(),
                    flash.blocks_done,
                    flash.blocks,
                    flash.message,
                    micros(flash.updated),
                    flash.state,
                ])?;
            Ok(())
        })
    }

    /// Gives up what other packages have in a meter: their next flash begins anew. The audit chain records it.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn give_up_flashes(
        &mut self,
        now: Timestamp,
        meter: MeterId,
        but: &PackageId,
    ) -> Result<(), StoreError> {
        self.write(|connection, actor| {
            let gone = connection.execute(
                "DELETE FROM flash WHERE meter_id = ?1 AND package <> ?2 AND outcome IN ('open', 'ready', 'scheduled')",
                params![meter.0, but],
            )?;
            if gone == 0 {
                return Ok(());
            }
            let detail = format!("meter number {}: for package {}", meter.0, hex(but));
            super::audit::append(connection, now, actor, "unfinished firmware given up", &detail)
        })
    }

    /// Begins a campaign; its number.
    ///
    /// # Errors
    /// A meter does not exist.
    pub fn begin_campaign(&mut self, now: Timestamp, new: &NewCampaign<'_>) -> Result<i64, StoreError> {
        self.write(|connection, actor| {
            connection.execute(
                "INSERT INTO campaign (package, file, version, manifest, plan, began, state, reason) VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'open', '')",
                params![new.package, new.file, new.version, new.manifest, to_json(new.plan)?, micros(now)],
            )?;
            let id = connection.last_insert_rowid();
            let mut statement = connection.prepare_cached(
                "INSERT INTO campaign_meter (campaign_id, meter_id, wave, place) VALUES (?1, ?2, ?3, ?4)",
            )?;
            for (place, (meter, wave)) in (0u64..).zip(new.meters) {
                require_meter(connection, *meter)?;
                statement.execute(params![id, meter.0, wave, count(place)])?;
            }
            let detail = format!(
                "campaign {id}: version {} (package {}) into {} meters",
                new.version,
                hex(&new.package),
                new.meters.len()
            );
            super::audit::append(connection, now, actor, "firmware campaign begun", &detail)?;
            Ok(id)
        })
    }

    /// Says how a campaign stands, and under which plan it goes on.
    ///
    /// # Errors
    /// There is no such campaign.
    pub fn put_campaign(
        &mut self,
        now: Timestamp,
        id: i64,
        state: CampaignState,
        reason: &str,
        plan: Option<&CampaignPlan>,
    ) -> Result<(), StoreError> {
        self.write(|connection, actor| {
            let ended = (state != CampaignState::Open).then(|| micros(now));
            let changed = connection.execute(
                "UPDATE campaign SET state = ?2, reason = ?3, ended = ?4 WHERE id = ?1",
                params![id, state.word(), reason, ended],
            )?;
            if changed == 0 {
                return Err(Trouble::Request(format!("there is no campaign {id}")));
            }
            if let Some(plan) = plan {
                connection
                    .execute("UPDATE campaign SET plan = ?2 WHERE id = ?1", params![id, to_json(plan)?])?;
            }
            let detail =
                format!("campaign {id}: {}", if reason.is_empty() { state.in_words() } else { reason });
            super::audit::append(connection, now, actor, "firmware campaign", &detail)
        })
    }
}

impl CampaignMeter {
    /// How it stands; open before it was begun.
    #[must_use]
    pub fn outcome(&self) -> FlashOutcome {
        self.flash.as_ref().map_or(FlashOutcome::Open, |flash| flash.outcome)
    }
}

/// How many meters of a campaign stand how, in the order of [`FlashOutcome::ALL`].
#[must_use]
pub fn campaign_counts(meters: &[CampaignMeter]) -> Vec<(FlashOutcome, usize)> {
    let stand = |outcome| meters.iter().filter(|one| one.outcome() == outcome).count();
    FlashOutcome::ALL.iter().map(|outcome| (*outcome, stand(*outcome))).collect()
}
