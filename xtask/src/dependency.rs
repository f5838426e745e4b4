//! The library as a dependency: what its users and the authors of drivers build.

mod packages;
mod shared_target;

use std::path::Path;
use std::process::ExitCode;

use crate::report::Report;
use crate::step::Status;

/// Runs these tests alone.
pub(crate) fn run(root: &Path) -> ExitCode {
    let mut report = Report::default();
    for outcome in outcomes(root) {
        report.add(outcome);
    }
    print!("\n{}", report.summary());
    if report.failed() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

/// Runs each test.
pub(crate) fn outcomes(root: &Path) -> Vec<Status> {
    let mut statuses = packages::run(root);
    statuses.push(shared_target::run(root));
    statuses
}
