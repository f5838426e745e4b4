//! Read and write transactions.

use std::cell::RefCell;

use netabase_core::driver::{Bounds, Direction, Durability, Read, Result, TreeId, Write};

use crate::cursor::TemplateCursor;
use crate::database::{Tree, Trees, Turn};

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
    turn: Turn,
}

impl TemplateWriter {
    pub(crate) fn new(committed: Trees, turn: Turn) -> Self {
        Self {
            view: View::new(committed),
            turn,
        }
    }
}

/// Reading is the same in both: in what the transaction sees.
macro_rules! read {
    ($transaction:ty) => {
        impl Read for $transaction {
            type Cursor<'t> = TemplateCursor;

            fn tree(&self, name: &str) -> Result<TreeId> {
                Ok(self.view.open(name))
            }

            fn get<R>(
                &self,
                tree: TreeId,
                key: &[u8],
                visit: impl FnOnce(&[u8]) -> R,
            ) -> Result<Option<R>> {
                Ok(self.view.tree(tree)?.get(key).map(|value| visit(value)))
            }

            fn cursor(
                &self,
                tree: TreeId,
                bounds: Bounds<'_>,
                direction: Direction,
            ) -> Result<TemplateCursor> {
                Ok(TemplateCursor::new(
                    self.view.tree(tree)?,
                    bounds,
                    direction,
                ))
            }

            fn len(&self, tree: TreeId) -> Result<u64> {
                Ok(self.view.tree(tree)?.len() as u64)
            }
        }
    };
}

read!(TemplateReader);
read!(TemplateWriter);

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
        self.turn.publish(self.view.into_trees());
        Ok(())
    }
}

/// The trees as one transaction sees them.
#[derive(Debug)]
struct View {
    began_with: Trees,
    /// The trees that were asked for; a [`TreeId`] is a place in this list.
    opened: RefCell<Vec<(String, Tree)>>,
}

impl View {
    fn new(began_with: Trees) -> Self {
        Self {
            began_with,
            opened: RefCell::default(),
        }
    }

    /// The id of a tree. One that nobody wrote to is empty, and asking for it creates nothing.
    fn open(&self, name: &str) -> TreeId {
        let mut opened = self.opened.borrow_mut();
        let place = opened.iter().position(|(known, _)| known == name);
        let place = place.unwrap_or_else(|| {
            let tree = self.began_with.get(name).cloned().unwrap_or_default();
            opened.push((name.to_owned(), tree));
            opened.len() - 1
        });
        TreeId(place as u32)
    }

    fn tree(&self, id: TreeId) -> Result<Tree> {
        let opened = self.opened.borrow();
        let (_, tree) = opened.get(id.0 as usize).ok_or_else(|| id.unknown())?;
        Ok(tree.clone())
    }

    fn tree_mut(&mut self, id: TreeId) -> Result<&mut Tree> {
        let opened = self.opened.get_mut().get_mut(id.0 as usize);
        let (_, tree) = opened.ok_or_else(|| id.unknown())?;
        Ok(tree)
    }

    /// What the transaction began with, with its changes. A tree without entries is none.
    fn into_trees(self) -> Trees {
        let mut trees = self.began_with;
        for (name, tree) in self.opened.into_inner() {
            match tree.is_empty() {
                true => trees.remove(&name),
                false => trees.insert(name, tree),
            };
        }
        trees
    }
}
