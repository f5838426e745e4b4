//! A file whose creation was cut off, by a crash or a loss of power: it holds nothing, and is not a database yet.
//!
//! redb gives a new file its length, writes a header without its mark, and adds the mark once the rest is on the disk.
//! A file that was cut off before that is refused by redb for good. Such a file is recognised by what redb writes into
//! a new one, byte for byte; any other file without the mark is somebody else's.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use netabase_core::driver::kit::lock::LockedFile;
use redb::{Builder, StorageBackend};

/// Whether the creation of this file was cut off.
pub(crate) fn is_unfinished(path: &Path) -> io::Result<bool> {
    is_cut_off(&File::open(path)?)
}

/// Empties the file, so that redb creates it anew, if its creation was cut off. Whether it was.
///
/// A file that somebody has open, and may be creating, is left as it is.
pub(crate) fn discard_unfinished(path: &Path) -> io::Result<bool> {
    let file = OpenOptions::new().read(true).write(true).open(path)?;
    let Ok(locked) = LockedFile::exclusive(file, path) else {
        return Ok(false);
    };
    let file = locked.file();
    if !is_cut_off(file)? {
        return Ok(false);
    }
    file.set_len(0)?;
    file.sync_data()?;
    Ok(true)
}

fn is_cut_off(mut file: &File) -> io::Result<bool> {
    let unfinished = Unfinished::new();
    if file.metadata()?.len() != unfinished.len() {
        return Ok(false);
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(unfinished.explains(&bytes))
}

/// What redb leaves of a new file that it cannot finish.
struct Unfinished(Vec<u8>);

impl Unfinished {
    fn new() -> Self {
        let disk = CutOffDisk::default();
        // It fails, at the first sync.
        let _ = Builder::new().create_with_backend(disk.clone());
        Self(disk.with(std::mem::take))
    }

    fn len(&self) -> u64 {
        self.0.len() as u64
    }

    /// Whether these bytes are what is left: the header may not have reached the disk.
    fn explains(&self, bytes: &[u8]) -> bool {
        !bytes.is_empty()
            && bytes.len() == self.0.len()
            && (bytes == self.0 || bytes.iter().all(|&byte| byte == 0))
    }
}

/// A file in memory that fails when it is to be on the disk.
#[derive(Debug, Clone, Default)]
struct CutOffDisk(Arc<Mutex<Vec<u8>>>);

impl CutOffDisk {
    fn with<R>(&self, run: impl FnOnce(&mut Vec<u8>) -> R) -> R {
        run(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl StorageBackend for CutOffDisk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.with(|bytes| bytes.len() as u64))
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.with(|bytes| {
            out.copy_from_slice(range(bytes, offset, out.len())?);
            Ok(())
        })
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let len = usize::try_from(len).map_err(io::Error::other)?;
        self.with(|bytes| bytes.resize(len, 0));
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.with(|bytes| {
            range(bytes, offset, data.len())?.copy_from_slice(data);
            Ok(())
        })
    }
}

fn range(bytes: &mut [u8], offset: u64, len: usize) -> io::Result<&mut [u8]> {
    usize::try_from(offset)
        .ok()
        .and_then(|start| bytes.get_mut(start..start.checked_add(len)?))
        .ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}

#[cfg(test)]
mod tests {
    use netabase_core::driver::{Database, Driver, ErrorKind, OpenConfig};

    use super::*;
    use crate::Redb;

    /// Each state that a cut leaves behind, before the file is a database.
    fn states() -> [Vec<u8>; 2] {
        let header = Unfinished::new().0;
        assert!(header[..16].iter().any(|&byte| byte != 0) && header[..9] == [0; 9]);
        [vec![0; header.len()], header]
    }

    fn assert_kind(config: &OpenConfig<'_>, kind: ErrorKind) {
        assert_eq!(Redb.open(config).unwrap_err().kind(), kind);
    }

    #[test]
    fn it_is_created_anew_where_that_is_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data.redb");
        for state in states() {
            std::fs::write(&path, &state).unwrap();
            let plain = OpenConfig::new(&path);
            for config in [
                OpenConfig {
                    create_if_missing: false,
                    ..plain
                },
                OpenConfig {
                    read_only: true,
                    ..plain
                },
            ] {
                assert_kind(&config, ErrorKind::NotFound);
                assert_eq!(std::fs::read(&path).unwrap(), state);
            }
            let store = Redb.open(&plain).unwrap();
            store.begin_write().unwrap();
        }
    }

    #[test]
    fn a_file_that_differs_in_one_byte_is_somebody_elses() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data.redb");
        for state in states() {
            let last = state.len() - 1;
            for place in [0, 8, 9, 100, 5_000, last] {
                let mut other = state.clone();
                other[place] ^= 1;
                std::fs::write(&path, &other).unwrap();
                assert_kind(&OpenConfig::new(&path), ErrorKind::Corrupt);
                assert_eq!(std::fs::read(&path).unwrap(), other);
            }
            for other in [&state[..last], &[&state[..], &[0]].concat()] {
                std::fs::write(&path, other).unwrap();
                assert_kind(&OpenConfig::new(&path), ErrorKind::Corrupt);
                assert_eq!(std::fs::read(&path).unwrap(), other);
            }
        }
    }

    #[test]
    fn it_is_left_to_who_has_it_open() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data.redb");
        for state in states() {
            std::fs::write(&path, &state).unwrap();
            let other = File::open(&path).unwrap();
            other.lock().unwrap();
            assert!(!discard_unfinished(&path).unwrap());
            assert_kind(&OpenConfig::new(&path), ErrorKind::Locked);
            assert_eq!(std::fs::read(&path).unwrap(), state);
        }
    }
}
