//! The whole catalogue over good drivers behind the ABI, loaded from dynamic libraries: one in Rust, one of a later minor
//! version of the ABI, and the example in C.

mod c;

use std::error::Error;
use std::process::ExitCode;
use std::{env, fs};

use conformance::harness::Suite;
use netabase_core::loader::{self, SearchPath};

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let cage = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let search = SearchPath::none()
        .with_directory(cage.path())
        .without_trust_checks();
    let library = env::current_exe()?.with_file_name(file_name("conformance_bad_drivers"));
    for driver in ["good", "bad_newer_minor"] {
        fs::hard_link(
            &library,
            cage.path()
                .join(file_name(&format!("netabase_driver_{driver}"))),
        )?;
    }
    let library = cage.path().join(file_name("netabase_driver_memory_c"));
    c::compile(&[], &["-shared"], &library)?;
    let mut suite = Suite::new();
    for (linkage, name) in [
        ("dynamic", "good"),
        ("newer", "bad-newer-minor"),
        ("c", "memory-c"),
    ] {
        match loader::load(name, &search) {
            Ok(driver) => suite.add(linkage, driver),
            Err(error) => suite.add_missing(linkage, name, format!("{error:?}")),
        }
    }
    Ok(suite.run())
}

fn file_name(stem: &str) -> String {
    format!(
        "{}{stem}{}",
        env::consts::DLL_PREFIX,
        env::consts::DLL_SUFFIX
    )
}
