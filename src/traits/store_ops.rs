//! What a store offers for every model of its definition.

use netabase_core::driver::Driver;
use netabase_core::driver::asynchronous::AsyncDriver;
use netabase_core::store::asynchronous::{AsyncTree, AsyncTypedStore};
use netabase_core::store::{Tree, TypedStore};

use crate::{NetabaseDefinitionTrait, NetabaseError, NetabaseModelTrait, NetabaseStore};

/// A backend that can hold the models of the definition `D`.
pub trait BackendFor<D: NetabaseDefinitionTrait> {}

impl<D: NetabaseDefinitionTrait, E: Driver> BackendFor<D> for TypedStore<D, E> {}

impl<D: NetabaseDefinitionTrait, A: AsyncDriver> BackendFor<D> for AsyncTypedStore<D, A> {}

/// A store that opens trees of the model `M`.
pub trait OpenTree<D: NetabaseDefinitionTrait, M: NetabaseModelTrait<D>> {
    /// One model's records.
    type Tree<'db>
    where
        Self: 'db;

    /// The view of one model's records.
    fn open_tree(&self) -> Self::Tree<'_>;
}

impl<D: NetabaseDefinitionTrait, M: NetabaseModelTrait<D>, E: Driver> OpenTree<D, M>
    for TypedStore<D, E>
{
    type Tree<'db> = Tree<'db, D, M, E>;

    fn open_tree(&self) -> Tree<'_, D, M, E> {
        self.open_tree()
    }
}

impl<D: NetabaseDefinitionTrait, M: NetabaseModelTrait<D>, A: AsyncDriver> OpenTree<D, M>
    for AsyncTypedStore<D, A>
{
    type Tree<'db> = AsyncTree<'db, D, M, A>;

    fn open_tree(&self) -> AsyncTree<'_, D, M, A> {
        self.open_tree()
    }
}

impl<D, M, B> OpenTree<D, M> for NetabaseStore<D, B>
where
    D: NetabaseDefinitionTrait,
    M: NetabaseModelTrait<D>,
    B: OpenTree<D, M>,
{
    type Tree<'db>
        = B::Tree<'db>
    where
        Self: 'db;

    fn open_tree(&self) -> B::Tree<'_> {
        self.backend().open_tree()
    }
}

/// Calls on the store itself, each a transaction of its own, for code that handles one record of a model at a time.
pub trait StoreOps<D: NetabaseDefinitionTrait> {
    /// Stores a record.
    ///
    /// # Errors
    /// As [`Tree::put`].
    fn put<M: NetabaseModelTrait<D>>(&self, model: M) -> Result<(), NetabaseError>;

    /// The record with this primary key.
    ///
    /// # Errors
    /// As [`Tree::get`].
    fn get<M: NetabaseModelTrait<D>>(&self, key: M::PrimaryKey)
    -> Result<Option<M>, NetabaseError>;

    /// Removes the record with this primary key; gives it back.
    ///
    /// # Errors
    /// As [`Tree::remove`].
    fn remove<M: NetabaseModelTrait<D>>(
        &self,
        key: M::PrimaryKey,
    ) -> Result<Option<M>, NetabaseError>;

    /// The records with this secondary key.
    ///
    /// # Errors
    /// As [`Tree::get_by_secondary_key`].
    fn get_by_secondary_key<M: NetabaseModelTrait<D>>(
        &self,
        key: M::SecondaryKeys,
    ) -> Result<Vec<M>, NetabaseError>;
}

impl<D: NetabaseDefinitionTrait, E: Driver> StoreOps<D> for TypedStore<D, E> {
    fn put<M: NetabaseModelTrait<D>>(&self, model: M) -> Result<(), NetabaseError> {
        self.open_tree::<M>().put(model)
    }

    fn get<M: NetabaseModelTrait<D>>(
        &self,
        key: M::PrimaryKey,
    ) -> Result<Option<M>, NetabaseError> {
        self.open_tree::<M>().get(key)
    }

    fn remove<M: NetabaseModelTrait<D>>(
        &self,
        key: M::PrimaryKey,
    ) -> Result<Option<M>, NetabaseError> {
        self.open_tree::<M>().remove(key)
    }

    fn get_by_secondary_key<M: NetabaseModelTrait<D>>(
        &self,
        key: M::SecondaryKeys,
    ) -> Result<Vec<M>, NetabaseError> {
        self.open_tree::<M>().get_by_secondary_key(key)
    }
}

impl<D: NetabaseDefinitionTrait, B: StoreOps<D>> StoreOps<D> for NetabaseStore<D, B> {
    fn put<M: NetabaseModelTrait<D>>(&self, model: M) -> Result<(), NetabaseError> {
        self.backend().put(model)
    }

    fn get<M: NetabaseModelTrait<D>>(
        &self,
        key: M::PrimaryKey,
    ) -> Result<Option<M>, NetabaseError> {
        self.backend().get::<M>(key)
    }

    fn remove<M: NetabaseModelTrait<D>>(
        &self,
        key: M::PrimaryKey,
    ) -> Result<Option<M>, NetabaseError> {
        self.backend().remove::<M>(key)
    }

    fn get_by_secondary_key<M: NetabaseModelTrait<D>>(
        &self,
        key: M::SecondaryKeys,
    ) -> Result<Vec<M>, NetabaseError> {
        self.backend().get_by_secondary_key::<M>(key)
    }
}
