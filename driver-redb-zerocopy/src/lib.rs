//! The zero-copy redb driver of `netabase_store`: the [redb driver](netabase_driver_redb) under a name of its own, for
//! stores whose reads are pinned to their transaction.
//!
//! Files, options and maintenance operations are those of the redb driver, and so is the implementation: each reads what
//! the other wrote. Linked in, its read transactions give [guards](PinnedRead): values in redb's own pages, for as long as
//! the transaction lives. Loaded by name it lends values to closures, as every driver does; guards do not cross the driver
//! ABI.
//!
//! # Examples
//! ```
//! use netabase_core::driver::{Driver, Durability, OpenConfig, PinnedRead, Read, Database, Write};
//! use netabase_driver_redb_zerocopy::RedbZeroCopy;
//!
//! let folder = tempfile::tempdir()?;
//! let store = RedbZeroCopy.open(&OpenConfig::new(&folder.path().join("people.redb")))?;
//!
//! let mut writer = store.begin_write()?;
//! let people = writer.tree("people")?;
//! writer.put(people, b"ada", b"1815", |_| ())?;
//! writer.put(people, b"alan", b"1912", |_| ())?;
//! writer.commit(Durability::Immediate)?;
//!
//! let reader = store.begin_read()?;
//! let people = reader.tree("people")?;
//! let (ada, alan) = (reader.get_pinned(people, b"ada")?, reader.get_pinned(people, b"alan")?);
//! assert_eq!(ada.as_ref().map(AsRef::as_ref), Some(&b"1815"[..]));
//! assert_eq!(alan.as_ref().map(AsRef::as_ref), Some(&b"1912"[..]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A guard cannot outlive the transaction that it is pinned to:
//! ```compile_fail,E0505
//! # use netabase_core::driver::{Driver, OpenConfig, PinnedRead, Read, Database};
//! # use netabase_driver_redb_zerocopy::RedbZeroCopy;
//! # let folder = tempfile::tempdir()?;
//! # let store = RedbZeroCopy.open(&OpenConfig::new(&folder.path().join("people.redb")))?;
//! # let reader = store.begin_read()?;
//! # let people = reader.tree("people")?;
//! let ada = reader.get_pinned(people, b"ada")?;
//! drop(reader);
//! assert!(ada.is_none());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

use netabase_core::driver::{Driver, Manifest, OpenConfig, Result};
use netabase_driver_redb::Redb;

#[cfg(doc)]
use netabase_core::driver::PinnedRead;

pub use netabase_driver_redb::{RedbCursor, RedbDatabase, RedbGuard, RedbReader, RedbWriter};

/// What the driver is and what callers may rely on; its dynamic library states the same.
pub static MANIFEST: Manifest = netabase_driver_redb::manifest("redb-zerocopy");

/// The redb engine, for stores whose reads are pinned to their transaction.
///
/// [`open`](Driver::open) takes what [`Redb`] takes.
#[derive(Debug, Clone, Copy, Default)]
pub struct RedbZeroCopy;

impl Driver for RedbZeroCopy {
    type Database = RedbDatabase;

    fn manifest(&self) -> &Manifest {
        &MANIFEST
    }

    fn open(&self, config: &OpenConfig<'_>) -> Result<RedbDatabase> {
        Redb.open(config)
    }
}
