//! What values are stored as in a browser: the bytes that they are stored as elsewhere.
#![cfg(target_arch = "wasm32")]
#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

#[path = "../../core/tests/golden/values.rs"]
mod values;

use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

#[wasm_bindgen_test]
fn integers_are_stored_as_ever() {
    values::integers();
}

#[wasm_bindgen_test]
fn plain_values_are_stored_as_ever() {
    values::plain();
}

#[wasm_bindgen_test]
fn containers_are_stored_as_ever() {
    values::containers();
}
