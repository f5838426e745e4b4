//! Transactions that run again after a conflict, on a driver that reports as many as a test wants.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its own functions as well"
)]

mod user;

use std::borrow::Borrow;
use std::cell::Cell;
use std::collections::VecDeque;
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt as _;
use netabase_core::config::FileConfig;
use netabase_core::driver::asynchronous::{AsyncAsSync, Block};
use netabase_core::driver::{
    Bounds, Database, Direction, Driver, DriverError, Durability, Manifest, OpenConfig, Read,
    Result, TreeId, Write,
};
use netabase_core::error::{ErrorKind, NetabaseError};
use netabase_core::memory::{
    AsyncMemory, Memory, MemoryCursor, MemoryDatabase, MemoryReader, MemoryWriter,
};
use netabase_core::store::{ReadWrite, TransactOptions, TxnGuard, TypedStore};

use user::{Definition, User, UserPrimaryKey, user};

/// The memory driver, whose write transactions fail where a test says so.
#[derive(Clone, Default)]
struct Contended(Arc<Failures>);

/// How the next calls fail.
#[derive(Default)]
struct Failures {
    reads: Mutex<VecDeque<ErrorKind>>,
    commits: Mutex<VecDeque<ErrorKind>>,
}

fn next(failures: &Mutex<VecDeque<ErrorKind>>) -> Result<()> {
    let mut failures = failures.lock().unwrap();
    let left = failures.len();
    match failures.pop_front() {
        Some(kind) => Err(DriverError::new(kind, format!("failure {left}"))),
        None => Ok(()),
    }
}

impl Driver for Contended {
    type Database = ContendedDatabase;

    fn manifest(&self) -> &Manifest {
        Memory.manifest()
    }

    fn open(&self, config: &OpenConfig<'_>) -> Result<ContendedDatabase> {
        Ok(ContendedDatabase(Memory.open(config)?, Arc::clone(&self.0)))
    }
}

struct ContendedDatabase(MemoryDatabase, Arc<Failures>);

impl Database for ContendedDatabase {
    type Reader = MemoryReader;
    type Writer = ContendedWriter;

    fn begin_read(&self) -> Result<MemoryReader> {
        self.0.begin_read()
    }

    fn begin_write(&self) -> Result<ContendedWriter> {
        Ok(ContendedWriter(self.0.begin_write()?, Arc::clone(&self.1)))
    }
}

struct ContendedWriter(MemoryWriter, Arc<Failures>);

impl Read for ContendedWriter {
    type Cursor<'t> = MemoryCursor<'t>;

    fn tree(&self, name: &str) -> Result<TreeId> {
        self.0.tree(name)
    }

    fn get<R>(
        &self,
        tree: TreeId,
        key: &[u8],
        visit: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        next(&self.1.reads)?;
        self.0.get(tree, key, visit)
    }

    fn cursor(
        &self,
        tree: TreeId,
        bounds: Bounds<'_>,
        direction: Direction,
    ) -> Result<MemoryCursor<'_>> {
        next(&self.1.reads)?;
        self.0.cursor(tree, bounds, direction)
    }

    fn len(&self, tree: TreeId) -> Result<u64> {
        next(&self.1.reads)?;
        self.0.len(tree)
    }
}

impl Write for ContendedWriter {
    fn put<R>(
        &mut self,
        tree: TreeId,
        key: &[u8],
        value: &[u8],
        previous: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        next(&self.1.reads)?;
        self.0.put(tree, key, value, previous)
    }

    fn remove<R>(
        &mut self,
        tree: TreeId,
        key: &[u8],
        previous: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        self.0.remove(tree, key, previous)
    }

    fn clear(&mut self, tree: TreeId) -> Result<()> {
        self.0.clear(tree)
    }

    fn commit(self, durability: Durability) -> Result<()> {
        next(&self.1.commits)?;
        self.0.commit(durability)
    }
}

type Store = TypedStore<Definition, Contended>;
type Txn<'db> = TxnGuard<'db, Definition, ReadWrite, Contended>;

/// What a program's own transactions fail with.
#[derive(Debug, PartialEq)]
enum Failure {
    Storage(ErrorKind, String),
    OutOfStock,
    ReadFailed,
}

impl From<NetabaseError> for Failure {
    fn from(error: NetabaseError) -> Self {
        Self::Storage(error.kind(), error.to_string())
    }
}

fn open() -> (Store, Arc<Failures>) {
    let driver = Contended::default();
    let config = OpenConfig::new("");
    let store = Store::open_with(&driver, &config, Durability::None).unwrap();
    (store, driver.0)
}

fn fail(failures: &Mutex<VecDeque<ErrorKind>>, kinds: impl IntoIterator<Item = ErrorKind>) {
    failures.lock().unwrap().extend(kinds);
}

fn quick(max_attempts: u32) -> TransactOptions {
    TransactOptions::builder()
        .max_attempts(max_attempts)
        .backoff_base(Duration::from_micros(1))
        .backoff_cap(Duration::from_micros(10))
        .build()
}

/// Adds a year to the age of user 1, whose first year that may be. Returns the age.
fn age(txn: &Txn<'_>) -> std::result::Result<u32, NetabaseError> {
    let mut users = txn.open_tree::<User>();
    let found = users.get(UserPrimaryKey(1))?;
    let age = found.map_or(0, |user| user.age) + 1;
    users.put(user(1, "a", age))?;
    Ok(age)
}

fn stored_age(store: &Store) -> Option<u32> {
    let found = store.open_tree::<User>().get(UserPrimaryKey(1)).unwrap();
    found.map(|user| user.age)
}

#[test]
fn without_a_conflict_the_closure_runs_once() {
    let (store, _) = open();
    let mut runs = 0;
    let result = store.transact(|txn| {
        runs += 1;
        age(txn)
    });
    assert_eq!(result.unwrap(), 1);
    assert_eq!((runs, stored_age(&store)), (1, Some(1)));
}

#[test]
fn each_try_is_a_fresh_transaction_and_one_of_them_is_kept() {
    let (store, failures) = open();
    for kind in [ErrorKind::Conflict, ErrorKind::SnapshotLost] {
        for where_to_fail in [&failures.commits, &failures.reads] {
            let before = stored_age(&store).unwrap_or(0);
            fail(where_to_fail, [kind; 3]);
            let mut runs = 0;
            let result = store.transact_with(&quick(4), |txn| {
                runs += 1;
                age(txn)
            });
            assert_eq!(result.unwrap(), before + 1);
            assert_eq!((runs, stored_age(&store)), (4, Some(before + 1)));
        }
    }
}

#[test]
fn the_last_cause_is_kept_when_the_store_gives_up() {
    let (store, failures) = open();
    fail(&failures.commits, [ErrorKind::Conflict; 3]);
    let mut runs = 0;
    let error = store
        .transact_with(&quick(3), |txn| {
            runs += 1;
            age(txn)
        })
        .unwrap_err();
    assert_eq!((runs, error.kind()), (3, ErrorKind::Conflict));
    assert_eq!(error.operation(), Some("transact"));
    let source = error.source().unwrap().to_string();
    assert_eq!(source, "commit: failure 1 (driver memory)");
    assert_eq!(stored_age(&store), None);
}

#[test]
fn no_try_begins_after_the_time_limit() {
    let (store, failures) = open();
    fail(&failures.commits, [ErrorKind::Conflict; 2]);
    let options = TransactOptions::builder()
        .time_limit(Duration::ZERO)
        .backoff_base(Duration::from_secs(600))
        .backoff_cap(Duration::from_secs(600))
        .build();
    let error = store.transact_with(&options, age).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.message().contains("time_limit"), "{error}");
    assert_eq!(failures.commits.lock().unwrap().len(), 1);
}

#[test]
fn a_conflict_is_recognised_whatever_the_closure_makes_of_it() {
    let (store, failures) = open();
    for kind in [ErrorKind::Conflict, ErrorKind::SnapshotLost] {
        fail(&failures.reads, [kind]);
        let mut runs = 0;
        let result = store.transact_with(&quick(2), |txn| {
            runs += 1;
            age(txn).map_err(|_| Failure::ReadFailed)
        });
        assert!(result.is_ok(), "{result:?}");
        assert_eq!(runs, 2, "{kind}");
    }
    // A cursor reports its own.
    fail(&failures.reads, [ErrorKind::SnapshotLost]);
    let mut runs = 0;
    let found = store.transact_with(&quick(2), |txn| {
        runs += 1;
        let users = txn.open_tree::<User>();
        users.iter()?.try_fold(0, |count, found| match found {
            Ok(_) => Ok(count + 1),
            Err(_) => Err(Failure::ReadFailed),
        })
    });
    assert_eq!((found, runs), (Ok(1), 2));
    fail(&failures.reads, [ErrorKind::Conflict; 2]);
    let given_up = store.transact_with(&quick(2), |txn| age(txn).map_err(|_| Failure::ReadFailed));
    let Err(Failure::Storage(ErrorKind::Conflict, message)) = given_up else {
        panic!("{given_up:?}");
    };
    assert!(message.contains("all 2 tries"), "{message}");
}

#[test]
fn the_closures_own_error_aborts_and_comes_back_unchanged() {
    let (store, _) = open();
    let mut runs = 0;
    let result: std::result::Result<(), _> = store.transact(|txn| {
        runs += 1;
        age(txn)?;
        Err(Failure::OutOfStock)
    });
    assert_eq!((result, runs), (Err(Failure::OutOfStock), 1));
    assert_eq!(stored_age(&store), None);
}

#[test]
fn other_errors_are_not_tried_again() {
    let (store, failures) = open();
    for kind in [ErrorKind::CommitUnknown, ErrorKind::Io, ErrorKind::Locked] {
        for where_to_fail in [&failures.commits, &failures.reads] {
            fail(where_to_fail, [kind]);
            let mut runs = 0;
            let result = store.transact(|txn| {
                runs += 1;
                age(txn)
            });
            assert_eq!((result.unwrap_err().kind(), runs), (kind, 1));
        }
    }
    assert_eq!(stored_age(&store), None);
}

#[test]
fn a_panic_rolls_back_and_the_store_goes_on() {
    let (store, _) = open();
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        store.transact(|txn| -> std::result::Result<(), NetabaseError> {
            age(txn)?;
            panic!("the closure's own")
        })
    }));
    assert!(panicked.is_err());
    assert_eq!(stored_age(&store), None);
    assert_eq!(store.transact(age).unwrap(), 1);
}

#[test]
fn a_write_beside_the_transaction_is_refused_and_not_tried_again() {
    let (store, _) = open();
    let mut runs = 0;
    let result = store.transact(|txn| {
        runs += 1;
        age(txn)?;
        store.open_tree::<User>().put(user(2, "b", 2))
    });
    let error = result.unwrap_err();
    assert_eq!((error.kind(), runs), (ErrorKind::Conflict, 1));
    assert!(error.message().contains("wait for itself"), "{error}");
    let guard = store.write().unwrap();
    let error = store.transact(age).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.message().contains("wait for itself"), "{error}");
    drop(guard);
    assert_eq!(stored_age(&store), None);
}

#[test]
fn what_the_closure_commits_through_a_view_is_kept_once() {
    let (store, failures) = open();
    let mut runs = 0;
    let mut commit = || {
        store.transact_with(&quick(3), |txn| {
            runs += 1;
            let age = age(txn)?;
            txn.open_tree::<User>().commit()?;
            Ok::<_, NetabaseError>(age)
        })
    };
    assert_eq!(commit().unwrap(), 1);
    fail(&failures.commits, [ErrorKind::Conflict]);
    assert_eq!(commit().unwrap(), 2);
    assert_eq!((runs, stored_age(&store)), (3, Some(2)));
    let result: std::result::Result<(), _> = store.transact(|txn| {
        age(txn)?;
        txn.open_tree::<User>().commit()?;
        Err(Failure::OutOfStock)
    });
    assert_eq!(result, Err(Failure::OutOfStock));
    assert_eq!(stored_age(&store), Some(3));
}

/// A driver of the asynchronous contract that has everything ready.
struct Ready;

impl Block for Ready {
    fn block_on<F: Future>(&self, future: F) -> F::Output {
        future.now_or_never().unwrap()
    }
}

/// A record, and what another writer commits as soon as it is looked at.
struct Contested<C> {
    record: User,
    looks: Cell<u32>,
    commit: C,
}

impl<C: Fn()> Borrow<User> for &Contested<C> {
    fn borrow(&self) -> &User {
        self.looks.set(self.looks.get() + 1);
        if self.looks.get() == 1 {
            (self.commit)();
        }
        &self.record
    }
}

#[test]
fn a_write_of_its_own_is_tried_again_on_an_optimistic_engine() {
    let driver = AsyncAsSync::new(AsyncMemory::optimistic(), Ready, |_| {
        Ok(FileConfig::new(""))
    });
    let store =
        TypedStore::<Definition, _>::open_with(&driver, &OpenConfig::new(""), Durability::None);
    let store = store.unwrap();
    let users = store.open_tree::<User>();
    let contested = || Contested {
        record: user(1, "a", 10),
        looks: Cell::new(0),
        commit: || users.put(user(1, "b", 20)).unwrap(),
    };
    let stored = || users.get(UserPrimaryKey(1)).unwrap().unwrap().age;

    let record = contested();
    users.put(&record).unwrap();
    assert!(record.looks.get() > 1, "nothing was in the way");
    assert_eq!(stored(), 10);

    let record = contested();
    users.put_many([&record]).unwrap();
    assert!(record.looks.get() > 1, "nothing was in the way");
    assert_eq!(stored(), 10);

    let record = contested();
    let txn = store.write().unwrap();
    txn.open_tree::<User>().put(&record).unwrap();
    assert_eq!(txn.commit().unwrap_err().kind(), ErrorKind::Conflict);
    assert_eq!(stored(), 20);
}

#[test]
fn a_batch_is_tried_again() {
    let (store, failures) = open();
    fail(
        &failures.commits,
        [ErrorKind::Conflict, ErrorKind::SnapshotLost],
    );
    let mut batch = store.batch();
    batch.put(user(1, "a", 1));
    batch.commit().unwrap();
    assert_eq!(stored_age(&store), Some(1));
}
