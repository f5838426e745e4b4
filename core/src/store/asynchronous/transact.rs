//! Asynchronous transactions that run again after a conflict.

use super::{AsyncTxnGuard, AsyncTypedStore};
use crate::driver::Durability;
use crate::driver::asynchronous::{AsyncDatabase, AsyncDriver};
use crate::error::NetabaseError;
use crate::model::NetabaseDefinitionTrait;
use crate::store::ReadWrite;
use crate::store::transact::{Attempts, TransactOptions};

/// Runs `$run` in a transaction `$txn`, commits, and begins anew after conflicts. A macro and no function, since the
/// compiler cannot show of a closure's future, within another future, that it is `Send`.
macro_rules! attempts {
    ($store:expr, $options:expr, $durability:expr, $txn:ident => $run:expr) => {{
        let mut attempts = $crate::store::transact::Attempts::new($options);
        loop {
            let cause = match $store.begin_attempt().await? {
                Ok($txn) => {
                    let result = $run.await;
                    match AsyncTypedStore::end_attempt($txn, result, $durability).await? {
                        Ok(value) => break Ok(value),
                        Err(cause) => cause,
                    }
                }
                Err(cause) => cause,
            };
            $store.pause(&mut attempts, cause).await?;
        }
    }};
}

pub(super) use attempts;

impl<D: NetabaseDefinitionTrait, A: AsyncDriver> AsyncTypedStore<D, A> {
    /// Runs `run` in a write transaction and commits it; runs it again, in a new transaction, if others got in the way. As
    /// [`TypedStore::transact`](crate::store::TypedStore::transact).
    ///
    /// Dropping the future rolls the transaction back; one whose commit has begun is then kept in whole or not at all.
    ///
    /// # Errors
    /// As [`TypedStore::transact`](crate::store::TypedStore::transact).
    ///
    /// # Examples
    /// ```ignore
    /// let visits = store
    ///     .transact(async |txn| {
    ///         let mut pages = txn.open_tree::<Page>();
    ///         let mut page = pages.get(PagePrimaryKey(7)).await?.ok_or(MyError::NoSuchPage)?;
    ///         page.visits += 1;
    ///         pages.put(&page).await?;
    ///         Ok::<_, MyError>(page.visits)
    ///     })
    ///     .await?;
    /// ```
    pub async fn transact<T, X: From<NetabaseError>>(
        &self,
        run: impl AsyncFnMut(&AsyncTxnGuard<'_, D, ReadWrite, A>) -> Result<T, X>,
    ) -> Result<T, X> {
        self.transact_with(&TransactOptions::default(), run).await
    }

    /// [`transact`](Self::transact) with limits and waits of its own.
    ///
    /// # Errors
    /// As [`transact`](Self::transact).
    pub async fn transact_with<T, X: From<NetabaseError>>(
        &self,
        options: &TransactOptions,
        mut run: impl AsyncFnMut(&AsyncTxnGuard<'_, D, ReadWrite, A>) -> Result<T, X>,
    ) -> Result<T, X> {
        attempts!(self, options, self.durability, txn => run(&txn))
    }

    /// Begins one attempt of many; the cause, if it has to be tried again.
    pub(super) async fn begin_attempt(
        &self,
    ) -> Result<Result<AsyncTxnGuard<'_, D, ReadWrite, A>, NetabaseError>, NetabaseError> {
        match self.write().await {
            Ok(txn) => Ok(Ok(txn)),
            Err(error) if self.is_optimistic() => Ok(Err(error)),
            // Another writer is in the way, and was waited for.
            Err(error) => Err(error),
        }
    }

    /// Commits an attempt that came to this result; the cause, if it has to be tried again.
    pub(super) async fn end_attempt<T, X: From<NetabaseError>>(
        txn: AsyncTxnGuard<'_, D, ReadWrite, A>,
        result: Result<T, X>,
        durability: Durability,
    ) -> Result<Result<T, NetabaseError>, X> {
        match (txn.conflict(), result) {
            (Some(conflict), _) => Ok(Err(conflict)),
            (None, Ok(value)) => Ok(txn.commit_with(durability).await.map(|()| value)),
            (None, Err(error)) => Err(error),
        }
    }

    /// Waits before the next attempt.
    ///
    /// # Errors
    /// The cause, if it is none that another attempt may mend, or there were enough of them.
    pub(super) async fn pause(
        &self,
        attempts: &mut Attempts<'_>,
        cause: NetabaseError,
    ) -> Result<(), NetabaseError> {
        let wait = attempts.failed(cause);
        let wait = wait.map_err(|error| self.locate(error, "transact"))?;
        let engine = self.engine();
        let engine = engine.map_err(|error| self.locate(error, "transact"))?;
        engine.sleep(wait).await;
        Ok(())
    }
}
