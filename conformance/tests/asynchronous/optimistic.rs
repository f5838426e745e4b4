//! Optimistic transactions: what is recorded of their reads, and that nothing less keeps them serializable.

use std::collections::{BTreeMap, HashMap};
use std::panic::{self, AssertUnwindSafe};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use conformance::model::shop::{Note, Shop, User, UserAgeSecondaryKey};
use conformance::serializability::{self, ABSENT, Anomaly, INITIAL, Transaction};
use fastrand::Rng;
use netabase_core::config::FileConfig;
use netabase_core::driver::asynchronous::{
    AsyncAsSync, AsyncDatabase, AsyncDriver, AsyncRead, AsyncWrite, Block, ReadSet, TreeReads,
};
use netabase_core::driver::{
    Bounds, Direction, Durability, ErrorKind, Manifest, Result, TreeId, WriteBatch,
};
use netabase_core::error::NetabaseError;
use netabase_core::memory::{
    AsyncMemory, AsyncMemoryDatabase, AsyncMemoryReader, AsyncMemoryWriter,
};
use netabase_core::model::{ModelInfo, NetabaseDefinitionTrait, Record};
use netabase_core::store::ReadWrite;
use netabase_core::store::TypedStore;
use netabase_core::store::asynchronous::{AsyncTxnGuard, AsyncTypedStore};
use pollster::block_on;

use self::ledger::{
    Account, AccountOwnerSecondaryKey, AccountPrimaryKey, AccountSecondaryKeys, Ledger, Log,
    LogPrimaryKey, Ticket, Visit, VisitGuestSecondaryKey, VisitPrimaryKey, VisitSecondaryKeys,
};
use super::slow::Slow;
use super::{key, user};

/// What of a transaction's reads a driver does not look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flaw {
    None,
    Everything,
    Keys,
    Ranges,
    /// That an entry of a range is gone.
    Deletes,
    Lengths,
}

/// The optimistic memory driver, which keeps the last record of reads that it was handed, and has a flaw.
#[derive(Debug, Clone)]
struct Careless {
    /// The models whose trees it is asked for.
    models: &'static [&'static ModelInfo],
    ground: AsyncMemory,
    flaw: Flaw,
    last: Arc<Mutex<Described>>,
}

/// Reads by the names of trees.
type Described = BTreeMap<String, TreeReads>;

struct CarelessDatabase {
    driver: Careless,
    ground: Arc<AsyncMemoryDatabase>,
}

struct CarelessWriter {
    driver: Careless,
    database: Arc<AsyncMemoryDatabase>,
    ground: AsyncMemoryWriter,
    names: Mutex<HashMap<TreeId, String>>,
}

impl Careless {
    fn new<D: NetabaseDefinitionTrait>(flaw: Flaw) -> Self {
        Self {
            models: D::MODELS,
            ground: AsyncMemory::optimistic(),
            flaw,
            last: Arc::default(),
        }
    }

    fn last(&self) -> Described {
        self.last.lock().unwrap().clone()
    }
}

impl AsyncDriver for Careless {
    type Database = CarelessDatabase;
    type Config = FileConfig;

    fn manifest(&self) -> &Manifest {
        AsyncDriver::manifest(&self.ground)
    }

    async fn open(&self, config: &FileConfig) -> Result<CarelessDatabase> {
        Ok(CarelessDatabase {
            driver: self.clone(),
            ground: Arc::new(self.ground.open(config).await?),
        })
    }
}

impl AsyncDatabase for CarelessDatabase {
    type Reader = AsyncMemoryReader;
    type Writer = CarelessWriter;

    async fn begin_read(&self) -> Result<AsyncMemoryReader> {
        self.ground.begin_read().await
    }

    async fn begin_write(&self) -> Result<CarelessWriter> {
        Ok(CarelessWriter {
            driver: self.driver.clone(),
            database: Arc::clone(&self.ground),
            ground: self.ground.begin_write().await?,
            names: Mutex::default(),
        })
    }

    async fn try_begin_write(&self) -> Result<CarelessWriter> {
        self.begin_write().await
    }

    async fn command(&self, operation: &str, argument: &[u8]) -> Result<Vec<Vec<u8>>> {
        self.ground.command(operation, argument).await
    }
}

/// What people know a tree by: they have numbers in the order of the models.
fn shown(models: &[&ModelInfo], name: &str) -> String {
    let trees = models.iter().flat_map(|model| {
        std::iter::once(model.name).chain(model.indexes.iter().map(|index| index.tree))
    });
    (name.parse().ok())
        .and_then(|number: usize| trees.clone().nth(number - 1))
        .unwrap_or(name)
        .to_owned()
}

impl AsyncRead for CarelessWriter {
    fn tree(&self, name: &str) -> Result<TreeId> {
        let tree = self.ground.tree(name)?;
        self.names
            .lock()
            .unwrap()
            .insert(tree, shown(self.driver.models, name));
        Ok(tree)
    }

    async fn get_many(&self, tree: TreeId, keys: &[&[u8]]) -> Result<Vec<Option<Vec<u8>>>> {
        self.ground.get_many(tree, keys).await
    }

    async fn page(
        &self,
        tree: TreeId,
        bounds: Bounds<'_>,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
        self.ground.page(tree, bounds, direction, limit).await
    }

    async fn len(&self, tree: TreeId) -> Result<u64> {
        self.ground.len(tree).await
    }
}

impl CarelessWriter {
    /// Whether a range has entries now that it did not have before.
    async fn has_more(&self, tree: TreeId, bounds: Bounds<'_>) -> Result<bool> {
        let all = usize::MAX;
        let before = self
            .ground
            .page(tree, bounds, Direction::Forward, all)
            .await?;
        let name = self.names.lock().unwrap()[&tree].clone();
        let now = self.database.begin_read().await?;
        let tree = now.tree(&name)?;
        let now = now.page(tree, bounds, Direction::Forward, all).await?;
        Ok(now.iter().any(|entry| !before.contains(entry)))
    }

    /// What of the reads the driver looks at.
    async fn seen(&self, reads: &ReadSet) -> Result<ReadSet> {
        let flaw = self.driver.flaw;
        let mut seen = ReadSet::default();
        for (tree, reads) in reads.trees().filter(|_| flaw != Flaw::Everything) {
            for (key, found) in reads.keys().filter(|_| flaw != Flaw::Keys) {
                seen.add_key(tree, key, found);
            }
            for range in reads.ranges().filter(|_| flaw != Flaw::Ranges) {
                if flaw != Flaw::Deletes || self.has_more(tree, range).await? {
                    seen.add_range(tree, range);
                }
            }
            if let Some(len) = reads.len_read().filter(|_| flaw != Flaw::Lengths) {
                seen.add_len(tree, len);
            }
        }
        Ok(seen)
    }
}

impl AsyncWrite for CarelessWriter {
    async fn commit(
        self,
        batch: &WriteBatch<'_>,
        reads: &ReadSet,
        durability: Durability,
    ) -> Result<()> {
        let described = {
            let names = self.names.lock().unwrap();
            let trees = reads.trees();
            trees
                .map(|(tree, reads)| (names[&tree].clone(), reads.clone()))
                .collect()
        };
        *self.driver.last.lock().unwrap() = described;
        let seen = self.seen(reads).await?;
        if self.driver.flaw == Flaw::None {
            assert_eq!(seen, *reads);
        }
        self.ground.commit(batch, &seen, durability).await
    }
}

type Users = AsyncTypedStore<Shop, Slow<Careless>>;

/// A store of ten users, and the driver that says what is read.
async fn users() -> (Careless, Users) {
    let driver = Careless::new::<Shop>(Flaw::None);
    let store = Users::open_on(&Slow::new(driver.clone()), &FileConfig::new(""))
        .await
        .unwrap();
    let users = (0..10).map(|id| user(id, id as u8, (id % 3) as i32));
    store.open_tree::<User>().put_many(users).await.unwrap();
    (driver, store)
}

/// The numbers of keys and ranges, and the length, that were read of a tree.
fn counts(reads: &Described, tree: &str) -> (usize, usize, Option<u64>) {
    reads.get(tree).map_or((0, 0, None), |reads| {
        (
            reads.keys().count(),
            reads.ranges().count(),
            reads.len_read(),
        )
    })
}

/// What a transaction reads.
async fn reads_of(
    run: impl AsyncFn(&AsyncTxnGuard<'_, Shop, ReadWrite, Slow<Careless>>) -> Result<(), NetabaseError>,
) -> Described {
    let (driver, store) = users().await;
    let guard = store.write().await.unwrap();
    run(&guard).await.unwrap();
    guard.commit().await.unwrap();
    driver.last()
}

#[test]
fn own_writes_are_not_read_of_the_database() {
    block_on(async {
        let reads = reads_of(async |txn| {
            let mut notes = txn.open_tree::<Note>();
            let note = |title: &str| Note {
                title: title.to_owned(),
                ..Note::default()
            };
            notes.clear().await?;
            notes.put(note("a")).await?;
            assert_eq!(notes.len().await?, 1);
            assert!(notes.first().await?.is_some());
            notes
                .remove(conformance::model::shop::NotePrimaryKey("a".to_owned()))
                .await?;
            Ok(())
        })
        .await;
        assert!(reads.is_empty(), "{reads:?}");

        let reads = reads_of(async |txn| {
            let mut users = txn.open_tree::<User>();
            users.put(user(20, 20, 7)).await?;
            assert!(users.get(key(20)).await?.is_some());
            assert!(users.contains(key(20)).await?);
            Ok(())
        })
        .await;
        assert_eq!(counts(&reads, "User"), (1, 0, None), "{reads:?}");
        let (record, found) = reads["User"].keys().next().unwrap();
        assert_eq!((record.len(), found), (8, false));
    });
}

#[test]
fn lengths_ranges_and_keys_are_read_where_they_are_looked_at() {
    block_on(async {
        let reads = reads_of(async |txn| {
            assert_eq!(txn.open_tree::<User>().len().await?, 10);
            Ok(())
        })
        .await;
        assert_eq!(counts(&reads, "User"), (0, 0, Some(10)), "{reads:?}");

        let reads = reads_of(async |txn| {
            let users = txn.open_tree::<User>();
            assert_eq!(users.range(key(2)..key(5)).to_vec().await?.len(), 3);
            assert!(users.get(key(3)).await?.is_some());
            assert!(users.get(key(5)).await?.is_some());
            Ok(())
        })
        .await;
        assert_eq!(counts(&reads, "User"), (1, 1, None), "{reads:?}");

        // Many keys are fetched as one stretch, of which the others were not looked at.
        let reads = reads_of(async |txn| {
            let users = txn.open_tree::<User>();
            let found = users.get_many((0..40).map(key)).await?;
            assert_eq!(found.iter().flatten().count(), 10);
            Ok(())
        })
        .await;
        assert_eq!(counts(&reads, "User"), (40, 0, None), "{reads:?}");

        let mut trees = Vec::new();
        let reads = reads_of(async |txn| {
            let users = txn.open_tree::<User>();
            let found = users.by(UserAgeSecondaryKey(1)).to_vec().await?;
            assert_eq!(found.len(), 3);
            Ok(())
        })
        .await;
        for (tree, reads) in &reads {
            trees.push((tree.as_str(), reads.keys().count(), reads.ranges().count()));
        }
        let index = User::INFO
            .indexes
            .iter()
            .find(|index| index.name == "age")
            .unwrap();
        assert_eq!(trees, [("User", 3, 0), (index.tree, 0, 1)]);
    });
}

#[test]
fn a_page_is_read_up_to_its_last_entry() {
    block_on(async {
        let (driver, store) = users().await;
        let many = (100..400).map(|id| user(id, 0, 1)).map(|user| User {
            email: user.id.to_string(),
            ..user
        });
        store.open_tree::<User>().put_many(many).await.unwrap();
        let guard = store.write().await.unwrap();
        let view = guard.open_tree::<User>();
        assert_eq!(view.first().await.unwrap().unwrap().1.id, 0);
        // Behind the page that the first record came with.
        store.open_tree::<User>().remove(key(399)).await.unwrap();
        guard
            .open_tree::<Note>()
            .put(Note::default())
            .await
            .unwrap();
        guard.commit().await.unwrap();
        let reads = driver.last();
        assert_eq!(counts(&reads, "User"), (0, 1, None), "{reads:?}");

        let guard = store.write().await.unwrap();
        assert!(guard.open_tree::<User>().first().await.unwrap().is_some());
        store.open_tree::<User>().remove(key(3)).await.unwrap();
        guard
            .open_tree::<Note>()
            .put(Note::default())
            .await
            .unwrap();
        assert_eq!(
            guard.commit().await.unwrap_err().kind(),
            ErrorKind::Conflict
        );
    });
}

#[test]
fn what_a_failure_says_is_read_as_well() {
    block_on(async {
        let (_, store) = users().await;
        let guard = store.write().await.unwrap();
        let mut view = guard.open_tree::<User>();
        let error = view.put(user(70, 3, 1)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
        // Whose address it was has gone; the failure would not come now.
        store.open_tree::<User>().remove(key(3)).await.unwrap();
        guard
            .open_tree::<Note>()
            .put(Note::default())
            .await
            .unwrap();
        assert_eq!(
            guard.commit().await.unwrap_err().kind(),
            ErrorKind::Conflict
        );
    });
}

#[test]
fn a_unique_key_is_taken_by_one_of_two() {
    block_on(async {
        let (_, store) = users().await;
        let (one, other) = (store.write().await.unwrap(), store.write().await.unwrap());
        one.open_tree::<User>().put(user(71, 99, 1)).await.unwrap();
        other
            .open_tree::<User>()
            .put(user(72, 99, 1))
            .await
            .unwrap();
        one.commit().await.unwrap();
        assert_eq!(
            other.commit().await.unwrap_err().kind(),
            ErrorKind::Conflict
        );
        let single = store.open_tree::<User>().put(user(72, 99, 1)).await;
        assert_eq!(single.unwrap_err().kind(), ErrorKind::AlreadyExists);
    });
}

#[test]
fn those_who_wait_are_recorded_as_well() {
    struct Thread;

    impl Block for Thread {
        fn block_on<F: Future>(&self, future: F) -> F::Output {
            block_on(future)
        }
    }

    let careless = Careless::new::<Shop>(Flaw::None);
    let driver = AsyncAsSync::new(careless.clone(), Thread, |_| Ok(FileConfig::new("")));
    let store = TypedStore::<Shop, _>::open_on(&driver, &FileConfig::new("")).unwrap();
    let users = (0..10).map(|id| user(id, id as u8, (id % 3) as i32));
    store.open_tree::<User>().put_many(users).unwrap();

    let guard = store.write().unwrap();
    let mut view = guard.open_tree::<User>();
    assert!(view.get(key(3)).unwrap().is_some());
    assert_eq!(view.range(key(5)..key(7)).unwrap().count(), 2);
    // Beyond the last one, which is known after some misses.
    for id in 20..40 {
        assert!(view.get(key(id)).unwrap().is_none());
    }
    view.put(user(20, 20, 7)).unwrap();
    assert_eq!(view.len().unwrap(), 11);
    assert!(view.get(key(20)).unwrap().is_some());
    guard.commit().unwrap();
    assert_eq!(counts(&careless.last(), "User"), (21, 1, Some(10)));

    let guard = store.write().unwrap();
    for id in 20..40 {
        assert_eq!(
            guard.open_tree::<User>().get(key(id)).unwrap().is_some(),
            id == 20
        );
    }
    store.open_tree::<User>().put(user(39, 39, 7)).unwrap();
    guard.open_tree::<Note>().put(Note::default()).unwrap();
    assert_eq!(guard.commit().unwrap_err().kind(), ErrorKind::Conflict);
}

/// What histories are made of.
#[netabase_store::netabase_definition_module(Ledger, LedgerKeys)]
pub(super) mod ledger {
    use netabase_store::{NetabaseModel, netabase};

    /// An account, with the version that its last write gave it.
    #[derive(NetabaseModel, Debug, Clone, PartialEq)]
    #[netabase(Ledger)]
    pub struct Account {
        /// Which account it is.
        #[primary_key]
        pub id: u32,
        /// Each owner has two accounts.
        #[secondary_key]
        pub owner: u32,
        /// Who wrote it last.
        pub version: u64,
    }

    /// A guest's visit, put once or removed once.
    #[derive(NetabaseModel, Debug, Clone, PartialEq)]
    #[netabase(Ledger)]
    pub struct Visit {
        /// Which visit it is; a guest's visits have neighbouring numbers.
        #[primary_key]
        pub id: u32,
        /// Whose visit it is.
        #[secondary_key]
        pub guest: u32,
        /// Who put it.
        pub version: u64,
    }

    /// A list that is appended to.
    #[derive(NetabaseModel, Debug, Clone, PartialEq)]
    #[netabase(Ledger)]
    pub struct Log {
        /// Which list it is.
        #[primary_key]
        pub id: u32,
        /// Who appended to it, in order.
        pub versions: Vec<u64>,
    }

    /// One of a set whose size is read.
    #[derive(NetabaseModel, Debug, Clone, PartialEq)]
    #[netabase(Ledger)]
    pub struct Ticket {
        /// Nobody else has the same.
        #[primary_key]
        pub id: u64,
    }
}

const ACCOUNTS: u32 = 8;
const LOGS: u32 = 4;
const GUESTS: u32 = 4;
/// Visits of each guest that are there in the beginning. These may be removed, and no others.
const VISITS: u32 = 24;

/// The objects of a history: accounts, then lists, then the number of tickets, then visits.
const FIRST_LOG: u32 = 1_000;
const TICKETS: u32 = 2_000;

fn visits_of(guest: u32) -> std::ops::Range<u32> {
    (guest + 1) * 10_000..(guest + 2) * 10_000
}

type Histories = AsyncTypedStore<Ledger, Slow<Careless>>;
type LedgerTxn<'s> = AsyncTxnGuard<'s, Ledger, ReadWrite, Slow<Careless>>;

/// What the sessions of a history share.
struct Run {
    store: Histories,
    numbers: AtomicU64,
    /// Every list that anybody saw.
    lists: Mutex<Vec<(u32, Vec<u64>)>>,
}

impl Run {
    fn next(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    async fn new(flaw: Flaw) -> Self {
        let driver = Slow::new(Careless::new::<Ledger>(flaw));
        let store = Histories::open_on(&driver, &FileConfig::new(""))
            .await
            .unwrap();
        let accounts = (0..ACCOUNTS).map(|id| Account {
            id,
            owner: id / 2,
            version: INITIAL,
        });
        store
            .open_tree::<Account>()
            .put_many(accounts)
            .await
            .unwrap();
        let visits = (0..GUESTS).flat_map(|guest| {
            let first = visits_of(guest).start;
            (first..first + VISITS).map(move |id| Visit {
                id,
                guest,
                version: INITIAL,
            })
        });
        store.open_tree::<Visit>().put_many(visits).await.unwrap();
        Self {
            store,
            numbers: AtomicU64::new(INITIAL + 1),
            lists: Mutex::default(),
        }
    }

    /// Runs transactions of one session; gives those that were committed.
    async fn session(&self, mut random: Rng) -> Vec<Transaction> {
        let mut session = Vec::new();
        for _ in 0..30 {
            let began = self.next();
            let txn = self.store.write().await.unwrap();
            let mut noted = Transaction::default();
            match random.u32(..6) {
                0 => self.skew_over_keys(&txn, &mut noted, &mut random).await,
                1 => self.update(&txn, &mut noted, &mut random).await,
                2 => self.append(&txn, &mut noted, &mut random).await,
                3 => self.take_ticket(&txn, &mut noted).await,
                _ => self.come_and_go(&txn, &mut noted, &mut random).await,
            }
            .unwrap();
            match txn.commit().await {
                Ok(()) => {
                    noted.span = Some((began, self.next()));
                    session.push(noted);
                }
                Err(error) => assert_eq!(error.kind(), ErrorKind::Conflict, "{error:?}"),
            }
        }
        session
    }

    /// Reads both accounts of an owner and writes one.
    async fn skew_over_keys(
        &self,
        txn: &LedgerTxn<'_>,
        noted: &mut Transaction,
        random: &mut Rng,
    ) -> Result<(), NetabaseError> {
        let mut accounts = txn.open_tree::<Account>();
        let owner = random.u32(..ACCOUNTS / 2);
        let both = match random.bool() {
            true => {
                let key = AccountSecondaryKeys::Owner(AccountOwnerSecondaryKey(owner));
                accounts.get_by_secondary_key(key).await?
            }
            false => {
                let keys = [owner * 2, owner * 2 + 1].map(AccountPrimaryKey);
                let both = accounts.get_many(keys).await?;
                both.into_iter().flatten().collect()
            }
        };
        assert_eq!(both.len(), 2);
        noted
            .reads
            .extend(both.iter().map(|account| (account.id, account.version)));
        let account = Account {
            version: self.next(),
            ..both[random.usize(..2)].clone()
        };
        noted.writes.push((account.id, account.version));
        accounts.put(account).await
    }

    /// Reads an account and writes it.
    async fn update(
        &self,
        txn: &LedgerTxn<'_>,
        noted: &mut Transaction,
        random: &mut Rng,
    ) -> Result<(), NetabaseError> {
        let mut accounts = txn.open_tree::<Account>();
        let id = random.u32(..ACCOUNTS);
        let mut account = accounts.get(AccountPrimaryKey(id)).await?.unwrap();
        noted.reads.push((id, account.version));
        account.version = self.next();
        noted.writes.push((id, account.version));
        accounts.put(account).await
    }

    /// Appends to a list.
    async fn append(
        &self,
        txn: &LedgerTxn<'_>,
        noted: &mut Transaction,
        random: &mut Rng,
    ) -> Result<(), NetabaseError> {
        let mut logs = txn.open_tree::<Log>();
        let id = random.u32(..LOGS);
        let log = logs.get(LogPrimaryKey(id)).await?;
        let mut versions = log.map_or_else(Vec::new, |log| log.versions);
        self.lists.lock().unwrap().push((id, versions.clone()));
        let object = FIRST_LOG + id;
        noted
            .reads
            .push((object, versions.last().copied().unwrap_or(INITIAL)));
        versions.push(self.next());
        noted
            .writes
            .extend(versions.last().map(|version| (object, *version)));
        logs.put(Log { id, versions }).await
    }

    /// Reads how many tickets there are, and adds one.
    async fn take_ticket(
        &self,
        txn: &LedgerTxn<'_>,
        noted: &mut Transaction,
    ) -> Result<(), NetabaseError> {
        let mut tickets = txn.open_tree::<Ticket>();
        let before = tickets.len().await? as u64;
        noted.reads.push((TICKETS, before));
        noted.writes.push((TICKETS, before + 1));
        tickets.put(Ticket { id: self.next() }).await
    }

    /// Reads all visits of a guest; puts a visit of another guest, or removes one.
    async fn come_and_go(
        &self,
        txn: &LedgerTxn<'_>,
        noted: &mut Transaction,
        random: &mut Rng,
    ) -> Result<(), NetabaseError> {
        let mut view = txn.open_tree::<Visit>();
        let guest = random.u32(..GUESTS);
        let numbers = visits_of(guest);
        let visits = match random.bool() {
            true => {
                let key = VisitSecondaryKeys::Guest(VisitGuestSecondaryKey(guest));
                view.get_by_secondary_key(key).await?
            }
            false => {
                let keys = VisitPrimaryKey(numbers.start)..VisitPrimaryKey(numbers.end);
                let visits = view.range(keys).to_vec().await?;
                visits.into_iter().map(|(_, visit)| visit).collect()
            }
        };
        noted
            .reads
            .extend(visits.iter().map(|visit| (visit.id, visit.version)));
        noted.scans.push(numbers);
        let guest = random.u32(..GUESTS);
        let first = visits_of(guest).start;
        if random.bool() {
            let version = self.next();
            let id = first + VISITS + version as u32;
            noted.reads.push((id, ABSENT));
            noted.writes.push((id, version));
            return view.put(Visit { id, guest, version }).await;
        }
        let id = first + random.u32(..VISITS);
        let removed = view.remove(VisitPrimaryKey(id)).await?;
        let version = removed.map_or(ABSENT, |visit| visit.version);
        if !noted.reads.contains(&(id, version)) {
            noted.reads.push((id, version));
        }
        if version != ABSENT {
            noted.writes.push((id, ABSENT));
        }
        Ok(())
    }

    /// Checks that nobody saw a list that the final one does not begin with.
    async fn check_lists(&self) -> Result<(), Anomaly> {
        let logs = self.store.open_tree::<Log>().all().await.unwrap();
        let finally: HashMap<_, _> = logs
            .iter()
            .map(|(_, log)| (log.id, &log.versions))
            .collect();
        for (id, seen) in self.lists.lock().unwrap().iter() {
            let begins = finally
                .get(id)
                .is_some_and(|versions| versions.starts_with(seen));
            if !begins && !seen.is_empty() {
                let last = seen.last().copied().unwrap_or(INITIAL);
                return Err(Anomaly::LostUpdate(FIRST_LOG + id, last));
            }
        }
        Ok(())
    }
}

/// Lets a task go on that is chosen by chance, until all have ended.
fn interleave<T>(
    mut tasks: Vec<Pin<Box<dyn Future<Output = T> + '_>>>,
    random: &mut Rng,
) -> Vec<T> {
    let mut context = Context::from_waker(Waker::noop());
    let mut results = Vec::new();
    while !tasks.is_empty() {
        let chosen = random.usize(..tasks.len());
        if let Poll::Ready(result) = tasks[chosen].as_mut().poll(&mut context) {
            drop(tasks.swap_remove(chosen));
            results.push(result);
        }
    }
    results
}

/// Runs a history of many sessions on one thread, and checks it.
fn history(flaw: Flaw, seed: u64) -> Result<usize, Anomaly> {
    let mut random = Rng::with_seed(seed);
    let run = block_on(Run::new(flaw));
    let sessions = (0..12).map(|_| {
        let session = run.session(random.fork());
        Box::pin(session) as Pin<Box<dyn Future<Output = _> + '_>>
    });
    let sessions = sessions.collect();
    let sessions = interleave(sessions, &mut random);
    serializability::check(&sessions)?;
    block_on(run.check_lists())?;
    Ok(sessions.iter().map(Vec::len).sum())
}

/// Seeds, of which every flaw shows in some.
const SEEDS: std::ops::Range<u64> = 0..12;

#[test]
fn transactions_of_many_tasks_are_serializable() {
    for seed in SEEDS {
        let committed = history(Flaw::None, seed).unwrap();
        assert!(committed > 60, "{committed} of 360 were committed");
    }
}

/// Whether a history shows that the driver has this flaw. A transaction may find out by itself.
fn shows(flaw: Flaw, seed: u64) -> bool {
    panic::catch_unwind(AssertUnwindSafe(|| history(flaw, seed)))
        .map_or(true, |found| found.is_err())
}

#[test]
fn a_driver_that_looks_at_no_reads_is_found_out() {
    assert!(SEEDS.clone().any(|seed| shows(Flaw::Everything, seed)));
}

#[test]
fn a_driver_that_looks_at_no_keys_is_found_out() {
    assert!(SEEDS.clone().any(|seed| shows(Flaw::Keys, seed)));
}

#[test]
fn a_driver_that_looks_at_no_ranges_is_found_out() {
    assert!(SEEDS.clone().any(|seed| shows(Flaw::Ranges, seed)));
}

#[test]
fn a_driver_that_misses_deletes_in_ranges_is_found_out() {
    assert!(SEEDS.clone().any(|seed| shows(Flaw::Deletes, seed)));
}

#[test]
fn a_driver_that_looks_at_no_lengths_is_found_out() {
    assert!(SEEDS.clone().any(|seed| shows(Flaw::Lengths, seed)));
}
