//! The program `netabase`, run as a user runs it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, in its own functions as well"
)]

mod damage;
mod dump;
mod loaded;
mod program;
mod salvage;
mod streams;
mod transfer;
mod verify;

use program::{fill, netabase};

#[test]
fn inspect_shows_models_trees_and_counts() {
    for driver in program::DRIVERS {
        let folder = tempfile::tempdir().unwrap();
        let url = fill(driver, folder.path(), 3);
        let run = netabase(&["inspect", &url, "--json"]);
        assert_eq!(run.status, 0, "{driver}: {}", run.stderr);
        let report: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
        assert_eq!(report["models"][0]["name"], "Book");
        assert_eq!(report["complete"], true);
        let books = &report["trees"][0];
        assert_eq!(
            (&books["name"], &books["entries"]),
            (&"Book".into(), &3.into())
        );
        let text = netabase(&["inspect", &url]).stdout;
        assert!(
            text.contains("model Book") && text.contains("unique str"),
            "{text}"
        );
    }
}

#[test]
fn keys_are_written_and_read_by_the_stored_schema() {
    let folder = tempfile::tempdir().unwrap();
    let url = fill("redb", folder.path(), 300);
    let run = netabase(&["get", &url, "Book", "-1"]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    assert_eq!(
        run.stdout,
        "-1  {id: -1, title: \"title -1\", year: 1999}\n"
    );
    let run = netabase(&[
        "scan",
        &url,
        "Book",
        "--from",
        "-2",
        "--to",
        "1",
        "--reverse",
        "--json",
    ]);
    let keys: Vec<_> = run
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["key"].clone())
        .collect();
    assert_eq!(
        keys,
        [0, -1, -2].map(serde_json::Value::from),
        "{}",
        run.stderr
    );
    let run = netabase(&[
        "scan",
        &url,
        "Book.title",
        "--prefix",
        "title 1",
        "--limit",
        "2",
    ]);
    assert_eq!(
        run.stdout, "\"title 1\"  1\n\"title 10\"  10\n",
        "{}",
        run.stderr
    );
    let run = netabase(&["get", &url, "Book.year", "2000"]);
    assert!(
        run.stdout.lines().count() == 2 && run.stdout.contains("2000  0\n"),
        "{}",
        run.stdout
    );
}

#[test]
fn what_is_wrong_is_said_with_status_2() {
    let folder = tempfile::tempdir().unwrap();
    let url = fill("sled", folder.path(), 1);
    let missing = format!("redb:{}", folder.path().join("none").display());
    let no_folder = format!("redb:{}", folder.path().join("no/such").display());
    let a_folder = format!("redb:{}", folder.path().display());
    let trailing = format!("{missing}/");
    let file = folder.path().join("file");
    std::fs::write(&file, "text").unwrap();
    let a_file = format!("sled:{}", file.display());
    for (arguments, hint) in [
        (vec!["get", url.as_str(), "Book", "x"], "whole number"),
        (vec!["get", &url, "Book", "77"], "no entry"),
        (vec!["scan", &url, "Buch"], "there are: Book"),
        (vec!["inspect", &missing], "there is no database at"),
        (vec!["inspect", &no_folder], "there is no database at"),
        (vec!["inspect", &a_folder], "keeps its data in a file"),
        (vec!["inspect", &a_file], "keeps its data in a folder"),
        (vec!["inspect", &trailing], "ends like a folder"),
        (vec!["copy", &url, &no_folder], "create it first"),
        (vec!["inspect", "nothing"], "driver:path"),
        (vec!["inspect", "nothing:x"], "driver `nothing` not found"),
        (vec!["inspect", "redb://host/x"], "give the path"),
        (vec!["inspect", "redb:"], ""),
        (vec!["inspect", "redb:x?truncate=true"], "truncate"),
        (vec!["inspect", "redb:x?colour=red"], "colour"),
        (vec!["inspect", "../redb:x"], "driver `../redb`"),
        (vec!["verify", &missing], ""),
        (vec!["compact", &missing], ""),
        (vec!["dump", &missing, "-"], ""),
        (vec!["load", "no such file", &missing], "there is no file"),
        (vec!["copy", &missing, &url], ""),
        (vec!["get", &url, "Book", ""], "whole number"),
        (vec!["scan", &url, "Book", "--from", "0xzz"], "whole number"),
        (vec!["scan", &url, "Book", "--limit=-1"], "limit"),
        (
            vec!["scan", &url, "Book", "--prefix", "1", "--to", "2"],
            "cannot be used",
        ),
        (vec!["scan"], "Usage"),
    ] {
        let run = netabase(&arguments);
        assert_eq!(run.status, 2, "{arguments:?}: {}", run.stderr);
        assert!(run.stderr.contains(hint), "{arguments:?}: {}", run.stderr);
        for option in ["create_if_missing", "read_only"] {
            assert!(
                !run.stderr.contains(option),
                "{arguments:?}: {}",
                run.stderr
            );
        }
        assert_eq!(run.stdout, "");
    }
}

#[test]
fn what_cannot_be_done_is_said_with_status_3() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("text");
    std::fs::write(
        &text,
        "this is no database, and longer than the head of one".repeat(200),
    )
    .unwrap();
    for driver in program::DRIVERS {
        // Where databases are folders, a file is a wrong path.
        let foreign = match *driver {
            "sled" => folder.path(),
            _ => &text,
        };
        let url = format!("{driver}:{}", foreign.display());
        for arguments in [
            vec!["inspect", url.as_str()],
            vec!["verify", &url],
            vec!["compact", &url],
            vec!["dump", &url, "-"],
        ] {
            let run = netabase(&arguments);
            assert_eq!(run.status, 3, "{arguments:?}: {}", run.stderr);
            assert!(run.stderr.starts_with("netabase: "), "{}", run.stderr);
            assert_eq!(run.stdout, "");
        }
    }
    let unchanged = std::fs::read_to_string(&text).unwrap();
    assert!(unchanged.starts_with("this is no database"));
}

#[test]
fn nothing_is_created_by_looking_at_it() {
    let folder = tempfile::tempdir().unwrap();
    for driver in program::DRIVERS {
        let url = program::url(driver, folder.path(), "none");
        for arguments in [
            vec!["inspect", url.as_str()],
            vec!["scan", &url, "Book"],
            vec!["verify", &url],
            vec!["compact", &url],
        ] {
            assert_eq!(netabase(&arguments).status, 2, "{arguments:?}");
            assert_eq!(
                folder.path().read_dir().unwrap().count(),
                0,
                "{arguments:?}"
            );
        }
    }
}

#[test]
fn an_empty_database_is_looked_at_and_copied_as_any_other() {
    for driver in program::DRIVERS {
        let folder = tempfile::tempdir().unwrap();
        let url = program::url(driver, folder.path(), "empty");
        drop(program::open_bytes(&url));
        let run = netabase(&["inspect", &url, "--json"]);
        assert_eq!(run.status, 0, "{driver}: {}", run.stderr);
        let report: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
        assert_eq!(report["models"], serde_json::json!([]));
        assert_eq!(netabase(&["verify", &url]).status, 0);
        let run = netabase(&["scan", &url, "Book"]);
        assert_eq!(run.status, 2);
        assert!(run.stderr.contains("is empty"), "{}", run.stderr);
        let to = program::url("redb", folder.path(), "to");
        let run = netabase(&["copy", &url, &to]);
        assert_eq!(run.status, 0, "{driver}: {}", run.stderr);
        assert!(run.stdout.contains("0 entries"), "{}", run.stdout);
    }
}

#[test]
fn drivers_lists_those_linked_in() {
    let run = netabase(&["drivers", "--json"]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    let report: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    let names: Vec<_> = report["linked"]
        .as_array()
        .unwrap()
        .iter()
        .map(|driver| driver["name"].as_str().unwrap())
        .collect();
    for driver in program::DRIVERS {
        assert!(names.contains(driver), "{names:?}");
    }
    assert!(netabase(&["drivers"]).stdout.contains("linked in"));
}

#[test]
fn check_names_what_to_install_and_forwards_the_status() {
    let folder = tempfile::tempdir().unwrap();
    let run = program::netabase_with_path(&["check", "redb"], folder.path());
    assert_eq!(run.status, 2);
    assert!(
        run.stderr.contains("cargo install --path conformance"),
        "{}",
        run.stderr
    );
    #[cfg(unix)]
    {
        let runner = folder.path().join("netabase-conformance");
        program::write_script(&runner, "#!/bin/sh\necho \"$@\"\nexit 7\n");
        let run = program::netabase_with_path(&["check", "redb", "--", "--list"], folder.path());
        assert_eq!((run.status, run.stdout.trim()), (7, "--driver redb --list"));
        program::write_script(&runner, "#!/bin/sh\nkill -9 $$\n");
        let run = program::netabase_with_path(&["check", "redb"], folder.path());
        assert_eq!(run.status, 3);
        assert!(run.stderr.contains("signal"), "{}", run.stderr);
    }
}

/// Whoever may put a program there would run it with the rights of whoever starts `check`.
#[cfg(unix)]
#[test]
fn check_runs_no_program_that_others_may_have_put_there() {
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().unwrap();
    let (path, runner) = (folder.path(), folder.path().join("netabase-conformance"));
    program::write_script(&runner, "#!/bin/sh\necho started\n");
    for (folder_mode, runner_mode) in [(0o777, 0o755), (0o1777, 0o755), (0o755, 0o757)] {
        set_permissions(&runner, Permissions::from_mode(runner_mode)).unwrap();
        let run = program::netabase_with_path_alone(&["check", "redb"], path, folder_mode);
        assert_eq!(run.status, 2, "{}", run.stderr);
        assert_eq!(run.stdout, "");
        assert!(run.stderr.contains("everyone may write"), "{}", run.stderr);
    }
    set_permissions(&runner, Permissions::from_mode(0o755)).unwrap();
    let run = program::netabase_with_path_alone(&["check", "redb"], path, 0o755);
    assert_eq!((run.status, run.stdout.trim()), (0, "started"));
}

#[test]
fn compact_says_the_sizes() {
    let folder = tempfile::tempdir().unwrap();
    let url = fill("redb", folder.path(), 2000);
    let run = netabase(&["compact", &url, "--json"]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    let report: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert!(report["bytes_after"].as_u64().unwrap() <= report["bytes_before"].as_u64().unwrap());
}
