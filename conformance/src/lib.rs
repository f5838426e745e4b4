//! The conformance suite: one catalogue of cases that holds every driver to the same behaviour.
//!
//! A driver takes part with one line in `tests/drivers/mod.rs`; that line runs the [catalogue](catalog) over the driver
//! linked statically and over the same driver loaded as a dynamic library. What a driver does not declare is shown
//! to be refused, or the case is reported as ignored with the reason; nothing passes silently.
//!
//! # Environment
//! Each variable takes a number:
//! - `NETABASE_CONFORMANCE_CRASH_ROUNDS`: how often the case of random kills kills a process; 25.
//! - `NETABASE_CONFORMANCE_HISTORY_TRANSACTIONS`: how many transactions each of the 8 threads of a history runs; 2,000.
//! - `NETABASE_CONFORMANCE_SEED`: what random choices follow from; another one each time. A failure says which it was.
//! - `NETABASE_CONFORMANCE_TIME_LIMIT`: how long a case may take, in seconds; 180.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a case fails by panicking"
)]

pub mod cases;
pub mod catalog;
pub mod fixture;
pub mod harness;
mod isolation;
pub mod model;
pub mod runner;
mod sequence;
pub mod serializability;
mod settings;
mod system;
