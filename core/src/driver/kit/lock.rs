//! Files that are locked for as long as a database is open.

use std::fs::{File, TryLockError};
use std::path::Path;

use super::path;
use crate::driver::Result;

/// A file that is locked until this is dropped.
///
/// Dropping unlocks it. Closing alone would not: a process that is being started meanwhile has every open file of its
/// parent until it executes its program, and would keep the file locked.
#[derive(Debug)]
pub struct LockedFile(File);

impl LockedFile {
    /// Locks a file for this handle alone. The error names the `database` that it belongs to.
    ///
    /// # Errors
    /// [`Locked`](crate::driver::ErrorKind::Locked) if another handle has locked it, or an error of the operating system.
    pub fn exclusive(file: File, database: &Path) -> Result<Self> {
        Self::locked(file.try_lock(), file, database)
    }

    /// Locks a file for this handle and others that share it.
    ///
    /// # Errors
    /// As [`exclusive`](Self::exclusive).
    pub fn shared(file: File, database: &Path) -> Result<Self> {
        Self::locked(file.try_lock_shared(), file, database)
    }

    fn locked(locked: Result<(), TryLockError>, file: File, database: &Path) -> Result<Self> {
        match locked {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(path::locked(database)),
            Err(TryLockError::Error(error)) => Err(path::inaccessible(database, error)),
        }
    }

    /// The file.
    #[must_use]
    pub fn file(&self) -> &File {
        &self.0
    }
}

impl Drop for LockedFile {
    fn drop(&mut self) {
        // There is nobody to report a failure to, and the lock goes with the last copy anyway.
        let _ = self.0.unlock();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::ErrorKind;

    #[test]
    fn a_locked_file_is_refused_until_its_lock_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, "").unwrap();
        let file = || File::options().read(true).write(true).open(&path).unwrap();
        let held = LockedFile::exclusive(file(), &path).unwrap();
        // Another handle of the same file keeps no lock.
        let _copy = held.file().try_clone().unwrap();
        for refused in [
            LockedFile::exclusive(file(), &path),
            LockedFile::shared(file(), &path),
        ] {
            assert_eq!(refused.unwrap_err().kind(), ErrorKind::Locked);
        }
        drop(held);
        let _shared = [(); 2].map(|()| LockedFile::shared(file(), &path).unwrap());
        let refused = LockedFile::exclusive(file(), &path);
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::Locked);
    }
}
