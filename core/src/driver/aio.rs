//! The asynchronous twin of the contract, for engines that cannot block: IndexedDB in the browser, networked engines.
//!
//! The same trees, transactions and promises as [the contract itself](super). What differs is the form: calls are
//! awaited, a scan fetches a page of entries at a time instead of one, and previous values are handed over as owned
//! bytes. Futures need not be `Send`, since a browser's are not.

use std::future::Future;

use super::{Bounds, Direction, Durability, Manifest, Result, TreeId};

/// One storage engine that cannot block.
pub trait AsyncDriver: 'static {
    /// An open database of this engine.
    type Store: AsyncStore;
    /// How this engine is told what to open.
    type Config;

    /// What this driver is, offers and allows.
    fn manifest(&self) -> &Manifest;

    /// Opens the database that `config` names.
    ///
    /// # Errors
    /// As [`Driver::open`](super::Driver::open).
    fn open(&self, config: &Self::Config) -> impl Future<Output = Result<Self::Store>>;
}

/// An open database.
pub trait AsyncStore: 'static {
    /// A read transaction: one snapshot, or [`SnapshotLost`](super::ErrorKind::SnapshotLost).
    type Reader: AsyncRead + 'static;
    /// A write transaction.
    type Writer: AsyncWrite + 'static;

    /// Begins a read transaction.
    ///
    /// # Errors
    /// An error of the engine.
    fn begin_read(&self) -> impl Future<Output = Result<Self::Reader>>;

    /// Begins a write transaction; completes when no other one is open.
    ///
    /// # Errors
    /// An error of the engine.
    fn begin_write(&self) -> impl Future<Output = Result<Self::Writer>>;

    /// Runs one of the engine's own operations by name.
    ///
    /// # Errors
    /// [`Unsupported`](super::ErrorKind::Unsupported) for a name that is not in the manifest, or an error of the engine.
    fn maintain(&self, operation: &str, argument: &[u8]) -> impl Future<Output = Result<Vec<u8>>>;
}

/// Reading.
pub trait AsyncRead {
    /// Resolves a tree by name; nothing is awaited and nothing created.
    ///
    /// # Errors
    /// An error of the engine.
    fn tree(&self, name: &str) -> Result<TreeId>;

    /// Hands the value stored under `key` to `visit`.
    ///
    /// # Errors
    /// An error of the engine.
    fn get<R>(
        &self,
        tree: TreeId,
        key: &[u8],
        visit: impl FnOnce(&[u8]) -> R,
    ) -> impl Future<Output = Result<Option<R>>>;

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

/// Writing. Dropping a write transaction without [`commit`](Self::commit) rolls it back.
pub trait AsyncWrite: AsyncRead {
    /// Stores `value` under `key`; gives back the value that was there.
    ///
    /// # Errors
    /// An error of the engine.
    fn put(
        &mut self,
        tree: TreeId,
        key: &[u8],
        value: &[u8],
    ) -> impl Future<Output = Result<Option<Vec<u8>>>>;

    /// Removes `key`; gives back the value that was there.
    ///
    /// # Errors
    /// An error of the engine.
    fn remove(&mut self, tree: TreeId, key: &[u8])
    -> impl Future<Output = Result<Option<Vec<u8>>>>;

    /// Removes every entry of a tree.
    ///
    /// # Errors
    /// An error of the engine.
    fn clear(&mut self, tree: TreeId) -> impl Future<Output = Result<()>>;

    /// Makes the transaction's writes permanent, all at once.
    ///
    /// # Errors
    /// An error of the engine; nothing of the transaction is kept then.
    fn commit(self, durability: Durability) -> impl Future<Output = Result<()>>;
}
