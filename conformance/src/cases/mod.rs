//! The cases, a module for each group of laws, and what they all use to write and read.

pub mod apply;
pub mod bounds;
pub mod concurrency;
pub mod config;
pub mod crash;
pub mod cursor;
pub mod damage;
pub mod handles;
pub mod history;
pub mod leak;
pub mod limits;
pub mod maintenance;
pub mod manifest;
pub mod optimistic;
pub mod order;
pub mod persistence;
pub mod power_loss;
pub mod random;
pub mod read_failure;
pub mod resuming_cursor;
pub mod sized_tree;
pub mod snapshot;
pub mod transaction;
pub mod tree;
pub mod typed;
pub mod value;
pub mod waiting;
pub mod write_failure;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use netabase_core::driver::checked::{Checked, CheckedWriter};
use netabase_core::driver::{
    Bounds, Cursor, Database, Direction, DriverError, Durability, ErrorKind, Read, Result, TreeId,
    Write,
};

pub(crate) use crate::case::Entry;

/// Runs `write` in a transaction and commits it durably.
pub(crate) fn commit<S: Database, T>(
    store: &Checked<S>,
    write: impl FnOnce(&mut CheckedWriter<S::Writer>) -> Result<T>,
) -> Result<T> {
    let mut writer = store.begin_write()?;
    let result = write(&mut writer)?;
    writer.commit(Durability::Immediate)?;
    Ok(result)
}

/// Commits these entries into one tree.
pub(crate) fn commit_entries<S: Database>(
    store: &Checked<S>,
    tree: &str,
    entries: &[(&[u8], &[u8])],
) -> Result<()> {
    commit(store, |writer| {
        let tree = writer.tree(tree)?;
        for (key, value) in entries {
            writer.put(tree, key, value, |_| ())?;
        }
        Ok(())
    })
}

/// Commits these keys, without values, into one tree.
pub(crate) fn commit_keys<S: Database>(
    store: &Checked<S>,
    tree: &str,
    keys: &[impl AsRef<[u8]>],
) -> Result<()> {
    commit(store, |writer| {
        let tree = writer.tree(tree)?;
        for key in keys {
            writer.put(tree, key.as_ref(), b"", |_| ())?;
        }
        Ok(())
    })
}

/// What a cursor still gives, in its order.
pub(crate) fn drain(cursor: &mut impl Cursor) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    while cursor.advance()? {
        entries.push((cursor.key().to_vec(), cursor.value().to_vec()));
    }
    Ok(entries)
}

/// The entries within bounds, in the order of the direction.
pub(crate) fn entries(
    reader: &impl Read,
    tree: TreeId,
    bounds: Bounds<'_>,
    direction: Direction,
) -> Result<Vec<Entry>> {
    drain(&mut reader.cursor(tree, bounds, direction)?)
}

/// The keys within bounds, in the order of the direction.
pub(crate) fn keys(
    reader: &impl Read,
    tree: TreeId,
    bounds: Bounds<'_>,
    direction: Direction,
) -> Result<Vec<Vec<u8>>> {
    Ok(entries(reader, tree, bounds, direction)?
        .into_iter()
        .map(|(key, _)| key)
        .collect())
}

/// Every entry of a tree, upwards.
pub(crate) fn contents(reader: &impl Read, tree: TreeId) -> Result<Vec<Entry>> {
    entries(reader, tree, Bounds::ALL, Direction::Forward)
}

/// Every entry of a tree as a new read transaction sees it.
pub(crate) fn committed<S: Database>(store: &Checked<S>, tree: &str) -> Result<Vec<Entry>> {
    let reader = store.begin_read()?;
    let tree = reader.tree(tree)?;
    contents(&reader, tree)
}

/// Of many lookups of one kind, each is made; in a browser, where a lookup is a message to another process, one in seven.
pub(crate) const EACH_OR_SOME: usize = if cfg!(target_family = "wasm") { 7 } else { 1 };

/// The value under a key.
pub(crate) fn value(reader: &impl Read, tree: TreeId, key: &[u8]) -> Result<Option<Vec<u8>>> {
    reader.get(tree, key, <[u8]>::to_vec)
}

/// Owned entries from borrowed ones.
pub(crate) fn owned(entries: &[(&[u8], &[u8])]) -> Vec<Entry> {
    entries
        .iter()
        .map(|(key, value)| (key.to_vec(), value.to_vec()))
        .collect()
}

/// Fails unless the result is an error of this kind with a message.
#[track_caller]
pub(crate) fn assert_refused<T>(result: Result<T, DriverError>, kind: ErrorKind) {
    match result {
        Ok(_) => panic!("succeeded instead of failing with {kind}"),
        Err(error) => {
            assert_eq!(error.kind(), kind, "{error:?}");
            assert!(!error.message().is_empty(), "{error:?} has no message");
        }
    }
}

/// Shows that [`panic_quietly`] within `run` comes through.
#[track_caller]
pub(crate) fn assert_panics<T>(run: impl FnOnce() -> T) {
    let payload = catch_unwind(AssertUnwindSafe(run))
        .map(drop)
        .expect_err("the caller's panic did not come through");
    assert_eq!(payload.downcast_ref::<&str>(), Some(&CALLER));
}

const CALLER: &str = "the caller's own panic";

/// Panics, and prints nothing.
pub(crate) fn panic_quietly() {
    resume_unwind(Box::new(CALLER));
}
