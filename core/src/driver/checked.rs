//! What holds for every driver, done once above it: limits, empty keys and bounds, closed and read-only stores,
//! transactions that a failure has ended, and the turn of the one writer.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use super::kit::turn::{Turn, Turns, is_closed};
use super::{
    Bounds, Capabilities, Command, CommitOutcome, CommitToken, Cursor, Database, Direction, Driver,
    DriverError, Durability, EntryWidths, ErrorKind, Limits, OpenConfig, PinnedRead, Read, Result,
    TreeId, Write, WriteBatch, WriteBatchBuilder, WriteOp, command,
};

/// Longest name of a tree, in bytes.
pub const TREE_NAME_BYTES: usize = 255;

/// An open store behind the checks.
///
/// It does not implement [`Database`] itself, since it adds [`close`](Self::close); its transactions implement [`Read`]
/// and [`Write`].
pub struct Checked<S> {
    store: RwLock<Option<Arc<S>>>,
    /// None where the driver lets many writers be open.
    turns: Option<Arc<Turns>>,
    busy_timeout: Duration,
    driver: Cow<'static, str>,
    limits: Limits,
    commands: Cow<'static, [Cow<'static, str>]>,
    read_only: bool,
}

impl<S: Database> Checked<S> {
    /// Opens a database.
    ///
    /// # Errors
    /// What [`Driver::open`] reports, and [`InvalidInput`](ErrorKind::InvalidInput) if `config` asks to truncate a
    /// database that it opens read-only.
    pub fn open<D: Driver<Database = S>>(driver: &D, config: &OpenConfig<'_>) -> Result<Self> {
        if config.read_only && config.truncate {
            return Err(DriverError::new(
                ErrorKind::InvalidInput,
                "`truncate` removes what is stored, which `read_only` forbids; set one of the two",
            ));
        }
        let manifest = driver.manifest();
        Ok(Self {
            store: RwLock::new(Some(Arc::new(driver.open(config)?))),
            turns: (!manifest.capabilities.contains(Capabilities::OPTIMISTIC)).then(Arc::default),
            busy_timeout: config.busy_timeout,
            driver: manifest.name.clone(),
            limits: manifest.limits,
            commands: manifest.commands.clone(),
            read_only: config.read_only,
        })
    }

    /// The driver's name.
    #[must_use]
    pub fn driver(&self) -> &Cow<'static, str> {
        &self.driver
    }

    /// Whether the store was opened read-only.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        self.read_only
    }

    /// Begins a read transaction.
    ///
    /// # Errors
    /// [`Closed`](ErrorKind::Closed) after [`close`](Self::close), or what [`Database::begin_read`] reports.
    #[inline]
    pub fn begin_read(&self) -> Result<CheckedReader<S::Reader>> {
        // Held meanwhile, since a clone would be slower. A driver waits here for no transaction.
        let store = self.store.read().unwrap_or_else(PoisonError::into_inner);
        let store = store.as_ref().ok_or_else(is_closed)?;
        Ok(CheckedReader {
            reader: store.begin_read()?,
            limits: self.limits,
        })
    }

    /// Begins a write transaction; waits while another one is open, unless the driver is
    /// [optimistic](Capabilities::OPTIMISTIC).
    ///
    /// Waiting costs an allocation, and is fair: after a millisecond a waiter is next, in the order of the calls. Where
    /// other handles or processes have the database open too, the driver may wait for their writers after that; what is
    /// said here of waiting concerns those of this handle.
    ///
    /// # Errors
    /// - [`Conflict`](ErrorKind::Conflict): the thread that calls this began the open transaction, so that it would wait
    ///   for itself, or the call has waited for [`OpenConfig::busy_timeout`];
    /// - [`ReadOnly`](ErrorKind::ReadOnly) on a read-only store;
    /// - [`Closed`](ErrorKind::Closed) after [`close`](Self::close), even if that came while the call waited;
    /// - what [`Database::begin_write`] reports.
    pub fn begin_write(&self) -> Result<CheckedWriter<S::Writer>> {
        self.begin_write_in(|turns| turns.take(self.busy_timeout))
    }

    /// Begins a write transaction unless another one of this handle is open.
    ///
    /// # Errors
    /// [`Conflict`](ErrorKind::Conflict) if another one is open; else as [`begin_write`](Self::begin_write).
    pub fn try_begin_write(&self) -> Result<CheckedWriter<S::Writer>> {
        self.begin_write_in(Turns::try_take)
    }

    /// Whether writers of this handle take turns.
    pub(crate) fn has_turns(&self) -> bool {
        self.turns.is_some()
    }

    #[inline]
    fn begin_write_in(
        &self,
        take: impl FnOnce(&Arc<Turns>) -> Result<Turn>,
    ) -> Result<CheckedWriter<S::Writer>> {
        if self.read_only {
            return Err(read_only("write"));
        }
        let turn = self.turns.as_ref().map(take).transpose()?;
        let writer = self.store()?.begin_write()?;
        // The driver may have waited as well.
        self.check_open()?;
        Ok(CheckedWriter {
            checked: CheckedReader {
                reader: writer,
                limits: self.limits,
            },
            turn,
            written: 0,
            generation: 0,
            failed: false,
        })
    }

    /// Runs one of the engine's commands.
    ///
    /// # Errors
    /// - [`Closed`](ErrorKind::Closed) after [`close`](Self::close);
    /// - [`Unsupported`](ErrorKind::Unsupported) for a command that the manifest does not list;
    /// - [`ReadOnly`](ErrorKind::ReadOnly) for one that writes, on a read-only store;
    /// - [`Internal`](ErrorKind::Internal) if the driver's output has another form;
    /// - what [`Database::command`] reports.
    pub fn run<C: Command>(&self, command: &C) -> Result<C::Output> {
        let store = self.offering(C::NAME, C::WRITES)?;
        command::run(command, |name, argument, output| {
            store.command(name, argument, output)
        })
    }

    /// Runs one of the engine's commands by name, for a caller that does not know its type.
    ///
    /// # Errors
    /// As [`run`](Self::run). That a command of the engine's own writes is known to the driver alone.
    pub fn command(
        &self,
        name: &str,
        argument: &[u8],
        output: &mut dyn FnMut(&[u8]),
    ) -> Result<()> {
        self.offering(name, command::WRITING.contains(&name))?
            .command(name, argument, output)
    }

    /// The open store, if it offers this command and may run it.
    fn offering(&self, name: &str, writes: bool) -> Result<Arc<S>> {
        let store = self.store()?;
        if !self.commands.iter().any(|command| command == name) {
            return Err(DriverError::unsupported(name));
        }
        if self.read_only && writes {
            return Err(read_only(name));
        }
        Ok(store)
    }

    /// The outcome of an earlier commit that failed with [`CommitUnknown`](ErrorKind::CommitUnknown).
    ///
    /// # Errors
    /// [`Closed`](ErrorKind::Closed) after [`close`](Self::close), or what [`Database::commit_outcome`] reports.
    pub fn commit_outcome(&self, token: &CommitToken) -> Result<CommitOutcome> {
        self.store()?.commit_outcome(token)
    }

    /// Closes the database. Open transactions go on and keep what they need of it; new ones, and those that wait to
    /// begin, answer [`Closed`](ErrorKind::Closed). Waits for no transaction; for a read transaction that is just being
    /// begun, which an operation such as `compact` may hold up, it does. Closing twice is not an error.
    pub fn close(&self) {
        let store = self
            .store
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(turns) = &self.turns {
            turns.close();
        }
        drop(store);
    }

    fn check_open(&self) -> Result<()> {
        let store = self.store.read().unwrap_or_else(PoisonError::into_inner);
        if store.is_some() {
            Ok(())
        } else {
            Err(is_closed())
        }
    }

    /// The open store. It is called outside of the lock: what waits for a writer must not hold up a close.
    fn store(&self) -> Result<Arc<S>> {
        self.store
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
            .ok_or_else(is_closed)
    }
}

impl<S> fmt::Debug for Checked<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checked")
            .field("driver", &self.driver)
            .field("read_only", &self.read_only)
            .finish_non_exhaustive()
    }
}

#[cold]
fn closed(message: &'static str) -> DriverError {
    DriverError::new(ErrorKind::Closed, message)
}

/// The refusal of what would change a store that was opened read-only.
#[cold]
pub(crate) fn read_only(operation: &str) -> DriverError {
    DriverError::new(
        ErrorKind::ReadOnly,
        format!("the store was opened with `read_only`; open it without to {operation}"),
    )
}

#[cold]
fn too_large(what: &str, size: u64, limit: u64, remedy: &str) -> DriverError {
    DriverError::new(
        ErrorKind::LimitExceeded,
        format!(
            "{what} of {size} bytes is larger than the {limit} bytes that this engine takes; {remedy}"
        ),
    )
}

impl Limits {
    const fn exceeded_by(limit: u64, size: u64) -> bool {
        limit != 0 && size > limit
    }

    /// Whether an engine with these limits could hold `key` at all.
    #[inline]
    fn can_hold(&self, key: &[u8]) -> bool {
        !key.is_empty() && !Self::exceeded_by(self.key_bytes, key.len() as u64)
    }

    /// Refuses an entry of a key and a value of these lengths, in bytes, that an engine with these limits does not take.
    #[inline]
    fn check_entry(&self, key: usize, value: usize) -> Result<()> {
        let (key, value) = (key as u64, value as u64);
        if key == 0 {
            return Err(empty_key());
        }
        if Self::exceeded_by(self.key_bytes, key) {
            return Err(too_large(
                "a key",
                key,
                self.key_bytes,
                "shorten it, or index a hash of it",
            ));
        }
        if Self::exceeded_by(self.value_bytes, value) {
            return Err(too_large(
                "a value",
                value,
                self.value_bytes,
                "split it into several",
            ));
        }
        Ok(())
    }
}

impl Limits {
    /// Refuses a transaction that writes so many bytes, if an engine with these limits does not take it.
    #[inline]
    fn check_transaction(&self, bytes: u64) -> Result<()> {
        if Self::exceeded_by(self.transaction_bytes, bytes) {
            return Err(too_large(
                "a transaction",
                bytes,
                self.transaction_bytes,
                "commit what there is to write in several transactions",
            ));
        }
        Ok(())
    }

    /// Refuses a whole transaction's operations if an engine with these limits does not take them together.
    pub(crate) fn check_batch(&self, batch: &WriteBatch<'_>) -> Result<()> {
        if self.transaction_bytes == 0 {
            return Ok(());
        }
        let bytes = batch.into_iter().map(|operation| match operation {
            WriteOp::Put { key, value, .. } => (key.len() + value.len()) as u64,
            WriteOp::Remove { .. } | WriteOp::Clear { .. } => 0,
        });
        self.check_transaction(bytes.fold(0, u64::saturating_add))
    }

    /// The list without removals of keys that an engine with these limits cannot hold, so that there is nothing to remove.
    #[cold]
    fn without_vain_removals(&self, batch: &WriteBatch<'_>) -> Result<WriteBatchBuilder> {
        let mut possible = WriteBatchBuilder::new();
        for operation in batch {
            match operation {
                WriteOp::Put { tree, key, value } => {
                    possible.put(tree, key, value)?;
                }
                WriteOp::Remove { tree, key } if self.can_hold(key) => {
                    possible.remove(tree, key)?;
                }
                WriteOp::Remove { .. } => {}
                WriteOp::Clear { tree } => {
                    possible.clear(tree);
                }
            }
        }
        Ok(possible)
    }
}

#[cold]
fn empty_key() -> DriverError {
    DriverError::new(
        ErrorKind::InvalidInput,
        "the key is empty; keys have at least one byte",
    )
}

fn check_tree_name(name: &str) -> Result<()> {
    if name.is_empty() || name.len() > TREE_NAME_BYTES {
        return Err(DriverError::new(
            ErrorKind::InvalidInput,
            format!(
                "the name of a tree has 1 to {TREE_NAME_BYTES} bytes, not {}",
                name.len()
            ),
        ));
    }
    Ok(())
}

/// A read transaction behind the checks.
#[derive(Debug)]
pub struct CheckedReader<R> {
    reader: R,
    limits: Limits,
}

impl<R: Read> Read for CheckedReader<R> {
    type Cursor<'t>
        = CheckedCursor<R::Cursor<'t>>
    where
        R: 't;

    #[inline]
    fn tree(&self, name: &str) -> Result<TreeId> {
        check_tree_name(name)?;
        self.reader.tree(name)
    }

    #[inline]
    fn sized_tree(&self, name: &str, widths: EntryWidths) -> Result<TreeId> {
        check_tree_name(name)?;
        self.reader.sized_tree(name, widths)
    }

    #[inline]
    fn get<T>(
        &self,
        tree: TreeId,
        key: &[u8],
        visit: impl FnOnce(&[u8]) -> T,
    ) -> Result<Option<T>> {
        if self.limits.can_hold(key) {
            self.reader.get(tree, key, visit)
        } else {
            Ok(None)
        }
    }

    #[inline]
    fn cursor(
        &self,
        tree: TreeId,
        bounds: Bounds<'_>,
        direction: Direction,
    ) -> Result<Self::Cursor<'_>> {
        CheckedCursor::open(&self.reader, tree, bounds, direction)
    }

    #[inline]
    fn len(&self, tree: TreeId) -> Result<u64> {
        self.reader.len(tree)
    }
}

impl<R: PinnedRead> PinnedRead for CheckedReader<R> {
    type Guard<'t>
        = R::Guard<'t>
    where
        R: 't;

    #[inline]
    fn get_pinned(&self, tree: TreeId, key: &[u8]) -> Result<Option<Self::Guard<'_>>> {
        if self.limits.can_hold(key) {
            self.reader.get_pinned(tree, key)
        } else {
            Ok(None)
        }
    }

    #[inline]
    fn pin_value<'t>(cursor: &mut Self::Cursor<'t>) -> Option<Self::Guard<'t>>
    where
        R: 't,
    {
        cursor.0.as_mut().and_then(R::pin_value)
    }
}

/// A cursor behind the checks: over nothing where the bounds are empty.
#[derive(Debug)]
pub struct CheckedCursor<C>(Option<C>);

impl<C> CheckedCursor<C> {
    fn open<'t, R: Read<Cursor<'t> = C>>(
        reader: &'t R,
        tree: TreeId,
        bounds: Bounds<'_>,
        direction: Direction,
    ) -> Result<Self> {
        if bounds.is_empty() {
            Ok(Self(None))
        } else {
            reader
                .cursor(tree, bounds, direction)
                .map(|cursor| Self(Some(cursor)))
        }
    }
}

impl<C: Cursor> Cursor for CheckedCursor<C> {
    #[inline]
    fn advance(&mut self) -> Result<bool> {
        self.0.as_mut().map_or(Ok(false), C::advance)
    }

    #[inline]
    fn key(&self) -> &[u8] {
        self.0.as_ref().map_or(&[], C::key)
    }

    #[inline]
    fn value(&self) -> &[u8] {
        self.0.as_ref().map_or(&[], C::value)
    }

    #[inline]
    fn next_entry(&mut self) -> Result<Option<(&[u8], &[u8])>> {
        match &mut self.0 {
            Some(cursor) => cursor.next_entry(),
            None => Ok(None),
        }
    }

    fn seek(&mut self, key: &[u8]) -> Result<()> {
        self.0.as_mut().map_or(Ok(()), |cursor| cursor.seek(key))
    }
}

/// A write transaction behind the checks.
///
/// After a driver's write failed or panicked, the transaction can only be rolled back: what the engine holds of it is not known.
#[derive(Debug)]
pub struct CheckedWriter<W> {
    // Dropped before the turn is given on.
    checked: CheckedReader<W>,
    turn: Option<Turn>,
    written: u64,
    generation: u64,
    failed: bool,
}

impl<W> CheckedWriter<W> {
    /// What the transaction reads from, unless it can only be rolled back.
    #[inline]
    fn alive(&self) -> Result<&CheckedReader<W>> {
        if self.failed {
            return Err(closed(
                "an earlier failure ended this transaction; roll it back and begin again",
            ));
        }
        Ok(&self.checked)
    }
}

impl<W: Write> CheckedWriter<W> {
    /// A number that changes with every write; a cursor that was opened at another number has to be opened again.
    #[inline]
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Runs an encoded list of operations, all or none. Nothing is run if any part of the list is refused.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) or [`LimitExceeded`](ErrorKind::LimitExceeded) for the list,
    /// [`Closed`](ErrorKind::Closed) after a failure, or what [`Write::apply`] reports.
    pub fn apply_encoded(&mut self, batch: &[u8]) -> Result<()> {
        self.apply(&WriteBatch::parse(batch)?)
    }

    /// Refuses an entry of a key and a value of these lengths, in bytes, that the engine does not take. Writes nothing.
    ///
    /// # Errors
    /// What [`put`](Write::put) reports of the sizes of one entry.
    #[inline]
    pub fn check_entry(&self, key: usize, value: usize) -> Result<()> {
        self.checked.limits.check_entry(key, value)
    }

    /// Lets the transaction only be rolled back from now on.
    pub fn fail(&mut self) {
        self.failed = true;
    }

    #[inline]
    fn check_room(&self, bytes: u64) -> Result<u64> {
        let written = self.written.saturating_add(bytes);
        self.checked.limits.check_transaction(written)?;
        Ok(written)
    }

    #[inline]
    fn write<T>(&mut self, run: impl FnOnce(&mut W) -> Result<T>) -> Result<T> {
        self.generation += 1;
        // A panic on the way, of the engine or of the caller's closure, leaves it at that.
        self.failed = true;
        let result = run(&mut self.checked.reader);
        self.failed = result.is_err();
        result
    }
}

crate::forward_read!(<W> CheckedWriter<W>, |writer| writer.alive()?, CheckedCursor<W::Cursor<'t>>);

impl<W: Write> Write for CheckedWriter<W> {
    #[inline]
    fn put<T>(
        &mut self,
        tree: TreeId,
        key: &[u8],
        value: &[u8],
        previous: impl FnOnce(&[u8]) -> T,
    ) -> Result<Option<T>> {
        self.alive()?;
        self.checked.limits.check_entry(key.len(), value.len())?;
        self.written = self.check_room((key.len() + value.len()) as u64)?;
        self.write(|writer| writer.put(tree, key, value, previous))
    }

    #[inline]
    fn remove<T>(
        &mut self,
        tree: TreeId,
        key: &[u8],
        previous: impl FnOnce(&[u8]) -> T,
    ) -> Result<Option<T>> {
        self.alive()?;
        if !self.checked.limits.can_hold(key) {
            return Ok(None);
        }
        self.write(|writer| writer.remove(tree, key, previous))
    }

    fn clear(&mut self, tree: TreeId) -> Result<()> {
        self.alive()?;
        self.write(|writer| writer.clear(tree))
    }

    fn apply(&mut self, batch: &WriteBatch<'_>) -> Result<()> {
        self.alive()?;
        let mut bytes = 0u64;
        let mut vain = false;
        for operation in batch {
            match operation {
                WriteOp::Put { key, value, .. } => {
                    self.checked.limits.check_entry(key.len(), value.len())?;
                    bytes = bytes.saturating_add((key.len() + value.len()) as u64);
                }
                WriteOp::Remove { key, .. } => vain |= !self.checked.limits.can_hold(key),
                WriteOp::Clear { .. } => {}
            }
        }
        self.written = self.check_room(bytes)?;
        if !vain {
            return self.write(|writer| writer.apply(batch));
        }
        let possible = self.checked.limits.without_vain_removals(batch)?;
        self.write(|writer| writer.apply(&possible.as_batch()))
    }

    fn commit(self, durability: Durability) -> Result<()> {
        self.alive()?;
        let committed = self.checked.reader.commit(durability);
        drop(self.turn);
        committed
    }
}
