//! Batches of writes: what fails with them, what goes ahead, and that they are nobody else's.

use std::cell::RefCell;

use super::*;
use crate::store::{Store, StoreError};

type Told = Rc<RefCell<Vec<Result<(), String>>>>;

const METER: MeterId = MeterId(1);

impl Bench {
    /// Defers a write of a setting, or what breaks it.
    fn put(&self, told: &Told, work: impl Fn(&mut Store) -> Result<(), StoreError> + Send + 'static) {
        let told = Rc::clone(told);
        self.shared.defer((METER, 1), work, move |done| {
            told.borrow_mut().push(done.map_err(|fault| fault.message));
        });
    }

    fn setting(&self, key: &str) -> Option<String> {
        self.reader().setting(key).unwrap()
    }
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_write_that_fails_fails_alone() {
    on_bench(async {
        let bench = Bench::new(&Script::new(&[]), 4).await;
        let told = Told::default();
        bench.put(&told, |store| store.put_setting("before", "1"));
        bench.put(&told, |store| {
            store.put_setting("with it", "1")?;
            Err(StoreError::Request("no such meter".to_owned()))
        });
        bench.put(&told, |store| store.put_setting("after", "1"));
        bench.shared.settled(METER).await;
        assert_eq!(*told.borrow(), [Ok(()), Err("no such meter".to_owned()), Ok(())]);
        assert!(bench.setting("before").is_some() && bench.setting("after").is_some());
    })
    .await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_batch_that_breaks_off_fails_whole_and_the_next_one_is_written() {
    on_bench(async {
        let bench = Bench::new(&Script::new(&[]), 4).await;
        let told = Told::default();
        bench.put(&told, |store| store.put_setting("before", "1"));
        bench.put(&told, |_| panic!("a bug"));
        bench.shared.settled(METER).await;
        assert!(told.borrow().iter().all(Result::is_err) && told.borrow().len() == 2, "{told:?}");
        assert_eq!(bench.setting("before"), None);
        bench.put(&told, |store| store.put_setting("after", "1"));
        bench.shared.settled(METER).await;
        assert_eq!((told.borrow().last(), bench.setting("after").as_deref()), (Some(&Ok(())), Some("1")));
    })
    .await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn what_is_urgent_does_not_wait_for_what_gathers() {
    on_bench(async {
        let bench = Bench::new(&Script::new(&[]), 4).await;
        let told = Told::default();
        bench.shared.settling.set_sessions(1000);
        bench.put(&told, |store| store.put_setting("gathers", "1"));
        let next = bench.shared.written(|store| store.reserve_counters(METER, "unicast", 16)).await.unwrap();
        assert_eq!(
            (bench.reader().counter(METER, "unicast").unwrap(), bench.setting("gathers")),
            (Some(next + 16), None)
        );
        bench.shared.settled(METER).await;
        assert_eq!(bench.setting("gathers").as_deref(), Some("1"));
    })
    .await;
}

#[tokio::test(flavor = "current_thread", start_paused = true)]
async fn a_batch_is_not_told_as_another_programs_doing() {
    on_bench(async {
        let bench = Bench::new(&Script::new(&[]), 4).await;
        assert!(bench.commands.send(Command::Watch(true)).await.is_ok());
        tokio::time::sleep(Duration::from_millis(1500)).await;
        for round in ["1", "2"] {
            bench.put(&Told::default(), move |store| store.put_setting("round", round));
            tokio::time::sleep(Duration::from_secs(3)).await;
        }
        assert_eq!(bench.setting("round").as_deref(), Some("2"));
        assert!(bench.events.try_recv().is_err());
        let mut other = Store::open(&bench.folder.path().join("test.db")).unwrap();
        other.put_setting("a", "b").unwrap();
        bench.put(&Told::default(), |store| store.put_setting("round", "3"));
        assert_eq!(bench.next().await, Event::ChangedElsewhere);
    })
    .await;
}
