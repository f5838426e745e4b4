//! Read and write transactions.

use netabase_core::driver::kit::trees::{Named, TreeTable};
use netabase_core::driver::kit::turn::Turn;
use netabase_core::driver::{Bounds, Direction, Durability, Read, Result, TreeId, Write};
use netabase_core::forward_read;

use crate::cursor::TemplateCursor;
use crate::database::{Committed, Tree, Trees};

/// A read transaction: everything as it was when it began.
#[derive(Debug)]
pub struct TemplateReader {
    view: View,
}

impl TemplateReader {
    pub(crate) fn new(committed: Trees) -> Self {
        Self {
            view: View::new(committed),
        }
    }
}

/// A write transaction: its own view, which `commit` publishes and a drop forgets.
#[derive(Debug)]
pub struct TemplateWriter {
    view: View,
    committed: Committed,
    /// Refuses a second writer until this one is gone. An engine that does so by itself needs none.
    _turn: Turn,
}

impl TemplateWriter {
    pub(crate) fn new(committed: Committed, turn: Turn) -> Self {
        let trees = committed.lock().clone();
        Self {
            view: View::new(trees),
            committed,
            _turn: turn,
        }
    }
}

// Reading is the same in both: in what the transaction sees.
forward_read!(TemplateReader, view, TemplateCursor<'t>);
forward_read!(TemplateWriter, view, TemplateCursor<'t>);

impl Write for TemplateWriter {
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

    // Nothing is on disk, so both durabilities are the same. An engine on disk waits for it when asked for `Immediate`.
    fn commit(self, _: Durability) -> Result<()> {
        *self.committed.lock() = self.view.into_trees();
        Ok(())
    }
}

/// The trees as one transaction sees them.
#[derive(Debug)]
struct View {
    began_with: Trees,
    /// The trees that were asked for.
    trees: TreeTable<OpenTree>,
}

#[derive(Debug)]
struct OpenTree {
    name: String,
    tree: Tree,
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

    fn tree_mut(&mut self, id: TreeId) -> Result<&mut Tree> {
        Ok(&mut self.trees.get_mut(id)?.tree)
    }

    /// What the transaction began with, with its changes. A tree without entries is none.
    fn into_trees(self) -> Trees {
        let mut trees = self.began_with;
        for OpenTree { name, tree } in self.trees.into_trees() {
            match tree.is_empty() {
                true => trees.remove(&name),
                false => trees.insert(name, tree),
            };
        }
        trees
    }
}

impl Read for View {
    type Cursor<'t> = TemplateCursor<'t>;

    // A tree that nobody wrote to is empty, and asking for it creates nothing.
    fn tree(&self, name: &str) -> Result<TreeId> {
        self.trees.resolve(name, |name| {
            Ok(OpenTree {
                name: name.to_owned(),
                tree: self.began_with.get(name).cloned().unwrap_or_default(),
            })
        })
    }

    fn get<R>(
        &self,
        tree: TreeId,
        key: &[u8],
        visit: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        let tree = &self.trees.get(tree)?.tree;
        Ok(tree.get(key).map(|value| visit(value)))
    }

    fn cursor(
        &self,
        tree: TreeId,
        bounds: Bounds<'_>,
        direction: Direction,
    ) -> Result<TemplateCursor<'_>> {
        let tree = &self.trees.get(tree)?.tree;
        Ok(TemplateCursor::new(tree, bounds, direction))
    }

    fn len(&self, tree: TreeId) -> Result<u64> {
        Ok(self.trees.get(tree)?.tree.len() as u64)
    }
}
