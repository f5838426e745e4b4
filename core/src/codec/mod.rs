//! How keys and values become bytes.
//!
//! Keys have an encoding that sorts ([`key`]); values are bincode ([`value`]). The two are never mixed: bincode's
//! variable-length integers do not sort, and the sorting encoding is not made to be small.

pub mod as_key;
pub mod checksum;
pub mod dynamic;
pub mod fields;
pub mod ivec;
pub mod key;
mod nested;
pub mod netabase_value;
#[cfg(feature = "serde")]
pub mod serde_value;
pub mod shape;
pub mod value;
