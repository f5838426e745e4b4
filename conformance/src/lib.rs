//! The conformance suite: one catalogue of cases that holds every driver to the same behaviour.
//!
//! A driver takes part with one line in `tests/drivers/mod.rs`; that line runs the [catalogue](catalog) over the driver
//! linked statically and over the same driver loaded as a dynamic library. What a driver does not declare is shown
//! to be refused, or the case is reported as ignored with the reason; nothing passes silently.

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
pub mod model;
