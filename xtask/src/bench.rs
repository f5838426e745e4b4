//! `cargo xtask bench`: the comparison with hand-written code, built with the profile `dist`, for speed.

use std::path::Path;
use std::process::ExitCode;

use crate::step::Step;

/// Options that ask for a part of the comparison, which the reads of redb-zerocopy are not in.
const NARROWING: [&str; 5] = ["--engines", "--rows", "--profile", "--help", "-h"];

/// Builds the comparison, with the drivers as dynamic libraries beside it, and runs it with `options`.
pub(crate) fn run(root: &Path, options: &[&str]) -> ExitCode {
    let comparison = Step::cargo(
        root,
        "comparison",
        &["run", "--profile", "dist", "--package", "benches", "--"],
    )
    .args(options);
    let pinned = Step::cargo(
        root,
        "reads pinned to their transaction",
        &[
            "bench",
            "--profile",
            "dist",
            "--package",
            "netabase-driver-redb-zerocopy",
        ],
    );
    let pinned = (!options.iter().any(|option| NARROWING.contains(option))).then_some(pinned);
    for step in [comparison].into_iter().chain(pinned) {
        if let Some(complaint) = step.run().complaint {
            eprintln!("{complaint}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
