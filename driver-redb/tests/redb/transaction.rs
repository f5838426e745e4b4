//! Trees: their names, and clearing.

use netabase_core::driver::{Database, Durability, ErrorKind, Read, Write};

use crate::{open, owned, place};

#[test]
fn the_driver_itself_refuses_a_tree_without_a_name() {
    let (_folder, path) = place();
    let store = open(&path);
    let refused = [
        store.begin_write().unwrap().tree(""),
        store.begin_read().unwrap().tree(""),
    ];
    for error in refused.map(Result::unwrap_err) {
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }
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
