//! Transactions that run again after a conflict.

use std::time::Duration;
#[cfg(not(target_arch = "wasm32"))]
use std::{thread, time::Instant};

use typed_builder::TypedBuilder;

use super::state::is_conflict;
use super::{ReadWrite, TxnGuard, TypedStore};
#[cfg(any(test, doc))]
use crate::driver::ErrorKind;
use crate::driver::{Driver, Durability};
use crate::error::NetabaseError;
use crate::model::NetabaseDefinitionTrait;

impl<D: NetabaseDefinitionTrait, E: Driver> TypedStore<D, E> {
    /// Runs `run` in a write transaction and commits it; runs it again, in a new transaction, if others got in the way.
    ///
    /// That is so after [`Conflict`](ErrorKind::Conflict) or [`SnapshotLost`](ErrorKind::SnapshotLost), reported by the
    /// commit or by any operation of the transaction, whatever error `run` makes of it. On an engine with one writer at a
    /// time neither comes, and `run` is called once. Between two tries the store waits, as
    /// [`TransactOptions`] says, and no transaction is open.
    ///
    /// What `run` does apart from the transaction is not undone. An error that it returns, and a panic, roll the
    /// transaction back.
    ///
    /// # Errors
    /// - what `run` returns, unchanged;
    /// - what [`write`](Self::write) and [`commit`](TxnGuard::commit) report, as it is:
    ///   [`CommitUnknown`](ErrorKind::CommitUnknown) is not tried again, since the transaction may have been kept, nor is
    ///   the [`Conflict`](ErrorKind::Conflict) of waiting for another writer of this store;
    /// - `Conflict` or `SnapshotLost`, with the last cause as its source, after the last try.
    ///
    /// # Examples
    /// ```ignore
    /// let visits = store.transact(|txn| {
    ///     let mut pages = txn.open_tree::<Page>();
    ///     let mut page = pages.get(PagePrimaryKey(7))?.ok_or(MyError::NoSuchPage)?;
    ///     page.visits += 1;
    ///     pages.put(&page)?;
    ///     Ok::<_, MyError>(page.visits)
    /// })?;
    /// ```
    pub fn transact<T, X: From<NetabaseError>>(
        &self,
        run: impl FnMut(&TxnGuard<'_, D, ReadWrite, E>) -> Result<T, X>,
    ) -> Result<T, X> {
        self.transact_with(&TransactOptions::default(), run)
    }

    /// [`transact`](Self::transact) with limits and waits of its own.
    ///
    /// # Errors
    /// As [`transact`](Self::transact).
    pub fn transact_with<T, X: From<NetabaseError>>(
        &self,
        options: &TransactOptions,
        run: impl FnMut(&TxnGuard<'_, D, ReadWrite, E>) -> Result<T, X>,
    ) -> Result<T, X> {
        self.transact_durably(options, self.durability, run)
    }

    pub(super) fn transact_durably<T, X: From<NetabaseError>>(
        &self,
        options: &TransactOptions,
        durability: Durability,
        mut run: impl FnMut(&TxnGuard<'_, D, ReadWrite, E>) -> Result<T, X>,
    ) -> Result<T, X> {
        let mut attempts = Attempts::new(options);
        loop {
            let cause = match self.write() {
                Ok(txn) => match run(&txn) {
                    Ok(value) => match txn.finish(durability) {
                        Ok(()) => return Ok(value),
                        Err(error) => error,
                    },
                    Err(error) => match txn.into_conflict() {
                        Some(conflict) => conflict,
                        None => return Err(error),
                    },
                },
                // Another writer of this store is in the way, and was waited for.
                Err(error) if self.store.has_turns() => return Err(error.into()),
                Err(error) => error,
            };
            let wait = attempts.failed(cause);
            let wait = wait.map_err(|error| self.locate(error, "transact"))?;
            #[cfg(not(target_arch = "wasm32"))]
            thread::sleep(wait);
            // There is neither a clock nor another thread.
            #[cfg(target_arch = "wasm32")]
            let _ = wait;
        }
    }
}

/// How long and how often a transaction is tried, and how long it waits before it is tried again.
///
/// The wait before the next try is random, between nothing and [`backoff_base`](Self::backoff_base) after the first
/// try. The upper end doubles with each try, up to [`backoff_cap`](Self::backoff_cap).
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use netabase_core::store::TransactOptions;
///
/// let options = TransactOptions::builder().max_attempts(3).build();
/// assert_eq!(options.time_limit, Duration::from_secs(30));
/// assert_eq!(TransactOptions::default().max_attempts, 50);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, TypedBuilder)]
pub struct TransactOptions {
    /// No try begins later than this after the first one began. A try that has begun is not cut short.
    #[builder(default = Duration::from_secs(30))]
    pub time_limit: Duration,
    /// The number of tries, the first one included. There is always a first one.
    #[builder(default = 50)]
    pub max_attempts: u32,
    /// The longest wait after the first try.
    #[builder(default = Duration::from_millis(1))]
    pub backoff_base: Duration,
    /// The longest wait after any try.
    #[builder(default = Duration::from_millis(500))]
    pub backoff_cap: Duration,
}

impl Default for TransactOptions {
    fn default() -> Self {
        Self::builder().build()
    }
}

/// The tries of one transaction. It does not wait itself.
#[derive(Debug)]
pub(crate) struct Attempts<'o> {
    options: &'o TransactOptions,
    #[cfg(not(target_arch = "wasm32"))]
    began: Instant,
    /// All waits so far: there is no clock.
    #[cfg(target_arch = "wasm32")]
    waited: Duration,
    failed: u32,
}

impl<'o> Attempts<'o> {
    /// The first try begins now.
    pub(crate) fn new(options: &'o TransactOptions) -> Self {
        Self {
            options,
            #[cfg(not(target_arch = "wasm32"))]
            began: Instant::now(),
            #[cfg(target_arch = "wasm32")]
            waited: Duration::ZERO,
            failed: 0,
        }
    }

    /// How long to wait before the next try, now that one has failed with `cause`.
    ///
    /// # Errors
    /// `cause` itself if it is not [worth another try](is_conflict); an error of the same kind, with `cause` as its
    /// source, if there have been too many tries or the next one would begin too late.
    pub(crate) fn failed(&mut self, cause: NetabaseError) -> Result<Duration, NetabaseError> {
        #[cfg(not(target_arch = "wasm32"))]
        let elapsed = self.began.elapsed();
        #[cfg(target_arch = "wasm32")]
        let elapsed = self.waited;
        let wait = self.failed_after(elapsed, cause)?;
        #[cfg(target_arch = "wasm32")]
        {
            self.waited += wait;
        }
        Ok(wait)
    }

    fn failed_after(
        &mut self,
        elapsed: Duration,
        cause: NetabaseError,
    ) -> Result<Duration, NetabaseError> {
        if !is_conflict(cause.kind()) {
            return Err(cause);
        }
        self.failed += 1;
        if self.failed >= self.options.max_attempts {
            return Err(self.give_up(cause, elapsed, "`max_attempts`"));
        }
        let wait = self.backoff();
        if elapsed.saturating_add(wait) > self.options.time_limit {
            return Err(self.give_up(cause, elapsed, "`time_limit`"));
        }
        Ok(wait)
    }

    /// A random wait, so that transactions that collided do not collide again.
    fn backoff(&self) -> Duration {
        let TransactOptions {
            backoff_base,
            backoff_cap,
            ..
        } = *self.options;
        let doubled = 2u32.saturating_pow(self.failed - 1);
        let longest = backoff_base.saturating_mul(doubled).min(backoff_cap);
        let longest = u64::try_from(longest.as_nanos()).unwrap_or(u64::MAX);
        Duration::from_nanos(fastrand::u64(0..=longest))
    }

    #[cold]
    fn give_up(&self, cause: NetabaseError, elapsed: Duration, limit: &str) -> NetabaseError {
        NetabaseError::new(
            cause.kind(),
            format!(
                "other transactions got in the way of all {} tries within {elapsed:.1?}; try again later, let the \
                 transaction read and write less, or raise {limit}",
                self.failed
            ),
        )
        .with_source(cause)
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::*;

    fn conflict() -> NetabaseError {
        NetabaseError::new(ErrorKind::Conflict, "somebody else was first")
    }

    fn options(max_attempts: u32) -> TransactOptions {
        TransactOptions::builder()
            .max_attempts(max_attempts)
            .backoff_base(Duration::from_millis(1))
            .backoff_cap(Duration::from_millis(20))
            .build()
    }

    #[test]
    fn the_last_cause_is_the_source_when_the_tries_are_used_up() {
        let options = options(3);
        let mut attempts = Attempts::new(&options);
        assert!(attempts.failed_after(Duration::ZERO, conflict()).is_ok());
        assert!(attempts.failed_after(Duration::ZERO, conflict()).is_ok());
        let last = NetabaseError::new(ErrorKind::SnapshotLost, "the last one");
        let error = attempts.failed_after(Duration::ZERO, last).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::SnapshotLost);
        assert!(error.message().contains("all 3 tries"), "{error}");
        assert!(error.message().contains("max_attempts"), "{error}");
        let source = error.source().map(ToString::to_string);
        assert_eq!(source.as_deref(), Some("the last one"));
    }

    #[test]
    fn no_try_begins_after_the_time_limit() {
        let options = options(u32::MAX);
        let mut attempts = Attempts::new(&options);
        let limit = options.time_limit;
        let before = limit - options.backoff_cap;
        assert!(attempts.failed_after(before, conflict()).is_ok());
        let after = limit + Duration::from_nanos(1);
        let error = attempts.failed_after(after, conflict()).unwrap_err();
        assert!(error.message().contains("time_limit"), "{error}");
        assert!(error.source().is_some());
    }

    #[test]
    fn there_is_a_first_try_whatever_the_number() {
        let options = options(0);
        let error = Attempts::new(&options).failed_after(Duration::ZERO, conflict());
        assert!(error.unwrap_err().message().contains("all 1 tries"));
    }

    #[test]
    fn waits_are_random_double_and_end_at_the_cap() {
        let options = options(u32::MAX);
        let mut attempts = Attempts::new(&options);
        for doubling in 0..40 {
            let cap = Duration::from_millis(1 << doubling.min(5)).min(options.backoff_cap);
            let waits: Vec<_> = (0..64)
                .map(|_| {
                    attempts.failed = doubling;
                    attempts.failed_after(Duration::ZERO, conflict()).unwrap()
                })
                .collect();
            assert!(
                waits.iter().all(|wait| *wait <= cap),
                "{doubling}: {waits:?}"
            );
            assert!(
                waits.iter().any(|wait| *wait > cap / 2),
                "{doubling}: {waits:?}"
            );
            assert!(
                waits.iter().any(|wait| *wait < cap / 2),
                "{doubling}: {waits:?}"
            );
        }
    }

    #[test]
    fn other_errors_are_returned_as_they_are() {
        let options = options(9);
        let error = NetabaseError::new(ErrorKind::Io, "the disk is gone");
        let error = Attempts::new(&options).failed_after(Duration::ZERO, error);
        let error = error.unwrap_err();
        assert_eq!(error.message(), "the disk is gone");
        assert!(error.source().is_none());
    }
}
