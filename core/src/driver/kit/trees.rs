//! The trees that a transaction has resolved, by id and by name.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use crate::driver::{DriverError, ErrorKind, Result, TreeId};

/// What a transaction keeps of a tree, under the tree's name.
pub trait Named {
    /// The name that the tree was resolved by.
    fn name(&self) -> &str;
}

impl<T: Named + ?Sized> Named for Arc<T> {
    #[inline]
    fn name(&self) -> &str {
        T::name(self)
    }
}

/// The trees that a transaction has resolved. A tree's place in the order of resolution is its [`TreeId`].
///
/// Trees never move, so that a cursor may borrow one while [`resolve`](Self::resolve) adds another.
///
/// # Cost
/// The first tree lies in the table itself, so that a transaction over one tree allocates nothing here. A look-up by id is
/// an index. A look-up by name compares with each of the first trees, and hashes once there are many.
///
/// # Examples
/// ```
/// use netabase_core::driver::kit::trees::{Named, TreeTable};
///
/// struct Tree(String);
///
/// impl Named for Tree {
///     fn name(&self) -> &str {
///         &self.0
///     }
/// }
///
/// let trees = TreeTable::new();
/// let open = |name: &str| Ok(Tree(name.to_owned()));
/// let people = trees.resolve("people", open)?;
/// let pets = trees.resolve("pets", open)?;
/// assert_ne!(people, pets);
/// assert_eq!(trees.resolve("people", open)?, people);
/// assert_eq!(trees.get(pets)?.name(), "pets");
/// # Ok::<(), netabase_core::driver::DriverError>(())
/// ```
pub struct TreeTable<T> {
    first: OnceCell<T>,
    others: OnceCell<Box<Others<T>>>,
}

/// The trees with the ids from 1 on, in chunks that never move: chunk `n` has `2^n` slots.
struct Others<T> {
    chunks: [OnceCell<Box<[OnceCell<T>]>>; u32::BITS as usize],
    /// How many there are.
    len: Cell<u32>,
    /// Ids by name, once there are more trees than [`COMPARED`].
    ids: RefCell<HashMap<Box<str>, TreeId>>,
}

/// Trees whose names are compared one by one.
const COMPARED: u32 = 16;

/// The chunk of an id from 1 on, and its place in the chunk.
#[inline]
fn place(id: u32) -> (usize, usize) {
    let chunk = id.ilog2();
    (chunk as usize, (id - (1 << chunk)) as usize)
}

impl<T> Default for TreeTable<T> {
    #[inline]
    fn default() -> Self {
        Self::new()
    }
}

impl<T> TreeTable<T> {
    /// A table without trees.
    #[inline]
    #[must_use]
    pub const fn new() -> Self {
        Self {
            first: OnceCell::new(),
            others: OnceCell::new(),
        }
    }

    /// The tree of this id.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) for an id that this table did not give.
    #[inline]
    pub fn get(&self, id: TreeId) -> Result<&T> {
        let tree = match id.0 {
            0 => self.first.get(),
            other => self.others.get().and_then(|others| others.get(other)),
        };
        tree.ok_or_else(|| id.unknown())
    }

    /// The tree of this id, to be changed.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    #[inline]
    pub fn get_mut(&mut self, id: TreeId) -> Result<&mut T> {
        let tree = match id.0 {
            0 => self.first.get_mut(),
            other => self.others.get_mut().and_then(|others| {
                let (chunk, slot) = place(other);
                others.chunks[chunk].get_mut()?.get_mut(slot)?.get_mut()
            }),
        };
        tree.ok_or_else(|| id.unknown())
    }

    /// The trees, in the order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        let others = self
            .others
            .get()
            .into_iter()
            .flat_map(|others| &others.chunks);
        let others = others.filter_map(OnceCell::get).flatten();
        self.first
            .get()
            .into_iter()
            .chain(others.filter_map(OnceCell::get))
    }

    /// The trees, in the order of their ids, to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        let others = self
            .others
            .get_mut()
            .into_iter()
            .flat_map(|others| &mut others.chunks);
        let others = others.filter_map(OnceCell::get_mut).flatten();
        self.first
            .get_mut()
            .into_iter()
            .chain(others.filter_map(OnceCell::get_mut))
    }
}

impl<T> TreeTable<T> {
    /// The trees themselves, in the order of their ids.
    pub fn into_trees(self) -> impl Iterator<Item = T> {
        let others = self.others.into_inner().into_iter();
        let chunks = others.flat_map(|others| others.chunks);
        let slots = chunks.filter_map(OnceCell::into_inner).flatten();
        let first = self.first.into_inner().into_iter();
        first.chain(slots.filter_map(OnceCell::into_inner))
    }
}

impl<T: Named> TreeTable<T> {
    /// The id of the tree of this name; `open` makes the tree if it was not resolved yet.
    ///
    /// # Errors
    /// What `open` reports, and [`LimitExceeded`](ErrorKind::LimitExceeded) if there are as many trees as ids.
    #[inline]
    pub fn resolve(&self, name: &str, open: impl FnOnce(&str) -> Result<T>) -> Result<TreeId> {
        match self.find(name) {
            Some(id) => Ok(id),
            None => self.push(open(name)?),
        }
    }

    /// The id of the tree of this name, if it was resolved.
    #[inline]
    #[must_use]
    pub fn find(&self, name: &str) -> Option<TreeId> {
        if self.first.get()?.name() == name {
            return Some(TreeId(0));
        }
        self.others.get()?.find(name)
    }

    /// Takes a tree whose name was not resolved yet.
    ///
    /// # Errors
    /// [`LimitExceeded`](ErrorKind::LimitExceeded) if there are as many trees as ids.
    #[inline]
    pub fn push(&self, tree: T) -> Result<TreeId> {
        // `set` gives the tree back where there is a first one already.
        match self.first.set(tree) {
            Ok(()) => Ok(TreeId(0)),
            Err(tree) => self.others.get_or_init(Box::default).push(tree),
        }
    }
}

impl<T> Default for Others<T> {
    fn default() -> Self {
        Self {
            chunks: [const { OnceCell::new() }; u32::BITS as usize],
            len: Cell::new(0),
            ids: RefCell::default(),
        }
    }
}

impl<T> Others<T> {
    #[inline]
    fn get(&self, id: u32) -> Option<&T> {
        let (chunk, slot) = place(id);
        self.chunks[chunk].get()?.get(slot)?.get()
    }
}

impl<T: Named> Others<T> {
    fn find(&self, name: &str) -> Option<TreeId> {
        if self.len.get() > COMPARED {
            return self.ids.borrow().get(name).copied();
        }
        let is_named = |id: &u32| self.get(*id).is_some_and(|tree| tree.name() == name);
        (1..=self.len.get()).find(is_named).map(TreeId)
    }

    fn push(&self, tree: T) -> Result<TreeId> {
        let id = self.len.get().checked_add(1).ok_or_else(too_many)?;
        let (chunk, slot) = place(id);
        let slots = self.chunks[chunk]
            .get_or_init(|| (0..1_usize << chunk).map(|_| OnceCell::new()).collect());
        if slots[slot].set(tree).is_err() {
            return Err(too_many());
        }
        self.len.set(id);
        if id > COMPARED {
            let mut ids = self.ids.borrow_mut();
            let unknown = if ids.is_empty() { 1..=id } else { id..=id };
            for id in unknown {
                if let Some(tree) = self.get(id) {
                    ids.insert(tree.name().into(), TreeId(id));
                }
            }
        }
        Ok(TreeId(id))
    }
}

impl<T: Named> fmt::Debug for TreeTable<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(Named::name)).finish()
    }
}

#[cold]
fn too_many() -> DriverError {
    DriverError::new(
        ErrorKind::LimitExceeded,
        "the transaction has more trees open than there are ids; begin another one",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Named for String {
        fn name(&self) -> &str {
            self
        }
    }

    fn open(name: &str) -> Result<String> {
        Ok(name.to_owned())
    }

    #[test]
    fn every_id_has_a_place_of_its_own() {
        let mut expected = Vec::new();
        for chunk in 0..4_usize {
            expected.extend((0..1_usize << chunk).map(|slot| (chunk, slot)));
        }
        let places: Vec<_> = (1..16).map(place).collect();
        assert_eq!(places, expected);
        assert_eq!(place(u32::MAX), (31, (1 << 31) - 1));
    }

    #[test]
    fn a_tree_resolved_later_leaves_a_borrowed_one_in_place() {
        let mut trees = TreeTable::new();
        let names: Vec<_> = (0..100).map(|number: u32| number.to_string()).collect();
        let first = trees.resolve(&names[0], open).unwrap();
        let second = trees.resolve(&names[1], open).unwrap();
        let borrowed = (trees.get(first).unwrap(), trees.get(second).unwrap());
        for (number, name) in (0..).zip(&names) {
            assert_eq!(trees.resolve(name, open).unwrap(), TreeId(number));
            assert_eq!(trees.find(name), Some(TreeId(number)));
        }
        assert!(std::ptr::eq(borrowed.0, trees.get(first).unwrap()));
        assert!(std::ptr::eq(borrowed.1, trees.get(second).unwrap()));
        for (number, name) in (0..).zip(&names) {
            assert_eq!(trees.find(name), Some(TreeId(number)));
            assert_eq!(trees.get(TreeId(number)).unwrap(), name);
            assert_eq!(trees.get_mut(TreeId(number)).unwrap(), name);
        }
        assert_eq!(trees.find("100"), None);
        assert!(trees.iter().eq(&names) && trees.iter_mut().eq(&names));
        assert!(trees.into_trees().eq(names));
    }

    #[test]
    fn an_id_that_was_not_given_is_invalid() {
        let mut trees = TreeTable::new();
        for resolved in 0..40_u32 {
            for id in [resolved, resolved + 1, u32::MAX - 1, u32::MAX] {
                let errors = [
                    trees.get(TreeId(id)).unwrap_err(),
                    trees.get_mut(TreeId(id)).unwrap_err(),
                ];
                assert!(
                    errors
                        .iter()
                        .all(|error| error.kind() == ErrorKind::InvalidInput)
                );
            }
            trees.resolve(&resolved.to_string(), open).unwrap();
        }
    }

    #[test]
    fn a_tree_that_cannot_be_opened_has_no_id() {
        let trees = TreeTable::<String>::new();
        let refused = trees.resolve("t", |_| Err(TreeId(7).unknown()));
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::InvalidInput);
        assert_eq!(trees.find("t"), None);
        assert_eq!(trees.iter().count(), 0);
    }
}
