//! The command line.

use std::path::PathBuf;

use crate::child::{Child, Task};
use crate::engine::Engine;
use crate::rows::ROWS;

/// What was asked for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Options {
    pub(crate) engines: Vec<Engine>,
    pub(crate) records: usize,
    pub(crate) rounds: usize,
    pub(crate) rows: Vec<String>,
    pub(crate) directory: PathBuf,
    pub(crate) memory: bool,
    pub(crate) html: Option<PathBuf>,
    pub(crate) profile: Option<String>,
    pub(crate) contender: String,
    /// Set for a process that measures its own memory.
    pub(crate) child: Option<Child>,
    pub(crate) help: bool,
}

impl Options {
    /// Reads the arguments after the program's name.
    ///
    /// # Errors
    /// A message for the user.
    pub(crate) fn parse(
        arguments: impl IntoIterator<Item = String>,
    ) -> std::result::Result<Self, String> {
        let mut options = Self {
            engines: Engine::ALL.to_vec(),
            records: 100_000,
            rounds: 21,
            rows: Vec::new(),
            directory: default_directory(),
            memory: true,
            html: None,
            profile: None,
            contender: "static".to_owned(),
            child: None,
            help: false,
        };
        let mut arguments = arguments.into_iter();
        while let Some(name) = arguments.next() {
            let mut value = || {
                arguments
                    .next()
                    .ok_or_else(|| format!("{name} needs a value"))
            };
            match name.as_str() {
                "--engines" => {
                    options.engines = value()?
                        .split(',')
                        .map(known_engine)
                        .collect::<Result<_, _>>()?;
                }
                "--records" => options.records = number(&name, &value()?)?,
                "--rounds" => options.rounds = number(&name, &value()?)?,
                "--rows" => {
                    options.rows = value()?
                        .split(',')
                        .map(known_row)
                        .collect::<Result<_, _>>()?;
                }
                "--directory" => options.directory = value()?.into(),
                "--no-memory" => options.memory = false,
                "--html" => options.html = Some(value()?.into()),
                "--profile" => options.profile = Some(known_row(&value()?)?),
                "--contender" => options.contender = value()?,
                "--child" => {
                    let task = value()?;
                    options.child = Some(Child {
                        task: Task::parse(&task).ok_or(format!("there is no task {task}"))?,
                        path: value()?.into(),
                    });
                }
                "--help" | "-h" => options.help = true,
                _ => {
                    return Err(format!(
                        "unknown option {name}; --help lists the known ones"
                    ));
                }
            }
        }
        Ok(options)
    }
}

pub(crate) fn usage() -> String {
    let rows: Vec<&str> = ROWS.iter().map(|row| row.name).collect();
    let engines = Engine::ALL.map(Engine::name);
    format!(
        "\
Usage: cargo xtask bench [OPTIONS]

Prints one Markdown table for each engine: the times of hand-written code, of the driver linked in and of the driver
loaded at run time, per operation, and their ratios. Each contender takes its turn in each round; medians are shown.

Options:
  --engines NAMES   Only these engines, separated by commas: {}
  --rows NAMES      Only these rows, separated by commas: {}
  --records N       Number of records (default 100000)
  --rounds N        Measurements per row (default 21)
  --directory DIR   Where the databases are written (default: memory-backed where there is such a directory)
  --no-memory       Leave out the memory that a scan of a million records takes on redb, and a large transaction on sled
  --html FILE       Write a page with a plot of every round as well
  --profile ROW     Run one row of one engine alone, as often as --rounds says, for a profiler
  --contender NAME  Whose row it is: hand, static or dynamic (default static)
",
        engines.join(", "),
        rows.join(", ")
    )
}

/// Times should be those of the code, not of the disk.
fn default_directory() -> PathBuf {
    let memory = PathBuf::from("/dev/shm");
    if memory.is_dir() {
        memory
    } else {
        std::env::temp_dir()
    }
}

fn number(name: &str, text: &str) -> Result<usize, String> {
    match text.replace('_', "").parse() {
        Ok(0) | Err(_) => Err(format!("{name} needs a whole number above 0, not {text:?}")),
        Ok(number) => Ok(number),
    }
}

fn known_row(name: &str) -> Result<String, String> {
    if ROWS.iter().any(|row| row.name == name) {
        Ok(name.to_owned())
    } else {
        Err(format!("there is no row {name}; --help lists them"))
    }
}

fn known_engine(name: &str) -> Result<Engine, String> {
    Engine::ALL
        .into_iter()
        .find(|engine| engine.name() == name)
        .ok_or_else(|| format!("there is no engine {name}; --help lists them"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Options, String> {
        Options::parse(arguments.iter().map(|&argument| argument.to_owned()))
    }

    #[test]
    fn options_are_read() {
        let options = parse(&[
            "--rows",
            "get,put-many",
            "--records",
            "1_000",
            "--no-memory",
        ]);
        let options = options.expect("these are options");
        assert_eq!(options.rows, ["get", "put-many"]);
        assert_eq!((options.records, options.memory), (1_000, false));
        assert_eq!(options.engines, Engine::ALL);
        let options = parse(&["--engines", "sled"]).expect("this is an engine");
        assert_eq!(options.engines, [Engine::Sled]);
    }

    #[test]
    fn mistakes_are_named() {
        for (arguments, text) in [
            (&["--record", "1"][..], "--record"),
            (&["--records"], "--records"),
            (&["--records", "0"], "\"0\""),
            (&["--rows", "gets"], "gets"),
            (&["--engines", "leveldb"], "leveldb"),
        ] {
            let error = parse(arguments).expect_err("this is no option");
            assert!(error.contains(text), "{error}");
        }
    }
}
