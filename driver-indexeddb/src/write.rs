//! Writing: everything that a transaction writes is one of IndexedDB, at its end.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Bound;
use std::rc::Rc;

use netabase_core::driver::asynchronous::{AsyncRead, AsyncWrite, ReadSet};
use netabase_core::driver::{
    Bounds, Direction, DriverError, Durability, Result, TreeId, WriteBatch, WriteOp,
};
use send_wrapper::SendWrapper;
use wasm_bindgen::JsValue;

use crate::connection::{COMMITS, Shared, complete};
use crate::error::error;
use crate::leaf::LIMIT;
use crate::lock::Turn;
use crate::read::{Entry, FEW, View, loaded, read_from_ref};
use crate::request::{self, LastLeaves, OnSuccess};
use crate::rewrite::{Change, Rewrite};
use crate::sys;

/// A write transaction, whose turn lasts until it is committed or dropped.
pub struct IndexedDBWriter {
    view: SendWrapper<Rc<View>>,
    turn: SendWrapper<Turn>,
}

impl IndexedDBWriter {
    pub(crate) async fn begin(shared: &Rc<Shared>) -> Result<Self> {
        let turn = Turn::take(&shared.lock_name()).await?;
        Ok(Self::new(shared, turn))
    }

    pub(crate) async fn try_begin(shared: &Rc<Shared>) -> Result<Self> {
        let turn = Turn::try_take(&shared.lock_name()).await?;
        Ok(Self::new(shared, turn))
    }

    fn new(shared: &Rc<Shared>, turn: Turn) -> Self {
        Self {
            view: SendWrapper::new(Rc::new(View::new(shared))),
            turn: SendWrapper::new(turn),
        }
    }
}

read_from_ref!(IndexedDBWriter, view);

impl AsyncWrite for IndexedDBWriter {
    async fn commit(
        self,
        batch: &WriteBatch<'_>,
        _: &ReadSet,
        durability: Durability,
    ) -> Result<()> {
        let view = &*self.view;
        let mut trees = changed_trees(view, batch)?;
        if trees.is_empty() {
            return Ok(());
        }
        let mut prepared = Vec::with_capacity(trees.len());
        for (store, tree) in &trees {
            prepared.push(tree.prepare(view, store).await?);
        }
        let puts: Vec<_> = trees
            .iter()
            .filter(|(_, tree)| tree.changes.values().any(Option::is_some))
            .map(|(store, _)| store.clone())
            .collect();
        let connection = view.shared.connection_with(&puts).await?;
        // What is not there has nothing to be removed.
        let mut there = prepared.into_iter();
        let prepared: Vec<_> = trees
            .keys()
            .filter_map(|store| there.next().filter(|_| connection.has(store)))
            .collect();
        trees.retain(|store, _| connection.has(store));
        let durability = match durability {
            Durability::Immediate => "strict",
            Durability::None => "relaxed",
        };
        let transaction =
            connection.begin(trees.keys().map(String::as_str), "readwrite", durability)?;
        let failure = Rc::new(RefCell::new(None));
        let stores = trees.into_keys().zip(prepared);
        let commit = Commit::request(&self.view, &transaction, stores, &failure);
        let step = match commit {
            Ok(step) => step,
            Err(thrown) => {
                // Aborting fails only where the browser has done so already.
                let _ = transaction.abort();
                return Err(error(thrown));
            }
        };
        let completed = complete(&transaction).await;
        drop(step);
        // The next writer begins when this one is done.
        drop(self.turn);
        match failure.take() {
            Some(failure) => Err(failure),
            None => completed,
        }
    }
}

/// What a list of operations comes to in one tree.
#[derive(Default)]
struct ChangedTree<'a> {
    /// Whether everything is removed first.
    cleared: bool,
    changes: BTreeMap<&'a [u8], Option<&'a [u8]>>,
}

/// What a list of operations comes to, by object store.
fn changed_trees<'a>(
    view: &View,
    batch: &WriteBatch<'a>,
) -> Result<BTreeMap<String, ChangedTree<'a>>> {
    let mut trees: BTreeMap<TreeId, ChangedTree<'a>> = BTreeMap::new();
    for operation in batch {
        match operation {
            WriteOp::Put { tree, key, value } => {
                let tree = trees.entry(tree).or_default();
                tree.changes.insert(key, Some(value));
            }
            WriteOp::Remove { tree, key } => {
                let tree = trees.entry(tree).or_default();
                tree.changes.insert(key, None);
            }
            WriteOp::Clear { tree } => {
                let tree = trees.entry(tree).or_default();
                tree.cleared = true;
                tree.changes.clear();
            }
        }
    }
    trees
        .into_iter()
        .map(|(id, tree)| Ok((view.store(id)?, tree)))
        .collect()
}

impl ChangedTree<'_> {
    /// Reads what has to be read before the transaction that writes.
    async fn prepare(&self, view: &View, store: &str) -> Result<Prepared> {
        let changes = || self.changes.iter().map(|(key, value)| (*key, *value));
        if !self.cleared && self.changes.len() <= FEW {
            let owned = |(key, value): Change<'_>| (key.to_vec(), value.map(<[u8]>::to_vec));
            return Ok(Prepared::Few(changes().map(owned).collect()));
        }
        let leaves = match self.cleared {
            true => Vec::new(),
            false => {
                let keys: Vec<_> = self.changes.keys().copied().collect();
                view.load(store, &keys).await?
            }
        };
        let changes: Vec<_> = changes().collect();
        let rewrite = Rewrite::of(&leaves, &changes, LIMIT)?;
        Ok(match self.cleared {
            true => Prepared::Anew(rewrite),
            false => Prepared::Many(rewrite),
        })
    }
}

/// The writes in one tree, as far as they are known before the transaction.
enum Prepared {
    /// A few changes, whose leaves are read in the transaction.
    Few(Vec<(Vec<u8>, Option<Vec<u8>>)>),
    Many(Rewrite),
    /// Instead of everything that was there.
    Anew(Rewrite),
}

/// A commit in its transaction, which waits for what it reads there.
struct Commit {
    view: Rc<View>,
    transaction: sys::Transaction,
    commits: sys::ObjectStore,
    /// The number of the last commit.
    number: sys::Request,
    trees: Vec<ReadTree>,
}

/// A tree that is written to, and what is read of it.
struct ReadTree {
    store: sys::ObjectStore,
    prepared: Prepared,
    count: Option<sys::Request>,
    leaves: Vec<LastLeaves>,
}

impl Commit {
    /// Makes the requests that read, and lets those that write follow within the same transaction. Nothing is written if
    /// what it gives is dropped before, and everything or nothing afterwards.
    fn request(
        view: &Rc<View>,
        transaction: &sys::Transaction,
        stores: impl Iterator<Item = (String, Prepared)>,
        failure: &Rc<RefCell<Option<DriverError>>>,
    ) -> Result<OnSuccess, JsValue> {
        let mut trees = Vec::new();
        for (store, prepared) in stores {
            let store = transaction.store(&store)?;
            let count = match prepared {
                Prepared::Anew(_) => None,
                Prepared::Few(_) | Prepared::Many(_) => Some(request::count(&store)?),
            };
            let leaves = match &prepared {
                Prepared::Few(changes) => changes
                    .iter()
                    .map(|(key, _)| LastLeaves::request(&store, Bound::Included(key), 1))
                    .collect::<Result<_, _>>()?,
                Prepared::Many(_) | Prepared::Anew(_) => Vec::new(),
            };
            trees.push(ReadTree {
                store,
                prepared,
                count,
                leaves,
            });
        }
        let commits = transaction.store(COMMITS)?;
        // The last request: when it is answered, all are.
        let number = commits.all_keys(&JsValue::NULL, 1)?;
        let commit = Self {
            view: Rc::clone(view),
            transaction: transaction.clone(),
            commits,
            number: number.clone(),
            trees,
        };
        let failure = Rc::clone(failure);
        Ok(OnSuccess::new(number, move || {
            if let Err(error) = commit.write() {
                failure.replace(Some(error));
                // Aborting fails only where the browser has done so already.
                let _ = commit.transaction.abort();
            }
        }))
    }

    /// Makes every request that writes.
    fn write(&self) -> Result<()> {
        self.view.check(&self.number)?;
        for tree in &self.trees {
            tree.write()?;
        }
        let commit = || {
            // The browser gives each addition a higher number than all before.
            self.commits.clear()?;
            self.commits.add(&JsValue::NULL)?;
            self.transaction.commit()
        };
        commit().map_err(error)
    }
}

impl ReadTree {
    fn write(&self) -> Result<()> {
        let rewrite = match &self.prepared {
            Prepared::Few(changes) => {
                let changes: Vec<Change<'_>> = changes
                    .iter()
                    .map(|(key, value)| (key.as_slice(), value.as_deref()))
                    .collect();
                &Rewrite::of(&loaded(&self.leaves)?, &changes, LIMIT)?
            }
            Prepared::Many(rewrite) | Prepared::Anew(rewrite) => rewrite,
        };
        let count = self.count.as_ref().map_or(Ok(0), request::counted)?;
        let requests = || {
            if matches!(self.prepared, Prepared::Anew(_)) {
                self.store.clear()?;
            }
            for key in &rewrite.removals {
                request::remove_leaf(&self.store, key)?;
            }
            for (key, leaf) in &rewrite.puts {
                request::put_leaf(&self.store, key, leaf)?;
            }
            match rewrite.growth {
                0 => Ok(()),
                growth => request::put_count(&self.store, count.saturating_add_signed(growth)),
            }
        };
        requests().map_err(error)
    }
}
