//! Waiting for a time without a runtime.

use std::time::Duration;

/// Completes after `duration`, counted from the first poll.
#[cfg(not(target_arch = "wasm32"))]
pub(super) async fn sleep(duration: Duration) {
    futures_timer::Delay::new(duration).await;
}

/// Goes back to the event loop once, since there is no clock here.
#[cfg(target_arch = "wasm32")]
pub(super) async fn sleep(_: Duration) {
    let mut waited = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut waited, true) {
            return std::task::Poll::Ready(());
        }
        context.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}
