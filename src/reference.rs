//! The names that the reference architecture gives, where this crate has others of its own beside them.
//!
//! They are at the root of the crate as well, under the paths of the reference.

pub mod traits;
pub mod utils;

pub use netabase_core::codec::ivec::{FromIVec, IVec, ToIVec};
pub use strum::{IntoDiscriminant, IntoEnumIterator};
