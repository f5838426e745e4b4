//! What a write transaction changes in one tree: kept in memory until the commit, and read through.

use std::collections::btree_map::Entry;
use std::sync::Arc;

use netabase_core::driver::Result;
use netabase_core::driver::kit::trees::Named;
use sled::IVec;

use crate::change::{Change, Changes};
use crate::error;
use crate::history::SharedTree;
use crate::large;

/// Puts of new keys after which it pays to ask for the last key of a tree.
const NEW_KEYS: u32 = 8;

/// A tree of a write transaction.
pub(crate) struct WriteTree {
    tree: Arc<SharedTree>,
    changes: Changes,
    /// Whether the transaction removed everything before it made `changes`. `before` is empty in all of them then,
    /// until the commit.
    cleared: bool,
    /// By how much `changes` alter the number of entries.
    growth: i64,
    /// Whether a value in `changes` may be too long for one of sled's pages.
    large: bool,
    end: End,
}

/// All that a transaction changes in a tree.
pub(crate) struct Finished {
    pub(crate) tree: Arc<SharedTree>,
    pub(crate) changes: Changes,
    /// By how much the changes alter the number of entries.
    pub(crate) growth: i64,
    /// Whether a value before or after may be too long for one of sled's pages.
    pub(crate) large: bool,
}

/// What is known of the end of sled's tree, which stays as it is for as long as the transaction lives.
enum End {
    /// Nothing, after this many puts of new keys.
    Unknown(u32),
    /// The last key; `None` in an empty tree.
    At(Option<IVec>),
}

impl Named for WriteTree {
    fn name(&self) -> &str {
        self.tree.name()
    }
}

impl WriteTree {
    pub(crate) fn new(tree: Arc<SharedTree>) -> Self {
        Self {
            tree,
            changes: Changes::new(),
            cleared: false,
            growth: 0,
            large: false,
            end: End::Unknown(0),
        }
    }

    #[inline]
    pub(crate) fn tree(&self) -> &SharedTree {
        &self.tree
    }

    #[inline]
    pub(crate) fn changes(&self) -> &Changes {
        &self.changes
    }

    /// sled's tree, as far as this transaction still shows it.
    #[inline]
    pub(crate) fn engine(&self) -> Option<&sled::Tree> {
        if self.cleared {
            None
        } else {
            self.tree.engine()
        }
    }

    #[inline]
    pub(crate) fn get<R>(&self, key: &[u8], visit: impl FnOnce(&[u8]) -> R) -> Result<Option<R>> {
        if let Some(change) = self.changes.get(key) {
            return Ok(change.after.as_deref().map(visit));
        }
        let Some(engine) = self.engine() else {
            return Ok(None);
        };
        let Some(stored) = engine.get(key).map_err(error::engine)? else {
            return Ok(None);
        };
        if large::is_large(&stored) {
            let whole = self.tree.chunks().whole(stored)?;
            return Ok(Some(visit(&whole)));
        }
        Ok(Some(visit(&stored)))
    }

    pub(crate) fn put<R>(
        &mut self,
        key: &[u8],
        value: &[u8],
        previous: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        self.large |= large::is_large(value);
        let value = IVec::from(value);
        match self.changes.entry(IVec::from(key)) {
            Entry::Occupied(entry) => {
                let before = entry.into_mut().after.replace(value);
                self.growth += i64::from(before.is_none());
                Ok(before.as_deref().map(previous))
            }
            Entry::Vacant(entry) => {
                let before = if self.cleared {
                    None
                } else {
                    stored(&self.tree, &mut self.end, key)?
                };
                self.growth += i64::from(before.is_none());
                self.large |= before.as_deref().is_some_and(large::is_large);
                let result = before.as_deref().map(previous);
                entry.insert(Change {
                    before,
                    after: Some(value),
                });
                Ok(result)
            }
        }
    }

    pub(crate) fn remove<R>(
        &mut self,
        key: &[u8],
        previous: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        if let Some(change) = self.changes.get_mut(key) {
            let before = change.after.take();
            self.growth -= i64::from(before.is_some());
            return Ok(before.as_deref().map(previous));
        }
        let before = match self.engine() {
            Some(engine) => engine.get(key).map_err(error::engine)?,
            None => None,
        };
        let Some(before) = before else {
            return Ok(None);
        };
        let before = self.tree.chunks().whole(before)?;
        self.large |= large::is_large(&before);
        self.growth -= 1;
        let result = previous(&before);
        self.changes.insert(
            IVec::from(key),
            Change {
                before: Some(before),
                after: None,
            },
        );
        Ok(Some(result))
    }

    pub(crate) fn clear(&mut self) {
        self.changes = Changes::new();
        self.cleared = true;
        self.growth = 0;
        self.large = false;
    }

    /// The number of entries, `counted` being the one at the beginning of the transaction.
    pub(crate) fn len(&self, counted: impl FnOnce() -> Result<u64>) -> Result<u64> {
        let before = if self.cleared { 0 } else { counted()? };
        Ok(before.saturating_add_signed(self.growth))
    }

    /// All that the transaction changes in the tree, each with the value before; `None` if it changes nothing.
    pub(crate) fn finish(mut self) -> Result<Option<Finished>> {
        if self.cleared
            && let Some(engine) = self.tree.engine()
        {
            for entry in engine {
                let (key, stored) = entry.map_err(error::engine)?;
                let before = self.tree.chunks().whole(stored)?;
                self.large |= large::is_large(&before);
                self.growth -= 1;
                self.changes
                    .entry(key)
                    .or_insert(Change {
                        before: None,
                        after: None,
                    })
                    .before = Some(before);
            }
        }
        self.changes
            .retain(|_, change| change.before.is_some() || change.after.is_some());
        Ok((!self.changes.is_empty()).then_some(Finished {
            tree: self.tree,
            changes: self.changes,
            growth: self.growth,
            large: self.large,
        }))
    }
}

/// What sled's tree holds under `key`, without a descent where the key lies beyond the tree's end.
fn stored(tree: &SharedTree, end: &mut End, key: &[u8]) -> Result<Option<IVec>> {
    let Some(engine) = tree.engine() else {
        return Ok(None);
    };
    if let End::Unknown(NEW_KEYS) = end {
        let last = engine.last().map_err(error::engine)?;
        *end = End::At(last.map(|(key, _)| key));
    }
    if let End::At(last) = end
        && last.as_deref().is_none_or(|last| key > last)
    {
        return Ok(None);
    }
    match engine.get(key).map_err(error::engine)? {
        Some(stored) => tree.chunks().whole(stored).map(Some),
        None => {
            if let End::Unknown(puts) = end {
                *puts += 1;
            }
            Ok(None)
        }
    }
}
