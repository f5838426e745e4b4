//! Transactions: durability, order among writers, lifetimes of handles, trees by id.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use netabase_core::driver::{
    Bounds, Cursor, Database, Direction, Durability, ErrorKind, Read, TreeId, Write,
};

use crate::{command, get_one, open, owned, place, put_one};

#[test]
fn an_orderly_close_keeps_commits_without_durability() {
    let (_folder, path) = place();
    let store = open(&path);
    put_one(&store, "t", b"a", b"1", Durability::Immediate);
    put_one(&store, "t", b"b", b"2", Durability::None);
    drop(store);
    let store = open(&path);
    assert_eq!(get_one(&store, "t", b"a").as_deref(), Some(&b"1"[..]));
    assert_eq!(get_one(&store, "t", b"b").as_deref(), Some(&b"2"[..]));
}

#[test]
fn a_writer_that_outlives_its_store_commits() {
    let (_folder, path) = place();
    for durability in [Durability::Immediate, Durability::None] {
        let store = open(&path);
        let mut writer = store.begin_write().unwrap();
        drop(store);
        let tree = writer.tree("t").unwrap();
        writer.put(tree, b"k", b"late", |_| ()).unwrap();
        writer.commit(durability).unwrap();
        let store = open(&path);
        assert_eq!(get_one(&store, "t", b"k").as_deref(), Some(&b"late"[..]));
        let mut writer = store.begin_write().unwrap();
        let tree = writer.tree("t").unwrap();
        writer.clear(tree).unwrap();
        writer.commit(Durability::Immediate).unwrap();
    }
}

#[test]
fn a_reader_that_outlives_its_store_reads_what_it_had_not_read_yet() {
    let (_folder, path) = place();
    put_one(
        &open(&path),
        "t",
        b"k",
        &[9; 100_000],
        Durability::Immediate,
    );
    let store = open(&path);
    let reader = store.begin_read().unwrap();
    drop(store);
    let tree = reader.tree("t").unwrap();
    assert_eq!(owned(&reader, tree, b"k").unwrap().len(), 100_000);
    let mut cursor = reader
        .cursor(tree, Bounds::ALL, Direction::Backward)
        .unwrap();
    assert!(cursor.advance().unwrap());
    assert_eq!(cursor.key(), b"k");
}

#[test]
fn a_second_writer_waits_for_the_first_and_sees_its_commit() {
    let (_folder, path) = place();
    let store = open(&path);
    let mut first = store.begin_write().unwrap();
    let (sender, receiver) = mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(|| {
            let second = store.begin_write().unwrap();
            let tree = second.tree("t").unwrap();
            sender.send(owned(&second, tree, b"k")).unwrap();
        });
        receiver
            .recv_timeout(Duration::from_millis(200))
            .expect_err("the second writer began beside the first");
        // A reader, and an operation that needs the file for itself, do not join the queue.
        assert_eq!(get_one(&store, "t", b"k"), None);
        let error = command(&store, "compact").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict);
        let tree = first.tree("t").unwrap();
        first.put(tree, b"k", b"first", |_| ()).unwrap();
        first.commit(Durability::None).unwrap();
        let seen = receiver.recv_timeout(Duration::from_secs(30)).unwrap();
        assert_eq!(seen.as_deref(), Some(&b"first"[..]));
    });
}

#[test]
fn dropping_a_writer_rolls_every_tree_back() {
    let (_folder, path) = place();
    let store = open(&path);
    put_one(&store, "a", b"k", b"kept", Durability::Immediate);
    let mut writer = store.begin_write().unwrap();
    for name in ["a", "b", "c"] {
        let tree = writer.tree(name).unwrap();
        writer.put(tree, b"k", b"lost", |_| ()).unwrap();
    }
    let a = writer.tree("a").unwrap();
    writer.clear(a).unwrap();
    drop(writer);
    assert_eq!(get_one(&store, "a", b"k").as_deref(), Some(&b"kept"[..]));
    assert_eq!(get_one(&store, "b", b"k"), None);
}

#[test]
fn one_name_is_one_tree_however_often_it_is_asked_for() {
    let (_folder, path) = place();
    let store = open(&path);
    let names: Vec<String> = (0..20).map(|i| format!("tree {i}")).collect();
    let mut writer = store.begin_write().unwrap();
    let ids: Vec<TreeId> = names.iter().map(|n| writer.tree(n).unwrap()).collect();
    for (name, &id) in names.iter().zip(&ids) {
        assert_eq!(writer.tree(name).unwrap(), id);
        writer.put(id, b"name", name.as_bytes(), |_| ()).unwrap();
    }
    writer.commit(Durability::Immediate).unwrap();
    let reader = store.begin_read().unwrap();
    for _ in 0..2 {
        for name in &names {
            let tree = reader.tree(name).unwrap();
            assert_eq!(owned(&reader, tree, b"name").unwrap(), name.as_bytes());
        }
        let absent = reader.tree("absent").unwrap();
        assert_eq!(reader.tree("absent").unwrap(), absent);
    }
}

#[test]
fn an_id_that_was_not_given_is_refused() {
    let (_folder, path) = place();
    let store = open(&path);
    let mut writer = store.begin_write().unwrap();
    let reader = store.begin_read().unwrap();
    for id in [0, 1, 2, u32::MAX].map(TreeId) {
        let refused = [
            writer.put(id, b"k", b"v", |_| ()).unwrap_err(),
            writer.remove(id, b"k", |_| ()).unwrap_err(),
            writer.clear(id).unwrap_err(),
            writer.len(id).unwrap_err(),
            reader.get(id, b"k", |_| ()).unwrap_err(),
            reader
                .cursor(id, Bounds::ALL, Direction::Forward)
                .unwrap_err(),
        ];
        for error in refused {
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
        }
    }
    assert_eq!(writer.tree("").unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(reader.tree("").unwrap_err().kind(), ErrorKind::InvalidInput);
}

#[test]
fn a_tree_that_was_cleared_is_used_on() {
    let (_folder, path) = place();
    let store = open(&path);
    let mut writer = store.begin_write().unwrap();
    let tree = writer.tree("t").unwrap();
    writer.clear(tree).unwrap();
    for i in 0..3000_u32 {
        writer.put(tree, &i.to_be_bytes(), b"old", |_| ()).unwrap();
    }
    writer.clear(tree).unwrap();
    assert_eq!(writer.len(tree).unwrap(), 0);
    writer.put(tree, b"k", b"new", |_| ()).unwrap();
    assert_eq!(writer.tree("t").unwrap(), tree);
    writer.commit(Durability::Immediate).unwrap();
    let reader = store.begin_read().unwrap();
    let tree = reader.tree("t").unwrap();
    assert_eq!(reader.len(tree).unwrap(), 1);
    assert_eq!(owned(&reader, tree, b"k").as_deref(), Some(&b"new"[..]));
}

#[test]
fn a_cursor_seeks_both_ways_within_its_bounds() {
    use std::ops::Bound::{Excluded, Included};

    let (_folder, path) = place();
    let store = open(&path);
    let mut writer = store.begin_write().unwrap();
    let tree = writer.tree("t").unwrap();
    for key in 0..100_u8 {
        writer.put(tree, &[key], &[key], |_| ()).unwrap();
    }
    let bounds = Bounds {
        lower: Excluded(&[10]),
        upper: Included(&[20]),
    };
    let at = |direction, to: u8| {
        let mut cursor = writer.cursor(tree, bounds, direction).unwrap();
        while cursor.advance().unwrap() {}
        assert!(cursor.key().is_empty() && cursor.value().is_empty());
        cursor.seek(&[to]).unwrap();
        assert!(cursor.key().is_empty());
        cursor.advance().unwrap().then(|| cursor.key()[0])
    };
    for (to, forward, backward) in [
        (0, Some(11), None),
        (10, Some(11), None),
        (15, Some(15), Some(15)),
        (20, Some(20), Some(20)),
        (21, None, Some(20)),
        (200, None, Some(20)),
    ] {
        assert_eq!(at(Direction::Forward, to), forward, "forward to {to}");
        assert_eq!(at(Direction::Backward, to), backward, "backward to {to}");
    }
}
