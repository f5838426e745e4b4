//! An open memory database: the committed trees, and whether a writer is open.

use std::sync::Arc;

use super::committed::{self, Committed};
use super::transaction::{MemoryReader, MemoryWriter};
use crate::driver::kit::turn::Turns;
use crate::driver::{Database, Result};

/// An open memory database.
#[derive(Debug, Default)]
pub struct MemoryDatabase {
    committed: Committed,
    turns: Arc<Turns>,
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
        committed::run(&self.committed, name, argument, output)
    }
}
