//! The sled driver of `netabase_store`: ordered trees of bytes in a folder of [sled](https://docs.rs/sled/0.34.7).
//!
//! Each tree is a sled tree that bears the tree's name. sled itself has neither snapshots nor transactions that live
//! beyond a closure; the driver adds both:
//! - A write transaction keeps its changes in memory until it commits, reads through them, and gives them to sled in one of
//!   sled's own transactions, which may cover several trees. Dropping it drops the changes.
//! - A read transaction sees the trees as they were when it began: what later commits replace is kept for it. It never
//!   makes a writer wait for longer than one of its operations. Beginning never waits for a writer; a read waits while
//!   sled runs a commit.
//! - The number of entries of a tree is counted on the first question after opening, which reads the whole tree, and
//!   kept up to date from then on.
//!
//! # Memory
//! What a transaction holds is bounded by what is changed, not by what is stored.
//! - A write transaction holds each key that it changed once, with the value before and the value after. `clear` costs
//!   nothing until the commit, which then holds every entry of the tree.
//! - A commit is where the memory goes: sled keeps every version of a leaf that one of its transactions replaces until that
//!   transaction ends, a few KiB for each changed entry.
//! - A read transaction costs nothing while nobody commits. Else at most one value is kept for each key that was changed
//!   and each point in time that a read transaction began at, and only as long as a transaction that began before the
//!   change lives: what was kept for a transaction that has ended is kept for as long as an older one runs. An old read
//!   transaction under heavy writing is what costs memory.
//!
//! Measured (`cargo xtask bench --engines sled`) on 100,000 records of 250 bytes with two index entries each, which are
//! 300,000 changed entries in one transaction: 91 MiB at its peak until it commits or rolls back, and 1.6 GiB at the peak of
//! the commit. sled without the driver takes 96 MiB and 1.4 GiB for the same. Where all or nothing is not needed, several
//! transactions take less: the peak falls in proportion.
//!
//! # Durability
//! A commit is one batch of sled's log: after a crash all of it is there or nothing. With
//! [`Durability::Immediate`](netabase_core::driver::Durability::Immediate) the log is written and synchronised, file
//! length included, before `commit` returns. Pages of more than 128 KiB are kept by sled in files of their own, beside
//! the log; sled does not synchronise them, so the driver does, at each immediate commit. The loss of power, not that
//! of the process, before the next immediate commit can therefore damage such pages.
//!
//! # Known defects
//! A device that is full while sled writes such a page of its own file is not handled well by sled. Sixteen values of
//! 8 KiB may share a page. The commit answers [`LimitExceeded`](netabase_core::driver::ErrorKind::LimitExceeded), and no
//! transaction of this process sees anything of it; but sled may write a part of it to its log, which is there when the
//! database is opened again, and closing the database may never return. Where devices may fill up, keep values small or
//! use another engine.
//!
//! # Options
//! - `flush_every_ms`: how often sled writes what was committed without durability, in milliseconds, or `never`. sled's
//!   own default is 500.
//! - `mode`: `low_space`, sled's default, or `high_throughput`.
//!
//! # Examples
//! ```
//! use netabase_core::driver::{Driver, Durability, OpenConfig, Read, Store, Write};
//! use netabase_driver_sled::Sled;
//!
//! let folder = tempfile::tempdir()?;
//! let store = Sled.open(&OpenConfig::new(&folder.path().join("people.sled")))?;
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

mod changes;
mod config;
mod cursor;
mod disk;
mod error;
mod folder;
mod history;
mod large;
mod maintenance;
mod snapshot;
mod store;
mod transaction;

use std::borrow::Cow;

use netabase_core::driver::{Capabilities, Driver, Limits, Manifest, OpenConfig, Result};

pub use cursor::{SledReadCursor, SledWriteCursor};
pub use store::SledDatabase;
pub use transaction::{SledReader, SledWriter};

/// The sled release that this driver is built and tested with.
const ENGINE_VERSION: &str = "0.34.7";

static MANIFEST: Manifest = Manifest {
    name: Cow::Borrowed("sled"),
    version: Cow::Borrowed(env!("CARGO_PKG_VERSION")),
    engine: Cow::Borrowed("sled"),
    engine_version: Cow::Borrowed(ENGINE_VERSION),
    capabilities: Capabilities::PERSISTENT
        .with(Capabilities::DURABLE)
        .with(Capabilities::DEFERRED)
        .with(Capabilities::SNAPSHOTS),
    limits: Limits {
        key_bytes: large::KEY as u64,
        value_bytes: 0,
        transaction_bytes: 0,
    },
    operations: Cow::Borrowed(maintenance::OPERATIONS),
};

/// The sled engine.
///
/// [`open`](Driver::open) takes a folder, or the place of one that is to be created; an empty folder counts as one that
/// is not there yet. sled cannot open a database for reading only.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sled;

#[cfg(feature = "dynamic")]
netabase_core::export_driver!(netabase_driver_sled: Sled = Sled, manifest: MANIFEST);

impl Driver for Sled {
    type Store = SledDatabase;

    fn manifest(&self) -> &Manifest {
        &MANIFEST
    }

    fn open(&self, config: &OpenConfig<'_>) -> Result<SledDatabase> {
        SledDatabase::open(config)
    }
}
