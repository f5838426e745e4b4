//! redb's handle, shared by the transactions of a database, and opened again after a failure.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::thread;
use std::time::Duration;

use netabase_core::driver::{DriverError, Durability, ErrorKind, Result};
use redb::{
    Builder, Database, DatabaseError, ReadOnlyDatabase, ReadTransaction, ReadableDatabase,
    StorageError, TransactionError, WriteTransaction,
};

use crate::device::{Device, Failure, Identity, Watch};
use crate::error;
use crate::names::Names;
use crate::repair::Repaired;

/// How often a transaction tries to begin, a millisecond apart, while others hold a handle that has to be opened again.
const REOPENING_TRIES: u32 = 50;

/// What the file is opened with, each time.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Access {
    pub(crate) read_only: bool,
    pub(crate) cache_bytes: Option<usize>,
    pub(crate) integrity: bool,
}

impl Access {
    pub(crate) fn open(self, path: &Path, create: bool) -> io::Result<File> {
        File::options()
            .read(true)
            .write(!self.read_only)
            .create(create)
            .truncate(false)
            .open(path)
    }

    /// A file that is only read is repaired in memory where it was not closed cleanly.
    pub(crate) fn engine(self, file: File) -> Result<Engine, DatabaseError> {
        if !self.read_only {
            return self.engine_on(file, false);
        }
        let again = file.try_clone().map_err(StorageError::Io)?;
        match self.engine_on(file, false) {
            Err(DatabaseError::RepairAborted) => self.engine_on(again, true),
            opened => opened,
        }
    }

    fn engine_on(self, file: File, repaired: bool) -> Result<Engine, DatabaseError> {
        let identity = Identity::of(&file.metadata().map_err(StorageError::Io)?);
        let watch = Arc::new(Watch::default());
        let device = Device::of(file, Arc::clone(&watch))?;
        let mut builder = Builder::new();
        builder.set_check_integrity_on_open(self.integrity);
        if let Some(bytes) = self.cache_bytes {
            builder.set_cache_size(bytes);
        }
        let handle = if self.read_only {
            Handle::ReadOnly(match repaired {
                false => builder.open_read_only_with_backend(device)?,
                true => builder.open_read_only_with_backend(Repaired::new(device))?,
            })
        } else {
            Handle::Writable(builder.create_with_backend(device)?)
        };
        Ok(Engine::new(handle, watch, identity))
    }
}

/// redb's handle; closes the file when it is dropped.
pub(crate) struct Engine {
    /// `None` while it is dropped, and after a failure to open the file again.
    handle: Option<Handle>,
    watch: Arc<Watch>,
    identity: Option<Identity>,
    /// The number of the next writer.
    writers: AtomicU64,
    /// The last writer that committed with each durability.
    undurable: AtomicU64,
    durable: AtomicU64,
    /// Whether the next transaction has to report that commits without durability are lost.
    lost: AtomicBool,
    names: Names,
}

enum Handle {
    Writable(Database),
    ReadOnly(ReadOnlyDatabase),
}

impl Engine {
    fn new(handle: Handle, watch: Arc<Watch>, identity: Option<Identity>) -> Self {
        Self {
            handle: Some(handle),
            watch,
            identity,
            writers: AtomicU64::new(1),
            undurable: AtomicU64::new(0),
            durable: AtomicU64::new(0),
            lost: AtomicBool::new(false),
            names: Names::default(),
        }
    }

    pub(crate) fn names(&self) -> &Names {
        &self.names
    }

    /// The number of a writer that has just begun, higher than that of each before it.
    pub(crate) fn number_writer(&self) -> u64 {
        self.writers.fetch_add(1, Ordering::Relaxed)
    }

    /// Takes note of a writer's commit. The next writer may have committed already.
    #[inline]
    pub(crate) fn committed(&self, writer: u64, durability: Durability) {
        let last = match durability {
            Durability::None => &self.undurable,
            Durability::Immediate => &self.durable,
        };
        last.fetch_max(writer, Ordering::Relaxed);
    }

    /// Whether redb can go on. Nobody else uses the handle, so that asking it to begin to write does not wait.
    fn is_usable(&mut self) -> bool {
        let usable = match &self.handle {
            Some(Handle::Writable(database)) => error::call(|| database.begin_write())
                .map(error::discard)
                .is_ok(),
            Some(Handle::ReadOnly(database)) => {
                self.watch.failure() == Failure::None
                    && error::call(|| database.begin_read()).is_ok()
            }
            None => false,
        };
        if usable && !*self.lost.get_mut() {
            self.watch.reset();
        }
        usable
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
            Some(Handle::Writable(database)) => {
                let begun = error::call(|| database.begin_write());
                if begun.is_err() {
                    self.fail();
                }
                begun
            }
            Some(Handle::ReadOnly(_)) => Err(read_only("write")),
            None => Err(error::engine(StorageError::DatabaseClosed)),
        }
    }

    /// Takes note that redb may have given up: the next transaction makes sure, and no other one begins before.
    #[cold]
    pub(crate) fn fail(&self) {
        self.watch.note(Failure::Certain);
    }

    /// Runs `run` on redb's handle for writing.
    pub(crate) fn with_database<R>(
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

/// The handle of an open database, and how it is opened again.
pub(crate) struct SharedEngine {
    /// Exclusive only while an operation runs that needs redb for itself alone.
    engine: RwLock<Arc<Engine>>,
    /// Absolute, so that it stays right when the process changes its folder.
    path: PathBuf,
    access: Access,
}

impl SharedEngine {
    pub(crate) fn new(engine: Engine, path: PathBuf, access: Access) -> Self {
        Self {
            engine: RwLock::new(Arc::new(engine)),
            path,
            access,
        }
    }

    /// One that is open already, on a watched file; the path is where it is opened again.
    #[cfg(test)]
    pub(crate) fn of(database: Database, watch: Arc<Watch>, path: &Path) -> Self {
        let identity = std::fs::metadata(path).ok();
        let identity = identity.as_ref().and_then(Identity::of);
        let engine = Engine::new(Handle::Writable(database), watch, identity);
        Self::new(engine, path.to_owned(), Access::default())
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

    /// Begins a transaction of a caller's, and opens the file again where a failure has ended redb's handle.
    #[inline]
    pub(crate) fn begin<T>(&self, begin: impl Fn(Arc<Engine>) -> Result<T>) -> Result<T> {
        self.begin_or_reopen(true, begin)
    }

    /// Begins a transaction of the driver's own, as [`begin`](Self::begin) does.
    pub(crate) fn begin_own<T>(&self, begin: impl Fn(Arc<Engine>) -> Result<T>) -> Result<T> {
        self.begin_or_reopen(false, begin)
    }

    #[inline]
    fn begin_or_reopen<T>(
        &self,
        tells: bool,
        begin: impl Fn(Arc<Engine>) -> Result<T>,
    ) -> Result<T> {
        let engine = self.engine();
        if engine.watch.failure() == Failure::None {
            match begin(engine) {
                Err(error) if error.kind() == ErrorKind::Closed => {}
                begun => return begun,
            }
        } else {
            drop(engine);
        }
        self.begin_again(tells, begin)
    }

    /// `tells`: whether it is the caller's to learn that commits are lost.
    #[cold]
    fn begin_again<T>(&self, tells: bool, begin: impl Fn(Arc<Engine>) -> Result<T>) -> Result<T> {
        for _ in 0..REOPENING_TRIES {
            let renewed = self.reopen()?;
            let engine = self.engine();
            if tells && engine.lost.swap(false, Ordering::Relaxed) {
                return Err(lost());
            }
            if engine.watch.failure() < Failure::Certain {
                match begin(engine) {
                    Err(error) if error.kind() == ErrorKind::Closed => {}
                    begun => return begun,
                }
            } else {
                // Others that hold it keep the file from being opened again.
                drop(engine);
            }
            if !renewed {
                // Others that begin at the same time hold the handle for a moment as well.
                thread::sleep(Duration::from_millis(1));
            }
        }
        Err(DriverError::new(
            ErrorKind::Closed,
            "the system failed an earlier operation, after which redb wants the file to be opened again; close every \
             transaction, then the next one does that",
        ))
    }

    /// Opens the file again, unless redb can go on; `false` if somebody still uses the handle.
    fn reopen(&self) -> Result<bool> {
        let mut engine = self.engine.write().unwrap_or_else(PoisonError::into_inner);
        let Some(engine) = Arc::get_mut(&mut engine) else {
            return Ok(false);
        };
        // Another thread may have done it already.
        if !engine.is_usable() {
            self.renew(engine)?;
        }
        Ok(true)
    }

    fn renew(&self, engine: &mut Engine) -> Result<()> {
        error::discard(engine.handle.take());
        let file = self.access.open(&self.path, false);
        let file = file.map_err(|error| error::opening(&self.path, StorageError::Io(error)))?;
        let found = file.metadata().map_err(StorageError::Io);
        let found = found.map_err(|error| error::opening(&self.path, error))?;
        if engine.identity.is_some() && Identity::of(&found) != engine.identity {
            return Err(replaced(&self.path));
        }
        if found.len() == 0 {
            return Err(emptied(&self.path));
        }
        let renewed = error::caught(|| self.access.engine(file))?;
        let lost =
            *engine.lost.get_mut() || *engine.undurable.get_mut() > *engine.durable.get_mut();
        *engine = renewed.map_err(|error| error::opening(&self.path, error))?;
        if lost {
            *engine.lost.get_mut() = true;
            // The next transaction looks closer.
            engine.watch.note(Failure::Possible);
        }
        Ok(())
    }

    /// Runs an operation that redb allows only while there is no transaction. `makes_durable`: whether it commits, durably.
    pub(crate) fn alone<R>(
        &self,
        operation: &str,
        makes_durable: bool,
        run: impl FnOnce(&mut Database) -> Result<R>,
    ) -> Result<R> {
        let mut engine = self.engine.write().unwrap_or_else(PoisonError::into_inner);
        match Arc::get_mut(&mut engine) {
            Some(engine) => {
                if engine.watch.failure() != Failure::None && !engine.is_usable() {
                    self.renew(engine)?;
                }
                let result = engine.with_database(operation, run);
                if makes_durable && result.is_ok() {
                    *engine.undurable.get_mut() = 0;
                }
                result
            }
            None => Err(DriverError::new(
                ErrorKind::Conflict,
                format!(
                    "`{operation}` needs the database for itself; close every transaction first"
                ),
            )),
        }
    }
}

#[cold]
fn lost() -> DriverError {
    DriverError::new(
        ErrorKind::CommitsLost,
        "the system failed an earlier operation, and what was committed without durability since the last durable commit \
         may be lost; read again what you rely on, the next transaction begins",
    )
}

fn replaced(path: &Path) -> DriverError {
    DriverError::new(
        ErrorKind::Closed,
        format!(
            "the system failed an earlier operation, and `{}` is another file by now than the one that was opened; close \
             the database and open it anew",
            path.display()
        ),
    )
}

fn emptied(path: &Path) -> DriverError {
    DriverError::new(
        ErrorKind::Corrupt,
        format!(
            "the system failed an earlier operation, and `{}` is empty by now; restore it from a copy",
            path.display()
        ),
    )
}

fn read_only(operation: &str) -> DriverError {
    DriverError::new(
        ErrorKind::ReadOnly,
        format!("`{operation}` needs a database that was opened without `read_only`"),
    )
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::ops::Bound;
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicBool, Ordering};

    use netabase_core::driver::{Database as _, Driver, Durability, OpenConfig, Read, Write};
    use redb::StorageBackend;
    use redb::backends::FileBackend;

    use super::*;
    use crate::config::CommitSettings;
    use crate::{Redb, RedbDatabase};

    /// A file on a device that may be full, or not readable.
    #[derive(Debug)]
    struct Unreliable {
        file: FileBackend,
        state: Arc<State>,
    }

    #[derive(Debug, Default)]
    struct State {
        full: AtomicBool,
        unreadable: AtomicBool,
    }

    impl Unreliable {
        fn space(&self) -> io::Result<()> {
            match self.state.full.load(Ordering::Relaxed) {
                true => Err(io::ErrorKind::StorageFull.into()),
                false => Ok(()),
            }
        }
    }

    impl StorageBackend for Unreliable {
        fn len(&self) -> io::Result<u64> {
            self.file.len()
        }

        fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
            match self.state.unreadable.load(Ordering::Relaxed) {
                true => Err(io::Error::other("a bad sector")),
                false => self.file.read(offset, out),
            }
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

    /// The database at `path` on an unreliable device, with a cache of half a MiB; created if there is none.
    fn unreliable(path: &Path) -> (RedbDatabase, Arc<State>) {
        drop(Redb.open(&OpenConfig::new(path)).unwrap());
        let state = Arc::new(State::default());
        let file = File::options().read(true).write(true).open(path);
        let device = Unreliable {
            file: FileBackend::new(file.unwrap()).unwrap(),
            state: Arc::clone(&state),
        };
        let watch = Arc::new(Watch::default());
        let redb = Builder::new()
            .set_cache_size(512 << 10)
            .create_with_backend(Device::new(device, Arc::clone(&watch)))
            .unwrap();
        let database = RedbDatabase::of(
            SharedEngine::of(redb, watch, path),
            CommitSettings::default(),
        );
        (database, state)
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
        let (database, device) = unreliable(&folder.path().join("data.redb"));
        put(&database, b"before", Durability::Immediate).unwrap();
        let reader = database.begin_read().unwrap();

        device.full.store(true, Ordering::Relaxed);
        let error = put(&database, b"refused", Durability::Immediate).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{error:?}");
        let error = database.begin_write().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Closed, "{error:?}");
        assert!(
            error.message().contains("close every transaction"),
            "{error:?}"
        );

        drop(reader);
        put(&database, b"after", Durability::Immediate).unwrap();
        let reader = database.begin_read().unwrap();
        assert!(has(&reader, b"before") && has(&reader, b"after"));
        assert!(!has(&reader, b"refused"));
    }

    /// Twice as much as the cache holds.
    fn fill(database: &RedbDatabase) {
        let mut writer = database.begin_write().unwrap();
        let tree = writer.tree("t").unwrap();
        for key in 0..1_000_u16 {
            writer
                .put(tree, &key.to_be_bytes(), &[7; 1_000], |_| ())
                .unwrap();
        }
        writer.commit(Durability::Immediate).unwrap();
    }

    fn read_all(database: &RedbDatabase) -> Result<()> {
        let reader = database.begin_read()?;
        let tree = reader.tree("t")?;
        (0..1_000_u16).try_for_each(|key| reader.get(tree, &key.to_be_bytes(), |_| ()).map(drop))
    }

    #[test]
    fn a_reader_goes_on_after_a_read_that_failed() {
        let folder = tempfile::tempdir().unwrap();
        let (database, device) = unreliable(&folder.path().join("data.redb"));
        fill(&database);
        device.unreadable.store(true, Ordering::Relaxed);
        let error = read_all(&database).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io, "{error:?}");
        device.unreadable.store(false, Ordering::Relaxed);
        read_all(&database).unwrap();
    }

    #[test]
    fn an_operation_goes_on_after_a_read_that_failed() {
        let folder = tempfile::tempdir().unwrap();
        for operation in ["tree_names", "stats", "check_integrity", "compact"] {
            let (database, device) = unreliable(&folder.path().join(operation));
            fill(&database);
            device.unreadable.store(true, Ordering::Relaxed);
            read_all(&database).unwrap_err();
            device.unreadable.store(false, Ordering::Relaxed);
            database.command(operation, &[], &mut |_| ()).unwrap();
        }
    }

    #[test]
    fn a_loss_of_commits_without_durability_is_told_once() {
        let folder = tempfile::tempdir().unwrap();
        let (database, device) = unreliable(&folder.path().join("data.redb"));
        put(&database, b"durable", Durability::Immediate).unwrap();
        put(&database, b"not durable", Durability::None).unwrap();
        device.full.store(true, Ordering::Relaxed);
        put(&database, b"refused", Durability::Immediate).unwrap_err();

        let error = database.begin_read().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::CommitsLost, "{error:?}");
        assert!(error.message().contains("may be lost"), "{error:?}");
        let reader = database.begin_read().unwrap();
        assert!(has(&reader, b"durable"));
        assert!(!has(&reader, b"not durable") && !has(&reader, b"refused"));
    }

    #[test]
    fn a_loss_is_told_to_a_transaction_and_not_to_an_operation() {
        let folder = tempfile::tempdir().unwrap();
        for operation in ["tree_names", "stats", "check_integrity", "compact"] {
            let (database, device) = unreliable(&folder.path().join(operation));
            put(&database, b"durable", Durability::Immediate).unwrap();
            put(&database, b"not durable", Durability::None).unwrap();
            device.full.store(true, Ordering::Relaxed);
            put(&database, b"refused", Durability::Immediate).unwrap_err();
            for _ in 0..2 {
                database.command(operation, &[], &mut |_| ()).unwrap();
            }
            let error = database.begin_write().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::CommitsLost, "{error:?}");
            database.begin_write().unwrap();
        }
    }

    #[test]
    fn what_a_compaction_has_made_durable_is_not_lost() {
        let folder = tempfile::tempdir().unwrap();
        let (database, device) = unreliable(&folder.path().join("data.redb"));
        put(&database, b"compacted", Durability::None).unwrap();
        database.command("compact", &[], &mut |_| ()).unwrap();
        device.full.store(true, Ordering::Relaxed);
        put(&database, b"refused", Durability::Immediate).unwrap_err();
        assert!(has(&database.begin_read().unwrap(), b"compacted"));
    }

    #[test]
    fn a_durable_commit_does_not_hide_the_loss_of_the_next_one() {
        let folder = tempfile::tempdir().unwrap();
        let database = Redb
            .open(&OpenConfig::new(&folder.path().join("data.redb")))
            .unwrap();
        for _ in 0..500 {
            let first = database.begin_write().unwrap();
            thread::scope(|scope| {
                let second = scope.spawn(|| put(&database, b"next", Durability::None));
                first.commit(Durability::Immediate).unwrap();
                second.join().unwrap().unwrap();
            });
            let engine = database.shared().engine();
            assert!(
                engine.undurable.load(Ordering::Relaxed) > engine.durable.load(Ordering::Relaxed)
            );
        }
    }

    #[test]
    fn a_writer_goes_on_where_readers_come_and_go() {
        let folder = tempfile::tempdir().unwrap();
        let (database, device) = unreliable(&folder.path().join("data.redb"));
        put(&database, b"before", Durability::Immediate).unwrap();
        let ended = AtomicBool::new(false);
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    while !ended.load(Ordering::Relaxed) {
                        // Refused for as long as others hold the file.
                        if let Ok(reader) = database.begin_read() {
                            thread::sleep(Duration::from_millis(20));
                            drop(reader);
                        }
                    }
                });
            }
            device.full.store(true, Ordering::Relaxed);
            let refused = put(&database, b"refused", Durability::Immediate);
            device.full.store(false, Ordering::Relaxed);
            let went_on = (0..40).any(|_| put(&database, b"after", Durability::Immediate).is_ok());
            ended.store(true, Ordering::Relaxed);
            assert!(refused.is_err() && went_on);
        });
    }

    #[test]
    fn a_file_that_was_emptied_meanwhile_is_not_taken_for_a_new_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data.redb");
        let (database, device) = unreliable(&path);
        put(&database, b"before", Durability::Immediate).unwrap();
        device.full.store(true, Ordering::Relaxed);
        put(&database, b"refused", Durability::Immediate).unwrap_err();
        let file = File::options().write(true).open(&path).unwrap();
        file.set_len(0).unwrap();
        let error = database.begin_read().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error:?}");
        assert_eq!(file.metadata().unwrap().len(), 0);
    }

    #[test]
    fn another_file_at_the_path_is_not_taken_for_the_one_that_was_opened() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data.redb");
        let (database, device) = unreliable(&path);
        put(&database, b"before", Durability::Immediate).unwrap();
        let other = folder.path().join("other.redb");
        drop(Redb.open(&OpenConfig::new(&other)).unwrap());
        fs::rename(&other, &path).unwrap();

        device.full.store(true, Ordering::Relaxed);
        put(&database, b"refused", Durability::Immediate).unwrap_err();
        for _ in 0..2 {
            let error = database.begin_read().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Closed, "{error:?}");
            assert!(error.message().contains("another file"), "{error:?}");
        }
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
        Arc::get_mut(&mut database.shared().engine.write().unwrap())
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
        for round in 0..200 {
            if round % 2 == 0 {
                database.shared().engine().fail();
            }
            Arc::get_mut(&mut database.shared().engine.write().unwrap())
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
        Arc::get_mut(&mut database.shared().engine.write().unwrap())
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
