//! Tables of trees whose widths are known.

use netabase_core::driver::{Database, Durability, EntryWidths, ErrorKind, Read, Write};
use redb::{Builder, ReadableDatabase, ReadableTableMetadata, TableDefinition};

use crate::{command, open, owned, place};

fn widths(key: Option<u32>, value: Option<u32>) -> EntryWidths {
    EntryWidths { key, value }
}

#[test]
fn plain_redb_reads_a_tree_by_the_types_of_its_widths() {
    let (_folder, path) = place();
    let store = open(&path);
    let mut writer = store.begin_write().unwrap();
    for (name, widths, key, value) in [
        (
            "record",
            widths(Some(8), None),
            &b"8 bytes."[..],
            &b"value"[..],
        ),
        ("index", widths(Some(12), Some(0)), b"twelve bytes", b""),
        ("unique", widths(None, Some(8)), b"any", b"8 bytes."),
        ("odd", widths(Some(9), Some(3)), b"9 bytes..", b"3.."),
    ] {
        let tree = writer.sized_tree(name, widths).unwrap();
        writer.put(tree, key, value, |_| ()).unwrap();
    }
    writer.commit(Durability::Immediate).unwrap();
    let names = command(&store, "tree_names").unwrap();
    assert_eq!(names, [&b"index"[..], b"odd", b"record", b"unique"]);
    drop(store);

    let database = Builder::new().open_read_only(&path).unwrap();
    let reader = database.begin_read().unwrap();
    let record = reader
        .open_table(TableDefinition::<&[u8; 8], &[u8]>::new("record"))
        .unwrap();
    assert_eq!(record.get(b"8 bytes.").unwrap().unwrap().value(), b"value");
    let index = reader
        .open_table(TableDefinition::<&[u8; 12], ()>::new("index"))
        .unwrap();
    assert!(index.get(b"twelve bytes").unwrap().is_some());
    let unique = reader
        .open_table(TableDefinition::<&[u8], &[u8; 8]>::new("unique"))
        .unwrap();
    assert_eq!(
        unique.get(&b"any"[..]).unwrap().unwrap().value(),
        b"8 bytes."
    );
    let odd = reader
        .open_table(TableDefinition::<&[u8], &[u8]>::new("odd"))
        .unwrap();
    assert_eq!(odd.len().unwrap(), 1);
}

#[test]
fn a_table_of_plain_redb_with_such_types_is_a_tree() {
    let (_folder, path) = place();
    let database = redb::Database::create(&path).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction
        .open_table(TableDefinition::<&[u8; 8], &[u8]>::new("record"))
        .unwrap()
        .insert(b"8 bytes.", &b"value"[..])
        .unwrap();
    transaction.commit().unwrap();
    drop(database);

    let store = open(&path);
    let reader = store.begin_read().unwrap();
    let tree = reader.tree("record").unwrap();
    assert_eq!(owned(&reader, tree, b"8 bytes."), Some(b"value".to_vec()));
}

#[test]
fn an_entry_of_another_width_is_refused_with_both_widths() {
    let (_folder, path) = place();
    let store = open(&path);
    let mut writer = store.begin_write().unwrap();
    let tree = writer.sized_tree("tree", widths(Some(8), None)).unwrap();
    let error = writer.put(tree, b"7 bytes", b"", |_| ()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    for part in ["8 bytes", "has 7"] {
        assert!(error.message().contains(part), "{error}");
    }
}
