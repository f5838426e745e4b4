//! The traits that generic code is written against: one function over every backend.

pub mod backend_store;
pub mod batch;
pub mod definition;
pub mod model;
pub mod store_ops;
pub mod tree;
