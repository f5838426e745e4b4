//! A driver that counts what is read from it, and fails when told to: the memory driver behind a probe.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use netabase_core::driver::{
    Bounds, Cursor, Database, Direction, Driver, DriverError, Durability, ErrorKind, Manifest,
    OpenConfig, Read, Result, TreeId, Write,
};
use netabase_core::memory::{Memory, MemoryCursor, MemoryDatabase, MemoryReader, MemoryWriter};

/// What was read, and what is to fail.
#[derive(Debug)]
pub(crate) struct Counts {
    gets: AtomicU64,
    steps: AtomicU64,
    steps_to_failure: AtomicU64,
}

impl Counts {
    /// The values and entries read since the last call.
    pub(crate) fn take(&self) -> u64 {
        self.gets.swap(0, Ordering::Relaxed) + self.steps.swap(0, Ordering::Relaxed)
    }

    /// Lets cursors go so many steps, all together, before each further one fails.
    pub(crate) fn fail_after(&self, steps: u64) {
        self.steps_to_failure.store(steps, Ordering::Relaxed);
    }
}

/// The memory driver behind a probe.
#[derive(Debug, Clone)]
pub(crate) struct Probed(pub(crate) Arc<Counts>);

impl Default for Probed {
    fn default() -> Self {
        Self(Arc::new(Counts {
            gets: AtomicU64::new(0),
            steps: AtomicU64::new(0),
            steps_to_failure: AtomicU64::new(u64::MAX),
        }))
    }
}

impl Driver for Probed {
    type Database = ProbedDatabase;

    fn manifest(&self) -> &Manifest {
        Memory.manifest()
    }

    fn open(&self, config: &OpenConfig<'_>) -> Result<ProbedDatabase> {
        Ok(ProbedDatabase {
            inner: Memory.open(config)?,
            counts: Arc::clone(&self.0),
        })
    }
}

pub(crate) struct ProbedDatabase {
    inner: MemoryDatabase,
    counts: Arc<Counts>,
}

impl Database for ProbedDatabase {
    type Reader = Transaction<MemoryReader>;
    type Writer = Transaction<MemoryWriter>;

    fn begin_read(&self) -> Result<Self::Reader> {
        Ok(Transaction {
            inner: self.inner.begin_read()?,
            counts: Arc::clone(&self.counts),
        })
    }

    fn begin_write(&self) -> Result<Self::Writer> {
        Ok(Transaction {
            inner: self.inner.begin_write()?,
            counts: Arc::clone(&self.counts),
        })
    }
}

pub(crate) struct Transaction<T> {
    inner: T,
    counts: Arc<Counts>,
}

impl<T: for<'t> Read<Cursor<'t> = MemoryCursor<'t>> + 'static> Read for Transaction<T> {
    type Cursor<'t> = ProbedCursor<'t>;

    fn tree(&self, name: &str) -> Result<TreeId> {
        self.inner.tree(name)
    }

    fn get<R>(
        &self,
        tree: TreeId,
        key: &[u8],
        visit: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        self.counts.gets.fetch_add(1, Ordering::Relaxed);
        self.inner.get(tree, key, visit)
    }

    fn cursor(
        &self,
        tree: TreeId,
        bounds: Bounds<'_>,
        direction: Direction,
    ) -> Result<ProbedCursor<'_>> {
        Ok(ProbedCursor {
            inner: self.inner.cursor(tree, bounds, direction)?,
            counts: &self.counts,
        })
    }

    fn len(&self, tree: TreeId) -> Result<u64> {
        self.inner.len(tree)
    }
}

impl Write for Transaction<MemoryWriter> {
    fn put<R>(
        &mut self,
        tree: TreeId,
        key: &[u8],
        value: &[u8],
        previous: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        self.inner.put(tree, key, value, previous)
    }

    fn remove<R>(
        &mut self,
        tree: TreeId,
        key: &[u8],
        previous: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        self.inner.remove(tree, key, previous)
    }

    fn clear(&mut self, tree: TreeId) -> Result<()> {
        self.inner.clear(tree)
    }

    fn commit(self, durability: Durability) -> Result<()> {
        self.inner.commit(durability)
    }
}

pub(crate) struct ProbedCursor<'t> {
    inner: MemoryCursor<'t>,
    counts: &'t Counts,
}

impl Cursor for ProbedCursor<'_> {
    fn advance(&mut self) -> Result<bool> {
        self.counts.steps.fetch_add(1, Ordering::Relaxed);
        let left = |steps: u64| match steps {
            u64::MAX => None,
            steps => steps.checked_sub(1),
        };
        let before =
            self.counts
                .steps_to_failure
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, left);
        if before == Err(0) {
            return Err(DriverError::new(ErrorKind::Io, "the disk is on fire"));
        }
        self.inner.advance()
    }

    fn key(&self) -> &[u8] {
        self.inner.key()
    }

    fn value(&self) -> &[u8] {
        self.inner.value()
    }

    fn seek(&mut self, key: &[u8]) -> Result<()> {
        self.inner.seek(key)
    }
}
