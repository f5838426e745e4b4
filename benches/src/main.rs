//! Hand-written code, the static and the dynamic driver, side by side on each engine: `cargo xtask bench`.
#![forbid(unsafe_code)]

mod child;
mod contender;
mod data;
mod engine;
mod hand;
mod memory;
mod options;
mod plot;
mod rounds;
mod rows;
mod table;
mod typed;

use std::path::Path;
use std::process::ExitCode;

use contender::Result;
use engine::Engine;
use options::Options;
use rounds::Arena;
use rows::{ROWS, Row, Workload};

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::from(2);
        }
    };
    if options.help {
        print!("{}", options::usage());
        return ExitCode::SUCCESS;
    }
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<()> {
    if let Some(child) = &options.child {
        return memory::child(options, child);
    }
    let directory = tempfile::tempdir_in(&options.directory)?;
    if let Some(name) = &options.profile {
        return profile(options, directory.path(), name);
    }
    let mut page = plot::Page::new("Hand-written code, the static and the dynamic driver");
    let mut missed = Vec::new();
    for &engine in &options.engines {
        let directory = directory.path().join(engine.name());
        std::fs::create_dir(&directory)?;
        let of_engine = compare(options, engine, &directory, &mut page)?;
        missed.extend(of_engine.map(|name| format!("{} on {}", name, engine.name())));
    }
    if let Some(path) = &options.html {
        page.write(path)?;
    }
    if missed.is_empty() {
        println!("every target met");
    } else {
        println!("targets missed: {}", missed.join(", "));
    }
    Ok(())
}

/// Runs one row by one contender, for a profiler.
fn profile(options: &Options, directory: &Path, row: &str) -> Result<()> {
    let [engine] = *options.engines else {
        return Err("--profile runs on one engine; name it with --engines".into());
    };
    let contenders = vec![engine.contender(&options.contender)?];
    let workload = Workload::new(data::users(options.records));
    let arena = Arena::new(directory, contenders, workload);
    for row in chosen(&[row.to_owned()]) {
        let time = arena.repeat(row, &options.contender, options.rounds)?;
        println!(
            "{} by {} on {}: {time:?} at its fastest",
            row.title,
            options.contender,
            engine.name()
        );
    }
    Ok(())
}

/// Prints the table of one engine; gives the names of what missed its target.
fn compare(
    options: &Options,
    engine: Engine,
    directory: &Path,
    page: &mut plot::Page,
) -> Result<impl Iterator<Item = &'static str> + use<>> {
    let contenders = engine::CONTENDERS
        .into_iter()
        .map(|name| engine.contender(name))
        .collect::<Result<Vec<_>>>()?;
    println!(
        "{}: {} records, medians of {} rounds, databases in {}\n\n{}",
        engine.name(),
        options.records,
        options.rounds,
        options.directory.display(),
        table::HEADER
    );
    let workload = Workload::new(data::users(options.records));
    let arena = Arena::new(directory, contenders, workload);
    let mut missed = Vec::new();
    for row in chosen(&options.rows) {
        let times = arena.measure(row, options.rounds)?;
        let (line, met) = table::line(engine, row, arena.workload(), &times);
        println!("{line}");
        page.add(engine, row, &times);
        if !met {
            missed.push(row.name);
        }
    }
    drop(arena);
    println!();
    if options.memory {
        missed.extend(memory::run(engine, directory)?);
        println!();
    }
    Ok(missed.into_iter())
}

/// The rows of these names; all rows if there are none.
fn chosen(names: &[String]) -> impl Iterator<Item = &'static Row> {
    ROWS.iter()
        .filter(move |row| names.is_empty() || names.iter().any(|name| name == row.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Linked in, loaded from beside the test, and written by hand: every row leaves and reads the same.
    #[test]
    fn contenders_agree_on_every_row() {
        for engine in Engine::ALL {
            let directory = tempfile::tempdir().expect("a temporary folder");
            let contenders =
                engine::CONTENDERS.map(|name| engine.contender(name).expect("a contender"));
            let workload = Workload::new(data::users(300));
            let arena = Arena::new(directory.path(), contenders.into(), workload);
            for row in ROWS {
                arena.measure(row, 1).expect("all agree");
            }
        }
    }

    #[test]
    fn a_transaction_that_is_rolled_back_leaves_nothing() {
        for engine in Engine::ALL {
            for name in engine::CONTENDERS {
                let directory = tempfile::tempdir().expect("a temporary folder");
                let contender = engine.contender(name).expect("a contender");
                let database = contender
                    .open(&directory.path().join("db"))
                    .expect("a database");
                let users = data::users(10);
                database.put_each(&users[..1]).expect("it is stored");
                let before = database.iterate().expect("it is read");
                database.roll_back(&users[1..]).expect("it is rolled back");
                assert_eq!(database.iterate().expect("it is read"), before);
            }
        }
    }
}
