//! A library file: what can be said of it before it runs, and the drivers of those that were loaded.

use std::collections::BTreeMap;
use std::fs::{self, File, Metadata};
use std::io::{self, Read as _, Seek as _};
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use sha2::Digest as _;

use super::driver_file::Sha256;
use super::trust::{Trust, looked_at};
use super::{Refusal, platform, rejected, search};
use crate::abi::DynamicDriver;
use crate::abi::layout::{Entry, SYMBOL_PREFIX};
#[cfg(feature = "tracing")]
use crate::driver::Driver as _;
use crate::driver::DriverError;

/// A file that was opened once it was known to be trusted and to be a file.
#[derive(Debug)]
pub(super) struct OpenFile {
    /// The real path.
    path: PathBuf,
    file: File,
    state: State,
    /// Once it is verified.
    sha256: Option<Sha256>,
}

/// What changes when a file is replaced or written to.
#[derive(Debug, Clone, PartialEq, Eq)]
struct State {
    id: FileId,
    length: u64,
    modified: Option<SystemTime>,
}

/// What was loaded. Held while a library is, so that none is loaded twice.
static LOADED: Mutex<Loaded> = Mutex::new(Loaded {
    drivers: BTreeMap::new(),
    paths: BTreeMap::new(),
});

struct Loaded {
    drivers: BTreeMap<(FileId, String), Known>,
    /// The file that the system knows by each path. It gives that one again, whatever lies there by then. `None` where the
    /// path led to another file than the one that was checked while it was loaded.
    paths: BTreeMap<PathBuf, Option<FileId>>,
}

/// A driver that was loaded, and what its file was then.
struct Known {
    driver: DynamicDriver,
    state: State,
    sha256: Option<Sha256>,
}

impl OpenFile {
    /// Opens a file by its real path.
    pub(super) fn open(path: PathBuf, trust: &Trust) -> Result<Self, Refusal> {
        // What is no file may do something when it is opened.
        inspect(&fs::metadata(&path).map_err(looked_at)?)?;
        let file = open_unblocked(&path).map_err(looked_at)?;
        let metadata = file.metadata().map_err(looked_at)?;
        inspect(&metadata)?;
        trust.check(&path, &metadata, false)?;
        let state = State::of(&path, &metadata).map_err(looked_at)?;
        Ok(Self {
            path,
            file,
            state,
            sha256: None,
        })
    }

    pub(super) fn into_file(self) -> File {
        self.file
    }

    /// Whether the file has this SHA-256. Reads all of it.
    pub(super) fn verify(&mut self, expected: Sha256) -> Result<(), Refusal> {
        let mut hash = sha2::Sha256::new();
        let mut piece = vec![0; 64 * 1024];
        let mut file = &self.file;
        let mut read = || -> io::Result<()> {
            file.rewind()?;
            loop {
                match file.read(&mut piece)? {
                    0 => return Ok(()),
                    length => hash.update(&piece[..length]),
                }
            }
        };
        read().map_err(looked_at)?;
        let found = Sha256(hash.finalize().into());
        if found == expected {
            self.sha256 = Some(found);
            return Ok(());
        }
        Err(Refusal::rejected(format!(
            "its SHA-256 is {found} and the manifest says {expected}; the file is damaged or was exchanged: install the \
             driver again"
        )))
    }

    /// The driver of this name in the library: the one that was loaded before, or a new one.
    pub(super) fn load(&self, name: &str) -> Result<DynamicDriver, Refusal> {
        let mut header = Vec::new();
        let mut file = &self.file;
        file.rewind()
            .and_then(|()| file.take(platform::HEADER).read_to_end(&mut header))
            .map_err(looked_at)?;
        platform::check(&header).map_err(Refusal::rejected)?;
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (self.state.id.clone(), name.to_owned());
        if let Some(known) = loaded.drivers.get_mut(&key) {
            return self.again(known);
        }
        let driver = self.bind(name, &mut loaded)?;
        let known = Known {
            driver,
            state: self.state.clone(),
            sha256: self.sha256,
        };
        loaded.drivers.insert(key, known);
        #[cfg(feature = "tracing")]
        tracing::info!(
            driver = name,
            version = %driver.manifest().version,
            path = %self.path.display(),
            "loaded a driver"
        );
        Ok(driver)
    }

    /// The driver that was loaded from this file before, if the file is still what it was then.
    fn again(&self, known: &mut Known) -> Result<DynamicDriver, Refusal> {
        let has_other_sum =
            self.sha256.is_some() && known.sha256.is_some() && self.sha256 != known.sha256;
        if self.state != known.state || has_other_sum {
            return Err(Refusal::rejected(
                "the file was written to since the driver was loaded from it, and that driver stays; start the program \
                 again to use the new one, and install drivers by renaming a new file to this name",
            ));
        }
        known.sha256 = known.sha256.or(self.sha256);
        Ok(known.driver)
    }

    fn bind(&self, name: &str, loaded: &mut Loaded) -> Result<DynamicDriver, DriverError> {
        if loaded
            .paths
            .get(&self.path)
            .is_some_and(|id| id.as_ref() != Some(&self.state.id))
        {
            return Err(rejected(
                "the file was replaced since another was loaded from this path, and that one stays; start the program \
                 again to use the new one",
            ));
        }
        let library = open_library(&self.path).map_err(|error| {
            rejected(format!(
                "it is no library that can be loaded here: {}; build it for this platform",
                reason(&error)
            ))
            .with_source(error)
        })?;
        loaded
            .paths
            .insert(self.path.clone(), Some(self.state.id.clone()));
        let symbol = format!("{SYMBOL_PREFIX}{}", search::underscored(name));
        // SAFETY: the address is only taken; whether an entry is there is checked behind it.
        let entry = unsafe { library.get::<*const Entry>(symbol.as_bytes()) }
            .map(|symbol| symbol.as_raw_ptr().cast_const().cast::<Entry>())
            .map_err(|error| {
                rejected(format!(
                    "it has no symbol `{symbol}`; export the driver with `netabase_core::export_driver!`"
                ))
                .with_source(error)
            });
        // Whatever it did when it was loaded, such as starting a thread, must not lose its code.
        mem::forget(library);
        if let Err(exchanged) = self.is_unchanged() {
            loaded.paths.insert(self.path.clone(), None);
            return Err(exchanged);
        }
        // SAFETY: the library stays loaded, so that what it exports stays; by the name of the symbol it is an entry, and
        // whoever loads a library vouches for what it exports.
        unsafe { DynamicDriver::from_entry(entry?, name) }
    }

    /// Whether the path still leads to the file that was checked, so that this is the one that was loaded.
    fn is_unchanged(&self) -> Result<(), DriverError> {
        let state = fs::metadata(&self.path).and_then(|metadata| State::of(&self.path, &metadata));
        match state {
            Ok(state) if state == self.state => Ok(()),
            _ => Err(rejected(
                "the file was exchanged while it was loaded; wait until the driver is installed, and start the program \
                 again",
            )),
        }
    }
}

/// Opens what is there, and waits for nobody: it may be a pipe by now.
fn open_unblocked(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;

        let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY;
        options.custom_flags(flags.bits().cast_signed());
    }
    options.open(path)
}

fn inspect(metadata: &Metadata) -> Result<(), Refusal> {
    let reason = if metadata.is_dir() {
        "it is a directory, not a file; remove it or name another place"
    } else if !metadata.is_file() {
        "it is not a regular file; remove it or name another place"
    } else if metadata.len() == 0 {
        "the file is empty; build or copy it again"
    } else {
        return Ok(());
    };
    Err(Refusal::rejected(reason))
}

/// What the platform says; `libloading` itself says only that it failed.
fn reason(error: &libloading::Error) -> String {
    std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string)
}

#[cfg(unix)]
type Library = libloading::os::unix::Library;
#[cfg(windows)]
type Library = libloading::os::windows::Library;

#[cfg(unix)]
fn open_library(path: &Path) -> Result<Library, libloading::Error> {
    use libloading::os::unix::{RTLD_LOCAL, RTLD_NOW};

    // SAFETY: loading runs the library's initialisers; whoever loads a library vouches for it. All symbols are bound now,
    // so that a missing one is an error here and not a crash later; they are not seen by other libraries.
    unsafe { Library::open(Some(path), RTLD_NOW | RTLD_LOCAL) }
}

#[cfg(windows)]
fn open_library(path: &Path) -> Result<Library, libloading::Error> {
    // SAFETY: loading runs the library's initialisers; whoever loads a library vouches for it.
    unsafe { Library::new(path) }
}

impl State {
    fn of(path: &Path, metadata: &Metadata) -> io::Result<Self> {
        Ok(Self {
            id: FileId::of(path, metadata)?,
            length: metadata.len(),
            modified: metadata.modified().ok(),
        })
    }
}

/// What tells one file from another, whatever path leads to it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct FileId {
    #[cfg(unix)]
    device_and_inode: (u64, u64),
    #[cfg(not(unix))]
    path: PathBuf,
}

impl FileId {
    #[cfg(unix)]
    #[allow(
        clippy::unnecessary_wraps,
        reason = "other platforms have to ask for the canonical path"
    )]
    fn of(_: &Path, metadata: &Metadata) -> io::Result<Self> {
        use std::os::unix::fs::MetadataExt as _;

        Ok(Self {
            device_and_inode: (metadata.dev(), metadata.ino()),
        })
    }

    #[cfg(not(unix))]
    fn of(path: &Path, _: &Metadata) -> io::Result<Self> {
        Ok(Self {
            path: fs::canonicalize(path)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_exchanged_or_written_to_after_it_was_opened_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("library");
        let open = || {
            fs::write(&path, "one").unwrap();
            let file = OpenFile::open(path.clone(), &Trust::Anyone).unwrap();
            file.is_unchanged().unwrap();
            file
        };
        let file = open();
        fs::write(folder.path().join("other"), "two").unwrap();
        fs::rename(folder.path().join("other"), &path).unwrap();
        assert!(file.is_unchanged().is_err());
        let file = open();
        fs::write(&path, "longer").unwrap();
        assert!(file.is_unchanged().is_err());
        let file = open();
        fs::remove_file(&path).unwrap();
        assert!(file.is_unchanged().is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_that_took_a_files_place_is_opened_without_waiting_for_its_writer() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        assert!(made.unwrap().success());
        let metadata = open_unblocked(&path).unwrap().metadata().unwrap();
        assert!(inspect(&metadata).is_err());
        assert!(OpenFile::open(path, &Trust::Anyone).is_err());
    }

    /// What lies there while it is loaded stays in the process, also once the first file is there again.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_path_that_led_elsewhere_while_it_was_loaded_is_not_loaded_again() {
        let maps = fs::read_to_string("/proc/self/maps").unwrap();
        let system = maps
            .lines()
            .filter_map(|line| line.split_whitespace().nth(5))
            .find(|path| path.contains("libgcc_s"))
            .expect("Rust programs unwind with it");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("library.so");
        let (first, second) = (folder.path().join("first"), folder.path().join("second"));
        fs::copy(system, &first).unwrap();
        fs::copy(system, &second).unwrap();
        fs::hard_link(&first, &path).unwrap();
        let open = || OpenFile::open(path.clone(), &Trust::Anyone).unwrap();
        let checked = open();
        fs::rename(&second, &path).unwrap();
        let refused = |file: &OpenFile| file.load("none").unwrap_err().into_error().to_string();
        assert!(refused(&checked).contains("exchanged while it was loaded"));
        fs::rename(&first, &path).unwrap();
        let message = refused(&open());
        assert!(message.contains("was replaced"), "{message}");
    }
}
