//! One model's records, each call a transaction of its own.

use std::borrow::Borrow;
use std::fmt;
use std::marker::PhantomData;

use super::operations::{argument, blocking_calls, blocking_writes, hold, lend, reads, writes};
use super::{ReadOnly, ReadWrite, SnapshotIter, TreeView, TypedStore};
use crate::codec::as_key::AsKey;
use crate::driver::Driver;
use crate::error::NetabaseError;
use crate::model::{NetabaseDefinitionTrait, NetabaseModelTrait, Record, SecondaryKey};

/// One model's records, each call a transaction of its own.
///
/// For more than a few calls in a row, or several that belong together, a transaction ([`TypedStore::read`],
/// [`TypedStore::write`]) costs less and is atomic.
///
/// A write that met with another one on an [optimistic](crate::driver::Capabilities::OPTIMISTIC) engine is tried again, as
/// [`TypedStore::transact`] does; records and keys of a bulk write are kept for that first.
pub struct Tree<'db, D, M, E: Driver> {
    store: &'db TypedStore<D, E>,
    model: PhantomData<fn() -> M>,
}

impl<'db, D, M, E> Tree<'db, D, M, E>
where
    D: NetabaseDefinitionTrait,
    M: NetabaseModelTrait<D>,
    E: Driver,
{
    pub(crate) fn new(store: &'db TypedStore<D, E>) -> Self {
        Self {
            store,
            model: PhantomData,
        }
    }

    /// The store that the tree belongs to.
    #[must_use]
    pub fn store(&self) -> &'db TypedStore<D, E> {
        self.store
    }

    writes!(blocking_writes);

    reads!(blocking_calls read, ".");

    /// Hands the borrowed view of the record with this primary key to `visit`.
    ///
    /// # Errors
    /// As [`TreeView::get_with`].
    pub fn get_with<R>(
        &self,
        key: impl AsKey<M::PrimaryKey>,
        visit: impl FnOnce(M::Ref<'_>) -> R,
    ) -> Result<Option<R>, NetabaseError> {
        self.read(|view| view.get_with(key, visit))
    }

    /// Every record of one snapshot, in the order of the primary keys.
    ///
    /// [`TypedStore::read`] gives ranges, prefixes, secondary keys and borrowed records as well.
    ///
    /// # Errors
    /// As [`TreeView::iter`].
    pub fn iter(&self) -> Result<SnapshotIter<'db, D, M, E>, NetabaseError> {
        SnapshotIter::new(self.store.read())
    }

    #[inline]
    fn read<R>(
        &self,
        run: impl FnOnce(&TreeView<'_, D, M, ReadOnly, E>) -> Result<R, NetabaseError>,
    ) -> Result<R, NetabaseError> {
        run(&self.store.read().open_tree())
    }

    #[inline]
    fn write<R>(
        &self,
        run: impl FnOnce(&mut TreeView<'_, D, M, ReadWrite, E>) -> Result<R, NetabaseError>,
    ) -> Result<R, NetabaseError> {
        let transaction = self.store.write()?;
        let result = run(&mut transaction.open_tree())?;
        transaction.commit()?;
        Ok(result)
    }
}

impl<D, M, E: Driver> Clone for Tree<'_, D, M, E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<D, M, E: Driver> Copy for Tree<'_, D, M, E> {}

impl<D, M: Record, E: Driver> fmt::Debug for Tree<'_, D, M, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tree")
            .field("model", &M::INFO.name)
            .field("store", self.store)
            .finish()
    }
}
