//! Read and write transactions on a memory database.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use super::cursor::MemoryCursor;
use super::database::{Tree, Trees, Turn};
use crate::driver::{Bounds, Direction, Durability, PinnedRead, Read, Result, TreeId, Write};

/// A read transaction: a snapshot of every tree, taken at no cost in its beginning.
#[derive(Debug)]
pub struct MemoryReader {
    trees: OpenTrees,
}

impl MemoryReader {
    pub(super) fn new(snapshot: Trees) -> Self {
        Self {
            trees: OpenTrees::new(snapshot),
        }
    }
}

impl Read for MemoryReader {
    type Cursor<'t> = MemoryCursor<'t>;

    fn tree(&self, name: &str) -> Result<TreeId> {
        Ok(self.trees.open(name))
    }

    #[inline]
    fn get<R>(
        &self,
        tree: TreeId,
        key: &[u8],
        visit: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        Ok(self.trees.get(tree)?.get(key).map(|value| visit(value)))
    }

    fn cursor(
        &self,
        tree: TreeId,
        bounds: Bounds<'_>,
        direction: Direction,
    ) -> Result<MemoryCursor<'_>> {
        Ok(MemoryCursor::new(self.trees.get(tree)?, bounds, direction))
    }

    fn len(&self, tree: TreeId) -> Result<u64> {
        Ok(self.trees.get(tree)?.len() as u64)
    }
}

impl PinnedRead for MemoryReader {
    type Guard<'t> = &'t [u8];

    #[inline]
    fn get_pinned(&self, tree: TreeId, key: &[u8]) -> Result<Option<&[u8]>> {
        Ok(self.trees.get(tree)?.get(key).map(|value| &**value))
    }

    #[inline]
    fn pin_value<'t>(cursor: &mut MemoryCursor<'t>) -> Option<&'t [u8]>
    where
        Self: 't,
    {
        cursor.pinned_value()
    }
}

/// A write transaction: its own copy of what it changes, published by `commit` and forgotten by drop.
#[derive(Debug)]
pub struct MemoryWriter {
    trees: OpenTrees,
    turn: Turn,
}

impl MemoryWriter {
    pub(super) fn new(turn: Turn, committed: Trees) -> Self {
        Self {
            trees: OpenTrees::new(committed),
            turn,
        }
    }
}

impl Read for MemoryWriter {
    type Cursor<'t> = MemoryCursor<'t>;

    fn tree(&self, name: &str) -> Result<TreeId> {
        Ok(self.trees.open(name))
    }

    #[inline]
    fn get<R>(
        &self,
        tree: TreeId,
        key: &[u8],
        visit: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        Ok(self.trees.get(tree)?.get(key).map(|value| visit(value)))
    }

    fn cursor(
        &self,
        tree: TreeId,
        bounds: Bounds<'_>,
        direction: Direction,
    ) -> Result<MemoryCursor<'_>> {
        Ok(MemoryCursor::new(self.trees.get(tree)?, bounds, direction))
    }

    fn len(&self, tree: TreeId) -> Result<u64> {
        Ok(self.trees.get(tree)?.len() as u64)
    }
}

impl Write for MemoryWriter {
    fn put<R>(
        &mut self,
        tree: TreeId,
        key: &[u8],
        value: &[u8],
        previous: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        let before = self.trees.get_mut(tree)?.insert(key.into(), value.into());
        Ok(before.map(|value| previous(&value)))
    }

    fn remove<R>(
        &mut self,
        tree: TreeId,
        key: &[u8],
        previous: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        let before = self.trees.get_mut(tree)?.remove(key);
        Ok(before.map(|value| previous(&value)))
    }

    fn clear(&mut self, tree: TreeId) -> Result<()> {
        self.trees.get_mut(tree)?.clear();
        Ok(())
    }

    fn commit(self, _: Durability) -> Result<()> {
        self.turn.publish(self.trees.into_changed());
        Ok(())
    }
}

/// The trees that a transaction has resolved, by id, over those that it began with.
///
/// Slots lie in chunks of doubling size that never move, so that a cursor may borrow a tree while `tree(&self)` adds
/// another.
struct OpenTrees {
    began_with: Trees,
    ids: RefCell<HashMap<Arc<str>, TreeId>>,
    chunks: [OnceCell<Box<[OnceCell<OpenTree>]>>; u32::BITS as usize],
}

struct OpenTree {
    name: Arc<str>,
    tree: Tree,
    changed: bool,
}

/// The chunk of an id and its place in the chunk: chunk `n` holds `2^n` slots. `None` for an id that is never given.
fn place(id: TreeId) -> Option<(usize, usize)> {
    let number = id.0.checked_add(1)?;
    let chunk = number.ilog2();
    Some((chunk as usize, (number - (1 << chunk)) as usize))
}

impl OpenTrees {
    fn new(began_with: Trees) -> Self {
        Self {
            began_with,
            ids: RefCell::default(),
            chunks: [const { OnceCell::new() }; u32::BITS as usize],
        }
    }

    fn open(&self, name: &str) -> TreeId {
        let mut ids = self.ids.borrow_mut();
        if let Some(id) = ids.get(name) {
            return *id;
        }
        let id = TreeId(ids.len() as u32);
        let (name, tree) = match self.began_with.get_key_value(name) {
            Some((name, tree)) => (Arc::clone(name), tree.clone()),
            None => (Arc::from(name), Tree::new()),
        };
        if let Some((chunk, index)) = place(id) {
            let chunk = self.chunks[chunk]
                .get_or_init(|| (0..1usize << chunk).map(|_| OnceCell::new()).collect());
            chunk[index].get_or_init(|| OpenTree {
                name: Arc::clone(&name),
                tree,
                changed: false,
            });
        }
        ids.insert(name, id);
        id
    }

    #[inline]
    fn get(&self, id: TreeId) -> Result<&Tree> {
        place(id)
            .and_then(|(chunk, index)| self.chunks.get(chunk)?.get()?.get(index)?.get())
            .map(|open| &open.tree)
            .ok_or_else(|| id.unknown())
    }

    /// The tree of this id, from now on one of those that a commit publishes.
    #[inline]
    fn get_mut(&mut self, id: TreeId) -> Result<&mut Tree> {
        let open = place(id)
            .and_then(|(chunk, index)| {
                self.chunks
                    .get_mut(chunk)?
                    .get_mut()?
                    .get_mut(index)?
                    .get_mut()
            })
            .ok_or_else(|| id.unknown())?;
        open.changed = true;
        Ok(&mut open.tree)
    }

    /// What the transaction began with, with its changes.
    fn into_changed(self) -> Trees {
        let mut trees = self.began_with;
        let open = self
            .chunks
            .into_iter()
            .filter_map(OnceCell::into_inner)
            .flatten()
            .filter_map(OnceCell::into_inner);
        for OpenTree {
            name,
            tree,
            changed,
        } in open
        {
            match (changed, tree.is_empty()) {
                (false, _) => {}
                (true, true) => {
                    trees.remove(&name);
                }
                (true, false) => {
                    trees.insert(name, tree);
                }
            }
        }
        trees
    }
}

impl fmt::Debug for OpenTrees {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.ids.borrow().keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_id_has_a_place_of_its_own() {
        let mut expected = Vec::new();
        for chunk in 0..4usize {
            expected.extend((0..1usize << chunk).map(|index| Some((chunk, index))));
        }
        let places: Vec<_> = (0..15).map(|id| place(TreeId(id))).collect();
        assert_eq!(places, expected);
        assert_eq!(place(TreeId(u32::MAX)), None);
        assert_eq!(place(TreeId(u32::MAX - 1)), Some((31, (1 << 31) - 1)));
    }

    #[test]
    fn a_tree_opened_later_leaves_a_borrowed_one_in_place() {
        let trees = OpenTrees::new(Trees::new());
        let first = trees.open("first");
        let borrowed = trees.get(first).unwrap();
        for number in 0..100 {
            assert_eq!(trees.open(&number.to_string()), TreeId(number + 1));
        }
        assert!(std::ptr::eq(borrowed, trees.get(first).unwrap()));
        assert_eq!(trees.open("first"), first);
    }
}
