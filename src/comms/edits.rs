//! Changes of the store's own data, by a person.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;

use crate::model::CampaignState;
use crate::model::template::Origin;
use crate::model::{
    Catalogue, Fault, Knowledge, ListId, MeterConfig, MeterId, MeterList, MeterSecrets, Secret, SecretKind,
};
use crate::store::{Exchange, MeterChanges, NewMeter, StoreError};
use crate::vault::Vault;

use super::counters;
use super::shared::{Shared, store_fault};
use super::vendor;
use super::{Edit, Edited};

/// Why a campaign that was called off is over.
const CALLED_OFF: &str = "called off: meters that were not done stay as they are";

/// Carries out an edit.
///
/// # Errors
/// It cannot be; nothing was changed then, but for meters of a list that were removed before the failing one.
pub(super) fn apply(shared: &Shared, edit: Edit) -> Result<Edited, Fault> {
    match edit {
        Edit::AddMeters(meters) => add(shared, &meters).map(Edited::Added),
        Edit::UpdateMeter { id, config, secrets } => {
            update(shared, id, &config, &secrets).map(|()| Edited::Done)
        }
        Edit::RemoveMeters(meters) => remove(shared, &meters).map(|()| Edited::Done),
        Edit::PutList { id, list } => put_list(shared, id, &list).map(Edited::List),
        Edit::RemoveList(id) => {
            let removed = shared.store.borrow_mut().remove_list(id, shared.now());
            removed.map(|()| Edited::Done).map_err(|error| store_fault(&error))
        }
        // The thread itself stops runs.
        Edit::StopRun(_) => Ok(Edited::Done),
        Edit::ChangeMeters(changes) => change(shared, &changes),
        Edit::AddGroup(name) => {
            let added = shared.store.borrow_mut().add_group(&name);
            added.map(|()| Edited::Done).map_err(|error| store_fault(&error))
        }
        Edit::MoveGroup { from, to } => {
            let moved = shared.store.borrow_mut().move_group(&from, to.as_deref());
            moved.map(|_| Edited::Done).map_err(|error| store_fault(&error))
        }
        Edit::TrustKey { public, name } => {
            let put = shared.store.borrow_mut().trust_key(shared.now(), &public, &name);
            put.map(|()| Edited::Done).map_err(|error| store_fault(&error))
        }
        Edit::UntrustKey { public } => {
            let gone = shared.store.borrow_mut().untrust_key(shared.now(), &public);
            gone.map(|()| Edited::Done).map_err(|error| store_fault(&error))
        }
        Edit::TrustMakerKey { public, name } => {
            let put = shared.store.borrow_mut().trust_maker_key(shared.now(), &public, &name);
            put.map(|()| Edited::Done).map_err(|error| store_fault(&error))
        }
        Edit::UntrustMakerKey { public } => {
            let gone = shared.store.borrow_mut().untrust_maker_key(shared.now(), &public);
            gone.map(|()| Edited::Done).map_err(|error| store_fault(&error))
        }
        Edit::CallOffCampaign { id } => {
            let put = shared.store.borrow_mut().put_campaign(
                shared.now(),
                id,
                CampaignState::Done,
                CALLED_OFF,
                None,
            );
            put.map(|()| Edited::Done).map_err(|error| store_fault(&error))
        }
        Edit::UpdatePoint { id, name, details } => {
            let put = shared.store.borrow_mut().update_point(id, &name, &details);
            put.map(|()| Edited::Done).map_err(|error| store_fault(&error))
        }
        Edit::SetRatio { point, period } => {
            let changed = shared.store.borrow_mut().set_ratio(point, &period);
            forget_sides(shared, changed)
        }
        Edit::RemoveRatio { point, from } => {
            let changed = shared.store.borrow_mut().remove_ratio(point, from);
            forget_sides(shared, changed)
        }
        Edit::Exchange { exchange, secrets } => {
            self::exchange(shared, &exchange, &secrets).map(|id| Edited::Added(vec![id]))
        }
        Edit::Retention(retention) => {
            let put = shared.store.borrow_mut().put_retention(&retention, shared.now());
            put.map(|()| Edited::Done).map_err(|error| store_fault(&error))
        }
        Edit::VendorFirmware { accepted } => {
            vendor::switch(shared, accepted.as_deref()).map(|()| Edited::Done)
        }
        Edit::Setting { key, .. } if key == crate::firmware::vendor::SETTING => Err(Fault::user(
            "vendors' own firmware files are no plain setting",
            "`firmware vendor-allow` names the risk and wants it accepted",
        )),
        Edit::PutTemplate { text, origin, replaces } => {
            put_template(shared, &text, origin.as_ref(), replaces).map(|()| Edited::Done)
        }
        Edit::RemoveTemplate(name) => {
            let gone = shared.store.borrow_mut().remove_template(shared.now(), &name);
            gone.map(|()| Edited::Done).map_err(|error| store_fault(&error))
        }
        // Those are carried out beside the thread: passphrases take their time.
        Edit::AddPerson { .. }
        | Edit::SetPerson { .. }
        | Edit::OwnPassphrase { .. }
        | Edit::RekeyVault
        | Edit::SingleUser => Err(Fault::internal("an edit of people in the wrong place")),
        Edit::Setting { key, value } => {
            let put = shared.store.borrow_mut().put_setting(&key, &value);
            put.map(|()| Edited::Done).map_err(|error| store_fault(&error))
        }
    }
}

fn put_list(shared: &Shared, id: Option<ListId>, list: &MeterList) -> Result<ListId, Fault> {
    let mut store = shared.store.borrow_mut();
    let now = shared.now();
    let put = match id {
        Some(id) => store.update_list(id, list, now).map(|()| id),
        None => store.add_list(list, now),
    };
    put.map_err(|error| store_fault(&error))
}

fn put_template(
    shared: &Shared,
    text: &str,
    origin: Option<&Origin>,
    replaces: Option<u32>,
) -> Result<(), Fault> {
    let template = Catalogue::admit(text).map_err(|error| Fault::user(error.to_string(), ""))?;
    let mut store = shared.store.borrow_mut();
    let put = store.put_template(shared.now(), &template.name, text, origin, replaces);
    put.map_err(|error| store_fault(&error))
}

/// What a store alone cannot see: that a template exists, that a time zone does.
fn check(shared: &Shared, config: &MeterConfig) -> Result<(), Fault> {
    if config.name.trim().is_empty() {
        return Err(Fault::user("the meter has no name", "write one"));
    }
    if config.name.chars().any(char::is_control) {
        return Err(Fault::user("the meter's name has a character that cannot be shown", ""));
    }
    check_outside(shared, Some(&config.template), config.time_zone.as_deref())
}

/// Names that other catalogues have to know.
fn check_outside(shared: &Shared, template: Option<&str>, zone: Option<&str>) -> Result<(), Fault> {
    if let Some(template) = template {
        shared.template(template)?;
    }
    if let Some(zone) = zone {
        TimeZone::get(zone).map_err(|_| {
            Fault::user(format!("there is no time zone `{zone}`"), "write one such as Europe/London")
        })?;
    }
    Ok(())
}

/// Adds and changes many meters; what was learnt of those that are reached in another way now is forgotten.
fn change(shared: &Shared, changes: &MeterChanges) -> Result<Edited, Fault> {
    for (config, _) in &changes.add {
        check(shared, config).map_err(|fault| fault.during(&config.name))?;
    }
    for (_, patch) in &changes.change {
        check_outside(
            shared,
            patch.template.as_deref(),
            patch.time_zone.as_ref().and_then(|zone| zone.as_deref()),
        )?;
        if patch.name.as_deref().is_some_and(|name| name.chars().any(char::is_control)) {
            return Err(Fault::user("a meter's name has a character that cannot be shown", ""));
        }
    }
    let mut store = shared.store.borrow_mut();
    let done = store.change_meters(changes).map_err(|error| store_fault(&error))?;
    for (id, (config, _)) in done.added.iter().zip(&changes.add) {
        counters::inherit(&mut store, *id, config).map_err(|error| store_fault(&error))?;
    }
    for (id, before, after) in &done.changed {
        if is_another_way_in(before, after) {
            store.put_knowledge(*id, &Knowledge::default()).map_err(|error| store_fault(&error))?;
        }
    }
    for id in &done.sided {
        store.put_knowledge(*id, &Knowledge::default()).map_err(|error| store_fault(&error))?;
    }
    let mut changed: BTreeSet<MeterId> = done.changed.iter().map(|(id, ..)| *id).collect();
    changed.extend(&done.described);
    Ok(Edited::Changed { added: done.added, changed: changed.len() })
}

fn add(shared: &Shared, meters: &[(MeterConfig, MeterSecrets)]) -> Result<Vec<MeterId>, Fault> {
    for (config, _) in meters {
        check(shared, config).map_err(|fault| fault.during(&config.name))?;
    }
    let has_secrets = meters.iter().any(|(_, secrets)| *secrets != MeterSecrets::default());
    let vault = if has_secrets { Some(shared.vault()?) } else { None };
    let configs: Vec<MeterConfig> = meters.iter().map(|(config, _)| config.clone()).collect();
    let seal = |position: usize, id: MeterId| {
        let secrets = meters.get(position).map(|(_, secrets)| secrets);
        let sealed = |kind: SecretKind| {
            let secret = secrets.and_then(|secrets| secrets.get(kind))?;
            Some((kind, vault.as_ref()?.seal(&Vault::place(id, kind), secret)))
        };
        SecretKind::ALL.iter().filter_map(|(kind, _)| sealed(*kind)).collect()
    };
    let mut store = shared.store.borrow_mut();
    let ids = store.add_meters_sealed(&configs, seal).map_err(|error| store_fault(&error))?;
    for (id, config) in ids.iter().zip(&configs) {
        counters::inherit(&mut store, *id, config).map_err(|error| store_fault(&error))?;
    }
    Ok(ids)
}

/// Meters whose registers are said to be on another side: what was learnt of them names the old one.
fn forget_sides(shared: &Shared, changed: Result<Vec<MeterId>, StoreError>) -> Result<Edited, Fault> {
    let changed = changed.map_err(|error| store_fault(&error))?;
    let mut store = shared.store.borrow_mut();
    let forget = |id: &MeterId| store.put_knowledge(*id, &Knowledge::default());
    changed.iter().try_for_each(forget).map(|()| Edited::Done).map_err(|error| store_fault(&error))
}

fn exchange(shared: &Shared, exchange: &Exchange, secrets: &MeterSecrets) -> Result<MeterId, Fault> {
    if let NewMeter::Added(config) = &exchange.new {
        check(shared, config)?;
    }
    let vault = if *secrets == MeterSecrets::default() { None } else { Some(shared.vault()?) };
    let seal = |id: MeterId| {
        let sealed = |kind: SecretKind| {
            Some((kind, vault.as_ref()?.seal(&Vault::place(id, kind), secrets.get(kind)?)))
        };
        SecretKind::ALL.iter().filter_map(|(kind, _)| sealed(*kind)).collect()
    };
    let mut store = shared.store.borrow_mut();
    let id = store.exchange(exchange, seal).map_err(|error| store_fault(&error))?;
    if let NewMeter::Added(config) = &exchange.new {
        counters::inherit(&mut store, id, config).map_err(|error| store_fault(&error))?;
    }
    Ok(id)
}

/// Whether what was learnt of a meter belongs to other settings.
fn is_another_way_in(old: &MeterConfig, new: &MeterConfig) -> bool {
    old.line != new.line
        || old.template != new.template
        || old.address != new.address
        || old.client != new.client
        || old.auth != new.auth
        || old.registers_in != new.registers_in
}

fn update(
    shared: &Shared,
    id: MeterId,
    config: &MeterConfig,
    secrets: &BTreeMap<SecretKind, Option<Secret>>,
) -> Result<(), Fault> {
    check(shared, config)?;
    let mut sealed = Vec::new();
    for (kind, secret) in secrets {
        let bytes = match secret {
            Some(secret) => Some(shared.vault()?.seal(&Vault::place(id, *kind), secret)),
            None => None,
        };
        sealed.push((*kind, bytes));
    }
    let mut store = shared.store.borrow_mut();
    let old = store.meter(id).map_err(|error| store_fault(&error))?;
    let old = old.ok_or_else(|| Fault::user("the meter was taken off the list", ""))?.config;
    store.update_meter_sealed(id, config, &sealed).map_err(|error| store_fault(&error))?;
    if is_another_way_in(&old, config) {
        store.put_knowledge(id, &Knowledge::default()).map_err(|error| store_fault(&error))?;
    }
    Ok(())
}

fn remove(shared: &Shared, meters: &[MeterId]) -> Result<(), Fault> {
    let mut store = shared.store.borrow_mut();
    meters.iter().try_for_each(|id| store.remove_meter(*id)).map_err(|error| store_fault(&error))
}
