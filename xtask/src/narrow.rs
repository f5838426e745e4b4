//! Core's tests on a machine of 32 bits: what is stored there is what is stored elsewhere, byte by byte.

use std::path::Path;

use crate::step::{Status, Step};
use crate::target;

/// Linux's programs of 32 bits, linked without a C library of the system's.
const TARGET: &str = "i686-unknown-linux-musl";
const TITLE: &str = "core on 32 bits";

/// Runs the tests where this machine executes such programs and the compiler makes them.
pub(crate) fn outcome(root: &Path) -> Status {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return Status::ignored(format!("{TITLE}: only on x86-64 under Linux"));
    }
    if !target::is_there(TARGET) && !target::add(TARGET) {
        return Status::ignored(format!("{TITLE}: the compiler has no {TARGET}"));
    }
    Step::cargo(
        root,
        TITLE,
        &["test", "--package", "netabase-core", "--target", TARGET],
    )
    .args(&["--lib", "--test", "stored_bytes", "--test", "store"])
    .env("CARGO_TARGET_I686_UNKNOWN_LINUX_MUSL_LINKER", "rust-lld")
    .env(
        "CARGO_TARGET_I686_UNKNOWN_LINUX_MUSL_RUSTFLAGS",
        "-C link-self-contained=yes",
    )
    .env("CARGO_PROFILE_DEV_DEBUG", "0")
    .run()
}
