//! What the manifest claims, held against the facts.

use std::path::Path;

use netabase_core::driver::{Capabilities, Driver, ErrorKind};
use netabase_driver_redb::Redb;

use crate::{command, open, place};

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
fn every_listed_operation_is_answered_and_no_other() {
    let (_folder, path) = place();
    let store = open(&path);
    for operation in Redb.manifest().commands.iter() {
        command(&store, operation).unwrap();
    }
    let error = command(&store, "defragment").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
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
