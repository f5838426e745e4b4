//! The tour of netabase_store: real places stored on an engine that is linked in, then on one that is loaded by name.
#![forbid(unsafe_code)]

mod options;
mod places;
mod text;
mod tour;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use netabase_store::{ErrorKind, NetabaseError, NetabaseStore};

use options::{Linked, Options};
use places::{City, Places};
use tour::{Answer, TourError};

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(message) => return complain(&message, 2),
    };
    if options.help {
        print!("{}", options::USAGE);
        return ExitCode::SUCCESS;
    }
    let start = Instant::now();
    let cities = match places::read(&options.input) {
        Ok(cities) => cities,
        Err(error) => return complain(&error.to_string(), 2),
    };
    let mut out = io::stdout().lock();
    let run = writeln!(
        out,
        "{} places read from {} in {}",
        text::number(cities.len() as u64),
        options.input.display(),
        text::time(start.elapsed())
    )
    .map_err(TourError::from)
    .and_then(|()| runs(&options, &cities, &mut out));
    match run {
        Ok(()) => ExitCode::SUCCESS,
        // Who reads the output has seen enough.
        Err(TourError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            ExitCode::SUCCESS
        }
        Err(TourError::Output(error)) => complain(&error.to_string(), 1),
        Err(TourError::Wrong(what)) => complain(what, 1),
        Err(TourError::Store(error)) => {
            let code = match error.kind() {
                ErrorKind::DriverNotFound | ErrorKind::InvalidInput => 2,
                _ => 1,
            };
            complain(&explained(&error), code)
        }
    }
}

/// Runs the tour on each driver that was asked for, and compares.
fn runs(options: &Options, cities: &[City], out: &mut impl Write) -> Result<(), TourError> {
    let folder = tempfile::tempdir()?;
    let mut answers = Vec::new();
    if let Some(linked) = options.linked {
        let path = database(options, folder.path(), "linked");
        answers.push(match linked {
            Linked::Redb => {
                writeln!(out, "\nredb, linked in: {}", path.display())?;
                tour::run(&NetabaseStore::<Places, _>::redb(&path)?, cities, out)?
            }
            Linked::Memory => {
                writeln!(out, "\nmemory, linked in")?;
                tour::run(&NetabaseStore::<Places, _>::memory()?, cities, out)?
            }
        });
    }
    if let Some(name) = &options.loaded {
        let path = database(options, folder.path(), "loaded");
        let store = NetabaseStore::<Places, _>::load(name, &path)?;
        writeln!(out, "\n{name}, loaded by name: {}", path.display())?;
        answers.push(tour::run(&store, cities, out)?);
    }
    if let [linked, loaded] = answers.as_slice() {
        compare(linked, loaded, out)?;
    }
    Ok(())
}

/// Where a run keeps its database. Two runs never share one.
fn database(options: &Options, folder: &Path, run: &str) -> PathBuf {
    match &options.path {
        None => folder.join(format!("{run}.db")),
        Some(path) if options.linked.is_some() && run == "loaded" => {
            let mut name = path.as_os_str().to_owned();
            name.push(".loaded");
            name.into()
        }
        Some(path) => path.clone(),
    }
}

fn compare(linked: &[Answer], loaded: &[Answer], out: &mut impl Write) -> Result<(), TourError> {
    writeln!(out, "\n{:36} {:>10} {:>10}", "time", "linked in", "loaded")?;
    for (one, other) in linked.iter().zip(loaded) {
        writeln!(
            out,
            "  {:34} {:>10} {:>10}",
            one.question,
            text::time(one.time),
            text::time(other.time)
        )?;
        if one.answer != other.answer {
            return Err(TourError::Wrong("the two drivers do not agree"));
        }
    }
    writeln!(out, "\nBoth agree on all {} answers.", linked.len())?;
    Ok(())
}

/// The error with every cause below it.
fn explained(error: &NetabaseError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text += &format!("\n  because: {error}");
        cause = error.source();
    }
    text
}

fn complain(message: &str, code: u8) -> ExitCode {
    eprintln!("cities: {message}");
    ExitCode::from(code)
}
