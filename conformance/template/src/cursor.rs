//! A cursor over one tree.

use std::ops::Bound;

use netabase_core::driver::{Bounds, Cursor, Direction, Result, Resume};

use crate::database::{Bytes, Tree};

/// A cursor over one tree: a snapshot of it, and the keys that are still ahead.
#[derive(Debug)]
pub struct TemplateCursor {
    tree: Tree,
    lower: Bound<Bytes>,
    upper: Bound<Bytes>,
    direction: Direction,
    /// From where the next step goes on; `None` for the beginning.
    from: Option<(Bytes, Resume)>,
    current: Option<(Bytes, Bytes)>,
    ended: bool,
}

impl TemplateCursor {
    pub(crate) fn new(tree: Tree, bounds: Bounds<'_>, direction: Direction) -> Self {
        Self {
            tree,
            lower: bounds.lower.map(Bytes::from),
            upper: bounds.upper.map(Bytes::from),
            direction,
            from: None,
            current: None,
            ended: false,
        }
    }

    /// The first entry that is ahead.
    fn ahead(&self) -> Option<(Bytes, Bytes)> {
        let mut bounds = Bounds {
            lower: self.lower.as_ref().map(|key| &**key),
            upper: self.upper.as_ref().map(|key| &**key),
        };
        if let Some((key, at)) = &self.from {
            bounds = bounds.resumed(self.direction, key, *at);
        }
        // The map below takes no inverted range.
        if bounds.is_empty() {
            return None;
        }
        let mut range = self.tree.range::<_, [u8]>((bounds.lower, bounds.upper));
        let (key, value) = match self.direction {
            Direction::Forward => range.next(),
            Direction::Backward => range.next_back(),
        }?;
        Some((Bytes::clone(key), Bytes::clone(value)))
    }
}

impl Cursor for TemplateCursor {
    fn advance(&mut self) -> Result<bool> {
        self.current = if self.ended { None } else { self.ahead() };
        match &self.current {
            Some((key, _)) => self.from = Some((Bytes::clone(key), Resume::After)),
            None => self.ended = true,
        }
        Ok(!self.ended)
    }

    fn key(&self) -> &[u8] {
        self.current.as_ref().map_or(&[], |(key, _)| key)
    }

    fn value(&self) -> &[u8] {
        self.current.as_ref().map_or(&[], |(_, value)| value)
    }

    fn seek(&mut self, key: &[u8]) -> Result<()> {
        self.from = Some((key.into(), Resume::At));
        self.current = None;
        self.ended = false;
        Ok(())
    }
}
