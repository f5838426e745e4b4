//! A cursor over one tree.

use std::fmt;

use imbl::ordmap::RangedIter;
use imbl::shared_ptr::DefaultSharedPtr;
use netabase_core::driver::kit::bounds::CursorBounds;
use netabase_core::driver::{Bounds, Cursor, Direction, Result};

use crate::database::{Bytes, Tree};

/// A cursor over one tree: what is ahead of it, and the entry that it stands on.
pub struct TemplateCursor<'t> {
    tree: &'t Tree,
    bounds: CursorBounds,
    direction: Direction,
    ahead: RangedIter<'t, Bytes, Bytes, DefaultSharedPtr>,
    current: Option<(&'t [u8], &'t [u8])>,
}

impl<'t> TemplateCursor<'t> {
    pub(crate) fn new(tree: &'t Tree, bounds: Bounds<'_>, direction: Direction) -> Self {
        Self {
            tree,
            bounds: bounds.into(),
            direction,
            ahead: tree.range::<_, [u8]>((bounds.lower, bounds.upper)),
            current: None,
        }
    }
}

impl Cursor for TemplateCursor<'_> {
    fn advance(&mut self) -> Result<bool> {
        let next = match self.direction {
            Direction::Forward => self.ahead.next(),
            Direction::Backward => self.ahead.next_back(),
        };
        self.current = next.map(|(key, value)| (&**key, &**value));
        Ok(self.current.is_some())
    }

    fn key(&self) -> &[u8] {
        self.current.map_or(&[], |(key, _)| key)
    }

    fn value(&self) -> &[u8] {
        self.current.map_or(&[], |(_, value)| value)
    }

    fn seek(&mut self, key: &[u8]) -> Result<()> {
        let ahead = self.bounds.sought(self.direction, key);
        self.ahead = self.tree.range::<_, [u8]>((ahead.lower, ahead.upper));
        self.current = None;
        Ok(())
    }
}

impl fmt::Debug for TemplateCursor<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TemplateCursor")
            .field("current", &self.current)
            .finish_non_exhaustive()
    }
}
