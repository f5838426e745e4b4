//! Cursors: sled's iterator, with what a snapshot or a write transaction sees differently merged in.

use std::borrow::Borrow;
use std::fmt;
use std::mem;
use std::ops::Bound;

use netabase_core::driver::kit::bounds::CursorBounds;
use netabase_core::driver::{Bounds, Cursor, Direction, DriverError, Result};
use sled::IVec;

use crate::error;
use crate::history::{SharedTree, borrowed};
use crate::large;
use crate::write_tree::WriteTree;

/// A position among the entries of a tree as a snapshot shows it, while others go on committing.
pub struct SledReadCursor<'t>(Merged<'t, Snapshot<'t>>);

/// A position among the entries of a tree as a write transaction has changed it.
pub struct SledWriteCursor<'t>(Merged<'t, &'t WriteTree>);

impl<'t> SledReadCursor<'t> {
    #[inline]
    pub(crate) fn open(
        tree: &'t SharedTree,
        version: u64,
        bounds: Bounds<'_>,
        direction: Direction,
    ) -> Self {
        let snapshot = Snapshot { tree, version };
        Self(Merged::open(tree.engine(), snapshot, bounds, direction))
    }

    /// A cursor that gives the beginning of large values only.
    fn open_for_keys(tree: &'t SharedTree, version: u64) -> Self {
        let mut cursor = Self::open(tree, version, Bounds::ALL, Direction::Forward);
        cursor.0.keys_only = true;
        cursor
    }
}

impl<'t> SledWriteCursor<'t> {
    #[inline]
    pub(crate) fn open(tree: &'t WriteTree, bounds: Bounds<'_>, direction: Direction) -> Self {
        Self(Merged::open(tree.engine(), tree, bounds, direction))
    }
}

macro_rules! delegate {
    ($cursor:ident) => {
        impl Cursor for $cursor<'_> {
            #[inline]
            fn advance(&mut self) -> Result<bool> {
                self.0.advance()
            }

            #[inline]
            fn key(&self) -> &[u8] {
                self.0.current.as_ref().map_or(&[], |(key, _)| key)
            }

            #[inline]
            fn value(&self) -> &[u8] {
                self.0.current.as_ref().map_or(&[], |(_, value)| value)
            }

            fn seek(&mut self, key: &[u8]) -> Result<()> {
                self.0.seek(key);
                Ok(())
            }
        }

        impl fmt::Debug for $cursor<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($cursor))
                    .field("direction", &self.0.direction)
                    .field("bounds", &self.0.bounds)
                    .finish_non_exhaustive()
            }
        }
    };
}

delegate!(SledReadCursor);
delegate!(SledWriteCursor);

/// Counts the entries of a tree in one version. Reads all of it.
pub(crate) fn count(tree: &SharedTree, version: u64) -> Result<u64> {
    let mut cursor = SledReadCursor::open_for_keys(tree, version);
    let mut entries = 0;
    while cursor.advance()? {
        entries += 1;
    }
    Ok(entries)
}

/// Where a view of a tree differs from sled's tree.
trait Differences {
    /// Whether there is any.
    fn any(&self) -> bool;

    /// The first key within `bounds`, seen from `direction`, at which the view differs, and the value that it shows.
    fn next(&self, bounds: Bounds<'_>, direction: Direction) -> Option<(IVec, Option<IVec>)>;

    /// The whole value that the view shows under a key at which it did not differ, and sled's tree has this root record.
    fn large(&self, key: &[u8], root: IVec) -> Result<IVec>;
}

struct Snapshot<'t> {
    tree: &'t SharedTree,
    version: u64,
}

impl Differences for Snapshot<'_> {
    #[inline]
    fn any(&self) -> bool {
        self.tree.is_newer_than(self.version)
    }

    fn next(&self, bounds: Bounds<'_>, direction: Direction) -> Option<(IVec, Option<IVec>)> {
        self.tree
            .next_replaced_since(self.version, bounds, direction)
    }

    fn large(&self, key: &[u8], root: IVec) -> Result<IVec> {
        self.tree.large(self.version, key, &root)
    }
}

impl Differences for &WriteTree {
    #[inline]
    fn any(&self) -> bool {
        !self.changes().is_empty()
    }

    fn next(&self, bounds: Bounds<'_>, direction: Direction) -> Option<(IVec, Option<IVec>)> {
        if bounds.is_empty() {
            return None;
        }
        let mut range = self
            .changes()
            .range::<[u8], _>((bounds.lower, bounds.upper));
        let (key, change) = match direction {
            Direction::Forward => range.next(),
            Direction::Backward => range.next_back(),
        }?;
        Some((key.clone(), change.after.clone()))
    }

    fn large(&self, _key: &[u8], root: IVec) -> Result<IVec> {
        self.tree().chunks().whole(root)
    }
}

/// sled's iterator, read one entry ahead, merged with differences.
///
/// The differences are asked only after the iterator, and for the whole stretch between the last key passed and the one
/// that it gave; [`history`](crate::history) says why this never shows a torn view.
struct Merged<'t, D> {
    /// `None` where there is no tree in sled.
    engine: Option<&'t sled::Tree>,
    /// `None` after its end.
    entries: Option<sled::Iter>,
    /// The entry that `entries` gave last, until it is passed.
    ahead: Option<(IVec, IVec)>,
    differences: D,
    /// Every key up to here was passed, seen from `direction`.
    passed: Passed,
    current: Option<(IVec, IVec)>,
    at_end: bool,
    /// Whether large values are left as sled's tree has them.
    keys_only: bool,
    direction: Direction,
    bounds: CursorBounds,
}

/// How far a cursor has come.
enum Passed {
    /// To where it was opened, or sought.
    To(Bound<IVec>),
    /// To its current entry.
    Current,
}

impl<'t, D: Differences> Merged<'t, D> {
    #[inline]
    fn open(
        engine: Option<&'t sled::Tree>,
        differences: D,
        bounds: Bounds<'_>,
        direction: Direction,
    ) -> Self {
        let mut cursor = Self {
            engine,
            entries: None,
            ahead: None,
            differences,
            passed: Passed::Current,
            current: None,
            at_end: false,
            keys_only: false,
            direction,
            bounds: bounds.into(),
        };
        cursor.start(bounds);
        cursor
    }

    /// Stands before the first entry within `bounds`, which lie within the cursor's own.
    #[inline]
    fn start(&mut self, bounds: Bounds<'_>) {
        self.current = None;
        self.ahead = None;
        self.at_end = bounds.is_empty();
        self.passed = Passed::To(
            match self.direction {
                Direction::Forward => bounds.lower,
                Direction::Backward => bounds.upper,
            }
            .map(IVec::from),
        );
        self.entries = match self.engine {
            Some(engine) if !self.at_end => {
                Some(engine.range::<&[u8], _>((bounds.lower, bounds.upper)))
            }
            _ => None,
        };
    }

    fn seek(&mut self, key: &[u8]) {
        let bounds = mem::take(&mut self.bounds);
        self.start(bounds.sought(self.direction, key));
        self.bounds = bounds;
    }

    #[inline]
    fn advance(&mut self) -> Result<bool> {
        if self.at_end {
            return Ok(false);
        }
        loop {
            if self.ahead.is_none() {
                let next = match self.next_in_engine() {
                    Ok(next) => next,
                    Err(error) => return self.fail(error::engine(error)),
                };
                if !self.differences.any() {
                    return self.show(next);
                }
                self.ahead = next;
            }
            if let Some(found) = self.step() {
                return found;
            }
        }
    }

    #[inline]
    fn next_in_engine(&mut self) -> sled::Result<Option<(IVec, IVec)>> {
        let Some(entries) = &mut self.entries else {
            return Ok(None);
        };
        let next = match self.direction {
            Direction::Forward => entries.next(),
            Direction::Backward => entries.next_back(),
        };
        if next.is_none() {
            self.entries = None;
        }
        next.transpose()
    }

    /// Makes an entry of the engine's the current one; gives whether there is one.
    #[inline]
    fn show(&mut self, entry: Option<(IVec, IVec)>) -> Result<bool> {
        self.at_end = entry.is_none();
        self.current = entry;
        self.passed = Passed::Current;
        if let Some((key, value)) = &mut self.current
            && large::is_large(value)
            && !self.keys_only
        {
            match self.differences.large(key, mem::take(value)) {
                Ok(whole) => *value = whole,
                Err(error) => return self.fail(error),
            }
        }
        Ok(!self.at_end)
    }

    #[cold]
    fn fail(&mut self, error: DriverError) -> Result<bool> {
        self.current = None;
        self.at_end = true;
        Err(error)
    }

    /// Passes one key that is in sled's tree or differs; `None` if the view has no entry there.
    fn step(&mut self) -> Option<Result<bool>> {
        let stretch = {
            let passed = match (&self.passed, &self.current) {
                (Passed::To(bound), _) => borrowed(bound),
                (Passed::Current, Some((key, _))) => Bound::Excluded(key.borrow()),
                (Passed::Current, None) => Bound::Unbounded,
            };
            let ahead = self.ahead.as_ref().map(|(key, _)| Bound::Included(&**key));
            match self.direction {
                Direction::Forward => Bounds {
                    lower: passed,
                    upper: ahead.unwrap_or_else(|| self.bounds.upper()),
                },
                Direction::Backward => Bounds {
                    lower: ahead.unwrap_or_else(|| self.bounds.lower()),
                    upper: passed,
                },
            }
        };
        let Some((key, value)) = self.differences.next(stretch, self.direction) else {
            let ahead = self.ahead.take();
            return Some(self.show(ahead));
        };
        if self.ahead.as_ref().is_some_and(|(ahead, _)| *ahead == key) {
            self.ahead = None;
        }
        match value {
            Some(value) => {
                self.current = Some((key, value));
                self.passed = Passed::Current;
                Some(Ok(true))
            }
            None => {
                self.passed = Passed::To(Bound::Excluded(key));
                None
            }
        }
    }
}
