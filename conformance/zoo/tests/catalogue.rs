//! The whole catalogue over two good drivers behind the ABI, loaded from dynamic libraries: one in Rust, and the example in C.

use std::error::Error;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::{env, fs};

use conformance::harness::Suite;
use netabase_core::loader::{self, SearchPath};

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let cage = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let search = SearchPath::default()
        .with_directory(cage.path())
        .without_environment()
        .without_executable();
    let library = env::current_exe()?.with_file_name(file_name("conformance_zoo"));
    fs::hard_link(
        library,
        cage.path().join(file_name("netabase_driver_zoo_good")),
    )?;
    compile(&cage.path().join(file_name("netabase_driver_memory_c")))?;
    let mut suite = Suite::new();
    for (linkage, name) in [("dynamic", "zoo-good"), ("c", "memory-c")] {
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

/// Compiles `examples/driver-c` as its `Makefile` does; `CFLAGS` may add a sanitizer.
fn compile(library: &Path) -> Result<(), Box<dyn Error>> {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/driver-c");
    let output = Command::new("cc")
        .args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-pedantic"])
        .args(["-fvisibility=hidden", "-shared", "-fPIC", "-pthread"])
        .args(
            env::var("CFLAGS")
                .iter()
                .flat_map(|flags| flags.split_whitespace()),
        )
        .args(["-I../../include", "src/driver.c", "src/tree.c", "-o"])
        .arg(library)
        .current_dir(example)
        // A sanitizer is loaded before the drivers, not before the compiler.
        .env_remove("LD_PRELOAD")
        .output()
        .map_err(|error| format!("`cc`, the C compiler, cannot be run: {error}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    Ok(())
}
