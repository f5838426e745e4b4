//! The memory driver's asynchronous twin: the reference for engines that cannot block, with one writer or with many.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::MANIFEST;
use super::committed::{Bytes, Committed, Tree, Trees, run};
use crate::config::FileConfig;
use crate::driver::asynchronous::turn::{self, Turn, Turns};
use crate::driver::asynchronous::{
    AsyncDatabase, AsyncDriver, AsyncRead, AsyncWrite, ReadSet, TreeReads,
};
use crate::driver::kit::options;
use crate::driver::{
    Bounds, Capabilities, CommitOutcome, CommitToken, Direction, DriverError, Durability,
    ErrorKind, Manifest, OpenConfig, Result, TreeId, WriteBatch, WriteOp,
};

/// The memory driver as one that cannot block. Each [`open`](AsyncDriver::open) makes a new, empty database that lives as
/// long as its handles.
///
/// [`optimistic`](Self::optimistic) is the reference for engines of that kind: whether a transaction may be committed, it
/// finds out from the [`ReadSet`] that it is handed, and from nothing else.
///
/// # Examples
/// ```
/// use netabase_core::config::FileConfig;
/// use netabase_core::driver::asynchronous::{AsyncDatabase, AsyncDriver, AsyncWrite, ReadSet};
/// use netabase_core::driver::{Durability, ErrorKind, WriteBatchBuilder};
/// use netabase_core::memory::AsyncMemory;
///
/// # async fn example() -> Result<(), netabase_core::driver::DriverError> {
/// use netabase_core::driver::asynchronous::AsyncRead;
///
/// let database = AsyncMemory::optimistic().open(&FileConfig::new("")).await?;
/// let (one, other) = (database.begin_write().await?, database.begin_write().await?);
/// let tree = other.tree("numbers")?;
/// let mut batch = WriteBatchBuilder::new();
/// batch.put(tree, b"one", b"1")?;
/// other.commit(&batch.as_batch(), &ReadSet::default(), Durability::Immediate).await?;
///
/// let tree = one.tree("numbers")?;
/// let mut reads = ReadSet::default();
/// reads.add_key(tree, b"one", one.get_many(tree, &[b"one"]).await?[0].is_some());
/// let mut batch = WriteBatchBuilder::new();
/// batch.put(tree, b"two", b"2")?;
/// let commit = one.commit(&batch.as_batch(), &reads, Durability::Immediate).await;
/// assert_eq!(commit.unwrap_err().kind(), ErrorKind::Conflict);
/// # Ok(())
/// # }
/// # futures_util::FutureExt::now_or_never(example()).unwrap().unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct AsyncMemory {
    manifest: Manifest,
    outages: Arc<Mutex<Outages>>,
}

/// What becomes of commits whose answer gets lost.
#[derive(Debug, Default)]
struct Outages {
    /// Whether the next commit is kept, whose answer gets lost.
    next: Option<bool>,
    /// Whether a commit was kept, by its token.
    outcomes: HashMap<CommitToken, bool>,
}

impl Default for AsyncMemory {
    fn default() -> Self {
        Self::new()
    }
}

impl AsyncMemory {
    /// One writer at a time.
    #[must_use]
    pub fn new() -> Self {
        let without = Capabilities::ZERO_COPY.bits();
        let capabilities = Capabilities::from_bits(MANIFEST.capabilities.bits() & !without);
        Self {
            manifest: Manifest {
                capabilities,
                ..MANIFEST.clone()
            },
            outages: Arc::default(),
        }
    }

    /// Many writers at a time, whose commits fail with [`Conflict`](ErrorKind::Conflict) where they have read what has
    /// changed since.
    #[must_use]
    pub fn optimistic() -> Self {
        let mut driver = Self::new();
        let manifest = &mut driver.manifest;
        manifest.name = Cow::Borrowed("memory-optimistic");
        manifest.capabilities = manifest.capabilities | Capabilities::OPTIMISTIC;
        driver
    }

    /// Makes the next commit, on any database of this driver or its clones, fail with
    /// [`CommitUnknown`](ErrorKind::CommitUnknown), as where a connection breaks; `kept` says whether its writes are
    /// kept nevertheless. A commit that fails for a reason of its own is not counted.
    pub fn lose_next_answer(&self, kept: bool) {
        self.outages().next = Some(kept);
    }

    fn outages(&self) -> MutexGuard<'_, Outages> {
        lock(&self.outages)
    }
}

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl AsyncDriver for AsyncMemory {
    type Database = AsyncMemoryDatabase;
    type Config = FileConfig;

    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Makes a new, empty database.
    ///
    /// # Errors
    /// As [`Memory`](super::Memory)'s.
    async fn open(&self, config: &FileConfig) -> Result<AsyncMemoryDatabase> {
        options::in_memory(&OpenConfig::from(config), "the memory driver")?;
        let capabilities = self.manifest.capabilities;
        let is_optimistic = capabilities.contains(Capabilities::OPTIMISTIC);
        Ok(AsyncMemoryDatabase {
            committed: Committed::default(),
            turn: (!is_optimistic).then(Turns::default),
            driver: self.clone(),
        })
    }
}

/// An open database of [`AsyncMemory`].
#[derive(Debug)]
pub struct AsyncMemoryDatabase {
    committed: Committed,
    /// Held by the write transaction that is open; `None` where many may be.
    turn: Option<Turns>,
    driver: AsyncMemory,
}

impl AsyncMemoryDatabase {
    fn snapshot(&self) -> Snapshot {
        Snapshot {
            trees: self.committed.snapshot(),
            names: Mutex::default(),
        }
    }

    fn writer(&self, turn: Option<Turn>) -> AsyncMemoryWriter {
        AsyncMemoryWriter {
            snapshot: self.snapshot(),
            committed: self.committed.clone(),
            driver: self.driver.clone(),
            turn,
        }
    }
}

impl AsyncDatabase for AsyncMemoryDatabase {
    type Reader = AsyncMemoryReader;
    type Writer = AsyncMemoryWriter;

    async fn begin_read(&self) -> Result<AsyncMemoryReader> {
        Ok(AsyncMemoryReader {
            snapshot: self.snapshot(),
        })
    }

    async fn begin_write(&self) -> Result<AsyncMemoryWriter> {
        let turn = turn::take(self.turn.as_ref()).await;
        Ok(self.writer(turn))
    }

    async fn try_begin_write(&self) -> Result<AsyncMemoryWriter> {
        let turn = turn::try_take(self.turn.as_ref())?;
        Ok(self.writer(turn))
    }

    async fn command(&self, name: &str, argument: &[u8]) -> Result<Vec<Vec<u8>>> {
        let mut parts = Vec::new();
        run(&self.committed, name, argument, &mut |part| {
            parts.push(part.to_vec());
        })?;
        Ok(parts)
    }

    /// What became of a commit whose answer [was lost](AsyncMemory::lose_next_answer). Remembered as long as the driver
    /// lives.
    async fn commit_outcome(&self, token: &CommitToken) -> Result<CommitOutcome> {
        match self.driver.outages().outcomes.get(token) {
            Some(true) => Ok(CommitOutcome::Committed),
            Some(false) => Ok(CommitOutcome::NotCommitted),
            None => Err(DriverError::new(
                ErrorKind::InvalidInput,
                "the token is not of this driver; pass one that came with an error",
            )),
        }
    }
}

/// What was committed when a transaction began.
struct Snapshot {
    trees: Trees,
    /// The trees that were asked for; each has its place as its id.
    names: Mutex<Vec<Arc<str>>>,
}

impl Snapshot {
    fn id(&self, name: &str) -> TreeId {
        let mut names = lock(&self.names);
        let known = names.iter().position(|known| **known == *name);
        let place = known.unwrap_or_else(|| {
            names.push(name.into());
            names.len() - 1
        });
        TreeId(place as u32)
    }

    fn name(&self, tree: TreeId) -> Result<Arc<str>> {
        let names = lock(&self.names);
        let name = names.get(tree.0 as usize);
        name.cloned().ok_or_else(|| tree.unknown())
    }

    /// A tree's entries, if there are any.
    fn tree(&self, tree: TreeId) -> Result<Option<&Tree>> {
        Ok(self.trees.get(&self.name(tree)?))
    }
}

/// A read transaction of [`AsyncMemory`].
pub struct AsyncMemoryReader {
    snapshot: Snapshot,
}

/// A write transaction of [`AsyncMemory`].
pub struct AsyncMemoryWriter {
    snapshot: Snapshot,
    committed: Committed,
    driver: AsyncMemory,
    turn: Option<Turn>,
}

macro_rules! read_snapshot {
    ($type:ident) => {
        impl AsyncRead for $type {
            fn tree(&self, name: &str) -> Result<TreeId> {
                Ok(self.snapshot.id(name))
            }

            async fn get_many(&self, tree: TreeId, keys: &[&[u8]]) -> Result<Vec<Option<Vec<u8>>>> {
                let tree = self.snapshot.tree(tree)?;
                let find = |key: &&[u8]| Some(tree?.get(*key)?.to_vec());
                Ok(keys.iter().map(find).collect())
            }

            async fn page(
                &self,
                tree: TreeId,
                bounds: Bounds<'_>,
                direction: Direction,
                limit: usize,
            ) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
                let Some(tree) = self.snapshot.tree(tree)?.filter(|_| !bounds.is_empty()) else {
                    return Ok(Vec::new());
                };
                let entries =
                    entries(tree, bounds).map(|(key, value)| (key.to_vec(), value.to_vec()));
                Ok(match direction {
                    Direction::Forward => entries.take(limit).collect(),
                    Direction::Backward => entries.rev().take(limit).collect(),
                })
            }

            async fn len(&self, tree: TreeId) -> Result<u64> {
                Ok(self.snapshot.tree(tree)?.map_or(0, Tree::len) as u64)
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($type)).finish_non_exhaustive()
            }
        }
    };
}

read_snapshot!(AsyncMemoryReader);
read_snapshot!(AsyncMemoryWriter);

impl AsyncWrite for AsyncMemoryWriter {
    async fn commit(self, batch: &WriteBatch<'_>, reads: &ReadSet, _: Durability) -> Result<()> {
        let Self {
            snapshot,
            committed,
            driver,
            turn,
        } = self;
        let mut committed = committed.lock();
        let mut trees = committed.clone();
        let mut writes = false;
        for operation in batch {
            writes = true;
            apply(&mut trees, &snapshot, &operation)?;
        }
        if turn.is_none() && writes && !holds(reads, &snapshot, &committed)? {
            return Err(DriverError::new(
                ErrorKind::Conflict,
                "another commit has changed what this transaction read; run it again",
            ));
        }
        let mut outages = driver.outages();
        let answered = match outages.next.take() {
            None => Ok(()),
            Some(kept) => {
                let token = outages.outcomes.len().to_string();
                let token = CommitToken::new(token.as_bytes());
                outages.outcomes.insert(token.clone(), kept);
                let error = DriverError::new(
                    ErrorKind::CommitUnknown,
                    "the answer to the commit was lost; ask for its outcome by the token",
                );
                Err((error.with_commit_token(token), kept))
            }
        };
        if matches!(answered, Ok(()) | Err((_, true))) {
            *committed = trees;
        }
        answered.map_err(|(error, _)| error)
    }
}

/// Runs one operation of a transaction that gave its trees' ids.
fn apply(trees: &mut Trees, snapshot: &Snapshot, operation: &WriteOp<'_>) -> Result<()> {
    match *operation {
        WriteOp::Put { tree, key, value } => {
            let tree = trees.entry(snapshot.name(tree)?).or_default();
            tree.insert(key.into(), value.into());
        }
        WriteOp::Remove { tree, key } => {
            let name = snapshot.name(tree)?;
            if let Some(tree) = trees.get_mut(&name) {
                tree.remove(key);
                if tree.is_empty() {
                    trees.remove(&name);
                }
            }
        }
        WriteOp::Clear { tree } => {
            trees.remove(&snapshot.name(tree)?);
        }
    }
    Ok(())
}

/// Whether everything that was read of the snapshot would be read of the present state.
fn holds(reads: &ReadSet, snapshot: &Snapshot, now: &Trees) -> Result<bool> {
    for (id, reads) in reads.trees() {
        let name = snapshot.name(id)?;
        let empty = Tree::new();
        let before = snapshot.trees.get(&name).unwrap_or(&empty);
        let after = now.get(&name).unwrap_or(&empty);
        if !before.ptr_eq(after) && !tree_holds(reads, before, after) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn tree_holds(reads: &TreeReads, before: &Tree, after: &Tree) -> bool {
    let same_len = reads.len_read().is_none_or(|len| len == after.len() as u64);
    let mut keys = reads.keys();
    let mut ranges = reads.ranges();
    same_len
        && keys.all(|(key, _)| before.get(key) == after.get(key))
        && ranges.all(|bounds| entries(before, bounds).eq(entries(after, bounds)))
}

fn entries<'t>(
    tree: &'t Tree,
    bounds: Bounds<'_>,
) -> impl DoubleEndedIterator<Item = (&'t Bytes, &'t Bytes)> {
    tree.range::<_, [u8]>((bounds.lower, bounds.upper))
}
