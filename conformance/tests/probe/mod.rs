//! A driver that counts what is read from it, and fails when told to: the memory driver behind a probe.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use conformance_hooked::{
    CursorHooks, DatabaseHooks, DriverHooks, Hooked, Inner, TransactionHooks,
};
use netabase_core::driver::{
    AnyCursor, AnyDatabase, AnyDriver, AnyReader, AnyWriter, Bounds, Cursor, Database, Direction,
    Driver, DriverError, ErrorKind, Manifest, OpenConfig, Result, TreeId,
};
use netabase_core::memory::Memory;

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
pub(crate) type Probed = Hooked<Probe>;

#[derive(Debug, Clone)]
pub(crate) struct Probe(Arc<Counts>);

/// A driver behind a probe, and what the probe counts.
pub(crate) fn probed() -> (Probed, Arc<Counts>) {
    let counts = Arc::new(Counts {
        gets: AtomicU64::new(0),
        steps: AtomicU64::new(0),
        steps_to_failure: AtomicU64::new(u64::MAX),
    });
    (Hooked(Probe(Arc::clone(&counts))), counts)
}

impl DriverHooks for Probe {
    type Database = Self;

    fn manifest(&self) -> &Manifest {
        Memory.manifest()
    }

    fn open(&self, config: &OpenConfig<'_>) -> Result<(AnyDatabase, Self)> {
        Ok((AnyDriver::new(Memory).open(config)?, self.clone()))
    }
}

impl DatabaseHooks for Probe {
    type Transaction = Self;

    fn begin_read(&self, inner: &Arc<AnyDatabase>) -> Result<(AnyReader, Self)> {
        Ok((inner.begin_read()?, self.clone()))
    }

    fn begin_write(&self, inner: &Arc<AnyDatabase>) -> Result<(AnyWriter, Self)> {
        Ok((inner.begin_write()?, self.clone()))
    }
}

impl TransactionHooks for Probe {
    type Cursor<'t> = &'t Counts;

    fn get<R>(
        &self,
        inner: &impl Inner,
        tree: TreeId,
        key: &[u8],
        visit: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        self.0.gets.fetch_add(1, Ordering::Relaxed);
        inner.get(tree, key, visit)
    }

    fn cursor<'t>(
        &'t self,
        inner: &'t impl Inner,
        tree: TreeId,
        bounds: Bounds<'_>,
        direction: Direction,
    ) -> Result<(AnyCursor<'t>, &'t Counts)> {
        Ok((inner.cursor(tree, bounds, direction)?, &self.0))
    }
}

impl<'t> CursorHooks<'t> for &'t Counts {
    fn advance(&mut self, inner: &mut AnyCursor<'t>) -> Result<bool> {
        self.steps.fetch_add(1, Ordering::Relaxed);
        let left = |steps: u64| match steps {
            u64::MAX => None,
            steps => steps.checked_sub(1),
        };
        let before = self
            .steps_to_failure
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, left);
        if before == Err(0) {
            return Err(DriverError::new(ErrorKind::Io, "the disk is on fire"));
        }
        inner.advance()
    }
}
