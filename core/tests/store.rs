//! The typed layer on the memory driver.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its own functions as well"
)]

mod user;

use std::error::Error;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};

use netabase_core::config::FileConfig;
use netabase_core::driver::asynchronous::{
    AsyncDatabase, AsyncDriver, AsyncRead, AsyncWrite, ReadSet, SyncAsAsync,
};
use netabase_core::driver::checked::Checked;
use netabase_core::driver::command;
use netabase_core::driver::{
    self, Bounds, Database as _, Direction, Driver, DriverError, Manifest, OpenConfig, Read,
    TreeId, Write, WriteBatch,
};
use netabase_core::error::{ErrorKind, NetabaseError};
use netabase_core::memory::{Memory, MemoryDatabase, MemoryReader, MemoryWriter};
use netabase_core::store::asynchronous::AsyncTypedStore;
use netabase_core::store::{ReadWrite, StoreOptions, TreeView, TypedStore};

use user::{
    Definition, User, UserAgeSecondaryKey, UserEmailSecondaryKey, UserPrimaryKey,
    UserSecondaryKeys, user,
};

type Database = TypedStore<Definition, Memory>;

fn by_age(store: &Database, age: u32) -> Vec<u64> {
    let key = UserSecondaryKeys::Age(UserAgeSecondaryKey(age));
    store
        .open_tree::<User>()
        .get_by_secondary_key(key)
        .unwrap()
        .iter()
        .map(|user| user.id)
        .collect()
}

#[test]
fn a_write_inside_a_borrowed_read_is_refused() {
    let store = Database::temp().unwrap();
    let transaction = store.write().unwrap();
    let (reading, mut writing) = (
        transaction.open_tree::<User>(),
        transaction.open_tree::<User>(),
    );
    writing.put(user(1, "a", 1)).unwrap();
    let inner = reading
        .get_with(UserPrimaryKey(1), |_| writing.put(user(2, "b", 2)))
        .unwrap()
        .unwrap();
    assert_eq!(inner.unwrap_err().kind(), ErrorKind::InvalidInput);
    writing.put(user(2, "b", 2)).unwrap();
}

#[test]
fn a_config_asks_for_a_cache_only_where_it_says_a_size() {
    let store = Database::new(FileConfig::new("")).unwrap();
    store.open_tree::<User>().put(user(1, "a", 1)).unwrap();
    let sized = FileConfig::builder()
        .path("".into())
        .cache_size_mb(8)
        .build();
    assert_eq!(OpenConfig::from(&sized).cache_bytes, Some(8 << 20));
    assert_eq!(
        Database::new(sized).unwrap_err().kind(),
        ErrorKind::Unsupported
    );
}

/// One memory database, which begins no more read transactions once it is told so, answers to whatever it is asked, and
/// lists some of that.
#[derive(Debug, Clone)]
struct Tired(Arc<AtomicBool>, Manifest, Arc<MemoryDatabase>);

impl Default for Tired {
    fn default() -> Self {
        let mut manifest = Memory.manifest().clone();
        let listed = ["compact", "flush", "generate_id", "spin"];
        manifest.commands = listed.map(Into::into).to_vec().into();
        Self(Arc::default(), manifest, Arc::default())
    }
}

struct TiredDatabase {
    memory: Arc<MemoryDatabase>,
    tired: Arc<AtomicBool>,
}

impl Driver for Tired {
    type Database = TiredDatabase;

    fn manifest(&self) -> &Manifest {
        &self.1
    }

    fn open(&self, _: &OpenConfig<'_>) -> driver::Result<TiredDatabase> {
        Ok(TiredDatabase {
            memory: Arc::clone(&self.2),
            tired: Arc::clone(&self.0),
        })
    }
}

impl driver::Database for TiredDatabase {
    type Reader = MemoryReader;
    type Writer = MemoryWriter;

    fn begin_read(&self) -> driver::Result<MemoryReader> {
        if self.tired.load(Ordering::Relaxed) {
            let engine = std::io::Error::other("the disk is asleep");
            return Err(DriverError::new(
                ErrorKind::Io,
                "cannot begin; wake the disk and try again",
            )
            .with_source(engine));
        }
        self.memory.begin_read()
    }

    fn begin_write(&self) -> driver::Result<MemoryWriter> {
        self.memory.begin_write()
    }

    fn command(
        &self,
        operation: &str,
        _: &[u8],
        output: &mut dyn FnMut(&[u8]),
    ) -> driver::Result<()> {
        output(operation.as_bytes());
        Ok(())
    }
}

#[test]
fn operations_that_are_not_listed_or_write_where_nothing_may_do_not_reach_the_driver() {
    let reached = |read_only, operation: &str| {
        let config = OpenConfig {
            read_only,
            ..OpenConfig::new("")
        };
        let store = Checked::open(&Tired::default(), &config).unwrap();
        let outcome = store.command(operation, b"", &mut |_| ());
        outcome.map_err(|error| error.kind())
    };
    for operation in ["compact", "generate_id", "flush", "spin"] {
        assert_eq!(reached(false, operation), Ok(()), "{operation}");
    }
    for operation in ["check_integrity", "tree_names", ""] {
        assert_eq!(
            reached(false, operation),
            Err(ErrorKind::Unsupported),
            "{operation}"
        );
    }
    for (operation, outcome) in [
        ("compact", Err(ErrorKind::ReadOnly)),
        ("generate_id", Err(ErrorKind::ReadOnly)),
        ("flush", Ok(())),
        ("spin", Ok(())),
        ("stats", Err(ErrorKind::Unsupported)),
    ] {
        assert_eq!(reached(true, operation), outcome, "{operation}");
    }
}

struct Spin;
netabase_core::plain_command!(Spin = "spin" -> String, writes: true);

#[test]
fn a_command_of_an_engines_own_that_writes_is_refused_where_nothing_may() {
    let run = |read_only| {
        let config = OpenConfig {
            read_only,
            ..OpenConfig::new("")
        };
        TypedStore::<Definition, Tired>::open_with(
            &Tired::default(),
            &config,
            driver::Durability::None,
        )
        .unwrap()
        .run(Spin)
    };
    assert_eq!(run(false).unwrap(), "spin");
    let error = run(true).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ReadOnly);
    assert_eq!(error.operation(), Some("spin"));
}

#[test]
fn an_output_of_another_form_is_the_drivers_defect() {
    let config = OpenConfig::new("");
    let store = Checked::open(&Tired::default(), &config).unwrap();
    let error = store.run(&command::Compact).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Internal);
    assert!(error.message().contains("`compact`"), "{error}");
    let error = store.run(&command::Stats).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

#[test]
fn a_read_that_did_not_begin_gives_the_engines_own_error_each_time() {
    let driver = Tired::default();
    let store = TypedStore::<Definition, Tired>::open_with(
        &driver,
        &OpenConfig::new(""),
        driver::Durability::None,
    )
    .unwrap();
    driver.0.store(true, Ordering::Relaxed);
    let guard = store.read();
    let users = guard.open_tree::<User>();
    for _ in 0..2 {
        let error = users.get(UserPrimaryKey(1)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io);
        assert_eq!(error.message(), "cannot begin; wake the disk and try again");
        let source = error.source().unwrap();
        assert!(source.is::<std::io::Error>(), "{source:?}");
    }
}

#[test]
fn the_iterator_of_a_bulk_write_may_read() {
    let store = Database::temp().unwrap();
    let ages = |id| (id, user(id, &format!("u{id}"), id as u32));
    store
        .open_tree::<User>()
        .put_many((0..10).map(|id| ages(id).1))
        .unwrap();
    let transaction = store.write().unwrap();
    let mut users = transaction.open_tree::<User>();
    let other = transaction.open_tree::<User>();
    let older = (0..12u64).map(|id| {
        let found = other.get(UserPrimaryKey(id)).unwrap();
        assert_eq!(found.is_some(), id < 10);
        let before = found.map_or(0, |user| user.age);
        user(id, &format!("u{id}"), before + 100)
    });
    users.put_many(older).unwrap();
    let keys = other.iter().unwrap().map(|item| item.unwrap().0);
    let removed = users
        .remove_many(keys.filter(|key| key.0 % 2 == 0))
        .unwrap();
    assert_eq!(removed.into_iter().flatten().count(), 6);
    let young = other.range_by(..UserAgeSecondaryKey(102)).unwrap();
    let young: Vec<_> = young.map(|item| item.unwrap().0.0).collect();
    let removed = users.remove_many(young.into_iter().map(UserPrimaryKey));
    assert_eq!(removed.unwrap().len(), 2);
    transaction.commit().unwrap();
    let left = |age| by_age(&store, age);
    assert_eq!((left(101), left(103), left(100)), (vec![], vec![3], vec![]));
    assert_eq!(store.open_tree::<User>().len().unwrap(), 4);
}

#[test]
fn what_the_iterator_of_a_bulk_write_may_not_do_says_so() {
    type View<'txn> = TreeView<'txn, Definition, User, ReadWrite, Memory>;
    type Attempt = fn(&mut View<'_>) -> Result<(), NetabaseError>;
    let attempts: [Attempt; 6] = [
        |view| view.put(user(2, "b", 2)),
        |view| view.put_many([user(2, "b", 2)]),
        |view| view.remove(UserPrimaryKey(1)).map(drop),
        |view| view.clear(),
        |view| view.by(UserAgeSecondaryKey(1)).map(drop),
        |view| {
            let key = UserSecondaryKeys::Email(UserEmailSecondaryKey("a".into()));
            view.get_by_secondary_key(key).map(drop)
        },
    ];
    let store = Database::temp().unwrap();
    for attempt in attempts {
        let transaction = store.write().unwrap();
        let mut users = transaction.open_tree::<User>();
        let mut other = transaction.open_tree::<User>();
        let mut seen = None;
        users
            .put_many(
                [1, 2]
                    .map(|id| user(id, &format!("u{id}"), 1))
                    .into_iter()
                    .inspect(|_| {
                        seen = attempt(&mut other).err();
                    }),
            )
            .unwrap();
        let error = seen.unwrap();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.message().contains("bulk write of `User`"), "{error}");
    }
}

#[test]
fn an_iterator_through_an_index_does_not_go_on_within_a_bulk_write() {
    let store = Database::temp().unwrap();
    store.open_tree::<User>().put(user(1, "a", 1)).unwrap();
    let transaction = store.write().unwrap();
    let mut users = transaction.open_tree::<User>();
    let other = transaction.open_tree::<User>();
    let mut by_age = other.range_by::<UserAgeSecondaryKey>(..).unwrap();
    let mut seen = None;
    let records = [user(1, "a", 2)].into_iter();
    users
        .put_many(records.inspect(|_| seen = by_age.next()))
        .unwrap();
    assert_eq!(seen.unwrap().unwrap_err().kind(), ErrorKind::InvalidInput);
    let (_, found) = by_age.next().unwrap().unwrap();
    assert_eq!(found.age, 2);
}

fn open_tired(driver: &Tired) -> TypedStore<Definition, Tired> {
    let config = OpenConfig::new("");
    TypedStore::open_with(driver, &config, driver::Durability::None).unwrap()
}

/// Entries of these trees, as the driver holds them.
fn stored(driver: &Tired) -> Vec<u64> {
    let reader = driver.2.begin_read().unwrap();
    ["1", "2", "3"]
        .map(|name| reader.len(reader.tree(name).unwrap()).unwrap())
        .to_vec()
}

#[test]
fn a_record_that_cannot_be_decoded_can_be_discarded() {
    let driver = Tired::default();
    let store = open_tired(&driver);
    let users = store.open_tree::<User>();
    users
        .put_many((1..=3).map(|id| user(id, &format!("u{id}"), 30)))
        .unwrap();
    let mut writer = driver.2.begin_write().unwrap();
    let tree = writer.tree("1").unwrap();
    for id in [1u64, 2] {
        let key = netabase_core::codec::key::encode(&id);
        writer.put(tree, &key, b"\xFFdamaged", |_| ()).unwrap();
    }
    writer.commit(driver::Durability::None).unwrap();

    let errors = [
        users.get(UserPrimaryKey(1)).unwrap_err(),
        users.remove(UserPrimaryKey(1)).unwrap_err(),
        users.put(user(1, "new", 1)).unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        assert!(error.message().contains("`discard`"), "{error}");
    }
    assert_eq!(stored(&driver), [3, 3, 3]);
    assert!(users.discard(UserPrimaryKey(1)).unwrap());
    assert_eq!(stored(&driver), [2, 2, 2]);
    assert!(!users.discard(UserPrimaryKey(1)).unwrap());
    users.put(user(1, "u1", 30)).unwrap();
    assert_eq!(stored(&driver), [3, 3, 3]);
    assert!(users.discard(UserPrimaryKey(3)).unwrap());
    assert_eq!(by_age_in(&store), Err(ErrorKind::Corrupt));
    assert!(users.discard(UserPrimaryKey(2)).unwrap());
    assert_eq!(by_age_in(&store), Ok(vec![1]));
    assert_eq!(stored(&driver), [1, 1, 1]);
}

fn by_age_in(store: &TypedStore<Definition, Tired>) -> Result<Vec<u64>, ErrorKind> {
    let key = UserSecondaryKeys::Age(UserAgeSecondaryKey(30));
    let found = store.open_tree::<User>().get_by_secondary_key(key);
    found
        .map(|users| users.into_iter().map(|user| user.id).collect())
        .map_err(|error| error.kind())
}

#[test]
fn a_tree_that_is_no_models_is_left_alone() {
    let driver = Tired::default();
    let mut writer = driver.2.begin_write().unwrap();
    let tree = writer.tree("1").unwrap();
    writer.put(tree, b"key", b"value", |_| ()).unwrap();
    writer.commit(driver::Durability::None).unwrap();
    let config = OpenConfig::new("");
    let opened = TypedStore::<Definition, _>::open_with(&driver, &config, StoreOptions::default());
    let error = opened.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SchemaMismatch);
    assert!(error.message().contains("`User`"), "{error}");
    assert_eq!(stored(&driver), [1, 0, 0]);
}

/// The result of a future of an engine that is always ready.
fn ready<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => panic!("an engine that is always ready waited"),
    }
}

/// The memory driver as an asynchronous one, whose reads fail once they are told so.
#[derive(Debug, Clone, Default)]
struct Failing(Arc<AtomicBool>);

struct FailingTransaction<T>(T, Arc<AtomicBool>);

type Ground = <SyncAsAsync<Memory> as AsyncDriver>::Database;

struct FailingDatabase(Ground, Arc<AtomicBool>);

impl AsyncDriver for Failing {
    type Database = FailingDatabase;
    type Config = FileConfig;

    fn manifest(&self) -> &Manifest {
        const { &SyncAsAsync(Memory) }.manifest()
    }

    async fn open(&self, config: &FileConfig) -> driver::Result<FailingDatabase> {
        let store = SyncAsAsync(Memory).open(config).await?;
        Ok(FailingDatabase(store, Arc::clone(&self.0)))
    }
}

impl AsyncDatabase for FailingDatabase {
    type Reader = FailingTransaction<<Ground as AsyncDatabase>::Reader>;
    type Writer = FailingTransaction<<Ground as AsyncDatabase>::Writer>;

    async fn begin_read(&self) -> driver::Result<Self::Reader> {
        let reader = self.0.begin_read().await?;
        Ok(FailingTransaction(reader, Arc::clone(&self.1)))
    }

    async fn begin_write(&self) -> driver::Result<Self::Writer> {
        let writer = self.0.begin_write().await?;
        Ok(FailingTransaction(writer, Arc::clone(&self.1)))
    }

    async fn try_begin_write(&self) -> driver::Result<Self::Writer> {
        let writer = self.0.try_begin_write().await?;
        Ok(FailingTransaction(writer, Arc::clone(&self.1)))
    }

    async fn command(&self, operation: &str, argument: &[u8]) -> driver::Result<Vec<Vec<u8>>> {
        self.0.command(operation, argument).await
    }
}

impl<T> FailingTransaction<T> {
    fn check(&self) -> driver::Result<()> {
        if self.1.load(Ordering::Relaxed) {
            return Err(DriverError::new(
                ErrorKind::Io,
                "the line is down; try again",
            ));
        }
        Ok(())
    }
}

impl<T: AsyncRead> AsyncRead for FailingTransaction<T> {
    fn tree(&self, name: &str) -> driver::Result<TreeId> {
        self.0.tree(name)
    }

    async fn get_many(&self, tree: TreeId, keys: &[&[u8]]) -> driver::Result<Vec<Option<Vec<u8>>>> {
        self.check()?;
        self.0.get_many(tree, keys).await
    }

    async fn page(
        &self,
        tree: TreeId,
        bounds: Bounds<'_>,
        direction: Direction,
        limit: usize,
    ) -> driver::Result<Vec<(Vec<u8>, Vec<u8>)>> {
        self.check()?;
        self.0.page(tree, bounds, direction, limit).await
    }

    async fn len(&self, tree: TreeId) -> driver::Result<u64> {
        self.check()?;
        self.0.len(tree).await
    }
}

impl<T: AsyncWrite> AsyncWrite for FailingTransaction<T> {
    async fn commit(
        self,
        batch: &WriteBatch<'_>,
        reads: &ReadSet,
        durability: driver::Durability,
    ) -> driver::Result<()> {
        self.0.commit(batch, reads, durability).await
    }
}

/// The ids that an iteration gives, `None` for each error, in both directions and through an index.
fn ids_of_each_iteration(driver: &Tired) -> [Vec<Option<u64>>; 3] {
    const MOST: usize = 300;
    ready(async {
        let config = FileConfig::new("");
        let store =
            AsyncTypedStore::<Definition, _>::open_on(&SyncAsAsync(driver.clone()), &config)
                .await
                .unwrap();
        let guard = store.read().await.unwrap();
        let users = guard.open_tree::<User>();
        let id =
            |item: Result<(UserPrimaryKey, User), NetabaseError>| item.ok().map(|(key, _)| key.0);
        let (mut up, mut down, mut by) = (
            users.iter(),
            users.iter(),
            users.range_by::<UserAgeSecondaryKey>(..),
        );
        let mut found = [const { Vec::new() }; 3];
        while found[0].len() < MOST
            && let Some(item) = up.next().await
        {
            found[0].push(id(item));
        }
        while found[1].len() < MOST
            && let Some(item) = down.next_back().await
        {
            found[1].push(id(item));
        }
        while found[2].len() < MOST
            && let Some(item) = by.next().await
        {
            found[2].push(id(item));
        }
        found
    })
}

#[test]
fn a_damaged_record_does_not_end_an_awaited_iteration() {
    let driver = Tired::default();
    let store = open_tired(&driver);
    let users = (0..100).map(|id| user(id, &format!("u{id}"), 30));
    store.open_tree::<User>().put_many(users).unwrap();
    let mut writer = driver.2.begin_write().unwrap();
    let tree = writer.tree("1").unwrap();
    // In the middle of a page, and the last of the first page from either end.
    for id in [7u64, 31, 68] {
        let key = netabase_core::codec::key::encode(&id);
        writer.put(tree, &key, b"\xFFdamaged", |_| ()).unwrap();
    }
    writer.commit(driver::Durability::None).unwrap();

    let transaction = store.read();
    let users = transaction.open_tree::<User>();
    let expected: Vec<Option<u64>> = (users.iter().unwrap())
        .map(|item| item.ok().map(|(key, _)| key.0))
        .collect();
    assert_eq!(expected.iter().filter(|id| id.is_none()).count(), 3);
    let reversed: Vec<_> = expected.iter().rev().copied().collect();
    let [up, down, by] = ids_of_each_iteration(&driver);
    assert_eq!(up, expected);
    assert_eq!(down, reversed);
    assert_eq!(by, expected);
}

#[test]
fn an_error_of_an_awaited_operation_names_operation_driver_and_tree() {
    let driver = Failing::default();
    let config = FileConfig::new("");
    let store = ready(AsyncTypedStore::<Definition, _>::open_on(&driver, &config)).unwrap();
    let users = store.open_tree::<User>();
    driver.0.store(true, Ordering::Relaxed);
    let guard = ready(store.read()).unwrap();
    let by_age = UserSecondaryKeys::Age(UserAgeSecondaryKey(1));
    let errors = [
        (
            "get",
            "User",
            ready(users.get(UserPrimaryKey(1))).unwrap_err(),
        ),
        (
            "put",
            "User",
            ready(users.put(user(1, "a", 1))).unwrap_err(),
        ),
        ("len", "User", ready(users.len()).unwrap_err()),
        (
            "get_by_secondary_key",
            "User.age",
            ready(users.get_by_secondary_key(by_age)).unwrap_err(),
        ),
        (
            "iterate",
            "User",
            ready(guard.open_tree::<User>().iter().to_vec()).unwrap_err(),
        ),
    ];
    for (operation, tree, error) in errors {
        assert_eq!(error.kind(), ErrorKind::Io);
        let place = (error.operation(), error.driver(), error.tree());
        assert_eq!(place, (Some(operation), Some("memory"), Some(tree)));
    }
}
