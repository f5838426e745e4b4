//! How a database is opened.

use std::time::Duration;

use netabase_core::config::BUSY_TIMEOUT;
use netabase_core::driver::Durability;
use netabase_core::driver::asynchronous::{AsyncConfig, TemporaryConfig};
use typed_builder::TypedBuilder;

/// How to open a database of the browser's IndexedDB.
///
/// # Examples
/// ```
/// use netabase_driver_indexeddb::IndexedDBConfig;
///
/// let config = IndexedDBConfig::builder().database_name("my_app".into()).build();
/// assert_eq!(config.version, 1);
/// assert_eq!(config, IndexedDBConfig::new("my_app"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, TypedBuilder)]
pub struct IndexedDBConfig {
    /// The database's name, which pages of the same origin share.
    pub database_name: String,
    /// The version that this program gives the database, 1 or more. Opening a database of a lower version upgrades it, and
    /// closes it in every page that opened it with the lower one; opening one of a higher version is
    /// [`SchemaMismatch`](netabase_core::driver::ErrorKind::SchemaMismatch). New trees need no other version.
    #[builder(default = 1)]
    pub version: u32,
    /// Create the database if there is none. Without it, opening a missing database is
    /// [`NotFound`](netabase_core::driver::ErrorKind::NotFound).
    #[builder(default = true)]
    pub create_if_missing: bool,
    /// Start empty: remove all that an existing database holds.
    #[builder(default = false)]
    pub truncate: bool,
    /// Open an empty database of a name that no other has, which begins with `database_name`, and delete it when the store
    /// is dropped. One whose page ends before that stays.
    #[builder(default = false)]
    pub temporary: bool,
    /// How long a write waits for another write transaction to end, in this page or another. After that it fails with
    /// [`Conflict`](netabase_core::driver::ErrorKind::Conflict).
    #[builder(default = BUSY_TIMEOUT)]
    pub busy_timeout: Duration,
}

impl IndexedDBConfig {
    /// The defaults, for the database of this name.
    pub fn new(database_name: impl Into<String>) -> Self {
        Self::builder().database_name(database_name.into()).build()
    }
}

/// The defaults, for the database of this name.
impl<N: Into<String>> From<N> for IndexedDBConfig {
    fn from(database_name: N) -> Self {
        Self::new(database_name)
    }
}

impl AsyncConfig for IndexedDBConfig {
    fn existing(self) -> Self {
        Self {
            create_if_missing: false,
            ..self
        }
    }

    fn is_read_only(&self) -> bool {
        false
    }

    fn durability(&self) -> Durability {
        Durability::Immediate
    }

    fn busy_timeout(&self) -> Duration {
        self.busy_timeout
    }
}

impl TemporaryConfig for IndexedDBConfig {
    fn temporary() -> Self {
        Self {
            temporary: true,
            ..Self::new("netabase-temporary")
        }
    }
}
