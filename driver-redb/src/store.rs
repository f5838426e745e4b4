//! An open redb file: how it is opened, emptied, shared by transactions, and closed with the last of them.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::thread;
use std::time::Duration;

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

/// How often a transaction tries to begin, a millisecond apart, while others hold a handle that has to be opened again.
const PATIENCE: u32 = 50;

/// An open redb database.
///
/// The file is locked until this handle and every transaction of it are gone; closing keeps what was committed with
/// [`Durability::None`](netabase_core::driver::Durability::None).
///
/// Once the system has refused a write or a read, redb wants the file to be opened again. The next transaction does
/// that, as soon as there is no other one; what was committed durably is there then, and what was committed
/// without durability since is not.
pub struct RedbDatabase {
    /// Exclusive only while an operation runs that needs redb for itself alone.
    engine: RwLock<Arc<Engine>>,
    /// Absolute, so that it stays right when the process changes its folder.
    path: PathBuf,
    access: Access,
    commits: CommitSettings,
}

/// What the file is opened with, each time.
#[derive(Debug, Clone, Copy, Default)]
struct Access {
    read_only: bool,
    cache_bytes: Option<usize>,
    integrity: bool,
}

impl Access {
    fn builder(self) -> Builder {
        let mut builder = Builder::new();
        builder.set_check_integrity_on_open(self.integrity);
        if let Some(bytes) = self.cache_bytes {
            builder.set_cache_size(bytes);
        }
        builder
    }
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
        let access = Access {
            read_only: settings.read_only,
            cache_bytes: settings.cache_bytes,
            integrity: settings.check_integrity_on_open,
        };
        let builder = access.builder();
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
            access,
            commits: settings.commits,
        })
    }

    /// A database that is open already; the path is where it is opened again.
    #[cfg(test)]
    pub(crate) fn of(database: Database, path: &Path, commits: CommitSettings) -> Self {
        Self {
            engine: RwLock::new(Arc::new(Engine::new(Handle::Writable(database)))),
            path: path.to_owned(),
            access: Access::default(),
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

    /// Begins a transaction, and opens the file again where a failure has ended redb's handle.
    #[inline]
    fn begin<T>(&self, begin: impl Fn(Arc<Engine>) -> Result<T>) -> Result<T> {
        match begin(self.engine()) {
            Err(error) if error.kind() == ErrorKind::Closed => self.begin_again(begin),
            begun => begun,
        }
    }

    #[cold]
    fn begin_again<T>(&self, begin: impl Fn(Arc<Engine>) -> Result<T>) -> Result<T> {
        for _ in 0..PATIENCE {
            if !self.reopen()? {
                // Others that begin at the same time hold the handle for a moment as well.
                thread::sleep(Duration::from_millis(1));
            }
            match begin(self.engine()) {
                Err(error) if error.kind() == ErrorKind::Closed => {}
                begun => return begun,
            }
        }
        Err(DriverError::new(
            ErrorKind::Closed,
            "the system failed an earlier operation, after which redb wants the file to be opened again; close every \
             transaction, then the next one does that",
        ))
    }

    /// Opens the file again, unless it is open; `false` if somebody still uses the handle.
    fn reopen(&self) -> Result<bool> {
        let mut engine = self.engine.write().unwrap_or_else(PoisonError::into_inner);
        let Some(engine) = Arc::get_mut(&mut engine) else {
            return Ok(false);
        };
        // Another thread may have done it already.
        let usable = if self.access.read_only {
            engine.begin_read().is_ok()
        } else {
            engine.begin_write().is_ok()
        };
        if usable {
            return Ok(true);
        }
        error::discard(engine.handle.take());
        let builder = self.access.builder();
        let opened = error::caught(|| {
            if self.access.read_only {
                builder.open_read_only(&self.path).map(Handle::ReadOnly)
            } else {
                builder.open(&self.path).map(Handle::Writable)
            }
        })?;
        engine.handle = Some(opened.map_err(|error| error::opening(&self.path, error))?);
        Ok(true)
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
        self.begin(RedbReader::begin)
    }

    fn begin_write(&self) -> Result<RedbWriter> {
        self.begin(|engine| RedbWriter::begin(engine, self.commits))
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

#[cfg(test)]
mod tests {
    use std::ops::Bound;
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicBool, Ordering};

    use netabase_core::driver::{Driver, Durability, Read, Write};
    use redb::StorageBackend;
    use redb::backends::FileBackend;

    use super::*;
    use crate::Redb;

    /// A file on a device that may be full.
    #[derive(Debug)]
    struct Device {
        file: FileBackend,
        full: Arc<AtomicBool>,
    }

    impl Device {
        fn space(&self) -> io::Result<()> {
            match self.full.load(Ordering::Relaxed) {
                true => Err(io::ErrorKind::StorageFull.into()),
                false => Ok(()),
            }
        }
    }

    impl StorageBackend for Device {
        fn len(&self) -> io::Result<u64> {
            self.file.len()
        }

        fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
            self.file.read(offset, out)
        }

        fn set_len(&self, len: u64) -> io::Result<()> {
            self.space()?;
            self.file.set_len(len)
        }

        fn sync_data(&self) -> io::Result<()> {
            self.file.sync_data()
        }

        fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
            self.space()?;
            self.file.write(offset, data)
        }

        fn try_lock_range(
            &self,
            start: Bound<u64>,
            end: Bound<u64>,
        ) -> Result<bool, redb::BackendError> {
            self.file.try_lock_range(start, end)
        }

        fn unlock_range(
            &self,
            start: Bound<u64>,
            end: Bound<u64>,
        ) -> Result<(), redb::BackendError> {
            self.file.unlock_range(start, end)
        }
    }

    fn put(database: &RedbDatabase, key: &[u8], durability: Durability) -> Result<()> {
        let mut writer = database.begin_write()?;
        let tree = writer.tree("t")?;
        writer.put(tree, key, &[7; 1_000], |_| ())?;
        writer.commit(durability)
    }

    fn has(reader: &impl Read, key: &[u8]) -> bool {
        let tree = reader.tree("t").unwrap();
        reader.get(tree, key, |_| ()).unwrap().is_some()
    }

    #[test]
    fn a_database_goes_on_after_a_write_that_found_no_space() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data.redb");
        drop(Redb.open(&OpenConfig::new(&path)).unwrap());
        let full = Arc::new(AtomicBool::new(false));
        let file = fs::File::options().read(true).write(true).open(&path);
        let device = Device {
            file: FileBackend::new(file.unwrap()).unwrap(),
            full: Arc::clone(&full),
        };
        let redb = Builder::new().create_with_backend(device).unwrap();
        let database = RedbDatabase::of(redb, &path, CommitSettings::default());
        put(&database, b"before", Durability::Immediate).unwrap();
        let reader = database.begin_read().unwrap();

        full.store(true, Ordering::Relaxed);
        let error = put(&database, b"refused", Durability::Immediate).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{error:?}");
        let error = database.begin_write().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Closed, "{error:?}");
        assert!(
            error.message().contains("close every transaction"),
            "{error:?}"
        );
        assert!(has(&reader, b"before") && !has(&reader, b"refused"));

        drop(reader);
        put(&database, b"after", Durability::Immediate).unwrap();
        let reader = database.begin_read().unwrap();
        assert!(has(&reader, b"before") && has(&reader, b"after"));
        assert!(!has(&reader, b"refused"));
    }

    #[test]
    fn a_database_for_reading_is_opened_again_for_reading() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data.redb");
        let database = Redb.open(&OpenConfig::new(&path)).unwrap();
        put(&database, b"before", Durability::Immediate).unwrap();
        drop(database);
        let config = OpenConfig {
            read_only: true,
            ..OpenConfig::new(&path)
        };
        let [database, _other] = [(); 2].map(|()| Redb.open(&config).unwrap());
        Arc::get_mut(&mut database.engine.write().unwrap())
            .unwrap()
            .handle = None;
        assert!(has(&database.begin_read().unwrap(), b"before"));
        assert_eq!(
            database.begin_write().unwrap_err().kind(),
            ErrorKind::ReadOnly
        );
    }

    #[test]
    fn a_database_is_opened_again_for_all_who_begin_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let database = Redb
            .open(&OpenConfig::new(&folder.path().join("data.redb")))
            .unwrap();
        for _ in 0..200 {
            Arc::get_mut(&mut database.engine.write().unwrap())
                .unwrap()
                .handle = None;
            let all = Barrier::new(4);
            thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| {
                        all.wait();
                        drop(database.begin_read().unwrap());
                    });
                }
            });
        }
    }

    #[test]
    fn a_database_that_cannot_be_opened_again_is_tried_each_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data.redb");
        let database = Redb.open(&OpenConfig::new(&path)).unwrap();
        put(&database, b"before", Durability::Immediate).unwrap();
        Arc::get_mut(&mut database.engine.write().unwrap())
            .unwrap()
            .handle = None;
        let other = Redb.open(&OpenConfig::new(&path)).unwrap();
        for _ in 0..2 {
            let errors = [
                database.begin_read().unwrap_err(),
                database.begin_write().unwrap_err(),
            ];
            assert!(errors.iter().all(|error| error.kind() == ErrorKind::Locked));
        }
        drop(other);
        assert!(has(&database.begin_read().unwrap(), b"before"));
        put(&database, b"after", Durability::Immediate).unwrap();
    }
}
