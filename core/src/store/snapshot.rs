//! An iterator that holds its transaction itself.

use std::fmt;
use std::iter::FusedIterator;
use std::marker::PhantomData;

use super::iter::{Count, Ends, iterator_traits, locate, pair};
use super::state::ReadOnly;
use super::transaction::TxnGuard;
use crate::codec::checksum::RecordForm;
use crate::driver::{Bounds, Direction, Driver, Read, ResumingCursor, TreeId};
use crate::error::NetabaseError;
use crate::model::{NetabaseDefinitionTrait, NetabaseModelTrait, Record, value};

#[cfg(doc)]
use super::Iter;

/// Records in the order of their primary keys, of a snapshot that the iterator holds itself.
///
/// Items are as those of [`Iter`]. Entries are read ahead in batches of up to 64 KiB.
pub struct SnapshotIter<'db, D, M, E: Driver> {
    guard: TxnGuard<'db, D, ReadOnly, E>,
    tree: TreeId,
    form: RecordForm,
    count: Count,
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
        let stored = guard.trees::<M>();
        let (form, count) = (stored.form, Count::new(stored.compares_counts));
        let tree = guard
            .transaction()
            .sized_tree(&stored.records, const { M::INFO.record_widths() })
            .map_err(|error| locate::<M>(error, guard.driver()))?;
        Ok(Self {
            guard,
            tree,
            form,
            count,
            ends: Ends::new(false),
            model: PhantomData,
        })
    }

    fn step(&mut self, direction: Direction) -> Option<Result<(M::PrimaryKey, M), NetabaseError>> {
        let Self {
            guard,
            tree,
            form,
            count,
            ends,
            ..
        } = self;
        // A snapshot never changes: one generation for its whole life.
        let generation = 0;
        let advanced = ends.advance(
            direction,
            || Ok(ResumingCursor::new(*tree, Bounds::ALL, direction)),
            |cursor| cursor.advance(guard.transaction(), generation),
            ResumingCursor::key,
        );
        count.note(&advanced);
        match advanced {
            Ok(true) => {
                let cursor = ends.get(direction)?;
                let (key, value) = (cursor.key(), cursor.value());
                Some(
                    (form.open(key, value))
                        .and_then(|value| pair::<D, M>(key, value::decode_ref::<M>(value)?))
                        .map_err(|error| locate::<M>(error, guard.driver()).at_key(key)),
                )
            }
            Ok(false) => {
                let error = count.check(guard.transaction(), *tree).err()?;
                Some(Err(locate::<M>(error, guard.driver())))
            }
            Err(error) => Some(Err(locate::<M>(error, guard.driver()))),
        }
    }
}

iterator_traits!(
    SnapshotIter['db; D, M, E]
    where [D: NetabaseDefinitionTrait, M: NetabaseModelTrait<D>, E: Driver]
    gives (M::PrimaryKey, M): Self::step
);

impl<D, M: Record, E: Driver> fmt::Debug for SnapshotIter<'_, D, M, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SnapshotIter")
            .field("model", &M::INFO.name)
            .field("guard", &self.guard)
            .finish_non_exhaustive()
    }
}
