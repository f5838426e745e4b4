//! What the handle and the transactions of a database share: its trees, and how changes are committed to sled.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use netabase_core::driver::kit::path::inaccessible;
use netabase_core::driver::kit::trees::Named;
use netabase_core::driver::kit::turn::{Turn, Turns};
use netabase_core::driver::{DriverError, Durability, ErrorKind, Result};
use sled::transaction::{ConflictableTransactionError, TransactionError};
use sled::{Batch, IVec, Transactional};

use crate::change::Changes;
use crate::commits::{self, Commits};
use crate::copy::Copy;
use crate::disk::Disk;
use crate::error;
use crate::folder;
use crate::history::SharedTree;
use crate::large::{self, ChunkChanges, Chunks};
use crate::snapshot::Snapshots;
use crate::write_tree::{Finished, WriteTree};

/// The beginning of the names that sled keeps for itself.
const RESERVED: &[u8] = b"__sled__";
/// Stands before the name of a tree that would otherwise begin like one of sled's own, or with this.
const ESCAPE: u8 = 0;

/// More bytes than sled stores with the name of a tree.
const NAME: usize = 32;

/// Entries that sled is given in one piece. Within a piece sled takes them in no order; neighbouring keys share a leaf or
/// two of its tree, so that a commit of many pieces goes through a tree from one end to the other.
const PIECE: usize = 16;

/// Trees that are known by name although nothing was ever committed to them, before unused ones are forgotten.
const MISSING_TREES: usize = 64;

/// What the handle and the transactions of a database share.
///
/// sled is closed by dropping every tree and then the database, in this order, before the lock is waited for.
pub(crate) struct Shared {
    trees: RwLock<Trees>,
    chunks: Arc<Chunks>,
    pub(crate) snapshots: Snapshots,
    engine: sled::Db,
    commits: Commits,
    path: PathBuf,
    disk: Disk,
    turns: Arc<Turns>,
    /// Whether a commit failed, so that what sled has in memory is not known.
    failed: AtomicBool,
    _release: Release,
    /// What is open in place of a database that is only read; removed last.
    copy: Option<Copy>,
}

#[derive(Default)]
struct Trees {
    by_name: BTreeMap<Box<str>, Arc<SharedTree>>,
    /// How many of them may be there before unused ones are looked for.
    room: usize,
}

impl Shared {
    /// Opens the database that this configuration of sled names.
    pub(crate) fn open(
        config: sled::Config,
        path: &Path,
        accept_lost_commits: bool,
    ) -> Result<Self> {
        // Before sled opens anything, which is not without changes.
        let closed = match accept_lost_commits {
            true => None,
            false => Some(commits::read(path)?),
        };
        let mut release = Release(None);
        let opened = error::caught("while it opened the database", || {
            config.open().map_err(|error| error::opening(path, error))
        });
        drop(config);
        // The holder of a locked database is not waited for.
        if !matches!(&opened, Err(error) if error.kind() == ErrorKind::Locked) {
            release.0 = Some(path.to_owned());
        }
        let engine = opened?;
        let commits = error::caught("while it opened the database", || {
            Commits::check(&engine, path, closed)
        })?;
        let disk = Disk::open(path).map_err(|error| inaccessible(path, error))?;
        let chunks = Arc::new(existing_chunks(&engine)?);
        Ok(Self {
            trees: RwLock::new(existing_trees(&engine, &chunks)?),
            chunks,
            snapshots: Snapshots::default(),
            engine,
            commits,
            path: path.to_owned(),
            disk,
            turns: Arc::default(),
            failed: AtomicBool::new(false),
            _release: release,
            copy: None,
        })
    }

    /// Opens a copy of the database at `original`, for reading only.
    pub(crate) fn open_copy(
        config: sled::Config,
        original: &Path,
        copy: Copy,
        accept_lost_commits: bool,
    ) -> Result<Self> {
        let opened = folder::remove_unfinished_snapshots(copy.path())
            .and_then(|()| Self::open(config, copy.path(), accept_lost_commits));
        let mut shared = opened.map_err(|error| copy.of_original(original, &error))?;
        shared.copy = Some(copy);
        Ok(shared)
    }

    /// How many bytes of a database that is only read were copied.
    pub(crate) fn copied_bytes(&self) -> u64 {
        self.copy.as_ref().map_or(0, Copy::bytes)
    }

    /// Refuses what would change a database that is only read.
    pub(crate) fn check_writable(&self) -> Result<()> {
        match self.copy {
            None => Ok(()),
            Some(_) => Err(DriverError::new(
                ErrorKind::ReadOnly,
                "the database was opened with `read_only`; open it without to write",
            )),
        }
    }

    /// Lets a transaction write.
    pub(crate) fn begin_write(&self) -> Result<Turn> {
        self.check_writable()?;
        let turn = self.turns.try_take()?;
        if self.failed.load(Ordering::Acquire) {
            return Err(DriverError::new(
                ErrorKind::Closed,
                "an earlier commit failed; close the database and open it again",
            ));
        }
        Ok(turn)
    }

    pub(crate) fn engine(&self) -> &sled::Db {
        &self.engine
    }

    /// The names of all trees that were ever committed to, ascending.
    pub(crate) fn names(&self) -> Vec<Box<str>> {
        let trees = self.trees.read().unwrap_or_else(PoisonError::into_inner);
        trees
            .by_name
            .values()
            .filter(|tree| tree.engine().is_some())
            .map(|tree| tree.name().into())
            .collect()
    }

    /// The tree of this name; sled need not have it.
    #[inline]
    pub(crate) fn tree(&self, name: &str) -> Arc<SharedTree> {
        let trees = self.trees.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(tree) = trees.by_name.get(name) {
            return Arc::clone(tree);
        }
        drop(trees);
        self.missing_tree(name)
    }

    #[cold]
    fn missing_tree(&self, name: &str) -> Arc<SharedTree> {
        let mut trees = self.trees.write().unwrap_or_else(PoisonError::into_inner);
        if trees.by_name.len() >= trees.room {
            // A name that somebody only asked for must not be remembered for ever.
            trees
                .by_name
                .retain(|_, tree| tree.engine().is_some() || Arc::strong_count(tree) > 1);
            trees.room = trees.by_name.len() * 2 + MISSING_TREES;
        }
        let tree = trees
            .by_name
            .entry(name.into())
            .or_insert_with(|| Arc::new(SharedTree::missing(name, Arc::clone(&self.chunks))));
        Arc::clone(tree)
    }

    /// Puts all that was committed on disk; gives the number of bytes that were written for it.
    pub(crate) fn flush(&self) -> Result<usize> {
        let bytes = self.engine.flush().map_err(error::engine)?;
        self.disk.synchronise().map_err(error::synchronising)?;
        Ok(bytes)
    }

    /// Makes the changes permanent and visible.
    ///
    /// After a failure nothing of them is visible, now or later, to any transaction of this store: they were announced
    /// and never become a visible version. Only further writing is over, since sled's memory may hold a part of them.
    pub(crate) fn commit(
        &self,
        trees: impl Iterator<Item = WriteTree>,
        durability: Durability,
    ) -> Result<()> {
        let version = self.snapshots.visible() + 1;
        let mut changed = Vec::new();
        for tree in trees {
            if let Some(Finished {
                tree,
                changes,
                growth,
                large,
            }) = tree.finish()?
            {
                changed.push(Changed {
                    tree,
                    changes: Arc::new(changes),
                    growth,
                    large,
                    roots: BTreeMap::new(),
                    version,
                });
            }
        }
        if changed.is_empty() {
            // Earlier commits without durability become durable with this one, even if it changes nothing.
            let flushed = match durability {
                Durability::None => Ok(()),
                Durability::Immediate => {
                    error::caught("during a commit", || self.flush()).map(drop)
                }
            };
            if flushed.is_err() {
                self.failed.store(true, Ordering::Release);
            }
            return flushed;
        }
        let chunks = self.cut(&mut changed)?;
        self.check_names(&changed, &chunks)?;
        let applied = error::caught("during a commit", || {
            self.apply(&changed, &chunks)?;
            match durability {
                Durability::None => Ok(()),
                Durability::Immediate => self.flush().map(drop),
            }
        });
        if applied.is_err() {
            self.failed.store(true, Ordering::Release);
            return applied;
        }
        let changed: Vec<_> = changed.into_iter().map(|changed| changed.tree).collect();
        self.snapshots.publish(version, changed.iter());
        Ok(())
    }

    /// Cuts what is too long for sled's pages; gives the changes of the tree of chunks.
    fn cut(&self, changed: &mut [Changed]) -> Result<ChunkChanges> {
        let mut chunks = ChunkChanges::default();
        for changed in changed.iter_mut().filter(|changed| changed.large) {
            for (key, change) in &*changed.changes {
                if change.before.as_deref().is_some_and(large::is_large)
                    && let Some(engine) = changed.tree.engine()
                    && let Some(root) = engine.get(key).map_err(error::engine)?
                {
                    Chunks::discard(&root, &mut chunks)?;
                }
                if let Some(value) = &change.after
                    && large::is_large(value)
                {
                    let root = self.chunks.cut(value, &mut chunks)?;
                    changed.roots.insert(key.clone(), root);
                }
            }
        }
        Ok(chunks)
    }

    /// Refuses new trees whose names would not fit into the page that sled keeps all names in.
    fn check_names(&self, changed: &[Changed], chunks: &ChunkChanges) -> Result<()> {
        let mut new = Vec::new();
        for changed in changed {
            if changed.tree.engine().is_none() {
                new.push(engine_name(changed.tree.name()).len());
            }
        }
        if new.is_empty() {
            return Ok(());
        }
        if !chunks.is_empty() && self.chunks.tree().is_none() {
            new.push(large::TREE.len());
        }
        let known = self.engine.tree_names();
        let lengths = known.iter().map(|name| name.len()).chain(new);
        let bytes: usize = lengths.map(|length| length + NAME).sum();
        // The tree of chunks must find room at any time.
        if bytes + large::TREE.len() + NAME > large::PAGE {
            return Err(DriverError::new(
                ErrorKind::LimitExceeded,
                "the names of all trees together would be longer than sled's page for them; use fewer trees, or shorter names",
            ));
        }
        Ok(())
    }

    /// Gives the changes to sled, as one batch of its log.
    fn apply(&self, changed: &[Changed], chunks: &ChunkChanges) -> Result<()> {
        let trees: Vec<&sled::Tree> = changed
            .iter()
            .map(|changed| {
                changed
                    .tree
                    .engine_or_make(|| self.engine.open_tree(engine_name(changed.tree.name())))
            })
            .collect::<Result<_>>()?;
        let chunk_tree = match chunks.is_empty() {
            true => None,
            false => Some(
                self.chunks
                    .tree_or_make(|| self.engine.open_tree(large::TREE))?,
            ),
        };
        for changed in changed {
            let changes = Arc::clone(&changed.changes);
            changed
                .tree
                .announce(changed.version, changes, changed.growth);
        }
        if let ([tree], [changed]) = (&*trees, changed)
            && changed.changes.len() <= PIECE
            && chunk_tree.is_none()
        {
            let mut batch = Batch::default();
            for (key, change) in &*changed.changes {
                match &change.after {
                    Some(value) => batch.insert(key, changed.stored(key, value)),
                    None => batch.remove(key),
                }
            }
            return tree.apply_batch(batch).map_err(error::committing);
        }
        let mut owners = Vec::new();
        let mut pieces = Vec::new();
        let records = trees
            .into_iter()
            .zip(changed)
            .map(|(tree, changed)| (tree, Some(changed), &*changed.changes));
        let of_chunks = |changes| chunk_tree.map(|tree| (tree, None, changes));
        let everything = of_chunks(&chunks.added)
            .into_iter()
            .chain(records)
            .chain(of_chunks(&chunks.removed));
        for (tree, changed, changes) in everything {
            let mut rest = changes.iter();
            while rest.len() > 0 {
                // A tree takes part in the transaction once for each piece; sled applies them in this order.
                owners.push(tree);
                pieces.push((changed, rest.clone().take(PIECE)));
                rest.nth(PIECE - 1);
            }
        }
        let applied = owners.as_slice().transaction(|trees| {
            for (tree, (changed, piece)) in trees.iter().zip(&pieces) {
                for (key, change) in piece.clone() {
                    match &change.after {
                        Some(value) => {
                            let stored =
                                changed.map_or(value, |changed| changed.stored(key, value));
                            tree.insert(key, stored)?
                        }
                        None => tree.remove(key)?,
                    };
                }
            }
            Ok::<(), ConflictableTransactionError<sled::Error>>(())
        });
        applied.map_err(|error| match error {
            TransactionError::Abort(error) | TransactionError::Storage(error) => {
                error::committing(error)
            }
        })
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // After a failure sled's memory may hold a part of a transaction.
        if !self.failed.load(Ordering::Acquire) {
            // An error concerns commits that a crash may lose as well.
            let _ = error::caught("while it closed the database", || {
                let new = self.snapshots.visible();
                let flush = || self.flush().map(drop);
                self.commits.close(&self.engine, &self.path, new, flush)
            });
        }
    }
}

/// What a transaction changes in one tree.
struct Changed {
    tree: Arc<SharedTree>,
    changes: Arc<Changes>,
    growth: i64,
    large: bool,
    /// What sled's tree holds in place of large values.
    roots: BTreeMap<IVec, IVec>,
    version: u64,
}

impl Changed {
    /// What sled's tree is to hold for a value.
    #[inline]
    fn stored<'a>(&'a self, key: &IVec, value: &'a IVec) -> &'a IVec {
        if large::is_large(value) {
            self.roots.get(key).unwrap_or(value)
        } else {
            value
        }
    }
}

/// Waits, when it is dropped, for sled to let go of the database in this folder, if it was opened.
struct Release(Option<PathBuf>);

impl Drop for Release {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            folder::wait_for_release(path);
        }
    }
}

fn existing_chunks(engine: &sled::Db) -> Result<Chunks> {
    if !engine.tree_names().iter().any(|name| *name == large::TREE) {
        return Ok(Chunks::default());
    }
    Chunks::existing(engine.open_tree(large::TREE).map_err(error::engine)?)
}

fn existing_trees(engine: &sled::Db, chunks: &Arc<Chunks>) -> Result<Trees> {
    let mut trees = Trees::default();
    for name in engine.tree_names() {
        // A name that is no text is another program's: no transaction can ask for it.
        if let Some(text) = tree_name(&name) {
            let tree = engine.open_tree(&name).map_err(error::engine)?;
            let tree = SharedTree::existing(text, tree, Arc::clone(chunks));
            trees.by_name.insert(text.into(), Arc::new(tree));
        }
    }
    trees.room = trees.by_name.len() + MISSING_TREES;
    Ok(trees)
}

/// What sled calls the tree of this name.
fn engine_name(name: &str) -> Cow<'_, [u8]> {
    let name = name.as_bytes();
    if name.starts_with(RESERVED) || name.first() == Some(&ESCAPE) {
        Cow::Owned([&[ESCAPE], name].concat())
    } else {
        Cow::Borrowed(name)
    }
}

/// The name of the tree that sled calls so; `None` for one of sled's own or the driver's, and for what is not a name.
fn tree_name(name: &[u8]) -> Option<&str> {
    let name = match name {
        [ESCAPE, name @ ..] if name.starts_with(RESERVED) || name.first() == Some(&ESCAPE) => name,
        [ESCAPE, ..] => return None,
        name if name.starts_with(RESERVED) => return None,
        name => name,
    };
    std::str::from_utf8(name)
        .ok()
        .filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_one_of_its_own_in_sled() {
        for name in [
            "people",
            "__sled__default",
            "__sled__",
            "__sled",
            "\0",
            "\0chunks",
            "chunks",
            "\0__sled__default",
            "größe",
        ] {
            let engine = engine_name(name);
            assert!(!engine.starts_with(RESERVED), "{name:?}");
            assert_eq!(tree_name(&engine), Some(name));
        }
        assert_eq!(engine_name("people"), &b"people"[..]);
        assert_eq!(tree_name(b"__sled__default"), None);
        assert_eq!(tree_name(large::TREE), None);
        assert_eq!(tree_name(b"\xff\xfe"), None);
        assert_eq!(tree_name(b""), None);
    }

    #[test]
    fn names_that_were_only_asked_for_are_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let config = sled::Config::new().path(folder.path());
        let shared = Shared::open(config, folder.path(), false).unwrap();
        let held = shared.tree("held");
        for number in 0..1000 {
            shared.tree(&number.to_string());
        }
        let trees = shared.trees.read().unwrap();
        assert!(trees.by_name.len() <= 4 * MISSING_TREES);
        assert!(Arc::ptr_eq(&held, &trees.by_name["held"]));
    }
}
