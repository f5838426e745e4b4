//! `copy`: between every two drivers, refused targets, and copies that were interrupted.

use std::process::Stdio;
use std::time::Duration;

use netabase_store::driver::schema::{INCOMPLETE_KEY, SCHEMA_TREE};
use netabase_store::driver::{Durability, Read as _, Write as _};
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

/// More than one transaction removes at a time.
/// Found out before the target loses what it holds.
#[test]
fn what_the_target_does_not_take_is_named_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let from = url("redb", folder.path(), "long");
    let store = open_bytes(&from);
    let mut writer = store.begin_write().unwrap();
    for (name, length) in [("short", 2000), ("long ones", 2001)] {
        let tree = writer.tree(name).unwrap();
        writer.put(tree, &vec![0xAB; length], b"v", |_| ()).unwrap();
    }
    writer.commit(Durability::Immediate).unwrap();
    drop(store);
    let dump = folder.path().join("dump");
    let dump = dump.to_str().unwrap();
    assert_eq!(netabase(&["dump", &from, dump]).status, 0);
    let full = fill("sled", folder.path(), 3);
    let before = titles(&full);
    let none = url("sled", folder.path(), "none");
    for arguments in [
        &["copy", &from, &full, "--overwrite"][..],
        &["load", dump, &full, "--overwrite"],
        &["copy", &from, &none],
    ] {
        let run = netabase(arguments);
        assert_eq!(run.status, 3, "{arguments:?}: {}", run.stderr);
        for part in ["2001 bytes", "may have 2000", "long ones", "abab"] {
            assert!(run.stderr.contains(part), "{arguments:?}: {}", run.stderr);
        }
    }
    assert_eq!(titles(&full), before);
    assert!(!folder.path().join("none").exists());
    // Without a first reading, too, it is said which entry it is.
    let run = netabase(&["load", dump, &none]);
    assert_eq!(run.status, 3, "{}", run.stderr);
    for part in ["2001", "2000", "long ones", "abab"] {
        assert!(run.stderr.contains(part), "{}", run.stderr);
    }
}

#[test]
fn what_is_overwritten_goes_in_several_transactions() {
    for driver in DRIVERS {
        let folder = tempfile::tempdir().unwrap();
        let from = fill("redb", folder.path(), 2);
        let other = tempfile::tempdir().unwrap();
        let to = fill(driver, other.path(), 9000);
        let run = netabase(&["copy", &from, &to, "--overwrite"]);
        assert_eq!(run.status, 0, "{driver}: {}", run.stderr);
        assert_eq!(titles(&to).len(), 2);
        assert_eq!(netabase(&["verify", &to]).status, 0);
    }
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
    let killed_after = |pause: Duration| {
        let to = url("redb", folder.path(), &format!("{pause:?}"));
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
        std::thread::sleep(pause);
        child.kill().unwrap();
        child.wait().unwrap();
        NetabaseStore::<Library, _>::connect(&to).err()
    };
    // One that has not begun by then leaves nothing.
    let error = (0..10)
        .map(|round| Duration::from_millis(100 << round))
        .find_map(killed_after)
        .unwrap();
    assert!(error.to_string().contains("incomplete"), "{error}");
}

#[test]
fn a_database_is_never_copied_to_itself() {
    for driver in DRIVERS {
        let folder = tempfile::tempdir().unwrap();
        let from = fill(driver, folder.path(), 5);
        let path = folder.path().join("source");
        std::fs::create_dir(folder.path().join("inner")).unwrap();
        let mut spellings = vec![
            format!("{driver}:source"),
            format!("{driver}:./inner/../source"),
            format!("{driver}://{}", path.display()),
            from.clone(),
        ];
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(&path, folder.path().join("link")).unwrap();
            spellings.push(format!("{driver}:link"));
        }
        if *driver == "redb" {
            spellings.push("redb-zerocopy:source".to_owned());
            std::fs::hard_link(&path, folder.path().join("hard")).unwrap();
            spellings.push("redb:hard".to_owned());
        }
        for target in &spellings {
            let output = command()
                .args(["copy", &from, target, "--overwrite"])
                .current_dir(folder.path())
                .output()
                .unwrap();
            let message = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(2), "{target}: {message}");
            assert!(message.contains("the same database"), "{target}: {message}");
            assert_eq!(titles(&from).len(), 5, "{target}");
        }
    }
}

/// Killed after ever longer times, until one run is done before.
#[cfg(unix)]
#[test]
fn a_killed_copy_leaves_its_source_and_a_target_that_is_seen_to_be_incomplete() {
    let folder = tempfile::tempdir().unwrap();
    let from = fill("redb", folder.path(), 4_000);
    let source = folder.path().join("source");
    let expected = titles(&from);
    let before = std::fs::read(&source).unwrap();
    for driver in ["redb", "sled"] {
        let (mut incomplete, mut pause) = (0, Duration::from_millis(20));
        for round in 0.. {
            assert!(
                round < 40,
                "{driver}: it never ends, or never while it writes"
            );
            let name = format!("{driver}-{round}");
            let to = url(driver, folder.path(), &name);
            let mut child = command()
                .args(["copy", &from, &to])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            std::thread::sleep(pause);
            let done = child.try_wait().unwrap().is_some();
            child.kill().unwrap();
            child.wait().unwrap();
            if done {
                assert_eq!(titles(&to), expected, "{driver}");
                if incomplete > 0 {
                    break;
                }
                pause = pause * 3 / 4;
                continue;
            }
            pause = pause * 8 / 5;
            if !folder.path().join(&name).exists() {
                continue;
            }
            let run = netabase(&["inspect", &to]);
            let is_begun = if run.stdout.contains("INCOMPLETE") {
                incomplete += 1;
                for arguments in [
                    &["verify", &to][..],
                    &["scan", &to, "Book"],
                    &["dump", &to, "-"],
                    &["copy", &to, &url("redb", folder.path(), "elsewhere")],
                ] {
                    let run = netabase(arguments);
                    assert_eq!(run.status, 3, "{arguments:?}: {}", run.stdout);
                    for part in ["incomplete", "netabase copy", "--overwrite"] {
                        assert!(run.stderr.contains(part), "{arguments:?}: {}", run.stderr);
                    }
                }
                let error = NetabaseStore::<Library, _>::connect(&to).unwrap_err();
                assert!(error.to_string().contains("incomplete"), "{error}");
                assert_eq!(netabase(&["copy", &from, &to]).status, 2, "{driver}");
                true
            } else if run.status == 0 {
                // Ended before anything was written, or after everything was.
                let held = netabase(&["scan", &to, "Book"]);
                let is_empty = held.stderr.contains("is empty");
                assert!(
                    is_empty || held.stdout.lines().count() == 4_000,
                    "{driver}: {}",
                    held.stderr
                );
                !is_empty
            } else {
                // Ended before the engine had made its own files.
                assert_eq!(run.status, 2, "{driver}: {}", run.stderr);
                false
            };
            // What was ended before its first transaction is filled by the same command again.
            let mut again = vec!["copy", &from, &to];
            again.extend(is_begun.then_some("--overwrite"));
            let run = netabase(&again);
            assert_eq!(run.status, 0, "{driver}: {}", run.stderr);
            assert_eq!(titles(&to), expected, "{driver}");
            let _ = std::fs::remove_file(folder.path().join(&name));
            let _ = std::fs::remove_dir_all(folder.path().join(&name));
        }
    }
    assert!(std::fs::read(&source).unwrap() == before);
}
