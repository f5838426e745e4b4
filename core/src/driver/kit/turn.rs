//! One writer at a time, for engines that do not order their writers themselves.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::driver::{DriverError, ErrorKind, Result};

/// The turns of the writers of one database.
#[derive(Debug, Clone, Default)]
pub struct Turns(Arc<Line>);

#[derive(Debug, Default)]
struct Line {
    writing: Mutex<bool>,
    writer_ended: Condvar,
}

impl Line {
    fn writing(&self) -> MutexGuard<'_, bool> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to write, held by one transaction at a time and given back on drop.
///
/// A flag under a lock, and not the lock's own guard: a guard can neither be sent to another thread nor outlive the
/// database.
#[derive(Debug)]
pub struct Turn(Arc<Line>);

impl Turns {
    /// Waits until no transaction has the right to write, and takes it.
    ///
    /// # Errors
    /// [`Conflict`](ErrorKind::Conflict) where a transaction has it and the platform has no threads, so that waiting would
    /// never end.
    pub fn take(&self) -> Result<Turn> {
        let mut writing = self.0.writing();
        while *writing {
            if cfg!(all(target_family = "wasm", not(target_feature = "atomics"))) {
                return Err(DriverError::new(
                    ErrorKind::Conflict,
                    "another write transaction is open and there is no thread that could end it; end it first",
                ));
            }
            let ended = &self.0.writer_ended;
            writing = ended.wait(writing).unwrap_or_else(PoisonError::into_inner);
        }
        *writing = true;
        Ok(Turn(Arc::clone(&self.0)))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        *self.0.writing() = false;
        self.0.writer_ended.notify_one();
    }
}
