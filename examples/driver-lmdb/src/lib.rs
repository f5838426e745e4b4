//! The LMDB driver of `netabase_store`: ordered trees of bytes in a folder of [LMDB](http://www.lmdb.tech/doc/), by way of
//! [heed](https://docs.rs/heed/0.23).
//!
//! An example of a driver from outside: it depends on `netabase-core` alone, and runs the conformance suite in a test of its
//! own (`tests/conformance.rs`). LMDB differs from the engines that come with `netabase_store` in nearly every limit; here is
//! how each is met.
//!
//! # Trees
//! All trees lie in LMDB's one unnamed database, a number of four bytes before each key (`src/records.rs`), and not in a
//! named database each. A named database has to be opened, once and for good, by a transaction that ends before any other
//! uses it; a driver has to know a tree as soon as somebody asks for it, in the middle of any transaction, and without
//! creating it. It would also need to know how many trees there will be before it opens the first. With one database a tree
//! costs one look-up for each transaction, and the number of its entries is kept beside its name. What it costs is
//! `clear`, which removes entry by entry, and four bytes of each key.
//!
//! # Keys
//! LMDB takes keys of 511 bytes; [507](netabase_core::driver::Limits::key_bytes) are left. It refuses to look for a longer
//! one even where it only is the bound of a cursor, so such a bound is cut to what means the same.
//!
//! # Write transactions
//! A [`LmdbWriter`] may move between threads. LMDB's cannot: the thread that takes LMDB's writer lock has to give it back.
//! Of the ways around that,
//! - buffering the changes, to hand them over in one short transaction of LMDB's when they are committed, holds all of them
//!   in memory, and looks everything up twice;
//! - running each call on a thread that LMDB's transaction stays on costs two changes of threads a call;
//! - the POSIX semaphores that LMDB can be built with belong to no thread, but are not there on every system.
//!
//! This driver has one thread for each open database that takes the lock and gives it back (`src/gate.rs`), and lends the
//! transaction out in between, to one thread at a time. Nothing else of a write transaction of LMDB depends on the thread,
//! which is why heed lets it be sent. It costs two changes of threads a transaction, beside which the disk is waited for.
//!
//! # Read transactions
//! LMDB is opened so that they belong to no thread. Each takes a place in a table that is made when the database is opened;
//! beyond `max_readers` there is none, and beginning is
//! [`LimitExceeded`](netabase_core::driver::ErrorKind::LimitExceeded). While one lives, no page that it shows is used again,
//! so that the file grows if others write. Reads allocate nothing and copy nothing but the key.
//!
//! # Size
//! LMDB maps the whole file, and a map has to be as large as the file will ever be. Its default of 256 GiB takes addresses, not
//! memory, and the file has the size of what is in it. Where addresses are scarce, `map_size` sets another. A write beyond it
//! is `LimitExceeded`, its transaction is lost, and others go on; a larger `map_size` takes effect at the next opening. The
//! map is not made larger while the database is open, since that needs every transaction to end.
//!
//! # Durability
//! Each commit is on disk when it returns, also with
//! [`Durability::None`](netabase_core::driver::Durability::None). LMDB can leave the writing to the system, but then the loss
//! of power may damage all that it holds, unless the system keeps the order of writes; few do. The driver declares no cheaper
//! commit, so that callers know. There is nothing to `flush`.
//!
//! LMDB verifies no checksums. It recovers from every crash, of the process or the system, but trusts what is in its file: a
//! file that something else damaged may end the process, which is why the driver does not declare
//! [`SURVIVES_DAMAGE`](netabase_core::driver::Capabilities::SURVIVES_DAMAGE). What it still reads from such a file is either
//! right or an error: records carry checksums of the typed layer's, and the driver checks the names and the lengths of trees.
//!
//! # Other handles
//! LMDB lets other processes write at the same time, but not a second copy of itself in one process, which is what a
//! program has that links this driver in and loads it, too. To keep one promise everywhere, the driver locks the data file for
//! itself: a second handle is [`Locked`](netabase_core::driver::ErrorKind::Locked), here and in other processes; handles for
//! reading only share the file among processes. LMDB's own tools, such as `mdb_stat` and `mdb_copy`, may read it meanwhile.
//! The lock is made for Unix; elsewhere it would have to be a file beside the data.
//!
//! # Options
//! - `map_size`: how far the file can grow, in bytes. 256 GiB unless given; rounded up to 64 KiB.
//! - `max_readers`: how many read transactions may be open at the same time. 4096 unless given.
//!
//! LMDB reads from the system's cache, so that a cache size is refused.
//!
//! # Examples
//! ```
//! use netabase_core::driver::{Driver, Durability, OpenConfig, Read, Database, Write};
//! use netabase_driver_lmdb::Lmdb;
//!
//! let folder = tempfile::tempdir()?;
//! let store = Lmdb.open(&OpenConfig::new(&folder.path().join("people.lmdb")))?;
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

mod config;
mod cursor;
mod database;
mod error;
mod folder;
mod gate;
mod maintenance;
mod records;
mod transaction;

use std::borrow::Cow;

use netabase_core::driver::{Capabilities, Driver, Limits, Manifest, OpenConfig, Result};

pub use cursor::LmdbCursor;
pub use database::LmdbDatabase;
pub use transaction::{LmdbReader, LmdbWriter};

/// What the driver is and what callers may rely on; its dynamic library states the same.
pub static MANIFEST: Manifest = Manifest {
    name: Cow::Borrowed("lmdb"),
    version: Cow::Borrowed(env!("CARGO_PKG_VERSION")),
    engine: Cow::Borrowed("LMDB"),
    engine_version: Cow::Borrowed(ENGINE_VERSION),
    capabilities: Capabilities::PERSISTENT
        .with(Capabilities::DURABLE)
        .with(Capabilities::SNAPSHOTS)
        .with(Capabilities::ZERO_COPY)
        .with(Capabilities::READ_ONLY)
        .with(Capabilities::COUNTED),
    limits: Limits {
        key_bytes: records::KEY_BYTES as u64,
        value_bytes: VALUE_BYTES,
        transaction_bytes: 0,
    },
    commands: Cow::Borrowed(maintenance::COMMANDS),
};

/// The largest value that LMDB takes.
const VALUE_BYTES: u64 = 0xFFFF_FFFF;

/// The LMDB release that this driver is built and tested with.
const ENGINE_VERSION: &str = "0.9.70";

/// The LMDB engine.
///
/// [`open`](Driver::open) takes a folder, or the place of one that is to be created; an empty folder counts as one that
/// is not there yet.
#[derive(Debug, Clone, Copy, Default)]
pub struct Lmdb;

impl Driver for Lmdb {
    type Database = LmdbDatabase;

    fn manifest(&self) -> &Manifest {
        &MANIFEST
    }

    fn open(&self, config: &OpenConfig<'_>) -> Result<LmdbDatabase> {
        LmdbDatabase::open(config)
    }
}
