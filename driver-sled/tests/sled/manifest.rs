//! What the manifest claims, held against the facts.

use std::path::Path;

use netabase_core::driver::{Capabilities, Driver};
use netabase_driver_sled::Sled;

#[test]
fn the_engine_version_is_the_one_that_is_linked() {
    let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.lock");
    let lock = std::fs::read_to_string(lock).unwrap();
    let mut lines = lock.lines().skip_while(|line| *line != "name = \"sled\"");
    assert!(lines.next().is_some(), "sled is not in Cargo.lock");
    let manifest = Sled.manifest();
    assert_eq!(
        lines.next(),
        Some(&*format!("version = \"{}\"", manifest.engine_version))
    );
    assert!(
        !lines.any(|line| line == "name = \"sled\""),
        "two releases of sled are linked"
    );
}

#[test]
fn what_sled_cannot_do_is_not_declared() {
    let manifest = Sled.manifest();
    assert_eq!(manifest.name, "sled");
    assert_eq!(manifest.version, env!("CARGO_PKG_VERSION"));
    assert!(
        manifest
            .capabilities
            .contains(Capabilities::DURABLE | Capabilities::SNAPSHOTS)
    );
    for absent in [Capabilities::ZERO_COPY, Capabilities::MULTI_PROCESS] {
        assert!(!manifest.capabilities.contains(absent), "{absent:?}");
    }
}
