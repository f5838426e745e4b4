//! Opening: what is created, what is refused, and what stays untouched.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use netabase_core::driver::{Database, Driver, Durability, ErrorKind, OpenConfig, Read, Write};
use netabase_driver_redb::Redb;

use crate::{command, get_one, open, open_error, place, put_one};

/// Every way of opening that could change what is there.
fn every_way(path: &Path) -> [OpenConfig<'_>; 5] {
    let plain = OpenConfig::new(path);
    [
        plain,
        OpenConfig {
            create_if_missing: false,
            ..plain
        },
        OpenConfig {
            truncate: true,
            ..plain
        },
        OpenConfig {
            read_only: true,
            ..plain
        },
        OpenConfig {
            options: &[("check_integrity_on_open", "true")],
            truncate: true,
            ..plain
        },
    ]
}

#[test]
fn a_foreign_file_is_corrupt_and_stays_as_it_is() {
    let random: Vec<u8> = (0..10_000_u32)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    let mut contents = vec![
        b"name,population\nBerlin,3644826\n".to_vec(),
        b"SQLite format 3\0".to_vec(),
        b"redb".to_vec(),
        vec![0; 4096],
        vec![0; 1 << 20],
        random,
    ];
    contents.extend((1..=70).map(|length| vec![b'x'; length]));
    for content in contents {
        let (_folder, path) = place();
        fs::write(&path, &content).unwrap();
        let changed = fs::metadata(&path).unwrap().modified().unwrap();
        for config in every_way(&path) {
            let error = open_error(&config);
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{config:?}: {error:?}");
            assert!(error.message().contains("data.redb"), "{error:?}");
            assert_eq!(fs::read(&path).unwrap(), content, "{config:?}");
        }
        let after = fs::metadata(&path).unwrap().modified().unwrap();
        assert_eq!(after, changed);
    }
}

/// A process that is started has every open file until it executes its program, and with it a lock that was left to the
/// closing of the file.
#[test]
fn a_refused_file_is_unlocked_while_processes_are_started() {
    let is_over = AtomicBool::new(false);
    let (_folder, path) = place();
    fs::write(&path, vec![b'x'; 10_000]).unwrap();
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    assert!(Command::new(path.join("none")).status().is_err());
                }
            });
        }
        let errors: Vec<_> = (0..60)
            .flat_map(|_| every_way(&path))
            .map(|config| open_error(&config))
            .collect();
        is_over.store(true, Ordering::Relaxed);
        for error in errors {
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{error:?}");
        }
    });
}

#[test]
fn a_database_cut_short_is_corrupt_and_stays_as_it_is() {
    let (_folder, path) = place();
    put_one(&open(&path), "t", b"k", b"v", Durability::Immediate);
    let whole = fs::read(&path).unwrap();
    for length in [9, 10, 63, 64, 319, 320, 4095, 4096, 8192, whole.len() / 2] {
        fs::write(&path, &whole[..length]).unwrap();
        for config in every_way(&path) {
            let error = open_error(&config);
            if !config.read_only {
                assert_eq!(error.kind(), ErrorKind::Corrupt, "{length}: {error:?}");
            }
            assert_eq!(fs::read(&path).unwrap(), whole[..length], "{length}");
        }
    }
    fs::write(&path, &whole).unwrap();
    assert_eq!(get_one(&open(&path), "t", b"k").as_deref(), Some(&b"v"[..]));
}

#[test]
fn a_folder_in_the_files_place_is_refused_and_stays() {
    let (_folder, path) = place();
    fs::create_dir(&path).unwrap();
    fs::write(path.join("inside"), b"kept").unwrap();
    for config in every_way(&path) {
        let error = open_error(&config);
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.message().contains("folder"), "{error:?}");
        assert_eq!(fs::read(path.join("inside")).unwrap(), b"kept");
    }
}

#[test]
fn a_file_of_no_bytes_counts_as_missing() {
    let (_folder, path) = place();
    fs::write(&path, b"").unwrap();
    for config in [
        OpenConfig {
            create_if_missing: false,
            ..OpenConfig::new(&path)
        },
        OpenConfig {
            read_only: true,
            ..OpenConfig::new(&path)
        },
    ] {
        assert_eq!(open_error(&config).kind(), ErrorKind::NotFound);
        assert_eq!(fs::metadata(&path).unwrap().len(), 0);
    }
    put_one(&open(&path), "t", b"k", b"v", Durability::Immediate);
    assert!(get_one(&open(&path), "t", b"k").is_some());
}

#[test]
fn a_missing_parent_folder_is_named() {
    let (folder, _) = place();
    let path = folder.path().join("absent").join("data.redb");
    let error = open_error(&OpenConfig::new(&path));
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(
        error.message().contains("absent` is not there; create it"),
        "{error:?}"
    );

    let file = folder.path().join("file");
    fs::write(&file, b"x").unwrap();
    let error = open_error(&OpenConfig::new(&file.join("data.redb")));
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(fs::read(&file).unwrap(), b"x");
}

#[test]
fn a_file_that_is_open_already_is_locked() {
    let (_folder, path) = place();
    let store = open(&path);
    put_one(&store, "t", b"k", b"v", Durability::Immediate);
    for config in every_way(&path) {
        let error = open_error(&config);
        assert_eq!(error.kind(), ErrorKind::Locked, "{config:?}: {error:?}");
    }
    assert_eq!(get_one(&store, "t", b"k").as_deref(), Some(&b"v"[..]));
    drop(store);
    assert_eq!(get_one(&open(&path), "t", b"k").as_deref(), Some(&b"v"[..]));
}

#[test]
fn truncate_empties_a_database_and_gives_the_space_back() {
    let (_folder, path) = place();
    let store = open(&path);
    let mut writer = store.begin_write().unwrap();
    for name in ["a", "b"] {
        let tree = writer.tree(name).unwrap();
        for i in 0..500_u32 {
            writer
                .put(tree, &i.to_be_bytes(), &[7; 10_000], |_| ())
                .unwrap();
        }
    }
    writer.commit(Durability::Immediate).unwrap();
    drop(store);
    let full = fs::metadata(&path).unwrap().len();
    assert!(full > 10_000_000);

    let truncate = OpenConfig {
        truncate: true,
        ..OpenConfig::new(&path)
    };
    let store = Redb.open(&truncate).unwrap();
    assert!(command(&store, "tree_names").unwrap().is_empty());
    assert_eq!(get_one(&store, "a", &0_u32.to_be_bytes()), None);
    assert!(fs::metadata(&path).unwrap().len() < full / 4);
    put_one(&store, "a", b"k", b"new", Durability::Immediate);
    drop(store);
    assert_eq!(
        get_one(&open(&path), "a", b"k").as_deref(),
        Some(&b"new"[..])
    );
}

#[test]
fn truncate_removes_what_other_programs_of_redb_left() {
    let (_folder, path) = place();
    let database = redb::Database::create(&path).unwrap();
    let numbers = redb::TableDefinition::<u64, u64>::new("numbers");
    let pairs = redb::MultimapTableDefinition::<u64, u64>::new("pairs");
    let transaction = database.begin_write().unwrap();
    transaction
        .open_table(numbers)
        .unwrap()
        .insert(1, 2)
        .unwrap();
    transaction
        .open_multimap_table(pairs)
        .unwrap()
        .insert(1, 2)
        .unwrap();
    transaction.commit().unwrap();
    let transaction = database.begin_write().unwrap();
    transaction.persistent_savepoint().unwrap();
    transaction.commit().unwrap();
    drop(database);

    let truncate = OpenConfig {
        truncate: true,
        ..OpenConfig::new(&path)
    };
    drop(Redb.open(&truncate).unwrap());
    let database = redb::Database::open(&path).unwrap();
    let transaction = database.begin_write().unwrap();
    assert_eq!(transaction.list_tables().unwrap().count(), 0);
    assert_eq!(transaction.list_multimap_tables().unwrap().count(), 0);
    assert_eq!(transaction.list_persistent_savepoints().unwrap().count(), 0);
}

#[test]
fn a_table_of_another_program_is_refused_and_kept() {
    use redb::{ReadableDatabase, ReadableTableMetadata};

    let (_folder, path) = place();
    let numbers = redb::TableDefinition::<u64, u64>::new("numbers");
    let database = redb::Database::create(&path).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction
        .open_table(numbers)
        .unwrap()
        .insert(1, 2)
        .unwrap();
    transaction.commit().unwrap();
    drop(database);

    let store = open(&path);
    let error = store.begin_read().unwrap().tree("numbers").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    let error = store.begin_write().unwrap().tree("numbers").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(command(&store, "tree_names").unwrap().is_empty());
    drop(store);

    let database = redb::Database::open(&path).unwrap();
    let transaction = database.begin_read().unwrap();
    assert_eq!(transaction.open_table(numbers).unwrap().len().unwrap(), 1);
}

#[test]
fn a_read_only_handle_reads_and_refuses_to_write() {
    let (_folder, path) = place();
    put_one(&open(&path), "t", b"k", b"v", Durability::Immediate);
    let before = fs::read(&path).unwrap();
    let config = OpenConfig {
        read_only: true,
        ..OpenConfig::new(&path)
    };
    let store = Redb.open(&config).unwrap();
    let second = Redb.open(&config).unwrap();
    assert_eq!(get_one(&store, "t", b"k").as_deref(), Some(&b"v"[..]));
    assert_eq!(get_one(&second, "t", b"k").as_deref(), Some(&b"v"[..]));
    assert_eq!(get_one(&store, "absent", b"k"), None);
    assert_eq!(store.begin_write().unwrap_err().kind(), ErrorKind::ReadOnly);
    assert_eq!(
        open_error(&OpenConfig::new(&path)).kind(),
        ErrorKind::Locked
    );
    assert_eq!(command(&store, "tree_names").unwrap(), [b"t"]);
    for operation in ["compact", "check_integrity"] {
        let error = command(&store, operation).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ReadOnly);
    }
    let reader = store.begin_read().unwrap();
    drop((store, second));
    let tree = reader.tree("t").unwrap();
    assert!(reader.get(tree, b"k", |_| ()).unwrap().is_some());
    drop(reader);
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_database_nobody_wrote_to_opens_read_only() {
    let (_folder, path) = place();
    drop(open(&path));
    let config = OpenConfig {
        read_only: true,
        ..OpenConfig::new(&path)
    };
    assert_eq!(get_one(&Redb.open(&config).unwrap(), "t", b"k"), None);
}

#[test]
fn any_cache_size_works() {
    let (_folder, path) = place();
    for cache_bytes in [0, 1, 4096, 1 << 30] {
        let config = OpenConfig {
            cache_bytes: Some(cache_bytes),
            ..OpenConfig::new(&path)
        };
        let store = Redb.open(&config).unwrap();
        let mut writer = store.begin_write().unwrap();
        let tree = writer.tree("t").unwrap();
        for i in 0..2000_u32 {
            writer
                .put(tree, &i.to_be_bytes(), &[1; 100], |_| ())
                .unwrap();
        }
        writer.commit(Durability::Immediate).unwrap();
        assert!(get_one(&store, "t", &1999_u32.to_be_bytes()).is_some());
    }
}

#[test]
fn every_option_is_taken() {
    let (_folder, path) = place();
    for name in [
        "quick_repair",
        "two_phase_commit",
        "check_integrity_on_open",
    ] {
        let options = [(name, "true")];
        let config = OpenConfig {
            options: &options,
            ..OpenConfig::new(&path)
        };
        let store = Redb.open(&config).unwrap();
        put_one(&store, "t", name.as_bytes(), b"", Durability::Immediate);
        put_one(&store, "t", name.as_bytes(), b"v", Durability::None);
    }
    let reader = open(&path).begin_read().unwrap();
    assert_eq!(reader.len(reader.tree("t").unwrap()).unwrap(), 3);
}

#[cfg(unix)]
#[test]
fn what_is_no_regular_file_is_refused_at_once() {
    let error = open_error(&OpenConfig::new(Path::new("/dev/null")));
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.message().contains("not a regular file"), "{error:?}");
}
