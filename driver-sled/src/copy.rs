//! A database that is only read: sled writes to every database that it opens, so it opens a copy.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use netabase_core::driver::kit::lock::LockedFile;
use netabase_core::driver::kit::path::inaccessible;
use netabase_core::driver::{DriverError, Result};
use tempfile::TempDir;

use crate::folder::{BLOBS, LOG, is_sleds};

/// A temporary copy, removed when this is dropped. Until then nobody can write to the original.
pub(crate) struct Copy {
    folder: TempDir,
    bytes: u64,
    _original: LockedFile,
}

impl Copy {
    /// Copies a database, of which every file was [looked at](crate::folder::inspect).
    ///
    /// # Errors
    /// `Locked` if it is open for writing, or an error of the operating system, such as a temporary folder without room.
    pub(crate) fn of(original: &Path) -> Result<Self> {
        let log = original.join(LOG);
        let log = File::open(&log).map_err(|error| inaccessible(&log, error))?;
        let locked = LockedFile::shared(log, original)?;
        let files = files(original).map_err(|error| inaccessible(original, error))?;
        let bytes = files.iter().map(|(_, bytes)| bytes).sum();
        let copied = tempfile::Builder::new()
            .prefix("netabase-sled-")
            .tempdir()
            .and_then(|folder| {
                for (name, _) in &files {
                    let to = folder.path().join(name);
                    if let Some(parent) = to.parent() {
                        fs::create_dir_all(parent)?;
                    }
                    // Not by `fs::copy`, which would copy that a file is read-only.
                    io::copy(
                        &mut File::open(original.join(name))?,
                        &mut File::create_new(to)?,
                    )?;
                }
                Ok(folder)
            });
        match copied {
            Ok(folder) => Ok(Self {
                folder,
                bytes,
                _original: locked,
            }),
            Err(error) => Err(not_copied(original, bytes, error)),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The bytes of all of its files when it was made.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// An error of the copy's, as one of the original's.
    pub(crate) fn of_original(&self, original: &Path, error: &DriverError) -> DriverError {
        let copy = self.path().display().to_string();
        let message = error
            .message()
            .replace(&copy, &original.display().to_string());
        DriverError::new(error.kind(), message)
    }
}

/// The files of a database by their names in its folder, with their lengths. What is not sled's is left out.
fn files(folder: &Path) -> io::Result<Vec<(PathBuf, u64)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = PathBuf::from(entry.file_name());
        if entry.file_type()?.is_file() && is_sleds(&name) {
            files.push((name, entry.metadata()?.len()));
        } else if name == Path::new(BLOBS) {
            for blob in fs::read_dir(entry.path())? {
                let blob = blob?;
                files.push((name.join(blob.file_name()), blob.metadata()?.len()));
            }
        }
    }
    Ok(files)
}

#[cold]
fn not_copied(original: &Path, bytes: u64, error: io::Error) -> DriverError {
    let temporary = std::env::temp_dir();
    let kind = inaccessible(&temporary, io::Error::from(error.kind())).kind();
    DriverError::new(
        kind,
        format!(
            "sled cannot read `{}` without writing to it, and a temporary copy of its {bytes} bytes cannot be made in `{}`: \
             {error}; make room there, or name another folder in the environment variable `TMPDIR`",
            original.display(),
            temporary.display()
        ),
    )
    .with_source(error)
}
