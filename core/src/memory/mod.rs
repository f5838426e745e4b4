//! The memory driver: ordered trees in memory, the reference that every other driver is held to.
//!
//! It keeps every promise of the [contract](crate::driver) in the plainest way, so that a difference between it and
//! an engine is the engine's. It backs temporary stores where no engine is linked, and runs on wasm32 as well.

mod asynchronous;
mod cursor;
mod database;
mod transaction;

use std::borrow::Cow;

pub use asynchronous::{AsyncMemory, AsyncMemoryDatabase, AsyncMemoryReader, AsyncMemoryWriter};
pub use cursor::MemoryCursor;
pub use database::MemoryDatabase;
pub use transaction::{MemoryReader, MemoryWriter};

use crate::driver::{
    Capabilities, Driver, DriverError, ErrorKind, Limits, Manifest, OpenConfig, Result,
};

/// The memory driver. Each [`open`](Driver::open) makes a new, empty database that lives as long as its handles.
///
/// It answers to one operation of its own, `tree_names`.
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
    commands: Cow::Borrowed(&[Cow::Borrowed(database::TREE_NAMES)]),
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
        check_config(config)?;
        Ok(MemoryDatabase::default())
    }
}

/// Refuses a configuration that asks for what has no meaning in memory.
fn check_config(config: &OpenConfig<'_>) -> Result<()> {
    if !config.location.is_empty() {
        return Err(DriverError::new(
            ErrorKind::InvalidInput,
            format!(
                "the memory driver keeps nothing on disk; leave the location empty instead of `{}`",
                config.location
            ),
        ));
    }
    if let Some((name, _)) = config.options.first() {
        return Err(DriverError::new(
            ErrorKind::InvalidInput,
            format!("the memory driver has no options; remove `{name}`"),
        ));
    }
    if config.read_only {
        return Err(DriverError::new(
            ErrorKind::Unsupported,
            "a memory database begins empty, so that read-only it would stay so; leave `read_only` off",
        ));
    }
    if config.cache_bytes.is_some() {
        return Err(DriverError::new(
            ErrorKind::Unsupported,
            "the memory driver holds everything in memory and has no cache; leave its size open",
        ));
    }
    if !config.create_if_missing {
        return Err(DriverError::new(
            ErrorKind::NotFound,
            "a memory database is never there before it is opened; set `create_if_missing`",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn refused(config: &OpenConfig<'_>) -> ErrorKind {
        Memory.open(config).map(drop).unwrap_err().kind()
    }

    #[test]
    fn what_has_no_meaning_in_memory_is_refused() {
        let plain = OpenConfig::new(Path::new(""));
        assert_eq!(
            refused(&OpenConfig::new(Path::new("somewhere"))),
            ErrorKind::InvalidInput
        );
        assert_eq!(
            refused(&OpenConfig {
                options: &[("speed", "high")],
                ..plain
            }),
            ErrorKind::InvalidInput
        );
        assert_eq!(
            refused(&OpenConfig {
                read_only: true,
                ..plain
            }),
            ErrorKind::Unsupported
        );
        assert_eq!(
            refused(&OpenConfig {
                cache_bytes: Some(1),
                ..plain
            }),
            ErrorKind::Unsupported
        );
        assert_eq!(
            refused(&OpenConfig {
                create_if_missing: false,
                ..plain
            }),
            ErrorKind::NotFound
        );
        assert!(
            Memory
                .open(&OpenConfig {
                    truncate: true,
                    ..plain
                })
                .is_ok()
        );
    }
}
