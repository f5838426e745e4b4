//! The committed trees, and the commands that ask for them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use imbl::OrdMap;

use crate::driver::command::TreeNames;

pub(super) type Bytes = Arc<[u8]>;
pub(super) type Tree = OrdMap<Bytes, Bytes>;
/// Every tree that holds an entry. A clone is a snapshot and costs one reference count.
pub(super) type Trees = OrdMap<Arc<str>, Tree>;

/// The trees as the last commit left them.
#[derive(Debug, Clone, Default)]
pub(super) struct Committed(Arc<Mutex<Trees>>);

impl Committed {
    pub(super) fn lock(&self) -> MutexGuard<'_, Trees> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn snapshot(&self) -> Trees {
        self.lock().clone()
    }

    /// The names of the trees that hold an entry, in byte order.
    pub(super) fn tree_names(&self) -> Vec<String> {
        self.snapshot()
            .keys()
            .map(|name| name.to_string())
            .collect()
    }

    /// Makes `trees` what later transactions see.
    pub(super) fn publish(&self, trees: Trees) {
        let before = std::mem::replace(&mut *self.lock(), trees);
        // Only now, since freeing a large tree must not hold up readers.
        drop(before);
    }
}

crate::commands! {
    pub(super) const COMMANDS;
    pub(super) fn run(committed: &Committed);
    TreeNames => Ok(committed.tree_names()),
}
