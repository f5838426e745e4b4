//! Entries of all sizes, against a model: random commits, and what is read of them, with and without `getAllRecords`.
#![cfg(target_arch = "wasm32")]
#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeMap;
use std::ops::Bound;

use js_sys::futures::JsFuture;
use js_sys::{Function, Promise};
use netabase_core::driver::asynchronous::{
    AsyncDatabase, AsyncDriver, AsyncRead, AsyncWrite, ReadSet,
};
use netabase_core::driver::{
    Bounds, Direction, DriverError, Durability, ErrorKind, WriteBatchBuilder,
};
use netabase_driver_indexeddb::IndexedDBConfig;
use netabase_driver_indexeddb::{IndexedDB, IndexedDBDatabase};
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

type Model = BTreeMap<Vec<u8>, Vec<u8>>;

/// Numbers that look random, the same in each run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }

    fn key(&mut self) -> Vec<u8> {
        let mut key = (self.below(500) as u16).to_be_bytes().to_vec();
        key.truncate(1 + self.below(8).min(1));
        key.resize(key.len() + self.below(2) * 3, 0);
        key
    }

    fn value(&mut self) -> Vec<u8> {
        let length = [0, 10, 100, 700, 1500, 3000, 10_000][self.below(7)];
        vec![self.below(256) as u8; length]
    }

    fn bound<'a>(&mut self, key: &'a [u8]) -> Bound<&'a [u8]> {
        let key = &key[..key.len() * self.below(8).min(1)];
        match self.below(5) {
            0 => Bound::Unbounded,
            1 | 2 => Bound::Included(key),
            _ => Bound::Excluded(key),
        }
    }
}

async fn open(name: &str) -> IndexedDBDatabase {
    IndexedDB.open(&IndexedDBConfig::new(name)).await.unwrap()
}

/// Runs `body` of a function of this database, which it may await.
async fn script(name: &str, body: &str) -> Result<JsValue, JsValue> {
    let open = "const settled = request => new Promise((resolve, reject) => {
            request.onsuccess = () => resolve(request.result);
            request.onerror = () => reject(request.error);
        });";
    let run = Function::new_with_args("name", &format!("{open} return (async () => {{{body}}})()"));
    let promise: Promise = run
        .call1(&JsValue::UNDEFINED, &name.into())?
        .unchecked_into();
    JsFuture::from(promise).await
}

/// Commits random operations on both trees; the model follows.
async fn commit(store: &IndexedDBDatabase, numbers: &mut Numbers, models: &mut [Model; 2]) {
    let writer = store.begin_write().await.unwrap();
    let mut list = WriteBatchBuilder::new();
    let most = [1, 6, 60, 300][numbers.below(4)];
    let removes = numbers.below(4);
    for _ in 0..=numbers.below(most) {
        let place = numbers.below(2);
        let tree = writer.tree(["a", "b"][place]).unwrap();
        let key = numbers.key();
        if numbers.below(400) == 0 {
            list.clear(tree);
            models[place].clear();
        } else if numbers.below(4) < removes {
            list.remove(tree, &key).unwrap();
            models[place].remove(&key);
        } else {
            let value = numbers.value();
            list.put(tree, &key, &value).unwrap();
            models[place].insert(key, value);
        }
    }
    // Now and then the leaves are known already.
    if numbers.below(2) == 0 {
        let tree = writer.tree("a").unwrap();
        writer.get_many(tree, &[&numbers.key()]).await.unwrap();
    }
    writer
        .commit(&list.as_batch(), &ReadSet::default(), Durability::None)
        .await
        .unwrap();
}

async fn compare(reader: &impl AsyncRead, numbers: &mut Numbers, tree: &str, model: &Model) {
    let tree = reader.tree(tree).unwrap();
    assert_eq!(reader.len(tree).await.unwrap(), model.len() as u64);
    for count in [1, 5, 200] {
        let keys: Vec<_> = (0..count).map(|_| numbers.key()).collect();
        let borrowed: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
        let found = reader.get_many(tree, &borrowed).await.unwrap();
        let expected: Vec<_> = keys.iter().map(|key| model.get(key).cloned()).collect();
        assert!(found == expected, "{count} keys");
    }
    for direction in [Direction::Forward, Direction::Backward] {
        for limit in [1, 2, 30, 1000] {
            let ends = [numbers.key(), numbers.key()];
            let bounds = Bounds {
                lower: numbers.bound(&ends[0]),
                upper: numbers.bound(&ends[1]),
            };
            let within = model
                .iter()
                .filter(|(key, _)| bounds.contains(key))
                .map(|(key, value)| (key.clone(), value.clone()));
            let expected: Vec<_> = match direction {
                Direction::Forward => within.take(limit).collect(),
                Direction::Backward => within.rev().take(limit).collect(),
            };
            let page = reader.page(tree, bounds, direction, limit).await.unwrap();
            assert!(page == expected, "{bounds:?}, {direction:?}, {limit}");
        }
    }
}

#[wasm_bindgen_test]
async fn random_commits_leave_what_a_map_has() {
    let store = open("random").await;
    let mut numbers = Numbers(0x9E37_79B9);
    let mut models = [Model::new(), Model::new()];
    for round in 0..160 {
        if round == 80 {
            Function::new_no_args("delete IDBObjectStore.prototype.getAllRecords")
                .call0(&JsValue::UNDEFINED)
                .unwrap();
        }
        commit(&store, &mut numbers, &mut models).await;
        let reader = store.begin_read().await.unwrap();
        for (tree, model) in ["a", "b"].into_iter().zip(&models) {
            compare(&reader, &mut numbers, tree, model).await;
        }
    }
    assert!(models.iter().all(|model| !model.is_empty()));
}

#[wasm_bindgen_test]
async fn entries_share_records() {
    let store = open("shared").await;
    let writer = store.begin_write().await.unwrap();
    let tree = writer.tree("t").unwrap();
    let mut list = WriteBatchBuilder::new();
    for number in 0..5000u16 {
        list.put(tree, &number.to_be_bytes(), b"0123456789")
            .unwrap();
    }
    writer
        .commit(&list.as_batch(), &ReadSet::default(), Durability::None)
        .await
        .unwrap();
    let count = script(
        "shared",
        "const database = await settled(indexedDB.open(name));
        const count = await settled(database.transaction('tree/t').objectStore('tree/t').count());
        database.close();
        return count",
    );
    // Fourteen bytes each, and the number of entries.
    assert!(count.await.unwrap().as_f64().unwrap() < 5000.0 / 200.0);
}

#[wasm_bindgen_test]
async fn a_damaged_leaf_is_an_error() {
    let store = open("damaged").await;
    let writer = store.begin_write().await.unwrap();
    let tree = writer.tree("t").unwrap();
    let mut list = WriteBatchBuilder::new();
    list.put(tree, b"k", b"v").unwrap();
    writer
        .commit(&list.as_batch(), &ReadSet::default(), Durability::None)
        .await
        .unwrap();
    script(
        "damaged",
        "const database = await settled(indexedDB.open(name));
        const store = database.transaction('tree/t', 'readwrite').objectStore('tree/t');
        await settled(store.put(new Uint8Array([1, 1, 0, 0, 0, 9]), new Uint8Array()));
        database.close()",
    )
    .await
    .unwrap();
    let reader = store.begin_read().await.unwrap();
    let tree = reader.tree("t").unwrap();
    let error = reader.get_many(tree, &[b"k"]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    for direction in [Direction::Forward, Direction::Backward] {
        let page = reader.page(tree, Bounds::ALL, direction, 10).await;
        assert_eq!(page.unwrap_err().kind(), ErrorKind::Corrupt);
    }
    let writer = store.begin_write().await.unwrap();
    let tree = writer.tree("t").unwrap();
    let mut list = WriteBatchBuilder::new();
    list.put(tree, b"k", b"new").unwrap();
    list.put(writer.tree("t").unwrap(), b"l", b"new").unwrap();
    let error = writer
        .commit(&list.as_batch(), &ReadSet::default(), Durability::None)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert_eq!(reader.len(reader.tree("t").unwrap()).await.unwrap(), 1);
}

#[wasm_bindgen_test]
async fn a_commit_that_is_given_up_is_done_in_whole_or_not_at_all() {
    let store = open("given up").await;
    let mut committed = 0;
    for polls in 0..12 {
        let writer = store.begin_write().await.unwrap();
        let mut list = WriteBatchBuilder::new();
        for name in ["a", "b"] {
            let tree = writer.tree(name).unwrap();
            list.put(tree, b"round", &[polls]).unwrap();
            // Enough of them to be read beforehand in one of the trees.
            for key in 0..20 * u8::from(name == "b") {
                list.put(tree, &[key], &[polls]).unwrap();
            }
        }
        let batch = list.as_batch();
        let reads = ReadSet::default();
        let mut commit = Box::pin(writer.commit(&batch, &reads, Durability::None));
        let mut left = polls;
        std::future::poll_fn(|context| {
            if left == 0 {
                return std::task::Poll::Ready(());
            }
            left -= 1;
            commit.as_mut().poll(context).map(drop)
        })
        .await;
        drop(commit);
        let reader = store.begin_read().await.unwrap();
        let mut found = Vec::new();
        for (name, keys) in [("a", &[&b"round"[..]][..]), ("b", &[b"round", &[0], &[19]])] {
            let tree = reader.tree(name).unwrap();
            found.extend(reader.get_many(tree, keys).await.unwrap());
        }
        assert!(found.iter().all(|value| *value == found[0]), "{found:?}");
        committed += u8::from(found[0] == Some(vec![polls]));
    }
    assert!(committed > 0 && committed < 12, "{committed}");
}

#[wasm_bindgen_test]
async fn a_database_of_the_older_layout_is_refused() {
    script(
        "older",
        "const request = indexedDB.open(name, 1);
        request.onupgradeneeded = () => {
            request.result.createObjectStore('commits', { autoIncrement: true });
            request.result.createObjectStore('tree/t');
        };
        (await settled(request)).close()",
    )
    .await
    .unwrap();
    let opened = IndexedDB.open(&IndexedDBConfig::new("older")).await;
    let error = opened.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SchemaMismatch);
    assert!(error.to_string().contains("layout"), "{error}");
}

/// Runs code over the object store of a tree, as another program might.
async fn tamper(name: &str, code: &str) {
    let body = format!(
        "const database = await settled(indexedDB.open(name));
        const store = database.transaction('tree/t', 'readwrite').objectStore('tree/t');
        await settled({code});
        database.close()"
    );
    script(name, &body).await.unwrap();
}

async fn commit_one(store: &IndexedDBDatabase) -> std::result::Result<(), DriverError> {
    let writer = store.begin_write().await?;
    let mut list = WriteBatchBuilder::new();
    list.put(writer.tree("t")?, b"a", b"")?;
    writer
        .commit(&list.as_batch(), &ReadSet::default(), Durability::None)
        .await
}

#[wasm_bindgen_test]
async fn leaves_that_overlap_are_damaged() {
    let store = open("overlapping").await;
    commit_one(&store).await.unwrap();
    // The entries `a` and `z`, and then `m`.
    tamper(
        "overlapping",
        "(store.put(new Uint8Array([1, 2, 0, 0, 0, 1, 0, 97, 1, 0, 122]), new Uint8Array()),
        store.put(new Uint8Array([1, 1, 0, 0, 0, 1, 0, 109]), new Uint8Array([109])))",
    )
    .await;
    let reader = store.begin_read().await.unwrap();
    let tree = reader.tree("t").unwrap();
    for direction in [Direction::Forward, Direction::Backward] {
        let page = reader.page(tree, Bounds::ALL, direction, 1000).await;
        assert_eq!(page.unwrap_err().kind(), ErrorKind::Corrupt);
    }
}

#[wasm_bindgen_test]
async fn numbers_of_entries_that_cannot_be_are_damaged() {
    let store = open("counted").await;
    commit_one(&store).await.unwrap();
    for count in ["-1", "0.5", "NaN", "2 ** 60", "'1'"] {
        tamper("counted", &format!("store.put({count}, 0)")).await;
        let reader = store.begin_read().await.unwrap();
        let error = reader.len(reader.tree("t").unwrap()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{count}");
    }
}
