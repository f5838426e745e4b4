//! The catalogue over every driver, linked statically.

mod drivers;

use std::process::ExitCode;

use conformance::harness::Suite;
use netabase_core::driver::{AnyDriver, Driver};

struct Static(Suite);

impl drivers::Visitor for Static {
    fn visit_built_in<D: Driver + Clone>(&mut self, driver: D) {
        self.visit(driver.clone());
        // Erasing a driver's type must not change what it does; one driver is enough to show that.
        self.0.add("erased", AnyDriver::new(driver));
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
