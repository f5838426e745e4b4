//! Iterators: over records, and over records through an index. Double-ended, streaming, one entry at a time.

use std::fmt;
use std::iter::FusedIterator;
use std::marker::PhantomData;
use std::ops::{Bound, RangeBounds};

use super::transaction::sealed::Indexed;
use super::transaction::{Mode, ReadOnly, Transaction, TxnGuard};
use crate::codec::key::{self, EncodeKey, KeyPrefix};
use crate::codec::value;
use crate::driver::ResumingCursor;
use crate::driver::{
    Bounds, Cursor, Direction, Driver, ErrorKind, PinnedRead, Read, Result as DriverResult, TreeId,
    prefix_end,
};
use crate::error::NetabaseError;
use crate::index;
use crate::model::{NetabaseDefinitionTrait, NetabaseModelTrait, Record, SecondaryKey};

/// Encoded bounds; `None` where nothing can lie within.
pub(crate) type OwnedBounds = Option<(Bound<Vec<u8>>, Bound<Vec<u8>>)>;

/// Every entry.
pub(crate) const ALL: OwnedBounds = Some((Bound::Unbounded, Bound::Unbounded));

/// The bounds of a range of primary keys in the tree of the records.
pub(crate) fn record_bounds<K: EncodeKey>(range: &impl RangeBounds<K>) -> OwnedBounds {
    Some((
        range.start_bound().map(key::encode),
        range.end_bound().map(key::encode),
    ))
}

/// The bounds of the keys that begin with a prefix.
pub(crate) fn prefix_bounds<K>(prefix: &impl KeyPrefix<K>) -> OwnedBounds {
    let mut start = Vec::new();
    prefix.encode_prefix(&mut start);
    let end = prefix_end(start.clone()).map_or(Bound::Unbounded, Bound::Excluded);
    Some((Bound::Included(start), end))
}

/// The bounds of a range of secondary keys in the tree of an index, where each key is followed by a primary key.
pub(crate) fn index_bounds<K: EncodeKey>(range: &impl RangeBounds<K>) -> OwnedBounds {
    let after = |key: &K| prefix_end(key::encode(key));
    let lower = match range.start_bound() {
        Bound::Unbounded => Bound::Unbounded,
        Bound::Included(key) => Bound::Included(key::encode(key)),
        Bound::Excluded(key) => Bound::Included(after(key)?),
    };
    let upper = match range.end_bound() {
        Bound::Unbounded => Bound::Unbounded,
        Bound::Included(key) => after(key).map_or(Bound::Unbounded, Bound::Excluded),
        Bound::Excluded(key) => Bound::Excluded(key::encode(key)),
    };
    Some((lower, upper))
}

#[cold]
pub(crate) fn dangling<M: Record>(index: usize) -> NetabaseError {
    NetabaseError::new(
        ErrorKind::Corrupt,
        "an index entry points to a record that is not there; clear the index by removing and restoring its attribute, \
         or restore a backup",
    )
    .in_tree(M::INFO.indexes[index].tree)
}

/// The two ends of an iteration, each opened when it is first asked for.
struct Ends<C> {
    front: Option<C>,
    back: Option<C>,
    done: bool,
}

impl<C> Ends<C> {
    fn new(done: bool) -> Self {
        Self {
            front: None,
            back: None,
            done,
        }
    }

    /// Moves the cursor of this direction with `step`, unless the other one has passed there already.
    #[inline]
    fn advance(
        &mut self,
        direction: Direction,
        open: impl FnOnce() -> DriverResult<C>,
        step: impl FnOnce(&mut C) -> DriverResult<bool>,
        key: impl Fn(&C) -> &[u8],
    ) -> DriverResult<bool> {
        if self.done {
            return Ok(false);
        }
        let end = match direction {
            Direction::Forward => &mut self.front,
            Direction::Backward => &mut self.back,
        };
        let advanced = match end {
            Some(cursor) => step(cursor),
            None => open().and_then(|cursor| step(end.insert(cursor))),
        };
        self.done = match (&advanced, &self.front, &self.back) {
            (Ok(true), Some(front), Some(back)) => key(front) >= key(back),
            (Ok(true), _, _) => false,
            (Ok(false) | Err(_), _, _) => true,
        };
        advanced.map(|_| !self.done)
    }

    #[inline]
    fn get(&self, direction: Direction) -> Option<&C> {
        match direction {
            Direction::Forward => self.front.as_ref(),
            Direction::Backward => self.back.as_ref(),
        }
    }

    #[inline]
    fn get_mut(&mut self, direction: Direction) -> Option<&mut C> {
        match direction {
            Direction::Forward => self.front.as_mut(),
            Direction::Backward => self.back.as_mut(),
        }
    }
}

fn borrowed((lower, upper): &(Bound<Vec<u8>>, Bound<Vec<u8>>)) -> Bounds<'_> {
    Bounds {
        lower: lower.as_ref().map(Vec::as_slice),
        upper: upper.as_ref().map(Vec::as_slice),
    }
}

/// The entries within bounds, taken from either end.
pub(super) struct Entries<'t, T: Read> {
    pub(super) transaction: &'t T,
    tree: TreeId,
    bounds: (Bound<Vec<u8>>, Bound<Vec<u8>>),
    ends: Ends<T::Cursor<'t>>,
}

impl<'t, T: Read + 't> Entries<'t, T> {
    pub(super) fn new(transaction: &'t T, tree: TreeId, bounds: OwnedBounds) -> Self {
        let ends = Ends::new(bounds.is_none());
        Self {
            transaction,
            tree,
            bounds: bounds.unwrap_or((Bound::Unbounded, Bound::Unbounded)),
            ends,
        }
    }

    #[inline]
    pub(super) fn advance(&mut self, direction: Direction) -> DriverResult<bool> {
        let Self {
            transaction,
            tree,
            bounds,
            ends,
        } = self;
        let open = || transaction.cursor(*tree, borrowed(bounds), direction);
        ends.advance(direction, open, T::Cursor::advance, T::Cursor::key)
    }

    /// The entry that [`advance`](Self::advance) moved to last in this direction.
    #[inline]
    pub(super) fn entry(&self, direction: Direction) -> (&[u8], &[u8]) {
        self.ends
            .get(direction)
            .map_or((&[], &[]), |cursor| (cursor.key(), cursor.value()))
    }

    /// The next entry of this direction.
    #[inline]
    pub(super) fn next_entry(
        &mut self,
        direction: Direction,
    ) -> DriverResult<Option<(&[u8], &[u8])>> {
        let only = match (&self.ends.front, &self.ends.back) {
            (Some(_), None) => direction == Direction::Forward,
            (None, Some(_)) => direction == Direction::Backward,
            _ => false,
        };
        if !only || self.ends.done {
            return self.first_entry(direction);
        }
        let Ends { front, back, done } = &mut self.ends;
        match front.as_mut().or(back.as_mut()) {
            Some(cursor) => {
                let next = cursor.next_entry();
                *done = !matches!(next, Ok(Some(_)));
                next
            }
            None => Ok(None),
        }
    }

    /// [`next_entry`](Self::next_entry) where a cursor is to be opened, or to be kept from passing the other one.
    #[inline(never)]
    fn first_entry(&mut self, direction: Direction) -> DriverResult<Option<(&[u8], &[u8])>> {
        Ok(if self.advance(direction)? {
            Some(self.entry(direction))
        } else {
            None
        })
    }

    /// The value of that entry, kept for as long as the transaction lives.
    #[inline]
    pub(super) fn pin_value(&mut self, direction: Direction) -> Option<T::Guard<'t>>
    where
        T: PinnedRead,
    {
        self.ends.get_mut(direction).and_then(T::pin_value)
    }

    /// The key of the entry that was given last in this direction, unless the iteration has met its end.
    pub(super) fn position(&self, direction: Direction) -> Option<&[u8]> {
        let cursor = self.ends.get(direction)?;
        (!self.ends.done).then(|| cursor.key())
    }

    /// Whether the iteration has met its end.
    pub(super) fn is_done(&self) -> bool {
        self.ends.done
    }
}

/// Records in the order of their primary keys.
///
/// Each item is a key with its record, or an error: an error of the engine ends the iteration, a record that cannot be
/// decoded does not. [`next_ref`](Self::next_ref) gives borrowed views instead.
pub struct Iter<'t, D, M, Md: Mode, E: Driver> {
    entries: Entries<'t, Transaction<Md, E>>,
    driver: &'t str,
    model: PhantomData<fn() -> (D, M)>,
}

impl<'t, D, M, Md, E> Iter<'t, D, M, Md, E>
where
    D: NetabaseDefinitionTrait,
    M: NetabaseModelTrait<D>,
    Md: Mode,
    E: Driver,
{
    pub(crate) fn new(
        transaction: &'t Transaction<Md, E>,
        tree: TreeId,
        bounds: OwnedBounds,
        driver: &'t str,
    ) -> Self {
        Self {
            entries: Entries::new(transaction, tree, bounds),
            driver,
            model: PhantomData,
        }
    }

    /// The borrowed view of the next record, valid until the iterator moves. Nothing is copied or allocated.
    #[inline]
    pub fn next_ref(&mut self) -> Option<Result<M::Ref<'_>, NetabaseError>> {
        match self.entries.next_entry(Direction::Forward) {
            Ok(Some((key, value))) => Some(
                value::decode_ref::<M>(value)
                    .map_err(|error| locate::<M>(error, self.driver).at_key(key)),
            ),
            Ok(None) => None,
            Err(error) => Some(Err(locate::<M>(error, self.driver))),
        }
    }

    /// Where it stands: the stored key of the entry that it gave last in this direction, unless it has met its end.
    pub(super) fn position(&self, direction: Direction) -> Option<&[u8]> {
        self.entries.position(direction)
    }

    #[inline]
    fn step(&mut self, direction: Direction) -> Option<Result<(M::PrimaryKey, M), NetabaseError>> {
        match self.entries.next_entry(direction) {
            Ok(Some((key, value))) => Some(
                pair::<D, M>(key, value)
                    .map_err(|error| locate::<M>(error, self.driver).at_key(key)),
            ),
            Ok(None) => None,
            Err(error) => Some(Err(locate::<M>(error, self.driver))),
        }
    }
}

#[inline]
fn pair<D, M>(key: &[u8], value: &[u8]) -> Result<(M::PrimaryKey, M), NetabaseError>
where
    D: NetabaseDefinitionTrait,
    M: NetabaseModelTrait<D>,
{
    Ok((key::decode(key)?, value::decode(value)?))
}

#[cold]
pub(super) fn locate<M: Record>(error: impl Into<NetabaseError>, driver: &str) -> NetabaseError {
    error
        .into()
        .during("iterate")
        .on_driver(driver.to_owned())
        .in_tree(M::INFO.name)
}

impl<D, M, Md, E> Iterator for Iter<'_, D, M, Md, E>
where
    D: NetabaseDefinitionTrait,
    M: NetabaseModelTrait<D>,
    Md: Mode,
    E: Driver,
{
    type Item = Result<(M::PrimaryKey, M), NetabaseError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.step(Direction::Forward)
    }
}

impl<D, M, Md, E> DoubleEndedIterator for Iter<'_, D, M, Md, E>
where
    D: NetabaseDefinitionTrait,
    M: NetabaseModelTrait<D>,
    Md: Mode,
    E: Driver,
{
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        self.step(Direction::Backward)
    }
}

impl<D, M, Md, E> FusedIterator for Iter<'_, D, M, Md, E>
where
    D: NetabaseDefinitionTrait,
    M: NetabaseModelTrait<D>,
    Md: Mode,
    E: Driver,
{
}

impl<D, M: Record, Md: Mode, E: Driver> fmt::Debug for Iter<'_, D, M, Md, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Iter")
            .field("model", &M::INFO.name)
            .field("done", &self.entries.is_done())
            .finish_non_exhaustive()
    }
}

/// Records in the order of their primary keys, of a snapshot that the iterator holds itself.
///
/// Items are as those of [`Iter`]. Entries are read ahead in batches of up to 64 KiB.
pub struct SnapshotIter<'db, D, M, E: Driver> {
    guard: TxnGuard<'db, D, ReadOnly, E>,
    tree: TreeId,
    ends: Ends<ResumingCursor>,
    model: PhantomData<fn() -> M>,
}

impl<'db, D, M, E> SnapshotIter<'db, D, M, E>
where
    D: NetabaseDefinitionTrait,
    M: NetabaseModelTrait<D>,
    E: Driver,
{
    pub(crate) fn new(guard: TxnGuard<'db, D, ReadOnly, E>) -> Result<Self, NetabaseError> {
        let tree = guard
            .transaction()
            .sized_tree(M::INFO.name, const { M::INFO.record_widths() })
            .map_err(|error| locate::<M>(error, guard.driver()))?;
        Ok(Self {
            guard,
            tree,
            ends: Ends::new(false),
            model: PhantomData,
        })
    }

    fn step(&mut self, direction: Direction) -> Option<Result<(M::PrimaryKey, M), NetabaseError>> {
        let Self {
            guard, tree, ends, ..
        } = self;
        // A snapshot never changes: one generation for its whole life.
        let generation = 0;
        let advanced = ends.advance(
            direction,
            || Ok(ResumingCursor::new(*tree, Bounds::ALL, direction)),
            |cursor| cursor.advance(guard.transaction(), generation),
            ResumingCursor::key,
        );
        match advanced {
            Ok(true) => {
                let cursor = ends.get(direction)?;
                let (key, value) = (cursor.key(), cursor.value());
                Some(
                    pair::<D, M>(key, value)
                        .map_err(|error| locate::<M>(error, guard.driver()).at_key(key)),
                )
            }
            Ok(false) => None,
            Err(error) => Some(Err(locate::<M>(error, guard.driver()))),
        }
    }
}

impl<D: NetabaseDefinitionTrait, M: NetabaseModelTrait<D>, E: Driver> Iterator
    for SnapshotIter<'_, D, M, E>
{
    type Item = Result<(M::PrimaryKey, M), NetabaseError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.step(Direction::Forward)
    }
}

impl<D: NetabaseDefinitionTrait, M: NetabaseModelTrait<D>, E: Driver> DoubleEndedIterator
    for SnapshotIter<'_, D, M, E>
{
    fn next_back(&mut self) -> Option<Self::Item> {
        self.step(Direction::Backward)
    }
}

impl<D: NetabaseDefinitionTrait, M: NetabaseModelTrait<D>, E: Driver> FusedIterator
    for SnapshotIter<'_, D, M, E>
{
}

impl<D, M: Record, E: Driver> fmt::Debug for SnapshotIter<'_, D, M, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SnapshotIter")
            .field("model", &M::INFO.name)
            .field("guard", &self.guard)
            .finish_non_exhaustive()
    }
}

/// Records in the order of a secondary key, then of their primary keys.
///
/// Items are as those of [`Iter`]. Each costs one step of the index and one descent of the records.
pub struct IndexIter<'t, D, M, K, Md: Mode, E: Driver> {
    entries: Entries<'t, Transaction<Md, E>>,
    records: TreeId,
    driver: &'t str,
    model: PhantomData<(D, M, K)>,
}

impl<'t, D, M, K, Md, E> IndexIter<'t, D, M, K, Md, E>
where
    D: NetabaseDefinitionTrait,
    M: NetabaseModelTrait<D>,
    K: SecondaryKey<Model = M>,
    Md: Mode,
    E: Driver,
{
    pub(crate) fn new(
        transaction: &'t Transaction<Md, E>,
        tree: TreeId,
        records: TreeId,
        bounds: OwnedBounds,
        driver: &'t str,
    ) -> Self {
        Self {
            entries: Entries::new(transaction, tree, bounds),
            records,
            driver,
            model: PhantomData,
        }
    }

    /// Hands the borrowed view of the next record to `visit`. Nothing is copied or allocated.
    pub fn next_with<R>(
        &mut self,
        visit: impl FnOnce(M::Ref<'_>) -> R,
    ) -> Option<Result<R, NetabaseError>> {
        self.step(Direction::Forward, |_, value| {
            value::decode_ref::<M>(value).map(visit)
        })
    }

    /// Where it stands: the stored key of the entry that it gave last in this direction, unless it has met its end.
    pub(super) fn position(&self, direction: Direction) -> Option<&[u8]> {
        self.entries.position(direction)
    }

    #[inline]
    fn step<R>(
        &mut self,
        direction: Direction,
        read: impl FnOnce(&[u8], &[u8]) -> Result<R, NetabaseError>,
    ) -> Option<Result<R, NetabaseError>> {
        if let Err(error) = self.entries.transaction.check_indexes(M::INFO.name) {
            return Some(Err(locate::<M>(error, self.driver)));
        }
        let (transaction, records) = (self.entries.transaction, self.records);
        match self.entries.next_entry(direction) {
            Ok(Some((key, value))) => Some(
                Self::follow(transaction, records, key, value, read)
                    .map_err(|error| locate::<M>(error, self.driver)),
            ),
            Ok(None) => None,
            Err(error) => Some(Err(
                locate::<M>(error, self.driver).in_tree(M::INFO.indexes[K::INDEX].tree)
            )),
        }
    }

    #[inline]
    fn follow<R>(
        transaction: &Transaction<Md, E>,
        records: TreeId,
        key: &[u8],
        value: &[u8],
        read: impl FnOnce(&[u8], &[u8]) -> Result<R, NetabaseError>,
    ) -> Result<R, NetabaseError> {
        let primary = index::primary_of(M::INFO.indexes[K::INDEX].unique, key, value, K::skip_key)?;
        transaction
            .get(records, primary, |record| read(primary, record))?
            .unwrap_or_else(|| Err(dangling::<M>(K::INDEX)))
    }
}

impl<D, M, K, Md, E> Iterator for IndexIter<'_, D, M, K, Md, E>
where
    D: NetabaseDefinitionTrait,
    M: NetabaseModelTrait<D>,
    K: SecondaryKey<Model = M>,
    Md: Mode,
    E: Driver,
{
    type Item = Result<(M::PrimaryKey, M), NetabaseError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.step(Direction::Forward, pair::<D, M>)
    }
}

impl<D, M, K, Md, E> DoubleEndedIterator for IndexIter<'_, D, M, K, Md, E>
where
    D: NetabaseDefinitionTrait,
    M: NetabaseModelTrait<D>,
    K: SecondaryKey<Model = M>,
    Md: Mode,
    E: Driver,
{
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        self.step(Direction::Backward, pair::<D, M>)
    }
}

impl<D, M, K, Md, E> FusedIterator for IndexIter<'_, D, M, K, Md, E>
where
    D: NetabaseDefinitionTrait,
    M: NetabaseModelTrait<D>,
    K: SecondaryKey<Model = M>,
    Md: Mode,
    E: Driver,
{
}

impl<D, M: Record, K: SecondaryKey, Md: Mode, E: Driver> fmt::Debug
    for IndexIter<'_, D, M, K, Md, E>
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IndexIter")
            .field("index", &M::INFO.indexes[K::INDEX].tree)
            .finish_non_exhaustive()
    }
}
