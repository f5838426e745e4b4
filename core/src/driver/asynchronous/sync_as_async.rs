//! A synchronous driver behind the asynchronous contract.

use std::fmt;

use super::{AsyncDatabase, AsyncDriver, AsyncRead, AsyncWrite};
use crate::config::FileConfig;
use crate::driver::checked::{Checked, CheckedReader, CheckedWriter};
use crate::driver::{
    Bounds, CommitOutcome, CommitToken, Cursor, Database, Direction, Driver, Durability, Manifest,
    OpenConfig, Read, Result, TreeId, Write, WriteBatch,
};

/// A synchronous driver behind the asynchronous contract: each future does its work when it is first polled, and blocks
/// for as long as that takes.
#[derive(Debug, Clone, Copy, Default)]
pub struct SyncAsAsync<E>(pub E);

impl<E: Driver> AsyncDriver for SyncAsAsync<E> {
    type Database = SyncAsAsyncDatabase<E::Database>;
    type Config = FileConfig;

    fn manifest(&self) -> &Manifest {
        self.0.manifest()
    }

    async fn open(&self, config: &FileConfig) -> Result<Self::Database> {
        Checked::open(&self.0, &OpenConfig::from(config)).map(SyncAsAsyncDatabase)
    }
}

/// An open database of a [`SyncAsAsync`] driver.
pub struct SyncAsAsyncDatabase<S>(Checked<S>);

impl<S: Database> AsyncDatabase for SyncAsAsyncDatabase<S> {
    type Reader = SyncAsAsyncReader<S::Reader>;
    type Writer = SyncAsAsyncWriter<S::Writer>;

    async fn begin_read(&self) -> Result<Self::Reader> {
        self.0.begin_read().map(SyncAsAsyncReader)
    }

    async fn begin_write(&self) -> Result<Self::Writer> {
        self.0.begin_write().map(SyncAsAsyncWriter)
    }

    async fn command(&self, operation: &str, argument: &[u8]) -> Result<Vec<Vec<u8>>> {
        let mut parts = Vec::new();
        self.0
            .command(operation, argument, &mut |part| parts.push(part.to_vec()))?;
        Ok(parts)
    }

    async fn commit_outcome(&self, token: &CommitToken) -> Result<CommitOutcome> {
        self.0.commit_outcome(token)
    }
}

impl<S> fmt::Debug for SyncAsAsyncDatabase<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SyncAsAsyncDatabase")
            .finish_non_exhaustive()
    }
}

/// A read transaction of a [`SyncAsAsync`] driver.
pub struct SyncAsAsyncReader<R>(CheckedReader<R>);

/// A write transaction of a [`SyncAsAsync`] driver.
pub struct SyncAsAsyncWriter<W>(CheckedWriter<W>);

macro_rules! read_through {
    ($type:ident, $bound:ident) => {
        impl<T: $bound> AsyncRead for $type<T> {
            fn tree(&self, name: &str) -> Result<TreeId> {
                self.0.tree(name)
            }

            async fn get_many(&self, tree: TreeId, keys: &[&[u8]]) -> Result<Vec<Option<Vec<u8>>>> {
                keys.iter()
                    .map(|key| self.0.get(tree, key, <[u8]>::to_vec))
                    .collect()
            }

            async fn page(
                &self,
                tree: TreeId,
                bounds: Bounds<'_>,
                direction: Direction,
                limit: usize,
            ) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
                let mut cursor = self.0.cursor(tree, bounds, direction)?;
                let mut entries = Vec::new();
                while entries.len() < limit
                    && let Some((key, value)) = cursor.next_entry()?
                {
                    entries.push((key.to_vec(), value.to_vec()));
                }
                Ok(entries)
            }

            async fn len(&self, tree: TreeId) -> Result<u64> {
                self.0.len(tree)
            }
        }

        impl<T> fmt::Debug for $type<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($type)).finish_non_exhaustive()
            }
        }
    };
}

read_through!(SyncAsAsyncReader, Read);
read_through!(SyncAsAsyncWriter, Write);

impl<W: Write> AsyncWrite for SyncAsAsyncWriter<W> {
    async fn commit(mut self, batch: &WriteBatch<'_>, durability: Durability) -> Result<()> {
        self.0.apply(batch)?;
        self.0.commit(durability)
    }
}
