//! The memory driver: ordered trees in memory, the reference that every other driver is held to.
//!
//! It keeps every promise of the [contract](crate::driver) in the plainest way, so that a difference between it and
//! an engine is the engine's. It backs temporary stores where no engine is linked, and runs on wasm32 as well.

mod asynchronous;
mod committed;
mod cursor;
mod database;
mod transaction;

use std::borrow::Cow;

pub use asynchronous::{AsyncMemory, AsyncMemoryDatabase, AsyncMemoryReader, AsyncMemoryWriter};
pub use cursor::MemoryCursor;
pub use database::MemoryDatabase;
pub use transaction::{MemoryReader, MemoryWriter};

use crate::driver::kit::options;
use crate::driver::{Capabilities, Driver, Limits, Manifest, OpenConfig, Result};

#[cfg(doc)]
use crate::driver::ErrorKind;

/// The memory driver. Each [`open`](Driver::open) makes a new, empty database that lives as long as its handles.
///
/// It has one command, `tree_names`.
///
/// # Examples
/// ```
/// use netabase_core::driver::{Driver, Durability, OpenConfig, Read, Database, Write};
/// use netabase_core::memory::Memory;
///
/// let store = Memory.open(&OpenConfig::new(""))?;
/// let mut writer = store.begin_write()?;
/// let tree = writer.tree("numbers")?;
/// writer.put(tree, b"one", b"1", |_| ())?;
/// writer.commit(Durability::Immediate)?;
///
/// let reader = store.begin_read()?;
/// let tree = reader.tree("numbers")?;
/// assert_eq!(reader.get(tree, b"one", <[u8]>::to_vec)?, Some(b"1".to_vec()));
/// # Ok::<(), netabase_core::driver::DriverError>(())
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct Memory;

static MANIFEST: Manifest = Manifest {
    name: Cow::Borrowed("memory"),
    version: Cow::Borrowed(env!("CARGO_PKG_VERSION")),
    engine: Cow::Borrowed("memory"),
    engine_version: Cow::Borrowed(env!("CARGO_PKG_VERSION")),
    capabilities: Capabilities::SNAPSHOTS.with(Capabilities::ZERO_COPY),
    limits: Limits::NONE,
    commands: Cow::Borrowed(committed::COMMANDS),
};

impl Driver for Memory {
    type Database = MemoryDatabase;

    fn manifest(&self) -> &Manifest {
        &MANIFEST
    }

    /// Makes a new, empty database.
    ///
    /// # Errors
    /// - [`InvalidInput`](ErrorKind::InvalidInput): a location or an option is given.
    /// - [`Unsupported`](ErrorKind::Unsupported): `read_only`, or a cache size.
    /// - [`NotFound`](ErrorKind::NotFound): `create_if_missing` is off.
    fn open(&self, config: &OpenConfig<'_>) -> Result<MemoryDatabase> {
        options::in_memory(config, "the memory driver")?;
        Ok(MemoryDatabase::default())
    }
}
