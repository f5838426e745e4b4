//! Read transactions: one view for their whole life, whatever is committed meanwhile.

use netabase_core::driver::{Bounds, Cursor, Database, Direction, Durability, Read, Write};
use netabase_driver_sled::{SledDatabase, SledReader};

use crate::{Model, Random, assert_shows, open, place, put_one, scan};

fn commit(store: &SledDatabase, name: &str, write: impl FnOnce(&mut dyn FnMut(u8, Option<&[u8]>))) {
    let mut writer = store.begin_write().unwrap();
    let tree = writer.tree(name).unwrap();
    write(&mut |key, value| {
        match value {
            Some(value) => writer.put(tree, &[key], value, |_| ()).unwrap(),
            None => writer.remove(tree, &[key], |_| ()).unwrap(),
        };
    });
    writer.commit(Durability::None).unwrap();
}

/// Between any two steps of a cursor a commit changes what is behind it, beside it and before it.
#[test]
fn a_cursor_keeps_its_view_while_every_step_is_followed_by_a_commit() {
    for direction in [Direction::Forward, Direction::Backward] {
        let (_folder, path) = place();
        let store = open(&path);
        let mut expected: Vec<u8> = (0..200).step_by(2).collect();
        commit(&store, "t", |write| {
            for key in &expected {
                write(*key, Some(b"old"));
            }
        });
        if direction == Direction::Backward {
            expected.reverse();
        }
        let reader = store.begin_read().unwrap();
        let tree = reader.tree("t").unwrap();
        let mut cursor = reader.cursor(tree, Bounds::ALL, direction).unwrap();
        let mut random = Random(1 + direction as u64);
        let mut seen = Vec::new();
        loop {
            commit(&store, "t", |write| {
                for _ in 0..20 {
                    let key = random.below(201) as u8;
                    let value = (random.below(2) == 0).then_some(&b"new"[..]);
                    write(key, value);
                }
            });
            if !cursor.advance().unwrap() {
                break;
            }
            assert_eq!(cursor.value(), b"old");
            seen.push(cursor.key()[0]);
        }
        assert_eq!(seen, expected);
        assert!(!cursor.advance().unwrap());
        cursor.seek(&[100]).unwrap();
        assert!(cursor.advance().unwrap());
        assert_eq!((cursor.key(), cursor.value()), (&[100][..], &b"old"[..]));
        assert_eq!(reader.len(tree).unwrap(), 100);
    }
}

#[test]
fn clear_and_refill_leave_older_snapshots_as_they_are() {
    let (_folder, path) = place();
    let store = open(&path);
    let model: Model = (0..100_u8).map(|key| (vec![key], vec![key])).collect();
    commit(&store, "t", |write| {
        for key in 0..100 {
            write(key, Some(&[key]));
        }
    });
    let before = store.begin_read().unwrap();
    let mut writer = store.begin_write().unwrap();
    let tree = writer.tree("t").unwrap();
    writer.remove(tree, &[1], |_| ()).unwrap();
    writer.clear(tree).unwrap();
    writer.put(tree, &[50], b"again", |_| ()).unwrap();
    writer.commit(Durability::None).unwrap();
    let after = store.begin_read().unwrap();
    commit(&store, "t", |write| write(50, None));

    assert_shows(&before, "t", &model);
    assert_shows(&after, "t", &Model::from([(vec![50], b"again".to_vec())]));
    assert_shows(&store.begin_read().unwrap(), "t", &Model::new());
}

#[test]
fn entries_are_counted_in_the_version_of_the_one_who_asks() {
    let (_folder, path) = place();
    put_one(&open(&path), "t", b"1", b"", Durability::None);
    // After opening nobody has counted yet.
    let store = open(&path);
    let first = store.begin_read().unwrap();
    put_one(&store, "t", b"2", b"", Durability::None);
    let second = store.begin_read().unwrap();
    put_one(&store, "t", b"3", b"", Durability::None);
    put_one(&store, "t", b"4", b"", Durability::None);
    let len = |reader: &SledReader| reader.len(reader.tree("t").unwrap()).unwrap();
    assert_eq!(len(&second), 2);
    assert_eq!(len(&first), 1);
    assert_eq!(len(&store.begin_read().unwrap()), 4);
    drop(first);
    put_one(&store, "t", b"5", b"", Durability::None);
    assert_eq!(len(&second), 2);
    assert_eq!(len(&store.begin_read().unwrap()), 5);
}

/// The bounds of a cursor hold for what is merged in as well.
#[test]
fn bounds_hold_for_what_older_snapshots_keep() {
    let (_folder, path) = place();
    let store = open(&path);
    commit(&store, "t", |write| {
        (0..100).for_each(|key| write(key, Some(b"old")))
    });
    let reader = store.begin_read().unwrap();
    let tree = reader.tree("t").unwrap();
    commit(&store, "t", |write| {
        (0..100).for_each(|key| write(key, None));
        (100..200).for_each(|key| write(key, Some(b"new")));
    });
    use std::ops::Bound::{Excluded, Included, Unbounded};
    for (lower, upper, keys) in [
        (Included(10), Excluded(20), 10..20),
        (Excluded(10), Included(20), 11..21),
        (Unbounded, Excluded(5), 0..5),
        (Included(95), Unbounded, 95..100),
        (Included(150), Unbounded, 0..0),
    ] {
        let (lower, upper) = (lower.map(|key: u8| [key]), upper.map(|key: u8| [key]));
        let bounds = Bounds {
            lower: lower.as_ref().map(|key| &key[..]),
            upper: upper.as_ref().map(|key| &key[..]),
        };
        let expected: Vec<_> = keys.map(|key| (vec![key], b"old".to_vec())).collect();
        assert_eq!(scan(&reader, tree, bounds, Direction::Forward), expected);
        let mut backward = scan(&reader, tree, bounds, Direction::Backward);
        backward.reverse();
        assert_eq!(backward, expected);
    }
}
