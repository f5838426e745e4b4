//! Driver contract, key and value codecs and the typed layer of [`netabase_store`](https://docs.rs/netabase_store).
//!
//! Applications use `netabase_store`; drivers use this crate's [`driver`] module and nothing above it.

#![cfg_attr(not(feature = "dynamic"), forbid(unsafe_code))]
#![deny(unsafe_code)]

#[cfg(all(feature = "dynamic", not(target_arch = "wasm32")))]
#[allow(
    unsafe_code,
    reason = "a C ABI is pointers; each use is proved where it stands"
)]
pub mod abi;
pub mod codec;
pub mod config;
pub mod driver;
pub mod error;
mod generated;
mod index;
#[cfg(all(feature = "dynamic", not(target_arch = "wasm32")))]
#[allow(unsafe_code, reason = "loading a library is unsafe in itself")]
pub mod loader;
pub mod memory;
pub mod model;
pub mod schema;
pub mod store;

/// What generated code names. Not for use by hand; it may change with any release.
#[doc(hidden)]
pub mod __private {
    pub use bincode;
    pub use core;
    pub use std::option::Option::{self, None, Some};
    pub use std::result::Result::{self, Err, Ok};
    pub use std::string::String;
    pub use std::vec::Vec;

    pub use crate::codec::as_key::AsKey;
    pub use crate::codec::key::{EncodeKey, Key, KeyDecodeError, KeyShape};
    pub use crate::codec::netabase_value::NetabaseValue;
    #[cfg(feature = "serde")]
    pub use crate::codec::serde_value::encode as encode_with_serde;
    pub use crate::codec::shape::{AddressShape, FieldShapes, TypeBody, Types, ValueShape};
    pub use crate::error::NetabaseError;
    pub use crate::generated::{
        DecodeField, DescribeField, EncodeField, Field, KeyPart, OpaqueField, StoredField,
    };
    pub use crate::model::{
        AnySecondaryKey, FieldInfo, IndexInfo, ModelInfo, ModelKey, ModelVisitor,
        NetabaseDefinitionTrait, NetabaseModelTrait, Record, SecondaryKey,
    };
}

#[cfg(test)]
extern crate self as netabase_core;

/// The model of the integration tests.
#[cfg(test)]
#[allow(dead_code, reason = "integration tests share it")]
#[path = "../tests/user/mod.rs"]
mod user;
