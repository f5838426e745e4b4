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
mod salvage;
mod scan;
mod status;
mod verify;

use std::env;
use std::process::ExitCode;

use clap::Parser as _;
use netabase_store::error::printable;

use arguments::{Arguments, Command};
use failure::Failure;
use output::{error_lines, lines};
use status::Status;

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
        Command::Salvage(arguments) => salvage::run(&arguments),
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
    // A reader that has gone away needs no more.
    let _ = if answer.use_stderr() {
        error_lines().own_lines(&wrong_usage(answer))
    } else {
        lines().own_lines(&answer.render().to_string())
    };
    ExitCode::from(u8::try_from(answer.exit_code()).unwrap_or(2))
}

/// What is wrong with the command line, in lines that are all `clap`'s: it shows arguments as they are, and is given them
/// again in a form that begins no line.
fn wrong_usage(answer: &clap::Error) -> String {
    let arguments = env::args_os().map(|argument| {
        let argument = argument.to_string_lossy();
        printable(&argument).into_owned()
    });
    match Arguments::try_parse_from(arguments) {
        Err(answer) if answer.use_stderr() => answer.render().to_string(),
        _ => format!("error: {}", answer.kind()),
    }
}
