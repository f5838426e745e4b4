//! Reading: each batch of reads is a short transaction of IndexedDB.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Bound;
use std::rc::Rc;

use netabase_core::driver::asynchronous::AsyncRead;
use netabase_core::driver::{Bounds, Direction, DriverError, ErrorKind, Result, TreeId};
use send_wrapper::SendWrapper;
use wasm_bindgen::JsValue;

use crate::connection::{COMMITS, Shared, complete, store_of};
use crate::error::error;
use crate::leaf::{self, Damaged};
use crate::request::{self, LastLeaves};
use crate::rewrite::Loaded;
use crate::sys;

/// An entry: its key and its value.
pub(crate) type Entry = (Vec<u8>, Vec<u8>);

/// Up to so many keys are looked for each by itself: what is read twice then costs less than another transaction.
pub(crate) const FEW: usize = 8;
/// How many entries a leaf is taken to have before one is seen.
const LIKELY_ENTRIES: usize = 64;
/// Most leaves that are asked for at a time.
const MOST_LEAVES: usize = 256;

/// What a read and a write transaction have in common.
pub(crate) struct View {
    pub(crate) shared: Rc<Shared>,
    /// The object stores of the trees by id, which is the place here.
    stores: RefCell<Vec<String>>,
    /// The number of the last commit, as the first batch saw it.
    seen: Cell<Option<f64>>,
    lost: Cell<bool>,
}

impl View {
    pub(crate) fn new(shared: &Rc<Shared>) -> Self {
        Self {
            shared: Rc::clone(shared),
            stores: RefCell::default(),
            seen: Cell::new(None),
            lost: Cell::new(false),
        }
    }

    pub(crate) fn tree(&self, name: &str) -> TreeId {
        let store = store_of(name);
        let mut stores = self.stores.borrow_mut();
        let place = match stores.iter().position(|known| *known == store) {
            Some(place) => place,
            None => {
                stores.push(store);
                stores.len() - 1
            }
        };
        // An address space of 32 bits does not hold more names.
        TreeId(place as u32)
    }

    pub(crate) fn store(&self, tree: TreeId) -> Result<String> {
        let stores = self.stores.borrow();
        stores
            .get(tree.0 as usize)
            .cloned()
            .ok_or_else(|| tree.unknown())
    }

    /// Runs requests on one object store in a transaction of their own; `None` if there is no such store.
    async fn batch<T>(
        &self,
        store: Option<&str>,
        requests: impl FnOnce(&sys::ObjectStore) -> Result<T, JsValue>,
    ) -> Result<Option<T>> {
        if self.lost.get() {
            return Err(lost());
        }
        let connection = self.shared.connection().await?;
        let store = store.filter(|store| connection.has(store));
        let transaction = connection.begin(store, "readonly", "default")?;
        let commits = transaction.store(COMMITS).map_err(error)?;
        let number = commits.all_keys(&JsValue::NULL, 1).map_err(error)?;
        let answers = match store {
            Some(store) => {
                let store = transaction.store(store).map_err(error)?;
                Some(requests(&store).map_err(error)?)
            }
            None => None,
        };
        complete(&transaction).await?;
        self.check(&number)?;
        Ok(answers)
    }

    /// Compares the number of the last commit with the one that was seen first.
    pub(crate) fn check(&self, number: &sys::Request) -> Result<()> {
        let number = request::commit_number(number)?;
        match self.seen.get() {
            Some(seen) if seen != number => {
                self.lost.set(true);
                Err(lost())
            }
            Some(_) => Ok(()),
            None => {
                self.seen.set(Some(number));
                Ok(())
            }
        }
    }

    /// The leaves that these keys, which ascend, lie in or would lie in.
    pub(crate) async fn load(&self, store: &str, keys: &[&[u8]]) -> Result<Vec<Loaded>> {
        let (first, last) = match keys {
            [first, .., last] if keys.len() > FEW => (first, last),
            _ => return self.load_each(store, keys).await,
        };
        let most = u32::try_from(keys.len() * 4).unwrap_or(u32::MAX);
        let requests = self
            .batch(Some(store), |store| {
                Ok((
                    LastLeaves::request(store, Bound::Included(first), 1)?,
                    request::leaf_keys(store, Bound::Excluded(first), Bound::Included(last), most)?,
                ))
            })
            .await?;
        let Some((floor, directory)) = requests else {
            return Ok(Vec::new());
        };
        let directory = request::keys(&directory)?;
        if directory.len() == most as usize {
            return self.load_each(store, keys).await;
        }
        let mut loaded: Vec<Loaded> = floor
            .leaves()?
            .into_iter()
            .map(|(key, bytes)| Loaded {
                key,
                bytes,
                follows: false,
            })
            .collect();
        // Runs of leaves that keys lie in, as first and last places.
        let mut runs: Vec<(usize, usize)> = Vec::new();
        for key in keys {
            let place = directory.partition_point(|start| start.as_slice() <= *key);
            let Some(place) = place.checked_sub(1) else {
                continue;
            };
            match runs.last_mut() {
                Some((_, last)) if *last + 1 >= place => *last = place,
                _ => runs.push((place, place)),
            }
        }
        if runs.is_empty() {
            return Ok(loaded);
        }
        let requests = self
            .batch(Some(store), |store| {
                runs.iter()
                    .map(|(first, last)| {
                        let bound = |place: usize| Bound::Included(directory[place].as_slice());
                        request::first_leaves(store, bound(*first), bound(*last), u32::MAX)
                    })
                    .collect::<Result<Vec<_>, _>>()
            })
            .await?
            .unwrap_or_default();
        for ((first, last), request) in runs.into_iter().zip(&requests) {
            let leaves = request::leaves(request)?;
            if leaves.len() != last - first + 1 {
                return Err(Damaged.into());
            }
            for (place, bytes) in (first..=last).zip(leaves) {
                loaded.push(Loaded {
                    key: directory[place].clone(),
                    bytes,
                    follows: place > first || first == 0 && !loaded.is_empty(),
                });
            }
        }
        Ok(loaded)
    }

    /// As [`load`](Self::load), with a request a key.
    async fn load_each(&self, store: &str, keys: &[&[u8]]) -> Result<Vec<Loaded>> {
        let requests = self
            .batch(Some(store), |store| {
                keys.iter()
                    .map(|key| LastLeaves::request(store, Bound::Included(key), 1))
                    .collect::<Result<Vec<_>, _>>()
            })
            .await?;
        loaded(&requests.unwrap_or_default())
    }

    pub(crate) async fn get_many(
        &self,
        tree: TreeId,
        keys: &[&[u8]],
    ) -> Result<Vec<Option<Vec<u8>>>> {
        let store = self.store(tree)?;
        let mut sorted = keys.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        let loaded = self.load(&store, &sorted).await?;
        let leaves = loaded
            .iter()
            .map(|loaded| leaf::entries(&loaded.bytes))
            .collect::<Result<Vec<_>, _>>()?;
        let find = |key: &&[u8]| {
            let place = loaded.partition_point(|loaded| loaded.key.as_slice() <= *key);
            let leaf = &leaves[place.checked_sub(1)?];
            let place = leaf.binary_search_by_key(key, |(key, _)| *key).ok()?;
            Some(leaf[place].1.to_vec())
        };
        Ok(keys.iter().map(find).collect())
    }

    pub(crate) async fn page(
        &self,
        tree: TreeId,
        bounds: Bounds<'_>,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<Entry>> {
        let store = self.store(tree)?;
        let mut page = Page {
            bounds,
            direction,
            limit,
            entries: Vec::new(),
            leaves: 0,
        };
        // The browser refuses a range of which nothing can be within.
        let is_empty = bounds.is_empty() || bounds.upper == Bound::Excluded(&[]);
        if is_empty || limit == 0 {
            return Ok(page.entries);
        }
        let done = match direction {
            Direction::Forward => self.read_forward(&store, &mut page).await,
            Direction::Backward => self.read_backward(&store, &mut page).await,
        };
        done.map(|()| page.entries)
    }

    async fn read_forward(&self, store: &str, page: &mut Page<'_>) -> Result<()> {
        let upper = page.bounds.upper;
        let mut lower = page.bounds.lower.map(<[u8]>::to_vec);
        let mut begins = true;
        loop {
            let from = lower.as_ref().map(Vec::as_slice);
            // The first entries are in the leaf that the bound lies in, which is kept under a key below it.
            let behind = match from {
                Bound::Included(key) => Bound::Excluded(key),
                other => other,
            };
            let rest = Bounds {
                lower: behind,
                upper,
            };
            let most = page.leaves_to_ask_for();
            let requests = self
                .batch(Some(store), |store| {
                    let floor = match from {
                        Bound::Included(key) | Bound::Excluded(key) if begins => {
                            Some(LastLeaves::request(store, Bound::Included(key), 1)?)
                        }
                        _ => None,
                    };
                    let leaves = match rest.is_empty() {
                        true => None,
                        false => Some(request::first_leaves(store, behind, upper, most)?),
                    };
                    Ok((floor, leaves))
                })
                .await?;
            let Some((floor, leaves)) = requests else {
                return Ok(());
            };
            if let Some(floor) = floor {
                for (_, leaf) in floor.leaves()? {
                    page.take(&leaf)?;
                }
            }
            let leaves = leaves.as_ref().map_or(Ok(Vec::new()), request::leaves)?;
            let Some(last) = leaves.last().filter(|_| leaves.len() == most as usize) else {
                return leaves.iter().try_for_each(|leaf| page.take(leaf));
            };
            for leaf in &leaves {
                page.take(leaf)?;
            }
            let last = leaf::entries(last)?.last().map(|(key, _)| key.to_vec());
            // What does not ascend would be read for ever.
            let last = last
                .filter(|last| match from {
                    Bound::Included(from) | Bound::Excluded(from) => last.as_slice() > from,
                    Bound::Unbounded => true,
                })
                .ok_or(Damaged)?;
            if page.is_full() || !page.bounds.reaches_up_to(&last) {
                return Ok(());
            }
            lower = Bound::Excluded(last);
            begins = false;
        }
    }

    async fn read_backward(&self, store: &str, page: &mut Page<'_>) -> Result<()> {
        let mut upper = page.bounds.upper.map(<[u8]>::to_vec);
        loop {
            let most = page.leaves_to_ask_for();
            let up_to = upper.as_ref().map(Vec::as_slice);
            let request = self
                .batch(Some(store), |store| LastLeaves::request(store, up_to, most))
                .await?;
            let Some(request) = request else {
                return Ok(());
            };
            let leaves = request.leaves()?;
            for (_, leaf) in &leaves {
                page.take(leaf)?;
            }
            match leaves.into_iter().nth(most as usize - 1) {
                // Nothing lies below a leaf under the empty key.
                Some((key, _))
                    if !page.is_full() && !key.is_empty() && page.bounds.reaches_down_to(&key) =>
                {
                    upper = Bound::Excluded(key);
                }
                _ => return Ok(()),
            }
        }
    }

    pub(crate) async fn len(&self, tree: TreeId) -> Result<u64> {
        let store = self.store(tree)?;
        let count = self.batch(Some(&store), request::count).await?;
        count.as_ref().map_or(Ok(0), request::counted)
    }
}

/// The leaves that single keys lie in, in order.
pub(crate) fn loaded(requests: &[LastLeaves]) -> Result<Vec<Loaded>> {
    let mut leaves = BTreeMap::new();
    for request in requests {
        leaves.extend(request.leaves()?);
    }
    let loaded = leaves.into_iter().map(|(key, bytes)| Loaded {
        key,
        bytes,
        follows: false,
    });
    Ok(loaded.collect())
}

/// A page that is being read.
struct Page<'a> {
    bounds: Bounds<'a>,
    direction: Direction,
    limit: usize,
    entries: Vec<Entry>,
    /// How many leaves it was read from.
    leaves: usize,
}

impl Page<'_> {
    fn is_full(&self) -> bool {
        self.entries.len() >= self.limit
    }

    /// How many leaves the rest of the page is likely to take.
    fn leaves_to_ask_for(&self) -> u32 {
        let likely = match self.leaves {
            0 => LIKELY_ENTRIES,
            leaves => self.entries.len() / leaves,
        };
        let left = self.limit.saturating_sub(self.entries.len());
        left.div_ceil(likely.max(1)).clamp(1, MOST_LEAVES) as u32
    }

    /// Takes the entries of the next leaf, which lies behind those before it.
    fn take(&mut self, leaf: &[u8]) -> Result<()> {
        self.leaves += 1;
        let entries = leaf::entries(leaf)?;
        let lies_behind = |last: &[u8]| match self.direction {
            Direction::Forward => entries.first().is_some_and(|(key, _)| *key > last),
            Direction::Backward => entries.last().is_some_and(|(key, _)| *key < last),
        };
        if !self
            .entries
            .last()
            .is_none_or(|(last, _)| lies_behind(last))
        {
            return Err(Damaged.into());
        }
        let start = entries.partition_point(|(key, _)| !self.bounds.reaches_down_to(key));
        let end = entries.partition_point(|(key, _)| self.bounds.reaches_up_to(key));
        let within = entries.get(start..end).unwrap_or_default();
        let left = self.limit.saturating_sub(self.entries.len());
        let owned = |(key, value): &leaf::Entry<'_>| (key.to_vec(), value.to_vec());
        match self.direction {
            Direction::Forward => self.entries.extend(within.iter().take(left).map(owned)),
            Direction::Backward => self
                .entries
                .extend(within.iter().rev().take(left).map(owned)),
        }
        Ok(())
    }
}

fn lost() -> DriverError {
    DriverError::new(
        ErrorKind::SnapshotLost,
        "somebody has committed since this transaction began, and IndexedDB keeps no snapshots; begin another one",
    )
}

/// A read transaction. A commit by anybody ends it with [`SnapshotLost`](ErrorKind::SnapshotLost).
pub struct IndexedDBReader(SendWrapper<View>);

impl IndexedDBReader {
    pub(crate) async fn begin(shared: &Rc<Shared>) -> Result<Self> {
        let view = View::new(shared);
        // What is seen from now on is what is there now.
        view.batch(None, |_| Ok(())).await?;
        Ok(Self(SendWrapper::new(view)))
    }
}

macro_rules! read_from_ref {
    ($type:ident, $view:tt) => {
        impl AsyncRead for $type {
            fn tree(&self, name: &str) -> Result<TreeId> {
                Ok(self.$view.tree(name))
            }

            async fn get_many(&self, tree: TreeId, keys: &[&[u8]]) -> Result<Vec<Option<Vec<u8>>>> {
                self.$view.get_many(tree, keys).await
            }

            async fn page(
                &self,
                tree: TreeId,
                bounds: Bounds<'_>,
                direction: Direction,
                limit: usize,
            ) -> Result<Vec<Entry>> {
                self.$view.page(tree, bounds, direction, limit).await
            }

            async fn len(&self, tree: TreeId) -> Result<u64> {
                self.$view.len(tree).await
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($type)).finish_non_exhaustive()
            }
        }
    };
}

pub(crate) use read_from_ref;

read_from_ref!(IndexedDBReader, 0);
