//! A test executable of the suite whose driver's library ends every process that loads it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX, EXE_SUFFIX};
use std::process::{Command, ExitCode};
use std::{env, fs};

use conformance::harness::Suite;
use libtest_mimic::{Arguments, Trial};
use netabase_core::memory::Memory;

/// Makes this executable the suite over the driver `memory`, statically and by name.
const SUITE: &str = "LOADING_SUITE";

fn main() -> ExitCode {
    if env::var_os(SUITE).is_some() {
        let mut suite = Suite::new();
        suite.add_loaded(&Memory);
        suite.add("static", Memory);
        return suite.run();
    }
    let trial = Trial::test(
        "a_library_that_ends_its_process_fails_no_static_case",
        || {
            a_library_that_ends_its_process_fails_no_static_case();
            Ok(())
        },
    );
    let trials = if cfg!(target_os = "linux") {
        vec![trial]
    } else {
        Vec::new()
    };
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn a_library_that_ends_its_process_fails_no_static_case() {
    let here = env::current_exe().unwrap();
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let executable = folder.path().join(format!("suite{EXE_SUFFIX}"));
    fs::hard_link(&here, &executable).unwrap();
    let library = format!("{DLL_PREFIX}netabase_driver_memory{DLL_SUFFIX}");
    let bad_drivers =
        here.with_file_name(format!("{DLL_PREFIX}conformance_bad_drivers{DLL_SUFFIX}"));
    fs::hard_link(bad_drivers, folder.path().join(library)).unwrap();
    let run = |law: &str| {
        let output = Command::new(&executable)
            .arg(law)
            .env(SUITE, "1")
            .env("NETABASE_ZOO", "abort-at-load")
            .env("NETABASE_CONFORMANCE_ISOLATE", "1")
            .output()
            .unwrap();
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stdout).into_owned(),
        )
    };
    let (code, report) = run("dynamic/load");
    assert_eq!(code, Some(1), "{report}");
    assert!(report.contains("SIGABRT"), "{report}");
    let (code, report) = run("static/order/bytes_compare_unsigned");
    assert_eq!(code, Some(0), "{report}");
    assert!(report.contains("1 passed"), "{report}");
}
