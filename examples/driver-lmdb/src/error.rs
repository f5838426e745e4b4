//! The one place where LMDB's errors become kinds.

use std::io;
use std::path::Path;

use heed::{Error, MdbError};
use netabase_core::driver::kit::io_error;
use netabase_core::driver::{DriverError, ErrorKind};

/// The driver's error for one of LMDB's.
///
/// The source is LMDB's error, or the operating system's where LMDB only passes it on.
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

/// [`engine`] for an error met while committing. `full` is what the system says of a longer file, if it refuses one.
#[cold]
pub(crate) fn committing(error: Error, full: Option<io::Error>) -> DriverError {
    let error = full.map_or(error, Error::Io);
    let message = format!(
        "{}; nothing of the transaction was kept",
        self::message(&error)
    );
    with_message(message, error)
}

fn with_message(message: String, error: Error) -> DriverError {
    let report = DriverError::new(kind(&error), message);
    match error {
        Error::Io(io) => report.with_source(io),
        Error::Mdb(mdb) => report.with_source(mdb),
        Error::Encoding(_) | Error::Decoding(_) | Error::EnvAlreadyOpened => report,
    }
}

fn message(error: &Error) -> String {
    match advice(error) {
        Some(advice) => format!("{error}; {advice}"),
        None => error.to_string(),
    }
}

fn kind(error: &Error) -> ErrorKind {
    match error {
        Error::Io(error) => io_error::kind(error),
        Error::EnvAlreadyOpened => ErrorKind::Locked,
        // Bytes are neither encoded nor decoded.
        Error::Encoding(_) | Error::Decoding(_) => ErrorKind::Internal,
        Error::Mdb(error) => match error {
            MdbError::PageNotFound | MdbError::Corrupted | MdbError::Invalid => ErrorKind::Corrupt,
            MdbError::VersionMismatch | MdbError::Incompatible => ErrorKind::Corrupt,
            MdbError::MapFull | MdbError::ReadersFull | MdbError::TxnFull => {
                ErrorKind::LimitExceeded
            }
            MdbError::Panic | MdbError::BadTxn => ErrorKind::Closed,
            MdbError::MapResized => ErrorKind::Conflict,
            MdbError::KeyExist
            | MdbError::NotFound
            | MdbError::DbsFull
            | MdbError::TlsFull
            | MdbError::CursorFull
            | MdbError::PageFull
            | MdbError::BadRslot
            | MdbError::BadValSize
            | MdbError::BadDbi
            | MdbError::Problem => ErrorKind::Internal,
            MdbError::Other(code) => io_error::kind(&io::Error::from_raw_os_error(*code)),
        },
    }
}

fn advice(error: &Error) -> Option<&'static str> {
    Some(match error {
        Error::EnvAlreadyOpened => "close the other handle first, or share it",
        Error::Io(error) => match error.kind() {
            io::ErrorKind::OutOfMemory => {
                "the system has no room for the map: open it with a smaller `map_size`"
            }
            _ => return io_error::advice(error),
        },
        Error::Mdb(error) => match error {
            MdbError::MapFull => "open the database again with a larger `map_size`",
            MdbError::ReadersFull => {
                "end some read transactions, or open the database again with a larger `max_readers`"
            }
            MdbError::TxnFull => "write less in one transaction",
            MdbError::Panic => "an earlier write failed half-way: open the database again",
            MdbError::BadTxn => "the transaction has failed; begin again",
            MdbError::PageNotFound | MdbError::Corrupted => "restore the database from a copy",
            MdbError::VersionMismatch => "another release of LMDB wrote it",
            _ => return None,
        },
        Error::Encoding(_) | Error::Decoding(_) => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    #[test]
    fn a_full_map_and_a_full_device_are_limits_and_keep_their_source() {
        let full = engine(Error::Mdb(MdbError::MapFull));
        assert_eq!(full.kind(), ErrorKind::LimitExceeded);
        assert!(full.message().contains("`map_size`"), "{full}");
        assert!(full.source().is_some_and(|source| source.is::<MdbError>()));
        let device = engine(Error::Io(io::ErrorKind::StorageFull.into()));
        assert_eq!(device.kind(), ErrorKind::LimitExceeded);
        assert!(
            device
                .source()
                .is_some_and(|source| source.is::<io::Error>())
        );
    }

    #[test]
    fn a_commit_that_a_full_device_cut_off_says_so() {
        let cut_off = || Error::Io(io::Error::from_raw_os_error(5));
        assert_eq!(committing(cut_off(), None).kind(), ErrorKind::Io);
        let full = committing(cut_off(), Some(io::ErrorKind::StorageFull.into()));
        assert_eq!(full.kind(), ErrorKind::LimitExceeded);
    }
}
