//! The engines, each under the path of its own that the reference gives it.

use netabase_core::memory::Memory;
use netabase_core::store::TypedStore;

/// A store in memory: ordered, with snapshots, gone when it is dropped.
pub type MemoryStore<D> = TypedStore<D, Memory>;

/// A store on a driver that was loaded from a dynamic library.
#[cfg(all(feature = "dynamic", not(target_arch = "wasm32")))]
pub type DynamicStore<D> = TypedStore<D, netabase_core::abi::DynamicDriver>;

#[cfg(feature = "redb-zerocopy")]
pub mod redb_zerocopy;

/// The store on redb.
#[cfg(feature = "redb")]
pub mod redb_store {
    use netabase_core::store::{Tree, TypedStore};
    pub use netabase_driver_redb::Redb;

    /// A store on redb, in one file.
    pub type RedbStore<D> = TypedStore<D, Redb>;

    /// One model's records in a store on redb.
    pub type RedbTree<'db, D, M> = Tree<'db, D, M, Redb>;
}
