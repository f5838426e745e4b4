//! How many commits a database had when it was last closed, kept inside sled's log and beside it.
//!
//! # Why
//! sled takes damage in its log for the end of a write that a crash cut off: it drops that place and all that follows it,
//! and opens the database without a word. So closing a database ends its log with the number of its commits, and then
//! writes the same number to a file of the driver's own. A log that is whole leads to this number, or to a higher one if
//! the file could not be written any more; whatever a crash cuts off comes after it. A log that leads to a lower one has
//! lost its end.
//!
//! A commit pays nothing for it. What was committed since the database was last closed is not watched.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

use netabase_core::driver::kit::path::{inaccessible, sync_folder};
use netabase_core::driver::{DriverError, ErrorKind, Result};

use crate::config::ACCEPT_LOST_COMMITS;
use crate::error;

/// The file beside sled's: the number in decimal, and its checksum in hexadecimal.
pub(crate) const FILE: &str = "netabase.commits";
/// The file while it is written.
const UNFINISHED: &str = "netabase.commits.new";
/// More bytes than it has.
pub(crate) const FILE_BYTES: u64 = 64;

/// Where the number lies in the tree that every database of sled has, which is not shown to users.
const KEY: &[u8] = b"netabase.commits";

/// The commits of an open database.
pub(crate) struct Commits {
    /// Those that the log led to when it was opened.
    before: u64,
}

impl Commits {
    /// Compares the log of a database that sled has opened with what the file beside it said before; `closed` is `None` if
    /// the database may have lost any number of commits.
    ///
    /// # Errors
    /// `Corrupt` if the log has lost its end. sled has cut it off by then.
    pub(crate) fn check(engine: &sled::Db, path: &Path, closed: Option<u64>) -> Result<Self> {
        let stored = engine.get(KEY).map_err(error::engine)?;
        let before = match stored.as_deref().map(<[u8; 8]>::try_from) {
            Some(Ok(bytes)) => u64::from_le_bytes(bytes),
            Some(Err(_)) if closed.is_some() => return Err(damaged(path)),
            _ => 0,
        };
        match closed {
            Some(closed) if closed > before => Err(lost(path, closed, before)),
            Some(_) => Ok(Self { before }),
            None => {
                // From now on what is left is all there is.
                if fs::exists(path.join(FILE)).map_err(|error| inaccessible(path, error))? {
                    write(path, before).map_err(|error| inaccessible(path, error))?;
                }
                Ok(Self { before })
            }
        }
    }

    /// Ends the log with the number of commits, of which there were `new` ones since the database was opened; `flush` puts
    /// the log on disk.
    pub(crate) fn close(
        &self,
        engine: &sled::Db,
        path: &Path,
        new: u64,
        flush: impl FnOnce() -> Result<()>,
    ) -> Result<()> {
        if new == 0 {
            return flush();
        }
        let commits = self.before.saturating_add(new);
        engine
            .insert(KEY, &commits.to_le_bytes())
            .map_err(error::engine)?;
        flush()?;
        // Only now the log has no less than the file says.
        write(path, commits).map_err(|error| inaccessible(path, error))
    }
}

/// How many commits a database had when it was last closed; 0 if there is no file, as in a database that another program made
/// or that was never closed.
///
/// # Errors
/// `Corrupt` if the file is damaged.
pub(crate) fn read(path: &Path) -> Result<u64> {
    let file = path.join(FILE);
    let mut text = Vec::new();
    match File::open(&file) {
        Ok(opened) => opened
            .take(FILE_BYTES)
            .read_to_end(&mut text)
            .map_err(|error| inaccessible(&file, error))?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(inaccessible(&file, error)),
    };
    let commits = std::str::from_utf8(&text)
        .ok()
        .and_then(|text| text.split(' ').next()?.parse().ok())
        .filter(|commits| content(*commits).as_bytes() == text);
    commits.ok_or_else(|| damaged(path))
}

fn content(commits: u64) -> String {
    let checksum = crc32fast::hash(&commits.to_le_bytes());
    format!("{commits} {checksum:08x}\n")
}

/// A crash leaves the file that was there, or the new one.
fn write(path: &Path, commits: u64) -> io::Result<()> {
    let unfinished = path.join(UNFINISHED);
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = File::create_new(&unfinished)?;
    file.write_all(content(commits).as_bytes())?;
    file.sync_all()?;
    fs::rename(&unfinished, path.join(FILE))?;
    sync_folder(path)
}

/// The error for a log that has lost its end.
#[cold]
fn lost(path: &Path, closed: u64, found: u64) -> DriverError {
    DriverError::new(
        ErrorKind::Corrupt,
        format!(
            "`{}` is damaged: it had {closed} commits when it was last closed, and its log leads only to commit {found}, \
             so that up to {} are lost; restore it from a copy, or set the option `{ACCEPT_LOST_COMMITS}` to `true` to go \
             on without them",
            path.display(),
            closed.saturating_sub(found),
        ),
    )
}

/// The error for a number of commits that cannot be read.
#[cold]
fn damaged(path: &Path) -> DriverError {
    DriverError::new(
        ErrorKind::Corrupt,
        format!(
            "`{}` is damaged: its number of commits cannot be read from `{FILE}`, so that it is unknown whether any are lost; \
             restore it from a copy, or set the option `{ACCEPT_LOST_COMMITS}` to `true` to go on with what is there",
            path.display()
        ),
    )
}
