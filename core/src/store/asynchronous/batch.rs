//! Asynchronous batches: writes over any models, collected first, then committed in one transaction.

use std::fmt;

use super::AsyncTypedStore;
use super::replay::ReplayDriver;
use super::transact::attempts;
use crate::driver::Durability;
use crate::driver::asynchronous::AsyncDriver;
use crate::error::NetabaseError;
use crate::model::{NetabaseDefinitionTrait, NetabaseModelTrait};
use crate::store::TransactOptions;
use crate::store::batch::{CollectedSteps, Step, collected_steps};

/// Writes over any of a definition's models, collected first, then committed in one transaction.
///
/// Nothing is written, and no other writer waits, until [`commit`](Self::commit). Dropping the batch discards it. On an
/// optimistic engine, the commit begins anew where another transaction was first, as
/// [`transact`](AsyncTypedStore::transact) does.
#[must_use = "a batch writes nothing until it is committed"]
pub struct AsyncBatch<'db, D, A: AsyncDriver> {
    store: &'db AsyncTypedStore<D, A>,
    steps: CollectedSteps<D, ReplayDriver>,
}

impl<'db, D: NetabaseDefinitionTrait, A: AsyncDriver> AsyncBatch<'db, D, A> {
    pub(super) fn new(store: &'db AsyncTypedStore<D, A>) -> Self {
        Self {
            store,
            steps: CollectedSteps::new(),
        }
    }

    collected_steps!();

    /// Runs the steps and commits them, all or none, as durable as the store was opened for.
    ///
    /// # Errors
    /// A step's error, or that of the commit; nothing is changed then.
    pub async fn commit(self) -> Result<(), NetabaseError> {
        let durability = self.store.durability;
        self.commit_with(durability).await
    }

    /// [`commit`](Self::commit) with a durability of its own.
    ///
    /// # Errors
    /// As [`commit`](Self::commit).
    pub async fn commit_with(self, durability: Durability) -> Result<(), NetabaseError> {
        let options = TransactOptions::default();
        attempts!(self.store, &options, durability, txn => txn.run("commit", |store| {
            let transaction = store.write()?;
            self.steps.run(&transaction)?;
            transaction.commit()
        }))
    }
}

impl<D: NetabaseDefinitionTrait, A: AsyncDriver> fmt::Debug for AsyncBatch<'_, D, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncBatch")
            .field("steps", &self.steps.len())
            .finish_non_exhaustive()
    }
}
