//! The defects of transactions.

use std::cell::OnceCell;
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
use super::{Fault, LIMITS, State};

/// A transaction of a faulty driver.
pub(crate) struct Transaction {
    state: Arc<State>,
    kind: Kind,
    /// The trees that were asked for.
    names: Mutex<Vec<(String, TreeId)>>,
}

enum Kind {
    /// For the defects that read another state than the transaction's: the database, and the reader begun when something
    /// was first read.
    Reader(Arc<AnyDatabase>, OnceCell<AnyReader>),
    /// The state before the transaction.
    Writer(AnyReader),
}

impl Transaction {
    pub(super) fn reader(state: &Arc<State>, database: &Arc<AnyDatabase>) -> Self {
        Self::new(state, Kind::Reader(Arc::clone(database), OnceCell::new()))
    }

    pub(super) fn writer(state: &Arc<State>, before: AnyReader) -> Self {
        Self::new(state, Kind::Writer(before))
    }

    fn new(state: &Arc<State>, kind: Kind) -> Self {
        Self {
            state: Arc::clone(state),
            kind,
            names: Mutex::default(),
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
        let Kind::Reader(database, reader) = &self.kind else {
            return Ok(None);
        };
        if !self.state.has(Fault::SnapshotIsTakenLate) {
            return Ok(None);
        }
        if reader.get().is_none() {
            let _ = reader.set(database.begin_read()?);
        }
        Ok(reader.get())
    }

    /// A new reader and the tree in it, for the defect that reads the latest state.
    fn latest(&self, tree: TreeId) -> Result<Option<(AnyReader, TreeId)>> {
        match &self.kind {
            Kind::Reader(database, _) if self.state.has(Fault::ReadsTheLatestState) => {
                let reader = database.begin_read()?;
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
                Fault::CopiesValues => {
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
        Ok(previous.filter(|_| !self.state.has(Fault::RemoveForgetsThePrevious)))
    }

    fn clear(&mut self, inner: &mut AnyWriter, tree: TreeId) -> Result<()> {
        self.state.check()?;
        if self.state.has(Fault::ClearKeepsEntries) {
            return inner.len(tree).map(drop);
        }
        inner.clear(tree)
    }

    fn apply(&mut self, inner: &mut AnyWriter, batch: &WriteBatch<'_>) -> Result<()> {
        self.state.check()?;
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
        inner.commit(durability)
    }

    fn roll_back(&mut self, inner: AnyWriter) {
        self.state.writing.store(false, Ordering::SeqCst);
        if self.state.has(Fault::CommitsOnDrop) {
            inner.commit(Durability::None).unwrap();
        }
    }
}
