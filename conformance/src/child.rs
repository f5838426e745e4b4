//! What a process that was started for one case knows of it, and leaves behind.

use std::env;
use std::ffi::OsString;
use std::fs::File;
use std::path::Path;

/// The environment variable that makes an executable of the suite run one case and end.
pub(crate) const CASE: &str = "NETABASE_CONFORMANCE_CASE";
/// The environment variable with the folder for what the case comes to.
pub(crate) const FOLDER: &str = "NETABASE_CONFORMANCE_CASE_FOLDER";

/// In that folder: the sequence of operations that is running.
pub(crate) const SEQUENCE: &str = "sequence";
/// In that folder: what the case found out, for the process that asked.
pub(crate) const FINDINGS: &str = "findings";

/// The case that this process was started for.
pub(crate) fn requested() -> Option<String> {
    env::var(CASE).ok()
}

/// A new file for the operations of a sequence, in a process that was started for a case.
pub(crate) fn sequence_file() -> Option<File> {
    File::create(Path::new(&env::var_os(FOLDER)?).join(SEQUENCE)).ok()
}

/// Leaves what was found out for the process that waits for this one.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn leave(findings: &[u8]) -> std::io::Result<()> {
    match env::var_os(FOLDER) {
        Some(folder) => std::fs::write(Path::new(&folder).join(FINDINGS), findings),
        None => Ok(()),
    }
}

/// The arguments that this process was started with.
pub(crate) fn own_arguments() -> impl Iterator<Item = OsString> {
    env::args_os().skip(1)
}
