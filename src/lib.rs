//! Typed storage whose engine is a plug-in: models are Rust structs with derive macros, kept with exact indexes on an
//! ordered key-value engine that is linked in or loaded by name.
//!
//! ```
//! # #[cfg(feature = "redb")] {
//! use netabase_store::prelude::*;
//!
//! #[netabase_definition_module(Library, LibraryKeys)]
//! mod library {
//!     use netabase_store::{NetabaseModel, netabase};
//!
//!     #[derive(NetabaseModel, Clone, Debug, PartialEq)]
//!     #[netabase(Library)]
//!     pub struct Book {
//!         #[primary_key]
//!         pub id: u64,
//!         pub title: String,
//!         #[secondary_key]
//!         pub author: String,
//!     }
//! }
//! use library::*;
//!
//! let store = NetabaseStore::<Library, _>::temp()?;
//! let books = store.open_tree::<Book>();
//! books.put(Book { id: 1, title: "Emma".into(), author: "Austen".into() })?;
//! assert_eq!(books.get(1)?.map(|book| book.title), Some("Emma".into()));
//! assert_eq!(books.get_by::<BookAuthorSecondaryKey>("Austen")?.len(), 1);
//! # }
//! # Ok::<(), netabase_store::NetabaseError>(())
//! ```
//!
//! # Which type when
//! | for | take |
//! |---|---|
//! | one database, wherever the engine is not of interest | [`NetabaseStore`], by its constructors |
//! | the same in a signature or a field | `NetabaseStore<Library, RedbStore<Library>>`, or the engine's store itself: [`MemoryStore`], `RedbStore`, `RedbStoreZeroCopy`, `SledStore`, all of them a [`Store`] |
//! | an engine that is chosen at run time | [`AnyStore`], from [`NetabaseStore::connect`]; `DynamicStore` for one that is loaded |
//! | an engine that cannot block | [`AsyncStore`]; in a browser `IndexedDBStore` |
//! | single calls | [`Tree`], from `open_tree`: each call is a transaction |
//! | several calls that belong together | [`TxnGuard`], from [`read`](store::TypedStore::read) and [`write`](store::TypedStore::write), and its [`TreeView`]s |
//! | writes that are gathered first | [`Batch`](store::Batch), from [`batch`](store::TypedStore::batch) |
//! | records that stay where the engine keeps them | [`get_with`](TreeView::get_with) and [`next_ref`](store::Iter::next_ref) on every engine, [`Pinned`](store::Pinned) on those that pin |
//! | code over any store | the [traits] |
//!
//! # Keys
//! The derive makes a type of each key: `BookPrimaryKey`, `BookAuthorSecondaryKey`. A look-up takes the key, its field, or
//! what the field is borrowed as, and a tuple where a key has several fields: see [`AsKey`](key::AsKey). Records come in the
//! order of their keys, which is that of the values: numbers by size, text by its bytes, tuples part by part. Fields of keys
//! are integers, `bool`, `char`, `String`, `Vec<u8>`, `Option`s, tuples and arrays of these, `Uuid`s and date-times (with the
//! features `uuid` and `chrono`), and types with `#[derive(NetabaseKey)]`.
//!
//! # Threads
//! A store is shared by threads as a reference or a clone; clones are handles of one database, and
//! [`close`](store::TypedStore::close) closes it for all of them. A read transaction sees one snapshot. Most engines run one
//! write transaction at a time, and others wait for it. A transaction and its views belong to one thread at a time.
//!
//! # Errors
//! Every call returns a [`NetabaseError`]; what to do about it is decided by its [`kind`](NetabaseError::kind). Run a
//! transaction again, from its beginning, where [`is_retryable`](ErrorKind::is_retryable) says so:
//! [`Conflict`](ErrorKind::Conflict), [`SnapshotLost`](ErrorKind::SnapshotLost), [`Locked`](ErrorKind::Locked). A commit that
//! ends with [`CommitUnknown`](ErrorKind::CommitUnknown) may have been kept: look before it is run again.
//!
//! # What may change in a model
//! Secondary keys may be added and removed: opening the database builds and drops their indexes. Models may be added to a
//! definition. Whatever changes the stored shape of a record (its fields, their types or their order, the primary key) is
//! refused with [`SchemaMismatch`](ErrorKind::SchemaMismatch), which names the place, and nothing is changed. That goes for
//! structs and enums within a record as well if they derive [`NetabaseValue`]; a change within a type that has only
//! `bincode`'s or serde's traits is not seen. Names of types, aliases, and wrappers such as `Box` do not matter.
//!
//! # Damage
//! Records have checksums: what is returned is what was written, or [`Corrupt`](ErrorKind::Corrupt) is. A database keeps the
//! level that it was created with, [`FileConfig::checksums`]. [`discard`](Tree::discard) gives up a damaged record; the program
//! `netabase` finds the others with `verify`, and saves the good ones with `salvage`.
//!
//! # Authors of drivers
//! start at [`driver`], the contract that an engine is put behind.

#![forbid(unsafe_code)]

#[allow(
    unused_extern_crates,
    reason = "generated code inside this package names the crate as users do"
)]
extern crate self as netabase_store;

#[cfg(all(
    target_arch = "wasm32",
    any(feature = "redb", feature = "redb-zerocopy", feature = "sled")
))]
compile_error!(
    "redb and sled need files, which wasm32 has none of; depend on netabase_store with \
     `default-features = false, features = [\"indexeddb\"]`"
);

pub mod config;
pub mod connect;
pub mod databases;
#[cfg(feature = "dump")]
pub mod dump;
mod engines;
pub mod prelude;
pub mod reference;
pub mod store;

pub use netabase_core::error;
pub use netabase_core::store::asynchronous;

pub use netabase_core::codec::netabase_value::NetabaseValue;
pub use netabase_macros::{NetabaseKey, NetabaseModel, NetabaseValue, netabase_definition_module};

#[cfg(all(feature = "indexeddb", target_arch = "wasm32"))]
pub use crate::config::IndexedDBConfig;
pub use netabase_core::config::FileConfig;
pub use netabase_core::driver::Durability;
pub use netabase_core::error::{ErrorKind, NetabaseError};
pub use netabase_core::model::{
    ModelKey, NetabaseDefinitionTrait, NetabaseModelTrait, SecondaryKey,
};
pub use netabase_core::store::{ReadOnly, ReadWrite, Tree, TreeView, TxnGuard};

pub use crate::connect::AnyStore;
#[cfg(all(feature = "dynamic", not(target_arch = "wasm32")))]
pub use crate::databases::DynamicStore;
pub use crate::databases::MemoryStore;
#[cfg(all(feature = "indexeddb", target_arch = "wasm32"))]
pub use crate::databases::indexeddb_store::IndexedDBStore;
#[cfg(feature = "redb")]
pub use crate::databases::redb_store::RedbStore;
#[cfg(feature = "redb-zerocopy")]
pub use crate::databases::redb_zerocopy::RedbStoreZeroCopy;
#[cfg(feature = "sled")]
pub use crate::databases::sled_store::SledStore;
#[cfg(feature = "redb")]
pub use crate::engines::DefaultStore;
pub use crate::store::{AsyncStore, NetabaseStore, Store};

#[cfg(feature = "chrono")]
#[doc(no_inline)]
pub use crate::reference::utils::datetime::{NetabaseDateTime, chrono};
#[doc(no_inline)]
pub use crate::reference::{
    FromIVec, IVec, IntoDiscriminant, IntoEnumIterator, ToIVec, traits, utils,
};

/// IndexedDB, the database of browsers.
#[cfg(all(feature = "indexeddb", target_arch = "wasm32"))]
pub use netabase_driver_indexeddb as indexeddb;

/// Drivers from dynamic libraries: where they are looked for, and what is loaded.
#[cfg(all(feature = "dynamic", not(target_arch = "wasm32")))]
pub mod loader {
    pub use netabase_core::abi::DynamicDriver;
    pub use netabase_core::loader::*;
}

/// Keys: how they are encoded, what they are made of, and what they are looked up with.
pub mod key {
    pub use netabase_core::codec::as_key::{AsKey, KeyRange};
    pub use netabase_core::codec::key::*;
}

/// The contract that an engine is put behind, for authors of drivers, and what tools need that handle a database without
/// its models.
///
/// A driver's own package depends on `netabase-core`, where these are as well. `docs/writing-a-driver.md` in the repository
/// leads from an empty folder to a driver that passes the suite.
pub mod driver {
    #[cfg(all(feature = "dynamic", not(target_arch = "wasm32")))]
    pub use netabase_core::abi;
    pub use netabase_core::codec::{checksum, dynamic, fields, shape};
    pub use netabase_core::driver::*;
    pub use netabase_core::{memory, model, schema};
}

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

/// The README's code, as a test.
#[cfg(all(doctest, feature = "redb"))]
#[doc = include_str!("../README.md")]
pub struct Readme;
