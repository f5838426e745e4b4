//! The memory driver, built as its author builds it: apart from the program that loads it.
//!
//! `cargo xtask test` builds it with another compiler, at another optimisation level and with other releases of core's
//! dependencies than the suite, which then runs over it.

use std::borrow::Cow;

use netabase_core::driver::{Capabilities, Driver, Limits, Manifest, OpenConfig, Result};
use netabase_core::memory::{Memory, MemoryDatabase};

static MANIFEST: Manifest = Manifest {
    name: Cow::Borrowed("built-apart"),
    version: Cow::Borrowed(env!("CARGO_PKG_VERSION")),
    engine: Cow::Borrowed("memory"),
    engine_version: Cow::Borrowed(env!("CARGO_PKG_VERSION")),
    capabilities: Capabilities::SNAPSHOTS.with(Capabilities::ZERO_COPY),
    limits: Limits::NONE,
    commands: Cow::Borrowed(&[Cow::Borrowed("tree_names")]),
};

/// The memory driver under the name by which it is loaded.
#[derive(Debug, Clone, Copy)]
pub struct BuiltApart;

impl Driver for BuiltApart {
    type Database = MemoryDatabase;

    fn manifest(&self) -> &Manifest {
        &MANIFEST
    }

    fn open(&self, config: &OpenConfig<'_>) -> Result<MemoryDatabase> {
        Memory.open(config)
    }
}

netabase_core::export_driver!(netabase_driver_built_apart: BuiltApart = BuiltApart, manifest: MANIFEST);
