//! Changes of people and of the vault's key.

use std::rc::Rc;

use crate::comms::shared::{Shared, store_fault, vault_fault};
use crate::comms::{Edit, Edited, rights};
use crate::model::{Fault, MeterId, Role, SecretKind, Standing};
use crate::store::{NewKey, PersonEntry, PersonRow, StoreError};
use crate::vault::{Vault, VaultError};

use super::{good, lock_of, named, nobody_fault, unlock};

/// Whether an edit is about people or the vault: [`carry_out`] does those.
pub(in crate::comms) const fn is_ours(edit: &Edit) -> bool {
    matches!(
        edit,
        Edit::AddPerson { .. }
            | Edit::SetPerson { .. }
            | Edit::OwnPassphrase { .. }
            | Edit::RekeyVault
            | Edit::SingleUser
    )
}

/// Carries out an edit of people or the vault.
pub(in crate::comms) async fn carry_out(shared: &Shared, edit: Edit) -> Result<Edited, Fault> {
    let needed = rights::of_edit(&edit);
    let may = || rights::check(&shared.standing()?, &needed);
    may()?;
    match edit {
        Edit::AddPerson { name, role, passphrase } => {
            good(&name, &passphrase)?;
            let lock = lock_of(passphrase).await?;
            may()?;
            add(shared, &name, role, &lock)?;
        }
        Edit::SetPerson { name, role, passphrase, active } => {
            let row = named(&shared.store.borrow(), &name)?;
            let lock = match passphrase {
                Some(passphrase) => {
                    good(&row.name, &passphrase)?;
                    Some(lock_of(passphrase).await?)
                }
                None => None,
            };
            may()?;
            set(shared, &row.name, role, lock, active)?;
        }
        Edit::OwnPassphrase { old, new } => {
            let standing = shared.standing()?;
            let name = standing.name().ok_or_else(nobody_fault)?;
            let row = named(&shared.store.borrow(), name)?;
            good(&row.name, &new)?;
            unlock(&row, old).await?;
            let lock = lock_of(new).await?;
            may()?;
            set(shared, &row.name, None, Some(lock), None)?;
        }
        Edit::RekeyVault => rekey(shared)?,
        Edit::SingleUser => single_user(shared)?,
        _ => return Err(Fault::internal("an edit that is not about people")),
    }
    shared.tell_standing();
    Ok(Edited::Done)
}

/// What seals everything with another key.
fn with_new_key<T>(
    old: &Vault,
    new: &Vault,
    known: Option<&[u8]>,
    work: impl FnOnce(&NewKey<'_>) -> Result<T, StoreError>,
) -> Result<T, Fault> {
    if known.is_some_and(|number| number != old.number()) {
        return Err(vault_fault(&VaultError::OtherKey));
    }
    let reseal = |meter: MeterId, kind: SecretKind, sealed: &[u8]| {
        let place = Vault::place(meter, kind);
        let opened = old.open(&place, sealed).map_err(|error| {
            format!(
                "the {} of meter number {} cannot be opened, so that nothing was changed: {error}; enter it again first",
                kind.word(),
                meter.0
            )
        })?;
        Ok(new.seal(&place, &opened))
    };
    let share = |row: &PersonRow| {
        new.share(&row.lock, &row.name, row.role).map_err(|error| format!("{}: {error}", row.name))
    };
    work(&NewKey { old: known, number: &new.number(), reseal: &reseal, share: &share })
        .map_err(|error| store_fault(&error))
}

fn known_key(shared: &Shared) -> Result<Option<Vec<u8>>, Fault> {
    shared.store.borrow().vault_key().map_err(|error| store_fault(&error))
}

fn add(shared: &Shared, name: &str, role: Role, lock: &[u8]) -> Result<(), Fault> {
    let now = shared.now();
    let old = shared.vault()?;
    if shared.standing()? != Standing::Alone {
        let share = old.share(lock, name, role).map_err(|error| vault_fault(&error))?;
        let new = PersonEntry { name, role, lock, share: Some(&share) };
        let added = shared.store.borrow_mut().add_person(now, &new);
        return added.map(drop).map_err(|error| store_fault(&error));
    }
    let vault = Vault::generate().map_err(|error| vault_fault(&error))?;
    let share = vault.share(lock, name, role).map_err(|error| vault_fault(&error))?;
    let first = PersonEntry { name, role, lock, share: Some(&share) };
    let known = known_key(shared)?;
    with_new_key(&old, &vault, known.as_deref(), |key| {
        shared.store.borrow_mut().begin_people(now, &first, key)
    })?;
    shared.enter(name, role, lock, vault);
    // The key in it is in use no more; the next one to sign in takes it away where this fails.
    if let Err(error) = Vault::remove_beside(&shared.options.store) {
        tracing::warn!("{error}");
    }
    Ok(())
}

fn set(
    shared: &Shared,
    name: &str,
    role: Option<Role>,
    lock: Option<Vec<u8>>,
    active: Option<bool>,
) -> Result<(), Fault> {
    let row = named(&shared.store.borrow(), name)?;
    let parts = [
        (role.filter(|role| *role != row.role).is_some(), "role"),
        (lock.is_some(), "passphrase"),
        (active.is_some_and(|active| active != row.is_active()), "may sign in"),
    ];
    let what: Vec<&str> = parts.iter().filter(|(is_new, _)| *is_new).map(|(_, word)| *word).collect();
    let (role, lock) = (role.unwrap_or(row.role), lock.unwrap_or(row.lock));
    let vault = shared.vault()?;
    let share = if active.unwrap_or(row.share.is_some()) {
        Some(vault.share(&lock, name, role).map_err(|error| vault_fault(&error))?)
    } else {
        None
    };
    let entry = PersonEntry { name, role, lock: &lock, share: share.as_deref() };
    let put = shared.store.borrow_mut().put_person(shared.now(), &entry, &what);
    put.map_err(|error| store_fault(&error))?;
    // Who changed an entry of their own stays signed in with it.
    let mut presence = shared.presence.borrow_mut();
    if let Some(session) = presence.session.as_mut().filter(|session| session.name == name) {
        session.role = role;
        session.lock = lock;
    }
    Ok(())
}

fn rekey(shared: &Shared) -> Result<(), Fault> {
    let old = shared.vault()?;
    let new = Vault::generate().map_err(|error| vault_fault(&error))?;
    let known = known_key(shared)?;
    let path = &shared.options.store;
    let is_alone = shared.standing()? == Standing::Alone;
    if is_alone {
        new.prepare_beside(path).map_err(|error| vault_fault(&error))?;
    }
    let changed = with_new_key(&old, &new, known.as_deref(), |key| {
        shared.store.borrow_mut().change_vault_key(shared.now(), key)
    });
    if is_alone {
        match &changed {
            Ok(_) => {
                // The store names the new key by now: where this fails, the next start finds it.
                if let Err(error) = new.settle_beside(path) {
                    tracing::warn!("{error}");
                }
            }
            Err(_) => new.abandon_beside(path),
        }
    }
    changed?;
    *shared.vault.borrow_mut() = Ok(Rc::new(new));
    Ok(())
}

fn single_user(shared: &Shared) -> Result<(), Fault> {
    if shared.standing()? == Standing::Alone {
        return Err(Fault::user("this store has one user already", ""));
    }
    let vault = shared.vault()?;
    let path = &shared.options.store;
    // Where the store does not take it, the next one to sign in takes the file away.
    vault
        .prepare_beside(path)
        .and_then(|()| vault.settle_beside(path))
        .map_err(|error| vault_fault(&error))?;
    let ended = shared.store.borrow_mut().end_people(shared.now());
    ended.map_err(|error| {
        if let Err(left) = Vault::remove_beside(path) {
            tracing::warn!("{left}");
        }
        store_fault(&error)
    })
}
