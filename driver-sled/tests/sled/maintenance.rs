//! sled's own operations, by name.

use netabase_core::driver::{Database, Driver, Durability, OpenConfig, Read, Write};
use netabase_driver_sled::Sled;

use crate::{command, open, place, put_one, without_driver};

fn number(answers: &[Vec<u8>]) -> u64 {
    u64::from_le_bytes(answers.concat().try_into().unwrap())
}

#[test]
fn tree_names_are_those_of_trees_that_hold_something() {
    let (_folder, path) = place();
    let store = open(&path);
    assert!(command(&store, "tree_names").unwrap().is_empty());

    for name in ["b", "a", "__sled__default", "emptied"] {
        put_one(&store, name, b"k", b"", Durability::None);
    }
    let mut writer = store.begin_write().unwrap();
    let emptied = writer.tree("emptied").unwrap();
    writer.clear(emptied).unwrap();
    writer.tree("never written to").unwrap();
    writer.commit(Durability::None).unwrap();
    let reader = store.begin_read().unwrap();
    reader.tree("only read").unwrap();

    let expected: [&[u8]; 3] = [b"__sled__default", b"a", b"b"];
    assert_eq!(command(&store, "tree_names").unwrap(), expected);
    drop((store, reader));
    assert_eq!(command(&open(&path), "tree_names").unwrap(), expected);
}

#[test]
fn trees_are_made_in_sled_by_the_commit_that_writes_to_them() {
    let (_folder, path) = place();
    let store = open(&path);
    let mut writer = store.begin_write().unwrap();
    let dropped = writer.tree("dropped").unwrap();
    writer.put(dropped, b"k", b"v", |_| ()).unwrap();
    drop(writer);
    let mut writer = store.begin_write().unwrap();
    let undone = writer.tree("undone").unwrap();
    writer.put(undone, b"k", b"v", |_| ()).unwrap();
    writer.remove(undone, b"k", |_| ()).unwrap();
    writer.tree("read").unwrap();
    writer.commit(Durability::Immediate).unwrap();
    put_one(&store, "written", b"k", b"v", Durability::Immediate);
    drop(store);

    let mut names = without_driver(&path).tree_names();
    names.sort();
    assert_eq!(names, [&b"__sled__default"[..], b"written"]);
}

#[test]
fn ids_ascend_over_reopenings() {
    let (_folder, path) = place();
    let mut last = None;
    for _ in 0..3 {
        let store = open(&path);
        for _ in 0..3 {
            let id = Some(number(&command(&store, "generate_id").unwrap()));
            assert!(id > last);
            last = id;
        }
    }
}

#[test]
fn flush_counts_the_bytes_and_keeps_what_was_deferred() {
    let (_folder, path) = place();
    let store = Sled
        .open(&OpenConfig {
            options: &[("flush_every_ms", "never")],
            ..OpenConfig::new(&path)
        })
        .unwrap();
    put_one(&store, "t", b"k", &[7; 1000], Durability::None);
    assert!(number(&command(&store, "flush").unwrap()) >= 1000);
    assert_eq!(number(&command(&store, "flush").unwrap()), 0);
    assert!(number(&command(&store, "size_on_disk").unwrap()) >= 1000);
}

#[test]
fn the_integrity_check_reads_one_snapshot() {
    let (_folder, path) = place();
    let store = open(&path);
    std::thread::scope(|scope| {
        let writing = scope.spawn(|| {
            for round in 0..30_u32 {
                let mut writer = store.begin_write().unwrap();
                let tree = writer.tree("t").unwrap();
                for key in 0..50_u32 {
                    let key = (key * 7 + round).to_be_bytes();
                    if key[3] % 3 == 0 {
                        writer.remove(tree, &key, |_| ()).unwrap();
                    } else {
                        writer.put(tree, &key, b"v", |_| ()).unwrap();
                    }
                }
                writer.commit(Durability::None).unwrap();
            }
        });
        while !writing.is_finished() {
            assert_eq!(command(&store, "check_integrity").unwrap(), [[1]]);
        }
    });
}
