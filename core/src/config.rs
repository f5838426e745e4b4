//! Configuration of a database that lives in a file or folder.

use std::path::{Path, PathBuf};
use std::time::Duration;

use typed_builder::TypedBuilder;

/// How long a write waits for another one to end, unless the configuration says otherwise.
pub const BUSY_TIMEOUT: Duration = Duration::from_secs(60);

/// Whether stored records have checksums.
///
/// A new database is given one or the other, and keeps it: it stands in the schema record, so that every program and driver
/// goes by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Checksums {
    /// None: a record is its encoded value. Damage that still decodes is not noticed.
    Off,
    /// Each record has a checksum over its tree, key and value, which every read checks: 4 bytes a record. Index entries are
    /// checked against the records that they lead to.
    #[default]
    Records,
}

/// How to open a database that lives in a file or folder.
///
/// Every field is honoured by a driver or refused with [`Unsupported`](crate::error::ErrorKind::Unsupported); none is
/// accepted and ignored.
///
/// # Examples
/// ```
/// use netabase_core::config::FileConfig;
///
/// let config = FileConfig::builder().path("my_app.redb".into()).cache_size_mb(512).build();
/// assert!(config.create_if_missing);
/// assert_eq!(config.cache_size_mb, Some(512));
/// assert_eq!(FileConfig::new("my_app.redb").cache_size_mb, None);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, TypedBuilder)]
pub struct FileConfig {
    /// The database file or folder.
    pub path: PathBuf,
    /// Size of the engine's cache, in MiB. `None` leaves it to the engine; the builder takes the number itself.
    #[builder(default, setter(strip_option))]
    pub cache_size_mb: Option<usize>,
    /// Create the database if there is none. Without it, opening a missing database is
    /// [`NotFound`](crate::error::ErrorKind::NotFound).
    #[builder(default = true)]
    pub create_if_missing: bool,
    /// Start empty: remove all that an existing database holds. A file that is not a database of this engine is refused,
    /// not overwritten.
    #[builder(default = false)]
    pub truncate: bool,
    /// Open for reading only; a write is [`ReadOnly`](crate::error::ErrorKind::ReadOnly).
    #[builder(default = false)]
    pub read_only: bool,
    /// Commit with [`Durability::Immediate`](crate::driver::Durability::Immediate) unless a transaction says
    /// otherwise. Without it commits default to [`Durability::None`](crate::driver::Durability::None).
    #[builder(default = true)]
    pub use_fsync: bool,
    /// How long a write waits for another write transaction of this store to end. After that it fails with
    /// [`Conflict`](crate::error::ErrorKind::Conflict). A write that would wait for a transaction which the same thread
    /// began fails immediately.
    #[builder(default = BUSY_TIMEOUT)]
    pub busy_timeout: Duration,
    /// Whether the records of a database that is created have checksums. One that is there keeps what it has.
    #[builder(default)]
    pub checksums: Checksums,
}

impl FileConfig {
    /// The defaults, at this path.
    pub fn new(path: impl AsRef<Path>) -> Self {
        Self::builder().path(path.as_ref().to_owned()).build()
    }
}

impl<P: AsRef<Path>> From<P> for FileConfig {
    fn from(path: P) -> Self {
        Self::new(path)
    }
}
