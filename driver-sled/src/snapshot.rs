//! Which version of the trees is visible, which versions running read transactions see, and what is kept for them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::history::SharedTree;

/// The visible version, and the snapshots of it and older ones.
#[derive(Default)]
pub(crate) struct Snapshots(Mutex<Registry>);

#[derive(Default)]
struct Registry {
    visible: u64,
    /// Versions that read transactions see, ascending, with the number of the transactions.
    open: VecDeque<(u64, usize)>,
    /// Trees that keep something for them.
    trees: Vec<Arc<SharedTree>>,
}

impl Snapshots {
    fn registry(&self) -> MutexGuard<'_, Registry> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The version that a new transaction sees.
    pub(crate) fn visible(&self) -> u64 {
        self.registry().visible
    }

    /// Begins a snapshot, and gives the version that it sees.
    #[inline]
    pub(crate) fn begin(&self) -> u64 {
        let mut registry = self.registry();
        let visible = registry.visible;
        match registry.open.back_mut() {
            Some((version, transactions)) if *version == visible => *transactions += 1,
            _ => registry.open.push_back((visible, 1)),
        }
        visible
    }

    /// Ends a snapshot, and forgets what was kept for it alone.
    #[inline]
    pub(crate) fn end(&self, version: u64) {
        let mut registry = self.registry();
        let Ok(place) = registry.open.binary_search_by_key(&version, |(v, _)| *v) else {
            return;
        };
        let (_, transactions) = &mut registry.open[place];
        *transactions -= 1;
        if *transactions > 0 {
            return;
        }
        registry.open.remove(place);
        // Only the oldest snapshot holds something back.
        if place == 0 && !registry.trees.is_empty() {
            drop(registry);
            self.forget();
        }
    }

    /// Makes a version visible, and lets the trees that it changed keep what running snapshots need.
    pub(crate) fn publish<'t>(
        &self,
        version: u64,
        changed: impl Iterator<Item = &'t Arc<SharedTree>> + Clone,
    ) {
        let newest = {
            let mut registry = self.registry();
            registry.visible = version;
            let newest = registry.open.back().map(|(version, _)| *version);
            if newest.is_some() {
                for tree in changed.clone() {
                    if !registry.trees.iter().any(|kept| Arc::ptr_eq(kept, tree)) {
                        registry.trees.push(Arc::clone(tree));
                    }
                }
            }
            newest
        };
        for tree in changed {
            tree.settle(newest);
        }
        if newest.is_some() {
            // The last of the snapshots may have ended before all was kept for it.
            self.forget();
        }
    }

    #[cold]
    fn forget(&self) {
        let (oldest, trees) = {
            let registry = self.registry();
            let oldest = registry.open.front().map(|(version, _)| *version);
            (oldest.unwrap_or(registry.visible), registry.trees.clone())
        };
        for tree in &trees {
            tree.forget(oldest);
        }
        // Asked again under the lock, since a commit may have entered the tree once more.
        self.registry().trees.retain(|tree| !tree.has_no_past());
    }

    /// The number of trees that keep something for snapshots.
    #[cfg(test)]
    pub(crate) fn trees(&self) -> usize {
        self.registry().trees.len()
    }
}
