//! One model's records behind a trait, blocking and asynchronous.

use std::future::Future;

use netabase_core::driver::Driver;
use netabase_core::driver::asynchronous::AsyncDriver;
use netabase_core::store::Tree;
use netabase_core::store::asynchronous::AsyncTree;

use crate::{NetabaseDefinitionTrait, NetabaseError, NetabaseModelTrait};

macro_rules! tree_traits {
    ($(
        $(#[$doc:meta])*
        $name:ident($($argument:ident: $type:ty)?) -> $result:ty;
    )*) => {
        /// One model's records, each call a transaction of its own.
        pub trait NetabaseTreeSync<D: NetabaseDefinitionTrait, M: NetabaseModelTrait<D>> {
            /// The model's primary key.
            type PrimaryKey;
            /// The enum of the model's secondary keys.
            type SecondaryKeys;
            $(
                $(#[$doc])*
                ///
                /// # Errors
                #[doc = concat!("As [`Tree::", stringify!($name), "`].")]
                fn $name(&self $(, $argument: $type)?) -> Result<$result, NetabaseError>;
            )*
        }

        /// [`NetabaseTreeSync`] for code that awaits: the same calls, on a browser's engine and on every native one.
        ///
        /// A native engine does its work when the future is first polled, and blocks for as long as that takes.
        pub trait NetabaseTreeAsync<D: NetabaseDefinitionTrait, M: NetabaseModelTrait<D>> {
            /// The model's primary key.
            type PrimaryKey;
            /// The enum of the model's secondary keys.
            type SecondaryKeys;
            $(
                $(#[$doc])*
                ///
                /// # Errors
                #[doc = concat!("As [`Tree::", stringify!($name), "`].")]
                fn $name(
                    &self
                    $(, $argument: $type)?
                ) -> impl Future<Output = Result<$result, NetabaseError>>;
            )*
        }

        impl<D: NetabaseDefinitionTrait, M: NetabaseModelTrait<D>, E: Driver> NetabaseTreeSync<D, M>
            for Tree<'_, D, M, E>
        {
            type PrimaryKey = M::PrimaryKey;
            type SecondaryKeys = M::SecondaryKeys;
            $(
                fn $name(&self $(, $argument: $type)?) -> Result<$result, NetabaseError> {
                    self.$name($($argument)?)
                }
            )*
        }

        impl<D: NetabaseDefinitionTrait, M: NetabaseModelTrait<D>, E: Driver> NetabaseTreeAsync<D, M>
            for Tree<'_, D, M, E>
        {
            type PrimaryKey = M::PrimaryKey;
            type SecondaryKeys = M::SecondaryKeys;
            $(
                async fn $name(&self $(, $argument: $type)?) -> Result<$result, NetabaseError> {
                    self.$name($($argument)?)
                }
            )*
        }

        impl<D: NetabaseDefinitionTrait, M: NetabaseModelTrait<D>, A: AsyncDriver> NetabaseTreeAsync<D, M>
            for AsyncTree<'_, D, M, A>
        {
            type PrimaryKey = M::PrimaryKey;
            type SecondaryKeys = M::SecondaryKeys;
            $(
                async fn $name(&self $(, $argument: $type)?) -> Result<$result, NetabaseError> {
                    self.$name($($argument)?).await
                }
            )*
        }
    };
}

tree_traits! {
    /// Stores a record, over the one with the same primary key if there is one.
    put(model: M) -> ();

    /// The record with this primary key.
    get(key: Self::PrimaryKey) -> Option<M>;

    /// Removes the record with this primary key; gives it back.
    remove(key: Self::PrimaryKey) -> Option<M>;

    /// The records with this secondary key, in the order of their primary keys.
    get_by_secondary_key(key: Self::SecondaryKeys) -> Vec<M>;

    /// The number of records.
    len() -> usize;

    /// Whether there are no records.
    is_empty() -> bool;

    /// Removes every record.
    clear() -> ();
}
