//! The typed layer on engines that cannot block: the same operations, awaited.
//!
//! [`AsyncTypedStore`] mirrors [`TypedStore`]; [`AsyncTree`], [`AsyncTxnGuard`] and [`AsyncTreeView`] mirror
//! [`Tree`](super::Tree), [`TxnGuard`](super::TxnGuard) and [`TreeView`](super::TreeView). What an operation does is
//! written once, there: it runs on what has been fetched, and again when what it missed is there.
//!
//! An operation that fails, or whose future is dropped, leaves its transaction as it was before; the transaction goes on.

mod batch;
mod iter;
mod replay;
mod schema;
mod transact;
mod transaction;
mod tree;
mod view;

use std::fmt;
use std::marker::PhantomData;
use std::pin::pin;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use futures_util::future::{Either, select};

pub use batch::AsyncBatch;
pub use iter::AsyncIter;
pub use transaction::{AsyncMode, AsyncTxnGuard};
pub use tree::AsyncTree;
pub use view::AsyncTreeView;

use self::replay::{KnownReads, ReplayDriver, TreeNames};
use self::schema::{check_unchanged, schema_record};
use super::state::is_conflict;
use super::{ReadOnly, ReadWrite, TypedStore};
use crate::config::Checksums;
use crate::driver::asynchronous::overlay::Overlay;
use crate::driver::asynchronous::{
    AsyncConfig, AsyncDatabase, AsyncDriver, AsyncRead, AsyncWrite, ReadSet, TemporaryConfig,
};
use crate::driver::checked::{self, Checked};
use crate::driver::command::{self, Command};
use crate::driver::{
    Capabilities, CommitOutcome, CommitToken, DriverError, Durability, ErrorKind, Manifest,
    OpenConfig,
};
use crate::error::NetabaseError;
use crate::model::{NetabaseDefinitionTrait, NetabaseModelTrait};
use crate::schema::{ModelTrees, SCHEMA_KEY, Schema, shown_names};

/// How often an operation is tried where others commit meanwhile.
const ATTEMPTS: usize = 16;
/// Entries that an operation's cursors ask for first.
const FIRST_PAGE: usize = 64;
/// Entries that are asked for at a time where indexes are built, which reads and holds all of them anyway.
const ALL_RECORDS: usize = 1 << 20;

/// One open database that holds the models of the definition `D`, on the asynchronous engine `A`.
///
/// # Examples
/// ```ignore
/// let store = AsyncTypedStore::<Shop, IndexedDB>::open_on(&IndexedDB, &config).await?;
/// let users = store.open_tree::<User>();
/// users.put(&user).await?;
/// let found = users.get(UserPrimaryKey(1)).await?;
/// ```
pub struct AsyncTypedStore<D, A: AsyncDriver> {
    store: RwLock<Option<Arc<A::Database>>>,
    manifest: Manifest,
    durability: Durability,
    read_only: bool,
    busy_timeout: Duration,
    /// The trees of every model of the definition, in its order.
    trees: Arc<[ModelTrees]>,
    definition: PhantomData<fn() -> D>,
}

/// What an operation came to that has everything it asks for.
struct Replayed<R> {
    result: Result<R, NetabaseError>,
    /// All writes of the transaction after it.
    writes: Overlay,
    /// What it has read, where that is recorded.
    reads: ReadSet,
}

#[cold]
fn busy(waited: Duration) -> NetabaseError {
    NetabaseError::new(
        ErrorKind::Conflict,
        format!(
            "another write transaction was open for all of {waited:?}; commit or drop it first, or open the store with a \
             longer `busy_timeout`"
        ),
    )
}

impl<D: NetabaseDefinitionTrait, A: AsyncDriver> AsyncTypedStore<D, A> {
    /// Opens the database that `config` names, on this driver.
    ///
    /// Models, indexes and their changes are treated as by [`TypedStore::open_on`]. An index that has to be built is
    /// built in memory.
    ///
    /// # Errors
    /// As [`TypedStore::open_on`].
    pub async fn open_on(driver: &A, config: &A::Config) -> Result<Self, NetabaseError> {
        Self::open_with(driver, config, config.durability()).await
    }

    /// [`open_on`](Self::open_on) with another durability of commits that do not say it themselves.
    ///
    /// # Errors
    /// As [`open_on`](Self::open_on).
    pub async fn open_with(
        driver: &A,
        config: &A::Config,
        durability: Durability,
    ) -> Result<Self, NetabaseError> {
        let manifest = driver.manifest().clone();
        let open = async {
            super::open::check_key_sizes::<D>(&manifest)?;
            let mut store = Self {
                store: RwLock::new(Some(Arc::new(driver.open(config).await?))),
                manifest: manifest.clone(),
                durability,
                read_only: config.is_read_only(),
                busy_timeout: config.busy_timeout(),
                trees: Arc::default(),
                definition: PhantomData,
            };
            store.trees = store.prepare(config.checksums()).await?.into();
            Ok(store)
        };
        open.await
            .map_err(|error: NetabaseError| error.during("open").on_driver(manifest.name.clone()))
    }

    /// Checks the schema, records models and builds indexes. Gives the trees of the definition's models.
    async fn prepare(&self, checksums: Checksums) -> Result<Box<[ModelTrees]>, NetabaseError> {
        let mut attempt = 1;
        loop {
            match self.try_prepare(checksums).await {
                // Another program has just prepared the database, or has written.
                Err(error) if is_conflict(error.kind()) && attempt < ATTEMPTS => attempt += 1,
                result => return result,
            }
        }
    }

    async fn try_prepare(&self, checksums: Checksums) -> Result<Box<[ModelTrees]>, NetabaseError> {
        let engine = self.engine()?;
        let reader = engine.begin_read().await?;
        let nothing = Overlay::default();
        let known = KnownReads::new(TreeNames::new(&self.trees), FIRST_PAGE, false);
        let prepared = |store: &TypedStore<D, ReplayDriver>| {
            super::open::prepared_trees::<D, ReplayDriver>(&store.store, checksums)
        };
        let replayed = self.replay(&reader, &known, &nothing, prepared).await?;
        if let Some(trees) = replayed.result? {
            return Ok(trees);
        }
        drop(reader);
        let writer = self.begin_write(&engine).await?;
        let names = TreeNames::new(&self.trees);
        let known = KnownReads::new(names.clone(), ALL_RECORDS, self.is_optimistic());
        let check = |store: &TypedStore<D, ReplayDriver>| {
            super::open::check_schema::<D, ReplayDriver>(&store.store, checksums)
        };
        let replayed = self.replay(&writer, &known, &nothing, check).await?;
        let trees = replayed.result?;
        let list = replayed
            .writes
            .to_batch(|tree| names.engine_id(&writer, tree))?;
        let reads = replayed
            .reads
            .translated(|tree| names.engine_id(&writer, tree))?;
        writer
            .commit(&list.as_batch(), &reads, Durability::Immediate)
            .await?;
        Ok(trees)
    }

    /// Begins a write transaction of the engine; waits no longer than the store was opened for.
    async fn begin_write(
        &self,
        engine: &A::Database,
    ) -> Result<<A::Database as AsyncDatabase>::Writer, NetabaseError> {
        if self.is_optimistic() {
            return Ok(engine.begin_write().await?);
        }
        let begin = pin!(engine.begin_write());
        let timeout = pin!(engine.sleep(self.busy_timeout));
        match select(begin, timeout).await {
            Either::Left((writer, _)) => Ok(writer?),
            Either::Right(_) => Err(busy(self.busy_timeout)),
        }
    }

    /// Refuses a database that another program has prepared for other models since it was opened here: this one's indexes
    /// would be wrong. Adds what it reads to `reads`.
    async fn check_schema(
        &self,
        reader: &impl AsyncRead,
        mut read: impl FnMut(&[u8], bool),
    ) -> Result<(), NetabaseError> {
        let record = schema_record(reader).await?;
        read(SCHEMA_KEY, record.is_some());
        check_unchanged::<D>(record.as_deref(), &self.trees)
    }

    /// Runs an operation of the synchronous layer on what is known of `reader` and on what was written before, as often as it
    /// takes.
    ///
    /// # Errors
    /// What was missing could not be fetched. An error of the operation is among what is given.
    async fn replay<R>(
        &self,
        reader: &impl AsyncRead,
        known: &KnownReads,
        writes: &Overlay,
        operation: impl Fn(&TypedStore<D, ReplayDriver>) -> Result<R, NetabaseError>,
    ) -> Result<Replayed<R>, NetabaseError> {
        loop {
            let staged = ReplayDriver::new(self.manifest.clone(), known.clone(), writes.clone());
            let config = OpenConfig {
                read_only: self.read_only,
                ..OpenConfig::new("")
            };
            known.take_reads();
            let result = {
                let store = TypedStore {
                    store: Checked::open(&staged, &config)?,
                    trees: Arc::clone(&self.trees),
                    durability: self.durability,
                    definition: PhantomData,
                    attachment: None,
                };
                operation(&store)
            };
            match known.take_missing() {
                None => {
                    return Ok(Replayed {
                        result,
                        writes: staged.writes(),
                        reads: known.take_reads(),
                    });
                }
                Some(missing) => known.fetch(reader, missing).await?,
            }
        }
    }

    /// The view of one model's records in which each call is a transaction of its own.
    #[must_use]
    pub fn open_tree<M: NetabaseModelTrait<D>>(&self) -> AsyncTree<'_, D, M, A> {
        AsyncTree::new(self)
    }

    /// Begins a read transaction: one snapshot for as long as the guard lives, or
    /// [`SnapshotLost`](ErrorKind::SnapshotLost) on an engine that cannot hold one.
    ///
    /// # Errors
    /// [`Closed`](ErrorKind::Closed) after [`close`](Self::close), or an error of the engine.
    pub async fn read(&self) -> Result<AsyncTxnGuard<'_, D, ReadOnly, A>, NetabaseError> {
        let begin = async { Ok::<_, NetabaseError>(self.engine()?.begin_read().await?) };
        match begin.await {
            Ok(reader) => Ok(AsyncTxnGuard::new(self, reader)),
            Err(error) => Err(self.locate(error, "read")),
        }
    }

    /// Begins a write transaction; waits while another one is open, but not on an
    /// [optimistic](Capabilities::OPTIMISTIC) engine. Its writes are held in memory until the commit; dropping the guard
    /// forgets them.
    ///
    /// # Errors
    /// - [`Conflict`](ErrorKind::Conflict): another one has been open for longer than the configuration's
    ///   [`busy_timeout`](AsyncConfig::busy_timeout);
    /// - [`ReadOnly`](ErrorKind::ReadOnly): the store was opened so;
    /// - [`Closed`](ErrorKind::Closed): the store was closed, if only while the call waited;
    /// - an error of the engine.
    pub async fn write(&self) -> Result<AsyncTxnGuard<'_, D, ReadWrite, A>, NetabaseError> {
        let begin = async {
            let engine = self.engine_to_write()?;
            let writer = self.begin_write(&engine).await?;
            // The turn may have come long after the call.
            self.engine()?;
            Ok::<_, NetabaseError>(writer)
        };
        match begin.await {
            Ok(writer) => Ok(AsyncTxnGuard::new(self, writer)),
            Err(error) => Err(self.locate(error, "write")),
        }
    }

    /// Begins a write transaction without waiting for another one to end.
    ///
    /// # Errors
    /// [`Conflict`](ErrorKind::Conflict) if another one is open, which does not happen on an
    /// [optimistic](Capabilities::OPTIMISTIC) engine; else as [`write`](Self::write).
    pub async fn try_write(&self) -> Result<AsyncTxnGuard<'_, D, ReadWrite, A>, NetabaseError> {
        let begin = async {
            let engine = self.engine_to_write()?;
            Ok::<_, NetabaseError>(engine.try_begin_write().await?)
        };
        match begin.await {
            Ok(writer) => Ok(AsyncTxnGuard::new(self, writer)),
            Err(error) => Err(self.locate(error, "try_write")),
        }
    }

    /// Collects writes, over any of the definition's models, to commit them in one transaction.
    pub fn batch(&self) -> AsyncBatch<'_, D, A> {
        AsyncBatch::new(self)
    }

    /// The driver's name.
    #[must_use]
    pub fn driver_name(&self) -> &str {
        &self.manifest.name
    }

    /// What a commit promises unless it says otherwise.
    #[must_use]
    pub fn durability(&self) -> Durability {
        self.durability
    }

    /// Runs one of the engine's [commands](crate::driver::command).
    ///
    /// # Errors
    /// As [`TypedStore::run`].
    pub async fn run<C: Command>(&self, command: C) -> Result<C::Output, NetabaseError> {
        let run = async {
            let engine = self.engine()?;
            if !self.manifest.offers(C::NAME) {
                return Err(DriverError::unsupported(C::NAME).into());
            }
            if self.read_only && C::WRITES {
                return Err(checked::read_only(C::NAME).into());
            }
            let parts = engine.command(C::NAME, &command.argument()).await?;
            Ok(command::decode::<C>(&parts)?)
        };
        run.await
            .map_err(|error: NetabaseError| self.locate(error, C::NAME))
    }

    /// The outcome of a commit that failed with [`CommitUnknown`](ErrorKind::CommitUnknown), as
    /// [`TypedStore::commit_outcome`].
    ///
    /// # Errors
    /// As [`TypedStore::commit_outcome`].
    pub async fn commit_outcome(
        &self,
        token: &CommitToken,
    ) -> Result<CommitOutcome, NetabaseError> {
        let ask = async { Ok::<_, NetabaseError>(self.engine()?.commit_outcome(token).await?) };
        ask.await
            .map_err(|error| self.locate(error, "commit_outcome"))
    }

    /// The names of all trees that hold at least one entry, as [`TypedStore::tree_names`].
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub async fn tree_names(&self) -> Result<Vec<String>, NetabaseError> {
        let names = self.run(command::TreeNames).await?;
        let read = async {
            let reader = self.engine()?.begin_read().await?;
            let record = schema_record(&reader).await?;
            record.as_deref().map(Schema::parse).transpose()
        };
        let schema = read
            .await
            .map_err(|error: NetabaseError| self.locate(error, command::TreeNames::NAME))?;
        Ok(shown_names(schema.as_ref(), names))
    }

    /// Closes the database. Open transactions go on; later calls, and writes that wait to begin, answer
    /// [`Closed`](ErrorKind::Closed). Closing twice is not an error.
    pub fn close(&self) {
        let store = self
            .store
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        drop(store);
    }

    /// Whether other programs may have the database open and prepare it for other models. A store that is read-only may
    /// be used before anybody has prepared it for its own.
    fn is_shared(&self) -> bool {
        let shared = self
            .manifest
            .capabilities
            .contains(Capabilities::MULTI_PROCESS);
        shared && !self.read_only
    }

    /// Whether commits are to be handed what was read.
    fn is_optimistic(&self) -> bool {
        let capabilities = self.manifest.capabilities;
        capabilities.contains(Capabilities::OPTIMISTIC)
    }

    fn engine(&self) -> Result<Arc<A::Database>, NetabaseError> {
        let store = self.store.read().unwrap_or_else(PoisonError::into_inner);
        store.clone().ok_or_else(|| {
            NetabaseError::new(ErrorKind::Closed, "the store was closed; open it again")
        })
    }

    fn engine_to_write(&self) -> Result<Arc<A::Database>, NetabaseError> {
        let engine = self.engine()?;
        if self.read_only {
            return Err(checked::read_only("write").into());
        }
        Ok(engine)
    }

    fn locate(
        &self,
        error: impl Into<NetabaseError>,
        operation: impl Into<std::borrow::Cow<'static, str>>,
    ) -> NetabaseError {
        error
            .into()
            .during(operation)
            .on_driver(self.manifest.name.clone())
    }
}

impl<D: NetabaseDefinitionTrait, A: AsyncDriver + Default> AsyncTypedStore<D, A> {
    /// Opens the database that `config` names; creates it if there is none. Keeps what is there.
    ///
    /// # Errors
    /// As [`open_on`](Self::open_on).
    pub async fn new(config: impl Into<A::Config>) -> Result<Self, NetabaseError> {
        Self::open_on(&A::default(), &config.into()).await
    }

    /// Opens the existing database that `config` names.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is none, whatever the configuration says; else as
    /// [`open_on`](Self::open_on).
    pub async fn open(config: impl Into<A::Config>) -> Result<Self, NetabaseError> {
        Self::open_on(&A::default(), &config.into().existing()).await
    }

    /// Opens an empty database that is removed when the store is dropped. Commits do not wait for the disk.
    ///
    /// # Errors
    /// As [`open_on`](Self::open_on).
    pub async fn temp() -> Result<Self, NetabaseError>
    where
        A::Config: TemporaryConfig,
    {
        Self::open_with(&A::default(), &A::Config::temporary(), Durability::None).await
    }
}

impl<D, A: AsyncDriver> fmt::Debug for AsyncTypedStore<D, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncTypedStore")
            .field("driver", &self.manifest.name)
            .field("durability", &self.durability)
            .finish_non_exhaustive()
    }
}
