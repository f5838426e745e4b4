//! An open memory database: the committed trees, and the turn of the writer.

use std::sync::{Arc, Mutex, PoisonError};

use imbl::OrdMap;

use super::transaction::{MemoryReader, MemoryWriter};
use crate::driver::kit::turn::{Turn, Turns};
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
pub struct MemoryDatabase {
    committed: Arc<Mutex<Trees>>,
    turns: Turns,
}

/// The right to publish.
#[derive(Debug)]
pub(super) struct Publisher {
    committed: Arc<Mutex<Trees>>,
    /// Given back after the trees were published.
    _turn: Turn,
}

impl Publisher {
    /// Makes `trees` what later transactions see.
    pub(super) fn publish(self, trees: Trees) {
        let mut committed = self
            .committed
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut *committed, trees);
        drop(committed);
        // Only now, since freeing a large tree must not hold up readers.
        drop(before);
    }
}

impl MemoryDatabase {
    fn committed(&self) -> Trees {
        self.committed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Database for MemoryDatabase {
    type Reader = MemoryReader;
    type Writer = MemoryWriter;

    fn begin_read(&self) -> Result<MemoryReader> {
        Ok(MemoryReader::new(self.committed()))
    }

    /// Begins a write transaction; waits while another one is open.
    ///
    /// # Errors
    /// [`Conflict`](ErrorKind::Conflict) where another one is open and the platform has no threads, so that waiting
    /// would never end.
    fn begin_write(&self) -> Result<MemoryWriter> {
        let publisher = Publisher {
            _turn: self.turns.take()?,
            committed: Arc::clone(&self.committed),
        };
        Ok(MemoryWriter::new(publisher, self.committed()))
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
        self.committed()
            .keys()
            .for_each(|name| output(name.as_bytes()));
        Ok(())
    }
}
