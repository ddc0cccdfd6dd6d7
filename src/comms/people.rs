//! Who acts here: signing in and out, and changes of people and of the vault's key.
//!
//! A store without people has one user. Once there are people, nothing is begun or changed here until one of them
//! signs in, which opens the vault. A lock keeps the vault open for what is under way and for meter lists whose time
//! comes; signing out closes it.
//!
//! Hashing a passphrase takes a quarter of a second: it is done beside the thread, so that no session waits for it.

mod changes;

use std::rc::Rc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::model::{Fault, Person, Role, Secret, Standing};
use crate::store::{PersonRow, Store};
use crate::vault::{Cost, Vault, VaultError, check_passphrase, make_lock};

use super::Event;
use super::shared::{Shared, store_fault, vault_fault};

pub(super) use changes::{carry_out, is_ours};

#[cfg(not(test))]
const COST: Cost = Cost::USUAL;
#[cfg(test)]
const COST: Cost = crate::vault::CHEAP;

/// Attempts that may fail before the next one has to wait.
const FREE_ATTEMPTS: u32 = 3;
/// Longest wait after attempts that failed.
const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// Who acts in this program, as long as the store still agrees.
#[derive(Debug)]
pub(super) struct Presence {
    /// The user of this computer.
    account: String,
    session: Option<Session>,
    /// The store has people, and none of them is here.
    is_closed: bool,
}

#[derive(Debug)]
struct Session {
    name: String,
    role: Role,
    /// What the passphrase opened: another one means that the passphrase was changed.
    lock: Vec<u8>,
    is_locked: bool,
}

impl Presence {
    pub(super) const fn new(account: String, is_closed: bool) -> Self {
        Self { account, session: None, is_closed }
    }
}

/// The fault of whatever needs the vault while nobody is signed in.
pub(super) fn nobody_fault() -> Fault {
    Fault::refused("nobody is signed in, so that meters' secrets stay closed", "sign in first")
}

fn off_thread(error: &tokio::task::JoinError) -> Fault {
    Fault::internal(format!("hashing a passphrase broke off: {error}"))
}

async fn lock_of(passphrase: Secret) -> Result<Vec<u8>, Fault> {
    let made = tokio::task::spawn_blocking(move || make_lock(&passphrase, COST)).await;
    made.map_err(|error| off_thread(&error))?.map_err(|error| vault_fault(&error))
}

async fn unlock(row: &PersonRow, passphrase: Secret) -> Result<Vault, Fault> {
    let Some(share) = row.share.clone() else { return Err(shut_out()) };
    let (lock, name, role) = (row.lock.clone(), row.name.clone(), row.role);
    let opened =
        tokio::task::spawn_blocking(move || Vault::unlock(&lock, &share, &name, role, &passphrase)).await;
    opened.map_err(|error| off_thread(&error))?.map_err(|error| vault_fault(&error))
}

fn shut_out() -> Fault {
    Fault::refused(
        "nobody of that name may sign in here",
        "ask an administrator; `user list` names everybody",
    )
}

/// How long somebody has to wait before the next attempt. A clock that was set back makes nobody wait longer.
fn wait(row: &PersonRow, now: Timestamp) -> Option<Duration> {
    let doublings = row.failures.checked_sub(FREE_ATTEMPTS)?.min(16);
    let pause = Duration::from_secs(2u64 << doublings).min(LONGEST_WAIT);
    let since = now.duration_since(row.failed_at?).max(SignedDuration::ZERO);
    pause.checked_sub(since.unsigned_abs()).filter(|left| !left.is_zero())
}

fn find(store: &Store, name: &str) -> Result<Option<PersonRow>, Fault> {
    let all = store.people().map_err(|error| store_fault(&error))?;
    Ok(all.into_iter().find(|row| row.name.eq_ignore_ascii_case(name)))
}

fn named(store: &Store, name: &str) -> Result<PersonRow, Fault> {
    find(store, name)?
        .ok_or_else(|| Fault::user(format!("there is no person named {name}"), "`user list` names everybody"))
}

fn good(name: &str, passphrase: &Secret) -> Result<(), Fault> {
    check_passphrase(name, passphrase).map_err(|reason| Fault::user(reason, ""))
}

impl Shared {
    /// Who acts here now. Somebody whose entry was changed meanwhile is signed out.
    pub(super) fn standing(&self) -> Result<Standing, Fault> {
        let rows = self.store.borrow().people().map_err(|error| store_fault(&error))?;
        let mut presence = self.presence.borrow_mut();
        if rows.is_empty() {
            if presence.session.take().is_some() || presence.is_closed {
                presence.is_closed = false;
                let account = presence.account.clone();
                drop(presence);
                self.store.borrow_mut().set_actor(&account);
                let vault = super::shared::open_vault(&self.store.borrow(), &self.options.store);
                *self.vault.borrow_mut() = vault.map(Rc::new);
                self.emit(&Event::Standing(Standing::Alone));
            }
            return Ok(Standing::Alone);
        }
        let agrees = presence.session.as_ref().and_then(|session| {
            let row = rows.iter().find(|row| row.name == session.name)?;
            let same = row.is_active() && row.role == session.role && row.lock == session.lock;
            same.then_some((session, row))
        });
        let Some((session, _)) = agrees else {
            let was_open = presence.session.take().is_some() || !presence.is_closed;
            presence.is_closed = true;
            let account = presence.account.clone();
            drop(presence);
            if was_open {
                self.close_vault(&account);
                self.emit(&Event::Standing(Standing::Nobody));
            }
            return Ok(Standing::Nobody);
        };
        let administrators = rows.iter().filter(|row| row.role == Role::Administrator && row.is_active());
        Ok(Standing::SignedIn(Person {
            name: session.name.clone(),
            role: session.role,
            is_locked: session.is_locked,
            administrators: administrators.map(|row| row.name.clone()).collect(),
        }))
    }

    fn close_vault(&self, account: &str) {
        self.store.borrow_mut().set_actor(account);
        *self.vault.borrow_mut() = Err(nobody_fault());
    }

    /// Whether the store has people and none of them is here: meter lists wait.
    pub(super) fn is_closed(&self) -> bool {
        self.presence.borrow().is_closed
    }

    /// Tells everybody who acts here now.
    pub(super) fn tell_standing(&self) {
        match self.standing() {
            Ok(standing) => self.emit(&Event::Standing(standing)),
            Err(fault) => tracing::error!("who acts here cannot be told: {fault}"),
        }
        self.arrived.notify_one();
    }

    fn enter(&self, name: &str, role: Role, lock: &[u8], vault: Vault) {
        self.store.borrow_mut().set_actor(name);
        *self.vault.borrow_mut() = Ok(Rc::new(vault));
        let mut presence = self.presence.borrow_mut();
        presence.is_closed = false;
        let (name, lock) = (name.to_owned(), lock.to_vec());
        presence.session = Some(Session { name, role, lock, is_locked: false });
    }

    /// Signs out, or only locks.
    pub(super) fn leave(&self, only_lock: bool) {
        let mut presence = self.presence.borrow_mut();
        let Some(session) = &mut presence.session else { return };
        if only_lock {
            session.is_locked = true;
        } else {
            let name = session.name.clone();
            presence.session = None;
            presence.is_closed = true;
            let account = presence.account.clone();
            let told = self.store.borrow_mut().audit(self.now(), &name, "signed out", "{}");
            if let Err(error) = told {
                tracing::error!("that {name} signed out could not be written down: {error}");
            }
            self.close_vault(&account);
        }
        drop(presence);
        self.tell_standing();
    }
}

/// Signs somebody in.
pub(super) async fn sign_in(shared: &Shared, name: &str, passphrase: Secret) -> Result<Standing, Fault> {
    let now = shared.now();
    let note = |person: Option<&str>, why: &str| {
        let noted = shared.store.borrow_mut().note_failed_sign_in(now, person, why);
        noted.map_err(|error| store_fault(&error))
    };
    let row = find(&shared.store.borrow(), name)?;
    let Some(row) = row else {
        if !shared.store.borrow().has_people().map_err(|error| store_fault(&error))? {
            return Err(Fault::user("this store has no people: nobody has to sign in", ""));
        }
        note(None, "no such person")?;
        return Err(shut_out());
    };
    if !row.is_active() {
        note(Some(&row.name), "disabled")?;
        return Err(shut_out());
    }
    if let Some(left) = wait(&row, now) {
        return Err(Fault::refused(
            format!("{} attempts to sign in as {} have failed", row.failures, row.name),
            format!("wait {} s before the next one", left.as_secs().max(1)),
        ));
    }
    let vault = match unlock(&row, passphrase).await {
        Ok(vault) => vault,
        Err(fault) => {
            note(Some(&row.name), &fault.message)?;
            return Err(fault);
        }
    };
    let known = shared.store.borrow().vault_key().map_err(|error| store_fault(&error))?;
    if known.is_some_and(|number| number != vault.number()) {
        note(Some(&row.name), "the share is of another vault key")?;
        return Err(vault_fault(&VaultError::Altered));
    }
    let account = shared.presence.borrow().account.clone();
    let noted = shared.store.borrow_mut().note_sign_in(now, &row.name, &account);
    noted.map_err(|error| store_fault(&error))?;
    shared.enter(&row.name, row.role, &row.lock, vault);
    // A key file that a crash left behind is not needed: this key came without it.
    if let Err(error) = Vault::remove_beside(&shared.options.store) {
        tracing::warn!("{error}");
    }
    shared.tell_standing();
    shared.standing()
}
