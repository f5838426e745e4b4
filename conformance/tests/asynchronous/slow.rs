//! A driver that waits at every call.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;

use netabase_core::driver::asynchronous::{
    AsyncDatabase, AsyncDriver, AsyncRead, AsyncWrite, ReadSet, SyncAsAsync,
};
use netabase_core::driver::{
    Bounds, Capabilities, CommitOutcome, CommitToken, Direction, DriverError, Durability,
    ErrorKind, Manifest, Result, TreeId, WriteBatch,
};
use netabase_core::memory::Memory;

/// A driver as one that cannot block: every call waits for the event loop once and is counted, and a reader whose database
/// has changed since it began has lost its snapshot, unless the driver is optimistic.
#[derive(Debug, Clone, Default)]
pub(super) struct Slow<A = SyncAsAsync<Memory>> {
    pub(super) ground: A,
    pub(super) counts: Counts,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Counts(pub(super) Arc<Counters>);

#[derive(Debug, Default)]
pub(super) struct Counters {
    calls: AtomicU64,
    /// Calls that wait now, and the most that have at the same time.
    waiting: AtomicU64,
    pub(super) at_once: AtomicU64,
    /// Entries of pages.
    entries: AtomicU64,
    commits: AtomicU64,
}

pub(super) struct SlowDatabase<S> {
    counts: Counts,
    store: S,
    loses_snapshots: bool,
}

pub(super) struct SlowTransaction<T> {
    counts: Counts,
    transaction: T,
    /// The commits before it, where others lose it its snapshot.
    began: Option<u64>,
}

impl Counts {
    async fn call(&self) {
        self.0.calls.fetch_add(1, Ordering::Relaxed);
        let waiting = self.0.waiting.fetch_add(1, Ordering::Relaxed) + 1;
        self.0.at_once.fetch_max(waiting, Ordering::Relaxed);
        yield_once().await;
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

impl<A> Slow<A> {
    pub(super) fn new(ground: A) -> Self {
        Self {
            ground,
            counts: Counts::default(),
        }
    }

    pub(super) fn calls(&self) -> u64 {
        self.counts.0.calls.load(Ordering::Relaxed)
    }

    pub(super) fn entries(&self) -> u64 {
        self.counts.0.entries.load(Ordering::Relaxed)
    }
}

/// Goes back to the event loop once.
pub(super) async fn yield_once() {
    let mut waited = false;
    poll_fn(|context| {
        if std::mem::replace(&mut waited, true) {
            Poll::Ready(())
        } else {
            context.waker().wake_by_ref();
            Poll::Pending
        }
    })
    .await;
}

impl<A: AsyncDriver> AsyncDriver for Slow<A> {
    type Database = SlowDatabase<A::Database>;
    type Config = A::Config;

    fn manifest(&self) -> &Manifest {
        self.ground.manifest()
    }

    async fn open(&self, config: &A::Config) -> Result<Self::Database> {
        Ok(SlowDatabase {
            counts: self.counts.clone(),
            store: self.ground.open(config).await?,
            loses_snapshots: !(self.manifest().capabilities).contains(Capabilities::OPTIMISTIC),
        })
    }
}

impl<S: AsyncDatabase> AsyncDatabase for SlowDatabase<S> {
    type Reader = SlowTransaction<S::Reader>;
    type Writer = SlowTransaction<S::Writer>;

    async fn begin_read(&self) -> Result<Self::Reader> {
        self.counts.call().await;
        Ok(SlowTransaction {
            counts: self.counts.clone(),
            transaction: self.store.begin_read().await?,
            began: (self.loses_snapshots).then(|| self.counts.0.commits.load(Ordering::Relaxed)),
        })
    }

    async fn begin_write(&self) -> Result<Self::Writer> {
        self.counts.call().await;
        Ok(SlowTransaction {
            counts: self.counts.clone(),
            transaction: self.store.begin_write().await?,
            began: None,
        })
    }

    async fn try_begin_write(&self) -> Result<Self::Writer> {
        self.counts.call().await;
        Ok(SlowTransaction {
            counts: self.counts.clone(),
            transaction: self.store.try_begin_write().await?,
            began: None,
        })
    }

    async fn command(&self, operation: &str, argument: &[u8]) -> Result<Vec<Vec<u8>>> {
        self.counts.call().await;
        self.store.command(operation, argument).await
    }

    async fn commit_outcome(&self, token: &CommitToken) -> Result<CommitOutcome> {
        self.counts.call().await;
        self.store.commit_outcome(token).await
    }
}

impl<T> SlowTransaction<T> {
    async fn call(&self) -> Result<()> {
        self.counts.call().await;
        match self.began {
            Some(began) if began != self.counts.0.commits.load(Ordering::Relaxed) => {
                Err(DriverError::new(ErrorKind::SnapshotLost, "begin again"))
            }
            _ => Ok(()),
        }
    }
}

impl<T: AsyncRead> AsyncRead for SlowTransaction<T> {
    fn tree(&self, name: &str) -> Result<TreeId> {
        self.transaction.tree(name)
    }

    async fn get_many(&self, tree: TreeId, keys: &[&[u8]]) -> Result<Vec<Option<Vec<u8>>>> {
        self.call().await?;
        self.transaction.get_many(tree, keys).await
    }

    async fn page(
        &self,
        tree: TreeId,
        bounds: Bounds<'_>,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
        assert!(!bounds.is_empty(), "empty bounds are not passed on");
        self.call().await?;
        let page = self
            .transaction
            .page(tree, bounds, direction, limit)
            .await?;
        let entries = &self.counts.0.entries;
        entries.fetch_add(page.len() as u64, Ordering::Relaxed);
        Ok(page)
    }

    async fn len(&self, tree: TreeId) -> Result<u64> {
        self.call().await?;
        self.transaction.len(tree).await
    }
}

impl<T: AsyncWrite> AsyncWrite for SlowTransaction<T> {
    async fn commit(
        self,
        batch: &WriteBatch<'_>,
        reads: &ReadSet,
        durability: Durability,
    ) -> Result<()> {
        self.counts.call().await;
        self.transaction.commit(batch, reads, durability).await?;
        self.counts.0.commits.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}
