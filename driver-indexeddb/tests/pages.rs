//! Two holders of one database at once: turns of writers, lost snapshots, upgrades, and a page that does not let go.
#![cfg(target_arch = "wasm32")]
#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use std::cell::Cell;
use std::rc::Rc;

use js_sys::futures::{JsFuture, spawn_local};
use js_sys::{Function, Promise};
use netabase_core::driver::asynchronous::{
    AsyncDatabase, AsyncDriver, AsyncRead, AsyncWrite, ReadSet,
};
use netabase_core::driver::{Bounds, Direction, Durability, ErrorKind, WriteBatchBuilder};
use netabase_driver_indexeddb::IndexedDBConfig;
use netabase_driver_indexeddb::{IndexedDB, IndexedDBDatabase};
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

async fn open(name: &str) -> IndexedDBDatabase {
    IndexedDB.open(&IndexedDBConfig::new(name)).await.unwrap()
}

async fn put(store: &IndexedDBDatabase, tree: &str, key: &[u8], value: &[u8]) {
    let writer = store.begin_write().await.unwrap();
    let mut list = WriteBatchBuilder::new();
    list.put(writer.tree(tree).unwrap(), key, value).unwrap();
    writer
        .commit(&list.as_batch(), &ReadSet::default(), Durability::Immediate)
        .await
        .unwrap();
}

async fn get(store: &IndexedDBDatabase, tree: &str, key: &[u8]) -> Option<Vec<u8>> {
    let reader = store.begin_read().await.unwrap();
    let tree = reader.tree(tree).unwrap();
    reader.get_many(tree, &[key]).await.unwrap().remove(0)
}

/// Something foreign to await: the browser ends every idle transaction of its own meanwhile.
async fn pause(milliseconds: u32) {
    let wait = Function::new_with_args(
        "milliseconds",
        "return new Promise(done => setTimeout(done, milliseconds))",
    );
    let promise = wait
        .call1(&JsValue::UNDEFINED, &milliseconds.into())
        .unwrap();
    JsFuture::from(promise.unchecked_into::<Promise>())
        .await
        .unwrap();
}

#[wasm_bindgen_test]
async fn a_temporary_database_lives_as_long_as_its_transactions() {
    let config = IndexedDBConfig::builder()
        .database_name("short".to_owned())
        .temporary(true)
        .build();
    let store = IndexedDB.open(&config).await.unwrap();
    put(&store, "t", b"k", b"v").await;
    let reader = store.begin_read().await.unwrap();
    drop(store);
    pause(100).await;
    let tree = reader.tree("t").unwrap();
    let found = reader.get_many(tree, &[b"k"]).await.unwrap();
    assert_eq!(found, [Some(b"v".to_vec())]);
}

#[wasm_bindgen_test]
async fn writers_take_turns() {
    let (first, second) = (open("turns").await, open("turns").await);
    let writer = first.begin_write().await.unwrap();
    let began = Rc::new(Cell::new(false));
    spawn_local({
        let began = Rc::clone(&began);
        async move {
            put(&second, "t", b"k", b"second").await;
            began.set(true);
        }
    });
    pause(100).await;
    assert!(!began.get());
    let mut list = WriteBatchBuilder::new();
    list.put(writer.tree("t").unwrap(), b"k", b"first").unwrap();
    writer
        .commit(&list.as_batch(), &ReadSet::default(), Durability::None)
        .await
        .unwrap();
    pause(300).await;
    assert!(began.get());
    assert_eq!(get(&first, "t", b"k").await.unwrap(), b"second");
}

#[wasm_bindgen_test]
async fn a_writer_that_is_given_up_lets_the_next_one_begin() {
    let store = open("given up").await;
    let writer = store.begin_write().await.unwrap();
    {
        let mut waiting = std::pin::pin!(store.begin_write());
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(waiting.as_mut().poll(&mut context).is_pending());
    }
    drop(writer);
    put(&store, "t", b"k", b"v").await;
    assert_eq!(get(&store, "t", b"k").await.unwrap(), b"v");
}

#[wasm_bindgen_test]
async fn a_reader_that_was_overtaken_says_so() {
    let (first, second) = (open("overtaken").await, open("overtaken").await);
    put(&first, "t", b"k", b"old").await;
    let reader = first.begin_read().await.unwrap();
    let tree = reader.tree("t").unwrap();
    assert_eq!(reader.len(tree).await.unwrap(), 1);
    pause(20).await;
    assert_eq!(reader.len(tree).await.unwrap(), 1);
    put(&second, "t", b"k", b"new").await;
    for _ in 0..2 {
        let error = reader.get_many(tree, &[b"k"]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::SnapshotLost);
    }
    assert_eq!(get(&first, "t", b"k").await.unwrap(), b"new");
}

#[wasm_bindgen_test]
async fn a_caller_may_await_anything_within_a_transaction() {
    let fetch = Function::new_no_args("return fetch('/').then(response => response.text())");
    let foreign = async || {
        pause(50).await;
        let page: Promise = fetch.call0(&JsValue::UNDEFINED).unwrap().unchecked_into();
        JsFuture::from(page).await.unwrap();
    };
    let store = open("foreign").await;
    put(&store, "a", b"k", b"old").await;

    let writer = store.begin_write().await.unwrap();
    let (a, b) = (writer.tree("a").unwrap(), writer.tree("b").unwrap());
    let mut list = WriteBatchBuilder::new();
    list.put(a, b"k", b"new").unwrap();
    foreign().await;
    let found = writer.get_many(a, &[b"k"]).await.unwrap();
    assert_eq!(found, [Some(b"old".to_vec())]);
    foreign().await;
    list.put(b, b"k", b"new").unwrap();
    foreign().await;
    writer
        .commit(&list.as_batch(), &ReadSet::default(), Durability::Immediate)
        .await
        .unwrap();

    let reader = store.begin_read().await.unwrap();
    for name in ["a", "b"] {
        let tree = reader.tree(name).unwrap();
        foreign().await;
        let found = reader.get_many(tree, &[b"k"]).await.unwrap();
        assert_eq!(found, [Some(b"new".to_vec())]);
    }
}

#[wasm_bindgen_test]
async fn an_upgrade_by_one_is_followed_by_the_other() {
    let (first, second) = (open("upgrade").await, open("upgrade").await);
    for (number, tree) in ["a", "b", "c"].into_iter().enumerate() {
        let (writes, reads) = match number % 2 {
            0 => (&first, &second),
            _ => (&second, &first),
        };
        put(writes, tree, b"k", tree.as_bytes()).await;
        assert_eq!(get(reads, tree, b"k").await.unwrap(), tree.as_bytes());
        assert_eq!(get(reads, "a", b"k").await.unwrap(), b"a");
    }
}

#[wasm_bindgen_test]
async fn a_page_that_does_not_let_go_is_an_error() {
    let store = open("held").await;
    put(&store, "t", b"k", b"v").await;
    let hold = Function::new_no_args(
        "return new Promise((resolve, reject) => {
            const frame = document.createElement('iframe');
            document.body.append(frame);
            const request = frame.contentWindow.indexedDB.open('held');
            request.onsuccess = () => resolve(request.result);
            request.onerror = () => reject(request.error);
        })",
    );
    let promise: Promise = hold.call0(&JsValue::UNDEFINED).unwrap().unchecked_into();
    let held = JsFuture::from(promise).await.unwrap();
    let writer = store.begin_write().await.unwrap();
    let mut list = WriteBatchBuilder::new();
    list.put(writer.tree("new").unwrap(), b"k", b"v").unwrap();
    let error = writer
        .commit(&list.as_batch(), &ReadSet::default(), Durability::Immediate)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked);
    Function::new_with_args("database", "database.close()")
        .call1(&JsValue::UNDEFINED, &held)
        .unwrap();
    assert_eq!(get(&store, "new", b"k").await, None);
    put(&store, "new", b"k", b"v").await;
    assert_eq!(get(&store, "new", b"k").await.unwrap(), b"v");
    assert_eq!(get(&store, "t", b"k").await.unwrap(), b"v");
}

#[wasm_bindgen_test]
async fn a_deleted_database_is_closed() {
    let store = open("deleted").await;
    let delete = Function::new_no_args(
        "return new Promise((resolve, reject) => {
            const request = indexedDB.deleteDatabase('deleted');
            request.onsuccess = () => resolve();
            request.onerror = () => reject(request.error);
        })",
    );
    let promise: Promise = delete.call0(&JsValue::UNDEFINED).unwrap().unchecked_into();
    JsFuture::from(promise).await.unwrap();
    let error = store.begin_read().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed);
}

#[wasm_bindgen_test]
async fn pages_are_the_same_without_get_all_records() {
    let store = open("pages").await;
    let writer = store.begin_write().await.unwrap();
    let tree = writer.tree("t").unwrap();
    let mut list = WriteBatchBuilder::new();
    for number in 0..20u8 {
        list.put(tree, &[number], &[number, number]).unwrap();
    }
    writer
        .commit(&list.as_batch(), &ReadSet::default(), Durability::None)
        .await
        .unwrap();
    let mut answers = Vec::new();
    for _ in 0..2 {
        let reader = store.begin_read().await.unwrap();
        let tree = reader.tree("t").unwrap();
        let mut pages = Vec::new();
        for direction in [Direction::Forward, Direction::Backward] {
            for limit in [1, 2, 7, 20, 100] {
                let page = reader.page(tree, Bounds::ALL, direction, limit).await;
                pages.push(page.unwrap());
            }
        }
        answers.push(pages);
        Function::new_no_args("delete IDBObjectStore.prototype.getAllRecords")
            .call0(&JsValue::UNDEFINED)
            .unwrap();
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[1][6][0], (vec![19], vec![19, 19]));
    assert_eq!(answers[1][7].len(), 7);
}
