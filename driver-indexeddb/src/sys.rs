//! What is called of IndexedDB, Web Locks and the storage manager.

use js_sys::{Array, Function, Object, Promise};
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// `globalThis`, with what a window and a worker have in common.
    pub(crate) type Global;
    #[wasm_bindgen(method, getter, js_name = indexedDB)]
    pub(crate) fn indexed_db(this: &Global) -> Option<Factory>;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn navigator(this: &Global) -> Option<Navigator>;
    #[wasm_bindgen(method, js_name = setTimeout)]
    pub(crate) fn set_timeout(this: &Global, callback: &Function, milliseconds: u32) -> JsValue;
    #[wasm_bindgen(method, js_name = clearTimeout)]
    pub(crate) fn clear_timeout(this: &Global, timer: &JsValue);

    pub(crate) type Navigator;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn locks(this: &Navigator) -> Option<LockManager>;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn storage(this: &Navigator) -> Option<StorageManager>;

    pub(crate) type LockManager;
    #[wasm_bindgen(method)]
    pub(crate) fn request(
        this: &LockManager,
        name: &str,
        options: &Object,
        callback: &JsValue,
    ) -> Promise;

    pub(crate) type StorageManager;
    #[wasm_bindgen(method, catch)]
    pub(crate) fn persist(this: &StorageManager) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, getter, js_name = persist)]
    pub(crate) fn persist_function(this: &StorageManager) -> Option<Function>;
    #[wasm_bindgen(method, catch)]
    pub(crate) fn persisted(this: &StorageManager) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch)]
    pub(crate) fn estimate(this: &StorageManager) -> Result<Promise, JsValue>;

    pub(crate) type Estimate;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn usage(this: &Estimate) -> Option<f64>;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn quota(this: &Estimate) -> Option<f64>;

    pub(crate) type Factory;
    #[wasm_bindgen(method, catch)]
    pub(crate) fn open(this: &Factory, name: &str) -> Result<Request, JsValue>;
    #[wasm_bindgen(method, catch, js_name = deleteDatabase)]
    pub(crate) fn delete_database(this: &Factory, name: &str) -> Result<Request, JsValue>;
    #[wasm_bindgen(method, catch, js_name = open)]
    pub(crate) fn open_version(
        this: &Factory,
        name: &str,
        version: f64,
    ) -> Result<Request, JsValue>;

    /// `IDBRequest` and `IDBOpenDBRequest`.
    #[derive(Clone)]
    pub(crate) type Request;
    #[wasm_bindgen(method, getter, catch)]
    pub(crate) fn result(this: &Request) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method, getter, catch)]
    pub(crate) fn error(this: &Request) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn transaction(this: &Request) -> Option<Transaction>;
    #[wasm_bindgen(method, setter)]
    pub(crate) fn set_onsuccess(this: &Request, handler: Option<&JsValue>);
    #[wasm_bindgen(method, setter)]
    pub(crate) fn set_onerror(this: &Request, handler: Option<&JsValue>);
    #[wasm_bindgen(method, setter)]
    pub(crate) fn set_onblocked(this: &Request, handler: Option<&JsValue>);
    #[wasm_bindgen(method, setter)]
    pub(crate) fn set_onupgradeneeded(this: &Request, handler: Option<&JsValue>);

    pub(crate) type Database;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn version(this: &Database) -> f64;
    #[wasm_bindgen(method, getter, js_name = objectStoreNames)]
    pub(crate) fn names(this: &Database) -> Names;
    #[wasm_bindgen(method)]
    pub(crate) fn close(this: &Database);
    #[wasm_bindgen(method, catch, js_name = createObjectStore)]
    pub(crate) fn create(
        this: &Database,
        name: &str,
        options: &Object,
    ) -> Result<ObjectStore, JsValue>;
    #[wasm_bindgen(method, catch, js_name = transaction)]
    pub(crate) fn begin(
        this: &Database,
        stores: &Array,
        mode: &str,
        options: &Object,
    ) -> Result<Transaction, JsValue>;
    #[wasm_bindgen(method, setter)]
    pub(crate) fn set_onversionchange(this: &Database, handler: Option<&JsValue>);
    #[wasm_bindgen(method, setter)]
    pub(crate) fn set_onclose(this: &Database, handler: Option<&JsValue>);

    pub(crate) type VersionChange;
    #[wasm_bindgen(method, getter, js_name = newVersion)]
    pub(crate) fn new_version(this: &VersionChange) -> Option<f64>;

    /// `DOMStringList`.
    pub(crate) type Names;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn length(this: &Names) -> u32;
    #[wasm_bindgen(method)]
    pub(crate) fn contains(this: &Names, name: &str) -> bool;
    #[wasm_bindgen(method)]
    pub(crate) fn item(this: &Names, index: u32) -> Option<String>;

    #[derive(Clone)]
    pub(crate) type Transaction;
    #[wasm_bindgen(method, catch, js_name = objectStore)]
    pub(crate) fn store(this: &Transaction, name: &str) -> Result<ObjectStore, JsValue>;
    #[wasm_bindgen(method, catch)]
    pub(crate) fn commit(this: &Transaction) -> Result<(), JsValue>;
    #[wasm_bindgen(method, catch)]
    pub(crate) fn abort(this: &Transaction) -> Result<(), JsValue>;
    #[wasm_bindgen(method, getter, js_name = error)]
    pub(crate) fn cause(this: &Transaction) -> JsValue;
    #[wasm_bindgen(method, setter)]
    pub(crate) fn set_oncomplete(this: &Transaction, handler: Option<&JsValue>);
    #[wasm_bindgen(method, setter)]
    pub(crate) fn set_onabort(this: &Transaction, handler: Option<&JsValue>);

    pub(crate) type ObjectStore;
    #[wasm_bindgen(method, catch)]
    pub(crate) fn put(
        this: &ObjectStore,
        value: &JsValue,
        key: &JsValue,
    ) -> Result<Request, JsValue>;
    #[wasm_bindgen(method, catch)]
    pub(crate) fn add(this: &ObjectStore, value: &JsValue) -> Result<Request, JsValue>;
    #[wasm_bindgen(method, catch, js_name = delete)]
    pub(crate) fn remove(this: &ObjectStore, key: &JsValue) -> Result<Request, JsValue>;
    #[wasm_bindgen(method, catch)]
    pub(crate) fn clear(this: &ObjectStore) -> Result<Request, JsValue>;
    #[wasm_bindgen(method, catch)]
    pub(crate) fn get(this: &ObjectStore, key: &JsValue) -> Result<Request, JsValue>;
    #[wasm_bindgen(method, catch, js_name = getAllKeys)]
    pub(crate) fn all_keys(
        this: &ObjectStore,
        range: &JsValue,
        count: u32,
    ) -> Result<Request, JsValue>;
    #[wasm_bindgen(method, catch, js_name = getAll)]
    pub(crate) fn all_values(
        this: &ObjectStore,
        range: &JsValue,
        count: u32,
    ) -> Result<Request, JsValue>;
    #[wasm_bindgen(method, catch, js_name = getAllRecords)]
    pub(crate) fn all_records(this: &ObjectStore, options: &Object) -> Result<Request, JsValue>;
    #[wasm_bindgen(method, catch, js_name = openCursor)]
    pub(crate) fn cursor(
        this: &ObjectStore,
        range: &JsValue,
        direction: &str,
    ) -> Result<Request, JsValue>;
    #[wasm_bindgen(method, catch, js_name = openKeyCursor)]
    pub(crate) fn key_cursor(
        this: &ObjectStore,
        range: &JsValue,
        direction: &str,
    ) -> Result<Request, JsValue>;

    pub(crate) type KeyCursor;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn key(this: &KeyCursor) -> JsValue;
    #[wasm_bindgen(method, catch)]
    pub(crate) fn advance(this: &KeyCursor, count: u32) -> Result<(), JsValue>;

    /// `IDBRecord`, and what an `IDBCursorWithValue` has in common with it.
    pub(crate) type Record;
    #[wasm_bindgen(method, getter, js_name = key)]
    pub(crate) fn record_key(this: &Record) -> JsValue;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn value(this: &Record) -> JsValue;

    #[wasm_bindgen(js_name = IDBKeyRange)]
    pub(crate) type KeyRange;
    #[wasm_bindgen(static_method_of = KeyRange, js_class = "IDBKeyRange", js_name = bound, catch)]
    pub(crate) fn bound(
        lower: &JsValue,
        upper: &JsValue,
        above_lower: bool,
        below_upper: bool,
    ) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(static_method_of = KeyRange, js_class = "IDBKeyRange", js_name = lowerBound, catch)]
    pub(crate) fn lower_bound(lower: &JsValue, above: bool) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(static_method_of = KeyRange, js_class = "IDBKeyRange", js_name = upperBound, catch)]
    pub(crate) fn upper_bound(upper: &JsValue, below: bool) -> Result<JsValue, JsValue>;
}

/// The window or worker that this runs in.
pub(crate) fn global() -> Global {
    js_sys::global().unchecked_into()
}
