//! `cargo xtask sanitize`: the conformance of every driver that is loaded, under AddressSanitizer.

use std::path::Path;
use std::process::ExitCode;

use crate::report::Report;
use crate::step::Step;

/// Runs the catalogue through the dynamic path with host and drivers instrumented, in a target directory of its own.
///
/// The case that measures the memory of the process is left out: the sanitizer keeps freed memory on purpose, and finds
/// leaks itself.
pub(crate) fn run(root: &Path) -> ExitCode {
    let mut report = Report::default();
    report.add(
        Step::cargo(
            root,
            "conformance of loaded drivers under AddressSanitizer",
            &["test", "--package", "conformance", "--test", "dynamic"],
        )
        .args(&[
            "--target",
            env!("XTASK_TARGET"),
            "--target-dir",
            "target/sanitize",
        ])
        .args(&["--", "--skip", "/leak/"])
        // The sanitizer is an unstable option of the compiler, which a stable one takes as well with `RUSTC_BOOTSTRAP`. The
        // drivers find the sanitizer's runtime in the executable, which therefore exports it.
        .env("RUSTC_BOOTSTRAP", "1")
        .env(
            "RUSTFLAGS",
            "-Zsanitizer=address -Clink-arg=-Wl,--export-dynamic",
        )
        .env("CARGO_INCREMENTAL", "0")
        .run(),
    );
    print!("\n{}", report.summary());
    if report.failed() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}
