//! Records pinned to their read transaction: guards in the engine's own memory, and iterators that give them.

use std::borrow::Borrow;
use std::fmt;
use std::iter::FusedIterator;
use std::marker::PhantomData;
use std::ops::{Bound, RangeBounds};

use super::iter::{self, Entries, OwnedBounds};
use super::scratch;
use super::transaction::{ReadOnly, Transaction};
use super::view::TreeView;
use crate::codec::key::{EncodeKey, KeyPrefix};
use crate::codec::value;
use crate::driver::{Database, Direction, Driver, ErrorKind, PinnedRead, TreeId};
use crate::error::NetabaseError;
use crate::index;
use crate::model::{ModelKey, NetabaseDefinitionTrait, NetabaseModelTrait, Record, SecondaryKey};

/// The read transactions of the engine `E`.
pub(super) type Reader<E> = <<E as Driver>::Database as Database>::Reader;

/// What such a transaction pins.
type Value<'txn, E> = <Reader<E> as PinnedRead>::Guard<'txn>;

/// A stored record that is pinned to its read transaction.
///
/// It stays in the engine's own memory; nothing is decoded until [`view`](Self::view) or [`decode`](Self::decode) asks for
/// it. Any number of guards may be held at once, each for as long as the transaction lives; the view of a record
/// they came through, and its iterator, may be gone by then. A guard shows the snapshot, whatever is written meanwhile.
///
/// While its transaction lives, the engine keeps what the snapshot shows: hold one for as long as needed, not for
/// the life of a program.
pub struct BorrowedGuard<'txn, M, E: Driver>
where
    Reader<E>: PinnedRead,
{
    value: Value<'txn, E>,
    driver: &'txn str,
    model: PhantomData<fn() -> M>,
}

impl<'txn, M: Record, E: Driver> BorrowedGuard<'txn, M, E>
where
    Reader<E>: PinnedRead,
{
    #[inline]
    fn new(value: Value<'txn, E>, driver: &'txn str) -> Self {
        Self {
            value,
            driver,
            model: PhantomData,
        }
    }

    /// The borrowed view of the record: strings and byte strings lie in the engine's memory, other fields are decoded.
    ///
    /// Nothing is copied or allocated. Each call reads the record again; keep the view rather than ask twice.
    ///
    /// # Errors
    /// [`Codec`](ErrorKind::Codec) if what is stored is no such record.
    #[inline]
    pub fn view(&self) -> Result<M::Ref<'_>, NetabaseError> {
        value::decode_ref::<M>(self.bytes()).map_err(|error| self.locate(error, "view"))
    }

    /// The record by itself, with all that it owns.
    ///
    /// # Errors
    /// As [`view`](Self::view).
    pub fn decode(&self) -> Result<M, NetabaseError> {
        value::decode(self.bytes()).map_err(|error| self.locate(error, "decode"))
    }

    /// The record as it is stored.
    #[inline]
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.value.as_ref()
    }

    #[cold]
    fn locate(&self, error: NetabaseError, operation: &'static str) -> NetabaseError {
        error
            .during(operation)
            .on_driver(self.driver.to_owned())
            .in_tree(M::INFO.name)
    }
}

impl<M: Record, E: Driver> fmt::Debug for BorrowedGuard<'_, M, E>
where
    Reader<E>: PinnedRead,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BorrowedGuard")
            .field("model", &M::INFO.name)
            .field("bytes", &self.bytes().len())
            .finish()
    }
}

#[cold]
fn unpinned() -> NetabaseError {
    NetabaseError::new(
        ErrorKind::Internal,
        "the driver's cursor is at an entry whose value it does not pin; report this to its author",
    )
}

/// Records in the order of their primary keys, pinned to their transaction.
///
/// Each item is a guard, or an error of the engine, which ends the iteration. Opening the iterator allocates; a step does
/// not.
pub struct BorrowedIter<'txn, D, M, E: Driver>
where
    Reader<E>: PinnedRead,
{
    entries: Entries<'txn, Transaction<ReadOnly, E>>,
    driver: &'txn str,
    model: PhantomData<fn() -> (D, M)>,
}

impl<'txn, D, M, E> BorrowedIter<'txn, D, M, E>
where
    D: NetabaseDefinitionTrait,
    M: NetabaseModelTrait<D>,
    E: Driver,
    Reader<E>: PinnedRead,
{
    /// The borrowed view of the next record, valid until the iterator moves.
    pub fn next_ref(&mut self) -> Option<Result<M::Ref<'_>, NetabaseError>> {
        match self.entries.next_entry(Direction::Forward) {
            Ok(Some((key, value))) => Some(
                value::decode_ref::<M>(value)
                    .map_err(|error| iter::locate::<M>(error, self.driver).at_key(key)),
            ),
            Ok(None) => None,
            Err(error) => Some(Err(iter::locate::<M>(error, self.driver))),
        }
    }

    #[inline]
    fn step(
        &mut self,
        direction: Direction,
    ) -> Option<Result<BorrowedGuard<'txn, M, E>, NetabaseError>> {
        match self.entries.advance(direction) {
            Ok(true) => Some(match self.entries.pin_value(direction) {
                Some(value) => Ok(BorrowedGuard::new(value, self.driver)),
                None => Err(iter::locate::<M>(unpinned(), self.driver)),
            }),
            Ok(false) => None,
            Err(error) => Some(Err(iter::locate::<M>(error, self.driver))),
        }
    }
}

impl<'txn, D, M, E> Iterator for BorrowedIter<'txn, D, M, E>
where
    D: NetabaseDefinitionTrait,
    M: NetabaseModelTrait<D>,
    E: Driver,
    Reader<E>: PinnedRead,
{
    type Item = Result<BorrowedGuard<'txn, M, E>, NetabaseError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.step(Direction::Forward)
    }
}

impl<D, M, E> DoubleEndedIterator for BorrowedIter<'_, D, M, E>
where
    D: NetabaseDefinitionTrait,
    M: NetabaseModelTrait<D>,
    E: Driver,
    Reader<E>: PinnedRead,
{
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        self.step(Direction::Backward)
    }
}

impl<D, M, E> FusedIterator for BorrowedIter<'_, D, M, E>
where
    D: NetabaseDefinitionTrait,
    M: NetabaseModelTrait<D>,
    E: Driver,
    Reader<E>: PinnedRead,
{
}

impl<D, M: Record, E: Driver> fmt::Debug for BorrowedIter<'_, D, M, E>
where
    Reader<E>: PinnedRead,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BorrowedIter")
            .field("model", &M::INFO.name)
            .field("done", &self.entries.is_done())
            .finish_non_exhaustive()
    }
}

/// Records in the order of a secondary key, then of their primary keys, pinned to their transaction.
///
/// Items are as those of [`BorrowedIter`]. Each costs one step of the index and one descent of the records.
pub struct BorrowedIndexIter<'txn, D, M, K, E: Driver>
where
    Reader<E>: PinnedRead,
{
    entries: Entries<'txn, Transaction<ReadOnly, E>>,
    records: TreeId,
    /// What [`next_ref`](Self::next_ref) lends.
    current: Option<Value<'txn, E>>,
    driver: &'txn str,
    model: PhantomData<(D, M, K)>,
}

impl<'txn, D, M, K, E> BorrowedIndexIter<'txn, D, M, K, E>
where
    D: NetabaseDefinitionTrait,
    M: NetabaseModelTrait<D>,
    K: SecondaryKey<Model = M>,
    E: Driver,
    Reader<E>: PinnedRead,
{
    /// The borrowed view of the next record, valid until the iterator moves.
    pub fn next_ref(&mut self) -> Option<Result<M::Ref<'_>, NetabaseError>> {
        let value = match self.step(Direction::Forward)? {
            Ok(value) => &*self.current.insert(value),
            Err(error) => return Some(Err(error)),
        };
        Some(
            value::decode_ref::<M>(value.as_ref())
                .map_err(|error| iter::locate::<M>(error, self.driver)),
        )
    }

    #[inline]
    fn step(&mut self, direction: Direction) -> Option<Result<Value<'txn, E>, NetabaseError>> {
        match self.entries.advance(direction) {
            Ok(true) => Some(
                self.follow(direction)
                    .map_err(|error| iter::locate::<M>(error, self.driver)),
            ),
            Ok(false) => None,
            Err(error) => {
                let tree = M::INFO.indexes[K::INDEX].tree;
                Some(Err(iter::locate::<M>(error, self.driver).in_tree(tree)))
            }
        }
    }

    #[inline]
    fn follow(&self, direction: Direction) -> Result<Value<'txn, E>, NetabaseError> {
        let (key, value) = self.entries.entry(direction);
        let primary = index::primary_of(M::INFO.indexes[K::INDEX].unique, key, value, K::skip_key)?;
        self.entries
            .transaction
            .get_pinned(self.records, primary)?
            .ok_or_else(|| iter::dangling::<M>(K::INDEX))
    }
}

impl<'txn, D, M, K, E> Iterator for BorrowedIndexIter<'txn, D, M, K, E>
where
    D: NetabaseDefinitionTrait,
    M: NetabaseModelTrait<D>,
    K: SecondaryKey<Model = M>,
    E: Driver,
    Reader<E>: PinnedRead,
{
    type Item = Result<BorrowedGuard<'txn, M, E>, NetabaseError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let value = self.step(Direction::Forward)?;
        Some(value.map(|value| BorrowedGuard::new(value, self.driver)))
    }
}

impl<D, M, K, E> DoubleEndedIterator for BorrowedIndexIter<'_, D, M, K, E>
where
    D: NetabaseDefinitionTrait,
    M: NetabaseModelTrait<D>,
    K: SecondaryKey<Model = M>,
    E: Driver,
    Reader<E>: PinnedRead,
{
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        let value = self.step(Direction::Backward)?;
        Some(value.map(|value| BorrowedGuard::new(value, self.driver)))
    }
}

impl<D, M, K, E> FusedIterator for BorrowedIndexIter<'_, D, M, K, E>
where
    D: NetabaseDefinitionTrait,
    M: NetabaseModelTrait<D>,
    K: SecondaryKey<Model = M>,
    E: Driver,
    Reader<E>: PinnedRead,
{
}

impl<D, M: Record, K: SecondaryKey, E: Driver> fmt::Debug for BorrowedIndexIter<'_, D, M, K, E>
where
    Reader<E>: PinnedRead,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BorrowedIndexIter")
            .field("index", &M::INFO.indexes[K::INDEX].tree)
            .field("done", &self.entries.is_done())
            .finish_non_exhaustive()
    }
}

/// Reads pinned to the transaction, on an engine that can pin them.
///
/// What they give borrows from the transaction alone, not from this view of it.
impl<'txn, D, M, E> TreeView<'txn, D, M, ReadOnly, E>
where
    D: NetabaseDefinitionTrait,
    M: NetabaseModelTrait<D>,
    E: Driver,
    Reader<E>: PinnedRead,
{
    /// The record with this primary key, pinned. One descent; nothing is decoded, copied or allocated.
    ///
    /// # Errors
    /// An error of the engine.
    #[inline]
    pub fn get_pinned(
        &self,
        key: impl Borrow<M::PrimaryKey>,
    ) -> Result<Option<BorrowedGuard<'txn, M, E>>, NetabaseError> {
        scratch::with(|scratch| {
            scratch.primary.clear();
            key.borrow().encode_key(&mut scratch.primary);
            let found = match self.records() {
                Ok(tree) => self
                    .transaction
                    .get_pinned(tree, &scratch.primary)
                    .map_err(NetabaseError::from),
                Err(error) => Err(error),
            };
            match found {
                Ok(Some(value)) => Ok(Some(BorrowedGuard::new(value, self.driver))),
                Ok(None) => Ok(None),
                Err(error) => Err(self.locate(error, "get_pinned").at_key(&scratch.primary)),
            }
        })
    }

    /// The records with these primary keys, pinned, in their order; `None` for those that are not there.
    ///
    /// # Errors
    /// As [`get_pinned`](Self::get_pinned).
    pub fn get_many_pinned<K: Borrow<M::PrimaryKey>>(
        &self,
        keys: impl IntoIterator<Item = K>,
    ) -> Result<Vec<Option<BorrowedGuard<'txn, M, E>>>, NetabaseError> {
        keys.into_iter().map(|key| self.get_pinned(key)).collect()
    }

    /// The records with this secondary key, pinned, in the order of their primary keys, all at once.
    ///
    /// # Errors
    /// An error of the engine, or [`Corrupt`](ErrorKind::Corrupt) if the index points to a record that is not there.
    pub fn get_pinned_by_secondary_key(
        &self,
        key: impl Borrow<M::SecondaryKeys>,
    ) -> Result<Vec<BorrowedGuard<'txn, M, E>>, NetabaseError> {
        let mut found = Vec::new();
        self.for_each_by(key.borrow(), |records, primary| {
            let value = self.transaction.get_pinned(records, primary)?;
            Ok(value.map(|value| found.push(BorrowedGuard::new(value, self.driver))))
        })
        .map_err(|error| self.locate(error, "get_pinned_by_secondary_key"))?;
        Ok(found)
    }

    /// Every record, pinned, in the order of the primary keys.
    ///
    /// # Errors
    /// An error of the engine; one that comes up on the way is an item of the iterator.
    pub fn iter_pinned(&self) -> Result<BorrowedIter<'txn, D, M, E>, NetabaseError> {
        self.iterate_pinned(iter::ALL, "iter_pinned")
    }

    /// The records whose primary keys lie in `range`, pinned, in order. An empty or inverted range has none.
    ///
    /// # Errors
    /// As [`iter_pinned`](Self::iter_pinned).
    pub fn range_pinned(
        &self,
        range: impl RangeBounds<M::PrimaryKey>,
    ) -> Result<BorrowedIter<'txn, D, M, E>, NetabaseError> {
        self.iterate_pinned(iter::record_bounds(&range), "range_pinned")
    }

    /// The records whose primary keys begin with `prefix`, pinned, in order; see [`prefix`](Self::prefix).
    ///
    /// # Errors
    /// As [`iter_pinned`](Self::iter_pinned).
    pub fn prefix_pinned(
        &self,
        prefix: impl KeyPrefix<<M::PrimaryKey as ModelKey>::Fields>,
    ) -> Result<BorrowedIter<'txn, D, M, E>, NetabaseError> {
        self.iterate_pinned(iter::prefix_bounds(&prefix), "prefix_pinned")
    }

    /// The record with the smallest primary key, pinned.
    ///
    /// # Errors
    /// An error of the engine.
    pub fn first_pinned(&self) -> Result<Option<BorrowedGuard<'txn, M, E>>, NetabaseError> {
        self.iter_pinned()?.next().transpose()
    }

    /// The record with the largest primary key, pinned.
    ///
    /// # Errors
    /// An error of the engine.
    pub fn last_pinned(&self) -> Result<Option<BorrowedGuard<'txn, M, E>>, NetabaseError> {
        self.iter_pinned()?.next_back().transpose()
    }

    /// The records with this secondary key, pinned, in the order of their primary keys, one at a time.
    ///
    /// # Errors
    /// As [`iter_pinned`](Self::iter_pinned).
    pub fn by_pinned<K: SecondaryKey<Model = M>>(
        &self,
        key: impl Borrow<K>,
    ) -> Result<BorrowedIndexIter<'txn, D, M, K, E>, NetabaseError> {
        let key = key.borrow();
        let bounds = iter::index_bounds::<K>(&(Bound::Included(key), Bound::Included(key)));
        self.iterate_index_pinned(bounds, "by_pinned")
    }

    /// The records whose secondary keys lie in `range`, pinned, in the order of the secondary keys.
    ///
    /// # Errors
    /// As [`iter_pinned`](Self::iter_pinned).
    pub fn range_by_pinned<K: SecondaryKey<Model = M>>(
        &self,
        range: impl RangeBounds<K>,
    ) -> Result<BorrowedIndexIter<'txn, D, M, K, E>, NetabaseError> {
        self.iterate_index_pinned(iter::index_bounds(&range), "range_by_pinned")
    }

    /// The records whose secondary keys begin with `prefix`, pinned, in the order of the secondary keys.
    ///
    /// # Errors
    /// As [`iter_pinned`](Self::iter_pinned).
    pub fn prefix_by_pinned<K: SecondaryKey<Model = M>>(
        &self,
        prefix: impl KeyPrefix<K::Fields>,
    ) -> Result<BorrowedIndexIter<'txn, D, M, K, E>, NetabaseError> {
        self.iterate_index_pinned(iter::prefix_bounds(&prefix), "prefix_by_pinned")
    }

    fn iterate_pinned(
        &self,
        bounds: OwnedBounds,
        operation: &'static str,
    ) -> Result<BorrowedIter<'txn, D, M, E>, NetabaseError> {
        let tree = self
            .records()
            .map_err(|error| self.locate(error, operation))?;
        Ok(BorrowedIter {
            entries: Entries::new(self.transaction, tree, bounds),
            driver: self.driver,
            model: PhantomData,
        })
    }

    fn iterate_index_pinned<K: SecondaryKey<Model = M>>(
        &self,
        bounds: OwnedBounds,
        operation: &'static str,
    ) -> Result<BorrowedIndexIter<'txn, D, M, K, E>, NetabaseError> {
        let trees = self
            .records()
            .and_then(|records| Ok((records, self.index(K::INDEX)?)));
        let (records, tree) = trees.map_err(|error| self.locate(error, operation))?;
        Ok(BorrowedIndexIter {
            entries: Entries::new(self.transaction, tree, bounds),
            records,
            current: None,
            driver: self.driver,
            model: PhantomData,
        })
    }
}
