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

use std::sync::Arc;

use conformance::catalog;
use conformance::harness::{self, Verdict};
use js_sys::futures::JsFuture;
use js_sys::{Array, Date, Function, Promise, Reflect};
use netabase_core::driver::aio::Blocking;
use netabase_driver_indexeddb::IndexedDb;
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::{console_log, wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

type Driver = Blocking<IndexedDb, waiting::Jspi>;

/// How long a case may take, in milliseconds.
const TIME_LIMIT: u32 = 180_000;

/// The cases, to be called from JavaScript, which is what makes the browser give them a stack of their own.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Cases;

#[wasm_bindgen]
impl Cases {
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
    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(callback: &Function, milliseconds: u32) -> JsValue;
    #[wasm_bindgen(js_name = clearTimeout)]
    fn clear_timeout(timer: &JsValue);
}

async fn run(cases: &JsValue, index: usize) -> String {
    let run: Function = Reflect::get(cases, &"run".into()).unwrap().unchecked_into();
    let case: Promise = match run.call1(cases, &JsValue::from_f64(index as f64)) {
        Ok(promise) => promise.unchecked_into(),
        Err(error) => return format!("FAILED: {error:?}"),
    };
    let mut timer = JsValue::UNDEFINED;
    let limit = Promise::new(&mut |_: Function, reject: Function| {
        timer = set_timeout(&reject, TIME_LIMIT);
    });
    let first = JsFuture::from(Promise::race(&Array::of2(&case, &limit))).await;
    clear_timeout(&timer);
    match first {
        Ok(verdict) => verdict.as_string().unwrap(),
        Err(error) if error.is_undefined() => {
            format!("FAILED: did not end within {} s", TIME_LIMIT / 1000)
        }
        Err(error) => format!("FAILED: {error:?}"),
    }
}

#[wasm_bindgen_test]
async fn every_case_holds() {
    let cases = JsValue::from(Cases);
    let start = Date::now();
    let (mut passed, mut ignored, mut failed) = (0, 0, 0);
    for (index, case) in catalog::all::<Driver>().iter().enumerate() {
        if let Some(part) = option_env!("NETABASE_BROWSER_CASES")
            && !case.name.contains(part)
        {
            continue;
        }
        let verdict = run(&cases, index).await;
        console_log!("test indexeddb/browser/{} ... {verdict}", case.name);
        match verdict.split([',', ':']).next() {
            Some("ok") => passed += 1,
            Some("ignored") => ignored += 1,
            _ => failed += 1,
        }
    }
    let seconds = (Date::now() - start) / 1000.0;
    let verdict = if failed == 0 { "ok" } else { "FAILED" };
    console_log!(
        "catalogue result: {verdict}. {passed} passed; {failed} failed; {ignored} ignored; finished in {seconds:.2}s"
    );
    assert!(passed > 0 && failed == 0, "{failed} cases failed");
}
