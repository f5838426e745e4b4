//! Trees of a write transaction, which hand puts in ascending order to redb's insertion cursor.
//!
//! The cursor fills page after page, in a third of the time that one descent for each entry takes. A tree goes over to
//! it after some ascending puts, and back as soon as a key does not fit into the cursor's gap or anything else is asked
//! of the tree. What is put looks the same either way, except that an error of the engine may come with a later call.

use std::cell::{Cell, OnceCell};
use std::ops::Bound;

use netabase_core::driver::{DriverError, ErrorKind, Result};
use redb::{CursorError, CursorMut, Table, TableHandle};
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
    /// Empty while the cursor has the table, and after a failure that left none.
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

    /// The table, to be changed.
    #[inline]
    pub(crate) fn table_mut(&mut self) -> Result<&mut Table<'t, Bytes, Bytes>> {
        self.table()?;
        self.table.get_mut().ok_or_else(lost)
    }

    /// Takes the table out; [`restore`](Self::restore) has to follow.
    pub(crate) fn take(&mut self) -> Result<Table<'t, Bytes, Bytes>> {
        self.table()?;
        self.table.take().ok_or_else(lost)
    }

    pub(crate) fn restore(&mut self, table: Table<'t, Bytes, Bytes>) {
        self.table = OnceCell::from(table);
    }

    #[inline]
    pub(crate) fn put<R>(
        &mut self,
        key: &[u8],
        value: &[u8],
        previous: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        let append = match self.append.get_mut() {
            Some(append) => Some(append),
            None if self.ascent.count(key) > self.patience.get() => Some(self.begin(key)?),
            None => None,
        };
        if let Some(append) = append
            && append.put(key, value)?
        {
            return Ok(None);
        }
        let replaced = match self.table_mut()?.insert(key, value) {
            Ok(replaced) => replaced.map(|guard| previous(guard.value())),
            Err(error) => return Err(error::engine(error)),
        };
        if replaced.is_some() {
            self.ascent.end();
        }
        Ok(replaced)
    }

    /// Hands the table to a cursor that stands where `key` belongs.
    #[cold]
    fn begin(&mut self, key: &[u8]) -> Result<&mut Append<'t>> {
        self.ascent.end();
        let table = self.table.take().ok_or_else(lost)?;
        let append = Append::try_new(MutBorrow::new(table), |table| {
            let cursor = table.borrow_mut().lower_bound_mut(Bound::Included(key))?;
            Ok(Insertion {
                cursor: Some(cursor),
                entries: 0,
            })
        })
        .map_err(|error: redb::StorageError| error::engine(error))?;
        Ok(self.append.get_mut().insert(append))
    }

    /// Takes the table back from the cursor.
    #[cold]
    fn settle(&self) -> Result<&Table<'t, Bytes, Bytes>> {
        let append = self.append.take().ok_or_else(lost)?;
        let (table, entries, outcome) = append.finish();
        self.patience.set(if entries >= WORTHWHILE {
            PATIENCE
        } else {
            self.patience.get().saturating_mul(2).min(MOST_PATIENCE)
        });
        let table = self.table.get_or_init(|| table);
        match outcome {
            Ok(()) => Ok(table),
            Err(error) => Err(error::engine(error)),
        }
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
    /// Inserts an entry; `false`, and nothing done, if it does not belong into the cursor's gap.
    #[inline]
    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<bool> {
        self.with_dependent_mut(|_, insertion| {
            let cursor = insertion.cursor.as_mut().ok_or_else(lost)?;
            match cursor.insert_before(key, value) {
                Ok(()) => {
                    insertion.entries = insertion.entries.saturating_add(1);
                    Ok(true)
                }
                Err(CursorError::UnorderedKey) => Ok(false),
                Err(error) => Err(error::engine(error)),
            }
        })
    }

    /// The table, the number of entries that the cursor inserted, and whether all of them are in the table.
    fn finish(mut self) -> (Table<'t, Bytes, Bytes>, u32, redb::Result) {
        let (entries, outcome) = self.with_dependent_mut(|_, insertion| {
            let outcome = insertion.cursor.take().map_or(Ok(()), CursorMut::close);
            (insertion.entries, outcome)
        });
        (self.into_owner().into_inner(), entries, outcome)
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
        "an earlier failure left this tree without its table; drop the transaction and begin again",
    )
}
