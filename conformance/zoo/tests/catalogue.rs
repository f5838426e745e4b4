//! The whole catalogue over two good drivers behind the ABI, loaded from dynamic libraries: one in Rust and one in C.

use std::error::Error;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::{env, fs};

use conformance::harness::Suite;
use netabase_core::loader::{self, SearchPath};

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let cage = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let search = SearchPath::none()
        .with_directory(cage.path())
        .without_trust_checks();
    let library = env::current_exe()?.with_file_name(file_name("conformance_zoo"));
    fs::hard_link(
        library,
        cage.path().join(file_name("netabase_driver_zoo_good")),
    )?;
    compile(&cage.path().join(file_name("netabase_driver_zoo_c")))?;
    let mut suite = Suite::new();
    for (linkage, name) in [("dynamic", "zoo-good"), ("c", "zoo-c")] {
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

fn compile(library: &Path) -> Result<(), Box<dyn Error>> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = Command::new("cc")
        .args(["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror"])
        .args(["-O1", "-g", "-shared", "-fPIC", "-pthread", "-I"])
        .arg(package.join("../../include"))
        .arg(package.join("tests/c/memory.c"))
        .arg("-o")
        .arg(library)
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    Ok(())
}
