//! What most programs use: `use netabase_store::prelude::*`.

#[cfg(all(feature = "dynamic", not(target_arch = "wasm32")))]
pub use crate::DynamicStore;
#[cfg(feature = "redb")]
pub use crate::RedbStore;
#[cfg(feature = "redb-zerocopy")]
pub use crate::RedbStoreZeroCopy;
#[cfg(feature = "sled")]
pub use crate::SledStore;
pub use crate::traits::backend_store::BackendStore;
pub use crate::traits::batch::{BatchBuilder, Batchable};
pub use crate::{
    Durability, ErrorKind, FileConfig, IntoDiscriminant, IntoEnumIterator, MemoryStore,
    NetabaseDefinitionTrait, NetabaseError, NetabaseKey, NetabaseModel, NetabaseModelTrait,
    NetabaseStore, ReadOnly, ReadWrite, TreeView, TxnGuard, netabase_definition_module,
};
#[cfg(all(feature = "indexeddb", target_arch = "wasm32"))]
pub use crate::{IndexedDBConfig, IndexedDBStore};
