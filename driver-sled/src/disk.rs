//! The synchronisation with the disk that sled leaves out.
//!
//! On Linux sled's `flush` writes its log with `sync_file_range`, which neither empties the disk's own cache nor writes
//! the length of the file.

use std::fs::File;
use std::io;
use std::path::Path;

use netabase_core::driver::kit::path::sync_folder;

use crate::folder::{LOG, PARAMETERS};

/// The log of an open database, which is all that a database consists of beside its parameters.
#[derive(Debug)]
pub(crate) struct Disk {
    log: File,
}

impl Disk {
    /// The log of the database at `path`, which sled has open.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let log = File::open(path.join(LOG))?;
        // sled writes its parameters once and does not synchronise them; without them the folder is not sled's.
        File::open(path.join(PARAMETERS))?.sync_all()?;
        sync_folder(path)?;
        if let Some(parent) = path.parent() {
            sync_folder(parent)?;
        }
        Ok(Self { log })
    }

    /// Returns when all that sled has written is on disk.
    pub(crate) fn synchronise(&self) -> io::Result<()> {
        self.log.sync_data()
    }
}
