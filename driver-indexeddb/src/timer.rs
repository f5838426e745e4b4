//! Waiting for a time, by the browser's timer.

use std::time::Duration;

use js_sys::futures::JsFuture;
use js_sys::{Function, Promise};
use wasm_bindgen::JsValue;

use crate::sys;

/// The longest time that a browser's timer takes; a longer one would be none.
const LONGEST: u32 = i32::MAX as u32;

/// A timer that is stopped when it is dropped.
struct Timer(JsValue);

impl Drop for Timer {
    fn drop(&mut self) {
        sys::global().clear_timeout(&self.0);
    }
}

/// Completes after `duration`, or after 24 days if it is longer.
pub(crate) async fn sleep(duration: Duration) {
    let milliseconds = duration.as_micros().div_ceil(1000);
    let milliseconds = u32::try_from(milliseconds).map_or(LONGEST, |time| time.min(LONGEST));
    let mut timer = None;
    let over = Promise::new(&mut |resolve: Function, _| {
        timer = Some(Timer(sys::global().set_timeout(&resolve, milliseconds)));
    });
    // The promise is never rejected.
    let _ = JsFuture::from(over).await;
    drop(timer);
}
