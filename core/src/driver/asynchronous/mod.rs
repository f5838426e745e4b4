//! The asynchronous twin of the contract, for engines that cannot block: those of browsers, and networked ones.
//!
//! The same trees, transactions and promises as [the contract itself](super), cut for engines on which each call is a
//! round trip. Reads ask for many keys, or a page of entries, at a time and hand over owned bytes. A write transaction
//! only reads: its writes are gathered above the driver, which lays them over what it reads, and arrive at
//! [`commit`](AsyncWrite::commit) in one list. Rolling back is dropping the transaction.
//!
//! Futures and handles are `Send` and `Sync` wherever there are threads; on wasm32, where a browser's are not, nothing is
//! asked of them ([`MaybeSend`], [`MaybeSync`]). Each future may be dropped before it is done: a commit is then done in
//! whole or not at all, and a transaction that was being begun is not open.
//!
//! # Optimistic engines
//! An engine has one writer at a time, or, where its manifest declares
//! [`OPTIMISTIC`](super::Capabilities::OPTIMISTIC), many. Each of those reads one snapshot, as a reader does, and what it
//! reads is recorded above the driver. [`commit`](AsyncWrite::commit) gets that record, a [`ReadSet`], beside the writes,
//! and keeps nothing and returns [`Conflict`](super::ErrorKind::Conflict) if any of it has changed.

mod async_as_sync;
pub(crate) mod overlay;
mod read_set;
mod send;
mod sync_as_async;
mod timer;
pub(crate) mod turn;

use std::future::Future;
use std::time::Duration;

pub use async_as_sync::{AsyncAsSync, AsyncAsSyncDatabase, AsyncAsSyncSource, Block};
pub use overlay::{Layered, LayeredCursor};
pub use read_set::{ReadSet, TreeReads};
pub use send::{MaybeSend, MaybeSync};
pub use sync_as_async::{SyncAsAsync, SyncAsAsyncDatabase, SyncAsAsyncReader, SyncAsAsyncWriter};

use super::{
    Bounds, CommitOutcome, CommitToken, Direction, DriverError, Durability, Manifest, Result,
    TreeId, WriteBatch,
};
use crate::config::{BUSY_TIMEOUT, Checksums, FileConfig};

/// One storage engine that cannot block.
pub trait AsyncDriver: MaybeSend + MaybeSync + 'static {
    /// An open database of this engine.
    type Database: AsyncDatabase;
    /// What names a database of this engine.
    type Config: AsyncConfig;

    /// What this driver is, offers and allows. The same for the driver's whole life.
    fn manifest(&self) -> &Manifest;

    /// Opens the database that `config` names.
    ///
    /// # Errors
    /// As [`Driver::open`](super::Driver::open).
    fn open(
        &self,
        config: &Self::Config,
    ) -> impl Future<Output = Result<Self::Database>> + MaybeSend;
}

/// What names a database: the part that all engines have in common.
pub trait AsyncConfig: MaybeSend + MaybeSync {
    /// The same, for a database that has to be there already.
    #[must_use]
    fn existing(self) -> Self;

    /// Whether nothing may be changed.
    fn is_read_only(&self) -> bool;

    /// What commits promise that do not say it themselves.
    fn durability(&self) -> Durability;

    /// How long a write transaction waits for another one to end. [`BUSY_TIMEOUT`] unless a configuration says otherwise.
    fn busy_timeout(&self) -> Duration {
        BUSY_TIMEOUT
    }

    /// Whether the records of a database that is created have checksums. [`Checksums::Off`] unless a configuration says
    /// otherwise: engines that cannot block leave the bytes to a browser or a server, which looks after them.
    fn checksums(&self) -> Checksums {
        Checksums::Off
    }
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

    fn busy_timeout(&self) -> Duration {
        self.busy_timeout
    }

    fn checksums(&self) -> Checksums {
        self.checksums
    }
}

/// An open database. Transactions keep what they need of it alive.
pub trait AsyncDatabase: MaybeSend + MaybeSync + 'static {
    /// A read transaction: one snapshot, or [`SnapshotLost`](super::ErrorKind::SnapshotLost).
    type Reader: AsyncRead;
    /// A write transaction.
    type Writer: AsyncWrite;

    /// Begins a read transaction. Never waits for a writer.
    ///
    /// # Errors
    /// An error of the engine.
    fn begin_read(&self) -> impl Future<Output = Result<Self::Reader>> + MaybeSend;

    /// Begins a write transaction; completes when no other one is open, in this process or another. An
    /// [optimistic](super::Capabilities::OPTIMISTIC) engine waits for nobody.
    ///
    /// How long a caller waits is the caller's affair: it drops the future when it has waited long enough.
    ///
    /// # Errors
    /// An error of the engine.
    fn begin_write(&self) -> impl Future<Output = Result<Self::Writer>> + MaybeSend;

    /// Begins a write transaction without waiting for another one to end.
    ///
    /// # Errors
    /// [`Conflict`](super::ErrorKind::Conflict) if another one is open, which does not happen on an
    /// [optimistic](super::Capabilities::OPTIMISTIC) engine, or an error of the engine.
    fn try_begin_write(&self) -> impl Future<Output = Result<Self::Writer>> + MaybeSend;

    /// Runs one of the engine's own operations by name; gives its output, in the form that
    /// [`Database::command`](super::Database::command) describes, one item for each output.
    ///
    /// # Errors
    /// [`Unsupported`](super::ErrorKind::Unsupported) for a name that is not in the manifest, or an error of the engine.
    fn command(
        &self,
        operation: &str,
        argument: &[u8],
    ) -> impl Future<Output = Result<Vec<Vec<u8>>>> + MaybeSend;

    /// The outcome of an earlier commit, as [`Database::commit_outcome`](super::Database::commit_outcome).
    ///
    /// # Errors
    /// As [`Database::commit_outcome`](super::Database::commit_outcome).
    fn commit_outcome(
        &self,
        token: &CommitToken,
    ) -> impl Future<Output = Result<CommitOutcome>> + MaybeSend {
        let _ = token;
        std::future::ready(Err(DriverError::unsupported("commit_outcome")))
    }

    /// Completes after this time, counted from its first poll. It may take longer: what waits for it is a retry or a
    /// timeout.
    ///
    /// Where there are threads, the provided method works in every runtime, by one thread that all share; a driver that
    /// has a runtime's timer at hand overrides it. On wasm32, where core knows no clock, the provided method goes back to
    /// the event loop once and does not wait: a driver overrides it with the platform's timer.
    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + MaybeSend {
        timer::sleep(duration)
    }
}

/// Reading: what was committed when the transaction began.
///
/// An engine that cannot hold a snapshot returns [`SnapshotLost`](super::ErrorKind::SnapshotLost), to every call from then
/// on, once somebody has committed since the transaction began; the caller begins another one.
pub trait AsyncRead: MaybeSend + MaybeSync + 'static {
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
    ) -> impl Future<Output = Result<Vec<Option<Vec<u8>>>>> + MaybeSend;

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
    ) -> impl Future<Output = Result<Vec<(Vec<u8>, Vec<u8>)>>> + MaybeSend;

    /// The number of entries in a tree.
    ///
    /// # Errors
    /// An error of the engine.
    fn len(&self, tree: TreeId) -> impl Future<Output = Result<u64>> + MaybeSend;
}

/// A write transaction: reads of what was committed when it began, then all of its writes together.
///
/// No other write transaction is open until this one is committed or dropped, unless the engine is
/// [optimistic](super::Capabilities::OPTIMISTIC). Any call of an optimistic one may return
/// [`Conflict`](super::ErrorKind::Conflict), if the engine finds out before the commit.
pub trait AsyncWrite: AsyncRead {
    /// Runs the operations in order and makes them permanent, all or none. The list may be empty.
    ///
    /// `reads` is what the transaction has read, by the ids that it gave; empty for an engine that is not
    /// [optimistic](super::Capabilities::OPTIMISTIC). An optimistic engine keeps the operations only if all of it is,
    /// at the moment of the commit, as it was read; one that finds that out by itself need not look at it. Writes are
    /// not among it, since a write that does not depend on what was there conflicts with nothing. A transaction that
    /// writes nothing needs no check if its snapshot was what was committed when it began.
    ///
    /// # Errors
    /// - [`Conflict`](super::ErrorKind::Conflict): something that was read has changed;
    /// - [`LimitExceeded`](super::ErrorKind::LimitExceeded): there is no room for the operations;
    /// - an error of the engine.
    ///
    /// Nothing of the list is kept then.
    fn commit(
        self,
        batch: &WriteBatch<'_>,
        reads: &ReadSet,
        durability: Durability,
    ) -> impl Future<Output = Result<()>> + MaybeSend;
}
