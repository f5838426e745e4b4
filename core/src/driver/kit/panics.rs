//! Engines that panic, as some do on files that were damaged.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::driver::{DriverError, Result};

/// Runs a call of an engine; a panic becomes the error that `error` makes of its message.
///
/// What the call was changing is not to be used after a panic.
///
/// # Errors
/// What `error` makes of a panic.
#[inline]
pub fn caught<T>(call: impl FnOnce() -> T, error: impl FnOnce(&str) -> DriverError) -> Result<T> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|panic| error(message(&*panic)))
}

/// The message of a panic.
#[cold]
#[must_use]
pub fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::ErrorKind;

    #[test]
    fn a_panic_becomes_an_error_with_its_message() {
        let corrupt = |message: &str| DriverError::new(ErrorKind::Corrupt, message.to_owned());
        let error = caught(|| panic!("page {} is gone", 7), corrupt).unwrap_err();
        assert_eq!(error.message(), "page 7 is gone");
        let error = caught(|| panic!("all pages are gone"), corrupt).unwrap_err();
        assert_eq!(error.message(), "all pages are gone");
        assert_eq!(caught(|| 7, corrupt).unwrap(), 7);
    }
}
