//! The example driver in C, called by many threads under the sanitizers of the C compiler.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod c;

use std::process::Command;

#[track_caller]
fn holds_under(sanitizer: &str) {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("threads");
    let flags = ["-O1", "-g", sanitizer, "-fno-sanitize-recover=all"];
    c::compile(&["tests/threads.c"], &flags, &program).unwrap();
    let output = Command::new(&program).output().unwrap();
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {complaints}", output.status);
    assert_eq!(output.stdout, b"all hold\n");
}

#[test]
fn no_byte_is_used_that_is_not_there_or_left_behind() {
    holds_under("-fsanitize=address,undefined");
}

#[test]
fn no_thread_races_another() {
    holds_under("-fsanitize=thread");
}
