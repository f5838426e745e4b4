//! What drivers have in common: parts to build one from, so that a driver holds only what is its engine's own.
//!
//! | module | gives |
//! |---|---|
//! | [`bounds`] | the bounds of a cursor, kept for as long as it lives |
//! | [`commands`] | common commands that are made of reads: an integrity check |
//! | [`folder`] | the folder of an engine: looked at, claimed and locked |
//! | [`io_error`] | what errors of the operating system mean for a database |
//! | [`lock`] | files that are locked, and given back without delay |
//! | [`options`] | the fields and options of an [`OpenConfig`](super::OpenConfig): taken, or refused by name |
//! | [`panics`] | engines that panic on damaged files |
//! | [`path`] | what there is at the path of a database |
//! | [`forward_read!`](crate::forward_read) | reading, for transactions that hold what they read from |
//! | [`trees`] | the trees that a transaction has resolved |
//! | [`turn`] | a second writer refused, where a driver is used without core |
//!
//! Nothing here names an engine, and nothing is dispatched dynamically: a driver pays for what it uses.

pub mod bounds;
pub mod commands;
pub mod folder;
mod forward_read;
pub mod io_error;
pub mod lock;
pub mod options;
pub mod panics;
pub mod path;
pub mod trees;
pub mod turn;
