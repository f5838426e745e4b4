//! `cargo xtask test`: every test that this machine can run.

use std::path::Path;
use std::process::ExitCode;

use crate::browser;
use crate::cities;
use crate::compilers;
use crate::new_driver;
use crate::report::Report;
use crate::step::Step;

/// Runs every step even if an earlier one fails, and sums up.
pub(crate) fn run(root: &Path, no_browser: bool) -> ExitCode {
    let mut report = Report::default();
    for step in steps(root) {
        report.add(step.run());
    }
    for outcome in compilers::run(root) {
        report.add(outcome);
    }
    for outcome in cities::run(root) {
        report.add(outcome);
    }
    report.add(new_driver::try_out(root));
    report.add(browser::run(root, no_browser));
    print!("\n{}", report.summary());
    if report.failed() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

fn steps(root: &Path) -> Vec<Step> {
    vec![
        // Unit, integration, UI and documentation tests, the conformance of every driver linked in and loaded, and the
        // build of the examples. One cargo call, so that one set of features is built once.
        Step::cargo(
            root,
            "workspace: tests, doctests, UI tests, conformance",
            &["test", "--workspace", "--all-features", "--no-fail-fast"],
        ),
        Step::cargo(
            root,
            "facade without any feature",
            &[
                "check",
                "--package",
                "netabase_store",
                "--no-default-features",
            ],
        ),
        Step::cargo(
            root,
            "core without any feature",
            &[
                "check",
                "--package",
                "netabase-core",
                "--no-default-features",
            ],
        ),
    ]
}
