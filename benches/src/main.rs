//! Hand-written redb code, the static and the dynamic driver, side by side: `cargo xtask bench`.
#![forbid(unsafe_code)]

mod contender;
mod data;
mod hand;
mod options;
mod plot;
mod rounds;
mod rows;
mod scan;
mod table;
mod typed;

use std::path::Path;
use std::process::ExitCode;

use contender::{Contender, Result};
use hand::Hand;
use netabase_driver_redb::Redb;
use netabase_store::loader::{self, SearchPath};
use options::Options;
use rounds::Arena;
use rows::{ROWS, Row, Workload};
use typed::Typed;

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
    if let Some(path) = &options.scanned {
        return scan::child(contender(options, &options.contender)?.as_ref(), path);
    }
    let directory = tempfile::tempdir_in(&options.directory)?;
    let workload = Workload::new(data::users(options.records));
    if let Some(name) = &options.profile {
        let contenders = vec![contender(options, &options.contender)?];
        let arena = Arena::new(directory.path(), contenders, workload)?;
        for row in chosen(std::slice::from_ref(name)) {
            let time = arena.repeat(row, &options.contender, options.rounds)?;
            println!(
                "{} by {}: {time:?} at its fastest",
                row.title, options.contender
            );
        }
        return Ok(());
    }
    compare(options, directory.path(), workload)
}

fn compare(options: &Options, directory: &Path, workload: Workload) -> Result<()> {
    let contenders = table::CONTENDERS
        .into_iter()
        .map(|name| contender(options, name))
        .collect::<Result<Vec<_>>>()?;
    println!(
        "{} records, medians of {} rounds, databases in {}\n\n{}",
        options.records,
        options.rounds,
        options.directory.display(),
        table::HEADER
    );
    let arena = Arena::new(directory, contenders, workload)?;
    let mut page = plot::Page::new("Hand-written redb code, the static and the dynamic driver");
    let mut missed = Vec::new();
    for row in chosen(&options.rows) {
        let times = arena.measure(row, options.rounds)?;
        let (line, met) = table::line(row, arena.workload(), &times);
        println!("{line}");
        page.add(row, &times);
        if !met {
            missed.push(row.name);
        }
    }
    drop(arena);
    if let Some(path) = &options.html {
        page.write(path)?;
    }
    println!();
    if options.scan {
        let writer = contender(options, "static")?;
        let readers = ["static", "dynamic"];
        if !scan::run(
            directory,
            writer.as_ref(),
            &readers,
            options.drivers.as_deref(),
        )? {
            missed.push("scan");
        }
    }
    if missed.is_empty() {
        println!("\nevery target met");
    } else {
        println!("\ntargets missed: {}", missed.join(", "));
    }
    Ok(())
}

/// The rows of these names; all rows if there are none.
fn chosen(names: &[String]) -> impl Iterator<Item = &'static Row> {
    ROWS.iter()
        .filter(move |row| names.is_empty() || names.iter().any(|name| name == row.name))
}

fn contender(options: &Options, name: &str) -> Result<Box<dyn Contender>> {
    Ok(match name {
        "hand" => Box::new(Hand("hand")),
        "control" => Box::new(Hand("control")),
        "static" => Box::new(Typed::new("static", Redb)),
        "dynamic" => {
            let search = match &options.drivers {
                Some(directory) => SearchPath::default().with_directory(directory),
                None => SearchPath::default(),
            };
            Box::new(Typed::new("dynamic", loader::load("redb", &search)?))
        }
        _ => {
            let known = table::CONTENDERS.join(", ");
            return Err(format!("there is no contender {name}; there are {known}").into());
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Linked in, loaded from beside the test, and written by hand: every row leaves and reads the same.
    #[test]
    fn contenders_agree_on_every_row() {
        let options = Options::parse([]).expect("no options are options");
        let directory = tempfile::tempdir().expect("a temporary folder");
        let contenders =
            table::CONTENDERS.map(|name| contender(&options, name).expect("a contender"));
        let workload = Workload::new(data::users(300));
        let arena = Arena::new(directory.path(), contenders.into(), workload).expect("databases");
        for row in ROWS {
            arena.measure(row, 1).expect("all agree");
        }
    }
}
