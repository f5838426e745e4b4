//! The template driver of `netabase_store`: ordered trees of bytes in memory, until an engine takes their place.

#![forbid(unsafe_code)]

mod config;
mod cursor;
mod database;
mod transaction;

use std::borrow::Cow;

use netabase_core::driver::{Capabilities, Driver, Limits, Manifest, OpenConfig, Result};

pub use cursor::TemplateCursor;
pub use database::TemplateDatabase;
pub use transaction::{TemplateReader, TemplateWriter};

/// What the driver is and what callers may rely on; its dynamic library states the same.
pub static MANIFEST: Manifest = Manifest {
    // The name that programs load the driver by, and the end of the exported symbol's and the package's name.
    name: Cow::Borrowed("template"),
    version: Cow::Borrowed(env!("CARGO_PKG_VERSION")),
    // The engine below, and its release.
    engine: Cow::Borrowed("imbl"),
    engine_version: Cow::Borrowed("7"),
    // Declare what callers may rely on, and no more: the suite tries what is declared, and that the rest is refused.
    // An engine on disk adds PERSISTENT and DURABLE, one that can skip the wait for the disk DEFERRED.
    capabilities: Capabilities::SNAPSHOTS,
    // The engine's own; `0` is for none. Core refuses what is larger before it reaches the driver.
    limits: Limits {
        key_bytes: 0,
        value_bytes: 0,
        transaction_bytes: 0,
    },
    // The commands that `database.rs` runs.
    commands: Cow::Borrowed(database::COMMANDS),
};

/// The template engine.
#[derive(Debug, Clone, Copy, Default)]
pub struct TemplateDriver;

impl Driver for TemplateDriver {
    type Database = TemplateDatabase;

    fn manifest(&self) -> &Manifest {
        &MANIFEST
    }

    fn open(&self, config: &OpenConfig<'_>) -> Result<TemplateDatabase> {
        config::check(config)?;
        Ok(TemplateDatabase::default())
    }
}
