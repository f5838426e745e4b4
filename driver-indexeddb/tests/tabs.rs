//! Two tabs, and a page and a worker: the same program twice, over one database.
#![cfg(target_arch = "wasm32")]
#![allow(
    missing_docs,
    missing_debug_implementations,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::cell::{Cell, RefCell};

use js_sys::futures::JsFuture;
use js_sys::{Array, Date, Function, Promise, Reflect};
use netabase_core::driver::asynchronous::{
    AsyncDatabase, AsyncDriver, AsyncRead, AsyncWrite, ReadSet,
};
use netabase_core::driver::{DriverError, Durability, ErrorKind, Result, WriteBatchBuilder};
use netabase_driver_indexeddb::IndexedDBConfig;
use netabase_driver_indexeddb::{IndexedDB, IndexedDBDatabase, IndexedDBWriter};
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

async fn open(name: &str, version: u32) -> Result<IndexedDBDatabase> {
    let config = IndexedDBConfig::builder()
        .database_name(name.to_owned())
        .version(version)
        .build();
    IndexedDB.open(&config).await
}

async fn commit(writer: IndexedDBWriter, tree: &str, value: &str) -> Result<()> {
    let mut list = WriteBatchBuilder::new();
    list.put(writer.tree(tree)?, b"k", value.as_bytes())?;
    writer
        .commit(&list.as_batch(), &ReadSet::default(), Durability::Immediate)
        .await
}

async fn put(store: &IndexedDBDatabase, tree: &str, value: &str) -> Result<()> {
    commit(store.begin_write().await?, tree, value).await
}

async fn read(reader: &impl AsyncRead, tree: &str) -> Result<Option<String>> {
    let found = reader.get_many(reader.tree(tree)?, &[b"k"]).await?;
    Ok(found
        .into_iter()
        .flatten()
        .next()
        .map(|value| String::from_utf8(value).unwrap()))
}

async fn get(store: &IndexedDBDatabase, tree: &str) -> Result<Option<String>> {
    read(&store.begin_read().await?, tree).await
}

/// Adds 1 to a number so many times, reading it and writing it in a transaction each.
async fn count(store: &IndexedDBDatabase, times: u32) -> Result<()> {
    for _ in 0..times {
        let writer = store.begin_write().await?;
        let number = read(&writer, "count").await?;
        let number = number.map_or(0, |number| number.parse::<u32>().unwrap());
        commit(writer, "count", &(number + 1).to_string()).await?;
    }
    Ok(())
}

/// What the other page is told to do; `peer.js` calls it there.
#[wasm_bindgen]
#[derive(Default)]
pub struct Peer {
    store: RefCell<Option<IndexedDBDatabase>>,
    writer: RefCell<Option<IndexedDBWriter>>,
}

/// The error as the other page tells it: its kind first.
fn told(error: DriverError) -> String {
    format!("{:?}: {error}", error.kind())
}

#[wasm_bindgen]
impl Peer {
    #[wasm_bindgen(constructor)]
    pub fn new() -> Self {
        Self::default()
    }

    fn store(&self) -> IndexedDBDatabase {
        self.store.borrow().clone().unwrap()
    }

    pub async fn open(&self, name: String, version: u32) -> Result<(), String> {
        let store = open(&name, version).await.map_err(told)?;
        self.store.replace(Some(store));
        Ok(())
    }

    pub async fn put(&self, tree: String, value: String) -> Result<(), String> {
        put(&self.store(), &tree, &value).await.map_err(told)
    }

    pub async fn get(&self, tree: String) -> Result<Option<String>, String> {
        get(&self.store(), &tree).await.map_err(told)
    }

    pub async fn count(&self, times: u32) -> Result<(), String> {
        count(&self.store(), times).await.map_err(told)
    }

    pub async fn begin_write(&self) -> Result<(), String> {
        let writer = self.store().begin_write().await.map_err(told)?;
        self.writer.replace(Some(writer));
        Ok(())
    }

    pub async fn commit(&self, tree: String, value: String) -> Result<(), String> {
        let writer = self.writer.take().unwrap();
        commit(writer, &tree, &value).await.map_err(told)
    }
}

#[wasm_bindgen]
extern "C" {
    type BroadcastChannel;
    #[wasm_bindgen(constructor)]
    fn new(name: &str) -> BroadcastChannel;
    #[wasm_bindgen(method, js_name = postMessage)]
    fn post(this: &BroadcastChannel, message: &JsValue);
    #[wasm_bindgen(method, js_name = addEventListener)]
    fn listen(this: &BroadcastChannel, event: &str, listener: &Function);

    type Worker;
    #[wasm_bindgen(constructor)]
    fn new(address: &str, options: &JsValue) -> Worker;

    #[wasm_bindgen(js_name = open)]
    fn open_tab(address: &str, target: &str, features: &str) -> JsValue;
    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(callback: &Function, milliseconds: u32) -> JsValue;
}

/// What the other one is.
#[derive(Debug, Clone, Copy)]
enum Kind {
    /// A tab without an opener, which the browser may give a process of its own.
    Tab,
    /// A dedicated worker of this page.
    Worker,
}

/// The other page or worker; closed when it is dropped.
struct Other {
    channel: BroadcastChannel,
    last: Cell<u32>,
}

impl Drop for Other {
    fn drop(&mut self) {
        self.tell(u32::MAX, "close", &[]);
    }
}

fn object(entries: &[(&str, JsValue)]) -> JsValue {
    let object = js_sys::Object::new();
    for (name, value) in entries {
        Reflect::set(&object, &(*name).into(), value).unwrap();
    }
    object.into()
}

async fn pause(milliseconds: u32) {
    let promise = Promise::new(&mut |resolve: Function, _: Function| {
        set_timeout(&resolve, milliseconds);
    });
    JsFuture::from(promise).await.unwrap();
}

impl Other {
    /// Opens it, and waits until it listens.
    async fn start(kind: Kind, name: &str) -> Self {
        let name = format!("{name} {kind:?}");
        let channel = BroadcastChannel::new(&name);
        let other = Self {
            channel,
            last: Cell::new(0),
        };
        let listens = other.answer(0);
        let query = js_sys::encode_uri_component(&name);
        match kind {
            Kind::Tab => {
                let address = format!("/tests/tabs/tab.html?channel={query}");
                open_tab(&address, "_blank", "noopener");
            }
            Kind::Worker => {
                let address = format!("/tests/tabs/peer.js?channel={query}");
                Worker::new(&address, &object(&[("type", "module".into())]));
            }
        }
        JsFuture::from(listens).await.unwrap();
        other
    }

    fn tell(&self, id: u32, command: &str, parameters: &[JsValue]) {
        let parameters: Array = parameters.iter().collect();
        self.channel.post(&object(&[
            ("id", id.into()),
            ("command", command.into()),
            ("parameters", parameters.into()),
        ]));
    }

    /// What is answered to the command of this number, or that nothing is for half a minute.
    fn answer(&self, id: u32) -> Promise {
        Promise::new(&mut |resolve: Function, reject: Function| {
            set_timeout(&reject, 30_000);
            let listener = Function::new_with_args(
                "id, resolve, reject, event",
                "const { data } = event;
                if (data.id !== id || data.command !== undefined) return;
                'error' in data ? reject(data.error) : resolve(data.value);",
            );
            let listener = listener.bind3(&JsValue::UNDEFINED, &id.into(), &resolve, &reject);
            self.channel.listen("message", listener.unchecked_ref());
        })
    }

    /// Tells it to do something.
    fn ask(&self, command: &str, parameters: &[JsValue]) -> Promise {
        self.last.set(self.last.get() + 1);
        let answer = self.answer(self.last.get());
        self.tell(self.last.get(), command, parameters);
        answer
    }

    /// Lets it do something, and gives what that came to.
    async fn call(&self, command: &str, parameters: &[JsValue]) -> Result<Option<String>, String> {
        match JsFuture::from(self.ask(command, parameters)).await {
            Ok(value) => Ok(value.as_string()),
            Err(error) => Err(error.as_string().unwrap_or_else(|| "no answer".to_owned())),
        }
    }
}

async fn writers_take_turns(kind: Kind) {
    let name = format!("turns {kind:?}");
    let store = open(&name, 1).await.unwrap();
    let other = Other::start(kind, &name).await;
    other.call("open", &[name.into(), 1.into()]).await.unwrap();

    let writer = store.begin_write().await.unwrap();
    let second = other.ask("put", &["t".into(), "second".into()]);
    pause(500).await;
    assert_eq!(read(&writer, "t").await.unwrap(), None);
    commit(writer, "t", "first").await.unwrap();
    JsFuture::from(second).await.unwrap();
    assert_eq!(get(&store, "t").await.unwrap().unwrap(), "second");

    let counted = other.ask("count", &[50.into()]);
    count(&store, 50).await.unwrap();
    JsFuture::from(counted).await.unwrap();
    assert_eq!(get(&store, "count").await.unwrap().unwrap(), "100");
}

#[wasm_bindgen_test]
async fn writers_in_two_tabs_take_turns() {
    writers_take_turns(Kind::Tab).await;
}

#[wasm_bindgen_test]
async fn writers_in_a_page_and_a_worker_take_turns() {
    writers_take_turns(Kind::Worker).await;
}

async fn a_turn_ends_with_its_page(kind: Kind) {
    let name = format!("gone {kind:?}");
    let store = open(&name, 1).await.unwrap();
    put(&store, "t", "before").await.unwrap();
    let other = Other::start(kind, &name).await;
    other.call("open", &[name.into(), 1.into()]).await.unwrap();
    other.call("begin_write", &[]).await.unwrap();
    drop(other);
    put(&store, "t", "after").await.unwrap();
    assert_eq!(get(&store, "t").await.unwrap().unwrap(), "after");
}

#[wasm_bindgen_test]
async fn a_tab_that_is_closed_gives_its_turn_back() {
    a_turn_ends_with_its_page(Kind::Tab).await;
}

#[wasm_bindgen_test]
async fn a_worker_that_ends_gives_its_turn_back() {
    a_turn_ends_with_its_page(Kind::Worker).await;
}

async fn a_reader_is_overtaken(kind: Kind) {
    let name = format!("overtaken {kind:?}");
    let store = open(&name, 1).await.unwrap();
    put(&store, "t", "old").await.unwrap();
    let other = Other::start(kind, &name).await;
    other.call("open", &[name.into(), 1.into()]).await.unwrap();
    let reader = store.begin_read().await.unwrap();
    assert_eq!(read(&reader, "t").await.unwrap().unwrap(), "old");
    other
        .call("put", &["t".into(), "new".into()])
        .await
        .unwrap();
    let error = read(&reader, "t").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SnapshotLost);
    assert_eq!(get(&store, "t").await.unwrap().unwrap(), "new");
}

#[wasm_bindgen_test]
async fn a_reader_that_another_tab_overtakes_says_so() {
    a_reader_is_overtaken(Kind::Tab).await;
}

#[wasm_bindgen_test]
async fn a_reader_that_a_worker_overtakes_says_so() {
    a_reader_is_overtaken(Kind::Worker).await;
}

async fn new_trees_are_followed(kind: Kind) {
    let name = format!("trees {kind:?}");
    let store = open(&name, 1).await.unwrap();
    let other = Other::start(kind, &name).await;
    other.call("open", &[name.into(), 1.into()]).await.unwrap();
    for number in 0..4 {
        let (here, there) = (format!("here {number}"), format!("there {number}"));
        put(&store, &here, "from here").await.unwrap();
        let found = other.call("get", &[here.into()]).await.unwrap();
        assert_eq!(found.unwrap(), "from here");
        let parameters = [there.clone().into(), "from there".into()];
        other.call("put", &parameters).await.unwrap();
        assert_eq!(get(&store, &there).await.unwrap().unwrap(), "from there");
    }
}

#[wasm_bindgen_test]
async fn two_tabs_follow_each_others_new_trees() {
    new_trees_are_followed(Kind::Tab).await;
}

#[wasm_bindgen_test]
async fn a_page_and_a_worker_follow_each_others_new_trees() {
    new_trees_are_followed(Kind::Worker).await;
}

async fn an_upgrade_closes_the_other(kind: Kind) {
    let name = format!("upgrade {kind:?}");
    let other = Other::start(kind, &name).await;
    let open_there = async |version: u32| {
        let parameters = [name.clone().into(), version.into()];
        other.call("open", &parameters).await
    };
    open_there(1).await.unwrap();
    other
        .call("put", &["t".into(), "old".into()])
        .await
        .unwrap();
    other.call("begin_write", &[]).await.unwrap();

    let store = open(&name, 2).await.unwrap();
    assert_eq!(get(&store, "t").await.unwrap().unwrap(), "old");
    for (command, parameters) in [
        ("commit", vec!["t".into(), "lost".into()]),
        ("get", vec!["t".into()]),
        ("put", vec!["t".into(), "lost".into()]),
    ] {
        let error = other.call(command, &parameters).await.unwrap_err();
        assert!(
            error.starts_with("Closed: another page has upgraded the database"),
            "{error}"
        );
    }
    assert_eq!(get(&store, "t").await.unwrap().unwrap(), "old");

    let error = open_there(1).await.unwrap_err();
    assert!(error.starts_with("SchemaMismatch: "), "{error}");
    open_there(2).await.unwrap();
    other
        .call("put", &["new".into(), "new".into()])
        .await
        .unwrap();
    assert_eq!(get(&store, "new").await.unwrap().unwrap(), "new");
}

#[wasm_bindgen_test]
async fn an_upgrade_in_one_tab_closes_the_other() {
    an_upgrade_closes_the_other(Kind::Tab).await;
}

#[wasm_bindgen_test]
async fn an_upgrade_in_a_page_closes_its_worker() {
    an_upgrade_closes_the_other(Kind::Worker).await;
}

async fn an_upgrade_is_blocked(kind: Kind) {
    let name = format!("blocked {kind:?}");
    let store = open(&name, 1).await.unwrap();
    put(&store, "t", "kept").await.unwrap();
    let other = Other::start(kind, &name).await;
    other.call("hold", &[name.clone().into()]).await.unwrap();
    let start = Date::now();
    let error = put(&store, "new", "value").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked);
    assert!(error.to_string().contains(&name), "{error}");
    // The upgrade that was given up is still in the way: of everybody, and without an event.
    let error = get(&store, "t").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked);
    assert!(Date::now() - start < 25_000.0);
    other.call("let_go", &[]).await.unwrap();
    put(&store, "new", "value").await.unwrap();
    assert_eq!(get(&store, "new").await.unwrap().unwrap(), "value");
    assert_eq!(get(&store, "t").await.unwrap().unwrap(), "kept");
}

#[wasm_bindgen_test]
async fn an_upgrade_that_another_tab_blocks_is_an_error() {
    an_upgrade_is_blocked(Kind::Tab).await;
}

#[wasm_bindgen_test]
async fn an_upgrade_that_a_worker_blocks_is_an_error() {
    an_upgrade_is_blocked(Kind::Worker).await;
}
