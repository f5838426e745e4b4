//! A process that runs a scenario, and what it says to the one that waits for it.

use std::io::Write as _;
use std::path::Path;
use std::process::Child;
use std::{fs, io};

use netabase_core::driver::Driver;

use crate::case::{CaseResult, Failure};
use crate::fixture::Fixture;

/// A scenario and its name.
pub(crate) type Scenario<D> = (&'static str, fn(&Fixture<D>) -> CaseResult);

/// The last line of a scenario that did all it is to do.
pub(crate) const DONE: &str = "done";

/// Says something to the process that waits for it, at once.
pub(crate) fn say(line: &str) -> io::Result<()> {
    let mut output = io::stdout().lock();
    writeln!(output, "{line}")?;
    output.flush()
}

/// Runs a scenario in a process of its own, to its end; gives what it said.
pub(crate) fn run<D: Driver>(fixture: &Fixture<D>, scenario: &str) -> Result<Vec<String>, Failure> {
    wait(fixture.start(scenario)?)
}

/// Waits for the end of a process that runs a scenario; gives what it said.
pub(crate) fn wait(process: Child) -> Result<Vec<String>, Failure> {
    let output = process.wait_with_output()?;
    let mut lines: Vec<_> = String::from_utf8(output.stdout)?
        .lines()
        .map(str::to_owned)
        .collect();
    assert_eq!(lines.pop().as_deref(), Some(DONE), "the scenario failed");
    assert!(!output.status.success(), "the process ended in order");
    Ok(lines)
}

/// Removes what is at the path of a database.
pub(crate) fn remove_database(path: &Path) -> io::Result<()> {
    let removed = match path.is_dir() {
        true => fs::remove_dir_all(path),
        false => fs::remove_file(path),
    };
    removed.or_else(|error| match error.kind() {
        io::ErrorKind::NotFound => Ok(()),
        _ => Err(error),
    })
}
