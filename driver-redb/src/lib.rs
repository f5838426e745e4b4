//! The redb driver of `netabase_store`: ordered trees of bytes in one [redb](https://docs.rs/redb) file.
//!
//! Each tree is a redb table that bears the tree's name. Reads hand out redb's own pages; a transaction opens each
//! table once and keeps it open until its end.
//!
//! Keys and values are byte slices, `TableDefinition<&[u8], &[u8]>`. Where their widths are known when the tree is
//! created (`Read::sized_tree`), they may be arrays, `&[u8; N]`, which take less room and are found faster: keys of 4, 8
//! or 16 bytes; keys of 8, 12, 16, 20 or 24 bytes and any others without values, `()`; and values of 8 bytes under keys
//! of 8 bytes and any others. A table keeps its types for as long as it holds entries.
//!
//! # After a failure
//! redb refuses every call after one that failed on the file. The driver closes the file then and opens it again, with the
//! next transaction that begins once no other one runs. Opening repairs the file first as after a crash, which reads all
//! of it unless `quick_repair` is on; transactions that begin meanwhile, for reading or writing, wait until it is
//! done. Commits without durability may be lost by it; one transaction is then refused with
//! [`CommitsLost`](netabase_core::driver::ErrorKind::CommitsLost).
//!
//! # Reading only
//! With `read_only` no byte of the file changes. A file that was not closed cleanly is repaired in memory, which reads all of it
//! unless `quick_repair` was on, and holds in memory the pages that the repair writes.
//!
//! # Options
//! - `quick_repair`: `true` stores with each commit what a repair would have to compute, so that opening after a crash takes
//!   no longer than otherwise; commits cost more.
//! - `two_phase_commit`: `true` synchronises twice a commit, which protects against a file made to mislead redb's recovery.
//! - `check_integrity_on_open`: `true` verifies the checksums of all pages when the file is opened, and repairs what it can:
//!   some 0.9 ms a MiB where the file is in memory already, half of what reading all records costs
//!   (`cargo run --profile dist -p benches --example opening`), or as long as the disk takes to read it.
//!
//! # Damage
//! redb checks its pages only then. The driver notices a tree that was lost whole, by a table `$trees` with the names of those
//! that hold entries, and counts entries; the typed layer checks each record that it reads.
//!
//! # Examples
//! ```
//! use netabase_core::driver::{Driver, Durability, OpenConfig, Read, Database, Write};
//! use netabase_driver_redb::Redb;
//!
//! let folder = tempfile::tempdir()?;
//! let store = Redb.open(&OpenConfig::new(&folder.path().join("people.redb")))?;
//!
//! let mut writer = store.begin_write()?;
//! let people = writer.tree("people")?;
//! writer.put(people, b"ada", b"1815", |_| ())?;
//! writer.commit(Durability::Immediate)?;
//!
//! let reader = store.begin_read()?;
//! let people = reader.tree("people")?;
//! assert_eq!(reader.get(people, b"ada", <[u8]>::to_vec)?, Some(b"1815".to_vec()));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

mod config;
mod creation;
mod cursor;
mod database;
mod device;
mod engine;
mod error;
mod guard;
mod layout;
mod maintenance;
mod names;
#[cfg(test)]
mod power_loss;
mod repair;
mod tables;
mod transaction;
mod write_tree;

use std::borrow::Cow;

use netabase_core::driver::{Capabilities, Driver, Limits, Manifest, OpenConfig, Result};

pub use cursor::RedbCursor;
pub use database::RedbDatabase;
pub use guard::RedbGuard;
pub use transaction::{RedbReader, RedbWriter};

/// The redb release that this driver is built and tested with.
const ENGINE_VERSION: &str = "4.6.0";

/// redb's bound on a key and on a value, each: `MAX_VALUE_LENGTH` in its `page_store::base`. What it counts together,
/// 3.75 GiB, is reported as `LimitExceeded` by redb itself.
const LENGTH_LIMIT: u64 = 3 * 1024 * 1024 * 1024;

/// What the driver is and what callers may rely on; its dynamic library states the same.
pub static MANIFEST: Manifest = manifest("redb");

/// The redb engine.
///
/// [`open`](Driver::open) takes a file, or the place of one that is to be created; a file of no bytes counts as one
/// that is not there yet.
#[derive(Debug, Clone, Copy, Default)]
pub struct Redb;

impl Driver for Redb {
    type Database = RedbDatabase;

    fn manifest(&self) -> &Manifest {
        &MANIFEST
    }

    fn open(&self, config: &OpenConfig<'_>) -> Result<RedbDatabase> {
        RedbDatabase::open(config)
    }
}

/// The manifest of a driver of this name that shares this one's implementation.
#[must_use]
pub const fn manifest(name: &'static str) -> Manifest {
    Manifest {
        name: Cow::Borrowed(name),
        version: Cow::Borrowed(env!("CARGO_PKG_VERSION")),
        engine: Cow::Borrowed("redb"),
        engine_version: Cow::Borrowed(ENGINE_VERSION),
        capabilities: Capabilities::PERSISTENT
            .with(Capabilities::DURABLE)
            .with(Capabilities::DEFERRED)
            .with(Capabilities::SNAPSHOTS)
            .with(Capabilities::ZERO_COPY)
            .with(Capabilities::COUNTED)
            .with(Capabilities::SURVIVES_DAMAGE)
            .with(Capabilities::READ_ONLY),
        limits: Limits {
            key_bytes: LENGTH_LIMIT,
            value_bytes: LENGTH_LIMIT,
            transaction_bytes: 0,
        },
        commands: Cow::Borrowed(maintenance::COMMANDS),
    }
}
