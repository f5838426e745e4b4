//! The runner: the catalogue over a driver that is there as a dynamic library, each case in a process of its own.

mod arguments;
mod execution;
mod report;

use std::io::{self, Write};
use std::path::{self, Path};
use std::process::ExitCode;

use clap::Parser as _;
use netabase_core::abi::DynamicDriver;
use netabase_core::driver::Driver;
use netabase_core::error::NetabaseError;
use netabase_core::loader::{self, SearchPath};

use crate::harness::{Ready, Suite, Verdict};
use crate::{fixture, isolation};
use arguments::{Arguments, Format};
use report::{Json, Junit, Pretty, Report, Subject, Totals};

/// Runs what the command line asks for. The exit code is 0 if every law holds, 1 if one is broken, and 2 if the driver
/// cannot be loaded, the command line is wrong, no case is selected, or the report cannot be written.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(Stopped(reason)) => {
            eprintln!("conformance: {reason}");
            ExitCode::from(2)
        }
    }
}

/// Why there is no result.
struct Stopped(String);

impl From<io::Error> for Stopped {
    fn from(error: io::Error) -> Self {
        Self(format!("the report cannot be written: {error}"))
    }
}

/// The case that only loads the driver, in a process of its own: to load a library is to run its code.
const LOAD: &str = "load";

/// Whether every law holds.
fn run(arguments: &Arguments) -> Result<bool, Stopped> {
    let requested = isolation::requested();
    let on_behalf = requested.is_some() || fixture::is_scenario();
    if requested.as_deref() == Some(LOAD) {
        isolation::run_requested(|| match load(&arguments.driver) {
            Ok(_) => Verdict::Held,
            Err(error) => Verdict::Broken(error.to_string()),
        });
    }
    if !on_behalf && let Verdict::Broken(reason) = isolation::run(LOAD, &arguments.settings()) {
        return Err(Stopped(format!(
            "the driver `{}` cannot be tested: {reason}\n\
             Build the library with `cargo build` in the driver's package and give its path; \
             docs/writing-a-driver.md says how it is named and what it exports.",
            arguments.driver
        )));
    }
    let driver = load(&arguments.driver).map_err(|error| Stopped(error.to_string()))?;
    let mut suite = Suite::new();
    suite.add(LINKAGE, driver);
    if let Some(reason) = suite.takes_no_part() {
        return Err(Stopped(reason));
    }
    let cases = suite.into_cases();
    let all = cases.len();
    let selected: Vec<_> = cases
        .into_iter()
        .filter(|case| arguments.selects(law(case)))
        .collect();
    if selected.is_empty() {
        return Err(Stopped(
            "no case is selected; `--list` without a filter names them all".to_owned(),
        ));
    }
    let mut output = io::stdout().lock();
    if arguments.list {
        for case in &selected {
            writeln!(output, "{}: test", law(case))?;
        }
        return Ok(true);
    }
    let subject = Subject {
        library: &arguments.driver,
        abi: driver.abi_version(),
        manifest: driver.manifest(),
    };
    let totals = Totals::new(selected.len(), all - selected.len());
    let report: &mut dyn Report = match arguments.format {
        Format::Pretty => &mut Pretty::new(&mut output, subject),
        Format::Json => &mut Json::new(&mut output, subject),
        Format::Junit => &mut Junit::new(&mut output, subject),
    };
    let names = selected.iter().map(|case| case.name.as_str()).collect();
    Ok(execution::run(names, arguments, totals, report)?)
}

const LINKAGE: &str = "dynamic";

/// The group and the law of a case, without the driver's name and the linkage.
fn law(case: &Ready) -> &str {
    law_of(&case.name)
}

fn law_of(name: &str) -> &str {
    name.splitn(3, '/').last().unwrap_or(name)
}

/// Loads what the argument names: the path of a library, whoever may have written it, or a driver by its name.
fn load(driver: &str) -> Result<DynamicDriver, NetabaseError> {
    // A name has no dot; the file of a library, or a manifest file, has.
    if driver.contains(|letter| letter == '.' || path::is_separator(letter)) {
        loader::load_trusted_path(Path::new(driver))
    } else {
        loader::load(driver, &SearchPath::default())
    }
}
