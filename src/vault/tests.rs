use proptest::prelude::*;

use super::*;

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("meters.db");
    (folder, store)
}

fn secret(text: &str) -> Secret {
    Secret::new(text.as_bytes().to_vec())
}

#[test]
fn a_secret_opens_again_after_the_vault_was_closed() {
    let (_folder, store) = folder();
    let sealed = Vault::beside(&store).unwrap().seal("meter/7/password", &secret("ABCD1234"));
    let again = Vault::beside(&store).unwrap();
    assert_eq!(again.open("meter/7/password", &sealed).unwrap(), secret("ABCD1234"));
}

#[test]
fn a_secret_does_not_open_for_another_place() {
    let (_folder, store) = folder();
    let vault = Vault::beside(&store).unwrap();
    let place = Vault::place(MeterId(7), SecretKind::Password);
    assert_eq!(place, "meter/7/password");
    let sealed = vault.seal(&place, &secret("ABCD1234"));
    assert!(matches!(vault.open("meter/8/password", &sealed), Err(VaultError::CannotOpen)));
}

#[test]
fn a_secret_does_not_open_with_another_key() {
    let ((_one, first), (_other, second)) = (folder(), folder());
    let sealed = Vault::beside(&first).unwrap().seal("p", &secret("ABCD1234"));
    assert!(matches!(Vault::beside(&second).unwrap().open("p", &sealed), Err(VaultError::OtherKey)));
}

#[test]
fn one_secret_is_sealed_differently_each_time() {
    let (_folder, store) = folder();
    let vault = Vault::beside(&store).unwrap();
    assert_ne!(vault.seal("p", &secret("ABCD1234")), vault.seal("p", &secret("ABCD1234")));
}

#[test]
fn a_missing_key_file_is_an_error_where_secrets_are_expected() {
    let (_folder, store) = folder();
    let error = Vault::open_existing(&store).unwrap_err().to_string();
    assert!(error.contains("meters.db.key") && error.contains("missing"), "{error}");
    assert!(!Vault::key_file(&store).exists());
}

#[test]
fn a_key_file_is_never_overwritten() {
    let (_folder, store) = folder();
    Vault::create(&store).unwrap();
    let before = std::fs::read(Vault::key_file(&store)).unwrap();
    assert!(Vault::create(&store).is_err());
    assert!(Vault::beside(&store).is_ok());
    assert_eq!(std::fs::read(Vault::key_file(&store)).unwrap(), before);
}

#[test]
fn a_key_file_that_does_not_read_is_left_as_it_is() {
    for text in ["", "meterwright vault key 1\n", "meterwright vault key 1\n00112233\n", "hello\nworld\n"] {
        let (_folder, store) = folder();
        let path = Vault::key_file(&store);
        std::fs::write(&path, text).unwrap();
        #[cfg(unix)]
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        let error = Vault::beside(&store).unwrap_err().to_string();
        assert!(error.contains("no key of this program"), "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    }
}

#[test]
fn programs_that_start_at_once_agree_on_one_key() {
    let (_folder, store) = folder();
    let barrier = std::sync::Barrier::new(8);
    let keys: Vec<Secret> = std::thread::scope(|scope| {
        let start = || {
            scope.spawn(|| {
                barrier.wait();
                Vault::beside(&store).unwrap().key.clone()
            })
        };
        let threads: Vec<_> = (0..8).map(|_| start()).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(keys.windows(2).all(|pair| pair[0] == pair[1]));
    assert_eq!(std::fs::read_dir(store.parent().unwrap()).unwrap().count(), 1, "no draft is left");
}

#[cfg(unix)]
#[test]
fn the_key_file_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;

    let (_folder, store) = folder();
    Vault::beside(&store).unwrap();
    let path = Vault::key_file(&store);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    for mode in [0o640, 0o604, 0o660] {
        std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
        let error = Vault::open_existing(&store).unwrap_err().to_string();
        assert!(error.contains("chmod 600"), "{error}");
    }
}

#[test]
fn neither_debug_nor_errors_show_a_key_or_a_secret() {
    let (_folder, store) = folder();
    let vault = Vault::beside(&store).unwrap();
    let file = std::fs::read_to_string(Vault::key_file(&store)).unwrap();
    let hex = file.lines().nth(1).unwrap();
    let sealed = vault.seal("p", &secret("MARKED"));
    let told = format!("{vault:?} {} {:?}", VaultError::CannotOpen, vault.open("q", &sealed));
    assert!(!told.contains(hex) && !told.contains("MARKED"), "{told}");
    assert!(!sealed.windows(6).any(|window| window == b"MARKED"));
}

proptest! {
    #[test]
    fn an_altered_byte_anywhere_is_noticed(secret in prop::collection::vec(any::<u8>(), 0..40), at: prop::sample::Index, flip in 1u8..) {
        let vault = Vault { key: Secret::new(vec![7; KEY_BYTES]) };
        let mut sealed = vault.seal("p", &Secret::new(secret.clone()));
        let opened = vault.open("p", &sealed).unwrap();
        prop_assert_eq!(opened.expose(), secret.as_slice());
        let at = at.index(sealed.len());
        sealed[at] ^= flip;
        prop_assert!(vault.open("p", &sealed).is_err());
    }

    #[test]
    fn random_bytes_do_not_open(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        let vault = Vault { key: Secret::new(vec![7; KEY_BYTES]) };
        prop_assert!(vault.open("p", &bytes).is_err());
    }
}
