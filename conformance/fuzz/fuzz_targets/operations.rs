//! Encoded lists of operations: refused as a whole or run as a whole, with the result of running them one by one.
#![no_main]

use std::collections::BTreeMap;
use std::path::Path;

use libfuzzer_sys::fuzz_target;
use netabase_core::driver::checked::Checked;
use netabase_core::driver::{
    Bounds, Cursor, Direction, Durability, OpenConfig, WriteOp, WriteBatch, WriteBatchBuilder,
    Read, TreeId, Write,
};
use netabase_core::memory::Memory;

const TREES: [&str; 3] = ["a", "b", "c"];

fuzz_target!(|bytes: &[u8]| {
    let Ok(list) = WriteBatch::parse(bytes) else {
        return;
    };
    assert_eq!(list.as_bytes(), bytes);
    let mut again = WriteBatchBuilder::new();
    for operation in &list {
        match operation {
            WriteOp::Put { tree, key, value } => again.put(tree, key, value).unwrap(),
            WriteOp::Remove { tree, key } => again.remove(tree, key).unwrap(),
            WriteOp::Clear { tree } => again.clear(tree),
        };
    }
    assert_eq!(
        again.as_batch().as_bytes(),
        bytes,
        "two encodings of a list"
    );

    let store = Checked::open(&Memory, &OpenConfig::new(Path::new(""))).unwrap();
    let mut writer = store.begin_write().unwrap();
    let trees = TREES.map(|name| writer.tree(name).unwrap());
    let mut expected: BTreeMap<(TreeId, Vec<u8>), Vec<u8>> = BTreeMap::new();
    for operation in &list {
        match operation {
            WriteOp::Put { tree, key, value } => {
                expected.insert((tree, key.to_vec()), value.to_vec());
            }
            WriteOp::Remove { tree, key } => {
                expected.remove(&(tree, key.to_vec()));
            }
            WriteOp::Clear { tree } => expected.retain(|(of, _), _| *of != tree),
        }
    }
    if writer.apply(&list).is_err() {
        // Its reason: an empty key, or a tree that is not this transaction's.
        assert!(list.iter().any(|operation| match operation {
            WriteOp::Put { tree, key, .. } => key.is_empty() || !trees.contains(&tree),
            WriteOp::Remove { tree, .. } | WriteOp::Clear { tree } => !trees.contains(&tree),
        }));
        return;
    }
    for tree in trees {
        let mut cursor = writer
            .cursor(tree, Bounds::ALL, Direction::Forward)
            .unwrap();
        let mut entries = expected.iter().filter(|((of, _), _)| *of == tree);
        while let Some((key, value)) = cursor.next_entry().unwrap() {
            let ((_, wanted_key), wanted_value) = entries.next().expect("an entry too many");
            assert_eq!((key, value), (&**wanted_key, &**wanted_value));
        }
        assert!(entries.next().is_none(), "an entry is missing");
    }
    writer.commit(Durability::None).unwrap();
});
