//! The turn of the one writer among tasks, for engines that have one writer at a time.

use std::sync::Arc;

use futures_util::lock::{Mutex, OwnedMutexGuard};

use crate::driver::{DriverError, ErrorKind, Result};

/// Gives out one turn at a time.
pub(crate) type Turns = Arc<Mutex<()>>;

/// The right to write, until it is dropped.
pub(crate) type Turn = OwnedMutexGuard<()>;

/// Waits for the turn; not where there are none, and many may write.
pub(crate) async fn take(turns: Option<&Turns>) -> Option<Turn> {
    Some(Arc::clone(turns?).lock_owned().await)
}

/// Takes the turn if nobody has it.
///
/// # Errors
/// [`Conflict`](ErrorKind::Conflict) if another transaction has it.
pub(crate) fn try_take(turns: Option<&Turns>) -> Result<Option<Turn>> {
    let Some(turns) = turns else {
        return Ok(None);
    };
    let turn = Arc::clone(turns).try_lock_owned();
    let turn = turn.ok_or_else(|| {
        DriverError::new(
            ErrorKind::Conflict,
            "another write transaction is open; commit or drop it first, or wait for it",
        )
    })?;
    Ok(Some(turn))
}
