//! How a store is opened on each engine.

#[cfg(any(
    feature = "redb",
    feature = "sled",
    all(feature = "dynamic", not(target_arch = "wasm32"))
))]
use netabase_core::config::FileConfig;
use netabase_core::error::NetabaseError;
use netabase_core::model::NetabaseDefinitionTrait;

#[cfg(all(feature = "indexeddb", target_arch = "wasm32"))]
use crate::store::AsyncStore;
use crate::store::{NetabaseStore, Store};

/// A store on the default engine, redb.
#[cfg(feature = "redb")]
pub type DefaultStore<D> = crate::RedbStore<D>;

/// On the default engine, redb, which the feature `redb` links in. Without it these are not there;
/// [`memory`](NetabaseStore::memory) always is.
#[cfg(feature = "redb")]
impl<D: NetabaseDefinitionTrait> NetabaseStore<D, DefaultStore<D>> {
    /// Opens an empty redb database, removed when the store is dropped.
    ///
    /// # Errors
    /// As [`Store::temp`].
    pub fn temp() -> Result<Self, NetabaseError> {
        DefaultStore::<D>::temp().map(Self::from_backend)
    }

    /// Opens a redb database, at a path or as a [`FileConfig`] says; creates it if there is none.
    ///
    /// # Errors
    /// As [`Store::new`].
    pub fn new(config: impl Into<FileConfig>) -> Result<Self, NetabaseError> {
        Store::new(config).map(Self::from_backend)
    }

    /// Opens the existing redb database at a path, or as a [`FileConfig`] says.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open(config: impl Into<FileConfig>) -> Result<Self, NetabaseError> {
        Store::open(config).map(Self::from_backend)
    }
}

impl<D: NetabaseDefinitionTrait> NetabaseStore<D, crate::MemoryStore<D>> {
    /// Opens an empty database in memory.
    ///
    /// # Errors
    /// As [`Store::temp`].
    pub fn memory() -> Result<Self, NetabaseError> {
        Store::temp().map(Self::from_backend)
    }
}

#[cfg(feature = "redb")]
impl<D: NetabaseDefinitionTrait> NetabaseStore<D, crate::RedbStore<D>> {
    /// Opens a redb database at a path, or as a [`FileConfig`] says; creates it if there is none.
    ///
    /// # Errors
    /// As [`Store::new`].
    pub fn redb(config: impl Into<FileConfig>) -> Result<Self, NetabaseError> {
        Store::new(config).map(Self::from_backend)
    }
}

#[cfg(feature = "sled")]
impl<D: NetabaseDefinitionTrait> NetabaseStore<D, crate::SledStore<D>> {
    /// Opens a sled database in a folder, or as a [`FileConfig`] says; creates it if there is none.
    ///
    /// # Errors
    /// As [`Store::new`].
    pub fn sled(config: impl Into<FileConfig>) -> Result<Self, NetabaseError> {
        Store::new(config).map(Self::from_backend)
    }
}

#[cfg(all(feature = "indexeddb", target_arch = "wasm32"))]
impl<D: NetabaseDefinitionTrait> NetabaseStore<D, crate::IndexedDBStore<D>> {
    /// Opens an IndexedDB database, by name or as an [`IndexedDBConfig`](crate::IndexedDBConfig) says; creates it if there
    /// is none.
    ///
    /// # Errors
    /// As [`AsyncStore::new`].
    pub async fn indexeddb(
        config: impl Into<crate::IndexedDBConfig>,
    ) -> Result<Self, NetabaseError> {
        AsyncStore::new(config).await.map(Self::from_backend)
    }
}

#[cfg(all(feature = "dynamic", not(target_arch = "wasm32")))]
impl<D: NetabaseDefinitionTrait> NetabaseStore<D, crate::DynamicStore<D>> {
    /// Opens a database, at a path or as a [`FileConfig`] says, on the driver of this name, loaded from a dynamic
    /// library. The library is looked for in the directories of `NETABASE_DRIVER_PATH`, beside the executable, in the
    /// user's data directory and in the system's library directories; see [`load_from`](Self::load_from) for others.
    ///
    /// # Errors
    /// [`DriverNotFound`](crate::ErrorKind::DriverNotFound) or [`DriverRejected`](crate::ErrorKind::DriverRejected),
    /// with every place that was looked at; else as [`Store::open_on`].
    pub fn load(driver: &str, config: impl Into<FileConfig>) -> Result<Self, NetabaseError> {
        Self::load_from(&crate::loader::SearchPath::default(), driver, config)
    }

    /// [`load`](Self::load) with a search path of its own.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn load_from(
        search: &crate::loader::SearchPath,
        driver: &str,
        config: impl Into<FileConfig>,
    ) -> Result<Self, NetabaseError> {
        let driver = crate::loader::load(driver, search)?;
        Store::open_on(&driver, &config.into()).map(Self::from_backend)
    }
}
