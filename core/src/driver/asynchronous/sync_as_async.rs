//! A synchronous driver behind the asynchronous contract.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::turn::{self, Turn, Turns};
use super::{AsyncDatabase, AsyncDriver, AsyncRead, AsyncWrite, ReadSet};
use crate::config::FileConfig;
use crate::driver::checked::{Checked, CheckedReader, CheckedWriter};
use crate::driver::{
    Bounds, Capabilities, CommitOutcome, CommitToken, Cursor, Database, Direction, Driver,
    Durability, Manifest, OpenConfig, Read, Result, TreeId, Write, WriteBatch,
};

/// A synchronous driver behind the asynchronous contract: each future does its work when it is first polled, and blocks
/// for as long as that takes.
///
/// A write transaction that waits for another one of the same database does not block: its task waits. One that waits for
/// another process, or for a transaction that was begun on the driver by itself, blocks.
#[derive(Debug, Clone, Copy, Default)]
pub struct SyncAsAsync<E>(pub E);

impl<E: Driver> AsyncDriver for SyncAsAsync<E> {
    type Database = SyncAsAsyncDatabase<E::Database>;
    type Config = FileConfig;

    fn manifest(&self) -> &Manifest {
        self.0.manifest()
    }

    async fn open(&self, config: &FileConfig) -> Result<Self::Database> {
        let capabilities = self.0.manifest().capabilities;
        let is_optimistic = capabilities.contains(Capabilities::OPTIMISTIC);
        let database = Checked::open(&self.0, &OpenConfig::from(config))?;
        Ok(SyncAsAsyncDatabase {
            database,
            turn: (!is_optimistic).then(Turns::default),
        })
    }
}

/// An open database of a [`SyncAsAsync`] driver.
pub struct SyncAsAsyncDatabase<S> {
    database: Checked<S>,
    /// Held by the write transaction that is open; `None` where many may be.
    turn: Option<Turns>,
}

impl<S: Database> SyncAsAsyncDatabase<S> {
    fn write_in(&self, turn: Option<Turn>) -> Result<SyncAsAsyncWriter<S::Writer>> {
        Ok(SyncAsAsyncWriter {
            transaction: Mutex::new(self.database.begin_write()?),
            turn,
        })
    }
}

impl<S: Database> AsyncDatabase for SyncAsAsyncDatabase<S> {
    type Reader = SyncAsAsyncReader<S::Reader>;
    type Writer = SyncAsAsyncWriter<S::Writer>;

    async fn begin_read(&self) -> Result<Self::Reader> {
        Ok(SyncAsAsyncReader {
            transaction: Mutex::new(self.database.begin_read()?),
        })
    }

    async fn begin_write(&self) -> Result<Self::Writer> {
        self.write_in(turn::take(self.turn.as_ref()).await)
    }

    async fn try_begin_write(&self) -> Result<Self::Writer> {
        self.write_in(turn::try_take(self.turn.as_ref())?)
    }

    async fn command(&self, operation: &str, argument: &[u8]) -> Result<Vec<Vec<u8>>> {
        let mut parts = Vec::new();
        self.database
            .command(operation, argument, &mut |part| parts.push(part.to_vec()))?;
        Ok(parts)
    }

    async fn commit_outcome(&self, token: &CommitToken) -> Result<CommitOutcome> {
        self.database.commit_outcome(token)
    }
}

impl<S> fmt::Debug for SyncAsAsyncDatabase<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SyncAsAsyncDatabase")
            .finish_non_exhaustive()
    }
}

/// A read transaction of a [`SyncAsAsync`] driver.
pub struct SyncAsAsyncReader<R> {
    transaction: Mutex<CheckedReader<R>>,
}

/// A write transaction of a [`SyncAsAsync`] driver.
pub struct SyncAsAsyncWriter<W> {
    // Dropped before the turn is given on.
    transaction: Mutex<CheckedWriter<W>>,
    turn: Option<Turn>,
}

macro_rules! read_through {
    ($type:ident, $checked:ident, $bound:ident) => {
        impl<T> $type<T> {
            fn transaction(&self) -> MutexGuard<'_, $checked<T>> {
                self.transaction
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
            }
        }

        impl<T: $bound + Send + 'static> AsyncRead for $type<T> {
            fn tree(&self, name: &str) -> Result<TreeId> {
                self.transaction().tree(name)
            }

            async fn get_many(&self, tree: TreeId, keys: &[&[u8]]) -> Result<Vec<Option<Vec<u8>>>> {
                let transaction = self.transaction();
                keys.iter()
                    .map(|key| transaction.get(tree, key, <[u8]>::to_vec))
                    .collect()
            }

            async fn page(
                &self,
                tree: TreeId,
                bounds: Bounds<'_>,
                direction: Direction,
                limit: usize,
            ) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
                let transaction = self.transaction();
                let mut cursor = transaction.cursor(tree, bounds, direction)?;
                let mut entries = Vec::new();
                while entries.len() < limit
                    && let Some((key, value)) = cursor.next_entry()?
                {
                    entries.push((key.to_vec(), value.to_vec()));
                }
                Ok(entries)
            }

            async fn len(&self, tree: TreeId) -> Result<u64> {
                self.transaction().len(tree)
            }
        }

        impl<T> fmt::Debug for $type<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($type)).finish_non_exhaustive()
            }
        }
    };
}

read_through!(SyncAsAsyncReader, CheckedReader, Read);
read_through!(SyncAsAsyncWriter, CheckedWriter, Write);

impl<W: Write + Send + 'static> AsyncWrite for SyncAsAsyncWriter<W> {
    /// A synchronous engine that is optimistic validates by itself.
    async fn commit(
        self,
        batch: &WriteBatch<'_>,
        _: &ReadSet,
        durability: Durability,
    ) -> Result<()> {
        let transaction = self.transaction.into_inner();
        let mut transaction = transaction.unwrap_or_else(PoisonError::into_inner);
        transaction.apply(batch)?;
        let committed = transaction.commit(durability);
        drop(self.turn);
        committed
    }
}
