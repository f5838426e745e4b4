//! The host's side: the driver contract over a driver's table of C functions.

use std::any::Any;
use std::cmp::Ordering;
use std::fmt;
use std::marker::PhantomData;
use std::ops;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr::{self, NonNull};
use std::sync::Arc;

use super::layout::{self, Calls, Context, Entry, ErrorBuffer, OpenOption, Slice, Visit};
use super::status::{broken, call, call_done};
use super::verify::{self, Verified};
use crate::driver::{
    Bounds, CommitOutcome, CommitToken, Cursor, Database, Direction, Driver, DriverError,
    Durability, EntryWidths, ErrorKind, Manifest, OpenConfig, Read, Result, TreeId, Write,
    WriteBatch, WriteOp,
};

/// Calls a function of the driver that has nothing to say but whether it succeeded.
///
/// The handle among the arguments is open: the value that holds it closes it when it is dropped, and its borrow lets
/// nobody use it in a way that the ABI forbids. Bytes and places are locals or borrowed, so that they live until the call
/// returns.
macro_rules! done {
    ($calls:expr, $function:ident($($argument:expr),*)) => {
        call_done(stringify!($function), |error| {
            // SAFETY: as the macro says.
            unsafe { ($calls.$function)($($argument,)* error) }
        })
    };
    ($calls:expr, optional $function:ident($($argument:expr),*), $name:expr) => {
        match $calls.$function {
            Some(function) => call_done(stringify!($function), |error| {
                // SAFETY: as the macro says.
                unsafe { function($($argument,)* error) }
            }),
            None => Err(DriverError::unsupported($name)),
        }
    };
}

/// A driver behind the ABI. It stays loaded until the process ends; copies of this value are the same driver, and equal.
#[derive(Clone, Copy)]
pub struct DynamicDriver(&'static Loaded);

struct Loaded {
    calls: Calls,
    manifest: Manifest,
    abi: (u32, u32),
    flags: u64,
    layout_checked: bool,
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
            layout_checked,
        } = unsafe { verify::verify(entry, name) }?;
        Ok(Self(Box::leak(Box::new(Loaded {
            calls,
            manifest,
            abi,
            flags,
            layout_checked,
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

    /// Whether the driver described its types and they were checked; not so for one that is not written in Rust, or whose
    /// types another release of `abi_stable` describes.
    #[must_use]
    pub fn layout_checked(&self) -> bool {
        self.0.layout_checked
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
        let mut database = ptr::null_mut();
        done!(calls, open(&raw const raw, &raw mut database))?;
        let database = NonNull::new(database).ok_or_else(|| broken("open", NO_HANDLE))?;
        Ok(DynamicDatabase(Arc::new(DatabaseHandle {
            calls,
            database,
        })))
    }
}

const NO_HANDLE: &str = "says that it succeeded and gives no handle";

/// An open database of a [`DynamicDriver`].
#[derive(Debug, Clone)]
pub struct DynamicDatabase(Arc<DatabaseHandle>);

struct DatabaseHandle {
    calls: &'static Calls,
    database: NonNull<layout::Database>,
}

// SAFETY: the ABI lets a store's functions be called from any thread.
unsafe impl Send for DatabaseHandle {}
// SAFETY: the ABI lets a store's functions be called from several threads at once.
unsafe impl Sync for DatabaseHandle {}

impl Drop for DatabaseHandle {
    fn drop(&mut self) {
        // SAFETY: the handle is the driver's own, and this was its last user: each transaction keeps this value.
        unsafe { (self.calls.database_close)(self.database.as_ptr()) }
    }
}

impl fmt::Debug for DatabaseHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DatabaseHandle")
            .field(&self.database)
            .finish()
    }
}

impl DynamicDatabase {
    fn begin(&self, mode: u32) -> Result<Transaction> {
        let handle = &self.0;
        let mut transaction = ptr::null_mut();
        done!(
            handle.calls,
            database_begin(handle.database.as_ptr(), mode, &raw mut transaction)
        )?;
        let transaction =
            NonNull::new(transaction).ok_or_else(|| broken("database_begin", NO_HANDLE))?;
        Ok(Transaction {
            calls: handle.calls,
            transaction,
            _database: Arc::clone(handle),
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

    fn command(&self, name: &str, argument: &[u8], output: &mut dyn FnMut(&[u8])) -> Result<()> {
        let mut shown = Shown::new(output);
        let (visit, context) = shown.raw();
        let result = done!(
            self.0.calls,
            optional database_command(
                self.0.database.as_ptr(),
                Slice::new(name.as_bytes()),
                Slice::new(argument),
                visit,
                context
            ),
            name
        );
        shown.finish("database_command", result)
    }

    fn commit_outcome(&self, token: &CommitToken) -> Result<CommitOutcome> {
        const COMMITTED: u32 = CommitOutcome::Committed as u32;
        const NOT_COMMITTED: u32 = CommitOutcome::NotCommitted as u32;
        const UNKNOWN: u32 = CommitOutcome::Unknown as u32;
        let mut outcome = UNKNOWN;
        done!(
            self.0.calls,
            optional database_commit_outcome(
                self.0.database.as_ptr(),
                Slice::new(token.as_bytes()),
                &raw mut outcome
            ),
            "commit_outcome"
        )?;
        match outcome {
            COMMITTED => Ok(CommitOutcome::Committed),
            NOT_COMMITTED => Ok(CommitOutcome::NotCommitted),
            UNKNOWN => Ok(CommitOutcome::Unknown),
            _ => Err(broken(
                "database_commit_outcome",
                "gives an outcome that the ABI does not have",
            )),
        }
    }
}

/// A visitor behind the ABI. The driver may call it any number of times.
struct Shown<F> {
    visit: F,
    trouble: Option<Trouble>,
}

/// Why a visitor sees no more.
enum Trouble {
    Panicked(Box<dyn Any + Send>),
    Invalid,
}

impl<F: FnMut(&[u8])> Shown<F> {
    #[inline(always)]
    fn new(visit: F) -> Self {
        Self {
            visit,
            trouble: None,
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
        let shown = unsafe { &mut *context.cast::<Self>() };
        if shown.trouble.is_some() {
            return;
        }
        // SAFETY: the caller vouches for the bytes.
        let Some(bytes) = (unsafe { bytes.get() }) else {
            shown.trouble = Some(Trouble::Invalid);
            return;
        };
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| (shown.visit)(bytes))) {
            shown.trouble = Some(Trouble::Panicked(payload));
        }
    }

    /// The result of the driver's function, unless the visitor panicked or was shown what cannot be.
    #[inline(always)]
    fn finish<T>(self, function: &'static str, result: Result<T>) -> Result<T> {
        match self.trouble {
            None => result,
            Some(Trouble::Panicked(payload)) => resume_unwind(payload),
            Some(Trouble::Invalid) => result.and(Err(broken(function, NULL_SLICE))),
        }
    }
}

const NULL_SLICE: &str = "hands out bytes at null, or more than memory can hold";

/// Runs a driver's function that shows one value at most, and gives what `visit` makes of it.
#[inline(always)]
fn shown_once<R>(
    function: &'static str,
    visit: impl FnOnce(&[u8]) -> R,
    run: impl FnOnce(Visit, *mut Context, *mut ErrorBuffer) -> u32,
) -> Result<Option<R>> {
    let (mut visit, mut value) = (Some(visit), None);
    // A driver that shows it twice changes nothing.
    let mut shown = Shown::new(|bytes: &[u8]| {
        if let Some(visit) = visit.take() {
            value = Some(visit(bytes));
        }
    });
    let (function_of_host, context) = shown.raw();
    let result = call(|error| run(function_of_host, context, error));
    let is_there = shown.finish(function, result)?;
    match (is_there, value) {
        (true, None) => Err(broken(
            function,
            "says that there is a value and shows none",
        )),
        (false, Some(_)) => Err(broken(
            function,
            "shows a value and says that there is none",
        )),
        (_, value) => Ok(value),
    }
}

/// What read and write transactions have in common.
struct Transaction {
    calls: &'static Calls,
    transaction: NonNull<layout::Transaction>,
    /// Closed after its last transaction.
    _database: Arc<DatabaseHandle>,
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
        done!(
            self.calls,
            txn_tree(
                self.raw(),
                Slice::new(name.as_bytes()),
                widths.key.unwrap_or(layout::WIDTH_VARIES),
                widths.value.unwrap_or(layout::WIDTH_VARIES),
                &raw mut tree
            )
        )?;
        Ok(TreeId(tree))
    }

    #[inline]
    fn get<R>(
        &self,
        TreeId(tree): TreeId,
        key: &[u8],
        visit: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        shown_once("txn_get", visit, |visit, context, error| {
            // SAFETY: the transaction is open; key and visitor live until the call returns.
            unsafe {
                (self.calls.txn_get)(self.raw(), tree, Slice::new(key), visit, context, error)
            }
        })
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
        done!(
            self.calls,
            cursor_open(
                self.raw(),
                tree,
                &raw const bounds,
                direction as u32,
                &raw mut cursor
            )
        )?;
        Ok(DynamicCursor {
            calls: self.calls,
            cursor: NonNull::new(cursor).ok_or_else(|| broken("cursor_open", NO_HANDLE))?,
            key: Slice::EMPTY,
            value: Slice::EMPTY,
            last: Last::default(),
            direction,
            ended: false,
            _transaction: PhantomData,
        })
    }

    fn len(&self, TreeId(tree): TreeId) -> Result<u64> {
        let mut entries = 0;
        done!(
            self.calls,
            optional txn_len(self.raw(), tree, &raw mut entries),
            "len"
        )?;
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

crate::forward_read!(DynamicReader, 0, DynamicCursor<'t>);
crate::forward_read!(DynamicWriter, 0, DynamicCursor<'t>);

impl Write for DynamicWriter {
    #[inline]
    fn put<R>(
        &mut self,
        TreeId(tree): TreeId,
        key: &[u8],
        value: &[u8],
        previous: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        shown_once("txn_put", previous, |previous, context, error| {
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
        })
    }

    #[inline]
    fn remove<R>(
        &mut self,
        TreeId(tree): TreeId,
        key: &[u8],
        previous: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        shown_once("txn_remove", previous, |previous, context, error| {
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
        })
    }

    fn clear(&mut self, TreeId(tree): TreeId) -> Result<()> {
        done!(
            self.0.calls,
            optional txn_clear(self.0.raw(), tree),
            "clear"
        )
    }

    fn apply(&mut self, batch: &WriteBatch<'_>) -> Result<()> {
        if self.0.calls.txn_apply.is_none() {
            return batch.iter().try_for_each(|operation| match operation {
                WriteOp::Put { tree, key, value } => self.put(tree, key, value, |_| ()).map(drop),
                WriteOp::Remove { tree, key } => self.remove(tree, key, |_| ()).map(drop),
                WriteOp::Clear { tree } => self.clear(tree),
            });
        }
        done!(
            self.0.calls,
            optional txn_apply(self.0.raw(), Slice::new(batch.as_bytes())),
            "apply"
        )
    }

    fn commit(self, durability: Durability) -> Result<()> {
        let mut token = None;
        // Once, and not longer than a token may be.
        let mut shown = Shown::new(|bytes: &[u8]| {
            if token.is_none() && bytes.len() <= layout::TOKEN_BYTES {
                token = Some(CommitToken::new(bytes));
            }
        });
        let (visit, context) = shown.raw();
        let result = done!(
            self.0.calls,
            txn_commit(self.0.raw(), durability as u32, visit, context)
        );
        shown
            .finish("txn_commit", result)
            .map_err(|error| match token {
                Some(token) if error.kind() == ErrorKind::CommitUnknown => {
                    error.with_commit_token(token)
                }
                _ => error,
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
    /// The key before this one.
    last: Last,
    direction: Direction,
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
        // SAFETY: as in `key`; no call was made since.
        if let Some(last) = unsafe { self.key.get() } {
            self.last.keep(last);
        }
        let result = call(|error| {
            // SAFETY: the cursor is open and used by nobody else; the places live until the call returns.
            unsafe {
                (self.calls.cursor_next)(self.cursor.as_ptr(), &raw mut key, &raw mut value, error)
            }
        });
        if matches!(result, Ok(true)) && key.is_possible() && value.is_possible() {
            self.key = key;
            self.value = value;
            // SAFETY: as in `key`.
            let key = unsafe { key.get() }.unwrap_or_default();
            if self.last.follow(key, self.direction) {
                return Ok(true);
            }
            self.end();
            return Err(broken(
                "cursor_next",
                "gives keys out of order, or an empty key",
            ));
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
        if self.calls.cursor_seek.is_none() {
            return Err(DriverError::unsupported("seek"));
        }
        self.key = Slice::EMPTY;
        self.value = Slice::EMPTY;
        self.last = Last::default();
        let result = done!(
            self.calls,
            optional cursor_seek(self.cursor.as_ptr(), Slice::new(key)),
            "seek"
        );
        self.ended = result.is_err();
        result
    }
}

/// The key that a cursor was at, if it was at one. No key is empty.
#[derive(Default)]
struct Last {
    length: usize,
    /// The first bytes, which mostly tell keys apart, with zeros where there are fewer.
    head: u64,
    /// All of them, where there are more.
    whole: Vec<u8>,
}

impl Last {
    const HEAD: usize = size_of::<u64>();

    /// Keeps what [`follow`](Self::follow) has not kept of the key that it was given, before the driver takes it away.
    #[inline]
    fn keep(&mut self, key: &[u8]) {
        if key.len() > Self::HEAD {
            self.whole.clear();
            self.whole.extend_from_slice(key);
        }
    }

    /// Whether `key` is one, and comes behind this one, which it replaces.
    #[inline]
    fn follow(&mut self, key: &[u8], direction: Direction) -> bool {
        let head = match key.first_chunk() {
            Some(head) => u64::from_be_bytes(*head),
            None => key
                .iter()
                .rev()
                .fold(0, |head, byte| head >> 8 | u64::from(*byte) << 56),
        };
        let order = match head.cmp(&self.head) {
            Ordering::Equal => self.compare(key),
            order => order,
        };
        let follows = match direction {
            Direction::Forward => order == Ordering::Greater,
            Direction::Backward => order == Ordering::Less || self.length == 0,
        };
        self.head = head;
        self.length = key.len();
        follows && !key.is_empty()
    }

    /// How a key with the same head compares with this one.
    fn compare(&self, key: &[u8]) -> Ordering {
        if key.len() > Self::HEAD && self.length > Self::HEAD {
            key.cmp(&self.whole)
        } else {
            // The shorter one ends within the head, or with it, and what is missing counts as less than a zero.
            key.len().cmp(&self.length)
        }
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
