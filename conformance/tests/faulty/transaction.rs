//! The defects of transactions.

use std::cell::OnceCell;
use std::mem;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::thread;

use conformance_hooked::{Inner, TransactionHooks};
use netabase_core::driver::{
    AnyCursor, AnyDatabase, AnyReader, AnyWriter, Bounds, Cursor, Database, Direction, DriverError,
    Durability, EntryWidths, ErrorKind, Read, Result, TreeId, Write, WriteBatch, WriteBatchBuilder,
    WriteOp,
};

use super::cursor::FaultyCursor;
use super::{Change, Fault, LIMITS, State, make};

/// A transaction of a faulty driver.
pub(crate) struct Transaction {
    state: Arc<State>,
    database: Arc<AnyDatabase>,
    kind: Kind,
    /// The trees that were asked for.
    names: Mutex<Vec<(String, TreeId)>>,
    /// What was changed, in order, but for what [`apply`](TransactionHooks::apply) and clear changed.
    changes: Vec<Change>,
    /// Whether anything was changed.
    is_changed: bool,
    /// How much had been written when it began.
    written: u64,
}

enum Kind {
    /// For the defects that read another state than the transaction's: the reader begun when something was first read.
    Reader(OnceCell<AnyReader>),
    /// The state before the transaction.
    Writer(AnyReader),
}

impl Transaction {
    pub(super) fn reader(state: &Arc<State>, database: &Arc<AnyDatabase>) -> Self {
        Self::new(state, database, Kind::Reader(OnceCell::new()))
    }

    pub(super) fn writer(
        state: &Arc<State>,
        database: &Arc<AnyDatabase>,
        before: AnyReader,
    ) -> Self {
        Self::new(state, database, Kind::Writer(before))
    }

    fn new(state: &Arc<State>, database: &Arc<AnyDatabase>, kind: Kind) -> Self {
        Self {
            state: Arc::clone(state),
            database: Arc::clone(database),
            kind,
            names: Mutex::default(),
            changes: Vec::new(),
            is_changed: false,
            written: state.written.load(Ordering::SeqCst),
        }
    }

    fn name(&self, tree: TreeId) -> Result<String> {
        let names = self.names.lock().unwrap();
        let name = names.iter().find(|(_, id)| *id == tree);
        let (name, _) = name.ok_or_else(|| tree.unknown())?;
        Ok(name.clone())
    }

    /// The reader that a reader with a late snapshot reads with.
    fn late(&self) -> Result<Option<&AnyReader>> {
        let Kind::Reader(reader) = &self.kind else {
            return Ok(None);
        };
        if !self.state.has(Fault::SnapshotIsTakenLate) {
            return Ok(None);
        }
        if reader.get().is_none() {
            let _ = reader.set(self.database.begin_read()?);
        }
        Ok(reader.get())
    }

    /// The reader that a reader whose snapshot is lost reads with, and the tree in it.
    fn torn(&self, tree: TreeId) -> Result<Option<(&AnyReader, TreeId)>> {
        const BUFFER: u64 = 16 << 20;
        let written = self.state.written.load(Ordering::SeqCst) - self.written;
        let Kind::Reader(reader) = &self.kind else {
            return Ok(None);
        };
        if !self.state.has(Fault::SnapshotTearsUnderChurn) || written <= BUFFER {
            return Ok(None);
        }
        if reader.get().is_none() {
            let _ = reader.set(self.database.begin_read()?);
        }
        let Some(reader) = reader.get() else {
            return Ok(None);
        };
        Ok(Some((reader, reader.tree(&self.name(tree)?)?)))
    }

    /// A new reader and the tree in it, for the defect that reads the latest state.
    fn latest(&self, tree: TreeId) -> Result<Option<(AnyReader, TreeId)>> {
        match &self.kind {
            Kind::Reader(_) if self.state.has(Fault::ReadsTheLatestState) => {
                let reader = self.database.begin_read()?;
                let tree = reader.tree(&self.name(tree)?)?;
                Ok(Some((reader, tree)))
            }
            _ => Ok(None),
        }
    }

    /// The state before this writer and the tree in it, for defects that read from it.
    fn before(&self, tree: TreeId, faults: &[Fault]) -> Result<Option<(&AnyReader, TreeId)>> {
        match &self.kind {
            Kind::Writer(before) if faults.contains(&self.state.fault) => {
                Ok(Some((before, before.tree(&self.name(tree)?)?)))
            }
            _ => Ok(None),
        }
    }

    fn get_in<R>(
        &self,
        reader: &impl Inner,
        tree: TreeId,
        key: &[u8],
        visit: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        let mut visit = Some(visit);
        let found = reader.get(tree, &self.state.stored_key(key), |value| {
            let visit = visit.take()?;
            match self.state.fault {
                Fault::EmptyValuesAreAbsent if value.is_empty() => None,
                Fault::CopiesSmallValues if value.len() >= 64 => Some(visit(value)),
                Fault::CopiesValues | Fault::CopiesSmallValues => {
                    let copy = value.to_vec();
                    Some(visit(&copy))
                }
                _ => Some(visit(value)),
            }
        });
        match found {
            Err(_) if self.state.has(Fault::UnknownTreesAreEmpty) => Ok(None),
            found => Ok(found?.flatten()),
        }
    }
}

impl TransactionHooks for Transaction {
    type Cursor<'t> = FaultyCursor<'t>;

    fn tree(&self, inner: &impl Inner, name: &str, widths: EntryWidths) -> Result<TreeId> {
        self.state.check()?;
        let name = match name.char_indices().nth(1) {
            Some((end, _)) if self.state.has(Fault::TreeNamesAreCut) => &name[..end],
            _ => name,
        };
        let id = match self.late()? {
            Some(late) => late.sized_tree(name, widths)?,
            None => inner.sized_tree(name, widths)?,
        };
        self.names.lock().unwrap().push((name.to_owned(), id));
        Ok(id)
    }

    fn get<R>(
        &self,
        inner: &impl Inner,
        tree: TreeId,
        key: &[u8],
        visit: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        self.state.check()?;
        if let Some((reader, tree)) = self.latest(tree)? {
            return reader.get(tree, key, visit);
        }
        let early = [
            Fault::GetMissesOwnWrites,
            Fault::WriterReadsOneStateTooEarly,
        ];
        if let Some((before, tree)) = self.before(tree, &early)? {
            return before.get(tree, key, visit);
        }
        if let Some((reader, tree)) = self.torn(tree)? {
            return reader.get(tree, key, visit);
        }
        match self.late()? {
            Some(late) => self.get_in(late, tree, key, visit),
            None => self.get_in(inner, tree, key, visit),
        }
    }

    fn cursor<'t>(
        &'t self,
        inner: &'t impl Inner,
        tree: TreeId,
        bounds: Bounds<'_>,
        direction: Direction,
    ) -> Result<(AnyCursor<'t>, FaultyCursor<'t>)> {
        self.state.check()?;
        let early = [
            Fault::CursorMissesOwnWrites,
            Fault::WriterReadsOneStateTooEarly,
        ];
        if let Some((before, tree)) = self.before(tree, &early)? {
            return FaultyCursor::open(&self.state, before, tree, bounds, direction);
        }
        if let Some((reader, tree)) = self.torn(tree)? {
            return FaultyCursor::open(&self.state, reader, tree, bounds, direction);
        }
        match self.late()? {
            Some(late) => FaultyCursor::open(&self.state, late, tree, bounds, direction),
            None => FaultyCursor::open(&self.state, inner, tree, bounds, direction),
        }
    }

    fn len(&self, inner: &impl Inner, tree: TreeId) -> Result<u64> {
        self.state.check()?;
        if let Some((before, tree)) = self.before(tree, &[Fault::LenMissesOwnWrites])? {
            return before.len(tree);
        }
        match self.late()? {
            Some(late) => late.len(tree),
            None => inner.len(tree),
        }
    }

    fn put<R>(
        &mut self,
        inner: &mut AnyWriter,
        tree: TreeId,
        key: &[u8],
        value: &[u8],
        previous: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        self.state.check()?;
        let state = &self.state;
        let limit = LIMITS.key_bytes as usize;
        if state.has(Fault::LimitIsOneTooHigh) && key.len() >= limit {
            return Err(DriverError::new(ErrorKind::LimitExceeded, "too long"));
        }
        let value = match state.fault {
            Fault::LongValuesAreCut => &value[..value.len().min(1 << 20)],
            _ => value,
        };
        self.is_changed = true;
        state
            .written
            .fetch_add(value.len() as u64, Ordering::SeqCst);
        if matches!(
            state.fault,
            Fault::CommitsInPieces | Fault::FailedCommitsComeBack
        ) {
            let name = self.name(tree)?;
            self.changes
                .push((name, key.to_vec(), Some(value.to_vec())));
        }
        let state = &self.state;
        let guard = state.has(Fault::PanicPoisonsTheStore);
        let guard = guard.then(|| state.poisoned.lock().unwrap());
        let previous = inner.put(tree, &state.stored_key(key), value, previous)?;
        drop(guard);
        Ok(previous.filter(|_| !state.has(Fault::PutForgetsThePrevious)))
    }

    fn remove<R>(
        &mut self,
        inner: &mut AnyWriter,
        tree: TreeId,
        key: &[u8],
        previous: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        self.state.check()?;
        let previous = inner.remove(tree, &self.state.stored_key(key), previous)?;
        self.is_changed |= previous.is_some();
        if self.state.has(Fault::CommitsInPieces) {
            self.changes.push((self.name(tree)?, key.to_vec(), None));
        }
        Ok(previous.filter(|_| !self.state.has(Fault::RemoveForgetsThePrevious)))
    }

    fn clear(&mut self, inner: &mut AnyWriter, tree: TreeId) -> Result<()> {
        self.state.check()?;
        if self.state.has(Fault::ClearKeepsEntries) {
            return inner.len(tree).map(drop);
        }
        self.is_changed = true;
        inner.clear(tree)
    }

    fn apply(&mut self, inner: &mut AnyWriter, batch: &WriteBatch<'_>) -> Result<()> {
        self.state.check()?;
        self.is_changed = true;
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
        inner.apply(&list.as_batch())
    }

    fn commit(self, mut inner: AnyWriter, durability: Durability) -> Result<()> {
        self.state.check()?;
        if let Kind::Writer(before) = &self.kind
            && self.state.has(Fault::CommitKeepsTheFirstTreeOnly)
        {
            let names = self.names.lock().unwrap();
            for (name, tree) in names.iter().filter(|(_, tree)| tree.0 > 0) {
                inner.clear(*tree)?;
                let mut cursor =
                    before.cursor(before.tree(name)?, Bounds::ALL, Direction::Forward)?;
                while cursor.advance()? {
                    inner.put(*tree, cursor.key(), cursor.value(), |_| ())?;
                }
            }
        }
        self.state.writing.store(false, Ordering::SeqCst);
        let mut ready = self.state.ready.lock().unwrap();
        ready.remove(&thread::current().id());
        drop(ready);
        match self.state.fault {
            Fault::CommitsInPieces if !self.changes.is_empty() => {
                drop(inner);
                let mut pieces = self.changes.chunks(64);
                pieces.try_for_each(|piece| make(&self.database, piece))
            }
            Fault::EmptyCommitsAreSkipped if !self.is_changed => Ok(()),
            Fault::FailedCommitsComeBack => inner.commit(durability).inspect_err(|_| {
                self.state.failed.lock().unwrap().extend(self.changes);
            }),
            Fault::LeaksAKibibyteACommit => {
                mem::forget(vec![1_u8; 1024]);
                inner.commit(durability)
            }
            Fault::NeverSyncs => inner.commit(Durability::None),
            Fault::ReadersWaitForCommits => {
                let _committing = self.state.committing.lock();
                inner.commit(durability)
            }
            _ => inner.commit(durability),
        }
    }

    fn roll_back(&mut self, inner: AnyWriter) {
        self.state.writing.store(false, Ordering::SeqCst);
        if self.state.has(Fault::CommitsOnDrop) {
            inner.commit(Durability::None).unwrap();
        }
    }
}
