//! The one place where sled's errors become kinds.

use std::io;
use std::path::Path;

use netabase_core::driver::kit::{io_error, panics};
use netabase_core::driver::{DriverError, ErrorKind, Result};
use sled::Error;

/// How sled begins the message of the error for a database that is open elsewhere; it has no kind of its own for it.
const LOCKED: &str = "could not acquire lock";

/// The driver's error for one of sled's.
///
/// The source is sled's error, or the operating system's where sled only passes it on.
#[cold]
pub(crate) fn engine(error: Error) -> DriverError {
    let message = message(&error);
    with_message(message, error)
}

/// [`engine`] for an error met while opening the folder at `path`.
#[cold]
pub(crate) fn opening(path: &Path, error: Error) -> DriverError {
    let message = format!("`{}`: {}", path.display(), message(&error));
    with_message(message, error)
}

/// [`engine`] for an error met while committing.
#[cold]
pub(crate) fn committing(error: Error) -> DriverError {
    let message = match &error {
        // sled ends the batch without a word to its log, so that what was done until then stays.
        Error::Corruption { .. } => format!(
            "{}; the commit met a damaged page, and a part of the transaction may be in the database: close it and \
             restore it from a copy",
            message(&error)
        ),
        _ => cut_off(&message(&error)),
    };
    with_message(message, error)
}

/// The error for a synchronisation that failed while committing.
#[cold]
pub(crate) fn synchronising(error: io::Error) -> DriverError {
    DriverError::new(io_error::kind(&error), cut_off(&error.to_string())).with_source(error)
}

fn cut_off(what: &str) -> String {
    format!(
        "{what}; the commit was cut off: close the database and open it again, then all of the transaction is there or \
         nothing, unless a page could not be read"
    )
}

/// Calls sled; a panic is `Corrupt`. `during` says when it came: "during a commit".
pub(crate) fn caught<T>(during: &str, sled: impl FnOnce() -> Result<T>) -> Result<T> {
    panics::caught(sled, |what| {
        DriverError::new(
            ErrorKind::Corrupt,
            format!(
                "sled gave up {during}: {what}; what is stored is damaged, restore it from a copy"
            ),
        )
    })?
}

fn with_message(message: String, error: Error) -> DriverError {
    let report = DriverError::new(kind(&error), message);
    match error {
        Error::Io(io) => report.with_source(io),
        other => report.with_source(other),
    }
}

fn message(error: &Error) -> String {
    let advice = match error {
        Error::CollectionNotFound(_) => None,
        Error::Unsupported(_) => Some("open it with the release of sled that wrote it"),
        Error::ReportableBug(_) | Error::Corruption { .. } => Some("restore it from a copy"),
        Error::Io(error) if is_locked(error) => Some("close the other handle first, or share it"),
        Error::Io(error) => io_error::advice(error),
    };
    match advice {
        Some(advice) => format!("{error}; {advice}"),
        None => error.to_string(),
    }
}

fn kind(error: &Error) -> ErrorKind {
    match error {
        Error::CollectionNotFound(_) => ErrorKind::NotFound,
        Error::Unsupported(_) => ErrorKind::Unsupported,
        Error::ReportableBug(_) | Error::Corruption { .. } => ErrorKind::Corrupt,
        Error::Io(error) if is_locked(error) => ErrorKind::Locked,
        Error::Io(error) => io_error::kind(error),
    }
}

fn is_locked(error: &io::Error) -> bool {
    // sled repeats an error of its background threads as `Custom { kind, error: "…" }`, so that the text may be quoted.
    error.kind() == io::ErrorKind::Other && error.to_string().contains(LOCKED)
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    #[test]
    fn a_full_device_is_a_limit_and_the_systems_error_is_the_source() {
        for (kind, expected) in [
            (io::ErrorKind::StorageFull, ErrorKind::LimitExceeded),
            (io::ErrorKind::QuotaExceeded, ErrorKind::LimitExceeded),
            (io::ErrorKind::FileTooLarge, ErrorKind::LimitExceeded),
            (io::ErrorKind::PermissionDenied, ErrorKind::Io),
            (io::ErrorKind::UnexpectedEof, ErrorKind::Corrupt),
        ] {
            let error = committing(Error::Io(io::Error::from(kind)));
            assert_eq!(error.kind(), expected);
            let source = error.source().and_then(|s| s.downcast_ref::<io::Error>());
            assert_eq!(source.map(io::Error::kind), Some(kind));
        }
    }

    #[test]
    fn every_error_of_sled_has_its_kind() {
        for (error, expected) in [
            (Error::CollectionNotFound(b"t".into()), ErrorKind::NotFound),
            (
                Error::Unsupported("an old version".into()),
                ErrorKind::Unsupported,
            ),
            (Error::ReportableBug("a bug".into()), ErrorKind::Corrupt),
            (Error::Corruption { at: None, bt: () }, ErrorKind::Corrupt),
            (
                Error::Io(io::Error::other(format!("{LOCKED} on \"db\": WouldBlock"))),
                ErrorKind::Locked,
            ),
            (Error::Io(io::Error::other("a disk")), ErrorKind::Io),
        ] {
            assert_eq!(engine(error.clone()).kind(), expected, "{error:?}");
        }
    }

    #[test]
    fn a_panic_is_reported_with_its_message() {
        let error = caught("while opening", || -> Result<()> {
            panic!("page {} is gone", 7)
        });
        let error = error.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        assert!(error.message().contains("page 7 is gone"), "{error}");
    }
}
