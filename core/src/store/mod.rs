//! The typed layer: models in, ordered trees of bytes out.
//!
//! [`TypedStore`] is one open database of one definition. A [`Tree`] runs each call in a transaction of its own; a
//! [`TxnGuard`] runs any number of calls in one, through its [`TreeView`]s. Every write goes through one path
//! ([`write`]), which keeps records and indexes exact.

pub mod asynchronous;
mod batch;
mod command;
mod explicit;
mod iter;
mod observer;
mod open;
mod operations;
mod pinned;
mod scratch;
mod snapshot;
mod state;
mod transact;
mod transaction;
mod tree;
mod view;
mod write;

use std::any::Any;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

pub use batch::Batch;
pub use explicit::{ReadTransaction, WriteTransaction};
pub use iter::{ByPrimaryKey, Iter, Order};
pub use open::StoreOptions;
pub use pinned::{Pinned, PinnedIter};
pub use snapshot::SnapshotIter;
pub use state::{Mode, ReadOnly, ReadWrite};
pub use transact::TransactOptions;
pub use transaction::TxnGuard;
pub use tree::Tree;
pub use view::TreeView;

#[cfg(doc)]
use crate::driver::ErrorKind;
use crate::driver::checked::Checked;
use crate::driver::{Driver, Durability};
use crate::error::NetabaseError;
use crate::model::{NetabaseDefinitionTrait, NetabaseModelTrait};
use crate::schema::ModelTrees;

/// One open database that holds the models of the definition `D`, on the engine `E`.
///
/// Shared by threads as a reference or in an `Arc`. Dropping it closes the database; transactions that are still open
/// borrow it, so there are none.
pub struct TypedStore<D, E: Driver> {
    store: Checked<E::Database>,
    /// The trees of every model of the definition, in its order.
    trees: Arc<[ModelTrees]>,
    durability: Durability,
    definition: PhantomData<fn() -> D>,
    // Dropped after the store, since fields are dropped in order.
    attachment: Option<Box<dyn Any + Send + Sync>>,
}

impl<D: NetabaseDefinitionTrait, E: Driver> TypedStore<D, E> {
    /// The view of one model's records in which each call is a transaction of its own.
    ///
    /// Costs nothing; the tree is looked up by the first call.
    #[must_use]
    pub fn open_tree<M: NetabaseModelTrait<D>>(&self) -> Tree<'_, D, M, E> {
        Tree::new(self)
    }

    /// Begins a read transaction: one snapshot for as long as the guard lives.
    ///
    /// If the engine cannot begin one, the guard's first operation says so.
    #[inline]
    #[must_use]
    pub fn read(&self) -> TxnGuard<'_, D, ReadOnly, E> {
        TxnGuard::begin_read(self)
    }

    /// Begins a write transaction; waits while another one is open, unless the engine is
    /// [optimistic](crate::driver::Capabilities::OPTIMISTIC). Dropping the guard rolls it back.
    ///
    /// # Errors
    /// - [`Conflict`](ErrorKind::Conflict) immediately if this thread began the open transaction, since it would wait for
    ///   itself; after [`busy_timeout`](crate::config::FileConfig::busy_timeout) if it is any other one;
    /// - [`ReadOnly`](ErrorKind::ReadOnly) on a store that was opened read-only;
    /// - [`Closed`](ErrorKind::Closed) after [`close`](Self::close), even if that came while the call waited;
    /// - an error of the engine.
    pub fn write(&self) -> Result<TxnGuard<'_, D, ReadWrite, E>, NetabaseError> {
        TxnGuard::begin_write(self)
    }

    /// Begins a write transaction unless another one of this store is open. Where other processes use the database, it
    /// may wait for those.
    ///
    /// # Errors
    /// [`Conflict`](ErrorKind::Conflict) if another one is open; else as [`write`](Self::write).
    pub fn try_write(&self) -> Result<TxnGuard<'_, D, ReadWrite, E>, NetabaseError> {
        TxnGuard::try_begin_write(self)
    }

    /// Collects writes, over any of the definition's models, to commit them in one transaction.
    pub fn batch(&self) -> Batch<'_, D, E> {
        Batch::new(self)
    }

    /// The driver's name.
    #[must_use]
    pub fn driver_name(&self) -> &str {
        self.store.driver()
    }

    /// What a commit promises unless it says otherwise.
    #[must_use]
    pub fn durability(&self) -> Durability {
        self.durability
    }

    /// Closes the database. Later calls return [`Closed`](ErrorKind::Closed); closing twice is not an error.
    pub fn close(&self) {
        self.store.close();
    }

    fn locate(
        &self,
        error: impl Into<NetabaseError>,
        operation: impl Into<std::borrow::Cow<'static, str>>,
    ) -> NetabaseError {
        error
            .into()
            .during(operation)
            .on_driver(self.store.driver().clone())
    }
}

impl<D, E: Driver> fmt::Debug for TypedStore<D, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TypedStore")
            .field("store", &self.store)
            .field("durability", &self.durability)
            .finish_non_exhaustive()
    }
}
