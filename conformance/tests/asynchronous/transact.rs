//! Transactions that run again, and writers that wait.

use std::cell::Cell;
use std::error::Error;
use std::pin::pin;
use std::time::Duration;

use futures_util::future::join_all;
use netabase_core::config::FileConfig;
use netabase_core::driver::asynchronous::{AsyncDriver, SyncAsAsync};
use netabase_core::driver::{CommitOutcome, ErrorKind};
use netabase_core::error::NetabaseError;
use netabase_core::memory::{AsyncMemory, Memory};
use netabase_core::store::TransactOptions;
use netabase_core::store::asynchronous::AsyncTypedStore;
use pollster::block_on;

use super::slow::Slow;
use super::{key, user};
use conformance::model::shop::{Note, Shop, User};

type Store<A> = AsyncTypedStore<Shop, Slow<A>>;

async fn opened<A: AsyncDriver<Config = FileConfig>>(ground: A, config: FileConfig) -> Store<A> {
    Store::open_on(&Slow::new(ground), &config).await.unwrap()
}

fn config() -> FileConfig {
    FileConfig::new("")
}

/// Adds one to a counter.
async fn count_up<A: AsyncDriver<Config = FileConfig>>(
    store: &Store<A>,
    tries: &Cell<u32>,
) -> Result<i32, NetabaseError> {
    store
        .transact(async |txn| {
            tries.set(tries.get() + 1);
            let mut users = txn.open_tree::<User>();
            let mut counter = users.get(key(1)).await?.unwrap_or_else(|| user(1, 1, 0));
            counter.age += 1;
            users.put(&counter).await?;
            Ok(counter.age)
        })
        .await
}

/// Counts up in many tasks; gives the number of tries.
async fn count_together<A: AsyncDriver<Config = FileConfig>>(ground: A) -> u32 {
    let store = opened(ground, config()).await;
    let tries = Cell::new(0);
    let mut counts = join_all((0..20).map(|_| count_up(&store, &tries))).await;
    counts.sort_by_key(|count| *count.as_ref().unwrap());
    let counts: Vec<_> = counts.into_iter().map(Result::unwrap).collect();
    assert_eq!(counts, (1..=20).collect::<Vec<_>>());
    tries.get()
}

#[test]
fn every_transaction_counts_once_however_often_it_runs() {
    block_on(async {
        assert_eq!(count_together(SyncAsAsync::<Memory>::default()).await, 20);
        assert_eq!(count_together(AsyncMemory::new()).await, 20);
        assert!(count_together(AsyncMemory::optimistic()).await > 20);
    });
}

#[test]
fn the_tries_end_with_the_last_cause() {
    block_on(async {
        let store = opened(AsyncMemory::optimistic(), config()).await;
        let options = TransactOptions::builder()
            .max_attempts(3)
            .backoff_base(Duration::ZERO)
            .build();
        let tries = Cell::new(0);
        let error = store
            .transact_with(&options, async |txn| {
                tries.set(tries.get() + 1);
                let mut users = txn.open_tree::<User>();
                let before = users.len().await?;
                // Somebody else is always faster.
                let id = before as u64;
                store.open_tree::<User>().put(user(id, id as u8, 1)).await?;
                users.put(user(100, 100, 1)).await
            })
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict);
        assert_eq!(tries.get(), 3);
        assert!(error.source().unwrap().to_string().contains("changed"));
        assert_eq!(store.open_tree::<User>().len().await.unwrap(), 3);
    });
}

#[test]
fn an_error_of_the_closure_rolls_back_and_is_given_as_it_is() {
    #[derive(Debug)]
    enum MyError {
        NotToday,
        Store,
    }

    impl From<NetabaseError> for MyError {
        fn from(_: NetabaseError) -> Self {
            Self::Store
        }
    }

    block_on(async {
        let store = opened(AsyncMemory::optimistic(), config()).await;
        let tries = Cell::new(0);
        let result: Result<(), MyError> = store
            .transact(async |txn| {
                tries.set(tries.get() + 1);
                txn.open_tree::<User>().put(user(1, 1, 1)).await?;
                Err(MyError::NotToday)
            })
            .await;
        assert!(matches!(result, Err(MyError::NotToday)));
        assert_eq!(tries.get(), 1);
        assert!(store.open_tree::<User>().is_empty().await.unwrap());
        store.close();
        let result: Result<(), MyError> = store.transact(async |_| Ok(())).await;
        assert!(matches!(result, Err(MyError::Store)));
    });
}

#[test]
fn a_commit_whose_outcome_is_not_known_is_not_tried_again_and_can_be_asked_about() {
    block_on(async {
        let ground = AsyncMemory::optimistic();
        let store = opened(ground.clone(), config()).await;
        for (kept, expected) in [
            (true, CommitOutcome::Committed),
            (false, CommitOutcome::NotCommitted),
        ] {
            ground.lose_next_answer(kept);
            let tries = Cell::new(0);
            let error = store
                .transact(async |txn| {
                    tries.set(tries.get() + 1);
                    let note = Note {
                        title: format!("{kept}"),
                        ..Note::default()
                    };
                    txn.open_tree::<Note>().put(note).await
                })
                .await
                .unwrap_err();
            assert_eq!(error.kind(), ErrorKind::CommitUnknown);
            assert_eq!(tries.get(), 1);
            let token = error.commit_token().unwrap();
            assert_eq!(store.commit_outcome(token).await.unwrap(), expected);
        }
        let notes = store.open_tree::<Note>().all().await.unwrap();
        assert_eq!(notes.len(), 1);
        assert_eq!(notes[0].1.title, "true");
    });
}

async fn assert_busy<A: AsyncDriver<Config = FileConfig>>(ground: A) {
    let timeout = Duration::from_millis(5);
    let config = FileConfig {
        busy_timeout: timeout,
        ..config()
    };
    let store = opened(ground, config).await;
    let guard = store.write().await.unwrap();
    for error in [
        store.write().await.unwrap_err(),
        store.try_write().await.unwrap_err(),
        store
            .open_tree::<User>()
            .put(user(1, 1, 1))
            .await
            .unwrap_err(),
        store.batch().commit().await.unwrap_err(),
        store
            .transact(async |txn| txn.open_tree::<User>().clear().await)
            .await
            .unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Conflict, "{error:?}");
        assert!(error.to_string().contains("another write"), "{error}");
    }
    // What had waited has left the turn to others.
    guard.commit().await.unwrap();
    store.try_write().await.unwrap().rollback();
    store.write().await.unwrap().rollback();
}

#[test]
fn two_writers_of_one_thread_wait_for_a_finite_time() {
    block_on(async {
        assert_busy(SyncAsAsync::<Memory>::default()).await;
        assert_busy(AsyncMemory::new()).await;
    });
}

#[test]
fn the_next_writer_begins_when_the_one_before_it_ends() {
    block_on(async {
        let store = opened(SyncAsAsync::<Memory>::default(), config()).await;
        let guard = store.write().await.unwrap();
        let mut next = pin!(store.write());
        assert!(futures_util::poll!(next.as_mut()).is_pending());
        assert!(futures_util::poll!(next.as_mut()).is_pending());
        guard.open_tree::<User>().put(user(1, 1, 1)).await.unwrap();
        guard.commit().await.unwrap();
        let guard = next.await.unwrap();
        assert_eq!(guard.open_tree::<User>().len().await.unwrap(), 1);
    });
}

#[test]
fn writers_of_an_optimistic_engine_do_not_wait() {
    block_on(async {
        let store = opened(AsyncMemory::optimistic(), config()).await;
        let one = store.write().await.unwrap();
        let other = store.try_write().await.unwrap();
        let third = store.write().await.unwrap();
        one.open_tree::<User>().put(user(1, 1, 1)).await.unwrap();
        other.open_tree::<User>().put(user(2, 2, 2)).await.unwrap();
        third.open_tree::<User>().put(user(2, 3, 2)).await.unwrap();
        other.commit().await.unwrap();
        one.commit().await.unwrap();
        assert_eq!(
            third.commit().await.unwrap_err().kind(),
            ErrorKind::Conflict
        );
    });
}

#[test]
fn single_calls_and_batches_begin_anew_where_another_was_first() {
    block_on(async {
        let store = opened(AsyncMemory::optimistic(), config()).await;
        let users = store.open_tree::<User>();
        let puts = join_all((0..12).map(|age| users.put(user(1, 1, age)))).await;
        assert!(puts.iter().all(Result::is_ok), "{puts:?}");
        let batches = join_all((0..12).map(async |age| {
            let mut batch = store.batch();
            batch.put(user(1, 1, age)).remove::<User>(key(2));
            batch.put(user(2, 2, age));
            batch.commit().await
        }))
        .await;
        assert!(batches.iter().all(Result::is_ok), "{batches:?}");
        let found = users.all().await.unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].1.age, found[1].1.age);
    });
}
