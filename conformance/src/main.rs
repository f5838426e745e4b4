//! The conformance suite over a driver that is there as a dynamic library: `conformance --driver ./libnetabase_driver_x.so`.

#![forbid(unsafe_code)]

use std::process::ExitCode;

#[cfg(not(target_arch = "wasm32"))]
fn main() -> ExitCode {
    conformance::runner::main()
}

#[cfg(target_arch = "wasm32")]
fn main() -> ExitCode {
    ExitCode::FAILURE
}
