//! Standard libraries for other targets than this machine's.

use std::env;
use std::path::Path;
use std::process::Command;

/// Whether the compiler that Cargo uses here can build for the target as it is.
pub(crate) fn is_there(target: &str) -> bool {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    Command::new(rustc)
        .args(["--print", "target-libdir", "--target", target])
        .output()
        .is_ok_and(|output| Path::new(String::from_utf8_lossy(&output.stdout).trim()).is_dir())
}

/// Has rustup add the target to the toolchain in use; whether it is there then.
pub(crate) fn add(target: &str) -> bool {
    println!("the compiler has no standard library for {target}: rustup target add {target}");
    let added = Command::new("rustup")
        .args(["target", "add", target])
        .status();
    added.is_ok_and(|status| status.success()) && is_there(target)
}
