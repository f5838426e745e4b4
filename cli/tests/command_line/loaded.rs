//! Drivers that are not linked in: databases of theirs, and the suite over them.

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX, EXE_SUFFIX};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use netabase_store::NetabaseStore;

use crate::program::library::{Book, Library};
use crate::program::{Run, beside_the_runner, command, fill, library, netabase, titles, url};

fn file_name(driver: &str) -> String {
    format!("{DLL_PREFIX}netabase_driver_{driver}{DLL_SUFFIX}")
}

/// A folder that only this user may write to, with the library of this driver.
fn installed(name: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let built = library(&format!("netabase_driver_{name}"));
    let file = install(folder.path(), name, &built);
    (folder, file)
}

/// Copies the library of this driver into a folder, and lets only this user write to both.
fn install(folder: &Path, name: &str, built: &Path) -> PathBuf {
    let file = folder.join(file_name(name));
    fs::copy(built, &file).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;

        for (path, mode) in [(folder, 0o755), (&*file, 0o644)] {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        }
    }
    file
}

#[test]
fn databases_of_a_loaded_driver_are_copied_dumped_and_looked_at() {
    let (drivers, _) = installed("lmdb");
    let netabase = |arguments: &[&str]| -> Run {
        command()
            .args(arguments)
            .env("NETABASE_DRIVER_PATH", drivers.path())
            .output()
            .unwrap()
            .into()
    };
    let folder = tempfile::tempdir().unwrap();
    let from = fill("redb", folder.path(), 300);
    let lmdb = url("lmdb", folder.path(), "lmdb");
    let back = url("sled", folder.path(), "back");
    let dump = folder.path().join("dump");
    let dump = dump.to_str().unwrap();
    let loaded = url("lmdb", folder.path(), "loaded");
    for arguments in [
        &["copy", &from, &lmdb][..],
        &["verify", &lmdb],
        &["dump", &lmdb, dump],
        &["load", dump, &loaded],
        &["copy", &loaded, &back],
    ] {
        let run = netabase(arguments);
        assert_eq!(run.status, 0, "{arguments:?}: {}", run.stderr);
    }
    assert_eq!(titles(&back), titles(&from));
    let run = netabase(&["get", &lmdb, "Book", "7"]);
    assert_eq!(run.stdout, "7  {id: 7, title: \"title 7\", year: 2007}\n");
    let run = netabase(&["compact", &lmdb]);
    assert_eq!(run.status, 3);
    assert!(
        run.stderr.contains("does not offer `compact`"),
        "{}",
        run.stderr
    );
    let report: serde_json::Value =
        serde_json::from_str(&netabase(&["inspect", &lmdb, "--json"]).stdout).unwrap();
    assert_eq!(
        (&report["driver"], &report["complete"]),
        (&"lmdb".into(), &true.into())
    );
    let list = netabase(&["drivers"]).stdout;
    assert!(list.contains(drivers.path().to_str().unwrap()), "{list}");
}

/// LMDB takes no key of more than 507 bytes.
#[test]
fn an_entry_that_the_target_does_not_take_is_told_by_its_model_and_index() {
    let (drivers, _) = installed("lmdb");
    let folder = tempfile::tempdir().unwrap();
    let from = fill("redb", folder.path(), 3);
    let store = NetabaseStore::<Library, _>::connect(&from).unwrap();
    let long = Book {
        id: 7,
        title: "x".repeat(600),
        year: 2000,
    };
    store.open_tree::<Book>().put(long).unwrap();
    drop(store);
    let dump = folder.path().join("dump");
    let dump = dump.to_str().unwrap();
    assert_eq!(netabase(&["dump", &from, dump]).status, 0);
    for (command_name, source) in [("load", dump), ("copy", &from)] {
        let into = url("lmdb", folder.path(), command_name);
        let run: Run = command()
            .args([command_name, source, &into])
            .env("NETABASE_DRIVER_PATH", drivers.path())
            .output()
            .unwrap()
            .into();
        assert_eq!(run.status, 3, "{command_name}: {}", run.stderr);
        for part in ["Book.title", "787878"] {
            assert!(run.stderr.contains(part), "{command_name}: {}", run.stderr);
        }
    }
}

/// A driver that loses what it was given is not said to hold it.
#[test]
fn a_copy_that_the_target_loses_a_part_of_fails_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let from = fill("redb", folder.path(), 300);
    let dump = folder.path().join("dump");
    let dump = dump.to_str().unwrap();
    assert_eq!(netabase(&["dump", &from, dump]).status, 0);
    let bad_drivers = library("conformance_bad_drivers");
    for (name, says) in [
        ("bad_losing", "297 entries instead of 300"),
        ("bad_schemaless", "another schema record"),
    ] {
        let drivers = tempfile::tempdir().unwrap();
        install(drivers.path(), name, &bad_drivers);
        let to = format!("{}:", name.replace('_', "-"));
        for arguments in [&["copy", &from, &to][..], &["load", dump, &to]] {
            let run: Run = command()
                .args(arguments)
                .env("NETABASE_DRIVER_PATH", drivers.path())
                .output()
                .unwrap()
                .into();
            assert_eq!(run.status, 3, "{arguments:?}: {}", run.stderr);
            assert_eq!(run.stdout, "", "{arguments:?}");
            for part in [says, "does not hold what was written", "disk and driver"] {
                assert!(run.stderr.contains(part), "{arguments:?}: {}", run.stderr);
            }
        }
    }
}

/// What a driver says of a database is not believed: neither numbers nor order.
#[test]
fn a_source_that_lies_is_found_out_before_its_copy_is_needed() {
    let drivers = tempfile::tempdir().unwrap();
    let bad_drivers = library("conformance_bad_drivers");
    install(drivers.path(), "bad_liar", &bad_drivers);
    let folder = tempfile::tempdir().unwrap();
    for (lie, status, says) in [
        ("disordered", 3, "out of order"),
        ("repeated", 3, "out of order"),
        ("empty-key", 3, "empty key"),
        ("uncounted", 0, ""),
    ] {
        let from = format!("bad-liar:?lie={lie}");
        let dump = folder.path().join(lie);
        let dump = dump.to_str().unwrap();
        let to = url("redb", folder.path(), &format!("{lie}.redb"));
        for arguments in [
            &["dump", &from, dump][..],
            &["copy", &from, &to],
            &["inspect", &from],
            &["scan", &from, "tree"],
        ] {
            let run: Run = command()
                .args(arguments)
                .env("NETABASE_DRIVER_PATH", drivers.path())
                .output()
                .unwrap()
                .into();
            assert_eq!(run.status, status, "{lie} {arguments:?}: {}", run.stderr);
            assert!(run.stderr.contains(says), "{arguments:?}: {}", run.stderr);
        }
        assert_eq!(fs::exists(dump).unwrap(), status == 0, "{lie}");
    }
}

#[test]
fn check_runs_the_suite_itself_and_ends_with_its_status() {
    let programs = beside_the_runner();
    let (folder, redb) = installed("redb");
    let check = |driver: &Path, law: &str| -> Run {
        Command::new(programs.path().join(format!("netabase{EXE_SUFFIX}")))
            .arg("check")
            .arg(driver)
            .args(["--", "--filter", law])
            .output()
            .unwrap()
            .into()
    };
    let run = check(&redb, "order/bytes_compare_unsigned");
    assert_eq!(run.status, 0, "{}{}", run.stdout, run.stderr);
    assert!(
        run.stdout.contains("test result: ok. 1 passed"),
        "{}",
        run.stdout
    );
    let other = folder.path().join(file_name("other"));
    fs::copy(&redb, &other).unwrap();
    let run = check(&other, "order/");
    assert_eq!(run.status, 2, "{}{}", run.stdout, run.stderr);
    assert!(run.stderr.contains("no symbol"), "{}", run.stderr);
}

#[cfg(target_os = "linux")]
#[test]
fn a_folder_whose_name_is_no_text_is_listed() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;

    let folder = tempfile::tempdir().unwrap();
    let odd = folder.path().join(OsStr::from_bytes(b"a\xff\x1b[31m"));
    fs::create_dir(&odd).unwrap();
    fs::write(odd.join(file_name("x")), "no library").unwrap();
    for arguments in [&["drivers", "--json"][..], &["drivers"]] {
        let run: Run = command()
            .args(arguments)
            .env("NETABASE_DRIVER_PATH", &odd)
            .output()
            .unwrap()
            .into();
        assert_eq!(run.status, 0, "{}", run.stderr);
        assert!(run.stdout.contains("a\u{fffd}"), "{}", run.stdout);
        assert!(!run.stdout.contains('\u{1b}'), "{}", run.stdout);
    }
}
