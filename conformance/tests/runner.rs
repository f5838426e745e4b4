//! The runner over drivers that are good, broken, and no drivers: its reports and exit codes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use tempfile::TempDir;

fn file_name(stem: &str) -> String {
    format!("{DLL_PREFIX}{stem}{DLL_SUFFIX}")
}

/// The library of this name that Cargo has put beside this test.
fn beside(stem: &str) -> PathBuf {
    let library = env::current_exe().unwrap().with_file_name(file_name(stem));
    assert!(library.is_file(), "{} is missing", library.display());
    library
}

/// A folder in which the library of bad drivers bears the file name of one of them, and that file.
fn bad_drivers(name: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let library = folder
        .path()
        .join(file_name(&format!("netabase_driver_{name}")));
    fs::hard_link(beside("conformance_bad_drivers"), &library).unwrap();
    (folder, library)
}

/// How a run ended and what it wrote: standard output, standard error.
fn run(library: &Path, arguments: &[&str]) -> (i32, String, String) {
    run_with(library, arguments, &[])
}

fn run_with(
    library: &Path,
    arguments: &[&str],
    environment: &[(&str, &str)],
) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_netabase-conformance"))
        .arg("--driver")
        .arg(library)
        .args(arguments)
        .envs(environment.iter().copied())
        .output()
        .unwrap();
    (
        output.status.code().expect("the runner ends in order"),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

#[track_caller]
fn assert_holds(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in:\n{text}");
    }
}

#[test]
fn a_good_driver_passes_crashes_included() {
    let library = beside("netabase_driver_redb");
    let (code, output, _) = run(
        &library,
        &[
            "--filter",
            "crash/",
            "--filter",
            "typed_schema/",
            "--crash-rounds",
            "2",
        ],
    );
    assert_eq!(code, 0, "{output}");
    assert_holds(
        &output,
        &[
            "\ntest crash/a_kill_at_any_moment_leaves_whole_transactions ... ok",
            "\n  durable                yes\n",
            "\n  largest key            3221225472 bytes\n",
            "\ntest result: ok. ",
        ],
    );
}

#[test]
fn a_broken_driver_fails_with_the_shortest_sequence_that_shows_it() {
    let (_folder, library) = bad_drivers("bad_forgetful");
    let (code, output, _) = run(
        &library,
        &["--filter", "random/any_sequence_of", "--seed", "1"],
    );
    assert_eq!(code, 1, "{output}");
    let (_, report) = output
        .split_once("broken: random/any_sequence_of_operations_agrees_with_the_model\n")
        .expect("the law is named");
    let numbers: Vec<_> = report
        .lines()
        .map_while(|line| match line.trim_start().split_once("  ") {
            Some((number, operation)) if number.parse::<u32>().is_ok() => Some(operation),
            _ => line.contains("shortest sequence").then_some(""),
        })
        .skip(1)
        .collect();
    let [open, begin, put, clear, ref rest @ ..] = numbers[..] else {
        panic!("no sequence in:\n{report}");
    };
    assert_eq!((open, begin), ("open an empty database", "begin_write"));
    assert!(put.starts_with("put "), "{report}");
    assert!(clear.starts_with("clear "), "{report}");
    assert!(rest.len() <= 2, "not the shortest:\n{report}");
    assert_holds(
        report,
        &["the driver gives ", "the model has ", "--seed <number>"],
    );
    assert_holds(&output, &["\ntest result: FAILED. "]);
}

#[test]
fn a_driver_that_ends_the_process_fails_those_cases_only() {
    let (_folder, library) = bad_drivers("bad_aborting");
    let (code, output, _) = run(
        &library,
        &[
            "--filter",
            "transaction/clear_removes_every_entry",
            "--filter",
            "random/any_sequence_of_operations",
            "--filter",
            "order/",
        ],
    );
    assert_eq!(code, 1, "{output}");
    assert_holds(
        &output,
        &[
            "ended without a verdict: signal: 6 (SIGABRT)",
            "the sequence of operations up to then, not shortened:\n       1  open an empty database\n",
            "\ntest order/bytes_compare_unsigned ... ok",
        ],
    );
}

#[test]
fn a_driver_that_hangs_fails_that_case_only() {
    let (_folder, library) = bad_drivers("bad_hanging");
    let (code, output, _) = run(
        &library,
        &[
            "--filter",
            "transaction/clear_removes_every_entry",
            "--filter",
            "order/bytes_compare_unsigned",
            "--time-limit",
            "2",
        ],
    );
    assert_eq!(code, 1, "{output}");
    assert_holds(
        &output,
        &[
            "did not end within 2 s",
            "\ntest order/bytes_compare_unsigned ... ok",
        ],
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_library_that_ends_whatever_loads_it_is_told_of() {
    let (_folder, library) = bad_drivers("good");
    let one = ["--filter", "order/bytes_compare_unsigned"];
    let (code, output, message) = run_with(&library, &one, &[("NETABASE_ZOO", "abort-at-load")]);
    assert_eq!((code, output.as_str()), (2, ""));
    assert_holds(&message, &["cannot be tested", "signal: 6 (SIGABRT)"]);
    // The runner itself loads nothing.
    let alone = [("NETABASE_ZOO", "abort-at-load-outside-of-cases")];
    let (code, output, message) = run_with(&library, &one, &alone);
    assert_eq!(code, 0, "{output}{message}");
    assert_holds(
        &output,
        &[
            "driver good 1.2.3, engine memory 4.5.6, ABI 1.0, from ",
            "\ntest order/bytes_compare_unsigned ... ok",
            "\n  commands               tree_names\n",
        ],
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_driver_that_fails_at_the_end_of_the_process_breaks_its_cases() {
    let (_folder, library) = bad_drivers("good");
    let (code, output, message) = run_with(&library, &[], &[("NETABASE_ZOO", "abort-at-exit")]);
    assert_eq!((code, output.as_str()), (2, ""));
    assert_holds(
        &message,
        &["ended badly after the case", "signal: 6 (SIGABRT)"],
    );
}

#[test]
fn json_is_a_line_for_each_event() {
    let (_folder, library) = bad_drivers("bad_forgetful");
    let filter = [
        "--filter",
        "transaction/clear_removes",
        "--filter",
        "limits/",
    ];
    let (code, output, _) = run(&library, &[&filter[..], &["--format", "json"]].concat());
    assert_eq!(code, 1);
    let events: Vec<serde_json::Value> = output
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(events[0]["event"], "started");
    let failed = events
        .iter()
        .find(|event| event["event"] == "failed" && event["type"] == "test")
        .unwrap();
    assert_eq!(failed["name"], "transaction/clear_removes_every_entry");
    let driver = &events[events.len() - 2];
    assert_eq!(driver["type"], "driver");
    assert_eq!(driver["name"], "bad-forgetful");
    assert_eq!(events[events.len() - 1]["failed"], 1);

    let (code, output, _) = run(&library, &[&filter[..], &["--format", "junit"]].concat());
    assert_eq!(code, 1);
    assert_holds(
        &output,
        &[
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites tests=\"",
            "failures=\"1\"",
            "<skipped message=\"the driver states no limit (Key)\"/>",
        ],
    );
}

#[test]
fn cases_are_listed_and_filtered() {
    let library = beside("netabase_driver_redb");
    let (code, all, _) = run(&library, &["--list"]);
    assert_eq!(code, 0);
    assert!(all.lines().count() > 200, "{all}");
    assert!(all.lines().all(|line| line.ends_with(": test")));
    let (_, some, _) = run(
        &library,
        &[
            "--list",
            "--exact",
            "--filter",
            "order/bytes_compare_unsigned",
        ],
    );
    assert_eq!(some, "order/bytes_compare_unsigned: test\n");
    let (code, _, message) = run(&library, &["--filter", "no case has this name"]);
    assert_eq!(code, 2);
    assert_holds(&message, &["no case is selected"]);
}

#[test]
fn what_is_no_driver_is_an_error_that_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join(file_name("netabase_driver_missing"));
    let (code, output, message) = run(&missing, &[]);
    assert_eq!((code, output.as_str()), (2, ""));
    assert_holds(&message, &["there is no such file", "cargo build"]);

    let text = folder.path().join(file_name("netabase_driver_text"));
    fs::write(&text, "no library").unwrap();
    let (code, _, message) = run(&text, &[]);
    assert_eq!(code, 2);
    assert_holds(&message, &["not a library that can be loaded here"]);

    let misnamed = folder.path().join(file_name("misnamed"));
    let (code, _, message) = run(&misnamed, &["--list"]);
    assert_eq!(code, 2);
    assert_holds(&message, &["is not named as a driver"]);

    let (code, _, message) = run(&text, &["--format", "yaml"]);
    assert_eq!(code, 2);
    assert_holds(&message, &["--format"]);
}
