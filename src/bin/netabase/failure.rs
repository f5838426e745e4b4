//! Why the program could not do its work, and the exit status for it.

use std::error::Error as _;
use std::io::{self, Write as _};
use std::process::ExitCode;

use netabase_store::{DriverError, ErrorKind, NetabaseError};

/// Why the program could not do its work.
#[derive(Debug)]
pub(crate) enum Failure {
    /// What the user wrote has no meaning.
    Usage(String),
    /// A library call failed.
    Store(NetabaseError),
    /// The system failed.
    Io(String, io::Error),
    /// Another program ended with this status and has said why.
    Status(u8),
}

impl Failure {
    /// Tells the user. A reader that went away, such as `head`, has what it wanted.
    pub(crate) fn report(self) -> ExitCode {
        let (status, message) = match self {
            Self::Io(_, error) if error.kind() == io::ErrorKind::BrokenPipe => {
                return ExitCode::SUCCESS;
            }
            Self::Usage(message) => (2, message),
            Self::Io(what, error) => (3, format!("{what}: {error}")),
            Self::Status(status) => return ExitCode::from(status),
            Self::Store(error) => {
                if broken_pipe(&error) {
                    return ExitCode::SUCCESS;
                }
                let status = match error.kind() {
                    ErrorKind::InvalidInput
                    | ErrorKind::NotFound
                    | ErrorKind::DriverNotFound
                    | ErrorKind::AlreadyExists => 2,
                    _ => 3,
                };
                (status, error.to_string())
            }
        };
        let _ = writeln!(io::stderr(), "netabase: {message}");
        ExitCode::from(status)
    }
}

fn broken_pipe(error: &NetabaseError) -> bool {
    error
        .source()
        .and_then(|source| source.downcast_ref::<io::Error>())
        .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

impl From<NetabaseError> for Failure {
    fn from(error: NetabaseError) -> Self {
        Self::Store(error)
    }
}

impl From<DriverError> for Failure {
    fn from(error: DriverError) -> Self {
        Self::Store(error.into())
    }
}

/// Only the output is written without a message of its own.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io("cannot write the output".into(), error)
    }
}
