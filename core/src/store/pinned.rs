//! Records pinned to their read transaction: guards in the engine's own memory, and iterators that give them.

use std::borrow::Borrow;
use std::fmt;
use std::iter::FusedIterator;
use std::marker::PhantomData;

use super::iter::{
    self, ALL, ByPrimaryKey, IndexCheck, Iter, Order, index_bounds, iterator_traits, key_bounds,
    prefix_bounds, record_bounds,
};
use super::operations::walks;
use super::scratch;
use super::state::ReadOnly;
use super::view::TreeView;
use crate::codec::as_key::{AsKey, KeyRange};
use crate::codec::checksum::RecordForm;
use crate::codec::key::KeyPrefix;
use crate::driver::{Database, Direction, Driver, ErrorKind, PinnedRead};
use crate::error::NetabaseError;
use crate::model::value;
use crate::model::{
    AnySecondaryKey, ModelKey, NetabaseDefinitionTrait, NetabaseModelTrait, Record, SecondaryKey,
};

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
pub struct Pinned<'txn, M, E: Driver>
where
    Reader<E>: PinnedRead,
{
    value: Value<'txn, E>,
    /// The length of the record within `value`.
    length: usize,
    driver: &'txn str,
    model: PhantomData<fn() -> M>,
}

impl<'txn, M: Record, E: Driver> Pinned<'txn, M, E>
where
    Reader<E>: PinnedRead,
{
    #[inline]
    fn new(value: Value<'txn, E>, length: usize, driver: &'txn str) -> Self {
        Self {
            value,
            length,
            driver,
            model: PhantomData,
        }
    }

    /// What is stored under `key`, once its checksum has been checked.
    #[inline]
    fn open(
        value: Value<'txn, E>,
        key: &[u8],
        form: RecordForm,
        driver: &'txn str,
    ) -> Result<Self, NetabaseError> {
        let length = form.open(key, value.as_ref())?.len();
        Ok(Self::new(value, length, driver))
    }

    /// The borrowed view of the record: strings and byte strings lie in the engine's memory, other fields are decoded.
    ///
    /// Nothing is copied or allocated. Each call reads the record again; keep the view rather than ask twice.
    ///
    /// # Errors
    /// [`Codec`](ErrorKind::Codec) if what is stored is not such a record.
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
        &self.value.as_ref()[..self.length]
    }

    #[cold]
    fn locate(&self, error: NetabaseError, operation: &'static str) -> NetabaseError {
        error
            .during(operation)
            .on_driver(self.driver.to_owned())
            .in_tree(M::INFO.name)
    }
}

impl<M: Record, E: Driver> fmt::Debug for Pinned<'_, M, E>
where
    Reader<E>: PinnedRead,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pinned")
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

/// Records pinned to their transaction, from either end, in the order `O`.
///
/// Each item is a record where the engine keeps it, or an error of the engine, which ends the iteration. Opening the
/// iterator allocates; a step does not. In the order of a secondary key, an item costs one step of the index and one
/// descent of the records.
pub struct PinnedIter<'txn, D, M, E: Driver, O = ByPrimaryKey>
where
    Reader<E>: PinnedRead,
{
    iter: Iter<'txn, D, M, ReadOnly, E, O>,
    /// What [`next_ref`](Self::next_ref) lends.
    current: Option<Pinned<'txn, M, E>>,
}

impl<'txn, D, M, E, O> PinnedIter<'txn, D, M, E, O>
where
    D: NetabaseDefinitionTrait,
    M: NetabaseModelTrait<D>,
    E: Driver,
    O: Order<M>,
    Reader<E>: PinnedRead,
{
    /// The borrowed view of the next record, valid until the iterator moves.
    pub fn next_ref(&mut self) -> Option<Result<M::Ref<'_>, NetabaseError>> {
        if O::INDEX.is_none() {
            return self.iter.lend();
        }
        let record = match self.pinned(Direction::Forward)? {
            Ok(record) => &*self.current.insert(record),
            Err(error) => return Some(Err(error)),
        };
        Some(
            value::decode_ref::<M>(record.bytes())
                .map_err(|error| iter::locate::<M>(error, self.iter.driver)),
        )
    }

    #[inline]
    fn pinned(
        &mut self,
        direction: Direction,
    ) -> Option<Result<Pinned<'txn, M, E>, NetabaseError>> {
        let Iter {
            entries,
            records,
            form,
            driver,
            check,
            ..
        } = &mut self.iter;
        match entries.advance(direction) {
            Ok(true) => Some(
                match O::INDEX {
                    None => {
                        let (key, value) = entries.entry(direction);
                        let opened = form.open(key, value).map(<[u8]>::len);
                        opened
                            .map_err(|error| error.at_key(key))
                            .and_then(|length| {
                                let value = entries.pin_value(direction).ok_or_else(unpinned)?;
                                Ok(Pinned::new(value, length, driver))
                            })
                    }
                    Some(index) => {
                        let (key, value) = entries.entry(direction);
                        iter::follow::<M>(index, key, value).and_then(|(secondary, primary)| {
                            let value = (entries.transaction)
                                .get_pinned(*records, primary)?
                                .ok_or_else(|| iter::dangling::<M>(index))?;
                            let record = Pinned::open(value, primary, *form, driver)?;
                            check.leads_to_bytes::<M>(index, secondary, record.bytes())?;
                            Ok(record)
                        })
                    }
                }
                .map_err(|error| iter::locate::<M>(error, driver)),
            ),
            Ok(false) => None,
            Err(error) => Some(Err(self.iter.locate_entry(error))),
        }
    }
}

iterator_traits!(
    PinnedIter['txn; D, M, E, O]
    where [
        D: NetabaseDefinitionTrait, M: NetabaseModelTrait<D>, E: Driver, O: Order<M>, Reader<E>: PinnedRead
    ]
    gives Pinned<'txn, M, E>: Self::pinned
);

impl<D, M: Record, E: Driver, O: Order<M>> fmt::Debug for PinnedIter<'_, D, M, E, O>
where
    Reader<E>: PinnedRead,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        iter::debug::<M, O>("PinnedIter", self.iter.entries.is_done(), f)
    }
}

/// The walks of a view, as iterators that borrow the transaction.
macro_rules! pinned_walks {
    ($(
        $(#[$doc:meta])*
        $name:ident $pinned:ident $([$($generics:tt)*])? ($($argument:ident: $type:ty)?) in $order:ty: $bounds:expr;
    )*) => {$(
        $(#[$doc])*
        ///
        /// Each is pinned to the transaction.
        ///
        /// # Errors
        /// An error of the engine; one that comes up on the way is an item of the iterator.
        pub fn $pinned $(<$($generics)*>)? (
            &self
            $(, $argument: $type)?
        ) -> Result<PinnedIter<'txn, D, M, E, $order>, NetabaseError> {
            let iter = self.walk($bounds, stringify!($pinned))?;
            Ok(PinnedIter { iter, current: None })
        }
    )*};
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
        key: impl AsKey<M::PrimaryKey>,
    ) -> Result<Option<Pinned<'txn, M, E>>, NetabaseError> {
        scratch::with(|scratch| {
            scratch.primary.clear();
            key.encode_as(&mut scratch.primary);
            let found = match self.records() {
                Ok(tree) => self
                    .transaction
                    .get_pinned(tree, &scratch.primary)
                    .map_err(NetabaseError::from),
                Err(error) => Err(error),
            };
            match found {
                Ok(Some(value)) => {
                    Pinned::open(value, &scratch.primary, self.stored.form, self.driver).map(Some)
                }
                Ok(None) => Ok(None),
                Err(error) => Err(error),
            }
            .map_err(|error| self.locate(error, "get_pinned").at_key(&scratch.primary))
        })
    }

    /// The records with these primary keys, pinned, in their order; `None` for those that are not there.
    ///
    /// # Errors
    /// As [`get_pinned`](Self::get_pinned).
    pub fn get_many_pinned(
        &self,
        keys: impl IntoIterator<Item = impl AsKey<M::PrimaryKey>>,
    ) -> Result<Vec<Option<Pinned<'txn, M, E>>>, NetabaseError> {
        keys.into_iter().map(|key| self.get_pinned(key)).collect()
    }

    /// The records with this secondary key, pinned, in the order of their primary keys, all at once.
    ///
    /// # Errors
    /// An error of the engine, or [`Corrupt`](ErrorKind::Corrupt) if the index points to a record that is not there.
    pub fn get_pinned_by_secondary_key(
        &self,
        key: impl Borrow<M::SecondaryKeys>,
    ) -> Result<Vec<Pinned<'txn, M, E>>, NetabaseError> {
        let mut found = Vec::new();
        let key = key.borrow();
        let (index, form) = (key.index(), self.stored.form);
        let mut check = IndexCheck::new(form);
        self.for_each_by(index, key, |records, secondary, primary| {
            let Some(value) = self.transaction.get_pinned(records, primary)? else {
                return Ok(None);
            };
            let record = Pinned::open(value, primary, form, self.driver)?;
            check.leads_to_bytes::<M>(index, secondary, record.bytes())?;
            found.push(record);
            Ok(Some(()))
        })
        .map_err(|error| self.locate(error, "get_pinned_by_secondary_key"))?;
        Ok(found)
    }

    walks!(pinned_walks);

    /// The record with the smallest primary key, pinned.
    ///
    /// # Errors
    /// An error of the engine.
    pub fn first_pinned(&self) -> Result<Option<Pinned<'txn, M, E>>, NetabaseError> {
        self.iter_pinned()?.next().transpose()
    }

    /// The record with the largest primary key, pinned.
    ///
    /// # Errors
    /// An error of the engine.
    pub fn last_pinned(&self) -> Result<Option<Pinned<'txn, M, E>>, NetabaseError> {
        self.iter_pinned()?.next_back().transpose()
    }
}
