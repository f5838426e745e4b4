//! An asynchronous driver behind the synchronous contract, where there is a way to wait.

use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use super::overlay::{Layered, Overlay, Page, Sink, Source};
use super::{AsyncDatabase, AsyncDriver, AsyncRead, AsyncWrite, ReadSet};
use crate::driver::{
    Bounds, Capabilities, CommitOutcome, CommitToken, Database, Direction, Driver, DriverError,
    Durability, ErrorKind, Manifest, OpenConfig, Result, TreeId,
};

/// Entries that a cursor asks for first.
const FIRST_PAGE: usize = 64;

/// Keys that are not there after which it pays to ask for the last one of a tree.
const PATIENCE: u32 = 8;

/// A way to wait for a future: a thread that is parked, or a stack that the browser suspends.
pub trait Block: Send + Sync + 'static {
    /// Waits for the future, and gives what it gave.
    fn block_on<F: Future>(&self, future: F) -> F::Output;
}

/// An asynchronous driver behind the synchronous contract.
///
/// Each call waits. Writes are kept in memory until the commit. In a browser this needs WebAssembly's JS promise
/// integration.
pub struct AsyncAsSync<A: AsyncDriver, B> {
    driver: A,
    manifest: Manifest,
    block: Arc<B>,
    config: fn(&OpenConfig<'_>) -> Result<A::Config>,
}

impl<A: AsyncDriver, B: Block> AsyncAsSync<A, B> {
    /// Puts `driver` behind the synchronous contract. `config` says what the driver opens.
    pub fn new(driver: A, block: B, config: fn(&OpenConfig<'_>) -> Result<A::Config>) -> Self {
        let mut manifest = driver.manifest().clone();
        // Entries are copied, page by page.
        let without = Capabilities::ZERO_COPY;
        manifest.capabilities =
            Capabilities::from_bits(manifest.capabilities.bits() & !without.bits());
        Self {
            driver,
            manifest,
            block: Arc::new(block),
            config,
        }
    }
}

impl<A, B> Driver for AsyncAsSync<A, B>
where
    A: AsyncDriver + Send + Sync,
    A::Database: Send + Sync,
    <A::Database as AsyncDatabase>::Reader: Send,
    <A::Database as AsyncDatabase>::Writer: Send,
    B: Block,
{
    type Database = AsyncAsSyncDatabase<A::Database, B>;

    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn open(&self, config: &OpenConfig<'_>) -> Result<Self::Database> {
        let config = (self.config)(config)?;
        Ok(AsyncAsSyncDatabase {
            store: self.block.block_on(self.driver.open(&config))?,
            block: Arc::clone(&self.block),
            is_optimistic: self
                .manifest
                .capabilities
                .contains(Capabilities::OPTIMISTIC),
        })
    }
}

impl<A: AsyncDriver, B> fmt::Debug for AsyncAsSync<A, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Blocking")
            .field("manifest", &self.manifest)
            .finish_non_exhaustive()
    }
}

/// An open database of a [`AsyncAsSync`] driver.
pub struct AsyncAsSyncDatabase<S, B> {
    store: S,
    block: Arc<B>,
    is_optimistic: bool,
}

impl<S, B> Database for AsyncAsSyncDatabase<S, B>
where
    S: AsyncDatabase + Send + Sync,
    S::Reader: Send,
    S::Writer: Send,
    B: Block,
{
    type Reader = Layered<AsyncAsSyncSource<S::Reader, B>>;
    type Writer = Layered<AsyncAsSyncSource<S::Writer, B>>;

    fn begin_read(&self) -> Result<Self::Reader> {
        let reader = self.block.block_on(self.store.begin_read())?;
        let source = AsyncAsSyncSource::new(reader, &self.block, false);
        Ok(Layered::new(source, Overlay::default()))
    }

    fn begin_write(&self) -> Result<Self::Writer> {
        let writer = self.block.block_on(self.store.begin_write())?;
        let source = AsyncAsSyncSource::new(writer, &self.block, self.is_optimistic);
        Ok(Layered::new(source, Overlay::default()))
    }

    fn command(
        &self,
        operation: &str,
        argument: &[u8],
        output: &mut dyn FnMut(&[u8]),
    ) -> Result<()> {
        for part in self
            .block
            .block_on(self.store.command(operation, argument))?
        {
            output(&part);
        }
        Ok(())
    }

    fn commit_outcome(&self, token: &CommitToken) -> Result<CommitOutcome> {
        self.block.block_on(self.store.commit_outcome(token))
    }
}

impl<S, B> fmt::Debug for AsyncAsSyncDatabase<S, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncAsSyncDatabase")
            .finish_non_exhaustive()
    }
}

/// A transaction of an asynchronous driver, read by waiting.
pub struct AsyncAsSyncSource<T, B> {
    transaction: T,
    block: Arc<B>,
    /// The trees by id, which is the place here.
    trees: Mutex<Vec<KnownTree>>,
    /// What was read, by the driver's own ids, where its commit wants to know.
    reads: Option<Mutex<ReadSet>>,
}

/// What is known of a tree, which stays as it is for as long as the transaction lives.
struct KnownTree {
    name: Box<str>,
    /// The driver's own id.
    id: TreeId,
    end: End,
}

enum End {
    /// Nothing, after this many keys that are not there.
    Unknown(u32),
    /// The last key; `None` in an empty tree.
    At(Option<Vec<u8>>),
}

impl<T, B> AsyncAsSyncSource<T, B> {
    fn new(transaction: T, block: &Arc<B>, records_reads: bool) -> Self {
        Self {
            transaction,
            block: Arc::clone(block),
            trees: Mutex::default(),
            reads: records_reads.then(Mutex::default),
        }
    }

    fn record(&self, add: impl FnOnce(&mut ReadSet)) {
        if let Some(reads) = &self.reads {
            add(&mut reads.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }

    fn known<R>(&self, tree: TreeId, look: impl FnOnce(&mut KnownTree) -> R) -> Result<R> {
        let mut trees = self.trees.lock().unwrap_or_else(PoisonError::into_inner);
        match trees.get_mut(tree.0 as usize) {
            Some(known) => Ok(look(known)),
            None => Err(tree.unknown()),
        }
    }

    fn engine_id(&self, tree: TreeId) -> Result<TreeId> {
        self.known(tree, |known| known.id)
    }
}

impl<T: AsyncRead, B: Block> Source for AsyncAsSyncSource<T, B> {
    fn tree(&self, name: &str) -> Result<TreeId> {
        let mut trees = self.trees.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = trees.iter().position(|known| *known.name == *name) {
            return Ok(TreeId(place as u32));
        }
        let place = u32::try_from(trees.len()).map_err(|_| {
            DriverError::new(
                ErrorKind::LimitExceeded,
                "the transaction has more trees open than there are ids; begin another one",
            )
        })?;
        trees.push(KnownTree {
            name: name.into(),
            id: self.transaction.tree(name)?,
            end: End::Unknown(0),
        });
        Ok(TreeId(place))
    }

    fn check(&self, tree: TreeId) -> Result<()> {
        self.engine_id(tree).map(drop)
    }

    fn get<R>(
        &self,
        tree: TreeId,
        key: &[u8],
        visit: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        let (id, beyond) = self.known(tree, |known| {
            let beyond = match &known.end {
                End::At(last) => last.as_deref().is_none_or(|last| key > last),
                End::Unknown(_) => false,
            };
            (known.id, beyond)
        })?;
        if beyond {
            self.record(|reads| reads.add_key(id, key, false));
            return Ok(None);
        }
        let values = self.block.block_on(self.transaction.get_many(id, &[key]))?;
        let value = values.into_iter().next().flatten();
        self.record(|reads| reads.add_key(id, key, value.is_some()));
        if let Some(value) = value {
            return Ok(Some(visit(&value)));
        }
        // Putting new records asks for the ones before them, each time in vain.
        let asks = self.known(tree, |known| match &mut known.end {
            End::Unknown(missed) => {
                *missed += 1;
                *missed == PATIENCE
            }
            End::At(_) => false,
        })?;
        if asks {
            let last = self
                .transaction
                .page(id, Bounds::ALL, Direction::Backward, 1);
            let last = self.block.block_on(last)?.pop().map(|(key, _)| key);
            self.known(tree, |known| known.end = End::At(last))?;
        }
        Ok(None)
    }

    fn page(
        &self,
        tree: TreeId,
        bounds: Bounds<'_>,
        direction: Direction,
        limit: usize,
    ) -> Result<Page> {
        let tree = self.engine_id(tree)?;
        let page = self.transaction.page(tree, bounds, direction, limit);
        let page = self.block.block_on(page)?;
        self.record(|reads| reads.add_page(tree, bounds, direction, limit, &page));
        Ok(Page::new(page))
    }

    fn len(&self, tree: TreeId) -> Result<u64> {
        let tree = self.engine_id(tree)?;
        let len = self.block.block_on(self.transaction.len(tree))?;
        self.record(|reads| reads.add_len(tree, len));
        Ok(len)
    }

    fn first_page(&self) -> usize {
        FIRST_PAGE
    }
}

impl<T: AsyncWrite, B: Block> Sink for AsyncAsSyncSource<T, B> {
    fn commit(self, overlay: Overlay, durability: Durability) -> Result<()> {
        let list = overlay.to_batch(|tree| self.engine_id(tree))?;
        let reads = self.reads.unwrap_or_default();
        let reads = reads.into_inner().unwrap_or_else(PoisonError::into_inner);
        let batch = list.as_batch();
        self.block
            .block_on(self.transaction.commit(&batch, &reads, durability))
    }
}

impl<T, B> fmt::Debug for AsyncAsSyncSource<T, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncAsSyncSource").finish_non_exhaustive()
    }
}
