//! LMDB's writer lock: taken and given back by one thread, whatever threads a transaction visits in between.

use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, JoinHandle};

use heed::{Env, RwTxn, WithoutTls};
use netabase_core::driver::{DriverError, ErrorKind, Result};
use self_cell::self_cell;

use crate::error;
use crate::folder::DataFile;

/// A write transaction; `None` once it has ended.
pub(crate) struct Slot<'e>(Option<RwTxn<'e>>);

self_cell!(
    /// A write transaction, and the environment that it borrows.
    struct Transaction {
        owner: Env<WithoutTls>,
        #[covariant]
        dependent: Slot,
    }
);

/// Where write transactions begin and end.
///
/// LMDB's writer lock belongs to the thread that took it, and no other can release it. A thread of the gate's own takes it,
/// gives the transaction out, and waits for it to come back; nothing else of a write transaction depends on the thread.
/// Those who want to begin meanwhile wait in line.
#[derive(Debug)]
pub(crate) struct Gate {
    /// `None` only while it is dropped.
    line: Option<Sender<Sender<Result<Admitted>>>>,
    thread: Option<JoinHandle<()>>,
}

/// A write transaction outside of the gate. Dropping it rolls it back.
pub(crate) struct Admitted {
    /// `None` once it has gone back.
    transaction: Option<Transaction>,
    back: Sender<Ending>,
}

/// How a transaction comes back.
enum Ending {
    Commit(Transaction, Sender<Result<()>>),
    Rollback(Transaction),
}

impl Gate {
    /// Starts the thread.
    pub(crate) fn new(env: Env<WithoutTls>, data: DataFile) -> Result<Self> {
        let (line, waiting) = mpsc::channel();
        let thread = thread::Builder::new()
            .name("lmdb writer".to_owned())
            .spawn(move || admit_all(&env, &data, &waiting))
            .map_err(|error| {
                DriverError::new(ErrorKind::Io, format!("no thread for writing: {error}"))
                    .with_source(error)
            })?;
        Ok(Self {
            line: Some(line),
            thread: Some(thread),
        })
    }

    /// Begins a write transaction; waits while there is another.
    pub(crate) fn begin(&self) -> Result<Admitted> {
        let (sender, admitted) = mpsc::channel();
        self.line
            .as_ref()
            .and_then(|line| line.send(sender).ok())
            .and_then(|()| admitted.recv().ok())
            .unwrap_or_else(|| Err(gone()))
    }
}

impl Admitted {
    /// LMDB's transaction, for reading.
    #[inline]
    pub(crate) fn engine(&self) -> Result<&RwTxn<'_>> {
        self.transaction
            .as_ref()
            .and_then(|transaction| transaction.borrow_dependent().0.as_ref())
            .ok_or_else(gone)
    }

    /// Runs `write` on LMDB's transaction.
    #[inline]
    pub(crate) fn write<R>(
        &mut self,
        write: impl FnOnce(&mut RwTxn<'_>) -> Result<R>,
    ) -> Result<R> {
        self.transaction
            .as_mut()
            .ok_or_else(gone)?
            .with_dependent_mut(|_, slot| write(slot.0.as_mut().ok_or_else(gone)?))
    }

    /// Commits, and waits for the disk.
    pub(crate) fn commit(mut self) -> Result<()> {
        let transaction = self.transaction.take().ok_or_else(gone)?;
        let (sender, answer) = mpsc::channel();
        self.back
            .send(Ending::Commit(transaction, sender))
            .ok()
            .and_then(|()| answer.recv().ok())
            .unwrap_or_else(|| Err(gone()))
    }
}

impl Drop for Admitted {
    /// Rolls back. Waits for nobody: who begins next stands behind this one.
    fn drop(&mut self) {
        if let Some(transaction) = self.transaction.take() {
            // The gate's thread outlives every transaction that it gave out.
            let _ = self.back.send(Ending::Rollback(transaction));
        }
    }
}

impl Drop for Gate {
    /// Waits until the thread has let go of the environment.
    fn drop(&mut self) {
        self.line = None;
        if let Some(thread) = self.thread.take() {
            // A panic there was reported by the panic hook.
            let _ = thread.join();
        }
    }
}

fn admit_all(env: &Env<WithoutTls>, data: &DataFile, waiting: &Receiver<Sender<Result<Admitted>>>) {
    for next in waiting {
        let (back, returned) = mpsc::channel();
        let begun = Transaction::try_new(env.clone(), |env| Ok(Slot(Some(env.write_txn()?))))
            .map(|transaction| Admitted {
                transaction: Some(transaction),
                back,
            })
            .map_err(error::engine);
        // Where nobody takes it, it comes back by being dropped.
        drop(next.send(begun));
        match returned.recv() {
            Ok(Ending::Commit(mut transaction, answer)) => {
                let committed = transaction
                    .with_dependent_mut(|_, slot| slot.0.take().map_or(Ok(()), RwTxn::commit))
                    .map_err(|error| {
                        let refusal = match error {
                            heed::Error::Io(_) => data.refusal_to_grow(),
                            _ => None,
                        };
                        error::committing(error, refusal)
                    });
                // Before the answer, so that who has it may close the database.
                drop(transaction);
                drop(answer.send(committed));
            }
            Ok(Ending::Rollback(transaction)) => drop(transaction),
            Err(mpsc::RecvError) => {}
        }
    }
}

#[cold]
fn gone() -> DriverError {
    DriverError::new(
        ErrorKind::Internal,
        "the thread that writes has ended; close the database and open it again",
    )
}
