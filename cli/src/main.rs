//! The program `netabase`: looks into databases of any driver, copies, dumps, verifies and compacts them.
#![forbid(unsafe_code)]

mod arguments;
mod check;
mod compact;
mod copy;
mod database;
mod drivers;
mod dump;
mod failure;
mod fill;
mod inspect;
mod output;
mod progress;
mod scan;
mod verify;

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Parser as _;

use arguments::{Arguments, Command};
use failure::Failure;

/// What a subcommand found.
enum Status {
    Fine,
    /// Something is wrong with what was looked at.
    Findings,
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(answer) => return say(&answer),
    };
    let result = match arguments.command {
        Command::Drivers(arguments) => drivers::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Inspect(arguments) => inspect::run(&arguments),
        Command::Get(arguments) => scan::get(&arguments),
        Command::Scan(arguments) => scan::scan(&arguments),
        Command::Copy(arguments) => copy::run(&arguments),
        Command::Dump(arguments) => dump::dump(&arguments),
        Command::Load(arguments) => dump::load(&arguments),
        Command::Verify(arguments) => verify::run(&arguments),
        Command::Compact(arguments) => compact::run(&arguments),
    };
    match result {
        Ok(Status::Fine) => ExitCode::SUCCESS,
        Ok(Status::Findings) => ExitCode::from(1),
        Err(Failure::Status(status)) => ExitCode::from(status),
        Err(failure) => failure.report(),
    }
}

/// Writes the help that was asked for, or what is wrong with the command line: without colours, which `clap` has as soon as
/// any package of a build asks for them.
fn say(answer: &clap::Error) -> ExitCode {
    let text = answer.render();
    // Whoever does not read it has what they wanted.
    let _ = if answer.use_stderr() {
        write!(io::stderr(), "{text}")
    } else {
        write!(io::stdout(), "{text}")
    };
    ExitCode::from(u8::try_from(answer.exit_code()).unwrap_or(2))
}
