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
}

#[cfg(test)]
mod tests {
    use netabase_core::driver::{Database, Driver, Durability, OpenConfig, Read, Write};

    use crate::{Sled, SledDatabase};

    const KEYS: u32 = 1000;

    fn open(folder: &tempfile::TempDir) -> SledDatabase {
        Sled.open(&OpenConfig::new(folder.path())).unwrap()
    }

    fn put_all(store: &SledDatabase, name: &str, value: &[u8]) {
        let mut writer = store.begin_write().unwrap();
        let tree = writer.tree(name).unwrap();
        for key in 0..KEYS {
            writer.put(tree, &key.to_be_bytes(), value, |_| ()).unwrap();
        }
        writer.commit(Durability::None).unwrap();
    }

    /// The number of replaced values that are kept, over all trees.
    fn kept(store: &SledDatabase) -> usize {
        let registry = store.shared().snapshots.registry();
        registry.trees.iter().map(|tree| tree.kept()).sum()
    }

    #[test]
    fn nothing_is_kept_while_nobody_reads() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(&folder);
        for value in [b"1", b"2"] {
            put_all(&store, "t", value);
        }
        assert_eq!(kept(&store), 0);
        assert!(store.shared().snapshots.registry().trees.is_empty());
    }

    #[test]
    fn a_snapshot_costs_one_value_for_each_key_however_often_the_key_is_changed() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(&folder);
        put_all(&store, "t", b"0");
        let first = store.begin_read().unwrap();
        for value in [b"1", b"2", b"3"] {
            put_all(&store, "t", value);
            assert_eq!(kept(&store), KEYS as usize);
        }
        let second = store.begin_read().unwrap();
        assert_eq!(kept(&store), KEYS as usize);
        for value in [b"4", b"5"] {
            put_all(&store, "t", value);
            assert_eq!(kept(&store), 2 * KEYS as usize);
        }
        drop(first);
        assert_eq!(kept(&store), KEYS as usize);
        let tree = second.tree("t").unwrap();
        let value = second.get(tree, &[0; 4], <[u8]>::to_vec).unwrap();
        assert_eq!(value.as_deref(), Some(&b"3"[..]));
        drop(second);
        assert_eq!(kept(&store), 0);
        assert!(store.shared().snapshots.registry().trees.is_empty());
    }
}
