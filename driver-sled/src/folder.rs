//! sled's folder seen from outside: whether it is one, whether it is free, and how it is emptied.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::RangeInclusive;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use netabase_core::driver::kit::lock::LockedFile;
use netabase_core::driver::kit::path::{
    Place, foreign, inaccessible, look, look_inside, require_parent, sync_folder,
};
use netabase_core::driver::{ErrorKind, Result};

use crate::commits;
use crate::large;

/// The file with sled's log, which sled locks.
pub(crate) const LOG: &str = "db";
/// The folder with the files of pages that are too long for the log; [`large`](crate::large) keeps it empty.
pub(crate) const BLOBS: &str = "blobs";
/// The file with the parameters that a database was made with.
pub(crate) const PARAMETERS: &str = "conf";
/// How the names of the files begin that hold the state of sled's pages.
const SNAPSHOT: &str = "snap.";
/// How the name of one ends that is not finished.
const UNFINISHED: &str = ".generating";

/// The length of the header of a segment of the log.
const HEADER_BYTES: usize = 20;

/// More bytes than the parameters have.
const PARAMETERS_BYTES: u64 = 4096;
/// The longest log, which has four million segments: sled reads the header of each before it opens a database.
const LOG_BYTES: u64 = 16 << 40;
/// The longest state of the pages of a log, as a multiple of the log: a page takes less room there than in the log. sled
/// reads it whole.
const SNAPSHOT_SHARE: u64 = 4;
/// What it may have at least.
const SNAPSHOT_BYTES: u64 = 16 << 20;
/// The lengths of segments that sled takes.
const SEGMENTS: RangeInclusive<u64> = 256..=1 << 24;
/// So many segments are looked at for one that sled wrote.
const BLANK_SEGMENTS: u64 = 1 << 18;

/// How long a database may take to let go of its files after it was closed.
const RELEASE: Duration = Duration::from_secs(5);

/// What there is at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Contents {
    /// Nothing, an empty folder, or one whose creation or [emptying](empty) was cut off.
    Nothing,
    /// A database of sled.
    Database {
        /// The length of a segment of its log.
        segment_bytes: u64,
    },
}

/// Looks at what is there, and changes nothing.
///
/// This comes before sled opens anything by its name, and looks at all that sled may open.
///
/// # Errors
/// `Corrupt` for anything that sled did not write, links included, `InvalidInput` for what is not a folder, `NotFound` for a path
/// in no folder, or an error of the operating system.
pub(crate) fn inspect(path: &Path) -> Result<Contents> {
    if look(path, "sled", Place::Folder)?.is_none() {
        return require_parent(path).map(|()| Contents::Nothing);
    }
    check_entries(path)?;
    let inaccessible = |error| inaccessible(path, error);
    let Some(segment_bytes) = parameters(path)? else {
        return if is_unfinished(path).map_err(inaccessible)? {
            Ok(Contents::Nothing)
        } else {
            Err(foreign(path, "holds files that sled did not write"))
        };
    };
    if is_emptied(path).map_err(inaccessible)? {
        return Ok(Contents::Nothing);
    }
    if is_log(&path.join(LOG), segment_bytes).map_err(inaccessible)? {
        Ok(Contents::Database { segment_bytes })
    } else {
        Err(foreign(path, "holds a log that sled did not write"))
    }
}

/// Refuses what sled would follow, wait for or read without an end in a place of one of its files.
fn check_entries(path: &Path) -> Result<()> {
    look_inside(path, PARAMETERS, Place::File, PARAMETERS_BYTES)?;
    look_inside(path, commits::FILE, Place::File, commits::FILE_BYTES)?;
    let log = look_inside(path, LOG, Place::File, LOG_BYTES)?.map_or(0, |log| log.len());
    let snapshot_bytes = log.saturating_mul(SNAPSHOT_SHARE).max(SNAPSHOT_BYTES);
    each_name(path, |name| {
        if is_snapshot(name) {
            look_inside(path, name, Place::File, snapshot_bytes)?;
        }
        Ok(())
    })?;
    if look_inside(path, BLOBS, Place::Folder, 0)?.is_none() {
        return Ok(());
    }
    let blobs = path.join(BLOBS);
    each_name(&blobs, |name| {
        look_inside(&blobs, name, Place::File, LOG_BYTES).map(|_| ())
    })
}

fn each_name(folder: &Path, mut check: impl FnMut(&OsStr) -> Result<()>) -> Result<()> {
    for entry in fs::read_dir(folder).map_err(|error| inaccessible(folder, error))? {
        check(
            &entry
                .map_err(|error| inaccessible(folder, error))?
                .file_name(),
        )?;
    }
    Ok(())
}

/// The length of a segment of the log, as sled's parameters give it; `None` if there are none, or only the beginning of
/// some.
fn parameters(path: &Path) -> Result<Option<u64>> {
    let file = path.join(PARAMETERS);
    let mut bytes = Vec::new();
    match File::open(&file) {
        Ok(opened) => opened
            .take(PARAMETERS_BYTES)
            .read_to_end(&mut bytes)
            .map_err(|error| inaccessible(&file, error))?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(inaccessible(&file, error)),
    };
    if is_beginning(&bytes) {
        return Ok(None);
    }
    let strange = || foreign(path, "holds a `conf` that sled did not write");
    let Some((text, checksum)) = bytes.split_last_chunk() else {
        return Err(strange());
    };
    if crc32fast::hash(text) != u32::from_le_bytes(*checksum) {
        return Err(strange());
    }
    let segment_bytes = std::str::from_utf8(text)
        .ok()
        .and_then(|text| {
            text.lines()
                .find_map(|line| line.strip_prefix("segment_size: "))
        })
        .and_then(|value| value.parse().ok())
        .filter(|bytes: &u64| bytes.is_power_of_two() && SEGMENTS.contains(bytes))
        .ok_or_else(strange)?;
    Ok(Some(segment_bytes))
}

/// What sled writes to [`PARAMETERS`] of this driver's databases.
fn own_parameters() -> Vec<u8> {
    let mut bytes = format!(
        "segment_size: {}\nuse_compression: false\nversion: 0.34\n",
        large::SEGMENT
    )
    .into_bytes();
    let checksum = crc32fast::hash(&bytes);
    bytes.extend_from_slice(&checksum.to_le_bytes());
    bytes
}

/// Whether these are the parameters of this driver's databases, cut off before their end: sled writes them in two pieces.
fn is_beginning(bytes: &[u8]) -> bool {
    let own = own_parameters();
    bytes.len() < own.len() && own.starts_with(bytes)
}

/// Completes parameters whose writing was cut off, as sled would go by what is there. A program that creates the database at this
/// moment writes the same.
pub(crate) fn complete_parameters(path: &Path) -> Result<()> {
    let file = path.join(PARAMETERS);
    let complete = || match fs::read(&file) {
        Ok(bytes) if is_beginning(&bytes) => {
            let mut file = File::options().write(true).open(&file)?;
            io::Write::write_all(&mut file, &own_parameters())
        }
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    };
    complete().map_err(|error| inaccessible(&file, error))
}

/// Whether a folder without parameters is what sled leaves when it is stopped while it creates a database.
fn is_unfinished(path: &Path) -> io::Result<bool> {
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let name = entry.file_name();
        let expected = if name == BLOBS {
            fs::read_dir(entry.path())?.next().is_none()
        } else if name == LOG {
            entry.metadata()?.len() == 0
        } else {
            name == PARAMETERS
        };
        if !expected {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether the log is there without a byte, and neither a snapshot of its pages nor a number of its commits is.
fn is_emptied(path: &Path) -> io::Result<bool> {
    match fs::metadata(path.join(LOG)) {
        Ok(log) if log.len() == 0 => {}
        Ok(_) => return Ok(false),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    }
    for entry in fs::read_dir(path)? {
        let name = entry?.file_name();
        if is_snapshot(&name) || name == commits::FILE {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether a file of this name in a database's folder is one of sled's, or the driver's.
pub(crate) fn is_sleds(name: &Path) -> bool {
    [LOG, PARAMETERS, commits::FILE]
        .map(Path::new)
        .contains(&name)
        || is_snapshot(name.as_os_str())
}

fn is_snapshot(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(SNAPSHOT.as_bytes())
}

/// Whether a log is missing, holds nothing yet, or has at least one segment that sled wrote.
///
/// Most often the first one decides; a database that was repaired may have blank ones before, [not without
/// end](BLANK_SEGMENTS).
fn is_log(path: &Path, segment_bytes: u64) -> io::Result<bool> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(error),
    };
    let length = file.metadata()?.len();
    let mut blank = true;
    let mut at = 0;
    let mut left = BLANK_SEGMENTS;
    while at < length {
        if left == 0 {
            return Ok(false);
        }
        left -= 1;
        file.seek(SeekFrom::Start(at))?;
        let mut header = Vec::with_capacity(HEADER_BYTES);
        file.by_ref()
            .take(HEADER_BYTES as u64)
            .read_to_end(&mut header)?;
        if let Some((checksum, rest)) = header.split_first_chunk()
            && rest.len() + checksum.len() == HEADER_BYTES
            && !crc32fast::hash(rest) == u32::from_le_bytes(*checksum)
        {
            return Ok(true);
        }
        blank &= header.iter().all(|byte| *byte == 0);
        at += segment_bytes;
    }
    Ok(blank)
}

/// Empties a database that sled wrote and nobody has open, and gives the space back.
///
/// A crash leaves all of it or nothing: the log alone is what a database consists of, and goes at one blow. What is left
/// beside it then is for the next opening to remove.
pub(crate) fn empty(path: &Path) -> Result<()> {
    let Some(locked) = locked_log(path)? else {
        return Ok(());
    };
    let log = locked.file();
    let remove = || {
        remove_files(path, |name| is_snapshot(name) || name == commits::FILE)?;
        // Neither must outlive the log that it describes.
        sync_folder(path)?;
        log.set_len(0)?;
        log.sync_all()?;
        remove_remains(path)
    };
    remove().map_err(|error| inaccessible(path, error))
}

/// Goes on with an emptying that was cut off after the log had gone.
pub(crate) fn finish_emptying(path: &Path) -> Result<()> {
    let inaccessible = |error| inaccessible(path, error);
    match parameters(path)? {
        Some(bytes) if bytes != large::SEGMENT as u64 => {}
        _ => return Ok(()),
    }
    let Some(locked) = locked_log(path)? else {
        return Ok(());
    };
    let log = locked.file();
    // Only now nobody else can write to it.
    if log.metadata().map_err(inaccessible)?.len() > 0 {
        return Ok(());
    }
    remove_remains(path).map_err(inaccessible)
}

/// Removes what an empty log leaves without a meaning.
fn remove_remains(path: &Path) -> io::Result<()> {
    remove_files(&path.join(BLOBS), |_| true)?;
    // They may ask for other segments than this driver's.
    remove_files(path, |name| name == PARAMETERS)
}

/// Removes what is left of a snapshot whose writing was cut off, by a crash or a full device: sled would take it for its
/// newest one.
pub(crate) fn remove_unfinished_snapshots(path: &Path) -> Result<()> {
    let is_unfinished = |name: &OsStr| {
        is_snapshot(name) && name.as_encoded_bytes().ends_with(UNFINISHED.as_bytes())
    };
    let inaccessible = |error| inaccessible(path, error);
    let names = fs::read_dir(path).map_err(inaccessible)?;
    let found = names
        .map_while(io::Result::ok)
        .any(|entry| is_unfinished(&entry.file_name()));
    if !found {
        return Ok(());
    }
    // The holder of the lock may be writing it.
    let Some(_log) = locked_log(path)? else {
        return Ok(());
    };
    remove_files(path, is_unfinished).map_err(inaccessible)
}

/// The log of a database that nobody has open, locked; `None` if there is none.
fn locked_log(path: &Path) -> Result<Option<LockedFile>> {
    let log_path = path.join(LOG);
    match File::options().write(true).open(&log_path) {
        Ok(log) => LockedFile::exclusive(log, path).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(inaccessible(&log_path, error)),
    }
}

fn remove_files(folder: &Path, chosen: impl Fn(&OsStr) -> bool) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        if chosen(&entry.file_name()) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Waits until sled has let go of a database that was closed: its background threads hold the file a moment longer.
pub(crate) fn wait_for_release(path: &Path) {
    let started = Instant::now();
    while let Err(error) = locked_log(path)
        && error.kind() == ErrorKind::Locked
        && started.elapsed() < RELEASE
    {
        thread::sleep(Duration::from_micros(200));
    }
}
