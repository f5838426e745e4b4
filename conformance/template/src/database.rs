//! An open database: what is committed, and whose turn it is to write.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use imbl::OrdMap;
use netabase_core::driver::kit::turn::{Turn, Turns};
use netabase_core::driver::{Database, DriverError, ErrorKind, Result};

use crate::transaction::{TemplateReader, TemplateWriter};

pub(crate) type Bytes = Arc<[u8]>;
/// One tree. A clone is a snapshot, and costs nothing.
pub(crate) type Tree = OrdMap<Bytes, Bytes>;
/// The trees that hold an entry, by name.
pub(crate) type Trees = OrdMap<String, Tree>;

const TREE_NAMES: &str = "tree_names";

/// The operations that [`TemplateDatabase::command`](Database::command) answers to.
pub(crate) const COMMANDS: &[Cow<'static, str>] = &[Cow::Borrowed(TREE_NAMES)];

/// An open database. Transactions keep what they need of it, so that it may be dropped before them.
#[derive(Debug, Default)]
pub struct TemplateDatabase {
    committed: Committed,
    turns: Turns,
}

/// The trees as the last commit left them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Committed(Arc<Mutex<Trees>>);

impl Committed {
    /// A lock whose holder panicked is as good as any other: what it guards is replaced in one step.
    fn lock(&self) -> MutexGuard<'_, Trees> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to publish, which one transaction has at a time.
#[derive(Debug)]
pub(crate) struct Publisher {
    committed: Committed,
    /// An engine that makes a second writer wait by itself needs none.
    _turn: Turn,
}

impl Publisher {
    /// Makes `trees` what later transactions see.
    pub(crate) fn publish(self, trees: Trees) {
        *self.committed.lock() = trees;
    }
}

impl Database for TemplateDatabase {
    type Reader = TemplateReader;
    type Writer = TemplateWriter;

    fn begin_read(&self) -> Result<TemplateReader> {
        Ok(TemplateReader::new(self.committed.lock().clone()))
    }

    fn begin_write(&self) -> Result<TemplateWriter> {
        // The turn first: what is committed before it comes is to be seen.
        let publisher = Publisher {
            _turn: self.turns.take()?,
            committed: self.committed.clone(),
        };
        let trees = self.committed.lock().clone();
        Ok(TemplateWriter::new(trees, publisher))
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
        if !argument.is_empty() {
            return Err(DriverError::new(
                ErrorKind::InvalidInput,
                "`tree_names` takes no argument; leave it empty",
            ));
        }
        let trees = self.committed.lock().clone();
        trees.keys().for_each(|name| output(name.as_bytes()));
        Ok(())
    }
}
