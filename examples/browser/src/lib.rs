//! A page that keeps places in the browser.
//!
//! What a person sees lives in IndexedDB, as the models of [`atlas`]. What needs no browser is tested without one.

#![allow(
    missing_docs,
    reason = "no other package uses this one; its modules are public so that they are no dead code where no browser is"
)]

pub mod atlas;
pub mod html;
pub mod input;
pub mod message;
pub mod sample;

#[cfg(all(target_family = "wasm", feature = "bench"))]
mod bench;
#[cfg(all(target_family = "wasm", not(feature = "bench")))]
mod page;
#[cfg(all(target_family = "wasm", not(feature = "bench")))]
mod store;
