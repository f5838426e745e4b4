//! Trees of a write transaction, which hand puts in ascending order to redb's insertion cursor.
//!
//! The cursor fills page after page, in a third of the time that one descent for each entry takes. A tree goes over to
//! it after some ascending puts, and back as soon as a key does not fit into the cursor's gap or anything else is asked
//! of the tree. What is put looks the same either way, except that an error of the engine may come with a later call.

use std::cell::{Cell, OnceCell};
use std::marker::PhantomData;
use std::ops::Bound;

use netabase_core::driver::{DriverError, ErrorKind, Result};
use redb::{
    CursorError, CursorMut, ReadableTableMetadata, Table, TableDefinition, TableError,
    WriteTransaction,
};
use self_cell::{MutBorrow, self_cell};

use crate::error;
use crate::layout::{Bytes, Family, LaidOut, Layout, Widths, make_member, map_member, with_member};

/// Ascending puts before a tree first goes over to a cursor.
const FIRST_ASCENT: u32 = 8;

/// The same, however many cursors did not pay.
const LONGEST_ASCENT: u32 = 1 << 16;

/// Entries that pay for opening and closing a cursor.
const WORTHWHILE: u32 = 64;

/// A table for each layout.
pub(crate) struct WriteTables<'t>(PhantomData<&'t ()>);

impl<'t> Family for WriteTables<'t> {
    type Member<const K: usize, const V: usize> = Table<'t, Bytes<K>, Bytes<V>>;
}

/// The table of a tree.
pub(crate) type WriteTable<'t> = LaidOut<WriteTables<'t>>;

/// A tree of a write transaction.
pub(crate) struct WriteTree<'t> {
    name: Box<str>,
    layout: Layout,
    widths: Widths,
    /// The layout that fits the widths which the tree was last asked for with.
    preferred: Cell<Layout>,
    /// Whether the table has that layout, or holds entries that keep it from it.
    considered: Cell<bool>,
    /// Empty while the cursor has the table, and after a failure: the transaction can only be dropped then.
    table: OnceCell<WriteTable<'t>>,
    append: Cell<Option<Append<'t>>>,
    ascent: Ascent,
    /// Ascending puts before the tree goes over to a cursor.
    required_ascent: Cell<u32>,
    /// Whether it is noted among the trees that hold entries.
    held_entries: bool,
}

impl<'t> WriteTree<'t> {
    /// Opens the table of this name, and creates it if there is none.
    pub(crate) fn open(
        transaction: &'t WriteTransaction,
        name: &str,
        layout: Layout,
        held_entries: bool,
    ) -> Result<Self, TableError> {
        let table = open(transaction, name, layout)?;
        Ok(Self {
            name: name.into(),
            layout,
            widths: Widths::of(layout),
            preferred: Cell::new(layout),
            considered: Cell::new(true),
            table: OnceCell::from(table),
            append: Cell::new(None),
            ascent: Ascent::default(),
            required_ascent: Cell::new(FIRST_ASCENT),
            held_entries,
        })
    }

    /// Whether the tree, which was just opened, is noted as one that holds entries and holds none.
    pub(crate) fn has_lost_entries(&self) -> Result<bool> {
        Ok(self.held_entries && self.is_empty()?)
    }

    /// What a commit has to note: whether the tree holds entries now, if that has changed.
    pub(crate) fn change_to_note(&self) -> Result<Option<(Box<str>, bool)>> {
        let holds_entries = !self.is_empty()?;
        Ok((holds_entries != self.held_entries).then(|| (self.name.clone(), holds_entries)))
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The table, with all that was put.
    #[inline]
    pub(crate) fn table(&self) -> Result<&WriteTable<'t>> {
        match self.table.get() {
            Some(table) => Ok(table),
            None => self.settle(),
        }
    }

    #[inline]
    pub(crate) fn put<R>(
        &mut self,
        transaction: &'t WriteTransaction,
        key: &[u8],
        value: &[u8],
        previous: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        if !self.considered.get() {
            self.consider(transaction)?;
        }
        self.widths.check(key, value)?;
        let appending =
            self.append.get_mut().is_some() || self.ascent.count(key) > self.required_ascent.get();
        if appending && self.append(key, value)? {
            return Ok(None);
        }
        let replaced =
            self.change(|table| with_member!(table, table => insert(table, key, value, previous)))?;
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
        self.change(|table| with_member!(table, table => remove(table, key, previous)))
    }

    /// Puts an empty table in the place of this one, which takes its pages and not its entries.
    pub(crate) fn clear(&mut self, transaction: &'t WriteTransaction) -> Result<()> {
        self.considered.set(false);
        // Nobody who knows no widths needs another layout.
        let layout = match self.preferred.get() {
            Layout::Varying => self.layout,
            preferred => preferred,
        };
        if self.layout == layout && self.is_empty()? {
            return Ok(());
        }
        self.create_again(transaction, layout)
    }

    /// Takes the layout that fits the widths which the tree is asked for with.
    pub(crate) fn prefer(&self, layout: Layout) {
        self.preferred.set(layout);
        self.considered.set(false);
    }

    fn is_empty(&self) -> Result<bool> {
        let table = self.table()?;
        error::call(|| with_member!(table, table => table.is_empty()))
    }

    /// Gives an empty table the layout that was asked for last; one that holds entries stays as it is.
    #[cold]
    fn consider(&mut self, transaction: &'t WriteTransaction) -> Result<()> {
        if self.layout != self.preferred.get() && self.is_empty()? {
            self.create_again(transaction, self.preferred.get())?;
        }
        self.considered.set(true);
        Ok(())
    }

    /// Puts an empty table of this layout in the place of this one.
    fn create_again(&mut self, transaction: &'t WriteTransaction, layout: Layout) -> Result<()> {
        self.table()?;
        let table = self.table.take().ok_or_else(lost)?;
        let table = error::call(|| {
            with_member!(table, table => transaction.delete_table(table))?;
            open(transaction, &self.name, layout)
        })?;
        self.table = OnceCell::from(table);
        (self.layout, self.widths) = (layout, Widths::of(layout));
        Ok(())
    }

    /// Changes the table. A change that fails may be half done: the tree is lost then.
    #[inline]
    fn change<R>(&mut self, change: impl FnOnce(&mut WriteTable<'t>) -> Result<R>) -> Result<R> {
        self.table()?;
        let table = self.table.get_mut().ok_or_else(lost)?;
        let error = match change(table) {
            Ok(result) => return Ok(result),
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
    fn settle(&self) -> Result<&WriteTable<'t>> {
        let append = self.append.take().ok_or_else(lost)?;
        let (table, entries) = error::call(|| append.finish())?;
        self.required_ascent.set(if entries >= WORTHWHILE {
            FIRST_ASCENT
        } else {
            self.required_ascent
                .get()
                .saturating_mul(2)
                .min(LONGEST_ASCENT)
        });
        Ok(self.table.get_or_init(|| table))
    }
}

fn open<'t>(
    transaction: &'t WriteTransaction,
    name: &str,
    layout: Layout,
) -> Result<WriteTable<'t>, TableError> {
    make_member!(layout, K, V => {
        transaction.open_table(TableDefinition::<Bytes<K>, Bytes<V>>::new(name))
    })
}

#[inline]
fn insert<const K: usize, const V: usize, R>(
    table: &mut Table<'_, Bytes<K>, Bytes<V>>,
    key: &[u8],
    value: &[u8],
    previous: impl FnOnce(&[u8]) -> R,
) -> Result<Option<R>> {
    let replaced = error::call(|| table.insert(key, value).inspect(error::probe))?;
    Ok(replaced.map(|guard| previous(guard.value())))
}

#[inline]
fn remove<const K: usize, const V: usize, R>(
    table: &mut Table<'_, Bytes<K>, Bytes<V>>,
    key: &[u8],
    previous: impl FnOnce(&[u8]) -> R,
) -> Result<Option<R>> {
    let removed = error::call(|| table.remove(key).inspect(error::probe))?;
    Ok(removed.map(|guard| previous(guard.value())))
}

self_cell!(
    /// A table together with the cursor that inserts into it.
    struct Append<'t> {
        owner: MutBorrow<WriteTable<'t>>,

        #[not_covariant]
        dependent: Insertion,
    }
);

struct Insertion<'c> {
    /// `None` once it is closed.
    cursor: Option<LaidOut<InsertionCursors<'c>>>,
    entries: u32,
}

/// An insertion cursor for each layout.
struct InsertionCursors<'c>(PhantomData<&'c ()>);

impl<'c> Family for InsertionCursors<'c> {
    type Member<const K: usize, const V: usize> = CursorMut<'c, Bytes<K>, Bytes<V>>;
}

impl<'t> Append<'t> {
    /// Opens a cursor where `key` belongs.
    fn at(table: WriteTable<'t>, key: &[u8]) -> redb::Result<Self> {
        Self::try_new(MutBorrow::new(table), |table| {
            let table = table.borrow_mut();
            let cursor = map_member!(table, table => table.lower_bound_mut(Bound::Included(key)))?;
            Ok(Insertion {
                cursor: Some(cursor),
                entries: 0,
            })
        })
    }

    fn put(&mut self, key: &[u8], value: &[u8]) -> redb::Result<(), CursorError> {
        self.with_dependent_mut(|_, insertion| {
            if let Some(cursor) = &mut insertion.cursor {
                with_member!(cursor, cursor => cursor.insert_before(key, value))?;
                insertion.entries = insertion.entries.saturating_add(1);
            }
            Ok(())
        })
    }

    /// The table with all that was appended, and how many entries that were.
    fn finish(mut self) -> redb::Result<(WriteTable<'t>, u32)> {
        let entries = self.with_dependent_mut(|_, insertion| {
            if let Some(cursor) = insertion.cursor.take() {
                with_member!(cursor, cursor => cursor.close())?;
            }
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
