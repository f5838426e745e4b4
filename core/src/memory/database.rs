//! An open memory database: the committed trees, and whether a writer is open.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use imbl::OrdMap;

use super::transaction::{MemoryReader, MemoryWriter};
use crate::driver::command::TreeNames;
use crate::driver::kit::turn::Turns;
use crate::driver::{Database, Result};

pub(super) type Bytes = Arc<[u8]>;
pub(super) type Tree = OrdMap<Bytes, Bytes>;
/// Every tree that holds an entry. A clone is a snapshot and costs one reference count.
pub(super) type Trees = OrdMap<Arc<str>, Tree>;

/// An open memory database.
#[derive(Debug, Default)]
pub struct MemoryDatabase {
    committed: Committed,
    turns: Arc<Turns>,
}

/// The trees as the last commit left them.
#[derive(Debug, Clone, Default)]
pub(super) struct Committed(Arc<Mutex<Trees>>);

impl Committed {
    pub(super) fn lock(&self) -> MutexGuard<'_, Trees> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn snapshot(&self) -> Trees {
        self.lock().clone()
    }

    /// The names of the trees that hold an entry, in byte order.
    pub(super) fn tree_names(&self) -> Vec<String> {
        self.snapshot()
            .keys()
            .map(|name| name.to_string())
            .collect()
    }

    /// Makes `trees` what later transactions see.
    pub(super) fn publish(&self, trees: Trees) {
        let before = std::mem::replace(&mut *self.lock(), trees);
        // Only now, since freeing a large tree must not hold up readers.
        drop(before);
    }
}

crate::commands! {
    pub(super) const COMMANDS;
    pub(super) fn run(committed: &Committed);
    TreeNames => Ok(committed.tree_names()),
}

impl Database for MemoryDatabase {
    type Reader = MemoryReader;
    type Writer = MemoryWriter;

    fn begin_read(&self) -> Result<MemoryReader> {
        Ok(MemoryReader::new(self.committed.snapshot()))
    }

    fn begin_write(&self) -> Result<MemoryWriter> {
        let turn = self.turns.try_take()?;
        Ok(MemoryWriter::new(self.committed.clone(), turn))
    }

    fn command(&self, name: &str, argument: &[u8], output: &mut dyn FnMut(&[u8])) -> Result<()> {
        run(&self.committed, name, argument, output)
    }
}
