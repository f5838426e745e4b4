//! `cargo xtask`: what people run often in this repository.
#![forbid(unsafe_code)]

mod bench;
mod browser;
mod cities;
mod compilers;
mod dependency;
mod fuzz;
mod instructions;
mod narrow;
mod new_driver;
mod page;
mod public_types;
mod report;
mod sanitize;
mod step;
mod target;
mod test;
mod webdriver;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

const USAGE: &str = "\
Usage: cargo xtask <COMMAND>

Commands:
  test              Run every test that this machine can run; the last line counts them. On Debian, installs what the
                    tests in a browser need and do not find; `--no-browser` leaves those out
  browser           Run the tests in a browser alone
  page [OPTION]     Build the page of examples/browser into target/page; `--serve` serves it, `--test` drives it in
                    headless Chromium, `--bench` compares the typed layer there with IndexedDB by hand
  bench [OPTIONS]   Compare hand-written code, the static and the dynamic driver: one Markdown table an engine
                    (`cargo xtask bench --help` lists its options)
  instructions      Count the instructions of typed operations under valgrind, on drivers linked in and loaded: one
                    Markdown table
  new-driver NAME   Make the package of a new driver (`cargo xtask new-driver --help` says where)
  fuzz [OPTIONS]    Run the fuzz targets, where cargo-fuzz is installed (`cargo xtask fuzz --help` lists its options)
  dependency        Run the tests of the library as others depend on it alone
  public-types      Check that every type in a public signature can be named
  sanitize          Run the conformance of every loaded driver under AddressSanitizer
  help              Show this text

The exit code is 0 if all went well, 1 if something failed, 2 if the command line is wrong.
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let root = repository();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["test"] => test::run(&root, true),
        ["test", "--no-browser"] => test::run(&root, false),
        ["browser"] => browser::run(&root),
        ["page", ref options @ ..] => page::run(&root, options),
        ["bench", ref options @ ..] => bench::run(&root, options),
        ["instructions"] => instructions::run(&root),
        ["new-driver", ref options @ ..] => new_driver::run(&root, options),
        ["fuzz", ref options @ ..] => fuzz::run(&root, options),
        ["dependency"] => dependency::run(&root),
        ["public-types"] => public_types::run(&root),
        ["sanitize"] => sanitize::run(&root),
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
