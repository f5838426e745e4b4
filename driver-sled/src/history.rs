//! A tree as all transactions share it: sled's tree, and what running snapshots still need of its past.
//!
//! # How a snapshot is kept
//! Commits have ascending numbers, versions; a snapshot of version `v` shows what the commits up to `v` left. A commit
//! *announces* its changes, each with the value that it replaces, before it touches sled's tree. A read takes the value
//! from sled's tree first and looks into the history afterwards; the value replaced by the first commit after `v` that
//! changed the key, if there is one, wins.
//!
//! This is never torn. Let `c` be the first commit after `v` that changes the key.
//! - If the read did not see `c` in sled's tree, it saw the value as it was before `c`, which is the value at `v`: no
//!   commit between `v` and `c` changed it. If the history has `c` by now, it holds that same value.
//! - If the read saw `c`, or a later commit, then `c` was announced before. The announcement stored
//!   [`newest`](SharedTree::newest) and filled the history under its lock before the first change to sled's tree, and
//!   sled publishes a change with a compare-and-swap that the read then observed. So the read, which looks at `newest`
//!   only after it has the value, sees it above `v` and finds `c` in the history.
//! - What `c` replaced is not forgotten before every snapshot below `c` is gone, and the read is part of one.
//!
//! The same holds for a key that is missing, and so for all keys between two neighbours that sled's iterator gave: each
//! is missing at `v`, or the history has it. A cursor may therefore read ahead in sled's tree as far as it likes, as
//! long as it asks the history, afterwards, for the whole stretch that it passes.
//!
//! Nothing here makes a reader wait for a commit as a whole, or a commit for a reader: the lock is held for one lookup,
//! or for some hundred entries of a commit.

use std::borrow::Borrow;
use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use netabase_core::driver::kit::trees::Named;
use netabase_core::driver::{Bounds, Direction, Result};
use sled::IVec;

use crate::change::Changes;
use crate::error;
use crate::large::{self, Chunks};

/// Entries that are moved, or forgotten, while the lock is held once.
const STRETCH: usize = 256;

/// A value that a commit replaced; `None` where there was none.
pub(crate) type Replaced = Option<IVec>;

/// A tree as all transactions of a store share it.
pub(crate) struct SharedTree {
    name: Box<str>,
    /// Empty until a commit writes to the tree.
    engine: OnceLock<sled::Tree>,
    /// Where the values lie that are too long for the tree.
    chunks: Arc<Chunks>,
    /// The newest version that changes the tree, from before the change is begun.
    newest: AtomicU64,
    past: RwLock<Past>,
}

#[derive(Default)]
struct Past {
    /// The changes of the newest version, until they are kept or forgotten.
    announced: Option<(u64, Arc<Changes>)>,
    /// What older versions replaced, for each key in the order of the versions.
    kept: BTreeMap<IVec, Vec<(u64, Replaced)>>,
    /// The keys in `kept`, in the order in which they are forgotten.
    order: VecDeque<(u64, Vec<IVec>)>,
    /// The number of entries in the newest version, once somebody has counted.
    entries: Option<u64>,
    /// By how much versions changed the number of entries.
    growth: VecDeque<(u64, i64)>,
}

impl Named for SharedTree {
    #[inline]
    fn name(&self) -> &str {
        &self.name
    }
}

impl SharedTree {
    /// A tree that sled does not have yet.
    pub(crate) fn missing(name: &str, chunks: Arc<Chunks>) -> Self {
        Self {
            name: name.into(),
            engine: OnceLock::new(),
            chunks,
            newest: AtomicU64::new(0),
            past: RwLock::new(Past {
                entries: Some(0),
                ..Past::default()
            }),
        }
    }

    /// A tree that sled has.
    pub(crate) fn existing(name: &str, engine: sled::Tree, chunks: Arc<Chunks>) -> Self {
        Self {
            name: name.into(),
            engine: OnceLock::from(engine),
            chunks,
            newest: AtomicU64::new(0),
            past: RwLock::default(),
        }
    }

    /// sled's tree; `None` as long as nothing was ever committed to it.
    #[inline]
    pub(crate) fn engine(&self) -> Option<&sled::Tree> {
        self.engine.get()
    }

    /// Where the rest of the tree's large values is.
    #[inline]
    pub(crate) fn chunks(&self) -> &Chunks {
        &self.chunks
    }

    /// sled's tree, made with `make` if there is none.
    pub(crate) fn engine_or_make(
        &self,
        make: impl FnOnce() -> sled::Result<sled::Tree>,
    ) -> Result<&sled::Tree> {
        if let Some(engine) = self.engine.get() {
            return Ok(engine);
        }
        let engine = make().map_err(error::engine)?;
        Ok(self.engine.get_or_init(|| engine))
    }

    fn past(&self) -> RwLockReadGuard<'_, Past> {
        self.past.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn past_mut(&self) -> RwLockWriteGuard<'_, Past> {
        self.past.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a commit after `version` changes the tree. To be asked after sled's tree.
    #[inline]
    pub(crate) fn is_newer_than(&self, version: u64) -> bool {
        self.newest.load(Ordering::Acquire) > version
    }

    /// The whole value that `version` has under `key`, where sled's tree has this root record.
    ///
    /// To be asked after the history was: a chunk that is missing now was taken by a commit that began later, and the
    /// history has what it replaced.
    #[cold]
    pub(crate) fn large(&self, version: u64, key: &[u8], root: &[u8]) -> Result<IVec> {
        match self.chunks.assembled(root)? {
            Some(whole) => Ok(whole),
            None => self
                .replaced_since(version, key)
                .flatten()
                .ok_or_else(large::incomplete),
        }
    }

    /// What the first commit after `version` that changed `key` replaced; `None` if there was no such commit.
    pub(crate) fn replaced_since(&self, version: u64, key: &[u8]) -> Option<Replaced> {
        let past = self.past();
        if let Some(replaced) = past.kept.get(key).and_then(|all| first(all, version)) {
            return Some(replaced.clone());
        }
        Some(past.announced_after(version)?.get(key)?.before.clone())
    }

    /// The first key within `bounds`, seen from `direction`, that a commit after `version` changed, and what the first
    /// such commit replaced.
    pub(crate) fn next_replaced_since(
        &self,
        version: u64,
        bounds: Bounds<'_>,
        direction: Direction,
    ) -> Option<(IVec, Replaced)> {
        if bounds.is_empty() {
            return None;
        }
        let past = self.past();
        let kept = in_direction(
            past.kept.range::<[u8], _>(range(bounds)),
            direction,
            |all| first(all, version),
        );
        let announced = past.announced_after(version).and_then(|changes| {
            let range = changes.range::<[u8], _>(range(bounds));
            in_direction(range, direction, |change| Some(&change.before))
        });
        let (key, replaced) = match (kept, announced) {
            (Some(kept), Some(announced)) => {
                let kept_first = match direction {
                    Direction::Forward => kept.0 <= announced.0,
                    Direction::Backward => kept.0 >= announced.0,
                };
                if kept_first { kept } else { announced }
            }
            (kept, announced) => kept.or(announced)?,
        };
        Some((key.clone(), replaced.clone()))
    }

    /// The number of entries in this version, if the entries were counted.
    pub(crate) fn entries_at(&self, version: u64) -> Option<u64> {
        let past = self.past();
        let entries = past.entries?;
        Some(entries.saturating_add_signed(-past.growth_since(version)))
    }

    /// Takes note of the number of entries in a version that a running transaction sees.
    pub(crate) fn counted(&self, version: u64, entries: u64) {
        let mut past = self.past_mut();
        let growth = past.growth_since(version);
        past.entries
            .get_or_insert(entries.saturating_add_signed(growth));
    }

    /// Prepares the snapshots for a version that is about to change sled's tree.
    pub(crate) fn announce(&self, version: u64, changes: Arc<Changes>, growth: i64) {
        let mut past = self.past_mut();
        past.announced = Some((version, changes));
        past.growth.push_back((version, growth));
        past.entries = past
            .entries
            .map(|entries| entries.saturating_add_signed(growth));
        self.newest.store(version, Ordering::Release);
    }

    /// Keeps what the announced version replaced, as far as a snapshot of `newest_snapshot` or an older one needs it;
    /// nothing at all if there is no snapshot.
    pub(crate) fn settle(&self, newest_snapshot: Option<u64>) {
        let announced = {
            let mut past = self.past_mut();
            if newest_snapshot.is_none() {
                past.growth.clear();
                past.announced.take()
            } else {
                past.announced.clone()
            }
        };
        let (Some((version, changes)), Some(newest_snapshot)) = (announced, newest_snapshot) else {
            return;
        };
        let mut changes = changes.iter().peekable();
        while changes.peek().is_some() {
            let mut keys = Vec::new();
            let mut past = self.past_mut();
            for (key, change) in changes.by_ref().take(STRETCH) {
                let all = past.kept.entry(key.clone()).or_default();
                // Without a snapshot since the last entry, nobody can need another one.
                if all.last().is_none_or(|(last, _)| *last <= newest_snapshot) {
                    all.push((version, change.before.clone()));
                    keys.push(key.clone());
                }
            }
            if !keys.is_empty() {
                past.order.push_back((version, keys));
            }
        }
        let mut past = self.past_mut();
        let announced = past.announced.take();
        past.join_growth(newest_snapshot);
        drop(past);
        drop(announced);
    }

    /// Forgets what no snapshot from `oldest` on needs.
    pub(crate) fn forget(&self, oldest: u64) {
        loop {
            let mut past = self.past_mut();
            while past.growth.front().is_some_and(|(v, _)| *v <= oldest) {
                past.growth.pop_front();
            }
            if past.order.front().is_none_or(|(v, _)| *v > oldest) {
                return;
            }
            let Some((_, keys)) = past.order.pop_front() else {
                return;
            };
            for key in keys {
                if let Some(all) = past.kept.get_mut(&key) {
                    all.retain(|(version, _)| *version > oldest);
                    if all.is_empty() {
                        past.kept.remove(&key);
                    }
                }
            }
        }
    }

    /// The number of replaced values that are kept.
    #[cfg(test)]
    pub(crate) fn kept(&self) -> usize {
        self.past().kept.values().map(Vec::len).sum()
    }

    /// Whether nothing is kept for snapshots.
    pub(crate) fn has_no_past(&self) -> bool {
        let past = self.past();
        past.announced.is_none() && past.order.is_empty() && past.growth.is_empty()
    }
}

impl Past {
    fn announced_after(&self, version: u64) -> Option<&Changes> {
        match &self.announced {
            Some((newest, changes)) if *newest > version => Some(changes),
            _ => None,
        }
    }

    fn growth_since(&self, version: u64) -> i64 {
        self.growth
            .iter()
            .rev()
            .take_while(|(changed, _)| *changed > version)
            .map(|(_, growth)| growth)
            .sum()
    }

    /// Joins the last two growths if no snapshot lies between them.
    fn join_growth(&mut self, newest_snapshot: u64) {
        let mut from_last = self.growth.iter_mut().rev();
        if let (Some((_, last)), Some((version, sum))) = (from_last.next(), from_last.next())
            && newest_snapshot < *version
        {
            *sum += *last;
            self.growth.pop_back();
        }
    }
}

/// What the first version after this one replaced.
fn first(all: &[(u64, Replaced)], version: u64) -> Option<&Replaced> {
    all.iter()
        .find(|(changed, _)| *changed > version)
        .map(|(_, replaced)| replaced)
}

/// The first entry of a range, seen from `direction`, for which `choose` has something.
fn in_direction<'a, T, R>(
    range: std::collections::btree_map::Range<'a, IVec, T>,
    direction: Direction,
    choose: impl Fn(&'a T) -> Option<R>,
) -> Option<(&'a IVec, R)> {
    let choose = |(key, value): (&'a IVec, &'a T)| Some((key, choose(value)?));
    match direction {
        Direction::Forward => range.map(choose).find_map(|chosen| chosen),
        Direction::Backward => range.rev().map(choose).find_map(|chosen| chosen),
    }
}

fn range<'a>(bounds: Bounds<'a>) -> (Bound<&'a [u8]>, Bound<&'a [u8]>) {
    (bounds.lower, bounds.upper)
}

/// A key as a bound borrows it.
pub(crate) fn borrowed(bound: &Bound<IVec>) -> Bound<&[u8]> {
    bound.as_ref().map(Borrow::borrow)
}
