//! One model's records within an asynchronous transaction.

use std::borrow::Borrow;
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Bound, RangeBounds};

use super::replay::ReplayDriver;
use super::transaction::{AsyncMode, AsyncTxnGuard};
use super::{AsyncIndexIter, AsyncIter};
use crate::codec::key::KeyPrefix;
use crate::driver::asynchronous::AsyncDriver;
use crate::error::NetabaseError;
use crate::model::{ModelKey, NetabaseDefinitionTrait, NetabaseModelTrait, SecondaryKey};
use crate::store::iter;
use crate::store::{ReadWrite, Tree};

/// One model's records within a transaction.
///
/// Any number of views may be open on one guard, also of the same model. An operation on keys fetches what it reads in two
/// or three round trips, whatever their number; one that follows an index does so in pages of 64 entries first, each further
/// one twice as large.
pub struct AsyncTreeView<'txn, D, M, Md: AsyncMode, A: AsyncDriver> {
    guard: &'txn AsyncTxnGuard<'txn, D, Md, A>,
    model: PhantomData<fn() -> M>,
}

impl<'txn, D, M, Md, A> AsyncTreeView<'txn, D, M, Md, A>
where
    D: NetabaseDefinitionTrait,
    M: NetabaseModelTrait<D>,
    Md: AsyncMode,
    A: AsyncDriver,
{
    pub(super) fn new(guard: &'txn AsyncTxnGuard<'_, D, Md, A>) -> Self {
        Self {
            guard,
            model: PhantomData,
        }
    }

    pub(super) async fn run<R>(
        &self,
        name: &'static str,
        operation: impl Fn(Tree<'_, D, M, ReplayDriver>) -> Result<R, NetabaseError>,
    ) -> Result<R, NetabaseError> {
        self.guard
            .run(name, |store| operation(store.open_tree::<M>()))
            .await
    }

    /// The record with this primary key.
    ///
    /// # Errors
    /// As [`TreeView::get`](crate::store::TreeView::get), and
    /// [`SnapshotLost`](crate::error::ErrorKind::SnapshotLost) if somebody has written since the transaction began, on an
    /// engine without snapshots.
    pub async fn get(&self, key: impl Borrow<M::PrimaryKey>) -> Result<Option<M>, NetabaseError> {
        self.run("get", |tree| tree.get(key.borrow())).await
    }

    /// The records with these primary keys, in their order; `None` for those that are not there.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub async fn get_many<K: Borrow<M::PrimaryKey>>(
        &self,
        keys: impl IntoIterator<Item = K>,
    ) -> Result<Vec<Option<M>>, NetabaseError> {
        let keys: Vec<K> = keys.into_iter().collect();
        self.run("get_many", |tree| {
            tree.get_many(keys.iter().map(Borrow::borrow))
        })
        .await
    }

    /// Whether there is a record with this primary key.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub async fn contains(&self, key: impl Borrow<M::PrimaryKey>) -> Result<bool, NetabaseError> {
        self.run("contains", |tree| tree.contains(key.borrow()))
            .await
    }

    /// The number of records.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub async fn len(&self) -> Result<usize, NetabaseError> {
        self.run("len", |tree| tree.len()).await
    }

    /// Whether there are no records.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub async fn is_empty(&self) -> Result<bool, NetabaseError> {
        self.run("is_empty", |tree| tree.is_empty()).await
    }

    /// The records with this secondary key, in the order of their primary keys, all at once.
    ///
    /// # Errors
    /// As [`TreeView::get_by_secondary_key`](crate::store::TreeView::get_by_secondary_key) and [`get`](Self::get).
    pub async fn get_by_secondary_key(
        &self,
        key: impl Borrow<M::SecondaryKeys>,
    ) -> Result<Vec<M>, NetabaseError> {
        self.run("get_by_secondary_key", |tree| {
            tree.get_by_secondary_key(key.borrow())
        })
        .await
    }

    /// The records with each of these secondary keys.
    ///
    /// # Errors
    /// As [`get_by_secondary_key`](Self::get_by_secondary_key).
    pub async fn get_many_by_secondary_keys<K: Borrow<M::SecondaryKeys>>(
        &self,
        keys: impl IntoIterator<Item = K>,
    ) -> Result<Vec<Vec<M>>, NetabaseError> {
        let keys: Vec<K> = keys.into_iter().collect();
        self.run("get_many_by_secondary_keys", |tree| {
            tree.get_many_by_secondary_keys(keys.iter().map(Borrow::borrow))
        })
        .await
    }

    /// Every record, in the order of the primary keys. Nothing is fetched until the first is asked for.
    #[must_use]
    pub fn iter(&self) -> AsyncIter<'txn, D, M, Md, A> {
        AsyncIter::new(self.guard, iter::ALL)
    }

    /// The records whose primary keys lie in `range`, in order. An empty or inverted range has none.
    pub fn range(&self, range: impl RangeBounds<M::PrimaryKey>) -> AsyncIter<'txn, D, M, Md, A> {
        AsyncIter::new(self.guard, iter::record_bounds(&range))
    }

    /// The records whose primary keys begin with `prefix`, in order.
    pub fn prefix(
        &self,
        prefix: impl KeyPrefix<<M::PrimaryKey as ModelKey>::Fields>,
    ) -> AsyncIter<'txn, D, M, Md, A> {
        AsyncIter::new(self.guard, iter::prefix_bounds(&prefix))
    }

    /// The record with the smallest primary key.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub async fn first(&self) -> Result<Option<(M::PrimaryKey, M)>, NetabaseError> {
        self.iter().next().await.transpose()
    }

    /// The record with the largest primary key.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub async fn last(&self) -> Result<Option<(M::PrimaryKey, M)>, NetabaseError> {
        self.iter().next_back().await.transpose()
    }

    /// The records with this secondary key, in the order of their primary keys.
    pub fn by<K: SecondaryKey<Model = M>>(
        &self,
        key: impl Borrow<K>,
    ) -> AsyncIndexIter<'txn, D, M, K, Md, A> {
        let key = key.borrow();
        let bounds = iter::index_bounds::<K>(&(Bound::Included(key), Bound::Included(key)));
        AsyncIndexIter::new(self.guard, bounds)
    }

    /// The records whose secondary keys lie in `range`, in the order of the secondary keys.
    pub fn range_by<K: SecondaryKey<Model = M>>(
        &self,
        range: impl RangeBounds<K>,
    ) -> AsyncIndexIter<'txn, D, M, K, Md, A> {
        AsyncIndexIter::new(self.guard, iter::index_bounds(&range))
    }

    /// The records whose secondary keys begin with `prefix`, in the order of the secondary keys.
    pub fn prefix_by<K: SecondaryKey<Model = M>>(
        &self,
        prefix: impl KeyPrefix<K::Fields>,
    ) -> AsyncIndexIter<'txn, D, M, K, Md, A> {
        AsyncIndexIter::new(self.guard, iter::prefix_bounds(&prefix))
    }
}

impl<D, M, A> AsyncTreeView<'_, D, M, ReadWrite, A>
where
    D: NetabaseDefinitionTrait,
    M: NetabaseModelTrait<D>,
    A: AsyncDriver,
{
    /// Stores a record, over the one with the same primary key if there is one, and keeps the indexes exact.
    ///
    /// # Errors
    /// As [`TreeView::put`](crate::store::TreeView::put). After any error the transaction is as it was before.
    pub async fn put(&mut self, record: impl Borrow<M>) -> Result<(), NetabaseError> {
        self.run("put", |tree| tree.put(record.borrow())).await
    }

    /// Stores many records. Holds them, encoded, until the commit.
    ///
    /// # Errors
    /// As [`TreeView::put_many`](crate::store::TreeView::put_many). After any error the transaction is as it was before.
    pub async fn put_many<R: Borrow<M>>(
        &mut self,
        records: impl IntoIterator<Item = R>,
    ) -> Result<(), NetabaseError> {
        let records: Vec<R> = records.into_iter().collect();
        self.run("put_many", |tree| {
            tree.put_many(records.iter().map(Borrow::borrow))
        })
        .await
    }

    /// Removes the record with this primary key, with its index entries; gives it back.
    ///
    /// # Errors
    /// As [`TreeView::remove`](crate::store::TreeView::remove). After any error the transaction is as it was before.
    pub async fn remove(
        &mut self,
        key: impl Borrow<M::PrimaryKey>,
    ) -> Result<Option<M>, NetabaseError> {
        self.run("remove", |tree| tree.remove(key.borrow())).await
    }

    /// Removes what is stored under this primary key, with its index entries, also if it cannot be decoded; says whether
    /// there was anything.
    ///
    /// # Errors
    /// As [`TreeView::discard`](crate::store::TreeView::discard). After any error the transaction is as it was before.
    pub async fn discard(
        &mut self,
        key: impl Borrow<M::PrimaryKey>,
    ) -> Result<bool, NetabaseError> {
        self.run("discard", |tree| tree.discard(key.borrow())).await
    }

    /// Removes the records with these primary keys; gives them back in the same order.
    ///
    /// # Errors
    /// As [`remove`](Self::remove).
    pub async fn remove_many<K: Borrow<M::PrimaryKey>>(
        &mut self,
        keys: impl IntoIterator<Item = K>,
    ) -> Result<Vec<Option<M>>, NetabaseError> {
        let keys: Vec<K> = keys.into_iter().collect();
        self.run("remove_many", |tree| {
            tree.remove_many(keys.iter().map(Borrow::borrow))
        })
        .await
    }

    /// Removes every record of this model, with all index entries.
    ///
    /// # Errors
    /// An error of the engine.
    pub async fn clear(&mut self) -> Result<(), NetabaseError> {
        self.run("clear", |tree| tree.clear()).await
    }
}

impl<D, M: crate::model::Record, Md: AsyncMode, A: AsyncDriver> fmt::Debug
    for AsyncTreeView<'_, D, M, Md, A>
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncTreeView")
            .field("model", &M::INFO.name)
            .finish_non_exhaustive()
    }
}
