//! What the browser throws, as errors that say what to do.

use std::fmt;

use js_sys::{JsString, Reflect};
use netabase_core::driver::{DriverError, ErrorKind};
use wasm_bindgen::{JsCast, JsValue};

/// The name and message of a `DOMException`.
#[derive(Debug)]
struct Exception {
    name: String,
    message: String,
}

impl fmt::Display for Exception {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.message)
    }
}

impl std::error::Error for Exception {}

/// The error that something thrown by the browser stands for.
pub(crate) fn error(thrown: JsValue) -> DriverError {
    let text = |name: &str| {
        Reflect::get(&thrown, &JsValue::from_str(name))
            .ok()
            .and_then(|value| value.dyn_into::<JsString>().ok())
            .map(String::from)
            .unwrap_or_default()
    };
    let exception = Exception {
        name: text("name"),
        message: text("message"),
    };
    let (kind, advice) = match exception.name.as_str() {
        "QuotaExceededError" => (
            ErrorKind::LimitExceeded,
            "the browser gives this origin no more room; remove data, or ask for persistent storage with `persist`",
        ),
        "VersionError" => (
            ErrorKind::Conflict,
            "another page has upgraded the database in the meantime; try again",
        ),
        "AbortError" => (
            ErrorKind::Conflict,
            "the browser has aborted the transaction; nothing of it is kept; try again",
        ),
        "InvalidStateError" => (
            ErrorKind::Closed,
            "the connection to the database is closed; begin another transaction",
        ),
        "NotFoundError" => (
            ErrorKind::Corrupt,
            "an object store is gone; another program changes this database",
        ),
        "SecurityError" | "NotAllowedError" => (
            ErrorKind::Unsupported,
            "the browser allows this page no storage; serve it over https, outside private frames, with storage allowed",
        ),
        "TimeoutError" | "TransactionInactiveError" => (
            ErrorKind::Io,
            "the browser did not serve the transaction in time; try again",
        ),
        "DataError" | "DataCloneError" => (
            ErrorKind::LimitExceeded,
            "the browser does not take the value; it may be too large",
        ),
        "NotReadableError" => (
            ErrorKind::Io,
            "the browser cannot read a value back; its files are damaged or gone",
        ),
        _ => (
            ErrorKind::Io,
            "the browser refused; its storage may be full or damaged",
        ),
    };
    DriverError::new(kind, format!("{advice} ({exception})")).with_source(exception)
}

/// What a browser lacks.
pub(crate) fn lacking(what: &str) -> DriverError {
    DriverError::new(
        ErrorKind::Unsupported,
        format!(
            "there is no {what} here; it needs a browser, and a page served over https or from localhost"
        ),
    )
}
