//! What errors of the operating system mean for the files of a database.

use std::io;

use crate::driver::ErrorKind;

/// The kind of an error that the operating system reported for a file of a database.
#[must_use]
pub fn kind(error: &io::Error) -> ErrorKind {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => ErrorKind::NotFound,
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => ErrorKind::Corrupt,
        io::ErrorKind::IsADirectory => ErrorKind::InvalidInput,
        io::ErrorKind::StorageFull
        | io::ErrorKind::QuotaExceeded
        | io::ErrorKind::FileTooLarge
        | io::ErrorKind::OutOfMemory => ErrorKind::LimitExceeded,
        io::ErrorKind::ResourceBusy | io::ErrorKind::WouldBlock => ErrorKind::Locked,
        io::ErrorKind::Unsupported => ErrorKind::Unsupported,
        _ => ErrorKind::Io,
    }
}

/// What to do about such an error, as far as there is something.
#[must_use]
pub fn advice(error: &io::Error) -> Option<&'static str> {
    match kind(error) {
        ErrorKind::LimitExceeded => Some("make room on the device"),
        ErrorKind::Locked => Some("close the other handle first, or share it"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_device_is_a_limit_and_what_the_system_refuses_is_io() {
        for (error, expected) in [
            (io::ErrorKind::StorageFull, ErrorKind::LimitExceeded),
            (io::ErrorKind::QuotaExceeded, ErrorKind::LimitExceeded),
            (io::ErrorKind::FileTooLarge, ErrorKind::LimitExceeded),
            (io::ErrorKind::NotFound, ErrorKind::NotFound),
            (io::ErrorKind::UnexpectedEof, ErrorKind::Corrupt),
            (io::ErrorKind::InvalidData, ErrorKind::Corrupt),
            (io::ErrorKind::IsADirectory, ErrorKind::InvalidInput),
            (io::ErrorKind::WouldBlock, ErrorKind::Locked),
            (io::ErrorKind::PermissionDenied, ErrorKind::Io),
            (io::ErrorKind::Other, ErrorKind::Io),
        ] {
            assert_eq!(kind(&error.into()), expected, "{error:?}");
        }
    }
}
