//! The example driver in C under the sanitizers of the C compiler: many threads, and memory that runs out.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod c;

use std::process::Command;

/// Compiles the driver together with a program that calls it, and runs that.
#[track_caller]
fn holds(program: &str, flags: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let executable = folder.path().join("program");
    let flags = [&["-O1", "-g", "-fno-sanitize-recover=all"], flags].concat();
    c::compile(&[program], &flags, &executable).unwrap();
    let output = Command::new(&executable).output().unwrap();
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {complaints}", output.status);
    assert_eq!(output.stdout, b"all hold\n");
}

#[test]
fn no_byte_is_used_that_is_not_there_or_left_behind() {
    holds("tests/threads.c", &["-fsanitize=address,undefined"]);
}

#[test]
fn no_thread_races_another() {
    holds("tests/threads.c", &["-fsanitize=thread"]);
}

#[test]
fn memory_that_runs_out_is_an_error_and_changes_nothing() {
    let scarce = [
        "-fsanitize=address,undefined",
        "-Dmalloc=scarce_malloc",
        "-Dcalloc=scarce_calloc",
        "-Drealloc=scarce_realloc",
    ];
    holds("tests/scarce.c", &scarce);
}
