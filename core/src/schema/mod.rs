//! The schema record: what a database says of itself and of the models that it holds, and the check against the models
//! that open it.
//!
//! It is one entry, [`SCHEMA_KEY`] in the tree [`SCHEMA_TREE`], of lines of text:
//!
//! ```text
//! netabase 2
//! requires checksums
//! trees 3
//! model User tree 1 version 1
//! primary_key id u64
//! type enum Theme{Light,Dark(u8)}
//! field id u64
//! field email str
//! field theme @0
//! index email tree 2 str unique
//! checksum 8c5f31e2a9b04d76
//! ```
//!
//! - `netabase` is the version of the stored format.
//! - `requires` names what a program has to know to write; one that does not may only read.
//! - `trees` is how many tree numbers were ever given out. A tree's name, for the engine, is its number: renaming a model or
//!   an index touches no entry, and no number is used for another tree.
//! - The primary key is given by its fields and its encoding, `primary_key customer,number (str,i32)` where there are
//!   several.
//! - A field is given by its [shape](crate::codec::shape), with the structs and enums that it is made of.
//! - `checksum` is XXH3-64 of all bytes before its line.

mod plan;
mod record;
mod stored;

pub use plan::Migration;
pub(crate) use plan::{ModelTrees, Plan};
pub use record::{
    CHECKSUMS, FORMAT_VERSION, INCOMPLETE_KEY, IndexSchema, ModelSchema, SCHEMA_KEY, SCHEMA_TREE,
    Schema, tree_name,
};
pub(crate) use stored::shown_names;
pub use stored::{check_complete, check_writable, read};
