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
use super::refusal::{Refusal, rejected};
use super::trust::{Trust, looked_at};
use super::{names, platform};
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
#[derive(Debug, Clone)]
struct State {
    id: FileId,
    length: u64,
    modified: Option<SystemTime>,
    /// When anything of it changed, its names and rights included, in seconds and nanoseconds, where the system keeps that
    /// time: a writer can set the time of modification back, but not this one.
    changed: Option<(i64, i64)>,
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
        let found = self.sum().map_err(looked_at)?;
        if found == expected {
            self.sha256 = Some(found);
            return Ok(());
        }
        Err(Refusal::rejected(format!(
            "its SHA-256 is {found} and the manifest says {expected}; the file is damaged or was exchanged: install the \
             driver again"
        )))
    }

    fn sum(&self) -> io::Result<Sha256> {
        let mut hash = sha2::Sha256::new();
        let mut piece = vec![0; 64 * 1024];
        let mut file = &self.file;
        file.rewind()?;
        loop {
            match file.read(&mut piece)? {
                0 => return Ok(Sha256(hash.finalize().into())),
                length => hash.update(&piece[..length]),
            }
        }
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
        if !self.state.is_as_written(&known.state) || has_other_sum {
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
        let handle = Handle::of(self)?;
        let library = open_library(handle.path()).map_err(|error| {
            let reason = reason(&error).replace(
                &*handle.path().to_string_lossy(),
                &self.path.to_string_lossy(),
            );
            rejected(format!(
                "it is not a library that can be loaded here: {reason}; build it for this platform"
            ))
            .with_source(error)
        })?;
        handle.keep();
        loaded
            .paths
            .insert(self.path.clone(), Some(self.state.id.clone()));
        let symbol = format!("{SYMBOL_PREFIX}{}", names::underscored(name));
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
        let entry = entry?;
        if !self.holds(entry) {
            return Err(rejected(format!(
                "it has no symbol `{symbol}` of its own, and another library that it needs has one; export the driver \
                 with `netabase_core::export_driver!`"
            )));
        }
        // SAFETY: the library stays loaded, so that what it exports stays; by the name of the symbol it is an entry, and
        // the caller who loads a library vouches for what it exports.
        unsafe { DynamicDriver::from_entry(entry, name) }
    }

    /// Whether what the library exports lies in the file that was checked, as far as the system can say.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn holds(&self, entry: *const Entry) -> bool {
        use std::ffi::{CStr, OsStr};
        use std::os::unix::ffi::OsStrExt as _;

        let mut found = mem::MaybeUninit::<libc::Dl_info>::zeroed();
        // SAFETY: the function takes any address, and writes to what it is given alone.
        let is_found = unsafe { libc::dladdr(entry.cast(), found.as_mut_ptr()) } != 0;
        // SAFETY: it is made of pointers, which may all be null.
        let found = unsafe { found.assume_init() };
        if !is_found || found.dli_fname.is_null() {
            return true;
        }
        // SAFETY: it is a text that ends with a zero, and belongs to a library that stays loaded.
        let file = unsafe { CStr::from_ptr(found.dli_fname) };
        let file = Path::new(OsStr::from_bytes(file.to_bytes()));
        let id = fs::metadata(file).and_then(|metadata| FileId::of(file, &metadata));
        id.map_or(true, |id| id == self.state.id)
    }

    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    fn holds(&self, _: *const Entry) -> bool {
        true
    }

    /// Whether the path still leads to the file that was checked, so that this is the one that was loaded.
    fn is_unchanged(&self) -> Result<(), DriverError> {
        let state = fs::metadata(&self.path).and_then(|metadata| State::of(&self.path, &metadata));
        let is_unchanged = state.is_ok_and(|state| {
            // A change of its names or rights alone is none. Where the sum counts, what is in it does.
            state.is_as_written(&self.state)
                && (state.changed == self.state.changed
                    || self
                        .sha256
                        .is_none_or(|expected| self.sum().is_ok_and(|found| found == expected)))
        });
        match is_unchanged {
            true => Ok(()),
            false => Err(rejected(
                "the file was exchanged while it was loaded; wait until the driver is installed, and start the program \
                 again",
            )),
        }
    }
}

/// What a checked file is loaded by: a path that leads to it even if another file has its place by now, where the system
/// has one, and else its own.
struct Handle<'a> {
    checked: &'a OpenFile,
    /// The file, and the path that leads to it for as long as it is open.
    open: Option<(File, PathBuf)>,
}

impl<'a> Handle<'a> {
    fn of(checked: &'a OpenFile) -> Result<Self, DriverError> {
        let open = Self::open(checked);
        let handle = Self { checked, open };
        // The system puts other words in the place of those that begin so, and loads what it finds by them.
        let expands = cfg!(all(unix, not(target_vendor = "apple")));
        if expands && handle.path().as_os_str().as_encoded_bytes().contains(&b'$') {
            return Err(rejected(
                "its path has a `$`, and the system would put something else there; move the driver to a path without one",
            ));
        }
        Ok(handle)
    }

    #[cfg(target_os = "linux")]
    fn open(checked: &OpenFile) -> Option<(File, PathBuf)> {
        use std::os::fd::AsRawFd as _;

        // Its own libraries are looked for beside it, which no longer shows by such a path.
        if super::elf::names_its_place(&checked.file) {
            return None;
        }
        let file = checked.file.try_clone().ok()?;
        let path = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
        let id = fs::metadata(&path).and_then(|metadata| FileId::of(&path, &metadata));
        (id.ok()? == checked.state.id).then_some((file, path))
    }

    #[cfg(not(target_os = "linux"))]
    fn open(_: &OpenFile) -> Option<(File, PathBuf)> {
        None
    }

    fn path(&self) -> &Path {
        match &self.open {
            Some((_, path)) => path,
            None => &self.checked.path,
        }
    }

    /// Keeps the file open for good: the system knows the library by this path now, and must never find another file by it.
    fn keep(self) {
        if let Some((file, _)) = self.open {
            mem::forget(file);
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

    // SAFETY: loading runs the library's initialisers; the caller who loads a library vouches for it. All symbols are bound now,
    // so that a missing one is an error here and not a crash later; they are not seen by other libraries.
    unsafe { Library::open(Some(path), RTLD_NOW | RTLD_LOCAL) }
}

#[cfg(windows)]
fn open_library(path: &Path) -> Result<Library, libloading::Error> {
    // SAFETY: loading runs the library's initialisers; the caller who loads a library vouches for it.
    unsafe { Library::new(path) }
}

impl State {
    fn of(path: &Path, metadata: &Metadata) -> io::Result<Self> {
        #[cfg(unix)]
        let changed = {
            use std::os::unix::fs::MetadataExt as _;

            Some((metadata.ctime(), metadata.ctime_nsec()))
        };
        #[cfg(not(unix))]
        let changed = None;
        Ok(Self {
            id: FileId::of(path, metadata)?,
            length: metadata.len(),
            modified: metadata.modified().ok(),
            changed,
        })
    }

    /// Whether nothing was written since, as far as times of modification are right. What changes beside them, such as the
    /// number of the file's names, may.
    fn is_as_written(&self, other: &Self) -> bool {
        (&self.id, self.length, self.modified) == (&other.id, other.length, other.modified)
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
        #[cfg(unix)]
        {
            let mut file = open();
            let sum = file.sum().unwrap();
            assert!(file.verify(sum).is_ok());
            fs::hard_link(&path, folder.path().join("other")).unwrap();
            file.is_unchanged().unwrap();
            let modified = file.state.modified.unwrap();
            let written = File::options().write(true).open(&path).unwrap();
            io::Write::write_all(&mut &written, b"two").unwrap();
            written.set_modified(modified).unwrap();
            assert!(file.is_unchanged().is_err(), "its time was set back");
        }
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

    #[cfg(target_os = "linux")]
    #[test]
    fn what_was_checked_is_loaded_whatever_has_its_place() {
        let maps = fs::read_to_string("/proc/self/maps").unwrap();
        let system = maps
            .lines()
            .filter_map(|line| line.split_whitespace().nth(5))
            .find(|path| path.contains("libgcc_s"))
            .expect("Rust programs unwind with it");
        let folder = tempfile::tempdir().unwrap();
        // The system would look for a place of this name elsewhere.
        let path = folder.path().join("$ORIGIN").join("library.so");
        fs::create_dir(path.parent().unwrap()).unwrap();
        fs::copy(system, &path).unwrap();
        let refused = |file: &OpenFile| file.load("none").unwrap_err().into_error().to_string();
        let open = || OpenFile::open(path.clone(), &Trust::Anyone).unwrap();
        let message = refused(&open());
        assert!(message.contains("no symbol"), "{message}");
        let other = folder.path().join("other.so");
        fs::copy(system, &other).unwrap();
        let checked = OpenFile::open(other.clone(), &Trust::Anyone).unwrap();
        fs::write(folder.path().join("text"), "no library").unwrap();
        fs::rename(folder.path().join("text"), &other).unwrap();
        let message = refused(&checked);
        assert!(message.contains("exchanged while"), "{message}");
    }

    #[cfg(all(unix, not(target_vendor = "apple")))]
    #[test]
    fn a_path_that_the_system_reads_otherwise_is_never_loaded_by() {
        let folder = tempfile::tempdir().unwrap();
        for (name, is_refused) in [("$LIB", true), ("a${x}", true), ("lib", false)] {
            let path = folder.path().join(name);
            fs::write(&path, "a library whose head says nothing of its needs").unwrap();
            let file = OpenFile::open(path, &Trust::Anyone).unwrap();
            let message = file.load("none").unwrap_err().into_error().to_string();
            assert_eq!(message.contains("has a `$`"), is_refused, "{message}");
        }
    }
}
