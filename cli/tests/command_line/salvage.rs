//! `salvage`: what is good of a damaged database, and what is told of the rest.

use netabase_store::driver::{Bounds, Cursor as _, Direction, Durability, Read as _, Write as _};
use netabase_store::key::encode;

use crate::program::{DRIVERS, engine_tree, fill, netabase, open_bytes};

#[test]
fn a_sound_database_is_saved_whole() {
    for driver in DRIVERS {
        let folder = tempfile::tempdir().unwrap();
        let url = fill(driver, folder.path(), 50);
        let target = format!("redb:{}", folder.path().join("saved").display());
        let run = netabase(&["salvage", &url, &target]);
        assert_eq!(run.status, 0, "{driver}: {}{}", run.stdout, run.stderr);
        assert_eq!(netabase(&["verify", &target]).status, 0);
        let scan = |url: &str, tree: &str| netabase(&["scan", url, tree]).stdout;
        for tree in ["Book", "Book.title", "Book.year"] {
            assert_eq!(scan(&url, tree), scan(&target, tree), "{driver} {tree}");
        }
        let again = netabase(&["salvage", &url, &target]);
        assert_eq!(again.status, 2, "{}", again.stdout);
        assert!(again.stderr.contains("--overwrite"), "{}", again.stderr);
    }
}

#[test]
fn damaged_records_are_left_out_and_listed_and_lost_index_entries_come_back() {
    for driver in DRIVERS {
        let folder = tempfile::tempdir().unwrap();
        let url = fill(driver, folder.path(), 50);
        let store = open_bytes(&url);
        let mut writer = store.begin_write().unwrap();
        let records = writer.tree(engine_tree("Book")).unwrap();
        for id in [7i64, 30] {
            let mut record = writer
                .get(records, &encode(&id), <[u8]>::to_vec)
                .unwrap()
                .unwrap();
            let middle = record.len() / 2;
            record[middle] ^= 4;
            writer.put(records, &encode(&id), &record, |_| ()).unwrap();
        }
        writer.remove(records, &encode(&40i64), |_| ()).unwrap();
        let titles = writer.tree(engine_tree("Book.title")).unwrap();
        writer.remove(titles, &encode("title 3"), |_| ()).unwrap();
        writer.commit(Durability::Immediate).unwrap();
        drop(store);
        let target = format!("redb:{}", folder.path().join("saved").display());
        assert_eq!(netabase(&["verify", &url]).status, 1);

        let run = netabase(&["salvage", &url, &target]);
        assert_eq!(run.status, 1, "{driver}: {}{}", run.stdout, run.stderr);
        for line in [
            "Book: 7: its checksum",
            "Book: 30: its checksum",
            "Book: 40: an index entry leads to it",
        ] {
            assert!(run.stdout.contains(line), "{driver}: {}", run.stdout);
        }
        let verified = netabase(&["verify", &target]);
        assert_eq!(verified.status, 0, "{driver}: {}", verified.stdout);
        let saved = open_bytes(&target);
        let reader = saved.begin_read().unwrap();
        for tree in ["Book", "Book.title", "Book.year"] {
            let tree = reader.tree(engine_tree(tree)).unwrap();
            let mut cursor = reader
                .cursor(tree, Bounds::ALL, Direction::Forward)
                .unwrap();
            let mut entries = 0;
            while cursor.advance().unwrap() {
                entries += 1;
            }
            assert_eq!(entries, 47, "{driver}");
        }
    }
}

#[test]
fn without_a_schema_record_there_is_nothing_to_go_by() {
    let folder = tempfile::tempdir().unwrap();
    let url = fill("redb", folder.path(), 5);
    let store = open_bytes(&url);
    let mut writer = store.begin_write().unwrap();
    let schema = writer.tree("$netabase").unwrap();
    writer.clear(schema).unwrap();
    writer.commit(Durability::Immediate).unwrap();
    drop(store);
    let target = format!("redb:{}", folder.path().join("saved").display());
    let run = netabase(&["salvage", &url, &target]);
    assert_eq!(run.status, 3, "{}", run.stdout);
    assert!(run.stderr.contains("schema record"), "{}", run.stderr);
    assert!(!folder.path().join("saved").exists());
}
