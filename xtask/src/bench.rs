//! `cargo xtask bench`: the comparison with hand-written code, built as a user would build for speed.

use std::path::Path;
use std::process::ExitCode;

use crate::step::Step;

/// Where the driver's library is built: apart from the linked-in driver, whose build would write to the same file.
const LIBRARIES: &str = "target/loaded";

/// Builds the driver as a dynamic library and the comparison, and runs it with `options`.
pub(crate) fn run(root: &Path, options: &[&str]) -> ExitCode {
    // Only a library that is built alone is optimised as a whole; the one that comes with the Rust library is not.
    let library = Step::cargo(
        root,
        "redb driver as a dynamic library",
        &[
            "rustc",
            "--release",
            "--package",
            "netabase-driver-redb",
            "--lib",
            "--crate-type",
            "cdylib",
            "--target-dir",
            LIBRARIES,
        ],
    );
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
    for step in [library, comparison] {
        if let Some(complaint) = step.run().complaint {
            eprintln!("{complaint}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
