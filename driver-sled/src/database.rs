//! An open sled database: how it is opened, and closed with the last of its transactions.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use netabase_core::driver::kit::path::missing;
use netabase_core::driver::{Database, DriverError, ErrorKind, OpenConfig, Result};

use crate::config::Settings;
use crate::copy::Copy;
use crate::engine::Shared;
use crate::folder::{self, Contents};
use crate::large::SEGMENT;
use crate::maintenance;
use crate::transaction::{SledReader, SledWriter};

/// An open sled database.
///
/// The folder is locked until this handle and every transaction of it are gone; closing keeps what was committed with
/// [`Durability::None`](netabase_core::driver::Durability::None).
pub struct SledDatabase {
    shared: Arc<Shared>,
    path: PathBuf,
}

impl SledDatabase {
    pub(crate) fn open(config: &OpenConfig<'_>) -> Result<Self> {
        let Settings {
            path,
            create_if_missing,
            truncate,
            read_only,
            accept_lost_commits,
            mut engine,
        } = Settings::new(config)?;
        match folder::inspect(&path)? {
            Contents::Nothing if !create_if_missing => return Err(missing(&path)),
            Contents::Database { .. } if truncate => folder::empty(&path)?,
            Contents::Database { segment_bytes } if segment_bytes != SEGMENT as u64 => {
                return Err(other_segments(&path, segment_bytes));
            }
            Contents::Database { .. } if read_only => {
                let copy = Copy::of(&path)?;
                engine = engine.path(copy.path());
                let shared = Shared::open_copy(engine, &path, copy, accept_lost_commits)?;
                return Ok(Self {
                    shared: Arc::new(shared),
                    path,
                });
            }
            Contents::Database { .. } => folder::remove_unfinished_snapshots(&path)?,
            Contents::Nothing => {
                folder::finish_emptying(&path)?;
                folder::complete_parameters(&path)?;
            }
        }
        Ok(Self {
            shared: Arc::new(Shared::open(engine, &path, accept_lost_commits)?),
            path,
        })
    }

    #[cfg(test)]
    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }
}

impl Database for SledDatabase {
    type Reader = SledReader;
    type Writer = SledWriter;

    #[inline]
    fn begin_read(&self) -> Result<SledReader> {
        Ok(SledReader::begin(Arc::clone(&self.shared)))
    }

    fn begin_write(&self) -> Result<SledWriter> {
        SledWriter::begin(&self.shared)
    }

    fn command(&self, name: &str, argument: &[u8], output: &mut dyn FnMut(&[u8])) -> Result<()> {
        maintenance::run(&self.shared, name, argument, output)
    }
}

impl fmt::Debug for SledDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SledDatabase")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// The error for a database whose log has segments of another length than this driver's.
#[cold]
fn other_segments(path: &Path, bytes: u64) -> DriverError {
    DriverError::new(
        ErrorKind::Unsupported,
        format!(
            "`{}` was made with segments of {bytes} bytes, and this driver keeps to {SEGMENT}; export it with the program \
             that made it, and import it into a new one",
            path.display()
        ),
    )
}
