//! A page that keeps places in the browser.
//!
//! What a person sees lives in IndexedDB, as the models of [`atlas`]. What needs no browser is tested without one.

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
