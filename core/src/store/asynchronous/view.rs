//! One model's records within an asynchronous transaction.

use std::borrow::Borrow;
use std::fmt;
use std::marker::PhantomData;

use super::AsyncIter;
use super::replay::ReplayDriver;
use super::transaction::{AsyncMode, AsyncTxnGuard};
use crate::codec::as_key::{AsKey, KeyRange};
use crate::codec::key::KeyPrefix;
use crate::driver::asynchronous::AsyncDriver;
use crate::error::NetabaseError;
use crate::model::{ModelKey, NetabaseDefinitionTrait, NetabaseModelTrait, SecondaryKey};
use crate::store::iter::{
    ALL, ByPrimaryKey, index_bounds, key_bounds, prefix_bounds, record_bounds,
};
use crate::store::operations::{argument, awaited_calls, hold, lend, reads, walks, writes};
use crate::store::{ReadWrite, Tree};

macro_rules! awaited_walks {
    ($(
        $(#[$doc:meta])*
        $name:ident $pinned:ident $([$($generics:tt)*])? ($($argument:ident: $type:ty)?) in $order:ty: $bounds:expr;
    )*) => {$(
        $(#[$doc])*
        pub fn $name $(<$($generics)*>)? (
            &self
            $(, $argument: $type)?
        ) -> AsyncIter<'txn, D, M, Md, A, $order> {
            AsyncIter::new(self.guard, $bounds)
        }
    )*};
}

impl<D: NetabaseDefinitionTrait, Md: AsyncMode, A: AsyncDriver> AsyncTxnGuard<'_, D, Md, A> {
    /// The view of one model's records in this transaction. Any number of views may be open at once.
    pub fn open_tree<M: NetabaseModelTrait<D>>(&self) -> AsyncTreeView<'_, D, M, Md, A> {
        AsyncTreeView::new(self)
    }
}

/// One model's records within a transaction.
///
/// Any number of views may be open on one guard, also of the same model. An operation on keys fetches what it reads in two
/// or three round trips, whatever their number; one that follows an index does so in pages of 64 entries first, each further
/// one twice as large.
pub struct AsyncTreeView<'txn, D, M, Md: AsyncMode, A: AsyncDriver> {
    guard: &'txn AsyncTxnGuard<'txn, D, Md, A>,
    model: PhantomData<fn() -> M>,
}

impl<'txn, D, M, Md, A> AsyncTreeView<'txn, D, M, Md, A>
where
    D: NetabaseDefinitionTrait,
    M: NetabaseModelTrait<D>,
    Md: AsyncMode,
    A: AsyncDriver,
{
    pub(super) fn new(guard: &'txn AsyncTxnGuard<'_, D, Md, A>) -> Self {
        Self {
            guard,
            model: PhantomData,
        }
    }

    pub(super) async fn run<R>(
        &self,
        name: &'static str,
        operation: impl Fn(Tree<'_, D, M, ReplayDriver>) -> Result<R, NetabaseError>,
    ) -> Result<R, NetabaseError> {
        self.guard
            .run(name, |store| operation(store.open_tree::<M>()))
            .await
    }

    reads!(
        awaited_calls run, self: &Self,
        ", and [`SnapshotLost`](crate::error::ErrorKind::SnapshotLost) if another transaction has committed since this one \
         began, on an engine without snapshots."
    );

    walks!(awaited_walks);

    /// The record with the smallest primary key.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub async fn first(&self) -> Result<Option<(M::PrimaryKey, M)>, NetabaseError> {
        self.iter().next().await.transpose()
    }

    /// The record with the largest primary key.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub async fn last(&self) -> Result<Option<(M::PrimaryKey, M)>, NetabaseError> {
        self.iter().next_back().await.transpose()
    }
}

impl<D, M, A> AsyncTreeView<'_, D, M, ReadWrite, A>
where
    D: NetabaseDefinitionTrait,
    M: NetabaseModelTrait<D>,
    A: AsyncDriver,
{
    writes!(awaited_calls run, self: &mut Self, ". After any error the transaction is as it was before.");
}

impl<D, M: crate::model::Record, Md: AsyncMode, A: AsyncDriver> fmt::Debug
    for AsyncTreeView<'_, D, M, Md, A>
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncTreeView")
            .field("model", &M::INFO.name)
            .finish_non_exhaustive()
    }
}
