//! Shows what the loader finds for a program that starts where this one does, with its environment.
//!
//! Without arguments it lists every place with its candidates; with a name it loads that driver. `--trusting` as the
//! first argument switches the trust checks off.

use std::env;
use std::process::ExitCode;

use netabase_core::driver::Driver as _;
use netabase_core::loader::{self, PlaceState, SearchPath};

fn main() -> ExitCode {
    let mut arguments = env::args().skip(1).peekable();
    let mut search = SearchPath::default();
    if arguments.next_if_eq("--trusting").is_some() {
        search = search.without_trust_checks();
    }
    if let Some(name) = arguments.next() {
        return match loader::load(&name, &search) {
            Ok(driver) => {
                println!(
                    "loaded {} {}",
                    driver.manifest().name,
                    driver.manifest().version
                );
                ExitCode::SUCCESS
            }
            Err(error) => {
                println!("{error}");
                ExitCode::FAILURE
            }
        };
    }
    for place in loader::list(&search) {
        let state = match place.state {
            PlaceState::Searched => "searched".to_owned(),
            PlaceState::Missing => "missing".to_owned(),
            PlaceState::Refused(error) => format!("refused: {}", error.message()),
            _ => "in a state that is not known here".to_owned(),
        };
        println!("{}: {}: {state}", place.level, place.directory.display());
        for candidate in place.candidates {
            let outcome = match candidate.driver {
                Ok(driver) => format!("loads, ABI {:?}", driver.abi_version()),
                Err(error) => format!("refused: {}", error.message()),
            };
            println!("  {}: {outcome}", candidate.path.display());
        }
    }
    ExitCode::SUCCESS
}
