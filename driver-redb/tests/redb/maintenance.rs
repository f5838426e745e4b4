//! redb's own operations.

use std::collections::HashMap;
use std::fs;

use netabase_core::driver::{Database, Durability, ErrorKind, Read, Write};

use crate::{command, get_one, open, place, put_one};

#[test]
fn size_on_disk_is_the_files_length() {
    let (_folder, path) = place();
    let store = open(&path);
    let answer = command(&store, "size_on_disk").unwrap();
    let [bytes] = &answer[..] else {
        panic!("{answer:?}")
    };
    let size = u64::from_le_bytes(bytes[..].try_into().unwrap());
    assert_eq!(size, fs::metadata(&path).unwrap().len());
}

#[test]
fn stats_counts_entries_and_bytes() {
    let (_folder, path) = place();
    let store = open(&path);
    let mut writer = store.begin_write().unwrap();
    for name in ["a", "b"] {
        let tree = writer.tree(name).unwrap();
        for i in 0..1000_u32 {
            writer
                .put(tree, &i.to_be_bytes(), &[0; 16], |_| ())
                .unwrap();
        }
    }
    writer.commit(Durability::Immediate).unwrap();
    let answer = command(&store, "stats").unwrap().concat();
    let text = String::from_utf8(answer).unwrap();
    let stats: HashMap<&str, u64> = text
        .lines()
        .map(|line| line.split_once('=').unwrap())
        .map(|(name, value)| (name, value.parse().unwrap()))
        .collect();
    assert_eq!(stats["trees"], 2);
    assert_eq!(stats["entries"], 2000);
    assert_eq!(stats["stored_bytes"], 2000 * 20);
    assert_eq!(stats["file_bytes"], fs::metadata(&path).unwrap().len());
    assert!(
        stats["leaf_pages"] >= 10 && stats["tree_height"] >= 2,
        "{text}"
    );
    for name in ["metadata_bytes", "fragmented_bytes", "branch_pages"] {
        assert!(stats.contains_key(name), "{text}");
    }
}

#[test]
fn compact_shrinks_the_file_and_keeps_the_data() {
    let (_folder, path) = place();
    let store = open(&path);
    let mut writer = store.begin_write().unwrap();
    let tree = writer.tree("t").unwrap();
    for i in 0..2000_u32 {
        writer
            .put(tree, &i.to_be_bytes(), &[3; 5000], |_| ())
            .unwrap();
    }
    writer.commit(Durability::Immediate).unwrap();
    let mut writer = store.begin_write().unwrap();
    let tree = writer.tree("t").unwrap();
    for i in 0..1990_u32 {
        writer.remove(tree, &i.to_be_bytes(), |_| ()).unwrap();
    }
    writer.commit(Durability::Immediate).unwrap();
    let before = fs::metadata(&path).unwrap().len();
    assert_eq!(command(&store, "compact").unwrap(), [[1]]);
    let after = fs::metadata(&path).unwrap().len();
    assert!(after < before / 2, "{before} -> {after}");
    assert_eq!(command(&store, "compact").unwrap(), [[0]]);
    let reader = store.begin_read().unwrap();
    assert_eq!(reader.len(reader.tree("t").unwrap()).unwrap(), 10);
}

#[test]
fn check_integrity_passes_a_sound_file_and_keeps_commits_without_durability() {
    let (_folder, path) = place();
    let store = open(&path);
    put_one(&store, "t", b"k", b"v", Durability::None);
    assert_eq!(command(&store, "check_integrity").unwrap(), [[1]]);
    assert_eq!(get_one(&store, "t", b"k").as_deref(), Some(&b"v"[..]));
}

#[test]
fn check_integrity_reports_damage_that_it_cannot_repair() {
    let (_folder, path) = place();
    let store = open(&path);
    let marker = b"a value that can be found in the file";
    put_one(&store, "t", b"k", marker, Durability::Immediate);
    drop(store);
    let mut bytes = fs::read(&path).unwrap();
    let at = bytes
        .windows(marker.len())
        .position(|window| window == marker)
        .unwrap();
    bytes[at] ^= 1;
    fs::write(&path, bytes).unwrap();
    let store = open(&path);
    let error = command(&store, "check_integrity").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error:?}");
}

#[test]
fn exclusive_operations_conflict_with_open_transactions_and_do_not_wait() {
    let (_folder, path) = place();
    let store = open(&path);
    put_one(&store, "t", b"k", b"v", Durability::Immediate);
    for operation in ["compact", "check_integrity"] {
        let reader = store.begin_read().unwrap();
        let error = command(&store, operation).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict);
        assert!(error.message().contains("close every transaction"));
        drop(reader);

        let writer = store.begin_write().unwrap();
        let error = command(&store, operation).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict);
        drop(writer);

        command(&store, operation).unwrap();
    }
}
