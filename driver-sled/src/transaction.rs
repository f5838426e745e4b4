//! Read and write transactions; each tree is looked up once and kept until the transaction ends.

use std::cell::OnceCell;
use std::fmt;
use std::sync::Arc;

use elsa::FrozenVec;
use netabase_core::driver::{
    Bounds, Direction, DriverError, Durability, ErrorKind, Read, Result, TreeId, Write,
};

use crate::changes::WriteTree;
use crate::cursor::{SledReadCursor, SledWriteCursor, count};
use crate::database::{Shared, Turn};
use crate::error;
use crate::history::SharedTree;
use crate::large;

/// A read transaction: the trees as they were when it began.
///
/// Costs nothing while nobody commits. What commits replace is kept for it for as long as it lives.
pub struct SledReader {
    /// The tree with the id 0. Most transactions ask for no other, and this one allocates nothing.
    first: OnceCell<Arc<SharedTree>>,
    /// The trees with the ids from 1 on.
    others: FrozenVec<Arc<SharedTree>>,
    version: u64,
    shared: Arc<Shared>,
}

impl SledReader {
    #[inline]
    pub(crate) fn begin(shared: Arc<Shared>) -> Self {
        Self {
            first: OnceCell::new(),
            others: FrozenVec::new(),
            version: shared.snapshots.begin(),
            shared,
        }
    }

    #[inline]
    fn resolved(&self, id: TreeId) -> Result<&SharedTree> {
        let tree = match id.0.checked_sub(1) {
            None => self.first.get().map(|tree| &**tree),
            Some(place) => self.others.get(place as usize),
        };
        tree.ok_or_else(|| id.unknown())
    }
}

impl Read for SledReader {
    type Cursor<'t> = SledReadCursor<'t>;

    #[inline]
    fn tree(&self, name: &str) -> Result<TreeId> {
        if self.first.get_or_init(|| self.shared.tree(name)).name() == name {
            return Ok(TreeId(0));
        }
        if let Some(place) = self.others.iter().position(|tree| tree.name() == name) {
            return id(place + 1);
        }
        let id = id(self.others.len() + 1)?;
        self.others.push(self.shared.tree(name));
        Ok(id)
    }

    #[inline]
    fn get<R>(
        &self,
        tree: TreeId,
        key: &[u8],
        visit: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        let tree = self.resolved(tree)?;
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
        let tree = self.resolved(tree)?;
        Ok(SledReadCursor::open(tree, self.version, bounds, direction))
    }

    /// The number of entries in a tree. Reads the whole tree if nobody has asked since the database was opened.
    fn len(&self, tree: TreeId) -> Result<u64> {
        let tree = self.resolved(tree)?;
        if let Some(entries) = tree.entries_at(self.version) {
            return Ok(entries);
        }
        let entries = count(tree, self.version)?;
        tree.counted(self.version, entries);
        Ok(entries)
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
    trees: FrozenVec<Box<WriteTree>>,
    /// What is visible to a transaction that begins now.
    version: u64,
    turn: Turn,
}

impl SledWriter {
    pub(crate) fn new(turn: Turn) -> Self {
        Self {
            trees: FrozenVec::new(),
            version: turn.shared().snapshots.visible(),
            turn,
        }
    }

    #[inline]
    fn resolved(&self, id: TreeId) -> Result<&WriteTree> {
        self.trees.get(id.0 as usize).ok_or_else(|| id.unknown())
    }

    #[inline]
    fn resolved_mut(&mut self, id: TreeId) -> Result<&mut WriteTree> {
        match self.trees.as_mut().get_mut(id.0 as usize) {
            Some(tree) => Ok(tree),
            None => Err(id.unknown()),
        }
    }
}

impl Read for SledWriter {
    type Cursor<'t> = SledWriteCursor<'t>;

    fn tree(&self, name: &str) -> Result<TreeId> {
        let mut trees = self.trees.iter();
        if let Some(place) = trees.position(|tree| tree.tree().name() == name) {
            return id(place);
        }
        let id = id(self.trees.len())?;
        let tree = self.turn.shared().tree(name);
        self.trees.push(Box::new(WriteTree::new(tree)));
        Ok(id)
    }

    #[inline]
    fn get<R>(
        &self,
        tree: TreeId,
        key: &[u8],
        visit: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        self.resolved(tree)?.get(key, visit)
    }

    #[inline]
    fn cursor(
        &self,
        tree: TreeId,
        bounds: Bounds<'_>,
        direction: Direction,
    ) -> Result<SledWriteCursor<'_>> {
        let tree = self.resolved(tree)?;
        Ok(SledWriteCursor::open(tree, bounds, direction))
    }

    /// The number of entries in a tree. Reads the whole tree if nobody has asked since the database was opened.
    fn len(&self, tree: TreeId) -> Result<u64> {
        let tree = self.resolved(tree)?;
        tree.len(|| {
            let tree = tree.tree();
            if let Some(entries) = tree.entries_at(self.version) {
                return Ok(entries);
            }
            let entries = count(tree, self.version)?;
            tree.counted(self.version, entries);
            Ok(entries)
        })
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
        self.resolved_mut(tree)?.put(key, value, previous)
    }

    #[inline]
    fn remove<R>(
        &mut self,
        tree: TreeId,
        key: &[u8],
        previous: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        self.resolved_mut(tree)?.remove(key, previous)
    }

    /// Costs nothing here; the commit removes entry by entry.
    fn clear(&mut self, tree: TreeId) -> Result<()> {
        self.resolved_mut(tree)?.clear();
        Ok(())
    }

    fn commit(self, durability: Durability) -> Result<()> {
        let trees = self.trees.into_vec().into_iter().map(|tree| *tree);
        self.turn.commit(trees, durability)
    }
}

impl fmt::Debug for SledWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SledWriter").finish_non_exhaustive()
    }
}

#[inline]
fn id(place: usize) -> Result<TreeId> {
    u32::try_from(place).map(TreeId).map_err(|_| too_many())
}

#[cold]
fn too_many() -> DriverError {
    DriverError::new(
        ErrorKind::LimitExceeded,
        "the transaction has more trees open than there are ids; begin another one",
    )
}
