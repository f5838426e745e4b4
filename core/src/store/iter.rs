//! Iterators: over records, and over records through an index. Double-ended, streaming, one entry at a time.

use std::fmt;
use std::iter::FusedIterator;
use std::marker::PhantomData;
use std::ops::Bound;

use super::state::sealed::Indexed;
use super::state::{Mode, Transaction};
use crate::codec::as_key::{AsKey, KeyRange};
use crate::codec::checksum::RecordForm;
use crate::codec::key::{self, KeyPrefix};
use crate::driver::{
    Bounds, Cursor, Direction, Driver, DriverError, ErrorKind, PinnedRead, Read,
    Result as DriverResult, TreeId, prefix_end,
};
use crate::error::NetabaseError;
use crate::index;
use crate::model::value;
use crate::model::{NetabaseDefinitionTrait, NetabaseModelTrait, Record, SecondaryKey};
use crate::schema::ModelTrees;

/// Encoded bounds; `None` where nothing can lie within.
pub(crate) type OwnedBounds = Option<(Bound<Vec<u8>>, Bound<Vec<u8>>)>;

/// Every entry.
pub(crate) const ALL: OwnedBounds = Some((Bound::Unbounded, Bound::Unbounded));

/// The bounds of a range of primary keys in the tree of the records.
pub(crate) fn record_bounds<K>(range: &impl KeyRange<K>) -> OwnedBounds {
    Some(range.encode_bounds())
}

/// The bounds of the keys that begin with a prefix.
pub(crate) fn prefix_bounds<K>(prefix: &impl KeyPrefix<K>) -> OwnedBounds {
    let mut start = Vec::new();
    prefix.encode_prefix(&mut start);
    let end = prefix_end(start.clone()).map_or(Bound::Unbounded, Bound::Excluded);
    Some((Bound::Included(start), end))
}

/// The bounds of a range of secondary keys in the tree of an index, where each key is followed by a primary key.
pub(crate) fn index_bounds<K>(range: &impl KeyRange<K>) -> OwnedBounds {
    let (lower, upper) = range.encode_bounds();
    let lower = match lower {
        Bound::Excluded(key) => Bound::Included(prefix_end(key)?),
        lower => lower,
    };
    let upper = match upper {
        Bound::Included(key) => prefix_end(key).map_or(Bound::Unbounded, Bound::Excluded),
        upper => upper,
    };
    Some((lower, upper))
}

/// The bounds of one secondary key in the tree of an index.
pub(crate) fn key_bounds<K>(key: &impl AsKey<K>) -> OwnedBounds {
    index_bounds(&(Bound::Included(key), Bound::Included(key)))
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
pub(super) struct Ends<C> {
    front: Option<C>,
    back: Option<C>,
    done: bool,
}

impl<C> Ends<C> {
    pub(super) fn new(done: bool) -> Self {
        Self {
            front: None,
            back: None,
            done,
        }
    }

    /// Moves the cursor of this direction with `step`, unless the other one has passed there already.
    #[inline]
    pub(super) fn advance(
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
    pub(super) fn get(&self, direction: Direction) -> Option<&C> {
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
    count: Count,
}

/// The entries that a read of a whole tree has given, where their number is to be that which the engine keeps.
#[derive(Debug, Clone, Copy)]
pub(super) struct Count {
    is_compared: bool,
    given: u64,
}

impl Count {
    pub(super) fn new(is_compared: bool) -> Self {
        Self {
            is_compared,
            given: 0,
        }
    }

    /// Counts what a step has given. A step that failed ends the read, and says enough.
    #[inline]
    pub(super) fn note<X>(&mut self, advanced: &Result<bool, X>) {
        match advanced {
            Ok(advanced) => self.given += u64::from(*advanced),
            Err(_) => self.is_compared = false,
        }
    }

    /// Compares the two once the end has been met. Later calls find nothing.
    pub(super) fn check(&mut self, reader: &impl Read, tree: TreeId) -> DriverResult<()> {
        if !std::mem::take(&mut self.is_compared) {
            return Ok(());
        }
        let kept = reader.len(tree)?;
        if kept == self.given {
            Ok(())
        } else {
            Err(miscounted(self.given, kept))
        }
    }
}

#[cold]
fn miscounted(given: u64, kept: u64) -> DriverError {
    DriverError::new(
        ErrorKind::Corrupt,
        format!(
            "the database is damaged: it gave {given} entries of a tree that has {kept}; check the disk, see what `netabase \
             verify` finds, and restore a backup"
        ),
    )
}

impl<'t, T: Read + 't> Entries<'t, T> {
    pub(super) fn new(
        transaction: &'t T,
        tree: TreeId,
        bounds: OwnedBounds,
        compares_counts: bool,
    ) -> Self {
        let ends = Ends::new(bounds.is_none());
        Self {
            transaction,
            tree,
            count: Count::new(compares_counts && bounds == ALL),
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
            count,
        } = self;
        let open = || transaction.cursor(*tree, borrowed(bounds), direction);
        let advanced = ends.advance(direction, open, T::Cursor::advance, T::Cursor::key);
        count.note(&advanced);
        if let Ok(false) = advanced {
            count.check(*transaction, *tree)?;
        }
        advanced
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
                self.count.note(&next.as_ref().map(Option::is_some));
                if let Ok(None) = next {
                    self.count.check(self.transaction, self.tree)?;
                }
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

/// What an iterator goes by: [`ByPrimaryKey`], or a secondary key such as `UserEmailSecondaryKey`, and among equal ones the
/// primary key.
pub trait Order<M>: sealed::Order {}

/// The order of the primary keys.
#[derive(Debug, Clone, Copy)]
pub enum ByPrimaryKey {}

impl<M: Record> Order<M> for ByPrimaryKey {}

impl<M: Record, K: SecondaryKey<Model = M>> Order<M> for K {}

mod sealed {
    use super::{ByPrimaryKey, SecondaryKey};

    pub trait Order {
        /// The place of the index whose entries are read; `None` for the records themselves.
        const INDEX: Option<usize>;
    }

    impl Order for ByPrimaryKey {
        const INDEX: Option<usize> = None;
    }

    impl<K: SecondaryKey> Order for K {
        const INDEX: Option<usize> = Some(K::INDEX);
    }
}

/// Records, from either end, in the order `O`.
///
/// Each item is a key with its record, or an error: an error of the engine ends the iteration, a record that cannot be
/// decoded does not. [`next_ref`](Self::next_ref) and [`next_with`](Self::next_with) give borrowed views instead. In the
/// order of a secondary key, an item costs one step of the index and one descent of the records.
pub struct Iter<'t, D, M, Md: Mode, E: Driver, O = ByPrimaryKey> {
    pub(super) entries: Entries<'t, Transaction<Md, E>>,
    pub(super) records: TreeId,
    pub(super) form: RecordForm,
    pub(super) driver: &'t str,
    pub(super) check: IndexCheck,
    model: PhantomData<(D, M, O)>,
}

impl<'t, D, M, Md, E, O> Iter<'t, D, M, Md, E, O>
where
    D: NetabaseDefinitionTrait,
    M: NetabaseModelTrait<D>,
    Md: Mode,
    E: Driver,
    O: Order<M>,
{
    /// The records whose entries in `tree`, of an index or of the records themselves, lie within `bounds`.
    pub(super) fn new(
        transaction: &'t Transaction<Md, E>,
        tree: TreeId,
        records: TreeId,
        stored: &ModelTrees,
        bounds: OwnedBounds,
        driver: &'t str,
    ) -> Self {
        let form = stored.form;
        let compares_counts = Md::IS_SNAPSHOT && stored.compares_counts;
        Self {
            entries: Entries::new(transaction, tree, bounds, compares_counts),
            records,
            form,
            driver,
            check: IndexCheck::new(form),
            model: PhantomData,
        }
    }

    /// Hands the borrowed view of the next record to `visit`. Nothing is copied or allocated.
    #[inline]
    pub fn next_with<R>(
        &mut self,
        visit: impl FnOnce(M::Ref<'_>) -> R,
    ) -> Option<Result<R, NetabaseError>> {
        self.step(Direction::Forward, |_, view| Ok(visit(view)))
    }

    /// The borrowed view of the record in the next entry, where the entries are the records.
    #[inline]
    pub(super) fn lend(&mut self) -> Option<Result<M::Ref<'_>, NetabaseError>> {
        match self.entries.next_entry(Direction::Forward) {
            Ok(Some((key, value))) => Some(
                (self.form.open(key, value))
                    .and_then(value::decode_ref::<M>)
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
    fn step<R>(
        &mut self,
        direction: Direction,
        read: impl FnOnce(&[u8], M::Ref<'_>) -> Result<R, NetabaseError>,
    ) -> Option<Result<R, NetabaseError>> {
        let (transaction, records, driver) = (self.entries.transaction, self.records, self.driver);
        let (form, check) = (self.form, &mut self.check);
        if O::INDEX.is_some()
            && let Err(error) = transaction.check_indexes(M::INFO.name)
        {
            return Some(Err(locate::<M>(error, driver)));
        }
        match self.entries.next_entry(direction) {
            Ok(Some((key, value))) => Some(match O::INDEX {
                None => (form.open(key, value))
                    .and_then(|value| read(key, value::decode_ref::<M>(value)?))
                    .map_err(|error| locate::<M>(error, driver).at_key(key)),
                Some(index) => follow::<M>(index, key, value)
                    .and_then(|(secondary, primary)| {
                        transaction
                            .get(records, primary, |record| {
                                let view = value::decode_ref::<M>(form.open(primary, record)?)?;
                                check.leads_to::<M>(index, secondary, &view)?;
                                read(primary, view)
                            })?
                            .unwrap_or_else(|| Err(dangling::<M>(index)))
                    })
                    .map_err(|error| locate::<M>(error, driver)),
            }),
            Ok(None) => None,
            Err(error) => Some(Err(self.locate_entry(error))),
        }
    }

    /// An error of the tree that is walked through.
    #[cold]
    pub(super) fn locate_entry(&self, error: impl Into<NetabaseError>) -> NetabaseError {
        let error = locate::<M>(error, self.driver);
        match O::INDEX {
            None => error,
            Some(index) => error.in_tree(M::INFO.indexes[index].tree),
        }
    }
}

impl<D, M, Md, E> Iter<'_, D, M, Md, E>
where
    D: NetabaseDefinitionTrait,
    M: NetabaseModelTrait<D>,
    Md: Mode,
    E: Driver,
{
    /// The borrowed view of the next record, valid until the iterator moves. Nothing is copied or allocated.
    #[inline]
    pub fn next_ref(&mut self) -> Option<Result<M::Ref<'_>, NetabaseError>> {
        self.lend()
    }
}

/// The secondary and the primary key in an entry of the index at this place.
#[inline]
pub(super) fn follow<'a, M: Record>(
    index: usize,
    key: &'a [u8],
    value: &'a [u8],
) -> Result<(&'a [u8], &'a [u8]), NetabaseError> {
    let skip = |input: &mut &[u8]| M::skip_secondary_key(index, input);
    Ok(index::entry_keys(
        M::INFO.indexes[index].unique,
        key,
        value,
        skip,
    )?)
}

/// Checks that index entries lead to records which have their secondary keys, where the database checks its records.
#[derive(Debug)]
pub(super) struct IndexCheck {
    is_on: bool,
    key: Vec<u8>,
}

impl IndexCheck {
    #[inline]
    pub(super) fn new(form: RecordForm) -> Self {
        Self {
            is_on: form.has_checksums,
            key: Vec::new(),
        }
    }

    /// Refuses a record that does not have the secondary key of the entry which led to it.
    #[inline]
    pub(super) fn leads_to<M: Record>(
        &mut self,
        index: usize,
        secondary: &[u8],
        view: &M::Ref<'_>,
    ) -> Result<(), NetabaseError> {
        if !self.is_on {
            return Ok(());
        }
        self.key.clear();
        M::encode_secondary_key_of(view, index, &mut self.key);
        if self.key == secondary {
            Ok(())
        } else {
            Err(misleading::<M>(index))
        }
    }
}

impl IndexCheck {
    /// [`leads_to`](Self::leads_to) for an encoded record that nobody has decoded yet.
    #[inline]
    pub(super) fn leads_to_bytes<M: Record>(
        &mut self,
        index: usize,
        secondary: &[u8],
        record: &[u8],
    ) -> Result<(), NetabaseError> {
        if !self.is_on {
            return Ok(());
        }
        self.leads_to::<M>(index, secondary, &value::decode_ref::<M>(record)?)
    }
}

#[cold]
fn misleading<M: Record>(index: usize) -> NetabaseError {
    NetabaseError::new(
        ErrorKind::Corrupt,
        "an index entry leads to a record that has another key; check the disk, and build the index again by removing and \
         restoring its attribute, or restore a backup",
    )
    .in_tree(M::INFO.indexes[index].tree)
}

#[inline]
pub(super) fn pair<D, M>(key: &[u8], view: M::Ref<'_>) -> Result<(M::PrimaryKey, M), NetabaseError>
where
    D: NetabaseDefinitionTrait,
    M: NetabaseModelTrait<D>,
{
    Ok((key::decode(key)?, M::from_ref(view)))
}

#[cold]
pub(super) fn locate<M: Record>(error: impl Into<NetabaseError>, driver: &str) -> NetabaseError {
    error
        .into()
        .during("iterate")
        .on_driver(driver.to_owned())
        .in_tree(M::INFO.name)
}

/// The traits of an iterator whose `step` takes a direction and a way to read what is there.
macro_rules! iterator_traits {
    ($name:ident[$($lifetime:lifetime),*; $($parameter:ident),*] where [$($bounds:tt)*] gives $item:ty: $step:expr) => {
        impl<$($lifetime,)* $($parameter),*> Iterator for $name<$($lifetime,)* $($parameter),*>
        where
            $($bounds)*
        {
            type Item = Result<$item, NetabaseError>;

            #[inline]
            fn next(&mut self) -> Option<Self::Item> {
                $step(self, Direction::Forward)
            }
        }

        impl<$($lifetime,)* $($parameter),*> DoubleEndedIterator for $name<$($lifetime,)* $($parameter),*>
        where
            $($bounds)*
        {
            #[inline]
            fn next_back(&mut self) -> Option<Self::Item> {
                $step(self, Direction::Backward)
            }
        }

        impl<$($lifetime,)* $($parameter),*> FusedIterator for $name<$($lifetime,)* $($parameter),*>
        where
            $($bounds)*
        {
        }
    };
}

pub(super) use iterator_traits;

iterator_traits!(
    Iter['t; D, M, Md, E, O]
    where [D: NetabaseDefinitionTrait, M: NetabaseModelTrait<D>, Md: Mode, E: Driver, O: Order<M>]
    gives (M::PrimaryKey, M): |iter: &mut Self, direction| iter.step(direction, pair::<D, M>)
);

impl<D, M: Record, Md: Mode, E: Driver, O: Order<M>> fmt::Debug for Iter<'_, D, M, Md, E, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        debug::<M, O>("Iter", self.entries.is_done(), f)
    }
}

/// What is walked through, and whether the end has been met.
pub(super) fn debug<M: Record, O: Order<M>>(
    name: &str,
    done: bool,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    let tree = O::INDEX.map_or(M::INFO.name, |index| M::INFO.indexes[index].tree);
    f.debug_struct(name)
        .field("tree", &tree)
        .field("done", &done)
        .finish_non_exhaustive()
}
