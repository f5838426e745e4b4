//! The driver: ordered maps in memory, shared by snapshots and copied by the first write to them.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::ops;
use std::rc::Rc;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::{ptr, slice};

use crate::layout::{
    self, ABSENT, BACKWARD, BEGIN_WRITE, BOUND_EXCLUDED, BOUND_INCLUDED, Bound, Bounds, CLOSED,
    Context, ErrorBuffer, INVALID_INPUT, NOT_FOUND, OK, OPEN_CREATE_IF_MISSING, OPEN_TRUNCATE,
    OpenConfig, Slice, UNSUPPORTED, VTable, Visit,
};

pub(crate) static VTABLE: VTable = VTable {
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
    cursor_seek: Some(cursor_seek),
    txn_len: Some(txn_len),
    txn_clear: Some(txn_clear),
    txn_apply: Some(txn_apply),
    database_command: Some(database_command),
    database_commit_outcome: None,
};

type Tree = BTreeMap<Vec<u8>, Vec<u8>>;

#[derive(Default)]
struct Database {
    shared: Mutex<Shared>,
    writer_left: Condvar,
}

#[derive(Default)]
struct Shared {
    names: Vec<Vec<u8>>,
    trees: Vec<Arc<Tree>>,
    writing: bool,
}

struct Transaction {
    database: Arc<Database>,
    /// As of the beginning, with what this transaction wrote.
    trees: RefCell<Vec<Arc<Tree>>>,
    /// The number of each tree in `trees`, by the id that was given for it.
    ids: RefCell<Vec<usize>>,
    writes: bool,
    ended: Cell<bool>,
}

struct Cursor {
    transaction: Rc<Transaction>,
    tree: usize,
    backward: bool,
    lower: ops::Bound<Vec<u8>>,
    upper: ops::Bound<Vec<u8>>,
    start: Start,
    ended: bool,
    entry: (Vec<u8>, Vec<u8>),
}

enum Start {
    Bound,
    At(Vec<u8>),
    /// The key of `entry`.
    AfterEntry,
}

/// A status and what to do about it.
struct Failure(u32, String);

type Result<T> = std::result::Result<T, Failure>;

fn failure(status: u32, message: impl Into<String>) -> Failure {
    Failure(status, message.into())
}

impl Database {
    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(flags: u64, location: &[u8], option: Option<&[u8]>) -> Result<Arc<Self>> {
        if !location.is_empty() {
            return Err(failure(
                INVALID_INPUT,
                "nothing is kept on disk; leave the location empty",
            ));
        }
        if let Some(option) = option {
            let option = String::from_utf8_lossy(option);
            return Err(failure(
                INVALID_INPUT,
                format!("there are no options; remove `{option}`"),
            ));
        }
        if flags & !(OPEN_CREATE_IF_MISSING | OPEN_TRUNCATE) != 0 {
            return Err(failure(
                UNSUPPORTED,
                "there is no cache, no read-only, and nothing newer; leave them out",
            ));
        }
        if flags & OPEN_CREATE_IF_MISSING == 0 {
            return Err(failure(
                NOT_FOUND,
                "a database in memory is never there before it is created; create it",
            ));
        }
        Ok(Arc::default())
    }

    fn begin(self: &Arc<Self>, writes: bool) -> Transaction {
        let mut shared = self.lock();
        if writes {
            while shared.writing {
                shared = self
                    .writer_left
                    .wait(shared)
                    .unwrap_or_else(PoisonError::into_inner);
            }
            shared.writing = true;
        }
        Transaction {
            database: Arc::clone(self),
            trees: RefCell::new(shared.trees.clone()),
            ids: RefCell::default(),
            writes,
            ended: Cell::new(false),
        }
    }
}

impl Transaction {
    fn open(&self) -> Result<()> {
        if self.ended.get() {
            return Err(failure(
                CLOSED,
                "the transaction has ended; begin another one",
            ));
        }
        Ok(())
    }

    fn end(&self, commits: bool) {
        if !self.writes || self.ended.replace(true) {
            return;
        }
        let mut shared = self.database.lock();
        if commits {
            shared.trees = self.trees.take();
        }
        shared.writing = false;
        self.database.writer_left.notify_one();
    }

    fn tree_id(&self, name: &[u8]) -> Result<u32> {
        self.open()?;
        let mut shared = self.database.lock();
        let number = match shared.names.iter().position(|known| known == name) {
            Some(number) => number,
            None => {
                shared.names.push(name.to_vec());
                shared.names.len() - 1
            }
        };
        drop(shared);
        let mut ids = self.ids.borrow_mut();
        let id = match ids.iter().position(|known| *known == number) {
            Some(id) => id,
            None => {
                ids.push(number);
                ids.len() - 1
            }
        };
        u32::try_from(id).map_err(|_| failure(INVALID_INPUT, "there are too many trees"))
    }

    fn number(&self, id: u32) -> Result<usize> {
        self.open()?;
        let ids = self.ids.borrow();
        ids.get(id as usize).copied().ok_or_else(|| {
            failure(
                INVALID_INPUT,
                "this transaction gave no such tree; ask it for the tree first",
            )
        })
    }

    fn tree(&self, number: usize) -> Arc<Tree> {
        self.trees.borrow().get(number).cloned().unwrap_or_default()
    }

    fn change<T>(&self, id: u32, change: impl FnOnce(&mut Tree) -> T) -> Result<T> {
        let number = self.number(id)?;
        let mut trees = self.trees.borrow_mut();
        if trees.len() <= number {
            trees.resize_with(number + 1, Arc::default);
        }
        let tree = trees
            .get_mut(number)
            .ok_or_else(|| failure(INVALID_INPUT, "there is no such tree"))?;
        Ok(change(Arc::make_mut(tree)))
    }

    fn apply(&self, mut list: &[u8]) -> Result<()> {
        let mut changes = Vec::new();
        while !list.is_empty() {
            let (tree, change) = change(&mut list).ok_or_else(|| {
                failure(
                    INVALID_INPUT,
                    "the list of operations is cut short or damaged; encode it again",
                )
            })?;
            self.number(tree)?;
            changes.push((tree, change));
        }
        for (tree, change) in changes {
            self.change(tree, |tree| match change {
                Change::Put(key, value) => drop(tree.insert(key.to_vec(), value.to_vec())),
                Change::Remove(key) => drop(tree.remove(key)),
                Change::Clear => tree.clear(),
            })?;
        }
        Ok(())
    }
}

/// One operation of an encoded list.
enum Change<'a> {
    Put(&'a [u8], &'a [u8]),
    Remove(&'a [u8]),
    Clear,
}

fn change<'a>(rest: &mut &'a [u8]) -> Option<(u32, Change<'a>)> {
    let code = *rest.split_off_first()?;
    let tree = number(rest)?;
    let change = match code {
        1 => Change::Put(bytes(rest)?, bytes(rest)?),
        2 => Change::Remove(bytes(rest)?),
        3 => Change::Clear,
        _ => return None,
    };
    Some((tree, change))
}

fn number(rest: &mut &[u8]) -> Option<u32> {
    let bytes = rest.split_off(..4)?.try_into().ok()?;
    Some(u32::from_le_bytes(bytes))
}

fn bytes<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = number(rest)? as usize;
    rest.split_off(..length)
}

impl Cursor {
    fn next(&mut self) -> Result<bool> {
        self.transaction.open()?;
        if self.ended {
            return Ok(false);
        }
        let tree = self.transaction.tree(self.tree);
        let edge = match &self.start {
            Start::Bound if self.backward => borrowed(&self.upper),
            Start::Bound => borrowed(&self.lower),
            Start::At(key) => ops::Bound::Included(&key[..]),
            Start::AfterEntry => ops::Bound::Excluded(&self.entry.0[..]),
        };
        let open = ops::Bound::<&[u8]>::Unbounded;
        let found = if self.backward {
            let upper = nearer(edge, borrowed(&self.upper), |at, bound| at < bound);
            tree.range::<[u8], _>((open, upper)).next_back()
        } else {
            let lower = nearer(edge, borrowed(&self.lower), |at, bound| at > bound);
            tree.range::<[u8], _>((lower, open)).next()
        };
        let bounds = (borrowed(&self.lower), borrowed(&self.upper));
        let found =
            found.filter(|(key, _)| ops::RangeBounds::<[u8]>::contains::<[u8]>(&bounds, &key[..]));
        let Some((key, value)) = found else {
            self.ended = true;
            return Ok(false);
        };
        self.entry = (key.clone(), value.clone());
        self.start = Start::AfterEntry;
        Ok(true)
    }
}

/// The place that leaves less to come: the one within the other.
fn nearer<'a>(
    edge: ops::Bound<&'a [u8]>,
    bound: ops::Bound<&'a [u8]>,
    is_within: impl Fn(&[u8], &[u8]) -> bool,
) -> ops::Bound<&'a [u8]> {
    use ops::Bound::{Excluded, Included, Unbounded};

    match (edge, bound) {
        (Unbounded, _) => bound,
        (_, Unbounded) => edge,
        (Included(at) | Excluded(at), Included(other) | Excluded(other)) => {
            let is_stricter = at == other && matches!(edge, Excluded(_));
            if is_stricter || is_within(at, other) {
                edge
            } else {
                bound
            }
        }
    }
}

fn borrowed(bound: &ops::Bound<Vec<u8>>) -> ops::Bound<&[u8]> {
    bound.as_ref().map(|key| &key[..])
}

/// The status of a result; a failure's text goes to the host's buffer.
///
/// # Safety
/// `error` is null or the host's buffer.
unsafe fn status(result: Result<u32>, error: *mut ErrorBuffer) -> u32 {
    let Failure(status, message) = match result {
        Ok(status) => return status,
        Err(failure) => failure,
    };
    // SAFETY: the caller vouches for the buffer.
    if let Some(buffer) = unsafe { error.as_mut() } {
        buffer.length = message.len();
        let fits = message.len().min(buffer.capacity);
        // SAFETY: the host's buffer has room for `capacity` bytes.
        unsafe { ptr::copy_nonoverlapping(message.as_ptr(), buffer.message, fits) };
    }
    status
}

fn show(value: Option<&[u8]>, visit: Visit, context: *mut Context) -> u32 {
    let Some(value) = value else {
        return ABSENT;
    };
    if let Some(function) = visit.function {
        // SAFETY: the host's visitor takes its own context, and bytes that live until it returns.
        unsafe { function(context, Slice::new(value)) };
    }
    OK
}

/// # Safety
/// The handle is a transaction's that was not closed.
unsafe fn transaction_of<'a>(handle: *mut layout::Transaction) -> &'a Transaction {
    // SAFETY: the handle is what `database_begin` gave.
    unsafe { &*handle.cast::<Transaction>() }
}

/// # Safety
/// The handle is a transaction's that was not closed.
unsafe fn share_transaction(handle: *mut layout::Transaction) -> Rc<Transaction> {
    let transaction = handle.cast::<Transaction>().cast_const();
    // SAFETY: the handle is what `Rc::into_raw` gave in `database_begin`; it keeps its own share.
    unsafe { Rc::increment_strong_count(transaction) };
    // SAFETY: as above, and this takes the share that was just added.
    unsafe { Rc::from_raw(transaction) }
}

unsafe extern "C" fn open(
    config: *const OpenConfig,
    store: *mut *mut layout::Database,
    error: *mut ErrorBuffer,
) -> u32 {
    // SAFETY: the host gives a configuration that lives until the call returns.
    let config = unsafe { &*config };
    let options = if config.options_length == 0 {
        &[]
    } else {
        // SAFETY: the host gives a list of that length.
        unsafe { slice::from_raw_parts(config.options, config.options_length) }
    };
    // SAFETY: the host's texts live until the call returns.
    let location = unsafe { config.location.get() };
    let option = options.first().map(|option| {
        // SAFETY: as above.
        unsafe { option.name.get() }
    });
    let opened = Database::open(config.flags, location, option).map(|database| {
        // SAFETY: the host gives a place for the handle.
        unsafe { store.write(Arc::into_raw(database).cast_mut().cast()) };
        OK
    });
    // SAFETY: the buffer is the host's.
    unsafe { status(opened, error) }
}

unsafe extern "C" fn database_close(store: *mut layout::Database) {
    // SAFETY: the handle is what `open` gave, and is given up here.
    drop(unsafe { Arc::from_raw(store.cast::<Database>()) });
}

unsafe extern "C" fn database_begin(
    store: *mut layout::Database,
    mode: u32,
    transaction: *mut *mut layout::Transaction,
    _: *mut ErrorBuffer,
) -> u32 {
    let database = store.cast::<Database>().cast_const();
    // SAFETY: the handle is what `open` gave; it keeps its own share.
    unsafe { Arc::increment_strong_count(database) };
    // SAFETY: as above, and this takes the share that was just added.
    let database = unsafe { Arc::from_raw(database) };
    let begun = Rc::new(database.begin(mode == BEGIN_WRITE));
    // SAFETY: the host gives a place for the handle.
    unsafe { transaction.write(Rc::into_raw(begun).cast_mut().cast()) };
    OK
}

unsafe extern "C" fn txn_close(transaction: *mut layout::Transaction) {
    // SAFETY: the handle is what `database_begin` gave, and is given up here.
    let transaction = unsafe { Rc::from_raw(transaction.cast::<Transaction>()) };
    transaction.end(false);
}

unsafe extern "C" fn txn_tree(
    transaction: *mut layout::Transaction,
    name: Slice,
    _: u32,
    _: u32,
    tree: *mut u32,
    error: *mut ErrorBuffer,
) -> u32 {
    // SAFETY: the handle is open.
    let transaction = unsafe { transaction_of(transaction) };
    // SAFETY: the host's text lives until the call returns.
    let name = unsafe { name.get() };
    let id = transaction.tree_id(name).map(|id| {
        // SAFETY: the host gives a place for the id.
        unsafe { tree.write(id) };
        OK
    });
    // SAFETY: the buffer is the host's.
    unsafe { status(id, error) }
}

unsafe extern "C" fn txn_get(
    transaction: *mut layout::Transaction,
    tree: u32,
    key: Slice,
    visit: Visit,
    context: *mut Context,
    error: *mut ErrorBuffer,
) -> u32 {
    // SAFETY: the handle is open.
    let transaction = unsafe { transaction_of(transaction) };
    // SAFETY: the host's bytes live until the call returns.
    let key = unsafe { key.get() };
    let found = transaction.number(tree).map(|number| {
        let tree = transaction.tree(number);
        show(tree.get(key).map(|value| &value[..]), visit, context)
    });
    // SAFETY: the buffer is the host's.
    unsafe { status(found, error) }
}

unsafe extern "C" fn txn_put(
    transaction: *mut layout::Transaction,
    tree: u32,
    key: Slice,
    value: Slice,
    previous: Visit,
    context: *mut Context,
    error: *mut ErrorBuffer,
) -> u32 {
    // SAFETY: the handle is open.
    let transaction = unsafe { transaction_of(transaction) };
    // SAFETY: the host's bytes live until the call returns.
    let key = unsafe { key.get() };
    // SAFETY: as above.
    let value = unsafe { value.get() };
    let replaced = transaction
        .change(tree, |tree| tree.insert(key.to_vec(), value.to_vec()))
        .map(|replaced| show(replaced.as_deref(), previous, context));
    // SAFETY: the buffer is the host's.
    unsafe { status(replaced, error) }
}

unsafe extern "C" fn txn_remove(
    transaction: *mut layout::Transaction,
    tree: u32,
    key: Slice,
    previous: Visit,
    context: *mut Context,
    error: *mut ErrorBuffer,
) -> u32 {
    // SAFETY: the handle is open.
    let transaction = unsafe { transaction_of(transaction) };
    // SAFETY: the host's bytes live until the call returns.
    let key = unsafe { key.get() };
    let removed = transaction
        .change(tree, |tree| tree.remove(key))
        .map(|removed| show(removed.as_deref(), previous, context));
    // SAFETY: the buffer is the host's.
    unsafe { status(removed, error) }
}

unsafe extern "C" fn txn_commit(
    transaction: *mut layout::Transaction,
    _: u32,
    _: Visit,
    _: *mut Context,
    error: *mut ErrorBuffer,
) -> u32 {
    // SAFETY: the handle is open.
    let transaction = unsafe { transaction_of(transaction) };
    let committed = transaction.open().map(|()| {
        transaction.end(true);
        OK
    });
    // SAFETY: the buffer is the host's.
    unsafe { status(committed, error) }
}

unsafe extern "C" fn cursor_open(
    transaction: *mut layout::Transaction,
    tree: u32,
    bounds: *const Bounds,
    direction: u32,
    cursor: *mut *mut layout::Cursor,
    error: *mut ErrorBuffer,
) -> u32 {
    // SAFETY: the handle is open.
    let transaction = unsafe { share_transaction(transaction) };
    // SAFETY: the host gives bounds that live until the call returns.
    let bounds = unsafe { &*bounds };
    let owned = |bound: Bound| {
        // SAFETY: as above.
        let key = || unsafe { bound.key.get() }.to_vec();
        match bound.kind {
            BOUND_INCLUDED => ops::Bound::Included(key()),
            BOUND_EXCLUDED => ops::Bound::Excluded(key()),
            _ => ops::Bound::Unbounded,
        }
    };
    let (lower, upper) = (owned(bounds.lower), owned(bounds.upper));
    let opened = transaction.number(tree).map(|tree| {
        let opened = Box::new(Cursor {
            transaction,
            tree,
            backward: direction == BACKWARD,
            lower,
            upper,
            start: Start::Bound,
            ended: false,
            entry: Default::default(),
        });
        // SAFETY: the host gives a place for the handle.
        unsafe { cursor.write(Box::into_raw(opened).cast()) };
        OK
    });
    // SAFETY: the buffer is the host's.
    unsafe { status(opened, error) }
}

unsafe extern "C" fn cursor_next(
    cursor: *mut layout::Cursor,
    key: *mut Slice,
    value: *mut Slice,
    error: *mut ErrorBuffer,
) -> u32 {
    // SAFETY: the handle is open, and nobody else uses it meanwhile.
    let cursor = unsafe { &mut *cursor.cast::<Cursor>() };
    let moved = cursor.next().map(|is_there| {
        if !is_there {
            return ABSENT;
        }
        // SAFETY: the host gives a place for the key.
        unsafe { key.write(Slice::new(&cursor.entry.0)) };
        // SAFETY: the host gives a place for the value.
        unsafe { value.write(Slice::new(&cursor.entry.1)) };
        OK
    });
    // SAFETY: the buffer is the host's.
    unsafe { status(moved, error) }
}

unsafe extern "C" fn cursor_close(cursor: *mut layout::Cursor) {
    // SAFETY: the handle is what `cursor_open` gave, and is given up here.
    drop(unsafe { Box::from_raw(cursor.cast::<Cursor>()) });
}

unsafe extern "C" fn cursor_seek(
    cursor: *mut layout::Cursor,
    key: Slice,
    error: *mut ErrorBuffer,
) -> u32 {
    // SAFETY: the handle is open, and nobody else uses it meanwhile.
    let cursor = unsafe { &mut *cursor.cast::<Cursor>() };
    // SAFETY: the host's bytes live until the call returns.
    let key = unsafe { key.get() };
    let moved = cursor.transaction.open().map(|()| {
        cursor.start = Start::At(key.to_vec());
        cursor.ended = false;
        OK
    });
    // SAFETY: the buffer is the host's.
    unsafe { status(moved, error) }
}

unsafe extern "C" fn txn_len(
    transaction: *mut layout::Transaction,
    tree: u32,
    entries: *mut u64,
    error: *mut ErrorBuffer,
) -> u32 {
    // SAFETY: the handle is open.
    let transaction = unsafe { transaction_of(transaction) };
    let counted = transaction.number(tree).map(|number| {
        let length = transaction.tree(number).len() as u64;
        // SAFETY: the host gives a place for the number.
        unsafe { entries.write(length) };
        OK
    });
    // SAFETY: the buffer is the host's.
    unsafe { status(counted, error) }
}

unsafe extern "C" fn txn_clear(
    transaction: *mut layout::Transaction,
    tree: u32,
    error: *mut ErrorBuffer,
) -> u32 {
    // SAFETY: the handle is open.
    let transaction = unsafe { transaction_of(transaction) };
    let cleared = transaction.change(tree, |tree| {
        tree.clear();
        OK
    });
    // SAFETY: the buffer is the host's.
    unsafe { status(cleared, error) }
}

unsafe extern "C" fn txn_apply(
    transaction: *mut layout::Transaction,
    operations: Slice,
    error: *mut ErrorBuffer,
) -> u32 {
    // SAFETY: the handle is open.
    let transaction = unsafe { transaction_of(transaction) };
    // SAFETY: the host's bytes live until the call returns.
    let operations = unsafe { operations.get() };
    let applied = transaction.apply(operations).map(|()| OK);
    // SAFETY: the buffer is the host's.
    unsafe { status(applied, error) }
}

unsafe extern "C" fn database_command(
    _: *mut layout::Database,
    operation: Slice,
    _: Slice,
    _: Visit,
    _: *mut Context,
    error: *mut ErrorBuffer,
) -> u32 {
    // SAFETY: the host's text lives until the call returns.
    let operation = String::from_utf8_lossy(unsafe { operation.get() });
    let answer = failure(
        UNSUPPORTED,
        format!("this driver does not offer `{operation}`; its manifest lists what it does"),
    );
    // SAFETY: the buffer is the host's.
    unsafe { status(Err(answer), error) }
}
