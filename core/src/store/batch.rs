//! Batches: writes over any models, collected first, then committed in one transaction.

use std::any::Any;
use std::fmt;

use super::{ReadWrite, TransactOptions, TreeView, TxnGuard, TypedStore};
use crate::driver::{Driver, Durability};
use crate::error::NetabaseError;
use crate::model::{NetabaseDefinitionTrait, NetabaseModelTrait};

/// Writes over any of a definition's models, collected first, then committed in one transaction.
///
/// Nothing is written, and no other writer waits, until [`commit`](Self::commit). Dropping the batch discards it.
///
/// # Examples
/// ```ignore
/// let mut batch = store.batch();
/// batch.put(user);
/// batch.remove::<Post>(PostPrimaryKey(7));
/// batch.commit()?;
/// ```
#[must_use = "a batch writes nothing until it is committed"]
pub struct Batch<'db, D, E: Driver> {
    store: &'db TypedStore<D, E>,
    steps: CollectedSteps<D, E>,
}

/// What a batch is to do.
pub(super) struct CollectedSteps<D, E: Driver> {
    /// The steps of each model. Those of different models do not touch each other.
    models: Vec<Box<dyn ModelSteps<D, E>>>,
    length: usize,
}

/// The steps of one model, whichever it is.
trait ModelSteps<D, E: Driver>: Any + Send + Sync {
    fn run(&self, transaction: &TxnGuard<'_, D, ReadWrite, E>) -> Result<(), NetabaseError>;
}

struct Steps<D: NetabaseDefinitionTrait, M: NetabaseModelTrait<D>>(Vec<Step<M, M::PrimaryKey>>);

pub(super) enum Step<M, K> {
    Put(M),
    PutMany(Vec<M>),
    Remove(K),
    Clear,
}

impl<D, M, E> ModelSteps<D, E> for Steps<D, M>
where
    D: NetabaseDefinitionTrait,
    M: NetabaseModelTrait<D>,
    E: Driver,
{
    fn run(&self, transaction: &TxnGuard<'_, D, ReadWrite, E>) -> Result<(), NetabaseError> {
        let mut view = transaction.open_tree::<M>();
        // One after another, each put is refused that takes a unique key at its turn; in bulk, what counts is the end.
        let one_by_one = M::INFO.indexes.iter().any(|index| index.unique);
        let mut puts: Vec<&M> = Vec::new();
        for step in &self.0 {
            match step {
                Step::Put(record) if one_by_one => view.put(record)?,
                Step::Put(record) => puts.push(record),
                Step::PutMany(records) if one_by_one || puts.is_empty() => {
                    view.put_many(records)?;
                }
                Step::PutMany(records) => puts.extend(records),
                Step::Remove(key) => {
                    put_gathered(&mut view, &mut puts)?;
                    view.remove(key)?;
                }
                Step::Clear => {
                    put_gathered(&mut view, &mut puts)?;
                    view.clear()?;
                }
            }
        }
        put_gathered(&mut view, &mut puts)
    }
}

fn put_gathered<D, M, E>(
    view: &mut TreeView<'_, D, M, ReadWrite, E>,
    puts: &mut Vec<&M>,
) -> Result<(), NetabaseError>
where
    D: NetabaseDefinitionTrait,
    M: NetabaseModelTrait<D>,
    E: Driver,
{
    if puts.is_empty() {
        return Ok(());
    }
    view.put_many(puts.drain(..))
}

impl<D: NetabaseDefinitionTrait, E: Driver> CollectedSteps<D, E> {
    pub(super) fn new() -> Self {
        Self {
            models: Vec::new(),
            length: 0,
        }
    }

    pub(super) fn add<M: NetabaseModelTrait<D>>(&mut self, step: Step<M, M::PrimaryKey>) {
        self.length += 1;
        for model in &mut self.models {
            let model: &mut dyn Any = &mut **model;
            if let Some(Steps(steps)) = model.downcast_mut::<Steps<D, M>>() {
                steps.push(step);
                return;
            }
        }
        self.models.push(Box::new(Steps::<D, M>(vec![step])));
    }

    pub(super) fn len(&self) -> usize {
        self.length
    }

    pub(super) fn run(
        &self,
        transaction: &TxnGuard<'_, D, ReadWrite, E>,
    ) -> Result<(), NetabaseError> {
        self.models
            .iter()
            .try_for_each(|steps| steps.run(transaction))
    }
}

/// What a batch collects, in its field `steps`.
macro_rules! collected_steps {
    () => {
        /// Adds a put.
        pub fn put<M: NetabaseModelTrait<D>>(&mut self, record: M) -> &mut Self {
            self.steps.add(Step::Put(record));
            self
        }

        /// Adds a bulk put of many records of one model.
        pub fn put_many<M: NetabaseModelTrait<D>>(&mut self, records: Vec<M>) -> &mut Self {
            self.steps.add(Step::PutMany(records));
            self
        }

        /// Adds a removal.
        pub fn remove<M: NetabaseModelTrait<D>>(&mut self, key: M::PrimaryKey) -> &mut Self {
            self.steps.add::<M>(Step::Remove(key));
            self
        }

        /// Adds the removal of every record of a model.
        pub fn clear<M: NetabaseModelTrait<D>>(&mut self) -> &mut Self {
            self.steps.add::<M>(Step::Clear);
            self
        }

        /// The number of steps that were added.
        #[must_use]
        pub fn len(&self) -> usize {
            self.steps.len()
        }

        /// Whether no step was added.
        #[must_use]
        pub fn is_empty(&self) -> bool {
            self.steps.len() == 0
        }
    };
}

pub(super) use collected_steps;

impl<'db, D: NetabaseDefinitionTrait, E: Driver> Batch<'db, D, E> {
    pub(crate) fn new(store: &'db TypedStore<D, E>) -> Self {
        Self {
            store,
            steps: CollectedSteps::new(),
        }
    }

    collected_steps!();

    /// Runs the steps and commits them, all or none, as durable as the store was opened for.
    ///
    /// The result is that of the steps in their order; on the way, those of one model run together, and its puts are sorted
    /// where it has no unique key. After a conflict they run again, as [`TypedStore::transact`] does.
    ///
    /// # Errors
    /// A step's error, or that of the commit; nothing is changed then.
    pub fn commit(self) -> Result<(), NetabaseError> {
        let durability = self.store.durability;
        self.commit_with(durability)
    }

    /// [`commit`](Self::commit) with a durability of its own.
    ///
    /// # Errors
    /// As [`commit`](Self::commit).
    pub fn commit_with(self, durability: Durability) -> Result<(), NetabaseError> {
        let options = TransactOptions::default();
        self.store
            .transact_durably(&options, durability, |txn| self.steps.run(txn))
    }
}

impl<D, E: Driver> fmt::Debug for Batch<'_, D, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch")
            .field("steps", &self.steps.length)
            .finish_non_exhaustive()
    }
}
