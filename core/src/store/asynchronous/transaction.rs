//! Asynchronous transactions: guards whose type says whether they may write.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use futures_util::future::try_join;

use super::replay::{ReadSet, ReplayDriver, TreeNames};
use super::{AsyncTreeView, AsyncTypedStore, FIRST_PAGE};
use crate::driver::Durability;
use crate::driver::asynchronous::overlay::Overlay;
use crate::driver::asynchronous::{AsyncDatabase, AsyncDriver, AsyncRead, AsyncWrite};
use crate::error::NetabaseError;
use crate::model::{NetabaseDefinitionTrait, NetabaseModelTrait};
use crate::store::{Mode, ReadOnly, ReadWrite, TypedStore};

/// A [`Mode`] in which an asynchronous transaction can be.
pub trait AsyncMode: Mode {
    /// The engine's transaction of this mode.
    type AsyncTransaction<S: AsyncDatabase>: AsyncRead;
}

impl AsyncMode for ReadOnly {
    type AsyncTransaction<S: AsyncDatabase> = S::Reader;
}

impl AsyncMode for ReadWrite {
    type AsyncTransaction<S: AsyncDatabase> = S::Writer;
}

/// A transaction on the store: one snapshot to read from, and for [`ReadWrite`] everything written, or nothing.
///
/// The writes are held in memory until the commit. Awaiting anything else in the meantime is harmless.
pub struct AsyncTxnGuard<'db, D, Md: AsyncMode, A: AsyncDriver> {
    store: &'db AsyncTypedStore<D, A>,
    transaction: Md::AsyncTransaction<A::Database>,
    names: TreeNames,
    writes: Mutex<Overlay>,
    /// Whether the database is known to be prepared for the models, so that operations count.
    is_checked: AtomicBool,
}

impl<'db, D: NetabaseDefinitionTrait, Md: AsyncMode, A: AsyncDriver> AsyncTxnGuard<'db, D, Md, A> {
    pub(super) fn new(
        store: &'db AsyncTypedStore<D, A>,
        transaction: Md::AsyncTransaction<A::Database>,
    ) -> Self {
        Self {
            store,
            transaction,
            names: TreeNames::default(),
            writes: Mutex::default(),
            is_checked: AtomicBool::new(!store.is_shared()),
        }
    }

    /// The view of one model's records in this transaction. Any number of views may be open at once.
    pub fn open_tree<M: NetabaseModelTrait<D>>(&self) -> AsyncTreeView<'_, D, M, Md, A> {
        AsyncTreeView::new(self)
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
        // What was fetched holds for as long as the transaction does, also where the operation has to run anew.
        let known = ReadSet::new(self.names.clone(), first_page);
        loop {
            let (before, number) = {
                let writes = self.writes();
                (writes.clone(), writes.number())
            };
            let replay = self
                .store
                .replay(&self.transaction, &known, &before, &operation);
            let ((), (result, after)) = try_join(self.check(), replay)
                .await
                .map_err(|error| self.store.locate(error, name))?;
            let mut writes = self.writes();
            // While this operation waited, another one of the same transaction may have written.
            if writes.number() == number {
                *writes = after;
                return Ok(result);
            }
        }
    }

    /// Makes sure, once, that the transaction finds the database prepared for the models.
    async fn check(&self) -> Result<(), NetabaseError> {
        if !self.is_checked.load(Ordering::Relaxed) {
            self.store.check_schema(&self.transaction).await?;
            self.is_checked.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    fn writes(&self) -> std::sync::MutexGuard<'_, Overlay> {
        self.writes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<D: NetabaseDefinitionTrait, A: AsyncDriver> AsyncTxnGuard<'_, D, ReadWrite, A> {
    /// Makes every write of this transaction permanent, all at once, as durable as the store was opened for.
    ///
    /// # Errors
    /// [`LimitExceeded`](crate::error::ErrorKind::LimitExceeded) if there is no room, or an error of the engine. Nothing
    /// of the transaction is kept then.
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
            writes,
            ..
        } = self;
        let writes = writes.into_inner().unwrap_or_else(PoisonError::into_inner);
        let commit = async {
            let list = writes.to_batch(|tree| names.engine_id(&transaction, tree))?;
            let batch = list.as_batch();
            store.manifest.limits.check_batch(&batch)?;
            transaction.commit(&batch, durability).await
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
