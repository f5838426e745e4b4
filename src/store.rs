//! [`NetabaseStore`]: one database of one definition, whatever the engine.

use std::fmt;
use std::marker::PhantomData;

use netabase_core::driver::asynchronous::AsyncDriver;
#[cfg(any(feature = "redb", feature = "redb-zerocopy", feature = "sled"))]
use netabase_core::driver::command;
use netabase_core::driver::{Command, Driver};
use netabase_core::memory::Memory;
use netabase_core::store::asynchronous::{AsyncBatch, AsyncTree, AsyncTxnGuard, AsyncTypedStore};
use netabase_core::store::{Batch, ReadOnly, ReadWrite, Tree, TxnGuard, TypedStore};

use crate::{NetabaseDefinitionTrait, NetabaseError, NetabaseModelTrait};

/// One database of the definition `D` on the backend `B`.
///
/// The constructor decides on the engine; everything after it is the same for all of them.
///
/// # Examples
/// ```
/// # #[netabase_store::netabase_definition_module(Library, LibraryKeys)]
/// # mod library {
/// #     use netabase_store::{NetabaseModel, netabase};
/// #     #[derive(NetabaseModel, Clone, Debug, PartialEq)]
/// #     #[netabase(Library)]
/// #     pub struct Book { #[primary_key] pub id: u64, pub title: String }
/// # }
/// # use library::*;
/// use netabase_store::NetabaseStore;
///
/// let store = NetabaseStore::<Library, _>::memory()?;
/// let books = store.open_tree::<Book>();
/// books.put(Book { id: 1, title: "Emma".into() })?;
/// assert_eq!(books.get(BookPrimaryKey(1))?.map(|book| book.title), Some("Emma".into()));
/// # Ok::<(), netabase_store::NetabaseError>(())
/// ```
pub struct NetabaseStore<D, B> {
    backend: B,
    definition: PhantomData<fn() -> D>,
}

/// A store on the default engine, redb.
#[cfg(feature = "redb")]
pub type DefaultStore<D> = crate::RedbStore<D>;

impl<D, B> NetabaseStore<D, B> {
    /// A store on a backend that is open already.
    pub fn from_backend(backend: B) -> Self {
        Self {
            backend,
            definition: PhantomData,
        }
    }

    /// The backend, with what it alone offers.
    pub fn backend(&self) -> &B {
        &self.backend
    }

    /// Gives up the wrapper.
    pub fn into_backend(self) -> B {
        self.backend
    }
}

impl<D, B: fmt::Debug> fmt::Debug for NetabaseStore<D, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NetabaseStore")
            .field("backend", &self.backend)
            .finish()
    }
}

/// On the default engine, redb, which the feature `redb` links in. Without it these are not there;
/// [`memory`](NetabaseStore::memory) always is.
#[cfg(feature = "redb")]
impl<D: NetabaseDefinitionTrait> NetabaseStore<D, DefaultStore<D>> {
    /// Opens an empty redb database, removed when the store is dropped.
    ///
    /// # Errors
    /// As [`TypedStore::temp`].
    pub fn temp() -> Result<Self, NetabaseError> {
        DefaultStore::<D>::temp().map(Self::from_backend)
    }

    /// Opens a redb database, at a path or as a [`FileConfig`](crate::FileConfig) says; creates it if there is none.
    ///
    /// # Errors
    /// As [`TypedStore::new`].
    pub fn new(config: impl Into<crate::FileConfig>) -> Result<Self, NetabaseError> {
        TypedStore::new(config).map(Self::from_backend)
    }

    /// Opens the existing redb database at a path, or as a [`FileConfig`](crate::FileConfig) says.
    ///
    /// # Errors
    /// As [`TypedStore::open`].
    pub fn open(config: impl Into<crate::FileConfig>) -> Result<Self, NetabaseError> {
        TypedStore::open(config).map(Self::from_backend)
    }
}

impl<D: NetabaseDefinitionTrait> NetabaseStore<D, TypedStore<D, Memory>> {
    /// Opens an empty database in memory.
    ///
    /// # Errors
    /// As [`TypedStore::temp`].
    pub fn memory() -> Result<Self, NetabaseError> {
        TypedStore::temp().map(Self::from_backend)
    }
}

#[cfg(feature = "redb")]
impl<D: NetabaseDefinitionTrait> NetabaseStore<D, crate::RedbStore<D>> {
    /// Opens a redb database at a path, or as a [`FileConfig`](crate::FileConfig) says; creates it if there is none.
    ///
    /// # Errors
    /// As [`TypedStore::new`].
    pub fn redb(config: impl Into<crate::FileConfig>) -> Result<Self, NetabaseError> {
        TypedStore::new(config).map(Self::from_backend)
    }
}

#[cfg(feature = "sled")]
impl<D: NetabaseDefinitionTrait> NetabaseStore<D, crate::SledStore<D>> {
    /// Opens a sled database in a folder, or as a [`FileConfig`](crate::FileConfig) says; creates it if there is none.
    ///
    /// # Errors
    /// As [`TypedStore::new`].
    pub fn sled(config: impl Into<crate::FileConfig>) -> Result<Self, NetabaseError> {
        TypedStore::new(config).map(Self::from_backend)
    }

    /// Puts everything that was committed on disk, also what was committed without durability. Answers the number of
    /// bytes that were written for it.
    ///
    /// # Errors
    /// An error of the engine.
    pub fn flush(&self) -> Result<usize, NetabaseError> {
        self.backend.run(command::Flush).map(|bytes| bytes as usize)
    }

    /// A number that this database never gave before and will never give again. The numbers ascend and have gaps.
    ///
    /// # Errors
    /// An error of the engine.
    pub fn generate_id(&self) -> Result<u64, NetabaseError> {
        self.backend.run(command::GenerateId)
    }

    /// Whether the database was there when it was opened, not created then.
    ///
    /// # Errors
    /// [`Closed`](crate::ErrorKind::Closed) after [`close`](Self::close).
    pub fn was_recovered(&self) -> Result<bool, NetabaseError> {
        self.backend.run(command::WasRecovered)
    }

    /// Reads every entry in both directions and compares their order and number. `true`: all is well.
    ///
    /// # Errors
    /// [`Corrupt`](crate::ErrorKind::Corrupt) for what is damaged, or another error of the engine.
    pub fn check_integrity(&self) -> Result<bool, NetabaseError> {
        self.backend.run(command::CheckIntegrity)
    }

    /// Space that the database takes on disk, in bytes.
    ///
    /// # Errors
    /// An error of the engine.
    pub fn size_on_disk(&self) -> Result<u64, NetabaseError> {
        self.backend.run(command::SizeOnDisk)
    }
}

#[cfg(all(feature = "indexeddb", target_arch = "wasm32"))]
impl<D: NetabaseDefinitionTrait> NetabaseStore<D, crate::IndexedDBStore<D>> {
    /// Opens an IndexedDB database, by name or as an [`IndexedDBConfig`](crate::IndexedDBConfig) says; creates it if there
    /// is none.
    ///
    /// # Errors
    /// As [`AsyncTypedStore::new`].
    pub async fn indexeddb(
        config: impl Into<crate::IndexedDBConfig>,
    ) -> Result<Self, NetabaseError> {
        AsyncTypedStore::new(config).await.map(Self::from_backend)
    }

    /// The names of all object stores, those of empty trees included, in order.
    ///
    /// # Errors
    /// An error of the engine.
    pub async fn store_names(&self) -> Result<Vec<String>, NetabaseError> {
        let mut names = self.backend.run(crate::indexeddb::StoreNames).await?;
        names.sort_unstable();
        Ok(names)
    }

    /// Asks the browser to keep this origin's data when room gets short. Whether it does. A worker may not ask; there this
    /// only tells whether a window has asked.
    ///
    /// # Errors
    /// An error of the engine.
    pub async fn persist(&self) -> Result<bool, NetabaseError> {
        self.backend.run(crate::indexeddb::Persist).await
    }

    /// What this origin uses, and may use at most, in bytes, as the browser estimates it.
    ///
    /// # Errors
    /// An error of the engine.
    pub async fn estimate(&self) -> Result<(u64, u64), NetabaseError> {
        self.backend.run(crate::indexeddb::Estimate).await
    }
}

#[cfg(all(feature = "dynamic", not(target_arch = "wasm32")))]
impl<D: NetabaseDefinitionTrait> NetabaseStore<D, crate::DynamicStore<D>> {
    /// Opens a database, at a path or as a [`FileConfig`](crate::FileConfig) says, on the driver of this name, loaded from a dynamic
    /// library. The library is looked for in the directories of `NETABASE_DRIVER_PATH`, beside the executable, in the
    /// user's data directory and in the system's library directories; see [`load_from`](Self::load_from) for others.
    ///
    /// # Errors
    /// [`DriverNotFound`](crate::ErrorKind::DriverNotFound) or [`DriverRejected`](crate::ErrorKind::DriverRejected),
    /// with every place that was looked at; else as [`TypedStore::open_on`].
    ///
    /// # Examples
    /// ```no_run
    /// use netabase_store::prelude::*;
    ///
    /// fn open<D: NetabaseDefinitionTrait>() -> Result<NetabaseStore<D, DynamicStore<D>>, NetabaseError> {
    ///     NetabaseStore::load("redb", "library.redb")
    /// }
    /// ```
    pub fn load(driver: &str, config: impl Into<crate::FileConfig>) -> Result<Self, NetabaseError> {
        Self::load_from(&crate::loader::SearchPath::default(), driver, config)
    }

    /// [`load`](Self::load) with a search path of its own.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn load_from(
        search: &crate::loader::SearchPath,
        driver: &str,
        config: impl Into<crate::FileConfig>,
    ) -> Result<Self, NetabaseError> {
        let driver = crate::loader::load(driver, search)?;
        TypedStore::open_on(&driver, &config.into()).map(Self::from_backend)
    }
}

impl<D: NetabaseDefinitionTrait, E: Driver> NetabaseStore<D, TypedStore<D, E>> {
    /// The view of one model's records in which each call is a transaction of its own.
    #[must_use]
    pub fn open_tree<M: NetabaseModelTrait<D>>(&self) -> Tree<'_, D, M, E> {
        self.backend.open_tree()
    }

    /// Begins a read transaction: one snapshot for as long as the guard lives.
    ///
    /// If the engine cannot begin one, the guard's first operation says so.
    #[must_use]
    pub fn read(&self) -> TxnGuard<'_, D, ReadOnly, E> {
        self.backend.read()
    }

    /// Begins a write transaction; waits while another one is open. Dropping the guard rolls it back.
    ///
    /// # Errors
    /// As [`TypedStore::write`].
    pub fn write(&self) -> Result<TxnGuard<'_, D, ReadWrite, E>, NetabaseError> {
        self.backend.write()
    }

    /// Collects writes, over any of the definition's models, to commit them in one transaction.
    pub fn batch(&self) -> Batch<'_, D, E> {
        self.backend.batch()
    }

    /// The driver's name.
    #[must_use]
    pub fn driver_name(&self) -> &str {
        self.backend.driver_name()
    }

    /// Runs one of the engine's [commands](crate::driver::command).
    ///
    /// # Errors
    /// As [`TypedStore::run`].
    pub fn run<C: Command>(&self, command: C) -> Result<C::Output, NetabaseError> {
        self.backend.run(command)
    }

    /// The names of all trees that hold at least one entry, in order.
    ///
    /// # Errors
    /// As [`TypedStore::tree_names`].
    pub fn tree_names(&self) -> Result<Vec<String>, NetabaseError> {
        self.backend.tree_names()
    }

    /// Closes the database. Later calls answer [`Closed`](crate::ErrorKind::Closed).
    pub fn close(&self) {
        self.backend.close();
    }
}

impl<D: NetabaseDefinitionTrait, A: AsyncDriver> NetabaseStore<D, AsyncTypedStore<D, A>> {
    /// The view of one model's records in which each call is a transaction of its own.
    #[must_use]
    pub fn open_tree<M: NetabaseModelTrait<D>>(&self) -> AsyncTree<'_, D, M, A> {
        self.backend.open_tree()
    }

    /// Begins a read transaction.
    ///
    /// # Errors
    /// As [`AsyncTypedStore::read`].
    pub async fn read(&self) -> Result<AsyncTxnGuard<'_, D, ReadOnly, A>, NetabaseError> {
        self.backend.read().await
    }

    /// Begins a write transaction; waits while another one is open. Dropping the guard rolls it back.
    ///
    /// # Errors
    /// As [`AsyncTypedStore::write`].
    pub async fn write(&self) -> Result<AsyncTxnGuard<'_, D, ReadWrite, A>, NetabaseError> {
        self.backend.write().await
    }

    /// Collects writes, over any of the definition's models, to commit them in one transaction.
    pub fn batch(&self) -> AsyncBatch<'_, D, A> {
        self.backend.batch()
    }

    /// The driver's name.
    #[must_use]
    pub fn driver_name(&self) -> &str {
        self.backend.driver_name()
    }

    /// Runs one of the engine's [commands](crate::driver::command).
    ///
    /// # Errors
    /// As [`AsyncTypedStore::run`].
    pub async fn run<C: Command>(&self, command: C) -> Result<C::Output, NetabaseError> {
        self.backend.run(command).await
    }

    /// The names of all trees that hold at least one entry, in order.
    ///
    /// # Errors
    /// As [`AsyncTypedStore::tree_names`].
    pub async fn tree_names(&self) -> Result<Vec<String>, NetabaseError> {
        self.backend.tree_names().await
    }

    /// Closes the database. Later calls answer [`Closed`](crate::ErrorKind::Closed).
    pub fn close(&self) {
        self.backend.close();
    }
}

#[cfg(any(feature = "redb", feature = "redb-zerocopy"))]
impl<D: NetabaseDefinitionTrait, E: crate::databases::RedbEngine>
    NetabaseStore<D, TypedStore<D, E>>
{
    /// Checks every page of the database; repairs what can be. `true` if it was sound.
    ///
    /// # Errors
    /// [`Conflict`](crate::ErrorKind::Conflict) while a transaction is open, or an error of the engine.
    pub fn check_integrity(&self) -> Result<bool, NetabaseError> {
        self.backend.run(command::CheckIntegrity)
    }

    /// Makes the file smaller. `true` if it is.
    ///
    /// # Errors
    /// [`Conflict`](crate::ErrorKind::Conflict) while a transaction is open, or an error of the engine.
    pub fn compact(&self) -> Result<bool, NetabaseError> {
        self.backend.run(command::Compact)
    }

    /// The engine's figures, a line `name=value` for each.
    ///
    /// # Errors
    /// An error of the engine.
    pub fn stats(&self) -> Result<String, NetabaseError> {
        self.backend.run(command::Stats)
    }

    /// Space that the database takes on disk, in bytes.
    ///
    /// # Errors
    /// An error of the engine.
    pub fn size_on_disk(&self) -> Result<u64, NetabaseError> {
        self.backend.run(command::SizeOnDisk)
    }
}
