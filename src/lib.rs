//! Typed storage whose engine is a plug-in.
#![forbid(unsafe_code)]

#[allow(
    unused_extern_crates,
    reason = "generated code inside this package names the crate as users do"
)]
extern crate self as netabase_store;

pub use netabase_macros::{NetabaseKey, NetabaseModel, netabase_definition_module};

/// The attribute `#[netabase(…)]` of the derive macros.
///
/// On a struct with `#[derive(NetabaseModel)]` it names the model's definition: `#[netabase(BlogDefinition)]`. On a
/// type with `#[derive(NetabaseKey)]` it may say where this crate is found: `#[netabase(crate = path)]`.
///
/// The derive macros bring the attribute with them. This module only explains it, so that `use netabase_store::netabase`
/// is allowed and harmless.
pub mod netabase {}

/// What generated code names. Not for use by hand; it may change with any release.
#[doc(hidden)]
pub mod __private {
    pub use netabase_core::__private::*;
    pub use strum;
}
