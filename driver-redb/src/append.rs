//! Trees of a write transaction, which hand puts in ascending order to redb's insertion cursor.
//!
//! The cursor fills page after page, in a third of the time that one descent for each entry takes. A tree goes over to
//! it after some ascending puts, and back as soon as a key does not fit into the cursor's gap or anything else is asked
//! of the tree. What is put looks the same either way, except that an error of the engine may come with a later call.

use std::cell::{Cell, OnceCell};
use std::ops::Bound;

use netabase_core::driver::{DriverError, ErrorKind, Result};
use redb::{
    AccessGuard, CursorError, CursorMut, ReadableTableMetadata, Table, TableDefinition,
    TableHandle, WriteTransaction,
};
use self_cell::{MutBorrow, self_cell};

use crate::error;
use crate::transaction::Bytes;

/// Ascending puts before a tree first goes over to a cursor.
const PATIENCE: u32 = 8;

/// The same, however many cursors did not pay.
const MOST_PATIENCE: u32 = 1 << 16;

/// Entries that pay for opening and closing a cursor.
const WORTHWHILE: u32 = 64;

/// A tree of a write transaction.
pub(crate) struct WriteTree<'t> {
    name: Box<str>,
    /// Empty while the cursor has the table, and after a failure: the transaction can only be dropped then.
    table: OnceCell<Table<'t, Bytes, Bytes>>,
    append: Cell<Option<Append<'t>>>,
    ascent: Ascent,
    patience: Cell<u32>,
}

impl<'t> WriteTree<'t> {
    pub(crate) fn new(table: Table<'t, Bytes, Bytes>) -> Self {
        Self {
            name: table.name().into(),
            table: OnceCell::from(table),
            append: Cell::new(None),
            ascent: Ascent::default(),
            patience: Cell::new(PATIENCE),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The table, with all that was put.
    #[inline]
    pub(crate) fn table(&self) -> Result<&Table<'t, Bytes, Bytes>> {
        match self.table.get() {
            Some(table) => Ok(table),
            None => self.settle(),
        }
    }

    #[inline]
    pub(crate) fn put<R>(
        &mut self,
        key: &[u8],
        value: &[u8],
        previous: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        let appending =
            self.append.get_mut().is_some() || self.ascent.count(key) > self.patience.get();
        if appending && self.append(key, value)? {
            return Ok(None);
        }
        let replaced = self.change(|table| table.insert(key, value), previous)?;
        if replaced.is_some() {
            self.ascent.end();
        }
        Ok(replaced)
    }

    #[inline]
    pub(crate) fn remove<R>(
        &mut self,
        key: &[u8],
        previous: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        self.change(|table| table.remove(key), previous)
    }

    /// Puts an empty table in the place of this one, which takes its pages and not its entries.
    pub(crate) fn clear(&mut self, transaction: &'t WriteTransaction) -> Result<()> {
        let table = self.table()?;
        if error::call(|| table.is_empty())? {
            return Ok(());
        }
        let table = self.table.take().ok_or_else(lost)?;
        let table = error::call(|| {
            transaction.delete_table(table)?;
            transaction.open_table(TableDefinition::new(&self.name))
        })?;
        self.table = OnceCell::from(table);
        Ok(())
    }

    /// Changes the table and hands over the value that was there. A change that fails may be half done: the tree is
    /// lost then.
    #[inline]
    fn change<R>(
        &mut self,
        change: impl for<'a> FnOnce(
            &'a mut Table<'t, Bytes, Bytes>,
        ) -> redb::Result<Option<AccessGuard<'a, Bytes>>>,
        previous: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        self.table()?;
        let table = self.table.get_mut().ok_or_else(lost)?;
        let error = match error::call(|| change(table).inspect(error::probe)) {
            Ok(value) => return Ok(value.map(|guard| previous(guard.value()))),
            Err(error) => error,
        };
        error::discard(self.table.take());
        Err(error)
    }

    /// Appends an entry; `false`, and nothing done, if it does not belong where the cursor stands.
    fn append(&mut self, key: &[u8], value: &[u8]) -> Result<bool> {
        if self.append.get_mut().is_none() {
            self.ascent.end();
            let table = self.table.take().ok_or_else(lost)?;
            let append = error::call(|| Append::at(table, key))?;
            self.append.set(Some(append));
        }
        let append = self.append.get_mut().as_mut().ok_or_else(lost)?;
        let error = match error::caught(|| append.put(key, value)) {
            Ok(Ok(())) => return Ok(true),
            Ok(Err(CursorError::UnorderedKey)) => return Ok(false),
            Ok(Err(error)) => error::engine(error),
            Err(panic) => panic,
        };
        error::discard(self.append.take());
        Err(error)
    }

    /// Takes the table back from the cursor.
    #[cold]
    fn settle(&self) -> Result<&Table<'t, Bytes, Bytes>> {
        let append = self.append.take().ok_or_else(lost)?;
        let (table, entries) = error::call(|| append.finish())?;
        self.patience.set(if entries >= WORTHWHILE {
            PATIENCE
        } else {
            self.patience.get().saturating_mul(2).min(MOST_PATIENCE)
        });
        Ok(self.table.get_or_init(|| table))
    }
}

self_cell!(
    /// A table together with the cursor that inserts into it.
    struct Append<'t> {
        owner: MutBorrow<Table<'t, Bytes, Bytes>>,

        #[not_covariant]
        dependent: Insertion,
    }
);

struct Insertion<'c> {
    /// `None` once it is closed.
    cursor: Option<CursorMut<'c, Bytes, Bytes>>,
    entries: u32,
}

impl<'t> Append<'t> {
    /// Opens a cursor where `key` belongs.
    fn at(table: Table<'t, Bytes, Bytes>, key: &[u8]) -> redb::Result<Self> {
        Self::try_new(MutBorrow::new(table), |table| {
            let cursor = table.borrow_mut().lower_bound_mut(Bound::Included(key))?;
            Ok(Insertion {
                cursor: Some(cursor),
                entries: 0,
            })
        })
    }

    fn put(&mut self, key: &[u8], value: &[u8]) -> redb::Result<(), CursorError> {
        self.with_dependent_mut(|_, insertion| {
            if let Some(cursor) = &mut insertion.cursor {
                cursor.insert_before(key, value)?;
                insertion.entries = insertion.entries.saturating_add(1);
            }
            Ok(())
        })
    }

    /// The table with all that was appended, and how many entries that were.
    fn finish(mut self) -> redb::Result<(Table<'t, Bytes, Bytes>, u32)> {
        let entries = self.with_dependent_mut(|_, insertion| {
            insertion.cursor.take().map_or(Ok(()), CursorMut::close)?;
            Ok::<_, redb::StorageError>(insertion.entries)
        })?;
        Ok((self.into_owner().into_inner(), entries))
    }
}

/// How many puts in a row had ascending keys that were new.
#[derive(Default)]
struct Ascent {
    last: Vec<u8>,
    puts: u32,
}

impl Ascent {
    #[inline]
    fn count(&mut self, key: &[u8]) -> u32 {
        self.puts = if self.puts > 0 && *key > *self.last {
            self.puts.saturating_add(1)
        } else {
            1
        };
        self.last.clear();
        self.last.extend_from_slice(key);
        self.puts
    }

    #[inline]
    fn end(&mut self) {
        self.puts = 0;
    }
}

#[cold]
fn lost() -> DriverError {
    DriverError::new(
        ErrorKind::Closed,
        "an earlier failure ended this transaction; drop it and begin again",
    )
}
