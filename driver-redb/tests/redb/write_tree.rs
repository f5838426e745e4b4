//! Puts in ascending order, which go another way through redb, against an ordered map.

use std::collections::BTreeMap;

use netabase_core::driver::{Bounds, Cursor, Database, Direction, Durability, Read, TreeId, Write};
use netabase_driver_redb::RedbWriter;
use proptest::prelude::*;

use crate::{command, open, owned, place, put_one};

/// One step; keys are small numbers, so that steps meet.
#[derive(Debug, Clone)]
enum Step {
    /// Ascending keys from `first`, each `step` further.
    Ascend {
        first: u16,
        step: u16,
        entries: u16,
        size: usize,
    },
    Put {
        key: u16,
        size: usize,
    },
    Remove {
        key: u16,
    },
    Get {
        key: u16,
    },
    Scan,
    Clear,
    /// A step of the same transaction in another tree.
    Other {
        key: u16,
    },
    Commit,
}

fn step() -> impl Strategy<Value = Step> {
    let key = 0..3000_u16;
    prop_oneof![
        6 => (key.clone(), 1..4_u16, 1..400_u16, prop_oneof![0..40_usize, 900..1100_usize])
            .prop_map(|(first, step, entries, size)| Step::Ascend { first, step, entries, size }),
        2 => (key.clone(), 0..40_usize).prop_map(|(key, size)| Step::Put { key, size }),
        2 => key.clone().prop_map(|key| Step::Remove { key }),
        2 => key.clone().prop_map(|key| Step::Get { key }),
        1 => Just(Step::Scan),
        1 => Just(Step::Clear),
        1 => key.prop_map(|key| Step::Other { key }),
        1 => Just(Step::Commit),
    ]
}

type Oracle = BTreeMap<[u8; 2], Vec<u8>>;

fn put(writer: &mut RedbWriter, tree: TreeId, oracle: &mut Oracle, key: u16, size: usize) {
    let key = key.to_be_bytes();
    let value = vec![size as u8; size];
    let previous = writer.put(tree, &key, &value, <[u8]>::to_vec).unwrap();
    assert_eq!(previous, oracle.insert(key, value), "{key:?}");
}

fn assert_same(reader: &impl Read, tree: TreeId, oracle: &Oracle) {
    assert_eq!(reader.len(tree).unwrap(), oracle.len() as u64);
    let mut cursor = reader
        .cursor(tree, Bounds::ALL, Direction::Forward)
        .unwrap();
    for (key, value) in oracle {
        assert!(cursor.advance().unwrap());
        assert_eq!((cursor.key(), cursor.value()), (&key[..], &value[..]));
    }
    assert!(!cursor.advance().unwrap());
}

fn run(steps: &[Step]) {
    let (_folder, path) = place();
    let store = open(&path);
    let mut oracle = Oracle::new();
    let mut others = Oracle::new();
    let mut writer = store.begin_write().unwrap();
    let mut tree = writer.tree("t").unwrap();
    let mut other = writer.tree("other").unwrap();
    for step in steps {
        match *step {
            Step::Ascend {
                first,
                step,
                entries,
                size,
            } => {
                for key in (first..u16::MAX).step_by(step.into()).take(entries.into()) {
                    put(&mut writer, tree, &mut oracle, key, size);
                }
            }
            Step::Put { key, size } => put(&mut writer, tree, &mut oracle, key, size),
            Step::Remove { key } => {
                let key = key.to_be_bytes();
                let removed = writer.remove(tree, &key, <[u8]>::to_vec).unwrap();
                assert_eq!(removed, oracle.remove(&key));
            }
            Step::Get { key } => {
                let key = key.to_be_bytes();
                assert_eq!(owned(&writer, tree, &key), oracle.get(&key).cloned());
            }
            Step::Scan => assert_same(&writer, tree, &oracle),
            Step::Clear => {
                writer.clear(tree).unwrap();
                oracle.clear();
            }
            Step::Other { key } => put(&mut writer, other, &mut others, key, 3),
            Step::Commit => {
                writer.commit(Durability::None).unwrap();
                let reader = store.begin_read().unwrap();
                assert_same(&reader, reader.tree("t").unwrap(), &oracle);
                assert_same(&reader, reader.tree("other").unwrap(), &others);
                drop(reader);
                writer = store.begin_write().unwrap();
                other = writer.tree("other").unwrap();
                tree = writer.tree("t").unwrap();
            }
        }
    }
    writer.commit(Durability::Immediate).unwrap();
    assert_eq!(command(&store, "check_integrity").unwrap(), [[1]]);
    drop(store);
    let reader = open(&path).begin_read().unwrap();
    assert_same(&reader, reader.tree("t").unwrap(), &oracle);
    assert_same(&reader, reader.tree("other").unwrap(), &others);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn ascending_puts_among_all_others_hold_what_a_map_holds(
        steps in proptest::collection::vec(step(), 1..40)
    ) {
        run(&steps);
    }
}

#[test]
fn an_ascending_run_that_is_dropped_leaves_nothing() {
    let (_folder, path) = place();
    let store = open(&path);
    put_one(&store, "t", b"kept", b"", Durability::Immediate);
    let mut writer = store.begin_write().unwrap();
    let tree = writer.tree("t").unwrap();
    for key in 0..10_000_u32 {
        writer
            .put(tree, &key.to_be_bytes(), &[1; 100], |_| ())
            .unwrap();
    }
    drop(writer);
    let reader = store.begin_read().unwrap();
    assert_eq!(reader.len(reader.tree("t").unwrap()).unwrap(), 1);
    drop(reader);
    assert_eq!(command(&store, "check_integrity").unwrap(), [[1]]);
}

#[test]
fn a_writer_moves_between_threads_in_the_middle_of_a_run() {
    let (_folder, path) = place();
    let store = open(&path);
    let mut writer = store.begin_write().unwrap();
    let tree = writer.tree("t").unwrap();
    for key in 0..1000_u32 {
        writer = std::thread::scope(|scope| {
            scope
                .spawn(move || {
                    writer.put(tree, &key.to_be_bytes(), b"v", |_| ()).unwrap();
                    writer
                })
                .join()
                .unwrap()
        });
    }
    assert_eq!(writer.len(tree).unwrap(), 1000);
}
