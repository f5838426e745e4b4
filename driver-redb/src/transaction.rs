//! Read and write transactions; each table is opened once and kept open until the transaction ends.

use std::cell::{Cell, OnceCell};
use std::fmt;
use std::sync::Arc;

use elsa::FrozenVec;
use netabase_core::driver::{
    Bounds, Direction, DriverError, Durability, ErrorKind, PinnedRead, Read, Result, TreeId, Write,
};
use redb::{
    AccessGuard, ReadOnlyTable, ReadTransaction, ReadableTable, ReadableTableMetadata, Table,
    TableDefinition, TableError, TableHandle, WriteTransaction,
};
use self_cell::self_cell;

use crate::append::WriteTree;
use crate::config::CommitSettings;
use crate::cursor::RedbCursor;
use crate::error;
use crate::store::Engine;

/// How redb sees a key and a value.
pub(crate) type Bytes = &'static [u8];

/// A read transaction: a snapshot of the whole file.
pub struct RedbReader {
    trees: Trees<ReadTree>,
    transaction: ReadTransaction,
    /// Dropped last: redb ends the transactions of a database that goes before them.
    _engine: Arc<Engine>,
}

impl RedbReader {
    #[inline]
    pub(crate) fn begin(engine: Arc<Engine>) -> Result<Self> {
        match error::call(|| engine.begin_read()) {
            Ok(transaction) => Ok(Self {
                trees: Trees::new(),
                transaction,
                _engine: engine,
            }),
            Err(error) => Err(error),
        }
    }
}

impl Read for RedbReader {
    type Cursor<'t> = RedbCursor<'t, ReadOnlyTable<Bytes, Bytes>>;

    #[inline]
    fn tree(&self, name: &str) -> Result<TreeId> {
        if let Some(id) = self.trees.find(name)? {
            return Ok(id);
        }
        match error::caught(|| self.transaction.open_table(TableDefinition::new(name)))? {
            Ok(table) => self.trees.push(ReadTree::Table(table)),
            Err(TableError::TableDoesNotExist(name)) => self.trees.push(ReadTree::Missing(name)),
            Err(error) => Err(error::engine(error)),
        }
    }

    #[inline]
    fn get<R>(
        &self,
        tree: TreeId,
        key: &[u8],
        visit: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        match self.trees.get(tree)? {
            ReadTree::Table(table) => get(table, key, visit),
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
        match self.trees.get(tree)? {
            ReadTree::Table(table) => RedbCursor::open(table, bounds, direction),
            ReadTree::Missing(_) => Ok(RedbCursor::empty()),
        }
    }

    fn len(&self, tree: TreeId) -> Result<u64> {
        match self.trees.get(tree)? {
            ReadTree::Table(table) => error::call(|| table.len()),
            ReadTree::Missing(_) => Ok(0),
        }
    }
}

impl PinnedRead for RedbReader {
    type Guard<'t> = RedbGuard<'t>;

    #[inline]
    fn get_pinned(&self, tree: TreeId, key: &[u8]) -> Result<Option<RedbGuard<'_>>> {
        match self.trees.get(tree)? {
            ReadTree::Table(table) => match ReadableTable::get(table, key) {
                Ok(value) => Ok(value.map(RedbGuard)),
                Err(error) => Err(error::engine(error)),
            },
            ReadTree::Missing(_) => Ok(None),
        }
    }

    #[inline]
    fn pin_value<'t>(cursor: &mut Self::Cursor<'t>) -> Option<RedbGuard<'t>>
    where
        Self: 't,
    {
        cursor.take_value().map(RedbGuard)
    }
}

impl fmt::Debug for RedbReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedbReader").finish_non_exhaustive()
    }
}

/// A value in redb's own page, for as long as its read transaction lives.
pub struct RedbGuard<'t>(AccessGuard<'t, Bytes>);

impl AsRef<[u8]> for RedbGuard<'_> {
    #[inline]
    fn as_ref(&self) -> &[u8] {
        self.0.value()
    }
}

impl fmt::Debug for RedbGuard<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RedbGuard").field(&self.as_ref()).finish()
    }
}

/// A write transaction. It keeps the file open, and locked, by itself.
pub struct RedbWriter {
    /// `None` once it was committed.
    transaction: Option<OpenTransaction>,
    commits: CommitSettings,
    /// Whether redb panicked over the list of tables.
    failed: Cell<bool>,
    _engine: Arc<Engine>,
}

impl RedbWriter {
    pub(crate) fn begin(engine: Arc<Engine>, commits: CommitSettings) -> Result<Self> {
        let transaction = engine.begin_write()?;
        Ok(Self {
            transaction: Some(OpenTransaction::new(transaction, |_| Trees::new())),
            commits,
            failed: Cell::new(false),
            _engine: engine,
        })
    }

    #[inline]
    fn transaction(&self) -> Result<&OpenTransaction> {
        self.transaction.as_ref().ok_or_else(ended)
    }

    #[inline]
    fn table(&self, tree: TreeId) -> Result<&Table<'_, Bytes, Bytes>> {
        self.transaction()?
            .with_dependent(|_, trees| Ok(trees.get(tree)?.table()? as &Table<'_, Bytes, Bytes>))
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
    type Cursor<'t> = RedbCursor<'t, Table<'t, Bytes, Bytes>>;

    /// Creates the table if there is none; an empty table is an empty tree.
    fn tree(&self, name: &str) -> Result<TreeId> {
        self.transaction()?.with_dependent(|transaction, trees| {
            if let Some(id) = trees.find(name)? {
                return Ok(id);
            }
            match error::caught(|| transaction.open_table(TableDefinition::new(name))) {
                Ok(Ok(table)) => trees.push(WriteTree::new(table)),
                Ok(Err(error)) => Err(error::engine(error)),
                Err(panic) => {
                    self.failed.set(true);
                    Err(panic)
                }
            }
        })
    }

    #[inline]
    fn get<R>(
        &self,
        tree: TreeId,
        key: &[u8],
        visit: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        get(self.table(tree)?, key, visit)
    }

    #[inline]
    fn cursor(
        &self,
        tree: TreeId,
        bounds: Bounds<'_>,
        direction: Direction,
    ) -> Result<Self::Cursor<'_>> {
        RedbCursor::open(self.table(tree)?, bounds, direction)
    }

    fn len(&self, tree: TreeId) -> Result<u64> {
        let table = self.table(tree)?;
        error::call(|| table.len())
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
        self.change(tree, |_, tree| tree.put(key, value, previous))
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
        let ready = transaction
            .with_dependent(|_, trees| trees.iter().try_for_each(|tree| tree.table().map(drop)));
        if let Err(error) = ready {
            error::discard(transaction);
            return Err(error);
        }
        let commits = self.commits;
        error::caught(move || {
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
        })?
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

type WriteTrees<'t> = Trees<WriteTree<'t>>;

/// A tree of a read transaction.
enum ReadTree {
    Table(ReadOnlyTable<Bytes, Bytes>),
    /// By name.
    Missing(String),
}

trait Named {
    fn name(&self) -> &str;
}

impl Named for WriteTree<'_> {
    fn name(&self) -> &str {
        Self::name(self)
    }
}

impl Named for ReadTree {
    fn name(&self) -> &str {
        match self {
            Self::Table(table) => table.name(),
            Self::Missing(name) => name,
        }
    }
}

/// The trees that a transaction has resolved; a tree's place is its id.
///
/// The first lies in place, so that a transaction over one tree allocates nothing here.
struct Trees<T> {
    first: OnceCell<T>,
    others: FrozenVec<Box<T>>,
}

impl<T> Trees<T> {
    fn iter(&self) -> impl Iterator<Item = &T> {
        self.first.get().into_iter().chain(self.others.iter())
    }
}

impl<T: Named> Trees<T> {
    fn new() -> Self {
        Self {
            first: OnceCell::new(),
            others: FrozenVec::new(),
        }
    }

    /// The id of the tree of this name, if it is open.
    #[inline]
    fn find(&self, name: &str) -> Result<Option<TreeId>> {
        if name.is_empty() {
            return Err(nameless());
        }
        match self.first.get() {
            None => Ok(None),
            Some(first) if first.name() == name => Ok(Some(TreeId(0))),
            Some(_) => match self.others.iter().position(|tree| tree.name() == name) {
                Some(index) => other_id(index).map(Some),
                None => Ok(None),
            },
        }
    }

    /// Takes a tree that is not open yet.
    #[inline]
    fn push(&self, tree: T) -> Result<TreeId> {
        // `set` gives the tree back where there is a first one already.
        let Err(tree) = self.first.set(tree) else {
            return Ok(TreeId(0));
        };
        let id = other_id(self.others.len())?;
        self.others.push(Box::new(tree));
        Ok(id)
    }

    #[inline]
    fn get(&self, id: TreeId) -> Result<&T> {
        let tree = match id.0.checked_sub(1) {
            None => self.first.get(),
            Some(index) => self.others.get(index as usize),
        };
        tree.ok_or_else(|| id.unknown())
    }

    #[inline]
    fn get_mut(&mut self, id: TreeId) -> Result<&mut T> {
        let tree = match id.0.checked_sub(1) {
            None => self.first.get_mut(),
            Some(index) => self
                .others
                .as_mut()
                .get_mut(index as usize)
                .map(|tree| &mut **tree),
        };
        tree.ok_or_else(|| id.unknown())
    }
}

#[inline]
fn get<R>(
    table: &impl ReadableTable<Bytes, Bytes>,
    key: &[u8],
    visit: impl FnOnce(&[u8]) -> R,
) -> Result<Option<R>> {
    Ok(error::call(|| table.get(key).inspect(error::probe))?.map(|guard| visit(guard.value())))
}

#[cold]
fn nameless() -> DriverError {
    DriverError::new(
        ErrorKind::InvalidInput,
        "the name of a tree is empty; give it one",
    )
}

/// The id of a tree after the first.
fn other_id(index: usize) -> Result<TreeId> {
    u32::try_from(index + 1).map(TreeId).map_err(|_| too_many())
}

#[cold]
fn too_many() -> DriverError {
    DriverError::new(
        ErrorKind::LimitExceeded,
        "the transaction has more trees open than there are ids; begin another one",
    )
}

#[cold]
fn ended() -> DriverError {
    DriverError::new(
        ErrorKind::Closed,
        "an earlier failure ended this transaction; begin again",
    )
}
