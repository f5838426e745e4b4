//! A synchronous transaction over entries that are had in pieces: its own writes, laid over what a source gives.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;
use std::mem;
use std::sync::Arc;

use imbl::OrdMap;
use imbl::ordmap::RangedIter;
use imbl::shared_ptr::DefaultSharedPtr;

use crate::driver::kit::bounds::CursorBounds;
use crate::driver::{
    Bounds, Cursor, Direction, Durability, Read, Result, Resume, TreeId, Write, WriteBatchBuilder,
};

type Bytes = Arc<[u8]>;

/// Entries in the order of a direction.
pub(crate) type Page = Arc<Vec<(Vec<u8>, Vec<u8>)>>;

/// Most entries that a cursor asks for at a time. It asks for a few first, and for twice as many each time.
const LARGEST_PAGE: usize = 8192;

/// Where a transaction reads what its own writes do not cover.
pub trait Source {
    /// The id of the tree of this name; the same for the same name.
    fn tree(&self, name: &str) -> Result<TreeId>;

    /// Refuses an id that [`tree`](Self::tree) did not give.
    fn check(&self, tree: TreeId) -> Result<()>;

    fn get<R>(&self, tree: TreeId, key: &[u8], visit: impl FnOnce(&[u8]) -> R)
    -> Result<Option<R>>;

    /// The first entries within `bounds`, at most `limit`; fewer only if these are the last.
    fn page(
        &self,
        tree: TreeId,
        bounds: Bounds<'_>,
        direction: Direction,
        limit: usize,
    ) -> Result<Page>;

    fn len(&self, tree: TreeId) -> Result<u64>;

    /// How many entries a cursor asks for first.
    fn first_page(&self) -> usize;
}

/// A source that takes writes, all at once.
pub trait Sink: Source {
    fn commit(self, overlay: Overlay, durability: Durability) -> Result<()>;
}

/// The writes of a transaction. Copied at almost no cost.
#[derive(Clone, Default)]
pub struct Overlay {
    trees: BTreeMap<TreeId, Changes>,
    /// How many writes there were.
    number: u64,
}

/// The writes in one tree.
#[derive(Clone, Default)]
struct Changes {
    /// Values by key; `None` where the key was removed.
    entries: OrdMap<Bytes, Option<Bytes>>,
    /// Whether everything that the source has was removed first.
    cleared: bool,
    /// By how much the number of entries differs from the source's, or from zero if that was removed.
    growth: i64,
}

impl Overlay {
    /// How many writes there were: another number means other writes.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// The writes in one tree, for one more.
    fn change(&mut self, tree: TreeId) -> &mut Changes {
        self.number += 1;
        self.trees.entry(tree).or_default()
    }

    /// The writes as a list, in key order within each tree, whose ids `engine_id` translates.
    pub(crate) fn to_batch(
        &self,
        mut engine_id: impl FnMut(TreeId) -> Result<TreeId>,
    ) -> Result<WriteBatchBuilder> {
        let mut list = WriteBatchBuilder::new();
        for (tree, changes) in &self.trees {
            let tree = engine_id(*tree)?;
            if changes.cleared {
                list.clear(tree);
            }
            for (key, value) in &changes.entries {
                match value {
                    Some(value) => list.put(tree, key, value)?,
                    None => list.remove(tree, key)?,
                };
            }
        }
        Ok(list)
    }
}

impl fmt::Debug for Overlay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Overlay")
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

/// A transaction: a source, and writes over it.
pub struct Layered<S> {
    source: S,
    overlay: Overlay,
}

impl<S> Layered<S> {
    pub(crate) fn new(source: S, overlay: Overlay) -> Self {
        Self { source, overlay }
    }
}

impl<S: Source> Layered<S> {
    /// What is under a key, own writes first.
    fn find<R>(
        &self,
        tree: TreeId,
        key: &[u8],
        visit: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        if let Some(changes) = self.overlay.trees.get(&tree) {
            if let Some(value) = changes.entries.get(key) {
                return Ok(value.as_deref().map(visit));
            }
            if changes.cleared {
                return Ok(None);
            }
        }
        self.source.get(tree, key, visit)
    }
}

impl<S: Source> Read for Layered<S> {
    type Cursor<'t>
        = LayeredCursor<'t, S>
    where
        S: 't;

    fn tree(&self, name: &str) -> Result<TreeId> {
        self.source.tree(name)
    }

    fn get<R>(
        &self,
        tree: TreeId,
        key: &[u8],
        visit: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        self.source.check(tree)?;
        self.find(tree, key, visit)
    }

    fn cursor(
        &self,
        tree: TreeId,
        bounds: Bounds<'_>,
        direction: Direction,
    ) -> Result<LayeredCursor<'_, S>> {
        self.source.check(tree)?;
        let changes = self.overlay.trees.get(&tree);
        Ok(LayeredCursor::new(
            &self.source,
            tree,
            changes,
            bounds,
            direction,
        ))
    }

    fn len(&self, tree: TreeId) -> Result<u64> {
        self.source.check(tree)?;
        match self.overlay.trees.get(&tree) {
            Some(changes) if changes.cleared => Ok(changes.growth.max(0).unsigned_abs()),
            Some(changes) => Ok(self.source.len(tree)?.saturating_add_signed(changes.growth)),
            None => self.source.len(tree),
        }
    }
}

impl<S: Sink> Write for Layered<S> {
    fn put<R>(
        &mut self,
        tree: TreeId,
        key: &[u8],
        value: &[u8],
        previous: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        self.source.check(tree)?;
        let result = self.find(tree, key, previous)?;
        let changes = self.overlay.change(tree);
        changes.growth += i64::from(result.is_none());
        changes.entries.insert(key.into(), Some(value.into()));
        Ok(result)
    }

    fn remove<R>(
        &mut self,
        tree: TreeId,
        key: &[u8],
        previous: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        self.source.check(tree)?;
        let result = self.find(tree, key, previous)?;
        if result.is_some() {
            let changes = self.overlay.change(tree);
            changes.growth -= 1;
            if changes.cleared {
                changes.entries.remove(key);
            } else {
                changes.entries.insert(key.into(), None);
            }
        }
        Ok(result)
    }

    fn clear(&mut self, tree: TreeId) -> Result<()> {
        self.source.check(tree)?;
        let cleared = Changes {
            cleared: true,
            ..Changes::default()
        };
        *self.overlay.change(tree) = cleared;
        Ok(())
    }

    fn commit(self, durability: Durability) -> Result<()> {
        self.source.commit(self.overlay, durability)
    }
}

impl<S> fmt::Debug for Layered<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Layered").finish_non_exhaustive()
    }
}

/// A cursor over the pages of a source, with the transaction's own writes merged in.
pub struct LayeredCursor<'t, S> {
    source: &'t S,
    tree: TreeId,
    changes: Option<&'t Changes>,
    direction: Direction,
    bounds: CursorBounds,
    /// What the source has still to give; `None` if that is nothing.
    rest: Option<CursorBounds>,
    /// How many entries to ask for next.
    limit: usize,
    page: Page,
    /// The first entry of the page that was not passed.
    at: usize,
    own: Option<RangedIter<'t, Bytes, Option<Bytes>, DefaultSharedPtr>>,
    own_ahead: Option<(&'t Bytes, &'t Option<Bytes>)>,
    current: Current<'t>,
}

enum Current<'t> {
    None,
    /// The entry of the page that comes before `at`.
    Page,
    Own(&'t [u8], &'t [u8]),
}

impl<'t, S: Source> LayeredCursor<'t, S> {
    fn new(
        source: &'t S,
        tree: TreeId,
        changes: Option<&'t Changes>,
        bounds: Bounds<'_>,
        direction: Direction,
    ) -> Self {
        let mut cursor = Self {
            source,
            tree,
            changes,
            direction,
            bounds: bounds.into(),
            rest: None,
            limit: source.first_page(),
            page: Page::default(),
            at: 0,
            own: None,
            own_ahead: None,
            current: Current::None,
        };
        cursor.start(bounds);
        cursor
    }

    /// Stands before the first entry within `bounds`.
    fn start(&mut self, bounds: Bounds<'_>) {
        self.end();
        if bounds.is_empty() {
            return;
        }
        if self.changes.is_none_or(|changes| !changes.cleared) {
            self.rest = Some(bounds.into());
        }
        self.own = self.changes.map(|changes| {
            changes
                .entries
                .range::<_, [u8]>((bounds.lower, bounds.upper))
        });
        self.own_ahead = self.next_own();
    }

    fn end(&mut self) {
        self.rest = None;
        self.page = Page::default();
        self.at = 0;
        self.own = None;
        self.own_ahead = None;
        self.current = Current::None;
    }

    fn next_own(&mut self) -> Option<(&'t Bytes, &'t Option<Bytes>)> {
        let own = self.own.as_mut()?;
        match self.direction {
            Direction::Forward => own.next(),
            Direction::Backward => own.next_back(),
        }
    }

    /// Sees to it that the source's next entry is at `at`; whether there is one.
    fn look_ahead(&mut self) -> Result<bool> {
        if self.at < self.page.len() {
            return Ok(true);
        }
        let Some(rest) = &self.rest else {
            return Ok(false);
        };
        let page = self
            .source
            .page(self.tree, rest.get(), self.direction, self.limit)?;
        let rest = match page.last() {
            Some((last, _)) if page.len() >= self.limit => {
                let rest = rest.get().resumed(self.direction, last, Resume::After);
                (!rest.is_empty()).then(|| rest.into())
            }
            _ => None,
        };
        self.limit = (self.limit * 2).min(LARGEST_PAGE.max(self.limit));
        self.rest = rest;
        self.page = page;
        self.at = 0;
        Ok(!self.page.is_empty())
    }

    fn step(&mut self) -> Result<bool> {
        loop {
            let order = match (self.look_ahead()?, self.own_ahead) {
                (false, None) => return Ok(false),
                (true, None) => Ordering::Less,
                (false, Some(_)) => Ordering::Greater,
                (true, Some((own, _))) => {
                    let order = self.page[self.at].0.as_slice().cmp(own);
                    match self.direction {
                        Direction::Forward => order,
                        Direction::Backward => order.reverse(),
                    }
                }
            };
            if order.is_le() {
                self.at += 1;
            }
            if order.is_lt() {
                self.current = Current::Page;
                return Ok(true);
            }
            let own = self.own_ahead.take();
            self.own_ahead = self.next_own();
            if let Some((key, Some(value))) = own {
                self.current = Current::Own(key, value);
                return Ok(true);
            }
        }
    }
}

impl<S: Source> Cursor for LayeredCursor<'_, S> {
    fn advance(&mut self) -> Result<bool> {
        self.current = Current::None;
        let result = self.step();
        if !matches!(result, Ok(true)) {
            self.end();
        }
        result
    }

    fn key(&self) -> &[u8] {
        match self.current {
            Current::None => &[],
            Current::Page => &self.page[self.at - 1].0,
            Current::Own(key, _) => key,
        }
    }

    fn value(&self) -> &[u8] {
        match self.current {
            Current::None => &[],
            Current::Page => &self.page[self.at - 1].1,
            Current::Own(_, value) => value,
        }
    }

    fn seek(&mut self, key: &[u8]) -> Result<()> {
        let bounds = mem::take(&mut self.bounds);
        self.limit = self.source.first_page();
        self.start(bounds.sought(self.direction, key));
        self.bounds = bounds;
        Ok(())
    }
}

impl<S> fmt::Debug for LayeredCursor<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LayeredCursor")
            .field("direction", &self.direction)
            .finish_non_exhaustive()
    }
}
