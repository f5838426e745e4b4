//! The whole conformance suite over the driver, linked in and loaded by name.

use std::process::ExitCode;

use conformance::harness::Suite;
use netabase_core::driver::Driver;
use netabase_core::loader::{self, SearchPath};
use netabase_driver_lmdb::Lmdb;

fn main() -> ExitCode {
    let mut suite = Suite::new();
    suite.add("static", Lmdb);
    let name = &Lmdb.manifest().name;
    // Cargo puts the library beside the test; what is installed on this machine is not what is to be tested.
    match loader::load(name, &SearchPath::default().without_environment()) {
        Ok(loaded) => suite.add("dynamic", loaded),
        Err(error) => suite.add_missing("dynamic", name, format!("{error:?}")),
    }
    suite.run()
}
