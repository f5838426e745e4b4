//! Asynchronous iterators: over records, and over records through an index, a page at a time.

use std::collections::VecDeque;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Bound;

use super::transaction::{AsyncMode, AsyncTxnGuard};
use crate::driver::Direction;
use crate::driver::asynchronous::AsyncDriver;
use crate::error::NetabaseError;
use crate::model::{NetabaseDefinitionTrait, NetabaseModelTrait};
use crate::store::iter::{ByPrimaryKey, Order, OwnedBounds};

/// Records that are fetched first; each further page is twice as large, up to [`LARGEST_PAGE`].
const FIRST_PAGE: usize = 32;
/// Most records that are fetched at a time.
const LARGEST_PAGE: usize = 1024;

/// A record with its primary key, or why there is none; such an error does not end the iteration.
type Item<D, M> = Result<(<M as NetabaseModelTrait<D>>::PrimaryKey, M), NetabaseError>;

/// Items, and the stored key of the last one's entry, from which the next page follows.
type ItemPage<T> = (Vec<T>, Option<Vec<u8>>);

/// What has been fetched and not given out, from either end, and where it goes on.
struct Ahead<T> {
    /// `None` when nothing more is to be fetched.
    bounds: OwnedBounds,
    front: VecDeque<T>,
    back: VecDeque<T>,
    page: usize,
}

/// The next items of `iterator` in this direction, at most `limit`. All of them, whatever an item is an error of, so that
/// what is missing is fetched in one go.
fn take_items<I: DoubleEndedIterator>(
    iterator: &mut I,
    direction: Direction,
    limit: usize,
) -> Vec<I::Item> {
    match direction {
        Direction::Forward => iterator.take(limit).collect(),
        Direction::Backward => iterator.rev().take(limit).collect(),
    }
}

impl<T> Ahead<T> {
    fn new(bounds: OwnedBounds) -> Self {
        Self {
            bounds,
            front: VecDeque::new(),
            back: VecDeque::new(),
            page: FIRST_PAGE,
        }
    }

    fn pop(&mut self, direction: Direction) -> Option<T> {
        match direction {
            Direction::Forward => self.front.pop_front(),
            Direction::Backward => self.back.pop_front(),
        }
    }

    /// What the other end has fetched, once nothing lies between.
    fn pop_rest(&mut self, direction: Direction) -> Option<T> {
        match direction {
            Direction::Forward => self.back.pop_back(),
            Direction::Backward => self.front.pop_back(),
        }
    }

    fn take_page(&mut self, direction: Direction, (items, last): ItemPage<T>) {
        let more = items.len() >= self.page;
        match (&mut self.bounds, last, direction) {
            (Some((lower, _)), Some(last), Direction::Forward) if more => {
                *lower = Bound::Excluded(last);
            }
            (Some((_, upper)), Some(last), Direction::Backward) if more => {
                *upper = Bound::Excluded(last);
            }
            _ => self.bounds = None,
        }
        self.page = (self.page * 2).min(LARGEST_PAGE);
        match direction {
            Direction::Forward => self.front.extend(items),
            Direction::Backward => self.back.extend(items),
        }
    }
}

/// Records, from either end, in the order `O`: [`ByPrimaryKey`], or a secondary key.
///
/// Fetches a page at a time: 32 records first, up to 1,024 later. What it gives out is of the transaction's snapshot, with
/// the transaction's own writes as they were when the page was fetched.
pub struct AsyncIter<'txn, D, M, Md: AsyncMode, A: AsyncDriver, O = ByPrimaryKey>
where
    M: NetabaseModelTrait<D>,
    D: NetabaseDefinitionTrait,
{
    guard: &'txn AsyncTxnGuard<'txn, D, Md, A>,
    ahead: Ahead<Item<D, M>>,
    order: PhantomData<fn() -> O>,
}

impl<'txn, D, M, Md, A, O> AsyncIter<'txn, D, M, Md, A, O>
where
    D: NetabaseDefinitionTrait,
    M: NetabaseModelTrait<D>,
    Md: AsyncMode,
    A: AsyncDriver,
    O: Order<M>,
{
    pub(super) fn new(guard: &'txn AsyncTxnGuard<'txn, D, Md, A>, bounds: OwnedBounds) -> Self {
        Self {
            guard,
            ahead: Ahead::new(bounds),
            order: PhantomData,
        }
    }

    /// The next record, with its primary key. A record that cannot be decoded is an error in its place, and the iteration
    /// goes on behind it. After an error of the engine the iterator is where it was, and may be asked again.
    pub async fn next(&mut self) -> Option<Result<(M::PrimaryKey, M), NetabaseError>> {
        self.step(Direction::Forward).await
    }

    /// The next record from the end, with its primary key.
    pub async fn next_back(&mut self) -> Option<Result<(M::PrimaryKey, M), NetabaseError>> {
        self.step(Direction::Backward).await
    }

    /// All records that are left, at once.
    ///
    /// # Errors
    /// The first error that [`next`](Self::next) gives.
    pub async fn to_vec(mut self) -> Result<Vec<(M::PrimaryKey, M)>, NetabaseError> {
        let mut records = Vec::new();
        while let Some(record) = self.next().await {
            records.push(record?);
        }
        Ok(records)
    }

    async fn step(
        &mut self,
        direction: Direction,
    ) -> Option<Result<(M::PrimaryKey, M), NetabaseError>> {
        loop {
            if let Some(record) = self.ahead.pop(direction) {
                return Some(record);
            }
            if self.ahead.bounds.is_none() {
                return self.ahead.pop_rest(direction);
            }
            if let Err(error) = self.fetch(direction).await {
                return Some(Err(error));
            }
        }
    }

    async fn fetch(&mut self, direction: Direction) -> Result<(), NetabaseError> {
        let Ahead { bounds, page, .. } = &self.ahead;
        let items = self
            .guard
            .run_with("iterate", *page, |store| {
                let transaction = store.read();
                let view = transaction.open_tree::<M>();
                let mut records = view.walk::<O>(bounds.clone(), "iter")?;
                let items = take_items(&mut records, direction, *page);
                Ok((items, records.position(direction).map(<[u8]>::to_vec)))
            })
            .await?;
        self.ahead.take_page(direction, items);
        Ok(())
    }
}

impl<D, M, Md, A, O> fmt::Debug for AsyncIter<'_, D, M, Md, A, O>
where
    D: NetabaseDefinitionTrait,
    M: NetabaseModelTrait<D>,
    Md: AsyncMode,
    A: AsyncDriver,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncIter")
            .field("model", &M::INFO.name)
            .finish_non_exhaustive()
    }
}
