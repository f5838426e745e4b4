//! Files that were damaged after they were closed: errors, and never a panic.

use std::fs;
use std::path::Path;

use netabase_core::driver::{
    Bounds, Cursor, Database, Direction, Driver, Durability, ErrorKind, OpenConfig, PinnedRead,
    Read, Result, Write,
};
use netabase_driver_redb::{Redb, RedbDatabase, RedbReader};

use crate::{open, place};

const ENTRIES: u32 = 2000;

fn key(place: u32) -> [u8; 4] {
    (place * 7919 % 5000).to_be_bytes()
}

fn fill(path: &Path) -> Vec<u8> {
    let store = open(path);
    for round in 0..3 {
        let mut writer = store.begin_write().unwrap();
        let tree = writer.tree("t").unwrap();
        for place in 0..ENTRIES {
            let value = vec![round; place as usize % 200];
            writer.put(tree, &key(place), &value, |_| ()).unwrap();
        }
        writer.commit(Durability::Immediate).unwrap();
    }
    drop(store);
    fs::read(path).unwrap()
}

fn scan(store: &RedbDatabase) -> Result<()> {
    let reader = store.begin_read()?;
    let tree = reader.tree("t")?;
    for direction in [Direction::Forward, Direction::Backward] {
        let mut cursor = reader.cursor(tree, Bounds::ALL, direction)?;
        while cursor.advance()? {
            std::hint::black_box((cursor.key(), cursor.value()));
        }
    }
    Ok(())
}

fn get_all(store: &RedbDatabase) -> Result<()> {
    let reader = store.begin_read()?;
    let tree = reader.tree("t")?;
    reader.len(tree)?;
    (0..ENTRIES).try_for_each(|place| reader.get(tree, &key(place), |_| ()).map(drop))
}

fn pin_all(store: &RedbDatabase) -> Result<()> {
    let reader = store.begin_read()?;
    let tree = reader.tree("t")?;
    for place in 0..ENTRIES {
        if let Some(guard) = reader.get_pinned(tree, &key(place))? {
            std::hint::black_box(guard.as_ref());
        }
    }
    let mut cursor = reader.cursor(tree, Bounds::ALL, Direction::Forward)?;
    while cursor.advance()? {
        if let Some(guard) = RedbReader::pin_value(&mut cursor) {
            std::hint::black_box(guard.as_ref());
        }
    }
    Ok(())
}

fn change(store: &RedbDatabase) -> Result<()> {
    let mut writer = store.begin_write()?;
    let tree = writer.tree("t")?;
    for place in 0..200 {
        writer.put(tree, &key(place), b"new", |_| ())?;
        writer.remove(tree, &key(place + 500), |_| ())?;
    }
    for ascending in 5000..5100_u32 {
        writer.put(tree, &ascending.to_be_bytes(), b"new", |_| ())?;
    }
    writer.commit(Durability::Immediate)
}

fn empty(store: &RedbDatabase) -> Result<()> {
    let mut writer = store.begin_write()?;
    let tree = writer.tree("t")?;
    writer.clear(tree)?;
    writer.commit(Durability::None)
}

/// A step that failed, failed for the damage, or for a failure before it.
fn assert_blamed(result: Result<()>) -> bool {
    match result {
        Ok(()) => true,
        Err(error) => {
            let expected = matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::Closed);
            assert!(expected, "{error:?}");
            false
        }
    }
}

#[test]
fn damage_is_reported_and_never_a_panic() {
    let (_folder, path) = place();
    let good = fill(&path);
    let used: Vec<usize> = (0..good.len())
        .step_by(4096)
        .filter(|&page| good[page..page + 64].iter().any(|&byte| byte != 0))
        .collect();
    let mut state = 88_172_645_463_325_252_u64;
    let mut random = |bound: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as usize % bound
    };
    let (mut refused, mut failed) = (0, 0);
    for _ in 0..120 {
        let mut bad = good.clone();
        for _ in 0..=random(3) {
            let offset = if random(2) == 0 {
                random(64)
            } else {
                random(4096)
            };
            bad[used[random(used.len())] + offset] = random(256) as u8;
        }
        fs::write(&path, &bad).unwrap();
        match Redb.open(&OpenConfig::new(&path)) {
            Ok(store) => {
                let sound =
                    [scan, get_all, pin_all, change, empty].map(|step| assert_blamed(step(&store)));
                failed += usize::from(sound.contains(&false));
            }
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Corrupt, "{error:?}");
                refused += 1;
            }
        }
    }
    assert!(
        refused > 0 && failed > 0,
        "refused {refused}, failed {failed}"
    );
}

/// redb finds no table under a name that was damaged, and would call the tree empty.
#[test]
fn a_tree_whose_name_was_lost_is_not_taken_for_an_empty_one() {
    let (_folder, path) = place();
    drop(fill(&path));
    let engine = redb::Database::open(&path).unwrap();
    let transaction = engine.begin_write().unwrap();
    let table = |name| redb::TableDefinition::<&[u8], &[u8]>::new(name);
    transaction.rename_table(table("t"), table("u")).unwrap();
    transaction.commit().unwrap();
    drop(engine);
    let store = open(&path);
    let reader = store.begin_read().unwrap();
    let writer = store.begin_write().unwrap();
    for error in [reader.tree("t").unwrap_err(), writer.tree("t").unwrap_err()] {
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        assert!(error.message().contains("`t`"), "{error:?}");
    }
    assert_eq!(reader.len(reader.tree("other").unwrap()).unwrap(), 0);
}

#[test]
fn the_table_of_names_is_no_tree() {
    let (_folder, path) = place();
    drop(fill(&path));
    let store = open(&path);
    let reader = store.begin_read().unwrap();
    let writer = store.begin_write().unwrap();
    for error in [
        reader.tree("$trees").unwrap_err(),
        writer.tree("$trees").unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }
}

/// Whether the driver's table of names is there, and which names it holds.
fn noted(path: &Path) -> Vec<String> {
    let engine = redb::Database::open(path).unwrap();
    let transaction = redb::ReadableDatabase::begin_read(&engine).unwrap();
    let names = redb::TableDefinition::<&str, ()>::new("$trees");
    let names = transaction.open_table(names).unwrap();
    let noted = redb::ReadableTable::iter(&names).unwrap();
    noted
        .map(|entry| entry.unwrap().0.value().to_owned())
        .collect()
}

#[test]
fn trees_are_noted_while_they_hold_entries() {
    let (_folder, path) = place();
    let put =
        |store: &RedbDatabase, name| crate::put_one(store, name, b"k", b"v", Durability::None);
    let store = open(&path);
    put(&store, "one");
    put(&store, "two");
    let mut writer = store.begin_write().unwrap();
    let (one, two) = (writer.tree("one").unwrap(), writer.tree("two").unwrap());
    writer.tree("three").unwrap();
    writer.remove(one, b"k", |_| ()).unwrap();
    writer.clear(two).unwrap();
    drop(writer);
    drop(store);
    assert_eq!(noted(&path), ["one", "two"]);
    let store = open(&path);
    let mut writer = store.begin_write().unwrap();
    let (one, two) = (writer.tree("one").unwrap(), writer.tree("two").unwrap());
    writer.tree("three").unwrap();
    writer.remove(one, b"k", |_| ()).unwrap();
    writer.clear(two).unwrap();
    writer.commit(Durability::None).unwrap();
    put(&store, "two");
    drop(store);
    assert_eq!(noted(&path), ["two"]);
    let store = open(&path);
    let reader = store.begin_read().unwrap();
    for name in ["one", "three", "four"] {
        assert_eq!(reader.len(reader.tree(name).unwrap()).unwrap(), 0);
    }
}

/// redb keeps one byte that says whether a table has a root.
#[test]
fn a_tree_whose_root_was_lost_is_not_taken_for_an_empty_one() {
    let (_folder, path) = place();
    drop(fill(&path));
    let engine = redb::Database::open(&path).unwrap();
    let transaction = engine.begin_write().unwrap();
    let table = |name| redb::TableDefinition::<&[u8], &[u8]>::new(name);
    // As good as none: another table, empty, under the name.
    transaction.delete_table(table("t")).unwrap();
    transaction.open_table(table("t")).unwrap();
    transaction.commit().unwrap();
    drop(engine);
    let store = open(&path);
    let reader = store.begin_read().unwrap();
    let writer = store.begin_write().unwrap();
    for error in [reader.tree("t").unwrap_err(), writer.tree("t").unwrap_err()] {
        assert_eq!(error.kind(), ErrorKind::Corrupt);
    }
}
