//! The runner: the catalogue over a driver that is there as a dynamic library, each case in a process of its own.

mod arguments;
mod execution;
mod report;

use std::io::{self, Write};
use std::path::{self, Path};
use std::process::ExitCode;

use clap::Parser as _;
use netabase_core::abi::DynamicDriver;
use netabase_core::driver::{Capabilities, Driver as _, Limits, Manifest};
use netabase_core::error::NetabaseError;
use netabase_core::loader::{self, SearchPath};

use crate::harness::{Suite, Verdict};
use crate::{catalog, child, fixture, isolation};
use arguments::{Arguments, Format};
use report::{Json, Junit, Pretty, Report, Subject, Totals, law_of};

/// Runs what the command line asks for. The exit code is 0 if every law holds, 1 if one is broken, 2 if the driver cannot be
/// loaded, the command line is wrong, or no case is selected, and 3 if the report cannot be written. A reader of the report
/// that goes away ends the run with what it had found out up to then.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(Stopped::Untested(reason)) => {
            eprintln!("conformance: {reason}");
            ExitCode::from(2)
        }
        Err(Stopped::Unwritten(error)) => {
            eprintln!("conformance: the report cannot be written: {error}");
            ExitCode::from(3)
        }
    }
}

/// Why there is no result.
enum Stopped {
    /// No case was run.
    Untested(String),
    /// The report is not whole.
    Unwritten(io::Error),
}

/// The case that only loads the driver, in a process of its own: to load a library is to run its code.
const LOAD: &str = "load";

/// Whether every law holds.
///
/// The driver is never loaded here but in the processes of the cases: whatever it does to its process, there is a report.
fn run(arguments: &Arguments) -> Result<bool, Stopped> {
    let requested = child::requested();
    if requested.as_deref() == Some(LOAD) {
        isolation::run_requested(|| match introduce(&arguments.driver) {
            Ok(()) => Verdict::Held,
            Err(reason) => Verdict::Broken(reason),
        });
    }
    if requested.is_some() || fixture::is_scenario() {
        let driver =
            load(&arguments.driver).map_err(|error| Stopped::Untested(error.to_string()))?;
        let mut suite = Suite::new();
        suite.add(LINKAGE, driver);
        return Err(Stopped::Untested(suite.takes_no_part().unwrap_or_default()));
    }
    let untested = |reason: &str| {
        Stopped::Untested(format!(
            "the driver `{}` cannot be tested: {reason}\n\
             Build the library with `cargo build` in the driver's package and give its path; \
             docs/writing-a-driver.md says how it is named and what it exports.",
            arguments.driver
        ))
    };
    let introduction = match isolation::ask(LOAD, &arguments.settings()) {
        (Verdict::Broken(reason), _) => return Err(untested(&reason)),
        (_, introduction) => Introduction::read(&introduction)
            .ok_or_else(|| untested("it loads, and what it says of itself did not arrive"))?,
    };
    let manifest = introduction.manifest();
    let cases: Vec<_> = catalog::all::<DynamicDriver>()
        .into_iter()
        .map(|case| format!("{}/{LINKAGE}/{}", manifest.name, case.name))
        .collect();
    let all = cases.len();
    let selected: Vec<_> = cases
        .into_iter()
        .filter(|name| arguments.selects(law_of(name)))
        .collect();
    if selected.is_empty() {
        return Err(Stopped::Untested(
            "no case is selected; `--list` without a filter names them all".to_owned(),
        ));
    }
    let mut output = io::stdout().lock();
    if arguments.list {
        let listed = selected
            .iter()
            .try_for_each(|name| writeln!(output, "{}: test", law_of(name)));
        return written(listed).map(|()| true);
    }
    let subject = Subject {
        library: &arguments.driver,
        abi: introduction.abi,
        manifest: &manifest,
    };
    let mut totals = Totals::new(selected.len(), all - selected.len());
    let report: &mut dyn Report = match arguments.format {
        Format::Pretty => &mut Pretty::new(&mut output, subject),
        Format::Json => &mut Json::new(&mut output, subject),
        Format::Junit => &mut Junit::new(&mut output, subject),
    };
    let names = selected.iter().map(String::as_str).collect();
    written(execution::run(names, arguments, &mut totals, report))?;
    Ok(totals.broken == 0)
}

/// A reader that goes away has what it wanted.
fn written(outcome: io::Result<()>) -> Result<(), Stopped> {
    match outcome {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Stopped::Unwritten(error)),
        _ => Ok(()),
    }
}

const LINKAGE: &str = "dynamic";

/// Loads the driver and leaves what it says of itself.
fn introduce(driver: &str) -> Result<(), String> {
    let driver = load(driver).map_err(|error| error.to_string())?;
    let introduction = Introduction::of(&driver);
    let bytes = bincode::encode_to_vec(introduction, bincode::config::standard())
        .map_err(|error| error.to_string())?;
    child::leave(&bytes).map_err(|error| format!("what it says of itself cannot be left: {error}"))
}

/// What a driver says of itself, on its way from the process that has loaded it to the one that reports.
#[derive(Debug, PartialEq, bincode::Encode, bincode::Decode)]
struct Introduction {
    abi: (u32, u32),
    name: String,
    version: String,
    engine: String,
    engine_version: String,
    capabilities: u64,
    /// Of keys, values and transactions.
    limits: [u64; 3],
    commands: Vec<String>,
}

impl Introduction {
    fn of(driver: &DynamicDriver) -> Self {
        let manifest = driver.manifest();
        let limits = &manifest.limits;
        Self {
            abi: driver.abi_version(),
            name: manifest.name.to_string(),
            version: manifest.version.to_string(),
            engine: manifest.engine.to_string(),
            engine_version: manifest.engine_version.to_string(),
            capabilities: manifest.capabilities.bits(),
            limits: [
                limits.key_bytes,
                limits.value_bytes,
                limits.transaction_bytes,
            ],
            commands: manifest.commands.iter().map(ToString::to_string).collect(),
        }
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        bincode::decode_from_slice(bytes, bincode::config::standard())
            .ok()
            .map(|(introduction, _)| introduction)
    }

    fn manifest(&self) -> Manifest {
        let [key_bytes, value_bytes, transaction_bytes] = self.limits;
        Manifest {
            name: self.name.clone().into(),
            version: self.version.clone().into(),
            engine: self.engine.clone().into(),
            engine_version: self.engine_version.clone().into(),
            capabilities: Capabilities::from_bits(self.capabilities),
            limits: Limits {
                key_bytes,
                value_bytes,
                transaction_bytes,
            },
            commands: self.commands.iter().cloned().map(Into::into).collect(),
        }
    }
}

/// Loads what the argument names: the path of a library, without checks of trust, or a driver by its name.
fn load(driver: &str) -> Result<DynamicDriver, NetabaseError> {
    // A name has no dot; the file of a library, or a manifest file, has.
    if driver.contains(|letter| letter == '.' || path::is_separator(letter)) {
        loader::load_trusted_path(Path::new(driver))
    } else {
        loader::load(driver, &SearchPath::default())
    }
}
