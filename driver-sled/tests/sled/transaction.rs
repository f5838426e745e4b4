//! Write transactions: changes in memory, read through, given to sled at once.

use netabase_core::driver::{Bounds, Database, Direction, Driver, Durability, Read, Write};
use netabase_driver_sled::{Sled, SledDatabase};

use crate::{Model, assert_shows, open, place, scan};

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
