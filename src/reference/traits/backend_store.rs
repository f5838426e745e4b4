//! Opening a backend from a configuration, the same way for each.

use netabase_core::driver::Driver;

use crate::store::Store;
use crate::{FileConfig, NetabaseDefinitionTrait, NetabaseError};

/// A backend that is opened from a configuration.
///
/// # Examples
/// ```
/// # #[netabase_store::netabase_definition_module(Library, LibraryKeys)]
/// # mod library {
/// #     use netabase_store::{NetabaseModel, netabase};
/// #     #[derive(NetabaseModel)]
/// #     #[netabase(Library)]
/// #     pub struct Book { #[primary_key] pub id: u64, pub title: String }
/// # }
/// # use library::*;
/// use netabase_store::MemoryStore;
/// use netabase_store::traits::backend_store::BackendStore;
///
/// let store = <MemoryStore<Library> as BackendStore<Library>>::temp()?;
/// store.open_tree::<Book>().put(Book { id: 1, title: "Emma".into() })?;
/// # Ok::<(), netabase_store::NetabaseError>(())
/// ```
pub trait BackendStore<D: NetabaseDefinitionTrait>: Sized {
    /// What says how to open it.
    type Config;

    /// Opens the database; creates it if there is none and the configuration allows it. Keeps what is there.
    ///
    /// # Errors
    /// As [`Store::new`].
    fn new(config: Self::Config) -> Result<Self, NetabaseError>;

    /// Opens the existing database.
    ///
    /// # Errors
    /// As [`Store::open`].
    fn open(config: Self::Config) -> Result<Self, NetabaseError>;

    /// Opens an empty database that is removed when it is dropped.
    ///
    /// # Errors
    /// As [`Store::temp`].
    fn temp() -> Result<Self, NetabaseError>;
}

impl<D: NetabaseDefinitionTrait, E: Driver + Default> BackendStore<D> for Store<D, E> {
    type Config = FileConfig;

    fn new(config: FileConfig) -> Result<Self, NetabaseError> {
        Self::new(config)
    }

    fn open(config: FileConfig) -> Result<Self, NetabaseError> {
        Self::open(config)
    }

    fn temp() -> Result<Self, NetabaseError> {
        Self::temp()
    }
}
