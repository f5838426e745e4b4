//! The bounds of a cursor, kept for as long as it lives.

use std::fmt;
use std::ops::Bound;

use crate::driver::{Bounds, Direction, Resume};

/// [`Bounds`] that a cursor owns: in one allocation, or none where both ends are open.
#[derive(Clone, Default)]
pub struct CursorBounds {
    /// The lower key, then the upper one.
    keys: Vec<u8>,
    lower_length: usize,
    lower: End,
    upper: End,
}

/// One end of the bounds, without its key.
#[derive(Clone, Copy, Default)]
enum End {
    #[default]
    Unbounded,
    Included,
    Excluded,
}

impl End {
    fn of(bound: Bound<&[u8]>) -> (Self, &[u8]) {
        match bound {
            Bound::Unbounded => (Self::Unbounded, &[]),
            Bound::Included(key) => (Self::Included, key),
            Bound::Excluded(key) => (Self::Excluded, key),
        }
    }

    #[inline]
    fn at(self, key: &[u8]) -> Bound<&[u8]> {
        match self {
            Self::Unbounded => Bound::Unbounded,
            Self::Included => Bound::Included(key),
            Self::Excluded => Bound::Excluded(key),
        }
    }
}

impl From<Bounds<'_>> for CursorBounds {
    #[inline]
    fn from(bounds: Bounds<'_>) -> Self {
        let (lower, lower_key) = End::of(bounds.lower);
        let (upper, upper_key) = End::of(bounds.upper);
        let mut keys = Vec::with_capacity(lower_key.len() + upper_key.len());
        keys.extend_from_slice(lower_key);
        keys.extend_from_slice(upper_key);
        Self {
            keys,
            lower_length: lower_key.len(),
            lower,
            upper,
        }
    }
}

impl CursorBounds {
    /// Where the keys begin.
    #[inline]
    #[must_use]
    pub fn lower(&self) -> Bound<&[u8]> {
        self.lower.at(&self.keys[..self.lower_length])
    }

    /// Where the keys end.
    #[inline]
    #[must_use]
    pub fn upper(&self) -> Bound<&[u8]> {
        self.upper.at(&self.keys[self.lower_length..])
    }

    /// Both ends.
    #[inline]
    #[must_use]
    pub fn get(&self) -> Bounds<'_> {
        Bounds {
            lower: self.lower(),
            upper: self.upper(),
        }
    }

    /// What is left of the bounds for a cursor that [seeks](crate::driver::Cursor::seek) `key`.
    #[must_use]
    pub fn sought<'a>(&'a self, direction: Direction, key: &'a [u8]) -> Bounds<'a> {
        self.get().resumed(direction, key, Resume::At)
    }

    /// Whether a cursor of this direction that has come to `key`, from within the bounds, is still within.
    #[inline]
    #[must_use]
    pub fn reach(&self, direction: Direction, key: &[u8]) -> bool {
        match (direction, self.lower, self.upper) {
            (Direction::Forward, _, End::Unbounded) | (Direction::Backward, End::Unbounded, _) => {
                true
            }
            (Direction::Forward, ..) => Bounds {
                upper: self.upper(),
                ..Bounds::ALL
            }
            .reaches_up_to(key),
            (Direction::Backward, ..) => Bounds {
                lower: self.lower(),
                ..Bounds::ALL
            }
            .reaches_down_to(key),
        }
    }
}

impl fmt::Debug for CursorBounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_the_bounds_that_they_were_made_of() {
        let ends = [
            Bound::Unbounded,
            Bound::Included(&b"k"[..]),
            Bound::Excluded(&b"ll"[..]),
        ];
        for lower in ends {
            for upper in ends {
                let bounds = Bounds { lower, upper };
                let owned = CursorBounds::from(bounds);
                assert_eq!(owned.get(), bounds);
                for key in [&b"j"[..], b"k", b"ka", b"ll", b"z"] {
                    let reached = [Direction::Forward, Direction::Backward]
                        .map(|direction| owned.reach(direction, key));
                    let expected = [bounds.reaches_up_to(key), bounds.reaches_down_to(key)];
                    assert_eq!(reached, expected, "{key:?} in {bounds:?}");
                }
            }
        }
    }
}
