//! One model's records, each call a transaction of its own.

use std::borrow::Borrow;
use std::fmt;
use std::marker::PhantomData;

use super::{ReadOnly, ReadWrite, SnapshotIter, TreeView, TypedStore};
use crate::driver::Driver;
use crate::error::NetabaseError;
use crate::model::{NetabaseDefinitionTrait, NetabaseModelTrait, Record};

/// One model's records, each call a transaction of its own.
///
/// For more than a few calls in a row, or several that belong together, a transaction ([`TypedStore::read`],
/// [`TypedStore::write`]) costs less and is atomic.
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

    /// Stores a record, over the one with the same primary key if there is one, and commits.
    ///
    /// # Errors
    /// As [`TreeView::put`] and [`TxnGuard::commit`](super::TxnGuard::commit); nothing is changed then.
    pub fn put(&self, record: impl Borrow<M>) -> Result<(), NetabaseError> {
        self.write(|view| view.put(record))
    }

    /// Stores many records in one transaction, sorted before they reach the engine.
    ///
    /// # Errors
    /// As [`TreeView::put_many`]; nothing is changed then.
    pub fn put_many<R: Borrow<M>>(
        &self,
        records: impl IntoIterator<Item = R>,
    ) -> Result<(), NetabaseError> {
        self.write(|view| view.put_many(records))
    }

    /// Removes the record with this primary key and commits; gives the record back.
    ///
    /// # Errors
    /// As [`TreeView::remove`]; nothing is changed then.
    pub fn remove(&self, key: impl Borrow<M::PrimaryKey>) -> Result<Option<M>, NetabaseError> {
        self.write(|view| view.remove(key))
    }

    /// Removes what is stored under this primary key, also if it cannot be decoded, and commits; says whether there was
    /// anything.
    ///
    /// # Errors
    /// As [`TreeView::discard`]; nothing is changed then.
    pub fn discard(&self, key: impl Borrow<M::PrimaryKey>) -> Result<bool, NetabaseError> {
        self.write(|view| view.discard(key))
    }

    /// Removes the records with these primary keys in one transaction; gives them back in the same order.
    ///
    /// # Errors
    /// As [`TreeView::remove`]; nothing is changed then.
    pub fn remove_many<K: Borrow<M::PrimaryKey>>(
        &self,
        keys: impl IntoIterator<Item = K>,
    ) -> Result<Vec<Option<M>>, NetabaseError> {
        self.write(|view| view.remove_many(keys))
    }

    /// Removes every record of this model and commits.
    ///
    /// # Errors
    /// As [`TreeView::clear`]; nothing is changed then.
    pub fn clear(&self) -> Result<(), NetabaseError> {
        self.write(|view| view.clear())
    }

    /// The record with this primary key.
    ///
    /// # Errors
    /// As [`TreeView::get`].
    pub fn get(&self, key: impl Borrow<M::PrimaryKey>) -> Result<Option<M>, NetabaseError> {
        self.read(|view| view.get(key))
    }

    /// Hands the borrowed view of the record with this primary key to `visit`.
    ///
    /// # Errors
    /// As [`TreeView::get_with`].
    pub fn get_with<R>(
        &self,
        key: impl Borrow<M::PrimaryKey>,
        visit: impl FnOnce(M::Ref<'_>) -> R,
    ) -> Result<Option<R>, NetabaseError> {
        self.read(|view| view.get_with(key, visit))
    }

    /// The records with these primary keys, of one snapshot, in their order; `None` for those that are not there.
    ///
    /// # Errors
    /// As [`TreeView::get`].
    pub fn get_many<K: Borrow<M::PrimaryKey>>(
        &self,
        keys: impl IntoIterator<Item = K>,
    ) -> Result<Vec<Option<M>>, NetabaseError> {
        self.read(|view| view.get_many(keys))
    }

    /// Whether there is a record with this primary key.
    ///
    /// # Errors
    /// As [`TreeView::contains`].
    pub fn contains(&self, key: impl Borrow<M::PrimaryKey>) -> Result<bool, NetabaseError> {
        self.read(|view| view.contains(key))
    }

    /// The records with this secondary key, in the order of their primary keys.
    ///
    /// # Errors
    /// As [`TreeView::get_by_secondary_key`].
    pub fn get_by_secondary_key(
        &self,
        key: impl Borrow<M::SecondaryKeys>,
    ) -> Result<Vec<M>, NetabaseError> {
        self.read(|view| view.get_by_secondary_key(key))
    }

    /// The records with each of these secondary keys, of one snapshot.
    ///
    /// # Errors
    /// As [`TreeView::get_by_secondary_key`].
    pub fn get_many_by_secondary_keys<K: Borrow<M::SecondaryKeys>>(
        &self,
        keys: impl IntoIterator<Item = K>,
    ) -> Result<Vec<Vec<M>>, NetabaseError> {
        self.read(|view| view.get_many_by_secondary_keys(keys))
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

    /// The number of records.
    ///
    /// # Errors
    /// As [`TreeView::len`].
    pub fn len(&self) -> Result<usize, NetabaseError> {
        self.read(|view| view.len())
    }

    /// Whether there are no records.
    ///
    /// # Errors
    /// As [`TreeView::len`].
    pub fn is_empty(&self) -> Result<bool, NetabaseError> {
        self.read(|view| view.is_empty())
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
