//! `copy`: between every two drivers, refused targets, and copies that were interrupted.

use std::process::Stdio;
use std::time::Duration;

use netabase_store::driver::{Durability, Read as _, Write as _};
use netabase_store::schema::{INCOMPLETE_KEY, SCHEMA_TREE};
use netabase_store::{ErrorKind, NetabaseStore};

use crate::program::library::Library;
use crate::program::{DRIVERS, command, fill, netabase, open_bytes, titles, url};

#[test]
fn every_driver_copies_to_every_driver() {
    for source in DRIVERS {
        let folder = tempfile::tempdir().unwrap();
        let from = fill(source, folder.path(), 700);
        let expected = titles(&from);
        assert_eq!(expected.len(), 700);
        for target in DRIVERS {
            let to = url(target, folder.path(), &format!("to-{target}"));
            let run = netabase(&["copy", &from, &to]);
            assert_eq!(run.status, 0, "{source} to {target}: {}", run.stderr);
            assert!(run.stdout.contains("2100 entries"), "{}", run.stdout);
            assert_eq!(titles(&to), expected, "{source} to {target}");
            assert_eq!(netabase(&["verify", &to]).status, 0);
        }
    }
}

#[test]
fn a_target_that_holds_something_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let from = fill("redb", folder.path(), 2);
    let other = tempfile::tempdir().unwrap();
    let to = fill("sled", other.path(), 5);
    let run = netabase(&["copy", &from, &to]);
    assert_eq!(run.status, 2);
    assert!(run.stderr.contains("--overwrite"), "{}", run.stderr);
    assert_eq!(titles(&to).len(), 5);
    assert_eq!(netabase(&["copy", &from, &to, "--overwrite"]).status, 0);
    assert_eq!(titles(&to).len(), 2);
}

#[test]
fn a_marked_database_is_refused_by_all_but_overwrite() {
    let folder = tempfile::tempdir().unwrap();
    let from = fill("redb", folder.path(), 2);
    let other = tempfile::tempdir().unwrap();
    let to = fill("redb", other.path(), 2);
    let store = open_bytes(&to);
    let mut writer = store.begin_write().unwrap();
    let schema = writer.tree(SCHEMA_TREE).unwrap();
    writer
        .put(schema, INCOMPLETE_KEY, b"a test", |_| ())
        .unwrap();
    writer.commit(Durability::Immediate).unwrap();
    drop(store);
    let error = NetabaseStore::<Library, _>::connect(&to).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.to_string().contains("incomplete"), "{error}");
    let run = netabase(&["scan", &to, "Book"]);
    assert_eq!(run.status, 3);
    assert!(run.stderr.contains("incomplete"), "{}", run.stderr);
    let run = netabase(&["copy", &to, &url("sled", folder.path(), "x")]);
    assert_eq!(run.status, 3, "{}", run.stderr);
    assert!(netabase(&["inspect", &to]).stdout.contains("INCOMPLETE"));
    assert_eq!(netabase(&["copy", &from, &to, "--overwrite"]).status, 0);
    assert_eq!(titles(&to).len(), 2);
}

/// Loads from a pipe that never ends, so that the program is killed in the middle for certain; the dump is larger than a pipe
/// holds, so that it has begun by then.
#[test]
fn a_killed_load_leaves_a_database_that_is_refused() {
    use std::io::Write as _;

    let folder = tempfile::tempdir().unwrap();
    let from = fill("redb", folder.path(), 3000);
    let dump = command()
        .args(["dump", &from, "-"])
        .output()
        .unwrap()
        .stdout;
    let to = url("redb", folder.path(), "to");
    let mut child = command()
        .args(["load", "-", &to])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(&dump[..dump.len() - 10]).unwrap();
    input.flush().unwrap();
    std::thread::sleep(Duration::from_millis(100));
    child.kill().unwrap();
    child.wait().unwrap();
    drop(input);
    let error = NetabaseStore::<Library, _>::connect(&to).unwrap_err();
    assert!(error.to_string().contains("incomplete"), "{error}");
}
