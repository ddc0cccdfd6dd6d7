//! People: who may begin and change what, and a vault that opens for them and outlives every cut.

use std::path::Path;

use super::*;
use crate::model::{Action, Right};
use crate::store::{NewKey, Store};
use crate::vault::Vault;

const ALICE: &str = "MARKED tin cup 7";
const BOB: &str = "MARKED paper hat 8";

fn phrase(text: &str) -> Secret {
    Secret::new(text.as_bytes().to_vec())
}

fn person(name: &str, role: Role, passphrase: &str) -> Edit {
    Edit::AddPerson { name: name.to_owned(), role, passphrase: phrase(passphrase) }
}

impl Bench {
    async fn sign_in(&self, name: &str, passphrase: &str) -> Result<Standing, Fault> {
        self.ask(|answer| Command::SignIn(name.to_owned(), phrase(passphrase), answer)).await
    }

    async fn standing(&self) -> Standing {
        self.ask(Command::Standing).await.unwrap()
    }

    async fn leave(&self, only_lock: bool) {
        assert!(self.commands.send(Command::Leave { only_lock }).await.is_ok());
    }

    async fn add_with_password(&self, name: &str, password: &str) -> Vec<MeterId> {
        let config = MeterConfig::new(name, "tcp://a".parse().unwrap());
        let secrets = MeterSecrets { password: Some(phrase(password)), ..MeterSecrets::default() };
        let Ok(Edited::Added(ids)) = self.edit(Edit::AddMeters(vec![(config, secrets)])).await else {
            panic!("not added")
        };
        ids
    }

    async fn try_read(&self, meters: Vec<MeterId>) -> Result<JobId, Fault> {
        let request = ReadRequest { what: [What::Registers].into(), from: None, to: None };
        self.ask(|answer| Command::Submit(Job::Read { meters, request }, answer)).await
    }

    fn store_path(&self) -> PathBuf {
        self.folder.path().join("test.db")
    }

    fn audit(&self) -> Vec<(String, String)> {
        let reader = self.reader();
        reader.verify_audit().unwrap();
        let rows = reader.audit_rows(1000).unwrap();
        rows.into_iter().rev().map(|row| (row.who, row.what)).collect()
    }
}

/// A store with alice, an administrator, bob, a technician, and a meter with a password; alice is signed in.
async fn with_people(script: &Arc<Script>) -> (Bench, Vec<MeterId>) {
    let bench = Bench::new(script, 4).await;
    let ids = bench.add_with_password("A", "ABCD1234").await;
    bench.edit(person("alice", Role::Administrator, ALICE)).await.unwrap();
    bench.edit(person("bob", Role::Technician, BOB)).await.unwrap();
    (bench, ids)
}

fn wants_password(times: usize) -> Arc<Script> {
    Script::new(&[("A", vec![Act::WantsPassword("ABCD1234"); times].as_slice())])
}

async fn reads_well(bench: &Bench, ids: &[MeterId]) {
    let job = bench.try_read(ids.to_vec()).await.unwrap();
    let events = bench.until_ended(job).await;
    assert!(matches!(events.last(), Some(Event::Ended { ok: 1, failed: 0, .. })), "{:?}", words(&events));
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn secrets_from_before_there_were_people_open_for_them_and_the_key_file_is_gone() {
    on_bench(async {
        let script = wants_password(2);
        let bench = Bench::new(&script, 4).await;
        let ids = bench.add_with_password("A", "ABCD1234").await;
        let file = Vault::key_file(&bench.store_path());
        let key = std::fs::read(&file).unwrap();
        let fault = bench.edit(person("alice", Role::Engineer, ALICE)).await.unwrap_err();
        assert!(fault.message.contains("administrator"), "{fault}");
        bench.edit(person("alice", Role::Administrator, ALICE)).await.unwrap();
        assert_eq!(bench.standing().await.name(), Some("alice"));
        assert!(!file.exists());
        reads_well(&bench, &ids).await;
        // The old key, put back, opens nothing.
        std::fs::write(&file, key).unwrap();
        let again = Bench::open(&script, 4, Rc::clone(&bench.folder), None).await;
        assert_eq!(again.standing().await, Standing::Nobody);
        again.sign_in("Alice", ALICE).await.unwrap();
        reads_well(&again, &ids).await;
        assert!(!file.exists(), "a key file that is left over goes");
    })
    .await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn nothing_begins_until_somebody_signs_in_and_a_wrong_passphrase_is_counted() {
    on_bench(async {
        let script = wants_password(1);
        let (bench, ids) = with_people(&script).await;
        let bench = Bench::open(&script, 4, Rc::clone(&bench.folder), None).await;
        assert!(bench.try_read(ids.clone()).await.unwrap_err().refused);
        assert!(bench.edit(Edit::RemoveMeters(ids.clone())).await.unwrap_err().refused);
        let fault = bench.sign_in("bob", ALICE).await.unwrap_err();
        assert!(fault.refused && fault.message.contains("passphrase is wrong"), "{fault}");
        assert!(bench.sign_in("nobody", BOB).await.unwrap_err().refused);
        let row = bench.reader().people().unwrap().into_iter().find(|row| row.name == "bob").unwrap();
        assert_eq!(row.failures, 1);
        bench.sign_in("bob", BOB).await.unwrap();
        reads_well(&bench, &ids).await;
        let audit = bench.audit();
        assert_eq!(audit.iter().filter(|(_, what)| what == "sign-in failed").count(), 2);
        assert!(audit.contains(&("bob".to_owned(), "signed in".to_owned())));
    })
    .await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn whoever_fails_again_and_again_has_to_wait() {
    on_bench(async {
        let (bench, _) = with_people(&Script::new(&[])).await;
        for _ in 0..3 {
            bench.sign_in("bob", ALICE).await.unwrap_err();
        }
        let fault = bench.sign_in("bob", BOB).await.unwrap_err();
        assert!(fault.refused && fault.advice.contains("wait"), "{fault}");
        let row = bench.reader().people().unwrap().into_iter().find(|row| row.name == "bob").unwrap();
        assert_eq!(row.failures, 3, "an attempt that was not made is not counted");
    })
    .await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_role_holds_jobs_and_edits() {
    on_bench(async {
        let script = wants_password(1);
        let (bench, ids) = with_people(&script).await;
        bench.edit(person("vic", Role::Viewer, "look and see")).await.unwrap();
        bench.sign_in("vic", "look and see").await.unwrap();
        let fault = bench.try_read(ids.clone()).await.unwrap_err();
        assert!(fault.refused && fault.message.contains("vic is a viewer"), "{fault}");
        assert!(fault.advice.contains("alice"), "{fault}");
        bench.sign_in("bob", BOB).await.unwrap();
        reads_well(&bench, &ids).await;
        for edit in [
            Edit::RemoveMeters(ids.clone()),
            Edit::TrustKey { public: [1; 32], name: "x".to_owned() },
            person("eve", Role::Administrator, "open sesame now"),
            Edit::RekeyVault,
            Edit::SingleUser,
            Edit::Setting { key: "people.lock-minutes".to_owned(), value: "0".to_owned() },
        ] {
            assert!(bench.edit(edit.clone()).await.unwrap_err().refused, "{edit:?}");
        }
        bench.edit(Edit::Setting { key: "gui.theme".to_owned(), value: "dark".to_owned() }).await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_list_that_is_run_by_hand_wants_the_right_for_what_it_does() {
    on_bench(async {
        let (bench, _) = with_people(&Script::new(&[])).await;
        bench.edit(person("rita", Role::Reader, "read and read")).await.unwrap();
        let list = MeterList::new("Clocks", Action::AdjustClock);
        let Ok(Edited::List(id)) = bench.edit(Edit::PutList { id: None, list: Box::new(list) }).await else {
            panic!("not kept")
        };
        bench.sign_in("rita", "read and read").await.unwrap();
        let run = bench.ask(|answer| Command::Submit(Job::RunList(id), answer)).await;
        assert!(run.unwrap_err().message.contains(Right::SetClock.doing()));
    })
    .await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn the_last_administrator_stays() {
    on_bench(async {
        let (bench, _) = with_people(&Script::new(&[])).await;
        let set = |role, active| Edit::SetPerson { name: "alice".to_owned(), role, passphrase: None, active };
        for edit in [set(Some(Role::Engineer), None), set(None, Some(false))] {
            let fault = bench.edit(edit).await.unwrap_err();
            assert!(fault.message.contains("last administrator"), "{fault}");
        }
        let bob = Edit::SetPerson {
            name: "bob".to_owned(),
            role: Some(Role::Administrator),
            passphrase: None,
            active: None,
        };
        bench.edit(bob).await.unwrap();
        bench.edit(set(Some(Role::Engineer), None)).await.unwrap();
        let standing = bench.standing().await;
        assert!(standing.name() == Some("alice") && !standing.may(Right::People), "{standing:?}");
        bench.sign_in("bob", BOB).await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn whoever_is_shut_out_is_signed_out_and_can_be_let_in_again() {
    on_bench(async {
        let (bench, ids) = with_people(&wants_password(1)).await;
        let other = Bench::open(&wants_password(1), 4, Rc::clone(&bench.folder), None).await;
        other.sign_in("bob", BOB).await.unwrap();
        let set = |active| Edit::SetPerson { name: "bob".to_owned(), role: None, passphrase: None, active };
        bench.edit(set(Some(false))).await.unwrap();
        assert_eq!(other.standing().await, Standing::Nobody);
        assert!(other.try_read(ids.clone()).await.unwrap_err().refused);
        assert!(other.sign_in("bob", BOB).await.unwrap_err().refused);
        // Not even a new vault key stands in the way of the old passphrase.
        bench.edit(Edit::RekeyVault).await.unwrap();
        bench.edit(set(Some(true))).await.unwrap();
        other.sign_in("bob", BOB).await.unwrap();
        reads_well(&other, &ids).await;
    })
    .await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_new_passphrase_of_ones_own_wants_the_old_one() {
    on_bench(async {
        let (bench, _) = with_people(&Script::new(&[])).await;
        bench.sign_in("bob", BOB).await.unwrap();
        let own = |old: &str| Edit::OwnPassphrase { old: phrase(old), new: phrase("feather and pin") };
        assert!(bench.edit(own(ALICE)).await.unwrap_err().refused);
        bench.edit(own(BOB)).await.unwrap();
        assert_eq!(bench.standing().await.name(), Some("bob"), "stays signed in");
        assert!(bench.sign_in("bob", BOB).await.is_err());
        bench.sign_in("bob", "feather and pin").await.unwrap();
        let short = Edit::OwnPassphrase { old: phrase("feather and pin"), new: phrase("pin") };
        assert!(bench.edit(short).await.unwrap_err().message.contains("at least"));
    })
    .await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_lock_lets_what_is_under_way_go_on_and_takes_nothing_new() {
    on_bench(async {
        let script = Script::new(&[("A", &[Act::Gate])]);
        let (bench, ids) = with_people(&script).await;
        let job = bench.try_read(ids.clone()).await.unwrap();
        bench.until(|event| word(event) == "step Opening the line").await;
        bench.leave(true).await;
        let fault = bench.try_read(ids.clone()).await.unwrap_err();
        assert!(fault.refused && fault.message.contains("alice has locked"), "{fault}");
        script.gate.notify_one();
        let events = bench.until_ended(job).await;
        assert!(matches!(events.last(), Some(Event::Ended { ok: 1, cancelled: false, .. })));
        bench.sign_in("alice", ALICE).await.unwrap();
        reads_well(&bench, &ids).await;
    })
    .await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn signing_out_cancels_what_is_under_way_and_closes_the_vault() {
    on_bench(async {
        let (bench, ids) = with_people(&Script::new(&[("A", &[Act::UntilCancelled])])).await;
        let job = bench.try_read(ids.clone()).await.unwrap();
        bench.until(|event| word(event) == "step Opening the line").await;
        bench.leave(false).await;
        let events = bench.until_ended(job).await;
        assert!(matches!(events.last(), Some(Event::Ended { cancelled: true, .. })));
        assert_eq!(bench.standing().await, Standing::Nobody);
        assert!(bench.audit().contains(&("alice".to_owned(), "signed out".to_owned())));
    })
    .await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_new_vault_key_opens_what_the_old_one_sealed_in_both_modes() {
    on_bench(async {
        let script = wants_password(4);
        let bench = Bench::new(&script, 4).await;
        let ids = bench.add_with_password("A", "ABCD1234").await;
        bench.edit(Edit::RekeyVault).await.unwrap();
        let again = Bench::open(&script, 4, Rc::clone(&bench.folder), None).await;
        reads_well(&again, &ids).await;
        again.edit(person("alice", Role::Administrator, ALICE)).await.unwrap();
        again.edit(Edit::RekeyVault).await.unwrap();
        reads_well(&again, &ids).await;
        again.edit(Edit::SingleUser).await.unwrap();
        assert_eq!(again.standing().await, Standing::Alone);
        reads_well(&again, &ids).await;
        let last = Bench::open(&script, 4, Rc::clone(&bench.folder), None).await;
        reads_well(&last, &ids).await;
    })
    .await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn whoever_still_holds_an_old_key_can_keep_nothing_with_it() {
    on_bench(async {
        let bench = Bench::new(&Script::new(&[]), 4).await;
        bench.add_with_password("A", "ABCD1234").await;
        let other = Bench::open(&Script::new(&[]), 4, Rc::clone(&bench.folder), None).await;
        bench.edit(Edit::RekeyVault).await.unwrap();
        let config = MeterConfig::new("B", "tcp://b".parse().unwrap());
        let secrets = MeterSecrets { password: Some(phrase("EFGH5678")), ..MeterSecrets::default() };
        let fault = other.edit(Edit::AddMeters(vec![(config, secrets)])).await.unwrap_err();
        assert!(fault.message.contains("another key"), "{fault}");
        assert!(other.edit(Edit::RekeyVault).await.is_err());
        assert_eq!(bench.reader().meters().unwrap().len(), 1);
    })
    .await;
}

/// Seals everything with a key that lies prepared beside the store, and stops before `settle`.
fn change_without_settling(path: &Path, old: &Vault, new: &Vault, fail_at: Option<usize>) -> bool {
    let mut store = Store::open(path).unwrap();
    let known = store.vault_key().unwrap();
    let done = std::cell::Cell::new(0);
    let reseal = |meter: MeterId, kind: SecretKind, sealed: &[u8]| {
        if fail_at == Some(done.replace(done.get() + 1)) {
            return Err("cut".to_owned());
        }
        let place = Vault::place(meter, kind);
        Ok(new.seal(&place, &old.open(&place, sealed).unwrap()))
    };
    let share = |_: &crate::store::PersonRow| Err("nobody".to_owned());
    let key = NewKey { old: known.as_deref(), number: &new.number(), reseal: &reseal, share: &share };
    store.change_vault_key(Timestamp::now(), &key).is_ok()
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_change_of_keys_that_is_cut_anywhere_leaves_the_old_key_or_the_new_one() {
    on_bench(async {
        // Cut after the new key's file, at each secret, and after the store's transaction.
        for fail_at in [Some(0), Some(1), Some(2), None] {
            let script = wants_password(1);
            let bench = Bench::new(&script, 4).await;
            let ids = bench.add_with_password("A", "ABCD1234").await;
            bench.add_with_password("B", "1").await;
            bench.add_with_password("C", "2").await;
            let path = bench.store_path();
            let (old, new) = (Vault::open_existing(&path).unwrap(), Vault::generate().unwrap());
            new.prepare_beside(&path).unwrap();
            assert_eq!(change_without_settling(&path, &old, &new, fail_at), fail_at.is_none());
            let again = Bench::open(&script, 4, Rc::clone(&bench.folder), None).await;
            reads_well(&again, &ids).await;
            again.edit(Edit::RekeyVault).await.unwrap();
        }
    })
    .await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn one_secret_that_does_not_open_stops_a_change_of_keys_and_is_named() {
    on_bench(async {
        let script = wants_password(1);
        let bench = Bench::new(&script, 4).await;
        let ids = bench.add_with_password("A", "ABCD1234").await;
        let other = bench.add_with_password("B", "1").await;
        let mut store = Store::open(&bench.store_path()).unwrap();
        store.put_secret(other[0], SecretKind::Password, Some(b"\x01damaged")).unwrap();
        drop(store);
        let fault = bench.edit(person("alice", Role::Administrator, ALICE)).await.unwrap_err();
        assert!(fault.message.contains("password") && fault.message.contains("number 2"), "{fault}");
        assert_eq!(bench.standing().await, Standing::Alone);
        reads_well(&bench, &ids).await;
    })
    .await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_role_that_was_altered_in_the_file_lets_nobody_in() {
    on_bench(async {
        let (bench, _) = with_people(&Script::new(&[])).await;
        let connection = rusqlite::Connection::open(bench.store_path()).unwrap();
        let raise = "UPDATE person SET role = 'administrator' WHERE name = 'bob'";
        assert_eq!(connection.execute(raise, ()).unwrap(), 1);
        let fault = bench.sign_in("bob", BOB).await.unwrap_err();
        assert!(fault.refused && fault.message.contains("changed by something else"), "{fault}");
    })
    .await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn no_passphrase_is_in_the_store_its_files_or_the_words_of_an_edit() {
    on_bench(async {
        let (bench, _) = with_people(&Script::new(&[])).await;
        bench.sign_in("bob", BOB).await.unwrap();
        bench.sign_in(BOB, BOB).await.unwrap_err();
        for entry in std::fs::read_dir(bench.folder.path()).unwrap() {
            let path = entry.unwrap().path();
            let bytes = std::fs::read(&path).unwrap();
            assert!(!bytes.windows(6).any(|window| window == b"MARKED"), "{}", path.display());
        }
        let told = format!("{:?} {:?}", person("x", Role::Viewer, BOB), bench.standing().await);
        assert!(!told.contains("MARKED"), "{told}");
    })
    .await;
}
