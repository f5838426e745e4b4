//! The conformance catalogue over IndexedDB, in a browser.
#![cfg(target_arch = "wasm32")]
#![allow(deprecated, reason = "wasm-bindgen marks its JSPI so, as experimental")]
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod waiting;

use std::cell::{Cell, RefCell};
use std::panic;
use std::sync::Arc;

use conformance::catalog;
use conformance::harness::{self, Verdict};
use futures_util::future::join_all;
use js_sys::futures::JsFuture;
use js_sys::{Date, Function, Promise, Reflect};
use netabase_core::driver::asynchronous::AsyncAsSync;
use netabase_driver_indexeddb::IndexedDB;
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::{console_log, wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

type Driver = AsyncAsSync<IndexedDB, waiting::Jspi>;

/// How long a case may take, in milliseconds.
const TIME_LIMIT: u32 = 180_000;

/// Cases that run at the same time. Most of their time they wait for the browser.
const WORKERS: usize = 4;

thread_local! {
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// The cases, to be called from JavaScript, which is what makes the browser give them a stack of their own.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Cases;

#[wasm_bindgen]
impl Cases {
    /// For a worker, which runs no other tests: panics are kept.
    #[wasm_bindgen(constructor)]
    #[allow(clippy::new_without_default, reason = "called from JavaScript")]
    pub fn new() -> Self {
        panic::set_hook(Box::new(|info| PANIC.set(Some(info.to_string()))));
        Self
    }

    /// What the last panic said.
    pub fn panic() -> Option<String> {
        PANIC.take()
    }

    /// Runs a case; gives what it came to.
    #[wasm_bindgen(jspi)]
    pub fn run(&self, index: usize) -> String {
        let case = &catalog::all::<Driver>()[index];
        match harness::run_here(&Arc::new(waiting::driver()), case) {
            verdict @ (Verdict::Held | Verdict::Ignored(_)) => verdict.to_string(),
            Verdict::Broken(message) => format!("FAILED: {message}"),
        }
    }
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = Worker)]
    type Thread;
    #[wasm_bindgen(constructor, js_class = Worker)]
    fn new(address: &str, options: &JsValue) -> Thread;
    #[wasm_bindgen(method, js_class = Worker, js_name = postMessage)]
    fn post(this: &Thread, message: &JsValue);
    #[wasm_bindgen(method, js_class = Worker)]
    fn terminate(this: &Thread);

    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(callback: &Function, milliseconds: u32) -> JsValue;
    #[wasm_bindgen(js_name = clearTimeout)]
    fn clear_timeout(timer: &JsValue);
}

/// A worker with the same program; ended when it is dropped.
struct Worker(Thread);

impl Drop for Worker {
    fn drop(&mut self) {
        self.0.terminate();
    }
}

impl Worker {
    /// Starts one, whose databases have names of their own, and waits until it listens.
    async fn start() -> Self {
        thread_local! {
            static NUMBER: Cell<u32> = const { Cell::new(0) };
        }
        NUMBER.set(NUMBER.get() + 1);
        let options = js_sys::Object::new();
        Reflect::set(&options, &"type".into(), &"module".into()).unwrap();
        let name = format!("worker {}: ", NUMBER.get());
        Reflect::set(&options, &"name".into(), &name.into()).unwrap();
        let worker = Self(Thread::new("/tests/catalog/worker.js", &options));
        assert_eq!(worker.answer().await, "ready");
        worker
    }

    async fn run(&self, index: usize) -> String {
        self.0.post(&JsValue::from_f64(index as f64));
        self.answer().await
    }

    /// What the worker says next, or why it says nothing.
    async fn answer(&self) -> String {
        let mut timer = JsValue::UNDEFINED;
        let answer = Promise::new(&mut |resolve: Function, reject: Function| {
            let listen = |event: &str, body: &str, function: &Function| {
                let listener = Function::new_with_args("resolve, event", body);
                let listener = listener.bind1(&JsValue::UNDEFINED, function);
                Reflect::set(&self.0, &event.into(), &listener).unwrap();
            };
            listen("onmessage", "resolve(event.data)", &resolve);
            listen(
                "onerror",
                "resolve(event.message ?? 'it did not start')",
                &reject,
            );
            timer = set_timeout(&reject, TIME_LIMIT);
        });
        let answer = JsFuture::from(answer).await;
        clear_timeout(&timer);
        match answer {
            Ok(answer) => answer.as_string().unwrap(),
            Err(error) => {
                let late = || format!("did not end within {} s", TIME_LIMIT / 1000);
                format!("FAILED: {}", error.as_string().unwrap_or_else(late))
            }
        }
    }
}

#[wasm_bindgen_test]
async fn every_case_holds() {
    let start = Date::now();
    let cases = catalog::all::<Driver>();
    let asked_for =
        |name: &str| option_env!("NETABASE_BROWSER_CASES").is_none_or(|part| name.contains(part));
    // The last ones, over typed models, are the longest.
    let queue = cases.iter().enumerate().rev();
    let queue = RefCell::new(queue.filter(|(_, case)| asked_for(&case.name)));
    let (passed, ignored, failed) = (Cell::new(0), Cell::new(0), Cell::new(0));
    let work = async || {
        let mut worker = Worker::start().await;
        loop {
            let Some((index, case)) = queue.borrow_mut().next() else {
                return;
            };
            let verdict = worker.run(index).await;
            console_log!("test indexeddb/browser/{} ... {verdict}", case.name);
            let count = match verdict.split([',', ':']).next() {
                Some("ok") => &passed,
                Some("ignored") => &ignored,
                _ => {
                    // A panic or a case that goes on may have left anything behind.
                    worker = Worker::start().await;
                    &failed
                }
            };
            count.set(count.get() + 1);
        }
    };
    join_all((0..WORKERS).map(|_| work())).await;
    let seconds = (Date::now() - start) / 1000.0;
    let (passed, ignored, failed) = (passed.get(), ignored.get(), failed.get());
    let verdict = if failed == 0 { "ok" } else { "FAILED" };
    console_log!(
        "catalogue result: {verdict}. {passed} passed; {failed} failed; {ignored} ignored; finished in {seconds:.2}s"
    );
    assert!(passed > 0 && failed == 0, "{failed} cases failed");
}
