//! The names of the trees that hold entries, kept a second time.
//!
//! redb looks up a table by its name, and the root of its entries, in pages that it does not check. Damage there would leave
//! a tree that looks as if nobody had ever written to it. So the driver keeps a table of its own with the name of each tree
//! that holds entries: a tree that is noted there and found empty is damaged. A name is written and removed by the commit
//! that puts the first entry, or removes the last one; other commits pay for a look at each tree that they have opened.

use std::collections::HashSet;
use std::sync::{PoisonError, RwLock};

use netabase_core::driver::{DriverError, ErrorKind, Result};
use redb::{ReadTransaction, TableDefinition, TableError, TableHandle as _, WriteTransaction};

use crate::error;

const NAMES: TableDefinition<'_, &str, ()> = TableDefinition::new("$trees");

/// Names that are noted as of the last commit, as far as they were asked for.
#[derive(Debug, Default)]
pub(crate) struct Names(RwLock<HashSet<Box<str>>>);

impl Names {
    /// Whether the tree that `transaction` opens is noted.
    pub(crate) fn is_noted(&self, name: &str, transaction: &WriteTransaction) -> Result<bool> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if known.contains(name) {
            return Ok(true);
        }
        drop(known);
        let names = transaction.open_table(NAMES).map_err(error::engine)?;
        let noted = redb::ReadableTable::get(&names, name);
        Ok(noted.map_err(error::engine)?.is_some())
    }

    /// Remembers what a commit has noted.
    pub(crate) fn remember(&self, changes: Changes) {
        if changes.is_empty() {
            return;
        }
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for (name, holds_entries) in changes {
            match holds_entries {
                true => drop(known.insert(name)),
                false => drop(known.remove(&name)),
            }
        }
    }
}

/// Names of trees, and whether they hold entries from now on.
pub(crate) type Changes = Vec<(Box<str>, bool)>;

/// Notes changes in the transaction that makes them.
pub(crate) fn note(transaction: &WriteTransaction, changes: &Changes) -> Result<()> {
    if changes.is_empty() {
        return Ok(());
    }
    let mut names = transaction.open_table(NAMES).map_err(error::engine)?;
    for (name, holds_entries) in changes {
        let noted = match holds_entries {
            true => names.insert(&**name, ()),
            false => names.remove(&**name),
        };
        noted.map_err(error::engine)?;
    }
    Ok(())
}

/// Makes sure that a tree which was found empty, or not at all, is not noted.
///
/// # Errors
/// `Corrupt` if it is.
#[cold]
pub(crate) fn check_empty(transaction: &ReadTransaction, name: &str) -> Result<()> {
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

/// The error for a tree that has lost its entries.
#[cold]
pub(crate) fn lost(name: &str) -> DriverError {
    DriverError::new(
        ErrorKind::Corrupt,
        format!(
            "the file is damaged: tree `{name}` holds entries, and none are found; restore it from a copy"
        ),
    )
}
