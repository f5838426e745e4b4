//! Transactions: each batch of reads is a short one of IndexedDB, and all writes are one at the end.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::fmt;
use std::ops::Bound;
use std::rc::Rc;

use js_sys::{Array, ArrayBuffer, Object, Reflect, Uint8Array};
use netabase_core::driver::aio::{AsyncRead, AsyncWrite};
use netabase_core::driver::{
    Bounds, Direction, DriverError, Durability, ErrorKind, Operation, Operations, Result, TreeId,
};
use send_wrapper::SendWrapper;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};

use crate::connection::{COMMITS, Shared, complete, set, store_of};
use crate::error::error;
use crate::lock::Turn;
use crate::sys;

/// An entry: its key and its value.
type Entry = (Vec<u8>, Vec<u8>);

/// What a read and a write transaction have in common.
struct View {
    shared: Rc<Shared>,
    /// The object stores of the trees by id, which is the place here.
    stores: RefCell<Vec<String>>,
    /// The number of the last commit, as the first batch saw it.
    seen: Cell<Option<f64>>,
    lost: Cell<bool>,
}

impl View {
    fn new(shared: &Rc<Shared>) -> Self {
        Self {
            shared: Rc::clone(shared),
            stores: RefCell::default(),
            seen: Cell::new(None),
            lost: Cell::new(false),
        }
    }

    fn tree(&self, name: &str) -> TreeId {
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

    fn store(&self, tree: TreeId) -> Result<String> {
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
        let number = array(&number)?.get(0).as_f64().unwrap_or(0.0);
        match self.seen.get() {
            Some(seen) if seen != number => {
                self.lost.set(true);
                Err(lost())
            }
            Some(_) => Ok(answers),
            None => {
                self.seen.set(Some(number));
                Ok(answers)
            }
        }
    }

    async fn get_many(&self, tree: TreeId, keys: &[&[u8]]) -> Result<Vec<Option<Vec<u8>>>> {
        let store = self.store(tree)?;
        let requests = self
            .batch(Some(&store), |store| {
                keys.iter().map(|key| store.get(&binary(key))).collect()
            })
            .await?;
        let requests: Vec<sys::Request> = match requests {
            None => return Ok(vec![None; keys.len()]),
            Some(requests) => requests,
        };
        requests
            .iter()
            .map(|request| match request.result().map_err(error)? {
                value if value.is_undefined() => Ok(None),
                value => bytes(value).map(Some),
            })
            .collect()
    }

    async fn page(
        &self,
        tree: TreeId,
        bounds: Bounds<'_>,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<Entry>> {
        let store = self.store(tree)?;
        if bounds.is_empty() || limit == 0 {
            return Ok(Vec::new());
        }
        let range = range(bounds).map_err(error)?;
        let count = u32::try_from(limit).unwrap_or(u32::MAX);
        let page = self
            .batch(Some(&store), |store| {
                Page::request(store, range, direction, count)
            })
            .await?;
        page.map_or_else(|| Ok(Vec::new()), Page::entries)
    }

    async fn len(&self, tree: TreeId) -> Result<u64> {
        let store = self.store(tree)?;
        let count = self.batch(Some(&store), sys::ObjectStore::count).await?;
        let Some(count) = count else {
            return Ok(0);
        };
        let count = count.result().map_err(error)?;
        Ok(count.as_f64().unwrap_or(0.0) as u64)
    }
}

fn lost() -> DriverError {
    DriverError::new(
        ErrorKind::SnapshotLost,
        "somebody has committed since this read transaction began, and IndexedDB keeps no snapshots; begin another one",
    )
}

/// The requests for the keys and for the values of a page; `None` until they are made.
type Parts = Option<Result<(sys::Request, sys::Request), JsValue>>;

/// The requests of a page.
enum Page {
    /// One, for keys and values.
    Records(sys::Request),
    /// One for keys and one for values, in ascending order.
    Parts {
        keys: sys::Request,
        values: sys::Request,
    },
    /// As `Parts`, from where a key cursor finds that the page begins.
    Behind {
        parts: Rc<RefCell<Parts>>,
        _step: Closure<dyn FnMut()>,
    },
}

impl Page {
    fn request(
        store: &sys::ObjectStore,
        range: JsValue,
        direction: Direction,
        count: u32,
    ) -> Result<Self, JsValue> {
        let has_records = Reflect::has(store, &"getAllRecords".into())?;
        match direction {
            _ if has_records => {
                let options = Object::new();
                set(&options, "query", &range);
                set(&options, "count", &count.into());
                if direction == Direction::Backward {
                    set(&options, "direction", &"prev".into());
                }
                store.all_records(&options).map(Self::Records)
            }
            Direction::Forward => Ok(Self::Parts {
                keys: store.all_keys(&range, count)?,
                values: store.all_values(&range, count)?,
            }),
            Direction::Backward => Self::behind(store, range, count),
        }
    }

    /// Lets a key cursor jump over the page, backwards, and asks for what lies between.
    fn behind(store: &sys::ObjectStore, range: JsValue, count: u32) -> Result<Self, JsValue> {
        let cursor = store.key_cursor(&range, "prev")?;
        let parts = Rc::new(RefCell::new(None));
        let step = Closure::new({
            let store: sys::ObjectStore = JsValue::from(store).unchecked_into();
            let cursor = cursor.clone();
            let parts = Rc::clone(&parts);
            let mut jumped = count == 1;
            let mut last = JsValue::UNDEFINED;
            move || {
                let found = cursor.result().unwrap_or(JsValue::NULL);
                let all = |range: &JsValue| {
                    Ok((
                        store.all_keys(range, u32::MAX)?,
                        store.all_values(range, u32::MAX)?,
                    ))
                };
                let outcome = if found.is_null() {
                    all(&range)
                } else {
                    let found: sys::KeyCursor = found.unchecked_into();
                    if last.is_undefined() {
                        last = found.key();
                    }
                    if !jumped {
                        jumped = true;
                        match found.advance(count - 1) {
                            Ok(()) => return,
                            Err(error) => Err(error),
                        }
                    } else {
                        sys::KeyRange::bound(&found.key(), &last, false, false)
                            .and_then(|range| all(&range))
                    }
                };
                parts.replace(Some(outcome));
            }
        });
        cursor.set_onsuccess(Some(step.as_ref()));
        Ok(Self::Behind { parts, _step: step })
    }

    fn entries(self) -> Result<Vec<Entry>> {
        match self {
            Self::Records(records) => array(&records)?
                .iter()
                .map(|record| {
                    let record: sys::Record = record.unchecked_into();
                    Ok((key(record.record_key())?, bytes(record.value())?))
                })
                .collect(),
            Self::Parts { keys, values } => zipped(&keys, &values),
            Self::Behind { parts, .. } => {
                let (keys, values) = parts
                    .take()
                    .unwrap_or(Err(JsValue::UNDEFINED))
                    .map_err(error)?;
                let mut entries = zipped(&keys, &values)?;
                entries.reverse();
                Ok(entries)
            }
        }
    }
}

fn zipped(keys: &sys::Request, values: &sys::Request) -> Result<Vec<Entry>> {
    array(keys)?
        .iter()
        .zip(array(values)?.iter())
        .map(|(name, value)| Ok((key(name)?, bytes(value)?)))
        .collect()
}

fn array(request: &sys::Request) -> Result<Array> {
    Ok(request.result().map_err(error)?.unchecked_into())
}

fn binary(bytes: &[u8]) -> JsValue {
    Uint8Array::from(bytes).into()
}

fn range(bounds: Bounds<'_>) -> Result<JsValue, JsValue> {
    let end = |bound| match bound {
        Bound::Unbounded => None,
        Bound::Included(key) => Some((binary(key), false)),
        Bound::Excluded(key) => Some((binary(key), true)),
    };
    match (end(bounds.lower), end(bounds.upper)) {
        (None, None) => Ok(JsValue::NULL),
        (Some((lower, above)), None) => sys::KeyRange::lower_bound(&lower, above),
        (None, Some((upper, below))) => sys::KeyRange::upper_bound(&upper, below),
        (Some((lower, above)), Some((upper, below))) => {
            sys::KeyRange::bound(&lower, &upper, above, below)
        }
    }
}

fn key(key: JsValue) -> Result<Vec<u8>> {
    match key.dyn_into::<ArrayBuffer>() {
        Ok(buffer) => Ok(Uint8Array::new(&buffer).to_vec()),
        Err(_) => Err(damaged("key")),
    }
}

fn bytes(value: JsValue) -> Result<Vec<u8>> {
    match value.dyn_into::<Uint8Array>() {
        Ok(array) => Ok(array.to_vec()),
        Err(_) => Err(damaged("value")),
    }
}

fn damaged(what: &str) -> DriverError {
    DriverError::new(
        ErrorKind::Corrupt,
        format!("a {what} in the database is no bytes; another program has written it"),
    )
}

/// A read transaction. A commit by anybody ends it with [`SnapshotLost`](ErrorKind::SnapshotLost).
pub struct IndexedDbReader(SendWrapper<View>);

impl IndexedDbReader {
    pub(crate) async fn begin(shared: &Rc<Shared>) -> Result<Self> {
        let view = View::new(shared);
        // What is seen from now on is what is there now.
        view.batch(None, |_| Ok(())).await?;
        Ok(Self(SendWrapper::new(view)))
    }
}

/// A write transaction, whose turn lasts until it is committed or dropped.
pub struct IndexedDbWriter {
    view: SendWrapper<View>,
    turn: SendWrapper<Turn>,
}

impl IndexedDbWriter {
    pub(crate) async fn begin(shared: &Rc<Shared>) -> Result<Self> {
        let turn = Turn::take(&shared.lock_name()).await?;
        Ok(Self {
            view: SendWrapper::new(View::new(shared)),
            turn: SendWrapper::new(turn),
        })
    }
}

macro_rules! read_from_view {
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

read_from_view!(IndexedDbReader, 0);
read_from_view!(IndexedDbWriter, view);

impl AsyncWrite for IndexedDbWriter {
    async fn commit(self, operations: &Operations<'_>, durability: Durability) -> Result<()> {
        let view = &*self.view;
        let mut written = BTreeSet::new();
        let mut puts = BTreeSet::new();
        for operation in operations {
            let (Operation::Put { tree, .. }
            | Operation::Remove { tree, .. }
            | Operation::Clear { tree }) = operation;
            written.insert(view.store(tree)?);
            if matches!(operation, Operation::Put { .. }) {
                puts.insert(view.store(tree)?);
            }
        }
        if written.is_empty() {
            return Ok(());
        }
        let puts: Vec<_> = puts.into_iter().collect();
        let connection = view.shared.connection_with(&puts).await?;
        // What is not there has nothing to be removed.
        written.retain(|store| connection.has(store));
        let durability = match durability {
            Durability::Immediate => "strict",
            Durability::None => "relaxed",
        };
        let transaction =
            connection.begin(written.iter().map(String::as_str), "readwrite", durability)?;
        if let Err(thrown) = view.request(&transaction, operations, &written) {
            // Aborting fails only where the browser has done so already.
            let _ = transaction.abort();
            return Err(error(thrown));
        }
        let completed = complete(&transaction).await;
        // The next writer begins when this one is done.
        drop(self.turn);
        completed
    }
}

impl View {
    /// Makes every request of a commit.
    fn request(
        &self,
        transaction: &sys::Transaction,
        operations: &Operations<'_>,
        written: &BTreeSet<String>,
    ) -> Result<(), JsValue> {
        let known = self.stores.borrow();
        let stores = known
            .iter()
            .map(|store| match written.contains(store) {
                true => transaction.store(store).map(Some),
                false => Ok(None),
            })
            .collect::<Result<Vec<_>, _>>()?;
        let store = |tree: TreeId| stores.get(tree.0 as usize).and_then(Option::as_ref);
        for operation in operations {
            match operation {
                Operation::Put { tree, key, value } => {
                    if let Some(store) = store(tree) {
                        store.put(&binary(value), &binary(key))?;
                    }
                }
                Operation::Remove { tree, key } => {
                    if let Some(store) = store(tree) {
                        store.remove(&binary(key))?;
                    }
                }
                Operation::Clear { tree } => {
                    if let Some(store) = store(tree) {
                        store.clear()?;
                    }
                }
            }
        }
        // The browser gives each addition a higher number than all before.
        let commits = transaction.store(COMMITS)?;
        commits.clear()?;
        commits.add(&JsValue::NULL)?;
        transaction.commit()
    }
}
