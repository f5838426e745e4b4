//! Waiting for IndexedDB on a stack that the browser suspends.
#![cfg(target_arch = "wasm32")]
#![allow(deprecated, reason = "wasm-bindgen marks its JSPI so, as experimental")]
#![allow(
    missing_docs,
    missing_debug_implementations,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod waiting;

use js_sys::futures::JsFuture;
use js_sys::{Function, Promise, Reflect};
use netabase_core::driver::asynchronous::AsyncDriver;
use netabase_core::driver::{Database, Driver, Durability, OpenConfig, Read, Write};
use netabase_driver_indexeddb::IndexedDB;
use netabase_driver_indexeddb::IndexedDBConfig;
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

#[wasm_bindgen]
pub struct Case;

#[wasm_bindgen]
impl Case {
    #[wasm_bindgen(jspi)]
    pub fn run(&self) -> String {
        let driver = waiting::driver();
        let store = driver.open(&OpenConfig::new("spike")).unwrap();
        let mut writer = store.begin_write().unwrap();
        let tree = writer.tree("t").unwrap();
        writer.put(tree, b"key", b"value", |_| ()).unwrap();
        writer.commit(Durability::Immediate).unwrap();
        let reader = store.begin_read().unwrap();
        let tree = reader.tree("t").unwrap();
        let value = reader.get(tree, b"key", <[u8]>::to_vec).unwrap();
        String::from_utf8(value.unwrap()).unwrap()
    }
}

#[wasm_bindgen_test]
async fn synchronous_code_waits_for_indexed_db() {
    let case = JsValue::from(Case);
    let run: Function = Reflect::get(&case, &"run".into()).unwrap().unchecked_into();
    let promise: Promise = run.call0(&case).unwrap().unchecked_into();
    let value = JsFuture::from(promise).await.unwrap();
    assert_eq!(value.as_string().as_deref(), Some("value"));
}

#[wasm_bindgen_test]
async fn opens() {
    IndexedDB
        .open(&IndexedDBConfig::new("opens"))
        .await
        .unwrap();
}
