//! The catalogue over every driver, linked statically.

mod drivers;

use std::process::ExitCode;

use conformance::harness::Suite;
use netabase_core::driver::Driver;

struct Static(Suite);

impl drivers::Visitor for Static {
    fn visit_built_in<D: Driver>(&mut self, driver: D) {
        self.visit(driver);
    }

    fn visit<D: Driver>(&mut self, driver: D) {
        self.0.add("static", driver);
    }
}

fn main() -> ExitCode {
    let mut suite = Static(Suite::new());
    drivers::each(&mut suite);
    suite.0.run()
}
