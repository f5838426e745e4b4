//! Asynchronous transactions: guards whose type says whether they may write.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_util::future::try_join;

use super::replay::{KnownReads, ReplayDriver, TreeNames};
use super::{AsyncTypedStore, FIRST_PAGE};
use crate::driver::Durability;
use crate::driver::asynchronous::overlay::Overlay;
use crate::driver::asynchronous::{AsyncDatabase, AsyncDriver, AsyncRead, AsyncWrite, ReadSet};
use crate::error::NetabaseError;
use crate::model::NetabaseDefinitionTrait;
use crate::schema::SCHEMA_TREE;
use crate::store::state::is_conflict;
use crate::store::{Mode, ReadOnly, ReadWrite, TypedStore};

/// A [`Mode`] in which an asynchronous transaction can be.
pub trait AsyncMode: Mode {
    /// The engine's transaction of this mode.
    type AsyncTransaction<S: AsyncDatabase>: AsyncRead;

    /// Whether such a transaction may be committed.
    const COMMITS: bool;
}

impl AsyncMode for ReadOnly {
    type AsyncTransaction<S: AsyncDatabase> = S::Reader;

    const COMMITS: bool = false;
}

impl AsyncMode for ReadWrite {
    type AsyncTransaction<S: AsyncDatabase> = S::Writer;

    const COMMITS: bool = true;
}

/// A transaction on the store: one snapshot to read from, and for [`ReadWrite`] everything written, or nothing.
///
/// The writes are held in memory until the commit. Awaiting anything else in the meantime is harmless.
pub struct AsyncTxnGuard<'db, D, Md: AsyncMode, A: AsyncDriver> {
    store: &'db AsyncTypedStore<D, A>,
    transaction: Md::AsyncTransaction<A::Database>,
    names: TreeNames,
    progress: Mutex<Progress>,
    records_reads: bool,
    /// Whether the database is known to be prepared for the models, so that operations count.
    is_checked: AtomicBool,
}

/// What a transaction has done so far.
#[derive(Default)]
struct Progress {
    writes: Overlay,
    /// What it has read, where its commit is to be handed that.
    reads: ReadSet,
    /// The first failure because of another transaction, after which another try may succeed.
    conflict: Option<NetabaseError>,
}

impl<'db, D: NetabaseDefinitionTrait, Md: AsyncMode, A: AsyncDriver> AsyncTxnGuard<'db, D, Md, A> {
    pub(super) fn new(
        store: &'db AsyncTypedStore<D, A>,
        transaction: Md::AsyncTransaction<A::Database>,
    ) -> Self {
        Self {
            store,
            transaction,
            names: TreeNames::new(&store.trees),
            progress: Mutex::default(),
            records_reads: Md::COMMITS && store.is_optimistic(),
            is_checked: AtomicBool::new(!store.is_shared()),
        }
    }

    /// Runs an operation of the synchronous layer; keeps what it writes if it succeeds.
    pub(super) async fn run<R>(
        &self,
        name: &'static str,
        operation: impl Fn(&TypedStore<D, ReplayDriver>) -> Result<R, NetabaseError>,
    ) -> Result<R, NetabaseError> {
        self.run_with(name, FIRST_PAGE, operation).await
    }

    /// [`run`](Self::run) of an operation whose cursors ask for so many entries first.
    pub(super) async fn run_with<R>(
        &self,
        name: &'static str,
        first_page: usize,
        operation: impl Fn(&TypedStore<D, ReplayDriver>) -> Result<R, NetabaseError>,
    ) -> Result<R, NetabaseError> {
        // What was fetched holds for as long as the transaction does, even where the operation has to run anew.
        let known = KnownReads::new(self.names.clone(), first_page, self.records_reads);
        loop {
            let (before, number) = {
                let progress = self.progress();
                (progress.writes.clone(), progress.writes.number())
            };
            let replay = self
                .store
                .replay(&self.transaction, &known, &before, &operation);
            let ((), replayed) = try_join(self.check(), replay)
                .await
                .map_err(|error| self.failed(error, name))?;
            let mut progress = self.progress();
            // While this operation waited, another one of the same transaction may have written.
            if replayed.result.is_ok() && progress.writes.number() != number {
                continue;
            }
            // What a failure says of the database is known to the caller as well.
            progress.reads.merge(replayed.reads);
            let result = replayed
                .result
                .map_err(|error| self.store.locate(error, name))?;
            progress.writes = replayed.writes;
            return Ok(result);
        }
    }

    /// Says where an error of the engine came up, and notes one that another transaction caused.
    #[cold]
    fn failed(&self, error: NetabaseError, name: &'static str) -> NetabaseError {
        let error = self.store.locate(error, name);
        if is_conflict(error.kind()) {
            self.progress()
                .conflict
                .get_or_insert_with(|| error.clone());
        }
        error
    }

    /// The first failure because of another transaction, after which another try may succeed.
    pub(super) fn conflict(&self) -> Option<NetabaseError> {
        self.progress().conflict.clone()
    }

    /// Makes sure, once, that the transaction finds the database prepared for the models.
    async fn check(&self) -> Result<(), NetabaseError> {
        if self.is_checked.load(Ordering::Relaxed) {
            return Ok(());
        }
        let tree = self.names.id(SCHEMA_TREE)?;
        let mut reads = ReadSet::default();
        self.store
            .check_schema(&self.transaction, |key, found| {
                reads.add_key(tree, key, found);
            })
            .await?;
        if self.records_reads {
            self.progress().reads.merge(reads);
        }
        self.is_checked.store(true, Ordering::Relaxed);
        Ok(())
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<D: NetabaseDefinitionTrait, A: AsyncDriver> AsyncTxnGuard<'_, D, ReadWrite, A> {
    /// Makes every write of this transaction permanent, all at once, as durable as the store was opened for.
    ///
    /// # Errors
    /// - [`Conflict`](crate::error::ErrorKind::Conflict): on an [optimistic](crate::driver::Capabilities::OPTIMISTIC)
    ///   engine, something that the transaction has read has changed;
    /// - [`LimitExceeded`](crate::error::ErrorKind::LimitExceeded): there is no room;
    /// - an error of the engine.
    ///
    /// Nothing of the transaction is kept then.
    pub async fn commit(self) -> Result<(), NetabaseError> {
        let durability = self.store.durability;
        self.commit_with(durability).await
    }

    /// [`commit`](Self::commit) with a durability of its own.
    ///
    /// # Errors
    /// As [`commit`](Self::commit).
    pub async fn commit_with(self, durability: Durability) -> Result<(), NetabaseError> {
        let Self {
            store,
            transaction,
            names,
            progress,
            ..
        } = self;
        let progress = progress.into_inner();
        let Progress { writes, reads, .. } = progress.unwrap_or_else(PoisonError::into_inner);
        let commit = async {
            let list = writes.to_batch(|tree| names.engine_id(&transaction, tree))?;
            let batch = list.as_batch();
            store.manifest.limits.check_batch(&batch)?;
            let reads = reads.translated(|tree| names.engine_id(&transaction, tree))?;
            transaction.commit(&batch, &reads, durability).await
        };
        commit.await.map_err(|error| store.locate(error, "commit"))
    }

    /// Forgets every write of this transaction. Dropping the guard does the same.
    pub fn rollback(self) {}
}

impl<D, Md: AsyncMode, A: AsyncDriver> fmt::Debug for AsyncTxnGuard<'_, D, Md, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncTxnGuard")
            .field("store", self.store)
            .finish_non_exhaustive()
    }
}
