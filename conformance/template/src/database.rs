//! An open database: what is committed, and whether a writer is open.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use imbl::OrdMap;
use netabase_core::driver::command::TreeNames;
use netabase_core::driver::kit::turn::Turns;
use netabase_core::driver::{Database, Result};

use crate::transaction::{TemplateReader, TemplateWriter};

pub(crate) type Bytes = Arc<[u8]>;
/// One tree. A clone is a snapshot, and costs nothing.
pub(crate) type Tree = OrdMap<Bytes, Bytes>;
/// The trees that hold an entry, by name.
pub(crate) type Trees = OrdMap<String, Tree>;

netabase_core::commands! {
    pub(crate) const COMMANDS;
    fn run(database: &TemplateDatabase);
    TreeNames => Ok(database.committed.lock().keys().cloned().collect()),
}

/// An open database. Transactions keep what they need of it, so that it may be dropped before them.
#[derive(Debug, Default)]
pub struct TemplateDatabase {
    committed: Committed,
    turns: Arc<Turns>,
}

/// The trees as the last commit left them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Committed(Arc<Mutex<Trees>>);

impl Committed {
    /// A lock whose holder panicked is as good as any other: what it guards is replaced in one step.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Trees> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Database for TemplateDatabase {
    type Reader = TemplateReader;
    type Writer = TemplateWriter;

    fn begin_read(&self) -> Result<TemplateReader> {
        Ok(TemplateReader::new(self.committed.lock().clone()))
    }

    fn begin_write(&self) -> Result<TemplateWriter> {
        let turn = self.turns.try_take()?;
        Ok(TemplateWriter::new(self.committed.clone(), turn))
    }

    fn command(&self, name: &str, argument: &[u8], output: &mut dyn FnMut(&[u8])) -> Result<()> {
        run(self, name, argument, output)
    }
}
