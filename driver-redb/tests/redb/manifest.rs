//! What the manifest claims, held against the facts.

use std::path::Path;

use netabase_core::driver::{Capabilities, Driver};
use netabase_driver_redb::Redb;

#[test]
fn the_engine_version_is_the_one_that_is_linked() {
    let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.lock");
    let lock = std::fs::read_to_string(lock).unwrap();
    let mut lines = lock.lines().skip_while(|line| *line != "name = \"redb\"");
    assert!(lines.next().is_some(), "redb is not in Cargo.lock");
    let manifest = Redb.manifest();
    assert_eq!(
        lines.next(),
        Some(&*format!("version = \"{}\"", manifest.engine_version))
    );
    assert!(
        !lines.any(|line| line == "name = \"redb\""),
        "two releases of redb are linked"
    );
}

#[test]
fn name_and_capabilities_are_those_of_an_embedded_engine() {
    let manifest = Redb.manifest();
    assert_eq!(manifest.name, "redb");
    assert_eq!(manifest.version, env!("CARGO_PKG_VERSION"));
    assert!(
        manifest
            .capabilities
            .contains(Capabilities::DURABLE | Capabilities::ZERO_COPY)
    );
    assert!(!manifest.capabilities.contains(Capabilities::MULTI_PROCESS));
}
