//! Compiles the example driver in C.

use std::env;
use std::error::Error;
use std::path::Path;
use std::process::Command;

/// Compiles `examples/driver-c` as strictly as its `Makefile` does, with what `sources` and `flags` add, to `output`.
///
/// The variable `CFLAGS` may hold further flags.
pub(crate) fn compile(
    sources: &[&str],
    flags: &[&str],
    output: &Path,
) -> Result<(), Box<dyn Error>> {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/driver-c");
    let further = env::var("CFLAGS").unwrap_or_default();
    let compiled = Command::new("cc")
        .args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-pedantic"])
        .args(["-fvisibility=hidden", "-fPIC", "-pthread"])
        .args(flags)
        .args(further.split_whitespace())
        .args(["-I../../include", "src/driver.c", "src/tree.c"])
        .args(sources)
        .arg("-o")
        .arg(output)
        .current_dir(example)
        // A sanitizer is loaded before the drivers, not before the compiler.
        .env_remove("LD_PRELOAD")
        .output()
        .map_err(|error| format!("`cc`, the C compiler, cannot be run: {error}"))?;
    if !compiled.status.success() {
        return Err(String::from_utf8_lossy(&compiled.stderr).into());
    }
    Ok(())
}
