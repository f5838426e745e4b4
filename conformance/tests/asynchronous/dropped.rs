//! Futures that are dropped at any of their polls.

use std::pin::pin;
use std::task::{Context, Waker};

use netabase_core::config::FileConfig;
use netabase_core::driver::asynchronous::{AsyncDriver, SyncAsAsync};
use netabase_core::error::NetabaseError;
use netabase_core::memory::{AsyncMemory, Memory};
use netabase_core::store::asynchronous::AsyncTypedStore;
use pollster::block_on;

use super::slow::Slow;
use super::{Shared, by_age, key, user};
use conformance::model::shop::{Shop, User, UserAgeSecondaryKey};

type Store<A> = AsyncTypedStore<Shop, Slow<A>>;
type Outcome = Result<(), NetabaseError>;

/// Polls a future so often; whether it has ended by then.
fn poll(future: impl Future<Output = Outcome>, polls: usize) -> bool {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    (0..polls).any(|_| match future.as_mut().poll(&mut context) {
        std::task::Poll::Ready(result) => {
            result.unwrap();
            true
        }
        std::task::Poll::Pending => false,
    })
}

/// A store of ten users.
async fn opened<A: AsyncDriver<Config = FileConfig>>(ground: A) -> Store<A> {
    let driver = Slow::new(ground);
    let store = Store::open_on(&driver, &FileConfig::new("")).await.unwrap();
    let users = (0..10).map(|id| user(id, id as u8, (id % 3) as i32));
    store.open_tree::<User>().put_many(users).await.unwrap();
    store
}

/// What a store holds, of which records and indexes agree.
async fn state<A: AsyncDriver>(store: &Store<A>) -> Vec<User> {
    let guard = store.read().await.unwrap();
    let view = guard.open_tree::<User>();
    let records = view.iter().to_vec().await.unwrap();
    let records: Vec<_> = records.into_iter().map(|(_, user)| user).collect();
    assert_eq!(view.len().await.unwrap(), records.len());
    let by_age = view.range_by::<UserAgeSecondaryKey>(..).to_vec();
    let mut by_age: Vec<_> = by_age
        .await
        .unwrap()
        .into_iter()
        .map(|(_, user)| user)
        .collect();
    by_age.sort_by_key(|user| user.id);
    assert_eq!(by_age, records);
    records
}

/// Drops an operation at each of its polls, on a store of its own each time; the store goes on, with all of the operation
/// or nothing of it.
async fn drop_at_every_poll<A: AsyncDriver<Config = FileConfig>>(
    ground: impl Fn() -> A,
    name: &str,
    operation: impl AsyncFn(&Store<A>) -> Outcome,
) {
    let store = opened(ground()).await;
    let before = state(&store).await;
    operation(&store).await.unwrap();
    let after = state(&store).await;
    let mut polls = 0;
    loop {
        let store = opened(ground()).await;
        let is_done = poll(operation(&store), polls);
        let found = state(&store).await;
        if is_done {
            assert_eq!(found, after, "{name} after {polls} polls");
        } else {
            assert!(
                found == before || found == after,
                "{name} after {polls} polls: {found:?}"
            );
        }
        store
            .open_tree::<User>()
            .put(user(1_000, 200, 9))
            .await
            .unwrap();
        assert_eq!(state(&store).await.len(), found.len() + 1, "{name}");
        if is_done {
            break;
        }
        polls += 1;
    }
    assert!(polls > 1, "{name} is done in {polls} polls");
}

async fn drop_everything<A: AsyncDriver<Config = FileConfig>>(ground: impl Fn() -> A) {
    macro_rules! dropped {
        ($name:literal, |$store:ident| $run:expr) => {
            drop_at_every_poll(&ground, $name, async |$store: &Store<A>| {
                $run;
                Ok(())
            })
            .await;
        };
    }
    let many = || (20..60).map(|id| user(id, id as u8, (id % 3) as i32));

    dropped!("put", |store| store
        .open_tree::<User>()
        .put(user(3, 30, 7))
        .await?);
    dropped!("put_many", |store| store
        .open_tree::<User>()
        .put_many(many())
        .await?);
    dropped!("remove", |store| store
        .open_tree::<User>()
        .remove(key(3))
        .await?);
    dropped!("remove_many", |store| {
        store
            .open_tree::<User>()
            .remove_many((0..9).map(key))
            .await?
    });
    dropped!("discard", |store| store
        .open_tree::<User>()
        .discard(key(3))
        .await?);
    dropped!("clear", |store| store.open_tree::<User>().clear().await?);
    dropped!("get", |store| store.open_tree::<User>().get(key(3)).await?);
    dropped!("get_by_secondary_key", |store| {
        store
            .open_tree::<User>()
            .get_by_secondary_key(by_age(1))
            .await?
    });
    dropped!("all", |store| store.open_tree::<User>().all().await?);
    dropped!("len", |store| store.open_tree::<User>().len().await?);
    dropped!("tree_names", |store| {
        store.tree_names().await?;
        store.tree_names().await?
    });
    dropped!("iterate", |store| {
        let guard = store.read().await?;
        let view = guard.open_tree::<User>();
        let mut users = view.iter();
        while users.next().await.transpose()?.is_some() {}
        view.range_by::<UserAgeSecondaryKey>(..).to_vec().await?
    });
    dropped!("transaction", |store| {
        let guard = store.write().await?;
        let mut users = guard.open_tree::<User>();
        users.put(user(3, 131, 7)).await?;
        users.remove(key(5)).await?;
        users.put_many(many()).await?;
        guard.commit().await?
    });
    dropped!("try_write", |store| {
        let guard = store.try_write().await?;
        guard.open_tree::<User>().put(user(3, 131, 7)).await?;
        guard.commit().await?
    });
    dropped!("batch", |store| {
        let mut batch = store.batch();
        batch.put(user(3, 131, 7)).remove::<User>(key(5));
        batch.put_many(many().collect());
        batch.commit().await?
    });
    dropped!("transact", |store| {
        store
            .transact(async |txn| {
                let mut users = txn.open_tree::<User>();
                let found = users.get_by_secondary_key(by_age(1)).await?;
                users
                    .remove_many(found.iter().map(|user| key(user.id)))
                    .await?;
                users.put(user(4, 40, 8)).await
            })
            .await?
    });
}

#[test]
fn a_store_goes_on_whenever_a_future_is_dropped() {
    block_on(async {
        drop_everything(SyncAsAsync::<Memory>::default).await;
        drop_everything(AsyncMemory::new).await;
        drop_everything(AsyncMemory::optimistic).await;
    });
}

#[test]
fn a_write_that_waits_for_its_turn_may_be_dropped() {
    block_on(async {
        let store = opened(AsyncMemory::new()).await;
        for polls in 0..4 {
            let guard = store.write().await.unwrap();
            let wait = async { store.write().await.map(drop) };
            let mut wait = Box::pin(wait);
            let mut context = Context::from_waker(Waker::noop());
            for _ in 0..polls {
                assert!(wait.as_mut().poll(&mut context).is_pending());
            }
            // The turn comes to it before it is dropped, and goes on.
            drop(guard);
            drop(wait);
            store.try_write().await.unwrap().rollback();
        }
    });
}

#[test]
fn an_opening_that_is_dropped_leaves_nothing_or_a_whole_database() {
    block_on(async {
        let config = FileConfig::new("");
        for polls in 0.. {
            let driver = Shared::new();
            let open = async {
                AsyncTypedStore::<Shop, _>::open_on(&driver, &config)
                    .await
                    .map(drop)
            };
            let is_done = poll(open, polls);
            let store = AsyncTypedStore::<Shop, _>::open_on(&driver, &config)
                .await
                .unwrap();
            let users = store.open_tree::<User>();
            users.put(user(1, 1, 30)).await.unwrap();
            let found = users.get_by_secondary_key(by_age(30)).await.unwrap();
            assert_eq!(found, [user(1, 1, 30)]);
            if is_done {
                assert!(polls > 2, "{polls} polls");
                break;
            }
        }
    });
}
