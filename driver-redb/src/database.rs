//! An open redb file: how it is opened, emptied, and shared by transactions.

use std::fmt;

use netabase_core::driver::kit::path::{
    Place, inaccessible, look, missing, require_parent, sync_folder,
};
use netabase_core::driver::{self, OpenConfig, Result};
use redb::{Database, StorageError};

use crate::config::{CommitSettings, Settings};
use crate::creation;
use crate::engine::{Access, SharedEngine};
use crate::error;
use crate::maintenance;
use crate::transaction::{RedbReader, RedbWriter};

/// An open redb database.
///
/// The file is locked until this handle and every transaction of it are gone; closing keeps what was committed with
/// [`Durability::None`](netabase_core::driver::Durability::None).
///
/// Once the system has refused a write or a read, redb wants the file to be opened again. The next transaction does
/// that, as soon as there is no other one; what was committed durably is there then. What was committed
/// without durability since is not: where there is such a commit, one transaction is refused with
/// [`CommitsLost`](netabase_core::driver::ErrorKind::CommitsLost), and the one after it begins.
pub struct RedbDatabase {
    shared: SharedEngine,
    commits: CommitSettings,
}

impl RedbDatabase {
    pub(crate) fn open(config: &OpenConfig<'_>) -> Result<Self> {
        let settings = Settings::new(config)?;
        let (path, creates) = (settings.path, settings.creates);
        let found = look(&path, "redb", Place::File)?;
        if found.is_none() {
            require_parent(&path)?;
        }
        let is_new = found.is_none_or(|file| file.len() == 0);
        if !creates && is_new {
            return Err(missing(&path));
        }
        let access = Access {
            read_only: settings.read_only,
            cache_bytes: settings.cache_bytes,
            integrity: settings.check_integrity_on_open,
        };
        let open = || {
            error::caught(|| {
                let file = access.open(&path, creates).map_err(StorageError::Io)?;
                access.engine(file)
            })
        };
        let opened = match open()? {
            Err(error) if error::is_not_a_database(&error) => {
                // Where the file cannot even be looked at, redb's error says more.
                if creates && creation::discard_unfinished(&path).unwrap_or(false) {
                    open()?
                } else if !creates && creation::is_unfinished(&path).unwrap_or(false) {
                    return Err(missing(&path));
                } else {
                    Err(error)
                }
            }
            opened => opened,
        };
        let mut engine = opened.map_err(|error| error::opening(&path, error))?;
        // redb makes the file's bytes permanent, not its name.
        if is_new && let Some(folder) = path.parent() {
            sync_folder(folder).map_err(|error| inaccessible(folder, error))?;
        }
        if settings.truncate {
            engine.with_database("truncate", remove_everything)?;
        }
        Ok(Self {
            shared: SharedEngine::new(engine, path, access),
            commits: settings.commits,
        })
    }

    /// A database that is open already, on a watched file; the path is where it is opened again.
    #[cfg(test)]
    pub(crate) fn of(shared: SharedEngine, commits: CommitSettings) -> Self {
        Self { shared, commits }
    }

    #[cfg(test)]
    pub(crate) fn shared(&self) -> &SharedEngine {
        &self.shared
    }
}

impl driver::Database for RedbDatabase {
    type Reader = RedbReader;
    type Writer = RedbWriter;

    #[inline]
    fn begin_read(&self) -> Result<RedbReader> {
        self.shared.begin(RedbReader::begin)
    }

    fn begin_write(&self) -> Result<RedbWriter> {
        self.shared
            .begin(|engine| RedbWriter::begin(engine, self.commits))
    }

    fn command(
        &self,
        operation: &str,
        argument: &[u8],
        output: &mut dyn FnMut(&[u8]),
    ) -> Result<()> {
        maintenance::run(&self.shared, operation, argument, output)
    }
}

impl fmt::Debug for RedbDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedbDatabase")
            .field("path", &self.shared.path())
            .finish_non_exhaustive()
    }
}

/// Empties a database that redb has locked and accepted as its own, and gives the space back.
///
/// In one transaction, so that a crash leaves all or nothing.
fn remove_everything(database: &mut Database) -> Result<()> {
    let transaction = database.begin_write().map_err(error::engine)?;
    let savepoints: Vec<u64> = transaction
        .list_persistent_savepoints()
        .map_err(error::engine)?
        .collect();
    for savepoint in savepoints {
        transaction
            .delete_persistent_savepoint(savepoint)
            .map_err(error::engine)?;
    }
    let tables: Vec<_> = transaction.list_tables().map_err(error::engine)?.collect();
    for table in tables {
        transaction.delete_table(table).map_err(error::engine)?;
    }
    let multimaps: Vec<_> = transaction
        .list_multimap_tables()
        .map_err(error::engine)?
        .collect();
    for multimap in multimaps {
        transaction
            .delete_multimap_table(multimap)
            .map_err(error::engine)?;
    }
    transaction.commit().map_err(error::committing)?;
    database.compact().map_err(error::engine)?;
    Ok(())
}
