//! The engines, each under the path of its own that the reference gives it.

use netabase_core::memory::Memory;
use netabase_core::store::TypedStore;

/// A store in memory: ordered, with snapshots, gone when it is dropped.
pub type MemoryStore<D> = TypedStore<D, Memory>;

/// A store on a driver that was loaded from a dynamic library.
#[cfg(all(feature = "dynamic", not(target_arch = "wasm32")))]
pub type DynamicStore<D> = TypedStore<D, netabase_core::abi::DynamicDriver>;

/// The drivers that run on redb, and so offer its maintenance operations.
#[cfg(any(feature = "redb", feature = "redb-zerocopy"))]
pub trait RedbEngine: netabase_core::driver::Driver {}

#[cfg(feature = "redb")]
impl RedbEngine for redb_store::Redb {}

#[cfg(feature = "redb-zerocopy")]
impl RedbEngine for redb_zerocopy::RedbZeroCopy {}

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

/// The store on IndexedDB.
#[cfg(all(feature = "indexeddb", target_arch = "wasm32"))]
pub mod indexeddb_store {
    use netabase_core::store::asynchronous::{AsyncTree, AsyncTypedStore};
    pub use netabase_driver_indexeddb::IndexedDB;

    /// A store on IndexedDB, in the browser: [`new`](AsyncTypedStore::new), [`open`](AsyncTypedStore::open) and
    /// [`temp`](AsyncTypedStore::temp) are awaited, as all of its operations are.
    pub type IndexedDBStore<D> = AsyncTypedStore<D, IndexedDB>;

    /// One model's records in a store on IndexedDB.
    pub type IndexedDBTree<'db, D, M> = AsyncTree<'db, D, M, IndexedDB>;
}

/// The store on sled.
#[cfg(feature = "sled")]
pub mod sled_store {
    use netabase_core::store::{Tree, TypedStore};
    pub use netabase_driver_sled::Sled;

    /// A store on sled, in one folder.
    pub type SledStore<D> = TypedStore<D, Sled>;

    /// One model's records in a store on sled.
    pub type SledTree<'db, D, M> = Tree<'db, D, M, Sled>;
}
