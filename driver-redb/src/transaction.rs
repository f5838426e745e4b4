//! Read and write transactions; each table is opened once and kept open until the transaction ends.

use std::cell::{Cell, OnceCell};
use std::fmt;
use std::sync::Arc;

use elsa::FrozenVec;
use netabase_core::driver::{
    Bounds, Direction, DriverError, Durability, EntryWidths, ErrorKind, PinnedRead, Read, Result,
    TreeId, Write,
};
use redb::{
    AccessGuard, ReadOnlyTable, ReadTransaction, ReadableTable, ReadableTableMetadata,
    TableDefinition, TableError, TableHandle, WriteTransaction,
};
use self_cell::self_cell;

use crate::config::CommitSettings;
use crate::cursor::{RedbCursor, TableRef, TreeCursor};
use crate::database::Engine;
use crate::error;
use crate::layout::{Bytes, Family, LaidOut, Layout, VARIES, make_member, map_member, with_member};
use crate::write_tree::WriteTree;

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
    type Cursor<'t> = RedbCursor<'t>;

    #[inline]
    fn tree(&self, name: &str) -> Result<TreeId> {
        self.sized_tree(name, EntryWidths::default())
    }

    #[inline]
    fn sized_tree(&self, name: &str, widths: EntryWidths) -> Result<TreeId> {
        if let Some(id) = self.trees.find(name)? {
            return Ok(id);
        }
        match error::caught(|| open_table(&self.transaction, name, Layout::of(widths)))? {
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
        match self.trees.get(tree)? {
            ReadTree::Table(table) => error::call(|| with_member!(table, table => table.len())),
            ReadTree::Missing(_) => Ok(0),
        }
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

/// A value in redb's own page, for as long as its read transaction lives.
pub struct RedbGuard<'t>(Guard<'t>);

/// By the width of the values of the tree.
enum Guard<'t> {
    Varying(AccessGuard<'t, Bytes<VARIES>>),
    Empty(AccessGuard<'t, Bytes<0>>),
    Eight(AccessGuard<'t, Bytes<8>>),
}

impl<'t> From<AccessGuard<'t, Bytes<VARIES>>> for RedbGuard<'t> {
    #[inline]
    fn from(guard: AccessGuard<'t, Bytes<VARIES>>) -> Self {
        Self(Guard::Varying(guard))
    }
}

impl<'t> From<AccessGuard<'t, Bytes<0>>> for RedbGuard<'t> {
    #[inline]
    fn from(guard: AccessGuard<'t, Bytes<0>>) -> Self {
        Self(Guard::Empty(guard))
    }
}

impl<'t> From<AccessGuard<'t, Bytes<8>>> for RedbGuard<'t> {
    #[inline]
    fn from(guard: AccessGuard<'t, Bytes<8>>) -> Self {
        Self(Guard::Eight(guard))
    }
}

impl AsRef<[u8]> for RedbGuard<'_> {
    #[inline]
    fn as_ref(&self) -> &[u8] {
        match &self.0 {
            Guard::Varying(guard) => guard.value(),
            Guard::Empty(guard) => guard.value(),
            Guard::Eight(guard) => guard.value(),
        }
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
    number: u64,
    engine: Arc<Engine>,
}

impl RedbWriter {
    pub(crate) fn begin(engine: Arc<Engine>, commits: CommitSettings) -> Result<Self> {
        let transaction = engine.begin_write()?;
        Ok(Self {
            transaction: Some(OpenTransaction::new(transaction, |_| Trees::new())),
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
            let id = match trees.find(name)? {
                Some(id) => id,
                None => {
                    let opened = error::caught(|| {
                        stored_layout(layout, |layout| WriteTree::open(transaction, name, layout))
                    });
                    match opened {
                        Ok(Ok(tree)) => trees.push(tree)?,
                        Ok(Err(error)) => return Err(error::engine(error)),
                        Err(panic) => {
                            self.failed.set(true);
                            return Err(panic);
                        }
                    }
                }
            };
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
        let ready = transaction
            .with_dependent(|_, trees| trees.iter().try_for_each(|tree| tree.table().map(drop)));
        if let Err(error) = ready {
            error::discard(transaction);
            return Err(error);
        }
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
            Ok(()) => self.engine.committed(self.number, durability),
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

type WriteTrees<'t> = Trees<WriteTree<'t>>;

/// A table of a read transaction, for each layout.
pub(crate) struct ReadTables;

impl Family for ReadTables {
    type Member<const K: usize, const V: usize> = ReadOnlyTable<Bytes<K>, Bytes<V>>;
}

/// Opens the table of this name with the layout that it has, which is most likely `layout`.
#[inline]
pub(crate) fn open_table(
    transaction: &ReadTransaction,
    name: &str,
    layout: Layout,
) -> Result<LaidOut<ReadTables>, TableError> {
    stored_layout(layout, |layout| {
        make_member!(layout, K, V => {
            transaction.open_table(TableDefinition::<Bytes<K>, Bytes<V>>::new(name))
        })
    })
}

/// Calls `open` with `likely`, and again with the layout that the table was created with if that is another one.
#[inline]
fn stored_layout<T>(
    likely: Layout,
    open: impl Fn(Layout) -> Result<T, TableError>,
) -> Result<T, TableError> {
    match open(likely) {
        Err(TableError::TableTypeMismatch { table, key, value }) => {
            match Layout::of_types(&key, &value) {
                Some(stored) => open(stored),
                None => Err(TableError::TableTypeMismatch { table, key, value }),
            }
        }
        opened => opened,
    }
}

/// A tree of a read transaction.
enum ReadTree {
    Table(LaidOut<ReadTables>),
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
            Self::Table(table) => with_member!(table, table => table.name()),
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
fn get<const K: usize, const V: usize, R>(
    table: &impl ReadableTable<Bytes<K>, Bytes<V>>,
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
