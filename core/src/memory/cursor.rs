//! A cursor over one tree of a memory database.

use std::fmt;

use imbl::ordmap::RangedIter;
use imbl::shared_ptr::DefaultSharedPtr;

use super::committed::{Bytes, Tree};
use crate::driver::kit::bounds::CursorBounds;
use crate::driver::{Bounds, Cursor, Direction, Result};

/// A cursor over one tree of a memory database.
pub struct MemoryCursor<'t> {
    tree: &'t Tree,
    bounds: CursorBounds,
    direction: Direction,
    ahead: RangedIter<'t, Bytes, Bytes, DefaultSharedPtr>,
    current: Option<(&'t [u8], &'t [u8])>,
}

impl<'t> MemoryCursor<'t> {
    pub(super) fn new(tree: &'t Tree, bounds: Bounds<'_>, direction: Direction) -> Self {
        Self {
            tree,
            bounds: bounds.into(),
            direction,
            ahead: range(tree, bounds),
            current: None,
        }
    }

    /// The value of the current entry, for as long as the tree lives.
    #[inline]
    pub(super) fn pinned_value(&self) -> Option<&'t [u8]> {
        self.current.map(|(_, value)| value)
    }
}

fn range<'t>(tree: &'t Tree, bounds: Bounds<'_>) -> RangedIter<'t, Bytes, Bytes, DefaultSharedPtr> {
    tree.range::<_, [u8]>((bounds.lower, bounds.upper))
}

impl Cursor for MemoryCursor<'_> {
    #[inline]
    fn advance(&mut self) -> Result<bool> {
        let entry = match self.direction {
            Direction::Forward => self.ahead.next(),
            Direction::Backward => self.ahead.next_back(),
        };
        self.current = entry.map(|(key, value)| (&**key, &**value));
        Ok(self.current.is_some())
    }

    #[inline]
    fn key(&self) -> &[u8] {
        self.current.map_or(&[], |(key, _)| key)
    }

    #[inline]
    fn value(&self) -> &[u8] {
        self.current.map_or(&[], |(_, value)| value)
    }

    fn seek(&mut self, key: &[u8]) -> Result<()> {
        self.ahead = range(self.tree, self.bounds.sought(self.direction, key));
        self.current = None;
        Ok(())
    }
}

impl fmt::Debug for MemoryCursor<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryCursor")
            .field("key", &self.key())
            .field("direction", &self.direction)
            .finish_non_exhaustive()
    }
}
