//! One model's records behind a trait, blocking and asynchronous.

use std::future::Future;

use netabase_core::driver::Driver;
use netabase_core::driver::asynchronous::AsyncDriver;
use netabase_core::store::Tree;
use netabase_core::store::asynchronous::AsyncTree;

use crate::{NetabaseDefinitionTrait, NetabaseError, NetabaseModelTrait};

/// One model's records, each call a transaction of its own.
pub trait NetabaseTreeSync<D: NetabaseDefinitionTrait, M: NetabaseModelTrait<D>> {
    /// The model's primary key.
    type PrimaryKey;
    /// The enum of the model's secondary keys.
    type SecondaryKeys;

    /// Stores a record, over the one with the same primary key if there is one.
    ///
    /// # Errors
    /// As [`Tree::put`].
    fn put(&self, model: M) -> Result<(), NetabaseError>;

    /// The record with this primary key.
    ///
    /// # Errors
    /// As [`Tree::get`].
    fn get(&self, key: Self::PrimaryKey) -> Result<Option<M>, NetabaseError>;

    /// Removes the record with this primary key; gives it back.
    ///
    /// # Errors
    /// As [`Tree::remove`].
    fn remove(&self, key: Self::PrimaryKey) -> Result<Option<M>, NetabaseError>;

    /// The records with this secondary key, in the order of their primary keys.
    ///
    /// # Errors
    /// As [`Tree::get_by_secondary_key`].
    fn get_by_secondary_key(&self, key: Self::SecondaryKeys) -> Result<Vec<M>, NetabaseError>;

    /// The number of records.
    ///
    /// # Errors
    /// As [`Tree::len`].
    fn len(&self) -> Result<usize, NetabaseError>;

    /// Whether there are no records.
    ///
    /// # Errors
    /// As [`Tree::is_empty`].
    fn is_empty(&self) -> Result<bool, NetabaseError> {
        Ok(self.len()? == 0)
    }

    /// Removes every record.
    ///
    /// # Errors
    /// As [`Tree::clear`].
    fn clear(&self) -> Result<(), NetabaseError>;
}

impl<D, M, E> NetabaseTreeSync<D, M> for Tree<'_, D, M, E>
where
    D: NetabaseDefinitionTrait,
    M: NetabaseModelTrait<D>,
    E: Driver,
{
    type PrimaryKey = M::PrimaryKey;
    type SecondaryKeys = M::SecondaryKeys;

    fn put(&self, model: M) -> Result<(), NetabaseError> {
        self.put(model)
    }

    fn get(&self, key: M::PrimaryKey) -> Result<Option<M>, NetabaseError> {
        self.get(key)
    }

    fn remove(&self, key: M::PrimaryKey) -> Result<Option<M>, NetabaseError> {
        self.remove(key)
    }

    fn get_by_secondary_key(&self, key: M::SecondaryKeys) -> Result<Vec<M>, NetabaseError> {
        self.get_by_secondary_key(key)
    }

    fn len(&self) -> Result<usize, NetabaseError> {
        self.len()
    }

    fn clear(&self) -> Result<(), NetabaseError> {
        self.clear()
    }
}

/// [`NetabaseTreeSync`] for code that awaits: the same calls, on a browser's engine and on every native one.
///
/// A native engine does its work when the future is first polled, and blocks for as long as that takes.
pub trait NetabaseTreeAsync<D: NetabaseDefinitionTrait, M: NetabaseModelTrait<D>> {
    /// The model's primary key.
    type PrimaryKey;
    /// The enum of the model's secondary keys.
    type SecondaryKeys;

    /// Stores a record, over the one with the same primary key if there is one.
    ///
    /// # Errors
    /// As [`Tree::put`].
    fn put(&self, model: M) -> impl Future<Output = Result<(), NetabaseError>>;

    /// The record with this primary key.
    ///
    /// # Errors
    /// As [`Tree::get`].
    fn get(&self, key: Self::PrimaryKey) -> impl Future<Output = Result<Option<M>, NetabaseError>>;

    /// Removes the record with this primary key; gives it back.
    ///
    /// # Errors
    /// As [`Tree::remove`].
    fn remove(
        &self,
        key: Self::PrimaryKey,
    ) -> impl Future<Output = Result<Option<M>, NetabaseError>>;

    /// The records with this secondary key, in the order of their primary keys.
    ///
    /// # Errors
    /// As [`Tree::get_by_secondary_key`].
    fn get_by_secondary_key(
        &self,
        key: Self::SecondaryKeys,
    ) -> impl Future<Output = Result<Vec<M>, NetabaseError>>;

    /// The number of records.
    ///
    /// # Errors
    /// As [`Tree::len`].
    fn len(&self) -> impl Future<Output = Result<usize, NetabaseError>>;

    /// Whether there are no records.
    ///
    /// # Errors
    /// As [`Tree::is_empty`].
    fn is_empty(&self) -> impl Future<Output = Result<bool, NetabaseError>>;

    /// Removes every record.
    ///
    /// # Errors
    /// As [`Tree::clear`].
    fn clear(&self) -> impl Future<Output = Result<(), NetabaseError>>;
}

impl<D, M, E> NetabaseTreeAsync<D, M> for Tree<'_, D, M, E>
where
    D: NetabaseDefinitionTrait,
    M: NetabaseModelTrait<D>,
    E: Driver,
{
    type PrimaryKey = M::PrimaryKey;
    type SecondaryKeys = M::SecondaryKeys;

    async fn put(&self, model: M) -> Result<(), NetabaseError> {
        self.put(model)
    }

    async fn get(&self, key: M::PrimaryKey) -> Result<Option<M>, NetabaseError> {
        self.get(key)
    }

    async fn remove(&self, key: M::PrimaryKey) -> Result<Option<M>, NetabaseError> {
        self.remove(key)
    }

    async fn get_by_secondary_key(&self, key: M::SecondaryKeys) -> Result<Vec<M>, NetabaseError> {
        self.get_by_secondary_key(key)
    }

    async fn len(&self) -> Result<usize, NetabaseError> {
        self.len()
    }

    async fn is_empty(&self) -> Result<bool, NetabaseError> {
        self.is_empty()
    }

    async fn clear(&self) -> Result<(), NetabaseError> {
        self.clear()
    }
}

impl<D, M, A> NetabaseTreeAsync<D, M> for AsyncTree<'_, D, M, A>
where
    D: NetabaseDefinitionTrait,
    M: NetabaseModelTrait<D>,
    A: AsyncDriver,
{
    type PrimaryKey = M::PrimaryKey;
    type SecondaryKeys = M::SecondaryKeys;

    async fn put(&self, model: M) -> Result<(), NetabaseError> {
        self.put(model).await
    }

    async fn get(&self, key: M::PrimaryKey) -> Result<Option<M>, NetabaseError> {
        self.get(key).await
    }

    async fn remove(&self, key: M::PrimaryKey) -> Result<Option<M>, NetabaseError> {
        self.remove(key).await
    }

    async fn get_by_secondary_key(&self, key: M::SecondaryKeys) -> Result<Vec<M>, NetabaseError> {
        self.get_by_secondary_key(key).await
    }

    async fn len(&self) -> Result<usize, NetabaseError> {
        self.len().await
    }

    async fn is_empty(&self) -> Result<bool, NetabaseError> {
        self.is_empty().await
    }

    async fn clear(&self) -> Result<(), NetabaseError> {
        self.clear().await
    }
}
