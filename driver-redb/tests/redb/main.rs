//! What is particular to redb; the contract at large is held by the conformance suite.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, in its own functions as well"
)]

mod damage;
mod layout;
mod maintenance;
mod manifest;
mod open;
mod process;
mod transaction;
mod write_tree;

use std::path::{Path, PathBuf};

use netabase_core::driver::{
    Database, Driver, DriverError, Durability, OpenConfig, Read, Result, TreeId, Write,
};
use netabase_driver_redb::{Redb, RedbDatabase};
use tempfile::TempDir;

/// A folder of its own for one test, and a path in it.
fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data.redb");
    (folder, path)
}

fn open(path: &Path) -> RedbDatabase {
    Redb.open(&OpenConfig::new(path)).unwrap()
}

fn open_error(config: &OpenConfig<'_>) -> DriverError {
    Redb.open(config).unwrap_err()
}

fn put_one(store: &RedbDatabase, name: &str, key: &[u8], value: &[u8], durability: Durability) {
    let mut writer = store.begin_write().unwrap();
    let tree = writer.tree(name).unwrap();
    writer.put(tree, key, value, |_| ()).unwrap();
    writer.commit(durability).unwrap();
}

fn get_one(store: &RedbDatabase, name: &str, key: &[u8]) -> Option<Vec<u8>> {
    let reader = store.begin_read().unwrap();
    let tree = reader.tree(name).unwrap();
    reader.get(tree, key, <[u8]>::to_vec).unwrap()
}

fn owned(reader: &impl Read, tree: TreeId, key: &[u8]) -> Option<Vec<u8>> {
    reader.get(tree, key, <[u8]>::to_vec).unwrap()
}

/// What an operation answers, one item for each call.
fn command(store: &RedbDatabase, operation: &str) -> Result<Vec<Vec<u8>>> {
    let mut answers = Vec::new();
    store.command(operation, &[], &mut |answer| answers.push(answer.to_vec()))?;
    Ok(answers)
}
