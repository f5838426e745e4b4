//! `cargo xtask`: what people run often in this repository.
#![forbid(unsafe_code)]

mod bench;
mod browser;
mod cities;
mod compilers;
mod new_driver;
mod report;
mod step;
mod test;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

const USAGE: &str = "\
Usage: cargo xtask <COMMAND>

Commands:
  test              Run every test that this machine can run; the last line counts them
                    (`--no-browser` leaves out those that run in a browser)
  bench [OPTIONS]   Compare hand-written code, the static and the dynamic driver: one Markdown table an engine
                    (`cargo xtask bench --help` lists its options)
  new-driver NAME   Make the package of a new driver (`cargo xtask new-driver --help` says where)
  help              Show this text

The exit code is 0 if all went well, 1 if something failed, 2 if the command line is wrong.
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let root = repository();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["test"] => test::run(&root, false),
        ["test", "--no-browser"] => test::run(&root, true),
        ["bench", ref options @ ..] => bench::run(&root, options),
        ["new-driver", ref options @ ..] => new_driver::run(&root, options),
        ["help" | "--help" | "-h"] => {
            print!("{USAGE}");
            ExitCode::SUCCESS
        }
        _ => {
            eprint!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

/// The repository's root folder: the one above this package.
fn repository() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package).to_owned()
}
