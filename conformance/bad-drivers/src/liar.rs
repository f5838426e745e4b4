//! A driver by hand, as one in C would be, whose answers break the rules of the ABI.
//!
//! Its option `lie` selects the lie. A handle is that lie's number, so that none of them points anywhere.

use std::cell::Cell;
use std::{ptr, slice, str};

use netabase_core::abi::layout::{
    ABSENT, Bounds, Context, Cursor, Database, Entry, ErrorBuffer, OK, OpenConfig, Slice,
    Transaction, VTable, Visit,
};
use netabase_core::driver::{CommitOutcome, ErrorKind};

use crate::entries::{entry, plain};

static VTABLE: VTable = VTable {
    open: Some(open),
    database_close: Some(database_close),
    database_begin: Some(database_begin),
    txn_close: Some(txn_close),
    txn_tree: Some(txn_tree),
    txn_get: Some(txn_get),
    txn_put: Some(txn_put),
    txn_remove: Some(txn_remove),
    txn_commit: Some(txn_commit),
    cursor_open: Some(cursor_open),
    cursor_next: Some(cursor_next),
    cursor_close: Some(cursor_close),
    cursor_seek: None,
    txn_len: Some(txn_len),
    txn_clear: None,
    txn_apply: None,
    database_command: Some(database_command),
    database_commit_outcome: Some(database_commit_outcome),
};

entry!(netabase_driver_bad_liar, "bad-liar", plain, { vtable: &VTABLE });

#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
enum Lie {
    NullDatabase = 1,
    NullTransaction,
    NullCursor,
    FoundAndNotShown,
    ShownAndNotFound,
    ShownTwice,
    ShownAtNull,
    NextAtNull,
    UnknownStatus,
    AbsentCommit,
    UnknownCommit,
    LongToken,
    LongError,
    InvalidUtf8Error,
    SilentError,
    UnwrittenError,
    Uncounted,
    Disordered,
    Repeated,
    EmptyKey,
}

const LIES: [(&str, Lie); 20] = [
    ("null-store", Lie::NullDatabase),
    ("null-transaction", Lie::NullTransaction),
    ("null-cursor", Lie::NullCursor),
    ("found-and-not-shown", Lie::FoundAndNotShown),
    ("shown-and-not-found", Lie::ShownAndNotFound),
    ("shown-twice", Lie::ShownTwice),
    ("shown-at-null", Lie::ShownAtNull),
    ("next-at-null", Lie::NextAtNull),
    ("unknown-status", Lie::UnknownStatus),
    ("absent-commit", Lie::AbsentCommit),
    ("unknown-commit", Lie::UnknownCommit),
    ("long-token", Lie::LongToken),
    ("long-error", Lie::LongError),
    ("invalid-utf8-error", Lie::InvalidUtf8Error),
    ("silent-error", Lie::SilentError),
    ("unwritten-error", Lie::UnwrittenError),
    ("uncounted", Lie::Uncounted),
    ("disordered", Lie::Disordered),
    ("repeated", Lie::Repeated),
    ("empty-key", Lie::EmptyKey),
];

/// The tree of those lies that are told with a tree.
const TREE: &[u8] = b"tree";

/// The ids of [`TREE`] and of every other one, which is empty.
const OF_TREE: u32 = 0;
const OF_OTHERS: u32 = 1;

thread_local! {
    /// How many entries the last cursor has given, and how many it has.
    static STEPS: Cell<(usize, usize)> = const { Cell::new((0, 0)) };
}

impl Lie {
    fn handle<T>(self) -> *mut T {
        ptr::without_provenance_mut(self as usize)
    }

    fn of<T>(handle: *mut T) -> Self {
        let number = handle.addr();
        LIES.iter()
            .map(|(_, lie)| *lie)
            .find(|lie| *lie as usize == number)
            .unwrap_or(Self::SilentError)
    }
}

const AT_NULL: Slice = Slice {
    data: ptr::null(),
    length: 5,
};

fn show(visit: Visit, context: *mut Context, bytes: Slice) {
    if let Some(function) = visit.function {
        // SAFETY: the host's visitor takes its context and any slice.
        unsafe { function(context, bytes) }
    }
}

/// Writes as much of `text` as fits; states its whole length.
unsafe fn fail(error: *mut ErrorBuffer, kind: ErrorKind, text: &[u8]) -> u32 {
    // SAFETY: the host gives a buffer that nobody else uses.
    let error = unsafe { &mut *error };
    error.length = text.len();
    let fits = text.len().min(error.capacity);
    // SAFETY: there is room for `capacity` bytes.
    unsafe { error.message.copy_from_nonoverlapping(text.as_ptr(), fits) };
    kind.code()
}

unsafe extern "C" fn open(
    config: *const OpenConfig,
    store: *mut *mut Database,
    error: *mut ErrorBuffer,
) -> u32 {
    // SAFETY: the host gives a configuration.
    let config = unsafe { &*config };
    let options = if config.options_length == 0 {
        &[]
    } else {
        // SAFETY: the host gives a list of that length.
        unsafe { slice::from_raw_parts(config.options, config.options_length) }
    };
    let lie = options.first().and_then(|option| {
        // SAFETY: the host gives text that lives until the call returns.
        let value = unsafe { option.value.get() }?;
        let value = str::from_utf8(value).ok()?;
        LIES.iter().find(|(name, _)| *name == value)
    });
    let Some((_, lie)) = lie else {
        // SAFETY: the host gives a buffer.
        return unsafe { fail(error, ErrorKind::InvalidInput, b"give the option `lie`") };
    };
    match lie {
        Lie::NullDatabase => return OK,
        Lie::UnknownStatus => return 4711,
        Lie::SilentError => return ErrorKind::Locked.code(),
        Lie::LongError => {
            // SAFETY: the host gives a buffer.
            return unsafe { fail(error, ErrorKind::Corrupt, &[b'x'; 100_000]) };
        }
        Lie::UnwrittenError => {
            // SAFETY: the host gives a buffer that nobody else uses.
            let error = unsafe { &mut *error };
            error.length = error.capacity;
            return ErrorKind::Io.code();
        }
        Lie::InvalidUtf8Error => {
            // SAFETY: the host gives a buffer.
            return unsafe { fail(error, ErrorKind::Io, b"disk \xFF\xFE on fire\0cause \xC3") };
        }
        _ => {}
    }
    // SAFETY: the host gives a place for the handle.
    unsafe { store.write(lie.handle()) };
    OK
}

unsafe extern "C" fn database_close(_: *mut Database) {}

unsafe extern "C" fn database_begin(
    store: *mut Database,
    _: u32,
    transaction: *mut *mut Transaction,
    _: *mut ErrorBuffer,
) -> u32 {
    if Lie::of(store) != Lie::NullTransaction {
        // SAFETY: the host gives a place for the handle.
        unsafe { transaction.write(store.cast()) };
    }
    OK
}

unsafe extern "C" fn database_command(
    store: *mut Database,
    _: Slice,
    _: Slice,
    output: Visit,
    context: *mut Context,
    _: *mut ErrorBuffer,
) -> u32 {
    match Lie::of(store) {
        Lie::ShownAtNull => show(output, context, AT_NULL),
        Lie::Uncounted | Lie::Disordered | Lie::Repeated | Lie::EmptyKey => {
            show(output, context, Slice::new(TREE));
        }
        _ => {}
    }
    OK
}

/// What [`Lie::UnknownCommit`] shows; no lie, but the one driver in C's way that knows tokens.
const TOKEN: &[u8] = b"token\0\xFF";

unsafe extern "C" fn database_commit_outcome(
    database: *mut Database,
    token: Slice,
    outcome: *mut u32,
    _: *mut ErrorBuffer,
) -> u32 {
    // SAFETY: the host's bytes live until the call returns.
    let token = unsafe { token.get() };
    if Lie::of(database) == Lie::UnknownCommit && token != Some(TOKEN) {
        return ErrorKind::InvalidInput.code();
    }
    let told = match Lie::of(database) {
        Lie::UnknownCommit => CommitOutcome::Committed as u32,
        _ => 7,
    };
    // SAFETY: the host gives a place for the outcome.
    unsafe { outcome.write(told) };
    OK
}

unsafe extern "C" fn txn_close(_: *mut Transaction) {}

unsafe extern "C" fn txn_tree(
    _: *mut Transaction,
    name: Slice,
    _: u32,
    _: u32,
    tree: *mut u32,
    _: *mut ErrorBuffer,
) -> u32 {
    // SAFETY: the host gives text that lives until the call returns.
    let id = match unsafe { name.get() } {
        Some(TREE) => OF_TREE,
        _ => OF_OTHERS,
    };
    // SAFETY: the host gives a place for the id.
    unsafe { tree.write(id) };
    OK
}

unsafe extern "C" fn txn_len(
    transaction: *mut Transaction,
    _: u32,
    entries: *mut u64,
    _: *mut ErrorBuffer,
) -> u32 {
    let told = match Lie::of(transaction) {
        Lie::Uncounted => u64::MAX,
        _ => 2,
    };
    // SAFETY: the host gives a place for the number.
    unsafe { entries.write(told) };
    OK
}

fn answer(lie: Lie, visit: Visit, context: *mut Context) -> u32 {
    match lie {
        Lie::FoundAndNotShown => OK,
        Lie::ShownAndNotFound => {
            show(visit, context, Slice::new(b"value"));
            ABSENT
        }
        Lie::ShownTwice => {
            show(visit, context, Slice::new(b"first"));
            show(visit, context, Slice::new(b"second"));
            OK
        }
        Lie::ShownAtNull => {
            show(visit, context, AT_NULL);
            OK
        }
        _ => ABSENT,
    }
}

unsafe extern "C" fn txn_get(
    transaction: *mut Transaction,
    _: u32,
    _: Slice,
    visit: Visit,
    context: *mut Context,
    _: *mut ErrorBuffer,
) -> u32 {
    answer(Lie::of(transaction), visit, context)
}

unsafe extern "C" fn txn_put(
    transaction: *mut Transaction,
    _: u32,
    _: Slice,
    _: Slice,
    previous: Visit,
    context: *mut Context,
    _: *mut ErrorBuffer,
) -> u32 {
    answer(Lie::of(transaction), previous, context)
}

unsafe extern "C" fn txn_remove(
    transaction: *mut Transaction,
    _: u32,
    _: Slice,
    previous: Visit,
    context: *mut Context,
    _: *mut ErrorBuffer,
) -> u32 {
    answer(Lie::of(transaction), previous, context)
}

unsafe extern "C" fn txn_commit(
    transaction: *mut Transaction,
    _: u32,
    token: Visit,
    context: *mut Context,
    _: *mut ErrorBuffer,
) -> u32 {
    match Lie::of(transaction) {
        Lie::AbsentCommit => ABSENT,
        Lie::UnknownCommit => {
            show(token, context, Slice::new(TOKEN));
            ErrorKind::CommitUnknown.code()
        }
        Lie::LongToken => {
            show(token, context, Slice::new(&[7; 5000]));
            ErrorKind::CommitUnknown.code()
        }
        _ => OK,
    }
}

unsafe extern "C" fn cursor_open(
    transaction: *mut Transaction,
    tree: u32,
    _: *const Bounds,
    _: u32,
    cursor: *mut *mut Cursor,
    _: *mut ErrorBuffer,
) -> u32 {
    STEPS.set((0, if tree == OF_TREE { 2 } else { 0 }));
    if Lie::of(transaction) != Lie::NullCursor {
        // SAFETY: the host gives a place for the handle.
        unsafe { cursor.write(transaction.cast()) };
    }
    OK
}

unsafe extern "C" fn cursor_next(
    cursor: *mut Cursor,
    key: *mut Slice,
    value: *mut Slice,
    _: *mut ErrorBuffer,
) -> u32 {
    let (step, steps) = STEPS.get();
    if step == steps {
        return ABSENT;
    }
    STEPS.set((step + 1, steps));
    let keys: Option<[&[u8]; 2]> = match Lie::of(cursor) {
        Lie::Disordered => Some([b"long key, second", b"long key, first"]),
        Lie::Repeated => Some([b"a", b"a"]),
        Lie::EmptyKey => Some([b"", b"a"]),
        Lie::Uncounted => Some([b"a", b"b"]),
        _ => None,
    };
    if let Some(keys) = keys {
        // SAFETY: the host gives a place for the key.
        unsafe { key.write(Slice::new(keys[step])) };
        // SAFETY: the host gives a place for the value.
        unsafe { value.write(Slice::new(b"value")) };
        return OK;
    }
    // SAFETY: the host gives a place for the key.
    unsafe { key.write(Slice::new(b"key")) };
    // SAFETY: the host gives a place for the value.
    unsafe { value.write(AT_NULL) };
    OK
}

unsafe extern "C" fn cursor_close(_: *mut Cursor) {}
