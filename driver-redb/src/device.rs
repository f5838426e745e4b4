//! redb's file, watched: what the system refuses is noted, since redb goes on reading from its cache after a failure.

use std::fs::{File, Metadata};
use std::io;
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use redb::backends::FileBackend;
use redb::{BackendError, DatabaseError, StorageBackend};

/// Whether redb still serves a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Failure {
    None,
    /// A write was refused. redb gives up after most of them, not after one that only makes room in its cache.
    Possible,
    /// redb has given up: it serves what its cache holds, and nothing else.
    Certain,
}

/// The worst failure of a file since it was opened.
#[derive(Debug, Default)]
pub(crate) struct Watch(AtomicU8);

impl Watch {
    #[inline]
    pub(crate) fn failure(&self) -> Failure {
        match self.0.load(Ordering::Acquire) {
            0 => Failure::None,
            1 => Failure::Possible,
            _ => Failure::Certain,
        }
    }

    pub(crate) fn note(&self, failure: Failure) {
        self.0.fetch_max(failure as u8, Ordering::AcqRel);
    }

    /// Forgets failures that turned out to be none for redb.
    pub(crate) fn reset(&self) {
        self.0.store(Failure::None as u8, Ordering::Release);
    }
}

/// A file that notes what fails.
#[derive(Debug)]
pub(crate) struct Device<F: StorageBackend = FileBackend> {
    file: F,
    watch: Arc<Watch>,
}

impl Device {
    pub(crate) fn of(file: File, watch: Arc<Watch>) -> Result<Self, DatabaseError> {
        FileBackend::new(file).map(|file| Self::new(file, watch))
    }
}

/// redb does not unlock every file that it refuses. Closed without that, it stays locked while a process that was forked
/// meanwhile has not executed its program yet.
impl<F: StorageBackend> Drop for Device<F> {
    fn drop(&mut self) {
        let _ = self.file.close();
    }
}

impl<F: StorageBackend> Device<F> {
    pub(crate) fn new(file: F, watch: Arc<Watch>) -> Self {
        Self { file, watch }
    }

    #[inline]
    fn noting<T, E>(&self, failure: Failure, result: Result<T, E>) -> Result<T, E> {
        if result.is_err() {
            self.watch.note(failure);
        }
        result
    }
}

impl<F: StorageBackend> StorageBackend for Device<F> {
    fn len(&self) -> io::Result<u64> {
        self.noting(Failure::Certain, self.file.len())
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.noting(Failure::Certain, self.file.read(offset, out))
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.noting(Failure::Certain, self.file.set_len(len))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.noting(Failure::Certain, self.file.sync_data())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.noting(Failure::Possible, self.file.write(offset, data))
    }

    fn close(&self) -> io::Result<()> {
        self.file.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.try_lock_range(start, end)
    }

    fn try_lock_shared_range(
        &self,
        start: Bound<u64>,
        end: Bound<u64>,
    ) -> Result<bool, BackendError> {
        self.file.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.noting(Failure::Certain, self.file.unlock_range(start, end))
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.query_lock_range(start, end)
    }
}

/// What tells a file from another one that is put in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity {
    device: u64,
    inode: u64,
}

impl Identity {
    /// `None` where the system does not tell.
    pub(crate) fn of(file: &Metadata) -> Option<Self> {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            Some(Self {
                device: file.dev(),
                inode: file.ino(),
            })
        }
        #[cfg(not(unix))]
        {
            let _ = file;
            None
        }
    }
}
