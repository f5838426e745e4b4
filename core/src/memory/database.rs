//! An open memory database: the committed trees, and the turn of the writer.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use imbl::OrdMap;

use super::transaction::{MemoryReader, MemoryWriter};
use crate::driver::{Database, DriverError, ErrorKind, Result};

/// The operation that gives the names of the trees that hold an entry, in byte order, one output a name.
pub(super) const TREE_NAMES: &str = "tree_names";

/// Refuses an argument to [`TREE_NAMES`].
pub(super) fn no_argument(argument: &[u8]) -> Result<()> {
    if argument.is_empty() {
        return Ok(());
    }
    Err(DriverError::new(
        ErrorKind::InvalidInput,
        "`tree_names` takes no argument; leave it empty",
    ))
}

pub(super) type Bytes = Arc<[u8]>;
pub(super) type Tree = OrdMap<Bytes, Bytes>;
/// Every tree that holds an entry. A clone is a snapshot and costs one reference count.
pub(super) type Trees = OrdMap<Arc<str>, Tree>;

/// An open memory database.
#[derive(Debug, Default)]
pub struct MemoryDatabase(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    committed: Mutex<Trees>,
    writing: Mutex<bool>,
    writer_ended: Condvar,
}

impl Shared {
    fn committed(&self) -> MutexGuard<'_, Trees> {
        self.committed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Database for MemoryDatabase {
    type Reader = MemoryReader;
    type Writer = MemoryWriter;

    fn begin_read(&self) -> Result<MemoryReader> {
        Ok(MemoryReader::new(self.0.committed().clone()))
    }

    /// Begins a write transaction; waits while another one is open.
    ///
    /// # Errors
    /// [`Conflict`](ErrorKind::Conflict) where another one is open and the platform has no threads, so that waiting
    /// would never end.
    fn begin_write(&self) -> Result<MemoryWriter> {
        let turn = Turn::take(&self.0)?;
        let trees = self.0.committed().clone();
        Ok(MemoryWriter::new(turn, trees))
    }

    fn command(
        &self,
        operation: &str,
        argument: &[u8],
        output: &mut dyn FnMut(&[u8]),
    ) -> Result<()> {
        if operation != TREE_NAMES {
            return Err(DriverError::unsupported(operation));
        }
        no_argument(argument)?;
        let trees = self.0.committed().clone();
        trees.keys().for_each(|name| output(name.as_bytes()));
        Ok(())
    }
}

/// The right to write, held by one transaction at a time and given back on drop.
///
/// A flag under a lock instead of the lock's own guard, since a guard can neither be sent to another thread nor
/// outlive the store's handle.
#[derive(Debug)]
pub(super) struct Turn(Arc<Shared>);

impl Turn {
    fn take(shared: &Arc<Shared>) -> Result<Self> {
        let mut writing = shared
            .writing
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        while *writing {
            if cfg!(all(target_family = "wasm", not(target_feature = "atomics"))) {
                return Err(DriverError::new(
                    ErrorKind::Conflict,
                    "another write transaction is open and there is no thread that could end it; end it first",
                ));
            }
            writing = shared
                .writer_ended
                .wait(writing)
                .unwrap_or_else(PoisonError::into_inner);
        }
        *writing = true;
        Ok(Self(Arc::clone(shared)))
    }

    /// Makes `trees` what later transactions see.
    pub(super) fn publish(&self, trees: Trees) {
        let before = std::mem::replace(&mut *self.0.committed(), trees);
        // Dropped only now, since freeing a large tree must not hold up readers.
        drop(before);
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        *self
            .0
            .writing
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = false;
        self.0.writer_ended.notify_one();
    }
}
