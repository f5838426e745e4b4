//! The synchronisation with the disk that sled leaves out.
//!
//! On Linux sled's `flush` writes its log with `sync_file_range`, which neither empties the disk's own cache nor writes
//! the length of the file. And on no system does it synchronise the files that it keeps large pages in.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use crate::folder::{BLOBS, LOG};

/// The files of an open database, to be synchronised.
#[derive(Debug)]
pub(crate) struct Disk {
    log: File,
    blobs: PathBuf,
    synchronised: Mutex<Synchronised>,
}

#[derive(Debug, Default)]
struct Synchronised {
    /// The number of the newest file of a large page; sled numbers them in ascending order.
    newest: Option<u64>,
    /// When their folder was changed last.
    changed: Option<SystemTime>,
}

impl Disk {
    /// The files of the database at `path`, which sled has open.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let disk = Self {
            log: File::open(path.join(LOG))?,
            blobs: path.join(BLOBS),
            synchronised: Mutex::default(),
        };
        synchronise_folder(path)?;
        if let Some(parent) = path.parent() {
            synchronise_folder(parent)?;
        }
        Ok(disk)
    }

    /// Returns when all that sled has written is on disk.
    pub(crate) fn synchronise(&self) -> io::Result<()> {
        self.synchronise_blobs()?;
        self.log.sync_data()
    }

    fn synchronise_blobs(&self) -> io::Result<()> {
        let mut synchronised = self
            .synchronised
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let changed = fs::metadata(&self.blobs)?.modified()?;
        // Within the grain of the file system's clock a second change would look like the first.
        let settled = changed.elapsed().is_ok_and(|age| age.as_millis() > 100);
        if settled && synchronised.changed == Some(changed) {
            return Ok(());
        }
        let mut newest = synchronised.newest;
        for entry in fs::read_dir(&self.blobs)? {
            let entry = entry?;
            let number = entry
                .file_name()
                .to_str()
                .and_then(|name| name.parse().ok());
            if number.is_none() || number <= synchronised.newest {
                continue;
            }
            match File::open(entry.path()) {
                Ok(file) => file.sync_data()?,
                // sled has replaced the page meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            }
            newest = newest.max(number);
        }
        if newest > synchronised.newest {
            synchronise_folder(&self.blobs)?;
        }
        *synchronised = Synchronised {
            newest,
            changed: Some(changed),
        };
        Ok(())
    }
}

/// Makes the names in a folder permanent. Where a folder cannot be opened as a file, the system needs no such call.
pub(crate) fn synchronise_folder(path: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(path)?.sync_all()
    } else {
        Ok(())
    }
}
