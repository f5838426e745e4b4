//! A driver with one defect: a good driver behind hooks, with what it does wrong chosen when it is made.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cursor;
mod transaction;

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};

use conformance_hooked::{DatabaseHooks, DriverHooks, Hooked};
use netabase_core::driver::{
    AnyDatabase, AnyDriver, AnyReader, AnyWriter, Capabilities, CommitOutcome, CommitToken,
    Database, Driver, DriverError, Durability, ErrorKind, Limits, Location, Manifest, OpenConfig,
    Read, Result, Write,
};
use netabase_core::memory::Memory;
use netabase_driver_redb::Redb;
use netabase_driver_sled::Sled;

use transaction::Transaction;

/// What the driver does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing.
    None,
    AcceptsUnknownOptions,
    AnswersUnlistedOperations,
    AppliesClearsFirst,
    AppliesHalfAList,
    ClearKeepsEntries,
    ClosesTransactionsWithTheStore,
    CommitKeepsTheFirstTreeOnly,
    /// What a transaction changed is committed 64 changes at a time.
    CommitsInPieces,
    CommitsOnDrop,
    CopiesInCursors,
    CopiesSmallValues,
    CopiesValues,
    CreatesWhatMustExist,
    CursorEndsAtAnError,
    CursorEndsEarly,
    CursorKeepsItsLastEntry,
    CursorMissesOwnWrites,
    CursorStartsAgain,
    /// What lies in a folder is removed, whoever wrote it.
    EmptiesForeignFolders,
    EmptyCommitsAreSkipped,
    EmptyValuesAreAbsent,
    ExcludedLowerIsIncluded,
    ExcludedUpperIsIncluded,
    /// A commit that failed is made again when the database is closed.
    FailedCommitsComeBack,
    ForgetsThoughPersistent,
    GetMissesOwnWrites,
    IgnoresReadOnly,
    IncludedUpperIsExcluded,
    /// A thread that reads again gets a snapshot that was taken the last time, unless it has written meanwhile.
    KeepsASnapshotReady,
    KnowsEveryToken,
    LeaksAKibibyteACommit,
    LenMissesOwnWrites,
    LimitIsOneTooHigh,
    ListsAnAbsentOperation,
    LongValuesAreCut,
    NeverSyncs,
    OrdersBytesAsSigned,
    PanicPoisonsTheStore,
    PutForgetsThePrevious,
    ReaderRefusedBesideAWriter,
    /// Each reader leaves a snapshot behind, for as long as the database is open.
    ReadersLeaveTheirSnapshots,
    ReadersWaitForCommits,
    ReadsTheLatestState,
    RemoveForgetsThePrevious,
    SeekIgnoresBounds,
    SeekSkipsTheKeyItself,
    SnapshotIsTakenLate,
    /// A snapshot is lost when more is written than some buffer holds: what is read then is newer.
    SnapshotTearsUnderChurn,
    TakesAnyLocation,
    TreeNamesAreCut,
    UnknownTreesAreEmpty,
    /// A writer reads the state with which the writer before it began.
    WriterReadsOneStateTooEarly,
}

const LIMITS: Limits = Limits {
    key_bytes: 4096,
    value_bytes: 4 << 20,
    transaction_bytes: 32 << 20,
};

/// The driver with one defect.
pub(crate) type Faulty = Hooked<Faults>;

#[derive(Debug)]
pub(crate) struct Faults {
    fault: Fault,
    driver: AnyDriver,
    manifest: Manifest,
}

impl Fault {
    /// The driver that has this defect, and is good otherwise.
    fn driver(self) -> AnyDriver {
        match self {
            Self::CommitsInPieces
            | Self::CursorEndsAtAnError
            | Self::EmptyCommitsAreSkipped
            | Self::FailedCommitsComeBack
            | Self::NeverSyncs
            | Self::ReadersLeaveTheirSnapshots
            | Self::ReadersWaitForCommits => AnyDriver::new(Redb),
            Self::EmptiesForeignFolders => AnyDriver::new(Sled),
            _ => AnyDriver::new(Memory),
        }
    }
}

/// The driver with this defect.
pub(crate) fn faulty(fault: Fault) -> Faulty {
    let driver = fault.driver();
    let mut manifest = driver.manifest().clone();
    manifest.name = Cow::Owned(format!("faulty-{fault:?}").to_lowercase());
    if manifest.engine == Memory.manifest().engine {
        manifest.limits = LIMITS;
    }
    match fault {
        Fault::ForgetsThoughPersistent => {
            manifest.capabilities = manifest.capabilities.with(Capabilities::PERSISTENT);
        }
        Fault::ListsAnAbsentOperation => {
            manifest.commands.to_mut().push(Cow::Borrowed("compact"));
        }
        _ => {}
    }
    Hooked(Faults {
        fault,
        driver,
        manifest,
    })
}

impl DriverHooks for Faults {
    type Database = FaultyDatabase;

    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn open(&self, config: &OpenConfig<'_>) -> Result<(AnyDatabase, FaultyDatabase)> {
        let mut config = *config;
        match self.fault {
            Fault::AcceptsUnknownOptions => config.options = &[],
            Fault::CreatesWhatMustExist => config.create_if_missing = true,
            Fault::ForgetsThoughPersistent | Fault::TakesAnyLocation => {
                config.location = Location::default()
            }
            Fault::IgnoresReadOnly => config.read_only = false,
            Fault::EmptiesForeignFolders if config.truncate => {
                let path = config.location.as_path()?;
                if path.is_dir() {
                    fs::remove_dir_all(path).unwrap();
                }
            }
            _ => {}
        }
        let path = match self.fault {
            Fault::FailedCommitsComeBack => config.location.as_path()?.to_owned(),
            _ => PathBuf::new(),
        };
        let state = State {
            fault: self.fault,
            closed: AtomicBool::new(false),
            writing: AtomicBool::new(false),
            poisoned: Mutex::new(()),
            ready: Mutex::default(),
            early: Mutex::default(),
            path,
            failed: Mutex::default(),
            committing: Mutex::new(()),
            left: Mutex::default(),
            written: AtomicU64::new(0),
        };
        let database = self.driver.open(&config)?;
        Ok((database, FaultyDatabase(Arc::new(state))))
    }
}

/// What the transactions of a database share.
struct State {
    fault: Fault,
    closed: AtomicBool,
    writing: AtomicBool,
    poisoned: Mutex<()>,
    ready: Mutex<HashMap<ThreadId, AnyReader>>,
    early: Mutex<Option<AnyReader>>,
    path: PathBuf,
    /// The changes of transactions whose commits failed.
    failed: Mutex<Vec<Change>>,
    /// Held while a commit is running.
    committing: Mutex<()>,
    /// Snapshots that readers left behind.
    left: Mutex<Vec<AnyReader>>,
    /// How many bytes were written since the database was opened.
    written: AtomicU64,
}

/// A change of a tree, by its name: what is stored under a key, or `None` for a removal.
type Change = (String, Vec<u8>, Option<Vec<u8>>);

/// Makes changes in one transaction.
fn make(database: &AnyDatabase, changes: &[Change]) -> Result<()> {
    let mut writer = database.begin_write()?;
    for (name, key, value) in changes {
        let tree = writer.tree(name)?;
        match value {
            Some(value) => drop(writer.put(tree, key, value, |_| ())?),
            None => drop(writer.remove(tree, key, |_| ())?),
        }
    }
    writer.commit(Durability::Immediate)
}

impl State {
    fn has(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    fn check(&self) -> Result<()> {
        if self.has(Fault::ClosesTransactionsWithTheStore) && self.closed.load(Ordering::Relaxed) {
            return Err(DriverError::new(ErrorKind::Closed, "the store is closed"));
        }
        Ok(())
    }

    fn stored_key<'k>(&self, key: &'k [u8]) -> Cow<'k, [u8]> {
        if self.has(Fault::OrdersBytesAsSigned) {
            Cow::Owned(signed(key))
        } else {
            Cow::Borrowed(key)
        }
    }
}

/// A mapping of keys under which byte order is that of signed bytes.
fn signed(key: &[u8]) -> Vec<u8> {
    key.iter().map(|byte| byte ^ 0x80).collect()
}

pub(crate) struct FaultyDatabase(Arc<State>);

impl Drop for FaultyDatabase {
    fn drop(&mut self) {
        self.0.closed.store(true, Ordering::Relaxed);
        let failed = self.0.failed.lock().unwrap();
        if !failed.is_empty() {
            // The database inside is closed by now.
            let database = AnyDriver::new(Redb).open(&OpenConfig::new(&self.0.path));
            make(&database.unwrap(), &failed).unwrap();
        }
    }
}

impl DatabaseHooks for FaultyDatabase {
    type Transaction = Transaction;

    fn begin_read(&self, inner: &Arc<AnyDatabase>) -> Result<(AnyReader, Transaction)> {
        let state = &self.0;
        if state.has(Fault::ReaderRefusedBesideAWriter) && state.writing.load(Ordering::SeqCst) {
            return Err(DriverError::new(ErrorKind::Conflict, "a writer is open"));
        }
        if state.has(Fault::ReadersWaitForCommits) {
            drop(state.committing.lock());
        }
        if state.has(Fault::ReadersLeaveTheirSnapshots) {
            state.left.lock().unwrap().push(inner.begin_read()?);
        }
        let mut snapshot = inner.begin_read()?;
        if state.has(Fault::KeepsASnapshotReady) {
            let next = inner.begin_read()?;
            let mut ready = state.ready.lock().unwrap();
            snapshot = ready
                .insert(thread::current().id(), next)
                .unwrap_or(snapshot);
        }
        Ok((snapshot, Transaction::reader(state, inner)))
    }

    fn begin_write(&self, inner: &Arc<AnyDatabase>) -> Result<(AnyWriter, Transaction)> {
        let state = &self.0;
        if state.has(Fault::PanicPoisonsTheStore) && state.poisoned.is_poisoned() {
            return Err(DriverError::new(ErrorKind::Internal, "poisoned"));
        }
        if state.writing.load(Ordering::SeqCst) {
            return Err(DriverError::new(
                ErrorKind::Internal,
                "core began a writer beside another one",
            ));
        }
        let writer = inner.begin_write()?;
        state.writing.store(true, Ordering::SeqCst);
        let mut before = inner.begin_read()?;
        if state.has(Fault::WriterReadsOneStateTooEarly) {
            let now = inner.begin_read()?;
            before = state.early.lock().unwrap().replace(now).unwrap_or(before);
        }
        Ok((writer, Transaction::writer(state, inner, before)))
    }

    fn command(
        &self,
        inner: &AnyDatabase,
        operation: &str,
        argument: &[u8],
        output: &mut dyn FnMut(&[u8]),
    ) -> Result<()> {
        if self.0.has(Fault::AnswersUnlistedOperations) && operation != "tree_names" {
            return Ok(());
        }
        inner.command(operation, argument, output)
    }

    fn commit_outcome(&self, inner: &AnyDatabase, token: &CommitToken) -> Result<CommitOutcome> {
        if self.0.has(Fault::KnowsEveryToken) {
            return Ok(CommitOutcome::NotCommitted);
        }
        inner.commit_outcome(token)
    }
}
