//! The driver ABI, version 1: the contract of [`driver`](crate::driver) through one data symbol and a table of C
//! functions.
//!
//! `docs/abi.md` is its definition, `include/netabase_driver.h` the same for C. A driver written in Rust takes part by one
//! line, [`export_driver!`](crate::export_driver); the [loader](crate::loader) makes a [`DynamicDriver`] of what it finds,
//! which is a [`Driver`](crate::driver::Driver) like any other.

#[macro_use]
pub mod layout;
pub mod export;
mod import;
mod status;
mod verify;

pub use import::{DynamicCursor, DynamicDatabase, DynamicDriver, DynamicReader, DynamicWriter};
