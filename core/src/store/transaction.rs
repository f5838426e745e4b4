//! Transactions: guards whose type says whether they may write.

use std::fmt;

use super::state::{Mode, ReadOnly, ReadState, ReadWrite, Transaction, WriteState};
use super::{TreeView, TypedStore};
#[cfg(doc)]
use crate::driver::ErrorKind;
use crate::driver::checked::CheckedWriter;
use crate::driver::{Database, Driver, Durability, Result as DriverResult};
use crate::error::NetabaseError;
use crate::model::{NetabaseDefinitionTrait, NetabaseModelTrait};
use crate::schema::ModelTrees;

/// A transaction on the store: one snapshot to read from, and for [`ReadWrite`] everything written, or nothing.
///
/// # Examples
/// ```ignore
/// let txn = store.write()?;
/// txn.open_tree::<User>().put(user)?;
/// txn.open_tree::<Post>().put(post)?;
/// txn.commit()?; // or drop it to roll back
/// ```
pub struct TxnGuard<'db, D, Md: Mode, E: Driver> {
    store: &'db TypedStore<D, E>,
    transaction: Transaction<Md, E>,
}

impl<'db, D: NetabaseDefinitionTrait, E: Driver> TxnGuard<'db, D, ReadOnly, E> {
    #[inline]
    pub(crate) fn begin_read(store: &'db TypedStore<D, E>) -> Self {
        Self {
            store,
            transaction: ReadState(store.store.begin_read()),
        }
    }

    /// [`begin_read`](Self::begin_read) that reports immediately if there is no transaction.
    pub(crate) fn try_begin_read(store: &'db TypedStore<D, E>) -> Result<Self, NetabaseError> {
        match store.store.begin_read() {
            Ok(reader) => Ok(Self {
                store,
                transaction: ReadState(Ok(reader)),
            }),
            Err(error) => Err(store.locate(error, "begin_read")),
        }
    }
}

impl<'db, D: NetabaseDefinitionTrait, E: Driver> TxnGuard<'db, D, ReadWrite, E> {
    pub(crate) fn begin_write(store: &'db TypedStore<D, E>) -> Result<Self, NetabaseError> {
        Self::new(store, store.store.begin_write(), "write")
    }

    pub(crate) fn try_begin_write(store: &'db TypedStore<D, E>) -> Result<Self, NetabaseError> {
        Self::new(store, store.store.try_begin_write(), "try_write")
    }

    fn new(
        store: &'db TypedStore<D, E>,
        writer: DriverResult<CheckedWriter<<E::Database as Database>::Writer>>,
        operation: &'static str,
    ) -> Result<Self, NetabaseError> {
        let writer = writer.map_err(|error| store.locate(error, operation))?;
        Ok(Self {
            store,
            transaction: WriteState::new(writer, store.durability),
        })
    }

    /// Makes every write of this transaction permanent, all at once, as durable as the store was opened for.
    ///
    /// # Errors
    /// [`Closed`](ErrorKind::Closed) if an earlier failure ended the transaction, or an error of the engine. Nothing of
    /// the transaction is kept then.
    pub fn commit(self) -> Result<(), NetabaseError> {
        let durability = self.store.durability;
        self.commit_with(durability)
    }

    /// [`commit`](Self::commit) with a durability of its own.
    ///
    /// # Errors
    /// As [`commit`](Self::commit).
    pub fn commit_with(self, durability: Durability) -> Result<(), NetabaseError> {
        self.transaction
            .commit(durability, self.store.driver_name())
            .map_err(|error| self.store.locate(error, "commit"))
    }

    /// Undoes every write of this transaction. Dropping the guard does the same.
    ///
    /// # Errors
    /// [`Closed`](ErrorKind::Closed) if the transaction was [committed through a view](TreeView::commit): what it wrote
    /// stays.
    pub fn rollback(self) -> Result<(), NetabaseError> {
        self.transaction
            .rollback()
            .map_err(|error| self.store.locate(error, "rollback"))
    }

    /// Commits, unless that was done through a view.
    pub(crate) fn finish(self, durability: Durability) -> Result<(), NetabaseError> {
        if self.transaction.is_committed() {
            return Ok(());
        }
        self.commit_with(durability)
    }

    /// Rolls back, unless the transaction was committed through a view. Returns the last conflict that ended it.
    pub(crate) fn into_conflict(self) -> Option<NetabaseError> {
        self.transaction.into_conflict()
    }
}

impl<D: NetabaseDefinitionTrait, Md: Mode, E: Driver> TxnGuard<'_, D, Md, E> {
    pub(crate) fn transaction(&self) -> &Transaction<Md, E> {
        &self.transaction
    }

    pub(crate) fn driver(&self) -> &str {
        self.store.store.driver()
    }

    /// The trees of one model.
    #[inline]
    pub(crate) fn trees<M: NetabaseModelTrait<D>>(&self) -> &ModelTrees {
        &self.store.trees[M::PLACE]
    }

    /// The view of one model's records in this transaction. Any number of views may be open at once.
    ///
    /// Costs nothing; trees are looked up by the first operation that needs them.
    #[inline]
    pub fn open_tree<M: NetabaseModelTrait<D>>(&self) -> TreeView<'_, D, M, Md, E> {
        TreeView::new(&self.transaction, self.trees::<M>(), self.driver())
    }
}

impl<D, Md: Mode, E: Driver> fmt::Debug for TxnGuard<'_, D, Md, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TxnGuard")
            .field("store", &self.store)
            .finish_non_exhaustive()
    }
}
