//! What the user can write on the command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

const AFTER: &str = "\
A URL is `driver:path?option=value`, such as `redb:./my.redb` or `sled:./folder?cache_size_mb=64`.

Exit status: 0 all is well, 1 a check found something, 2 wrong usage or nothing there, 3 the work could not be done.";

/// Looks into databases of netabase_store, copies, dumps, verifies and compacts them.
#[derive(Debug, Parser)]
#[command(name = "netabase", version, after_help = AFTER)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the drivers that are linked in or found, and what was refused
    Drivers(Drivers),
    /// Run the conformance suite over a driver
    Check(Check),
    /// Show models, trees, counts and sizes of a database
    Inspect(OneDatabase),
    /// Show the entry of one key, or those of one secondary key
    Get(Get),
    /// Show the entries of a tree
    Scan(Scan),
    /// Copy a database to another one, of any driver
    Copy(Transfer),
    /// Write a database to a file
    Dump(Dump),
    /// Fill a database from a file that `dump` wrote
    Load(Load),
    /// Compare the indexes of a database with its records
    Verify(OneDatabase),
    /// Copy the good records of a damaged database, and list the lost
    Salvage(Transfer),
    /// Make a database smaller
    Compact(OneDatabase),
}

#[derive(Debug, Args)]
pub(crate) struct Drivers {
    /// Write JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// The name of a driver that is loaded, or the path of its library
    pub(crate) driver: String,
    /// Write JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Arguments for the suite's runner, such as `--filter cursor`
    #[arg(last = true)]
    pub(crate) runner: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct OneDatabase {
    /// The URL of the database
    pub(crate) url: String,
    /// Write JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Get {
    /// The URL of the database
    pub(crate) url: String,
    /// A model, `Model`, or an index of it, `Model.field`
    pub(crate) tree: String,
    /// The key; of several fields, with commas between them
    #[arg(allow_hyphen_values = true)]
    pub(crate) key: String,
    /// Write a line of JSON for each entry
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Scan {
    /// The URL of the database
    pub(crate) url: String,
    /// A model, `Model`, or an index of it, `Model.field`
    pub(crate) tree: String,
    /// Only keys from this one on
    #[arg(long, value_name = "KEY", allow_hyphen_values = true)]
    pub(crate) from: Option<String>,
    /// Only keys below this one
    #[arg(long, value_name = "KEY", allow_hyphen_values = true)]
    pub(crate) to: Option<String>,
    /// Only keys that begin so: a string's first characters, or the first fields of a key of several
    #[arg(long, value_name = "BEGINNING", conflicts_with_all = ["from", "to"], allow_hyphen_values = true)]
    pub(crate) prefix: Option<String>,
    /// At most so many entries
    #[arg(long)]
    pub(crate) limit: Option<u64>,
    /// From the largest key down
    #[arg(long)]
    pub(crate) reverse: bool,
    /// Write a line of JSON for each entry
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Transfer {
    /// The URL of the database to copy
    pub(crate) source: String,
    /// The URL of the database to fill
    pub(crate) target: String,
    /// Remove all that the target holds
    #[arg(long)]
    pub(crate) overwrite: bool,
    /// Write JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Dump {
    /// The URL of the database to read
    pub(crate) url: String,
    /// The file to write, `-` for the standard output
    pub(crate) file: PathBuf,
    /// Replace the file if it is there
    #[arg(long)]
    pub(crate) overwrite: bool,
    /// Write what was dumped as JSON; to the standard error if the standard output holds the dump
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Load {
    /// The file to read, `-` for the standard input
    pub(crate) file: PathBuf,
    /// The URL of the database to fill
    pub(crate) url: String,
    /// Remove all that the database holds
    #[arg(long)]
    pub(crate) overwrite: bool,
    /// Write JSON
    #[arg(long)]
    pub(crate) json: bool,
}
