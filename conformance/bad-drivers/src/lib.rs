//! Drivers that break the ABI in every way that a host has to survive, which `dylib` puts into one dynamic library.
//!
//! Each has a symbol of its own. A test copies the library to the file name of the driver that it wants, and loads it.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "these drivers are there to misbehave"
)]
#![allow(
    non_upper_case_globals,
    reason = "the names of the symbols are part of the driver ABI"
)]

mod entries;
mod faulty;
mod liar;
#[cfg(target_os = "linux")]
mod lifetime;
mod panicking;
mod tampered;
