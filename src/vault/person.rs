//! A person's way to the vault's key.
//!
//! Each person has a key pair (an Ed25519 key that never signs, used in its Montgomery form for X25519, RFC 7748). The
//! *lock* holds its public half, and its secret half under a key that Argon2id (RFC 9106) makes of the passphrase.
//! The *share* holds the vault's key, sealed to the public half. So that whoever holds the vault's key can give it to
//! a person, or give everybody a new one, without their passphrases; and an old vault key opens no new share. A share
//! is bound to the person's name and role: one that was altered in the store does not open.
//!
//! | bytes of a lock | | bytes of a share | |
//! | --- | --- | --- | --- |
//! | 1 | format: 1 | 1 | format: 1 |
//! | 4, 4, 4 | memory in KiB, passes, lanes | 32 | public half of a key pair used once |
//! | 16 | salt | 24 | nonce |
//! | 32 | public half | 48 | the vault's key and its tag |
//! | 24 | nonce | | |
//! | 48 | secret half and its tag | | |

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use ed25519_dalek::{SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::model::{Role, Secret};

use super::{KEY_BYTES, NONCE_BYTES, Vault, VaultError};

const FORMAT: u8 = 1;
const SALT_BYTES: usize = 16;
/// What of a lock stands before the nonce; it is authenticated with the secret half.
const HEAD_BYTES: usize = 1 + 12 + SALT_BYTES + KEY_BYTES;
const LOCK_DOMAIN: &[u8] = b"meterwright person's lock 1\0";
const SHARE_DOMAIN: &[u8] = b"meterwright vault share 1\0";

/// Fewest characters of a passphrase (NIST SP 800-63B).
pub const SHORTEST_PASSPHRASE: usize = 8;
/// Longest passphrase, in bytes.
const LONGEST_PASSPHRASE: usize = 1024;
/// Fewest characters that differ from one another.
const FEWEST_DIFFERENT: usize = 4;

/// What it costs to try a passphrase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}

impl Cost {
    /// What new locks cost: the second choice of RFC 9106, section 4, 64 MiB and three passes in four lanes.
    pub const USUAL: Self = Self { memory_kib: 64 * 1024, passes: 3, lanes: 4 };
    /// What is still worked out; a lock that asks for more was not made by this program.
    const MOST: Self = Self { memory_kib: 1024 * 1024, passes: 16, lanes: 16 };

    fn hasher(self) -> Option<Argon2<'static>> {
        let most = Self::MOST;
        if self.memory_kib > most.memory_kib || self.passes > most.passes || self.lanes > most.lanes {
            return None;
        }
        let params = Params::new(self.memory_kib, self.passes, self.lanes, Some(KEY_BYTES)).ok()?;
        Some(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
    }
}

/// A lock, taken apart.
struct Lock<'a> {
    head: &'a [u8],
    cost: Cost,
    salt: [u8; SALT_BYTES],
    public: VerifyingKey,
    nonce: [u8; NONCE_BYTES],
    sealed: &'a [u8],
}

fn number(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (first, rest) = bytes.split_first_chunk::<4>()?;
    Some((u32::from_be_bytes(*first), rest))
}

impl<'a> Lock<'a> {
    fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (head, rest) = bytes.split_at_checked(HEAD_BYTES)?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE_BYTES>()?;
        let (format, inner) = head.split_first()?;
        let (memory_kib, inner) = number(inner)?;
        let (passes, inner) = number(inner)?;
        let (lanes, inner) = number(inner)?;
        let (salt, public) = inner.split_first_chunk::<SALT_BYTES>()?;
        let public = VerifyingKey::from_bytes(&public.try_into().ok()?).ok()?;
        if *format != FORMAT {
            return None;
        }
        let cost = Cost { memory_kib, passes, lanes };
        Some(Self { head, cost, salt: *salt, public, nonce: *nonce, sealed })
    }

    /// The secret half, where the passphrase is right.
    fn open(&self, passphrase: &Secret) -> Option<SigningKey> {
        let cipher = passphrase_cipher(self.cost, &self.salt, passphrase)?;
        let aad = [LOCK_DOMAIN, self.head].concat();
        let payload = Payload { msg: self.sealed, aad: &aad };
        let secret = Zeroizing::new(cipher.decrypt(&XNonce::from(self.nonce), payload).ok()?);
        let secret: Zeroizing<[u8; KEY_BYTES]> = Zeroizing::new(secret.as_slice().try_into().ok()?);
        Some(SigningKey::from_bytes(&secret)).filter(|key| key.verifying_key() == self.public)
    }
}

fn passphrase_cipher(cost: Cost, salt: &[u8], passphrase: &Secret) -> Option<XChaCha20Poly1305> {
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    cost.hasher()?.hash_password_into(passphrase.expose(), salt, key.as_mut()).ok()?;
    XChaCha20Poly1305::new_from_slice(key.as_ref()).ok()
}

/// What both ends of an exchange of keys agree on; nothing for a public half that agrees on nothing.
fn share_cipher(
    own: &SigningKey,
    other: &VerifyingKey,
    once: &VerifyingKey,
    to: &VerifyingKey,
) -> Option<XChaCha20Poly1305> {
    let scalar = Zeroizing::new(own.to_scalar_bytes());
    let agreed = Zeroizing::new(other.to_montgomery().mul_clamped(*scalar).to_bytes());
    if agreed.iter().all(|byte| *byte == 0) {
        return None;
    }
    let sum = Sha256::new().chain_update(SHARE_DOMAIN).chain_update(agreed.as_ref());
    let sum = sum.chain_update(once.as_bytes()).chain_update(to.as_bytes()).finalize();
    let key: Zeroizing<[u8; KEY_BYTES]> = Zeroizing::new(sum.into());
    XChaCha20Poly1305::new_from_slice(key.as_ref()).ok()
}

fn bound_to(name: &str, role: Role) -> Vec<u8> {
    [SHARE_DOMAIN, role.word().as_bytes(), b"\0", name.as_bytes()].concat()
}

fn random<const N: usize>() -> Result<Zeroizing<[u8; N]>, VaultError> {
    let mut bytes = Zeroizing::new([0; N]);
    getrandom::fill(bytes.as_mut()).map_err(|error| VaultError::NoRandomness(error.to_string()))?;
    Ok(bytes)
}

/// Whether a passphrase is good enough; the reason never repeats it.
///
/// # Errors
/// Why it is not, in words.
pub fn check_passphrase(name: &str, passphrase: &Secret) -> Result<(), String> {
    let text = std::str::from_utf8(passphrase.expose())
        .map_err(|_| "a passphrase is text: letters, digits, blanks, whatever can be typed".to_owned())?;
    if text.len() > LONGEST_PASSPHRASE {
        return Err(format!("a passphrase has at most {LONGEST_PASSPHRASE} bytes"));
    }
    if text.chars().count() < SHORTEST_PASSPHRASE {
        return Err(format!(
            "a passphrase has at least {SHORTEST_PASSPHRASE} characters: three or four words make a good one"
        ));
    }
    let mut different: Vec<char> = text.chars().collect();
    different.sort_unstable();
    different.dedup();
    if different.len() < FEWEST_DIFFERENT || text.trim().eq_ignore_ascii_case(name.trim()) {
        return Err(
            "this passphrase would be guessed first of all: three or four words make a good one".to_owned()
        );
    }
    Ok(())
}

/// Makes a lock that a passphrase opens. It takes a quarter of a second and 64 MiB, as it should: not for a thread
/// that others wait for.
///
/// # Errors
/// This computer gives no random numbers or not enough memory.
pub fn make_lock(passphrase: &Secret, cost: Cost) -> Result<Vec<u8>, VaultError> {
    let secret = random::<KEY_BYTES>()?;
    let salt = random::<SALT_BYTES>()?;
    let nonce = random::<NONCE_BYTES>()?;
    let mut lock = vec![FORMAT];
    for part in [cost.memory_kib, cost.passes, cost.lanes] {
        lock.extend(part.to_be_bytes());
    }
    lock.extend(salt.as_ref());
    lock.extend(SigningKey::from_bytes(&secret).verifying_key().as_bytes());
    let aad = [LOCK_DOMAIN, &lock].concat();
    let payload = Payload { msg: secret.as_ref(), aad: &aad };
    let cipher = passphrase_cipher(cost, salt.as_ref(), passphrase).ok_or(VaultError::NotMade)?;
    let sealed = cipher.encrypt(&XNonce::from(*nonce), payload).map_err(|_| VaultError::NotMade)?;
    lock.extend(nonce.as_ref());
    lock.extend(sealed);
    Ok(lock)
}

impl Vault {
    /// A vault with a key that nobody knows yet.
    ///
    /// # Errors
    /// This computer gives no random numbers.
    pub fn generate() -> Result<Self, VaultError> {
        Ok(Self { key: Secret::new(random::<KEY_BYTES>()?.to_vec()) })
    }

    /// This vault's key for one person, by the lock of the same.
    ///
    /// # Errors
    /// The lock does not read, or this computer gives no random numbers.
    pub fn share(&self, lock: &[u8], name: &str, role: Role) -> Result<Vec<u8>, VaultError> {
        let to = Lock::parse(lock).ok_or(VaultError::Altered)?.public;
        let once = SigningKey::from_bytes(&*random::<KEY_BYTES>()?);
        let nonce = random::<NONCE_BYTES>()?;
        let cipher = share_cipher(&once, &to, &once.verifying_key(), &to).ok_or(VaultError::Altered)?;
        let aad = bound_to(name, role);
        let payload = Payload { msg: self.key.expose(), aad: &aad };
        let sealed = cipher.encrypt(&XNonce::from(*nonce), payload).map_err(|_| VaultError::NotMade)?;
        let mut share = vec![FORMAT];
        share.extend(once.verifying_key().as_bytes());
        share.extend(nonce.as_ref());
        share.extend(sealed);
        Ok(share)
    }

    /// Opens the vault for a person. It takes as long as [`make_lock`].
    ///
    /// # Errors
    /// The passphrase is wrong, or the person's entry was altered.
    pub fn unlock(
        lock: &[u8],
        share: &[u8],
        name: &str,
        role: Role,
        passphrase: &Secret,
    ) -> Result<Self, VaultError> {
        let lock = Lock::parse(lock).ok_or(VaultError::Altered)?;
        let own = lock.open(passphrase).ok_or(VaultError::WrongPassphrase)?;
        Self::from_share(&own, share, &bound_to(name, role)).ok_or(VaultError::Altered)
    }

    fn from_share(own: &SigningKey, share: &[u8], bound: &[u8]) -> Option<Self> {
        let (format, rest) = share.split_first()?;
        let (once, rest) = rest.split_first_chunk::<KEY_BYTES>()?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE_BYTES>()?;
        let once = VerifyingKey::from_bytes(once).ok()?;
        let cipher = share_cipher(own, &once, &once, &own.verifying_key())?;
        let key =
            Zeroizing::new(cipher.decrypt(&XNonce::from(*nonce), Payload { msg: sealed, aad: bound }).ok()?);
        (*format == FORMAT && key.len() == KEY_BYTES).then(|| Self { key: Secret::new(key.to_vec()) })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Cheap enough for tests.
    pub(crate) const CHEAP: Cost = Cost { memory_kib: 64, passes: 1, lanes: 1 };

    fn secret(text: &str) -> Secret {
        Secret::new(text.as_bytes().to_vec())
    }

    fn unlock(lock: &[u8], share: &[u8], passphrase: &str) -> Result<Vault, VaultError> {
        Vault::unlock(lock, share, "ada", Role::Engineer, &secret(passphrase))
    }

    #[test]
    fn a_person_opens_the_vault_with_the_passphrase_and_no_other() {
        let vault = Vault::generate().unwrap();
        let lock = make_lock(&secret("tin cup 7"), CHEAP).unwrap();
        let share = vault.share(&lock, "ada", Role::Engineer).unwrap();
        let sealed = vault.seal("p", &secret("ABCD1234"));
        assert_eq!(
            unlock(&lock, &share, "tin cup 7").unwrap().open("p", &sealed).unwrap(),
            secret("ABCD1234")
        );
        assert!(matches!(unlock(&lock, &share, "tin cup 8"), Err(VaultError::WrongPassphrase)));
    }

    #[test]
    fn a_share_opens_for_its_person_and_role_alone() {
        let vault = Vault::generate().unwrap();
        let lock = make_lock(&secret("tin cup 7"), CHEAP).unwrap();
        let share = vault.share(&lock, "ada", Role::Engineer).unwrap();
        for (name, role) in [("ada", Role::Administrator), ("bob", Role::Engineer)] {
            let opened = Vault::unlock(&lock, &share, name, role, &secret("tin cup 7"));
            assert!(matches!(opened, Err(VaultError::Altered)), "{name} {role}");
        }
        let other = make_lock(&secret("tin cup 7"), CHEAP).unwrap();
        assert!(unlock(&other, &share, "tin cup 7").is_err());
    }

    #[test]
    fn the_usual_cost_is_written_into_the_lock_and_read_from_it() {
        let lock = make_lock(&secret("tin cup 7"), Cost::USUAL).unwrap();
        assert_eq!(Lock::parse(&lock).unwrap().cost, Cost::USUAL);
        assert_eq!(lock.len(), HEAD_BYTES + NONCE_BYTES + 48);
    }

    #[test]
    fn a_lock_that_asks_for_the_whole_memory_is_not_worked_out() {
        let mut lock = make_lock(&secret("tin cup 7"), CHEAP).unwrap();
        lock[1..5].copy_from_slice(&u32::MAX.to_be_bytes());
        let share = Vault::generate().unwrap().share(&lock, "ada", Role::Engineer).unwrap();
        assert!(unlock(&lock, &share, "tin cup 7").is_err());
    }

    #[test]
    fn a_passphrase_is_long_enough_and_not_the_first_guess() {
        let check = |text: &str| check_passphrase("Margaret", &secret(text));
        assert!(check("seven77").unwrap_err().contains("at least 8"));
        assert!(check("aaaaaaaaaa").is_err());
        assert!(check("margaret").is_err());
        assert!(check(&"abcd".repeat(500)).is_err());
        assert!(check("tin cup 7").is_ok());
        assert!(!check("sev€n7").unwrap_err().contains("sev"), "not repeated");
    }

    #[test]
    fn neither_lock_nor_share_holds_the_passphrase_or_the_key() {
        let vault = Vault::generate().unwrap();
        let lock = make_lock(&secret("MARKED PHRASE"), CHEAP).unwrap();
        let share = vault.share(&lock, "ada", Role::Engineer).unwrap();
        let has = |bytes: &[u8], part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
        assert!(
            !has(&lock, b"MARKED") && !has(&lock, vault.key.expose()) && !has(&share, vault.key.expose())
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn an_altered_byte_of_lock_or_share_is_noticed(at in any::<prop::sample::Index>(), flip in 1u8..) {
            let vault = Vault { key: Secret::new(vec![7; KEY_BYTES]) };
            let mut lock = make_lock(&secret("tin cup 7"), CHEAP).unwrap();
            let mut share = vault.share(&lock, "ada", Role::Engineer).unwrap();
            let at = at.index(lock.len() + share.len());
            match at.checked_sub(lock.len()) {
                None => lock[at] ^= flip,
                Some(at) => share[at] ^= flip,
            }
            prop_assert!(unlock(&lock, &share, "tin cup 7").is_err());
        }

        #[test]
        fn random_bytes_open_nothing(lock in prop::collection::vec(any::<u8>(), 0..200), share in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut lock = lock;
            // Not the costs, which would be worked out.
            if let Some(costs) = lock.get_mut(1..13) {
                costs.copy_from_slice(&[0, 0, 0, 8, 0, 0, 0, 1, 0, 0, 0, 1]);
            }
            prop_assert!(unlock(&lock, &share, "tin cup 7").is_err());
        }
    }
}
