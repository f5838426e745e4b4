//! The exported functions as a host in C would call them: wrong arguments, handles in every order, writes under cursors.

#![cfg(all(feature = "dynamic", not(target_arch = "wasm32")))]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::borrow::Cow;
use std::ptr;

use netabase_core::abi::layout::{
    ABSENT, BEGIN_READ, BEGIN_WRITE, BOUND_UNBOUNDED, Bound, Bounds, Context, Cursor, Database,
    Entry, ErrorBuffer, OK, OPEN_CREATE_IF_MISSING, OpenConfig, Slice, Transaction, VTable, Visit,
};
use netabase_core::driver::{
    self, Capabilities, Driver, ErrorKind, Limits, Manifest, Result, TreeId, WriteBatchBuilder,
};
use netabase_core::memory::{Memory, MemoryDatabase};

const VARIES: u32 = netabase_core::abi::layout::WIDTH_VARIES;

static MANIFEST: Manifest = Manifest {
    name: Cow::Borrowed("raw-test"),
    version: Cow::Borrowed("0"),
    engine: Cow::Borrowed("memory"),
    engine_version: Cow::Borrowed("0"),
    capabilities: Capabilities::SNAPSHOTS,
    limits: Limits::NONE,
    commands: Cow::Borrowed(&[]),
};

struct Raw;

impl Driver for Raw {
    type Database = MemoryDatabase;

    fn manifest(&self) -> &Manifest {
        &MANIFEST
    }

    fn open(&self, config: &driver::OpenConfig<'_>) -> Result<MemoryDatabase> {
        Memory.open(config)
    }
}

netabase_core::export_driver!(netabase_driver_raw_test: Raw = Raw, manifest: MANIFEST);

fn table() -> VTable {
    let entry: &Entry = &netabase_driver_raw_test;
    // SAFETY: the entry of this program points to a constant table.
    unsafe { *entry.vtable }
}

/// Calls a slot without room for a message.
macro_rules! raw {
    ($slot:ident($($argument:expr),* $(,)?)) => {{
        let function = table().$slot.unwrap();
        // SAFETY: handles are alive or null or of another kind, and places live until the call returns.
        unsafe { function($($argument,)* ptr::null_mut()) }
    }};
}

macro_rules! close {
    ($slot:ident($handle:expr)) => {{
        let function = table().$slot.unwrap();
        // SAFETY: the handle is alive or null, and not used again.
        unsafe { function($handle) }
    }};
}

const ALL: Bounds = Bounds {
    lower: UNBOUNDED,
    upper: UNBOUNDED,
};
const UNBOUNDED: Bound = Bound {
    kind: BOUND_UNBOUNDED,
    reserved: 0,
    key: Slice::EMPTY,
};
const NOBODY: Visit = Visit { function: None };

fn config(flags: u64) -> OpenConfig {
    OpenConfig {
        size: size_of::<OpenConfig>(),
        flags,
        location: Slice::EMPTY,
        cache_bytes: 0,
        options: ptr::null(),
        options_length: 0,
    }
}

fn open() -> *mut Database {
    let mut store = ptr::null_mut();
    let config = config(OPEN_CREATE_IF_MISSING);
    assert_eq!(raw!(open(&raw const config, &raw mut store)), OK);
    store
}

fn begin(store: *mut Database, mode: u32) -> (*mut Transaction, u32) {
    let mut transaction = ptr::null_mut();
    assert_eq!(raw!(database_begin(store, mode, &raw mut transaction)), OK);
    let mut tree = 0;
    let name = Slice::new(b"tree");
    assert_eq!(
        raw!(txn_tree(transaction, name, VARIES, VARIES, &raw mut tree)),
        OK
    );
    (transaction, tree)
}

fn put(transaction: *mut Transaction, tree: u32, key: &[u8]) -> u32 {
    let (key, value) = (Slice::new(key), Slice::new(b"value"));
    raw!(txn_put(
        transaction,
        tree,
        key,
        value,
        NOBODY,
        ptr::null_mut()
    ))
}

fn get(transaction: *mut Transaction, tree: u32, key: &[u8]) -> u32 {
    raw!(txn_get(
        transaction,
        tree,
        Slice::new(key),
        NOBODY,
        ptr::null_mut()
    ))
}

fn cursor(transaction: *mut Transaction, tree: u32, direction: u32) -> *mut Cursor {
    let mut cursor = ptr::null_mut();
    let status = raw!(cursor_open(
        transaction,
        tree,
        &ALL,
        direction,
        &raw mut cursor
    ));
    assert_eq!(status, OK);
    cursor
}

/// The key of the next entry, or the status.
fn next(cursor: *mut Cursor) -> Result<Vec<u8>, u32> {
    let (mut key, mut value) = (Slice::EMPTY, Slice::EMPTY);
    match raw!(cursor_next(cursor, &raw mut key, &raw mut value)) {
        OK => {
            // SAFETY: the entry is valid until the next call.
            Ok(unsafe { key.get() }.unwrap().to_vec())
        }
        status => Err(status),
    }
}

#[track_caller]
fn assert_status(status: u32, kind: ErrorKind) {
    assert_eq!(ErrorKind::from_code(status), Some(kind));
}

#[test]
fn a_null_handle_is_refused() {
    let mut place = ptr::null_mut();
    assert_status(
        raw!(database_begin(ptr::null_mut(), BEGIN_READ, &raw mut place)),
        ErrorKind::InvalidInput,
    );
    assert_status(put(ptr::null_mut(), 0, b"key"), ErrorKind::InvalidInput);
    assert_status(get(ptr::null_mut(), 0, b"key"), ErrorKind::InvalidInput);
    assert_eq!(next(ptr::null_mut()), Err(ErrorKind::InvalidInput.code()));
    close!(database_close(ptr::null_mut()));
    close!(txn_close(ptr::null_mut()));
    close!(cursor_close(ptr::null_mut()));
}

#[test]
fn a_handle_of_another_kind_is_refused() {
    let store = open();
    let (transaction, tree) = begin(store, BEGIN_READ);
    let cursor = cursor(transaction, tree, 0);
    assert_status(get(store.cast(), tree, b"key"), ErrorKind::InvalidInput);
    assert_status(get(cursor.cast(), tree, b"key"), ErrorKind::InvalidInput);
    assert_eq!(
        next(transaction.cast()),
        Err(ErrorKind::InvalidInput.code())
    );
    let mut place = ptr::null_mut();
    let status = raw!(database_begin(
        transaction.cast(),
        BEGIN_READ,
        &raw mut place
    ));
    assert_status(status, ErrorKind::InvalidInput);
    close!(database_close(transaction.cast()));
    assert_eq!(get(transaction, tree, b"key"), ABSENT);
    close!(cursor_close(cursor));
    close!(txn_close(transaction));
    close!(database_close(store));
}

#[test]
fn a_missing_place_is_refused() {
    let store = open();
    let config = config(OPEN_CREATE_IF_MISSING);
    assert_status(
        raw!(open(&raw const config, ptr::null_mut())),
        ErrorKind::InvalidInput,
    );
    assert_status(
        raw!(database_begin(store, BEGIN_WRITE, ptr::null_mut())),
        ErrorKind::InvalidInput,
    );
    let (transaction, tree) = begin(store, BEGIN_WRITE);
    assert_status(
        raw!(txn_tree(
            transaction,
            Slice::new(b"t"),
            VARIES,
            VARIES,
            ptr::null_mut()
        )),
        ErrorKind::InvalidInput,
    );
    assert_status(
        raw!(txn_len(transaction, tree, ptr::null_mut())),
        ErrorKind::InvalidInput,
    );
    let status = raw!(cursor_open(transaction, tree, &ALL, 0, ptr::null_mut()));
    assert_status(status, ErrorKind::InvalidInput);
    let cursor = cursor(transaction, tree, 0);
    let mut place = Slice::EMPTY;
    let status = raw!(cursor_next(cursor, &raw mut place, ptr::null_mut()));
    assert_status(status, ErrorKind::InvalidInput);
    close!(cursor_close(cursor));
    close!(txn_close(transaction));
    close!(database_close(store));
}

#[test]
fn a_number_without_a_meaning_is_refused() {
    let store = open();
    let mut place = ptr::null_mut();
    assert_status(
        raw!(database_begin(store, 2, &raw mut place)),
        ErrorKind::InvalidInput,
    );
    let (transaction, tree) = begin(store, BEGIN_WRITE);
    let mut cursor = ptr::null_mut();
    let status = raw!(cursor_open(transaction, tree, &ALL, 2, &raw mut cursor));
    assert_status(status, ErrorKind::InvalidInput);
    let bounds = Bounds {
        lower: Bound {
            kind: 3,
            ..UNBOUNDED
        },
        ..ALL
    };
    let status = raw!(cursor_open(
        transaction,
        tree,
        &raw const bounds,
        0,
        &raw mut cursor
    ));
    assert_status(status, ErrorKind::InvalidInput);
    let status = raw!(cursor_open(
        transaction,
        tree,
        ptr::null(),
        0,
        &raw mut cursor
    ));
    assert_status(status, ErrorKind::InvalidInput);
    assert_status(
        raw!(txn_commit(transaction, 2, NOBODY, ptr::null_mut())),
        ErrorKind::InvalidInput,
    );
    assert_status(get(transaction, 99, b"key"), ErrorKind::InvalidInput);
    close!(txn_close(transaction));
    close!(database_close(store));
}

#[test]
fn bytes_at_null_are_refused_and_no_bytes_at_null_are_none() {
    let store = open();
    let (transaction, tree) = begin(store, BEGIN_WRITE);
    let at_null = Slice {
        data: ptr::null(),
        length: 3,
    };
    let status = raw!(txn_get(transaction, tree, at_null, NOBODY, ptr::null_mut()));
    assert_status(status, ErrorKind::InvalidInput);
    let mut place = 0;
    assert_status(
        raw!(txn_tree(
            transaction,
            at_null,
            VARIES,
            VARIES,
            &raw mut place
        )),
        ErrorKind::InvalidInput,
    );
    assert_status(
        raw!(txn_tree(
            transaction,
            Slice::new(b"\xFF"),
            VARIES,
            VARIES,
            &raw mut place
        )),
        ErrorKind::InvalidInput,
    );
    let key = Slice::new(b"key");
    let status = raw!(txn_put(
        transaction,
        tree,
        key,
        Slice::EMPTY,
        NOBODY,
        ptr::null_mut()
    ));
    assert_eq!(status, ABSENT);
    assert_eq!(get(transaction, tree, b"key"), OK);
    close!(txn_close(transaction));
    close!(database_close(store));
}

#[test]
fn a_configuration_that_is_not_understood_is_refused() {
    let mut store = ptr::null_mut();
    assert_status(
        raw!(open(ptr::null(), &raw mut store)),
        ErrorKind::InvalidInput,
    );
    let short = OpenConfig {
        size: 8,
        ..config(OPEN_CREATE_IF_MISSING)
    };
    assert_status(
        raw!(open(&raw const short, &raw mut store)),
        ErrorKind::InvalidInput,
    );
    let newer = config(OPEN_CREATE_IF_MISSING | 1 << 40);
    assert_status(
        raw!(open(&raw const newer, &raw mut store)),
        ErrorKind::Unsupported,
    );
    let missing = OpenConfig {
        options_length: 1,
        ..config(OPEN_CREATE_IF_MISSING)
    };
    assert_status(
        raw!(open(&raw const missing, &raw mut store)),
        ErrorKind::InvalidInput,
    );
    // Nothing is read there.
    let endless = OpenConfig {
        options: ptr::NonNull::dangling().as_ptr(),
        options_length: 1 << 20,
        ..config(OPEN_CREATE_IF_MISSING)
    };
    assert_status(
        raw!(open(&raw const endless, &raw mut store)),
        ErrorKind::InvalidInput,
    );
    assert!(store.is_null());
}

#[test]
fn an_error_buffer_is_written_to_no_further_than_it_reaches() {
    let mut text = [b'.'; 16];
    let mut error = ErrorBuffer {
        size: size_of::<ErrorBuffer>(),
        message: text.as_mut_ptr(),
        capacity: 8,
        length: 0,
    };
    let get = table().txn_get.unwrap();
    let call = |error: *mut ErrorBuffer| {
        // SAFETY: the handle is null and the buffer lives until the call returns.
        unsafe {
            get(
                ptr::null_mut(),
                0,
                Slice::EMPTY,
                NOBODY,
                ptr::null_mut(),
                error,
            )
        }
    };
    assert_status(call(&raw mut error), ErrorKind::InvalidInput);
    assert_eq!(error.length, "a handle is null".len());
    assert_eq!(&text, b"a handle........");
    error.message = ptr::null_mut();
    assert_status(call(&raw mut error), ErrorKind::InvalidInput);
    error.message = text.as_mut_ptr();
    error.size = 8;
    error.length = 77;
    assert_status(call(&raw mut error), ErrorKind::InvalidInput);
    assert_eq!(error.length, 77, "a smaller struct has no such field");
}

#[test]
fn a_read_transaction_does_not_write() {
    let store = open();
    let (transaction, tree) = begin(store, BEGIN_READ);
    assert_status(put(transaction, tree, b"key"), ErrorKind::InvalidInput);
    assert_status(raw!(txn_clear(transaction, tree)), ErrorKind::InvalidInput);
    assert_status(
        raw!(txn_commit(transaction, 1, NOBODY, ptr::null_mut())),
        ErrorKind::InvalidInput,
    );
    let none = Slice::EMPTY;
    assert_status(raw!(txn_apply(transaction, none)), ErrorKind::InvalidInput);
    close!(txn_close(transaction));
    close!(database_close(store));
}

#[test]
fn a_malformed_list_is_refused_whole() {
    let store = open();
    let (transaction, tree) = begin(store, BEGIN_WRITE);
    let mut list = WriteBatchBuilder::new();
    list.put(TreeId(tree), b"key", b"value").unwrap();
    let mut bytes = list.as_batch().as_bytes().to_vec();
    bytes.push(9);
    assert_status(
        raw!(txn_apply(transaction, Slice::new(&bytes))),
        ErrorKind::InvalidInput,
    );
    assert_eq!(get(transaction, tree, b"key"), ABSENT);
    close!(txn_close(transaction));
    close!(database_close(store));
}

#[test]
fn handles_may_be_closed_before_those_they_were_made_from() {
    let store = open();
    let (writer, tree) = begin(store, BEGIN_WRITE);
    assert_eq!(put(writer, tree, b"key"), ABSENT);
    assert_eq!(raw!(txn_commit(writer, 1, NOBODY, ptr::null_mut())), OK);
    close!(txn_close(writer));
    let (reader, tree) = begin(store, BEGIN_READ);
    let cursor = cursor(reader, tree, 0);
    close!(database_close(store));
    assert_eq!(get(reader, tree, b"key"), OK);
    close!(txn_close(reader));
    assert_eq!(next(cursor), Ok(b"key".to_vec()));
    assert_eq!(next(cursor), Err(ABSENT));
    close!(cursor_close(cursor));
}

#[test]
fn a_cursor_of_a_write_transaction_survives_writes() {
    let store = open();
    let (writer, tree) = begin(store, BEGIN_WRITE);
    for key in [b"b", b"d", b"f"] {
        put(writer, tree, key);
    }
    let (up, down) = (cursor(writer, tree, 0), cursor(writer, tree, 1));
    assert_eq!(next(up), Ok(b"b".to_vec()));
    assert_eq!(next(down), Ok(b"f".to_vec()));
    put(writer, tree, b"a");
    put(writer, tree, b"c");
    put(writer, tree, b"e");
    let removed = Slice::new(b"d");
    assert_eq!(
        raw!(txn_remove(writer, tree, removed, NOBODY, ptr::null_mut())),
        OK
    );
    assert_eq!(next(up), Ok(b"c".to_vec()));
    assert_eq!(next(up), Ok(b"e".to_vec()));
    assert_eq!(next(down), Ok(b"e".to_vec()));
    assert_eq!(raw!(txn_clear(writer, tree)), OK);
    assert_eq!(next(up), Err(ABSENT));
    assert_eq!(next(down), Err(ABSENT));
    assert_eq!(raw!(cursor_seek(down, Slice::new(b"z"))), OK);
    put(writer, tree, b"y");
    assert_eq!(next(down), Ok(b"y".to_vec()));
    for handle in [up, down] {
        close!(cursor_close(handle));
    }
    close!(txn_close(writer));
    close!(database_close(store));
}

#[test]
fn after_the_end_of_a_write_transaction_everything_is_closed() {
    for commits in [true, false] {
        let store = open();
        let (writer, tree) = begin(store, BEGIN_WRITE);
        put(writer, tree, b"key");
        let cursor = cursor(writer, tree, 0);
        assert_eq!(next(cursor), Ok(b"key".to_vec()));
        if commits {
            assert_eq!(raw!(txn_commit(writer, 0, NOBODY, ptr::null_mut())), OK);
            assert_status(get(writer, tree, b"key"), ErrorKind::Closed);
            assert_status(put(writer, tree, b"key"), ErrorKind::Closed);
            assert_status(
                raw!(txn_commit(writer, 0, NOBODY, ptr::null_mut())),
                ErrorKind::Closed,
            );
        }
        close!(txn_close(writer));
        assert_eq!(next(cursor), Err(ErrorKind::Closed.code()));
        assert_status(
            raw!(cursor_seek(cursor, Slice::new(b"a"))),
            ErrorKind::Closed,
        );
        // The writer's place is free although the cursor is still there.
        let (writer, tree) = begin(store, BEGIN_WRITE);
        assert_eq!(get(writer, tree, b"key"), if commits { OK } else { ABSENT });
        close!(txn_close(writer));
        close!(cursor_close(cursor));
        close!(database_close(store));
    }
}

struct Inside {
    transaction: *mut Transaction,
    tree: u32,
    statuses: Vec<u32>,
}

unsafe extern "C" fn use_transaction(context: *mut Context, _: Slice) {
    // SAFETY: the context is what the test below passes along.
    let inside = unsafe { &mut *context.cast::<Inside>() };
    inside.statuses = vec![
        get(inside.transaction, inside.tree, b"key"),
        put(inside.transaction, inside.tree, b"other"),
        raw!(txn_commit(inside.transaction, 1, NOBODY, ptr::null_mut())),
    ];
}

#[test]
fn a_visitor_reads_from_its_transaction_and_does_not_write_to_it() {
    let store = open();
    let (transaction, tree) = begin(store, BEGIN_WRITE);
    put(transaction, tree, b"key");
    let mut inside = Inside {
        transaction,
        tree,
        statuses: Vec::new(),
    };
    let visit = Visit {
        function: Some(use_transaction),
    };
    let context = (&raw mut inside).cast();
    let status = raw!(txn_get(
        transaction,
        tree,
        Slice::new(b"key"),
        visit,
        context
    ));
    assert_eq!(status, OK);
    let refused = ErrorKind::InvalidInput.code();
    assert_eq!(inside.statuses, [OK, refused, refused]);
    assert_eq!(
        put(transaction, tree, b"key"),
        OK,
        "the transaction goes on"
    );
    close!(txn_close(transaction));
    close!(database_close(store));
}
