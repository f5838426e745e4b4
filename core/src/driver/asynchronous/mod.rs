//! The asynchronous twin of the contract, for engines that cannot block: IndexedDB in the browser, networked engines.
//!
//! The same trees, transactions and promises as [the contract itself](super), cut for engines on which each call is a
//! round trip. Reads ask for many keys, or a page of entries, at a time and hand over owned bytes. A write transaction
//! only reads: its writes are gathered above the driver, which lays them over what it reads, and arrive at
//! [`commit`](AsyncWrite::commit) in one list. Rolling back is dropping the transaction.
//!
//! Futures need not be `Send`, since a browser's are not. Each may be dropped before it is done: a commit is then done
//! in whole or not at all.

mod async_as_sync;
pub(crate) mod overlay;
mod sync_as_async;

use std::future::Future;

pub use async_as_sync::{AsyncAsSync, AsyncAsSyncDatabase, AsyncAsSyncSource, Block};
pub use overlay::{Layered, LayeredCursor};
pub use sync_as_async::{SyncAsAsync, SyncAsAsyncDatabase, SyncAsAsyncReader, SyncAsAsyncWriter};

use super::{
    Bounds, CommitOutcome, CommitToken, Direction, DriverError, Durability, Manifest, Result,
    TreeId, WriteBatch,
};
use crate::config::{FileConfig, IndexedDBConfig};

/// One storage engine that cannot block.
pub trait AsyncDriver: 'static {
    /// An open database of this engine.
    type Database: AsyncDatabase;
    /// How this engine is told what to open.
    type Config: AsyncConfig;

    /// What this driver is, offers and allows. The same for the driver's whole life.
    fn manifest(&self) -> &Manifest;

    /// Opens the database that `config` names.
    ///
    /// # Errors
    /// As [`Driver::open`](super::Driver::open).
    fn open(&self, config: &Self::Config) -> impl Future<Output = Result<Self::Database>>;
}

/// How an engine is told what to open, as far as all of them have it in common.
pub trait AsyncConfig {
    /// The same, for a database that has to be there already.
    #[must_use]
    fn existing(self) -> Self;

    /// Whether nothing may be changed.
    fn is_read_only(&self) -> bool;

    /// What commits promise that do not say it themselves.
    fn durability(&self) -> Durability;
}

/// A configuration that can ask for an empty database which is removed again.
pub trait TemporaryConfig: AsyncConfig {
    /// The configuration of a database that nobody else uses, and that is removed when its store is dropped.
    fn temporary() -> Self;
}

impl AsyncConfig for FileConfig {
    fn existing(self) -> Self {
        Self {
            create_if_missing: false,
            ..self
        }
    }

    fn is_read_only(&self) -> bool {
        self.read_only
    }

    fn durability(&self) -> Durability {
        match self.use_fsync {
            true => Durability::Immediate,
            false => Durability::None,
        }
    }
}

impl AsyncConfig for IndexedDBConfig {
    fn existing(self) -> Self {
        Self {
            create_if_missing: false,
            ..self
        }
    }

    fn is_read_only(&self) -> bool {
        false
    }

    fn durability(&self) -> Durability {
        Durability::Immediate
    }
}

impl TemporaryConfig for IndexedDBConfig {
    fn temporary() -> Self {
        Self {
            temporary: true,
            ..Self::new("netabase-temporary")
        }
    }
}

/// An open database. Transactions keep what they need of it alive.
pub trait AsyncDatabase: 'static {
    /// A read transaction: one snapshot, or [`SnapshotLost`](super::ErrorKind::SnapshotLost).
    type Reader: AsyncRead + 'static;
    /// A write transaction.
    type Writer: AsyncWrite + 'static;

    /// Begins a read transaction. Never waits for a writer.
    ///
    /// # Errors
    /// An error of the engine.
    fn begin_read(&self) -> impl Future<Output = Result<Self::Reader>>;

    /// Begins a write transaction; completes when no other one is open, in this process or another.
    ///
    /// # Errors
    /// An error of the engine.
    fn begin_write(&self) -> impl Future<Output = Result<Self::Writer>>;

    /// Runs one of the engine's own operations by name; gives its answers, of the form that
    /// [`Database::command`](super::Database::command) describes, one item for each output.
    ///
    /// # Errors
    /// [`Unsupported`](super::ErrorKind::Unsupported) for a name that is not in the manifest, or an error of the engine.
    fn command(
        &self,
        operation: &str,
        argument: &[u8],
    ) -> impl Future<Output = Result<Vec<Vec<u8>>>>;

    /// The outcome of an earlier commit, as [`Database::commit_outcome`](super::Database::commit_outcome).
    ///
    /// # Errors
    /// As [`Database::commit_outcome`](super::Database::commit_outcome).
    fn commit_outcome(&self, token: &CommitToken) -> impl Future<Output = Result<CommitOutcome>> {
        let _ = token;
        std::future::ready(Err(DriverError::unsupported("commit_outcome")))
    }
}

/// Reading: what was committed when the transaction began.
///
/// An engine that cannot hold a snapshot answers [`SnapshotLost`](super::ErrorKind::SnapshotLost), to every call from then
/// on, once somebody has committed since the transaction began; the caller begins another one.
pub trait AsyncRead {
    /// Resolves a tree by name; nothing is awaited and nothing created. As [`Read::tree`](super::Read::tree).
    ///
    /// # Errors
    /// An error of the engine.
    fn tree(&self, name: &str) -> Result<TreeId>;

    /// The values stored under these keys, in the same order; `None` where there is none.
    ///
    /// # Errors
    /// An error of the engine.
    fn get_many(
        &self,
        tree: TreeId,
        keys: &[&[u8]],
    ) -> impl Future<Output = Result<Vec<Option<Vec<u8>>>>>;

    /// The first entries within `bounds`, at most `limit`, in the order of `direction`. Fewer than `limit` means that
    /// these are the last ones; the caller goes on from the last key with [`Bounds::resumed`].
    ///
    /// # Errors
    /// An error of the engine.
    fn page(
        &self,
        tree: TreeId,
        bounds: Bounds<'_>,
        direction: Direction,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<(Vec<u8>, Vec<u8>)>>>;

    /// The number of entries in a tree.
    ///
    /// # Errors
    /// An error of the engine.
    fn len(&self, tree: TreeId) -> impl Future<Output = Result<u64>>;
}

/// A write transaction: reads of what was committed when it began, then all of its writes at once.
///
/// No other write transaction is open until this one is committed or dropped.
pub trait AsyncWrite: AsyncRead {
    /// Runs the operations in order and makes them permanent, all or none. The list may be empty.
    ///
    /// # Errors
    /// [`LimitExceeded`](super::ErrorKind::LimitExceeded) if there is no room for them, or an error of the engine; nothing
    /// of the list is kept then.
    fn commit(
        self,
        batch: &WriteBatch<'_>,
        durability: Durability,
    ) -> impl Future<Output = Result<()>>;
}
