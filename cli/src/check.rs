//! `netabase check`: hands the driver to the conformance suite's runner.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use crate::Status;
use crate::arguments::Check;
use crate::failure::Failure;

/// The runner's name, without the platform's suffix. It is a program of its own, as a package cannot depend on one that
/// depends on it.
const RUNNER: &str = "netabase-conformance";

pub(crate) fn run(arguments: &Check) -> Result<Status, Failure> {
    let file = format!("{RUNNER}{}", env::consts::EXE_SUFFIX);
    let beside = env::current_exe()
        .ok()
        .and_then(|program| Some(program.parent()?.join(&file)))
        .filter(|runner| runner.is_file());
    let runner = beside.or_else(|| on_path(&file)).ok_or_else(|| {
        Failure::Usage(format!(
            "the conformance suite is a program of its own, and `{file}` is neither beside this one nor in PATH; in a \
             checkout of netabase_store, `cargo install --path conformance` puts it there"
        ))
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

fn on_path(file: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?)
        .filter(|directory| directory.is_absolute())
        .map(|directory| directory.join(file))
        .find(|path| path.is_file())
}
