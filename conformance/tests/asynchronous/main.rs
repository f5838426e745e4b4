//! The typed layer on asynchronous engines: the same results as the synchronous one, in few round trips, whatever happens
//! between them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll, Waker};

mod dropped;
mod optimistic;
mod send;
mod slow;
mod transact;

use self::slow::{Slow, yield_once};
use conformance::model::shop::{
    Note, Order, Shop, User, UserAgeSecondaryKey, UserCitySecondaryKey, UserEmailSecondaryKey,
    UserPrimaryKey, UserSecondaryKeys,
};
use netabase_core::config::FileConfig;
use netabase_core::driver::asynchronous::{
    AsyncAsSync, AsyncDatabase, AsyncDriver, AsyncRead, Block, SyncAsAsync,
};
use netabase_core::driver::command;
use netabase_core::driver::{
    Bounds, Capabilities, Direction, Driver, ErrorKind, Manifest, OpenConfig, Result, TreeId,
};
use netabase_core::error::NetabaseError;
use netabase_core::memory::Memory;
use netabase_core::store::TypedStore;
use netabase_core::store::asynchronous::AsyncTypedStore;
use netabase_store::NetabaseStore;
use netabase_store::traits::store_ops::{BackendFor, OpenTree};
use netabase_store::traits::tree::NetabaseTreeAsync;
use pollster::block_on;
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;

/// One database in memory that several programs have open.
#[derive(Clone)]
struct Shared {
    manifest: Manifest,
    ground: Slow,
    store: Arc<<Slow as AsyncDriver>::Database>,
}

struct SharedDatabase(Arc<<Slow as AsyncDriver>::Database>);

impl Shared {
    fn new() -> Self {
        let ground = Slow::default();
        let mut manifest = AsyncDriver::manifest(&ground).clone();
        manifest.capabilities = manifest.capabilities.with(Capabilities::MULTI_PROCESS);
        let store = block_on(ground.open(&FileConfig::new(""))).unwrap();
        Self {
            manifest,
            ground,
            store: Arc::new(store),
        }
    }
}

impl AsyncDriver for Shared {
    type Database = SharedDatabase;
    type Config = FileConfig;

    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    async fn open(&self, _: &FileConfig) -> Result<SharedDatabase> {
        Ok(SharedDatabase(Arc::clone(&self.store)))
    }
}

impl AsyncDatabase for SharedDatabase {
    type Reader = <<Slow as AsyncDriver>::Database as AsyncDatabase>::Reader;
    type Writer = <<Slow as AsyncDriver>::Database as AsyncDatabase>::Writer;

    async fn begin_read(&self) -> Result<Self::Reader> {
        self.0.begin_read().await
    }

    async fn begin_write(&self) -> Result<Self::Writer> {
        self.0.begin_write().await
    }

    async fn try_begin_write(&self) -> Result<Self::Writer> {
        self.0.try_begin_write().await
    }

    async fn command(&self, operation: &str, argument: &[u8]) -> Result<Vec<Vec<u8>>> {
        self.0.command(operation, argument).await
    }
}

type Sync = TypedStore<Shop, Memory>;
type Async = AsyncTypedStore<Shop, Slow>;

async fn open(driver: &Slow) -> Async {
    Async::open_on(driver, &FileConfig::new("")).await.unwrap()
}

fn user(id: u64, email: u8, age: i32) -> User {
    User {
        id,
        email: format!("{email}@example.org"),
        age,
        city: (!id.is_multiple_of(3)).then(|| format!("city {}", id % 4)),
        bio: "a".repeat(id as usize % 50),
        ..User::default()
    }
}

fn key(id: u64) -> UserPrimaryKey {
    UserPrimaryKey(id)
}

fn by_age(age: i32) -> UserSecondaryKeys {
    UserSecondaryKeys::Age(UserAgeSecondaryKey(age))
}

#[derive(Debug, Clone)]
enum Step {
    Put(User),
    PutMany(Vec<User>),
    Remove(u64),
    RemoveMany(Vec<u64>),
    Discard(u64),
    Clear,
}

#[derive(Debug, Clone)]
enum Action {
    Single(Step),
    Transaction { steps: Vec<Step>, commits: bool },
    Batch(Vec<User>, u64),
}

fn users() -> impl Strategy<Value = User> {
    (0..24_u64, 0..32_u8, 0..4).prop_map(|(id, email, age)| user(id, email, age))
}

fn steps() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => users().prop_map(Step::Put),
        3 => proptest::collection::vec(users(), 0..40).prop_map(Step::PutMany),
        2 => (0..24_u64).prop_map(Step::Remove),
        1 => proptest::collection::vec(0..24_u64, 0..30).prop_map(Step::RemoveMany),
        1 => (0..24_u64).prop_map(Step::Discard),
        1 => Just(Step::Clear),
    ]
}

fn actions() -> impl Strategy<Value = Vec<Action>> {
    let transaction = (proptest::collection::vec(steps(), 1..6), any::<bool>())
        .prop_map(|(steps, commits)| Action::Transaction { steps, commits });
    let batch = (proptest::collection::vec(users(), 0..6), 0..24_u64)
        .prop_map(|(users, id)| Action::Batch(users, id));
    let action = prop_oneof![3 => steps().prop_map(Action::Single), 3 => transaction, 1 => batch];
    proptest::collection::vec(action, 1..12)
}

/// What a step gives: the same from both layers.
fn outcome<T>(result: std::result::Result<T, NetabaseError>) -> std::result::Result<T, ErrorKind> {
    result.map_err(|error| error.kind())
}

macro_rules! take_step {
    ($view:ident, $step:expr $(, $await:ident)?) => {
        match $step {
            Step::Put(user) => outcome($view.put(user)$(.$await)?).map(|()| Vec::new()),
            Step::PutMany(users) => outcome($view.put_many(users)$(.$await)?).map(|()| Vec::new()),
            Step::Remove(id) => outcome($view.remove(key(*id))$(.$await)?).map(|user| vec![user]),
            Step::RemoveMany(ids) => {
                outcome($view.remove_many(ids.iter().copied().map(key))$(.$await)?)
            }
            Step::Discard(id) => outcome($view.discard(key(*id))$(.$await)?).map(|found| {
                vec![None; usize::from(found)]
            }),
            Step::Clear => outcome($view.clear()$(.$await)?).map(|()| Vec::new()),
        }
    };
}

/// Holds every read of both stores against each other.
async fn compare(sync: &Sync, asynchronous: &Async) -> TestCaseResult {
    let (users, others) = (sync.open_tree::<User>(), asynchronous.open_tree::<User>());
    let all: Vec<_> = users.iter().unwrap().map(|user| user.unwrap()).collect();
    prop_assert_eq!(&all, &others.all().await.unwrap());
    prop_assert_eq!(all.len(), others.len().await.unwrap());
    let ids = || (0..25).map(key);
    prop_assert_eq!(
        users.get_many(ids()).unwrap(),
        others.get_many(ids()).await.unwrap()
    );
    for age in 0..4 {
        prop_assert_eq!(
            users.get_by_secondary_key(by_age(age)).unwrap(),
            others.get_by_secondary_key(by_age(age)).await.unwrap()
        );
    }
    let (reader, other) = (sync.read(), asynchronous.read().await.unwrap());
    let (view, other) = (reader.open_tree::<User>(), other.open_tree::<User>());
    let range = key(5)..key(17);
    let expected: Vec<_> = view
        .range(range.clone())
        .unwrap()
        .map(|user| user.unwrap())
        .collect();
    prop_assert_eq!(
        &expected,
        &other.range(range.clone()).to_vec().await.unwrap()
    );
    let mut backwards = other.range(range);
    for user in expected.iter().rev() {
        prop_assert_eq!(user, &backwards.next_back().await.unwrap().unwrap());
    }
    prop_assert!(backwards.next_back().await.is_none());
    let ages = UserAgeSecondaryKey(1)..=UserAgeSecondaryKey(2);
    let expected: Vec<_> = (view.range_by(ages.clone()).unwrap())
        .map(|user| user.unwrap())
        .collect();
    prop_assert_eq!(expected, other.range_by(ages).to_vec().await.unwrap());
    let expected: Vec<_> = (view.range_by::<UserEmailSecondaryKey>(..).unwrap())
        .map(|user| user.unwrap())
        .collect();
    let mut emails = other.range_by::<UserEmailSecondaryKey>(..);
    let (mut front, mut back) = (Vec::new(), Vec::new());
    while let Some(user) = emails.next().await {
        front.push(user.unwrap());
        if let Some(user) = emails.next_back().await {
            back.push(user.unwrap());
        }
    }
    front.extend(back.into_iter().rev());
    prop_assert_eq!(expected, front);
    prop_assert_eq!(view.first().unwrap(), other.first().await.unwrap());
    prop_assert_eq!(view.last().unwrap(), other.last().await.unwrap());
    Ok(())
}

async fn run(actions: Vec<Action>) -> TestCaseResult {
    let sync = Sync::new("").unwrap();
    let asynchronous = open(&Slow::default()).await;
    for action in actions {
        match action {
            Action::Single(step) => {
                let (users, others) = (sync.open_tree::<User>(), asynchronous.open_tree::<User>());
                prop_assert_eq!(take_step!(users, &step), take_step!(others, &step, await));
            }
            Action::Transaction { steps, commits } => {
                let (writer, other) = (sync.write().unwrap(), asynchronous.write().await.unwrap());
                let mut failed = false;
                for step in steps {
                    let mut view = writer.open_tree::<User>();
                    let expected = take_step!(view, &step);
                    if expected.is_err() && !matches!(step, Step::Put(_)) {
                        // The synchronous transaction can only be rolled back then.
                        failed = true;
                        break;
                    }
                    let mut view = other.open_tree::<User>();
                    prop_assert_eq!(expected, take_step!(view, &step, await));
                    let (own, view) = (writer.open_tree::<User>(), other.open_tree::<User>());
                    let own: Vec<_> = own.iter().unwrap().map(|user| user.unwrap()).collect();
                    prop_assert_eq!(own.len(), view.len().await.unwrap());
                    prop_assert_eq!(own, view.iter().to_vec().await.unwrap());
                }
                if commits && !failed {
                    writer.commit().unwrap();
                    other.commit().await.unwrap();
                }
            }
            Action::Batch(users, id) => {
                let (mut batch, mut other) = (sync.batch(), asynchronous.batch());
                for user in users {
                    batch.put(user.clone());
                    other.put(user);
                }
                batch.remove::<User>(key(id));
                other.remove::<User>(key(id));
                prop_assert_eq!(outcome(batch.commit()), outcome(other.commit().await));
            }
        }
        compare(&sync, &asynchronous).await?;
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn it_does_what_the_synchronous_layer_does(actions in actions()) {
        block_on(run(actions))?;
    }
}

#[test]
fn pages_join_without_a_gap_or_a_record_twice() {
    block_on(async {
        let store = open(&Slow::default()).await;
        let users = (0..3_000).map(|id| User {
            email: id.to_string(),
            ..user(id, 0, (id % 7) as i32)
        });
        store.open_tree::<User>().put_many(users).await.unwrap();
        let guard = store.read().await.unwrap();
        let view = guard.open_tree::<User>();
        let ids = |users: Vec<(UserPrimaryKey, User)>| -> Vec<u64> {
            users.into_iter().map(|(_, user)| user.id).collect()
        };
        assert_eq!(
            ids(view.iter().to_vec().await.unwrap()),
            (0..3_000).collect::<Vec<_>>()
        );
        let sevens = view.by(UserAgeSecondaryKey(3)).to_vec().await.unwrap();
        assert_eq!(
            ids(sevens),
            (0..3_000).filter(|id| id % 7 == 3).collect::<Vec<_>>()
        );
        let mut both = view.iter();
        for id in 0..1_500 {
            assert_eq!(both.next().await.unwrap().unwrap().1.id, id);
            assert_eq!(both.next_back().await.unwrap().unwrap().1.id, 2_999 - id);
        }
        assert!(both.next().await.is_none() && both.next_back().await.is_none());
    });
}

#[test]
fn many_records_take_few_round_trips() {
    block_on(async {
        let driver = Slow::default();
        let store = open(&driver).await;
        let users = store.open_tree::<User>();
        let records = |ids: std::ops::Range<u64>| {
            ids.map(|id| User {
                email: format!("{id:05}"),
                ..user(id, 0, 1)
            })
        };
        let before = driver.calls();
        users.put_many(records(0..5_000)).await.unwrap();
        users.put_many(records(5_000..10_000)).await.unwrap();
        let puts = driver.calls() - before;
        assert!(puts <= 40, "{puts} calls for 10,000 puts");
        let before = driver.calls();
        let found = users.get_many((0..10_000).map(key)).await.unwrap();
        assert!(found.iter().all(Option::is_some));
        let found = users.get_by_secondary_key(by_age(1)).await.unwrap();
        assert_eq!(found.len(), 10_000);
        let gets = driver.calls() - before;
        assert!(gets <= 40, "{gets} calls for 20,000 gets");
    });
}

#[test]
fn many_secondary_keys_are_looked_up_at_the_same_time() {
    block_on(async {
        let driver = Slow::default();
        let store = open(&driver).await;
        let users = store.open_tree::<User>();
        let records = (0..200).map(|id| user(id, id as u8, (id % 100) as i32));
        users.put_many(records.clone()).await.unwrap();
        let before = driver.calls();
        let ages = (0..100).map(by_age);
        let found = users.get_many_by_secondary_keys(ages).await.unwrap();
        // One page for each key, all of them together; the records; and the transaction.
        let calls = driver.calls() - before;
        assert!(calls <= 108, "{calls} calls");
        let at_once = driver.counts.0.at_once.load(Ordering::Relaxed);
        assert!(at_once >= 100, "{at_once} calls at the same time");
        for (age, found) in found.iter().enumerate() {
            let expected = records.clone().filter(|user| user.age == age as i32);
            assert!(expected.eq(found.iter().cloned()), "{age}");
        }
    });
}

#[test]
fn new_records_behind_the_last_one_take_no_round_trips_to_those_that_wait() {
    struct Thread;

    impl Block for Thread {
        fn block_on<F: Future>(&self, future: F) -> F::Output {
            block_on(future)
        }
    }

    let slow = Slow::<SyncAsAsync<Memory>>::default();
    let driver = AsyncAsSync::new(slow.clone(), Thread, |_| Ok(FileConfig::new("")));
    let store = TypedStore::<Shop, _>::open_on(&driver, &FileConfig::new("")).unwrap();
    for start in [0, 1_000] {
        let before = slow.calls();
        let guard = store.write().unwrap();
        let mut users = guard.open_tree::<User>();
        for id in start..start + 1_000 {
            let email = format!("{id:05}");
            users
                .put(User {
                    email,
                    // In every index, too, the new entries come last.
                    city: None,
                    ..user(id, 0, id as i32)
                })
                .unwrap();
        }
        guard.commit().unwrap();
        let calls = slow.calls() - before;
        assert!(calls <= 60, "{calls} calls for 1,000 puts");
    }
    // What lies before the last one is looked for.
    let users = store.open_tree::<User>();
    users.put(user(500, 1, 7)).unwrap();
    users.put(user(5_000, 2, 7)).unwrap();
    assert_eq!(users.len().unwrap(), 2_001);
    assert_eq!(users.get(key(500)).unwrap(), Some(user(500, 1, 7)));
    let same_email = users.put(user(6_000, 2, 7)).unwrap_err();
    assert_eq!(same_email.kind(), ErrorKind::AlreadyExists);
}

#[test]
fn scattered_keys_do_not_fetch_what_lies_between() {
    block_on(async {
        let driver = Slow::default();
        let store = open(&driver).await;
        let users = store.open_tree::<User>();
        users
            .put_many((0..8_000).map(|id| User {
                email: id.to_string(),
                ..user(id, 0, 1)
            }))
            .await
            .unwrap();
        let before = driver.entries();
        let found = users
            .get_many((0..200).map(|id| key(id * 40)))
            .await
            .unwrap();
        assert!(found.iter().all(Option::is_some));
        let entries = driver.entries() - before;
        assert!(entries <= 64, "{entries} entries for 200 keys");
    });
}

#[test]
fn a_transaction_above_the_limit_is_refused_and_leaves_nothing() {
    /// Memory, with a limit.
    #[derive(Default)]
    struct Tight;

    static TIGHT: LazyLock<Manifest> = LazyLock::new(|| {
        let mut manifest = Driver::manifest(&Memory).clone();
        manifest.limits.transaction_bytes = 4_000;
        manifest
    });

    impl AsyncDriver for Tight {
        type Database = <Slow as AsyncDriver>::Database;
        type Config = FileConfig;

        fn manifest(&self) -> &Manifest {
            &TIGHT
        }

        async fn open(&self, config: &FileConfig) -> Result<Self::Database> {
            Slow::<SyncAsAsync<Memory>>::default().open(config).await
        }
    }

    block_on(async {
        let store = AsyncTypedStore::<Shop, Tight>::new("").await.unwrap();
        let guard = store.write().await.unwrap();
        let mut users = guard.open_tree::<User>();
        for id in 0..100 {
            users.put(user(id, id as u8, 1)).await.unwrap();
        }
        let error = guard.commit().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{error:?}");
        assert!(store.open_tree::<User>().is_empty().await.unwrap());
        store.open_tree::<User>().put(user(1, 1, 1)).await.unwrap();
    });
}

#[test]
fn a_driver_that_answers_for_fewer_keys_than_asked_is_refused() {
    /// Forgets the last key.
    #[derive(Default)]
    struct Forgetful;
    struct Database(<Slow as AsyncDriver>::Database);
    struct Reader<T>(T);

    impl AsyncDriver for Forgetful {
        type Database = Database;
        type Config = FileConfig;

        fn manifest(&self) -> &Manifest {
            Driver::manifest(&Memory)
        }

        async fn open(&self, config: &FileConfig) -> Result<Database> {
            Slow::<SyncAsAsync<Memory>>::default()
                .open(config)
                .await
                .map(Database)
        }
    }

    impl AsyncDatabase for Database {
        type Reader = Reader<<<Slow as AsyncDriver>::Database as AsyncDatabase>::Reader>;
        type Writer = <<Slow as AsyncDriver>::Database as AsyncDatabase>::Writer;

        async fn begin_read(&self) -> Result<Self::Reader> {
            self.0.begin_read().await.map(Reader)
        }

        async fn begin_write(&self) -> Result<Self::Writer> {
            self.0.begin_write().await
        }

        async fn try_begin_write(&self) -> Result<Self::Writer> {
            self.0.try_begin_write().await
        }

        async fn command(&self, operation: &str, argument: &[u8]) -> Result<Vec<Vec<u8>>> {
            self.0.command(operation, argument).await
        }
    }

    impl<T: AsyncRead> AsyncRead for Reader<T> {
        fn tree(&self, name: &str) -> Result<TreeId> {
            self.0.tree(name)
        }

        async fn get_many(&self, tree: TreeId, keys: &[&[u8]]) -> Result<Vec<Option<Vec<u8>>>> {
            let mut found = self.0.get_many(tree, keys).await?;
            found.pop();
            Ok(found)
        }

        async fn page(
            &self,
            tree: TreeId,
            bounds: Bounds<'_>,
            direction: Direction,
            limit: usize,
        ) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
            self.0.page(tree, bounds, direction, limit).await
        }

        async fn len(&self, tree: TreeId) -> Result<u64> {
            self.0.len(tree).await
        }
    }

    block_on(async {
        let error = AsyncTypedStore::<Shop, Forgetful>::new("")
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Internal, "{error:?}");
        assert!(error.to_string().contains("keys and returned"), "{error}");
    });
}

#[test]
fn a_store_that_is_read_only_opens_as_a_blocking_one_does() {
    use netabase_driver_redb::Redb;

    let folder = tempfile::tempdir().unwrap();
    let config = FileConfig::new(folder.path().join("data.redb"));
    // A database without a schema.
    drop(Redb.open(&OpenConfig::from(&config)).unwrap());
    let config = FileConfig {
        read_only: true,
        ..config
    };
    drop(TypedStore::<Shop, Redb>::new(config.clone()).unwrap());
    block_on(async {
        let store = AsyncTypedStore::<Shop, SyncAsAsync<Redb>>::new(config.clone())
            .await
            .unwrap();
        let users = store.open_tree::<User>();
        assert_eq!(users.len().await.unwrap(), 0);
        let errors = [
            users.put(user(1, 1, 30)).await.unwrap_err(),
            store.write().await.unwrap_err(),
            store.run(command::Compact).await.unwrap_err(),
        ];
        for error in errors {
            assert_eq!(error.kind(), ErrorKind::ReadOnly, "{error:?}");
            assert!(error.to_string().contains("`read_only`"), "{error}");
        }
        let config = FileConfig {
            truncate: true,
            ..config
        };
        let error = AsyncTypedStore::<Shop, SyncAsAsync<Redb>>::new(config).await;
        assert_eq!(error.unwrap_err().kind(), ErrorKind::InvalidInput);
    });
}

#[test]
fn an_existing_database_is_opened_and_a_missing_one_is_not_created() {
    use netabase_driver_redb::Redb;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data.redb");
    block_on(async {
        type On = AsyncTypedStore<Shop, SyncAsAsync<Redb>>;
        let error = On::open(&path).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(!path.exists());
        drop(On::new(&path).await.unwrap());
        On::open(&path).await.unwrap();
    });
}

#[test]
fn the_facade_serves_an_engine_that_cannot_block() {
    block_on(async {
        let store = NetabaseStore::<Shop, _>::from_backend(open(&Slow::default()).await);
        let mut batch = store.batch();
        batch.put(user(1, 1, 30)).put(Note::default());
        batch.commit().await.unwrap();
        let guard = store.write().await.unwrap();
        guard.open_tree::<User>().put(user(2, 2, 31)).await.unwrap();
        guard.commit().await.unwrap();
        let guard = store.read().await.unwrap();
        assert_eq!(guard.open_tree::<User>().len().await.unwrap(), 2);
        assert!(store.open_tree::<User>().contains(key(2)).await.unwrap());
        assert!(
            store
                .tree_names()
                .await
                .unwrap()
                .contains(&"Note".to_owned())
        );
        assert_eq!(store.driver_name(), "memory");
        store.close();
        assert_eq!(store.read().await.unwrap_err().kind(), ErrorKind::Closed);
    });
}

#[test]
fn a_transaction_goes_on_after_an_operation_that_failed() {
    block_on(async {
        let store = open(&Slow::default()).await;
        let guard = store.write().await.unwrap();
        let mut view = guard.open_tree::<User>();
        view.put(user(1, 1, 30)).await.unwrap();
        let twice = [user(2, 7, 30), user(3, 7, 30)];
        let error = view.put_many(twice).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
        assert_eq!(error.driver(), Some("memory"));
        assert_eq!(view.len().await.unwrap(), 1);
        guard
            .open_tree::<Note>()
            .put(Note::default())
            .await
            .unwrap();
        guard.commit().await.unwrap();
        assert_eq!(store.open_tree::<User>().len().await.unwrap(), 1);
        assert_eq!(store.open_tree::<Note>().len().await.unwrap(), 1);
        assert_eq!(
            store
                .open_tree::<User>()
                .get_by_secondary_key(by_age(30))
                .await
                .unwrap(),
            [user(1, 1, 30)]
        );
    });
}

#[test]
fn a_future_that_is_dropped_leaves_the_transaction_as_it_was() {
    block_on(async {
        let store = open(&Slow::default()).await;
        let guard = store.write().await.unwrap();
        let mut view = guard.open_tree::<User>();
        view.put(user(1, 1, 30)).await.unwrap();
        for polls in 0..2 {
            let mut put = Box::pin(view.put(user(2, 2, 30)));
            let mut context = Context::from_waker(Waker::noop());
            for _ in 0..polls {
                assert!(put.as_mut().poll(&mut context).is_pending());
            }
        }
        assert_eq!(view.len().await.unwrap(), 1);
        guard.commit().await.unwrap();
        assert_eq!(store.open_tree::<User>().all().await.unwrap().len(), 1);
    });
}

#[test]
fn operations_of_one_transaction_may_wait_at_the_same_time() {
    block_on(async {
        let store = open(&Slow::default()).await;
        let guard = store.write().await.unwrap();
        {
            let (mut users, mut orders) = (guard.open_tree::<User>(), guard.open_tree::<Order>());
            let mut one = pin!(users.put(user(1, 1, 30)));
            let mut other = pin!(orders.put(Order::default()));
            let (mut one_is_done, mut other_is_done) = (false, false);
            poll_fn(|context| {
                if !one_is_done && let Poll::Ready(result) = one.as_mut().poll(context) {
                    result.unwrap();
                    one_is_done = true;
                }
                if !other_is_done && let Poll::Ready(result) = other.as_mut().poll(context) {
                    result.unwrap();
                    other_is_done = true;
                }
                if one_is_done && other_is_done {
                    Poll::Ready(())
                } else {
                    Poll::Pending
                }
            })
            .await;
        }
        guard.commit().await.unwrap();
        assert_eq!(store.open_tree::<User>().len().await.unwrap(), 1);
        assert_eq!(store.open_tree::<Order>().len().await.unwrap(), 1);
    });
}

#[test]
fn a_long_operation_ends_while_others_of_its_transaction_go_on() {
    block_on(async {
        let store = open(&Slow::default()).await;
        let guard = store.write().await.unwrap();
        let (mut users, mut notes) = (guard.open_tree::<User>(), guard.open_tree::<Note>());
        let many: Vec<_> = (0..20).map(|id| user(id, id as u8, 30)).collect();
        let mut long = pin!(users.put_many(many));
        let mut context = Context::from_waker(Waker::noop());
        for number in 0..200 {
            if long.as_mut().poll(&mut context).is_ready() {
                return;
            }
            let note = Note {
                title: number.to_string(),
                ..Note::default()
            };
            notes.put(note).await.unwrap();
        }
        panic!("200 other operations have ended meanwhile");
    });
}

#[test]
fn a_reader_that_was_overtaken_says_so_and_a_single_call_begins_again() {
    block_on(async {
        let store = open(&Slow::default()).await;
        let users = store.open_tree::<User>();
        users.put(user(1, 1, 30)).await.unwrap();
        let guard = store.read().await.unwrap();
        let view = guard.open_tree::<User>();
        assert!(view.contains(key(1)).await.unwrap());
        users.put(user(2, 2, 30)).await.unwrap();
        let error = view.get(key(1)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::SnapshotLost);
        assert!(error.kind().is_retryable());

        let mut lookup = pin!(users.get_by_secondary_key(by_age(30)));
        let mut context = Context::from_waker(Waker::noop());
        for _ in 0..2 {
            assert!(lookup.as_mut().poll(&mut context).is_pending());
        }
        users.put(user(3, 3, 30)).await.unwrap();
        assert_eq!(lookup.await.unwrap().len(), 3);
    });
}

#[test]
fn awaiting_something_foreign_within_a_transaction_is_harmless() {
    block_on(async {
        let store = open(&Slow::default()).await;
        let guard = store.write().await.unwrap();
        for id in 0..5 {
            guard
                .open_tree::<User>()
                .put(user(id, id as u8, 30))
                .await
                .unwrap();
            yield_once().await;
        }
        guard.commit().await.unwrap();
        assert_eq!(store.open_tree::<User>().len().await.unwrap(), 5);
    });
}

#[test]
fn a_closed_store_and_an_unknown_operation_are_refused() {
    block_on(async {
        let store = open(&Slow::default()).await;
        let users = store.open_tree::<User>();
        users.put(user(1, 1, 30)).await.unwrap();
        assert!(
            store
                .tree_names()
                .await
                .unwrap()
                .contains(&"User".to_owned())
        );
        let error = store.run(command::Flush).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        store.close();
        store.close();
        assert_eq!(
            users.get(key(1)).await.unwrap_err().kind(),
            ErrorKind::Closed
        );
        assert_eq!(store.write().await.unwrap_err().kind(), ErrorKind::Closed);
    });
}

#[test]
fn a_write_that_waited_while_the_store_was_closed_does_not_begin() {
    block_on(async {
        let store = open(&Slow::default()).await;
        let users = store.open_tree::<User>();
        let mut context = Context::from_waker(Waker::noop());
        let mut put = pin!(users.put(user(1, 1, 30)));
        assert!(put.as_mut().poll(&mut context).is_pending());
        let mut write = pin!(store.write());
        assert!(write.as_mut().poll(&mut context).is_pending());
        store.close();
        assert_eq!(put.await.unwrap_err().kind(), ErrorKind::Closed);
        assert_eq!(write.await.unwrap_err().kind(), ErrorKind::Closed);
    });
}

#[test]
fn the_durability_that_a_configuration_asks_for_holds() {
    block_on(async {
        for use_fsync in [true, false] {
            let config = FileConfig {
                use_fsync,
                ..FileConfig::new("")
            };
            let expected = TypedStore::<Shop, Memory>::new(config.clone()).unwrap();
            let store = Async::new(config).await.unwrap();
            assert_eq!(store.durability(), expected.durability(), "{use_fsync}");
        }
    });
}

#[test]
fn a_program_whose_models_are_out_of_date_neither_writes_nor_reads() {
    use conformance::model::reindexed::{self, OrderTotalSecondaryKey, ReindexedShop};

    let order = |number| Order {
        number,
        total: 7,
        ..Order::default()
    };
    block_on(async {
        let driver = Shared::new();
        let config = FileConfig::new("");
        let older = AsyncTypedStore::<Shop, _>::open_on(&driver, &config)
            .await
            .unwrap();
        let orders = older.open_tree::<Order>();
        orders.put(order(1)).await.unwrap();

        let newer = AsyncTypedStore::<ReindexedShop, _>::open_on(&driver, &config)
            .await
            .unwrap();
        let mut batch = older.batch();
        batch.put(order(2));
        let guard = older.write().await.unwrap();
        let mut view = guard.open_tree::<Order>();
        let within = [
            view.put(order(3)).await.unwrap_err(),
            view.clear().await.unwrap_err(),
        ];
        guard.commit().await.unwrap();
        let guard = older.read().await.unwrap();
        let errors = [
            orders.put(order(4)).await.unwrap_err(),
            orders.clear().await.unwrap_err(),
            orders.len().await.unwrap_err(),
            batch.commit().await.unwrap_err(),
            guard.open_tree::<Order>().first().await.unwrap_err(),
        ];
        for error in within.into_iter().chain(errors) {
            assert_eq!(error.kind(), ErrorKind::SchemaMismatch, "{error:?}");
            assert!(error.to_string().contains("open it again"), "{error}");
        }

        let guard = newer.read().await.unwrap();
        let orders = guard.open_tree::<reindexed::Order>();
        let found = orders.by(OrderTotalSecondaryKey(7)).to_vec().await.unwrap();
        let found: Vec<_> = found.iter().map(|(_, order)| order.number).collect();
        assert_eq!(found, [1]);
        assert_eq!(orders.len().await.unwrap(), 1);
    });
}

#[test]
fn the_schema_is_looked_at_once_a_transaction_and_meanwhile() {
    block_on(async {
        let driver = Shared::new();
        let store = AsyncTypedStore::<Shop, _>::open_on(&driver, &FileConfig::new(""))
            .await
            .unwrap();
        let guard = store.write().await.unwrap();
        let mut users = guard.open_tree::<User>();
        let before = driver.ground.calls();
        driver.ground.counts.0.at_once.store(0, Ordering::Relaxed);
        users.put(user(1, 1, 30)).await.unwrap();
        let first = driver.ground.calls() - before;
        let at_once = driver.ground.counts.0.at_once.load(Ordering::Relaxed);
        users.put(user(2, 2, 30)).await.unwrap();
        let second = driver.ground.calls() - before - first;
        assert_eq!(first, second + 1);
        assert_eq!(at_once, first, "one after the other");
        guard.commit().await.unwrap();
    });
}

/// Opens a tree of every store.
async fn count<S>(store: &S) -> std::result::Result<usize, NetabaseError>
where
    S: OpenTree<Shop, User>,
    for<'db> S::Tree<'db>: NetabaseTreeAsync<Shop, User>,
{
    store.open_tree().len().await
}

#[test]
fn a_store_that_cannot_block_opens_trees_where_any_store_does() {
    fn backend<B: BackendFor<Shop>>(_: &B) {}

    block_on(async {
        let store = open(&Slow::default()).await;
        backend(&store);
        store.open_tree::<User>().put(user(1, 1, 30)).await.unwrap();
        assert_eq!(count(&store).await.unwrap(), 1);
        let store = NetabaseStore::from_backend(store);
        assert_eq!(count(&store).await.unwrap(), 1);
    });
}

/// Serves every engine, whether it blocks or not.
async fn serve<T>(users: T) -> std::result::Result<usize, NetabaseError>
where
    T: NetabaseTreeAsync<
            Shop,
            User,
            PrimaryKey = UserPrimaryKey,
            SecondaryKeys = UserSecondaryKeys,
        >,
{
    users.put(user(1, 1, 30)).await?;
    users.put(user(2, 2, 31)).await?;
    assert_eq!(users.get(key(1)).await?, Some(user(1, 1, 30)));
    assert_eq!(users.get_by_secondary_key(by_age(31)).await?.len(), 1);
    let city = UserSecondaryKeys::City(UserCitySecondaryKey(Some("city 2".to_owned())));
    assert_eq!(users.get_by_secondary_key(city).await?.len(), 1);
    assert!(users.remove(key(2)).await?.is_some());
    assert!(!users.is_empty().await?);
    users.clear().await?;
    users.len().await
}

#[test]
fn one_generic_function_serves_engines_of_both_kinds() {
    block_on(async {
        let sync = Sync::new("").unwrap();
        assert_eq!(serve(sync.open_tree::<User>()).await.unwrap(), 0);
        let asynchronous = open(&Slow::default()).await;
        assert_eq!(serve(asynchronous.open_tree::<User>()).await.unwrap(), 0);
    });
}

#[test]
fn an_index_that_a_model_has_gained_is_built_when_the_database_is_opened() {
    use conformance::model::other::OtherShop;
    use conformance::model::reindexed::{self, OrderTotalSecondaryKey, ReindexedShop};
    use netabase_driver_redb::Redb;

    const RECORDS: i32 = 20_000;
    type On<D> = AsyncTypedStore<D, Slow<SyncAsAsync<Redb>>>;
    let folder = tempfile::tempdir().unwrap();
    let config = FileConfig::new(folder.path().join("data.redb"));
    block_on(async {
        let store = On::<Shop>::new(config.clone()).await.unwrap();
        let orders = (0..RECORDS).map(|number| Order {
            number,
            total: i64::from(number % 9),
            ..Order::default()
        });
        store.open_tree::<Order>().put_many(orders).await.unwrap();
        store
            .open_tree::<Note>()
            .put(Note::default())
            .await
            .unwrap();
        drop(store);

        let error = On::<OtherShop>::new(config.clone()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::SchemaMismatch);

        let driver = Slow::default();
        let store = On::<ReindexedShop>::open_on(&driver, &config)
            .await
            .unwrap();
        // The records once, in one page, and what the schema says.
        assert!(driver.calls() <= 16, "{} calls", driver.calls());
        assert!(
            driver.entries() <= RECORDS as u64 + 100,
            "{} entries",
            driver.entries()
        );
        let guard = store.read().await.unwrap();
        let orders = guard.open_tree::<reindexed::Order>();
        let found = orders.by(OrderTotalSecondaryKey(4)).to_vec().await.unwrap();
        let expected = (0..RECORDS).filter(|number| number % 9 == 4);
        assert!(expected.eq(found.iter().map(|(_, order)| order.number)));
    });
}
