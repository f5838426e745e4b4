//! How databases are opened.

pub use netabase_core::config::*;
#[cfg(all(feature = "indexeddb", target_arch = "wasm32"))]
pub use netabase_driver_indexeddb::IndexedDBConfig;
