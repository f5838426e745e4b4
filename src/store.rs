//! Stores, and what their calls return: trees, transactions, batches and iterators.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;

use netabase_core::driver::asynchronous::{AsyncDriver, TemporaryConfig};
use netabase_core::driver::{Driver, Durability, OpenConfig};
use netabase_core::store::asynchronous::{AsyncTree, AsyncTypedStore};

pub use netabase_core::store::*;

use crate::FileConfig;
use crate::traits::store_ops::BackendFor;
use crate::{NetabaseDefinitionTrait, NetabaseError, NetabaseModelTrait};

/// One database of the definition `D` on the backend `B`.
///
/// The constructor decides on the engine; everything after it is the same for all of them, and comes from the backend: a
/// [`Store`] or, on an engine that cannot block, an [`AsyncStore`]. A clone is another handle of the same database.
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

impl<D: NetabaseDefinitionTrait, B: BackendFor<D>> NetabaseStore<D, B> {
    /// The view of one model's records in which each call is a transaction of its own: a [`Tree`], or an [`AsyncTree`].
    #[inline]
    #[must_use]
    pub fn open_tree<M: NetabaseModelTrait<D>>(&self) -> B::Tree<'_, M> {
        self.backend.tree()
    }
}

impl<D, B> Deref for NetabaseStore<D, B> {
    type Target = B;

    #[inline]
    fn deref(&self) -> &B {
        &self.backend
    }
}

impl<D, B: Clone> Clone for NetabaseStore<D, B> {
    fn clone(&self) -> Self {
        Self::from_backend(self.backend.clone())
    }
}

impl<D, B: fmt::Debug> fmt::Debug for NetabaseStore<D, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NetabaseStore")
            .field("backend", &self.backend)
            .finish()
    }
}

/// A handle of one open database that holds the models of the definition `D`, on the engine `E`.
///
/// A clone is another handle of the same database, and costs a reference count. The database is closed when the last
/// handle is dropped, or for all of them by [`close`](TypedStore::close). Trees and transactions borrow a handle.
///
/// [`MemoryStore`](crate::MemoryStore), `RedbStore` and the like are this type on one engine each, with its own methods.
pub struct Store<D, E: Driver>(Arc<TypedStore<D, E>>);

impl<D: NetabaseDefinitionTrait, E: Driver> Store<D, E> {
    /// Opens the database that `config` names, on this driver.
    ///
    /// # Errors
    /// As [`TypedStore::open_on`].
    pub fn open_on(driver: &E, config: &FileConfig) -> Result<Self, NetabaseError> {
        TypedStore::open_on(driver, config).map(Self::from)
    }

    /// [`open_on`](Self::open_on) with all that a driver takes.
    ///
    /// # Errors
    /// As [`TypedStore::open_on`].
    pub fn open_with(
        driver: &E,
        config: &OpenConfig<'_>,
        durability: Durability,
    ) -> Result<Self, NetabaseError> {
        TypedStore::open_with(driver, config, durability).map(Self::from)
    }

    /// The view of one model's records in which each call is a transaction of its own.
    #[inline]
    #[must_use]
    pub fn open_tree<M: NetabaseModelTrait<D>>(&self) -> Tree<'_, D, M, E> {
        self.0.open_tree()
    }
}

impl<D: NetabaseDefinitionTrait, E: Driver + Default> Store<D, E> {
    /// Opens the database at a path, or as a [`FileConfig`] says; creates it if there is none. Keeps what is there.
    ///
    /// # Errors
    /// As [`TypedStore::open_on`].
    pub fn new(config: impl Into<FileConfig>) -> Result<Self, NetabaseError> {
        TypedStore::new(config).map(Self::from)
    }

    /// Opens the existing database at a path, or as a [`FileConfig`] says.
    ///
    /// # Errors
    /// As [`TypedStore::open`].
    pub fn open(config: impl Into<FileConfig>) -> Result<Self, NetabaseError> {
        TypedStore::open(config).map(Self::from)
    }

    /// Opens an empty database that is removed when its last handle is dropped. Commits do not wait for the disk.
    ///
    /// # Errors
    /// As [`TypedStore::temp`].
    pub fn temp() -> Result<Self, NetabaseError> {
        TypedStore::temp().map(Self::from)
    }
}

/// [`Store`] on an engine that cannot block: the same, awaited.
pub struct AsyncStore<D, A: AsyncDriver>(Arc<AsyncTypedStore<D, A>>);

impl<D: NetabaseDefinitionTrait, A: AsyncDriver> AsyncStore<D, A> {
    /// Opens the database that `config` names, on this driver.
    ///
    /// # Errors
    /// As [`AsyncTypedStore::open_on`].
    pub async fn open_on(driver: &A, config: &A::Config) -> Result<Self, NetabaseError> {
        AsyncTypedStore::open_on(driver, config)
            .await
            .map(Self::from)
    }

    /// The view of one model's records in which each call is a transaction of its own.
    #[must_use]
    pub fn open_tree<M: NetabaseModelTrait<D>>(&self) -> AsyncTree<'_, D, M, A> {
        self.0.open_tree()
    }
}

impl<D: NetabaseDefinitionTrait, A: AsyncDriver + Default> AsyncStore<D, A> {
    /// Opens the database that `config` names; creates it if there is none. Keeps what is there.
    ///
    /// # Errors
    /// As [`AsyncTypedStore::open_on`].
    pub async fn new(config: impl Into<A::Config>) -> Result<Self, NetabaseError> {
        AsyncTypedStore::new(config).await.map(Self::from)
    }

    /// Opens the existing database that `config` names.
    ///
    /// # Errors
    /// As [`AsyncTypedStore::open`].
    pub async fn open(config: impl Into<A::Config>) -> Result<Self, NetabaseError> {
        AsyncTypedStore::open(config).await.map(Self::from)
    }

    /// Opens an empty database that is removed when its last handle is dropped. Commits do not wait for the disk.
    ///
    /// # Errors
    /// As [`AsyncTypedStore::temp`].
    pub async fn temp() -> Result<Self, NetabaseError>
    where
        A::Config: TemporaryConfig,
    {
        AsyncTypedStore::temp().await.map(Self::from)
    }
}

macro_rules! handle {
    ($handle:ident<$engine:ident: $driver:ident> of $target:ident) => {
        impl<D, $engine: $driver> Deref for $handle<D, $engine> {
            type Target = $target<D, $engine>;

            #[inline]
            fn deref(&self) -> &Self::Target {
                &self.0
            }
        }

        impl<D, $engine: $driver> Clone for $handle<D, $engine> {
            fn clone(&self) -> Self {
                Self(Arc::clone(&self.0))
            }
        }

        impl<D, $engine: $driver> From<$target<D, $engine>> for $handle<D, $engine> {
            fn from(store: $target<D, $engine>) -> Self {
                Self(Arc::new(store))
            }
        }

        impl<D, $engine: $driver> fmt::Debug for $handle<D, $engine> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple(stringify!($handle)).field(&*self.0).finish()
            }
        }
    };
}

handle!(Store<E: Driver> of TypedStore);
handle!(AsyncStore<A: AsyncDriver> of AsyncTypedStore);
