//! Read and write transactions; each tree is looked up once and kept until the transaction ends.

use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;

use heed::{DatabaseStat, RoTxn, WithoutTls};
use netabase_core::driver::kit::commands::damaged;
use netabase_core::driver::kit::trees::{Named, TreeTable};
use netabase_core::driver::{
    Bounds, Direction, Durability, PinnedRead, Read, Result, TreeId, Write,
};

use crate::cursor::LmdbCursor;
use crate::database::Shared;
use crate::error;
use crate::gate::Admitted;
use crate::records::{self, Engine, Format, TreeRecord};

/// A read transaction: one snapshot of LMDB's.
///
/// It takes one of the places in LMDB's table of readers. LMDB uses no page again that it shows, so that the file grows
/// while it lives and others write.
pub struct LmdbReader {
    transaction: RoTxn<'static, WithoutTls>,
    trees: TreeTable<ReadTree>,
    /// The key that is looked for, as LMDB has it; kept so that a read allocates nothing.
    key: RefCell<Vec<u8>>,
    engine: Engine<'static>,
    /// Keeps the database open, and closes it after the transaction.
    _shared: Arc<Shared>,
}

struct ReadTree {
    name: Box<str>,
    /// `None` if nobody wrote to it.
    record: Option<TreeRecord>,
}

impl Named for ReadTree {
    fn name(&self) -> &str {
        &self.name
    }
}

impl LmdbReader {
    pub(crate) fn begin(shared: Arc<Shared>) -> Result<Self> {
        let transaction = shared
            .env()
            .clone()
            .static_read_txn()
            .map_err(error::engine)?;
        Ok(Self {
            transaction,
            trees: TreeTable::new(),
            key: RefCell::default(),
            engine: shared.engine(),
            _shared: shared,
        })
    }

    /// Every tree that was ever written to, by name.
    pub(crate) fn all_trees(&self) -> Result<Vec<(String, TreeRecord)>> {
        records::trees(self.engine, &self.transaction)
    }

    /// LMDB's figures of its pages.
    pub(crate) fn statistics(&self) -> Result<DatabaseStat> {
        self.engine.stat(&self.transaction).map_err(error::engine)
    }
}

impl Read for LmdbReader {
    type Cursor<'t> = LmdbCursor<'t>;

    fn tree(&self, name: &str) -> Result<TreeId> {
        self.trees.resolve(name, |name| {
            Ok(ReadTree {
                record: records::tree(self.engine, &self.transaction, name)?,
                name: name.into(),
            })
        })
    }

    #[inline]
    fn get<R>(
        &self,
        tree: TreeId,
        key: &[u8],
        visit: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        self.get_pinned(tree, key).map(|value| value.map(visit))
    }

    fn cursor(
        &self,
        tree: TreeId,
        bounds: Bounds<'_>,
        direction: Direction,
    ) -> Result<LmdbCursor<'_>> {
        match self.trees.get(tree)?.record {
            Some(TreeRecord { number, .. }) => {
                LmdbCursor::open(self.engine, &self.transaction, number, bounds, direction)
            }
            None => Ok(LmdbCursor::empty()),
        }
    }

    fn len(&self, tree: TreeId) -> Result<u64> {
        Ok(self
            .trees
            .get(tree)?
            .record
            .map_or(0, |record| record.entries))
    }
}

impl PinnedRead for LmdbReader {
    type Guard<'t> = &'t [u8];

    #[inline]
    fn get_pinned(&self, tree: TreeId, key: &[u8]) -> Result<Option<&[u8]>> {
        let Some(TreeRecord { number, .. }) = self.trees.get(tree)?.record else {
            return Ok(None);
        };
        let mut buffer = self.key.borrow_mut();
        records::entry_key(&mut buffer, number, key);
        match self.engine.get(&self.transaction, &buffer) {
            Ok(value) => Ok(value),
            Err(error) => Err(error::engine(error)),
        }
    }

    #[inline]
    fn pin_value<'t>(cursor: &mut LmdbCursor<'t>) -> Option<&'t [u8]>
    where
        Self: 't,
    {
        cursor.pinned_value()
    }
}

impl fmt::Debug for LmdbReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LmdbReader").finish_non_exhaustive()
    }
}

/// A write transaction of LMDB's.
pub struct LmdbWriter {
    transaction: Admitted,
    trees: TreeTable<WriteTree>,
    /// As in [`LmdbReader`].
    key: RefCell<Vec<u8>>,
    /// The number of the next new tree.
    next: u32,
    engine: Engine<'static>,
    /// Keeps the database open, and closes it after the transaction.
    _shared: Arc<Shared>,
}

struct WriteTree {
    name: Box<str>,
    /// As this transaction has it; `None` until somebody writes to it.
    record: Option<TreeRecord>,
    /// As LMDB has it.
    stored: Option<TreeRecord>,
}

impl Named for WriteTree {
    fn name(&self) -> &str {
        &self.name
    }
}

impl LmdbWriter {
    pub(crate) fn begin(shared: Arc<Shared>) -> Result<Self> {
        let transaction = shared.gate()?.begin()?;
        let engine = shared.engine();
        let Format::Ours { next } = records::format(engine, transaction.engine()?)? else {
            return Err(damaged("the record of the format is damaged"));
        };
        Ok(Self {
            transaction,
            trees: TreeTable::new(),
            key: RefCell::default(),
            next,
            engine,
            _shared: shared,
        })
    }

    /// What a write to a tree needs: LMDB's transaction, the tree's record, and the key as LMDB has it.
    #[inline]
    fn parts(&mut self, id: TreeId, key: &[u8]) -> Result<Parts<'_>> {
        let tree = self.trees.get_mut(id)?;
        let record = match &mut tree.record {
            Some(record) => record,
            none => {
                let number = self.next;
                self.next = records::number_after(number)?;
                none.insert(TreeRecord { number, entries: 0 })
            }
        };
        let buffer = self.key.get_mut();
        records::entry_key(buffer, record.number, key);
        Ok(Parts {
            engine: self.engine,
            transaction: &mut self.transaction,
            record,
            key: buffer,
        })
    }
}

struct Parts<'w> {
    engine: Engine<'static>,
    transaction: &'w mut Admitted,
    record: &'w mut TreeRecord,
    key: &'w [u8],
}

impl Read for LmdbWriter {
    type Cursor<'t> = LmdbCursor<'t>;

    fn tree(&self, name: &str) -> Result<TreeId> {
        self.trees.resolve(name, |name| {
            let stored = records::tree(self.engine, self.transaction.engine()?, name)?;
            Ok(WriteTree {
                name: name.into(),
                record: stored,
                stored,
            })
        })
    }

    #[inline]
    fn get<R>(
        &self,
        tree: TreeId,
        key: &[u8],
        visit: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        let Some(TreeRecord { number, .. }) = self.trees.get(tree)?.record else {
            return Ok(None);
        };
        let transaction = self.transaction.engine()?;
        let value = {
            let mut buffer = self.key.borrow_mut();
            records::entry_key(&mut buffer, number, key);
            self.engine.get(transaction, &buffer)
        };
        match value {
            Ok(value) => Ok(value.map(visit)),
            Err(error) => Err(error::engine(error)),
        }
    }

    fn cursor(
        &self,
        tree: TreeId,
        bounds: Bounds<'_>,
        direction: Direction,
    ) -> Result<LmdbCursor<'_>> {
        match self.trees.get(tree)?.record {
            Some(TreeRecord { number, .. }) => {
                let transaction = self.transaction.engine()?;
                LmdbCursor::open(self.engine, transaction, number, bounds, direction)
            }
            None => Ok(LmdbCursor::empty()),
        }
    }

    fn len(&self, tree: TreeId) -> Result<u64> {
        Ok(self
            .trees
            .get(tree)?
            .record
            .map_or(0, |record| record.entries))
    }
}

impl Write for LmdbWriter {
    #[inline]
    fn put<R>(
        &mut self,
        tree: TreeId,
        key: &[u8],
        value: &[u8],
        previous: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        let parts = self.parts(tree, key)?;
        let (engine, key) = (parts.engine, parts.key);
        let replaced = parts.transaction.write(|transaction| {
            // A key that is new is stored by the descent that finds out.
            let before = engine
                .get_or_put(transaction, key, value)
                .map_err(error::engine)?;
            let Some(before) = before else {
                return Ok(None);
            };
            // Before LMDB changes the page that it lies in.
            let result = previous(before);
            engine.put(transaction, key, value).map_err(error::engine)?;
            Ok(Some(result))
        })?;
        if replaced.is_none() {
            parts.record.entries += 1;
        }
        Ok(replaced)
    }

    #[inline]
    fn remove<R>(
        &mut self,
        tree: TreeId,
        key: &[u8],
        previous: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        if self.trees.get(tree)?.record.is_none() {
            return Ok(None);
        }
        let parts = self.parts(tree, key)?;
        let (engine, key) = (parts.engine, parts.key);
        let removed = parts.transaction.write(|transaction| {
            let before = engine.get(transaction, key).map_err(error::engine)?;
            let Some(before) = before else {
                return Ok(None);
            };
            let result = previous(before);
            engine.delete(transaction, key).map_err(error::engine)?;
            Ok(Some(result))
        })?;
        if removed.is_some() {
            parts.record.entries = parts.record.entries.saturating_sub(1);
        }
        Ok(removed)
    }

    /// Removes entry by entry.
    fn clear(&mut self, tree: TreeId) -> Result<()> {
        if self.trees.get(tree)?.record.is_none() {
            return Ok(());
        }
        let parts = self.parts(tree, &[])?;
        let bounds = records::engine_bounds(parts.record.number, Bounds::ALL);
        let engine = parts.engine;
        parts.transaction.write(|transaction| {
            engine
                .delete_range(transaction, &bounds.range())
                .map_err(error::engine)
        })?;
        parts.record.entries = 0;
        Ok(())
    }

    /// Commits and waits for the disk, whatever the durability.
    fn commit(mut self, _durability: Durability) -> Result<()> {
        let (engine, next) = (self.engine, self.next);
        let mut created = false;
        for tree in self.trees.iter_mut() {
            if let Some(record) = tree.record
                && tree.record != tree.stored
            {
                created |= tree.stored.is_none();
                self.transaction.write(|transaction| {
                    records::put_tree(engine, transaction, &tree.name, record)
                })?;
            }
        }
        if created {
            self.transaction
                .write(|transaction| records::put_format(engine, transaction, next))?;
        }
        self.transaction.commit()
    }
}

impl fmt::Debug for LmdbWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LmdbWriter").finish_non_exhaustive()
    }
}
