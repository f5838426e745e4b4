//! A driver with one defect: the memory driver behind hooks, with what it does wrong chosen when it is made.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cursor;
mod transaction;

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};

use conformance_hooked::{DatabaseHooks, DriverHooks, Hooked};
use netabase_core::driver::{
    AnyDatabase, AnyDriver, AnyReader, AnyWriter, Capabilities, CommitOutcome, CommitToken,
    Database, Driver, DriverError, ErrorKind, Limits, Location, Manifest, OpenConfig, Result,
};
use netabase_core::memory::Memory;

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
    CommitsOnDrop,
    CopiesValues,
    CreatesWhatMustExist,
    CursorEndsEarly,
    CursorKeepsItsLastEntry,
    CursorMissesOwnWrites,
    CursorStartsAgain,
    EmptyValuesAreAbsent,
    ExcludedLowerIsIncluded,
    ExcludedUpperIsIncluded,
    ForgetsThoughPersistent,
    GetMissesOwnWrites,
    IgnoresReadOnly,
    IncludedUpperIsExcluded,
    /// A thread that reads again gets a snapshot that was taken the last time, unless it has written meanwhile.
    KeepsASnapshotReady,
    KnowsEveryToken,
    LenMissesOwnWrites,
    LimitIsOneTooHigh,
    ListsAnAbsentOperation,
    LongValuesAreCut,
    OrdersBytesAsSigned,
    PanicPoisonsTheStore,
    PutForgetsThePrevious,
    ReaderRefusedBesideAWriter,
    ReadsTheLatestState,
    RemoveForgetsThePrevious,
    SeekIgnoresBounds,
    SeekSkipsTheKeyItself,
    SnapshotIsTakenLate,
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
    manifest: Manifest,
}

/// The driver with this defect.
pub(crate) fn faulty(fault: Fault) -> Faulty {
    let mut manifest = Manifest {
        name: Cow::Borrowed("faulty"),
        limits: LIMITS,
        ..Memory.manifest().clone()
    };
    match fault {
        Fault::ForgetsThoughPersistent => {
            manifest.capabilities = manifest.capabilities.with(Capabilities::PERSISTENT);
        }
        Fault::ListsAnAbsentOperation => {
            manifest.commands.to_mut().push(Cow::Borrowed("compact"));
        }
        _ => {}
    }
    Hooked(Faults { fault, manifest })
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
            _ => {}
        }
        let state = State {
            fault: self.fault,
            closed: AtomicBool::new(false),
            writing: AtomicBool::new(false),
            poisoned: Mutex::new(()),
            ready: Mutex::default(),
            early: Mutex::default(),
        };
        let database = AnyDriver::new(Memory).open(&config)?;
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
    }
}

impl DatabaseHooks for FaultyDatabase {
    type Transaction = Transaction;

    fn begin_read(&self, inner: &Arc<AnyDatabase>) -> Result<(AnyReader, Transaction)> {
        let state = &self.0;
        if state.has(Fault::ReaderRefusedBesideAWriter) && state.writing.load(Ordering::SeqCst) {
            return Err(DriverError::new(ErrorKind::Conflict, "a writer is open"));
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
        Ok((writer, Transaction::writer(state, before)))
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
