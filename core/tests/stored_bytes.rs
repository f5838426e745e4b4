//! What values are stored as, in bytes that stand in the source.

#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its own functions as well"
)]

#[path = "golden/values.rs"]
mod values;

#[test]
fn integers_are_stored_as_ever() {
    values::integers();
}

#[test]
fn plain_values_are_stored_as_ever() {
    values::plain();
}

#[test]
fn containers_are_stored_as_ever() {
    values::containers();
}
