//! `cargo xtask bench`: the comparison with hand-written code, built as a user would build for speed.

use std::path::Path;
use std::process::ExitCode;

use crate::step::Step;

/// Where the drivers' libraries are built: apart from the linked-in drivers, whose build would write to the same files.
const LIBRARIES: &str = "target/loaded";

/// The drivers that are compared.
const DRIVERS: [&str; 2] = ["netabase-driver-redb", "netabase-driver-sled"];

/// Options that ask for a part of the comparison, which the reads of redb-zerocopy are not in.
const NARROWING: [&str; 5] = ["--engines", "--rows", "--profile", "--help", "-h"];

/// Builds the drivers as dynamic libraries and the comparison, and runs it with `options`.
pub(crate) fn run(root: &Path, options: &[&str]) -> ExitCode {
    // Only a library that is built alone is optimised as a whole; the one that comes with the Rust library is not.
    let libraries = DRIVERS.map(|driver| {
        Step::cargo(
            root,
            &format!("{driver} as a dynamic library"),
            &[
                "rustc",
                "--release",
                "--package",
                driver,
                "--lib",
                "--crate-type",
                "cdylib",
                "--target-dir",
                LIBRARIES,
            ],
        )
    });
    let comparison = Step::cargo(
        root,
        "comparison",
        &[
            "run",
            "--release",
            "--package",
            "benches",
            "--",
            "--drivers",
        ],
    )
    .arg(root.join(LIBRARIES).join("release"))
    .args(options);
    let pinned = Step::cargo(
        root,
        "reads pinned to their transaction",
        &["bench", "--package", "netabase-driver-redb-zerocopy"],
    );
    let pinned = (!options.iter().any(|option| NARROWING.contains(option))).then_some(pinned);
    for step in libraries.into_iter().chain([comparison]).chain(pinned) {
        if let Some(complaint) = step.run().complaint {
            eprintln!("{complaint}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
