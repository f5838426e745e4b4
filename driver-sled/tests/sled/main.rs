//! What is particular to sled; the contract at large is held by the conformance suite.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, in its own functions as well"
)]

mod commits;
mod crash;
mod large;
mod maintenance;
mod manifest;
mod open;
mod read_only;
mod snapshot;
mod stress;
mod transaction;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use netabase_core::driver::{
    Bounds, Cursor, Database, Direction, Driver, DriverError, Durability, OpenConfig, Read, Result,
    TreeId, Write,
};
use netabase_driver_sled::{Sled, SledDatabase};
use tempfile::TempDir;

/// A folder of its own for one test, and a path in it.
fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data.sled");
    (folder, path)
}

fn open(path: &Path) -> SledDatabase {
    Sled.open(&OpenConfig::new(path)).unwrap()
}

/// Opens a database without the driver, as soon as whoever has closed it lets go of it.
fn without_driver(path: &Path) -> sled::Db {
    let config = sled::Config::new().path(path).segment_size(4 << 20);
    (0..1000)
        .find_map(|_| {
            thread::sleep(Duration::from_millis(1));
            config.open().ok()
        })
        .unwrap()
}

/// Closes a database that was opened without the driver, and waits until sled's threads have let go of it.
fn close(engine: sled::Db, path: &Path) {
    drop(engine);
    let log = fs::File::open(path.join("db")).unwrap();
    log.lock().unwrap();
    log.unlock().unwrap();
}

fn open_error(config: &OpenConfig<'_>) -> DriverError {
    Sled.open(config).unwrap_err()
}

fn put_one(store: &SledDatabase, name: &str, key: &[u8], value: &[u8], durability: Durability) {
    let mut writer = store.begin_write().unwrap();
    let tree = writer.tree(name).unwrap();
    writer.put(tree, key, value, |_| ()).unwrap();
    writer.commit(durability).unwrap();
}

fn get_one(store: &SledDatabase, name: &str, key: &[u8]) -> Option<Vec<u8>> {
    let reader = store.begin_read().unwrap();
    let tree = reader.tree(name).unwrap();
    owned(&reader, tree, key)
}

fn owned(reader: &impl Read, tree: TreeId, key: &[u8]) -> Option<Vec<u8>> {
    reader.get(tree, key, <[u8]>::to_vec).unwrap()
}

/// A tree as a test expects it.
type Model = BTreeMap<Vec<u8>, Vec<u8>>;

/// Everything within bounds, by a cursor of this direction.
fn scan(
    reader: &impl Read,
    tree: TreeId,
    bounds: Bounds<'_>,
    direction: Direction,
) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut cursor = reader.cursor(tree, bounds, direction).unwrap();
    let mut entries = Vec::new();
    while cursor.advance().unwrap() {
        entries.push((cursor.key().to_vec(), cursor.value().to_vec()));
    }
    entries
}

/// Asserts that a tree is as expected: by both directions of a cursor, by its length, and key by key.
fn assert_shows(reader: &impl Read, name: &str, expected: &Model) {
    let tree = reader.tree(name).unwrap();
    let expected_entries: Vec<_> = expected
        .iter()
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    let mut backward = scan(reader, tree, Bounds::ALL, Direction::Backward);
    backward.reverse();
    assert!(
        scan(reader, tree, Bounds::ALL, Direction::Forward) == expected_entries,
        "`{name}` forwards"
    );
    assert!(backward == expected_entries, "`{name}` backwards");
    assert_eq!(reader.len(tree).unwrap(), expected.len() as u64, "`{name}`");
    for (key, value) in expected {
        assert_eq!(owned(reader, tree, key).as_ref(), Some(value), "`{name}`");
    }
}

/// What an operation answers, one item for each call.
fn command(store: &SledDatabase, operation: &str) -> Result<Vec<Vec<u8>>> {
    let mut answers = Vec::new();
    store.command(operation, &[], &mut |answer| answers.push(answer.to_vec()))?;
    Ok(answers)
}

/// Numbers that look random and are the same in each run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: u64) -> u64 {
        (self.next() >> 11) % end
    }
}
