//! What running one case came to.

use std::any::Any;
use std::fmt;

/// What running one case came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The law holds.
    Held,
    /// The law presumes something that the driver does not declare.
    Ignored(String),
    /// The law is broken.
    Broken(String),
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Held => f.write_str("ok"),
            Self::Ignored(reason) => write!(f, "ignored, {reason}"),
            Self::Broken(message) => write!(f, "FAILED\n{message}"),
        }
    }
}

/// What a panic says.
pub(crate) fn panic_message(payload: &(dyn Any + Send)) -> &str {
    payload
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| payload.downcast_ref::<&str>().copied())
        .unwrap_or("no message")
}
