#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

#[allow(
    unused_extern_crates,
    reason = "generated code inside this package names the crate as users do"
)]
extern crate self as netabase_store;

#[cfg(all(
    target_arch = "wasm32",
    any(feature = "redb", feature = "redb-zerocopy", feature = "sled")
))]
compile_error!(
    "redb and sled need files, which wasm32 has none of; depend on netabase_store with \
     `default-features = false, features = [\"indexeddb\"]`"
);

pub mod connect;
pub mod databases;
#[cfg(feature = "dump")]
pub mod dump;
pub mod prelude;
mod store;
pub mod traits;
pub mod utils;

pub use netabase_core::codec::ivec::{FromIVec, IVec, ToIVec};
pub use netabase_core::codec::{dynamic, fields, key};
pub use netabase_core::config::{self, FileConfig, IndexedDBConfig};
pub use netabase_core::driver::{self, Durability};
pub use netabase_core::error::{self, DriverError, ErrorKind, NetabaseError};
#[cfg(all(feature = "dynamic", not(target_arch = "wasm32")))]
pub use netabase_core::loader;
pub use netabase_core::model::{
    ModelKey, NetabaseDefinitionTrait, NetabaseModelTrait, SecondaryKey,
};
pub use netabase_core::schema;
pub use netabase_core::store::asynchronous;
pub use netabase_core::store::{
    Batch, ByPrimaryKey, Iter, Mode, Order, Pinned, PinnedIter, ReadOnly, ReadWrite, SnapshotIter,
    Tree, TreeView, TxnGuard, TypedStore,
};
pub use netabase_macros::{NetabaseKey, NetabaseModel, netabase_definition_module};

pub use strum::{IntoDiscriminant, IntoEnumIterator};

pub use crate::connect::AnyStore;
#[cfg(all(feature = "dynamic", not(target_arch = "wasm32")))]
pub use crate::databases::DynamicStore;
pub use crate::databases::MemoryStore;
#[cfg(all(feature = "indexeddb", target_arch = "wasm32"))]
pub use crate::databases::indexeddb_store::IndexedDBStore;
#[cfg(feature = "redb")]
pub use crate::databases::redb_store::RedbStore;
#[cfg(feature = "redb-zerocopy")]
pub use crate::databases::redb_zerocopy::RedbStoreZeroCopy;
#[cfg(feature = "sled")]
pub use crate::databases::sled_store::SledStore;
#[cfg(feature = "redb")]
pub use crate::store::DefaultStore;
pub use crate::store::{AsyncStore, NetabaseStore, Store};
#[cfg(feature = "chrono")]
pub use crate::utils::datetime::{NetabaseDateTime, chrono};
/// IndexedDB, the database of browsers.
#[cfg(all(feature = "indexeddb", target_arch = "wasm32"))]
pub use netabase_driver_indexeddb as indexeddb;

/// The attribute `#[netabase(…)]` of the derive macros.
///
/// On a struct with `#[derive(NetabaseModel)]` it names the model's definition: `#[netabase(BlogDefinition)]`. On a
/// type with `#[derive(NetabaseKey)]` it may say where this crate is found: `#[netabase(crate = path)]`.
///
/// The derive macros bring the attribute with them. This module only explains it, so that `use netabase_store::netabase`
/// is allowed and harmless.
pub mod netabase {}

/// What generated code names. Not for use by hand; it may change with any release.
#[doc(hidden)]
pub mod __private {
    pub use netabase_core::__private::*;
    pub use strum;
}
