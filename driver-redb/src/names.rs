//! The names of the trees, kept a second time.
//!
//! redb looks up a table by its name, in pages that it does not check. A damaged name would leave a tree that looks as if
//! nobody had ever written to it. So the driver notes each name in a table of its own, in the transaction that creates
//! the tree: a name that is noted and not found is damage.

use std::collections::HashSet;
use std::sync::{PoisonError, RwLock};

use netabase_core::driver::{DriverError, ErrorKind, Result};
use redb::{
    ReadTransaction, ReadableTable as _, TableDefinition, TableError, TableHandle as _,
    WriteTransaction,
};

use crate::error;

const NAMES: TableDefinition<'_, &str, ()> = TableDefinition::new("$trees");

/// The names that were found both noted and in use since the file was opened.
#[derive(Debug, Default)]
pub(crate) struct Names(RwLock<HashSet<Box<str>>>);

impl Names {
    /// Notes the name of a tree that `transaction` is about to open, and create if there is none. `last` begins to read
    /// what was committed last.
    ///
    /// # Errors
    /// `Corrupt` if the name was noted before and its table is not found.
    pub(crate) fn note(
        &self,
        name: &str,
        transaction: &WriteTransaction,
        last: impl FnOnce() -> Result<ReadTransaction>,
    ) -> Result<()> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if known.contains(name) {
            return Ok(());
        }
        drop(known);
        let mut names = transaction.open_table(NAMES).map_err(error::engine)?;
        if names.get(name).map_err(error::engine)?.is_none() {
            names.insert(name, ()).map_err(error::engine)?;
            return Ok(());
        }
        // Any type will do.
        let table = TableDefinition::<&[u8], &[u8]>::new(name);
        match last()?.open_untyped_table(table) {
            Ok(_) => {}
            Err(TableError::TableDoesNotExist(_)) => return Err(lost(name)),
            Err(error) => return Err(error::engine(error)),
        }
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.insert(name.into());
        Ok(())
    }
}

/// Whether a tree of users may have this name.
pub(crate) fn check(name: &str) -> Result<()> {
    let message = match name {
        "" => "the name of a tree is empty; give it one",
        _ if name == NAMES.name() => {
            "`$trees` is the table in which the driver keeps the names of trees; choose another name"
        }
        _ => return Ok(()),
    };
    Err(DriverError::new(ErrorKind::InvalidInput, message))
}

/// Makes sure that nobody created the tree of this name, whose table was not found.
///
/// # Errors
/// `Corrupt` if somebody did.
#[cold]
pub(crate) fn check_missing(transaction: &ReadTransaction, name: &str) -> Result<()> {
    let names = match transaction.open_table(NAMES) {
        Ok(names) => names,
        Err(TableError::TableDoesNotExist(_)) => return Ok(()),
        Err(error) => return Err(error::engine(error)),
    };
    match names.get(name).map_err(error::engine)? {
        Some(_) => Err(lost(name)),
        None => Ok(()),
    }
}

#[cold]
fn lost(name: &str) -> DriverError {
    DriverError::new(
        ErrorKind::Corrupt,
        format!(
            "the file is damaged: tree `{name}` was created, and its table is not found; restore the file from a copy"
        ),
    )
}
