//! Tables, opened with the layout that they were created with.

use redb::{ReadOnlyTable, ReadTransaction, TableDefinition, TableError};

use crate::layout::{Bytes, Family, LaidOut, Layout, make_member};

/// A table of a read transaction, for each layout.
pub(crate) struct ReadTables;

impl Family for ReadTables {
    type Member<const K: usize, const V: usize> = ReadOnlyTable<Bytes<K>, Bytes<V>>;
}

/// Opens the table of this name with the layout that it has, which is most likely `layout`.
#[inline]
pub(crate) fn open_table(
    transaction: &ReadTransaction,
    name: &str,
    layout: Layout,
) -> Result<LaidOut<ReadTables>, TableError> {
    stored_layout(layout, |layout| {
        make_member!(layout, K, V => {
            transaction.open_table(TableDefinition::<Bytes<K>, Bytes<V>>::new(name))
        })
    })
}

/// Calls `open` with `likely`, and again with the layout that the table was created with if that is another one.
#[inline]
pub(crate) fn stored_layout<T>(
    likely: Layout,
    open: impl Fn(Layout) -> Result<T, TableError>,
) -> Result<T, TableError> {
    match open(likely) {
        Err(TableError::TableTypeMismatch { table, key, value }) => {
            match Layout::of_types(&key, &value) {
                Some(stored) => open(stored),
                None => Err(TableError::TableTypeMismatch { table, key, value }),
            }
        }
        opened => opened,
    }
}
