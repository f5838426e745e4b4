//! Batches of one model behind a trait.

use std::fmt;
use std::marker::PhantomData;

use netabase_core::driver::Driver;
use netabase_core::store::{Batch, Tree};

use crate::{NetabaseDefinitionTrait, NetabaseError, NetabaseModelTrait};

/// A tree that collects writes and commits them in one transaction.
pub trait Batchable<D: NetabaseDefinitionTrait, M: NetabaseModelTrait<D>> {
    /// The collected writes.
    type Batch: BatchBuilder<D, M>;

    /// An empty batch. Nothing is written until it is committed.
    ///
    /// # Errors
    /// None today; the signature leaves room for engines that have to prepare one.
    fn create_batch(&self) -> Result<Self::Batch, NetabaseError>;
}

/// Writes of one model, collected first, then committed in one transaction, all or none.
pub trait BatchBuilder<D: NetabaseDefinitionTrait, M: NetabaseModelTrait<D>> {
    /// Adds a put.
    ///
    /// # Errors
    /// None today; what is wrong with the record shows when the batch is committed.
    fn put(&mut self, model: M) -> Result<(), NetabaseError>;

    /// Adds a removal.
    ///
    /// # Errors
    /// None today; what is wrong with the key shows when the batch is committed.
    fn remove(&mut self, key: M::PrimaryKey) -> Result<(), NetabaseError>;

    /// Runs the writes in order and commits them.
    ///
    /// # Errors
    /// As [`Batch::commit`]; nothing is changed then.
    fn commit(self) -> Result<(), NetabaseError>;
}

/// The batch of one model's tree.
#[must_use = "a batch writes nothing until it is committed"]
pub struct TreeBatch<'db, D, M, E: Driver> {
    batch: Batch<'db, D, E>,
    model: PhantomData<fn() -> M>,
}

impl<D, M, E: Driver> fmt::Debug for TreeBatch<'_, D, M, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TreeBatch")
            .field("batch", &self.batch)
            .finish()
    }
}

impl<'db, D, M, E> Batchable<D, M> for Tree<'db, D, M, E>
where
    D: NetabaseDefinitionTrait,
    M: NetabaseModelTrait<D>,
    E: Driver,
{
    type Batch = TreeBatch<'db, D, M, E>;

    fn create_batch(&self) -> Result<TreeBatch<'db, D, M, E>, NetabaseError> {
        Ok(TreeBatch {
            batch: self.store().batch(),
            model: PhantomData,
        })
    }
}

impl<D, M, E> BatchBuilder<D, M> for TreeBatch<'_, D, M, E>
where
    D: NetabaseDefinitionTrait,
    M: NetabaseModelTrait<D>,
    E: Driver,
{
    fn put(&mut self, model: M) -> Result<(), NetabaseError> {
        self.batch.put(model);
        Ok(())
    }

    fn remove(&mut self, key: M::PrimaryKey) -> Result<(), NetabaseError> {
        self.batch.remove::<M>(key);
        Ok(())
    }

    fn commit(self) -> Result<(), NetabaseError> {
        self.batch.commit()
    }
}
