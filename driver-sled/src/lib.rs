//! The sled driver of `netabase_store`: ordered trees of bytes in a folder of [sled](https://docs.rs/sled/0.34.7).
//!
//! Each tree is a sled tree that bears the tree's name. sled itself has neither snapshots nor transactions that live
//! beyond a closure; the driver adds both:
//! - A write transaction keeps its changes in memory until it commits, reads through them, and gives them to sled in one of
//!   sled's own transactions, which may cover several trees. Dropping it drops the changes.
//! - A read transaction sees the trees as they were when it began: what later commits replace is kept for it. It never
//!   makes a writer wait for longer than one of its operations. Beginning never waits for a writer; a read waits while
//!   sled runs a commit, to this database or to any other that the process has open: sled has one lock for all.
//! - The number of entries of a tree is counted on the first question after opening, which reads the whole tree, and
//!   kept up to date from then on.
//!
//! # Memory
//! What a transaction holds is bounded by what is changed, not by what is stored.
//! - A write transaction holds each key that it changed once, with the value before and the value after. `clear` costs
//!   nothing until the commit, which then holds every entry of the tree.
//! - A value of more than 12 KiB is put together in memory by each read of it, and a second time while it is committed.
//!   Memory that holds a part of sled's log, 4 MiB, is taken whenever the one before is full, and given back when it is
//!   written.
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
//! A commit is one batch of sled's log: after a crash all of it is there or nothing, also when the device was full. With
//! [`Durability::Immediate`](netabase_core::driver::Durability::Immediate) the log is written and synchronised, file
//! length included, before `commit` returns. A commit that the engine could not finish ends the handle for writing; the
//! database is to be closed and opened again.
//!
//! One case is beyond the driver: where a page cannot be read while a commit changes the page beside it, sled ends its
//! batch, and what was done of it until then stays in the database. The commit returns
//! [`Corrupt`](netabase_core::driver::ErrorKind::Corrupt) or [`Io`](netabase_core::driver::ErrorKind::Io). Such a
//! database is damaged, and to be restored from a copy.
//!
//! # Limits
//! sled writes a page of more than a quarter of a segment of its log to a file of its own, which it neither synchronises
//! nor handles well when the device is full. The driver never lets it come to that by what it writes itself; a database
//! with segments of 4 MiB that another program made with sled is opened as well, and its keys and values keep to no bound:
//! - Databases are made with segments of 4 MiB, so that a page may have 1 MiB; sled's own default is 512 KiB. A database
//!   with other segments is refused with [`Unsupported`](netabase_core::driver::ErrorKind::Unsupported). What that
//!   costs: a file is as long as a segment once it was opened a second time, and five segments where little data is
//!   overwritten again and again; opening takes some milliseconds longer.
//! - A key may have 2000 bytes.
//! - A value may be of any length. One of more than 12 KiB is cut into chunks of that length, all but the first of which
//!   lie in a tree of the driver's own; to read it costs a lookup for each. A shorter one costs nothing more than in
//!   sled itself.
//! - The names of all trees together, and 32 bytes for each, must fit into a page; a commit that would go beyond is
//!   refused with [`LimitExceeded`](netabase_core::driver::ErrorKind::LimitExceeded), and the store goes on.
//!
//! # Integrity
//! `check_integrity` reads every entry of every tree in both directions, large values with all their chunks, and compares order
//! and number; sled verifies the checksum of each page that it reads from disk. It does not look for chunks that no value
//! leads to, which only take space; a commit that was cut off by an unreadable page may leave some.
//!
//! A large value of which a chunk is damaged is [`Corrupt`](netabase_core::driver::ErrorKind::Corrupt) to read. Replacing or
//! removing it reads it too, and is refused with the same error, as is the commit after a `clear` of its tree. Every other
//! entry can be read and written.
//!
//! sled takes damage in its log for the end of a write that a crash cut off, and drops it with all that follows. The driver
//! notices what is lost of that which was there when the database was last closed: opening it is `Corrupt` then, and says
//! how many commits are in doubt. It compares a number at the end of the log with one in the file `netabase.commits`, both written on
//! closing; a folder without the file is opened as it is. sled has cut off the damaged end of its log by then: keep a copy of the
//! folder if somebody is to look into it. What was committed after the last closing, by a program that then
//! crashed, is not watched.
//!
//! # Reading only
//! sled writes to every database that it opens. With `read_only` the driver locks the database against writers, opens a
//! temporary copy of it, and removes that when it is closed: no byte of the original changes, and opening costs the time and
//! the room of a copy. It is made in the system's folder for temporary files, which the environment variable `TMPDIR` names.
//! The command [`TemporaryBytes`](netabase_core::driver::command::TemporaryBytes) gives its size.
//!
//! # Options
//! - `flush_every_ms`: how often sled writes what was committed without durability, in milliseconds, or `never`. sled's
//!   own default is 500.
//! - `mode`: `low_space`, sled's default, or `high_throughput`.
//! - `accept_lost_commits`: `true` opens a database whose log has lost its end, with what is left of it.
//!
//! # Examples
//! ```
//! use netabase_core::driver::{Driver, Durability, OpenConfig, Read, Database, Write};
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

mod change;
mod commits;
mod config;
mod copy;
mod cursor;
mod database;
mod disk;
mod engine;
mod error;
mod folder;
mod history;
mod large;
mod maintenance;
mod snapshot;
mod transaction;
mod write_tree;

use std::borrow::Cow;

use netabase_core::driver::{Capabilities, Driver, Limits, Manifest, OpenConfig, Result};

pub use cursor::{SledReadCursor, SledWriteCursor};
pub use database::SledDatabase;
pub use transaction::{SledReader, SledWriter};

/// The sled release that this driver is built and tested with.
const ENGINE_VERSION: &str = "0.34.7";

/// What the driver is and what callers may rely on; its dynamic library states the same.
pub static MANIFEST: Manifest = Manifest {
    name: Cow::Borrowed("sled"),
    version: Cow::Borrowed(env!("CARGO_PKG_VERSION")),
    engine: Cow::Borrowed("sled"),
    engine_version: Cow::Borrowed(ENGINE_VERSION),
    capabilities: Capabilities::PERSISTENT
        .with(Capabilities::DURABLE)
        .with(Capabilities::DEFERRED)
        .with(Capabilities::SNAPSHOTS)
        .with(Capabilities::READ_ONLY)
        .with(Capabilities::SURVIVES_DAMAGE),
    limits: Limits {
        key_bytes: large::KEY as u64,
        value_bytes: 0,
        transaction_bytes: 0,
    },
    commands: Cow::Borrowed(maintenance::COMMANDS),
};

/// The sled engine.
///
/// [`open`](Driver::open) takes a folder, or the place of one that is to be created; an empty folder counts as one that
/// is not there yet. sled cannot open a database for reading only.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sled;

impl Driver for Sled {
    type Database = SledDatabase;

    fn manifest(&self) -> &Manifest {
        &MANIFEST
    }

    fn open(&self, config: &OpenConfig<'_>) -> Result<SledDatabase> {
        SledDatabase::open(config)
    }
}
