//! One model's records, each call a transaction of its own, awaited.

use std::borrow::Borrow;
use std::fmt;
use std::marker::PhantomData;

use super::AsyncTypedStore;
use super::replay::ReplayDriver;
use crate::driver::ErrorKind;
use crate::driver::asynchronous::AsyncDriver;
use crate::error::NetabaseError;
use crate::model::{NetabaseDefinitionTrait, NetabaseModelTrait, Record};
use crate::store::Tree;

/// How often a call reads anew where somebody commits between its reads.
const ATTEMPTS: usize = 16;

/// One model's records, each call a transaction of its own.
///
/// On an engine without snapshots, a call that reads begins anew, up to 16 times, where another transaction commits
/// between its reads; after that it fails with [`SnapshotLost`](ErrorKind::SnapshotLost).
pub struct AsyncTree<'db, D, M, A: AsyncDriver> {
    store: &'db AsyncTypedStore<D, A>,
    model: PhantomData<fn() -> M>,
}

impl<'db, D, M, A> AsyncTree<'db, D, M, A>
where
    D: NetabaseDefinitionTrait,
    M: NetabaseModelTrait<D>,
    A: AsyncDriver,
{
    pub(super) fn new(store: &'db AsyncTypedStore<D, A>) -> Self {
        Self {
            store,
            model: PhantomData,
        }
    }

    /// The store that the tree belongs to.
    #[must_use]
    pub fn store(&self) -> &'db AsyncTypedStore<D, A> {
        self.store
    }

    /// Stores a record, over the one with the same primary key if there is one, and commits.
    ///
    /// # Errors
    /// As [`Tree::put`]; nothing is changed then.
    pub async fn put(&self, record: impl Borrow<M>) -> Result<(), NetabaseError> {
        self.write("put", |tree| tree.put(record.borrow())).await
    }

    /// Stores many records in one transaction.
    ///
    /// # Errors
    /// As [`Tree::put_many`]; nothing is changed then.
    pub async fn put_many<R: Borrow<M>>(
        &self,
        records: impl IntoIterator<Item = R>,
    ) -> Result<(), NetabaseError> {
        let records: Vec<R> = records.into_iter().collect();
        self.write("put_many", |tree| {
            tree.put_many(records.iter().map(Borrow::borrow))
        })
        .await
    }

    /// Removes the record with this primary key and commits; gives the record back.
    ///
    /// # Errors
    /// As [`Tree::remove`]; nothing is changed then.
    pub async fn remove(
        &self,
        key: impl Borrow<M::PrimaryKey>,
    ) -> Result<Option<M>, NetabaseError> {
        self.write("remove", |tree| tree.remove(key.borrow())).await
    }

    /// Removes what is stored under this primary key, also if it cannot be decoded, and commits; says whether there was
    /// anything.
    ///
    /// # Errors
    /// As [`Tree::discard`]; nothing is changed then.
    pub async fn discard(&self, key: impl Borrow<M::PrimaryKey>) -> Result<bool, NetabaseError> {
        self.write("discard", |tree| tree.discard(key.borrow()))
            .await
    }

    /// Removes the records with these primary keys in one transaction; gives them back in the same order.
    ///
    /// # Errors
    /// As [`Tree::remove_many`]; nothing is changed then.
    pub async fn remove_many<K: Borrow<M::PrimaryKey>>(
        &self,
        keys: impl IntoIterator<Item = K>,
    ) -> Result<Vec<Option<M>>, NetabaseError> {
        let keys: Vec<K> = keys.into_iter().collect();
        self.write("remove_many", |tree| {
            tree.remove_many(keys.iter().map(Borrow::borrow))
        })
        .await
    }

    /// Removes every record of this model and commits.
    ///
    /// # Errors
    /// As [`Tree::clear`]; nothing is changed then.
    pub async fn clear(&self) -> Result<(), NetabaseError> {
        self.write("clear", |tree| tree.clear()).await
    }

    /// The record with this primary key.
    ///
    /// # Errors
    /// As [`Tree::get`].
    pub async fn get(&self, key: impl Borrow<M::PrimaryKey>) -> Result<Option<M>, NetabaseError> {
        self.read("get", |tree| tree.get(key.borrow())).await
    }

    /// The records with these primary keys, of one snapshot, in their order; `None` for those that are not there.
    ///
    /// # Errors
    /// As [`Tree::get_many`].
    pub async fn get_many<K: Borrow<M::PrimaryKey>>(
        &self,
        keys: impl IntoIterator<Item = K>,
    ) -> Result<Vec<Option<M>>, NetabaseError> {
        let keys: Vec<K> = keys.into_iter().collect();
        self.read("get_many", |tree| {
            tree.get_many(keys.iter().map(Borrow::borrow))
        })
        .await
    }

    /// Whether there is a record with this primary key.
    ///
    /// # Errors
    /// As [`Tree::contains`].
    pub async fn contains(&self, key: impl Borrow<M::PrimaryKey>) -> Result<bool, NetabaseError> {
        self.read("contains", |tree| tree.contains(key.borrow()))
            .await
    }

    /// The records with this secondary key, in the order of their primary keys.
    ///
    /// # Errors
    /// As [`Tree::get_by_secondary_key`].
    pub async fn get_by_secondary_key(
        &self,
        key: impl Borrow<M::SecondaryKeys>,
    ) -> Result<Vec<M>, NetabaseError> {
        self.read("get_by_secondary_key", |tree| {
            tree.get_by_secondary_key(key.borrow())
        })
        .await
    }

    /// The records with each of these secondary keys, of one snapshot.
    ///
    /// # Errors
    /// As [`Tree::get_many_by_secondary_keys`].
    pub async fn get_many_by_secondary_keys<K: Borrow<M::SecondaryKeys>>(
        &self,
        keys: impl IntoIterator<Item = K>,
    ) -> Result<Vec<Vec<M>>, NetabaseError> {
        let keys: Vec<K> = keys.into_iter().collect();
        self.read("get_many_by_secondary_keys", |tree| {
            tree.get_many_by_secondary_keys(keys.iter().map(Borrow::borrow))
        })
        .await
    }

    /// Every record of one snapshot, in the order of the primary keys, all at once.
    /// [`AsyncTypedStore::read`] gives them page by page, with ranges, prefixes and secondary keys as well.
    ///
    /// # Errors
    /// As [`Tree::iter`].
    pub async fn all(&self) -> Result<Vec<(M::PrimaryKey, M)>, NetabaseError> {
        let mut attempt = 1;
        loop {
            let guard = self.store.read().await?;
            match guard.open_tree::<M>().iter().to_vec().await {
                Err(error) if is_lost(&error) && attempt < ATTEMPTS => attempt += 1,
                result => return result,
            }
        }
    }

    /// The number of records.
    ///
    /// # Errors
    /// As [`Tree::len`].
    pub async fn len(&self) -> Result<usize, NetabaseError> {
        self.read("len", |tree| tree.len()).await
    }

    /// Whether there are no records.
    ///
    /// # Errors
    /// As [`Tree::len`].
    pub async fn is_empty(&self) -> Result<bool, NetabaseError> {
        self.read("is_empty", |tree| tree.is_empty()).await
    }

    async fn read<R>(
        &self,
        name: &'static str,
        operation: impl Fn(Tree<'_, D, M, ReplayDriver>) -> Result<R, NetabaseError>,
    ) -> Result<R, NetabaseError> {
        let mut attempt = 1;
        loop {
            let guard = self.store.read().await?;
            match guard.open_tree::<M>().run(name, &operation).await {
                Err(error) if is_lost(&error) && attempt < ATTEMPTS => attempt += 1,
                result => return result,
            }
        }
    }

    async fn write<R>(
        &self,
        name: &'static str,
        operation: impl Fn(Tree<'_, D, M, ReplayDriver>) -> Result<R, NetabaseError>,
    ) -> Result<R, NetabaseError> {
        let guard = self.store.write().await?;
        let result = guard.open_tree::<M>().run(name, operation).await?;
        guard.commit().await?;
        Ok(result)
    }
}

fn is_lost(error: &NetabaseError) -> bool {
    error.kind() == ErrorKind::SnapshotLost
}

impl<D, M, A: AsyncDriver> Clone for AsyncTree<'_, D, M, A> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<D, M, A: AsyncDriver> Copy for AsyncTree<'_, D, M, A> {}

impl<D, M: Record, A: AsyncDriver> fmt::Debug for AsyncTree<'_, D, M, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncTree")
            .field("model", &M::INFO.name)
            .field("store", self.store)
            .finish()
    }
}
