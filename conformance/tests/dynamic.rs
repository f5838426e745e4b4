//! The catalogue over every driver, loaded by name from its dynamic library.
//!
//! The libraries are those that Cargo has built together with this executable, and lie beside it.

mod drivers;

use std::process::ExitCode;

use conformance::harness::Suite;
use netabase_core::driver::Driver;
use netabase_core::loader::{self, SearchPath};

struct Dynamic(Suite);

impl drivers::Visitor for Dynamic {
    fn visit_built_in<D: Driver + Clone>(&mut self, driver: D) {
        self.0.add_ignored(
            "dynamic",
            &driver.manifest().name,
            "the driver is part of core and has no library",
        );
    }

    fn visit<D: Driver>(&mut self, driver: D) {
        self.0.add_loaded(&driver);
    }
}

/// What is installed on this machine is not what is to be tested.
fn beside() -> SearchPath {
    SearchPath::default()
        .without_environment()
        .without_user_data()
        .without_system()
}

/// A driver that was built against version 1.0 of the ABI and never changes.
fn add_frozen(suite: &mut Suite) {
    const NAME: &str = "frozen-1-0";
    match loader::load(NAME, &beside()) {
        Ok(loaded) if loaded.abi_version() != (1, 0) || !loaded.layout_checked() => suite
            .add_missing(
                "dynamic",
                NAME,
                format!("it is not the driver that was frozen: {loaded:?}"),
            ),
        Ok(loaded) => suite.add("dynamic", loaded),
        Err(error) => suite.add_missing("dynamic", NAME, format!("{error:?}")),
    }
}

fn main() -> ExitCode {
    let mut suite = Dynamic(Suite::new());
    drivers::each(&mut suite);
    add_frozen(&mut suite.0);
    suite.0.run()
}
