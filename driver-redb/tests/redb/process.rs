//! What only a second process shows: its locks, and its death.

use std::path::Path;
use std::process::{Command, Output};

use netabase_core::driver::{Database, Driver, Durability, ErrorKind, OpenConfig, Read, Write};
use netabase_driver_redb::Redb;

use crate::{get_one, open, open_error, place, put_one};

const PATH: &str = "REDB_TEST_PATH";

/// What keeps the file of a child at a few MiB, without the signal that would end it.
#[cfg(unix)]
const LIMITED: &str = "trap '' XFSZ; ulimit -f 8192; exec \"$@\"";

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
#[ignore = "run in a process of its own by another_process_is_locked_out"]
fn child_opens() {
    let path = path_from_parent();
    let error = open_error(&OpenConfig::new(&path));
    assert_eq!(error.kind(), ErrorKind::Locked, "{error:?}");
}

#[test]
fn another_process_is_locked_out() {
    let (_folder, path) = place();
    let store = open(&path);
    let locked_out = in_a_child("process::child_opens", &path);
    assert!(locked_out.status.success(), "{locked_out:?}");
    drop(store);
    let let_in = in_a_child("process::child_opens", &path);
    assert!(!let_in.status.success(), "{let_in:?}");
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
    let error = open_error(&read_only);
    assert_eq!(error.kind(), ErrorKind::ReadOnly);
    assert!(error.message().contains("without `read_only`"), "{error:?}");
    assert_eq!(std::fs::read(&path).unwrap(), before);

    let store = open(&path);
    assert_eq!(get_one(&store, "t", b"durable").as_deref(), Some(&b"1"[..]));
    drop(store);
    let store = Redb.open(&read_only).unwrap();
    assert_eq!(get_one(&store, "t", b"durable").as_deref(), Some(&b"1"[..]));
}

#[test]
#[ignore = "run in a process of its own by a_full_device_is_a_limit"]
fn child_fills_the_device() {
    let store = open(&path_from_parent());
    put_one(&store, "t", b"before", b"1", Durability::Immediate);
    let mut writer = store.begin_write().unwrap();
    let tree = writer.tree("t").unwrap();
    let mut random = 1_u64;
    let error = loop {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let key = random.to_be_bytes();
        if let Err(error) = writer.put(tree, &key, &[1; 10_000], |_| ()) {
            break error;
        }
    };
    assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{error:?}");
    assert!(error.message().contains("make room"), "{error:?}");
    drop(writer);
    assert_eq!(get_one(&store, "t", b"before").as_deref(), Some(&b"1"[..]));
}

#[cfg(unix)]
#[test]
fn a_full_device_is_a_limit() {
    let (_folder, path) = place();
    let filled = Command::new("sh")
        .args(["-c", LIMITED, "sh"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "process::child_fills_the_device", "--ignored"])
        .env(PATH, &path)
        .output()
        .unwrap();
    assert!(filled.status.success(), "{filled:?}");
    let store = open(&path);
    assert_eq!(get_one(&store, "t", b"before").as_deref(), Some(&b"1"[..]));
    let reader = store.begin_read().unwrap();
    assert_eq!(reader.len(reader.tree("t").unwrap()).unwrap(), 1);
}
