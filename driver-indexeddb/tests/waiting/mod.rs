//! The driver behind the synchronous contract: each call waits on a stack that the browser suspends.

use std::cell::RefCell;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use js_sys::futures::jspi_block_on_promise;
use js_sys::{Function, Promise, Reflect};
use netabase_core::driver::asynchronous::{AsyncAsSync, Block};
use netabase_core::driver::{DriverError, ErrorKind, OpenConfig, Result};
use netabase_driver_indexeddb::IndexedDB;
use netabase_driver_indexeddb::IndexedDBConfig;
use send_wrapper::SendWrapper;
use wasm_bindgen::JsValue;

/// Waits by WebAssembly's JS promise integration. What waits has been called by a `#[wasm_bindgen(jspi)]` function.
pub(crate) struct Jspi;

struct Resolver(SendWrapper<RefCell<Option<Function>>>);

impl Wake for Resolver {
    fn wake(self: Arc<Self>) {
        if let Some(resolve) = (*self.0).take() {
            let _ = resolve.call0(&JsValue::UNDEFINED);
        }
    }
}

impl Block for Jspi {
    fn block_on<F: Future>(&self, future: F) -> F::Output {
        let mut future = pin!(future);
        loop {
            let resolver = Arc::new(Resolver(SendWrapper::new(RefCell::new(None))));
            let woken = Promise::new(&mut |resolve: Function, _: Function| {
                resolver.0.replace(Some(resolve));
            });
            let waker = Waker::from(resolver);
            match future.as_mut().poll(&mut Context::from_waker(&waker)) {
                Poll::Ready(output) => return output,
                Poll::Pending => {
                    jspi_block_on_promise(&woken).expect("the promise is resolved");
                }
            }
        }
    }
}

/// The driver, blocking.
pub(crate) fn driver() -> AsyncAsSync<IndexedDB, Jspi> {
    AsyncAsSync::new(IndexedDB, Jspi, config)
}

fn config(config: &OpenConfig<'_>) -> Result<IndexedDBConfig> {
    let refused = |kind, message: String| Err(DriverError::new(kind, message));
    if let [(name, _), ..] = config.options {
        return refused(
            ErrorKind::InvalidInput,
            format!("there is no option `{name}`"),
        );
    }
    if config.read_only && config.truncate {
        return refused(
            ErrorKind::InvalidInput,
            "`read_only` and `truncate` exclude each other".to_owned(),
        );
    }
    if config.read_only || config.cache_bytes.is_some() {
        return refused(
            ErrorKind::Unsupported,
            "IndexedDB has no cache to size, and opens no database for reading only".to_owned(),
        );
    }
    let name = config.location.as_text().unwrap_or_default();
    if name.contains("://") {
        return refused(
            ErrorKind::InvalidInput,
            format!(
                "`{}` is a URL; give the name of a database",
                config.location
            ),
        );
    }
    Ok(IndexedDBConfig::builder()
        .database_name(format!("{}{name}", name_of_worker()))
        .create_if_missing(config.create_if_missing)
        .truncate(config.truncate)
        .build())
}

/// What this worker was named, or nothing in a page: what runs at the same time has databases of its own.
fn name_of_worker() -> String {
    let name = Reflect::get(&js_sys::global(), &"name".into());
    name.ok()
        .and_then(|name| name.as_string())
        .unwrap_or_default()
}
