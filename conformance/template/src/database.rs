//! An open database: what is committed, and whose turn it is to write.

use std::borrow::Cow;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use imbl::OrdMap;
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
pub struct TemplateDatabase(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    committed: Mutex<Trees>,
    writing: Mutex<bool>,
    writer_ended: Condvar,
}

impl Database for TemplateDatabase {
    type Reader = TemplateReader;
    type Writer = TemplateWriter;

    fn begin_read(&self) -> Result<TemplateReader> {
        Ok(TemplateReader::new(self.committed()))
    }

    fn begin_write(&self) -> Result<TemplateWriter> {
        // The turn first: what is committed before it comes is to be seen.
        let turn = Turn::wait_for(&self.0);
        Ok(TemplateWriter::new(self.committed(), turn))
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
        for name in self.committed().keys() {
            output(name.as_bytes());
        }
        Ok(())
    }
}

impl TemplateDatabase {
    fn committed(&self) -> Trees {
        lock(&self.0.committed).clone()
    }
}

/// The right to write: one transaction has it at a time, and gives it back when it is dropped.
///
/// An engine that makes a second writer wait by itself needs none of this.
#[derive(Debug)]
pub(crate) struct Turn(Arc<Shared>);

impl Turn {
    fn wait_for(shared: &Arc<Shared>) -> Self {
        let mut writing = lock(&shared.writing);
        while *writing {
            writing = shared
                .writer_ended
                .wait(writing)
                .unwrap_or_else(PoisonError::into_inner);
        }
        *writing = true;
        Self(Arc::clone(shared))
    }

    /// Makes `trees` what later transactions see.
    pub(crate) fn publish(&self, trees: Trees) {
        *lock(&self.0.committed) = trees;
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        *lock(&self.0.writing) = false;
        self.0.writer_ended.notify_one();
    }
}

/// A lock whose holder panicked is as good as any other: what it guards is replaced in one step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
