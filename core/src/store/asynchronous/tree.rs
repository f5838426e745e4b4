//! One model's records, each call a transaction of its own, awaited.

use std::borrow::Borrow;
use std::fmt;
use std::marker::PhantomData;

use super::AsyncTypedStore;
use super::replay::ReplayDriver;
use super::transact::attempts;
use crate::codec::as_key::AsKey;
use crate::driver::ErrorKind;
use crate::driver::asynchronous::AsyncDriver;
use crate::error::NetabaseError;
use crate::model::{NetabaseDefinitionTrait, NetabaseModelTrait, Record, SecondaryKey};
use crate::store::Tree;
use crate::store::operations::{argument, awaited_calls, hold, lend, reads, writes};
use crate::store::transact::TransactOptions;

/// How often a call reads anew where somebody commits between its reads.
const ATTEMPTS: usize = 16;

/// One model's records, each call a transaction of its own.
///
/// On an engine without snapshots, a call that reads begins anew, up to 16 times, where another transaction commits
/// between its reads; after that it fails with [`SnapshotLost`](ErrorKind::SnapshotLost). On an optimistic engine, a call
/// that writes begins anew where another transaction was first, as [`transact`](AsyncTypedStore::transact) does.
pub struct AsyncTree<'db, D, M, A: AsyncDriver> {
    store: &'db AsyncTypedStore<D, A>,
    model: PhantomData<fn() -> M>,
}

impl<'db, D, M, A> AsyncTree<'db, D, M, A>
where
    D: NetabaseDefinitionTrait,
    M: NetabaseModelTrait<D>,
    A: AsyncDriver,
{
    pub(super) fn new(store: &'db AsyncTypedStore<D, A>) -> Self {
        Self {
            store,
            model: PhantomData,
        }
    }

    /// The store that the tree belongs to.
    #[must_use]
    pub fn store(&self) -> &'db AsyncTypedStore<D, A> {
        self.store
    }

    writes!(awaited_calls write, self: &Self, "; nothing is changed then.");

    reads!(awaited_calls read, self: &Self, ".");

    /// Every record of one snapshot, in the order of the primary keys, all at once.
    /// [`AsyncTypedStore::read`] gives them page by page, with ranges, prefixes and secondary keys as well.
    ///
    /// # Errors
    /// As [`Tree::iter`].
    pub async fn all(&self) -> Result<Vec<(M::PrimaryKey, M)>, NetabaseError> {
        let mut attempt = 1;
        loop {
            let guard = self.store.read().await?;
            match guard.open_tree::<M>().iter().to_vec().await {
                Err(error) if is_lost(&error) && attempt < ATTEMPTS => attempt += 1,
                result => return result,
            }
        }
    }

    async fn read<R>(
        &self,
        name: &'static str,
        operation: impl Fn(Tree<'_, D, M, ReplayDriver>) -> Result<R, NetabaseError>,
    ) -> Result<R, NetabaseError> {
        let mut attempt = 1;
        loop {
            let guard = self.store.read().await?;
            match guard.open_tree::<M>().run(name, &operation).await {
                Err(error) if is_lost(&error) && attempt < ATTEMPTS => attempt += 1,
                result => return result,
            }
        }
    }

    async fn write<R>(
        &self,
        name: &'static str,
        operation: impl Fn(Tree<'_, D, M, ReplayDriver>) -> Result<R, NetabaseError>,
    ) -> Result<R, NetabaseError> {
        let (options, durability) = (TransactOptions::default(), self.store.durability());
        attempts!(self.store, &options, durability, txn => txn.open_tree::<M>().run(name, &operation))
    }
}

fn is_lost(error: &NetabaseError) -> bool {
    error.kind() == ErrorKind::SnapshotLost
}

impl<D, M, A: AsyncDriver> Clone for AsyncTree<'_, D, M, A> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<D, M, A: AsyncDriver> Copy for AsyncTree<'_, D, M, A> {}

impl<D, M: Record, A: AsyncDriver> fmt::Debug for AsyncTree<'_, D, M, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncTree")
            .field("model", &M::INFO.name)
            .field("store", self.store)
            .finish()
    }
}
