//! The engine's own commands, and the outcome of a commit.

use super::TypedStore;
#[cfg(doc)]
use crate::driver::ErrorKind;
use crate::driver::command::{Command, TreeNames};
use crate::driver::{CommitOutcome, CommitToken, Driver};
use crate::error::NetabaseError;
use crate::model::NetabaseDefinitionTrait;
use crate::schema;

impl<D: NetabaseDefinitionTrait, E: Driver> TypedStore<D, E> {
    /// Runs one of the engine's [commands](crate::driver::command), such as
    /// [`Compact`](crate::driver::command::Compact).
    ///
    /// # Errors
    /// - [`Unsupported`](ErrorKind::Unsupported): the driver does not offer it.
    /// - [`ReadOnly`](ErrorKind::ReadOnly): it writes, and the store was opened read-only.
    /// - [`Closed`](ErrorKind::Closed) after [`close`](Self::close).
    /// - An error of the engine.
    pub fn run<C: Command>(&self, command: C) -> Result<C::Output, NetabaseError> {
        self.store
            .run(&command)
            .map_err(|error| self.locate(error, C::NAME))
    }

    /// The names of all trees that hold at least one entry, records, indexes and the schema record, in order: `User` for the
    /// records of a model, `User.email` for an index.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn tree_names(&self) -> Result<Vec<String>, NetabaseError> {
        let names = self.run(TreeNames)?;
        let read = || schema::read(&self.store.begin_read()?);
        let schema = read().map_err(|error| self.locate(error, TreeNames::NAME))?;
        Ok(schema::shown_names(schema.as_ref(), names))
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
}
