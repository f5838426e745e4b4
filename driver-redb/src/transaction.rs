//! Read and write transactions; each table is opened once and kept open until the transaction ends.

use std::cell::Cell;
use std::fmt;
use std::sync::Arc;

use netabase_core::driver::kit::trees::{Named, TreeTable};
use netabase_core::driver::{
    Bounds, Direction, DriverError, Durability, EntryWidths, ErrorKind, PinnedRead, Read, Result,
    TreeId, Write,
};
use redb::{
    ReadTransaction, ReadableTable, ReadableTableMetadata, TableError, TableHandle,
    WriteTransaction,
};
use self_cell::self_cell;

use crate::config::CommitSettings;
use crate::cursor::{RedbCursor, TableRef, TreeCursor};
use crate::engine::Engine;
use crate::error;
use crate::guard::RedbGuard;
use crate::layout::{Bytes, LaidOut, Layout, map_member, with_member};
use crate::names::{self, Changes};
use crate::tables::{ReadTables, open_table, stored_layout};
use crate::write_tree::WriteTree;

/// A read transaction: a snapshot of the whole file.
pub struct RedbReader {
    trees: TreeTable<ReadTree>,
    transaction: ReadTransaction,
    /// Dropped last: redb ends the transactions of a database that goes before them.
    _engine: Arc<Engine>,
}

impl RedbReader {
    #[inline]
    pub(crate) fn begin(engine: Arc<Engine>) -> Result<Self> {
        match error::call(|| engine.begin_read()) {
            Ok(transaction) => Ok(Self {
                trees: TreeTable::new(),
                transaction,
                _engine: engine,
            }),
            Err(error) => Err(error),
        }
    }
}

impl Read for RedbReader {
    type Cursor<'t> = RedbCursor<'t>;

    #[inline]
    fn tree(&self, name: &str) -> Result<TreeId> {
        self.sized_tree(name, EntryWidths::default())
    }

    #[inline]
    fn sized_tree(&self, name: &str, widths: EntryWidths) -> Result<TreeId> {
        self.trees.resolve(name, |name| {
            names::check(name)?;
            let tree =
                match error::caught(|| open_table(&self.transaction, name, Layout::of(widths)))? {
                    Ok(table) => ReadTree::Table(table),
                    Err(TableError::TableDoesNotExist(name)) => ReadTree::Missing(name),
                    Err(error) => return Err(error::engine(error)),
                };
            if tree.len()? == 0 {
                error::caught(|| names::check_empty(&self.transaction, name))??;
            }
            Ok(tree)
        })
    }

    #[inline]
    fn get<R>(
        &self,
        tree: TreeId,
        key: &[u8],
        visit: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        match self.trees.get(tree)? {
            ReadTree::Table(table) => with_member!(table, table => get(table, key, visit)),
            ReadTree::Missing(_) => Ok(None),
        }
    }

    #[inline]
    fn cursor(
        &self,
        tree: TreeId,
        bounds: Bounds<'_>,
        direction: Direction,
    ) -> Result<Self::Cursor<'_>> {
        let table = match self.trees.get(tree)? {
            ReadTree::Table(table) => table,
            ReadTree::Missing(_) => return Ok(RedbCursor::empty()),
        };
        let cursor = map_member!(table, table => {
            TreeCursor::open(TableRef::ReadOnly(table), bounds, direction)
        })?;
        Ok(RedbCursor::new(cursor, bounds, direction))
    }

    fn len(&self, tree: TreeId) -> Result<u64> {
        self.trees.get(tree)?.len()
    }
}

impl PinnedRead for RedbReader {
    type Guard<'t> = RedbGuard<'t>;

    #[inline]
    fn get_pinned(&self, tree: TreeId, key: &[u8]) -> Result<Option<RedbGuard<'_>>> {
        match self.trees.get(tree)? {
            ReadTree::Table(table) => with_member!(table, table => {
                let value = error::call(|| ReadableTable::get(table, key).inspect(error::probe))?;
                Ok(value.map(RedbGuard::from))
            }),
            ReadTree::Missing(_) => Ok(None),
        }
    }

    #[inline]
    fn pin_value<'t>(cursor: &mut Self::Cursor<'t>) -> Option<RedbGuard<'t>>
    where
        Self: 't,
    {
        cursor.take_value()
    }
}

impl fmt::Debug for RedbReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedbReader").finish_non_exhaustive()
    }
}

/// A write transaction. It keeps the file open, and locked, by itself.
pub struct RedbWriter {
    /// `None` once it was committed.
    transaction: Option<OpenTransaction>,
    commits: CommitSettings,
    /// Whether redb panicked over the list of tables.
    failed: Cell<bool>,
    number: u64,
    engine: Arc<Engine>,
}

impl RedbWriter {
    pub(crate) fn begin(engine: Arc<Engine>, commits: CommitSettings) -> Result<Self> {
        let transaction = engine.begin_write()?;
        Ok(Self {
            transaction: Some(OpenTransaction::new(transaction, |_| TreeTable::new())),
            commits,
            failed: Cell::new(false),
            number: engine.number_writer(),
            engine,
        })
    }

    #[inline]
    fn transaction(&self) -> Result<&OpenTransaction> {
        self.transaction.as_ref().ok_or_else(ended)
    }

    /// Runs `change` on a tree.
    #[inline]
    fn change<R>(
        &mut self,
        tree: TreeId,
        change: impl for<'q> FnOnce(&'q WriteTransaction, &mut WriteTree<'q>) -> Result<R>,
    ) -> Result<R> {
        self.transaction
            .as_mut()
            .ok_or_else(ended)?
            .with_dependent_mut(|transaction, trees| change(transaction, trees.get_mut(tree)?))
    }
}

impl Read for RedbWriter {
    type Cursor<'t> = RedbCursor<'t>;

    fn tree(&self, name: &str) -> Result<TreeId> {
        self.sized_tree(name, EntryWidths::default())
    }

    /// Creates the table if there is none; an empty table is an empty tree.
    fn sized_tree(&self, name: &str, widths: EntryWidths) -> Result<TreeId> {
        self.transaction()?.with_dependent(|transaction, trees| {
            let layout = Layout::of(widths);
            let id = trees.resolve(name, |name| {
                names::check(name)?;
                let opened = error::caught(|| {
                    let held_entries = self.engine.names().is_noted(name, transaction)?;
                    let open = |layout| WriteTree::open(transaction, name, layout, held_entries);
                    stored_layout(layout, open).map_err(error::engine)
                });
                if opened.is_err() {
                    self.failed.set(true);
                }
                let tree = opened??;
                match tree.has_lost_entries()? {
                    true => Err(names::lost(name)),
                    false => Ok(tree),
                }
            })?;
            trees.get(id)?.prefer(layout);
            Ok(id)
        })
    }

    #[inline]
    fn get<R>(
        &self,
        tree: TreeId,
        key: &[u8],
        visit: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        self.transaction()?.with_dependent(|_, trees| {
            let table = trees.get(tree)?.table()?;
            with_member!(table, table => get(table, key, visit))
        })
    }

    #[inline]
    fn cursor(
        &self,
        tree: TreeId,
        bounds: Bounds<'_>,
        direction: Direction,
    ) -> Result<Self::Cursor<'_>> {
        let cursor = self.transaction()?.with_dependent(|_, trees| {
            let table = trees.get(tree)?.table()?;
            map_member!(table, table => {
                TreeCursor::open(TableRef::Writable(table), bounds, direction)
            })
        })?;
        Ok(RedbCursor::new(cursor, bounds, direction))
    }

    fn len(&self, tree: TreeId) -> Result<u64> {
        self.transaction()?.with_dependent(|_, trees| {
            let table = trees.get(tree)?.table()?;
            error::call(|| with_member!(table, table => table.len()))
        })
    }
}

impl Write for RedbWriter {
    #[inline]
    fn put<R>(
        &mut self,
        tree: TreeId,
        key: &[u8],
        value: &[u8],
        previous: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        self.change(tree, |transaction, tree| {
            tree.put(transaction, key, value, previous)
        })
    }

    #[inline]
    fn remove<R>(
        &mut self,
        tree: TreeId,
        key: &[u8],
        previous: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        self.change(tree, |_, tree| tree.remove(key, previous))
    }

    /// Frees the table's pages without a look at its entries.
    fn clear(&mut self, tree: TreeId) -> Result<()> {
        self.change(tree, |transaction, tree| tree.clear(transaction))
    }

    fn commit(mut self, durability: Durability) -> Result<()> {
        let transaction = self.transaction.take().ok_or_else(ended)?;
        if self.failed.get() {
            error::discard(transaction);
            return Err(ended());
        }
        let noted = transaction.with_dependent(|transaction, trees| {
            let mut changes = Changes::new();
            for tree in trees.iter() {
                changes.extend(tree.change_to_note()?);
            }
            error::caught(|| names::note(transaction, &changes))?.map(|()| changes)
        });
        let changes = match noted {
            Ok(changes) => changes,
            Err(error) => {
                error::discard(transaction);
                return Err(error);
            }
        };
        let commits = self.commits;
        let committed = error::caught(move || {
            // Closes the tables first: redb takes their roots over as they close.
            let mut transaction = transaction.into_owner();
            transaction.set_quick_repair(commits.quick_repair);
            transaction.set_two_phase_commit(commits.two_phase);
            transaction
                .set_durability(match durability {
                    Durability::None => redb::Durability::None,
                    Durability::Immediate => redb::Durability::Immediate,
                })
                .map_err(error::engine)?;
            transaction.commit().map_err(error::committing)
        })
        .and_then(|committed| committed);
        match &committed {
            Ok(()) => {
                self.engine.names().remember(changes);
                self.engine.committed(self.number, durability);
            }
            Err(_) => self.engine.fail(),
        }
        committed
    }
}

impl Drop for RedbWriter {
    fn drop(&mut self) {
        if let Some(transaction) = self.transaction.take() {
            error::discard(transaction);
        }
    }
}

impl fmt::Debug for RedbWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedbWriter").finish_non_exhaustive()
    }
}

self_cell!(
    /// A write transaction together with the tables that are open in it.
    struct OpenTransaction {
        owner: WriteTransaction,

        #[not_covariant]
        dependent: WriteTrees,
    }
);

type WriteTrees<'t> = TreeTable<WriteTree<'t>>;

/// A tree of a read transaction.
enum ReadTree {
    Table(LaidOut<ReadTables>),
    /// By name.
    Missing(String),
}

impl Named for WriteTree<'_> {
    fn name(&self) -> &str {
        Self::name(self)
    }
}

impl ReadTree {
    fn len(&self) -> Result<u64> {
        match self {
            Self::Table(table) => error::call(|| with_member!(table, table => table.len())),
            Self::Missing(_) => Ok(0),
        }
    }
}

impl Named for ReadTree {
    fn name(&self) -> &str {
        match self {
            Self::Table(table) => with_member!(table, table => table.name()),
            Self::Missing(name) => name,
        }
    }
}

#[inline]
fn get<const K: usize, const V: usize, R>(
    table: &impl ReadableTable<Bytes<K>, Bytes<V>>,
    key: &[u8],
    visit: impl FnOnce(&[u8]) -> R,
) -> Result<Option<R>> {
    Ok(error::call(|| table.get(key).inspect(error::probe))?.map(|guard| visit(guard.value())))
}

#[cold]
fn ended() -> DriverError {
    DriverError::new(
        ErrorKind::Closed,
        "an earlier failure ended this transaction; begin again",
    )
}
