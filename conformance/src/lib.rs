//! The conformance suite: one catalogue of cases that holds every driver to the same behaviour.
//!
//! A driver takes part with one line, [`suite!`], in a test target of its package. A driver that is there as a dynamic
//! library is tested by the binary of this package, the [`runner`]. The drivers of this repository take part by one line
//! each in `tests/drivers/mod.rs`, which runs the [catalogue](catalog) over the driver linked statically and over the same
//! driver loaded as a dynamic library. What a driver does not declare is shown to be refused, or the case is reported as
//! ignored with the reason; nothing passes silently.
//!
//! `docs/writing-a-driver.md` shows how a driver is written and how a report is read.
//!
//! # Environment
//! Each variable but the last takes a number, and where it counts what is tried, one above 0:
//! - `NETABASE_CONFORMANCE_CRASH_ROUNDS`: how often the case of random kills kills a process, and the one of long
//!   transactions, which does so a quarter as often; 25.
//! - `NETABASE_CONFORMANCE_DAMAGE_ROUNDS`: how often the case of flipped bits damages a database; 250.
//! - `NETABASE_CONFORMANCE_HISTORY_TRANSACTIONS`: how many transactions each of the 8 threads of a history runs; 2,000.
//! - `PROPTEST_CASES`: how many random sequences each case of sequences runs; 16 to 96, by the case.
//! - `NETABASE_CONFORMANCE_SEED`: what random choices follow from; another one each time. A failure says which it was.
//! - `NETABASE_CONFORMANCE_TIME_LIMIT`: how long a case may take, in seconds; 180.
//! - `NETABASE_CONFORMANCE_ISOLATE`: 1 runs each case of a test executable in a process of its own, as the runner does, so
//!   that a driver which ends the process fails that case only; 0.
//! - `NETABASE_CONFORMANCE_CASE`: a case, by its whole name, such as `redb/static/order/bytes_compare_unsigned`. An
//!   executable of the suite runs it in its own process, for a debugger, prints the verdict and ends.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a case fails by panicking"
)]

mod case;
pub mod cases;
pub mod catalog;
mod child;
pub mod fixture;
pub mod harness;
mod isolation;
pub mod model;
mod process;
#[cfg(not(target_arch = "wasm32"))]
pub mod runner;
mod scenarios;
mod sequence;
pub mod serializability;
mod settings;
mod system;
mod verdict;

/// Runs the code in the guide for authors of drivers.
#[cfg(doctest)]
#[doc = include_str!("../../docs/writing-a-driver.md")]
mod guide {}
