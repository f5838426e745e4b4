//! Batches: writes over any models, collected first, then committed in one transaction.

use std::fmt;

use super::{ReadWrite, TxnGuard, TypedStore};
use crate::driver::{Driver, Durability};
use crate::error::NetabaseError;
use crate::model::{NetabaseDefinitionTrait, NetabaseModelTrait};

type Step<D, E> =
    Box<dyn FnOnce(&TxnGuard<'_, D, ReadWrite, E>) -> Result<(), NetabaseError> + Send>;

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
    steps: Vec<Step<D, E>>,
}

impl<'db, D: NetabaseDefinitionTrait, E: Driver> Batch<'db, D, E> {
    pub(crate) fn new(store: &'db TypedStore<D, E>) -> Self {
        Self {
            store,
            steps: Vec::new(),
        }
    }

    /// Adds a put.
    pub fn put<M: NetabaseModelTrait<D>>(&mut self, record: M) -> &mut Self {
        self.steps.push(Box::new(move |transaction| {
            transaction.open_tree::<M>().put(record)
        }));
        self
    }

    /// Adds a bulk put of many records of one model.
    pub fn put_many<M: NetabaseModelTrait<D>>(&mut self, records: Vec<M>) -> &mut Self {
        self.steps.push(Box::new(move |transaction| {
            transaction.open_tree::<M>().put_many(records)
        }));
        self
    }

    /// Adds a removal.
    pub fn remove<M: NetabaseModelTrait<D>>(&mut self, key: M::PrimaryKey) -> &mut Self {
        self.steps.push(Box::new(move |transaction| {
            transaction.open_tree::<M>().remove(key).map(drop)
        }));
        self
    }

    /// Adds the removal of every record of a model.
    pub fn clear<M: NetabaseModelTrait<D>>(&mut self) -> &mut Self {
        self.steps.push(Box::new(move |transaction| {
            transaction.open_tree::<M>().clear()
        }));
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
        self.steps.is_empty()
    }

    /// Runs the steps in order and commits them, all or none, as durable as the store was opened for.
    ///
    /// # Errors
    /// The first step's error, or that of the commit; nothing is changed then.
    pub fn commit(self) -> Result<(), NetabaseError> {
        let durability = self.store.durability;
        self.commit_with(durability)
    }

    /// [`commit`](Self::commit) with a durability of its own.
    ///
    /// # Errors
    /// As [`commit`](Self::commit).
    pub fn commit_with(self, durability: Durability) -> Result<(), NetabaseError> {
        let transaction = self.store.write()?;
        for step in self.steps {
            step(&transaction)?;
        }
        transaction.commit_with(durability)
    }
}

impl<D, E: Driver> fmt::Debug for Batch<'_, D, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch")
            .field("steps", &self.steps.len())
            .finish_non_exhaustive()
    }
}
