//! An open redb file: how it is opened, emptied, shared by transactions, and closed with the last of them.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use netabase_core::driver::{DriverError, ErrorKind, OpenConfig, Result, Store};
use redb::{
    Builder, Database, ReadOnlyDatabase, ReadTransaction, ReadableDatabase, StorageError,
    TransactionError, WriteTransaction,
};

use crate::config::{CommitSettings, Settings};
use crate::creation;
use crate::error;
use crate::maintenance;
use crate::transaction::{RedbReader, RedbWriter};

/// An open redb database.
///
/// The file is locked until this handle and every transaction of it are gone; closing keeps what was committed with
/// [`Durability::None`](netabase_core::driver::Durability::None).
pub struct RedbDatabase {
    /// Exclusive only while an operation runs that needs redb for itself alone.
    engine: RwLock<Arc<Engine>>,
    /// Absolute, so that it stays right when the process changes its folder.
    path: PathBuf,
    commits: CommitSettings,
}

/// redb's handle; closes the file when it is dropped.
pub(crate) struct Engine {
    /// `None` only while it is dropped.
    handle: Option<Handle>,
}

enum Handle {
    Writable(Database),
    ReadOnly(ReadOnlyDatabase),
}

impl Engine {
    fn new(handle: Handle) -> Self {
        Self {
            handle: Some(handle),
        }
    }

    #[inline]
    pub(crate) fn begin_read(&self) -> Result<ReadTransaction, TransactionError> {
        match &self.handle {
            Some(Handle::Writable(database)) => database.begin_read(),
            Some(Handle::ReadOnly(database)) => database.begin_read(),
            None => Err(StorageError::DatabaseClosed.into()),
        }
    }

    pub(crate) fn begin_write(&self) -> Result<WriteTransaction> {
        match &self.handle {
            Some(Handle::Writable(database)) => error::call(|| database.begin_write()),
            Some(Handle::ReadOnly(_)) => Err(read_only("write")),
            None => Err(error::engine(StorageError::DatabaseClosed)),
        }
    }

    /// Runs `run` on redb's handle for writing.
    fn with_database<R>(
        &mut self,
        operation: &str,
        run: impl FnOnce(&mut Database) -> Result<R>,
    ) -> Result<R> {
        match &mut self.handle {
            Some(Handle::Writable(database)) => error::caught(|| run(database))?,
            Some(Handle::ReadOnly(_)) => Err(read_only(operation)),
            None => Err(error::engine(StorageError::DatabaseClosed)),
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        error::discard(self.handle.take());
    }
}

impl RedbDatabase {
    pub(crate) fn open(config: &OpenConfig<'_>) -> Result<Self> {
        let settings = Settings::new(config)?;
        let path = std::path::absolute(settings.path)
            .map_err(|error| inaccessible(settings.path, error))?;
        let creates = settings.create_if_missing && !settings.read_only;
        if !holds_data(&path)? && !creates {
            return Err(missing(&path));
        }
        let mut builder = Builder::new();
        builder.set_check_integrity_on_open(settings.check_integrity_on_open);
        if let Some(bytes) = settings.cache_bytes {
            builder.set_cache_size(bytes);
        }
        let open = || {
            error::caught(|| {
                if settings.read_only {
                    builder.open_read_only(&path).map(Handle::ReadOnly)
                } else if creates {
                    builder.create(&path).map(Handle::Writable)
                } else {
                    builder.open(&path).map(Handle::Writable)
                }
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
        let handle = opened.map_err(|error| error::opening(&path, error))?;
        let mut engine = Engine::new(handle);
        if settings.truncate {
            engine.with_database("truncate", remove_everything)?;
        }
        Ok(Self {
            engine: RwLock::new(Arc::new(engine)),
            path,
            commits: settings.commits,
        })
    }

    /// A database that is open already, and has no path.
    #[cfg(test)]
    pub(crate) fn of(database: Database, commits: CommitSettings) -> Self {
        Self {
            engine: RwLock::new(Arc::new(Engine::new(Handle::Writable(database)))),
            path: PathBuf::new(),
            commits,
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    #[inline]
    pub(crate) fn engine(&self) -> Arc<Engine> {
        self.engine
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Runs an operation that redb allows only while there is no transaction.
    pub(crate) fn alone<R>(
        &self,
        operation: &str,
        run: impl FnOnce(&mut Database) -> Result<R>,
    ) -> Result<R> {
        let mut engine = self.engine.write().unwrap_or_else(PoisonError::into_inner);
        match Arc::get_mut(&mut engine) {
            Some(engine) => engine.with_database(operation, run),
            None => Err(DriverError::new(
                ErrorKind::Conflict,
                format!(
                    "`{operation}` needs the database for itself; close every transaction first"
                ),
            )),
        }
    }
}

impl Store for RedbDatabase {
    type Reader = RedbReader;
    type Writer = RedbWriter;

    #[inline]
    fn begin_read(&self) -> Result<RedbReader> {
        RedbReader::begin(self.engine())
    }

    fn begin_write(&self) -> Result<RedbWriter> {
        RedbWriter::begin(self.engine(), self.commits)
    }

    fn maintain(
        &self,
        operation: &str,
        argument: &[u8],
        output: &mut dyn FnMut(&[u8]),
    ) -> Result<()> {
        maintenance::run(self, operation, argument, output)
    }
}

impl fmt::Debug for RedbDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedbDatabase")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// Whether there is a file with something in it at `path`, where a file may be.
fn holds_data(path: &Path) -> Result<bool> {
    match fs::metadata(path) {
        Ok(found) if found.is_file() => Ok(found.len() > 0),
        Ok(found) => Err(DriverError::new(
            ErrorKind::Corrupt,
            format!(
                "`{}` is {}, and redb keeps its data in a file; choose another path",
                path.display(),
                if found.is_dir() {
                    "a folder"
                } else {
                    "no regular file"
                }
            ),
        )),
        Err(error) if error.kind() == io::ErrorKind::NotFound => match path.parent() {
            Some(folder) if !folder.is_dir() => Err(DriverError::new(
                ErrorKind::NotFound,
                format!(
                    "the folder `{}` is not there; create it first",
                    folder.display()
                ),
            )
            .with_source(error)),
            _ => Ok(false),
        },
        Err(error) => Err(inaccessible(path, error)),
    }
}

fn missing(path: &Path) -> DriverError {
    DriverError::new(
        ErrorKind::NotFound,
        format!(
            "there is no database at `{}`; open it with `create_if_missing` and without `read_only` to create it",
            path.display()
        ),
    )
}

fn inaccessible(path: &Path, error: io::Error) -> DriverError {
    let kind = match error.kind() {
        io::ErrorKind::NotADirectory => ErrorKind::NotFound,
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidFilename => ErrorKind::InvalidInput,
        _ => error::io_kind(&error),
    };
    DriverError::new(
        kind,
        format!("`{}` cannot be opened: {error}", path.display()),
    )
    .with_source(error)
}

fn read_only(operation: &str) -> DriverError {
    DriverError::new(
        ErrorKind::ReadOnly,
        format!("`{operation}` needs a database that was opened without `read_only`"),
    )
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
