//! `verify`: index entries that were removed, added or changed behind the typed layer's back.

use netabase_store::driver::{Durability, Read as _, Write as _};
use netabase_store::key::encode;

use crate::program::{DRIVERS, engine_tree, fill, netabase, open_bytes};

#[test]
fn entries_removed_and_added_are_found() {
    for driver in DRIVERS {
        type Damage = (&'static str, Vec<u8>, Option<Vec<u8>>, &'static str);
        let damages: [Damage; 5] = [
            (
                "Book.title",
                encode("title 1"),
                None,
                "no entry for its field",
            ),
            (
                "Book.title",
                encode("title 1"),
                Some(encode(&0i64)),
                "no entry for its field",
            ),
            (
                "Book.year",
                encode(&(1u16, 77i64)),
                Some(vec![]),
                "points to a record that is not there",
            ),
            ("Book.year", vec![1], Some(vec![]), "none of this index"),
            ("Book", vec![1, 2], Some(vec![0]), "none of this model"),
        ];
        for (tree, key, value, finding) in damages {
            let folder = tempfile::tempdir().unwrap();
            let url = fill(driver, folder.path(), 5);
            assert_eq!(netabase(&["verify", &url]).status, 0);
            let store = open_bytes(&url);
            let mut writer = store.begin_write().unwrap();
            let id = writer.tree(engine_tree(tree)).unwrap();
            let written = match &value {
                Some(value) => writer.put(id, &key, value, |_| ()).map(drop),
                None => writer.remove(id, &key, |_| ()).map(drop),
            };
            if written.is_err() {
                // The engine keeps to the widths of its tree, so that such an entry cannot be there.
                continue;
            }
            writer.commit(Durability::Immediate).unwrap();
            drop(store);
            let run = netabase(&["verify", &url]);
            assert_eq!(
                run.status, 1,
                "{driver} {tree}: {}{}",
                run.stdout, run.stderr
            );
            assert!(
                run.stdout.contains(finding),
                "{driver} {tree}: {}",
                run.stdout
            );
        }
    }
}

#[test]
fn what_no_model_explains_is_told_and_without_a_schema_is_a_finding() {
    for driver in DRIVERS {
        let folder = tempfile::tempdir().unwrap();
        let url = fill(driver, folder.path(), 5);
        let put = |tree: &str, clears: Option<&str>| {
            let store = open_bytes(&url);
            let mut writer = store.begin_write().unwrap();
            let id = writer.tree(tree).unwrap();
            writer.put(id, b"key", b"value", |_| ()).unwrap();
            if let Some(tree) = clears {
                let id = writer.tree(tree).unwrap();
                writer.clear(id).unwrap();
            }
            writer.commit(Durability::Immediate).unwrap();
        };
        put("Foreign", None);
        let run = netabase(&["verify", &url]);
        assert_eq!(run.status, 0, "{driver}: {}", run.stderr);
        assert!(
            run.stdout.contains("Foreign: belongs to no model"),
            "{driver}: {}",
            run.stdout
        );
        put("Foreign", Some("$netabase"));
        let run = netabase(&["verify", &url]);
        assert_eq!(run.status, 1, "{driver}: {}", run.stderr);
        assert!(run.stdout.contains("1: belongs"), "{}", run.stdout);
    }
}
