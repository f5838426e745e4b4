//! The host's side: the driver contract over a driver's table of C functions.

use std::any::Any;
use std::fmt;
use std::marker::PhantomData;
use std::ops;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr::{self, NonNull};
use std::sync::Arc;

use super::layout::{self, Context, Entry, ErrorBuffer, OpenOption, Slice, VTable, Visit};
use super::status::{broken, call, call_done};
use super::verify::{self, Verified};
use crate::driver::{
    Bounds, Cursor, Database, Direction, Driver, DriverError, Durability, EntryWidths, Manifest,
    OpenConfig, Read, Result, TreeId, Write, WriteBatch, WriteOp,
};

type Open = unsafe extern "C" fn(
    *const layout::OpenConfig,
    *mut *mut layout::Database,
    *mut ErrorBuffer,
) -> u32;
type Begin = unsafe extern "C" fn(
    *mut layout::Database,
    u32,
    *mut *mut layout::Transaction,
    *mut ErrorBuffer,
) -> u32;
type Tree = unsafe extern "C" fn(
    *mut layout::Transaction,
    Slice,
    u32,
    u32,
    *mut u32,
    *mut ErrorBuffer,
) -> u32;
type Get = unsafe extern "C" fn(
    *mut layout::Transaction,
    u32,
    Slice,
    Visit,
    *mut Context,
    *mut ErrorBuffer,
) -> u32;
type Put = unsafe extern "C" fn(
    *mut layout::Transaction,
    u32,
    Slice,
    Slice,
    Visit,
    *mut Context,
    *mut ErrorBuffer,
) -> u32;
type Commit = unsafe extern "C" fn(*mut layout::Transaction, u32, *mut ErrorBuffer) -> u32;
type OpenCursor = unsafe extern "C" fn(
    *mut layout::Transaction,
    u32,
    *const layout::Bounds,
    u32,
    *mut *mut layout::Cursor,
    *mut ErrorBuffer,
) -> u32;
type Next =
    unsafe extern "C" fn(*mut layout::Cursor, *mut Slice, *mut Slice, *mut ErrorBuffer) -> u32;
type Seek = unsafe extern "C" fn(*mut layout::Cursor, Slice, *mut ErrorBuffer) -> u32;
type Len = unsafe extern "C" fn(*mut layout::Transaction, u32, *mut u64, *mut ErrorBuffer) -> u32;
type Clear = unsafe extern "C" fn(*mut layout::Transaction, u32, *mut ErrorBuffer) -> u32;
type Apply = unsafe extern "C" fn(*mut layout::Transaction, Slice, *mut ErrorBuffer) -> u32;
type Maintain = unsafe extern "C" fn(
    *mut layout::Database,
    Slice,
    Slice,
    Visit,
    *mut Context,
    *mut ErrorBuffer,
) -> u32;

/// The functions of a [`VTable`] that is known to have those it has to have.
#[derive(Clone, Copy)]
pub(super) struct Calls {
    open: Open,
    database_close: unsafe extern "C" fn(*mut layout::Database),
    database_begin: Begin,
    txn_close: unsafe extern "C" fn(*mut layout::Transaction),
    txn_tree: Tree,
    txn_get: Get,
    txn_put: Put,
    txn_remove: Get,
    txn_commit: Commit,
    cursor_open: OpenCursor,
    cursor_next: Next,
    cursor_close: unsafe extern "C" fn(*mut layout::Cursor),
    cursor_seek: Option<Seek>,
    txn_len: Option<Len>,
    txn_clear: Option<Clear>,
    txn_apply: Option<Apply>,
    database_command: Option<Maintain>,
}

impl Calls {
    /// The functions of `table`, or the name of the first that it has to have and has not.
    pub(super) fn of(table: &VTable) -> Result<Self, &'static str> {
        Ok(Self {
            open: table.open.ok_or("open")?,
            database_close: table.database_close.ok_or("database_close")?,
            database_begin: table.database_begin.ok_or("database_begin")?,
            txn_close: table.txn_close.ok_or("txn_close")?,
            txn_tree: table.txn_tree.ok_or("txn_tree")?,
            txn_get: table.txn_get.ok_or("txn_get")?,
            txn_put: table.txn_put.ok_or("txn_put")?,
            txn_remove: table.txn_remove.ok_or("txn_remove")?,
            txn_commit: table.txn_commit.ok_or("txn_commit")?,
            cursor_open: table.cursor_open.ok_or("cursor_open")?,
            cursor_next: table.cursor_next.ok_or("cursor_next")?,
            cursor_close: table.cursor_close.ok_or("cursor_close")?,
            cursor_seek: table.cursor_seek,
            txn_len: table.txn_len,
            txn_clear: table.txn_clear,
            txn_apply: table.txn_apply,
            database_command: table.database_command,
        })
    }
}

/// A driver behind the ABI. It stays loaded until the process ends; copies of this value are the same driver, and equal.
#[derive(Clone, Copy)]
pub struct DynamicDriver(&'static Loaded);

struct Loaded {
    calls: Calls,
    manifest: Manifest,
    abi: (u32, u32),
    flags: u64,
}

impl DynamicDriver {
    /// Takes a driver from its entry, after all checks. `name` is the one that it was looked up by.
    ///
    /// What is kept of the driver is never freed; the [loader](crate::loader) calls this once for each.
    ///
    /// # Errors
    /// [`DriverRejected`](crate::error::ErrorKind::DriverRejected), with what to do about it.
    ///
    /// # Safety
    /// `entry` is the address of a driver's entry, as `docs/abi.md` describes it, whose first four fields at least are
    /// there. It and all that it points to stay as they are until the process ends, and its functions keep to the ABI.
    pub unsafe fn from_entry(entry: *const Entry, name: &str) -> Result<Self> {
        // SAFETY: the caller vouches for the entry.
        let Verified {
            calls,
            manifest,
            abi,
            flags,
        } = unsafe { verify::verify(entry, name) }?;
        Ok(Self(Box::leak(Box::new(Loaded {
            calls,
            manifest,
            abi,
            flags,
        }))))
    }

    /// The version of the ABI that the driver was written against, major and minor.
    #[must_use]
    pub fn abi_version(&self) -> (u32, u32) {
        self.0.abi
    }

    /// Whether a panic of the driver ends the process, because it was built with `panic = "abort"`.
    #[must_use]
    pub fn aborts_on_panic(&self) -> bool {
        self.0.flags & layout::FLAG_PANIC_ABORT != 0
    }

    /// Whether the driver described its types and they were checked; not so for one that is not written in Rust.
    #[must_use]
    pub fn layout_checked(&self) -> bool {
        self.0.flags & layout::FLAG_RUST != 0
    }
}

impl PartialEq for DynamicDriver {
    fn eq(&self, other: &Self) -> bool {
        ptr::eq(self.0, other.0)
    }
}

impl Eq for DynamicDriver {}

impl fmt::Debug for DynamicDriver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DynamicDriver")
            .field("manifest", &self.0.manifest)
            .field("abi_version", &self.abi_version())
            .field("aborts_on_panic", &self.aborts_on_panic())
            .field("layout_checked", &self.layout_checked())
            .finish()
    }
}

impl Driver for DynamicDriver {
    type Database = DynamicDatabase;

    fn manifest(&self) -> &Manifest {
        &self.0.manifest
    }

    fn open(&self, config: &OpenConfig<'_>) -> Result<DynamicDatabase> {
        let options: Vec<_> = config
            .options
            .iter()
            .map(|(name, value)| OpenOption {
                name: Slice::new(name.as_bytes()),
                value: Slice::new(value.as_bytes()),
            })
            .collect();
        let flag = |set: bool, flag: u64| if set { flag } else { 0 };
        let raw = layout::OpenConfig {
            size: size_of::<layout::OpenConfig>(),
            flags: flag(config.create_if_missing, layout::OPEN_CREATE_IF_MISSING)
                | flag(config.truncate, layout::OPEN_TRUNCATE)
                | flag(config.read_only, layout::OPEN_READ_ONLY)
                | flag(config.cache_bytes.is_some(), layout::OPEN_CACHE_BYTES),
            location: Slice::new(config.location.to_bytes()?),
            cache_bytes: config.cache_bytes.unwrap_or(0),
            options: options.as_ptr(),
            options_length: options.len(),
        };
        let calls = &self.0.calls;
        let mut store = ptr::null_mut();
        call_done("open", |error| {
            // SAFETY: the configuration, with all that it points to, lives until the call returns, and the handle has a
            // place.
            unsafe { (calls.open)(&raw const raw, &raw mut store, error) }
        })?;
        let store = NonNull::new(store).ok_or_else(|| broken("open", NO_HANDLE))?;
        Ok(DynamicDatabase(Arc::new(StoreHandle { calls, store })))
    }
}

const NO_HANDLE: &str = "says that it succeeded and gives no handle";

/// An open database of a [`DynamicDriver`].
#[derive(Debug, Clone)]
pub struct DynamicDatabase(Arc<StoreHandle>);

struct StoreHandle {
    calls: &'static Calls,
    store: NonNull<layout::Database>,
}

// SAFETY: the ABI lets a store's functions be called from any thread.
unsafe impl Send for StoreHandle {}
// SAFETY: the ABI lets a store's functions be called from several threads at once.
unsafe impl Sync for StoreHandle {}

impl Drop for StoreHandle {
    fn drop(&mut self) {
        // SAFETY: the handle is the driver's own, and this was its last user: each transaction keeps this value.
        unsafe { (self.calls.database_close)(self.store.as_ptr()) }
    }
}

impl fmt::Debug for StoreHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StoreHandle").field(&self.store).finish()
    }
}

impl DynamicDatabase {
    fn begin(&self, mode: u32) -> Result<Transaction> {
        let store = &self.0;
        let mut transaction = ptr::null_mut();
        call_done("database_begin", |error| {
            // SAFETY: the store is open, and the handle has a place.
            unsafe {
                (store.calls.database_begin)(
                    store.store.as_ptr(),
                    mode,
                    &raw mut transaction,
                    error,
                )
            }
        })?;
        let transaction =
            NonNull::new(transaction).ok_or_else(|| broken("database_begin", NO_HANDLE))?;
        Ok(Transaction {
            calls: store.calls,
            transaction,
            _store: Arc::clone(store),
        })
    }
}

impl Database for DynamicDatabase {
    type Reader = DynamicReader;
    type Writer = DynamicWriter;

    fn begin_read(&self) -> Result<DynamicReader> {
        self.begin(layout::BEGIN_READ).map(DynamicReader)
    }

    fn begin_write(&self) -> Result<DynamicWriter> {
        self.begin(layout::BEGIN_WRITE).map(DynamicWriter)
    }

    fn command(&self, command: &str, argument: &[u8], output: &mut dyn FnMut(&[u8])) -> Result<()> {
        let store = &self.0;
        let run = store
            .calls
            .database_command
            .ok_or_else(|| DriverError::unsupported(command))?;
        let mut sink = Sink::new(output);
        let result = call_done("database_command", |error| {
            let (visit, context) = sink.raw();
            // SAFETY: the store is open; texts and visitor live until the call returns.
            unsafe {
                run(
                    store.store.as_ptr(),
                    Slice::new(command.as_bytes()),
                    Slice::new(argument),
                    visit,
                    context,
                    error,
                )
            }
        });
        sink.finish("database_command")?;
        result
    }
}

/// A visitor that is called once at most, behind the ABI.
struct Once<F, R> {
    visit: Option<F>,
    outcome: Visited<R>,
}

enum Visited<R> {
    NotCalled,
    Returned(R),
    Panicked(Box<dyn Any + Send>),
    Invalid,
}

impl<R, F: FnOnce(&[u8]) -> R> Once<F, R> {
    #[inline(always)]
    fn new(visit: F) -> Self {
        Self {
            visit: Some(visit),
            outcome: Visited::NotCalled,
        }
    }

    #[inline(always)]
    fn raw(&mut self) -> (Visit, *mut Context) {
        let function: unsafe extern "C" fn(*mut Context, Slice) = Self::called;
        (
            Visit {
                function: Some(function),
            },
            ptr::from_mut(self).cast(),
        )
    }

    /// # Safety
    /// `context` is what [`raw`](Self::raw) gave, whose call has not returned; the bytes are as [`Slice::get`] asks.
    unsafe extern "C" fn called(context: *mut Context, bytes: Slice) {
        // SAFETY: the caller vouches for the context, which nothing else uses while the driver's function runs.
        let once = unsafe { &mut *context.cast::<Self>() };
        // A driver that calls twice changes nothing.
        let Some(visit) = once.visit.take() else {
            return;
        };
        // SAFETY: the caller vouches for the bytes.
        once.outcome = match unsafe { bytes.get() } {
            None => Visited::Invalid,
            Some(bytes) => match catch_unwind(AssertUnwindSafe(|| visit(bytes))) {
                Ok(value) => Visited::Returned(value),
                Err(payload) => Visited::Panicked(payload),
            },
        };
    }

    /// What the visitor gave, once the call has returned with `result`.
    #[inline(always)]
    fn finish(self, function: &'static str, result: Result<bool>) -> Result<Option<R>> {
        match (self.outcome, result) {
            (Visited::Panicked(payload), _) => resume_unwind(payload),
            (_, Err(error)) => Err(error),
            (Visited::Returned(value), Ok(true)) => Ok(Some(value)),
            (Visited::NotCalled, Ok(false)) => Ok(None),
            (Visited::NotCalled, Ok(true)) => Err(broken(
                function,
                "says that there is a value and shows none",
            )),
            (Visited::Returned(_), Ok(false)) => Err(broken(
                function,
                "shows a value and says that there is none",
            )),
            (Visited::Invalid, Ok(_)) => Err(broken(function, NULL_SLICE)),
        }
    }
}

const NULL_SLICE: &str = "hands out bytes at null, or more than memory can hold";

/// A visitor that may be called any number of times, behind the ABI.
struct Sink<'a> {
    output: &'a mut dyn FnMut(&[u8]),
    outcome: Visited<()>,
}

impl<'a> Sink<'a> {
    fn new(output: &'a mut dyn FnMut(&[u8])) -> Self {
        Self {
            output,
            outcome: Visited::NotCalled,
        }
    }

    fn raw(&mut self) -> (Visit, *mut Context) {
        let function: unsafe extern "C" fn(*mut Context, Slice) = Self::called;
        (
            Visit {
                function: Some(function),
            },
            ptr::from_mut(self).cast(),
        )
    }

    /// # Safety
    /// `context` is what [`raw`](Self::raw) gave, whose call has not returned; the bytes are as [`Slice::get`] asks.
    unsafe extern "C" fn called(context: *mut Context, bytes: Slice) {
        // SAFETY: the caller vouches for the context, which nothing else uses while the driver's function runs.
        let sink = unsafe { &mut *context.cast::<Sink<'_>>() };
        if matches!(sink.outcome, Visited::Panicked(_) | Visited::Invalid) {
            return;
        }
        // SAFETY: the caller vouches for the bytes.
        sink.outcome = match unsafe { bytes.get() } {
            None => Visited::Invalid,
            Some(bytes) => match catch_unwind(AssertUnwindSafe(|| (sink.output)(bytes))) {
                Ok(()) => Visited::Returned(()),
                Err(payload) => Visited::Panicked(payload),
            },
        };
    }

    fn finish(self, function: &'static str) -> Result<()> {
        match self.outcome {
            Visited::Panicked(payload) => resume_unwind(payload),
            Visited::Invalid => Err(broken(function, NULL_SLICE)),
            Visited::NotCalled | Visited::Returned(()) => Ok(()),
        }
    }
}

/// What read and write transactions have in common.
struct Transaction {
    calls: &'static Calls,
    transaction: NonNull<layout::Transaction>,
    /// Closed after its last transaction.
    _store: Arc<StoreHandle>,
}

// SAFETY: the ABI lets a transaction be used from any thread, one at a time; it is not `Sync`.
unsafe impl Send for Transaction {}

impl Drop for Transaction {
    fn drop(&mut self) {
        // SAFETY: the handle is the driver's own, and this was its last user: cursors borrow this value.
        unsafe { (self.calls.txn_close)(self.transaction.as_ptr()) }
    }
}

impl fmt::Debug for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Transaction")
            .field(&self.transaction)
            .finish()
    }
}

impl Transaction {
    #[inline(always)]
    fn raw(&self) -> *mut layout::Transaction {
        self.transaction.as_ptr()
    }
}

impl Read for Transaction {
    type Cursor<'t> = DynamicCursor<'t>;

    fn tree(&self, name: &str) -> Result<TreeId> {
        self.sized_tree(name, EntryWidths::default())
    }

    fn sized_tree(&self, name: &str, widths: EntryWidths) -> Result<TreeId> {
        let mut tree = 0;
        call_done("txn_tree", |error| {
            // SAFETY: the transaction is open; name and place live until the call returns.
            unsafe {
                (self.calls.txn_tree)(
                    self.raw(),
                    Slice::new(name.as_bytes()),
                    widths.key.unwrap_or(layout::WIDTH_VARIES),
                    widths.value.unwrap_or(layout::WIDTH_VARIES),
                    &raw mut tree,
                    error,
                )
            }
        })?;
        Ok(TreeId(tree))
    }

    #[inline]
    fn get<R>(
        &self,
        TreeId(tree): TreeId,
        key: &[u8],
        visit: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        let mut once = Once::new(visit);
        let (visit, context) = once.raw();
        let result = call(|error| {
            // SAFETY: the transaction is open; key and visitor live until the call returns.
            unsafe {
                (self.calls.txn_get)(self.raw(), tree, Slice::new(key), visit, context, error)
            }
        });
        once.finish("txn_get", result)
    }

    fn cursor(
        &self,
        TreeId(tree): TreeId,
        bounds: Bounds<'_>,
        direction: Direction,
    ) -> Result<DynamicCursor<'_>> {
        let bounds = layout::Bounds {
            lower: raw_bound(bounds.lower),
            upper: raw_bound(bounds.upper),
        };
        let mut cursor = ptr::null_mut();
        call_done("cursor_open", |error| {
            // SAFETY: the transaction is open; bounds, keys and place live until the call returns.
            unsafe {
                (self.calls.cursor_open)(
                    self.raw(),
                    tree,
                    &raw const bounds,
                    direction as u32,
                    &raw mut cursor,
                    error,
                )
            }
        })?;
        Ok(DynamicCursor {
            calls: self.calls,
            cursor: NonNull::new(cursor).ok_or_else(|| broken("cursor_open", NO_HANDLE))?,
            key: Slice::EMPTY,
            value: Slice::EMPTY,
            ended: false,
            _transaction: PhantomData,
        })
    }

    fn len(&self, TreeId(tree): TreeId) -> Result<u64> {
        let len = self
            .calls
            .txn_len
            .ok_or_else(|| DriverError::unsupported("len"))?;
        let mut entries = 0;
        call_done("txn_len", |error| {
            // SAFETY: the transaction is open; the place lives until the call returns.
            unsafe { len(self.raw(), tree, &raw mut entries, error) }
        })?;
        Ok(entries)
    }
}

fn raw_bound(bound: ops::Bound<&[u8]>) -> layout::Bound {
    let (kind, key) = match bound {
        ops::Bound::Unbounded => (layout::BOUND_UNBOUNDED, Slice::EMPTY),
        ops::Bound::Included(key) => (layout::BOUND_INCLUDED, Slice::new(key)),
        ops::Bound::Excluded(key) => (layout::BOUND_EXCLUDED, Slice::new(key)),
    };
    layout::Bound {
        kind,
        reserved: 0,
        key,
    }
}

/// A read transaction of a [`DynamicDriver`].
#[derive(Debug)]
pub struct DynamicReader(Transaction);

/// A write transaction of a [`DynamicDriver`].
#[derive(Debug)]
pub struct DynamicWriter(Transaction);

macro_rules! read_through {
    ($type:ty) => {
        impl Read for $type {
            type Cursor<'t> = DynamicCursor<'t>;

            fn tree(&self, name: &str) -> Result<TreeId> {
                self.0.tree(name)
            }

            fn sized_tree(&self, name: &str, widths: EntryWidths) -> Result<TreeId> {
                self.0.sized_tree(name, widths)
            }

            #[inline]
            fn get<R>(
                &self,
                tree: TreeId,
                key: &[u8],
                visit: impl FnOnce(&[u8]) -> R,
            ) -> Result<Option<R>> {
                self.0.get(tree, key, visit)
            }

            fn cursor(
                &self,
                tree: TreeId,
                bounds: Bounds<'_>,
                direction: Direction,
            ) -> Result<DynamicCursor<'_>> {
                self.0.cursor(tree, bounds, direction)
            }

            fn len(&self, tree: TreeId) -> Result<u64> {
                self.0.len(tree)
            }
        }
    };
}

read_through!(DynamicReader);
read_through!(DynamicWriter);

impl Write for DynamicWriter {
    #[inline]
    fn put<R>(
        &mut self,
        TreeId(tree): TreeId,
        key: &[u8],
        value: &[u8],
        previous: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        let mut once = Once::new(previous);
        let (previous, context) = once.raw();
        let result = call(|error| {
            // SAFETY: the transaction is open and used by nobody else; key, value and visitor live until the call
            // returns.
            unsafe {
                (self.0.calls.txn_put)(
                    self.0.raw(),
                    tree,
                    Slice::new(key),
                    Slice::new(value),
                    previous,
                    context,
                    error,
                )
            }
        });
        once.finish("txn_put", result)
    }

    #[inline]
    fn remove<R>(
        &mut self,
        TreeId(tree): TreeId,
        key: &[u8],
        previous: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        let mut once = Once::new(previous);
        let (previous, context) = once.raw();
        let result = call(|error| {
            // SAFETY: the transaction is open and used by nobody else; key and visitor live until the call returns.
            unsafe {
                (self.0.calls.txn_remove)(
                    self.0.raw(),
                    tree,
                    Slice::new(key),
                    previous,
                    context,
                    error,
                )
            }
        });
        once.finish("txn_remove", result)
    }

    fn clear(&mut self, TreeId(tree): TreeId) -> Result<()> {
        let clear = self
            .0
            .calls
            .txn_clear
            .ok_or_else(|| DriverError::unsupported("clear"))?;
        call_done("txn_clear", |error| {
            // SAFETY: the transaction is open and used by nobody else.
            unsafe { clear(self.0.raw(), tree, error) }
        })
    }

    fn apply(&mut self, batch: &WriteBatch<'_>) -> Result<()> {
        let Some(apply) = self.0.calls.txn_apply else {
            return batch.iter().try_for_each(|operation| match operation {
                WriteOp::Put { tree, key, value } => self.put(tree, key, value, |_| ()).map(drop),
                WriteOp::Remove { tree, key } => self.remove(tree, key, |_| ()).map(drop),
                WriteOp::Clear { tree } => self.clear(tree),
            });
        };
        call_done("txn_apply", |error| {
            // SAFETY: the transaction is open and used by nobody else; the list lives until the call returns.
            unsafe { apply(self.0.raw(), Slice::new(batch.as_bytes()), error) }
        })
    }

    fn commit(self, durability: Durability) -> Result<()> {
        call_done("txn_commit", |error| {
            // SAFETY: the transaction is open and used by nobody else.
            unsafe { (self.0.calls.txn_commit)(self.0.raw(), durability as u32, error) }
        })
    }
}

/// A cursor of a [`DynamicDriver`].
pub struct DynamicCursor<'t> {
    calls: &'static Calls,
    cursor: NonNull<layout::Cursor>,
    /// Checked, and valid until the next call.
    key: Slice,
    value: Slice,
    ended: bool,
    _transaction: PhantomData<&'t Transaction>,
}

impl Cursor for DynamicCursor<'_> {
    #[inline]
    fn advance(&mut self) -> Result<bool> {
        if self.ended {
            return Ok(false);
        }
        let (mut key, mut value) = (Slice::EMPTY, Slice::EMPTY);
        let result = call(|error| {
            // SAFETY: the cursor is open and used by nobody else; the places live until the call returns.
            unsafe {
                (self.calls.cursor_next)(self.cursor.as_ptr(), &raw mut key, &raw mut value, error)
            }
        });
        if matches!(result, Ok(true)) && key.is_possible() && value.is_possible() {
            self.key = key;
            self.value = value;
            return Ok(true);
        }
        self.end();
        result.and_then(|more| {
            if more {
                Err(broken("cursor_next", NULL_SLICE))
            } else {
                Ok(false)
            }
        })
    }

    #[inline]
    fn key(&self) -> &[u8] {
        // SAFETY: the ABI binds the driver to keep these bytes until the next call with this cursor, for which `self`
        // is borrowed mutably, or a write in the transaction, which `'t` does not let happen before.
        unsafe { self.key.get() }.unwrap_or_default()
    }

    #[inline]
    fn value(&self) -> &[u8] {
        // SAFETY: as for the key.
        unsafe { self.value.get() }.unwrap_or_default()
    }

    fn seek(&mut self, key: &[u8]) -> Result<()> {
        let seek = self
            .calls
            .cursor_seek
            .ok_or_else(|| DriverError::unsupported("seek"))?;
        self.key = Slice::EMPTY;
        self.value = Slice::EMPTY;
        let result = call_done("cursor_seek", |error| {
            // SAFETY: the cursor is open and used by nobody else; the key lives until the call returns.
            unsafe { seek(self.cursor.as_ptr(), Slice::new(key), error) }
        });
        self.ended = result.is_err();
        result
    }
}

impl DynamicCursor<'_> {
    fn end(&mut self) {
        self.key = Slice::EMPTY;
        self.value = Slice::EMPTY;
        self.ended = true;
    }
}

impl Drop for DynamicCursor<'_> {
    fn drop(&mut self) {
        // SAFETY: the handle is the driver's own, and this was its only user.
        unsafe { (self.calls.cursor_close)(self.cursor.as_ptr()) }
    }
}

impl fmt::Debug for DynamicCursor<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DynamicCursor").field(&self.cursor).finish()
    }
}
