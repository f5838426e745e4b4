//! Read transactions: one view for their whole life, whatever is committed meanwhile.

use netabase_core::driver::{
    Bounds, Cursor, Database, Direction, Driver, Durability, OpenConfig, Read, Write,
};
use netabase_driver_sled::{Sled, SledDatabase, SledReader};
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;

use crate::{Model, Random, assert_shows, open, owned, place, put_one, scan};

const TREES: [&str; 3] = ["a", "b", "c"];

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

#[test]
fn a_snapshot_does_not_see_a_tree_that_was_made_later() {
    let (_folder, path) = place();
    let store = open(&path);
    let before = store.begin_read().unwrap();
    let tree = before.tree("t").unwrap();
    let waiting = store.begin_read().unwrap();
    put_one(&store, "t", b"k", b"v", Durability::None);
    assert_eq!(owned(&before, tree, b"k"), None);
    assert_shows(&before, "t", &Model::new());
    assert_shows(&waiting, "t", &Model::new());
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

/// One step of a random history.
#[derive(Debug, Clone)]
enum Step {
    BeginRead,
    EndRead(usize),
    CheckRead(usize),
    Write(Vec<(usize, Change)>, Ending),
    Reopen,
}

#[derive(Debug, Clone)]
enum Change {
    Put(u8, u16),
    Remove(u8),
    Clear,
}

#[derive(Debug, Clone, Copy)]
enum Ending {
    Commit(Durability),
    Drop,
}

fn a_change() -> impl Strategy<Value = Change> {
    prop_oneof![
        20 => (0..60_u8, any::<u16>()).prop_map(|(key, value)| Change::Put(key, value)),
        12 => (0..60_u8).prop_map(Change::Remove),
        1 => Just(Change::Clear),
    ]
}

fn a_step() -> impl Strategy<Value = Step> {
    let ending = prop_oneof![
        6 => Just(Ending::Commit(Durability::None)),
        1 => Just(Ending::Commit(Durability::Immediate)),
        2 => Just(Ending::Drop),
    ];
    prop_oneof![
        5 => Just(Step::BeginRead),
        4 => any::<usize>().prop_map(Step::EndRead),
        5 => any::<usize>().prop_map(Step::CheckRead),
        9 => (prop::collection::vec((0..TREES.len(), a_change()), 0..25), ending)
            .prop_map(|(changes, ending)| Step::Write(changes, ending)),
        1 => Just(Step::Reopen),
    ]
}

type Models = [Model; TREES.len()];

fn check(reader: &impl Read, models: &Models) {
    for (name, model) in TREES.iter().zip(models) {
        assert_shows(reader, name, model);
    }
}

fn run(steps: Vec<Step>) -> TestCaseResult {
    let (_folder, path) = place();
    let config = OpenConfig {
        cache_bytes: Some(1 << 20),
        ..OpenConfig::new(&path)
    };
    let mut store = Sled.open(&config).unwrap();
    let mut committed = Models::default();
    let mut readers: Vec<(SledReader, Models)> = Vec::new();
    for step in steps {
        match step {
            Step::BeginRead => readers.push((store.begin_read().unwrap(), committed.clone())),
            Step::EndRead(which) if !readers.is_empty() => {
                readers.remove(which % readers.len());
            }
            Step::CheckRead(which) if !readers.is_empty() => {
                let (reader, models) = &readers[which % readers.len()];
                check(reader, models);
            }
            Step::EndRead(_) | Step::CheckRead(_) => {}
            Step::Write(changes, ending) => {
                let mut models = committed.clone();
                let mut writer = store.begin_write().unwrap();
                for (which, change) in changes {
                    let tree = writer.tree(TREES[which]).unwrap();
                    let model = &mut models[which];
                    match change {
                        Change::Put(key, value) => {
                            let value = vec![value as u8; usize::from(value % 300)];
                            let previous =
                                writer.put(tree, &[key], &value, <[u8]>::to_vec).unwrap();
                            prop_assert_eq!(previous, model.insert(vec![key], value));
                        }
                        Change::Remove(key) => {
                            let previous = writer.remove(tree, &[key], <[u8]>::to_vec).unwrap();
                            prop_assert_eq!(previous, model.remove(&vec![key]));
                        }
                        Change::Clear => {
                            writer.clear(tree).unwrap();
                            model.clear();
                        }
                    }
                }
                check(&writer, &models);
                if let Ending::Commit(durability) = ending {
                    writer.commit(durability).unwrap();
                    committed = models;
                }
            }
            Step::Reopen => {
                readers.clear();
                drop(store);
                store = Sled.open(&config).unwrap();
            }
        }
    }
    for (reader, models) in &readers {
        check(reader, models);
    }
    check(&store.begin_read().unwrap(), &committed);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_snapshot_shows_what_was_committed_before_it(steps in prop::collection::vec(a_step(), 1..60)) {
        run(steps)?;
    }
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
