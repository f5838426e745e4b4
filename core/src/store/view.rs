//! One model's records within a transaction: reading in every mode, writing in [`ReadWrite`].

use std::borrow::Borrow;
use std::cell::OnceCell;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Bound;

use super::iter::{
    self, ALL, ByPrimaryKey, IndexCheck, Iter, Order, OwnedBounds, index_bounds, key_bounds,
    prefix_bounds, record_bounds,
};
use super::operations::walks;
use super::scratch;
use super::state::sealed::Indexed;
use super::state::{Mode, ReadWrite, Transaction};
use super::write::{self, Bulk, Trees};
use crate::codec::as_key::{AsKey, KeyRange};
use crate::codec::key::{EncodeKey, KeyPrefix};
use crate::driver::checked::CheckedWriter;
use crate::driver::{Bounds, Cursor, Database, Direction, Driver, Read, TreeId};
use crate::error::{ErrorKind, NetabaseError};
use crate::model::value;
use crate::model::{
    AnySecondaryKey, ModelKey, NetabaseDefinitionTrait, NetabaseModelTrait, Record, SecondaryKey,
};
use crate::schema::ModelTrees;

/// The walks of a view, as iterators that borrow it.
macro_rules! streaming_walks {
    ($(
        $(#[$doc:meta])*
        $name:ident $pinned:ident $([$($generics:tt)*])? ($($argument:ident: $type:ty)?) in $order:ty: $bounds:expr;
    )*) => {$(
        $(#[$doc])*
        ///
        /// # Errors
        /// An error of the engine; one that comes up on the way is an item of the iterator.
        pub fn $name $(<$($generics)*>)? (
            &self
            $(, $argument: $type)?
        ) -> Result<Iter<'_, D, M, Md, E, $order>, NetabaseError> {
            self.walk($bounds, stringify!($name))
        }
    )*};
}

/// One model's records within a transaction.
///
/// Any number of views may be open on one guard, also of the same model. Iterators borrow the view and stream: they
/// hold one entry at a time.
pub struct TreeView<'txn, D, M, Md: Mode, E: Driver> {
    pub(super) transaction: &'txn Transaction<Md, E>,
    pub(super) stored: &'txn ModelTrees,
    pub(super) driver: &'txn str,
    records: OnceCell<TreeId>,
    indexes: OnceCell<Box<[OnceCell<TreeId>]>>,
    trees: OnceCell<Trees>,
    model: PhantomData<fn() -> (D, M)>,
}

impl<'txn, D, M, Md, E> TreeView<'txn, D, M, Md, E>
where
    D: NetabaseDefinitionTrait,
    M: NetabaseModelTrait<D>,
    Md: Mode,
    E: Driver,
{
    pub(crate) fn new(
        transaction: &'txn Transaction<Md, E>,
        stored: &'txn ModelTrees,
        driver: &'txn str,
    ) -> Self {
        Self {
            transaction,
            stored,
            driver,
            records: OnceCell::new(),
            indexes: OnceCell::new(),
            trees: OnceCell::new(),
            model: PhantomData,
        }
    }

    /// This view, with the tree of the records looked up.
    pub(super) fn opened(self) -> Result<Self, NetabaseError> {
        match self.records() {
            Ok(_) => Ok(self),
            Err(error) => Err(self.locate(error, "open_tree")),
        }
    }

    /// The record with this primary key. One descent; the record is decoded from the engine's own memory.
    ///
    /// # Errors
    /// [`Codec`](ErrorKind::Codec) if what is stored is not such a record, or an error of the engine.
    pub fn get(&self, key: impl AsKey<M::PrimaryKey>) -> Result<Option<M>, NetabaseError> {
        self.find(&key, "get", value::decode::<M>)
    }

    /// Hands the borrowed view of the record with this primary key to `visit`; nothing is copied or allocated on the way.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn get_with<R>(
        &self,
        key: impl AsKey<M::PrimaryKey>,
        visit: impl FnOnce(M::Ref<'_>) -> R,
    ) -> Result<Option<R>, NetabaseError> {
        self.find(&key, "get_with", |bytes| {
            value::decode_ref::<M>(bytes).map(visit)
        })
    }

    /// The records with these primary keys, in their order; `None` for those that are not there.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn get_many(
        &self,
        keys: impl IntoIterator<Item = impl AsKey<M::PrimaryKey>>,
    ) -> Result<Vec<Option<M>>, NetabaseError> {
        keys.into_iter().map(|key| self.get(key)).collect()
    }

    /// Whether there is a record with this primary key. One descent; nothing is decoded.
    ///
    /// # Errors
    /// An error of the engine.
    pub fn contains(&self, key: impl AsKey<M::PrimaryKey>) -> Result<bool, NetabaseError> {
        scratch::with(|scratch| {
            scratch.primary.clear();
            key.encode_as(&mut scratch.primary);
            self.records()
                .and_then(|tree| Ok(self.transaction.get(tree, &scratch.primary, |_| ())?))
                .map(|found| found.is_some())
                .map_err(|error| self.locate(error, "contains").at_key(&scratch.primary))
        })
    }

    /// The number of records.
    ///
    /// # Errors
    /// [`LimitExceeded`](ErrorKind::LimitExceeded) if a `usize` does not hold it, or an error of the engine.
    pub fn len(&self) -> Result<usize, NetabaseError> {
        let length = self
            .records()
            .and_then(|tree| counted(self.transaction.len(tree)?));
        length.map_err(|error| self.locate(error, "len"))
    }

    /// Whether there are no records.
    ///
    /// # Errors
    /// An error of the engine.
    pub fn is_empty(&self) -> Result<bool, NetabaseError> {
        Ok(self.len()? == 0)
    }

    walks!(streaming_walks);

    /// The record with the smallest primary key.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn first(&self) -> Result<Option<(M::PrimaryKey, M)>, NetabaseError> {
        self.iter()?.next().transpose()
    }

    /// The record with the largest primary key.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn last(&self) -> Result<Option<(M::PrimaryKey, M)>, NetabaseError> {
        self.iter()?.next_back().transpose()
    }

    /// The records with this secondary key, in the order of their primary keys, all at once. The key's type says which:
    /// `get_by::<BookAuthorSecondaryKey>("Austen")`.
    ///
    /// One descent of the index, then one of the records for each match.
    ///
    /// # Errors
    /// As [`get`](Self::get), and [`Corrupt`](ErrorKind::Corrupt) if the index points to a record that is not there.
    pub fn get_by<K: SecondaryKey<Model = M>>(
        &self,
        key: impl AsKey<K>,
    ) -> Result<Vec<M>, NetabaseError> {
        self.find_by(K::INDEX, &Encoded::<K, _>::of(&key), "get_by")
    }

    /// [`get_by`](Self::get_by) with the enum of the secondary keys.
    ///
    /// # Errors
    /// As [`get_by`](Self::get_by).
    pub fn get_by_secondary_key(
        &self,
        key: impl Borrow<M::SecondaryKeys>,
    ) -> Result<Vec<M>, NetabaseError> {
        let key = key.borrow();
        self.find_by(key.index(), key, "get_by_secondary_key")
    }

    /// The records with each of these secondary keys.
    ///
    /// # Errors
    /// As [`get_by`](Self::get_by).
    pub fn get_many_by_secondary_keys<K: Borrow<M::SecondaryKeys>>(
        &self,
        keys: impl IntoIterator<Item = K>,
    ) -> Result<Vec<Vec<M>>, NetabaseError> {
        // Every key is looked up before an error is returned, so that where a lookup is a round trip all of them are one.
        let found: Vec<_> = keys
            .into_iter()
            .map(|key| self.get_by_secondary_key(key))
            .collect();
        found.into_iter().collect()
    }

    #[inline]
    fn find<R>(
        &self,
        key: &impl AsKey<M::PrimaryKey>,
        operation: &'static str,
        read: impl FnOnce(&[u8]) -> Result<R, NetabaseError>,
    ) -> Result<Option<R>, NetabaseError> {
        scratch::with(|scratch| {
            scratch.primary.clear();
            key.encode_as(&mut scratch.primary);
            self.records()
                .and_then(|tree| {
                    let key = &scratch.primary;
                    let open = |stored: &[u8]| read(self.stored.form.open(key, stored)?);
                    Ok(self.transaction.get(tree, key, open)?)
                })
                .and_then(Option::transpose)
                .map_err(|error| self.locate(error, operation).at_key(&scratch.primary))
        })
    }

    fn find_by(
        &self,
        place: usize,
        key: &impl EncodeKey,
        operation: &'static str,
    ) -> Result<Vec<M>, NetabaseError> {
        let mut found = Vec::new();
        let mut check = IndexCheck::new(self.stored.form);
        self.for_each_by(place, key, |records, secondary, primary| {
            self.transaction
                .get(records, primary, |record| {
                    let view = value::decode_ref::<M>(self.stored.form.open(primary, record)?)?;
                    check.leads_to::<M>(place, secondary, &view)?;
                    found.push(M::from_ref(view));
                    Ok(())
                })?
                .transpose()
        })
        .map_err(|error| self.locate(error, operation))?;
        Ok(found)
    }

    /// Hands the tree of the records, the encoded secondary key, and the encoded primary key of each record that has it, to
    /// `read`, which returns `None` where there is no such record.
    pub(super) fn for_each_by(
        &self,
        place: usize,
        key: &impl EncodeKey,
        mut read: impl FnMut(TreeId, &[u8], &[u8]) -> Result<Option<()>, NetabaseError>,
    ) -> Result<(), NetabaseError> {
        let (records, tree) = (self.records()?, self.index(place)?);
        scratch::with(|scratch| {
            scratch.entry.clear();
            key.encode_key(&mut scratch.entry);
            let secondary = scratch.entry.as_slice();
            // Read on where a record is missing: an asynchronous store then fetches all that are in one go.
            let mut dangling = false;
            let mut follow = |primary: &[u8]| {
                dangling |= read(records, secondary, primary)?.is_none();
                Ok::<_, NetabaseError>(())
            };
            if M::INFO.indexes[place].unique {
                scratch.primary.clear();
                let primary = &mut scratch.primary;
                let found = self
                    .transaction
                    .get(tree, secondary, |key| primary.extend_from_slice(key))?;
                if found.is_some() {
                    follow(primary)?;
                }
            } else {
                let bounds = Bounds {
                    lower: Bound::Included(secondary),
                    ..Bounds::ALL
                };
                let mut cursor = self.transaction.cursor(tree, bounds, Direction::Forward)?;
                while let Some((key, _)) = cursor.next_entry()? {
                    match key.strip_prefix(secondary) {
                        Some(primary) => follow(primary)?,
                        None => break,
                    }
                }
            }
            if dangling {
                return Err(iter::dangling::<M>(place));
            }
            Ok(())
        })
    }

    /// Walks through the records whose entries, in the tree that has the order `O`, lie within `bounds`.
    pub(super) fn walk<'t, O: Order<M>>(
        &self,
        bounds: OwnedBounds,
        operation: &'static str,
    ) -> Result<Iter<'t, D, M, Md, E, O>, NetabaseError>
    where
        'txn: 't,
    {
        let trees = self.records().and_then(|records| match O::INDEX {
            None => Ok((records, records)),
            Some(place) => Ok((records, self.index(place)?)),
        });
        let (records, tree) = trees.map_err(|error| self.locate(error, operation))?;
        let driver = self.driver;
        Ok(Iter::new(
            self.transaction,
            tree,
            records,
            self.stored,
            bounds,
            driver,
        ))
    }

    #[inline]
    pub(super) fn records(&self) -> Result<TreeId, NetabaseError> {
        resolve(&self.records, || {
            let widths = const { M::INFO.record_widths() };
            Ok(self.transaction.sized_tree(&self.stored.records, widths)?)
        })
    }

    pub(super) fn index(&self, place: usize) -> Result<TreeId, NetabaseError> {
        self.transaction.check_indexes(M::INFO.name)?;
        let indexes = self
            .indexes
            .get_or_init(|| M::INFO.indexes.iter().map(|_| OnceCell::new()).collect());
        resolve(&indexes[place], || {
            let widths = M::INFO.index_widths(place);
            Ok(self
                .transaction
                .sized_tree(&self.stored.indexes[place], widths)?)
        })
    }

    #[cold]
    pub(super) fn locate(
        &self,
        error: impl Into<NetabaseError>,
        operation: &'static str,
    ) -> NetabaseError {
        error
            .into()
            .during(operation)
            .on_driver(self.driver.to_owned())
            .in_tree(M::INFO.name)
    }
}

/// What stands for a key of type `K`, to be encoded as such.
struct Encoded<'a, K, Q>(&'a Q, PhantomData<fn(&K)>);

impl<'a, K, Q: AsKey<K>> Encoded<'a, K, Q> {
    fn of(key: &'a Q) -> Self {
        Self(key, PhantomData)
    }
}

impl<K, Q: AsKey<K>> EncodeKey for Encoded<'_, K, Q> {
    #[inline]
    fn encode_key(&self, out: &mut Vec<u8>) {
        self.0.encode_as(out);
    }
}

#[inline]
fn resolve<T: Copy>(
    cell: &OnceCell<T>,
    find: impl FnOnce() -> Result<T, NetabaseError>,
) -> Result<T, NetabaseError> {
    match cell.get() {
        Some(found) => Ok(*found),
        None => {
            let found = find()?;
            Ok(*cell.get_or_init(|| found))
        }
    }
}

impl<D, M, E> TreeView<'_, D, M, ReadWrite, E>
where
    D: NetabaseDefinitionTrait,
    M: NetabaseModelTrait<D>,
    E: Driver,
{
    /// Stores a record, over the one with the same primary key if there is one, and keeps the indexes exact.
    ///
    /// One descent for the record, and one for each index entry that changes.
    ///
    /// # Errors
    /// - [`AlreadyExists`](ErrorKind::AlreadyExists) if another record has one of its unique keys;
    /// - [`LimitExceeded`](ErrorKind::LimitExceeded) if the engine does not take keys or values of this size;
    /// - [`InvalidInput`](ErrorKind::InvalidInput) if a key's encoding has no bytes, as that of an empty array;
    /// - [`Codec`](ErrorKind::Codec) if a field cannot be encoded.
    ///
    /// Nothing is changed then, and the transaction goes on. After any other error it can only be rolled back:
    /// - [`Codec`](ErrorKind::Codec) if the record that is there already cannot be decoded, so that its index entries are
    ///   not known; [`discard`](Self::discard) removes it;
    /// - [`LimitExceeded`](ErrorKind::LimitExceeded) if the transaction has become too large for the engine;
    /// - an error of the engine.
    pub fn put(&mut self, record: impl Borrow<M>) -> Result<(), NetabaseError> {
        self.write("put", |writer, trees| {
            write::put(writer, trees, &mut (), record.borrow())
        })
    }

    /// Stores many records, sorted before they reach the engine.
    ///
    /// The result is that of one [`put`](Self::put) after another, except that unique keys are checked against the state
    /// after the last one, so that records can swap them. Records are written in chunks of a few MiB; the new index
    /// entries of all of them are held until the end.
    ///
    /// The iterator may read in the same transaction, this model by primary keys only; it sees of the records that it gave
    /// those that have been written so far.
    ///
    /// # Errors
    /// As [`put`](Self::put); but after any error the transaction can only be rolled back. In the iterator, writes in this
    /// transaction and reads of this model by secondary keys are [`InvalidInput`](ErrorKind::InvalidInput).
    pub fn put_many<R: Borrow<M>>(
        &mut self,
        records: impl IntoIterator<Item = R>,
    ) -> Result<(), NetabaseError> {
        let run = || {
            let trees = self.trees()?;
            let running = self.transaction.begin_bulk(M::INFO.name)?;
            let mut bulk = Bulk::new(&M::INFO);
            for record in records {
                bulk.push(trees, record.borrow())?;
                if bulk.is_full() {
                    running
                        .write(|writer| bulk.write_records::<M, _, _>(writer, trees, &mut ()))?;
                }
            }
            running.write(|writer| bulk.finish::<M, _, _>(writer, trees, &mut ()))?;
            running.finish();
            Ok(())
        };
        run().map_err(|error: NetabaseError| self.locate(error, "put_many"))
    }

    /// Removes the record with this primary key, with its index entries; gives it back.
    ///
    /// # Errors
    /// [`Codec`](ErrorKind::Codec) if what is stored is not such a record, which [`discard`](Self::discard) removes, or an
    /// error of the engine; the transaction can then only be rolled back.
    pub fn remove(&mut self, key: impl AsKey<M::PrimaryKey>) -> Result<Option<M>, NetabaseError> {
        self.write("remove", |writer, trees| {
            write::remove(
                writer,
                trees,
                &mut (),
                &Encoded::<M::PrimaryKey, _>::of(&key),
            )
        })
    }

    /// Removes what is stored under this primary key, with its index entries, even if it cannot be decoded; returns whether
    /// there was anything.
    ///
    /// Costs what [`remove`](Self::remove) costs; where the record cannot be decoded, each index of the model is read until
    /// its entry is found.
    ///
    /// # Errors
    /// [`Corrupt`](ErrorKind::Corrupt) if an index that has to be read is damaged itself, or an error of the engine; the
    /// transaction can then only be rolled back.
    pub fn discard(&mut self, key: impl AsKey<M::PrimaryKey>) -> Result<bool, NetabaseError> {
        self.write("discard", |writer, trees| {
            write::discard::<M, _, _>(
                writer,
                trees,
                &mut (),
                &Encoded::<M::PrimaryKey, _>::of(&key),
            )
        })
    }

    /// Removes the records with these primary keys, one after another; gives them back in the same order.
    ///
    /// The iterator may read in the same transaction; it sees what has been removed so far.
    ///
    /// # Errors
    /// As [`remove`](Self::remove).
    pub fn remove_many(
        &mut self,
        keys: impl IntoIterator<Item = impl AsKey<M::PrimaryKey>>,
    ) -> Result<Vec<Option<M>>, NetabaseError> {
        keys.into_iter()
            .map(|key| {
                self.write("remove_many", |writer, trees| {
                    write::remove(
                        writer,
                        trees,
                        &mut (),
                        &Encoded::<M::PrimaryKey, _>::of(&key),
                    )
                })
            })
            .collect()
    }

    /// Removes every record of this model, with all index entries.
    ///
    /// # Errors
    /// An error of the engine; the transaction can then only be rolled back.
    pub fn clear(&mut self) -> Result<(), NetabaseError> {
        self.write("clear", |writer, trees| {
            write::clear::<M, _, _>(writer, trees, &mut ())
        })
    }

    /// Commits the whole transaction, with what its other views wrote; all of them have ended then.
    ///
    /// # Errors
    /// As [`TxnGuard::commit`](super::TxnGuard::commit).
    pub fn commit(self) -> Result<(), NetabaseError> {
        let durability = self.transaction.durability();
        self.transaction
            .commit(durability, self.driver)
            .map_err(|error| {
                NetabaseError::from(error)
                    .during("commit")
                    .on_driver(self.driver.to_owned())
            })
    }

    fn write<T>(
        &self,
        operation: &'static str,
        run: impl FnOnce(
            &mut CheckedWriter<<E::Database as Database>::Writer>,
            &Trees,
        ) -> Result<T, NetabaseError>,
    ) -> Result<T, NetabaseError> {
        let run = || {
            let trees = self.trees()?;
            self.transaction.write(|writer| run(writer, trees))
        };
        run().map_err(|error| self.locate(error, operation))
    }

    fn trees(&self) -> Result<&Trees, NetabaseError> {
        if let Some(trees) = self.trees.get() {
            return Ok(trees);
        }
        let trees = Trees::resolve(self.transaction, self.stored, &M::INFO)?;
        Ok(self.trees.get_or_init(|| trees))
    }
}

impl<D, M: Record, Md: Mode, E: Driver> fmt::Debug for TreeView<'_, D, M, Md, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TreeView")
            .field("model", &M::INFO.name)
            .field("driver", &self.driver)
            .finish_non_exhaustive()
    }
}

/// A number of records, as the type that the machine counts with.
fn counted<N: TryFrom<u64>>(records: u64) -> Result<N, NetabaseError> {
    N::try_from(records).map_err(|_| {
        NetabaseError::new(
            ErrorKind::LimitExceeded,
            format!(
                "there are {records} records, more than this machine can count; iterate over ranges of keys instead"
            ),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_records_than_the_machine_counts_are_an_error() {
        assert_eq!(counted::<u32>(u64::from(u32::MAX)).unwrap(), u32::MAX);
        let error = counted::<u32>(1 << 32).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LimitExceeded);
        assert!(error.message().contains("4294967296"), "{error}");
    }
}
