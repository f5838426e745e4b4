//! Read and write transactions on a memory database.

use std::sync::Arc;

use super::committed::{Committed, Tree, Trees};
use super::cursor::MemoryCursor;
use crate::driver::kit::trees::{Named, TreeTable};
use crate::driver::kit::turn::Turn;
use crate::driver::{Bounds, Direction, Durability, PinnedRead, Read, Result, TreeId, Write};
use crate::forward_read;

/// A read transaction: a snapshot of every tree, taken at no cost in its beginning.
#[derive(Debug)]
pub struct MemoryReader {
    view: View,
}

impl MemoryReader {
    pub(super) fn new(committed: Trees) -> Self {
        Self {
            view: View::new(committed),
        }
    }
}

/// A write transaction: its own copy of what it changes, published by `commit` and forgotten by drop.
#[derive(Debug)]
pub struct MemoryWriter {
    view: View,
    committed: Committed,
    _turn: Turn,
}

impl MemoryWriter {
    pub(super) fn new(committed: Committed, turn: Turn) -> Self {
        Self {
            view: View::new(committed.snapshot()),
            committed,
            _turn: turn,
        }
    }
}

forward_read!(MemoryReader, view, MemoryCursor<'t>);
forward_read!(MemoryWriter, view, MemoryCursor<'t>);

impl PinnedRead for MemoryReader {
    type Guard<'t> = &'t [u8];

    #[inline]
    fn get_pinned(&self, tree: TreeId, key: &[u8]) -> Result<Option<&[u8]>> {
        Ok(self.view.tree(tree)?.get(key).map(|value| &**value))
    }

    #[inline]
    fn pin_value<'t>(cursor: &mut MemoryCursor<'t>) -> Option<&'t [u8]>
    where
        Self: 't,
    {
        cursor.pinned_value()
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
        let before = self.view.tree_mut(tree)?.insert(key.into(), value.into());
        Ok(before.map(|value| previous(&value)))
    }

    fn remove<R>(
        &mut self,
        tree: TreeId,
        key: &[u8],
        previous: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        let before = self.view.tree_mut(tree)?.remove(key);
        Ok(before.map(|value| previous(&value)))
    }

    fn clear(&mut self, tree: TreeId) -> Result<()> {
        self.view.tree_mut(tree)?.clear();
        Ok(())
    }

    fn commit(self, _: Durability) -> Result<()> {
        self.committed.publish(self.view.into_trees());
        Ok(())
    }
}

/// The trees as one transaction sees them.
#[derive(Debug)]
struct View {
    began_with: Trees,
    trees: TreeTable<OpenTree>,
}

#[derive(Debug)]
struct OpenTree {
    name: Arc<str>,
    tree: Tree,
    changed: bool,
}

impl Named for OpenTree {
    fn name(&self) -> &str {
        &self.name
    }
}

impl View {
    fn new(began_with: Trees) -> Self {
        Self {
            began_with,
            trees: TreeTable::new(),
        }
    }

    #[inline]
    fn tree(&self, id: TreeId) -> Result<&Tree> {
        self.trees.get(id).map(|open| &open.tree)
    }

    /// The tree of this id, from now on one of those that a commit publishes.
    #[inline]
    fn tree_mut(&mut self, id: TreeId) -> Result<&mut Tree> {
        let open = self.trees.get_mut(id)?;
        open.changed = true;
        Ok(&mut open.tree)
    }

    /// What the transaction began with, with its changes. A tree without entries is none.
    fn into_trees(self) -> Trees {
        let mut trees = self.began_with;
        for open in self.trees.into_trees().filter(|open| open.changed) {
            match open.tree.is_empty() {
                true => trees.remove(&open.name),
                false => trees.insert(open.name, open.tree),
            };
        }
        trees
    }
}

impl Read for View {
    type Cursor<'t> = MemoryCursor<'t>;

    fn tree(&self, name: &str) -> Result<TreeId> {
        self.trees.resolve(name, |name| {
            let (name, tree) = match self.began_with.get_key_value(name) {
                Some((name, tree)) => (Arc::clone(name), tree.clone()),
                None => (Arc::from(name), Tree::new()),
            };
            Ok(OpenTree {
                name,
                tree,
                changed: false,
            })
        })
    }

    #[inline]
    fn get<R>(
        &self,
        tree: TreeId,
        key: &[u8],
        visit: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        Ok(self.tree(tree)?.get(key).map(|value| visit(value)))
    }

    fn cursor(
        &self,
        tree: TreeId,
        bounds: Bounds<'_>,
        direction: Direction,
    ) -> Result<MemoryCursor<'_>> {
        Ok(MemoryCursor::new(self.tree(tree)?, bounds, direction))
    }

    fn len(&self, tree: TreeId) -> Result<u64> {
        Ok(self.tree(tree)?.len() as u64)
    }
}
