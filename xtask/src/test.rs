//! `cargo xtask test`: every test that this machine can run.

use std::path::Path;
use std::process::ExitCode;

use crate::report::Report;
use crate::step::Step;
use crate::{browser, cities, compilers, dependency, fuzz, narrow, new_driver, page, public_types};

/// Runs every step even if an earlier one fails, and sums up. Without a browser, its tests are reported as ignored.
pub(crate) fn run(root: &Path, with_browser: bool) -> ExitCode {
    let mut report = Report::default();
    for step in steps(root) {
        report.add(step.run());
    }
    if with_browser {
        for outcome in browser::outcomes(root) {
            report.add(outcome);
        }
        report.add(page::outcome(root));
    } else {
        report.add(browser::left_out());
        report.add(page::left_out());
    }
    report.add(narrow::outcome(root));
    report.add(public_types::outcome(root));
    for outcome in compilers::run(root) {
        report.add(outcome);
    }
    for outcome in cities::run(root).into_iter().chain(fuzz::outcomes(root)) {
        report.add(outcome);
    }
    report.add(new_driver::try_out(root));
    for outcome in dependency::outcomes(root) {
        report.add(outcome);
    }
    print!("\n{}", report.summary());
    if report.failed() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

fn steps(root: &Path) -> Vec<Step> {
    vec![
        // Unit, integration, UI and documentation tests, the conformance of every driver linked in and loaded, that of the
        // example drivers included (the one in C is compiled by the tests of `conformance-bad-drivers`), and the build of the
        // examples. One cargo call, so that one set of features is built once.
        Step::cargo(
            root,
            "workspace: tests, doctests, UI tests, conformance",
            &["test", "--workspace", "--all-features", "--no-fail-fast"],
        ),
        // Features that only other packages of the workspace ask for are not there when it is installed.
        Step::cargo(
            root,
            "netabase as it is installed",
            &["check", "--package", "netabase-cli"],
        ),
        Step::cargo(
            root,
            "conformance as it is installed",
            &[
                "check",
                "--package",
                "conformance",
                "--bin",
                "netabase-conformance",
            ],
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
