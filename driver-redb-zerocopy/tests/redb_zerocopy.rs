//! What is particular to the zero-copy driver: guards, and files shared with redb. The contract at large is held by the
//! conformance suite.

#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its own functions as well"
)]

use std::path::{Path, PathBuf};

use netabase_core::driver::checked::Checked;
use netabase_core::driver::{
    Bounds, Cursor, Database, Direction, Driver, Durability, ErrorKind, OpenConfig, PinnedRead,
    Read, Write,
};
use netabase_driver_redb::Redb;
use netabase_driver_redb_zerocopy::{RedbDatabase, RedbReader, RedbZeroCopy};
use tempfile::TempDir;

/// A folder of its own for one test, and a path in it.
fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data.redb");
    (folder, path)
}

fn open(path: &Path) -> RedbDatabase {
    RedbZeroCopy.open(&OpenConfig::new(path)).unwrap()
}

fn key(number: u32) -> [u8; 4] {
    number.to_be_bytes()
}

/// Writes `count` values of `size` bytes, each filled with the low byte of its key plus `salt`.
fn fill(store: &RedbDatabase, count: u32, size: usize, salt: u8) {
    let mut writer = store.begin_write().unwrap();
    let tree = writer.tree("t").unwrap();
    for number in 0..count {
        let value = vec![salt.wrapping_add(number as u8); size];
        writer.put(tree, &key(number), &value, |_| ()).unwrap();
    }
    writer.commit(Durability::Immediate).unwrap();
}

#[test]
fn it_is_redb_under_another_name() {
    let (redb, own) = (Redb.manifest(), RedbZeroCopy.manifest());
    assert_eq!(own.name, "redb-zerocopy");
    let mut renamed = own.clone();
    renamed.name = redb.name.clone();
    assert_eq!(&renamed, redb);
}

#[test]
fn each_driver_reads_the_files_of_the_other() {
    let (_folder, path) = place();
    fill(&open(&path), 10, 3, 0);
    let redb = Redb.open(&OpenConfig::new(&path)).unwrap();
    let refused = RedbZeroCopy.open(&OpenConfig::new(&path)).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Locked);
    fill(&redb, 10, 3, 1);
    drop(redb);
    let reader = open(&path).begin_read().unwrap();
    let tree = reader.tree("t").unwrap();
    let value = reader.get(tree, &key(4), <[u8]>::to_vec).unwrap();
    assert_eq!(value, Some(vec![5; 3]));
}

/// Collects the guards of every entry, from the cursor's first step to its last.
fn pin_all(
    reader: &RedbReader,
    direction: Direction,
) -> Vec<(Vec<u8>, <RedbReader as PinnedRead>::Guard<'_>)> {
    let tree = reader.tree("t").unwrap();
    let mut cursor = reader.cursor(tree, Bounds::ALL, direction).unwrap();
    assert!(RedbReader::pin_value(&mut cursor).is_none());
    let mut guards = Vec::new();
    while cursor.advance().unwrap() {
        let key = cursor.key().to_vec();
        guards.push((key.clone(), RedbReader::pin_value(&mut cursor).unwrap()));
        assert_eq!(cursor.key(), key, "the key stays");
    }
    assert!(RedbReader::pin_value(&mut cursor).is_none());
    guards
}

#[test]
fn guards_outlive_the_steps_of_their_cursor() {
    let (_folder, path) = place();
    let store = open(&path);
    fill(&store, 1000, 300, 0);
    let reader = store.begin_read().unwrap();
    let forward = pin_all(&reader, Direction::Forward);
    let mut backward = pin_all(&reader, Direction::Backward);
    backward.reverse();
    for guards in [forward, backward] {
        assert_eq!(guards.len(), 1000);
        for (number, (found, guard)) in (0..).zip(&guards) {
            assert_eq!(found, &key(number));
            assert_eq!(guard.as_ref(), [number as u8; 300]);
        }
    }
}

#[test]
fn a_guard_keeps_its_snapshot_while_every_page_is_written_anew() {
    let (_folder, path) = place();
    let store = open(&path);
    fill(&store, 500, 300, 0);
    let reader = store.begin_read().unwrap();
    let tree = reader.tree("t").unwrap();
    let guards: Vec<_> = (0..500)
        .map(|number| reader.get_pinned(tree, &key(number)).unwrap().unwrap())
        .collect();
    let pinned = pin_all(&reader, Direction::Forward);
    for salt in 1..10 {
        fill(&store, 500, 300, salt);
    }
    for (number, guard) in (0u32..).zip(guards.iter().chain(pinned.iter().map(|(_, guard)| guard)))
    {
        assert_eq!(guard.as_ref(), [(number % 500) as u8; 300]);
    }
}

#[test]
fn a_guard_keeps_the_database_open_through_its_transaction() {
    let (_folder, path) = place();
    let store = open(&path);
    fill(&store, 10, 300, 0);
    let reader = store.begin_read().unwrap();
    drop(store);
    let tree = reader.tree("t").unwrap();
    let guard = reader.get_pinned(tree, &key(3)).unwrap().unwrap();
    assert_eq!(guard.as_ref(), [3; 300]);
}

#[test]
fn the_checks_above_every_driver_hold_for_pinned_reads() {
    let (_folder, path) = place();
    fill(&open(&path), 10, 3, 0);
    let store = Checked::open(&RedbZeroCopy, &OpenConfig::new(&path)).unwrap();
    let reader = store.begin_read().unwrap();
    let (tree, missing) = (reader.tree("t").unwrap(), reader.tree("missing").unwrap());
    assert_eq!(
        reader.get_pinned(tree, &key(3)).unwrap().unwrap().as_ref(),
        [3; 3]
    );
    assert!(reader.get_pinned(tree, &key(10)).unwrap().is_none());
    assert!(reader.get_pinned(tree, b"").unwrap().is_none());
    assert!(reader.get_pinned(missing, &key(3)).unwrap().is_none());
    let error = reader
        .get_pinned(netabase_core::driver::TreeId(99), &key(3))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}
