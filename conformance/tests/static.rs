//! The catalogue over every driver, linked statically.

mod drivers;

use std::path::PathBuf;
use std::process::ExitCode;

use conformance::harness::Suite;
use netabase_core::config::FileConfig;
use netabase_core::driver::asynchronous::{AsyncAsSync, Block, SyncAsAsync};
use netabase_core::driver::{AnyDriver, Driver, DriverError, ErrorKind, OpenConfig, Result};
use netabase_core::memory::AsyncMemory;

struct Static(Suite);

/// Waits for a future on its own thread.
struct Thread;

impl Block for Thread {
    fn block_on<F: Future>(&self, future: F) -> F::Output {
        pollster::block_on(future)
    }
}

/// What an asynchronous driver is told to open; it has no options.
fn config(config: &OpenConfig<'_>) -> Result<FileConfig> {
    if let [(name, _), ..] = config.options {
        return Err(DriverError::new(
            ErrorKind::InvalidInput,
            format!("there is no option `{name}`"),
        ));
    }
    Ok(FileConfig {
        path: match config.location.is_empty() {
            true => PathBuf::new(),
            false => config.location.as_path()?.to_owned(),
        },
        cache_size_mb: config.cache_bytes.map(|bytes| (bytes >> 20) as usize),
        create_if_missing: config.create_if_missing,
        truncate: config.truncate,
        read_only: config.read_only,
        use_fsync: true,
        busy_timeout: config.busy_timeout,
        checksums: Default::default(),
    })
}

impl drivers::Visitor for Static {
    fn visit_built_in<D: Driver + Clone>(&mut self, driver: D) {
        self.visit(driver.clone());
        // Erasing a driver's type must not change what it does; one driver is enough to show that.
        self.0.add("erased", AnyDriver::new(driver.clone()));
        // The asynchronous contract, and waiting for it, must not either.
        self.0.add(
            "asynchronous",
            AsyncAsSync::new(SyncAsAsync(driver), Thread, config),
        );
    }

    fn visit<D: Driver>(&mut self, driver: D) {
        self.0.add("static", driver);
    }
}

fn main() -> ExitCode {
    let mut suite = Static(Suite::new());
    drivers::each(&mut suite);
    // Many writers at a time, whose commits are checked against what was recorded of their reads.
    suite.0.add(
        "asynchronous",
        AsyncAsSync::new(AsyncMemory::optimistic(), Thread, config),
    );
    suite.0.run()
}
