//! The requests by which leaves are read from an object store and written to it.
//!
//! A leaf is a record with a binary key. Beside the leaves there is one record with a number as its key, below all binary
//! ones: how many entries the tree has.

use std::cell::RefCell;
use std::ops::Bound;
use std::rc::Rc;

use js_sys::{Array, ArrayBuffer, Object, Reflect, Uint8Array};
use netabase_core::driver::{DriverError, ErrorKind, Result};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};

use crate::connection::set;
use crate::error::error;
use crate::leaf::Damaged;
use crate::sys;

/// The key of the record that holds the number of entries.
const COUNT: f64 = 0.0;

/// What a leaf is kept under, and its bytes.
pub(crate) type KeptLeaf = (Vec<u8>, Vec<u8>);

/// Asks for the number of entries.
pub(crate) fn count(store: &sys::ObjectStore) -> Result<sys::Request, JsValue> {
    store.get(&COUNT.into())
}

/// The answer to [`count`]. No record means no entry.
pub(crate) fn counted(request: &sys::Request) -> Result<u64> {
    let value = request.result().map_err(error)?;
    // Whole numbers up to this one are exact.
    const MOST: f64 = (1u64 << 53) as f64;
    match value.as_f64() {
        Some(count) if (0.0..=MOST).contains(&count) && count.fract() == 0.0 => Ok(count as u64),
        None if value.is_undefined() => Ok(0),
        _ => Err(foreign("number of entries")),
    }
}

/// Writes the number of entries.
pub(crate) fn put_count(store: &sys::ObjectStore, count: u64) -> Result<(), JsValue> {
    store.put(&(count as f64).into(), &COUNT.into()).map(drop)
}

/// Writes a leaf.
pub(crate) fn put_leaf(store: &sys::ObjectStore, key: &[u8], leaf: &[u8]) -> Result<(), JsValue> {
    store.put(&binary(leaf), &binary(key)).map(drop)
}

/// Removes a leaf.
pub(crate) fn remove_leaf(store: &sys::ObjectStore, key: &[u8]) -> Result<(), JsValue> {
    store.remove(&binary(key)).map(drop)
}

/// Asks for the first leaves, at most `most`, that are kept under keys in this range.
pub(crate) fn first_leaves(
    store: &sys::ObjectStore,
    lower: Bound<&[u8]>,
    upper: Bound<&[u8]>,
    most: u32,
) -> Result<sys::Request, JsValue> {
    store.all_values(&range(lower, upper)?, most)
}

/// The answer to [`first_leaves`].
pub(crate) fn leaves(request: &sys::Request) -> Result<Vec<Vec<u8>>> {
    array(request)?.iter().map(bytes).collect()
}

/// Asks for what leaves are kept under in this range; at most `most`, the first ones.
pub(crate) fn leaf_keys(
    store: &sys::ObjectStore,
    lower: Bound<&[u8]>,
    upper: Bound<&[u8]>,
    most: u32,
) -> Result<sys::Request, JsValue> {
    store.all_keys(&range(lower, upper)?, most)
}

/// The answer to [`leaf_keys`].
pub(crate) fn keys(request: &sys::Request) -> Result<Vec<Vec<u8>>> {
    array(request)?.iter().map(key).collect()
}

/// The answer of the transaction's own object store: the number of the last commit.
pub(crate) fn commit_number(keys: &sys::Request) -> Result<f64> {
    match array(keys)?.get(0) {
        none if none.is_undefined() => Ok(0.0),
        number => number.as_f64().ok_or_else(|| foreign("number of a commit")),
    }
}

/// A handler of a request's success, for as long as it is wanted.
pub(crate) struct OnSuccess {
    request: sys::Request,
    _handler: Closure<dyn FnMut()>,
}

impl OnSuccess {
    pub(crate) fn new(request: sys::Request, handler: impl FnMut() + 'static) -> Self {
        let handler = Closure::new(handler);
        request.set_onsuccess(Some(handler.as_ref()));
        Self {
            request,
            _handler: handler,
        }
    }
}

impl Drop for OnSuccess {
    fn drop(&mut self) {
        self.request.set_onsuccess(None);
    }
}

/// The requests for the keys and for the values of leaves; `None` until they are made.
type Parts = Option<Result<(sys::Request, sys::Request), JsValue>>;

/// The last leaves that are kept under keys up to some bound.
pub(crate) enum LastLeaves {
    /// In one request, the last one first.
    Records(sys::Request),
    /// The last one, where a cursor stands.
    Cursor(sys::Request),
    /// From where a key cursor finds that they begin, in ascending order.
    Parts {
        parts: Rc<RefCell<Parts>>,
        _step: OnSuccess,
    },
}

impl LastLeaves {
    /// Asks for at most `most` of them.
    pub(crate) fn request(
        store: &sys::ObjectStore,
        upper: Bound<&[u8]>,
        most: u32,
    ) -> Result<Self, JsValue> {
        let range = range(Bound::Unbounded, upper)?;
        if Reflect::has(store, &"getAllRecords".into())? {
            let options = Object::new();
            set(&options, "query", &range);
            set(&options, "count", &most.into());
            set(&options, "direction", &"prev".into());
            return store.all_records(&options).map(Self::Records);
        }
        match most {
            1 => store.cursor(&range, "prev").map(Self::Cursor),
            _ => Self::behind(store, range, most),
        }
    }

    /// Lets a key cursor jump over the leaves, backwards, and asks for what lies between.
    fn behind(store: &sys::ObjectStore, range: JsValue, most: u32) -> Result<Self, JsValue> {
        let cursor = store.key_cursor(&range, "prev")?;
        let parts = Rc::new(RefCell::new(None));
        let step = {
            let store: sys::ObjectStore = JsValue::from(store).unchecked_into();
            let cursor = cursor.clone();
            let parts = Rc::clone(&parts);
            let mut jumped = false;
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
                        match found.advance(most - 1) {
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
        };
        Ok(Self::Parts {
            parts,
            _step: OnSuccess::new(cursor, step),
        })
    }

    /// The answer: the last one first.
    pub(crate) fn leaves(&self) -> Result<Vec<KeptLeaf>> {
        let leaf = |record: JsValue| {
            let record: sys::Record = record.unchecked_into();
            Ok((key(record.record_key())?, bytes(record.value())?))
        };
        match self {
            Self::Records(records) => array(records)?.iter().map(leaf).collect(),
            Self::Cursor(cursor) => match cursor.result().map_err(error)? {
                found if found.is_null() => Ok(Vec::new()),
                found => Ok(vec![leaf(found)?]),
            },
            Self::Parts { parts, .. } => {
                let (names, values) = parts
                    .take()
                    .unwrap_or(Err(JsValue::UNDEFINED))
                    .map_err(error)?;
                Ok(keys(&names)?
                    .into_iter()
                    .zip(leaves(&values)?)
                    .rev()
                    .collect())
            }
        }
    }
}

fn array(request: &sys::Request) -> Result<Array> {
    Ok(request.result().map_err(error)?.unchecked_into())
}

fn binary(bytes: &[u8]) -> JsValue {
    Uint8Array::from(bytes).into()
}

/// The binary keys between two bounds.
fn range(lower: Bound<&[u8]>, upper: Bound<&[u8]>) -> Result<JsValue, JsValue> {
    let (lower, above) = match lower {
        Bound::Unbounded => (&[][..], false),
        Bound::Included(key) => (key, false),
        Bound::Excluded(key) => (key, true),
    };
    let lower = binary(lower);
    match upper {
        Bound::Unbounded => sys::KeyRange::lower_bound(&lower, above),
        Bound::Included(key) => sys::KeyRange::bound(&lower, &binary(key), above, false),
        Bound::Excluded(key) => sys::KeyRange::bound(&lower, &binary(key), above, true),
    }
}

fn key(key: JsValue) -> Result<Vec<u8>> {
    match key.dyn_into::<ArrayBuffer>() {
        Ok(buffer) => Ok(Uint8Array::new(&buffer).to_vec()),
        Err(_) => Err(foreign("key")),
    }
}

fn bytes(value: JsValue) -> Result<Vec<u8>> {
    match value.dyn_into::<Uint8Array>() {
        Ok(array) => Ok(array.to_vec()),
        Err(_) => Err(foreign("value")),
    }
}

fn foreign(what: &str) -> DriverError {
    DriverError::new(
        ErrorKind::Corrupt,
        format!(
            "a {what} in the database is of another kind than this driver's; another program has written it"
        ),
    )
}

impl From<Damaged> for DriverError {
    fn from(_: Damaged) -> Self {
        Self::new(
            ErrorKind::Corrupt,
            "a leaf of a tree is damaged; another program has written it, or the browser's files are damaged",
        )
    }
}
