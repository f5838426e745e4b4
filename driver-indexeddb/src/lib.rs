//! The driver for IndexedDB, the database of browsers; empty on every other target.
//!
//! [`IndexedDB`] is a driver that cannot block, of [`netabase_core::driver::asynchronous`]. It works in windows and in workers.
//!
//! # How it stores
//! One object store a tree, whose records are *leaves*: runs of entries in key order, of up to 4 KiB. A request costs a
//! browser far more than the bytes that it carries, so entries share them: 10,000 records with two indexes are a few
//! hundred requests instead of 30,000. A leaf is kept under a binary key, which IndexedDB compares byte by byte; what lies between
//! that key and the next leaf's is in the leaf. One that gets too long is split, evenly or, where entries are appended, so
//! that full leaves are left behind; an entry of more than half a leaf then gets one of its own. Leaves that run empty are
//! removed, and small neighbours that a commit has read are merged. The number of entries is a record of its own, under a
//! number as its key.
//!
//! A commit is one `readwrite` transaction over the trees that it writes to, which rewrites each leaf that it changes: for a
//! single record that is one leaf a tree. Leaves of up to eight keys of a tree are read in that transaction; those of more
//! keys, in read transactions before, each leaf once. The number of the last commit, read again in the transaction that
//! writes, shows that they are still the same. The transaction is `strict` where the caller wants
//! [`Durability::Immediate`](netabase_core::driver::Durability::Immediate) and `relaxed` otherwise. Trees that are not there
//! yet are created by an upgrade of the database before it.
//!
//! Writers take turns by a Web Lock, in every page and worker of the origin. Reads are short transactions of their own,
//! since IndexedDB ends one that waits for anything else: a caller may await what it likes between them. Each commit
//! changes a number in the database, which every read transaction compares:
//! [`SnapshotLost`](netabase_core::driver::ErrorKind::SnapshotLost) once it has changed.
//!
//! # Several pages
//! A page that adds trees has to upgrade the database, and asks the others to let go. This driver does, and opens the
//! database again for its next transaction. A page that opens the database with a higher
//! [`version`](IndexedDBConfig::version) closes it in the others:
//! [`Closed`](netabase_core::driver::ErrorKind::Closed) is what they get from then on. A page that does not let go ends the
//! upgrade after some seconds with [`Locked`](netabase_core::driver::ErrorKind::Locked).
//!
//! # Bindings
//! The calls are bound here, some forty of them, over `js-sys` alone. What wraps IndexedDB for Rust wraps each request in
//! a future and a closure, which is what a batch has to avoid; `web-sys` keeps Web Locks behind an unstable switch that
//! every user would have to set, and has no `getAllRecords`.

#![cfg_attr(
    not(target_arch = "wasm32"),
    allow(
        rustdoc::broken_intra_doc_links,
        reason = "what the page links to is there on wasm32"
    )
)]

#[cfg(target_arch = "wasm32")]
mod config;
#[cfg(target_arch = "wasm32")]
mod connection;
#[cfg(target_arch = "wasm32")]
mod driver;
#[cfg(target_arch = "wasm32")]
mod error;
#[cfg(any(target_arch = "wasm32", test))]
mod leaf;
#[cfg(target_arch = "wasm32")]
mod lock;
#[cfg(target_arch = "wasm32")]
mod read;
#[cfg(target_arch = "wasm32")]
mod request;
#[cfg(any(target_arch = "wasm32", test))]
mod rewrite;
#[cfg(target_arch = "wasm32")]
mod sys;
#[cfg(target_arch = "wasm32")]
mod timer;
#[cfg(target_arch = "wasm32")]
mod write;

#[cfg(target_arch = "wasm32")]
pub use config::IndexedDBConfig;
#[cfg(target_arch = "wasm32")]
pub use driver::{Estimate, IndexedDB, IndexedDBDatabase, Persist, StoreNames};
#[cfg(target_arch = "wasm32")]
pub use read::IndexedDBReader;
#[cfg(target_arch = "wasm32")]
pub use write::IndexedDBWriter;
