//! The whole catalogue over a good driver behind the ABI, loaded from a dynamic library.

use std::error::Error;
use std::process::ExitCode;
use std::{env, fs};

use conformance::harness::Suite;
use netabase_core::loader::{self, SearchPath};

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let file_name = |stem: &str| {
        format!(
            "{}{stem}{}",
            env::consts::DLL_PREFIX,
            env::consts::DLL_SUFFIX
        )
    };
    let mut suite = Suite::new();
    let cage = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let library = env::current_exe()?.with_file_name(file_name("conformance_zoo"));
    fs::hard_link(
        library,
        cage.path().join(file_name("netabase_driver_zoo_good")),
    )?;
    let search = SearchPath::default()
        .with_directory(cage.path())
        .without_environment()
        .without_executable();
    match loader::load("zoo-good", &search) {
        Ok(driver) => suite.add("dynamic", driver),
        Err(error) => suite.add_missing("dynamic", "zoo-good", format!("{error:?}")),
    }
    Ok(suite.run())
}
