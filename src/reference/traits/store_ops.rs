//! What a store offers for every model of its definition.

use netabase_core::driver::Driver;
use netabase_core::driver::asynchronous::AsyncDriver;
use netabase_core::store::asynchronous::{AsyncTree, AsyncTypedStore};
use netabase_core::store::{Tree, TypedStore};

use crate::store::{AsyncStore, Store};
use crate::{NetabaseDefinitionTrait, NetabaseError, NetabaseModelTrait, NetabaseStore};

/// A backend that can hold the models of the definition `D`.
pub trait BackendFor<D: NetabaseDefinitionTrait> {
    /// The records of the model `M`.
    type Tree<'db, M: NetabaseModelTrait<D>>
    where
        Self: 'db;

    /// The view of one model's records.
    fn tree<M: NetabaseModelTrait<D>>(&self) -> Self::Tree<'_, M>;
}

macro_rules! backends {
    ($($store:ident<$engine:ident: $driver:ident> opens $tree:ident;)*) => {$(
        impl<D: NetabaseDefinitionTrait, $engine: $driver> BackendFor<D> for $store<D, $engine> {
            type Tree<'db, M: NetabaseModelTrait<D>> = $tree<'db, D, M, $engine>;

            #[inline]
            fn tree<M: NetabaseModelTrait<D>>(&self) -> $tree<'_, D, M, $engine> {
                self.open_tree::<M>()
            }
        }
    )*};
}

backends! {
    TypedStore<E: Driver> opens Tree;
    Store<E: Driver> opens Tree;
    AsyncTypedStore<A: AsyncDriver> opens AsyncTree;
    AsyncStore<A: AsyncDriver> opens AsyncTree;
}

impl<D: NetabaseDefinitionTrait, B: BackendFor<D>> BackendFor<D> for NetabaseStore<D, B> {
    type Tree<'db, M: NetabaseModelTrait<D>>
        = B::Tree<'db, M>
    where
        Self: 'db;

    #[inline]
    fn tree<M: NetabaseModelTrait<D>>(&self) -> B::Tree<'_, M> {
        self.backend().tree()
    }
}

/// A store that opens trees of the model `M`.
pub trait OpenTree<D: NetabaseDefinitionTrait, M: NetabaseModelTrait<D>> {
    /// One model's records.
    type Tree<'db>
    where
        Self: 'db;

    /// The view of one model's records.
    fn open_tree(&self) -> Self::Tree<'_>;
}

impl<D: NetabaseDefinitionTrait, M: NetabaseModelTrait<D>, B: BackendFor<D>> OpenTree<D, M> for B {
    type Tree<'db>
        = B::Tree<'db, M>
    where
        Self: 'db;

    #[inline]
    fn open_tree(&self) -> B::Tree<'_, M> {
        self.tree()
    }
}

macro_rules! store_ops {
    ($(
        $(#[$doc:meta])*
        $name:ident($argument:ident: $type:ty) -> $result:ty;
    )*) => {
        /// Calls on the store itself, each a transaction of its own, for code that handles one record of a model at a time.
        pub trait StoreOps<D: NetabaseDefinitionTrait> {$(
            $(#[$doc])*
            ///
            /// # Errors
            #[doc = concat!("As [`Tree::", stringify!($name), "`].")]
            fn $name<M: NetabaseModelTrait<D>>(&self, $argument: $type) -> Result<$result, NetabaseError>;
        )*}

        store_ops!(@opened TypedStore; $($name($argument: $type) -> $result;)*);
        store_ops!(@opened Store; $($name($argument: $type) -> $result;)*);

        impl<D: NetabaseDefinitionTrait, B: StoreOps<D>> StoreOps<D> for NetabaseStore<D, B> {$(
            fn $name<M: NetabaseModelTrait<D>>(&self, $argument: $type) -> Result<$result, NetabaseError> {
                self.backend().$name::<M>($argument)
            }
        )*}
    };
    (@opened $store:ident; $($name:ident($argument:ident: $type:ty) -> $result:ty;)*) => {
        impl<D: NetabaseDefinitionTrait, E: Driver> StoreOps<D> for $store<D, E> {$(
            fn $name<M: NetabaseModelTrait<D>>(&self, $argument: $type) -> Result<$result, NetabaseError> {
                self.open_tree::<M>().$name($argument)
            }
        )*}
    };
}

store_ops! {
    /// Stores a record.
    put(model: M) -> ();

    /// The record with this primary key.
    get(key: M::PrimaryKey) -> Option<M>;

    /// Removes the record with this primary key; gives it back.
    remove(key: M::PrimaryKey) -> Option<M>;

    /// The records with this secondary key.
    get_by_secondary_key(key: M::SecondaryKeys) -> Vec<M>;
}
