//! Cursors: a redb cursor, the entry it stands on, and the bounds it keeps within.

use std::fmt;
use std::marker::PhantomData;

use netabase_core::driver::kit::bounds::CursorBounds;
use netabase_core::driver::{Bounds, Cursor, Direction, Result};
use redb::{AccessGuard, ReadOnlyTable, ReadableTable, Table};

use crate::error;
use crate::guard::RedbGuard;
use crate::layout::{Bytes, Family, LaidOut, with_member};

/// A position among the entries of one table.
///
/// It holds the page of its current entry; keys and values are read in place.
pub struct RedbCursor<'t> {
    /// `None` for a tree that does not exist.
    tree: Option<LaidOut<TreeCursors<'t>>>,
    at_end: bool,
    direction: Direction,
    bounds: CursorBounds,
}

/// A [`TreeCursor`] for each layout.
pub(crate) struct TreeCursors<'t>(PhantomData<&'t ()>);

impl<'t> Family for TreeCursors<'t> {
    type Member<const K: usize, const V: usize> = TreeCursor<'t, K, V>;
}

/// A redb cursor, and the entry that it has passed last.
pub(crate) struct TreeCursor<'t, const K: usize, const V: usize> {
    position: redb::Cursor<'t, Bytes<K>, Bytes<V>>,
    /// The value is `None` once it was given up.
    entry: Option<Entry<'t, K, V>>,
    table: TableRef<'t, K, V>,
}

type Entry<'t, const K: usize, const V: usize> =
    (AccessGuard<'t, Bytes<K>>, Option<AccessGuard<'t, Bytes<V>>>);

/// A table of a transaction of either kind.
#[derive(Clone, Copy)]
pub(crate) enum TableRef<'t, const K: usize, const V: usize> {
    ReadOnly(&'t ReadOnlyTable<Bytes<K>, Bytes<V>>),
    Writable(&'t Table<'t, Bytes<K>, Bytes<V>>),
}

impl<'t, const K: usize, const V: usize> TableRef<'t, K, V> {
    /// The gap before the first entry within `bounds`, seen from `direction`.
    #[inline]
    fn position(
        self,
        bounds: Bounds<'_>,
        direction: Direction,
    ) -> Result<redb::Cursor<'t, Bytes<K>, Bytes<V>>> {
        error::call(|| match (self, direction) {
            (Self::ReadOnly(table), Direction::Forward) => table.lower_bound(bounds.lower),
            (Self::ReadOnly(table), Direction::Backward) => table.upper_bound(bounds.upper),
            (Self::Writable(table), Direction::Forward) => table.lower_bound(bounds.lower),
            (Self::Writable(table), Direction::Backward) => table.upper_bound(bounds.upper),
        })
    }
}

impl<'t, const K: usize, const V: usize> TreeCursor<'t, K, V> {
    #[inline]
    pub(crate) fn open(
        table: TableRef<'t, K, V>,
        bounds: Bounds<'_>,
        direction: Direction,
    ) -> Result<Self> {
        Ok(Self {
            position: table.position(bounds, direction)?,
            entry: None,
            table,
        })
    }

    /// Takes the next entry, and gives it out if it is within `bounds`.
    #[inline]
    fn next(
        &mut self,
        direction: Direction,
        bounds: &CursorBounds,
    ) -> Result<Option<(&[u8], &[u8])>> {
        let Self {
            position, entry, ..
        } = self;
        error::call(|| {
            let next = match direction {
                Direction::Forward => position.next(),
                Direction::Backward => position.prev(),
            };
            let Some((key, value)) = next? else {
                return Ok::<_, redb::StorageError>(None);
            };
            let (key, value) = entry.insert((key, Some(value)));
            // Reads that would fail fail here, where that is no panic of the caller's.
            let (key, value) = (
                key.value(),
                value.as_ref().map_or(&[][..], AccessGuard::value),
            );
            Ok(bounds.reach(direction, key).then_some((key, value)))
        })
    }

    #[inline]
    fn key(&self) -> &[u8] {
        match &self.entry {
            Some((key, _)) => key.value(),
            None => &[],
        }
    }

    #[inline]
    fn value(&self) -> &[u8] {
        match &self.entry {
            Some((_, Some(value))) => value.value(),
            Some((_, None)) | None => &[],
        }
    }
}

impl<'t> RedbCursor<'t> {
    #[inline]
    pub(crate) fn new(
        tree: LaidOut<TreeCursors<'t>>,
        bounds: Bounds<'_>,
        direction: Direction,
    ) -> Self {
        Self {
            tree: Some(tree),
            at_end: false,
            direction,
            bounds: bounds.into(),
        }
    }

    pub(crate) fn empty() -> Self {
        Self {
            tree: None,
            at_end: true,
            direction: Direction::Forward,
            bounds: CursorBounds::default(),
        }
    }

    /// Gives up the value of the current entry.
    #[inline]
    pub(crate) fn take_value(&mut self) -> Option<RedbGuard<'t>> {
        let tree = self.tree.as_mut()?;
        with_member!(tree, tree => Some(tree.entry.as_mut()?.1.take()?.into()))
    }

    /// The redb cursor, unless this one is at its end or the tree does not exist.
    #[inline]
    fn current(&self) -> Option<&LaidOut<TreeCursors<'t>>> {
        if self.at_end {
            None
        } else {
            self.tree.as_ref()
        }
    }
}

impl Cursor for RedbCursor<'_> {
    #[inline]
    fn advance(&mut self) -> Result<bool> {
        self.next_entry().map(|entry| entry.is_some())
    }

    #[inline]
    fn key(&self) -> &[u8] {
        match self.current() {
            Some(tree) => with_member!(tree, tree => tree.key()),
            None => &[],
        }
    }

    #[inline]
    fn value(&self) -> &[u8] {
        match self.current() {
            Some(tree) => with_member!(tree, tree => tree.value()),
            None => &[],
        }
    }

    #[inline]
    fn next_entry(&mut self) -> Result<Option<(&[u8], &[u8])>> {
        let Self {
            tree: Some(tree),
            at_end: at_end @ false,
            direction,
            bounds,
        } = self
        else {
            return Ok(None);
        };
        let next = with_member!(tree, tree => tree.next(*direction, bounds));
        *at_end = !matches!(next, Ok(Some(_)));
        next
    }

    fn seek(&mut self, key: &[u8]) -> Result<()> {
        self.at_end = true;
        let Some(tree) = &mut self.tree else {
            return Ok(());
        };
        let bounds = self.bounds.sought(self.direction, key);
        with_member!(tree, tree => {
            tree.entry = None;
            tree.position = tree.table.position(bounds, self.direction)?;
        });
        self.at_end = false;
        Ok(())
    }
}

impl fmt::Debug for RedbCursor<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedbCursor")
            .field("direction", &self.direction)
            .field("bounds", &self.bounds)
            .finish_non_exhaustive()
    }
}
