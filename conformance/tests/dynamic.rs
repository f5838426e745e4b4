//! The catalogue over every driver, loaded by name from its dynamic library.
//!
//! The libraries are those that Cargo has built together with this executable, and lie beside it.

mod drivers;

use std::process::ExitCode;

use conformance::harness::Suite;
use netabase_core::driver::Driver;

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

fn main() -> ExitCode {
    let mut suite = Dynamic(Suite::new());
    drivers::each(&mut suite);
    suite.0.run()
}
