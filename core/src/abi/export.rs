//! The driver's side: any [`Driver`] as a table of C functions, behind a fence that no panic passes.

use std::any::Any;
use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::{mem, ops, slice, str};

use super::layout::{self, ErrorBuffer, Slice, VTable, Visit};
use super::{status, verify};
use crate::config::BUSY_TIMEOUT;
use crate::driver::{
    self, Bounds, CommitToken, Cursor as _, Database as _, Direction, Driver, DriverError,
    Durability, EntryWidths, ErrorKind, Location, OpenConfig, Read, ResumingCursor, TreeId, Write,
    WriteBatch,
};

type Result<T, E = DriverError> = driver::Result<T, E>;
type Status = Result<u32>;

/// Exports a driver under a symbol of its own, so that it can be loaded from a dynamic library.
///
/// The symbol is `netabase_driver_` and the manifest's name, each `-` written as `_`; a wrong one does not compile. The
/// manifest is a `static`. Where `netabase-core` is built without its feature `dynamic`, the line is left out.
///
/// # Examples
/// ```
/// use std::borrow::Cow;
///
/// use netabase_core::driver::{Capabilities, Driver, DriverError, Limits, Manifest, OpenConfig};
/// use netabase_core::memory::{Memory, MemoryDatabase};
///
/// struct MyDriver;
///
/// static MANIFEST: Manifest = Manifest {
///     name: Cow::Borrowed("my-driver"),
///     version: Cow::Borrowed(env!("CARGO_PKG_VERSION")),
///     engine: Cow::Borrowed("memory"),
///     engine_version: Cow::Borrowed("0"),
///     capabilities: Capabilities::SNAPSHOTS,
///     limits: Limits::NONE,
///     commands: Cow::Borrowed(&[]),
/// };
///
/// netabase_core::export_driver!(netabase_driver_my_driver: MyDriver = MyDriver, manifest: MANIFEST);
///
/// impl Driver for MyDriver {
///     type Database = MemoryDatabase;
///
///     fn manifest(&self) -> &Manifest {
///         &MANIFEST
///     }
///
///     fn open(&self, config: &OpenConfig<'_>) -> Result<MemoryDatabase, DriverError> {
///         Memory.open(config)
///     }
/// }
/// # fn main() {}
/// ```
///
/// A symbol that is not the manifest's name does not compile:
/// ```compile_fail
/// # use std::borrow::Cow;
/// # use netabase_core::driver::{Capabilities, Limits, Manifest};
/// # use netabase_core::memory::Memory;
/// # static MANIFEST: Manifest = Manifest {
/// #     name: Cow::Borrowed("my-driver"),
/// #     version: Cow::Borrowed("0"),
/// #     engine: Cow::Borrowed("memory"),
/// #     engine_version: Cow::Borrowed("0"),
/// #     capabilities: Capabilities::NONE,
/// #     limits: Limits::NONE,
/// #     commands: Cow::Borrowed(&[]),
/// # };
/// netabase_core::export_driver!(netabase_driver_other: Memory = Memory, manifest: MANIFEST);
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! export_driver {
    ($(#[$attribute:meta])* $symbol:ident: $driver:ty = $value:expr, manifest: $manifest:path $(,)?) => {
        $(#[$attribute])*
        /// The entry by which hosts find this driver; see `docs/abi.md`.
        #[unsafe(no_mangle)]
        #[allow(non_upper_case_globals, reason = "the symbol's name is part of the driver ABI")]
        pub static $symbol: $crate::abi::layout::Entry = {
            struct Exported;
            impl $crate::abi::export::Export for Exported {
                type Driver = $driver;

                fn driver() -> &'static $driver {
                    static DRIVER: $driver = $value;
                    &DRIVER
                }
            }
            static RAW_OPERATIONS: [$crate::abi::layout::Slice;
                $crate::abi::export::command_count(&$manifest)] =
                $crate::abi::export::commands(&$manifest);
            static RAW_MANIFEST: $crate::abi::layout::Manifest =
                $crate::abi::export::manifest(&$manifest, &RAW_OPERATIONS);
            static VTABLE: $crate::abi::layout::VTable = $crate::abi::export::vtable::<Exported>();
            $crate::abi::export::entry(
                stringify!($symbol),
                &$manifest,
                &RAW_MANIFEST,
                &VTABLE,
                cfg!(panic = "abort"),
            )
        };
    };
}

/// A driver as [`export_driver!`](crate::export_driver) hands it over.
pub trait Export: 'static {
    /// The driver.
    type Driver: Driver;

    /// The one instance.
    fn driver() -> &'static Self::Driver;
}

/// A text that a `static` holds.
#[allow(
    clippy::ptr_arg,
    reason = "only a borrowed text can be used at compile time"
)]
const fn constant(text: &'static Cow<'static, str>) -> &'static str {
    match text {
        Cow::Borrowed(text) => text,
        #[allow(
            clippy::panic,
            reason = "evaluated at compile time, where a panic is an error of the compiler"
        )]
        Cow::Owned(_) => panic!("the texts of an exported manifest are string literals"),
    }
}

const fn constant_commands(manifest: &'static driver::Manifest) -> &'static [Cow<'static, str>] {
    match &manifest.commands {
        Cow::Borrowed(commands) => commands,
        #[allow(
            clippy::panic,
            reason = "evaluated at compile time, where a panic is an error of the compiler"
        )]
        Cow::Owned(_) => panic!("the commands of an exported manifest are a constant slice"),
    }
}

/// How many commands a manifest lists.
#[doc(hidden)]
#[must_use]
pub const fn command_count(manifest: &'static driver::Manifest) -> usize {
    constant_commands(manifest).len()
}

/// The commands that a manifest lists.
#[doc(hidden)]
#[must_use]
pub const fn commands<const N: usize>(manifest: &'static driver::Manifest) -> [Slice; N] {
    let names = constant_commands(manifest);
    let mut slices = [Slice::EMPTY; N];
    let mut index = 0;
    while index < N {
        slices[index] = Slice::new(constant(&names[index]).as_bytes());
        index += 1;
    }
    slices
}

/// A manifest as it crosses the ABI.
#[doc(hidden)]
#[must_use]
pub const fn manifest(
    manifest: &'static driver::Manifest,
    commands: &'static [Slice],
) -> layout::Manifest {
    layout::Manifest {
        size: size_of::<layout::Manifest>(),
        engine: Slice::new(constant(&manifest.engine).as_bytes()),
        engine_version: Slice::new(constant(&manifest.engine_version).as_bytes()),
        capabilities: manifest.capabilities.bits(),
        key_bytes: manifest.limits.key_bytes,
        value_bytes: manifest.limits.value_bytes,
        transaction_bytes: manifest.limits.transaction_bytes,
        commands: commands.as_ptr(),
        commands_length: commands.len(),
    }
}

/// The entry of a driver; `symbol` has to be the one that belongs to the manifest's name.
#[doc(hidden)]
#[must_use]
pub const fn entry(
    symbol: &'static str,
    manifest: &'static driver::Manifest,
    raw_manifest: &'static layout::Manifest,
    vtable: &'static VTable,
    panic_abort: bool,
) -> layout::Entry {
    let name = constant(&manifest.name);
    assert!(
        is_symbol_of(symbol.as_bytes(), name.as_bytes()),
        "the symbol of a driver is `netabase_driver_` and the manifest's name, each `-` written as `_`"
    );
    layout::Entry {
        magic: layout::MAGIC,
        abi_major: layout::ABI_MAJOR,
        abi_minor: layout::ABI_MINOR,
        entry_size: size_of::<layout::Entry>(),
        vtable_size: size_of::<VTable>(),
        flags: layout::FLAG_RUST
            | if panic_abort {
                layout::FLAG_PANIC_ABORT
            } else {
                0
            },
        name: Slice::new(name.as_bytes()),
        version: Slice::new(constant(&manifest.version).as_bytes()),
        manifest: raw_manifest,
        vtable,
        layout: verify::header(),
    }
}

const fn is_symbol_of(symbol: &[u8], name: &[u8]) -> bool {
    let prefix = layout::SYMBOL_PREFIX.as_bytes();
    if symbol.len() != prefix.len() + name.len() {
        return false;
    }
    let mut index = 0;
    while index < symbol.len() {
        let expected = if index < prefix.len() {
            prefix[index]
        } else {
            match name[index - prefix.len()] {
                b'-' => b'_',
                byte => byte,
            }
        };
        if symbol[index] != expected {
            return false;
        }
        index += 1;
    }
    true
}

macro_rules! define_vtable {
    (
        required { $($(#[$_attribute:meta])* $name:ident($($_parameters:tt)*) $(-> $_status:ident)?;)* }
        optional { $($(#[$_o_attribute:meta])* $o_name:ident($($_o_parameters:tt)*) -> $_o_status:ident;)* }
    ) => {
        /// A driver's functions.
        #[doc(hidden)]
        #[must_use]
        pub const fn vtable<X: Export>() -> VTable {
            VTable {
                $($name: Some($name::<X>),)*
                $($o_name: Some($o_name::<X>),)*
            }
        }
    };
}

functions!(define_vtable!);

type StoreOf<X> = <<X as Export>::Driver as Driver>::Database;

/// Runs what may panic.
#[inline(always)]
fn catch<T>(run: impl FnOnce() -> T) -> Result<T> {
    catch_unwind(AssertUnwindSafe(run)).map_err(panicked)
}

#[cold]
fn panicked(payload: Box<dyn Any + Send>) -> DriverError {
    let text = match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => match payload.downcast::<&'static str>() {
            Ok(text) => (*text).to_owned(),
            Err(payload) => {
                // Its destructor is foreign code, which may panic again.
                mem::forget(payload);
                "it says no more".to_owned()
            }
        },
    };
    DriverError::new(
        ErrorKind::DriverPanicked,
        format!("the driver panicked: {text}; what it was doing was rolled back"),
    )
}

/// The shim around every exported function: no panic leaves it, and an error becomes a status and a text. After a panic
/// `on_panic` ends what it happened in.
///
/// # Safety
/// What [`status::report`] asks of `error`.
#[inline(always)]
unsafe fn fence(
    error: *mut ErrorBuffer,
    run: impl FnOnce() -> Status,
    on_panic: impl FnOnce(),
) -> u32 {
    let failure = match catch(run) {
        Ok(Ok(status)) => return status,
        Ok(Err(failure)) => failure,
        Err(panic) => {
            on_panic();
            panic
        }
    };
    // SAFETY: the caller vouches for the buffer.
    unsafe { fail(error, failure) }
}

/// # Safety
/// What [`status::report`] asks of `error`.
#[cold]
unsafe fn fail(error: *mut ErrorBuffer, failure: DriverError) -> u32 {
    let kind = failure.kind();
    let reported = catch(move || {
        // SAFETY: the caller vouches for the buffer.
        unsafe { status::report(error, &failure) }
    });
    reported.unwrap_or(kind.code())
}

/// The shim around a function that cannot report: a panic there has nowhere to go.
#[inline(always)]
fn fence_close(run: impl FnOnce()) {
    drop(catch(run));
}

#[cold]
fn invalid(message: impl Into<Cow<'static, str>>) -> DriverError {
    DriverError::new(ErrorKind::InvalidInput, message)
}

#[cold]
fn ended(message: &'static str) -> DriverError {
    DriverError::new(ErrorKind::Closed, message)
}

/// What the host passes, checked as far as that is possible.
trait Passed {
    /// What becomes of it.
    type Taken;

    /// Takes it.
    ///
    /// # Safety
    /// The host keeps to the ABI: a pointer is null or may be used as the ABI says until the call returns, and a place
    /// for a result may be written to. What is taken is not used after the call.
    unsafe fn take(self) -> Result<Self::Taken>;
}

impl Passed for u32 {
    type Taken = Self;

    #[inline(always)]
    unsafe fn take(self) -> Result<Self> {
        Ok(self)
    }
}

impl Passed for Slice {
    // Until the call returns, which no lifetime says.
    type Taken = &'static [u8];

    #[inline(always)]
    unsafe fn take(self) -> Result<&'static [u8]> {
        // SAFETY: the caller vouches for the bytes, and that they are not used after the call.
        unsafe { self.get() }.ok_or_else(|| invalid("a slice is null or longer than memory"))
    }
}

impl<T> Passed for *mut T {
    type Taken = Out<T>;

    #[inline(always)]
    unsafe fn take(self) -> Result<Out<T>> {
        if self.is_null() || !self.is_aligned() {
            return Err(invalid("the place for a result is null or not aligned"));
        }
        Ok(Out(self))
    }
}

impl Passed for *const layout::Bounds {
    type Taken = Bounds<'static>;

    unsafe fn take(self) -> Result<Bounds<'static>> {
        if self.is_null() || !self.is_aligned() {
            return Err(invalid("the bounds are null or not aligned"));
        }
        // SAFETY: the caller vouches for the bounds, which are there.
        let bounds = unsafe { &*self };
        Ok(Bounds {
            // SAFETY: the caller vouches for the key.
            lower: unsafe { bounds.lower.take() }?,
            // SAFETY: the caller vouches for the key.
            upper: unsafe { bounds.upper.take() }?,
        })
    }
}

impl Passed for layout::Bound {
    type Taken = ops::Bound<&'static [u8]>;

    unsafe fn take(self) -> Result<Self::Taken> {
        let kind = match self.kind {
            layout::BOUND_UNBOUNDED => return Ok(ops::Bound::Unbounded),
            layout::BOUND_INCLUDED => ops::Bound::Included,
            layout::BOUND_EXCLUDED => ops::Bound::Excluded,
            kind => return Err(invalid(format!("there is no bound of kind {kind}"))),
        };
        // SAFETY: the caller vouches for the key.
        Ok(kind(unsafe { self.key.take() }?))
    }
}

fn text<'a>(bytes: &'a [u8], what: &'static str) -> Result<&'a str> {
    str::from_utf8(bytes)
        .map_err(|error| invalid(format!("{what} is not UTF-8")).with_source(error))
}

/// A place that the host wants a result in.
struct Out<T>(*mut T);

impl<T> Out<T> {
    #[inline(always)]
    fn set(self, value: T) {
        // SAFETY: the host vouched that the place may be written to, and `take` checked that it is a place.
        unsafe { self.0.write(value) }
    }
}

/// The host's visitor.
#[derive(Clone, Copy)]
struct Visitor {
    visit: Visit,
    context: *mut layout::Context,
}

impl Visitor {
    #[inline(always)]
    fn show(self, bytes: &[u8]) {
        if let Some(function) = self.visit.function {
            // SAFETY: the host gave the function together with its context; the bytes are borrowed until it returns.
            unsafe { function(self.context, Slice::new(bytes)) }
        }
    }
}

#[inline(always)]
fn presence(value: Option<()>) -> u32 {
    match value {
        Some(()) => layout::OK,
        None => layout::ABSENT,
    }
}

const STORE: u64 = u64::from_ne_bytes(*b"nb store");
const TRANSACTION: u64 = u64::from_ne_bytes(*b"nb txn\0\0");
const CURSOR: u64 = u64::from_ne_bytes(*b"nb cursr");

/// What is behind a handle; `#[repr(C)]` so that the tag comes first in each.
#[repr(C)]
struct Tagged<T> {
    tag: u64,
    inner: T,
}

/// Finds what is behind a handle.
///
/// # Safety
/// `handle` is null, or was given out by this module as a handle of some kind, was not given up, and this kind of
/// handle (`tag`) has a `T` of this type.
#[inline(always)]
unsafe fn behind<'a, H, T>(handle: *mut H, tag: u64) -> Result<&'a T> {
    let tagged = handle.cast::<Tagged<T>>().cast_const();
    if tagged.is_null() {
        return Err(invalid("a handle is null"));
    }
    // SAFETY: every handle of this module points to a `Tagged`, whose tag comes first and stays as it is.
    let found = unsafe { tagged.cast::<u64>().read() };
    if found != tag {
        return Err(invalid("a handle is of another kind"));
    }
    // SAFETY: the tag says that it is this kind, and the caller that the type is right and the handle alive.
    let tagged = unsafe { &*tagged };
    Ok(&tagged.inner)
}

/// As [`behind`], for a handle that one call at a time uses.
///
/// # Safety
/// What [`behind`] asks, and nothing else uses what is behind the handle for `'a`.
#[inline(always)]
unsafe fn behind_mut<'a, H, T>(handle: *mut H, tag: u64) -> Result<&'a mut T> {
    // SAFETY: the caller vouches for the handle.
    unsafe { behind::<H, T>(handle, tag) }?;
    // SAFETY: `behind` found the handle good, and the caller that it is not shared.
    let tagged = unsafe { &mut *handle.cast::<Tagged<T>>() };
    Ok(&mut tagged.inner)
}

type TransactionHandle<S> = Tagged<Transaction<S>>;

/// A transaction, shared by its handle and its cursors.
///
/// They are one unit: the ABI lets one thread at a time use any of them, so that an `Rc` and cells are enough.
enum Transaction<S: driver::Database> {
    Read(ReadTransaction<S::Reader>),
    Write(WriteTransaction<S::Writer>),
}

struct ReadTransaction<R> {
    panicked: Cell<bool>,
    reader: R,
}

impl<R> ReadTransaction<R> {
    #[inline(always)]
    fn reader(&self) -> Result<&R> {
        if self.panicked.get() {
            return Err(ended(PANICKED));
        }
        Ok(&self.reader)
    }
}

const PANICKED: &str = "a panic of the driver ended this transaction; begin another";
const ENDED: &str = "the transaction has ended; begin another";

struct WriteTransaction<W> {
    /// Why nothing can be done any more.
    ended: Cell<Option<&'static str>>,
    /// Changes with every write.
    generation: Cell<u64>,
    /// `None` only after the end.
    writer: RefCell<Option<W>>,
}

impl<W: Write> WriteTransaction<W> {
    fn new(writer: W) -> Self {
        Self {
            ended: Cell::new(None),
            generation: Cell::new(0),
            writer: RefCell::new(Some(writer)),
        }
    }

    #[cold]
    fn closed(&self) -> DriverError {
        ended(self.ended.get().unwrap_or(ENDED))
    }

    #[inline(always)]
    fn read<T>(&self, run: impl FnOnce(&W) -> Result<T>) -> Result<T> {
        let slot = self.writer.try_borrow().map_err(|_| busy())?;
        match slot.as_ref() {
            Some(writer) if self.ended.get().is_none() => run(writer),
            _ => Err(self.closed()),
        }
    }

    #[inline(always)]
    fn write<T>(&self, run: impl FnOnce(&mut W) -> Result<T>) -> Result<T> {
        let mut slot = self.writer.try_borrow_mut().map_err(|_| busy())?;
        match slot.as_mut() {
            Some(writer) if self.ended.get().is_none() => {
                self.generation.set(self.generation.get().wrapping_add(1));
                run(writer)
            }
            _ => Err(self.closed()),
        }
    }

    fn commit(&self, durability: Durability) -> Result<()> {
        let mut slot = self.writer.try_borrow_mut().map_err(|_| busy())?;
        if self.ended.get().is_some() {
            return Err(self.closed());
        }
        self.ended.set(Some(ENDED));
        let writer = slot.take();
        drop(slot);
        writer.map_or(Ok(()), |writer| writer.commit(durability))
    }

    /// Ends the transaction and rolls back what was not committed.
    fn end(&self, why: &'static str) {
        self.ended.set(Some(why));
        // A visitor further up may still look at the transaction; then closing it rolls it back.
        if let Ok(mut slot) = self.writer.try_borrow_mut() {
            let writer = slot.take();
            drop(slot);
            fence_close(|| drop(writer));
        }
    }
}

impl<S: driver::Database> Transaction<S> {
    #[inline(always)]
    fn check(&self) -> Result<()> {
        match self {
            Self::Read(read) => read.reader().map(drop),
            Self::Write(write) => write.read(|_| Ok(())),
        }
    }

    #[inline(always)]
    fn writing(&self) -> Result<&WriteTransaction<S::Writer>> {
        match self {
            Self::Write(write) => Ok(write),
            Self::Read(_) => Err(invalid("a read transaction cannot write or commit")),
        }
    }

    /// Poisons the transaction: the engine's state is unknown after a panic.
    #[cold]
    fn panicked(&self) {
        match self {
            Self::Read(read) => read.panicked.set(true),
            Self::Write(write) => write.end(PANICKED),
        }
    }
}

#[cold]
fn busy() -> DriverError {
    invalid(
        "a visitor writes to the transaction that it was called from; wait until the call has returned",
    )
}

enum Cursor<S: driver::Database> {
    Read(ReadCursor<S>),
    Write {
        cursor: ResumingCursor,
        transaction: Rc<TransactionHandle<S>>,
    },
}

impl<S: driver::Database> Cursor<S> {
    fn transaction(&self) -> &Transaction<S> {
        match self {
            Self::Read(ReadCursor { transaction, .. }) | Self::Write { transaction, .. } => {
                &transaction.inner
            }
        }
    }
}

/// A driver's own cursor, together with the transaction that it borrows from.
struct ReadCursor<S: driver::Database> {
    // Declared, and therefore dropped, before what it borrows from.
    cursor: <S::Reader as Read>::Cursor<'static>,
    transaction: Rc<TransactionHandle<S>>,
}

impl<S: driver::Database> ReadCursor<S> {
    fn open(
        transaction: &Rc<TransactionHandle<S>>,
        tree: TreeId,
        bounds: Bounds<'_>,
        direction: Direction,
    ) -> Result<Option<Self>> {
        let transaction = Rc::clone(transaction);
        let Transaction::Read(read) = &transaction.inner else {
            return Ok(None);
        };
        let read: *const ReadTransaction<S::Reader> = read;
        // SAFETY: the transaction lies in the `Rc`'s allocation, which does not move, is only read while shared, and
        // lives for as long as `transaction`. The reference, and the cursor made from it, are only ever in a
        // `ReadCursor` next to that `Rc`; the cursor is dropped before it, and gives nothing out but what the caller
        // of `cursor_next` borrows from it until then.
        let read: &'static ReadTransaction<S::Reader> = unsafe { &*read };
        let cursor = read.reader()?.cursor(tree, bounds, direction)?;
        Ok(Some(Self {
            cursor,
            transaction,
        }))
    }
}

/// The kinds of handles: their type, what is behind one, and what a panic ends.
macro_rules! handle {
    (@type database) => { *mut layout::Database };
    (@type transaction) => { *mut layout::Transaction };
    (@type cursor) => { *mut layout::Cursor };
    (@behind database, $handle:ident) => { behind::<_, StoreOf<X>>($handle, STORE) };
    (@behind transaction, $handle:ident) => { behind::<_, Transaction<StoreOf<X>>>($handle, TRANSACTION) };
    (@behind cursor, $handle:ident) => { behind_mut::<_, Cursor<StoreOf<X>>>($handle, CURSOR) };
    (@panicked database, $found:ident) => {{
        // It is not known to whom the panic belongs, and the database goes on.
        let _ = $found;
    }};
    (@panicked transaction, $found:ident) => { $found.panicked() };
    (@panicked cursor, $found:ident) => { $found.transaction().panicked() };
}

/// Defines exported functions, each behind the fence. The first parameter is a handle, with its kind, which is also the
/// name of what is behind it. The others are [taken](Passed::take) as they are passed; a visitor, behind a semicolon, is
/// two. A panic ends the transaction that it happened in.
macro_rules! exported {
    ($(
        fn $name:ident($handle:ident: $kind:ident $(, $parameter:ident: $type:ty)* $(; $visitor:ident)?) $body:block
    )*) => {$(
        unsafe extern "C" fn $name<X: Export>(
            $handle: handle!(@type $kind),
            $($parameter: $type,)*
            $($visitor: Visit, context: *mut layout::Context,)?
            error: *mut ErrorBuffer,
        ) -> u32 {
            let run = || {
                // SAFETY: the host vouches for the handle, and that nobody else uses it where that matters.
                let $kind = unsafe { handle!(@behind $kind, $handle) }?;
                $(
                    // SAFETY: the host keeps to the ABI, and nothing that is taken leaves the call.
                    let $parameter = unsafe { Passed::take($parameter) }?;
                )*
                $(let $visitor = Visitor { visit: $visitor, context };)?
                $body
            };
            let on_panic = || {
                // SAFETY: the host vouches for the handle.
                if let Ok(found) = unsafe { handle!(@behind $kind, $handle) } {
                    handle!(@panicked $kind, found);
                }
            };
            // SAFETY: the host vouches for its buffer.
            unsafe { fence(error, run, on_panic) }
        }
    )*};
}

/// Reads in a transaction of either kind.
macro_rules! reading {
    ($transaction:expr, |$reader:ident| $run:expr) => {
        match $transaction {
            Transaction::Read(read) => {
                let $reader = read.reader()?;
                $run
            }
            Transaction::Write(write) => write.read(|$reader| $run),
        }
    };
}

unsafe extern "C" fn open<X: Export>(
    config: *const layout::OpenConfig,
    database: *mut *mut layout::Database,
    error: *mut ErrorBuffer,
) -> u32 {
    let run = || {
        // SAFETY: the host wants the handle there.
        let out = unsafe { database.take() }?;
        // SAFETY: the host vouches for the configuration.
        let config = unsafe { config_from(config) }?;
        let inner = X::driver().open(&config.as_config())?;
        out.set(Box::into_raw(Box::new(Tagged { tag: STORE, inner })).cast());
        Ok(layout::OK)
    };
    // SAFETY: the host vouches for its buffer.
    unsafe { fence(error, run, || ()) }
}

/// [`OpenConfig`] with the list that it borrows.
struct Config<'a> {
    config: OpenConfig<'a>,
    options: Vec<(&'a str, &'a str)>,
}

impl Config<'_> {
    fn as_config(&self) -> OpenConfig<'_> {
        OpenConfig {
            options: &self.options,
            ..self.config
        }
    }
}

/// # Safety
/// `config` is null or points to an `OpenConfig` of the size that it states, with all that it points to, for `'a`.
unsafe fn config_from<'a>(config: *const layout::OpenConfig) -> Result<Config<'a>> {
    const KNOWN: u64 = layout::OPEN_CREATE_IF_MISSING
        | layout::OPEN_TRUNCATE
        | layout::OPEN_READ_ONLY
        | layout::OPEN_CACHE_BYTES;
    /// More than any host gives; what states more is damaged.
    const OPTIONS: usize = 4096;
    if config.is_null() || !config.is_aligned() {
        return Err(invalid("the configuration is null or not aligned"));
    }
    // SAFETY: the size comes first, whatever the version.
    let size = unsafe { config.cast::<usize>().read() };
    if size < size_of::<layout::OpenConfig>() {
        return Err(invalid("the configuration states a size that is too small"));
    }
    // SAFETY: it is at least as large as the struct that is read here.
    let config = unsafe { config.read() };
    if config.flags & !KNOWN != 0 {
        return Err(DriverError::new(
            ErrorKind::Unsupported,
            format!(
                "this driver does not know the opening flags {:#x}; use a newer one or leave them out",
                config.flags & !KNOWN
            ),
        ));
    }
    // SAFETY: the caller vouches for the bytes.
    let location = Location::from_bytes(unsafe { config.location.take() }?)?;
    let options = if config.options_length == 0 {
        &[]
    } else if config.options.is_null() || !config.options.is_aligned() {
        return Err(invalid("the list of options is null or not aligned"));
    } else if config.options_length > OPTIONS {
        return Err(invalid(format!(
            "the list of options states {} entries, and may have {OPTIONS}",
            config.options_length
        )));
    } else {
        // SAFETY: the caller vouches for the list, which is not null.
        unsafe { slice::from_raw_parts(config.options, config.options_length) }
    };
    let options = options
        .iter()
        .map(|option| {
            // SAFETY: the caller vouches for the text.
            let name = unsafe { option.name.take() }?;
            // SAFETY: the caller vouches for the text.
            let value = unsafe { option.value.take() }?;
            Ok((
                text(name, "the name of an option")?,
                text(value, "the value of an option")?,
            ))
        })
        .collect::<Result<_>>()?;
    let has = |flag| config.flags & flag != 0;
    Ok(Config {
        config: OpenConfig {
            location,
            cache_bytes: has(layout::OPEN_CACHE_BYTES).then_some(config.cache_bytes),
            create_if_missing: has(layout::OPEN_CREATE_IF_MISSING),
            truncate: has(layout::OPEN_TRUNCATE),
            read_only: has(layout::OPEN_READ_ONLY),
            // The host waits.
            busy_timeout: BUSY_TIMEOUT,
            options: &[],
        },
        options,
    })
}

unsafe extern "C" fn database_close<X: Export>(database: *mut layout::Database) {
    fence_close(|| {
        // SAFETY: the host gives the handle up, which is one of ours.
        if unsafe { behind::<_, StoreOf<X>>(database, STORE) }.is_ok() {
            // SAFETY: it is a database's, made by `Box::into_raw` in `open`, and nobody uses it any more.
            drop(unsafe { Box::from_raw(database.cast::<Tagged<StoreOf<X>>>()) });
        }
    });
}

unsafe extern "C" fn txn_close<X: Export>(transaction: *mut layout::Transaction) {
    fence_close(|| {
        // SAFETY: the host gives the handle up, which is one of ours.
        if let Ok(found) = unsafe { behind::<_, Transaction<StoreOf<X>>>(transaction, TRANSACTION) }
        {
            if let Transaction::Write(write) = found {
                write.end(ENDED);
            }
            let handle = transaction.cast::<TransactionHandle<StoreOf<X>>>();
            // SAFETY: it is a transaction's, made by `Rc::into_raw` in `database_begin`, and its one reference is given up
            // here; cursors have references of their own.
            drop(unsafe { Rc::from_raw(handle.cast_const()) });
        }
    });
}

unsafe extern "C" fn cursor_close<X: Export>(cursor: *mut layout::Cursor) {
    fence_close(|| {
        // SAFETY: the host gives the handle up, which is one of ours.
        if unsafe { behind::<_, Cursor<StoreOf<X>>>(cursor, CURSOR) }.is_ok() {
            // SAFETY: it is a cursor's, made by `Box::into_raw` in `cursor_open`, and nobody uses it any more.
            drop(unsafe { Box::from_raw(cursor.cast::<Tagged<Cursor<StoreOf<X>>>>()) });
        }
    });
}

exported! {
    fn database_begin(handle: database, mode: u32, transaction: *mut *mut layout::Transaction) {
        let inner = match mode {
            layout::BEGIN_READ => Transaction::<StoreOf<X>>::Read(ReadTransaction {
                panicked: Cell::new(false),
                reader: database.begin_read()?,
            }),
            layout::BEGIN_WRITE => Transaction::Write(WriteTransaction::new(database.begin_write()?)),
            mode => return Err(invalid(format!("there is no transaction of mode {mode}"))),
        };
        let handle = Rc::new(Tagged { tag: TRANSACTION, inner });
        transaction.set(Rc::into_raw(handle).cast_mut().cast());
        Ok(layout::OK)
    }

    fn database_command(handle: database, command: Slice, argument: Slice; output) {
        let command = text(command, "the name of a command")?;
        database.command(command, argument, &mut |bytes| output.show(bytes))?;
        Ok(layout::OK)
    }

    fn database_commit_outcome(handle: database, token: Slice, outcome: *mut u32) {
        outcome.set(database.commit_outcome(&CommitToken::new(token))? as u32);
        Ok(layout::OK)
    }

    fn txn_tree(handle: transaction, name: Slice, key_width: u32, value_width: u32, tree: *mut u32) {
        let name = text(name, "the name of a tree")?;
        let width = |width: u32| (width != layout::WIDTH_VARIES).then_some(width);
        let widths = EntryWidths { key: width(key_width), value: width(value_width) };
        let TreeId(id) = reading!(transaction, |reader| reader.sized_tree(name, widths))?;
        tree.set(id);
        Ok(layout::OK)
    }

    fn txn_get(handle: transaction, tree: u32, key: Slice; visit) {
        let found = reading!(transaction, |reader| {
            reader.get(TreeId(tree), key, |value| visit.show(value))
        })?;
        Ok(presence(found))
    }

    fn txn_len(handle: transaction, tree: u32, entries: *mut u64) {
        entries.set(reading!(transaction, |reader| reader.len(TreeId(tree)))?);
        Ok(layout::OK)
    }

    fn txn_put(handle: transaction, tree: u32, key: Slice, value: Slice; previous) {
        let found = transaction.writing()?.write(|writer| {
            writer.put(TreeId(tree), key, value, |value| previous.show(value))
        })?;
        Ok(presence(found))
    }

    fn txn_remove(handle: transaction, tree: u32, key: Slice; previous) {
        let found = transaction.writing()?.write(|writer| {
            writer.remove(TreeId(tree), key, |value| previous.show(value))
        })?;
        Ok(presence(found))
    }

    fn txn_clear(handle: transaction, tree: u32) {
        transaction.writing()?.write(|writer| writer.clear(TreeId(tree)))?;
        Ok(layout::OK)
    }

    fn txn_apply(handle: transaction, batch: Slice) {
        let write = transaction.writing()?;
        let batch = WriteBatch::parse(batch)?;
        write.write(|writer| writer.apply(&batch))?;
        Ok(layout::OK)
    }

    fn txn_commit(handle: transaction, durability: u32; token) {
        const NONE: u32 = Durability::None as u32;
        const IMMEDIATE: u32 = Durability::Immediate as u32;
        let write = transaction.writing()?;
        let durability = match durability {
            NONE => Durability::None,
            IMMEDIATE => Durability::Immediate,
            other => return Err(invalid(format!("there is no durability {other}"))),
        };
        write.commit(durability).inspect_err(|error| {
            if let Some(bytes) = error.commit_token() {
                token.show(bytes.as_bytes());
            }
        })?;
        Ok(layout::OK)
    }

    fn cursor_open(
        handle: transaction, tree: u32, bounds: *const layout::Bounds, direction: u32, cursor: *mut *mut layout::Cursor
    ) {
        const FORWARD: u32 = Direction::Forward as u32;
        const BACKWARD: u32 = Direction::Backward as u32;
        let direction = match direction {
            FORWARD => Direction::Forward,
            BACKWARD => Direction::Backward,
            other => return Err(invalid(format!("there is no direction {other}"))),
        };
        let shared = handle.cast::<TransactionHandle<StoreOf<X>>>().cast_const();
        // SAFETY: the handle is a transaction's, made by `Rc::into_raw`, and its reference was not given up.
        unsafe { Rc::increment_strong_count(shared) };
        // SAFETY: this takes over the reference that was just added.
        let shared = unsafe { Rc::from_raw(shared) };
        let inner = match ReadCursor::open(&shared, TreeId(tree), bounds, direction)? {
            Some(cursor) => Cursor::Read(cursor),
            None => {
                // The cursor opens the engine's own as it goes; what is wrong with the tree is said now.
                transaction
                    .writing()?
                    .read(|writer| writer.cursor(TreeId(tree), bounds, direction).map(drop))?;
                Cursor::Write {
                    cursor: ResumingCursor::new(TreeId(tree), bounds, direction),
                    transaction: shared,
                }
            }
        };
        cursor.set(Box::into_raw(Box::new(Tagged { tag: CURSOR, inner })).cast());
        Ok(layout::OK)
    }

    fn cursor_next(handle: cursor, key: *mut Slice, value: *mut Slice) {
        let more = match cursor {
            Cursor::Read(ReadCursor { cursor, transaction }) => {
                transaction.inner.check()?;
                let next = cursor.next_entry()?;
                if let Some((next_key, next_value)) = next {
                    key.set(Slice::new(next_key));
                    value.set(Slice::new(next_value));
                }
                next.is_some()
            }
            Cursor::Write { cursor, transaction } => {
                let write = transaction.inner.writing()?;
                let more = write.read(|writer| cursor.advance(writer, write.generation.get()))?;
                if more {
                    key.set(Slice::new(cursor.key()));
                    value.set(Slice::new(cursor.value()));
                }
                more
            }
        };
        Ok(if more { layout::OK } else { layout::ABSENT })
    }

    fn cursor_seek(handle: cursor, key: Slice) {
        match cursor {
            Cursor::Read(ReadCursor { cursor, transaction }) => {
                transaction.inner.check()?;
                cursor.seek(key)?;
            }
            Cursor::Write { cursor, transaction } => {
                transaction.inner.check()?;
                cursor.seek(key);
            }
        }
        Ok(layout::OK)
    }
}
