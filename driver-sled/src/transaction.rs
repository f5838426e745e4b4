//! Read and write transactions; each tree is looked up once and kept until the transaction ends.

use std::fmt;
use std::sync::Arc;

use netabase_core::driver::kit::trees::TreeTable;
use netabase_core::driver::kit::turn::Turn;
use netabase_core::driver::{Bounds, Direction, Durability, Read, Result, TreeId, Write};

use crate::cursor::{SledReadCursor, SledWriteCursor, count};
use crate::engine::Shared;
use crate::error;
use crate::history::SharedTree;
use crate::large;
use crate::write_tree::WriteTree;

/// A read transaction: the trees as they were when it began.
///
/// Costs nothing while nobody commits. What commits replace is kept for it for as long as it lives.
pub struct SledReader {
    trees: TreeTable<Arc<SharedTree>>,
    version: u64,
    shared: Arc<Shared>,
}

impl SledReader {
    #[inline]
    pub(crate) fn begin(shared: Arc<Shared>) -> Self {
        Self {
            trees: TreeTable::new(),
            version: shared.snapshots.begin(),
            shared,
        }
    }
}

impl Read for SledReader {
    type Cursor<'t> = SledReadCursor<'t>;

    #[inline]
    fn tree(&self, name: &str) -> Result<TreeId> {
        self.trees.resolve(name, |name| Ok(self.shared.tree(name)))
    }

    #[inline]
    fn get<R>(
        &self,
        tree: TreeId,
        key: &[u8],
        visit: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        let tree = self.trees.get(tree)?;
        let Some(engine) = tree.engine() else {
            return Ok(None);
        };
        let value = match engine.get(key) {
            Ok(value) => value,
            Err(error) => return Err(error::engine(error)),
        };
        if tree.is_newer_than(self.version)
            && let Some(replaced) = tree.replaced_since(self.version, key)
        {
            return Ok(replaced.as_deref().map(visit));
        }
        match value {
            None => Ok(None),
            Some(root) if large::is_large(&root) => {
                let whole = tree.large(self.version, key, &root)?;
                Ok(Some(visit(&whole)))
            }
            Some(value) => Ok(Some(visit(&value))),
        }
    }

    #[inline]
    fn cursor(
        &self,
        tree: TreeId,
        bounds: Bounds<'_>,
        direction: Direction,
    ) -> Result<SledReadCursor<'_>> {
        let tree = self.trees.get(tree)?;
        Ok(SledReadCursor::open(tree, self.version, bounds, direction))
    }

    /// The number of entries in a tree. Reads the whole tree if nobody has asked since the database was opened.
    fn len(&self, tree: TreeId) -> Result<u64> {
        counted(self.trees.get(tree)?, self.version)
    }
}

impl Drop for SledReader {
    #[inline]
    fn drop(&mut self) {
        self.shared.snapshots.end(self.version);
    }
}

impl fmt::Debug for SledReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SledReader")
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

/// A write transaction: changes in memory, over trees that nobody else changes meanwhile.
pub struct SledWriter {
    trees: TreeTable<WriteTree>,
    /// What is visible to a transaction that begins now.
    version: u64,
    shared: Arc<Shared>,
    _turn: Turn,
}

impl SledWriter {
    pub(crate) fn begin(shared: &Arc<Shared>) -> Result<Self> {
        let turn = shared.begin_write()?;
        Ok(Self {
            trees: TreeTable::new(),
            version: shared.snapshots.visible(),
            shared: Arc::clone(shared),
            _turn: turn,
        })
    }
}

impl Read for SledWriter {
    type Cursor<'t> = SledWriteCursor<'t>;

    fn tree(&self, name: &str) -> Result<TreeId> {
        self.trees
            .resolve(name, |name| Ok(WriteTree::new(self.shared.tree(name))))
    }

    #[inline]
    fn get<R>(
        &self,
        tree: TreeId,
        key: &[u8],
        visit: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        self.trees.get(tree)?.get(key, visit)
    }

    #[inline]
    fn cursor(
        &self,
        tree: TreeId,
        bounds: Bounds<'_>,
        direction: Direction,
    ) -> Result<SledWriteCursor<'_>> {
        let tree = self.trees.get(tree)?;
        Ok(SledWriteCursor::open(tree, bounds, direction))
    }

    /// The number of entries in a tree. Reads the whole tree if nobody has asked since the database was opened.
    fn len(&self, tree: TreeId) -> Result<u64> {
        let tree = self.trees.get(tree)?;
        tree.len(|| counted(tree.tree(), self.version))
    }
}

impl Write for SledWriter {
    #[inline]
    fn put<R>(
        &mut self,
        tree: TreeId,
        key: &[u8],
        value: &[u8],
        previous: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        self.trees.get_mut(tree)?.put(key, value, previous)
    }

    #[inline]
    fn remove<R>(
        &mut self,
        tree: TreeId,
        key: &[u8],
        previous: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        self.trees.get_mut(tree)?.remove(key, previous)
    }

    /// Costs nothing here; the commit removes entry by entry.
    fn clear(&mut self, tree: TreeId) -> Result<()> {
        self.trees.get_mut(tree)?.clear();
        Ok(())
    }

    fn commit(self, durability: Durability) -> Result<()> {
        self.shared.commit(self.trees.into_trees(), durability)
    }
}

impl fmt::Debug for SledWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SledWriter").finish_non_exhaustive()
    }
}

/// The number of entries of a tree in this version, counted once.
fn counted(tree: &SharedTree, version: u64) -> Result<u64> {
    if let Some(entries) = tree.entries_at(version) {
        return Ok(entries);
    }
    let entries = count(tree, version)?;
    tree.counted(version, entries);
    Ok(entries)
}
