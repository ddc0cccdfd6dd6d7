//! Changes of the store's own data, by a person.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::model::{Fault, Knowledge, MeterConfig, MeterId, MeterSecrets, Secret, SecretKind, Template};
use crate::store::Store;

use super::counters;
use super::shared::{Shared, secret_place, store_fault};
use super::{Edit, Edited};

/// Carries out an edit.
///
/// # Errors
/// It cannot be; nothing was changed then.
pub(super) fn apply(shared: &Shared, edit: Edit) -> Result<Edited, Fault> {
    match edit {
        Edit::AddMeters(meters) => add(shared, &meters).map(Edited::Added),
        Edit::UpdateMeter { id, config, secrets } => {
            update(shared, id, &config, &secrets).map(|()| Edited::Done)
        }
        Edit::RemoveMeters(meters) => remove(shared, &meters).map(|()| Edited::Done),
        Edit::Setting { key, value } => {
            let put = shared.store.borrow_mut().put_setting(&key, &value);
            put.map(|()| Edited::Done).map_err(|error| store_fault(&error))
        }
    }
}

/// Who sits here, for the audit chain.
fn who() -> String {
    ["USER", "USERNAME", "LOGNAME"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|user| !user.is_empty()))
        .unwrap_or_else(|| "unknown".to_owned())
}

fn audit(store: &mut Store, what: &str, detail: &str) -> Result<(), Fault> {
    store.audit(Timestamp::now(), &who(), what, detail).map_err(|error| store_fault(&error))
}

/// What a store alone cannot see: that a template exists, that a time zone does.
fn check(config: &MeterConfig) -> Result<(), Fault> {
    if config.name.trim().is_empty() {
        return Err(Fault::user("the meter has no name", "write one"));
    }
    if config.name.chars().any(char::is_control) {
        return Err(Fault::user("the meter's name has a character that cannot be shown", ""));
    }
    Template::named(&config.template).map_err(|error| Fault::user(error.to_string(), ""))?;
    if let Some(zone) = &config.time_zone {
        TimeZone::get(zone).map_err(|_| {
            Fault::user(format!("there is no time zone `{zone}`"), "write one such as Europe/London")
        })?;
    }
    Ok(())
}

fn add(shared: &Shared, meters: &[(MeterConfig, MeterSecrets)]) -> Result<Vec<MeterId>, Fault> {
    for (config, _) in meters {
        check(config).map_err(|fault| fault.during(&config.name))?;
    }
    let configs: Vec<MeterConfig> = meters.iter().map(|(config, _)| config.clone()).collect();
    let mut store = shared.store.borrow_mut();
    let ids = store.add_meters(&configs).map_err(|error| store_fault(&error))?;
    let kept = ids.iter().zip(meters).try_for_each(|(id, (config, secrets))| {
        counters::inherit(&mut store, *id, config).map_err(|error| store_fault(&error))?;
        for (kind, _) in SecretKind::ALL {
            if let Some(secret) = secrets.get(kind) {
                put_secret(shared, &mut store, *id, kind, Some(secret))?;
            }
        }
        Ok(())
    });
    if let Err(fault) = kept {
        // All or none: a meter without its secrets is not what was asked for.
        for id in ids {
            store.remove_meter(id).map_err(|error| store_fault(&error))?;
        }
        return Err(fault);
    }
    let names: Vec<&str> = configs.iter().take(20).map(|config| config.name.as_str()).collect();
    audit(&mut store, "meters added", &format!("{}: {}", configs.len(), names.join(", ")))?;
    Ok(ids)
}

fn put_secret(
    shared: &Shared,
    store: &mut Store,
    id: MeterId,
    kind: SecretKind,
    secret: Option<&Secret>,
) -> Result<(), Fault> {
    let sealed = secret.map(|secret| shared.vault.seal(&secret_place(id, kind), secret));
    store.put_secret(id, kind, sealed.as_deref()).map_err(|error| store_fault(&error))
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
    check(config)?;
    let mut store = shared.store.borrow_mut();
    let old = store.meter(id).map_err(|error| store_fault(&error))?;
    let old = old.ok_or_else(|| Fault::user("the meter was taken off the list", ""))?.config;
    store.update_meter(id, config).map_err(|error| store_fault(&error))?;
    if is_another_way_in(&old, config) {
        store.put_knowledge(id, &Knowledge::default()).map_err(|error| store_fault(&error))?;
    }
    for (kind, secret) in secrets {
        put_secret(shared, &mut store, id, *kind, secret.as_ref())?;
        let done = if secret.is_some() { "set" } else { "removed" };
        audit(&mut store, "secret changed", &format!("{}: {} {done}", config.name, kind.word()))?;
    }
    Ok(())
}

fn remove(shared: &Shared, meters: &[MeterId]) -> Result<(), Fault> {
    let mut store = shared.store.borrow_mut();
    for id in meters {
        let row = store.meter(*id).map_err(|error| store_fault(&error))?;
        let Some(row) = row else { continue };
        counters::bequeath(&mut store, *id, &row.config).map_err(|error| store_fault(&error))?;
        store.remove_meter(*id).map_err(|error| store_fault(&error))?;
        audit(&mut store, "meter removed", &row.config.name)?;
    }
    Ok(())
}
