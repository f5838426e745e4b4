//! The command line.

use std::path::PathBuf;

pub(crate) const USAGE: &str = "\
Stores real places, asks questions about them, and shows a rollback.

Usage: cargo run --release --features dynamic --example cities -- [OPTIONS]

Options:
  --input FILE             The places, as CSV (default: those of the repository, 15,000 people or more)
  --driver redb|memory     Run on a driver that is linked in
  --load NAME              Run on a driver that is loaded by name from a dynamic library
  --path FILE              Keep the database in FILE (default: a temporary folder, removed at the end)
  --help                   Show this text

With both --driver and --load, or with neither (which means `--driver redb --load redb`), it runs on both and compares.
The exit code is 2 if an option or the input is wrong, 1 if anything else failed.
";

/// A driver that is linked in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Linked {
    Redb,
    Memory,
}

/// What was asked for.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) input: PathBuf,
    pub(crate) linked: Option<Linked>,
    pub(crate) loaded: Option<String>,
    pub(crate) path: Option<PathBuf>,
    pub(crate) help: bool,
}

impl Options {
    /// Reads the arguments after the program's name; an error is a message for the user.
    pub(crate) fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let mut options = Self {
            input: concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/cities.csv").into(),
            linked: None,
            loaded: None,
            path: None,
            help: false,
        };
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            let (name, mut inline) = match argument.split_once('=') {
                Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
                None => (argument, None),
            };
            let mut value = || {
                let value = inline.take().or_else(|| arguments.next());
                value.ok_or_else(|| format!("{name} needs a value"))
            };
            match name.as_str() {
                "--input" => options.input = value()?.into(),
                "--driver" => {
                    options.linked = Some(match value()?.as_str() {
                        "redb" => Linked::Redb,
                        "memory" => Linked::Memory,
                        other => {
                            return Err(format!("--driver takes redb or memory, not {other:?}"));
                        }
                    });
                }
                "--load" => options.loaded = Some(value()?),
                "--path" => options.path = Some(value()?.into()),
                "--help" | "-h" => options.help = true,
                _ => {
                    return Err(format!(
                        "unknown option {name}; --help lists the known ones"
                    ));
                }
            }
            if inline.is_some() {
                return Err(format!("{name} takes no value"));
            }
        }
        if options.linked.is_none() && options.loaded.is_none() {
            options.linked = Some(Linked::Redb);
            options.loaded = Some("redb".to_owned());
        }
        Ok(options)
    }
}
