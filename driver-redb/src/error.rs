//! The one place where redb's errors become kinds.

use std::io;
use std::path::Path;

use netabase_core::driver::kit::{io_error, panics, path};
use netabase_core::driver::{DriverError, ErrorKind};
use redb::{AccessGuard, DatabaseError, Error, StorageError};

use crate::layout::Bytes;

/// Calls redb, and maps its error.
#[inline]
pub(crate) fn call<T, E: Into<Error>>(
    redb: impl FnOnce() -> Result<T, E>,
) -> Result<T, DriverError> {
    match caught(redb)? {
        Ok(result) => Ok(result),
        Err(error) => Err(engine(error)),
    }
}

/// Calls redb.
///
/// redb trusts a file that was closed in order, and panics where it was damaged afterwards; such a panic is `Corrupt`
/// here. What the call was changing is not to be used after it.
#[inline]
pub(crate) fn caught<T>(redb: impl FnOnce() -> T) -> Result<T, DriverError> {
    panics::caught(redb, panicked)
}

/// Makes a value that lies outside its page panic within the [`call`] that reads it, not later.
#[inline]
pub(crate) fn probe<const V: usize>(value: &Option<AccessGuard<'_, Bytes<V>>>) {
    if let Some(value) = value {
        value.value();
    }
}

/// Drops something of redb's.
///
/// There is nobody to report a panic to but the panic hook, and nothing is left that it could harm.
pub(crate) fn discard<T>(redb: T) {
    let _: Result<(), DriverError> = caught(move || drop(redb));
}

#[cold]
fn panicked(message: &str) -> DriverError {
    DriverError::new(
        ErrorKind::Corrupt,
        format!(
            "redb panicked: {message}; the file is damaged or redb has a defect, which opening it with \
             `check_integrity_on_open` tells apart"
        ),
    )
}

/// The driver's error for one of redb's.
///
/// The source is redb's error, or the operating system's where redb only passes it on.
#[cold]
pub(crate) fn engine(error: impl Into<Error>) -> DriverError {
    let error = error.into();
    let message = message(&error);
    with_message(message, error)
}

/// [`engine`] for an error met while opening the file at `path`.
#[cold]
pub(crate) fn opening(path: &Path, error: impl Into<Error>) -> DriverError {
    let error = error.into();
    let message = match &error {
        Error::Io(io) if is_foreign(io) => {
            let foreign = path::foreign(path, format_args!("is not a redb database ({io})"));
            foreign.message().to_owned()
        }
        _ => format!("`{}`: {}", path.display(), message(&error)),
    };
    with_message(message, error)
}

/// Whether redb does not take the file for one of its own.
#[cold]
pub(crate) fn is_not_a_database(error: &DatabaseError) -> bool {
    matches!(error, DatabaseError::Storage(StorageError::Io(io)) if is_foreign(io))
}

fn is_foreign(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::InvalidData
}

/// [`engine`] for an error met while committing.
#[cold]
pub(crate) fn committing(error: impl Into<Error>) -> DriverError {
    let error = error.into();
    let message = match &error {
        Error::TransactionPoisoned => message(&error),
        _ => format!(
            "{}; the commit was cut off: the next transaction opens the file again, then all of this one is there or \
             nothing",
            message(&error)
        ),
    };
    with_message(message, error)
}

fn with_message(message: String, error: Error) -> DriverError {
    let report = DriverError::new(kind(&error), message);
    match error {
        Error::Io(io) => report.with_source(io),
        other => report.with_source(other),
    }
}

fn message(error: &Error) -> String {
    match advice(error) {
        Some(advice) => format!("{error}; {advice}"),
        None => error.to_string(),
    }
}

/// redb's enumerations are non-exhaustive: what a later release adds is `Internal` until it is named here.
fn kind(error: &Error) -> ErrorKind {
    match error {
        Error::DatabaseAlreadyOpen | Error::LockProtocolMismatch => ErrorKind::Locked,
        Error::Corrupted(_)
        | Error::TableTypeMismatch { .. }
        | Error::TableIsMultimap(_)
        | Error::TableIsNotMultimap(_)
        | Error::TypeDefinitionChanged { .. } => ErrorKind::Corrupt,
        Error::Io(error) => io_error::kind(error),
        Error::Backend(_) => ErrorKind::Io,
        Error::ValueTooLarge(_) => ErrorKind::LimitExceeded,
        Error::RepairAborted => ErrorKind::ReadOnly,
        Error::UpgradeRequired(_) | Error::Unsupported | Error::NonDurableCommitUnsupported => {
            ErrorKind::Unsupported
        }
        Error::PreviousIo | Error::DatabaseClosed | Error::TransactionPoisoned => ErrorKind::Closed,
        Error::TransactionInProgress
        | Error::PersistentSavepointExists
        | Error::EphemeralSavepointExists
        | Error::WouldBlock => ErrorKind::Conflict,
        Error::TableDoesNotExist(_) => ErrorKind::NotFound,
        Error::TableExists(_) => ErrorKind::AlreadyExists,
        Error::InvalidSavepoint
        | Error::ImmediateDurabilityRequired
        | Error::PersistentSavepointModified
        | Error::EphemeralSavepointUnsupported
        | Error::UnorderedKey
        | Error::TableAlreadyOpen(..)
        | Error::LockPoisoned(_)
        | Error::ReadTransactionStillInUse(_) => ErrorKind::Internal,
        _ => ErrorKind::Internal,
    }
}

fn advice(error: &Error) -> Option<&'static str> {
    Some(match error {
        Error::DatabaseAlreadyOpen => "close the other handle first, or share it",
        Error::LockProtocolMismatch => {
            "close it there first, or use the same release of redb in both"
        }
        Error::UpgradeRequired(_) => {
            "this driver reads format 3 only: upgrade the file with the release of redb that wrote it"
        }
        Error::TableTypeMismatch { .. }
        | Error::TableIsMultimap(_)
        | Error::TableIsNotMultimap(_)
        | Error::TypeDefinitionChanged { .. } => {
            "another program wrote this table; use another name or file"
        }
        Error::Io(error) => return io_error::advice(error),
        Error::Corrupted(_) => "restore the file from a copy",
        Error::TransactionInProgress => "close every transaction of this database first",
        Error::PersistentSavepointExists | Error::EphemeralSavepointExists => {
            "remove the savepoint with the program that made it"
        }
        Error::TransactionPoisoned => "the transaction was rolled back; begin again",
        _ => return None,
    })
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
            (io::ErrorKind::InvalidData, ErrorKind::Corrupt),
        ] {
            let error = engine(redb::StorageError::Io(io::Error::from(kind)));
            assert_eq!(error.kind(), expected);
            let source = error.source().and_then(|s| s.downcast_ref::<io::Error>());
            assert_eq!(source.map(io::Error::kind), Some(kind));
        }
    }

    #[test]
    fn an_earlier_failure_closes_and_a_running_transaction_conflicts() {
        assert_eq!(
            engine(redb::StorageError::PreviousIo).kind(),
            ErrorKind::Closed
        );
        assert_eq!(
            engine(redb::CommitError::TransactionPoisoned).kind(),
            ErrorKind::Closed
        );
        assert_eq!(
            engine(redb::CompactionError::TransactionInProgress).kind(),
            ErrorKind::Conflict
        );
        let error = engine(redb::DatabaseError::DatabaseAlreadyOpen);
        assert_eq!(error.kind(), ErrorKind::Locked);
        assert!(error.source().is_some_and(|source| source.is::<Error>()));
    }
}
