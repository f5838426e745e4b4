//! Cursors: a redb cursor, the entry it stands on, and the bounds it keeps within.

use std::fmt;
use std::ops::Bound;

use netabase_core::driver::{Bounds, Cursor, Direction, Result, Resume};
use redb::{AccessGuard, ReadableTable};

use crate::error;
use crate::transaction::Bytes;

/// A position among the entries of one table, `T`.
///
/// It holds the page of its current entry; keys and values are read in place.
pub struct RedbCursor<'t, T> {
    /// `None` at the end.
    position: Option<redb::Cursor<'t, Bytes, Bytes>>,
    key: Option<AccessGuard<'t, Bytes>>,
    value: Option<AccessGuard<'t, Bytes>>,
    direction: Direction,
    bounds: OwnedBounds,
    /// `None` for a tree that does not exist.
    table: Option<&'t T>,
}

impl<'t, T: ReadableTable<Bytes, Bytes>> RedbCursor<'t, T> {
    #[inline]
    pub(crate) fn open(table: &'t T, bounds: Bounds<'_>, direction: Direction) -> Result<Self> {
        Ok(Self {
            position: Some(position(table, bounds, direction)?),
            key: None,
            value: None,
            direction,
            bounds: OwnedBounds::new(bounds),
            table: Some(table),
        })
    }

    pub(crate) fn empty() -> Self {
        Self {
            position: None,
            key: None,
            value: None,
            direction: Direction::Forward,
            bounds: OwnedBounds::new(Bounds::ALL),
            table: None,
        }
    }
}

impl<T: ReadableTable<Bytes, Bytes>> Cursor for RedbCursor<'_, T> {
    #[inline]
    fn advance(&mut self) -> Result<bool> {
        let Some(position) = &mut self.position else {
            return Ok(false);
        };
        let next = match self.direction {
            Direction::Forward => position.next(),
            Direction::Backward => position.prev(),
        };
        match next {
            Ok(Some((key, value))) if self.bounds.reaches(self.direction, key.value()) => {
                self.key = Some(key);
                self.value = Some(value);
                Ok(true)
            }
            Ok(_) => {
                self.end();
                Ok(false)
            }
            Err(error) => {
                self.end();
                Err(error::engine(error))
            }
        }
    }

    #[inline]
    fn key(&self) -> &[u8] {
        match &self.key {
            Some(key) => key.value(),
            None => &[],
        }
    }

    #[inline]
    fn value(&self) -> &[u8] {
        match &self.value {
            Some(value) => value.value(),
            None => &[],
        }
    }

    fn seek(&mut self, key: &[u8]) -> Result<()> {
        self.end();
        if let Some(table) = self.table {
            let bounds = self
                .bounds
                .as_bounds()
                .resumed(self.direction, key, Resume::At);
            self.position = Some(position(table, bounds, self.direction)?);
        }
        Ok(())
    }
}

impl<'t, T> RedbCursor<'t, T> {
    /// Gives up the value of the current entry.
    #[inline]
    pub(crate) fn take_value(&mut self) -> Option<AccessGuard<'t, Bytes>> {
        self.value.take()
    }

    fn end(&mut self) {
        self.position = None;
        self.key = None;
        self.value = None;
    }
}

impl<T> fmt::Debug for RedbCursor<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedbCursor")
            .field("direction", &self.direction)
            .field("bounds", &self.bounds.as_bounds())
            .finish_non_exhaustive()
    }
}

/// The gap before the first entry within `bounds`, seen from `direction`.
#[inline]
fn position<'t>(
    table: &'t impl ReadableTable<Bytes, Bytes>,
    bounds: Bounds<'_>,
    direction: Direction,
) -> Result<redb::Cursor<'t, Bytes, Bytes>> {
    match direction {
        Direction::Forward => table.lower_bound(bounds.lower),
        Direction::Backward => table.upper_bound(bounds.upper),
    }
    .map_err(error::engine)
}

/// Bounds in one allocation, or none where both ends are open.
struct OwnedBounds {
    lower: Bound<()>,
    upper: Bound<()>,
    /// The lower key, then the upper one.
    keys: Vec<u8>,
    lower_length: usize,
}

impl OwnedBounds {
    #[inline]
    fn new(bounds: Bounds<'_>) -> Self {
        let (lower, upper) = (key_of(bounds.lower), key_of(bounds.upper));
        let mut keys = Vec::with_capacity(lower.len() + upper.len());
        keys.extend_from_slice(lower);
        keys.extend_from_slice(upper);
        Self {
            lower: bounds.lower.map(|_| ()),
            upper: bounds.upper.map(|_| ()),
            lower_length: lower.len(),
            keys,
        }
    }

    #[inline]
    fn as_bounds(&self) -> Bounds<'_> {
        let (lower, upper) = self.keys.split_at(self.lower_length);
        Bounds {
            lower: self.lower.map(|()| lower),
            upper: self.upper.map(|()| upper),
        }
    }

    /// Whether a cursor of this direction that met `key` is still within.
    #[inline]
    fn reaches(&self, direction: Direction, key: &[u8]) -> bool {
        let bounds = self.as_bounds();
        match direction {
            Direction::Forward => bounds.reaches_up_to(key),
            Direction::Backward => bounds.reaches_down_to(key),
        }
    }
}

fn key_of(bound: Bound<&[u8]>) -> &[u8] {
    match bound {
        Bound::Included(key) | Bound::Excluded(key) => key,
        Bound::Unbounded => &[],
    }
}
