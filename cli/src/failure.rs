//! Why the program could not do its work, and the exit status for it.

use std::error::Error as _;
use std::io;
use std::process::ExitCode;

use netabase_store::driver::DriverError;
use netabase_store::{ErrorKind, NetabaseError};

use crate::output::error_lines;

/// Why the program could not do its work.
#[derive(Debug)]
pub(crate) enum Failure {
    /// What the user wrote has no meaning.
    Usage(String),
    /// A library call failed.
    Store(NetabaseError),
    /// What is to be loaded or started was not found. The message has a line for each place, and came from no driver.
    Search(NetabaseError),
    /// The system failed.
    Io(String, io::Error),
    /// The output cannot be written.
    Output(io::Error),
    /// What was to be written is not whole.
    Unwritten(&'static str, io::Error),
    /// Another program was ended by a signal.
    Killed(String),
    /// Another program ended with this status and has said why.
    Status(u8),
}

impl Failure {
    /// The error of an output whose reader went away, if this is one.
    pub(crate) fn broken_pipe(&self) -> Option<io::Error> {
        let error = match self {
            Self::Output(error) => Some(error),
            Self::Store(error) => error.source().and_then(|source| source.downcast_ref()),
            _ => None,
        };
        error
            .map(io::Error::kind)
            .filter(|kind| *kind == io::ErrorKind::BrokenPipe)
            .map(Into::into)
    }

    /// Tells the user. A reader that went away, such as `head`, has what it wanted.
    pub(crate) fn report(self) -> ExitCode {
        let has_own_lines = matches!(self, Self::Search(_));
        let (status, message) = match self {
            Self::Usage(message) => (2, message),
            Self::Unwritten(message, error) => (3, format!("{message}: {error}")),
            Self::Killed(message) => (3, message),
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                return ExitCode::SUCCESS;
            }
            Self::Output(error) => (3, format!("cannot write the output: {error}")),
            Self::Io(what, error) => (3, format!("{what}: {error}")),
            Self::Status(status) => return ExitCode::from(status),
            Self::Store(error) | Self::Search(error) => {
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
        let message = format!("netabase: {message}");
        // A reader that has gone away needs no more.
        let _ = match has_own_lines {
            true => error_lines().own_lines(&message),
            // A driver's or a database's own words may be in it, and begin no line.
            false => error_lines().line(message),
        };
        ExitCode::from(status)
    }
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
        Self::Output(error)
    }
}
