//! Cursors: an iterator of LMDB over the keys of one tree, and the entry it stands on.

use std::fmt;

use heed::types::Bytes;
use heed::{RoRange, RoRevRange, RoTxn};
use netabase_core::driver::kit::bounds::CursorBounds;
use netabase_core::driver::kit::commands::damaged;
use netabase_core::driver::{Bounds, Cursor, Direction, Result};

use crate::error;
use crate::records::{self, Engine};

/// A position among the entries of one tree. Keys and values are read where LMDB keeps them.
pub struct LmdbCursor<'t> {
    /// `None` for a tree that nobody wrote to.
    tree: Option<TreeCursor<'t>>,
    current: Option<(&'t [u8], &'t [u8])>,
}

struct TreeCursor<'t> {
    engine: Engine<'static>,
    transaction: &'t RoTxn<'t>,
    number: u32,
    bounds: CursorBounds,
    direction: Direction,
    /// `None` at the end.
    position: Option<Position<'t>>,
}

enum Position<'t> {
    Forward(RoRange<'t, Bytes, Bytes>),
    Backward(RoRevRange<'t, Bytes, Bytes>),
}

impl<'t> TreeCursor<'t> {
    /// Before the first entry within `bounds`; `None` if no key can lie within.
    fn position(&self, bounds: Bounds<'_>) -> Result<Option<Position<'t>>> {
        if bounds.is_empty() {
            return Ok(None);
        }
        let bounds = records::engine_bounds(self.number, bounds);
        let position = match self.direction {
            Direction::Forward => self
                .engine
                .range(self.transaction, &bounds.range())
                .map(Position::Forward),
            Direction::Backward => self
                .engine
                .rev_range(self.transaction, &bounds.range())
                .map(Position::Backward),
        };
        position.map(Some).map_err(error::engine)
    }
}

impl<'t> LmdbCursor<'t> {
    pub(crate) fn open(
        engine: Engine<'static>,
        transaction: &'t RoTxn<'t>,
        number: u32,
        bounds: Bounds<'_>,
        direction: Direction,
    ) -> Result<Self> {
        let mut tree = TreeCursor {
            engine,
            transaction,
            number,
            bounds: bounds.into(),
            direction,
            position: None,
        };
        tree.position = tree.position(bounds)?;
        Ok(Self {
            tree: Some(tree),
            current: None,
        })
    }

    pub(crate) fn empty() -> Self {
        Self {
            tree: None,
            current: None,
        }
    }

    /// The value of the current entry, to be read for as long as the transaction lives.
    pub(crate) fn pinned_value(&self) -> Option<&'t [u8]> {
        self.current.map(|(_, value)| value)
    }
}

impl<'t> LmdbCursor<'t> {
    /// Moves to the next entry and gives it out for as long as the transaction lives.
    ///
    /// In damaged pages LMDB may find an entry twice and another one never.
    #[inline]
    pub(crate) fn next_pinned(&mut self) -> Result<Option<(&'t [u8], &'t [u8])>> {
        let Some(tree) = &mut self.tree else {
            return Ok(None);
        };
        let next = match &mut tree.position {
            Some(Position::Forward(entries)) => entries.next(),
            Some(Position::Backward(entries)) => entries.next(),
            None => None,
        };
        match next {
            Some(Ok((key, value))) => {
                let key = records::stripped(key);
                let is_ahead = |last| match tree.direction {
                    Direction::Forward => last < key,
                    Direction::Backward => last > key,
                };
                if !self.current.is_none_or(|(last, _)| is_ahead(last)) {
                    self.current = None;
                    tree.position = None;
                    return Err(damaged("the keys of a tree are out of order"));
                }
                self.current = Some((key, value));
                Ok(self.current)
            }
            ended => {
                self.current = None;
                tree.position = None;
                match ended {
                    Some(Err(error)) => Err(error::engine(error)),
                    Some(Ok(_)) | None => Ok(None),
                }
            }
        }
    }
}

impl Cursor for LmdbCursor<'_> {
    #[inline]
    fn advance(&mut self) -> Result<bool> {
        self.next_pinned().map(|entry| entry.is_some())
    }

    #[inline]
    fn key(&self) -> &[u8] {
        self.current.map_or(&[], |(key, _)| key)
    }

    #[inline]
    fn value(&self) -> &[u8] {
        self.current.map_or(&[], |(_, value)| value)
    }

    #[inline]
    fn next_entry(&mut self) -> Result<Option<(&[u8], &[u8])>> {
        self.next_pinned()
    }

    fn seek(&mut self, key: &[u8]) -> Result<()> {
        self.current = None;
        let Some(tree) = &mut self.tree else {
            return Ok(());
        };
        tree.position = None;
        tree.position = tree.position(tree.bounds.sought(tree.direction, key))?;
        Ok(())
    }
}

impl fmt::Debug for LmdbCursor<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LmdbCursor")
            .field("current", &self.current)
            .finish_non_exhaustive()
    }
}
