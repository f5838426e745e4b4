//! Write transactions: changes in memory, read through, given to sled at once.

use std::ops::Bound;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use netabase_core::driver::{
    Bounds, Cursor, Database, Direction, Driver, Durability, ErrorKind, Read, TreeId, Write,
};
use netabase_driver_sled::{Sled, SledDatabase};

use crate::{Model, Random, assert_shows, get_one, open, owned, place, put_one, scan};

fn filled(store: &SledDatabase) -> Model {
    let mut model = Model::new();
    let mut writer = store.begin_write().unwrap();
    let tree = writer.tree("t").unwrap();
    for key in (0..100_u8).step_by(2) {
        writer.put(tree, &[key], &[key, key], |_| ()).unwrap();
        model.insert(vec![key], vec![key, key]);
    }
    writer.commit(Durability::None).unwrap();
    model
}

#[test]
fn a_write_transaction_reads_its_own_writes_in_every_way() {
    let (_folder, path) = place();
    let store = open(&path);
    let mut model = filled(&store);
    let mut writer = store.begin_write().unwrap();
    let tree = writer.tree("t").unwrap();

    assert_eq!(
        writer.put(tree, &[2], b"new", <[u8]>::to_vec).unwrap(),
        Some(vec![2, 2])
    );
    assert_eq!(
        writer.put(tree, &[2], b"newer", <[u8]>::to_vec).unwrap(),
        Some(b"new".to_vec())
    );
    assert_eq!(writer.put(tree, &[3], b"", <[u8]>::to_vec).unwrap(), None);
    assert_eq!(
        writer.remove(tree, &[4], <[u8]>::to_vec).unwrap(),
        Some(vec![4, 4])
    );
    assert_eq!(writer.remove(tree, &[4], <[u8]>::to_vec).unwrap(), None);
    assert_eq!(writer.remove(tree, &[5], <[u8]>::to_vec).unwrap(), None);
    assert_eq!(
        writer.remove(tree, &[3], <[u8]>::to_vec).unwrap(),
        Some(Vec::new())
    );
    assert_eq!(
        writer.put(tree, &[200], b"end", <[u8]>::to_vec).unwrap(),
        None
    );
    model.insert(vec![2], b"newer".to_vec());
    model.remove(&vec![4]);
    model.insert(vec![200], b"end".to_vec());
    assert_shows(&writer, "t", &model);

    writer.clear(tree).unwrap();
    assert_shows(&writer, "t", &Model::new());
    assert_eq!(
        writer.put(tree, &[6], b"six", <[u8]>::to_vec).unwrap(),
        None
    );
    assert_eq!(writer.remove(tree, &[8], <[u8]>::to_vec).unwrap(), None);
    let model = Model::from([(vec![6], b"six".to_vec())]);
    assert_shows(&writer, "t", &model);
    writer.commit(Durability::None).unwrap();
    assert_shows(&store.begin_read().unwrap(), "t", &model);
}

#[test]
fn a_cursor_of_a_write_transaction_seeks_in_what_it_shows() {
    let (_folder, path) = place();
    let store = open(&path);
    filled(&store);
    let mut writer = store.begin_write().unwrap();
    let tree = writer.tree("t").unwrap();
    writer.put(tree, &[31], b"new", |_| ()).unwrap();
    writer.remove(tree, &[32], |_| ()).unwrap();
    let bounds = Bounds {
        lower: Bound::Included(&[10][..]),
        upper: Bound::Excluded(&[40][..]),
    };
    let mut forward = writer.cursor(tree, bounds, Direction::Forward).unwrap();
    for (sought, expected) in [
        (31, Some(31)),
        (32, Some(34)),
        (0, Some(10)),
        (39, None),
        (255, None),
        (30, Some(30)),
    ] {
        forward.seek(&[sought]).unwrap();
        let found = forward.advance().unwrap().then(|| forward.key()[0]);
        assert_eq!(found, expected, "forwards to {sought}");
    }
    assert!(forward.advance().unwrap());
    assert_eq!((forward.key(), forward.value()), (&[31][..], &b"new"[..]));
    let mut backward = writer.cursor(tree, bounds, Direction::Backward).unwrap();
    for (sought, expected) in [
        (32, Some(31)),
        (255, Some(38)),
        (40, Some(38)),
        (9, None),
        (31, Some(31)),
    ] {
        backward.seek(&[sought]).unwrap();
        let found = backward.advance().unwrap().then(|| backward.key()[0]);
        assert_eq!(found, expected, "backwards to {sought}");
    }
    assert!(backward.advance().unwrap());
    assert_eq!(backward.key(), [30]);
}

#[test]
fn ids_of_no_tree_are_refused() {
    let (_folder, path) = place();
    let store = open(&path);
    let mut writer = store.begin_write().unwrap();
    let reader = store.begin_read().unwrap();
    for id in [TreeId(0), TreeId(u32::MAX)] {
        let errors = [
            writer.put(id, b"k", b"v", |_| ()).unwrap_err(),
            writer.remove(id, b"k", |_| ()).unwrap_err(),
            writer.clear(id).unwrap_err(),
            writer.len(id).unwrap_err(),
            writer.get(id, b"k", |_| ()).unwrap_err(),
            reader.get(id, b"k", |_| ()).unwrap_err(),
            reader.len(id).unwrap_err(),
            reader
                .cursor(id, Bounds::ALL, Direction::Forward)
                .unwrap_err(),
        ];
        for error in errors {
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
        }
    }
}

#[test]
fn a_second_writer_waits_for_the_first() {
    let (_folder, path) = place();
    let store = open(&path);
    let mut first = store.begin_write().unwrap();
    let tree = first.tree("t").unwrap();
    first.put(tree, b"k", b"1", |_| ()).unwrap();
    let (begun, waiting) = mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut second = store.begin_write().unwrap();
            begun.send(()).unwrap();
            let tree = second.tree("t").unwrap();
            let previous = second.put(tree, b"k", b"2", <[u8]>::to_vec).unwrap();
            assert_eq!(previous.as_deref(), Some(&b"1"[..]));
            second.commit(Durability::None).unwrap();
        });
        assert!(waiting.recv_timeout(Duration::from_millis(200)).is_err());
        first.commit(Durability::None).unwrap();
        waiting.recv_timeout(Duration::from_secs(60)).unwrap();
    });
    assert_eq!(get_one(&store, "t", b"k").as_deref(), Some(&b"2"[..]));
}

#[test]
fn a_write_transaction_may_end_on_another_thread() {
    let (_folder, path) = place();
    let store = open(&path);
    let mut writer = store.begin_write().unwrap();
    let tree = writer.tree("t").unwrap();
    writer.put(tree, b"k", b"v", |_| ()).unwrap();
    thread::spawn(move || writer.commit(Durability::Immediate))
        .join()
        .unwrap()
        .unwrap();
    assert_eq!(get_one(&store, "t", b"k").as_deref(), Some(&b"v"[..]));
}

#[test]
fn deferred_commits_survive_an_orderly_close() {
    let (_folder, path) = place();
    let store = open(&path);
    put_one(&store, "t", b"k", b"v", Durability::None);
    drop(store);
    assert_eq!(get_one(&open(&path), "t", b"k").as_deref(), Some(&b"v"[..]));
}

/// More than the puts after which a transaction looks for the end of a tree.
#[test]
fn keys_beyond_the_end_of_a_tree_are_new_and_others_are_found() {
    let (_folder, path) = place();
    let store = open(&path);
    let mut model = filled(&store);
    let mut writer = store.begin_write().unwrap();
    let tree = writer.tree("t").unwrap();
    for key in (101..200_u8).chain(0..100) {
        let previous = writer.put(tree, &[key], b"new", <[u8]>::to_vec).unwrap();
        assert_eq!(previous, model.insert(vec![key], b"new".to_vec()), "{key}");
    }
    assert_shows(&writer, "t", &model);
    writer.commit(Durability::None).unwrap();
    assert_shows(&store.begin_read().unwrap(), "t", &model);
}

#[test]
fn values_of_many_chunks_come_back() {
    let (_folder, path) = place();
    let store = open(&path);
    let mut random = Random(7);
    let mut model = Model::new();
    for round in 0..4_u8 {
        let mut writer = store.begin_write().unwrap();
        let large = writer.tree("large").unwrap();
        let small = writer.tree("small").unwrap();
        for _ in 0..6 {
            let key = vec![random.below(10) as u8];
            let value = vec![round; 50_000 + random.below(400_000) as usize];
            let previous = writer.put(large, &key, &value, <[u8]>::to_vec).unwrap();
            assert!(previous == model.insert(key, value));
        }
        writer.put(small, b"round", &[round], |_| ()).unwrap();
        writer.commit(Durability::Immediate).unwrap();
    }
    assert_shows(&store.begin_read().unwrap(), "large", &model);
    drop(store);
    let store = open(&path);
    let reader = store.begin_read().unwrap();
    assert_shows(&reader, "large", &model);
    assert_eq!(
        owned(&reader, reader.tree("small").unwrap(), b"round"),
        Some(vec![3])
    );
}

#[test]
fn the_longest_keys_are_in_order_in_both_directions() {
    let (_folder, path) = place();
    let store = open(&path);
    let mut writer = store.begin_write().unwrap();
    let tree = writer.tree("t").unwrap();
    let limit = usize::try_from(Sled.manifest().limits.key_bytes).unwrap();
    let longest = vec![255; limit];
    for key in [&longest[..], &longest[1..], &[255], &[254], &[0]] {
        writer.put(tree, key, b"", |_| ()).unwrap();
    }
    writer.commit(Durability::None).unwrap();
    let reader = store.begin_read().unwrap();
    let tree = reader.tree("t").unwrap();
    let lengths = |direction| -> Vec<usize> {
        scan(&reader, tree, Bounds::ALL, direction)
            .iter()
            .map(|(key, _)| key.len())
            .collect()
    };
    let ascending = [1, 1, 1, limit - 1, limit];
    assert_eq!(lengths(Direction::Forward), ascending);
    let mut backward = lengths(Direction::Backward);
    backward.reverse();
    assert_eq!(backward, ascending);
}
