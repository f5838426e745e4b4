//! x

mod config;
mod cursor;
mod error;
mod folder;
mod gate;
mod maintenance;
mod records;
mod store;
mod transaction;

use std::borrow::Cow;

use netabase_core::driver::{Capabilities, Driver, Limits, Manifest, OpenConfig, Result};

pub use cursor::LmdbCursor;
pub use store::LmdbDatabase;
pub use transaction::{LmdbReader, LmdbWriter};

static MANIFEST: Manifest = Manifest {
    name: Cow::Borrowed("lmdb"),
    version: Cow::Borrowed(env!("CARGO_PKG_VERSION")),
    engine: Cow::Borrowed("LMDB"),
    engine_version: Cow::Borrowed(ENGINE_VERSION),
    capabilities: Capabilities::PERSISTENT
        .with(Capabilities::DURABLE)
        .with(Capabilities::SNAPSHOTS)
        .with(Capabilities::ZERO_COPY)
        .with(Capabilities::READ_ONLY),
    limits: Limits {
        key_bytes: records::KEY_BYTES as u64,
        value_bytes: u32::MAX as u64,
        transaction_bytes: 0,
    },
    operations: Cow::Borrowed(maintenance::OPERATIONS),
};

/// The LMDB release that this driver is built and tested with.
const ENGINE_VERSION: &str = "0.9.70";

/// The LMDB engine.
///
/// [`open`](Driver::open) takes a folder, or the place of one that is to be created; an empty folder counts as one that
/// is not there yet.
#[derive(Debug, Clone, Copy, Default)]
pub struct Lmdb;

#[cfg(feature = "dynamic")]
netabase_core::export_driver!(netabase_driver_lmdb: Lmdb = Lmdb, manifest: MANIFEST);

impl Driver for Lmdb {
    type Store = LmdbDatabase;

    fn manifest(&self) -> &Manifest {
        &MANIFEST
    }

    fn open(&self, config: &OpenConfig<'_>) -> Result<LmdbDatabase> {
        LmdbDatabase::open(config)
    }
}
