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
    /// `None` for a tree that does not exist.
    position: Option<redb::Cursor<'t, Bytes, Bytes>>,
    /// The value is `None` once it was given up.
    entry: Option<(AccessGuard<'t, Bytes>, Option<AccessGuard<'t, Bytes>>)>,
    at_end: bool,
    direction: Direction,
    bounds: OwnedBounds,
    /// `None` for a tree that does not exist.
    table: Option<&'t T>,
}

impl<'t, T: ReadableTable<Bytes, Bytes>> RedbCursor<'t, T> {
    #[inline]
    pub(crate) fn open(table: &'t T, bounds: Bounds<'_>, direction: Direction) -> Result<Self> {
        match error::call(|| position(table, bounds, direction)) {
            Ok(position) => Ok(Self {
                position: Some(position),
                entry: None,
                at_end: false,
                direction,
                bounds: OwnedBounds::new(bounds),
                table: Some(table),
            }),
            Err(error) => Err(error),
        }
    }

    pub(crate) fn empty() -> Self {
        Self {
            position: None,
            entry: None,
            at_end: true,
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
        if self.at_end {
            return Ok(false);
        }
        let direction = self.direction;
        let next = error::call(|| {
            let entry = match direction {
                Direction::Forward => position.next(),
                Direction::Backward => position.prev(),
            };
            if let Ok(Some((key, value))) = &entry {
                // Reads that would fail are to fail here.
                key.value();
                value.value();
            }
            entry
        });
        match next {
            Ok(entry) => self.entry = entry.map(|(key, value)| (key, Some(value))),
            Err(error) => {
                self.end();
                return Err(error);
            }
        }
        match &self.entry {
            Some((key, _)) if self.bounds.reaches(self.direction, key.value()) => Ok(true),
            _ => {
                self.end();
                Ok(false)
            }
        }
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

    fn seek(&mut self, key: &[u8]) -> Result<()> {
        self.end();
        if let Some(table) = self.table {
            let bounds = self
                .bounds
                .as_bounds()
                .resumed(self.direction, key, Resume::At);
            self.position = Some(error::call(|| position(table, bounds, self.direction))?);
            self.at_end = false;
        }
        Ok(())
    }
}

impl<'t, T> RedbCursor<'t, T> {
    /// Gives up the value of the current entry.
    #[inline]
    pub(crate) fn take_value(&mut self) -> Option<AccessGuard<'t, Bytes>> {
        self.entry.as_mut().and_then(|(_, value)| value.take())
    }

    #[inline]
    fn end(&mut self) {
        self.entry = None;
        self.at_end = true;
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
) -> redb::Result<redb::Cursor<'t, Bytes, Bytes>> {
    match direction {
        Direction::Forward => table.lower_bound(bounds.lower),
        Direction::Backward => table.upper_bound(bounds.upper),
    }
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

    fn as_bounds(&self) -> Bounds<'_> {
        Bounds {
            lower: self.lower(),
            upper: self.upper(),
        }
    }

    #[inline]
    fn lower(&self) -> Bound<&[u8]> {
        self.lower.map(|()| &self.keys[..self.lower_length])
    }

    #[inline]
    fn upper(&self) -> Bound<&[u8]> {
        self.upper.map(|()| &self.keys[self.lower_length..])
    }

    /// Whether a cursor of this direction that met `key` is still within.
    #[inline]
    fn reaches(&self, direction: Direction, key: &[u8]) -> bool {
        match direction {
            Direction::Forward => Bounds {
                upper: self.upper(),
                ..Bounds::ALL
            }
            .reaches_up_to(key),
            Direction::Backward => Bounds {
                lower: self.lower(),
                ..Bounds::ALL
            }
            .reaches_down_to(key),
        }
    }
}

fn key_of(bound: Bound<&[u8]>) -> &[u8] {
    match bound {
        Bound::Included(key) | Bound::Excluded(key) => key,
        Bound::Unbounded => &[],
    }
}
