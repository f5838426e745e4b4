//! The turn of a writer among all pages and workers of the origin.

use js_sys::futures::JsFuture;
use js_sys::{Function, Object, Promise, Reflect};
use netabase_core::driver::{DriverError, ErrorKind, Result};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};

use crate::error::{error, lacking};
use crate::sys;

/// A Web Lock, held or asked for. Dropping it gives it back, or does without.
#[derive(Debug)]
pub(crate) struct Turn {
    release: Function,
}

impl Turn {
    /// Waits for the lock of this name.
    pub(crate) async fn take(name: &str) -> Result<Self> {
        let (turn, _) = Self::request(name, &Object::new()).await?;
        Ok(turn)
    }

    /// Takes the lock of this name if nobody has it.
    ///
    /// # Errors
    /// [`Conflict`](ErrorKind::Conflict) if somebody has.
    pub(crate) async fn try_take(name: &str) -> Result<Self> {
        let options = Object::new();
        Reflect::set(&options, &"ifAvailable".into(), &JsValue::TRUE).map_err(error)?;
        let (turn, lock) = Self::request(name, &options).await?;
        if lock.is_null() {
            return Err(DriverError::new(
                ErrorKind::Conflict,
                "another write transaction is open, here or in another page; commit or drop it first, or wait for it",
            ));
        }
        Ok(turn)
    }

    /// Asks for the lock of this name; gives the lock as well, `null` if these options do without.
    async fn request(name: &str, options: &Object) -> Result<(Self, JsValue)> {
        let locks = sys::global()
            .navigator()
            .and_then(|navigator| navigator.locks())
            .ok_or_else(|| lacking("Web Locks"))?;
        let (held, release) = promise();
        // Dropped while it waits, the lock is given back as soon as it is granted.
        let turn = Self { release };
        let granted = Promise::new(&mut |resolve: Function, reject: Function| {
            let held = held.clone();
            let callback = Closure::once_into_js(move |lock: JsValue| -> Promise {
                // Settling a promise does not fail.
                let _ = resolve.call1(&JsValue::UNDEFINED, &lock);
                held
            });
            let request = locks.request(name, options, &callback);
            // A rejection of a lock that was granted finds the promise settled.
            let _ = JsCast::unchecked_ref::<Thenable>(&request).then(&JsValue::UNDEFINED, &reject);
        });
        let lock = JsFuture::from(granted).await.map_err(error)?;
        Ok((turn, lock))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        // Settling a promise does not fail.
        let _ = self.release.call0(&JsValue::UNDEFINED);
    }
}

/// A promise, and what resolves it.
fn promise() -> (Promise, Function) {
    let mut resolver = None;
    let promise = Promise::new(&mut |resolve: Function, _| resolver = Some(resolve));
    (promise, resolver.unwrap_or_default())
}

#[wasm_bindgen::prelude::wasm_bindgen]
extern "C" {
    /// A promise whose handlers are functions of the browser's own.
    type Thenable;
    #[wasm_bindgen(method)]
    fn then(this: &Thenable, resolved: &JsValue, rejected: &Function) -> JsValue;
}
