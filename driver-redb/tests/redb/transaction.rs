//! Transactions: lifetimes of handles, trees by id.

use netabase_core::driver::{
    Bounds, Cursor, Database, Direction, Durability, ErrorKind, Read, TreeId, Write,
};

use crate::{open, owned, place, put_one};

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
