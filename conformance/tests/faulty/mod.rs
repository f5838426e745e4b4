//! A driver with one defect: the memory driver, with what it does wrong chosen when it is made.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::HashMap;
use std::ops::Bound::{Excluded, Included};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};

use netabase_core::driver::{
    Bounds, Capabilities, CommitOutcome, CommitToken, Cursor, Database, Direction, Driver,
    DriverError, Durability, ErrorKind, Limits, Location, Manifest, OpenConfig, Read, Result,
    TreeId, Write, WriteBatch, WriteBatchBuilder, WriteOp,
};
use netabase_core::memory::{Memory, MemoryCursor, MemoryDatabase, MemoryReader, MemoryWriter};

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
#[derive(Debug)]
pub(crate) struct Faulty {
    fault: Fault,
    manifest: Manifest,
}

impl Faulty {
    pub(crate) fn new(fault: Fault) -> Self {
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
        Self { fault, manifest }
    }
}

impl Driver for Faulty {
    type Database = FaultyDatabase;

    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn open(&self, config: &OpenConfig<'_>) -> Result<FaultyDatabase> {
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
        Ok(FaultyDatabase(Arc::new(State {
            fault: self.fault,
            memory: Memory.open(&config)?,
            closed: AtomicBool::new(false),
            writing: AtomicBool::new(false),
            poisoned: Mutex::new(()),
            ready: Mutex::default(),
            early: Mutex::default(),
        })))
    }
}

struct State {
    fault: Fault,
    memory: MemoryDatabase,
    closed: AtomicBool,
    writing: AtomicBool,
    poisoned: Mutex<()>,
    ready: Mutex<HashMap<ThreadId, MemoryReader>>,
    early: Mutex<Option<MemoryReader>>,
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

    fn tree_name<'n>(&self, name: &'n str) -> &'n str {
        match name.char_indices().nth(1) {
            Some((end, _)) if self.has(Fault::TreeNamesAreCut) => &name[..end],
            _ => name,
        }
    }

    fn stored_key<'k>(&self, key: &'k [u8]) -> Cow<'k, [u8]> {
        if self.has(Fault::OrdersBytesAsSigned) {
            Cow::Owned(signed(key))
        } else {
            Cow::Borrowed(key)
        }
    }

    fn get<T>(
        &self,
        reader: &impl Read,
        tree: TreeId,
        key: &[u8],
        visit: impl FnOnce(&[u8]) -> T,
    ) -> Result<Option<T>> {
        self.check()?;
        let mut visit = Some(visit);
        let found = reader.get(tree, &self.stored_key(key), |value| {
            let visit = visit.take()?;
            match self.fault {
                Fault::EmptyValuesAreAbsent if value.is_empty() => None,
                Fault::CopiesValues => {
                    let copy = value.to_vec();
                    Some(visit(&copy))
                }
                _ => Some(visit(value)),
            }
        });
        match found {
            Err(_) if self.has(Fault::UnknownTreesAreEmpty) => Ok(None),
            found => Ok(found?.flatten()),
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

impl Database for FaultyDatabase {
    type Reader = FaultyReader;
    type Writer = FaultyWriter;

    fn begin_read(&self) -> Result<FaultyReader> {
        let state = &self.0;
        if state.has(Fault::ReaderRefusedBesideAWriter) && state.writing.load(Ordering::SeqCst) {
            return Err(DriverError::new(ErrorKind::Conflict, "a writer is open"));
        }
        let reader = OnceCell::new();
        if !state.has(Fault::SnapshotIsTakenLate) {
            let mut snapshot = state.memory.begin_read()?;
            if state.has(Fault::KeepsASnapshotReady) {
                let next = state.memory.begin_read()?;
                let mut ready = state.ready.lock().unwrap();
                snapshot = ready
                    .insert(thread::current().id(), next)
                    .unwrap_or(snapshot);
            }
            let _ = reader.set(snapshot);
        }
        Ok(FaultyReader {
            state: Arc::clone(state),
            reader,
            names: Mutex::default(),
        })
    }

    fn begin_write(&self) -> Result<FaultyWriter> {
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
        let writer = state.memory.begin_write()?;
        state.writing.store(true, Ordering::SeqCst);
        let mut before = state.memory.begin_read()?;
        if state.has(Fault::WriterReadsOneStateTooEarly) {
            let now = state.memory.begin_read()?;
            before = state.early.lock().unwrap().replace(now).unwrap_or(before);
        }
        Ok(FaultyWriter {
            before,
            state: Arc::clone(state),
            writer: Some(writer),
            names: Mutex::default(),
        })
    }

    fn command(
        &self,
        operation: &str,
        argument: &[u8],
        output: &mut dyn FnMut(&[u8]),
    ) -> Result<()> {
        if self.0.has(Fault::AnswersUnlistedOperations) && operation != "tree_names" {
            return Ok(());
        }
        self.0.memory.command(operation, argument, output)
    }

    fn commit_outcome(&self, token: &CommitToken) -> Result<CommitOutcome> {
        if self.0.has(Fault::KnowsEveryToken) {
            return Ok(CommitOutcome::NotCommitted);
        }
        self.0.memory.commit_outcome(token)
    }
}

type Names = Mutex<Vec<(String, TreeId)>>;

pub(crate) struct FaultyReader {
    state: Arc<State>,
    reader: OnceCell<MemoryReader>,
    names: Names,
}

impl FaultyReader {
    fn reader(&self) -> Result<&MemoryReader> {
        self.state.check()?;
        if self.reader.get().is_none() {
            let _ = self.reader.set(self.state.memory.begin_read()?);
        }
        self.reader
            .get()
            .ok_or_else(|| DriverError::new(ErrorKind::Internal, "the reader was just set"))
    }

    /// A new reader and the tree in it, for the fault that reads the latest state.
    fn latest(&self, tree: TreeId) -> Result<(MemoryReader, TreeId)> {
        let reader = self.state.memory.begin_read()?;
        let names = self.names.lock().unwrap();
        let name = names.iter().find(|(_, id)| *id == tree);
        let (name, _) = name.ok_or_else(|| tree.unknown())?;
        let tree = reader.tree(name)?;
        Ok((reader, tree))
    }
}

impl Read for FaultyReader {
    type Cursor<'t> = FaultyCursor<'t>;

    fn tree(&self, name: &str) -> Result<TreeId> {
        let name = self.state.tree_name(name);
        let id = self.reader()?.tree(name)?;
        self.names.lock().unwrap().push((name.to_owned(), id));
        Ok(id)
    }

    fn get<R>(
        &self,
        tree: TreeId,
        key: &[u8],
        visit: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        if self.state.has(Fault::ReadsTheLatestState) {
            let (reader, tree) = self.latest(tree)?;
            return reader.get(tree, key, visit);
        }
        self.state.get(self.reader()?, tree, key, visit)
    }

    fn cursor(
        &self,
        tree: TreeId,
        bounds: Bounds<'_>,
        direction: Direction,
    ) -> Result<FaultyCursor<'_>> {
        FaultyCursor::open(&self.state, self.reader()?, tree, bounds, direction)
    }

    fn len(&self, tree: TreeId) -> Result<u64> {
        self.reader()?.len(tree)
    }
}

pub(crate) struct FaultyWriter {
    state: Arc<State>,
    before: MemoryReader,
    writer: Option<MemoryWriter>,
    names: Names,
}

impl FaultyWriter {
    fn reader(&self) -> Result<&MemoryWriter> {
        self.state.check()?;
        self.writer.as_ref().ok_or_else(ended)
    }

    fn writer(&mut self) -> Result<&mut MemoryWriter> {
        self.state.check()?;
        self.writer.as_mut().ok_or_else(ended)
    }

    /// The tree as it was before the transaction.
    fn before(&self, tree: TreeId) -> Result<TreeId> {
        let names = self.names.lock().unwrap();
        let name = names.iter().find(|(_, id)| *id == tree);
        let (name, _) = name.ok_or_else(|| tree.unknown())?;
        self.before.tree(name)
    }
}

fn ended() -> DriverError {
    DriverError::new(ErrorKind::Closed, "the transaction has ended")
}

impl Drop for FaultyWriter {
    fn drop(&mut self) {
        self.state.writing.store(false, Ordering::SeqCst);
        if let Some(writer) = self.writer.take()
            && self.state.has(Fault::CommitsOnDrop)
        {
            writer.commit(Durability::None).unwrap();
        }
    }
}

impl Read for FaultyWriter {
    type Cursor<'t> = FaultyCursor<'t>;

    fn tree(&self, name: &str) -> Result<TreeId> {
        let name = self.state.tree_name(name);
        let id = self.reader()?.tree(name)?;
        self.names.lock().unwrap().push((name.to_owned(), id));
        Ok(id)
    }

    fn get<R>(
        &self,
        tree: TreeId,
        key: &[u8],
        visit: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        if matches!(
            self.state.fault,
            Fault::GetMissesOwnWrites | Fault::WriterReadsOneStateTooEarly
        ) {
            return self.before.get(self.before(tree)?, key, visit);
        }
        self.state.get(self.reader()?, tree, key, visit)
    }

    fn cursor(
        &self,
        tree: TreeId,
        bounds: Bounds<'_>,
        direction: Direction,
    ) -> Result<FaultyCursor<'_>> {
        if matches!(
            self.state.fault,
            Fault::CursorMissesOwnWrites | Fault::WriterReadsOneStateTooEarly
        ) {
            let tree = self.before(tree)?;
            return FaultyCursor::open(&self.state, &self.before, tree, bounds, direction);
        }
        FaultyCursor::open(&self.state, self.reader()?, tree, bounds, direction)
    }

    fn len(&self, tree: TreeId) -> Result<u64> {
        if self.state.has(Fault::LenMissesOwnWrites) {
            return self.before.len(self.before(tree)?);
        }
        self.reader()?.len(tree)
    }
}

impl Write for FaultyWriter {
    fn put<R>(
        &mut self,
        tree: TreeId,
        key: &[u8],
        value: &[u8],
        previous: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        let state = Arc::clone(&self.state);
        let limit = LIMITS.key_bytes as usize;
        if state.has(Fault::LimitIsOneTooHigh) && key.len() >= limit {
            return Err(DriverError::new(ErrorKind::LimitExceeded, "too long"));
        }
        let value = match state.fault {
            Fault::LongValuesAreCut => &value[..value.len().min(1 << 20)],
            _ => value,
        };
        let guard = state.has(Fault::PanicPoisonsTheStore);
        let guard = guard.then(|| state.poisoned.lock().unwrap());
        let previous = self
            .writer()?
            .put(tree, &state.stored_key(key), value, previous)?;
        drop(guard);
        Ok(previous.filter(|_| !state.has(Fault::PutForgetsThePrevious)))
    }

    fn remove<R>(
        &mut self,
        tree: TreeId,
        key: &[u8],
        previous: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        let state = Arc::clone(&self.state);
        let previous = self
            .writer()?
            .remove(tree, &state.stored_key(key), previous)?;
        Ok(previous.filter(|_| !state.has(Fault::RemoveForgetsThePrevious)))
    }

    fn clear(&mut self, tree: TreeId) -> Result<()> {
        if self.state.has(Fault::ClearKeepsEntries) {
            return self.writer()?.len(tree).map(drop);
        }
        self.writer()?.clear(tree)
    }

    fn apply(&mut self, batch: &WriteBatch<'_>) -> Result<()> {
        let all: Vec<_> = batch.iter().collect();
        let order: Vec<_> = match self.state.fault {
            Fault::AppliesHalfAList => all[..all.len() / 2].to_vec(),
            Fault::AppliesClearsFirst => {
                let is_clear = |operation: &&_| matches!(operation, WriteOp::Clear { .. });
                let clears = all.iter().filter(is_clear);
                let others = all.iter().filter(|operation| !is_clear(operation));
                clears.chain(others).copied().collect()
            }
            _ => all,
        };
        let mut list = WriteBatchBuilder::new();
        for operation in order {
            match operation {
                WriteOp::Put { tree, key, value } => {
                    list.put(tree, &self.state.stored_key(key), value)?
                }
                WriteOp::Remove { tree, key } => list.remove(tree, &self.state.stored_key(key))?,
                WriteOp::Clear { tree } => list.clear(tree),
            };
        }
        self.writer()?.apply(&list.as_batch())
    }

    fn commit(mut self, durability: Durability) -> Result<()> {
        self.state.check()?;
        let mut writer = self.writer.take().ok_or_else(ended)?;
        if self.state.has(Fault::CommitKeepsTheFirstTreeOnly) {
            let names = self.names.lock().unwrap();
            for (name, tree) in names.iter().filter(|(_, tree)| tree.0 > 0) {
                writer.clear(*tree)?;
                let before = self.before.tree(name)?;
                let mut cursor = self
                    .before
                    .cursor(before, Bounds::ALL, Direction::Forward)?;
                while cursor.advance()? {
                    writer.put(*tree, cursor.key(), cursor.value(), |_| ())?;
                }
            }
        }
        self.state.writing.store(false, Ordering::SeqCst);
        let mut ready = self.state.ready.lock().unwrap();
        ready.remove(&thread::current().id());
        drop(ready);
        writer.commit(durability)
    }
}

pub(crate) struct FaultyCursor<'t> {
    fault: Fault,
    cursor: MemoryCursor<'t>,
    reopen: Box<dyn Fn() -> Result<MemoryCursor<'t>> + 't>,
    /// A cursor without bounds, for the fault that seeks beyond them.
    boundless: MemoryCursor<'t>,
    steps: usize,
    ended: bool,
    key: Vec<u8>,
    value: Vec<u8>,
}

impl<'t> FaultyCursor<'t> {
    fn open<R: Read<Cursor<'t> = MemoryCursor<'t>>>(
        state: &State,
        reader: &'t R,
        tree: TreeId,
        bounds: Bounds<'_>,
        direction: Direction,
    ) -> Result<Self> {
        let Bounds {
            mut lower,
            mut upper,
        } = bounds;
        match (state.fault, lower, upper) {
            (Fault::ExcludedLowerIsIncluded, Excluded(key), _) => lower = Included(key),
            (Fault::ExcludedUpperIsIncluded, _, Excluded(key)) => upper = Included(key),
            (Fault::IncludedUpperIsExcluded, _, Included(key)) => upper = Excluded(key),
            _ => {}
        }
        let lower = lower.map(|key| state.stored_key(key).into_owned());
        let upper = upper.map(|key| state.stored_key(key).into_owned());
        let reopen = move || {
            let bounds = Bounds {
                lower: lower.as_ref().map(Vec::as_slice),
                upper: upper.as_ref().map(Vec::as_slice),
            };
            reader.cursor(tree, bounds, direction)
        };
        Ok(Self {
            fault: state.fault,
            cursor: reopen()?,
            reopen: Box::new(reopen),
            boundless: reader.cursor(tree, Bounds::ALL, direction)?,
            steps: 0,
            ended: false,
            key: Vec::new(),
            value: Vec::new(),
        })
    }
}

impl Cursor for FaultyCursor<'_> {
    fn advance(&mut self) -> Result<bool> {
        self.steps += 1;
        if self.fault == Fault::CursorStartsAgain && self.ended {
            self.cursor = (self.reopen)()?;
        }
        let early = self.fault == Fault::CursorEndsEarly && self.steps > 1_000;
        let found = !early && self.cursor.advance()?;
        self.ended = !found;
        if found || self.fault != Fault::CursorKeepsItsLastEntry {
            let (key, value) = match early {
                true => (&b""[..], &b""[..]),
                false => (self.cursor.key(), self.cursor.value()),
            };
            self.key = match self.fault {
                Fault::OrdersBytesAsSigned => signed(key),
                _ => key.to_vec(),
            };
            self.value = value.to_vec();
        }
        Ok(found)
    }

    fn key(&self) -> &[u8] {
        &self.key
    }

    fn value(&self) -> &[u8] {
        &self.value
    }

    fn seek(&mut self, key: &[u8]) -> Result<()> {
        self.ended = false;
        if self.fault == Fault::SeekIgnoresBounds {
            std::mem::swap(&mut self.cursor, &mut self.boundless);
            return self.cursor.seek(key);
        }
        if self.fault == Fault::OrdersBytesAsSigned {
            return self.cursor.seek(&signed(key));
        }
        self.cursor.seek(key)?;
        if self.fault == Fault::SeekSkipsTheKeyItself {
            self.cursor.advance()?;
            if self.cursor.key() != key {
                self.cursor.seek(key)?;
            }
        }
        Ok(())
    }
}
