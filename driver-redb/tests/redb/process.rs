//! What only a second process shows: its death.

use std::path::Path;
use std::process::{Command, Output};

use netabase_core::driver::{Driver, Durability, ErrorKind, OpenConfig};
use netabase_driver_redb::Redb;

use crate::{get_one, open, open_error, place, put_one};

const PATH: &str = "REDB_TEST_PATH";

/// Runs one of this file's ignored tests in a process of its own.
fn in_a_child(test: &str, path: &Path) -> Output {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--ignored", "--test-threads=1"])
        .env(PATH, path)
        .output()
        .unwrap()
}

fn path_from_parent() -> std::path::PathBuf {
    std::env::var_os(PATH).expect("run by another test").into()
}

#[test]
#[ignore = "run in a process of its own by what_was_durable_survives_an_abort"]
fn child_commits_and_aborts() {
    let store = open(&path_from_parent());
    put_one(&store, "t", b"durable", b"1", Durability::Immediate);
    put_one(&store, "t", b"deferred", b"2", Durability::None);
    std::process::abort();
}

#[test]
fn what_was_durable_survives_an_abort() {
    let (_folder, path) = place();
    let aborted = in_a_child("process::child_commits_and_aborts", &path);
    assert!(!aborted.status.success());

    let read_only = OpenConfig {
        read_only: true,
        ..OpenConfig::new(&path)
    };
    let before = std::fs::read(&path).unwrap();
    let changed = std::fs::metadata(&path).unwrap().modified().unwrap();
    let stores = [(); 2].map(|()| Redb.open(&read_only).unwrap());
    for store in &stores {
        assert_eq!(get_one(store, "t", b"durable").as_deref(), Some(&b"1"[..]));
    }
    // Who reads keeps writers out, though nothing on disk is repaired.
    let error = open_error(&OpenConfig::new(&path));
    assert_eq!(error.kind(), ErrorKind::Locked);
    drop(stores);
    assert!(std::fs::read(&path).unwrap() == before);
    let metadata = std::fs::metadata(&path).unwrap();
    assert_eq!(metadata.modified().unwrap(), changed);

    let store = open(&path);
    assert_eq!(get_one(&store, "t", b"durable").as_deref(), Some(&b"1"[..]));
    drop(store);
    let store = Redb.open(&read_only).unwrap();
    assert_eq!(get_one(&store, "t", b"durable").as_deref(), Some(&b"1"[..]));
}
