//! What is LMDB's own: its files, its map, its table of readers, and its lock that belongs to a thread.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::fs;
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use heed::types::Bytes;
use heed::{CommitOrAbort, EnvOpenOptions};
use netabase_core::driver::{
    Database, Driver, DriverError, Durability, ErrorKind, OpenConfig, Read, Result, Write,
};
use netabase_core::loader::{self, SearchPath};
use netabase_driver_lmdb::{Lmdb, LmdbDatabase};

fn open(path: &Path, options: &[(&str, &str)]) -> Result<LmdbDatabase> {
    Lmdb.open(&OpenConfig {
        options,
        ..OpenConfig::new(path)
    })
}

#[track_caller]
fn refused<T>(result: Result<T>, kind: ErrorKind) -> DriverError {
    match result {
        Ok(_) => panic!("it was not refused"),
        Err(error) => {
            assert_eq!(error.kind(), kind, "{error:?}");
            error
        }
    }
}

fn put(database: &LmdbDatabase, key: &[u8], value: &[u8]) -> Result<()> {
    let mut writer = database.begin_write()?;
    let tree = writer.tree("t")?;
    writer.put(tree, key, value, |_| ())?;
    writer.commit(Durability::Immediate)
}

fn get(database: &LmdbDatabase, key: &[u8]) -> Option<Vec<u8>> {
    let reader = database.begin_read().unwrap();
    let tree = reader.tree("t").unwrap();
    reader.get(tree, key, <[u8]>::to_vec).unwrap()
}

/// LMDB opens what it finds under its names, and writes to it.
#[cfg(unix)]
#[test]
fn no_link_in_a_folder_is_followed() {
    for name in ["data.mdb", "lock.mdb"] {
        for target in ["file", "nothing"] {
            let folder = tempfile::tempdir().unwrap();
            let (path, target) = (folder.path().join("db"), folder.path().join(target));
            fs::write(folder.path().join("file"), "").unwrap();
            fs::create_dir(&path).unwrap();
            std::os::unix::fs::symlink(&target, path.join(name)).unwrap();
            let error = refused(open(&path, &[]), ErrorKind::Corrupt);
            assert!(error.message().contains("a link"), "{error:?}");
            let length = fs::metadata(&target).map(|found| found.len()).unwrap_or(0);
            assert_eq!((length, target.ends_with("file")), (0, target.exists()));
        }
    }
}

/// Opening a pipe waits for a writer of it.
#[cfg(unix)]
#[test]
fn no_pipe_in_a_folder_is_waited_for() {
    for name in ["data.mdb", "lock.mdb"] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db");
        fs::create_dir(&path).unwrap();
        let made = std::process::Command::new("mkfifo")
            .arg(path.join(name))
            .status();
        assert!(made.unwrap().success());
        let (sender, opened) = mpsc::channel();
        thread::spawn(move || sender.send(open(&path, &[]).map(drop)));
        let opened = opened.recv_timeout(Duration::from_secs(60));
        refused(opened.expect("opening waits"), ErrorKind::Corrupt);
    }
}

#[test]
fn a_writer_ends_on_another_thread_than_it_began_on() {
    let folder = tempfile::tempdir().unwrap();
    let database = Arc::new(open(&folder.path().join("db"), &[]).unwrap());
    for commits in [true, false] {
        let began = thread::spawn({
            let database = Arc::clone(&database);
            move || database.begin_write().unwrap()
        });
        let mut writer = began.join().unwrap();
        let ended = thread::spawn(move || {
            let tree = writer.tree("t").unwrap();
            let value = [u8::from(commits)];
            writer.put(tree, b"k", &value, |_| ()).unwrap();
            if commits {
                writer.commit(Durability::Immediate).unwrap();
            }
        });
        ended.join().unwrap();
        // Not joined: if LMDB's lock is still taken, this waits for ever.
        let (sender, written) = mpsc::channel();
        thread::spawn({
            let database = Arc::clone(&database);
            move || sender.send(put(&database, b"next", b""))
        });
        written
            .recv_timeout(Duration::from_secs(20))
            .unwrap()
            .unwrap();
        assert_eq!(get(&database, b"k"), Some(vec![1]));
    }
}

#[test]
fn another_copy_of_lmdb_in_the_process_finds_the_folder_locked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    let loaded = loader::load("lmdb", &SearchPath::default().without_environment()).unwrap();
    let config = OpenConfig::new(&path);
    let linked = Lmdb.open(&config).unwrap();
    refused(loaded.open(&config).map(drop), ErrorKind::Locked);
    let reader = linked.begin_read().unwrap();
    drop(linked);
    refused(loaded.open(&config).map(drop), ErrorKind::Locked);
    drop(reader);
    let opened = loaded.open(&config).unwrap();
    refused(Lmdb.open(&config), ErrorKind::Locked);
    drop(opened);
    drop(Lmdb.open(&config).unwrap());
}

#[test]
fn a_full_map_is_a_limit_and_a_larger_one_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    let database = open(&path, &[("map_size", "1048576")]).unwrap();
    put(&database, b"small", b"1").unwrap();
    let error = refused(
        put(&database, b"large", &vec![7; 2 << 20]),
        ErrorKind::LimitExceeded,
    );
    assert!(error.message().contains("`map_size`"), "{error}");
    // The refused transaction is gone, and others go on.
    assert_eq!(get(&database, b"large"), None);
    put(&database, b"small", b"2").unwrap();
    drop(database);
    let database = open(&path, &[("map_size", "16777216")]).unwrap();
    put(&database, b"large", &vec![7; 2 << 20]).unwrap();
    assert_eq!(get(&database, b"small"), Some(b"2".to_vec()));
    drop(database);
    // A map is never smaller than what is in it.
    let database = open(&path, &[("map_size", "1048576")]).unwrap();
    assert_eq!(
        get(&database, b"large").map(|value| value.len()),
        Some(2 << 20)
    );
}

#[test]
fn readers_beyond_the_table_are_refused_until_others_end() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&folder.path().join("db"), &[("max_readers", "3")]).unwrap();
    put(&database, b"k", b"v").unwrap();
    let mut readers = Vec::new();
    let error = loop {
        match database.begin_read() {
            Ok(reader) => readers.push(reader),
            Err(error) => break error,
        }
        assert!(readers.len() < 1000, "the table has no end");
    };
    assert!(readers.len() >= 3);
    assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{error}");
    assert!(error.message().contains("`max_readers`"), "{error}");
    readers.pop();
    assert_eq!(get(&database, b"k"), Some(b"v".to_vec()));
}

#[test]
fn a_folder_of_other_files_is_corrupt_and_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let text = "no database\n".repeat(2000);
    let zeros = [0; 16384];
    let mut newer = vec![0; 16384];
    newer[10] = 8;
    newer[16..20].copy_from_slice(&0xBEEF_C0DE_u32.to_ne_bytes());
    newer[20] = 2;
    for (name, bytes) in [
        ("notes.txt", text.as_bytes()),
        ("data.mdb", text.as_bytes()),
        ("data.mdb", b"x"),
        ("data.mdb", &zeros),
        ("data.mdb", &newer),
    ] {
        let path = folder.path().join("db");
        fs::create_dir(&path).unwrap();
        fs::write(path.join(name), bytes).unwrap();
        for (truncate, read_only) in [(false, false), (true, false), (false, true)] {
            let opened = Lmdb.open(&OpenConfig {
                truncate,
                read_only,
                ..OpenConfig::new(&path)
            });
            refused(opened, ErrorKind::Corrupt);
            let files: Vec<_> = fs::read_dir(&path).unwrap().collect();
            assert_eq!(files.len(), 1, "{name}: a file was added");
            assert!(fs::read(path.join(name)).unwrap() == bytes, "{name}");
        }
        fs::remove_dir_all(&path).unwrap();
    }
}

#[test]
fn what_another_program_keeps_in_lmdb_is_corrupt_and_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    // SAFETY: nothing else knows of this file.
    let env = unsafe { EnvOpenOptions::new().max_dbs(1).open(folder.path()) }.unwrap();
    for name in [None, Some("named")] {
        let transaction = env.write_txn().unwrap();
        env.create_databases_and_commit(transaction, |opener, transaction| {
            let database = opener.create_database::<Bytes, Bytes>(transaction, name)?;
            if name.is_none() {
                database.put(transaction, b"theirs", b"1")?;
            }
            Ok::<_, heed::Error>(CommitOrAbort::<_, ()>::Commit(database))
        })
        .unwrap();
    }
    env.prepare_for_closing().wait();
    let data = folder.path().join("data.mdb");
    let before = fs::read(&data).unwrap();
    for (truncate, read_only) in [(false, false), (true, false), (false, true)] {
        let opened = Lmdb.open(&OpenConfig {
            truncate,
            read_only,
            ..OpenConfig::new(folder.path())
        });
        refused(opened, ErrorKind::Corrupt);
        assert!(fs::read(&data).unwrap() == before, "the data was changed");
    }
}

#[test]
fn a_creation_that_was_cut_off_counts_as_none() {
    let folder = tempfile::tempdir().unwrap();
    let whole = folder.path().join("whole");
    drop(open(&whole, &[]).unwrap());
    let pages = fs::read(whole.join("data.mdb")).unwrap()[..8192].to_vec();
    let first_page = &pages[..4096];
    let blank = [0; 4096];
    let without_the_second = [first_page, &blank].concat();
    let without_the_first = [&blank, &pages[4096..]].concat();
    for files in [
        &[][..],
        &[("lock.mdb", &b""[..])],
        &[("lock.mdb", b""), ("data.mdb", b"")],
        &[("data.mdb", first_page)],
        &[("data.mdb", &without_the_second)],
        &[("data.mdb", &without_the_first)],
    ] {
        let path = folder.path().join("cut");
        fs::create_dir(&path).unwrap();
        for (name, bytes) in files {
            fs::write(path.join(name), bytes).unwrap();
        }
        let existing = OpenConfig {
            create_if_missing: false,
            ..OpenConfig::new(&path)
        };
        refused(Lmdb.open(&existing), ErrorKind::NotFound);
        let database = open(&path, &[]).unwrap();
        put(&database, b"k", b"v").unwrap();
        assert_eq!(get(&database, b"k"), Some(b"v".to_vec()));
        drop(database);
        fs::remove_dir_all(&path).unwrap();
    }
}

#[test]
fn read_only_handles_shut_writing_ones_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    put(&open(&path, &[]).unwrap(), b"k", b"v").unwrap();
    let read_only = OpenConfig {
        read_only: true,
        ..OpenConfig::new(&path)
    };
    let reading = Lmdb.open(&read_only).unwrap();
    refused(open(&path, &[]), ErrorKind::Locked);
    assert_eq!(get(&reading, b"k"), Some(b"v".to_vec()));
    refused(reading.begin_write(), ErrorKind::ReadOnly);
    // LMDB's lock file is not needed to read.
    drop(reading);
    fs::remove_file(path.join("lock.mdb")).unwrap();
    assert_eq!(
        get(&Lmdb.open(&read_only).unwrap(), b"k"),
        Some(b"v".to_vec())
    );
    assert!(!path.join("lock.mdb").exists());
}
