//! `netabase check`: hands the driver to the conformance suite's runner.

use std::env;
use std::process::Command;

use netabase_store::{ErrorKind, loader};

use crate::arguments::Check;
use crate::failure::Failure;
use crate::status::Status;

/// The runner's name, without the platform's suffix. It is a program of its own, as a package cannot depend on one that
/// depends on it.
const RUNNER: &str = "netabase-conformance";

pub(crate) fn run(arguments: &Check) -> Result<Status, Failure> {
    let file = format!("{RUNNER}{}", env::consts::EXE_SUFFIX);
    let runner = loader::find_program(&file).map_err(|error| match error.kind() {
        ErrorKind::NotFound => Failure::Usage(format!(
            "the conformance suite is a program of its own, and {}; in a checkout of netabase_store, `cargo install \
             --path conformance` puts it there",
            error.message()
        )),
        _ => Failure::Search(error),
    })?;
    let status = Command::new(&runner)
        .arg("--driver")
        .arg(&arguments.driver)
        .args(
            arguments
                .json
                .then_some(["--format", "json"])
                .iter()
                .flatten(),
        )
        .args(&arguments.runner)
        .status()
        .map_err(|error| Failure::Io(format!("cannot run {}", runner.display()), error))?;
    match status.code() {
        Some(0) => Ok(Status::Fine),
        Some(code) => Err(Failure::Status(u8::try_from(code).unwrap_or(3))),
        None => Err(Failure::Killed(format!(
            "{} was ended by a signal",
            runner.display()
        ))),
    }
}
