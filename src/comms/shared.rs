//! What every session and the thread itself use: the store, the vault, the listeners.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::drivers::MeterAccess;
use crate::model::{Fault, MeterConfig, MeterId, MeterSecrets, Template};
use crate::store::{Store, StoreError};
use crate::vault::{Vault, VaultError};

use super::conductor::Conductor;
use super::held::Holds;
use super::hops::Hops;
use super::listeners::Listeners;
use super::people::{self, Presence};
use super::settling::Settling;
use super::surroundings::Surroundings;
use super::{CommsOptions, Event, JobId};

/// What every session and the thread itself use. One thread owns it: borrows never last over an `await`.
pub(super) struct Shared {
    pub(super) store: RefCell<Store>,
    /// The meters that are held against other programs.
    pub(super) holds: Holds,
    /// When what has gathered in the store goes to disk.
    pub(super) settling: Settling,
    /// The vault, or why it cannot be opened: meters without secrets are read all the same.
    pub(super) vault: RefCell<Result<Rc<Vault>, Fault>>,
    /// Who acts here.
    pub(super) presence: RefCell<Presence>,
    /// Somebody signed in or out, which the thread wants to know at once.
    pub(super) arrived: Notify,
    /// On whose behalf jobs write to meters.
    pub(super) authors: RefCell<HashMap<JobId, String>>,
    pub(super) listeners: RefCell<Listeners>,
    pub(super) conductor: Arc<dyn Conductor>,
    pub(super) options: CommsOptions,
    /// The time of day, and who opens lines.
    pub(super) surroundings: Surroundings,
    /// When each meter's last session ended, for meters that want a pause.
    pub(super) last_session: RefCell<HashMap<MeterId, Instant>>,
    /// The store is looked after by itself at night, where lists run by themselves.
    pub(super) is_kept_at_night: bool,
    /// How long gateways and meshes take.
    pub(super) hops: Hops,
}

/// A failure of the store, as the fault of the meter that it befell.
pub(super) fn store_fault(error: &StoreError) -> Fault {
    match error {
        StoreError::Request(reason) => Fault::user(reason.clone(), ""),
        other => Fault {
            advice: "check the free space and the permissions of the store's folder; what was reported as stored is safe"
                .to_owned(),
            ..Fault::internal(format!("nothing more could be stored: {other}"))
        },
    }
}

/// A failure of the vault.
pub(super) fn vault_fault(error: &VaultError) -> Fault {
    let advice = match error {
        VaultError::KeyFile { .. } => "",
        VaultError::CannotOpen => "bring the key file back, or enter the meter's secrets again",
        VaultError::OtherKey => "sign in again, or start this program again",
        VaultError::WrongPassphrase => {
            return Fault::refused(error.to_string(), "try again; an administrator can set a new one");
        }
        VaultError::Altered => {
            return Fault::refused(
                error.to_string(),
                "an administrator can set it anew with a new passphrase",
            );
        }
        VaultError::NoRandomness(_) => "",
        VaultError::NotMade => "close other programs, or add memory",
    };
    Fault::user(error.to_string(), advice)
}

/// Opens the vault of a store with one user. A store that holds secrets never gets a new key.
pub(super) fn open_vault(store: &Store, path: &Path) -> Result<Vault, Fault> {
    if store.has_people().map_err(|error| store_fault(&error))? {
        return Err(people::nobody_fault());
    }
    let number = store.vault_key().map_err(|error| store_fault(&error))?;
    let vault = if let Some(number) = number {
        Vault::open_numbered(path, &number)
    } else if store.has_secrets().map_err(|error| store_fault(&error))? {
        Vault::open_existing(path)
    } else {
        Vault::beside(path)
    };
    vault.map_err(|error| vault_fault(&error))
}

impl Shared {
    /// What time it is.
    pub(super) fn now(&self) -> jiff::Timestamp {
        self.surroundings.clock.now()
    }

    /// Tells every listener.
    pub(super) fn emit(&self, event: &Event) {
        self.listeners.borrow_mut().emit(event);
    }

    /// The vault.
    pub(super) fn vault(&self) -> Result<Rc<Vault>, Fault> {
        self.vault.borrow().clone()
    }

    /// On whose behalf a job writes to meters; whoever acts here where nobody is named.
    pub(super) fn author(&self, job: JobId) -> Option<String> {
        self.authors.borrow().get(&job).cloned()
    }

    /// Opens a stored meter's secrets.
    pub(super) fn secrets(&self, meter: MeterId) -> Result<MeterSecrets, Fault> {
        let mut secrets = MeterSecrets::default();
        let sealed = self.store.borrow().sealed_secrets(meter).map_err(|error| store_fault(&error))?;
        for (kind, sealed) in sealed {
            let secret = self
                .vault()?
                .open(&Vault::place(meter, kind), &sealed)
                .map_err(|error| vault_fault(&error).during(&format!("the {}", kind.word())))?;
            secrets.set(kind, secret);
        }
        Ok(secrets)
    }

    /// A template of the program or of the store, as it stands now.
    pub(super) fn template(&self, name: &str) -> Result<Template, Fault> {
        let templates = self.store.borrow().catalogue().map_err(|error| store_fault(&error))?;
        templates.named(name).map_err(|error| Fault::user(error.to_string(), ""))
    }

    /// All that is needed to be let in to a stored meter.
    pub(super) fn access(&self, meter: MeterId) -> Result<MeterAccess, Fault> {
        let row = self.store.borrow().meter(meter).map_err(|error| store_fault(&error))?;
        let row = row.ok_or_else(|| Fault::user("the meter was taken off the list", ""))?;
        let secrets = self.secrets(meter)?;
        self.access_with(row.config, secrets)
    }

    /// All that is needed to be let in to a meter that need not be stored.
    pub(super) fn access_with(
        &self,
        config: MeterConfig,
        secrets: MeterSecrets,
    ) -> Result<MeterAccess, Fault> {
        let mut template = self.template(&config.template)?;
        template.fit(&config.line);
        let client_title = match config.client_title {
            Some(title) => title,
            // Invocation counters belong to a title, so that it is the store's own and stays the same.
            None => self.store.borrow().own_title().map_err(|error| store_fault(&error))?,
        };
        Ok(MeterAccess { config, template, secrets, client_title })
    }
}
