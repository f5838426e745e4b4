//! A driver around any driver, whose hooks change single calls.
//!
//! Tests make their misbehaving drivers of it: each says what it does differently, and everything else goes to the driver
//! inside. There is a trait of hooks for each level of the contract; a value of it is kept beside what it changes, so that
//! hooks may have a state, and may do something when that is dropped.

#![forbid(unsafe_code)]

use std::fmt;
use std::sync::Arc;

use netabase_core::driver::{
    AnyCursor, AnyDatabase, AnyReader, AnyWriter, Bounds, CommitOutcome, CommitToken, Cursor,
    Database, Direction, Driver, DriverError, Durability, EntryWidths, ErrorKind, Manifest,
    OpenConfig, Read, Result, TreeId, Write, WriteBatch,
};

/// A driver with hooks.
#[derive(Debug, Clone)]
pub struct Hooked<H>(pub H);

/// What a driver is, and which one is inside.
pub trait DriverHooks: Send + Sync + 'static {
    /// The hooks of its databases.
    type Database: DatabaseHooks;

    /// What the driver says of itself.
    fn manifest(&self) -> &Manifest;

    /// Opens a database of the driver inside.
    ///
    /// # Errors
    /// As [`Driver::open`].
    fn open(&self, config: &OpenConfig<'_>) -> Result<(AnyDatabase, Self::Database)>;
}

/// What a database does differently.
pub trait DatabaseHooks: Send + Sync + 'static {
    /// The hooks of its transactions.
    type Transaction: TransactionHooks;

    /// Begins a read transaction of the database inside. Hooks that read from it later keep it for themselves.
    ///
    /// # Errors
    /// As [`Database::begin_read`].
    fn begin_read(&self, inner: &Arc<AnyDatabase>) -> Result<(AnyReader, Self::Transaction)>;

    /// Begins a write transaction of the database inside.
    ///
    /// # Errors
    /// As [`Database::begin_write`].
    fn begin_write(&self, inner: &Arc<AnyDatabase>) -> Result<(AnyWriter, Self::Transaction)>;

    /// Runs a command.
    ///
    /// # Errors
    /// As [`Database::command`].
    fn command(
        &self,
        inner: &AnyDatabase,
        name: &str,
        argument: &[u8],
        output: &mut dyn FnMut(&[u8]),
    ) -> Result<()> {
        inner.command(name, argument, output)
    }

    /// Says what became of a commit.
    ///
    /// # Errors
    /// As [`Database::commit_outcome`].
    fn commit_outcome(&self, inner: &AnyDatabase, token: &CommitToken) -> Result<CommitOutcome> {
        inner.commit_outcome(token)
    }
}

/// A transaction that hooks are around: a reader or a writer.
pub trait Inner: for<'t> Read<Cursor<'t> = AnyCursor<'t>> + Send + 'static {
    /// Ends it without a commit.
    fn end(self, hooks: &mut impl TransactionHooks);
}

impl Inner for AnyReader {
    fn end(self, _: &mut impl TransactionHooks) {}
}

impl Inner for AnyWriter {
    fn end(self, hooks: &mut impl TransactionHooks) {
        hooks.roll_back(self);
    }
}

/// What a transaction does differently. A writer that is dropped drops its hooks after the transaction inside.
pub trait TransactionHooks: Send + Sized + 'static {
    /// The hooks of its cursors.
    type Cursor<'t>: CursorHooks<'t>;

    /// Resolves a tree.
    ///
    /// # Errors
    /// As [`Read::sized_tree`].
    fn tree(&self, inner: &impl Inner, name: &str, widths: EntryWidths) -> Result<TreeId> {
        inner.sized_tree(name, widths)
    }

    /// Reads a value.
    ///
    /// # Errors
    /// As [`Read::get`].
    fn get<R>(
        &self,
        inner: &impl Inner,
        tree: TreeId,
        key: &[u8],
        visit: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        inner.get(tree, key, visit)
    }

    /// Opens a cursor.
    ///
    /// # Errors
    /// As [`Read::cursor`].
    fn cursor<'t>(
        &'t self,
        inner: &'t impl Inner,
        tree: TreeId,
        bounds: Bounds<'_>,
        direction: Direction,
    ) -> Result<(AnyCursor<'t>, Self::Cursor<'t>)>;

    /// Counts entries.
    ///
    /// # Errors
    /// As [`Read::len`].
    fn len(&self, inner: &impl Inner, tree: TreeId) -> Result<u64> {
        inner.len(tree)
    }

    /// Stores a value.
    ///
    /// # Errors
    /// As [`Write::put`].
    fn put<R>(
        &mut self,
        inner: &mut AnyWriter,
        tree: TreeId,
        key: &[u8],
        value: &[u8],
        previous: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        inner.put(tree, key, value, previous)
    }

    /// Removes a key.
    ///
    /// # Errors
    /// As [`Write::remove`].
    fn remove<R>(
        &mut self,
        inner: &mut AnyWriter,
        tree: TreeId,
        key: &[u8],
        previous: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        inner.remove(tree, key, previous)
    }

    /// Removes every entry of a tree.
    ///
    /// # Errors
    /// As [`Write::clear`].
    fn clear(&mut self, inner: &mut AnyWriter, tree: TreeId) -> Result<()> {
        inner.clear(tree)
    }

    /// Runs a list of operations. What [`put`](Self::put), [`remove`](Self::remove) and [`clear`](Self::clear) change
    /// does not hold for them unless this says so.
    ///
    /// # Errors
    /// As [`Write::apply`].
    fn apply(&mut self, inner: &mut AnyWriter, batch: &WriteBatch<'_>) -> Result<()> {
        inner.apply(batch)
    }

    /// Commits a writer.
    ///
    /// # Errors
    /// As [`Write::commit`].
    fn commit(self, inner: AnyWriter, durability: Durability) -> Result<()> {
        inner.commit(durability)
    }

    /// Ends a writer that was dropped.
    fn roll_back(&mut self, inner: AnyWriter) {
        drop(inner);
    }
}

/// What a cursor does differently.
pub trait CursorHooks<'t> {
    /// Moves to the next entry.
    ///
    /// # Errors
    /// As [`Cursor::advance`].
    fn advance(&mut self, inner: &mut AnyCursor<'t>) -> Result<bool> {
        inner.advance()
    }

    /// The key of the current entry.
    fn key<'c>(&'c self, inner: &'c AnyCursor<'t>) -> &'c [u8] {
        inner.key()
    }

    /// The value of the current entry.
    fn value<'c>(&'c self, inner: &'c AnyCursor<'t>) -> &'c [u8] {
        inner.value()
    }

    /// Moves to a key.
    ///
    /// # Errors
    /// As [`Cursor::seek`].
    fn seek(&mut self, inner: &mut AnyCursor<'t>, key: &[u8]) -> Result<()> {
        inner.seek(key)
    }
}

/// Changes nothing.
impl DatabaseHooks for () {
    type Transaction = ();

    fn begin_read(&self, inner: &Arc<AnyDatabase>) -> Result<(AnyReader, ())> {
        Ok((inner.begin_read()?, ()))
    }

    fn begin_write(&self, inner: &Arc<AnyDatabase>) -> Result<(AnyWriter, ())> {
        Ok((inner.begin_write()?, ()))
    }
}

/// Changes nothing.
impl TransactionHooks for () {
    type Cursor<'t> = ();

    fn cursor<'t>(
        &'t self,
        inner: &'t impl Inner,
        tree: TreeId,
        bounds: Bounds<'_>,
        direction: Direction,
    ) -> Result<(AnyCursor<'t>, ())> {
        Ok((inner.cursor(tree, bounds, direction)?, ()))
    }
}

/// Changes nothing.
impl CursorHooks<'_> for () {}

/// An open database with hooks.
pub struct HookedDatabase<H> {
    inner: Arc<AnyDatabase>,
    hooks: H,
}

/// A transaction with hooks.
pub struct HookedTransaction<T: Inner, H: TransactionHooks> {
    /// `None` once it is committed.
    parts: Option<(T, H)>,
}

/// A cursor with hooks.
pub struct HookedCursor<'t, H> {
    inner: AnyCursor<'t>,
    hooks: H,
}

impl<H: DriverHooks> Driver for Hooked<H> {
    type Database = HookedDatabase<H::Database>;

    fn manifest(&self) -> &Manifest {
        self.0.manifest()
    }

    fn open(&self, config: &OpenConfig<'_>) -> Result<Self::Database> {
        let (inner, hooks) = self.0.open(config)?;
        let inner = Arc::new(inner);
        Ok(HookedDatabase { inner, hooks })
    }
}

impl<H: DatabaseHooks> Database for HookedDatabase<H> {
    type Reader = HookedTransaction<AnyReader, H::Transaction>;
    type Writer = HookedTransaction<AnyWriter, H::Transaction>;

    fn begin_read(&self) -> Result<Self::Reader> {
        let parts = Some(self.hooks.begin_read(&self.inner)?);
        Ok(HookedTransaction { parts })
    }

    fn begin_write(&self) -> Result<Self::Writer> {
        let parts = Some(self.hooks.begin_write(&self.inner)?);
        Ok(HookedTransaction { parts })
    }

    fn command(&self, name: &str, argument: &[u8], output: &mut dyn FnMut(&[u8])) -> Result<()> {
        self.hooks.command(&self.inner, name, argument, output)
    }

    fn commit_outcome(&self, token: &CommitToken) -> Result<CommitOutcome> {
        self.hooks.commit_outcome(&self.inner, token)
    }
}

fn ended() -> DriverError {
    DriverError::new(ErrorKind::Closed, "the transaction has ended")
}

impl<T: Inner, H: TransactionHooks> HookedTransaction<T, H> {
    fn parts(&self) -> Result<(&T, &H)> {
        let (inner, hooks) = self.parts.as_ref().ok_or_else(ended)?;
        Ok((inner, hooks))
    }

    fn parts_mut(&mut self) -> Result<(&mut T, &mut H)> {
        let (inner, hooks) = self.parts.as_mut().ok_or_else(ended)?;
        Ok((inner, hooks))
    }
}

impl<T: Inner, H: TransactionHooks> Drop for HookedTransaction<T, H> {
    fn drop(&mut self) {
        if let Some((inner, mut hooks)) = self.parts.take() {
            inner.end(&mut hooks);
        }
    }
}

impl<T: Inner, H: TransactionHooks> Read for HookedTransaction<T, H> {
    type Cursor<'t> = HookedCursor<'t, H::Cursor<'t>>;

    fn tree(&self, name: &str) -> Result<TreeId> {
        self.sized_tree(name, EntryWidths::default())
    }

    fn sized_tree(&self, name: &str, widths: EntryWidths) -> Result<TreeId> {
        let (inner, hooks) = self.parts()?;
        hooks.tree(inner, name, widths)
    }

    fn get<R>(
        &self,
        tree: TreeId,
        key: &[u8],
        visit: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        let (inner, hooks) = self.parts()?;
        hooks.get(inner, tree, key, visit)
    }

    fn cursor(
        &self,
        tree: TreeId,
        bounds: Bounds<'_>,
        direction: Direction,
    ) -> Result<Self::Cursor<'_>> {
        let (inner, hooks) = self.parts()?;
        let (inner, hooks) = hooks.cursor(inner, tree, bounds, direction)?;
        Ok(HookedCursor { inner, hooks })
    }

    fn len(&self, tree: TreeId) -> Result<u64> {
        let (inner, hooks) = self.parts()?;
        hooks.len(inner, tree)
    }
}

impl<H: TransactionHooks> Write for HookedTransaction<AnyWriter, H> {
    fn put<R>(
        &mut self,
        tree: TreeId,
        key: &[u8],
        value: &[u8],
        previous: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        let (inner, hooks) = self.parts_mut()?;
        hooks.put(inner, tree, key, value, previous)
    }

    fn remove<R>(
        &mut self,
        tree: TreeId,
        key: &[u8],
        previous: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        let (inner, hooks) = self.parts_mut()?;
        hooks.remove(inner, tree, key, previous)
    }

    fn clear(&mut self, tree: TreeId) -> Result<()> {
        let (inner, hooks) = self.parts_mut()?;
        hooks.clear(inner, tree)
    }

    fn apply(&mut self, batch: &WriteBatch<'_>) -> Result<()> {
        let (inner, hooks) = self.parts_mut()?;
        hooks.apply(inner, batch)
    }

    fn commit(mut self, durability: Durability) -> Result<()> {
        let (inner, hooks) = self.parts.take().ok_or_else(ended)?;
        hooks.commit(inner, durability)
    }
}

impl<'t, H: CursorHooks<'t>> Cursor for HookedCursor<'t, H> {
    fn advance(&mut self) -> Result<bool> {
        self.hooks.advance(&mut self.inner)
    }

    fn key(&self) -> &[u8] {
        self.hooks.key(&self.inner)
    }

    fn value(&self) -> &[u8] {
        self.hooks.value(&self.inner)
    }

    fn seek(&mut self, key: &[u8]) -> Result<()> {
        self.hooks.seek(&mut self.inner, key)
    }
}

impl<H> fmt::Debug for HookedDatabase<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HookedDatabase").finish_non_exhaustive()
    }
}

impl<T: Inner, H: TransactionHooks> fmt::Debug for HookedTransaction<T, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HookedTransaction").finish_non_exhaustive()
    }
}

impl<H> fmt::Debug for HookedCursor<'_, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HookedCursor").finish_non_exhaustive()
    }
}
