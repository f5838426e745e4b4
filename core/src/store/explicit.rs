//! Transactions in which each step reports its own failure: beginning one, and opening a tree in it.

use super::pinned::Reader;
use super::{ReadOnly, ReadWrite, TreeView, TxnGuard, TypedStore};
use crate::codec::as_key::AsKey;
#[cfg(doc)]
use crate::driver::ErrorKind;
use crate::driver::{Driver, Durability, PinnedRead};
use crate::error::NetabaseError;
use crate::model::{NetabaseDefinitionTrait, NetabaseModelTrait};

/// A read transaction: one snapshot for as long as it lives. What is [pinned](TreeView::get_pinned) borrows from it.
///
/// [`TypedStore::read`] gives the same snapshot with failures put off to the first operation.
#[derive(Debug)]
pub struct ReadTransaction<'db, D, E: Driver> {
    guard: TxnGuard<'db, D, ReadOnly, E>,
}

impl<D: NetabaseDefinitionTrait, E: Driver> ReadTransaction<'_, D, E> {
    /// The view of one model's records in this transaction. Any number of views may be open at once.
    ///
    /// # Errors
    /// An error of the engine.
    pub fn open_tree<M: NetabaseModelTrait<D>>(
        &self,
    ) -> Result<TreeView<'_, D, M, ReadOnly, E>, NetabaseError> {
        self.guard.open_tree().opened()
    }
}

/// A write transaction: all that is written is kept by [`commit`](Self::commit), or nothing is.
///
/// It writes as a [`TxnGuard`] does, and reads what it wrote.
#[derive(Debug)]
pub struct WriteTransaction<'db, D, E: Driver> {
    guard: TxnGuard<'db, D, ReadWrite, E>,
}

impl<D: NetabaseDefinitionTrait, E: Driver> WriteTransaction<'_, D, E> {
    /// The view of one model's records in this transaction. Any number of views may be open at once.
    ///
    /// # Errors
    /// [`Closed`](ErrorKind::Closed) if an earlier failure ended the transaction, or an error of the engine.
    pub fn open_tree<M: NetabaseModelTrait<D>>(
        &self,
    ) -> Result<TreeView<'_, D, M, ReadWrite, E>, NetabaseError> {
        self.guard.open_tree().opened()
    }

    /// Makes every write of this transaction permanent, all at once, as durable as the store was opened for.
    ///
    /// # Errors
    /// As [`TxnGuard::commit`].
    pub fn commit(self) -> Result<(), NetabaseError> {
        self.guard.commit()
    }

    /// [`commit`](Self::commit) with a durability of its own.
    ///
    /// # Errors
    /// As [`commit`](Self::commit).
    pub fn commit_with(self, durability: Durability) -> Result<(), NetabaseError> {
        self.guard.commit_with(durability)
    }

    /// Undoes every write of this transaction. Dropping it does the same.
    ///
    /// # Errors
    /// As [`TxnGuard::rollback`].
    pub fn abort(self) -> Result<(), NetabaseError> {
        self.guard.rollback()
    }
}

/// Explicit transactions, on an engine that pins reads to them.
impl<D, E> TypedStore<D, E>
where
    D: NetabaseDefinitionTrait,
    E: Driver,
    Reader<E>: PinnedRead,
{
    /// Begins a read transaction: one snapshot for as long as it lives.
    ///
    /// # Errors
    /// [`Closed`](ErrorKind::Closed) after [`close`](Self::close), or an error of the engine.
    pub fn begin_read(&self) -> Result<ReadTransaction<'_, D, E>, NetabaseError> {
        let guard = TxnGuard::try_begin_read(self)?;
        Ok(ReadTransaction { guard })
    }

    /// Begins a write transaction; waits while another one is open. Dropping it rolls it back.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn begin_write(&self) -> Result<WriteTransaction<'_, D, E>, NetabaseError> {
        let guard = self.write()?;
        Ok(WriteTransaction { guard })
    }

    /// Stores one record in a transaction of its own.
    ///
    /// # Errors
    /// As [`Tree::put`](super::Tree::put); nothing is changed then.
    pub fn quick_put<M: NetabaseModelTrait<D>>(&self, record: M) -> Result<(), NetabaseError> {
        self.open_tree().put(record)
    }

    /// The record with this primary key, by itself, read in a transaction of its own.
    ///
    /// # Errors
    /// As [`Tree::get`](super::Tree::get).
    pub fn quick_get<M: NetabaseModelTrait<D>>(
        &self,
        key: impl AsKey<M::PrimaryKey>,
    ) -> Result<Option<M>, NetabaseError> {
        self.open_tree().get(key)
    }

    /// Removes the record with this primary key in a transaction of its own; gives it back.
    ///
    /// # Errors
    /// As [`Tree::remove`](super::Tree::remove); nothing is changed then.
    pub fn quick_remove<M: NetabaseModelTrait<D>>(
        &self,
        key: impl AsKey<M::PrimaryKey>,
    ) -> Result<Option<M>, NetabaseError> {
        self.open_tree().remove(key)
    }
}
