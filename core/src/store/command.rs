//! The engine's own operations, with answers of the common forms.

use super::TypedStore;
use crate::driver::{CommitOutcome, CommitToken, Driver, ErrorKind};
use crate::error::NetabaseError;
use crate::model::NetabaseDefinitionTrait;

/// A form that the answer to a maintenance operation has; see
/// [`Database::command`](crate::driver::Database::command) for the operations of each form.
pub trait CommandOutput: Sized {
    /// The answer, unless the driver's output has another form.
    fn from_output(output: Vec<Vec<u8>>) -> Option<Self>;
}

impl CommandOutput for u64 {
    fn from_output(output: Vec<Vec<u8>>) -> Option<Self> {
        let [number] = output.as_slice() else {
            return None;
        };
        number.as_slice().try_into().ok().map(Self::from_le_bytes)
    }
}

impl CommandOutput for (u64, u64) {
    fn from_output(output: Vec<Vec<u8>>) -> Option<Self> {
        let [numbers] = output.as_slice() else {
            return None;
        };
        let (first, second) = numbers.split_first_chunk()?;
        let second = second.try_into().ok()?;
        Some((u64::from_le_bytes(*first), u64::from_le_bytes(second)))
    }
}

impl CommandOutput for bool {
    fn from_output(output: Vec<Vec<u8>>) -> Option<Self> {
        match output.as_slice() {
            [byte] if byte == &[0] => Some(false),
            [byte] if byte == &[1] => Some(true),
            _ => None,
        }
    }
}

impl CommandOutput for String {
    fn from_output(output: Vec<Vec<u8>>) -> Option<Self> {
        Self::from_utf8(output.concat()).ok()
    }
}

/// One text an output.
impl CommandOutput for Vec<String> {
    fn from_output(output: Vec<Vec<u8>>) -> Option<Self> {
        output
            .into_iter()
            .map(|text| String::from_utf8(text).ok())
            .collect()
    }
}

#[cold]
pub(super) fn malformed() -> NetabaseError {
    NetabaseError::new(
        ErrorKind::Internal,
        "the driver's answer has not the form that the operation is defined with; report this to its author",
    )
}

impl<D: NetabaseDefinitionTrait, E: Driver> TypedStore<D, E> {
    /// Runs one of the engine's own operations by name; gives back each part of its output.
    ///
    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) if the driver's manifest does not list the operation,
    /// [`ReadOnly`](ErrorKind::ReadOnly) if it writes and the store was opened read-only, or an error of the engine.
    pub fn command(&self, operation: &str, argument: &[u8]) -> Result<Vec<Vec<u8>>, NetabaseError> {
        let mut parts = Vec::new();
        self.store
            .command(operation, argument, &mut |part| parts.push(part.to_vec()))
            .map_err(|error| self.locate(error, operation.to_owned()))?;
        Ok(parts)
    }

    /// Runs one of the engine's own operations that takes no argument; gives back its answer.
    ///
    /// # Errors
    /// As [`command`](Self::command), and [`Internal`](ErrorKind::Internal) if the answer has another form.
    pub fn answer<A: CommandOutput>(&self, operation: &'static str) -> Result<A, NetabaseError> {
        A::from_output(self.command(operation, &[])?)
            .ok_or_else(|| self.locate(malformed(), operation))
    }

    /// The outcome of a commit that failed with [`CommitUnknown`](ErrorKind::CommitUnknown); `token` is the one that
    /// [its error](NetabaseError::commit_token) carries. Another handle of the database may be asked, even in another
    /// process.
    ///
    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) if the driver gives no tokens, [`InvalidInput`](ErrorKind::InvalidInput)
    /// for a token of another driver, [`Closed`](ErrorKind::Closed) after [`close`](Self::close), or an error of the
    /// engine.
    pub fn commit_outcome(&self, token: &CommitToken) -> Result<CommitOutcome, NetabaseError> {
        self.store
            .commit_outcome(token)
            .map_err(|error| self.locate(error, "commit_outcome"))
    }

    /// The names of all trees that hold at least one entry, records, indexes and the schema record, in order.
    ///
    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) if the driver does not list `tree_names`, or an error of the engine.
    pub fn tree_names(&self) -> Result<Vec<String>, NetabaseError> {
        let mut names: Vec<String> = self.answer("tree_names")?;
        names.sort_unstable();
        Ok(names)
    }
}
