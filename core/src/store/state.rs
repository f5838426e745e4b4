//! What stands behind a transaction's guard: whether it may write, and the state that its views share.

use std::cell::{Cell, Ref, RefCell};

use crate::driver::ResumingCursor;
use crate::driver::checked::{CheckedCursor, CheckedReader, CheckedWriter};
use crate::driver::{
    Bounds, Cursor, Database, Direction, Driver, DriverError, Durability, EntryWidths, ErrorKind,
    PinnedRead, Read, Result as DriverResult, TreeId, Write,
};
use crate::error::NetabaseError;

#[cfg(doc)]
use super::TypedStore;

/// Whether a transaction may write: [`ReadOnly`] or [`ReadWrite`].
pub trait Mode: sealed::Mode {}

/// The mode of a transaction that only reads.
#[derive(Debug, Clone, Copy)]
pub enum ReadOnly {}

/// The mode of a transaction that reads and writes.
#[derive(Debug, Clone, Copy)]
pub enum ReadWrite {}

impl Mode for ReadOnly {}
impl Mode for ReadWrite {}

pub(crate) mod sealed {
    use super::{Database, ReadState, WriteState};
    use crate::driver::{Read, Result};

    pub trait Mode: 'static {
        type Transaction<S: Database>: Read + Indexed;
        /// Whether what is read never changes.
        const IS_SNAPSHOT: bool;
    }

    pub trait Indexed {
        /// Refuses a read through an index of this model while its indexes are behind its records.
        fn check_indexes(&self, model: &str) -> Result<()>;
    }

    impl Mode for super::ReadOnly {
        type Transaction<S: Database> = ReadState<S::Reader>;
        const IS_SNAPSHOT: bool = true;
    }

    impl Mode for super::ReadWrite {
        type Transaction<S: Database> = WriteState<S::Writer>;
        const IS_SNAPSHOT: bool = false;
    }
}

/// The transaction behind a guard of mode `Md` on the engine `E`.
pub(crate) type Transaction<Md, E> = <Md as sealed::Mode>::Transaction<<E as Driver>::Database>;

/// A read transaction, or why there is none.
#[derive(Debug)]
pub struct ReadState<R>(pub(super) DriverResult<CheckedReader<R>>);

impl<R> ReadState<R> {
    #[inline]
    fn reader(&self) -> DriverResult<&CheckedReader<R>> {
        self.0.as_ref().map_err(DriverError::clone)
    }
}

impl<R> sealed::Indexed for ReadState<R> {
    #[inline]
    fn check_indexes(&self, _: &str) -> DriverResult<()> {
        Ok(())
    }
}

crate::forward_read!(<R> ReadState<R>, |state| state.reader()?, CheckedCursor<R::Cursor<'t>>);

impl<R: PinnedRead> PinnedRead for ReadState<R> {
    type Guard<'t>
        = R::Guard<'t>
    where
        R: 't;

    #[inline]
    fn get_pinned(&self, tree: TreeId, key: &[u8]) -> DriverResult<Option<Self::Guard<'_>>> {
        self.reader()?.get_pinned(tree, key)
    }

    #[inline]
    fn pin_value<'t>(cursor: &mut Self::Cursor<'t>) -> Option<Self::Guard<'t>>
    where
        R: 't,
    {
        CheckedReader::<R>::pin_value(cursor)
    }
}

/// A write transaction, shared by the views of one guard.
#[derive(Debug)]
pub struct WriteState<W> {
    writer: RefCell<Option<CheckedWriter<W>>>,
    durability: Durability,
    /// The model of the bulk write that is running: its indexes are behind its records.
    bulk: Cell<Option<&'static str>>,
    committed: Cell<bool>,
    /// Why the transaction cannot succeed unless it is run again; see [`TypedStore::transact`].
    conflict: RefCell<Option<NetabaseError>>,
}

#[cold]
fn ended() -> DriverError {
    DriverError::new(
        ErrorKind::Closed,
        "this transaction has ended; begin another one",
    )
}

#[cold]
fn read_within() -> DriverError {
    DriverError::new(
        ErrorKind::InvalidInput,
        "a borrowed read of this transaction is still running; write after its closure has returned",
    )
}

#[cold]
fn write_within() -> DriverError {
    DriverError::new(
        ErrorKind::InvalidInput,
        "a write of this transaction is still running, and encodes a record; read before it or after it",
    )
}

#[cold]
fn bulk_within(model: &str) -> DriverError {
    DriverError::new(
        ErrorKind::InvalidInput,
        format!(
            "a bulk write of `{model}` is still taking records from its iterator, which can only read, and only by \
             primary keys where it reads `{model}`; collect the records first, or do this after it"
        ),
    )
}

impl<W> WriteState<W> {
    pub(super) fn new(writer: CheckedWriter<W>, durability: Durability) -> Self {
        Self {
            writer: RefCell::new(Some(writer)),
            durability,
            bulk: Cell::new(None),
            committed: Cell::new(false),
            conflict: RefCell::new(None),
        }
    }

    /// Whether it was committed, by its guard or through a view.
    pub(super) fn is_committed(&self) -> bool {
        self.committed.get()
    }

    /// Rolls back. Returns the last conflict that ended it.
    pub(super) fn into_conflict(self) -> Option<NetabaseError> {
        self.conflict.into_inner()
    }

    /// Rolls back.
    ///
    /// # Errors
    /// [`Closed`](ErrorKind::Closed) if it was committed.
    pub(super) fn rollback(self) -> DriverResult<()> {
        self.writer.into_inner().map(drop).ok_or_else(ended)
    }
}

impl<W: Write> WriteState<W> {
    /// Commits; later operations of its views fail with [`Closed`](ErrorKind::Closed).
    pub(crate) fn commit(&self, durability: Durability, driver: &str) -> DriverResult<()> {
        #[cfg(feature = "tracing")]
        let _span = tracing::debug_span!("commit", driver, ?durability).entered();
        #[cfg(not(feature = "tracing"))]
        let _ = driver;
        self.check_no_bulk()?;
        let writer = self
            .writer
            .try_borrow_mut()
            .map_err(|_| read_within())?
            .take();
        self.noting(writer.ok_or_else(ended)?.commit(durability))?;
        self.committed.set(true);
        self.conflict.take();
        Ok(())
    }

    /// Remembers a conflict, whatever is made of it further up.
    #[inline]
    fn noting<T, X: Clone + Into<NetabaseError>>(&self, result: Result<T, X>) -> Result<T, X> {
        if let Err(error) = &result {
            self.note(error);
        }
        result
    }

    #[cold]
    fn note<X: Clone + Into<NetabaseError>>(&self, error: &X) {
        let error = error.clone().into();
        if is_conflict(error.kind()) {
            self.conflict.replace(Some(error));
        }
    }

    /// What a commit promises unless it says otherwise.
    pub(crate) fn durability(&self) -> Durability {
        self.durability
    }

    /// Runs `run` on the writer, unless a borrowed read or a bulk write of the same transaction is running.
    pub(crate) fn write<T>(
        &self,
        run: impl FnOnce(&mut CheckedWriter<W>) -> Result<T, NetabaseError>,
    ) -> Result<T, NetabaseError> {
        self.check_no_bulk()?;
        self.write_unchecked(run)
    }

    /// Begins a bulk write of this model, during which only the bulk write itself writes.
    pub(crate) fn begin_bulk(
        &self,
        model: &'static str,
    ) -> Result<BulkWrite<'_, W>, NetabaseError> {
        self.check_no_bulk()?;
        self.bulk.set(Some(model));
        Ok(BulkWrite {
            state: self,
            finished: false,
        })
    }

    fn check_no_bulk(&self) -> DriverResult<()> {
        self.bulk
            .get()
            .map_or(Ok(()), |model| Err(bulk_within(model)))
    }

    fn write_unchecked<T>(
        &self,
        run: impl FnOnce(&mut CheckedWriter<W>) -> Result<T, NetabaseError>,
    ) -> Result<T, NetabaseError> {
        let mut writer = self.writer.try_borrow_mut().map_err(|_| read_within())?;
        self.noting(run(writer.as_mut().ok_or_else(ended)?))
    }

    fn reader(&self) -> DriverResult<Ref<'_, CheckedWriter<W>>> {
        let writer = self.writer.try_borrow().map_err(|_| write_within())?;
        Ref::filter_map(writer, Option::as_ref).map_err(|_| ended())
    }
}

/// A bulk write that is running. Unless it is finished, its transaction can only be rolled back.
pub(crate) struct BulkWrite<'t, W: Write> {
    state: &'t WriteState<W>,
    finished: bool,
}

impl<W: Write> BulkWrite<'_, W> {
    /// Runs `run` on the writer. Between two calls the transaction can be read.
    pub(crate) fn write<T>(
        &self,
        run: impl FnOnce(&mut CheckedWriter<W>) -> Result<T, NetabaseError>,
    ) -> Result<T, NetabaseError> {
        self.state.write_unchecked(run)
    }

    /// Ends the bulk write: records and indexes agree again.
    pub(crate) fn finish(mut self) {
        self.finished = true;
    }
}

impl<W: Write> Drop for BulkWrite<'_, W> {
    fn drop(&mut self) {
        self.state.bulk.set(None);
        if !self.finished
            && let Ok(mut writer) = self.state.writer.try_borrow_mut()
            && let Some(writer) = writer.as_mut()
        {
            writer.fail();
        }
    }
}

impl<W> sealed::Indexed for WriteState<W> {
    #[inline]
    fn check_indexes(&self, model: &str) -> DriverResult<()> {
        match self.bulk.get() {
            Some(behind) if behind == model => Err(bulk_within(model)),
            Some(_) | None => Ok(()),
        }
    }
}

impl<W: Write> Read for WriteState<W> {
    type Cursor<'t>
        = SharedCursor<'t, W>
    where
        W: 't;

    #[inline]
    fn tree(&self, name: &str) -> DriverResult<TreeId> {
        self.noting(self.reader()?.tree(name))
    }

    #[inline]
    fn sized_tree(&self, name: &str, widths: EntryWidths) -> DriverResult<TreeId> {
        self.noting(self.reader()?.sized_tree(name, widths))
    }

    #[inline]
    fn get<T>(
        &self,
        tree: TreeId,
        key: &[u8],
        visit: impl FnOnce(&[u8]) -> T,
    ) -> DriverResult<Option<T>> {
        self.noting(self.reader()?.get(tree, key, visit))
    }

    fn cursor(
        &self,
        tree: TreeId,
        bounds: Bounds<'_>,
        direction: Direction,
    ) -> DriverResult<Self::Cursor<'_>> {
        Ok(SharedCursor {
            state: self,
            cursor: ResumingCursor::new(tree, bounds, direction),
        })
    }

    #[inline]
    fn len(&self, tree: TreeId) -> DriverResult<u64> {
        self.noting(self.reader()?.len(tree))
    }
}

/// A cursor in a write transaction that lets other views write between its steps.
#[derive(Debug)]
pub struct SharedCursor<'t, W> {
    state: &'t WriteState<W>,
    cursor: ResumingCursor,
}

impl<W: Write> Cursor for SharedCursor<'_, W> {
    fn advance(&mut self) -> DriverResult<bool> {
        let writer = self.state.reader()?;
        self.state
            .noting(self.cursor.advance(&*writer, writer.generation()))
    }

    fn key(&self) -> &[u8] {
        self.cursor.key()
    }

    fn value(&self) -> &[u8] {
        self.cursor.value()
    }

    fn seek(&mut self, key: &[u8]) -> DriverResult<()> {
        self.cursor.seek(key);
        Ok(())
    }
}

/// Whether a transaction that fails so may succeed when it is run again from its beginning.
pub(crate) fn is_conflict(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Conflict | ErrorKind::SnapshotLost)
}
