//! A commit that is larger than the room that the browser gives.
#![cfg(target_arch = "wasm32")]
#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use js_sys::futures::JsFuture;
use js_sys::{Function, Promise};
use netabase_core::driver::asynchronous::{
    AsyncDatabase, AsyncDriver, AsyncRead, AsyncWrite, ReadSet,
};
use netabase_core::driver::{Durability, ErrorKind, Result, WriteBatchBuilder};
use netabase_driver_indexeddb::IndexedDBConfig;
use netabase_driver_indexeddb::{IndexedDB, IndexedDBDatabase};
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

/// Puts a storage bucket of so many bytes in the place of the page's own IndexedDB: the browser's own quota, of a size that is
/// soon used up.
async fn limit_room(bytes: u32) {
    let limit = Function::new_with_args(
        "bytes",
        "return navigator.storageBuckets.open('small', { quota: bytes }).then(bucket =>
            Object.defineProperty(self, 'indexedDB', { value: bucket.indexedDB }))",
    );
    let promise = limit.call1(&JsValue::UNDEFINED, &bytes.into()).unwrap();
    JsFuture::from(promise.unchecked_into::<Promise>())
        .await
        .unwrap();
}

async fn put(store: &IndexedDBDatabase, entries: &[(&str, &[u8], &[u8])]) -> Result<()> {
    let writer = store.begin_write().await?;
    let mut list = WriteBatchBuilder::new();
    for (tree, key, value) in entries {
        list.put(writer.tree(tree)?, key, value)?;
    }
    writer
        .commit(&list.as_batch(), &ReadSet::default(), Durability::Immediate)
        .await
}

#[wasm_bindgen_test]
async fn a_commit_beyond_the_quota_leaves_nothing() {
    limit_room(2_000_000).await;
    let store = IndexedDB.open(&IndexedDBConfig::new("full")).await.unwrap();
    put(&store, &[("a", b"k", b"kept"), ("b", b"k", b"kept")])
        .await
        .unwrap();
    // The browser keeps values compressed: these have to be random.
    let mut state = 1u32;
    let large: Vec<u8> = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as u8
    })
    .take(500_000)
    .collect();
    let keys: Vec<[u8; 1]> = (0..16).map(|key| [key]).collect();
    let mut entries: Vec<(&str, &[u8], &[u8])> = vec![("a", b"k", b"lost"), ("b", b"k", b"lost")];
    entries.extend(keys.iter().map(|key| ("a", &key[..], &large[..])));
    let error = put(&store, &entries).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{error}");

    let reader = store.begin_read().await.unwrap();
    for name in ["a", "b"] {
        let tree = reader.tree(name).unwrap();
        assert_eq!(reader.len(tree).await.unwrap(), 1);
        let found = reader.get_many(tree, &[b"k"]).await.unwrap();
        assert_eq!(found, [Some(b"kept".to_vec())]);
    }
    put(&store, &[("a", b"k", b"newer")]).await.unwrap();
}
